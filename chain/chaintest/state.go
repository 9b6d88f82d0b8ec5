package chaintest

import (
	"fmt"
	"maps"

	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/signing"
	"github.com/trinebridge/trine/validators"
)

// state is what the bridge holds after a block. It is never changed once the block is
// mined; clone it first.
type state struct {
	chain.Counters
	setHash codec.Hash
	set     validators.Set // the zero set after an emitted SetRotated, whose members nobody told
	tokens  map[codec.Hash]chain.TokenState
	nonces  map[string]uint64 // by fee payer, the first that is not used
}

func (s *state) clone() *state {
	c := *s
	c.tokens = maps.Clone(s.tokens)
	c.nonces = maps.Clone(s.nonces)
	return &c
}

// emit takes the next event id and does to the state what the event says.
func (s *state) emit(body bridgecontracts.EventBody) bridgecontracts.Event {
	s.EventID++
	event := bridgecontracts.Event{ID: s.EventID, Body: body}
	s.Head = bridgecontracts.NextHead(s.Head, &event)
	switch b := body.(type) {
	case *bridgecontracts.Deposited:
		s.hold(b.Token, func(held *uint256.Int) { held.Add(held, &b.Amount) })
	case *bridgecontracts.ActionExecuted:
		s.NextAction = b.ActionID + 1
	case *bridgecontracts.SetRotated:
		s.Epoch, s.setHash = b.Epoch, b.SetHash
	case *bridgecontracts.Paused:
		s.PauseSequence = b.Sequence
	case *bridgecontracts.Unpaused:
		s.PauseSequence = b.Sequence
	case *bridgecontracts.LimitSet:
		s.LimitVersion = b.Sequence
		token := s.tokens[b.Token]
		token.Capacity, token.Window = b.Capacity, b.Window
		s.tokens[b.Token] = token
	case *bridgecontracts.Claimed:
		s.hold(b.Token, func(held *uint256.Int) { held.Sub(held, &b.Amount) })
	}
	return event
}

func (s *state) hold(token codec.Hash, change func(held *uint256.Int)) {
	t := s.tokens[token]
	t.Token = token
	change(&t.Held)
	s.tokens[token] = t
}

// revert is why the bridge refused a delivery.
type revert struct {
	verdict chain.Verdict
	reason  string
}

func (r *revert) Error() string { return "the bridge refused: " + r.reason }

func refuse(v chain.Verdict, format string, args ...any) *revert {
	return &revert{v, fmt.Sprintf(format, args...)}
}

// execute runs a delivery as the contract does, or refuses it and changes nothing.
func (s *state) execute(domain bridgecontracts.Domain, d *chain.Delivery, refused func(codec.Hash) bool) ([]bridgecontracts.Event, *revert) {
	if d.Control != nil {
		return s.control(domain, d)
	}
	a := d.Action
	switch {
	case a.ID < s.NextAction:
		return nil, refuse(chain.Done, "action %d ran already, the next is %d", a.ID, s.NextAction)
	case a.ID > s.NextAction:
		return nil, refuse(chain.Retry, "action %d waits for action %d", a.ID, s.NextAction)
	case s.PauseSequence%2 == 1:
		return nil, refuse(chain.Retry, "the bridge is paused")
	}
	digest := a.Digest(domain, d.Seal.Epoch)
	groups := []validators.Group{validators.Processor, validators.Approvers}
	if a.Body.Kind() == bridgecontracts.KindCall {
		groups = append(groups, validators.Listeners)
	}
	if r := s.checkSeal(d, digest, groups); r != nil {
		return nil, r
	}
	var failed codec.Hash
	if body, ok := a.Body.(*bridgecontracts.Transfers); ok {
		for i := range body.Transfers {
			t := &body.Transfers[i]
			held := s.tokens[t.Token].Held
			if held.Lt(&t.Amount) || refused(t.To) {
				failed[31-i/8] |= 1 << (i % 8)
				continue
			}
			s.hold(t.Token, func(held *uint256.Int) { held.Sub(held, &t.Amount) })
		}
	}
	return []bridgecontracts.Event{s.emit(&bridgecontracts.ActionExecuted{ActionID: a.ID, Digest: digest, Failed: failed})}, nil
}

func (s *state) control(domain bridgecontracts.Domain, d *chain.Delivery) ([]bridgecontracts.Event, *revert) {
	c := d.Control
	held := s.sequence(c.Body.Kind())
	if c.Sequence <= held {
		return nil, refuse(chain.Done, "%s %d is past, %d stands", c.Body.Kind(), c.Sequence, held)
	}
	if c.Body.Kind() != bridgecontracts.KindRotate && c.Sequence != held+1 {
		return nil, refuse(chain.Retry, "%s %d waits for %d", c.Body.Kind(), c.Sequence, held+1)
	}
	digest := c.Digest(domain, d.Seal.Epoch)
	groups := []validators.Group{validators.Processor, validators.Approvers}
	switch c.Body.Kind() {
	case bridgecontracts.KindPause:
		if len(d.Seal.Approvers) != 1 {
			return nil, refuse(chain.Fatal, "a pause has %d approver signatures, want one", len(d.Seal.Approvers))
		}
		signer, err := d.Seal.Approvers[0].RecoverAddress(digest)
		if err != nil || !s.set.Has(validators.Approvers, signer) {
			return nil, refuse(chain.Fatal, "%s is no approver", signer)
		}
		groups = nil
	case bridgecontracts.KindRotate:
		groups = rotationSigners(d.Seal)
	}
	if r := s.checkSeal(d, digest, groups); r != nil {
		return nil, r
	}
	switch b := c.Body.(type) {
	case *bridgecontracts.Rotate:
		s.set = b.Set
		return []bridgecontracts.Event{s.emit(&bridgecontracts.SetRotated{Epoch: b.Set.Epoch, SetHash: b.Set.Hash()})}, nil
	case *bridgecontracts.SetLimit:
		return []bridgecontracts.Event{s.emit(&bridgecontracts.LimitSet{Sequence: c.Sequence, Token: b.Token, Capacity: b.Capacity, Window: b.Window})}, nil
	case *bridgecontracts.Pause:
		return []bridgecontracts.Event{s.emit(&bridgecontracts.Paused{Sequence: c.Sequence})}, nil
	default:
		return []bridgecontracts.Event{s.emit(&bridgecontracts.Unpaused{Sequence: c.Sequence})}, nil
	}
}

// rotationSigners returns the groups that signed a rotation.
func rotationSigners(seal bridgecontracts.Seal) (groups []validators.Group) {
	if !seal.Processor.IsZero() {
		groups = append(groups, validators.Processor)
	}
	if len(seal.Approvers) > 0 {
		groups = append(groups, validators.Approvers)
	}
	if len(seal.Listeners) > 0 {
		groups = append(groups, validators.Listeners)
	}
	return groups
}

func (s *state) sequence(k bridgecontracts.ControlKind) uint64 {
	switch k {
	case bridgecontracts.KindRotate:
		return s.Epoch
	case bridgecontracts.KindSetLimit:
		return s.LimitVersion
	default:
		return s.PauseSequence
	}
}

func (s *state) checkSeal(d *chain.Delivery, digest codec.Hash, groups []validators.Group) *revert {
	if d.Set.Hash() != s.setHash || d.Seal.Epoch != s.Epoch {
		return refuse(chain.Fatal, "the seal is of another set: epoch %d, the bridge holds %d", d.Seal.Epoch, s.Epoch)
	}
	if d.Control != nil && d.Control.Body.Kind() == bridgecontracts.KindRotate && len(groups) != 2 {
		return refuse(chain.Fatal, "a rotation is signed by two groups, not %d", len(groups))
	}
	for _, g := range groups {
		signatures := map[validators.Group][]signing.Signature{
			validators.Processor: {d.Seal.Processor},
			validators.Approvers: d.Seal.Approvers,
			validators.Listeners: d.Seal.Listeners,
		}[g]
		if err := s.set.VerifyQuorum(g, digest, signatures); err != nil {
			return refuse(chain.Fatal, "seal: %v", err)
		}
	}
	return nil
}
