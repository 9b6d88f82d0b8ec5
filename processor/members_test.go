package processor_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/appchain"
	"github.com/trinebridge/trine/appchain/appchaintest"
	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/gossip/wire"
	"github.com/trinebridge/trine/ledger"
	"github.com/trinebridge/trine/processor"
	"github.com/trinebridge/trine/signing"
	"github.com/trinebridge/trine/signing/guard"
	"github.com/trinebridge/trine/store/pebblestore"
	"github.com/trinebridge/trine/validators"
)

// TestHostileListener attests wrong heads first, floods, and serves garbage; another peer
// hangs. The events are credited all the same, and nothing false.
func TestHostileListener(t *testing.T) {
	s := newScene(t, appchaintest.Small)
	s.attach()
	liar, hangs := s.net.Host("a liar"), s.net.Host("b hangs")
	right, wrong := s.f.NewHistory(), s.f.NewHistory()
	victim, thief := appchaintest.Key("victim"), appchaintest.Key("thief")
	right.Deposit(t, victim, 700)
	for range 300 {
		wrong.Deposit(t, thief, 1_000_000)
	}
	requests := 0
	for h, handle := range map[*host]func(context.Context, string, []byte) ([]byte, error){
		liar:      serveEvents(wrong, &requests),
		hangs:     func(ctx context.Context, _ string, _ []byte) ([]byte, error) { <-ctx.Done(); return nil, ctx.Err() },
		s.members: serveEvents(right, new(int)),
	} {
		cancel, err := h.Serve(processor.ProtocolEvents, wire.MaxSmall, handle)
		if err != nil {
			t.Fatal(err)
		}
		defer cancel()
	}
	for id := range uint64(300) {
		s.attest(liar, wrong, id+1, 0)
	}
	// One honest listener is attested by way of the liar, who is asked for the events first.
	until(t, s.node, "the deposit is credited", func() { s.attest(liar, right, 1, 1); s.attest(s.members, right, 1, 2) }, func() bool { return s.cursor() == 1 })
	if got := s.balance(s.node, victim); got != 700 {
		t.Errorf("balance is %d, want 700", got)
	}
	if got := s.balance(s.node, thief); got != 0 {
		t.Errorf("the thief has %d", got)
	}
}

// TestManyEvents comes in certificates of at most 256, also when the newest attestation is
// far ahead.
func TestManyEvents(t *testing.T) {
	s := newScene(t, appchaintest.Small)
	s.attach()
	u := users(2)
	h := s.f.NewHistory()
	for i := range 600 {
		h.Deposit(t, u[i%2], 10)
	}
	s.credit(h, u[0])
	if got := s.balance(s.node, u[0]) + s.balance(s.node, u[1]); got != 600*10+1_000_000 {
		t.Errorf("credited are %d", got)
	}
	if s.node.Height() > 1+5 {
		t.Errorf("%d blocks for 601 events", s.node.Height())
	}
}

// withdraw queues a withdrawal, which makes an action.
func (s *scene) withdraw(key *signing.KeySigner, nonce, amount uint64) {
	s.t.Helper()
	tx := s.f.Tx(s.t, key, nonce, nowMillis(), &ledger.Withdraw{
		Chain: appchaintest.ChainID, Asset: appchaintest.Asset, To: key.Address().Word(), Amount: *uint256.NewInt(amount),
	})
	status, err := s.p.SubmitTx(s.t.Context(), tx)
	if err != nil || status.State != appchain.TxIncluded {
		s.t.Fatalf("withdrawal: %+v, %v", status, err)
	}
}

func (s *scene) action(id uint64) ledger.ActionRecord {
	s.t.Helper()
	r, ok, err := s.node.View().Action(s.f.Domain, id)
	if err != nil || !ok {
		s.t.Fatalf("action %d: %t, %v", id, ok, err)
	}
	return r
}

// approve lets members sign an action.
func (s *scene) approve(r *ledger.ActionRecord, members ...*signing.KeySigner) {
	s.t.Helper()
	d := r.Digests[len(r.Digests)-1]
	for _, m := range members {
		s.publish(appchain.TopicApprovals, &wire.Vote{Approval: &wire.Approval{
			Domain: s.f.Domain, Epoch: d.Epoch, ActionID: r.Action.ID, Revision: d.Revision, Digest: d.Digest, Signature: sign(s.t, m, d.Digest),
		}})
	}
}

// An action that the guard refuses, since it holds another digest for it, stops no other one.
func TestRefusedActionStopsNoOther(t *testing.T) {
	s := newScene(t, appchaintest.Small)
	s.attach()
	u := users(3)
	s.credit(s.f.NewHistory(), u...)
	for _, key := range u {
		s.withdraw(key, 1, 500)
	}
	g, err := guard.New(s.f.Processor, s.kv)
	if err != nil {
		t.Fatal(err)
	}
	slot := signing.Slot{Kind: signing.KindAction, Scope: s.f.Domain, Age: 1, ID: 1, Revision: 1}
	if _, err := g.Sign(t.Context(), signing.Statement{Slot: slot, Digest: codec.Hash{9}}); err != nil {
		t.Fatal(err)
	}
	until(t, s.node, "the others are sealed", func() {
		for id := range uint64(3) {
			r := s.action(id + 1)
			s.approve(&r, s.f.Approvers[0], s.f.Approvers[1])
		}
	}, func() bool {
		return s.action(2).Status == ledger.ActionSealed && s.action(3).Status == ledger.ActionSealed
	})
	if r := s.action(1); r.Status != ledger.ActionPending {
		t.Errorf("the refused action is %v", r.Status)
	}
}

func TestSeal(t *testing.T) {
	s := newScene(t, appchaintest.Small)
	s.attach()
	u := users(1)
	s.credit(s.f.NewHistory(), u...)
	s.withdraw(u[0], 1, 500)
	r := s.action(1)
	sealed := func() bool { r := s.action(1); return r.Status == ledger.ActionSealed }

	// One approver, the same once more, and people without a seat are no quorum.
	for range 3 {
		s.approve(&r, s.f.Approvers[2], s.f.Approvers[2], s.f.Listeners[0], s.f.Listeners[1], appchaintest.Key("stranger"))
	}
	forged := r
	forged.Digests = []ledger.ActionDigest{{Epoch: 1, Revision: 1, Digest: codec.Hash{7}}}
	s.approve(&forged, s.f.Approvers[0])
	status, err := s.p.SubmitTx(t.Context(), s.f.Tx(t, u[0], 2, nowMillis(), transfer(appchaintest.Key("other"), 1)))
	if err != nil || status.State != appchain.TxIncluded || sealed() {
		t.Fatalf("sealed %t without a quorum; %v", sealed(), err)
	}
	// Gossip may lose what was published once: members publish again, and so does this.
	until(t, s.node, "the action is sealed", func() { s.approve(&r, s.f.Approvers[0], s.f.Approvers[2]) }, sealed)
	seal := s.action(1).Seal
	digest := r.Digests[0].Digest
	if err := s.f.Set.VerifyQuorum(validators.Approvers, digest, seal.Approvers); err != nil {
		t.Error(err)
	}
	if !seal.Processor.Verify(s.f.Processor.PublicKey(), digest) {
		t.Error("the processor has not signed")
	}
}

// TestControl: votes of approvers as transactions, then the processor's signature.
func TestControl(t *testing.T) {
	s := newScene(t, appchaintest.Small)
	s.attach()
	control := bridgecontracts.Control{Sequence: 1, Body: &bridgecontracts.SetLimit{Token: appchaintest.Token, Capacity: *uint256.NewInt(1000), Window: 3600}}
	digest := control.Digest(s.f.Domain, 1)
	for _, approver := range s.f.Approvers[:2] {
		tx := s.f.Tx(t, approver, 1, nowMillis(), &ledger.VoteControl{Domain: s.f.Domain, Control: control, Signature: sign(t, approver, digest)})
		if status, err := s.p.SubmitTx(t.Context(), tx); err != nil || status.State != appchain.TxIncluded {
			t.Fatalf("a vote: %+v, %v", status, err)
		}
	}
	until(t, s.node, "the limit is sealed", func() {}, func() bool {
		r, ok, err := s.node.View().Control(s.f.Domain, bridgecontracts.KindSetLimit, 1)
		return err == nil && ok && r.Seal != nil
	})
}

// TestRestart: votes are lost with the process and come again; the nonces go on.
func TestRestart(t *testing.T) {
	s := newScene(t, appchaintest.Small)
	s.attach()
	u := users(1)
	h := s.f.NewHistory()
	s.credit(h, u...)
	s.withdraw(u[0], 1, 500)
	r := s.action(1)
	s.approve(&r, s.f.Approvers[0])
	s.stop()
	s.start(s.net.Host("processor again"))
	until(t, s.node, "the action is sealed", func() { s.approve(&r, s.f.Approvers[0], s.f.Approvers[1]) }, func() bool { return s.action(1).Status == ledger.ActionSealed })
	s.credit(h, u...)
	s.withdraw(u[0], 2, 500)
}

// told is a transaction of which a user was told that it is in a block.
type told struct {
	user   int
	nonce  uint64
	hash   codec.Hash
	height uint64
}

// payOn pays one unit after the other, from the nonce after the given one, until a payment is not included.
func (s *scene) payOn(from, to *signing.KeySigner, nonce uint64, tell func(told)) {
	for {
		nonce++
		tx := s.f.Tx(s.t, from, nonce, nowMillis(), transfer(to, 1))
		status, err := s.p.SubmitTx(context.Background(), tx)
		if err != nil || status.State != appchain.TxIncluded {
			return
		}
		tell(told{nonce: nonce, hash: tx.Digest(), height: status.Height})
	}
}

// TestKill cuts the power of a processor under load, again and again. What a client was
// told before the cut is in the chain afterwards.
func TestKill(t *testing.T) {
	s := newScene(t, appchaintest.Small)
	s.stop()
	fs := vfs.NewCrashableMem()
	open := func() {
		kv, err := pebblestore.Open(pebblestore.Config{Dir: "processor", FS: fs, MemTableBytes: 256 << 10})
		if err != nil {
			t.Fatal(err)
		}
		s.kv = kv
	}
	open()
	s.start(s.net.Host("processor 0"))
	s.attach()
	u := users(20)
	s.credit(s.f.NewHistory(), u...)
	r := rand.New(rand.NewPCG(3, 4))
	acknowledged := map[codec.Hash]uint64{}
	nonces := make([]uint64, len(u))
	for life := range 8 {
		results := make(chan told, 1024)
		done := make(chan struct{})
		for i, key := range u {
			a, _, err := s.node.View().AccountByKey(key.PublicKey())
			if err != nil {
				t.Fatal(err)
			}
			if a.Keys[0].Nonce < nonces[i] {
				t.Fatalf("life %d: user %d was told of nonce %d, the chain has %d", life, i, nonces[i], a.Keys[0].Nonce)
			}
			go func() {
				defer func() { done <- struct{}{} }()
				s.payOn(key, u[(i+1)%len(u)], a.Keys[0].Nonce, func(r told) { r.user = i; results <- r })
			}()
		}
		// The power goes while all that is under way.
		for cut := 50 + r.IntN(200); cut > 0; cut-- {
			got := <-results
			acknowledged[got.hash], nonces[got.user] = got.height, max(nonces[got.user], got.nonce)
		}
		crashed := fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: r.IntN(101), RNG: r})
		drained := make(chan struct{})
		go func() { // what is told from here on was told by a process that is dead
			defer close(drained)
			for range results {
			}
		}()
		s.stop()
		for range u {
			<-done
		}
		close(results)
		<-drained
		_ = s.kv.Close()
		fs = crashed
		open()
		s.start(s.net.Host(fmt.Sprintf("processor %d", life+1)))
		for hash, height := range acknowledged {
			status, err := s.node.TxStatus(hash)
			if err != nil || status.State != appchain.TxIncluded || status.Height != height {
				t.Fatalf("life %d: transaction %s was acknowledged in block %d, now it is %+v, %v", life, hash, height, status, err)
			}
		}
		if err := s.node.View().Audit(); err != nil {
			t.Fatal(err)
		}
	}
}
