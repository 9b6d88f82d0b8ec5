package validators

import (
	"errors"
	"fmt"
	"slices"

	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/signing"
)

// MaxMembers bounds a group, so that a set and a certificate have a largest size.
const MaxMembers = 64

// Group is one of the three that check each other.
type Group uint8

// The groups.
const (
	Processor Group = iota + 1
	Listeners
	Approvers
)

// String returns the group's name in the singular, as logs and errors use it.
func (g Group) String() string {
	switch g {
	case Processor:
		return "processor"
	case Listeners:
		return "listener"
	case Approvers:
		return "approver"
	}
	return fmt.Sprintf("group %d", uint8(g))
}

// Set is the validator set of one epoch. Members stand in ascending order of address.
type Set struct {
	Epoch          uint64
	Processor      signing.Address
	ApproverQuorum uint64
	Approvers      []signing.Address
	ListenerQuorum uint64
	Listeners      []signing.Address
}

// Borsh implements codec.Record.
func (s *Set) Borsh(c *codec.Codec) {
	c.Uint64(&s.Epoch)
	s.Processor.Borsh(c)
	c.Uint64(&s.ApproverQuorum)
	codec.List(c, &s.Approvers, MaxMembers)
	c.Uint64(&s.ListenerQuorum)
	codec.List(c, &s.Listeners, MaxMembers)
}

// Validate reports every fault of the set at once: zero or doubled members, members
// out of order, a key with two seats, quorums that no vote can reach.
func (s *Set) Validate() error {
	var faults []error
	if s.Epoch == 0 {
		faults = append(faults, errors.New("epoch is 0; epochs start at 1"))
	}
	if s.Processor.IsZero() {
		faults = append(faults, errors.New("processor is the zero address"))
	}
	faults = append(faults, checkGroup(Approvers, s.ApproverQuorum, s.Approvers)...)
	faults = append(faults, checkGroup(Listeners, s.ListenerQuorum, s.Listeners)...)
	for _, member := range slices.Concat(s.Approvers, s.Listeners) {
		if member == s.Processor {
			faults = append(faults, fmt.Errorf("%s is the processor and holds another seat too", member))
		}
	}
	for _, member := range s.Approvers {
		if slices.Contains(s.Listeners, member) {
			faults = append(faults, fmt.Errorf("%s is an approver and a listener", member))
		}
	}
	if len(faults) > 0 {
		return fmt.Errorf("validator set: %w", errors.Join(faults...))
	}
	return nil
}

func checkGroup(g Group, quorum uint64, members []signing.Address) (faults []error) {
	if len(members) == 0 || len(members) > MaxMembers {
		faults = append(faults, fmt.Errorf("%d %ss; from 1 to %d are possible", len(members), g, MaxMembers))
	}
	if quorum == 0 || quorum > uint64(len(members)) {
		faults = append(faults, fmt.Errorf("%s quorum is %d of %d members", g, quorum, len(members)))
	}
	for i, member := range members {
		if member.IsZero() {
			faults = append(faults, fmt.Errorf("%s %d is the zero address", g, i))
		}
		if i > 0 && members[i-1].Compare(member) >= 0 {
			faults = append(faults, fmt.Errorf("%s %s does not stand after %s: members are in ascending order, none twice", g, member, members[i-1]))
		}
	}
	return faults
}

// Unsafe reports a quorum of half or less of its group, or nil. Such a set works, but
// two disjoint quorums can exist; who wants it must say so.
func (s *Set) Unsafe() error {
	var faults []error
	for _, g := range []Group{Approvers, Listeners} {
		if k, n := s.Quorum(g), len(s.Members(g)); 2*k <= n {
			faults = append(faults, fmt.Errorf("%s quorum of %d in %d is half or less", g, k, n))
		}
	}
	return errors.Join(faults...)
}

// DefaultQuorum returns the quorum that trine init writes for n members: all but
// none up to two, two of three, and ⌊2n/3⌋+1 from four on.
func DefaultQuorum(n int) uint64 {
	if n < 4 {
		return uint64(n/2 + 1) // n counts members
	}
	return uint64(2*n/3 + 1) // n counts members
}

// Hash returns the set hash of ADR 0001, which a bridge stores.
func (s *Set) Hash() codec.Hash {
	return signing.KindSet.Digest(
		codec.Uint64Word(s.Epoch),
		s.Processor.Word(),
		codec.Uint64Word(s.ApproverQuorum),
		ListHash(s.Approvers),
		codec.Uint64Word(s.ListenerQuorum),
		ListHash(s.Listeners),
	)
}

// ListHash returns the keccak256 of the members' words.
func ListHash(members []signing.Address) codec.Hash {
	words := make([]codec.Hash, len(members))
	for i, m := range members {
		words[i] = m.Word()
	}
	return codec.HashWords(words...)
}

// Quorum returns how many signatures of the group make a quorum.
func (s *Set) Quorum(g Group) int {
	switch g {
	case Processor:
		return 1
	case Listeners:
		return int(s.ListenerQuorum) // Validate bounds it by MaxMembers
	case Approvers:
		return int(s.ApproverQuorum) // Validate bounds it by MaxMembers
	}
	return 0
}

// Members returns the group in ascending order. The slice is the set's own.
func (s *Set) Members(g Group) []signing.Address {
	switch g {
	case Processor:
		return []signing.Address{s.Processor}
	case Listeners:
		return s.Listeners
	case Approvers:
		return s.Approvers
	}
	return nil
}

// Has reports whether the address holds a seat in the group.
func (s *Set) Has(g Group, a signing.Address) bool {
	if g == Processor {
		return s.Processor == a
	}
	_, found := slices.BinarySearchFunc(s.Members(g), a, signing.Address.Compare)
	return found
}

// Seat returns the group in which the address holds its seat.
func (s *Set) Seat(a signing.Address) (Group, bool) {
	for _, g := range []Group{Processor, Listeners, Approvers} {
		if s.Has(g, a) {
			return g, true
		}
	}
	return 0, false
}
