package ethereum

import (
	"errors"
	"strings"
	"testing"

	"github.com/holiman/uint256"
	"pgregory.net/rapid"

	"github.com/trinebridge/trine/chain"
)

func wei(n uint64) uint256.Int { return *uint256.NewInt(n) }

func TestBid(t *testing.T) {
	old := &chain.Attempt{FeePerGas: wei(1000), Tip: wei(80)}
	for _, c := range []struct {
		name     string
		price    price
		replaces *chain.Attempt
		caps     chain.Caps
		fee, tip uint64
		fault    string
	}{
		{"room for six full blocks", price{wei(100), wei(7)}, nil, chain.Caps{MaxFeePerGas: wei(1000), MaxTip: wei(50)}, 207, 7, ""},
		{"as much as the cap leaves", price{wei(100), wei(7)}, nil, chain.Caps{MaxFeePerGas: wei(150), MaxTip: wei(50)}, 150, 7, ""},
		{"no more tip than the cap", price{wei(100), wei(70)}, nil, chain.Caps{MaxFeePerGas: wei(1000), MaxTip: wei(50)}, 250, 50, ""},
		{"the base fee alone is above the cap", price{wei(151), wei(7)}, nil, chain.Caps{MaxFeePerGas: wei(150), MaxTip: wei(50)}, 0, 0, "151 wei per gas, the cap MaxFeePerGas 150"},
		{"no caps, no fees", price{wei(1), wei(1)}, nil, chain.Caps{}, 0, 0, "MaxFeePerGas 0"},
		{"a replacement when the price stands", price{wei(100), wei(7)}, old, chain.Caps{MaxFeePerGas: wei(2000), MaxTip: wei(100)}, 1126, 91, ""},
		{"a replacement when the price rose", price{wei(900), wei(95)}, old, chain.Caps{MaxFeePerGas: wei(2000), MaxTip: wei(100)}, 1895, 95, ""},
		{"a replacement above the fee cap", price{wei(100), wei(7)}, old, chain.Caps{MaxFeePerGas: wei(1125), MaxTip: wei(100)}, 0, 0, "must offer 1126 wei per gas with a tip of 91"},
		{"a replacement above the tip cap", price{wei(100), wei(7)}, old, chain.Caps{MaxFeePerGas: wei(2000), MaxTip: wei(90)}, 0, 0, "MaxTip 90"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, err := bidFor(c.price, c.replaces, c.caps)
			if c.fault != "" {
				if !errors.Is(err, chain.ErrFeeCap) || chain.VerdictOf(err) != chain.Retry || !strings.Contains(err.Error(), c.fault) {
					t.Fatalf("error %v, want ErrFeeCap with retry and %q", err, c.fault)
				}
				return
			}
			if err != nil || !b.fee.Eq(uint256.NewInt(c.fee)) || !b.tip.Eq(uint256.NewInt(c.tip)) {
				t.Fatalf("bid is %s with tip %s, %v; want %d with %d", &b.fee, &b.tip, err, c.fee, c.tip)
			}
		})
	}
}

func TestBidKeepsItsRules(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		amount := rapid.Custom(func(t *rapid.T) uint256.Int {
			return *new(uint256.Int).Lsh(uint256.NewInt(rapid.Uint64().Draw(t, "n")), rapid.UintRange(0, 200).Draw(t, "shift"))
		})
		p := price{amount.Draw(t, "base"), amount.Draw(t, "tip")}
		caps := chain.Caps{MaxFeePerGas: amount.Draw(t, "fee cap"), MaxTip: amount.Draw(t, "tip cap")}
		var old *chain.Attempt
		if rapid.Bool().Draw(t, "replaces") {
			old = &chain.Attempt{FeePerGas: amount.Draw(t, "old fee"), Tip: amount.Draw(t, "old tip")}
		}
		b, err := bidFor(p, old, caps)
		if err != nil {
			if !errors.Is(err, chain.ErrFeeCap) {
				t.Fatalf("error %v", err)
			}
			return
		}
		if caps.MaxFeePerGas.Lt(&b.fee) || caps.MaxTip.Lt(&b.tip) {
			t.Fatalf("bid %s, %s is above the caps %s, %s", &b.fee, &b.tip, &caps.MaxFeePerGas, &caps.MaxTip)
		}
		if b.fee.Lt(&b.tip) || b.fee.Lt(&p.base) {
			t.Fatalf("bid %s with tip %s at base fee %s is not valid", &b.fee, &b.tip, &p.base)
		}
		if old != nil && old.FeePerGas.LtUint64(1<<60) && old.Tip.Lt(&old.FeePerGas) {
			if !atLeastATenthMore(&old.FeePerGas, &b.fee) || !atLeastATenthMore(&old.Tip, &b.tip) {
				t.Fatalf("bid %s, %s replaces %s, %s", &b.fee, &b.tip, &old.FeePerGas, &old.Tip)
			}
		}
	})
}

func atLeastATenthMore(old, now *uint256.Int) bool {
	least := new(uint256.Int).Mul(old, uint256.NewInt(11))
	return !new(uint256.Int).Mul(now, uint256.NewInt(10)).Lt(least)
}
