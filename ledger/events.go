package ledger

import (
	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/validators"
)

// attest checks a certificate and applies its events. Once the certificate holds,
// every event applies: what is unusable in one is booked as unassigned.
func (m *machine) attest(msg *Attest) error {
	b, err := m.knownBridge(msg.Domain)
	if err != nil {
		return err
	}
	if msg.Generation != b.Generation {
		return reject(CodeCertificate, "certificate is for generation %d, bridge %s is at %d", msg.Generation, b.Domain, b.Generation)
	}
	if len(msg.Events) == 0 || len(msg.Events) > MaxEvents {
		return reject(CodeMalformed, "certificate of %d events; from 1 to %d are possible", len(msg.Events), MaxEvents)
	}
	head := b.Head
	for i := range msg.Events {
		e := &msg.Events[i]
		if next := b.EventID + uint64(i) + 1; e.ID != next { // i counts up
			return reject(CodeStale, "event %d of bridge %s does not follow: the next one is %d", e.ID, b.Domain, next)
		}
		if d, ok := e.Body.(*bridgecontracts.Deposited); ok && len(d.Keys) > bridgecontracts.MaxDepositKeys {
			return reject(CodeMalformed, "event %d has %d keys, at most %d", e.ID, len(d.Keys), bridgecontracts.MaxDepositKeys)
		}
		head = bridgecontracts.NextHead(head, e)
	}
	last := msg.Events[len(msg.Events)-1].ID
	statement := bridgecontracts.Attestation{Domain: b.Domain, Generation: b.Generation, EventID: last, Head: head}
	if err := m.set.VerifyQuorum(validators.Listeners, statement.Digest(), msg.Signatures); err != nil {
		return reject(CodeCertificate, "events %d to %d of bridge %s: %s", msg.Events[0].ID, last, b.Domain, err)
	}
	b.EventID, b.Head = last, head
	b.dirty, b.moved = true, true
	for i := range msg.Events {
		if err := m.event(b, &msg.Events[i]); err != nil {
			return err
		}
	}
	return nil
}

// event applies one event. Its errors are those of the store alone.
func (m *machine) event(b *bridge, e *bridgecontracts.Event) error {
	switch body := e.Body.(type) {
	case *bridgecontracts.Deposited:
		return m.deposited(b, e, body)
	case *bridgecontracts.ActionExecuted:
		return m.executed(b, e, body)
	case *bridgecontracts.Claimed:
		return m.claimed(b, e, body)
	case *bridgecontracts.Paused:
		return m.pauseChanged(b, e, body.Sequence)
	case *bridgecontracts.Unpaused:
		return m.pauseChanged(b, e, body.Sequence)
	case *bridgecontracts.LimitSet:
		return m.limitSet(b, e, body)
	case *bridgecontracts.SetRotated:
		return m.setRotated(b, e, body)
	}
	return m.unassigned(b, e, "unknown event")
}

// unassigned keeps an event of which something could not be used. If an event has two
// such parts, the record names the last and the log both.
func (m *machine) unassigned(b *bridge, e *bridgecontracts.Event, reason string) error {
	m.emit(&Unassigned{Domain: b.Domain, EventID: e.ID, Reason: reason})
	return m.table.put(unassignedKey(b.Domain, e.ID), &UnassignedEvent{Event: *e, Reason: reason})
}

// haltOver keeps an event that contradicts the books, which it does not change, and halts the bridge.
func (m *machine) haltOver(b *bridge, e *bridgecontracts.Event, format string, args ...any) error {
	reason := reasonf(format, args...)
	m.halt(b, reason)
	return m.unassigned(b, e, reason)
}

// deposited links the keys that the wallet brings and credits what it sent.
func (m *machine) deposited(b *bridge, e *bridgecontracts.Event, d *bridgecontracts.Deposited) error {
	wallet := Wallet{Chain: b.Chain, Address: d.Wallet}
	for i := range d.Keys {
		if err := m.linkKey(b, e, wallet, i, &d.Keys[i]); err != nil {
			return err
		}
	}
	if d.Amount.IsZero() {
		if len(d.Keys) == 0 {
			return m.unassigned(b, e, "a deposit of nothing without a key")
		}
		return nil
	}
	i, known := b.assets.byToken[d.Token]
	if !known {
		return m.unassigned(b, e, reasonf("token %s is not listed for chain %s", d.Token, b.Chain))
	}
	t, book := &b.assets.tokens[i], &b.Tokens[i]
	units, dust, ok := t.asset.FromToken(t.token, &d.Amount)
	if !ok {
		return m.unassigned(b, e, reasonf("%s units of the token are more %s than a number can tell", d.Amount.Dec(), t.asset.Symbol))
	}
	var held uint256.Int
	if _, overflow := held.AddOverflow(&book.Held, &d.Amount); overflow {
		return m.unassigned(b, e, reasonf("the bridge would hold more %s than a number can tell", t.asset.Symbol))
	}
	holder, err := m.walletHolder(wallet.Chain, wallet.Address)
	if err != nil {
		return err
	}
	if !holder.credit(t.id, &units) {
		return m.unassigned(b, e, reasonf("account %d would hold more %s than a number can tell", holder.ID, t.asset.Symbol))
	}
	book.Held = held
	add(&book.Dust, &dust) // at most Held
	m.emit(&DepositCredited{Domain: b.Domain, EventID: e.ID, Account: holder.ID, Asset: t.id, Amount: units, Dust: dust})
	return nil
}

// linkKey links one key of a deposit, or says why not.
func (m *machine) linkKey(b *bridge, e *bridgecontracts.Event, wallet Wallet, i int, proof *bridgecontracts.KeyProof) error {
	ignored := &LinkIgnored{Domain: b.Domain, EventID: e.ID, Index: uint8(i)} // at most MaxDepositKeys
	if !proof.Signature.Verify(proof.Key, bridgecontracts.KeyLinkDigest(b.Domain, wallet.Address, proof.Key)) {
		ignored.Reason = reasonf("no proof that key %s agrees to wallet %s", proof.Key, wallet.Address)
		m.emit(ignored)
		return nil
	}
	holder, merged, linked, reason, err := m.link(wallet, proof.Key)
	switch {
	case err != nil:
		return err
	case reason != "":
		ignored.Reason = reason
		m.emit(ignored)
	case linked:
		m.emit(&KeyLinked{Domain: b.Domain, EventID: e.ID, Account: holder.ID, Merged: merged})
	}
	return nil
}

func (m *machine) pauseChanged(b *bridge, e *bridgecontracts.Event, sequence uint64) error {
	pause := e.Body.Kind() == bridgecontracts.KindPaused
	if sequence <= b.PauseSequence || (sequence%2 == 1) != pause {
		return m.unassigned(b, e, reasonf("pause sequence %d does not follow %d", sequence, b.PauseSequence))
	}
	b.PauseSequence = sequence
	m.changed(b, e)
	if pause {
		return nil
	}
	return m.closeControls(b, bridgecontracts.KindUnpause, sequence, (&bridgecontracts.Unpause{}).Hash())
}

// limitSet sets the mirror's limit. The version counts for all tokens, known or not.
func (m *machine) limitSet(b *bridge, e *bridgecontracts.Event, l *bridgecontracts.LimitSet) error {
	if l.Sequence <= b.LimitVersion {
		return m.unassigned(b, e, reasonf("limit version %d does not follow %d", l.Sequence, b.LimitVersion))
	}
	b.LimitVersion = l.Sequence
	for i := range b.Tokens { // whatever was sealed for this version is void, or is this
		b.Tokens[i].Limit.NextCapacity.Clear()
		b.Tokens[i].Limit.NextWindow = 0
	}
	body := bridgecontracts.SetLimit{Token: l.Token, Capacity: l.Capacity, Window: l.Window}
	if err := m.closeControls(b, bridgecontracts.KindSetLimit, l.Sequence, body.Hash()); err != nil {
		return err
	}
	i, known := b.assets.byToken[l.Token]
	if !known {
		return m.unassigned(b, e, reasonf("a limit for token %s, which is not listed for chain %s", l.Token, b.Chain))
	}
	if !possible(&l.Capacity, l.Window) {
		return m.unassigned(b, e, reasonf("a limit of %s in %d seconds, which no bridge can have", l.Capacity.Dec(), l.Window))
	}
	b.Tokens[i].Limit.change(m.reportTime(), b.lag(), &l.Capacity, l.Window)
	m.changed(b, e)
	return m.replaceImpossible(b, i)
}

// setRotated notes which set the bridge holds.
func (m *machine) setRotated(b *bridge, e *bridgecontracts.Event, r *bridgecontracts.SetRotated) error {
	if r.Epoch <= b.Epoch {
		return m.unassigned(b, e, reasonf("epoch %d does not follow %d", r.Epoch, b.Epoch))
	}
	b.Epoch, b.SetHash = r.Epoch, r.SetHash
	m.changed(b, e)
	var set validators.Set
	known, err := m.table.get(setKey(r.Epoch), &set)
	if err != nil {
		return err
	}
	if !known || set.Hash() != r.SetHash {
		return m.unassigned(b, e, reasonf("the app chain has no set %s of epoch %d", r.SetHash, r.Epoch))
	}
	return nil
}

func (m *machine) changed(b *bridge, e *bridgecontracts.Event) {
	m.emit(&BridgeChanged{Domain: b.Domain, EventID: e.ID, Kind: e.Body.Kind()})
}

// reportTime is the block's time in seconds, rounded up: what is reported happened before it.
func (m *machine) reportTime() uint64 { return (m.in.Time + 999) / 1000 }
