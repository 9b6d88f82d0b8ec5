//go:build e2e

package e2e

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/accounts/abi/bind/v2"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/holiman/uint256"

	bridgecontract "github.com/trinebridge/trine/bridgecontracts/ethereum"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/devnet"
	"github.com/trinebridge/trine/ledger"
)

// claimCall is the bridge's claim, to call from inside of a payment or from a contract.
func (k *keeper) claimCall(t *testing.T, token codec.Hash, recipient, to common.Address) []byte {
	t.Helper()
	data, err := bridgecontract.PackClaim(token, bridgecontract.Word(recipient), bridgecontract.Word(to))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// reenterer deploys a recipient that calls claim when it is paid.
func (k *keeper) reenterer(t *testing.T, token codec.Hash, strict bool) common.Address {
	t.Helper()
	at := k.deploy(t, "Reenterer")
	k.tell(t, "Reenterer", at, "prepare", k.bridge(), k.claimCall(t, token, at, k.wallet()), new(big.Int), strict)
	return at
}

// nativeRecipients refuse the native coin, each in its own way. Some can be paid later:
// behind an upgraded proxy (here: other code at the address), or by claiming to elsewhere.
func (k *keeper) nativeRecipients(t *testing.T) {
	refuser, burner, bomber := k.deploy(t, "Refuser"), k.deploy(t, "Burner"), k.deploy(t, "Bomber", true)
	reenterer, answerer := k.reenterer(t, bridgecontract.Native, true), k.deploy(t, "Bomber", false)
	var failing, paying []withdrawal
	for i, to := range []common.Address{refuser, burner, bomber, reenterer} {
		failing = append(failing, k.askTo(t, "ETH", fmt.Sprintf("0.1%d", i), to))
		paying = append(paying, k.ask(t, "ETH", fmt.Sprintf("0.05%d", i)))
	}
	answered := k.askTo(t, "ETH", "0.05", answerer)
	for i := range failing {
		k.refused(t, failing[i], paying[i])
	}
	k.becomes(t, answered, "paid") // a huge answer alone is no failure: nobody copies it
	if got, want := k.owns(t, "ETH", answerer), k.payout(t, answered); got != want {
		t.Errorf("%s owns %s, want %s", answerer, got.Dec(), want.Dec())
	}
	k.wantClaimable(t, "ETH", k.payout(t, failing...))
	wantAudit(t, k.ctx, k.n.Daemon("listener"))

	// Who still refuses is still owed.
	for _, to := range []common.Address{refuser, burner, bomber} {
		if out, code := k.claim(t, "ETH", to); code == 0 {
			t.Errorf("a claim for a recipient that refuses succeeded: %s", out)
		}
	}
	k.wantClaimable(t, "ETH", k.payout(t, failing...))

	for i, w := range failing[:3] {
		if err := k.anvil.Call(k.ctx, nil, "anvil_setCode", w.to, "0x00"); err != nil {
			t.Fatal(err)
		}
		k.mustClaim(t, w)
		k.wantClaimable(t, "ETH", k.payout(t, failing[i+1:]...))
	}
	to := k.fresh()
	k.tell(t, "Reenterer", reenterer, "act", k.claimCall(t, bridgecontract.Native, reenterer, to))
	if got, want := k.owns(t, "ETH", to), k.payout(t, failing[3]); got != want {
		t.Errorf("the re-entering recipient claimed %s for %s, want %s", got.Dec(), to, want.Dec())
	}
	k.wantClaimable(t, "ETH", uint256.Int{})
}

// calledRecipients are told of a transfer by the token, and call the bridge from there.
func (k *keeper) calledRecipients(t *testing.T) {
	k.stock(t, "BACK", "100", "100")
	token := bridgecontract.Word(k.tokens["BACK"])
	strict, lenient := k.reenterer(t, token, true), k.reenterer(t, token, false)
	stopped := k.askTo(t, "BACK", "10", strict)
	k.refused(t, stopped, k.ask(t, "BACK", "11"))
	k.wantClaimable(t, "BACK", k.payout(t, stopped))

	// One that lives with its failed call is paid: once.
	got := k.askTo(t, "BACK", "12", lenient)
	k.paid(t, got, paidWithin)
	reenterer := animal(t, "Reenterer")
	query, err := reenterer.Pack("reason")
	if err != nil {
		t.Fatal(err)
	}
	answer, err := k.x.Client().CallContract(k.ctx, ethereum.CallMsg{To: &lenient, Data: query}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := crypto.Keccak256([]byte("ReentrancyGuardReentrantCall()"))[:4]; string(answer[:4]) != string(want) {
		t.Errorf("the call back failed with %x, want %x: the bridge is being re-entered", answer[:4], want)
	}

	k.tell(t, "Reenterer", strict, "prepare", common.Address{}, []byte{}, new(big.Int), false)
	k.mustClaim(t, stopped)
	k.wantClaimable(t, "BACK", uint256.Int{})
}

func (k *keeper) noReturn(t *testing.T) {
	k.stock(t, "USDT", "100", "100")
	k.paid(t, k.ask(t, "USDT", "33.333333"), paidWithin)
	k.stock(t, "USDT", "5", "71.666667") // an allowance that only changes through zero
}

func (k *keeper) returnsFalse(t *testing.T) {
	k.stock(t, "FALSE", "100", "100")
	at := k.tokens["FALSE"]
	k.tell(t, "FalseToken", at, "setRefuses", true)
	if _, err := k.user.Deposit(k.ctx, k.x, "FALSE", "1", false); err == nil {
		t.Error("the bridge took a deposit that moved nothing")
	}
	w := k.askTo(t, "FALSE", "10", k.fresh())
	k.refused(t, w, k.ask(t, "USDT", "1"))
	k.wantClaimable(t, "FALSE", k.payout(t, w))
	if out, code := k.claim(t, "FALSE", w.to); code == 0 {
		t.Errorf("a claim that moved nothing succeeded: %s", out)
	}
	k.tell(t, "FalseToken", at, "setRefuses", false)
	k.mustClaim(t, w)
	k.wantClaimable(t, "FALSE", uint256.Int{})
	k.paid(t, k.ask(t, "FALSE", "20"), paidWithin)
}

// keepsFee deposits and withdraws what loses one percent on its way.
func (k *keeper) keepsFee(t *testing.T) {
	k.stock(t, "FEE", "100", "99")
	w := k.askTo(t, "FEE", "50", k.fresh())
	k.becomes(t, w, "paid")
	sent := k.payout(t, w)
	fee := new(uint256.Int).Div(&sent, uint256.NewInt(100))
	if got, want := k.owns(t, "FEE", w.to), new(uint256.Int).Sub(&sent, fee); !got.Eq(want) {
		t.Errorf("%s owns %s, want %s: what was sent less the token's own fee", w.to, got.Dec(), want.Dec())
	}
	// What is left covers the books to the last unit.
	rest := k.ask(t, "FEE", "49")
	k.becomes(t, rest, "paid")
	if left := k.owns(t, "FEE", k.bridge()); !left.IsZero() {
		t.Errorf("the bridge keeps %s units, want none", left.Dec())
	}
}

func (k *keeper) denyList(t *testing.T) {
	k.stock(t, "DENY", "100", "100")
	at, to := k.tokens["DENY"], k.fresh()
	k.tell(t, "DenyListToken", at, "deny", to, true)
	w := k.askTo(t, "DENY", "10", to)
	k.refused(t, w, k.ask(t, "DENY", "11"))
	k.wantClaimable(t, "DENY", k.payout(t, w))
	if out, code := k.claim(t, "DENY", to); code == 0 {
		t.Errorf("a denied recipient claimed: %s", out)
	}
	k.tell(t, "DenyListToken", at, "deny", to, false)
	k.mustClaim(t, w)
	k.wantClaimable(t, "DENY", uint256.Int{})
}

// unknownToken deposits a token that no genesis lists: it is kept aside, nothing waits.
func (k *keeper) unknownToken(t *testing.T) {
	at := k.deploy(t, "CallbackToken")
	k.tell(t, "CallbackToken", at, "mint", k.wallet(), big.NewInt(1000))
	approve, err := animal(t, "CallbackToken").Pack("approve", k.bridge(), big.NewInt(1000))
	if err != nil {
		t.Fatal(err)
	}
	k.transact(t, k.user.EVM(), &at, nil, approve)
	from := k.nextHeight(t)
	k.give(t, at, 1000)
	k.unassigned(t, from, "is not listed")
}

// littleGas takes the submitter's own call out of the pool, and sends it as a submitter
// would that wants payments to fail: with every amount of gas that is a little too small.
// The recipient of one payment needs nearly all that it is promised.
func (k *keeper) littleGas(t *testing.T) {
	hungry := k.deploy(t, "Hungry", big.NewInt(45_000))
	k.call(t, nil, "evm_setIntervalMining", 0)
	asked := k.askAtOnce(t,
		withdrawal{to: hungry, symbol: "ETH", text: "0.2"}, withdrawal{to: k.fresh(), symbol: "USDC", text: "3"},
		withdrawal{to: k.fresh(), symbol: "ETH", text: "0.3"}, withdrawal{to: hungry, symbol: "ETH", text: "0.4"})
	data := k.pooledCall(t)
	submitter := k.n.Daemon("submitter")
	if err := submitter.Stop(); err != nil {
		t.Fatal(err)
	}
	k.call(t, nil, "anvil_dropAllTransactions")
	k.call(t, nil, "evm_setIntervalMining", 1)

	bridge := k.bridge()
	enough, err := k.x.Client().EstimateGas(k.ctx, ethereum.CallMsg{From: crypto.PubkeyToAddress(devnet.Faucet().PublicKey), To: &bridge, Data: data})
	if err != nil {
		t.Fatal(err)
	}
	before := contract(t, k.ctx, k.n, k.x)
	k.sweep(t, data, enough)
	if after := contract(t, k.ctx, k.n, k.x); after.EventID != before.EventID+1 {
		t.Errorf("the bridge is at event %d, want %d: one action", after.EventID, before.EventID+1)
	}
	action := k.becomes(t, asked[0], "paid")
	for _, w := range asked[1:3] {
		k.paid(t, w, paidWithin)
	}
	if got, want := k.owns(t, "ETH", hungry), k.payout(t, asked[0], asked[3]); got != want {
		t.Errorf("the hungry recipient owns %s, want %s", got.Dec(), want.Dec())
	}
	a, err := k.client.Action(k.ctx, k.x.ID, action)
	if err != nil {
		t.Fatal(err)
	}
	if len(a.Transfers) != len(asked) {
		t.Errorf("action %d has %d transfers, want %d", action, len(a.Transfers), len(asked))
	}
	for _, transfer := range a.Transfers {
		if transfer.Failed {
			t.Errorf("transfer of withdrawal %d is marked as failed", transfer.Withdrawal)
		}
	}
	k.wantClaimable(t, "ETH", uint256.Int{})

	next := k.ask(t, "USDC", "1.5")
	k.becomes(t, next, "sealed")
	if err := submitter.Start(); err != nil {
		t.Fatal(err)
	}
	k.paid(t, next, paidWithin)
}

func (k *keeper) call(t *testing.T, result any, method string, args ...any) {
	t.Helper()
	if err := k.anvil.Call(k.ctx, result, method, args...); err != nil {
		t.Fatal(err)
	}
}

// askAtOnce asks for withdrawals in one transaction, so that one action pays them.
func (k *keeper) askAtOnce(t *testing.T, list ...withdrawal) []withdrawal {
	t.Helper()
	var bodies []ledger.MessageBody
	for _, w := range list {
		amount, err := k.n.Amount(k.x, w.symbol, w.text)
		if err != nil {
			t.Fatal(err)
		}
		bodies = append(bodies, &ledger.Withdraw{Chain: k.x.ID, Asset: amount.Asset, To: bridgecontract.Word(w.to), Amount: amount.Units})
	}
	tx, err := k.user.Send(k.ctx, bodies...)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, e := range tx.Log {
		if e.Name != "withdrawal-queued" {
			continue
		}
		if list[n].sequence, err = strconv.ParseUint(fmt.Sprint(e.Fields["sequence"]), 10, 64); err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n != len(list) {
		t.Fatalf("%d withdrawals are queued, want %d: %+v", n, len(list), tx.Log)
	}
	return list
}

// pooledCall waits until the submitter's transaction is in the pool, where it stays, and
// returns what it calls the bridge with.
func (k *keeper) pooledCall(t *testing.T) (data []byte) {
	t.Helper()
	until(t, k.ctx, "the submitter's transaction is in the pool", time.Minute, func() (bool, error) {
		var pool struct {
			Pending map[string]map[string]struct {
				To    *common.Address `json:"to"`
				Input hexutil.Bytes   `json:"input"`
			} `json:"pending"`
		}
		if err := k.anvil.Call(k.ctx, &pool, "txpool_content"); err != nil {
			return false, err
		}
		for _, of := range pool.Pending {
			for _, tx := range of {
				if tx.To != nil && *tx.To == k.bridge() {
					data = tx.Input
				}
			}
		}
		return data != nil, nil
	})
	return data
}

// sweep sends a call with ever more gas, densely where it begins to be enough. Each
// transaction before the first that succeeds must have left nothing; the later ones come
// too late.
func (k *keeper) sweep(t *testing.T, data []byte, enough uint64) {
	t.Helper()
	var limits []uint64
	for gas := uint64(70_000); gas < enough-30_000; gas += 20_000 {
		limits = append(limits, gas)
	}
	for gas := enough - 30_000; gas < enough+2_000; gas += 1_000 {
		limits = append(limits, gas)
	}
	limits = append(limits, 2*enough)
	bridge := k.bridge()
	var list []*types.Transaction
	for i, gas := range limits {
		list = append(list, k.sign(t, devnet.Faucet(), uint64(i), &bridge, nil, data, gas)) //nolint:gosec // counts up
	}
	for _, tx := range list {
		if err := k.x.Client().SendTransaction(k.ctx, tx); err != nil {
			t.Fatalf("with %d gas: %v", tx.Gas(), err)
		}
	}
	var first uint64
	var told []string
	for _, tx := range list {
		receipt, err := bind.WaitMined(k.ctx, k.x.Client(), tx.Hash())
		if err != nil {
			t.Fatal(err)
		}
		told = append(told, fmt.Sprintf("%d:%d", tx.Gas(), receipt.Status))
		switch {
		case receipt.Status == types.ReceiptStatusSuccessful && first != 0:
			t.Errorf("with %d gas it ran again", tx.Gas())
		case receipt.Status == types.ReceiptStatusSuccessful:
			first = tx.Gas()
		case len(receipt.Logs) > 0:
			t.Errorf("with %d gas it reverted and left %d logs", tx.Gas(), len(receipt.Logs))
		}
	}
	t.Logf("gas and status: %s", strings.Join(told, " "))
	if first == 0 || first < enough-30_000 {
		t.Errorf("it ran with %d gas first, the estimate was %d", first, enough)
	}
}
