package bridgecontracts

import (
	"errors"
	"fmt"
	"slices"

	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/signing"
	"github.com/trinebridge/trine/validators"
)

// Seal is what authorises a digest: the processor's signature and exact quorums of
// the groups that must sign it, each in ascending order of signer. A group that need
// not sign has no signatures; an absent processor signature is zero.
type Seal struct {
	Epoch     uint64
	Processor signing.Signature
	Approvers []signing.Signature
	Listeners []signing.Signature
}

// Signers is who signs an action.
type Signers struct {
	Processor, Approvers, Listeners bool
	oneApprover                     bool // a pause: one approver in place of the quorum
}

// ActionSigners returns who signs a value action.
func ActionSigners(action *Action) Signers {
	return Signers{Processor: true, Approvers: true, Listeners: action.Body.Kind() == KindCall}
}

// ControlSigners returns who signs a control action with a seal: one approver for a Pause, exactly two groups for a
// Rotate, and the listeners too for a SetLimit that they have signed.
func ControlSigners(control *Control, seal *Seal) (Signers, error) {
	switch body := control.Body.(type) {
	case *Rotate:
		if control.Sequence != body.Set.Epoch {
			return Signers{}, fmt.Errorf("the sequence of a rotation is its new epoch, %d", body.Set.Epoch)
		}
		who := Signers{Processor: !seal.Processor.IsZero(), Approvers: len(seal.Approvers) > 0, Listeners: len(seal.Listeners) > 0}
		if m := who.Mask(); m != 3 && m != 5 && m != 6 {
			return Signers{}, fmt.Errorf("a rotation is signed by exactly two groups (here: processor %t, approvers %t, listeners %t)",
				who.Processor, who.Approvers, who.Listeners)
		}
		return who, nil
	case *Pause:
		return Signers{Approvers: true, oneApprover: true}, nil
	case *SetLimit:
		return Signers{Processor: true, Approvers: true, Listeners: len(seal.Listeners) > 0}, nil
	}
	return Signers{Processor: true, Approvers: true}, nil
}

// Mask is how a rotation names the groups that sign it: bit 0 the processor, bit 1 the approvers, bit 2 the listeners.
func (w Signers) Mask() (m byte) {
	for i, signs := range []bool{w.Processor, w.Approvers, w.Listeners} {
		if signs {
			m |= 1 << i
		}
	}
	return m
}

// CompactSignature is r ‖ yParityAndS, as EIP-2098 writes a signature: the recovery bit is the highest bit of the (low) s.
type CompactSignature [64]byte

func compact(s signing.Signature) CompactSignature {
	s[32] |= s[64] << 7
	return CompactSignature(s[:64])
}

// MemberSignature is a member's, with its place in the list of its group.
type MemberSignature struct {
	Index     uint8
	Signature CompactSignature
}

// PlacedSeal is a seal in the form that contracts take: members by their place in the set.
type PlacedSeal struct {
	Processor *CompactSignature // nil if it does not sign
	Approvers []MemberSignature
	Listeners []MemberSignature
}

// Place checks a seal over digest against the set that the bridge holds. Contracts take signatures by the signer's place in
// the set, so the signers must be recovered anyway; it fails where a contract would refuse the seal, as that must not cost
// a transaction.
func (s *Seal) Place(who Signers, digest codec.Hash, set *validators.Set) (*PlacedSeal, error) {
	if err := set.Validate(); err != nil {
		return nil, err
	}
	if s.Epoch != set.Epoch {
		return nil, fmt.Errorf("the seal is of epoch %d, the set of epoch %d", s.Epoch, set.Epoch)
	}
	var approvers, listeners int
	if who.Approvers {
		approvers = set.Quorum(validators.Approvers)
	}
	if who.oneApprover {
		approvers = 1
	}
	if who.Listeners {
		listeners = set.Quorum(validators.Listeners)
	}
	out, err := &PlacedSeal{}, error(nil)
	if out.Processor, err = placeProcessor(who.Processor, digest, s.Processor, set.Processor); err != nil {
		return nil, err
	}
	if out.Approvers, err = placeMembers(validators.Approvers, approvers, digest, s.Approvers, set); err != nil {
		return nil, err
	}
	if out.Listeners, err = placeMembers(validators.Listeners, listeners, digest, s.Listeners, set); err != nil {
		return nil, err
	}
	return out, nil
}

func placeProcessor(signs bool, digest codec.Hash, signature signing.Signature, processor signing.Address) (*CompactSignature, error) {
	if !signs {
		if !signature.IsZero() {
			return nil, errors.New("a processor signature that this action has no use for")
		}
		return nil, nil
	}
	signer, err := signature.RecoverAddress(digest)
	if err != nil {
		return nil, fmt.Errorf("processor signature over %s: %w", digest, err)
	}
	if signer != processor {
		return nil, fmt.Errorf("processor signature over %s is by %s, the processor is %s", digest, signer, processor)
	}
	c := compact(signature)
	return &c, nil
}

// placeMembers finds the signers' places, which must ascend.
func placeMembers(g validators.Group, quorum int, digest codec.Hash, signatures []signing.Signature, set *validators.Set) ([]MemberSignature, error) {
	if len(signatures) != quorum {
		return nil, fmt.Errorf("%d %s signatures over %s, want exactly %d", len(signatures), g, digest, quorum)
	}
	out := make([]MemberSignature, 0, quorum)
	for i, signature := range signatures {
		signer, err := signature.RecoverAddress(digest)
		if err != nil {
			return nil, fmt.Errorf("%s signature %d over %s: %w", g, i, digest, err)
		}
		index, found := slices.BinarySearchFunc(set.Members(g), signer, signing.Address.Compare)
		if !found {
			return nil, fmt.Errorf("%s signature %d over %s is by %s, who is no %s of epoch %d", g, i, digest, signer, g, set.Epoch)
		}
		if i > 0 && index <= int(out[i-1].Index) {
			return nil, fmt.Errorf("%s signature %d over %s is by %s, out of ascending order", g, i, digest, signer)
		}
		out = append(out, MemberSignature{uint8(index), compact(signature)})
	}
	return out, nil
}

// Append writes the signatures one after the other: the processor's, and each member's behind its index.
func (s *PlacedSeal) Append(out []byte) []byte {
	if s.Processor != nil {
		out = append(out, s.Processor[:]...)
	}
	for _, list := range [][]MemberSignature{s.Approvers, s.Listeners} {
		for i := range list {
			out = append(append(out, list[i].Index), list[i].Signature[:]...)
		}
	}
	return out
}

// Count is how many signatures there are.
func (s *PlacedSeal) Count() int {
	n := len(s.Approvers) + len(s.Listeners)
	if s.Processor != nil {
		n++
	}
	return n
}
