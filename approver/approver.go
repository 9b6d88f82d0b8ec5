package approver

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/trinebridge/trine/appchain"
	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/bridgewatch"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/gossip/wire"
	"github.com/trinebridge/trine/ledger"
	"github.com/trinebridge/trine/signing"
	"github.com/trinebridge/trine/store"
)

// Approver watches the bridges of one app chain and approves their actions.
type Approver struct {
	config  Config
	watches *bridgewatch.Watches[*watch]
	outflow *outflow
	looked  chan struct{} // has a signal when a watch has looked or the operator asked for something
	signed  map[approvalKey]*approval
	// seen are the attached bridges as they were when a pending action was first seen.
	seen map[approvalKey][]ledger.Bridge

	mu        sync.Mutex
	decisions []Decision
	trouble   string // why the newest round failed
}

// approvalKey names what one approval is about.
type approvalKey struct {
	domain                  bridgecontracts.Domain
	epoch, action, revision uint64
}

// approval is one that was signed, and when it was last gossiped.
type approval struct {
	wire.Approval
	at time.Time
}

// New checks the configuration and opens what the store holds. It starts nothing.
func New(config Config) (*Approver, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	config.Member = config.WithDefaults()
	out, err := openOutflow(store.Sub(config.Store, "outflow/"), config.Limits)
	if err != nil {
		return nil, fmt.Errorf("approver: %w", err)
	}
	a := &Approver{
		config: config, outflow: out,
		looked: make(chan struct{}, 1),
		signed: map[approvalKey]*approval{},
		seen:   map[approvalKey][]ledger.Bridge{},
	}
	if a.watches, err = bridgewatch.OpenWatches(&a.config.Member, func(w *bridgewatch.Watch) *watch { return newWatch(&a.config, w) }); err != nil {
		return nil, fmt.Errorf("approver: %w", err)
	}
	return a, nil
}

// Attach agrees to attach a bridge and remembers that. The approver votes for it once its
// own endpoints have shown that it is the right one; Status says how far that is.
func (a *Approver) Attach(ctx context.Context, chainID string, bridge codec.Hash) error {
	if err := a.watches.Attach(ctx, a.config.View(), chainID, bridge); err != nil {
		return fmt.Errorf("approver: %w", err)
	}
	a.wake()
	return nil
}

func (a *Approver) wake() {
	select {
	case a.looked <- struct{}{}:
	default:
	}
}

// Run approves until ctx is done. It returns an error when it cannot go on, as when its
// store is damaged; what a chain or a peer does wrong is never a reason.
func (a *Approver) Run(ctx context.Context) error {
	ctx, stop := context.WithCancelCause(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer stop(nil)
	started := map[*watch]bool{}
	for {
		changed, acknowledged := a.config.Changed(), a.config.Acknowledgements.Changed()
		err := a.runOnce(ctx, a.config.Now())
		if ctx.Err() == nil && (store.IsCorruption(err) || errors.Is(err, store.ErrClosed)) {
			return fmt.Errorf("approver: %w", err)
		}
		a.report(err)
		for _, w := range a.watches.All() {
			if !started[w] {
				started[w] = true
				running.Go(func() {
					if err := w.run(ctx, a.wake); err != nil {
						stop(err)
					}
				})
			}
		}
		if bridgewatch.Wait(ctx, bridgewatch.Breath) != nil || bridgewatch.Wait(ctx, a.config.Repeat, changed, acknowledged, a.looked) != nil {
			if err := bridgewatch.Ended(ctx); err != nil {
				return fmt.Errorf("approver: %w", err)
			}
			return nil
		}
	}
}

// report keeps why a round failed, and logs it once.
func (a *Approver) report(err error) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if text != a.trouble && err != nil {
		a.config.Log.Warn("nothing is approved in this round", "error", err)
	}
	a.trouble = text
}

// runOnce asks where the app chain stands, and decides about every action that waits.
func (a *Approver) runOnce(ctx context.Context, now time.Time) error {
	r := round{approver: a, now: now, view: a.config.View()}
	var err error
	if r.bridges, err = r.view.Bridges(); err != nil {
		return err
	}
	a.watches.Adopt(r.bridges, "once it has reported an event, nothing is approved")
	if r.set, err = r.view.Validators(); err != nil {
		return err
	}
	if r.acknowledged, err = a.config.Acknowledgements.Acknowledged(); err != nil {
		return err
	}
	var decisions []Decision
	live := map[approvalKey]bool{}
	for i := range r.bridges {
		bridge := &r.bridges[i]
		for id := bridge.LastExecuted + 1; id <= bridge.LastAction; id++ {
			record, ok, err := r.view.Action(bridge.Domain, id)
			if err != nil {
				return err
			}
			if !ok || record.Status != ledger.ActionPending {
				continue
			}
			k := approvalKey{bridge.Domain, r.set.Epoch, id, record.Revision}
			live[k] = true
			if a.seen[k] == nil {
				a.seen[k] = r.bridges
			}
			d, err := r.decide(ctx, &asked{bridge: bridge, record: &record, seen: a.seen[k]})
			if err != nil {
				return err
			}
			decisions = append(decisions, d)
		}
	}
	over := func(k approvalKey) bool { return !live[k] }
	maps.DeleteFunc(a.signed, func(k approvalKey, _ *approval) bool { return over(k) })
	maps.DeleteFunc(a.seen, func(k approvalKey, _ []ledger.Bridge) bool { return over(k) })
	a.publishDecisions(decisions)
	return r.retire(ctx)
}

// keepFinal is how many executed actions of a bridge stay in the guard: a chain that goes back
// below finality may ask for new revisions of the newest ones.
const keepFinal = 1024

// retire lets the guard forget the approvals that nobody can ask for any more: of earlier
// epochs than the bridge's, and of actions that it has executed, as the ledger and this
// approver's own endpoints both say. The guard refuses what it has forgotten.
func (r *round) retire(ctx context.Context) error {
	if r.approver.config.DryRun {
		return nil
	}
	for i := range r.bridges {
		bridge := &r.bridges[i]
		w := r.approver.watch(bridge.Domain)
		if w == nil {
			continue
		}
		own := w.reading()
		if !own.ok || own.err != nil || own.snapshot.Epoch != bridge.Epoch {
			continue
		}
		if next := min(own.snapshot.NextAction, bridge.LastExecuted+1); next > keepFinal {
			if err := w.Retire(ctx, signing.KindAction, bridge.Epoch, next-keepFinal); err != nil {
				return err
			}
		} else if bridge.Epoch > 1 {
			if err := w.Retire(ctx, signing.KindAction, bridge.Epoch, 0); err != nil {
				return err
			}
		}
	}
	return nil
}

// decide judges one action and signs it if nothing speaks against it.
func (r *round) decide(ctx context.Context, ask *asked) (Decision, error) {
	d := Decision{
		Chain: ask.bridge.Chain, Domain: ask.bridge.Domain, ActionID: ask.record.Action.ID,
		Epoch: r.set.Epoch, Revision: ask.record.Revision, State: Approved,
	}
	v, err := r.judge(ask)
	if err == nil && v == nil {
		v, err = r.approver.approve(ctx, r, ask)
	}
	if v != nil {
		d.State, d.Reason, d.Detail = v.state, v.reason, v.detail
	}
	return d, err
}

// approve counts the outflow, signs and gossips. What is signed already is gossiped again
// when it is time.
func (a *Approver) approve(ctx context.Context, r *round, ask *asked) (*verdict, error) {
	k := approvalKey{ask.bridge.Domain, r.set.Epoch, ask.record.Action.ID, ask.record.Revision}
	s := a.signed[k]
	if s == nil {
		if err := a.outflow.count(ctx, r.now, outflowKey{k.domain, k.action}, outflowEntry{
			Chain: ask.bridge.Chain, Epoch: k.epoch, Revision: k.revision, At: uint64(r.now.UnixMilli()), Amounts: ask.amounts, // after 1970
		}); err != nil {
			return nil, err
		}
		signature, err := a.config.Signer.Sign(ctx, ask.statement(r.set.Epoch))
		if errors.Is(err, signing.ErrDoubleSign) {
			return refuse(RefuseDoubleSign, "%s", err), nil
		}
		if err != nil {
			return wait(WaitKey, "signing: %s", err), nil
		}
		s = &approval{Approval: wire.Approval{
			Domain: k.domain, Epoch: k.epoch, ActionID: k.action, Revision: k.revision, Digest: ask.digest, Signature: signature,
		}}
		a.signed[k] = s
		a.config.Log.Info("approved", "chain", ask.bridge.Chain, "action", k.action, "revision", k.revision, "digest", ask.digest)
		if a.config.Observer.Approved != nil {
			a.config.Observer.Approved(k.domain, k.action)
		}
	} else if r.now.Sub(s.at) < a.config.Repeat {
		return nil, nil
	}
	if err := a.config.Network.Publish(ctx, appchain.TopicApprovals, codec.Marshal(&wire.Vote{Approval: &s.Approval})); err != nil {
		a.config.Log.Warn("approval not gossiped, trying again later", "action", k.action, "error", err)
		return nil, nil
	}
	s.at = r.now
	return nil, nil
}

// publishDecisions keeps the decisions for Status and tells of those that are new.
func (a *Approver) publishDecisions(decisions []Decision) {
	a.mu.Lock()
	before := a.decisions
	a.decisions = decisions
	a.mu.Unlock()
	for i := range decisions {
		d := &decisions[i]
		known := slices.ContainsFunc(before, func(b Decision) bool {
			return b.Domain == d.Domain && b.ActionID == d.ActionID && b.State == d.State && b.Reason == d.Reason
		})
		if known || d.State == Approved {
			continue
		}
		if d.State == Waiting {
			a.config.Log.Debug("an action waits", "chain", d.Chain, "action", d.ActionID, "reason", d.Reason, "detail", d.Detail)
			continue
		}
		a.config.Log.Error("an action is refused", "chain", d.Chain, "bridge", d.Domain.Short(), "action", d.ActionID, "reason", d.Reason, "detail", d.Detail)
		if a.config.Observer.Refused != nil {
			a.config.Observer.Refused(*d)
		}
	}
}

// watch returns the watch of a bridge, nil when there is none.
func (a *Approver) watch(domain bridgecontracts.Domain) *watch {
	w, _ := a.watches.Of(domain)
	return w
}

// Status says how the approver is doing, and why what waits is not signed.
func (a *Approver) Status() Status {
	s := Status{Ready: true}
	for _, w := range a.watches.All() {
		b := w.currentStatus()
		s.Ready = s.Ready && b.Ready
		s.Bridges = append(s.Bridges, b)
	}
	for chainID, reason := range a.watches.Unread() {
		s.Ready = false
		s.Bridges = append(s.Bridges, BridgeStatus{Chain: chainID, Attached: true, Doing: "cannot be read", Error: reason})
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	slices.SortStableFunc(s.Bridges, func(x, y BridgeStatus) int { return cmp.Compare(x.Chain, y.Chain) })
	s.Actions = slices.Clone(a.decisions)
	var waiting, refused int
	for i := range s.Actions {
		switch s.Actions[i].State {
		case Waiting:
			waiting++
		case Refused:
			refused++
		}
	}
	switch {
	case a.trouble != "":
		s.Ready, s.Doing = false, a.trouble
	case refused > 0:
		s.Ready, s.Doing = false, fmt.Sprintf("refuses %d actions, waits with %d", refused, waiting)
	case waiting > 0:
		s.Doing = fmt.Sprintf("waits with %d actions", waiting)
	default:
		s.Doing = "nothing waits for this approver"
	}
	return s
}
