package solana

import (
	"context"
	"slices"

	"github.com/holiman/uint256"

	contract "github.com/trinebridge/trine/bridgecontracts/solana"
	"github.com/trinebridge/trine/chain"
)

const (
	// feePercentile of what the last slots asked for is offered.
	feePercentile = 75
	// minPrice, in micro-lamports per compute unit, is offered where nobody pays anything.
	minPrice = 1_000
	// maxFeeAccounts is how many accounts a node takes into account.
	maxFeeAccounts = 128
)

// price returns what to offer, in micro-lamports per compute unit: a percentile of what transactions
// that write the same accounts paid at least in each of the last 150 slots or so, cut at the caps. It fails with
// chain.ErrFeeCap while more than half of those slots asked for more than the caps allow.
func (n *node) price(ctx context.Context, written []contract.Key, caps chain.Caps) (uint64, error) {
	var recent []struct {
		Fee uint64 `json:"prioritizationFee"`
	}
	const method = "getRecentPrioritizationFees"
	if err := n.call(ctx, &recent, method, written[:min(len(written), maxFeeAccounts)]); err != nil {
		return 0, err
	}
	fees := make([]uint64, 0, len(recent))
	for _, r := range recent {
		fees = append(fees, r.Fee)
	}
	slices.Sort(fees)
	limit := capOf(caps)
	if median := percentile(fees, 50); median > limit {
		return 0, n.wrap(method, chain.Errorf(chain.Retry, "%w: more than half of the last slots asked for %d micro-lamports per compute unit or more, %d are allowed",
			chain.ErrFeeCap, median, limit))
	}
	return min(max(percentile(fees, feePercentile), minPrice), limit), nil
}

// percentile of an ascending list, 0 of an empty one.
func percentile(sorted []uint64, p int) uint64 {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[(len(sorted)-1)*p/100]
}

// capOf is the lower of the two caps: the whole price here is a tip, on top of a fee per signature that never changes.
func capOf(caps chain.Caps) uint64 {
	limit := &caps.MaxFeePerGas
	if caps.MaxTip.Lt(limit) {
		limit = &caps.MaxTip
	}
	if most := uint256.NewInt(1<<63 - 1); most.Lt(limit) {
		limit = most
	}
	return limit.Uint64()
}
