package approver

import (
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/bridgewatch"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/chain/ethereum"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/gossip/wire"
	"github.com/trinebridge/trine/internal/evm"
	"github.com/trinebridge/trine/ledger"
	"github.com/trinebridge/trine/signing"
)

// real is a scene with the real bridge contract on a real EVM.
type real struct {
	*scene
	chain    *evm.Chain
	user     *signing.KeySigner // pays on the chain, and owns the deposits
	deployed chain.Deployed
	finality chain.Finality
}

func newReal(t *testing.T) *real {
	ctx := t.Context()
	user := evm.DevKey(0)
	c, err := evm.Start(evm.Config{OnDemand: true, Prefunded: []common.Address{evm.AddressOf(user)}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	coin := ledger.Token{Chain: c.ChainID(), Address: ethereum.Adapter.NativeToken, Decimals: 18, MinWithdrawal: *uint256.NewInt(10), Fee: *uint256.NewInt(1)}
	r := &real{chain: c, user: signing.NewKeySigner(user), finality: chain.Finality{Confirmations: 1}, scene: emptyScene(t, nil, ledger.Genesis{
		Chains: []ledger.Chain{{ID: c.ChainID(), Rule: ledger.RuleEVM, Confirmations: 1}},
		Assets: []ledger.Asset{{Symbol: "COIN", Decimals: 18, Tokens: []ledger.Token{coin}}},
	})}
	r.deployed, err = ethereum.Deploy(ctx, chain.DeployConfig{ChainID: c.ChainID(), Endpoint: c.URL(), Genesis: r.ledger.GenesisHash(), Set: r.set, FeeKey: r.user})
	if err != nil {
		t.Fatal(err)
	}
	r.config = func(config *Config) {
		config.Chains[c.ChainID()] = bridgewatch.Access{
			Open:     func(_ codec.Hash, start uint64) (chain.Source, error) { return ethereum.OpenSource(r.at(start)) },
			CodeHash: ethereum.Adapter.BridgeCodeHash, Finality: r.finality,
		}
	}
	r.restart()
	return r
}

func (r *real) at(start uint64) chain.SourceConfig {
	return chain.SourceConfig{ChainID: r.chain.ChainID(), Endpoint: r.chain.URL(), Bridge: r.deployed.Bridge, Genesis: r.ledger.GenesisHash(), StartBlock: start}
}

func (r *real) source() chain.Source {
	r.Helper()
	source, err := ethereum.OpenSource(r.at(r.deployed.StartBlock))
	if err != nil {
		r.Fatal(err)
	}
	return source
}

// vote returns the only message that was published.
func (r *real) vote() (vote wire.Vote) {
	r.Helper()
	if len(r.published) != 1 {
		r.Fatalf("%d messages, want one; status %+v", len(r.published), r.approver.Status())
	}
	if err := codec.Unmarshal(r.published[0], &vote, wire.MaxSmall); err != nil {
		r.Fatal(err)
	}
	r.published = nil
	return vote
}

// deliver has the contract run an action.
func (r *real) deliver(d *chain.Delivery) {
	r.Helper()
	ctx := r.Context()
	sink, err := ethereum.OpenSink(chain.SinkConfig{SourceConfig: r.at(r.deployed.StartBlock), FeeKey: r.user})
	if err != nil {
		r.Fatal(err)
	}
	sender, err := sink.Sender(ctx)
	if err != nil {
		r.Fatal(err)
	}
	caps := chain.Caps{MaxFeePerGas: *uint256.NewInt(200e9), MaxTip: *uint256.NewInt(5e9)}
	draft, err := sink.Build(ctx, chain.BuildRequest{Delivery: d, Nonce: sender.Pending, Caps: caps})
	if err != nil {
		r.Fatal(err)
	}
	attempt, err := sink.Sign(ctx, draft)
	if err != nil {
		r.Fatal(err)
	}
	if err := sink.Broadcast(ctx, attempt); err != nil {
		r.Fatal(err)
	}
	r.chain.Mine(2)
}

// The approver finds the real contract worth attaching, approves a withdrawal of what was
// deposited there, and the contract pays it with the approver's signature. A deposit that
// the listeners invent stops the next one.
func TestRealBridge(t *testing.T) {
	r := newReal(t)
	if err := r.approver.Attach(t.Context(), r.chain.ChainID(), r.deployed.Bridge); err != nil {
		t.Fatal(err)
	}
	r.chain.Mine(2)
	r.look()
	vote := r.vote().Attach
	if vote == nil || vote.CodeHash != ethereum.Adapter.BridgeCodeHash || vote.StartBlock > r.deployed.StartBlock {
		t.Fatalf("vote to attach %+v, want one for what was deployed: %+v", vote, r.deployed)
	}
	id := r.chain.ChainID()
	r.attach(id, vote.Bridge, vote.CodeHash, vote.StartBlock)

	wallet, err := ethereum.OpenWallet(chain.SinkConfig{SourceConfig: r.at(r.deployed.StartBlock), FeeKey: r.user})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := wallet.Deposit(t.Context(), ethereum.Adapter.NativeToken, *uint256.NewInt(1000), []bridgecontracts.KeyProof{r.proof(id, r.scene.user, wallet.Address())}); err != nil {
		t.Fatal(err)
	}
	r.chain.Mine(2)
	r.attestFrom(id, r.source(), r.finality)
	r.withdraw(id, 1, 401)
	r.round(time.Second)
	approval := r.vote().Approval
	if approval == nil {
		t.Fatalf("no approval; decisions %+v", r.approver.Status().Actions)
	}

	record, _, err := r.ledgerView().Action(r.bridge(id).Domain, 1)
	if err != nil {
		t.Fatal(err)
	}
	seal := bridgecontracts.Seal{Epoch: 1, Approvers: []signing.Signature{approval.Signature, r.sign(r.approvers[1], approval.Digest)}}
	seal.Processor = r.sign(r.processor, approval.Digest)
	r.deliver(&chain.Delivery{Action: &record.Action, Seal: seal, Set: r.set})
	if paid, err := wallet.Balance(t.Context(), ethereum.Adapter.NativeToken, recipient); err != nil || paid.Uint64() != 400 {
		t.Fatalf("the contract has paid %s, %v, want 400", paid.Dec(), err)
	}
	r.round(time.Second)
	r.wantReason(Waiting, WaitExecuted, "takes action 2 next")

	r.attestFrom(id, r.source(), r.finality)
	b := r.bridge(id)
	r.attestEvents(id, bridgecontracts.Event{ID: b.EventID + 1, Body: &bridgecontracts.Deposited{Wallet: wallet.Address(), Token: ethereum.Adapter.NativeToken, Amount: *uint256.NewInt(10_000)}})
	r.withdraw(id, 1, 500)
	r.round(time.Second)
	r.wantReason(Waiting, WaitBehind, "event 3", "settled event 2")
	if _, err := wallet.Deposit(t.Context(), ethereum.Adapter.NativeToken, *uint256.NewInt(1), nil); err != nil {
		t.Fatal(err)
	}
	r.chain.Mine(2)
	r.round(time.Second)
	r.wantReason(Refused, RefuseHistory, "event 3", id)
}

func (s *scene) sign(key *signing.KeySigner, digest codec.Hash) signing.Signature {
	s.Helper()
	signature, err := key.SignDigest(digest)
	if err != nil {
		s.Fatal(err)
	}
	return signature
}
