package appchain

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/gossip/wire"
	"github.com/trinebridge/trine/ledger"
	"github.com/trinebridge/trine/store"
)

// FollowerConfig says what a follower works with. Node and Network must be set.
type FollowerConfig struct {
	Node    *Node
	Network network
	// Log takes the follower's events; they are dropped when it is nil.
	Log *slog.Logger
	// PollInterval is how long nothing may be heard before peers are asked; 5 s when zero.
	PollInterval time.Duration
	// RequestTimeout bounds one request to one peer; 5 s when zero.
	RequestTimeout time.Duration
	// MaxSubmissions is how many transactions may wait for their block; 4,096 when zero.
	MaxSubmissions int
}

// Validate reports every fault at once.
func (c FollowerConfig) Validate() error {
	var faults []error
	if c.Node == nil {
		faults = append(faults, errors.New("no node is given"))
	}
	if c.Network == nil {
		faults = append(faults, errors.New("no network is given"))
	}
	if c.PollInterval < 0 || c.RequestTimeout < 0 || c.MaxSubmissions < 0 {
		faults = append(faults, fmt.Errorf("poll interval %s, request timeout %s and %d submissions must not be negative", c.PollInterval, c.RequestTimeout, c.MaxSubmissions))
	}
	if len(faults) > 0 {
		return fmt.Errorf("follower: configuration: %w", errors.Join(faults...))
	}
	return nil
}

func (c FollowerConfig) withDefaults() FollowerConfig {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.PollInterval == 0 {
		c.PollInterval = 5 * time.Second
	}
	if c.RequestTimeout == 0 {
		c.RequestTimeout = 5 * time.Second
	}
	if c.MaxSubmissions == 0 {
		c.MaxSubmissions = 4096
	}
	return c
}

// inboxRuns is how many gossiped messages with blocks may wait, a megabyte each at most.
const inboxRuns = 16

// Follower keeps a node up to date with the processor's chain and submits transactions.
type Follower struct {
	FollowerConfig
	inbox chan []ledger.Block
	// seen is the highest height that the processor has signed, as far as we were told.
	seen atomic.Uint64
	// lagging is signalled when a gossiped run did not fit the inbox.
	lagging chan struct{}

	mu          sync.Mutex
	submissions map[codec.Hash]*submission
}

// NewFollower returns a follower that does nothing before Run.
func NewFollower(c FollowerConfig) (*Follower, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	return &Follower{
		FollowerConfig: c.withDefaults(),
		inbox:          make(chan []ledger.Block, inboxRuns),
		lagging:        make(chan struct{}, 1),
		submissions:    map[codec.Hash]*submission{},
	}, nil
}

// Lag returns how many blocks the node is behind the newest one that it heard of.
func (f *Follower) Lag() uint64 {
	height, seen := f.Node.Height(), f.seen.Load()
	return max(seen, height) - height
}

// Run follows the chain until ctx is done, and returns nil then. Any other end is an
// error of this machine, mostly of its store. What peers do is never an error of Run.
func (f *Follower) Run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	var s subscriptions
	s.add(f.Node.Serve(f.Network))
	s.add(f.Network.Subscribe(TopicBlocks, f.hearBlocks))
	s.add(f.Network.Subscribe(TopicNotices, f.hearNotice))
	defer s.cancel()
	var group sync.WaitGroup
	defer group.Wait()
	defer stop()
	if s.err != nil {
		return fmt.Errorf("follower: %w", s.err)
	}
	group.Go(func() { f.resubmit(ctx) })
	if err := f.follow(ctx); err != nil && ctx.Err() == nil {
		return fmt.Errorf("follower: %w", err)
	}
	return nil
}

// follow takes blocks until the processor is proven hostile, and warns everybody from then on.
func (f *Follower) follow(ctx context.Context) error {
	poll := time.NewTimer(0)
	defer poll.Stop()
	for !f.Node.Compromised() {
		var err error
		select {
		case <-ctx.Done():
			return nil
		case run := <-f.inbox:
			if err = f.take(ctx, run); errors.Is(err, errGap) {
				err = f.catchUp(ctx)
			}
		case <-f.lagging:
			err = f.catchUp(ctx)
		case <-poll.C:
			err = f.catchUp(ctx)
		case <-f.Node.Changed():
			continue // it may be evidence
		}
		if err != nil {
			return err
		}
		poll.Reset(f.PollInterval)
	}
	return f.warn(ctx)
}

// warn repeats the evidence, so that those who join later hear it too.
func (f *Follower) warn(ctx context.Context) error {
	again := time.NewTicker(f.PollInterval)
	defer again.Stop()
	for {
		if e := f.Node.Evidence(); e != nil {
			f.publish(ctx, TopicAlerts, codec.Marshal(e))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-again.C:
		}
	}
}

func (f *Follower) publish(ctx context.Context, topic string, message []byte) {
	if err := f.Network.Publish(ctx, topic, message); err != nil && ctx.Err() == nil {
		f.Log.Warn("message not gossiped", "topic", topic, "error", err)
	}
}

// hearBlocks judges a gossiped run of blocks by what needs no execution: that it is a
// chain whose end the processor has signed.
func (f *Follower) hearBlocks(_ context.Context, from string, message []byte) Verdict {
	run, err := f.Node.decodeRun(message)
	if err != nil {
		f.Log.Debug("gossiped blocks refused", "peer", from, "error", err)
		return Reject
	}
	if len(run) == 0 {
		return Ignore // nothing new, and not worth relaying
	}
	newest := run[len(run)-1].Header.Height
	for seen := f.seen.Load(); newest > seen && !f.seen.CompareAndSwap(seen, newest); seen = f.seen.Load() {
	}
	select {
	case f.inbox <- run:
	default:
		select {
		case f.lagging <- struct{}{}:
		default:
		}
	}
	return Accept
}

func (f *Follower) hearNotice(ctx context.Context, from string, message []byte) Verdict {
	var notice wire.Notice
	if err := codec.Unmarshal(message, &notice, wire.MaxSmall); err != nil {
		f.Log.Debug("notice refused", "peer", from, "error", err)
		return Reject
	}
	if known, err := f.Node.Notice(notice.Tx); err == nil && known != nil && *known == notice {
		return Ignore // old notices carry good signatures, and anybody can play them back
	}
	if err := f.Node.CheckNotice(&notice); err != nil {
		f.Log.Debug("notice refused", "peer", from, "error", err)
		return Reject
	}
	if err := f.Node.PutNotices(ctx, []wire.Notice{notice}); err != nil {
		f.Log.Warn("notice not kept", "error", err)
		return Ignore
	}
	return Accept
}

// errGap says that blocks between the head and a run are missing.
var errGap = errors.New("blocks are missing in between")

// take executes what of a run is new. Its error is errGap or one of this machine.
func (f *Follower) take(ctx context.Context, run []ledger.Block) error {
	fresh, proof, err := f.Node.compare(run)
	if err == nil && proof != nil {
		err = f.accuse(ctx, *proof)
	}
	if err != nil || len(fresh) == 0 {
		return err
	}
	if fresh[0].Header.Height != f.Node.Height()+1 {
		return errGap
	}
	err = f.Node.Import(ctx, fresh)
	if mine := f.settle(ctx, err); mine != nil {
		return mine
	}
	return nil
}

func (f *Follower) accuse(ctx context.Context, e wire.Evidence) error {
	_, err := f.Node.accuse(ctx, e)
	f.publish(ctx, TopicAlerts, codec.Marshal(&e))
	return err
}

// settle draws the conclusion from an error of Import: evidence for a wrong block,
// nothing but a log line for what peers do. It returns only errors of this machine.
func (f *Follower) settle(ctx context.Context, err error) error {
	var wrong *WrongBlock
	switch {
	case err == nil:
		return nil
	case errors.As(err, &wrong):
		f.Log.Error("block refused", "error", wrong)
		if err := f.accuse(ctx, wire.Evidence{First: signedHeader(&wrong.Block)}); err != nil {
			return err
		}
		f.showHead(ctx, wrong)
		return nil
	case errors.Is(err, errUnsigned), errors.Is(err, ErrAhead):
		f.Log.Warn("block not taken", "error", err)
		return nil
	case store.IsCorruption(err):
		f.Log.Error("store is damaged", "error", err)
	}
	return err
}

// showHead helps others to a proof when the processor has shown them another block than
// this node at its head: they hold that one, and this is the second.
func (f *Follower) showHead(ctx context.Context, wrong *WrongBlock) {
	var field *FieldError
	if !errors.As(wrong, &field) || field.Field != "parent" || f.Node.Height() == 0 {
		return
	}
	own, err := f.Node.Block(f.Node.Height())
	if err != nil {
		f.Log.Warn("own newest block could not be read", "error", err)
		return
	}
	f.publish(ctx, TopicAlerts, codec.Marshal(&wire.Evidence{First: signedHeader(&own)}))
}
