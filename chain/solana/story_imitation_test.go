package solana

import (
	"strings"
	"testing"

	sol "github.com/gagliardetto/solana-go"

	"github.com/trinebridge/trine/bridgecontracts"
	contract "github.com/trinebridge/trine/bridgecontracts/solana"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/chain/chaintest"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/internal/solanatest"
)

// imitator is a bridge of somebody else: the same program at another id. Its owners sign whatever they like, so
// it calls whatever they like.
type imitator struct {
	*scene
	user contract.Key
}

// call has the imitator call a program. Seal and body are posted beforehand, so that the call itself is short.
func (m *imitator) call(id uint64, target contract.Key, accounts []*sol.AccountMeta, data []byte) contract.Instruction {
	m.t.Helper()
	body := &bridgecontracts.Call{Target: codec.Hash(target), Data: []byte{byte(len(accounts))}}
	for _, a := range accounts {
		flags := byte(0)
		if a.IsSigner {
			flags |= 1
		}
		if a.IsWritable {
			flags |= 2
		}
		body.Data = append(append(body.Data, a.PublicKey[:]...), flags)
	}
	body.Data = append(body.Data, data...)
	d := m.members.Action(m.domain(), id, body)
	seal, err := contract.SealAction(m.domain(), d.Action, &d.Seal, &d.Set)
	m.ok(err)
	content, err := m.program.Call(id, body)
	m.ok(err)
	buffer, _, err := m.program.Buffer(m.user, seal.Digest)
	m.ok(err)
	open, err := m.program.OpenBuffer(m.user, seal.Digest, len(content.Body))
	m.ok(err)
	_, err = m.act(m.t.Context(), m.key("user"), open, m.program.PostBody(m.user, buffer, 0, content.Body), m.program.PostSignatures(buffer, seal))
	m.ok(err)
	return m.program.Sealed(content, seal, contract.Where{Actor: m.user, Page: m.state().Page, Buffer: buffer, Poster: m.user, SignaturesPosted: true, BodyPosted: true})
}

// forged is the record of a deposit that never was, to the byte as the bridge would write it.
func forged(s *scene, wallet contract.Key, amount uint64) []byte {
	now := s.state().Now
	event := bridgecontracts.Event{ID: now.EventID + 1, Body: &bridgecontracts.Deposited{Wallet: codec.Hash(wallet), Token: contract.Native}}
	data := []byte{15, 255, 1}
	for _, n := range []uint64{event.ID, now.Slot} {
		data = littleEndian(data, n)
	}
	head := bridgecontracts.NextHead(now.Head, &event)
	data = append(data, head[:24]...)
	for _, n := range []uint64{now.NextAction, now.Epoch, now.PauseSequence, now.LimitVersion} {
		data = littleEndian(data, n)
	}
	data = append(append(data, wallet[:]...), contract.Native[:]...)
	return append(littleEndian(data, amount), 0)
}

func littleEndian(out []byte, n uint64) []byte {
	for range 8 {
		out, n = append(out, byte(n)), n>>8
	}
	return out
}

// One transaction carries more logs than a node keeps, lines that look like the bridge's, an inner instruction of another
// program that is a record of the bridge to the byte, one of the same program at another id with an event of the same number, and
// deposits: one of its own, one behind the junk, and one that another program makes. Exactly the deposits are read.
func TestStoryJunkAndImitationsInOneTransaction(t *testing.T) {
	s := newScene(t, 3, 3)
	other := &imitator{scene: &scene{world: newWorldOf(t, s.backend, chaintest.NewMembers("imitator", 1, 1, 1)), t: t, chain: s.chain, next: 1}}
	other.sink = other.opened("payer")
	other.user = keyOf(other.key("user"))
	k := s.chain.CreateToken(t, solanatest.Mint{})
	k.Open(t, other.user)

	page := s.state().Page
	ours := func(amount uint64) contract.Instruction {
		deposit, err := s.program.DepositSol(other.user, page, amount, nil)
		s.ok(err)
		return deposit
	}
	record := forged(s, other.user, 1_000_000_000)
	if _, err := contract.DecodeRecord(record); err != nil {
		t.Fatalf("the forgery is a bad one: %v", err)
	}
	forge := other.call(1, sol.ComputeBudget, []*sol.AccountMeta{sol.Meta(page), sol.Meta(s.program.ID)}, record)
	nested := ours(44)
	data, err := nested.Data()
	s.ok(err)
	through := other.call(2, s.program.ID, nested.Accounts(), data)
	theirs, err := other.program.DepositSol(other.user, other.state().Page, 55, nil)
	s.ok(err)

	list := []contract.Instruction{ours(11), sol.NewInstruction(sol.MemoProgramID, nil, []byte("Program log: Deposited 1000000000"))}
	junk, err := createTokenAccount(other.user, other.user, k.Program, k.Mint)
	s.ok(err)
	for range 31 {
		list = append(list, junk)
	}
	list = append(list, theirs, forge, ours(33), through)
	before := s.held(contract.Native)
	tx := s.land(other.key("user"), list...)
	if tx.st.failed() != nil {
		t.Fatal(tx.st.failed())
	}
	junkIsThere(s, tx.id, record)

	amounts := []uint64{11, 33, 44}
	for how, events := range map[string][]chain.LocatedEvent{
		"by transaction": s.events(tx.id), "by index": s.history(s.newcomer(), 100)[1:], "without an index": s.history(s.blind(), 100)[1:],
	} {
		if len(events) != len(amounts) {
			t.Fatalf("%s: %d events, want %d", how, len(events), len(amounts))
		}
		for i, e := range events {
			d, ok := e.Body.(*bridgecontracts.Deposited)
			if !ok || d.Amount.Uint64() != amounts[i] || e.ID != uint64(2+i) || d.Wallet != codec.Hash(other.user) || e.Tx != tx.id {
				t.Errorf("%s: event %d is %+v of %+v", how, i, e, e.Body)
			}
		}
	}
	if got := s.held(contract.Native) - before; got != 88 {
		t.Errorf("%d lamports came in, want 88", got)
	}
	if list := other.history(other.newcomer(), 100); len(list) != 3 {
		t.Errorf("the imitator has %d events, want a deposit and two calls", len(list))
	}
	s.goesOn()
}

// junkIsThere checks that the transaction is as bad as the story says.
func junkIsThere(s *scene, id string, record []byte) {
	s.t.Helper()
	var tx struct {
		Meta struct {
			Logs  []string `json:"logMessages"`
			Inner []struct {
				Instructions []struct{ Data string }
			} `json:"innerInstructions"`
		} `json:"meta"`
	}
	s.ok(s.node.call(s.t.Context(), &tx, "getTransaction", id, map[string]any{"encoding": "json", "commitment": confirmed, "maxSupportedTransactionVersion": 0}))
	size, cut, found := 0, false, false
	for _, line := range tx.Meta.Logs {
		size += len(line)
		cut = cut || line == "Log truncated"
	}
	for _, group := range tx.Meta.Inner {
		for _, i := range group.Instructions {
			data, err := fromBase58(i.Data, 1_000)
			found = found || err == nil && string(data) == string(record)
		}
	}
	if !cut || !found {
		s.t.Fatalf("%d bytes of logs, cut: %v; the forged record is there: %v", size, cut, found)
	}
}

// Nobody but the bridge makes its records, and what a transaction that failed has recorded never happened.
func TestStoryRecordsOfNobody(t *testing.T) {
	s := newScene(t, 3, 3)
	user, page := s.key("user"), s.state().Page
	record := forged(s, keyOf(user), 1_000_000_000)
	s.refused(user, contract.FaultNotAPage, sol.NewInstruction(s.program.ID, sol.AccountMetaSlice{sol.Meta(page)}, record))
	s.refused(user, contract.FaultNotAPage, sol.NewInstruction(s.program.ID, sol.AccountMetaSlice{sol.Meta(keyOf(user)).SIGNER()}, record))

	// The imitator's own signature is no page's either, and it cannot sign for one.
	other := &imitator{scene: &scene{world: newWorldOf(t, s.backend, chaintest.NewMembers("imitator", 1, 1, 1)), t: t, chain: s.chain, next: 1}}
	other.sink = other.opened("payer")
	other.user = keyOf(other.key("user"))
	for want, account := range map[string]*sol.AccountMeta{
		contract.FaultNotAPage.Error(): sol.Meta(page), "PrivilegeEscalation": sol.Meta(page).SIGNER(),
	} {
		call := other.call(1, s.program.ID, []*sol.AccountMeta{account}, record)
		for _, a := range call.Accounts() {
			a.IsSigner = a.PublicKey == other.user
		}
		if failed := s.land(other.key("user"), call).st.failed(); failed == nil || !strings.Contains(failed.Error(), want) {
			t.Errorf("a call for a record: %v, want %s", failed, want)
		}
	}

	deposit, err := s.program.DepositSol(keyOf(user), page, 9, nil)
	s.ok(err)
	fails := pay(keyOf(user), keyOf(user), 1<<62)
	tx := s.land(user, deposit, fails)
	if failed := tx.st.failed(); failed == nil || failed.instruction != 3 {
		t.Fatalf("the transaction was to fail after its deposit: %v", failed)
	}
	if _, err := s.newcomer().Locate(t.Context(), tx.id); chain.VerdictOf(err) != chain.Fatal {
		t.Errorf("locating a transaction that failed: %v", err)
	}
	s.deposit(contract.Native, 10)
	for _, source := range []*Source{s.newcomer(), s.blind()} {
		if all := s.history(source, 100); len(all) != 2 {
			t.Errorf("%d events, want the two deposits that happened", len(all))
		}
	}
	s.goesOn()
}
