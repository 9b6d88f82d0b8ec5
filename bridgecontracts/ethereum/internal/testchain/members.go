package testchain

import (
	"crypto/ecdsa"
	"fmt"
	"slices"

	"github.com/ethereum/go-ethereum/crypto"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/signing"
	"github.com/trinebridge/trine/validators"
)

// Members are a validator set with its keys.
type Members struct {
	Set  validators.Set
	keys map[signing.Address]*ecdsa.PrivateKey
}

// NewMembers makes a set of an epoch with approvers and listeners k of n. The same label gives the same keys.
func NewMembers(label string, epoch uint64, approvers, listeners [2]int) (*Members, error) {
	m := &Members{keys: map[signing.Address]*ecdsa.PrivateKey{}}
	m.Set = validators.Set{Epoch: epoch, ApproverQuorum: uint64(approvers[0]), ListenerQuorum: uint64(listeners[0])} // small
	var err error
	if m.Set.Processor, err = m.add(label + " processor"); err != nil {
		return nil, err
	}
	if m.Set.Approvers, err = m.group(label+" approver", approvers[1]); err != nil {
		return nil, err
	}
	if m.Set.Listeners, err = m.group(label+" listener", listeners[1]); err != nil {
		return nil, err
	}
	return m, m.Set.Validate()
}

func (m *Members) group(label string, n int) (out []signing.Address, err error) {
	for i := range n {
		a, err := m.add(fmt.Sprint(label, i))
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	slices.SortFunc(out, signing.Address.Compare)
	return out, nil
}

func (m *Members) add(label string) (signing.Address, error) {
	key, err := crypto.ToECDSA(crypto.Keccak256([]byte(label)))
	if err != nil {
		return signing.Address{}, err
	}
	a := signing.PublicKeyOf(key).Address()
	m.keys[a] = key
	return a, nil
}

// Sign signs a digest with a member's key.
func (m *Members) Sign(member signing.Address, digest codec.Hash) (signing.Signature, error) {
	s, err := crypto.Sign(digest[:], m.keys[member])
	if err != nil {
		return signing.Signature{}, err
	}
	return signing.Signature(s), nil
}

// Seal signs a digest by a full quorum of each of the groups.
func (m *Members) Seal(digest codec.Hash, groups ...validators.Group) (*bridgecontracts.Seal, error) {
	seal := &bridgecontracts.Seal{Epoch: m.Set.Epoch}
	for _, g := range groups {
		for _, member := range m.Set.Members(g)[:m.Set.Quorum(g)] {
			s, err := m.Sign(member, digest)
			if err != nil {
				return nil, err
			}
			switch g {
			case validators.Processor:
				seal.Processor = s
			case validators.Approvers:
				seal.Approvers = append(seal.Approvers, s)
			case validators.Listeners:
				seal.Listeners = append(seal.Listeners, s)
			}
		}
	}
	return seal, nil
}
