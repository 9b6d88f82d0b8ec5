package ledger

import (
	"testing"

	"github.com/holiman/uint256"
	"pgregory.net/rapid"
)

// solidity is the bucket of Limits.sol, line by line, by a clock in seconds.
type solidity struct {
	capacity, level, window, time uint64
}

func (s *solidity) load(now uint64) {
	if s.window == 0 {
		return
	}
	leaked := (now - s.time) * s.capacity / s.window
	switch {
	case leaked >= s.level:
		s.level = 0
	case leaked != 0:
		s.level -= leaked
	default:
		return
	}
	s.time = now
}

func (s *solidity) take(now, amount uint64) bool {
	if s.window == 0 {
		return true
	}
	s.load(now)
	if s.level+amount > s.capacity {
		return false
	}
	s.level += amount
	return true
}

func (s *solidity) change(now, capacity, window uint64) {
	if s.window == 0 {
		s.time = now
	}
	s.load(now)
	s.capacity, s.window = capacity, window
	if window == 0 {
		s.level = 0
	}
}

// TestNoActionMeetsAFullBucket plays the ledger's mirror against the contract's bucket.
// The chain's clock runs up to skew ahead of or behind the ledger's, and goes anywhere in
// between at any time; actions execute in order but as late as they like, and are reported
// as late as that; limits change on the chain any time after their seal. Every action must
// fit when it executes, unless a limit stands that was sealed after the ledger emitted it.
func TestNoActionMeetsAFullBucket(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		skew := 40 * rapid.Uint64Range(0, 1).Draw(t, "skew") // none shows the rounding
		n := func(name string, least, most uint64) uint64 { return rapid.Uint64Range(least, most).Draw(t, name) }
		type limit struct{ capacity, window uint64 }
		// An action is proved against the limits of versions from … to: those that the
		// ledger took into account when it emitted it.
		type action struct{ amount, from, to uint64 }
		type event struct {
			amount           uint64
			limit            bool
			capacity, window uint64
		}
		var (
			real            = uint64(10_000) // the ledger's clock, s
			last            = real           // the chain's newest block time
			mirror          Bucket
			chain           solidity
			version, known  uint64   // the chain's limit, the ledger's
			sealed          *limit   // announced to the ledger, not yet changed on the chain
			emitted, flying []action // not executed, not reported
			journal         []event
			inFlight        uint256.Int
		)
		chainTime := func() uint64 { // anywhere within the skew, never back
			last = max(last, n("chain time", real-skew, real+skew))
			return last
		}
		seal := func() {
			sealed = &limit{n("capacity", 0, 300), 60 * n("minutes", 0, 4)}
			if sealed.window == 0 {
				sealed.capacity = 0
			}
			mirror.announce(real, uint256.NewInt(sealed.capacity), sealed.window)
		}
		change := func() {
			e := event{limit: true, capacity: sealed.capacity, window: sealed.window}
			chain.change(chainTime(), e.capacity, e.window)
			sealed = nil
			version++
			journal = append(journal, e)
		}
		report := func() {
			if len(journal) == 0 {
				return
			}
			e := journal[0]
			journal = journal[1:]
			if e.limit {
				known++
				mirror.change(real, 2*skew, uint256.NewInt(e.capacity), e.window)
				return
			}
			mirror.add(real, 2*skew, uint256.NewInt(e.amount))
			inFlight.SubUint64(&inFlight, e.amount)
			flying = flying[1:]
		}
		t.Repeat(map[string]func(*rapid.T){
			"time passes": func(*rapid.T) { real += n("seconds", 0, 90) },
			"emit": func(*rapid.T) {
				a := action{amount: n("amount", 1, 300), from: known, to: version}
				if sealed != nil {
					a.to++
				}
				if rapid.Bool().Draw(t, "all that fits") { // the hardest case
					for a.amount > 1 && !mirror.fits(real, &inFlight, uint256.NewInt(a.amount)) {
						a.amount--
					}
				}
				if mirror.fits(real, &inFlight, uint256.NewInt(a.amount)) {
					inFlight.AddUint64(&inFlight, a.amount)
					emitted, flying = append(emitted, a), append(flying, a)
				}
			},
			"execute": func(*rapid.T) {
				if len(emitted) == 0 {
					return
				}
				a := emitted[0]
				fits := chain.take(chainTime(), a.amount)
				proven := a.from <= version && version <= a.to
				if proven && !fits {
					t.Fatalf("action of %d at chain time %d meets a bucket at %d of %d", a.amount, last, chain.level, chain.capacity)
				}
				if fits {
					emitted = emitted[1:]
					journal = append(journal, event{amount: a.amount})
				}
			},
			"report": func(*rapid.T) { report() },
			"report all": func(*rapid.T) {
				for len(journal) > 0 {
					report()
				}
			},
			"seal a limit": func(*rapid.T) {
				if sealed == nil && known == version && n("rarely", 0, 4) == 0 {
					seal()
				}
			},
			"limit changes": func(*rapid.T) {
				if sealed != nil {
					change()
				}
			},
			"": func(*rapid.T) {
				// Nothing waits for ever for room that is there, and the time given is the first.
				wanted := uint256.NewInt(n("wanted", 1, 300))
				at, ever := mirror.fitsFrom(&inFlight, wanted)
				if fits := mirror.fits(real, &inFlight, wanted); fits != (ever && at <= real) {
					t.Fatalf("%s fits at %d: %t; fitsFrom says %d, %t", wanted.Dec(), real, fits, at, ever)
				}
			},
		})
	})
}

// A busy bucket lets out what the contract's does: the lag costs one lag once, not one per action.
func TestABusyBucketKeepsItsRate(t *testing.T) {
	const lag, capacity, window = 600, 1_000_000, 3600
	var b Bucket
	b.change(0, lag, uint256.NewInt(capacity), window)
	paid := uint64(0)
	const hours = 100
	for now := uint64(0); now < hours*3600; now += 30 {
		amount := uint256.NewInt(10_000)
		if b.fits(now, new(uint256.Int), amount) {
			b.add(now, lag, amount)
			paid += amount.Uint64()
		}
	}
	most := uint64(capacity + hours*capacity)
	if least := most - capacity/2; paid < least || paid > most {
		t.Fatalf("paid %d in %d hours, want from %d to %d", paid, hours, least, most)
	}
}

func TestBucketBoundsHoldForExtremes(t *testing.T) {
	huge := new(uint256.Int).Lsh(uint256.NewInt(1), 104)
	huge.SubUint64(huge, 1)
	b := Bucket{}
	b.change(1, 600, huge, 65535*60)
	b.add(2, 600, huge)
	if b.fits(1<<40, new(uint256.Int), uint256.NewInt(0)) != true {
		t.Fatal("an age later the bucket is still full")
	}
	if at, ok := b.fitsFrom(new(uint256.Int), huge); !ok || !b.fits(at, new(uint256.Int), huge) || b.fits(at-1, new(uint256.Int), huge) {
		t.Fatalf("the whole capacity fits from %d on, %t", at, ok)
	}
	closed := Bucket{}
	closed.change(1, 600, new(uint256.Int), 60)
	closed.add(2, 600, uint256.NewInt(5)) // executed under the limit before
	if _, ok := closed.fitsFrom(new(uint256.Int), uint256.NewInt(1)); ok {
		t.Fatal("a bucket of nothing has room")
	}
}
