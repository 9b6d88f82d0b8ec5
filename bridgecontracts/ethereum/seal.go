package ethereum

import (
	"errors"
	"fmt"
	"slices"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/signing"
	"github.com/trinebridge/trine/validators"
)

// sealing names who signs, as the contract's Seals library does.
type sealing struct {
	processor, approvers, listeners bool
	oneApprover                     bool // a pause: one approver in place of the quorum
}

// packSeal writes a seal over digest in the contract's packed form, which ITrineBridge.sol describes. It checks the
// signatures on the way: the contract takes them by the signer's place in the set, so the signers must be recovered anyway,
// and a seal that the contract would refuse must not cost a transaction.
func packSeal(who sealing, digest codec.Hash, seal *bridgecontracts.Seal, set *validators.Set) ([]byte, error) {
	if err := set.Validate(); err != nil {
		return nil, err
	}
	if seal.Epoch != set.Epoch {
		return nil, fmt.Errorf("the seal is of epoch %d, the set of epoch %d", seal.Epoch, set.Epoch)
	}
	out := slices.Clone(set.Processor[:])
	out = appendGroup(out, set, validators.Approvers, who.approvers)
	out = appendGroup(out, set, validators.Listeners, who.listeners)
	out, err := appendProcessor(out, who.processor, digest, seal.Processor, set.Processor)
	if err != nil {
		return nil, err
	}
	quorum := set.Quorum(validators.Approvers)
	if who.oneApprover {
		quorum = 1
	}
	if out, err = appendMembers(out, who.approvers, quorum, validators.Approvers, digest, seal.Approvers, set); err != nil {
		return nil, err
	}
	return appendMembers(out, who.listeners, set.Quorum(validators.Listeners), validators.Listeners, digest, seal.Listeners, set)
}

func appendGroup(out []byte, set *validators.Set, g validators.Group, signs bool) []byte {
	out = append(out, byte(set.Quorum(g)))
	members := set.Members(g)
	if !signs {
		hash := validators.ListHash(members)
		return append(out, hash[:]...)
	}
	out = append(out, byte(len(members)))
	for i := range members {
		out = append(out, members[i][:]...)
	}
	return out
}

func appendProcessor(out []byte, signs bool, digest codec.Hash, signature signing.Signature, processor signing.Address) ([]byte, error) {
	if !signs {
		if !signature.IsZero() {
			return nil, errors.New("a processor signature that this action has no use for")
		}
		return out, nil
	}
	signer, err := signature.RecoverAddress(digest)
	if err != nil {
		return nil, fmt.Errorf("processor signature over %s: %w", digest, err)
	}
	if signer != processor {
		return nil, fmt.Errorf("processor signature over %s is by %s, the processor is %s", digest, signer, processor)
	}
	return appendCompact(out, signature), nil
}

func appendMembers(out []byte, signs bool, quorum int, g validators.Group, digest codec.Hash, signatures []signing.Signature, set *validators.Set) ([]byte, error) {
	if !signs {
		quorum = 0
	}
	if len(signatures) != quorum {
		return nil, fmt.Errorf("%d %s signatures over %s, want exactly %d", len(signatures), g, digest, quorum)
	}
	last := -1
	for i, signature := range signatures {
		signer, err := signature.RecoverAddress(digest)
		if err != nil {
			return nil, fmt.Errorf("%s signature %d over %s: %w", g, i, digest, err)
		}
		index, found := slices.BinarySearchFunc(set.Members(g), signer, signing.Address.Compare)
		if !found {
			return nil, fmt.Errorf("%s signature %d over %s is by %s, who is no %s of epoch %d", g, i, digest, signer, g, set.Epoch)
		}
		if index <= last {
			return nil, fmt.Errorf("%s signature %d over %s is by %s, out of ascending order", g, i, digest, signer)
		}
		last = index
		out = appendCompact(append(out, byte(index)), signature)
	}
	return out, nil
}

// appendCompact writes a signature as EIP-2098 does: the recovery bit is the highest bit of the (low) s.
func appendCompact(out []byte, s signing.Signature) []byte {
	s[32] |= s[64] << 7
	return append(out, s[:64]...)
}
