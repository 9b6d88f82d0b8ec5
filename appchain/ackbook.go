package appchain

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/gossip/wire"
	"github.com/trinebridge/trine/signing"
	"github.com/trinebridge/trine/validators"
)

// AckBook knows which members acknowledged which blocks of this node's chain. It keeps
// two entries per member, so its memory is bounded by the sizes of the groups.
type AckBook struct {
	node *Node
	net  network
	log  *slog.Logger

	mu      sync.Mutex
	members map[signing.Address]*memberAcks
	changed chan struct{}
}

// memberAcks is what a member has acknowledged: the highest block that this node has
// executed too, and the newest claim about one that it has not.
type memberAcks struct {
	height uint64
	ahead  wire.Ack // height 0: none
}

// NewAckBook returns an empty book. What is said before its Run or while it does not run
// comes again: members repeat their acknowledgements while an action waits for them.
func NewAckBook(node *Node, net network, log *slog.Logger) *AckBook {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &AckBook{node: node, net: net, log: log, members: map[signing.Address]*memberAcks{}, changed: make(chan struct{})}
}

// Run collects acknowledgements from gossip until ctx is done.
func (b *AckBook) Run(ctx context.Context) error {
	cancel, err := b.net.Subscribe(TopicAcks, func(_ context.Context, from string, message []byte) Verdict {
		return b.hear(from, message)
	})
	if err != nil {
		return fmt.Errorf("acknowledgements: %w", err)
	}
	defer cancel()
	for {
		changed := b.node.Changed()
		b.settle()
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		}
	}
}

func (b *AckBook) hear(from string, message []byte) Verdict {
	var ack wire.Ack
	if err := codec.Unmarshal(message, &ack, wire.MaxSmall); err != nil {
		b.log.Debug("acknowledgement refused", "peer", from, "error", err)
		return Reject
	}
	if err := b.Add(ack); err != nil {
		b.log.Debug("acknowledgement refused", "peer", from, "error", err)
		return Ignore
	}
	return Accept
}

// errOtherChain is an acknowledgement of a block that this node's chain does not have.
var errOtherChain = errors.New("acknowledged block is not on this node's chain")

// Add verifies an acknowledgement and enters it. An error says why it does not count.
func (b *AckBook) Add(ack wire.Ack) error {
	if ack.Height == 0 {
		return errors.New("acknowledgement of height 0; heights start at 1")
	}
	set, err := b.node.View().Validators()
	if err != nil {
		return err
	}
	member, err := ack.Signature.RecoverAddress(bridgecontracts.AckDigest(b.node.genesis, ack.Height, ack.Block))
	if err != nil {
		return fmt.Errorf("acknowledgement of block %d: %w", ack.Height, err)
	}
	if !set.Has(validators.Listeners, member) && !set.Has(validators.Approvers, member) {
		return fmt.Errorf("acknowledgement of block %d is by %s, who is no listener or approver", ack.Height, member)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	m := b.members[member]
	if m == nil {
		m = &memberAcks{}
		b.members[member] = m
	}
	if ack.Height > b.node.Height() {
		if ack.Height >= m.ahead.Height {
			m.ahead = ack
		}
		return nil
	}
	return b.enter(member, m, ack)
}

// enter counts an acknowledgement of a block that this node has.
func (b *AckBook) enter(member signing.Address, m *memberAcks, ack wire.Ack) error {
	if ack.Height <= m.height {
		return nil
	}
	own, err := b.node.Block(ack.Height)
	if err != nil {
		return err
	}
	if hash := own.Header.Hash(); hash != ack.Block {
		return fmt.Errorf("%w: %s has acknowledged block %d as %s, here it is %s", errOtherChain, member, ack.Height, ack.Block, hash)
	}
	m.height = ack.Height
	close(b.changed)
	b.changed = make(chan struct{})
	return nil
}

// settle counts what was ahead of this node and is not any more.
func (b *AckBook) settle() {
	b.mu.Lock()
	defer b.mu.Unlock()
	height := b.node.Height()
	for member, m := range b.members {
		if m.ahead.Height == 0 || m.ahead.Height > height {
			continue
		}
		ack := m.ahead
		m.ahead = wire.Ack{}
		if err := b.enter(member, m, ack); err != nil {
			b.log.Warn("acknowledgement does not count", "error", err)
		}
	}
}

// Changed returns a channel that is closed when a member's acknowledgement counts anew.
func (b *AckBook) Changed() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.changed
}

// Acknowledged returns the highest block that a listener quorum and an approver quorum of
// the current set have acknowledged, itself or by a later one; 0 if there is none.
func (b *AckBook) Acknowledged() (uint64, error) {
	set, err := b.node.View().Validators()
	if err != nil {
		return 0, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	lowest := ^uint64(0)
	for _, group := range []validators.Group{validators.Listeners, validators.Approvers} {
		heights := make([]uint64, 0, len(set.Members(group)))
		for _, member := range set.Members(group) {
			if m := b.members[member]; m != nil {
				heights = append(heights, m.height)
			}
		}
		quorum := set.Quorum(group)
		if quorum == 0 || len(heights) < quorum {
			return 0, nil
		}
		slices.Sort(heights)
		lowest = min(lowest, heights[len(heights)-quorum])
	}
	return lowest, nil
}
