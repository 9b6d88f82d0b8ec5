package appchain

import (
	"context"
	"errors"
	"fmt"

	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/gossip/wire"
	"github.com/trinebridge/trine/ledger"
	"github.com/trinebridge/trine/signing"
	"github.com/trinebridge/trine/store"
	"github.com/trinebridge/trine/validators"
)

// ErrCompromised says that the processor is proven to be hostile. Nobody signs anything
// for this app chain until it is replaced.
var ErrCompromised = errors.New("the processor of this app chain is proven hostile: sign nothing, and replace it")

// Compromised reports whether there is proof of a hostile processor, and survives a
// restart. Whoever signs asks it right before.
func (n *Node) Compromised() bool { return n.compromised.Load() != nil }

// Evidence returns the proof of a hostile processor, or nil.
func (n *Node) Evidence() *wire.Evidence { return n.compromised.Load() }

func (n *Node) loadEvidence() (*wire.Evidence, error) {
	data, ok, err := n.kv.Get(keyEvidence)
	if err != nil || !ok {
		return nil, err
	}
	var e wire.Evidence
	if err := codec.Unmarshal(data, &e, len(data)); err != nil {
		return nil, store.Corruptf("evidence: %w", err)
	}
	return &e, nil
}

// accuse keeps evidence that was checked. Two signed headers outrank one, which others
// may not be able to check; otherwise the first evidence stays. It reports whether this
// one is kept. Also when it cannot be written it counts in memory at once.
func (n *Node) accuse(ctx context.Context, e wire.Evidence) (bool, error) {
	n.writing.Lock()
	defer n.writing.Unlock()
	if old := n.compromised.Load(); old != nil && (old.Second != nil || e.Second == nil) {
		return false, nil
	}
	n.compromised.Store(&e)
	n.log.Error("processor is proven hostile; nothing more is signed", "height", e.First.Header.Height,
		"first", e.First.Header.Hash(), "two-blocks", e.Second != nil)
	batch := n.kv.NewBatch()
	batch.Put(keyEvidence, codec.Marshal(&e))
	if err := batch.Commit(ctx, store.Sync); err != nil {
		return true, fmt.Errorf("appchain: evidence: %w", err)
	}
	n.wake()
	return true, nil
}

// judge turns evidence that somebody sent into evidence that convinces this node: two
// headers of one height, the second of which may be its own block. Nil means that there
// is nothing to hold against the processor. An error says why the message is worth nothing.
func (n *Node) judge(e *wire.Evidence) (*wire.Evidence, error) {
	if err := n.checkSigned(&e.First); err != nil {
		return nil, err
	}
	first, own := &e.First, e.Second
	switch {
	case own != nil:
		if err := n.checkSigned(own); err != nil {
			return nil, err
		}
		if own.Header.Height != first.Header.Height {
			return nil, fmt.Errorf("evidence names blocks of heights %d and %d, which may both exist", first.Header.Height, own.Header.Height)
		}
		if own.Header.Hash() == first.Header.Hash() {
			return nil, fmt.Errorf("evidence names block %d twice", first.Header.Height)
		}
	case first.Header.Height > n.Height():
		return nil, nil // whoever sent it has executed what this node has not
	default:
		block, err := n.Block(first.Header.Height)
		if err != nil {
			return nil, err
		}
		if block.Header.Hash() == first.Header.Hash() {
			return nil, nil
		}
		own = &wire.SignedHeader{Header: block.Header, Signature: block.Signature}
	}
	return &wire.Evidence{First: *first, Second: own}, nil
}

// checkSigned reports why a header is none that this chain's processor signed.
func (n *Node) checkSigned(h *wire.SignedHeader) error {
	if h.Header.Genesis != n.genesis {
		return fmt.Errorf("block %d is of app chain %s, this is %s", h.Header.Height, h.Header.Genesis, n.genesis)
	}
	if h.Header.Height == 0 {
		return errors.New("a block has height 0; heights start at 1")
	}
	return n.checkProcessor(h.Header.Hash(), h.Signature, fmt.Sprintf("block %d", h.Header.Height))
}

// checkProcessor reports why a signature is not the current processor's.
func (n *Node) checkProcessor(digest codec.Hash, signature signing.Signature, what string) error {
	set, err := n.View().Validators()
	if err != nil {
		return err
	}
	signer, err := signature.RecoverAddress(digest)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if !set.Has(validators.Processor, signer) {
		return fmt.Errorf("%s is signed by %s, the processor is %s", what, signer, set.Processor)
	}
	return nil
}

func signedHeader(b *ledger.Block) wire.SignedHeader {
	return wire.SignedHeader{Header: b.Header, Signature: b.Signature}
}
