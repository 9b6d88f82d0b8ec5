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
	o.Chains[0].Endpoints = []string{"http://127.0.0.1:1"} // nobody answers
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

// What the daemon would refuse at its start, the check names before.
func TestCheckComparesLimitsWithTheGenesis(t *testing.T) {
	o := options(t)
	o.Chains[0].Endpoints = []string{"http://127.0.0.1:1"} // nobody answers
	if _, err := app.Init(o); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(o.Dir, "approver.toml")
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	symbol := o.Assets[0].Symbol
	for _, test := range []struct{ asset, amount, want string }{
		{"NONE", "1", `asset "NONE" is not in the genesis`},
		{symbol, "0." + strings.Repeat("0", 30) + "1", "has 31 decimals"},
		{symbol, "5", ""},
	} {
		limit := "\n[[approver.limit]]\nchain = 'eip155:1'\nasset = '" + test.asset + "'\namount = '" + test.amount + "'\nwindow = '24h'\n"
		if err := os.WriteFile(path, append(file[:len(file):len(file)], limit...), 0o600); err != nil {
			t.Fatal(err)
		}
		var fault string
		for _, f := range app.Check(t.Context(), path) {
			if f.What == "approver.limit" || f.What == "file" {
				fault += f.Fault
			}
		}
		if (test.want == "") != (fault == "") || !strings.Contains(fault, test.want) {
			t.Errorf("a limit of %s %s: fault is %q, want %q", test.amount, test.asset, fault, test.want)
		}
	}
}

func TestCheckNamesThePeerThatIsTheDaemonItself(t *testing.T) {
	o := options(t)
	o.Chains[0].Endpoints = []string{"http://127.0.0.1:1"} // nobody answers
	if _, err := app.Init(o); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(o.Dir, "listener.toml")
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var own string
	for _, f := range app.Check(t.Context(), path) {
		if f.What == "gossip identity" {
			own = f.Detail
		}
	}
	peer := "/ip4/127.0.0.1/tcp/9/p2p/" + own
	file = []byte(strings.Replace(string(file), "peers = [", "peers = ['"+peer+"', ", 1))
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, f := range app.Check(t.Context(), path) {
		if f.What == "peer "+peer && strings.Contains(f.Fault, "itself") {
			return
		}
	}
	t.Errorf("the check does not name %s", peer)
}
