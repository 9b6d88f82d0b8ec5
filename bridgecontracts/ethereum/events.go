package ethereum

import (
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/codec"
)

const (
	wordSize     = 32
	keyEntrySize = 33 + 65
)

// eventTopics are the first topics of the bridge's events, by kind.
var eventTopics = map[bridgecontracts.EventKind]common.Hash{
	bridgecontracts.KindDeposited:      contract.GetABI().Events["Deposited"].ID,
	bridgecontracts.KindActionExecuted: contract.GetABI().Events["ActionExecuted"].ID,
	bridgecontracts.KindSetRotated:     contract.GetABI().Events["SetRotated"].ID,
	bridgecontracts.KindPaused:         contract.GetABI().Events["Paused"].ID,
	bridgecontracts.KindUnpaused:       contract.GetABI().Events["Unpaused"].ID,
	bridgecontracts.KindLimitSet:       contract.GetABI().Events["LimitSet"].ID,
	bridgecontracts.KindClaimed:        contract.GetABI().Events["Claimed"].ID,
}

// EventTopics returns the first topics of all events, in the order of their kinds: the first position of a log filter.
// The second topic is the event id, see [EventIDTopic].
func EventTopics() []common.Hash {
	topics := make([]common.Hash, 0, len(eventTopics))
	for kind := bridgecontracts.KindDeposited; kind <= bridgecontracts.KindClaimed; kind++ {
		topics = append(topics, eventTopics[kind])
	}
	return topics
}

// DeployedTopic returns the first topic of the log that the constructor leaves. It has no event id and is no event of the bridge.
func DeployedTopic() common.Hash { return contract.GetABI().Events["Deployed"].ID }

// EventIDTopic returns the second topic of the event with this id.
func EventIDTopic(id uint64) common.Hash { return common.Hash(codec.Uint64Word(id)) }

// DecodeEvent reads an event from a log of the bridge. Only the exact bytes that the contract emits are taken; whose log it
// is and whether it was removed is the caller's to check, whether it is true shows in the head.
func DecodeEvent(log *types.Log) (bridgecontracts.Event, error) {
	if len(log.Topics) != 2 {
		return bridgecontracts.Event{}, fmt.Errorf("a log with %d topics is no bridge event: it has 2", len(log.Topics))
	}
	for kind, topic := range eventTopics {
		if topic != log.Topics[0] {
			continue
		}
		r := &reader{words: log.Data}
		id := r.uint64Word(codec.Hash(log.Topics[1]))
		body := r.event(kind)
		if r.err == nil && len(r.words) != 0 {
			r.err = fmt.Errorf("%d bytes too many", len(r.words))
		}
		if r.err != nil {
			return bridgecontracts.Event{}, fmt.Errorf("event of kind %d with id %s: %w", kind, log.Topics[1], r.err)
		}
		return bridgecontracts.Event{ID: id, Body: body}, nil
	}
	return bridgecontracts.Event{}, fmt.Errorf("topic %s is no bridge event", log.Topics[0])
}

// reader takes words from the front of a log's data and remembers the first fault.
type reader struct {
	words []byte
	err   error
}

func (r *reader) event(kind bridgecontracts.EventKind) bridgecontracts.EventBody {
	switch kind {
	case bridgecontracts.KindDeposited:
		e := &bridgecontracts.Deposited{Wallet: r.address(), Token: r.address(), Amount: r.amount()}
		e.Keys = r.keys()
		return e
	case bridgecontracts.KindActionExecuted:
		return &bridgecontracts.ActionExecuted{ActionID: r.uint64(), Digest: r.word(), Failed: r.word()}
	case bridgecontracts.KindSetRotated:
		return &bridgecontracts.SetRotated{Epoch: r.uint64(), SetHash: r.word()}
	case bridgecontracts.KindPaused:
		return &bridgecontracts.Paused{Sequence: r.uint64()}
	case bridgecontracts.KindUnpaused:
		return &bridgecontracts.Unpaused{Sequence: r.uint64()}
	case bridgecontracts.KindLimitSet:
		return &bridgecontracts.LimitSet{Sequence: r.uint64(), Token: r.address(), Capacity: r.amount(), Window: r.uint64()}
	default:
		return &bridgecontracts.Claimed{Token: r.address(), Recipient: r.address(), Amount: r.amount()}
	}
}

func (r *reader) word() (w codec.Hash) {
	if len(r.words) < wordSize {
		if r.err == nil {
			r.err = fmt.Errorf("its data ends too early")
		}
		r.words = nil
		return w
	}
	w = codec.Hash(r.words[:wordSize])
	r.words = r.words[wordSize:]
	return w
}

func (r *reader) address() codec.Hash {
	w := r.word()
	if _, err := Address(w); err != nil && r.err == nil {
		r.err = err
	}
	return w
}

func (r *reader) amount() uint256.Int {
	w := r.word()
	return *new(uint256.Int).SetBytes32(w[:])
}

func (r *reader) uint64() uint64 { return r.uint64Word(r.word()) }

func (r *reader) uint64Word(w codec.Hash) uint64 {
	n := new(big.Int).SetBytes(w[:])
	if !n.IsUint64() && r.err == nil {
		r.err = fmt.Errorf("%s is no 64-bit number", w)
	}
	return n.Uint64()
}

// keys reads the tail of a Deposited event: offset, length, entries, zeros up to a whole word.
func (r *reader) keys() []bridgecontracts.KeyProof {
	offset, length := r.uint64(), r.uint64()
	if r.err != nil {
		return nil
	}
	if offset != 4*wordSize || length%keyEntrySize != 0 || length > bridgecontracts.MaxDepositKeys*keyEntrySize {
		r.err = fmt.Errorf("keys at %d with %d bytes; want %d and up to %d entries of %d", offset, length, 4*wordSize,
			bridgecontracts.MaxDepositKeys, keyEntrySize)
		return nil
	}
	padded := (length + wordSize - 1) / wordSize * wordSize
	if uint64(len(r.words)) < padded {
		r.err = fmt.Errorf("%d bytes of keys, of %d", len(r.words), padded)
		return nil
	}
	for _, b := range r.words[length:padded] {
		if b != 0 {
			r.err = fmt.Errorf("keys are not padded with zeros")
			return nil
		}
	}
	var keys []bridgecontracts.KeyProof
	for entry := r.words[:length]; len(entry) > 0; entry = entry[keyEntrySize:] {
		var k bridgecontracts.KeyProof
		copy(k.Key[:], entry)
		copy(k.Signature[:], entry[len(k.Key):])
		keys = append(keys, k)
	}
	r.words = r.words[padded:]
	return keys
}
