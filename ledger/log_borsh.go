package ledger

import (
	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/codec"
)

const (
	// maxReason bounds texts in the log and in records, in bytes.
	maxReason = 256
	// maxLog is above what any block can do: a transaction of MaxTransactionSize holds
	// fewer than 2^15 events, and no event leads to more than a window or a batch of entries.
	maxLog = 1 << 21
)

// Log is the list of entries of a block.
type Log []Entry

// Borsh implements codec.Record.
func (l *Log) Borsh(c *codec.Codec) { codec.List(c, (*[]Entry)(l), maxLog) }

// Hash returns keccak256 of the log's Borsh bytes.
func (l Log) Hash() codec.Hash { return codec.Keccak(codec.Marshal(&l)) }

// Borsh implements codec.Record.
func (e *Entry) Borsh(c *codec.Codec) {
	codec.Variant(c, &e.Body, EntryBody.entryTag, newEntryBody)
}

func newEntryBody(tag uint8) (EntryBody, bool) {
	switch tag {
	case 1:
		return &AccountOpened{}, true
	case 2:
		return &DepositCredited{}, true
	case 3:
		return &KeyLinked{}, true
	case 4:
		return &LinkIgnored{}, true
	case 5:
		return &Unassigned{}, true
	case 6:
		return &Transferred{}, true
	case 7:
		return &WithdrawalQueued{}, true
	case 8:
		return &WithdrawalReturned{}, true
	case 9:
		return &ActionEmitted{}, true
	case 10:
		return &ActionWasSealed{}, true
	case 11:
		return &ActionWasExecuted{}, true
	case 12:
		return &ClaimPaid{}, true
	case 13:
		return &BridgeAttached{}, true
	case 14:
		return &BridgeChanged{}, true
	case 15:
		return &BridgeHalted{}, true
	case 16:
		return &ControlVoted{}, true
	case 17:
		return &ControlSealed{}, true
	case 18:
		return &AppEvent{}, true
	case 19:
		return &FeeCollected{}, true
	case 20:
		return &WithdrawalRequeued{}, true
	}
	return nil, false
}

func (*AccountOpened) entryTag() uint8      { return 1 }
func (*DepositCredited) entryTag() uint8    { return 2 }
func (*KeyLinked) entryTag() uint8          { return 3 }
func (*LinkIgnored) entryTag() uint8        { return 4 }
func (*Unassigned) entryTag() uint8         { return 5 }
func (*Transferred) entryTag() uint8        { return 6 }
func (*WithdrawalQueued) entryTag() uint8   { return 7 }
func (*WithdrawalReturned) entryTag() uint8 { return 8 }
func (*ActionEmitted) entryTag() uint8      { return 9 }
func (*ActionWasSealed) entryTag() uint8    { return 10 }
func (*ActionWasExecuted) entryTag() uint8  { return 11 }
func (*ClaimPaid) entryTag() uint8          { return 12 }
func (*BridgeAttached) entryTag() uint8     { return 13 }
func (*BridgeChanged) entryTag() uint8      { return 14 }
func (*BridgeHalted) entryTag() uint8       { return 15 }
func (*ControlVoted) entryTag() uint8       { return 16 }
func (*ControlSealed) entryTag() uint8      { return 17 }
func (*AppEvent) entryTag() uint8           { return 18 }
func (*FeeCollected) entryTag() uint8       { return 19 }
func (*WithdrawalRequeued) entryTag() uint8 { return 20 }

// Name implements EntryBody.
func (*AccountOpened) Name() string { return "account-opened" }

// Name implements EntryBody.
func (*DepositCredited) Name() string { return "deposit-credited" }

// Name implements EntryBody.
func (*KeyLinked) Name() string { return "key-linked" }

// Name implements EntryBody.
func (*LinkIgnored) Name() string { return "link-ignored" }

// Name implements EntryBody.
func (*Unassigned) Name() string { return "unassigned" }

// Name implements EntryBody.
func (*Transferred) Name() string { return "transferred" }

// Name implements EntryBody.
func (*WithdrawalQueued) Name() string { return "withdrawal-queued" }

// Name implements EntryBody.
func (*WithdrawalReturned) Name() string { return "withdrawal-returned" }

// Name implements EntryBody.
func (*ActionEmitted) Name() string { return "action-emitted" }

// Name implements EntryBody.
func (*ActionWasSealed) Name() string { return "action-sealed" }

// Name implements EntryBody.
func (*ActionWasExecuted) Name() string { return "action-executed" }

// Name implements EntryBody.
func (*ClaimPaid) Name() string { return "claim-paid" }

// Name implements EntryBody.
func (*BridgeAttached) Name() string { return "bridge-attached" }

// Name implements EntryBody.
func (*BridgeChanged) Name() string { return "bridge-changed" }

// Name implements EntryBody.
func (*BridgeHalted) Name() string { return "bridge-halted" }

// Name implements EntryBody.
func (*ControlVoted) Name() string { return "control-voted" }

// Name implements EntryBody.
func (*ControlSealed) Name() string { return "control-sealed" }

// Name implements EntryBody.
func (*AppEvent) Name() string { return "app-event" }

// Name implements EntryBody.
func (*FeeCollected) Name() string { return "fee-collected" }

// Name implements EntryBody.
func (*WithdrawalRequeued) Name() string { return "withdrawal-requeued" }

// Borsh implements codec.Record.
func (e *AccountOpened) Borsh(c *codec.Codec) {
	c.Uint64(&e.Account)
}

// Borsh implements codec.Record.
func (e *DepositCredited) Borsh(c *codec.Codec) {
	c.Hash(&e.Domain)
	c.Uint64(&e.EventID)
	c.Uint64(&e.Account)
	c.Uint32(&e.Asset)
	c.Amount(&e.Amount)
	c.Amount(&e.Dust)
}

// Borsh implements codec.Record.
func (e *KeyLinked) Borsh(c *codec.Codec) {
	c.Hash(&e.Domain)
	c.Uint64(&e.EventID)
	c.Uint64(&e.Account)
	c.Uint64(&e.Merged)
}

// Borsh implements codec.Record.
func (e *LinkIgnored) Borsh(c *codec.Codec) {
	c.Hash(&e.Domain)
	c.Uint64(&e.EventID)
	c.Uint8(&e.Index)
	c.String(&e.Reason, maxReason)
}

// Borsh implements codec.Record.
func (e *Unassigned) Borsh(c *codec.Codec) {
	c.Hash(&e.Domain)
	c.Uint64(&e.EventID)
	c.String(&e.Reason, maxReason)
}

// Borsh implements codec.Record.
func (e *Transferred) Borsh(c *codec.Codec) {
	c.Uint64(&e.From)
	c.Uint64(&e.To)
	c.Uint32(&e.Asset)
	c.Amount(&e.Amount)
}

// Borsh implements codec.Record.
func (e *WithdrawalQueued) Borsh(c *codec.Codec) {
	c.Hash(&e.Domain)
	c.Uint64(&e.Sequence)
	c.Uint64(&e.Account)
	c.Uint32(&e.Asset)
	c.Amount(&e.Amount)
	c.Amount(&e.Fee)
}

// Borsh implements codec.Record.
func (e *WithdrawalReturned) Borsh(c *codec.Codec) {
	c.Hash(&e.Domain)
	c.Uint64(&e.Sequence)
	c.Uint64(&e.Account)
	c.Uint32(&e.Asset)
	c.Amount(&e.Amount)
}

// Borsh implements codec.Record.
func (e *ActionEmitted) Borsh(c *codec.Codec) {
	c.Hash(&e.Domain)
	c.Uint64(&e.ActionID)
	c.Uint64(&e.Revision)
	c.Hash(&e.Digest)
}

// Borsh implements codec.Record.
func (e *ActionWasSealed) Borsh(c *codec.Codec) {
	c.Hash(&e.Domain)
	c.Uint64(&e.ActionID)
	c.Hash(&e.Digest)
}

// Borsh implements codec.Record.
func (e *ActionWasExecuted) Borsh(c *codec.Codec) {
	c.Hash(&e.Domain)
	c.Uint64(&e.ActionID)
	c.Uint64(&e.EventID)
	c.Hash(&e.Failed)
}

// Borsh implements codec.Record.
func (e *ClaimPaid) Borsh(c *codec.Codec) {
	c.Hash(&e.Domain)
	c.Uint64(&e.EventID)
	c.Hash(&e.Recipient)
	c.Hash(&e.Token)
	c.Amount(&e.Amount)
}

// Borsh implements codec.Record.
func (e *BridgeAttached) Borsh(c *codec.Codec) {
	c.Hash(&e.Domain)
	c.String(&e.Chain, MaxName)
	c.Hash(&e.Bridge)
}

// Borsh implements codec.Record.
func (e *BridgeChanged) Borsh(c *codec.Codec) {
	c.Hash(&e.Domain)
	c.Uint64(&e.EventID)
	kind := uint8(e.Kind)
	c.Uint8(&kind)
	e.Kind = bridgecontracts.EventKind(kind)
}

// Borsh implements codec.Record.
func (e *BridgeHalted) Borsh(c *codec.Codec) {
	c.Hash(&e.Domain)
	c.String(&e.Reason, maxReason)
}

// Borsh implements codec.Record.
func (e *ControlVoted) Borsh(c *codec.Codec) {
	c.Hash(&e.Domain)
	kind := uint8(e.Kind)
	c.Uint8(&kind)
	e.Kind = bridgecontracts.ControlKind(kind)
	c.Uint64(&e.Sequence)
	c.Uint64(&e.Votes)
}

// Borsh implements codec.Record.
func (e *ControlSealed) Borsh(c *codec.Codec) {
	c.Hash(&e.Domain)
	kind := uint8(e.Kind)
	c.Uint8(&kind)
	e.Kind = bridgecontracts.ControlKind(kind)
	c.Uint64(&e.Sequence)
}

// Borsh implements codec.Record.
func (e *AppEvent) Borsh(c *codec.Codec) {
	c.Bytes(&e.Data, MaxAppData)
}

// Borsh implements codec.Record.
func (e *FeeCollected) Borsh(c *codec.Codec) {
	c.Hash(&e.Domain)
	c.Uint64(&e.ActionID)
	c.Uint64(&e.Account)
	c.Uint32(&e.Asset)
	c.Amount(&e.Amount)
}

// Borsh implements codec.Record.
func (e *WithdrawalRequeued) Borsh(c *codec.Codec) {
	c.Hash(&e.Domain)
	c.Uint64(&e.Sequence)
}
