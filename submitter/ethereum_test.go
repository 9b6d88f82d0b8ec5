package submitter

import (
	"context"
	"crypto/ecdsa"
	"math/big"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/chain/ethereum"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/internal/evm"
	"github.com/trinebridge/trine/ledger"
	"github.com/trinebridge/trine/signing"
)

// The real bridge contract on a real EVM: three actions, a restart while they wait, and a
// fourth one. Every recipient is paid once, and no transaction fails.
func TestRealBridge(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	deployer, fees := evm.DevKey(0), evm.DevKey(1)
	c, err := evm.Start(evm.Config{Prefunded: []common.Address{evm.AddressOf(deployer), evm.AddressOf(fees)}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	mine := miner(t, c)

	s := newScene(t)
	genesis := s.external.Genesis()
	var deployed chain.Deployed
	mine(func() {
		deployed, err = ethereum.Deploy(ctx, chain.DeployConfig{ChainID: c.ChainID(), Endpoint: c.URL(), Genesis: genesis, Set: s.ledger.set, FeeKey: signing.NewKeySigner(deployer)})
	})
	if err != nil {
		t.Fatal(err)
	}
	source := chain.SourceConfig{ChainID: c.ChainID(), Endpoint: c.URL(), Bridge: deployed.Bridge, Genesis: genesis, StartBlock: deployed.StartBlock}
	wallet, err := ethereum.OpenWallet(chain.SinkConfig{SourceConfig: source, FeeKey: signing.NewKeySigner(deployer)})
	if err != nil {
		t.Fatal(err)
	}
	coin := ethereum.Adapter.NativeToken
	mine(func() { _, err = wallet.Deposit(ctx, coin, *uint256.NewInt(1e18), nil) })
	if err != nil {
		t.Fatal(err)
	}

	s.ledger.bridge = ledger.Bridge{
		Domain: bridgecontracts.NewDomain(genesis, c.ChainID(), deployed.Bridge), Chain: c.ChainID(), Address: deployed.Bridge, StartBlock: deployed.StartBlock, Epoch: 1,
	}
	recipient := func(id uint64) codec.Hash {
		return codec.LeftPad(common.BigToAddress(big.NewInt(int64(id) + 1<<40)).Bytes())
	} // small
	seal := func(id uint64) {
		s.ledger.bridge.LastAction = id
		s.ledger.sealAs(id, 1, &bridgecontracts.Transfers{Transfers: []bridgecontracts.Transfer{{Token: coin, To: recipient(id), Amount: *uint256.NewInt(1000 + id)}}})
	}
	var included []string
	open := func() { s.openReal(source, fees, &included) }
	open()
	for id := range uint64(3) {
		seal(id + 1)
	}
	for range 3 { // what the node's pending block does not show yet waits a round
		s.mustRound(poll)
	}
	pending, err := c.Client().PendingTransactionCount(ctx)
	if err != nil || pending < 1 {
		t.Fatalf("%d transactions wait: %v", pending, err)
	}
	open()
	seal(4)
	for range 8 {
		s.mustRound(poll)
		c.Commit()
		s.now = s.now.Add(firstRest)
	}
	for id := uint64(1); id <= 4; id++ {
		if got, err := wallet.Balance(ctx, coin, recipient(id)); err != nil || got.Uint64() != 1000+id {
			t.Errorf("recipient of action %d owns %s, %v; status %+v", id, got.Dec(), err, s.status())
		}
	}
	s.ledger.bridge.LastExecuted = 4
	s.mustRound(poll)
	s.wantJobs(0)
	if len(included) < 4 {
		t.Errorf("%d transactions were seen in blocks: %v", len(included), included)
	}
}

// openReal opens the submitter anew, on a bridge of a real chain; it notes what it saw included.
func (s *scene) openReal(source chain.SourceConfig, fees *ecdsa.PrivateKey, included *[]string) {
	s.Helper()
	var err error
	if s.s, err = New(Config{
		Chains: map[string]Chain{source.ChainID: {
			Open: func(codec.Hash, uint64) (chain.Sink, error) {
				return ethereum.OpenSink(chain.SinkConfig{SourceConfig: source, FeeKey: signing.NewKeySigner(fees)})
			},
			Finality: chain.Finality{Confirmations: 1},
			Caps:     chain.Caps{MaxFeePerGas: *uint256.NewInt(200e9), MaxTip: *uint256.NewInt(5e9)},
		}},
		View: func() View { return s.ledger }, Changed: func() <-chan struct{} { return s.ledger.changed },
		Store: s.kv, Now: func() time.Time { return s.now },
		Observer: Observer{Included: func(_, what string, status chain.Status) {
			*included = append(*included, what)
			if status.Failed {
				s.Errorf("the transaction of %s failed: %s", what, status.Reason)
			}
		}},
	}); err != nil {
		s.Fatal(err)
	}
}

// miner returns a function that mines while another one waits for its transaction.
func miner(t *testing.T, c *evm.Chain) func(fn func()) {
	t.Helper()
	return func(fn func()) {
		done := make(chan struct{})
		go func() { defer close(done); fn() }()
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				c.Commit()
			}
		}
	}
}
