package ethereum

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"strings"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/bridgecontracts"
	contract "github.com/trinebridge/trine/bridgecontracts/ethereum"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/codec"
)

// Source reads a bridge through one endpoint.
type Source struct {
	node   *node
	bridge common.Address
	config chain.SourceConfig
	scan   scan
}

var _ chain.Source = (*Source)(nil)

// OpenSource checks the configuration; the endpoint is first asked on first use.
func OpenSource(config chain.SourceConfig) (*Source, error) {
	n, err := openNode(config.ChainID, config.Endpoint)
	if err != nil {
		return nil, fmt.Errorf("ethereum: %w", err)
	}
	bridge, err := contract.Address(config.Bridge)
	if err != nil || config.Bridge.IsZero() {
		return nil, fmt.Errorf("ethereum: bridge %s of %s is no address of an EVM chain", config.Bridge, config.ChainID)
	}
	s := &Source{node: n, bridge: bridge, config: config}
	s.scan.window.Store(firstWindow)
	return s, nil
}

// domain is the bridge's, computed from the configuration.
func (s *Source) domain() bridgecontracts.Domain {
	return bridgecontracts.NewDomain(s.config.Genesis, s.config.ChainID, s.config.Bridge)
}

// Head implements chain.Source.
func (s *Source) Head(ctx context.Context, f chain.Finality) (chain.Block, error) {
	return s.node.head(ctx, f)
}

// BlockAt implements chain.Source.
func (s *Source) BlockAt(ctx context.Context, number uint64) (chain.Block, error) {
	return s.node.blockAt(ctx, number)
}

// Counters implements chain.Source.
func (s *Source) Counters(ctx context.Context, at chain.Block) (chain.Counters, error) {
	var view contract.Snapshot
	err := s.node.pinned(ctx, at, func(pin any) (err error) {
		view, err = s.view(ctx, pin)
		return err
	})
	if err != nil {
		return chain.Counters{}, err
	}
	return countersOf(&view), nil
}

// view reads the contract's own snapshot at a pin or a tag.
func (s *Source) view(ctx context.Context, at any) (contract.Snapshot, error) {
	data, err := s.node.view(ctx, s.bridge, contract.PackSnapshot(), at)
	if err != nil {
		return contract.Snapshot{}, err
	}
	view, err := contract.UnpackSnapshot(data)
	if err != nil {
		return contract.Snapshot{}, s.node.wrap("bridge "+s.bridge.Hex(), &chain.Error{Verdict: chain.Fatal, Err: err})
	}
	return view, nil
}

func countersOf(v *contract.Snapshot) chain.Counters {
	return chain.Counters{
		EventID: v.EventID, Head: v.Head, NextAction: v.NextActionID, Epoch: v.Epoch,
		PauseSequence: v.PauseSequence, LimitVersion: v.LimitVersion,
	}
}

// Snapshot implements chain.Source. Without tokens it proves too that nothing but the bridge's own constructor created it, and
// StartBlock is where.
func (s *Source) Snapshot(ctx context.Context, at chain.Block, tokens []codec.Hash) (out chain.Snapshot, err error) {
	err = s.node.pinned(ctx, at, func(pin any) error {
		view, err := s.view(ctx, pin)
		if err != nil {
			return err
		}
		var code hexutil.Bytes
		if err := s.node.call(ctx, &code, "eth_getCode", s.bridge, pin); err != nil {
			return err
		}
		codeHash, err := contract.CodeHash(code)
		if err != nil {
			return s.node.wrap("bridge "+s.bridge.Hex(), &chain.Error{Verdict: chain.Fatal, Err: err})
		}
		out = chain.Snapshot{Counters: countersOf(&view), Domain: view.Domain, CodeHash: codeHash, SetHash: view.SetHash, StartBlock: s.config.StartBlock}
		// Without tokens, what stands there is asked for by somebody who does not trust it yet. Of what is not even alike, the past is not searched.
		if len(tokens) == 0 && codeHash == contract.ExpectedCodeHash() && view.Domain == s.domain() {
			if out.StartBlock, err = s.born(ctx, at); err != nil {
				return err
			}
		}
		for _, token := range tokens {
			state, err := s.token(ctx, token, pin)
			if err != nil {
				return err
			}
			out.Tokens = append(out.Tokens, state)
		}
		return nil
	})
	if err != nil {
		return chain.Snapshot{}, err
	}
	return out, nil
}

func (s *Source) token(ctx context.Context, token codec.Hash, at any) (chain.TokenState, error) {
	held, err := s.node.balance(ctx, token, s.bridge, at)
	if err != nil {
		return chain.TokenState{}, err
	}
	call, err := contract.PackLimit(token)
	if err != nil {
		return chain.TokenState{}, &chain.Error{Verdict: chain.Fatal, Err: err}
	}
	data, err := s.node.view(ctx, s.bridge, call, at)
	if err != nil {
		return chain.TokenState{}, err
	}
	limit, err := contract.UnpackLimit(data)
	if err != nil {
		return chain.TokenState{}, s.node.wrap("bridge "+s.bridge.Hex(), &chain.Error{Verdict: chain.Fatal, Err: err})
	}
	return chain.TokenState{Token: token, Held: held, Capacity: limit.Capacity, Level: limit.Level, Window: limit.Window}, nil
}

// balance returns what an account holds of a token, the native coin included.
func (n *node) balance(ctx context.Context, token codec.Hash, holder common.Address, at any) (uint256.Int, error) {
	address, err := contract.Address(token)
	if err != nil {
		return uint256.Int{}, chain.Errorf(chain.Fatal, "token: %w", err)
	}
	if token == contract.Native {
		var wei hexutil.Big
		if err := n.call(ctx, &wei, "eth_getBalance", holder, at); err != nil {
			return uint256.Int{}, err
		}
		return n.amount("eth_getBalance", wei.ToInt())
	}
	data, err := n.view(ctx, address, packERC20(selectorBalanceOf, holder), at)
	if err != nil {
		return uint256.Int{}, fmt.Errorf("token %s: %w", address, err)
	}
	if len(data) != 32 {
		return uint256.Int{}, n.wrap("token "+address.Hex(), chain.Errorf(chain.Fatal, "balanceOf returned %d bytes, want 32: it is no ERC-20 token", len(data)))
	}
	return *new(uint256.Int).SetBytes32(data), nil
}

// amount takes a number of a node as a 256-bit one.
func (n *node) amount(what string, v *big.Int) (uint256.Int, error) {
	amount, overflow := uint256.FromBig(v)
	if overflow || v.Sign() < 0 {
		return uint256.Int{}, n.wrap(what, chain.Errorf(chain.Retry, "%.80s is no unsigned 256-bit number", v))
	}
	return *amount, nil
}

// receipt is what the adapter reads of a mined transaction.
type receipt struct {
	Status          *hexutil.Uint64 `json:"status"`
	BlockNumber     *hexutil.Uint64 `json:"blockNumber"`
	BlockHash       *common.Hash    `json:"blockHash"`
	GasUsed         *hexutil.Uint64 `json:"gasUsed"`
	ContractAddress *common.Address `json:"contractAddress"`
	Logs            []*types.Log    `json:"logs"`
}

// receipt returns a mined transaction, or ErrAbsent.
func (n *node) receipt(ctx context.Context, hash common.Hash) (*receipt, error) {
	var r *receipt
	if err := n.call(ctx, &r, "eth_getTransactionReceipt", hash); err != nil {
		return nil, err
	}
	if r == nil {
		return nil, chain.ErrAbsent
	}
	if r.Status == nil || r.BlockNumber == nil || r.BlockHash == nil || r.GasUsed == nil {
		return nil, n.wrap("eth_getTransactionReceipt", chain.Errorf(chain.Retry, "a receipt without status, block or gas"))
	}
	return r, nil
}

// Locate implements chain.Source.
func (s *Source) Locate(ctx context.Context, tx string) ([]chain.LocatedEvent, error) {
	hash, err := codec.ParseHash(strings.ToLower(tx))
	if err != nil {
		return nil, chain.Errorf(chain.Fatal, "transaction: %w", err)
	}
	r, err := s.node.receipt(ctx, common.Hash(hash))
	if err != nil {
		return nil, err
	}
	if *r.Status == 0 {
		return nil, s.node.wrap("transaction "+tx, chain.Errorf(chain.Fatal, "it reverted in block %d, so the bridge saw nothing of it", uint64(*r.BlockNumber)))
	}
	var out []chain.LocatedEvent
	for _, l := range r.Logs {
		if l == nil || l.Address != s.bridge || len(l.Topics) > 0 && l.Topics[0] == contract.DeployedTopic() {
			continue
		}
		event, err := contract.DecodeEvent(l)
		if err != nil {
			return nil, s.node.wrap("transaction "+tx, &chain.Error{Verdict: chain.Retry, Err: errors.Join(chain.ErrIncomplete, err)})
		}
		out = append(out, chain.LocatedEvent{Event: event, Tx: common.Hash(hash).Hex(), Block: uint64(*r.BlockNumber)})
	}
	return out, nil
}
