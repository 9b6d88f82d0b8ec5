package solana

import (
	"context"
	"testing"

	"github.com/holiman/uint256"

	contract "github.com/trinebridge/trine/bridgecontracts/solana"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/codec"
)

// Whoever deposits in every slot, which costs next to nothing, must not keep members from seeing what the bridge holds.
func TestDepositsDoNotStopASnapshot(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sharedChain(t))
	read := func(s chain.Source, at chain.Block, of ...codec.Hash) chain.TokenState {
		t.Helper()
		snapshot, err := s.Snapshot(t.Context(), at, of)
		if err != nil {
			t.Fatal(err)
		}
		want, err := s.Counters(t.Context(), at)
		if err != nil || snapshot.Counters != want {
			t.Errorf("the snapshot has counters %+v, there are %+v (%v)", snapshot.Counters, want, err)
		}
		return snapshot.Tokens[0]
	}
	deposit := func(n int) {
		t.Helper()
		if _, err := w.Deposit(t.Context(), n); err != nil {
			t.Fatal(err)
		}
		if err := w.Mine(t.Context(), settleBlocks); err != nil {
			t.Fatal(err)
		}
	}
	s, err := w.Source()
	if err != nil {
		t.Fatal(err)
	}
	deposit(2)
	at, err := s.Head(t.Context(), chain.Finality{})
	if err != nil {
		t.Fatal(err)
	}
	deposit(3)
	if got := read(s, at, contract.Native); !got.Held.Eq(uint256.NewInt(2)) {
		t.Errorf("%s were held at %s, want 2", got.Held.Dec(), at)
	}
	// An action takes what limits and balances say with it.
	runNoop(t, w)
	if _, err := s.Snapshot(t.Context(), at, []codec.Hash{contract.Native}); chain.VerdictOf(err) != chain.Rewind {
		t.Errorf("after an action: %v", err)
	}
}

func runNoop(t *testing.T, w *world) {
	t.Helper()
	d, err := w.Noop(1)
	if err != nil {
		t.Fatal(err)
	}
	k, err := w.Sink()
	if err != nil {
		t.Fatal(err)
	}
	send(t.Context(), t, k, chain.BuildRequest{Delivery: d, Caps: w.Caps()})
	if err := w.Mine(t.Context(), settleBlocks); err != nil {
		t.Fatal(err)
	}
}

func send(ctx context.Context, t *testing.T, k chain.Sink, r chain.BuildRequest) {
	t.Helper()
	draft, err := k.Build(ctx, r)
	if err != nil {
		t.Fatal(err)
	}
	attempt, err := k.Sign(ctx, draft)
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Broadcast(ctx, attempt); err != nil {
		t.Fatal(err)
	}
}
