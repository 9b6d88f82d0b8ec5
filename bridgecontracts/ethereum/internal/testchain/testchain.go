// Package testchain deploys and calls contracts on an in-process chain, for this folder's tests and gas measurements.
package testchain

import (
	"context"
	"crypto/ecdsa"
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/ethclient"
	"github.com/ethereum/go-ethereum/params"

	"github.com/trinebridge/trine/internal/evm"
)

// ChainID is the chain's id.
const ChainID = evm.DefaultChainID

// Chain is a running chain with one funded account that sends everything. It is not safe for concurrent use.
type Chain struct {
	chain  *evm.Chain
	client *ethclient.Client
	key    *ecdsa.PrivateKey
	Sender common.Address
}

// New starts a chain; Close ends it.
func New() (*Chain, error) {
	key := evm.DevKey(0)
	chain, err := evm.Start(evm.Config{ChainID: ChainID, Prefunded: []common.Address{evm.AddressOf(key)}})
	if err != nil {
		return nil, err
	}
	return &Chain{chain: chain, client: chain.Client(), key: key, Sender: evm.AddressOf(key)}, nil
}

// Close stops the chain.
func (c *Chain) Close() error { return c.chain.Close() }

// Client returns a client of the chain.
func (c *Chain) Client() *ethclient.Client { return c.client }

// Deploy sends a contract's creation and returns where it is.
func (c *Chain) Deploy(ctx context.Context, data []byte) (common.Address, error) {
	receipt, err := c.send(ctx, nil, nil, data)
	if err != nil {
		return common.Address{}, fmt.Errorf("deploy: %w", err)
	}
	return receipt.ContractAddress, nil
}

// Send mines a transaction and returns its receipt. One that would fail is not sent: the error is an rpc.DataError then.
func (c *Chain) Send(ctx context.Context, to common.Address, value *big.Int, data []byte) (*types.Receipt, error) {
	return c.send(ctx, &to, value, data)
}

func (c *Chain) send(ctx context.Context, to *common.Address, value *big.Int, data []byte) (*types.Receipt, error) {
	nonce, err := c.client.PendingNonceAt(ctx, c.Sender)
	if err != nil {
		return nil, err
	}
	gas, err := c.client.EstimateGas(ctx, ethereum.CallMsg{From: c.Sender, To: to, Value: value, Data: data})
	if err != nil {
		return nil, err
	}
	gas += gas / 4 // what leaks out of a limit by the next block changes the cost a little
	tx, err := types.SignNewTx(c.key, types.LatestSignerForChainID(big.NewInt(ChainID)), &types.DynamicFeeTx{
		ChainID: big.NewInt(ChainID), Nonce: nonce, To: to, Value: value, Data: data, Gas: gas,
		GasTipCap: big.NewInt(params.GWei), GasFeeCap: big.NewInt(100 * params.GWei),
	})
	if err != nil {
		return nil, err
	}
	if err := c.client.SendTransaction(ctx, tx); err != nil {
		return nil, err
	}
	c.chain.Commit()
	receipt, err := c.client.TransactionReceipt(ctx, tx.Hash())
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
	return c.client.CallContract(ctx, ethereum.CallMsg{From: c.Sender, To: &to, Data: data}, nil)
}
