package merkle

import (
	"sync/atomic"

	"github.com/trinebridge/trine/codec"
)

// Unsaved calls visit for every node of m that is not marked as saved, children before
// parents, with its hash and its encoding, which is valid only during the call. A node may
// be visited again in a later version although a store has it: writing is idempotent.
// An error of visit ends the walk and is returned as it is. Nothing is marked: call
// MarkSaved on the same m once everything is durable.
func (m Map) Unsaved(visit func(hash codec.Hash, encoding []byte) error) error {
	if m.root == nil {
		return nil
	}
	m.ensureHashed()
	e := encoders.Get().(*encoder)
	defer e.release()
	return e.visitUnsaved(m.root, 0, visit)
}

func (e *encoder) visitUnsaved(n *node, depth int, visit func(codec.Hash, []byte) error) error {
	if n.has(saved) {
		return nil
	}
	for _, kid := range n.kidsIn(n.fresh) {
		if err := e.visitUnsaved(kid, depth+len(n.data)+1, visit); err != nil {
			return err
		}
	}
	if len(n.reference()) < hashSize {
		return nil // embedded in its parent
	}
	inner, outer := e.encode(content{n.data, n.kids}, depth)
	if outer == nil {
		return visit(codec.Hash(n.ref), inner)
	}
	if len(inner) >= hashSize {
		if err := visit(e.keccak(inner), inner); err != nil {
			return err
		}
	}
	return visit(codec.Hash(n.ref), outer)
}

// MarkSaved records that the nodes of m are durable in the node source: no Unsaved visits
// them again, Trim may drop them. Other versions that share them see the marks too. Call it
// only when everything that Unsaved visited on this m is durable.
func (m Map) MarkSaved() {
	if m.root == nil {
		return
	}
	m.ensureHashed() // saved nodes are hashed: see node.fresh
	markSaved(m.root)
}

func markSaved(n *node) {
	if n.has(saved) {
		return
	}
	for _, kid := range n.kidsIn(n.fresh) {
		markSaved(kid)
	}
	atomic.OrUint32(&n.state, saved) // after the children: the mark covers all below
}

// Trim ends a generation and returns m with every saved node reduced to its hash that was
// last touched before the keep newest generations, the one that ends here included: Trim(1)
// keeps what was used since the last Trim, Trim(0) nothing that is saved. Entries and root
// stay the same. It walks the nodes in memory, so its cost is theirs, and it does nothing
// for a map without a node source. Trim after MarkSaved: what it has to copy of unsaved
// nodes is visited again by Unsaved.
func (m Map) Trim(keep uint32) Map {
	if m.root == nil || m.family.source == nil {
		return m
	}
	m.ensureHashed()
	m.root = trim(m.root, keep, m.generation)
	m.generation++
	return m
}

func trim(n *node, keep, generation uint32) *node {
	state := atomic.LoadUint32(&n.state)
	if state&absent != 0 || state>>refShift < hashSize {
		return n // nothing to drop; what is embedded lives and dies with its parent
	}
	touched := n.lastTouched()
	if state&saved != 0 && touched+keep <= generation {
		return newStub(n.ref[:], touched)
	}
	if n.kids == nil {
		return n
	}
	var kids *[16]*node
	for i, kid := range n.kids {
		if kid == nil {
			continue
		}
		if small := trim(kid, keep, generation); small != kid {
			if kids == nil {
				kids = new(*n.kids)
			}
			kids[i] = small
		}
	}
	if kids == nil {
		return n
	}
	return &node{state: state &^ filling, touched: touched, fresh: n.fresh, ref: n.ref, data: n.data, kids: kids}
}
