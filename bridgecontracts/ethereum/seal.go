package ethereum

import (
	"slices"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/validators"
)

// packSeal writes a seal over digest in the contract's packed form, which ITrineBridge.sol describes, and checks it on the way.
func packSeal(who bridgecontracts.Signers, digest codec.Hash, seal *bridgecontracts.Seal, set *validators.Set) ([]byte, error) {
	placed, err := seal.Place(who, digest, set)
	if err != nil {
		return nil, err
	}
	out := slices.Clone(set.Processor[:])
	out = appendGroup(out, set, validators.Approvers, who.Approvers)
	out = appendGroup(out, set, validators.Listeners, who.Listeners)
	return placed.Append(out), nil
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
