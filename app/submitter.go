package app

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/api"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/internal/units"
	"github.com/trinebridge/trine/store"
	"github.com/trinebridge/trine/submitter"
)

// DefaultCaps are the fee caps on an adapter's chains where nobody has set any.
func DefaultCaps(adapter *chain.Adapter) chain.Caps {
	caps, err := feeCaps(&adapter.Units, &ChainConfig{})
	if err != nil {
		panic(err) // the defaults are numbers
	}
	return caps
}

// unitsOf returns how amounts on a chain are written; none for a chain without an adapter.
func unitsOf(chainID string) chain.Units {
	adapter, err := AdapterOf(chainID)
	if err != nil {
		return chain.Units{}
	}
	return adapter.Units
}

func feeCaps(u *chain.Units, c *ChainConfig) (caps chain.Caps, err error) {
	if caps.MaxFeePerGas, err = units.Parse(orText(c.MaxFeePerGas, u.MaxFeePerGas), u.PriceDecimals); err != nil {
		return caps, fmt.Errorf("chain %s: max_fee_per_gas: %w", c.ID, err)
	}
	if caps.MaxTip, err = units.Parse(orText(c.MaxTip, u.MaxTip), u.PriceDecimals); err != nil {
		return caps, fmt.Errorf("chain %s: max_tip: %w", c.ID, err)
	}
	return caps, nil
}

func orText(text, fallback string) string {
	if text == "" {
		return fallback
	}
	return text
}

func (d *daemon) openSubmitter(ctx context.Context) error {
	if err := d.openFollower(ctx); err != nil {
		return err
	}
	chains := map[string]submitter.Chain{}
	for _, a := range d.chains {
		x, err := d.submitterChain(ctx, a)
		if err != nil {
			return err
		}
		chains[a.config.ID] = x
	}
	s, err := submitter.New(submitter.Config{
		Chains: chains, View: func() submitter.View { return d.node.View() }, Changed: d.node.Changed,
		Store: store.Sub(d.store, "submitter/"), DryRun: d.config.DryRun, Log: d.log,
		Observer: submitter.Observer{Balance: d.metrics.feeBalance, Sent: d.metrics.sent},
	})
	if err != nil {
		return err
	}
	d.server.SetCaps = s.SetCaps
	d.server.PriceDecimals = func(chainID string) uint8 { return unitsOf(chainID).PriceDecimals }
	d.server.SubmitterStatus = func(context.Context) ([]api.SubmitterBalance, error) { return balances(s.Status()), nil }
	d.parts = append(d.parts, part{name: "submitter", run: s.Run})
	d.status = append(d.status, func() []api.Part { return submitterParts(s.Status()) })
	return nil
}

func (d *daemon) submitterChain(ctx context.Context, a *access) (submitter.Chain, error) {
	key, err := OpenPayer(ctx, &a.adapter, a.config.FeeKey, filepath.Dir(d.config.path), nil)
	if err != nil {
		return submitter.Chain{}, fmt.Errorf("chain %s: fee_key: %w", a.config.ID, err)
	}
	caps, err := feeCaps(&a.adapter.Units, a.config)
	if err != nil {
		return submitter.Chain{}, err
	}
	low, err := units.Parse(orText(a.config.LowBalance, a.adapter.Units.LowBalance), a.adapter.Units.CoinDecimals)
	if err != nil {
		return submitter.Chain{}, fmt.Errorf("chain %s: low_balance: %w", a.config.ID, err)
	}
	// Each opening goes to the next endpoint, so that a round that failed is followed by
	// one elsewhere. A wrong endpoint delays a delivery and can do no more: the contract decides.
	var opened atomic.Uint64
	return submitter.Chain{
		Open: func(bridge codec.Hash, startBlock uint64) (chain.Sink, error) {
			url := a.config.Endpoints[(opened.Add(1)-1)%uint64(len(a.config.Endpoints))]
			return a.adapter.OpenSink(chain.SinkConfig{SourceConfig: a.sourceConfig(url, bridge, startBlock), FeeKey: key})
		},
		Finality: a.finality(), Caps: caps, LowBalance: low,
		Resend: time.Duration(a.config.Resend), Poll: time.Duration(a.config.Poll), Timeout: a.config.Timeout.or(requestTimeout),
	}, nil
}

func submitterParts(list []submitter.Status) []api.Part {
	var parts []api.Part
	for i := range list {
		s := &list[i]
		p := api.Part{Name: "submitter " + s.Chain, Ready: s.Ready, Detail: s.Doing, Error: s.Error}
		if s.Low {
			u := unitsOf(s.Chain)
			p.Detail += fmt.Sprintf("; the fee payer %s has only %s %s", s.Address, units.Format(&s.Balance, u.CoinDecimals), u.Coin)
		}
		for _, x := range s.Deliveries {
			text := x.What + " " + x.Phase
			if x.Tx != "" {
				text += fmt.Sprintf(", transaction %s, attempt %d", x.Tx, x.Attempts)
			}
			if x.Reason != "" {
				text += ": " + x.Reason
			}
			p.Waiting = append(p.Waiting, text)
		}
		parts = append(parts, p)
	}
	return parts
}

func balances(list []submitter.Status) []api.SubmitterBalance {
	out := []api.SubmitterBalance{}
	for i := range list {
		s := &list[i]
		out = append(out, api.SubmitterBalance{Chain: s.Chain, Address: s.Address, Balance: s.Balance.Dec(), Low: s.Low, Detail: s.Doing})
	}
	return out
}

// feeBalance is a gauge of whole coins: precise enough to warn.
func (m *metrics) feeBalance(chainID string, balance uint256.Int, _ bool) {
	m.balance.WithLabelValues(chainID).Set(balance.Float64() / math.Pow10(int(unitsOf(chainID).CoinDecimals)))
}

func (m *metrics) sent(chainID, _ string, _ chain.Attempt, replaces bool) {
	m.attempts.WithLabelValues(chainID, fmt.Sprint(replaces)).Inc()
}
