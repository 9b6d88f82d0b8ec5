package solana

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	contract "github.com/trinebridge/trine/bridgecontracts/solana"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/internal/rpctest"
)

// fate is what becomes of a transaction that a node has taken.
type fate int

const (
	arrives  fate = iota
	isLost        // although the node said that it took it
	waits         // likewise, until it is let go
	unspoken      // it arrives, and the connection breaks before the answer
)

// post is the way of transactions from a sink to the chain.
type post struct {
	proxy *rpctest.Proxy

	mu   sync.Mutex
	fate fate
	held [][]byte
}

func newPost(s *scene, f fate) *post {
	p := &post{proxy: rpctest.Start(s.t, s.endpoint()), fate: f}
	p.proxy.Handle(p.handle)
	return p
}

func (p *post) set(f fate) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fate = f
}

func (p *post) handle(x *rpctest.Exchange) {
	p.mu.Lock()
	f := p.fate
	p.mu.Unlock()
	if x.Method != "sendTransaction" || f == arrives {
		x.Pass()
		return
	}
	if f == unspoken {
		_, _ = x.Forward() // whatever it says, nobody hears it
		x.Drop()
	}
	var text string
	raw, err := []byte(nil), json.Unmarshal(x.Params[0], &text)
	if err == nil {
		raw, err = base64.StdEncoding.DecodeString(text)
	}
	if err != nil {
		x.Reply(rpctest.Response{Error: &rpctest.Error{Code: -32602, Message: err.Error()}})
		return
	}
	p.mu.Lock()
	p.held = append(p.held, raw)
	p.mu.Unlock()
	x.Reply(rpctest.Response{Result: json.RawMessage(fmt.Sprintf("%q", transactionID(raw)))})
}

// letGo takes out what waits.
func (p *post) letGo() (list [][]byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	list, p.held = p.held, nil
	return list
}

// settles waits until the bridge itself says, at finality, that it is past a delivery.
func (s *scene) settles(sink *Sink, d *chain.Delivery) {
	s.t.Helper()
	s.until("settle", func(ctx context.Context) (bool, error) {
		o, err := sink.Outcome(ctx, d, chain.Finality{})
		return err == nil && o.Done && o.Final, err
	})
}

// phase waits until attempts are in a phase, and returns what is known then.
func (s *scene) phase(sink *Sink, want chain.Phase, attempts ...chain.Attempt) (st chain.Status) {
	s.t.Helper()
	s.until("reach phase "+fmt.Sprint(want), func(ctx context.Context) (bool, error) {
		var err error
		st, _, err = sink.Status(ctx, attempts, chain.Finality{})
		return err == nil && st.Phase == want, err
	})
	return st
}

func (s *scene) notYet(sink *Sink, d *chain.Delivery) {
	s.t.Helper()
	if o, err := sink.Outcome(s.t.Context(), d, chain.Finality{}); err != nil || o.Done || o.Final {
		s.t.Fatalf("the outcome of what has not landed is %+v, %v", o, err)
	}
}

// A node takes a transaction, and it is never seen again. While it can land it is not replaced, however often that is
// asked; once its last block height has passed, it is made anew, and the old one is refused for ever.
func TestStoryTransactionThatNeverLands(t *testing.T) {
	s := newScene(t, 3, 3)
	network := newPost(s, isLost)
	sink := s.openedAt(network.proxy.URL(), "payer")
	_, to := s.person(0)
	list := []payment{paid(nil, to, 1_000_000)}
	d := s.transfers(list...)
	check := s.expect(list...)

	first := s.attempt(sink, chain.BuildRequest{Delivery: d})
	s.ok(sink.Broadcast(t.Context(), first))
	s.phase(sink, chain.PhasePending, first)
	s.phase(sink, chain.PhaseUnknown, first)
	e, err := extraOf(&first)
	s.ok(err)
	asked := 0
	s.until("expire", func(ctx context.Context) (bool, error) {
		_, expired, err := sink.Status(ctx, []chain.Attempt{first}, chain.Finality{})
		if err != nil || expired {
			return expired, err
		}
		_, refusal := sink.Build(ctx, chain.BuildRequest{Delivery: d, Replaces: &first, Caps: s.Caps()})
		_, height, err := s.node.height(ctx)
		if err == nil && height <= e.LastValid { // so it was not above that when the replacement was asked for
			asked++
			if refusal == nil || chain.VerdictOf(refusal) != chain.Retry {
				t.Errorf("at block height %d of %d a replacement is answered by %v", height, e.LastValid, refusal)
			}
			s.ok(sink.Broadcast(ctx, first)) // sent again, as it is
		}
		return false, err
	})
	if _, height, err := s.node.height(t.Context()); err != nil || height <= e.LastValid || asked == 0 {
		t.Fatalf("expired at block height %d of %d (%v), asked %d times", height, e.LastValid, err, asked)
	}
	s.notYet(sink, d)
	if err := sink.Broadcast(t.Context(), first); err == nil || chain.VerdictOf(err) != chain.Rebuild {
		t.Errorf("sending what has expired: %v", err)
	}

	network.set(arrives)
	second := s.attempt(sink, chain.BuildRequest{Delivery: d, Replaces: &first})
	if second.ID == first.ID {
		t.Fatal("the replacement is the same transaction")
	}
	s.ok(sink.Broadcast(t.Context(), second))
	if st := s.phase(sink, chain.PhaseFinal, first, second); st.Attempt != 1 || st.Failed {
		t.Errorf("the second attempt landed; status %+v", st)
	}
	s.settles(sink, d)
	for _, raw := range network.letGo() { // those that were lost come after all
		if err := s.node.send(t.Context(), raw); err == nil || !strings.Contains(strings.ToLower(err.Error()), "blockhash") {
			t.Errorf("the expired transaction is answered by %v", err)
		}
	}
	s.executed(d, second.ID, list...)
	check()
	s.goesOn()
}

// A transaction that is long held for lost lands in time: nobody made another one, and it counts.
func TestStoryTransactionThatLandsLate(t *testing.T) {
	s := newScene(t, 3, 3)
	network := newPost(s, waits)
	sink := s.openedAt(network.proxy.URL(), "payer")
	_, to := s.person(0)
	list := []payment{paid(nil, to, 1_000_000)}
	d := s.transfers(list...)
	check := s.expect(list...)

	a := s.attempt(sink, chain.BuildRequest{Delivery: d})
	s.ok(sink.Broadcast(t.Context(), a))
	s.phase(sink, chain.PhaseUnknown, a) // for some blocks it counts as waiting
	s.notYet(sink, d)
	s.ok(sink.Broadcast(t.Context(), a))
	network.set(arrives)
	copies := network.letGo()
	if len(copies) != 2 || string(copies[0]) != string(copies[1]) {
		t.Fatalf("%d transactions were sent, want the same one twice", len(copies))
	}
	s.land(copies[0])
	s.hurl(copies[1])
	if st := s.phase(sink, chain.PhaseFinal, a); st.Attempt != 0 || st.Failed {
		t.Errorf("status %+v", st)
	}
	s.settles(sink, d)
	s.executed(d, a.ID, list...)
	check()
	if _, err := sink.Build(t.Context(), chain.BuildRequest{Delivery: d, Caps: s.Caps()}); chain.VerdictOf(err) != chain.Done {
		t.Errorf("building what is done: %v", err)
	}
	s.goesOn()
}

// The same bytes reach the chain again and again, before and after they land, and once nobody hears that they did.
func TestStoryTransactionThatIsSentTwice(t *testing.T) {
	s := newScene(t, 3, 3)
	network := newPost(s, unspoken)
	sink := s.openedAt(network.proxy.URL(), "payer")
	_, to := s.person(0)
	for range 2 {
		list := []payment{paid(nil, to, 1_000_000)}
		d := s.transfers(list...)
		check := s.expect(list...)
		network.set(unspoken)
		a := s.attempt(sink, chain.BuildRequest{Delivery: d})
		raw, err := unpack(&a)
		s.ok(err)
		if err := sink.Broadcast(t.Context(), a); chain.VerdictOf(err) != chain.Retry {
			t.Errorf("a broken connection: %v", err)
		}
		network.set(arrives)
		var wait sync.WaitGroup
		for range 5 {
			wait.Go(func() {
				if err := sink.Broadcast(t.Context(), a); err != nil {
					t.Errorf("sending it again: %v", err)
				}
			})
		}
		wait.Wait()
		s.hurl(raw[0])
		if st := s.phase(sink, chain.PhaseFinal, a); st.Failed {
			t.Errorf("status %+v", st)
		}
		s.hurl(raw[0])
		s.ok(sink.Broadcast(t.Context(), a)) // known already, no error
		s.settles(sink, d)
		s.executed(d, a.ID, list...)
		check()
	}
	s.goesOn()
}

// Two submitters race for the same action with transactions of their own, which both land: one is
// executed, the other fails and costs its fee. Both see the outcome, and either may go on.
func TestStoryTwoPayersRace(t *testing.T) {
	s := newScene(t, 3, 3)
	network := newPost(s, waits)
	sinks := []*Sink{s.openedAt(network.proxy.URL(), "payer"), s.openedAt(network.proxy.URL(), "rival")}
	_, to := s.person(0)
	for round := range 2 {
		list := []payment{paid(nil, to, 1_000_000)}
		d := s.transfers(list...)
		check := s.expect(list...)
		attempts := make([]chain.Attempt, len(sinks))
		for i, sink := range sinks {
			attempts[i] = s.attempt(sink, chain.BuildRequest{Delivery: d})
			s.ok(sink.Broadcast(t.Context(), attempts[i]))
		}
		for _, raw := range network.letGo() {
			s.hurl(raw)
		}
		winner, losers := -1, 0
		for i, sink := range sinks {
			st := s.phase(sink, chain.PhaseFinal, attempts[i])
			switch {
			case !st.Failed:
				winner = i
			case strings.Contains(st.Reason, contract.FaultWrongActionId.String()):
				losers++
			default:
				t.Errorf("round %d: payer %d failed by %s", round, i, st.Reason)
			}
			s.settles(sink, d)
		}
		if winner < 0 || losers != 1 {
			t.Fatalf("round %d: payer %d won, %d lost", round, winner, losers)
		}
		s.executed(d, attempts[winner].ID, list...)
		check()
		loser := 1 - winner
		if _, err := sinks[loser].Build(t.Context(), chain.BuildRequest{Delivery: d, Caps: s.Caps()}); chain.VerdictOf(err) != chain.Done {
			t.Errorf("round %d: the loser builds: %v", round, err)
		}
	}
	network.set(arrives)
	s.sink = sinks[1]
	s.goesOn()
}
