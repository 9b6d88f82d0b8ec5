package ethereum

import (
	"fmt"
	"strings"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common"
)

// Names of the errors by which the contract refuses, as far as callers act on them. All are in ITrineBridge.sol.
const (
	ErrWrongActionID   = "WrongActionId" // expected, given: done already if given is lower
	ErrBridgePaused    = "BridgePaused"
	ErrLimitExceeded   = "LimitExceeded"
	ErrNotEnoughGas    = "NotEnoughGas"
	ErrWrongSet        = "WrongSet"
	ErrWrongSequence   = "WrongSequence"
	ErrEpochNotHigher  = "EpochNotHigher"
	ErrWrongPauseState = "WrongPauseState"
)

// Revert is an error that the contract returned: its name, and its values under the names that ITrineBridge.sol gives them.
// The values are uint8 … uint64, *big.Int, common.Address, [32]byte, bool or string.
type Revert struct {
	Name   string
	Fields []RevertField
}

// RevertField is one value of a [Revert].
type RevertField struct {
	Name  string
	Value any
}

// Error names the error and its values.
func (r *Revert) Error() string {
	parts := make([]string, len(r.Fields))
	for i, f := range r.Fields {
		value := f.Value
		if word, ok := value.([32]byte); ok {
			value = common.Hash(word)
		}
		parts[i] = fmt.Sprintf("%s: %v", f.Name, value)
	}
	return fmt.Sprintf("the bridge refused: %s(%s)", r.Name, strings.Join(parts, ", "))
}

// Field returns the value of a field, or nil.
func (r *Revert) Field(name string) any {
	for _, f := range r.Fields {
		if f.Name == name {
			return f.Value
		}
	}
	return nil
}

// shown bounds what is kept of a revert that others have written.
const shown = 256

// DecodeRevert reads revert data. Data that is no error of the contract (a token's own error that a deposit or a claim
// passed on, or nothing) gives a [Revert] named Unknown with the data in hex. Of what others wrote the first 256 bytes or
// letters are kept, in a form that no terminal obeys.
func DecodeRevert(data []byte) *Revert {
	if reason, err := abi.UnpackRevert(data); err == nil {
		return &Revert{Name: "Error", Fields: []RevertField{{"reason", fmt.Sprintf("%.*q", shown, reason)}}}
	}
	for _, e := range contract.GetABI().Errors {
		if len(data) < 4 || [4]byte(data) != [4]byte(e.ID[:4]) {
			continue
		}
		if len(data) != 4+len(e.Inputs)*wordSize { // every field of every error is one word
			break
		}
		values, err := e.Inputs.Unpack(data[4:])
		if err != nil {
			break
		}
		r := &Revert{Name: e.Name}
		for i, input := range e.Inputs {
			r.Fields = append(r.Fields, RevertField{input.Name, values[i]})
		}
		return r
	}
	text := fmt.Sprintf("0x%x", data[:min(len(data), shown)])
	return &Revert{Name: "Unknown", Fields: []RevertField{{"data", text}}}
}
