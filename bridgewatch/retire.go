package bridgewatch

import (
	"context"
	"fmt"

	"github.com/trinebridge/trine/signing"
)

// retireEvery is how far the mark of a line moves at a time: each move is a synced write.
const retireEvery = 256

// Retire has the member's guard forget, and refuse for ever, what it has signed of a kind
// for this bridge before (age, id). It does so when at least 256 ids, or an age, have become
// old since the last time, so that a guard's records stay bounded at little cost. One
// goroutine calls it per kind.
func (w *Watch) Retire(ctx context.Context, kind signing.Kind, age, id uint64) error {
	last := w.retired[kind]
	if age < last.Age || (age == last.Age && id < last.ID+retireEvery) {
		return nil
	}
	before := signing.Slot{Kind: kind, Scope: w.Domain, Age: age, ID: id}
	if err := w.Member.Signer.Retire(ctx, before); err != nil {
		return fmt.Errorf("retiring what was signed before %s: %w", before, err)
	}
	w.retired[kind] = before
	return nil
}
