package ledger_test

import (
	"strings"
	"testing"

	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/ledger"
	"github.com/trinebridge/trine/ledger/exampleapp"
	"github.com/trinebridge/trine/signing"
)

// TestGenesisFaults spoils a genesis in each way that it can be wrong.
func TestGenesisFaults(t *testing.T) {
	for want, spoil := range map[string]func(*ledger.Genesis){
		`network name "" has 0 bytes`:           func(g *ledger.Genesis) { g.Network = "" },
		"network name":                          func(g *ledger.Genesis) { g.Network = strings.Repeat("n", 65) },
		"code version is 0":                     func(g *ledger.Genesis) { g.CodeVersion = 0 },
		"has epoch 2, want 1":                   func(g *ledger.Genesis) { g.Validators.Epoch = 2 },
		"approver quorum is 4 of 3":             func(g *ledger.Genesis) { g.Validators.ApproverQuorum = 4 },
		"is not a point of secp256k1":           func(g *ledger.Genesis) { g.Treasury = signing.PublicKey{5} },
		"window is 65":                          func(g *ledger.Genesis) { g.Window = 65 },
		"batch is 33":                           func(g *ledger.Genesis) { g.Batch = 33 },
		`"eip155:1" has batch 33`:               func(g *ledger.Genesis) { g.Chains[0].Batch = 33 },
		`chain "ethereum" is not a CAIP-2 id`:   func(g *ledger.Genesis) { g.Chains[0].ID = "ethereum" },
		`chain "eip155:1" is listed twice`:      func(g *ledger.Genesis) { g.Chains[1].ID = one },
		"unknown address rule 9":                func(g *ledger.Genesis) { g.Chains[0].Rule = 9 },
		"may be 86401 seconds apart":            func(g *ledger.Genesis) { g.Chains[0].Skew = 86401 },
		"asset symbol":                          func(g *ledger.Genesis) { g.Assets[0].Symbol = "" },
		"asset COIN is listed twice":            func(g *ledger.Genesis) { g.Assets[0].Symbol = "COIN" },
		"has 37 decimals, at most 36":           func(g *ledger.Genesis) { g.Assets[0].Decimals = 37 },
		`token on chain "eip155:9"`:             func(g *ledger.Genesis) { g.Assets[0].Tokens[0].Chain = "eip155:9" },
		"has two tokens on chain eip155:1":      func(g *ledger.Genesis) { g.Assets[0].Tokens[1].Chain = one },
		"belongs to two assets":                 func(g *ledger.Genesis) { g.Assets[1].Tokens[0].Address = g.Assets[0].Tokens[0].Address },
		"is zero or a precompiled contract":     func(g *ledger.Genesis) { g.Assets[0].Tokens[0].Address = codec.Uint64Word(9) },
		"minimum withdrawal 3 must be above":    func(g *ledger.Genesis) { g.Assets[0].Tokens[0].MinWithdrawal = *uint256.NewInt(3) },
		"the app's genesis has 1048577 bytes":   func(g *ledger.Genesis) { g.App = make([]byte, ledger.MaxAppGenesis+1) },
		"on chain eip155:1 has 40 decimals":     func(g *ledger.Genesis) { g.Assets[0].Tokens[0].Decimals = 40 },
		"validator set: approver quorum is 0 o": func(g *ledger.Genesis) { g.Validators.ApproverQuorum = 0 },
	} {
		g := testGenesis()
		spoil(&g)
		if _, err := ledger.New(g, exampleapp.Names{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error with %q", err, want)
		}
	}
	g := testGenesis()
	g.Network, g.CodeVersion, g.Window = "", 0, 99
	if err := g.Validate(); strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("three faults are reported as %v", err)
	}
}

func TestGenesisOfTheApp(t *testing.T) {
	g := testGenesis()
	if _, err := ledger.New(g, nil); err == nil || !strings.Contains(err.Error(), "this app chain has no app") {
		t.Errorf("an app's genesis without an app: %v", err)
	}
	g.App = []byte("?")
	l, err := ledger.New(g, exampleapp.Names{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Init(); err == nil || !strings.Contains(err.Error(), "reserved names") {
		t.Errorf("a bad genesis of the app: %v", err)
	}
	g.App = nil
	if l, err = ledger.New(g, nil); err != nil {
		t.Fatal(err)
	}
	state, err := l.Init()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.View(state).Ask([]byte("root")); err == nil {
		t.Error("an app chain without an app answers")
	}
	if err := l.View(state).Audit(); err != nil {
		t.Error(err)
	}
	tx := &ledger.Transaction{Genesis: l.GenesisHash(), Nonce: 1, Time: start, Messages: []ledger.Message{{Body: &ledger.AppMessage{}}}}
	if err := tx.Sign(named("processor")); err != nil {
		t.Fatal(err)
	}
	checked, err := ledger.CheckTx(l.GenesisHash(), tx)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := l.Apply(state, ledger.Input{Height: 1, Time: start, Tx: checked}); !rejectedFor(err, ledger.CodeApp) {
		t.Errorf("an app message without an app: %v", err)
	}
}

// Defaults are filled in for use, and the hash is of what was given.
func TestGenesisDefaults(t *testing.T) {
	g := testGenesis()
	l, err := ledger.New(g, exampleapp.Names{})
	if err != nil {
		t.Fatal(err)
	}
	used := l.Genesis()
	if used.Window != 8 || used.Batch != 16 || used.Chains[0].Skew != ledger.DefaultSkew || used.Chains[0].Batch != 16 {
		t.Errorf("defaults are window %d, batch %d, skew %d, the chain's batch %d", used.Window, used.Batch, used.Chains[0].Skew, used.Chains[0].Batch)
	}
	if g.Chains[0].Skew != 0 || g.Chains[0].Batch != 0 || l.GenesisHash() != g.Hash() {
		t.Error("the genesis that was given changed")
	}
}

func TestConversions(t *testing.T) {
	most := new(uint256.Int).SetAllOne()
	for _, c := range []struct {
		name             string
		asset, token     uint8
		amount           *uint256.Int
		units, remainder string // "" for an overflow
	}{
		{"same", 6, 6, uint256.NewInt(1234567), "1234567", "0"},
		{"token is coarser", 8, 2, uint256.NewInt(5), "5000000", "0"},
		{"token is finer", 6, 18, uint256.NewInt(1_999_999_999_999), "1", "999999999999"},
		{"all dust", 6, 18, uint256.NewInt(1), "0", "1"},
		{"coarser overflows", 36, 0, most, "", ""},
		{"finer holds anything", 0, 36, most, "115792089237316195423570985008687907853269", "984665640564039457584007913129639935"},
	} {
		t.Run(c.name, func(t *testing.T) {
			asset, token := ledger.Asset{Decimals: c.asset}, ledger.Token{Decimals: c.token}
			units, remainder, ok := asset.FromToken(token, c.amount)
			if !ok {
				if c.units != "" {
					t.Fatal("it overflows")
				}
				return
			}
			if units.Dec() != c.units || remainder.Dec() != c.remainder {
				t.Fatalf("got %s and %s, want %s and %s", units.Dec(), remainder.Dec(), c.units, c.remainder)
			}
			back, ok := asset.ToToken(token, &units)
			if sum := new(uint256.Int).Add(&back, &remainder); !ok || !sum.Eq(c.amount) {
				t.Fatalf("back again it is %s and %s of %s", back.Dec(), remainder.Dec(), c.amount.Dec())
			}
		})
	}
}

// People read amounts in whole units of the asset, whatever it counts in.
func TestAmountsAsText(t *testing.T) {
	usd := ledger.Asset{Symbol: "USD", Decimals: 6}
	token := ledger.Token{Decimals: 18}
	for _, test := range []struct {
		got, want string
	}{
		{usd.Text(uint256.NewInt(0)), "0 USD"},
		{usd.Text(uint256.NewInt(1)), "0.000001 USD"},
		{usd.Text(uint256.NewInt(2_000_000)), "2 USD"},
		{usd.TokenText(token, uint256.NewInt(12_500_000_000_000_000)), "0.0125 USD"},
		{(&ledger.Asset{Symbol: "ONE"}).Text(new(uint256.Int).SetAllOne()), "115792089237316195423570985008687907853269984665640564039457584007913129639935 ONE"},
	} {
		if test.got != test.want {
			t.Errorf("text is %q, want %q", test.got, test.want)
		}
	}
}
