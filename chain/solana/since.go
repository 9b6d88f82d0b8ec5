package solana

import (
	"context"
	"fmt"

	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/codec"
)

// maxSince is how many events may have come since a block whose balances are asked for: more than come in the time of a read,
// if every slot has some.
const maxSince = 64

// moved is what was deposited and claimed of each token.
type moved struct{ in, out map[codec.Hash]*uint256.Int }

// since reads what has moved balances between a block and the state that was read for it. Deposits must not stop such a read:
// anybody can make one in every slot.
func (s *Source) since(ctx context.Context, at chain.Block, pin *pinned) (moved, error) {
	m := moved{in: map[codec.Hash]*uint256.Int{}, out: map[codec.Hash]*uint256.Int{}}
	now, then := &pin.state.Now, &pin.counters
	if now.EventID == then.EventID {
		return m, nil
	}
	if now.NextAction != then.NextAction || now.Epoch != then.Epoch || now.LimitVersion != then.LimitVersion {
		return m, s.fault(chain.Rewind, fmt.Errorf("an action has run since block %s: pin a newer one", at))
	}
	if now.EventID-then.EventID > maxSince {
		return m, s.fault(chain.Rewind, fmt.Errorf("%d events have come since block %s: pin a newer one", now.EventID-then.EventID, at))
	}
	f := &search{
		source: s, program: pin.program, pin: &pinned{program: pin.program, state: pin.state, counters: *now}, at: chain.Block{Number: now.Slot},
		from: then.EventID + 1, to: now.EventID, found: map[uint64]sighting{},
	}
	events, err := f.all(ctx)
	if err != nil {
		return m, err
	}
	for i := range events {
		switch e := events[i].Body.(type) {
		case *bridgecontracts.Deposited:
			add(m.in, e.Token, &e.Amount)
		case *bridgecontracts.Claimed:
			add(m.out, e.Token, &e.Amount)
		}
	}
	return m, nil
}

func add(sums map[codec.Hash]*uint256.Int, token codec.Hash, amount *uint256.Int) {
	if sums[token] == nil {
		sums[token] = new(uint256.Int)
	}
	sums[token].Add(sums[token], amount) // 64 amounts of 64 bits
}

// undo takes a token's balance back to what it was before.
func (m moved) undo(t *chain.TokenState) {
	if out := m.out[t.Token]; out != nil {
		t.Held.Add(&t.Held, out)
	}
	if in := m.in[t.Token]; in != nil {
		if t.Held.Lt(in) {
			t.Held.Clear()
			return
		}
		t.Held.Sub(&t.Held, in)
	}
}
