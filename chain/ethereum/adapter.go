package ethereum

import (
	"context"
	"errors"
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/holiman/uint256"

	contract "github.com/trinebridge/trine/bridgecontracts/ethereum"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/signing"
)

// Namespace is the CAIP-2 namespace of EVM chains.
const Namespace = "eip155"

// Adapter is the entry of EVM chains in the table of adapters.
var Adapter = chain.Adapter{
	Namespace:  Namespace,
	OpenSource: func(c chain.SourceConfig) (chain.Source, error) { return chain.Opened[chain.Source](OpenSource(c)) },
	OpenSink:   func(c chain.SinkConfig) (chain.Sink, error) { return chain.Opened[chain.Sink](OpenSink(c)) },
	OpenWallet: func(c chain.SinkConfig) (chain.Wallet, error) { return chain.Opened[chain.Wallet](OpenWallet(c)) },
	Deploy:     Deploy,

	AccountOf: func(key signing.Payer) (codec.Hash, error) {
		address, err := payerAddress(key)
		return contract.Word(address), err
	},
	ParseAddress:   ParseAddress,
	FormatAddress:  FormatAddress,
	Curve:          signing.Secp256k1,
	AddressRule:    "evm",
	BridgeCodeHash: contract.ExpectedCodeHash(),
	NativeToken:    contract.Native,
	Units:          chain.Units{Coin: "ETH", CoinDecimals: 18, Price: "gwei", PriceDecimals: 9, MaxFeePerGas: "200", MaxTip: "5", LowBalance: "0.1"},
}

// ParseAddress reads 0x and 40 hex digits; mixed case must carry the EIP-55 checksum.
func ParseAddress(s string) (codec.Hash, error) {
	a, err := signing.ParseAddress(s)
	if err != nil {
		return codec.Hash{}, err
	}
	return a.Word(), nil
}

// FormatAddress writes an address in EIP-55 form, and a word that is none as the word.
func FormatAddress(w codec.Hash) string {
	a, err := contract.Address(w)
	if err != nil {
		return w.String()
	}
	return a.Hex()
}

// Deploy puts a new bridge on a chain, waits until it is mined and checks its code.
func Deploy(ctx context.Context, config chain.DeployConfig) (chain.Deployed, error) {
	d, err := deploy(ctx, config)
	if err != nil {
		return chain.Deployed{}, fmt.Errorf("deploy a bridge on %s: %w", config.ChainID, err)
	}
	return d, nil
}

func deploy(ctx context.Context, config chain.DeployConfig) (chain.Deployed, error) {
	n, err := openNode(config.ChainID, config.Endpoint)
	if err != nil {
		return chain.Deployed{}, err
	}
	defer n.rpc.Close()
	a, err := newAccount(n, config.FeeKey, config.Poll)
	if err != nil {
		return chain.Deployed{}, err
	}
	data, err := contract.ConstructorData(config.Genesis, &config.Set)
	if err != nil {
		return chain.Deployed{}, err
	}
	r, hash, err := a.transact(ctx, nil, new(uint256.Int), data, nil)
	if err != nil {
		return chain.Deployed{}, err
	}
	if r.ContractAddress == nil || *r.ContractAddress == (common.Address{}) {
		return chain.Deployed{}, errors.New("the receipt names no contract")
	}
	r, code, err := a.code(ctx, hash, *r.ContractAddress)
	if err != nil {
		return chain.Deployed{}, err
	}
	if got, err := contract.CodeHash(code); err != nil || got != contract.ExpectedCodeHash() {
		return chain.Deployed{}, fmt.Errorf("the code at %s is not the bridge's: %w", r.ContractAddress, errors.Join(err, errWrongCode))
	}
	return chain.Deployed{Bridge: contract.Word(*r.ContractAddress), Tx: hash.Hex(), StartBlock: uint64(*r.BlockNumber), GasUsed: uint64(*r.GasUsed)}, nil
}

var errWrongCode = errors.New("its hash is not the one of this version")
