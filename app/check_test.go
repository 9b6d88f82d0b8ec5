package app_test

import (
	"encoding/hex"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/trinebridge/trine/app"
	"github.com/trinebridge/trine/appchain"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/gossip"
	"github.com/trinebridge/trine/internal/evm"
	"github.com/trinebridge/trine/internal/evmtest"
	"github.com/trinebridge/trine/ledger"
	"github.com/trinebridge/trine/signing"
	"github.com/trinebridge/trine/signing/guard"
	"github.com/trinebridge/trine/store"
	"github.com/trinebridge/trine/store/pebblestore"
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

// network writes the files of a network whose endpoints nobody answers at, and returns its folder.
func network(t *testing.T) string {
	t.Helper()
	o := options(t)
	o.Chains[0].Endpoints = []string{"http://127.0.0.1:1"}
	if _, err := app.Init(o); err != nil {
		t.Fatal(err)
	}
	return o.Dir
}

// finding checks a file and returns what was found of one thing.
func finding(t *testing.T, path, what string) app.Finding {
	t.Helper()
	var found []app.Finding
	all := app.Check(t.Context(), path)
	for _, f := range all {
		if f.What == what {
			found = append(found, f)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d findings of %s, want one, of all: %+v", len(found), what, all)
	}
	return found[0]
}

// rewrite writes a changed copy of a file beside it.
func rewrite(t *testing.T, path, to, pattern, by string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	changed := regexp.MustCompile("(?m)"+pattern).ReplaceAllString(string(data), by)
	if changed == string(data) {
		t.Fatalf("%s has no %s:\n%s", path, pattern, data)
	}
	to = filepath.Join(filepath.Dir(path), to)
	if err := os.WriteFile(to, []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
	return to
}

// A data folder remembers what its daemon has signed and sent: the wrong one is as bad as none.
func TestCheckFolder(t *testing.T) {
	dir, other := network(t), network(t)
	listener := filepath.Join(dir, "listener.toml")
	folder := filepath.Join(dir, "data", "listener")
	at := func(role, folder string) string {
		return rewrite(t, filepath.Join(dir, role+".toml"), "changed.toml", "^data_dir = .*$", "data_dir = '"+folder+"'")
	}
	wrong := func(path string, wants ...string) {
		t.Helper()
		f := finding(t, path, "data_dir")
		if len(wants) == 0 && f.Fault != "" || len(wants) > 0 && f.Fault == "" {
			t.Errorf("fault is %q, want %q", f.Fault, wants)
		}
		for _, want := range wants {
			if !strings.Contains(f.Fault, want) {
				t.Errorf("fault is %q, which lacks %q", f.Fault, want)
			}
		}
	}
	wrong(listener) // no daemon has run here yet
	if names, err := os.ReadDir(folder); err != nil || len(names) != 1 {
		t.Errorf("the check left %v, %v: want the gossip identity alone", names, err)
	}

	wrong(at("listener", "/proc/self"), "cannot ")
	file := filepath.Join(dir, "genesis.json")
	wrong(at("listener", file), "cannot make "+file)
	if err := os.WriteFile(filepath.Join(folder, "store"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	wrong(listener, "is no folder; move it away")
	if err := os.Remove(filepath.Join(folder, "store")); err != nil {
		t.Fatal(err)
	}

	// A store that somebody has.
	kv, err := pebblestore.Open(pebblestore.Config{Dir: filepath.Join(folder, "store")})
	if err != nil {
		t.Fatal(err)
	}
	begin(t, kv, filepath.Join(dir, "genesis.json"))
	wrong(listener, "is in use by ", "stop that process first", "if it is this daemon that runs, its API does not answer")
	if err := kv.Close(); err != nil {
		t.Fatal(err)
	}

	wrong(listener)
	wrong(filepath.Join(other, "listener.toml"))
	wrong(rewrite(t, filepath.Join(other, "listener.toml"), "changed.toml", "^data_dir = .*$", "data_dir = '"+folder+"'"),
		"the store holds app chain "+hashOf(t, dir), "the configuration is for app chain "+hashOf(t, other))

	// What a listener has signed is that listener's.
	address := sign(t, folder, filepath.Join(dir, "keys", "listener.json"))
	wrong(listener)
	wrong(at("approver", folder), "it remembers what "+address+", listener of the genesis, has signed, and nothing of this file's key 0x", "name another data_dir")
	wrong(at("submitter", folder), "it remembers what "+address+", listener of the genesis, has signed, and a submitter has no such key")
	wrong(rewrite(t, rewrite(t, at("submitter", folder), "node.toml", "^role = .*$", "role = 'node'"), "node.toml", "^fee_key = .*$", ""))

	// And what a submitter has sent, that submitter's.
	sent := filepath.Join(dir, "data", "submitter")
	open(t, sent, func(kv store.KV) {
		b := store.Sub(kv, "submitter/").NewBatch()
		b.Put([]byte("chain/eip155:1/job"), nil)
		if err := b.Commit(t.Context(), store.Sync); err != nil {
			t.Fatal(err)
		}
	})
	wrong(filepath.Join(dir, "submitter.toml"))
	wrong(at("listener", sent), "it remembers what a submitter has sent")
}

// open opens a data folder's store for a moment.
func open(t *testing.T, folder string, use func(store.KV)) {
	t.Helper()
	kv, err := pebblestore.Open(pebblestore.Config{Dir: filepath.Join(folder, "store")})
	if err != nil {
		t.Fatal(err)
	}
	use(kv)
	if err := kv.Close(); err != nil {
		t.Fatal(err)
	}
}

// begin puts a genesis into a store, as a daemon does at its first start.
func begin(t *testing.T, kv store.KV, path string) {
	t.Helper()
	genesis, err := app.LoadGenesis(path)
	if err != nil {
		t.Fatal(err)
	}
	l, err := ledger.New(*genesis, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := appchain.New(appchain.Config{Ledger: l, KV: store.Sub(kv, "chain/")}); err != nil {
		t.Fatal(err)
	}
}

func hashOf(t *testing.T, dir string) string {
	t.Helper()
	genesis, err := app.LoadGenesis(filepath.Join(dir, "genesis.json"))
	if err != nil {
		t.Fatal(err)
	}
	return genesis.Hash().String()
}

// sign signs with a key of the network behind the guard of a folder, and returns its address.
func sign(t *testing.T, folder, key string) string {
	t.Helper()
	private, err := app.OpenKey(t.Context(), "file:"+key+"?password-file="+filepath.Join(filepath.Dir(key), "password"), "", nil)
	if err != nil {
		t.Fatal(err)
	}
	signer := signing.NewKeySigner(private.Private())
	open(t, folder, func(kv store.KV) {
		g, err := guard.New(signer, store.Sub(kv, "guard/"))
		if err != nil {
			t.Fatal(err)
		}
		slot := signing.Slot{Kind: signing.KindAttestation, Scope: codec.Keccak(nil), Age: 1, ID: 1}
		if _, err := g.Sign(t.Context(), signing.Statement{Slot: slot, Digest: codec.Keccak(nil)}); err != nil {
			t.Fatal(err)
		}
	})
	return signer.Address().String()
}

// Somebody who listens where a peer should be is not therefore the peer.
func TestCheckAsksPeersWhoTheyAre(t *testing.T) {
	path := filepath.Join(network(t), "listener.toml")
	ids := make([]string, 2)
	var host *gossip.Host
	for i := range ids {
		identity, err := gossip.LoadOrCreateIdentity(filepath.Join(t.TempDir(), "gossip.key"))
		if err != nil {
			t.Fatal(err)
		}
		if ids[i], err = gossip.PeerID(identity); err != nil {
			t.Fatal(err)
		}
		if host, err = gossip.New(gossip.Config{Network: codec.Keccak(nil), Identity: identity, Listen: []string{"/ip4/127.0.0.1/tcp/0"}}); err != nil {
			t.Fatal(err)
		}
	}
	done := make(chan error, 1)
	ctx := t.Context() // ends before the test's cleanups
	go func() { done <- host.Run(ctx) }()
	t.Cleanup(func() {
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	<-host.Ready()
	right := host.Addresses()[0]
	web := httptest.NewServer(http.NotFoundHandler())
	defer web.Close()
	_, port, err := net.SplitHostPort(web.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		peer, fault, warning string
	}{
		{peer: right},
		{peer: strings.Replace(right, ids[1], ids[0], 1), fault: "the daemon there is " + ids[1] + ", not " + ids[0]},
		{peer: "/ip4/127.0.0.1/tcp/" + port + "/p2p/" + ids[0], fault: "is no Trine daemon"},
		{peer: "/ip4/127.0.0.1/tcp/1/p2p/" + ids[0], warning: "does not answer"},
	} {
		file := rewrite(t, path, "changed.toml", "^peers = .*$", "peers = ['"+test.peer+"']")
		f := finding(t, file, "peer "+test.peer)
		if (test.fault == "") != (f.Fault == "") || !strings.Contains(f.Fault, test.fault) || (test.warning == "") != (f.Warning == "") || !strings.Contains(f.Warning, test.warning) {
			t.Errorf("%s: %+v, want fault %q and warning %q", test.peer, f, test.fault, test.warning)
		}
	}
}

// A fee payer without coins delivers nothing, and nobody hears of it before the first delivery.
func TestCheckNamesPoorFeePayers(t *testing.T) {
	rich, err := crypto.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	poor, err := crypto.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	chain := evmtest.Start(t, evm.Config{ChainID: 1, Prefunded: []common.Address{evm.AddressOf(rich)}})
	t.Setenv("TRINE_TEST_RICH", hex.EncodeToString(crypto.FromECDSA(rich)))
	t.Setenv("TRINE_TEST_POOR", hex.EncodeToString(crypto.FromECDSA(poor)))
	o := options(t)
	o.Chains[0].Endpoints, o.Chains[0].Confirmations, o.FeeKey = []string{"http://127.0.0.1:1", chain.URL()}, 1, "env:TRINE_TEST_RICH"
	if _, err := app.Init(o); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(o.Dir, "submitter.toml")
	what, endpoint := "balance on eip155:1", "endpoint "+chain.URL()+" of eip155:1"
	if f := finding(t, path, endpoint); f.Fault != "" || !strings.Contains(f.Warning, "no block is settled there yet") {
		t.Errorf("of a chain that has just begun: %+v", f)
	}
	chain.Mine(2)
	if f := finding(t, path, endpoint); !strings.HasPrefix(f.Detail, "settled block ") {
		t.Errorf("of a chain with blocks: %+v", f)
	}
	if f := finding(t, path, what); f.Fault != "" || f.Warning != "" || !strings.HasPrefix(f.Detail, evm.AddressOf(rich).Hex()+" holds ") || !strings.HasSuffix(f.Detail, " ETH") {
		t.Errorf("of one who can pay: %+v", f)
	}
	low := rewrite(t, path, "low.toml", "^fee_key = .*$", "$0\nlow_balance = '1000000000000'")
	if f := finding(t, low, what); f.Fault != "" || !strings.Contains(f.Warning, evm.AddressOf(rich).Hex()+" holds ") || !strings.Contains(f.Warning, "less than low_balance, 1000000000000: send coins to it") {
		t.Errorf("of one who holds little: %+v", f)
	}
	none := rewrite(t, path, "none.toml", "TRINE_TEST_RICH", "TRINE_TEST_POOR")
	if f := finding(t, none, what); f.Fault != "" || f.Warning != evm.AddressOf(poor).Hex()+" holds no ETH on eip155:1: send coins to it, nothing is delivered there before" {
		t.Errorf("of one who holds nothing: %+v", f)
	}
}
