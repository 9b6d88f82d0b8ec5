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

// rule sorts messages that contain any of its texts (lower case).
type rule struct {
	verdict chain.Verdict
	mark    error
	texts   []string
}

// rules go by what nodes say (agave: rpc-client-api/src/custom_error.rs) and not by their numbers, which providers give to
// errors of their own: one's -32007 is a skipped slot, another's a timeout. They are tried in order.
var rules = []rule{
	{chain.Rebuild, errExpired, []string{"blockhash not found", "blockhashnotfound", "block height exceeded", "blockhash is expired"}},
	{chain.Retry, errKnown, []string{"already been processed", "alreadyprocessed", "already processed"}},
	{chain.Retry, nil, []string{"too many requests", "rate limit", "ratelimit", "rate exceeded", "request rate", "quota", "credits", "throughput", "connection rate"}},
	{chain.Retry, errBehind, []string{"minimum context slot has not been reached"}},
	{chain.Retry, errSkipped, []string{"was skipped, or missing"}},
	{chain.Retry, errNoBlock, []string{"block not available for slot", "block status not yet available", "cleaned up, does not exist"}},
	{chain.Retry, errVersion, []string{"not supported by the requesting client"}},
	{chain.Retry, nil, []string{"insufficient funds for fee", "insufficientfundsforfee", "insufficient lamports", "attempt to debit an account", "accountnotfound", "insufficientfundsforrent"}},
	{chain.Fatal, nil, []string{"too large", "signature verification", "precompile verification", "signature length mismatch", "transaction history is not available",
		"secondary index", "method not found", "not supported", "unauthorized", "invalid api key", "forbidden", "failed to deserialize"}},
}

// Numbers that every JSON-RPC server means alike.
const (
	codeNoMethod  = -32601
	codeBadParams = -32602
	// codePreflight is agave's for a transaction that failed when the node tried it.
	codePreflight = -32002
)

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
	if out := byText(answered.Message, answered); out != nil {
		return out
	}
	if answered.Code == codeNoMethod || answered.Code == codeBadParams {
		return &chain.Error{Verdict: chain.Fatal, Err: answered}
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
	if answered.Code != codePreflight {
		return nil
	}
	var data struct {
		Err json.RawMessage `json:"err"`
	}
	if json.Unmarshal(answered.Data, &data) == nil && len(data.Err) > 0 && string(data.Err) != "null" {
		return verdictOf(parseFailure(data.Err))
	}
	return nil
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

// foreign reports whether an instruction failed by the word of another program than the bridge.
func (f *failure) foreign() bool {
	_, ours := f.fault()
	return f.instruction >= 0 && !ours
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
		"WouldExceedMaxVoteCostLimit", "WouldExceedAccountDataBlockLimit", "WouldExceedAccountDataTotalLimit", "TooManyAccountLocks",
		"ProgramCacheHitMaxLimit", "ResanitizationNeeded", "CommitCancelled", "BailOut":
		return &chain.Error{Verdict: chain.Retry, Err: f}
	case "SignatureFailure", "SanitizeFailure", "InvalidAccountForFee", "UnsupportedVersion":
		return &chain.Error{Verdict: chain.Fatal, Err: f}
	}
	if f.instruction < 0 && (strings.Contains(f.text, "InsufficientFundsForRent") || strings.Contains(f.text, "ProgramExecutionTemporarilyRestricted")) {
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
