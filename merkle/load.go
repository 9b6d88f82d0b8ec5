package merkle

import (
	"encoding/hex"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/trinebridge/trine/codec"
)

// NodeSource gives back the encodings that Unsaved handed out. It must be safe for
// concurrent use where the maps opened on it are used concurrently.
type NodeSource interface {
	// Node returns the encoding whose keccak256 is hash. For a node that it does not have,
	// its error wraps ErrMissing. The caller does not keep or change the bytes.
	Node(hash codec.Hash) ([]byte, error)
}

var (
	// ErrMissing says that a node source or a proof has no node of a hash.
	ErrMissing = errors.New("node is missing")
	// ErrHashMismatch says that a node source or a proof returned other bytes than asked for.
	ErrHashMismatch = errors.New("bytes do not have the expected hash")
)

// NodeError says which node of a map could not be loaded. It wraps the node source's own
// error, ErrMissing, ErrHashMismatch or ErrEncoding.
type NodeError struct {
	Hash codec.Hash // of the node
	Path string     // nibbles from the root to the node, as hex digits
	Err  error
}

func (e *NodeError) Error() string {
	return fmt.Sprintf("merkle: node %s at path %q: %v", e.Hash, e.Path, e.Err)
}

func (e *NodeError) Unwrap() error { return e.Err }

// content returns that of n, which lies at the first depth nibbles of path. What had to be
// loaded is kept in n, for all versions that share it.
func (f *family) content(n *node, path *codec.Hash, depth int) (content, error) {
	if !n.has(absent) {
		return content{n.data, n.kids}, nil
	}
	c, err := f.load(n, path, depth)
	if err != nil {
		return content{}, err
	}
	if atomic.OrUint32(&n.state, filling)&filling == 0 {
		n.data, n.kids = c.data, c.kids
		atomic.AndUint32(&n.state, ^absent)
	}
	return c, nil
}

// peek is content for those who will not come back soon: nothing is kept.
func (f *family) peek(n *node, path *codec.Hash, depth int) (content, error) {
	if !n.has(absent) {
		return content{n.data, n.kids}, nil
	}
	return f.load(n, path, depth)
}

func (f *family) load(n *node, path *codec.Hash, depth int) (content, error) {
	hash := codec.Hash(n.ref)
	p, err := f.fetch(hash, depth)
	if err == nil && p.shape == extensionShape && len(p.refs[0]) == hashSize {
		return f.loadExtended(&p, path, depth)
	}
	if err != nil {
		return content{}, &NodeError{Hash: hash, Path: pathString(path, depth), Err: err}
	}
	return build(&p, path, depth), nil
}

// loadExtended loads the branch behind an extension.
func (f *family) loadExtended(ext *parsed, path *codec.Hash, depth int) (content, error) {
	prefix, path := ext.prefixNibbles(), withPrefix(path, depth, ext)
	depth += len(prefix)
	hash := codec.Hash(ext.refs[0])
	p, err := f.fetch(hash, depth)
	if err == nil && p.shape != branchShape {
		err = fmt.Errorf("%w: child of an extension is no branch", ErrEncoding)
	}
	if err != nil {
		return content{}, &NodeError{Hash: hash, Path: pathString(path, depth), Err: err}
	}
	return content{data: prefix, kids: build(&p, path, depth).kids}, nil
}

func (f *family) fetch(hash codec.Hash, depth int) (p parsed, err error) {
	encoding, err := f.source.Node(hash)
	if err != nil {
		return p, err
	}
	if PathOf(encoding) != hash {
		return p, fmt.Errorf("%w: %d bytes from the node source", ErrHashMismatch, len(encoding))
	}
	return parse(encoding, depth)
}

// build makes the content of a parsed node, all of which is saved by definition.
func build(p *parsed, path *codec.Hash, depth int) content {
	switch p.shape {
	case leafShape:
		full := withPrefix(path, depth, p)
		return content{data: append(append(make([]byte, 0, hashSize+len(p.value)), full[:]...), p.value...)}
	case extensionShape:
		prefix := p.prefixNibbles()
		branch, _ := parse(p.refs[0], depth+len(prefix)) // embedded, and checked with its parent
		return content{data: prefix, kids: build(&branch, withPrefix(path, depth, p), depth+len(prefix)).kids}
	}
	var kids [16]*node
	for i, ref := range p.refs {
		switch {
		case ref == nil:
		case len(ref) == hashSize:
			kids[i] = newStub(ref, 0)
		default:
			kids[i] = buildEmbedded(ref, withNibble(path, depth, byte(i)), depth+1)
		}
	}
	return content{kids: &kids}
}

// buildEmbedded makes a node that is part of its parent's encoding.
func buildEmbedded(encoding []byte, path *codec.Hash, depth int) *node {
	p, _ := parse(encoding, depth) // checked with its parent
	c := build(&p, path, depth)
	n := &node{state: hashed | saved | uint32(len(encoding))<<refShift, data: c.data, kids: c.kids}
	copy(n.ref[:], encoding)
	return n
}

// prefixNibbles returns the nibbles of a leaf's or an extension's path.
func (p *parsed) prefixNibbles() []byte {
	out := make([]byte, p.prefixLen())
	for i := range out {
		out[i] = p.prefixNibble(i)
	}
	return out
}

// withPrefix returns a copy of path with the nibbles of p from depth on.
func withPrefix(path *codec.Hash, depth int, p *parsed) *codec.Hash {
	out := *path
	for i := range p.prefixLen() {
		setNibble(&out, depth+i, p.prefixNibble(i))
	}
	return &out
}

func pathString(path *codec.Hash, depth int) string {
	return hex.EncodeToString(path[:])[:depth]
}
