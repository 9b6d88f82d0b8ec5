package listener

import (
	"slices"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/signing"
)

// heardPerMember bounds what is remembered of one member; its newest claims push out its
// older ones, and nobody else's.
const heardPerMember = 64

// heard keeps which events other listeners attested and this one has not answered. Its
// memory is bounded by the number of members.
type heard map[signing.Address][]claim

// claim is one listener's word about a head.
type claim struct {
	member signing.Address
	id     uint64
	head   bridgecontracts.Head
}

// add remembers a claim. It reports whether it is new.
func (h heard) add(c claim) bool {
	claims := h[c.member]
	if slices.Contains(claims, c) {
		return false
	}
	if len(claims) == heardPerMember {
		claims = slices.Delete(claims, 0, 1)
	}
	h[c.member] = append(claims, c)
	return true
}

// take removes and returns the claims up to an event, ordered by id and member; claims
// that the ledger is past already are dropped.
func (h heard) take(ledger, verified uint64) []claim {
	var taken []claim
	for member, claims := range h {
		h[member] = slices.DeleteFunc(claims, func(c claim) bool {
			if c.id > ledger && c.id <= verified {
				taken = append(taken, c)
			}
			return c.id <= verified || c.id <= ledger
		})
		if len(h[member]) == 0 {
			delete(h, member)
		}
	}
	slices.SortFunc(taken, func(a, b claim) int {
		if a.id != b.id {
			if a.id < b.id {
				return -1
			}
			return 1
		}
		return a.member.Compare(b.member)
	})
	return taken
}
