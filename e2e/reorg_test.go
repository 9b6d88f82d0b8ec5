//go:build e2e

package e2e

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/devnet"
	"github.com/trinebridge/trine/internal/evmtest"
	"github.com/trinebridge/trine/internal/rpctest"
)

// miner is an anvil that mines when it is told.
type miner struct {
	*evmtest.Anvil
	proxy *rpctest.Proxy
}

func (m *miner) call(t *testing.T, ctx context.Context, result any, method string, args ...any) {
	t.Helper()
	if err := m.Call(ctx, result, method, args...); err != nil {
		t.Fatal(err)
	}
}

// byHand runs something that waits for blocks, and mines one whenever a transaction waits.
func (m *miner) byHand(t *testing.T, ctx context.Context, do func() error) {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- do() }()
	until(t, ctx, "a transaction is mined", time.Minute, func() (bool, error) {
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			return true, nil
		default:
		}
		var pool struct {
			Pending string `json:"pending"`
		}
		if err := m.Call(ctx, &pool, "txpool_status"); err != nil {
			return false, err
		}
		if count, err := strconv.ParseUint(pool.Pending, 0, 64); err != nil || count == 0 {
			return false, err
		}
		return false, m.Call(ctx, nil, "evm_mine")
	})
}

// look waits until every listener and approver has asked for the newest block again.
func (m *miner) look(t *testing.T, ctx context.Context, n *devnet.Network) {
	t.Helper()
	asked := m.proxy.Calls("eth_blockNumber")
	until(t, ctx, "everybody looks", time.Minute, func() (bool, error) {
		return m.proxy.Calls("eth_blockNumber") >= asked+4*len(n.Daemons), nil
	})
}

// TestReorganisationBelowFinality takes a deposit away before its block is settled and puts
// others in its place, with the same event ids.
func TestReorganisationBelowFinality(t *testing.T) {
	ctx := testContext(t)
	anvil := startAnvil(t, 31337)
	m := &miner{anvil, rpctest.Start(t, anvil.URL())}
	n := startNetwork(t, ctx, devnet.Config{Chains: []devnet.ChainConfig{{Endpoint: anvil.URL(), Daemons: []string{m.proxy.URL()}}}})
	x := n.Chains[0]
	alice, bob, carol := newUser(t, ctx, n, "Alice"), newUser(t, ctx, n, "Bob"), newUser(t, ctx, n, "Carol")
	deposit(t, ctx, alice, x, "USDC", "100", true)
	awaitBalance(t, ctx, n, alice, x, "USDC", "100")
	before := contract(t, ctx, n, x)

	m.call(t, ctx, nil, "evm_setIntervalMining", 0)
	var gone chain.Receipt
	m.byHand(t, ctx, func() (err error) {
		gone, err = bob.Deposit(ctx, x, "ETH", "1", true)
		return err
	})
	// One block above it: one less than makes it settled.
	m.call(t, ctx, nil, "evm_mine")
	old := contract(t, ctx, n, x)
	if old.EventID != before.EventID+1 {
		t.Fatalf("the contract is at event %d, want Bob's, %d", old.EventID, before.EventID+1)
	}
	m.look(t, ctx, n)
	if got := bridgeOf(t, ctx, n.Daemons[0], x).EventID; got != before.EventID {
		t.Fatalf("the ledger is at event %d before event %d is settled", got, old.EventID)
	}

	newest, err := x.Client().BlockNumber(ctx)
	if err != nil {
		t.Fatal(err)
	}
	m.call(t, ctx, nil, "anvil_reorg", newest-gone.Block+1, []any{})
	m.call(t, ctx, nil, "anvil_dropAllTransactions")
	if now := contract(t, ctx, n, x); now != before {
		t.Fatalf("the contract is at %+v after the reorganisation, want %+v", now, before)
	}
	m.byHand(t, ctx, func() error {
		_, err := carol.Deposit(ctx, x, "ETH", "2", true)
		return err
	})
	m.look(t, ctx, n)
	m.byHand(t, ctx, func() error {
		_, err := alice.Deposit(ctx, x, "ETH", "0.5", false)
		return err
	})
	if now := contract(t, ctx, n, x); now.EventID != before.EventID+2 || now.Head == old.Head {
		t.Fatalf("the contract is at %+v, want Carol's and Alice's events", now)
	}
	m.call(t, ctx, nil, "evm_setIntervalMining", 1)

	awaitBalance(t, ctx, n, carol, x, "ETH", "2")
	awaitBalance(t, ctx, n, alice, x, "ETH", "0.5")
	wantHistory(t, ctx, n, x, n.Daemons)
	wantNoAccount(t, ctx, bob, x)
	// Once: more blocks and more looks change nothing.
	m.look(t, ctx, n)
	awaitBalance(t, ctx, n, carol, x, "ETH", "2")
	awaitBalance(t, ctx, n, alice, x, "ETH", "0.5")
	wantHistory(t, ctx, n, x, n.Daemons)
	for _, p := range n.Daemons {
		c := client(t, p)
		status, err := c.Status(ctx)
		if err != nil || !status.Ready {
			t.Errorf("%s after a reorganisation of unsettled blocks: %+v, %v", p.Name, status, err)
		}
	}
}
