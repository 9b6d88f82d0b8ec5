package chaintest

import (
	"context"
	"fmt"

	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/codec"
)

// Source is the scripted chain's [chain.Source] on one endpoint.
type Source struct{ endpoint *Endpoint }

// Source reads the bridge through the endpoint.
func (e *Endpoint) Source() *Source { return &Source{endpoint: e} }

var _ chain.Source = (*Source)(nil)

// Head implements chain.Source.
func (s *Source) Head(ctx context.Context, f chain.Finality) (out chain.Block, err error) {
	if _, err := s.endpoint.enter(ctx, "Head"); err != nil {
		return out, s.wrap("Head", err)
	}
	depth := f.Confirmations
	if depth == 0 {
		depth = s.endpoint.chain.config.FinalDepth
	}
	err = s.wrap("Head", s.endpoint.view(func(blocks []*block) error {
		newest := uint64(len(blocks) - 1)
		if newest < depth {
			return chain.ErrAbsent
		}
		out = blocks[newest-depth].Block
		return nil
	}))
	return out, err
}

// BlockAt implements chain.Source.
func (s *Source) BlockAt(ctx context.Context, number uint64) (out chain.Block, err error) {
	if _, err := s.endpoint.enter(ctx, "BlockAt"); err != nil {
		return out, s.wrap("BlockAt", err)
	}
	err = s.wrap("BlockAt", s.endpoint.view(func(blocks []*block) error {
		if number >= uint64(len(blocks)) {
			return chain.ErrAbsent
		}
		out = blocks[number].Block
		return nil
	}))
	return out, err
}

// Counters implements chain.Source.
func (s *Source) Counters(ctx context.Context, at chain.Block) (out chain.Counters, err error) {
	fault, err := s.endpoint.enter(ctx, "Counters")
	if err != nil {
		return out, s.wrap("Counters", err)
	}
	err = s.wrap("Counters", s.endpoint.view(func(blocks []*block) error {
		b, err := pinned(blocks, at)
		if err != nil {
			return err
		}
		out = b.state.Counters
		if fault == Lie {
			out.Head = s.endpoint.falseHead(blocks[:b.Number+1])
		}
		return nil
	}))
	return out, err
}

// Events implements chain.Source.
func (s *Source) Events(ctx context.Context, from, to uint64, at chain.Block) ([]chain.LocatedEvent, error) {
	if from == 0 || from > to {
		return nil, s.wrap("Events", chain.Errorf(chain.Fatal, "no such range: %d to %d", from, to))
	}
	fault, err := s.endpoint.enter(ctx, "Events")
	if err != nil {
		return nil, s.wrap("Events", err)
	}
	if fault == ForkInReads {
		s.endpoint.chain.Fork(int(min(3, s.endpoint.chain.Tip().Number)))
		s.endpoint.chain.Mine(4)
	}
	var out []chain.LocatedEvent
	err = s.endpoint.view(func(blocks []*block) error {
		b, err := pinned(blocks, at)
		if err != nil {
			return err
		}
		for _, l := range located(blocks[:b.Number+1]) {
			if l.ID >= from && l.ID <= to {
				out = append(out, l)
			}
		}
		out = spoilEvents(fault, out)
		return nil
	})
	if err != nil {
		return nil, s.wrap("Events", err)
	}
	for i := range out {
		if out[i].ID != from+uint64(i) {
			return nil, s.wrap("Events", chain.Errorf(chain.Retry, "%w: event %d where %d should be", chain.ErrIncomplete, out[i].ID, from+uint64(i)))
		}
	}
	if uint64(len(out)) != to-from+1 {
		return nil, s.wrap("Events", chain.Errorf(chain.Retry, "%w: %d events of %d to %d", chain.ErrIncomplete, len(out), from, to))
	}
	return out, nil
}

// Locate implements chain.Source.
func (s *Source) Locate(ctx context.Context, tx string) (out []chain.LocatedEvent, err error) {
	fault, err := s.endpoint.enter(ctx, "Locate")
	if err != nil {
		return nil, s.wrap("Locate", err)
	}
	err = s.wrap("Locate", s.endpoint.view(func(blocks []*block) error {
		for _, b := range blocks {
			for _, t := range b.transactions {
				if t.id != tx {
					continue
				}
				if t.failed != nil {
					return chain.Errorf(chain.Fatal, "transaction %s failed: %w", tx, t.failed)
				}
				for _, e := range t.events {
					out = append(out, chain.LocatedEvent{Event: e, Tx: tx, Block: b.Number})
				}
				if fault == Lie {
					out = spoilEvents(fault, out)
				}
				return nil
			}
		}
		return chain.ErrAbsent
	}))
	return out, err
}

// Snapshot implements chain.Source.
func (s *Source) Snapshot(ctx context.Context, at chain.Block, tokens []codec.Hash) (out chain.Snapshot, err error) {
	fault, err := s.endpoint.enter(ctx, "Snapshot")
	if err != nil {
		return out, s.wrap("Snapshot", err)
	}
	err = s.wrap("Snapshot", s.endpoint.view(func(blocks []*block) error {
		b, err := pinned(blocks, at)
		if err != nil {
			return err
		}
		out = chain.Snapshot{Counters: b.state.Counters, Domain: s.endpoint.chain.domain, CodeHash: CodeHash, SetHash: b.state.setHash}
		for _, token := range tokens {
			t := b.state.tokens[token]
			t.Token = token
			out.Tokens = append(out.Tokens, t)
		}
		if fault == Lie {
			out.CodeHash = codec.Hash{1}
		}
		return nil
	}))
	return out, err
}

func (s *Source) wrap(method string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %s: %w", s.endpoint.name, method, err)
}
