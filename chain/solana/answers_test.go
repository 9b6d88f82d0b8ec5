package solana

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/trinebridge/trine/bridgecontracts"
	contract "github.com/trinebridge/trine/bridgecontracts/solana"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/internal/rpctest"
)

// recorded is what a validator (agave 4.1.2) said: a transaction that deposited one lamport, the block that holds it, the bridge's account.
func recorded(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

var (
	recordedProgram = contract.MustKey("D5TcKDJGMpWmnkpW2pZo1h26K7bh6Scu6Mk6SZypocqm")
	recordedPayer   = contract.MustKey("DFozL3iUVQfXXDGZHgHkQYAJmgC2EST2SbWbozUoy4ya")
)

const recordedSlot = 45

func TestRecordedDepositIsRead(t *testing.T) {
	var tx transactionWithMeta
	var b block
	if err := json.Unmarshal(recorded(t, "deposit"), &tx); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(recorded(t, "block"), &b); err != nil {
		t.Fatal(err)
	}
	id, list, err := tx.records(recordedProgram, tx.Slot)
	if err != nil || len(list) != 1 {
		t.Fatalf("events %+v, %v", list, err)
	}
	d, ok := list[0].Body.(*bridgecontracts.Deposited)
	if !ok || list[0].ID != 1 || list[0].Tx != id || list[0].Block != recordedSlot || list[0].previous != 0 || d.Wallet != codec.Hash(recordedPayer) || d.Amount.Uint64() != 1 {
		t.Errorf("the event is %+v of %+v", list[0], d)
	}
	inBlock := 0
	for i := range b.Transactions {
		_, list, err := b.Transactions[i].records(recordedProgram, recordedSlot)
		if err != nil {
			t.Error(err)
		}
		inBlock += len(list)
	}
	if inBlock != 1 {
		t.Errorf("the block has %d events of the bridge, want 1", inBlock)
	}
	if _, list, err := tx.records(recordedPayer, tx.Slot); err != nil || len(list) != 0 {
		t.Errorf("another program's events: %+v, %v", list, err)
	}
}

// Nothing counts that the program did not record itself in a transaction that succeeded.
func TestSpoiledTransactions(t *testing.T) {
	good := string(recorded(t, "deposit"))
	for _, c := range []struct {
		name, old, new string
		fails          bool
	}{
		{"it failed", `"err": null`, `"err": {"InstructionError": [0, "InvalidArgument"]}`, false},
		{"another program's instruction", `"programIdIndex": 3, "stackHeight": 2`, `"programIdIndex": 4, "stackHeight": 2`, false},
		{"a program that is not there", `"programIdIndex": 3, "stackHeight": 2`, `"programIdIndex": 6, "stackHeight": 2`, true},
		{"a record that is cut", `"data": "6qbxpVRSsi8Cm8EWkyCFTigAz9CwcwneQJh6BNpnvtpU1QGZqN4qrBaRJTRrHYCuzNVoZ92kXvua42EyvdgkWjjbAY6eF36sqFb95zMYVuowAGnN1XnSuaJ2crzRt7UDvnRSYtYnUCMSRTaWjUK3Ckq5ukiPUUBAEVgPzRgGJQu4mtGD6FsMqKV3nTK6nCNqofH8uyeVoV"`, `"data": "G"`, true},
		{"no outcome", `"meta":`, `"mate":`, true},
		{"no signature", `"signatures": ["`, `"signatures": [], "others": ["`, true},
		{"a signature that is none", `"signatures": ["4EtZ`, `"signatures": ["0EtZ`, true},
		{"no accounts", `"accountKeys"`, `"accountKee"`, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			spoiled := strings.ReplaceAll(good, c.old, c.new)
			if spoiled == good {
				t.Fatal("the recorded transaction does not have what is to be spoiled")
			}
			var tx transactionWithMeta
			if err := json.Unmarshal([]byte(spoiled), &tx); err != nil {
				t.Fatal(err)
			}
			_, list, err := tx.records(recordedProgram, recordedSlot)
			if len(list) != 0 || (err != nil) != c.fails {
				t.Errorf("events %+v, error %v", list, err)
			}
		})
	}
}

// FuzzTransaction reads a transaction as a node may show it. Whatever comes out has an id, and events have been decoded.
func FuzzTransaction(f *testing.F) {
	f.Add(recorded(f, "deposit"))
	f.Add([]byte(`{"slot":1,"transaction":{"signatures":["1"],"message":{"accountKeys":[]}},"meta":{"err":null}}`))
	f.Add([]byte(`{"meta":{"innerInstructions":[{"instructions":[{"programIdIndex":65535,"data":""}]}]}}`))
	f.Add([]byte(`{"transaction":["AQ==","base64"],"meta":{}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var tx *transactionWithMeta
		if json.Unmarshal(raw, &tx) != nil || tx == nil {
			return
		}
		checkTransaction(t, tx)
	})
}

func checkTransaction(t *testing.T, tx *transactionWithMeta) {
	t.Helper()
	id, list, err := tx.records(recordedProgram, recordedSlot)
	if err == nil && parseSignature(id) != nil {
		t.Errorf("a transaction without an error has the id %q", id)
	}
	if len(list) > 0 && (err != nil || tx.failed() != nil || !tx.mentions(recordedProgram)) {
		t.Errorf("%d events of a transaction that failed, or that does not name the program: %v", len(list), err)
	}
	for _, s := range list {
		if s.ID == 0 || s.Body == nil || s.Tx != id {
			t.Errorf("event %+v of transaction %s", s, id)
		}
	}
}

// FuzzBlock reads a block as a node may show it.
func FuzzBlock(f *testing.F) {
	f.Add(recorded(f, "block"))
	f.Add([]byte(`{"blockhash":"11111111111111111111111111111111","blockTime":null,"transactions":[{"meta":null}]}`))
	f.Add([]byte(`{"blockhash":"` + strings.Repeat("z", 45) + `"}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var b *block
		if json.Unmarshal(raw, &b) != nil || b == nil {
			return
		}
		for i := range b.Transactions {
			checkTransaction(t, &b.Transactions[i])
		}
	})
}

// FuzzAccount reads an account as a node may show it, as everything that the adapter takes accounts for.
func FuzzAccount(f *testing.F) {
	f.Add(recorded(f, "state"))
	f.Add([]byte(`{"lamports":1,"owner":"` + contract.TokenProgram.String() + `","data":["` + strings.Repeat("AQEB", 60) + `","base64"]}`))
	f.Add([]byte(`{"lamports":1,"owner":"` + contract.Token2022Program.String() + `","data":["` + strings.Repeat("AQAA", 100) + `","base64"]}`))
	f.Add([]byte(`{"lamports":-1,"owner":"","data":"x"}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var a *account
		if json.Unmarshal(raw, &a) != nil || a == nil {
			return
		}
		if s, err := contract.DecodeState(a.Data); err == nil {
			if at, ok := s.At(s.Now.Slot); !ok || at.EventID != s.Now.EventID {
				t.Errorf("a state whose newest counters are %+v, and %+v in the same slot", s.Now, at)
			}
		}
		if held, err := decodeTokenAccount(a); err == nil && !isToken(a.Owner) {
			t.Errorf("%+v of program %s", held, a.Owner)
		}
		_ = checkMint(a)
		_ = refuses(a, a)
		_, _ = contract.CodeHash(a.Data)
		_, _ = contract.DecodeToken(a.Data)
		_, _ = contract.DecodeClaim(a.Data)
		_, _ = contract.DecodeBuffer(a.Data)
	})
}

// FuzzAttempt reads an attempt that was persisted.
func FuzzAttempt(f *testing.F) {
	f.Add([]byte{0, 3, 1, 2, 3}, []byte(`{"lastValid":1}`))
	f.Add([]byte{0xff, 0xff}, []byte(`{"blockhash":1}`))
	f.Fuzz(func(t *testing.T, raw, more []byte) {
		a := &chain.Attempt{ID: "an attempt", Raw: raw, Extra: more}
		list, err := unpack(a)
		size := 0
		for _, tx := range list {
			size += 2 + len(tx)
			_, _ = idOf(tx)
		}
		if err == nil && size != len(raw) {
			t.Errorf("%d of %d bytes are in the transactions", size, len(raw))
		}
		if e, err := extraOf(a); err == nil && e.LastValid == 0 {
			t.Errorf("an attempt that never expires: %+v", e)
		}
	})
}

// FuzzAnswers has a node answer every request with the same bytes: no panic, and nothing is read or built of them but by
// an answer that has the asked form.
func FuzzAnswers(f *testing.F) {
	var answer atomic.Value
	answer.Store("")
	node := rpctest.Start(f, "")
	node.Handle(func(x *rpctest.Exchange) {
		if x.Method == "getGenesisHash" {
			x.Raw(`"` + scriptedGenesis + `"`)
			return
		}
		x.Raw(answer.Load().(string))
	})
	for _, seed := range []string{`null`, `1`, `{"value":null}`, `{"value":1,"context":{"slot":9}}`, `{"absoluteSlot":1,"blockHeight":1}`, `[]`, `[{"signature":"1"}]`, `[null]`,
		`{"context":{"slot":9},"value":[null]}`, `{"context":{"slot":9},"value":[` + string(recorded(f, "state")) + `]}`, string(recorded(f, "deposit")), string(recorded(f, "block")),
		`{"value":{"blockhash":"` + contract.SystemProgram.String() + `","lastValidBlockHeight":3}}`, `{"value":{"err":{"InstructionError":[2,{"Custom":1414660103}]},"unitsConsumed":7}}`} {
		f.Add(seed)
	}
	p, err := contract.NewProgram(recordedProgram)
	if err != nil {
		f.Fatal(err)
	}
	config := chain.SinkConfig{SourceConfig: chain.SourceConfig{ChainID: Namespace + ":" + scriptedGenesis, Endpoint: node.URL(), Bridge: codec.Hash(p.State)}, FeeKey: key("fuzz"), Poll: testPoll}
	sink, err := OpenSink(config)
	if err != nil {
		f.Fatal(err)
	}
	wallet, err := OpenWallet(config)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		answer.Store(text)
		ctx, s := t.Context(), sink.source
		at := chain.Block{Number: 1, Hash: codec.Hash{1}}
		if _, err := s.Events(ctx, 1, 2, at); err == nil {
			t.Errorf("%q: events without an error", text)
		}
		if _, err := s.Counters(ctx, at); err == nil {
			t.Errorf("%q: counters without an error", text)
		}
		if _, err := s.Snapshot(ctx, at, []codec.Hash{contract.Native}); err == nil {
			t.Errorf("%q: a snapshot without an error", text)
		}
		_, headErr := s.Head(ctx, chain.Finality{})
		_, blockErr := s.BlockAt(ctx, 1)
		_, locateErr := s.Locate(ctx, strings.Repeat("1", signatureSize))
		_, senderErr := sink.Sender(ctx)
		_, _, statusErr := sink.Status(ctx, []chain.Attempt{{ID: "x", Extra: json.RawMessage(`{"lastValid":1}`)}}, chain.Finality{})
		_, priceErr := s.node.price(ctx, nil, walletCaps)
		_, recentErr := s.node.recent(ctx)
		_, balanceErr := wallet.Balance(ctx, codec.Hash{2}, codec.Hash{3})
		for _, err := range []error{headErr, blockErr, locateErr, senderErr, statusErr, priceErr, recentErr, balanceErr} {
			if err != nil && (err.Error() == "" || chain.VerdictOf(err) > chain.Fatal) {
				t.Errorf("%q: %v", text, err)
			}
		}
	})
}
