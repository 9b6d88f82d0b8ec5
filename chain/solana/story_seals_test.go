package solana

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/trinebridge/trine/bridgecontracts"
	contract "github.com/trinebridge/trine/bridgecontracts/solana"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/chain/chaintest"
	"github.com/trinebridge/trine/internal/rpctest"
	"github.com/trinebridge/trine/validators"
)

// largeSets are members of which six of nine approvers and six of nine listeners sign.
func largeSets(seed string, epoch uint64) *chaintest.Members {
	m := chaintest.NewMembers(seed, epoch, 9, 9)
	m.Set.ApproverQuorum, m.Set.ListenerQuorum = 6, 6
	return m
}

// parts counts the transactions of an attempt, and remembers them for the reckoning.
func (s *scene) parts(a chain.Attempt) (ids []string) {
	s.t.Helper()
	list, err := unpack(&a)
	s.ok(err)
	for _, raw := range list {
		ids = append(ids, transactionID(raw))
	}
	s.tried = append(s.tried, ids...)
	return ids
}

// dies builds an attempt and sends it by a sink whose process ends when so many of its transactions have landed.
func (s *scene) dies(d *chain.Delivery, after int) (a chain.Attempt, parts int) {
	s.t.Helper()
	ctx, cancel := context.WithCancel(s.t.Context())
	defer cancel()
	var deadly atomic.Value // the transaction that is not sent any more
	deadly.Store("")
	proxy := rpctest.Start(s.t, s.endpoint())
	proxy.Handle(func(x *rpctest.Exchange) {
		if x.Method == "sendTransaction" {
			if raw, err := rawOf(x); err != nil || transactionID(raw) == deadly.Load() {
				cancel()
				x.Drop()
			}
		}
		x.Pass()
	})
	sink := s.openedAt(proxy.URL(), "payer")
	for ctx.Err() == nil { // once, unless the machine is so slow that it expires before
		a = s.attempt(sink, chain.BuildRequest{Delivery: d})
		ids := s.parts(a)
		if parts = len(ids); parts <= after {
			s.t.Fatalf("it is in %d transactions", parts)
		}
		deadly.Store(ids[after])
		s.push(ctx, sink, a)
	}
	return a, parts
}

// push sends an attempt until it is sent, or cannot be, or the process ends.
func (s *scene) push(ctx context.Context, sink *Sink, a chain.Attempt) {
	s.t.Helper()
	s.until("send", func(context.Context) (bool, error) {
		call, cancel := context.WithTimeout(ctx, 20*time.Second)
		defer cancel()
		err := sink.Broadcast(call, a)
		return err == nil || chain.VerdictOf(err) == chain.Rebuild || ctx.Err() != nil, err
	})
}

// finish sends an attempt, of which a part may be there, and waits until it is final. On a slow machine that takes more than one.
func (s *scene) finish(sink *Sink, d *chain.Delivery, a chain.Attempt) chain.Attempt {
	s.t.Helper()
	for {
		s.push(s.t.Context(), sink, a)
		st, ok := s.phase(sink, chain.PhaseFinal, a)
		if ok && !st.Failed {
			s.settles(sink, d)
			return a
		}
		if ok {
			s.t.Fatalf("status %+v", st)
		}
		a = s.attempt(sink, chain.BuildRequest{Delivery: d})
		s.parts(a)
	}
}

// buffer is what has been posted for a digest by a payer, nil without any.
func (s *scene) buffer(payer string, digest [32]byte) *contract.Buffer {
	s.t.Helper()
	key, _, err := s.program.Buffer(keyOf(s.key(payer)), digest)
	s.ok(err)
	a := s.account(key)
	if a == nil {
		return nil
	}
	b, err := contract.DecodeBuffer(a.Data)
	s.ok(err)
	return b
}

// spent checks that the payer has less than before by the fees of those of its transactions that landed: every rent came back.
func (s *scene) spent(before uint64) {
	s.t.Helper()
	fees := uint64(0)
	for _, id := range s.tried {
		fees += s.fee(id)
	}
	if after := s.lamports(keyOf(s.key("payer"))); fees == 0 || before-after != fees {
		s.t.Errorf("the payer spent %d lamports on %d transactions whose fees are %d", before-after, len(s.tried), fees)
	}
	s.tried = nil
}

// Thirteen of nineteen approvers and the processor: their signatures are posted in parts, and the buffer's rent comes back.
// Then the submitter dies between the parts, twice: once it is started anew with nothing but the delivery, once with the
// attempt on its disk. Each time it goes on from what is posted.
func TestStorySealOfThirteenOfNineteen(t *testing.T) {
	s := newScene(t, 19, 3)
	if q := s.members.Set.ApproverQuorum; q != 13 {
		t.Fatalf("%d of 19 approvers sign", q)
	}
	_, to := s.person(0)
	list := []payment{paid(nil, to, 1_000_000), paid(nil, keyOf(s.key("user")), 5)}
	checked := func(d *chain.Delivery, check func(), before uint64, done chain.Attempt) {
		s.executed(d, done.ID, list...)
		check()
		if b := s.buffer("payer", d.Action.Digest(s.domain(), 1)); b != nil {
			t.Errorf("the buffer is still there: %+v", b)
		}
		s.spent(before)
	}

	d, check, before := s.transfers(list...), s.expect(list...), s.lamports(keyOf(s.key("payer")))
	whole := s.attempt(s.sink, chain.BuildRequest{Delivery: d})
	if ids := s.parts(whole); len(ids) < 3 {
		t.Fatalf("the seal is in %d transactions", len(ids))
	}
	checked(d, check, before, s.finish(s.sink, d, whole))

	d, check, before = s.transfers(list...), s.expect(list...), s.lamports(keyOf(s.key("payer")))
	digest := d.Action.Digest(s.domain(), 1)
	_, parts := s.dies(d, 1)
	posted := s.buffer("payer", digest)
	if posted == nil || s.state().Now.NextAction != s.next {
		t.Fatal("nothing is posted after the first part")
	}
	second, rest := s.dies(d, 1)
	if rest != parts-1 {
		t.Fatalf("after one transaction of %d, %d are left", parts, rest)
	}
	if more := s.buffer("payer", digest); more == nil || more.Approvers&posted.Approvers != posted.Approvers || more.Approvers == posted.Approvers {
		t.Fatalf("the second part has posted no more than the first: %+v, %+v", posted, more)
	}
	checked(d, check, before, s.finish(s.opened("payer"), d, second))
	s.goesOn()
}

// A rotation from six of nine and six of nine to another set of that size; the submitter dies in the middle of it.
func TestStoryRotationOfLargeSets(t *testing.T) {
	s := newSceneOf(t, largeSets("old", 1))
	next := largeSets("new", 2)
	control := &bridgecontracts.Control{Sequence: 2, Body: &bridgecontracts.Rotate{Set: next.Set}}
	digest := control.Digest(s.domain(), 1)
	d := &chain.Delivery{Control: control, Set: s.members.Set, Seal: s.members.Seal(digest, validators.Approvers, validators.Listeners)}
	before := s.lamports(keyOf(s.key("payer")))

	a, _ := s.dies(d, 1)
	if s.buffer("payer", digest) == nil || s.state().Now.Epoch != 1 {
		t.Fatal("nothing is posted after the first part")
	}
	sink := s.opened("payer")
	a = s.finish(sink, d, a)
	if b := s.buffer("payer", digest); b != nil {
		t.Errorf("the buffer is still there: %+v", b)
	}
	s.spent(before)
	state := s.state()
	if state.Now.Epoch != 2 || state.SetHash != next.Set.Hash() {
		t.Fatalf("the bridge is in epoch %d", state.Now.Epoch)
	}
	want := bridgecontracts.SetRotated{Epoch: 2, SetHash: next.Set.Hash()}
	if events := s.events(a.ID); len(events) != 1 || *events[0].Body.(*bridgecontracts.SetRotated) != want {
		t.Errorf("recorded %+v", events)
	}

	// From now on the new members' word counts, and only theirs.
	_, to := s.person(0)
	old := s.transfers(paid(nil, to, 1_000_000))
	if _, err := sink.Build(t.Context(), chain.BuildRequest{Delivery: old, Caps: s.Caps()}); chain.VerdictOf(err) != chain.Retry {
		t.Errorf("the old members' seal: %v", err)
	}
	s.members = next
	s.pay(paid(nil, to, 1_000_000))
	s.goesOn()
}
