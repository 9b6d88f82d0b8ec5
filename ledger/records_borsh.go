package ledger

import (
	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/validators"
)

// Bounds of lists in records; a record is written by this package only, so they guard
// against a corrupt store.
const (
	maxDigests = 1 << 10
	// maxSlot bounds the candidates for one control action: each was opened by another member.
	maxSlot = 1 + 2*validators.MaxMembers
)

// Borsh implements codec.Record.
func (r *Account) Borsh(c *codec.Codec) {
	c.Uint64(&r.ID)
	codec.List(c, &r.Keys, MaxAccountKeys)
	codec.List(c, &r.Wallets, MaxAccountWallets)
	codec.List(c, &r.Balances, MaxAssets)
}

// Borsh implements codec.Record.
func (r *AccountKey) Borsh(c *codec.Codec) {
	r.Key.Borsh(c)
	c.Uint64(&r.Nonce)
}

// Borsh implements codec.Record.
func (r *Wallet) Borsh(c *codec.Codec) {
	c.String(&r.Chain, MaxName)
	c.Hash(&r.Address)
}

// Borsh implements codec.Record.
func (r *Balance) Borsh(c *codec.Codec) {
	c.Uint32(&r.Asset)
	c.Amount(&r.Amount)
}

// Borsh implements codec.Record.
func (r *Bridge) Borsh(c *codec.Codec) {
	c.Hash(&r.Domain)
	c.String(&r.Chain, MaxName)
	c.Hash(&r.Address)
	c.Hash(&r.CodeHash)
	c.Uint64(&r.StartBlock)
	c.Uint64(&r.Generation)
	c.Uint64(&r.EventID)
	c.Hash(&r.Head)
	c.Uint64(&r.Epoch)
	c.Hash(&r.SetHash)
	c.Uint64(&r.PauseSequence)
	c.Uint64(&r.LimitVersion)
	c.Uint64(&r.LastAction)
	c.Uint64(&r.LastExecuted)
	c.Uint64(&r.NextWithdrawal)
	c.String(&r.Halted, maxReason)
	codec.List(c, &r.Tokens, MaxAssets)
}

// Borsh implements codec.Record.
func (r *TokenBook) Borsh(c *codec.Codec) {
	c.Uint32(&r.Asset)
	c.Hash(&r.Token)
	c.Amount(&r.Held)
	c.Amount(&r.InFlight)
	c.Amount(&r.Claimable)
	c.Amount(&r.Dust)
	r.Limit.Borsh(c)
	c.Uint64(&r.QueueHead)
	c.Uint64(&r.QueueTail)
	c.Amount(&r.Queued)
}

// Borsh implements codec.Record.
func (r *Bucket) Borsh(c *codec.Codec) {
	c.Amount(&r.Capacity)
	c.Uint64(&r.Window)
	c.Amount(&r.Level)
	c.Uint64(&r.Updated)
	c.Amount(&r.NextCapacity)
	c.Uint64(&r.NextWindow)
}

// Borsh implements codec.Record.
func (r *Withdrawal) Borsh(c *codec.Codec) {
	c.Uint64(&r.Sequence)
	c.Uint64(&r.Account)
	c.Uint32(&r.Asset)
	c.Hash(&r.To)
	c.Amount(&r.Amount)
	c.Amount(&r.Units)
	c.Amount(&r.Fee)
	c.Hash(&r.Tx)
	c.Uint64(&r.Message)
	c.Uint64(&r.Time)
}

// Borsh implements codec.Record.
func (r *WithdrawalRecord) Borsh(c *codec.Codec) {
	r.Withdrawal.Borsh(c)
	place := uint8(r.Place)
	c.Uint8(&place)
	r.Place = WithdrawalPlace(place)
	c.Uint64(&r.Position)
	c.Uint64(&r.Action)
	c.Uint64(&r.Index)
}

// Borsh implements codec.Record.
func (r *ActionRecord) Borsh(c *codec.Codec) {
	c.Hash(&r.Domain)
	r.Action.Borsh(c)
	codec.List(c, &r.Withdrawals, bridgecontracts.MaxTransfers)
	c.Uint64(&r.Revision)
	status := uint8(r.Status)
	c.Uint8(&status)
	r.Status = ActionStatus(status)
	c.Uint64(&r.Height)
	c.Uint64(&r.Time)
	codec.List(c, &r.Digests, maxDigests)
	codec.Option(c, &r.Seal)
	c.Hash(&r.Failed)
	c.Hash(&r.Executed)
	c.Uint64(&r.ExecutedEvent)
}

// Borsh implements codec.Record.
func (r *ActionDigest) Borsh(c *codec.Codec) {
	c.Uint64(&r.Epoch)
	c.Uint64(&r.Revision)
	kind := uint8(r.Kind)
	c.Uint8(&kind)
	r.Kind = bridgecontracts.ActionKind(kind)
	c.Hash(&r.Digest)
}

// Borsh implements codec.Record.
func (r *ControlRecord) Borsh(c *codec.Codec) {
	c.Hash(&r.Domain)
	r.Control.Borsh(c)
	c.Uint64(&r.Epoch)
	c.Hash(&r.Digest)
	c.Bool(&r.NeedsListeners)
	codec.List(c, &r.Votes, 2*validators.MaxMembers)
	codec.Option(c, &r.Seal)
	c.Bool(&r.Done)
}

// Borsh implements codec.Record.
func (r *ControlVote) Borsh(c *codec.Codec) {
	r.Member.Borsh(c)
	group := uint8(r.Group)
	c.Uint8(&group)
	r.Group = validators.Group(group)
	r.Signature.Borsh(c)
}

// Borsh implements codec.Record.
func (r *UnassignedEvent) Borsh(c *codec.Codec) {
	r.Event.Borsh(c)
	c.String(&r.Reason, maxReason)
}

// Borsh implements codec.Record.
func (r *Meta) Borsh(c *codec.Codec) {
	c.Uint64(&r.Accounts)
	c.Uint64(&r.Epoch)
	c.Hashes(&r.Bridges, MaxChains)
}
