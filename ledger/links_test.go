package ledger_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/ledger"
)

// An account takes so many keys and no more, whether a key comes alone or with an account;
// what cannot be joined stays where it is, to the unit.
func TestLinksAreBounded(t *testing.T) {
	w, err := newWorld(testGenesis())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.send(w.processor, w.attachMessage(one, 1)); err != nil {
		t.Fatal(err)
	}
	c, owner, usd := w.bridges[one], wallet("owner"), wallet("usd 1")
	deposit := func(amount uint64, names ...string) ledger.Log {
		t.Helper()
		var keys []bridgecontracts.KeyProof
		for _, name := range names {
			keys = append(keys, proof(c, owner, named(name)))
		}
		if err := c.deposit(owner, usd, *uint256.NewInt(amount), keys...); err != nil {
			t.Fatal(err)
		}
		log, err := w.attest(c)
		if err != nil {
			t.Fatal(err)
		}
		return log
	}
	deposit(1000, "key 0")
	for i := 1; i < ledger.MaxAccountKeys; i++ {
		name := fmt.Sprintf("key %d", i)
		if i%2 == 0 { // every other one has an account of its own before
			if _, err := w.send(named("key 0"), &ledger.Transfer{To: named(name).PublicKey(), Asset: 1, Amount: *uint256.NewInt(1)}); err != nil {
				t.Fatal(err)
			}
		}
		deposit(0, name)
	}
	a, _, err := w.view().AccountByKey(named("key 0").PublicKey())
	if err != nil || len(a.Keys) != ledger.MaxAccountKeys || len(a.Balances) != 1 || a.Balances[0].Amount.Uint64() != 1000 {
		t.Fatalf("account %+v, %v; want %d keys and everything back", a, err, ledger.MaxAccountKeys)
	}
	if _, err := w.send(named("key 0"), &ledger.Transfer{To: named("one more").PublicKey(), Asset: 1, Amount: *uint256.NewInt(7)}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"one more", "another"} {
		ignored, ok := deposit(0, name)[0].Body.(*ledger.LinkIgnored)
		if !ok || !strings.Contains(ignored.Reason, "32 keys") {
			t.Errorf("%s: %+v, want it to be one key too many", name, ignored)
		}
	}
	b, ok, err := w.view().AccountByKey(named("one more").PublicKey())
	if err != nil || !ok || b.ID == a.ID || len(b.Balances) != 1 || b.Balances[0].Amount.Uint64() != 7 {
		t.Errorf("what could not be joined is %+v, %v, %v", b, ok, err)
	}
}
