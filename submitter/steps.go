package submitter

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/trinebridge/trine/chain"
)

// take does one step. sent says that what the step is about is on its way. An error is
// the store's, after which nothing must go on from memory; what the chain answers is kept as trouble.
func (c *carrier) take(ctx context.Context, now time.Time, s step) (sent bool, err error) {
	m := c.machine
	switch s.do {
	case stepPrune:
		if !c.sweep(ctx, now, s.job) {
			return false, nil
		}
		if err := dropJob(ctx, c.kv, s.job); err != nil {
			return false, fmt.Errorf("%w: %w", errStore, err)
		}
		delete(c.included, s.job.Serial)
		m.forget(s.job)
		return true, nil
	case stepRepeat:
		return c.broadcast(ctx, now, s.job, false)
	case stepNew:
		return c.begin(ctx, now, &job{
			Serial: m.nextSerial(), Nonce: m.nextNonce(c.sender), Target: s.delivery.target, Digest: s.delivery.digest,
		}, s.delivery)
	case stepFill:
		return c.begin(ctx, now, &job{Serial: m.nextSerial(), Nonce: s.nonce, Filler: true}, nil)
	case stepAttempt:
		if s.delivery == nil && m.last(s.job) {
			return false, c.giveBack(ctx, s.job) // nothing of it was ever sent
		}
		return c.attempt(ctx, now, s.job, s.delivery)
	default:
		attempts := len(s.job.Attempts)
		sent, err := c.attempt(ctx, now, s.job, s.delivery)
		if err == nil && s.repeat && len(s.job.Attempts) == attempts {
			return c.broadcast(ctx, now, s.job, false)
		}
		return sent, err
	}
}

// sweep has the sink take back what a job's attempts have left on the chain; false: the job must be remembered until then,
// as it is all that knows of it. What hinders it hinders no delivery.
func (c *carrier) sweep(ctx context.Context, now time.Time, j *job) bool {
	sweeper, ok := c.sink.(chain.Sweeper)
	if !ok || len(j.Attempts) == 0 {
		return true
	}
	if c.swept || now.Before(c.sweepAfter[j.Serial]) {
		return false
	}
	c.swept = true
	var clean bool
	err := c.call(ctx, func(ctx context.Context) (err error) {
		clean, err = sweeper.Sweep(ctx, j.chainAttempts(), *c.caps.Load())
		return err
	})
	// What is still of use for the delivery, a newer job of it knows too.
	if err == nil && (clean || c.machine.superseded(j)) {
		delete(c.sweepAfter, j.Serial)
		return true
	}
	c.sweepAfter[j.Serial] = c.config.Now().Add(sweepRest)
	if err != nil {
		c.log.Info("what a delivery has left on the chain is not taken back yet", "what", name(j), "error", err)
	}
	return false
}

// build asks the sink for a draft; a nil delivery makes a filler.
func (c *carrier) build(ctx context.Context, j *job, d *delivery) (draft chain.Draft, err error) {
	request := chain.BuildRequest{Nonce: j.Nonce, Caps: *c.caps.Load()}
	if d != nil {
		request.Delivery = &d.content
	}
	if newest := j.newest(); newest != nil {
		request.Replaces = &newest.Attempt
	}
	return draft, c.call(ctx, func(ctx context.Context) (err error) {
		draft, err = c.sink.Build(ctx, request)
		return err
	})
}

// begin makes a job, unless the chain refuses its content.
func (c *carrier) begin(ctx context.Context, now time.Time, j *job, d *delivery) (bool, error) {
	draft, err := c.build(ctx, j, d)
	if err != nil {
		c.trouble(now, j.Target, err)
		return false, nil
	}
	c.machine.jobs = append(c.machine.jobs, j)
	return c.send(ctx, now, j, draft, d)
}

// attempt makes the first attempt of a job that has none, or one that replaces the newest.
func (c *carrier) attempt(ctx context.Context, now time.Time, j *job, d *delivery) (bool, error) {
	draft, err := c.build(ctx, j, d)
	if err == nil {
		return c.send(ctx, now, j, draft, d)
	}
	c.trouble(now, j.Target, err)
	if v := chain.VerdictOf(err); v == chain.Retry || v == chain.Replace {
		return false, nil
	}
	// The delivery cannot be made in this place: give the nonce back, or use it up.
	return false, c.abandon(ctx, j)
}

// abandon takes the delivery from a job.
func (c *carrier) abandon(ctx context.Context, j *job) error {
	if len(j.Attempts) == 0 && c.machine.last(j) {
		return c.giveBack(ctx, j)
	}
	if j.Filler {
		return nil
	}
	j.Filler = true
	return c.save(ctx, j)
}

// giveBack forgets a job of which nothing was sent and whose nonce is the newest.
func (c *carrier) giveBack(ctx context.Context, j *job) error {
	if err := dropJob(ctx, c.kv, j); err != nil {
		return fmt.Errorf("%w: %w", errStore, err)
	}
	c.machine.forget(j)
	return nil
}

func (c *carrier) save(ctx context.Context, j *job) error {
	if err := saveJob(ctx, c.kv, j); err != nil {
		return fmt.Errorf("%w: %w", errStore, err)
	}
	return nil
}

// send stores the intent, signs, stores the attempt and broadcasts it, in this order.
func (c *carrier) send(ctx context.Context, now time.Time, j *job, draft chain.Draft, d *delivery) (bool, error) {
	replaces := len(j.Attempts) > 0
	j.FeePerGas, j.Tip = draft.FeePerGas, draft.Tip
	if d == nil {
		j.Filler = true
	} else {
		j.Digest = d.digest
	}
	if err := c.save(ctx, j); err != nil {
		return false, err
	}
	var signed chain.Attempt
	if err := c.call(ctx, func(ctx context.Context) (err error) {
		signed, err = c.sink.Sign(ctx, draft)
		return err
	}); err != nil {
		c.trouble(now, j.Target, fmt.Errorf("signing: %w", err))
		return false, nil
	}
	j.Attempts = append(j.Attempts, attempt{signed, now})
	if err := c.save(ctx, j); err != nil {
		return false, err
	}
	return c.broadcast(ctx, now, j, replaces)
}

// broadcast hands the newest attempt to the node.
func (c *carrier) broadcast(ctx context.Context, now time.Time, j *job, replaces bool) (bool, error) {
	newest := j.newest()
	err := c.call(ctx, func(ctx context.Context) error { return c.sink.Broadcast(ctx, newest.Attempt) })
	c.machine.sent(now, j)
	if err == nil {
		c.clear(j.Target)
		c.log.Info("sent", "what", name(j), "filler", j.Filler, "nonce", j.Nonce, "tx", newest.ID, "attempt", len(j.Attempts),
			"fee", newest.FeePerGas.Dec(), "tip", newest.Tip.Dec())
		if c.config.Observer.Sent != nil {
			c.config.Observer.Sent(c.id, name(j), newest.Attempt, replaces)
		}
		return true, nil
	}
	switch chain.VerdictOf(err) {
	case chain.Replace:
		c.machine.urgent[j.Serial] = true
		c.note(j.Target, err)
	case chain.Fatal:
		c.trouble(now, j.Target, fmt.Errorf("broadcasting: %w", err))
		if _, leaves := c.sink.(chain.Sweeper); !leaves && len(j.Attempts) == 1 && c.machine.last(j) {
			return false, c.giveBack(ctx, j) // the node took nothing of it
		}
		c.machine.urgent[j.Serial] = !j.Filler
		return false, c.abandon(ctx, j)
	default: // what became of it shows in the next round
		c.note(j.Target, err)
	}
	return true, nil
}

// trouble keeps why a delivery could not be made, and lets it rest as its verdict says.
func (c *carrier) trouble(now time.Time, t target, err error) {
	c.machine.trouble(now, t, chain.VerdictOf(err), err.Error())
	c.tell(t, err)
}

// note keeps why a delivery is not through yet.
func (c *carrier) note(t target, err error) {
	if tr := c.machine.troubles[t]; tr != nil {
		tr.reason, tr.fatal = err.Error(), false
	} else {
		c.machine.troubles[t] = &trouble{reason: err.Error()}
	}
	c.tell(t, err)
}

// clear notes that a delivery is on its way. How often it failed is remembered while it has a job.
func (c *carrier) clear(t target) {
	if tr := c.machine.troubles[t]; tr != nil {
		tr.reason, tr.fatal = "", false
	}
	delete(c.told, t)
}

// tell logs a trouble when it is of another kind than the one that was told last.
func (c *carrier) tell(t target, err error) {
	verdict := chain.VerdictOf(err)
	kind := verdict.String()
	if errors.Is(err, chain.ErrFeeCap) {
		kind = "fee cap"
	}
	if c.told[t] == kind {
		return
	}
	c.told[t] = kind
	what := t.String()
	if t == (target{}) {
		what = "a nonce"
	}
	switch {
	case verdict == chain.Fatal:
		c.log.Error("a delivery has stopped: no repetition helps", "what", what, "error", err)
	case errors.Is(err, chain.ErrFeeCap):
		c.log.Warn("a delivery waits: the network's price is above the caps", "what", what, "error", err)
	case verdict == chain.Done:
		c.log.Info("somebody else has delivered it", "what", what)
	default:
		c.log.Info("a delivery waits", "what", what, "error", err)
	}
	if c.config.Observer.Failed != nil {
		c.config.Observer.Failed(c.id, fmt.Errorf("%s: %w", what, err))
	}
}
