package ledger_test

import (
	"fmt"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/ledger"
)

// The scenarios' commands about control actions: limits and unpauses.

// proposed is the control action that a command speaks of.
func (s *scenario) proposed() bridgecontracts.Control {
	c := s.contract()
	if s.d.HasArg("unpause") {
		return bridgecontracts.Control{Sequence: s.number("sequence", c.pauseSequence+1), Body: &bridgecontracts.Unpause{}}
	}
	return bridgecontracts.Control{Sequence: s.number("sequence", c.limitVersion+1), Body: &bridgecontracts.SetLimit{
		Token: s.token(), Capacity: s.amount("capacity"), Window: s.number("window", 3600),
	}}
}

func (s *scenario) vote() {
	control, member := s.proposed(), s.key("by", "approver-0")
	m := &ledger.VoteControl{Domain: s.contract().domain, Control: control}
	m.Signature = sign(member, control.Digest(m.Domain, s.number("epoch", s.w.set.Epoch)))
	refused := s.w.view().CheckVote(m.Domain, &control, member.Address())
	if counted := s.send(member, m); counted != (refused == nil) && !s.d.HasArg("epoch") {
		s.d.Fatalf(s.t, "the vote counted: %v; asked before, the ledger said: %v", counted, refused)
	}
}

func (s *scenario) sealControl() {
	control := s.proposed()
	m := &ledger.SealControl{Domain: s.contract().domain, Kind: control.Body.Kind(), Sequence: control.Sequence}
	m.Signature = sign(s.key("signer", "processor"), control.Digest(m.Domain, s.w.set.Epoch))
	s.send(s.key("by", "processor"), m)
}

// control delivers a sealed control action to the bridge.
func (s *scenario) control() {
	c, asked := s.contract(), s.proposed()
	r, ok, err := s.w.view().Control(c.domain, asked.Body.Kind(), asked.Sequence)
	if err != nil || !ok {
		s.t.Fatal(ok, err)
	}
	if err := c.control(r.Control, r.Seal); err != nil {
		s.out.WriteString("the bridge refuses: " + err.Error() + "\n")
		return
	}
	fmt.Fprintf(&s.out, "event %d\n", len(c.events))
}
