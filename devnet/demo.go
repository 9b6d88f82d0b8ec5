package devnet

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/api"
	"github.com/trinebridge/trine/app"
	"github.com/trinebridge/trine/ledger"
)

// Step is one thing that the demonstration did.
type Step struct {
	// Name begins with what was done: deposit, link, transfer or withdraw.
	Name string `json:"name"`
	// Chain is the CAIP-2 id where the step ended; the app chain's is trine:<16 hex digits>.
	Chain string `json:"chain"`
	Tx    string `json:"tx"`
	// MS is how long it took until it counted, in milliseconds.
	MS int64 `json:"ms"`
	// Gas is what the chain charged; the app chain charges none.
	Gas uint64 `json:"gas"`
}

// Report is what the demonstration did and found.
type Report struct {
	OK    bool   `json:"ok"`
	Steps []Step `json:"steps"`
	// Invariant is "holds", or what the audit found.
	Invariant string `json:"invariant"`
}

// demo is the demonstration at work.
type demo struct {
	network  *Network
	client   *api.Client
	progress func(Step, string)
	report   Report
}

// Demonstrate plays deposits, transfers and withdrawals through the network, and tells
// progress after each step. It compares what people own on the chains at the end with
// what they must own, and asks for the audit.
func Demonstrate(ctx context.Context, n *Network, progress func(step Step, what string)) (Report, error) {
	client, err := n.Daemon(app.RoleListener).Client()
	if err != nil {
		return Report{}, err
	}
	d := &demo{network: n, client: client, progress: progress, report: Report{Steps: []Step{}}}
	if err := d.play(ctx); err != nil {
		return d.report, err
	}
	if err := d.audit(ctx); err != nil {
		return d.report, err
	}
	d.report.OK = true
	return d.report, nil
}

func (d *demo) play(ctx context.Context) error {
	var who [3]*User
	for i, name := range []string{"Alice", "Bob", "Carol"} {
		err := d.bounded(ctx, func(ctx context.Context) (err error) {
			who[i], err = d.network.NewUser(ctx, name)
			return err
		})
		if err != nil {
			return err
		}
	}
	first, last := d.network.Chains[0], d.network.Chains[len(d.network.Chains)-1]
	script := d.alike(first, last, who[0], who[1], who[2])
	if i := slices.IndexFunc(d.network.Chains, func(x *External) bool { return x.family != first.family }); i >= 0 {
		script = d.different(first, d.network.Chains[i], who[0], who[1], who[2])
	}
	for _, step := range script {
		if err := d.bounded(ctx, step); err != nil {
			return err
		}
	}
	return nil
}

// stepWithin bounds one step: ten times what one takes on a slow machine.
const stepWithin = 2 * time.Minute

// bounded ends a step that takes too long, and says so.
func (d *demo) bounded(ctx context.Context, step func(context.Context) error) error {
	logs := "the daemons' logs are in " + d.network.Dir
	if d.network.temporary {
		logs = "with --dir the daemons' logs are kept"
	}
	ctx, cancel := context.WithTimeoutCause(ctx, stepWithin, fmt.Errorf("it was not done within %s (%s)", stepWithin, logs))
	defer cancel()
	err := step(ctx)
	if cause := context.Cause(ctx); err != nil && cause != nil && !errors.Is(err, cause) {
		err = fmt.Errorf("%w: %w", err, cause)
	}
	return err
}

// alike is the script for chains of one family, which may be one chain.
func (d *demo) alike(first, second *External, alice, bob, carol *User) []func(context.Context) error {
	deposits := func(step string, who *User, x *External, symbol, amount string, link bool) func(context.Context) error {
		return func(ctx context.Context) error { return d.deposit(ctx, step, who, x, symbol, amount, link) }
	}
	late, coin := &pending{}, first.family.coin.symbol
	// Funds on the second chain come late, so that a withdrawal there has to wait for them.
	waits := second != first
	return []func(context.Context) error{
		deposits("deposit 500 USDC, with Alice's key", alice, first, "USDC", "500", true),
		deposits("deposit 2 "+coin, alice, first, coin, "2", false),
		deposits("link Bob's key to his wallet", bob, second, "", "0", true),
		func(ctx context.Context) error { return d.transfer(ctx, alice, bob, "USDC", "200") },
		func(ctx context.Context) error { return d.transfer(ctx, alice, bob, coin, "0.5") },
		func(ctx context.Context) error { return d.withdraw(ctx, alice, first, "USDC", "100") },
		func(ctx context.Context) error { return d.withdraw(ctx, bob, first, coin, "0.5") },
		func(ctx context.Context) error { return d.queue(ctx, late, bob, second, "USDC", "150", waits) },
		deposits("deposit 1000 USDC, with Carol's key, which brings the funds", carol, second, "USDC", "1000", true),
		func(ctx context.Context) error { return d.await(ctx, late) },
		func(ctx context.Context) error { return d.withdraw(ctx, carol, second, "USDC", "50") },
	}
}

// different is the script for two chains of different families: the dollar and the coin of
// the second one cross in both directions.
func (d *demo) different(first, second *External, alice, bob, carol *User) []func(context.Context) error {
	deposits := func(step string, who *User, x *External, symbol, amount string, link bool) func(context.Context) error {
		return func(ctx context.Context) error { return d.deposit(ctx, step, who, x, symbol, amount, link) }
	}
	late, coin := &pending{}, second.family.coin.symbol
	return []func(context.Context) error{
		deposits("deposit 500 USDC, with Alice's key", alice, second, "USDC", "500", true),
		deposits("deposit 2 "+coin, alice, second, coin, "2", false),
		deposits("deposit 300 USDC, with Bob's key", bob, first, "USDC", "300", true),
		func(ctx context.Context) error { return d.transfer(ctx, alice, bob, "USDC", "80") },
		func(ctx context.Context) error { return d.withdraw(ctx, alice, first, "USDC", "120") },
		func(ctx context.Context) error { return d.withdraw(ctx, bob, second, "USDC", "150") },
		func(ctx context.Context) error { return d.withdraw(ctx, alice, second, coin, "0.5") },
		func(ctx context.Context) error { return d.queue(ctx, late, alice, first, coin, "1", true) },
		deposits("deposit 3 "+coin+" as a token, with Carol's key, which brings the funds", carol, first, coin, "3", true),
		func(ctx context.Context) error { return d.await(ctx, late) },
		func(ctx context.Context) error { return d.withdraw(ctx, carol, second, coin, "0.75") },
	}
}

func (d *demo) done(name, chainID, tx string, began time.Time, gas uint64, what string) {
	step := Step{name, chainID, tx, time.Since(began).Milliseconds(), gas}
	d.report.Steps = append(d.report.Steps, step)
	d.progress(step, what)
}

// deposit sends units, a key or both to a bridge and waits until the app chain has them.
func (d *demo) deposit(ctx context.Context, name string, who *User, x *External, symbol, text string, link bool) error {
	began := time.Now()
	var want uint256.Int
	if symbol != "" {
		a, err := d.network.Amount(x, symbol, text)
		if err != nil {
			return err
		}
		held, err := d.holds(ctx, who, x, symbol)
		if err != nil {
			return err
		}
		want.Add(&held, &a.Units)
	}
	receipt, err := who.Deposit(ctx, x, symbol, text, link)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	err = d.until(ctx, name, func() (bool, error) {
		account, ok, err := who.Account(ctx, x)
		if err != nil || !ok || link && len(account.Keys) == 0 {
			return false, err
		}
		held, err := Balance(&account, symbol)
		return held == want, err
	})
	if err != nil {
		return err
	}
	d.done(name, x.ID, receipt.Tx, began, receipt.GasUsed, fmt.Sprintf("%s's wallet called the bridge, a listener quorum attested it, the app chain booked it", who.Name))
	return nil
}

// holds returns what the account of the user's wallet holds, in units of the asset.
func (d *demo) holds(ctx context.Context, who *User, x *External, symbol string) (uint256.Int, error) {
	account, _, err := who.Account(ctx, x)
	if err != nil {
		return uint256.Int{}, err
	}
	return Balance(&account, symbol)
}

func (d *demo) transfer(ctx context.Context, from, to *User, symbol, text string) error {
	began := time.Now()
	name := fmt.Sprintf("transfer %s %s from %s to %s", text, symbol, from.Name, to.Name)
	a, err := d.network.Amount(d.network.Chains[0], symbol, text)
	if err != nil {
		return err
	}
	tx, err := from.Send(ctx, &ledger.Transfer{To: to.Key.PublicKey(), Asset: a.Asset, Amount: a.Units})
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	d.done(name, api.ChainName(d.network.Genesis.Hash()), tx.Hash.String(), began, 0, fmt.Sprintf("in block %d", tx.Height))
	return nil
}

// pending is a withdrawal on its way.
type pending struct {
	name     string
	chain    *External
	sequence uint64
	began    time.Time
	to       *Wallet
	amount   Amount
	want     uint256.Int
}

// queue asks for a withdrawal; with waits it makes sure that it stands in the queue.
func (d *demo) queue(ctx context.Context, p *pending, who *User, x *External, symbol, text string, waits bool) error {
	to, err := x.NewWallet()
	if err != nil {
		return err
	}
	*p = pending{name: fmt.Sprintf("withdraw %s %s to %s's new address", text, symbol, who.Name), chain: x, began: time.Now(), to: to}
	if p.amount, err = d.network.Amount(x, symbol, text); err != nil {
		return err
	}
	if p.want, err = d.network.AfterFee(p.amount); err != nil {
		return fmt.Errorf("%s: %w", p.name, err)
	}
	if p.sequence, err = who.Withdraw(ctx, x, symbol, text, p.to.Word); err != nil {
		return fmt.Errorf("%s: %w", p.name, err)
	}
	if !waits {
		return nil
	}
	w, err := d.client.Withdrawal(ctx, x.ID, p.sequence)
	if err != nil {
		return err
	}
	if w.Status != "queued" {
		return fmt.Errorf("%s: it is %s although the bridge holds nothing", p.name, w.Status)
	}
	d.progress(Step{Name: p.name, Chain: x.ID, MS: time.Since(p.began).Milliseconds()}, "the bridge there holds no "+symbol+" yet: it waits at position "+strconv.FormatUint(w.Position, 10)+" of the queue")
	return nil
}

// await waits until the bridge has paid the withdrawal, and looks at the recipient's balance on the chain.
func (d *demo) await(ctx context.Context, p *pending) error {
	var w api.Withdrawal
	err := d.until(ctx, p.name, func() (bool, error) {
		var err error
		w, err = d.client.Withdrawal(ctx, p.chain.ID, p.sequence)
		if err == nil && (w.Status == "claimable" || w.Status == "returned") {
			err = fmt.Errorf("it is %s", w.Status)
		}
		return w.Status == "paid" && w.Tx != "", err
	})
	if err != nil {
		return err
	}
	wallet, err := d.network.Open(p.chain, p.to)
	if err != nil {
		return err
	}
	got, err := wallet.Balance(ctx, p.amount.Token.Address, p.to.Word)
	if err != nil {
		return err
	}
	if got != p.want {
		return fmt.Errorf("%s: %s owns %s units on %s, want exactly %s", p.name, p.to.Address, got.Dec(), p.chain.ID, p.want.Dec())
	}
	receipt, err := wallet.Receipt(ctx, w.Tx)
	if err != nil {
		return err
	}
	d.done(p.name, p.chain.ID, w.Tx, p.began, receipt.GasUsed, fmt.Sprintf("action %d: approvers signed, the submitter delivered; the address owns exactly %s %s", w.Action, w.Amount.Text, w.Asset))
	return nil
}

func (d *demo) withdraw(ctx context.Context, who *User, x *External, symbol, text string) error {
	p := &pending{}
	if err := d.queue(ctx, p, who, x, symbol, text, false); err != nil {
		return err
	}
	return d.await(ctx, p)
}

// until asks again and again, as long as the context lasts.
func (d *demo) until(ctx context.Context, name string, reached func() (bool, error)) error {
	ticker := time.NewTicker(askEvery)
	defer ticker.Stop()
	for {
		ok, err := reached()
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if ok {
			return nil
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return fmt.Errorf("%s: %w", name, context.Cause(ctx))
		}
	}
}

func (d *demo) audit(ctx context.Context) error {
	audit, err := d.client.Audit(ctx)
	if err != nil {
		return err
	}
	d.report.Invariant = "holds"
	if !audit.Holds {
		d.report.Invariant = audit.Fault
		return fmt.Errorf("the accounting invariant does not hold at height %d: %s", audit.Height, audit.Fault)
	}
	return nil
}
