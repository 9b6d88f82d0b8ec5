package merkle

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/trinebridge/trine/codec"
)

// ErrSurplus marks a proof with more nodes than it takes to prove its key.
var ErrSurplus = errors.New("nodes are left over")

// Prove returns the encodings of the nodes on the way from the root to key, the root first:
// the form of eth_getProof. It proves the value of a key, or that it has none. The proof of
// an empty map is empty. err is a *NodeError.
func (m Map) Prove(key []byte) ([][]byte, error) { return m.ProveAt(PathOf(key)) }

// ProveAt is Prove for a caller that knows the PathOf the key.
func (m Map) ProveAt(path codec.Hash) ([][]byte, error) {
	m.ensureHashed()
	e := encoders.Get().(*encoder)
	defer e.release()
	var proof [][]byte
	add := func(encoding []byte) {
		if len(encoding) >= hashSize { // else it is part of its parent
			proof = append(proof, bytes.Clone(encoding))
		}
	}
	for n, depth := m.root, 0; n != nil; depth++ {
		n.touch(m.generation)
		c, err := m.family.content(n, &path, depth)
		if err != nil {
			return nil, err
		}
		inner, outer := e.encode(c, depth)
		if outer != nil {
			add(outer)
		}
		if c.kids == nil {
			add(inner)
			break
		}
		if commonPrefix(&path, depth, c.data) < len(c.data) {
			break
		}
		add(inner)
		depth += len(c.data)
		n = c.kids[nibble(path[:], depth)]
	}
	return proof, nil
}

// VerifyProof checks what a proof says about key in the map with the given root: its value,
// or that it has none (ok is false and err nil). It accepts exactly what Prove makes: errors
// are a *NodeError that wraps ErrMissing, ErrHashMismatch or ErrEncoding, or ErrSurplus.
// The work is bounded by the size of the proof, and at most 64 nodes of it are looked at.
// The value points into the proof.
func VerifyProof(root codec.Hash, key []byte, proof [][]byte) (value []byte, ok bool, err error) {
	return VerifyProofAt(root, PathOf(key), proof)
}

// VerifyProofAt is VerifyProof for a caller that knows the PathOf the key.
func VerifyProofAt(root, path codec.Hash, proof [][]byte) (value []byte, ok bool, err error) {
	v := verifier{path: &path, rest: proof}
	if root != EmptyRoot {
		value, err = v.walk(root)
	}
	if err != nil {
		return nil, false, err
	}
	if len(v.rest) > 0 {
		return nil, false, fmt.Errorf("merkle: proof of %d nodes: %w: %d", len(proof), ErrSurplus, len(v.rest))
	}
	return value, value != nil, nil
}

// verifier follows a path through the nodes of a proof.
type verifier struct {
	path *codec.Hash
	rest [][]byte // nodes not used yet
}

// walk returns the value at the path, nil for none.
func (v *verifier) walk(root codec.Hash) ([]byte, error) {
	ref, depth, wantBranch := root[:], 0, false
	for ref != nil {
		p, err := v.node(ref, depth)
		if err == nil && wantBranch && p.shape != branchShape {
			err = fmt.Errorf("%w: child of an extension is no branch", ErrEncoding)
		}
		if err != nil {
			var hash codec.Hash
			copy(hash[:], ref)
			return nil, &NodeError{Hash: hash, Path: pathString(v.path, depth), Err: err}
		}
		wantBranch = p.shape == extensionShape
		if p.shape == branchShape {
			ref = p.refs[nibble(v.path[:], depth)]
			depth++
			continue
		}
		for i := range p.prefixLen() {
			if p.prefixNibble(i) != nibble(v.path[:], depth+i) {
				return nil, nil
			}
		}
		if p.shape == leafShape {
			return p.value, nil
		}
		depth += p.prefixLen()
		ref = p.refs[0]
	}
	return nil, nil
}

// node parses the node of a reference: the next one of the proof, or an embedded one.
func (v *verifier) node(ref []byte, depth int) (p parsed, err error) {
	if len(ref) < hashSize {
		return parse(ref, depth)
	}
	if len(v.rest) == 0 {
		return p, fmt.Errorf("%w: the proof ends before it", ErrMissing)
	}
	encoding := v.rest[0]
	v.rest = v.rest[1:]
	if len(encoding) > maxNodeSize {
		return p, fmt.Errorf("%w: %d bytes, at most %d", ErrEncoding, len(encoding), maxNodeSize)
	}
	if PathOf(encoding) != codec.Hash(ref) {
		return p, fmt.Errorf("%w: %d bytes in the proof", ErrHashMismatch, len(encoding))
	}
	return parse(encoding, depth)
}
