package listener

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trinebridge/trine/appchain"
	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/bridgewatch"
	"github.com/trinebridge/trine/chain/chaintest"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/gossip/wire"
	"github.com/trinebridge/trine/ledger"
	"github.com/trinebridge/trine/signing"
)

const poll = bridgewatch.DefaultPoll

func TestAttestsTheNewestAndRepeatsWhileTheLedgerIsBehind(t *testing.T) {
	s := newScene(t)
	s.attached(0)
	s.external.Mine(3)
	s.mustRound(poll)
	s.wantAttested()
	s.deposits(3)
	s.mustRound(poll)
	s.wantAttested(3)
	s.mustRound(time.Second)
	s.wantAttested()
	s.mustRound(bridgewatch.DefaultRepeat)
	s.wantAttested(3)
	s.deposits(2)
	s.mustRound(poll)
	s.wantAttested(5)
	s.attached(5)
	s.mustRound(bridgewatch.DefaultRepeat)
	s.wantAttested()
	if st := s.status(); !st.Ready || !st.Attached || st.EventID != 5 || st.Ledger != 5 || st.Attested != 5 || !strings.Contains(st.Doing, "waits for event 6") {
		t.Errorf("status %+v", st)
	}
}

func TestCheckpointsWhileCatchingUp(t *testing.T) {
	s := newScene(t)
	s.attached(0)
	s.deposits(6*checkpoint + 10)
	s.mustRound(poll)
	s.wantAttested(256, 512, 768, 1024, 6*256+10)
	s.attached(300)
	s.mustRound(poll)
	s.wantAttested(1280)
	s.attached(1500)
	s.mustRound(poll)
	s.wantAttested(1536)
}

// says makes an attestation by another listener's key.
func (s *scene) says(member int, id uint64, head codec.Hash) []byte {
	s.Helper()
	a := wire.Attestation{Attestation: bridgecontracts.Attestation{Domain: s.external.Domain(), Generation: 1, EventID: id, Head: head}}
	var err error
	if a.Signature, err = s.keys[member].SignDigest(a.Digest()); err != nil {
		s.Fatal(err)
	}
	return codec.Marshal(&a)
}

func TestAnswersWhatOthersAttest(t *testing.T) {
	s := newScene(t)
	s.attached(0)
	s.deposits(10)
	s.mustRound(poll)
	s.wantAttested(10)
	ctx := context.Background()
	if v := s.listener.hear(ctx, "peer", s.says(1, 7, codec.Hash{1})); v != appchain.Accept {
		t.Fatalf("verdict %d", v)
	}
	s.listener.hear(ctx, "peer", s.says(2, 12, codec.Hash{2}))
	s.mustRound(0)
	s.wantAttested(7)
	s.wantLog("another listener attests another head", s.keys[1].Address().String())
	s.deposits(4)
	s.mustRound(poll)
	s.wantAttested(12, 14)
}

func TestHearRefuses(t *testing.T) {
	s := newScene(t)
	s.deposits(5)
	s.attached(0)
	s.mustRound(poll)
	s.attached(3)
	stranger := newKey(t)
	other := wire.Attestation{Attestation: bridgecontracts.Attestation{Domain: s.external.Domain(), Generation: 1, EventID: 4}}
	other.Signature, _ = stranger.SignDigest(other.Digest())
	cases := []struct {
		name    string
		message []byte
		want    appchain.Verdict
	}{
		{"garbage", []byte("garbage"), appchain.Reject},
		{"oversized", make([]byte, wire.MaxSmall+1), appchain.Reject},
		{"no signature", codec.Marshal(&wire.Attestation{Signature: signing.Signature{64: 9}}), appchain.Reject},
		{"a stranger", codec.Marshal(&other), appchain.Ignore},
		{"the ledger is past it", s.says(1, 3, codec.Hash{}), appchain.Ignore},
		{"good", s.says(1, 4, codec.Hash{}), appchain.Accept},
	}
	for _, c := range cases {
		if got := s.listener.hear(context.Background(), "peer", c.message); got != c.want {
			t.Errorf("%s: verdict %d, want %d", c.name, got, c.want)
		}
	}
}

// A listener that attests without end is remembered with its newest claims only.
func TestHeardIsBounded(t *testing.T) {
	h := heard{}
	noisy, quiet := signing.Address{1}, signing.Address{2}
	h.add(claim{quiet, 1, codec.Hash{}})
	for id := range uint64(10_000) {
		h.add(claim{noisy, id + 1, codec.Hash{}})
	}
	if n := len(h[noisy]); n != heardPerMember {
		t.Errorf("%d claims of one member are kept, want %d", n, heardPerMember)
	}
	if h.add(claim{noisy, 10_000, codec.Hash{}}) {
		t.Error("the same claim counts twice")
	}
	taken := h.take(0, 9_999)
	if len(taken) != heardPerMember || taken[0] != (claim{quiet, 1, codec.Hash{}}) || taken[1].id != 10_000-heardPerMember+1 {
		t.Errorf("took %d claims, the first ones %v", len(taken), taken[:2])
	}
	if len(h[quiet]) != 0 || len(h[noisy]) != 1 {
		t.Errorf("left: %v", h)
	}
}

func TestAttestsNothingWhileTheSourceIsUnwell(t *testing.T) {
	for _, fault := range []chaintest.Fault{chaintest.Down, chaintest.Garbage, chaintest.Throttled, chaintest.DropEvent} {
		t.Run(fault.String(), func(t *testing.T) {
			s := newScene(t)
			s.attached(0)
			s.deposits(2)
			s.mustRound(poll)
			s.wantAttested(2)
			s.deposits(3)
			s.endpoint.Spoil(fault)
			for range 3 {
				if err := s.round(bridgewatch.DefaultRepeat); err == nil {
					t.Fatal("no error")
				}
			}
			s.wantAttested()
			if st := s.status(); st.Ready || !strings.Contains(st.Error, "endpoint-one") {
				t.Errorf("status %+v; want one that names the endpoint", st)
			}
			s.wantLog("level=WARN", "endpoint-one")
			if n := strings.Count(s.logs.String(), "level=WARN"); n != 1 {
				t.Errorf("the same failure was logged %d times", n)
			}
			s.endpoint.Spoil(chaintest.Healthy)
			s.mustRound(poll)
			s.wantAttested(5)
			s.wantLog("can be read again")
			if st := s.status(); !st.Ready || st.Error != "" {
				t.Errorf("status %+v", st)
			}
		})
	}
}

func TestContradictionStopsTheBridge(t *testing.T) {
	s := newScene(t)
	s.attached(0)
	s.deposits(2)
	s.mustRound(poll)
	s.wantAttested(2)
	verified, _ := s.watcher().Reader.Verified()
	s.external.Fork(int(s.external.Tip().Number))
	s.deposits(1)
	s.external.Deposit(codec.LeftPad([]byte{0xbb}), codec.LeftPad([]byte{0xee}), 77)
	s.external.Mine(5)
	for range 2 {
		var contradiction *bridgewatch.Contradiction
		if err := s.round(bridgewatch.DefaultRepeat); !errors.As(err, &contradiction) || contradiction.EventID != 2 {
			t.Fatalf("error %v, want a contradiction at event 2", err)
		}
		s.wantAttested()
		s.restart()
	}
	s.wantLog("level=ERROR", "event=2", verified.Head.String())
}

// The guard refuses a second head even when the listener's own store is lost.
func TestNeverTwoHeadsForOneEvent(t *testing.T) {
	s := newScene(t)
	s.attached(0)
	s.deposits(1)
	s.mustRound(poll)
	s.wantAttested(1)
	batch := s.kv.NewBatch()
	for entry, err := range s.kv.Ascend([]byte("listener/"), []byte("listener0")) {
		if err != nil {
			t.Fatal(err)
		}
		batch.Delete(entry.Key)
	}
	if err := batch.Commit(context.Background(), 0); err != nil {
		t.Fatal(err)
	}
	s.external.Fork(int(s.external.Tip().Number))
	s.external.Deposit(codec.LeftPad([]byte{0xbb}), codec.LeftPad([]byte{0xee}), 5)
	s.external.Mine(3)
	s.restart()
	if err := s.round(poll); !errors.Is(err, signing.ErrDoubleSign) {
		t.Fatalf("error %v, want the guard's", err)
	}
	s.wantAttested()
	s.wantLog("level=ERROR", "attested another head before")
}

func TestALedgerThatDiffersIsNotBuiltOn(t *testing.T) {
	s := newScene(t)
	s.attached(0)
	s.deposits(3)
	s.mustRound(poll)
	s.attested()
	s.app.change(func() { s.app.bridges[0].EventID, s.app.bridges[0].Head = 2, codec.Hash{7} })
	if err := s.round(poll); err == nil || !strings.Contains(err.Error(), "event 2") || !strings.Contains(err.Error(), codec.Hash{7}.String()) {
		t.Fatalf("error %v, want one with event and head", err)
	}
	s.wantAttested()
}

func TestSignsNothing(t *testing.T) {
	cases := []struct {
		name string
		set  func(s *scene)
		want string
	}{
		{"hostile processor", func(s *scene) { s.app.compromised = true }, "hostile"},
		{"dry run", func(s *scene) { s.watcher().config.DryRun = true }, "dry run"},
	}
	for _, c := range cases {
		for _, attached := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, attached %v", c.name, attached), func(t *testing.T) {
				s := newScene(t)
				if attached {
					s.attached(0)
				}
				c.set(s)
				s.deposits(2)
				s.mustRound(bridgewatch.DefaultRepeat)
				if _, messages := s.net.take(); len(messages) > 0 {
					t.Errorf("%d messages went out", len(messages))
				}
				if st := s.status(); !strings.Contains(st.Doing, c.want) || st.EventID != 2 {
					t.Errorf("status %+v", st)
				}
			})
		}
	}
}

func TestVotesToAttach(t *testing.T) {
	s := newScene(t)
	s.deposits(2)
	s.mustRound(poll)
	topics, messages := s.net.take()
	if len(messages) != 1 || topics[0] != appchain.TopicApprovals {
		t.Fatalf("published on %v", topics)
	}
	var vote wire.Vote
	if err := codec.Unmarshal(messages[0], &vote, wire.MaxSmall); err != nil {
		t.Fatal(err)
	}
	if who, err := vote.Attach.Signature.RecoverAddress(vote.Attach.Digest(s.external.Genesis())); err != nil || who != s.keys[0].Address() {
		t.Errorf("signed by %s, %v", who, err)
	}
	s.mustRound(time.Second)
	if topics, _ := s.net.take(); len(topics) != 0 {
		t.Error("the vote was repeated too early")
	}
	s.mustRound(bridgewatch.DefaultRepeat)
	if topics, _ := s.net.take(); len(topics) != 1 {
		t.Error("the vote was not repeated")
	}
	s.attached(0)
	s.mustRound(bridgewatch.DefaultRepeat)
	s.wantAttested(2)
}

func TestRefusesAWrongBridge(t *testing.T) {
	s := newScene(t)
	access := s.watcher().Access
	access.CodeHash = codec.Hash{1}
	s.watcher().Access = access
	s.external.Mine(3)
	if err := s.round(poll); !errors.Is(err, bridgewatch.ErrNotTheBridge) {
		t.Fatalf("error %v", err)
	}
	named := "bridge " + s.listener.config.FormatAddress(s.external.ChainID(), s.external.Bridge()) + " on "
	if topics, _ := s.net.take(); len(topics) != 0 || !strings.Contains(s.status().Error, "code hash") || !strings.Contains(s.status().Error, named) {
		t.Errorf("published on %v; status %+v", topics, s.status())
	}
}

func TestAttachIsRemembered(t *testing.T) {
	s := newScene(t)
	ctx := context.Background()
	other := codec.Hash{31: 0xcc}
	if err := s.listener.Attach(ctx, s.external.ChainID(), other); err != nil {
		t.Fatal(err)
	}
	if err := s.listener.Attach(ctx, "nowhere:1", other); err == nil || !strings.Contains(err.Error(), "nowhere:1") {
		t.Errorf("a chain without endpoints: %v", err)
	}
	if err := s.listener.Attach(ctx, s.external.ChainID(), codec.Hash{}); err == nil {
		t.Error("the zero address was accepted")
	}
	s.restart()
	if n := len(s.listener.Status()); n != 2 {
		t.Errorf("%d bridges after a restart, want 2", n)
	}
}

func TestServesVerifiedEvents(t *testing.T) {
	s := newScene(t)
	s.attached(0)
	s.deposits(600)
	s.mustRound(poll)
	ask := func(r wire.EventsRequest) (wire.Events, error) {
		var events wire.Events
		answer, err := s.listener.serve(context.Background(), "peer", codec.Marshal(&r))
		if err == nil {
			err = codec.Unmarshal(answer, &events, wire.MaxEventsSize)
		}
		return events, err
	}
	domain := s.external.Domain()
	events, err := ask(wire.EventsRequest{Domain: domain, Generation: 1, From: 5, To: 590})
	if err != nil || len(events.Events) != ledger.MaxEvents || events.Events[0].ID != 5 {
		t.Fatalf("%d events, %v", len(events.Events), err)
	}
	head, _, _ := s.watcher().Reader.HeadAt(4)
	for i := range events.Events {
		head = bridgecontracts.NextHead(head, &events.Events[i])
	}
	if want, _, _ := s.watcher().Reader.HeadAt(4 + ledger.MaxEvents); head != want {
		t.Errorf("the served events lead to %s, want %s", head, want)
	}
	if events, err := ask(wire.EventsRequest{Domain: domain, Generation: 1, From: 601, To: 700}); err != nil || len(events.Events) != 0 {
		t.Errorf("beyond what is verified: %d events, %v", len(events.Events), err)
	}
	for name, r := range map[string]wire.EventsRequest{
		"another bridge":     {Domain: codec.Hash{1}, Generation: 1, From: 1, To: 2},
		"another generation": {Domain: domain, Generation: 2, From: 1, To: 2},
		"from zero":          {Domain: domain, Generation: 1, From: 0, To: 2},
		"backwards":          {Domain: domain, Generation: 1, From: 3, To: 2},
	} {
		if _, err := ask(r); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := s.listener.serve(context.Background(), "peer", []byte{1}); err == nil {
		t.Error("garbage: no error")
	}
	if tx, ok := s.listener.ChainTx(domain, 7); !ok || tx == "" {
		t.Errorf("the transaction of event 7 is %q, %v", tx, ok)
	}
}

func TestVoteControl(t *testing.T) {
	s := newScene(t)
	s.attached(0)
	s.app.change(func() { s.app.bridges[0].Epoch = 1 })
	domain := s.external.Domain()
	control := bridgecontracts.Control{Sequence: 1, Body: &bridgecontracts.SetLimit{Token: codec.Hash{2}, Window: 61}}
	refused := errors.New("no whole minutes")
	s.app.change(func() { s.app.refuses = refused })
	if _, err := s.listener.VoteControl(context.Background(), domain, control); !errors.Is(err, refused) {
		t.Errorf("a vote that the ledger refuses: %v", err)
	}
	s.app.change(func() { s.app.refuses = nil })
	control.Body = &bridgecontracts.SetLimit{Token: codec.Hash{1}, Window: 60} // and nothing was signed in its place
	if _, err := s.listener.VoteControl(context.Background(), domain, control); err != nil {
		t.Fatal(err)
	}
	tx := s.submitted[0]
	if _, err := ledger.CheckTx(s.external.Genesis(), tx); err != nil || tx.Nonce != 5 {
		t.Errorf("transaction with nonce %d: %v", tx.Nonce, err)
	}
	vote := tx.Messages[0].Body.(*ledger.VoteControl)
	if who, err := vote.Signature.RecoverAddress(control.Digest(domain, 1)); err != nil || who != s.keys[0].Address() {
		t.Errorf("vote by %s, %v", who, err)
	}
	control.Body = &bridgecontracts.SetLimit{Token: codec.Hash{2}, Window: 60}
	if _, err := s.listener.VoteControl(context.Background(), domain, control); !errors.Is(err, signing.ErrDoubleSign) || !strings.Contains(err.Error(), "cannot be taken back") {
		t.Errorf("a second limit with the same version: %v", err)
	}
	if _, err := s.listener.VoteControl(context.Background(), codec.Hash{5}, control); err == nil {
		t.Error("a bridge that is not attached: no error")
	}
	s.app.compromised = true
	if _, err := s.listener.VoteControl(context.Background(), domain, control); err == nil {
		t.Error("hostile processor: no error")
	}
}

func TestConfigNamesEveryFault(t *testing.T) {
	_, err := New(Config{Member: bridgewatch.Member{Repeat: -1, Intents: []bridgewatch.Intent{{Chain: "x"}}, Chains: map[string]bridgewatch.Access{"eip155:1": {}}}})
	if err == nil {
		t.Fatal("no error")
	}
	for _, part := range []string{"genesis hash", "addresses", "signer", "node", "state", "network", "acknowledgements", "store", "repeat", "eip155:1: nothing opens", "eip155:1: the bridge's code hash", `chain "x"`, "address is zero"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error lacks %q: %v", part, err)
		}
	}
}

// The whole of it on a fake clock: a bridge is attached while it runs, goes bad, and heals.
func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		config := s.config()
		config.Now, config.Intents = time.Now, nil
		l, err := New(config)
		if err != nil {
			t.Fatal(err)
		}
		s.listener = l
		ctx, stop := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- l.Run(ctx) }()
		s.deposits(2)
		s.attached(0)
		time.Sleep(2 * poll)
		synctest.Wait()
		if ids := s.attested(); !slices.Equal(ids, []uint64{2}) {
			t.Errorf("attested %v, want event 2", ids)
		}
		s.net.mu.Lock()
		hear := s.net.hear
		s.net.mu.Unlock()
		hear(ctx, "peer", s.says(1, 1, codec.Hash{1}))
		time.Sleep(2 * bridgewatch.Breath)
		synctest.Wait()
		if ids := s.attested(); !slices.Equal(ids, []uint64{1}) {
			t.Errorf("attested %v, want event 1, at once", ids)
		}
		s.endpoint.Spoil(chaintest.Down)
		time.Sleep(2 * poll)
		synctest.Wait()
		if st := l.Status()[0]; st.Ready {
			t.Errorf("status %+v", st)
		}
		s.endpoint.Spoil(chaintest.Healthy)
		time.Sleep(2 * poll)
		synctest.Wait()
		if st := l.Status()[0]; !st.Ready {
			t.Errorf("status %+v", st)
		}
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
