package approver

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/ledger"
	"github.com/trinebridge/trine/signing"
	"github.com/trinebridge/trine/signing/guard"
)

// aged is a bridge, as the approver's endpoints show it, that has executed many actions.
type aged struct {
	chain.Source
	next, epoch uint64
}

func (a aged) Snapshot(ctx context.Context, at chain.Block, tokens []codec.Hash) (chain.Snapshot, error) {
	s, err := a.Source.Snapshot(ctx, at, tokens)
	s.NextAction, s.Epoch = a.next, a.epoch
	return s, err
}

// Approvals of executed actions are forgotten and refused, once the ledger and the
// approver's own endpoints both say so; the newest of them are kept.
func TestRetiresWhatIsExecuted(t *testing.T) {
	s := newScene(t)
	s.pending()
	domain := s.chains[home].Domain()
	sign := func(epoch, id uint64, digest byte) error {
		_, err := s.guarded(s.approvers[0]).Sign(context.Background(), signing.Statement{ // as after a kill
			Slot: signing.Slot{Kind: signing.KindAction, Scope: domain, Age: epoch, ID: id, Revision: 1}, Digest: codec.Hash{digest},
		})
		return err
	}
	for _, id := range []uint64{1, 1975, 1976, 2999} {
		if err := sign(1, id, 7); err != nil {
			t.Fatal(err)
		}
	}
	own, executed, epoch := uint64(1), uint64(0), uint64(1)
	s.wrap = func(source chain.Source) chain.Source { return aged{source, own, epoch} }
	s.view = func(v ledger.View) View {
		return spoiledView{View: v, bridge: func(b *ledger.Bridge) {
			b.LastExecuted, b.LastAction, b.Epoch = executed, executed, epoch
		}}
	}
	shown := func(ownNext, ledgerExecuted, ofEpoch uint64) {
		t.Helper()
		own, executed, epoch = ownNext, ledgerExecuted, ofEpoch
		s.restart()
		s.round(time.Second)
	}
	for name, show := range map[string][2]uint64{"neither": {1, 0}, "only the ledger": {1, 2999}, "only own endpoints": {3000, 0}, "too few": {1024, 1023}} {
		shown(show[0], show[1], 1)
		if err := sign(1, 1, 7); err != nil {
			t.Fatalf("%s has it executed: %v", name, err)
		}
	}
	s.restart()
	shown(3000, 2999, 1)
	for _, c := range []struct {
		epoch, id uint64
		digest    byte
		want      error
	}{
		{1, 1, 7, guard.ErrRetired}, {1, 1, 8, guard.ErrRetired}, {1, 1975, 7, guard.ErrRetired}, {1, 500, 9, guard.ErrRetired},
		{1, 1976, 7, nil}, {1, 1976, 8, signing.ErrDoubleSign}, {1, 2999, 8, signing.ErrDoubleSign}, {1, 3000, 1, nil},
	} {
		if err := sign(c.epoch, c.id, c.digest); !errors.Is(err, c.want) {
			t.Errorf("epoch %d, action %d, digest %d: %v, want %v", c.epoch, c.id, c.digest, err, c.want)
		}
	}
	shown(10, 9, 2) // a new epoch, in which nothing is old yet
	if err := sign(1, 3000, 1); !errors.Is(err, guard.ErrRetired) {
		t.Errorf("an action of the epoch that the bridge has left: %v", err)
	}
	if err := sign(2, 10, 1); err != nil {
		t.Errorf("an action of the new epoch: %v", err)
	}
}
