package ethereum

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/bridgecontracts"
	contract "github.com/trinebridge/trine/bridgecontracts/ethereum"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/codec"
)

// defaultPoll is how often a receipt is asked for when the configuration does not say.
const defaultPoll = 200 * time.Millisecond

// account sends transactions that somebody waits for, one after the other.
type account struct {
	node    *node
	key     *ecdsa.PrivateKey
	address common.Address
	poll    time.Duration

	mu sync.Mutex // one transaction at a time, so that each takes its own nonce
}

func newAccount(n *node, key *ecdsa.PrivateKey, poll time.Duration) (*account, error) {
	if key == nil {
		return nil, fmt.Errorf("ethereum: no key for the account on %s", n.caip2)
	}
	if poll < 0 {
		return nil, fmt.Errorf("ethereum: Poll %v is negative", poll)
	}
	if poll == 0 {
		poll = defaultPoll
	}
	return &account{node: n, key: key, address: crypto.PubkeyToAddress(key.PublicKey), poll: poll}, nil
}

// transact sends a call (or a creation, if to is nil) and waits until it is mined.
func (a *account) transact(ctx context.Context, to *common.Address, value *uint256.Int, data []byte) (*receipt, common.Hash, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	tx, err := a.build(ctx, to, value, data)
	if err != nil {
		return nil, common.Hash{}, err
	}
	raw, err := tx.MarshalBinary()
	if err != nil {
		return nil, common.Hash{}, fmt.Errorf("encode: %w", err)
	}
	if err := a.node.send(ctx, raw); err != nil {
		return nil, common.Hash{}, err
	}
	r, err := a.wait(ctx, tx.Hash())
	if err != nil {
		return nil, common.Hash{}, err
	}
	if *r.Status == 0 {
		return nil, common.Hash{}, a.node.wrap("transaction "+tx.Hash().Hex(), chain.Errorf(chain.Fatal, "it reverted in block %d: %s", uint64(*r.BlockNumber),
			a.node.reason(ctx, raw, a.address, r)))
	}
	return r, tx.Hash(), nil
}

func (a *account) build(ctx context.Context, to *common.Address, value *uint256.Int, data []byte) (*types.Transaction, error) {
	gas, err := a.node.estimate(ctx, ethCall{From: &a.address, To: to, Data: data, Value: (*hexutil.Big)(value.ToBig())}, "pending")
	if err != nil {
		return nil, err
	}
	p, err := a.node.price(ctx)
	if err != nil {
		return nil, err
	}
	unbounded := *new(uint256.Int).SetAllOne()
	b, err := bidFor(p, nil, chain.Caps{MaxFeePerGas: unbounded, MaxTip: unbounded})
	if err != nil {
		return nil, err
	}
	nonce, err := a.node.nonce(ctx, a.address, "pending")
	if err != nil {
		return nil, err
	}
	chainID := new(big.Int).SetUint64(a.node.chainID)
	tx, err := types.SignNewTx(a.key, types.NewLondonSigner(chainID), &types.DynamicFeeTx{
		ChainID: chainID, Nonce: nonce, GasTipCap: b.tip.ToBig(), GasFeeCap: b.fee.ToBig(), Gas: gas, To: to, Value: value.ToBig(), Data: data,
	})
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	return tx, nil
}

// wait asks for the receipt until it is there and the node counts its block, or ctx ends.
// A node that has a bad moment is asked again. Receipts run ahead of "latest": geth writes them a
// moment before it moves its head, and behind a load balancer another node may answer next;
// the caller reads the state that the transaction left.
func (a *account) wait(ctx context.Context, hash common.Hash) (*receipt, error) {
	return poll(ctx, a, "transaction "+hash.Hex()+" is sent and not mined yet", func() (*receipt, error) {
		r, err := a.node.receipt(ctx, hash)
		if err != nil {
			return nil, err
		}
		newest, err := a.node.blockNumber(ctx)
		if err == nil && newest < uint64(*r.BlockNumber) {
			err = chain.Errorf(chain.Retry, "the receipt is of block %d, the node's newest block is %d", uint64(*r.BlockNumber), newest)
		}
		return r, err
	})
}

// code returns what a mined transaction left at an address, in the state after the
// transaction's own block. A node that does not have that state yet, or no code in it, is
// asked again; so is for the receipt, because a reorganisation moves it to another block.
func (a *account) code(ctx context.Context, tx common.Hash, at common.Address) (r *receipt, code hexutil.Bytes, err error) {
	r, err = poll(ctx, a, "transaction "+tx.Hex()+" is mined, its contract "+at.Hex()+" does not show yet", func() (*receipt, error) {
		r, err := a.node.receipt(ctx, tx)
		if err != nil {
			return nil, err
		}
		if err := a.node.call(ctx, &code, "eth_getCode", at, pinTo(*r.BlockHash)); err != nil {
			return nil, err
		}
		if len(code) == 0 {
			return nil, a.node.wrap("eth_getCode", chain.Errorf(chain.Retry, "no code at %s after block %d", at, uint64(*r.BlockNumber)))
		}
		return r, nil
	})
	return r, code, err
}

// poll asks until there is an answer, an error that stays, or the end of ctx; what says
// where things stand then.
func poll[T any](ctx context.Context, a *account, what string, ask func() (T, error)) (T, error) {
	ticker := time.NewTicker(a.poll)
	defer ticker.Stop()
	var none T
	for {
		v, err := ask()
		if err == nil {
			return v, nil
		}
		if !errors.Is(err, chain.ErrAbsent) && chain.VerdictOf(err) != chain.Retry {
			return none, err
		}
		select {
		case <-ctx.Done():
			return none, a.node.wrap(what, fmt.Errorf("%w (last answer: %w)", ctx.Err(), err))
		case <-ticker.C:
		}
	}
}

// Wallet is an account on an EVM chain that uses a bridge. It is safe for concurrent use.
type Wallet struct {
	account *account
	bridge  common.Address
}

var _ chain.Wallet = (*Wallet)(nil)

// OpenWallet acts as the owner of config.FeeKey; the endpoint is first asked on first use.
func OpenWallet(config chain.SinkConfig) (*Wallet, error) {
	source, err := OpenSource(config.SourceConfig)
	if err != nil {
		return nil, err
	}
	a, err := newAccount(source.node, config.FeeKey, config.Poll)
	if err != nil {
		return nil, err
	}
	return &Wallet{account: a, bridge: source.bridge}, nil
}

// Address implements chain.Wallet.
func (w *Wallet) Address() codec.Hash { return contract.Word(w.account.address) }

// Balance implements chain.Wallet.
func (w *Wallet) Balance(ctx context.Context, token, holder codec.Hash) (uint256.Int, error) {
	address, err := contract.Address(holder)
	if err != nil {
		return uint256.Int{}, fmt.Errorf("holder: %w", err)
	}
	return w.account.node.balance(ctx, token, address, "latest")
}

// Deposit implements chain.Wallet.
func (w *Wallet) Deposit(ctx context.Context, token codec.Hash, amount uint256.Int, keys []bridgecontracts.KeyProof) (chain.Receipt, error) {
	data, err := contract.PackDeposit(token, &amount, keys)
	if err != nil {
		return chain.Receipt{}, err
	}
	value := new(uint256.Int)
	if token == contract.Native {
		value = &amount
	} else if err := w.allow(ctx, token, &amount); err != nil {
		return chain.Receipt{}, fmt.Errorf("deposit: %w", err)
	}
	return w.transact(ctx, "deposit", &w.bridge, value, data)
}

// Receipt implements chain.Wallet. A transaction that reverted is an error.
func (w *Wallet) Receipt(ctx context.Context, tx string) (chain.Receipt, error) {
	hash, err := codec.ParseHash(strings.ToLower(tx))
	if err != nil {
		return chain.Receipt{}, chain.Errorf(chain.Fatal, "transaction: %w", err)
	}
	r, err := w.account.node.receipt(ctx, common.Hash(hash))
	if err != nil {
		return chain.Receipt{}, err
	}
	if *r.Status == 0 {
		return chain.Receipt{}, w.account.node.wrap("transaction "+tx, chain.Errorf(chain.Fatal, "it reverted in block %d", uint64(*r.BlockNumber)))
	}
	return chain.Receipt{Tx: common.Hash(hash).Hex(), Block: uint64(*r.BlockNumber), GasUsed: uint64(*r.GasUsed)}, nil
}

// Claim implements chain.Wallet.
func (w *Wallet) Claim(ctx context.Context, token, recipient, to codec.Hash) (chain.Receipt, error) {
	data, err := contract.PackClaim(token, recipient, to)
	if err != nil {
		return chain.Receipt{}, err
	}
	return w.transact(ctx, "claim", &w.bridge, new(uint256.Int), data)
}

func (w *Wallet) transact(ctx context.Context, what string, to *common.Address, value *uint256.Int, data []byte) (chain.Receipt, error) {
	r, hash, err := w.account.transact(ctx, to, value, data)
	if err != nil {
		return chain.Receipt{}, fmt.Errorf("%s: %w", what, err)
	}
	return chain.Receipt{Tx: hash.Hex(), Block: uint64(*r.BlockNumber), GasUsed: uint64(*r.GasUsed)}, nil
}

// allow sees to it that the bridge may take the amount. Nothing is sent when it may already.
// Some tokens (Tether) change an allowance only through zero.
func (w *Wallet) allow(ctx context.Context, token codec.Hash, amount *uint256.Int) error {
	address, err := contract.Address(token)
	if err != nil {
		return fmt.Errorf("token: %w", err)
	}
	n := w.account.node
	data, err := n.view(ctx, address, packERC20(selectorAllowance, w.account.address, w.bridge), "latest")
	if err != nil {
		return fmt.Errorf("allowance of token %s: %w", address, err)
	}
	if len(data) != 32 {
		return fmt.Errorf("allowance of token %s returned %d bytes, want 32: it is no ERC-20 token", address, len(data))
	}
	allowed := new(uint256.Int).SetBytes32(data)
	if !allowed.Lt(amount) {
		return nil
	}
	approve := packApprove(w.bridge, amount)
	if !allowed.IsZero() {
		if _, err := n.estimate(ctx, ethCall{From: &w.account.address, To: &address, Data: approve}, "latest"); err != nil {
			if _, err := w.transact(ctx, "approve nothing", &address, new(uint256.Int), packApprove(w.bridge, new(uint256.Int))); err != nil {
				return err
			}
		}
	}
	_, err = w.transact(ctx, "approve", &address, new(uint256.Int), approve)
	return err
}
