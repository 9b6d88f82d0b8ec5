package chaintest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/chain"
)

// patience bounds every single call of a case. It is long: a case that waits for it has failed.
const patience = 30 * time.Second

// TestSource runs the suite for an adapter's Source. The function makes a fresh world for
// each case and cleans it up with t.Cleanup.
func TestSource(t *testing.T, newWorld func(t TB) World) {
	for _, c := range SourceCases() {
		t.Run(c.Name, func(t *testing.T) { c.Run(t, newWorld(t)) })
	}
}

// TestSink runs the suite for an adapter's Sink.
func TestSink(t *testing.T, newWorld func(t TB) SinkWorld) {
	for _, c := range SinkCases() {
		t.Run(c.Name, func(t *testing.T) { c.Run(t, newWorld(t)) })
	}
}

func must(t TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%v", err)
	}
}

func value[T any](v T, err error) func(t TB) T {
	return func(t TB) T {
		t.Helper()
		must(t, err)
		return v
	}
}

// bounded returns a context for one call.
func bounded(t TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// settle mines until all that has happened is settled.
func settle(t TB, w World) {
	t.Helper()
	must(t, w.Mine(bounded(t), w.Facts().Settle))
}

func deposit(t TB, w World, n int) []string {
	t.Helper()
	txs := value(w.Deposit(bounded(t), n))(t)
	if len(txs) != n {
		t.Fatalf("the world made %d deposits, want %d", len(txs), n)
	}
	return txs
}

func head(t TB, w World, s chain.Source) chain.Block {
	t.Helper()
	return value(s.Head(bounded(t), w.Facts().Finality))(t)
}

func counters(t TB, s chain.Source, at chain.Block) chain.Counters {
	t.Helper()
	return value(s.Counters(bounded(t), at))(t)
}

// checkHistory asks for all events and compares their recomputed head with the counters'.
func checkHistory(t TB, w World, s chain.Source, at chain.Block, want uint64) []chain.LocatedEvent {
	t.Helper()
	c := counters(t, s, at)
	if c.EventID != want {
		t.Fatalf("counters at %s: event id %d, want %d", at, c.EventID, want)
	}
	events := value(s.Events(bounded(t), 1, want, at))(t)
	checkIDs(t, events, 1, want)
	h := bridgecontracts.FirstHead(w.Facts().Domain)
	for i := range events {
		h = bridgecontracts.NextHead(h, &events[i].Event)
		if events[i].Block > at.Number {
			t.Errorf("event %d is said to be in block %d, after %s", events[i].ID, events[i].Block, at)
		}
	}
	if h != c.Head {
		t.Fatalf("head recomputed from %d events is %s, the counters at %s say %s", want, h, at, c.Head)
	}
	return events
}

func checkIDs(t TB, events []chain.LocatedEvent, from, to uint64) {
	t.Helper()
	if uint64(len(events)) != to-from+1 {
		t.Fatalf("%d events, want %d to %d", len(events), from, to)
	}
	for i := range events {
		if events[i].ID != from+uint64(i) {
			t.Fatalf("event %d where %d should be", events[i].ID, from+uint64(i))
		}
	}
}

// wantVerdict checks an error's advice.
func wantVerdict(t TB, what string, err error, verdicts ...chain.Verdict) {
	t.Helper()
	if err == nil {
		t.Fatalf("%s: no error, want one that says %v", what, verdicts)
	}
	for _, v := range verdicts {
		if chain.VerdictOf(err) == v {
			return
		}
	}
	t.Fatalf("%s: %q says %s, want %v", what, err, chain.VerdictOf(err), verdicts)
}

// wantAbsent checks for a proof of absence.
func wantAbsent(t TB, what string, err error) {
	t.Helper()
	if !errors.Is(err, chain.ErrAbsent) {
		t.Fatalf("%s: error %v, want ErrAbsent", what, err)
	}
}

// wantUnknown checks that a call neither answered nor proved absence.
func wantUnknown(t TB, what string, err error) {
	t.Helper()
	if err == nil || errors.Is(err, chain.ErrAbsent) {
		t.Fatalf("%s: error %v, want one that means unknown", what, err)
	}
}
