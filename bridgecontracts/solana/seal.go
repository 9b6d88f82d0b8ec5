package solana

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/signing"
	"github.com/trinebridge/trine/validators"
)

// Groups of a rotation, as its instruction names them.
const (
	groupProcessor = 1 << iota
	groupApprovers
	groupListeners
)

// indexed is a member's signature: its place in the set and r ‖ vs.
type indexed struct {
	index     uint8
	signature [64]byte
}

// Signatures are a seal's, checked against the set and in the form that the program takes: members by their
// place in the set.
type Signatures struct {
	Digest    codec.Hash
	Epoch     uint64
	processor *[64]byte
	approvers []indexed
	listeners []indexed
}

// SealAction checks a value action's seal over its digest against the set that the bridge holds. It fails where
// the program would refuse the seal.
func SealAction(domain bridgecontracts.Domain, action *bridgecontracts.Action, seal *bridgecontracts.Seal, set *validators.Set) (*Signatures, error) {
	groups := groupProcessor | groupApprovers
	if action.Body.Kind() == bridgecontracts.KindCall {
		groups |= groupListeners
	}
	s, err := newSignatures(groups, false, action.Digest(domain, set.Epoch), seal, set)
	if err != nil {
		return nil, fmt.Errorf("action %d: %w", action.ID, err)
	}
	return s, nil
}

// SealControl checks a control action's seal as [SealAction] does: one approver for a Pause, exactly two groups for a Rotate,
// and the listeners too for a SetLimit that they have signed.
func SealControl(domain bridgecontracts.Domain, control *bridgecontracts.Control, seal *bridgecontracts.Seal, set *validators.Set) (*Signatures, error) {
	groups, one := groupProcessor|groupApprovers, false
	switch body := control.Body.(type) {
	case *bridgecontracts.Rotate:
		groups = groupsOf(seal)
		if groups != 3 && groups != 5 && groups != 6 {
			return nil, fmt.Errorf("rotate %d: it is signed by the groups %d, want exactly two groups", control.Sequence, groups)
		}
		if control.Sequence != body.Set.Epoch {
			return nil, fmt.Errorf("rotate %d: the sequence of a rotation is its new epoch, %d", control.Sequence, body.Set.Epoch)
		}
	case *bridgecontracts.Pause:
		groups, one = groupApprovers, true
	case *bridgecontracts.SetLimit:
		if len(seal.Listeners) > 0 {
			groups |= groupListeners
		}
	}
	s, err := newSignatures(groups, one, control.Digest(domain, set.Epoch), seal, set)
	if err != nil {
		return nil, fmt.Errorf("%s %d: %w", control.Body.Kind(), control.Sequence, err)
	}
	return s, nil
}

func groupsOf(seal *bridgecontracts.Seal) (groups int) {
	if !seal.Processor.IsZero() {
		groups |= groupProcessor
	}
	if len(seal.Approvers) > 0 {
		groups |= groupApprovers
	}
	if len(seal.Listeners) > 0 {
		groups |= groupListeners
	}
	return groups
}

func newSignatures(groups int, oneApprover bool, digest codec.Hash, seal *bridgecontracts.Seal, set *validators.Set) (*Signatures, error) {
	if err := set.Validate(); err != nil {
		return nil, err
	}
	if seal.Epoch != set.Epoch {
		return nil, fmt.Errorf("the seal is of epoch %d, the set of epoch %d", seal.Epoch, set.Epoch)
	}
	s := &Signatures{Digest: digest, Epoch: set.Epoch}
	if err := s.takeProcessor(groups&groupProcessor != 0, seal.Processor, set.Processor); err != nil {
		return nil, err
	}
	for _, g := range []struct {
		signs      bool
		group      validators.Group
		signatures []signing.Signature
		quorum     int
		to         *[]indexed
	}{
		{groups&groupApprovers != 0, validators.Approvers, seal.Approvers, set.Quorum(validators.Approvers), &s.approvers},
		{groups&groupListeners != 0, validators.Listeners, seal.Listeners, set.Quorum(validators.Listeners), &s.listeners},
	} {
		quorum := g.quorum
		switch {
		case !g.signs:
			quorum = 0
		case oneApprover:
			quorum = 1
		}
		var err error
		if *g.to, err = members(g.group, quorum, digest, g.signatures, set); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *Signatures) takeProcessor(signs bool, signature signing.Signature, processor signing.Address) error {
	if !signs {
		if !signature.IsZero() {
			return errors.New("a processor signature that this action has no use for")
		}
		return nil
	}
	signer, err := signature.RecoverAddress(s.Digest)
	if err != nil {
		return fmt.Errorf("processor signature over %s: %w", s.Digest, err)
	}
	if signer != processor {
		return fmt.Errorf("processor signature over %s is by %s, the processor is %s", s.Digest, signer, processor)
	}
	compacted := compact(signature)
	s.processor = &compacted
	return nil
}

// members finds the signers' places, which must ascend.
func members(g validators.Group, quorum int, digest codec.Hash, signatures []signing.Signature, set *validators.Set) ([]indexed, error) {
	if len(signatures) != quorum {
		return nil, fmt.Errorf("%d %s signatures over %s, want exactly %d", len(signatures), g, digest, quorum)
	}
	out := make([]indexed, 0, quorum)
	for i, signature := range signatures {
		signer, err := signature.RecoverAddress(digest)
		if err != nil {
			return nil, fmt.Errorf("%s signature %d over %s: %w", g, i, digest, err)
		}
		index, found := slices.BinarySearchFunc(set.Members(g), signer, signing.Address.Compare)
		if !found {
			return nil, fmt.Errorf("%s signature %d over %s is by %s, who is no %s of epoch %d", g, i, digest, signer, g, set.Epoch)
		}
		if i > 0 && index <= int(out[i-1].index) {
			return nil, fmt.Errorf("%s signature %d over %s is by %s, out of ascending order", g, i, digest, signer)
		}
		out = append(out, indexed{uint8(index), compact(signature)})
	}
	return out, nil
}

// compact is EIP-2098: the recovery bit is the highest bit of the (low) s.
func compact(s signing.Signature) [64]byte {
	s[32] |= s[64] << 7
	return [64]byte(s[:64])
}

// inline is the seal as it ends an instruction's data.
func (s *Signatures) inline() []byte {
	var out []byte
	if s.processor != nil {
		out = append(out, s.processor[:]...)
	}
	return appendMembers(appendMembers(out, s.approvers), s.listeners)
}

func appendMembers(out []byte, list []indexed) []byte {
	for i := range list {
		out = append(append(out, list[i].index), list[i].signature[:]...)
	}
	return out
}

// groups names who signed, as a rotation does.
func (s *Signatures) groups() (mask byte) {
	if s.processor != nil {
		mask |= groupProcessor
	}
	if len(s.approvers) > 0 {
		mask |= groupApprovers
	}
	if len(s.listeners) > 0 {
		mask |= groupListeners
	}
	return mask
}

// Missing returns what a buffer lacks of the signatures, all of them if there is no buffer or it is of another epoch.
func (s *Signatures) Missing(b *Buffer) *Signatures {
	if b == nil || b.Epoch != s.Epoch {
		return s
	}
	lacks := func(list []indexed, has uint64) []indexed {
		return slices.DeleteFunc(slices.Clone(list), func(m indexed) bool { return has>>m.index&1 == 1 })
	}
	out := &Signatures{Digest: s.Digest, Epoch: s.Epoch, approvers: lacks(s.approvers, b.Approvers), listeners: lacks(s.listeners, b.Listeners)}
	if !b.Processor {
		out.processor = s.processor
	}
	return out
}

// Count is how many signatures there are.
func (s *Signatures) Count() int {
	n := len(s.approvers) + len(s.listeners)
	if s.processor != nil {
		n++
	}
	return n
}

// Split cuts the signatures into parts of at most n.
func (s *Signatures) Split(n int) (parts []*Signatures) {
	rest := *s
	for rest.Count() > 0 {
		part := &Signatures{Digest: s.Digest, Epoch: s.Epoch}
		if rest.processor != nil {
			part.processor, rest.processor = rest.processor, nil
		}
		k := min(n-part.Count(), len(rest.approvers))
		part.approvers, rest.approvers = rest.approvers[:k], rest.approvers[k:]
		k = min(n-part.Count(), len(rest.listeners))
		part.listeners, rest.listeners = rest.listeners[:k], rest.listeners[k:]
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
