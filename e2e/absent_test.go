//go:build e2e

package e2e

import (
	"testing"

	"github.com/trinebridge/trine/app"
	bridgecontract "github.com/trinebridge/trine/bridgecontracts/ethereum"
	"github.com/trinebridge/trine/devnet"
	"github.com/trinebridge/trine/internal/evm"
)

// TestQuorumsWithoutOneMember: what two of three members must do is done by two, a member's own word among them.
func TestQuorumsWithoutOneMember(t *testing.T) {
	ctx := testContext(t)
	n := startNetwork(t, ctx, devnet.Config{Chains: []devnet.ChainConfig{{Endpoint: startAnvil(t, 31337).URL()}}})
	x, alice := n.Chains[0], newUser(t, ctx, n, "Alice")
	deposit(t, ctx, alice, x, "USDC", "100", true)
	awaitBalance(t, ctx, n, alice, x, "USDC", "100")

	away := []*devnet.Process{daemon(t, n, "listener-3"), daemon(t, n, "approver-3")}
	for _, p := range away {
		stopped(t, p)
	}
	deposit(t, ctx, alice, x, "USDC", "10", false)
	awaitBalance(t, ctx, n, alice, x, "USDC", "110")
	sequence, err := alice.Withdraw(ctx, x, "USDC", "5", bridgecontract.Word(evm.AddressOf(evm.DevKey(9))))
	if err != nil {
		t.Fatal(err)
	}
	asked := client(t, n.Daemon(app.RoleListener))
	until(t, ctx, "a withdrawal is paid", paidWithin, func() (bool, error) {
		w, err := asked.Withdrawal(ctx, x.ID, sequence)
		return err == nil && w.Status == "paid", err
	})

	for _, p := range away {
		restarted(t, ctx, p)
	}
	wantHistory(t, ctx, n, x, n.Daemons)
	wantOneChain(t, ctx, n)
}
