package approver

import (
	"time"

	"github.com/trinebridge/trine/bridgecontracts"
)

// Reason says why an action is not signed. Its text is stable: metrics and alerts use it.
type Reason string

// The reasons to wait: each passes by itself, or when an operator acts.
const (
	// WaitAcknowledged: too few members have acknowledged the block that emitted the action.
	WaitAcknowledged Reason = "not-acknowledged"
	// WaitEndpoints: the approver's own endpoints of a chain are unavailable or disagree.
	WaitEndpoints Reason = "endpoints"
	// WaitBehind: the approver's own endpoints have not settled yet what the ledger has applied.
	WaitBehind Reason = "behind"
	// WaitPaused: the bridge is paused.
	WaitPaused Reason = "paused"
	// WaitEpoch: the bridge holds another validator set than the app chain.
	WaitEpoch Reason = "epoch"
	// WaitLimit: the approver's own outflow limit is used up for now.
	WaitLimit Reason = "outflow-limit"
	// WaitExecuted: the approver's own endpoints show that the bridge has run it.
	WaitExecuted Reason = "executed"
	// WaitKey: the key store failed, or the approval's record could not be written.
	WaitKey Reason = "key"
	// WaitDryRun: this approver only looks.
	WaitDryRun Reason = "dry-run"
)

// The reasons to refuse: something is wrong, and a person must look.
const (
	// RefuseHistory: the ledger has applied a history that the approver's own endpoints do not show.
	RefuseHistory Reason = "history-differs"
	// RefuseContradiction: a chain's settled history has changed.
	RefuseContradiction Reason = "contradiction"
	// RefuseNoEndpoints: the approver cannot read a chain whose bridge has reported events.
	RefuseNoEndpoints Reason = "no-endpoints"
	// RefuseMalformed: the action is not what its withdrawals ask for.
	RefuseMalformed Reason = "malformed"
	// RefuseDigest: the ledger asks for a signature over another digest than the action's.
	RefuseDigest Reason = "digest"
	// RefuseCall: a governance call, which nothing in the ledger can have decided.
	RefuseCall Reason = "call"
	// RefuseInsolvent: the bridge does not hold what it is to pay.
	RefuseInsolvent Reason = "insolvent"
	// RefuseOverLimit: the action alone is above the approver's own outflow limit.
	RefuseOverLimit Reason = "over-limit"
	// RefuseDoubleSign: the guard has another digest in this slot.
	RefuseDoubleSign Reason = "double-sign"
	// RefuseCompromised: there is proof that the processor is hostile.
	RefuseCompromised Reason = "compromised"
	// RefuseSeat: the key holds no approver's seat.
	RefuseSeat Reason = "no-seat"
	// RefuseHalted: the ledger has halted the bridge's value lane.
	RefuseHalted Reason = "halted"
)

// State is what became of an action here.
type State uint8

// The states.
const (
	// Waiting: it will be signed when the reason is over.
	Waiting State = iota + 1
	// Refused: it is not signed, and a person must look.
	Refused
	// Approved: it is signed, and gossiped while it waits for the others.
	Approved
)

// String returns the state's name.
func (s State) String() string {
	return [...]string{"", "waiting", "refused", "approved"}[min(s, Approved)]
}

// Decision is what an approver makes of one pending action.
type Decision struct {
	Chain    string
	Domain   bridgecontracts.Domain
	ActionID uint64
	Epoch    uint64
	Revision uint64
	State    State
	// Reason and Detail, in words, are there unless it is approved.
	Reason Reason
	Detail string
}

// Status is how an approver is doing.
type Status struct {
	// Ready: the last look at every chain succeeded and nothing is refused.
	Ready bool
	// Doing says in words what it does or waits for.
	Doing   string
	Bridges []BridgeStatus
	// Actions are the pending ones.
	Actions []Decision
}

// BridgeStatus is how the approver's own reading of a bridge is doing.
type BridgeStatus struct {
	Chain    string
	Domain   bridgecontracts.Domain
	Attached bool
	Ready    bool
	// EventID is the newest event that its own endpoints have confirmed, Ledger the newest
	// that the ledger has applied.
	EventID, Ledger uint64
	Doing           string
	Error           string
	LastRead        time.Time
}
