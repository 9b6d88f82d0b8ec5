package chain

import (
	"context"
	"fmt"

	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/codec"
)

// Finality says which block counts as settled.
type Finality struct {
	// Confirmations, if not 0, takes the block so many below the newest one.
	// At 0 the chain's own finality (Ethereum: the finalized tag) decides.
	Confirmations uint64
}

// Block pins a moment of an external chain. Reads at a Block see the chain's state
// after it, or fail.
type Block struct {
	// Number is the height (Solana: the slot).
	Number uint64
	Hash   codec.Hash
	// Time is the block's own timestamp, Unix seconds.
	Time uint64
}

// String names the block as logs do.
func (b Block) String() string { return fmt.Sprintf("%d (%s)", b.Number, b.Hash.Short()) }

// Counters are a bridge's small state at a block.
type Counters struct {
	// EventID is the id of the newest event, 0 before the first one.
	EventID uint64
	Head    bridgecontracts.Head
	// NextAction is the id of the value action that the bridge takes next.
	NextAction uint64
	// Epoch is that of the validator set that the bridge holds.
	Epoch uint64
	// PauseSequence is odd while the bridge is paused.
	PauseSequence uint64
	// LimitVersion is the sequence of the newest SetLimit, 0 before the first one.
	LimitVersion uint64
}

// Past reports whether a bridge is past a value action (control is 0) or a control action with this id or sequence, whoever delivered it.
func (c Counters) Past(control bridgecontracts.ControlKind, sequence uint64) bool {
	switch control {
	case 0:
		return sequence < c.NextAction
	case bridgecontracts.KindRotate:
		return sequence <= c.Epoch
	case bridgecontracts.KindSetLimit:
		return sequence <= c.LimitVersion
	default:
		return sequence <= c.PauseSequence
	}
}

// LocatedEvent is an event and where it was seen.
type LocatedEvent struct {
	bridgecontracts.Event
	// Tx is the transaction that emitted it, in the chain's own notation.
	Tx string
	// Block is the number of the block that holds it.
	Block uint64
}

// TokenState is what a bridge holds and allows of one token at a block.
type TokenState struct {
	Token codec.Hash
	// Held is the bridge's balance in units of the token.
	Held uint256.Int
	// Capacity and Level are the outflow limit's bucket, Window its length in seconds; Window 0 means no limit.
	Capacity, Level uint256.Int
	Window          uint64
}

// Snapshot is what members check before they attach a bridge, and what a watchdog compares.
type Snapshot struct {
	Counters
	Domain bridgecontracts.Domain
	// CodeHash is keccak256 of the bridge's code with what differs per deployment masked.
	CodeHash codec.Hash
	// SetHash is the hash of the validator set that the bridge holds.
	SetHash codec.Hash
	// StartBlock is a block number at or before the bridge's first event.
	StartBlock uint64
	Tokens     []TokenState
}

// Source reads one bridge through one endpoint. All methods are pure reads: what they
// remember only makes the next read shorter and never shows in an answer. They try once,
// may be called concurrently, and return within the context's deadline.
type Source interface {
	// Head returns the newest settled block. ErrAbsent means that there is none yet.
	Head(ctx context.Context, f Finality) (Block, error)
	// BlockAt returns the block with this number on the endpoint's canonical chain.
	// ErrAbsent means that the endpoint has not reached it (or, on Solana, that the slot was skipped).
	BlockAt(ctx context.Context, number uint64) (Block, error)
	// Counters returns the bridge's counters after the block. An error with verdict
	// Rewind means that the block is no longer on the endpoint's canonical chain.
	Counters(ctx context.Context, at Block) (Counters, error)
	// Events returns the events from..to (inclusive, 1-based) as the chain that ends
	// in block at has them: complete, in order, none twice. Anything less is an error.
	// It does not check them against a head; callers do.
	Events(ctx context.Context, from, to uint64, at Block) ([]LocatedEvent, error)
	// Locate returns the bridge's events that one transaction emitted, with the block
	// that holds it; no events and no error when the transaction succeeded without any.
	// ErrAbsent means that the endpoint knows no such transaction in a block yet.
	Locate(ctx context.Context, tx string) ([]LocatedEvent, error)
	// Snapshot returns the bridge's code and state after the block, with the state of the given tokens. Without tokens
	// (as before a bridge is attached) a bridge of the right code and domain is shown only if nothing else ever ran at its
	// address: other code could have left claims or allowances behind. The verdict is Fatal if it did, Retry if that cannot be seen.
	Snapshot(ctx context.Context, at Block, tokens []codec.Hash) (Snapshot, error)
}
