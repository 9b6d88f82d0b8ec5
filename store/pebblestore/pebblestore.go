package pebblestore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"sync"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/trinebridge/trine/store"
)

// format is the newest that this release writes. Raising it is one-way for a folder: an
// older release cannot open it afterwards.
const format = pebble.FormatValueSeparation

// Store is a Pebble database in a folder. It implements store.KV.
type Store struct {
	db      *pebble.DB
	lock    *pebble.Lock
	dir     string
	failure *failure
	gate    gate
	close   func() error
}

var _ store.KV = (*Store)(nil)

// Open opens the folder, or makes it. After a crash it first reads the log again, which
// takes as long as a memory table is large. The error is an [ErrInUse] while another
// process has the folder, and an os.ErrNotExist where there is nothing to be read only.
func Open(c Config) (*Store, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	c = c.withDefaults()
	s := &Store{dir: c.Dir, failure: &failure{log: c.Log.With("folder", c.Dir), known: make(chan struct{})}}
	lock, err := lockDir(c.FS, c.Dir, c.ReadOnly)
	if err != nil {
		return nil, fmt.Errorf("pebblestore: %w", err)
	}
	s.lock = lock
	s.db, err = openDB(c, lock, s.failure)
	if err == nil && s.failure.stopped() {
		_ = s.db.Close()
	}
	if c.ReadOnly && errors.Is(err, pebble.ErrDBDoesNotExist) {
		err = fmt.Errorf("%w: %w", os.ErrNotExist, err)
	}
	if err := errors.Join(s.failure.err(), err); err != nil {
		_ = lock.Close()
		return nil, s.wrap(fmt.Errorf("open: %w", err))
	}
	s.gate.drained = make(chan struct{}, 1)
	s.close = sync.OnceValue(func() error { return s.closeDB(c.ReadOnly) })
	return s, nil
}

// OpenMem opens an empty store that lives in memory, for tests and for what may be lost.
func OpenMem() (*Store, error) {
	return Open(Config{Dir: "mem", FS: vfs.NewMem(), CacheBytes: 8 << 20, MemTableBytes: 4 << 20})
}

func openDB(c Config, lock *pebble.Lock, f *failure) (*pebble.DB, error) {
	cache := pebble.NewCache(c.CacheBytes)
	defer cache.Unref() // the database holds its own reference
	opts := &pebble.Options{
		FS:                        &fence{FS: c.FS, failure: f},
		Lock:                      lock,
		ReadOnly:                  c.ReadOnly,
		Cache:                     cache,
		FormatMajorVersion:        format,
		MemTableSize:              uint64(c.MemTableBytes), // Validate bounds it
		L0CompactionFileThreshold: 16,
		LBaseMaxBytes:             64 << 20,
		// A second compaction starts only when the first falls behind, so that a small
		// machine keeps a core for signatures.
		CompactionConcurrencyRange: func() (int, int) { return 1, 2 },
		Logger:                     logger{f.log, f},
		EventListener:              listener(f.log, f),
	}
	for i := range opts.Levels {
		opts.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
	}
	return pebble.Open(c.Dir, opts)
}

// wrap names the store and marks damage. The failure that stopped the store outranks err,
// which may be no more than its consequence.
func (s *Store) wrap(err error) error {
	if cause := s.failure.err(); cause != nil {
		err = fmt.Errorf("stopped after a failure, mend it and start again: %w", cause)
	}
	if err == nil {
		return nil
	}
	if pebble.IsCorruptionError(err) {
		err = store.MarkCorrupt(err)
	}
	return fmt.Errorf("pebblestore %s: %w", s.dir, err)
}

// Failed is closed when the store has stopped after a failure, which [Store.Failure] tells.
// It writes nothing any more, so its owner does well to end.
func (s *Store) Failed() <-chan struct{} { return s.failure.known }

// Failure returns why the store has stopped, nil while it has not.
func (s *Store) Failure() error {
	if !s.failure.stopped() {
		return nil
	}
	return s.wrap(nil)
}

// enter lets a call in, unless the store is closed or has stopped.
func (s *Store) enter() error {
	if !s.gate.enter() {
		return fmt.Errorf("pebblestore %s: %w", s.dir, store.ErrClosed)
	}
	if s.failure.stopped() {
		s.gate.leave()
		return s.wrap(nil)
	}
	return nil
}

// Get implements store.Reader.
func (s *Store) Get(key []byte) ([]byte, bool, error) {
	if err := s.enter(); err != nil {
		return nil, false, err
	}
	defer s.gate.leave()
	value, closer, err := s.db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, s.wrap(fmt.Errorf("get %x: %w", key, err))
	}
	kept := append(make([]byte, 0, len(value)), value...)
	if err := closer.Close(); err != nil {
		return nil, false, s.wrap(fmt.Errorf("get %x: %w", key, err))
	}
	return kept, true, nil
}

// Ascend implements store.Reader.
func (s *Store) Ascend(lo, hi []byte) iter.Seq2[store.Entry, error] {
	return s.scan(lo, hi, (*pebble.Iterator).First, (*pebble.Iterator).Next)
}

// Descend implements store.Reader.
func (s *Store) Descend(lo, hi []byte) iter.Seq2[store.Entry, error] {
	return s.scan(lo, hi, (*pebble.Iterator).Last, (*pebble.Iterator).Prev)
}

func (s *Store) scan(lo, hi []byte, first, next func(*pebble.Iterator) bool) iter.Seq2[store.Entry, error] {
	return func(yield func(store.Entry, error) bool) {
		if err := s.enter(); err != nil {
			yield(store.Entry{}, err)
			return
		}
		defer s.gate.leave()
		if hi != nil && bytes.Compare(lo, hi) >= 0 {
			return
		}
		if len(lo) == 0 {
			lo = nil // Pebble tells no bound from an empty one
		}
		it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: lo, UpperBound: hi})
		if err != nil {
			yield(store.Entry{}, s.wrap(fmt.Errorf("range: %w", err)))
			return
		}
		open := true
		defer func() {
			if open { // the loop was left, perhaps by a panic
				_ = it.Close()
			}
		}()
		for ok := first(it); ok; ok = next(it) {
			value, err := it.ValueAndErr()
			if err != nil {
				break // Close returns it
			}
			if !yield(store.Entry{Key: it.Key(), Value: value}, nil) {
				return
			}
		}
		open = false
		if err := it.Close(); err != nil {
			yield(store.Entry{}, s.wrap(fmt.Errorf("range: %w", err)))
		}
	}
}

// NewBatch implements store.KV.
func (s *Store) NewBatch() store.Batch { return &batch{store: s, ops: s.db.NewBatch()} }

// Close implements store.KV.
func (s *Store) Close() error { return s.close() }

func (s *Store) closeDB(readOnly bool) (err error) {
	s.gate.shut()
	if !readOnly {
		// An orderly end leaves nothing for the next start to repair: what was committed
		// without a sync is synced now.
		err = s.db.LogData(nil, pebble.Sync)
	}
	err = errors.Join(err, s.db.Close(), s.lock.Close())
	return s.wrap(err)
}

// batch is a store.Batch. Its operations are nil once it is spent.
type batch struct {
	store    *Store
	ops      *pebble.Batch
	emptyKey bool // Pebble's tables cannot hold an empty key
}

// Put implements store.Batch. A batch in memory takes every write, up to 4 GiB.
func (b *batch) Put(key, value []byte) {
	if b.ops != nil {
		b.emptyKey = b.emptyKey || len(key) == 0
		_ = b.ops.Set(key, value, nil)
	}
}

// Delete implements store.Batch.
func (b *batch) Delete(key []byte) {
	if b.ops != nil {
		b.emptyKey = b.emptyKey || len(key) == 0
		_ = b.ops.Delete(key, nil)
	}
}

// Len implements store.Batch.
func (b *batch) Len() int {
	if b.ops == nil {
		return 0
	}
	return int(b.ops.Count())
}

// Commit implements store.Batch.
func (b *batch) Commit(ctx context.Context, d store.Durability) error {
	s, ops := b.store, b.ops
	if ops == nil {
		return fmt.Errorf("pebblestore %s: %w", s.dir, store.ErrSpent)
	}
	b.ops = nil
	if b.emptyKey {
		return fmt.Errorf("pebblestore %s: %w", s.dir, store.ErrEmptyKey)
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("pebblestore %s: commit not begun: %w", s.dir, err)
	}
	if err := s.enter(); err != nil {
		return err
	}
	defer s.gate.leave()
	how := pebble.Sync
	switch {
	case d == store.NoSync:
		how = pebble.NoSync
	case ops.Empty():
		// Pebble skips a batch without content; an empty log entry is the barrier.
		if err := ops.LogData(nil, nil); err != nil {
			return s.wrap(fmt.Errorf("commit: %w", err))
		}
	}
	if err := ops.Commit(how); err != nil {
		return s.wrap(fmt.Errorf("commit: %w", err))
	}
	if s.failure.stopped() { // the fence has told Pebble that all is well
		return s.wrap(nil)
	}
	if err := ops.Close(); err != nil {
		return s.wrap(fmt.Errorf("commit: %w", err))
	}
	return nil
}
