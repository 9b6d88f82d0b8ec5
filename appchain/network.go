package appchain

import (
	"context"
	"errors"
	"fmt"

	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/gossip"
	"github.com/trinebridge/trine/gossip/wire"
)

// Verdict is what a handler of gossip says about a message.
type Verdict = gossip.Verdict

// The verdicts; see package gossip.
const (
	Accept = gossip.Accept
	Ignore = gossip.Ignore
	Reject = gossip.Reject
)

// network is what the app chain needs of a *gossip.Host. Peers are named by opaque strings.
type network interface {
	// Publish sends a message to everybody who listens to the topic.
	Publish(ctx context.Context, topic string, message []byte) error
	// Subscribe hands every message of a topic to handle, from several goroutines, until
	// cancel is called. The bytes are valid during the call.
	Subscribe(topic string, handle func(ctx context.Context, from string, message []byte) Verdict) (cancel func(), err error)
	// Request asks one peer and returns its answer of at most limit bytes.
	Request(ctx context.Context, peer, protocol string, request []byte, limit int) ([]byte, error)
	// Serve answers requests of at most limit bytes until cancel is called.
	Serve(protocol string, limit int, handle func(ctx context.Context, from string, request []byte) ([]byte, error)) (cancel func(), err error)
	// Peers returns the connected peers that speak a protocol.
	Peers(protocol string) []string
}

var _ network = (*gossip.Host)(nil)

// The gossip topics, each with one kind of message of gossip/wire.
const (
	TopicTransactions = gossip.TopicTransactions // ledger.Transaction
	TopicBlocks       = gossip.TopicBlocks       // wire.Blocks
	TopicAttestations = gossip.TopicAttestations // wire.Attestation
	TopicApprovals    = gossip.TopicApprovals    // wire.Vote
	TopicAcks         = gossip.TopicAcks         // wire.Ack
	TopicNotices      = gossip.TopicNotices      // wire.Notice
	TopicAlerts       = gossip.TopicAlerts       // wire.Evidence
)

// ProtocolBlocks asks a peer for blocks: a [BlocksRequest] is answered by a wire.Blocks.
const ProtocolBlocks = "/trine/blocks/1"

// BlocksRequest asks for blocks from a height on.
type BlocksRequest struct{ From uint64 }

// Borsh implements codec.Record.
func (m *BlocksRequest) Borsh(c *codec.Codec) { c.Uint64(&m.From) }

// blocksRequestSize is the length of every request for blocks.
const blocksRequestSize = 8

// subscriptions collects what must be cancelled when a role stops.
type subscriptions struct {
	cancels []func()
	err     error
}

func (s *subscriptions) add(cancel func(), err error) {
	if err != nil {
		s.err = errors.Join(s.err, err)
		return
	}
	s.cancels = append(s.cancels, cancel)
}

func (s *subscriptions) cancel() {
	for _, cancel := range s.cancels {
		cancel()
	}
}

// Serve answers peers that ask for blocks or where the node stands, and takes evidence against the processor from
// gossip, until cancel is called. Every node does so, whatever its role.
func (n *Node) Serve(net network) (cancel func(), err error) {
	var s subscriptions
	s.add(net.Serve(ProtocolBlocks, blocksRequestSize, func(_ context.Context, _ string, request []byte) ([]byte, error) {
		return n.answerBlocks(request)
	}))
	s.add(net.Serve(ProtocolStanding, standingRequestSize, func(ctx context.Context, _ string, request []byte) ([]byte, error) {
		return n.answerStanding(ctx, request)
	}))
	s.add(net.Subscribe(TopicAlerts, func(ctx context.Context, from string, message []byte) Verdict {
		return n.hearAlert(ctx, from, message)
	}))
	if s.err != nil {
		s.cancel()
		return nil, fmt.Errorf("appchain: %w", s.err)
	}
	return s.cancel, nil
}

func (n *Node) answerBlocks(request []byte) ([]byte, error) {
	var r BlocksRequest
	if err := codec.Unmarshal(request, &r, blocksRequestSize); err != nil {
		return nil, fmt.Errorf("request for blocks: %w", err)
	}
	if r.From == 0 {
		return nil, errors.New("request for blocks from height 0; heights start at 1")
	}
	message, _, err := n.EncodedBlocks(r.From)
	return message, err
}

func (n *Node) hearAlert(ctx context.Context, from string, message []byte) Verdict {
	var claim wire.Evidence
	if err := codec.Unmarshal(message, &claim, wire.MaxSmall); err != nil {
		n.log.Debug("alert refused", "peer", from, "error", err)
		return Reject
	}
	proof, err := n.judge(&claim)
	if err != nil {
		n.log.Debug("alert refused", "peer", from, "error", err)
		return Ignore
	}
	if proof == nil {
		// A single header proves something only to who has executed its parent; let it
		// travel on to them.
		return Accept
	}
	if _, err := n.accuse(ctx, *proof); err != nil {
		n.log.Error("evidence could not be stored", "error", err)
	}
	return Accept
}
