package app

import (
	"fmt"

	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/chain/ethereum"
	"github.com/trinebridge/trine/chain/solana"
	"github.com/trinebridge/trine/codec"
)

// Adapters is the table of external chains that this program can work with. A new
// adapter is a new line here.
var Adapters = []chain.Adapter{
	ethereum.Adapter,
	solana.Adapter,
}

// ParseToken reads a token's address on a chain; "native" is the chain's coin.
func ParseToken(chainID, text string) (codec.Hash, error) {
	adapter, err := AdapterOf(chainID)
	if err != nil {
		return codec.Hash{}, err
	}
	if text == Native {
		return adapter.NativeToken, nil
	}
	word, err := adapter.ParseAddress(text)
	if err != nil {
		return codec.Hash{}, fmt.Errorf("token address: %w", err)
	}
	return word, nil
}

// ParseAddress reads an address in the notation of a chain.
func ParseAddress(chainID, text string) (codec.Hash, error) {
	adapter, err := AdapterOf(chainID)
	if err != nil {
		return codec.Hash{}, err
	}
	return adapter.ParseAddress(text)
}

// FormatAddress writes a word in the notation of a chain, and as hex for a chain
// without an adapter.
func FormatAddress(chainID string, word codec.Hash) string {
	adapter, err := AdapterOf(chainID)
	if err != nil {
		return word.String()
	}
	return adapter.FormatAddress(word)
}

// FormatToken writes a token's address; the chain's coin is "native".
func FormatToken(chainID string, word codec.Hash) (string, error) {
	adapter, err := AdapterOf(chainID)
	if err != nil {
		return "", err
	}
	if word == adapter.NativeToken {
		return Native, nil
	}
	return adapter.FormatAddress(word), nil
}
