package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/trinebridge/trine/api"
	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/ledger"
)

var update = flag.Bool("update", false, "write golden files instead of comparing")

// ableWorld has a daemon that can do all that any daemon can.
func ableWorld(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.config.Attach = func(context.Context, string, codec.Hash) error { return nil }
	w.config.VoteControl = func(context.Context, bridgecontracts.Domain, bridgecontracts.Control) (codec.Hash, error) {
		return codec.Hash{}, nil
	}
	w.config.Pause = func(context.Context, bridgecontracts.Domain, *uint64) (chain.Delivery, error) {
		return chain.Delivery{}, nil
	}
	w.config.SubmitterStatus = func(context.Context) ([]api.SubmitterBalance, error) { return nil, nil }
	w.config.SetCaps = func(string, chain.Caps) error { return nil }
	return w
}

// everything is the document of a daemon that can do all that any daemon can.
func everything(t *testing.T) []byte {
	t.Helper()
	w := ableWorld(t)
	server, err := api.New(w.config)
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close() //nolint:errcheck // it was never run
	document, err := server.OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, document, "", "  "); err != nil {
		t.Fatal(err)
	}
	indented.WriteByte('\n')
	return indented.Bytes()
}

func TestOpenAPI(t *testing.T) {
	got := everything(t)
	if again := everything(t); !bytes.Equal(got, again) {
		t.Fatal("two servers of one kind have two documents")
	}
	golden := filepath.Join("testdata", "openapi.json")
	if *update {
		if err := os.MkdirAll("testdata", 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(golden, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("the document is not that of %s any more; look at the change and run go test ./api -update:\n%s", golden, got)
	}
}

// What is text in an answer is text in the document.
func TestOpenAPITypes(t *testing.T) {
	var document struct {
		Components struct {
			Schemas map[string]struct {
				Properties map[string]struct {
					Type  any
					Items struct{ Type any }
				}
			}
		}
	}
	if err := json.Unmarshal(everything(t), &document); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"Status.genesis", "Status.block", "Bridge.domain", "Bridge.head", "Key.key", "Validators.processor", "Control.digest", "Submitted.hash", "Amount.units"} {
		schema, property, _ := strings.Cut(path, ".")
		if got := document.Components.Schemas[schema].Properties[property].Type; got != "string" {
			t.Errorf("%s is a %v, want a string", path, got)
		}
	}
	for _, path := range []string{"Validators.approvers", "Action.signers", "Control.voters"} {
		schema, property, _ := strings.Cut(path, ".")
		if got := document.Components.Schemas[schema].Properties[property].Items.Type; got != "string" {
			t.Errorf("%s is a list of %v, want of strings", path, got)
		}
	}
}

// Lists are never null, in the document and in answers alike.
func TestListsAreNeverNull(t *testing.T) {
	if document := everything(t); bytes.Contains(document, []byte(`"null"`)) {
		t.Error("something in the document may be null")
	}
	w := newWorld(t)
	w.config.Parts = func() []api.Part { return nil }
	w.config.SubmitterStatus = func(context.Context) ([]api.SubmitterBalance, error) { return nil, nil }
	empty := "http://" + w.listen()
	w2 := newWorld(t)
	w2.attached()
	filled := "http://" + w2.listen()
	for _, url := range []string{
		empty + "/v1/status", empty + "/v1/network", empty + "/v1/validators", empty + "/v1/bridges", empty + "/v1/submitter",
		filled + "/v1/status", filled + "/v1/bridges", filled + "/v1/accounts/1", filled + "/v1/blocks/1",
		filled + "/v1/transactions/" + w2.node.Head().Header.TxHash.String(),
	} {
		if a := call(t, http.MethodGet, url, "", nil); a.status != http.StatusOK || strings.Contains(a.body, "null") {
			t.Errorf("%s: %d %s", url, a.status, a.body)
		}
	}
}

// The client has a method for every operation, and asks for nothing else.
func TestClientHasEveryOperation(t *testing.T) {
	var document struct {
		Paths map[string]map[string]struct{ OperationID string }
	}
	if err := json.Unmarshal(everything(t), &document); err != nil {
		t.Fatal(err)
	}
	type operation struct {
		method string
		path   *regexp.Regexp
		called bool
	}
	operations := map[string]*operation{}
	for path, methods := range document.Paths {
		pattern := regexp.MustCompile(`\\\{[a-z]+\\\}`).ReplaceAllString(regexp.QuoteMeta(path), `[^/]+`)
		for method, o := range methods {
			operations[o.OperationID] = &operation{method: strings.ToUpper(method), path: regexp.MustCompile("^" + pattern + "$")}
		}
	}
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		for _, o := range operations {
			if o.method == r.Method && o.path.MatchString(r.URL.EscapedPath()) {
				o.called = true
				return
			}
		}
		t.Errorf("the client asks for %s %s, which the document does not have", r.Method, r.URL)
	}))
	defer server.Close()
	c := ok[*api.Client](t)(api.NewClient(server.URL + "/"))
	ctx := t.Context()
	// The answers are empty: only what is asked counts.
	_, _ = c.Status(ctx)
	_, _ = c.Network(ctx)
	_, _ = c.Validators(ctx)
	_, _ = c.Account(ctx, "eip155:1/0x12")
	_, _ = c.Transaction(ctx, codec.Hash{})
	_, _ = c.Block(ctx, 1)
	_, _ = c.Bridges(ctx)
	_, _ = c.Bridge(ctx, "eip155:1")
	_, _ = c.Action(ctx, "eip155:1", 1)
	_, _ = c.Withdrawal(ctx, "eip155:1", 1)
	_, _ = c.Audit(ctx)
	_, _ = c.Submit(ctx, &ledger.Transaction{})
	_ = c.Attach(ctx, "eip155:1", "0x12")
	_, _ = c.Unpause(ctx, "eip155:1")
	_, _ = c.SetLimit(ctx, api.LimitBody{})
	_, _ = c.Pause(ctx, api.PauseBody{Chain: "eip155:1"})
	_, _ = c.SubmitterBalances(ctx)
	_ = c.SetCaps(ctx, api.CapsBody{})
	for id, o := range operations {
		if !o.called {
			t.Errorf("the client has no method for %s", id)
		}
	}
}

func TestNewClient(t *testing.T) {
	for _, address := range []string{"", "127.0.0.1:7001", "ftp://127.0.0.1", "http://", "http://a b", "://"} {
		if _, err := api.NewClient(address); err == nil || !strings.Contains(err.Error(), "is not a URL such as http://127.0.0.1:7001") {
			t.Errorf("%q: error is %v", address, err)
		}
	}
}

// Whatever answers, the error says what was asked for and what is wrong.
func TestClientErrors(t *testing.T) {
	for _, test := range []struct {
		name   string
		handle http.HandlerFunc
		want   string
	}{
		{"a page", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) }, "GET /v1/status: answer is not what the API documents"},
		{"another type", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"height":"many"}`)) }, "GET /v1/status: answer is not what the API documents"},
		{"an endless answer", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(bytes.Repeat([]byte(" "), 9<<20)) }, "GET /v1/status: the answer has more than 8388608 bytes"},
		{"a proxy's error", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "bad gateway", http.StatusBadGateway) }, "bad gateway"},
		{"a server of something else", http.NotFound, "is no daemon, or something stands before it: 404 Not Found"},
		{"an error without a word", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }, "502 Bad Gateway"},
		{"a problem", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = w.Write([]byte(`{"status":400,"title":"Bad Request","detail":"x is wrong","errors":[{"message":"want a number","location":"body.x","value":"y"}]}`))
		}, "x is wrong; body.x: want a number"},
		{"a connection that breaks", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "does not answer"},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := httptest.NewServer(test.handle)
			defer server.Close()
			_, err := ok[*api.Client](t)(api.NewClient(server.URL)).Status(t.Context())
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error is %v, want one that says %q", err, test.want)
			}
			if api.NotFound(err) {
				t.Error("it is not a 404")
			}
		})
	}
}

func TestWaitTx(t *testing.T) {
	w := newWorld(t)
	w.attached()
	c := w.serve()
	hash := w.withdraw(500)
	if tx, err := c.WaitTx(t.Context(), hash, time.Millisecond); err != nil || tx.Height != 3 {
		t.Errorf("an included transaction is %+v, %v", tx, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	unknown := codec.Keccak([]byte("unknown"))
	if _, err := c.WaitTx(ctx, unknown, time.Millisecond); err == nil || ctx.Err() == nil {
		t.Errorf("a transaction that never comes: %v", err)
	}
}
