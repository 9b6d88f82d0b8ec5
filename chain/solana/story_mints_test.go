package solana

import (
	"strings"
	"testing"

	sol "github.com/gagliardetto/solana-go"
	"github.com/holiman/uint256"

	contract "github.com/trinebridge/trine/bridgecontracts/solana"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/internal/solanatest"
)

// A mint by which balances could change behind the bridge's back is refused by name, and is owed at most.
func TestStoryMintsThatAreRefused(t *testing.T) {
	s := newScene(t, 3, 3)
	user := s.key("user")
	wallet := s.hand(user)
	for _, c := range []struct {
		name string
		mint solanatest.Mint
		want contract.Fault
	}{
		{"a hook", solanatest.Mint{Hook: sol.MemoProgramID}, contract.FaultMintHasTransferHook},
		{"a permanent delegate", solanatest.Mint{PermanentDelegate: true}, contract.FaultMintHasPermanentDelegate},
		{"accounts that begin frozen", solanatest.Mint{DefaultFrozen: true}, contract.FaultMintHasDefaultState},
		{"a hook behind a fee", solanatest.Mint{Fee: &solanatest.TransferFee{BasisPoints: 1, Maximum: 9}, Hook: sol.MemoProgramID}, contract.FaultMintHasTransferHook},
	} {
		k := s.chain.CreateToken(t, c.mint)
		if k.Open(t, keyOf(user)); !c.mint.DefaultFrozen {
			k.MintTo(t, keyOf(user), 5)
		}
		init, err := s.program.InitToken(keyOf(user), k.Mint, k.Program)
		s.ok(err)
		s.refused(user, c.want, init)
		if _, err := wallet.Deposit(t.Context(), codec.Hash(k.Mint), *uint256.NewInt(5), nil); err == nil || !c.mint.DefaultFrozen && !strings.Contains(err.Error(), c.want.String()) {
			t.Errorf("%s: a deposit is answered by %v", c.name, err)
		}
		config, err := s.program.TokenConfig(k.Mint)
		s.ok(err)
		if s.account(config) != nil || s.held(codec.Hash(k.Mint)) != 0 {
			t.Errorf("%s: the bridge knows the token", c.name)
		}
		// Should governance promise it all the same, nobody waits for that.
		_, to := s.person(0)
		_, sun := s.person(0)
		s.pay(owed(k, to, 5), paid(nil, sun, 2_000_000))
	}
}

// Wrapped SOL is none of the bridge's tokens: its mint is the word of SOL itself.
func TestStoryNativeMintIsRefused(t *testing.T) {
	s := newScene(t, 3, 3)
	user := s.key("user")
	native := contract.Key(contract.Native)
	init, err := s.program.InitToken(keyOf(user), native, contract.TokenProgram)
	s.ok(err)
	s.refused(user, contract.FaultNativeMint, init)

	// Whoever deposits "the token" of that word deposits SOL; a payment of it is one of SOL, not of wrapped SOL.
	if d := s.deposit(contract.Native, 5_000); d.Amount.Uint64() != 5_000 {
		t.Errorf("deposited %s", &d.Amount)
	}
	_, to := s.person(0)
	s.pay(paid(nil, to, 2_000_000))
	wrapped, _, err := contract.TokenAccount(to, contract.TokenProgram, native)
	s.ok(err)
	if s.account(wrapped) != nil {
		t.Error("the payment made an account of wrapped SOL")
	}
	s.goesOn()
}
