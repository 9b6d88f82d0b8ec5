// Code generated via abigen V2 - DO NOT EDIT.
// This file is a generated binding and any manual changes will be lost.

package bindings

import (
	"bytes"
	"errors"
	"math/big"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/accounts/abi/bind/v2"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
)

// Reference imports to suppress errors if they are not otherwise used.
var (
	_ = bytes.Equal
	_ = errors.New
	_ = big.NewInt
	_ = common.Big1
	_ = types.BloomLookup
	_ = abi.ConvertType
)

// ITrineBridgeSnapshot is an auto generated low-level Go binding around an user-defined struct.
type ITrineBridgeSnapshot struct {
	GenesisHash   [32]byte
	Domain        [32]byte
	ChainId       *big.Int
	Head          [32]byte
	EventId       uint64
	Epoch         uint64
	SetHash       [32]byte
	NextActionId  uint64
	PauseSequence uint64
	LimitVersion  uint64
	Paused        bool
}

// ITrineBridgeTransfer is an auto generated low-level Go binding around an user-defined struct.
type ITrineBridgeTransfer struct {
	Token     common.Address
	Recipient common.Address
	Amount    *big.Int
}

// ITrineBridgeValidatorSet is an auto generated low-level Go binding around an user-defined struct.
type ITrineBridgeValidatorSet struct {
	Epoch           uint64
	Processor       common.Address
	ApproversQuorum uint8
	Approvers       []common.Address
	ListenersQuorum uint8
	Listeners       []common.Address
}

// TrineBridgeMetaData contains all meta data concerning the TrineBridge contract.
var TrineBridgeMetaData = bind.MetaData{
	ABI: "[{\"type\":\"constructor\",\"inputs\":[{\"name\":\"genesisHash\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"},{\"name\":\"first\",\"type\":\"tuple\",\"internalType\":\"structITrineBridge.ValidatorSet\",\"components\":[{\"name\":\"epoch\",\"type\":\"uint64\",\"internalType\":\"uint64\"},{\"name\":\"processor\",\"type\":\"address\",\"internalType\":\"address\"},{\"name\":\"approversQuorum\",\"type\":\"uint8\",\"internalType\":\"uint8\"},{\"name\":\"approvers\",\"type\":\"address[]\",\"internalType\":\"address[]\"},{\"name\":\"listenersQuorum\",\"type\":\"uint8\",\"internalType\":\"uint8\"},{\"name\":\"listeners\",\"type\":\"address[]\",\"internalType\":\"address[]\"}]}],\"stateMutability\":\"nonpayable\"},{\"type\":\"receive\",\"stateMutability\":\"payable\"},{\"type\":\"function\",\"name\":\"MOST_TRANSFERS\",\"inputs\":[],\"outputs\":[{\"name\":\"\",\"type\":\"uint256\",\"internalType\":\"uint256\"}],\"stateMutability\":\"view\"},{\"type\":\"function\",\"name\":\"NATIVE\",\"inputs\":[],\"outputs\":[{\"name\":\"\",\"type\":\"address\",\"internalType\":\"address\"}],\"stateMutability\":\"view\"},{\"type\":\"function\",\"name\":\"claim\",\"inputs\":[{\"name\":\"token\",\"type\":\"address\",\"internalType\":\"address\"},{\"name\":\"recipient\",\"type\":\"address\",\"internalType\":\"address\"},{\"name\":\"to\",\"type\":\"address\",\"internalType\":\"address\"}],\"outputs\":[],\"stateMutability\":\"nonpayable\"},{\"type\":\"function\",\"name\":\"claimable\",\"inputs\":[{\"name\":\"token\",\"type\":\"address\",\"internalType\":\"address\"},{\"name\":\"recipient\",\"type\":\"address\",\"internalType\":\"address\"}],\"outputs\":[{\"name\":\"\",\"type\":\"uint256\",\"internalType\":\"uint256\"}],\"stateMutability\":\"view\"},{\"type\":\"function\",\"name\":\"deposit\",\"inputs\":[{\"name\":\"token\",\"type\":\"address\",\"internalType\":\"address\"},{\"name\":\"amount\",\"type\":\"uint256\",\"internalType\":\"uint256\"},{\"name\":\"keys\",\"type\":\"bytes\",\"internalType\":\"bytes\"}],\"outputs\":[],\"stateMutability\":\"payable\"},{\"type\":\"function\",\"name\":\"executeCall\",\"inputs\":[{\"name\":\"actionId\",\"type\":\"uint64\",\"internalType\":\"uint64\"},{\"name\":\"target\",\"type\":\"address\",\"internalType\":\"address\"},{\"name\":\"value\",\"type\":\"uint256\",\"internalType\":\"uint256\"},{\"name\":\"data\",\"type\":\"bytes\",\"internalType\":\"bytes\"},{\"name\":\"seal\",\"type\":\"bytes\",\"internalType\":\"bytes\"}],\"outputs\":[],\"stateMutability\":\"nonpayable\"},{\"type\":\"function\",\"name\":\"executeNoop\",\"inputs\":[{\"name\":\"actionId\",\"type\":\"uint64\",\"internalType\":\"uint64\"},{\"name\":\"seal\",\"type\":\"bytes\",\"internalType\":\"bytes\"}],\"outputs\":[],\"stateMutability\":\"nonpayable\"},{\"type\":\"function\",\"name\":\"executeTransfers\",\"inputs\":[{\"name\":\"actionId\",\"type\":\"uint64\",\"internalType\":\"uint64\"},{\"name\":\"transfers\",\"type\":\"tuple[]\",\"internalType\":\"structITrineBridge.Transfer[]\",\"components\":[{\"name\":\"token\",\"type\":\"address\",\"internalType\":\"address\"},{\"name\":\"recipient\",\"type\":\"address\",\"internalType\":\"address\"},{\"name\":\"amount\",\"type\":\"uint256\",\"internalType\":\"uint256\"}]},{\"name\":\"seal\",\"type\":\"bytes\",\"internalType\":\"bytes\"}],\"outputs\":[],\"stateMutability\":\"nonpayable\"},{\"type\":\"function\",\"name\":\"limit\",\"inputs\":[{\"name\":\"token\",\"type\":\"address\",\"internalType\":\"address\"}],\"outputs\":[{\"name\":\"capacity\",\"type\":\"uint256\",\"internalType\":\"uint256\"},{\"name\":\"level\",\"type\":\"uint256\",\"internalType\":\"uint256\"},{\"name\":\"window\",\"type\":\"uint256\",\"internalType\":\"uint256\"}],\"stateMutability\":\"view\"},{\"type\":\"function\",\"name\":\"pause\",\"inputs\":[{\"name\":\"sequence\",\"type\":\"uint64\",\"internalType\":\"uint64\"},{\"name\":\"seal\",\"type\":\"bytes\",\"internalType\":\"bytes\"}],\"outputs\":[],\"stateMutability\":\"nonpayable\"},{\"type\":\"function\",\"name\":\"rotate\",\"inputs\":[{\"name\":\"next\",\"type\":\"tuple\",\"internalType\":\"structITrineBridge.ValidatorSet\",\"components\":[{\"name\":\"epoch\",\"type\":\"uint64\",\"internalType\":\"uint64\"},{\"name\":\"processor\",\"type\":\"address\",\"internalType\":\"address\"},{\"name\":\"approversQuorum\",\"type\":\"uint8\",\"internalType\":\"uint8\"},{\"name\":\"approvers\",\"type\":\"address[]\",\"internalType\":\"address[]\"},{\"name\":\"listenersQuorum\",\"type\":\"uint8\",\"internalType\":\"uint8\"},{\"name\":\"listeners\",\"type\":\"address[]\",\"internalType\":\"address[]\"}]},{\"name\":\"seal\",\"type\":\"bytes\",\"internalType\":\"bytes\"}],\"outputs\":[],\"stateMutability\":\"nonpayable\"},{\"type\":\"function\",\"name\":\"setLimit\",\"inputs\":[{\"name\":\"sequence\",\"type\":\"uint64\",\"internalType\":\"uint64\"},{\"name\":\"token\",\"type\":\"address\",\"internalType\":\"address\"},{\"name\":\"capacity\",\"type\":\"uint256\",\"internalType\":\"uint256\"},{\"name\":\"window\",\"type\":\"uint256\",\"internalType\":\"uint256\"},{\"name\":\"seal\",\"type\":\"bytes\",\"internalType\":\"bytes\"}],\"outputs\":[],\"stateMutability\":\"nonpayable\"},{\"type\":\"function\",\"name\":\"snapshot\",\"inputs\":[],\"outputs\":[{\"name\":\"\",\"type\":\"tuple\",\"internalType\":\"structITrineBridge.Snapshot\",\"components\":[{\"name\":\"genesisHash\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"},{\"name\":\"domain\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"},{\"name\":\"chainId\",\"type\":\"uint256\",\"internalType\":\"uint256\"},{\"name\":\"head\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"},{\"name\":\"eventId\",\"type\":\"uint64\",\"internalType\":\"uint64\"},{\"name\":\"epoch\",\"type\":\"uint64\",\"internalType\":\"uint64\"},{\"name\":\"setHash\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"},{\"name\":\"nextActionId\",\"type\":\"uint64\",\"internalType\":\"uint64\"},{\"name\":\"pauseSequence\",\"type\":\"uint64\",\"internalType\":\"uint64\"},{\"name\":\"limitVersion\",\"type\":\"uint64\",\"internalType\":\"uint64\"},{\"name\":\"paused\",\"type\":\"bool\",\"internalType\":\"bool\"}]}],\"stateMutability\":\"view\"},{\"type\":\"function\",\"name\":\"unpause\",\"inputs\":[{\"name\":\"sequence\",\"type\":\"uint64\",\"internalType\":\"uint64\"},{\"name\":\"seal\",\"type\":\"bytes\",\"internalType\":\"bytes\"}],\"outputs\":[],\"stateMutability\":\"nonpayable\"},{\"type\":\"event\",\"name\":\"ActionExecuted\",\"inputs\":[{\"name\":\"id\",\"type\":\"uint64\",\"indexed\":true,\"internalType\":\"uint64\"},{\"name\":\"actionId\",\"type\":\"uint64\",\"indexed\":false,\"internalType\":\"uint64\"},{\"name\":\"digest\",\"type\":\"bytes32\",\"indexed\":false,\"internalType\":\"bytes32\"},{\"name\":\"failed\",\"type\":\"uint256\",\"indexed\":false,\"internalType\":\"uint256\"}],\"anonymous\":false},{\"type\":\"event\",\"name\":\"Claimed\",\"inputs\":[{\"name\":\"id\",\"type\":\"uint64\",\"indexed\":true,\"internalType\":\"uint64\"},{\"name\":\"token\",\"type\":\"address\",\"indexed\":false,\"internalType\":\"address\"},{\"name\":\"recipient\",\"type\":\"address\",\"indexed\":false,\"internalType\":\"address\"},{\"name\":\"amount\",\"type\":\"uint256\",\"indexed\":false,\"internalType\":\"uint256\"}],\"anonymous\":false},{\"type\":\"event\",\"name\":\"Deployed\",\"inputs\":[{\"name\":\"genesisHash\",\"type\":\"bytes32\",\"indexed\":false,\"internalType\":\"bytes32\"},{\"name\":\"setHash\",\"type\":\"bytes32\",\"indexed\":false,\"internalType\":\"bytes32\"}],\"anonymous\":false},{\"type\":\"event\",\"name\":\"Deposited\",\"inputs\":[{\"name\":\"id\",\"type\":\"uint64\",\"indexed\":true,\"internalType\":\"uint64\"},{\"name\":\"wallet\",\"type\":\"address\",\"indexed\":false,\"internalType\":\"address\"},{\"name\":\"token\",\"type\":\"address\",\"indexed\":false,\"internalType\":\"address\"},{\"name\":\"amount\",\"type\":\"uint256\",\"indexed\":false,\"internalType\":\"uint256\"},{\"name\":\"keys\",\"type\":\"bytes\",\"indexed\":false,\"internalType\":\"bytes\"}],\"anonymous\":false},{\"type\":\"event\",\"name\":\"LimitSet\",\"inputs\":[{\"name\":\"id\",\"type\":\"uint64\",\"indexed\":true,\"internalType\":\"uint64\"},{\"name\":\"sequence\",\"type\":\"uint64\",\"indexed\":false,\"internalType\":\"uint64\"},{\"name\":\"token\",\"type\":\"address\",\"indexed\":false,\"internalType\":\"address\"},{\"name\":\"capacity\",\"type\":\"uint256\",\"indexed\":false,\"internalType\":\"uint256\"},{\"name\":\"window\",\"type\":\"uint256\",\"indexed\":false,\"internalType\":\"uint256\"}],\"anonymous\":false},{\"type\":\"event\",\"name\":\"Paused\",\"inputs\":[{\"name\":\"id\",\"type\":\"uint64\",\"indexed\":true,\"internalType\":\"uint64\"},{\"name\":\"sequence\",\"type\":\"uint64\",\"indexed\":false,\"internalType\":\"uint64\"}],\"anonymous\":false},{\"type\":\"event\",\"name\":\"SetRotated\",\"inputs\":[{\"name\":\"id\",\"type\":\"uint64\",\"indexed\":true,\"internalType\":\"uint64\"},{\"name\":\"epoch\",\"type\":\"uint64\",\"indexed\":false,\"internalType\":\"uint64\"},{\"name\":\"setHash\",\"type\":\"bytes32\",\"indexed\":false,\"internalType\":\"bytes32\"}],\"anonymous\":false},{\"type\":\"event\",\"name\":\"Unpaused\",\"inputs\":[{\"name\":\"id\",\"type\":\"uint64\",\"indexed\":true,\"internalType\":\"uint64\"},{\"name\":\"sequence\",\"type\":\"uint64\",\"indexed\":false,\"internalType\":\"uint64\"}],\"anonymous\":false},{\"type\":\"error\",\"name\":\"BadDestination\",\"inputs\":[{\"name\":\"to\",\"type\":\"address\",\"internalType\":\"address\"}]},{\"type\":\"error\",\"name\":\"BadGroups\",\"inputs\":[{\"name\":\"mask\",\"type\":\"uint256\",\"internalType\":\"uint256\"}]},{\"type\":\"error\",\"name\":\"BadKeysLength\",\"inputs\":[{\"name\":\"length\",\"type\":\"uint256\",\"internalType\":\"uint256\"}]},{\"type\":\"error\",\"name\":\"BadLimit\",\"inputs\":[{\"name\":\"capacity\",\"type\":\"uint256\",\"internalType\":\"uint256\"},{\"name\":\"window\",\"type\":\"uint256\",\"internalType\":\"uint256\"}]},{\"type\":\"error\",\"name\":\"BadQuorum\",\"inputs\":[{\"name\":\"quorum\",\"type\":\"uint256\",\"internalType\":\"uint256\"},{\"name\":\"members\",\"type\":\"uint256\",\"internalType\":\"uint256\"}]},{\"type\":\"error\",\"name\":\"BadSealLength\",\"inputs\":[{\"name\":\"expected\",\"type\":\"uint256\",\"internalType\":\"uint256\"},{\"name\":\"given\",\"type\":\"uint256\",\"internalType\":\"uint256\"}]},{\"type\":\"error\",\"name\":\"BridgePaused\",\"inputs\":[{\"name\":\"sequence\",\"type\":\"uint64\",\"internalType\":\"uint64\"}]},{\"type\":\"error\",\"name\":\"EpochNotHigher\",\"inputs\":[{\"name\":\"held\",\"type\":\"uint64\",\"internalType\":\"uint64\"},{\"name\":\"given\",\"type\":\"uint64\",\"internalType\":\"uint64\"}]},{\"type\":\"error\",\"name\":\"FailedCall\",\"inputs\":[]},{\"type\":\"error\",\"name\":\"HighS\",\"inputs\":[{\"name\":\"s\",\"type\":\"uint256\",\"internalType\":\"uint256\"}]},{\"type\":\"error\",\"name\":\"InsufficientBalance\",\"inputs\":[{\"name\":\"balance\",\"type\":\"uint256\",\"internalType\":\"uint256\"},{\"name\":\"needed\",\"type\":\"uint256\",\"internalType\":\"uint256\"}]},{\"type\":\"error\",\"name\":\"LimitExceeded\",\"inputs\":[{\"name\":\"token\",\"type\":\"address\",\"internalType\":\"address\"},{\"name\":\"index\",\"type\":\"uint256\",\"internalType\":\"uint256\"},{\"name\":\"amount\",\"type\":\"uint256\",\"internalType\":\"uint256\"},{\"name\":\"room\",\"type\":\"uint256\",\"internalType\":\"uint256\"}]},{\"type\":\"error\",\"name\":\"MembersNotAscending\",\"inputs\":[{\"name\":\"previous\",\"type\":\"address\",\"internalType\":\"address\"},{\"name\":\"member\",\"type\":\"address\",\"internalType\":\"address\"}]},{\"type\":\"error\",\"name\":\"NoSuchMember\",\"inputs\":[{\"name\":\"index\",\"type\":\"uint256\",\"internalType\":\"uint256\"},{\"name\":\"count\",\"type\":\"uint256\",\"internalType\":\"uint256\"}]},{\"type\":\"error\",\"name\":\"NotEnoughGas\",\"inputs\":[{\"name\":\"needed\",\"type\":\"uint256\",\"internalType\":\"uint256\"},{\"name\":\"left\",\"type\":\"uint256\",\"internalType\":\"uint256\"}]},{\"type\":\"error\",\"name\":\"NotRecipient\",\"inputs\":[{\"name\":\"recipient\",\"type\":\"address\",\"internalType\":\"address\"},{\"name\":\"caller\",\"type\":\"address\",\"internalType\":\"address\"}]},{\"type\":\"error\",\"name\":\"NothingReceived\",\"inputs\":[{\"name\":\"token\",\"type\":\"address\",\"internalType\":\"address\"},{\"name\":\"balanceBefore\",\"type\":\"uint256\",\"internalType\":\"uint256\"},{\"name\":\"balanceAfter\",\"type\":\"uint256\",\"internalType\":\"uint256\"}]},{\"type\":\"error\",\"name\":\"NothingToClaim\",\"inputs\":[{\"name\":\"token\",\"type\":\"address\",\"internalType\":\"address\"},{\"name\":\"recipient\",\"type\":\"address\",\"internalType\":\"address\"}]},{\"type\":\"error\",\"name\":\"ReentrancyGuardReentrantCall\",\"inputs\":[]},{\"type\":\"error\",\"name\":\"SafeERC20FailedOperation\",\"inputs\":[{\"name\":\"token\",\"type\":\"address\",\"internalType\":\"address\"}]},{\"type\":\"error\",\"name\":\"SecondSeat\",\"inputs\":[{\"name\":\"member\",\"type\":\"address\",\"internalType\":\"address\"}]},{\"type\":\"error\",\"name\":\"SignersNotAscending\",\"inputs\":[{\"name\":\"previous\",\"type\":\"uint256\",\"internalType\":\"uint256\"},{\"name\":\"index\",\"type\":\"uint256\",\"internalType\":\"uint256\"}]},{\"type\":\"error\",\"name\":\"TooManyTransfers\",\"inputs\":[{\"name\":\"most\",\"type\":\"uint256\",\"internalType\":\"uint256\"},{\"name\":\"given\",\"type\":\"uint256\",\"internalType\":\"uint256\"}]},{\"type\":\"error\",\"name\":\"WrongActionId\",\"inputs\":[{\"name\":\"expected\",\"type\":\"uint64\",\"internalType\":\"uint64\"},{\"name\":\"given\",\"type\":\"uint64\",\"internalType\":\"uint64\"}]},{\"type\":\"error\",\"name\":\"WrongChain\",\"inputs\":[{\"name\":\"expected\",\"type\":\"uint256\",\"internalType\":\"uint256\"},{\"name\":\"actual\",\"type\":\"uint256\",\"internalType\":\"uint256\"}]},{\"type\":\"error\",\"name\":\"WrongPauseState\",\"inputs\":[{\"name\":\"paused\",\"type\":\"bool\",\"internalType\":\"bool\"}]},{\"type\":\"error\",\"name\":\"WrongSequence\",\"inputs\":[{\"name\":\"expected\",\"type\":\"uint64\",\"internalType\":\"uint64\"},{\"name\":\"given\",\"type\":\"uint64\",\"internalType\":\"uint64\"}]},{\"type\":\"error\",\"name\":\"WrongSet\",\"inputs\":[{\"name\":\"held\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"},{\"name\":\"given\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"}]},{\"type\":\"error\",\"name\":\"WrongSigner\",\"inputs\":[{\"name\":\"expected\",\"type\":\"address\",\"internalType\":\"address\"},{\"name\":\"recovered\",\"type\":\"address\",\"internalType\":\"address\"},{\"name\":\"digest\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"}]},{\"type\":\"error\",\"name\":\"WrongValue\",\"inputs\":[{\"name\":\"expected\",\"type\":\"uint256\",\"internalType\":\"uint256\"},{\"name\":\"actual\",\"type\":\"uint256\",\"internalType\":\"uint256\"}]},{\"type\":\"error\",\"name\":\"ZeroValue\",\"inputs\":[]}]",
	ID:  "TrineBridge",
}

// TrineBridge is an auto generated Go binding around an Ethereum contract.
type TrineBridge struct {
	abi abi.ABI
}

// GetABI returns the ABI associated with this contract binding.
func (c *TrineBridge) GetABI() abi.ABI {
	return c.abi
}

// NewTrineBridge creates a new instance of TrineBridge.
func NewTrineBridge() *TrineBridge {
	parsed, err := TrineBridgeMetaData.ParseABI()
	if err != nil {
		panic(errors.New("invalid ABI: " + err.Error()))
	}
	return &TrineBridge{abi: *parsed}
}

// Instance creates a wrapper for a deployed contract instance at the given address.
// Use this to create the instance object passed to abigen v2 library functions Call, Transact, etc.
func (c *TrineBridge) Instance(backend bind.ContractBackend, addr common.Address) *bind.BoundContract {
	return bind.NewBoundContract(addr, c.abi, backend, backend, backend)
}

// PackConstructor is the Go binding used to pack the parameters required for
// contract deployment.
//
// Solidity: constructor(bytes32 genesisHash, (uint64,address,uint8,address[],uint8,address[]) first) returns()
func (trineBridge *TrineBridge) PackConstructor(genesisHash [32]byte, first ITrineBridgeValidatorSet) []byte {
	enc, err := trineBridge.abi.Pack("", genesisHash, first)
	if err != nil {
		panic(err)
	}
	return enc
}

// PackMOSTTRANSFERS is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x3a2b6ff3.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function MOST_TRANSFERS() view returns(uint256)
func (trineBridge *TrineBridge) PackMOSTTRANSFERS() []byte {
	enc, err := trineBridge.abi.Pack("MOST_TRANSFERS")
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackMOSTTRANSFERS is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x3a2b6ff3.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function MOST_TRANSFERS() view returns(uint256)
func (trineBridge *TrineBridge) TryPackMOSTTRANSFERS() ([]byte, error) {
	return trineBridge.abi.Pack("MOST_TRANSFERS")
}

// UnpackMOSTTRANSFERS is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x3a2b6ff3.
//
// Solidity: function MOST_TRANSFERS() view returns(uint256)
func (trineBridge *TrineBridge) UnpackMOSTTRANSFERS(data []byte) (*big.Int, error) {
	out, err := trineBridge.abi.Unpack("MOST_TRANSFERS", data)
	if err != nil {
		return new(big.Int), err
	}
	out0 := abi.ConvertType(out[0], new(big.Int)).(*big.Int)
	return out0, nil
}

// PackNATIVE is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xa0cf0aea.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function NATIVE() view returns(address)
func (trineBridge *TrineBridge) PackNATIVE() []byte {
	enc, err := trineBridge.abi.Pack("NATIVE")
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackNATIVE is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xa0cf0aea.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function NATIVE() view returns(address)
func (trineBridge *TrineBridge) TryPackNATIVE() ([]byte, error) {
	return trineBridge.abi.Pack("NATIVE")
}

// UnpackNATIVE is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0xa0cf0aea.
//
// Solidity: function NATIVE() view returns(address)
func (trineBridge *TrineBridge) UnpackNATIVE(data []byte) (common.Address, error) {
	out, err := trineBridge.abi.Unpack("NATIVE", data)
	if err != nil {
		return *new(common.Address), err
	}
	out0 := *abi.ConvertType(out[0], new(common.Address)).(*common.Address)
	return out0, nil
}

// PackClaim is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x5e1c75e1.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function claim(address token, address recipient, address to) returns()
func (trineBridge *TrineBridge) PackClaim(token common.Address, recipient common.Address, to common.Address) []byte {
	enc, err := trineBridge.abi.Pack("claim", token, recipient, to)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackClaim is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x5e1c75e1.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function claim(address token, address recipient, address to) returns()
func (trineBridge *TrineBridge) TryPackClaim(token common.Address, recipient common.Address, to common.Address) ([]byte, error) {
	return trineBridge.abi.Pack("claim", token, recipient, to)
}

// PackClaimable is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xd4570c1c.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function claimable(address token, address recipient) view returns(uint256)
func (trineBridge *TrineBridge) PackClaimable(token common.Address, recipient common.Address) []byte {
	enc, err := trineBridge.abi.Pack("claimable", token, recipient)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackClaimable is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xd4570c1c.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function claimable(address token, address recipient) view returns(uint256)
func (trineBridge *TrineBridge) TryPackClaimable(token common.Address, recipient common.Address) ([]byte, error) {
	return trineBridge.abi.Pack("claimable", token, recipient)
}

// UnpackClaimable is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0xd4570c1c.
//
// Solidity: function claimable(address token, address recipient) view returns(uint256)
func (trineBridge *TrineBridge) UnpackClaimable(data []byte) (*big.Int, error) {
	out, err := trineBridge.abi.Unpack("claimable", data)
	if err != nil {
		return new(big.Int), err
	}
	out0 := abi.ConvertType(out[0], new(big.Int)).(*big.Int)
	return out0, nil
}

// PackDeposit is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x49bdc2b8.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function deposit(address token, uint256 amount, bytes keys) payable returns()
func (trineBridge *TrineBridge) PackDeposit(token common.Address, amount *big.Int, keys []byte) []byte {
	enc, err := trineBridge.abi.Pack("deposit", token, amount, keys)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackDeposit is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x49bdc2b8.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function deposit(address token, uint256 amount, bytes keys) payable returns()
func (trineBridge *TrineBridge) TryPackDeposit(token common.Address, amount *big.Int, keys []byte) ([]byte, error) {
	return trineBridge.abi.Pack("deposit", token, amount, keys)
}

// PackExecuteCall is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xddc2971e.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function executeCall(uint64 actionId, address target, uint256 value, bytes data, bytes seal) returns()
func (trineBridge *TrineBridge) PackExecuteCall(actionId uint64, target common.Address, value *big.Int, data []byte, seal []byte) []byte {
	enc, err := trineBridge.abi.Pack("executeCall", actionId, target, value, data, seal)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackExecuteCall is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xddc2971e.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function executeCall(uint64 actionId, address target, uint256 value, bytes data, bytes seal) returns()
func (trineBridge *TrineBridge) TryPackExecuteCall(actionId uint64, target common.Address, value *big.Int, data []byte, seal []byte) ([]byte, error) {
	return trineBridge.abi.Pack("executeCall", actionId, target, value, data, seal)
}

// PackExecuteNoop is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xdd6ee7b3.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function executeNoop(uint64 actionId, bytes seal) returns()
func (trineBridge *TrineBridge) PackExecuteNoop(actionId uint64, seal []byte) []byte {
	enc, err := trineBridge.abi.Pack("executeNoop", actionId, seal)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackExecuteNoop is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xdd6ee7b3.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function executeNoop(uint64 actionId, bytes seal) returns()
func (trineBridge *TrineBridge) TryPackExecuteNoop(actionId uint64, seal []byte) ([]byte, error) {
	return trineBridge.abi.Pack("executeNoop", actionId, seal)
}

// PackExecuteTransfers is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x1f522e95.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function executeTransfers(uint64 actionId, (address,address,uint256)[] transfers, bytes seal) returns()
func (trineBridge *TrineBridge) PackExecuteTransfers(actionId uint64, transfers []ITrineBridgeTransfer, seal []byte) []byte {
	enc, err := trineBridge.abi.Pack("executeTransfers", actionId, transfers, seal)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackExecuteTransfers is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x1f522e95.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function executeTransfers(uint64 actionId, (address,address,uint256)[] transfers, bytes seal) returns()
func (trineBridge *TrineBridge) TryPackExecuteTransfers(actionId uint64, transfers []ITrineBridgeTransfer, seal []byte) ([]byte, error) {
	return trineBridge.abi.Pack("executeTransfers", actionId, transfers, seal)
}

// PackLimit is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xd8797262.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function limit(address token) view returns(uint256 capacity, uint256 level, uint256 window)
func (trineBridge *TrineBridge) PackLimit(token common.Address) []byte {
	enc, err := trineBridge.abi.Pack("limit", token)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackLimit is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xd8797262.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function limit(address token) view returns(uint256 capacity, uint256 level, uint256 window)
func (trineBridge *TrineBridge) TryPackLimit(token common.Address) ([]byte, error) {
	return trineBridge.abi.Pack("limit", token)
}

// LimitOutput serves as a container for the return parameters of contract
// method Limit.
type LimitOutput struct {
	Capacity *big.Int
	Level    *big.Int
	Window   *big.Int
}

// UnpackLimit is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0xd8797262.
//
// Solidity: function limit(address token) view returns(uint256 capacity, uint256 level, uint256 window)
func (trineBridge *TrineBridge) UnpackLimit(data []byte) (LimitOutput, error) {
	out, err := trineBridge.abi.Unpack("limit", data)
	outstruct := new(LimitOutput)
	if err != nil {
		return *outstruct, err
	}
	outstruct.Capacity = abi.ConvertType(out[0], new(big.Int)).(*big.Int)
	outstruct.Level = abi.ConvertType(out[1], new(big.Int)).(*big.Int)
	outstruct.Window = abi.ConvertType(out[2], new(big.Int)).(*big.Int)
	return *outstruct, nil
}

// PackPause is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xd7626db5.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function pause(uint64 sequence, bytes seal) returns()
func (trineBridge *TrineBridge) PackPause(sequence uint64, seal []byte) []byte {
	enc, err := trineBridge.abi.Pack("pause", sequence, seal)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackPause is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xd7626db5.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function pause(uint64 sequence, bytes seal) returns()
func (trineBridge *TrineBridge) TryPackPause(sequence uint64, seal []byte) ([]byte, error) {
	return trineBridge.abi.Pack("pause", sequence, seal)
}

// PackRotate is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xd36b4bab.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function rotate((uint64,address,uint8,address[],uint8,address[]) next, bytes seal) returns()
func (trineBridge *TrineBridge) PackRotate(next ITrineBridgeValidatorSet, seal []byte) []byte {
	enc, err := trineBridge.abi.Pack("rotate", next, seal)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackRotate is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xd36b4bab.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function rotate((uint64,address,uint8,address[],uint8,address[]) next, bytes seal) returns()
func (trineBridge *TrineBridge) TryPackRotate(next ITrineBridgeValidatorSet, seal []byte) ([]byte, error) {
	return trineBridge.abi.Pack("rotate", next, seal)
}

// PackSetLimit is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xc573ee66.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function setLimit(uint64 sequence, address token, uint256 capacity, uint256 window, bytes seal) returns()
func (trineBridge *TrineBridge) PackSetLimit(sequence uint64, token common.Address, capacity *big.Int, window *big.Int, seal []byte) []byte {
	enc, err := trineBridge.abi.Pack("setLimit", sequence, token, capacity, window, seal)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackSetLimit is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xc573ee66.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function setLimit(uint64 sequence, address token, uint256 capacity, uint256 window, bytes seal) returns()
func (trineBridge *TrineBridge) TryPackSetLimit(sequence uint64, token common.Address, capacity *big.Int, window *big.Int, seal []byte) ([]byte, error) {
	return trineBridge.abi.Pack("setLimit", sequence, token, capacity, window, seal)
}

// PackSnapshot is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x9711715a.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function snapshot() view returns((bytes32,bytes32,uint256,bytes32,uint64,uint64,bytes32,uint64,uint64,uint64,bool))
func (trineBridge *TrineBridge) PackSnapshot() []byte {
	enc, err := trineBridge.abi.Pack("snapshot")
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackSnapshot is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x9711715a.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function snapshot() view returns((bytes32,bytes32,uint256,bytes32,uint64,uint64,bytes32,uint64,uint64,uint64,bool))
func (trineBridge *TrineBridge) TryPackSnapshot() ([]byte, error) {
	return trineBridge.abi.Pack("snapshot")
}

// UnpackSnapshot is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x9711715a.
//
// Solidity: function snapshot() view returns((bytes32,bytes32,uint256,bytes32,uint64,uint64,bytes32,uint64,uint64,uint64,bool))
func (trineBridge *TrineBridge) UnpackSnapshot(data []byte) (ITrineBridgeSnapshot, error) {
	out, err := trineBridge.abi.Unpack("snapshot", data)
	if err != nil {
		return *new(ITrineBridgeSnapshot), err
	}
	out0 := *abi.ConvertType(out[0], new(ITrineBridgeSnapshot)).(*ITrineBridgeSnapshot)
	return out0, nil
}

// PackUnpause is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x124c188a.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function unpause(uint64 sequence, bytes seal) returns()
func (trineBridge *TrineBridge) PackUnpause(sequence uint64, seal []byte) []byte {
	enc, err := trineBridge.abi.Pack("unpause", sequence, seal)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackUnpause is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x124c188a.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function unpause(uint64 sequence, bytes seal) returns()
func (trineBridge *TrineBridge) TryPackUnpause(sequence uint64, seal []byte) ([]byte, error) {
	return trineBridge.abi.Pack("unpause", sequence, seal)
}

// TrineBridgeActionExecuted represents a ActionExecuted event raised by the TrineBridge contract.
type TrineBridgeActionExecuted struct {
	Id       uint64
	ActionId uint64
	Digest   [32]byte
	Failed   *big.Int
	Raw      *types.Log // Blockchain specific contextual infos
}

const TrineBridgeActionExecutedEventName = "ActionExecuted"

// ContractEventName returns the user-defined event name.
func (TrineBridgeActionExecuted) ContractEventName() string {
	return TrineBridgeActionExecutedEventName
}

// UnpackActionExecutedEvent is the Go binding that unpacks the event data emitted
// by contract.
//
// Solidity: event ActionExecuted(uint64 indexed id, uint64 actionId, bytes32 digest, uint256 failed)
func (trineBridge *TrineBridge) UnpackActionExecutedEvent(log *types.Log) (*TrineBridgeActionExecuted, error) {
	event := "ActionExecuted"
	if len(log.Topics) == 0 {
		return nil, bind.ErrNoEventSignature
	}
	if log.Topics[0] != trineBridge.abi.Events[event].ID {
		return nil, bind.ErrEventSignatureMismatch
	}
	out := new(TrineBridgeActionExecuted)
	if len(log.Data) > 0 {
		if err := trineBridge.abi.UnpackIntoInterface(out, event, log.Data); err != nil {
			return nil, err
		}
	}
	var indexed abi.Arguments
	for _, arg := range trineBridge.abi.Events[event].Inputs {
		if arg.Indexed {
			indexed = append(indexed, arg)
		}
	}
	if err := abi.ParseTopics(out, indexed, log.Topics[1:]); err != nil {
		return nil, err
	}
	out.Raw = log
	return out, nil
}

// TrineBridgeClaimed represents a Claimed event raised by the TrineBridge contract.
type TrineBridgeClaimed struct {
	Id        uint64
	Token     common.Address
	Recipient common.Address
	Amount    *big.Int
	Raw       *types.Log // Blockchain specific contextual infos
}

const TrineBridgeClaimedEventName = "Claimed"

// ContractEventName returns the user-defined event name.
func (TrineBridgeClaimed) ContractEventName() string {
	return TrineBridgeClaimedEventName
}

// UnpackClaimedEvent is the Go binding that unpacks the event data emitted
// by contract.
//
// Solidity: event Claimed(uint64 indexed id, address token, address recipient, uint256 amount)
func (trineBridge *TrineBridge) UnpackClaimedEvent(log *types.Log) (*TrineBridgeClaimed, error) {
	event := "Claimed"
	if len(log.Topics) == 0 {
		return nil, bind.ErrNoEventSignature
	}
	if log.Topics[0] != trineBridge.abi.Events[event].ID {
		return nil, bind.ErrEventSignatureMismatch
	}
	out := new(TrineBridgeClaimed)
	if len(log.Data) > 0 {
		if err := trineBridge.abi.UnpackIntoInterface(out, event, log.Data); err != nil {
			return nil, err
		}
	}
	var indexed abi.Arguments
	for _, arg := range trineBridge.abi.Events[event].Inputs {
		if arg.Indexed {
			indexed = append(indexed, arg)
		}
	}
	if err := abi.ParseTopics(out, indexed, log.Topics[1:]); err != nil {
		return nil, err
	}
	out.Raw = log
	return out, nil
}

// TrineBridgeDeployed represents a Deployed event raised by the TrineBridge contract.
type TrineBridgeDeployed struct {
	GenesisHash [32]byte
	SetHash     [32]byte
	Raw         *types.Log // Blockchain specific contextual infos
}

const TrineBridgeDeployedEventName = "Deployed"

// ContractEventName returns the user-defined event name.
func (TrineBridgeDeployed) ContractEventName() string {
	return TrineBridgeDeployedEventName
}

// UnpackDeployedEvent is the Go binding that unpacks the event data emitted
// by contract.
//
// Solidity: event Deployed(bytes32 genesisHash, bytes32 setHash)
func (trineBridge *TrineBridge) UnpackDeployedEvent(log *types.Log) (*TrineBridgeDeployed, error) {
	event := "Deployed"
	if len(log.Topics) == 0 {
		return nil, bind.ErrNoEventSignature
	}
	if log.Topics[0] != trineBridge.abi.Events[event].ID {
		return nil, bind.ErrEventSignatureMismatch
	}
	out := new(TrineBridgeDeployed)
	if len(log.Data) > 0 {
		if err := trineBridge.abi.UnpackIntoInterface(out, event, log.Data); err != nil {
			return nil, err
		}
	}
	var indexed abi.Arguments
	for _, arg := range trineBridge.abi.Events[event].Inputs {
		if arg.Indexed {
			indexed = append(indexed, arg)
		}
	}
	if err := abi.ParseTopics(out, indexed, log.Topics[1:]); err != nil {
		return nil, err
	}
	out.Raw = log
	return out, nil
}

// TrineBridgeDeposited represents a Deposited event raised by the TrineBridge contract.
type TrineBridgeDeposited struct {
	Id     uint64
	Wallet common.Address
	Token  common.Address
	Amount *big.Int
	Keys   []byte
	Raw    *types.Log // Blockchain specific contextual infos
}

const TrineBridgeDepositedEventName = "Deposited"

// ContractEventName returns the user-defined event name.
func (TrineBridgeDeposited) ContractEventName() string {
	return TrineBridgeDepositedEventName
}

// UnpackDepositedEvent is the Go binding that unpacks the event data emitted
// by contract.
//
// Solidity: event Deposited(uint64 indexed id, address wallet, address token, uint256 amount, bytes keys)
func (trineBridge *TrineBridge) UnpackDepositedEvent(log *types.Log) (*TrineBridgeDeposited, error) {
	event := "Deposited"
	if len(log.Topics) == 0 {
		return nil, bind.ErrNoEventSignature
	}
	if log.Topics[0] != trineBridge.abi.Events[event].ID {
		return nil, bind.ErrEventSignatureMismatch
	}
	out := new(TrineBridgeDeposited)
	if len(log.Data) > 0 {
		if err := trineBridge.abi.UnpackIntoInterface(out, event, log.Data); err != nil {
			return nil, err
		}
	}
	var indexed abi.Arguments
	for _, arg := range trineBridge.abi.Events[event].Inputs {
		if arg.Indexed {
			indexed = append(indexed, arg)
		}
	}
	if err := abi.ParseTopics(out, indexed, log.Topics[1:]); err != nil {
		return nil, err
	}
	out.Raw = log
	return out, nil
}

// TrineBridgeLimitSet represents a LimitSet event raised by the TrineBridge contract.
type TrineBridgeLimitSet struct {
	Id       uint64
	Sequence uint64
	Token    common.Address
	Capacity *big.Int
	Window   *big.Int
	Raw      *types.Log // Blockchain specific contextual infos
}

const TrineBridgeLimitSetEventName = "LimitSet"

// ContractEventName returns the user-defined event name.
func (TrineBridgeLimitSet) ContractEventName() string {
	return TrineBridgeLimitSetEventName
}

// UnpackLimitSetEvent is the Go binding that unpacks the event data emitted
// by contract.
//
// Solidity: event LimitSet(uint64 indexed id, uint64 sequence, address token, uint256 capacity, uint256 window)
func (trineBridge *TrineBridge) UnpackLimitSetEvent(log *types.Log) (*TrineBridgeLimitSet, error) {
	event := "LimitSet"
	if len(log.Topics) == 0 {
		return nil, bind.ErrNoEventSignature
	}
	if log.Topics[0] != trineBridge.abi.Events[event].ID {
		return nil, bind.ErrEventSignatureMismatch
	}
	out := new(TrineBridgeLimitSet)
	if len(log.Data) > 0 {
		if err := trineBridge.abi.UnpackIntoInterface(out, event, log.Data); err != nil {
			return nil, err
		}
	}
	var indexed abi.Arguments
	for _, arg := range trineBridge.abi.Events[event].Inputs {
		if arg.Indexed {
			indexed = append(indexed, arg)
		}
	}
	if err := abi.ParseTopics(out, indexed, log.Topics[1:]); err != nil {
		return nil, err
	}
	out.Raw = log
	return out, nil
}

// TrineBridgePaused represents a Paused event raised by the TrineBridge contract.
type TrineBridgePaused struct {
	Id       uint64
	Sequence uint64
	Raw      *types.Log // Blockchain specific contextual infos
}

const TrineBridgePausedEventName = "Paused"

// ContractEventName returns the user-defined event name.
func (TrineBridgePaused) ContractEventName() string {
	return TrineBridgePausedEventName
}

// UnpackPausedEvent is the Go binding that unpacks the event data emitted
// by contract.
//
// Solidity: event Paused(uint64 indexed id, uint64 sequence)
func (trineBridge *TrineBridge) UnpackPausedEvent(log *types.Log) (*TrineBridgePaused, error) {
	event := "Paused"
	if len(log.Topics) == 0 {
		return nil, bind.ErrNoEventSignature
	}
	if log.Topics[0] != trineBridge.abi.Events[event].ID {
		return nil, bind.ErrEventSignatureMismatch
	}
	out := new(TrineBridgePaused)
	if len(log.Data) > 0 {
		if err := trineBridge.abi.UnpackIntoInterface(out, event, log.Data); err != nil {
			return nil, err
		}
	}
	var indexed abi.Arguments
	for _, arg := range trineBridge.abi.Events[event].Inputs {
		if arg.Indexed {
			indexed = append(indexed, arg)
		}
	}
	if err := abi.ParseTopics(out, indexed, log.Topics[1:]); err != nil {
		return nil, err
	}
	out.Raw = log
	return out, nil
}

// TrineBridgeSetRotated represents a SetRotated event raised by the TrineBridge contract.
type TrineBridgeSetRotated struct {
	Id      uint64
	Epoch   uint64
	SetHash [32]byte
	Raw     *types.Log // Blockchain specific contextual infos
}

const TrineBridgeSetRotatedEventName = "SetRotated"

// ContractEventName returns the user-defined event name.
func (TrineBridgeSetRotated) ContractEventName() string {
	return TrineBridgeSetRotatedEventName
}

// UnpackSetRotatedEvent is the Go binding that unpacks the event data emitted
// by contract.
//
// Solidity: event SetRotated(uint64 indexed id, uint64 epoch, bytes32 setHash)
func (trineBridge *TrineBridge) UnpackSetRotatedEvent(log *types.Log) (*TrineBridgeSetRotated, error) {
	event := "SetRotated"
	if len(log.Topics) == 0 {
		return nil, bind.ErrNoEventSignature
	}
	if log.Topics[0] != trineBridge.abi.Events[event].ID {
		return nil, bind.ErrEventSignatureMismatch
	}
	out := new(TrineBridgeSetRotated)
	if len(log.Data) > 0 {
		if err := trineBridge.abi.UnpackIntoInterface(out, event, log.Data); err != nil {
			return nil, err
		}
	}
	var indexed abi.Arguments
	for _, arg := range trineBridge.abi.Events[event].Inputs {
		if arg.Indexed {
			indexed = append(indexed, arg)
		}
	}
	if err := abi.ParseTopics(out, indexed, log.Topics[1:]); err != nil {
		return nil, err
	}
	out.Raw = log
	return out, nil
}

// TrineBridgeUnpaused represents a Unpaused event raised by the TrineBridge contract.
type TrineBridgeUnpaused struct {
	Id       uint64
	Sequence uint64
	Raw      *types.Log // Blockchain specific contextual infos
}

const TrineBridgeUnpausedEventName = "Unpaused"

// ContractEventName returns the user-defined event name.
func (TrineBridgeUnpaused) ContractEventName() string {
	return TrineBridgeUnpausedEventName
}

// UnpackUnpausedEvent is the Go binding that unpacks the event data emitted
// by contract.
//
// Solidity: event Unpaused(uint64 indexed id, uint64 sequence)
func (trineBridge *TrineBridge) UnpackUnpausedEvent(log *types.Log) (*TrineBridgeUnpaused, error) {
	event := "Unpaused"
	if len(log.Topics) == 0 {
		return nil, bind.ErrNoEventSignature
	}
	if log.Topics[0] != trineBridge.abi.Events[event].ID {
		return nil, bind.ErrEventSignatureMismatch
	}
	out := new(TrineBridgeUnpaused)
	if len(log.Data) > 0 {
		if err := trineBridge.abi.UnpackIntoInterface(out, event, log.Data); err != nil {
			return nil, err
		}
	}
	var indexed abi.Arguments
	for _, arg := range trineBridge.abi.Events[event].Inputs {
		if arg.Indexed {
			indexed = append(indexed, arg)
		}
	}
	if err := abi.ParseTopics(out, indexed, log.Topics[1:]); err != nil {
		return nil, err
	}
	out.Raw = log
	return out, nil
}

// UnpackError attempts to decode the provided error data using user-defined
// error definitions.
func (trineBridge *TrineBridge) UnpackError(raw []byte) (any, error) {
	if bytes.Equal(raw[:4], trineBridge.abi.Errors["BadDestination"].ID.Bytes()[:4]) {
		return trineBridge.UnpackBadDestinationError(raw[4:])
	}
	if bytes.Equal(raw[:4], trineBridge.abi.Errors["BadGroups"].ID.Bytes()[:4]) {
		return trineBridge.UnpackBadGroupsError(raw[4:])
	}
	if bytes.Equal(raw[:4], trineBridge.abi.Errors["BadKeysLength"].ID.Bytes()[:4]) {
		return trineBridge.UnpackBadKeysLengthError(raw[4:])
	}
	if bytes.Equal(raw[:4], trineBridge.abi.Errors["BadLimit"].ID.Bytes()[:4]) {
		return trineBridge.UnpackBadLimitError(raw[4:])
	}
	if bytes.Equal(raw[:4], trineBridge.abi.Errors["BadQuorum"].ID.Bytes()[:4]) {
		return trineBridge.UnpackBadQuorumError(raw[4:])
	}
	if bytes.Equal(raw[:4], trineBridge.abi.Errors["BadSealLength"].ID.Bytes()[:4]) {
		return trineBridge.UnpackBadSealLengthError(raw[4:])
	}
	if bytes.Equal(raw[:4], trineBridge.abi.Errors["BridgePaused"].ID.Bytes()[:4]) {
		return trineBridge.UnpackBridgePausedError(raw[4:])
	}
	if bytes.Equal(raw[:4], trineBridge.abi.Errors["EpochNotHigher"].ID.Bytes()[:4]) {
		return trineBridge.UnpackEpochNotHigherError(raw[4:])
	}
	if bytes.Equal(raw[:4], trineBridge.abi.Errors["FailedCall"].ID.Bytes()[:4]) {
		return trineBridge.UnpackFailedCallError(raw[4:])
	}
	if bytes.Equal(raw[:4], trineBridge.abi.Errors["HighS"].ID.Bytes()[:4]) {
		return trineBridge.UnpackHighSError(raw[4:])
	}
	if bytes.Equal(raw[:4], trineBridge.abi.Errors["InsufficientBalance"].ID.Bytes()[:4]) {
		return trineBridge.UnpackInsufficientBalanceError(raw[4:])
	}
	if bytes.Equal(raw[:4], trineBridge.abi.Errors["LimitExceeded"].ID.Bytes()[:4]) {
		return trineBridge.UnpackLimitExceededError(raw[4:])
	}
	if bytes.Equal(raw[:4], trineBridge.abi.Errors["MembersNotAscending"].ID.Bytes()[:4]) {
		return trineBridge.UnpackMembersNotAscendingError(raw[4:])
	}
	if bytes.Equal(raw[:4], trineBridge.abi.Errors["NoSuchMember"].ID.Bytes()[:4]) {
		return trineBridge.UnpackNoSuchMemberError(raw[4:])
	}
	if bytes.Equal(raw[:4], trineBridge.abi.Errors["NotEnoughGas"].ID.Bytes()[:4]) {
		return trineBridge.UnpackNotEnoughGasError(raw[4:])
	}
	if bytes.Equal(raw[:4], trineBridge.abi.Errors["NotRecipient"].ID.Bytes()[:4]) {
		return trineBridge.UnpackNotRecipientError(raw[4:])
	}
	if bytes.Equal(raw[:4], trineBridge.abi.Errors["NothingReceived"].ID.Bytes()[:4]) {
		return trineBridge.UnpackNothingReceivedError(raw[4:])
	}
	if bytes.Equal(raw[:4], trineBridge.abi.Errors["NothingToClaim"].ID.Bytes()[:4]) {
		return trineBridge.UnpackNothingToClaimError(raw[4:])
	}
	if bytes.Equal(raw[:4], trineBridge.abi.Errors["ReentrancyGuardReentrantCall"].ID.Bytes()[:4]) {
		return trineBridge.UnpackReentrancyGuardReentrantCallError(raw[4:])
	}
	if bytes.Equal(raw[:4], trineBridge.abi.Errors["SafeERC20FailedOperation"].ID.Bytes()[:4]) {
		return trineBridge.UnpackSafeERC20FailedOperationError(raw[4:])
	}
	if bytes.Equal(raw[:4], trineBridge.abi.Errors["SecondSeat"].ID.Bytes()[:4]) {
		return trineBridge.UnpackSecondSeatError(raw[4:])
	}
	if bytes.Equal(raw[:4], trineBridge.abi.Errors["SignersNotAscending"].ID.Bytes()[:4]) {
		return trineBridge.UnpackSignersNotAscendingError(raw[4:])
	}
	if bytes.Equal(raw[:4], trineBridge.abi.Errors["TooManyTransfers"].ID.Bytes()[:4]) {
		return trineBridge.UnpackTooManyTransfersError(raw[4:])
	}
	if bytes.Equal(raw[:4], trineBridge.abi.Errors["WrongActionId"].ID.Bytes()[:4]) {
		return trineBridge.UnpackWrongActionIdError(raw[4:])
	}
	if bytes.Equal(raw[:4], trineBridge.abi.Errors["WrongChain"].ID.Bytes()[:4]) {
		return trineBridge.UnpackWrongChainError(raw[4:])
	}
	if bytes.Equal(raw[:4], trineBridge.abi.Errors["WrongPauseState"].ID.Bytes()[:4]) {
		return trineBridge.UnpackWrongPauseStateError(raw[4:])
	}
	if bytes.Equal(raw[:4], trineBridge.abi.Errors["WrongSequence"].ID.Bytes()[:4]) {
		return trineBridge.UnpackWrongSequenceError(raw[4:])
	}
	if bytes.Equal(raw[:4], trineBridge.abi.Errors["WrongSet"].ID.Bytes()[:4]) {
		return trineBridge.UnpackWrongSetError(raw[4:])
	}
	if bytes.Equal(raw[:4], trineBridge.abi.Errors["WrongSigner"].ID.Bytes()[:4]) {
		return trineBridge.UnpackWrongSignerError(raw[4:])
	}
	if bytes.Equal(raw[:4], trineBridge.abi.Errors["WrongValue"].ID.Bytes()[:4]) {
		return trineBridge.UnpackWrongValueError(raw[4:])
	}
	if bytes.Equal(raw[:4], trineBridge.abi.Errors["ZeroValue"].ID.Bytes()[:4]) {
		return trineBridge.UnpackZeroValueError(raw[4:])
	}
	return nil, errors.New("Unknown error")
}

// TrineBridgeBadDestination represents a BadDestination error raised by the TrineBridge contract.
type TrineBridgeBadDestination struct {
	To common.Address
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error BadDestination(address to)
func TrineBridgeBadDestinationErrorID() common.Hash {
	return common.HexToHash("0x2ee04424fbbf7fec435135792b2f743fe6e9f27e02c239db60372f69d4a4d6ac")
}

// UnpackBadDestinationError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error BadDestination(address to)
func (trineBridge *TrineBridge) UnpackBadDestinationError(raw []byte) (*TrineBridgeBadDestination, error) {
	out := new(TrineBridgeBadDestination)
	if err := trineBridge.abi.UnpackIntoInterface(out, "BadDestination", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// TrineBridgeBadGroups represents a BadGroups error raised by the TrineBridge contract.
type TrineBridgeBadGroups struct {
	Mask *big.Int
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error BadGroups(uint256 mask)
func TrineBridgeBadGroupsErrorID() common.Hash {
	return common.HexToHash("0x9c90619cd3a7349bb90390fe433f27b046a3f67cb082a8e0052ce4f1fffaea54")
}

// UnpackBadGroupsError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error BadGroups(uint256 mask)
func (trineBridge *TrineBridge) UnpackBadGroupsError(raw []byte) (*TrineBridgeBadGroups, error) {
	out := new(TrineBridgeBadGroups)
	if err := trineBridge.abi.UnpackIntoInterface(out, "BadGroups", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// TrineBridgeBadKeysLength represents a BadKeysLength error raised by the TrineBridge contract.
type TrineBridgeBadKeysLength struct {
	Length *big.Int
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error BadKeysLength(uint256 length)
func TrineBridgeBadKeysLengthErrorID() common.Hash {
	return common.HexToHash("0x5289c4ed3fd67d5160824f0d6a2f56cb706e0c906c2304286d5f737fa33bb127")
}

// UnpackBadKeysLengthError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error BadKeysLength(uint256 length)
func (trineBridge *TrineBridge) UnpackBadKeysLengthError(raw []byte) (*TrineBridgeBadKeysLength, error) {
	out := new(TrineBridgeBadKeysLength)
	if err := trineBridge.abi.UnpackIntoInterface(out, "BadKeysLength", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// TrineBridgeBadLimit represents a BadLimit error raised by the TrineBridge contract.
type TrineBridgeBadLimit struct {
	Capacity *big.Int
	Window   *big.Int
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error BadLimit(uint256 capacity, uint256 window)
func TrineBridgeBadLimitErrorID() common.Hash {
	return common.HexToHash("0x83cbaffe579032e8c8b60baec145cfff5c3f689a8fb6ef0ea31db93e5309f6d3")
}

// UnpackBadLimitError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error BadLimit(uint256 capacity, uint256 window)
func (trineBridge *TrineBridge) UnpackBadLimitError(raw []byte) (*TrineBridgeBadLimit, error) {
	out := new(TrineBridgeBadLimit)
	if err := trineBridge.abi.UnpackIntoInterface(out, "BadLimit", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// TrineBridgeBadQuorum represents a BadQuorum error raised by the TrineBridge contract.
type TrineBridgeBadQuorum struct {
	Quorum  *big.Int
	Members *big.Int
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error BadQuorum(uint256 quorum, uint256 members)
func TrineBridgeBadQuorumErrorID() common.Hash {
	return common.HexToHash("0x8aeaa69b452b81abfa6beeb0715cd2b5b4e3df9b40dd215853602c9e225a42b0")
}

// UnpackBadQuorumError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error BadQuorum(uint256 quorum, uint256 members)
func (trineBridge *TrineBridge) UnpackBadQuorumError(raw []byte) (*TrineBridgeBadQuorum, error) {
	out := new(TrineBridgeBadQuorum)
	if err := trineBridge.abi.UnpackIntoInterface(out, "BadQuorum", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// TrineBridgeBadSealLength represents a BadSealLength error raised by the TrineBridge contract.
type TrineBridgeBadSealLength struct {
	Expected *big.Int
	Given    *big.Int
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error BadSealLength(uint256 expected, uint256 given)
func TrineBridgeBadSealLengthErrorID() common.Hash {
	return common.HexToHash("0x47ce989671da795ea1f640c53ec85e50b991d95ff52a78249e006767d9c0a537")
}

// UnpackBadSealLengthError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error BadSealLength(uint256 expected, uint256 given)
func (trineBridge *TrineBridge) UnpackBadSealLengthError(raw []byte) (*TrineBridgeBadSealLength, error) {
	out := new(TrineBridgeBadSealLength)
	if err := trineBridge.abi.UnpackIntoInterface(out, "BadSealLength", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// TrineBridgeBridgePaused represents a BridgePaused error raised by the TrineBridge contract.
type TrineBridgeBridgePaused struct {
	Sequence uint64
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error BridgePaused(uint64 sequence)
func TrineBridgeBridgePausedErrorID() common.Hash {
	return common.HexToHash("0xccebb1cb89f3ba8957f22d18f9bf1604b4349d87807eeeb1f47ae635fc0a90af")
}

// UnpackBridgePausedError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error BridgePaused(uint64 sequence)
func (trineBridge *TrineBridge) UnpackBridgePausedError(raw []byte) (*TrineBridgeBridgePaused, error) {
	out := new(TrineBridgeBridgePaused)
	if err := trineBridge.abi.UnpackIntoInterface(out, "BridgePaused", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// TrineBridgeEpochNotHigher represents a EpochNotHigher error raised by the TrineBridge contract.
type TrineBridgeEpochNotHigher struct {
	Held  uint64
	Given uint64
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error EpochNotHigher(uint64 held, uint64 given)
func TrineBridgeEpochNotHigherErrorID() common.Hash {
	return common.HexToHash("0x5a8f418d8d16036b24953b0f5cb97b4aeb4d4e0d2db8c93b2121b55fe7089191")
}

// UnpackEpochNotHigherError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error EpochNotHigher(uint64 held, uint64 given)
func (trineBridge *TrineBridge) UnpackEpochNotHigherError(raw []byte) (*TrineBridgeEpochNotHigher, error) {
	out := new(TrineBridgeEpochNotHigher)
	if err := trineBridge.abi.UnpackIntoInterface(out, "EpochNotHigher", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// TrineBridgeFailedCall represents a FailedCall error raised by the TrineBridge contract.
type TrineBridgeFailedCall struct {
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error FailedCall()
func TrineBridgeFailedCallErrorID() common.Hash {
	return common.HexToHash("0xd6bda27508c0fb6d8a39b4b122878dab26f731a7d4e4abe711dd3731899052a4")
}

// UnpackFailedCallError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error FailedCall()
func (trineBridge *TrineBridge) UnpackFailedCallError(raw []byte) (*TrineBridgeFailedCall, error) {
	out := new(TrineBridgeFailedCall)
	if err := trineBridge.abi.UnpackIntoInterface(out, "FailedCall", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// TrineBridgeHighS represents a HighS error raised by the TrineBridge contract.
type TrineBridgeHighS struct {
	S *big.Int
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error HighS(uint256 s)
func TrineBridgeHighSErrorID() common.Hash {
	return common.HexToHash("0x9ddca1c96bf5df85bda9a85155bba25f24beea32631c2a3eb03a9997ab988f3f")
}

// UnpackHighSError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error HighS(uint256 s)
func (trineBridge *TrineBridge) UnpackHighSError(raw []byte) (*TrineBridgeHighS, error) {
	out := new(TrineBridgeHighS)
	if err := trineBridge.abi.UnpackIntoInterface(out, "HighS", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// TrineBridgeInsufficientBalance represents a InsufficientBalance error raised by the TrineBridge contract.
type TrineBridgeInsufficientBalance struct {
	Balance *big.Int
	Needed  *big.Int
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error InsufficientBalance(uint256 balance, uint256 needed)
func TrineBridgeInsufficientBalanceErrorID() common.Hash {
	return common.HexToHash("0xcf4791818fba6e019216eb4864093b4947f674afada5d305e57d598b641dad1d")
}

// UnpackInsufficientBalanceError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error InsufficientBalance(uint256 balance, uint256 needed)
func (trineBridge *TrineBridge) UnpackInsufficientBalanceError(raw []byte) (*TrineBridgeInsufficientBalance, error) {
	out := new(TrineBridgeInsufficientBalance)
	if err := trineBridge.abi.UnpackIntoInterface(out, "InsufficientBalance", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// TrineBridgeLimitExceeded represents a LimitExceeded error raised by the TrineBridge contract.
type TrineBridgeLimitExceeded struct {
	Token  common.Address
	Index  *big.Int
	Amount *big.Int
	Room   *big.Int
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error LimitExceeded(address token, uint256 index, uint256 amount, uint256 room)
func TrineBridgeLimitExceededErrorID() common.Hash {
	return common.HexToHash("0x5a9ed4c8d7dc5e77311ec846c211ef7a59f614daf3257305e29428bb041e3564")
}

// UnpackLimitExceededError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error LimitExceeded(address token, uint256 index, uint256 amount, uint256 room)
func (trineBridge *TrineBridge) UnpackLimitExceededError(raw []byte) (*TrineBridgeLimitExceeded, error) {
	out := new(TrineBridgeLimitExceeded)
	if err := trineBridge.abi.UnpackIntoInterface(out, "LimitExceeded", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// TrineBridgeMembersNotAscending represents a MembersNotAscending error raised by the TrineBridge contract.
type TrineBridgeMembersNotAscending struct {
	Previous common.Address
	Member   common.Address
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error MembersNotAscending(address previous, address member)
func TrineBridgeMembersNotAscendingErrorID() common.Hash {
	return common.HexToHash("0x9eb37a3b39b3db5a7200a5518a4c9cf25877cf62495c2a984e58e2fcc605c57b")
}

// UnpackMembersNotAscendingError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error MembersNotAscending(address previous, address member)
func (trineBridge *TrineBridge) UnpackMembersNotAscendingError(raw []byte) (*TrineBridgeMembersNotAscending, error) {
	out := new(TrineBridgeMembersNotAscending)
	if err := trineBridge.abi.UnpackIntoInterface(out, "MembersNotAscending", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// TrineBridgeNoSuchMember represents a NoSuchMember error raised by the TrineBridge contract.
type TrineBridgeNoSuchMember struct {
	Index *big.Int
	Count *big.Int
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error NoSuchMember(uint256 index, uint256 count)
func TrineBridgeNoSuchMemberErrorID() common.Hash {
	return common.HexToHash("0xa8be31b0fc302e2a99ad905035d9d912504d954ae51c606eb6ed0e4ebaf39f12")
}

// UnpackNoSuchMemberError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error NoSuchMember(uint256 index, uint256 count)
func (trineBridge *TrineBridge) UnpackNoSuchMemberError(raw []byte) (*TrineBridgeNoSuchMember, error) {
	out := new(TrineBridgeNoSuchMember)
	if err := trineBridge.abi.UnpackIntoInterface(out, "NoSuchMember", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// TrineBridgeNotEnoughGas represents a NotEnoughGas error raised by the TrineBridge contract.
type TrineBridgeNotEnoughGas struct {
	Needed *big.Int
	Left   *big.Int
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error NotEnoughGas(uint256 needed, uint256 left)
func TrineBridgeNotEnoughGasErrorID() common.Hash {
	return common.HexToHash("0x9fa729828e06f64f0aba24f9c66804bdfb0e921365b21f9e24f4e732397f9e66")
}

// UnpackNotEnoughGasError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error NotEnoughGas(uint256 needed, uint256 left)
func (trineBridge *TrineBridge) UnpackNotEnoughGasError(raw []byte) (*TrineBridgeNotEnoughGas, error) {
	out := new(TrineBridgeNotEnoughGas)
	if err := trineBridge.abi.UnpackIntoInterface(out, "NotEnoughGas", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// TrineBridgeNotRecipient represents a NotRecipient error raised by the TrineBridge contract.
type TrineBridgeNotRecipient struct {
	Recipient common.Address
	Caller    common.Address
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error NotRecipient(address recipient, address caller)
func TrineBridgeNotRecipientErrorID() common.Hash {
	return common.HexToHash("0x1ae35ccaa6a89d23545c98a2942925f663bd586f98073b0984cd7180f1e6e9af")
}

// UnpackNotRecipientError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error NotRecipient(address recipient, address caller)
func (trineBridge *TrineBridge) UnpackNotRecipientError(raw []byte) (*TrineBridgeNotRecipient, error) {
	out := new(TrineBridgeNotRecipient)
	if err := trineBridge.abi.UnpackIntoInterface(out, "NotRecipient", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// TrineBridgeNothingReceived represents a NothingReceived error raised by the TrineBridge contract.
type TrineBridgeNothingReceived struct {
	Token         common.Address
	BalanceBefore *big.Int
	BalanceAfter  *big.Int
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error NothingReceived(address token, uint256 balanceBefore, uint256 balanceAfter)
func TrineBridgeNothingReceivedErrorID() common.Hash {
	return common.HexToHash("0xf58db145fa3031eeca64feded21c576cf7d209dfb241fad5c35345981c8257c9")
}

// UnpackNothingReceivedError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error NothingReceived(address token, uint256 balanceBefore, uint256 balanceAfter)
func (trineBridge *TrineBridge) UnpackNothingReceivedError(raw []byte) (*TrineBridgeNothingReceived, error) {
	out := new(TrineBridgeNothingReceived)
	if err := trineBridge.abi.UnpackIntoInterface(out, "NothingReceived", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// TrineBridgeNothingToClaim represents a NothingToClaim error raised by the TrineBridge contract.
type TrineBridgeNothingToClaim struct {
	Token     common.Address
	Recipient common.Address
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error NothingToClaim(address token, address recipient)
func TrineBridgeNothingToClaimErrorID() common.Hash {
	return common.HexToHash("0xf81d1d8856cf839bba2e0e7c7950c8ab3724e4d04224ef4abce12e515ee30169")
}

// UnpackNothingToClaimError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error NothingToClaim(address token, address recipient)
func (trineBridge *TrineBridge) UnpackNothingToClaimError(raw []byte) (*TrineBridgeNothingToClaim, error) {
	out := new(TrineBridgeNothingToClaim)
	if err := trineBridge.abi.UnpackIntoInterface(out, "NothingToClaim", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// TrineBridgeReentrancyGuardReentrantCall represents a ReentrancyGuardReentrantCall error raised by the TrineBridge contract.
type TrineBridgeReentrancyGuardReentrantCall struct {
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error ReentrancyGuardReentrantCall()
func TrineBridgeReentrancyGuardReentrantCallErrorID() common.Hash {
	return common.HexToHash("0x3ee5aeb571de7fc460830b4d0017439a1ca56fb0bc39062227ade4fe4a24c1ca")
}

// UnpackReentrancyGuardReentrantCallError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error ReentrancyGuardReentrantCall()
func (trineBridge *TrineBridge) UnpackReentrancyGuardReentrantCallError(raw []byte) (*TrineBridgeReentrancyGuardReentrantCall, error) {
	out := new(TrineBridgeReentrancyGuardReentrantCall)
	if err := trineBridge.abi.UnpackIntoInterface(out, "ReentrancyGuardReentrantCall", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// TrineBridgeSafeERC20FailedOperation represents a SafeERC20FailedOperation error raised by the TrineBridge contract.
type TrineBridgeSafeERC20FailedOperation struct {
	Token common.Address
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error SafeERC20FailedOperation(address token)
func TrineBridgeSafeERC20FailedOperationErrorID() common.Hash {
	return common.HexToHash("0x5274afe73c98b4749fc91ffae6b7b574e7842cb2144a159e9377a5f20b32edf9")
}

// UnpackSafeERC20FailedOperationError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error SafeERC20FailedOperation(address token)
func (trineBridge *TrineBridge) UnpackSafeERC20FailedOperationError(raw []byte) (*TrineBridgeSafeERC20FailedOperation, error) {
	out := new(TrineBridgeSafeERC20FailedOperation)
	if err := trineBridge.abi.UnpackIntoInterface(out, "SafeERC20FailedOperation", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// TrineBridgeSecondSeat represents a SecondSeat error raised by the TrineBridge contract.
type TrineBridgeSecondSeat struct {
	Member common.Address
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error SecondSeat(address member)
func TrineBridgeSecondSeatErrorID() common.Hash {
	return common.HexToHash("0xe796f7b4fa64ac0710f4f87445433e493d1115d08357f973fd83bbd71de02412")
}

// UnpackSecondSeatError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error SecondSeat(address member)
func (trineBridge *TrineBridge) UnpackSecondSeatError(raw []byte) (*TrineBridgeSecondSeat, error) {
	out := new(TrineBridgeSecondSeat)
	if err := trineBridge.abi.UnpackIntoInterface(out, "SecondSeat", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// TrineBridgeSignersNotAscending represents a SignersNotAscending error raised by the TrineBridge contract.
type TrineBridgeSignersNotAscending struct {
	Previous *big.Int
	Index    *big.Int
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error SignersNotAscending(uint256 previous, uint256 index)
func TrineBridgeSignersNotAscendingErrorID() common.Hash {
	return common.HexToHash("0x9aea9da6025c00084557fc45e6313cb40d74e78b574fa96d3d3490bc11012ba1")
}

// UnpackSignersNotAscendingError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error SignersNotAscending(uint256 previous, uint256 index)
func (trineBridge *TrineBridge) UnpackSignersNotAscendingError(raw []byte) (*TrineBridgeSignersNotAscending, error) {
	out := new(TrineBridgeSignersNotAscending)
	if err := trineBridge.abi.UnpackIntoInterface(out, "SignersNotAscending", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// TrineBridgeTooManyTransfers represents a TooManyTransfers error raised by the TrineBridge contract.
type TrineBridgeTooManyTransfers struct {
	Most  *big.Int
	Given *big.Int
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error TooManyTransfers(uint256 most, uint256 given)
func TrineBridgeTooManyTransfersErrorID() common.Hash {
	return common.HexToHash("0x953c45a65986e187d4ee46c9f71c44a66b9fbb36557808b0e40d8675402e44ec")
}

// UnpackTooManyTransfersError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error TooManyTransfers(uint256 most, uint256 given)
func (trineBridge *TrineBridge) UnpackTooManyTransfersError(raw []byte) (*TrineBridgeTooManyTransfers, error) {
	out := new(TrineBridgeTooManyTransfers)
	if err := trineBridge.abi.UnpackIntoInterface(out, "TooManyTransfers", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// TrineBridgeWrongActionId represents a WrongActionId error raised by the TrineBridge contract.
type TrineBridgeWrongActionId struct {
	Expected uint64
	Given    uint64
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error WrongActionId(uint64 expected, uint64 given)
func TrineBridgeWrongActionIdErrorID() common.Hash {
	return common.HexToHash("0xd9901b71cbf70f8c791c1abdbb086acb042bf3c10e949d3f085c84530f5a87c5")
}

// UnpackWrongActionIdError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error WrongActionId(uint64 expected, uint64 given)
func (trineBridge *TrineBridge) UnpackWrongActionIdError(raw []byte) (*TrineBridgeWrongActionId, error) {
	out := new(TrineBridgeWrongActionId)
	if err := trineBridge.abi.UnpackIntoInterface(out, "WrongActionId", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// TrineBridgeWrongChain represents a WrongChain error raised by the TrineBridge contract.
type TrineBridgeWrongChain struct {
	Expected *big.Int
	Actual   *big.Int
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error WrongChain(uint256 expected, uint256 actual)
func TrineBridgeWrongChainErrorID() common.Hash {
	return common.HexToHash("0x24497bc308635bccbc06f4997297d2158da178be2267eeead419bfdb19d42d4b")
}

// UnpackWrongChainError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error WrongChain(uint256 expected, uint256 actual)
func (trineBridge *TrineBridge) UnpackWrongChainError(raw []byte) (*TrineBridgeWrongChain, error) {
	out := new(TrineBridgeWrongChain)
	if err := trineBridge.abi.UnpackIntoInterface(out, "WrongChain", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// TrineBridgeWrongPauseState represents a WrongPauseState error raised by the TrineBridge contract.
type TrineBridgeWrongPauseState struct {
	Paused bool
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error WrongPauseState(bool paused)
func TrineBridgeWrongPauseStateErrorID() common.Hash {
	return common.HexToHash("0x325ac46af50b301f2316a041b52a457fddb794584a9b86552d45b8af236e101d")
}

// UnpackWrongPauseStateError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error WrongPauseState(bool paused)
func (trineBridge *TrineBridge) UnpackWrongPauseStateError(raw []byte) (*TrineBridgeWrongPauseState, error) {
	out := new(TrineBridgeWrongPauseState)
	if err := trineBridge.abi.UnpackIntoInterface(out, "WrongPauseState", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// TrineBridgeWrongSequence represents a WrongSequence error raised by the TrineBridge contract.
type TrineBridgeWrongSequence struct {
	Expected uint64
	Given    uint64
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error WrongSequence(uint64 expected, uint64 given)
func TrineBridgeWrongSequenceErrorID() common.Hash {
	return common.HexToHash("0x3339693d293ebd82dcddcd794e61cf7e82ab33f2097f7da5eb5f779c3b575dba")
}

// UnpackWrongSequenceError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error WrongSequence(uint64 expected, uint64 given)
func (trineBridge *TrineBridge) UnpackWrongSequenceError(raw []byte) (*TrineBridgeWrongSequence, error) {
	out := new(TrineBridgeWrongSequence)
	if err := trineBridge.abi.UnpackIntoInterface(out, "WrongSequence", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// TrineBridgeWrongSet represents a WrongSet error raised by the TrineBridge contract.
type TrineBridgeWrongSet struct {
	Held  [32]byte
	Given [32]byte
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error WrongSet(bytes32 held, bytes32 given)
func TrineBridgeWrongSetErrorID() common.Hash {
	return common.HexToHash("0x26bdc5816fe9bb0ddb150b9260f08a515db74469460533a055c6dc58ec77b522")
}

// UnpackWrongSetError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error WrongSet(bytes32 held, bytes32 given)
func (trineBridge *TrineBridge) UnpackWrongSetError(raw []byte) (*TrineBridgeWrongSet, error) {
	out := new(TrineBridgeWrongSet)
	if err := trineBridge.abi.UnpackIntoInterface(out, "WrongSet", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// TrineBridgeWrongSigner represents a WrongSigner error raised by the TrineBridge contract.
type TrineBridgeWrongSigner struct {
	Expected  common.Address
	Recovered common.Address
	Digest    [32]byte
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error WrongSigner(address expected, address recovered, bytes32 digest)
func TrineBridgeWrongSignerErrorID() common.Hash {
	return common.HexToHash("0xf08fae8d1e47e3b1e888bf90af0ce0ede206aa5d73531bb2d25d792c4d41ce2d")
}

// UnpackWrongSignerError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error WrongSigner(address expected, address recovered, bytes32 digest)
func (trineBridge *TrineBridge) UnpackWrongSignerError(raw []byte) (*TrineBridgeWrongSigner, error) {
	out := new(TrineBridgeWrongSigner)
	if err := trineBridge.abi.UnpackIntoInterface(out, "WrongSigner", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// TrineBridgeWrongValue represents a WrongValue error raised by the TrineBridge contract.
type TrineBridgeWrongValue struct {
	Expected *big.Int
	Actual   *big.Int
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error WrongValue(uint256 expected, uint256 actual)
func TrineBridgeWrongValueErrorID() common.Hash {
	return common.HexToHash("0x195a3ca12ac3744ef64727effb118b3b203c382e49c7a7d24d450eae5e3b889a")
}

// UnpackWrongValueError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error WrongValue(uint256 expected, uint256 actual)
func (trineBridge *TrineBridge) UnpackWrongValueError(raw []byte) (*TrineBridgeWrongValue, error) {
	out := new(TrineBridgeWrongValue)
	if err := trineBridge.abi.UnpackIntoInterface(out, "WrongValue", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// TrineBridgeZeroValue represents a ZeroValue error raised by the TrineBridge contract.
type TrineBridgeZeroValue struct {
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error ZeroValue()
func TrineBridgeZeroValueErrorID() common.Hash {
	return common.HexToHash("0x7c946ed78134c23eac50c0c02964d68f22dd28448c070d39c9f8e8389b217469")
}

// UnpackZeroValueError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error ZeroValue()
func (trineBridge *TrineBridge) UnpackZeroValueError(raw []byte) (*TrineBridgeZeroValue, error) {
	out := new(TrineBridgeZeroValue)
	if err := trineBridge.abi.UnpackIntoInterface(out, "ZeroValue", raw); err != nil {
		return nil, err
	}
	return out, nil
}
