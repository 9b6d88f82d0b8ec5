package gossip

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"sync"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/peer"
)

// Verdict is what a handler says about a message.
type Verdict uint8

// The verdicts.
const (
	// Accept: the message is good; it is relayed.
	Accept Verdict = iota
	// Ignore: it is not relayed, and whoever sent it is not blamed.
	Ignore
	// Reject: no honest peer sends or relays it; whoever sent it is blamed.
	Reject
)

// String returns the verdict's name, for metrics.
func (v Verdict) String() string {
	switch v {
	case Accept:
		return "accept"
	case Ignore:
		return "ignore"
	}
	return "reject"
}

// Handler takes a message of a topic from the peer that relayed it, who need not be who made
// it. It is called from several goroutines, returns soon, and neither changes nor keeps the
// bytes.
type Handler = func(ctx context.Context, from string, message []byte) Verdict

// handlerTimeout is when a handler's context ends.
const handlerTimeout = 5 * time.Second

// roundSize is the length of the round in front of every message, in bytes.
const roundSize = 4

// subscription is one handler of a topic.
type subscription struct{ handler Handler }

// Subscribe hands every message of a topic to the handler until cancel is called. A topic
// may have several handlers: one that rejects outweighs one that accepts, and that one
// outweighs one that ignores. Messages that this host publishes are not handed to it.
func (h *Host) Subscribe(topic string, handler Handler) (cancel func(), err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, ok := h.conduct.topics[topic]; !ok {
		return nil, fmt.Errorf("gossip: there is no topic %q", topic)
	}
	s := &subscription{handler}
	h.handlers[topic] = append(h.handlers[topic], s)
	h.updateTopic(topic)
	return sync.OnceFunc(func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		// A new list, because deliveries under way walk the old one.
		var kept []*subscription
		for _, other := range h.handlers[topic] {
			if other != s {
				kept = append(kept, other)
			}
		}
		h.handlers[topic] = kept
		h.updateTopic(topic)
	}), nil
}

// updateTopic joins the topic's mesh when there is a handler, and leaves it when there is
// none: what nobody here judges is not relayed. The caller holds mu.
func (h *Host) updateTopic(topic string) {
	if h.run == nil {
		return
	}
	if err := h.run.topics[topic].relayIf(len(h.handlers[topic]) > 0); err != nil {
		h.settings.Log.Error("gossip: topic cannot be joined", "topic", topic, "err", err)
	}
}

// topicRun is a topic during a run.
type topicRun struct {
	Topic
	handle  *pubsub.Topic
	workers chan struct{}
	leave   pubsub.RelayCancelFunc // nil while the topic is not relayed
}

// relayIf joins or leaves the mesh. The caller holds the host's mu.
func (t *topicRun) relayIf(wanted bool) (err error) {
	switch {
	case wanted && t.leave == nil:
		t.leave, err = t.handle.Relay()
	case !wanted && t.leave != nil:
		t.leave()
		t.leave = nil
	}
	return err
}

// Publish sends a message to everybody who listens to the topic. It does not wait: a message
// that does not fit the queue is refused with ErrBusy. The bytes must not change afterwards.
func (h *Host) Publish(ctx context.Context, topic string, message []byte) error {
	t, ok := h.conduct.topics[topic]
	if !ok {
		return fmt.Errorf("gossip: there is no topic %q", topic)
	}
	if len(message) == 0 || len(message) > t.MaxSize {
		return fmt.Errorf("gossip: message of %d bytes on topic %s, which takes 1 to %d", len(message), topic, t.MaxSize)
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("gossip: publish on %s: %w", topic, err)
	}
	r := h.current()
	if r == nil {
		return fmt.Errorf("gossip: publish on %s: %w", topic, ErrNotRunning)
	}
	enveloped := append(binary.BigEndian.AppendUint32(make([]byte, 0, roundSize+len(message)), round(h.settings.Now())), message...)
	if !r.outbox.put(outgoing{topic, enveloped}) {
		h.settings.Events.Dropped(topic, "outbox full")
		return fmt.Errorf("gossip: publish on %s: %w", topic, ErrBusy)
	}
	return nil
}

// round returns the number of the round that t lies in.
func round(t time.Time) uint32 {
	return uint32(t.Unix() / int64(RoundLength/time.Second)) // wraps in the 23rd century
}

// timely reports whether a message of this round may arrive at t.
func timely(messageRound uint32, t time.Time) bool {
	const most = int64(MaxAge / RoundLength)
	apart := int64(messageRound) - int64(round(t))
	return -most <= apart && apart <= most
}

// messageID names a message by topic, round and content, whoever sent it.
func messageID(m *pb.Message) string {
	hash := sha256.New()
	hash.Write([]byte(m.GetTopic()))
	hash.Write([]byte{0})
	hash.Write(m.GetData())
	return string(hash.Sum(nil))
}

// inspect runs before anything else looks at what a peer has sent. It takes out messages
// that are too large or too many, before their signatures are checked and before they
// count as seen: so an offending peer cannot keep others from delivering the same message.
func (r *run) inspect(from peer.ID, rpc *pubsub.RPC) error {
	kept := rpc.Publish[:0]
	for _, m := range rpc.Publish {
		t, ok := r.byWireName[m.GetTopic()]
		size := len(m.GetData())
		switch {
		case !ok:
		case size <= roundSize || size > roundSize+t.MaxSize:
			r.events.Dropped(t.Name, "size")
			r.conduct.blame(from, r.addressOf(from), deedOversized, fmt.Sprintf("%d bytes on topic %s", size, t.Name))
		case !r.conduct.allows(from, t.Name, size):
			r.events.Dropped(t.Name, "rate")
			r.conduct.blame(from, r.addressOf(from), deedFlood, "topic "+t.Name)
		default:
			kept = append(kept, m)
		}
	}
	rpc.Publish = kept
	return nil
}

// validate runs for every message that is new and properly signed, in one of the topic's
// places. GossipSub drops what finds no place.
func (r *run) validate(t *topicRun) func(context.Context, peer.ID, *pubsub.Message) pubsub.ValidationResult {
	return func(ctx context.Context, from peer.ID, m *pubsub.Message) pubsub.ValidationResult {
		if from == r.host.ID() {
			return pubsub.ValidationAccept
		}
		if !r.enter() {
			return pubsub.ValidationIgnore
		}
		defer r.tasks.Done()
		content := m.GetData()[roundSize:]
		if !timely(binary.BigEndian.Uint32(m.GetData()), r.owner.settings.Now()) {
			r.events.Dropped(t.Name, "age")
			if r.conduct.first(from, remarkAge) {
				r.log.Warn("gossip: messages come from another time and are dropped: compare this clock with the peer's, or with that of whoever it relays for", "peer", from.String(), "topic", t.Name)
			}
			return pubsub.ValidationIgnore
		}
		select {
		case t.workers <- struct{}{}:
			defer func() { <-t.workers }()
		case <-ctx.Done():
			r.events.Dropped(t.Name, "waited too long")
			return pubsub.ValidationIgnore
		}
		verdict := r.owner.judge(ctx, t.Name, from.String(), content)
		r.events.Received(t.Name, len(content), verdict)
		switch verdict {
		case Accept:
			return pubsub.ValidationAccept
		case Reject:
			r.conduct.blame(from, r.addressOf(from), deedRejected, fmt.Sprintf("%d bytes on topic %s", len(content), t.Name))
			return pubsub.ValidationReject
		}
		return pubsub.ValidationIgnore
	}
}

// judge asks all handlers of a topic.
func (h *Host) judge(ctx context.Context, topic, from string, message []byte) Verdict {
	h.mu.Lock()
	subscriptions := h.handlers[topic]
	h.mu.Unlock()
	verdict := Ignore
	for _, s := range subscriptions {
		switch s.handler(ctx, from, message) {
		case Reject:
			return Reject
		case Accept:
			verdict = Accept
		case Ignore:
		}
	}
	return verdict
}
