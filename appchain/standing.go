package appchain

import (
	"context"
	"fmt"

	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/gossip/wire"
	"github.com/trinebridge/trine/ledger"
	"github.com/trinebridge/trine/signing"
	"github.com/trinebridge/trine/store"
)

// ProtocolStanding asks a peer where it stands: a [StandingRequest] is answered by a wire.Standing.
const ProtocolStanding = "/trine/standing/1"

// StandingRequest asks where a node stands. Its challenge is random, so that an answer to an
// earlier one cannot be played back.
type StandingRequest struct{ Challenge codec.Hash }

// Borsh implements codec.Record.
func (m *StandingRequest) Borsh(c *codec.Codec) { c.Hash(&m.Challenge) }

// standingRequestSize is the length of every request for a standing.
const standingRequestSize = 32

// answerStanding says where the node stands. A member's node, which has a signer, signs it.
func (n *Node) answerStanding(ctx context.Context, request []byte) ([]byte, error) {
	var r StandingRequest
	if err := codec.Unmarshal(request, &r, standingRequestSize); err != nil {
		return nil, fmt.Errorf("request for a standing: %w", err)
	}
	if n.Compromised() {
		return nil, ErrCompromised // who asks hears the evidence by gossip
	}
	var s wire.Standing
	if height := n.Height(); height > 0 {
		b, err := n.Block(height)
		if err != nil {
			return nil, err
		}
		tip := signedHeader(&b)
		s.Tip = &tip
	}
	if n.signer != nil {
		signature, err := n.signer.Sign(ctx, signing.Statement{
			Slot: signing.Slot{Kind: signing.KindAlert, Scope: n.genesis}, Digest: s.Digest(n.genesis, r.Challenge),
		})
		if err != nil {
			return nil, fmt.Errorf("sign where this node stands: %w", err)
		}
		s.Signature = &signature
	}
	return codec.Marshal(&s), nil
}

// Claimed returns the highest block that this node was shown to be signed by the processor
// without having it, as a processor is that lost blocks; height 0 if there is none above the head.
func (n *Node) Claimed() ledger.Header {
	if c := n.claimed.Load(); c != nil && c.Header.Height > n.Height() {
		return c.Header
	}
	return ledger.Header{}
}

func (n *Node) loadClaim() error {
	data, ok, err := n.kv.Get(keyClaim)
	if err != nil || !ok {
		return err
	}
	claim := new(wire.SignedHeader)
	if err := codec.Unmarshal(data, claim, len(data)); err != nil {
		return store.Corruptf("claim of a block: %w", err)
	}
	n.claimed.Store(claim)
	return nil
}

// weigh takes a header that somebody showed to the processor. One below the head that is
// not this node's own, and one that contradicts an earlier claim, are evidence. One above the
// head is kept for good: no block of its height or below is made here, also after a restart.
// An error wraps errUnsigned for a header that is worth nothing, and is one of the store otherwise.
func (n *Node) weigh(ctx context.Context, h wire.SignedHeader) (*wire.Evidence, error) {
	if err := n.checkSigned(&h); err != nil {
		return nil, fmt.Errorf("%w: %w", errUnsigned, err)
	}
	if old := n.claimed.Load(); old != nil && old.Header.Height == h.Header.Height && old.Header != h.Header {
		return n.judge(&wire.Evidence{First: h, Second: old})
	}
	if h.Header.Height <= n.Height() {
		return n.judge(&wire.Evidence{First: h})
	}
	n.writing.Lock()
	defer n.writing.Unlock()
	if old := n.claimed.Load(); old != nil && old.Header.Height >= h.Header.Height {
		return nil, nil
	}
	n.claimed.Store(&h)
	batch := n.kv.NewBatch()
	batch.Put(keyClaim, codec.Marshal(&h))
	if err := batch.Commit(ctx, store.Sync); err != nil {
		return nil, fmt.Errorf("appchain: claim of block %d: %w", h.Header.Height, err)
	}
	return nil, nil
}

// Meet judges a gossiped run of blocks at the processor, who hears none but its own. It
// returns the height of a block that the processor's key has signed and this node does not
// have; 0 if there is none. What contradicts this node's blocks becomes evidence.
func (n *Node) Meet(ctx context.Context, from string, message []byte) (Verdict, uint64, error) {
	run, err := n.decodeRun(message)
	if err != nil {
		n.log.Debug("gossiped blocks refused", "peer", from, "error", err)
		return Reject, 0, nil
	}
	if len(run) == 0 {
		return Ignore, 0, nil
	}
	fresh, proof, err := n.compare(run)
	if err == nil && proof == nil && len(fresh) > 0 {
		proof, err = n.weigh(ctx, signedHeader(&fresh[len(fresh)-1]))
	}
	if err == nil && proof != nil {
		_, err = n.accuse(ctx, *proof)
	}
	if err != nil {
		return Ignore, 0, err
	}
	return Accept, n.Claimed().Height, nil
}
