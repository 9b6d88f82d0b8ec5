package submitter

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/trinebridge/trine/chain"
)

// sweepingSink is a sink whose attempts each leave something on the chain, until they are swept.
type sweepingSink struct {
	chain.Sink
	left *leftovers
	k    *killer
}

var _ chain.Sweeper = sweepingSink{}

// leftovers are what attempts have left, by id. They outlive the process.
type leftovers struct {
	ids    []string
	needed bool  // what is there may still be of use
	fault  error // of every sweep
	fatal  bool  // of the next broadcast, which leaves something all the same
	sweeps int
}

func (s sweepingSink) Broadcast(ctx context.Context, a chain.Attempt) error {
	if !slices.Contains(s.left.ids, a.ID) {
		s.left.ids = append(s.left.ids, a.ID)
	}
	if s.left.fatal {
		s.left.fatal = false
		return chain.Errorf(chain.Fatal, "the endpoint wants to be paid")
	}
	return s.Sink.Broadcast(ctx, a)
}

func (s sweepingSink) Sweep(_ context.Context, attempts []chain.Attempt, _ chain.Caps) (clean bool, err error) {
	s.k.around("Sweep", func() { clean, err = s.sweep(attempts) })
	return clean, err
}

func (s sweepingSink) sweep(attempts []chain.Attempt) (bool, error) {
	s.left.sweeps++
	if s.left.fault != nil || s.left.needed {
		return false, s.left.fault
	}
	for _, a := range attempts {
		s.left.ids = slices.DeleteFunc(s.left.ids, func(id string) bool { return id == a.ID })
	}
	return true, nil
}

// sweeping has everything that the scene's submitters send from now on leave something.
func (s *scene) sweeping() *leftovers {
	left := &leftovers{}
	s.sink = func(sink chain.Sink) chain.Sink { return sweepingSink{sink, left, &killer{}} }
	s.restart()
	return left
}

// delivered has the pending transactions mined and heard of.
func (s *scene) delivered() {
	s.Helper()
	for range 3 {
		s.external.Mine(1)
		s.hear()
		s.mustRound(poll)
	}
}

// A delivery is remembered until what it has left is swept: while that is of use, while it cannot be done, and when the
// process ends. It is tried at its leisure, and hinders no other delivery.
func TestADeliveryIsRememberedUntilItIsSwept(t *testing.T) {
	s := newScene(t)
	left := s.sweeping()
	left.needed = true
	s.ledger.sealActions(1)
	s.mustRound(poll)
	s.delivered()
	s.wantNext(2)
	s.wantJobs(1)
	if left.sweeps != 1 {
		t.Errorf("it was asked %d times within a minute", left.sweeps)
	}
	left.needed, left.fault = false, errors.New("too dear")
	s.mustRound(sweepRest)
	s.wantJobs(1)
	if left.sweeps != 2 {
		t.Errorf("it was asked %d times", left.sweeps)
	}

	s.ledger.sealActions(1)
	s.mustRound(poll)
	s.delivered()
	s.wantNext(3)
	s.wantJobs(2)

	left.fault = nil
	s.restart() // what the process knew is gone, what it stored is not
	s.mustRound(poll)
	s.wantJobs(1) // one in a round, since a sweep may take its time
	s.mustRound(poll)
	s.wantJobs(0)
	if len(left.ids) != 0 {
		t.Errorf("left are %v", left.ids)
	}
}

// expiringSink is a sink without nonces where nothing lands: what is sent expires, and what was posted for it stays of use.
type expiringSink struct{ chain.Sink }

var _ chain.Sweeper = expiringSink{}

func (s expiringSink) Sender(ctx context.Context) (chain.Sender, error) {
	sender, err := s.Sink.Sender(ctx)
	sender.Next, sender.Pending = 0, 0
	return sender, err
}

func (s expiringSink) Build(ctx context.Context, r chain.BuildRequest) (chain.Draft, error) {
	r.Replaces = nil
	return s.Sink.Build(ctx, r)
}

func (s expiringSink) Sign(ctx context.Context, d chain.Draft) (chain.Attempt, error) {
	a, err := s.Sink.Sign(ctx, d)
	a.Nonce = 0
	return a, err
}

func (expiringSink) Broadcast(context.Context, chain.Attempt) error { return nil }

func (expiringSink) Status(context.Context, []chain.Attempt, chain.Finality) (chain.Status, bool, error) {
	return chain.Status{Attempt: -1}, true, nil
}

func (expiringSink) Sweep(context.Context, []chain.Attempt, chain.Caps) (bool, error) {
	return false, nil
}

// Hours in which nothing lands must not make a round longer and longer: an older job is forgotten though what it has left is of use,
// as the newer one knows it too.
func TestExpiredJobsDoNotPileUp(t *testing.T) {
	s := newScene(t)
	s.sink = func(sink chain.Sink) chain.Sink { return expiringSink{sink} }
	s.restart()
	s.ledger.sealActions(1)
	for range 180 {
		s.mustRound(2 * time.Minute)
		if n := len(s.carrier().machine.jobs); n > 3 {
			t.Fatalf("%d jobs are remembered for one delivery", n)
		}
	}
	s.wantJobs(len(s.carrier().machine.jobs))
}

// An endpoint refuses an attempt for good after it has taken a part of it: that part is not forgotten with the attempt.
func TestWhatARefusedAttemptHasLeftIsSwept(t *testing.T) {
	s := newScene(t)
	left := s.sweeping()
	left.fatal = true
	s.ledger.sealActions(1)
	s.mustRound(poll)
	s.wantJobs(1)
	s.restart()
	for range 12 {
		s.external.Mine(1)
		s.hear()
		s.mustRound(fatalRest)
	}
	s.wantNext(2)
	s.wantJobs(0)
	if len(left.ids) != 0 {
		t.Errorf("left are %v", left.ids)
	}
}

// The process ends before or after every write and call of a life in which deliveries leave something. In the end nothing is left.
func TestKillAnywhereLeavesNothing(t *testing.T) {
	live := func(k *killer) (s *scene, left *leftovers, death string) {
		s, left = newScene(t), &leftovers{}
		s.with(k)
		mortal := s.sink
		s.sink = func(sink chain.Sink) chain.Sink { return sweepingSink{mortal(sink), left, k} }
		s.restart()
		return s, left, s.script()
	}
	k := &killer{}
	s, left, _ := live(k)
	s.wantEnd(5)
	if left.sweeps == 0 || len(left.ids) != 0 {
		t.Fatalf("%d sweeps have left %v", left.sweeps, left.ids)
	}
	for n := 1; n <= k.calls; n++ {
		s, left, death := live(&killer{left: n, after: n%2 == 0})
		s.TB = named{t, fmt.Sprintf("killed %s (call %d): ", death, n)}
		s.wantEnd(5)
		if len(left.ids) != 0 {
			s.Fatalf("left are %v", left.ids)
		}
	}
}
