package processor_test

import (
	"context"
	"crypto/rand"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"

	"github.com/trinebridge/trine/appchain"
	"github.com/trinebridge/trine/appchain/appchaintest"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/gossip"
	"github.com/trinebridge/trine/gossip/wire"
	"github.com/trinebridge/trine/ledger"
	"github.com/trinebridge/trine/processor"
	"github.com/trinebridge/trine/signing/guard"
	"github.com/trinebridge/trine/store"
)

// realHost starts a libp2p host on loopback that stays connected to peers.
func realHost(s *scene, peers ...*gossip.Host) *gossip.Host {
	s.t.Helper()
	key, _, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		s.t.Fatal(err)
	}
	c := gossip.Config{Network: s.f.Genesis, Identity: key, Listen: []string{"/ip4/127.0.0.1/tcp/0"}}
	for _, p := range peers {
		c.Peers = append(c.Peers, p.Addresses()...)
	}
	h, err := gossip.New(c)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(s.background(h.Run))
	<-h.Ready()
	return h
}

// TestOverLibp2p is the way of a deposit and a transfer over real connections: a member
// that attests and serves events, a follower that submits, a processor.
func TestOverLibp2p(t *testing.T) {
	s := &scene{t: t, f: appchaintest.New(t, appchaintest.Small, nowMillis()-1000), kv: openMem(t)}
	hub := realHost(s)
	members, follows := realHost(s, hub), realHost(s, hub)
	var err error
	if s.node, err = appchain.New(appchain.Config{Ledger: s.f.Ledger, KV: store.Sub(s.kv, "chain/")}); err != nil {
		t.Fatal(err)
	}
	g, err := guard.New(s.f.Processor, s.kv)
	if err != nil {
		t.Fatal(err)
	}
	if s.p, err = processor.New(processor.Config{Node: s.node, Network: hub, Signer: s.f.Processor, Guard: g}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.background(s.p.Run))
	n, err := appchain.New(appchain.Config{Ledger: s.f.Ledger, KV: openMem(t)})
	if err != nil {
		t.Fatal(err)
	}
	f, err := appchain.NewFollower(appchain.FollowerConfig{Node: n, Network: follows, PollInterval: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.background(f.Run))

	publish := func(topic string, m codec.Record) {
		if err := members.Publish(t.Context(), topic, codec.Marshal(m)); err != nil {
			t.Error(err)
		}
	}
	a := s.f.Attach(t)
	until(t, n, "the bridge is attached", func() {
		for _, signature := range append(a.Listeners, a.Approvers...) {
			publish(appchain.TopicApprovals, &wire.Vote{Attach: &wire.AttachVote{
				Chain: a.Chain, Bridge: a.Bridge, Sequence: a.Sequence, CodeHash: a.CodeHash, SetHash: a.SetHash, StartBlock: a.StartBlock, Signature: signature,
			}})
		}
	}, func() bool { _, ok, err := n.View().Bridge(s.f.Domain); return ok && err == nil })

	u, h := users(2), s.f.NewHistory()
	h.Deposit(t, u[0], 1000)
	cancel, err := members.Serve(processor.ProtocolEvents, wire.MaxSmall, serveEvents(h, new(int)))
	if err != nil {
		t.Fatal(err)
	}
	defer cancel()
	until(t, n, "the deposit is credited", func() {
		for i := range 2 {
			attestation := wire.Attestation{Attestation: h.Attestation(1)}
			attestation.Signature = sign(t, s.f.Listeners[i], attestation.Digest())
			publish(appchain.TopicAttestations, &attestation)
		}
	}, func() bool { return s.balance(n, u[0]) == 1000 })

	hash, err := f.Submit(t.Context(), s.f.Tx(t, u[0], 1, nowMillis(), transfer(u[1], 400)))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
	defer stop()
	status, err := n.AwaitTx(ctx, hash)
	if err != nil || status.State != appchain.TxIncluded || s.balance(n, u[1]) != 400 {
		t.Fatalf("a transfer: %+v, %v, balance %d", status, err, s.balance(n, u[1]))
	}
	hash, err = f.Submit(t.Context(), s.f.Tx(t, u[0], 2, nowMillis(), transfer(u[1], 5000)))
	if err != nil {
		t.Fatal(err)
	}
	status, err = n.AwaitTx(ctx, hash)
	if err != nil || status.State != appchain.TxDropped || status.Notice.Code != ledger.CodeFunds {
		t.Fatalf("a transfer of too much: %+v, %v", status, err)
	}
}
