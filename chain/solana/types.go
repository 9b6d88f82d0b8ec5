package solana

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"

	contract "github.com/trinebridge/trine/bridgecontracts/solana"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/codec"
)

// Commitments: how settled what is read must be.
const (
	confirmed = "confirmed" // voted for by two thirds of the stake
	finalized = "finalized" // rooted: 31 more slots on top
)

// maxAccounts is how many accounts a node reads at once.
const maxAccounts = 100

// maxData is how much of an account is read: more than any that the adapter looks into has. A recipient may have ten megabytes,
// and a few of those would be no answer at all.
const maxData = 1 << 18

// account is one as a node shows it.
type account struct {
	Lamports   uint64
	Owner      contract.Key
	Executable bool
	// Data are the first maxData bytes of the account's.
	Data []byte
}

// UnmarshalJSON reads an account in base64 encoding.
func (a *account) UnmarshalJSON(raw []byte) error {
	var wire struct {
		Lamports   *uint64  `json:"lamports"`
		Owner      address  `json:"owner"`
		Executable bool     `json:"executable"`
		Data       []string `json:"data"`
	}
	if err := json.Unmarshal(raw, &wire); err != nil {
		return err
	}
	if wire.Lamports == nil || len(wire.Data) != 2 || wire.Data[1] != "base64" {
		return fmt.Errorf("an account without lamports or without data in base64")
	}
	data, err := base64.StdEncoding.DecodeString(wire.Data[0])
	if err != nil {
		return fmt.Errorf("an account's data: %w", err)
	}
	*a = account{Lamports: *wire.Lamports, Owner: contract.Key(wire.Owner), Executable: wire.Executable, Data: data}
	return nil
}

// accounts reads accounts as one slot at or after min has them; nil stands for one that is not there.
func (n *node) accounts(ctx context.Context, commitment string, min uint64, keys ...contract.Key) (slot uint64, out []*account, err error) {
	if len(keys) > maxAccounts {
		return 0, nil, chain.Errorf(chain.Fatal, "%d accounts are asked for at once, at most %d are possible", len(keys), maxAccounts)
	}
	var answer struct {
		Context struct {
			Slot uint64 `json:"slot"`
		} `json:"context"`
		Value []*account `json:"value"`
	}
	options := map[string]any{"encoding": "base64", "commitment": commitment, "dataSlice": map[string]any{"offset": 0, "length": maxData}}
	if min > 0 {
		options["minContextSlot"] = min
	}
	const method = "getMultipleAccounts"
	if err := n.call(ctx, &answer, method, keys, options); err != nil {
		return 0, nil, err
	}
	if answer.Context.Slot < min {
		return 0, nil, n.wrap(method, chain.Errorf(chain.Retry, "%w: the answer is of slot %d, asked for %d or later", errBehind, answer.Context.Slot, min))
	}
	if len(answer.Value) != len(keys) {
		return 0, nil, n.wrap(method, chain.Errorf(chain.Retry, "%d accounts, asked for %d", len(answer.Value), len(keys)))
	}
	return answer.Context.Slot, answer.Value, nil
}

// slot returns the newest slot of a commitment.
func (n *node) slot(ctx context.Context, commitment string) (slot uint64, err error) {
	err = n.call(ctx, &slot, "getSlot", map[string]any{"commitment": commitment})
	return slot, err
}

// height returns the newest confirmed slot and how many blocks there are up to it.
func (n *node) height(ctx context.Context) (slot, height uint64, err error) {
	var info struct {
		AbsoluteSlot *uint64 `json:"absoluteSlot"`
		BlockHeight  *uint64 `json:"blockHeight"`
	}
	if err := n.call(ctx, &info, "getEpochInfo", map[string]any{"commitment": confirmed}); err != nil {
		return 0, 0, err
	}
	if info.AbsoluteSlot == nil || info.BlockHeight == nil {
		return 0, 0, n.wrap("getEpochInfo", chain.Errorf(chain.Retry, "an answer without slot or height"))
	}
	return *info.AbsoluteSlot, *info.BlockHeight, nil
}

// block is what the adapter reads of a block.
type block struct {
	Blockhash    address               `json:"blockhash"` // a hash, written as addresses are
	BlockTime    *int64                `json:"blockTime"`
	Transactions []transactionWithMeta `json:"transactions"`
}

// block reads the block of a slot. full brings its transactions.
func (n *node) block(ctx context.Context, slot uint64, full bool) (*block, error) {
	details, limit := "none", int64(maxResponse)
	if full {
		details, limit = "full", maxBlock
	}
	const method = "getBlock"
	var b *block
	if err := n.callVersioned(ctx, &b, limit, method, slot, map[string]any{
		"encoding": "json", "transactionDetails": details, "rewards": false, "commitment": confirmed,
	}); err != nil {
		return nil, err
	}
	if b == nil || b.Blockhash == (address{}) {
		return nil, n.wrap(method, marked(chain.Retry, errNoBlock, fmt.Errorf("slot %d", slot)))
	}
	return b, nil
}

// header returns what pins a moment of the chain.
func (n *node) header(ctx context.Context, slot uint64) (chain.Block, error) {
	b, err := n.block(ctx, slot, false)
	if err != nil {
		return chain.Block{}, err
	}
	if b.BlockTime == nil || *b.BlockTime < 0 {
		return chain.Block{}, n.wrap("getBlock", chain.Errorf(chain.Retry, "the block of slot %d has no time", slot))
	}
	return chain.Block{Number: slot, Hash: codec.Hash(b.Blockhash), Time: uint64(*b.BlockTime)}, nil
}
