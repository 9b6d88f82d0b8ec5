package processor

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/trinebridge/trine/appchain"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/ledger"
	"github.com/trinebridge/trine/signing"
	"github.com/trinebridge/trine/validators"
)

// ErrStopped says that the processor is not running, or stopped before it knew what
// became of a transaction: ask for its status later.
var ErrStopped = errors.New("processor is not running")

// ErrAsking says that the processor has not heard yet from enough members where the chain
// stands, and makes no blocks: try again later.
var ErrAsking = errors.New("processor is asking the members where the chain stands and makes no blocks yet; try again later")

// ErrSignedElsewhere says that the processor's key has signed a block that this node does
// not have: it was started from an older copy of its folder, or another processor has its key.
var ErrSignedElsewhere = errors.New("this key has signed a block that is not here")

// Processor makes blocks. Its methods are safe for concurrent use.
type Processor struct {
	Config
	ledger *ledger.Ledger
	key    signing.PublicKey
	pool   *mempool
	// checks has a place for each core, so that signature checks leave room for the rest.
	checks chan struct{}

	// tip is the newest executed block, which may not be durable yet. Only the executor writes it.
	tip atomic.Pointer[appchain.Head]
	// own takes the processor's own messages, which go before everybody else's.
	own     chan ownRequest
	dropped chan droppedTx
	// refusals bounds the notices of gossiped transactions that were not admitted.
	refusals *rate.Limiter

	waiters waiters
	// undurable are the transactions that are executed and whose blocks are on their way to the disk.
	undurable hashSet
	book      *attestationBook
	votes     *voteBook
	counts    counts

	rollCall *appchain.RollCall
	// asking is set while Run asks the members, producing while it makes blocks.
	asking, producing atomic.Bool
}

// counts are the totals since the start.
type counts struct {
	blocks, syncs, dropped, refused, silent atomic.Uint64
}

// New returns a processor that does nothing before Run. The key must be the one of the current set.
func New(c Config) (*Processor, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	c = c.withDefaults()
	p := &Processor{
		Config: c, ledger: c.Node.Ledger(), key: c.Signer.PublicKey(),
		checks:    make(chan struct{}, runtime.GOMAXPROCS(0)),
		own:       make(chan ownRequest),
		dropped:   make(chan droppedTx, maxDropped),
		refusals:  rate.NewLimiter(refusalsPerSecond, refusalsAtOnce),
		undurable: hashSet{members: map[codec.Hash]struct{}{}},
		waiters:   waiters{byTx: map[codec.Hash][]chan<- appchain.TxStatus{}},
		book:      newAttestationBook(),
		votes:     newVoteBook(),
	}
	p.pool = newMempool(c.Limits, p.executedNonce)
	var err error
	if p.rollCall, err = appchain.NewRollCall(appchain.RollCallConfig{Node: c.Node, Network: c.Network, Log: c.Log}); err != nil {
		return nil, fmt.Errorf("processor: %w", err)
	}
	head := c.Node.Head()
	p.tip.Store(&head)
	set, err := c.Node.View().Validators()
	if err != nil {
		return nil, fmt.Errorf("processor: %w", err)
	}
	if address := p.key.Address(); !set.Has(validators.Processor, address) {
		return nil, fmt.Errorf("processor: the key is that of %s, the processor of app chain %s is %s: give the right key, or the right genesis", address, c.Node.Genesis(), set.Processor)
	}
	return p, nil
}

// Run asks the members where the chain stands, takes what is missing here, and then makes
// blocks until ctx is done, and returns nil then; what was executed by then is made durable
// first. Any other end is an error: of the store, the key store, ErrSignedElsewhere, or
// appchain.ErrCompromised. It may be called again after it has returned.
func (p *Processor) Run(ctx context.Context) error {
	cancel, err := p.Node.Serve(p.Network)
	if err != nil {
		return fmt.Errorf("processor: %w", err)
	}
	defer cancel()
	if err := p.catchUp(ctx); err != nil {
		if ctx.Err() != nil {
			return nil //nolint:nilerr // it was told to stop
		}
		return fmt.Errorf("processor: %w", err)
	}
	return p.produce(ctx)
}

// catchUp returns nil when this node has every block that the key has signed, as far as anybody has shown.
func (p *Processor) catchUp(ctx context.Context) error {
	if p.Node.Compromised() {
		return appchain.ErrCompromised
	}
	if !p.UnsafeAllowBehind {
		p.asking.Store(true)
		defer p.asking.Store(false)
		return p.rollCall.Run(ctx)
	}
	if missing := p.Node.Claimed(); missing.Height > 0 {
		return fmt.Errorf("%w: block %d, %s, exists, and this folder ends at block %d: start without unsafe_allow_behind, so that it is asked for",
			ErrSignedElsewhere, missing.Height, missing.Hash(), p.Node.Height())
	}
	p.Log.Warn("the members are not asked where the chain stands; if this folder is not the newest, the next block ends the network", "height", p.Node.Height())
	return nil
}

func (p *Processor) produce(ctx context.Context) error {
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	head := p.Node.Head()
	p.tip.Store(&head)
	p.pool.reset()
	p.undurable.reset()
	cancel, err := p.listen(fail)
	if err != nil {
		return fmt.Errorf("processor: %w", err)
	}
	defer cancel()
	defer p.waiters.stop()
	p.waiters.start()
	p.producing.Store(true)
	defer p.producing.Store(false)

	var group sync.WaitGroup
	start := func(run func(context.Context) error) {
		group.Go(func() {
			if err := run(ctx); err != nil {
				fail(err)
			}
		})
	}
	toSign := make(chan *produced, maxAhead)
	toCommit := make(chan *produced, maxAhead)
	start(func(ctx context.Context) error {
		defer close(toSign)
		defer close(toCommit)
		return p.execute(ctx, toSign, toCommit)
	})
	for range runtime.GOMAXPROCS(0) {
		start(func(context.Context) error { return p.sign(context.WithoutCancel(ctx), toSign) })
	}
	start(func(context.Context) error { return p.commit(context.WithoutCancel(ctx), toCommit) })
	start(p.publish)
	start(p.announceDropped)
	start(p.sweep)
	start(p.bringEvents)
	start(p.clerk)
	group.Wait()
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		return fmt.Errorf("processor: %w", cause)
	}
	return nil
}

// listen subscribes to everything that members and users send, and to blocks, of which
// there are none but its own.
func (p *Processor) listen(fail context.CancelCauseFunc) (cancel func(), err error) {
	var cancels []func()
	cancel = func() {
		for _, c := range cancels {
			c()
		}
	}
	add := func(c func(), e error) {
		if e != nil {
			err = errors.Join(err, e)
			return
		}
		cancels = append(cancels, c)
	}
	add(p.Network.Subscribe(appchain.TopicBlocks, func(ctx context.Context, from string, message []byte) appchain.Verdict {
		return p.hearBlocks(ctx, from, message, fail)
	}))
	add(p.Network.Subscribe(appchain.TopicTransactions, p.hearTransaction))
	add(p.Network.Subscribe(appchain.TopicAttestations, p.hearAttestation))
	add(p.Network.Subscribe(appchain.TopicApprovals, p.hearVote))
	if err != nil {
		cancel()
		return nil, err
	}
	return cancel, nil
}

// hearBlocks ends everything when somebody shows a block that was signed with this key elsewhere.
func (p *Processor) hearBlocks(ctx context.Context, from string, message []byte, fail context.CancelCauseFunc) appchain.Verdict {
	verdict, missing, err := p.Node.Meet(ctx, from, message)
	if err == nil && missing > 0 {
		err = fmt.Errorf("%w: block %d exists, this node ends at block %d: find out whether another processor runs with the key, then start again", ErrSignedElsewhere, missing, p.Node.Height())
	}
	if err != nil && ctx.Err() == nil {
		fail(err)
	}
	return verdict
}

// view returns what the state after the newest executed block says.
func (p *Processor) view() ledger.View { return p.ledger.View(p.tip.Load().State) }

// executedNonce returns how many transactions of a key have been executed. A key that
// holds a seat needs no account.
func (p *Processor) executedNonce(key signing.PublicKey) (uint64, error) {
	view := p.view()
	account, known, err := view.AccountByKey(key)
	if err != nil {
		return 0, err
	}
	for i := range account.Keys {
		if account.Keys[i].Key == key {
			return account.Keys[i].Nonce, nil
		}
	}
	set, err := view.Validators()
	if err != nil {
		return 0, err
	}
	if _, seated := set.Seat(key.Address()); seated && !known {
		return 0, nil
	}
	return 0, &ledger.Rejection{Code: ledger.CodeUnknownAccount, Reason: fmt.Sprintf("key %s belongs to no account: deposit with the key, or receive a transfer to it, first", key)}
}

func (p *Processor) nowMillis() uint64 { return uint64(max(0, p.Now().UnixMilli())) } // not negative

// sweep drops transactions whose time has passed.
func (p *Processor) sweep(ctx context.Context) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			for _, tx := range p.pool.expire(p.nowMillis()) {
				p.drop(tx.Hash(), &ledger.Rejection{Code: ledger.CodeExpired, Reason: "no block took it within two minutes of its time"})
			}
		}
	}
}

// Status is where the processor stands.
type Status struct {
	// Height of the newest durable block, Executed of the newest executed one.
	Height, Executed uint64
	// Waiting is how many transactions wait in the mempool, WaitingBytes their size.
	Waiting, WaitingBytes int
	// Blocks made durable since the start, in how many Syncs.
	Blocks, Syncs uint64
	// Dropped transactions did not apply. Refused ones were not admitted. Silent ones of both
	// got no notice, because there were too many at once.
	Dropped, Silent, Refused uint64
	// Producing says that blocks are made; RollCall how far asking the members has come before.
	Producing bool
	RollCall  appchain.RollStatus
}

// Status returns where the processor stands.
func (p *Processor) Status() Status {
	count, bytes := p.pool.size()
	return Status{
		Height: p.Node.Height(), Executed: p.tip.Load().Header.Height,
		Waiting: count, WaitingBytes: bytes,
		Blocks: p.counts.blocks.Load(), Syncs: p.counts.syncs.Load(),
		Dropped: p.counts.dropped.Load(), Silent: p.counts.silent.Load(), Refused: p.counts.refused.Load(),
		Producing: p.producing.Load(), RollCall: p.rollCall.Status(),
	}
}
