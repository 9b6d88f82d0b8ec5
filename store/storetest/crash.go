package storetest

import (
	"context"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/trinebridge/trine/store"
)

// Disk is where a store lies, and can lose its power.
type Disk interface {
	// Open opens the store on the disk.
	Open() (store.KV, error)
	// Crash returns the disk as it is found after a power cut now. What was written and
	// not synced may be there or not, as the seed decides. The old disk is not used again.
	Crash(seed uint64) Disk
}

// RunCrash cuts the power again and again between random commits, and after each cut
// finds the content of a moment not before the last sync, and no half of a batch.
func RunCrash(t *testing.T, fresh func() Disk) {
	rapid.Check(t, func(rt *rapid.T) {
		disk, next := fresh(), 0
		synced := -1 // newest batch that must survive
		for range rapid.IntRange(1, 4).Draw(rt, "cuts") {
			kv, err := disk.Open()
			if err != nil {
				rt.Fatal(err)
			}
			newest, err := newestBatch(kv)
			if err != nil {
				rt.Fatal(err)
			}
			if newest < synced || newest >= next {
				rt.Fatalf("after the cut the newest batch is %d; %d was synced, %d was never written", newest, synced, next)
			}
			next = newest + 1
			for range rapid.IntRange(0, 20).Draw(rt, "commits") {
				d := store.Durability(rapid.IntRange(0, 1).Draw(rt, "durability"))
				if err := commitBatch(kv, next, rapid.IntRange(0, 3000).Draw(rt, "bytes"), d); err != nil {
					rt.Fatal(err)
				}
				if d == store.Sync {
					synced = next
				}
				next++
			}
			if next > 0 && rapid.Bool().Draw(rt, "barrier") {
				if err := kv.NewBatch().Commit(context.Background(), store.Sync); err != nil {
					rt.Fatal(err)
				}
				synced = next - 1
			}
			disk = disk.Crash(rapid.Uint64().Draw(rt, "seed"))
			_ = kv.Close() // too late to matter: the copy of the disk was taken before
		}
	})
}

// batchKeys is the number of keys that every batch writes, all to the batch's number.
const batchKeys = 5

func commitBatch(kv store.KV, n, padding int, d store.Durability) error {
	b := kv.NewBatch()
	for k := range batchKeys {
		b.Put(fmt.Appendf(nil, "key %d", k), fmt.Appendf(nil, "%d", n))
	}
	b.Put(fmt.Appendf(nil, "log %08d", n), make([]byte, padding))
	return b.Commit(context.Background(), d)
}

// newestBatch returns the number of the newest batch, -1 when there is none. It fails
// when the store holds a part of one, or not every one before it.
func newestBatch(kv store.KV) (int, error) {
	newest, entries := -1, 0
	for k := range batchKeys {
		value, ok, err := kv.Get(fmt.Appendf(nil, "key %d", k))
		if err != nil {
			return 0, err
		}
		n := -1
		if ok {
			if _, err := fmt.Sscan(string(value), &n); err != nil {
				return 0, err
			}
		}
		if k > 0 && n != newest {
			return 0, fmt.Errorf("half a batch: key 0 is of batch %d, key %d of batch %d", newest, k, n)
		}
		newest = n
	}
	for _, err := range kv.Ascend([]byte("log "), store.After([]byte("log "))) {
		if err != nil {
			return 0, err
		}
		entries++
	}
	if entries != newest+1 {
		return 0, fmt.Errorf("newest batch is %d, but there are entries of %d batches", newest, entries)
	}
	return newest, nil
}
