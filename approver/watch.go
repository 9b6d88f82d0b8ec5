package approver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/trinebridge/trine/appchain"
	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/bridgewatch"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/gossip/wire"
	"github.com/trinebridge/trine/ledger"
	"github.com/trinebridge/trine/store"
)

// breath is the shortest time between two looks, so that a busy app chain does not turn
// every block into one.
const breath = 50 * time.Millisecond

// watch is the approver's own reading of one bridge. Its goroutine runs look; the
// decisions are made elsewhere, from the newest reading.
type watch struct {
	config Config
	intent bridgewatch.Intent
	domain bridgecontracts.Domain
	access bridgewatch.Access
	reader *bridgewatch.Reader
	log    *slog.Logger
	wake   chan struct{}
	voted  time.Time

	mu        sync.Mutex
	newest    reading
	complaint string
	status    BridgeStatus
}

// reading is what a look at a bridge has shown.
type reading struct {
	// ok says that there was one; err that the newest look failed: the rest is then what an
	// earlier one has shown.
	ok  bool
	err error
	// contradiction stays until a look succeeds, whatever else fails in between.
	contradiction *bridgewatch.Contradiction
	verified      bridgewatch.Mark
	snapshot      chain.Snapshot
	block         chain.Block
}

func newWatch(config Config, intent bridgewatch.Intent) (*watch, error) {
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
	return &watch{
		config: config, intent: intent, domain: domain, access: access, reader: reader,
		log:    config.Log.With("chain", intent.Chain, "bridge", domain.Short()),
		wake:   make(chan struct{}, 1),
		status: BridgeStatus{Chain: intent.Chain, Domain: domain, Doing: "starts"},
	}, nil
}

// run looks again and again, and calls looked after each time. It returns when ctx is
// done, or when the store is damaged or closed.
func (w *watch) run(ctx context.Context, looked func()) error {
	for {
		err := w.look(ctx, w.config.Now())
		if ctx.Err() != nil {
			return nil
		}
		if store.IsCorruption(err) || errors.Is(err, store.ErrClosed) {
			return fmt.Errorf("bridge %s on %s: %w", w.intent.Bridge, w.intent.Chain, err)
		}
		looked()
		if bridgewatch.Wait(ctx, breath) != nil || bridgewatch.Wait(ctx, w.access.PollEvery()-breath, w.wake) != nil {
			return nil
		}
	}
}

// hurry asks for a look soon.
func (w *watch) hurry() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// look reads the bridge, or votes to attach it, and keeps what came of it.
func (w *watch) look(ctx context.Context, now time.Time) error {
	view := w.config.View()
	bridge, attached, err := view.Bridge(w.domain)
	var r reading
	switch {
	case err != nil:
	case attached:
		r, err = w.read(ctx, &bridge)
	default:
		err = w.attach(ctx, now, view)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.status.Attached = attached
	if err != nil {
		w.newest.err = err
		_ = errors.As(err, &w.newest.contradiction)
		w.status.Ready, w.status.Error = false, err.Error()
		w.complain(err)
		return err
	}
	w.newest = r
	w.status.Ready, w.status.Error, w.status.LastRead = true, "", now
	if attached {
		w.status.EventID, w.status.Ledger = r.verified.ID, bridge.EventID
		w.status.Doing = fmt.Sprintf("has verified event %d at block %s", r.verified.ID, r.block)
	}
	w.complain(nil)
	return nil
}

// complain logs an error when it is not the one that was logged last. w.mu is held.
func (w *watch) complain(err error) {
	if err != nil && w.config.Observer.Failed != nil {
		w.config.Observer.Failed(w.domain, err)
	}
	text := ""
	if err != nil {
		text = err.Error()
	}
	if text == w.complaint {
		return
	}
	w.complaint = text
	var contradiction *bridgewatch.Contradiction
	switch {
	case err == nil:
		w.log.Info("the bridge can be read again")
	case errors.As(err, &contradiction):
		w.log.Error("the chain contradicts what was verified before; nothing is approved", "error", err)
	default:
		w.log.Warn("the bridge cannot be read; nothing of its assets is approved, and nothing else that its unread events can have led to", "error", err)
	}
}

// read verifies the events and takes a snapshot at the same block.
func (w *watch) read(ctx context.Context, bridge *ledger.Bridge) (reading, error) {
	if own := w.reader.Generation(); bridge.Generation != own {
		return reading{}, fmt.Errorf("the ledger is at generation %d of the bridge's history, this approver's store at %d: remove its store, so that it reads the history anew", bridge.Generation, own)
	}
	if err := w.reader.Start(bridge.StartBlock); err != nil {
		return reading{}, err
	}
	p, err := w.reader.Pin(ctx)
	if err != nil {
		return reading{}, err
	}
	if err := w.reader.CatchUp(ctx, p); err != nil {
		return reading{}, err
	}
	tokens := make([]codec.Hash, len(bridge.Tokens))
	for i := range bridge.Tokens {
		tokens[i] = bridge.Tokens[i].Token
	}
	snapshot, err := w.reader.Snapshot(ctx, p.Block, tokens)
	if err != nil {
		return reading{}, err
	}
	if len(snapshot.Tokens) != len(tokens) {
		return reading{}, fmt.Errorf("asked for the state of %d tokens, got %d", len(tokens), len(snapshot.Tokens))
	}
	verified, _ := w.reader.Verified()
	return reading{ok: true, verified: verified, snapshot: snapshot, block: p.Block}, nil
}

// attach checks a bridge that the operator wants and votes for it, again and again until it is attached.
func (w *watch) attach(ctx context.Context, now time.Time, view View) error {
	if now.Sub(w.voted) < w.config.Repeat {
		return nil
	}
	vote, err := w.reader.CheckIntent(ctx, view, w.config.Genesis, w.intent, w.access.CodeHash)
	if err != nil {
		return err
	}
	switch {
	case w.config.Compromised():
		w.doing("signs nothing: there is proof that the processor is hostile")
		return nil
	case w.config.DryRun:
		w.doing("dry run: would vote to attach the bridge")
		return nil
	}
	if err := bridgewatch.SignAttach(ctx, w.config.Signer, w.config.Genesis, &vote); err != nil {
		return err
	}
	w.voted = now
	w.doing("has voted to attach the bridge and waits for the others")
	if err := w.config.Network.Publish(ctx, appchain.TopicApprovals, codec.Marshal(&wire.Vote{Attach: &vote})); err != nil {
		w.log.Warn("vote to attach not gossiped, trying again later", "error", err)
	}
	return nil
}

func (w *watch) doing(text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.status.Doing = text
}

func (w *watch) reading() reading {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.newest
}

func (w *watch) currentStatus() BridgeStatus {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.status
}
