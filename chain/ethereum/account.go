package ethereum

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"sync"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/signing"
)

// defaultPoll is how often a receipt is asked for when the configuration does not say.
const defaultPoll = 200 * time.Millisecond

// catchUp is how long a node may be behind what it, or another behind the same URL, has
// told already: a block of the main network and a little more.
const catchUp = 15 * time.Second

// account sends transactions that somebody waits for, one after the other.
type account struct {
	node    *node
	key     signing.Payer
	address common.Address
	poll    time.Duration

	mu   sync.Mutex  // one transaction at a time, so that each takes its own nonce
	last common.Hash // the newest of ours that was mined
	next uint64      // the nonce after it
}

func newAccount(n *node, key signing.Payer, poll time.Duration) (*account, error) {
	address, err := payerAddress(key)
	if err != nil {
		return nil, fmt.Errorf("ethereum: the account on %s: %w", n.caip2, err)
	}
	if poll < 0 {
		return nil, fmt.Errorf("ethereum: Poll %v is negative", poll)
	}
	if poll == 0 {
		poll = defaultPoll
	}
	return &account{node: n, key: key, address: address, poll: poll}, nil
}

// transact sends a call (or a creation, if to is nil) and waits until it is mined. after, if
// any, is the transaction that this one needs to have happened.
func (a *account) transact(ctx context.Context, to *common.Address, value *uint256.Int, data []byte, after *receipt) (*receipt, common.Hash, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	call := ethCall{From: &a.address, To: to, Data: data, Value: (*hexutil.Big)(value.ToBig())}
	gas, err := a.gas(ctx, call, after)
	if err != nil {
		return nil, common.Hash{}, err
	}
	tx, err := a.submit(ctx, call, gas)
	if err != nil {
		return nil, common.Hash{}, err
	}
	r, err := a.wait(ctx, tx.Hash())
	if err != nil {
		return nil, common.Hash{}, err
	}
	a.last, a.next = tx.Hash(), tx.Nonce()+1
	if *r.Status == 0 {
		return nil, common.Hash{}, a.node.wrap("transaction "+tx.Hash().Hex(), chain.Errorf(chain.Fatal, "it reverted in block %d: %s", uint64(*r.BlockNumber),
			a.node.reason(ctx, tx, a.address, r)))
	}
	return r, tx.Hash(), nil
}

// gas estimates on the pending block. A node's pending block can be older than the
// receipt of what the call builds on: a refusal there is asked about again in the state that this left.
func (a *account) gas(ctx context.Context, call ethCall, after *receipt) (uint64, error) {
	gas, err := a.node.estimate(ctx, call, "pending")
	if err == nil || after == nil {
		return gas, err
	}
	err = a.behind(ctx, isUnknownBlock, func() (err error) {
		gas, err = a.node.estimate(ctx, call, pinTo(*after.BlockHash))
		return err
	})
	return gas, err
}

// submit signs the call with the account's next nonce and sends it. A node that is behind
// names a nonce that is used: it is asked again.
func (a *account) submit(ctx context.Context, call ethCall, gas uint64) (tx *types.Transaction, err error) {
	used := func(err error) bool { return errors.Is(err, errNonceUsed) || errors.Is(err, errNonceTaken) }
	err = a.behind(ctx, used, func() (err error) {
		if tx, err = a.build(ctx, call, gas); err != nil {
			return err
		}
		// The same call with the same nonce is an earlier one, and to send that again would do
		// nothing. A node that cannot say (geth while it indexes) gets it all the same.
		var earlier *struct{}
		if err := a.node.call(ctx, &earlier, "eth_getTransactionByHash", tx.Hash()); err == nil && earlier != nil {
			return a.node.wrap("eth_getTransactionCount", chain.Errorf(chain.Retry, "%w: transaction %s has nonce %d", errNonceTaken, tx.Hash(), tx.Nonce()))
		}
		raw, err := tx.MarshalBinary()
		if err != nil {
			return fmt.Errorf("encode: %w", err)
		}
		return a.node.send(ctx, raw)
	})
	return tx, err
}

func (a *account) build(ctx context.Context, call ethCall, gas uint64) (*types.Transaction, error) {
	p, err := a.node.price(ctx)
	if err != nil {
		return nil, err
	}
	unbounded := *new(uint256.Int).SetAllOne()
	b, err := bidFor(p, nil, chain.Caps{MaxFeePerGas: unbounded, MaxTip: unbounded})
	if err != nil {
		return nil, err
	}
	nonce, err := a.nonce(ctx)
	if err != nil {
		return nil, err
	}
	chainID := new(big.Int).SetUint64(a.node.chainID)
	tx, err := signTx(ctx, a.key, types.NewLondonSigner(chainID), &types.DynamicFeeTx{
		ChainID: chainID, Nonce: nonce, GasTipCap: b.tip.ToBig(), GasFeeCap: b.fee.ToBig(), Gas: gas, To: call.To, Value: call.Value.ToInt(), Data: call.Data,
	})
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	return tx, nil
}

// nonce returns the account's next nonce: the node's word, unless that is behind a
// transaction of ours that is mined still (a reorganisation may have taken it away).
func (a *account) nonce(ctx context.Context) (uint64, error) {
	nonce, err := a.node.nonce(ctx, a.address, "pending")
	if err != nil || nonce >= a.next {
		return nonce, err
	}
	switch _, err := a.node.receipt(ctx, a.last); {
	case err == nil:
		return a.next, nil
	case errors.Is(err, chain.ErrAbsent):
		return nonce, nil
	default:
		return 0, err
	}
}

// behind asks again while the answer is an error of a node that lags, for as long as one may.
func (a *account) behind(ctx context.Context, lags func(error) bool, ask func() error) error {
	patience := time.NewTimer(catchUp)
	defer patience.Stop()
	ticker := time.NewTicker(a.poll)
	defer ticker.Stop()
	for {
		err := ask()
		if err == nil || !lags(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-patience.C:
			return err
		case <-ticker.C:
		}
	}
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
