package chaintest

import (
	"errors"

	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/signing"
)

// SinkCases are the promises that every Sink keeps.
func SinkCases() []Case[SinkWorld] {
	return []Case[SinkWorld]{
		{"a delivery goes from pending to final", deliveryLives},
		{"sending again is no error", broadcastTwice},
		{"a delivery that somebody made is done", somebodyElse},
		{"an action waits for the one before it", tooEarly},
		{"a seal that the bridge refuses is never built", badSeal},
		{"a price above the caps is waited for", priceAboveCaps},
		{"a rival's delivery shows as a failure with its reason", lostRace},
		{"the fee payer's account is seen", sender},
		{"a broken endpoint asks for patience", brokenSink},
		{"a dropped attempt can be sent again", dropped},
		{"a replacement pays more and wins", replacement},
		{"the old attempt cannot push out its replacement", underpriced},
		{"a filler uses up a nonce", gapFill},
		{"an attempt whose nonce is used has expired", usedNonce},
		{"an attempt expires with its blocks", expiresByBlocks},
	}
}

// attempt builds and signs.
func attempt(t TB, w SinkWorld, s chain.Sink, r chain.BuildRequest) chain.Attempt {
	t.Helper()
	r.Caps = w.Caps()
	a := value(s.Sign(bounded(t), value(s.Build(bounded(t), r))(t)))(t)
	if a.ID == "" || len(a.Raw) == 0 {
		t.Fatalf("attempt %+v has no id or no bytes", a)
	}
	return a
}

// first builds and signs the first action with the account's next nonce.
func first(t TB, w SinkWorld, s chain.Sink) (*chain.Delivery, chain.Attempt) {
	t.Helper()
	d := value(w.Noop(1))(t)
	from := value(s.Sender(bounded(t)))(t)
	return d, attempt(t, w, s, chain.BuildRequest{Delivery: d, Nonce: from.Next})
}

// by hands a rival's delivery in and mines it.
func by(t TB, w SinkWorld, rival chain.Sink, id uint64) {
	t.Helper()
	d := value(w.Noop(id))(t)
	from := value(rival.Sender(bounded(t)))(t)
	must(t, rival.Broadcast(bounded(t), attempt(t, w, rival, chain.BuildRequest{Delivery: d, Nonce: from.Next})))
	must(t, w.Mine(bounded(t), 1))
}

func wantPhase(t TB, w SinkWorld, s chain.Sink, attempts []chain.Attempt, phase chain.Phase, index int) chain.Status {
	t.Helper()
	status, expired, err := s.Status(bounded(t), attempts, w.Facts().Finality)
	must(t, err)
	if status.Phase != phase || status.Attempt != index || expired {
		t.Fatalf("status is %+v (expired %t), want phase %d of attempt %d", status, expired, phase, index)
	}
	return status
}

func wantOutcome(t TB, w SinkWorld, s chain.Sink, d *chain.Delivery, want chain.Outcome) {
	t.Helper()
	if got := value(s.Outcome(bounded(t), d, w.Facts().Finality))(t); got != want {
		t.Fatalf("outcome is %+v, want %+v", got, want)
	}
}

func deliveryLives(t TB, w SinkWorld) {
	s := value(w.Sink())(t)
	d, a := first(t, w, s)
	wantOutcome(t, w, s, d, chain.Outcome{})
	wantPhase(t, w, s, []chain.Attempt{a}, chain.PhaseUnknown, -1)
	must(t, s.Broadcast(bounded(t), a))
	wantPhase(t, w, s, []chain.Attempt{a}, chain.PhasePending, 0)
	must(t, w.Mine(bounded(t), 1))
	if status := wantPhase(t, w, s, []chain.Attempt{a}, chain.PhaseIncluded, 0); status.Failed || status.Block == 0 {
		t.Fatalf("status of a delivery that worked is %+v", status)
	}
	wantOutcome(t, w, s, d, chain.Outcome{Done: true})
	settle(t, w)
	wantPhase(t, w, s, []chain.Attempt{a}, chain.PhaseFinal, 0)
	wantOutcome(t, w, s, d, chain.Outcome{Done: true, Final: true})
}

func broadcastTwice(t TB, w SinkWorld) {
	s := value(w.Sink())(t)
	_, a := first(t, w, s)
	must(t, s.Broadcast(bounded(t), a))
	must(t, s.Broadcast(bounded(t), a))
	must(t, w.Mine(bounded(t), 1))
	if err := s.Broadcast(bounded(t), a); err != nil {
		wantVerdict(t, "sending an attempt that is in a block", err, chain.Rebuild, chain.Done)
	}
	wantPhase(t, w, s, []chain.Attempt{a}, chain.PhaseIncluded, 0)
}

func somebodyElse(t TB, w SinkWorld) {
	s := value(w.Sink())(t)
	by(t, w, value(w.Rival())(t), 1)
	d := value(w.Noop(1))(t)
	from := value(s.Sender(bounded(t)))(t)
	_, err := s.Build(bounded(t), chain.BuildRequest{Delivery: d, Nonce: from.Next, Caps: w.Caps()})
	wantVerdict(t, "building what a rival delivered", err, chain.Done)
}

func tooEarly(t TB, w SinkWorld) {
	s := value(w.Sink())(t)
	from := value(s.Sender(bounded(t)))(t)
	_, err := s.Build(bounded(t), chain.BuildRequest{Delivery: value(w.Noop(2))(t), Nonce: from.Next, Caps: w.Caps()})
	wantVerdict(t, "building action 2 before action 1", err, chain.Retry)
}

func badSeal(t TB, w SinkWorld) {
	s := value(w.Sink())(t)
	d := value(w.Noop(1))(t)
	d.Seal.Approvers = append([]signing.Signature(nil), d.Seal.Approvers...)
	d.Seal.Approvers[0] = d.Seal.Processor
	_, err := s.Build(bounded(t), chain.BuildRequest{Delivery: d, Caps: w.Caps()})
	wantVerdict(t, "building with the processor's signature as an approver's", err, chain.Rebuild, chain.Fatal)
}

func priceAboveCaps(t TB, w SinkWorld) {
	s := value(w.Sink())(t)
	d := value(w.Noop(1))(t)
	from := value(s.Sender(bounded(t)))(t)
	must(t, w.SetPrice(bounded(t), true))
	_, err := s.Build(bounded(t), chain.BuildRequest{Delivery: d, Nonce: from.Next, Caps: w.Caps()})
	wantVerdict(t, "building above the caps", err, chain.Retry)
	if !errors.Is(err, chain.ErrFeeCap) {
		t.Fatalf("building above the caps: %v, want ErrFeeCap", err)
	}
	must(t, w.SetPrice(bounded(t), false))
	a := attempt(t, w, s, chain.BuildRequest{Delivery: d, Nonce: from.Next})
	if caps := w.Caps(); caps.MaxFeePerGas.Lt(&a.FeePerGas) || caps.MaxTip.Lt(&a.Tip) {
		t.Fatalf("the attempt offers %s and %s, the caps are %s and %s", &a.FeePerGas, &a.Tip, &caps.MaxFeePerGas, &caps.MaxTip)
	}
}

func lostRace(t TB, w SinkWorld) {
	s := value(w.Sink())(t)
	d, a := first(t, w, s)
	by(t, w, value(w.Rival())(t), 1)
	if err := s.Broadcast(bounded(t), a); err != nil {
		wantVerdict(t, "sending what a rival delivered", err, chain.Done)
		return
	}
	must(t, w.Mine(bounded(t), 1))
	settle(t, w)
	status := wantPhase(t, w, s, []chain.Attempt{a}, chain.PhaseFinal, 0)
	if !status.Failed || status.Reason == "" {
		t.Fatalf("status of the delivery that lost is %+v, want it failed with a reason", status)
	}
	wantOutcome(t, w, s, d, chain.Outcome{Done: true, Final: true})
}

func sender(t TB, w SinkWorld) {
	s := value(w.Sink())(t)
	before := value(s.Sender(bounded(t)))(t)
	if before.Address == "" || before.Balance.IsZero() || before.Pending != before.Next {
		t.Fatalf("sender is %+v, want an address, coins and nothing pending", before)
	}
	_, a := first(t, w, s)
	must(t, s.Broadcast(bounded(t), a))
	if !w.Facts().Nonces {
		return
	}
	if now := value(s.Sender(bounded(t)))(t); now.Next != before.Next || now.Pending != before.Next+1 {
		t.Fatalf("sender is %+v with one attempt pending, it was %+v", now, before)
	}
	must(t, w.Mine(bounded(t), 1))
	if now := value(s.Sender(bounded(t)))(t); now.Next != before.Next+1 || now.Pending != before.Next+1 {
		t.Fatalf("sender is %+v with one attempt mined, it was %+v", now, before)
	}
}

func brokenSink(t TB, w SinkWorld) {
	s := value(w.Sink())(t)
	d, a := first(t, w, s)
	for _, f := range []Fault{Down, Garbage, Throttled} {
		must(t, w.Spoil(f))
		_, err := s.Sender(bounded(t))
		wantVerdict(t, f.String()+": Sender", err, chain.Retry)
		_, err = s.Build(bounded(t), chain.BuildRequest{Delivery: d, Caps: w.Caps()})
		wantVerdict(t, f.String()+": Build", err, chain.Retry)
		wantVerdict(t, f.String()+": Broadcast", s.Broadcast(bounded(t), a), chain.Retry)
		_, _, err = s.Status(bounded(t), []chain.Attempt{a}, w.Facts().Finality)
		wantVerdict(t, f.String()+": Status", err, chain.Retry)
		_, err = s.Outcome(bounded(t), d, w.Facts().Finality)
		wantVerdict(t, f.String()+": Outcome", err, chain.Retry)
	}
	must(t, w.Spoil(Healthy))
	must(t, s.Broadcast(bounded(t), a))
}

func dropped(t TB, w SinkWorld) {
	s := value(w.Sink())(t)
	_, a := first(t, w, s)
	must(t, s.Broadcast(bounded(t), a))
	if err := w.DropPending(bounded(t)); errors.Is(err, ErrCannot) {
		return
	} else {
		must(t, err)
	}
	wantPhase(t, w, s, []chain.Attempt{a}, chain.PhaseUnknown, -1)
	must(t, s.Broadcast(bounded(t), a))
	must(t, w.Mine(bounded(t), 1))
	wantPhase(t, w, s, []chain.Attempt{a}, chain.PhaseIncluded, 0)
}

func replacement(t TB, w SinkWorld) {
	if !w.Facts().Nonces {
		return
	}
	s := value(w.Sink())(t)
	d, old := first(t, w, s)
	must(t, s.Broadcast(bounded(t), old))
	attempts := []chain.Attempt{old}
	for range 2 {
		next := attempt(t, w, s, chain.BuildRequest{Delivery: d, Nonce: old.Nonce, Replaces: &attempts[len(attempts)-1]})
		last := attempts[len(attempts)-1]
		if !moreByATenth(&last.FeePerGas, &next.FeePerGas) || !moreByATenth(&last.Tip, &next.Tip) || next.Nonce != old.Nonce || next.ID == last.ID {
			t.Fatalf("replacement offers %s and %s with nonce %d, the attempt before %s and %s with %d", &next.FeePerGas, &next.Tip, next.Nonce,
				&last.FeePerGas, &last.Tip, last.Nonce)
		}
		must(t, s.Broadcast(bounded(t), next))
		attempts = append(attempts, next)
	}
	wantPhase(t, w, s, attempts, chain.PhasePending, 2)
	must(t, w.Mine(bounded(t), 1))
	settle(t, w)
	wantPhase(t, w, s, attempts, chain.PhaseFinal, 2)
}

// moreByATenth reports next ≥ 1.1 × last.
func moreByATenth(last, next *uint256.Int) bool {
	ten, eleven := uint256.NewInt(10), uint256.NewInt(11)
	return !ten.Mul(ten, next).Lt(eleven.Mul(eleven, last))
}

func underpriced(t TB, w SinkWorld) {
	if !w.Facts().Nonces {
		return
	}
	s := value(w.Sink())(t)
	d, old := first(t, w, s)
	must(t, s.Broadcast(bounded(t), old))
	next := attempt(t, w, s, chain.BuildRequest{Delivery: d, Nonce: old.Nonce, Replaces: &old})
	must(t, s.Broadcast(bounded(t), next))
	wantVerdict(t, "sending the replaced attempt", s.Broadcast(bounded(t), old), chain.Replace)
	wantPhase(t, w, s, []chain.Attempt{old, next}, chain.PhasePending, 1)
}

func gapFill(t TB, w SinkWorld) {
	if !w.Facts().Nonces {
		return
	}
	s := value(w.Sink())(t)
	from := value(s.Sender(bounded(t)))(t)
	a := attempt(t, w, s, chain.BuildRequest{Delivery: value(w.Noop(1))(t), Nonce: from.Next + 1})
	must(t, s.Broadcast(bounded(t), a))
	must(t, w.Mine(bounded(t), 1))
	wantPhase(t, w, s, []chain.Attempt{a}, chain.PhasePending, 0)
	if now := value(s.Sender(bounded(t)))(t); now.Next != from.Next {
		t.Fatalf("the next nonce is %d behind a gap, it was %d", now.Next, from.Next)
	}
	filler := attempt(t, w, s, chain.BuildRequest{Nonce: from.Next})
	must(t, s.Broadcast(bounded(t), filler))
	must(t, w.Mine(bounded(t), 2))
	for _, mined := range []chain.Attempt{filler, a} {
		if status := wantPhase(t, w, s, []chain.Attempt{mined}, chain.PhaseIncluded, 0); status.Failed {
			t.Fatalf("status of nonce %d is %+v", mined.Nonce, status)
		}
	}
}

func usedNonce(t TB, w SinkWorld) {
	if !w.Facts().Nonces {
		return
	}
	s := value(w.Sink())(t)
	d, old := first(t, w, s)
	must(t, s.Broadcast(bounded(t), old))
	next := attempt(t, w, s, chain.BuildRequest{Delivery: d, Nonce: old.Nonce, Replaces: &old})
	must(t, s.Broadcast(bounded(t), next))
	must(t, w.Mine(bounded(t), 1))
	settle(t, w)
	status, expired, err := s.Status(bounded(t), []chain.Attempt{old}, w.Facts().Finality)
	must(t, err)
	if status.Phase != chain.PhaseUnknown || status.Attempt != -1 || !expired {
		t.Fatalf("status of the attempt that was replaced is %+v (expired %t), want it unknown and expired", status, expired)
	}
	wantVerdict(t, "sending an attempt whose nonce is used", s.Broadcast(bounded(t), old), chain.Rebuild)
}

func expiresByBlocks(t TB, w SinkWorld) {
	if w.Facts().Nonces {
		return
	}
	s := value(w.Sink())(t)
	_, a := first(t, w, s)
	must(t, w.Mine(bounded(t), w.Facts().ExpiryBlocks+1))
	status, expired, err := s.Status(bounded(t), []chain.Attempt{a}, w.Facts().Finality)
	must(t, err)
	if status.Phase != chain.PhaseUnknown || !expired {
		t.Fatalf("status after %d blocks is %+v (expired %t), want it expired", w.Facts().ExpiryBlocks+1, status, expired)
	}
	wantVerdict(t, "sending an expired attempt", s.Broadcast(bounded(t), a), chain.Rebuild)
}
