package bridgewatch

import (
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/trinebridge/trine/bridgecontracts"
	contract "github.com/trinebridge/trine/bridgecontracts/ethereum"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/chain/chaintest"
	"github.com/trinebridge/trine/chain/ethereum"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/internal/evm"
	"github.com/trinebridge/trine/internal/evmtest"
	"github.com/trinebridge/trine/signing"
	"github.com/trinebridge/trine/store/pebblestore"
)

// TestBridgeThatAnotherSetHeldFirst is the story of a deployer with a real bridge of a real constructor, which begins with a set of
// his own keys. With their seals it could approve that he spends its tokens; then a rotation hands it to the network's set.
func TestBridgeThatAnotherSetHeldFirst(t *testing.T) {
	genesis, deployer := codec.Keccak([]byte("bridgewatch")), evm.DevKey(0)
	c := evmtest.Start(t, evm.Config{OnDemand: true, Prefunded: []common.Address{evm.AddressOf(deployer)}})
	thieves, set := chaintest.NewMembers("thieves", 1, 1, 1), chaintest.NewMembers("network", 2, 3, 3).Set
	deployed, err := ethereum.Deploy(t.Context(), chain.DeployConfig{
		ChainID: c.ChainID(), Endpoint: c.URL(), Genesis: genesis, Set: thieves.Set, FeeKey: signing.NewKeySigner(deployer), Poll: time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	domain := bridgecontracts.NewDomain(genesis, c.ChainID(), deployed.Bridge)
	kv, err := pebblestore.OpenMem()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = kv.Close() })
	reader, err := OpenReader(ReaderConfig{Domain: domain, Store: kv, Open: func(start uint64) (chain.Source, error) {
		return ethereum.OpenSource(chain.SourceConfig{ChainID: c.ChainID(), Endpoint: c.URL(), Bridge: deployed.Bridge, Genesis: genesis, StartBlock: start})
	}, Finality: chain.Finality{Confirmations: 1}})
	if err != nil {
		t.Fatal(err)
	}
	expected := Expectation{Genesis: genesis, Chain: c.ChainID(), Bridge: deployed.Bridge, CodeHash: ethereum.Adapter.BridgeCodeHash, Set: thieves.Set}
	c.Mine(2)
	if _, err := reader.AttachVote(t.Context(), expected); err != nil {
		t.Fatalf("the network of the first set would attach it, but: %v", err)
	}

	seized := thieves.Action(domain, 1, &bridgecontracts.Noop{})
	call, err := contract.PackExecute(domain, seized.Action, &seized.Seal, &seized.Set)
	sendTo(t, c, deployed.Bridge, call, err)
	handed := thieves.Control(domain, set.Epoch, &bridgecontracts.Rotate{Set: set})
	call, err = contract.PackControl(domain, handed.Control, &handed.Seal, &handed.Set)
	sendTo(t, c, deployed.Bridge, call, err)
	c.Mine(2)
	expected.Set = set
	if _, err := reader.AttachVote(t.Context(), expected); !errors.Is(err, ErrNotTheBridge) || !strings.Contains(err.Error(), "event 1 (ActionExecuted)") {
		t.Fatalf("error %v, want one that names what was done before", err)
	}
}

// sendTo has the deployer call a contract.
func sendTo(t *testing.T, c *evm.Chain, to codec.Hash, call []byte, packed error) {
	t.Helper()
	address, err := contract.Address(to)
	key := evm.DevKey(0)
	nonce, nonceErr := c.Client().PendingNonceAt(t.Context(), evm.AddressOf(key))
	id, idErr := c.Client().ChainID(t.Context())
	if err := errors.Join(packed, err, nonceErr, idErr); err != nil {
		t.Fatal(err)
	}
	tx, err := types.SignNewTx(key, types.NewLondonSigner(id), &types.DynamicFeeTx{
		ChainID: id, Nonce: nonce, GasTipCap: big.NewInt(1e9), GasFeeCap: big.NewInt(100e9), Gas: 1_000_000, To: &address, Data: call,
	})
	if err == nil {
		err = c.Client().SendTransaction(t.Context(), tx)
	}
	if err != nil {
		t.Fatal(err)
	}
	for {
		c.Mine(1)
		receipt, err := c.Client().TransactionReceipt(t.Context(), tx.Hash())
		if err == nil && receipt.Status == types.ReceiptStatusSuccessful {
			return
		}
		if err == nil || t.Context().Err() != nil {
			t.Fatalf("transaction %s: %v, %v", tx.Hash(), receipt, err)
		}
	}
}
