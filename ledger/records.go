package ledger

import (
	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/signing"
	"github.com/trinebridge/trine/validators"
)

// Bounds of an account: further links are recorded and ignored.
const (
	MaxAccountKeys    = 32
	MaxAccountWallets = 64
)

// AccountID numbers accounts from 1 in the order of their making.
type AccountID = uint64

// Account is a set of keys and wallets with balances.
type Account struct {
	ID      AccountID
	Keys    []AccountKey
	Wallets []Wallet
	// Balances in ascending order of asset, none zero.
	Balances []Balance
}

// AccountKey is a key of an account and how many transactions it has signed.
type AccountKey struct {
	Key   signing.PublicKey
	Nonce uint64
}

// Wallet is an address on an external chain from which deposits came.
type Wallet struct {
	Chain   string
	Address codec.Hash
}

// Balance is what an account holds of an asset, in units of the asset.
type Balance struct {
	Asset  AssetID
	Amount uint256.Int
}

// Bridge is an attached bridge as the ledger knows it from its events.
type Bridge struct {
	Domain     bridgecontracts.Domain
	Chain      string
	Address    codec.Hash
	CodeHash   codec.Hash
	StartBlock uint64
	// Generation, EventID and Head are where the event history stands.
	Generation uint64
	EventID    uint64
	Head       bridgecontracts.Head
	// Epoch and SetHash are of the set that the bridge holds.
	Epoch   uint64
	SetHash codec.Hash
	// PauseSequence is odd while the bridge is paused.
	PauseSequence uint64
	LimitVersion  uint64
	// LastAction is the newest action id that the ledger emitted; LastExecuted the newest that the bridge reported.
	LastAction   uint64
	LastExecuted uint64
	// NextWithdrawal is the sequence number that the next queued withdrawal gets; it starts at 1.
	NextWithdrawal uint64
	// Halted, if not empty, says why the value lane stopped: the bridge reported what the ledger never emitted.
	Halted string
	// Tokens lists the genesis tokens on the bridge's chain, ascending by asset. All amounts in units of the token.
	Tokens []TokenBook
}

// TokenBook is the books of one token on one bridge, in units of the token.
type TokenBook struct {
	Asset AssetID
	Token codec.Hash
	// Held is what events say that the bridge holds. InFlight is in emitted actions
	// that have not been executed, Claimable is owed for failed transfers, Dust is the
	// part of deposits that the asset cannot represent.
	Held, InFlight, Claimable, Dust uint256.Int
	// Limit mirrors the contract's bucket on the safe side.
	Limit Bucket
	// QueueHead and QueueTail delimit the pending withdrawals: positions QueueHead … QueueTail-1
	// of the asset's own list, in ascending order of sequence. Both start at FirstPosition.
	QueueHead, QueueTail uint64
	// Queued is the sum over the queue, in units of the token.
	Queued uint256.Int
}

// FirstPosition is where a queue starts; what comes back to its front takes positions below.
const FirstPosition = 1 << 32

// Bucket is a leaky bucket, see bucket.go. Window 0 means no limit.
type Bucket struct {
	Capacity uint256.Int
	// Window in seconds.
	Window uint64
	Level  uint256.Int
	// Updated is when Level was right, Unix seconds. It may lie in the future: nothing
	// leaks until then, see bucket.go.
	Updated uint64
	// NextCapacity and NextWindow are a limit that is sealed and can take effect any time.
	NextCapacity uint256.Int
	NextWindow   uint64
}

// Withdrawal is one queued payment.
type Withdrawal struct {
	// Sequence is its place among all withdrawals of the bridge.
	Sequence uint64
	Account  AccountID
	Asset    AssetID
	To       codec.Hash
	// Amount is what will be paid, in units of the token; Units is the same in units of the asset.
	Amount uint256.Int
	Units  uint256.Int
	// Fee, in units of the asset, was burned too. The treasury gets it when the bridge
	// has executed the payment; a withdrawal that is returned is returned with its fee.
	Fee uint256.Int
	// Tx is the transaction that asked for it; Message its place in it.
	Tx      codec.Hash
	Message uint64
	// Time of the block that queued it, Unix milliseconds.
	Time uint64
}

// WithdrawalPlace is where a withdrawal stands.
type WithdrawalPlace uint8

// The places.
const (
	// WithdrawalWaiting is in its asset's queue.
	WithdrawalWaiting WithdrawalPlace = iota + 1
	// WithdrawalInFlight is in an action that the bridge has not executed.
	WithdrawalInFlight
	// WithdrawalPaid was paid on the chain.
	WithdrawalPaid
	// WithdrawalFailed could not be paid on the chain; its recipient can claim it there.
	WithdrawalFailed
	// WithdrawalGivenBack went back to its account.
	WithdrawalGivenBack
)

// String returns the place in words.
func (p WithdrawalPlace) String() string {
	switch p {
	case WithdrawalWaiting:
		return "queued"
	case WithdrawalInFlight:
		return "in flight"
	case WithdrawalPaid:
		return "paid"
	case WithdrawalFailed:
		return "claimable"
	case WithdrawalGivenBack:
		return "returned"
	}
	return "unknown"
}

// WithdrawalRecord is a withdrawal and where it stands.
type WithdrawalRecord struct {
	Withdrawal
	Place WithdrawalPlace
	// Position in its asset's queue while it is waiting.
	Position uint64
	// Action that pays it and Index in that action, once it has left the queue.
	Action uint64
	Index  uint64
}

// ActionStatus is where an action stands.
type ActionStatus uint8

// The statuses.
const (
	// ActionPending waits for approvals.
	ActionPending ActionStatus = iota + 1
	// ActionSealed can be delivered.
	ActionSealed
	// ActionExecuted was reported by the bridge.
	ActionExecuted
)

// String returns the status in words.
func (s ActionStatus) String() string {
	switch s {
	case ActionPending:
		return "pending"
	case ActionSealed:
		return "sealed"
	case ActionExecuted:
		return "executed"
	}
	return "unknown"
}

// ActionRecord is an action that the ledger emitted.
type ActionRecord struct {
	Domain bridgecontracts.Domain
	Action bridgecontracts.Action
	// Withdrawals are what the action pays, one for each of its transfers.
	Withdrawals []Withdrawal
	Revision    uint64
	Status      ActionStatus
	// Height and Time of the block that emitted it.
	Height uint64
	Time   uint64
	// Digests are all that were ever asked to be signed for this id: each could still execute.
	Digests []ActionDigest
	// Seal is there from ActionSealed on, unless a new revision waits for one.
	Seal *bridgecontracts.Seal
	// Failed and Executed, the digest that ran, are there from ActionExecuted on;
	// ExecutedEvent is the event that said so.
	Failed        codec.Hash
	Executed      codec.Hash
	ExecutedEvent uint64
}

// ActionDigest is a digest of an action and the epoch, revision and kind that it stands for.
type ActionDigest struct {
	Epoch    uint64
	Revision uint64
	Kind     bridgecontracts.ActionKind
	Digest   codec.Hash
}

// ControlRecord is a control action that members vote on.
type ControlRecord struct {
	Domain  bridgecontracts.Domain
	Control bridgecontracts.Control
	// Epoch of the signers.
	Epoch  uint64
	Digest codec.Hash
	// NeedsListeners says that a listener quorum must vote too.
	NeedsListeners bool
	Votes          []ControlVote
	// Seal is there once the processor has signed; Done once the bridge reported it.
	Seal *bridgecontracts.Seal
	Done bool
}

// ControlVote is a member's signature over the control digest.
type ControlVote struct {
	Member    signing.Address
	Group     validators.Group
	Signature signing.Signature
}

// UnassignedEvent is a verified event, or a part of one, that could not be used.
type UnassignedEvent struct {
	Event  bridgecontracts.Event
	Reason string
}

// Meta is the chain's own counters.
type Meta struct {
	// Accounts is the newest account id.
	Accounts uint64
	// Epoch is that of the current validator set.
	Epoch uint64
	// Bridges lists the domains in the order of attaching.
	Bridges []codec.Hash
}
