package chaintest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/codec"
)

var testToken = codec.LeftPad([]byte("token"))

// scripted is the scripted chain as a world, with a hook for mutants.
type scripted struct {
	chain   *Chain
	members *Members
	spoiled *Endpoint
	source  func(*Endpoint) chain.Source
	sink    func(chain.Sink) chain.Sink
	expiry  uint64
}

func newScripted(expiry uint64) *scripted {
	m := NewMembers("suite", 1, 3, 3)
	c := New(Config{Set: m.Set, Expiry: expiry})
	return &scripted{chain: c, members: m, spoiled: c.Endpoint("a"), expiry: expiry,
		source: func(e *Endpoint) chain.Source { return e.Source() }, sink: func(s chain.Sink) chain.Sink { return s }}
}

func (w *scripted) Facts() Facts {
	return Facts{Finality: chain.Finality{Confirmations: 2}, Settle: 2, Domain: w.chain.Domain(), SetHash: w.members.Set.Hash(),
		Token: testToken, History: true, Nonces: w.expiry == 0, ExpiryBlocks: int(w.expiry)}
}

func (w *scripted) Source() (chain.Source, error) { return w.source(w.spoiled), nil }

func (w *scripted) Deposit(_ context.Context, n int) (txs []string, err error) {
	for i := range n {
		txs = append(txs, w.chain.Deposit(codec.LeftPad([]byte("wallet")), testToken, 1))
		if i%2 == 1 || i == n-1 {
			w.chain.Mine(1)
		}
	}
	return txs, nil
}

func (w *scripted) Plain(context.Context) (string, error) {
	tx := w.chain.Emit()
	w.chain.Mine(1)
	return tx, nil
}

func (w *scripted) Mine(_ context.Context, n int) error { w.chain.Mine(n); return nil }

func (w *scripted) Fork(_ context.Context, depth int) error {
	w.chain.Fork(depth)
	w.chain.Mine(depth + 1)
	return nil
}

func (w *scripted) Spoil(f Fault) error { w.spoiled.Spoil(f); return nil }

func (w *scripted) Sink() (chain.Sink, error) { return w.sink(w.spoiled.Sink("payer")), nil }

func (w *scripted) Rival() (chain.Sink, error) { return w.chain.Endpoint("b").Sink("rival"), nil }

func (w *scripted) Noop(id uint64) (*chain.Delivery, error) {
	return w.members.Action(w.chain.Domain(), id, &bridgecontracts.Noop{}), nil
}

func (w *scripted) Caps() chain.Caps {
	return chain.Caps{MaxFeePerGas: *uint256.NewInt(20 * InitialPrice), MaxTip: *uint256.NewInt(100)}
}

func (w *scripted) DropPending(context.Context) error { w.chain.DropPending(); return nil }

func (w *scripted) SetPrice(_ context.Context, aboveCaps bool) error {
	w.chain.SetPrice(InitialPrice)
	if aboveCaps {
		w.chain.SetPrice(21 * InitialPrice)
	}
	return nil
}

func TestScriptedSource(t *testing.T) {
	TestSource(t, func(TB) World { return newScripted(0) })
}

func TestScriptedSink(t *testing.T) {
	TestSink(t, func(TB) SinkWorld { return newScripted(0) })
}

func TestScriptedSinkWithoutNonces(t *testing.T) {
	TestSink(t, func(TB) SinkWorld { return newScripted(10) })
}

// recorder is a TB that remembers failures.
type recorder struct {
	ctx      context.Context
	mu       sync.Mutex
	failures []string
}

func (r *recorder) Helper()                  {}
func (r *recorder) Cleanup(func())           {}
func (r *recorder) Logf(string, ...any)      {}
func (r *recorder) Context() context.Context { return r.ctx }
func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}
func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	runtime.Goexit()
}

// failing returns the names of the cases that a world fails.
func failing[W World](t *testing.T, cases []Case[W], newWorld func() W) (names []string) {
	for _, c := range cases {
		ctx, cancel := context.WithCancel(t.Context())
		r := &recorder{ctx: ctx}
		done := make(chan struct{})
		go func() {
			defer close(done)
			c.Run(r, newWorld())
		}()
		<-done
		cancel()
		if len(r.failures) > 0 {
			names = append(names, c.Name)
		}
	}
	return names
}

// mutant is a good source with some methods replaced by bad ones.
type mutant struct {
	chain.Source
	e        *Endpoint
	head     func(context.Context, chain.Finality) (chain.Block, error)
	blockAt  func(context.Context, uint64) (chain.Block, error)
	counters func(context.Context, chain.Block) (chain.Counters, error)
	events   func(context.Context, uint64, uint64, chain.Block) ([]chain.LocatedEvent, error)
	locate   func(context.Context, string) ([]chain.LocatedEvent, error)
	snapshot func(context.Context, chain.Block, []codec.Hash) (chain.Snapshot, error)
}

func (m *mutant) Head(ctx context.Context, f chain.Finality) (chain.Block, error) {
	if m.head != nil {
		return m.head(ctx, f)
	}
	return m.Source.Head(ctx, f)
}

func (m *mutant) BlockAt(ctx context.Context, n uint64) (chain.Block, error) {
	if m.blockAt != nil {
		return m.blockAt(ctx, n)
	}
	return m.Source.BlockAt(ctx, n)
}

func (m *mutant) Counters(ctx context.Context, at chain.Block) (chain.Counters, error) {
	if m.counters != nil {
		return m.counters(ctx, at)
	}
	return m.Source.Counters(ctx, at)
}

func (m *mutant) Events(ctx context.Context, from, to uint64, at chain.Block) ([]chain.LocatedEvent, error) {
	if m.events != nil {
		return m.events(ctx, from, to, at)
	}
	return m.Source.Events(ctx, from, to, at)
}

func (m *mutant) Locate(ctx context.Context, tx string) ([]chain.LocatedEvent, error) {
	if m.locate != nil {
		return m.locate(ctx, tx)
	}
	return m.Source.Locate(ctx, tx)
}

func (m *mutant) Snapshot(ctx context.Context, at chain.Block, tokens []codec.Hash) (chain.Snapshot, error) {
	if m.snapshot != nil {
		return m.snapshot(ctx, at, tokens)
	}
	return m.Source.Snapshot(ctx, at, tokens)
}

// unchecked lists events as the endpoint gives them, for mutants that forget a check.
func (m *mutant) unchecked(ctx context.Context, from, to uint64, at chain.Block, checkPin bool) (out []chain.LocatedEvent, err error) {
	fault, err := m.e.enter(ctx, "Events")
	if err != nil {
		return nil, err
	}
	if fault == ForkInReads {
		m.e.chain.Fork(3)
		m.e.chain.Mine(4)
	}
	err = m.e.view(func(blocks []*block) error {
		if _, err := pinned(blocks, at); err != nil && checkPin {
			return err
		}
		for _, l := range located(blocks[:min(at.Number+1, uint64(len(blocks)))]) {
			if l.ID >= from && l.ID <= to {
				out = append(out, l)
			}
		}
		out = spoilEvents(fault, out)
		return nil
	})
	return out, err
}

// canonical is what an adapter does that reads by number where it should read by hash.
func (m *mutant) canonical(ctx context.Context, at chain.Block) chain.Block {
	if b, err := m.Source.BlockAt(ctx, at.Number); err == nil {
		return b
	}
	return at
}

func (m *mutant) newest(ctx context.Context, at chain.Block) chain.Block {
	if b, err := m.Source.Head(ctx, chain.Finality{Confirmations: 1}); err == nil {
		return b
	}
	return at
}

var sourceMutants = map[string]func(m *mutant){
	"range ends one early": func(m *mutant) {
		m.events = func(ctx context.Context, from, to uint64, at chain.Block) ([]chain.LocatedEvent, error) {
			return m.Source.Events(ctx, from, max(from, to-1), at)
		}
	},
	"range begins one late": func(m *mutant) {
		m.events = func(ctx context.Context, from, to uint64, at chain.Block) ([]chain.LocatedEvent, error) {
			return m.Source.Events(ctx, min(from+1, to), to, at)
		}
	},
	"ids begin at zero": func(m *mutant) {
		m.events = func(ctx context.Context, from, to uint64, at chain.Block) ([]chain.LocatedEvent, error) {
			return m.Source.Events(ctx, max(from, 1), to, at)
		}
	},
	"accepts a list with holes": func(m *mutant) {
		m.events = func(ctx context.Context, from, to uint64, at chain.Block) ([]chain.LocatedEvent, error) {
			out, err := m.unchecked(ctx, from, to, at, true)
			if err == nil && m.e.fault != DropEvent && m.e.fault != DropLastEvent {
				return m.Source.Events(ctx, from, to, at)
			}
			return out, err
		}
	},
	"accepts duplicates and any order": func(m *mutant) {
		m.events = func(ctx context.Context, from, to uint64, at chain.Block) ([]chain.LocatedEvent, error) {
			if m.e.fault == DuplicateEvent || m.e.fault == ReorderEvents {
				return m.unchecked(ctx, from, to, at, true)
			}
			return m.Source.Events(ctx, from, to, at)
		}
	},
	"reads counters by number": func(m *mutant) {
		m.counters = func(ctx context.Context, at chain.Block) (chain.Counters, error) {
			return m.Source.Counters(ctx, m.canonical(ctx, at))
		}
	},
	"reads the newest counters": func(m *mutant) {
		m.counters = func(ctx context.Context, at chain.Block) (chain.Counters, error) {
			return m.Source.Counters(ctx, m.newest(ctx, at))
		}
	},
	"reads events by number": func(m *mutant) {
		m.events = func(ctx context.Context, from, to uint64, at chain.Block) ([]chain.LocatedEvent, error) {
			return m.Source.Events(ctx, from, to, m.canonical(ctx, at))
		}
	},
	"does not check the pin after listing": func(m *mutant) {
		m.events = func(ctx context.Context, from, to uint64, at chain.Block) ([]chain.LocatedEvent, error) {
			if m.e.fault != ForkInReads {
				return m.Source.Events(ctx, from, to, at)
			}
			return m.unchecked(ctx, from, to, at, false)
		}
	},
	"a snapshot of the newest block": func(m *mutant) {
		m.snapshot = func(ctx context.Context, at chain.Block, tokens []codec.Hash) (chain.Snapshot, error) {
			return m.Source.Snapshot(ctx, m.newest(ctx, at), tokens)
		}
	},
	"a snapshot that ignores the tokens": func(m *mutant) {
		m.snapshot = func(ctx context.Context, at chain.Block, _ []codec.Hash) (chain.Snapshot, error) {
			return m.Source.Snapshot(ctx, at, nil)
		}
	},
	"a head one too high": func(m *mutant) {
		m.head = func(ctx context.Context, f chain.Finality) (chain.Block, error) {
			f.Confirmations = max(f.Confirmations, 2) - 1
			return m.Source.Head(ctx, f)
		}
	},
	"a head that never moves": func(m *mutant) {
		m.head = func(ctx context.Context, _ chain.Finality) (chain.Block, error) { return m.Source.BlockAt(ctx, 0) }
	},
	"an error means absent": func(m *mutant) {
		m.blockAt = func(ctx context.Context, n uint64) (chain.Block, error) {
			b, err := m.Source.BlockAt(ctx, n)
			if err != nil {
				err = chain.ErrAbsent
			}
			return b, err
		}
	},
	"absent means an error": func(m *mutant) {
		m.blockAt = func(ctx context.Context, n uint64) (chain.Block, error) {
			b, err := m.Source.BlockAt(ctx, n)
			if errors.Is(err, chain.ErrAbsent) {
				err = errors.New("no such block")
			}
			return b, err
		}
	},
	"an unknown transaction has no events": func(m *mutant) {
		m.locate = func(ctx context.Context, tx string) ([]chain.LocatedEvent, error) {
			out, err := m.Source.Locate(ctx, tx)
			if errors.Is(err, chain.ErrAbsent) {
				err = nil
			}
			return out, err
		}
	},
	"a transaction without events is absent": func(m *mutant) {
		m.locate = func(ctx context.Context, tx string) ([]chain.LocatedEvent, error) {
			out, err := m.Source.Locate(ctx, tx)
			if err == nil && len(out) == 0 {
				err = chain.ErrAbsent
			}
			return out, err
		}
	},
	"locates in the wrong block": func(m *mutant) {
		m.locate = func(ctx context.Context, tx string) ([]chain.LocatedEvent, error) {
			out, err := m.Source.Locate(ctx, tx)
			for i := range out {
				out[i].Block++
			}
			return out, err
		}
	},
	"throttling is fatal": func(m *mutant) {
		m.counters = func(ctx context.Context, at chain.Block) (chain.Counters, error) {
			c, err := m.Source.Counters(ctx, at)
			if m.e.fault == Throttled {
				err = &chain.Error{Verdict: chain.Fatal, Err: err}
			}
			return c, err
		}
	},
	"takes another chain for its own": func(m *mutant) {
		m.head = func(ctx context.Context, f chain.Finality) (chain.Block, error) {
			if m.e.fault == WrongChain {
				return chain.Block{Number: 1, Hash: codec.Hash{1}}, nil
			}
			return m.Source.Head(ctx, f)
		}
	},
	"shares a buffer between calls": func(m *mutant) {
		var buffer []chain.LocatedEvent
		m.events = func(ctx context.Context, from, to uint64, at chain.Block) ([]chain.LocatedEvent, error) {
			out, err := m.Source.Events(ctx, from, to, at)
			m.e.mu.Lock()
			defer m.e.mu.Unlock()
			buffer = append(buffer, out...)
			return buffer, err
		}
	},
}

func TestSuiteCatchesEverySourceMutant(t *testing.T) {
	for name, mutate := range sourceMutants {
		t.Run(name, func(t *testing.T) {
			caught := failing(t, SourceCases(), func() World {
				w := newScripted(0)
				w.source = func(e *Endpoint) chain.Source {
					m := &mutant{Source: e.Source(), e: e}
					mutate(m)
					return m
				}
				return w
			})
			if len(caught) == 0 {
				t.Fatal("no case of the suite fails")
			}
			t.Logf("caught by: %s", strings.Join(caught, "; "))
		})
	}
}
