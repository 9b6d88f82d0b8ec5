package processor

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/trinebridge/trine/appchain"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/ledger"
	"github.com/trinebridge/trine/signing"
	"github.com/trinebridge/trine/validators"
)

// ErrStopped says that the processor is not running, or stopped before it knew what
// became of a transaction: ask for its status later.
var ErrStopped = errors.New("processor is not running")

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

	waiters waiters
	// undurable are the transactions that are executed and whose blocks are on their way to the disk.
	undurable hashSet
	book      *attestationBook
	votes     *voteBook
	counts    counts
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
		undurable: hashSet{members: map[codec.Hash]struct{}{}},
		waiters:   waiters{byTx: map[codec.Hash][]chan<- appchain.TxStatus{}},
		book:      newAttestationBook(),
		votes:     newVoteBook(),
	}
	p.pool = newMempool(c.Limits, p.executedNonce)
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

// Run makes blocks until ctx is done, and returns nil then; what was executed by then is
// made durable first. Any other end is an error: of the store, the key store, or
// appchain.ErrCompromised. It may be called again after it has returned.
func (p *Processor) Run(ctx context.Context) error {
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	head := p.Node.Head()
	p.tip.Store(&head)
	p.pool.reset()
	p.undurable.reset()
	cancel, err := p.listen()
	if err != nil {
		return fmt.Errorf("processor: %w", err)
	}
	defer cancel()
	defer p.waiters.stop()
	p.waiters.start()

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

// listen subscribes to everything that members and users send.
func (p *Processor) listen() (cancel func(), err error) {
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
	add(p.Node.Serve(p.Network))
	add(p.Network.Subscribe(appchain.TopicTransactions, p.hearTransaction))
	add(p.Network.Subscribe(appchain.TopicAttestations, p.hearAttestation))
	add(p.Network.Subscribe(appchain.TopicApprovals, p.hearVote))
	if err != nil {
		cancel()
		return nil, err
	}
	return cancel, nil
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
	// Dropped transactions did not apply; Silent ones of them got no notice, because too many were
	// dropped at once. Refused ones were not admitted.
	Dropped, Silent, Refused uint64
}

// Status returns where the processor stands.
func (p *Processor) Status() Status {
	count, bytes := p.pool.size()
	return Status{
		Height: p.Node.Height(), Executed: p.tip.Load().Header.Height,
		Waiting: count, WaitingBytes: bytes,
		Blocks: p.counts.blocks.Load(), Syncs: p.counts.syncs.Load(),
		Dropped: p.counts.dropped.Load(), Silent: p.counts.silent.Load(), Refused: p.counts.refused.Load(),
	}
}
