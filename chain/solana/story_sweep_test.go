package solana

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/internal/rpctest"
)

// ledgered is a sink whose transactions are all remembered for the reckoning; when it has sent one, its process may end.
type ledgered struct {
	mu  sync.Mutex
	ids []string
	die context.CancelFunc // nil: it lives on
}

func (l *ledgered) handle(x *rpctest.Exchange) {
	if x.Method != "sendTransaction" {
		x.Pass()
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if raw, err := rawOf(x); err == nil && !slices.Contains(l.ids, transactionID(raw)) {
		l.ids = append(l.ids, transactionID(raw))
	}
	out, err := x.Forward()
	if l.die != nil {
		l.die()
		x.Drop()
	}
	if err != nil {
		x.Drop()
	}
	x.Reply(out)
}

// sweep sweeps until nothing is left, by sinks that know nothing but the attempts. Of the first the process ends as soon as
// it has sent something.
func (s *scene) sweep(payer string, attempts ...chain.Attempt) {
	s.t.Helper()
	book := &ledgered{}
	proxy := rpctest.Start(s.t, s.endpoint())
	proxy.Handle(book.handle)
	mortal, cancel := context.WithCancel(s.t.Context())
	book.die = cancel
	if clean, err := s.openedAt(proxy.URL(), payer).Sweep(mortal, attempts, s.Caps()); err == nil {
		s.t.Errorf("sweeping ended well (%v) although its process died", clean)
	}
	book.mu.Lock()
	book.die = nil
	book.mu.Unlock()
	s.until("sweep", func(ctx context.Context) (bool, error) {
		return s.openedAt(proxy.URL(), payer).Sweep(ctx, attempts, s.Caps())
	})
	book.mu.Lock()
	defer book.mu.Unlock()
	s.tried = append(s.tried, book.ids...)
}

// over waits until an attempt can do nothing any more.
func (s *scene) over(sink *Sink, a chain.Attempt) {
	s.t.Helper()
	s.until("be over", func(ctx context.Context) (bool, error) {
		st, expired, err := sink.Status(ctx, []chain.Attempt{a}, chain.Finality{})
		return expired || st.Phase == chain.PhaseFinal, err
	})
}

// Somebody else makes a delivery that this submitter has begun to prepare. What it has posted is of use to nobody then, and its
// rent comes back, although the submitter dies once more; before, nothing is taken away.
func TestStorySealThatSomebodyElseDelivers(t *testing.T) {
	s := newScene(t, 19, 3)
	_, to := s.person(0)
	list := []payment{paid(nil, to, 1_000_000)}
	d, check, before := s.transfers(list...), s.expect(list...), s.lamports(keyOf(s.key("payer")))
	digest := d.Action.Digest(s.domain(), 1)
	a, _ := s.dies(d, 1)
	sink := s.opened("payer")
	if clean, err := sink.Sweep(t.Context(), []chain.Attempt{a}, s.Caps()); err != nil || clean || s.buffer("payer", digest) == nil {
		t.Fatalf("what may be of use was swept: clean %v, %v, the buffer %+v", clean, err, s.buffer("payer", digest))
	}

	rival := s.opened("rival")
	done := s.deliver(rival, d)
	s.executed(d, done.ID, list...)
	check()
	if err := sink.Broadcast(t.Context(), a); chain.VerdictOf(err) != chain.Done {
		t.Errorf("preparing what is done: %v", err)
	}
	s.over(sink, a)
	if s.buffer("payer", digest) == nil {
		t.Fatal("nothing is left to be swept")
	}
	s.sweep("payer", a, a)
	if left := s.buffer("payer", digest); left != nil {
		t.Errorf("the buffer is still there: %+v", left)
	}
	s.spent(before)
	if clean, err := sink.Sweep(t.Context(), []chain.Attempt{a}, s.Caps()); err != nil || !clean {
		t.Errorf("sweeping again: %v, %v", clean, err)
	}
	s.goesOn()
}

// A rotation ends the epoch of what is posted: nobody can deliver under that seal any more.
func TestStorySealThatExpiresWithItsEpoch(t *testing.T) {
	s := newScene(t, 19, 3)
	_, to := s.person(0)
	d, before := s.transfers(paid(nil, to, 1_000_000)), s.lamports(keyOf(s.key("payer")))
	a, _ := s.dies(d, 1)
	later := *s.members
	later.Set.Epoch = 2
	s.deliver(s.opened("rival"), s.members.Control(s.domain(), 2, &bridgecontracts.Rotate{Set: later.Set}))
	s.over(s.sink, a)
	s.sweep("payer", a)
	if left := s.buffer("payer", d.Action.Digest(s.domain(), 1)); left != nil {
		t.Errorf("the buffer is still there: %+v", left)
	}
	s.spent(before)
	s.members = &later
	s.pay(paid(nil, to, 1_000_000)) // the same action under its new seal
	s.goesOn()
}

// Two submitters bring the same seal in parts at the same time. One delivers; at the end nothing of either is left.
func TestStoryTwoPayersRaceWithPostedSeals(t *testing.T) {
	s := newScene(t, 19, 3)
	_, to := s.person(0)
	list := []payment{paid(nil, to, 1_000_000)}
	d, check := s.transfers(list...), s.expect(list...)
	digest := d.Action.Digest(s.domain(), 1)
	payers := []string{"payer", "rival"}
	attempts := make([][]chain.Attempt, len(payers))
	var wait sync.WaitGroup
	faults := make([]error, len(payers))
	for i, payer := range payers {
		sink := s.opened(payer)
		attempts[i] = append(attempts[i], s.attempt(sink, chain.BuildRequest{Delivery: d}))
		wait.Go(func() { faults[i] = s.race(sink, d, &attempts[i]) })
	}
	wait.Wait()
	for i := range payers {
		s.ok(faults[i])
	}
	won := ""
	for i, payer := range payers {
		sink := s.opened(payer)
		s.settles(sink, d)
		st, _, err := sink.Status(t.Context(), attempts[i], chain.Finality{})
		s.ok(err)
		if st.Phase >= chain.PhaseIncluded && !st.Failed {
			won += attempts[i][st.Attempt].ID
		}
		s.over(sink, attempts[i][len(attempts[i])-1])
		s.until("sweep", func(ctx context.Context) (bool, error) {
			return s.opened(payer).Sweep(ctx, attempts[i], s.Caps())
		})
	}
	s.executed(d, won, list...)
	check()
	for _, payer := range payers {
		if left := s.buffer(payer, digest); left != nil {
			t.Errorf("of %s is left %+v", payer, left)
		}
	}
	s.goesOn()
}

// race sends attempts until the bridge is past the delivery, whoever made it.
func (s *scene) race(sink *Sink, d *chain.Delivery, attempts *[]chain.Attempt) error {
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	ticker := time.NewTicker(testPoll)
	defer ticker.Stop()
	for ; ctx.Err() == nil; <-ticker.C {
		newest := &(*attempts)[len(*attempts)-1]
		err := sink.Broadcast(ctx, *newest)
		if o, fault := sink.Outcome(ctx, d, chain.Finality{}); fault == nil && o.Done {
			return nil
		}
		if chain.VerdictOf(err) != chain.Rebuild || err == nil {
			continue // it is on its way
		}
		draft, err := sink.Build(ctx, chain.BuildRequest{Delivery: d, Replaces: newest, Caps: s.Caps()})
		if err != nil {
			continue // while it can land, it is not replaced
		}
		again, err := sink.Sign(ctx, draft)
		if err != nil {
			return err
		}
		*attempts = append(*attempts, again)
	}
	return ctx.Err()
}
