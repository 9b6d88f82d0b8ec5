package ledger

import (
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/signing"
)

// MaxBlockSize bounds a block's Borsh bytes.
const MaxBlockSize = MaxTransactionSize + MaxLoads*(4+MaxLoadSize) + 1<<10

// Header is what the processor signs about a block.
type Header struct {
	Genesis codec.Hash
	// Height counts from 1; the parent of block 1 is the genesis hash.
	Height uint64
	Parent codec.Hash
	// Time in Unix milliseconds; it never goes back.
	Time        uint64
	CodeVersion uint64
	// TxHash is the transaction's digest.
	TxHash codec.Hash
	// LoadsHash is keccak256 of the concatenated hashes of the data loads.
	LoadsHash codec.Hash
	// LogHash is keccak256 of the log's Borsh bytes.
	LogHash       codec.Hash
	FrameworkRoot codec.Hash
	AppRoot       codec.Hash
}

// Hash returns the block hash, which is also the digest that the processor signs.
func (h *Header) Hash() codec.Hash {
	return signing.KindBlock.Digest(h.Genesis, codec.Uint64Word(h.Height), codec.Keccak(codec.Marshal(h)))
}

// Borsh implements codec.Record.
func (h *Header) Borsh(c *codec.Codec) {
	c.Hash(&h.Genesis)
	c.Uint64(&h.Height)
	c.Hash(&h.Parent)
	c.Uint64(&h.Time)
	c.Uint64(&h.CodeVersion)
	c.Hash(&h.TxHash)
	c.Hash(&h.LoadsHash)
	c.Hash(&h.LogHash)
	c.Hash(&h.FrameworkRoot)
	c.Hash(&h.AppRoot)
}

// Load is outside data that the app asked for while the block was made.
type Load struct{ Data []byte }

// Bounds of data loads.
const (
	MaxLoads    = 16
	MaxLoadSize = 4 << 10
)

// Borsh implements codec.Record.
func (l *Load) Borsh(c *codec.Codec) { c.Bytes(&l.Data, MaxLoadSize) }

// Block is one transaction and what it led to.
type Block struct {
	Header    Header
	Tx        Transaction
	Loads     []Load
	Signature signing.Signature
}

// Borsh implements codec.Record.
func (b *Block) Borsh(c *codec.Codec) {
	b.Header.Borsh(c)
	b.Tx.Borsh(c)
	codec.List(c, &b.Loads, MaxLoads)
	b.Signature.Borsh(c)
}

// LoadsHash returns the header's hash of data loads.
func LoadsHash(loads []Load) codec.Hash {
	words := make([]codec.Hash, len(loads))
	for i := range loads {
		words[i] = codec.Keccak(loads[i].Data)
	}
	return codec.HashWords(words...)
}
