package solana

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	sol "github.com/gagliardetto/solana-go"
	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/bridgecontracts"
	contract "github.com/trinebridge/trine/bridgecontracts/solana"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/chain/chaintest"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/internal/rpctest"
	"github.com/trinebridge/trine/internal/solanatest"
	"github.com/trinebridge/trine/signing"
)

var testGenesis = codec.Keccak([]byte("chain/solana tests"))

// coins is what every account of a test owns, in lamports.
const coins = 5_000_000_000

// backend is a cluster that worlds share.
type backend interface {
	endpoint() string
	chainID() string
	// bridge puts a new bridge there; its fee payer is the deployer.
	bridge(ctx context.Context, config chain.DeployConfig) (chain.Deployed, error)
}

// world is a bridge on a cluster, behind a proxy under which time stands still.
type world struct {
	backend
	number  uint64
	node    *node // direct
	time    *stopped
	proxy   *rpctest.Proxy
	rival   *rpctest.Proxy
	members *chaintest.Members
	bridge  chain.Deployed
	program contract.Program
	fault   chaintest.Fault
	spike   bool
}

const testPoll = 20 * time.Millisecond

func newWorld(t chaintest.TB, b backend) *world {
	return newWorldOf(t, b, chaintest.NewMembers("solana", 1, 3, 3))
}

// worlds counts them: each has a genesis and keys of its own.
var worlds atomic.Uint64

func newWorldOf(t chaintest.TB, b backend, members *chaintest.Members) *world {
	t.Helper()
	w := &world{backend: b, number: worlds.Add(1), members: members}
	ctx, cancel := patient(t.Context())
	defer cancel()
	fail := func(err error) {
		if err != nil {
			t.Fatalf("%s: %v", w.name(), err)
		}
	}
	var err error
	w.node, err = openNode(b.chainID(), b.endpoint())
	fail(err)
	w.bridge, err = b.bridge(ctx, chain.DeployConfig{
		ChainID: b.chainID(), Endpoint: b.endpoint(), Genesis: w.genesis(), Set: w.members.Set, FeeKey: key("deployer"), Poll: testPoll,
	})
	fail(err)
	_, accounts, err := w.node.accounts(ctx, confirmed, 0, contract.Key(w.bridge.Bridge))
	fail(err)
	w.program, err = contract.NewProgram(accounts[0].Owner)
	fail(err)
	fail(w.fund(ctx, w.key("user"), w.key("payer"), w.key("rival")))
	w.time = newStopped(w.node)
	w.proxy, w.rival = rpctest.Start(t, b.endpoint()), rpctest.Start(t, b.endpoint())
	w.rival.Handle(w.time.handle)
	w.handle()
	fail(w.time.mine(ctx, 1))
	return w
}

// key is a key of this world alone.
func (w *world) key(name string) *signing.Ed25519Payer { return key(w.name() + " " + name) }

// act sends instructions of anybody, past the proxy and the time.
func (w *world) act(ctx context.Context, from *signing.Ed25519Payer, instructions ...contract.Instruction) (chain.Receipt, error) {
	a, err := newSender(w.node, from, testPoll)
	if err != nil {
		return chain.Receipt{}, err
	}
	return a.transact(ctx, func(context.Context) ([]contract.Instruction, error) { return instructions, nil })
}

func pay(from, to contract.Key, lamports uint64) contract.Instruction {
	return sol.NewInstruction(contract.SystemProgram, sol.AccountMetaSlice{sol.Meta(from).WRITE().SIGNER(), sol.Meta(to).WRITE()},
		binary.LittleEndian.AppendUint64([]byte{2, 0, 0, 0}, lamports))
}

func (w *world) fund(ctx context.Context, keys ...*signing.Ed25519Payer) error {
	var list []contract.Instruction
	for _, k := range keys {
		list = append(list, pay(keyOf(key("deployer")), keyOf(k), coins))
	}
	_, err := w.act(ctx, key("deployer"), list...)
	return err
}

func (w *world) genesis() codec.Hash { return codec.HashWords(testGenesis, codec.Uint64Word(w.number)) }

func (w *world) name() string { return fmt.Sprint("world ", w.number) }

func (w *world) sourceConfig(endpoint string) chain.SourceConfig {
	return chain.SourceConfig{ChainID: w.chainID(), Endpoint: endpoint, Bridge: w.bridge.Bridge, Genesis: w.genesis(), StartBlock: w.bridge.StartBlock}
}

func (w *world) domain() bridgecontracts.Domain {
	return bridgecontracts.NewDomain(w.genesis(), w.chainID(), w.bridge.Bridge)
}

func (w *world) Facts() chaintest.Facts {
	return chaintest.Facts{
		Settle: settleBlocks, Domain: w.domain(), SetHash: w.members.Set.Hash(), Token: contract.Native, ExpiryBlocks: 151,
	}
}

func (w *world) Source() (chain.Source, error) { return OpenSource(w.sourceConfig(w.proxy.URL())) }

func (w *world) sinkConfig(endpoint, payer string) chain.SinkConfig {
	return chain.SinkConfig{SourceConfig: w.sourceConfig(endpoint), FeeKey: w.key(payer), Poll: testPoll}
}

func (w *world) Sink() (chain.Sink, error) { return OpenSink(w.sinkConfig(w.proxy.URL(), "payer")) }

func (w *world) Rival() (chain.Sink, error) { return OpenSink(w.sinkConfig(w.rival.URL(), "rival")) }

func (w *world) Noop(id uint64) (*chain.Delivery, error) {
	return w.members.Action(w.domain(), id, &bridgecontracts.Noop{}), nil
}

func (w *world) Caps() chain.Caps {
	return chain.Caps{MaxFeePerGas: *uint256.NewInt(1_000_000), MaxTip: *uint256.NewInt(1_000_000)}
}

func (w *world) wallet(endpoint, name string) (*Wallet, error) {
	return OpenWallet(w.sinkConfig(endpoint, name))
}

// worldPatience bounds what the world itself does. How fast a real chain makes blocks is not what the suite asks for, so the
// suite's own bound of a call, which is shorter, does not count here.
const worldPatience = 5 * time.Minute

func patient(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), worldPatience)
}

func (w *world) Deposit(ctx context.Context, n int) (txs []string, err error) {
	ctx, cancel := patient(ctx)
	defer cancel()
	wallet, err := w.wallet(w.endpoint(), "user")
	if err != nil {
		return nil, err
	}
	for range n {
		r, err := w.depositOne(ctx, wallet)
		if err != nil {
			return nil, err
		}
		txs = append(txs, r.Tx)
	}
	return txs, w.time.mine(ctx, 1)
}

// depositOne deposits until the transaction's id ends with a letter whose successor is one of base58: the
// suite makes an unknown id of it in that way.
func (w *world) depositOne(ctx context.Context, wallet *Wallet) (chain.Receipt, error) {
	p, state, err := wallet.now(ctx)
	if err != nil {
		return chain.Receipt{}, err
	}
	deposit, err := p.DepositSol(wallet.sender.payer, state.Page, 1, nil)
	if err != nil {
		return chain.Receipt{}, err
	}
	for units := uint32(60_000); ; units++ {
		now, err := w.node.recent(ctx)
		if err != nil {
			return chain.Receipt{}, err
		}
		tx, err := (&message{instructions: []contract.Instruction{deposit}, units: units}).compile(wallet.sender.payer, minPrice, now.hash)
		if err != nil {
			return chain.Receipt{}, err
		}
		id, raw, err := signTransaction(ctx, wallet.sender.key, tx)
		if err != nil {
			return chain.Receipt{}, err
		}
		if !strings.Contains("HNZk", id[len(id)-1:]) {
			return wallet.sender.deliver(ctx, id, raw, now.last)
		}
	}
}

func (w *world) Plain(ctx context.Context) (string, error) {
	ctx, cancel := patient(ctx)
	defer cancel()
	r, err := w.act(ctx, w.key("user"), pay(keyOf(w.key("user")), keyOf(w.key("user")), 1))
	if err != nil {
		return "", err
	}
	return r.Tx, w.time.mine(ctx, 1)
}

func (w *world) Mine(ctx context.Context, n int) error {
	ctx, cancel := patient(ctx)
	defer cancel()
	return w.time.mine(ctx, n)
}

func (w *world) Fork(context.Context, int) error { return chaintest.ErrCannot }

// DropPending cannot be: what a real node took it hands on at once. Here it means what waits under the stopped time.
func (w *world) DropPending(context.Context) error { return chaintest.ErrCannot }

func (w *world) SetPrice(_ context.Context, aboveCaps bool) error {
	w.spike = aboveCaps
	w.handle()
	return nil
}

func (w *world) Spoil(f chaintest.Fault) error {
	if f == chaintest.ForkInReads {
		return chaintest.ErrCannot
	}
	w.fault = f
	w.handle()
	return nil
}

// handle has the proxy play the faults of now.
func (w *world) handle() {
	f := &faults{time: w.time, fault: w.fault, spike: w.spike}
	w.proxy.Handle(f.handle)
}

// faults is what goes wrong in the proxy.
type faults struct {
	time  *stopped
	fault chaintest.Fault
	spike bool
	gone  string // the transaction that the endpoint leaves out
}

func (w *faults) handle(x *rpctest.Exchange) {
	switch w.fault {
	case chaintest.Down:
		x.Drop()
	case chaintest.Hang:
		x.Hang()
	case chaintest.Garbage:
		x.Garbage()
	case chaintest.Oversized:
		x.Oversize(maxBlock)
	case chaintest.Throttled:
		x.Writer.WriteHeader(http.StatusTooManyRequests)
		fmt.Fprint(x.Writer, `{"jsonrpc":"2.0","error":{"code":429,"message":"Too many requests for a specific RPC call"},"id":1}`)
	case chaintest.WrongChain:
		if x.Method == "getGenesisHash" {
			x.Reply(rpctest.Response{Result: json.RawMessage(`"5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d"`)})
			return
		}
		w.time.handle(x)
	default:
		w.content(x)
	}
}

func (w *faults) content(x *rpctest.Exchange) {
	switch {
	case x.Method == "getRecentPrioritizationFees" && w.spike:
		x.Reply(rpctest.Response{Result: json.RawMessage(`[{"slot":1,"prioritizationFee":90000000},{"slot":2,"prioritizationFee":95000000}]`)})
	case x.Method == "getSignaturesForAddress":
		x.Change(w.spoilList)
	case x.Method == "getTransaction" && w.gone != "" && strings.Contains(string(x.Params[0]), w.gone):
		x.Reply(rpctest.Response{})
	case x.Method == "getBlock" && w.gone != "":
		x.Change(w.spoilBlock)
	default:
		w.time.handle(x)
	}
}

// spoilList does to the index of a page what the fault says. What it leaves out is left out of blocks too.
func (w *faults) spoilList(result json.RawMessage) (json.RawMessage, error) {
	var list []json.RawMessage
	if err := json.Unmarshal(result, &list); err != nil || len(list) == 0 {
		return result, err
	}
	middle := len(list) / 2
	switch w.fault {
	case chaintest.DropEvent:
		list = w.leaveOut(list, middle)
	case chaintest.DropLastEvent:
		list = w.leaveOut(list, 0) // newest first
	case chaintest.DuplicateEvent:
		list = slices.Insert(list, middle, list[middle])
	case chaintest.ReorderEvents:
		slices.Reverse(list)
	case chaintest.RangeLimit:
		list = list[:min(3, len(list))]
	}
	return json.Marshal(list)
}

func (w *faults) leaveOut(list []json.RawMessage, at int) []json.RawMessage {
	var entry struct{ Signature string }
	if w.gone == "" && json.Unmarshal(list[at], &entry) == nil {
		w.gone = entry.Signature
	}
	return slices.DeleteFunc(list, func(e json.RawMessage) bool { return strings.Contains(string(e), w.gone) })
}

func (w *faults) spoilBlock(result json.RawMessage) (json.RawMessage, error) {
	var b map[string]json.RawMessage
	var list []json.RawMessage
	if err := json.Unmarshal(result, &b); err != nil || len(b["transactions"]) == 0 {
		return result, err
	}
	if err := json.Unmarshal(b["transactions"], &list); err != nil {
		return nil, err
	}
	list = slices.DeleteFunc(list, func(raw json.RawMessage) bool {
		var t transactionWithMeta
		if json.Unmarshal(raw, &t) != nil {
			return false
		}
		id, _, err := t.keys()
		return err == nil && id == w.gone
	})
	var err error
	if b["transactions"], err = json.Marshal(list); err != nil {
		return nil, err
	}
	return json.Marshal(b)
}

// validatorCases are those that Surfpool does not answer truly: finality, older state, duplicates, expiry, block times.
var validatorCases = []string{
	"heads settle one block at a time",
	"a read at an older block never sees newer state",
	"a delivery goes from pending to final",
	"sending again is no error",
	"a rival's delivery shows as a failure with its reason",
	"an attempt expires with its blocks",
}

// fresh makes a world for a case of the suite. Cases have bridges of their own, so they run beside each other.
func fresh(c *cluster) func(t chaintest.TB) *world {
	return func(tb chaintest.TB) *world {
		t := tb.(*testing.T)
		_, name, _ := strings.Cut(t.Name(), "/")
		if !c.IsValidator() && slices.Contains(validatorCases, strings.ReplaceAll(name, "_", " ")) {
			solanatest.NeedValidator(t)
		}
		t.Parallel()
		return newWorld(t, c)
	}
}

func TestSourceSuite(t *testing.T) {
	newCase := fresh(sharedChain(t))
	chaintest.TestSource(t, func(t chaintest.TB) chaintest.World { return newCase(t) })
}

func TestSinkSuite(t *testing.T) {
	newCase := fresh(sharedChain(t))
	chaintest.TestSink(t, func(t chaintest.TB) chaintest.SinkWorld { return newCase(t) })
}

// The names above are of cases that there are.
func TestValidatorCases(t *testing.T) {
	var names []string
	for _, c := range chaintest.SourceCases() {
		names = append(names, c.Name)
	}
	for _, c := range chaintest.SinkCases() {
		names = append(names, c.Name)
	}
	for _, name := range validatorCases {
		if !slices.Contains(names, name) {
			t.Errorf("the suite has no case %q", name)
		}
	}
}
