package solana

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	contract "github.com/trinebridge/trine/bridgecontracts/solana"
	"github.com/trinebridge/trine/chain"
)

// said is one entry of the corpus: what a node answered, and what it means. TestNodesSayWhatTheCorpusHas asks
// real nodes for those that can be provoked.
type said struct {
	Node    string          `json:"node"`
	Method  string          `json:"method"`
	HTTP    int             `json:"http"`
	Code    int             `json:"code"`
	Message string          `json:"message"`
	Data    json.RawMessage `json:"data"`
	Body    *string         `json:"body"` // in place of an error of JSON-RPC
	Verdict string          `json:"verdict"`
	Mark    string          `json:"mark"`
	Shows   string          `json:"shows"` // is part of the error, in place of what the node said
}

var marks = map[string]error{
	"expired": errExpired, "known": errKnown, "behind": errBehind, "skipped": errSkipped, "no block": errNoBlock, "version": errVersion,
}

func corpus(t *testing.T) (list []said) {
	t.Helper()
	data, err := os.ReadFile("testdata/messages.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &list); err != nil {
		t.Fatal(err)
	}
	return list
}

// markOf is the name of an error's mark.
func markOf(err error) (name string) {
	for n, mark := range marks {
		if errors.Is(err, mark) {
			name += n
		}
	}
	return name
}

func (s *said) answer() string {
	if s.Body != nil {
		return *s.Body
	}
	fault := map[string]any{"code": s.Code, "message": s.Message}
	if s.Data != nil {
		fault["data"] = s.Data
	}
	raw, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": 1, "error": fault})
	if err != nil {
		panic(err) // texts and numbers
	}
	return string(raw)
}

func TestCorpusOfNodeMessages(t *testing.T) {
	var now said
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if now.HTTP != 0 {
			w.WriteHeader(now.HTTP)
		}
		fmt.Fprint(w, now.answer())
	}))
	defer server.Close()
	n, err := openNode("solana:11111111111111111111111111111111", server.URL+"/a-key-of-the-provider")
	if err != nil {
		t.Fatal(err)
	}
	n.checked.Store(true)
	for _, m := range corpus(t) {
		t.Run(m.Node+"/"+m.Message, func(t *testing.T) {
			now = m
			var result any
			err := n.call(t.Context(), &result, m.Method)
			if err == nil {
				t.Fatalf("no error from %s", m.answer())
			}
			if got := chain.VerdictOf(err).String(); got != m.Verdict {
				t.Errorf("%v: the verdict is %s, want %s", err, got, m.Verdict)
			}
			if got := markOf(err); got != m.Mark {
				t.Errorf("%v: the mark is %q, want %q", err, got, m.Mark)
			}
			if !strings.Contains(err.Error(), m.Method) || strings.Contains(err.Error(), "a-key-of") {
				t.Errorf("the error %q does not name the method, or it names the provider's key", err)
			}
			if !strings.Contains(err.Error(), m.Shows) {
				t.Errorf("the error %q does not show %q", err, m.Shows)
			}
		})
	}
}

// Every refusal of the bridge has a name that a person can look up, and none says that another node should be asked
// unless waiting helps.
func TestEveryFaultIsNamed(t *testing.T) {
	waits := map[string]bool{"BridgePaused": true, "LimitExceeded": true, "WrongPauseState": true, "WrongSequence": true, "WrongActionId": true, "HeldTooLittle": true}
	seen := 0
	for number := range uint32(100) {
		fault, ours := contract.FaultOf(0x5452_0000 + number)
		if !ours {
			continue
		}
		seen++
		err := verdictOf(parseFailure(json.RawMessage(fmt.Sprintf(`{"InstructionError":[0,{"Custom":%d}]}`, 0x5452_0000+number))))
		if !strings.Contains(err.Error(), fault.String()) {
			t.Errorf("fault %d: %q does not name %s", number, err, fault)
		}
		if retry := chain.VerdictOf(err) == chain.Retry; retry != waits[fault.String()] {
			t.Errorf("%s says %s", fault, chain.VerdictOf(err))
		}
	}
	if seen < 70 {
		t.Errorf("%d faults have names, the program has 70", seen)
	}
}

// FuzzClassify feeds whatever a node may say: no panic, always an error with a verdict that a node may cause.
func FuzzClassify(f *testing.F) {
	f.Add(-32002, "Transaction simulation failed: Blockhash not found", `{"err":"BlockhashNotFound"}`)
	f.Add(-32002, "Transaction simulation failed", `{"err":{"InstructionError":[2,{"Custom":1414660103}]}}`)
	f.Add(-32002, "", `{"err":{"InstructionError":[300,null]}}`)
	f.Add(-32002, "", `{"err":{"InsufficientFundsForRent":{"account_index":0}}}`)
	f.Add(-32016, "Minimum context slot has not been reached", `{"contextSlot":1}`)
	f.Add(429, "Too many requests", ``)
	f.Fuzz(func(t *testing.T, code int, text, data string) {
		err := classify(&rpcError{Code: code, Message: text, Data: json.RawMessage(data)})
		var e *chain.Error
		if !errors.As(err, &e) || e.Verdict > chain.Fatal || e.Verdict == chain.Rewind || err.Error() == "" {
			t.Fatalf("%q with data %q: %v", text, data, err)
		}
	})
}
