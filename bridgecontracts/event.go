package bridgecontracts

import (
	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/signing"
)

// MaxDepositKeys is how many keys a deposit may carry; the contract refuses more.
const MaxDepositKeys = 4

// EventKind numbers what a bridge tells.
type EventKind uint8

// The events of ADR 0001.
const (
	KindDeposited EventKind = iota + 1
	KindActionExecuted
	KindSetRotated
	KindPaused
	KindUnpaused
	KindLimitSet
	KindClaimed
)

// Event is one entry of a bridge's history. Ids count 1, 2, 3 … per bridge, without gaps.
type Event struct {
	ID   uint64
	Body EventBody
}

// EventBody is one of the seven kinds of event, as a pointer: *Deposited, *ActionExecuted,
// *SetRotated, *Paused, *Unpaused, *LimitSet or *Claimed.
type EventBody interface {
	codec.Record
	// Kind returns the number of the body's kind.
	Kind() EventKind
	// fields returns the body's words, whose number does not depend on their values.
	fields() []codec.Hash
}

// KeyProof is a public key that a depositing wallet claims, and the key's signature
// over the key-link digest. The contract takes both as they are; the ledger verifies them.
type KeyProof struct {
	Key       signing.PublicKey
	Signature signing.Signature
}

// Deposited says that Amount units of Token arrived from Wallet: the measured change
// of balance, zero for a mere key association.
type Deposited struct {
	Wallet codec.Hash
	Token  codec.Hash
	Amount uint256.Int
	Keys   []KeyProof
}

// ActionExecuted says that the value action with this id and digest ran. Bit i of
// Failed (bit 0 is the lowest of the last byte) says that transfer i failed and became claimable.
type ActionExecuted struct {
	ActionID uint64
	Digest   codec.Hash
	Failed   codec.Hash
}

// FailedAt reports whether transfer i failed.
func (e *ActionExecuted) FailedAt(i int) bool {
	return i >= 0 && i < 256 && e.Failed[31-i/8]>>(i%8)&1 == 1
}

// SetRotated says that the bridge holds the set of Epoch with this hash from now on.
type SetRotated struct {
	Epoch   uint64
	SetHash codec.Hash
}

// Paused says that the bridge stopped paying and taking deposits; Sequence is odd.
type Paused struct{ Sequence uint64 }

// Unpaused says that the bridge works again; Sequence is even.
type Unpaused struct{ Sequence uint64 }

// LimitSet says that Token has a new outflow limit: Capacity in units of the token,
// Window in seconds. A window of zero means no limit.
type LimitSet struct {
	Sequence uint64
	Token    codec.Hash
	Capacity uint256.Int
	Window   uint64
}

// Claimed says that Amount units of Token, which a failed transfer owed to Recipient, have been paid.
type Claimed struct {
	Token     codec.Hash
	Recipient codec.Hash
	Amount    uint256.Int
}

// Kind implements EventBody.
func (*Deposited) Kind() EventKind { return KindDeposited }

// Kind implements EventBody.
func (*ActionExecuted) Kind() EventKind { return KindActionExecuted }

// Kind implements EventBody.
func (*SetRotated) Kind() EventKind { return KindSetRotated }

// Kind implements EventBody.
func (*Paused) Kind() EventKind { return KindPaused }

// Kind implements EventBody.
func (*Unpaused) Kind() EventKind { return KindUnpaused }

// Kind implements EventBody.
func (*LimitSet) Kind() EventKind { return KindLimitSet }

// Kind implements EventBody.
func (*Claimed) Kind() EventKind { return KindClaimed }

func (e *Deposited) fields() []codec.Hash {
	return []codec.Hash{e.Wallet, e.Token, codec.AmountWord(&e.Amount), keysHash(e.Keys)}
}

func (e *ActionExecuted) fields() []codec.Hash {
	return []codec.Hash{codec.Uint64Word(e.ActionID), e.Digest, e.Failed}
}

func (e *SetRotated) fields() []codec.Hash {
	return []codec.Hash{codec.Uint64Word(e.Epoch), e.SetHash}
}

func (e *Paused) fields() []codec.Hash { return []codec.Hash{codec.Uint64Word(e.Sequence)} }

func (e *Unpaused) fields() []codec.Hash { return []codec.Hash{codec.Uint64Word(e.Sequence)} }

func (e *LimitSet) fields() []codec.Hash {
	return []codec.Hash{codec.Uint64Word(e.Sequence), e.Token, codec.AmountWord(&e.Capacity), codec.Uint64Word(e.Window)}
}

func (e *Claimed) fields() []codec.Hash {
	return []codec.Hash{e.Token, e.Recipient, codec.AmountWord(&e.Amount)}
}

func keysHash(keys []KeyProof) codec.Hash {
	words := make([]codec.Hash, 0, 2*len(keys))
	for _, k := range keys {
		words = append(words, codec.Keccak(k.Key[:]), codec.Keccak(k.Signature[:]))
	}
	return codec.HashWords(words...)
}

// Hash returns the event hash of ADR 0001.
func (e *Event) Hash() codec.Hash {
	words := append([]codec.Hash{codec.Uint64Word(uint64(e.Body.Kind())), codec.Uint64Word(e.ID)}, e.Body.fields()...)
	return signing.KindEvent.Digest(words...)
}

// Head is the rolling hash over all events of a bridge: a word whose low 8 bytes are zero.
type Head = codec.Hash

// FirstHead returns head(0): the domain, cut.
func FirstHead(domain Domain) Head { return cut(domain) }

// NextHead returns the head after the event: cut(keccak256(head ‖ event hash)).
func NextHead(head Head, event *Event) Head {
	hash := event.Hash()
	return cut(codec.Keccak(head[:], hash[:]))
}

func cut(h codec.Hash) codec.Hash {
	clear(h[24:])
	return h
}
