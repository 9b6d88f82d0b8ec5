package solana

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	contract "github.com/trinebridge/trine/bridgecontracts/solana"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/codec"
)

const scriptedGenesis = "11111111111111111111111111111111"

// scripted is an endpoint whose answers a test writes: what it returns is a result, or an error of JSON-RPC.
func scripted(t *testing.T, answer func(method string, params []json.RawMessage) string) *Source {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var request struct {
			Method string
			Params []json.RawMessage
		}
		if err := json.NewDecoder(r.Body).Decode(&request); err != nil {
			t.Error(err)
		}
		said := answer(request.Method, request.Params)
		kind := "result"
		if strings.HasPrefix(said, `{"code"`) {
			kind = "error"
		}
		fmt.Fprintf(w, `{"jsonrpc":"2.0","id":1,%q:%s}`, kind, said)
	}))
	t.Cleanup(server.Close)
	s, err := OpenSource(chain.SourceConfig{ChainID: Namespace + ":" + scriptedGenesis, Endpoint: server.URL, Bridge: codec.Hash{1}})
	if err != nil {
		t.Fatal(err)
	}
	s.node.checked.Store(true)
	return s
}

const (
	saysSkipped  = `{"code":-32007,"message":"Slot 98 was skipped, or missing due to ledger jump to recent snapshot"}`
	saysUnrooted = `{"code":-32004,"message":"Block not available for slot 99"}`
	saysTimeout  = `{"code":-32007,"message":"Long-running operation (timeout)"}`
	saysNewer    = `{"code":-32015,"message":"Transaction version (1) is not supported by the requesting client. Please try the request again with the following configuration parameter: \"maxSupportedTransactionVersion\": 1"}`
)

func headerOf(slot string) string {
	return fmt.Sprintf(`{"blockhash":%q,"blockTime":1%s}`, contract.Key(codec.Keccak([]byte(slot))), slot)
}

// A node says of a slot that was skipped that it has no block, until a later one is final. Head goes past both.
func TestHeadStepsOverSlotsWithoutBlocks(t *testing.T) {
	s := scripted(t, func(method string, params []json.RawMessage) string {
		if method == "getSlot" {
			return "100"
		}
		switch slot := string(params[0]); slot {
		case "99":
			return saysUnrooted
		case "98":
			return saysSkipped
		default:
			return headerOf(slot)
		}
	})
	at, err := s.Head(t.Context(), chain.Finality{Confirmations: 1})
	if err != nil || at.Number != 97 || at.Time != 197 {
		t.Errorf("the head is %+v, %v; want slot 97", at, err)
	}
}

func TestHeadGivesUp(t *testing.T) {
	for name, says := range map[string]string{"nothing but skipped slots": saysSkipped, "nothing but slots without blocks": saysUnrooted, "timeouts": saysTimeout} {
		t.Run(name, func(t *testing.T) {
			asked := 0
			s := scripted(t, func(method string, _ []json.RawMessage) string {
				if method == "getSlot" {
					return "100000"
				}
				asked++
				return says
			})
			_, err := s.Head(t.Context(), chain.Finality{})
			if err == nil || errors.Is(err, chain.ErrAbsent) || chain.VerdictOf(err) != chain.Retry || asked > maxSkipped {
				t.Errorf("%v (%s) after %d blocks", err, chain.VerdictOf(err), asked)
			}
		})
	}
}

// Only what a node says about a skipped slot proves absence, and makes a pinned block one that is gone: not its number, which a
// gateway uses for something else.
func TestNumbersProveNothing(t *testing.T) {
	for _, c := range []struct {
		says           string
		absent, rewind bool
	}{{saysSkipped, true, true}, {saysTimeout, false, false}, {saysUnrooted, false, false}} {
		s := scripted(t, func(method string, _ []json.RawMessage) string {
			switch method {
			case "getFirstAvailableBlock":
				return "1"
			case "getSlot":
				return "200"
			}
			return c.says
		})
		if _, err := s.BlockAt(t.Context(), 98); errors.Is(err, chain.ErrAbsent) != c.absent || err == nil {
			t.Errorf("%s: %v, want absence: %t", c.says, err, c.absent)
		}
		if err := s.node.canonical(t.Context(), chain.Block{Number: 98}); (chain.VerdictOf(err) == chain.Rewind) != c.rewind || err == nil {
			t.Errorf("%s: %v (%s), want rewind: %t", c.says, err, chain.VerdictOf(err), c.rewind)
		}
	}
}

// Newer versions of transactions are asked for once the node says that there are some, and from then on.
func TestVersionsAreAskedForWhenNeeded(t *testing.T) {
	var asked []string
	s := scripted(t, func(_ string, params []json.RawMessage) string {
		var options struct {
			Newest json.Number `json:"maxSupportedTransactionVersion"`
		}
		if err := json.Unmarshal(params[1], &options); err != nil {
			t.Error(err)
		}
		asked = append(asked, options.Newest.String())
		if options.Newest == "0" && string(params[0]) == "7" {
			return saysNewer
		}
		return headerOf(string(params[0]))
	})
	for _, slot := range []uint64{6, 7, 8} {
		if _, err := s.node.block(t.Context(), slot, true); err != nil {
			t.Error(err)
		}
	}
	if got := strings.Join(asked, " "); got != "0 0 255 255" {
		t.Errorf("asked for versions %s", got)
	}
}
