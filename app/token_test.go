package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestToken(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, tokenFile)
	made, err := loadOrCreateToken(path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o600 {
		t.Fatalf("the file has mode %v (%v), want 0600", info.Mode(), err)
	}
	if len(made) < 2*minToken {
		t.Errorf("the token has %d characters", len(made))
	}
	again, err := loadOrCreateToken(path)
	if err != nil || again != made {
		t.Errorf("the second start has another token: %v", err)
	}
	if read, err := ReadToken(path); err != nil || read != made {
		t.Errorf("the operator reads another token: %v", err)
	}
	other, err := loadOrCreateToken(filepath.Join(t.TempDir(), tokenFile))
	if err != nil || other == made {
		t.Errorf("another daemon has the same token: %v", err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("the folder holds %v, %v", entries, err)
	}
	if _, err := loadOrCreateToken(filepath.Join(dir, "none", tokenFile)); err == nil {
		t.Error("a folder that is not there: no error")
	}
}

// A file that cannot be meant is named, never replaced, and never quoted.
func TestTokenRefusals(t *testing.T) {
	for name, test := range map[string]struct {
		content string
		mode    os.FileMode
		want    string
	}{
		"open to the group":  {strings.Repeat("s", 64), 0o640, "is open to other users (mode 0640): run chmod 600"},
		"open to everybody":  {strings.Repeat("s", 64), 0o604, "is open to other users"},
		"empty":              {"", 0o600, "does not hold a token of 32 to 256 printable characters; remove it and restart the daemon"},
		"short":              {"secret", 0o600, "does not hold a token"},
		"long":               {strings.Repeat("s", 257), 0o600, "does not hold a token"},
		"two lines":          {strings.Repeat("s", 40) + "\n" + strings.Repeat("s", 40), 0o600, "does not hold a token"},
		"not for one header": {strings.Repeat("s", 40) + "\x00", 0o600, "does not hold a token"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), tokenFile)
			if err := os.WriteFile(path, []byte(test.content), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(path, test.mode); err != nil {
				t.Fatal(err)
			}
			for _, read := range []func(string) (string, error){ReadToken, loadOrCreateToken} {
				_, err := read(path)
				if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), path) {
					t.Errorf("error is %v, want %q and the file's name", err, test.want)
				}
				if err != nil && strings.Contains(err.Error(), "sss") {
					t.Errorf("the error tells the content: %v", err)
				}
			}
			if now, err := os.ReadFile(path); err != nil || string(now) != test.content {
				t.Errorf("the file was changed: %v", err)
			}
		})
	}
}

func TestReadContact(t *testing.T) {
	dir := t.TempDir()
	data := filepath.Join(dir, "d", tokenFile)
	for name, test := range map[string]struct {
		file, api, tokenFile, fault string
	}{
		"a daemon":           {"data_dir = \"d\"\n[api]\nlisten = \"127.0.0.1:7001\"", "http://127.0.0.1:7001", data, ""},
		"IPv6":               {"data_dir = \"d\"\n[api]\nlisten = \"[::1]:7001\"", "http://[::1]:7001", data, ""},
		"what it lacks here": {"data_dir = \"d\"\n[[chain]]\nid=\"eip155:1\"\nendpoints=[\"https://a/${NOT_SET_HERE}\"]\n[api]\nlisten = \"127.0.0.1:1\"", "http://127.0.0.1:1", data, ""},
		"an absolute folder": {"data_dir = \"/var/lib/trine\"", "", "/var/lib/trine/api.token", ""},
		"no API":             {"data_dir = \"d\"", "", data, ""},
		"any port":           {"data_dir = \"d\"\n[api]\nlisten = \"127.0.0.1:0\"", "", data, ""},
		"elsewhere":          {"data_dir = \"d\"\n[api]\nlisten = \"192.0.2.1:7001\"", "", "", "is not on loopback"},
		"no folder":          {"role = \"listener\"", "", "", "data_dir is not set"},
		"no TOML":            {"{}", "", "", "configuration"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(dir, "daemon.toml")
			if err := os.WriteFile(path, []byte(test.file), 0o600); err != nil {
				t.Fatal(err)
			}
			c, err := ReadContact(path)
			if test.fault != "" {
				if err == nil || !strings.Contains(err.Error(), test.fault) || !strings.Contains(err.Error(), path) {
					t.Errorf("error is %v, want %q", err, test.fault)
				}
				return
			}
			if err != nil || c.API != test.api || c.TokenFile != test.tokenFile {
				t.Errorf("contact is %+v, %v", c, err)
			}
		})
	}
	if _, err := ReadContact(filepath.Join(dir, "none.toml")); err == nil {
		t.Error("no file: no error")
	}
}
