package processor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/trinebridge/trine/appchain"
	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/ledger"
	"github.com/trinebridge/trine/signing"
	"github.com/trinebridge/trine/validators"
)

// clerk puts what members have signed into blocks: seals of actions and control actions,
// bridges to attach, and a tick when time alone would move a queue. It works from the
// durable state and starts anew each time, so there is nothing to remember.
func (p *Processor) clerk(ctx context.Context) error {
	tick := time.NewTicker(p.TickInterval)
	defer tick.Stop()
	for timely := true; ; {
		changed := p.Node.Changed()
		if err := p.clerkOnce(ctx, timely); err != nil && ctx.Err() == nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-p.votes.news:
			timely = false
		case <-changed:
			timely = false
		case <-tick.C:
			timely = true
		}
	}
}

// clerkOnce does what is to be done now. What the ledger refuses is logged and comes up again if
// it still stands; the error is of the store or of a key.
func (p *Processor) clerkOnce(ctx context.Context, timely bool) error {
	if p.Node.Compromised() {
		return appchain.ErrCompromised
	}
	duties := []func(context.Context, ledger.View) error{p.sealActions, p.attachBridges, p.sealControls}
	if timely {
		duties = append(duties, p.tick)
	}
	view := p.Node.View()
	for _, duty := range duties {
		err := duty(ctx, view)
		if refusedByAny(err) {
			p.Log.Warn("own transaction does not apply", "error", err)
		} else if err != nil {
			return err
		}
	}
	return nil
}

// sealActions signs and brings in every action whose approvals are complete, in the order in which
// bridges take them, and forgets votes for actions that wait no more. One that is refused keeps no other from its seal.
func (p *Processor) sealActions(ctx context.Context, view ledger.View) error {
	set, err := view.Validators()
	if err != nil {
		return err
	}
	all := p.votes.snapshot()
	keys := slices.SortedFunc(maps.Keys(all), func(a, b actionKey) int { return cmp.Compare(a.id, b.id) })
	var faults []error
	for _, key := range keys {
		votes := all[key]
		record, ok, err := view.Action(key.domain, key.id)
		if err != nil {
			return err
		}
		newest := ledger.ActionDigest{}
		if ok && len(record.Digests) > 0 {
			newest = record.Digests[len(record.Digests)-1]
		}
		if !ok || record.Status != ledger.ActionPending || newest.Digest != key.digest {
			p.votes.forget(key)
			continue
		}
		seal, complete := completeSeal(&set, &record, votes)
		if !complete || p.sealedAlready(key) {
			continue
		}
		if err := p.sealAction(ctx, key, newest, seal); err != nil {
			err = fmt.Errorf("seal action %d of bridge %s: %w", key.id, key.domain, err)
			if !refusedByAny(err) {
				return err
			}
			faults = append(faults, err)
		}
	}
	return errors.Join(faults...)
}

// completeSeal returns a seal that lacks only the processor's signature.
func completeSeal(set *validators.Set, record *ledger.ActionRecord, votes signatures) (seal bridgecontracts.Seal, complete bool) {
	seal.Epoch = set.Epoch
	if seal.Approvers, complete = votes.quorum(set, validators.Approvers); !complete {
		return seal, false
	}
	if needsListeners(record) {
		seal.Listeners, complete = votes.quorum(set, validators.Listeners)
	}
	return seal, complete
}

// sealedAlready reports whether a block that is not durable yet has sealed the action.
func (p *Processor) sealedAlready(key actionKey) bool {
	record, ok, err := p.view().Action(key.domain, key.id)
	return err == nil && ok && record.Status != ledger.ActionPending
}

func (p *Processor) sealAction(ctx context.Context, key actionKey, digest ledger.ActionDigest, seal bridgecontracts.Seal) error {
	slot := signing.Slot{Kind: signing.KindAction, Scope: key.domain, Age: digest.Epoch, ID: key.id, Revision: digest.Revision}
	var err error
	if seal.Processor, err = p.Guard.Sign(ctx, signing.Statement{Slot: slot, Digest: digest.Digest}); err != nil {
		return err
	}
	return p.submitOwn(ctx, &ledger.SealAction{Domain: key.domain, ActionID: key.id, Revision: digest.Revision, Seal: seal})
}

// snapshot returns a copy of the votes for actions.
func (b *voteBook) snapshot() map[actionKey]signatures {
	b.mu.Lock()
	defer b.mu.Unlock()
	copied := make(map[actionKey]signatures, len(b.actions))
	for key, votes := range b.actions {
		copied[key] = maps.Clone(votes)
	}
	return copied
}

func (b *voteBook) forget(key actionKey) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.actions, key)
}

// attachBridges brings in every bridge that both groups have voted for. A vote that the
// ledger refuses is forgotten; members vote again for what stands then.
func (p *Processor) attachBridges(ctx context.Context, view ledger.View) error {
	set, err := view.Validators()
	if err != nil {
		return err
	}
	var faults []error
	for digest, attach := range p.votes.ripe(&set) {
		err := p.submitOwn(ctx, attach)
		if rejection := (*ledger.Rejection)(nil); err != nil && !errors.As(err, &rejection) {
			return err
		}
		p.votes.forgetAttach(digest)
		if err != nil {
			faults = append(faults, fmt.Errorf("attach bridge %s on %s: %w", attach.Bridge, attach.Chain, err))
		}
	}
	return errors.Join(faults...)
}

// ripe returns the bridges that both groups have voted for, by attach digest.
func (b *voteBook) ripe(set *validators.Set) map[codec.Hash]*ledger.Attach {
	b.mu.Lock()
	defer b.mu.Unlock()
	ripe := map[codec.Hash]*ledger.Attach{}
	for digest, votes := range b.attach {
		listeners, enough := votes.quorum(set, validators.Listeners)
		if !enough {
			continue
		}
		approvers, enough := votes.quorum(set, validators.Approvers)
		if !enough {
			continue
		}
		v := &votes.vote
		ripe[digest] = &ledger.Attach{
			Chain: v.Chain, Bridge: v.Bridge, Sequence: v.Sequence, CodeHash: v.CodeHash, SetHash: v.SetHash,
			StartBlock: v.StartBlock, Listeners: listeners, Approvers: approvers,
		}
	}
	return ripe
}

func (b *voteBook) forgetAttach(digest codec.Hash) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.attach, digest)
}

// sealControls signs and brings in every control action that has its votes.
func (p *Processor) sealControls(ctx context.Context, view ledger.View) error {
	bridges, err := view.Bridges()
	if err != nil {
		return err
	}
	var faults []error
	for i := range bridges {
		records, err := view.OpenControls(bridges[i].Domain)
		if err != nil {
			return err
		}
		set, ok, err := view.ValidatorsAt(bridges[i].Epoch)
		if err != nil {
			return err
		}
		for j := range records {
			if !ok || records[j].Epoch != set.Epoch || !controlComplete(&set, &records[j]) || p.controlSealed(&records[j]) {
				continue
			}
			err := p.sealControl(ctx, &records[j])
			if err != nil && !refusedByAny(err) {
				return err
			}
			faults = append(faults, err)
		}
	}
	return errors.Join(faults...)
}

// refusedByAny reports whether the ledger or the guard refuses, which another action need not
// suffer from. Of several candidates for one sequence of a control action only one is ever sealed.
func refusedByAny(err error) bool {
	var rejection *ledger.Rejection
	return errors.As(err, &rejection) || errors.Is(err, signing.ErrDoubleSign)
}

// controlComplete reports whether a control action has its votes and no seal.
func controlComplete(set *validators.Set, r *ledger.ControlRecord) bool {
	if r.Seal != nil || r.Done {
		return false
	}
	votes := signatures{}
	for _, v := range r.Votes {
		votes[v.Member] = v.Signature
	}
	_, complete := votes.quorum(set, validators.Approvers)
	if complete && r.NeedsListeners {
		_, complete = votes.quorum(set, validators.Listeners)
	}
	return complete
}

// controlSealed reports whether a block that is not durable yet has sealed a candidate for
// the same sequence.
func (p *Processor) controlSealed(r *ledger.ControlRecord) bool {
	records, err := p.view().Controls(r.Domain, r.Control.Body.Kind(), r.Control.Sequence)
	return err == nil && slices.ContainsFunc(records, func(other ledger.ControlRecord) bool { return other.Seal != nil || other.Done })
}

func (p *Processor) sealControl(ctx context.Context, r *ledger.ControlRecord) error {
	kind := r.Control.Body.Kind()
	slot := signing.Slot{Kind: signing.KindControl, Scope: r.Domain, Age: r.Epoch, ID: r.Control.Sequence, Sub: uint64(kind)}
	signature, err := p.Guard.Sign(ctx, signing.Statement{Slot: slot, Digest: r.Digest})
	if err == nil {
		err = p.submitOwn(ctx, &ledger.SealControl{Domain: r.Domain, Kind: kind, Sequence: r.Control.Sequence, Signature: signature})
	}
	if err != nil {
		return fmt.Errorf("seal %s %d of bridge %s: %w", kind, r.Control.Sequence, r.Domain, err)
	}
	return nil
}

// tick adds a transaction that does nothing but let queues move, if time alone moves one.
func (p *Processor) tick(ctx context.Context, view ledger.View) error {
	bridges, err := view.Bridges()
	if err != nil {
		return err
	}
	now := max(p.nowMillis(), p.tip.Load().Header.Time)
	for i := range bridges {
		would, err := p.view().WouldDrain(bridges[i].Domain, now)
		if err != nil {
			return err
		}
		if would {
			return p.submitOwn(ctx, &ledger.Tick{})
		}
	}
	return nil
}
