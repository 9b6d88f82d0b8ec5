// Package testchain is an EVM chain inside the process for tests and gas measurements: go-ethereum's simulated backend under
// the rules that Ethereum's main network has now, with one funded account that sends everything.
package testchain

import (
	"context"
	"crypto/ecdsa"
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/eth/ethconfig"
	"github.com/ethereum/go-ethereum/ethclient/simulated"
	"github.com/ethereum/go-ethereum/node"
	"github.com/ethereum/go-ethereum/params"
)

// ChainID is the chain's id: the simulated backend's own.
const ChainID = 1337

// Fork is the fork whose rules the chain has: the newest that go-ethereum knows to be live on the main network.
const Fork = "osaka"

// Chain is a running chain. It is not safe for concurrent use.
type Chain struct {
	*simulated.Backend
	Key    *ecdsa.PrivateKey
	Sender common.Address
}

// New starts a chain; Close ends it.
func New() (*Chain, error) {
	if next := params.MainnetChainConfig.AmsterdamTime; next != nil {
		return nil, fmt.Errorf("testchain: the main network has left %s at time %d: measure on its newest fork", Fork, *next)
	}
	key, err := crypto.ToECDSA(crypto.Keccak256([]byte("trine test chain")))
	if err != nil {
		return nil, err
	}
	sender := crypto.PubkeyToAddress(key.PublicKey)
	funds := new(big.Int).Lsh(big.NewInt(1), 100)
	alloc := types.GenesisAlloc{sender: {Balance: funds}}
	backend := simulated.NewBackend(alloc, func(_ *node.Config, eth *ethconfig.Config) {
		// A copy, because the default is shared, and without the forks that are not live yet.
		config := *eth.Genesis.Config
		config.AmsterdamTime, config.BogotaTime, config.UBTTime = nil, nil, nil
		eth.Genesis.Config = &config
	})
	return &Chain{Backend: backend, Key: key, Sender: sender}, nil
}

// Deploy sends a contract's creation and returns where it is.
func (c *Chain) Deploy(ctx context.Context, data []byte) (common.Address, error) {
	receipt, err := c.send(ctx, nil, nil, data)
	if err != nil {
		return common.Address{}, fmt.Errorf("deploy: %w", err)
	}
	return receipt.ContractAddress, nil
}

// Send mines a transaction and returns its receipt. One that would fail is not sent: the error is a [rpc.DataError] then.
func (c *Chain) Send(ctx context.Context, to common.Address, value *big.Int, data []byte) (*types.Receipt, error) {
	return c.send(ctx, &to, value, data)
}

func (c *Chain) send(ctx context.Context, to *common.Address, value *big.Int, data []byte) (*types.Receipt, error) {
	client := c.Client()
	nonce, err := client.PendingNonceAt(ctx, c.Sender)
	if err != nil {
		return nil, err
	}
	gas, err := client.EstimateGas(ctx, ethereum.CallMsg{From: c.Sender, To: to, Value: value, Data: data})
	if err != nil {
		return nil, err
	}
	gas += gas / 4 // what leaks out of a limit by the next block changes the cost a little
	tx, err := types.SignNewTx(c.Key, types.LatestSignerForChainID(big.NewInt(ChainID)), &types.DynamicFeeTx{
		ChainID: big.NewInt(ChainID), Nonce: nonce, To: to, Value: value, Data: data, Gas: gas,
		GasTipCap: big.NewInt(params.GWei), GasFeeCap: big.NewInt(100 * params.GWei),
	})
	if err != nil {
		return nil, err
	}
	if err := client.SendTransaction(ctx, tx); err != nil {
		return nil, err
	}
	c.Commit()
	receipt, err := client.TransactionReceipt(ctx, tx.Hash())
	if err != nil {
		return nil, err
	}
	if receipt.Status != types.ReceiptStatusSuccessful {
		return nil, fmt.Errorf("transaction %s failed with %d gas of %d", tx.Hash(), receipt.GasUsed, gas)
	}
	return receipt, nil
}

// Call runs a view at the newest block.
func (c *Chain) Call(ctx context.Context, to common.Address, data []byte) ([]byte, error) {
	return c.Client().CallContract(ctx, ethereum.CallMsg{From: c.Sender, To: &to, Data: data}, nil)
}
