package listener

import (
	"context"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/appchain"
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

// The real bridge contract on a real EVM: the listener finds it worth attaching, and then
// attests the head that the contract itself shows after a deposit.
func TestRealBridge(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	user := evm.DevKey(0)
	c, err := evm.Start(evm.Config{OnDemand: true, Prefunded: []common.Address{evm.AddressOf(user)}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	s := newScene(t)
	deployed, err := ethereum.Deploy(ctx, chain.DeployConfig{ChainID: c.ChainID(), Endpoint: c.URL(), Genesis: s.external.Genesis(), Set: s.app.set, FeeKey: signing.NewKeySigner(user)})
	if err != nil {
		t.Fatal(err)
	}
	config := s.config()
	at := func(start uint64) chain.SourceConfig {
		return chain.SourceConfig{ChainID: c.ChainID(), Endpoint: c.URL(), Bridge: deployed.Bridge, Genesis: s.external.Genesis(), StartBlock: start}
	}
	config.Chains = map[string]bridgewatch.Access{c.ChainID(): {
		Open:     func(_ codec.Hash, start uint64) (chain.Source, error) { return ethereum.OpenSource(at(start)) },
		CodeHash: ethereum.Adapter.BridgeCodeHash,
		Finality: chain.Finality{Confirmations: 1},
	}}
	config.Intents = []bridgewatch.Intent{{Chain: c.ChainID(), Bridge: deployed.Bridge}}
	if s.listener, err = New(config); err != nil {
		t.Fatal(err)
	}
	domain := bridgecontracts.NewDomain(s.external.Genesis(), c.ChainID(), deployed.Bridge)
	w := s.listener.watcher(domain)
	c.Mine(2)
	if err := w.runOnce(ctx, s.now); err != nil {
		t.Fatal(err)
	}
	if topics, _ := s.net.take(); len(topics) != 1 || topics[0] != appchain.TopicApprovals {
		t.Fatalf("published on %v, want a vote to attach", topics)
	}

	s.app.change(func() {
		s.app.bridges = []ledger.Bridge{{
			Domain: domain, Chain: c.ChainID(), Address: deployed.Bridge, StartBlock: deployed.StartBlock,
			Generation: 1, Head: bridgecontracts.FirstHead(domain),
		}}
	})
	wallet, err := ethereum.OpenWallet(chain.SinkConfig{SourceConfig: at(deployed.StartBlock), FeeKey: signing.NewKeySigner(user)})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := wallet.Deposit(ctx, ethereum.Adapter.NativeToken, *uint256.NewInt(1000), nil); err != nil {
			t.Fatal(err)
		}
	}
	c.Mine(2)
	if err := w.runOnce(ctx, s.now.Add(poll)); err != nil {
		t.Fatal(err)
	}
	_, messages := s.net.take()
	if len(messages) != 1 {
		t.Fatalf("%d messages, want one attestation", len(messages))
	}
	var a wire.Attestation
	if err := codec.Unmarshal(messages[0], &a, wire.MaxSmall); err != nil {
		t.Fatal(err)
	}
	source, err := ethereum.OpenSource(at(deployed.StartBlock))
	if err != nil {
		t.Fatal(err)
	}
	head, err := source.Head(ctx, chain.Finality{Confirmations: 1})
	if err != nil {
		t.Fatal(err)
	}
	counters, err := source.Counters(ctx, head)
	if err != nil || a.EventID != counters.EventID || a.EventID != 3 || a.Head != counters.Head {
		t.Errorf("attested event %d with head %s, the contract shows event %d with head %s: %v", a.EventID, a.Head, counters.EventID, counters.Head, err)
	}
}
