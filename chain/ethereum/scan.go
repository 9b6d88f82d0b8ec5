package ethereum

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"

	contract "github.com/trinebridge/trine/bridgecontracts/ethereum"
	"github.com/trinebridge/trine/chain"
)

const (
	// firstWindow is how many blocks are asked for at first, maxWindow at most.
	firstWindow = 2_000
	maxWindow   = 100_000
	// maxIDs is how many event ids one filter names. Nodes take a thousand.
	maxIDs = 256
)

// scan remembers what makes the next search for events short. Nothing in it is trusted:
// a wrong hint only makes the search longer.
type scan struct {
	window atomic.Uint64 // blocks per request, what the node took last

	unborn atomic.Uint64 // no earlier than this block the search for the bridge's creation found nothing; 0: not begun

	mu    sync.Mutex
	id    uint64 // an event that was found …
	block uint64 // … and where
}

// hint returns a block at or before the event, if one is known.
func (s *scan) hint(from uint64) (uint64, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.block, s.id != 0 && s.id < from
}

// took records that the node took a range of so many blocks: next time a quarter more, if the window was used up.
func (s *scan) took(blocks uint64) {
	if window := s.window.Load(); blocks >= window {
		s.window.Store(min(window+window/4+1, maxWindow))
	}
}

func (s *scan) found(e *chain.LocatedEvent) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.id, s.block = e.ID, e.Block
}

// Events implements chain.Source. Event ids are indexed, so the node filters by them; only the
// range of blocks must be found. The first event is looked for from the bridge's start
// upwards, later ones from where the one before was seen, and without such a hint from the
// pinned block downwards.
func (s *Source) Events(ctx context.Context, from, to uint64, at chain.Block) ([]chain.LocatedEvent, error) {
	if from == 0 || from > to {
		return nil, chain.Errorf(chain.Fatal, "events %d to %d: ids start at 1 and ascend", from, to)
	}
	var out []chain.LocatedEvent
	for first := from; first <= to; first += maxIDs {
		part, err := s.events(ctx, first, min(first+maxIDs-1, to), at)
		if err != nil {
			return nil, err
		}
		out = append(out, part...)
		if uint64(len(out)) < min(first+maxIDs-1, to)-from+1 {
			break // some are missing, whatever follows
		}
	}
	// The ranges were numbers, not hashes: what was listed is the pinned chain's only if
	// that is still the canonical one. A gap may be a fork's too, so this comes first.
	if err := s.node.canonical(ctx, at); err != nil {
		return nil, err
	}
	if err := complete(out, from, to); err != nil {
		return nil, s.node.wrap("eth_getLogs", err)
	}
	s.scan.found(&out[len(out)-1])
	return out, nil
}

// complete checks that the events are exactly from … to, in order.
func complete(events []chain.LocatedEvent, from, to uint64) error {
	for i := range events {
		if want := from + uint64(i); events[i].ID != want {
			return chain.Errorf(chain.Retry, "%w: event %d where %d should be", chain.ErrIncomplete, events[i].ID, want)
		}
		if i > 0 && events[i].Block < events[i-1].Block {
			return chain.Errorf(chain.Retry, "%w: event %d in block %d, before event %d", chain.ErrIncomplete, events[i].ID, events[i].Block, events[i-1].ID)
		}
	}
	if uint64(len(events)) != to-from+1 {
		return chain.Errorf(chain.Retry, "%w: %d of the events %d to %d", chain.ErrIncomplete, len(events), from, to)
	}
	return nil
}

// events looks for at most maxIDs events. It may return fewer than asked for.
func (s *Source) events(ctx context.Context, from, to uint64, at chain.Block) ([]chain.LocatedEvent, error) {
	start, hinted := s.config.StartBlock, from == 1
	if block, ok := s.scan.hint(from); ok && block <= at.Number {
		start, hinted = max(start, block), true
	}
	if hinted {
		out, err := s.upwards(ctx, from, to, start, at.Number)
		if err != nil || start == s.config.StartBlock || complete(out, from, to) == nil {
			return out, err
		}
	}
	return s.downwards(ctx, from, to, at.Number)
}

func (s *Source) upwards(ctx context.Context, from, to, start, end uint64) (out []chain.LocatedEvent, err error) {
	for start <= end {
		last := min(end, start+s.scan.window.Load()-1)
		part, got, err := s.logs(ctx, from, to, start, last, true)
		if err != nil {
			return nil, err
		}
		out = append(out, part...)
		if len(out) > 0 && out[len(out)-1].ID >= to {
			return out, nil
		}
		start = got + 1
	}
	return out, nil
}

func (s *Source) downwards(ctx context.Context, from, to, end uint64) (out []chain.LocatedEvent, err error) {
	for {
		window := s.scan.window.Load()
		first := s.config.StartBlock
		if end >= window {
			first = max(first, end-window+1)
		}
		part, got, err := s.logs(ctx, from, to, first, end, false)
		if err != nil {
			return nil, err
		}
		out = append(part, out...)
		if len(out) > 0 && out[0].ID <= from || got <= s.config.StartBlock || got == 0 {
			return out, nil
		}
		end = got - 1
	}
}

// logs lists the events of a range of blocks, as far as [Source.ranged] got.
func (s *Source) logs(ctx context.Context, from, to, first, last uint64, up bool) ([]chain.LocatedEvent, uint64, error) {
	logs, got, err := s.ranged(ctx, []any{contract.EventTopics(), idTopics(from, to)}, first, last, up)
	if err != nil {
		return nil, 0, err
	}
	events, err := s.decode(logs)
	return events, got, err
}

// ranged lists the bridge's logs with these topics in a range of blocks. When the node finds the range too large, it
// halves it, keeping the lower end (up) or the upper one, and returns where the range it got ends.
func (s *Source) ranged(ctx context.Context, topics []any, first, last uint64, up bool) ([]*types.Log, uint64, error) {
	for {
		var logs []*types.Log
		err := s.node.call(ctx, &logs, "eth_getLogs", map[string]any{
			"address": s.bridge, "topics": topics, "fromBlock": hexutil.EncodeUint64(first), "toBlock": hexutil.EncodeUint64(last),
		})
		switch {
		case err == nil:
			s.scan.took(last - first + 1)
			if err := s.asked(logs, first, last); err != nil {
				return nil, 0, err
			}
			if up {
				return logs, last, nil
			}
			return logs, first, nil
		case !tooMuch(err) && !slow(ctx, err) || first == last:
			return nil, 0, err
		}
		half := (last - first + 1) / 2
		s.scan.window.Store(half)
		if up {
			last = first + half - 1
		} else {
			first = last - half + 1
		}
	}
}

// slow reports that the node, not the caller, ran out of time.
func slow(ctx context.Context, err error) bool {
	return ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded)
}

func idTopics(from, to uint64) []common.Hash {
	ids := make([]common.Hash, 0, to-from+1)
	for id := from; id <= to; id++ {
		ids = append(ids, contract.EventIDTopic(id))
	}
	return ids
}

// asked checks that logs are what was asked for.
func (s *Source) asked(logs []*types.Log, first, last uint64) error {
	for _, l := range logs {
		fault := ""
		switch {
		case l == nil:
			fault = "an empty log"
		case l.Removed:
			fault = "a log of a left branch"
		case l.Address != s.bridge:
			fault = "a log of another contract, " + l.Address.Hex()
		case l.BlockNumber < first || l.BlockNumber > last:
			fault = fmt.Sprintf("a log of block %d, asked for %d to %d", l.BlockNumber, first, last)
		}
		if fault != "" {
			return s.node.wrap("eth_getLogs", chain.Errorf(chain.Retry, "%w: %s", chain.ErrIncomplete, fault))
		}
	}
	return nil
}

// decode takes logs that are bridge events, and refuses all others.
func (s *Source) decode(logs []*types.Log) ([]chain.LocatedEvent, error) {
	out := make([]chain.LocatedEvent, 0, len(logs))
	for _, l := range logs {
		event, err := contract.DecodeEvent(l)
		if err != nil {
			return nil, s.node.wrap("eth_getLogs", &chain.Error{Verdict: chain.Retry, Err: errors.Join(chain.ErrIncomplete, err)})
		}
		out = append(out, chain.LocatedEvent{Event: event, Tx: l.TxHash.Hex(), Block: l.BlockNumber})
	}
	return out, nil
}
