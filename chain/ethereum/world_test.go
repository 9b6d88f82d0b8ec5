package ethereum

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/ethclient"
	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/bridgecontracts"
	contract "github.com/trinebridge/trine/bridgecontracts/ethereum"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/chain/chaintest"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/internal/evm"
	"github.com/trinebridge/trine/internal/evmtest"
	"github.com/trinebridge/trine/internal/rpctest"
	"github.com/trinebridge/trine/signing"
)

// Accounts of the tests, by number of their development key.
const (
	keyDeployer = iota
	keyUser
	keyPayer
	keyRival
)

var testGenesis = codec.Keccak([]byte("chain/ethereum tests"))

func accounts() (out []common.Address) {
	for i := range 4 {
		out = append(out, evm.AddressOf(evm.DevKey(i)))
	}
	return out
}

// backend is a chain that a world drives.
type backend interface {
	url() string
	chainID() string
	mine(ctx context.Context, n int) error
	// fork replaces the newest depth blocks by depth+1 empty ones.
	fork(ctx context.Context, depth int) error
	dropPending(ctx context.Context) error
	// raise sets the base fee far up, or back; false: it cannot, the proxy shall say so in its place.
	raise(ctx context.Context, up bool) (bool, error)
}

// simulated is the chain inside the process.
type simulated struct{ chain *evm.Chain }

func (b simulated) url() string     { return b.chain.URL() }
func (b simulated) chainID() string { return b.chain.ChainID() }

func (b simulated) mine(_ context.Context, n int) error {
	b.chain.Mine(n)
	return nil
}

func (b simulated) fork(ctx context.Context, depth int) error {
	newest, err := b.chain.Client().BlockNumber(ctx)
	if err != nil {
		return err
	}
	parent, err := b.chain.Client().HeaderByNumber(ctx, new(big.Int).SetUint64(newest-uint64(depth)))
	if err != nil {
		return err
	}
	if err := b.chain.Fork(parent.Hash()); err != nil {
		return err
	}
	b.chain.DropPending()
	b.chain.Mine(depth + 1)
	return nil
}

func (b simulated) dropPending(context.Context) error {
	b.chain.DropPending()
	return nil
}

func (b simulated) raise(context.Context, bool) (bool, error) { return false, nil }

// world is a bridge on a backend, behind a proxy.
type world struct {
	backend
	direct  *ethclient.Client
	proxy   *rpctest.Proxy
	members *chaintest.Members
	bridge  chain.Deployed
	spike   bool
	fault   chaintest.Fault
}

func newSimulatedWorld(t chaintest.TB) *world { return newSimulatedWorldOf(t, 3) }

// newSimulatedWorldOf has so many approvers and listeners.
func newSimulatedWorldOf(t chaintest.TB, members int) *world {
	c := evmtest.Start(t, evm.Config{Prefunded: accounts()})
	return newWorldOf(t, simulated{c}, members)
}

func newWorld(t chaintest.TB, b backend) *world { return newWorldOf(t, b, 3) }

func newWorldOf(t chaintest.TB, b backend, members int) *world {
	t.Helper()
	w := &world{backend: b, members: chaintest.NewMembers("ethereum", 1, members, members)}
	var err error
	if w.direct, err = ethclient.Dial(b.url()); err != nil {
		t.Fatalf("%v", err)
	}
	t.Cleanup(w.direct.Close)
	w.proxy = rpctest.Start(t, b.url())
	whileMining(t, b, func(ctx context.Context) error {
		w.bridge, err = Deploy(ctx, chain.DeployConfig{
			ChainID: b.chainID(), Endpoint: b.url(), Genesis: testGenesis, Set: w.members.Set, FeeKey: payer(keyDeployer), Poll: time.Millisecond,
		})
		return err
	})
	return w
}

// whileMining runs fn and mines blocks until it returns.
func whileMining(t chaintest.TB, b backend, fn func(ctx context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- fn(ctx) }()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case err := <-done:
			if err != nil {
				t.Fatalf("%v", err)
			}
			return
		case <-ticker.C:
			if err := b.mine(ctx, 1); err != nil {
				t.Fatalf("mine: %v", err)
			}
		}
	}
}

func (w *world) sourceConfig(endpoint string) chain.SourceConfig {
	return chain.SourceConfig{ChainID: w.chainID(), Endpoint: endpoint, Bridge: w.bridge.Bridge, Genesis: testGenesis, StartBlock: w.bridge.StartBlock}
}

func (w *world) domain() bridgecontracts.Domain {
	return bridgecontracts.NewDomain(testGenesis, w.chainID(), w.bridge.Bridge)
}

func (w *world) Facts() chaintest.Facts {
	return chaintest.Facts{
		Finality: chain.Finality{Confirmations: 2}, Settle: 2, Domain: w.domain(), SetHash: w.members.Set.Hash(), Token: contract.Native,
		History: true, Nonces: true,
	}
}

func (w *world) Source() (chain.Source, error) { return OpenSource(w.sourceConfig(w.proxy.URL())) }

func (w *world) Sink() (chain.Sink, error) {
	return OpenSink(chain.SinkConfig{SourceConfig: w.sourceConfig(w.proxy.URL()), FeeKey: payer(keyPayer)})
}

func (w *world) Rival() (chain.Sink, error) {
	return OpenSink(chain.SinkConfig{SourceConfig: w.sourceConfig(w.url()), FeeKey: payer(keyRival)})
}

func (w *world) Noop(id uint64) (*chain.Delivery, error) {
	return w.members.Action(w.domain(), id, &bridgecontracts.Noop{}), nil
}

func (w *world) Caps() chain.Caps {
	return chain.Caps{MaxFeePerGas: *uint256.NewInt(50e9), MaxTip: *uint256.NewInt(10e9)}
}

// send sends the next transaction of the user. geth promotes what it has accepted a moment
// later, and until then names the same nonce again: the same transaction would be "already known".
func (w *world) send(ctx context.Context, to common.Address, value int64, data []byte) (string, error) {
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for {
		tx, err := w.trySend(ctx, to, value, data)
		if err == nil || !strings.Contains(err.Error(), "already known") {
			return tx, err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
}

func (w *world) trySend(ctx context.Context, to common.Address, value int64, data []byte) (string, error) {
	key := evm.DevKey(keyUser)
	nonce, err := w.direct.PendingNonceAt(ctx, evm.AddressOf(key))
	if err != nil {
		return "", err
	}
	id, err := w.direct.ChainID(ctx)
	if err != nil {
		return "", err
	}
	tx, err := types.SignNewTx(key, types.NewLondonSigner(id), &types.DynamicFeeTx{
		ChainID: id, Nonce: nonce, GasTipCap: big.NewInt(1e9), GasFeeCap: big.NewInt(100e9), Gas: 200_000, To: &to, Value: big.NewInt(value), Data: data,
	})
	if err != nil {
		return "", err
	}
	return tx.Hash().Hex(), w.direct.SendTransaction(ctx, tx)
}

func (w *world) Deposit(ctx context.Context, n int) (txs []string, err error) {
	bridge, err := contract.Address(w.bridge.Bridge)
	if err != nil {
		return nil, err
	}
	data, err := contract.PackDeposit(contract.Native, uint256.NewInt(1), nil)
	if err != nil {
		return nil, err
	}
	for i := range n {
		tx, err := w.send(ctx, bridge, 1, data)
		if err != nil {
			return nil, err
		}
		txs = append(txs, tx)
		if i%2 == 1 || i == n-1 {
			if err := w.take(ctx, tx); err != nil {
				return nil, err
			}
		}
	}
	return txs, nil
}

// take mines until a transaction of the user is in a block, with all that he sent before it. One block nearly
// always does. But where geth's pool hears of a new head and of a transaction whose predecessor waits too in one
// breath, it leaves the second where it is until the first is mined.
func (w *world) take(ctx context.Context, tx string) error {
	for {
		if err := w.mine(ctx, 1); err != nil {
			return err
		}
		_, err := w.direct.TransactionReceipt(ctx, common.HexToHash(tx))
		if !errors.Is(err, ethereum.NotFound) {
			return err
		}
	}
}

func (w *world) Plain(ctx context.Context) (string, error) {
	tx, err := w.send(ctx, evm.AddressOf(evm.DevKey(keyUser)), 0, nil)
	if err != nil {
		return "", err
	}
	return tx, w.take(ctx, tx)
}

func (w *world) Mine(ctx context.Context, n int) error     { return w.mine(ctx, n) }
func (w *world) Fork(ctx context.Context, depth int) error { return w.fork(ctx, depth) }
func (w *world) DropPending(ctx context.Context) error     { return w.dropPending(ctx) }

func (w *world) SetPrice(ctx context.Context, aboveCaps bool) error {
	done, err := w.raise(ctx, aboveCaps)
	if !done {
		w.spike = aboveCaps
		w.handle()
	}
	return err
}

func (w *world) Spoil(f chaintest.Fault) error {
	w.fault = f
	w.handle()
	return nil
}

// handle has the proxy play the faults of now.
func (w *world) handle() {
	f := faults{backend: w.backend, fault: w.fault, spike: w.spike}
	w.proxy.Handle(f.handle)
}

// faults is what goes wrong in the proxy.
type faults struct {
	backend
	fault chaintest.Fault
	spike bool
}

func (w faults) handle(x *rpctest.Exchange) {
	switch w.fault {
	case chaintest.Down:
		x.Drop()
	case chaintest.Hang:
		x.Hang()
	case chaintest.Garbage:
		x.Garbage()
	case chaintest.Oversized:
		x.Oversize(maxResponse)
	case chaintest.Throttled:
		x.Writer.WriteHeader(http.StatusTooManyRequests)
		fmt.Fprint(x.Writer, `{"message":"too many requests"}`)
	case chaintest.WrongChain:
		if x.Method == "eth_chainId" {
			x.Reply(rpctest.Response{Result: json.RawMessage(`"0x5"`)})
			return
		}
		x.Pass()
	default:
		w.content(x)
	}
}

func (w faults) content(x *rpctest.Exchange) {
	switch {
	case x.Method == "eth_feeHistory" && w.spike:
		x.Change(func(result json.RawMessage) (json.RawMessage, error) {
			return json.RawMessage(`{"oldestBlock":"0x1","baseFeePerGas":["0xba43b74000","0xba43b74000"],"gasUsedRatio":[1]}`), nil
		})
	case x.Method != "eth_getLogs":
		x.Pass()
	case w.fault == chaintest.RangeLimit && tooFar(x.Params[0]):
		x.Reply(rpctest.Response{Error: &rpctest.Error{Code: -32005, Message: "query exceeds max block range 10"}})
	case w.fault == chaintest.ForkInReads:
		out, err := x.Forward()
		if err == nil {
			err = w.fork(x.Request.Context(), 2)
		}
		if err != nil {
			http.Error(x.Writer, err.Error(), http.StatusBadGateway)
			return
		}
		x.Reply(out)
	default:
		x.Change(func(result json.RawMessage) (json.RawMessage, error) { return spoilLogs(w.fault, result) })
	}
}

func tooFar(filter json.RawMessage) bool {
	var f struct{ FromBlock, ToBlock hexutil.Uint64 }
	return json.Unmarshal(filter, &f) != nil || f.ToBlock-f.FromBlock >= 10
}

func spoilLogs(f chaintest.Fault, result json.RawMessage) (json.RawMessage, error) {
	var logs []json.RawMessage
	if err := json.Unmarshal(result, &logs); err != nil {
		return nil, err
	}
	if middle := len(logs) / 2; len(logs) > 0 {
		switch f {
		case chaintest.DropEvent:
			logs = slices.Delete(logs, middle, middle+1)
		case chaintest.DropLastEvent:
			logs = logs[:len(logs)-1]
		case chaintest.DuplicateEvent:
			logs = slices.Insert(logs, middle, logs[middle])
		case chaintest.ReorderEvents:
			slices.Reverse(logs)
		}
	}
	return json.Marshal(logs)
}

func TestSourceSuite(t *testing.T) {
	chaintest.TestSource(t, func(t chaintest.TB) chaintest.World { return newSimulatedWorld(t) })
}

func TestSinkSuite(t *testing.T) {
	chaintest.TestSink(t, func(t chaintest.TB) chaintest.SinkWorld { return newSimulatedWorld(t) })
}

func payer(account int) signing.Payer { return signing.NewKeySigner(evm.DevKey(account)) }
