package submitter

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/chain/chaintest"
)

var (
	seedFlag  = flag.Uint64("seed", 0, "run the simulation with this seed only")
	seedsFlag = flag.Uint64("seeds", 100, "how many seeds the simulation tries")
)

// simulation is one life of a submitter, drawn from a seed.
type simulation struct {
	*scene
	random *rand.Rand
	killer *killer
	final  uint64 // the newest block that was settled at any time; no fork goes below it
	trace  strings.Builder
}

// auditSink checks, before each broadcast, that the attempt is on the disk.
type auditSink struct {
	chain.Sink
	s *scene
}

func (a auditSink) Broadcast(ctx context.Context, attempt chain.Attempt) error {
	jobs, err := loadJobs(a.s.carrier().kv)
	if err != nil {
		a.s.Fatal(err)
	}
	for _, j := range jobs {
		for i := range j.Attempts {
			if j.Attempts[i].ID == attempt.ID {
				return a.Sink.Broadcast(ctx, attempt)
			}
		}
	}
	a.s.Fatalf("attempt %s with nonce %d is broadcast and not on the disk", attempt.ID, attempt.Nonce)
	return nil
}

func newSimulation(t testing.TB, seed uint64) *simulation {
	m := &simulation{scene: newScene(t), final: 1, random: rand.New(rand.NewPCG(seed, 0)), killer: &killer{}} // to be replayed
	m.TB = named{t, fmt.Sprintf("replay with -seed=%d: ", seed)}
	m.killer.trace = func(what string) { fmt.Fprintln(&m.trace, what) }
	m.with(m.killer)
	wrap := m.sink
	m.sink = func(sink chain.Sink) chain.Sink { return wrap(auditSink{sink, m.scene}) }
	m.restart()
	return m
}

// act does one random thing to the world.
func (m *simulation) act() {
	switch n := m.random.IntN(100); {
	case n < 25:
		count := 1 + m.random.IntN(3)
		if m.ledger.bridge.LastAction-m.ledger.bridge.LastExecuted+uint64(count) <= window { // small
			m.ledger.sealActions(count)
		}
	case n < 60:
		m.external.Mine(1 + m.random.IntN(2))
		m.hear()
	case n < 68:
		m.external.SetPrice(uint64(chaintest.InitialPrice) << m.random.IntN(14)) // the highest are above the caps
	case n < 74:
		m.external.DropPending()
	case n < 80:
		if depth := 1 + m.random.IntN(2); m.external.Tip().Number >= m.final+uint64(depth) { // small
			m.external.Fork(depth)
		}
		m.external.Mine(1 + m.random.IntN(3))
	case n < 84:
		m.endpoint.Spoil([]chaintest.Fault{chaintest.Down, chaintest.Throttled, chaintest.Healthy, chaintest.Healthy}[m.random.IntN(4)])
	case n < 88:
		m.compete()
	case n < 91:
		m.togglePause()
	case n < 93:
		caps := chain.Caps{MaxFeePerGas: *uint256.NewInt(uint64(chaintest.InitialPrice) << (4 + m.random.IntN(10)))}
		caps.MaxTip = caps.MaxFeePerGas
		if err := m.s.SetCaps(m.external.ChainID(), caps); err != nil {
			m.Fatalf("%v", err)
		}
	case n < 95:
		if m.external.Counters().LimitVersion == 0 && len(m.ledger.controls) == 0 {
			m.ledger.sealLimit()
		}
	default:
		m.killer.left, m.killer.after = 1+m.random.IntN(25), m.random.IntN(2) == 0
	}
	m.round()
}

// compete has a rival deliver the next action, if it is sealed and the rival's node would take it.
func (m *simulation) compete() {
	c := m.external.Counters()
	if _, sealed := m.ledger.actions[c.NextAction]; sealed && c.PauseSequence%2 == 0 && len(m.external.Pending()) == 0 {
		m.rival(c.NextAction)
	}
}

func (m *simulation) togglePause() {
	next := m.external.Counters().PauseSequence + 1
	if next%2 == 1 {
		m.external.Emit(&bridgecontracts.Paused{Sequence: next})
	} else {
		m.external.Emit(&bridgecontracts.Unpaused{Sequence: next})
	}
	m.external.Mine(1)
}

// round runs one round; endpoints may be unwell, and the process may die.
func (m *simulation) round() {
	m.final = max(m.final, m.external.Tip().Number-2)
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(killed); !ok {
				panic(r)
			}
			fmt.Fprintln(&m.trace, "killed")
			m.restart()
		}
	}()
	_ = m.scene.round(time.Duration(1+m.random.IntN(40)) * time.Second)
}

// calm lets the world be well until everything has had its time.
func (m *simulation) calm() {
	m.killer.left = 0
	m.endpoint.Spoil(chaintest.Healthy)
	m.external.SetPrice(chaintest.InitialPrice)
	if err := m.s.SetCaps(m.external.ChainID(), chain.Caps{MaxFeePerGas: *uint256.NewInt(1 << 40), MaxTip: *uint256.NewInt(1 << 40)}); err != nil {
		m.Fatalf("%v", err)
	}
	if m.external.Counters().PauseSequence%2 == 1 {
		m.togglePause()
	}
	for range 60 {
		if err := m.scene.round(45 * time.Second); err != nil {
			m.Fatalf("%v", err)
		}
		m.external.Mine(1)
		m.hear()
	}
	m.settle()
	if err := m.scene.round(poll); err != nil {
		m.Fatalf("%v", err)
	}
}

func (m *simulation) run() string {
	for range 120 {
		m.act()
	}
	m.calm()
	last := m.ledger.bridge.LastAction
	m.wantNext(last + 1)
	ran := m.executions()
	for id := uint64(1); id <= last; id++ {
		if ran[id] != 1 {
			m.Fatalf("action %d ran %d times", id, ran[id])
		}
	}
	m.wantPending(0)
	m.wantJobs(0)
	return m.trace.String()
}

// Drops, delays, replacements, reorganisations, fee spikes, rivals, dead endpoints and
// kills, from many seeds: in the end every action has run once, and no record is left.
func TestSimulation(t *testing.T) {
	first, count := uint64(1), *seedsFlag
	if *seedFlag != 0 {
		first, count = *seedFlag, 1
	}
	for seed := first; seed < first+count; seed++ {
		newSimulation(t, seed).run()
	}
}

// A seed plays the same life each time, so that a failure can be looked at again.
func TestSimulationReplays(t *testing.T) {
	for seed := uint64(1); seed <= 5; seed++ {
		one, two := newSimulation(t, seed).run(), newSimulation(t, seed).run()
		if one != two {
			t.Fatalf("seed %d plays two lives", seed)
		}
		if !strings.Contains(one, "Broadcast") {
			t.Fatalf("seed %d never sends anything", seed)
		}
	}
}
