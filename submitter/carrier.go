package submitter

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/trinebridge/trine/bridgewatch"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/ledger"
	"github.com/trinebridge/trine/store"
)

const (
	// breath is the shortest time between two rounds.
	breath = 50 * time.Millisecond
	// idleLook is how often the fee payer is looked at while nothing is to be done.
	idleLook = time.Minute
	// sweepRest is after how long a sink is asked again to take back what a delivery has left.
	sweepRest = time.Minute
)

// errStore marks an error of the submitter's own store, after which it must not go on from memory.
var errStore = errors.New("the submitter's store")

// carrier serves one chain. Its goroutine runs runOnce; status and caps are shared.
type carrier struct {
	config  Config
	id      string
	chain   Chain
	kv      store.KV
	log     *slog.Logger
	wake    chan struct{}
	caps    atomic.Pointer[chain.Caps]
	machine *machine

	sink       chain.Sink
	sinkBridge codec.Hash
	sender     chain.Sender
	asked      time.Time       // when the sender was last asked for
	included   map[uint64]bool // jobs that were seen in a block
	complaint  string          // the error that was logged last
	told       map[target]string
	sweepAfter map[uint64]time.Time // by job: when its leftovers are looked at again
	swept      bool                 // the sink has swept in this round, which is enough for one: it may wait for a block

	mu     sync.Mutex
	status Status
}

func newCarrier(config Config, id string) (*carrier, error) {
	c := &carrier{
		config: config, id: id, chain: config.Chains[id].withDefaults(),
		kv:  store.Sub(config.Store, "chain/"+id+"/"),
		log: config.Log.With("chain", id), wake: make(chan struct{}, 1),
		included: map[uint64]bool{}, told: map[target]string{}, sweepAfter: map[uint64]time.Time{},
		status: Status{Chain: id, Doing: "starts"},
	}
	caps := c.chain.Caps
	c.caps.Store(&caps)
	jobs, err := loadJobs(c.kv)
	if err != nil {
		return nil, err
	}
	c.machine = newMachine(timing{Resend: c.chain.Resend, Repeat: max(c.chain.Resend/3, c.chain.Poll), Pipeline: c.chain.Pipeline}, jobs)
	return c, nil
}

// run loops over runOnce until ctx is done or the store fails.
func (c *carrier) run(ctx context.Context) error {
	for {
		changed := c.config.Changed()
		err := c.runOnce(ctx, c.config.Now())
		if ctx.Err() != nil {
			return nil
		}
		if errors.Is(err, errStore) || store.IsCorruption(err) {
			return fmt.Errorf("chain %s: %w", c.id, err)
		}
		c.report(err)
		if bridgewatch.Wait(ctx, breath) != nil || bridgewatch.Wait(ctx, c.chain.Poll-breath, changed, c.wake) != nil {
			return nil
		}
	}
}

// report keeps a round's error for Status, and logs it when it is not the one that was logged last.
func (c *carrier) report(err error) {
	text := ""
	if err != nil {
		text = err.Error()
		c.sink = nil // opened anew, perhaps at another endpoint
		if c.config.Observer.Failed != nil {
			c.config.Observer.Failed(c.id, err)
		}
	}
	c.mu.Lock()
	c.status.Error = text
	if err != nil {
		c.status.Ready, c.status.Doing = false, "sends nothing until the error is over"
	}
	c.mu.Unlock()
	if text == c.complaint {
		return
	}
	c.complaint = text
	if err != nil {
		c.log.Warn("nothing is sent", "error", err)
	} else {
		c.log.Info("the chain can be reached again")
	}
}

// runOnce asks the app chain and the chain where they stand, has the machine decide, and does it.
func (c *carrier) runOnce(ctx context.Context, now time.Time) error {
	view := c.config.View()
	bridge, attached, err := view.BridgeByChain(c.id)
	if err != nil {
		return fmt.Errorf("the ledger's record of the bridge: %w", err)
	}
	if !attached {
		c.publish(&bridge, nil, "waits for a bridge to be attached")
		return nil
	}
	if err := c.open(&bridge); err != nil {
		return err
	}
	o, err := c.look(ctx, now, view, &bridge)
	if err != nil {
		return err
	}
	steps := c.machine.plan(o)
	if c.config.DryRun {
		c.publish(&bridge, o, fmt.Sprintf("dry run: sends nothing; would take %d steps", len(steps)))
		return nil
	}
	c.swept = false
	blocked := false // a value action was not sent, so those behind it wait
	for _, s := range steps {
		value := s.do == stepNew && s.delivery.target.Control == 0
		if value && blocked {
			continue
		}
		sent, err := c.take(ctx, now, s)
		if err != nil {
			return err
		}
		blocked = blocked || value && !sent
	}
	c.publish(&bridge, o, "")
	return nil
}

// open makes the sink when there is none for this bridge.
func (c *carrier) open(bridge *ledger.Bridge) error {
	if c.sink != nil && c.sinkBridge == bridge.Address {
		return nil
	}
	sink, err := c.chain.Open(bridge.Address, bridge.StartBlock)
	if err != nil {
		return fmt.Errorf("opening the endpoint: %w", err)
	}
	c.sink, c.sinkBridge = sink, bridge.Address
	return nil
}

// call runs a call to the sink within the chain's timeout.
func (c *carrier) call(ctx context.Context, fn func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, c.chain.Timeout)
	defer cancel()
	return fn(ctx)
}

// look collects what is known now.
func (c *carrier) look(ctx context.Context, now time.Time, view View, bridge *ledger.Bridge) (*outlook, error) {
	deliveries, err := deliveriesOf(view, bridge)
	if err != nil {
		return nil, err
	}
	o := &outlook{
		now: now, deliveries: deliveries, executed: bridge.LastExecuted, sights: map[uint64]sight{},
		settled: func(t target) bool { return settledControl(bridge, t) },
	}
	if busy := len(deliveries) > 0 || len(c.machine.jobs) > 0; busy || now.Sub(c.asked) >= idleLook {
		if err := c.call(ctx, func(ctx context.Context) (err error) {
			c.sender, err = c.sink.Sender(ctx)
			return err
		}); err != nil {
			return nil, fmt.Errorf("asking for the fee payer: %w", err)
		}
		c.noteBalance(now)
	}
	o.sender = c.sender
	behind := false // a value action is not done, so those behind it are not either
	for _, d := range deliveries {
		if d.target.Control == 0 && behind {
			continue
		}
		if err := c.call(ctx, func(ctx context.Context) (err error) {
			d.outcome, err = c.sink.Outcome(ctx, &d.content, c.chain.Finality)
			return err
		}); err != nil {
			return nil, fmt.Errorf("asking the bridge about %s: %w", d.target, err)
		}
		behind = behind || d.target.Control == 0 && !d.outcome.Done
	}
	for _, j := range c.machine.jobs {
		if len(j.Attempts) == 0 {
			continue
		}
		var s sight
		if err := c.call(ctx, func(ctx context.Context) (err error) {
			s.Status, s.expired, err = c.sink.Status(ctx, j.chainAttempts(), c.chain.Finality)
			return err
		}); err != nil {
			return nil, fmt.Errorf("looking up the transactions of %s: %w", name(j), err)
		}
		o.sights[j.Serial] = s
		c.noteInclusion(j, s)
	}
	return o, nil
}

// deliveriesOf returns what the ledger has sealed and the bridge has not reported: value
// actions in order up to the first that is not sealed, then control actions.
func deliveriesOf(view View, bridge *ledger.Bridge) ([]*delivery, error) {
	var list []*delivery
	add := func(t target, digest codec.Hash, content chain.Delivery) error {
		set, ok, err := view.ValidatorsAt(content.Seal.Epoch)
		if err != nil {
			return err
		}
		if !ok {
			return fmt.Errorf("%s is sealed by epoch %d, which the ledger does not know", t, content.Seal.Epoch)
		}
		content.Set = set
		list = append(list, &delivery{target: t, digest: digest, content: content})
		return nil
	}
	for id := bridge.LastExecuted + 1; id <= bridge.LastAction; id++ {
		record, ok, err := view.Action(bridge.Domain, id)
		if err != nil {
			return nil, err
		}
		if !ok || record.Status != ledger.ActionSealed || record.Seal == nil {
			break
		}
		if err := add(target{Sequence: id}, record.Action.Digest(bridge.Domain, record.Seal.Epoch), chain.Delivery{Action: &record.Action, Seal: *record.Seal}); err != nil {
			return nil, err
		}
	}
	controls, err := view.OpenControls(bridge.Domain)
	if err != nil {
		return nil, err
	}
	taken := map[target]bool{} // of several candidates for one sequence the first that was sealed
	for i := range controls {
		r := &controls[i]
		t := target{Control: r.Control.Body.Kind(), Sequence: r.Control.Sequence}
		if r.Seal == nil || r.Done || taken[t] {
			continue
		}
		taken[t] = true
		if err := add(t, r.Digest, chain.Delivery{Control: &r.Control, Seal: *r.Seal}); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// settledControl reports whether the ledger knows that a bridge is past a control action.
func settledControl(bridge *ledger.Bridge, t target) bool {
	known := chain.Counters{Epoch: bridge.Epoch, PauseSequence: bridge.PauseSequence, LimitVersion: bridge.LimitVersion}
	return known.Past(t.Control, t.Sequence)
}

// noteBalance warns when the fee payer runs out.
func (c *carrier) noteBalance(now time.Time) {
	c.asked = now
	low := c.sender.Balance.Lt(&c.chain.LowBalance)
	c.mu.Lock()
	was := c.status.Low
	c.status.Address, c.status.Balance, c.status.Low = c.sender.Address, c.sender.Balance, low
	c.mu.Unlock()
	if low && !was {
		c.log.Warn("the fee payer runs out: send it coins", "address", c.sender.Address, "balance", c.sender.Balance.Dec(), "threshold", c.chain.LowBalance.Dec())
	}
	if c.config.Observer.Balance != nil {
		c.config.Observer.Balance(c.id, c.sender.Balance, low)
	}
}

// noteInclusion tells once that a transaction is in a block.
func (c *carrier) noteInclusion(j *job, s sight) {
	if !s.mined() {
		delete(c.included, j.Serial)
		return
	}
	if c.included[j.Serial] {
		return
	}
	c.included[j.Serial] = true
	if s.Failed {
		c.log.Warn("a transaction failed", "what", name(j), "tx", j.Attempts[s.Attempt].ID, "block", s.Block, "reason", s.Reason)
	} else {
		c.log.Info("delivered", "what", name(j), "tx", j.Attempts[s.Attempt].ID, "block", s.Block, "gas", s.GasUsed)
	}
	if c.config.Observer.Included != nil {
		c.config.Observer.Included(c.id, name(j), s.Status)
	}
}

// name says what a job does.
func name(j *job) string {
	if j.Target == (target{}) {
		return fmt.Sprintf("nonce %d", j.Nonce)
	}
	return j.Target.String()
}
