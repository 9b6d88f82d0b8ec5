package chaintest

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/codec"
)

// Fault is a way in which an endpoint goes wrong. The first ones can be seen by whoever
// looks at that endpoint alone; Lie cannot.
type Fault uint8

// The faults.
const (
	// Healthy: none.
	Healthy Fault = iota
	// Down: every call is refused.
	Down
	// Hang: no call returns before its context ends.
	Hang
	// Garbage: answers that are not of the protocol.
	Garbage
	// Oversized: answers without end.
	Oversized
	// Throttled: every call is told that there were too many.
	Throttled
	// WrongChain: the endpoint belongs to another chain.
	WrongChain
	// DropEvent: lists of events lack one in the middle.
	DropEvent
	// DropLastEvent: lists of events lack the last one.
	DropLastEvent
	// DuplicateEvent: lists of events have one twice.
	DuplicateEvent
	// ReorderEvents: lists of events come in reverse.
	ReorderEvents
	// RangeLimit: events are listed for a few blocks at a time only. A good adapter copes.
	RangeLimit
	// ForkInReads: the chain is reorganised each time events are listed, before the answer.
	ForkInReads
	// Lie: a false history that is consistent in itself, with the true block hashes.
	Lie
)

var faultNames = [...]string{"healthy", "down", "hang", "garbage", "oversized", "throttled", "wrong chain", "drop an event", "drop the last event",
	"duplicate an event", "reorder events", "range limit", "fork in reads", "lie"}

// String returns the fault's name.
func (f Fault) String() string { return faultNames[min(int(f), int(Lie))] }

// Endpoint is one way to reach a [Chain]. It can be spoiled at any time.
type Endpoint struct {
	chain *Chain
	name  string

	mu    sync.Mutex
	fault Fault
	lag   uint64
	calls map[string]int
}

// Endpoint returns a healthy endpoint of the chain.
func (c *Chain) Endpoint(name string) *Endpoint {
	return &Endpoint{chain: c, name: name, calls: map[string]int{}}
}

// Name returns the endpoint's name.
func (e *Endpoint) Name() string { return e.name }

// Spoil gives the endpoint a fault from now on; Healthy heals it.
func (e *Endpoint) Spoil(f Fault) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.fault = f
}

// Lag hides the newest n blocks.
func (e *Endpoint) Lag(n uint64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.lag = n
}

// Calls returns how often a method ("Head", "Events", …) was called.
func (e *Endpoint) Calls(method string) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.calls[method]
}

// enter counts a call and plays the faults that concern every call.
func (e *Endpoint) enter(ctx context.Context, method string) (Fault, error) {
	e.mu.Lock()
	e.calls[method]++
	fault := e.fault
	e.mu.Unlock()
	switch fault {
	case Down:
		return fault, errors.New("connection refused")
	case Hang:
		<-ctx.Done()
		return fault, ctx.Err()
	case Garbage, Oversized:
		return fault, errors.New("the answer is not of the protocol")
	case Throttled:
		return fault, errors.New("too many requests")
	case WrongChain:
		return fault, chain.Errorf(chain.Fatal, "the endpoint is of chain other:1, want %s", e.chain.config.ChainID)
	}
	return fault, ctx.Err()
}

// view runs fn on the blocks that the endpoint shows.
func (e *Endpoint) view(fn func(blocks []*block) error) error {
	e.mu.Lock()
	lag := e.lag
	e.mu.Unlock()
	e.chain.mu.Lock()
	defer e.chain.mu.Unlock()
	blocks := e.chain.blocks
	return fn(blocks[:len(blocks)-int(min(lag, uint64(len(blocks)-1)))])
}

// pinned returns the block if it is canonical.
func pinned(blocks []*block, at chain.Block) (*block, error) {
	if at.Number >= uint64(len(blocks)) {
		return nil, chain.Errorf(chain.Retry, "block %s is not known here, the newest is %s", at, blocks[len(blocks)-1].Block)
	}
	if b := blocks[at.Number]; b.Hash == at.Hash {
		return b, nil
	}
	return nil, chain.Errorf(chain.Rewind, "block %s is not canonical, %s is", at, blocks[at.Number].Block)
}

// located lists the events of the blocks in order, as a node lists logs.
func located(blocks []*block) (out []chain.LocatedEvent) {
	for _, b := range blocks {
		for _, t := range b.transactions {
			for _, e := range t.events {
				out = append(out, chain.LocatedEvent{Event: e, Tx: t.id, Block: b.Number})
			}
		}
	}
	return out
}

// spoilEvents does to a list of events what the fault says.
func spoilEvents(f Fault, events []chain.LocatedEvent) []chain.LocatedEvent {
	if len(events) == 0 {
		return events
	}
	middle := len(events) / 2
	switch f {
	case DropEvent:
		return slices.Delete(events, middle, middle+1)
	case DropLastEvent:
		return events[:len(events)-1]
	case DuplicateEvent:
		return slices.Insert(events, middle, events[middle])
	case ReorderEvents:
		slices.Reverse(events)
	case Lie:
		for i := range events {
			events[i].Event = falsified(events[i].Event)
		}
	}
	return events
}

// falsified doubles what a deposit brought and passes on everything else.
func falsified(e bridgecontracts.Event) bridgecontracts.Event {
	d, ok := e.Body.(*bridgecontracts.Deposited)
	if !ok {
		return e
	}
	lie := *d
	lie.Amount.Add(new(uint256.Int).Add(&d.Amount, uint256.NewInt(1)), &d.Amount)
	return bridgecontracts.Event{ID: e.ID, Body: &lie}
}

// falseHead is the head of the falsified history.
func (e *Endpoint) falseHead(blocks []*block) codec.Hash {
	head := bridgecontracts.FirstHead(e.chain.domain)
	for _, l := range located(blocks) {
		event := falsified(l.Event)
		head = bridgecontracts.NextHead(head, &event)
	}
	return head
}
