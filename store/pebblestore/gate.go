package pebblestore

import "sync/atomic"

// gate counts the calls inside, so that closing can wait for them: Pebble panics when it
// is used after its end. It costs two atomic additions per call.
type gate struct {
	state   atomic.Int64 // calls inside, plus shutBit once no more are let in
	drained chan struct{}
}

const shutBit = 1 << 62

// enter reports whether the caller is in; if so, it must leave.
func (g *gate) enter() bool {
	if g.state.Add(1) > shutBit {
		g.leave()
		return false
	}
	return true
}

func (g *gate) leave() {
	if g.state.Add(-1) == shutBit {
		// Late comers pass here too, so the last one out may come more than once.
		select {
		case g.drained <- struct{}{}:
		default:
		}
	}
}

// shut lets nobody in any more and waits for the last to leave. It is called once.
func (g *gate) shut() {
	if g.state.Add(shutBit) == shutBit {
		return
	}
	<-g.drained
}
