package quorum

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/trinebridge/trine/chain"
)

// Health is what is known of an endpoint.
type Health struct {
	Endpoint string
	// LastSuccess and LastFailure are zero if there was none.
	LastSuccess time.Time
	LastFailure time.Time
	// LastError is the newest failure's text; it stays after a success.
	LastError string
	// Failing says that the newest call failed, was outvoted or came too late.
	Failing bool
	// Outvoted counts answers that k others contradicted.
	Outvoted uint64
	// Head is the newest settled block that the endpoint named, Lag how far that is below
	// the highest that any endpoint named.
	Head uint64
	Lag  uint64
	// Took is how long the newest answer took.
	Took time.Duration
}

// endpoint is an Endpoint with its health.
type endpoint struct {
	Endpoint
	index int

	mu     sync.Mutex
	health Health
	last   time.Time // asked last until then
}

// Report returns the health of all endpoints in the order of the configuration.
func (q *Source) Report() []Health {
	out := make([]Health, len(q.endpoints))
	var highest uint64
	for i, e := range q.endpoints {
		e.mu.Lock()
		out[i] = e.health
		e.mu.Unlock()
		out[i].Endpoint = e.Name
		highest = max(highest, out[i].Head)
	}
	for i := range out {
		out[i].Lag = highest - out[i].Head
	}
	return out
}

// ranked returns the endpoints, those that went wrong lately last, whoever did so last at the very end. Each part is in the
// order of the configuration otherwise.
func (q *Source) ranked() []*endpoint {
	now := time.Now()
	penalty := make(map[*endpoint]time.Time, len(q.endpoints))
	for _, e := range q.endpoints {
		penalty[e] = e.penalty(now)
	}
	out := slices.Clone(q.endpoints)
	slices.SortStableFunc(out, func(a, b *endpoint) int { return penalty[a].Compare(penalty[b]) })
	return out
}

// penalty returns until when the endpoint is asked after those that were well, or zero.
func (e *endpoint) penalty(now time.Time) time.Time {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !now.Before(e.last) {
		return time.Time{}
	}
	return e.last
}

func (e *endpoint) penalised(now time.Time) bool { return !e.penalty(now).IsZero() }

// fault records that something went wrong with an endpoint.
func (q *Source) fault(e *endpoint, text string, outvoted bool) {
	now := time.Now()
	e.mu.Lock()
	defer e.mu.Unlock()
	e.last = now.Add(q.config.Penalty)
	e.health.LastFailure, e.health.LastError, e.health.Failing = now, text, true
	if outvoted {
		e.health.Outvoted++
	}
}

// answer is what one endpoint said.
type answer[T any] struct {
	from  *endpoint
	value T
	err   error
}

// isAnswer reports whether an error is an answer that votes.
func isAnswer(err error) bool {
	return err == nil || errors.Is(err, chain.ErrAbsent) || chain.VerdictOf(err) == chain.Rewind
}

// ask calls one endpoint within its time and keeps its health.
func ask[T any](ctx context.Context, q *Source, e *endpoint, method string, call func(context.Context, chain.Source) (T, error)) answer[T] {
	bounded, cancel := context.WithTimeout(ctx, q.config.Timeout)
	defer cancel()
	started := time.Now()
	value, err := call(bounded, e.Source)
	took := time.Since(started)
	if err != nil && ctx.Err() != nil {
		return answer[T]{from: e, err: ctx.Err()} // called off: says nothing about the endpoint
	}
	if q.config.Observe != nil {
		q.config.Observe(Observation{Endpoint: e.Name, Method: method, Took: took, Err: err})
	}
	if !isAnswer(err) {
		q.fault(e, err.Error(), false)
		return answer[T]{from: e, err: err}
	}
	e.mu.Lock()
	e.health.LastSuccess, e.health.Failing, e.health.Took = started.Add(took), false, took
	if block, ok := any(value).(chain.Block); ok && method == "Head" && err == nil {
		e.health.Head = block.Number
	}
	e.mu.Unlock()
	return answer[T]{from: e, value: value, err: err}
}
