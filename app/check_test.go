package app_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/trinebridge/trine/app"
)

// An approver must be able to read every chain that can have a bridge; a listener need not.
func TestCheckNamesChainsThatAnApproverCannotRead(t *testing.T) {
	o := options(t)
	if _, err := app.Init(o); err != nil {
		t.Fatal(err)
	}
	for _, role := range []string{"approver", "listener"} {
		path := filepath.Join(o.Dir, role+".toml")
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		elsewhere := strings.Replace(string(data), "id = 'eip155:1'", "id = 'eip155:2'", 1)
		if elsewhere == string(data) {
			t.Fatalf("%s has no chain:\n%s", path, data)
		}
		if err := os.WriteFile(path, []byte(elsewhere), 0o600); err != nil {
			t.Fatal(err)
		}
		named := false
		for _, f := range app.Check(t.Context(), path) {
			named = named || (f.What == "chain eip155:1" && strings.Contains(f.Fault, "there is no [[chain]] for it"))
		}
		if want := role == "approver"; named != want {
			t.Errorf("%s that reads another chain: named is %v, want %v", role, named, want)
		}
	}
}
