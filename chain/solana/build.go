package solana

import (
	"context"
	"fmt"

	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/bridgecontracts"
	contract "github.com/trinebridge/trine/bridgecontracts/solana"
	"github.com/trinebridge/trine/chain"
)

// Build implements chain.Sink. There are no replacements here: an attempt is sent again as it is until its blockhash
// has expired, and only then made anew; two that can both land would only cost two fees.
func (s *Sink) Build(ctx context.Context, r chain.BuildRequest) (chain.Draft, error) {
	if r.Delivery == nil {
		return chain.Draft{}, chain.Errorf(chain.Retry, "there is nothing to fill: transactions have no nonces here, and what is not sent again expires")
	}
	control, sequence, err := named(r.Delivery)
	if err != nil {
		return chain.Draft{}, err
	}
	if r.Replaces != nil {
		if err := s.replaceable(ctx, r.Replaces); err != nil {
			return chain.Draft{}, err
		}
	}
	p, state, err := s.now(ctx, 0)
	if err != nil {
		return chain.Draft{}, err
	}
	if err := turn(state, r.Delivery, control, sequence); err != nil {
		return chain.Draft{}, err
	}
	j := &job{sink: s, program: p, state: state}
	if err := j.take(ctx, r.Delivery); err != nil {
		return chain.Draft{}, err
	}
	bundle, err := j.assemble(ctx)
	if err != nil {
		return chain.Draft{}, s.doneOr(ctx, control, sequence, err)
	}
	price, err := s.source.node.price(ctx, bundle.written(), r.Caps)
	if err != nil {
		return chain.Draft{}, err
	}
	return s.draft(ctx, bundle, price, extra{Control: control, Sequence: sequence, Digest: j.signatures.Digest})
}

// replaceable fails while an attempt may still land.
func (s *Sink) replaceable(ctx context.Context, a *chain.Attempt) error {
	e, err := extraOf(a)
	if err != nil {
		return err
	}
	_, height, err := s.source.node.height(ctx)
	if err != nil {
		return err
	}
	if height <= e.LastValid {
		return chain.Errorf(chain.Retry, "transaction %s can land up to block height %d, the newest is %d: it is sent again, not replaced", a.ID, e.LastValid, height)
	}
	return nil
}

// turn checks that a delivery is the next one for the bridge as it stands.
func turn(state *contract.State, d *chain.Delivery, control bridgecontracts.ControlKind, sequence uint64) error {
	now := &state.Now
	paused := now.PauseSequence%2 == 1
	switch {
	case past(now, control, sequence):
		return chain.Errorf(chain.Done, "the bridge is past it: next action %d, epoch %d, pause sequence %d, limit version %d", now.NextAction, now.Epoch, now.PauseSequence, now.LimitVersion)
	case control == 0 && sequence > now.NextAction:
		return chain.Errorf(chain.Retry, "action %d waits for action %d", sequence, now.NextAction)
	case control == 0 && paused:
		return chain.Errorf(chain.Retry, "action %d waits: the bridge is paused", sequence)
	case control == bridgecontracts.KindSetLimit && sequence > now.LimitVersion+1:
		return chain.Errorf(chain.Retry, "%s %d waits for %d", control, sequence, now.LimitVersion+1)
	case (control == bridgecontracts.KindPause || control == bridgecontracts.KindUnpause) && sequence > now.PauseSequence+1:
		return chain.Errorf(chain.Retry, "%s %d waits for %d", control, sequence, now.PauseSequence+1)
	case d.Seal.Epoch != now.Epoch:
		return chain.Errorf(chain.Retry, "the seal is of epoch %d, the bridge holds the set of epoch %d", d.Seal.Epoch, now.Epoch)
	case d.Set.Hash() != state.SetHash:
		return chain.Errorf(chain.Retry, "the seal is of set %s, the bridge holds set %s", d.Set.Hash(), state.SetHash)
	}
	return nil
}

// doneOr judges a refusal: somebody else may have made the delivery meanwhile.
func (s *Sink) doneOr(ctx context.Context, control bridgecontracts.ControlKind, sequence uint64, refusal error) error {
	if v := chain.VerdictOf(refusal); v == chain.Done {
		return refusal
	}
	_, state, err := s.now(ctx, 0)
	if err == nil && past(&state.Now, control, sequence) {
		return &chain.Error{Verdict: chain.Done, Err: refusal}
	}
	return refusal
}

// draft puts blockhash and price into a bundle.
func (s *Sink) draft(ctx context.Context, b *bundle, price uint64, e extra) (chain.Draft, error) {
	now, err := s.source.node.recent(ctx)
	if err != nil {
		return chain.Draft{}, err
	}
	e.Blockhash, e.LastValid, e.Units = now.hash.String(), now.last, b.delivery.units
	u := &unsigned{extra: e}
	for _, m := range append(b.before, b.delivery) {
		tx, err := m.compile(s.payer, price, now.hash)
		if err != nil {
			return chain.Draft{}, err
		}
		u.transactions = append(u.transactions, tx)
	}
	fee := *uint256.NewInt(price)
	return chain.Draft{FeePerGas: fee, Tip: fee, Unsigned: u}, nil
}

// job is one delivery that is being built.
type job struct {
	sink       *Sink
	program    contract.Program
	state      *contract.State
	signatures *contract.Signatures
	content    *contract.Content
	// batch is set for transfers, whose content depends on what the chain holds.
	batch *batch
}

// take checks the seal and makes the content.
func (j *job) take(ctx context.Context, d *chain.Delivery) (err error) {
	domain := j.sink.source.domain()
	if domain != j.state.Domain {
		return chain.Errorf(chain.Fatal, "the bridge has domain %s, the configuration %s: it is of another genesis or chain id", j.state.Domain, domain)
	}
	fatal := func(err error) error {
		if err != nil {
			return &chain.Error{Verdict: chain.Fatal, Err: err}
		}
		return nil
	}
	if d.Control != nil {
		if j.signatures, err = contract.SealControl(domain, d.Control, &d.Seal, &d.Set); err != nil {
			return fatal(err)
		}
		j.content, err = j.control(d.Control)
		return fatal(err)
	}
	if j.signatures, err = contract.SealAction(domain, d.Action, &d.Seal, &d.Set); err != nil {
		return fatal(err)
	}
	switch body := d.Action.Body.(type) {
	case *bridgecontracts.Noop:
		j.content = j.program.Noop(d.Action.ID)
	case *bridgecontracts.Call:
		j.content, err = j.program.Call(d.Action.ID, body)
	case *bridgecontracts.Transfers:
		if j.batch, err = j.assess(ctx, d.Action.ID, body); err != nil {
			return err
		}
		j.content, err = j.batch.content()
	default:
		err = fmt.Errorf("a body of type %T is unknown to this bridge", body)
	}
	return fatal(err)
}

func (j *job) control(c *bridgecontracts.Control) (*contract.Content, error) {
	switch body := c.Body.(type) {
	case *bridgecontracts.Rotate:
		return j.program.Rotate(body)
	case *bridgecontracts.Pause:
		return j.program.Pause(c.Sequence), nil
	case *bridgecontracts.Unpause:
		return j.program.Unpause(c.Sequence), nil
	case *bridgecontracts.SetLimit:
		return j.program.SetLimit(c.Sequence, body)
	}
	return nil, fmt.Errorf("a body of type %T is unknown to this bridge", c.Body)
}

// where is what every form of the delivery shares.
func (j *job) where() contract.Where {
	return contract.Where{Actor: j.sink.payer, Page: j.state.Page, Poster: j.sink.payer}
}

// message makes the delivery with the present content.
func (j *job) message(w contract.Where, units uint32) *message {
	return &message{instructions: []contract.Instruction{j.program.Sealed(j.content, j.signatures, w)}, units: units}
}
