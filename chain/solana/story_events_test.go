package solana

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/ethereum/go-ethereum/crypto"
	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/bridgecontracts"
	contract "github.com/trinebridge/trine/bridgecontracts/solana"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/internal/rpctest"
	"github.com/trinebridge/trine/signing"
)

// history has a source that has never seen this bridge read all that is final, a part at a time, and holds it against
// the bridge's counter and head.
func (s *scene) history(source *Source, part uint64) (all []chain.LocatedEvent) {
	s.t.Helper()
	newest := s.state().Now.EventID
	var at chain.Block
	var c chain.Counters
	s.until("finalize", func(ctx context.Context) (_ bool, err error) {
		if at, err = source.Head(ctx, chain.Finality{}); err != nil {
			return false, err
		}
		c, err = source.Counters(ctx, at)
		return err == nil && c.EventID >= newest, err
	})
	for from := uint64(1); from <= c.EventID; from += part {
		s.until("read", func(ctx context.Context) (bool, error) {
			list, err := source.Events(ctx, from, min(from+part-1, c.EventID), at)
			if err == nil {
				all = append(all, list...)
			}
			return err == nil, err
		})
	}
	head := bridgecontracts.FirstHead(s.domain())
	for i := range all {
		if all[i].ID != uint64(i+1) {
			s.t.Fatalf("event %d of the list is event %d", i+1, all[i].ID)
		}
		head = bridgecontracts.NextHead(head, &all[i].Event)
	}
	if uint64(len(all)) != c.EventID || head != c.Head {
		s.t.Fatalf("read %d events up to head %s, the bridge has %d up to head %s", len(all), head, c.EventID, c.Head)
	}
	return all
}

// blind is a source at an endpoint whose index of addresses knows nothing.
func (s *scene) blind() *Source {
	s.t.Helper()
	proxy := rpctest.Start(s.t, s.endpoint())
	proxy.Handle(func(x *rpctest.Exchange) {
		if x.Method == "getSignaturesForAddress" {
			x.Reply(rpctest.Response{Result: json.RawMessage(`[]`)})
			return
		}
		x.Pass()
	})
	source, err := OpenSource(s.sourceConfig(proxy.URL()))
	s.ok(err)
	return source
}

func (s *scene) newcomer() *Source {
	s.t.Helper()
	source, err := OpenSource(s.sourceConfig(s.endpoint()))
	s.ok(err)
	return source
}

// deposits is one transaction of deposits whose events begin with an id. Their amounts are numbers that no
// other deposit of the scene has.
func (s *scene) deposits(from *signing.Ed25519Payer, first, n uint64) *outgoing {
	s.t.Helper()
	tx := &outgoing{from: from}
	for e := first; e < first+n; e++ {
		page, err := s.program.Page(e)
		s.ok(err)
		deposit, err := s.program.DepositSol(keyOf(from), page, e, nil)
		s.ok(err)
		tx.instructions = append(tx.instructions, deposit)
	}
	return tx
}

// happen has transactions land that must work.
func (s *scene) happen(list ...*outgoing) {
	s.t.Helper()
	s.landAll(list...)
	for _, tx := range list {
		if failed := tx.st.failed(); failed != nil {
			s.t.Fatalf("%s: %v", tx.id, failed)
		}
	}
}

// amounts checks that the deposits from an id on are of amounts each of which was deposited once.
func (s *scene) amounts(list []chain.LocatedEvent, from uint64) {
	s.t.Helper()
	seen := map[uint64]bool{}
	for i := range list {
		d, ok := list[i].Body.(*bridgecontracts.Deposited)
		switch {
		case !ok:
			s.t.Fatalf("event %d is no deposit: %+v", list[i].ID, list[i].Body)
		case d.Amount.Uint64() < from || d.Amount.Uint64() >= from+uint64(len(list)) || seen[d.Amount.Uint64()]:
			s.t.Fatalf("event %d is a deposit of %s", list[i].ID, &d.Amount)
		}
		seen[d.Amount.Uint64()] = true
	}
}

// Twelve events in one slot, in one transaction; then as many as it takes until several transactions share a slot.
func TestStoryTwelveEventsInOneSlot(t *testing.T) {
	s := newScene(t, 3, 3)
	user, rival := s.key("user"), s.key("rival")
	first := s.state().Now.EventID + 1
	twelve := s.deposits(user, first, 12)
	s.happen(twelve)
	if list := s.events(twelve.id); len(list) != 12 || list[0].ID != first || list[11].ID != first+11 {
		t.Fatalf("the transaction has the events %+v", list)
	}
	shared := false
	for tries := 0; !shared; tries++ {
		if tries == 15 {
			t.Fatalf("in %d tries no two transactions were in one slot", tries)
		}
		next := s.state().Now.EventID + 1
		list := []*outgoing{s.deposits(user, next, 4), s.deposits(rival, next+4, 4), s.deposits(s.key("payer"), next+8, 4)}
		s.happen(list...)
		slots := map[uint64]bool{}
		for _, tx := range list {
			shared = shared || slots[tx.st.Slot]
			slots[tx.st.Slot] = true
		}
	}
	held := s.held(contract.Native)
	for name, source := range map[string]*Source{"by index": s.newcomer(), "without an index": s.blind()} {
		for _, part := range []uint64{5, 1000} {
			all := s.history(source, part)
			s.amounts(all[1:], 2)
			var sum uint64
			for i := range all {
				sum += all[i].Body.(*bridgecontracts.Deposited).Amount.Uint64()
			}
			if sum != held {
				t.Errorf("%s: the deposits are %d lamports, the bridge holds %d", name, sum, held)
			}
		}
	}
	s.goesOn()
}

// A wallet proves that keys belong to it, with a deposit and without one.
func TestStoryKeysOfAWallet(t *testing.T) {
	s := newScene(t, 3, 3)
	wallet := codec.Hash(keyOf(s.key("user")))
	var proofs []bridgecontracts.KeyProof
	for i := range bridgecontracts.MaxDepositKeys {
		private, err := crypto.ToECDSA(crypto.Keccak256([]byte{byte(i)}))
		s.ok(err)
		k := signing.NewKeySigner(private)
		signature, err := k.SignDigest(bridgecontracts.KeyLinkDigest(s.domain(), wallet, k.PublicKey()))
		s.ok(err)
		proofs = append(proofs, bridgecontracts.KeyProof{Key: k.PublicKey(), Signature: signature})
	}
	s.deposit(contract.Native, 0, proofs[0])
	s.deposit(contract.Native, 77, proofs[1:]...)
	s.deposit(contract.Native, 78, proofs...)
	hand := s.hand(s.key("user"))
	if _, err := hand.Deposit(t.Context(), contract.Native, *uint256.NewInt(1), append(proofs, proofs[0])); err == nil {
		t.Errorf("%d keys are taken", len(proofs)+1)
	}
	var linked []bridgecontracts.KeyProof
	for _, e := range s.history(s.newcomer(), 1000) {
		linked = append(linked, e.Body.(*bridgecontracts.Deposited).Keys...)
	}
	want := append(append([]bridgecontracts.KeyProof{}, proofs...), proofs...)
	if len(linked) != len(want) {
		t.Fatalf("%d keys are linked, want %d", len(linked), len(want))
	}
	for i, p := range linked {
		if p != want[i] || !p.Signature.Verify(p.Key, bridgecontracts.KeyLinkDigest(s.domain(), wallet, p.Key)) {
			t.Errorf("key %d is linked as %+v, want %+v", i, p, want[i])
		}
	}
	s.goesOn()
}

// late is how many events have happened when the source is opened.
const late = 5_000

// A source that is opened late reads everything, across pages, with and without an index; nothing is lost or doubled.
func TestStorySourceThatIsFiveThousandEventsLate(t *testing.T) {
	s := newScene(t, 3, 3)
	for s.state().Now.EventID < late {
		s.fill(s.state().Now.EventID + 1)
	}
	held := s.held(contract.Native)
	for name, source := range map[string]*Source{"by index": s.newcomer(), "without an index": s.blind()} {
		all := s.history(source, 1_000)
		s.amounts(all[1:], 2)
		sum := uint64(1_000_000_000)
		for e := uint64(2); e <= uint64(len(all)); e++ {
			sum += e
		}
		if sum != held || len(all) < late {
			t.Errorf("%s: %d deposits of %d lamports, the bridge holds %d", name, len(all), sum, held)
		}
	}
	s.goesOn()
}

// fill makes all events of a page from one of them on. Transactions of one page may land in any order.
func (s *scene) fill(first uint64) {
	s.t.Helper()
	const each = 16
	var list []*outgoing
	end := (first-1)/contract.EventsPerPage*contract.EventsPerPage + contract.EventsPerPage
	for e := first; e <= end; e += each {
		list = append(list, s.deposits(s.key("user"), e, min(each, end-e+1)))
	}
	s.happen(list...)
}
