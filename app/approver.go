package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/trinebridge/trine/api"
	"github.com/trinebridge/trine/approver"
	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/internal/units"
	"github.com/trinebridge/trine/ledger"
)

func (d *daemon) openApprover(ctx context.Context) error {
	if err := d.openFollower(ctx); err != nil {
		return err
	}
	book, err := d.openAcks()
	if err != nil {
		return err
	}
	attach, err := intents(d.chains)
	if err != nil {
		return err
	}
	limits, err := approverLimits(d.config.Approver.Limits, d.ledger.Genesis())
	if err != nil {
		return err
	}
	a, err := approver.New(approver.Config{
		Member: d.member(attach, book, "approver/"), Assets: d.ledger.Genesis().Assets, Limits: limits,
		View: func() approver.View { return d.node.View() }, Network: d.net,
	})
	if err != nil {
		return err
	}
	d.server.Attach, d.server.VoteControl = a.Attach, a.VoteControl
	d.server.Pause = func(ctx context.Context, domain bridgecontracts.Domain, holds *uint64) (chain.Delivery, error) {
		if holds != nil {
			return a.PauseAt(ctx, domain, *holds)
		}
		return a.Pause(ctx, domain)
	}
	d.parts = append(d.parts, part{name: "approver", run: a.Run})
	d.status = append(d.status, d.seat, func() []api.Part { return approverParts(a.Status()) })
	return nil
}

func approverParts(s approver.Status) []api.Part {
	whole := api.Part{Name: "approver", Ready: s.Ready, Detail: s.Doing}
	for _, x := range s.Actions {
		if x.Detail != "" {
			whole.Waiting = append(whole.Waiting, fmt.Sprintf("action %d on %s: %s: %s", x.ActionID, x.Chain, x.State, x.Detail))
		}
	}
	parts := []api.Part{whole}
	for _, b := range s.Bridges {
		parts = append(parts, api.Part{Name: "approver " + b.Chain, Ready: b.Ready, Detail: b.Doing, Error: b.Error})
	}
	return parts
}

// approverLimits turns the file's limits into units.
func approverLimits(file []ApproverLimit, genesis *ledger.Genesis) ([]approver.Limit, error) {
	var out []approver.Limit
	var faults []error
	for _, l := range file {
		id, known := genesis.AssetBySymbol(l.Asset)
		asset, _ := genesis.Asset(id)
		if !known {
			faults = append(faults, fmt.Errorf("approver.limit: asset %q is not in the genesis", l.Asset))
			continue
		}
		amount, err := units.Parse(l.Amount, asset.Decimals)
		if err != nil {
			faults = append(faults, fmt.Errorf("approver.limit for %s on %s: %w", l.Asset, l.Chain, err))
		}
		if _, there := asset.TokenOn(l.Chain); !there {
			faults = append(faults, fmt.Errorf("approver.limit for %s on %s: the asset has no token there, so it would limit nothing", l.Asset, l.Chain))
		}
		out = append(out, approver.Limit{Chain: l.Chain, Asset: id, Amount: amount, Window: time.Duration(l.Window)})
	}
	return out, errors.Join(faults...)
}
