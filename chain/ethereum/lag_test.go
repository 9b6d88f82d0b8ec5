package ethereum

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/chain/chaintest"
	"github.com/trinebridge/trine/internal/evm"
	"github.com/trinebridge/trine/internal/evmtest"
)

// lagging is a node that knows receipts before the state they left: it answers a method
// with each of the answers once, and with the truth from then on.
type lagging struct {
	method  string
	answers []evmtest.Response
	told    atomic.Int64
}

func (l *lagging) handle(x *evmtest.Exchange) {
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

func result(v string) evmtest.Response { return evmtest.Response{Result: json.RawMessage(v)} }

func failure(code int, message string) evmtest.Response {
	return evmtest.Response{Error: &evmtest.Error{Code: code, Message: message}}
}

func deployThrough(t *testing.T, ctx context.Context, h evmtest.Handler) (chain.Deployed, error) {
	t.Helper()
	c := evmtest.Start(t, evm.Config{Prefunded: accounts(), OnDemand: true})
	proxy := evmtest.StartProxy(t, c.URL())
	proxy.Handle(h)
	return Deploy(ctx, chain.DeployConfig{ChainID: c.ChainID(), Endpoint: proxy.URL(), Genesis: testGenesis,
		Set: chaintest.NewMembers("lag", 1, 1, 1).Set, FeeKey: evm.DevKey(keyDeployer), Poll: time.Millisecond})
}

func TestDeployOnNodeWhoseStateComesAfterItsReceipts(t *testing.T) {
	for name, l := range map[string]*lagging{
		"no code yet":                {method: "eth_getCode", answers: []evmtest.Response{result(`"0x"`), result(`"0x"`)}},
		"geth without the block":     {method: "eth_getCode", answers: []evmtest.Response{failure(-32000, "header for hash not found")}},
		"another chain is canonical": {method: "eth_getCode", answers: []evmtest.Response{failure(-32000, "hash is not currently canonical")}},
		"state not available":        {method: "eth_getCode", answers: []evmtest.Response{failure(-32000, "missing trie node 8fe9 (path ) state 0x8fe9 is not available")}},
		"an older newest block":      {method: "eth_blockNumber", answers: []evmtest.Response{result(`"0x0"`), result(`"0x0"`)}},
		"a receipt that goes away":   {method: "eth_getTransactionReceipt", answers: []evmtest.Response{result("null"), failure(-32000, "transaction indexing is in progress")}},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := deployThrough(t, t.Context(), func(x *evmtest.Exchange) {
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
	_, err := deployThrough(t, ctx, func(x *evmtest.Exchange) {
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
	_, err := deployThrough(t, t.Context(), func(x *evmtest.Exchange) {
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
