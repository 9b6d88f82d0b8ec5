package submitter

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holiman/uint256"
	"go.uber.org/goleak"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/chain/chaintest"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/internal/evmtest"
	"github.com/trinebridge/trine/ledger"
	"github.com/trinebridge/trine/signing"
	"github.com/trinebridge/trine/store"
	"github.com/trinebridge/trine/store/pebblestore"
	"github.com/trinebridge/trine/validators"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, evmtest.Lasting()...) }

const (
	payer  = "payer"
	window = 8
)

var token = codec.LeftPad([]byte{0xee})

// fakeLedger seals actions and hears of the bridge at finality.
type fakeLedger struct {
	mu       sync.Mutex
	set      validators.Set
	keys     [2]*signing.KeySigner // processor and approver
	bridge   ledger.Bridge
	actions  map[uint64]ledger.ActionRecord
	controls []ledger.ControlRecord
	changed  chan struct{}
}

func (f *fakeLedger) ValidatorsAt(epoch uint64) (validators.Set, bool, error) {
	return f.set, epoch == f.set.Epoch, nil
}

func (f *fakeLedger) BridgeByChain(string) (ledger.Bridge, bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.bridge, !f.bridge.Domain.IsZero(), nil
}

func (f *fakeLedger) Action(_ bridgecontracts.Domain, id uint64) (ledger.ActionRecord, bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	a, ok := f.actions[id]
	return a, ok, nil
}

func (f *fakeLedger) OpenControls(bridgecontracts.Domain) ([]ledger.ControlRecord, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.controls), nil
}

func (f *fakeLedger) seal(digest codec.Hash) *bridgecontracts.Seal {
	processor, err1 := f.keys[0].SignDigest(digest)
	approver, err2 := f.keys[1].SignDigest(digest)
	if err1 != nil || err2 != nil {
		panic(fmt.Sprint(err1, err2))
	}
	return &bridgecontracts.Seal{Epoch: f.set.Epoch, Processor: processor, Approvers: []signing.Signature{approver}}
}

// recipientOf is paid by one action only, so that a second execution would show.
func recipientOf(id uint64) codec.Hash { return codec.HashWords(codec.Uint64Word(id)) }

// seals adds n sealed actions.
func (f *fakeLedger) sealActions(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for range n {
		f.bridge.LastAction++
		f.sealAs(f.bridge.LastAction, 1, &bridgecontracts.Transfers{Transfers: []bridgecontracts.Transfer{
			{Token: token, To: recipientOf(f.bridge.LastAction), Amount: *uint256.NewInt(1)},
		}})
	}
}

func (f *fakeLedger) sealAs(id, revision uint64, body bridgecontracts.ActionBody) {
	a := bridgecontracts.Action{ID: id, Body: body}
	f.actions[id] = ledger.ActionRecord{
		Domain: f.bridge.Domain, Action: a, Revision: revision, Status: ledger.ActionSealed,
		Seal: f.seal(a.Digest(f.bridge.Domain, f.set.Epoch)),
	}
}

func (f *fakeLedger) sealLimit() {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := bridgecontracts.Control{Sequence: f.bridge.LimitVersion + 1, Body: &bridgecontracts.SetLimit{Token: token, Capacity: *uint256.NewInt(1000), Window: 60}}
	digest := c.Digest(f.bridge.Domain, f.set.Epoch)
	f.controls = append(f.controls, ledger.ControlRecord{Domain: f.bridge.Domain, Control: c, Epoch: f.set.Epoch, Digest: digest, Seal: f.seal(digest)})
}

// scene is a submitter on a scripted chain with a scripted ledger. The test moves the clock.
type scene struct {
	testing.TB
	now      time.Time
	external *chaintest.Chain
	endpoint *chaintest.Endpoint
	ledger   *fakeLedger
	kv       store.KV
	logs     bytes.Buffer
	sink     func(chain.Sink) chain.Sink
	store    func(store.KV) store.KV
	config   func(*Config, *Chain)
	s        *Submitter
}

func newKey(t testing.TB) *signing.KeySigner {
	key, err := signing.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	return signing.NewKeySigner(key)
}

func newScene(t testing.TB) *scene {
	processor, approver, listener := newKey(t), newKey(t), newKey(t)
	set := validators.Set{
		Epoch: 1, Processor: processor.Address(), ApproverQuorum: 1, Approvers: []signing.Address{approver.Address()},
		ListenerQuorum: 1, Listeners: []signing.Address{listener.Address()},
	}
	external := chaintest.New(chaintest.Config{Set: set})
	s := &scene{
		TB: t, now: time.Unix(1_700_000_000, 0), external: external, endpoint: external.Endpoint("node"),
		ledger: &fakeLedger{
			set: set, keys: [2]*signing.KeySigner{processor, approver}, actions: map[uint64]ledger.ActionRecord{}, changed: make(chan struct{}),
			bridge: ledger.Bridge{Domain: external.Domain(), Chain: external.ChainID(), Address: external.Bridge(), Epoch: 1},
		},
		sink:  func(sink chain.Sink) chain.Sink { return sink },
		store: func(kv store.KV) store.KV { return kv },
	}
	external.Deposit(codec.Hash{1}, token, 1_000_000)
	external.Mine(3)
	kv, err := pebblestore.OpenMem()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = kv.Close() })
	s.kv = kv
	s.restart()
	return s
}

// restart forgets the submitter and makes another one on what is stored.
func (s *scene) restart() {
	s.Helper()
	x := Chain{
		Open:   func(codec.Hash, uint64) (chain.Sink, error) { return s.sink(s.endpoint.Sink(payer)), nil },
		Caps:   chain.Caps{MaxFeePerGas: *uint256.NewInt(1_000_000), MaxTip: *uint256.NewInt(1_000_000)},
		Resend: 30 * time.Second,
	}
	config := Config{
		View:    func() View { return s.ledger },
		Changed: func() <-chan struct{} { return s.ledger.changed },
		Store:   s.store(s.kv), Now: func() time.Time { return s.now },
		Log: slog.New(slog.NewTextHandler(&s.logs, nil)),
	}
	if s.config != nil {
		s.config(&config, &x)
	}
	config.Chains = map[string]Chain{s.external.ChainID(): x}
	var err error
	if s.s, err = New(config); err != nil {
		s.Fatal(err)
	}
}

func (s *scene) carrier() *carrier { return s.s.carriers[0] }

// round lets time pass and runs one round.
func (s *scene) round(pass time.Duration) error {
	s.now = s.now.Add(pass)
	c := s.carrier()
	err := c.runOnce(context.Background(), s.now)
	c.report(err)
	return err
}

func (s *scene) mustRound(pass time.Duration) {
	s.Helper()
	if err := s.round(pass); err != nil {
		s.Fatal(err)
	}
}

// hear tells the ledger what the bridge says at finality.
func (s *scene) hear() {
	s.Helper()
	source, ctx := s.external.Endpoint("listeners").Source(), context.Background()
	at, err := source.Head(ctx, chain.Finality{})
	if err != nil {
		s.Fatal(err)
	}
	counters, err := source.Counters(ctx, at)
	if err != nil {
		s.Fatal(err)
	}
	s.ledger.mu.Lock()
	defer s.ledger.mu.Unlock()
	s.ledger.bridge.LastExecuted = counters.NextAction - 1
	s.ledger.bridge.LimitVersion = counters.LimitVersion
	s.ledger.controls = slices.DeleteFunc(s.ledger.controls, func(r ledger.ControlRecord) bool { return r.Control.Sequence <= counters.LimitVersion })
}

func (s *scene) wantNext(action uint64) {
	s.Helper()
	if next := s.external.Counters().NextAction; next != action {
		s.Fatalf("the bridge takes action %d next, want %d; status %+v\n%s", next, action, s.status(), &s.logs)
	}
}

func (s *scene) wantPending(n int) {
	s.Helper()
	if pending := s.external.Pending(); len(pending) != n {
		s.Fatalf("%d transactions in the pool, want %d; status %+v\n%s", len(pending), n, s.status(), &s.logs)
	}
}

func (s *scene) wantJobs(n int) {
	s.Helper()
	jobs, err := loadJobs(s.carrier().kv)
	if err != nil || len(jobs) != n || len(s.carrier().machine.jobs) != n {
		s.Fatalf("%d records on the disk and %d in memory, want %d: %v", len(jobs), len(s.carrier().machine.jobs), n, err)
	}
}

func (s *scene) status() Status { return s.s.Status()[0] }

func (s *scene) wantReason(part string) {
	s.Helper()
	for _, d := range s.status().Deliveries {
		if strings.Contains(d.Reason, part) {
			return
		}
	}
	s.Fatalf("no delivery has a reason with %q: %+v", part, s.status().Deliveries)
}

// executions counts how often each action ran.
func (s *scene) executions() map[uint64]int {
	s.Helper()
	source, ctx := s.external.Endpoint("auditor").Source(), context.Background()
	tip := s.external.Tip()
	counters, err := source.Counters(ctx, tip)
	if err != nil {
		s.Fatal(err)
	}
	events, err := source.Events(ctx, 1, counters.EventID, tip)
	if err != nil {
		s.Fatal(err)
	}
	ran := map[uint64]int{}
	for i := range events {
		if e, ok := events[i].Body.(*bridgecontracts.ActionExecuted); ok {
			ran[e.ActionID]++
		}
	}
	return ran
}
