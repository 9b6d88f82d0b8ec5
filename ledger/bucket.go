package ledger

import (
	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/bridgecontracts"
)

// The mirror of a contract's bucket
//
// The contract adds an outflow when an action executes and leaks by its chain's clock.
// The ledger sees the execution later, by its own clock, and must never believe that
// there is more room than there will be. Three bounds make sure of that.
//
// An outflow that comes later leaves a bucket at least as full. So what is in flight
// counts in full and does not leak, from its emission to the report, and what is
// reported counts as if it had happened only now.
//
// The clocks are apart. A thing that is reported at time t of the ledger happened by
// t+skew of the chain; what the ledger emits at t runs at t-skew of the chain or later. So
// the mirror runs 2·skew behind: what is reported at t starts to leak at t+lag, lag = 2·skew.
// A level with the one time from which it leaks, which may lie in the future, is enough
// to bound all additions: if the level lasts beyond t+lag anyway, an addition just joins
// it (in a busy bucket the lag costs nothing); if not, the sum starts to leak when the old
// level alone would still have been what it is now, counted back from t+lag.
//
// A limit changes on the chain some time after its seal came in and before the bridge's
// report. In between the mirror obeys both limits: it leaks at the slower rate and fills to
// the lower capacity. So only an action that was emitted before the seal can be made
// impossible by a new limit. (A limit that was set past the app chain, without a seal in a
// block, is seen when it is reported. An action can then meet a bucket that was full for
// the new limit; it waits there, and nothing is lost.)
//
// The contract rounds a leak down whenever it is touched, so it is up to one unit fuller
// after every action and every change of the limit: the mirror adds that unit.

// leaked is what flows out of a bucket in some seconds, rounded down. Window 0 does not leak.
func leaked(capacity *uint256.Int, window, seconds uint64) (out uint256.Int) {
	if window == 0 {
		return out
	}
	out.Mul(capacity, uint256.NewInt(seconds)) // 104 + 64 bits
	out.Div(&out, uint256.NewInt(window))
	return out
}

// lasts is how long an amount takes to leak, rounded down; ok is false if it never does.
func lasts(capacity *uint256.Int, window uint64, amount *uint256.Int) (seconds uint64, ok bool) {
	if amount.IsZero() {
		return 0, true
	}
	if capacity.IsZero() {
		return 0, false
	}
	out, overflow := new(uint256.Int).MulDivOverflow(amount, uint256.NewInt(window), capacity)
	if overflow || !out.IsUint64() || out.Uint64() > 1<<62 {
		return 0, false
	}
	return out.Uint64(), true
}

// lasts is how long an amount takes to leak at the slower rate.
func (b *Bucket) lasts(amount *uint256.Int) (seconds uint64, ok bool) {
	seconds, ok = lasts(&b.Capacity, b.Window, amount)
	if ok && b.NextWindow != 0 {
		var next uint64
		next, ok = lasts(&b.NextCapacity, b.NextWindow, amount)
		seconds = max(seconds, next)
	}
	return seconds, ok
}

// room is the lower capacity; ok is false where there is no limit and none to come.
func (b *Bucket) room() (capacity uint256.Int, ok bool) {
	switch {
	case b.NextWindow != 0 && (b.Window == 0 || b.NextCapacity.Lt(&b.Capacity)):
		return b.NextCapacity, true
	default:
		return b.Capacity, b.Window != 0
	}
}

// at returns the level at a time, Unix seconds.
func (b *Bucket) at(now uint64) uint256.Int {
	level := b.Level
	if now > b.Updated {
		out := leaked(&b.Capacity, b.Window, now-b.Updated)
		if b.NextWindow != 0 {
			if slow := leaked(&b.NextCapacity, b.NextWindow, now-b.Updated); slow.Lt(&out) {
				out = slow
			}
		}
		subtract(&level, &out)
	}
	return level
}

// settle makes Updated the given time if a whole unit has leaked by then; otherwise the
// old time stays, or a slow bucket that is often used would never leak.
func (b *Bucket) settle(now uint64) {
	level := b.at(now)
	if level != b.Level || level.IsZero() {
		b.Level, b.Updated = level, max(now, b.Updated)
	}
}

// add counts the outflow of an executed action that is reported now.
func (b *Bucket) add(now, lag uint64, amount *uint256.Int) {
	if b.Window == 0 {
		return
	}
	b.settle(now)
	lasts, ok := b.lasts(&b.Level)
	if ok && b.Updated+lasts < now+lag {
		b.Updated = now + lag - lasts
	}
	add(&b.Level, uint256.NewInt(1))
	add(&b.Level, amount)
}

// announce is a new limit whose seal comes in now. None at all takes effect when it is reported.
func (b *Bucket) announce(now uint64, capacity *uint256.Int, window uint64) {
	if window != 0 {
		b.settle(now)
		b.NextCapacity, b.NextWindow = *capacity, window
	}
}

// change is a new limit that is reported now.
func (b *Bucket) change(now, lag uint64, capacity *uint256.Int, window uint64) {
	if window == 0 {
		*b = Bucket{}
		return
	}
	next := Bucket{Capacity: *capacity, Window: window, Updated: max(b.Updated, now+lag)}
	if b.Window != 0 {
		b.NextCapacity, b.NextWindow = *capacity, window
		next.Level = b.at(now)
		add(&next.Level, uint256.NewInt(1))
	}
	*b = next
}

// fits reports whether an outflow finds room even if everything in flight comes before it.
func (b *Bucket) fits(now uint64, inFlight, amount *uint256.Int) bool {
	capacity, limited := b.room()
	if !limited {
		return true
	}
	sum := b.at(now)
	add(&sum, inFlight)
	add(&sum, amount)
	return !sum.Gt(&capacity)
}

// fitsFrom returns the first time, Unix seconds, at which leaking alone makes room for an
// outflow; ok is false if it never does.
func (b *Bucket) fitsFrom(inFlight, amount *uint256.Int) (at uint64, ok bool) {
	room, limited := b.room()
	if !limited {
		return 0, true
	}
	reserved := *inFlight
	add(&reserved, amount)
	if reserved.Gt(&room) {
		return 0, false
	}
	excess := b.Level
	subtract(&room, &reserved)
	subtract(&excess, &room)
	if excess.IsZero() {
		return 0, true
	}
	wait, ok := b.lasts(&excess)
	if !ok {
		return 0, false
	}
	for !b.fits(b.Updated+wait, inFlight, amount) {
		wait++ // rounding: at most twice
	}
	return b.Updated + wait, true
}

// possible reports whether a limit is one that a contract can have, see ADR 0001.
func possible(capacity *uint256.Int, window uint64) bool {
	const minute, mostMinutes, bits = 60, 1<<16 - 1, 104
	return capacity.BitLen() <= bits && window%minute == 0 && window/minute <= mostMinutes && (window != 0 || capacity.IsZero())
}

// raises reports whether a limit lets out more than the one that stands: the contract's own rule.
func (b *Bucket) raises(l *bridgecontracts.SetLimit) bool {
	if b.Window == 0 || l.Window == 0 {
		return l.Window == 0
	}
	var faster, slower uint256.Int // 104 + 22 bits
	faster.Mul(&l.Capacity, uint256.NewInt(b.Window))
	slower.Mul(&b.Capacity, uint256.NewInt(l.Window))
	return l.Capacity.Gt(&b.Capacity) || faster.Gt(&slower)
}

// subtract stops at zero, add at the largest number: bounds stay bounds.
func subtract(from, amount *uint256.Int) {
	if _, under := from.SubOverflow(from, amount); under {
		from.Clear()
	}
}

func add(to, amount *uint256.Int) {
	if _, over := to.AddOverflow(to, amount); over {
		to.SetAllOne()
	}
}
