package solana

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/holiman/uint256"

	contract "github.com/trinebridge/trine/bridgecontracts/solana"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/internal/rpctest"
)

// forgotten is after how many blocks the runtime surely does not know a blockhash any more: it remembers 150.
const forgotten = 160

// outdated is a blockhash of the chain that is too old to be used.
func (s *scene) outdated() (hash contract.Key) {
	s.t.Helper()
	slot := uint64(1)
	s.until("have an old block", func(ctx context.Context) (bool, error) {
		_, height, err := s.node.height(ctx)
		if err != nil || height <= slot+forgotten { // the height of a slot's block is the slot at most
			return false, err
		}
		b, err := s.node.block(ctx, slot, false)
		if err != nil {
			slot++ // it was skipped
			return false, err
		}
		hash = contract.Key(b.Blockhash)
		return true, nil
	})
	return hash
}

// lateness hands a wallet an old blockhash once, and notes what the node says to what is sent.
type lateness struct {
	old contract.Key

	mu      sync.Mutex
	late    bool
	answers []string
}

func (l *lateness) handle(x *rpctest.Exchange) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case x.Method == "getLatestBlockhash" && l.late:
		l.late = false
		x.Change(func(result json.RawMessage) (json.RawMessage, error) {
			var answer struct {
				Context json.RawMessage `json:"context"`
				Value   struct {
					Blockhash string `json:"blockhash"`
					Last      uint64 `json:"lastValidBlockHeight"`
				} `json:"value"`
			}
			if err := json.Unmarshal(result, &answer); err != nil {
				return nil, err
			}
			answer.Value.Blockhash = l.old.String() // by the height the wallet has all the time there is
			return json.Marshal(answer)
		})
	case x.Method == "sendTransaction":
		out, err := x.Forward()
		if err != nil {
			x.Drop()
		}
		said := ""
		if out.Error != nil {
			said = out.Error.Message
		}
		l.answers = append(l.answers, said)
		x.Reply(out)
	default:
		x.Pass()
	}
}

// again has the next blockhash be an old one.
func (l *lateness) again() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.late, l.answers = true, nil
}

func (l *lateness) said() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.answers)
}

// A wallet signs, and until its transaction comes to the node so many blocks have passed that the node, which tries it, does not
// know the blockhash any more. The wallet begins again; once it is through, it has happened once.
func TestStoryWalletWhoseBlockhashIsTooOld(t *testing.T) {
	s := newScene(t, 3, 3)
	node := &lateness{old: s.outdated()}
	proxy := rpctest.Start(t, s.endpoint())
	proxy.Handle(node.handle)
	wallet, err := s.wallet(proxy.URL(), "user")
	s.ok(err)
	_, poor := s.person(0)
	for range 2 {
		s.pay(owed(nil, poor, rentMinimum(0)/2))
	}
	for what, act := range map[string]func() (chain.Receipt, error){
		"deposit": func() (chain.Receipt, error) {
			return wallet.Deposit(t.Context(), contract.Native, *uint256.NewInt(5_000), nil)
		},
		"claim": func() (chain.Receipt, error) {
			return wallet.Claim(t.Context(), contract.Native, codec.Hash(poor), codec.Hash(poor))
		},
	} {
		before := s.state().Now.EventID
		node.again()
		r, err := act()
		if said := node.said(); len(said) == 0 || !strings.Contains(said[0], "Blockhash not found") {
			t.Errorf("%s: the node said %q to what was sent, want that it does not know the blockhash", what, said)
		}
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if events := s.events(r.Tx); len(events) != 1 || events[0].ID != before+1 || s.state().Now.EventID != before+1 {
			t.Errorf("%s: recorded %+v", what, events)
		}
	}
	s.goesOn()
}
