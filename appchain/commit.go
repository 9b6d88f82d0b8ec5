package appchain

import (
	"context"
	"fmt"

	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/store"
)

// Commit makes a run of blocks durable in one step and then shows it: the blocks, their
// logs, the index of transactions, and the Merkle nodes that the last state reaches. The
// run begins on the head. On an error nothing of it is shown; whoever executed it begins
// again from [Node.Head] after opening the store anew.
func (n *Node) Commit(ctx context.Context, run []Executed) error {
	if len(run) == 0 {
		return nil
	}
	n.writing.Lock()
	defer n.writing.Unlock()
	if err := checkRun(n.head.Load(), run); err != nil {
		return fmt.Errorf("appchain: commit: %w", err)
	}
	batch := n.kv.NewBatch()
	var buf []byte
	for i := range run {
		height := run[i].Block.Header.Height
		buf = codec.Append(buf[:0], &run[i].Block)
		batch.Put(numberKey(prefixBlock, height), buf)
		buf = codec.Append(buf[:0], &run[i].Log)
		batch.Put(numberKey(prefixLog, height), buf)
		batch.Put(hashKey(prefixTx, run[i].Block.Header.TxHash), numberKey(nil, height))
	}
	last := &run[len(run)-1]
	if err := putNodes(batch, last.State); err != nil {
		return fmt.Errorf("appchain: commit: state of block %d: %w", last.Block.Header.Height, err)
	}
	if err := batch.Commit(ctx, store.Sync); err != nil {
		return fmt.Errorf("appchain: commit of blocks %d to %d: %w", run[0].Block.Header.Height, last.Block.Header.Height, err)
	}
	last.State.Framework.MarkSaved()
	last.State.App.MarkSaved()
	n.head.Store(&Head{Header: last.Block.Header, Hash: last.Hash, State: last.State})
	n.wake()
	return nil
}

// checkRun refuses a run that does not continue the head: a slip of the caller that would
// tear the chain.
func checkRun(h *Head, run []Executed) error {
	height, parent := h.Header.Height, h.Hash
	for i := range run {
		header := &run[i].Block.Header
		if header.Height != height+1 || header.Parent != parent {
			return fmt.Errorf("block %d with parent %s does not follow block %d, %s", header.Height, header.Parent, height, parent)
		}
		height, parent = header.Height, run[i].Hash
	}
	return nil
}
