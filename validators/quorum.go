package validators

import (
	"fmt"
	"slices"

	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/signing"
)

// VerifyQuorum checks that the signatures are exactly a quorum of the group over the
// digest: signers ascending, none twice, none superfluous, each a member. These are
// the contract's rules too, so what passes here passes there.
func (s *Set) VerifyQuorum(g Group, digest codec.Hash, signatures []signing.Signature) error {
	if s.Quorum(g) < 1 {
		return fmt.Errorf("there is no %s quorum in epoch %d", g, s.Epoch) // nothing may pass without a signature
	}
	if len(signatures) != s.Quorum(g) {
		return fmt.Errorf("%d %s signatures over %s, want exactly %d", len(signatures), g, digest, s.Quorum(g))
	}
	var last signing.Address
	for i, sig := range signatures {
		signer, err := sig.RecoverAddress(digest)
		if err != nil {
			return fmt.Errorf("%s signature %d over %s: %w", g, i, digest, err)
		}
		if !s.Has(g, signer) {
			return fmt.Errorf("%s signature %d over %s is by %s, who is no %s of epoch %d", g, i, digest, signer, g, s.Epoch)
		}
		if i > 0 && last.Compare(signer) >= 0 {
			return fmt.Errorf("%s signature %d over %s is by %s, out of ascending order", g, i, digest, signer)
		}
		last = signer
	}
	return nil
}

// Tally collects the signatures of one group over one digest until they are a quorum.
// The zero value is empty. A Tally is not safe for concurrent use.
type Tally struct {
	votes []vote // ascending by signer
}

type vote struct {
	signer    signing.Address
	signature signing.Signature
}

// Add keeps the signature of a signer, once. The caller has verified both. It reports
// whether the signer is new.
func (t *Tally) Add(signer signing.Address, signature signing.Signature) bool {
	i, found := slices.BinarySearchFunc(t.votes, signer, func(v vote, a signing.Address) int { return v.signer.Compare(a) })
	if found {
		return false
	}
	t.votes = slices.Insert(t.votes, i, vote{signer, signature})
	return true
}

// Quorum returns a certificate that VerifyQuorum accepts for the group of the set, if
// the tally holds one, and otherwise false with the members' signatures so far. Signers who
// hold no seat in it are passed over.
func (t *Tally) Quorum(s *Set, g Group) ([]signing.Signature, bool) {
	k := s.Quorum(g)
	if k < 1 {
		return nil, false
	}
	signatures := make([]signing.Signature, 0, min(k, len(t.votes)))
	for _, v := range t.votes {
		if len(signatures) == k {
			break
		}
		if s.Has(g, v.signer) {
			signatures = append(signatures, v.signature)
		}
	}
	return signatures, len(signatures) == k
}
