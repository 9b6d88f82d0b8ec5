// Package appchaintest makes small app chains for tests: keys, a genesis with one external
// chain and one asset, signed certificates, and a processor's blocks without a processor.
//
// Everything is derived from fixed seeds, so a test that fails does so again.
package appchaintest

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"testing"

	"github.com/ethereum/go-ethereum/crypto"
	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/ledger"
	"github.com/trinebridge/trine/signing"
	"github.com/trinebridge/trine/validators"
)

// What the genesis of a fixture names.
const (
	// ChainID is the external chain, Asset the only asset, with as many decimals as its token.
	ChainID = "eip155:31337"
	Asset   = ledger.AssetID(1)
)

// Token and BridgeAddress are addresses on the external chain.
var (
	Token         = codec.LeftPad([]byte{0xa, 19: 1})
	BridgeAddress = codec.LeftPad([]byte{0xb, 19: 1})
)

// Size says how many members the groups have and how many make a quorum.
type Size struct {
	Listeners, ListenerQuorum, Approvers, ApproverQuorum int
}

// Small is three members, two of which decide, in each group.
var Small = Size{3, 2, 3, 2}

// Fixture is an app chain with all its keys. Members stand in the order of the set.
type Fixture struct {
	Processor, Treasury  *signing.KeySigner
	Listeners, Approvers []*signing.KeySigner
	Set                  validators.Set
	Ledger               *ledger.Ledger
	Genesis              codec.Hash
	Domain               bridgecontracts.Domain
}

// Key returns the key with a name.
func Key(name string) *signing.KeySigner {
	seed := sha256.Sum256([]byte("trine test key " + name))
	key, err := crypto.ToECDSA(seed[:])
	if err != nil {
		panic(fmt.Sprintf("test key %s: %v", name, err)) // one seed in 2^128 is no key
	}
	return signing.NewKeySigner(key)
}

// New returns a fixture whose genesis has a time in Unix milliseconds.
func New(t testing.TB, size Size, time uint64) *Fixture {
	t.Helper()
	f := &Fixture{
		Processor: Key("processor"), Treasury: Key("treasury"),
		Listeners: group("listener", size.Listeners), Approvers: group("approver", size.Approvers),
	}
	f.Set = validators.Set{
		Epoch: 1, Processor: f.Processor.Address(),
		ListenerQuorum: uint64(size.ListenerQuorum), Listeners: addresses(f.Listeners), // small
		ApproverQuorum: uint64(size.ApproverQuorum), Approvers: addresses(f.Approvers), // small
	}
	genesis := ledger.Genesis{
		Network: "test", Time: time, CodeVersion: 1, Validators: f.Set, Treasury: f.Treasury.PublicKey(),
		Chains: []ledger.Chain{{ID: ChainID, Rule: ledger.RuleEVM}},
		Assets: []ledger.Asset{{Symbol: "TST", Decimals: 6, MinOpening: *uint256.NewInt(1), Tokens: []ledger.Token{{
			Chain: ChainID, Address: Token, Decimals: 6, MinWithdrawal: *uint256.NewInt(10), Fee: *uint256.NewInt(1),
		}}}},
	}
	var err error
	if f.Ledger, err = ledger.New(genesis, nil); err != nil {
		t.Fatal(err)
	}
	f.Genesis = f.Ledger.GenesisHash()
	f.Domain = bridgecontracts.NewDomain(f.Genesis, ChainID, BridgeAddress)
	return f
}

func group(name string, n int) []*signing.KeySigner {
	members := make([]*signing.KeySigner, n)
	for i := range members {
		members[i] = Key(fmt.Sprintf("%s %d", name, i))
	}
	slices.SortFunc(members, func(a, b *signing.KeySigner) int { return a.Address().Compare(b.Address()) })
	return members
}

func addresses(members []*signing.KeySigner) []signing.Address {
	list := make([]signing.Address, len(members))
	for i, m := range members {
		list[i] = m.Address()
	}
	return list
}

// Sign returns the signatures of the first n members over a digest, ascending by signer.
func Sign(t testing.TB, members []*signing.KeySigner, n int, digest codec.Hash) []signing.Signature {
	t.Helper()
	signatures := make([]signing.Signature, n)
	for i := range signatures {
		var err error
		if signatures[i], err = members[i].SignDigest(digest); err != nil {
			t.Fatal(err)
		}
	}
	return signatures
}

// Attach returns the message that attaches the fixture's bridge.
func (f *Fixture) Attach(t testing.TB) *ledger.Attach {
	t.Helper()
	m := &ledger.Attach{Chain: ChainID, Bridge: BridgeAddress, Sequence: 1, CodeHash: codec.Keccak([]byte("code")), SetHash: f.Set.Hash(), StartBlock: 1}
	digest := bridgecontracts.AttachDigest(f.Domain, m.Sequence, m.CodeHash, m.SetHash, m.StartBlock)
	m.Listeners = Sign(t, f.Listeners, int(f.Set.ListenerQuorum), digest) // small
	m.Approvers = Sign(t, f.Approvers, int(f.Set.ApproverQuorum), digest) // small
	return m
}

// History is what the fixture's bridge has told: events from 1 on, and the head after each.
type History struct {
	Domain bridgecontracts.Domain
	Events []bridgecontracts.Event
	Heads  []bridgecontracts.Head
}

// NewHistory returns an empty history of the fixture's bridge.
func (f *Fixture) NewHistory() *History { return &History{Domain: f.Domain} }

// Head returns the head after event id.
func (h *History) Head(id uint64) bridgecontracts.Head {
	if id == 0 {
		return bridgecontracts.FirstHead(h.Domain)
	}
	return h.Heads[id-1]
}

// Append adds an event and returns its id.
func (h *History) Append(body bridgecontracts.EventBody) uint64 {
	id := uint64(len(h.Events)) + 1
	h.Events = append(h.Events, bridgecontracts.Event{ID: id, Body: body})
	h.Heads = append(h.Heads, bridgecontracts.NextHead(h.Head(id-1), &h.Events[id-1]))
	return id
}

// Deposit adds a deposit from a wallet of its own that links a key.
func (h *History) Deposit(t testing.TB, key *signing.KeySigner, amount uint64) uint64 {
	t.Helper()
	wallet := key.Address().Word()
	proof, err := key.SignDigest(bridgecontracts.KeyLinkDigest(h.Domain, wallet, key.PublicKey()))
	if err != nil {
		t.Fatal(err)
	}
	return h.Append(&bridgecontracts.Deposited{
		Wallet: wallet, Token: Token, Amount: *uint256.NewInt(amount),
		Keys: []bridgecontracts.KeyProof{{Key: key.PublicKey(), Signature: proof}},
	})
}

// Attestation returns what a listener signs about the history up to an event.
func (h *History) Attestation(id uint64) bridgecontracts.Attestation {
	return bridgecontracts.Attestation{Domain: h.Domain, Generation: 1, EventID: id, Head: h.Head(id)}
}

// Attest returns the message that brings events from..to with a quorum's signatures.
func (f *Fixture) Attest(t testing.TB, h *History, from, to uint64) *ledger.Attest {
	t.Helper()
	a := h.Attestation(to)
	return &ledger.Attest{
		Domain: f.Domain, Generation: 1, Events: h.Events[from-1 : to],
		Signatures: Sign(t, f.Listeners, int(f.Set.ListenerQuorum), a.Digest()), // small
	}
}

// Tx returns a signed transaction.
func (f *Fixture) Tx(t testing.TB, key *signing.KeySigner, nonce, time uint64, bodies ...ledger.MessageBody) *ledger.Transaction {
	t.Helper()
	tx := &ledger.Transaction{Genesis: f.Genesis, Nonce: nonce, Time: time}
	for _, body := range bodies {
		tx.Messages = append(tx.Messages, ledger.Message{Body: body})
	}
	if err := tx.Sign(key); err != nil {
		t.Fatal(err)
	}
	return tx
}
