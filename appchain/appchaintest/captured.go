package appchaintest

import (
	"context"
	"sync"

	"github.com/trinebridge/trine/appchain"
	"github.com/trinebridge/trine/gossip"
	"github.com/trinebridge/trine/internal/memnet"
)

// Captured is a network that keeps the handlers, so that they can be called one by one.
// What is published goes nowhere, and nobody answers. The maps may be read when whoever
// registers handlers has done so; Topic may be called at any time.
type Captured struct {
	mu     sync.Mutex
	Topics map[string]gossip.Handler
	Served map[string]gossip.RequestHandler
}

// NewCaptured returns a network without handlers.
func NewCaptured() *Captured {
	return &Captured{Topics: map[string]gossip.Handler{}, Served: map[string]gossip.RequestHandler{}}
}

// Publish drops the message.
func (c *Captured) Publish(context.Context, string, []byte) error { return nil }

// Subscribe keeps the handler, also after it was cancelled.
func (c *Captured) Subscribe(topic string, handle func(context.Context, string, []byte) appchain.Verdict) (func(), error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.Topics[topic] = handle
	return func() {}, nil
}

// Topic returns the handler of a topic, or nil if there is none yet.
func (c *Captured) Topic(name string) gossip.Handler {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.Topics[name]
}

// Serve keeps the handler, also after it was cancelled.
func (c *Captured) Serve(protocol string, _ int, handle func(context.Context, string, []byte) ([]byte, error)) (func(), error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.Served[protocol] = handle
	return func() {}, nil
}

// Request finds nobody.
func (c *Captured) Request(context.Context, string, string, []byte, int) ([]byte, error) {
	return nil, memnet.ErrUnreachable
}

// Peers returns none.
func (c *Captured) Peers(string) []string { return nil }
