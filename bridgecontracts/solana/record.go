package solana

import (
	"fmt"

	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/signing"
)

const (
	keySize = 33 + 65
	// MaxRecord is the size of the largest record: a deposit with all keys.
	MaxRecord = 75 + 73 + bridgecontracts.MaxDepositKeys*keySize
)

// Record is what the program says of an event in the inner instruction that records it.
type Record struct {
	Event bridgecontracts.Event
	// Previous is the slot of the event before it, 0 for the first one.
	Previous uint64
	// After are the counters after it; its Slot is not set.
	After Mark
}

// DecodeRecord reads the data of a Record instruction. Only the exact bytes that the program writes are taken. That it was an
// inner instruction of this program in a transaction that succeeded is the caller's to check; then nobody else can have made it.
func DecodeRecord(data []byte) (*Record, error) {
	r := &reader{data: data}
	if tag := r.byte(); r.err == nil && tag != tagRecord {
		return nil, fmt.Errorf("an instruction with tag %d is no record", tag)
	}
	r.byte() // bump of the page
	kind := bridgecontracts.EventKind(r.byte())
	out := &Record{}
	out.After.EventID, out.Previous = r.uint64(), r.uint64()
	out.After.Head = r.head()
	out.After.NextAction, out.After.Epoch, out.After.PauseSequence, out.After.LimitVersion = r.uint64(), r.uint64(), r.uint64(), r.uint64()
	out.Event = bridgecontracts.Event{ID: out.After.EventID, Body: r.event(kind)}
	if err := r.end(); err != nil {
		return nil, fmt.Errorf("the record of event %d, kind %d: %w", out.After.EventID, kind, err)
	}
	if out.Event.ID == 0 {
		return nil, fmt.Errorf("a record of event 0; ids start at 1")
	}
	return out, nil
}

func (r *reader) amount() uint256.Int { return *uint256.NewInt(r.uint64()) }

func (r *reader) event(kind bridgecontracts.EventKind) bridgecontracts.EventBody {
	switch kind {
	case bridgecontracts.KindDeposited:
		return &bridgecontracts.Deposited{Wallet: r.word(), Token: r.word(), Amount: r.amount(), Keys: r.keys()}
	case bridgecontracts.KindActionExecuted:
		return &bridgecontracts.ActionExecuted{ActionID: r.uint64(), Digest: r.word(), Failed: r.word()}
	case bridgecontracts.KindSetRotated:
		return &bridgecontracts.SetRotated{Epoch: r.uint64(), SetHash: r.word()}
	case bridgecontracts.KindPaused:
		return &bridgecontracts.Paused{Sequence: r.uint64()}
	case bridgecontracts.KindUnpaused:
		return &bridgecontracts.Unpaused{Sequence: r.uint64()}
	case bridgecontracts.KindLimitSet:
		return &bridgecontracts.LimitSet{Sequence: r.uint64(), Token: r.word(), Capacity: r.amount(), Window: r.uint64()}
	case bridgecontracts.KindClaimed:
		return &bridgecontracts.Claimed{Token: r.word(), Recipient: r.word(), Amount: r.amount()}
	}
	r.fail("an event of this kind is not known")
	return nil
}

func (r *reader) keys() []bridgecontracts.KeyProof {
	count := int(r.byte())
	if count > bridgecontracts.MaxDepositKeys {
		r.fail("%d keys; at most %d are possible", count, bridgecontracts.MaxDepositKeys)
		return nil
	}
	var out []bridgecontracts.KeyProof
	for range count {
		out = append(out, bridgecontracts.KeyProof{Key: signing.PublicKey(r.take(33)), Signature: signing.Signature(r.take(65))})
	}
	return out
}

// IsRecord reports whether an instruction's data claims to be a record.
func IsRecord(data []byte) bool { return len(data) > 0 && data[0] == tagRecord }
