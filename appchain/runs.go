package appchain

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/gossip/wire"
	"github.com/trinebridge/trine/ledger"
)

// decodeRun returns the blocks of a gossiped message, a chain whose end the processor has
// signed. It returns none for a run that this node has: old blocks carry good signatures, so
// anybody can play them back for ever, and they must cost next to nothing. Any other
// block of a height that this node has is returned, because it may be evidence.
func (n *Node) decodeRun(message []byte) ([]ledger.Block, error) {
	if n.holds(message) {
		return nil, nil
	}
	var m wire.Blocks
	if err := codec.Unmarshal(message, &m, wire.MaxBlocksSize); err != nil {
		return nil, err
	}
	if err := checkLinks(m.Blocks); err != nil {
		return nil, err
	}
	last := signedHeader(&m.Blocks[len(m.Blocks)-1])
	known, err := n.has(&last.Header)
	if known || err != nil {
		return nil, err // with the last block all before it are known, which lead to it
	}
	return m.Blocks, n.checkSigned(&last)
}

// holds reports whether a message is a run of this node's durable blocks, byte for byte. It
// decodes, hashes and checks nothing.
func (n *Node) holds(message []byte) bool {
	// wire.Blocks begins with the number of blocks, a header with the genesis hash and the height.
	const heightAt = 4 + len(codec.Hash{})
	if len(message) < heightAt+8 {
		return false
	}
	count, from := uint64(binary.LittleEndian.Uint32(message)), binary.LittleEndian.Uint64(message[heightAt:])
	if newest := n.Height(); count == 0 || count > wire.MaxBlocks || from == 0 || from > newest || count > newest-from+1 {
		return false
	}
	rest := message[4:]
	for own, err := range n.encodedBlocks(from, int(count)) { // at most MaxBlocks
		if err != nil || !bytes.HasPrefix(rest, own) {
			return false // an error of the store comes up again where the blocks are compared
		}
		rest = rest[len(own):]
	}
	return len(rest) == 0
}

// has reports whether this node has the block of a header.
func (n *Node) has(h *ledger.Header) (bool, error) {
	if h.Height == 0 || h.Height > n.Height() {
		return false, nil
	}
	own, err := n.Block(h.Height)
	return err == nil && own.Header == *h, err
}

// checkLinks reports why blocks are no chain.
func checkLinks(blocks []ledger.Block) error {
	if len(blocks) == 0 {
		return errors.New("a message without blocks")
	}
	for i := 1; i < len(blocks); i++ {
		above, below := &blocks[i].Header, &blocks[i-1].Header
		if above.Height != below.Height+1 || above.Parent != below.Hash() {
			return fmt.Errorf("block %d does not follow block %d before it", above.Height, below.Height)
		}
	}
	return nil
}

// compare returns the part of a run above the head. A block below it that is not the one
// which this node has executed is proof, if the processor signed it.
func (n *Node) compare(run []ledger.Block) (fresh []ledger.Block, proof *wire.Evidence, err error) {
	height := n.Height()
	for i := range run {
		h := signedHeader(&run[i])
		if h.Header.Height > height {
			return run[i:], nil, nil
		}
		if known, err := n.has(&h.Header); known || err != nil {
			if err != nil {
				return nil, nil, err
			}
			continue
		}
		proof, err := n.judge(&wire.Evidence{First: h})
		if err != nil {
			n.log.Debug("block refused", "height", h.Header.Height, "error", err)
			return nil, nil, nil
		}
		if proof != nil {
			return nil, proof, nil
		}
	}
	return nil, nil, nil
}
