package ledger_test

import (
	"fmt"

	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/ledger"
	"github.com/trinebridge/trine/validators"
)

// contract is a model of the bridge contract of section 4 of the design, in the terms of
// the Solidity one: it checks seals, order, pause and limits, pays or makes claimable, and
// writes events. What it holds is counted on its own, so that it can be compared with the ledger's books.
type contract struct {
	chain   string
	domain  bridgecontracts.Domain
	address codec.Hash
	set     validators.Set

	now           uint64 // the chain's clock, Unix seconds
	nextAction    uint64
	pauseSequence uint64
	limitVersion  uint64
	limits        map[codec.Hash]*contractBucket
	holds         map[codec.Hash]*uint256.Int
	paid          map[debt]*uint256.Int
	claimable     map[debt]*uint256.Int
	refuses       map[codec.Hash]bool // recipients whose transfers fail

	events   []bridgecontracts.Event
	reported int // how many of events the ledger has
}

type debt struct{ token, recipient codec.Hash }

func newContract(genesis codec.Hash, chain string, address codec.Hash, set validators.Set, now uint64) *contract {
	return &contract{
		chain: chain, domain: bridgecontracts.NewDomain(genesis, chain, address), address: address, set: set,
		now: now, nextAction: 1,
		limits: map[codec.Hash]*contractBucket{}, holds: map[codec.Hash]*uint256.Int{},
		paid: map[debt]*uint256.Int{}, claimable: map[debt]*uint256.Int{}, refuses: map[codec.Hash]bool{},
	}
}

func amountAt[K comparable](m map[K]*uint256.Int, k K) *uint256.Int {
	if m[k] == nil {
		m[k] = new(uint256.Int)
	}
	return m[k]
}

func (c *contract) emit(body bridgecontracts.EventBody) {
	c.events = append(c.events, bridgecontracts.Event{ID: uint64(len(c.events)) + 1, Body: body})
}

func (c *contract) paused() bool { return c.pauseSequence%2 == 1 }

func (c *contract) deposit(wallet, token codec.Hash, amount uint256.Int, keys ...bridgecontracts.KeyProof) error {
	if c.paused() {
		return fmt.Errorf("paused")
	}
	held := amountAt(c.holds, token)
	held.Add(held, &amount)
	c.emit(&bridgecontracts.Deposited{Wallet: wallet, Token: token, Amount: amount, Keys: keys})
	return nil
}

// errLimit is the contract's LimitExceeded.
var errLimit = fmt.Errorf("limit exceeded")

func (c *contract) execute(action bridgecontracts.Action, seal *bridgecontracts.Seal) error {
	if c.paused() {
		return fmt.Errorf("paused")
	}
	if action.ID != c.nextAction {
		return fmt.Errorf("action %d is not the next one, %d", action.ID, c.nextAction)
	}
	digest := action.Digest(c.domain, c.set.Epoch)
	if err := c.check(digest, seal, false); err != nil {
		return err
	}
	var failed codec.Hash
	if body, ok := action.Body.(*bridgecontracts.Transfers); ok {
		after := map[codec.Hash]contractBucket{}
		for _, t := range body.Transfers {
			bucket, limited := after[t.Token]
			if !limited {
				if c.limits[t.Token] == nil {
					continue
				}
				bucket = *c.limits[t.Token]
			}
			if !bucket.take(c.now, &t.Amount) {
				return errLimit
			}
			after[t.Token] = bucket
		}
		for token, bucket := range after {
			*c.limits[token] = bucket
		}
		for i, t := range body.Transfers {
			d := debt{t.Token, t.To}
			if c.refuses[t.To] {
				failed[31-i/8] |= 1 << (i % 8)
				amountAt(c.claimable, d).Add(amountAt(c.claimable, d), &t.Amount)
			} else {
				c.pay(d, &t.Amount)
			}
		}
	}
	c.nextAction++
	c.emit(&bridgecontracts.ActionExecuted{ActionID: action.ID, Digest: digest, Failed: failed})
	return nil
}

func (c *contract) pay(d debt, amount *uint256.Int) {
	if _, under := c.holds[d.token].SubOverflow(c.holds[d.token], amount); under {
		panic("the model bridge pays what it does not hold")
	}
	amountAt(c.paid, d).Add(amountAt(c.paid, d), amount)
}

func (c *contract) claim(token, recipient codec.Hash) error {
	d := debt{token, recipient}
	amount := *amountAt(c.claimable, d)
	if c.paused() || amount.IsZero() {
		return fmt.Errorf("paused, or nothing to claim")
	}
	c.pay(d, &amount)
	delete(c.claimable, d)
	c.emit(&bridgecontracts.Claimed{Token: token, Recipient: recipient, Amount: amount})
	return nil
}

func (c *contract) pause() {
	c.pauseSequence++
	c.emit(&bridgecontracts.Paused{Sequence: c.pauseSequence})
}

func (c *contract) control(control bridgecontracts.Control, seal *bridgecontracts.Seal) error {
	digest := control.Digest(c.domain, c.set.Epoch)
	switch body := control.Body.(type) {
	case *bridgecontracts.Unpause:
		if !c.paused() || control.Sequence != c.pauseSequence+1 {
			return fmt.Errorf("sequence %d does not follow %d", control.Sequence, c.pauseSequence)
		}
		if err := c.check(digest, seal, false); err != nil {
			return err
		}
		c.pauseSequence++
		c.emit(&bridgecontracts.Unpaused{Sequence: c.pauseSequence})
	case *bridgecontracts.SetLimit:
		if control.Sequence != c.limitVersion+1 {
			return fmt.Errorf("sequence %d does not follow %d", control.Sequence, c.limitVersion)
		}
		if err := c.check(digest, seal, c.raises(body)); err != nil {
			return err
		}
		c.setLimit(body)
	}
	return nil
}

// raises is the rule of Limits.change.
func (c *contract) raises(l *bridgecontracts.SetLimit) bool {
	old := c.limits[l.Token]
	if old == nil {
		return l.Window == 0
	}
	faster := new(uint256.Int).Mul(&l.Capacity, uint256.NewInt(old.window))
	slower := new(uint256.Int).Mul(&old.capacity, uint256.NewInt(l.Window))
	return l.Window == 0 || l.Capacity.Gt(&old.capacity) || faster.Gt(slower)
}

func (c *contract) setLimit(l *bridgecontracts.SetLimit) {
	c.limitVersion++
	bucket := contractBucket{time: c.now}
	if old := c.limits[l.Token]; old != nil {
		bucket = *old
		bucket.load(c.now)
	}
	bucket.capacity, bucket.window = l.Capacity, l.Window
	c.limits[l.Token] = &bucket
	if l.Window == 0 {
		delete(c.limits, l.Token)
	}
	c.emit(&bridgecontracts.LimitSet{Sequence: c.limitVersion, Token: l.Token, Capacity: l.Capacity, Window: l.Window})
}

func (c *contract) check(digest codec.Hash, seal *bridgecontracts.Seal, listeners bool) error {
	if seal == nil {
		return fmt.Errorf("no seal")
	}
	if signer, err := seal.Processor.RecoverAddress(digest); err != nil || signer != c.set.Processor {
		return fmt.Errorf("not the processor's signature")
	}
	if err := c.set.VerifyQuorum(validators.Approvers, digest, seal.Approvers); err != nil {
		return err
	}
	if listeners {
		return c.set.VerifyQuorum(validators.Listeners, digest, seal.Listeners)
	}
	return nil
}

// pending returns the events that the ledger has not got.
func (c *contract) pending() []bridgecontracts.Event {
	return c.events[c.reported:min(len(c.events), c.reported+ledger.MaxEvents)]
}

// contractBucket is Limits.sol, line by line.
type contractBucket struct {
	capacity, level uint256.Int
	window, time    uint64
}

func (b *contractBucket) load(now uint64) {
	leaked := new(uint256.Int).Mul(uint256.NewInt(now-b.time), &b.capacity)
	leaked.Div(leaked, uint256.NewInt(b.window))
	switch {
	case !leaked.Lt(&b.level):
		b.level.Clear()
	case !leaked.IsZero():
		b.level.Sub(&b.level, leaked)
	default:
		return
	}
	b.time = now
}

func (b *contractBucket) take(now uint64, amount *uint256.Int) bool {
	b.load(now)
	sum := new(uint256.Int).Add(&b.level, amount)
	if sum.Gt(&b.capacity) {
		return false
	}
	b.level = *sum
	return true
}
