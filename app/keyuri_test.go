package app

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/trinebridge/trine/signing"
	"github.com/trinebridge/trine/signing/filesigner"
)

// A key that was named from the working directory is the same key from another folder.
func TestMoveKeyURI(t *testing.T) {
	root := t.TempDir()
	t.Chdir(root)
	if err := os.MkdirAll("my keys/50% off", 0o700); err != nil {
		t.Fatal(err)
	}
	key, err := signing.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"payer.json", "my keys/50% off/payer+1.json"} {
		if err := filesigner.Create(name, key, "secret", filesigner.CostLight); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"pw", "my keys/p w+"} {
		if err := os.WriteFile(name, []byte("secret\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PAYER_PASSWORD", "secret")
	want := signing.NewKeySigner(key).Address()
	for uri, moved := range map[string]string{
		"file:payer.json?password-file=pw":                                    "file:../payer.json?password-file=../pw",
		"file:./payer.json?password-file=my%20keys/p%20w%2B":                  "file:../payer.json?password-file=../my+keys/p+w%2B",
		"file:my%20keys/50%25%20off/payer+1.json?password-env=PAYER_PASSWORD": "file:../my%20keys/50%25%20off/payer+1.json?password-env=PAYER_PASSWORD",
		"file:" + root + "/payer.json?password-file=" + root + "/pw":          "file:" + root + "/payer.json?password-file=" + root + "/pw",
		"file://" + root + "/payer.json?password-file=pw":                     "file:" + root + "/payer.json?password-file=../pw",
	} {
		for _, dir := range []string{"net", filepath.Join(root, "net")} {
			got, err := moveKeyURI(uri, dir)
			if err != nil || got != moved {
				t.Errorf("%s became %s, %v, want %s", uri, got, err, moved)
				continue
			}
			opened, err := filesigner.Open(context.Background(), got, filesigner.Options{Dir: dir})
			if err != nil || opened.Address() != want {
				t.Errorf("%s does not open the key that %s named: %v", got, uri, err)
			}
		}
	}
	for _, uri := range []string{"env:PAYER", "vault-kv:secret/payer"} {
		if got, err := moveKeyURI(uri, "net"); err != nil || got != uri {
			t.Errorf("%s became %s, %v", uri, got, err)
		}
	}
	for uri, fault := range map[string]string{
		"file:none.json?password-file=pw":    "key file: stat none.json",
		"file:payer.json?password-file=none": "password file: stat none",
		"file:":                              "needs a path",
		"file:%zz":                           "needs a path",
		"file:payer.json?password-file=%zz":  "its password-file cannot be read",
	} {
		if _, err := moveKeyURI(uri, "net"); err == nil || !strings.Contains(err.Error(), fault) {
			t.Errorf("%s: error is %v, want %q", uri, err, fault)
		}
	}
}
