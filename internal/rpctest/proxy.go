// Package rpctest stands between a program and a node that speaks JSON-RPC, and spoils what the node says.
//
// It knows no chain: a test says per method what to answer. [Start] listens on loopback, on a free port, and ends with the test.
package rpctest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
)

// Proxy passes JSON-RPC requests on to a node, or lets a [Handler] answer in its place.
type Proxy struct {
	server *httptest.Server
	target string
	closed chan struct{}

	mu      sync.Mutex
	handler Handler
	calls   map[string]int
}

// Handler answers an exchange. It may ask the node first, with [Exchange.Forward].
type Handler func(x *Exchange)

// Exchange is one request and the way to answer it. A handler that writes nothing answers
// with an empty body.
type Exchange struct {
	Method  string
	Params  []json.RawMessage
	Request *http.Request
	Writer  http.ResponseWriter

	proxy *Proxy
	id    json.RawMessage
	body  []byte
}

// Response is what a node answers.
type Response struct {
	Result json.RawMessage `json:"result,omitempty"`
	Error  *Error          `json:"error,omitempty"`
}

// Error is a JSON-RPC error.
type Error struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
	Data    any    `json:"data,omitempty"`
}

// TB is what this package needs of *testing.T.
type TB interface{ Cleanup(func()) }

// Start starts a proxy in front of a node's endpoint.
func Start(t TB, target string) *Proxy {
	p := &Proxy{target: target, closed: make(chan struct{}), calls: map[string]int{}}
	p.server = httptest.NewServer(http.HandlerFunc(p.serve))
	t.Cleanup(func() {
		close(p.closed)
		p.server.CloseClientConnections()
		p.server.Close()
	})
	return p
}

// URL is the proxy's endpoint.
func (p *Proxy) URL() string { return p.server.URL }

// Handle has all further requests answered by the handler; nil passes them on.
func (p *Proxy) Handle(h Handler) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.handler = h
}

// Calls returns how often a method was called.
func (p *Proxy) Calls(method string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.calls[method]
}

func (p *Proxy) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var request struct {
		ID     json.RawMessage   `json:"id"`
		Method string            `json:"method"`
		Params []json.RawMessage `json:"params"`
	}
	if err := json.Unmarshal(body, &request); err != nil {
		http.Error(w, fmt.Sprintf("the proxy takes single requests only: %v", err), http.StatusBadRequest)
		return
	}
	x := &Exchange{Method: request.Method, Params: request.Params, Request: r, Writer: w, proxy: p, id: request.ID, body: body}
	p.mu.Lock()
	p.calls[x.Method]++
	handler := p.handler
	p.mu.Unlock()
	if handler == nil {
		handler = (*Exchange).Pass
	}
	handler(x)
}

// Forward asks the node.
func (x *Exchange) Forward() (Response, error) {
	request, err := http.NewRequestWithContext(x.Request.Context(), http.MethodPost, x.proxy.target, bytes.NewReader(x.body))
	if err != nil {
		return Response{}, err
	}
	request.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return Response{}, err
	}
	defer answer.Body.Close()
	var out Response
	if err := json.NewDecoder(answer.Body).Decode(&out); err != nil {
		return Response{}, err
	}
	return out, nil
}

// Pass answers with what the node says.
func (x *Exchange) Pass() {
	out, err := x.Forward()
	if err != nil {
		http.Error(x.Writer, err.Error(), http.StatusBadGateway)
		return
	}
	x.Reply(out)
}

// Change asks the node and answers with its result as fn changes it; errors are passed on as they are.
func (x *Exchange) Change(fn func(result json.RawMessage) (json.RawMessage, error)) {
	out, err := x.Forward()
	if err == nil && out.Error == nil {
		out.Result, err = fn(out.Result)
	}
	if err != nil {
		http.Error(x.Writer, err.Error(), http.StatusBadGateway)
		return
	}
	x.Reply(out)
}

// Reply answers.
func (x *Exchange) Reply(r Response) {
	if r.Error == nil && r.Result == nil {
		r.Result = json.RawMessage("null")
	}
	x.Writer.Header().Set("Content-Type", "application/json")
	message := struct {
		Version string          `json:"jsonrpc"`
		ID      json.RawMessage `json:"id"`
		Response
	}{"2.0", x.id, r}
	if err := json.NewEncoder(x.Writer).Encode(message); err != nil {
		panic(http.ErrAbortHandler) // the client is gone
	}
}

// Raw answers with a result as it is written, whether or not that is JSON.
func (x *Exchange) Raw(result string) {
	x.Writer.Header().Set("Content-Type", "application/json")
	_, _ = fmt.Fprintf(x.Writer, `{"jsonrpc":"2.0","id":%s,"result":%s}`, x.id, result) // the client may be gone
}

// Garbage answers with what ends in the middle.
func (x *Exchange) Garbage() {
	_, _ = fmt.Fprintf(x.Writer, `{"jsonrpc":"2.0","id":%s,"result":[{"number":`, x.id) // the client may be gone
}

// Oversize answers with a text of more than most bytes, or until the client has had enough.
func (x *Exchange) Oversize(most int) {
	junk := bytes.Repeat([]byte("0"), 1<<20)
	_, err := fmt.Fprintf(x.Writer, `{"jsonrpc":"2.0","id":%s,"result":"`, x.id)
	for sent := 0; err == nil && sent <= most; sent += len(junk) {
		_, err = x.Writer.Write(junk)
	}
}

// Hang answers nothing until the client gives up or the test ends.
func (x *Exchange) Hang() {
	select {
	case <-x.Request.Context().Done():
	case <-x.proxy.closed:
	}
}

// Drop breaks the connection off.
func (x *Exchange) Drop() { panic(http.ErrAbortHandler) }
