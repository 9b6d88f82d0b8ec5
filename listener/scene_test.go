package listener

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/trinebridge/trine/appchain"
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

// fakeChain is the app chain as a listener sees it: what a test says.
type fakeChain struct {
	mu          sync.Mutex
	set         validators.Set
	bridges     []ledger.Bridge
	changed     chan struct{}
	compromised bool
	refuses     error // what the ledger says to a vote
	// height is the newest block's, acknowledged the newest that both groups stand behind.
	height, acknowledged uint64
}

func (f *fakeChain) change(fn func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	fn()
	close(f.changed)
	f.changed = make(chan struct{})
}

func (f *fakeChain) Changed() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.changed
}

func (f *fakeChain) Compromised() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.compromised
}

func (f *fakeChain) Height() uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.height
}

func (f *fakeChain) Acknowledged() (uint64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.acknowledged, nil
}

func (f *fakeChain) View() View {
	f.mu.Lock()
	defer f.mu.Unlock()
	return fakeView{f.set, slices.Clone(f.bridges), f.refuses}
}

type fakeView struct {
	set     validators.Set
	bridges []ledger.Bridge
	refuses error // what the ledger says to a vote
}

func (v fakeView) Validators() (validators.Set, error) { return v.set, nil }
func (v fakeView) Bridges() ([]ledger.Bridge, error)   { return v.bridges, nil }
func (v fakeView) AccountByKey(key signing.PublicKey) (ledger.Account, bool, error) {
	return ledger.Account{Keys: []ledger.AccountKey{{Key: key, Nonce: 4}}}, true, nil
}
func (v fakeView) CheckVote(bridgecontracts.Domain, *bridgecontracts.Control, signing.Address) error {
	return v.refuses
}
func (v fakeView) Bridge(domain bridgecontracts.Domain) (ledger.Bridge, bool, error) {
	for _, b := range v.bridges {
		if b.Domain == domain {
			return b, true, nil
		}
	}
	return ledger.Bridge{}, false, nil
}

// fakeNetwork keeps what is published and hands over what is subscribed and served.
type fakeNetwork struct {
	mu        sync.Mutex
	published [][]byte
	topics    []string
	hear      func(ctx context.Context, from string, message []byte) appchain.Verdict
	serve     func(ctx context.Context, from string, request []byte) ([]byte, error)
}

func (n *fakeNetwork) Publish(_ context.Context, topic string, message []byte) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.topics, n.published = append(n.topics, topic), append(n.published, message)
	return nil
}

func (n *fakeNetwork) Subscribe(_ string, handle func(ctx context.Context, from string, message []byte) appchain.Verdict) (func(), error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.hear = handle
	return func() {}, nil
}

func (n *fakeNetwork) Serve(_ string, _ int, handle func(ctx context.Context, from string, request []byte) ([]byte, error)) (func(), error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.serve = handle
	return func() {}, nil
}

// take returns what was published since the last call.
func (n *fakeNetwork) take() (topics []string, messages [][]byte) {
	n.mu.Lock()
	defer n.mu.Unlock()
	topics, messages = n.topics, n.published
	n.topics, n.published = nil, nil
	return topics, messages
}

// scene is a listener with everything around it scripted, and a clock that the test moves.
type scene struct {
	*testing.T
	external  *chaintest.Chain
	endpoint  *chaintest.Endpoint
	app       *fakeChain
	net       *fakeNetwork
	kv        store.KV
	logs      *bytes.Buffer
	now       time.Time
	keys      []*signing.KeySigner // the listeners' keys; the scene's listener has the first
	submitted []*ledger.Transaction
	listener  *Listener
}

func newScene(t *testing.T) *scene {
	s := &scene{T: t, net: &fakeNetwork{}, logs: &bytes.Buffer{}, now: time.Unix(1_700_000_000, 0)}
	set := validators.Set{Epoch: 1, Processor: newKey(t).Address(), ApproverQuorum: 1, Approvers: []signing.Address{newKey(t).Address()}, ListenerQuorum: 2}
	for range 3 {
		key := newKey(t)
		s.keys = append(s.keys, key)
		set.Listeners = append(set.Listeners, key.Address())
	}
	slices.SortFunc(set.Listeners, signing.Address.Compare)
	s.external = chaintest.New(chaintest.Config{Set: set})
	s.endpoint = s.external.Endpoint("endpoint-one")
	s.app = &fakeChain{set: set, changed: make(chan struct{})}
	kv, err := pebblestore.OpenMem()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = kv.Close() })
	s.kv = kv
	s.restart()
	return s
}

func newKey(t *testing.T) *signing.KeySigner {
	key, err := signing.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	return signing.NewKeySigner(key)
}

func (s *scene) config() Config {
	guarded, err := guard.New(s.keys[0], store.Sub(s.kv, "guard/"))
	if err != nil {
		s.Fatal(err)
	}
	return Config{
		Member: bridgewatch.Member{
			Genesis: s.external.Genesis(),
			Chains: map[string]bridgewatch.Access{s.external.ChainID(): {
				Open:     func(codec.Hash, uint64) (chain.Source, error) { return s.endpoint.Source(), nil },
				CodeHash: chaintest.CodeHash,
			}},
			FormatAddress: func(chainID string, address codec.Hash) string { return chainID + "'s " + address.String() },
			Intents:       []bridgewatch.Intent{{Chain: s.external.ChainID(), Bridge: s.external.Bridge()}},
			Signer:        guarded,
			Changed:       s.app.Changed, Compromised: s.app.Compromised, Acknowledgements: s.app,
			Store: store.Sub(s.kv, "listener/"),
			Submit: func(_ context.Context, tx *ledger.Transaction) (codec.Hash, error) {
				s.submitted = append(s.submitted, tx)
				return tx.Digest(), nil
			},
			Now: func() time.Time { return s.now },
			Log: slog.New(slog.NewTextHandler(s.logs, nil)),
		},
		View: s.app.View, Height: s.app.Height, Network: s.net,
	}
}

func (s *scene) restart() {
	s.Helper()
	l, err := New(s.config())
	if err != nil {
		s.Fatal(err)
	}
	s.listener = l
}

// attached puts the bridge into the ledger, at an event of the external chain's history.
func (s *scene) attached(eventID uint64) {
	s.Helper()
	head := bridgecontracts.FirstHead(s.external.Domain())
	if eventID > 0 {
		w := s.watcher()
		var ok bool
		var err error
		if head, ok, err = w.Reader.HeadAt(eventID); err != nil || !ok {
			s.Fatalf("event %d is not verified: %v", eventID, err)
		}
	}
	s.app.change(func() {
		s.app.height++
		s.app.bridges = []ledger.Bridge{{
			Domain: s.external.Domain(), Chain: s.external.ChainID(), Address: s.external.Bridge(),
			Generation: 1, EventID: eventID, Head: head,
		}}
	})
}

func (s *scene) watcher() *watcher { return s.listener.watcher(s.external.Domain()) }

// round lets time pass and runs one round, as run does.
func (s *scene) round(pass time.Duration) error {
	s.now = s.now.Add(pass)
	return s.watcher().round(context.Background(), s.now)
}

func (s *scene) mustRound(pass time.Duration) {
	s.Helper()
	if err := s.round(pass); err != nil {
		s.Fatal(err)
	}
}

func (s *scene) deposits(n int) {
	for i := range n {
		s.external.Deposit(codec.LeftPad([]byte{0xaa}), codec.LeftPad([]byte{0xee}), uint64(100+i)) // a small index
	}
	s.external.Mine(3)
}

// attested checks and returns the ids of the attestations published since the last call.
func (s *scene) attested() (ids []uint64) {
	s.Helper()
	topics, messages := s.net.take()
	for i, message := range messages {
		if topics[i] != appchain.TopicAttestations {
			continue
		}
		var a wire.Attestation
		if err := codec.Unmarshal(message, &a, wire.MaxSmall); err != nil {
			s.Fatal(err)
		}
		if who, err := a.Signature.RecoverAddress(a.Digest()); err != nil || who != s.keys[0].Address() {
			s.Fatalf("attestation of event %d is signed by %s: %v", a.EventID, who, err)
		}
		ids = append(ids, a.EventID)
	}
	return ids
}

func (s *scene) wantAttested(want ...uint64) {
	s.Helper()
	if got := s.attested(); !slices.Equal(got, want) {
		s.Fatalf("attested %v, want %v; status: %+v", got, want, s.status())
	}
}

func (s *scene) status() Status { return s.listener.Status()[0] }

func (s *scene) wantLog(parts ...string) {
	s.Helper()
	for _, part := range parts {
		if !strings.Contains(s.logs.String(), part) {
			s.Errorf("the log lacks %q:\n%s", part, s.logs)
		}
	}
}
