package ledger

import (
	"fmt"

	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/signing"
	"github.com/trinebridge/trine/validators"
)

// executed books an action that the bridge has run.
//
// A bridge runs what was asked of it, in order. If it reports anything else, the books do
// not say what it has: its value lane halts, and what was reserved stays reserved.
func (m *machine) executed(b *bridge, e *bridgecontracts.Event, x *bridgecontracts.ActionExecuted) error {
	if next := b.LastExecuted + 1; x.ActionID != next {
		return m.haltOver(b, e, "event %d: the bridge executed action %d, the next one is %d", e.ID, x.ActionID, next)
	}
	if x.ActionID > b.LastAction {
		return m.haltOver(b, e, "event %d: the bridge executed action %d, which was never emitted", e.ID, x.ActionID)
	}
	b.LastExecuted = x.ActionID
	record := new(ActionRecord)
	if err := m.table.need(actionKey(b.Domain, x.ActionID), record); err != nil {
		return err
	}
	kind, known := record.kindOf(x.Digest)
	if !known {
		return m.haltOver(b, e, "event %d: the bridge executed action %d with digest %s, which was never asked for", e.ID, x.ActionID, x.Digest)
	}
	record.Status, record.Failed, record.Executed, record.ExecutedEvent = ActionExecuted, x.Failed, x.Digest, e.ID
	if err := m.table.put(actionKey(b.Domain, x.ActionID), record); err != nil {
		return err
	}
	m.emit(&ActionWasExecuted{Domain: b.Domain, ActionID: x.ActionID, EventID: e.ID, Failed: x.Failed})
	if kind == bridgecontracts.KindTransfers {
		return m.settle(b, e, record, x)
	}
	return m.release(b, record)
}

// kindOf returns what kind of action a digest stands for.
func (r *ActionRecord) kindOf(digest codec.Hash) (bridgecontracts.ActionKind, bool) {
	for i := range r.Digests {
		if r.Digests[i].Digest == digest {
			return r.Digests[i].Kind, true
		}
	}
	return 0, false
}

// FailedAt reports whether transfer i of an executed action failed and became claimable.
func (r *ActionRecord) FailedAt(i int) bool {
	return (&bridgecontracts.ActionExecuted{Failed: r.Failed}).FailedAt(i)
}

// settle books the payments of an executed action.
func (m *machine) settle(b *bridge, e *bridgecontracts.Event, record *ActionRecord, x *bridgecontracts.ActionExecuted) error {
	outflow, fees := make([]uint256.Int, len(b.Tokens)), make([]uint256.Int, len(b.Tokens))
	for n := range record.Withdrawals {
		w := &record.Withdrawals[n]
		i, _ := b.book(w.Asset)
		book := &b.Tokens[i]
		book.InFlight.Sub(&book.InFlight, &w.Amount)
		add(&outflow[i], &w.Amount)
		add(&fees[i], &w.Fee)
		place := WithdrawalPaid
		if x.FailedAt(n) {
			place = WithdrawalFailed
			if err := m.owe(b, i, w); err != nil {
				return err
			}
		} else {
			book.Held.Sub(&book.Held, &w.Amount)
		}
		r := WithdrawalRecord{Withdrawal: *w, Place: place, Action: x.ActionID, Index: uint64(n)} // n counts up
		if err := m.table.put(withdrawalKey(b.Domain, w.Sequence), &r); err != nil {
			return err
		}
	}
	for i := range b.Tokens {
		if !outflow[i].IsZero() {
			b.Tokens[i].Limit.add(m.reportTime(), b.lag(), &outflow[i])
		}
		if !fees[i].IsZero() {
			if err := m.collectFee(b, e, x.ActionID, b.Tokens[i].Asset, &fees[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// owe books a failed payment as claimable by its recipient.
func (m *machine) owe(b *bridge, i int, w *Withdrawal) error {
	book := &b.Tokens[i]
	book.Claimable.Add(&book.Claimable, &w.Amount)
	var owed amount
	k := claimKey(b.Domain, w.Asset, w.To)
	if _, err := m.table.get(k, &owed); err != nil {
		return err
	}
	add((*uint256.Int)(&owed), &w.Amount)
	return m.table.put(k, &owed)
}

func (m *machine) collectFee(b *bridge, e *bridgecontracts.Event, action uint64, asset AssetID, fee *uint256.Int) error {
	treasury, err := m.keyHolder(m.ledger.genesis.Treasury)
	if err != nil {
		return err
	}
	if !treasury.credit(asset, fee) {
		return m.unassigned(b, e, reasonf("the treasury would hold more of asset %d than a number can tell: %s units of fees are kept aside", asset, fee.Dec()))
	}
	m.emit(&FeeCollected{Domain: b.Domain, ActionID: action, Account: treasury.ID, Asset: asset, Amount: *fee})
	return nil
}

// release puts the withdrawals of an action back to the front of their queues, after a Noop ran in its place.
func (m *machine) release(b *bridge, record *ActionRecord) error {
	back := make([][]*WithdrawalRecord, len(b.Tokens))
	for n := range record.Withdrawals {
		w := record.Withdrawals[n]
		i, _ := b.book(w.Asset)
		b.Tokens[i].InFlight.Sub(&b.Tokens[i].InFlight, &w.Amount)
		back[i] = append(back[i], &WithdrawalRecord{Withdrawal: w, Place: WithdrawalWaiting})
	}
	for i := range back {
		if len(back[i]) > 0 {
			if err := m.requeue(b, i, back[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// replaceImpossible asks for a Noop in place of every action that fits the new limit of a
// token no more. The old digests stay: if the limit is raised again they can still
// execute. So nothing is refunded or queued again until the bridge reports which one ran.
func (m *machine) replaceImpossible(b *bridge, i int) error {
	book := &b.Tokens[i]
	if book.Limit.Window == 0 {
		return nil
	}
	for id := b.LastExecuted + 1; id <= b.LastAction; id++ {
		record := new(ActionRecord)
		if err := m.table.need(actionKey(b.Domain, id), record); err != nil {
			return err
		}
		var sum uint256.Int
		for n := range record.Withdrawals {
			if record.Withdrawals[n].Asset == book.Asset {
				add(&sum, &record.Withdrawals[n].Amount)
			}
		}
		if !sum.Gt(&book.Limit.Capacity) || record.Action.Body.Kind() == bridgecontracts.KindNoop {
			continue
		}
		record.Action.Body = &bridgecontracts.Noop{}
		record.Revision++
		record.Status, record.Seal = ActionPending, nil
		// Whoever approves the new revision waits for the block that asked for it.
		record.Height, record.Time = m.in.Height, m.in.Time
		if err := m.ask(record); err != nil {
			return err
		}
	}
	return nil
}

// claimed books that a recipient got what failed before.
func (m *machine) claimed(b *bridge, e *bridgecontracts.Event, c *bridgecontracts.Claimed) error {
	i, known := b.assets.byToken[c.Token]
	if !known {
		return m.haltOver(b, e, "event %d: the bridge paid a claim of token %s, which was never owed", e.ID, c.Token)
	}
	book := &b.Tokens[i]
	var owed amount
	k := claimKey(b.Domain, book.Asset, c.Recipient)
	if _, err := m.table.get(k, &owed); err != nil {
		return err
	}
	rest := (*uint256.Int)(&owed)
	if c.Amount.Gt(rest) {
		return m.haltOver(b, e, "event %d: the bridge paid a claim of %s units of token %s to %s, who was owed %s", e.ID, c.Amount.Dec(), c.Token, c.Recipient, rest.Dec())
	}
	rest.Sub(rest, &c.Amount)
	book.Claimable.Sub(&book.Claimable, &c.Amount)
	book.Held.Sub(&book.Held, &c.Amount)
	m.emit(&ClaimPaid{Domain: b.Domain, EventID: e.ID, Recipient: c.Recipient, Token: c.Token, Amount: c.Amount})
	if rest.IsZero() {
		return m.table.remove(k)
	}
	return m.table.put(k, &owed)
}

// sealAction takes the seal of the newest revision of an action.
func (m *machine) sealAction(msg *SealAction) error {
	b, err := m.knownBridge(msg.Domain)
	if err != nil {
		return err
	}
	record := new(ActionRecord)
	ok, err := m.table.get(actionKey(b.Domain, msg.ActionID), record)
	switch {
	case err != nil:
		return err
	case !ok:
		return reject(CodeStale, "bridge %s has no action %d", b.Domain, msg.ActionID)
	case record.Status != ActionPending:
		return reject(CodeStale, "action %d of bridge %s is %s already", msg.ActionID, b.Domain, record.Status)
	case msg.Revision != record.Revision:
		return reject(CodeStale, "seal is for revision %d of action %d, the newest is %d", msg.Revision, msg.ActionID, record.Revision)
	case msg.Seal.Epoch != m.set.Epoch:
		return reject(CodeCertificate, "seal is of epoch %d, the current one is %d", msg.Seal.Epoch, m.set.Epoch)
	}
	digest := record.Action.Digest(b.Domain, m.set.Epoch)
	listeners := record.Action.Body.Kind() == bridgecontracts.KindCall
	if err := verifySeal(m.set, digest, &msg.Seal, listeners); err != nil {
		return reject(CodeCertificate, "action %d of bridge %s: %s", msg.ActionID, b.Domain, err)
	}
	seal := msg.Seal
	record.Status, record.Seal = ActionSealed, &seal
	m.emit(&ActionWasSealed{Domain: b.Domain, ActionID: msg.ActionID, Digest: digest})
	return m.table.put(actionKey(b.Domain, msg.ActionID), record)
}

// verifySeal checks the processor's signature and exact quorums of the groups that must sign.
func verifySeal(set *validators.Set, digest codec.Hash, seal *bridgecontracts.Seal, listeners bool) error {
	if err := set.VerifyQuorum(validators.Processor, digest, []signing.Signature{seal.Processor}); err != nil {
		return err
	}
	if err := set.VerifyQuorum(validators.Approvers, digest, seal.Approvers); err != nil {
		return err
	}
	if !listeners {
		if len(seal.Listeners) > 0 {
			return fmt.Errorf("%d listener signatures, which are not asked for", len(seal.Listeners))
		}
		return nil
	}
	return set.VerifyQuorum(validators.Listeners, digest, seal.Listeners)
}
