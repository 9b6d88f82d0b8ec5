package app_test

import (
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/trinebridge/trine/app"
	"github.com/trinebridge/trine/ledger"
)

const usdc = "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48"

// options are of a small network whose key files open fast.
func options(t *testing.T) app.InitOptions {
	t.Helper()
	return app.InitOptions{
		Dir: filepath.Join(t.TempDir(), "net"), Network: "test", Listeners: 1, Approvers: 1, Light: true,
		Chains: []app.InitChain{{ID: "eip155:1", Rule: "evm", Endpoints: []string{"https://a.example", "https://b.example"}}},
		Assets: []app.GenesisAsset{{Symbol: "USDC", Decimals: 6, Tokens: []app.GenesisToken{{Chain: "eip155:1", Address: usdc, Decimals: 6, MinWithdrawal: "10", Fee: "1"}}}},
	}
}

func TestInit(t *testing.T) {
	o := options(t)
	o.Listeners, o.Approvers, o.Submitters = 3, 4, 2
	out, err := app.Init(o)
	if err != nil {
		t.Fatal(err)
	}
	genesis, err := app.LoadGenesis(out.Genesis)
	if err != nil {
		t.Fatal(err)
	}
	set := genesis.Validators
	if len(set.Listeners) != 3 || set.ListenerQuorum != 2 || len(set.Approvers) != 4 || set.ApproverQuorum != 3 {
		t.Errorf("set is %+v, want 2 of 3 listeners and 3 of 4 approvers", set)
	}
	names := make([]string, len(out.Daemons))
	addresses := map[string]bool{}
	for i, d := range out.Daemons {
		names[i] = d.Name
		config, err := app.LoadConfig(d.Config)
		if err != nil {
			t.Fatal(err)
		}
		if config.Role != d.Role || "http://"+config.API.Listen != d.API || len(config.Gossip.Peers) != len(out.Daemons)-1 {
			t.Errorf("%s: configuration is %+v, want the role %s, the API %s and every other daemon as a peer", d.Name, config, d.Role, d.API)
		}
		for _, a := range append(config.Gossip.Listen, config.API.Listen, config.DataDir) {
			if addresses[a] {
				t.Errorf("%s: %s is another daemon's too", d.Name, a)
			}
			addresses[a] = true
		}
	}
	want := []string{"processor", "listener-1", "listener-2", "listener-3", "approver-1", "approver-2", "approver-3", "approver-4", "submitter-1", "submitter-2"}
	if !reflect.DeepEqual(names, want) {
		t.Errorf("daemons are %v, want %v", names, want)
	}
	if payers := out.FeePayers["eip155:1"]; len(payers) != 2 || payers[0] == payers[1] {
		t.Errorf("fee payers are %v, want one for each submitter", payers)
	}
}

// Every key in a file that Init wrote opens, and holds the seat that the genesis gives it.
func TestInitKeysFitTheGenesis(t *testing.T) {
	o := options(t)
	out, err := app.Init(o)
	if err != nil {
		t.Fatal(err)
	}
	genesis, err := app.LoadGenesis(out.Genesis)
	if err != nil {
		t.Fatal(err)
	}
	treasury, err := app.OpenKey(t.Context(), out.Treasury, o.Dir, nil)
	if err != nil || treasury.PublicKey() != genesis.Treasury {
		t.Errorf("treasury's key is %v, %v, want %s", treasury, err, genesis.Treasury)
	}
	for _, d := range out.Daemons {
		for _, f := range app.Check(t.Context(), d.Config) {
			if f.What == "key" && (f.Fault != "" || !strings.Contains(f.Detail, "of the genesis")) {
				t.Errorf("%s: %+v", d.Name, f)
			}
			if strings.HasPrefix(f.What, "fee key") && (f.Fault != "" || !strings.Contains(f.Detail, out.FeePayers["eip155:1"][0][2:6])) {
				t.Errorf("%s: %+v, want one that pays as %v", d.Name, f, out.FeePayers)
			}
		}
	}
}

// Nobody but the owner reads keys, passwords and configurations.
func TestInitFileModes(t *testing.T) {
	o := options(t)
	if _, err := app.Init(o); err != nil {
		t.Fatal(err)
	}
	secrets := 0
	err := filepath.WalkDir(o.Dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(o.Dir, path)
		switch {
		case name == "genesis.json" || name == ".":
			return nil
		case entry.IsDir():
			if mode := info.Mode().Perm(); mode != 0o700 {
				t.Errorf("folder %s has mode %o, want 700", name, mode)
			}
			return nil
		}
		secrets++
		if mode := info.Mode().Perm(); mode != 0o600 {
			t.Errorf("file %s has mode %o, want 600", name, mode)
		}
		return nil
	})
	// 3 seats, the treasury and a fee payer; the password; 4 configurations; 4 identities.
	if err != nil || secrets != 3+2+1+4+4 {
		t.Errorf("%d files, %v", secrets, err)
	}
}

func TestInitRefuses(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*app.InitOptions)
		want   []string
	}{
		{"everything", func(o *app.InitOptions) { *o = app.InitOptions{BasePort: -1} },
			[]string{"no folder is named", "0 listeners; from 1 to", "0 approvers; from 1 to", "base port -1 is not between"}},
		{"a chain without endpoints", func(o *app.InitOptions) { o.Chains[0].Endpoints = nil }, []string{"chain eip155:1 has no endpoint"}},
		{"too many members", func(o *app.InitOptions) { o.Listeners = 1000 }, []string{"1000 listeners; from 1 to"}},
		{"more daemons than ports in a row", func(o *app.InitOptions) { o.BasePort, o.Submitters = 7001, 100 }, []string{"name base port 0"}},
		{"quorum of half", func(o *app.InitOptions) { o.Approvers, o.ApproverQuorum = 2, 1 }, []string{"approver quorum of 1 in 2 is half or less"}},
		{"quorum above the group", func(o *app.InitOptions) { o.ListenerQuorum = 9 }, []string{"listener quorum is 9 of 1 members"}},
		{"token's address", func(o *app.InitOptions) { o.Assets[0].Tokens[0].Address = "0x12" }, []string{"asset USDC on eip155:1", "0x12"}},
		{"no network name", func(o *app.InitOptions) { o.Network = "" }, []string{"network name"}},
		{"endpoint", func(o *app.InitOptions) { o.Chains[0].Endpoints[1] = "b" }, []string{"endpoint 2 is not an http or https URL"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := options(t)
			test.change(&o)
			_, err := app.Init(o)
			if err == nil {
				t.Fatal("it was accepted")
			}
			for _, part := range test.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("error does not say %q:\n%v", part, err)
				}
			}
			// The same command can be given again: nothing is left in the way.
			if entries, err := os.ReadDir(o.Dir); err == nil && len(entries) > 0 {
				t.Errorf("the refusal left %v", entries)
			}
		})
	}
}

func TestInitLeavesFilesAlone(t *testing.T) {
	o := options(t)
	if err := os.Mkdir(o.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(o.Dir, "mine"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := app.Init(o)
	if err == nil || !strings.Contains(err.Error(), o.Dir+" has files in it") {
		t.Errorf("error is %v, want one that names %s", err, o.Dir)
	}
	if entries, err := os.ReadDir(o.Dir); err != nil || len(entries) != 1 {
		t.Errorf("folder holds %v, %v, want the one file", entries, err)
	}
}

func TestInitUnsafe(t *testing.T) {
	o := options(t)
	o.Approvers, o.ApproverQuorum, o.Unsafe = 2, 1, true
	out, err := app.Init(o)
	if err != nil {
		t.Fatal(err)
	}
	if genesis, err := app.LoadGenesis(out.Genesis); err != nil || genesis.Validators.ApproverQuorum != 1 {
		t.Errorf("genesis is %v, %v", genesis, err)
	}
}

func TestInitPorts(t *testing.T) {
	o := options(t)
	o.BasePort = 20_000
	out, err := app.Init(o)
	if err != nil {
		t.Fatal(err)
	}
	last := out.Daemons[len(out.Daemons)-1]
	config, err := app.LoadConfig(last.Config)
	if err != nil || last.API != "http://127.0.0.1:20003" || config.Gossip.Listen[0] != "/ip4/127.0.0.1/tcp/20103" {
		t.Errorf("the last daemon is %+v, its gossip %v, %v", last, config.Gossip.Listen, err)
	}
	free := options(t)
	if out, err = app.Init(free); err != nil {
		t.Fatal(err)
	}
	for _, d := range out.Daemons {
		l, err := net.Listen("tcp", strings.TrimPrefix(d.API, "http://"))
		if err != nil {
			t.Errorf("%s: %v", d.Name, err)
			continue
		}
		_ = l.Close()
	}
}

// With a fee key of one's own, no other is made.
func TestInitFeeKey(t *testing.T) {
	o := options(t)
	o.FeeKey = "env:PAYER"
	out, err := app.Init(o)
	if err != nil {
		t.Fatal(err)
	}
	config, err := app.LoadConfig(filepath.Join(o.Dir, "submitter.toml"))
	if err != nil || len(out.FeePayers) != 0 || config.Chains[0].FeeKey != "env:PAYER" {
		t.Errorf("fee payers are %v, the submitter's %+v, %v", out.FeePayers, config, err)
	}
}

func TestParseInitChain(t *testing.T) {
	for _, test := range []struct {
		text string
		want app.InitChain
		err  string
	}{
		{text: "eip155:1=https://a.example", want: app.InitChain{ID: "eip155:1", Rule: "evm", Endpoints: []string{"https://a.example"}}},
		{text: "eip155:1=https://a.example/?k=v,https://b.example;confirmations=12", want: app.InitChain{ID: "eip155:1", Rule: "evm", Confirmations: 12, Endpoints: []string{"https://a.example/?k=v", "https://b.example"}}},
		{text: "", err: `chain "" is not ID=URL, as in eip155:1=https://node.example`},
		{text: "eip155:1", err: "is not ID=URL"},
		{text: "eip155:1=", err: "is not ID=URL"},
		{text: "near:x=https://a.example", err: `no adapter for namespace "near"`},
		{text: "eip155:1=https://a.example;confirmations=x", err: `option "confirmations=x" is not confirmations=N`},
		{text: "eip155:1=https://a.example;confirmations=-1", err: "is not confirmations=N"},
		{text: "eip155:1=https://a.example;finality=1", err: `option "finality=1"`},
	} {
		got, err := app.ParseInitChain(test.text)
		if test.err != "" {
			if err == nil || !strings.Contains(err.Error(), test.err) {
				t.Errorf("%q: error is %v, want one that says %q", test.text, err, test.err)
			}
		} else if err != nil || !reflect.DeepEqual(got, test.want) {
			t.Errorf("%q is %+v, %v, want %+v", test.text, got, err, test.want)
		}
	}
}

func TestParseInitAsset(t *testing.T) {
	for _, test := range []struct {
		text string
		want app.GenesisAsset
		err  string
	}{
		{text: "USDC:6:eip155:1=" + usdc + ":6:10:1", want: app.GenesisAsset{Symbol: "USDC", Decimals: 6, Tokens: []app.GenesisToken{{Chain: "eip155:1", Address: usdc, Decimals: 6, MinWithdrawal: "10", Fee: "1"}}, MinOpening: "10"}},
		{text: "ETH:18:eip155:1=native:18:0.3:0,eip155:10=native:18:0.2:0.05", want: app.GenesisAsset{Symbol: "ETH", Decimals: 18, Tokens: []app.GenesisToken{
			{Chain: "eip155:1", Address: app.Native, Decimals: 18, MinWithdrawal: "0.3", Fee: "0"}, {Chain: "eip155:10", Address: app.Native, Decimals: 18, MinWithdrawal: "0.2", Fee: "0.05"}}, MinOpening: "0.2"}},
		{text: "", err: `asset "": there are too few parts; write SYMBOL:DECIMALS:CHAIN=ADDRESS:DECIMALS:MIN:FEE`},
		{text: "USDC:6", err: "too few parts"},
		{text: "USDC:six:eip155:1=native:6:1:0", err: `"six" is no number of decimals`},
		{text: "USDC:300:eip155:1=native:6:1:0", err: `"300" is no number of decimals`},
		{text: "USDC:6:eip155:1=native:6:1", err: `token "eip155:1=native:6:1" is incomplete`},
		{text: "USDC:6:eip155:1", err: `token "eip155:1" is incomplete`},
		{text: "USDC:6:eip155:1=native:x:1:0", err: `"x" is no number of decimals`},
		{text: "USDC:6:eip155:1=native:6:1:0,", err: `token "" is incomplete`},
	} {
		got, err := app.ParseInitAsset(test.text)
		if test.err != "" {
			if err == nil || !strings.Contains(err.Error(), test.err) {
				t.Errorf("%q: error is %v, want one that says %q", test.text, err, test.err)
			}
		} else if err != nil || !reflect.DeepEqual(got, test.want) {
			t.Errorf("%q is %+v, %v, want %+v", test.text, got, err, test.want)
		}
	}
}

// What trine init's flags can say is checked by the genesis; a limit of the ledger holds here too.
func TestInitTooManyDecimals(t *testing.T) {
	o := options(t)
	o.Assets[0].Decimals = ledger.MaxDecimals + 1
	if _, err := app.Init(o); err == nil || !strings.Contains(err.Error(), "asset USDC has") {
		t.Errorf("error is %v", err)
	}
}
