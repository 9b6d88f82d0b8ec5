package ethereum

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/chain/chaintest"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/internal/rpctest"
)

func TestFinalizedTag(t *testing.T) {
	w := newSimulatedWorld(t)
	s, err := OpenSource(w.sourceConfig(w.url()))
	if err != nil {
		t.Fatal(err)
	}
	newest, err := w.direct.BlockNumber(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := w.mine(t.Context(), int(64-newest)+3); err != nil {
		t.Fatal(err)
	}
	head, err := s.Head(t.Context(), chain.Finality{})
	if err != nil || head.Number != 64 {
		t.Fatalf("finalized head is %s, %v; want block 64", head, err)
	}
}

// readEvents reads events at the newest block but one.
func readEvents(t *testing.T, s *Source, from, to uint64) {
	t.Helper()
	at, err := s.Head(t.Context(), chain.Finality{Confirmations: 1})
	if err != nil {
		t.Fatal(err)
	}
	if events, err := s.Events(t.Context(), from, to, at); err != nil || uint64(len(events)) != to-from+1 {
		t.Fatalf("events %d to %d: %d, %v", from, to, len(events), err)
	}
}

func TestRangesAdapt(t *testing.T) {
	w := newSimulatedWorld(t)
	for range 3 {
		if _, err := w.Deposit(t.Context(), 2); err != nil {
			t.Fatal(err)
		}
		if err := w.mine(t.Context(), 60); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Spoil(chaintest.RangeLimit); err != nil {
		t.Fatal(err)
	}
	s, err := OpenSource(w.sourceConfig(w.proxy.URL()))
	if err != nil {
		t.Fatal(err)
	}
	readEvents(t, s, 1, 6)
	if window := s.scan.window.Load(); window > 20 {
		t.Errorf("the window is %d blocks although the node takes 10", window)
	}
	before := w.proxy.Calls("eth_getLogs")
	readEvents(t, s, 6, 6)
	if calls := w.proxy.Calls("eth_getLogs") - before; calls > 20 { // a scan from the start takes more than 30
		t.Errorf("the newest event took %d requests", calls)
	}
	if err := w.Spoil(chaintest.Healthy); err != nil {
		t.Fatal(err)
	}
	for range 12 {
		readEvents(t, s, 1, 6)
	}
	if window := s.scan.window.Load(); window < 60 {
		t.Errorf("the window is %d blocks, it does not grow again", window)
	}
}

func TestNewestEventsNeedNoFullScan(t *testing.T) {
	w := newSimulatedWorld(t)
	if err := w.mine(t.Context(), 50); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Deposit(t.Context(), 4); err != nil {
		t.Fatal(err)
	}
	if err := w.mine(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	s, err := OpenSource(w.sourceConfig(w.proxy.URL()))
	if err != nil {
		t.Fatal(err)
	}
	s.scan.window.Store(8)
	readEvents(t, s, 3, 4) // after a restart there is no hint: from the head downwards
	if calls := w.proxy.Calls("eth_getLogs"); calls != 1 {
		t.Errorf("events near the head took %d requests, want 1", calls)
	}
	s.scan.mu.Lock()
	s.scan.id, s.scan.block = 1, 1<<40 // a hint that is wrong
	s.scan.mu.Unlock()
	readEvents(t, s, 2, 4)
	s.scan.mu.Lock()
	s.scan.id, s.scan.block = 1, 52 // one that leads past the second event
	s.scan.mu.Unlock()
	readEvents(t, s, 2, 4)
}

func TestMoreEventsThanOneFilterNames(t *testing.T) {
	w := newSimulatedWorld(t)
	if _, err := w.Deposit(t.Context(), maxIDs+20); err != nil {
		t.Fatal(err)
	}
	if err := w.mine(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	s, err := OpenSource(w.sourceConfig(w.url()))
	if err != nil {
		t.Fatal(err)
	}
	readEvents(t, s, 1, maxIDs+20)
}

// changed answers one method with something else.
func changed(method, result string) rpctest.Handler {
	return func(x *rpctest.Exchange) {
		if x.Method == method {
			x.Reply(rpctest.Response{Result: json.RawMessage(result)})
			return
		}
		x.Pass()
	}
}

func TestAnswersThatAreNotWhatWasAsked(t *testing.T) {
	w := newSimulatedWorld(t)
	if _, err := w.Deposit(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if err := w.mine(t.Context(), 3); err != nil {
		t.Fatal(err)
	}
	s, err := OpenSource(w.sourceConfig(w.proxy.URL()))
	if err != nil {
		t.Fatal(err)
	}
	at, err := s.Head(t.Context(), chain.Finality{Confirmations: 1})
	if err != nil {
		t.Fatal(err)
	}
	log := `{"address":"0x0000000000000000000000000000000000000001","topics":[],"data":"0x","blockNumber":"0x1","transactionHash":"0x` + strings.Repeat("11", 32) +
		`","transactionIndex":"0x0","blockHash":"0x` + strings.Repeat("22", 32) + `","logIndex":"0x0","removed":false}`
	read := map[string]func() error{
		"eth_getLogs":               func() error { _, err := s.Events(t.Context(), 1, 1, at); return err },
		"eth_call":                  func() error { _, err := s.Counters(t.Context(), at); return err },
		"eth_getBlockByNumber":      func() error { _, err := s.BlockAt(t.Context(), at.Number); return err },
		"eth_getCode":               func() error { _, err := s.Snapshot(t.Context(), at, nil); return err },
		"eth_getTransactionReceipt": func() error { _, err := s.Locate(t.Context(), codec.Hash{1}.String()); return err },
	}
	for _, c := range []struct{ method, result string }{
		{"eth_getLogs", `[` + log + `]`}, {"eth_getLogs", `[null]`}, {"eth_getLogs", `{}`}, {"eth_getLogs", `[]`},
		{"eth_call", `"0x"`}, {"eth_call", `"0x01"`}, {"eth_call", `"0x` + strings.Repeat("ff", 11*32) + `"`}, {"eth_call", `7`},
		{"eth_getBlockByNumber", `{}`}, {"eth_getBlockByNumber", `{"number":"0x1","hash":"0x` + strings.Repeat("33", 32) + `","timestamp":"0x1"}`},
		{"eth_getBlockByNumber", `{"number":"-1"}`}, {"eth_getBlockByNumber", `"0x"`},
		{"eth_getCode", `"0x"`}, {"eth_getCode", `"0x6000"`},
		{"eth_getTransactionReceipt", `{}`}, {"eth_getTransactionReceipt", `[]`},
	} {
		t.Run(c.method+" "+c.result[:min(len(c.result), 40)], func(t *testing.T) {
			w.proxy.Handle(changed(c.method, c.result))
			if err := read[c.method](); err == nil || errors.Is(err, chain.ErrAbsent) {
				t.Fatalf("error %v, want one that means unknown", err)
			}
		})
	}
}

func TestErrorsDoNotShowSecrets(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	host := strings.TrimPrefix(server.URL, "http://")
	server.Close()
	for _, endpoint := range []string{"http://user:SECRET@" + host, server.URL + "/v3/SECRET", server.URL + "/?key=SECRET", "ftp://SECRET@" + host, "SECRET"} {
		config := chain.SourceConfig{ChainID: "eip155:1", Endpoint: endpoint, Bridge: codec.Hash{31: 1}}
		s, err := OpenSource(config)
		if err == nil {
			_, err = s.Head(t.Context(), chain.Finality{Confirmations: 1})
		}
		if err == nil || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("error %v, want one without the key", err)
		}
	}
}

func TestConfigFaults(t *testing.T) {
	good := chain.SourceConfig{ChainID: "eip155:1", Endpoint: "http://127.0.0.1:1", Bridge: codec.Hash{31: 1}}
	for name, change := range map[string]func(*chain.SourceConfig){
		"chain id of another namespace": func(c *chain.SourceConfig) { c.ChainID = "solana:1" },
		"chain id without a number":     func(c *chain.SourceConfig) { c.ChainID = "eip155:x" },
		"chain id with a leading zero":  func(c *chain.SourceConfig) { c.ChainID = "eip155:01" },
		"no bridge":                     func(c *chain.SourceConfig) { c.Bridge = codec.Hash{} },
		"a bridge that is no address":   func(c *chain.SourceConfig) { c.Bridge = codec.Hash{1} },
		"a websocket":                   func(c *chain.SourceConfig) { c.Endpoint = "ws://127.0.0.1:1" },
	} {
		t.Run(name, func(t *testing.T) {
			config := good
			change(&config)
			if s, err := Adapter.OpenSource(config); err == nil || s != nil {
				t.Fatalf("source %v, error %v; want an error and no source", s, err)
			}
			if _, err := Adapter.OpenSink(chain.SinkConfig{SourceConfig: config}); err == nil {
				t.Fatal("a sink opens")
			}
		})
	}
}

// FuzzAnswers has a node answer every request with the same bytes: no panic, and no
// read succeeds but by an answer that has the asked form.
func FuzzAnswers(f *testing.F) {
	var answer atomic.Value
	answer.Store("")
	node := rpctest.Start(f, "")
	node.Handle(func(x *rpctest.Exchange) {
		if x.Method == "eth_chainId" {
			x.Raw(`"0x1"`)
			return
		}
		x.Raw(answer.Load().(string))
	})
	for _, seed := range []string{`null`, `"0x1"`, `{"number":"0x1","hash":"0x` + strings.Repeat("33", 32) + `","timestamp":"0x1"}`, `[]`, `[{}]`, `[{"topics":null}]`,
		`{"status":"0x1","blockNumber":"0x1","blockHash":"0x` + strings.Repeat("33", 32) + `","gasUsed":"0x1","logs":[null]}`,
		`{"baseFeePerGas":["0x1"],"reward":[["0x1"],[],[null]]}`, `"0x` + strings.Repeat("00", 11*32) + `"`} {
		f.Add(seed)
	}
	s, err := OpenSource(chain.SourceConfig{ChainID: "eip155:1", Endpoint: node.URL(), Bridge: codec.Hash{31: 1}})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		answer.Store(text)
		at := chain.Block{Number: 1, Hash: codec.Hash{1}}
		if _, err := s.Events(t.Context(), 1, 2, at); err == nil {
			t.Errorf("%q: events without an error", text)
		}
		if _, err := s.Counters(t.Context(), at); err == nil {
			t.Errorf("%q: counters without an error", text)
		}
		_, headErr := s.Head(t.Context(), chain.Finality{})
		_, locateErr := s.Locate(t.Context(), codec.Hash{1}.String())
		_, priceErr := s.node.price(t.Context())
		for _, err := range []error{headErr, locateErr, priceErr} {
			if err != nil && err.Error() == "" {
				t.Errorf("%q: an error without text", text)
			}
		}
	})
}
