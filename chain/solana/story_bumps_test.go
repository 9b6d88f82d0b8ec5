package solana

import (
	"testing"

	sol "github.com/gagliardetto/solana-go"

	contract "github.com/trinebridge/trine/bridgecontracts/solana"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/internal/solanatest"
)

// farBump is what a recipient finds in a second: the addresses above it have a key, so none of them can be an account's. Each
// step further takes twice as long, and the runtime's search costs a step's units more.
const farBump = 255 - 12

// seek makes up addresses until one is as it should be.
func seek(t *testing.T, seed string, is func(contract.Key) bool) contract.Key {
	t.Helper()
	for i := uint64(0); t.Context().Err() == nil; i++ {
		if k := contract.Key(codec.HashWords(codec.Keccak([]byte(t.Name()+seed)), codec.Uint64Word(i))); is(k) {
			return k
		}
	}
	t.Fatal("no address was found")
	return contract.Key{}
}

// Recipients look for addresses whose accounts are dear to make. The seal of thirteen is posted, so neither the accounts
// that are made nor the delivery can be tried before: what they are granted must be enough.
func TestStoryRecipientsWithFarBumps(t *testing.T) {
	s := newScene(t, 19, 3)
	k := s.token(solanatest.Mint{Decimals: 6, Token2022: true})
	bump := func(owner contract.Key) uint8 {
		_, bump, err := contract.TokenAccount(owner, k.Program, k.Mint)
		s.ok(err)
		return bump
	}
	cost := func(owner contract.Key) uint64 {
		create, err := createTokenAccount(keyOf(s.key("payer")), owner, k.Program, k.Mint)
		s.ok(err)
		trial, err := s.node.simulate(t.Context(), &message{instructions: []contract.Instruction{create}}, keyOf(s.key("payer")), confirmed)
		s.ok(err)
		if trial.failed != nil {
			t.Fatal(trial.failed)
		}
		return trial.units
	}
	far := seek(t, "far", func(k contract.Key) bool { return bump(k) <= farBump })
	near := seek(t, "near", func(k contract.Key) bool { return bump(k) == 255 })

	// Sixty steps are more than anybody can look for, and the account is still made within what it is granted.
	step := (cost(far) - cost(near)) / uint64(255-bump(far))
	if most := cost(near) + 60*step; step < 1_000 || most > unitsAccount {
		t.Errorf("an account takes %d units and %d for each step: up to %d, and is granted %d", cost(near), step, most, unitsAccount)
	}

	// The delivery makes one account, and a claim's.
	debtor := seek(t, "debtor", func(to contract.Key) bool {
		_, bump, err := sol.FindProgramAddress([][]byte{[]byte("claim"), contract.Native[:], to[:]}, s.program.ID)
		s.ok(err)
		return bump <= farBump
	})
	s.pay(paid(k, far, 1_000), owed(nil, debtor, 1))

	// More than one delivery can make, so they are made before it.
	var list []payment
	for i := range 11 {
		list = append(list, paid(k, seek(t, string(rune('a'+i)), func(k contract.Key) bool { return bump(k) <= 250 }), 10))
	}
	s.pay(list...)
	s.goesOn(k)
}
