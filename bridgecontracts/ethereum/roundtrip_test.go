package ethereum_test

import (
	"errors"
	"math/big"
	"slices"
	"testing"

	geth "github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/rpc"
	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/bridgecontracts/ethereum"
	"github.com/trinebridge/trine/bridgecontracts/ethereum/internal/testchain"
	"github.com/trinebridge/trine/bridgecontracts/ethereum/zoo"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/signing"
	"github.com/trinebridge/trine/validators"
)

var genesis = codec.Keccak([]byte("round trip"))

// deployed is a bridge on a chain of its own, and the head that its events must lead to.
type deployed struct {
	t       *testing.T
	chain   *testchain.Chain
	members *testchain.Members
	bridge  common.Address
	domain  bridgecontracts.Domain
	token   common.Address
	head    bridgecontracts.Head
	events  uint64
}

func deploy(t *testing.T) *deployed {
	t.Helper()
	chain, err := testchain.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = chain.Close() })
	members, err := testchain.NewMembers("round trip", 1, [2]int{3, 5}, [2]int{2, 3})
	if err != nil {
		t.Fatal(err)
	}
	d := &deployed{t: t, chain: chain, members: members}
	data, err := ethereum.ConstructorData(genesis, &members.Set)
	if err != nil {
		t.Fatal(err)
	}
	d.bridge = d.create(data)
	d.domain = ethereum.Domain(genesis, testchain.ChainID, d.bridge)
	d.head = bridgecontracts.FirstHead(d.domain)
	d.token = d.create(d.zoo("TestToken", "Test", "TST", uint8(6)))
	return d
}

func (d *deployed) create(data []byte) common.Address {
	d.t.Helper()
	at, err := d.chain.Deploy(d.t.Context(), data)
	if err != nil {
		d.t.Fatal(err)
	}
	return at
}

func (d *deployed) zoo(name string, args ...any) []byte {
	d.t.Helper()
	c, err := zoo.Get(name)
	if err != nil {
		d.t.Fatal(err)
	}
	data, err := c.DeployData(args...)
	if err != nil {
		d.t.Fatal(err)
	}
	return data
}

// call sends to the token what its ABI packs.
func (d *deployed) call(method string, args ...any) {
	d.t.Helper()
	c, err := zoo.Get("TestToken")
	if err != nil {
		d.t.Fatal(err)
	}
	data, err := c.Pack(method, args...)
	if err != nil {
		d.t.Fatal(err)
	}
	if _, err := d.chain.Send(d.t.Context(), d.token, nil, data); err != nil {
		d.t.Fatal(err)
	}
}

// run sends a call to the bridge, decodes the one event that it must emit and compares the head.
func (d *deployed) run(value *big.Int, call []byte) bridgecontracts.EventBody {
	d.t.Helper()
	receipt, err := d.chain.Send(d.t.Context(), d.bridge, value, call)
	if err != nil {
		d.t.Fatalf("%v: %v", err, revertOf(err))
	}
	logs := slices.DeleteFunc(receipt.Logs, func(l *types.Log) bool { return l.Address != d.bridge })
	if len(logs) != 1 {
		d.t.Fatalf("%d events, want 1", len(logs))
	}
	event, err := ethereum.DecodeEvent(logs[0])
	if err != nil {
		d.t.Fatal(err)
	}
	d.events++
	d.head = bridgecontracts.NextHead(d.head, &event)
	s := d.snapshot()
	if event.ID != d.events || s.EventID != d.events || s.Head != d.head {
		d.t.Fatalf("event %d leads to head %s, the contract is at %d with %s, want %d", event.ID, d.head, s.EventID, s.Head, d.events)
	}
	return event.Body
}

func (d *deployed) snapshot() ethereum.Snapshot {
	d.t.Helper()
	data, err := d.chain.Call(d.t.Context(), d.bridge, ethereum.PackSnapshot())
	if err != nil {
		d.t.Fatal(err)
	}
	s, err := ethereum.UnpackSnapshot(data)
	if err != nil {
		d.t.Fatal(err)
	}
	return s
}

func (d *deployed) execute(id uint64, body bridgecontracts.ActionBody, groups ...validators.Group) []byte {
	d.t.Helper()
	action := &bridgecontracts.Action{ID: id, Body: body}
	seal, err := d.members.Seal(action.Digest(d.domain, d.members.Set.Epoch), groups...)
	if err != nil {
		d.t.Fatal(err)
	}
	call, err := ethereum.PackExecute(d.domain, action, seal, &d.members.Set)
	if err != nil {
		d.t.Fatal(err)
	}
	return call
}

func (d *deployed) control(sequence uint64, body bridgecontracts.ControlBody, groups ...validators.Group) []byte {
	d.t.Helper()
	control := &bridgecontracts.Control{Sequence: sequence, Body: body}
	digest := control.Digest(d.domain, d.members.Set.Epoch)
	seal, err := d.members.Seal(digest, groups...)
	if err != nil {
		d.t.Fatal(err)
	}
	if body.Kind() == bridgecontracts.KindPause {
		signature, err := d.members.Sign(d.members.Set.Approvers[4], digest)
		if err != nil {
			d.t.Fatal(err)
		}
		seal.Approvers = []signing.Signature{signature}
	}
	call, err := ethereum.PackControl(d.domain, control, seal, &d.members.Set)
	if err != nil {
		d.t.Fatal(err)
	}
	return call
}

func revertOf(err error) *ethereum.Revert {
	var data rpc.DataError
	if !errors.As(err, &data) {
		return nil
	}
	text, _ := data.ErrorData().(string)
	bytes, decodeErr := hexutil.Decode(text)
	if decodeErr != nil {
		return nil
	}
	return ethereum.DecodeRevert(bytes)
}

func word(label string) codec.Hash {
	w := codec.Keccak([]byte(label))
	clear(w[:12])
	return w
}

const (
	processor = validators.Processor
	approvers = validators.Approvers
	listeners = validators.Listeners
)

// TestRoundTrip takes a deployed bridge through everything that it does, with calls, signatures and digests made by Go only.
func TestRoundTrip(t *testing.T) {
	d := deploy(t)
	code, err := d.chain.Client().CodeAt(t.Context(), d.bridge, nil)
	if err != nil {
		t.Fatal(err)
	}
	if hash, err := ethereum.CodeHash(code); err != nil || hash != ethereum.ExpectedCodeHash() {
		t.Fatalf("code hash %s (%v), want %s", hash, err, ethereum.ExpectedCodeHash())
	}
	s := d.snapshot()
	want := ethereum.Snapshot{Genesis: genesis, Domain: d.domain, ChainID: testchain.ChainID, Head: d.head, Epoch: 1,
		SetHash: d.members.Set.Hash(), NextActionID: 1}
	if s != want {
		t.Fatalf("snapshot %+v, want %+v", s, want)
	}
	t.Run("deposits", func(t *testing.T) { d.t = t; testDeposits(d) })
	t.Run("value lane", func(t *testing.T) { d.t = t; testValueLane(d) })
	t.Run("control lane", func(t *testing.T) { d.t = t; testControlLane(d) })
}

func testDeposits(d *deployed) {
	wallet, token := ethereum.Word(d.chain.Sender), ethereum.Word(d.token)
	d.call("mint", d.chain.Sender, big.NewInt(1_000_000))
	d.call("approve", d.bridge, big.NewInt(1_000_000))
	keys := make([]bridgecontracts.KeyProof, 4)
	for i := range keys {
		keys[i].Key[0], keys[i].Signature[64] = byte(i+2), byte(i)
	}
	for _, c := range []struct {
		token  codec.Hash
		amount uint64
		keys   []bridgecontracts.KeyProof
	}{
		{token, 700_000, nil}, {token, 5, keys[:1]}, {token, 6, keys}, {token, 0, keys[:2]},
		{ethereum.Native, 1_000_000, nil}, {ethereum.Native, 1, keys[:3]}, {ethereum.Native, 0, keys[:1]},
	} {
		call, err := ethereum.PackDeposit(c.token, uint256.NewInt(c.amount), c.keys)
		if err != nil {
			d.t.Fatal(err)
		}
		value := new(big.Int)
		if c.token == ethereum.Native {
			value.SetUint64(c.amount)
		}
		got, ok := d.run(value, call).(*bridgecontracts.Deposited)
		if !ok || got.Wallet != wallet || got.Token != c.token || got.Amount != *uint256.NewInt(c.amount) || !slices.Equal(got.Keys, c.keys) {
			d.t.Fatalf("deposited %+v, want %+v", got, c)
		}
	}
	got := d.run(big.NewInt(77), nil).(*bridgecontracts.Deposited)
	if got.Token != ethereum.Native || got.Amount != *uint256.NewInt(77) {
		d.t.Fatalf("a plain transfer is %+v", got)
	}
}

func testValueLane(d *deployed) {
	token := ethereum.Word(d.token)
	burner := d.create(d.zoo("Burner"))
	batch := &bridgecontracts.Transfers{Transfers: []bridgecontracts.Transfer{
		{Token: token, To: word("a"), Amount: *uint256.NewInt(1000)},
		{Token: ethereum.Native, To: ethereum.Word(burner), Amount: *uint256.NewInt(500)},
		{Token: ethereum.Native, To: word("b"), Amount: *uint256.NewInt(2000)},
	}}
	executed := d.run(nil, d.execute(1, batch, processor, approvers)).(*bridgecontracts.ActionExecuted)
	action := &bridgecontracts.Action{ID: 1, Body: batch}
	if executed.Digest != action.Digest(d.domain, 1) || executed.FailedAt(0) || !executed.FailedAt(1) || executed.FailedAt(2) {
		d.t.Fatalf("executed %+v", executed)
	}
	ask, err := ethereum.PackClaimable(ethereum.Native, ethereum.Word(burner))
	if err != nil {
		d.t.Fatal(err)
	}
	answer, err := d.chain.Call(d.t.Context(), d.bridge, ask)
	if err != nil {
		d.t.Fatal(err)
	}
	if owed, err := ethereum.UnpackClaimable(answer); err != nil || owed != *uint256.NewInt(500) {
		d.t.Fatalf("claimable %s (%v), want 500", &owed, err)
	}
	call := &bridgecontracts.Call{Target: token, Data: packERC20(d.t, "transfer", common.Address{19: 9}, big.NewInt(3))}
	d.run(nil, d.execute(2, call, processor, approvers, listeners))
	noop := d.execute(3, &bridgecontracts.Noop{}, processor, approvers)
	d.run(nil, noop)
	_, err = d.chain.Client().EstimateGas(d.t.Context(), geth.CallMsg{From: d.chain.Sender, To: &d.bridge, Data: noop})
	if r := revertOf(err); r == nil || r.Name != ethereum.ErrWrongActionID || r.Field("expected") != uint64(4) || r.Field("given") != uint64(3) {
		d.t.Fatalf("a repeated action gives %v (%v)", r, err)
	}
}

func packERC20(t *testing.T, method string, args ...any) []byte {
	t.Helper()
	c, err := zoo.Get("TestToken")
	if err != nil {
		t.Fatal(err)
	}
	data, err := c.Pack(method, args...)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func testControlLane(d *deployed) {
	token := ethereum.Word(d.token)
	limit := func(capacity, window uint64) *bridgecontracts.SetLimit {
		return &bridgecontracts.SetLimit{Token: token, Capacity: *uint256.NewInt(capacity), Window: window}
	}
	d.run(nil, d.control(1, limit(5000, 3600), processor, approvers))
	d.run(nil, d.control(2, limit(6000, 3600), processor, approvers, listeners))
	d.run(nil, d.control(3, limit(0, 0), processor, approvers, listeners))
	d.run(nil, d.control(1, &bridgecontracts.Pause{}))
	if !d.snapshot().Paused {
		d.t.Fatal("not paused")
	}
	for i, groups := range [][]validators.Group{{processor, approvers}, {processor, listeners}, {approvers, listeners}} {
		epoch := uint64(10 * (i + 1)) // small
		next, err := testchain.NewMembers("next", epoch, [2]int{2, 3}, [2]int{3, 4})
		if err != nil {
			d.t.Fatal(err)
		}
		rotated := d.run(nil, d.control(epoch, &bridgecontracts.Rotate{Set: next.Set}, groups...)).(*bridgecontracts.SetRotated)
		if rotated.Epoch != epoch || rotated.SetHash != next.Set.Hash() || d.snapshot().SetHash != next.Set.Hash() {
			d.t.Fatalf("rotated %+v", rotated)
		}
		d.members = next
	}
	d.run(nil, d.control(2, &bridgecontracts.Unpause{}, processor, approvers))
	d.run(nil, d.execute(4, &bridgecontracts.Noop{}, processor, approvers))
}
