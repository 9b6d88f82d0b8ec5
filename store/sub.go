package store

import (
	"iter"
	"slices"
)

// Sub returns the part of kv whose keys begin with prefix, as a store of its own in which
// the prefix is not seen. By convention a prefix ends with a slash, as in "listener/", and
// none is the beginning of another. Closing the part does nothing; its owner closes kv.
func Sub(kv KV, prefix string) KV { return sub{kv, []byte(prefix)} }

// After returns the first key behind all keys that begin with prefix, or nil when there is
// none: Ascend(prefix, After(prefix)) yields just those keys.
func After(prefix []byte) []byte {
	for i := len(prefix) - 1; i >= 0; i-- {
		if prefix[i] < 0xff {
			end := slices.Clone(prefix[:i+1])
			end[i]++
			return end
		}
	}
	return nil
}

type sub struct {
	kv     KV
	prefix []byte
}

// key returns the key in the whole store.
func (s sub) key(key []byte) []byte { return slices.Concat(s.prefix, key) }

func (s sub) Get(key []byte) ([]byte, bool, error) { return s.kv.Get(s.key(key)) }

func (s sub) Ascend(lo, hi []byte) iter.Seq2[Entry, error] {
	return s.strip(s.kv.Ascend(s.bounds(lo, hi)))
}

func (s sub) Descend(lo, hi []byte) iter.Seq2[Entry, error] {
	return s.strip(s.kv.Descend(s.bounds(lo, hi)))
}

func (s sub) bounds(lo, hi []byte) (wholeLo, wholeHi []byte) {
	if hi == nil {
		return s.key(lo), After(s.prefix)
	}
	return s.key(lo), s.key(hi)
}

func (s sub) strip(entries iter.Seq2[Entry, error]) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		for e, err := range entries {
			if err == nil {
				e.Key = e.Key[len(s.prefix):]
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

func (s sub) NewBatch() Batch { return subBatch{s.kv.NewBatch(), s} }

func (s sub) Close() error { return nil }

type subBatch struct {
	Batch
	sub sub
}

func (b subBatch) Put(key, value []byte) { b.Batch.Put(b.sub.key(key), value) }

func (b subBatch) Delete(key []byte) { b.Batch.Delete(b.sub.key(key)) }
