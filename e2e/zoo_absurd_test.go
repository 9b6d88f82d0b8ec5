//go:build e2e

package e2e

import (
	"math/big"
	"testing"

	"github.com/holiman/uint256"
)

// absurd deposits as much as a number can tell, then more, and takes it out; twice, since
// the bridge's books must be those of a token that never was there after each round.
func (k *keeper) absurd(t *testing.T) {
	at, all := k.tokens["ABSURD"], new(uint256.Int).SetAllOne()
	for range 2 {
		from := k.nextHeight(t)
		k.tell(t, "AbsurdToken", at, "answer", new(big.Int), all.ToBig())
		k.give(t, at, 1)
		awaitBalance(t, k.ctx, k.n, k.user, k.x, "ABSURD", all.Dec())
		k.tell(t, "AbsurdToken", at, "answer", new(big.Int), all.ToBig())
		k.give(t, at, 2)
		k.unassigned(t, from, "than a number can tell")
		w := k.askTo(t, "ABSURD", all.Dec(), k.fresh())
		next := k.ask(t, "USDC", "2")
		k.becomes(t, w, "paid")
		k.paid(t, next, paidWithin)
		if left := k.holds(t, "ABSURD"); !left.IsZero() {
			t.Errorf("the account holds %s units, want none", left.Dec())
		}
	}
}
