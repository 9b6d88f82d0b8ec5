package ledger

import (
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"strings"

	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/internal/units"
	"github.com/trinebridge/trine/signing"
	"github.com/trinebridge/trine/validators"
)

// Bounds of a genesis.
const (
	MaxName        = 64
	MaxChains      = 64
	MaxAssets      = 256
	MaxAppGenesis  = 1 << 20
	MaxGenesisSize = 4 << 20
	// MaxDecimals keeps every power of ten that a conversion needs inside 256 bits.
	MaxDecimals = 36
	// maxSkewSeconds is one day.
	maxSkewSeconds = 24 * 60 * 60
)

// DefaultSkew covers the app chain's own two minutes and as much again for the chain's, in seconds.
const DefaultSkew = 300

// MaxBatch is how many transfers one action may carry: what the Ethereum bridge takes.
const MaxBatch = 32

// MaxWindow bounds how many actions of a bridge may be in flight.
const MaxWindow = 64

// AssetID numbers the assets of the genesis from 1.
type AssetID = uint32

// Genesis is all that the first block stands on. Its hash names the app chain.
type Genesis struct {
	// Network is a name for people, at most MaxName bytes.
	Network string
	// Time is the earliest block time, Unix milliseconds.
	Time        uint64
	CodeVersion uint64
	// Validators is the set of epoch 1.
	Validators validators.Set
	// Treasury is the key whose account receives withdrawal fees.
	Treasury signing.PublicKey
	Chains   []Chain
	Assets   []Asset
	// Window is how many actions of a bridge may be in flight (W); 0 means 8.
	Window uint64
	// Batch is how many transfers one action may carry (B) on chains that say nothing
	// themselves; 0 means 16.
	Batch uint64
	// App is the app's own genesis.
	App []byte
}

// AddressRule names which addresses a chain accepts as recipients.
type AddressRule uint8

// The rules.
const (
	// RuleEVM: 20 bytes left-padded, not zero, above the precompiled contracts.
	RuleEVM AddressRule = iota + 1
	// RuleAny32: any 32 bytes but zero.
	RuleAny32
)

// Check returns why a word is no recipient on a chain with this rule, or nil.
func (r AddressRule) Check(word codec.Hash) error {
	switch r {
	case RuleEVM:
		if [12]byte(word[:12]) != [12]byte{} {
			return fmt.Errorf("address %s does not fit 20 bytes", word)
		}
		if word.Compare(codec.Uint64Word(0xffff)) <= 0 {
			return fmt.Errorf("address %s is zero or a precompiled contract", word)
		}
		return nil
	case RuleAny32:
		if word.IsZero() {
			return errors.New("address is zero")
		}
		return nil
	}
	return fmt.Errorf("unknown address rule %d", uint8(r))
}

// Chain is an external chain.
type Chain struct {
	// ID is the CAIP-2 id, as in "eip155:1".
	ID   string
	Rule AddressRule
	// Confirmations below the newest block count as settled; 0 means the chain's own finality.
	Confirmations uint64
	// Skew is how far the chain's block times and the app chain's may be apart when
	// something happens, in seconds; 0 means DefaultSkew. The mirror of a limit's bucket
	// runs behind the chain's by twice as much.
	Skew uint64
	// Batch is how many transfers one action may carry here, where a transaction holds less
	// than elsewhere; 0 means the genesis's.
	Batch uint64
}

// Asset is something that accounts hold, in units of 10^-Decimals.
type Asset struct {
	Symbol   string
	Decimals uint8
	Tokens   []Token
	// MinOpening is the least, in units of the asset, that a transfer to a key without an
	// account must bring, because accounts stay for ever; 0 means any amount.
	MinOpening uint256.Int
}

// Token is an asset's form on one chain.
type Token struct {
	Chain    string
	Address  codec.Hash
	Decimals uint8
	// MinWithdrawal and Fee are in units of the asset. The fee is part of what is withdrawn.
	MinWithdrawal uint256.Int
	Fee           uint256.Int
}

// Borsh implements codec.Record.
func (g *Genesis) Borsh(c *codec.Codec) {
	c.String(&g.Network, MaxName)
	c.Uint64(&g.Time)
	c.Uint64(&g.CodeVersion)
	g.Validators.Borsh(c)
	g.Treasury.Borsh(c)
	codec.List(c, &g.Chains, MaxChains)
	codec.List(c, &g.Assets, MaxAssets)
	c.Uint64(&g.Window)
	c.Uint64(&g.Batch)
	c.Bytes(&g.App, MaxAppGenesis)
}

// Borsh implements codec.Record.
func (x *Chain) Borsh(c *codec.Codec) {
	c.String(&x.ID, MaxName)
	rule := uint8(x.Rule)
	c.Uint8(&rule)
	x.Rule = AddressRule(rule)
	c.Uint64(&x.Confirmations)
	c.Uint64(&x.Skew)
	c.Uint64(&x.Batch)
}

// Borsh implements codec.Record.
func (a *Asset) Borsh(c *codec.Codec) {
	c.String(&a.Symbol, MaxName)
	c.Uint8(&a.Decimals)
	codec.List(c, &a.Tokens, MaxChains)
	c.Amount(&a.MinOpening)
}

// Borsh implements codec.Record.
func (t *Token) Borsh(c *codec.Codec) {
	c.String(&t.Chain, MaxName)
	c.Hash(&t.Address)
	c.Uint8(&t.Decimals)
	c.Amount(&t.MinWithdrawal)
	c.Amount(&t.Fee)
}

// Hash returns keccak256 of the genesis's Borsh bytes.
func (g *Genesis) Hash() codec.Hash { return codec.Keccak(codec.Marshal(g)) }

// defaults returns the genesis with its zero parameters set to what they stand for.
func (g Genesis) defaults() Genesis {
	if g.Window == 0 {
		g.Window = 8
	}
	if g.Batch == 0 {
		g.Batch = 16
	}
	g.Chains = slices.Clone(g.Chains)
	for i := range g.Chains {
		if g.Chains[i].Skew == 0 {
			g.Chains[i].Skew = DefaultSkew
		}
		if g.Chains[i].Batch == 0 {
			g.Chains[i].Batch = g.Batch
		}
	}
	return g
}

// Validate reports every fault at once.
func (g *Genesis) Validate() error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if g.Network == "" || len(g.Network) > MaxName {
		fault("network name %.80q has %d bytes; from 1 to %d are possible", g.Network, len(g.Network), MaxName)
	}
	if g.CodeVersion == 0 {
		fault("code version is 0; versions start at 1")
	}
	if g.Validators.Epoch != 1 {
		fault("the first validator set has epoch %d, want 1", g.Validators.Epoch)
	}
	if err := g.Validators.Validate(); err != nil {
		faults = append(faults, err)
	}
	if !g.Treasury.Valid() {
		fault("treasury key %s is not a point of secp256k1", g.Treasury)
	}
	if g.Window > MaxWindow {
		fault("window is %d; at most %d actions can be in flight", g.Window, MaxWindow)
	}
	if g.Batch > MaxBatch {
		fault("batch is %d; at most %d transfers fit an action", g.Batch, MaxBatch)
	}
	faults = append(faults, checkChains(g.Chains)...)
	faults = append(faults, g.checkAssets()...)
	if len(g.App) > MaxAppGenesis {
		fault("the app's genesis has %d bytes, at most %d", len(g.App), MaxAppGenesis)
	}
	if len(faults) > 0 {
		return fmt.Errorf("genesis: %w", errors.Join(faults...))
	}
	return nil
}

func checkChains(chains []Chain) (faults []error) {
	seen := map[string]bool{}
	for _, c := range chains {
		namespace, reference, ok := strings.Cut(c.ID, ":")
		if !ok || namespace == "" || reference == "" || len(c.ID) > MaxName {
			faults = append(faults, fmt.Errorf("chain %q is not a CAIP-2 id such as eip155:1", c.ID))
		}
		if seen[c.ID] {
			faults = append(faults, fmt.Errorf("chain %q is listed twice", c.ID))
		}
		seen[c.ID] = true
		if c.Skew > maxSkewSeconds {
			faults = append(faults, fmt.Errorf("chain %q may be %d seconds apart, at most %d", c.ID, c.Skew, maxSkewSeconds))
		}
		if c.Batch > MaxBatch {
			faults = append(faults, fmt.Errorf("chain %q has batch %d; at most %d transfers fit an action", c.ID, c.Batch, MaxBatch))
		}
		if c.Rule != RuleEVM && c.Rule != RuleAny32 {
			faults = append(faults, fmt.Errorf("chain %q has unknown address rule %d", c.ID, c.Rule))
		}
	}
	return faults
}

func (g *Genesis) checkAssets() (faults []error) {
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	symbols, tokens := map[string]bool{}, map[string]bool{}
	for _, a := range g.Assets {
		if a.Symbol == "" || len(a.Symbol) > MaxName {
			fault("asset symbol %q has %d bytes; from 1 to %d are possible", a.Symbol, len(a.Symbol), MaxName)
		}
		if symbols[a.Symbol] {
			fault("asset %s is listed twice", a.Symbol)
		}
		symbols[a.Symbol] = true
		if a.Decimals > MaxDecimals {
			fault("asset %s has %d decimals, at most %d", a.Symbol, a.Decimals, MaxDecimals)
		}
		onChain := map[string]bool{}
		for _, t := range a.Tokens {
			chain, known := g.Chain(t.Chain)
			if !known {
				fault("asset %s has a token on chain %q, which is not listed", a.Symbol, t.Chain)
				continue
			}
			if onChain[t.Chain] {
				fault("asset %s has two tokens on chain %s", a.Symbol, t.Chain)
			}
			onChain[t.Chain] = true
			if err := chain.Rule.Check(t.Address); err != nil {
				fault("asset %s on chain %s: %w", a.Symbol, t.Chain, err)
			}
			if id := t.Chain + t.Address.String(); tokens[id] {
				fault("token %s on chain %s belongs to two assets", t.Address, t.Chain)
			} else {
				tokens[id] = true
			}
			if t.Decimals > MaxDecimals {
				fault("asset %s on chain %s has %d decimals, at most %d", a.Symbol, t.Chain, t.Decimals, MaxDecimals)
			}
			if !t.MinWithdrawal.Gt(&t.Fee) {
				fault("asset %s on chain %s: the minimum withdrawal %s must be above the fee %s", a.Symbol, t.Chain, t.MinWithdrawal.Dec(), t.Fee.Dec())
			}
		}
	}
	return faults
}

// Chain returns the chain with a CAIP-2 id.
func (g *Genesis) Chain(id string) (Chain, bool) {
	for _, c := range g.Chains {
		if c.ID == id {
			return c, true
		}
	}
	return Chain{}, false
}

// Asset returns the asset with an id.
func (g *Genesis) Asset(id AssetID) (Asset, bool) {
	if id == 0 || uint64(id) > uint64(len(g.Assets)) {
		return Asset{}, false
	}
	return g.Assets[id-1], true
}

// AssetBySymbol returns the id of the asset with a symbol.
func (g *Genesis) AssetBySymbol(symbol string) (AssetID, bool) {
	for i, a := range g.Assets {
		if a.Symbol == symbol {
			return AssetID(i + 1), true // at most MaxAssets
		}
	}
	return 0, false
}

// AssetOf returns the asset that a token of a chain stands for.
func (g *Genesis) AssetOf(chain string, token codec.Hash) (AssetID, Token, bool) {
	for i, a := range g.Assets {
		for _, t := range a.Tokens {
			if t.Chain == chain && t.Address == token {
				return AssetID(i + 1), t, true // at most MaxAssets
			}
		}
	}
	return 0, Token{}, false
}

// TokenOn returns the asset's token on a chain.
func (a *Asset) TokenOn(chain string) (Token, bool) {
	for _, t := range a.Tokens {
		if t.Chain == chain {
			return t, true
		}
	}
	return Token{}, false
}

// FromToken converts an amount in units of the token into units of the asset. The
// remainder, in units of the token, is what the asset cannot represent. An amount
// that overflows returns ok false.
func (a *Asset) FromToken(t Token, amount *uint256.Int) (units, remainder uint256.Int, ok bool) {
	if t.Decimals <= a.Decimals {
		factor := pow10(a.Decimals - t.Decimals)
		_, overflow := units.MulOverflow(amount, &factor)
		return units, remainder, !overflow
	}
	factor := pow10(t.Decimals - a.Decimals)
	units.DivMod(amount, &factor, &remainder)
	return units, remainder, true
}

// ToToken converts an amount in units of the asset into units of the token; ok is
// false when the token cannot represent it.
func (a *Asset) ToToken(t Token, units *uint256.Int) (amount uint256.Int, ok bool) {
	if t.Decimals >= a.Decimals {
		factor := pow10(t.Decimals - a.Decimals)
		_, overflow := amount.MulOverflow(units, &factor)
		return amount, !overflow
	}
	factor := pow10(a.Decimals - t.Decimals)
	var remainder uint256.Int
	amount.DivMod(units, &factor, &remainder)
	return amount, remainder.IsZero()
}

// Text writes an amount of the asset as people do, as in "12.5 USDC".
func (a *Asset) Text(amount *uint256.Int) string {
	return units.Format(amount, a.Decimals) + " " + a.Symbol
}

// TokenText is Text for an amount in units of a token of the asset.
func (a *Asset) TokenText(t Token, amount *uint256.Int) string {
	return units.Format(amount, t.Decimals) + " " + a.Symbol
}

func pow10(n uint8) uint256.Int {
	result, base := *uint256.NewInt(1), *uint256.NewInt(10)
	for i := bits.Len8(n); i > 0; i-- {
		result.Mul(&result, &result)
		if n>>(i-1)&1 == 1 {
			result.Mul(&result, &base)
		}
	}
	return result
}
