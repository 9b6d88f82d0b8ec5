package merkle

import (
	"math/bits"
	"sync/atomic"

	"github.com/trinebridge/trine/codec"
)

const (
	pathNibbles = 64 // a path is a keccak256 hash, read as 64 nibbles
	hashSize    = 32
)

// The bits of node.state. A reference of a hashed node has state>>refShift bytes.
const (
	absent   uint32 = 1 << iota // only the reference is known, the content is in the node source
	filling                     // a goroutine has claimed the right to fill in the content
	hashed                      // ref is set
	saved                       // the node and everything below it are in the node source
	refShift = 8
)

// node is a leaf or a branch. Ethereum's extension node has no type of its own: a branch
// that is reached through an extension carries the extension's nibbles as its prefix, and
// the pair becomes two nodes only where it is encoded. (An extension is rare between hashed
// keys, and this leaves two shapes instead of three to every algorithm.)
//
// state and touched are only accessed with sync/atomic, except in a composite literal.
// They are plain integers so that a node can be built without atomic stores, which are
// what would cost most in building it. All other fields are constant once the node is
// reachable, apart from the following two:
//   - ref is written once, before the hashed bit is set, under family.hashing;
//   - data and kids of an absent node are written once by whoever set the filling bit,
//     before the absent bit is cleared.
type node struct {
	state   uint32
	touched uint32 // last generation in which this node was used
	// fresh has a bit for every child that may be unsaved, as seen when this node was made.
	// A child outside of it is saved, and so hashed. It spares looking at all 16 children.
	fresh uint16
	// dirty has one for every child that may lack its hash, likewise. It is part of fresh.
	dirty uint16
	// ref is how a parent refers to this node: the keccak256 of its encoding,
	// or the encoding itself where that is shorter than 32 bytes.
	ref  [hashSize]byte
	data []byte     // leaf: path ‖ value; branch: prefix, one nibble per byte, mostly empty
	kids *[16]*node // nil for a leaf; at least two are set
}

// content is what an absent node lacks: node.data and node.kids.
type content struct {
	data []byte
	kids *[16]*node
}

// newLeaf makes a leaf with a copy of value. Small ones, the bulk of a map, lie in one piece
// of memory with their data: half the objects to allocate, to find and to collect.
func newLeaf(path *codec.Hash, value []byte, generation uint32) *node {
	var n *node
	switch size := hashSize + len(value); {
	case size <= 80:
		leaf := new(struct {
			node
			space [80]byte
		})
		n, leaf.data = &leaf.node, leaf.space[:size]
	case size <= 112:
		leaf := new(struct {
			node
			space [112]byte
		})
		n, leaf.data = &leaf.node, leaf.space[:size]
	case size <= 176:
		leaf := new(struct {
			node
			space [176]byte
		})
		n, leaf.data = &leaf.node, leaf.space[:size]
	default:
		n = &node{data: make([]byte, size)}
	}
	n.touched = generation
	copy(n.data, path[:])
	copy(n.data[hashSize:], value)
	return n
}

// newBranch allocates a branch together with its children.
func newBranch(prefix []byte, generation uint32) *node {
	b := new(struct {
		node
		slots [16]*node
	})
	b.data, b.kids, b.touched = prefix, &b.slots, generation
	return &b.node
}

// newStub makes an absent node. hash must be that of a saved node.
func newStub(hash []byte, generation uint32) *node {
	n := &node{state: absent | hashed | saved | hashSize<<refShift, touched: generation}
	copy(n.ref[:], hash)
	return n
}

func (n *node) has(bits uint32) bool { return atomic.LoadUint32(&n.state)&bits == bits }

// reference returns the bytes by which a parent refers to n, which must be hashed.
func (n *node) reference() []byte { return n.ref[:atomic.LoadUint32(&n.state)>>refShift] }

// freshKids returns the children that a copy of n must regard as unsaved.
func (n *node) freshKids() uint16 {
	if n.has(saved) {
		return 0
	}
	return n.fresh
}

// dirtyKids returns the children that a copy of n must regard as not hashed.
func (n *node) dirtyKids() uint16 {
	if n.has(hashed) {
		return 0
	}
	return n.dirty
}

// touch notes the use of n. It mostly only reads, so that readers share the cache line.
func (n *node) touch(generation uint32) {
	if atomic.LoadUint32(&n.touched) < generation {
		atomic.StoreUint32(&n.touched, generation)
	}
}

// kidsIn yields the children of n whose bits are in set, with their nibbles.
func (n *node) kidsIn(set uint16) func(yield func(int, *node) bool) {
	return func(yield func(int, *node) bool) {
		for ; set != 0; set &= set - 1 {
			i := bits.TrailingZeros16(set)
			if kid := n.kids[i]; kid != nil && !yield(i, kid) {
				return
			}
		}
	}
}

func (n *node) lastTouched() uint32 { return atomic.LoadUint32(&n.touched) }

// publish makes ref the reference of n. The caller holds family.hashing.
func (n *node) publish(ref []byte) {
	copy(n.ref[:], ref)
	atomic.OrUint32(&n.state, hashed|uint32(len(ref))<<refShift)
}

// nibble returns the i-th half byte of a path, the high half of a byte first.
func nibble(path []byte, i int) byte {
	if i&1 == 0 {
		return path[i>>1] >> 4
	}
	return path[i>>1] & 15
}

// nibbles returns those of path from i up to j, one per byte.
func nibbles(path []byte, i, j int) []byte {
	if i == j {
		return nil
	}
	out := make([]byte, 0, j-i)
	for ; i < j; i++ {
		out = append(out, nibble(path, i))
	}
	return out
}

// withNibble returns a copy of path with its i-th nibble replaced.
func withNibble(path *codec.Hash, i int, x byte) *codec.Hash {
	out := *path
	setNibble(&out, i, x)
	return &out
}

func setNibble(path *codec.Hash, i int, x byte) {
	if i&1 == 0 {
		path[i>>1] = path[i>>1]&0x0f | x<<4
	} else {
		path[i>>1] = path[i>>1]&0xf0 | x
	}
}

// commonPrefix returns how many nibbles of prefix agree with path from depth on.
func commonPrefix(path *codec.Hash, depth int, prefix []byte) int {
	for i, x := range prefix {
		if nibble(path[:], depth+i) != x {
			return i
		}
	}
	return len(prefix)
}
