package processor_test

import (
	"context"
	"crypto/rand"
	"path/filepath"
	"sync"
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
	"github.com/trinebridge/trine/signing"
	"github.com/trinebridge/trine/signing/guard"
	"github.com/trinebridge/trine/store"
	"github.com/trinebridge/trine/store/pebblestore"
)

// host starts a libp2p host on loopback that stays connected to peers; c says what else it is to be.
func (s *scene) host(c gossip.Config, peers ...*gossip.Host) *gossip.Host {
	s.t.Helper()
	key, _, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		s.t.Fatal(err)
	}
	c.Network, c.Identity, c.Listen = s.f.Genesis, key, []string{"/ip4/127.0.0.1/tcp/0"}
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

// startOn starts a processor on a folder; stop ends it and lets the folder go.
func (s *scene) startOn(dir string, hub *gossip.Host) (stop func()) {
	s.t.Helper()
	kv, err := pebblestore.Open(pebblestore.Config{Dir: dir})
	if err != nil {
		s.t.Fatal(err)
	}
	if s.node, err = appchain.New(appchain.Config{Ledger: s.f.Ledger, KV: store.Sub(kv, "chain/")}); err != nil {
		s.t.Fatal(err)
	}
	g, err := guard.New(s.f.Processor, store.Sub(kv, "guard/"))
	if err != nil {
		s.t.Fatal(err)
	}
	if s.p, err = processor.New(processor.Config{Node: s.node, Network: hub, Signer: s.f.Processor, Guard: g}); err != nil {
		s.t.Fatal(err)
	}
	end := s.background(s.p.Run)
	stop = sync.OnceFunc(func() {
		end()
		if err := kv.Close(); err != nil {
			s.t.Error(err)
		}
	})
	s.t.Cleanup(stop)
	return stop
}

// followers starts one for each key, on a host of its own beside the hub, and returns the last.
func (s *scene) followers(hub *gossip.Host, keys []*signing.KeySigner) (n *appchain.Node, f *appchain.Follower) {
	s.t.Helper()
	for _, key := range keys {
		var err error
		if n, err = appchain.New(appchain.Config{Ledger: s.f.Ledger, KV: openMem(s.t), Signer: key}); err != nil {
			s.t.Fatal(err)
		}
		if f, err = appchain.NewFollower(appchain.FollowerConfig{Node: n, Network: s.host(gossip.Config{}, hub), PollInterval: 100 * time.Millisecond}); err != nil {
			s.t.Fatal(err)
		}
		s.t.Cleanup(s.background(f.Run))
	}
	return n, f
}

// TestOverLibp2p is the way of a deposit and a transfer over real connections: a member
// that attests and serves events, members and a follower that submits, a processor. Then the
// processor's disk is lost, and after that an older copy of its folder comes back.
func TestOverLibp2p(t *testing.T) {
	s := &scene{t: t, f: appchaintest.New(t, appchaintest.Small, nowMillis()-1000)}
	first, second := filepath.Join(t.TempDir(), "first"), filepath.Join(t.TempDir(), "second")
	hub := s.host(gossip.Config{})
	members := s.host(gossip.Config{}, hub)
	stop := s.startOn(first, hub)
	n, f := s.followers(hub, append(s.f.Listeners[:2:2], s.f.Approvers[:2]...))
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

	ctx, done := context.WithTimeout(t.Context(), time.Minute)
	defer done()
	submit := func(nonce, amount uint64) appchain.TxStatus {
		t.Helper()
		hash, err := f.Submit(ctx, s.f.Tx(t, u[0], nonce, nowMillis(), transfer(u[1], amount)))
		if err != nil {
			t.Fatal(err)
		}
		status, err := n.AwaitTx(ctx, hash)
		if err != nil {
			t.Fatal(err)
		}
		return status
	}
	if status := submit(1, 400); status.State != appchain.TxIncluded || s.balance(n, u[1]) != 400 {
		t.Fatalf("a transfer: %+v, balance %d", status, s.balance(n, u[1]))
	}
	if status := submit(2, 5000); status.State != appchain.TxDropped || status.Notice.Code != ledger.CodeFunds {
		t.Fatalf("a transfer of too much: %+v", status)
	}

	stop()
	stop = s.startOn(second, hub) // an empty folder
	if status := submit(2, 50); status.State != appchain.TxIncluded || s.balance(n, u[1]) != 450 {
		t.Fatalf("a transfer after the disk was lost: %+v, balance %d", status, s.balance(n, u[1]))
	}
	stop()
	stop = s.startOn(first, hub) // a copy that lacks what the second folder has
	if s.node.Height() >= n.Height() {
		t.Fatal("the first folder is as new as the second")
	}
	if status := submit(3, 50); status.State != appchain.TxIncluded || s.balance(n, u[1]) != 500 {
		t.Fatalf("a transfer after an old copy came back: %+v, balance %d", status, s.balance(n, u[1]))
	}
	if n.Compromised() {
		t.Fatalf("two blocks of one height: %+v", n.Evidence())
	}
	stop()
}
