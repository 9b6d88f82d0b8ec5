package solanatest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/gagliardetto/solana-go"
	computebudget "github.com/gagliardetto/solana-go/programs/compute-budget"
)

// Send has this package's wallet and more signers sign one transaction of these instructions, and waits until it is confirmed.
func (c *Chain) Send(t TB, signers []solana.PrivateKey, instructions ...solana.Instruction) solana.Signature {
	t.Helper()
	signature, err := c.TrySend(t.Context(), signers, instructions...)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return signature
}

// errExpired is a transaction that cannot land any more.
var errExpired = errors.New("its blockhash is too old")

// resendEvery is after how many looks a transaction that has not landed is sent again.
const resendEvery = 20

// TrySend is [Chain.Send] for what may be refused; then the error holds the node's words. A transaction that landed and
// failed is a [*FailedError]. One that expires before it lands, as on a slow machine, is signed anew.
func (c *Chain) TrySend(ctx context.Context, signers []solana.PrivateKey, instructions ...solana.Instruction) (solana.Signature, error) {
	ctx, cancel := context.WithTimeout(ctx, landWithin)
	defer cancel()
	for {
		tx, err := c.sign(ctx, signers, instructions)
		if err != nil {
			return solana.Signature{}, err
		}
		if err := c.deliver(ctx, tx); !errors.Is(err, errExpired) {
			return tx.signature, err
		}
	}
}

// signed is a transaction in base64 that can land up to a height.
type signed struct {
	raw       string
	signature solana.Signature
	last      uint64
}

// deliver sends a transaction until it has landed, is refused, or cannot land any more.
func (c *Chain) deliver(ctx context.Context, tx signed) error {
	looks := 0
	return poll(ctx, fmt.Sprintf("transaction %s is not %s", tx.signature, Confirmed), func(ctx context.Context) (bool, error) {
		if looks%resendEvery == 0 {
			options := map[string]any{"encoding": "base64", "preflightCommitment": Confirmed, "skipPreflight": looks > 0}
			if err := c.Call(ctx, nil, "sendTransaction", tx.raw, options); err != nil && looks == 0 {
				return false, refusal(err)
			}
		}
		looks++
		var height uint64 // asked for before the status: what is not there by then and has expired by then never will be
		if err := c.Call(ctx, &height, "getBlockHeight", at(Confirmed)); err != nil {
			return false, err
		}
		landed, err := c.landed(ctx, tx.signature, Confirmed)
		if !landed && err == nil && height > tx.last {
			err = errExpired
		}
		return landed, err
	})
}

// refusal tells a blockhash that the node has forgotten from what it refuses for good.
func refusal(err error) error {
	if strings.Contains(err.Error(), "Blockhash not found") {
		return errExpired
	}
	return err
}

// sign makes a transaction. Its compute limit carries a count: two transactions of the same instructions on one
// blockhash would be one.
func (c *Chain) sign(ctx context.Context, signers []solana.PrivateKey, instructions []solana.Instruction) (signed, error) {
	var newest struct {
		Value struct {
			Blockhash solana.Hash `json:"blockhash"`
			Last      uint64      `json:"lastValidBlockHeight"`
		} `json:"value"`
	}
	if err := c.Call(ctx, &newest, "getLatestBlockhash", at(Confirmed)); err != nil {
		return signed{}, err
	}
	limit := computebudget.NewSetComputeUnitLimitInstruction(computeLimit + c.sent.Add(1)).Build()
	tx, err := solana.NewTransaction(append([]solana.Instruction{limit}, instructions...), newest.Value.Blockhash, solana.TransactionPayer(c.payer.PublicKey()))
	if err != nil {
		return signed{}, err
	}
	keys := map[solana.PublicKey]*solana.PrivateKey{c.payer.PublicKey(): &c.payer}
	for i := range signers {
		keys[signers[i].PublicKey()] = &signers[i]
	}
	if _, err := tx.Sign(func(key solana.PublicKey) *solana.PrivateKey { return keys[key] }); err != nil {
		return signed{}, err
	}
	raw, err := tx.ToBase64()
	return signed{raw, tx.Signatures[0], newest.Value.Last}, err
}

// Await waits until a transaction that has not failed has reached a commitment.
func (c *Chain) Await(t TB, signature solana.Signature, commitment Commitment) {
	t.Helper()
	if err := c.await(t.Context(), signature, commitment); err != nil {
		t.Fatalf("%v", err)
	}
}

// FailedError is a transaction that landed and failed.
type FailedError struct {
	Signature solana.Signature
	Reason    json.RawMessage // the node's, for example {"InstructionError":[1,{"Custom":7}]}
}

func (e *FailedError) Error() string {
	return fmt.Sprintf("transaction %s failed: %s", e.Signature, e.Reason)
}

func (c *Chain) await(ctx context.Context, signature solana.Signature, commitment Commitment) error {
	return poll(ctx, fmt.Sprintf("transaction %s is not %s", signature, commitment), func(ctx context.Context) (bool, error) {
		return c.landed(ctx, signature, commitment)
	})
}

// landed reports whether a transaction has reached a commitment.
func (c *Chain) landed(ctx context.Context, signature solana.Signature, commitment Commitment) (bool, error) {
	var statuses struct {
		Value []*struct {
			Err        json.RawMessage `json:"err"`
			Commitment Commitment      `json:"confirmationStatus"`
		} `json:"value"`
	}
	if err := c.Call(ctx, &statuses, "getSignatureStatuses", []solana.Signature{signature}); err != nil {
		return false, err
	}
	if len(statuses.Value) != 1 || statuses.Value[0] == nil {
		return false, nil
	}
	status := statuses.Value[0]
	if len(status.Err) > 0 && string(status.Err) != "null" {
		return false, &FailedError{signature, status.Err}
	}
	switch commitment {
	case Finalized:
		return status.Commitment == Finalized, nil
	case Confirmed:
		return status.Commitment != Processed, nil
	default:
		return true, nil
	}
}
