package bridgecontracts

import "github.com/trinebridge/trine/codec"

// newEventBody returns an empty body of a kind.
func newEventBody(kind uint8) (EventBody, bool) {
	switch EventKind(kind) {
	case KindDeposited:
		return &Deposited{}, true
	case KindActionExecuted:
		return &ActionExecuted{}, true
	case KindSetRotated:
		return &SetRotated{}, true
	case KindPaused:
		return &Paused{}, true
	case KindUnpaused:
		return &Unpaused{}, true
	case KindLimitSet:
		return &LimitSet{}, true
	case KindClaimed:
		return &Claimed{}, true
	}
	return nil, false
}

// Borsh implements codec.Record.
func (e *Event) Borsh(c *codec.Codec) {
	c.Uint64(&e.ID)
	codec.Variant(c, &e.Body, func(b EventBody) uint8 { return uint8(b.Kind()) }, newEventBody)
}

// Borsh implements codec.Record.
func (k *KeyProof) Borsh(c *codec.Codec) {
	k.Key.Borsh(c)
	k.Signature.Borsh(c)
}

// Borsh implements codec.Record.
func (e *Deposited) Borsh(c *codec.Codec) {
	c.Hash(&e.Wallet)
	c.Hash(&e.Token)
	c.Amount(&e.Amount)
	codec.List(c, &e.Keys, MaxDepositKeys)
}

// Borsh implements codec.Record.
func (e *ActionExecuted) Borsh(c *codec.Codec) {
	c.Uint64(&e.ActionID)
	c.Hash(&e.Digest)
	c.Hash(&e.Failed)
}

// Borsh implements codec.Record.
func (e *SetRotated) Borsh(c *codec.Codec) {
	c.Uint64(&e.Epoch)
	c.Hash(&e.SetHash)
}

// Borsh implements codec.Record.
func (e *Paused) Borsh(c *codec.Codec) { c.Uint64(&e.Sequence) }

// Borsh implements codec.Record.
func (e *Unpaused) Borsh(c *codec.Codec) { c.Uint64(&e.Sequence) }

// Borsh implements codec.Record.
func (e *LimitSet) Borsh(c *codec.Codec) {
	c.Uint64(&e.Sequence)
	c.Hash(&e.Token)
	c.Amount(&e.Capacity)
	c.Uint64(&e.Window)
}

// Borsh implements codec.Record.
func (e *Claimed) Borsh(c *codec.Codec) {
	c.Hash(&e.Token)
	c.Hash(&e.Recipient)
	c.Amount(&e.Amount)
}
