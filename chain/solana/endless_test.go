package solana

import (
	"testing"

	"github.com/trinebridge/trine/chain"
)

// What names the endless page is recorded and found like everything else, among events of the pages that turn.
func TestEventsOfTheEndlessPageAreFound(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sharedChain(t))
	const events = 6
	for id := uint64(1); id <= events; id++ {
		page, err := w.program.Page(id)
		if id%2 == 0 {
			page, err = w.program.EndlessPage()
		}
		if err != nil {
			t.Fatal(err)
		}
		deposit, err := w.program.DepositSol(keyOf(w.key("alice")), page, id, nil)
		if err != nil {
			t.Fatal(err)
		}
		if id == 1 {
			if err := w.fund(t.Context(), w.key("alice")); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := w.act(t.Context(), w.key("alice"), deposit); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Mine(t.Context(), settleBlocks); err != nil {
		t.Fatal(err)
	}
	s, err := OpenSource(w.sourceConfig(w.proxy.URL()))
	if err != nil {
		t.Fatal(err)
	}
	at, err := s.Head(t.Context(), chain.Finality{})
	if err != nil {
		t.Fatal(err)
	}
	found, err := s.Events(t.Context(), 1, events, at)
	if err != nil || len(found) != events {
		t.Fatalf("%d events: %v", len(found), err)
	}
	if n := w.proxy.Calls("getBlock"); n > 0 {
		blocks := n
		if _, err := s.Events(t.Context(), 2, 2, at); err != nil {
			t.Fatal(err)
		}
		// Only the pin looks at a block: its event was found without.
		if more := w.proxy.Calls("getBlock") - blocks; more > 1 {
			t.Errorf("%d blocks were read for an event of the endless page", more)
		}
	}
}
