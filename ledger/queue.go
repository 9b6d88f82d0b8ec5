package ledger

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/bridgecontracts"
)

// maxReturns bounds how many withdrawals of a bridge one block gives back.
const maxReturns = 256

// withdraw burns a balance and queues its payment. A paused bridge queues too; a halted
// one refuses, because nothing says that it will ever pay.
func (m *machine) withdraw(msg *Withdraw) error {
	asset, err := m.asset(msg.Asset)
	if err != nil {
		return err
	}
	b, err := m.bridgeOn(msg.Chain)
	if err != nil {
		return err
	}
	if b.Halted != "" {
		return reject(CodeHalted, "the bridge on chain %s pays nothing: %s", b.Chain, b.Halted)
	}
	i, ok := b.book(msg.Asset)
	if !ok {
		return reject(CodeUnknownBridge, "%s has no token on chain %s", asset.Symbol, b.Chain)
	}
	if err := b.assets.chain.Rule.Check(msg.To); err != nil {
		return reject(CodeRecipient, "%s", err)
	}
	if msg.To == b.Address {
		return reject(CodeRecipient, "recipient %s is the bridge itself", msg.To)
	}
	w := Withdrawal{
		Sequence: b.NextWithdrawal, Account: m.sender.ID, Asset: msg.Asset, To: msg.To,
		Tx: m.in.Tx.Hash(), Message: uint64(m.message), Time: m.in.Time, // at most MaxMessages
	}
	if err := b.price(i, &msg.Amount, &w); err != nil {
		return err
	}
	if !m.sender.debit(msg.Asset, &msg.Amount) {
		held := m.sender.balance(msg.Asset)
		return reject(CodeFunds, "account %d holds %s, not %s", m.sender.ID, asset.Text(&held), asset.Text(&msg.Amount))
	}
	book := &b.Tokens[i]
	if _, overflow := book.Queued.AddOverflow(&book.Queued, &w.Amount); overflow {
		return reject(CodeAmount, "the queue of %s on chain %s would hold more than a number can tell", asset.Symbol, b.Chain)
	}
	record := WithdrawalRecord{Withdrawal: w, Place: WithdrawalWaiting}
	if err := m.place(b, i, book.QueueTail, &record); err != nil {
		return err
	}
	book.QueueTail++
	b.NextWithdrawal++
	b.dirty, b.moved = true, true
	m.emit(&WithdrawalQueued{Domain: b.Domain, Sequence: w.Sequence, Account: w.Account, Asset: w.Asset, Amount: w.Units, Fee: w.Fee})
	return nil
}

// price fills in what a withdrawal of some units pays and costs.
func (b *bridge) price(i int, units *uint256.Int, w *Withdrawal) error {
	t := &b.assets.tokens[i]
	if units.Lt(&t.token.MinWithdrawal) {
		return reject(CodeAmount, "%s is below the minimum of %s on chain %s", t.asset.Text(units), t.asset.Text(&t.token.MinWithdrawal), b.Chain)
	}
	w.Fee = t.token.Fee
	w.Units.Sub(units, &w.Fee) // the minimum is above the fee
	var ok bool
	if w.Amount, ok = t.asset.ToToken(t.token, &w.Units); !ok {
		return reject(CodeAmount, "%s less the fee of %s cannot be paid in a token of %d decimals on chain %s",
			t.asset.Text(units), t.asset.Text(&w.Fee), t.token.Decimals, b.Chain)
	}
	if limit := &b.Tokens[i].Limit; limit.Window != 0 && w.Amount.Gt(&limit.Capacity) {
		return reject(CodeAmount, "%s never fits the limit of %s in %d seconds on chain %s: withdraw less at a time",
			t.asset.TokenText(t.token, &w.Amount), t.asset.TokenText(t.token, &limit.Capacity), limit.Window, b.Chain)
	}
	return nil
}

// place writes a waiting withdrawal and its place in the queue.
func (m *machine) place(b *bridge, i int, position uint64, r *WithdrawalRecord) error {
	r.Position = position
	sequence := number(r.Sequence)
	if err := m.table.put(queueKey(b.Domain, b.Tokens[i].Asset, position), &sequence); err != nil {
		return err
	}
	return m.table.put(withdrawalKey(b.Domain, r.Sequence), r)
}

// queued reads the withdrawal at a position of a queue.
func queued(t *table, b *Bridge, i int, position uint64) (*WithdrawalRecord, error) {
	var sequence number
	if err := t.need(queueKey(b.Domain, b.Tokens[i].Asset, position), &sequence); err != nil {
		return nil, err
	}
	r := new(WithdrawalRecord)
	return r, t.need(withdrawalKey(b.Domain, uint64(sequence)), r)
}

// pop takes the first withdrawal off its queue.
func (m *machine) pop(b *bridge, i int, r *WithdrawalRecord) error {
	book := &b.Tokens[i]
	if err := m.table.remove(queueKey(b.Domain, book.Asset, book.QueueHead)); err != nil {
		return err
	}
	book.QueueHead++
	book.Queued.Sub(&book.Queued, &r.Amount)
	r.Position = 0
	b.dirty = true
	return nil
}

// requeue puts withdrawals of one asset back to the front of its queue, in their old order.
func (m *machine) requeue(b *bridge, i int, back []*WithdrawalRecord) error {
	book := &b.Tokens[i]
	last := back[len(back)-1].Sequence
	merged := slices.Clone(back)
	for p := book.QueueHead; p < book.QueueTail; p++ {
		r, err := queued(&m.table, &b.Bridge, i, p)
		if err != nil {
			return err
		}
		if r.Sequence > last {
			break
		}
		merged = append(merged, r)
	}
	slices.SortFunc(merged, func(x, y *WithdrawalRecord) int { return cmp.Compare(x.Sequence, y.Sequence) })
	book.QueueHead -= uint64(len(back))
	for n, r := range merged {
		if err := m.place(b, i, book.QueueHead+uint64(n), r); err != nil { // n counts up
			return err
		}
	}
	for _, r := range back {
		add(&book.Queued, &r.Amount)
		m.emit(&WithdrawalRequeued{Domain: b.Domain, Sequence: r.Sequence})
	}
	b.dirty, b.moved = true, true
	return nil
}

// drain moves the queue of a bridge as far as it goes: section 7 of the design.
//
//   - Per asset the order is strict; between assets the lower sequence goes first. An
//     asset whose first transfer does not fit what the bridge has, or its limit now, waits
//     and makes no other wait.
//   - A transfer at the front that fits no bucket any more goes back to its owner. (Not
//     before it is at the front: a block's work has a bound, a queue has none.)
//   - A paused bridge gets no action, so that nothing is signed while somebody holds the
//     brake; a halted one neither.
func (m *machine) drain(b *bridge) error {
	if !b.moved {
		return nil
	}
	d := drainer{machine: m, bridge: b, now: m.in.Time / 1000, heads: make([]*WithdrawalRecord, len(b.Tokens))}
	for i := range b.Tokens {
		if err := d.next(i); err != nil {
			return err
		}
	}
	if b.Halted != "" || b.paused() {
		return nil
	}
	for b.LastAction-b.LastExecuted < m.ledger.genesis.Window {
		batch, err := d.collect()
		if err != nil {
			return err
		}
		if len(batch) == 0 {
			return nil
		}
		if err := m.emitAction(b, batch); err != nil {
			return err
		}
	}
	return nil
}

// drainer is one run of drain.
type drainer struct {
	*machine
	bridge *bridge
	now    uint64 // Unix seconds
	// heads are the first withdrawals per token; nil where the queue is empty or waits.
	heads    []*WithdrawalRecord
	returned int
}

// next looks at the front of a queue, giving back what fits no bucket.
func (d *drainer) next(i int) error {
	d.heads[i] = nil
	b, book := d.bridge, &d.bridge.Tokens[i]
	for book.QueueHead < book.QueueTail {
		r, err := queued(&d.table, &b.Bridge, i, book.QueueHead)
		if err != nil {
			return err
		}
		if book.Limit.Window == 0 || !r.Amount.Gt(&book.Limit.Capacity) {
			d.heads[i] = r
			return nil
		}
		if ok, err := d.giveBack(i, r); !ok || err != nil {
			return err
		}
	}
	return nil
}

func (d *drainer) giveBack(i int, r *WithdrawalRecord) (ok bool, err error) {
	owner, err := d.account(r.Account)
	if err != nil {
		return false, err
	}
	if owner == nil {
		return false, fmt.Errorf("ledger: account %d is missing: withdrawal %d of bridge %s names it", r.Account, r.Sequence, d.bridge.Domain)
	}
	amount := r.Units
	add(&amount, &r.Fee) // they were one amount
	if d.returned == maxReturns || !owner.credit(r.Asset, &amount) {
		return false, nil
	}
	d.returned++
	if err := d.pop(d.bridge, i, r); err != nil {
		return false, err
	}
	r.Place = WithdrawalGivenBack
	d.emit(&WithdrawalReturned{Domain: d.bridge.Domain, Sequence: r.Sequence, Account: r.Account, Asset: r.Asset, Amount: amount})
	return true, d.table.put(withdrawalKey(d.bridge.Domain, r.Sequence), r)
}

// collect takes the next batch off the queues; it is empty if nothing can move.
func (d *drainer) collect() (batch []*WithdrawalRecord, err error) {
	for uint64(len(batch)) < d.bridge.assets.chain.Batch {
		i := d.lowest()
		if i < 0 {
			break
		}
		r, book := d.heads[i], &d.bridge.Tokens[i]
		if available := book.Available(); r.Amount.Gt(&available) || !book.Limit.fits(d.now, &book.InFlight, &r.Amount) {
			d.heads[i] = nil // what is in flight only grows from here on
			continue
		}
		if err := d.pop(d.bridge, i, r); err != nil {
			return nil, err
		}
		book.InFlight.Add(&book.InFlight, &r.Amount)
		batch = append(batch, r)
		if err := d.next(i); err != nil {
			return nil, err
		}
	}
	return batch, nil
}

// lowest returns the token whose first withdrawal has the lowest sequence, -1 if all wait.
func (d *drainer) lowest() int {
	best := -1
	for i, r := range d.heads {
		if r != nil && (best < 0 || r.Sequence < d.heads[best].Sequence) {
			best = i
		}
	}
	return best
}

// Available is what new actions may pay: held − in flight − claimable − dust.
func (t *TokenBook) Available() uint256.Int {
	available := t.Held
	subtract(&available, &t.InFlight)
	subtract(&available, &t.Claimable)
	subtract(&available, &t.Dust)
	return available
}

// emitAction makes the next action out of a batch.
func (m *machine) emitAction(b *bridge, batch []*WithdrawalRecord) error {
	if err := m.readMeta(); err != nil {
		return err
	}
	b.LastAction++
	b.dirty = true
	record := &ActionRecord{
		Domain: b.Domain, Revision: 1, Status: ActionPending, Height: m.in.Height, Time: m.in.Time,
		Withdrawals: make([]Withdrawal, len(batch)),
	}
	body := &bridgecontracts.Transfers{Transfers: make([]bridgecontracts.Transfer, len(batch))}
	for n, r := range batch {
		i, _ := b.book(r.Asset)
		body.Transfers[n] = bridgecontracts.Transfer{Token: b.Tokens[i].Token, To: r.To, Amount: r.Amount}
		record.Withdrawals[n] = r.Withdrawal
		r.Place, r.Action, r.Index = WithdrawalInFlight, b.LastAction, uint64(n) // n counts up
		if err := m.table.put(withdrawalKey(b.Domain, r.Sequence), r); err != nil {
			return err
		}
	}
	record.Action = bridgecontracts.Action{ID: b.LastAction, Body: body}
	return m.ask(record)
}

// ask writes an action of which a new revision is to be signed, and says so.
func (m *machine) ask(r *ActionRecord) error {
	digest := r.Action.Digest(r.Domain, m.meta.Epoch)
	r.Digests = append(r.Digests, ActionDigest{Epoch: m.meta.Epoch, Revision: r.Revision, Kind: r.Action.Body.Kind(), Digest: digest})
	m.emit(&ActionEmitted{Domain: r.Domain, ActionID: r.Action.ID, Revision: r.Revision, Digest: digest})
	return m.table.put(actionKey(r.Domain, r.Action.ID), r)
}
