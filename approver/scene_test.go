package approver

import (
	"bytes"
	"cmp"
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holiman/uint256"
	"go.uber.org/goleak"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/bridgewatch"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/chain/chaintest"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/gossip/wire"
	"github.com/trinebridge/trine/internal/evmtest"
	"github.com/trinebridge/trine/ledger"
	"github.com/trinebridge/trine/signing"
	"github.com/trinebridge/trine/signing/guard"
	"github.com/trinebridge/trine/store"
	"github.com/trinebridge/trine/store/pebblestore"
	"github.com/trinebridge/trine/validators"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, evmtest.Lasting()...) }

const (
	home  = "chaintest:1"
	other = "chaintest:2"
	usd   = ledger.AssetID(1)
	gold  = ledger.AssetID(2)
)

var (
	usdToken  = codec.LeftPad([]byte{0x0e, 1})
	goldToken = codec.LeftPad([]byte{0x0e, 2})
	recipient = codec.LeftPad([]byte{0x0f, 1, 1, 1})
	wallet    = codec.LeftPad([]byte{0x0a, 1})
)

// scene is a real ledger with two scripted chains, and an approver that looks at all of
// it. The test moves the clock.
type scene struct {
	*testing.T
	now       time.Time
	processor *signing.KeySigner
	listeners []*signing.KeySigner
	approvers []*signing.KeySigner // the scene's approver has the first
	user      *signing.KeySigner
	set       validators.Set

	ledger *ledger.Ledger
	state  ledger.State
	head   ledger.Header
	nonces map[signing.PublicKey]uint64
	chains map[string]*chaintest.Chain
	// endpoints are the approver's; the scene itself reads the chains by others.
	endpoints map[string]*chaintest.Endpoint
	wrap      func(chain.Source) chain.Source // the approver's sources

	acks        fakeAcks
	compromised bool
	view        func(ledger.View) View // what the approver's node says
	mu          sync.Mutex
	published   [][]byte
	submitted   []*ledger.Transaction
	refused     []Decision
	kv          store.KV
	logs        bytes.Buffer
	config      func(*Config)
	approver    *Approver
}

type fakeAcks struct{ height uint64 }

func (f *fakeAcks) Acknowledged() (uint64, error) { return f.height, nil }
func (f *fakeAcks) Changed() <-chan struct{}      { return nil }

func newScene(t *testing.T) *scene { return newSceneWith(t, nil) }

// newSceneWith is newScene with an app on the app chain.
func newSceneWith(t *testing.T, app ledger.App) *scene {
	token := func(chainID string, address codec.Hash) ledger.Token {
		return ledger.Token{Chain: chainID, Address: address, Decimals: 6, MinWithdrawal: *uint256.NewInt(10), Fee: *uint256.NewInt(1)}
	}
	s := emptyScene(t, app, ledger.Genesis{
		Batch:  2,
		Chains: []ledger.Chain{{ID: home, Rule: ledger.RuleAny32}, {ID: other, Rule: ledger.RuleAny32}},
		Assets: []ledger.Asset{
			{Symbol: "USD", Decimals: 6, Tokens: []ledger.Token{token(home, usdToken), token(other, usdToken)}},
			{Symbol: "GOLD", Decimals: 6, Tokens: []ledger.Token{token(home, goldToken)}},
		},
	})
	for i, id := range []string{home, other} {
		c := chaintest.New(chaintest.Config{ChainID: id, Genesis: s.ledger.GenesisHash(), Bridge: codec.LeftPad([]byte{0xb0, byte(i)}), Set: s.set})
		s.chains[id], s.endpoints[id] = c, c.Endpoint("own-"+id)
		c.Mine(3)
		s.attach(id, c.Bridge(), chaintest.CodeHash, 0)
	}
	s.restart()
	return s
}

// emptyScene is one whose ledger has no bridge; the genesis lacks what is the same for all.
func emptyScene(t *testing.T, app ledger.App, genesis ledger.Genesis) *scene {
	s := &scene{
		T: t, now: time.Unix(1_800_000_000, 0), processor: newKey(t), user: newKey(t),
		nonces: map[signing.PublicKey]uint64{}, chains: map[string]*chaintest.Chain{}, endpoints: map[string]*chaintest.Endpoint{},
		wrap: func(source chain.Source) chain.Source { return source },
		view: func(v ledger.View) View { return v },
	}
	s.listeners, s.approvers = newKeys(t, 3), newKeys(t, 3)
	s.set = validators.Set{
		Epoch: 1, Processor: s.processor.Address(),
		ApproverQuorum: 2, Approvers: addresses(s.approvers), ListenerQuorum: 2, Listeners: addresses(s.listeners),
	}
	genesis.Network, genesis.Time, genesis.CodeVersion = "test", 1, 1
	genesis.Validators, genesis.Treasury = s.set, newKey(t).PublicKey()
	var err error
	if s.ledger, err = ledger.New(genesis, app); err != nil {
		t.Fatal(err)
	}
	if s.state, err = s.ledger.Init(); err != nil {
		t.Fatal(err)
	}
	kv, err := pebblestore.OpenMem()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = kv.Close() })
	s.kv = kv
	s.acks.height = 1 << 40
	return s
}

func newKey(t *testing.T) *signing.KeySigner {
	key, err := signing.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	return signing.NewKeySigner(key)
}

func newKeys(t *testing.T, n int) (keys []*signing.KeySigner) {
	for range n {
		keys = append(keys, newKey(t))
	}
	slices.SortFunc(keys, func(a, b *signing.KeySigner) int { return a.Address().Compare(b.Address()) })
	return keys
}

func addresses(keys []*signing.KeySigner) (list []signing.Address) {
	for _, k := range keys {
		list = append(list, k.Address())
	}
	return list
}

// quorum signs a digest with the first keys of a group.
func (s *scene) quorum(keys []*signing.KeySigner, digest codec.Hash) (signatures []signing.Signature) {
	s.Helper()
	for _, k := range keys[:2] {
		signature, err := k.SignDigest(digest)
		if err != nil {
			s.Fatal(err)
		}
		signatures = append(signatures, signature)
	}
	return signatures
}

// apply makes a block of one message.
func (s *scene) apply(key *signing.KeySigner, body ledger.MessageBody) {
	s.Helper()
	s.nonces[key.PublicKey()]++
	millis := uint64(s.now.UnixMilli()) // a fixed date
	tx := &ledger.Transaction{Genesis: s.ledger.GenesisHash(), Nonce: s.nonces[key.PublicKey()], Time: millis, Messages: []ledger.Message{{Body: body}}}
	if err := tx.Sign(key); err != nil {
		s.Fatal(err)
	}
	checked, err := ledger.CheckTx(s.ledger.GenesisHash(), tx)
	if err != nil {
		s.Fatal(err)
	}
	in := ledger.Input{Height: s.head.Height + 1, Time: millis, Parent: s.head.Hash(), ParentTime: s.head.Time, Tx: checked}
	next, log, err := s.ledger.Apply(s.state, in)
	if err != nil {
		s.Fatalf("%T: %v", body, err)
	}
	s.state, s.head = next, s.ledger.NewHeader(in, next, log)
}

func (s *scene) ledgerView() ledger.View { return s.ledger.View(s.state) }

func (s *scene) bridge(id string) ledger.Bridge {
	s.Helper()
	b, ok, err := s.ledgerView().BridgeByChain(id)
	if err != nil || !ok {
		s.Fatalf("bridge on %s: %v, %v", id, ok, err)
	}
	return b
}

func (s *scene) attach(id string, bridge, codeHash codec.Hash, startBlock uint64) {
	s.Helper()
	bridges, err := s.ledgerView().Bridges()
	if err != nil {
		s.Fatal(err)
	}
	m := &ledger.Attach{Chain: id, Bridge: bridge, Sequence: uint64(len(bridges)) + 1, CodeHash: codeHash, SetHash: s.set.Hash(), StartBlock: startBlock}
	domain := bridgecontracts.NewDomain(s.ledger.GenesisHash(), id, bridge)
	digest := bridgecontracts.AttachDigest(domain, m.Sequence, m.CodeHash, m.SetHash, m.StartBlock)
	m.Listeners, m.Approvers = s.quorum(s.listeners, digest), s.quorum(s.approvers, digest)
	s.apply(s.processor, m)
}

// deposit puts a deposit of the user's on a chain, and settles it.
func (s *scene) deposit(id string, token codec.Hash, amount uint64) {
	s.Helper()
	s.depositBy(id, s.user, wallet, token, amount)
}

// depositBy is deposit by anybody.
func (s *scene) depositBy(id string, key *signing.KeySigner, wallet, token codec.Hash, amount uint64) {
	s.Helper()
	s.chains[id].Deposit(wallet, token, amount, s.proof(id, key, wallet))
	s.chains[id].Mine(3)
}

// proof is a key's agreement to belong to a wallet.
func (s *scene) proof(id string, key *signing.KeySigner, wallet codec.Hash) bridgecontracts.KeyProof {
	s.Helper()
	signature, err := key.SignDigest(bridgecontracts.KeyLinkDigest(s.bridge(id).Domain, wallet, key.PublicKey()))
	if err != nil {
		s.Fatal(err)
	}
	return bridgecontracts.KeyProof{Key: key.PublicKey(), Signature: signature}
}

// attest has a listener quorum bring all settled events of a chain into the ledger.
func (s *scene) attest(id string) {
	s.Helper()
	s.attestFrom(id, s.chains[id].Endpoint("listeners").Source(), chain.Finality{})
}

// attestFrom is attest of what a source shows.
func (s *scene) attestFrom(id string, source chain.Source, finality chain.Finality) {
	s.Helper()
	ctx := context.Background()
	at, err := source.Head(ctx, finality)
	if err != nil {
		s.Fatal(err)
	}
	counters, err := source.Counters(ctx, at)
	if err != nil {
		s.Fatal(err)
	}
	located, err := source.Events(ctx, s.bridge(id).EventID+1, counters.EventID, at)
	if err != nil {
		s.Fatal(err)
	}
	var events []bridgecontracts.Event
	for i := range located {
		events = append(events, located[i].Event)
	}
	s.attestEvents(id, events...)
}

// attestEvents has a listener quorum bring events into the ledger, true or not.
func (s *scene) attestEvents(id string, events ...bridgecontracts.Event) {
	s.Helper()
	b := s.bridge(id)
	head := b.Head
	for i := range events {
		head = bridgecontracts.NextHead(head, &events[i])
	}
	a := bridgecontracts.Attestation{Domain: b.Domain, Generation: b.Generation, EventID: b.EventID + uint64(len(events)), Head: head}
	s.apply(s.processor, &ledger.Attest{Domain: b.Domain, Generation: b.Generation, Events: events, Signatures: s.quorum(s.listeners, a.Digest())})
}

func (s *scene) withdraw(id string, asset ledger.AssetID, amount uint64) {
	s.Helper()
	s.apply(s.user, &ledger.Withdraw{Chain: id, Asset: asset, To: recipient, Amount: *uint256.NewInt(amount)})
}

// pending puts one honest action on the home bridge: 1000 USD deposited, 100 withdrawn.
func (s *scene) pending() {
	s.Helper()
	s.deposit(home, usdToken, 1000)
	s.attest(home)
	s.withdraw(home, usd, 100)
}

// restart makes a new approver on what is stored.
func (s *scene) restart() {
	s.Helper()
	config := Config{
		Member: bridgewatch.Member{
			Genesis: s.ledger.GenesisHash(), Chains: map[string]bridgewatch.Access{}, Signer: s.guarded(s.approvers[0]),
			FormatAddress:    func(chainID string, address codec.Hash) string { return chainID + "'s " + address.String() },
			Changed:          func() <-chan struct{} { return nil },
			Compromised:      func() bool { return s.compromised },
			Acknowledgements: &s.acks,
			Submit: func(_ context.Context, tx *ledger.Transaction) (codec.Hash, error) {
				s.submitted = append(s.submitted, tx)
				return tx.Digest(), nil
			},
			Store: store.Sub(s.kv, "approver/"),
			Now:   func() time.Time { return s.now },
			Log:   slog.New(slog.NewTextHandler(&s.logs, nil)),
		},
		Assets:   s.ledger.Genesis().Assets,
		View:     func() View { return s.view(s.ledgerView()) },
		Network:  s,
		Observer: Observer{Refused: func(d Decision) { s.refused = append(s.refused, d) }},
	}
	for id, endpoint := range s.endpoints {
		config.Chains[id] = bridgewatch.Access{
			Open:     func(codec.Hash, uint64) (chain.Source, error) { return s.wrap(endpoint.Source()), nil },
			CodeHash: chaintest.CodeHash,
		}
	}
	if s.config != nil {
		s.config(&config)
	}
	var err error
	if s.approver, err = New(config); err != nil {
		s.Fatal(err)
	}
}

// guarded puts the scene's guard before a key, as after a restart.
func (s *scene) guarded(key *signing.KeySigner) bridgewatch.Signer {
	s.Helper()
	g, err := guard.New(key, store.Sub(s.kv, "guard/"))
	if err != nil {
		s.Fatal(err)
	}
	return g
}

// Publish implements Publisher.
func (s *scene) Publish(_ context.Context, _ string, message []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.published = append(s.published, message)
	return nil
}

// look has every watch look once; errors are in the watches' own status.
func (s *scene) look() {
	for _, w := range s.approver.watches.All() {
		_ = w.look(context.Background(), s.now)
	}
}

// round lets time pass, looks, and decides.
func (s *scene) round(pass time.Duration) []Decision {
	s.Helper()
	s.now = s.now.Add(pass)
	if err := s.approver.runOnce(context.Background(), s.now); err != nil { // adopts the bridges
		s.Fatal(err)
	}
	s.look()
	if err := s.approver.runOnce(context.Background(), s.now); err != nil {
		s.Fatal(err)
	}
	return s.approver.Status().Actions
}

// approvals checks and returns what was published since the last call, by action id.
func (s *scene) approvals() (ids []uint64) {
	s.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, message := range s.published {
		var vote wire.Vote
		if err := codec.Unmarshal(message, &vote, wire.MaxSmall); err != nil {
			s.Fatal(err)
		}
		a := vote.Approval
		rec, ok, err := s.ledgerView().Action(a.Domain, a.ActionID)
		if err != nil || !ok {
			s.Fatal(ok, err)
		}
		if want := rec.Action.Digest(a.Domain, a.Epoch); a.Digest != want || a.Revision != rec.Revision {
			s.Fatalf("approval %+v; the digest of the action is %s", a, want)
		}
		if who, err := a.Signature.RecoverAddress(a.Digest); err != nil || who != s.approvers[0].Address() {
			s.Fatalf("approval of action %d is signed by %s: %v", a.ActionID, who, err)
		}
		ids = append(ids, a.ActionID)
	}
	s.published = nil
	slices.SortFunc(ids, cmp.Compare[uint64])
	return ids
}

func (s *scene) wantApproved(want ...uint64) {
	s.Helper()
	if got := s.approvals(); !slices.Equal(got, want) {
		s.Fatalf("approved %v, want %v; decisions: %+v", got, want, s.approver.Status().Actions)
	}
}

func (s *scene) wantReason(state State, reason Reason, details ...string) {
	s.Helper()
	decisions := s.approver.Status().Actions
	if len(decisions) == 0 {
		s.Fatal("no action waits")
	}
	d := decisions[len(decisions)-1]
	if d.State != state || d.Reason != reason {
		s.Fatalf("decision %s %s (%s), want %s %s", d.State, d.Reason, d.Detail, state, reason)
	}
	for _, detail := range details {
		if !strings.Contains(d.Detail, detail) {
			s.Errorf("the detail lacks %q: %s", detail, d.Detail)
		}
	}
	if len(s.published) > 0 {
		s.Fatalf("%d messages went out all the same", len(s.published))
	}
}
