package approver

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/bridgewatch"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/chain/chaintest"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/gossip/wire"
	"github.com/trinebridge/trine/ledger"
	"github.com/trinebridge/trine/signing"
)

func TestApprovesWhatIsRight(t *testing.T) {
	s := newScene(t)
	s.pending()
	s.round(0)
	s.wantApproved(1)
	s.round(time.Second)
	s.wantApproved()
	s.round(bridgewatch.DefaultRepeat)
	s.wantApproved(1)
	s.withdraw(home, usd, 50)
	s.withdraw(home, usd, 60)
	s.round(time.Second)
	s.wantApproved(2, 3)
	s.restart()
	s.round(0)
	s.wantApproved(1, 2, 3)
	if st := s.approver.Status(); !st.Ready || len(st.Actions) != 3 || st.Actions[0].State != Approved || st.Doing != "nothing waits for this approver" {
		t.Errorf("status %+v", st)
	}
}

// spoiledView is a node that tells its approver something else about one action or bridge.
type spoiledView struct {
	ledger.View
	action func(*ledger.ActionRecord)
	bridge func(*ledger.Bridge)
}

func (v spoiledView) Action(domain bridgecontracts.Domain, id uint64) (ledger.ActionRecord, bool, error) {
	rec, ok, err := v.View.Action(domain, id)
	if ok && v.action != nil {
		v.action(&rec)
	}
	return rec, ok, err
}

func (v spoiledView) Bridges() ([]ledger.Bridge, error) {
	bridges, err := v.View.Bridges()
	if v.bridge != nil {
		v.bridge(&bridges[0])
	}
	return bridges, err
}

func (s *scene) spoilAction(spoil func(*ledger.ActionRecord)) {
	s.view = func(v ledger.View) View { return spoiledView{View: v, action: spoil} }
}

func (s *scene) spoilBridge(spoil func(*ledger.Bridge)) {
	s.view = func(v ledger.View) View { return spoiledView{View: v, bridge: spoil} }
}

// poorSource shows a bridge that holds less than it should.
type poorSource struct{ chain.Source }

func (p poorSource) Snapshot(ctx context.Context, at chain.Block, tokens []codec.Hash) (chain.Snapshot, error) {
	snapshot, err := p.Source.Snapshot(ctx, at, tokens)
	for i := range snapshot.Tokens {
		snapshot.Tokens[i].Held = *uint256.NewInt(98)
	}
	return snapshot, err
}

type brokenSigner struct{ bridgewatch.Signer }

func (brokenSigner) Sign(context.Context, signing.Statement) (signing.Signature, error) {
	return signing.Signature{}, errors.New("the vault is sealed")
}

func (s *scene) limit(amount uint64) {
	s.config = func(c *Config) {
		c.Limits = []Limit{{Chain: home, Asset: usd, Amount: *uint256.NewInt(amount), Window: time.Hour}}
	}
}

// transfersOf returns the body of an action that pays out.
func transfersOf(rec *ledger.ActionRecord) []bridgecontracts.Transfer {
	body := *rec.Action.Body.(*bridgecontracts.Transfers)
	body.Transfers = slices.Clone(body.Transfers)
	rec.Action.Body = &body
	return body.Transfers
}

// What made an action wait ends, and the action is signed without anybody's help.
func TestWaitsEnd(t *testing.T) {
	s := newScene(t)
	s.pending()
	s.acks.height = 0
	s.endpoints[home].Spoil(chaintest.Down)
	s.round(0)
	s.wantReason(Waiting, WaitAcknowledged)
	s.acks.height = 100
	s.round(0)
	s.wantReason(Waiting, WaitEndpoints)
	s.endpoints[home].Spoil(chaintest.Healthy)
	s.round(0)
	s.wantApproved(1)
}

func TestOutflowLimit(t *testing.T) {
	s := newScene(t)
	s.limit(250)
	s.restart()
	s.pending() // 99 units
	s.round(0)
	s.wantApproved(1)
	s.now = s.now.Add(10 * time.Minute)
	s.withdraw(home, usd, 101)
	s.round(0)
	s.wantApproved(1, 2) // the first again
	s.withdraw(home, usd, 100)
	first := s.now.Add(50 * time.Minute)
	s.round(0)
	s.wantReason(Waiting, WaitLimit, "99 units of USD", "199 are signed", "250", first.UTC().Format(time.RFC3339))
	s.restart() // the counters survive
	s.round(0)
	if ids := s.approvals(); !slices.Equal(ids, []uint64{1, 2}) {
		t.Fatalf("approved %v; what was signed before stays signed, and the third waits", ids)
	}
	s.round(50 * time.Minute)
	if ids := s.approvals(); !slices.Contains(ids, 3) {
		t.Fatalf("approved %v; the first one has left the window", ids)
	}
}

// What was signed while there was no limit counts for the one that is set later.
func TestOutflowIsCountedWithoutALimit(t *testing.T) {
	s := newScene(t)
	s.pending() // 99 units
	s.round(0)
	s.wantApproved(1)
	s.limit(150)
	s.restart()
	s.withdraw(home, usd, 100)
	s.round(time.Minute)
	if ids := s.approvals(); !slices.Equal(ids, []uint64{1}) {
		t.Fatalf("approved %v; the second is above the new limit together with the first", ids)
	}
	s.wantReason(Waiting, WaitLimit, "99 units of USD", "99 are signed", "150")
}

// An action counts once, with the most that any of its revisions pays.
func TestOutflowCountsAnActionOnce(t *testing.T) {
	s := newScene(t)
	limits := []Limit{{Chain: home, Asset: usd, Amount: *uint256.NewInt(100), Window: time.Hour}}
	o, err := openOutflow(s.kv, limits)
	if err != nil {
		t.Fatal(err)
	}
	ctx, k, second := context.Background(), outflowKey{codec.Hash{1}, 1}, outflowKey{codec.Hash{1}, 2}
	pays := func(units uint64) []ledger.Balance {
		return []ledger.Balance{{Asset: usd, Amount: *uint256.NewInt(units)}}
	}
	count := func(k outflowKey, revision, units uint64) {
		t.Helper()
		if err := o.count(ctx, s.now, k, outflowEntry{Chain: home, Epoch: 1, Revision: revision, At: uint64(s.now.UnixMilli()), Amounts: pays(units)}); err != nil { // a fixed date
			t.Fatal(err)
		}
	}
	count(k, 1, 60)
	count(k, 1, 60)
	count(k, 2, 0)
	if e := o.check(s.now, k, home, pays(80)); e != nil {
		t.Errorf("its own outflow counts against it: %+v", e)
	}
	if e := o.check(s.now, second, home, pays(41)); e == nil || e.signed.Uint64() != 60 {
		t.Errorf("excess %+v, want one over 60 signed", e)
	}
	if e := o.check(s.now, second, home, pays(40)); e != nil {
		t.Errorf("40 fit: %+v", e)
	}
	if e := o.check(s.now, second, other, pays(4000)); e != nil {
		t.Errorf("another chain has no limit: %+v", e)
	}
	if e := o.check(s.now.Add(time.Hour), second, home, pays(100)); e != nil {
		t.Errorf("after the window: %+v", e)
	}
	s.now = s.now.Add(remembered)
	count(second, 1, 10)
	if len(o.entries) != 2 {
		t.Errorf("%d entries, want a day remembered", len(o.entries))
	}
	s.now = s.now.Add(time.Second)
	count(second, 2, 10)
	if len(o.entries) != 1 {
		t.Errorf("%d entries, want the old one forgotten", len(o.entries))
	}
	again, err := openOutflow(s.kv, limits)
	if err != nil || len(again.entries) != 1 {
		t.Errorf("%d entries after a restart, %v", len(again.entries), err)
	}
}

// A limit that makes an action impossible has it replaced by one that does nothing.
func TestApprovesANoop(t *testing.T) {
	s := newScene(t)
	s.pending()
	s.chains[home].Emit(&bridgecontracts.LimitSet{Sequence: 1, Token: usdToken, Capacity: *uint256.NewInt(50), Window: 60})
	s.chains[home].Mine(3)
	s.attest(home)
	if rec, _, _ := s.ledgerView().Action(s.chains[home].Domain(), 1); rec.Revision != 2 {
		t.Fatalf("revision %d, want the ledger to have replaced the action", rec.Revision)
	}
	s.round(0)
	s.wantApproved(1)
}

func TestVotesToAttach(t *testing.T) {
	s := newScene(t)
	third := chaintest.New(chaintest.Config{ChainID: "chaintest:3", Genesis: s.ledger.GenesisHash(), Set: s.set})
	third.Mine(3)
	s.endpoints["chaintest:3"] = third.Endpoint("own-3")
	s.restart()
	if err := s.approver.Attach(context.Background(), "chaintest:3", third.Bridge()); err != nil {
		t.Fatal(err)
	}
	s.restart() // the intent survives
	s.round(0)
	if len(s.published) != 1 {
		t.Fatalf("%d messages, want one vote; status %+v", len(s.published), s.approver.Status())
	}
	var vote wire.Vote
	if err := codec.Unmarshal(s.published[0], &vote, wire.MaxSmall); err != nil || vote.Attach == nil {
		t.Fatal(err)
	}
	if who, err := vote.Attach.Signature.RecoverAddress(vote.Attach.Digest(s.ledger.GenesisHash())); err != nil || who != s.approvers[0].Address() || vote.Attach.Sequence != 3 {
		t.Errorf("vote with sequence %d by %s, %v", vote.Attach.Sequence, who, err)
	}
	if err := s.approver.Attach(context.Background(), "nowhere:1", codec.Hash{1}); err == nil {
		t.Error("a chain without endpoints was accepted")
	}
	if err := s.approver.Attach(context.Background(), home, codec.Hash{1}); err == nil || !strings.Contains(err.Error(), "has bridge") {
		t.Errorf("a second bridge on a chain: %v", err)
	}
}

// A pause works by one signature, and the bridge takes it.
func TestPause(t *testing.T) {
	s := newScene(t)
	s.round(0)
	ctx, domain := context.Background(), s.chains[home].Domain()
	for name, spoil := range map[string]func(){"at ease": func() {}, "hostile processor": func() { s.compromised = true }} {
		spoil()
		d, err := s.approver.Pause(ctx, domain)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		sink := s.chains[home].Endpoint("anyone").Sink("payer")
		caps := chain.Caps{MaxFeePerGas: *uint256.NewInt(1e9), MaxTip: *uint256.NewInt(1e9)}
		if _, err := sink.Build(ctx, chain.BuildRequest{Delivery: &d, Caps: caps}); err != nil {
			t.Fatalf("%s: the bridge refuses the pause: %v", name, err)
		}
	}
	s.chains[home].Emit(&bridgecontracts.Paused{Sequence: 1})
	s.chains[home].Mine(3)
	s.look() // the ledger has not heard of it, the approver has
	if _, err := s.approver.Pause(ctx, domain); err == nil || !strings.Contains(err.Error(), "paused already") {
		t.Errorf("a second pause: %v", err)
	}
	if _, err := s.approver.Pause(ctx, codec.Hash{1}); err == nil {
		t.Error("an unknown bridge: no error")
	}
	s.config = func(c *Config) { c.DryRun = true }
	s.restart()
	if _, err := s.approver.Pause(ctx, domain); err == nil {
		t.Error("dry run: no error")
	}
}

func TestVoteControl(t *testing.T) {
	s := newScene(t)
	ctx, domain := context.Background(), s.chains[home].Domain()
	// What can never count takes nothing away from the vote that can.
	control := bridgecontracts.Control{Sequence: 1, Body: &bridgecontracts.SetLimit{Token: usdToken, Capacity: *uint256.NewInt(5), Window: 61}}
	var refused *ledger.Rejection
	if _, err := s.approver.VoteControl(ctx, domain, control); !errors.As(err, &refused) || refused.Code != ledger.CodeAmount {
		t.Errorf("a window of 61 seconds: %v", err)
	}
	control.Body = &bridgecontracts.SetLimit{Token: usdToken, Capacity: *uint256.NewInt(5), Window: 60}
	if _, err := s.approver.VoteControl(ctx, domain, control); err != nil {
		t.Fatal(err)
	}
	vote := s.submitted[0].Messages[0].Body.(*ledger.VoteControl)
	s.apply(s.approvers[0], vote) // the ledger takes it
	if rec, ok, err := s.ledgerView().Control(domain, bridgecontracts.KindSetLimit, 1); err != nil || !ok || len(rec.Votes) != 1 {
		t.Fatalf("control %+v, %v, %v", rec, ok, err)
	}
	if _, err := s.approver.VoteControl(ctx, domain, control); !errors.As(err, &refused) || refused.Code != ledger.CodeStale {
		t.Errorf("the same vote again: %v", err)
	}
	if _, err := s.approver.VoteControl(ctx, codec.Hash{1}, control); err == nil {
		t.Error("an unknown bridge: no error")
	}
	s.compromised = true
	if _, err := s.approver.VoteControl(ctx, domain, control); err == nil {
		t.Error("hostile processor: no error")
	}
}

func TestConfigNamesEveryFault(t *testing.T) {
	_, err := New(Config{
		Member: bridgewatch.Member{Repeat: -1, Intents: []bridgewatch.Intent{{Chain: "x"}}, Chains: map[string]bridgewatch.Access{"eip155:1": {}}},
		Assets: []ledger.Asset{{Symbol: "USD"}}, Limits: []Limit{{Asset: 4}, {Asset: 1, Chain: "eip155:9"}},
	})
	if err == nil {
		t.Fatal("no error")
	}
	for _, part := range []string{
		"genesis hash", "signer", "node", "acknowledgements", "network", "submits", "store", "repeat", "eip155:1: nothing opens",
		"eip155:1: the bridge's code hash", `chain "x"`, "address is zero", "asset 4", `chain "eip155:9"`, "window is 0s",
	} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error lacks %q: %v", part, err)
		}
	}
}

func TestDamagedOutflowIsNoticed(t *testing.T) {
	s := newScene(t)
	batch := s.kv.NewBatch()
	batch.Put(append([]byte("approver/outflow/"), bytes.Repeat([]byte{1}, 40)...), []byte("spoiled"))
	if err := batch.Commit(context.Background(), 0); err != nil {
		t.Fatal(err)
	}
	if _, err := New(s.approver.config); err == nil {
		t.Error("no error")
	}
}

// The whole of it on a fake clock.
func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		s.pending()
		s.config = func(c *Config) { c.Now = time.Now }
		s.restart()
		ctx, stop := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- s.approver.Run(ctx) }()
		time.Sleep(time.Second)
		synctest.Wait()
		s.wantApproved(1)
		time.Sleep(bridgewatch.DefaultRepeat + time.Second)
		synctest.Wait()
		s.wantApproved(1)
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
