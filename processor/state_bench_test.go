package processor_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/merkle"
	"github.com/trinebridge/trine/store"
	"github.com/trinebridge/trine/store/pebblestore"
)

// nodesPerCommit is how many updates share one durable step here, as blocks do under load.
const nodesPerCommit = 256

// BenchmarkStateUpdate is one account update with its new root, through the store that
// the processor uses, by number of accounts. Every 256 updates the new nodes are made durable.
func BenchmarkStateUpdate(b *testing.B) {
	for _, size := range []struct {
		accounts int
		metric   string
	}{{10_000, "state_update_ns_1e4"}, {100_000, "state_update_ns_1e5"}, {1_000_000, "state_update_ns_1e6"}} {
		dir := b.TempDir()
		var kv store.KV // made by the first trial, closed after the last one
		var state merkle.Map
		value := make([]byte, 120) // a record with a key, a wallet and two balances
		random := rand.New(rand.NewPCG(1, 2))
		b.Run(fmt.Sprintf("accounts=%d", size.accounts), func(b *testing.B) {
			if kv == nil {
				kv, state = manyAccounts(b, dir, size.accounts, value)
			}
			awaitStill(b, dir)
			asTheDaemon(b)
			cpu := cpuTime(b)
			b.ResetTimer()
			for i := range b.N {
				binary.LittleEndian.PutUint64(value, uint64(i))
				state = putAccount(b, state, random.IntN(size.accounts), value)
				if state.Root().IsZero() {
					b.Fatal("no root")
				}
				if i%nodesPerCommit == nodesPerCommit-1 {
					saveNodes(b, kv, state)
				}
			}
			saveNodes(b, kv, state)
			b.ReportMetric(float64((cpuTime(b)-cpu).Nanoseconds())/float64(b.N), "cpu-ns/op")
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N), size.metric)
		})
		if kv != nil {
			if err := kv.Close(); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// manyAccounts makes a store and a map with that many accounts, all of whose nodes are in memory.
func manyAccounts(b *testing.B, dir string, accounts int, value []byte) (store.KV, merkle.Map) {
	b.Helper()
	kv, err := pebblestore.Open(pebblestore.Config{Dir: dir, CacheBytes: 256 << 20})
	if err != nil {
		b.Fatal(err)
	}
	state := merkle.Open(merkle.EmptyRoot, kvNodes{kv})
	for i := range accounts {
		state = putAccount(b, state, i, value)
		if i%10_000 == 9_999 {
			saveNodes(b, kv, state)
		}
	}
	saveNodes(b, kv, state)
	return kv, state
}

func putAccount(b *testing.B, state merkle.Map, number int, value []byte) merkle.Map {
	b.Helper()
	next, err := state.Put(binary.BigEndian.AppendUint64([]byte("account/"), uint64(number)), value) // counts accounts
	if err != nil {
		b.Fatal(err)
	}
	return next
}

// saveNodes makes what is new durable, as the app chain does.
func saveNodes(b *testing.B, kv store.KV, state merkle.Map) {
	b.Helper()
	batch := kv.NewBatch()
	err := state.Unsaved(func(hash codec.Hash, encoding []byte) error {
		batch.Put(append([]byte("node/"), hash[:]...), encoding)
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	if err := batch.Commit(context.Background(), store.Sync); err != nil {
		b.Fatal(err)
	}
	state.MarkSaved()
}

// kvNodes finds nodes in a store.
type kvNodes struct{ kv store.KV }

// Node implements merkle.NodeSource.
func (n kvNodes) Node(hash codec.Hash) ([]byte, error) {
	value, ok, err := n.kv.Get(append([]byte("node/"), hash[:]...))
	if err == nil && !ok {
		err = merkle.ErrMissing
	}
	return value, err
}
