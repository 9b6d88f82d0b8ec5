package solana

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	contract "github.com/trinebridge/trine/bridgecontracts/solana"
)

// madeUpGenesis is the genesis hash of nodes that tests make up.
const madeUpGenesis = "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d"

// Whoever withdraws may have the largest accounts there are, so a batch of them must be readable.
func TestAccountsOfTenMegabytesAreReadInPart(t *testing.T) {
	large := make([]byte, 10<<20)
	node := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var request struct {
			Method string
			Params []json.RawMessage
		}
		if err := json.NewDecoder(r.Body).Decode(&request); err != nil {
			t.Error(err)
		}
		if request.Method == "getGenesisHash" {
			_, _ = fmt.Fprintf(w, `{"result":%q}`, madeUpGenesis)
			return
		}
		var keys []string
		var options struct {
			DataSlice *struct{ Offset, Length int } `json:"dataSlice"`
		}
		if json.Unmarshal(request.Params[0], &keys) != nil || json.Unmarshal(request.Params[1], &options) != nil {
			t.Errorf("parameters %s", request.Params)
		}
		data := large
		if s := options.DataSlice; s != nil {
			data = data[s.Offset:min(s.Offset+s.Length, len(data))]
		}
		one := fmt.Sprintf(`{"lamports":7,"owner":%q,"executable":false,"space":%d,"data":[%q,"base64"]}`,
			contract.SystemProgram, len(large), base64.StdEncoding.EncodeToString(data))
		list := strings.TrimSuffix(strings.Repeat(one+",", len(keys)), ",")
		_, _ = fmt.Fprintf(w, `{"result":{"context":{"slot":9},"value":[%s]}}`, list)
	}))
	t.Cleanup(node.Close)
	n, err := openNode(Namespace+":"+madeUpGenesis[:referenceLength], node.URL)
	if err != nil {
		t.Fatal(err)
	}
	// A batch's accounts: the bridge, and for each transfer the recipient's, the vault and the mint.
	keys := make([]contract.Key, 1+3*Adapter.Batch)
	_, got, err := n.accounts(t.Context(), confirmed, 0, keys...)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range got {
		if a.Lamports != 7 || len(a.Data) == 0 {
			t.Fatalf("an account with %d lamports and %d bytes", a.Lamports, len(a.Data))
		}
	}
}
