package ethereum

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math/big"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/holiman/uint256"

	contract "github.com/trinebridge/trine/bridgecontracts/ethereum"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/chain/chaintest"
	"github.com/trinebridge/trine/internal/evm"
	"github.com/trinebridge/trine/internal/evmtest"
	"github.com/trinebridge/trine/internal/rpctest"
)

// lagging is a node that knows receipts before the state they left: it answers a method
// with each of the answers once, and with the truth from then on.
type lagging struct {
	method  string
	answers []rpctest.Response
	told    atomic.Int64
}

func (l *lagging) handle(x *rpctest.Exchange) {
	if x.Method != l.method {
		x.Pass()
		return
	}
	if n := int(l.told.Add(1)); n <= len(l.answers) {
		x.Reply(l.answers[n-1])
		return
	}
	x.Pass()
}

func result(v string) rpctest.Response { return rpctest.Response{Result: json.RawMessage(v)} }

func failure(code int, message string) rpctest.Response {
	return rpctest.Response{Error: &rpctest.Error{Code: code, Message: message}}
}

func deployThrough(t *testing.T, ctx context.Context, h rpctest.Handler) (chain.Deployed, error) {
	t.Helper()
	c := evmtest.Start(t, evm.Config{Prefunded: accounts(), OnDemand: true})
	proxy := rpctest.Start(t, c.URL())
	proxy.Handle(h)
	return Deploy(ctx, chain.DeployConfig{ChainID: c.ChainID(), Endpoint: proxy.URL(), Genesis: testGenesis,
		Set: chaintest.NewMembers("lag", 1, 1, 1).Set, FeeKey: payer(keyDeployer), Poll: time.Millisecond})
}

func TestDeployOnNodeWhoseStateComesAfterItsReceipts(t *testing.T) {
	for name, l := range map[string]*lagging{
		"no code yet":                {method: "eth_getCode", answers: []rpctest.Response{result(`"0x"`), result(`"0x"`)}},
		"geth without the block":     {method: "eth_getCode", answers: []rpctest.Response{failure(-32000, "header for hash not found")}},
		"another chain is canonical": {method: "eth_getCode", answers: []rpctest.Response{failure(-32000, "hash is not currently canonical")}},
		"state not available":        {method: "eth_getCode", answers: []rpctest.Response{failure(-32000, "missing trie node 8fe9 (path ) state 0x8fe9 is not available")}},
		"an older newest block":      {method: "eth_blockNumber", answers: []rpctest.Response{result(`"0x0"`), result(`"0x0"`)}},
		"a receipt that goes away":   {method: "eth_getTransactionReceipt", answers: []rpctest.Response{result("null"), failure(-32000, "transaction indexing is in progress")}},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := deployThrough(t, t.Context(), func(x *rpctest.Exchange) {
				if x.Method == "eth_getCode" && !bytes.Contains(x.Params[1], []byte("blockHash")) {
					t.Errorf("the code is read at %s, want the receipt's block", x.Params[1])
				}
				l.handle(x)
			})
			if err != nil || d.Bridge.IsZero() || d.StartBlock == 0 {
				t.Fatalf("deployed %+v, %v", d, err)
			}
			if told := int(l.told.Load()); told <= len(l.answers) {
				t.Fatalf("%s was asked for %d times, want more than the %d answers that lag", l.method, told, len(l.answers))
			}
		})
	}
}

func TestDeployEndsWithItsContextWhenTheCodeNeverShows(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var asked atomic.Int64
	_, err := deployThrough(t, ctx, func(x *rpctest.Exchange) {
		if x.Method != "eth_getCode" {
			x.Pass()
			return
		}
		x.Reply(result(`"0x"`))
		if asked.Add(1) == 5 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "is mined, its contract") {
		t.Fatalf("error %v, want the cancellation and how far it got", err)
	}
}

func TestDeployRefusesOtherCodeAtOnce(t *testing.T) {
	var asked atomic.Int64
	_, err := deployThrough(t, t.Context(), func(x *rpctest.Exchange) {
		if x.Method != "eth_getCode" {
			x.Pass()
			return
		}
		asked.Add(1)
		x.Reply(result(`"0x6001"`))
	})
	if !errors.Is(err, errWrongCode) || asked.Load() != 1 {
		t.Fatalf("error %v after %d questions, want %v after one", err, asked.Load(), errWrongCode)
	}
}

// throughProxy opens a wallet of the user behind the world's proxy.
func (w *world) throughProxy(t *testing.T) *Wallet {
	t.Helper()
	wallet, err := OpenWallet(chain.SinkConfig{SourceConfig: w.sourceConfig(w.proxy.URL()), FeeKey: payer(keyUser), Poll: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	return wallet
}

// Two equal deposits must be two, whatever a node that is behind says of the account in between.
func TestEqualDepositsOnNodeThatIsBehind(t *testing.T) {
	// What the node makes of a transaction whose nonce is used, if it does not know better.
	takesAll := func(x *rpctest.Exchange, tx *types.Transaction) {
		x.Reply(rpctest.Response{Result: json.RawMessage(`"` + tx.Hash().Hex() + `"`)})
	}
	hasIt := func(x *rpctest.Exchange, _ *types.Transaction) { x.Reply(failure(-32000, "already known")) }
	for name, c := range map[string]struct {
		reopened, equalFees bool
		used                func(*rpctest.Exchange, *types.Transaction)
	}{
		"it takes a used nonce for a new one":              {used: takesAll},
		"another process, and it knows that nonce is used": {reopened: true},
		"another process, and it has the transaction":      {reopened: true, equalFees: true, used: hasIt},
	} {
		t.Run(name, func(t *testing.T) {
			w, _, wallet := onDemand(t)
			deposit := func(wallet chain.Wallet) chain.Receipt {
				t.Helper()
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				r, err := wallet.Deposit(ctx, contract.Native, *uint256.NewInt(7), nil)
				if err != nil {
					t.Fatal(err)
				}
				return r
			}
			deposit(wallet) // the first deposit of all takes more gas
			old := &lagging{method: "eth_getTransactionCount"}
			w.proxy.Handle(func(x *rpctest.Exchange) {
				tx := new(types.Transaction)
				switch {
				case x.Method == "eth_feeHistory" && c.equalFees:
					x.Reply(result(`{"oldestBlock":"0x1","baseFeePerGas":["0x3b9aca00","0x3b9aca00"],"gasUsedRatio":[1]}`))
				case x.Method == "eth_sendRawTransaction" && c.used != nil && json.Unmarshal(x.Params[0], (*rawTransaction)(tx)) == nil &&
					old.answers != nil && tx.Nonce() == 1:
					c.used(x, tx)
				default:
					old.handle(x)
				}
			})
			through := w.throughProxy(t)
			first := deposit(through)
			old.answers = []rpctest.Response{result(`"0x1"`), result(`"0x1"`), result(`"0x1"`)}
			old.told.Store(0)
			if c.reopened {
				through = w.throughProxy(t)
			}
			second := deposit(through)
			if events := w.events(t); len(events) != 3 || first.Tx == second.Tx {
				t.Fatalf("the bridge saw %d deposits, transactions %s and %s; want 3 and two different ones", len(events), first.Tx, second.Tx)
			}
		})
	}
}

// rawTransaction is a transaction in JSON-RPC's form.
type rawTransaction types.Transaction

func (r *rawTransaction) UnmarshalJSON(text []byte) error {
	var raw hexutil.Bytes
	if err := json.Unmarshal(text, &raw); err != nil {
		return err
	}
	return (*types.Transaction)(r).UnmarshalBinary(raw)
}

func TestNonceAfterDepositThatReorganisationTookAway(t *testing.T) {
	w := newSimulatedWorld(t)
	wallet := w.throughProxy(t)
	deposit := func(ctx context.Context) error {
		_, err := wallet.Deposit(ctx, contract.Native, *uint256.NewInt(7), nil)
		return err
	}
	whileMining(t, w.backend, deposit)
	newest, err := w.direct.BlockNumber(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := w.fork(t.Context(), int(newest-w.bridge.StartBlock)); err != nil {
		t.Fatal(err)
	}
	whileMining(t, w.backend, deposit)
	if events := w.events(t); len(events) != 1 {
		t.Fatalf("the bridge saw %d deposits, want the second alone", len(events))
	}
}

func TestDepositOnNodeWithOldAllowance(t *testing.T) {
	w, c, _ := onDemand(t)
	user := evm.DevKey(keyUser)
	at, err := evm.DeployToken(t.Context(), c.Client(), user, evm.TokenConfig{Symbol: "USD", Decimals: 6, Strict: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := evm.MintToken(t.Context(), c.Client(), user, at, evm.AddressOf(user), big.NewInt(1000)); err != nil {
		t.Fatal(err)
	}
	refused := rpctest.Response{Error: &rpctest.Error{Code: 3, Message: "execution reverted", Data: "0xfb8f41b2"}}
	var estimates atomic.Int64
	w.proxy.Handle(func(x *rpctest.Exchange) {
		switch {
		case x.Method != "eth_estimateGas" || estimates.Add(1) == 1: // the approval itself
			x.Pass()
		case string(x.Params[1]) == `"pending"`:
			x.Reply(refused)
		case estimates.Load() < 5:
			x.Reply(failure(-32000, "header for hash not found"))
		default:
			x.Pass()
		}
	})
	if _, err := w.throughProxy(t).Deposit(t.Context(), contract.Word(at), *uint256.NewInt(300), nil); err != nil {
		t.Fatal(err)
	}
	if events := w.events(t); len(events) != 1 || estimates.Load() != 5 {
		t.Fatalf("the bridge saw %d deposits after %d estimates, want 1 after 5", len(events), estimates.Load())
	}
}
