package quorum

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/trinebridge/trine/chain"
)

// request is a call to one endpoint.
type request[T any] struct {
	to   *endpoint
	call func(context.Context, chain.Source) (T, error)
}

// gather sends all requests at once and returns the answers in order of arrival. It waits
// for all of them, or, if hurried, only until each endpoint that has been well lately has
// answered or the hedge delay is over.
func gather[T any](ctx context.Context, q *Source, method string, requests []request[T], hurried bool) []answer[T] {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	results := make(chan answer[T], len(requests))
	now := time.Now()
	var well, all []*endpoint
	for _, r := range requests {
		all = append(all, r.to)
		if !r.to.penalised(now) {
			well = append(well, r.to)
		}
		go func() { results <- ask(ctx, q, r.to, method, r.call) }()
	}
	hedge := time.NewTimer(q.config.Hedge)
	defer hedge.Stop()
	var answers []answer[T]
	for len(answers) < len(requests) {
		select {
		case a := <-results:
			answers = append(answers, a)
			if i := slices.Index(well, a.from); i >= 0 {
				well = slices.Delete(well, i, i+1)
			}
			if hurried && len(well) == 0 && len(answers) >= q.config.Quorum {
				return answers
			}
		case <-hedge.C:
			q.tooLate(method, all, endpointsOf(answers))
			if hurried {
				return answers
			}
		case <-ctx.Done():
			return answers
		}
	}
	return answers
}

// Head implements chain.Source: the highest block that k endpoints say is settled.
func (q *Source) Head(ctx context.Context, f chain.Finality) (chain.Block, error) {
	// The first round waits for nobody who is slow; the second gives everybody their time.
	block, err := q.head(ctx, f, true)
	if err != nil && !errors.Is(err, chain.ErrAbsent) && ctx.Err() == nil {
		return q.head(ctx, f, false)
	}
	return block, err
}

func (q *Source) head(ctx context.Context, f chain.Finality, hurried bool) (chain.Block, error) {
	requests := make([]request[chain.Block], len(q.endpoints))
	for i, e := range q.endpoints {
		requests[i] = request[chain.Block]{e, func(ctx context.Context, s chain.Source) (chain.Block, error) { return s.Head(ctx, f) }}
	}
	heads := gather(ctx, q, "Head", requests, hurried)
	absent := 0
	var settled []answer[chain.Block]
	for _, a := range heads {
		switch {
		case a.err == nil:
			settled = append(settled, a)
		case errors.Is(a.err, chain.ErrAbsent):
			absent++
		}
	}
	if absent >= q.config.Quorum {
		return chain.Block{}, chain.ErrAbsent
	}
	if block, ok := q.highest(ctx, settled, hurried); ok {
		return block, nil
	}
	return chain.Block{}, disagreement(q, "Head", heads, describeBlock, ctx.Err())
}

// highest returns the highest block that k of the endpoints agree on.
func (q *Source) highest(ctx context.Context, heads []answer[chain.Block], hurried bool) (chain.Block, bool) {
	if len(heads) < q.config.Quorum {
		return chain.Block{}, false
	}
	slices.SortFunc(heads, func(a, b answer[chain.Block]) int {
		switch {
		case a.value.Number > b.value.Number:
			return -1
		case a.value.Number < b.value.Number:
			return 1
		}
		return 0
	})
	votes := map[uint64][]answer[chain.Block]{}
	var requests []request[chain.Block]
	for _, candidate := range heads[q.config.Quorum-1:] {
		number := candidate.value.Number
		if _, done := votes[number]; done {
			continue
		}
		votes[number] = nil
		for _, h := range heads {
			switch {
			case h.value.Number == number:
				votes[number] = append(votes[number], h)
			case h.value.Number > number:
				requests = append(requests, request[chain.Block]{h.from, func(ctx context.Context, s chain.Source) (chain.Block, error) {
					return blockAt(ctx, s, number)
				}})
			}
		}
		if len(largest(votes[number])) >= q.config.Quorum {
			break // what follows is lower
		}
	}
	if best, ok := q.best(votes); ok && len(requests) == 0 {
		return best, true
	}
	for _, a := range gather(ctx, q, "BlockAt", requests, hurried) {
		if _, candidate := votes[a.value.Number]; candidate && a.err == nil {
			votes[a.value.Number] = append(votes[a.value.Number], a)
		}
	}
	return q.best(votes)
}

// blockAt asks for a block and takes no other one for an answer, so that an endpoint votes once on a number.
func blockAt(ctx context.Context, s chain.Source, number uint64) (chain.Block, error) {
	block, err := s.BlockAt(ctx, number)
	if err == nil && block.Number != number {
		return chain.Block{}, chain.Errorf(chain.Retry, "asked for block %d, it answers with block %s", number, block)
	}
	return block, err
}

// best returns the highest block with k votes.
func (q *Source) best(votes map[uint64][]answer[chain.Block]) (best chain.Block, found bool) {
	for _, answers := range votes {
		group := largest(answers)
		if len(group) >= q.config.Quorum && (!found || group[0].value.Number > best.Number) {
			best, found = group[0].value, true
		}
	}
	return best, found
}
