package solana

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
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
	raw, err := rawOf(x)
	if err != nil {
		x.Reply(rpctest.Response{Error: &rpctest.Error{Code: -32602, Message: err.Error()}})
		return
	}
	p.mu.Lock()
	p.held = append(p.held, raw)
	p.mu.Unlock()
	x.Reply(rpctest.Response{Result: json.RawMessage(fmt.Sprintf("%q", transactionID(raw)))})
}

// rawOf is the transaction that a request hands in.
func rawOf(x *rpctest.Exchange) ([]byte, error) {
	var text string
	if err := json.Unmarshal(x.Params[0], &text); err != nil {
		return nil, err
	}
	return base64.StdEncoding.DecodeString(text)
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

// phase waits until attempts are in a phase; false: on a slow machine they have expired before.
func (s *scene) phase(sink *Sink, want chain.Phase, attempts ...chain.Attempt) (st chain.Status, ok bool) {
	s.t.Helper()
	s.until("reach phase "+fmt.Sprint(want), func(ctx context.Context) (bool, error) {
		var expired bool
		var err error
		st, expired, err = sink.Status(ctx, attempts, chain.Finality{})
		ok = st.Phase == want && !expired
		return err == nil && (ok || expired), err
	})
	return st, ok
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
	if st, _, err := sink.Status(t.Context(), []chain.Attempt{first}, chain.Finality{}); err != nil || st.Phase != chain.PhasePending {
		t.Errorf("what the node took a moment ago: status %+v, %v", st, err)
	}
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
	attempts := []chain.Attempt{first}
	for landed := false; !landed; {
		newest := &attempts[len(attempts)-1]
		a := s.attempt(sink, chain.BuildRequest{Delivery: d, Replaces: newest})
		if a.ID == newest.ID {
			t.Fatal("the replacement is the same transaction")
		}
		attempts = append(attempts, a)
		s.ok(sink.Broadcast(t.Context(), a))
		var st chain.Status
		if st, landed = s.phase(sink, chain.PhaseFinal, attempts...); landed && (st.Attempt != len(attempts)-1 || st.Failed) {
			t.Errorf("attempt %d landed; status %+v", len(attempts)-1, st)
		}
	}
	s.settles(sink, d)
	for _, raw := range network.letGo() { // those that were lost come after all
		if err := s.node.send(t.Context(), raw); err == nil || !strings.Contains(strings.ToLower(err.Error()), "blockhash") {
			t.Errorf("the expired transaction is answered by %v", err)
		}
	}
	s.executed(d, attempts[len(attempts)-1].ID, list...)
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

	var a chain.Attempt
	for landed := false; !landed; {
		network.set(waits)
		a = s.attempt(sink, chain.BuildRequest{Delivery: d})
		s.ok(sink.Broadcast(t.Context(), a))
		_, inTime := s.phase(sink, chain.PhaseUnknown, a) // for some blocks it counts as waiting
		s.notYet(sink, d)
		err := sink.Broadcast(t.Context(), a)
		network.set(arrives)
		copies := network.letGo()
		if !inTime || chain.VerdictOf(err) == chain.Rebuild && err != nil {
			continue // this machine is too slow to be late and still in time
		}
		s.ok(err)
		if len(copies) != 2 || string(copies[0]) != string(copies[1]) {
			t.Fatalf("%d transactions were sent, want the same one twice", len(copies))
		}
		for _, raw := range copies {
			s.ok(s.hurl(t.Context(), raw))
		}
		var st chain.Status
		if st, landed = s.phase(sink, chain.PhaseFinal, a); landed && (st.Attempt != 0 || st.Failed) {
			t.Errorf("status %+v", st)
		}
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
		var a chain.Attempt
		for landed := false; !landed; {
			a = s.attempt(sink, chain.BuildRequest{Delivery: d})
			landed = s.often(sink, network, a)
		}
		s.settles(sink, d)
		s.executed(d, a.ID, list...)
		check()
	}
	s.goesOn()
}

// often sends an attempt in every way there is; false: on a slow machine it has expired before it landed.
func (s *scene) often(sink *Sink, network *post, a chain.Attempt) bool {
	s.t.Helper()
	raw, err := unpack(&a)
	s.ok(err)
	network.set(unspoken)
	if err := sink.Broadcast(s.t.Context(), a); chain.VerdictOf(err) != chain.Retry {
		s.t.Errorf("a broken connection: %v", err)
	}
	network.set(arrives)
	var wait sync.WaitGroup
	faults := make([]error, 5)
	for i := range faults {
		wait.Go(func() { faults[i] = sink.Broadcast(s.t.Context(), a) })
	}
	wait.Wait()
	s.ok(s.hurl(s.t.Context(), raw[0]))
	st, ok := s.phase(sink, chain.PhaseFinal, a)
	if !ok {
		return false
	}
	if err := errors.Join(faults...); err != nil || st.Failed {
		s.t.Errorf("sending it again: %v; status %+v", err, st)
	}
	s.ok(s.hurl(s.t.Context(), raw[0]))
	s.ok(sink.Broadcast(s.t.Context(), a)) // known already, no error
	return true
}

// Two submitters race for the same action with transactions of their own, which both land: one is
// executed, the other fails and costs its fee. Both see the outcome, and either may go on.
func TestStoryTwoPayersRace(t *testing.T) {
	s := newScene(t, 3, 3)
	network := newPost(s, waits)
	sinks := []*Sink{s.openedAt(network.proxy.URL(), "payer"), s.openedAt(network.proxy.URL(), "rival")}
	_, to := s.person(0)
	for races := 0; races < 2; {
		list := []payment{paid(nil, to, 1_000_000)}
		d := s.transfers(list...)
		check := s.expect(list...)
		attempts := make([]chain.Attempt, len(sinks))
		for i, sink := range sinks {
			attempts[i] = s.attempt(sink, chain.BuildRequest{Delivery: d})
			s.ok(sink.Broadcast(t.Context(), attempts[i]))
		}
		for _, raw := range network.letGo() {
			s.ok(s.hurl(t.Context(), raw))
		}
		winner, losers := -1, 0
		for i, sink := range sinks {
			st, ok := s.phase(sink, chain.PhaseFinal, attempts[i])
			switch {
			case !ok: // this machine is too slow for a race
			case !st.Failed:
				winner = i
			case strings.Contains(st.Reason, contract.FaultWrongActionId.String()):
				losers++
			default:
				t.Errorf("payer %d failed by %s", i, st.Reason)
			}
		}
		if winner < 0 && losers == 0 {
			continue
		}
		if winner < 0 {
			t.Fatal("both have lost")
		}
		for _, sink := range sinks {
			s.settles(sink, d)
		}
		s.executed(d, attempts[winner].ID, list...)
		check()
		if _, err := sinks[1-winner].Build(t.Context(), chain.BuildRequest{Delivery: d, Caps: s.Caps()}); chain.VerdictOf(err) != chain.Done {
			t.Errorf("the loser builds: %v", err)
		}
		races += losers
	}
	network.set(arrives)
	s.sink = sinks[1]
	s.goesOn()
}
