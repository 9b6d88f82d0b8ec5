package merkle_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/merkle"
)

var sizes = []int{1e4, 1e5, 1e6}

// eachSize runs a benchmark with each number of accounts.
func eachSize(b *testing.B, run func(b *testing.B, accounts int)) {
	for _, n := range sizes {
		b.Run(fmt.Sprintf("accounts=%.0e", float64(n)), func(b *testing.B) {
			b.ReportAllocs()
			run(b, n)
		})
	}
}

// bySize runs a benchmark on maps of each size, all of whose nodes are saved and in memory.
func bySize(b *testing.B, run func(b *testing.B, m merkle.Map, accounts int)) {
	built := map[int]merkle.Map{}
	eachSize(b, func(b *testing.B, accounts int) {
		m, ok := built[accounts]
		if !ok {
			m = filled(accounts, merkle.Map{})
			m.MarkSaved()
			clear(built) // one map in memory at a time
			built[accounts] = m
		}
		b.ResetTimer()
		run(b, m, accounts)
	})
}

// update changes one random account.
func update(m merkle.Map, r *rand.Rand, accounts int, value []byte) merkle.Map {
	binary.BigEndian.PutUint64(value, r.Uint64())
	return must(m.Put(key(r.IntN(accounts)), value))
}

func BenchmarkUpdateRoot(b *testing.B) {
	bySize(b, func(b *testing.B, m merkle.Map, accounts int) {
		r, value := rand.New(rand.NewPCG(1, 2)), make([]byte, 80)
		for range b.N {
			m = update(m, r, accounts, value)
			m.Root()
		}
	})
}

// BenchmarkUpdateRootSaved is BenchmarkUpdateRoot with a group commit of every 256 versions.
func BenchmarkUpdateRootSaved(b *testing.B) {
	bySize(b, func(b *testing.B, m merkle.Map, accounts int) {
		r, value := rand.New(rand.NewPCG(1, 2)), make([]byte, 80)
		for i := range b.N {
			m = update(m, r, accounts, value)
			m.Root()
			if i%256 == 0 {
				_ = m.Unsaved(func(codec.Hash, []byte) error { return nil })
				m.MarkSaved()
			}
		}
	})
}

// BenchmarkGetCold reads an entry of a map of which nothing is in memory.
func BenchmarkGetCold(b *testing.B) {
	eachSize(b, func(b *testing.B, accounts int) {
		s := newStore()
		m := filled(accounts, merkle.Open(merkle.EmptyRoot, s))
		s.save(b, m)
		r := rand.New(rand.NewPCG(1, 2))
		b.ResetTimer()
		for range b.N {
			if _, ok, err := m.Trim(0).Get(key(r.IntN(accounts))); !ok || err != nil {
				b.Fatal(ok, err)
			}
		}
	})
}

// BenchmarkBlock is what a transfer costs: two accounts read and written, one root.
func BenchmarkBlock(b *testing.B) {
	bySize(b, func(b *testing.B, m merkle.Map, accounts int) {
		r, value := rand.New(rand.NewPCG(1, 2)), make([]byte, 80)
		for range b.N {
			for range 2 {
				path := merkle.PathOf(key(r.IntN(accounts)))
				old, _, _ := m.GetAt(path)
				copy(value, old)
				value[0]++
				m = must(m.PutAt(path, value))
			}
			m.Root()
		}
	})
}

func BenchmarkGet(b *testing.B) {
	bySize(b, func(b *testing.B, m merkle.Map, accounts int) {
		r := rand.New(rand.NewPCG(1, 2))
		for range b.N {
			if _, ok, err := m.Get(key(r.IntN(accounts))); !ok || err != nil {
				b.Fatal(ok, err)
			}
		}
	})
}

func BenchmarkProve(b *testing.B) {
	bySize(b, func(b *testing.B, m merkle.Map, accounts int) {
		r := rand.New(rand.NewPCG(1, 2))
		for range b.N {
			if _, err := m.Prove(key(r.IntN(accounts))); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkVerifyProof(b *testing.B) {
	bySize(b, func(b *testing.B, m merkle.Map, accounts int) {
		root, proof := m.Root(), must(m.Prove(key(1)))
		for range b.N {
			if _, ok, err := merkle.VerifyProof(root, key(1), proof); !ok || err != nil {
				b.Fatal(ok, err)
			}
		}
	})
}

// BenchmarkUnsaved walks what 256 blocks of two updates leave to save, hashed already.
func BenchmarkUnsaved(b *testing.B) {
	bySize(b, func(b *testing.B, m merkle.Map, accounts int) {
		r, value := rand.New(rand.NewPCG(1, 2)), make([]byte, 80)
		nodes, size := 0, 0
		for range b.N {
			b.StopTimer()
			for range 256 {
				m = update(update(m, r, accounts, value), r, accounts, value)
				m.Root()
			}
			b.StartTimer()
			err := m.Unsaved(func(_ codec.Hash, enc []byte) error {
				nodes, size = nodes+1, size+len(enc)
				return nil
			})
			if err != nil {
				b.Fatal(err)
			}
			m.MarkSaved()
		}
		b.ReportMetric(float64(nodes)/float64(b.N), "nodes/op")
		b.ReportMetric(float64(size)/float64(b.N), "bytes/op")
	})
}

// BenchmarkTrim drops what 10,000 updates did not touch, from a map that is whole in memory.
func BenchmarkTrim(b *testing.B) {
	eachSize(b, func(b *testing.B, accounts int) {
		b.StopTimer()
		s := newStore()
		m := filled(accounts, merkle.Open(merkle.EmptyRoot, s))
		s.save(b, m)
		m = m.Trim(1)
		r := rand.New(rand.NewPCG(1, 2))
		for range 10_000 {
			_, _, _ = m.Get(key(r.IntN(accounts)))
		}
		b.StartTimer()
		for range b.N {
			m.Trim(1)
		}
	})
}
