package submitter

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/codec"
)

// machine decides what to do next from what is known. It has no network, disk or clock:
// time and observations are passed in, and what it decides is a list of steps that
// somebody else takes and reports back.
type machine struct {
	timing timing
	// jobs are the records, by serial.
	jobs []*job
	// sentAt is when a job's newest attempt was last broadcast.
	sentAt map[uint64]time.Time
	// urgent jobs must be replaced without waiting: the node said that they offer too little.
	urgent map[uint64]bool
	// counted are the failed jobs that their delivery's trouble has counted.
	counted  map[uint64]bool
	troubles map[target]*trouble
}

// timing is how patient a machine is.
type timing struct {
	// Resend is how long a transaction may wait in the pool before its fee is raised.
	Resend time.Duration
	// Repeat is how long one that the node does not know is left alone before it is broadcast again.
	Repeat time.Duration
	// Pipeline is how many value actions may be under way at the same time.
	Pipeline int
}

// trouble is why a delivery is not tried now.
type trouble struct {
	failures  int
	notBefore time.Time
	reason    string
	fatal     bool
}

// How long a delivery rests after a failure.
const (
	firstRest = 2 * time.Second
	maxRest   = 2 * time.Minute
	fatalRest = 5 * time.Minute
)

// delivery is something to bring, and what the bridge says about it.
type delivery struct {
	target  target
	digest  codec.Hash
	content chain.Delivery
	outcome chain.Outcome
}

// sight is what the chain says about a job's attempts.
type sight struct {
	chain.Status
	expired bool
}

// mined reports whether one of the attempts is in a block.
func (s sight) mined() bool { return s.Phase >= chain.PhaseIncluded }

// spent reports whether the job cannot deliver any more.
func (s sight) spent() bool { return s.expired || s.mined() && s.Failed }

// action is the kind of a step.
type action uint8

// The steps.
const (
	stepNew     action = iota + 1 // make a job for a delivery, with the next nonce
	stepFill                      // make a job that uses up a nonce
	stepAttempt                   // sign the job's first attempt, which a crash prevented
	stepReplace                   // make an attempt that replaces the job's newest one
	stepRepeat                    // broadcast the job's newest attempt again
	stepPrune                     // forget the job
)

// step is one decision.
type step struct {
	do       action
	job      *job
	delivery *delivery
	nonce    uint64
	// repeat says that the newest attempt is to be broadcast again if there cannot be a replacement.
	repeat bool
}

// outlook is what is known at one moment.
type outlook struct {
	now    time.Time
	sender chain.Sender
	// deliveries to make: value actions ascending, then control actions.
	deliveries []*delivery
	// executed is the newest value action that the ledger knows to be executed, at finality.
	executed uint64
	// settled reports whether the ledger knows that a control action is past.
	settled func(target) bool
	sights  map[uint64]sight
}

func newMachine(t timing, jobs []*job) *machine {
	return &machine{
		timing: t, jobs: jobs, sentAt: map[uint64]time.Time{}, urgent: map[uint64]bool{},
		counted: map[uint64]bool{}, troubles: map[target]*trouble{},
	}
}

// plan decides. The steps are to be taken in order.
func (m *machine) plan(o *outlook) []step {
	for t := range m.troubles {
		if o.delivery(t) == nil && m.current(t) == nil {
			delete(m.troubles, t)
		}
	}
	prunes, kept := m.prune(o)
	var steps []step
	byNonce := slices.Clone(kept)
	slices.SortStableFunc(byNonce, func(a, b *job) int { return cmp.Compare(a.Nonce, b.Nonce) })
	first := true // the next job is the first that is not mined: only its fee matters
	for _, j := range byNonce {
		if s := o.sights[j.Serial]; s.mined() || s.expired {
			continue
		}
		if st, ok := m.tend(o, j, first); ok {
			steps = append(steps, st)
		}
		first = false
	}
	steps = append(steps, m.fillGaps(o, byNonce)...)
	steps = append(steps, m.begin(o, kept)...)
	return append(steps, prunes...) // what is over comes last: to clear up after it may take its time
}

// prune finds the jobs whose nonce and delivery are both settled.
func (m *machine) prune(o *outlook) (steps []step, kept []*job) {
	for _, j := range m.jobs {
		s := o.sights[j.Serial]
		nonceSettled := s.Phase == chain.PhaseFinal || s.expired
		d := o.delivery(j.Target)
		final := j.Target == target{} || o.isSettled(j.Target) || d != nil && d.outcome.Final
		if nonceSettled && (final || m.superseded(j)) {
			steps = append(steps, step{do: stepPrune, job: j})
			continue
		}
		kept = append(kept, j)
	}
	return steps, kept
}

func (o *outlook) delivery(t target) *delivery {
	for _, d := range o.deliveries {
		if d.target == t {
			return d
		}
	}
	return nil
}

// isSettled reports whether the ledger, which hears of a bridge at finality, is past a delivery.
func (o *outlook) isSettled(t target) bool {
	if t.Control == 0 {
		return t.Sequence <= o.executed
	}
	return o.settled(t)
}

// superseded reports whether a newer job carries the same delivery.
func (m *machine) superseded(j *job) bool {
	return slices.ContainsFunc(m.jobs, func(other *job) bool { return other.Target == j.Target && other.Serial > j.Serial })
}

// current returns the newest job for a delivery.
func (m *machine) current(t target) *job {
	for _, j := range slices.Backward(m.jobs) {
		if j.Target == t {
			return j
		}
	}
	return nil
}

// tend decides about a job that waits for a block.
func (m *machine) tend(o *outlook, j *job, first bool) (step, bool) {
	newest := j.newest()
	d := o.delivery(j.Target)
	if d != nil && (d.outcome.Done || j.Filler || m.outOfOrder(o, j)) {
		d = nil // it cannot or need not deliver here: only the nonce is left to use up
	}
	if newest == nil {
		return step{do: stepAttempt, job: j, delivery: d}, true
	}
	resting := false
	if t := m.troubles[j.Target]; t != nil && !m.urgent[j.Serial] {
		resting = o.now.Before(t.notBefore)
	}
	waited := o.now.Sub(newest.At)
	repeat := o.sights[j.Serial].Phase == chain.PhaseUnknown && o.now.Sub(m.sentAt[j.Serial]) >= m.timing.Repeat
	switch {
	case d != nil && d.digest != j.Digest, // another revision was sealed
		m.urgent[j.Serial],
		first && waited >= m.timing.Resend && !resting:
		return step{do: stepReplace, job: j, delivery: d, repeat: repeat}, true
	case repeat:
		return step{do: stepRepeat, job: j}, true
	}
	return step{}, false
}

// outOfOrder reports whether a value action's nonce comes before that of the action that
// must run first, so that it could only fail.
func (m *machine) outOfOrder(o *outlook, j *job) bool {
	if j.Target.Control != 0 || !j.nonced() {
		return false
	}
	before := o.delivery(target{Sequence: j.Target.Sequence - 1})
	if before == nil || before.outcome.Done {
		return false
	}
	b := m.current(before.target)
	return b == nil || b.Filler || o.sights[b.Serial].spent() || b.Nonce > j.Nonce
}

// fillGaps finds nonces that nobody uses, below some that are used.
func (m *machine) fillGaps(o *outlook, byNonce []*job) (steps []step) {
	next := max(o.sender.Next, o.sender.Pending)
	for _, j := range byNonce {
		if !j.nonced() {
			return nil
		}
		for ; next < j.Nonce; next++ {
			steps = append(steps, step{do: stepFill, nonce: next})
		}
		next = max(next, j.Nonce+1)
	}
	return steps
}

// begin finds the deliveries that need a job: every control action, and value actions in
// order as far as each has the one before it under way.
func (m *machine) begin(o *outlook, kept []*job) (steps []step) {
	laneOpen, underWay := true, 0
	var before *job // of the value action before this one
	for _, d := range o.deliveries {
		value := d.target.Control == 0
		if value && (!laneOpen || underWay >= m.timing.Pipeline) {
			continue
		}
		if d.outcome.Done {
			continue
		}
		j := m.current(d.target)
		if j != nil && slices.Contains(kept, j) && !j.Filler && !o.sights[j.Serial].spent() {
			underWay++
			// One whose turn comes before that of its predecessor can only fail.
			if value && before != nil && j.nonced() && j.Nonce < before.Nonce {
				laneOpen = false
			}
			if value {
				before = j
			}
			continue
		}
		m.count(o, j)
		if t := m.troubles[d.target]; t != nil && o.now.Before(t.notBefore) {
			laneOpen = laneOpen && !value
			continue
		}
		if value {
			underWay++
		}
		steps = append(steps, step{do: stepNew, delivery: d})
	}
	return steps
}

// count notes, once, that a job has failed.
func (m *machine) count(o *outlook, j *job) {
	if j == nil || m.counted[j.Serial] || j.Filler {
		return
	}
	m.counted[j.Serial] = true
	s := o.sights[j.Serial]
	reason := fmt.Sprintf("its transaction cannot land any more: nonce %d was used by another, or it expired", j.Nonce)
	if s.mined() {
		reason = fmt.Sprintf("its transaction in block %d failed: %s", s.Block, s.Reason)
	}
	m.trouble(o.now, j.Target, chain.Rebuild, reason)
}

// trouble notes that a delivery could not be made, and for how long it rests.
func (m *machine) trouble(now time.Time, t target, v chain.Verdict, reason string) {
	tr := m.troubles[t]
	if tr == nil {
		tr = &trouble{}
		m.troubles[t] = tr
	}
	tr.reason, tr.fatal = reason, v == chain.Fatal
	switch v {
	case chain.Fatal:
		tr.notBefore = now.Add(fatalRest)
	case chain.Rebuild, chain.Replace:
		tr.notBefore = now.Add(min(firstRest<<min(tr.failures, 10), maxRest))
		tr.failures++
	default: // asked again in the next round
		tr.notBefore = now
	}
}

// nextNonce is the one for a new job.
func (m *machine) nextNonce(sender chain.Sender) uint64 {
	next := max(sender.Next, sender.Pending)
	for _, j := range m.jobs {
		next = max(next, j.Nonce+1)
	}
	return next
}

// nextSerial is the one for a new job.
func (m *machine) nextSerial() uint64 {
	if len(m.jobs) == 0 {
		return 1
	}
	return m.jobs[len(m.jobs)-1].Serial + 1
}

// last reports whether no job uses a later nonce, so that this one may be given back.
func (m *machine) last(j *job) bool {
	return !slices.ContainsFunc(m.jobs, func(other *job) bool { return other.Nonce > j.Nonce })
}

// sent notes a broadcast.
func (m *machine) sent(now time.Time, j *job) {
	m.sentAt[j.Serial] = now
	delete(m.urgent, j.Serial)
}

// forget drops a job.
func (m *machine) forget(j *job) {
	m.jobs = slices.DeleteFunc(m.jobs, func(other *job) bool { return other == j })
	delete(m.sentAt, j.Serial)
	delete(m.urgent, j.Serial)
	delete(m.counted, j.Serial)
	if m.current(j.Target) == nil {
		delete(m.troubles, j.Target)
	}
}
