package solana

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/validators"
)

// Signatures are a seal's, checked against the set, or a part of them.
type Signatures struct {
	bridgecontracts.PlacedSeal
	Digest codec.Hash
	Epoch  uint64
}

// SealAction checks a value action's seal over its digest against the set that the bridge holds. It fails where
// the program would refuse the seal.
func SealAction(domain bridgecontracts.Domain, action *bridgecontracts.Action, seal *bridgecontracts.Seal, set *validators.Set) (*Signatures, error) {
	s, err := newSignatures(bridgecontracts.ActionSigners(action), action.Digest(domain, set.Epoch), seal, set)
	if err != nil {
		return nil, fmt.Errorf("action %d: %w", action.ID, err)
	}
	return s, nil
}

// SealControl checks a control action's seal as [SealAction] does.
func SealControl(domain bridgecontracts.Domain, control *bridgecontracts.Control, seal *bridgecontracts.Seal, set *validators.Set) (*Signatures, error) {
	who, err := bridgecontracts.ControlSigners(control, seal)
	if err != nil {
		return nil, fmt.Errorf("%s %d: %w", control.Body.Kind(), control.Sequence, err)
	}
	s, err := newSignatures(who, control.Digest(domain, set.Epoch), seal, set)
	if err != nil {
		return nil, fmt.Errorf("%s %d: %w", control.Body.Kind(), control.Sequence, err)
	}
	return s, nil
}

func newSignatures(who bridgecontracts.Signers, digest codec.Hash, seal *bridgecontracts.Seal, set *validators.Set) (*Signatures, error) {
	placed, err := seal.Place(who, digest, set)
	if err != nil {
		return nil, err
	}
	return &Signatures{PlacedSeal: *placed, Digest: digest, Epoch: set.Epoch}, nil
}

// groups names who signed, as a rotation does.
func (s *Signatures) groups() byte {
	return bridgecontracts.Signers{Processor: s.Processor != nil, Approvers: len(s.Approvers) > 0, Listeners: len(s.Listeners) > 0}.Mask()
}

// Missing returns what a buffer lacks of the signatures, all of them if there is no buffer or it is of another epoch.
func (s *Signatures) Missing(b *Buffer) *Signatures {
	if b == nil || b.Epoch != s.Epoch {
		return s
	}
	lacks := func(list []bridgecontracts.MemberSignature, has uint64) []bridgecontracts.MemberSignature {
		return slices.DeleteFunc(slices.Clone(list), func(m bridgecontracts.MemberSignature) bool { return has>>m.Index&1 == 1 })
	}
	out := &Signatures{Digest: s.Digest, Epoch: s.Epoch}
	out.Approvers, out.Listeners = lacks(s.Approvers, b.Approvers), lacks(s.Listeners, b.Listeners)
	if !b.Processor {
		out.Processor = s.Processor
	}
	return out
}

// Split cuts the signatures into parts of at most n.
func (s *Signatures) Split(n int) (parts []*Signatures) {
	rest := *s
	for rest.Count() > 0 {
		part := &Signatures{Digest: s.Digest, Epoch: s.Epoch}
		if rest.Processor != nil {
			part.Processor, rest.Processor = rest.Processor, nil
		}
		k := min(n-part.Count(), len(rest.Approvers))
		part.Approvers, rest.Approvers = rest.Approvers[:k], rest.Approvers[k:]
		k = min(n-part.Count(), len(rest.Listeners))
		part.Listeners, rest.Listeners = rest.Listeners[:k], rest.Listeners[k:]
		parts = append(parts, part)
	}
	return parts
}

// appendSet writes a set as instructions carry it.
func appendSet(out []byte, s *validators.Set) []byte {
	out = binary.LittleEndian.AppendUint64(out, s.Epoch)
	out = append(out, s.Processor[:]...)
	for _, g := range []validators.Group{validators.Approvers, validators.Listeners} {
		list := s.Members(g)
		out = append(out, byte(s.Quorum(g)), byte(len(list)))
		for i := range list {
			out = append(out, list[i][:]...)
		}
	}
	return out
}
