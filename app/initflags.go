package app

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/internal/units"
)

// ParseInitChain reads ID=URL[,URL…][;confirmations=N].
func ParseInitChain(text string) (InitChain, error) {
	spec, option, hasOption := strings.Cut(text, ";")
	id, urls, ok := strings.Cut(spec, "=")
	if !ok || urls == "" {
		return InitChain{}, fmt.Errorf("chain %q is not ID=URL, as in eip155:1=https://node.example", text)
	}
	c := InitChain{ID: id, Endpoints: strings.Split(urls, ",")}
	if hasOption {
		number, ok := strings.CutPrefix(option, "confirmations=")
		n, err := strconv.ParseUint(number, 10, 32)
		if !ok || err != nil {
			return c, fmt.Errorf("chain %q: option %q is not confirmations=N", text, option)
		}
		c.Confirmations = n
	}
	adapter, err := AdapterOf(id)
	if err != nil {
		return c, err
	}
	c.Rule = adapter.AddressRule
	return c, nil
}

// ParseInitAsset reads SYMBOL:DECIMALS:CHAIN=ADDRESS:DECIMALS:MIN:FEE[,CHAIN=…].
func ParseInitAsset(text string) (GenesisAsset, error) {
	bad := func(why string) (GenesisAsset, error) {
		return GenesisAsset{}, fmt.Errorf("asset %q: %s; write SYMBOL:DECIMALS:CHAIN=ADDRESS:DECIMALS:MIN:FEE[,CHAIN=…]", text, why)
	}
	head := strings.SplitN(text, ":", 3)
	if len(head) != 3 {
		return bad("there are too few parts")
	}
	decimals, err := strconv.ParseUint(head[1], 10, 8)
	if err != nil {
		return bad(fmt.Sprintf("%q is no number of decimals", head[1]))
	}
	asset := GenesisAsset{Symbol: head[0], Decimals: uint8(decimals)}
	for spec := range strings.SplitSeq(head[2], ",") {
		chainID, rest, ok := strings.Cut(spec, "=")
		parts := strings.Split(rest, ":")
		if !ok || len(parts) != 4 {
			return bad(fmt.Sprintf("token %q is incomplete", spec))
		}
		d, err := strconv.ParseUint(parts[1], 10, 8)
		if err != nil {
			return bad(fmt.Sprintf("%q is no number of decimals", parts[1]))
		}
		asset.Tokens = append(asset.Tokens, GenesisToken{Chain: chainID, Address: parts[0], Decimals: uint8(d), MinWithdrawal: parts[2], Fee: parts[3]})
	}
	asset.MinOpening = lowestWithdrawal(asset)
	return asset, nil
}

// lowestWithdrawal is what opens an account in a new network: what could be withdrawn again
// on some chain. Amounts that are none are the genesis's to report.
func lowestWithdrawal(asset GenesisAsset) (lowest string) {
	var least uint256.Int
	for _, t := range asset.Tokens {
		amount, err := units.Parse(t.MinWithdrawal, asset.Decimals)
		if err == nil && (lowest == "" || amount.Lt(&least)) {
			lowest, least = t.MinWithdrawal, amount
		}
	}
	return lowest
}
