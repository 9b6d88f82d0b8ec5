package ledger

import (
	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/signing"
	"github.com/trinebridge/trine/validators"
)

// Bounds of messages.
const (
	// MaxEvents is how many events one certificate may cover.
	MaxEvents = 256
	// MaxAppData bounds an app message.
	MaxAppData = 64 << 10
)

// Message is one instruction of a transaction.
type Message struct{ Body MessageBody }

// MessageBody is one of the pointers listed in newMessageBody.
type MessageBody interface {
	codec.Record
	tag() uint8
}

// Transfer moves units of an asset to the account that a key belongs to. A key that
// has no account yet gets one.
type Transfer struct {
	To     signing.PublicKey
	Asset  AssetID
	Amount uint256.Int
}

// Withdraw burns Amount units of the asset and queues the payment of Amount less the
// chain's fee to a recipient on that chain.
type Withdraw struct {
	Chain  string
	Asset  AssetID
	To     codec.Hash
	Amount uint256.Int
}

// AppMessage is for the app.
type AppMessage struct{ Data []byte }

// Attest brings events From, From+1, … of a bridge with a listener quorum's
// signatures over the head after the last one. Only the processor sends it.
type Attest struct {
	Domain     bridgecontracts.Domain
	Generation uint64
	Events     []bridgecontracts.Event
	Signatures []signing.Signature
}

// SealAction brings the seal of a value action. Only the processor sends it.
type SealAction struct {
	Domain   bridgecontracts.Domain
	ActionID uint64
	Revision uint64
	Seal     bridgecontracts.Seal
}

// VoteControl is a member's signature over a control action (Unpause or SetLimit),
// which asks for it and approves it at once. Members send it.
type VoteControl struct {
	Domain    bridgecontracts.Domain
	Control   bridgecontracts.Control
	Signature signing.Signature
}

// SealControl brings the processor's signature over a control action that has its
// votes. Only the processor sends it.
type SealControl struct {
	Domain    bridgecontracts.Domain
	Kind      bridgecontracts.ControlKind
	Sequence  uint64
	Signature signing.Signature
}

// Attach adds a bridge, with a listener quorum and an approver quorum over the attach
// digest: each signer has checked code and set by its own endpoints. Only the processor sends it.
type Attach struct {
	Chain      string
	Bridge     codec.Hash
	Sequence   uint64
	CodeHash   codec.Hash
	SetHash    codec.Hash
	StartBlock uint64
	Listeners  []signing.Signature
	Approvers  []signing.Signature
}

// Tick lets time pass: it does nothing but run the drain at the end of its block. Only
// the processor sends it.
type Tick struct{}

func newMessageBody(tag uint8) (MessageBody, bool) {
	switch tag {
	case 1:
		return &Transfer{}, true
	case 2:
		return &Withdraw{}, true
	case 3:
		return &AppMessage{}, true
	case 4:
		return &Attest{}, true
	case 5:
		return &SealAction{}, true
	case 6:
		return &VoteControl{}, true
	case 7:
		return &SealControl{}, true
	case 8:
		return &Attach{}, true
	case 9:
		return &Tick{}, true
	}
	return nil, false
}

func (*Transfer) tag() uint8    { return 1 }
func (*Withdraw) tag() uint8    { return 2 }
func (*AppMessage) tag() uint8  { return 3 }
func (*Attest) tag() uint8      { return 4 }
func (*SealAction) tag() uint8  { return 5 }
func (*VoteControl) tag() uint8 { return 6 }
func (*SealControl) tag() uint8 { return 7 }
func (*Attach) tag() uint8      { return 8 }
func (*Tick) tag() uint8        { return 9 }

// Borsh implements codec.Record.
func (m *Message) Borsh(c *codec.Codec) {
	codec.Variant(c, &m.Body, MessageBody.tag, newMessageBody)
}

// Borsh implements codec.Record.
func (m *Transfer) Borsh(c *codec.Codec) {
	m.To.Borsh(c)
	c.Uint32(&m.Asset)
	c.Amount(&m.Amount)
}

// Borsh implements codec.Record.
func (m *Withdraw) Borsh(c *codec.Codec) {
	c.String(&m.Chain, MaxName)
	c.Uint32(&m.Asset)
	c.Hash(&m.To)
	c.Amount(&m.Amount)
}

// Borsh implements codec.Record.
func (m *AppMessage) Borsh(c *codec.Codec) { c.Bytes(&m.Data, MaxAppData) }

// Borsh implements codec.Record.
func (m *Attest) Borsh(c *codec.Codec) {
	c.Hash(&m.Domain)
	c.Uint64(&m.Generation)
	codec.List(c, &m.Events, MaxEvents)
	codec.List(c, &m.Signatures, validators.MaxMembers)
}

// Borsh implements codec.Record.
func (m *SealAction) Borsh(c *codec.Codec) {
	c.Hash(&m.Domain)
	c.Uint64(&m.ActionID)
	c.Uint64(&m.Revision)
	m.Seal.Borsh(c)
}

// Borsh implements codec.Record.
func (m *VoteControl) Borsh(c *codec.Codec) {
	c.Hash(&m.Domain)
	m.Control.Borsh(c)
	m.Signature.Borsh(c)
}

// Borsh implements codec.Record.
func (m *SealControl) Borsh(c *codec.Codec) {
	c.Hash(&m.Domain)
	kind := uint8(m.Kind)
	c.Uint8(&kind)
	m.Kind = bridgecontracts.ControlKind(kind)
	c.Uint64(&m.Sequence)
	m.Signature.Borsh(c)
}

// Borsh implements codec.Record.
func (m *Attach) Borsh(c *codec.Codec) {
	c.String(&m.Chain, MaxName)
	c.Hash(&m.Bridge)
	c.Uint64(&m.Sequence)
	c.Hash(&m.CodeHash)
	c.Hash(&m.SetHash)
	c.Uint64(&m.StartBlock)
	codec.List(c, &m.Listeners, validators.MaxMembers)
	codec.List(c, &m.Approvers, validators.MaxMembers)
}

// Borsh implements codec.Record: no bytes.
func (*Tick) Borsh(*codec.Codec) {}
