package quorum

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/trinebridge/trine/chain"
)

// same reports whether two endpoints gave the same answer: equal values, both absent, or both rewind.
func same[T any](a, b *answer[T]) bool {
	switch {
	case !isAnswer(a.err) || !isAnswer(b.err):
		return false
	case a.err == nil && b.err == nil:
		return reflect.DeepEqual(a.value, b.value)
	case a.err == nil || b.err == nil:
		return false
	}
	return errors.Is(a.err, chain.ErrAbsent) == errors.Is(b.err, chain.ErrAbsent)
}

// largest returns the largest set of answers that are the same.
func largest[T any](answers []answer[T]) (best []answer[T]) {
	for i := range answers {
		var group []answer[T]
		for j := range answers {
			if same(&answers[i], &answers[j]) {
				group = append(group, answers[j])
			}
		}
		if len(group) > len(best) {
			best = group
		}
	}
	return best
}

// agree asks k endpoints, and more as needed, until k gave the same answer.
func agree[T any](ctx context.Context, q *Source, method string, describe func(T) []string,
	call func(context.Context, chain.Source) (T, error),
) (T, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	order := q.ranked()
	results := make(chan answer[T], len(order))
	asked := 0
	askNext := func() {
		e := order[asked]
		asked++
		go func() { results <- ask(ctx, q, e, method, call) }()
	}
	for asked < q.config.Quorum {
		askNext()
	}
	hedge := time.NewTimer(q.config.Hedge)
	defer hedge.Stop()
	var answers []answer[T]
	for {
		select {
		case <-ctx.Done():
			return *new(T), disagreement(q, method, answers, describe, ctx.Err())
		case <-hedge.C:
			q.tooLate(method, order[:asked], endpointsOf(answers))
			if asked < len(order) {
				askNext()
				hedge.Reset(q.config.Hedge)
			}
			continue
		case a := <-results:
			answers = append(answers, a)
		}
		best := largest(answers)
		if len(best) >= q.config.Quorum {
			q.outvote(method, endpointsOf(answers), endpointsOf(best), answersOf(answers))
			return best[0].value, best[0].err
		}
		for len(best)+asked-len(answers) < q.config.Quorum && asked < len(order) {
			askNext()
		}
		if len(best)+asked-len(answers) < q.config.Quorum {
			return *new(T), disagreement(q, method, answers, describe, nil)
		}
	}
}

func endpointsOf[T any](answers []answer[T]) (out []*endpoint) {
	for i := range answers {
		out = append(out, answers[i].from)
	}
	return out
}

// answersOf returns the endpoints whose answers can be right or wrong.
func answersOf[T any](answers []answer[T]) (out []*endpoint) {
	for i := range answers {
		if isAnswer(answers[i].err) {
			out = append(out, answers[i].from)
		}
	}
	return out
}

// tooLate records the endpoints that were asked and have not answered within the hedge delay.
func (q *Source) tooLate(method string, asked, answered []*endpoint) {
	for _, e := range asked {
		if !slices.Contains(answered, e) {
			q.fault(e, fmt.Sprintf("%s: no answer within %v", method, q.config.Hedge), false)
		}
	}
}

// outvote records the endpoints whose answer was not the quorum's.
func (q *Source) outvote(method string, all, winners, voted []*endpoint) {
	for _, e := range all {
		if slices.Contains(voted, e) && !slices.Contains(winners, e) {
			q.fault(e, method+": outvoted", true)
		}
	}
}

// disagreement says what each endpoint said, one per line: errors as they are, and of the values what differs.
// It is fatal only if so many endpoints are lost for good that the quorum can never be reached.
func disagreement[T any](q *Source, method string, answers []answer[T], describe func(T) []string, cause error) error {
	said := make([]string, len(q.endpoints))
	for i := range said {
		said[i] = "no answer"
	}
	lost := 0
	var parts [][]string // of each value
	var from []int       // the endpoint that gave it
	for _, a := range answers {
		if a.err == nil {
			parts, from = append(parts, describe(a.value)), append(from, a.from.index)
			continue
		}
		said[a.from.index] = a.err.Error()
		if chain.VerdictOf(a.err) == chain.Fatal {
			lost++
		}
	}
	for i, text := range differences(parts) {
		said[from[i]] = text
	}
	verdict := chain.Retry
	if lost > len(q.endpoints)-q.config.Quorum {
		verdict = chain.Fatal
	}
	var lines strings.Builder
	for i, e := range q.endpoints {
		lines.WriteString("\n  " + e.Name + ": " + said[i])
	}
	if cause != nil {
		return chain.Errorf(verdict, "%s: %w: %w: %d of %d must agree%s", method, chain.ErrDisagree, cause, q.config.Quorum, len(q.endpoints), lines.String())
	}
	return chain.Errorf(verdict, "%s: %w: %d of %d must agree%s", method, chain.ErrDisagree, q.config.Quorum, len(q.endpoints), lines.String())
}
