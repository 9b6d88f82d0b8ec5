//go:build e2e

package ethereum

import (
	"context"
	"fmt"
	"math/big"
	"testing"

	"github.com/ethereum/go-ethereum/common/hexutil"

	"github.com/trinebridge/trine/chain/chaintest"
	"github.com/trinebridge/trine/internal/evmtest"
)

// anvil is a real anvil that mines when told.
type anvil struct{ *evmtest.Anvil }

func (b anvil) url() string     { return b.URL() }
func (b anvil) chainID() string { return "eip155:31337" }

func (b anvil) mine(ctx context.Context, n int) error {
	return b.Call(ctx, nil, "anvil_mine", hexutil.Uint64(n), hexutil.Uint64(12))
}

func (b anvil) fork(ctx context.Context, depth int) error {
	if err := b.Call(ctx, nil, "anvil_reorg", depth, []any{}); err != nil {
		return err
	}
	if err := b.dropPending(ctx); err != nil {
		return err
	}
	return b.mine(ctx, 1)
}

func (b anvil) dropPending(ctx context.Context) error {
	return b.Call(ctx, nil, "anvil_dropAllTransactions")
}

func (b anvil) raise(ctx context.Context, up bool) (bool, error) {
	fee := big.NewInt(1e9)
	if up {
		fee = big.NewInt(800e9)
	}
	// The base fee of a block that exists is what a fee history shows of the next one, so two are mined.
	for range 2 {
		if err := b.Call(ctx, nil, "anvil_setNextBlockBaseFeePerGas", (*hexutil.Big)(fee)); err != nil {
			return true, err
		}
		if err := b.mine(ctx, 1); err != nil {
			return true, err
		}
	}
	return true, nil
}

func newAnvilWorld(t chaintest.TB) *world {
	b := anvil{evmtest.StartAnvil(t, "--no-mining", "--slots-in-an-epoch", "1")}
	for _, a := range accounts() {
		if err := b.Call(t.Context(), nil, "anvil_setBalance", a, fmt.Sprintf("0x%x", big.NewInt(9e18))); err != nil {
			t.Fatalf("%v", err)
		}
	}
	return newWorld(t, b)
}

func TestAnvilSourceSuite(t *testing.T) {
	chaintest.TestSource(t, func(t chaintest.TB) chaintest.World { return newAnvilWorld(t) })
}

func TestAnvilSinkSuite(t *testing.T) {
	chaintest.TestSink(t, func(t chaintest.TB) chaintest.SinkWorld { return newAnvilWorld(t) })
}

func TestAnvilDeliveriesBehindOthersFitTheirBound(t *testing.T) { testFollowers(t, newAnvilWorld(t)) }

func TestAnvilClaimByRecipientThatAnswersMuch(t *testing.T) { testClaimByBomber(t, newAnvilWorld(t)) }

func TestAnvilBridgeOfForeignCreation(t *testing.T) { testForeignCreation(t, newAnvilWorld(t)) }
