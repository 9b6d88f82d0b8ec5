package chaintest

import (
	"context"
	"errors"

	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/codec"
)

// TB is what a case of the suite needs of *testing.T.
type TB interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
	Logf(format string, args ...any)
	Cleanup(func())
	Context() context.Context
}

// ErrCannot is a World's answer to what its chain or its proxy cannot do. The case then
// asks for less, or passes.
var ErrCannot = errors.New("chaintest: this world cannot do that")

// Facts are what the suite must know about a World beforehand.
type Facts struct {
	// Finality is what cases ask for; Settle is how many blocks must be mined on top of a
	// block until it is settled by that.
	Finality chain.Finality
	Settle   int
	// Domain and SetHash are the bridge's.
	Domain  codec.Hash
	SetHash codec.Hash
	// Token is what Deposit deposits, one unit at a time.
	Token codec.Hash
	// History says that the state after an older block can be read. Without it, reads
	// at an older block may fail, though never answer with a newer state.
	History bool
	// Nonces says that the fee payer counts its transactions; without it attempts expire, after ExpiryBlocks blocks.
	Nonces       bool
	ExpiryBlocks int
}

// World is a chain with one bridge, fresh for one case, and one endpoint to reach it
// that can be spoiled. What the world itself does never goes through that endpoint.
type World interface {
	Facts() Facts
	// Source opens the bridge through the endpoint, anew each time.
	Source() (chain.Source, error)
	// Deposit makes n deposits of one unit, each by a transaction of its own, mines them
	// over several blocks and returns the transactions in order.
	Deposit(ctx context.Context, n int) (txs []string, err error)
	// Plain mines a transaction that succeeds and that the bridge has no part in.
	Plain(ctx context.Context) (tx string, err error)
	// Mine adds n blocks.
	Mine(ctx context.Context, n int) error
	// Fork replaces the newest depth blocks by depth+1 others; the deposits in them are gone.
	Fork(ctx context.Context, depth int) error
	// Spoil gives the endpoint a fault; Healthy heals it. No case asks for Lie.
	Spoil(f Fault) error
}

// SinkWorld is a World whose bridge takes deliveries.
type SinkWorld interface {
	World
	// Sink opens the bridge through the endpoint, anew each time; all pay from one account.
	Sink() (chain.Sink, error)
	// Rival is a sink with another fee payer, past the endpoint that can be spoiled.
	Rival() (chain.Sink, error)
	// Noop returns the sealed value action with this id that does nothing.
	Noop(id uint64) (*chain.Delivery, error)
	// Caps are above what the network asks for now, so that several replacements fit.
	Caps() chain.Caps
	// DropPending empties the pool of the node.
	DropPending(ctx context.Context) error
	// SetPrice brings the network's fee above the caps, or back below.
	SetPrice(ctx context.Context, aboveCaps bool) error
}

// Case is one promise of the suite.
type Case[W World] struct {
	Name string
	Run  func(t TB, w W)
}
