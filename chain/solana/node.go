package solana

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/chain/quorum"
)

const (
	// maxResponse bounds what one answer of a node may weigh, in bytes; a whole block may weigh maxBlock.
	maxResponse = 8 << 20
	maxBlock    = 48 << 20
	// requestTimeout ends a request whose caller set no earlier deadline: a node that never
	// answers must not keep a command waiting for ever.
	requestTimeout = time.Minute
	// anyVersion is the highest that a transaction can have.
	anyVersion = 255
	// referenceLength is how much of the genesis hash a chain id has.
	referenceLength = 32
)

// errTooLarge is an answer above its bound.
var errTooLarge = errors.New("the answer is too large")

// node is one endpoint. It connects on first use and checks then that it is of the right cluster.
//
// solana-go's own client is not used: its errors contain the endpoint's URL, in which
// providers put keys, and its answers are not bounded.
type node struct {
	name    string // what may be shown of the URL
	caip2   string
	url     string
	http    *http.Client
	checked atomic.Bool
	newest  atomic.Uint32 // version of transactions that is asked for
	serial  atomic.Uint64
}

func openNode(caip2, endpoint string) (*node, error) {
	reference, found := strings.CutPrefix(caip2, Namespace+":")
	if !found || len(reference) != referenceLength || !isBase58(reference) {
		return nil, fmt.Errorf("chain id %q: want %s: and the first %d letters of the cluster's genesis hash, as in solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp",
			caip2, Namespace, referenceLength)
	}
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("endpoint %s of %s: want an http:// or https:// URL", quorum.Name(endpoint), caip2)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 16
	return &node{name: quorum.Name(endpoint), caip2: caip2, url: endpoint, http: &http.Client{Transport: transport, Timeout: requestTimeout}}, nil
}

func isBase58(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool {
		return !strings.ContainsRune("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz", r)
	})
}

// call sends one request, after the cluster has been checked once. Its errors carry a verdict.
func (n *node) call(ctx context.Context, result any, method string, args ...any) error {
	if !n.checked.Load() {
		if err := n.check(ctx); err != nil {
			return err
		}
	}
	return n.callUnchecked(ctx, result, maxResponse, method, args...)
}

// callVersioned asks for something that holds transactions, for those of version 0 and before until the node says that
// there are newer ones: from then on for all. What the adapter reads of them has one form in every version.
func (n *node) callVersioned(ctx context.Context, result any, limit int64, method string, what any, options map[string]any) error {
	if !n.checked.Load() {
		if err := n.check(ctx); err != nil {
			return err
		}
	}
	options["maxSupportedTransactionVersion"] = n.newest.Load()
	err := n.callUnchecked(ctx, result, limit, method, what, options)
	if !errors.Is(err, errVersion) {
		return err
	}
	n.newest.Store(anyVersion)
	options["maxSupportedTransactionVersion"] = anyVersion
	return n.callUnchecked(ctx, result, limit, method, what, options)
}

// wrap names the endpoint and the method in front of an error.
func (n *node) wrap(what string, err error) error { return fmt.Errorf("%s: %s: %w", n.name, what, err) }

func (n *node) check(ctx context.Context) error {
	var genesis string
	if err := n.callUnchecked(ctx, &genesis, maxResponse, "getGenesisHash"); err != nil {
		return err
	}
	if len(genesis) < referenceLength || n.caip2 != Namespace+":"+genesis[:referenceLength] {
		return n.wrap("getGenesisHash", chain.Errorf(chain.Fatal, "the endpoint is of the cluster with genesis hash %.44q, want %s", genesis, n.caip2))
	}
	n.checked.Store(true)
	return nil
}

func (n *node) callUnchecked(ctx context.Context, result any, limit int64, method string, args ...any) error {
	if err := n.post(ctx, result, limit, method, args); err != nil {
		return n.wrap(method, classify(err))
	}
	return nil
}

// rpcError is what a node answers in place of a result.
type rpcError struct {
	Code    int             `json:"code"`
	Message string          `json:"message"`
	Data    json.RawMessage `json:"data"`
}

// Error implements error.
func (e *rpcError) Error() string { return fmt.Sprintf("%.500q (code %d)", e.Message, e.Code) }

// httpError is an answer that is none of the protocol.
type httpError struct {
	status int
	body   string
}

// Error implements error.
func (e *httpError) Error() string { return fmt.Sprintf("HTTP %d: %.200q", e.status, e.body) }

func (n *node) post(ctx context.Context, result any, limit int64, method string, args []any) error {
	if args == nil {
		args = []any{}
	}
	body, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": n.serial.Add(1), "method": method, "params": args})
	if err != nil {
		return fmt.Errorf("encode: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, n.url, bytes.NewReader(body))
	if err != nil {
		return withoutURL(err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := n.http.Do(request)
	if err != nil {
		return withoutURL(err)
	}
	defer func() { _ = response.Body.Close() }()
	content, err := io.ReadAll(io.LimitReader(response.Body, limit+1))
	if err != nil {
		return withoutURL(err)
	}
	if int64(len(content)) > limit {
		return fmt.Errorf("%w: more than %d bytes", errTooLarge, limit)
	}
	var answer struct {
		Result json.RawMessage `json:"result"`
		Error  *rpcError       `json:"error"`
	}
	switch err := json.Unmarshal(content, &answer); {
	case err == nil && answer.Error != nil:
		return answer.Error
	case response.StatusCode != http.StatusOK:
		return &httpError{response.StatusCode, string(content[:min(len(content), 200)])}
	case err != nil:
		return fmt.Errorf("the answer is not of the protocol: %w", err)
	}
	if len(answer.Result) == 0 {
		return errors.New("the answer has neither a result nor an error")
	}
	if err := json.Unmarshal(answer.Result, result); err != nil {
		return fmt.Errorf("the result is not of the expected form: %w", err)
	}
	return nil
}

// withoutURL takes the URL, and with it any key, out of an error of net/http.
func withoutURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}
