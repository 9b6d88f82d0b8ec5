package processor_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/trinebridge/trine/appchain"
	"github.com/trinebridge/trine/appchain/appchaintest"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/gossip/wire"
	"github.com/trinebridge/trine/ledger"
	"github.com/trinebridge/trine/processor"
	"github.com/trinebridge/trine/signing"
	"github.com/trinebridge/trine/signing/guard"
	"github.com/trinebridge/trine/store"
)

// newTown is a scene whose processor asks before it makes blocks; it is not started yet.
func newTown(t *testing.T) *scene {
	t.Helper()
	s := &scene{t: t, f: appchaintest.New(t, appchaintest.Small, nowMillis()-1000), net: appchaintest.NewNetwork(t), kv: openMem(t), asks: true}
	s.members = s.net.Host("members")
	return s
}

// resident is a member's node that follows.
type resident struct {
	key  *signing.KeySigner
	node *appchain.Node
	host *host
	stop func()
}

func (s *scene) resident(name string, key *signing.KeySigner) *resident {
	s.t.Helper()
	n, err := appchain.New(appchain.Config{Ledger: s.f.Ledger, KV: openMem(s.t), Signer: key})
	if err != nil {
		s.t.Fatal(err)
	}
	r := &resident{key: key, node: n, host: s.net.Host(name)}
	f, err := appchain.NewFollower(appchain.FollowerConfig{Node: n, Network: r.host, PollInterval: 50 * time.Millisecond})
	if err != nil {
		s.t.Fatal(err)
	}
	r.stop = s.background(f.Run)
	s.t.Cleanup(r.stop)
	return r
}

// quorums starts two listeners and two approvers of three each.
func (s *scene) quorums() []*resident {
	s.t.Helper()
	return []*resident{
		s.resident("listener 0", s.f.Listeners[0]), s.resident("listener 1", s.f.Listeners[1]),
		s.resident("approver 0", s.f.Approvers[0]), s.resident("approver 1", s.f.Approvers[1]),
	}
}

// eventually waits for a condition that no node tells of.
func eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	deadline := time.After(2 * time.Minute)
	for !done() {
		select {
		case <-again.C:
		case <-deadline:
			t.Fatalf("gave up waiting until %s", what)
		}
	}
}

// copied returns a store with what another one holds now.
func copied(t testing.TB, from store.KV) store.KV {
	t.Helper()
	to := openMem(t)
	b := to.NewBatch()
	for e, err := range from.Ascend(nil, nil) {
		if err != nil {
			t.Fatal(err)
		}
		b.Put(e.Key, e.Value)
	}
	if err := b.Commit(context.Background(), store.Sync); err != nil {
		t.Fatal(err)
	}
	return to
}

// pay makes a block with a transfer and waits until everybody has it.
func (s *scene) pay(nonce uint64, everybody ...*resident) {
	s.t.Helper()
	u := users(2)
	status, err := s.p.SubmitTx(s.t.Context(), s.f.Tx(s.t, u[0], nonce, nowMillis(), transfer(u[1], 1)))
	if err != nil || status.State != appchain.TxIncluded {
		s.t.Fatalf("transfer %d: %+v, %v", nonce, status, err)
	}
	for _, r := range everybody {
		until(s.t, r.node, "everybody has the block", func() {}, func() bool { return r.node.Height() >= status.Height })
	}
}

// produces waits until the processor makes blocks.
func (s *scene) produces() {
	s.t.Helper()
	eventually(s.t, "the processor makes blocks", func() bool { return s.p.Status().Producing })
}

// agree fails the test if anybody holds another chain than the processor, or proof against it.
func (s *scene) agree(everybody ...*resident) {
	s.t.Helper()
	for _, r := range everybody {
		until(s.t, r.node, "everybody is at the head", func() {}, func() bool { return r.node.Height() == s.node.Height() })
		if r.node.Compromised() || r.node.Head().Hash != s.node.Head().Hash {
			s.t.Errorf("%s: block %d is %s, the processor's %s; evidence %+v", r.key.Address(), r.node.Height(), r.node.Head().Hash, s.node.Head().Hash, r.node.Evidence())
		}
	}
}

// TestFirstBoot: everybody starts at the genesis, the processor first. It makes no block
// until a quorum of both groups has said so.
func TestFirstBoot(t *testing.T) {
	s := newTown(t)
	s.start(s.net.Host("processor"))
	tx := s.f.Tx(t, users(1)[0], 1, nowMillis(), &ledger.Tick{})
	eventually(t, "it asks", func() bool { _, err := s.p.Submit(t.Context(), tx); return errors.Is(err, processor.ErrAsking) })
	s.resident("approver 0", s.f.Approvers[0])
	s.resident("approver 1", s.f.Approvers[1])
	s.resident("a node", appchaintest.Key("stranger")) // it holds no seat
	s.resident("listener 0", s.f.Listeners[0])
	eventually(t, "three members have answered", func() bool {
		r := s.p.Status().RollCall
		return r.Listeners == 1 && r.Approvers == 2 && strings.Contains(r.String(), "1 listeners of 2 and 2 approvers of 2")
	})
	if s.p.Status().Producing {
		t.Fatal("it makes blocks with one listener of two")
	}
	s.resident("listener 1", s.f.Listeners[1])
	s.produces()
	s.attach()
}

// TestEmptyFolder: the processor's disk is lost. It takes its own blocks from its followers,
// executes them, and goes on; members that are down or behind do not hinder it.
func TestEmptyFolder(t *testing.T) {
	s := newTown(t)
	s.start(s.net.Host("processor"))
	everybody := s.quorums()
	behind := s.resident("listener 2", s.f.Listeners[2])
	s.produces()
	s.attach()
	s.credit(s.f.NewHistory(), users(2)...)
	for nonce := range uint64(3) {
		s.pay(nonce+1, everybody...)
	}
	behind.host.Cut(true)
	for nonce := uint64(4); nonce <= 40; nonce++ {
		s.pay(nonce)
	}
	s.agree(everybody...)
	s.stop()
	height, head := s.node.Height(), s.node.Head().Hash
	behind.host.Cut(false) // it may catch up from the others, or still be behind when it is asked
	s.kv = openMem(t)
	s.start(s.net.Host("processor again"))
	s.produces()
	if b, err := s.node.Block(height); err != nil || b.Header.Hash() != head {
		t.Fatalf("it begins at block %d; block %d is %s (%v), it was %s", s.node.Height(), height, b.Header.Hash(), err, head)
	}
	s.pay(41, everybody...)
	s.agree(append(everybody, behind)...)
}

// TestOldCopy: an older copy of the folder is restored, while one member of each group is down.
func TestOldCopy(t *testing.T) {
	s := newTown(t)
	s.start(s.net.Host("processor"))
	everybody := s.quorums()
	s.produces()
	s.attach()
	s.credit(s.f.NewHistory(), users(2)...)
	s.pay(1, everybody...)
	old := copied(t, s.kv)
	for nonce := uint64(2); nonce < 10; nonce++ {
		s.pay(nonce)
	}
	s.agree(everybody...)
	s.stop()
	height := s.node.Height()
	s.kv = old
	s.start(s.net.Host("processor again"))
	if s.node.Height() >= height {
		t.Fatal("the copy is not older")
	}
	s.produces()
	if s.node.Height() < height {
		t.Fatalf("it begins at block %d, its key has signed block %d", s.node.Height(), height)
	}
	s.pay(10, everybody...)
	s.agree(everybody...)
}

// standingOf serves an answer to whoever asks where a peer stands.
func standingOf(s *scene, name string, answer func(ctx context.Context, challenge codec.Hash) ([]byte, error)) *host {
	s.t.Helper()
	h := s.net.Host(name)
	if _, err := h.Serve(appchain.ProtocolStanding, 32, func(ctx context.Context, _ string, request []byte) ([]byte, error) {
		var r appchain.StandingRequest
		if err := codec.Unmarshal(request, &r, 32); err != nil {
			return nil, err
		}
		return answer(ctx, r.Challenge)
	}); err != nil {
		s.t.Fatal(err)
	}
	return h
}

// signedStanding returns a member's answer.
func (s *scene) signedStanding(key *signing.KeySigner, tip *wire.SignedHeader, challenge codec.Hash) []byte {
	answer := wire.Standing{Tip: tip}
	signature, err := key.SignDigest(answer.Digest(s.f.Genesis, challenge))
	if err != nil {
		s.t.Error(err)
	}
	answer.Signature = &signature
	return codec.Marshal(&answer)
}

// TestLiarsAtTheRollCall: blocks that the processor's key has not signed impress nobody,
// whoever speaks of them, and nobody speaks for another.
func TestLiarsAtTheRollCall(t *testing.T) {
	s := newTown(t)
	far := &wire.SignedHeader{Header: ledger.Header{Genesis: s.f.Genesis, Height: 1 << 40, Parent: codec.Hash{1}}}
	far.Signature = sign(t, appchaintest.Key("stranger"), far.Header.Hash())
	foreign := &wire.SignedHeader{Header: ledger.Header{Genesis: codec.Hash{9}, Height: 7}}
	foreign.Signature = sign(t, s.f.Processor, foreign.Header.Hash())
	standingOf(s, "stranger", func(_ context.Context, c codec.Hash) ([]byte, error) {
		return s.signedStanding(appchaintest.Key("stranger"), far, c), nil
	})
	standingOf(s, "hostile listener", func(_ context.Context, c codec.Hash) ([]byte, error) {
		return s.signedStanding(s.f.Listeners[2], far, c), nil
	})
	standingOf(s, "hostile approver", func(_ context.Context, c codec.Hash) ([]byte, error) {
		return s.signedStanding(s.f.Approvers[2], foreign, c), nil
	})
	standingOf(s, "parrot", func(context.Context, codec.Hash) ([]byte, error) { // what a listener said to somebody else
		return s.signedStanding(s.f.Listeners[1], nil, codec.Hash{5}), nil
	})
	standingOf(s, "garbage", func(context.Context, codec.Hash) ([]byte, error) { return []byte("garbage"), nil })
	standingOf(s, "hangs", func(ctx context.Context, _ codec.Hash) ([]byte, error) { <-ctx.Done(); return nil, ctx.Err() })
	s.resident("listener 0", s.f.Listeners[0])
	s.resident("approver 0", s.f.Approvers[0])
	s.resident("approver 1", s.f.Approvers[1])
	s.start(s.net.Host("processor"))
	eventually(t, "it has heard all", func() bool { return s.p.Status().RollCall.Approvers == 2 })
	if st := s.p.Status(); st.Producing || st.RollCall.Listeners != 1 || st.RollCall.Missing != 0 {
		t.Fatalf("after the liars it stands at %+v", st.RollCall)
	}
	s.resident("listener 1", s.f.Listeners[1])
	s.produces()
	if s.node.Height() != 0 || s.node.Compromised() {
		t.Fatalf("at block %d, compromised: %t", s.node.Height(), s.node.Compromised())
	}
}

// TestHiddenBlock: somebody shows a block that the key has signed, and nobody gives it. The
// processor waits, also after a restart, and no flag makes it sign that height again.
func TestHiddenBlock(t *testing.T) {
	s := newTown(t)
	m := s.f.NewMaker(t)
	blocks := m.Ticks(3)
	hidden := &wire.SignedHeader{Header: blocks[2].Header, Signature: blocks[2].Signature}
	hides := standingOf(s, "hides", func(context.Context, codec.Hash) ([]byte, error) {
		return codec.Marshal(&wire.Standing{Tip: hidden}), nil
	})
	everybody := s.quorums()
	s.start(s.net.Host("processor"))
	waits := func() {
		t.Helper()
		eventually(t, "it misses the block", func() bool {
			r := s.p.Status().RollCall
			return r.Missing == 3 && r.Listeners == 2 && r.Approvers == 2 && strings.Contains(r.String(), "block 3")
		})
		if s.p.Status().Producing {
			t.Fatal("it makes blocks")
		}
	}
	waits()
	s.stop()
	// Who has shown it is gone; the processor remembers.
	hides.Cut(true)
	s.start(s.net.Host("processor again"))
	waits()
	s.stop()
	s.asks = false
	g, err := guard.New(s.f.Processor, s.kv)
	if err != nil {
		t.Fatal(err)
	}
	p, err := processor.New(processor.Config{Node: s.node, Network: s.net.Host("rash processor"), Signer: s.f.Processor, Guard: g, UnsafeAllowBehind: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Run(t.Context()); !errors.Is(err, processor.ErrSignedElsewhere) || !strings.Contains(err.Error(), "block 3") {
		t.Fatalf("with the unsafe flag: %v", err)
	}
	s.asks = true
	s.start(s.net.Host("third processor"))
	// A member that has the blocks comes: everything goes on.
	if err := everybody[0].node.Import(t.Context(), blocks); err != nil {
		t.Fatal(err)
	}
	s.produces()
	s.attach()
	s.agree(everybody...)
}

// TestTwin: while it makes blocks, somebody shows it a block of its key that it does not have.
func TestTwin(t *testing.T) {
	for name, test := range map[string]struct {
		run  func(m, fork *appchaintest.Maker) []ledger.Block
		want error
	}{
		"above its head": {func(m, _ *appchaintest.Maker) []ledger.Block { return m.Ticks(2)[1:] }, processor.ErrSignedElsewhere},
		"of its head's height": {func(_, fork *appchaintest.Maker) []ledger.Block {
			return []ledger.Block{fork.Own(&ledger.Tick{}, &ledger.Tick{})}
		}, appchain.ErrCompromised},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, appchaintest.Small)
			s.stop()
			m := s.f.NewMaker(t)
			common := m.Ticks(2)
			fork := m.Fork()
			last := m.Own(&ledger.Tick{})
			if err := s.node.Import(t.Context(), append(common, last)); err != nil {
				t.Fatal(err)
			}
			g, err := guard.New(s.f.Processor, s.kv)
			if err != nil {
				t.Fatal(err)
			}
			p, err := processor.New(processor.Config{Node: s.node, Network: s.net.Host("twin"), Signer: s.f.Processor, Guard: g, UnsafeAllowBehind: true})
			if err != nil {
				t.Fatal(err)
			}
			done := make(chan error, 1)
			go func() { done <- p.Run(context.Background()) }()
			eventually(t, "it makes blocks", func() bool { return p.Status().Producing })
			// Its own blocks and others' garbage change nothing.
			s.publish(appchain.TopicBlocks, &wire.Blocks{Blocks: common})
			s.publish(appchain.TopicBlocks, &wire.Blocks{})
			shown := test.run(m, fork)
			again := time.NewTicker(50 * time.Millisecond)
			defer again.Stop()
			for {
				s.publish(appchain.TopicBlocks, &wire.Blocks{Blocks: shown})
				select {
				case err := <-done:
					if !errors.Is(err, test.want) {
						t.Fatalf("ended with %v, want %v", err, test.want)
					}
					return
				case <-again.C:
				}
			}
		})
	}
}
