package ledger_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/holiman/uint256"
	"pgregory.net/rapid"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/ledger"
	"github.com/trinebridge/trine/signing"
)

// TestNothingIsLost lets users, members and bridges do what they like in any order, and
// then brings everything to its end. Each block is verified from its bytes by a second
// ledger and audited to the unit (world.submit). At the end what each recipient got or
// can claim on a chain is what was asked for and not returned, and the books hold what the bridges hold.
func TestNothingIsLost(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		genesis := testGenesis()
		genesis.Window = rapid.Uint64Range(1, 4).Draw(t, "window")
		genesis.Batch = rapid.Uint64Range(1, 4).Draw(t, "batch")
		for i := range genesis.Chains {
			genesis.Chains[i].Skew = 30
			genesis.Chains[i].Batch = rapid.Uint64Range(0, 4).Draw(t, "batch of a chain")
		}
		w, err := newWorld(genesis)
		if err != nil {
			t.Fatal(err)
		}
		p := &play{world: w, t: t, asked: map[debt]*uint256.Int{}}
		for i, chain := range []string{one, two} {
			p.must(w.send(w.processor, w.attachMessage(chain, uint64(i)+1)))
		}
		t.Repeat(map[string]func(*rapid.T){
			"deposit":     func(*rapid.T) { p.deposit() },
			"attest":      func(*rapid.T) { p.attestSome() },
			"attest more": func(*rapid.T) { p.attestSome() },
			"transfer":    func(*rapid.T) { p.transfer() },
			"withdraw":    func(*rapid.T) { p.withdraw() },
			"seal":        func(*rapid.T) { p.seal() },
			"execute":     func(*rapid.T) { p.execute() },
			"claim":       func(*rapid.T) { p.claim() },
			"refuse":      func(*rapid.T) { p.refuse() },
			"pause":       func(*rapid.T) { p.pause() },
			"limit":       func(*rapid.T) { p.limit() },
			"control":     func(*rapid.T) { p.deliverControls() },
			"wait":        func(*rapid.T) { p.wait() },
			"":            func(*rapid.T) { p.check() },
		})
		p.finish()
	})
}

// play is one run of a world.
type play struct {
	*world
	t     *rapid.T
	asked map[debt]*uint256.Int // by token and recipient
}

var people = []string{"ann", "ben", "cat", "dan"}

func (p *play) pick(what string, n int) int { return rapid.IntRange(0, n-1).Draw(p.t, what) }

func (p *play) person(what string) string { return people[p.pick(what, len(people))] }

func (p *play) contract() *contract {
	return p.bridges[[]string{one, two}[p.pick("chain", 2)]]
}

// must is for what has to work; may is for what the ledger may refuse.
func (p *play) must(log ledger.Log, err error) ledger.Log {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
	return log
}

func (p *play) may(log ledger.Log, err error) ledger.Log {
	var rejection *ledger.Rejection
	if err != nil && !errors.As(err, &rejection) {
		p.t.Fatal(err)
	}
	return log
}

// tokenOf draws a token of the contract's chain, and how many of its units make a unit of account.
func (p *play) tokenOf(c *contract) (ledger.AssetID, ledger.Token) {
	var ids []ledger.AssetID
	var tokens []ledger.Token
	for i, a := range p.ledger.Genesis().Assets {
		if t, ok := a.TokenOn(c.chain); ok {
			ids, tokens = append(ids, ledger.AssetID(i+1)), append(tokens, t)
		}
	}
	i := p.pick("token", len(ids))
	return ids[i], tokens[i]
}

func (p *play) deposit() {
	c := p.contract()
	_, token := p.tokenOf(c)
	amount := *uint256.NewInt(rapid.Uint64Range(0, 400).Draw(p.t, "amount"))
	if token.Decimals == 18 && c.chain == two {
		amount.Mul(&amount, uint256.NewInt(999_999_999_999)) // leaves dust
	}
	owner := wallet(p.person("depositor"))
	var keys []bridgecontracts.KeyProof
	for range p.pick("keys", 3) {
		claimed := owner
		if p.pick("wrong proof", 5) == 0 {
			claimed = wallet("nobody")
		}
		keys = append(keys, proof(c, claimed, named(p.person("key"))))
	}
	address := token.Address
	if p.pick("unknown token", 10) == 0 {
		address = wallet("unknown token")
	}
	if err := c.deposit(owner, address, amount, keys...); err != nil && !c.paused() {
		p.t.Fatal(err)
	}
}

func (p *play) attestSome() {
	c := p.contract()
	m := &ledger.Attest{Domain: c.domain, Generation: 1, Events: c.pending()}
	if len(m.Events) == 0 {
		return
	}
	m.Events = m.Events[:1+p.pick("events", len(m.Events))]
	p.signCertificate(c, m, p.listeners)
	p.returned(c, p.must(p.send(p.processor, m)))
	c.reported += len(m.Events)
}

func (p *play) transfer() {
	p.may(p.send(named(p.person("from")), &ledger.Transfer{
		To: named(p.person("to")).PublicKey(), Asset: ledger.AssetID(1 + p.pick("asset", 3)),
		Amount: *uint256.NewInt(rapid.Uint64Range(0, 300).Draw(p.t, "amount")),
	}))
}

func (p *play) withdraw() {
	c := p.contract()
	id, token := p.tokenOf(c)
	asset, _ := p.ledger.Genesis().Asset(id)
	units := *uint256.NewInt(rapid.Uint64Range(1, 300).Draw(p.t, "units"))
	if asset.Symbol == "ODD" {
		units.Mul(&units, uint256.NewInt(1_000_000))
		units.Add(&units, &token.Fee)
	}
	to := wallet(p.person("recipient"))
	log := p.may(p.send(named(p.person("from")), &ledger.Withdraw{Chain: c.chain, Asset: id, To: to, Amount: units}))
	for i := range log {
		if q, ok := log[i].Body.(*ledger.WithdrawalQueued); ok {
			amount, _ := asset.ToToken(token, &q.Amount)
			sum := amountAt(p.asked, debt{token.Address, to})
			sum.Add(sum, &amount)
		}
	}
	p.returned(c, log)
}

// returned takes back what a log says was returned.
func (p *play) returned(c *contract, log ledger.Log) {
	for i := range log {
		r, ok := log[i].Body.(*ledger.WithdrawalReturned)
		if !ok {
			continue
		}
		record, _, err := p.view().Withdrawal(r.Domain, r.Sequence)
		if err != nil {
			p.t.Fatal(err)
		}
		asset, _ := p.ledger.Genesis().Asset(r.Asset)
		token, _ := asset.TokenOn(c.chain)
		sum := p.asked[debt{token.Address, record.To}]
		sum.Sub(sum, &record.Amount)
	}
}

func (p *play) bridge(c *contract) ledger.Bridge {
	b, ok, err := p.view().Bridge(c.domain)
	if err != nil || !ok {
		p.t.Fatal(ok, err)
	}
	return b
}

func (p *play) seal() {
	c := p.contract()
	b := p.bridge(c)
	for id := b.LastExecuted + 1; id <= b.LastAction; id++ {
		r, _, err := p.view().Action(c.domain, id)
		if err != nil {
			p.t.Fatal(err)
		}
		if r.Status == ledger.ActionPending && p.pick("this one", 2) == 0 {
			m, err := p.sealMessage(c, id)
			if err != nil {
				p.t.Fatal(err)
			}
			p.must(p.send(p.processor, m))
		}
	}
}

// execute delivers the next action with the newest seal, or with one of an older revision.
func (p *play) execute() {
	c := p.contract()
	r, ok, err := p.view().Action(c.domain, c.nextAction)
	if err != nil {
		p.t.Fatal(err)
	}
	if !ok {
		return
	}
	action, seal := r.Action, r.Seal
	if r.Revision > 1 && p.pick("old revision", 2) == 0 {
		action.Body = transfersOf(p.world, c, &r)
		old := p.world.seal(action.Digest(c.domain, p.set.Epoch), false)
		seal = &old
	}
	if err := c.execute(action, seal); err != nil && seal != nil && !c.paused() && !errors.Is(err, errLimit) {
		p.t.Fatal(err)
	}
}

func (p *play) claim() {
	c := p.contract()
	_, token := p.tokenOf(c)
	_ = c.claim(token.Address, wallet(p.person("claimant"))) // there may be nothing to claim
}

func (p *play) refuse() {
	to := wallet(p.person("refuser"))
	c := p.contract()
	c.refuses[to] = !c.refuses[to]
}

func (p *play) pause() {
	if c := p.contract(); !c.paused() && p.pick("rarely", 3) == 0 {
		c.pause()
	} else if c.paused() {
		p.vote(c, bridgecontracts.Control{Sequence: p.bridge(c).PauseSequence + 1, Body: &bridgecontracts.Unpause{}})
	}
}

func (p *play) limit() {
	c := p.contract()
	_, token := p.tokenOf(c)
	body := &bridgecontracts.SetLimit{Token: token.Address, Window: 60 * uint64(p.pick("minutes", 3))}
	if body.Window != 0 {
		body.Capacity = *uint256.NewInt(rapid.Uint64Range(0, 300).Draw(p.t, "capacity"))
		if token.Decimals == 18 && c.chain == two {
			body.Capacity.Mul(&body.Capacity, uint256.NewInt(1_000_000_000_000))
		}
	}
	p.vote(c, bridgecontracts.Control{Sequence: p.bridge(c).LimitVersion + 1, Body: body})
}

// vote brings all votes and the seal of a control action, as far as the ledger takes them.
func (p *play) vote(c *contract, control bridgecontracts.Control) {
	digest := control.Digest(c.domain, p.set.Epoch)
	for _, member := range append(append([]*signing.KeySigner(nil), p.approvers...), p.listeners...) {
		refused := p.view().CheckVote(c.domain, &control, member.Address())
		_, err := p.send(member, &ledger.VoteControl{Domain: c.domain, Control: control, Signature: sign(member, digest)})
		if p.may(nil, err); (err == nil) != (refused == nil) {
			p.t.Fatalf("the vote's error is %v; asked before, the ledger said: %v", err, refused)
		}
	}
	p.may(p.send(p.processor, &ledger.SealControl{Domain: c.domain, Kind: control.Body.Kind(), Sequence: control.Sequence, Signature: sign(p.processor, digest)}))
}

func (p *play) deliverControls() {
	c := p.contract()
	open, err := p.view().OpenControls(c.domain)
	if err != nil {
		p.t.Fatal(err)
	}
	for i := range open {
		if open[i].Seal != nil {
			_ = c.control(open[i].Control, open[i].Seal) // it may have run already
		}
	}
}

func (p *play) wait() {
	seconds := rapid.Uint64Range(0, 100).Draw(p.t, "seconds")
	p.pass(seconds)
	for _, chain := range []string{one, two} {
		c := p.bridges[chain]
		now, err := p.view().WouldDrain(c.domain, p.time)
		if err != nil {
			p.t.Fatal(err)
		}
		if now {
			log := p.must(p.send(p.processor, &ledger.Tick{}))
			if len(log) == 0 {
				p.t.Fatal("a tick that was called for moved nothing")
			}
			for _, c := range p.bridges {
				p.returnedOn(c, log)
			}
		}
	}
}

func (p *play) returnedOn(c *contract, log ledger.Log) {
	var own ledger.Log
	for i := range log {
		if r, ok := log[i].Body.(*ledger.WithdrawalReturned); ok && r.Domain == c.domain {
			own = append(own, log[i])
		}
	}
	p.returned(c, own)
}

func (p *play) pass(seconds uint64) {
	p.time += 1000 * seconds
	for _, c := range p.bridges {
		c.now += seconds
	}
}

// check compares the two ways to ask what time would do.
func (p *play) check() {
	for _, chain := range []string{one, two} {
		c := p.bridges[chain]
		now, err := p.view().WouldDrain(c.domain, p.time)
		if err != nil {
			p.t.Fatal(err)
		}
		at, ever, err := p.view().NextDrainTime(c.domain)
		if err != nil {
			p.t.Fatal(err)
		}
		if now != (ever && at <= p.time) {
			p.t.Fatalf("on %s WouldDrain says %t, NextDrainTime %d, %t at %d", chain, now, at, ever, p.time)
		}
	}
}

// finish ends pauses and limits, covers every shortfall, delivers and attests everything.
func (p *play) finish() {
	for _, chain := range []string{one, two} {
		c := p.bridges[chain]
		p.attestAll(c)
		p.deliverAll(c)
		if c.paused() {
			p.vote(c, bridgecontracts.Control{Sequence: c.pauseSequence + 1, Body: &bridgecontracts.Unpause{}})
			p.deliverAll(c)
		}
		for _, asset := range p.ledger.Genesis().Assets {
			token, ok := asset.TokenOn(chain)
			if !ok {
				continue
			}
			for c.limits[token.Address] != nil {
				p.vote(c, bridgecontracts.Control{Sequence: c.limitVersion + 1, Body: &bridgecontracts.SetLimit{Token: token.Address}})
				p.deliverAll(c)
			}
			plenty := new(uint256.Int).Lsh(uint256.NewInt(1), 70)
			if err := c.deposit(wallet("the treasury's own"), token.Address, *plenty); err != nil {
				p.t.Fatal(err)
			}
		}
		for rounds := 0; ; rounds++ {
			p.attestAll(c)
			b := p.bridge(c)
			if b.LastAction == b.LastExecuted {
				break
			}
			if rounds > 1000 {
				p.t.Fatal("the queue does not come to its end")
			}
			p.sealAndExecute(c)
		}
		p.settled(c)
	}
}

func (p *play) attestAll(c *contract) {
	for len(c.pending()) > 0 {
		p.returned(c, p.must(p.attest(c)))
	}
}

// deliverAll delivers the sealed control actions and attests what they did.
func (p *play) deliverAll(c *contract) {
	open, err := p.view().OpenControls(c.domain)
	if err != nil {
		p.t.Fatal(err)
	}
	for i := range open {
		if open[i].Seal != nil {
			_ = c.control(open[i].Control, open[i].Seal) // it may have run already
		}
	}
	p.attestAll(c)
}

func (p *play) sealAndExecute(c *contract) {
	r, _, err := p.view().Action(c.domain, c.nextAction)
	if err != nil {
		p.t.Fatal(err)
	}
	if r.Status == ledger.ActionPending {
		m, err := p.sealMessage(c, c.nextAction)
		if err != nil {
			p.t.Fatal(err)
		}
		p.must(p.send(p.processor, m))
		r.Seal = &m.Seal
	}
	if err := c.execute(r.Action, r.Seal); err != nil {
		p.t.Fatal(err)
	}
}

// settled compares the ledger's books and promises with what the bridge did.
func (p *play) settled(c *contract) {
	b := p.bridge(c)
	for i := range b.Tokens {
		t := &b.Tokens[i]
		if !t.Held.Eq(amountAt(c.holds, t.Token)) {
			p.t.Fatalf("the books of %s say %s, the bridge holds %s", c.chain, t.Held.Dec(), c.holds[t.Token].Dec())
		}
		if t.QueueHead != t.QueueTail || !t.InFlight.IsZero() {
			p.t.Fatalf("something waits on %s although nothing is in its way: %+v", c.chain, t)
		}
		for _, name := range people {
			d := debt{t.Token, wallet(name)}
			got := new(uint256.Int).Add(amountAt(c.paid, d), amountAt(c.claimable, d))
			if !got.Eq(amountAt(p.asked, d)) {
				p.t.Fatalf("%s got %s of token %s on %s, and asked for %s", name, got.Dec(), t.Token, c.chain, p.asked[d].Dec())
			}
		}
	}
}

// TestSameBlocksSameState runs one history twice and compares every root and log.
func TestSameBlocksSameState(t *testing.T) {
	history := func() string {
		w, err := newWorld(testGenesis())
		if err != nil {
			t.Fatal(err)
		}
		var trace strings.Builder
		note := func(log ledger.Log, err error) {
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintln(&trace, log.Hash(), w.header.Hash(), w.state.Framework.Root(), w.state.App.Root())
		}
		note(w.send(w.processor, w.attachMessage(one, 1)))
		c := w.bridges[one]
		for i := range 40 {
			name := fmt.Sprintf("user %d", i%7)
			if err := c.deposit(wallet(name), wallet("usd 1"), *uint256.NewInt(1000), proof(c, wallet(name), named(name))); err != nil {
				t.Fatal(err)
			}
		}
		note(w.attest(c))
		for i := range 20 {
			name := fmt.Sprintf("user %d", i%7)
			note(w.send(named(name), &ledger.Withdraw{Chain: one, Asset: 1, To: wallet(name), Amount: *uint256.NewInt(100)}))
			note(w.send(named(name), &ledger.Transfer{To: named(fmt.Sprintf("user %d", i%5)).PublicKey(), Asset: 1, Amount: *uint256.NewInt(7)}))
		}
		return trace.String()
	}
	if first, second := history(), history(); first != second {
		t.Fatalf("one history, two outcomes:\n%s\n%s", first, second)
	}
}

// TestRejectionChangesNothing puts a message that works before one that does not.
func TestRejectionChangesNothing(t *testing.T) {
	w, err := newWorld(testGenesis())
	if err != nil {
		t.Fatal(err)
	}
	c := w.bridges[one]
	if _, err := w.send(w.processor, w.attachMessage(one, 1)); err != nil {
		t.Fatal(err)
	}
	if err := c.deposit(wallet("ann"), wallet("usd 1"), *uint256.NewInt(1000), proof(c, wallet("ann"), named("ann"))); err != nil {
		t.Fatal(err)
	}
	if _, err := w.attest(c); err != nil {
		t.Fatal(err)
	}
	before := []codec.Hash{w.state.Framework.Root(), w.state.App.Root()}
	good := &ledger.Transfer{To: named("new").PublicKey(), Asset: 1, Amount: *uint256.NewInt(1)}
	for name, bad := range map[string]ledger.MessageBody{
		"funds":     &ledger.Transfer{To: named("new").PublicKey(), Asset: 1, Amount: *uint256.NewInt(1000)},
		"recipient": &ledger.Transfer{Asset: 1, Amount: *uint256.NewInt(1)},
		"asset":     &ledger.Transfer{To: named("new").PublicKey(), Asset: 4, Amount: *uint256.NewInt(1)},
		"no asset":  &ledger.Transfer{To: named("new").PublicKey(), Amount: *uint256.NewInt(1)},
		"app":       &ledger.AppMessage{Data: []byte("?")},
		"seal":      &ledger.SealAction{Domain: c.domain, ActionID: 1, Revision: 1},
		"bridge":    &ledger.VoteControl{Control: bridgecontracts.Control{Body: &bridgecontracts.Unpause{}}},
		"pause":     &ledger.VoteControl{Domain: c.domain, Control: bridgecontracts.Control{Sequence: 1, Body: &bridgecontracts.Pause{}}},
		"rotate":    &ledger.VoteControl{Domain: c.domain, Control: bridgecontracts.Control{Sequence: 2, Body: &bridgecontracts.Rotate{Set: w.set}}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := w.send(named("ann"), good, bad)
			var rejection *ledger.Rejection
			if !errors.As(err, &rejection) || !strings.HasPrefix(rejection.Reason, "message 1: ") {
				t.Fatalf("got %v, want a rejection that names message 1", err)
			}
			if after := []codec.Hash{w.state.Framework.Root(), w.state.App.Root()}; after[0] != before[0] || after[1] != before[1] {
				t.Fatal("the state changed")
			}
		})
	}
	if _, err := w.send(named("ann"), good); err != nil {
		t.Fatalf("the nonce of a rejected transaction was used up: %v", err)
	}
}
