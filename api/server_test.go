package api_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/api"
	"github.com/trinebridge/trine/appchain/appchaintest"
	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/ledger"
	"github.com/trinebridge/trine/signing"
)

func decimal(n uint64) string { return strconv.FormatUint(n, 10) }

// answer is a raw answer.
type answer struct {
	status  int
	kind    string
	allow   string
	body    string
	problem api.Problem
}

// call sends a request as it is.
func call(t *testing.T, method, url, body string, change func(*http.Request)) answer {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	if change != nil {
		change(request)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	if err != nil {
		t.Fatal(err)
	}
	a := answer{status: response.StatusCode, kind: response.Header.Get("Content-Type"), allow: response.Header.Get("Allow"), body: string(data)}
	if a.kind == "application/problem+json" && len(data) > 0 { // the answer to HEAD has no body
		if err := json.Unmarshal(data, &a.problem); err != nil {
			t.Fatalf("problem document %s: %v", data, err)
		}
	}
	return a
}

func TestSubmit(t *testing.T) {
	w := newWorld(t)
	want := w.f.Tx(t, w.alice, 1, start+1, &ledger.Transfer{To: w.f.Treasury.PublicKey(), Asset: 1, Amount: *uint256.NewInt(5)})
	var result error
	w.config.Submit = func(_ context.Context, tx *ledger.Transaction) (codec.Hash, error) {
		if !bytes.Equal(codec.Marshal(tx), codec.Marshal(want)) {
			t.Errorf("submitted was %+v, want %+v", tx, want)
		}
		return tx.Digest(), result
	}
	c := w.serve()
	if hash, err := c.Submit(t.Context(), want); err != nil || hash != want.Digest() {
		t.Errorf("Submit returned %s, %v", hash, err)
	}
	for _, test := range []struct {
		err    error
		status int
		want   string
	}{
		{&ledger.Rejection{Code: ledger.CodeUnauthorized, Reason: "nonce is 1, want 7"}, 422, "nonce is 1, want 7"},
		{fmt.Errorf("submit: %w", &ledger.Rejection{Code: ledger.CodeUnauthorized, Reason: "nonce is 1, want 7"}), 422, "nonce is 1, want 7"},
		{fmt.Errorf("submit: %w", context.DeadlineExceeded), 504, "deadline"},
		{errors.New("no peer takes it"), 503, "no peer takes it"},
		{fmt.Errorf("guard: %w", signing.ErrDoubleSign), 409, signing.ErrDoubleSign.Error()},
	} {
		result = test.err
		_, err := c.Submit(t.Context(), want)
		var p *api.Problem
		if !errors.As(err, &p) || p.Status != test.status || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%v became %v, want status %d and %q", test.err, err, test.status, test.want)
		}
	}
}

func TestSubmitRefusesBadBodies(t *testing.T) {
	w := newWorld(t)
	url := "http://" + w.listen() + "/v1/transactions"
	good := codec.Marshal(w.f.Tx(t, w.alice, 1, start+1, &ledger.Tick{}))
	tx := func(text string) string { return fmt.Sprintf(`{"tx":%q}`, text) }
	for _, test := range []struct {
		name, body string
		status     int
		want       string
	}{
		{"nothing", "", 400, "request body is required"},
		{"no JSON", "tx=0x00", 400, ""},
		{"no object", `"0x00"`, 422, "body"},
		{"no transaction", `{}`, 422, "tx"},
		{"an unknown key", `{"tx":"0x00","fee":1}`, 422, "body.fee"},
		{"wrong type", `{"tx":12}`, 422, "body.tx"},
		{"no prefix", tx("00"), 400, "tx does not start with 0x"},
		{"empty", tx(""), 400, "tx does not start with 0x"},
		{"no hex", tx("0xzz"), 400, "tx is not hexadecimal"},
		{"half a byte", tx("0x0"), 400, "tx is not hexadecimal"},
		{"no bytes", tx("0x"), 400, "tx:"},
		{"truncated Borsh", tx("0x" + hex.EncodeToString(good[:len(good)-1])), 400, "tx:"},
		{"a byte too many", tx("0x" + hex.EncodeToString(append(good, 0))), 400, "tx:"},
		{"a length that lies", tx("0x" + hex.EncodeToString(good[:32]) + strings.Repeat("ff", 200)), 400, "tx:"},
		{"a transaction too large", tx("0x" + strings.Repeat("00", ledger.MaxTransactionSize+1)), 400, "tx:"},
		{"a body too large", tx("0x" + strings.Repeat("00", ledger.MaxTransactionSize+4<<10)), 413, "request body is too large"},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := call(t, http.MethodPost, url, test.body, nil)
			if a.status != test.status || a.kind != "application/problem+json" || !strings.Contains(a.problem.Error(), test.want) {
				t.Errorf("answer is %d %s %s, want status %d and %q", a.status, a.kind, a.body, test.status, test.want)
			}
		})
	}
}

func TestOperators(t *testing.T) {
	w := newWorld(t)
	w.attached()
	var attached codec.Hash
	var voted bridgecontracts.Control
	var caps chain.Caps
	w.config.Role = "approver"
	w.config.Attach = func(_ context.Context, id string, bridge codec.Hash) error {
		if attached = bridge; id != chainID {
			return fmt.Errorf("chain %s is not in the configuration", id)
		}
		return nil
	}
	w.config.VoteControl = func(_ context.Context, domain bridgecontracts.Domain, control bridgecontracts.Control) (codec.Hash, error) {
		if voted = control; domain != w.f.Domain {
			t.Errorf("domain is %s", domain)
		}
		return codec.Uint64Word(7), nil
	}
	var holds *uint64
	w.config.Pause = func(_ context.Context, domain bridgecontracts.Domain, at *uint64) (chain.Delivery, error) {
		if holds = at; domain != w.f.Domain {
			t.Errorf("domain is %s", domain)
		}
		return chain.Delivery{
			Control: &bridgecontracts.Control{Sequence: 1, Body: &bridgecontracts.Pause{}}, Set: w.f.Set,
			Seal: bridgecontracts.Seal{Epoch: 1, Approvers: appchaintest.Sign(t, w.f.Approvers, 1, codec.Uint64Word(1))},
		}, nil
	}
	w.config.SubmitterStatus = func(context.Context) ([]api.SubmitterBalance, error) {
		return []api.SubmitterBalance{{Chain: chainID, Address: recipient, Balance: "12", Low: true}}, nil
	}
	w.config.SetCaps = func(id string, c chain.Caps) error {
		if caps = c; id != chainID {
			return fmt.Errorf("chain %s is not in the configuration", id)
		}
		return nil
	}
	c, ctx := w.serve(), t.Context()
	// 400 is a mistake in what was asked, 409 what the daemon cannot do now.
	refused := func(what string, err error, status int, want string) {
		t.Helper()
		var p *api.Problem
		if !errors.As(err, &p) || p.Status != status || api.BadRequest(err) != (status == 400) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error is %v, want a refusal with %d that says %q", what, err, status, want)
		}
	}

	bridge := evm{}.Format(chainID, appchaintest.BridgeAddress)
	if err := c.Attach(ctx, chainID, bridge); err != nil || attached != appchaintest.BridgeAddress {
		t.Errorf("attached is %s, %v", attached, err)
	}
	refused("no address", c.Attach(ctx, chainID, "0x12"), 400, "0x12")
	refused("another chain", c.Attach(ctx, "eip155:2", bridge), 409, "eip155:2 is not in the configuration")

	_, err := c.Unpause(ctx, chainID)
	refused("an open bridge", err, 409, "bridge on "+chainID+" is not paused")
	if _, err = c.Unpause(ctx, "eip155:2"); !api.NotFound(err) {
		t.Errorf("another chain: %v", err)
	}
	p := ok[api.PauseSignature](t)(c.Pause(ctx, api.PauseBody{Chain: chainID}))
	delivery, err := p.Delivery()
	if err != nil || delivery.Control.Sequence != 1 || delivery.Set.Hash() != w.f.Set.Hash() || len(delivery.Seal.Approvers) != 1 || p.Domain != w.f.Domain {
		t.Errorf("the signed pause is %+v, %v", delivery, err)
	}
	if holds != nil {
		t.Errorf("the bridge holds %d, though nobody has said so", *holds)
	}
	w.tell(&bridgecontracts.Paused{Sequence: 1})
	// The ledger may have been lied to: whether the bridge is paused is not for it to say.
	var read uint64 = 4
	if _, err = c.Pause(ctx, api.PauseBody{Chain: chainID, Holds: &read}); err != nil || holds == nil || *holds != 4 {
		t.Errorf("a pause of a bridge that the ledger takes for paused: %v, holds %v", err, holds)
	}
	vote := ok[api.Submitted](t)(c.Unpause(ctx, chainID))
	if _, isUnpause := voted.Body.(*bridgecontracts.Unpause); !isUnpause || voted.Sequence != 2 || vote.Hash != codec.Uint64Word(7) {
		t.Errorf("voted was %+v, the answer %+v", voted, vote)
	}

	_ = ok[api.Submitted](t)(c.SetLimit(ctx, api.LimitBody{Chain: chainID, Asset: "TST", Capacity: "12.5", Window: 3600}))
	if l, isLimit := voted.Body.(*bridgecontracts.SetLimit); !isLimit || voted.Sequence != 1 || l.Token != appchaintest.Token || l.Capacity != *uint256.NewInt(12_500_000) || l.Window != 3600 {
		t.Errorf("voted was %+v", voted)
	}
	_, err = c.SetLimit(ctx, api.LimitBody{Chain: chainID, Asset: "DAI", Capacity: "1"})
	refused("an unknown asset", err, 400, `asset "DAI" is not in the genesis`)
	_, err = c.SetLimit(ctx, api.LimitBody{Chain: chainID, Asset: "TST", Capacity: "lots"})
	refused("no number", err, 400, `amount "lots"`)

	if err := c.SetCaps(ctx, api.CapsBody{Chain: chainID, MaxFeePerGas: "30.5", MaxTip: "2"}); err != nil || caps.MaxFeePerGas != *uint256.NewInt(30_500_000_000) || caps.MaxTip != *uint256.NewInt(2_000_000_000) {
		t.Errorf("caps are %+v, %v", caps, err)
	}
	refused("no number", c.SetCaps(ctx, api.CapsBody{Chain: chainID, MaxFeePerGas: "x", MaxTip: "2"}), 400, `maxFeePerGas: amount "x"`)
	refused("another chain", c.SetCaps(ctx, api.CapsBody{Chain: "eip155:2", MaxFeePerGas: "1", MaxTip: "1"}), 409, "not in the configuration")
	if list := ok[[]api.SubmitterBalance](t)(c.SubmitterBalances(ctx)); len(list) != 1 || !list[0].Low {
		t.Errorf("balances are %+v", list)
	}
}

// A daemon offers only what its role can do, and says so.
func TestOtherRolesOperations(t *testing.T) {
	c := newWorld(t).serve()
	err := c.Attach(t.Context(), chainID, recipient)
	var p *api.Problem
	if !errors.As(err, &p) || p.Status != http.StatusNotImplemented || !strings.Contains(err.Error(), "this daemon, of role node, has no POST /v1/operator/attach; ask a daemon of the role that does this") {
		t.Errorf("error is %v", err)
	}
}

func TestUnknownPath(t *testing.T) {
	a := call(t, http.MethodGet, "http://"+newWorld(t).listen()+"/v1/nonsense", "", nil)
	if a.status != 404 || !strings.Contains(a.problem.Detail, "has no GET /v1/nonsense; /openapi.json lists what there is") {
		t.Errorf("answer is %d %s", a.status, a.body)
	}
}

// A path that is there says by which methods it can be asked, whichever it is.
func TestWrongMethods(t *testing.T) {
	w := ableWorld(t)
	w.config.Metrics = http.NotFoundHandler()
	url := "http://" + w.listen()
	var document struct {
		Paths map[string]map[string]any `json:"paths"`
	}
	if err := json.Unmarshal([]byte(call(t, http.MethodGet, url+"/openapi.json", "", nil).body), &document); err != nil {
		t.Fatal(err)
	}
	if len(document.Paths) < 10 {
		t.Fatalf("the document has only the paths %v", document.Paths)
	}
	for _, path := range []string{"/livez", "/readyz", "/metrics", "/openapi.json"} {
		document.Paths[path] = map[string]any{"get": nil}
	}
	parameter := regexp.MustCompile(`\{[a-z]+\}`)
	for pattern, operations := range document.Paths {
		path, want := parameter.ReplaceAllString(pattern, "1"), "POST"
		if _, read := operations["get"]; read {
			want = "GET, HEAD"
		}
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PURGE"} {
			a := call(t, method, url+path, "", nil)
			if slices.Contains(strings.Split(want, ", "), method) {
				if a.status == http.StatusMethodNotAllowed {
					t.Errorf("%s %s: %d %s", method, path, a.status, a.body)
				}
				continue
			}
			if a.status != http.StatusMethodNotAllowed || a.allow != want || a.kind != "application/problem+json" {
				t.Errorf("%s %s: %d %s, Allow %q, %s; want 405 and Allow %q", method, path, a.status, a.kind, a.allow, a.body, want)
			}
			if detail := fmt.Sprintf("%s cannot be asked with %s; ask with %s", path, method, want); method != http.MethodHead && a.problem.Detail != detail {
				t.Errorf("%s %s: detail is %q, want %q", method, path, a.problem.Detail, detail)
			}
		}
	}
}

// A page in the operator's browser, whatever name it gave this host, gets and does nothing.
func TestBrowsersAreRefused(t *testing.T) {
	w := newWorld(t)
	w.config.Attach = func(context.Context, string, codec.Hash) error {
		t.Error("a page attached a bridge")
		return nil
	}
	address := w.listen()
	url := "http://" + address
	host := func(h string) func(*http.Request) { return func(r *http.Request) { r.Host = h } }
	for _, h := range []string{"evil.example", "evil.example:7001", "127.0.0.1.evil.example", "localhost.evil.example", "192.168.0.1", "0.0.0.0", "[::]", "::ffff:8.8.8.8"} {
		a := call(t, http.MethodGet, url+"/v1/status", "", host(h))
		if a.status != http.StatusForbidden || !strings.Contains(a.problem.Detail, "is not loopback; call 127.0.0.1 or localhost") {
			t.Errorf("host %q: %d %s", h, a.status, a.body)
		}
	}
	for _, h := range []string{"localhost", "localhost:9", "127.0.0.1", "127.0.0.2:80", "[::1]:80"} {
		if a := call(t, http.MethodGet, url+"/v1/status", "", host(h)); a.status != http.StatusOK {
			t.Errorf("host %q: %d %s", h, a.status, a.body)
		}
	}
	body := fmt.Sprintf(`{"chain":%q,"bridge":%q}`, chainID, recipient)
	for name, header := range map[string][2]string{
		"another origin":     {"Origin", "https://evil.example"},
		"another port":       {"Origin", "http://127.0.0.1:1"},
		"a sandboxed page":   {"Origin", "null"},
		"another site":       {"Sec-Fetch-Site", "cross-site"},
		"a site of the same": {"Sec-Fetch-Site", "same-site"},
	} {
		a := call(t, http.MethodPost, url+"/v1/operator/attach", body, func(r *http.Request) {
			r.Header.Set("Authorization", "Bearer "+token)
			r.Header.Set(header[0], header[1])
		})
		if a.status != http.StatusForbidden || !strings.Contains(a.problem.Detail, "a page cannot give orders to a daemon") {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
}

func TestHealth(t *testing.T) {
	w := newWorld(t)
	part := api.Part{Name: "listener " + chainID, Ready: true}
	w.config.Parts = func() []api.Part { return []api.Part{part} }
	w.config.Metrics = http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(rw, "trine_height 0\n") })
	url := "http://" + w.listen()
	get := func(path string, status int, want string) {
		t.Helper()
		if a := call(t, http.MethodGet, url+path, "", nil); a.status != status || !strings.Contains(a.body, want) {
			t.Errorf("%s is %d %q, want %d and %q", path, a.status, a.body, status, want)
		}
	}
	get("/livez", 200, "ok")
	get("/readyz", 200, "ok")
	get("/metrics", 200, "trine_height")
	part = api.Part{Name: "listener " + chainID, Detail: "waits", Error: "2 of 3 endpoints do not answer"}
	get("/readyz", 503, "listener "+chainID+": waits 2 of 3 endpoints do not answer")
	get("/livez", 200, "ok")
	part.Ready = true
	get("/readyz", 200, "ok")
	w.accuse()
	get("/readyz", 503, "there is proof that the processor is hostile; nothing is signed")
	get("/v1/status", 200, `"compromised":true`)
	get("/v1/status", 200, `"ready":false`)
}

func TestNewRefusesATakenPort(t *testing.T) {
	w := newWorld(t)
	w.config.Listen = w.listen()
	if _, err := api.New(w.config); err == nil || !strings.Contains(err.Error(), w.config.Listen) || !strings.Contains(err.Error(), "is another daemon running there? choose another port with api.listen") {
		t.Errorf("error is %v", err)
	}
}
