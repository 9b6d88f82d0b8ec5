package approver

import (
	"errors"
	"fmt"
	"time"

	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/ledger"
	"github.com/trinebridge/trine/signing"
	"github.com/trinebridge/trine/validators"
)

// verdict is a reason not to sign, nil for none.
type verdict struct {
	state  State
	reason Reason
	detail string
}

func wait(r Reason, format string, args ...any) *verdict {
	return &verdict{Waiting, r, fmt.Sprintf(format, args...)}
}

func refuse(r Reason, format string, args ...any) *verdict {
	return &verdict{Refused, r, fmt.Sprintf(format, args...)}
}

// round is what all decisions of one moment stand on.
type round struct {
	approver     *Approver
	now          time.Time
	view         View
	set          validators.Set
	bridges      []ledger.Bridge
	acknowledged uint64
}

// asked is an action that waits for approvals, and what this approver made of it.
type asked struct {
	bridge *ledger.Bridge
	record *ledger.ActionRecord
	// digest is this approver's own; amounts are what the action pays, by asset, in its units.
	digest  codec.Hash
	amounts []ledger.Balance
	// seen are the attached bridges as the ledger had them when this approver first saw the
	// action: no event that came later can have led to it.
	seen []ledger.Bridge
}

// judge returns why an action is not to be signed now, or nil. The error is the node's or the store's.
func (r *round) judge(a *asked) (*verdict, error) {
	if v := r.general(a); v != nil {
		return v, nil
	}
	if v, err := r.rebuild(a); v != nil || err != nil {
		return v, err
	}
	if a.record.Height > r.acknowledged {
		return wait(WaitAcknowledged, "block %d, which emitted the action, is not acknowledged by a listener quorum and an approver quorum yet; block %d is", a.record.Height, r.acknowledged), nil
	}
	if v, err := r.histories(a); v != nil || err != nil {
		return v, err
	}
	if v, err := r.solvent(a); v != nil || err != nil {
		return v, err
	}
	if v := r.withinLimits(a); v != nil {
		return v, nil
	}
	if r.approver.config.DryRun {
		return wait(WaitDryRun, "dry run: would sign"), nil
	}
	return nil, nil
}

// general looks at what does not depend on the action's content.
func (r *round) general(a *asked) *verdict {
	own := r.approver.config.Signer.PublicKey().Address()
	switch {
	case r.approver.config.Compromised():
		return refuse(RefuseCompromised, "there is proof that the processor is hostile; nothing is signed until it is replaced")
	case !r.set.Has(validators.Approvers, own):
		return refuse(RefuseSeat, "this approver's key %s holds no approver's seat in epoch %d", own, r.set.Epoch)
	case a.bridge.Halted != "":
		return refuse(RefuseHalted, "the bridge's value lane is halted: %s", a.bridge.Halted)
	case a.bridge.PauseSequence%2 == 1:
		return wait(WaitPaused, "the bridge is paused")
	case a.bridge.Epoch != r.set.Epoch:
		return wait(WaitEpoch, "the bridge holds the set of epoch %d, the app chain is at %d", a.bridge.Epoch, r.set.Epoch)
	}
	return nil
}

// rebuild makes the action anew from the withdrawals that it pays, compares, and computes the digest.
func (r *round) rebuild(a *asked) (*verdict, error) {
	rec := a.record
	body, err := r.expectedBody(a)
	if err != nil {
		var v *verdictError
		if errors.As(err, &v) {
			return &v.verdict, nil
		}
		return nil, err
	}
	if body.Hash() != rec.Action.Body.Hash() || body.Kind() != rec.Action.Body.Kind() {
		return refuse(RefuseMalformed, "the action is not what its %d withdrawals ask for", len(rec.Withdrawals)), nil
	}
	rebuilt := bridgecontracts.Action{ID: rec.Action.ID, Body: body}
	a.digest = rebuilt.Digest(a.bridge.Domain, r.set.Epoch)
	if len(rec.Digests) == 0 {
		return refuse(RefuseDigest, "the ledger asks for no digest"), nil
	}
	newest := rec.Digests[len(rec.Digests)-1]
	if newest.Digest != a.digest || newest.Epoch != r.set.Epoch || newest.Revision != rec.Revision {
		return refuse(RefuseDigest, "the ledger asks for digest %s of epoch %d and revision %d, own is %s of epoch %d and revision %d",
			newest.Digest, newest.Epoch, newest.Revision, a.digest, r.set.Epoch, rec.Revision), nil
	}
	return nil, nil
}

// verdictError carries a verdict through an error return.
type verdictError struct{ verdict }

func (v *verdictError) Error() string { return v.detail }

func malformed(format string, args ...any) error {
	return &verdictError{*refuse(RefuseMalformed, format, args...)}
}

// expectedBody returns the body that pays the action's withdrawals, each of which must be
// on its way in this action. It fills in the amounts.
func (r *round) expectedBody(a *asked) (bridgecontracts.ActionBody, error) {
	rec := a.record
	if rec.Domain != a.bridge.Domain {
		return nil, malformed("the action is of bridge %s", rec.Domain)
	}
	transfers := &bridgecontracts.Transfers{}
	for i := range rec.Withdrawals {
		w := &rec.Withdrawals[i]
		transfer, err := r.transferOf(a.bridge, w)
		if err != nil {
			return nil, err
		}
		place, ok, err := r.view.Withdrawal(a.bridge.Domain, w.Sequence)
		if err != nil {
			return nil, err
		}
		if !ok || place.Place != ledger.WithdrawalInFlight || place.Action != rec.Action.ID || place.Index != uint64(i) || place.Withdrawal != *w {
			return nil, malformed("withdrawal %d, its transfer %d, is not on its way in this action", w.Sequence, i)
		}
		transfers.Transfers = append(transfers.Transfers, transfer)
		if rec.Action.Body.Kind() == bridgecontracts.KindTransfers {
			a.add(w.Asset, &w.Units)
		}
	}
	switch rec.Action.Body.Kind() {
	case bridgecontracts.KindTransfers:
		if len(transfers.Transfers) == 0 {
			return nil, malformed("the action pays nothing")
		}
		return transfers, nil
	case bridgecontracts.KindNoop:
		if rec.Revision < 2 {
			return nil, malformed("a first revision does nothing")
		}
		return &bridgecontracts.Noop{}, nil
	default:
		return nil, &verdictError{*refuse(RefuseCall, "a governance call needs a decision of the members, and the ledger records none")}
	}
}

// transferOf returns the transfer that pays a withdrawal.
func (r *round) transferOf(bridge *ledger.Bridge, w *ledger.Withdrawal) (bridgecontracts.Transfer, error) {
	assets := r.approver.config.Assets
	if w.Asset == 0 || int(w.Asset) > len(assets) {
		return bridgecontracts.Transfer{}, malformed("withdrawal %d is of asset %d, which the genesis does not list", w.Sequence, w.Asset)
	}
	asset := &assets[w.Asset-1]
	token, ok := asset.TokenOn(bridge.Chain)
	if !ok {
		return bridgecontracts.Transfer{}, malformed("withdrawal %d is of asset %s, which has no token on chain %s", w.Sequence, asset.Symbol, bridge.Chain)
	}
	amount, ok := asset.ToToken(token, &w.Units)
	if !ok || amount.IsZero() || amount != w.Amount {
		return bridgecontracts.Transfer{}, malformed("withdrawal %d is of %s units of asset %s, and pays %s units of its token", w.Sequence, w.Units.Dec(), asset.Symbol, w.Amount.Dec())
	}
	return bridgecontracts.Transfer{Token: token.Address, To: w.To, Amount: amount}, nil
}

func (a *asked) add(asset ledger.AssetID, units *uint256.Int) {
	for i := range a.amounts {
		if a.amounts[i].Asset == asset {
			saturatingAdd(&a.amounts[i].Amount, units)
			return
		}
	}
	a.amounts = append(a.amounts, ledger.Balance{Asset: asset, Amount: *units})
}

// solvent asks whether the bridge, by the approver's own reading, holds what it is to pay
// with this action, with those before it, and for claims.
func (r *round) solvent(a *asked) (*verdict, error) {
	own := r.approver.watch(a.bridge.Domain).reading()
	id := a.record.Action.ID
	switch {
	case own.snapshot.PauseSequence%2 == 1:
		return wait(WaitPaused, "own endpoints show that the bridge is paused"), nil
	case own.snapshot.Epoch != a.bridge.Epoch:
		return wait(WaitEpoch, "own endpoints show that the bridge holds the set of epoch %d", own.snapshot.Epoch), nil
	case own.snapshot.NextAction > id:
		return wait(WaitExecuted, "own endpoints show that the bridge takes action %d next", own.snapshot.NextAction), nil
	}
	needed := make([]uint256.Int, len(a.bridge.Tokens))
	for before := max(own.snapshot.NextAction, a.bridge.LastExecuted+1); before <= id; before++ {
		rec, ok, err := r.view.Action(a.bridge.Domain, before)
		if err != nil {
			return nil, err
		}
		if !ok {
			return refuse(RefuseMalformed, "action %d before it is not in the ledger", before), nil
		}
		for i := range rec.Withdrawals {
			for t := range a.bridge.Tokens {
				if a.bridge.Tokens[t].Asset == rec.Withdrawals[i].Asset {
					saturatingAdd(&needed[t], &rec.Withdrawals[i].Amount)
				}
			}
		}
	}
	for t := range a.bridge.Tokens {
		book := &a.bridge.Tokens[t]
		if needed[t].IsZero() {
			continue
		}
		saturatingAdd(&needed[t], &book.Claimable)
		if held := &own.snapshot.Tokens[t].Held; needed[t].Gt(held) {
			v := refuse(RefuseInsolvent, "the bridge holds %s units of token %s at block %s, and needs %s up to this action, claims included", held.Dec(), book.Token, own.block, needed[t].Dec())
			if own.verified.ID != a.bridge.EventID {
				v.state = Waiting // the ledger will hear of what was paid since
			}
			return v, nil
		}
	}
	return nil, nil
}

// withinLimits applies the approver's own outflow limits.
func (r *round) withinLimits(a *asked) *verdict {
	e := r.approver.outflow.check(r.now, outflowKey{a.bridge.Domain, a.record.Action.ID}, a.bridge.Chain, a.amounts)
	if e == nil {
		return nil
	}
	symbol := r.approver.config.Assets[e.limit.Asset-1].Symbol
	if e.until.IsZero() {
		return refuse(RefuseOverLimit, "the action pays %s units of %s on %s, own limit is %s in %s: raise the limit in this approver's configuration",
			e.asked.Dec(), symbol, e.limit.Chain, e.limit.Amount.Dec(), e.limit.Window)
	}
	return wait(WaitLimit, "the action pays %s units of %s on %s, %s are signed within %s, own limit is %s; it fits at %s",
		e.asked.Dec(), symbol, e.limit.Chain, e.signed.Dec(), e.limit.Window, e.limit.Amount.Dec(), e.until.UTC().Format(time.RFC3339))
}

// statement is what the approver signs about an action.
func (a *asked) statement(epoch uint64) signing.Statement {
	return signing.Statement{
		Slot:   signing.Slot{Kind: signing.KindAction, Scope: a.bridge.Domain, Age: epoch, ID: a.record.Action.ID, Revision: a.record.Revision},
		Digest: a.digest,
	}
}
