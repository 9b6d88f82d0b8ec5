// Package gasmeter measures what the bridge's transactions cost: whole transactions by their receipts, on a deployed
// bridge with a limit set on the token, under the main network's rules, from the second use on.
package gasmeter

import (
	"context"
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/params"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/bridgecontracts/ethereum"
	"github.com/trinebridge/trine/bridgecontracts/ethereum/internal/testchain"
	"github.com/trinebridge/trine/codec"
)

// Report is the content of bench/gas.json. Solana's figures are compute units, which the program's own tests measure
// and watch; SolanaPrograms names the runtime and the token programs behind them.
type Report struct {
	Fork           string            `json:"fork"`
	EVM            map[string]uint64 `json:"evm"`
	SolanaPrograms map[string]string `json:"solana_programs,omitempty"`
	Solana         map[string]uint64 `json:"solana,omitempty"`
}

// Targets are the most that a figure should be; figures without one come as they come.
var Targets = map[string]uint64{
	"noop_3of5":                        64_000,
	"noop_6of9":                        81_000,
	"withdraw_erc20_3of5":              90_000,
	"withdraw_erc20_batch16_3of5_each": 16_500,
	"withdraw_native_3of5":             84_000,
	"deposit_erc20_1key":               62_000,
	"deposit_erc20":                    58_000,
	"deposit_native":                   34_000,
}

const batch = 16

var genesis = codec.Keccak([]byte("gas"))

// Fork is the fork whose rules the chain of the measurement has.
const Fork = "osaka"

// Measure returns all figures.
func Measure(ctx context.Context) (*Report, error) {
	if params.MainnetChainConfig.AmsterdamTime != nil {
		return nil, fmt.Errorf("the main network has a newer fork than %s: measure under its rules", Fork)
	}
	chain, err := testchain.New()
	if err != nil {
		return nil, err
	}
	defer chain.Close() //nolint:errcheck // nothing of it is kept
	five, err := deploy(ctx, chain, "five", [2]int{3, 5})
	if err != nil {
		return nil, err
	}
	nine, err := deploy(ctx, chain, "nine", [2]int{6, 9})
	if err != nil {
		return nil, err
	}
	evm := map[string]uint64{}
	for _, f := range figures(five, nine) {
		for use := range 2 { // the first use writes slots that later ones only change
			receipt, err := f.measure()
			if err != nil {
				return nil, fmt.Errorf("%s, use %d: %w", f.name, use, err)
			}
			evm[f.name] = (receipt.GasUsed + f.per - 1) / f.per
		}
	}
	return &Report{Fork: Fork, EVM: evm}, nil
}

type figure struct {
	name    string
	per     uint64 // the transaction is shared by so many
	measure func() (*types.Receipt, error)
}

func figures(five, nine *meter) []figure {
	token := ethereum.Word(five.token)
	return []figure{
		{"noop_3of5", 1, func() (*types.Receipt, error) { return five.execute(&bridgecontracts.Noop{}) }},
		{"noop_6of9", 1, func() (*types.Receipt, error) { return nine.execute(&bridgecontracts.Noop{}) }},
		{"withdraw_erc20_3of5", 1, func() (*types.Receipt, error) { return five.withdraw(token, 1) }},
		{"withdraw_erc20_batch16_3of5_each", batch, func() (*types.Receipt, error) { return five.withdraw(token, batch) }},
		{"withdraw_native_3of5", 1, func() (*types.Receipt, error) { return five.withdraw(ethereum.Native, 1) }},
		{"deposit_native", 1, func() (*types.Receipt, error) { return five.send(five.bridge, big.NewInt(1e17), nil) }},
		{"deposit_native_1key", 1, func() (*types.Receipt, error) { return five.deposit(ethereum.Native, 1) }},
		{"deposit_erc20", 1, func() (*types.Receipt, error) { return five.deposit(token, 0) }},
		{"deposit_erc20_1key", 1, func() (*types.Receipt, error) { return five.deposit(token, 1) }},
		{"rotate_5", 1, five.rotate},
		{"pause", 1, five.pause},
		{"unpause", 1, five.unpause},
		{"set_limit", 1, func() (*types.Receipt, error) { return five.setLimit(token) }},
	}
}
