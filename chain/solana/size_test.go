package solana

import (
	"testing"

	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/bridgecontracts"
	contract "github.com/trinebridge/trine/bridgecontracts/solana"
	"github.com/trinebridge/trine/chain/chaintest"
	"github.com/trinebridge/trine/codec"
)

// shape is a batch whose transfers are all alike, under a seal of three approvers of five.
type shape struct {
	// distinct: every transfer has its own token, else all have one; SOL: all are of SOL.
	distinct, sol bool
	how           contract.Payment
	// where seal and body are.
	signaturesPosted, bodyPosted bool
}

// largest returns how many transfers of a shape fit one transaction.
func (s shape) largest(t *testing.T) int {
	t.Helper()
	p, err := contract.NewProgram(contract.Key{7})
	if err != nil {
		t.Fatal(err)
	}
	members := chaintest.NewMembers("size", 1, 5, 1)
	members.Set.ApproverQuorum = 3
	payer := contract.Key{8}
	for n := 1; ; n++ {
		body, tokens, payments := &bridgecontracts.Transfers{}, map[contract.Key]*contract.Token{}, []contract.Payment(nil)
		for i := range n {
			token := codec.Hash{1}
			switch {
			case s.sol:
				token = contract.Native
			case s.distinct:
				token[1] = byte(i)
			}
			body.Transfers = append(body.Transfers, bridgecontracts.Transfer{Token: token, To: codec.Hash{2, byte(i)}, Amount: *uint256.NewInt(1)})
			tokens[contract.Key(token)] = &contract.Token{
				Ready: true, Mint: contract.Key(token), Program: []contract.Key{contract.TokenProgram, contract.Token2022Program}[i%2], Vault: contract.Key{3, byte(i)},
				Limit: contract.Bucket{Minutes: 1},
			}
			payments = append(payments, s.how)
		}
		c, err := p.Transfers(1, body, tokens, payments)
		if err != nil {
			return n - 1 // the program's own bound
		}
		d := members.Action(codec.Hash{1}, 1, body)
		seal, err := contract.SealAction(codec.Hash{1}, d.Action, &d.Seal, &d.Set)
		if err != nil {
			t.Fatal(err)
		}
		m := &message{units: maxUnits, instructions: []contract.Instruction{p.Sealed(c, seal, contract.Where{
			Actor: payer, Page: contract.Key{4}, Buffer: contract.Key{5}, Poster: payer, SignaturesPosted: s.signaturesPosted, BodyPosted: s.bodyPosted,
		})}}
		fits, err := m.fits(payer)
		if err != nil {
			t.Fatal(err)
		}
		if !fits {
			return n - 1
		}
	}
}

// The largest batches, which README.md lists. Batch is the worst of them.
func TestLargestBatches(t *testing.T) {
	create := contract.Payment{Create: true}
	for _, c := range []struct {
		name string
		s    shape
		want int
	}{
		{"SOL, 3 of 5 inline", shape{sol: true}, 15},
		{"one token, accounts there, 3 of 5 inline", shape{}, 7},
		{"one token, accounts made, 3 of 5 inline", shape{how: create}, 6},
		{"SOL, all posted", shape{sol: true, signaturesPosted: true, bodyPosted: true}, 27},
		{"one token, accounts there, all posted", shape{signaturesPosted: true, bodyPosted: true}, 23},
		{"one token, accounts made, all posted", shape{how: create, signaturesPosted: true, bodyPosted: true}, 10},
		{"as many tokens as transfers, all fail, all posted", shape{distinct: true, how: contract.Payment{Claim: true}, signaturesPosted: true, bodyPosted: true}, int(Adapter.Batch)},
	} {
		if got := c.s.largest(t); got != c.want {
			t.Errorf("%s: %d transfers fit, want %d", c.name, got, c.want)
		}
	}
}
