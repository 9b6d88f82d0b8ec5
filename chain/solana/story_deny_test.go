package solana

import (
	"testing"

	"github.com/trinebridge/trine/bridgecontracts"
	contract "github.com/trinebridge/trine/bridgecontracts/solana"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/chain/chaintest"
	"github.com/trinebridge/trine/codec"
)

// halves are content and seal of a delivery whose signatures are over a domain.
func (s *scene) halves(domain bridgecontracts.Domain, d *chain.Delivery) (content *contract.Content, seal *contract.Signatures) {
	s.t.Helper()
	var err error
	if d.Control != nil {
		seal, err = contract.SealControl(domain, d.Control, &d.Seal, &d.Set)
		s.ok(err)
		content, err = (&job{program: s.program}).control(d.Control)
	} else {
		seal, err = contract.SealAction(domain, d.Action, &d.Seal, &d.Set)
		s.ok(err)
		body := d.Action.Body.(*bridgecontracts.Transfers)
		content, err = s.program.Transfers(d.Action.ID, body, nil, make([]contract.Payment, len(body.Transfers)))
	}
	s.ok(err)
	return content, seal
}

// sealed makes the bridge's instruction of a delivery whose signatures are over a domain, whatever the bridge will say.
func (s *scene) sealed(domain bridgecontracts.Domain, d *chain.Delivery) contract.Instruction {
	s.t.Helper()
	content, seal := s.halves(domain, d)
	return s.program.Sealed(content, seal, contract.Where{Actor: keyOf(s.key("rival")), Page: s.state().Page})
}

// posted is the same with the signatures in a buffer, where the bridge has verified them already.
func (s *scene) posted(d *chain.Delivery) (use, end contract.Instruction) {
	s.t.Helper()
	content, seal := s.halves(s.domain(), d)
	rival := keyOf(s.key("rival"))
	buffer, _, err := s.program.Buffer(rival, seal.Digest)
	s.ok(err)
	open, err := s.program.OpenBuffer(rival, seal.Digest, 0)
	s.ok(err)
	_, err = s.act(s.t.Context(), s.key("rival"), open, s.program.PostSignatures(buffer, seal))
	s.ok(err)
	where := contract.Where{Actor: rival, Page: s.state().Page, Buffer: buffer, Poster: rival, SignaturesPosted: true}
	return s.program.Sealed(content, seal, where), s.program.CloseBuffer(rival, buffer)
}

// Signatures that the same members have given for something else are worth nothing here: for another chain, another genesis,
// another bridge, another epoch, and for what has happened already.
func TestStorySignaturesForSomethingElse(t *testing.T) {
	s := newScene(t, 3, 3)
	rival := s.key("rival")
	_, to := s.person(0)
	payments := []payment{paid(nil, to, 1_000_000)}
	refusedBySink := func(what string, d *chain.Delivery, want chain.Verdict) {
		if _, err := s.sink.Build(t.Context(), chain.BuildRequest{Delivery: d, Caps: s.Caps()}); chain.VerdictOf(err) != want {
			t.Errorf("%s: the sink says %v", what, err)
		}
	}
	pauseOf := func(m *chaintest.Members, domain bridgecontracts.Domain, sequence uint64) *chain.Delivery {
		return m.Control(domain, sequence, &bridgecontracts.Pause{})
	}
	for what, domain := range map[string]bridgecontracts.Domain{
		"another chain":   bridgecontracts.NewDomain(s.genesis(), "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp", s.world.bridge.Bridge),
		"another genesis": bridgecontracts.NewDomain(codec.Keccak([]byte("another")), s.chainID(), s.world.bridge.Bridge),
		"another bridge":  bridgecontracts.NewDomain(s.genesis(), s.chainID(), codec.Hash(to)),
	} {
		body := s.transfers(payments...).Action.Body
		for _, d := range []*chain.Delivery{s.members.Action(domain, s.next, body), pauseOf(s.members, domain, 1)} {
			s.refused(rival, contract.FaultWrongSigner, s.sealed(domain, d))
			refusedBySink(what, d, chain.Fatal)
		}
	}

	// What was executed once is not executed again, nor under the next number.
	first := s.transfers(payments...)
	s.pay(payments...)
	s.refused(rival, contract.FaultWrongActionId, s.sealed(s.domain(), first))
	renumbered := *first.Action
	renumbered.ID = s.next
	instruction := s.sealed(s.domain(), first)
	data, err := instruction.Data()
	s.ok(err)
	data[2] = byte(s.next) // the action id is behind tag and flags
	s.refused(rival, contract.FaultWrongSigner, instruction)
	refusedBySink("what is done", first, chain.Done)
	refusedBySink("under the next number", &chain.Delivery{Action: &renumbered, Seal: first.Seal, Set: first.Set}, chain.Fatal)

	// The same members in the next epoch: what they signed in this one has expired.
	later := *s.members
	later.Set.Epoch = 2
	rotation := s.members.Control(s.domain(), 2, &bridgecontracts.Rotate{Set: later.Set})
	waiting, pause := s.transfers(payments...), pauseOf(s.members, s.domain(), 1)
	again := s.sealed(s.domain(), rotation)
	old, end := s.posted(waiting)
	advance, advanceEnd := s.posted(later.Action(s.domain(), s.next, waiting.Action.Body)) // signed for the next epoch, verified in this one
	s.deliver(s.sink, rotation)
	s.refused(rival, contract.FaultWrongSigner, s.sealed(s.domain(), waiting))
	s.refused(rival, contract.FaultWrongSigner, s.sealed(s.domain(), pause))
	s.refused(rival, contract.FaultWrongBuffer, old)
	s.refused(rival, contract.FaultStaleBuffer, advance)
	s.refused(rival, contract.FaultEpochNotHigher, again)
	_, err = s.act(t.Context(), rival, end, advanceEnd)
	s.ok(err)
	refusedBySink("an older epoch", waiting, chain.Retry)
	s.members = &later

	// A pause counts once: after the unpause it is the old number.
	pause = pauseOf(s.members, s.domain(), 1)
	again = s.sealed(s.domain(), pause)
	s.deliver(s.sink, pause)
	s.refused(rival, contract.FaultBridgePaused, s.sealed(s.domain(), s.transfers(payments...)))
	s.deliver(s.sink, s.members.Control(s.domain(), 2, &bridgecontracts.Unpause{}))
	s.refused(rival, contract.FaultWrongSequence, again)
	s.pay(payments...)
	s.goesOn()
}
