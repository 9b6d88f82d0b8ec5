package solana

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/mr-tron/base58"

	contract "github.com/trinebridge/trine/bridgecontracts/solana"
	"github.com/trinebridge/trine/chain"
)

const signatureSize = 64

// address is an account in an answer. Its text is measured before it is decoded: base58 costs
// the square of its length.
type address contract.Key

// UnmarshalJSON reads base58.
func (a *address) UnmarshalJSON(raw []byte) error {
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return err
	}
	b, err := fromBase58(text, len(a))
	if err != nil {
		return err
	}
	if len(b) != len(a) {
		return fmt.Errorf("%q is no address: %d bytes", text, len(b))
	}
	copy(a[:], b)
	return nil
}

// fromBase58 decodes a text of at most so many bytes.
func fromBase58(text string, most int) ([]byte, error) {
	if len(text) > most*138/100+1 {
		return nil, fmt.Errorf("a base58 text of %d letters, where at most %d bytes can be", len(text), most)
	}
	return base58.Decode(text)
}

// parseSignature reads a transaction's id.
func parseSignature(tx string) error {
	if b, err := fromBase58(tx, signatureSize); err != nil || len(b) != signatureSize {
		return chain.Errorf(chain.Fatal, "transaction %.100q is no signature of 64 bytes in base58", tx)
	}
	return nil
}

// transactionWithMeta is a transaction in a block, as getTransaction and getBlock show it. The node decodes it: signatures
// and accounts look alike in transactions of every version, and anybody may use any version that the cluster has.
type transactionWithMeta struct {
	Slot        uint64 `json:"slot"` // not in getBlock
	Transaction *struct {
		Signatures []string `json:"signatures"`
		Message    struct {
			AccountKeys  []address     `json:"accountKeys"`
			Instructions []instruction `json:"instructions"`
		} `json:"message"`
	} `json:"transaction"`
	Meta *struct {
		Err               json.RawMessage `json:"err"`
		ComputeUnits      uint64          `json:"computeUnitsConsumed"`
		InnerInstructions []struct {
			Instructions []instruction `json:"instructions"`
		} `json:"innerInstructions"`
		LoadedAddresses struct {
			Writable []address `json:"writable"`
			Readonly []address `json:"readonly"`
		} `json:"loadedAddresses"`
	} `json:"meta"`
}

type instruction struct {
	Program  uint16   `json:"programIdIndex"`
	Accounts []uint16 `json:"accounts"`
	Data     string   `json:"data"`
}

// failed returns why the transaction failed, nil if it succeeded.
func (t *transactionWithMeta) failed() *failure {
	if t.Meta == nil || len(t.Meta.Err) == 0 || string(t.Meta.Err) == "null" {
		return nil
	}
	return parseFailure(t.Meta.Err)
}

// keys returns the transaction's id and all accounts that its instructions can name.
func (t *transactionWithMeta) keys() (id string, keys []contract.Key, err error) {
	if t.Meta == nil || t.Transaction == nil || len(t.Transaction.Signatures) == 0 {
		return "", nil, errors.New("a transaction without its outcome or its signatures")
	}
	id = t.Transaction.Signatures[0]
	if err := parseSignature(id); err != nil {
		return "", nil, err
	}
	for _, list := range [][]address{t.Transaction.Message.AccountKeys, t.Meta.LoadedAddresses.Writable, t.Meta.LoadedAddresses.Readonly} {
		for _, a := range list {
			keys = append(keys, contract.Key(a))
		}
	}
	return id, keys, nil
}

// idOf returns the id of a transaction of ours in wire form: its first signature, which comes after their count.
func idOf(raw []byte) (string, error) {
	if len(raw) < 1+signatureSize || raw[0] == 0 || raw[0] >= 0x80 {
		return "", fmt.Errorf("%d bytes are no signed transaction", len(raw))
	}
	return base58.Encode(raw[1 : 1+signatureSize]), nil
}

// sighting is an event and where it was seen.
type sighting struct {
	chain.LocatedEvent
	// previous is the slot of the event before it.
	previous uint64
}

// records returns the events that a transaction recorded. Only what the program itself recorded
// counts: an inner instruction of it, in a transaction that succeeded. Nobody else can make one,
// whatever stands beside it.
func (t *transactionWithMeta) records(program contract.Key, slot uint64) (id string, out []sighting, err error) {
	id, keys, err := t.keys()
	if err != nil || t.failed() != nil {
		return id, nil, err
	}
	for _, group := range t.Meta.InnerInstructions {
		for _, inner := range group.Instructions {
			if int(inner.Program) >= len(keys) {
				return id, nil, fmt.Errorf("an inner instruction of program %d among %d accounts", inner.Program, len(keys))
			}
			if keys[inner.Program] != program {
				continue
			}
			data, err := fromBase58(inner.Data, contract.MaxRecord)
			if err != nil || !contract.IsRecord(data) {
				continue // some program called the bridge
			}
			record, err := contract.DecodeRecord(data)
			if err != nil {
				return id, nil, err
			}
			out = append(out, sighting{chain.LocatedEvent{Event: record.Event, Tx: id, Block: slot}, record.Previous})
		}
	}
	return id, out, nil
}

// mentions reports whether the transaction names the account at all.
func (t *transactionWithMeta) mentions(account contract.Key) bool {
	_, keys, err := t.keys()
	if err != nil {
		return true // looked at, and complained about, by whoever reads its records
	}
	for _, k := range keys {
		if k == account {
			return true
		}
	}
	return false
}
