package ledger

import (
	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/codec"
)

// Entry is one thing that a block did, in the order in which it happened. The list of
// entries is the block's log: its hash stands in the header, followers compare it, and
// roles and the API read it.
type Entry struct{ Body EntryBody }

// EntryBody is one of the pointers listed in newEntryBody.
type EntryBody interface {
	codec.Record
	entryTag() uint8
	// Name is the entry's name in logs and in the API, as in "deposit-credited".
	Name() string
}

// AccountOpened says that an account came to be.
type AccountOpened struct{ Account AccountID }

// DepositCredited says that a deposit was credited: Amount in units of the asset,
// Dust in units of the token.
type DepositCredited struct {
	Domain  bridgecontracts.Domain
	EventID uint64
	Account AccountID
	Asset   AssetID
	Amount  uint256.Int
	Dust    uint256.Int
}

// KeyLinked says that a wallet and a key belong to one account from now on. Merged is
// the account that was joined to it, 0 for none.
type KeyLinked struct {
	Domain  bridgecontracts.Domain
	EventID uint64
	Account AccountID
	Merged  AccountID
}

// LinkIgnored says that a key of a deposit was not linked, and why.
type LinkIgnored struct {
	Domain  bridgecontracts.Domain
	EventID uint64
	Index   uint8
	Reason  string
}

// Unassigned says that a verified event could not be used, and why. It is kept.
type Unassigned struct {
	Domain  bridgecontracts.Domain
	EventID uint64
	Reason  string
}

// Transferred says that units moved between accounts.
type Transferred struct {
	From, To AccountID
	Asset    AssetID
	Amount   uint256.Int
}

// WithdrawalQueued says that a withdrawal was burned and waits: Amount is to be paid,
// Fee to be kept, both in units of the asset.
type WithdrawalQueued struct {
	Domain   bridgecontracts.Domain
	Sequence uint64
	Account  AccountID
	Asset    AssetID
	Amount   uint256.Int
	Fee      uint256.Int
}

// WithdrawalReturned says that a queued withdrawal fits no limit any more and went back
// to the account, the fee too: Amount is both together.
type WithdrawalReturned struct {
	Domain   bridgecontracts.Domain
	Sequence uint64
	Account  AccountID
	Asset    AssetID
	Amount   uint256.Int
}

// ActionEmitted says that an action waits for approvals from now on, at its newest revision and epoch.
type ActionEmitted struct {
	Domain   bridgecontracts.Domain
	ActionID uint64
	Revision uint64
	Digest   codec.Hash
}

// ActionWasSealed says that an action can be delivered.
type ActionWasSealed struct {
	Domain   bridgecontracts.Domain
	ActionID uint64
	Digest   codec.Hash
}

// ActionWasExecuted says that the bridge reported an action. Failed is its bitmap.
type ActionWasExecuted struct {
	Domain   bridgecontracts.Domain
	ActionID uint64
	EventID  uint64
	Failed   codec.Hash
}

// ClaimPaid says that a failed transfer was claimed.
type ClaimPaid struct {
	Domain    bridgecontracts.Domain
	EventID   uint64
	Recipient codec.Hash
	Token     codec.Hash
	Amount    uint256.Int
}

// BridgeAttached says that a bridge is part of the app chain from now on.
type BridgeAttached struct {
	Domain bridgecontracts.Domain
	Chain  string
	Bridge codec.Hash
}

// BridgeChanged says that the bridge reported a pause, an unpause, a limit or a set.
type BridgeChanged struct {
	Domain  bridgecontracts.Domain
	EventID uint64
	Kind    bridgecontracts.EventKind
}

// BridgeHalted says that the bridge's value lane stopped, and why.
type BridgeHalted struct {
	Domain bridgecontracts.Domain
	Reason string
}

// ControlVoted says that a control action has one more vote.
type ControlVoted struct {
	Domain   bridgecontracts.Domain
	Kind     bridgecontracts.ControlKind
	Sequence uint64
	Votes    uint64
}

// ControlSealed says that a control action can be delivered.
type ControlSealed struct {
	Domain   bridgecontracts.Domain
	Kind     bridgecontracts.ControlKind
	Sequence uint64
}

// AppEvent is the app's own.
type AppEvent struct{ Data []byte }

// FeeCollected says that the treasury's account got the fees of an action's payments in one asset.
type FeeCollected struct {
	Domain   bridgecontracts.Domain
	ActionID uint64
	Account  AccountID
	Asset    AssetID
	Amount   uint256.Int
}

// WithdrawalRequeued says that a withdrawal is at the front of its queue again, because
// a Noop ran in place of the action that was to pay it.
type WithdrawalRequeued struct {
	Domain   bridgecontracts.Domain
	Sequence uint64
}
