package guard

import (
	"context"
	"encoding/binary"
	"fmt"

	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/signing"
	"github.com/trinebridge/trine/store"
)

// Keys in the guard's part of the store; numbers are big-endian, so that slots of a line
// lie in order of age and id:
//
//	s <kind> <scope> <age> <id> <sub> <revision>  →  digest
//	a <genesis hash>                              →  height, hash of the newest acknowledgement
//	r <kind> <scope>                              →  age, id below which slots are forgotten
const (
	prefixSlot    = 's'
	prefixAck     = 'a'
	prefixRetired = 'r'
)

func slotKey(s signing.Slot) []byte {
	key := lineKey(prefixSlot, lineOf(s))
	for _, n := range []uint64{s.Age, s.ID, s.Sub, s.Revision} {
		key = binary.BigEndian.AppendUint64(key, n)
	}
	return key
}

func lineKey(prefix byte, l line) []byte {
	return append([]byte{prefix, byte(l.kind)}, l.scope[:]...)
}

func ackKey(genesis codec.Hash) []byte { return append([]byte{prefixAck}, genesis[:]...) }

// retireChunk bounds the batch in which forgotten slots are deleted.
const retireChunk = 4096

// Retire forgets every slot of before's kind and scope whose (age, id) stands before
// before's, and refuses them from then on, with any digest. It keeps a guard's records from
// growing without end; call it with what can no longer be asked for, as with the blocks
// below a finalized one. A mark older than the one that stands changes nothing.
func (g *Guard) Retire(ctx context.Context, before signing.Slot) error {
	if treatments[before.Kind] != record {
		return fmt.Errorf("guard: %w: %s: there are no slots of this kind to retire", ErrNotGuarded, before)
	}
	g.retireMu.Lock()
	defer g.retireMu.Unlock()
	l := lineOf(before)
	m, err := g.raiseMark(ctx, l, markOf(before))
	if err != nil {
		return err
	}
	batch := g.kv.NewBatch()
	batch.Put(lineKey(prefixRetired, l), binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, m.age), m.id))
	// The mark is on the disk before, or together with, the first deletion; the deletions
	// themselves may be lost, and are then made by the next call.
	durability := store.Sync
	lo, hi := lineKey(prefixSlot, l), slotKey(signing.Slot{Kind: l.kind, Scope: l.scope, Age: m.age, ID: m.id})
	for e, err := range g.kv.Ascend(lo, hi) {
		if err != nil {
			return fmt.Errorf("guard: retire %s: %w", before, err)
		}
		batch.Delete(e.Key)
		if batch.Len() == retireChunk {
			if err := batch.Commit(ctx, durability); err != nil {
				return fmt.Errorf("guard: retire %s: %w", before, err)
			}
			batch, durability = g.kv.NewBatch(), store.NoSync
		}
	}
	if err := batch.Commit(ctx, durability); err != nil {
		return fmt.Errorf("guard: retire %s: %w", before, err)
	}
	return nil
}

// raiseMark refuses what stands before the mark from now on, waits for those who have
// passed it already, and returns the mark that stands, which may be a higher one. It stays
// raised if the disk then fails: refusing too much is safe.
func (g *Guard) raiseMark(ctx context.Context, l line, m mark) (mark, error) {
	for {
		stands, busy := g.tryRaiseMark(l, m)
		if busy == nil {
			return stands, nil
		}
		select {
		case <-busy:
		case <-ctx.Done():
			return mark{}, fmt.Errorf("guard: wait for a signature: %w", context.Cause(ctx))
		}
	}
}

func (g *Guard) tryRaiseMark(l line, m mark) (stands mark, busy chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.retired[l].compare(m) < 0 {
		g.retired[l] = m
	}
	stands = g.retired[l]
	for slot, done := range g.claims {
		if lineOf(slot) == l && markOf(slot).compare(stands) < 0 {
			return stands, done
		}
	}
	return stands, nil
}

func (g *Guard) loadRetired() error {
	for e, err := range g.kv.Ascend([]byte{prefixRetired}, []byte{prefixRetired + 1}) {
		if err != nil {
			return fmt.Errorf("read what is retired: %w", err)
		}
		if len(e.Key) != 2+32 || len(e.Value) != 16 {
			return store.Corruptf("retired mark %x has value %x", e.Key, e.Value)
		}
		l := line{signing.Kind(e.Key[1]), codec.Hash(e.Key[2:])}
		g.retired[l] = mark{binary.BigEndian.Uint64(e.Value), binary.BigEndian.Uint64(e.Value[8:])}
	}
	return nil
}
