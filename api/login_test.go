package api_test

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/trinebridge/trine/api"
	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/ledger"
)

// guarded runs a daemon with every operator's function, and counts how often any ran.
func guarded(t *testing.T) (w *world, url string, ran *atomic.Int64) {
	t.Helper()
	w, ran = newWorld(t), new(atomic.Int64)
	w.attached()
	w.config.Attach = func(context.Context, string, codec.Hash) error { ran.Add(1); return nil }
	w.config.VoteControl = func(context.Context, bridgecontracts.Domain, bridgecontracts.Control) (codec.Hash, error) {
		ran.Add(1)
		return codec.Hash{1}, nil
	}
	w.config.Pause = func(context.Context, bridgecontracts.Domain, *uint64) (chain.Delivery, error) {
		ran.Add(1)
		return chain.Delivery{Control: &bridgecontracts.Control{Sequence: 1, Body: &bridgecontracts.Pause{}}, Set: w.f.Set}, nil
	}
	w.config.SetCaps = func(string, chain.Caps) error { ran.Add(1); return nil }
	w.config.Submit = func(_ context.Context, tx *ledger.Transaction) (codec.Hash, error) { return tx.Digest(), nil }
	return w, "http://" + w.listen(), ran
}

// Whatever uses the daemon's key or changes the daemon takes its token, and every path
// that does is one of these.
func TestOperatorsNeedTheToken(t *testing.T) {
	_, url, ran := guarded(t)
	bodies := map[string]string{
		"/v1/operator/attach":  fmt.Sprintf(`{"chain":%q,"bridge":%q}`, chainID, recipient),
		"/v1/operator/limit":   fmt.Sprintf(`{"chain":%q,"asset":"TST","capacity":"1","window":60}`, chainID),
		"/v1/operator/pause":   fmt.Sprintf(`{"chain":%q}`, chainID),
		"/v1/operator/unpause": fmt.Sprintf(`{"chain":%q}`, chainID),
		"/v1/operator/caps":    fmt.Sprintf(`{"chain":%q,"maxFeePerGas":"1","maxTip":"1"}`, chainID),
	}
	var document struct {
		Paths map[string]map[string]struct{ Security []map[string][]string }
	}
	if err := json.Unmarshal([]byte(call(t, http.MethodGet, url+"/openapi.json", "", nil).body), &document); err != nil {
		t.Fatal(err)
	}
	for path, methods := range document.Paths {
		for method, o := range methods {
			_, guarded := bodies[path]
			if open := method == "get" || path == "/v1/transactions"; guarded == open {
				t.Errorf("%s %s is guarded: %v", method, path, guarded)
			}
			if documented := len(o.Security) == 1 && o.Security[0]["operator"] != nil; documented != guarded {
				t.Errorf("%s %s is guarded: %v, by the document: %v", method, path, guarded, documented)
			}
		}
	}
	for path, body := range bodies {
		for _, test := range []struct {
			name, header string
			want         string
		}{
			{"nothing", "", "needs its token: send Authorization: Bearer and the content of api.token"},
			{"an empty token", "Bearer ", "needs its token"},
			{"another scheme", "Basic " + token, "needs its token"},
			{"no scheme", token, "needs its token"},
			{"another token", "Bearer " + strings.Repeat("0", len(token)), "the token is not this daemon's"},
			{"half a token", "Bearer " + token[:len(token)/2], "the token is not this daemon's"},
			{"a token and more", "Bearer " + token + "0", "the token is not this daemon's"},
			{"another case", "Bearer " + strings.ToUpper(token), "the token is not this daemon's"},
		} {
			a := call(t, http.MethodPost, url+path, body, func(r *http.Request) { r.Header.Set("Authorization", test.header) })
			if a.status != http.StatusUnauthorized || a.kind != "application/problem+json" || !strings.Contains(a.problem.Detail, test.want) {
				t.Errorf("%s with %s: %d %s, want 401 and %q", path, test.name, a.status, a.body, test.want)
			}
			if strings.Contains(a.body, token) {
				t.Errorf("%s with %s: the answer tells the token", path, test.name)
			}
		}
	}
	// Not even what is wrong with a body is said without the token.
	if a := call(t, http.MethodPost, url+"/v1/operator/attach", "{", nil); a.status != http.StatusUnauthorized {
		t.Errorf("a broken body without a token: %d %s", a.status, a.body)
	}
	if n := ran.Load(); n != 0 {
		t.Fatalf("%d operations ran without the token", n)
	}
	want := int64(0)
	for path, body := range bodies {
		for _, scheme := range []string{"Bearer ", "bearer  "} {
			if path == "/v1/operator/unpause" {
				continue // the bridge is open: see TestOperators
			}
			want++
			if a := call(t, http.MethodPost, url+path, body, func(r *http.Request) { r.Header.Set("Authorization", scheme+token) }); a.status != http.StatusOK {
				t.Errorf("%s with the token: %d %s", path, a.status, a.body)
			}
		}
	}
	if n := ran.Load(); n != want {
		t.Errorf("%d operations ran with the token, want %d", n, want)
	}
}

// A transaction is its own permission, and looking needs none.
func TestOpenRoutesNeedNoToken(t *testing.T) {
	w, url, _ := guarded(t)
	tx := hex.EncodeToString(codec.Marshal(w.f.Tx(t, w.alice, 1, start+1, &ledger.Tick{})))
	if a := call(t, http.MethodPost, url+"/v1/transactions", fmt.Sprintf(`{"tx":"0x%s"}`, tx), nil); a.status != http.StatusOK {
		t.Errorf("a transaction: %d %s", a.status, a.body)
	}
	for _, path := range []string{"/v1/status", "/v1/network", "/v1/validators", "/v1/bridges", "/v1/bridges/" + chainID, "/v1/audit", "/v1/blocks/1", "/livez", "/openapi.json"} {
		if a := call(t, http.MethodGet, url+path, "", nil); a.status != http.StatusOK {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
}

func TestClientWithoutTheToken(t *testing.T) {
	_, url, _ := guarded(t)
	c := ok[*api.Client](t)(api.NewClient(url))
	for _, client := range []*api.Client{c, c.WithToken("wrong")} {
		_, err := client.Unpause(t.Context(), chainID)
		if !api.Unauthorized(err) || api.NotFound(err) {
			t.Errorf("error is %v, want one that is known as a missing login", err)
		}
	}
	if err := c.WithToken(token).Attach(t.Context(), chainID, recipient); err != nil {
		t.Error(err)
	}
}

// The token goes to the daemon's operators' paths and nowhere else.
func TestClientKeepsTheToken(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("the client followed to %s with %q", r.URL, r.Header.Get("Authorization"))
	}))
	defer elsewhere.Close()
	var bearers []string
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		bearers = append(bearers, r.Header.Get("Authorization"))
		http.Redirect(rw, r, elsewhere.URL, http.StatusTemporaryRedirect)
	}))
	defer server.Close()
	c := ok[*api.Client](t)(api.NewClient(server.URL)).WithToken(token)
	_, err := c.Status(t.Context())
	if err == nil || !strings.Contains(err.Error(), "is no daemon: it sends to") {
		t.Errorf("a redirect: %v", err)
	}
	_, _ = c.Submit(t.Context(), &ledger.Transaction{}) // only what is sent counts
	_ = c.Attach(t.Context(), chainID, recipient)       // likewise
	if want := []string{"", "", "Bearer " + token}; strings.Join(bearers, "|") != strings.Join(want, "|") {
		t.Errorf("sent was %q, want %q", bearers, want)
	}
}

func TestNewRefusesOperatorsWithoutAToken(t *testing.T) {
	w := newWorld(t)
	w.config.Token = ""
	w.config.SetCaps = func(string, chain.Caps) error { return nil }
	if _, err := api.New(w.config); err == nil || !strings.Contains(err.Error(), "no token to guard them with") {
		t.Errorf("error is %v", err)
	}
}
