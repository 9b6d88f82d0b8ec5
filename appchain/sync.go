package appchain

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/gossip/wire"
	"github.com/trinebridge/trine/ledger"
)

// catchUp asks peers for blocks until none has more. A peer that hangs, lies or has
// nothing is left for another one. Its error is one of this machine.
func (f *Follower) catchUp(ctx context.Context) error {
	peers := f.Network.Peers(ProtocolBlocks)
	rand.Shuffle(len(peers), func(i, j int) { peers[i], peers[j] = peers[j], peers[i] })
	for _, peer := range peers {
		if err := f.syncFrom(ctx, peer); err != nil {
			return err
		}
		if ctx.Err() != nil || f.Node.Compromised() {
			return nil
		}
		if f.Lag() == 0 && f.Node.Height() > 0 {
			return nil
		}
	}
	return nil
}

// answer is what a peer sent, or why it did not.
type answer struct {
	blocks []ledger.Block
	err    error
}

// syncFrom takes blocks from one peer until it has no more. While a run is executed the
// next one is on its way.
func (f *Follower) syncFrom(ctx context.Context, peer string) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	next := f.ask(ctx, peer, f.Node.Height()+1)
	for {
		a := <-next
		if a.err != nil {
			if ctx.Err() == nil {
				f.Log.Debug("peer gave no blocks", "peer", peer, "error", a.err)
			}
			return nil
		}
		if len(a.blocks) == 0 {
			return nil
		}
		end := a.blocks[len(a.blocks)-1].Header.Height
		next = f.ask(ctx, peer, end+1)
		if err := f.take(ctx, a.blocks); err != nil && !errors.Is(err, errGap) {
			return err
		}
		if f.Node.Height() < end {
			return nil // the peer lied, or the processor did
		}
	}
}

func (f *Follower) ask(ctx context.Context, peer string, from uint64) <-chan answer {
	result := make(chan answer, 1)
	go func() {
		ctx, stop := context.WithTimeout(ctx, f.RequestTimeout)
		defer stop()
		blocks, err := f.request(ctx, peer, from)
		result <- answer{blocks, err}
	}()
	return result
}

func (f *Follower) request(ctx context.Context, peer string, from uint64) ([]ledger.Block, error) {
	data, err := f.Network.Request(ctx, peer, ProtocolBlocks, codec.Marshal(&BlocksRequest{From: from}), wire.MaxBlocksSize)
	if err != nil {
		return nil, err
	}
	var m wire.Blocks
	if err := codec.Unmarshal(data, &m, wire.MaxBlocksSize); err != nil {
		return nil, err
	}
	if len(m.Blocks) > 0 && m.Blocks[0].Header.Height != from {
		return nil, fmt.Errorf("asked for blocks from %d on, got %d", from, m.Blocks[0].Header.Height)
	}
	if len(m.Blocks) > 0 {
		// A lie is noticed before anything is executed.
		if err := checkLinks(m.Blocks); err != nil {
			return nil, err
		}
		last := signedHeader(&m.Blocks[len(m.Blocks)-1])
		if err := f.Node.checkSigned(&last); err != nil {
			return nil, err
		}
	}
	return m.Blocks, nil
}
