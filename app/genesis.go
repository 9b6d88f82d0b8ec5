package app

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/internal/units"
	"github.com/trinebridge/trine/ledger"
	"github.com/trinebridge/trine/signing"
	"github.com/trinebridge/trine/validators"
)

// GenesisFile is the genesis as people write it: addresses in their chain's own
// notation, amounts in whole units of the asset.
type GenesisFile struct {
	Network     string          `json:"network"`
	Time        time.Time       `json:"time"`
	CodeVersion uint64          `json:"codeVersion"`
	Validators  GenesisSet      `json:"validators"`
	Treasury    string          `json:"treasury"`
	Chains      []GenesisChain  `json:"chains"`
	Assets      []GenesisAsset  `json:"assets"`
	Window      uint64          `json:"window,omitempty"`
	Batch       uint64          `json:"batch,omitempty"`
	App         json.RawMessage `json:"app,omitempty"`
	// Unsafe accepts quorums of half a group or less.
	Unsafe bool `json:"unsafe,omitempty"`
}

// GenesisSet is the validator set of epoch 1.
type GenesisSet struct {
	Processor      signing.Address   `json:"processor"`
	ApproverQuorum uint64            `json:"approverQuorum"`
	Approvers      []signing.Address `json:"approvers"`
	ListenerQuorum uint64            `json:"listenerQuorum"`
	Listeners      []signing.Address `json:"listeners"`
}

// GenesisChain is an external chain.
type GenesisChain struct {
	ID            string `json:"id"`
	Rule          string `json:"rule"`
	Confirmations uint64 `json:"confirmations,omitempty"`
	// Skew is in seconds; see ledger.Chain.
	Skew uint64 `json:"skew,omitempty"`
	// Batch is how many transfers one action may carry here; the genesis's if 0.
	Batch uint64 `json:"batch,omitempty"`
}

// GenesisAsset is an asset and its tokens.
type GenesisAsset struct {
	Symbol   string         `json:"symbol"`
	Decimals uint8          `json:"decimals"`
	Tokens   []GenesisToken `json:"tokens"`
	// MinOpening is what a transfer to a key without an account must bring; empty: any amount.
	MinOpening string `json:"minOpening,omitempty"`
}

// GenesisToken is an asset's form on a chain. Address may be "native" for the chain's coin.
type GenesisToken struct {
	Chain         string `json:"chain"`
	Address       string `json:"address"`
	Decimals      uint8  `json:"decimals"`
	MinWithdrawal string `json:"minWithdrawal"`
	Fee           string `json:"fee"`
}

// Native stands for a chain's coin where a token's address is expected.
const Native = "native"

var addressRules = map[string]ledger.AddressRule{"evm": ledger.RuleEVM, "any32": ledger.RuleAny32}

// LoadGenesis reads and validates a genesis file.
func LoadGenesis(path string) (*ledger.Genesis, error) {
	data, err := readFile(path, ledger.MaxGenesisSize)
	if err != nil {
		return nil, fmt.Errorf("genesis file: %w", err)
	}
	g, err := ParseGenesis(data)
	if err != nil {
		return nil, fmt.Errorf("genesis file %s: %w", path, err)
	}
	return g, nil
}

// ParseGenesis reads a genesis from JSON; an unknown key is an error.
func ParseGenesis(data []byte) (*ledger.Genesis, error) {
	if len(data) > ledger.MaxGenesisSize {
		return nil, fmt.Errorf("has %d bytes, at most %d are read", len(data), ledger.MaxGenesisSize)
	}
	var file GenesisFile
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	switch err := decoder.Decode(&file); {
	case errors.Is(err, io.EOF):
		return nil, errors.New("is empty")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return nil, errors.New("ends before its closing brace")
	case err != nil:
		return nil, err
	}
	if _, err := decoder.Token(); err != io.EOF { //nolint:errorlint // the decoder returns it as it is
		return nil, errors.New("goes on after the closing brace")
	}
	return file.Genesis()
}

// Genesis converts the file and reports every fault at once.
func (f *GenesisFile) Genesis() (*ledger.Genesis, error) {
	g := &ledger.Genesis{
		Network:     f.Network,
		Time:        uint64(max(0, f.Time.UnixMilli())), // not negative
		CodeVersion: f.CodeVersion,
		Validators: validators.Set{
			Epoch: 1, Processor: f.Validators.Processor,
			ApproverQuorum: f.Validators.ApproverQuorum, Approvers: f.Validators.Approvers,
			ListenerQuorum: f.Validators.ListenerQuorum, Listeners: f.Validators.Listeners,
		},
		Window: f.Window,
		Batch:  f.Batch,
	}
	var faults []error
	var err error
	if g.App, err = canonicalJSON(f.App); err != nil {
		faults = append(faults, fmt.Errorf("app: %w", err))
	}
	// The hash covers milliseconds: what is finer would be lost without a word.
	if ms := f.Time.UnixMilli(); ms < 0 {
		faults = append(faults, fmt.Errorf("time %s is before 1970", f.Time.Format(time.RFC3339Nano)))
	} else if !f.Time.Equal(time.UnixMilli(ms)) {
		faults = append(faults, fmt.Errorf("time %s is not of whole milliseconds", f.Time.Format(time.RFC3339Nano)))
	}
	if err := g.Treasury.UnmarshalText([]byte(f.Treasury)); err != nil {
		faults = append(faults, fmt.Errorf("treasury: %w", err))
	}
	for _, c := range f.Chains {
		rule, known := addressRules[c.Rule]
		if !known {
			faults = append(faults, fmt.Errorf("chain %s: rule %q is unknown; known are %s", c.ID, c.Rule, strings.Join(slices.Sorted(maps.Keys(addressRules)), ", ")))
		}
		g.Chains = append(g.Chains, ledger.Chain{ID: c.ID, Rule: rule, Confirmations: c.Confirmations, Skew: c.Skew, Batch: c.Batch})
		if adapter, err := AdapterOf(c.ID); err == nil {
			faults = append(faults, checkChain(&adapter, c.ID, cmp.Or(c.Batch, f.Batch)))
		}
	}
	for _, a := range f.Assets {
		asset, err := a.asset()
		faults = append(faults, err)
		g.Assets = append(g.Assets, asset)
	}
	if err := g.Validators.Unsafe(); err != nil && !f.Unsafe {
		faults = append(faults, fmt.Errorf(`%w; two disjoint quorums could contradict each other: raise it, or set "unsafe": true`, err))
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return g, g.Validate()
}

// checkChain has the adapter look at a chain's id, and compares the size of a batch.
func checkChain(adapter *chain.Adapter, id string, batch uint64) error {
	// Opening a source checks what it is opened with and asks nobody.
	if _, err := adapter.OpenSource(chain.SourceConfig{ChainID: id, Endpoint: "http://localhost", Bridge: codec.Hash{31: 1}}); err != nil {
		return err
	}
	if adapter.Batch > 0 && (batch == 0 || batch > adapter.Batch) {
		return fmt.Errorf(`chain %s: a transaction there holds at most %d transfers; set the chain's "batch" to no more`, id, adapter.Batch)
	}
	return nil
}

// canonicalJSON writes a value in one way only, so that indenting the file or sorting its
// keys does not change the genesis hash.
func canonicalJSON(raw json.RawMessage) ([]byte, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber() // no digit is lost
	var v any
	if err := decoder.Decode(&v); err != nil {
		return nil, err
	}
	return json.Marshal(v)
}

func (a *GenesisAsset) asset() (ledger.Asset, error) {
	asset := ledger.Asset{Symbol: a.Symbol, Decimals: a.Decimals}
	var faults []error
	if a.MinOpening != "" {
		var err error
		if asset.MinOpening, err = units.Parse(a.MinOpening, a.Decimals); err != nil {
			faults = append(faults, fmt.Errorf("asset %s: minOpening: %w", a.Symbol, err))
		}
	}
	for _, t := range a.Tokens {
		token := ledger.Token{Chain: t.Chain, Decimals: t.Decimals}
		var err error
		if token.Address, err = ParseToken(t.Chain, t.Address); err != nil {
			faults = append(faults, fmt.Errorf("asset %s on %s: %w", a.Symbol, t.Chain, err))
		}
		if adapter, err := AdapterOf(t.Chain); err == nil && token.Address == adapter.NativeToken && t.Decimals != adapter.Units.CoinDecimals {
			faults = append(faults, fmt.Errorf("asset %s on %s: %s has %d decimals there, not %d", a.Symbol, t.Chain, adapter.Units.Coin, adapter.Units.CoinDecimals, t.Decimals))
		}
		if token.MinWithdrawal, err = units.Parse(t.MinWithdrawal, a.Decimals); err != nil {
			faults = append(faults, fmt.Errorf("asset %s on %s: minWithdrawal: %w", a.Symbol, t.Chain, err))
		}
		if token.Fee, err = units.Parse(t.Fee, a.Decimals); err != nil {
			faults = append(faults, fmt.Errorf("asset %s on %s: fee: %w", a.Symbol, t.Chain, err))
		}
		asset.Tokens = append(asset.Tokens, token)
	}
	return asset, errors.Join(faults...)
}

// FileOf converts a genesis back into the form that people write.
func FileOf(g *ledger.Genesis) (*GenesisFile, error) {
	set := g.Validators
	f := &GenesisFile{
		Network:     g.Network,
		Time:        time.UnixMilli(int64(g.Time)).UTC(), // milliseconds of this era
		CodeVersion: g.CodeVersion,
		Validators:  GenesisSet{set.Processor, set.ApproverQuorum, set.Approvers, set.ListenerQuorum, set.Listeners},
		Treasury:    g.Treasury.String(),
		Window:      g.Window,
		Batch:       g.Batch,
		App:         g.App,
		Unsafe:      set.Unsafe() != nil,
	}
	for _, c := range g.Chains {
		for name, rule := range addressRules {
			if rule == c.Rule {
				f.Chains = append(f.Chains, GenesisChain{c.ID, name, c.Confirmations, c.Skew, c.Batch})
			}
		}
	}
	for _, a := range g.Assets {
		asset := GenesisAsset{Symbol: a.Symbol, Decimals: a.Decimals}
		if !a.MinOpening.IsZero() {
			asset.MinOpening = units.Format(&a.MinOpening, a.Decimals)
		}
		for _, t := range a.Tokens {
			address, err := FormatToken(t.Chain, t.Address)
			if err != nil {
				return nil, err
			}
			asset.Tokens = append(asset.Tokens, GenesisToken{t.Chain, address, t.Decimals,
				units.Format(&t.MinWithdrawal, a.Decimals), units.Format(&t.Fee, a.Decimals)})
		}
		f.Assets = append(f.Assets, asset)
	}
	return f, nil
}

// Namespace returns the part of a CAIP-2 id before the colon.
func Namespace(chainID string) string {
	namespace, _, _ := strings.Cut(chainID, ":")
	return namespace
}

// AdapterOf returns the adapter for a chain.
func AdapterOf(chainID string) (chain.Adapter, error) {
	for _, a := range Adapters {
		if a.Namespace == Namespace(chainID) {
			return a, nil
		}
	}
	known := make([]string, len(Adapters))
	for i, a := range Adapters {
		known[i] = a.Namespace
	}
	return chain.Adapter{}, fmt.Errorf("chain %q: there is no adapter for namespace %q; there are: %s", chainID, Namespace(chainID), strings.Join(known, ", "))
}
