package guard

import (
	"context"
	"encoding/binary"
	"fmt"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/signing"
	"github.com/trinebridge/trine/store"
)

// Descends reports whether the block that is to be acknowledged has the block of this
// lower height and hash among its ancestors. The caller answers it from blocks that it has
// executed itself. An error means that it cannot tell now.
type Descends func(height uint64, hash codec.Hash) (bool, error)

// Ack signs that the block of this height and hash, and so every block below it, was
// executed. The newest acknowledgement is on the disk before it is signed. A lower height,
// the same height with another hash, and a block that does not descend from the one
// acknowledged before are refused with an error that wraps signing.ErrDoubleSign: of two
// histories a member stands behind one. The newest acknowledgement itself may be signed again.
func (g *Guard) Ack(ctx context.Context, genesis codec.Hash, height uint64, hash codec.Hash, descends Descends) (signing.Signature, error) {
	slot := signing.Slot{Kind: signing.KindAck, Scope: genesis, ID: height}
	if hash.IsZero() {
		return signing.Signature{}, fmt.Errorf("guard: %w: %s: the block hash is zero", ErrNotGuarded, slot)
	}
	if err := g.advance(ctx, slot, hash, descends); err != nil {
		return signing.Signature{}, err
	}
	sig, err := g.signer.Sign(ctx, signing.Statement{Slot: slot, Digest: bridgecontracts.AckDigest(genesis, height, hash)})
	if err != nil {
		return signing.Signature{}, fmt.Errorf("guard: sign %s: %w", slot, err)
	}
	return sig, nil
}

// advance makes the block the newest that is acknowledged, if it may be.
func (g *Guard) advance(ctx context.Context, slot signing.Slot, hash codec.Hash, descends Descends) error {
	g.ackMu.Lock()
	defer g.ackMu.Unlock()
	newest, ok, err := g.newestAck(slot.Scope)
	if err != nil {
		return err
	}
	if ok {
		switch {
		case slot.ID == newest.height && hash == newest.hash:
			return nil
		case slot.ID <= newest.height:
			return fmt.Errorf("guard: %w: acknowledged block %d %s before, refused block %d %s",
				signing.ErrDoubleSign, newest.height, newest.hash, slot.ID, hash)
		}
		descended, err := descends(newest.height, newest.hash)
		if err != nil {
			return fmt.Errorf("guard: does block %d %s descend from block %d %s: %w", slot.ID, hash, newest.height, newest.hash, err)
		}
		if !descended {
			return fmt.Errorf("guard: %w: block %d %s does not descend from block %d %s, which was acknowledged before",
				signing.ErrDoubleSign, slot.ID, hash, newest.height, newest.hash)
		}
	}
	batch := g.kv.NewBatch()
	batch.Put(ackKey(slot.Scope), append(binary.BigEndian.AppendUint64(nil, slot.ID), hash[:]...))
	if err := batch.Commit(ctx, store.Sync); err != nil {
		return fmt.Errorf("guard: record %s: %w", slot, err)
	}
	return nil
}

type ack struct {
	height uint64
	hash   codec.Hash
}

func (g *Guard) newestAck(genesis codec.Hash) (ack, bool, error) {
	value, ok, err := g.kv.Get(ackKey(genesis))
	if err != nil {
		return ack{}, false, fmt.Errorf("guard: look up the newest acknowledgement: %w", err)
	}
	if !ok {
		return ack{}, false, nil
	}
	if len(value) != 8+32 {
		return ack{}, false, fmt.Errorf("guard: %w", store.Corruptf("the newest acknowledgement has %d bytes", len(value)))
	}
	return ack{binary.BigEndian.Uint64(value), codec.Hash(value[8:])}, true, nil
}

// Acknowledged returns the newest block of the app chain that was acknowledged with this
// key; ok is false when none was.
func (g *Guard) Acknowledged(genesis codec.Hash) (height uint64, hash codec.Hash, ok bool, err error) {
	g.ackMu.Lock()
	defer g.ackMu.Unlock()
	a, ok, err := g.newestAck(genesis)
	return a.height, a.hash, ok, err
}
