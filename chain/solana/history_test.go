package solana

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/mr-tron/base58"

	contract "github.com/trinebridge/trine/bridgecontracts/solana"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/chain/chaintest"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/internal/solanatest"
)

// A deployer that is not to be trusted has other code first, which makes accounts as it likes, and upgrades it to the bridge's.
func TestCodeThatFollowedOtherCodeIsNoBridge(t *testing.T) {
	const slot = 77
	data, other := contract.Key{1}, contract.Key{2}
	call := func(tag byte, accounts string) string {
		return fmt.Sprintf(`{"programIdIndex":3,"accounts":%s,"data":%q}`, accounts, base58.Encode([]byte{tag, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0}))
	}
	deploy := call(deployTag, "[0,1,2]")
	transaction := func(failed, outer, inner string) string {
		keys, _ := json.Marshal([]contract.Key{{9}, data, other, contract.LoaderProgram})
		return fmt.Sprintf(`{"transaction":{"signatures":[%q],"message":{"accountKeys":%s,"instructions":[%s]}},"meta":{"err":%s,"innerInstructions":[{"instructions":[%s]}]}}`,
			base58.Encode(make([]byte, 64)), keys, outer, failed, inner)
	}
	for name, c := range map[string]struct {
		transactions string
		slot         uint64
		want         chain.Verdict
		refused      bool
	}{
		"deployed":                           {transaction("null", deploy, ""), slot, 0, false},
		"deployed by a program":              {transaction("null", "", deploy), slot, 0, false},
		"beside others":                      {transaction("null", "", "") + "," + transaction("null", deploy, ""), slot, 0, false},
		"there from the cluster's first day": {"", 0, 0, false},
		"upgraded":                           {transaction("null", call(3, "[1,2,0]"), ""), slot, chain.Fatal, true},
		"upgraded, named like a deployment":  {transaction("null", call(3, "[0,1,2]"), ""), slot, chain.Fatal, true},
		"another was deployed":               {transaction("null", call(deployTag, "[0,2,1]"), ""), slot, chain.Fatal, true},
		"a deployment that failed":           {transaction(`{"InstructionError":[0,"Custom"]}`, deploy, ""), slot, chain.Fatal, true},
		"the block is gone":                  {"", slot + 1, chain.Retry, true},
	} {
		t.Run(name, func(t *testing.T) {
			node := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				var request struct {
					Method string
					Params []json.RawMessage
				}
				if err := json.NewDecoder(r.Body).Decode(&request); err != nil {
					t.Error(err)
				}
				switch {
				case request.Method == "getGenesisHash":
					_, _ = fmt.Fprintf(w, `{"result":%q}`, madeUpGenesis)
				case string(request.Params[0]) == fmt.Sprint(slot):
					_, _ = fmt.Fprintf(w, `{"result":{"blockhash":%q,"blockTime":1,"transactions":[%s]}}`, contract.Key{5}, c.transactions)
				default:
					_, _ = fmt.Fprint(w, `{"error":{"code":-32001,"message":"Block cleaned up, does not exist on node"}}`)
				}
			}))
			t.Cleanup(node.Close)
			s, err := OpenSource(chain.SourceConfig{ChainID: Namespace + ":" + madeUpGenesis[:referenceLength], Endpoint: node.URL, Bridge: codec.Hash{3}})
			if err != nil {
				t.Fatal(err)
			}
			err = s.first(t.Context(), data, c.slot)
			if (err != nil) != c.refused || c.refused && chain.VerdictOf(err) != c.want {
				t.Errorf("%v, want refused %v with verdict %v", err, c.refused, c.want)
			}
		})
	}
}

// A bridge that was deployed shows, by its block, that nothing was there before. Lamports that somebody leaves at its address
// stop nothing, also when the deployment was broken off before them.
func TestADeployedBridgeIsTheFirstCode(t *testing.T) {
	c := sharedChain(t)
	payer, members := key("deploys for attaching"), chaintest.NewMembers("history", 1, 3, 3)
	c.Fund(t, keyOf(payer), 2*coins)
	config := chain.DeployConfig{
		ChainID: c.chainID(), Endpoint: c.endpoint(), Genesis: codec.Keccak([]byte("history")), Set: members.Set, FeeKey: payer, Poll: testPoll,
	}
	n, err := openNode(config.ChainID, config.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	a, err := newSender(n, payer, testPoll)
	if err != nil {
		t.Fatal(err)
	}
	begun := &deployment{sender: a, config: config}
	if err := begun.prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.Fund(t, begun.bridge.State, coins)
	d, err := Deploy(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	s, err := OpenSource(chain.SourceConfig{ChainID: config.ChainID, Endpoint: config.Endpoint, Bridge: d.Bridge, Genesis: config.Genesis})
	if err != nil {
		t.Fatal(err)
	}
	c.AwaitSlot(t, d.StartBlock, solanatest.Finalized)
	at, err := s.Head(t.Context(), chain.Finality{})
	if err != nil {
		t.Fatal(err)
	}
	snapshot, err := s.Snapshot(t.Context(), at, nil)
	if err != nil {
		t.Fatal(err)
	}
	if snapshot.CodeHash != contract.ExpectedCodeHash() || !s.proven.Load() {
		t.Errorf("code %s, proven to be the first: %v", snapshot.CodeHash, s.proven.Load())
	}
}
