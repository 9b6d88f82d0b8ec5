package solana

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/trinebridge/trine/bridgecontracts"
	contract "github.com/trinebridge/trine/bridgecontracts/solana"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/chain/chaintest"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/internal/rpctest"
	"github.com/trinebridge/trine/internal/solanatest"
)

// swapped has the data of some accounts changed in what a node answers.
func swapped(change map[contract.Key]func(data []byte) []byte) rpctest.Handler {
	return func(x *rpctest.Exchange) {
		if x.Method != "getMultipleAccounts" {
			x.Pass()
			return
		}
		x.Change(func(result json.RawMessage) (json.RawMessage, error) {
			var asked []contract.Key
			var answer map[string]json.RawMessage
			var list []map[string]any
			if err := errors.Join(json.Unmarshal(x.Params[0], &asked), json.Unmarshal(result, &answer)); err != nil {
				return nil, err
			}
			if err := json.Unmarshal(answer["value"], &list); err != nil {
				return nil, err
			}
			for i, k := range asked {
				if change[k] == nil || list[i] == nil {
					continue
				}
				data, err := base64.StdEncoding.DecodeString(list[i]["data"].([]any)[0].(string))
				if err != nil {
					return nil, err
				}
				list[i]["data"] = []string{base64.StdEncoding.EncodeToString(change[k](data)), "base64"}
			}
			var err error
			if answer["value"], err = json.Marshal(list); err != nil {
				return nil, err
			}
			return json.Marshal(answer)
		})
	}
}

// What a bridge must be before anybody trusts it: deployed by loader-v3 transactions, without an upgrade authority, with
// this release's code and the domain that was asked for. Deploying again looks at what is there and refuses anything else.
func TestDeploymentIsChecked(t *testing.T) {
	t.Parallel()
	c := sharedChain(t)
	owner := key("an owner of a deployment " + rand.Text()) // the program follows from it: a second run in the process deploys another
	c.Fund(t, keyOf(owner), coins)
	proxy := rpctest.Start(t, c.URL())
	config := chain.DeployConfig{ChainID: c.ID(), Endpoint: proxy.URL(), Genesis: testGenesis, Set: chaintest.NewMembers("deploy", 1, 5, 3).Set, FeeKey: owner, Poll: testPoll}
	made, err := Deploy(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	if made.Tx == "" || made.StartBlock == 0 || made.GasUsed == 0 || made.Existed {
		t.Errorf("deployed %+v", made)
	}
	owned := c.Lamports(t, keyOf(owner), confirmed)
	there := chain.Deployed{Bridge: made.Bridge, Tx: made.Tx, StartBlock: made.StartBlock, Existed: true}
	if again, err := Deploy(t.Context(), config); err != nil || again != there || c.Lamports(t, keyOf(owner), confirmed) != owned {
		t.Errorf("deployed again: %+v, %v; it was %+v", again, err, made)
	}

	c.AwaitSlot(t, made.StartBlock+2, solanatest.Confirmed) // so that the bridge is there at heads with a confirmation
	n, err := openNode(c.ID(), c.URL())
	if err != nil {
		t.Fatal(err)
	}
	state := contract.Key(made.Bridge)
	_, accounts, err := n.accounts(t.Context(), confirmed, 0, state)
	if err != nil {
		t.Fatal(err)
	}
	code, err := contract.ProgramData(accounts[0].Owner)
	if err != nil {
		t.Fatal(err)
	}
	// The loader's account of a program that can still be upgraded, as the chain has it.
	upgradable, err := contract.ProgramData(keyOf(key("a program that can be upgraded")))
	if err != nil {
		t.Fatal(err)
	}
	_, accounts, err = n.accounts(t.Context(), confirmed, 0, upgradable)
	if err != nil || accounts[0] == nil {
		t.Fatalf("no program that can be upgraded: %v", err)
	}
	authority := accounts[0].Data[:programDataAuthority]

	source := func(t *testing.T) (*Source, chain.Block) {
		s, err := OpenSource(chain.SourceConfig{ChainID: c.ID(), Endpoint: proxy.URL(), Bridge: made.Bridge, Genesis: testGenesis, StartBlock: made.StartBlock})
		if err != nil {
			t.Fatal(err)
		}
		at, err := s.Head(t.Context(), chain.Finality{Confirmations: 1})
		if err != nil {
			t.Fatal(err)
		}
		return s, at
	}
	for _, x := range []struct {
		name   string
		change map[contract.Key]func([]byte) []byte
		want   string // of Deploy
		// snapshot checks what a member sees that is asked to attach the bridge.
		snapshot func(s chain.Snapshot, err error) bool
	}{
		{
			"somebody may still upgrade it", map[contract.Key]func([]byte) []byte{code: func(b []byte) []byte { return append(append([]byte(nil), authority...), b[len(authority):]...) }},
			contract.ErrUpgradable.Error() + " by " + keyOf(key("deployer")).String(),
			func(_ chain.Snapshot, err error) bool {
				return errors.Is(err, contract.ErrUpgradable) && chain.VerdictOf(err) == chain.Fatal
			},
		},
		{
			"its code is another", map[contract.Key]func([]byte) []byte{code: func(b []byte) []byte { b[len(b)/2] ^= 1; return b }},
			"is not the bridge's: its hash is",
			func(s chain.Snapshot, err error) bool { return err == nil && s.CodeHash != Adapter.BridgeCodeHash },
		},
		{
			"it has no code", map[contract.Key]func([]byte) []byte{code: func([]byte) []byte { return nil }},
			"is not where the upgradeable loader keeps it",
			func(_ chain.Snapshot, err error) bool { return err != nil && chain.VerdictOf(err) == chain.Fatal },
		},
		{
			"it is of another domain", map[contract.Key]func([]byte) []byte{state: func(b []byte) []byte { b[stateDomain] ^= 1; return b }},
			"has domain",
			func(s chain.Snapshot, err error) bool {
				return err == nil && s.Domain != bridgecontracts.NewDomain(testGenesis, c.ID(), made.Bridge)
			},
		},
		{
			"it is no bridge", map[contract.Key]func([]byte) []byte{state: func(b []byte) []byte { b[0] ^= 1; return b }},
			"it begins with",
			func(_ chain.Snapshot, err error) bool { return err != nil && chain.VerdictOf(err) == chain.Fatal },
		},
	} {
		t.Run(x.name, func(t *testing.T) {
			proxy.Handle(swapped(x.change))
			if d, err := Deploy(t.Context(), config); err == nil || !strings.Contains(err.Error(), x.want) || d != (chain.Deployed{}) {
				t.Errorf("deploying over it: %+v, %v; want an error that says %q", d, err, x.want)
			}
			s, at := source(t)
			if snap, err := s.Snapshot(t.Context(), at, nil); !x.snapshot(snap, err) {
				t.Errorf("the snapshot is %+v, %v", snap, err)
			}
		})
	}
	proxy.Handle(nil)
	s, at := source(t)
	if snap, err := s.Snapshot(t.Context(), at, []codec.Hash{contract.Native}); err != nil || snap.CodeHash != Adapter.BridgeCodeHash || snap.SetHash != config.Set.Hash() {
		t.Errorf("the snapshot of the bridge itself is %+v, %v", snap, err)
	}
}

// Nothing is delivered to a bridge of another app chain, however alike it is.
func TestNothingIsBuiltForAnotherDomain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sharedChain(t))
	config := w.sinkConfig(w.endpoint(), "payer")
	config.Genesis = codec.Keccak([]byte("another app chain"))
	s, err := OpenSink(config)
	if err != nil {
		t.Fatal(err)
	}
	d, err := w.Noop(1)
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Build(t.Context(), chain.BuildRequest{Delivery: d, Caps: w.Caps()})
	if chain.VerdictOf(err) != chain.Fatal || !strings.Contains(err.Error(), "another genesis") {
		t.Errorf("%v (%s), want a fatal error that names the domain", err, chain.VerdictOf(err))
	}
}

// Offsets in accounts: the state's domain, and the end of what the loader keeps before the code.
const (
	stateDomain          = 80
	programDataAuthority = 45
)
