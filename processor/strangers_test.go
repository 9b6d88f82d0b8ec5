package processor_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/trinebridge/trine/appchain"
	"github.com/trinebridge/trine/appchain/appchaintest"
	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/gossip"
	"github.com/trinebridge/trine/gossip/wire"
	"github.com/trinebridge/trine/ledger"
	"github.com/trinebridge/trine/processor"
	"github.com/trinebridge/trine/signing"
	"github.com/trinebridge/trine/signing/guard"
	"github.com/trinebridge/trine/store"
)

// seen counts what the hosts of a test say about messages and peers.
type seen struct {
	mu     sync.Mutex
	counts map[string]int
}

func (s *seen) add(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts[fmt.Sprintf(format, args...)]++
}

func (s *seen) get(format string, args ...any) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts[fmt.Sprintf(format, args...)]
}

func (s *seen) events() gossip.Events {
	return gossip.Events{
		Received:   func(topic string, _ int, v gossip.Verdict) { s.add("%s %s", topic, v) },
		Dropped:    func(topic, reason string) { s.add("%s %s", topic, reason) },
		Misbehaved: func(peer, deed string) { s.add("%s %s", peer, deed) },
	}
}

// townTopics are the real ones, with rates that a test can exceed.
func townTopics() []gossip.Topic {
	topics := gossip.DefaultTopics()
	for i := range topics {
		topics[i].Rate = 20
	}
	return topics
}

// square is a processor, a book of acknowledgements and a follower on real hosts, that
// between them listen to every topic and serve every protocol of the app chain.
type square struct {
	*scene
	seen        *seen
	hub, follow *gossip.Host
	node, late  *appchain.Node // the processor's and the follower's
	follower    *appchain.Follower
	acks        *appchain.AckBook
	block       ledger.Block // the only one
}

func newSquare(t *testing.T) *square {
	t.Helper()
	q := &square{scene: &scene{t: t, f: appchaintest.New(t, appchaintest.Small, nowMillis()-1000), kv: openMem(t)}, seen: &seen{counts: map[string]int{}}}
	q.hub = q.host(gossip.Config{Topics: townTopics(), Events: q.seen.events()})
	q.follow = q.host(gossip.Config{Topics: townTopics(), Events: q.seen.events()}, q.hub)
	var err error
	if q.node, err = appchain.New(appchain.Config{Ledger: q.f.Ledger, KV: store.Sub(q.kv, "chain/")}); err != nil {
		t.Fatal(err)
	}
	q.scene.node = q.node
	q.block = q.f.NewMaker(t).Own(q.f.Attach(t))
	if err := q.node.Import(t.Context(), []ledger.Block{q.block}); err != nil {
		t.Fatal(err)
	}
	g, err := guard.New(q.f.Processor, q.kv)
	if err != nil {
		t.Fatal(err)
	}
	if q.p, err = processor.New(processor.Config{Node: q.node, Network: q.hub, Signer: q.f.Processor, Guard: g, UnsafeAllowBehind: true}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(q.background(q.p.Run))
	q.acks = appchain.NewAckBook(q.node, q.hub, nil)
	t.Cleanup(q.background(q.acks.Run))
	if q.late, err = appchain.New(appchain.Config{Ledger: q.f.Ledger, KV: openMem(t)}); err != nil {
		t.Fatal(err)
	}
	if q.follower, err = appchain.NewFollower(appchain.FollowerConfig{Node: q.late, Network: q.follow, PollInterval: 100 * time.Millisecond}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(q.background(q.follower.Run))
	until(t, q.late, "the follower has the block", func() {}, func() bool { return q.late.Height() == 1 })
	return q
}

// stranger returns a host that sends larger messages than others take.
func (q *square) stranger() *gossip.Host {
	topics := gossip.DefaultTopics()
	for i := range topics {
		topics[i].MaxSize += 1 << 10
	}
	return q.host(gossip.Config{Topics: topics}, q.hub, q.follow)
}

// hostile is what a stranger says on a topic; no two of its messages are alike.
type hostile struct {
	name, topic string
	message     func(i uint64) []byte
	// want is a verdict, or why it is dropped.
	want string
}

// mallory has no seat.
var mallory = appchaintest.Key("mallory")

func (q *square) signed(digest codec.Hash) signing.Signature { return sign(q.t, mallory, digest) }

// header returns one that a stranger has signed.
func (q *square) header(i uint64) wire.SignedHeader {
	h := wire.SignedHeader{Header: ledger.Header{Genesis: q.f.Genesis, Height: 2 + i, Parent: codec.Hash{1}}}
	h.Signature = q.signed(h.Header.Hash())
	return h
}

// useless says what is well-formed and worth nothing, by topic: what an attacker sends who
// does not want to be blamed.
func (q *square) useless() map[string]func(i uint64) []byte {
	h := q.f.NewHistory()
	h.Deposit(q.t, mallory, 1_000_000)
	return map[string]func(i uint64) []byte{
		appchain.TopicTransactions: func(i uint64) []byte {
			return codec.Marshal(q.f.Tx(q.t, mallory, 1, nowMillis()+i%1000, transfer(q.f.Treasury, 1+i)))
		},
		appchain.TopicBlocks: func(i uint64) []byte { // an old block, spoilt on the way
			b := q.block
			b.Signature[i%32] ^= byte(1 + i/32)
			return codec.Marshal(&wire.Blocks{Blocks: []ledger.Block{b}})
		},
		appchain.TopicAttestations: func(i uint64) []byte {
			a := wire.Attestation{Attestation: h.Attestation(1)}
			a.EventID += i
			a.Signature = q.signed(a.Digest())
			return codec.Marshal(&a)
		},
		appchain.TopicApprovals: func(i uint64) []byte {
			v := wire.Approval{Domain: q.f.Domain, Epoch: 1, ActionID: 1 + i, Revision: 1, Digest: codec.Hash{1}}
			v.Signature = q.signed(v.Digest)
			return codec.Marshal(&wire.Vote{Approval: &v})
		},
		appchain.TopicAcks: func(i uint64) []byte {
			return codec.Marshal(&wire.Ack{Height: 1 + i, Block: codec.Hash{1}, Signature: q.signed(bridgecontracts.AckDigest(q.f.Genesis, 1+i, codec.Hash{1}))})
		},
		appchain.TopicAlerts: func(i uint64) []byte { return codec.Marshal(&wire.Evidence{First: q.header(i)}) },
	}
}

func (q *square) hostiles() (all []hostile) {
	useless := q.useless()
	add := func(name, topic, want string, message func(i uint64) []byte) {
		all = append(all, hostile{name, topic, message, want})
	}
	for _, t := range gossip.DefaultTopics() {
		add("garbage", t.Name, "reject", func(i uint64) []byte { return fmt.Appendf(nil, "garbage %d", i) })
		add("too much", t.Name, "size", func(i uint64) []byte { return make([]byte, uint64(t.MaxSize)+1+i%1000) })
		for other, message := range useless {
			// Acknowledgements are tried on every other topic, attestations on that of acknowledgements.
			if t.Name != appchain.TopicAcks && other == appchain.TopicAcks || t.Name == appchain.TopicAcks && other == appchain.TopicAttestations {
				add("a message of topic "+other, t.Name, "reject", message)
			}
		}
		if message := useless[t.Name]; message != nil {
			add("a member's message from nobody", t.Name, "ignore", message)
		}
	}
	add("a block that a stranger has signed", appchain.TopicBlocks, "reject", func(i uint64) []byte {
		h := q.header(i)
		return codec.Marshal(&wire.Blocks{Blocks: []ledger.Block{{Header: h.Header, Tx: q.block.Tx, Signature: h.Signature}}})
	})
	add("a notice that a stranger has signed", appchain.TopicNotices, "reject", func(i uint64) []byte {
		n := wire.Notice{Tx: codec.Hash{byte(i), byte(i >> 8)}, Code: ledger.CodeFunds, Reason: "because"} // the low bytes
		n.Signature = q.signed(n.Digest(q.f.Genesis))
		return codec.Marshal(&n)
	})
	add("a vote to attach from nobody", appchain.TopicApprovals, "ignore", func(i uint64) []byte {
		v := wire.AttachVote{Chain: appchaintest.ChainID, Bridge: codec.Uint64Word(7 + i), Sequence: 2, CodeHash: codec.Hash{1}, SetHash: q.f.Set.Hash()}
		v.Signature = q.signed(v.Digest(q.f.Genesis))
		return codec.Marshal(&wire.Vote{Attach: &v})
	})
	add("a vote for nothing", appchain.TopicApprovals, "reject", func(i uint64) []byte { return append(make([]byte, 2), make([]byte, i%500)...) })
	add("an acknowledgement in a listener's name", appchain.TopicAcks, "ignore", func(i uint64) []byte {
		ack := wire.Ack{Height: 1, Block: codec.Hash{byte(i), byte(i >> 8)}} // the low bytes
		ack.Signature = sign(q.t, q.f.Listeners[0], codec.Hash{1})           // of something else
		return codec.Marshal(&ack)
	})
	add("a forged transaction", appchain.TopicTransactions, "reject", func(i uint64) []byte {
		tx := q.f.Tx(q.t, mallory, 1, nowMillis(), transfer(q.f.Treasury, 1+i))
		tx.Signature[3]++
		return codec.Marshal(tx)
	})
	return all
}

// TestStrangersOnEveryTopic: whatever a stranger says on a topic is dropped or judged as it should
// be by those who really listen there, and changes nothing.
func TestStrangersOnEveryTopic(t *testing.T) {
	q := newSquare(t)
	for _, h := range q.hostiles() {
		t.Run(h.topic+": "+h.name, func(t *testing.T) {
			stranger := q.stranger() // one each: who is rejected often is not heard any more
			i, before := uint64(0), q.seen.get("%s %s", h.topic, h.want)
			again := time.NewTicker(100 * time.Millisecond)
			defer again.Stop()
			deadline := time.After(30 * time.Second)
			for q.seen.get("%s %s", h.topic, h.want) == before {
				if err := stranger.Publish(t.Context(), h.topic, h.message(i)); err != nil {
					t.Fatal(err)
				}
				i++
				select {
				case <-again.C:
				case <-deadline:
					t.Fatalf("want %q; seen are %v", h.want, q.seen.counts)
				}
			}
			deed := map[string]string{"reject": "invalid message", "size": "oversized message"}[h.want]
			if deed != "" {
				eventually(t, "the stranger is blamed", func() bool { return q.seen.get("%s %s", stranger.ID(), deed) > 0 })
			}
		})
	}
	q.nothingHappened()
}

func (q *square) nothingHappened() {
	q.t.Helper()
	acknowledged, err := q.acks.Acknowledged()
	if err != nil {
		q.t.Fatal(err)
	}
	s := q.p.Status()
	if s.Height != 1 || s.Executed != 1 || s.Waiting != 0 || acknowledged != 0 || q.node.Compromised() || q.late.Compromised() || q.late.Height() != 1 {
		q.t.Errorf("strangers have changed something: %+v, acknowledged %d, evidence %+v %+v", s, acknowledged, q.node.Evidence(), q.late.Evidence())
	}
}

// TestStrangersOnEveryStream: requests that are none are refused or blamed, and the next
// good one is answered.
func TestStrangersOnEveryStream(t *testing.T) {
	q := newSquare(t)
	for protocol, request := range map[string][]byte{
		appchain.ProtocolBlocks:   codec.Marshal(&appchain.BlocksRequest{From: 1}),
		appchain.ProtocolStanding: codec.Marshal(&appchain.StandingRequest{Challenge: codec.Hash{1}}),
	} {
		bad := [][]byte{{}, request[:len(request)-1]}
		if protocol == appchain.ProtocolBlocks {
			bad = append(bad, codec.Marshal(&appchain.BlocksRequest{From: 0}))
		}
		for _, host := range []*gossip.Host{q.hub, q.follow} {
			stranger := q.stranger()
			ask := func(request []byte) error {
				_, err := stranger.Request(t.Context(), host.ID(), protocol, request, wire.MaxBlocksSize)
				return err
			}
			eventually(t, "the good request is answered", func() bool { return ask(request) == nil })
			for _, b := range bad {
				if err := ask(b); !errors.Is(err, gossip.ErrPeerRefused) {
					t.Errorf("%s, request %x: %v, want a refusal", protocol, b, err)
				}
			}
			if err := ask(append(request, 0)); err == nil {
				t.Errorf("%s: a request that is too long is answered", protocol)
			}
			eventually(t, "the stranger is blamed", func() bool { return q.seen.get("%s invalid request", stranger.ID()) == 1 })
			if err := ask(request); err != nil {
				t.Errorf("%s: a good request after bad ones: %v", protocol, err)
			}
		}
	}
	q.nothingHappened()
}

// TestFloodOnEveryTopic: while strangers flood every topic with well-formed messages, a
// deposit comes in, a transfer is made and acknowledged.
func TestFloodOnEveryTopic(t *testing.T) {
	q := newSquare(t)
	useless := q.useless()
	useless[appchain.TopicNotices] = func(i uint64) []byte { return fmt.Appendf(nil, "garbage %d", i) }
	ctx, stop := context.WithCancel(t.Context())
	var flood sync.WaitGroup
	defer flood.Wait()
	defer stop()
	for topic, message := range useless {
		stranger := q.stranger()
		flood.Go(func() {
			again := time.NewTicker(50 * time.Millisecond)
			defer again.Stop()
			for i := uint64(0); ctx.Err() == nil; i++ {
				if i%5 == 0 { // 100 a second, if the machine keeps up, where 20 are allowed
					<-again.C
				}
				_ = stranger.Publish(ctx, topic, message(i)) // when its own queue is full, it is fast enough
			}
		})
	}
	flooded := func() bool {
		for topic := range useless {
			if topic != appchain.TopicNotices && q.seen.get("%s rate", topic) == 0 { // garbage gets its sender silenced before that
				return false
			}
		}
		return q.seen.get("%s reject", appchain.TopicNotices) > 0
	}
	eventually(t, "every topic is flooded", flooded)

	members := q.host(gossip.Config{}, q.hub)
	publish := func(topic string, m codec.Record) {
		if err := members.Publish(t.Context(), topic, codec.Marshal(m)); err != nil {
			t.Error(err)
		}
	}
	u, h := users(2), q.f.NewHistory()
	h.Deposit(t, u[0], 1000)
	cancel, err := members.Serve(processor.ProtocolEvents, wire.MaxSmall, serveEvents(h, new(int)))
	if err != nil {
		t.Fatal(err)
	}
	defer cancel()
	until(t, q.late, "the deposit is credited", func() {
		for i := range 2 {
			a := wire.Attestation{Attestation: h.Attestation(1)}
			a.Signature = sign(t, q.f.Listeners[i], a.Digest())
			publish(appchain.TopicAttestations, &a)
		}
	}, func() bool { return q.balance(q.late, u[0]) == 1000 })
	hash, err := q.follower.Submit(t.Context(), q.f.Tx(t, u[0], 1, nowMillis(), transfer(u[1], 400)))
	if err != nil {
		t.Fatal(err)
	}
	within, done := context.WithTimeout(t.Context(), time.Minute)
	defer done()
	if status, err := q.late.AwaitTx(within, hash); err != nil || status.State != appchain.TxIncluded {
		t.Fatalf("a transfer: %+v, %v", status, err)
	}
	until(t, q.node, "the members' acknowledgements count", func() {
		for _, key := range append(q.f.Listeners[:2:2], q.f.Approvers[:2]...) {
			publish(appchain.TopicAcks, &wire.Ack{Height: 1, Block: q.block.Header.Hash(), Signature: sign(t, key, bridgecontracts.AckDigest(q.f.Genesis, 1, q.block.Header.Hash()))})
		}
	}, func() bool { n, err := q.acks.Acknowledged(); return err == nil && n == 1 })
	if q.seen.get("%s over its rate", members.ID())+q.seen.get("%s invalid message", members.ID()) > 0 {
		t.Error("the honest member was blamed")
	}
}
