package gossip

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/peer"
)

// newRouter returns GossipSub, set up for a small network of named members.
func newRouter(ctx context.Context, r *run, topics []string) (*pubsub.PubSub, error) {
	largest := 0
	for _, t := range r.byWireName {
		largest = max(largest, t.MaxSize)
	}
	router, err := pubsub.NewGossipSub(ctx, r.host,
		pubsub.WithMessageSignaturePolicy(pubsub.StrictSign),
		pubsub.WithMessageIdFn(messageID),
		// Twice the time in which a message may arrive, so that no copy outlives its memory.
		pubsub.WithSeenMessagesTTL(2*MaxAge),
		pubsub.WithMaxMessageSize(largest+64<<10),
		pubsub.WithSubscriptionFilter(pubsub.NewAllowlistSubscriptionFilter(topics...)),
		pubsub.WithAppSpecificRpcInspector(r.inspect),
		// In a small network the one hop that this saves is most of the way.
		pubsub.WithFloodPublish(true),
		pubsub.WithPeerExchange(false),
		pubsub.WithPeerOutboundQueueSize(256),
		pubsub.WithValidateQueueSize(256),
		pubsub.WithPeerScore(scoring(r.conduct, topics)),
		// What matters is said by this package, in its own words.
		pubsub.WithLogger(slog.New(slog.DiscardHandler)),
		pubsub.WithRPCLogger(slog.New(slog.DiscardHandler)),
	)
	if err != nil {
		return nil, fmt.Errorf("start GossipSub: %w", err)
	}
	return router, nil
}

// scoring is moderate: nobody earns anything, an honest peer stays at zero, and who
// misbehaves comes back within minutes of stopping.
func scoring(c *conduct, topics []string) (*pubsub.PeerScoreParams, *pubsub.PeerScoreThresholds) {
	params := &pubsub.PeerScoreParams{
		SkipAtomicValidation: true,
		Topics:               map[string]*pubsub.TopicScoreParams{},
		// What this package has seen, in streams too.
		AppSpecificScore:  func(id peer.ID) float64 { return -c.penalty(id) },
		AppSpecificWeight: 1,
		// GossipSub's own: broken promises and regrafting too early.
		BehaviourPenaltyWeight:    -10,
		BehaviourPenaltyThreshold: 6,
		BehaviourPenaltyDecay:     pubsub.ScoreParameterDecay(10 * time.Minute),
		DecayInterval:             pubsub.DefaultDecayInterval,
		DecayToZero:               pubsub.DefaultDecayToZero,
		RetainScore:               10 * time.Minute,
	}
	for _, name := range topics {
		params.Topics[name] = &pubsub.TopicScoreParams{
			SkipAtomicValidation: true,
			TopicWeight:          1,
			// Divided by even though its weight is zero.
			TimeInMeshQuantum: time.Second,
			// Counted for everybody who delivered an invalid message, the second one too,
			// and for messages without a proper signature.
			InvalidMessageDeliveriesWeight: -5,
			InvalidMessageDeliveriesDecay:  pubsub.ScoreParameterDecay(5 * time.Minute),
		}
	}
	return params, &pubsub.PeerScoreThresholds{
		SkipAtomicValidation: true,
		GossipThreshold:      -50,
		PublishThreshold:     -100,
		GraylistThreshold:    -200,
	}
}

const (
	// Bounds on what waits to be sent.
	maxOutgoing      = 4096
	maxOutgoingBytes = 32 << 20
)

// outgoing is a message that waits to be sent, with its round.
type outgoing struct {
	topic     string
	enveloped []byte
}

// outbox is a bounded queue.
type outbox struct {
	queue chan outgoing
	mu    sync.Mutex
	bytes int
}

func newOutbox() *outbox { return &outbox{queue: make(chan outgoing, maxOutgoing)} }

// put reports whether there was room.
func (o *outbox) put(m outgoing) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.bytes+len(m.enveloped) > maxOutgoingBytes {
		return false
	}
	select {
	case o.queue <- m:
		o.bytes += len(m.enveloped)
		return true
	default:
		return false
	}
}

func (o *outbox) sent(m outgoing) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.bytes -= len(m.enveloped)
}

// send signs and sends what is in the outbox until ctx is done.
func (r *run) send(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case m := <-r.outbox.queue:
			err := r.topics[m.topic].handle.Publish(ctx, m.enveloped)
			r.outbox.sent(m)
			switch {
			case err == nil:
				r.events.Published(m.topic, len(m.enveloped)-roundSize)
			case ctx.Err() == nil:
				r.events.Dropped(m.topic, "not sent")
				r.log.Warn("gossip: message not sent", "topic", m.topic, "err", err)
			}
		}
	}
}
