package approver

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/trinebridge/trine/bridgewatch"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/ledger"
)

// watch is the approver's own reading of one bridge. Its goroutine runs look; the
// decisions are made elsewhere, from the newest reading.
type watch struct {
	*bridgewatch.Watch
	config *Config

	mu     sync.Mutex
	newest reading
	status BridgeStatus
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

func newWatch(config *Config, shared *bridgewatch.Watch) *watch {
	return &watch{
		Watch: shared, config: config,
		status: BridgeStatus{Chain: shared.Intent.Chain, Domain: shared.Domain, Doing: "starts"},
	}
}

// run looks again and again, and calls looked after each time. It returns when ctx is
// done, or when the store is damaged or closed.
func (w *watch) run(ctx context.Context, looked func()) error {
	return w.Run(ctx, nil, func(ctx context.Context, now time.Time) error {
		defer looked()
		return w.look(ctx, now)
	})
}

// look reads the bridge, or votes to attach it, and keeps what came of it.
func (w *watch) look(ctx context.Context, now time.Time) error {
	view := w.config.View()
	bridge, attached, err := view.Bridge(w.Domain)
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
		w.config.Observer.Failed(w.Domain, err)
	}
	if !w.News(err) {
		return
	}
	var contradiction *bridgewatch.Contradiction
	switch {
	case err == nil:
		w.Log.Info("the bridge can be read again")
	case errors.As(err, &contradiction):
		w.Log.Error("the chain contradicts what was verified before; nothing is approved", "error", err)
	default:
		w.Log.Warn("the bridge cannot be read; nothing of its assets is approved, and nothing else that its unread events can have led to", "error", err)
	}
}

// read verifies the events and takes a snapshot at the same block.
func (w *watch) read(ctx context.Context, bridge *ledger.Bridge) (reading, error) {
	p, err := w.CatchUp(ctx, bridge)
	if err != nil {
		return reading{}, err
	}
	tokens := make([]codec.Hash, len(bridge.Tokens))
	for i := range bridge.Tokens {
		tokens[i] = bridge.Tokens[i].Token
	}
	snapshot, err := w.Reader.Snapshot(ctx, p.Block, tokens)
	if err != nil {
		return reading{}, err
	}
	if len(snapshot.Tokens) != len(tokens) {
		return reading{}, fmt.Errorf("asked for the state of %d tokens, got %d", len(tokens), len(snapshot.Tokens))
	}
	verified, _ := w.Reader.Verified()
	return reading{ok: true, verified: verified, snapshot: snapshot, block: p.Block}, nil
}

// attach votes for a bridge that the operator wants until it is attached.
func (w *watch) attach(ctx context.Context, now time.Time, view View) error {
	doing, err := w.VoteToAttach(ctx, now, view, w.config.Network.Publish)
	if err != nil || doing == "" {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.status.Doing = doing
	return nil
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
