// Package memnet is a gossip network inside one process, for tests that want many nodes,
// a clock of their own or faults on demand.
//
// It promises that everybody hears what anybody publishes, in no particular order and
// each message in a goroutine of its own, as from a real network; and that a host that
// is cut off hears, says, asks and answers nothing.
//
// V is the type of the verdict that a handler returns about a message; what it says is ignored.
package memnet

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
)

// Network connects its hosts with each other.
type Network[V any] struct {
	mu       sync.Mutex
	hosts    []*Host[V]
	delivery sync.WaitGroup
	ctx      context.Context
	stop     context.CancelFunc
}

// Host is one participant.
type Host[V any] struct {
	net    *Network[V]
	name   string
	cut    bool
	topics map[string][]*handler[V]
	served map[string]*server
}

type handler[V any] struct {
	handle func(context.Context, string, []byte) V
}

type server struct {
	limit  int
	handle func(context.Context, string, []byte) ([]byte, error)
}

// ErrUnreachable is the answer to a request that finds no host.
var ErrUnreachable = errors.New("peer is unreachable")

// New returns a network without hosts. Close ends it.
func New[V any]() *Network[V] {
	ctx, stop := context.WithCancel(context.Background())
	return &Network[V]{ctx: ctx, stop: stop}
}

// Close drops what is under way and waits for the handlers that run.
func (n *Network[V]) Close() {
	n.stop()
	n.delivery.Wait()
}

// Host adds a participant.
func (n *Network[V]) Host(name string) *Host[V] {
	n.mu.Lock()
	defer n.mu.Unlock()
	h := &Host[V]{net: n, name: name, topics: map[string][]*handler[V]{}, served: map[string]*server{}}
	n.hosts = append(n.hosts, h)
	return h
}

// Cut takes the host off the network, or puts it back.
func (h *Host[V]) Cut(off bool) {
	h.net.mu.Lock()
	defer h.net.mu.Unlock()
	h.cut = off
}

// Publish hands a message to every other host that listens to the topic.
func (h *Host[V]) Publish(_ context.Context, topic string, message []byte) error {
	message = slices.Clone(message)
	h.net.mu.Lock()
	defer h.net.mu.Unlock()
	if h.cut || h.net.ctx.Err() != nil {
		return nil
	}
	for _, other := range h.net.hosts {
		if other == h || other.cut {
			continue
		}
		for _, s := range other.topics[topic] {
			h.net.delivery.Go(func() { s.handle(h.net.ctx, h.name, message) })
		}
	}
	return nil
}

// Subscribe hands every message of a topic to handle until cancel is called.
func (h *Host[V]) Subscribe(topic string, handle func(ctx context.Context, from string, message []byte) V) (cancel func(), err error) {
	h.net.mu.Lock()
	defer h.net.mu.Unlock()
	s := &handler[V]{handle}
	h.topics[topic] = append(h.topics[topic], s)
	return func() {
		h.net.mu.Lock()
		defer h.net.mu.Unlock()
		h.topics[topic] = slices.DeleteFunc(h.topics[topic], func(o *handler[V]) bool { return o == s })
	}, nil
}

// Serve answers requests until cancel is called.
func (h *Host[V]) Serve(protocol string, limit int, handle func(ctx context.Context, from string, request []byte) ([]byte, error)) (cancel func(), err error) {
	h.net.mu.Lock()
	defer h.net.mu.Unlock()
	if h.served[protocol] != nil {
		return nil, fmt.Errorf("%s is served already", protocol)
	}
	h.served[protocol] = &server{limit, handle}
	return func() {
		h.net.mu.Lock()
		defer h.net.mu.Unlock()
		delete(h.served, protocol)
	}, nil
}

// Request asks one host.
func (h *Host[V]) Request(ctx context.Context, peer, protocol string, request []byte, limit int) ([]byte, error) {
	s := h.find(peer, protocol)
	if s == nil {
		return nil, fmt.Errorf("%s: %w", peer, ErrUnreachable)
	}
	if len(request) > s.limit {
		return nil, fmt.Errorf("request has %d bytes, at most %d", len(request), s.limit)
	}
	answer, err := s.handle(ctx, h.name, slices.Clone(request))
	if err == nil && len(answer) > limit {
		err = fmt.Errorf("answer of %s has %d bytes, at most %d", peer, len(answer), limit)
	}
	return answer, err
}

func (h *Host[V]) find(peer, protocol string) *server {
	h.net.mu.Lock()
	defer h.net.mu.Unlock()
	for _, other := range h.net.hosts {
		if other.name == peer && !h.cut && !other.cut {
			return other.served[protocol]
		}
	}
	return nil
}

// Peers returns the other hosts that serve a protocol.
func (h *Host[V]) Peers(protocol string) (peers []string) {
	h.net.mu.Lock()
	defer h.net.mu.Unlock()
	for _, other := range h.net.hosts {
		if other != h && !h.cut && !other.cut && other.served[protocol] != nil {
			peers = append(peers, other.name)
		}
	}
	return peers
}
