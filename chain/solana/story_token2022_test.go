package solana

import (
	"testing"

	contract "github.com/trinebridge/trine/bridgecontracts/solana"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/internal/rpctest"
	"github.com/trinebridge/trine/internal/solanatest"
)

// What Token-2022 refuses for reasons that no account of the classic layout shows is found by trying: the sink marks
// exactly those transfers, and the rest of the batch is paid.
func TestStoryTokenAccountThatRequiresAMemo(t *testing.T) {
	s := newScene(t, 3, 3)
	k := s.token(solanatest.Mint{Decimals: 6, Token2022: true})
	stranger := s.hand(s.key("rival"))

	_, healthy := s.person(0)
	strict, strictKey := s.person(0)
	k.Open(t, strictKey)
	k.RequireMemo(t, strict, true)
	_, sun := s.person(0)
	list := []payment{paid(k, healthy, 1_000), owed(k, strictKey, 2_000), paid(nil, sun, 3_000_000)}
	s.pay(list...)
	s.claimFails(stranger, list[1], strictKey, "custom error 36 of a program") // NoMemo
	k.RequireMemo(t, strict, false)
	s.claims(stranger, list[1], strictKey)
	s.pay(paid(k, strictKey, 5)) // and from now on it is paid again
	s.goesOn(k)
}

func TestStoryPausedMint(t *testing.T) {
	s := newScene(t, 3, 3)
	k := s.token(solanatest.Mint{Decimals: 6, Pausable: true})
	stranger := s.hand(s.key("rival"))

	_, first := s.person(0)
	_, second := s.person(0)
	k.Open(t, first)
	_, sun := s.person(0)
	k.Pause(t)
	list := []payment{owed(k, first, 1_000), owed(k, second, 2_000), paid(nil, sun, 3_000_000)}
	s.pay(list...)
	s.claimFails(stranger, list[0], first, "custom error 67 of a program") // MintPaused
	s.goesOn()
	k.Resume(t)
	s.claims(stranger, list[0], first)
	s.claims(stranger, list[1], second)
	s.goesOn(k)
}

// Two transfers of one batch are refused for two different reasons.
func TestStoryTwoReasonsInOneBatch(t *testing.T) {
	s := newScene(t, 3, 3)
	strictToken, pausedToken := s.token(solanatest.Mint{Token2022: true}), s.token(solanatest.Mint{Pausable: true})
	stranger := s.hand(s.key("rival"))

	strict, strictKey := s.person(0)
	strictToken.Open(t, strictKey)
	strictToken.RequireMemo(t, strict, true)
	_, healthy := s.person(0)
	pausedToken.Open(t, healthy)
	pausedToken.Pause(t)
	list := []payment{owed(strictToken, strictKey, 10), owed(pausedToken, healthy, 20), paid(strictToken, healthy, 30)}
	s.pay(list...)
	pausedToken.Resume(t)
	s.claims(stranger, list[1], healthy)
	strictToken.RequireMemo(t, strict, false)
	s.claims(stranger, list[0], strictKey)
	s.goesOn(strictToken, pausedToken)
}

// What the accounts themselves do not say: a proxy leaves out of them what Token-2022 keeps behind the classic layout, as of
// an extension that nobody here has heard of. Two transfers are refused for two reasons, in a batch that can be tried and in one
// that is posted first; each time exactly they are marked.
func TestStoryTwoReasonsThatNobodySees(t *testing.T) {
	s := newScene(t, 3, 3)
	strictToken, pausedToken := s.token(solanatest.Mint{Token2022: true}), s.token(solanatest.Mint{Pausable: true})
	stranger := s.hand(s.key("rival"))
	strict, strictKey := s.person(0)
	strictToken.Open(t, strictKey)
	strictToken.RequireMemo(t, strict, true)
	_, healthy := s.person(0)
	pausedToken.Pause(t)

	blind := rpctest.Start(t, s.endpoint())
	blind.Handle(swapped(map[contract.Key]func([]byte) []byte{
		strictToken.Account(strictKey): cutTo(tokenAccountSize), pausedToken.Mint: cutTo(mintSize),
	}))
	s.sink = s.openedAt(blind.URL(), "payer")
	list := []payment{owed(strictToken, strictKey, 10), owed(pausedToken, healthy, 20), paid(strictToken, healthy, 30)}
	s.pay(list...)

	posted := append([]payment(nil), list...)
	for range 2 {
		other := s.token(solanatest.Mint{})
		_, frozen := s.person(0)
		other.Open(t, frozen)
		other.Freeze(t, frozen)
		posted = append(posted, owed(other, frozen, 20))
	}
	s.pay(posted...)

	pausedToken.Resume(t)
	s.claims(stranger, list[1], healthy)
	strictToken.RequireMemo(t, strict, false)
	s.claims(stranger, list[0], strictKey)
	s.goesOn(strictToken, pausedToken)
}

// cutTo leaves of an account's data so much.
func cutTo(size int) func([]byte) []byte {
	return func(data []byte) []byte { return data[:min(size, len(data))] }
}

// Worse: a transfer is refused, the accounts do not say why, and tried by itself it works (a proxy says so). The batch goes on
// all the same: what may be marked is, and nobody loses anything by that.
func TestStoryReasonThatNoTrialShows(t *testing.T) {
	s := newScene(t, 3, 3)
	k := s.token(solanatest.Mint{Token2022: true})
	stranger := s.hand(s.key("rival"))
	strict, strictKey := s.person(0)
	k.Open(t, strictKey)
	k.RequireMemo(t, strict, true)
	_, healthy := s.person(0)
	_, sun := s.person(0)

	blind := rpctest.Start(t, s.endpoint())
	accounts := swapped(map[contract.Key]func([]byte) []byte{k.Account(strictKey): cutTo(tokenAccountSize)})
	blind.Handle(func(x *rpctest.Exchange) {
		if x.Method == "simulateTransaction" {
			if raw, err := rawOf(x); err == nil && raw[0] == 2 { // for the signatures of the payer and the bridge
				x.Raw(`{"context":{"slot":1},"value":{"err":null,"unitsConsumed":1}}`)
				return
			}
		}
		accounts(x)
	})
	s.sink = s.openedAt(blind.URL(), "payer")
	list := []payment{owed(k, strictKey, 10), owed(k, healthy, 20), paid(nil, sun, 3_000_000)}
	s.pay(list...)
	k.RequireMemo(t, strict, false)
	s.claims(stranger, list[0], strictKey)
	s.claims(stranger, list[1], healthy)
	s.goesOn(k)
}

// The largest batch there is: every transfer has a token of its own and fails. It is posted in parts, so that it
// cannot be tried as a whole; its marks are found all the same.
func TestStoryMemoInABatchThatIsPosted(t *testing.T) {
	s := newScene(t, 3, 3)
	stranger := s.hand(s.key("rival"))
	strict, strictKey := s.person(0)
	k := s.token(solanatest.Mint{Token2022: true})
	k.Open(t, strictKey)
	k.RequireMemo(t, strict, true)
	list := []payment{owed(k, strictKey, 10)}
	for range Adapter.Batch - 1 {
		other := s.token(solanatest.Mint{})
		_, frozen := s.person(0)
		other.Open(t, frozen)
		other.Freeze(t, frozen)
		list = append(list, owed(other, frozen, 20))
	}
	s.pay(list...)
	k.RequireMemo(t, strict, false)
	s.claims(stranger, list[0], strictKey)
	list[1].token.Thaw(t, list[1].to)
	s.claims(stranger, list[1], list[1].to)
	s.goesOn(k)
}

// What counts of a token with fees is what arrives: in the vault for a deposit, at the recipient for a withdrawal.
func TestStoryTokenWithTransferFees(t *testing.T) {
	s := newScene(t, 3, 3)
	k := s.chain.CreateToken(t, solanatest.Mint{Decimals: 6, Fee: &solanatest.TransferFee{BasisPoints: 100, Maximum: 500}})
	user := keyOf(s.key("user"))
	k.MintTo(t, user, 2_000_000)
	for _, c := range []struct{ amount, credited uint64 }{{10_000, 9_900}, {1_000_000, 999_500}} {
		if d := s.deposit(codec.Hash(k.Mint), c.amount); d.Amount.Uint64() != c.credited {
			t.Errorf("a deposit of %d is credited as %s, want %d", c.amount, &d.Amount, c.credited)
		}
	}
	_, to := s.person(0)
	p := paid(k, to, 1_000)
	p.arrives = 990
	s.pay(p)
	s.goesOn()
}
