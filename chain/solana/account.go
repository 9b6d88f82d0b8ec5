package solana

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/holiman/uint256"

	sol "github.com/gagliardetto/solana-go"

	contract "github.com/trinebridge/trine/bridgecontracts/solana"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/signing"
)

// walletCaps bound what a person's transaction offers, in micro-lamports per compute unit: 0.002 SOL for 200,000 units.
var walletCaps = chain.Caps{MaxFeePerGas: *uint256.NewInt(10_000_000), MaxTip: *uint256.NewInt(10_000_000)}

// resendEvery is after how many looks a transaction that is not in a block is handed to the node again.
const resendEvery = 4

// sender sends transactions that somebody waits for.
type sender struct {
	node  *node
	key   signing.Payer
	payer contract.Key
	poll  time.Duration
	caps  chain.Caps
	mu    sync.Mutex // one transaction at a time, so that each sees what the one before it did
}

func newSender(n *node, key signing.Payer, poll time.Duration) (*sender, error) {
	payer, err := payerAccount(key)
	if err != nil {
		return nil, fmt.Errorf("solana: the account on %s: %w", n.caip2, err)
	}
	if poll < 0 {
		return nil, fmt.Errorf("solana: Poll %v is negative", poll)
	}
	if poll == 0 {
		poll = defaultPoll
	}
	return &sender{node: n, key: key, payer: payer, poll: poll, caps: walletCaps}, nil
}

// transact has the instructions made, sends them and waits until they are in a confirmed block. It begins again when
// the transaction has expired, or when the bridge says that what it was made of is out of date.
func (a *sender) transact(ctx context.Context, make func(context.Context) ([]contract.Instruction, error)) (chain.Receipt, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for {
		r, err := a.attempt(ctx, make)
		if err == nil || !again(err) || ctx.Err() != nil {
			return r, err
		}
	}
}

// again reports whether the same intent in a new transaction can work.
func again(err error) bool {
	var f *failure
	if errors.As(err, &f) {
		if fault, ours := f.fault(); ours {
			return fault == contract.FaultStalePage
		}
	}
	return errors.Is(err, errExpired) // also when a node that has tried the transaction says so
}

func (a *sender) attempt(ctx context.Context, make func(context.Context) ([]contract.Instruction, error)) (chain.Receipt, error) {
	instructions, err := make(ctx)
	if err != nil {
		return chain.Receipt{}, err
	}
	m := &message{instructions: instructions}
	s, err := a.node.simulate(ctx, m, a.payer, confirmed)
	if err != nil {
		return chain.Receipt{}, err
	}
	if s.failed != nil {
		return chain.Receipt{}, a.node.wrap("simulateTransaction", verdictOf(s.failed))
	}
	m.units = limitFor(s.units)
	price, err := a.node.price(ctx, (&bundle{delivery: m}).written(), a.caps)
	if err != nil {
		return chain.Receipt{}, err
	}
	now, err := a.node.recent(ctx)
	if err != nil {
		return chain.Receipt{}, err
	}
	tx, err := m.compile(a.payer, price, now.hash)
	if err != nil {
		return chain.Receipt{}, err
	}
	id, raw, err := signTransaction(ctx, a.key, tx)
	if err != nil {
		return chain.Receipt{}, err
	}
	return a.deliver(ctx, id, raw, now.last)
}

// deliver sends a signed transaction and waits until it is in a confirmed block, or cannot be any more. A node
// that has a bad moment is asked again.
func (a *sender) deliver(ctx context.Context, id string, raw []byte, last uint64) (chain.Receipt, error) {
	ticker := time.NewTicker(a.poll)
	defer ticker.Stop()
	var trouble error
	for look := 0; ; look++ {
		if look%resendEvery == 0 {
			trouble = a.node.send(ctx, raw)
			if v := chain.VerdictOf(trouble); look == 0 && trouble != nil && v != chain.Retry {
				return chain.Receipt{}, trouble
			}
		}
		r, over, err := a.look(ctx, id, last)
		if over {
			return r, err
		}
		if err != nil {
			trouble = err
		}
		select {
		case <-ctx.Done():
			return chain.Receipt{}, a.node.wrap("transaction "+id+" is sent and not in a block yet", errors.Join(ctx.Err(), trouble))
		case <-ticker.C:
		}
	}
}

// look asks once what became of a transaction; over says that it is decided.
func (a *sender) look(ctx context.Context, id string, last uint64) (r chain.Receipt, over bool, err error) {
	slot, height, err := a.node.height(ctx)
	if err != nil {
		return r, false, err
	}
	list, err := a.node.statuses(ctx, slot, id)
	if err != nil {
		return r, false, err
	}
	st := list[0]
	if !st.landed() {
		if height > last && st == nil {
			return r, true, marked(chain.Rebuild, errExpired, fmt.Errorf("transaction %s has not landed up to block height %d", id, last))
		}
		return r, false, nil
	}
	if failed := st.failed(); failed != nil {
		return r, true, a.node.wrap("transaction "+id, chain.Errorf(chain.Fatal, "it failed in slot %d: %w", st.Slot, failed))
	}
	r = chain.Receipt{Tx: id, Block: st.Slot}
	if t, err := a.node.transaction(ctx, id); err == nil {
		r.GasUsed = t.Meta.ComputeUnits
	}
	return r, true, nil
}

// amount64 is an amount as Solana has them.
func amount64(amount *uint256.Int) (uint64, error) {
	if !amount.IsUint64() {
		return 0, fmt.Errorf("the amount %s does not fit 64 bits: nobody has so much here", amount.Dec())
	}
	return amount.Uint64(), nil
}

// hash32 is a hash as solana-go has it.
type hash32 = sol.Hash
