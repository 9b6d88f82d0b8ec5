// Package store is the small key-value interface on which the app chain, the roles and
// the guards keep what must survive a crash.
//
// It promises, of every backend (store/storetest is the suite that each passes):
//
//   - Keys and values are byte strings; keys are ordered bytewise. A key has at least one
//     byte. A value may be empty, which differs from an absent one.
//   - A [Batch] is atomic: after a crash, and for every reader, all of it is there or none.
//   - A batch committed with [Sync] is durable when Commit returns, and with it every batch
//     whose Commit returned before. A batch committed with [NoSync] may be lost in a crash,
//     but never before one that was committed earlier.
//   - An empty batch committed with [Sync] is a barrier: it makes durable what was committed
//     before, so that many batches can share one sync.
//   - Whoever reads sees every batch whose Commit has returned. It may see one that is still
//     being synced, so what was read is durable only after a commit or a barrier of its own.
//   - After a write has failed, nothing reaches the disk any more and every call fails, so that
//     nothing is built on a gap. The way out is to mend the disk and open the store again.
//   - Reads and commits are safe for concurrent use. A Batch belongs to one goroutine.
//
// Slices handed in are copied before a method returns, and slices handed out belong to the
// caller, except where a comment says otherwise.
package store

import (
	"context"
	"errors"
	"iter"
)

// ErrClosed is the answer of a store that was closed.
var ErrClosed = errors.New("store is closed")

// ErrEmptyKey is the answer to the commit of a batch that has a write without a key.
var ErrEmptyKey = errors.New("a key must have at least one byte")

// ErrSpent is the answer of a batch that was committed before, with or without success.
var ErrSpent = errors.New("batch was committed before; begin a new one")

// Durability says what a commit waits for.
type Durability uint8

// The durabilities. The zero value is the safe one.
const (
	// Sync returns when the batch, and every one before it, is on the disk.
	Sync Durability = iota
	// NoSync returns when readers see the batch.
	NoSync
)

// String returns the name, for logs.
func (d Durability) String() string {
	if d == NoSync {
		return "no sync"
	}
	return "sync"
}

// Entry is a key with its value. In a range both are valid until the next step of the
// loop only: copy what is kept.
type Entry struct {
	Key, Value []byte
}

// Reader reads. Reads of a local disk are not cancellable; a backend behind a network
// bounds each read by a deadline of its own.
type Reader interface {
	// Get returns the value of a key; ok is false, without an error, where there is none.
	Get(key []byte) (value []byte, ok bool, err error)
	// Ascend yields the entries with lo <= key < hi in ascending order, as they stood when
	// the loop began. A nil lo is the first key, a nil hi is behind the last one. An error
	// is yielded once, with an empty entry, and ends the loop.
	Ascend(lo, hi []byte) iter.Seq2[Entry, error]
	// Descend is Ascend in descending order: its first entry is the newest of a range
	// whose keys grow.
	Descend(lo, hi []byte) iter.Seq2[Entry, error]
}

// KV is a key-value store.
type KV interface {
	Reader
	// NewBatch returns an empty batch. One that is not needed any more is just dropped.
	NewBatch() Batch
	// Close waits for reads and commits under way, makes everything durable and lets the
	// store go. It must not be called from inside a range. Later calls do nothing.
	Close() error
}

// Batch collects writes that take effect together. Of two writes to one key the later
// one counts. The writes of a batch are not visible before it is committed.
type Batch interface {
	// Put sets a key.
	Put(key, value []byte)
	// Delete removes a key; one that is absent is no error.
	Delete(key []byte)
	// Len returns the number of writes so far.
	Len() int
	// Commit applies the writes. It refuses when ctx is done before it begins, and does
	// not stop halfway after that. On any later error the batch may be there or not after
	// the next start, but never in part. Whatever it answers, the batch is spent.
	Commit(ctx context.Context, d Durability) error
}
