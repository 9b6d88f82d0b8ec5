package approver

import (
	"context"
	"errors"
	"fmt"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/bridgewatch"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/ledger"
	"github.com/trinebridge/trine/signing"
)

// mute says why nothing is signed at all, or nil.
func (a *Approver) mute() error {
	switch {
	case a.config.Compromised():
		return errors.New("approver: there is proof that the processor is hostile: nothing is signed but a pause")
	case a.config.DryRun:
		return errors.New("approver: dry run: nothing is signed")
	}
	return nil
}

// VoteControl signs a control action (Unpause or SetLimit) as the operator asks, and
// submits the vote. It returns the transaction's hash.
func (a *Approver) VoteControl(ctx context.Context, domain bridgecontracts.Domain, control bridgecontracts.Control) (codec.Hash, error) {
	if err := a.mute(); err != nil {
		return codec.Hash{}, err
	}
	tx, err := bridgewatch.VoteControl(ctx, a.config.View(), a.config.Genesis, a.config.Signer, a.config.Now(), domain, control)
	if err != nil {
		return codec.Hash{}, fmt.Errorf("approver: %w", err)
	}
	return a.config.Submit(ctx, tx)
}

// Pause signs a pause of a bridge, as the operator asks. One approver's signature is
// enough, and anyone with funds on the chain can deliver it: no app chain is needed, so
// it works against a hostile processor too. The bridge takes only the sequence after the
// one that it holds, which is what this approver's own endpoints have settled; only
// without them it is what the ledger says, which may have been lied to.
func (a *Approver) Pause(ctx context.Context, domain bridgecontracts.Domain) (chain.Delivery, error) {
	return a.pause(ctx, domain, func(bridge *ledger.Bridge) (uint64, error) {
		if settled, known := a.settledPause(bridge); known {
			return settled, nil
		}
		return bridge.PauseSequence, nil
	})
}

// PauseAt is Pause where the operator has read the sequence that the bridge holds from the
// newest block: a bridge that was unpaused a moment ago can be paused before that is settled.
func (a *Approver) PauseAt(ctx context.Context, domain bridgecontracts.Domain, holds uint64) (chain.Delivery, error) {
	return a.pause(ctx, domain, func(bridge *ledger.Bridge) (uint64, error) {
		if settled, known := a.settledPause(bridge); known && holds < settled {
			return 0, fmt.Errorf("approver: the operator read pause sequence %d from %s, where this approver's own endpoints have settled %d: that node lags or lies; read from another", holds, bridge.Chain, settled)
		}
		return holds, nil
	})
}

// settledPause returns the pause sequence that this approver's own endpoints have shown.
func (a *Approver) settledPause(bridge *ledger.Bridge) (sequence uint64, known bool) {
	w := a.watch(bridge.Domain)
	if w == nil {
		return 0, false
	}
	own := w.reading()
	return own.snapshot.PauseSequence, own.ok
}

func (a *Approver) pause(ctx context.Context, domain bridgecontracts.Domain, stands func(*ledger.Bridge) (uint64, error)) (chain.Delivery, error) {
	if a.config.DryRun {
		return chain.Delivery{}, a.mute()
	}
	view := a.config.View()
	bridge, ok, err := view.Bridge(domain)
	if err != nil {
		return chain.Delivery{}, err
	}
	if !ok {
		return chain.Delivery{}, fmt.Errorf("approver: bridge %s is not attached", domain)
	}
	sequence, err := stands(&bridge)
	if err != nil {
		return chain.Delivery{}, err
	}
	if sequence%2 == 1 {
		return chain.Delivery{}, fmt.Errorf("approver: bridge %s on %s is paused already", domain.Short(), bridge.Chain)
	}
	set, ok, err := view.ValidatorsAt(bridge.Epoch)
	if err != nil {
		return chain.Delivery{}, err
	}
	if !ok || set.Hash() != bridge.SetHash {
		return chain.Delivery{}, fmt.Errorf("approver: bridge %s holds set %s of epoch %d, which the app chain does not know", domain.Short(), bridge.SetHash, bridge.Epoch)
	}
	control := bridgecontracts.Control{Sequence: sequence + 1, Body: &bridgecontracts.Pause{}}
	signature, err := bridgewatch.SignControl(ctx, a.config.Signer, domain, bridge.Epoch, &control)
	if err != nil {
		return chain.Delivery{}, fmt.Errorf("approver: %w", err)
	}
	a.config.Log.Warn("the operator has this approver pause a bridge", "chain", bridge.Chain, "bridge", domain.Short(), "sequence", control.Sequence)
	return chain.Delivery{
		Control: &control,
		Seal:    bridgecontracts.Seal{Epoch: bridge.Epoch, Approvers: []signing.Signature{signature}},
		Set:     set,
	}, nil
}
