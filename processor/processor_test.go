package processor_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/appchain"
	"github.com/trinebridge/trine/appchain/appchaintest"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/gossip/wire"
	"github.com/trinebridge/trine/internal/memnet"
	"github.com/trinebridge/trine/ledger"
	"github.com/trinebridge/trine/processor"
	"github.com/trinebridge/trine/signing"
	"github.com/trinebridge/trine/signing/guard"
	"github.com/trinebridge/trine/store"
	"github.com/trinebridge/trine/store/pebblestore"
)

type host = memnet.Host[appchain.Verdict]

// scene is a processor with its network.
type scene struct {
	t       testing.TB
	f       *appchaintest.Fixture
	net     *memnet.Network[appchain.Verdict]
	members *host // on which the test plays listeners and approvers
	kv      store.KV
	node    *appchain.Node
	p       *processor.Processor
	asks    bool // the processor asks the members before it makes blocks
	stop    func()
}

func nowMillis() uint64 { return uint64(time.Now().UnixMilli()) }

func openMem(t testing.TB) store.KV {
	t.Helper()
	kv, err := pebblestore.OpenMem()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = kv.Close() })
	return kv
}

func newScene(t testing.TB, size appchaintest.Size) *scene {
	t.Helper()
	s := &scene{t: t, f: appchaintest.New(t, size, nowMillis()-1000), net: appchaintest.NewNetwork(t), kv: openMem(t)}
	s.members = s.net.Host("members")
	s.start(s.net.Host("processor"))
	return s
}

// start starts a processor on the scene's store.
func (s *scene) start(h *host) {
	s.t.Helper()
	var err error
	if s.node, err = appchain.New(appchain.Config{Ledger: s.f.Ledger, KV: store.Sub(s.kv, "chain/")}); err != nil {
		s.t.Fatal(err)
	}
	g, err := guard.New(s.f.Processor, s.kv)
	if err != nil {
		s.t.Fatal(err)
	}
	s.p, err = processor.New(processor.Config{Node: s.node, Network: h, Signer: s.f.Processor, Guard: g, TickInterval: 20 * time.Millisecond, UnsafeAllowBehind: !s.asks})
	if err != nil {
		s.t.Fatal(err)
	}
	s.stop = s.background(s.p.Run)
	s.t.Cleanup(s.stop)
}

// background runs something until the returned function is called, which waits for its end.
func (s *scene) background(run func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	return sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			s.t.Errorf("ended with: %v", err)
		}
	})
}

// follower adds a node that follows.
func (s *scene) follower(name string) (*appchain.Node, *appchain.Follower) {
	s.t.Helper()
	n, err := appchain.New(appchain.Config{Ledger: s.f.Ledger, KV: openMem(s.t)})
	if err != nil {
		s.t.Fatal(err)
	}
	f, err := appchain.NewFollower(appchain.FollowerConfig{Node: n, Network: s.net.Host(name), PollInterval: 50 * time.Millisecond})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(s.background(f.Run))
	return n, f
}

// until waits for a condition on a node. As members do, it says again what it has to say.
func until(t testing.TB, n *appchain.Node, what string, say func(), done func() bool) {
	t.Helper()
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	say()
	deadline := time.After(2 * time.Minute)
	for {
		changed := n.Changed()
		if done() {
			return
		}
		select {
		case <-changed:
		case <-again.C:
			say()
		case <-deadline:
			t.Fatalf("gave up waiting until %s, at block %d", what, n.Height())
		}
	}
}

// attach lets the members vote for the fixture's bridge.
func (s *scene) attach() {
	s.t.Helper()
	a := s.f.Attach(s.t)
	vote := func() {
		for _, signature := range append(a.Listeners, a.Approvers...) {
			s.publish(appchain.TopicApprovals, &wire.Vote{Attach: &wire.AttachVote{
				Chain: a.Chain, Bridge: a.Bridge, Sequence: a.Sequence, CodeHash: a.CodeHash, SetHash: a.SetHash,
				StartBlock: a.StartBlock, Signature: signature,
			}})
		}
	}
	until(s.t, s.node, "the bridge is attached", vote, func() bool {
		_, ok, err := s.node.View().Bridge(s.f.Domain)
		return ok && err == nil
	})
}

func (s *scene) publish(topic string, m codec.Record) {
	s.t.Helper()
	if err := s.members.Publish(context.Background(), topic, codec.Marshal(m)); err != nil {
		s.t.Fatal(err)
	}
}

// serveEvents answers for events of a history.
func serveEvents(h *appchaintest.History, requests *int) func(context.Context, string, []byte) ([]byte, error) {
	return func(_ context.Context, _ string, request []byte) ([]byte, error) {
		*requests++
		var r wire.EventsRequest
		if err := codec.Unmarshal(request, &r, wire.MaxSmall); err != nil {
			return nil, err
		}
		return codec.Marshal(&wire.Events{Events: h.Events[r.From-1 : r.To]}), nil
	}
}

// attest lets some listeners attest an event.
func (s *scene) attest(from *host, h *appchaintest.History, id uint64, listeners ...int) {
	s.t.Helper()
	for _, i := range listeners {
		a := wire.Attestation{Attestation: h.Attestation(id)}
		a.Signature = sign(s.t, s.f.Listeners[i], a.Digest())
		if err := from.Publish(context.Background(), appchain.TopicAttestations, codec.Marshal(&a)); err != nil {
			s.t.Fatal(err)
		}
	}
}

func sign(t testing.TB, key *signing.KeySigner, digest codec.Hash) signing.Signature {
	t.Helper()
	signature, err := key.SignDigest(digest)
	if err != nil {
		t.Fatal(err)
	}
	return signature
}

// credit brings deposits for users in, and waits until they are credited.
func (s *scene) credit(h *appchaintest.History, users ...*signing.KeySigner) {
	s.t.Helper()
	for _, u := range users {
		h.Deposit(s.t, u, 1_000_000)
	}
	requests := 0
	cancel, err := s.members.Serve(processor.ProtocolEvents, wire.MaxSmall, serveEvents(h, &requests))
	if err != nil {
		s.t.Fatal(err)
	}
	defer cancel()
	last := uint64(len(h.Events))
	attest := func() {
		for id := (s.cursor()/256 + 1) * 256; id < last; id += 256 {
			s.attest(s.members, h, id, 0, 1)
		}
		s.attest(s.members, h, last, 0, 1)
	}
	until(s.t, s.node, "the deposits are credited", attest, func() bool { return s.cursor() == last })
}

func (s *scene) cursor() uint64 {
	b, _, err := s.node.View().Bridge(s.f.Domain)
	if err != nil {
		s.t.Fatal(err)
	}
	return b.EventID
}

func users(n int) []*signing.KeySigner {
	keys := make([]*signing.KeySigner, n)
	for i := range keys {
		keys[i] = appchaintest.Key(fmt.Sprintf("user %d", i))
	}
	return keys
}

func transfer(to *signing.KeySigner, amount uint64) *ledger.Transfer {
	return &ledger.Transfer{To: to.PublicKey(), Asset: appchaintest.Asset, Amount: *uint256.NewInt(amount)}
}

func (s *scene) balance(n *appchain.Node, key *signing.KeySigner) uint64 {
	s.t.Helper()
	a, _, err := n.View().AccountByKey(key.PublicKey())
	if err != nil {
		s.t.Fatal(err)
	}
	for _, b := range a.Balances {
		return b.Amount.Uint64()
	}
	return 0
}

func TestFromDepositToTransferOnThreeNodes(t *testing.T) {
	s := newScene(t, appchaintest.Small)
	n1, f1 := s.follower("follower 1")
	n2, _ := s.follower("follower 2")
	s.attach()
	u := users(3)
	s.credit(s.f.NewHistory(), u...)

	status, err := s.p.SubmitTx(t.Context(), s.f.Tx(t, u[0], 1, nowMillis(), transfer(u[1], 300)))
	if err != nil || status.State != appchain.TxIncluded || status.Height > s.node.Height() {
		t.Fatalf("a transfer: %+v, %v", status, err)
	}
	until(t, n1, "the follower knows the sender", func() {}, func() bool { return n1.Height() == s.node.Height() })
	hash, err := f1.Submit(t.Context(), s.f.Tx(t, u[0], 2, nowMillis(), transfer(u[1], 50)))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for _, n := range []*appchain.Node{n1, n2} {
		status, err := n.AwaitTx(ctx, hash)
		if err != nil || status.State != appchain.TxIncluded {
			t.Fatalf("a transfer by way of a follower: %+v, %v", status, err)
		}
		if got := s.balance(n, u[1]); got != 1_000_350 {
			t.Errorf("a follower's balance is %d, want 1000350", got)
		}
	}
	// What does not apply comes back as a signed notice, also at another follower.
	hash, err = f1.Submit(t.Context(), s.f.Tx(t, u[2], 1, nowMillis(), transfer(u[1], 5_000_000)))
	if err != nil {
		t.Fatal(err)
	}
	status, err = n2.AwaitTx(ctx, hash)
	if err != nil || status.State != appchain.TxDropped || status.Notice.Code != ledger.CodeFunds {
		t.Fatalf("a transfer of too much: %+v, %v", status, err)
	}
	if err := s.f.Ledger.View(n2.Head().State).Audit(); err != nil {
		t.Error(err)
	}
}

func TestSubmitRefuses(t *testing.T) {
	s := newScene(t, appchaintest.Small)
	s.attach()
	u := users(2)
	s.credit(s.f.NewHistory(), u...)
	late := s.f.Tx(t, u[0], 1, nowMillis()-ledger.MaxSkew-1, transfer(u[1], 1))
	forged := s.f.Tx(t, u[0], 1, nowMillis(), transfer(u[1], 1))
	forged.Signature[7]++
	for name, test := range map[string]struct {
		tx   *ledger.Transaction
		code ledger.Code
	}{
		"too late":        {late, ledger.CodeExpired},
		"forged":          {forged, ledger.CodeSignature},
		"unknown account": {s.f.Tx(t, appchaintest.Key("nobody"), 1, nowMillis(), transfer(u[1], 1)), ledger.CodeUnknownAccount},
		"nonce too low":   {s.f.Tx(t, u[0], 0, nowMillis(), transfer(u[1], 1)), ledger.CodeNonce},
		"nonce far ahead": {s.f.Tx(t, u[0], 1000, nowMillis(), transfer(u[1], 1)), ledger.CodeNonce},
		"processor's own": {s.f.Tx(t, s.f.Processor, 1, nowMillis(), &ledger.Tick{}), ledger.CodeUnauthorized},
		"nothing in it":   {s.f.Tx(t, u[0], 1, nowMillis()), ledger.CodeMalformed},
	} {
		_, err := s.p.SubmitTx(t.Context(), test.tx)
		var rejection *ledger.Rejection
		if !errors.As(err, &rejection) || rejection.Code != test.code {
			t.Errorf("%s: %v, want code %s", name, err, test.code)
		}
	}
}
