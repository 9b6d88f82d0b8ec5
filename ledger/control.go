package ledger

import (
	"fmt"
	"slices"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/signing"
	"github.com/trinebridge/trine/validators"
)

// Control actions are asked for and approved by votes. For one sequence of a kind there
// may be several candidates, and each collects votes, so that a hostile member cannot take
// the place of the others' proposal; the first that the processor seals is the one. A member
// opens one candidate per sequence, which bounds them.

// voteControl counts a member's vote.
func (m *machine) voteControl(msg *VoteControl) error {
	b, err := m.knownBridge(msg.Domain)
	if err != nil {
		return err
	}
	listeners, err := b.checkControl(&msg.Control)
	if err != nil {
		return err
	}
	set, err := m.bridgeSet(b)
	if err != nil {
		return err
	}
	digest := msg.Control.Digest(b.Domain, b.Epoch)
	member, err := msg.Signature.RecoverAddress(digest)
	if err != nil {
		return reject(CodeSignature, "vote: %s", err)
	}
	record, err := m.openVote(b, set, &msg.Control, digest, listeners, member)
	if err != nil {
		return err
	}
	group, _ := set.Seat(member)
	record.Votes = append(record.Votes, ControlVote{Member: member, Group: group, Signature: msg.Signature})
	m.emit(&ControlVoted{Domain: b.Domain, Kind: msg.Control.Body.Kind(), Sequence: msg.Control.Sequence, Votes: uint64(len(record.Votes))})
	return m.table.put(controlKey(b.Domain, digest), record)
}

// openVote returns the record that a member's vote would be added to, or why it counts for nothing.
func (m *machine) openVote(b *bridge, set *validators.Set, control *bridgecontracts.Control, digest codec.Hash, listeners bool, member signing.Address) (*ControlRecord, error) {
	group, seated := set.Seat(member)
	if !seated || group == validators.Processor || (group == validators.Listeners && !listeners) {
		return nil, reject(CodeUnauthorized, "vote is by %s, who has none in this: approvers decide, and listeners where a limit is raised", member)
	}
	record, err := m.candidate(b, &ControlRecord{Domain: b.Domain, Control: *control, Epoch: b.Epoch, Digest: digest, NeedsListeners: listeners}, member)
	if err != nil {
		return nil, err
	}
	if record.Seal != nil {
		return nil, reject(CodeStale, "%s %d of bridge %s is sealed already", control.Body.Kind(), control.Sequence, b.Domain)
	}
	if record.votedBy(member) {
		return nil, reject(CodeStale, "%s has voted for this already", member)
	}
	return record, nil
}

// CheckVote returns the [Rejection] that a member's vote for a control action would meet now, or
// nil. Whoever signs asks first: a key that has signed one action of a sequence signs no other,
// so a vote that cannot count would cost the member the one that could.
func (v View) CheckVote(domain bridgecontracts.Domain, control *bridgecontracts.Control, member signing.Address) error {
	m := v.machine(0)
	b, err := m.knownBridge(domain)
	if err != nil {
		return err
	}
	listeners, err := b.checkControl(control)
	if err != nil {
		return err
	}
	set, err := m.bridgeSet(b)
	if err != nil {
		return err
	}
	_, err = m.openVote(b, set, control, control.Digest(domain, b.Epoch), listeners, member)
	return err
}

func (r *ControlRecord) votedBy(member signing.Address) bool {
	return slices.ContainsFunc(r.Votes, func(v ControlVote) bool { return v.Member == member })
}

// checkControl checks that the bridge would take a control action now, and returns
// whether listeners must sign it.
func (b *bridge) checkControl(c *bridgecontracts.Control) (listeners bool, err error) {
	switch body := c.Body.(type) {
	case *bridgecontracts.Unpause:
		if !b.paused() {
			return false, reject(CodeStale, "bridge %s is not paused", b.Domain)
		}
		if next := b.PauseSequence + 1; c.Sequence != next {
			return false, reject(CodeStale, "unpause has sequence %d, the next one is %d", c.Sequence, next)
		}
		return false, nil
	case *bridgecontracts.SetLimit:
		if next := b.LimitVersion + 1; c.Sequence != next {
			return false, reject(CodeStale, "limit has version %d, the next one is %d", c.Sequence, next)
		}
		i, known := b.assets.byToken[body.Token]
		if !known {
			return false, reject(CodeRecipient, "token %s is not listed for chain %s", body.Token, b.Chain)
		}
		if !possible(&body.Capacity, body.Window) {
			t := &b.assets.tokens[i]
			return false, reject(CodeAmount, "a limit of %s in %d seconds: the window is whole minutes up to 65535, the capacity below 2^104 of the token's smallest units, and both are 0 for no limit",
				t.asset.TokenText(t.token, &body.Capacity), body.Window)
		}
		return b.Tokens[i].Limit.raises(body), nil
	case *bridgecontracts.Pause:
		return false, reject(CodeMalformed, "a pause needs no votes: any approver delivers it to the bridge itself")
	}
	return false, reject(CodeMalformed, "control action %d cannot be voted for", c.Body.Kind())
}

// bridgeSet returns the set that the bridge holds, whose members sign for it.
func (m *machine) bridgeSet(b *bridge) (*validators.Set, error) {
	set := new(validators.Set)
	ok, err := m.table.get(setKey(b.Epoch), set)
	if err == nil && (!ok || set.Hash() != b.SetHash) {
		err = reject(CodeCertificate, "bridge %s holds set %s of epoch %d, which the app chain does not know", b.Domain, b.SetHash, b.Epoch)
	}
	return set, err
}

// candidate returns the record of a control action as it stands, or for the first vote
// the given one, which the member proposes.
func (m *machine) candidate(b *bridge, proposal *ControlRecord, member signing.Address) (*ControlRecord, error) {
	record := new(ControlRecord)
	ok, err := m.table.get(controlKey(b.Domain, proposal.Digest), record)
	if ok || err != nil {
		return record, err
	}
	kind, sequence := proposal.Control.Body.Kind(), proposal.Control.Sequence
	slot := controlSlotKey(b.Domain, kind, sequence)
	rivals, err := candidates(&m.table, b.Domain, slot)
	if err != nil {
		return nil, err
	}
	digests := make(hashes, 0, len(rivals)+1)
	for _, rival := range rivals {
		if rival.Epoch == b.Epoch && rival.Votes[0].Member == member {
			return nil, reject(CodeStale, "%s has proposed another %s %d already", member, kind, sequence)
		}
		if rival.Epoch == b.Epoch {
			digests = append(digests, rival.Digest)
		} else if err := m.table.remove(controlKey(b.Domain, rival.Digest)); err != nil {
			return nil, err
		}
	}
	digests = append(digests, proposal.Digest)
	return proposal, m.table.put(slot, &digests)
}

// candidates reads all control actions that were proposed for one sequence of a kind.
func candidates(t *table, domain bridgecontracts.Domain, slot key) ([]*ControlRecord, error) {
	var digests hashes
	if _, err := t.get(slot, &digests); err != nil {
		return nil, err
	}
	records := make([]*ControlRecord, len(digests))
	for i, digest := range digests {
		records[i] = new(ControlRecord)
		if err := t.need(controlKey(domain, digest), records[i]); err != nil {
			return nil, err
		}
	}
	return records, nil
}

// sealControl takes the processor's signature over a candidate that has its votes, and
// makes the seal: exact quorums, the lowest addresses first.
func (m *machine) sealControl(msg *SealControl) error {
	b, err := m.knownBridge(msg.Domain)
	if err != nil {
		return err
	}
	set, err := m.bridgeSet(b)
	if err != nil {
		return err
	}
	records, err := candidates(&m.table, b.Domain, controlSlotKey(b.Domain, msg.Kind, msg.Sequence))
	if err != nil {
		return err
	}
	sealed := func(r *ControlRecord) bool { return r.Done || (r.Seal != nil && r.Epoch == b.Epoch) }
	if slices.ContainsFunc(records, sealed) {
		return reject(CodeStale, "%s %d of bridge %s is sealed already", msg.Kind, msg.Sequence, b.Domain)
	}
	refusal := fmt.Sprintf("nobody has proposed %s %d of bridge %s", msg.Kind, msg.Sequence, b.Domain)
	for _, record := range records {
		if record.Epoch != b.Epoch {
			refusal = fmt.Sprintf("%s %d was proposed in epoch %d, bridge %s is at %d", msg.Kind, msg.Sequence, record.Epoch, b.Domain, b.Epoch)
			continue
		}
		seal, missing := record.seal(set, msg.Signature)
		if missing != nil {
			refusal = fmt.Sprintf("%s %d of bridge %s: %s", msg.Kind, msg.Sequence, b.Domain, missing)
			continue
		}
		record.Seal = seal
		if l, ok := record.Control.Body.(*bridgecontracts.SetLimit); ok {
			b.announce(l, m.in.Time/1000)
		}
		m.emit(&ControlSealed{Domain: b.Domain, Kind: msg.Kind, Sequence: msg.Sequence})
		return m.table.put(controlKey(b.Domain, record.Digest), record)
	}
	return reject(CodeCertificate, "%s", refusal)
}

// announce lets the mirror know that a limit can change on the chain from now on.
func (b *bridge) announce(l *bridgecontracts.SetLimit, now uint64) {
	if i, ok := b.assets.byToken[l.Token]; ok {
		b.Tokens[i].Limit.announce(now, &l.Capacity, l.Window)
		b.dirty = true
	}
}

// seal makes the seal of a candidate, or says what is missing.
func (r *ControlRecord) seal(set *validators.Set, processor signing.Signature) (*bridgecontracts.Seal, error) {
	var tallies [validators.Approvers + 1]validators.Tally
	for i := range r.Votes {
		tallies[r.Votes[i].Group].Add(r.Votes[i].Member, r.Votes[i].Signature)
	}
	seal := &bridgecontracts.Seal{Epoch: r.Epoch, Processor: processor}
	var ok bool
	if seal.Approvers, ok = tallies[validators.Approvers].Quorum(set, validators.Approvers); !ok {
		return nil, fmt.Errorf("%d approvers have voted, %d must", len(seal.Approvers), set.Quorum(validators.Approvers))
	}
	if r.NeedsListeners {
		if seal.Listeners, ok = tallies[validators.Listeners].Quorum(set, validators.Listeners); !ok {
			return nil, fmt.Errorf("%d listeners have voted, %d must", len(seal.Listeners), set.Quorum(validators.Listeners))
		}
	}
	return seal, verifySeal(set, r.Digest, seal, r.NeedsListeners)
}

// closeControls ends the vote on a sequence that the bridge has used: the candidate with
// the body that ran is done, the others go.
func (m *machine) closeControls(b *bridge, kind bridgecontracts.ControlKind, sequence uint64, body codec.Hash) error {
	slot := controlSlotKey(b.Domain, kind, sequence)
	records, err := candidates(&m.table, b.Domain, slot)
	if err != nil || len(records) == 0 {
		return err
	}
	var kept hashes
	for _, r := range records {
		if r.Control.Body.Hash() == body && len(kept) == 0 {
			r.Done = true
			kept = append(kept, r.Digest)
			err = m.table.put(controlKey(b.Domain, r.Digest), r)
		} else {
			err = m.table.remove(controlKey(b.Domain, r.Digest))
		}
		if err != nil {
			return err
		}
	}
	if len(kept) == 0 {
		return m.table.remove(slot)
	}
	return m.table.put(slot, &kept)
}
