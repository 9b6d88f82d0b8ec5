package merkle

import (
	"bytes"
	"errors"
	"fmt"
	"math/bits"
	"sync"

	"github.com/trinebridge/trine/codec"
)

// MaxValueSize is the largest value of an entry, in bytes.
const MaxValueSize = 1 << 20

var (
	// ErrEmptyValue is returned by Put for an empty value, which Ethereum's encoding cannot
	// tell from no entry. Use Delete to remove one.
	ErrEmptyValue = errors.New("merkle: empty value: use Delete to remove an entry")
	// ErrValueTooLarge is returned by Put for a value of more than MaxValueSize bytes.
	ErrValueTooLarge = errors.New("merkle: value too large")
)

// EmptyRoot is the root of a map without entries: keccak256 of the RLP of the empty string.
var EmptyRoot = codec.Keccak([]byte{0x80})

// Map is one version of a map; see the package comment for what it promises.
// The zero value is an empty map that lives in memory alone. A Map is a few words: pass it by value.
type Map struct {
	root       *node // nil when empty
	family     *family
	generation uint32
}

// family is what all versions that may share nodes have in common.
type family struct {
	source NodeSource // nil for maps that live in memory alone
	// hashing is held while computed references are published. Versions share nodes, so two
	// goroutines may want the hash of the same one.
	hashing  sync.Mutex
	resumers resumers // used under hashing as well
}

// Open returns the map with the given root, whose nodes are loaded from source when they
// are first needed. It reads nothing itself. To start an empty map that will be saved,
// pass EmptyRoot.
func Open(root codec.Hash, source NodeSource) Map {
	m := Map{family: &family{source: source}}
	if root != EmptyRoot {
		m.root = newStub(root[:], 0)
	}
	return m
}

// PathOf returns where a key lives in the map: its keccak256.
func PathOf(key []byte) codec.Hash {
	e := encoders.Get().(*encoder)
	defer encoders.Put(e)
	return e.keccak(key)
}

// Get returns the value of a key; ok tells whether there is one. The value belongs to the
// map and must not be changed. err is a *NodeError.
func (m Map) Get(key []byte) (value []byte, ok bool, err error) { return m.GetAt(PathOf(key)) }

// Put returns a map in which key has the value, which is copied. Errors are ErrEmptyValue,
// ErrValueTooLarge and *NodeError.
func (m Map) Put(key, value []byte) (Map, error) { return m.PutAt(PathOf(key), value) }

// Delete returns a map without key; that of an absent key is the same map. err is a *NodeError.
func (m Map) Delete(key []byte) (Map, error) { return m.DeleteAt(PathOf(key)) }

// GetAt is Get for a caller that knows the PathOf the key, and so saves hashing it again.
func (m Map) GetAt(path codec.Hash) (value []byte, ok bool, err error) {
	for n, depth := m.root, 0; n != nil; depth++ {
		n.touch(m.generation)
		c, err := m.family.content(n, &path, depth)
		if err != nil {
			return nil, false, err
		}
		if c.kids == nil {
			if string(c.data[:hashSize]) != string(path[:]) {
				return nil, false, nil
			}
			return c.data[hashSize:len(c.data):len(c.data)], true, nil
		}
		if commonPrefix(&path, depth, c.data) < len(c.data) {
			return nil, false, nil
		}
		depth += len(c.data)
		n = c.kids[nibble(path[:], depth)]
	}
	return nil, false, nil
}

// PutAt is Put for a caller that knows the PathOf the key. Other paths unbalance the map.
func (m Map) PutAt(path codec.Hash, value []byte) (Map, error) {
	if len(value) == 0 {
		return m, ErrEmptyValue
	}
	if len(value) > MaxValueSize {
		return m, fmt.Errorf("%w: %d bytes, at most %d", ErrValueTooLarge, len(value), MaxValueSize)
	}
	e := edit{family: m.family, generation: m.generation, path: &path, value: value}
	if e.family == nil {
		e.family = new(family)
	}
	root, err := e.put(m.root, 0)
	if err != nil {
		return m, err
	}
	return Map{root: root, family: e.family, generation: m.generation}, nil
}

// DeleteAt is Delete for a caller that knows the PathOf the key.
func (m Map) DeleteAt(path codec.Hash) (Map, error) {
	e := edit{family: m.family, generation: m.generation, path: &path}
	root, err := e.remove(m.root, 0)
	if err != nil {
		return m, err
	}
	return Map{root: root, family: m.family, generation: m.generation}, nil
}

// Root returns the hash that commits to all entries. It hashes the nodes that no Root,
// Unsaved, Prove or Trim of this or an older version has hashed yet, and remembers it.
func (m Map) Root() codec.Hash {
	if m.root == nil {
		return EmptyRoot
	}
	m.ensureHashed()
	return codec.Hash(m.root.ref)
}

// ensureHashed gives every node of m its reference. That of the root is always a hash: with
// paths of 64 nibbles no root encodes to fewer than 32 bytes.
func (m Map) ensureHashed() {
	if m.root == nil || m.root.has(hashed) {
		return
	}
	m.family.hashing.Lock()
	defer m.family.hashing.Unlock()
	e := encoders.Get().(*encoder)
	defer e.release()
	m.family.hash(e, m.root, 0, topPosition)
}

// hash computes and publishes the references of n and of all below it that have none.
// The caller holds f.hashing. position is that of n among the resumers, or maxPosition.
func (f *family) hash(e *encoder, n *node, depth, position int) {
	if n.has(hashed) {
		return
	}
	if n.kids == nil || len(n.data) > 0 {
		position = maxPosition // a leaf, or an extension: only plain branches are resumed
	}
	for i, kid := range n.kidsIn(n.dirty) {
		f.hash(e, kid, depth+len(n.data)+1, min(16*position+i, maxPosition))
	}
	inner, outer := e.encode(content{n.data, n.kids}, depth)
	if outer != nil {
		inner = outer
	}
	if position < maxPosition {
		f.resumers.at(position).keccak(e.sponge, inner, &e.sum)
		n.publish(e.sum[:])
		return
	}
	var buf [hashSize]byte
	n.publish(e.reference(inner, &buf))
}

// edit is one change of one entry on its way down the tree.
type edit struct {
	family     *family
	generation uint32
	path       *codec.Hash
	value      []byte
}

// put returns the node that replaces n, which is at the given depth: n itself if nothing changes.
func (e *edit) put(n *node, depth int) (*node, error) {
	if n == nil {
		return newLeaf(e.path, e.value, e.generation), nil
	}
	c, err := e.family.content(n, e.path, depth)
	if err != nil {
		return nil, err
	}
	if c.kids == nil {
		return e.putLeaf(n, c, depth), nil
	}
	same := commonPrefix(e.path, depth, c.data)
	if same < len(c.data) {
		return e.splitPrefix(n, c, depth, same), nil
	}
	depth += same
	x := nibble(e.path[:], depth)
	kid, err := e.put(c.kids[x], depth+1)
	if err != nil {
		return nil, err
	}
	if kid == c.kids[x] {
		n.touch(e.generation)
		return n, nil
	}
	return e.replaceKid(n, c, x, kid), nil
}

// putLeaf gives a leaf a new value, or makes a branch of it and a leaf of another path.
func (e *edit) putLeaf(n *node, c content, depth int) *node {
	if string(c.data[:hashSize]) == string(e.path[:]) {
		if bytes.Equal(c.data[hashSize:], e.value) {
			n.touch(e.generation)
			return n
		}
		return newLeaf(e.path, e.value, e.generation)
	}
	fork := depth
	for nibble(c.data, fork) == nibble(e.path[:], fork) {
		fork++
	}
	b := newBranch(nibbles(c.data, depth, fork), e.generation)
	b.setFresh(nibble(c.data, fork), n.moved(c.data, nil))
	b.setFresh(nibble(e.path[:], fork), newLeaf(e.path, e.value, e.generation))
	return b
}

// splitPrefix puts a branch in the middle of the prefix of branch n.
func (e *edit) splitPrefix(n *node, c content, depth, at int) *node {
	b := newBranch(c.data[:at:at], e.generation)
	b.setFresh(c.data[at], n.moved(c.data[at+1:], c.kids))
	b.setFresh(nibble(e.path[:], depth+at), newLeaf(e.path, e.value, e.generation))
	return b
}

// replaceKid copies branch n with another child, which may be nil.
func (e *edit) replaceKid(n *node, c content, x byte, kid *node) *node {
	b := newBranch(c.data, e.generation)
	*b.kids = *c.kids
	b.fresh, b.dirty = n.freshKids(), n.dirtyKids()
	b.setFresh(x, kid)
	return b
}

func (n *node) setFresh(x byte, kid *node) {
	n.kids[x] = kid
	n.fresh |= 1 << x
	n.dirty |= 1 << x
}

// moved is n at another depth, where it has another encoding. data and kids replace those of n.
func (n *node) moved(data []byte, kids *[16]*node) *node {
	return &node{data: data, kids: kids, fresh: n.freshKids(), dirty: n.dirtyKids(), touched: n.lastTouched()}
}

// remove returns what replaces n: nil if nothing is left, n itself if the path has no entry.
func (e *edit) remove(n *node, depth int) (*node, error) {
	if n == nil {
		return nil, nil
	}
	n.touch(e.generation)
	c, err := e.family.content(n, e.path, depth)
	if err != nil {
		return nil, err
	}
	if c.kids == nil {
		if string(c.data[:hashSize]) == string(e.path[:]) {
			return nil, nil
		}
		return n, nil
	}
	if commonPrefix(e.path, depth, c.data) < len(c.data) {
		return n, nil
	}
	depth += len(c.data)
	x := nibble(e.path[:], depth)
	kid, err := e.remove(c.kids[x], depth+1)
	if err != nil {
		return nil, err
	}
	if kid == c.kids[x] {
		return n, nil
	}
	if kid == nil {
		if y, single := onlyOther(c.kids, x); single {
			return e.collapse(c, y, depth)
		}
	}
	return e.replaceKid(n, c, x, kid), nil
}

// onlyOther returns the index of the one child besides x, if there is just one.
func onlyOther(kids *[16]*node, x byte) (y byte, single bool) {
	var set uint16
	for i, kid := range kids {
		if kid != nil && byte(i) != x {
			set |= 1 << i
		}
	}
	return byte(bits.TrailingZeros16(set)), bits.OnesCount16(set) == 1
}

// collapse replaces a branch by its only remaining child y: a leaf moves up as it is, the
// prefix of a branch grows. depth is that of the branch's own nibble.
func (e *edit) collapse(c content, y byte, depth int) (*node, error) {
	kid := c.kids[y]
	kc, err := e.family.content(kid, withNibble(e.path, depth, y), depth+1)
	if err != nil {
		return nil, err
	}
	if kc.kids == nil {
		return kid.moved(kc.data, nil), nil
	}
	prefix := make([]byte, 0, len(c.data)+1+len(kc.data))
	prefix = append(append(append(prefix, c.data...), y), kc.data...)
	return kid.moved(prefix, kc.kids), nil
}
