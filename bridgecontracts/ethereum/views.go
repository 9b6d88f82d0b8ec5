package ethereum

import (
	"fmt"

	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/bridgecontracts/ethereum/internal/bindings"
	"github.com/trinebridge/trine/codec"
)

// Snapshot is everything that counts in a bridge, read at one block.
type Snapshot struct {
	Genesis       codec.Hash
	Domain        bridgecontracts.Domain
	ChainID       uint64
	Head          bridgecontracts.Head
	EventID       uint64 // newest event, 0 before the first
	Epoch         uint64
	SetHash       codec.Hash
	NextActionID  uint64
	PauseSequence uint64 // odd: paused
	LimitVersion  uint64
	Paused        bool
}

// Limit is a token's outflow limit, its level leaked to the block that was asked.
type Limit struct {
	Capacity uint256.Int
	Level    uint256.Int
	Window   uint64 // seconds; 0: no limit
}

// PackSnapshot returns the call of a [Snapshot].
func PackSnapshot() []byte { return contract.PackSnapshot() }

// UnpackSnapshot reads what the call returned.
func UnpackSnapshot(data []byte) (Snapshot, error) {
	s, err := unpack("snapshot", 11, data, contract.UnpackSnapshot)
	if err != nil {
		return Snapshot{}, err
	}
	if !s.ChainId.IsUint64() {
		return Snapshot{}, fmt.Errorf("snapshot: chain id %s is no 64-bit number", s.ChainId)
	}
	return snapshotOf(&s), nil
}

func snapshotOf(s *bindings.ITrineBridgeSnapshot) Snapshot {
	return Snapshot{
		Genesis: s.GenesisHash, Domain: s.Domain, ChainID: s.ChainId.Uint64(), Head: s.Head, EventID: s.EventId, Epoch: s.Epoch,
		SetHash: s.SetHash, NextActionID: s.NextActionId, PauseSequence: s.PauseSequence, LimitVersion: s.LimitVersion, Paused: s.Paused,
	}
}

// PackLimit returns the call of a token's [Limit].
func PackLimit(token codec.Hash) ([]byte, error) {
	address, err := Address(token)
	if err != nil {
		return nil, fmt.Errorf("limit: token: %w", err)
	}
	return contract.TryPackLimit(address)
}

// UnpackLimit reads what the call returned.
func UnpackLimit(data []byte) (Limit, error) {
	l, err := unpack("limit", 3, data, contract.UnpackLimit)
	if err != nil {
		return Limit{}, err
	}
	if !l.Window.IsUint64() {
		return Limit{}, fmt.Errorf("limit: window %s is no 64-bit number", l.Window)
	}
	return Limit{Capacity: *uint256.MustFromBig(l.Capacity), Level: *uint256.MustFromBig(l.Level), Window: l.Window.Uint64()}, nil
}

// PackClaimable returns the call that asks what failed transfers of a token left for a recipient.
func PackClaimable(token, recipient codec.Hash) ([]byte, error) {
	t, err := Address(token)
	if err != nil {
		return nil, fmt.Errorf("claimable: token: %w", err)
	}
	r, err := Address(recipient)
	if err != nil {
		return nil, fmt.Errorf("claimable: recipient: %w", err)
	}
	return contract.TryPackClaimable(t, r)
}

// UnpackClaimable reads what the call returned.
func UnpackClaimable(data []byte) (uint256.Int, error) {
	amount, err := unpack("claimable", 1, data, contract.UnpackClaimable)
	if err != nil {
		return uint256.Int{}, err
	}
	return *uint256.MustFromBig(amount), nil
}

// unpack reads the return data of a view, which is so many words and nothing else.
func unpack[T any](name string, words int, data []byte, read func([]byte) (T, error)) (out T, err error) {
	if len(data) == 0 {
		return out, fmt.Errorf("%s: the call returned nothing: there is no contract at this address", name)
	}
	if len(data) != words*wordSize {
		return out, fmt.Errorf("%s: the call returned %d bytes, want %d: the contract there is no bridge of this version", name, len(data), words*wordSize)
	}
	if out, err = read(data); err != nil {
		return out, fmt.Errorf("%s: %w", name, err)
	}
	return out, nil
}
