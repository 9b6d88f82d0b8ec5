package chain

import (
	"context"
	"encoding/json"

	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/validators"
)

// Delivery is one thing to bring to a bridge: a value action or a control action,
// with its seal and the set that the bridge holds. Exactly one of Action and Control is set.
type Delivery struct {
	Action  *bridgecontracts.Action
	Control *bridgecontracts.Control
	Seal    bridgecontracts.Seal
	Set     validators.Set
}

// Names returns what [Counters.Past] takes: the kind of control action, 0 for a value action, and the id or sequence.
func (d *Delivery) Names() (control bridgecontracts.ControlKind, sequence uint64) {
	if d.Action != nil {
		return 0, d.Action.ID
	}
	return d.Control.Body.Kind(), d.Control.Sequence
}

// Caps bound what a delivery may cost. They can change while a submitter runs.
type Caps struct {
	// MaxFeePerGas and MaxTip are per unit of gas or compute, in the smallest unit that the chain
	// counts prices in (Solana: micro-lamports).
	MaxFeePerGas uint256.Int
	MaxTip       uint256.Int
}

// Attempt is one signed transaction for a delivery, all that is needed to send it
// again and to find it. It is persisted before it is broadcast.
type Attempt struct {
	// ID is the transaction's id in the chain's own notation (Ethereum: its hash).
	ID string `json:"id"`
	// Nonce is the sender's sequence number on chains that have one, else 0.
	Nonce uint64 `json:"nonce"`
	// FeePerGas and Tip are what the attempt offers, for logs and replacement rules.
	FeePerGas uint256.Int `json:"feePerGas"`
	Tip       uint256.Int `json:"tip"`
	// Raw is the signed transaction in wire form.
	Raw []byte `json:"raw"`
	// Extra is the adapter's own, such as a last valid block height.
	Extra json.RawMessage `json:"extra,omitempty"`
}

// Draft is an attempt that is not signed yet. The submitter persists the intent, then has it signed.
type Draft struct {
	Nonce     uint64
	FeePerGas uint256.Int
	Tip       uint256.Int
	// Unsigned is the adapter's own value.
	Unsigned any
}

// BuildRequest says what to build. A nil Delivery asks for a transaction that only
// uses up the nonce: the filling of a gap.
type BuildRequest struct {
	Delivery *Delivery
	Nonce    uint64
	// Replaces is the newest attempt with the same nonce, nil for the first one. The
	// adapter raises the fee by at least what the network asks of a replacement.
	Replaces *Attempt
	Caps     Caps
}

// Phase is where a set of attempts stands on the chain.
type Phase uint8

// The phases, in order of progress.
const (
	// PhaseUnknown: the endpoint knows none of the attempts.
	PhaseUnknown Phase = iota
	// PhasePending: one waits in the pool.
	PhasePending
	// PhaseIncluded: one is in a block that is not final.
	PhaseIncluded
	// PhaseFinal: one is in a final block.
	PhaseFinal
)

// Status is what the chain says about a delivery's attempts.
type Status struct {
	Phase Phase
	// Attempt is the index of the attempt that is pending, included or final, -1 for none.
	Attempt int
	// Failed says that the included transaction reverted; Reason is why, if known.
	Failed bool
	Reason string
	// Block holds the included transaction; GasUsed is what it took.
	Block   uint64
	GasUsed uint64
}

// Outcome is what the bridge itself says, at finality, about a delivery.
type Outcome struct {
	// Done: the bridge has moved past this action id, epoch or sequence, whoever delivered it.
	Done bool
	// Final says whether that is so at finality; if only Done, it may still be reorganised away.
	Final bool
}

// Sender is the fee-paying account as the endpoint sees it.
type Sender struct {
	// Address in the chain's own notation.
	Address string
	// Next is the first nonce that no mined transaction has used; Pending counts the pool in too.
	Next, Pending uint64
	// Balance in the chain's smallest unit.
	Balance uint256.Int
}

// Sink writes to one bridge. The adapter knows what is valid; the submitter decides
// when. Errors carry a [Verdict]: Retry, Replace, Rebuild, Done or Fatal.
type Sink interface {
	// Sender returns where the fee-paying account stands.
	Sender(ctx context.Context) (Sender, error)
	// Build prepares a transaction. It estimates, so a delivery that would revert is
	// found here: Done when the bridge is past it, Rebuild or Fatal otherwise, Retry
	// with ErrFeeCap when the network's price is above the caps.
	Build(ctx context.Context, r BuildRequest) (Draft, error)
	// Sign makes an attempt of a draft with the fee payer's key.
	Sign(ctx context.Context, d Draft) (Attempt, error)
	// Broadcast sends an attempt. Sending one that the node knows already is no error.
	Broadcast(ctx context.Context, a Attempt) error
	// Status looks all attempts of one delivery up, oldest first. An attempt can no
	// longer land when its nonce is used or it has expired: then the phase is PhaseUnknown
	// and expired is true.
	Status(ctx context.Context, attempts []Attempt, f Finality) (status Status, expired bool, err error)
	// Outcome asks the bridge about a delivery.
	Outcome(ctx context.Context, d *Delivery, f Finality) (Outcome, error)
}

// Sweeper is a Sink whose deliveries may leave something of the fee payer's on the chain: what was deposited for an account
// that prepared a delivery which somebody else made.
type Sweeper interface {
	Sink
	// Sweep takes back what the attempts of one delivery have left, at a price within caps. None of them may still be able to
	// land. It takes only what is of no use any more, as the bridge is past the delivery or past the set that sealed it;
	// clean is false while something is there that may be of use. Sweeping again is no error.
	Sweep(ctx context.Context, attempts []Attempt, caps Caps) (clean bool, err error)
}
