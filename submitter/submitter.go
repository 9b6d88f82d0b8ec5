package submitter

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/ledger"
)

// Submitter carries the sealed actions of one app chain to its bridges.
type Submitter struct {
	config   Config
	carriers []*carrier // by chain id
}

// New checks the configuration and opens what the store holds. It starts nothing.
func New(config Config) (*Submitter, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	s := &Submitter{config: config.withDefaults()}
	for _, id := range slices.Sorted(maps.Keys(config.Chains)) {
		c, err := newCarrier(s.config, id)
		if err != nil {
			return nil, fmt.Errorf("submitter: chain %s: %w", id, err)
		}
		s.carriers = append(s.carriers, c)
	}
	return s, nil
}

// Run submits until ctx is done. It returns an error when its store fails or is damaged;
// what a chain does is never a reason.
func (s *Submitter) Run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	faults := make([]error, len(s.carriers))
	var running sync.WaitGroup
	for i, c := range s.carriers {
		running.Go(func() {
			defer stop()
			faults[i] = c.run(ctx)
		})
	}
	running.Wait()
	if err := errors.Join(faults...); err != nil {
		return fmt.Errorf("submitter: %w", err)
	}
	return nil
}

// SetCaps changes what may be spent on a chain, from the next transaction on.
func (s *Submitter) SetCaps(chainID string, caps chain.Caps) error {
	if err := checkCaps(caps); err != nil {
		return fmt.Errorf("submitter: chain %s: %w", chainID, err)
	}
	for _, c := range s.carriers {
		if c.id == chainID {
			c.caps.Store(&caps)
			c.log.Info("the caps are changed", "maxFeePerGas", caps.MaxFeePerGas.Dec(), "maxTip", caps.MaxTip.Dec())
			select {
			case c.wake <- struct{}{}:
			default:
			}
			return nil
		}
	}
	return fmt.Errorf("submitter: chain %q is not served here", chainID)
}

// Status says how each chain's submitter is doing, ordered by chain.
func (s *Submitter) Status() []Status {
	all := make([]Status, 0, len(s.carriers))
	for _, c := range s.carriers {
		c.mu.Lock()
		st := c.status
		st.Deliveries = slices.Clone(st.Deliveries)
		c.mu.Unlock()
		st.Caps = *c.caps.Load()
		all = append(all, st)
	}
	return all
}

// publish refreshes the status after a round that succeeded. Empty words are filled in.
func (c *carrier) publish(bridge *ledger.Bridge, o *outlook, doing string) {
	var deliveries []DeliveryStatus
	stopped := 0
	if o != nil {
		deliveries = c.deliveryStatus(o)
	}
	for i := range deliveries {
		if deliveries[i].Stopped {
			stopped++
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case doing != "":
	case stopped > 0:
		doing = fmt.Sprintf("%d deliveries have stopped; a person must look", stopped)
	case len(deliveries) > 0:
		doing = fmt.Sprintf("delivers; %d deliveries are under way or wait", len(deliveries))
	default:
		doing = "waits for a sealed action"
	}
	c.status.Bridge, c.status.Attached, c.status.Deliveries = bridge.Address, !bridge.Domain.IsZero(), deliveries
	c.status.Ready, c.status.Doing = stopped == 0 && !c.status.Low, doing
}

var phases = map[chain.Phase]string{
	chain.PhaseUnknown: "not in the pool", chain.PhasePending: "in the pool", chain.PhaseIncluded: "in a block", chain.PhaseFinal: "final",
}

// deliveryStatus lists the jobs by nonce, and the deliveries that have none.
func (c *carrier) deliveryStatus(o *outlook) (list []DeliveryStatus) {
	started := map[target]bool{}
	for _, j := range c.machine.jobs {
		st := DeliveryStatus{What: name(j), Nonce: j.Nonce, Attempts: len(j.Attempts), Phase: "waits"}
		s, seen := o.sights[j.Serial]
		if newest := j.newest(); newest != nil {
			st.Tx, st.Phase = newest.ID, "in the pool"
		}
		if seen {
			st.Phase = phases[s.Phase]
			if s.Attempt >= 0 && s.Attempt < len(j.Attempts) {
				st.Tx = j.Attempts[s.Attempt].ID
			}
			if s.mined() && s.Failed {
				st.Phase, st.Reason = "failed in a block", s.Reason
			}
		}
		if j == c.machine.current(j.Target) {
			started[j.Target] = true
			c.addTrouble(&st, j.Target)
		}
		list = append(list, st)
	}
	for _, d := range o.deliveries {
		if started[d.target] || d.outcome.Done {
			continue
		}
		st := DeliveryStatus{What: d.target.String(), Phase: "waits"}
		c.addTrouble(&st, d.target)
		list = append(list, st)
	}
	slices.SortStableFunc(list, func(a, b DeliveryStatus) int { return cmp.Compare(a.Nonce, b.Nonce) })
	return list
}

func (c *carrier) addTrouble(st *DeliveryStatus, t target) {
	if tr := c.machine.troubles[t]; tr != nil && tr.reason != "" {
		st.Reason, st.Stopped = tr.reason, tr.fatal
	}
}
