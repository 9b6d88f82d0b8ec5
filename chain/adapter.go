package chain

import (
	"context"
	"log/slog"
	"time"

	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/signing"
	"github.com/trinebridge/trine/validators"
)

// SourceConfig says which bridge to read through which endpoint.
type SourceConfig struct {
	// ChainID is the CAIP-2 id; an endpoint of another chain is refused on first use.
	ChainID string
	// Endpoint is the URL of a node's RPC.
	Endpoint string
	Bridge   codec.Hash
	Genesis  codec.Hash
	// StartBlock is where the bridge's history may begin.
	StartBlock uint64
	Log        *slog.Logger
}

// SinkConfig says which bridge to write to, through which endpoint, and who pays.
type SinkConfig struct {
	SourceConfig
	// FeeKey pays for transactions; its curve is the adapter's.
	FeeKey signing.Payer
	// Poll is how often a Wallet asks whether its transaction is mined; 0 leaves it to the adapter.
	Poll time.Duration
}

// DeployConfig says what a new bridge is made of.
type DeployConfig struct {
	ChainID  string
	Endpoint string
	Genesis  codec.Hash
	Set      validators.Set
	FeeKey   signing.Payer
	// Poll is how often the receipt is asked for; 0 leaves it to the adapter.
	Poll time.Duration
}

// Deployed is a bridge that Deploy has put on a chain.
type Deployed struct {
	Bridge     codec.Hash
	Tx         string
	StartBlock uint64
	// GasUsed is what Tx took; 0 when the bridge Existed.
	GasUsed uint64
	// Existed says that an earlier deployment had made this bridge, so that nothing was sent: Tx is of that time.
	Existed bool
}

// Adapter is an external chain's entry in the table of adapters: everything the
// program needs to work with chains of one CAIP-2 namespace.
type Adapter struct {
	// Namespace is the part of the CAIP-2 id before the colon, as in "eip155".
	Namespace string
	// OpenSource and OpenSink connect lazily: a dead endpoint shows on first use.
	OpenSource func(SourceConfig) (Source, error)
	OpenSink   func(SinkConfig) (Sink, error)
	// Curve is what the chain's accounts sign with: that of every FeeKey.
	Curve signing.Curve
	// OpenWallet acts as FeeKey's owner.
	OpenWallet func(SinkConfig) (Wallet, error)
	// Deploy puts a new bridge on the chain and waits until it is mined. Where an adapter finds the same deployment
	// made before, it checks that one and sends nothing.
	Deploy func(context.Context, DeployConfig) (Deployed, error)
	// AccountOf returns the account that a key pays from, as a word.
	AccountOf func(signing.Payer) (codec.Hash, error)
	// ParseAddress and FormatAddress convert between a word and the chain's notation.
	ParseAddress  func(string) (codec.Hash, error)
	FormatAddress func(codec.Hash) string
	// AddressRule names the genesis's rule for recipients, as in "evm".
	AddressRule string
	// BridgeCodeHash is what Snapshot.CodeHash must be for a bridge of this release.
	BridgeCodeHash codec.Hash
	// NativeToken is the word that stands for the chain's coin.
	NativeToken codec.Hash
	// Units says how people write what is paid on the chain.
	Units Units
	// Batch is how many transfers one delivery can hold, whatever they are and however they
	// end; 0 means as many as any genesis allows.
	Batch uint64
}

// Units says how people write what is paid on a chain, and what a submitter may pay
// where nobody has said anything.
type Units struct {
	// Coin is the symbol of the chain's coin, which has CoinDecimals digits after the point.
	Coin         string
	CoinDecimals uint8
	// Price is what a price per unit of gas or compute is written in: 10^PriceDecimals of
	// what [Caps] counts.
	Price         string
	PriceDecimals uint8
	// MaxFeePerGas and MaxTip, in Price, and LowBalance, in coins, are a submitter's defaults.
	MaxFeePerGas, MaxTip, LowBalance string
}

// Opened passes on what an adapter opened, or a nil interface and the error: a nil pointer in an interface would not be nil.
func Opened[I any](v I, err error) (I, error) {
	if err != nil {
		var none I
		return none, err
	}
	return v, nil
}
