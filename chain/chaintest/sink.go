package chaintest

import (
	"context"
	"fmt"

	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/codec"
)

// GasUsed is what every transaction of the scripted chain takes.
const GasUsed = 50_000

// Sink is the scripted chain's [chain.Sink] for one fee payer on one endpoint.
type Sink struct {
	endpoint *Endpoint
	payer    string
}

// Sink writes to the bridge through the endpoint; payer names the account that pays.
func (e *Endpoint) Sink(payer string) *Sink { return &Sink{endpoint: e, payer: payer} }

var _ chain.Sink = (*Sink)(nil)

// do runs fn under the chain's lock.
func (s *Sink) do(ctx context.Context, method string, fn func(c *Chain) error) error {
	_, err := s.endpoint.enter(ctx, method)
	if err == nil {
		s.endpoint.chain.mu.Lock()
		defer s.endpoint.chain.mu.Unlock()
		err = fn(s.endpoint.chain)
	}
	if err != nil {
		return fmt.Errorf("%s: %s: %w", s.endpoint.name, method, err)
	}
	return nil
}

// Sender implements chain.Sink.
func (s *Sink) Sender(ctx context.Context) (out chain.Sender, err error) {
	err = s.do(ctx, "Sender", func(c *Chain) error {
		out.Address = s.payer
		out.Next = c.tip().state.nonces[s.payer]
		for out.Pending = out.Next; c.pool.at(s.payer, out.Pending) != nil; out.Pending++ {
		}
		coins, set := c.coins[s.payer]
		if !set {
			coins = *uint256.NewInt(1e18)
		}
		out.Balance = coins
		return nil
	})
	return out, err
}

// Build implements chain.Sink.
func (s *Sink) Build(ctx context.Context, r chain.BuildRequest) (out chain.Draft, err error) {
	err = s.do(ctx, "Build", func(c *Chain) error {
		fee, tip := *new(uint256.Int).Lsh(&c.price, 1), *uint256.NewInt(1)
		if r.Replaces != nil {
			if least := raised(&r.Replaces.FeePerGas); fee.Lt(&least) {
				fee = least
			}
			tip = raised(&r.Replaces.Tip)
		} else if r.Caps.MaxFeePerGas.Lt(&fee) && !r.Caps.MaxFeePerGas.Lt(&c.price) {
			fee = r.Caps.MaxFeePerGas
		}
		if r.Caps.MaxFeePerGas.Lt(&fee) || r.Caps.MaxTip.Lt(&tip) {
			return chain.Errorf(chain.Retry, "%w: %s and %s are asked, %s and %s allowed", chain.ErrFeeCap, &fee, &tip, &r.Caps.MaxFeePerGas, &r.Caps.MaxTip)
		}
		unsigned := &record{Payer: s.payer, Nonced: c.config.Expiry == 0, Nonce: r.Nonce, Fee: fee, Tip: tip}
		if !unsigned.Nonced {
			unsigned.Nonce, unsigned.LastValid = 0, c.tip().Number+c.config.Expiry
		}
		if r.Delivery != nil {
			if refused := s.simulate(c, r); refused != nil {
				return &chain.Error{Verdict: refused.verdict, Err: refused}
			}
			unsigned.Seal, unsigned.Set = r.Delivery.Seal, codec.Marshal(&r.Delivery.Set)
			if r.Delivery.Action != nil {
				unsigned.Action = []bridgecontracts.Action{*r.Delivery.Action}
			} else {
				unsigned.Control = []bridgecontracts.Control{*r.Delivery.Control}
			}
		}
		out = chain.Draft{Nonce: unsigned.Nonce, FeePerGas: fee, Tip: tip, Unsigned: unsigned}
		return nil
	})
	return out, err
}

// simulate runs the delivery on top of what the payer has in the pool before it.
func (s *Sink) simulate(c *Chain, r chain.BuildRequest) *revert {
	ahead := c.tip().state.clone()
	for nonce := ahead.nonces[s.payer]; nonce < r.Nonce; nonce++ {
		if waiting := c.pool.at(s.payer, nonce); waiting != nil {
			c.run(ahead, waiting)
		}
	}
	_, refused := ahead.execute(c.domain, r.Delivery, func(a codec.Hash) bool { return c.refused[a] })
	return refused
}

// Sign implements chain.Sink.
func (s *Sink) Sign(_ context.Context, d chain.Draft) (chain.Attempt, error) {
	r, ok := d.Unsigned.(*record)
	if !ok {
		return chain.Attempt{}, chain.Errorf(chain.Fatal, "a draft of another sink: %T", d.Unsigned)
	}
	return chain.Attempt{ID: r.id(), Nonce: r.Nonce, FeePerGas: r.Fee, Tip: r.Tip, Raw: codec.Marshal(r)}, nil
}

// Broadcast implements chain.Sink.
func (s *Sink) Broadcast(ctx context.Context, a chain.Attempt) error {
	return s.do(ctx, "Broadcast", func(c *Chain) error {
		var r record
		if err := codec.Unmarshal(a.Raw, &r, maxRaw); err != nil {
			return chain.Errorf(chain.Fatal, "attempt %s: %w", a.ID, err)
		}
		if t, _ := c.mined(a.ID); t != nil {
			return nil
		}
		return c.pool.add(&r, c.tip())
	})
}

// mined finds a transaction in a block.
func (c *Chain) mined(id string) (*transaction, *block) {
	for _, b := range c.blocks {
		for _, t := range b.transactions {
			if t.id == id {
				return t, b
			}
		}
	}
	return nil, nil
}

// settled returns the number of the newest settled block.
func (c *Chain) settled(f chain.Finality) uint64 {
	depth := f.Confirmations
	if depth == 0 {
		depth = c.config.FinalDepth
	}
	return c.tip().Number - min(depth, c.tip().Number)
}

// Status implements chain.Sink.
func (s *Sink) Status(ctx context.Context, attempts []chain.Attempt, f chain.Finality) (out chain.Status, expired bool, err error) {
	out.Attempt = -1
	err = s.do(ctx, "Status", func(c *Chain) error {
		for i, a := range attempts {
			t, b := c.mined(a.ID)
			if t == nil {
				continue
			}
			out = chain.Status{Phase: chain.PhaseIncluded, Attempt: i, Block: b.Number, GasUsed: GasUsed}
			if b.Number <= c.settled(f) {
				out.Phase = chain.PhaseFinal
			}
			if t.failed != nil {
				out.Failed, out.Reason = true, t.failed.reason
			}
			return nil
		}
		expired = len(attempts) > 0
		for i, a := range attempts {
			if c.pool.find(a.ID) != nil {
				out.Phase, out.Attempt, expired = chain.PhasePending, i, false
			}
			var r record
			if err := codec.Unmarshal(a.Raw, &r, maxRaw); err != nil {
				return chain.Errorf(chain.Fatal, "attempt %s: %w", a.ID, err)
			}
			if r.Nonced && r.Nonce >= c.tip().state.nonces[s.payer] || !r.Nonced && c.tip().Number < r.LastValid {
				expired = false
			}
		}
		return nil
	})
	return out, expired, err
}

// Outcome implements chain.Sink.
func (s *Sink) Outcome(ctx context.Context, d *chain.Delivery, f chain.Finality) (out chain.Outcome, err error) {
	err = s.do(ctx, "Outcome", func(c *Chain) error {
		out.Done = c.tip().state.Past(d.Names())
		out.Final = c.blocks[c.settled(f)].state.Past(d.Names())
		return nil
	})
	return out, err
}
