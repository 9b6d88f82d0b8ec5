package bridgewatch

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/store"
)

// Bounds of stored records, in bytes; they guard against a damaged store only.
const (
	maxRecord = 4 << 10
	maxTxName = 256
)

// Mark is a point in a bridge's history: the head after the event with this id.
type Mark struct {
	ID   uint64
	Head bridgecontracts.Head
}

// Borsh implements codec.Record.
func (m *Mark) Borsh(c *codec.Codec) {
	c.Uint64(&m.ID)
	c.Hash(&m.Head)
}

// cursor is where a reader stands. Staged is never before Verified.
type cursor struct {
	Generation uint64
	// Verified is the newest event whose head the contract has confirmed, at Block.
	Verified Mark
	Block    chain.Block
	// Staged is the newest event that is read and waits for that.
	Staged Mark
}

// Borsh implements codec.Record.
func (r *cursor) Borsh(c *codec.Codec) {
	c.Uint64(&r.Generation)
	r.Verified.Borsh(c)
	c.Uint64(&r.Block.Number)
	c.Hash(&r.Block.Hash)
	c.Uint64(&r.Block.Time)
	r.Staged.Borsh(c)
}

// eventRecord is a stored event with the head after it.
type eventRecord struct {
	chain.LocatedEvent
	Head bridgecontracts.Head
}

// Borsh implements codec.Record.
func (r *eventRecord) Borsh(c *codec.Codec) {
	c.Hash(&r.Head)
	c.String(&r.Tx, maxTxName)
	c.Uint64(&r.Block)
	r.Event.Borsh(c)
}

var cursorKey = []byte("cursor")

// eventKey orders events by generation and id.
func eventKey(generation, id uint64) []byte {
	key := binary.BigEndian.AppendUint64([]byte("event/"), generation)
	return binary.BigEndian.AppendUint64(key, id)
}

// load reads a record; ok is false where there is none.
func load(kv store.Reader, key []byte, r codec.Record) (ok bool, err error) {
	value, ok, err := kv.Get(key)
	if err != nil || !ok {
		return false, err
	}
	if err := codec.Unmarshal(value, r, maxRecord); err != nil {
		return false, store.Corruptf("bridgewatch: record %q: %w", key, err)
	}
	return true, nil
}

// loadEvents reads events from..to, all of which must be there.
func loadEvents(kv store.Reader, generation, from, to uint64) ([]eventRecord, error) {
	records := make([]eventRecord, 0, min(to-from+1, 1024))
	for entry, err := range kv.Ascend(eventKey(generation, from), eventKey(generation, to+1)) {
		if err != nil {
			return nil, err
		}
		var r eventRecord
		if err := codec.Unmarshal(slices.Clone(entry.Value), &r, maxRecord); err != nil {
			return nil, store.Corruptf("bridgewatch: event %q: %w", entry.Key, err)
		}
		if want := from + uint64(len(records)); r.ID != want {
			return nil, store.Corruptf("bridgewatch: event %d is stored where event %d should be", r.ID, want)
		}
		records = append(records, r)
	}
	if uint64(len(records)) != to-from+1 {
		return nil, store.Corruptf("bridgewatch: %d events are stored from %d to %d", len(records), from, to)
	}
	return records, nil
}

// Contradiction says that the chain's settled history differs from what was verified
// before: a reorganisation below finality, or endpoints that lie together. Nothing is
// overwritten; a person must look.
type Contradiction struct {
	Domain bridgecontracts.Domain
	// EventID is the first event that is known to differ.
	EventID uint64
	// Stored is the head that was verified there, Chain the one that the chain has now;
	// zero when the chain has no such event any more.
	Stored, Chain bridgecontracts.Head
	// Block is the settled block that contradicts.
	Block chain.Block
}

// Error implements error.
func (c *Contradiction) Error() string {
	if c.Chain.IsZero() {
		return fmt.Sprintf("bridge %s: event %d was verified with head %s, but the chain has no such event at settled block %s",
			c.Domain.Short(), c.EventID, c.Stored, c.Block)
	}
	return fmt.Sprintf("bridge %s: event %d was verified with head %s, but at settled block %s the chain has head %s",
		c.Domain.Short(), c.EventID, c.Stored, c.Block, c.Chain)
}
