package quorum

import (
	"context"
	"reflect"
	"slices"
	"sync"

	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/codec"
)

// Source is the chain.Source of a quorum of endpoints. It is safe for concurrent use and
// starts nothing that outlives a call.
type Source struct {
	config    Config
	endpoints []*endpoint
}

var _ chain.Source = (*Source)(nil)

// New checks the configuration and calls nobody.
func New(config Config) (*Source, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	if config.Timeout == 0 {
		config.Timeout = DefaultTimeout
	}
	if config.Hedge == 0 {
		config.Hedge = DefaultHedge
	}
	if config.Penalty == 0 {
		config.Penalty = DefaultPenalty
	}
	q := &Source{config: config}
	for i, e := range config.Endpoints {
		q.endpoints = append(q.endpoints, &endpoint{Endpoint: e, index: i})
	}
	return q, nil
}

// BlockAt implements chain.Source.
func (q *Source) BlockAt(ctx context.Context, number uint64) (chain.Block, error) {
	return agree(ctx, q, "BlockAt", describeBlock, func(ctx context.Context, s chain.Source) (chain.Block, error) {
		return s.BlockAt(ctx, number)
	})
}

// Counters implements chain.Source.
func (q *Source) Counters(ctx context.Context, at chain.Block) (chain.Counters, error) {
	return agree(ctx, q, "Counters", describeCounters, func(ctx context.Context, s chain.Source) (chain.Counters, error) {
		return s.Counters(ctx, at)
	})
}

// Events implements chain.Source.
func (q *Source) Events(ctx context.Context, from, to uint64, at chain.Block) ([]chain.LocatedEvent, error) {
	return agree(ctx, q, "Events", describeEvents, func(ctx context.Context, s chain.Source) ([]chain.LocatedEvent, error) {
		return s.Events(ctx, from, to, at)
	})
}

// Locate implements chain.Source.
func (q *Source) Locate(ctx context.Context, tx string) ([]chain.LocatedEvent, error) {
	return agree(ctx, q, "Locate", describeEvents, func(ctx context.Context, s chain.Source) ([]chain.LocatedEvent, error) {
		return s.Locate(ctx, tx)
	})
}

// Snapshot implements chain.Source. What the bridge holds of a token is the most of which so many endpoints as must agree
// say that it holds at least that: on a chain that shows no old balances, anybody can make the endpoints' answers differ by
// sending the bridge a little.
func (q *Source) Snapshot(ctx context.Context, at chain.Block, tokens []codec.Hash) (chain.Snapshot, error) {
	var mu sync.Mutex
	var said []chain.Snapshot
	out, err := agree(ctx, q, "Snapshot", describeSnapshot, func(ctx context.Context, s chain.Source) (chain.Snapshot, error) {
		snapshot, err := s.Snapshot(ctx, at, tokens)
		if err != nil {
			return snapshot, err
		}
		mu.Lock()
		defer mu.Unlock()
		said = append(said, snapshot)
		return withoutHeld(snapshot), nil
	})
	if err != nil {
		return out, err
	}
	mu.Lock()
	defer mu.Unlock()
	said = slices.DeleteFunc(said, func(s chain.Snapshot) bool { return !reflect.DeepEqual(withoutHeld(s), out) })
	out.Tokens = slices.Clone(out.Tokens) // every endpoint has its own
	for i := range out.Tokens {
		slices.SortFunc(said, func(a, b chain.Snapshot) int { return b.Tokens[i].Held.Cmp(&a.Tokens[i].Held) })
		out.Tokens[i].Held = said[q.config.Quorum-1].Tokens[i].Held
	}
	return out, nil
}

// withoutHeld is a snapshot without what the bridge holds.
func withoutHeld(s chain.Snapshot) chain.Snapshot {
	s.Tokens = slices.Clone(s.Tokens)
	for i := range s.Tokens {
		s.Tokens[i].Held.Clear()
	}
	return s
}
