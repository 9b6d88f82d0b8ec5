package api_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/api"
	"github.com/trinebridge/trine/appchain"
	"github.com/trinebridge/trine/appchain/appchaintest"
	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/chain/ethereum"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/gossip/wire"
	"github.com/trinebridge/trine/ledger"
	"github.com/trinebridge/trine/signing"
	"github.com/trinebridge/trine/store/pebblestore"
)

// start is the time of the test chain's genesis, Unix milliseconds.
const start = 1_700_000_000_000

// token is what the daemon's operator bears.
const token = "5eed5eed5eed5eed5eed5eed5eed5eed"

// evm knows one chain's notation.
type evm struct{}

func (evm) Format(_ string, word codec.Hash) string      { return ethereum.Adapter.FormatAddress(word) }
func (evm) FormatToken(_ string, word codec.Hash) string { return ethereum.Adapter.FormatAddress(word) }
func (evm) Parse(chainID, text string) (codec.Hash, error) {
	return ethereum.Adapter.ParseAddress(text)
}

// world is an app chain with a bridge, and a daemon's API over it.
type world struct {
	t       *testing.T
	f       *appchaintest.Fixture
	maker   *appchaintest.Maker
	history *appchaintest.History
	node    *appchain.Node
	// config can be changed until serve.
	config api.Config
	alice  *signing.KeySigner
	nonce  uint64
}

func newWorld(t *testing.T) *world {
	t.Helper()
	kv, err := pebblestore.OpenMem()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = kv.Close() })
	f := appchaintest.New(t, appchaintest.Small, start)
	w := &world{t: t, f: f, maker: f.NewMaker(t), history: f.NewHistory(), alice: appchaintest.Key("alice")}
	w.node, err = appchain.New(appchain.Config{Ledger: f.Ledger, KV: kv, Now: func() time.Time { return time.UnixMilli(start + 60_000) }})
	if err != nil {
		t.Fatal(err)
	}
	w.config = api.Config{
		Listen: "127.0.0.1:0", Role: "node", Version: "test", Node: w.node, Addresses: evm{},
		Parts: func() []api.Part { return []api.Part{{Name: "follower", Ready: true, Detail: "at the head"}} },
		Peers: func() int { return 3 }, PeerID: "12D3KooW", Token: token,
		Submit: func(context.Context, *ledger.Transaction) (codec.Hash, error) {
			t.Error("nothing was to be submitted")
			return codec.Hash{}, nil
		},
		ChainTx: func(_ bridgecontracts.Domain, event uint64) (string, bool) {
			return "0xtx" + string(rune('0'+event)), true
		},
	}
	return w
}

// block brings a block to the node.
func (w *world) block(b ledger.Block) codec.Hash {
	w.t.Helper()
	if err := w.node.Import(w.t.Context(), []ledger.Block{b}); err != nil {
		w.t.Fatal(err)
	}
	return b.Header.TxHash
}

// own brings a block with a transaction of the processor.
func (w *world) own(bodies ...ledger.MessageBody) codec.Hash {
	w.t.Helper()
	return w.block(w.maker.Own(bodies...))
}

// tell brings an event of the bridge with a quorum's signatures.
func (w *world) tell(body bridgecontracts.EventBody) codec.Hash {
	w.t.Helper()
	id := w.history.Append(body)
	return w.own(w.f.Attest(w.t, w.history, id, id))
}

// withdraw brings a block in which alice withdraws to a recipient.
func (w *world) withdraw(amount uint64) codec.Hash {
	w.t.Helper()
	w.nonce++
	return w.block(w.maker.Block(w.f.Tx(w.t, w.alice, w.nonce, w.maker.Time+1, &ledger.Withdraw{
		Chain: appchaintest.ChainID, Asset: appchaintest.Asset, To: appchaintest.Key("recipient").Address().Word(), Amount: *uint256.NewInt(amount),
	})))
}

// attached brings the bridge and alice's deposit of a million units.
func (w *world) attached() {
	w.t.Helper()
	w.own(w.f.Attach(w.t))
	w.history.Deposit(w.t, w.alice, 1_000_000)
	w.own(w.f.Attest(w.t, w.history, 1, 1))
}

// action returns what the ledger holds of an action.
func (w *world) action(id uint64) ledger.ActionRecord {
	w.t.Helper()
	record, ok, err := w.node.View().Action(w.f.Domain, id)
	if err != nil || !ok {
		w.t.Fatalf("action %d: %v, %v", id, ok, err)
	}
	return record
}

// seal brings an action's seal.
func (w *world) seal(id uint64) {
	w.t.Helper()
	record := w.action(id)
	digest := record.Digests[len(record.Digests)-1].Digest
	w.own(&ledger.SealAction{Domain: w.f.Domain, ActionID: id, Revision: record.Revision, Seal: bridgecontracts.Seal{
		Epoch: 1, Processor: appchaintest.Sign(w.t, []*signing.KeySigner{w.f.Processor}, 1, digest)[0],
		Approvers: appchaintest.Sign(w.t, w.f.Approvers, 2, digest),
	}})
}

// execute has the bridge report an action.
func (w *world) execute(id uint64, failed codec.Hash) {
	w.t.Helper()
	record := w.action(id)
	w.tell(&bridgecontracts.ActionExecuted{ActionID: id, Digest: record.Digests[len(record.Digests)-1].Digest, Failed: failed})
}

// accuse proves to the node that the processor is hostile.
func (w *world) accuse() {
	w.t.Helper()
	fork := w.maker.Fork()
	own, other := w.maker.Own(&ledger.Tick{}), fork.Own(&ledger.Tick{}, &ledger.Tick{})
	w.block(own)
	network := appchaintest.NewCaptured()
	cancel, err := w.node.Serve(network)
	if err != nil {
		w.t.Fatal(err)
	}
	defer cancel()
	evidence := wire.Evidence{
		First:  wire.SignedHeader{Header: own.Header, Signature: own.Signature},
		Second: &wire.SignedHeader{Header: other.Header, Signature: other.Signature},
	}
	network.Topics[appchain.TopicAlerts](w.t.Context(), "peer", codec.Marshal(&evidence))
	if !w.node.Compromised() {
		w.t.Fatal("the evidence did not convince")
	}
}

// serve runs the API until the test ends, and returns its operator's client.
func (w *world) serve() *api.Client {
	w.t.Helper()
	client, err := api.NewClient("http://" + w.listen())
	if err != nil {
		w.t.Fatal(err)
	}
	return client.WithToken(token)
}

// listen runs the API and returns its address.
func (w *world) listen() string {
	w.t.Helper()
	server, err := api.New(w.config)
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- server.Run(ctx) }()
	w.t.Cleanup(func() {
		cancel()
		http.DefaultClient.CloseIdleConnections()
		if err := <-done; err != nil {
			w.t.Errorf("the server ended with %v", err)
		}
	})
	return server.Address()
}

// ok fails the test on an error.
func ok[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}
