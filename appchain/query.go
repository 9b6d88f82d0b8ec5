package appchain

import (
	"context"
	"encoding/binary"
	"fmt"
	"iter"

	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/gossip/wire"
	"github.com/trinebridge/trine/ledger"
	"github.com/trinebridge/trine/store"
)

// Block returns the block of a height, or ErrNotFound.
func (n *Node) Block(height uint64) (ledger.Block, error) {
	var b ledger.Block
	err := n.record(prefixBlock, height, &b)
	return b, err
}

// LogAt returns the log of the block of a height, or ErrNotFound.
func (n *Node) LogAt(height uint64) (ledger.Log, error) {
	var l ledger.Log
	err := n.record(prefixLog, height, &l)
	return l, err
}

// record reads what is kept for a height that is durable.
func (n *Node) record(prefix []byte, height uint64, r codec.Record) error {
	if newest := n.Height(); height == 0 || height > newest {
		return fmt.Errorf("block %d: %w: blocks go from 1 to %d", height, ErrNotFound, newest)
	}
	data, ok, err := n.kv.Get(numberKey(prefix, height))
	if err == nil && !ok {
		err = store.Corruptf("%s%d is missing", prefix, height)
	}
	if err == nil {
		if err = codec.Unmarshal(data, r, len(data)); err != nil {
			err = store.Corruptf("%s%d: %w", prefix, height, err)
		}
	}
	return err
}

// Blocks returns up to limit blocks from a height on, none if there are none yet.
func (n *Node) Blocks(from uint64, limit int) ([]ledger.Block, error) {
	var blocks []ledger.Block
	for data, err := range n.encodedBlocks(from, limit) {
		if err != nil {
			return nil, err
		}
		var b ledger.Block
		if err := codec.Unmarshal(data, &b, len(data)); err != nil {
			return nil, store.Corruptf("block %d: %w", from+uint64(len(blocks)), err)
		}
		blocks = append(blocks, b)
	}
	return blocks, nil
}

// EncodedBlocks returns the Borsh bytes of a wire.Blocks with as many blocks from a
// height on as it may carry, and their number, without decoding any.
func (n *Node) EncodedBlocks(from uint64) (message []byte, count int, err error) {
	message = make([]byte, 4, 64<<10)
	for data, err := range n.encodedBlocks(from, wire.MaxBlocks) {
		if err != nil {
			return nil, 0, err
		}
		if len(message)+len(data) > wire.MaxBlocksSize {
			break
		}
		message = append(message, data...)
		count++
	}
	binary.LittleEndian.PutUint32(message, uint32(count)) // at most MaxBlocks
	return message, count, nil
}

// encodedBlocks yields the bytes of durable blocks from a height on; each is valid until the next step.
func (n *Node) encodedBlocks(from uint64, limit int) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		newest := n.Height()
		if from == 0 || from > newest || limit <= 0 {
			return
		}
		end := newest + 1
		if newest-from >= uint64(limit) {
			end = from + uint64(limit)
		}
		next := from
		for e, err := range n.kv.Ascend(numberKey(prefixBlock, from), numberKey(prefixBlock, end)) {
			if err == nil {
				var height uint64
				height, err = number(e.Key[len(prefixBlock):])
				if err == nil && height != next {
					err = store.Corruptf("block %d is missing", next)
				}
			}
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(e.Value, nil) {
				return
			}
			next++
		}
		if next != end {
			yield(nil, store.Corruptf("block %d is missing", next))
		}
	}
}

// TxState is what became of a transaction.
type TxState uint8

// The states.
const (
	// TxUnknown: it is in no block, and no notice says that it was dropped.
	TxUnknown TxState = iota
	// TxIncluded: it is in a durable block.
	TxIncluded
	// TxDropped: the processor's signed notice says why it was dropped.
	TxDropped
)

// String returns the state in a word, as the API shows it.
func (s TxState) String() string {
	switch s {
	case TxIncluded:
		return "included"
	case TxDropped:
		return "dropped"
	case TxUnknown:
	}
	return "unknown"
}

// TxStatus is what the node knows about a transaction.
type TxStatus struct {
	State TxState
	// Height of its block, if it is included.
	Height uint64
	// Notice of its being dropped, if it was.
	Notice *wire.Notice
}

// TxStatus returns what became of the transaction with a hash. A block counts more than
// a notice: what was dropped once may have come again.
func (n *Node) TxStatus(hash codec.Hash) (TxStatus, error) {
	data, ok, err := n.kv.Get(hashKey(prefixTx, hash))
	if err != nil {
		return TxStatus{}, err
	}
	if ok {
		height, err := number(data)
		if err != nil {
			return TxStatus{}, err
		}
		// The store shows a batch a moment before it is durable.
		if height <= n.Height() {
			return TxStatus{State: TxIncluded, Height: height}, nil
		}
		return TxStatus{}, nil
	}
	notice, err := n.Notice(hash)
	if err != nil || notice == nil {
		return TxStatus{}, err
	}
	return TxStatus{State: TxDropped, Notice: notice}, nil
}

// AwaitTx waits until a transaction is in a block or a notice says that it was dropped.
func (n *Node) AwaitTx(ctx context.Context, hash codec.Hash) (TxStatus, error) {
	for {
		changed := n.Changed()
		status, err := n.TxStatus(hash)
		if err != nil || status.State != TxUnknown {
			return status, err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return TxStatus{}, fmt.Errorf("transaction %s is in no block yet: %w", hash, ctx.Err())
		}
	}
}

// Update is a durable block with its log.
type Update struct {
	Block ledger.Block
	Log   ledger.Log
}

// Subscribe yields every durable block from a height on, in order and none left out,
// and waits for the next one at the head. It ends with an error from the store, or
// without one when ctx is done.
func (n *Node) Subscribe(ctx context.Context, from uint64) iter.Seq2[Update, error] {
	return func(yield func(Update, error) bool) {
		for next := max(from, 1); ; {
			changed := n.Changed()
			for ; next <= n.Height(); next++ {
				if ctx.Err() != nil {
					return
				}
				u, err := n.update(next)
				if !yield(u, err) || err != nil {
					return
				}
			}
			select {
			case <-changed:
			case <-ctx.Done():
				return
			}
		}
	}
}

func (n *Node) update(height uint64) (u Update, err error) {
	if u.Block, err = n.Block(height); err == nil {
		u.Log, err = n.LogAt(height)
	}
	return u, err
}
