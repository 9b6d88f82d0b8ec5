package quorum

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/chain/chaintest"
	"github.com/trinebridge/trine/codec"
)

var final = chain.Finality{Confirmations: 2}

// three returns a quorum of 2 of 3 endpoints of a scripted chain with 5 events, settled.
func three(t *testing.T) (*chaintest.Chain, []*chaintest.Endpoint, *Source) {
	t.Helper()
	c := chaintest.New(chaintest.Config{Set: chaintest.NewMembers("quorum", 1, 3, 3).Set})
	for range 5 {
		c.Deposit(codec.Hash{31: 1}, codec.Hash{31: 2}, 10)
		c.Mine(1)
	}
	c.Mine(2)
	config := Config{Quorum: 2}
	var endpoints []*chaintest.Endpoint
	for _, name := range []string{"a", "b", "c"} {
		e := c.Endpoint(name)
		endpoints = append(endpoints, e)
		config.Endpoints = append(config.Endpoints, Endpoint{Name: name, Source: e.Source()})
	}
	q, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	return c, endpoints, q
}

// readAll reads the head, counters and events, and checks them against the chain's own.
func readAll(t *testing.T, c *chaintest.Chain, q *Source) {
	t.Helper()
	head, err := q.Head(t.Context(), final)
	if err != nil {
		t.Fatal(err)
	}
	if want := c.Tip().Number - 2; head.Number != want {
		t.Fatalf("head is %s, want block %d", head, want)
	}
	counters, err := q.Counters(t.Context(), head)
	if err != nil {
		t.Fatal(err)
	}
	if counters != c.Counters() {
		t.Fatalf("counters are %+v, want %+v", counters, c.Counters())
	}
	events, err := q.Events(t.Context(), 1, counters.EventID, head)
	if err != nil || len(events) != 5 {
		t.Fatalf("%d events, %v", len(events), err)
	}
	if _, err := q.Snapshot(t.Context(), head, nil); err != nil {
		t.Fatal(err)
	}
	if located, err := q.Locate(t.Context(), events[0].Tx); err != nil || len(located) != 1 {
		t.Fatalf("%d located events, %v", len(located), err)
	}
}

func TestOneBadEndpointChangesNothingAndDelaysOnce(t *testing.T) {
	faults := map[string]func(*chaintest.Endpoint){"lag": func(e *chaintest.Endpoint) { e.Lag(4) }}
	for f := chaintest.Down; f <= chaintest.Lie; f++ {
		if f != chaintest.ForkInReads {
			faults[f.String()] = func(e *chaintest.Endpoint) { e.Spoil(f) }
		}
	}
	for name, spoil := range faults {
		for bad := range 3 {
			t.Run(fmt.Sprintf("%s/%d", name, bad), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					c, endpoints, q := three(t)
					spoil(endpoints[bad])
					started := time.Now()
					for range 5 {
						readAll(t, c, q)
					}
					if took := time.Since(started); took > DefaultHedge {
						t.Errorf("25 reads took %v, want at most one hedge delay of %v", took, DefaultHedge)
					}
				})
			})
		}
	}
}

// When every endpoint has been bad within the penalty, the one that is bad now must not be among those that are asked first.
func TestEndpointsThatAreBadInTurnDelayOnceEach(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, endpoints, q := three(t)
		for turn := range 9 {
			bad := endpoints[[]int{0, 1, 2, 2, 1, 0, 1, 0, 2}[turn]]
			bad.Spoil(chaintest.Hang)
			started := time.Now()
			for range 5 {
				readAll(t, c, q)
			}
			if took := time.Since(started); took > DefaultHedge {
				t.Errorf("turn %d: 25 reads took %v, want at most one hedge delay of %v", turn, took, DefaultHedge)
			}
			bad.Spoil(chaintest.Healthy)
		}
	})
}

// slow answers later than the hedge delay. Time is synctest's.
type slow struct{ chain.Source }

const slowness = 2 * DefaultHedge

func (s slow) Head(ctx context.Context, f chain.Finality) (chain.Block, error) {
	select {
	case <-time.After(slowness):
		return s.Source.Head(ctx, f)
	case <-ctx.Done():
		return chain.Block{}, ctx.Err()
	}
}

// On a slow machine or network nobody is quick: even then nobody waits for whoever never answers.
func TestSlowEndpointsAreWaitedForAndHangingOnesAreNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, endpoints, q := three(t)
		endpoints[1].Spoil(chaintest.Hang)
		for _, e := range q.endpoints {
			e.Source = slow{e.Source}
		}
		for range 3 {
			started := time.Now()
			if _, err := q.Head(t.Context(), final); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(started); took > DefaultHedge+slowness {
				t.Errorf("the head took %v, want the %v that two endpoints take, and one hedge delay", took, slowness)
			}
		}
	})
}

// absent is a node that has nothing yet, a quick one.
type absent struct{ chain.Source }

func (absent) Head(context.Context, chain.Finality) (chain.Block, error) {
	return chain.Block{}, chain.ErrAbsent
}

// One bad endpoint that answers at once, and one good one that is slow: the slow one makes the quorum, in every call.
func TestASlowEndpointCountsBesideAWrongOne(t *testing.T) {
	for name, spoil := range map[string]func(*chaintest.Endpoint, *endpoint){
		"absent": func(_ *chaintest.Endpoint, e *endpoint) { e.Source = absent{e.Source} },
		"down":   func(c *chaintest.Endpoint, _ *endpoint) { c.Spoil(chaintest.Down) },
		"lies":   func(c *chaintest.Endpoint, _ *endpoint) { c.Spoil(chaintest.Lie) },
		"forks":  func(c *chaintest.Endpoint, _ *endpoint) { c.Spoil(chaintest.ForkInReads) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, endpoints, q := three(t)
				spoil(endpoints[1], q.endpoints[1])
				q.endpoints[2].Source = slow{q.endpoints[2].Source}
				for range 3 {
					head, err := q.Head(t.Context(), final)
					if want := c.Tip().Number - 2; err != nil || head.Number != want {
						t.Fatalf("head %s, %v; want block %d", head, err, want)
					}
				}
			})
		})
	}
}

func TestTwoBadEndpointsStopEverythingAndAreNamed(t *testing.T) {
	for _, f := range []chaintest.Fault{chaintest.Down, chaintest.Hang, chaintest.Throttled} {
		t.Run(f.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, endpoints, q := three(t)
				head, err := q.Head(t.Context(), final)
				if err != nil {
					t.Fatal(err)
				}
				endpoints[0].Spoil(f)
				endpoints[2].Spoil(f)
				_, headErr := q.Head(t.Context(), final)
				_, countersErr := q.Counters(t.Context(), head)
				_, eventsErr := q.Events(t.Context(), 1, 5, head)
				for _, err := range []error{headErr, countersErr, eventsErr} {
					if !errors.Is(err, chain.ErrDisagree) || chain.VerdictOf(err) != chain.Retry {
						t.Fatalf("error %v, want ErrDisagree with retry", err)
					}
					for _, name := range []string{"a: ", "b: ", "c: "} {
						if !strings.Contains(err.Error(), name) {
							t.Errorf("error %q does not say what %s said", err, name)
						}
					}
				}
				endpoints[0].Spoil(chaintest.Healthy)
				readAll(t, c, q)
			})
		})
	}
}

func TestLiarAndLaggardTogether(t *testing.T) {
	c, endpoints, q := three(t)
	endpoints[0].Spoil(chaintest.Lie)
	endpoints[1].Lag(20)
	head, err := q.Head(t.Context(), final) // the liar's blocks are the true ones
	if err != nil || head.Number != c.Tip().Number-2 {
		t.Fatalf("head is %s, %v", head, err)
	}
	if got, err := q.Counters(t.Context(), head); !errors.Is(err, chain.ErrDisagree) {
		t.Fatalf("one true and one false answer make a quorum: %+v, %v", got, err)
	}
}

func TestRewindNeedsAQuorum(t *testing.T) {
	c, _, q := three(t)
	left, err := q.Head(t.Context(), final)
	if err != nil {
		t.Fatal(err)
	}
	c.Fork(4)
	c.Mine(5)
	_, err = q.Counters(t.Context(), left)
	if chain.VerdictOf(err) != chain.Rewind {
		t.Fatalf("counters on the left branch: %v, want rewind", err)
	}
	now, err := q.Head(t.Context(), final)
	if err != nil || now.Hash == left.Hash {
		t.Fatalf("head after the fork: %s, %v", now, err)
	}
}

func TestAbsentNeedsAQuorum(t *testing.T) {
	_, endpoints, q := three(t)
	if _, err := q.BlockAt(t.Context(), 999); !errors.Is(err, chain.ErrAbsent) {
		t.Fatalf("a block that nobody has: %v, want ErrAbsent", err)
	}
	endpoints[0].Spoil(chaintest.Down)
	if _, err := q.BlockAt(t.Context(), 999); !errors.Is(err, chain.ErrAbsent) {
		t.Fatalf("two of three say absent: %v, want ErrAbsent", err)
	}
	endpoints[1].Spoil(chaintest.Down)
	if _, err := q.BlockAt(t.Context(), 999); errors.Is(err, chain.ErrAbsent) || err == nil {
		t.Fatalf("one of three says absent: %v, want an error that means unknown", err)
	}
}

// boaster names any block as settled and agrees to everything it is asked.
type boaster struct {
	chain.Source
	block chain.Block
}

func (b boaster) Head(context.Context, chain.Finality) (chain.Block, error) { return b.block, nil }
func (b boaster) BlockAt(context.Context, uint64) (chain.Block, error)      { return b.block, nil }

func TestBoasterMovesNothing(t *testing.T) {
	c, endpoints, _ := three(t)
	endpoints[1].Lag(1)
	for name, block := range map[string]chain.Block{
		"far ahead":     {Number: 1 << 60, Hash: codec.Hash{1}},
		"false hash":    {Number: c.Tip().Number - 2, Hash: codec.Hash{1}},
		"false, lagged": {Number: c.Tip().Number - 3, Hash: codec.Hash{1}},
		"far behind":    {Number: 0, Hash: codec.Hash{1}},
	} {
		t.Run(name, func(t *testing.T) {
			q, err := New(Config{Quorum: 2, Endpoints: []Endpoint{
				{"liar", boaster{endpoints[0].Source(), block}}, {"b", endpoints[1].Source()}, {"c", endpoints[2].Source()},
			}})
			if err != nil {
				t.Fatal(err)
			}
			head, err := q.Head(t.Context(), final)
			if err != nil || head.Number != c.Tip().Number-3 {
				t.Fatalf("head is %s, %v; want block %d, which the two honest ones have", head, err, c.Tip().Number-3)
			}
		})
	}
}

func TestNormalCaseCostsKCalls(t *testing.T) {
	c, endpoints, q := three(t)
	readAll(t, c, q)
	for _, method := range []string{"Counters", "Events", "Snapshot", "Locate"} {
		calls := 0
		for _, e := range endpoints {
			calls += e.Calls(method)
		}
		if calls != 2 {
			t.Errorf("%s took %d calls, want 2", method, calls)
		}
	}
	for _, e := range endpoints {
		if e.Calls("BlockAt") != 0 {
			t.Errorf("endpoint %s was asked for a block though all heads agree", e.Name())
		}
	}
}

func TestReport(t *testing.T) {
	c, endpoints, _ := three(t)
	var mu sync.Mutex
	seen := map[string]int{}
	config := Config{Quorum: 2, Observe: func(o Observation) {
		mu.Lock()
		defer mu.Unlock()
		if o.Err != nil {
			seen[o.Endpoint]++
		}
	}}
	for _, e := range endpoints {
		config.Endpoints = append(config.Endpoints, Endpoint{Name: e.Name(), Source: e.Source()})
	}
	q, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	endpoints[0].Spoil(chaintest.Down)
	endpoints[1].Lag(1)
	head, err := q.Head(t.Context(), final)
	if err != nil || head.Number != c.Tip().Number-3 {
		t.Fatalf("head is %s, %v", head, err)
	}
	report := q.Report()
	if !report[0].Failing || !strings.Contains(report[0].LastError, "connection refused") || report[1].Failing || report[1].Lag != 1 || report[2].Lag != 0 {
		t.Fatalf("report is %+v", report)
	}
	mu.Lock()
	defer mu.Unlock()
	if seen["a"] == 0 || seen["b"] != 0 {
		t.Fatalf("observed failures are %v", seen)
	}
}

func TestFatalOnlyWhenTheQuorumIsLost(t *testing.T) {
	_, endpoints, q := three(t)
	endpoints[0].Spoil(chaintest.WrongChain)
	endpoints[1].Spoil(chaintest.WrongChain)
	_, err := q.Head(t.Context(), final)
	if chain.VerdictOf(err) != chain.Fatal {
		t.Fatalf("two of three are of another chain: %v, want fatal", err)
	}
	endpoints[1].Spoil(chaintest.Down)
	_, err = q.Head(t.Context(), final)
	if chain.VerdictOf(err) != chain.Retry {
		t.Fatalf("one is of another chain and one is down: %v, want retry", err)
	}
}

func TestConfigFaults(t *testing.T) {
	_, err := New(Config{Quorum: 3, Timeout: -1, Endpoints: []Endpoint{{Name: "a"}, {Name: "a"}}})
	for _, want := range []string{"3 of 2", "two endpoints are named", "no source", "Timeout"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not say %q", err, want)
		}
	}
}

func TestName(t *testing.T) {
	for in, want := range map[string]string{
		"http://127.0.0.1:8545":                   "http://127.0.0.1:8545",
		"https://user:pass@node.example/":         "https://node.example",
		"https://mainnet.example/v3/SECRET?k=KEY": "https://mainnet.example/…",
		"https://node.example?apikey=SECRET":      "https://node.example/…",
		"::not a url SECRET":                      "invalid URL",
	} {
		if got := Name(in); got != want {
			t.Errorf("Name(%q) = %q, want %q", in, got, want)
		}
	}
}
