package solana

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	contract "github.com/trinebridge/trine/bridgecontracts/solana"
	"github.com/trinebridge/trine/chain"
)

// Marks of errors that the adapter itself acts on.
var (
	errBehind    = errors.New("the node has not reached the slot")
	errSkipped   = errors.New("the slot was skipped, or the node does not have it")
	errNoBlock   = errors.New("the node does not have the block")
	errKnown     = errors.New("the transaction was processed already")
	errExpired   = errors.New("the blockhash is not known")
	errVersion   = errors.New("the transaction is of a newer version than was asked for")
	errNoAccount = errors.New("the account is not there")
)

// codes are the JSON-RPC errors of agave (rpc-client-api/src/custom_error.rs).
var codes = map[int]struct {
	verdict chain.Verdict
	mark    error
}{
	-32001: {chain.Retry, errNoBlock}, // cleaned up, a node with more history has it
	-32003: {chain.Fatal, nil},        // signature verification failure
	-32004: {chain.Retry, errNoBlock}, // block not available for slot
	-32005: {chain.Retry, nil},        // node unhealthy
	-32006: {chain.Fatal, nil},        // precompile verification failure
	-32007: {chain.Retry, errSkipped}, // skipped, or lost in a jump to a snapshot
	-32008: {chain.Fatal, nil},        // no snapshot
	-32009: {chain.Retry, errSkipped}, // skipped, or lost in long-term storage
	-32010: {chain.Fatal, nil},        // excluded from secondary index
	-32011: {chain.Fatal, nil},        // transaction history is not kept
	-32012: {chain.Retry, nil},        // scan error
	-32013: {chain.Fatal, nil},        // signature length mismatch
	-32014: {chain.Retry, errNoBlock}, // block status not yet available
	-32015: {chain.Retry, errVersion}, // transaction version unsupported by the request
	-32016: {chain.Retry, errBehind},  // minimum context slot not reached
	-32017: {chain.Retry, nil},        // epoch rewards period
	-32018: {chain.Retry, nil},        // slot not epoch boundary
	-32019: {chain.Retry, nil},        // long-term storage unreachable
	-32601: {chain.Fatal, nil},        // no such method
	-32602: {chain.Fatal, nil},        // bad parameters
}

// rule sorts messages that contain any of its texts (lower case).
type rule struct {
	verdict chain.Verdict
	mark    error
	texts   []string
}

// rules are for what nodes and providers say without a code of its own; they are tried in order.
var rules = []rule{
	{chain.Rebuild, errExpired, []string{"blockhash not found", "blockhashnotfound", "block height exceeded", "blockhash is expired"}},
	{chain.Retry, errKnown, []string{"already been processed", "alreadyprocessed", "already processed"}},
	{chain.Retry, nil, []string{"too many requests", "rate limit", "ratelimit", "rate exceeded", "request rate", "quota", "credits", "throughput", "connection rate"}},
	{chain.Retry, errBehind, []string{"minimum context slot"}},
	{chain.Retry, errSkipped, []string{"was skipped"}},
	{chain.Retry, errNoBlock, []string{"block not available", "not available for slot"}},
	{chain.Retry, nil, []string{"insufficient funds for fee", "insufficientfundsforfee", "insufficient lamports", "attempt to debit an account", "accountnotfound", "insufficientfundsforrent"}},
	{chain.Fatal, nil, []string{"too large", "signature verification", "method not found", "not supported", "unauthorized", "invalid api key", "forbidden", "failed to deserialize"}},
}

// classify gives an error of a request a verdict.
func classify(err error) error {
	var status *httpError
	if errors.As(err, &status) {
		switch status.status {
		case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed:
			return &chain.Error{Verdict: chain.Fatal, Err: err}
		}
		return &chain.Error{Verdict: chain.Retry, Err: err}
	}
	var answered *rpcError
	if !errors.As(err, &answered) {
		return &chain.Error{Verdict: chain.Retry, Err: err} // no answer of the node, or not one of the protocol
	}
	if failure := preflightFailure(answered); failure != nil {
		return failure
	}
	if c, known := codes[answered.Code]; known {
		return marked(c.verdict, c.mark, answered)
	}
	if out := byText(answered.Message, answered); out != nil {
		return out
	}
	return &chain.Error{Verdict: chain.Retry, Err: answered}
}

func marked(v chain.Verdict, mark, err error) error {
	if mark != nil {
		err = fmt.Errorf("%w: %w", mark, err)
	}
	return &chain.Error{Verdict: v, Err: err}
}

// byText returns nil for a message that no rule knows.
func byText(message string, err error) error {
	text := strings.ToLower(message)
	for _, r := range rules {
		for _, t := range r.texts {
			if strings.Contains(text, t) {
				return marked(r.verdict, r.mark, err)
			}
		}
	}
	return nil
}

// preflightFailure reads the answer of a node that has simulated a transaction before it takes it in; nil if it is none.
func preflightFailure(answered *rpcError) error {
	if answered.Code != -32002 {
		return nil
	}
	var data struct {
		Err json.RawMessage `json:"err"`
	}
	if json.Unmarshal(answered.Data, &data) == nil && len(data.Err) > 0 && string(data.Err) != "null" {
		return verdictOf(parseFailure(data.Err))
	}
	if out := byText(answered.Message, answered); out != nil {
		return out
	}
	return &chain.Error{Verdict: chain.Retry, Err: answered}
}

// failure is why a transaction failed, as the runtime says it.
type failure struct {
	// instruction is which one failed, -1 if none did.
	instruction int
	// custom is a program's own code, if hasCustom.
	custom    uint32
	hasCustom bool
	// text is the runtime's name for it.
	text string
}

// fault is the bridge's own refusal, if it is one.
func (f *failure) fault() (contract.Fault, bool) {
	if !f.hasCustom {
		return 0, false
	}
	return contract.FaultOf(f.custom)
}

// Error implements error.
func (f *failure) Error() string {
	if fault, ours := f.fault(); ours {
		return fault.Error()
	}
	if f.instruction >= 0 {
		return fmt.Sprintf("instruction %d failed: %s", f.instruction, f.text)
	}
	return "the transaction failed: " + f.text
}

// parseFailure reads a TransactionError as JSON has it: "BlockhashNotFound", or
// {"InstructionError": [2, {"Custom": 7}]}, or {"InsufficientFundsForRent": {…}}.
func parseFailure(raw json.RawMessage) *failure {
	f := &failure{instruction: -1, text: fmt.Sprintf("%.200s", raw)}
	var name string
	if json.Unmarshal(raw, &name) == nil {
		f.text = name
		return f
	}
	var detailed struct {
		InstructionError []json.RawMessage `json:"InstructionError"`
	}
	if json.Unmarshal(raw, &detailed) != nil || len(detailed.InstructionError) != 2 {
		return f
	}
	var index uint8
	if json.Unmarshal(detailed.InstructionError[0], &index) != nil {
		return f
	}
	f.instruction = int(index)
	var custom struct {
		Custom *uint32 `json:"Custom"`
	}
	switch what := detailed.InstructionError[1]; {
	case json.Unmarshal(what, &name) == nil:
		f.text = name
	case json.Unmarshal(what, &custom) == nil && custom.Custom != nil:
		f.custom, f.hasCustom = *custom.Custom, true
		f.text = fmt.Sprintf("custom error %d of a program", f.custom)
	default:
		f.text = fmt.Sprintf("%.200s", what)
	}
	return f
}

// verdictOf judges a transaction that failed in a simulation. Whether a delivery is past must be asked for besides: the
// program names only that it is not the next one.
func verdictOf(f *failure) error {
	if fault, ours := f.fault(); ours {
		return &chain.Error{Verdict: faultVerdict(fault), Err: f}
	}
	switch f.text {
	case "BlockhashNotFound":
		return marked(chain.Rebuild, errExpired, f)
	case "AlreadyProcessed":
		return marked(chain.Retry, errKnown, f)
	case "AccountNotFound", "InsufficientFundsForFee", "AccountInUse", "ClusterMaintenance", "WouldExceedMaxBlockCostLimit", "WouldExceedMaxAccountCostLimit",
		"WouldExceedMaxVoteCostLimit", "WouldExceedAccountDataBlockLimit", "TooManyAccountLocks", "ProgramCacheHitMaxLimit", "CommitCancelled":
		return &chain.Error{Verdict: chain.Retry, Err: f}
	case "SignatureFailure", "SanitizeFailure", "InvalidAccountForFee", "UnsupportedVersion":
		return &chain.Error{Verdict: chain.Fatal, Err: f}
	}
	if f.instruction < 0 && strings.Contains(f.text, "InsufficientFundsForRent") {
		return &chain.Error{Verdict: chain.Retry, Err: f}
	}
	return &chain.Error{Verdict: chain.Rebuild, Err: f}
}

// faultVerdict says what to do about a refusal of the bridge.
func faultVerdict(f contract.Fault) chain.Verdict {
	switch f {
	case contract.FaultBridgePaused, contract.FaultLimitExceeded, contract.FaultWrongPauseState, contract.FaultWrongSequence, contract.FaultWrongActionId,
		contract.FaultHeldTooLittle:
		return chain.Retry // an unpause, time, or the delivery before this one changes it
	case contract.FaultEpochNotHigher:
		return chain.Done
	case contract.FaultStalePage, contract.FaultWalletNeeded, contract.FaultClaimAccountNeeded, contract.FaultWrongBuffer, contract.FaultStaleBuffer,
		contract.FaultQuorumMissing, contract.FaultWrongToken, contract.FaultTokenNotReady, contract.FaultWrongVault, contract.FaultNotWritable,
		contract.FaultBufferExists, contract.FaultWrongClaim, contract.FaultWrongTokenProgram, contract.FaultWrongTokenAccount,
		contract.FaultWrongSigner, contract.FaultBadSealLength, contract.FaultBadBodyRange, contract.FaultMarkRefused:
		return chain.Rebuild // what it was built on has changed since
	}
	return chain.Fatal
}
