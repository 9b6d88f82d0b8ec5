package solana

import (
	"context"
	"testing"

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

// parts are the ids of the transactions of an attempt.
func (s *scene) parts(a chain.Attempt) (ids []string) {
	s.t.Helper()
	list, err := unpack(&a)
	s.ok(err)
	for _, raw := range list {
		ids = append(ids, transactionID(raw))
	}
	return ids
}

// dies sends an attempt by a sink whose process ends after so many of its transactions.
func (s *scene) dies(payer string, a chain.Attempt, after int) {
	s.t.Helper()
	ctx, cancel := context.WithCancel(s.t.Context())
	defer cancel()
	proxy := rpctest.Start(s.t, s.endpoint())
	proxy.Handle(func(x *rpctest.Exchange) {
		if x.Method == "sendTransaction" && proxy.Calls(x.Method) > after {
			cancel()
			x.Drop()
		}
		x.Pass()
	})
	if err := s.openedAt(proxy.URL(), payer).Broadcast(ctx, a); err == nil || ctx.Err() == nil {
		s.t.Fatalf("the process was to die after %d transactions: %v", after, err)
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

// spent checks that a payer has less than before by the fees of transactions alone: every rent came back.
func (s *scene) spent(payer string, before uint64, ids ...string) {
	s.t.Helper()
	fees := uint64(0)
	for _, id := range ids {
		fees += s.fee(id)
	}
	if after := s.lamports(keyOf(s.key(payer))); before-after != fees {
		s.t.Errorf("%s spent %d lamports on %d transactions whose fees are %d", payer, before-after, len(ids), fees)
	}
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
	finish := func(sink *Sink, d *chain.Delivery, check func(), before uint64, attempt chain.Attempt, ids ...string) {
		s.ok(sink.Broadcast(t.Context(), attempt))
		if st := s.phase(sink, chain.PhaseFinal, attempt); st.Failed {
			t.Fatalf("status %+v", st)
		}
		s.settles(sink, d)
		s.executed(d, attempt.ID, list...)
		check()
		if b := s.buffer("payer", d.Action.Digest(s.domain(), 1)); b != nil {
			t.Errorf("the buffer is still there: %+v", b)
		}
		s.spent("payer", before, ids...)
	}

	d, check, before := s.transfers(list...), s.expect(list...), s.lamports(keyOf(s.key("payer")))
	whole := s.attempt(s.sink, chain.BuildRequest{Delivery: d})
	finish(s.sink, d, check, before, whole, s.parts(whole)...)

	d, check, before = s.transfers(list...), s.expect(list...), s.lamports(keyOf(s.key("payer")))
	digest := d.Action.Digest(s.domain(), 1)
	first := s.attempt(s.sink, chain.BuildRequest{Delivery: d})
	ids := s.parts(first)
	if len(ids) < 3 {
		t.Fatalf("the seal is in %d transactions", len(ids))
	}
	s.dies("payer", first, 1)
	posted := s.buffer("payer", digest)
	if posted == nil || s.state().Now.NextAction != s.next {
		t.Fatal("nothing is posted after the first part")
	}
	second := s.attempt(s.opened("payer"), chain.BuildRequest{Delivery: d})
	rest := s.parts(second)
	if len(rest) != len(ids)-1 {
		t.Fatalf("after one transaction of %d, %d are left", len(ids), len(rest))
	}
	s.dies("payer", second, 1)
	if more := s.buffer("payer", digest); more == nil || more.Approvers&posted.Approvers != posted.Approvers || more.Approvers == posted.Approvers {
		t.Fatalf("the second part has posted no more than the first: %+v, %+v", posted, more)
	}
	finish(s.opened("payer"), d, check, before, second, append(rest, ids[0])...)
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

	a := s.attempt(s.sink, chain.BuildRequest{Delivery: d})
	ids := s.parts(a)
	if len(ids) < 2 {
		t.Fatalf("the rotation is in %d transactions", len(ids))
	}
	s.dies("payer", a, 1)
	if s.buffer("payer", digest) == nil || s.state().Now.Epoch != 1 {
		t.Fatal("nothing is posted after the first part")
	}
	sink := s.opened("payer")
	s.ok(sink.Broadcast(t.Context(), a))
	if st := s.phase(sink, chain.PhaseFinal, a); st.Failed {
		t.Fatalf("status %+v", st)
	}
	s.settles(sink, d)
	if b := s.buffer("payer", digest); b != nil {
		t.Errorf("the buffer is still there: %+v", b)
	}
	s.spent("payer", before, ids...)
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
