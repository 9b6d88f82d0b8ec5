package listener

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/trinebridge/trine/appchain"
	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/bridgewatch"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/gossip/wire"
	"github.com/trinebridge/trine/ledger"
	"github.com/trinebridge/trine/validators"
)

// ProtocolEvents asks a listener for verified events: a wire.EventsRequest is answered by a wire.Events.
const ProtocolEvents = "/trine/events/1"

// Listener follows the bridges of one app chain.
type Listener struct {
	config   Config
	watchers *bridgewatch.Watches[*watcher]
	asked    chan struct{} // wakes Run when the operator has asked to attach a bridge
}

// New checks the configuration and opens what the store holds. It starts nothing.
func New(config Config) (*Listener, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	config.Member = config.WithDefaults()
	l := &Listener{config: config, asked: make(chan struct{}, 1)}
	var err error
	if l.watchers, err = bridgewatch.OpenWatches(&l.config.Member, func(w *bridgewatch.Watch) *watcher { return newWatcher(&l.config, w) }); err != nil {
		return nil, fmt.Errorf("listener: %w", err)
	}
	return l, nil
}

// Attach agrees to attach a bridge and remembers that. The listener votes for it once its
// own endpoints have shown that it is the right one; Status says how far that is.
func (l *Listener) Attach(ctx context.Context, chainID string, bridge codec.Hash) error {
	if err := l.watchers.Attach(ctx, l.config.View(), chainID, bridge); err != nil {
		return fmt.Errorf("listener: %w", err)
	}
	select {
	case l.asked <- struct{}{}:
	default:
	}
	return nil
}

// VoteControl signs a control action (one that raises a limit needs the listeners too)
// and submits the vote. It returns the transaction's hash.
func (l *Listener) VoteControl(ctx context.Context, domain bridgecontracts.Domain, control bridgecontracts.Control) (codec.Hash, error) {
	switch {
	case l.config.Compromised():
		return codec.Hash{}, errors.New("listener: there is proof that the processor is hostile: nothing is signed")
	case l.config.DryRun:
		return codec.Hash{}, errors.New("listener: dry run: nothing is signed")
	}
	tx, err := bridgewatch.VoteControl(ctx, l.config.View(), l.config.Genesis, l.config.Signer, l.config.Now(), domain, control)
	if err != nil {
		return codec.Hash{}, fmt.Errorf("listener: %w", err)
	}
	return l.config.Submit(ctx, tx)
}

// settle is how long after news the ledger's bridges are looked at.
const settle = 200 * time.Millisecond

// Run listens until ctx is done. It returns an error when it cannot go on, as when its
// store is damaged; what a chain or a peer does wrong is never a reason.
func (l *Listener) Run(ctx context.Context) error {
	unsubscribe, err := l.config.Network.Subscribe(appchain.TopicAttestations, l.hear)
	if err != nil {
		return fmt.Errorf("listener: attestations: %w", err)
	}
	defer unsubscribe()
	unserve, err := l.config.Network.Serve(ProtocolEvents, wire.MaxSmall, l.serve)
	if err != nil {
		return fmt.Errorf("listener: serving events: %w", err)
	}
	defer unserve()

	ctx, stop := context.WithCancelCause(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer stop(nil)
	started := map[*watcher]bool{}
	for {
		changed := l.config.Changed()
		if bridges, err := l.config.View().Bridges(); err != nil {
			l.config.Log.Warn("the ledger's bridges cannot be read", "error", err)
		} else {
			l.watchers.Adopt(bridges, "nothing is attested for it")
		}
		for _, w := range l.watchers.All() {
			if !started[w] {
				started[w] = true
				running.Go(func() {
					if err := w.Run(ctx, l.config.Changed, w.round); err != nil {
						stop(err)
					}
				})
			}
		}
		// Bridges come rarely and blocks in thousands: one look a moment after the first news
		// is enough. The wait for news comes first, so that none is taken by the other.
		if bridgewatch.Wait(ctx, time.Hour, changed, l.asked) != nil || bridgewatch.Wait(ctx, settle) != nil {
			if err := bridgewatch.Ended(ctx); err != nil {
				return fmt.Errorf("listener: %w", err)
			}
			return nil
		}
	}
}

// watcher returns the watcher of a bridge, nil when there is none.
func (l *Listener) watcher(domain bridgecontracts.Domain) *watcher {
	w, _ := l.watchers.Of(domain)
	return w
}

// Status says how each bridge is doing, ordered by chain and address.
func (l *Listener) Status() []Status {
	var all []Status
	for _, w := range l.watchers.All() {
		all = append(all, w.currentStatus())
	}
	for chainID, reason := range l.watchers.Unread() {
		all = append(all, Status{Chain: chainID, Attached: true, Doing: "does not listen", Error: reason})
	}
	slices.SortStableFunc(all, func(a, b Status) int { return cmp.Compare(a.Chain, b.Chain) })
	return all
}

// ChainTx returns the transaction that emitted a verified event, if this listener has it.
func (l *Listener) ChainTx(domain bridgecontracts.Domain, eventID uint64) (tx string, ok bool) {
	w := l.watcher(domain)
	if w == nil {
		return "", false
	}
	events, err := w.Reader.Events(eventID, eventID)
	if err != nil || len(events) == 0 {
		return "", false
	}
	return events[0].Tx, true
}

// hear takes another listener's attestation.
func (l *Listener) hear(_ context.Context, from string, message []byte) appchain.Verdict {
	var a wire.Attestation
	if err := codec.Unmarshal(message, &a, wire.MaxSmall); err != nil {
		l.config.Log.Debug("attestation refused", "peer", from, "error", err)
		return appchain.Reject
	}
	member, err := a.Signature.RecoverAddress(a.Digest())
	if err != nil {
		l.config.Log.Debug("attestation refused", "peer", from, "error", err)
		return appchain.Reject
	}
	view := l.config.View()
	set, err := view.Validators()
	if err != nil || !set.Has(validators.Listeners, member) {
		return appchain.Ignore
	}
	bridge, attached, err := view.Bridge(a.Domain)
	if err != nil || !attached || bridge.Generation != a.Generation || a.EventID <= bridge.EventID {
		return appchain.Ignore
	}
	if w := l.watcher(a.Domain); w != nil && member != l.config.Signer.PublicKey().Address() {
		w.hear(claim{member, a.EventID, a.Head})
	}
	return appchain.Accept
}

// serve answers a request for verified events.
func (l *Listener) serve(_ context.Context, _ string, request []byte) ([]byte, error) {
	var r wire.EventsRequest
	if err := codec.Unmarshal(request, &r, wire.MaxSmall); err != nil {
		return nil, fmt.Errorf("request for events: %w", err)
	}
	w := l.watcher(r.Domain)
	if w == nil {
		return nil, fmt.Errorf("bridge %s is not listened to here", r.Domain)
	}
	if own := w.Reader.Generation(); r.Generation != own {
		return nil, fmt.Errorf("generation %d of bridge %s is not here, generation %d is", r.Generation, r.Domain.Short(), own)
	}
	if r.From == 0 || r.From > r.To {
		return nil, fmt.Errorf("no such range of events: %d to %d", r.From, r.To)
	}
	events, err := w.Reader.Events(r.From, min(r.To, r.From+ledger.MaxEvents-1))
	if err != nil {
		l.config.Log.Error("verified events cannot be read", "bridge", r.Domain.Short(), "error", err)
		return nil, errors.New("the events cannot be read here")
	}
	var answer wire.Events
	size := 4
	for i := range events {
		size += len(codec.Marshal(&events[i].Event))
		if size > wire.MaxEventsSize {
			break
		}
		answer.Events = append(answer.Events, events[i].Event)
	}
	return codec.Marshal(&answer), nil
}
