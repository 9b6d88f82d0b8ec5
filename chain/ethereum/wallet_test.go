package ethereum

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
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

// onDemand is a world whose chain mines each transaction at once.
func onDemand(t *testing.T) (*world, *evm.Chain, chain.Wallet) {
	t.Helper()
	c := evmtest.Start(t, evm.Config{Prefunded: accounts(), OnDemand: true})
	w := newWorld(t, simulated{c})
	wallet, err := Adapter.OpenWallet(chain.SinkConfig{SourceConfig: w.sourceConfig(w.url()), FeeKey: payer(keyUser), Poll: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	return w, c, wallet
}

// events returns all events of the bridge at the newest block.
func (w *world) events(t *testing.T) []chain.LocatedEvent {
	t.Helper()
	if err := w.mine(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	s, err := OpenSource(w.sourceConfig(w.url()))
	if err != nil {
		t.Fatal(err)
	}
	at, err := s.Head(t.Context(), chain.Finality{Confirmations: 1})
	if err != nil {
		t.Fatal(err)
	}
	c, err := s.Counters(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	events, err := s.Events(t.Context(), 1, c.EventID, at)
	if err != nil {
		t.Fatal(err)
	}
	return events
}

func TestDepositOfTokens(t *testing.T) {
	for _, strict := range []bool{false, true} {
		name := map[bool]string{false: "plain", true: "strict as Tether"}[strict]
		t.Run(name, func(t *testing.T) {
			w, c, wallet := onDemand(t)
			user := evm.DevKey(keyUser)
			at, err := evm.DeployToken(t.Context(), c.Client(), user, evm.TokenConfig{Symbol: "USD", Decimals: 6, Strict: strict})
			if err != nil {
				t.Fatal(err)
			}
			if err := evm.MintToken(t.Context(), c.Client(), user, at, evm.AddressOf(user), big.NewInt(1000)); err != nil {
				t.Fatal(err)
			}
			token := contract.Word(at)
			bridge, err := contract.Address(w.bridge.Bridge)
			if err != nil {
				t.Fatal(err)
			}
			// An allowance that is left over and too short: a strict token has it changed through zero only.
			own := wallet.(*Wallet)
			if _, err := own.transact(t.Context(), "approve", &at, new(uint256.Int), packApprove(bridge, uint256.NewInt(5)), nil); err != nil {
				t.Fatal(err)
			}
			key := signing.NewKeySigner(evm.DevKey(77))
			proof := bridgecontracts.KeyProof{Key: key.PublicKey()}
			if proof.Signature, err = key.SignDigest(bridgecontracts.KeyLinkDigest(w.domain(), wallet.Address(), proof.Key)); err != nil {
				t.Fatal(err)
			}
			r, err := wallet.Deposit(t.Context(), token, *uint256.NewInt(300), []bridgecontracts.KeyProof{proof})
			if err != nil {
				t.Fatal(err)
			}
			if again, err := wallet.Receipt(t.Context(), r.Tx); err != nil || again != r {
				t.Fatalf("receipt is %+v, %v; Deposit returned %+v", again, err, r)
			}
			held, err := wallet.Balance(t.Context(), token, w.bridge.Bridge)
			if err != nil || !held.Eq(uint256.NewInt(300)) {
				t.Fatalf("the bridge holds %s, %v; want 300", &held, err)
			}
			events := w.events(t)
			d, ok := events[0].Body.(*bridgecontracts.Deposited)
			if len(events) != 1 || !ok || events[0].Tx != r.Tx || events[0].Block != r.Block || d.Wallet != wallet.Address() || len(d.Keys) != 1 || d.Keys[0] != proof {
				t.Fatalf("events are %+v, want the deposit %+v with its key", events, r)
			}
		})
	}
}

func TestAllowanceThatSufficesIsUsed(t *testing.T) {
	w, c, wallet := onDemand(t)
	user := evm.DevKey(keyUser)
	at, err := evm.DeployToken(t.Context(), c.Client(), user, evm.TokenConfig{Symbol: "USD", Decimals: 6})
	if err != nil {
		t.Fatal(err)
	}
	if err := evm.MintToken(t.Context(), c.Client(), user, at, evm.AddressOf(user), big.NewInt(1000)); err != nil {
		t.Fatal(err)
	}
	bridge := common.Address(w.bridge.Bridge[12:])
	if _, err := wallet.(*Wallet).transact(t.Context(), "approve", &at, new(uint256.Int), packApprove(bridge, uint256.NewInt(500)), nil); err != nil {
		t.Fatal(err)
	}
	before, err := c.Client().NonceAt(t.Context(), evm.AddressOf(user), nil)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := wallet.Deposit(t.Context(), contract.Word(at), *uint256.NewInt(200), nil); err != nil {
			t.Fatal(err)
		}
	}
	after, err := c.Client().NonceAt(t.Context(), evm.AddressOf(user), nil)
	if err != nil || after != before+2 {
		t.Fatalf("two deposits took %d transactions, %v; want 2", after-before, err)
	}
}

func TestDepositOfCoinsAndClaim(t *testing.T) {
	w, _, wallet := onDemand(t)
	if _, err := wallet.Deposit(t.Context(), contract.Native, *uint256.NewInt(1000), nil); err != nil {
		t.Fatal(err)
	}
	// The bridge refuses to pay itself, so this transfer fails and waits to be claimed; it is owed to the bridge, and stays.
	_, err := wallet.Claim(t.Context(), contract.Native, wallet.Address(), wallet.Address())
	if err == nil || !strings.Contains(err.Error(), "NothingToClaim") {
		t.Fatalf("claim of nothing: %v, want the contract's reason", err)
	}
	if held, err := wallet.Balance(t.Context(), contract.Native, w.bridge.Bridge); err != nil || !held.Eq(uint256.NewInt(1000)) {
		t.Fatalf("the bridge holds %s, %v; want 1000", &held, err)
	}
}

// testClaimByBomber claims for a recipient that fails with as many bytes as its gas can pay for.
func testClaimByBomber(t *testing.T, w *world) {
	if _, err := w.send(t.Context(), common.Address(w.bridge.Bridge[12:]), 1000, nil); err != nil {
		t.Fatal(err)
	}
	bomber := w.zoo(t, "Bomber", true)
	inOneBlock(t, w, w.members.Action(w.domain(), 1, transfers(1, contract.Native, &bomber)))
	w.proxy.Handle(nil)
	_, err := w.throughProxy(t).Claim(t.Context(), contract.Native, bomber, bomber)
	if err == nil || !strings.Contains(err.Error(), "the bridge refused") || len(err.Error()) > 2000 {
		t.Fatalf("error of %d bytes, %.200v; want the refusal, cut", len(fmt.Sprint(err)), err)
	}
}

func TestClaimByRecipientThatAnswersMuch(t *testing.T) { testClaimByBomber(t, newSimulatedWorld(t)) }

func TestDepositFaultsNameTheReason(t *testing.T) {
	_, c, wallet := onDemand(t)
	at, err := evm.DeployToken(t.Context(), c.Client(), evm.DevKey(keyUser), evm.TokenConfig{Symbol: "USD", Decimals: 6})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		token  codec.Hash
		amount uint64
		want   string
	}{
		"more than the wallet has": {contract.Word(at), 10, "deposit: "},
		"no contract there":        {codec.Hash{31: 0x77, 30: 0x10}, 10, "no ERC-20 token"},
		"no address":               {codec.Hash{1}, 10, "upper 12 bytes"},
		"nothing without keys":     {contract.Native, 0, "zero"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := wallet.Deposit(t.Context(), c.token, *uint256.NewInt(c.amount), nil)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("error %v, want %q", err, c.want)
			}
		})
	}
}

func TestWalletWaitsUntilMinedOrTheContextEnds(t *testing.T) {
	w := newSimulatedWorld(t)
	wallet, err := OpenWallet(chain.SinkConfig{SourceConfig: w.sourceConfig(w.proxy.URL()), FeeKey: payer(keyUser), Poll: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	w.proxy.Handle(func(x *rpctest.Exchange) {
		x.Pass()
		if x.Method == "eth_getTransactionReceipt" {
			cancel() // the caller gives up once it has asked
		}
	})
	_, err = wallet.Deposit(ctx, contract.Native, *uint256.NewInt(1), nil)
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "not mined yet") {
		t.Fatalf("error %v, want the cancellation and that the transaction is sent", err)
	}
	whileMining(t, w.backend, func(ctx context.Context) error {
		_, err := wallet.Deposit(ctx, contract.Native, *uint256.NewInt(1), nil)
		return err
	})
	if events := w.events(t); len(events) != 2 {
		t.Fatalf("%d deposits, want 2", len(events))
	}
}

func TestDeployFaults(t *testing.T) {
	c := evmtest.Start(t, evm.Config{Prefunded: accounts(), OnDemand: true})
	good := chain.DeployConfig{ChainID: c.ChainID(), Endpoint: c.URL(), Genesis: testGenesis, Set: chaintest.NewMembers("d", 1, 1, 1).Set,
		FeeKey: payer(0), Poll: time.Millisecond}
	for name, change := range map[string]struct {
		with func(*chain.DeployConfig)
		want string
	}{
		"another chain":     {func(d *chain.DeployConfig) { d.ChainID = "eip155:1" }, "want eip155:1"},
		"another namespace": {func(d *chain.DeployConfig) { d.ChainID = "solana:1" }, "want eip155:<number>"},
		"no key":            {func(d *chain.DeployConfig) { d.FeeKey = nil }, "no key"},
		"no coins":          {func(d *chain.DeployConfig) { d.FeeKey = payer(99) }, "insufficient funds"},
		"no genesis":        {func(d *chain.DeployConfig) { d.Genesis = codec.Hash{} }, "genesis"},
		"no endpoint":       {func(d *chain.DeployConfig) { d.Endpoint = "ftp://x" }, "http"},
	} {
		t.Run(name, func(t *testing.T) {
			config := good
			change.with(&config)
			if _, err := Deploy(t.Context(), config); err == nil || !strings.Contains(err.Error(), change.want) {
				t.Fatalf("error %v, want %q", err, change.want)
			}
		})
	}
	if d, err := Deploy(t.Context(), good); err != nil || d.Bridge.IsZero() || d.GasUsed == 0 || d.StartBlock == 0 {
		t.Fatalf("deployed %+v, %v", d, err)
	}
}
