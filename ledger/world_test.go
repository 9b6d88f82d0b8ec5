package ledger_test

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ethereum/go-ethereum/crypto"
	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/ledger"
	"github.com/trinebridge/trine/ledger/exampleapp"
	"github.com/trinebridge/trine/signing"
	"github.com/trinebridge/trine/validators"
)

const (
	start = 1_800_000_000_000 // genesis time, Unix milliseconds
	one   = "eip155:1"
	two   = "eip155:2"
)

// named returns the key that a name stands for, the same in every run.
func named(name string) *signing.KeySigner {
	seed := codec.Keccak([]byte("ledger test key " + name))
	key, err := crypto.ToECDSA(seed[:])
	if err != nil {
		panic(err)
	}
	return signing.NewKeySigner(key)
}

// wallet returns the address that a name has on EVM chains.
func wallet(name string) codec.Hash { return named(name).Address().Word() }

// members returns n keys in ascending order of address.
func members(role string, n int) []*signing.KeySigner {
	keys := make([]*signing.KeySigner, n)
	for i := range keys {
		keys[i] = named(fmt.Sprintf("%s %d", role, i))
	}
	slices.SortFunc(keys, func(a, b *signing.KeySigner) int { return a.Address().Compare(b.Address()) })
	return keys
}

func addresses(keys []*signing.KeySigner) []signing.Address {
	list := make([]signing.Address, len(keys))
	for i, k := range keys {
		list[i] = k.Address()
	}
	return list
}

// world is an app chain with its members, users and bridges. Every block that it makes is
// verified by a second ledger, and audited.
type world struct {
	ledger, replica *ledger.Ledger
	state           ledger.State
	copied          ledger.State // the replica's
	header          *ledger.Header
	time            uint64 // ms

	processor            *signing.KeySigner
	listeners, approvers []*signing.KeySigner
	set                  validators.Set
	bridges              map[string]*contract
	nonces               map[signing.PublicKey]uint64
	names                map[string]string // how the trace shows hashes and keys
	noAudit              bool              // for benchmarks
}

// testGenesis has two chains and three assets: USD (6 decimals; 6 on the first chain, 18 on
// the second), COIN (18; on the first alone) and ODD (8; 2 on the first chain).
func testGenesis() ledger.Genesis {
	token := func(chain, name string, decimals uint8, minimum, fee uint64) ledger.Token {
		return ledger.Token{Chain: chain, Address: wallet(name), Decimals: decimals, MinWithdrawal: *uint256.NewInt(minimum), Fee: *uint256.NewInt(fee)}
	}
	set := validators.Set{
		Epoch: 1, Processor: named("processor").Address(),
		ListenerQuorum: 2, Listeners: addresses(members("listener", 3)),
		ApproverQuorum: 2, Approvers: addresses(members("approver", 3)),
	}
	reserved := exampleapp.Genesis{Reserved: []exampleapp.Name{"root"}}
	return ledger.Genesis{
		Network: "test", Time: start, CodeVersion: 1, Validators: set, Treasury: named("treasury").PublicKey(),
		Chains: []ledger.Chain{{ID: one, Rule: ledger.RuleEVM}, {ID: two, Rule: ledger.RuleEVM}},
		Assets: []ledger.Asset{
			{Symbol: "USD", Decimals: 6, Tokens: []ledger.Token{token(one, "usd 1", 6, 10, 3), token(two, "usd 2", 18, 10, 2)}},
			{Symbol: "COIN", Decimals: 18, Tokens: []ledger.Token{token(one, "coin 1", 18, 1, 0)}},
			{Symbol: "ODD", Decimals: 8, Tokens: []ledger.Token{token(one, "odd 1", 2, 2, 1)}},
		},
		App: codec.Marshal(&reserved),
	}
}

func newWorld(genesis ledger.Genesis) (*world, error) {
	l, err := ledger.New(genesis, exampleapp.Names{})
	if err != nil {
		return nil, err
	}
	replica, err := ledger.New(genesis, exampleapp.Names{})
	if err != nil {
		return nil, err
	}
	state, err := l.Init()
	if err != nil {
		return nil, err
	}
	copied, err := replica.Init()
	if err != nil {
		return nil, err
	}
	w := &world{
		ledger: l, replica: replica, state: state, copied: copied, time: genesis.Time,
		processor: named("processor"),
		listeners: members("listener", len(genesis.Validators.Listeners)),
		approvers: members("approver", len(genesis.Validators.Approvers)),
		set:       genesis.Validators,
		bridges:   map[string]*contract{}, nonces: map[signing.PublicKey]uint64{}, names: map[string]string{},
	}
	for _, c := range genesis.Chains {
		address := wallet("bridge on " + c.ID)
		w.bridges[c.ID] = newContract(l.GenesisHash(), c.ID, address, genesis.Validators, genesis.Time/1000)
		w.names[w.bridges[c.ID].domain.String()] = c.ID
		w.names[address.String()] = "bridge"
	}
	for _, a := range genesis.Assets {
		for _, t := range a.Tokens {
			w.names[t.Address.String()] = strings.ToLower(a.Symbol)
		}
	}
	for i, k := range w.listeners {
		w.names[k.Address().String()] = fmt.Sprintf("listener-%d", i)
	}
	for i, k := range w.approvers {
		w.names[k.Address().String()] = fmt.Sprintf("approver-%d", i)
	}
	w.names[w.processor.Address().String()] = "processor"
	w.know("treasury")
	return w, nil
}

// know makes traces show a name's key and address as the name.
func (w *world) know(name string) {
	w.names[named(name).PublicKey().String()] = name
	w.names[wallet(name).String()] = name
	w.names[named(name).Address().String()] = name
}

// tx signs messages of a key at its next nonce.
func (w *world) tx(key *signing.KeySigner, bodies ...ledger.MessageBody) *ledger.Transaction {
	tx := &ledger.Transaction{Genesis: w.ledger.GenesisHash(), Nonce: w.nonces[key.PublicKey()] + 1, Time: w.time}
	for _, body := range bodies {
		tx.Messages = append(tx.Messages, ledger.Message{Body: body})
	}
	if err := tx.Sign(key); err != nil {
		panic(err)
	}
	return tx
}

// input makes the next block's input of a transaction.
func (w *world) input(tx *ledger.Transaction) (ledger.Input, error) {
	checked, err := ledger.CheckTx(w.ledger.GenesisHash(), tx)
	in := ledger.Input{Height: 1, Time: w.time, Parent: w.ledger.GenesisHash(), ParentTime: start, Tx: checked}
	if w.header != nil {
		in.Height, in.Parent, in.ParentTime = w.header.Height+1, w.header.Hash(), w.header.Time
	}
	return in, err
}

// send puts messages into a block. A rejection leaves the world as it was.
func (w *world) send(key *signing.KeySigner, bodies ...ledger.MessageBody) (ledger.Log, error) {
	return w.submit(w.tx(key, bodies...))
}

func (w *world) submit(tx *ledger.Transaction) (ledger.Log, error) {
	in, err := w.input(tx)
	if err != nil {
		return nil, err
	}
	next, log, err := w.ledger.Apply(w.state, in)
	if err != nil {
		return nil, err
	}
	header := w.ledger.NewHeader(in, next, log)
	block := &ledger.Block{Header: header, Tx: *tx}
	if block.Signature, err = w.processor.SignDigest(header.Hash()); err != nil {
		return nil, err
	}
	if err := w.replay(block, log); err != nil {
		return nil, fmt.Errorf("BROKEN: %w", err)
	}
	w.state, w.header = next, &header
	w.nonces[tx.Key]++
	return log, nil
}

// replay lets a second ledger verify the block from its bytes, and audits the outcome.
func (w *world) replay(block *ledger.Block, log ledger.Log) error {
	if w.noAudit {
		return nil
	}
	var received ledger.Block
	if err := codec.Unmarshal(codec.Marshal(block), &received, ledger.MaxBlockSize); err != nil {
		return err
	}
	copied, again, err := w.replica.Verify(w.copied, w.header, &received)
	if err != nil {
		return err
	}
	var decoded ledger.Log
	if err := codec.Unmarshal(codec.Marshal(&again), &decoded, 1<<30); err != nil {
		return err
	}
	if decoded.Hash() != log.Hash() {
		return fmt.Errorf("the replica's log differs")
	}
	w.copied = copied
	return ledger.AuditExact(w.replica.View(copied))
}

func (w *world) view() ledger.View { return w.ledger.View(w.state) }

// quorum returns the signatures of the first k of a group.
func quorum(keys []*signing.KeySigner, k int, digest codec.Hash) []signing.Signature {
	list := make([]signing.Signature, k)
	for i := range list {
		list[i] = sign(keys[i], digest)
	}
	return list
}

func sign(key *signing.KeySigner, digest codec.Hash) signing.Signature {
	sig, err := key.SignDigest(digest)
	if err != nil {
		panic(err)
	}
	return sig
}

// attachMessage is what attaches a chain's bridge.
func (w *world) attachMessage(chain string, sequence uint64) *ledger.Attach {
	b := w.bridges[chain]
	m := &ledger.Attach{Chain: chain, Bridge: b.address, Sequence: sequence, CodeHash: codec.Keccak([]byte("code")), SetHash: w.set.Hash(), StartBlock: 7}
	digest := bridgecontracts.AttachDigest(b.domain, sequence, m.CodeHash, m.SetHash, m.StartBlock)
	m.Listeners = quorum(w.listeners, int(w.set.ListenerQuorum), digest)
	m.Approvers = quorum(w.approvers, int(w.set.ApproverQuorum), digest)
	return m
}

// certificate is what attests a chain's pending events.
func (w *world) certificate(c *contract) *ledger.Attest {
	m := &ledger.Attest{Domain: c.domain, Generation: 1, Events: c.pending()}
	w.signCertificate(c, m, w.listeners)
	return m
}

// signCertificate signs the events after those that the ledger has.
func (w *world) signCertificate(c *contract, m *ledger.Attest, signers []*signing.KeySigner) {
	head := bridgecontracts.FirstHead(c.domain)
	for i := range c.events[:c.reported] {
		head = bridgecontracts.NextHead(head, &c.events[i])
	}
	statement := bridgecontracts.Attestation{Domain: c.domain, Generation: m.Generation}
	for i := range m.Events {
		head = bridgecontracts.NextHead(head, &m.Events[i])
		statement.EventID = m.Events[i].ID
	}
	statement.Head = head
	m.Signatures = quorum(signers, int(w.set.ListenerQuorum), statement.Digest())
}

// attest brings a chain's pending events to the ledger.
func (w *world) attest(c *contract) (ledger.Log, error) {
	m := w.certificate(c)
	log, err := w.send(w.processor, m)
	if err == nil {
		c.reported += len(m.Events)
	}
	return log, err
}

// sealMessage is the full seal of an action's newest revision.
func (w *world) sealMessage(c *contract, id uint64) (*ledger.SealAction, error) {
	r, ok, err := w.view().Action(c.domain, id)
	if err != nil || !ok {
		return nil, fmt.Errorf("action %d: %t, %w", id, ok, err)
	}
	digest := r.Action.Digest(c.domain, w.set.Epoch)
	return &ledger.SealAction{Domain: c.domain, ActionID: id, Revision: r.Revision, Seal: w.seal(digest, false)}, nil
}

func (w *world) seal(digest codec.Hash, listeners bool) bridgecontracts.Seal {
	seal := bridgecontracts.Seal{
		Epoch: w.set.Epoch, Processor: sign(w.processor, digest),
		Approvers: quorum(w.approvers, int(w.set.ApproverQuorum), digest),
	}
	if listeners {
		seal.Listeners = quorum(w.listeners, int(w.set.ListenerQuorum), digest)
	}
	return seal
}

// proof is a key's agreement to belong to a wallet.
func proof(c *contract, owner codec.Hash, key *signing.KeySigner) bridgecontracts.KeyProof {
	return bridgecontracts.KeyProof{Key: key.PublicKey(), Signature: sign(key, bridgecontracts.KeyLinkDigest(c.domain, owner, key.PublicKey()))}
}
