package guard

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/signing"
	"github.com/trinebridge/trine/store"
)

// ErrRetired is the refusal of a slot that Retire has forgotten. It is an ErrDoubleSign,
// because nobody can tell any more that it is not.
var ErrRetired = fmt.Errorf("slot is older than what the guard remembers: %w", signing.ErrDoubleSign)

// ErrNotGuarded is the refusal of a statement that no daemon signs this way.
var ErrNotGuarded = errors.New("statement cannot be signed")

// treatment says what the guard does with statements of a kind.
type treatment uint8

const (
	refuse treatment = iota // never signed on its own
	record                  // one digest per slot
	free                    // two digests do no harm
	byAck                   // signed by Ack only
)

var treatments = map[signing.Kind]treatment{
	signing.KindTx:          free,
	signing.KindBlock:       record,
	signing.KindAck:         byAck,
	signing.KindDomain:      refuse,
	signing.KindSet:         refuse,
	signing.KindEvent:       refuse,
	signing.KindAttestation: record,
	signing.KindAttach:      record,
	signing.KindCorrection:  record,
	signing.KindRevert:      record,
	signing.KindAction:      record,
	signing.KindControl:     record,
	signing.KindProposal:    record,
	signing.KindKeyLink:     free,
	signing.KindNotice:      free,
	signing.KindAlert:       free,
}

// Guard is a signing.Signer that remembers. It is safe for concurrent use.
type Guard struct {
	signer signing.Signer
	kv     store.KV

	mu      sync.Mutex
	claims  map[signing.Slot]chan struct{} // slots whose record is being looked up and written
	retired map[line]mark                  // what Retire has forgotten, as on the disk or about to be

	ackMu    sync.Mutex // held from reading the newest acknowledgement to writing the next
	retireMu sync.Mutex // held by Retire, so that marks are written in order
}

var _ signing.Signer = (*Guard)(nil)

// New puts a guard before a signer. It keeps its records in kv, under the address of the
// key, and reads there what was retired.
func New(signer signing.Signer, kv store.KV) (*Guard, error) {
	address := signer.PublicKey().Address()
	if address.IsZero() {
		return nil, fmt.Errorf("guard: the signer's public key %s is no point of the curve", signer.PublicKey())
	}
	g := &Guard{
		signer:  signer,
		kv:      store.Sub(kv, prefixKeys+address.String()+"/"),
		claims:  map[signing.Slot]chan struct{}{},
		retired: map[line]mark{},
	}
	if err := g.loadRetired(); err != nil {
		return nil, fmt.Errorf("guard: %w", err)
	}
	return g, nil
}

// PublicKey implements signing.Signer.
func (g *Guard) PublicKey() signing.PublicKey { return g.signer.PublicKey() }

// Sign implements signing.Signer.
func (g *Guard) Sign(ctx context.Context, s signing.Statement) (signing.Signature, error) {
	signatures, err := g.SignAll(ctx, []signing.Statement{s})
	if err != nil {
		return signing.Signature{}, err
	}
	return signatures[0], nil
}

// SignAll signs statements, in order, with one sync for all of them. When one is refused
// none is recorded and none signed.
func (g *Guard) SignAll(ctx context.Context, statements []signing.Statement) ([]signing.Signature, error) {
	wanted, err := guarded(statements)
	if err != nil {
		return nil, err
	}
	if err := g.remember(ctx, wanted); err != nil {
		return nil, err
	}
	signatures := make([]signing.Signature, len(statements))
	for i, s := range statements {
		if signatures[i], err = g.signer.Sign(ctx, s); err != nil {
			return nil, fmt.Errorf("guard: sign %s: %w", s.Slot, err)
		}
	}
	return signatures, nil
}

// guarded returns the digests that must be on record, by slot.
func guarded(statements []signing.Statement) (map[signing.Slot]codec.Hash, error) {
	wanted := map[signing.Slot]codec.Hash{}
	for _, s := range statements {
		if s.Digest.IsZero() {
			return nil, fmt.Errorf("guard: %w: %s: the digest is zero", ErrNotGuarded, s.Slot)
		}
		switch treatments[s.Slot.Kind] {
		case free:
			continue
		case byAck:
			return nil, fmt.Errorf("guard: %w: %s: acknowledgements are signed by Ack, which checks their descent", ErrNotGuarded, s.Slot)
		case refuse:
			return nil, fmt.Errorf("guard: %w: %s: nobody signs this kind on its own", ErrNotGuarded, s.Slot)
		case record:
		}
		if other, ok := wanted[s.Slot]; ok && other != s.Digest {
			return nil, doubleSign(s.Slot, other, s.Digest)
		}
		wanted[s.Slot] = s.Digest
	}
	return wanted, nil
}

func doubleSign(slot signing.Slot, held, asked codec.Hash) error {
	return fmt.Errorf("guard: %w: %s holds %s, refused %s", signing.ErrDoubleSign, slot, held, asked)
}

// remember returns once every slot holds its digest on the disk.
func (g *Guard) remember(ctx context.Context, wanted map[signing.Slot]codec.Hash) error {
	if len(wanted) == 0 {
		return nil
	}
	release, err := g.claim(ctx, wanted)
	if err != nil {
		return err
	}
	defer release()
	batch := g.kv.NewBatch()
	for slot, digest := range wanted {
		held, ok, err := g.kv.Get(slotKey(slot))
		switch {
		case err != nil:
			return fmt.Errorf("guard: look up %s: %w", slot, err)
		case !ok:
			batch.Put(slotKey(slot), digest[:])
		case len(held) != len(digest):
			return fmt.Errorf("guard: look up %s: %w", slot, store.Corruptf("a digest of %d bytes", len(held)))
		case codec.Hash(held) != digest:
			return doubleSign(slot, codec.Hash(held), digest)
		}
	}
	if batch.Len() == 0 {
		return nil
	}
	// The line that the whole package stands on: synced, and only then signed.
	if err := batch.Commit(ctx, store.Sync); err != nil {
		return fmt.Errorf("guard: record: %w", err)
	}
	return nil
}

// claim takes the slots, all at once, so that nobody else looks up or writes them before
// release. What is found in the store under a claim is synced, because its writer held the
// claim until it was. Taking all or none leaves no two callers waiting for each other.
func (g *Guard) claim(ctx context.Context, wanted map[signing.Slot]codec.Hash) (release func(), err error) {
	done := make(chan struct{})
	for {
		busy, err := g.tryClaim(wanted, done)
		if err != nil {
			return nil, err
		}
		if busy == nil {
			break
		}
		select {
		case <-busy:
		case <-ctx.Done():
			return nil, fmt.Errorf("guard: wait for another signature: %w", context.Cause(ctx))
		}
	}
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		for slot := range wanted {
			delete(g.claims, slot)
		}
		close(done)
	}, nil
}

// tryClaim takes the slots, or returns what is closed when one of them is free again.
func (g *Guard) tryClaim(wanted map[signing.Slot]codec.Hash, done chan struct{}) (busy chan struct{}, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for slot := range wanted {
		if m, ok := g.retired[lineOf(slot)]; ok && markOf(slot).compare(m) < 0 {
			return nil, fmt.Errorf("guard: %w: %s stands before %s", ErrRetired, slot, m)
		}
		if busy, ok := g.claims[slot]; ok {
			return busy, nil
		}
	}
	for slot := range wanted {
		g.claims[slot] = done
	}
	return nil, nil
}

// line is a sequence of slots that grows old in one order.
type line struct {
	kind  signing.Kind
	scope codec.Hash
}

func lineOf(s signing.Slot) line { return line{s.Kind, s.Scope} }

// mark is a place on a line.
type mark struct{ age, id uint64 }

func markOf(s signing.Slot) mark { return mark{s.Age, s.ID} }

func (m mark) compare(o mark) int { return cmp.Or(cmp.Compare(m.age, o.age), cmp.Compare(m.id, o.id)) }

func (m mark) String() string { return fmt.Sprintf("age %d/id %d", m.age, m.id) }
