package solana

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	contract "github.com/trinebridge/trine/bridgecontracts/solana"
	"github.com/trinebridge/trine/chain"
)

// deployTag is the loader's instruction that makes a program of a buffer. It makes the program's ProgramData account too, so it
// happens once for a program's address; whatever comes later is an upgrade.
const deployTag = 2

// first checks that a program's code is the first it ever had. The loader keeps the slot in which the code was last put there,
// so the program was deployed in that slot, not upgraded. Otherwise other code may have left accounts that this code believes:
// a buffer with everybody's signatures, or a claim.
func (s *Source) first(ctx context.Context, data contract.Key, slot uint64) error {
	if slot == 0 || s.proven.Load() { // a cluster of tests begins with its programs
		return nil
	}
	b, err := s.node.block(ctx, slot, true)
	if errors.Is(err, errSkipped) || errors.Is(err, errNoBlock) {
		return s.fault(chain.Retry, fmt.Errorf("the endpoint does not have the block of slot %d any more, in which the program's code was put there; one that keeps older blocks is needed to see that it was the first: %w", slot, err))
	}
	if err != nil {
		return err
	}
	for i := range b.Transactions {
		if b.Transactions[i].deploys(data) {
			s.proven.Store(true)
			return nil
		}
	}
	return s.fault(chain.Fatal, fmt.Errorf("its program was not deployed in slot %d, in which its code was put there, but upgraded: the code before may have left anything in the bridge's accounts", slot))
}

// deploys reports whether a transaction made a ProgramData account.
func (t *transactionWithMeta) deploys(data contract.Key) bool {
	_, keys, err := t.keys()
	if err != nil || t.failed() != nil {
		return false
	}
	list := t.Transaction.Message.Instructions
	for _, group := range t.Meta.InnerInstructions {
		list = append(list[:len(list):len(list)], group.Instructions...)
	}
	key := func(index uint16) contract.Key {
		if int(index) < len(keys) {
			return keys[index]
		}
		return contract.Key{}
	}
	for _, i := range list {
		if key(i.Program) != contract.LoaderProgram || len(i.Accounts) < 2 || key(i.Accounts[1]) != data {
			continue
		}
		if content, err := fromBase58(i.Data, maxLoaderData); err == nil && len(content) >= 4 && binary.LittleEndian.Uint32(content) == deployTag {
			return true
		}
	}
	return false
}

// maxLoaderData is what a deployment's data have at most, in bytes: number, length of the code, a switch.
const maxLoaderData = 13
