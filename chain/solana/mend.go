package solana

import (
	"context"
	"slices"

	contract "github.com/trinebridge/trine/bridgecontracts/solana"
	"github.com/trinebridge/trine/chain"
)

// mend changes how a batch is made after a simulation that failed: claims where the program asks for them, and marks where
// a token program refuses for a reason that is not known here (those that are known, assess has seen). What is marked is what
// the trial of each transfer by itself shows; only where none of them explains why the batch fails, all that can be marked is.
// A node that answers nothing or late leads to another attempt, not to a claim. Whatever the reasons are and however many, the batch is made in the end, so no recipient stops those behind it.
func (j *job) mend(ctx context.Context, w contract.Where, s simulation) (simulation, error) {
	unseen := j.unseen()
	if fault, ours := s.failed.fault(); ours && fault == contract.FaultClaimAccountNeeded {
		for i := range j.batch.payments {
			j.batch.payments[i].Claim = true
		}
		var err error
		if s, err = j.again(ctx, w); err != nil || s.failed == nil {
			return s, err
		}
	}
	if !s.failed.foreign() || len(j.markable()) == 0 {
		return s, nil
	}
	if err := j.affords(ctx); err != nil {
		return simulation{}, err
	}
	marked, err := j.probe(ctx, unseen)
	if err != nil {
		return simulation{}, err
	}
	if marked {
		if s, err = j.again(ctx, w); err != nil || s.failed == nil || !s.failed.foreign() {
			return s, err
		}
	}
	// Each of the others could be paid by itself, and yet not by the bridge: all that can be marked is.
	if err := j.lasting(ctx, w, s.failed); err != nil {
		return simulation{}, err
	}
	for _, i := range j.markable() {
		j.batch.payments[i] = contract.Payment{Mark: true, Claim: true}
	}
	return j.again(ctx, w)
}

// markable lists the transfers that are not marked and that the program lets be marked.
func (j *job) markable() (list []int) {
	for i, how := range j.batch.payments {
		t := &j.batch.body.Transfers[i]
		token := j.batch.tokens[contract.Key(t.Token)]
		if token != nil && token.Ready && token.Program == contract.Token2022Program && !how.Mark && !t.Amount.IsZero() {
			list = append(list, i)
		}
	}
	return list
}

// unseen lists those of the markable transfers in which no reason to fail can be seen.
func (j *job) unseen() []int {
	return slices.DeleteFunc(j.markable(), func(i int) bool { return j.batch.payments[i].Claim })
}

const (
	// claimSize is how large a claim's account is, tokenAccountRoom at least as large as a new token account of Token-2022.
	claimSize        = 120
	tokenAccountRoom = 512
)

// affords checks that the fee payer can pay for every account that the batch may make. One that cannot is refused with the
// same numbers as by a token program, and the mark would seem to help where a claim's account costs less than a token account.
func (j *job) affords(ctx context.Context) error {
	need := uint64(len(j.batch.payments)) * (rentMinimum(claimSize) + rentMinimum(tokenAccountRoom))
	has, err := j.sink.source.node.balance(ctx, j.sink.payer)
	if err != nil {
		return err
	}
	if has < need {
		return chain.Errorf(chain.Retry, "the batch fails, and the fee payer %s has %d lamports where its accounts may take %d: nothing is marked before it has more", j.sink.payer, has, need)
	}
	return nil
}

// again makes the content anew and simulates it.
func (j *job) again(ctx context.Context, w contract.Where) (s simulation, err error) {
	if j.content, err = j.batch.content(); err != nil {
		return s, &chain.Error{Verdict: chain.Fatal, Err: err}
	}
	return j.trial(ctx, w, confirmed)
}

// lasting checks that the batch fails for the same reason in the finalized state: half a minute ago and not only in
// this moment. While the action's turn has not come there yet, it waits.
func (j *job) lasting(ctx context.Context, w contract.Where, why *failure) error {
	then, err := j.trial(ctx, w, finalized)
	if err != nil {
		return err
	}
	return still(why, then.failed)
}

// still is nil when a refusal is the same in the finalized state.
func still(now, then *failure) error {
	if then == nil || then.text != now.text {
		return chain.Errorf(chain.Retry, "a transfer is refused by its token's program (%w), and was not yet when the finalized state was made: it is looked at again before anything is marked", now)
	}
	return nil
}

// probe tries each of these transfers by itself, and marks what the token's program refuses, now and in the finalized
// state. It needs no seal and no buffer, so it can be asked of any batch.
func (j *job) probe(ctx context.Context, list []int) (marked bool, err error) {
	for _, i := range list {
		now, err := j.alone(ctx, i, confirmed)
		if err != nil {
			return false, err
		}
		if now.failed == nil || !now.failed.foreign() {
			continue
		}
		if err := j.affords(ctx); err != nil {
			return false, err
		}
		then, err := j.alone(ctx, i, finalized)
		if err != nil {
			return false, err
		}
		if err := still(now.failed, then.failed); err != nil {
			return false, err
		}
		j.batch.payments[i] = contract.Payment{Mark: true, Claim: true}
		marked = true
	}
	return marked, nil
}

// alone simulates one transfer of the batch as the token's program is asked for it, with the bridge's signature, which only a
// simulation takes on trust.
func (j *job) alone(ctx context.Context, i int, commitment string) (simulation, error) {
	t := &j.batch.body.Transfers[i]
	token, owner := j.batch.tokens[contract.Key(t.Token)], contract.Key(t.To)
	to, _, err := contract.TokenAccount(owner, token.Program, token.Mint)
	if err != nil {
		return simulation{}, &chain.Error{Verdict: chain.Fatal, Err: err}
	}
	m := &message{}
	if j.batch.payments[i].Create {
		create, err := createTokenAccount(j.sink.payer, owner, token.Program, token.Mint)
		if err != nil {
			return simulation{}, &chain.Error{Verdict: chain.Fatal, Err: err}
		}
		m.instructions = append(m.instructions, create)
	}
	m.instructions = append(m.instructions, transferChecked(token, to, j.program.State, t.Amount.Uint64()))
	return j.sink.source.node.simulate(ctx, m, j.sink.payer, commitment)
}
