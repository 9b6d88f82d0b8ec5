package api

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/trinebridge/trine/appchain"
	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/ledger"
	"github.com/trinebridge/trine/signing"
)

// Addresses converts between words and the notation of a chain.
type Addresses interface {
	Format(chainID string, word codec.Hash) string
	FormatToken(chainID string, word codec.Hash) string
	Parse(chainID, text string) (codec.Hash, error)
}

// Config says what a server shows and what it lets operators do. An operator's
// function that is nil has no endpoint.
type Config struct {
	// Listen is a loopback address; port 0 takes a free one.
	Listen  string
	Role    string
	Version string
	Node    *appchain.Node
	// Addresses knows the chains' notations.
	Addresses Addresses
	// Parts says how the daemon's parts are doing; Peers counts connected daemons; PeerID is
	// the daemon's own name among them.
	Parts  func() []Part
	Peers  func() int
	PeerID string
	// Submit hands a signed transaction to the processor and returns its hash.
	Submit func(context.Context, *ledger.Transaction) (codec.Hash, error)
	// ChainTx returns the chain transaction that emitted an event, where this daemon has seen it.
	ChainTx func(domain bridgecontracts.Domain, eventID uint64) (string, bool)
	// Metrics serves /metrics.
	Metrics http.Handler
	Log     *slog.Logger

	// Token is what a request must bear to use one of the operator's functions below. A
	// server with none of them needs no token.
	Token string

	// Attach agrees to attach a bridge. Listeners and approvers have it.
	Attach func(ctx context.Context, chainID string, bridge codec.Hash) error
	// VoteControl signs a control action and submits the vote. Approvers and listeners have it.
	VoteControl func(ctx context.Context, domain bridgecontracts.Domain, control bridgecontracts.Control) (codec.Hash, error)
	// Pause signs a pause; whoever has funds on the chain delivers it. The bridge holds the
	// pause sequence, if the operator has read it. Approvers have it.
	Pause func(ctx context.Context, domain bridgecontracts.Domain, holds *uint64) (chain.Delivery, error)
	// SubmitterStatus and SetCaps are the submitter's. PriceDecimals says how many digits of what
	// caps count a written price has on a chain; nil stands for 9 everywhere, gwei.
	SubmitterStatus func(ctx context.Context) ([]SubmitterBalance, error)
	SetCaps         func(chainID string, caps chain.Caps) error
	PriceDecimals   func(chainID string) uint8
}

// A list in an answer may be empty and is never null, and so says the document.
func init() { huma.DefaultArrayNullable = false }

// Server is a running API.
type Server struct {
	config   Config
	listener net.Listener
	server   *http.Server
	api      huma.API
}

// Bounds of a request.
const (
	maxBody        = 2*ledger.MaxTransactionSize + 4<<10
	readTimeout    = 10 * time.Second
	shutdownWithin = 3 * time.Second
)

// New opens the port and answers nothing yet.
func New(config Config) (*Server, error) {
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	if config.Token == "" && config.hasOperator() {
		return nil, errors.New("api: there are operator's functions and no token to guard them with")
	}
	listener, err := net.Listen("tcp", config.Listen)
	if err != nil {
		return nil, fmt.Errorf("api: listen on %s: %w; is another daemon running there? choose another port with api.listen", config.Listen, err)
	}
	s := &Server{config: config, listener: listener}
	mux := http.NewServeMux()
	description := huma.DefaultConfig("Trine", config.Version)
	description.Info.Description = "A Trine daemon's view of its app chain, and what it lets its operator do."
	description.DocsPath = ""
	description.CreateHooks = nil // no "$schema" in every answer: the document says it once
	description.Components.SecuritySchemes = map[string]*huma.SecurityScheme{operatorScheme: {
		Type: "http", Scheme: "bearer", Description: "The content of the file api.token in the daemon's data folder.",
	}}
	s.api = humago.New(mux, description)
	s.reads()
	s.operators()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", s.readyz)
	if config.Metrics != nil {
		mux.Handle("GET /metrics", config.Metrics)
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { s.unknown(w, r, mux) })
	s.server = &http.Server{Handler: loopbackOnly(mux), ReadHeaderTimeout: readTimeout, ReadTimeout: readTimeout, MaxHeaderBytes: 16 << 10}
	return s, nil
}

// loopbackOnly refuses requests that a page in the operator's browser could be made to
// send here: those for another host's name (DNS rebinding) and those from another origin.
func loopbackOnly(next http.Handler) http.Handler {
	guard := http.NewCrossOriginProtection()
	guard.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		refuse(w, http.StatusForbidden, fmt.Sprintf("the request comes from a page of another origin, %q; a page cannot give orders to a daemon", r.Header.Get("Origin")))
	}))
	return guard.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = r.Host
		}
		if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			refuse(w, http.StatusForbidden, fmt.Sprintf("host %q is not loopback; call 127.0.0.1 or localhost", host))
			return
		}
		next.ServeHTTP(w, r)
	}))
}

// refuse answers with a problem document outside of the registered operations.
func refuse(w http.ResponseWriter, status int, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(huma.ErrorModel{Status: status, Title: http.StatusText(status), Detail: detail}) // the caller may be gone
}

// allowed lists the methods that a path can be asked with, none for a path that is not there.
func allowed(mux *http.ServeMux, r *http.Request) []string {
	var methods []string
	for _, method := range []string{http.MethodDelete, http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodPatch, http.MethodPost, http.MethodPut} {
		if _, pattern := mux.Handler(&http.Request{Method: method, Host: r.Host, URL: r.URL}); pattern != "/" {
			methods = append(methods, method)
		}
	}
	return methods
}

// unknown answers what no operation does. What daemons of other roles do is 501, so that
// 404 means that there is no such thing on the chain.
func (s *Server) unknown(w http.ResponseWriter, r *http.Request, mux *http.ServeMux) {
	if methods := allowed(mux, r); len(methods) > 0 {
		list := strings.Join(methods, ", ")
		w.Header().Set("Allow", list)
		refuse(w, http.StatusMethodNotAllowed, fmt.Sprintf("%s cannot be asked with %s; ask with %s", r.URL.Path, r.Method, list))
		return
	}
	status, wayOut := http.StatusNotFound, "/openapi.json lists what there is"
	if strings.HasPrefix(r.URL.Path, "/v1/operator/") || r.URL.Path == "/v1/submitter" {
		status, wayOut = http.StatusNotImplemented, "ask a daemon of the role that does this"
	}
	refuse(w, status, fmt.Sprintf("this daemon, of role %s, has no %s %s; %s", s.config.Role, r.Method, r.URL.Path, wayOut))
}

// Address returns where the server listens, as in 127.0.0.1:7001.
func (s *Server) Address() string { return s.listener.Addr().String() }

// OpenAPI returns the OpenAPI document as JSON.
func (s *Server) OpenAPI() ([]byte, error) { return s.api.OpenAPI().MarshalJSON() }

// Run serves until the context ends, and lets requests finish.
func (s *Server) Run(ctx context.Context) error {
	stopped := context.AfterFunc(ctx, func() {
		deadline, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownWithin)
		defer cancel()
		if s.server.Shutdown(deadline) != nil {
			_ = s.server.Close() // requests that outlive the deadline are cut
		}
	})
	defer stopped()
	s.config.Log.Info("api is up", "address", s.Address())
	if err := s.server.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("api: %w", err)
	}
	return nil
}

// Close ends a server that was never run.
func (s *Server) Close() error { return s.listener.Close() }

func (s *Server) readyz(w http.ResponseWriter, _ *http.Request) {
	status := s.status()
	if status.Ready {
		_, _ = fmt.Fprintln(w, "ok")
		return
	}
	w.WriteHeader(http.StatusServiceUnavailable)
	for _, p := range status.Parts {
		if !p.Ready {
			_, _ = fmt.Fprintf(w, "%s: %s %s\n", p.Name, p.Detail, p.Error)
		}
	}
	if status.Compromised {
		_, _ = fmt.Fprintln(w, "there is proof that the processor is hostile; nothing is signed")
	}
}

type output[T any] struct{ Body T }

// get registers a read.
func get[I, O any](s *Server, path, id, summary string, read func(context.Context, *I) (O, error)) {
	huma.Register(s.api, huma.Operation{OperationID: id, Method: http.MethodGet, Path: path, Summary: summary},
		func(ctx context.Context, in *I) (*output[O], error) {
			body, err := read(ctx, in)
			if err != nil {
				return nil, problem(err, http.StatusInternalServerError)
			}
			return &output[O]{body}, nil
		})
}

// post registers something that anybody on the machine may ask for.
func post[I, O any](s *Server, path, id, summary string, do func(context.Context, *I) (O, error)) {
	register(s, huma.Operation{OperationID: id, Path: path, Summary: summary}, http.StatusServiceUnavailable, do)
}

// register registers something that is asked for with a body. What do cannot do for no
// special reason gets the status.
func register[I, O any](s *Server, operation huma.Operation, status int, do func(context.Context, *I) (O, error)) {
	operation.Method, operation.MaxBodyBytes = http.MethodPost, maxBody
	huma.Register(s.api, operation, func(ctx context.Context, in *I) (*output[O], error) {
		body, err := do(ctx, in)
		if err != nil {
			return nil, problem(err, status)
		}
		return &output[O]{body}, nil
	})
}

var errNotFound = errors.New("not found")

// wrong marks a mistake in what was asked.
func wrong(err error) error { return huma.Error400BadRequest(err.Error()) }

// problem chooses the status code for an error; otherwise is the one of what is no special case.
func problem(err error, otherwise int) error {
	var rejection *ledger.Rejection
	var chosen huma.StatusError
	switch {
	case errors.As(err, &chosen):
		return err
	case errors.Is(err, errNotFound), errors.Is(err, appchain.ErrNotFound):
		return huma.Error404NotFound(err.Error())
	case errors.As(err, &rejection):
		return huma.Error422UnprocessableEntity(rejection.Reason, &huma.ErrorDetail{Message: rejection.Reason, Location: "transaction", Value: rejection.Code.String()})
	case errors.Is(err, signing.ErrDoubleSign):
		return huma.Error409Conflict(err.Error())
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return huma.Error504GatewayTimeout(err.Error())
	}
	return huma.NewError(otherwise, err.Error())
}

func decodeTx(text string) (*ledger.Transaction, error) {
	if len(text) < 2 || text[:2] != "0x" {
		return nil, errors.New("tx does not start with 0x: send the Borsh bytes of a signed transaction as hex")
	}
	data, err := hex.DecodeString(text[2:])
	if err != nil {
		return nil, fmt.Errorf("tx is not hexadecimal: %w", err)
	}
	tx := new(ledger.Transaction)
	if err := codec.Unmarshal(data, tx, ledger.MaxTransactionSize); err != nil {
		return nil, fmt.Errorf("tx: %w", err)
	}
	return tx, nil
}
