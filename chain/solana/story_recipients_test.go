package solana

import (
	"testing"

	sol "github.com/gagliardetto/solana-go"

	contract "github.com/trinebridge/trine/bridgecontracts/solana"
	"github.com/trinebridge/trine/internal/solanatest"
)

// giveAway makes a token account somebody else's (the token program's SetAuthority of an account's owner).
func giveAway(s *scene, k *solanatest.Token, from sol.PrivateKey, to contract.Key) {
	s.t.Helper()
	account := k.Account(from.PublicKey())
	s.chain.Send(s.t, []sol.PrivateKey{from}, sol.NewInstruction(k.Program, sol.AccountMetaSlice{sol.Meta(account).WRITE(), sol.Meta(from.PublicKey()).SIGNER()},
		append([]byte{6, 2, 1}, to[:]...)))
}

// Whatever a recipient has done to its token account, the batch goes through, the others are paid, and what
// could not be paid is there for the recipient.
func TestStoryTokenAccountsClosedFrozenAndGivenAway(t *testing.T) {
	s := newScene(t, 3, 3)
	k := s.token(solanatest.Mint{Decimals: 6})
	stranger := s.hand(s.key("rival"))

	_, healthy := s.person(0)
	k.Open(t, healthy)
	closed, closedKey := s.person(0)
	k.Open(t, closedKey)
	k.Shut(t, closed)
	_, frozen := s.person(0)
	k.Open(t, frozen)
	k.Freeze(t, frozen)
	giver, giverKey := s.person(coins)
	_, thief := s.person(0)
	k.Open(t, giverKey)
	giveAway(s, k, giver, thief)

	list := []payment{paid(k, healthy, 1_000), paid(k, closedKey, 2_000), owed(k, frozen, 3_000), owed(k, giverKey, 4_000)}
	s.pay(list...)
	if a := s.account(k.Account(closedKey)); a == nil || a.Lamports < rentMinimum(tokenAccountSize) {
		t.Errorf("the closed account was not made anew: %+v", a)
	}
	s.pay(owed(k, frozen, 30), owed(k, giverKey, 40), paid(k, closedKey, 50)) // debts add up

	// Nobody can claim into a frozen account; once it is thawed, anybody can.
	s.claimFails(stranger, list[2], frozen, "custom error 17 of a program") // AccountFrozen
	k.Thaw(t, frozen)
	s.claims(stranger, list[2], frozen)

	// A stranger cannot be sent to the account that somebody else has now; the recipient says where it wants it.
	s.claimFails(stranger, list[3], giverKey, "NotRecipient")
	s.claimFails(stranger, list[3], thief, "NotRecipient")
	_, elsewhere := s.person(0)
	s.claims(s.hand(payerOf(giver)), list[3], elsewhere)
	s.goesOn(k)
}

// SOL that would leave an account below the rent minimum waits until it is enough; SOL for a program waits for ever.
func TestStoryRecipientsOfSOL(t *testing.T) {
	s := newScene(t, 3, 3)
	stranger := s.hand(s.key("rival"))
	rent := rentMinimum(0)

	_, poor := s.person(0)
	_, enough := s.person(0)
	_, there := s.person(rent)
	list := []payment{owed(nil, poor, rent/2), paid(nil, enough, rent), paid(nil, there, 1), owed(nil, sol.SysVarClockPubkey, rent)}
	s.pay(list...)
	s.pay(owed(nil, s.program.ID, rent), owed(nil, sol.TokenProgramID, rent), owed(nil, sol.SystemProgramID, rent), paid(nil, enough, 1))
	s.claimFails(stranger, list[0], poor, "InsufficientFundsForRent") // still below the minimum
	s.pay(owed(nil, poor, rent-rent/2-1))
	s.claimFails(stranger, list[0], poor, "InsufficientFundsForRent") // one lamport is missing
	s.pay(owed(nil, poor, 1))
	s.claims(stranger, list[0], poor)
	if got := s.lamports(poor); got != rent {
		t.Errorf("the poor recipient has %d lamports, want %d", got, rent)
	}
	s.claimFails(stranger, list[3], sol.SysVarClockPubkey, "NotWritable")
	s.claimFails(stranger, list[0], poor, "NothingToClaim")
	s.goesOn()
}

// The program makes a missing token account for anybody but the recipient, who may claim to any account: when it claims to
// itself, the wallet makes its account in the same transaction.
func TestStoryRecipientClaimsToItself(t *testing.T) {
	s := newScene(t, 3, 3)
	k := s.token(solanatest.Mint{Decimals: 6, Pausable: true})
	recipient, key := s.person(coins)
	k.Pause(t)
	list := []payment{owed(k, key, 1_000)}
	s.pay(list...)
	k.Resume(t)
	if a := s.account(k.Account(key)); a != nil {
		t.Fatalf("the recipient has a token account already: %+v", a)
	}
	hand := s.hand(payerOf(recipient))
	if failed := s.land(hand.sender.key, s.claimOf(hand, list[0], key)).st.failed(); failed == nil {
		t.Error("the claim alone was paid into an account that nobody has made")
	}
	s.claims(hand, list[0], key)
	held, err := decodeTokenAccount(s.account(k.Account(key)))
	s.ok(err)
	if held.owner != key || held.amount != 1_000 {
		t.Errorf("its token account holds %+v", held)
	}
	s.goesOn(k)
}
