package merkle_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/rawdb"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/ethdb/memorydb"
	"github.com/ethereum/go-ethereum/rlp"
	"github.com/ethereum/go-ethereum/trie"
	"github.com/ethereum/go-ethereum/triedb"

	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/merkle"
)

// store is a node source in memory that can be told to lose or spoil a node.
type store struct {
	nodes map[codec.Hash][]byte
	reads atomic.Int64
}

func newStore() *store { return &store{nodes: map[codec.Hash][]byte{}} }

func (s *store) Node(hash codec.Hash) ([]byte, error) {
	s.reads.Add(1)
	if enc, ok := s.nodes[hash]; ok {
		return enc, nil
	}
	return nil, merkle.ErrMissing
}

// save writes what is new in m and marks it. It fails on a node that comes before its children.
func (s *store) save(t failer, m merkle.Map) (written int) {
	t.Helper()
	err := m.Unsaved(func(hash codec.Hash, enc []byte) error {
		if codec.Keccak(enc) != hash {
			return fmt.Errorf("node %s does not have its hash", hash)
		}
		for _, child := range childHashes(enc) {
			if s.nodes[child] == nil {
				return fmt.Errorf("node %s comes before its child %s", hash, child)
			}
		}
		s.nodes[hash] = bytes.Clone(enc)
		written++
		return nil
	})
	if err != nil {
		t.Fatalf("Unsaved: %v", err)
	}
	m.MarkSaved()
	return written
}

// childHashes lists the nodes that a node refers to, as go-ethereum's RLP reads it.
func childHashes(enc []byte) (out []codec.Hash) {
	items, _, err := rlp.SplitList(enc)
	if err != nil {
		panic(err)
	}
	var fields [][]byte
	for len(items) > 0 {
		kind, field, rest, err := rlp.Split(items)
		if err != nil {
			panic(err)
		}
		if kind == rlp.List {
			out = append(out, childHashes(items[:len(items)-len(rest)])...)
		}
		fields, items = append(fields, field), rest
	}
	if len(fields) == 2 && fields[0][0] >= 0x20 {
		return out // a leaf
	}
	for _, f := range fields {
		if len(f) == 32 && !(len(fields) == 2 && &f[0] == &fields[0][0]) {
			out = append(out, codec.Hash(f))
		}
	}
	return out
}

func (s *store) clone() *store { return &store{nodes: maps.Clone(s.nodes)} }

// failer is what testing.TB and rapid.T have in common.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// put sets path → value, or removes path if value is empty.
func put(m merkle.Map, path codec.Hash, value []byte) merkle.Map {
	if len(value) == 0 {
		return must(m.DeleteAt(path))
	}
	return must(m.PutAt(path, value))
}

// content reads all of m.
func content(t failer, m merkle.Map) map[codec.Hash]string {
	t.Helper()
	out := map[codec.Hash]string{}
	var last codec.Hash
	for e, err := range m.All() {
		if err != nil {
			t.Fatalf("All: %v", err)
		}
		if len(out) > 0 && last.Compare(e.Path) >= 0 {
			t.Fatalf("All yields %s after %s", e.Path, last)
		}
		last = e.Path
		out[e.Path] = string(e.Value)
	}
	return out
}

func wantContent(t failer, m merkle.Map, want map[codec.Hash]string) {
	t.Helper()
	if got := content(t, m); !maps.Equal(got, want) {
		t.Fatalf("map has %d entries %v\nwant %d entries %v", len(got), got, len(want), want)
	}
}

// oracle is a trie of go-ethereum over raw 32-byte paths.
type oracle struct{ *trie.Trie }

func newOracle() oracle {
	return oracle{trie.NewEmpty(triedb.NewDatabase(rawdb.NewMemoryDatabase(), nil))}
}

func oracleOf(entries map[codec.Hash]string) oracle {
	o := newOracle()
	for path, value := range entries {
		o.put(path, []byte(value))
	}
	return o
}

func (o oracle) put(path codec.Hash, value []byte) { o.MustUpdate(path[:], value) }

func (o oracle) root() codec.Hash { return codec.Hash(o.Hash()) }

// prove returns the proof of the oracle in our form: the root's node first.
func (o oracle) prove(path codec.Hash) [][]byte {
	var list proofList
	if err := o.Prove(path[:], &list); err != nil {
		panic(err)
	}
	return list
}

type proofList [][]byte

func (l *proofList) Put(_, value []byte) error { *l = append(*l, bytes.Clone(value)); return nil }
func (l *proofList) Delete([]byte) error       { panic("a proof only grows") }

// oracleVerify is go-ethereum's verifier on our form of a proof.
func oracleVerify(root, path codec.Hash, proof [][]byte) ([]byte, error) {
	db := memorydb.New()
	for _, enc := range proof {
		if err := db.Put(hashBytes(enc), enc); err != nil {
			return nil, err
		}
	}
	return trie.VerifyProof(common.Hash(root), path[:], db)
}

func key(i int) []byte { return binary.BigEndian.AppendUint64([]byte("account/"), uint64(i)) }

// filled returns a map with n entries of about the size of an account.
func filled(n int, m merkle.Map) merkle.Map {
	value := make([]byte, 80)
	for i := range n {
		binary.BigEndian.PutUint64(value, uint64(i))
		m = must(m.Put(key(i), value))
	}
	return m
}

func sortedHashes[V any](m map[codec.Hash]V) []codec.Hash {
	return slices.SortedFunc(maps.Keys(m), codec.Hash.Compare)
}

func TestEmptyRootIsEthereums(t *testing.T) {
	if want := codec.Hash(types.EmptyRootHash); merkle.EmptyRoot != want {
		t.Errorf("EmptyRoot = %s, want %s", merkle.EmptyRoot, want)
	}
	if got := (merkle.Map{}).Root(); got != merkle.EmptyRoot {
		t.Errorf("root of the zero Map = %s, want %s", got, merkle.EmptyRoot)
	}
}

func hashBytes(enc []byte) []byte {
	h := codec.Keccak(enc)
	return h[:]
}
