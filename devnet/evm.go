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
	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/internal/evm"
	"github.com/trinebridge/trine/signing"
)

// Numbers of the embedded EVM chains.
const (
	firstChainID = 31_001
	blockTime    = time.Second
)

// evmFamily: embedded chains are go-ethereum in this process; a chain that is attached has
// to know the well-known development accounts, as anvil does.
var evmFamily = family{
	namespace: "eip155", coin: coin{"ETH", 18}, maxDecimals: 18,
	// Blocks below the newest count as settled: enough to see the difference, not enough to
	// wait for. One machine has one clock, and a development chain runs by it.
	confirmations: 2, skew: 5,
	start: startEVM, identify: identifyEVM, attach: attachEVM,
}

// evmGround is a development chain behind Ethereum's JSON-RPC.
type evmGround struct {
	id, url  string
	client   *ethclient.Client
	embedded *evm.Chain // nil if the chain was attached
}

// Client returns this process's client of an EVM chain, nil on any other chain. It is
// closed with the network.
func (x *External) Client() *ethclient.Client {
	if g, ok := x.ground.(*evmGround); ok {
		return g.client
	}
	return nil
}

// EVM returns the user's key on EVM chains, nil in a network without any.
func (u *User) EVM() *ecdsa.PrivateKey {
	if w := u.wallets[evmFamily.namespace]; w != nil {
		return w.Key.(*signing.KeySigner).Private()
	}
	return nil
}

// Faucet returns the key that pays on every EVM chain: the first well-known development
// key, which owns coins on the embedded chains and on anvil.
func Faucet() *ecdsa.PrivateKey {
	private, err := crypto.HexToECDSA("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80")
	if err != nil {
		panic(err) // the constant is a key
	}
	return private
}

func startEVM(ctx context.Context, number int) (ground, error) {
	c, err := evm.Start(evm.Config{ChainID: uint64(firstChainID + number), BlockTime: blockTime, Prefunded: []common.Address{evm.AddressOf(Faucet())}}) // small
	if err != nil {
		return nil, err
	}
	client, err := ethclient.DialContext(ctx, c.URL())
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return &evmGround{c.ChainID(), c.URL(), client, c}, nil
}

func identifyEVM(ctx context.Context, endpoint string) (string, error) {
	client, err := ethclient.DialContext(ctx, endpoint)
	if err != nil {
		return "", err
	}
	defer client.Close()
	id, err := client.ChainID(ctx)
	if err != nil {
		return "", err
	}
	return "eip155:" + id.String(), nil
}

// leastCoins is what the faucet of an attached chain must own.
const leastCoins = 1000

func attachEVM(ctx context.Context, id, endpoint string) (ground, error) {
	client, err := ethclient.DialContext(ctx, endpoint)
	if err != nil {
		return nil, err
	}
	account := evm.AddressOf(Faucet())
	balance, err := client.BalanceAt(ctx, account, nil)
	if err == nil && balance.Cmp(wei(leastCoins)) < 0 {
		err = fmt.Errorf("the development account %s owns less than %d coins; use a development chain such as anvil", account, leastCoins)
	}
	if err != nil {
		client.Close()
		return nil, err
	}
	return &evmGround{id: id, url: endpoint, client: client}, nil
}

// wei returns whole coins in wei.
func wei(coins uint64) *big.Int {
	return new(big.Int).Mul(new(big.Int).SetUint64(coins), new(big.Int).Exp(big.NewInt(10), big.NewInt(18), nil))
}

func (g *evmGround) chainID() string       { return g.id }
func (g *evmGround) endpoint() string      { return g.url }
func (g *evmGround) faucet() signing.Payer { return signing.NewKeySigner(Faucet()) }

func (g *evmGround) fund(ctx context.Context, to codec.Hash, coins uint64) error {
	nonce, err := g.client.PendingNonceAt(ctx, evm.AddressOf(Faucet()))
	if err != nil {
		return err
	}
	head, err := g.client.HeaderByNumber(ctx, nil)
	if err != nil {
		return err
	}
	id, err := g.client.ChainID(ctx)
	if err != nil {
		return err
	}
	tip, recipient := big.NewInt(1e9), common.BytesToAddress(to[:])
	tx, err := types.SignNewTx(Faucet(), types.LatestSignerForChainID(id), &types.DynamicFeeTx{
		ChainID: id, Nonce: nonce, To: &recipient, Value: wei(coins), Gas: 100_000,
		GasTipCap: tip, GasFeeCap: new(big.Int).Add(tip, new(big.Int).Mul(head.BaseFee, big.NewInt(4))),
	})
	if err != nil {
		return err
	}
	if err := g.client.SendTransaction(ctx, tx); err != nil {
		return err
	}
	receipt, err := bind.WaitMined(ctx, g.client, tx.Hash())
	if err == nil && receipt.Status != types.ReceiptStatusSuccessful {
		err = fmt.Errorf("transaction %s reverted", tx.Hash())
	}
	return err
}

func (g *evmGround) createToken(ctx context.Context, symbol string, decimals uint8) (codec.Hash, error) {
	at, err := evm.DeployToken(ctx, g.client, Faucet(), evm.TokenConfig{Symbol: symbol, Decimals: decimals})
	return codec.LeftPad(at[:]), err
}

func (g *evmGround) mint(ctx context.Context, token, to codec.Hash, units *uint256.Int) error {
	return evm.MintToken(ctx, g.client, Faucet(), common.BytesToAddress(token[:]), common.BytesToAddress(to[:]), units.ToBig())
}

func (g *evmGround) close() error {
	g.client.Close()
	if g.embedded == nil {
		return nil
	}
	return g.embedded.Close()
}
