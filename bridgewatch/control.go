package bridgewatch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/ledger"
	"github.com/trinebridge/trine/signing"
)

// ControlView is what a vote needs to know of the app chain.
type ControlView interface {
	Bridge(domain bridgecontracts.Domain) (ledger.Bridge, bool, error)
	AccountByKey(public signing.PublicKey) (ledger.Account, bool, error)
	CheckVote(domain bridgecontracts.Domain, control *bridgecontracts.Control, member signing.Address) error
}

// VoteControl signs a control action with a member's guarded key and returns the signed
// transaction that carries the vote. What the ledger would refuse is not signed: its error is a
// ledger.Rejection. A member that has signed another action of the sequence gets signing.ErrDoubleSign.
func VoteControl(ctx context.Context, view ControlView, genesis codec.Hash, signer signing.Signer, now time.Time, domain bridgecontracts.Domain, control bridgecontracts.Control) (*ledger.Transaction, error) {
	bridge, ok, err := view.Bridge(domain)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, fmt.Errorf("bridge %s is not attached", domain)
	}
	if err := view.CheckVote(domain, &control, signer.PublicKey().Address()); err != nil {
		return nil, err
	}
	signature, err := SignControl(ctx, signer, domain, bridge.Epoch, &control)
	if errors.Is(err, signing.ErrDoubleSign) {
		return nil, fmt.Errorf("this member has voted for another %s %d of bridge %s, and a vote cannot be taken back: agree on what it voted for, or have the other members decide without it: %w",
			control.Body.Kind(), control.Sequence, domain.Short(), err)
	}
	if err != nil {
		return nil, err
	}
	account, _, err := view.AccountByKey(signer.PublicKey())
	if err != nil {
		return nil, err
	}
	var used uint64
	if i := slices.IndexFunc(account.Keys, func(k ledger.AccountKey) bool { return k.Key == signer.PublicKey() }); i >= 0 {
		used = account.Keys[i].Nonce
	}
	tx := &ledger.Transaction{
		Genesis: genesis, Key: signer.PublicKey(), Nonce: used + 1, Time: uint64(now.UnixMilli()), // after 1970
		Messages: []ledger.Message{{Body: &ledger.VoteControl{Domain: domain, Control: control, Signature: signature}}},
	}
	tx.Signature, err = signer.Sign(ctx, signing.Statement{
		Slot:   signing.Slot{Kind: signing.KindTx, Scope: genesis, ID: tx.Nonce},
		Digest: tx.Digest(),
	})
	if err != nil {
		return nil, fmt.Errorf("signing the vote's transaction: %w", err)
	}
	return tx, nil
}

// SignControl signs the control digest for the members of an epoch.
func SignControl(ctx context.Context, signer signing.Signer, domain bridgecontracts.Domain, epoch uint64, control *bridgecontracts.Control) (signing.Signature, error) {
	kind := control.Body.Kind()
	signature, err := signer.Sign(ctx, signing.Statement{
		Slot:   signing.Slot{Kind: signing.KindControl, Scope: domain, Age: epoch, ID: control.Sequence, Sub: uint64(kind)},
		Digest: control.Digest(domain, epoch),
	})
	if err != nil {
		return signing.Signature{}, fmt.Errorf("signing %s %d of bridge %s: %w", kind, control.Sequence, domain.Short(), err)
	}
	return signature, nil
}
