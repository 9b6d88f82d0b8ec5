package bridgecontracts

import (
	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/signing"
	"github.com/trinebridge/trine/validators"
)

// Bounds of what an action carries.
const (
	// MaxTransfers is the largest batch that fits the failed bitmap.
	MaxTransfers = 256
	// MaxCallData bounds the call data of a governance call, in bytes.
	MaxCallData = 16 << 10
)

// ActionKind numbers a value action.
type ActionKind uint8

// The value actions of ADR 0001.
const (
	KindTransfers ActionKind = iota + 1
	KindCall
	KindNoop
)

// Action is a value action of a bridge. Ids count 1, 2, 3 … per bridge; the bridge
// executes them in that order.
type Action struct {
	ID   uint64
	Body ActionBody
}

// ActionBody is *Transfers, *Call or *Noop.
type ActionBody interface {
	codec.Record
	// Kind returns the number of the body's kind.
	Kind() ActionKind
	// Hash returns the body hash.
	Hash() codec.Hash
}

// Transfer pays Amount units of Token to a recipient.
type Transfer struct {
	Token  codec.Hash
	To     codec.Hash
	Amount uint256.Int
}

// Transfers is a batch of payments. One that fails becomes claimable and does not stop the others.
type Transfers struct{ Transfers []Transfer }

// Call is a governance call, which a listener quorum must sign too.
type Call struct {
	Target codec.Hash
	Value  uint256.Int
	Data   []byte
}

// Noop takes an action id and does nothing: what a skipped action becomes.
type Noop struct{}

// Kind implements ActionBody.
func (*Transfers) Kind() ActionKind { return KindTransfers }

// Kind implements ActionBody.
func (*Call) Kind() ActionKind { return KindCall }

// Kind implements ActionBody.
func (*Noop) Kind() ActionKind { return KindNoop }

// Hash implements ActionBody.
func (t *Transfers) Hash() codec.Hash {
	words := make([]codec.Hash, 0, 3*len(t.Transfers))
	for i := range t.Transfers {
		words = append(words, t.Transfers[i].Token, t.Transfers[i].To, codec.AmountWord(&t.Transfers[i].Amount))
	}
	return codec.HashWords(words...)
}

// Hash implements ActionBody.
func (c *Call) Hash() codec.Hash {
	return codec.HashWords(c.Target, codec.AmountWord(&c.Value), codec.Keccak(c.Data))
}

// Hash implements ActionBody.
func (*Noop) Hash() codec.Hash { return codec.Keccak() }

// Digest returns the action digest that processor and approvers of the epoch sign.
func (a *Action) Digest(domain Domain, epoch uint64) codec.Hash {
	return signing.KindAction.Digest(domain, codec.Uint64Word(epoch), codec.Uint64Word(a.ID),
		codec.Uint64Word(uint64(a.Body.Kind())), a.Body.Hash())
}

// ControlKind numbers a control action.
type ControlKind uint8

// The control actions of ADR 0001.
const (
	KindRotate ControlKind = iota + 1
	KindPause
	KindUnpause
	KindSetLimit
)

// String returns the kind's name.
func (k ControlKind) String() string {
	switch k {
	case KindRotate:
		return "rotate"
	case KindPause:
		return "pause"
	case KindUnpause:
		return "unpause"
	case KindSetLimit:
		return "set-limit"
	}
	return "unknown control"
}

// Control is a control action: it runs at once, whatever the value lane waits for.
// Sequence is one-time and counts per kind, see ADR 0001.
type Control struct {
	Sequence uint64
	Body     ControlBody
}

// ControlBody is *Rotate, *Pause, *Unpause or *SetLimit.
type ControlBody interface {
	codec.Record
	// Kind returns the number of the body's kind.
	Kind() ControlKind
	// Hash returns the body hash.
	Hash() codec.Hash
}

// Rotate replaces the validator set; the sequence is the new epoch.
type Rotate struct{ Set validators.Set }

// Pause stops the bridge; the sequence is odd.
type Pause struct{}

// Unpause starts it again; the sequence is even.
type Unpause struct{}

// SetLimit sets the outflow limit of a token: Capacity in units, Window in seconds.
type SetLimit struct {
	Token    codec.Hash
	Capacity uint256.Int
	Window   uint64
}

// Kind implements ControlBody.
func (*Rotate) Kind() ControlKind { return KindRotate }

// Kind implements ControlBody.
func (*Pause) Kind() ControlKind { return KindPause }

// Kind implements ControlBody.
func (*Unpause) Kind() ControlKind { return KindUnpause }

// Kind implements ControlBody.
func (*SetLimit) Kind() ControlKind { return KindSetLimit }

// Hash implements ControlBody.
func (r *Rotate) Hash() codec.Hash { return r.Set.Hash() }

// Hash implements ControlBody.
func (*Pause) Hash() codec.Hash { return codec.Keccak() }

// Hash implements ControlBody.
func (*Unpause) Hash() codec.Hash { return codec.Keccak() }

// Hash implements ControlBody.
func (l *SetLimit) Hash() codec.Hash {
	return codec.HashWords(l.Token, codec.AmountWord(&l.Capacity), codec.Uint64Word(l.Window))
}

// Digest returns the control digest that members of the epoch sign.
func (a *Control) Digest(domain Domain, epoch uint64) codec.Hash {
	return signing.KindControl.Digest(domain, codec.Uint64Word(epoch), codec.Uint64Word(uint64(a.Body.Kind())),
		codec.Uint64Word(a.Sequence), a.Body.Hash())
}

// newActionBody returns an empty body of a kind.
func newActionBody(kind uint8) (ActionBody, bool) {
	switch ActionKind(kind) {
	case KindTransfers:
		return &Transfers{}, true
	case KindCall:
		return &Call{}, true
	case KindNoop:
		return &Noop{}, true
	}
	return nil, false
}

// newControlBody returns an empty body of a kind.
func newControlBody(kind uint8) (ControlBody, bool) {
	switch ControlKind(kind) {
	case KindRotate:
		return &Rotate{}, true
	case KindPause:
		return &Pause{}, true
	case KindUnpause:
		return &Unpause{}, true
	case KindSetLimit:
		return &SetLimit{}, true
	}
	return nil, false
}

// Borsh implements codec.Record.
func (a *Action) Borsh(c *codec.Codec) {
	c.Uint64(&a.ID)
	codec.Variant(c, &a.Body, func(b ActionBody) uint8 { return uint8(b.Kind()) }, newActionBody)
}

// Borsh implements codec.Record.
func (a *Control) Borsh(c *codec.Codec) {
	c.Uint64(&a.Sequence)
	codec.Variant(c, &a.Body, func(b ControlBody) uint8 { return uint8(b.Kind()) }, newControlBody)
}

// Borsh implements codec.Record.
func (t *Transfer) Borsh(c *codec.Codec) {
	c.Hash(&t.Token)
	c.Hash(&t.To)
	c.Amount(&t.Amount)
}

// Borsh implements codec.Record.
func (t *Transfers) Borsh(c *codec.Codec) { codec.List(c, &t.Transfers, MaxTransfers) }

// Borsh implements codec.Record.
func (a *Call) Borsh(c *codec.Codec) {
	c.Hash(&a.Target)
	c.Amount(&a.Value)
	c.Bytes(&a.Data, MaxCallData)
}

// Borsh implements codec.Record: no bytes.
func (*Noop) Borsh(*codec.Codec) {}

// Borsh implements codec.Record.
func (r *Rotate) Borsh(c *codec.Codec) { r.Set.Borsh(c) }

// Borsh implements codec.Record: no bytes.
func (*Pause) Borsh(*codec.Codec) {}

// Borsh implements codec.Record: no bytes.
func (*Unpause) Borsh(*codec.Codec) {}

// Borsh implements codec.Record.
func (l *SetLimit) Borsh(c *codec.Codec) {
	c.Hash(&l.Token)
	c.Amount(&l.Capacity)
	c.Uint64(&l.Window)
}

// Borsh implements codec.Record.
func (s *Seal) Borsh(c *codec.Codec) {
	c.Uint64(&s.Epoch)
	s.Processor.Borsh(c)
	codec.List(c, &s.Approvers, validators.MaxMembers)
	codec.List(c, &s.Listeners, validators.MaxMembers)
}
