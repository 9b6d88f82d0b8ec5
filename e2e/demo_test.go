//go:build e2e

package e2e

import (
	"testing"

	"github.com/trinebridge/trine/devnet"
)

// TestDemonstrationOnAnvil plays what make demo plays, on two real anvils: deposits of a
// token and of coins, links, transfers, and withdrawals to both chains, one of which
// waits for the funds that a later deposit brings.
func TestDemonstrationOnAnvil(t *testing.T) {
	ctx := testContext(t)
	n := startNetwork(t, ctx, devnet.Config{Chains: []devnet.ChainConfig{
		{Endpoint: startAnvil(t, 31337).URL()},
		{Endpoint: startAnvil(t, 31338).URL()},
	}})
	report, err := devnet.Demonstrate(ctx, n, func(step devnet.Step, what string) {
		t.Logf("%6d ms  %-60s %s: %s", step.MS, step.Name, step.Chain, what)
	})
	if err != nil {
		t.Fatal(err)
	}
	if !report.OK || report.Invariant != "holds" {
		t.Fatalf("report is %+v", report)
	}
}
