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

// send sends all requests at once. The channel has room for every answer.
func send[T any](ctx context.Context, q *Source, method string, requests []request[T]) <-chan answer[T] {
	results := make(chan answer[T], len(requests))
	for _, r := range requests {
		go func() { results <- ask(ctx, q, r.to, method, r.call) }()
	}
	return results
}

// gather sends all requests at once and returns the answers in order of arrival: all of them, or those that have come
// when its patience ends.
func gather[T any](ctx context.Context, q *Source, method string, requests []request[T], patience time.Duration) (answers []answer[T]) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	results := send(ctx, q, method, requests)
	end := time.NewTimer(patience)
	defer end.Stop()
	for len(answers) < len(requests) {
		select {
		case a := <-results:
			answers = append(answers, a)
		case <-end.C:
			var all []*endpoint
			for _, r := range requests {
				all = append(all, r.to)
			}
			q.tooLate(method, all, endpointsOf(answers))
			return answers
		case <-ctx.Done():
			return answers
		}
	}
	return answers
}

// Head implements chain.Source: the highest block that k endpoints say is settled. Everybody is asked. Endpoints that
// have been well lately are waited for until the hedge delay is over; from then on every further answer may be the one that
// makes the quorum, and nobody is waited for once there is one.
// All are asked once more when they disagree, as they may have been on their way from one block to the next.
func (q *Source) Head(ctx context.Context, f chain.Finality) (chain.Block, error) {
	block, err := q.head(ctx, f)
	if err != nil && !errors.Is(err, chain.ErrAbsent) && ctx.Err() == nil {
		return q.head(ctx, f)
	}
	return block, err
}

func (q *Source) head(ctx context.Context, f chain.Finality) (chain.Block, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	requests := make([]request[chain.Block], len(q.endpoints))
	now := time.Now()
	var well []*endpoint
	for i, e := range q.endpoints {
		requests[i] = request[chain.Block]{e, func(ctx context.Context, s chain.Source) (chain.Block, error) { return s.Head(ctx, f) }}
		if !e.penalised(now) {
			well = append(well, e)
		}
	}
	results := send(ctx, q, "Head", requests)
	hedge := time.NewTimer(q.config.Hedge)
	defer hedge.Stop()
	var heads []answer[chain.Block]
	for {
		select {
		case a := <-results:
			heads = append(heads, a)
			well = slices.DeleteFunc(well, func(e *endpoint) bool { return e == a.from })
		case <-hedge.C:
			q.tooLate("Head", q.endpoints, endpointsOf(heads))
			well = nil
		case <-ctx.Done():
			return chain.Block{}, disagreement(q, "Head", heads, describeBlock, ctx.Err())
		}
		all := len(heads) == len(requests)
		if !all && len(well) > 0 {
			continue
		}
		var settled []answer[chain.Block]
		absent := 0
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
		patience := q.config.Hedge
		if all {
			patience = q.config.Timeout // there is nothing else to wait for
		}
		if block, found := q.highest(ctx, settled, patience); found {
			return block, nil
		}
		if all {
			return chain.Block{}, disagreement(q, "Head", heads, describeBlock, ctx.Err())
		}
	}
}

// highest returns the highest block that k of the endpoints agree on.
func (q *Source) highest(ctx context.Context, heads []answer[chain.Block], patience time.Duration) (chain.Block, bool) {
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
	for _, a := range gather(ctx, q, "BlockAt", requests, patience) {
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
