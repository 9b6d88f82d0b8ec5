package solana

import (
	"context"

	contract "github.com/trinebridge/trine/bridgecontracts/solana"
	"github.com/trinebridge/trine/chain"
)

// mend changes how a batch is made after a simulation that failed: claims where the program asks for them, and marks where
// a token program refuses for a reason that is not known here (those that are known, assess has seen). Only what a
// simulation has shown is marked: a node that answers nothing, late or wrongly leads to another attempt, not to a claim.
func (j *job) mend(ctx context.Context, w contract.Where, s simulation) (simulation, error) {
	if fault, ours := s.failed.fault(); ours && fault == contract.FaultClaimAccountNeeded {
		for i := range j.batch.payments {
			j.batch.payments[i].Claim = true
		}
		return j.again(ctx, w, confirmed)
	} else if ours || !s.failed.hasCustom {
		return s, nil
	}
	candidates := j.markable()
	if len(candidates) == 0 {
		return s, nil
	}
	if err := j.affords(ctx); err != nil {
		return simulation{}, err
	}
	if err := j.lasting(ctx, w, s.failed); err != nil {
		return simulation{}, err
	}
	return j.mark(ctx, w, s.failed, candidates)
}

// markable lists the transfers that the program lets be marked.
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
func (j *job) again(ctx context.Context, w contract.Where, commitment string) (s simulation, err error) {
	if j.content, err = j.batch.content(); err != nil {
		return s, &chain.Error{Verdict: chain.Fatal, Err: err}
	}
	return j.trial(ctx, w, commitment)
}

// lasting checks that the batch fails for the same reason in the finalized state: half a minute ago and not only in
// this moment. While the action's turn has not come there yet, it waits.
func (j *job) lasting(ctx context.Context, w contract.Where, why *failure) error {
	then, err := j.trial(ctx, w, finalized)
	if err != nil {
		return err
	}
	if then.failed == nil || then.failed.custom != why.custom || !then.failed.hasCustom {
		return chain.Errorf(chain.Retry, "a transfer is refused by its token's program (%w), and was not yet when the finalized state was made: it is looked at again before anything is marked", why)
	}
	return nil
}

// mark marks all candidates, and takes back each mark that is not needed.
func (j *job) mark(ctx context.Context, w contract.Where, why *failure, candidates []int) (simulation, error) {
	before := append([]contract.Payment(nil), j.batch.payments...)
	for _, i := range candidates {
		j.batch.payments[i] = contract.Payment{Mark: true, Claim: true}
	}
	s, err := j.again(ctx, w, confirmed)
	if err != nil || s.failed != nil {
		return s, err // it was something else
	}
	for _, i := range candidates {
		marked := j.batch.payments[i]
		j.batch.payments[i] = before[i]
		trial, err := j.again(ctx, w, confirmed)
		if err != nil {
			return simulation{}, err
		}
		switch {
		case trial.failed == nil:
			s = trial
		case trial.failed.hasCustom && trial.failed.custom == why.custom:
			j.batch.payments[i] = marked
		default:
			return simulation{}, chain.Errorf(chain.Retry, "transfer %d fails for another reason than the batch did: %w", i, trial.failed)
		}
	}
	j.content, err = j.batch.content()
	if err != nil {
		return simulation{}, &chain.Error{Verdict: chain.Fatal, Err: err}
	}
	return s, nil
}
