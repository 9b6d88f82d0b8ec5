package evm

import (
	"context"
	"crypto/ecdsa"
	_ "embed"
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"time"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/accounts/abi/bind/v2"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/ethclient"
)

//go:generate ./compile.sh

//go:embed DevToken.json
var tokenArtifact []byte

var token = sync.OnceValues(func() (*artifact, error) {
	var a artifact
	if err := json.Unmarshal(tokenArtifact, &a); err != nil {
		return nil, fmt.Errorf("evm: embedded DevToken.json: %w", err)
	}
	var err error
	a.methods, err = abi.JSON(strings.NewReader(string(a.ABI)))
	return &a, err
})

type artifact struct {
	ABI      json.RawMessage `json:"abi"`
	Bytecode hexutil.Bytes   `json:"bytecode"`
	methods  abi.ABI
}

// TokenConfig says what token to deploy.
type TokenConfig struct {
	Symbol   string
	Decimals uint8
	// Strict behaves as Tether does: no return data, and an allowance changes only through zero.
	Strict bool
}

// DeployToken deploys an ERC-20 that anyone can mint and waits until it is mined.
func DeployToken(ctx context.Context, client *ethclient.Client, key *ecdsa.PrivateKey, config TokenConfig) (common.Address, error) {
	a, err := token()
	if err != nil {
		return common.Address{}, err
	}
	arguments, err := a.methods.Pack("", config.Symbol, config.Decimals, config.Strict)
	if err != nil {
		return common.Address{}, fmt.Errorf("evm: deploy token %s: %w", config.Symbol, err)
	}
	receipt, err := transact(ctx, client, key, nil, append(append([]byte{}, a.Bytecode...), arguments...))
	if err != nil {
		return common.Address{}, fmt.Errorf("evm: deploy token %s: %w", config.Symbol, err)
	}
	return receipt.ContractAddress, nil
}

// MintToken gives an owner units of a token that DeployToken made and waits until that is mined.
func MintToken(ctx context.Context, client *ethclient.Client, key *ecdsa.PrivateKey, at, owner common.Address, units *big.Int) error {
	a, err := token()
	if err != nil {
		return err
	}
	data, err := a.methods.Pack("mint", owner, units)
	if err != nil {
		return fmt.Errorf("evm: mint token %s: %w", at, err)
	}
	if _, err := transact(ctx, client, key, &at, data); err != nil {
		return fmt.Errorf("evm: mint token %s: %w", at, err)
	}
	return nil
}

// pollInterval is how often a transaction's receipt is asked for.
const pollInterval = 20 * time.Millisecond

func transact(ctx context.Context, client *ethclient.Client, key *ecdsa.PrivateKey, to *common.Address, data []byte) (*types.Receipt, error) {
	chainID, err := client.ChainID(ctx)
	if err != nil {
		return nil, err
	}
	opts := bind.NewKeyedTransactor(key, chainID)
	opts.Context = ctx
	contract := bind.NewBoundContract(common.Address{}, abi.ABI{}, client, client, client)
	var tx *types.Transaction
	if to == nil {
		tx, err = contract.RawCreationTransact(opts, data)
	} else {
		tx, err = bind.NewBoundContract(*to, abi.ABI{}, client, client, client).RawTransact(opts, data)
	}
	if err != nil {
		return nil, err
	}
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	for {
		// A node may answer with an error while it is still indexing, so only the context ends the waiting.
		receipt, err := client.TransactionReceipt(ctx, tx.Hash())
		if err == nil && receipt.Status != types.ReceiptStatusSuccessful {
			return nil, fmt.Errorf("transaction %s reverted", tx.Hash())
		}
		if err == nil {
			// The receipt is there a moment before the newest state is the one that it left.
			newest, err := client.BlockNumber(ctx)
			if err == nil && newest >= receipt.BlockNumber.Uint64() {
				return receipt, nil
			}
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("transaction %s is not mined: %w", tx.Hash(), ctx.Err())
		case <-ticker.C:
		}
	}
}
