package bridgewatch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/trinebridge/trine/appchain"
	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/gossip/wire"
	"github.com/trinebridge/trine/ledger"
	"github.com/trinebridge/trine/signing"
	"github.com/trinebridge/trine/store"
)

// Breath is the shortest time between two looks, so that a busy app chain does not turn
// every block into one.
const Breath = 50 * time.Millisecond

// Watch is a member's watch of one bridge. One goroutine runs it; Hurry and Reader's
// answers are for all.
type Watch struct {
	Member *Member
	Intent Intent
	Domain bridgecontracts.Domain
	Access Access
	Reader *Reader
	Log    *slog.Logger

	wake      chan struct{}
	voted     time.Time // when the vote to attach was last gossiped
	complaint string    // the error that was logged last
	retired   map[signing.Kind]signing.Slot
}

// OpenWatch continues where the member's store says that its reading of the bridge stood.
func OpenWatch(m *Member, intent Intent) (*Watch, error) {
	access := m.Chains[intent.Chain]
	domain := bridgecontracts.NewDomain(m.Genesis, intent.Chain, intent.Bridge)
	reader, err := OpenReader(ReaderConfig{
		Domain:   domain,
		Open:     func(start uint64) (chain.Source, error) { return access.Open(intent.Bridge, start) },
		Finality: access.Finality,
		Store:    store.Sub(m.Store, "bridge/"+domain.String()+"/"),
		Timeout:  access.Timeout,
	})
	if err != nil {
		return nil, err
	}
	return &Watch{
		Member: m, Intent: intent, Domain: domain, Access: access, Reader: reader,
		Log:  m.Log.With("chain", intent.Chain, "bridge", domain.Short()),
		wake: make(chan struct{}, 1), retired: map[signing.Kind]signing.Slot{},
	}, nil
}

// Run looks again and again: when the chain's poll time is over, when Hurry was called, and
// when the channel that changed gives is ready (changed may be nil). It returns when ctx is
// done, or with an error when the store is damaged or closed; other errors are look's to report.
func (w *Watch) Run(ctx context.Context, changed func() <-chan struct{}, look func(ctx context.Context, now time.Time) error) error {
	for {
		var news <-chan struct{}
		if changed != nil {
			news = changed()
		}
		err := look(ctx, w.Member.Now())
		if ctx.Err() != nil {
			return nil
		}
		if store.IsCorruption(err) || errors.Is(err, store.ErrClosed) {
			return fmt.Errorf("bridge %s on %s: %w", w.Member.bridgeOf(w.Intent), w.Intent.Chain, err)
		}
		if Wait(ctx, Breath) != nil || Wait(ctx, w.Access.PollEvery()-Breath, news, w.wake) != nil {
			return nil
		}
	}
}

// Hurry asks for a look soon.
func (w *Watch) Hurry() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// News reports whether an error, nil for none, is another than the last: then it is to be logged.
func (w *Watch) News(err error) bool {
	text := ""
	if err != nil {
		text = err.Error()
	}
	news := text != w.complaint
	w.complaint = text
	return news
}

// CatchUp verifies an attached bridge's events up to its newest settled block, which it returns.
func (w *Watch) CatchUp(ctx context.Context, bridge *ledger.Bridge) (Position, error) {
	if own := w.Reader.Generation(); bridge.Generation != own {
		return Position{}, fmt.Errorf("the ledger is at generation %d of the bridge's history, this daemon's store at %d, and this release reads no history anew: nothing is signed for the bridge here. Keep the data folder, which remembers what the key has signed", bridge.Generation, own)
	}
	if err := w.Reader.Start(bridge.StartBlock); err != nil {
		return Position{}, err
	}
	p, err := w.Reader.Pin(ctx)
	if err != nil {
		return Position{}, err
	}
	return p, w.Reader.CatchUp(ctx, p)
}

// Publish gossips a message.
type Publish func(ctx context.Context, topic string, message []byte) error

// VoteToAttach checks a bridge that the operator wants and votes for it, again whenever
// the member's repeat time is over. doing says in words what it did, and is empty when it
// was not time yet.
func (w *Watch) VoteToAttach(ctx context.Context, now time.Time, view AttachView, publish Publish) (doing string, err error) {
	bridges, err := view.Bridges()
	if err != nil {
		return "", err
	}
	if over := w.Member.decided(w.Intent, bridges); over != nil {
		// Nothing that the operator could do: an agreement is kept, whatever came of it.
		return "has nothing to vote for: " + over.Error(), nil
	}
	if now.Sub(w.voted) < w.Member.Repeat {
		return "", nil
	}
	vote, err := w.check(ctx, view)
	if err != nil {
		return "", fmt.Errorf("bridge %s on %s: %w", w.Member.bridgeOf(w.Intent), w.Intent.Chain, err)
	}
	switch {
	case w.Member.Compromised():
		return "signs nothing: there is proof that the processor is hostile", nil
	case w.Member.DryRun:
		return "dry run: would vote to attach the bridge", nil
	}
	if err := SignAttach(ctx, w.Member.Signer, w.Member.Genesis, &vote); err != nil {
		return "", err
	}
	w.voted = now
	if err := publish(ctx, appchain.TopicApprovals, codec.Marshal(&wire.Vote{Attach: &vote})); err != nil {
		w.Log.Warn("vote to attach not gossiped, trying again later", "error", err)
	}
	return "has voted to attach the bridge and waits for the others", nil
}
