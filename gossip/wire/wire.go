// Package wire fixes the messages that nodes of one app chain gossip, as Borsh bytes.
//
// Each message carries its own signature, so it means the same whoever relays it.
// Decoding bounds every message; whether its signer holds a seat is for the receiver
// to check against the current validator set.
package wire

import (
	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/ledger"
	"github.com/trinebridge/trine/signing"
)

// Largest encodings, in bytes.
const (
	// MaxBlocks is how many blocks one message may carry, MaxBlocksSize their bytes.
	MaxBlocks     = 1024
	MaxBlocksSize = 1 << 20
	// MaxSmall bounds every message but blocks, transactions and events.
	MaxSmall = 4 << 10
	// MaxEventsSize bounds an answer with events.
	MaxEventsSize = 512 << 10
)

// Blocks is a run of consecutive blocks, ascending.
type Blocks struct{ Blocks []ledger.Block }

// Borsh implements codec.Record.
func (m *Blocks) Borsh(c *codec.Codec) { codec.List(c, &m.Blocks, MaxBlocks) }

// Attestation is a listener's signature over a head.
type Attestation struct {
	bridgecontracts.Attestation
	Signature signing.Signature
}

// Borsh implements codec.Record.
func (m *Attestation) Borsh(c *codec.Codec) {
	m.Attestation.Borsh(c)
	m.Signature.Borsh(c)
}

// EventsRequest asks a node for events From..To of a bridge's generation.
type EventsRequest struct {
	Domain     bridgecontracts.Domain
	Generation uint64
	From, To   uint64
}

// Borsh implements codec.Record.
func (m *EventsRequest) Borsh(c *codec.Codec) {
	c.Hash(&m.Domain)
	c.Uint64(&m.Generation)
	c.Uint64(&m.From)
	c.Uint64(&m.To)
}

// Events answers an EventsRequest: events from From on, as many as there are and fit.
// The receiver proves them by their head.
type Events struct{ Events []bridgecontracts.Event }

// Borsh implements codec.Record.
func (m *Events) Borsh(c *codec.Codec) { codec.List(c, &m.Events, ledger.MaxEvents) }

// Approval is an approver's (for a Call also a listener's) signature over an action digest.
type Approval struct {
	Domain    bridgecontracts.Domain
	Epoch     uint64
	ActionID  uint64
	Revision  uint64
	Digest    codec.Hash
	Signature signing.Signature
}

// Borsh implements codec.Record.
func (m *Approval) Borsh(c *codec.Codec) {
	c.Hash(&m.Domain)
	c.Uint64(&m.Epoch)
	c.Uint64(&m.ActionID)
	c.Uint64(&m.Revision)
	c.Hash(&m.Digest)
	m.Signature.Borsh(c)
}

// Ack is a listener's or approver's signature over the hash of a block that it has executed.
type Ack struct {
	Height    uint64
	Block     codec.Hash
	Signature signing.Signature
}

// Borsh implements codec.Record.
func (m *Ack) Borsh(c *codec.Codec) {
	c.Uint64(&m.Height)
	c.Hash(&m.Block)
	m.Signature.Borsh(c)
}

// AttachVote is a member's signature over the attach digest of a bridge that it has
// checked by its own endpoints.
type AttachVote struct {
	Chain      string
	Bridge     codec.Hash
	Sequence   uint64
	CodeHash   codec.Hash
	SetHash    codec.Hash
	StartBlock uint64
	Signature  signing.Signature
}

// Digest returns the attach digest on the app chain with this genesis.
func (m *AttachVote) Digest(genesis codec.Hash) codec.Hash {
	domain := bridgecontracts.NewDomain(genesis, m.Chain, m.Bridge)
	return bridgecontracts.AttachDigest(domain, m.Sequence, m.CodeHash, m.SetHash, m.StartBlock)
}

// Borsh implements codec.Record.
func (m *AttachVote) Borsh(c *codec.Codec) {
	c.String(&m.Chain, ledger.MaxName)
	c.Hash(&m.Bridge)
	c.Uint64(&m.Sequence)
	c.Hash(&m.CodeHash)
	c.Hash(&m.SetHash)
	c.Uint64(&m.StartBlock)
	m.Signature.Borsh(c)
}

// Vote is what travels on the approval topic: exactly one of the fields is there.
type Vote struct {
	Approval *Approval
	Attach   *AttachVote
}

// Borsh implements codec.Record.
func (m *Vote) Borsh(c *codec.Codec) {
	codec.Option(c, &m.Approval)
	codec.Option(c, &m.Attach)
	if (m.Approval == nil) == (m.Attach == nil) {
		c.Fail("a vote is an approval or an attach vote, one of them")
	}
}

// Notice is the processor's signed word that it dropped a transaction.
type Notice struct {
	Tx        codec.Hash
	Code      ledger.Code
	Reason    string
	Signature signing.Signature
}

// Digest returns the notice digest on the app chain with this genesis.
func (m *Notice) Digest(genesis codec.Hash) codec.Hash {
	return bridgecontracts.NoticeDigest(genesis, m.Tx, uint64(m.Code), m.Reason)
}

// Borsh implements codec.Record.
func (m *Notice) Borsh(c *codec.Codec) {
	c.Hash(&m.Tx)
	code := uint64(m.Code)
	c.Uint64(&code)
	m.Code = ledger.Code(code)
	c.String(&m.Reason, 1024)
	m.Signature.Borsh(c)
}

// SignedHeader is a block header with the processor's signature.
type SignedHeader struct {
	Header    ledger.Header
	Signature signing.Signature
}

// Borsh implements codec.Record.
func (m *SignedHeader) Borsh(c *codec.Codec) {
	m.Header.Borsh(c)
	m.Signature.Borsh(c)
}

// Evidence is proof of a hostile processor: two signed headers of one height, or
// with Second absent a signed header that no honest execution leads to. The first kind
// convinces anybody; the second everybody who has executed its parent.
type Evidence struct {
	First  SignedHeader
	Second *SignedHeader
}

// Borsh implements codec.Record.
func (m *Evidence) Borsh(c *codec.Codec) {
	m.First.Borsh(c)
	codec.Option(c, &m.Second)
}

// Standing is where a node stands, in answer to a challenge: its newest block, absent before
// the first one, and from a listener or approver the member's signature.
type Standing struct {
	Tip       *SignedHeader
	Signature *signing.Signature
}

// Position returns the height and the hash of the newest block; 0 and the genesis hash if there is none.
func (m *Standing) Position(genesis codec.Hash) (height uint64, block codec.Hash) {
	if m.Tip == nil {
		return 0, genesis
	}
	return m.Tip.Header.Height, m.Tip.Header.Hash()
}

// Digest returns what the member signs, on the app chain with this genesis.
func (m *Standing) Digest(genesis, challenge codec.Hash) codec.Hash {
	return bridgecontracts.AlertDigest(genesis, bridgecontracts.AlertStanding, challenge, bridgecontracts.StandingDetail(m.Position(genesis)))
}

// Borsh implements codec.Record.
func (m *Standing) Borsh(c *codec.Codec) {
	codec.Option(c, &m.Tip)
	codec.Option(c, &m.Signature)
}
