package solana

import (
	"fmt"

	contract "github.com/trinebridge/trine/bridgecontracts/solana"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/signing"
)

// Namespace is the CAIP-2 namespace of Solana clusters.
const Namespace = "solana"

// Adapter is the entry of Solana clusters in the table of adapters.
var Adapter = chain.Adapter{
	Namespace:  Namespace,
	OpenSource: func(c chain.SourceConfig) (chain.Source, error) { return chain.Opened[chain.Source](OpenSource(c)) },
	OpenSink:   func(c chain.SinkConfig) (chain.Sink, error) { return chain.Opened[chain.Sink](OpenSink(c)) },
	OpenWallet: func(c chain.SinkConfig) (chain.Wallet, error) { return chain.Opened[chain.Wallet](OpenWallet(c)) },
	Deploy:     Deploy,

	Curve: signing.Ed25519,
	AccountOf: func(key signing.Payer) (codec.Hash, error) {
		account, err := payerAccount(key)
		return codec.Hash(account), err
	},
	ParseAddress:   ParseAddress,
	FormatAddress:  FormatAddress,
	AddressRule:    "any32",
	BridgeCodeHash: contract.ExpectedCodeHash(),
	NativeToken:    contract.Native,
	Batch:          4, // each of another token, and all of them failing; TestLargestBatches
	Units:          chain.Units{Coin: "SOL", CoinDecimals: 9, Price: "micro-lamports", MaxFeePerGas: "1000000", MaxTip: "1000000", LowBalance: "0.1"},
}

// ParseAddress reads an address in base58.
func ParseAddress(s string) (codec.Hash, error) {
	b, err := fromBase58(s, len(codec.Hash{}))
	if err != nil || len(b) != len(codec.Hash{}) {
		return codec.Hash{}, fmt.Errorf("%.64q is no address of Solana: want 32 bytes in base58, as in %s", s, contract.Key(contract.Native))
	}
	return codec.Hash(b), nil
}

// FormatAddress writes a word in base58.
func FormatAddress(w codec.Hash) string { return contract.Key(w).String() }
