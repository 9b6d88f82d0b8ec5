package app_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/trinebridge/trine/app"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/ledger"
)

// genesisFile is a good genesis with two chains and two assets, as people write it.
const genesisFile = `{
  "network": "test",
  "time": "2026-01-02T03:04:05.006Z",
  "codeVersion": 1,
  "validators": {
    "processor": "0x0000000000000000000000000000000000000001",
    "approverQuorum": 2,
    "approvers": ["0x0000000000000000000000000000000000000011", "0x0000000000000000000000000000000000000012", "0x0000000000000000000000000000000000000013"],
    "listenerQuorum": 2,
    "listeners": ["0x0000000000000000000000000000000000000021", "0x0000000000000000000000000000000000000022", "0x0000000000000000000000000000000000000023"]
  },
  "treasury": "0x0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798",
  "chains": [{"id": "eip155:1", "rule": "evm"}, {"id": "eip155:10", "rule": "evm", "confirmations": 3, "skew": 120, "batch": 1}],
  "assets": [
    {"symbol": "USDC", "decimals": 6, "tokens": [
      {"chain": "eip155:1", "address": "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48", "decimals": 6, "minWithdrawal": "10", "fee": "0.5"},
      {"chain": "eip155:10", "address": "0x0b2C639c533813f4Aa9D7837CAf62653d097Ff85", "decimals": 18, "minWithdrawal": "1.000001", "fee": "0"}], "minOpening": "1.5"},
    {"symbol": "ETH", "decimals": 18, "tokens": [{"chain": "eip155:1", "address": "native", "decimals": 18, "minWithdrawal": "0.01", "fee": "0.001"}]}
  ],
  "window": 4,
  "batch": 2
}`

func TestGenesisRoundTrip(t *testing.T) {
	for name, text := range map[string]string{
		"small groups": genesisFile,
		"app":          strings.Replace(genesisFile, `"batch": 2`, "\"batch\": 2, \"app\": {\"more\": [1.50, null],\n \"greeting\":\"<hello>\"}", 1),
		"unsafe":       strings.NewReplacer(`"approverQuorum": 2`, `"approverQuorum": 1`, `"window"`, `"unsafe": true, "window"`).Replace(genesisFile),
	} {
		t.Run(name, func(t *testing.T) {
			genesis, err := app.ParseGenesis([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			file, err := app.FileOf(genesis)
			if err != nil {
				t.Fatal(err)
			}
			data, err := json.MarshalIndent(file, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			again, err := app.ParseGenesis(data)
			if err != nil || again.Hash() != genesis.Hash() || !reflect.DeepEqual(again, genesis) {
				t.Fatalf("read back as %+v, %v\nwant %+v", again, err, genesis)
			}
			var want, got map[string]any
			if err := json.Unmarshal([]byte(text), &want); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(data, &got); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("written as\n%s\nwant what was read", data)
			}
		})
	}
}

func TestParseGenesisNamesEveryFault(t *testing.T) {
	for _, test := range []struct {
		name, old, new string
		want           []string
	}{
		{"no JSON", genesisFile, "network: test", []string{"invalid character"}},
		{"nothing", genesisFile, "", []string{"is empty"}},
		{"unknown key", `"batch"`, `"bacth"`, []string{`unknown field "bacth"`}},
		{"more after the end", genesisFile, genesisFile + "{}", []string{"goes on after the closing brace"}},
		{"closing brace after the end", genesisFile, genesisFile + "}", []string{"goes on after the closing brace"}},
		{"too large", genesisFile, strings.Repeat(" ", ledger.MaxGenesisSize+1), []string{"bytes, at most"}},
		{"network", `"network": "test"`, `"network": ""`, []string{`network name "" has 0 bytes`}},
		{"time", "2026-01-02T03:04:05.006Z", "today", []string{`"today"`}},
		{"time before 1970", "2026-01-02T03:04:05.006Z", "1969-01-02T03:04:05Z", []string{"time 1969-01-02T03:04:05Z is before 1970"}},
		{"time in microseconds", "05.006Z", "05.0061Z", []string{"time 2026-01-02T03:04:05.0061Z is not of whole milliseconds"}},
		{"version", `"codeVersion": 1`, `"codeVersion": 0`, []string{"code version is 0; versions start at 1"}},
		{"treasury", "0x0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798", "0x02", []string{"treasury: public key"}},
		{"treasury that is no point", "0x0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798", "0x020000000000000000000000000000000000000000000000000000000000000005", []string{"treasury: public key", "is not a point of secp256k1"}},
		{"member", "0x0000000000000000000000000000000000000012", "0x12", []string{`address`, `0x12`}},
		{"member's checksum", "0x0000000000000000000000000000000000000012", "0xa0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48", []string{"wrong EIP-55 checksum"}},
		{"members out of order", "0x0000000000000000000000000000000000000012", "0x0000000000000000000000000000000000000014", []string{"does not stand after"}},
		{"two seats", "0x0000000000000000000000000000000000000021", "0x0000000000000000000000000000000000000001", []string{"is the processor and holds another seat too"}},
		{"quorum of none", `"approverQuorum": 2`, `"approverQuorum": 0`, []string{"approver quorum"}},
		{"quorum above the group", `"listenerQuorum": 2`, `"listenerQuorum": 4`, []string{"listener quorum is 4 of 3 members"}},
		{"quorum of half", `"listenerQuorum": 2`, `"listenerQuorum": 1`, []string{"listener quorum of 1 in 3 is half or less", `set "unsafe": true`}},
		{"rule", `"id": "eip155:10", "rule": "evm"`, `"id": "eip155:10", "rule": "evn"`, []string{`chain eip155:10: rule "evn" is unknown; known are any32, evm`}},
		{"no CAIP-2 id", `"id": "eip155:10", "rule"`, `"id": "optimism", "rule"`, []string{`chain "optimism" is not a CAIP-2 id`}},
		{"no chain of its namespace", `"id": "eip155:10", "rule"`, `"id": "solana:10", "rule"`, []string{`chain id "solana:10": want solana: and the first 32 letters`}},
		{"chain twice", `"id": "eip155:10", "rule"`, `"id": "eip155:1", "rule"`, []string{`chain "eip155:1" is listed twice`}},
		{"token on an unlisted chain", `"chain": "eip155:10"`, `"chain": "eip155:11"`, []string{`asset USDC has a token on chain "eip155:11", which is not listed`}},
		{"token on a chain without an adapter", `"chain": "eip155:10"`, `"chain": "cosmos:hub"`, []string{"asset USDC on cosmos:hub", "no adapter"}},
		{"token's address", "0x0b2C639c533813f4Aa9D7837CAf62653d097Ff85", "0x0b", []string{"asset USDC on eip155:10: token address:", "0x0b"}},
		{"token's checksum", "0x0b2C639c533813f4Aa9D7837CAf62653d097Ff85", "0x0B2C639c533813f4Aa9D7837CAf62653d097Ff85", []string{"asset USDC on eip155:10", "checksum"}},
		{"a coin's decimals", `"address": "native", "decimals": 18`, `"address": "native", "decimals": 9`, []string{"asset ETH on eip155:1: ETH has 18 decimals there, not 9"}},
		{"minimum", `"minWithdrawal": "10"`, `"minWithdrawal": "ten"`, []string{`asset USDC on eip155:1: minWithdrawal: amount "ten"`}},
		{"fee's decimals", `"fee": "0.5"`, `"fee": "0.0000005"`, []string{`asset USDC on eip155:1: fee: amount "0.0000005" has 7 decimals, at most 6`}},
		{"fee above the minimum", `"fee": "0.5"`, `"fee": "10"`, []string{"the minimum withdrawal 10000000 must be above the fee 10000000"}},
		{"opening", `"minOpening": "1.5"`, `"minOpening": "0.0000001"`, []string{`asset USDC: minOpening: amount "0.0000001" has 7 decimals, at most 6`}},
		{"asset twice", `"symbol": "ETH"`, `"symbol": "USDC"`, []string{"asset USDC is listed twice"}},
		{"window", `"window": 4`, `"window": 100000`, []string{"window is 100000"}},
		{"batch of a chain", `"batch": 1`, `"batch": 33`, []string{`chain "eip155:10" has batch 33`}},
		{"batch", `"batch": 2`, `"batch": 100000`, []string{"batch is 100000"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			text := strings.Replace(genesisFile, test.old, test.new, 1)
			if text == genesisFile {
				t.Fatal("the case changes nothing")
			}
			_, err := app.ParseGenesis([]byte(text))
			if err == nil {
				t.Fatal("it was accepted")
			}
			for _, part := range test.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("error does not say %q:\n%v", part, err)
				}
			}
		})
	}
}

func TestParseGenesisReportsAllFaultsAtOnce(t *testing.T) {
	text := strings.NewReplacer(`"fee": "0.5"`, `"fee": "x"`, `"rule": "evm", "confirmations"`, `"rule": "evn", "confirmations"`, `"treasury": "0x02`, `"treasury": "0x05`,
		`"listenerQuorum": 2`, `"listenerQuorum": 1`).Replace(genesisFile)
	_, err := app.ParseGenesis([]byte(text))
	for _, part := range []string{"fee: amount", `rule "evn"`, "treasury:", "listener quorum of 1"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("error does not say %q:\n%v", part, err)
		}
	}
}

// A batch that the adapter cannot deliver in any case is refused, and a new genesis has
// the adapter's.
func TestBatchFitsTheAdapter(t *testing.T) {
	adapters := app.Adapters
	t.Cleanup(func() { app.Adapters = adapters })
	small := adapters[0]
	small.Batch = 3
	app.Adapters = []chain.Adapter{small}
	for name, c := range map[string]struct {
		old, new string
		fits     bool
	}{
		"as large as can be":         {`"batch": 2`, `"batch": 3`, true},
		"larger, but not here":       {`"rule": "evm"}`, `"rule": "evm", "batch": 3}`, true},
		"larger":                     {`"batch": 1`, `"batch": 4`, false},
		"larger for all chains":      {`"batch": 2`, `"batch": 4`, false},
		"left out, so it may be any": {",\n  \"batch\": 2", "", false},
	} {
		text := strings.Replace(genesisFile, c.old, c.new, 1)
		if text == genesisFile {
			t.Fatalf("%s: the case changes nothing", name)
		}
		_, err := app.ParseGenesis([]byte(text))
		if c.fits && err != nil || !c.fits && (err == nil || !strings.Contains(err.Error(), "a transaction there holds at most 3 transfers")) {
			t.Errorf("%s: error is %v", name, err)
		}
	}
	options := app.InitOptions{Dir: t.TempDir(), Network: "test", Listeners: 1, Approvers: 1, Light: true, Unsafe: true,
		Chains: []app.InitChain{{ID: "eip155:1", Rule: "evm", Endpoints: []string{"http://127.0.0.1:1"}}}}
	files, err := app.Init(options)
	if err != nil {
		t.Fatal(err)
	}
	g, err := app.LoadGenesis(files.Genesis)
	if err != nil || g.Chains[0].Batch != 3 {
		t.Errorf("a new genesis has batch %+v (%v), want 3", g, err)
	}
}

func TestLoadGenesisNamesTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "genesis.json")
	if _, err := app.LoadGenesis(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("no file: error is %v, want one that names %s", err, path)
	}
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := app.LoadGenesis(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("broken file: error is %v, want one that names %s", err, path)
	}
}

func FuzzParseGenesis(f *testing.F) {
	f.Add([]byte(genesisFile))
	f.Add([]byte("{}"))
	f.Add([]byte(`{"chains":[{}],"assets":[{"tokens":[{}]}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		genesis, err := app.ParseGenesis(data)
		if err != nil {
			return
		}
		file, err := app.FileOf(genesis)
		if err != nil {
			t.Fatal(err)
		}
		out, err := json.Marshal(file)
		if err != nil {
			t.Fatal(err)
		}
		again, err := app.ParseGenesis(out)
		if err != nil || again.Hash() != genesis.Hash() {
			t.Fatalf("written as %s and read back as %v, %v", bytes.TrimSpace(out), again, err)
		}
	})
}
