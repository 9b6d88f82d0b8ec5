package submitter

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/chain/chaintest"
	"github.com/trinebridge/trine/store"
)

// killed is what a killer panics with: the process is gone, whatever it held in memory.
type killed struct{ after string }

// killer ends the process before or after the n-th thing that it does to the outside:
// a write to the store or a call of the sink.
type killer struct {
	left  int // 0: lives on
	after bool
	calls int // all in all
	trace func(what string)
}

// around runs one call, and dies there if it is its turn.
func (k *killer) around(what string, call func()) {
	k.calls++
	if k.trace != nil {
		k.trace(what)
	}
	turn := false
	if k.left > 0 {
		k.left--
		turn = k.left == 0
	}
	if turn && !k.after {
		panic(killed{"before " + what})
	}
	call()
	if turn {
		panic(killed{"after " + what})
	}
}

type killingSink struct {
	chain.Sink
	k *killer
}

func (s killingSink) Sender(ctx context.Context) (out chain.Sender, err error) {
	s.k.around("Sender", func() { out, err = s.Sink.Sender(ctx) })
	return out, err
}

func (s killingSink) Build(ctx context.Context, r chain.BuildRequest) (out chain.Draft, err error) {
	s.k.around("Build", func() { out, err = s.Sink.Build(ctx, r) })
	return out, err
}

func (s killingSink) Sign(ctx context.Context, d chain.Draft) (out chain.Attempt, err error) {
	s.k.around("Sign", func() { out, err = s.Sink.Sign(ctx, d) })
	return out, err
}

func (s killingSink) Broadcast(ctx context.Context, a chain.Attempt) (err error) {
	s.k.around("Broadcast", func() { err = s.Sink.Broadcast(ctx, a) })
	return err
}

func (s killingSink) Status(ctx context.Context, attempts []chain.Attempt, f chain.Finality) (out chain.Status, expired bool, err error) {
	s.k.around("Status", func() { out, expired, err = s.Sink.Status(ctx, attempts, f) })
	return out, expired, err
}

func (s killingSink) Outcome(ctx context.Context, d *chain.Delivery, f chain.Finality) (out chain.Outcome, err error) {
	s.k.around("Outcome", func() { out, err = s.Sink.Outcome(ctx, d, f) })
	return out, err
}

type killingKV struct {
	store.KV
	k *killer
}

func (kv killingKV) NewBatch() store.Batch { return killingBatch{kv.KV.NewBatch(), kv.k} }

type killingBatch struct {
	store.Batch
	k *killer
}

func (b killingBatch) Commit(ctx context.Context, d store.Durability) (err error) {
	b.k.around("commit", func() { err = b.Batch.Commit(ctx, d) })
	return err
}

// with puts a killer around everything that the scene's submitters do from now on.
func (s *scene) with(k *killer) {
	s.sink = func(sink chain.Sink) chain.Sink { return killingSink{sink, k} }
	s.store = func(kv store.KV) store.KV { return killingKV{kv, k} }
	s.restart()
}

// mortalRound runs one round. If the process dies in it, another one takes its place.
func (s *scene) mortalRound(pass time.Duration) (death string) {
	s.Helper()
	defer func() {
		if r := recover(); r != nil {
			dead, ok := r.(killed)
			if !ok {
				panic(r)
			}
			death = dead.after
			s.restart()
		}
	}()
	s.mustRound(pass)
	return ""
}

// script is a life with everything in it: a pipeline, a fee that must rise, a pool that
// forgets, a reorganisation, a rival, a control action.
func (s *scene) script() (death string) {
	s.Helper()
	note := func(d string) {
		if d != "" {
			death = d
		}
	}
	s.ledger.sealActions(3)
	note(s.mortalRound(poll))
	s.external.SetPrice(4 * chaintest.InitialPrice)
	s.external.Mine(1)
	note(s.mortalRound(31 * time.Second))
	s.external.Mine(1)
	s.ledger.sealLimit()
	note(s.mortalRound(poll))
	s.external.DropPending()
	note(s.mortalRound(12 * time.Second))
	s.external.Mine(2)
	note(s.mortalRound(poll))
	s.external.Fork(2)
	note(s.mortalRound(poll))
	s.ledger.sealActions(2)
	note(s.mortalRound(poll))
	s.external.SetPrice(chaintest.InitialPrice)
	for range 12 {
		s.external.Mine(1)
		s.hear()
		note(s.mortalRound(31 * time.Second))
	}
	s.settle()
	note(s.mortalRound(poll))
	return death
}

// The process dies before and after every write and every call. Nothing is lost, nothing
// runs twice, and no nonce is left open.
func TestKillAnywhere(t *testing.T) {
	var calls int
	t.Run("nobody dies", func(t *testing.T) {
		s, k := newScene(t), &killer{}
		s.with(k)
		s.script()
		s.wantEnd(5)
		calls = k.calls
	})
	if calls < 100 {
		t.Fatalf("the script makes %d calls only", calls)
	}
	for _, after := range []bool{false, true} {
		for n := 1; n <= calls; n++ {
			s, k := newScene(t), &killer{left: n, after: after}
			s.with(k)
			death := s.script()
			if death == "" {
				t.Fatalf("nobody died at call %d", n)
			}
			s.TB = named{t, fmt.Sprintf("killed %s (call %d): ", death, n)}
			s.wantEnd(5)
		}
	}
}

// named puts where it happened before each failure.
type named struct {
	testing.TB
	prefix string
}

func (n named) Fatalf(format string, args ...any) {
	n.Helper()
	n.TB.Fatalf("%s"+format, append([]any{n.prefix}, args...)...)
}

// wantEnd checks that every action ran once, that the limit is set, and that nothing is left over.
func (s *scene) wantEnd(actions uint64) {
	s.Helper()
	s.wantNext(actions + 1)
	for id := uint64(1); id <= actions; id++ {
		if ran := s.executions()[id]; ran != 1 {
			s.Fatalf("action %d ran %d times", id, ran)
		}
	}
	if v := s.external.Counters().LimitVersion; v != 1 {
		s.Fatalf("limit version %d, want 1", v)
	}
	s.wantPending(0)
	s.wantJobs(0)
}
