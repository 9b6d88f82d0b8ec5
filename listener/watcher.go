package listener

import (
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
	"github.com/trinebridge/trine/signing"
	"github.com/trinebridge/trine/validators"
)

const (
	// checkpoint is the distance of the events that are attested while there are many: as
	// many as one certificate covers.
	checkpoint = ledger.MaxEvents
	// checkpointsAhead is how many of them are attested beyond the ledger's cursor.
	checkpointsAhead = 4
)

// watcher follows one bridge. Its goroutine runs runOnce; status and heard are shared.
type watcher struct {
	*bridgewatch.Watch
	config *Config

	looked    time.Time // when the chain was last asked
	healthy   bool      // whether that look succeeded
	signed    map[uint64]*sent
	disputed  map[signing.Address]uint64 // the newest event about which a member was reported
	certified certified

	mu     sync.Mutex
	heard  heard
	status Status
}

// certified is an event that the ledger had applied by a block.
type certified struct{ height, generation, event uint64 }

// sent is an attestation above the ledger's cursor, and when it was last gossiped.
type sent struct {
	wire.Attestation
	at time.Time
}

func newWatcher(config *Config, shared *bridgewatch.Watch) *watcher {
	return &watcher{
		Watch: shared, config: config,
		signed:   map[uint64]*sent{},
		disputed: map[signing.Address]uint64{},
		heard:    heard{},
		status:   Status{Chain: shared.Intent.Chain, Bridge: shared.Intent.Bridge, Domain: shared.Domain, Doing: "starts"},
	}
}

// round is runOnce, and the report of what came of it.
func (w *watcher) round(ctx context.Context, now time.Time) error {
	err := w.runOnce(ctx, now)
	if ctx.Err() == nil {
		w.report(err)
	}
	return err
}

// report keeps an error for Status, and logs it when it is not the one that was logged last.
func (w *watcher) report(err error) {
	if err != nil {
		w.looked = time.Time{} // begin again from the chain
		if w.config.Observer.Failed != nil {
			w.config.Observer.Failed(w.Domain, err)
		}
	}
	w.set(func(s *Status) {
		s.Error = ""
		if err != nil {
			s.Error = err.Error()
			s.Ready = false
			s.Doing = "attests nothing until the error is over"
		}
	})
	if !w.News(err) {
		return
	}
	var contradiction *bridgewatch.Contradiction
	switch {
	case err == nil:
		w.Log.Info("the bridge can be read again")
	case errors.As(err, &contradiction):
		w.Log.Error("the chain contradicts what was verified before; nothing is attested for this bridge while that lasts, see docs/operators.md",
			"event", contradiction.EventID, "verified", contradiction.Stored, "now", contradiction.Chain, "block", contradiction.Block)
	case errors.Is(err, signing.ErrDoubleSign):
		w.Log.Error("this key has attested another head before; nothing is attested for this bridge", "error", err)
	default:
		w.Log.Warn("nothing is attested for this bridge", "error", err)
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
	bridge, attached, err := view.Bridge(w.Domain)
	if err != nil {
		return fmt.Errorf("the ledger's record of the bridge: %w", err)
	}
	if !attached {
		return w.attach(ctx, now, view)
	}
	w.set(func(s *Status) { s.Attached, s.Ledger = true, bridge.EventID })
	if now.Sub(w.looked) >= w.Access.PollEvery() {
		w.healthy = false
		if err := w.look(ctx, now, &bridge); err != nil {
			return err
		}
		w.healthy = true
	}
	if !w.healthy {
		return nil
	}
	if err := w.attest(ctx, now, view, &bridge); err != nil {
		return err
	}
	return w.retire(ctx, &bridge)
}

// retire lets the guard forget the attestations that nobody can ask for any more: of events
// that the ledger had applied by a block behind which quorums of both groups stand, which is
// never taken back, also when the processor is replaced. What is attested always lies above
// the ledger's cursor, and a history that is reverted begins a new generation, so nothing is
// asked for below. The guard refuses what it has forgotten: an event still has one head.
func (w *watcher) retire(ctx context.Context, bridge *ledger.Bridge) error {
	if w.config.DryRun {
		return nil
	}
	acknowledged, err := w.config.Acknowledgements.Acknowledged()
	if err != nil {
		return err
	}
	if c := w.certified; c.height != 0 && c.height <= acknowledged {
		w.certified = certified{}
		if err := w.Retire(ctx, signing.KindAttestation, c.generation, c.event+1); err != nil {
			return err
		}
	}
	// The state was read before the height, so the event was applied by that block or before.
	verified, _ := w.Reader.Verified()
	if event := min(bridge.EventID, verified.ID); w.certified.height == 0 && event > 0 {
		w.certified = certified{w.config.Height(), bridge.Generation, event}
	}
	return nil
}

// look reads the chain and compares it with the ledger.
func (w *watcher) look(ctx context.Context, now time.Time, bridge *ledger.Bridge) error {
	p, err := w.CatchUp(ctx, bridge)
	if err != nil {
		return err
	}
	verified, _ := w.Reader.Verified()
	if head, ok, err := w.Reader.HeadAt(bridge.EventID); err != nil {
		return err
	} else if ok && head != bridge.Head {
		return fmt.Errorf("the ledger has applied event %d with head %s, but this listener's endpoints show head %s: the listeners' quorum or these endpoints are wrong", bridge.EventID, bridge.Head, head)
	}
	w.looked = now
	w.set(func(s *Status) { s.Ready, s.Block, s.EventID, s.LastRead = true, p.Block, verified.ID, now })
	if w.config.Observer.Read != nil {
		w.config.Observer.Read(w.Domain, p.Block, verified.ID)
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
		head, _, err := w.Reader.HeadAt(c.id)
		if err != nil {
			return nil, err
		}
		if head != c.head && w.disputed[c.member] < c.id {
			w.disputed[c.member] = c.id
			w.Log.Warn("another listener attests another head", "listener", c.member, "event", c.id, "theirs", c.head, "ours", head)
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
	verified, _ := w.Reader.Verified()
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
		head, ok, err := w.Reader.HeadAt(id)
		if err != nil {
			return err
		}
		if !ok {
			return fmt.Errorf("event %d is not verified", id)
		}
		a = &sent{Attestation: wire.Attestation{Attestation: bridgecontracts.Attestation{Domain: w.Domain, Generation: generation, EventID: id, Head: head}}}
		a.Signature, err = w.config.Signer.Sign(ctx, signing.Statement{
			Slot:   signing.Slot{Kind: signing.KindAttestation, Scope: w.Domain, Age: generation, ID: id},
			Digest: a.Digest(),
		})
		if err != nil {
			return fmt.Errorf("signing the attestation of event %d with head %s: %w", id, head, err)
		}
		w.signed[id] = a
		w.Log.Debug("attested", "event", id, "head", head)
		if w.config.Observer.Attested != nil {
			w.config.Observer.Attested(w.Domain, id)
		}
	}
	if old && now.Sub(a.at) < w.config.Repeat {
		return nil
	}
	if err := w.config.Network.Publish(ctx, appchain.TopicAttestations, codec.Marshal(&a.Attestation)); err != nil {
		w.Log.Warn("attestation not gossiped, trying again later", "event", id, "error", err)
		return nil
	}
	a.at = now
	return nil
}

// attach votes for a bridge that the operator wants until it is attached.
func (w *watcher) attach(ctx context.Context, now time.Time, view View) error {
	doing, err := w.VoteToAttach(ctx, now, view, w.config.Network.Publish)
	if err != nil || doing == "" {
		return err
	}
	verified, block := w.Reader.Verified()
	w.set(func(s *Status) {
		s.Ready, s.Block, s.EventID, s.LastRead, s.Doing = true, block, verified.ID, now, doing
	})
	return nil
}

// hear remembers another listener's attestation.
func (w *watcher) hear(c claim) {
	w.mu.Lock()
	added := w.heard.add(c)
	w.mu.Unlock()
	if added {
		w.Hurry()
	}
}

// currentStatus returns a copy.
func (w *watcher) currentStatus() Status {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.status
}
