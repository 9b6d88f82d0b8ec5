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

// gather sends all requests at once and returns the answers in order of arrival. It waits for all of them, or until each
// endpoint that has been well lately has answered and so many as must agree have something to say, but no longer than its patience.
func gather[T any](ctx context.Context, q *Source, method string, requests []request[T], patience time.Duration) []answer[T] {
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
	hedge, end := time.NewTimer(q.config.Hedge), time.NewTimer(patience)
	defer hedge.Stop()
	defer end.Stop()
	var answers []answer[T]
	for len(answers) < len(requests) {
		select {
		case a := <-results:
			answers = append(answers, a)
			if i := slices.Index(well, a.from); i >= 0 {
				well = slices.Delete(well, i, i+1)
			}
		case <-hedge.C:
			q.tooLate(method, all, endpointsOf(answers))
			well = nil
		case <-end.C:
			q.tooLate(method, all, endpointsOf(answers))
			return answers
		case <-ctx.Done():
			return answers
		}
		if len(well) == 0 && len(answersOf(answers)) >= q.config.Quorum {
			return answers
		}
	}
	return answers
}

// Head implements chain.Source: the highest block that k endpoints say is settled. The first round waits for nobody who is
// slow. Each later one has more patience, up to an endpoint's time, but ends too as soon as those who answer agree: so
// a slow machine or network makes nobody wait for an endpoint that never answers. When all have answered, patience is of no
// use; they are asked once more, as they may have been on their way from one block to the next.
func (q *Source) Head(ctx context.Context, f chain.Finality) (chain.Block, error) {
	patience := min(q.config.Hedge, q.config.Timeout)
	for round := 1; ; round++ {
		block, all, err := q.head(ctx, f, patience)
		if err == nil || errors.Is(err, chain.ErrAbsent) || ctx.Err() != nil || all && round > 1 || patience == q.config.Timeout {
			return block, err
		}
		patience = min(4*patience, q.config.Timeout)
	}
}

// head is one round. It reports too whether everybody answered.
func (q *Source) head(ctx context.Context, f chain.Finality, patience time.Duration) (block chain.Block, all bool, err error) {
	requests := make([]request[chain.Block], len(q.endpoints))
	for i, e := range q.endpoints {
		requests[i] = request[chain.Block]{e, func(ctx context.Context, s chain.Source) (chain.Block, error) { return s.Head(ctx, f) }}
	}
	heads := gather(ctx, q, "Head", requests, patience)
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
		return chain.Block{}, true, chain.ErrAbsent
	}
	block, found, all := q.highest(ctx, settled, patience)
	if found {
		return block, all, nil
	}
	return chain.Block{}, all && len(heads) == len(requests), disagreement(q, "Head", heads, describeBlock, ctx.Err())
}

// highest returns the highest block that k of the endpoints agree on, and whether all that were asked about it answered.
func (q *Source) highest(ctx context.Context, heads []answer[chain.Block], patience time.Duration) (highest chain.Block, found, all bool) {
	if len(heads) < q.config.Quorum {
		return chain.Block{}, false, true
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
		return best, true, true
	}
	answers := gather(ctx, q, "BlockAt", requests, patience)
	for _, a := range answers {
		if _, candidate := votes[a.value.Number]; candidate && a.err == nil {
			votes[a.value.Number] = append(votes[a.value.Number], a)
		}
	}
	highest, found = q.best(votes)
	return highest, found, len(answers) == len(requests)
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
