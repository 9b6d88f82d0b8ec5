package ethereum

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/rpc"
	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/bridgecontracts"
	contract "github.com/trinebridge/trine/bridgecontracts/ethereum"
	"github.com/trinebridge/trine/bridgecontracts/ethereum/zoo"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/internal/evm"
	"github.com/trinebridge/trine/internal/rpctest"
	"github.com/trinebridge/trine/signing"
)

// oldPending answers estimates on the pending block as of the newest one: as geth does for
// two seconds after it made its pending block.
func (w *world) oldPending(x *rpctest.Exchange) {
	if x.Method != "eth_estimateGas" || string(x.Params[1]) != `"pending"` {
		x.Pass()
		return
	}
	var gas hexutil.Uint64
	err := w.direct.Client().CallContext(x.Request.Context(), &gas, x.Method, x.Params[0], "latest")
	var refused rpc.DataError
	switch {
	case err == nil:
		x.Reply(result(fmt.Sprintf("%q", gas)))
	case errors.As(err, &refused):
		x.Reply(rpctest.Response{Error: &rpctest.Error{Code: 3, Message: refused.Error(), Data: refused.ErrorData()}})
	default:
		x.Reply(failure(-32000, err.Error()))
	}
}

// zoo deploys one of the zoo's contracts.
func (w *world) zoo(t *testing.T, name string, args ...any) codec.Hash {
	t.Helper()
	c, err := zoo.Get(name)
	if err != nil {
		t.Fatal(err)
	}
	data, err := c.DeployData(args...)
	if err != nil {
		t.Fatal(err)
	}
	var at codec.Hash
	whileMining(t, w.backend, func(ctx context.Context) error {
		n, err := openNode(w.chainID(), w.url())
		if err != nil {
			return err
		}
		a, err := newAccount(n, signing.NewKeySigner(evm.DevKey(keyDeployer)), time.Millisecond)
		if err != nil {
			return err
		}
		r, _, err := a.transact(ctx, nil, new(uint256.Int), data, nil)
		if err == nil {
			at = contract.Word(*r.ContractAddress)
		}
		return err
	})
	return at
}

// transfers are n payments of a token to recipients that nobody has paid before, or to the one that is given.
func transfers(n int, token codec.Hash, to *codec.Hash) *bridgecontracts.Transfers {
	body := &bridgecontracts.Transfers{}
	for i := range n {
		recipient := codec.LeftPad([]byte{0xbe, 0xef, token[31], byte(i)})
		if to != nil {
			recipient = *to
		}
		body.Transfers = append(body.Transfers, bridgecontracts.Transfer{Token: token, To: recipient, Amount: *uint256.NewInt(1)})
	}
	return body
}

// inOneBlock sends all deliveries one behind the other before a block is mined, and checks
// that one block takes them and none fails for want of gas.
func inOneBlock(t *testing.T, w *world, deliveries ...*chain.Delivery) {
	t.Helper()
	w.proxy.Handle(w.oldPending)
	s := openSink(t, w)
	sender, err := s.Sender(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var attempts []chain.Attempt
	for i, d := range deliveries {
		a := sign(t, s, chain.BuildRequest{Delivery: d, Nonce: sender.Next + uint64(i), Caps: w.Caps()})
		if err := s.Broadcast(t.Context(), a); err != nil {
			t.Fatalf("delivery %d: %v", i+1, err)
		}
		attempts = append(attempts, a)
	}
	if err := w.mine(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	var block uint64
	for i, a := range attempts {
		status, _, err := s.Status(t.Context(), []chain.Attempt{a}, w.Facts().Finality)
		if err != nil || status.Phase != chain.PhaseIncluded || status.Failed || i > 0 && status.Block != block {
			t.Fatalf("delivery %d: %+v, %v; want it in block %d with the others", i+1, status, err, block)
		}
		block = status.Block
		var tx types.Transaction
		if err := tx.UnmarshalBinary(a.Raw); err != nil {
			t.Fatal(err)
		}
		t.Logf("delivery %d: %d gas of %d", i+1, status.GasUsed, tx.Gas())
	}
}

// testFollowers sends the dearest deliveries behind one that waits.
func testFollowers(t *testing.T, w *world) {
	bridge := common.Address(w.bridge.Bridge[12:])
	if _, err := w.send(t.Context(), bridge, 1000, nil); err != nil {
		t.Fatal(err)
	}
	burningToken := w.zoo(t, "HostileToken", uint8(1))
	burner := w.zoo(t, "Burner")
	call, err := zoo.Get("HostileToken")
	if err != nil {
		t.Fatal(err)
	}
	burn, err := call.Pack("transfer", common.Address{1}, uint256.NewInt(1).ToBig())
	if err != nil {
		t.Fatal(err)
	}
	limit := func(sequence uint64, token codec.Hash) *chain.Delivery {
		return w.members.Control(w.domain(), sequence, &bridgecontracts.SetLimit{Token: token, Capacity: *uint256.NewInt(1000), Window: 60})
	}
	inOneBlock(t, w, limit(1, burningToken), limit(2, contract.Native))
	id := uint64(0)
	next := func(body bridgecontracts.ActionBody) *chain.Delivery {
		id++
		return w.members.Action(w.domain(), id, body)
	}
	noop := &bridgecontracts.Noop{}
	inOneBlock(t, w, next(noop), next(noop), next(transfers(1, contract.Native, nil)), next(noop))
	inOneBlock(t, w, next(noop), next(transfers(contract.MaxTransfers, contract.Native, nil)))
	inOneBlock(t, w, next(noop), next(transfers(contract.MaxTransfers, contract.Native, &burner)))
	inOneBlock(t, w, next(noop), next(transfers(1, burningToken, nil)))
	inOneBlock(t, w, next(noop), next(&bridgecontracts.Call{Target: burningToken, Data: burn}))
}

func TestDeliveriesBehindOthersFitTheirBound(t *testing.T) { testFollowers(t, newSimulatedWorld(t)) }

func TestTheDearestBatchFitsItsBound(t *testing.T) {
	w := newSimulatedWorldOf(t, 64)
	w.proxy.Handle(w.oldPending)
	token := w.zoo(t, "HostileToken", uint8(1))
	noop := w.members.Action(w.domain(), 1, &bridgecontracts.Noop{})
	inOneBlock(t, w, noop, w.members.Action(w.domain(), 2, transfers(contract.MaxTransfers, token, nil)))
}

func TestNoBoundWithoutOurOwnPredecessor(t *testing.T) {
	w := newSimulatedWorld(t)
	s := openSink(t, w)
	second, err := w.Noop(2)
	if err != nil {
		t.Fatal(err)
	}
	noop := sign(t, s, chain.BuildRequest{Delivery: must(w.Noop(1)), Caps: w.Caps()})
	if err := s.Broadcast(t.Context(), noop); err != nil {
		t.Fatal(err)
	}
	change := func(method string, fn func(json.RawMessage) (json.RawMessage, error)) rpctest.Handler {
		return func(x *rpctest.Exchange) {
			if x.Method == method {
				x.Change(fn)
				return
			}
			w.oldPending(x)
		}
	}
	for name, c := range map[string]struct {
		nonce  uint64
		handle rpctest.Handler
	}{
		"its nonce is the next one": {0, w.oldPending},
		"the payer is poor":         {1, change("eth_getBalance", func(json.RawMessage) (json.RawMessage, error) { return json.RawMessage(`"0x1"`), nil })},
		"blocks are small": {1, change("eth_getBlockByNumber", func(block json.RawMessage) (json.RawMessage, error) {
			var fields map[string]json.RawMessage
			err := json.Unmarshal(block, &fields)
			fields["gasLimit"] = json.RawMessage(`"0x30000"`)
			return must(json.Marshal(fields)), err
		})},
	} {
		t.Run(name, func(t *testing.T) {
			w.proxy.Handle(c.handle)
			_, err := s.Build(t.Context(), chain.BuildRequest{Delivery: second, Nonce: c.nonce, Caps: w.Caps()})
			if chain.VerdictOf(err) != chain.Retry || err == nil || !strings.Contains(err.Error(), "WrongActionId") {
				t.Fatalf("error %v, want the bridge's refusal, to be tried again", err)
			}
		})
	}
	w.proxy.Handle(w.oldPending)
	sign(t, s, chain.BuildRequest{Delivery: second, Nonce: 1, Caps: w.Caps()})
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
