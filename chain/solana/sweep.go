package solana

import (
	"context"
	"errors"

	contract "github.com/trinebridge/trine/bridgecontracts/solana"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/codec"
)

// Sweep implements chain.Sweeper. A buffer that a delivery used is gone with it; one whose delivery somebody else made, or
// whose seal has expired with its epoch, is closed here, and its rent goes back to the payer. Only the payer's own are
// looked for: an attempt names the digest, and payer and digest are the buffer's address.
func (s *Sink) Sweep(ctx context.Context, attempts []chain.Attempt, caps chain.Caps) (clean bool, err error) {
	slot, err := s.source.node.slot(ctx, confirmed)
	if err != nil {
		return false, err
	}
	p, state, err := s.now(ctx, slot)
	if err != nil {
		return false, err
	}
	var keys []contract.Key
	seen, useless := map[codec.Hash]bool{}, map[contract.Key]bool{}
	for i := range attempts {
		e, err := extraOf(&attempts[i])
		if err != nil {
			return false, err
		}
		if e.Digest.IsZero() || seen[e.Digest] {
			continue
		}
		key, _, err := p.Buffer(s.payer, e.Digest)
		if err != nil {
			return false, &chain.Error{Verdict: chain.Fatal, Err: err}
		}
		seen[e.Digest], useless[key] = true, e.past(&state.Now)
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return true, nil
	}
	_, accounts, err := s.source.node.accounts(ctx, confirmed, slot, keys...)
	if err != nil {
		return false, err
	}
	clean = true
	var closing []contract.Instruction
	for i, key := range keys {
		if accounts[i] == nil || accounts[i].Owner != p.ID {
			continue
		}
		held, err := contract.DecodeBuffer(accounts[i].Data)
		if err != nil {
			return false, s.source.fault(chain.Fatal, err)
		}
		if useless[key] || held.Epoch != state.Now.Epoch {
			closing = append(closing, p.CloseBuffer(s.payer, key))
		} else {
			clean = false
		}
	}
	if len(closing) == 0 {
		return clean, nil
	}
	a := &sender{node: s.source.node, key: s.config.FeeKey, payer: s.payer, poll: s.config.Poll, caps: caps}
	_, err = a.transact(ctx, func(context.Context) ([]contract.Instruction, error) { return closing, nil })
	if gone(err) {
		return false, nil // a transaction of an earlier life has closed it: the next look shows what is left
	}
	return clean && err == nil, err
}

// gone reports whether the bridge has refused to close what is no buffer any more.
func gone(err error) bool {
	var f *failure
	if !errors.As(err, &f) {
		return false
	}
	fault, ours := f.fault()
	return ours && fault == contract.FaultWrongBuffer
}
