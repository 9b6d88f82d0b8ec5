package api

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/ledger"
)

// maxAnswer bounds what a client reads.
const maxAnswer = 8 << 20

// Client calls a daemon's API. The zero value is not usable; see NewClient.
type Client struct {
	base  string
	token string
	http  *http.Client
}

// NewClient returns a client of the daemon at a URL such as http://127.0.0.1:7001.
func NewClient(base string) (*Client, error) {
	u, err := url.Parse(base)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("api address %q is not a URL such as http://127.0.0.1:7001", base)
	}
	// A daemon sends nobody elsewhere; what does so is none, and gets no token.
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Client{base: strings.TrimSuffix(base, "/"), http: &http.Client{Timeout: time.Minute, CheckRedirect: stay}}, nil
}

// WithToken returns a client that bears the daemon's token, which Attach, Unpause,
// SetLimit, Pause and SetCaps need. The token is sent with these alone.
func (c *Client) WithToken(token string) *Client {
	with := *c
	with.token = token
	return &with
}

// Problem is an error that the API answered with (RFC 9457).
type Problem struct {
	Status int            `json:"status"`
	Title  string         `json:"title"`
	Detail string         `json:"detail"`
	Errors []ProblemError `json:"errors"`
}

// ProblemError is one fault among several.
type ProblemError struct {
	Message  string `json:"message"`
	Location string `json:"location"`
	Value    any    `json:"value"`
}

// Error implements error.
func (p *Problem) Error() string {
	text := p.Detail
	if text == "" {
		text = p.Title
	}
	for _, e := range p.Errors {
		if e.Message != text {
			text += "; " + e.Location + ": " + e.Message
		}
	}
	return text
}

// NotFound reports whether err is the API's answer that there is no such thing.
func NotFound(err error) bool { return hasStatus(err, http.StatusNotFound) }

// BadRequest reports whether err is the API's answer that something is wrong with what was asked.
func BadRequest(err error) bool { return hasStatus(err, http.StatusBadRequest) }

// Unauthorized reports whether err is the API's answer that the daemon's token is missing
// or wrong.
func Unauthorized(err error) bool { return hasStatus(err, http.StatusUnauthorized) }

func hasStatus(err error, status int) bool {
	var p *Problem
	return errors.As(err, &p) && p.Status == status
}

func (c *Client) do(ctx context.Context, method, path string, in, out any) error {
	return c.call(ctx, method, path, "", in, out)
}

// operate posts what the operator alone may ask for.
func (c *Client) operate(ctx context.Context, path string, in, out any) error {
	return c.call(ctx, http.MethodPost, path, c.token, in, out)
}

func (c *Client) call(ctx context.Context, method, path, token string, in, out any) error {
	var body io.Reader
	if in != nil {
		data, err := json.Marshal(in)
		if err != nil {
			return fmt.Errorf("%s %s: %w", method, path, err)
		}
		body = bytes.NewReader(data)
	}
	request, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	if in != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return fmt.Errorf("daemon at %s does not answer: %w", c.base, err)
	}
	defer response.Body.Close()
	data, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	switch {
	case err != nil:
		return fmt.Errorf("%s %s: %w", method, path, err)
	case len(data) > maxAnswer:
		return fmt.Errorf("%s %s: the answer has more than %d bytes", method, path, maxAnswer)
	case response.StatusCode >= http.StatusMultipleChoices && response.StatusCode < http.StatusBadRequest:
		return fmt.Errorf("%s %s: what answers at %s is no daemon: it sends to %q (%s)", method, path, c.base, response.Header.Get("Location"), response.Status)
	case response.StatusCode >= http.StatusBadRequest:
		problem := new(Problem)
		if json.Unmarshal(data, problem) != nil || problem.Status != response.StatusCode {
			return fmt.Errorf("%s %s: what answers at %s is no daemon, or something stands before it: %s: %.200q", method, path, c.base, response.Status, data)
		}
		return problem
	case out == nil:
		return nil
	}
	if err := json.Unmarshal(data, out); err != nil {
		return fmt.Errorf("%s %s: answer is not what the API documents: %w", method, path, err)
	}
	return nil
}

func fetch[T any](ctx context.Context, c *Client, format string, args ...any) (T, error) {
	var out T
	for i, a := range args {
		if s, ok := a.(string); ok {
			args[i] = url.PathEscape(s)
		}
	}
	err := c.do(ctx, http.MethodGet, fmt.Sprintf(format, args...), nil, &out)
	return out, err
}

// Status returns what the daemon says about itself.
func (c *Client) Status(ctx context.Context) (Status, error) {
	return fetch[Status](ctx, c, "/v1/status")
}

// Network returns what is needed to make transactions.
func (c *Client) Network(ctx context.Context) (Network, error) {
	return fetch[Network](ctx, c, "/v1/network")
}

// Account returns the account that ref names: an id, a key, or a wallet as CHAIN/ADDRESS.
func (c *Client) Account(ctx context.Context, ref string) (Account, error) {
	return fetch[Account](ctx, c, "/v1/accounts/%s", ref)
}

// Transaction returns what became of a transaction.
func (c *Client) Transaction(ctx context.Context, hash codec.Hash) (Transaction, error) {
	return fetch[Transaction](ctx, c, "/v1/transactions/%s", hash.String())
}

// Bridges returns all bridges.
func (c *Client) Bridges(ctx context.Context) ([]Bridge, error) {
	return fetch[[]Bridge](ctx, c, "/v1/bridges")
}

// Bridge returns the bridge on a chain.
func (c *Client) Bridge(ctx context.Context, chain string) (Bridge, error) {
	return fetch[Bridge](ctx, c, "/v1/bridges/%s", chain)
}

// Action returns a value action of the bridge on a chain.
func (c *Client) Action(ctx context.Context, chain string, id uint64) (Action, error) {
	return fetch[Action](ctx, c, "/v1/bridges/%s/actions/%d", chain, id)
}

// Withdrawal returns where a withdrawal stands.
func (c *Client) Withdrawal(ctx context.Context, chain string, sequence uint64) (Withdrawal, error) {
	return fetch[Withdrawal](ctx, c, "/v1/bridges/%s/withdrawals/%d", chain, sequence)
}

// Validators returns the current set.
func (c *Client) Validators(ctx context.Context) (Validators, error) {
	return fetch[Validators](ctx, c, "/v1/validators")
}

// Block returns a block's header and log.
func (c *Client) Block(ctx context.Context, height uint64) (Block, error) {
	return fetch[Block](ctx, c, "/v1/blocks/%d", height)
}

// Audit returns the accounting invariant's verdict.
func (c *Client) Audit(ctx context.Context) (Audit, error) {
	return fetch[Audit](ctx, c, "/v1/audit")
}

// SubmitterBalances returns what the submitter's fee payers own.
func (c *Client) SubmitterBalances(ctx context.Context) ([]SubmitterBalance, error) {
	return fetch[[]SubmitterBalance](ctx, c, "/v1/submitter")
}

// Submit sends a signed transaction and returns its hash.
func (c *Client) Submit(ctx context.Context, tx *ledger.Transaction) (codec.Hash, error) {
	var out Submitted
	err := c.do(ctx, http.MethodPost, "/v1/transactions", SubmitBody{Tx: "0x" + hex.EncodeToString(codec.Marshal(tx))}, &out)
	return out.Hash, err
}

// WaitTx asks until a transaction is included, and returns what its block did. One that was dropped is an error.
func (c *Client) WaitTx(ctx context.Context, hash codec.Hash, every time.Duration) (Transaction, error) {
	for {
		tx, err := c.Transaction(ctx, hash)
		if err != nil {
			return tx, err
		}
		switch tx.Status {
		case "included":
			return tx, nil
		case "dropped":
			return tx, fmt.Errorf("transaction %s was dropped: %s: %s", hash, tx.Code, tx.Reason)
		}
		if err := pause(ctx, every); err != nil {
			return tx, fmt.Errorf("transaction %s is in no block yet: %w", hash, err)
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Attach tells the daemon that its operator agrees to attach a bridge.
func (c *Client) Attach(ctx context.Context, chain, bridge string) error {
	return c.operate(ctx, "/v1/operator/attach", AttachBody{chain, bridge}, nil)
}

// Unpause has the daemon sign and vote for an unpause.
func (c *Client) Unpause(ctx context.Context, chain string) (Submitted, error) {
	var out Submitted
	err := c.operate(ctx, "/v1/operator/unpause", ChainBody{chain}, &out)
	return out, err
}

// SetLimit has the daemon sign and vote for an outflow limit; amount in whole units of the token.
func (c *Client) SetLimit(ctx context.Context, body LimitBody) (Submitted, error) {
	var out Submitted
	err := c.operate(ctx, "/v1/operator/limit", body, &out)
	return out, err
}

// SetCaps changes what the submitter may pay, in what the chain's prices are written in.
func (c *Client) SetCaps(ctx context.Context, body CapsBody) error {
	return c.operate(ctx, "/v1/operator/caps", body, nil)
}

// Pause has the daemon sign a pause and returns what anyone can deliver to the bridge.
func (c *Client) Pause(ctx context.Context, body PauseBody) (PauseSignature, error) {
	var out PauseSignature
	err := c.operate(ctx, "/v1/operator/pause", body, &out)
	return out, err
}

// PauseSignature is an approver's signed pause.
type PauseSignature struct {
	Chain    string                 `json:"chain"`
	Domain   bridgecontracts.Domain `json:"domain"`
	Sequence uint64                 `json:"sequence"`
	Epoch    uint64                 `json:"epoch"`
	Seal     string                 `json:"seal" doc:"Borsh of the seal, hex"`
	Control  string                 `json:"control" doc:"Borsh of the control action, hex"`
	Set      string                 `json:"set" doc:"Borsh of the validator set that the bridge holds, hex"`
}
