package ethereum

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/vm"
	"github.com/ethereum/go-ethereum/core/vm/program"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/bridgecontracts"
	contract "github.com/trinebridge/trine/bridgecontracts/ethereum"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/internal/evm"
	"github.com/trinebridge/trine/internal/rpctest"
)

// Slots of the contract's storage.
const (
	slotSetHash = iota
	slotCounters
	slotJournal
	_
	slotClaimable
)

// create runs a constructor in a transaction of the user's own and returns the address that its contract gets.
func (w *world) create(t *testing.T, constructor func(at common.Address) []byte) codec.Hash {
	t.Helper()
	user := evm.AddressOf(evm.DevKey(keyUser))
	nonce, err := w.direct.PendingNonceAt(t.Context(), user)
	if err != nil {
		t.Fatal(err)
	}
	at := crypto.CreateAddress(user, nonce)
	w.transact(t, nil, 0, constructor(at))
	return contract.Word(at)
}

// transact is a transaction of the user, mined.
func (w *world) transact(t *testing.T, to *common.Address, value uint64, data []byte) {
	t.Helper()
	n, err := openNode(w.chainID(), w.url())
	if err != nil {
		t.Fatal(err)
	}
	defer n.rpc.Close()
	a, err := newAccount(n, payer(keyUser), time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	whileMining(t, w, func(ctx context.Context) error {
		_, _, err := a.transact(ctx, to, uint256.NewInt(value), data, nil)
		return err
	})
}

// at returns the world with another contract in the place of its bridge, whose history may begin anywhere.
func (w *world) at(bridge codec.Hash) *world {
	other := *w
	other.bridge = chain.Deployed{Bridge: bridge}
	return &other
}

// forgery is a constructor that returns the code of a real bridge, with that bridge's storage, and a claim of its author's.
func (w *world) forgery(t *testing.T, thief codec.Hash, stolen uint64, announced bool) func(at common.Address) []byte {
	t.Helper()
	original, err := contract.Address(w.bridge.Bridge)
	if err != nil {
		t.Fatal(err)
	}
	code, err := w.direct.CodeAt(t.Context(), original, nil)
	if err != nil {
		t.Fatal(err)
	}
	return func(at common.Address) []byte {
		domain := bridgecontracts.NewDomain(testGenesis, w.chainID(), contract.Word(at))
		mine := w.domain()
		head := domain
		clear(head[24:])
		p := program.New()
		for slot := range uint64(slotJournal) {
			value, err := w.direct.StorageAt(t.Context(), original, common.Hash(codec.Uint64Word(slot)), nil)
			if err != nil {
				t.Fatal(err)
			}
			p.Sstore(slot, value)
		}
		p.Sstore(slotJournal, head[:])
		ofToken := crypto.Keccak256(contract.Native[:], word(slotClaimable))
		p.Sstore(crypto.Keccak256(thief[:], ofToken), stolen)
		if announced {
			p.Push(contract.DeployedTopic()).Push(0).Push(0).Op(vm.LOG1)
		}
		return p.ReturnViaCodeCopy(bytes.ReplaceAll(code, mine[:], domain[:])).Bytes()
	}
}

func word(n uint64) []byte {
	w := codec.Uint64Word(n)
	return w[:]
}

func (w *world) pinned(t *testing.T) (*Source, chain.Block) {
	t.Helper()
	if err := w.mine(t.Context(), 3); err != nil {
		t.Fatal(err)
	}
	s, err := OpenSource(w.sourceConfig(w.proxy.URL()))
	if err != nil {
		t.Fatal(err)
	}
	at, err := s.Head(t.Context(), chain.Finality{Confirmations: 2})
	if err != nil {
		t.Fatal(err)
	}
	return s, at
}

// testForeignCreation is the story of a deployer who gives himself a claim on all that a bridge will ever hold.
func testForeignCreation(t *testing.T, w *world) {
	const stolen = 1000
	thief := contract.Word(evm.AddressOf(evm.DevKey(keyUser)))
	forged := w.at(w.create(t, w.forgery(t, thief, stolen, true)))
	s, at := forged.pinned(t)

	// Its code, its domain and its set are those of a real bridge, and so is all that it does …
	shown, err := s.Snapshot(t.Context(), at, []codec.Hash{contract.Native})
	if err != nil {
		t.Fatal(err)
	}
	if shown.CodeHash != contract.ExpectedCodeHash() || shown.Domain != forged.domain() || shown.SetHash != w.members.Set.Hash() ||
		shown.Head != bridgecontracts.FirstHead(forged.domain()) || shown.EventID != 0 || shown.NextAction != 1 {
		t.Fatalf("the forgery shows itself: %+v", shown)
	}
	// … but what others deposit is its author's.
	address, err := contract.Address(forged.bridge.Bridge)
	if err != nil {
		t.Fatal(err)
	}
	claim, err := contract.PackClaim(contract.Native, thief, thief)
	if err != nil {
		t.Fatal(err)
	}
	w.transact(t, &address, stolen, nil)
	w.transact(t, &address, 0, claim)
	if left, err := w.direct.BalanceAt(t.Context(), address, nil); err != nil || left.Sign() != 0 {
		t.Fatalf("the forgery holds %s, %v: the claim took nothing", left, err)
	}

	for name, c := range map[string]struct {
		bridge codec.Hash
		want   string
	}{
		"it announces itself": {forged.bridge.Bridge, "another constructor"},
		"it does not":         {w.create(t, w.forgery(t, thief, stolen, false)), "left its log"},
		"a factory's": {w.create(t, func(common.Address) []byte {
			p := program.New().Create2(w.constructor(t), 0)
			// What fails in it fails the whole, or an estimate leaves it too little gas.
			created := uint16(p.Size() + 5)
			return p.Op(vm.PUSH2).Append([]byte{byte(created >> 8), byte(created)}).Op(vm.JUMPI, vm.INVALID, vm.JUMPDEST).Bytes()
		}), ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := w.at(c.bridge)
			if c.want == "" {
				creator, err := contract.Address(c.bridge)
				if err != nil {
					t.Fatal(err)
				}
				w = w.at(contract.Word(crypto.CreateAddress2(creator, common.Hash{}, crypto.Keccak256(w.constructor(t)))))
				c.want = "had a contract create it"
			}
			s, at := w.pinned(t)
			if _, err := s.Snapshot(t.Context(), at, nil); !errors.Is(err, errForeignCreation) || chain.VerdictOf(err) != chain.Fatal || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("error %v, want a fatal one with %q", err, c.want)
			}
		})
	}
}

func (w *world) constructor(t *testing.T) []byte {
	t.Helper()
	data, err := contract.ConstructorData(testGenesis, &w.members.Set)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestBridgeOfForeignCreation(t *testing.T) { testForeignCreation(t, newSimulatedWorld(t)) }

// The search goes on where a node left it, and a bridge's start is where its constructor ran.
func TestCreationIsFoundFarBack(t *testing.T) {
	w := newSimulatedWorld(t)
	if err := w.mine(t.Context(), 200); err != nil {
		t.Fatal(err)
	}
	s, at := w.at(w.bridge.Bridge).pinned(t)
	s.scan.window.Store(1)
	budget := 10
	var asked []string
	w.proxy.Handle(func(x *rpctest.Exchange) {
		if x.Method == "eth_getLogs" {
			if budget == 0 {
				x.Reply(failure(-32005, "daily request count exceeded"))
				return
			}
			budget--
			asked = append(asked, string(x.Params[0]))
		}
		x.Pass()
	})
	calls := 0
	for {
		calls++
		snapshot, err := s.Snapshot(t.Context(), at, nil)
		if err == nil {
			if snapshot.StartBlock != w.bridge.StartBlock {
				t.Fatalf("the bridge is said to start at block %d, its constructor ran in block %d", snapshot.StartBlock, w.bridge.StartBlock)
			}
			break
		}
		if chain.VerdictOf(err) != chain.Retry || calls > 200 {
			t.Fatalf("call %d: %v", calls, err)
		}
		budget = 10
	}
	if calls < 2 {
		t.Fatal("one call found it, so nothing was taken up again")
	}
	seen := map[string]bool{}
	for _, filter := range asked {
		if seen[filter] {
			t.Fatalf("asked again for %s", filter)
		}
		seen[filter] = true
	}
}

func TestCreationThatTheNodeDoesNotTell(t *testing.T) {
	w := newSimulatedWorld(t)
	s, at := w.pinned(t)
	for name, answer := range map[string]string{
		"no such transaction": `null`, "nothing of it": `{}`,
		"in no block":      `{"from":"0x0000000000000000000000000000000000000001","nonce":"0x0","input":"0x"}`,
		"in another block": `{"blockNumber":"0xffff","from":"0x0000000000000000000000000000000000000001","nonce":"0x0","input":"0x"}`,
	} {
		t.Run(name, func(t *testing.T) {
			w.proxy.Handle(changed("eth_getTransactionByHash", answer))
			if _, err := s.Snapshot(t.Context(), at, nil); chain.VerdictOf(err) != chain.Retry || !strings.Contains(err.Error(), "that created bridge") {
				t.Fatalf("error %v, want one that means not known yet", err)
			}
		})
	}
}
