package ethereum

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"unicode"

	"github.com/ethereum/go-ethereum/rpc"

	contract "github.com/trinebridge/trine/bridgecontracts/ethereum"
	"github.com/trinebridge/trine/chain"
)

// Marks of errors that the adapter itself acts on.
var (
	errKnown        = errors.New("the node has the transaction already")
	errNonceUsed    = errors.New("the nonce is used")
	errNonceTaken   = errors.New("another transaction waits with the nonce")
	errRange        = errors.New("the range of blocks is too large for the node")
	errUnknownBlock = errors.New("the node does not have the block")
)

func isUnknownBlock(err error) bool { return errors.Is(err, errUnknownBlock) }

// rule sorts messages that contain any of its texts (lower case).
type rule struct {
	verdict chain.Verdict
	mark    error
	texts   []string
}

// rules are tried in order; the first that matches counts. The messages are those of geth,
// reth and anvil, erigon, nethermind, besu, and of the large providers; testdata/messages.json
// has them in full.
var rules = []rule{
	{chain.Retry, errKnown, []string{"already known", "alreadyknown", "known transaction", "already imported", "already in mempool", "existing tx with same hash"}},
	{chain.Replace, errNonceTaken, []string{"replacement transaction underpriced", "replacementnotallowed", "could not replace existing", "another transaction with same nonce",
		"gas price too low to replace", "replacement_underpriced"}},
	{chain.Rebuild, errNonceUsed, []string{"nonce too low", "oldnonce", "nonce is too low", "nonce_too_low", "nonce below current nonce", "nonce has already been used"}},
	{chain.Retry, nil, []string{"nonce too high", "noncegap", "nonce is too distant", "noncetoofar", "nonce_too_far", "too many transactions from sender"}},
	{chain.Retry, nil, []string{"insufficient funds", "insufficientfunds", "insufficient balance", "upfront cost exceeds", "upfront_cost_exceeds_balance",
		"gas required exceeds allowance", "not enough funds"}},
	{chain.Replace, nil, []string{"less than block base fee", "feetoolow", "fee too low", "transaction underpriced", "below configured minimum", "gas price below",
		"gas tip cap", "maxfeepergas too low", "base fee exceeds gas limit", "fee cap too low", "gas_price_below", "effective gas price"}},
	{chain.Fatal, nil, []string{"exceeds block gas limit", "gaslimitexceeded", "transaction gas limit too high", "exceeds_block_gas_limit", "tx gas limit exceeds", "oversized data",
		"initcode size", "gas limit too high"}},
	{chain.Rebuild, nil, []string{"intrinsic gas", "intrinsicgas", "intrinsic_gas_exceeds", "floor data gas"}},
	{chain.Retry, nil, []string{"txpool is full", "pool is full", "mempool is full", "poolisfull", "txpool full", "exceeds the configured cap"}},
	{chain.Fatal, nil, []string{"invalid sender", "invalid chain id", "wrong chain", "invalid signature", "invalidtxsignature", "wrong_chain_id", "only replay-protected",
		"transaction type not supported", "invalidtxchainid", "chain id mismatch"}},
	{chain.Retry, nil, []string{"too many requests", "rate limit", "ratelimit", "rate exceeded", "request rate", "compute units per second", "daily request count",
		"capacity exceeded", "throughput", "quota", "credits"}},
	{chain.Retry, errUnknownBlock, []string{"header not found", "unknown block", "block not found", "blocknotfound", "not currently canonical", "finalized block not found",
		"header for hash not found", "cannot find block", "could not find block", "hash not found", "block is not canonical", "resource not found",
		"unknown header", "block_not_found", "not canonical", "blockoutofrange"}},
	{chain.Retry, errRange, []string{"query returned more than", "more than 10000 results", "too many results", "block range", "blocks range", "range is too", "range too large", "limited to",
		"response size", "query timeout", "max results", "query exceeds", "exceed maximum", "limit exceeded", "too many blocks", "log limit", "logs exceeds",
		"returned too many", "too many logs", "exceeds the range", "range exceeds"}},
	{chain.Retry, nil, []string{"missing trie node", "pruned", "state not available", "historical state", "no state available", "world state unavailable", "archive",
		"state is not available", "required historical", "proof window", "state already"}},
	{chain.Retry, nil, []string{"timeout", "timed out", "deadline", "internal error", "server error", "temporarily", "try again", "syncing", "indexing", "not ready",
		"unavailable", "overloaded", "header retrieval"}},
	{chain.Fatal, nil, []string{"method not found", "does not exist/is not available", "method is not whitelisted", "unsupported method", "not supported", "unauthorized",
		"invalid api key", "forbidden", "must be authenticated"}},
	{chain.Retry, nil, []string{"out of gas"}},
}

// reverted are texts that nodes put before the data of a revert.
var reverted = []string{"execution reverted", "revert", "vm execution error", "vm exception"}

// classify gives an error of the RPC client a verdict.
func classify(err error) error {
	var transport rpc.HTTPError
	if errors.As(err, &transport) {
		return classifyHTTP(transport)
	}
	if errors.Is(err, errTooLarge) {
		return &chain.Error{Verdict: chain.Retry, Err: err}
	}
	var answered rpc.Error
	if !errors.As(err, &answered) {
		return &chain.Error{Verdict: chain.Retry, Err: err} // no answer of the node, or not one of the protocol
	}
	data := revertData(err)
	text := strings.ToLower(answered.Error())
	if data != nil || answered.ErrorCode() == 3 {
		return classifyRevert(data, answered.Error())
	}
	for _, r := range rules {
		for _, t := range r.texts {
			if !strings.Contains(text, t) {
				continue
			}
			if r.mark != nil {
				return &chain.Error{Verdict: r.verdict, Err: fmt.Errorf("%w: %w", r.mark, said{answered})}
			}
			return &chain.Error{Verdict: r.verdict, Err: said{answered}}
		}
	}
	for _, t := range reverted {
		if strings.Contains(text, t) {
			return classifyRevert(nil, answered.Error())
		}
	}
	return classifyCode(answered)
}

// classifyCode judges a message that no rule knows by its JSON-RPC code.
func classifyCode(err rpc.Error) error {
	switch err.ErrorCode() {
	case -32601, -32602: // no such method, bad parameters: the same call never works here
		return &chain.Error{Verdict: chain.Fatal, Err: said{err}}
	case -39001:
		return &chain.Error{Verdict: chain.Retry, Err: fmt.Errorf("%w: %w", errUnknownBlock, said{err})}
	}
	return &chain.Error{Verdict: chain.Retry, Err: said{err}}
}

// mostSaid is how many bytes of a node's own words are shown.
const mostSaid = 500

// said is an error in a node's own words, which may be megabytes, or orders to a terminal.
type said struct{ err rpc.Error }

// Error returns the beginning of the words, on one line.
func (s said) Error() string {
	text := s.err.Error()
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text[:min(len(text), mostSaid)], ""))
}

// Unwrap returns the error as the RPC client has it.
func (s said) Unwrap() error { return s.err }

// tooMuch reports that a smaller range of blocks may be answered.
func tooMuch(err error) bool { return errors.Is(err, errRange) || errors.Is(err, errTooLarge) }

func classifyHTTP(err rpc.HTTPError) error {
	text := strings.TrimSpace(string(err.Body[:min(len(err.Body), 200)]))
	wrapped := fmt.Errorf("HTTP %s: %q", err.Status, text)
	switch err.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed:
		return &chain.Error{Verdict: chain.Fatal, Err: wrapped}
	case http.StatusRequestEntityTooLarge, http.StatusGatewayTimeout:
		return &chain.Error{Verdict: chain.Retry, Err: fmt.Errorf("%w: %w", errRange, wrapped)}
	}
	return &chain.Error{Verdict: chain.Retry, Err: wrapped}
}

// revertData returns the data that a node attached to an error, nil if none.
func revertData(err error) []byte {
	var withData rpc.DataError
	if !errors.As(err, &withData) {
		return nil
	}
	text, ok := withData.ErrorData().(string)
	if !ok {
		return nil
	}
	// Nethermind and parity write "Reverted 0x…".
	text = strings.TrimPrefix(strings.TrimPrefix(text, "Reverted "), "0x")
	data, err := hex.DecodeString(text)
	if err != nil || len(data) < 4 {
		return nil
	}
	return data
}

// refusal is a contract's refusal, decoded.
type refusal struct{ *contract.Revert }

// waits reports that the delivery's turn comes later, when others before it have run.
func (r refusal) waits() bool { return r.ahead() > 0 }

// ahead returns how many deliveries must run before this one's turn comes.
func (r refusal) ahead() uint64 {
	if expected, given, ok := r.order(); ok && given > expected {
		return given - expected
	}
	return 0
}

// order returns the number that the bridge expects of a delivery and the one that it has.
func (r refusal) order() (expected, given uint64, ok bool) {
	if r.Name != contract.ErrWrongActionID && r.Name != contract.ErrWrongSequence {
		return 0, 0, false
	}
	expected, ok1 := r.Field("expected").(uint64)
	given, ok2 := r.Field("given").(uint64)
	return expected, given, ok1 && ok2 && expected != given
}

func (r refusal) verdict() chain.Verdict {
	if expected, given, ok := r.order(); ok {
		if given < expected {
			return chain.Done
		}
		return chain.Retry
	}
	switch r.Name {
	case contract.ErrEpochNotHigher:
		return chain.Done
	case contract.ErrBridgePaused, contract.ErrLimitExceeded, contract.ErrWrongSet, contract.ErrWrongPauseState:
		return chain.Retry // an unpause, time, a rotation or the control action before this one changes it
	case contract.ErrNotEnoughGas:
		return chain.Rebuild
	case "Unknown", "Error":
		return chain.Rebuild
	}
	return chain.Fatal
}

// classifyRevert decodes a revert. Without data its reason is what the node wrote.
func classifyRevert(data []byte, message string) error {
	if data == nil {
		return chain.Errorf(chain.Rebuild, "the call reverted without a reason: %.200q", message)
	}
	r := refusal{contract.DecodeRevert(data)}
	return &chain.Error{Verdict: r.verdict(), Err: r}
}
