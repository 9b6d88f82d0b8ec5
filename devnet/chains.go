package devnet

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"math/big"
	"time"

	"github.com/ethereum/go-ethereum/accounts/abi/bind/v2"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/ethclient"

	"github.com/trinebridge/trine/app"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/internal/evm"
)

// Numbers of the embedded chains.
const (
	firstChainID = 31_001
	blockTime    = time.Second
	// confirmations below the newest block count as settled on a development chain: enough
	// to see the difference, not enough to wait for.
	confirmations = 2
	// skew in seconds: one machine has one clock, and a development chain's runs by it.
	skew      = 5
	pollEvery = 300 * time.Millisecond
)

// External is an external chain of the network.
type External struct {
	ID       string `json:"id"`
	Endpoint string `json:"endpoint"`
	// Token is the test ERC-20, which anyone can mint.
	Token common.Address `json:"token"`
	// Bridge is its address once it is deployed.
	Bridge string `json:"bridge"`

	daemons  []string
	decimals uint8
	client   *ethclient.Client
	embedded *evm.Chain
	adapter  chain.Adapter
}

// Client returns a client of the chain for this process; it is closed with the network.
func (x *External) Client() *ethclient.Client { return x.client }

// Faucet returns the key that pays on every chain.
func Faucet() *ecdsa.PrivateKey { return faucet() }

// faucet pays on every chain: the first well-known development key, which owns coins on
// the embedded chains and on anvil.
func faucet() *ecdsa.PrivateKey {
	key, err := crypto.HexToECDSA("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80")
	if err != nil {
		panic(err) // the constant is a key
	}
	return key
}

// openChains starts or dials the external chains.
func openChains(ctx context.Context, configs []ChainConfig) (chains []*External, err error) {
	defer func() {
		if err != nil {
			err = errors.Join(err, closeChains(chains))
			chains = nil
		}
	}()
	if len(configs) == 0 {
		for i := range 2 {
			c, err := evm.Start(evm.Config{ChainID: uint64(firstChainID + i), BlockTime: blockTime, Prefunded: []common.Address{evm.AddressOf(faucet())}}) // small
			if err != nil {
				return chains, err
			}
			chains = append(chains, &External{ID: c.ChainID(), Endpoint: c.URL(), embedded: c})
		}
	}
	for _, c := range configs {
		chains = append(chains, &External{Endpoint: c.Endpoint, daemons: c.Daemons})
	}
	for _, x := range chains {
		if err := x.dial(ctx); err != nil {
			return chains, err
		}
	}
	return chains, nil
}

func (x *External) dial(ctx context.Context) (err error) {
	if len(x.daemons) == 0 {
		x.daemons = []string{x.Endpoint}
	}
	if x.client, err = ethclient.DialContext(ctx, x.Endpoint); err != nil {
		return fmt.Errorf("endpoint %s: %w", x.Endpoint, err)
	}
	id, err := x.client.ChainID(ctx)
	if err != nil {
		return fmt.Errorf("endpoint %s does not answer: %w", x.Endpoint, err)
	}
	x.ID = "eip155:" + id.String()
	if x.adapter, err = app.AdapterOf(x.ID); err != nil {
		return err
	}
	balance, err := x.client.BalanceAt(ctx, evm.AddressOf(faucet()), nil)
	if err != nil {
		return fmt.Errorf("endpoint %s: %w", x.Endpoint, err)
	}
	if balance.Cmp(coins(1000)) < 0 {
		return fmt.Errorf("chain %s: the development account %s owns less than 1000 coins; use a development chain such as anvil", x.ID, evm.AddressOf(faucet()))
	}
	return nil
}

// coins returns n whole coins in wei.
func coins(n int64) *big.Int {
	return new(big.Int).Mul(big.NewInt(n), new(big.Int).Exp(big.NewInt(10), big.NewInt(18), nil))
}

func (x *External) deployToken(ctx context.Context, decimals uint8) (err error) {
	x.decimals = decimals
	x.Token, err = evm.DeployToken(ctx, x.client, faucet(), evm.TokenConfig{Symbol: "USDC", Decimals: decimals})
	return err
}

// Fund sends coins from the faucet and waits until they have arrived.
func (x *External) Fund(ctx context.Context, to common.Address, wei *big.Int) error {
	from := evm.AddressOf(faucet())
	nonce, err := x.client.PendingNonceAt(ctx, from)
	if err != nil {
		return err
	}
	head, err := x.client.HeaderByNumber(ctx, nil)
	if err != nil {
		return err
	}
	id, err := x.client.ChainID(ctx)
	if err != nil {
		return err
	}
	tip := big.NewInt(1e9)
	tx, err := types.SignNewTx(faucet(), types.LatestSignerForChainID(id), &types.DynamicFeeTx{
		ChainID: id, Nonce: nonce, To: &to, Value: wei, Gas: 100_000,
		GasTipCap: tip, GasFeeCap: new(big.Int).Add(tip, new(big.Int).Mul(head.BaseFee, big.NewInt(4))),
	})
	if err != nil {
		return err
	}
	if err := x.client.SendTransaction(ctx, tx); err != nil {
		return err
	}
	receipt, err := bind.WaitMined(ctx, x.client, tx.Hash())
	if err == nil && receipt.Status != types.ReceiptStatusSuccessful {
		err = fmt.Errorf("transaction %s reverted", tx.Hash())
	}
	return err
}

func closeChains(chains []*External) error {
	var errs []error
	for _, x := range chains {
		if x.client != nil {
			x.client.Close()
		}
		if x.embedded != nil {
			errs = append(errs, x.embedded.Close())
		}
	}
	return errors.Join(errs...)
}
