package ethereum

import (
	"context"
	"errors"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"

	contract "github.com/trinebridge/trine/bridgecontracts/ethereum"
	"github.com/trinebridge/trine/chain"
)

// born returns the block in which the bridge was created, and proves that nothing but the constructor of this version ran at
// its address before its code did. The code alone does not show that: whoever writes a constructor of his own can return the
// bridge's code after he has stored claims for himself, or as the bridge approved the spending of every token that it will hold.
//
// The constructor's log leads to the transaction, which must be one that creates a contract directly, as its sender and nonce
// (and so its address) can be used once only, and everything that it runs is in its data.
func (s *Source) born(ctx context.Context, at chain.Block) (uint64, error) {
	log, err := s.deployedLog(ctx, at)
	if err != nil {
		return 0, err
	}
	var tx *struct {
		BlockNumber *hexutil.Uint64 `json:"blockNumber"`
		From        *common.Address `json:"from"`
		Nonce       *hexutil.Uint64 `json:"nonce"`
		To          *common.Address `json:"to"`
		Input       hexutil.Bytes   `json:"input"`
	}
	if err := s.node.call(ctx, &tx, "eth_getTransactionByHash", log.TxHash); err != nil {
		return 0, err
	}
	what := "the transaction " + log.TxHash.Hex() + " that created bridge " + s.bridge.Hex()
	if tx == nil {
		return 0, s.node.wrap(what, chain.Errorf(chain.Retry, "the endpoint does not have it (any more); one that does is needed to see what it ran"))
	}
	if tx.BlockNumber == nil || uint64(*tx.BlockNumber) != log.BlockNumber || tx.From == nil || tx.Nonce == nil {
		return 0, s.node.wrap(what, chain.Errorf(chain.Retry, "it comes without sender, nonce or the block %d that has its log", log.BlockNumber))
	}
	if tx.To != nil || crypto.CreateAddress(*tx.From, uint64(*tx.Nonce)) != s.bridge {
		return 0, s.node.wrap(what, chain.Errorf(chain.Fatal,
			"%w: it had a contract create it, so what ran at its address before cannot be seen; trine deploy creates bridges directly", errForeignCreation))
	}
	if !contract.IsConstructor(tx.Input) {
		return 0, s.node.wrap(what, chain.Errorf(chain.Fatal,
			"%w: it ran another constructor than this version's, which may have left claims in its storage or allowances on its tokens", errForeignCreation))
	}
	return log.BlockNumber, nil
}

// errForeignCreation says that a bridge has the right code, but not the right past.
var errForeignCreation = errors.New("not created as a bridge of this version is")

// deployedLog looks for the log of the constructor from the pinned block downwards, because a bridge is attached soon after it
// was deployed. A search that ends early is taken up where it ended.
func (s *Source) deployedLog(ctx context.Context, at chain.Block) (*types.Log, error) {
	end, verdict := at.Number, chain.Fatal
	if unborn := s.scan.unborn.Load(); unborn != 0 {
		// A node that was behind may have shown nothing where it is: only a search of all at once finds that it is nowhere.
		end, verdict = min(end, unborn-1), chain.Retry
	}
	for {
		first := s.config.StartBlock
		if window := s.scan.window.Load(); end >= window {
			first = max(first, end-window+1)
		}
		if first > end {
			break
		}
		logs, got, err := s.ranged(ctx, []any{contract.DeployedTopic()}, first, end, false)
		if err != nil {
			return nil, err
		}
		if len(logs) > 0 {
			return logs[0], nil
		}
		if got <= s.config.StartBlock {
			break
		}
		s.scan.unborn.Store(got)
		end = got - 1
	}
	s.scan.unborn.Store(0)
	return nil, s.node.wrap("bridge "+s.bridge.Hex(), chain.Errorf(verdict,
		"%w: from block %d to %s no constructor of this version left its log there", errForeignCreation, s.config.StartBlock, at))
}
