package solana

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"testing"

	sol "github.com/gagliardetto/solana-go"
	"github.com/mr-tron/base58"

	contract "github.com/trinebridge/trine/bridgecontracts/solana"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/internal/rpctest"
	"github.com/trinebridge/trine/signing"
)

// versionOne makes a transaction of version 1 (SIMD-0385): its message comes first, its signatures last, and its
// accounts are in the order in which an older transaction of the same instructions has them.
func versionOne(ctx context.Context, n *node, from *signing.Ed25519Payer, instructions ...contract.Instruction) (id string, raw []byte, last uint64, err error) {
	now, err := n.recent(ctx)
	if err != nil {
		return "", nil, 0, err
	}
	const units = 200_000
	tx, err := (&message{instructions: instructions, units: units}).compile(keyOf(from), 0, now.hash)
	if err != nil {
		return "", nil, 0, err
	}
	m := &tx.Message
	const ofBudget = 2 // instructions, which version 1 has numbers for
	list := m.Instructions[ofBudget:]
	raw = []byte{0x81, m.Header.NumRequiredSignatures, m.Header.NumReadonlySignedAccounts, m.Header.NumReadonlyUnsignedAccounts}
	const hasUnits, hasLoaded, loaded = 1 << 2, 1 << 3, 1 << 24
	raw = binary.LittleEndian.AppendUint32(raw, hasUnits|hasLoaded)
	raw = append(raw, now.hash[:]...)
	raw = append(raw, byte(len(list)), byte(len(m.AccountKeys)))
	for _, k := range m.AccountKeys {
		raw = append(raw, k[:]...)
	}
	raw = binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(raw, units), loaded)
	for _, i := range list {
		raw = append(raw, byte(i.ProgramIDIndex), byte(len(i.Accounts)))
		raw = binary.LittleEndian.AppendUint16(raw, uint16(len(i.Data)))
	}
	for _, i := range list {
		for _, a := range i.Accounts {
			raw = append(raw, byte(a))
		}
		raw = append(raw, i.Data...)
	}
	signature, err := from.SignPayload(ctx, raw)
	return base58.Encode(signature), append(bytes.Clone(raw), signature...), now.last, err
}

// sendVersionOne has such a transaction in a confirmed block.
func (w *world) sendVersionOne(ctx context.Context, from *signing.Ed25519Payer, instructions ...contract.Instruction) (chain.Receipt, error) {
	id, raw, last, err := versionOne(ctx, w.node, from, instructions...)
	if err != nil {
		return chain.Receipt{}, err
	}
	a, err := newSender(w.node, from, testPoll)
	if err != nil {
		return chain.Receipt{}, err
	}
	// The node's own check before sending takes a signature of version 1 for a wrong one (agave 4.1.2): it signs one byte more.
	var sent string
	if err := w.node.call(ctx, &sent, "sendTransaction", base64.StdEncoding.EncodeToString(raw), map[string]any{"encoding": "base64", "skipPreflight": true}); err != nil {
		return chain.Receipt{}, err
	}
	for {
		r, over, err := a.look(ctx, id, last)
		if over || err != nil {
			return r, err
		}
	}
}

// Anybody may send transactions of any version that the cluster takes: deposit by one, or name the bridge's accounts in one.
// None of them may keep the others from being read.
func TestTransactionsOfVersionOneAreRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sharedValidator(t))
	ctx, user := t.Context(), w.key("user")
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	before, err := w.Deposit(ctx, 1)
	ok(err)
	wallet, err := w.wallet(w.endpoint(), "user")
	ok(err)
	p, state, err := wallet.now(ctx)
	ok(err)
	deposit, err := p.DepositSol(keyOf(user), state.Page, 1, nil)
	ok(err)
	newer, err := w.sendVersionOne(ctx, user, deposit)
	ok(err)
	stranger, err := w.sendVersionOne(ctx, user, sol.NewInstruction(contract.SystemProgram, sol.AccountMetaSlice{
		sol.Meta(keyOf(user)).WRITE().SIGNER(), sol.Meta(keyOf(user)).WRITE(), sol.Meta(state.Page), sol.Meta(p.ID),
	}, pay(keyOf(user), keyOf(user), 1).(*sol.GenericInstruction).DataBytes))
	ok(err)
	after, err := w.Deposit(ctx, 1)
	ok(err)
	ok(w.Mine(ctx, settleBlocks))
	want := []string{before[0], newer.Tx, after[0]}

	for _, index := range []bool{true, false} {
		t.Run(fmt.Sprintf("index %t", index), func(t *testing.T) {
			w.proxy.Handle(func(x *rpctest.Exchange) {
				if !index && x.Method == "getSignaturesForAddress" {
					x.Reply(rpctest.Response{Result: json.RawMessage(`[]`)})
					return
				}
				w.time.handle(x)
			})
			s, err := w.Source()
			ok(err)
			at, err := s.Head(ctx, chain.Finality{})
			ok(err)
			events, err := s.Events(ctx, 1, 3, at)
			if err != nil || len(events) != 3 {
				t.Fatalf("%d events, want 3: %v (%s)", len(events), err, chain.VerdictOf(err))
			}
			for i, e := range events {
				if e.Tx != want[i] {
					t.Errorf("event %d is said to be of %s, it is of %s", e.ID, e.Tx, want[i])
				}
			}
			if found, err := s.Locate(ctx, newer.Tx); err != nil || len(found) != 1 || found[0].ID != 2 {
				t.Errorf("the deposit of version 1 has events %+v: %v", found, err)
			}
			if found, err := s.Locate(ctx, stranger.Tx); err != nil || len(found) != 0 {
				t.Errorf("the stranger's transaction has events %+v: %v", found, err)
			}
		})
	}
}
