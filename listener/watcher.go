package listener

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/trinebridge/trine/appchain"
	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/bridgewatch"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/gossip/wire"
	"github.com/trinebridge/trine/ledger"
	"github.com/trinebridge/trine/signing"
	"github.com/trinebridge/trine/store"
	"github.com/trinebridge/trine/validators"
)

const (
	// checkpoint is the distance of the events that are attested while there are many: as
	// many as one certificate covers.
	checkpoint = ledger.MaxEvents
	// checkpointsAhead is how many of them are attested beyond the ledger's cursor.
	checkpointsAhead = 4
	// breath is the shortest time between two rounds, so that a busy app chain does not
	// turn every block into a round.
	breath = 50 * time.Millisecond
)

// watcher follows one bridge. Its goroutine runs runOnce; status and heard are shared.
type watcher struct {
	config Config
	intent bridgewatch.Intent
	domain bridgecontracts.Domain
	access bridgewatch.Access
	reader *bridgewatch.Reader
	log    *slog.Logger
	wake   chan struct{}

	looked    time.Time // when the chain was last asked
	voted     time.Time // when the vote to attach was last gossiped
	healthy   bool      // whether that look succeeded
	signed    map[uint64]*sent
	disputed  map[signing.Address]uint64 // the newest event about which a member was reported
	complaint string                     // the error that was logged last

	mu     sync.Mutex
	heard  heard
	status Status
}

// sent is an attestation above the ledger's cursor, and when it was last gossiped.
type sent struct {
	wire.Attestation
	at time.Time
}

func newWatcher(config Config, intent bridgewatch.Intent) (*watcher, error) {
	access := config.Chains[intent.Chain]
	domain := bridgecontracts.NewDomain(config.Genesis, intent.Chain, intent.Bridge)
	reader, err := bridgewatch.OpenReader(bridgewatch.ReaderConfig{
		Domain:   domain,
		Open:     func(start uint64) (chain.Source, error) { return access.Open(intent.Bridge, start) },
		Finality: access.Finality,
		Store:    store.Sub(config.Store, "bridge/"+domain.String()+"/"),
		Timeout:  access.Timeout,
	})
	if err != nil {
		return nil, err
	}
	return &watcher{
		config: config, intent: intent, domain: domain, access: access, reader: reader,
		log:      config.Log.With("chain", intent.Chain, "bridge", domain.Short()),
		wake:     make(chan struct{}, 1),
		signed:   map[uint64]*sent{},
		disputed: map[signing.Address]uint64{},
		heard:    heard{},
		status:   Status{Chain: intent.Chain, Bridge: intent.Bridge, Domain: domain, Doing: "starts"},
	}, nil
}

// run loops over runOnce. It returns when ctx is done, or when the store is damaged or closed.
func (w *watcher) run(ctx context.Context) error {
	for {
		changed := w.config.Changed()
		err := w.runOnce(ctx, w.config.Now())
		if ctx.Err() != nil {
			return nil
		}
		if store.IsCorruption(err) || errors.Is(err, store.ErrClosed) {
			return fmt.Errorf("bridge %s on %s: %w", w.intent.Bridge, w.intent.Chain, err)
		}
		w.report(err)
		if bridgewatch.Wait(ctx, breath) != nil || bridgewatch.Wait(ctx, w.access.PollEvery()-breath, changed, w.wake) != nil {
			return nil
		}
	}
}

// report keeps an error for Status, and logs it when it is not the one that was logged last.
func (w *watcher) report(err error) {
	text := ""
	if err != nil {
		text = err.Error()
		w.looked = time.Time{} // begin again from the chain
		if w.config.Observer.Failed != nil {
			w.config.Observer.Failed(w.domain, err)
		}
	}
	w.set(func(s *Status) {
		s.Error = text
		if err != nil {
			s.Ready = false
			s.Doing = "attests nothing until the error is over"
		}
	})
	if text == w.complaint {
		return
	}
	w.complaint = text
	var contradiction *bridgewatch.Contradiction
	switch {
	case err == nil:
		w.log.Info("the bridge can be read again")
	case errors.As(err, &contradiction):
		w.log.Error("the chain contradicts what was verified before; nothing is attested for this bridge any more, see the runbook",
			"event", contradiction.EventID, "verified", contradiction.Stored, "now", contradiction.Chain, "block", contradiction.Block)
	case errors.Is(err, signing.ErrDoubleSign):
		w.log.Error("this key has attested another head before; nothing is attested for this bridge", "error", err)
	default:
		w.log.Warn("nothing is attested for this bridge", "error", err)
	}
}

func (w *watcher) set(change func(*Status)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change(&w.status)
}

// runOnce asks where app chain and chain stand, and says what is new about it.
func (w *watcher) runOnce(ctx context.Context, now time.Time) error {
	view := w.config.View()
	bridge, attached, err := view.Bridge(w.domain)
	if err != nil {
		return fmt.Errorf("the ledger's record of the bridge: %w", err)
	}
	if !attached {
		return w.attach(ctx, now, view)
	}
	w.set(func(s *Status) { s.Attached, s.Ledger = true, bridge.EventID })
	if now.Sub(w.looked) >= w.access.PollEvery() {
		w.healthy = false
		if err := w.look(ctx, now, &bridge); err != nil {
			return err
		}
		w.healthy = true
	}
	if !w.healthy {
		return nil
	}
	return w.attest(ctx, now, view, &bridge)
}

// look reads the chain and compares it with the ledger.
func (w *watcher) look(ctx context.Context, now time.Time, bridge *ledger.Bridge) error {
	if own := w.reader.Generation(); bridge.Generation != own {
		return fmt.Errorf("the ledger is at generation %d of the bridge's history, this listener's store at %d: remove its store, so that it reads the history anew", bridge.Generation, own)
	}
	if err := w.reader.Start(bridge.StartBlock); err != nil {
		return err
	}
	p, err := w.reader.Pin(ctx)
	if err != nil {
		return err
	}
	if err := w.reader.CatchUp(ctx, p); err != nil {
		return err
	}
	verified, _ := w.reader.Verified()
	if head, ok, err := w.reader.HeadAt(bridge.EventID); err != nil {
		return err
	} else if ok && head != bridge.Head {
		return fmt.Errorf("the ledger has applied event %d with head %s, but this listener's endpoints show head %s: the listeners' quorum or these endpoints are wrong", bridge.EventID, bridge.Head, head)
	}
	w.looked = now
	w.set(func(s *Status) { s.Ready, s.Block, s.EventID, s.LastRead = true, p.Block, verified.ID, now })
	if w.config.Observer.Read != nil {
		w.config.Observer.Read(w.domain, p.Block, verified.ID)
	}
	return nil
}

// targets returns the events to attest, ascending: checkpoints beyond the ledger's
// cursor, what others have attested, and the newest.
func (w *watcher) targets(view View, at *ledger.Bridge, newest uint64) ([]uint64, error) {
	if newest <= at.EventID {
		return nil, nil
	}
	ids := []uint64{newest}
	for i := range uint64(checkpointsAhead) {
		if id := (at.EventID/checkpoint + 1 + i) * checkpoint; id < newest {
			ids = append(ids, id)
		}
	}
	set, err := view.Validators()
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	claims := w.heard.take(at.EventID, newest)
	w.mu.Unlock()
	for _, c := range claims {
		if !set.Has(validators.Listeners, c.member) {
			continue
		}
		ids = append(ids, c.id)
		head, _, err := w.reader.HeadAt(c.id)
		if err != nil {
			return nil, err
		}
		if head != c.head && w.disputed[c.member] < c.id {
			w.disputed[c.member] = c.id
			w.log.Warn("another listener attests another head", "listener", c.member, "event", c.id, "theirs", c.head, "ours", head)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}

// attest signs and gossips what the ledger does not have yet.
func (w *watcher) attest(ctx context.Context, now time.Time, view View, bridge *ledger.Bridge) error {
	for id := range w.signed {
		if id <= bridge.EventID {
			delete(w.signed, id)
		}
	}
	verified, _ := w.reader.Verified()
	ids, err := w.targets(view, bridge, verified.ID)
	if err != nil {
		return err
	}
	switch {
	case w.config.Compromised():
		w.set(func(s *Status) { s.Doing = "signs nothing: there is proof that the processor is hostile" })
		return nil
	case w.config.DryRun:
		w.set(func(s *Status) {
			s.Doing = fmt.Sprintf("dry run: signs nothing; would attest %d events up to %d", len(ids), verified.ID)
		})
		return nil
	case len(ids) == 0:
		w.set(func(s *Status) { s.Doing = fmt.Sprintf("waits for event %d", verified.ID+1) })
		return nil
	}
	for _, id := range ids {
		if err := w.attestOne(ctx, now, bridge.Generation, id); err != nil {
			return err
		}
	}
	w.set(func(s *Status) {
		s.Attested = max(s.Attested, verified.ID)
		s.Doing = fmt.Sprintf("has attested event %d and waits for the others; the ledger is at event %d", verified.ID, bridge.EventID)
	})
	return nil
}

// attestOne gossips the attestation of an event, which it signs first if it is new.
func (w *watcher) attestOne(ctx context.Context, now time.Time, generation, id uint64) error {
	a, old := w.signed[id]
	if !old {
		head, ok, err := w.reader.HeadAt(id)
		if err != nil {
			return err
		}
		if !ok {
			return fmt.Errorf("event %d is not verified", id)
		}
		a = &sent{Attestation: wire.Attestation{Attestation: bridgecontracts.Attestation{Domain: w.domain, Generation: generation, EventID: id, Head: head}}}
		a.Signature, err = w.config.Signer.Sign(ctx, signing.Statement{
			Slot:   signing.Slot{Kind: signing.KindAttestation, Scope: w.domain, Age: generation, ID: id},
			Digest: a.Digest(),
		})
		if err != nil {
			return fmt.Errorf("signing the attestation of event %d with head %s: %w", id, head, err)
		}
		w.signed[id] = a
		w.log.Debug("attested", "event", id, "head", head)
		if w.config.Observer.Attested != nil {
			w.config.Observer.Attested(w.domain, id)
		}
	}
	if old && now.Sub(a.at) < w.config.Repeat {
		return nil
	}
	if err := w.config.Network.Publish(ctx, appchain.TopicAttestations, codec.Marshal(&a.Attestation)); err != nil {
		w.log.Warn("attestation not gossiped, trying again later", "event", id, "error", err)
		return nil
	}
	a.at = now
	return nil
}

// attach checks a bridge that the operator wants and votes for it, again and again until it is attached.
func (w *watcher) attach(ctx context.Context, now time.Time, view View) error {
	if now.Sub(w.voted) < w.config.Repeat {
		return nil
	}
	vote, err := w.reader.CheckIntent(ctx, view, w.config.Genesis, w.intent, w.access.CodeHash)
	if err != nil {
		return err
	}
	verified, block := w.reader.Verified()
	w.set(func(s *Status) {
		s.Ready, s.Block, s.EventID, s.LastRead = true, block, verified.ID, now
		s.Doing = "has voted to attach the bridge and waits for the others"
	})
	switch {
	case w.config.Compromised():
		w.set(func(s *Status) { s.Doing = "signs nothing: there is proof that the processor is hostile" })
		return nil
	case w.config.DryRun:
		w.set(func(s *Status) { s.Doing = "dry run: would vote to attach the bridge" })
		return nil
	}
	if err := bridgewatch.SignAttach(ctx, w.config.Signer, w.config.Genesis, &vote); err != nil {
		return err
	}
	w.voted = now
	if err := w.config.Network.Publish(ctx, appchain.TopicApprovals, codec.Marshal(&wire.Vote{Attach: &vote})); err != nil {
		w.log.Warn("vote to attach not gossiped, trying again later", "error", err)
	}
	return nil
}

// hear remembers another listener's attestation.
func (w *watcher) hear(c claim) {
	w.mu.Lock()
	added := w.heard.add(c)
	w.mu.Unlock()
	if added {
		select {
		case w.wake <- struct{}{}:
		default:
		}
	}
}

// currentStatus returns a copy.
func (w *watcher) currentStatus() Status {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.status
}
