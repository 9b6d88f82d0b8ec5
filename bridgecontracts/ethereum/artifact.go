package ethereum

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/bridgecontracts/ethereum/internal/bindings"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/validators"
)

//go:embed artifact.json
var artifactJSON []byte

// artifact is the compiled contract. Its runtime code holds 32 zero bytes at every
// offset of immutables, where a deployment has its own values.
var artifact = func() (a struct {
	Bytecode   hexutil.Bytes `json:"bytecode"`
	Runtime    hexutil.Bytes `json:"runtime"`
	Immutables []int         `json:"immutables"`
}) {
	if err := json.Unmarshal(artifactJSON, &a); err != nil {
		panic(fmt.Sprintf("ethereum: embedded artifact.json: %v; run make generate", err))
	}
	return a
}()

var contract = bindings.NewTrineBridge()

// Native is the native coin's address as a word (ERC-7528).
var Native = codec.LeftPad(common.HexToAddress("0xEeeeeEeeeEeEeeEeEeEeeEEEeeeeEeeeeeeeEEeE").Bytes())

// MaxTransfers is the largest batch that the contract takes: that many transfers fit
// into one transaction (EIP-7825) even if every one of them burns all the gas it gets.
const MaxTransfers = 32

// Gas that must be left before each call of an action, or the contract reverts: what the callee gets (400,000, 50,000 and
// 5,000,000), the 64th that EIP-150 holds back, and a margin for the call itself. None of it is spent that the callee does not use;
// an estimate by eth_estimateGas covers it.
const (
	TokenGas  = 400_000*64/63 + 45_000
	NativeGas = 50_000*64/63 + 250_000
	CallGas   = 5_000_000*64/63 + 250_000
)

// CAIP2 returns the chain's CAIP-2 id, e.g. "eip155:1".
func CAIP2(chainID uint64) string { return "eip155:" + strconv.FormatUint(chainID, 10) }

// Domain returns the domain of the bridge at an address.
func Domain(genesis codec.Hash, chainID uint64, bridge common.Address) bridgecontracts.Domain {
	return bridgecontracts.NewDomain(genesis, CAIP2(chainID), Word(bridge))
}

// Word returns an address as Trine has it.
func Word(a common.Address) codec.Hash { return codec.LeftPad(a[:]) }

// Address returns the address that a word holds, or an error if its upper 12 bytes are not zero.
func Address(w codec.Hash) (common.Address, error) {
	if [12]byte(w[:12]) != ([12]byte{}) {
		return common.Address{}, fmt.Errorf("%s is no address of an EVM chain: its upper 12 bytes are not zero", w)
	}
	return common.Address(w[12:]), nil
}

// ConstructorData returns what a transaction that deploys the bridge carries: the code and its arguments.
func ConstructorData(genesis codec.Hash, set *validators.Set) ([]byte, error) {
	if genesis.IsZero() {
		return nil, fmt.Errorf("deploy: the genesis hash is zero")
	}
	if err := set.Validate(); err != nil {
		return nil, fmt.Errorf("deploy: %w", err)
	}
	return slices.Concat(artifact.Bytecode, contract.PackConstructor(genesis, contractSet(set))), nil
}

// IsConstructor reports whether the data of a transaction that creates a contract is this version's constructor, with whatever
// arguments: its bytes end where the arguments begin, and all that it does is to check them and to store them.
func IsConstructor(data []byte) bool { return bytes.HasPrefix(data, artifact.Bytecode) }

// RuntimeCode returns the code that a deployed bridge has, with zeros in place of its immutables.
func RuntimeCode() []byte { return slices.Clone(artifact.Runtime) }

// CodeHash returns the hash of a bridge's runtime code with its immutables masked, by which attaching proves the code:
// it is the same for every deployment, and [ExpectedCodeHash] when the code is this version's. What the immutables hold
// is proven by the snapshot, which returns them. What else the deployer left behind (storage, allowances) is proven by
// [IsConstructor] alone.
func CodeHash(runtime []byte) (codec.Hash, error) {
	if len(runtime) != len(artifact.Runtime) {
		return codec.Hash{}, fmt.Errorf("the code has %d bytes, a bridge of this version %d", len(runtime), len(artifact.Runtime))
	}
	masked := slices.Clone(runtime)
	for _, at := range artifact.Immutables {
		clear(masked[at : at+32])
	}
	return codec.Keccak(masked), nil
}

// ExpectedCodeHash returns the CodeHash of every bridge of this version.
func ExpectedCodeHash() codec.Hash { return codec.Keccak(artifact.Runtime) }

func contractSet(s *validators.Set) bindings.ITrineBridgeValidatorSet {
	out := bindings.ITrineBridgeValidatorSet{
		Epoch:           s.Epoch,
		Processor:       common.Address(s.Processor),
		ApproversQuorum: uint8(s.ApproverQuorum), // Validate bounds it by MaxMembers
		ListenersQuorum: uint8(s.ListenerQuorum), // Validate bounds it by MaxMembers
	}
	for _, a := range s.Approvers {
		out.Approvers = append(out.Approvers, common.Address(a))
	}
	for _, a := range s.Listeners {
		out.Listeners = append(out.Listeners, common.Address(a))
	}
	return out
}
