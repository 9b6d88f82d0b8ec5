package filesigner_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/trinebridge/trine/signing"
	"github.com/trinebridge/trine/signing/filesigner"
)

// seedHex is the seed of every Ed25519 key here.
const seedHex = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"

// keyArray is the seed and its public key as Solana's tools write them.
func keyArray(t testing.TB) string {
	t.Helper()
	seed, err := hex.DecodeString(seedHex)
	if err != nil {
		t.Fatal(err)
	}
	var numbers []int
	for _, b := range ed25519.NewKeyFromSeed(seed) {
		numbers = append(numbers, int(b))
	}
	out, err := json.Marshal(numbers)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func payers(t testing.TB) (dir string, o filesigner.Options) {
	t.Helper()
	dir = t.TempDir()
	array := keyArray(t)
	writeFile(t, filepath.Join(dir, "id.json"), array+"\n", 0o600)
	writeFile(t, filepath.Join(dir, "open.json"), array, 0o644)
	writeFile(t, filepath.Join(dir, "short.json"), "[1,2,3]", 0o600)
	writeFile(t, filepath.Join(dir, "swapped.json"), strings.Replace(array, "[157,", "[158,", 1), 0o600)
	writeFile(t, filepath.Join(dir, "pw"), password, 0o600)
	env := map[string]string{"SEED": "0x" + seedHex, "ARRAY": array, "STRING": `"` + strings.Repeat("A", 86) + `=="`, "SHORT": seedHex[:62]}
	return dir, filesigner.Options{Dir: dir, LookupEnv: func(name string) (string, bool) { v, ok := env[name]; return v, ok }}
}

func TestOpenEd25519(t *testing.T) {
	_, o := payers(t)
	seed, err := hex.DecodeString(seedHex)
	if err != nil {
		t.Fatal(err)
	}
	want := []byte(ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey))
	for _, uri := range []string{"file:id.json", "env:SEED", "env:ARRAY"} {
		key, err := filesigner.OpenPayer(t.Context(), uri, signing.Ed25519, o)
		if err != nil || !bytes.Equal(key.PayerKey(), want) || key.Curve() != signing.Ed25519 {
			t.Errorf("%s: %v, %v", uri, key, err)
		}
	}
}

func TestCreatePayer(t *testing.T) {
	dir, o := payers(t)
	for _, curve := range []signing.Curve{signing.Secp256k1, signing.Ed25519} {
		path := filepath.Join(dir, curve.String()+".json")
		made, err := filesigner.CreatePayer(path, curve, password, filesigner.CostLight)
		if err != nil {
			t.Fatal(err)
		}
		uri := "file:" + curve.String() + ".json?password-file=pw"
		opened, err := filesigner.OpenPayer(t.Context(), uri, curve, o)
		if err != nil || !bytes.Equal(opened.PayerKey(), made.PayerKey()) {
			t.Fatalf("%s: opened %v, %v", curve, opened, err)
		}
		if _, err := filesigner.CreatePayer(path, curve, password, filesigner.CostLight); err == nil || !strings.Contains(err.Error(), "exists already") {
			t.Errorf("%s: a key is overwritten: %v", curve, err)
		}
		if other, err := filesigner.OpenPayer(t.Context(), uri, 1-curve, o); err == nil || other != nil {
			t.Errorf("a key of %s opens as one of %s", curve, 1-curve)
		}
		if _, err := filesigner.CreatePayer(path+"2", curve, "", filesigner.CostLight); err == nil {
			t.Errorf("%s: a key is written without a password", curve)
		}
	}
}

func TestEd25519Refusals(t *testing.T) {
	dir, o := payers(t)
	made, err := filesigner.CreatePayer(filepath.Join(dir, "made.json"), signing.Ed25519, password, filesigner.CostLight)
	if err != nil {
		t.Fatal(err)
	}
	content := readFile(t, filepath.Join(dir, "made.json"))
	named := hex.EncodeToString(made.PayerKey())
	writeFile(t, filepath.Join(dir, "renamed.json"), strings.Replace(content, named, strings.Repeat("11", 32), 1), 0o600)
	writeFile(t, filepath.Join(dir, "wrong-pw"), "wrong", 0o600)
	for uri, want := range map[string]string{
		"file:open.json":                        "chmod 600",
		"file:short.json":                       "not an array of 64 numbers",
		"file:swapped.json":                     "is not the public key",
		"file:renamed.json?password-file=pw":    "another public key",
		"file:made.json":                        "nobody can be asked",
		"file:made.json?password-file=wrong-pw": "the password does not open it",
		"file:none.json":                        "no such file",
		"env:STRING":                            "64 hex digits",
		"env:SHORT":                             "64 hex digits",
		"env:NONE":                              "is not set",
		"vault:x":                               "file:PATH or env:NAME",
	} {
		key, err := filesigner.OpenPayer(t.Context(), uri, signing.Ed25519, o)
		if err == nil || key != nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, error %v; want %q", uri, key, err, want)
		}
		if err != nil && (strings.Contains(err.Error(), seedHex[:8]) || strings.Contains(err.Error(), "157,97")) {
			t.Errorf("%s: the error shows a part of the seed: %v", uri, err)
		}
	}
}

// FuzzPayerFile has any bytes as a key file: an error or a key, never a panic.
func FuzzPayerFile(f *testing.F) {
	dir := f.TempDir()
	if _, err := filesigner.CreatePayer(filepath.Join(dir, "made.json"), signing.Ed25519, password, filesigner.CostLight); err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(keyArray(f)))
	f.Add([]byte(readFile(f, filepath.Join(dir, "made.json"))))
	f.Add([]byte(`{"version":3,"curve":"ed25519"}`))
	f.Add([]byte(`[null]`))
	asked := func(context.Context, string) (string, error) { return "wrong", context.Canceled } // the derivation is not what is tried here
	f.Fuzz(func(t *testing.T, content []byte) {
		writeFile(t, filepath.Join(dir, "key.json"), string(content), 0o600)
		key, err := filesigner.OpenPayer(t.Context(), "file:key.json", signing.Ed25519, filesigner.Options{Dir: dir, Prompt: asked})
		if (err == nil) == (key == nil) {
			t.Fatalf("key %v with error %v", key, err)
		}
	})
}

func readFile(t testing.TB, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
