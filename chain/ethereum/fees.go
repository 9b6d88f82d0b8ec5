package ethereum

import (
	"context"
	"math/big"
	"slices"

	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/chain"
)

const (
	// feeBlocks is how many blocks the tip is taken from, feePercentile what share of
	// their gas paid no more than that.
	feeBlocks     = 10
	feePercentile = 60
)

// minTip, in wei, is what nodes ask for even when nobody else pays: geth's default.
var minTip = uint256.NewInt(1_000_000)

// price is what the network asks for now, in wei per gas.
type price struct {
	base uint256.Int // of the next block
	tip  uint256.Int
}

// price asks the node (eth_feeHistory, EIP-1559).
func (n *node) price(ctx context.Context) (price, error) {
	var history struct {
		BaseFee []*hexutil.Big   `json:"baseFeePerGas"`
		Reward  [][]*hexutil.Big `json:"reward"`
	}
	if err := n.call(ctx, &history, "eth_feeHistory", hexutil.Uint64(feeBlocks), "latest", []float64{feePercentile}); err != nil {
		return price{}, err
	}
	if len(history.BaseFee) == 0 || history.BaseFee[len(history.BaseFee)-1] == nil {
		return price{}, n.wrap("eth_feeHistory", chain.Errorf(chain.Fatal, "no base fee: the chain does not know EIP-1559"))
	}
	base, err := n.amount("eth_feeHistory", history.BaseFee[len(history.BaseFee)-1].ToInt())
	if err != nil {
		return price{}, err
	}
	var rewards []*big.Int
	for _, r := range history.Reward {
		if len(r) > 0 && r[0] != nil && r[0].ToInt().Sign() > 0 {
			rewards = append(rewards, r[0].ToInt())
		}
	}
	tip := *minTip
	if len(rewards) > 0 {
		slices.SortFunc(rewards, (*big.Int).Cmp)
		median, err := n.amount("eth_feeHistory", rewards[len(rewards)/2])
		if err != nil {
			return price{}, err
		}
		if median.Gt(&tip) {
			tip = median
		}
	}
	return price{base, tip}, nil
}

// bid is what a transaction offers, in wei per gas.
type bid struct{ fee, tip uint256.Int }

// bidFor decides what to offer: twice the next base fee and the usual tip, so that six
// full blocks may pass, no more than the caps allow, and at least an eighth more than
// what is to be replaced (nodes ask for a tenth, some for an eighth). It fails with
// chain.ErrFeeCap when the network or the replacement asks for more than the caps.
func bidFor(p price, replaces *chain.Attempt, caps chain.Caps) (bid, error) {
	least := new(uint256.Int).Add(&p.base, uint256.NewInt(1))
	if caps.MaxFeePerGas.Lt(least) {
		return bid{}, chain.Errorf(chain.Retry, "%w: the next block's base fee is %s wei per gas, the cap MaxFeePerGas %s wei", chain.ErrFeeCap, &p.base, &caps.MaxFeePerGas)
	}
	b := bid{tip: p.tip}
	if caps.MaxTip.Lt(&b.tip) {
		b.tip = caps.MaxTip
	}
	_, overflow := b.fee.AddOverflow(&p.base, &p.base)
	_, more := b.fee.AddOverflow(&b.fee, &b.tip)
	if overflow || more || caps.MaxFeePerGas.Lt(&b.fee) {
		b.fee = caps.MaxFeePerGas
	}
	if replaces != nil {
		if fee := raised(&replaces.FeePerGas); b.fee.Lt(&fee) {
			b.fee = fee
		}
		if tip := raised(&replaces.Tip); b.tip.Lt(&tip) {
			b.tip = tip
		}
		if caps.MaxFeePerGas.Lt(&b.fee) || caps.MaxTip.Lt(&b.tip) {
			return bid{}, chain.Errorf(chain.Retry, "%w: a replacement must offer %s wei per gas with a tip of %s, the caps are MaxFeePerGas %s and MaxTip %s",
				chain.ErrFeeCap, &b.fee, &b.tip, &caps.MaxFeePerGas, &caps.MaxTip)
		}
	}
	if b.fee.Lt(&b.tip) {
		b.tip = b.fee
	}
	return b, nil
}

// raised returns an eighth more, rounded up.
func raised(old *uint256.Int) uint256.Int {
	more := new(uint256.Int).AddUint64(new(uint256.Int).Rsh(old, 3), 1)
	if _, overflow := more.AddOverflow(more, old); overflow {
		return *new(uint256.Int).SetAllOne()
	}
	return *more
}
