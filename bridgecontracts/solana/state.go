package solana

import (
	"fmt"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/signing"
	"github.com/trinebridge/trine/validators"
)

// Sizes of the state account.
const (
	// StateSize is the account's, in bytes.
	StateSize = 9_808
	// Marks is how many slots with events the account remembers.
	Marks = 96
)

// Mark is the bridge's counters as they stood at the end of a slot that had events.
type Mark struct {
	Slot          uint64
	EventID       uint64
	Head          bridgecontracts.Head
	NextAction    uint64
	Epoch         uint64
	PauseSequence uint64
	LimitVersion  uint64
}

// State is the state account: the bridge.
type State struct {
	Genesis codec.Hash
	CAIP2   codec.Hash // keccak256 of the CAIP-2 id
	Domain  bridgecontracts.Domain
	SetHash codec.Hash
	Set     validators.Set
	// Now is the newest mark's content; its Slot is that of the newest event, 0 before the first one.
	Now       Mark
	StartSlot uint64
	// Reserve is how many of the account's lamports are held for nobody.
	Reserve uint64
	// Page records the next event.
	Page  Key
	Limit Bucket // of SOL
	// Marks are the newest slots with events, oldest first.
	Marks []Mark
}

// DecodeState reads the state account's data.
func DecodeState(data []byte) (*State, error) {
	if len(data) != StateSize {
		return nil, fmt.Errorf("the state account has %d bytes, want %d", len(data), StateSize)
	}
	r := &reader{data: data}
	s := &State{}
	r.magic("trineST1")
	r.byte() // bump
	counts := [4]uint8(r.take(4))
	newest := r.byte()
	r.byte() // bump of the page
	r.zeros(1)
	s.Genesis, s.CAIP2, s.Domain, s.SetHash = r.word(), r.word(), r.word(), r.word()
	s.Now.Epoch, s.Now.NextAction, s.Now.EventID = r.uint64(), r.uint64(), r.uint64()
	s.Now.PauseSequence, s.Now.LimitVersion = r.uint64(), r.uint64()
	s.Now.Head = r.head()
	s.Now.Slot, s.StartSlot, s.Reserve = r.uint64(), r.uint64(), r.uint64()
	s.Page = r.key()
	s.Limit = r.bucket()
	s.Set = validators.Set{Epoch: s.Now.Epoch, ApproverQuorum: uint64(counts[0]), ListenerQuorum: uint64(counts[2])}
	copy(s.Set.Processor[:], r.take(20))
	r.zeros(20)
	s.Set.Approvers, s.Set.Listeners = r.members(counts[1]), r.members(counts[3])
	s.Marks = r.marks(newest)
	if err := r.end(); err != nil {
		return nil, fmt.Errorf("the state account: %w", err)
	}
	return s, s.check()
}

// members reads a list of which the first count are used.
func (r *reader) members(count uint8) []signing.Address {
	if count > validators.MaxMembers {
		r.fail("a group of %d members; at most %d are possible", count, validators.MaxMembers)
		return nil
	}
	out := make([]signing.Address, count)
	for i := range out {
		out[i] = signing.Address(r.take(20))
	}
	r.zeros(20 * (validators.MaxMembers - int(count)))
	return out
}

// marks reads the ring, whose newest entry is at an index, and returns it oldest first.
func (r *reader) marks(newest uint8) []Mark {
	if newest >= Marks {
		r.fail("the newest of %d marks is said to be number %d", Marks, newest)
		return nil
	}
	ring := make([]Mark, Marks)
	for i := range ring {
		ring[i] = Mark{Slot: r.uint64(), EventID: r.uint64(), Head: r.head(), NextAction: r.uint64(), Epoch: r.uint64(), PauseSequence: r.uint64(), LimitVersion: r.uint64()}
	}
	out := make([]Mark, 0, Marks)
	for i := range ring {
		m := ring[(int(newest)+1+i)%Marks]
		if m.Slot == 0 && len(out) == 0 {
			continue // not used yet
		}
		if len(out) > 0 && (m.Slot <= out[len(out)-1].Slot || m.EventID <= out[len(out)-1].EventID) {
			r.fail("the mark of slot %d and event %d does not follow that of slot %d and event %d", m.Slot, m.EventID, out[len(out)-1].Slot, out[len(out)-1].EventID)
			return nil
		}
		out = append(out, m)
	}
	return out
}

// check holds the fields against each other: what the program wrote agrees.
func (s *State) check() error {
	if err := s.Set.Validate(); err != nil {
		return fmt.Errorf("the state account's set: %w", err)
	}
	if got := s.Set.Hash(); got != s.SetHash {
		return fmt.Errorf("the state account has set hash %s, its set has %s", s.SetHash, got)
	}
	if len(s.Marks) == 0 {
		return fmt.Errorf("the state account has no mark")
	}
	last := s.Marks[len(s.Marks)-1]
	if s.Now.EventID == 0 {
		last.Slot = 0 // the first mark is of the slot in which the bridge began
	}
	if last != s.Now {
		return fmt.Errorf("the state account's newest mark is %+v, its counters are %+v", last, s.Now)
	}
	return nil
}

// At returns the counters at the end of a slot, which must not be younger than the account's data. It fails for a slot
// that is older than all marks.
func (s *State) At(slot uint64) (Mark, bool) {
	for i := len(s.Marks) - 1; i >= 0; i-- {
		if s.Marks[i].Slot <= slot {
			return s.Marks[i], true
		}
	}
	return Mark{}, false
}

// Turns reports whether the page of the next event may have turned when so many more slots have passed, if events come as
// they came before, or twice as fast.
func (s *State) Turns(slots uint64) bool {
	newest, most := s.Marks[len(s.Marks)-1], uint64(0)
	for _, m := range s.Marks[:len(s.Marks)-1] {
		events, span := newest.EventID-m.EventID, newest.Slot-m.Slot
		most = max(most, events*slots/max(span, slots/4))
	}
	return 2*most >= EventsPerPage-s.Now.EventID%EventsPerPage
}

// Bucket is an outflow limit: a leaky bucket in units of its token.
type Bucket struct {
	Capacity uint64
	Level    uint64 // at Time
	Time     uint64 // Unix seconds
	Minutes  uint16 // 0: no limit
}

func (r *reader) bucket() Bucket {
	b := Bucket{Capacity: r.uint64(), Level: r.uint64(), Time: r.uint64(), Minutes: r.uint16()}
	r.zeros(6)
	return b
}

// Window returns the window in seconds, 0 for no limit.
func (b Bucket) Window() uint64 { return 60 * uint64(b.Minutes) }
