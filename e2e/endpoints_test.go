//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"github.com/trinebridge/trine/app"
	bridgecontract "github.com/trinebridge/trine/bridgecontracts/ethereum"
	"github.com/trinebridge/trine/chain/quorum"
	"github.com/trinebridge/trine/devnet"
	"github.com/trinebridge/trine/internal/evm"
	"github.com/trinebridge/trine/internal/rpctest"
)

// endpointTimeout is how long a daemon waits for an endpoint here: longer than a test waits for a credit, so that whoever
// waits for a bad endpoint is seen, however fast or slow the machine is.
const endpointTimeout = creditWithin + time.Minute

// TestEndpoints gives every daemon three endpoints, two of which must agree, and spoils
// one in each way, then two.
func TestEndpoints(t *testing.T) {
	ctx := testContext(t)
	anvil := startAnvil(t, 31337)
	proxies := []*rpctest.Proxy{rpctest.Start(t, anvil.URL()), rpctest.Start(t, anvil.URL()), rpctest.Start(t, anvil.URL())}
	var urls []string
	for _, p := range proxies {
		urls = append(urls, p.URL())
	}
	n := startNetwork(t, ctx, devnet.Config{Chains: []devnet.ChainConfig{{Endpoint: anvil.URL(), Daemons: urls, Timeout: endpointTimeout}}})
	x, alice := n.Chains[0], newUser(t, ctx, n, "Alice")
	deposit(t, ctx, alice, x, "USDC", "100", true)
	t.Logf("with good endpoints a deposit is credited after %v", awaitBalance(t, ctx, n, alice, x, "USDC", "100"))

	total := 100
	for i, c := range []struct {
		name  string
		spoil rpctest.Handler
	}{
		{"other hashes", otherHashes(1)},
		{"no logs", noLogs},
		{"wrong state", wrongState},
		{"lags", frozen()},
		{"hangs", (*rpctest.Exchange).Hang},
		{"drops", (*rpctest.Exchange).Drop},
	} {
		t.Run("one "+c.name, func(t *testing.T) {
			bad := proxies[i%len(proxies)]
			bad.Handle(c.spoil)
			defer bad.Handle(nil)
			deposit(t, ctx, alice, x, "USDC", "10", false)
			total += 10
			t.Logf("credited after %v", awaitBalance(t, ctx, n, alice, x, "USDC", fmt.Sprint(total)))
		})
	}
	t.Run("two lie", func(t *testing.T) { twoEndpointsLie(t, ctx, n, proxies, alice, total) })
	paysWith(t, ctx, n, proxies[1], alice)
	wantHistory(t, ctx, n, x, n.Daemons)
}

// twoEndpointsLie: no listener attests, each names both, and all go on when they are well.
func twoEndpointsLie(t *testing.T, ctx context.Context, n *devnet.Network, proxies []*rpctest.Proxy, alice *devnet.User, total int) {
	x, liars := n.Chains[0], []*rpctest.Proxy{proxies[0], proxies[2]}
	for i, p := range liars {
		p.Handle(otherHashes(byte(i + 1)))
	}
	names := []string{quorum.Name(liars[0].URL()), quorum.Name(liars[1].URL())}
	before := bridgeOf(t, ctx, n.Daemon(app.RoleListener), x).EventID
	receipt := deposit(t, ctx, alice, x, "USDC", "10", false)
	// The deposit is long settled, and everybody has looked since.
	until(t, ctx, "the chain goes on", time.Minute, func() (bool, error) {
		number, err := x.Client().BlockNumber(ctx)
		return number >= receipt.Block+6, err
	})
	asked := proxies[1].Calls("eth_blockNumber")
	until(t, ctx, "everybody asks again", time.Minute, func() (bool, error) {
		return proxies[1].Calls("eth_blockNumber") >= asked+4*len(n.Daemons), nil
	})
	for _, p := range n.Daemons {
		if p.Role != app.RoleListener {
			continue
		}
		until(t, ctx, p.Name+" names both liars", 30*time.Second, func() (bool, error) {
			part, err := partOf(ctx, p, "listener "+x.ID)
			if err == nil && (part.Ready || !strings.Contains(part.Error, names[0]+": ") || !strings.Contains(part.Error, names[1]+": ")) {
				err = fmt.Errorf("it says %+v", part)
			}
			return err == nil, err
		})
		if got := bridgeOf(t, ctx, p, x).EventID; got != before {
			t.Errorf("%s's ledger is at event %d, it was at %d when two endpoints began to lie", p.Name, got, before)
		}
	}
	for _, p := range liars {
		p.Handle(nil)
	}
	t.Logf("credited %v after the endpoints were well", awaitBalance(t, ctx, n, alice, x, "USDC", fmt.Sprint(total+10)))
	for _, p := range n.Daemons {
		if p.Role == app.RoleListener {
			until(t, ctx, p.Name+" is well again", 30*time.Second, func() (bool, error) {
				part, err := partOf(ctx, p, "listener "+x.ID)
				return part.Ready && part.Error == "", err
			})
		}
	}
}

// paysWith: approvers and submitter do not wait for a hanging endpoint for good either. The submitter asks one endpoint at
// a time, so it may once have to wait until that has had its time.
func paysWith(t *testing.T, ctx context.Context, n *devnet.Network, bad *rpctest.Proxy, alice *devnet.User) {
	t.Helper()
	x := n.Chains[0]
	bad.Handle((*rpctest.Exchange).Hang)
	defer bad.Handle(nil)
	began := time.Now()
	sequence, err := alice.Withdraw(ctx, x, "USDC", "5", bridgecontract.Word(evm.AddressOf(evm.DevKey(9))))
	if err != nil {
		t.Fatal(err)
	}
	asked := client(t, n.Daemon(app.RoleListener))
	until(t, ctx, "a withdrawal is paid", endpointTimeout+paidWithin, func() (bool, error) {
		w, err := asked.Withdrawal(ctx, x.ID, sequence)
		return err == nil && w.Status == "paid", err
	})
	t.Logf("paid %v after it was asked for, with one endpoint hanging", time.Since(began))
}

// otherHashes gives every block another hash, one for each salt: liars who do not conspire.
func otherHashes(salt byte) rpctest.Handler {
	return func(x *rpctest.Exchange) {
		if x.Method != "eth_getBlockByNumber" {
			x.Pass()
			return
		}
		x.Change(func(result json.RawMessage) (json.RawMessage, error) {
			var block map[string]json.RawMessage
			if err := json.Unmarshal(result, &block); err != nil || block == nil {
				return result, err
			}
			var hash common.Hash
			if err := json.Unmarshal(block["hash"], &hash); err != nil {
				return nil, err
			}
			// Never the true hash, and never the one of another salt.
			hash[0] ^= salt
			var err error
			if block["hash"], err = json.Marshal(hash); err != nil {
				return nil, err
			}
			return json.Marshal(block)
		})
	}
}

// noLogs says that nothing happened.
func noLogs(x *rpctest.Exchange) {
	if x.Method != "eth_getLogs" {
		x.Pass()
		return
	}
	x.Reply(rpctest.Response{Result: json.RawMessage("[]")})
}

// wrongState changes what the contract answers.
func wrongState(x *rpctest.Exchange) {
	if x.Method != "eth_call" {
		x.Pass()
		return
	}
	x.Change(func(result json.RawMessage) (json.RawMessage, error) {
		text := []byte(result)
		if at := len(text) - 3; at > 2 {
			text[at] = "10"[text[at]&1]
		}
		return text, nil
	})
}

// frozen answers for ever with the number of the block that was the newest at first, and
// knows none above it.
func frozen() rpctest.Handler {
	var mu sync.Mutex
	var newest json.RawMessage
	return func(x *rpctest.Exchange) {
		if x.Method != "eth_blockNumber" {
			x.Pass()
			return
		}
		x.Change(func(result json.RawMessage) (json.RawMessage, error) {
			mu.Lock()
			defer mu.Unlock()
			if newest == nil {
				newest = result
			}
			return newest, nil
		})
	}
}
