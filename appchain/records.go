package appchain

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/ledger"
	"github.com/trinebridge/trine/merkle"
	"github.com/trinebridge/trine/store"
)

// The node's keys. Heights and numbers are 8 bytes big-endian, so that they sort.
var (
	keyOrigin   = []byte("g") // → origin
	keyEvidence = []byte("e") // → wire.Evidence
	keyClaim    = []byte("c") // → wire.SignedHeader

	prefixBlock       = []byte("b/") // height → ledger.Block
	prefixLog         = []byte("l/") // height → ledger.Log
	prefixTx          = []byte("t/") // transaction hash → height
	prefixMerkle      = []byte("m/") // node hash → encoding
	prefixNotice      = []byte("n/") // transaction hash → number, wire.Notice
	prefixNoticeOrder = []byte("o/") // number → transaction hash
)

// origin is the genesis and the roots that it led to.
type origin struct{ Genesis, Framework, App codec.Hash }

// Borsh implements codec.Record.
func (o *origin) Borsh(c *codec.Codec) {
	c.Hash(&o.Genesis)
	c.Hash(&o.Framework)
	c.Hash(&o.App)
}

func numberKey(prefix []byte, number uint64) []byte {
	return binary.BigEndian.AppendUint64(slices.Clone(prefix), number)
}

func hashKey(prefix []byte, hash codec.Hash) []byte { return append(slices.Clone(prefix), hash[:]...) }

func number(data []byte) (uint64, error) {
	if len(data) != 8 {
		return 0, store.Corruptf("a number has %d bytes, want 8", len(data))
	}
	return binary.BigEndian.Uint64(data), nil
}

// nodeSource gives Merkle maps their nodes from the store.
type nodeSource struct{ kv store.KV }

// Node implements merkle.NodeSource.
func (s nodeSource) Node(hash codec.Hash) ([]byte, error) {
	data, ok, err := s.kv.Get(hashKey(prefixMerkle, hash))
	if err == nil && !ok {
		err = store.MarkCorrupt(fmt.Errorf("%w: %s", merkle.ErrMissing, hash))
	}
	return data, err
}

// putNodes writes the nodes of a state that are not durable yet.
func putNodes(batch store.Batch, s ledger.State) error {
	key := make([]byte, len(prefixMerkle)+len(codec.Hash{}))
	copy(key, prefixMerkle)
	put := func(hash codec.Hash, encoding []byte) error {
		copy(key[len(prefixMerkle):], hash[:])
		batch.Put(key, encoding)
		return nil
	}
	if err := s.Framework.Unsaved(put); err != nil {
		return err
	}
	return s.App.Unsaved(put)
}
