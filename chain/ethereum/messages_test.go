package ethereum

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/rpc"

	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/codec"
)

// message is one entry of the corpus: what a node said, and what it means.
type message struct {
	Node    string `json:"node"`
	Method  string `json:"method"`
	Code    int    `json:"code"`
	Message string `json:"message"`
	Data    string `json:"data"`
	HTTP    int    `json:"http"`
	Verdict string `json:"verdict"`
	Mark    string `json:"mark"`
}

// nodeError is the message as the RPC client returns it.
type nodeError struct{ m *message }

func (e nodeError) Error() string  { return e.m.Message }
func (e nodeError) ErrorCode() int { return e.m.Code }
func (e nodeError) ErrorData() any { return e.m.Data }

func (m *message) err() error {
	if m.HTTP != 0 {
		return rpc.HTTPError{StatusCode: m.HTTP, Status: fmt.Sprintf("%d %s", m.HTTP, http.StatusText(m.HTTP)), Body: []byte(m.Message)}
	}
	return nodeError{m}
}

var marks = map[string]error{"known": errKnown, "nonce used": errNonceUsed, "range": errRange, "unknown block": errUnknownBlock}

func TestCorpusOfNodeMessages(t *testing.T) {
	data, err := os.ReadFile("testdata/messages.json")
	if err != nil {
		t.Fatal(err)
	}
	var corpus []message
	if err := json.Unmarshal(data, &corpus); err != nil {
		t.Fatal(err)
	}
	for _, m := range corpus {
		t.Run(m.Node+"/"+m.Message, func(t *testing.T) {
			err := classify(m.err())
			if got := chain.VerdictOf(err).String(); got != m.Verdict {
				t.Errorf("verdict is %s, want %s", got, m.Verdict)
			}
			for name, mark := range marks {
				if errors.Is(err, mark) != (name == m.Mark) {
					t.Errorf("mark %q: %t, want %q", name, errors.Is(err, mark), m.Mark)
				}
			}
			if m.Data == "" && !strings.Contains(err.Error(), strings.TrimSuffix(m.Message, ".")) {
				t.Errorf("the error %q does not quote the node", err)
			}
		})
	}
}

// pack encodes one of the contract's errors.
func pack(signature string, words ...uint64) string {
	selector := codec.Keccak([]byte(signature))
	data := selector[:4:4]
	for _, w := range words {
		word := codec.Uint64Word(w)
		data = append(data, word[:]...)
	}
	return "0x" + hex.EncodeToString(data)
}

func TestReverts(t *testing.T) {
	for _, c := range []struct {
		name, data string
		want       chain.Verdict
		waits      bool
	}{
		{"executed already", pack("WrongActionId(uint64,uint64)", 5, 4), chain.Done, false},
		{"its turn comes later", pack("WrongActionId(uint64,uint64)", 5, 6), chain.Retry, true},
		{"a control action of the past", pack("WrongSequence(uint64,uint64)", 3, 2), chain.Done, false},
		{"a control action of the future", pack("WrongSequence(uint64,uint64)", 3, 4), chain.Retry, true},
		{"rotated already", pack("EpochNotHigher(uint64,uint64)", 7, 7), chain.Done, false},
		{"paused", pack("BridgePaused(uint64)", 1), chain.Retry, false},
		{"bucket full", pack("LimitExceeded(address,uint256,uint256,uint256)", 1, 2, 3, 4), chain.Retry, false},
		{"another set", pack("WrongSet(bytes32,bytes32)", 1, 2), chain.Retry, false},
		{"too little gas", pack("NotEnoughGas(uint256,uint256)", 2, 1), chain.Rebuild, false},
		{"wrong signer", pack("WrongSigner(address,address,bytes32)", 1, 2, 3), chain.Fatal, false},
		{"another chain's code", pack("WrongChain(uint256,uint256)", 1, 2), chain.Fatal, false},
		{"a token's own error", pack("SomethingElse(uint256)", 1), chain.Rebuild, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := classify(nodeError{&message{Code: 3, Message: "execution reverted", Data: c.data}})
			var r refusal
			if !errors.As(err, &r) || chain.VerdictOf(err) != c.want || r.waits() != c.waits {
				t.Fatalf("%v says %s, want %s; waits is %t, want %t", err, chain.VerdictOf(err), c.want, r.Revert != nil && r.waits(), c.waits)
			}
			if c.name != "a token's own error" && r.Name == "Unknown" {
				t.Fatalf("the contract's error is not decoded: %v", err)
			}
		})
	}
}

// FuzzClassify feeds whatever a node may say: no panic, always an error with a verdict.
func FuzzClassify(f *testing.F) {
	f.Add(-32000, "nonce too low", "")
	f.Add(3, "execution reverted", pack("WrongActionId(uint64,uint64)", 5, 4))
	f.Add(3, "execution reverted", "Reverted 0x08c379a0")
	f.Fuzz(func(t *testing.T, code int, text, data string) {
		err := classify(nodeError{&message{Code: code, Message: text, Data: data}})
		var e *chain.Error
		if !errors.As(err, &e) || e.Verdict > chain.Fatal || e.Verdict == chain.Rewind {
			t.Fatalf("%q with data %q: %v", text, data, err)
		}
		if n := len(err.Error()); n > 4000 {
			t.Fatalf("an error of %d bytes", n)
		}
	})
}

// A node's words are shown in short and on one line, whatever it says.
func TestWordsOfANode(t *testing.T) {
	words := "\x1b[2Jno\r\n" + strings.Repeat("a", 1<<17)
	selector := codec.Keccak([]byte("Error(string)"))
	reason := append(selector[:4:4], make([]byte, 64)...)
	reason[4+31], reason[4+61] = 32, 2 // the text begins after a word and has 2^17 bytes
	for name, m := range map[string]message{
		"message":        {Code: -32000, Message: words},
		"known message":  {Code: -32000, Message: "nonce too low: " + words},
		"bad parameters": {Code: -32602, Message: words},
		"revert":         {Code: 3, Message: words},
		"revert's text":  {Code: 3, Message: words, Data: "0x" + hex.EncodeToString(append(reason, words[:1<<17]...))},
		"revert's data":  {Code: 3, Message: words, Data: "0x" + strings.Repeat("ab", 1<<17)},
	} {
		text := classify(nodeError{&m}).Error()
		if len(text) > 1000 || strings.ContainsAny(text, "\x1b\r\n") {
			t.Errorf("%s: an error of %d bytes: %.100q", name, len(text), text)
		}
	}
}
