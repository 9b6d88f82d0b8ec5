package filesigner_test

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/crypto"

	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/signing"
	"github.com/trinebridge/trine/signing/filesigner"
)

const password = "correct horse battery "

// keyHex is the key of every test here; no error may contain a run of its digits.
const keyHex = "4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318"

func writeFile(t testing.TB, path, content string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

// folder has key.json, its password in pw, and the variables KEY and PW.
func folder(t testing.TB) (dir string, o filesigner.Options) {
	t.Helper()
	dir = t.TempDir()
	key, err := crypto.HexToECDSA(keyHex)
	if err != nil {
		t.Fatal(err)
	}
	if err := filesigner.Create(filepath.Join(dir, "key.json"), key, password, filesigner.CostLight); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "pw"), password+"\r\n", 0o600)
	env := map[string]string{"KEY": "0x" + keyHex + "\n", "BARE": keyHex, "PW": password + "x", "EMPTY": " ", "BAD": keyHex[:62] + "zz", "SHORT": keyHex[:60], "ZERO": strings.Repeat("0", 64)}
	return dir, filesigner.Options{Dir: dir, LookupEnv: func(name string) (string, bool) { v, ok := env[name]; return v, ok }}
}

func TestOpen(t *testing.T) {
	dir, o := folder(t)
	prompted := o
	asked := ""
	prompted.Prompt = func(_ context.Context, path string) (string, error) { asked = path; return password, nil }
	key, err := crypto.HexToECDSA(keyHex)
	if err != nil {
		t.Fatal(err)
	}
	for uri, opts := range map[string]filesigner.Options{
		"file:key.json?password-file=pw":                         o,
		"file:" + dir + "/key.json?password-file=" + dir + "/pw": {},
		"file://" + dir + "/key.json?password-file=pw":           o,
		"file:k%65y.json?password-file=%70w":                     o,
		"file:key.json":                                          prompted,
		"env:KEY":                                                o,
		"env:BARE":                                               o,
	} {
		s, err := filesigner.Openers(opts).Open(t.Context(), uri)
		if err != nil {
			t.Errorf("%s: %v", uri, err)
			continue
		}
		if s.PublicKey() != signing.PublicKeyOf(key) {
			t.Errorf("%s: another key", uri)
		}
		digest := codec.Keccak([]byte(uri))
		sig, err := s.Sign(t.Context(), signing.Statement{Digest: digest})
		if err != nil || !sig.Verify(s.PublicKey(), digest) {
			t.Errorf("%s: signature: %v", uri, err)
		}
	}
	if want := filepath.Join(dir, "key.json"); asked != want {
		t.Errorf("asked for the password of %q, want %q", asked, want)
	}
}

// leaks reports whether text holds a part of the key or the password.
func leaks(text string) bool {
	if strings.Contains(text, "correct") || strings.Contains(text, "battery") {
		return true
	}
	for i := 0; i+6 <= len(keyHex); i++ {
		if strings.Contains(text, keyHex[i:i+6]) {
			return true
		}
	}
	return false
}

func TestRefusals(t *testing.T) {
	dir, o := folder(t)
	in := func(name string) string { return filepath.Join(dir, name) }
	content, err := os.ReadFile(in("key.json"))
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, in("open.json"), string(content), 0o640)
	writeFile(t, in("openpw"), password, 0o604)
	writeFile(t, in("emptypw"), "\n", 0o600)
	writeFile(t, in("wrongpw"), "wrong", 0o600)
	writeFile(t, in("large.json"), strings.Repeat(" ", 17<<10), 0o600)
	writeFile(t, in("raw.json"), keyHex, 0o600)
	prompted := o
	prompted.Prompt = func(context.Context, string) (string, error) { return "", errors.New("terminal went away") }
	for _, c := range []struct {
		uri  string
		o    filesigner.Options
		want []string
	}{
		{"file:absent.json?password-file=pw", o, []string{in("absent.json"), "no such file"}},
		{"file:open.json?password-file=pw", o, []string{in("open.json"), "0640", "chmod 600 " + in("open.json")}},
		{"file:key.json?password-file=openpw", o, []string{in("openpw"), "0604", "chmod 600"}},
		{"file:key.json?password-file=emptypw", o, []string{in("emptypw"), "empty"}},
		{"file:key.json?password-file=absent", o, []string{in("absent")}},
		{"file:key.json?password-file=wrongpw", o, []string{in("key.json"), "password does not open it"}},
		{"file:key.json?password-env=PW", o, []string{in("key.json"), "password does not open it"}},
		{"file:key.json?password-env=ABSENT", o, []string{in("key.json"), "ABSENT", "not set"}},
		{"file:key.json?password-env=EMPTY", o, []string{"EMPTY", "not set"}},
		{"file:key.json?password-env=" + password, o, []string{"not one"}},
		{"file:key.json?password=" + keyHex, o, []string{"neither password-file nor password-env"}},
		{"file:key.json?" + keyHex, o, []string{"neither password-file nor password-env"}},
		{"file:key.json?password-file=pw&password-env=PW", o, []string{"leave one out"}},
		{"file:key.json?password-file=pw&password-file=pw", o, []string{"twice"}},
		{"file:key.json?password-file=%zz", o, []string{"cannot be read"}},
		{"file:key.json", o, []string{in("key.json"), "?password-file=PATH"}},
		{"file:key.json", prompted, []string{in("key.json"), "terminal went away"}},
		{"file:large.json?password-file=pw", o, []string{in("large.json"), "larger than"}},
		{"file:raw.json?password-file=pw", o, []string{in("raw.json"), "not the JSON"}},
		{"file:.?password-file=pw", o, []string{dir, "not a regular file"}},
		{"file:", o, []string{"needs a path"}},
		{"file:%zz", o, []string{"needs a path"}},
		{"file://host/key.json", o, []string{"names no host"}},
		{"env:", o, []string{"not one"}},
		{"env:" + keyHex, o, []string{"does not belong there"}},
		{"env:ABSENT", o, []string{"ABSENT", "not set"}},
		{"env:BAD", o, []string{"BAD", "64 hex digits"}},
		{"env:SHORT", o, []string{"SHORT", "64 hex digits"}},
		{"env:ZERO", o, []string{"ZERO", "secp256k1"}},
		{keyHex, o, []string{"env:, file:"}},
		{keyHex + ":x", o, []string{"env:, file:"}},
		{"", o, []string{"env:, file:"}},
	} {
		s, err := filesigner.Openers(c.o).Open(t.Context(), c.uri)
		if err == nil || s != nil {
			t.Errorf("%s: accepted", c.uri)
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v: lacks %q", c.uri, err, want)
			}
		}
		if leaks(err.Error()) {
			t.Errorf("%s: %v: contains a secret", c.uri, err)
		}
	}
	if _, err := filesigner.Open(t.Context(), "vault:x", o); err == nil || !strings.Contains(err.Error(), "env:NAME") {
		t.Errorf("Open of another scheme: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := filesigner.Open(ctx, "file:key.json?password-file=pw", o); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestCreate(t *testing.T) {
	dir, o := folder(t)
	path := filepath.Join(dir, "key.json")
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode() != 0o600 {
		t.Errorf("mode is %v, want 0600", info.Mode())
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(before), keyHex[:8]) {
		t.Error("the key file holds the key in clear")
	}
	other, err := signing.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	if err := filesigner.Create(path, other, "x", filesigner.CostLight); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("overwriting: %v, want a refusal that names the file", err)
	}
	if after, err := os.ReadFile(path); err != nil || string(after) != string(before) {
		t.Errorf("the file was changed: %v", err)
	}
	if err := filesigner.Create(filepath.Join(dir, "new.json"), other, "", filesigner.CostLight); err == nil {
		t.Error("empty password accepted")
	}
	if err := filesigner.Create(filepath.Join(dir, "no", "new.json"), other, "x", filesigner.CostLight); err == nil {
		t.Error("a folder that is not there: accepted")
	}
	if _, err := filesigner.Open(t.Context(), "file:key.json?password-file=pw", o); err != nil {
		t.Error(err)
	}
}

// Standard files of other tools open too.
func TestForeignFiles(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "pw"), "testpassword", 0o600)
	// The two examples of the Web3 Secret Storage Definition, version 3.
	for name, content := range map[string]string{
		"scrypt": `{"crypto":{"cipher":"aes-128-ctr","cipherparams":{"iv":"83dbcc02d8ccb40e466191a123791e0e"},"ciphertext":"d172bf743a674da9cdad04534d56926ef8358534d458fffccd4e6ad2fbde479c","kdf":"scrypt","kdfparams":{"dklen":32,"n":262144,"r":1,"p":8,"salt":"ab0c7876052600dd703518d6fc3fe8984592145b591fc8fb5c6d43190334ba19"},"mac":"2103ac29920d71da29f15d75b4a16dbe95cfd7ff8faea1056c33131d846e3097"},"id":"3198bc9c-6672-5ab3-d995-4942343ae5b6","version":3}`,
		"pbkdf2": `{"crypto":{"cipher":"aes-128-ctr","cipherparams":{"iv":"6087dab2f9fdbbfaddc31a909735c1e6"},"ciphertext":"5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46","kdf":"pbkdf2","kdfparams":{"c":262144,"dklen":32,"prf":"hmac-sha256","salt":"ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd"},"mac":"517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2"},"id":"3198bc9c-6672-5ab3-d995-4942343ae5b6","version":3}`,
	} {
		writeFile(t, filepath.Join(dir, name), content, 0o600)
		s, err := filesigner.Open(t.Context(), "file:"+name+"?password-file=pw", filesigner.Options{Dir: dir})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		key, err := crypto.HexToECDSA("7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d")
		if err != nil {
			t.Fatal(err)
		}
		if s.PublicKey() != signing.PublicKeyOf(key) {
			t.Errorf("%s: another key", name)
		}
	}
}

// Spoilt and hostile key files: an error that names the file and the field.
func TestHostileKeyFiles(t *testing.T) {
	dir, o := folder(t)
	good, err := os.ReadFile(filepath.Join(dir, "key.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		path  string // of the field
		value any
		want  string
	}{
		{"version", 1, "version 1"}, {"version", "3", "not the JSON"}, {"crypto", nil, "cipher"}, {"crypto.cipher", "aes-256", "cipher"},
		{"crypto.ciphertext", "00", "ciphertext"}, {"crypto.cipherparams.iv", "00", "iv"}, {"crypto.mac", "zz", "mac"},
		{"crypto.mac", hex.EncodeToString(make([]byte, 32)), "password does not open it"},
		{"crypto.kdf", "argon2", "neither"}, {"crypto.kdf", "pbkdf2", "pbkdf2"},
		{"crypto.kdfparams.n", 1 << 40, "scrypt parameters"}, {"crypto.kdfparams.n", 3, "scrypt parameters"}, {"crypto.kdfparams.n", -4, "scrypt parameters"},
		{"crypto.kdfparams.n", "4096", "not the JSON"}, {"crypto.kdfparams.n", nil, "scrypt parameters"},
		{"crypto.kdfparams.r", 1 << 40, "scrypt parameters"}, {"crypto.kdfparams.r", 0, "scrypt parameters"}, {"crypto.kdfparams.p", 1 << 20, "scrypt parameters"}, {"crypto.kdfparams.p", 1 << 62, "scrypt parameters"},
		{"crypto.kdfparams.dklen", 16, "16 bytes"}, {"crypto.kdfparams.dklen", 1 << 40, "want 32 to 64"},
		{"crypto.kdfparams.salt", "", "salt"}, {"crypto.kdfparams.salt", 7, "not the JSON"},
		{"address", strings.Repeat("11", 20), "another address"},
	} {
		var file map[string]any
		if err := json.Unmarshal(good, &file); err != nil {
			t.Fatal(err)
		}
		set(file, strings.Split(c.path, "."), c.value)
		content, err := json.Marshal(file)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, "hostile.json")
		writeFile(t, path, string(content), 0o600)
		_, err = filesigner.Open(t.Context(), "file:hostile.json?password-file=pw", o)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s = %v: %v, want %q and the path", c.path, c.value, err, c.want)
		}
	}
}

func set(m map[string]any, path []string, value any) {
	if len(path) == 1 {
		m[path[0]] = value
		return
	}
	set(m[path[0]].(map[string]any), path[1:], value)
}

// No key file makes it panic, whatever its fields, and none but the right one opens.
func FuzzKeyFile(f *testing.F) {
	dir, o := folder(f)
	good, err := os.ReadFile(filepath.Join(dir, "key.json"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(good))
	f.Add(strings.Replace(string(good), `"n":`, `"N":`, 1))
	f.Add(strings.Replace(string(good), `"n":4096`, `"n":2`, 1))
	f.Add(`{"version":3,"crypto":{"kdfparams":null}}`)
	f.Fuzz(func(t *testing.T, content string) {
		path := filepath.Join(t.TempDir(), "fuzzed.json")
		writeFile(t, path, content, 0o600)
		s, err := filesigner.Open(t.Context(), "file:"+path+"?password-file=pw", o)
		if err == nil && s.Address().IsZero() {
			t.Error("opened to no key")
		}
		if err != nil && leaks(err.Error()) {
			t.Errorf("%v: contains a secret", err)
		}
	})
}
