package ledger

import (
	"fmt"

	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/merkle"
)

// table reads and writes records in a Merkle map. Its errors are never Rejections: a
// node is missing, or a record does not decode.
type table struct {
	m       merkle.Map
	scratch []byte // encoding buffer; a Merkle map copies what it keeps
}

// get fills in r; ok tells whether the key has a record.
func (t *table) get(key []byte, r codec.Record) (ok bool, err error) {
	value, ok, err := t.m.Get(key)
	if err != nil {
		return false, fmt.Errorf("ledger: read record %x: %w", key, err)
	}
	if !ok {
		return false, nil
	}
	if err := codec.Unmarshal(value, r, merkle.MaxValueSize); err != nil {
		return false, fmt.Errorf("ledger: record %x is corrupt: %w", key, err)
	}
	return true, nil
}

// need is get for a record that another record says is there.
func (t *table) need(key []byte, r codec.Record) error {
	ok, err := t.get(key, r)
	if err == nil && !ok {
		err = fmt.Errorf("ledger: record %x is missing", key)
	}
	return err
}

func (t *table) put(key []byte, r codec.Record) error {
	t.scratch = codec.Append(t.scratch[:0], r)
	m, err := t.m.Put(key, t.scratch)
	if err != nil {
		return fmt.Errorf("ledger: write record %x: %w", key, err)
	}
	t.m = m
	return nil
}

func (t *table) remove(key []byte) error {
	m, err := t.m.Delete(key)
	if err != nil {
		return fmt.Errorf("ledger: delete record %x: %w", key, err)
	}
	t.m = m
	return nil
}

// number is the record of an index entry.
type number uint64

// Borsh implements codec.Record.
func (n *number) Borsh(c *codec.Codec) { c.Uint64((*uint64)(n)) }

// hashes is the record of a list of hashes.
type hashes []codec.Hash

// Borsh implements codec.Record.
func (h *hashes) Borsh(c *codec.Codec) { c.Hashes((*[]codec.Hash)(h), maxSlot) }

// word is the record of one hash.
type word codec.Hash

// Borsh implements codec.Record.
func (w *word) Borsh(c *codec.Codec) { c.Hash((*codec.Hash)(w)) }

// amount is the record of one amount.
type amount uint256.Int

// Borsh implements codec.Record.
func (a *amount) Borsh(c *codec.Codec) { c.Amount((*uint256.Int)(a)) }
