package ledger

import (
	"errors"
	"fmt"
	"math/big"

	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/codec"
)

// ErrAudit marks what an audit has found, as opposed to a state that cannot be read.
var ErrAudit = errors.New("ledger: audit")

// Audit walks the whole state and checks that value is conserved: for each asset, what
// accounts hold, what is queued with its fees, in flight, claimable and dust is at most
// what the bridges hold; and that every index, queue and sum says what the records say.
// It reports everything that it finds at once, as an [ErrAudit]; any other error is of the
// store, and says nothing about the books.
func (v View) Audit() error {
	a, err := v.audit()
	if err != nil {
		return err
	}
	for i := range a.owed {
		if a.owed[i].Cmp(&a.held[i]) > 0 {
			a.fault("of %s the bridges hold %s and owe %s (in units of 10^-%d)", v.ledger.genesis.Assets[i].Symbol, &a.held[i], &a.owed[i], MaxDecimals)
		}
	}
	if len(a.faults) > 0 {
		return fmt.Errorf("%w: %w", ErrAudit, errors.Join(a.faults...))
	}
	return nil
}

// audit is the sums that Audit makes, per asset in units of 10^-MaxDecimals.
type audit struct {
	View
	m          *machine
	held, owed []big.Int
	faults     []error
}

func (a *audit) fault(format string, args ...any) {
	a.faults = append(a.faults, fmt.Errorf(format, args...))
}

func (v View) audit() (*audit, error) {
	n := len(v.ledger.genesis.Assets)
	a := &audit{View: v, m: v.machine(0), held: make([]big.Int, n), owed: make([]big.Int, n)}
	if err := a.m.readMeta(); err != nil {
		return nil, err
	}
	for id := AccountID(1); id <= a.m.meta.Accounts; id++ {
		if err := a.account(id); err != nil {
			return nil, err
		}
	}
	for _, domain := range a.m.meta.Bridges {
		b, err := a.m.bridge(domain)
		if err != nil {
			return nil, err
		}
		if b == nil {
			return nil, fmt.Errorf("ledger: bridge %s is missing", domain)
		}
		if err := a.bridge(b); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// scaled is an amount with so many decimals in units of 10^-MaxDecimals.
func scaled(amount *uint256.Int, decimals uint8) *big.Int {
	factor := pow10(MaxDecimals - decimals)
	return new(big.Int).Mul(amount.ToBig(), factor.ToBig())
}

func (a *audit) account(id AccountID) error {
	account, ok, err := a.Account(id)
	if err != nil || !ok {
		return err // an account that was joined to another is gone
	}
	if account.ID != id {
		a.fault("account %d says that it is %d", id, account.ID)
	}
	for i := range account.Keys {
		if err := a.index(id, ownerKey(account.Keys[i].Key)); err != nil {
			return err
		}
	}
	for _, w := range account.Wallets {
		if err := a.index(id, walletKey(w.Chain, w.Address)); err != nil {
			return err
		}
	}
	last := AssetID(0)
	for i := range account.Balances {
		b := &account.Balances[i]
		if b.Asset <= last || uint64(b.Asset) > uint64(len(a.owed)) || b.Amount.IsZero() {
			a.fault("account %d has balance %s of asset %d after asset %d", id, b.Amount.Dec(), b.Asset, last)
			return nil
		}
		last = b.Asset
		a.owe(b.Asset, scaled(&b.Amount, a.ledger.genesis.Assets[b.Asset-1].Decimals))
	}
	return nil
}

func (a *audit) owe(asset AssetID, amount *big.Int) {
	sum := &a.owed[asset-1]
	sum.Add(sum, amount)
}

// index checks that an index entry names the account.
func (a *audit) index(id AccountID, k key) error {
	var got number
	ok, err := a.table().get(k, &got)
	if err == nil && (!ok || AccountID(got) != id) {
		a.fault("record %x names account %d, not %d", []byte(k), got, id)
	}
	return err
}

// books is what the records of a bridge add up to for one token.
type books struct {
	queued, inFlight, claimable, fees uint256.Int
	owedTo                            map[codec.Hash]bool // whose claims are counted
}

func (a *audit) bridge(b *bridge) error {
	sums := make([]books, len(b.Tokens))
	for i := range b.Tokens {
		if err := a.queue(b, i, &sums[i]); err != nil {
			return err
		}
	}
	if err := a.actions(b, sums); err != nil {
		return err
	}
	for i := range b.Tokens {
		book, sum, t := &b.Tokens[i], &sums[i], &b.assets.tokens[i]
		same := func(what string, got, want *uint256.Int) {
			if !got.Eq(want) {
				a.fault("bridge %s says that %s units of asset %d are %s, the records add up to %s", b.Domain, got.Dec(), book.Asset, what, want.Dec())
			}
		}
		same("queued", &book.Queued, &sum.queued)
		same("in flight", &book.InFlight, &sum.inFlight)
		same("claimable", &book.Claimable, &sum.claimable)
		held, owed := &a.held[t.id-1], []*uint256.Int{&book.Queued, &book.InFlight, &book.Claimable, &book.Dust}
		held.Add(held, scaled(&book.Held, t.token.Decimals))
		for _, amount := range owed {
			a.owe(t.id, scaled(amount, t.token.Decimals))
		}
		a.owe(t.id, scaled(&sum.fees, t.asset.Decimals))
		reserved := book.InFlight
		add(&reserved, &book.Claimable)
		add(&reserved, &book.Dust)
		if reserved.Gt(&book.Held) {
			a.fault("bridge %s holds %s units of asset %d and has reserved %s", b.Domain, book.Held.Dec(), book.Asset, reserved.Dec())
		}
	}
	return nil
}

func (a *audit) queue(b *bridge, i int, sum *books) error {
	book, last := &b.Tokens[i], uint64(0)
	for p := book.QueueHead; p < book.QueueTail; p++ {
		r, err := queued(a.table(), &b.Bridge, i, p)
		if err != nil {
			return err
		}
		if r.Sequence <= last || r.Place != WithdrawalWaiting || r.Position != p || r.Asset != book.Asset {
			a.fault("withdrawal %d of bridge %s stands at %d of the queue of asset %d after %d, and says %s at %d of asset %d",
				r.Sequence, b.Domain, p, book.Asset, last, r.Place, r.Position, r.Asset)
		}
		last = r.Sequence
		add(&sum.queued, &r.Amount)
		add(&sum.fees, &r.Fee)
	}
	return nil
}

func (a *audit) actions(b *bridge, sums []books) error {
	for id := uint64(1); id <= b.LastAction; id++ {
		r, ok, err := a.Action(b.Domain, id)
		if err != nil {
			return err
		}
		if !ok {
			a.fault("action %d of bridge %s is missing", id, b.Domain)
			continue
		}
		kind, _ := r.kindOf(r.Executed)
		for n := range r.Withdrawals {
			w := &r.Withdrawals[n]
			i, _ := b.book(w.Asset)
			switch {
			case r.Status != ActionExecuted:
				add(&sums[i].inFlight, &w.Amount)
				add(&sums[i].fees, &w.Fee)
			case r.FailedAt(n) && kind == bridgecontracts.KindTransfers:
				if err := a.claim(b, &sums[i], w); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// claim counts what a recipient of a failed transfer is still owed, once.
func (a *audit) claim(b *bridge, sum *books, w *Withdrawal) error {
	if sum.owedTo == nil {
		sum.owedTo = map[codec.Hash]bool{}
	}
	if sum.owedTo[w.To] {
		return nil
	}
	sum.owedTo[w.To] = true
	owed, err := a.Claimable(b.Domain, w.Asset, w.To)
	add(&sum.claimable, &owed)
	return err
}
