package submitter

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/chain/chaintest"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/store"
)

const poll = defaultPoll

// settle mines until everything is final, and tells the ledger.
func (s *scene) settle() {
	s.Helper()
	s.external.Mine(3)
	s.hear()
}

func TestDeliversInOrderAndForgets(t *testing.T) {
	s := newScene(t)
	s.mustRound(poll)
	if st := s.status(); !st.Ready || st.Doing != "waits for a sealed action" || st.Address != payer {
		t.Errorf("status %+v", st)
	}
	s.ledger.sealActions(6)
	s.mustRound(poll)
	s.wantPending(defaultPipeline)
	s.external.Mine(1)
	s.wantNext(5)
	s.mustRound(poll)
	s.wantPending(2)
	s.settle()
	s.wantNext(7)
	s.mustRound(poll)
	s.wantJobs(0)
	if sender, err := s.endpoint.Sink(payer).Sender(context.Background()); err != nil || sender.Next != 6 {
		t.Errorf("%d nonces are used, want 6: %v", sender.Next, err)
	}
}

// What is not sealed stops the lane behind it; control actions pass it.
func TestControlsPassTheValueLane(t *testing.T) {
	s := newScene(t)
	s.ledger.sealActions(2)
	first := s.ledger.actions[1]
	delete(s.ledger.actions, 1)
	s.ledger.sealLimit()
	s.mustRound(poll)
	s.wantPending(1)
	s.external.Mine(1)
	if v := s.external.Counters().LimitVersion; v != 1 {
		t.Fatalf("limit version %d, want 1", v)
	}
	s.ledger.actions[1] = first
	s.mustRound(poll)
	s.settle()
	s.wantNext(3)
	s.mustRound(poll)
	s.wantJobs(0)
}

func TestRaisesTheFeeOfWhatWaits(t *testing.T) {
	s := newScene(t)
	s.ledger.sealActions(3)
	s.mustRound(poll)
	before := s.external.Pending()
	s.external.SetPrice(10 * chaintest.InitialPrice)
	s.external.Mine(1)
	s.wantNext(1)
	s.mustRound(poll)
	if after := s.external.Pending(); after[0] != before[0] {
		t.Error("the fee was raised too early")
	}
	s.mustRound(30 * time.Second)
	after := s.external.Pending()
	if len(after) != 3 || after[0] == before[0] || after[1] != before[1] {
		t.Fatalf("the pool holds %v after %v; only the first is to be replaced", after, before)
	}
	s.external.Mine(1)
	s.wantNext(2)
	s.mustRound(poll) // the second has waited long enough
	s.external.Mine(1)
	s.wantNext(3)
	s.mustRound(poll)
	s.settle()
	s.wantNext(4)
}

func TestFeeAboveTheCap(t *testing.T) {
	s := newScene(t)
	s.ledger.sealActions(1)
	s.external.SetPrice(2_000_000)
	for range 5 {
		s.mustRound(poll)
	}
	s.wantPending(0)
	s.wantReason("above the cap")
	if n := strings.Count(s.logs.String(), "above the caps"); n != 1 {
		t.Errorf("said %d times in the log, want once", n)
	}
	if err := s.s.SetCaps(s.external.ChainID(), chain.Caps{MaxFeePerGas: *uint256.NewInt(9_000_000), MaxTip: *uint256.NewInt(10)}); err != nil {
		t.Fatal(err)
	}
	s.mustRound(poll)
	s.wantPending(1)
	s.settle()
	s.wantNext(2)
	if st := s.status(); st.Caps.MaxTip.Uint64() != 10 {
		t.Errorf("caps %+v", st.Caps)
	}
	for _, bad := range []chain.Caps{{}, {MaxFeePerGas: *uint256.NewInt(1), MaxTip: *uint256.NewInt(2)}} {
		if err := s.s.SetCaps(s.external.ChainID(), bad); err == nil {
			t.Errorf("caps %+v were accepted", bad)
		}
	}
	if err := s.s.SetCaps("nowhere:1", chain.Caps{MaxFeePerGas: *uint256.NewInt(1)}); err == nil {
		t.Error("an unknown chain was accepted")
	}
}

// A spike that ends: what waits in the pool is not replaced above the cap, and lands in the end.
func TestFeeSpikeEnds(t *testing.T) {
	s := newScene(t)
	s.ledger.sealActions(2)
	s.mustRound(poll)
	s.external.SetPrice(5_000_000)
	s.external.Mine(1)
	for range 3 {
		s.mustRound(31 * time.Second)
		s.external.Mine(1)
	}
	s.wantNext(1)
	s.wantReason("above the cap")
	s.external.SetPrice(chaintest.InitialPrice)
	s.settle()
	s.wantNext(3)
	s.mustRound(poll)
	s.wantJobs(0)
}

func TestPoolForgets(t *testing.T) {
	s := newScene(t)
	s.ledger.sealActions(3)
	s.mustRound(poll)
	before := s.external.Pending()
	s.external.DropPending()
	s.mustRound(11 * time.Second)
	after := s.external.Pending()
	if len(after) != 3 || after[0] != before[0] {
		t.Fatalf("the pool holds %v, want the same attempts %v again", after, before)
	}
	s.settle()
	s.wantNext(4)
}

func TestReorganisation(t *testing.T) {
	s := newScene(t)
	s.ledger.sealActions(2)
	s.mustRound(poll)
	s.external.Mine(1)
	s.mustRound(poll)
	s.wantNext(3)
	s.external.Fork(1)
	s.external.DropPending()
	s.wantNext(1)
	s.mustRound(11 * time.Second)
	s.wantPending(2)
	s.settle()
	s.wantNext(3)
	s.mustRound(poll)
	s.wantJobs(0)
}

// rival delivers an action by another account.
func (s *scene) rival(id uint64) {
	s.Helper()
	ctx, sink := context.Background(), s.external.Endpoint("rival").Sink("rival")
	record := s.ledger.actions[id]
	sender, err := sink.Sender(ctx)
	if err != nil {
		s.Fatal(err)
	}
	draft, err := sink.Build(ctx, chain.BuildRequest{
		Delivery: &chain.Delivery{Action: &record.Action, Seal: *record.Seal, Set: s.ledger.set}, Nonce: sender.Pending,
		Caps: chain.Caps{MaxFeePerGas: *uint256.NewInt(1 << 40), MaxTip: *uint256.NewInt(1 << 40)},
	})
	if err != nil {
		s.Fatal(err)
	}
	attempt, err := sink.Sign(ctx, draft)
	if err != nil {
		s.Fatal(err)
	}
	if err := sink.Broadcast(ctx, attempt); err != nil {
		s.Fatal(err)
	}
}

func TestRivalDeliversFirst(t *testing.T) {
	s := newScene(t)
	s.ledger.sealActions(2)
	s.rival(1)
	s.external.Mine(1)
	s.mustRound(poll)
	s.wantPending(1) // the second one only
	s.settle()
	s.wantNext(3)
	s.mustRound(poll)
	s.wantJobs(0)
}

// Both are in the pool; the rival's comes first and ours reverts, which is no trouble.
func TestRaceIsLost(t *testing.T) {
	s := newScene(t)
	s.ledger.sealActions(1)
	s.rival(1)
	s.mustRound(poll)
	s.wantPending(2)
	s.external.Mine(1)
	s.mustRound(poll)
	s.wantPending(0)
	s.settle()
	s.mustRound(poll)
	s.wantJobs(0)
	if ran := s.executions()[1]; ran != 1 {
		t.Errorf("action 1 ran %d times", ran)
	}
}

// A rival delivers while our transaction is stuck: its nonce is used up by an empty one.
func TestStuckNonceIsUsedUp(t *testing.T) {
	s := newScene(t)
	s.ledger.sealActions(2)
	s.mustRound(poll)
	s.external.SetPrice(50 * chaintest.InitialPrice)
	s.rival(1)
	s.external.Mine(1)
	s.wantNext(2)
	s.mustRound(31 * time.Second)
	if !s.carrier().machine.jobs[0].Filler {
		t.Fatal("the first nonce is still meant for the action that somebody else has delivered")
	}
	s.external.Mine(1)
	s.mustRound(31 * time.Second)
	s.settle()
	s.wantNext(3)
	s.mustRound(poll)
	s.wantJobs(0)
}

func TestNewRevisionReplaces(t *testing.T) {
	s := newScene(t)
	s.ledger.sealActions(1)
	s.mustRound(poll)
	before := s.external.Pending()
	s.ledger.sealAs(1, 2, &bridgecontracts.Noop{})
	s.mustRound(poll)
	after := s.external.Pending()
	if len(after) != 1 || after[0] == before[0] {
		t.Fatalf("the pool holds %v after %v, want another transaction with the same nonce", after, before)
	}
	s.settle()
	s.wantNext(2)
}

// A seal that the bridge refuses stops the lane and says so; a new one sets it going.
func TestFatalStopsTheLane(t *testing.T) {
	s := newScene(t)
	s.ledger.sealActions(2)
	good := s.ledger.actions[1]
	bad := good
	bad.Seal = s.ledger.actions[2].Seal
	s.ledger.actions[1] = bad
	for range 3 {
		s.mustRound(poll)
	}
	s.wantPending(0)
	s.wantReason("seal")
	if st := s.status(); st.Ready || !st.Deliveries[0].Stopped || !strings.Contains(st.Doing, "stopped") {
		t.Errorf("status %+v", st)
	}
	if n := strings.Count(s.logs.String(), "level=ERROR"); n != 1 {
		t.Errorf("said %d times in the log, want once", n)
	}
	s.ledger.sealLimit() // the other lane goes on
	s.mustRound(poll)
	s.wantPending(1)
	s.ledger.actions[1] = good
	s.mustRound(fatalRest)
	s.settle()
	s.wantNext(3)
}

func TestPausedBridge(t *testing.T) {
	s := newScene(t)
	s.ledger.sealActions(1)
	s.external.Emit(&bridgecontracts.Paused{Sequence: 1})
	s.external.Mine(1)
	s.mustRound(poll)
	s.wantPending(0)
	s.wantReason("paused")
	s.external.Emit(&bridgecontracts.Unpaused{Sequence: 2})
	s.external.Mine(1)
	s.mustRound(poll)
	s.wantPending(1)
}

// An action reverts in its block (a pause came first); it is built anew after a rest.
func TestRevertedIsBuiltAnew(t *testing.T) {
	s := newScene(t)
	s.ledger.sealActions(2)
	s.mustRound(poll)
	s.external.Emit(&bridgecontracts.Paused{Sequence: 1})
	s.external.Mine(1)
	s.wantNext(1)
	s.mustRound(poll)
	s.wantPending(0)
	s.wantReason("paused")
	s.external.Emit(&bridgecontracts.Unpaused{Sequence: 2})
	s.external.Mine(1)
	s.mustRound(firstRest)
	s.mustRound(firstRest) // the second one failed for the first one's sake and rests once too
	s.settle()
	s.wantNext(3)
	s.mustRound(poll)
	s.wantJobs(0)
}

func TestAttemptsExpire(t *testing.T) {
	s := newScene(t)
	external := chaintest.New(chaintest.Config{Set: s.ledger.set, Expiry: 5})
	s.external, s.endpoint = external, external.Endpoint("node")
	external.Deposit(codec.Hash{1}, token, 1000)
	external.Mine(3)
	s.restart()
	s.ledger.sealActions(3)
	s.mustRound(poll)
	s.external.SetPrice(10 * chaintest.InitialPrice)
	s.external.Mine(6)
	s.wantNext(1)
	s.mustRound(poll)
	for range 4 {
		s.mustRound(firstRest)
		s.external.Mine(1)
	}
	s.settle()
	s.wantNext(4)
	s.mustRound(poll)
	s.wantJobs(0)
}

func TestUnwellEndpoint(t *testing.T) {
	for _, fault := range []chaintest.Fault{chaintest.Down, chaintest.Throttled, chaintest.Garbage} {
		t.Run(fault.String(), func(t *testing.T) {
			s := newScene(t)
			opened := 0
			s.sink = func(sink chain.Sink) chain.Sink { opened++; return sink }
			s.ledger.sealActions(2)
			s.endpoint.Spoil(fault)
			for range 3 {
				if err := s.round(poll); err == nil {
					t.Fatal("no error")
				}
			}
			if st := s.status(); st.Ready || !strings.Contains(st.Error, "node") {
				t.Errorf("status %+v", st)
			}
			s.endpoint.Spoil(chaintest.Healthy)
			s.mustRound(poll)
			s.settle()
			s.wantNext(3)
			if opened != 4 {
				t.Errorf("the sink was opened %d times, want once per failed round and once more", opened)
			}
		})
	}
}

func TestLowBalance(t *testing.T) {
	s := newScene(t)
	s.config = func(_ *Config, x *Chain) { x.LowBalance = *uint256.NewInt(500) }
	s.restart()
	s.external.SetBalance(payer, 499)
	s.mustRound(poll)
	if st := s.status(); st.Ready || !st.Low || st.Balance.Uint64() != 499 || !strings.Contains(s.logs.String(), "send it coins") {
		t.Errorf("status %+v", st)
	}
	s.external.SetBalance(payer, 500)
	s.mustRound(idleLook)
	if st := s.status(); !st.Ready || st.Low {
		t.Errorf("status %+v", st)
	}
}

func TestNotAttached(t *testing.T) {
	s := newScene(t)
	s.ledger.bridge.Domain = codec.Hash{}
	s.mustRound(poll)
	if st := s.status(); st.Attached || !strings.Contains(st.Doing, "attached") {
		t.Errorf("status %+v", st)
	}
}

func TestDryRun(t *testing.T) {
	s := newScene(t)
	s.config = func(c *Config, _ *Chain) { c.DryRun = true }
	s.restart()
	s.ledger.sealActions(2)
	s.mustRound(poll)
	s.wantPending(0)
	s.wantJobs(0)
	if st := s.status(); !strings.Contains(st.Doing, "dry run") {
		t.Errorf("status %+v", st)
	}
}

// When the store is lost, the pool and the bridge's counters are enough.
func TestLostStore(t *testing.T) {
	s := newScene(t)
	s.ledger.sealActions(3)
	s.mustRound(poll)
	batch := s.kv.NewBatch()
	for entry, err := range s.kv.Ascend(nil, nil) {
		if err != nil {
			t.Fatal(err)
		}
		batch.Delete(entry.Key)
	}
	if err := batch.Commit(context.Background(), store.Sync); err != nil {
		t.Fatal(err)
	}
	s.restart()
	s.mustRound(poll)
	for range 4 {
		s.external.Mine(1)
		s.mustRound(poll)
	}
	s.settle()
	s.wantNext(4)
	s.mustRound(poll)
	s.wantJobs(0)
	for id, n := range s.executions() {
		if n != 1 {
			t.Errorf("action %d ran %d times", id, n)
		}
	}
}

func TestDamagedStore(t *testing.T) {
	for record, want := range map[string]string{
		`{"serial":1,"surprise":true}`: "surprise",
		`{"serial":2}`:                 "number 2",
	} {
		s := newScene(t)
		s.ledger.sealActions(1)
		s.mustRound(poll)
		batch := s.carrier().kv.NewBatch()
		batch.Put(jobKey(1), []byte(record))
		if err := batch.Commit(context.Background(), store.Sync); err != nil {
			t.Fatal(err)
		}
		if _, err := New(s.s.config); !store.IsCorruption(err) || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want corruption that names %q", err, want)
		}
	}
}

func TestConfigNamesEveryFault(t *testing.T) {
	_, err := New(Config{Chains: map[string]Chain{"eip155:1": {Poll: -1, Pipeline: -1}}})
	if err == nil {
		t.Fatal("no error")
	}
	for _, part := range []string{"node", "store", "eip155:1: nothing opens", "negative time", "pipeline", "cap on the fee"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error lacks %q: %v", part, err)
		}
	}
}

// failingKV refuses every write.
type failingKV struct{ store.KV }

func (f failingKV) NewBatch() store.Batch { return failingBatch{f.KV.NewBatch()} }

type failingBatch struct{ store.Batch }

var errDisk = errors.New("the disk is full")

func (failingBatch) Commit(context.Context, store.Durability) error { return errDisk }

func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		s.config = func(c *Config, _ *Chain) { c.Now = time.Now }
		s.restart()
		ctx, stop := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- s.s.Run(ctx) }()
		s.ledger.sealActions(2)
		time.Sleep(3 * time.Second)
		synctest.Wait()
		s.wantPending(2)
		s.external.Mine(1)
		s.wantNext(3)
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// A submitter whose store fails ends: it must not go on from memory.
func TestRunEndsWhenTheStoreFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		s.config = func(c *Config, _ *Chain) { c.Now = time.Now }
		s.store = func(kv store.KV) store.KV { return failingKV{kv} }
		s.restart()
		s.ledger.sealActions(1)
		if err := s.s.Run(context.Background()); !errors.Is(err, errDisk) {
			t.Errorf("error %v", err)
		}
		s.wantPending(0)
	})
}
