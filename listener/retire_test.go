package listener

import (
	"context"
	"errors"
	"testing"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/signing"
	"github.com/trinebridge/trine/signing/guard"
	"github.com/trinebridge/trine/store"
)

// records counts the attestations that the guard holds.
func (s *scene) records() (n int) {
	s.Helper()
	prefix := "guard/guard/" + s.keys[0].Address().String() + "/s"
	for _, err := range s.kv.Ascend([]byte(prefix), []byte(prefix[:len(prefix)-1]+"t")) {
		if err != nil {
			s.Fatal(err)
		}
		n++
	}
	return n
}

// sign asks the stored guard, as after a kill, for an attestation of an event.
func (s *scene) sign(generation, id uint64, head codec.Hash) error {
	s.Helper()
	g, err := guard.New(s.keys[0], store.Sub(s.kv, "guard/"))
	if err != nil {
		s.Fatal(err)
	}
	a := bridgecontracts.Attestation{Domain: s.external.Domain(), Generation: generation, EventID: id, Head: head}
	_, err = g.Sign(context.Background(), signing.Statement{
		Slot: signing.Slot{Kind: signing.KindAttestation, Scope: a.Domain, Age: generation, ID: id}, Digest: a.Digest(),
	})
	return err
}

// What the ledger has applied by an acknowledged block is forgotten and refused; what is only
// applied is kept, because that block may still be taken back.
func TestRetiresWhatIsCertifiedAndAcknowledged(t *testing.T) {
	s := newScene(t)
	s.attached(0)
	for i := range uint64(600) {
		s.deposits(1)
		s.mustRound(poll)
		s.wantAttested(i + 1)
		s.attached(i + 1)
	}
	if n := s.records(); n != 600 {
		t.Fatalf("%d records before any block is acknowledged, want 600", n)
	}
	s.mustRound(0)
	s.app.acknowledged = s.app.height - 1 // the block before the one that applied event 600
	s.mustRound(0)
	s.mustRound(0)
	kept := s.records()
	if kept == 0 || kept > 599 {
		t.Fatalf("%d records are left", kept)
	}
	own, _, err := s.watcher().Reader.HeadAt(600)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.sign(1, 600, own); err != nil {
		t.Errorf("event 600, whose block may be taken back: %v", err)
	}
	s.app.acknowledged = s.app.height
	s.deposits(1)
	for range 3 {
		s.mustRound(poll)
	}
	s.wantAttested(601)
	// One record a round, two rounds late, and at most 255 ids that are old and not worth a write.
	if n := s.records(); n > 258 {
		t.Errorf("%d records are left", n)
	}
	first, _, err := s.watcher().Reader.HeadAt(1)
	if err != nil {
		t.Fatal(err)
	}
	for name, head := range map[string]codec.Hash{"the same head": first, "another head": {1}} {
		if err := s.sign(1, 1, head); !errors.Is(err, guard.ErrRetired) || !errors.Is(err, signing.ErrDoubleSign) {
			t.Errorf("event 1 with %s after a restart: %v, want it to be refused", name, err)
		}
	}
	if err := s.sign(1, 601, codec.Hash{1}); !errors.Is(err, signing.ErrDoubleSign) || errors.Is(err, guard.ErrRetired) {
		t.Errorf("a second head for the newest event: %v", err)
	}
	if err := s.sign(2, 1, codec.Hash{1}); err != nil {
		t.Errorf("event 1 of the next generation: %v", err)
	}
	s.restart()
	s.attached(601)
	s.deposits(2)
	s.mustRound(poll)
	s.wantAttested(603)
}
