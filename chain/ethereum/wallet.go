package ethereum

import (
	"context"
	"fmt"
	"strings"

	"github.com/ethereum/go-ethereum/common"
	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/bridgecontracts"
	contract "github.com/trinebridge/trine/bridgecontracts/ethereum"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/codec"
)

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
	value, approved := new(uint256.Int), (*receipt)(nil)
	if token == contract.Native {
		value = &amount
	} else if approved, err = w.allow(ctx, token, &amount); err != nil {
		return chain.Receipt{}, fmt.Errorf("deposit: %w", err)
	}
	return w.transact(ctx, "deposit", &w.bridge, value, data, approved)
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
	return w.transact(ctx, "claim", &w.bridge, new(uint256.Int), data, nil)
}

func (w *Wallet) transact(ctx context.Context, what string, to *common.Address, value *uint256.Int, data []byte, after *receipt) (chain.Receipt, error) {
	r, hash, err := w.account.transact(ctx, to, value, data, after)
	if err != nil {
		return chain.Receipt{}, fmt.Errorf("%s: %w", what, err)
	}
	return chain.Receipt{Tx: hash.Hex(), Block: uint64(*r.BlockNumber), GasUsed: uint64(*r.GasUsed)}, nil
}

// allow sees to it that the bridge may take the amount, and returns the receipt of what it
// sent for that. Nothing is sent when the bridge may already. Some tokens (Tether) change an
// allowance only through zero.
func (w *Wallet) allow(ctx context.Context, token codec.Hash, amount *uint256.Int) (*receipt, error) {
	address, err := contract.Address(token)
	if err != nil {
		return nil, fmt.Errorf("token: %w", err)
	}
	n := w.account.node
	data, err := n.view(ctx, address, packERC20(selectorAllowance, w.account.address, w.bridge), "latest")
	if err != nil {
		return nil, fmt.Errorf("allowance of token %s: %w", address, err)
	}
	if len(data) != 32 {
		return nil, fmt.Errorf("allowance of token %s returned %d bytes, want 32: it is no ERC-20 token", address, len(data))
	}
	allowed := new(uint256.Int).SetBytes32(data)
	if !allowed.Lt(amount) {
		return nil, nil
	}
	approve := packApprove(w.bridge, amount)
	var cleared *receipt
	if !allowed.IsZero() {
		if _, err := n.estimate(ctx, ethCall{From: &w.account.address, To: &address, Data: approve}, "latest"); err != nil {
			if cleared, _, err = w.account.transact(ctx, &address, new(uint256.Int), packApprove(w.bridge, new(uint256.Int)), nil); err != nil {
				return nil, fmt.Errorf("approve nothing: %w", err)
			}
		}
	}
	approved, _, err := w.account.transact(ctx, &address, new(uint256.Int), approve, cleared)
	if err != nil {
		return nil, fmt.Errorf("approve: %w", err)
	}
	return approved, nil
}
