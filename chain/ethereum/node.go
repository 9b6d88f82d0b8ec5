package ethereum

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/rpc"

	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/chain/quorum"
	"github.com/trinebridge/trine/codec"
)

// maxResponse bounds what one answer of a node may weigh, in bytes: 256 events with all
// their keys take a hundredth of it.
const maxResponse = 8 << 20

// errTooLarge is an answer above maxResponse.
var errTooLarge = errors.New("the answer is too large")

// node is one endpoint. It connects on first use and checks then that it is of the right chain.
type node struct {
	name    string // what may be shown of the URL
	caip2   string
	chainID uint64
	rpc     *rpc.Client
	checked atomic.Bool
}

func openNode(caip2, endpoint string) (*node, error) {
	id, found := strings.CutPrefix(caip2, Namespace+":")
	chainID, err := strconv.ParseUint(id, 10, 64)
	if !found || err != nil || chainID == 0 || strconv.FormatUint(chainID, 10) != id {
		return nil, fmt.Errorf("chain id %q: want %s:<number>, as in eip155:1", caip2, Namespace)
	}
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("endpoint %s of %s: want an http:// or https:// URL", quorum.Name(endpoint), caip2)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 16
	client, err := rpc.DialOptions(context.Background(), endpoint, rpc.WithHTTPClient(&http.Client{Transport: bounded{transport}, Timeout: requestTimeout}))
	if err != nil {
		return nil, fmt.Errorf("endpoint %s of %s: %w", quorum.Name(endpoint), caip2, withoutURL(err))
	}
	return &node{name: quorum.Name(endpoint), caip2: caip2, chainID: chainID, rpc: client}, nil
}

// requestTimeout ends a request whose caller set no earlier deadline: a node that never
// answers must not keep a command waiting for ever.
const requestTimeout = time.Minute

// bounded is a transport whose bodies end with an error above maxResponse bytes.
type bounded struct{ http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := b.RoundTripper.RoundTrip(r)
	if err == nil {
		response.Body = &boundedBody{ReadCloser: response.Body, left: maxResponse}
	}
	return response, err
}

type boundedBody struct {
	io.ReadCloser
	left int
}

func (b *boundedBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, fmt.Errorf("%w: more than %d bytes", errTooLarge, maxResponse)
	}
	n, err := b.ReadCloser.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

// withoutURL takes the URL, and with it any key, out of an error of net/http.
func withoutURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// call sends one request, after the chain id has been checked once. Its errors carry a verdict.
func (n *node) call(ctx context.Context, result any, method string, args ...any) error {
	if !n.checked.Load() {
		if err := n.check(ctx); err != nil {
			return err
		}
	}
	return n.callUnchecked(ctx, result, method, args...)
}

func (n *node) callUnchecked(ctx context.Context, result any, method string, args ...any) error {
	if err := n.rpc.CallContext(ctx, result, method, args...); err != nil {
		return n.wrap(method, classify(withoutURL(err)))
	}
	return nil
}

// wrap names the endpoint and the method in front of an error.
func (n *node) wrap(what string, err error) error { return fmt.Errorf("%s: %s: %w", n.name, what, err) }

func (n *node) check(ctx context.Context) error {
	var id hexutil.Uint64
	if err := n.callUnchecked(ctx, &id, "eth_chainId"); err != nil {
		return err
	}
	if uint64(id) != n.chainID {
		return n.wrap("eth_chainId", chain.Errorf(chain.Fatal, "the endpoint is of chain %s:%d, want %s", Namespace, uint64(id), n.caip2))
	}
	n.checked.Store(true)
	return nil
}

// header is what the adapter reads of a block.
type header struct {
	Number    *hexutil.Uint64 `json:"number"`
	Hash      *common.Hash    `json:"hash"`
	Timestamp *hexutil.Uint64 `json:"timestamp"`
}

func (h *header) block() (chain.Block, error) {
	if h.Number == nil || h.Hash == nil || h.Timestamp == nil || *h.Hash == (common.Hash{}) {
		return chain.Block{}, chain.Errorf(chain.Retry, "a block without number, hash or time")
	}
	return chain.Block{Number: uint64(*h.Number), Hash: codec.Hash(*h.Hash), Time: uint64(*h.Timestamp)}, nil
}

// blockByTag returns the block with a tag ("finalized", "latest") or a number in hex, or ErrAbsent.
func (n *node) blockByTag(ctx context.Context, tag string) (chain.Block, error) {
	var h *header
	if err := n.call(ctx, &h, "eth_getBlockByNumber", tag, false); err != nil {
		if tag == "finalized" && isUnknownBlock(err) {
			return chain.Block{}, chain.ErrAbsent
		}
		return chain.Block{}, err
	}
	if h == nil {
		return chain.Block{}, chain.ErrAbsent
	}
	block, err := h.block()
	if err != nil {
		return chain.Block{}, n.wrap("eth_getBlockByNumber", err)
	}
	return block, nil
}

func (n *node) blockAt(ctx context.Context, number uint64) (chain.Block, error) {
	block, err := n.blockByTag(ctx, hexutil.EncodeUint64(number))
	if err == nil && block.Number != number {
		return chain.Block{}, n.wrap("eth_getBlockByNumber", chain.Errorf(chain.Retry, "asked for block %d, it answers with %s", number, block))
	}
	return block, err
}

func (n *node) blockNumber(ctx context.Context) (uint64, error) {
	var number hexutil.Uint64
	err := n.call(ctx, &number, "eth_blockNumber")
	return uint64(number), err
}

// head returns the newest settled block.
func (n *node) head(ctx context.Context, f chain.Finality) (chain.Block, error) {
	if f.Confirmations == 0 {
		return n.blockByTag(ctx, "finalized")
	}
	newest, err := n.blockNumber(ctx)
	if err != nil {
		return chain.Block{}, err
	}
	if newest < f.Confirmations {
		return chain.Block{}, chain.ErrAbsent
	}
	return n.blockAt(ctx, newest-f.Confirmations)
}

// canonical checks that a block is on the endpoint's canonical chain now.
func (n *node) canonical(ctx context.Context, at chain.Block) error {
	now, err := n.blockAt(ctx, at.Number)
	switch {
	case errors.Is(err, chain.ErrAbsent):
		return n.wrap("pin", chain.Errorf(chain.Retry, "block %s is not known here", at))
	case err != nil:
		return err
	case now.Hash != at.Hash:
		return n.wrap("pin", chain.Errorf(chain.Rewind, "block %s is not canonical any more, %s is", at, now))
	}
	return nil
}

// pinned runs reads of the state after a block, and checks afterwards that the block is
// still canonical. So what it lets through is the canonical chain's.
func (n *node) pinned(ctx context.Context, at chain.Block, read func(pin any) error) error {
	readErr := read(pinTo(common.Hash(at.Hash)))
	if readErr != nil && !isUnknownBlock(readErr) {
		return readErr
	}
	if err := n.canonical(ctx, at); err != nil {
		return err
	}
	return readErr
}

// pinTo names the state after a block that must be canonical (EIP-1898).
func pinTo(block common.Hash) any {
	return map[string]any{"blockHash": block, "requireCanonical": true}
}

// ethCall is a call of a contract.
type ethCall struct {
	From  *common.Address `json:"from,omitempty"`
	To    *common.Address `json:"to,omitempty"`
	Data  hexutil.Bytes   `json:"data,omitempty"`
	Value *hexutil.Big    `json:"value,omitempty"`
	Gas   *hexutil.Uint64 `json:"gas,omitempty"`
}

// view calls a contract at a block: a tag or a pin.
func (n *node) view(ctx context.Context, to common.Address, data []byte, at any) ([]byte, error) {
	var out hexutil.Bytes
	err := n.call(ctx, &out, "eth_call", ethCall{To: &to, Data: data}, at)
	return out, err
}
