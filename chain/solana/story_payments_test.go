package solana

import (
	"fmt"
	"strings"

	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/bridgecontracts"
	contract "github.com/trinebridge/trine/bridgecontracts/solana"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/internal/solanatest"
)

// payment is one transfer of a batch and what must come of it.
type payment struct {
	token   *solanatest.Token // nil: SOL
	to      contract.Key
	amount  uint64
	arrives uint64 // of a token with fees less than amount
	owed    bool
}

// paid is a transfer that must arrive.
func paid(token *solanatest.Token, to contract.Key, amount uint64) payment {
	return payment{token: token, to: to, amount: amount, arrives: amount}
}

// owed is a transfer that must become claimable.
func owed(token *solanatest.Token, to contract.Key, amount uint64) payment {
	return payment{token: token, to: to, amount: amount, owed: true}
}

func (p *payment) word() codec.Hash {
	if p.token == nil {
		return contract.Native
	}
	return codec.Hash(p.token.Mint)
}

// balances are what the chain says about one payment.
type balances struct{ recipient, claim, bridge uint64 }

func (s *scene) balances(p *payment) (b balances) {
	s.t.Helper()
	b.bridge = s.held(p.word())
	if p.token == nil {
		b.recipient = s.lamports(p.to)
	} else if a := s.account(p.token.Account(p.to)); a != nil {
		held, err := decodeTokenAccount(a)
		s.ok(err)
		b.recipient = held.amount // whoever owns the account
	}
	b.claim = s.claimable(p.word(), p.to)
	return b
}

// claimable is what the bridge owes to somebody.
func (s *scene) claimable(token codec.Hash, to contract.Key) uint64 {
	s.t.Helper()
	key, err := s.program.Claim(contract.Key(token), to)
	s.ok(err)
	a := s.account(key)
	if a == nil {
		return 0
	}
	claim, err := contract.DecodeClaim(a.Data)
	s.ok(err)
	if a.Owner != s.program.ID || claim.Token != contract.Key(token) || claim.Recipient != to {
		s.t.Fatalf("claim account %s of %s holds %+v", key, a.Owner, claim)
	}
	return claim.Amount
}

// transfers makes the next action of payments.
func (s *scene) transfers(list ...payment) *chain.Delivery {
	body := &bridgecontracts.Transfers{}
	for i := range list {
		body.Transfers = append(body.Transfers, bridgecontracts.Transfer{Token: list[i].word(), To: codec.Hash(list[i].to), Amount: *uint256.NewInt(list[i].amount)})
	}
	return s.members.Action(s.domain(), s.next, body)
}

// pay has the next action pay a batch, by a sink that knows nothing of what is to be expected, and holds balances and
// the record of the bridge against that.
func (s *scene) pay(list ...payment) chain.Attempt {
	s.t.Helper()
	d := s.transfers(list...)
	check := s.expect(list...)
	a := s.deliver(s.sink, d)
	s.executed(d, a.ID, list...)
	check()
	return a
}

// expect reads balances, and returns the check that is to be made after the payments.
func (s *scene) expect(list ...payment) (check func()) {
	s.t.Helper()
	before, out := make([]balances, len(list)), map[codec.Hash]uint64{}
	for i := range list {
		before[i] = s.balances(&list[i])
		if !list[i].owed {
			out[list[i].word()] += list[i].amount
		}
	}
	return func() {
		s.t.Helper()
		for i := range list {
			p, want := &list[i], before[i]
			want.bridge -= out[p.word()]
			if p.owed {
				want.claim += p.amount
			} else {
				want.recipient += p.arrives
			}
			if got := s.balances(p); got != want {
				s.t.Errorf("transfer %d of %d units of %s to %s: %+v, want %+v", i, p.amount, contract.Key(p.word()), p.to, got, want)
			}
		}
	}
}

// executed checks that a transaction recorded the next action, and which of its transfers failed.
func (s *scene) executed(d *chain.Delivery, tx string, list ...payment) {
	s.t.Helper()
	events := s.events(tx)
	if len(events) != 1 {
		s.t.Fatalf("action %d recorded %d events", d.Action.ID, len(events))
	}
	e, ok := events[0].Body.(*bridgecontracts.ActionExecuted)
	if !ok || e.ActionID != s.next || e.Digest != d.Action.Digest(s.domain(), d.Set.Epoch) {
		s.t.Fatalf("action %d recorded %+v", d.Action.ID, events[0].Body)
	}
	for i := range list {
		if e.FailedAt(i) != list[i].owed {
			s.t.Errorf("transfer %d is recorded as failed: %v, want %v", i, e.FailedAt(i), list[i].owed)
		}
	}
	s.next++
	if got := s.state().Now.NextAction; got != s.next {
		s.t.Fatalf("the bridge takes action %d next, want %d", got, s.next)
	}
}

// claims has somebody push what is owed to where it goes, and checks that all of it arrives and the debt is gone.
func (s *scene) claims(by *Wallet, p payment, to contract.Key) {
	s.t.Helper()
	destination := p
	destination.to = to
	debt, before := s.claimable(p.word(), p.to), s.balances(&destination)
	if debt == 0 {
		s.t.Fatalf("nothing is owed to %s", p.to)
	}
	r, err := by.Claim(s.t.Context(), p.word(), codec.Hash(p.to), codec.Hash(to))
	s.ok(err)
	after := s.balances(&destination)
	if after.recipient != before.recipient+debt || after.bridge != before.bridge-debt || s.claimable(p.word(), p.to) != 0 {
		s.t.Errorf("claimed %d for %s: from %+v to %+v, %d is still owed", debt, p.to, before, after, s.claimable(p.word(), p.to))
	}
	events := s.events(r.Tx)
	if len(events) != 1 {
		s.t.Fatalf("a claim recorded %d events", len(events))
	}
	if e, ok := events[0].Body.(*bridgecontracts.Claimed); !ok || e.Token != p.word() || e.Recipient != codec.Hash(p.to) || e.Amount.Uint64() != debt {
		s.t.Errorf("the claim is recorded as %+v", events[0].Body)
	}
}

// claimFails has somebody try to claim what cannot be paid that way: the wallet says so, and the chain refuses it, for
// a reason, when it is not asked before. Nothing changes.
func (s *scene) claimFails(by *Wallet, p payment, to contract.Key, why string) {
	s.t.Helper()
	before := s.balances(&p)
	if _, err := by.Claim(s.t.Context(), p.word(), codec.Hash(p.to), codec.Hash(to)); err == nil {
		s.t.Errorf("the claim of %s to %s was paid", p.to, to)
	}
	if failed := s.land(by.sender.key, s.claimOf(by, p, to)).st.failed(); failed == nil || !strings.Contains(failed.Error(), why) {
		s.t.Errorf("the claim of %s to %s is answered by %v, want %s", p.to, to, failed, why)
	}
	if after := s.balances(&p); after != before {
		s.t.Errorf("a claim that failed went from %+v to %+v", before, after)
	}
}

// claimOf is the instruction by which somebody claims, whatever the chain will say.
func (s *scene) claimOf(by *Wallet, p payment, to contract.Key) contract.Instruction {
	s.t.Helper()
	key, err := s.program.Claim(contract.Key(p.word()), p.to)
	s.ok(err)
	owed := &contract.Claim{Token: contract.Key(p.word()), Recipient: p.to, Payer: by.sender.payer} // when nothing is
	where := contract.ClaimTo{Actor: by.sender.payer, To: to, Page: s.state().Page}
	if a := s.account(key); a != nil {
		owed, err = contract.DecodeClaim(a.Data)
		s.ok(err)
	}
	if p.token == nil {
		claim, err := s.program.ClaimSol(where, owed)
		s.ok(err)
		return claim
	}
	vault, _, err := contract.TokenAccount(s.program.State, p.token.Program, p.token.Mint)
	s.ok(err)
	claim, err := s.program.ClaimToken(where, owed, &contract.Token{Ready: true, Mint: p.token.Mint, Program: p.token.Program, Vault: vault})
	s.ok(err)
	return claim
}

// goesOn pays somebody who gives no trouble, SOL and with a token that too.
func (s *scene) goesOn(tokens ...*solanatest.Token) {
	s.t.Helper()
	_, to := s.person(0)
	list := []payment{paid(nil, to, 2_000_000)}
	for _, k := range tokens {
		list = append(list, paid(k, to, 7))
	}
	s.pay(list...)
}

func (b balances) String() string {
	return fmt.Sprintf("recipient %d, claim %d, bridge %d", b.recipient, b.claim, b.bridge)
}
