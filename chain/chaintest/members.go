package chaintest

import (
	"fmt"
	"slices"

	"github.com/ethereum/go-ethereum/crypto"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/signing"
	"github.com/trinebridge/trine/validators"
)

// Members are a validator set together with all its keys.
type Members struct {
	Set       validators.Set
	Processor *signing.KeySigner
	Approvers []*signing.KeySigner // ascending by address, as in Set
	Listeners []*signing.KeySigner
}

// NewMembers makes a set of an epoch with k-of-n groups, where k is [validators.DefaultQuorum].
// The keys depend on the seed and the epoch only; everybody knows them.
func NewMembers(seed string, epoch uint64, approvers, listeners int) *Members {
	key := func(role string, i int) *signing.KeySigner {
		private, err := crypto.ToECDSA(crypto.Keccak256(fmt.Appendf(nil, "trine/chaintest/%s/%d/%s/%d", seed, epoch, role, i)))
		if err != nil {
			panic(fmt.Sprintf("chaintest: key of %s %d: %v", role, i, err)) // one number in 2^128 is no key
		}
		return signing.NewKeySigner(private)
	}
	group := func(role string, n int) (keys []*signing.KeySigner, addresses []signing.Address) {
		for i := range n {
			keys = append(keys, key(role, i))
		}
		slices.SortFunc(keys, func(a, b *signing.KeySigner) int { return a.Address().Compare(b.Address()) })
		for _, k := range keys {
			addresses = append(addresses, k.Address())
		}
		return keys, addresses
	}
	m := &Members{Processor: key("processor", 0)}
	m.Set = validators.Set{Epoch: epoch, Processor: m.Processor.Address(),
		ApproverQuorum: validators.DefaultQuorum(approvers), ListenerQuorum: validators.DefaultQuorum(listeners)}
	m.Approvers, m.Set.Approvers = group("approver", approvers)
	m.Listeners, m.Set.Listeners = group("listener", listeners)
	return m
}

// Seal signs a digest by the given groups, each by its first members up to the quorum.
func (m *Members) Seal(digest codec.Hash, groups ...validators.Group) bridgecontracts.Seal {
	sign := func(k *signing.KeySigner) signing.Signature {
		signature, err := k.SignDigest(digest)
		if err != nil {
			panic(fmt.Sprintf("chaintest: sign: %v", err)) // keys in memory always sign
		}
		return signature
	}
	seal := bridgecontracts.Seal{Epoch: m.Set.Epoch}
	for _, g := range groups {
		switch g {
		case validators.Processor:
			seal.Processor = sign(m.Processor)
		case validators.Approvers:
			for _, k := range m.Approvers[:m.Set.ApproverQuorum] {
				seal.Approvers = append(seal.Approvers, sign(k))
			}
		case validators.Listeners:
			for _, k := range m.Listeners[:m.Set.ListenerQuorum] {
				seal.Listeners = append(seal.Listeners, sign(k))
			}
		}
	}
	return seal
}

// Action returns a value action sealed by those who must.
func (m *Members) Action(domain bridgecontracts.Domain, id uint64, body bridgecontracts.ActionBody) *chain.Delivery {
	action := &bridgecontracts.Action{ID: id, Body: body}
	groups := []validators.Group{validators.Processor, validators.Approvers}
	if body.Kind() == bridgecontracts.KindCall {
		groups = append(groups, validators.Listeners)
	}
	return &chain.Delivery{Action: action, Set: m.Set, Seal: m.Seal(action.Digest(domain, m.Set.Epoch), groups...)}
}

// Control returns a control action sealed by those who must: a pause by one approver,
// everything else by processor and approvers. A limit that is raised needs the listeners too: see Seal.
func (m *Members) Control(domain bridgecontracts.Domain, sequence uint64, body bridgecontracts.ControlBody) *chain.Delivery {
	control := &bridgecontracts.Control{Sequence: sequence, Body: body}
	groups := []validators.Group{validators.Processor, validators.Approvers}
	if body.Kind() == bridgecontracts.KindPause {
		groups = groups[1:]
	}
	seal := m.Seal(control.Digest(domain, m.Set.Epoch), groups...)
	if body.Kind() == bridgecontracts.KindPause {
		seal.Approvers = seal.Approvers[:1]
	}
	return &chain.Delivery{Control: control, Set: m.Set, Seal: seal}
}
