package merkle

import (
	"iter"

	"github.com/trinebridge/trine/codec"
)

// Entry is one entry of a map. Keys are hashed on their way in, so it has the PathOf its key.
type Entry struct {
	Path  codec.Hash
	Value []byte // belongs to the map and must not be changed
}

// All yields the entries of m in the order of their paths. If a node cannot be loaded, it
// yields a *NodeError with an empty Entry and ends. What it loads it does not keep, so it
// can go through a map larger than memory, and it does not count as a use for Trim.
func (m Map) All() iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		if m.root != nil {
			m.family.walk(m.root, new(codec.Hash), 0, yield)
		}
	}
}

// walk yields what is below n, and reports whether to go on. The first depth nibbles of path
// are those of n; it uses the rest.
func (f *family) walk(n *node, path *codec.Hash, depth int, yield func(Entry, error) bool) bool {
	c, err := f.peek(n, path, depth)
	if err != nil {
		yield(Entry{}, err)
		return false
	}
	if c.kids == nil {
		value := c.data[hashSize:len(c.data):len(c.data)]
		return yield(Entry{Path: codec.Hash(c.data[:hashSize]), Value: value}, nil)
	}
	for _, x := range c.data {
		setNibble(path, depth, x)
		depth++
	}
	for i, kid := range c.kids {
		setNibble(path, depth, byte(i))
		if kid != nil && !f.walk(kid, path, depth+1, yield) {
			return false
		}
	}
	return true
}
