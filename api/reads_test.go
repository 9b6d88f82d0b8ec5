package api_test

import (
	"errors"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/trinebridge/trine/api"
	"github.com/trinebridge/trine/appchain"
	"github.com/trinebridge/trine/appchain/appchaintest"
	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/gossip/wire"
	"github.com/trinebridge/trine/ledger"
	"github.com/trinebridge/trine/signing"
	"github.com/trinebridge/trine/store/pebblestore"
)

const chainID = appchaintest.ChainID

var recipient = evm{}.Format(chainID, appchaintest.Key("recipient").Address().Word())

// tst is an amount of the fixture's asset and token, which have six decimals.
func tst(units, text string) api.Amount { return api.Amount{Units: units, Text: text} }

func TestStatusAndNetwork(t *testing.T) {
	w := newWorld(t)
	c := w.serve()
	s := ok[api.Status](t)(c.Status(t.Context()))
	want := api.Status{
		Role: "node", Network: "test", Chain: "trine:" + w.f.Genesis.String()[2:18], Genesis: w.f.Genesis, Block: w.f.Genesis, Peers: 3, PeerID: "12D3KooW", Ready: true,
		Parts: []api.Part{{Name: "follower", Ready: true, Detail: "at the head"}},
	}
	if !reflect.DeepEqual(s, want) {
		t.Errorf("status of an empty chain is %+v, want %+v", s, want)
	}
	w.attached()
	s = ok[api.Status](t)(c.Status(t.Context()))
	if s.Height != 2 || s.Block != w.maker.Hash || s.BlockTime == nil || s.BlockTime.UnixMilli() != start+2 {
		t.Errorf("status is %+v, want block 2", s)
	}

	n := ok[api.Network](t)(c.Network(t.Context()))
	wantNetwork := api.Network{Network: "test", Genesis: w.f.Genesis, Chains: []api.Chain{{ID: chainID}}, Assets: []api.Asset{{ID: 1, Symbol: "TST", Decimals: 6, Tokens: []api.Token{{
		Chain: chainID, Address: evm{}.Format(chainID, appchaintest.Token), Decimals: 6, MinWithdrawal: tst("10", "0.00001"), Fee: tst("1", "0.000001"),
	}}, MinOpening: tst("1", "0.000001")}}}
	if !reflect.DeepEqual(n, wantNetwork) {
		t.Errorf("network is %+v, want %+v", n, wantNetwork)
	}

	v := ok[api.Validators](t)(c.Validators(t.Context()))
	if v.Epoch != 1 || v.Hash != w.f.Set.Hash() || v.Processor != w.f.Set.Processor || !reflect.DeepEqual(v.Listeners, w.f.Set.Listeners) || v.ListenerQuorum != 2 ||
		!reflect.DeepEqual(v.Approvers, w.f.Set.Approvers) || v.ApproverQuorum != 2 {
		t.Errorf("validators are %+v, want %+v", v, w.f.Set)
	}
}

func TestAccount(t *testing.T) {
	w := newWorld(t)
	w.attached()
	c := w.serve()
	wallet := evm{}.Format(chainID, w.alice.Address().Word())
	want := api.Account{
		ID: 2, Keys: []api.Key{{Key: w.alice.PublicKey()}}, Wallets: []api.Wallet{{Chain: chainID, Address: wallet}},
		Balances: []api.Balance{{Asset: "TST", Amount: tst("1000000", "1")}},
	}
	byKey := ok[api.Account](t)(c.Account(t.Context(), w.alice.PublicKey().String()))
	want.ID = byKey.ID
	for name, ref := range map[string]string{"id": decimal(byKey.ID), "key": w.alice.PublicKey().String(), "wallet": chainID + "/" + wallet, "wallet in lower case": chainID + "/" + strings.ToLower(wallet)} {
		if got := ok[api.Account](t)(c.Account(t.Context(), ref)); !reflect.DeepEqual(got, want) {
			t.Errorf("by %s the account is %+v, want %+v", name, got, want)
		}
	}
}

func TestTransactionAndBlock(t *testing.T) {
	w := newWorld(t)
	w.attached()
	hash := w.withdraw(500)
	c := w.serve()

	tx := ok[api.Transaction](t)(c.Transaction(t.Context(), hash))
	if tx.Hash != hash || tx.Status != "included" || tx.Height != 3 || len(tx.Log) < 2 {
		t.Fatalf("transaction is %+v", tx)
	}
	account := ok[api.Account](t)(c.Account(t.Context(), w.alice.PublicKey().String()))
	queued := api.LogEntry{Name: "withdrawal-queued", Fields: map[string]any{
		"domain": w.f.Domain.String(), "chain": chainID, "sequence": "1", "account": decimal(account.ID), "asset": "1", "amount": "499", "fee": "1",
	}}
	if !reflect.DeepEqual(tx.Log[0], queued) {
		t.Errorf("the first entry is %+v, want %+v", tx.Log[0], queued)
	}
	if account.Keys[0].Nonce != 1 {
		t.Errorf("key is %+v, want nonce 1 after one transaction", account.Keys[0])
	}

	b := ok[api.Block](t)(c.Block(t.Context(), 3))
	if b.Height != 3 || b.Hash != w.maker.Hash || b.Tx != hash || !reflect.DeepEqual(b.Log, tx.Log) {
		t.Errorf("block is %+v", b)
	}

	unknown := codec.Keccak([]byte("unknown"))
	if tx = ok[api.Transaction](t)(c.Transaction(t.Context(), unknown)); tx.Status != "unknown" || tx.Hash != unknown || tx.Height != 0 {
		t.Errorf("a transaction that nobody heard of is %+v", tx)
	}
	notice := wire.Notice{Tx: unknown, Code: ledger.CodeUnauthorized, Reason: "only the processor may"}
	notice.Signature = appchaintest.Sign(t, []*signing.KeySigner{w.f.Processor}, 1, notice.Digest(w.f.Genesis))[0]
	if err := w.node.PutNotices(t.Context(), []wire.Notice{notice}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.WaitTx(t.Context(), unknown, time.Millisecond); err == nil || !strings.Contains(err.Error(), "was dropped: "+notice.Code.String()+": "+notice.Reason) {
		t.Errorf("waiting for a dropped transaction: %v", err)
	}
	tx = ok[api.Transaction](t)(c.Transaction(t.Context(), unknown))
	if tx.Status != "dropped" || tx.Code != ledger.CodeUnauthorized.String() || tx.Reason != notice.Reason {
		t.Errorf("a dropped transaction is %+v", tx)
	}
}

// A withdrawal from the queue to its payment, and one that fails on the chain.
func TestWithdrawalAndAction(t *testing.T) {
	w := newWorld(t)
	w.attached()
	c := w.serve()
	// Eight actions fill the window; the ninth and tenth withdrawal wait.
	for range 10 {
		w.withdraw(500)
	}
	withdrawal := func(sequence uint64) api.Withdrawal {
		return ok[api.Withdrawal](t)(c.Withdrawal(t.Context(), chainID, sequence))
	}
	account := ok[api.Account](t)(c.Account(t.Context(), w.alice.PublicKey().String())).ID
	want := api.Withdrawal{Chain: chainID, Sequence: 10, Status: "queued", Position: 2, Asset: "TST", To: recipient, Amount: tst("499", "0.000499"), Account: account}
	if got := withdrawal(10); got != want {
		t.Errorf("a waiting withdrawal is %+v, want %+v", got, want)
	}
	want = api.Withdrawal{Chain: chainID, Sequence: 1, Status: "pending", Action: 1, Asset: "TST", To: recipient, Amount: tst("499", "0.000499"), Account: account}
	if got := withdrawal(1); got != want {
		t.Errorf("a withdrawal in an action is %+v, want %+v", got, want)
	}

	w.seal(1)
	if got := withdrawal(1); got.Status != "sealed" {
		t.Errorf("a withdrawal in a sealed action is %+v", got)
	}
	a := ok[api.Action](t)(c.Action(t.Context(), chainID, 1))
	record := w.action(1)
	wantAction := api.Action{
		Chain: chainID, ID: 1, Revision: 1, Kind: "transfers", Status: "sealed", Height: 3, Digest: record.Digests[0].Digest,
		Transfers: []api.ActionTransfer{{Withdrawal: 1, Account: account, Asset: "TST", To: recipient, Amount: tst("499", "0.000499")}},
		Signers:   []signing.Address{w.f.Processor.Address(), w.f.Approvers[0].Address(), w.f.Approvers[1].Address()},
	}
	if !reflect.DeepEqual(a, wantAction) {
		t.Errorf("the sealed action is %+v, want %+v", a, wantAction)
	}

	w.execute(1, codec.Hash{})
	w.seal(2)
	w.execute(2, codec.Uint64Word(1)) // its first transfer fails
	if got := withdrawal(1); got.Status != "paid" || got.Tx != "0xtx2" {
		t.Errorf("a paid withdrawal is %+v", got)
	}
	if got := withdrawal(2); got.Status != "claimable" || got.Tx != "0xtx3" {
		t.Errorf("a failed withdrawal is %+v", got)
	}
	a = ok[api.Action](t)(c.Action(t.Context(), chainID, 2))
	if a.Status != "executed" || a.Event != 3 || a.Tx != "0xtx3" || !a.Transfers[0].Failed {
		t.Errorf("the executed action is %+v", a)
	}
	b := ok[api.Bridge](t)(c.Bridge(t.Context(), chainID))
	if b.LastAction != 9 || b.LastExecuted != 2 || b.EventID != 3 || b.Tokens[0].Claimable != tst("499", "0.000499") || b.Tokens[0].InFlight != tst("3992", "0.003992") {
		t.Errorf("the bridge is %+v", b)
	}

	// The claim's entry names recipient and token in the chain's notation.
	to := appchaintest.Key("recipient").Address().Word()
	w.tell(&bridgecontracts.Claimed{Recipient: to, Token: appchaintest.Token, Amount: record.Withdrawals[0].Amount})
	block := ok[api.Block](t)(c.Block(t.Context(), w.maker.Height))
	claim := api.LogEntry{Name: "claim-paid", Fields: map[string]any{
		"domain": w.f.Domain.String(), "chain": chainID, "eventId": "4", "recipient": recipient, "token": evm{}.Format(chainID, appchaintest.Token), "amount": "499",
	}}
	if len(block.Log) == 0 || !reflect.DeepEqual(block.Log[0], claim) {
		t.Errorf("log is %+v, want %+v first", block.Log, claim)
	}
	audit := ok[api.Audit](t)(c.Audit(t.Context()))
	if !audit.Holds || audit.Height != w.maker.Height || audit.Fault != "" {
		t.Errorf("audit is %+v", audit)
	}
}

func TestBridges(t *testing.T) {
	w := newWorld(t)
	c := w.serve()
	if list := ok[[]api.Bridge](t)(c.Bridges(t.Context())); list == nil || len(list) != 0 {
		t.Errorf("bridges of an empty chain are %#v, want an empty list", list)
	}
	w.attached()
	w.tell(&bridgecontracts.Paused{Sequence: 1})
	b := ok[[]api.Bridge](t)(c.Bridges(t.Context()))[0]
	want := api.Bridge{
		Chain: chainID, Address: evm{}.Format(chainID, appchaintest.BridgeAddress), Domain: w.f.Domain, Generation: 1, EventID: 2, Head: w.history.Head(2), Epoch: 1,
		Paused: true, PauseSequence: 1, Controls: []api.Control{}, Tokens: []api.BridgeToken{{
			Asset: "TST", Token: evm{}.Format(chainID, appchaintest.Token), Held: tst("1000000", "1"), InFlight: tst("0", "0"), Claimable: tst("0", "0"), Dust: tst("0", "0"),
			Available: tst("1000000", "1"), Queued: tst("0", "0"),
		}},
	}
	if !reflect.DeepEqual(b, want) {
		t.Errorf("the bridge is %+v, want %+v", b, want)
	}
	block := ok[api.Block](t)(c.Block(t.Context(), w.maker.Height))
	if e := block.Log[0]; e.Name != "bridge-changed" || e.Fields["kind"] != "paused" {
		t.Errorf("log is %+v", block.Log)
	}
}

// Every kind of entry has fields of its own whose names and values programs can use.
func TestLogEntriesAreStrings(t *testing.T) {
	w := newWorld(t)
	w.attached()
	for range 2 {
		w.withdraw(500)
	}
	w.seal(1)
	w.execute(1, codec.Hash{})
	w.own(&ledger.Tick{})
	c := w.serve()
	seen := 0
	for height := uint64(1); height <= w.maker.Height; height++ {
		for _, e := range ok[api.Block](t)(c.Block(t.Context(), height)).Log {
			seen++
			for name, v := range e.Fields {
				if _, isText := v.(string); !isText {
					t.Errorf("%s.%s is %T %v, want a string", e.Name, name, v, v)
				}
				if name == "" || strings.ToLower(name[:1]) != name[:1] || strings.Contains(name, "ID") {
					t.Errorf("%s has a field %q", e.Name, name)
				}
			}
		}
	}
	if seen < 8 {
		t.Errorf("only %d entries were looked at", seen)
	}
}

func TestNotThere(t *testing.T) {
	w := newWorld(t)
	c := w.serve()
	ctx := t.Context()
	check := func(what string, err error, want string) {
		t.Helper()
		if !api.NotFound(err) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error is %v, want a 404 that says %q", what, err, want)
		}
	}
	_, err := c.Bridge(ctx, chainID)
	check("a bridge that is not attached", err, "bridge on chain "+chainID+": not found: attached are the ones in /v1/bridges")
	_, err = c.Bridge(ctx, "solana:x/y z?")
	check("a chain with a strange name", err, "bridge on chain solana:x/y z?: not found")
	w.attached()
	_, err = c.Action(ctx, chainID, 7)
	check("an action", err, "action 7 of the bridge on "+chainID+": not found: 0 were emitted")
	_, err = c.Withdrawal(ctx, chainID, 7)
	check("a withdrawal", err, "withdrawal 7 of the bridge on "+chainID+": not found")
	_, err = c.Block(ctx, 99)
	check("a block", err, "99")
	for _, ref := range []string{"99", appchaintest.Key("nobody").PublicKey().String(), chainID + "/" + recipient} {
		_, err = c.Account(ctx, ref)
		check("account "+ref, err, `account "`+ref+`": not found: a deposit or a transfer makes one`)
	}
}

func TestBadReads(t *testing.T) {
	w := newWorld(t)
	c := w.serve()
	for ref, want := range map[string]string{
		"alice":                `account "alice" is neither an id, nor a public key, nor CHAIN/ADDRESS of a wallet`,
		"-1":                   `account "-1" is neither`,
		"0x02":                 "public key",
		chainID + "/0x12":      "0x12",
		chainID + "/":          "address",
		"18446744073709551616": `account "18446744073709551616" is neither`,
	} {
		_, err := c.Account(t.Context(), ref)
		if err == nil || api.NotFound(err) || !strings.Contains(err.Error(), want) {
			t.Errorf("account %q: error is %v, want one that says %q", ref, err, want)
		}
	}
	if _, err := c.Block(t.Context(), 0); err == nil || !strings.Contains(err.Error(), "path.height") {
		t.Errorf("block 0: error is %v, want one that names the parameter", err)
	}
	if _, err := c.Action(t.Context(), chainID, 0); err == nil || !strings.Contains(err.Error(), "path.number") {
		t.Errorf("action 0: error is %v, want one that names the parameter", err)
	}
}

// A state that cannot be read is no hole in the books: it must not look like one.
func TestAuditOfAStoreThatFails(t *testing.T) {
	w := newWorld(t)
	kv, err := pebblestore.OpenMem()
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second one reads what the first has written
		if w.config.Node, err = appchain.New(appchain.Config{Ledger: w.f.Ledger, KV: kv}); err != nil {
			t.Fatal(err)
		}
	}
	if err := kv.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = w.serve().Audit(t.Context())
	var p *api.Problem
	if !errors.As(err, &p) || p.Status != http.StatusInternalServerError || !strings.Contains(err.Error(), "store is closed") {
		t.Errorf("error is %v, want a 500 that names the store", err)
	}
}
