package chaintest

import (
	"maps"
	"slices"

	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/codec"
)

// InitialPrice is the network's fee per unit of gas on a new chain.
const InitialPrice = 1000

// maxRaw bounds an attempt in wire form, in bytes.
const maxRaw = 1 << 20

// record is what a sink sends, in wire form the Borsh of it.
type record struct {
	Payer     string
	Nonced    bool // without: a chain whose attempts expire
	Nonce     uint64
	LastValid uint64
	Fee, Tip  uint256.Int
	Action    []bridgecontracts.Action  // none or one
	Control   []bridgecontracts.Control // none or one
	Seal      bridgecontracts.Seal
	Set       []byte
}

// Borsh implements codec.Record.
func (r *record) Borsh(c *codec.Codec) {
	c.String(&r.Payer, 64)
	c.Bool(&r.Nonced)
	c.Uint64(&r.Nonce)
	c.Uint64(&r.LastValid)
	c.Amount(&r.Fee)
	c.Amount(&r.Tip)
	codec.List(c, &r.Action, 1)
	codec.List(c, &r.Control, 1)
	r.Seal.Borsh(c)
	c.Bytes(&r.Set, 1<<16)
}

func (r *record) id() string { return codec.Keccak(codec.Marshal(r)).String() }

// delivery returns what the record carries, or nil for a filler.
func (r *record) delivery() *chain.Delivery {
	d := &chain.Delivery{Seal: r.Seal}
	switch {
	case len(r.Action) == 1:
		d.Action = &r.Action[0]
	case len(r.Control) == 1:
		d.Control = &r.Control[0]
	default:
		return nil
	}
	if err := codec.Unmarshal(r.Set, &d.Set, 1<<16); err != nil {
		return nil
	}
	return d
}

// pool holds what waits for a block, in the order of arrival.
type pool struct{ records []*record }

func (p *pool) find(id string) *record {
	for _, r := range p.records {
		if r.id() == id {
			return r
		}
	}
	return nil
}

func (p *pool) at(payer string, nonce uint64) *record {
	for _, r := range p.records {
		if r.Nonced && r.Payer == payer && r.Nonce == nonce {
			return r
		}
	}
	return nil
}

// add takes a record in by the rules of a node.
func (p *pool) add(r *record, tip *block) error {
	if p.find(r.id()) != nil {
		return nil
	}
	if !r.Nonced {
		if tip.Number >= r.LastValid {
			return chain.Errorf(chain.Rebuild, "the attempt was valid up to block %d, the newest is %d", r.LastValid, tip.Number)
		}
		p.records = append(p.records, r)
		return nil
	}
	if next := tip.state.nonces[r.Payer]; r.Nonce < next {
		return chain.Errorf(chain.Rebuild, "nonce %d is too low, the next is %d", r.Nonce, next)
	}
	if old := p.at(r.Payer, r.Nonce); old != nil {
		if fee, tip := raised(&old.Fee), raised(&old.Tip); r.Fee.Lt(&fee) || r.Tip.Lt(&tip) {
			return chain.Errorf(chain.Replace, "replacement underpriced: %s and %s, want at least %s and %s", &r.Fee, &r.Tip, &fee, &tip)
		}
		*old = *r
		return nil
	}
	p.records = append(p.records, r)
	return nil
}

// raised returns a fee that may replace the old one: an eighth more, and at least one.
func raised(old *uint256.Int) uint256.Int {
	more := new(uint256.Int).Rsh(old, 3)
	if more.IsZero() {
		more.SetOne()
	}
	return *more.Add(more, old)
}

// putBack returns what was mined on a branch that is left.
func (p *pool) putBack(r *record) { p.records = append(p.records, r) }

// take removes and returns what the block with this number includes.
func (p *pool) take(number uint64, price *uint256.Int, nonces map[string]uint64) (out []*record) {
	next := maps.Clone(nonces)
	for {
		i := slices.IndexFunc(p.records, func(r *record) bool {
			return !r.Fee.Lt(price) && (r.Nonced && r.Nonce == next[r.Payer] || !r.Nonced && r.LastValid >= number)
		})
		if i < 0 {
			break
		}
		r := p.records[i]
		p.records = slices.Delete(p.records, i, i+1)
		if r.Nonced {
			next[r.Payer]++
		}
		out = append(out, r)
	}
	p.records = slices.DeleteFunc(p.records, func(r *record) bool {
		return r.Nonced && r.Nonce < next[r.Payer] || !r.Nonced && r.LastValid <= number
	})
	return out
}

// DropPending empties the pool, as a node does that restarts.
func (c *Chain) DropPending() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pool.records = nil
}

// Pending returns the ids of what waits in the pool, in the order of arrival.
func (c *Chain) Pending() (ids []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range c.pool.records {
		ids = append(ids, r.id())
	}
	return ids
}

// SetPrice sets the network's fee per unit of gas. Attempts that offer less stay in the pool.
func (c *Chain) SetPrice(price uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.price = *uint256.NewInt(price)
}

// SetBalance sets what a fee payer owns; it is 10^18 at first. Fees are not taken from it.
func (c *Chain) SetBalance(payer string, balance uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.coins[payer] = *uint256.NewInt(balance)
}
