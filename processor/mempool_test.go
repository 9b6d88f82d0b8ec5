package processor

import (
	"errors"
	"testing"

	"pgregory.net/rapid"

	"github.com/ethereum/go-ethereum/crypto"

	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/ledger"
	"github.com/trinebridge/trine/signing"
)

var chain = codec.Hash{1}

// testKeys are three keys that never change.
var testKeys = func() (keys [3]*signing.KeySigner) {
	for i := range keys {
		seed := codec.Uint64Word(uint64(i) + 1)
		key, err := crypto.ToECDSA(seed[:])
		if err != nil {
			panic(err)
		}
		keys[i] = signing.NewKeySigner(key)
	}
	return keys
}()

// made remembers transactions, because signing them takes most of the time.
var made = map[[3]uint64]ledger.CheckedTx{}

func checkedTx(t interface{ Fatal(...any) }, key int, nonce, time uint64) ledger.CheckedTx {
	name := [3]uint64{uint64(key), nonce, time}
	if c, ok := made[name]; ok {
		return c
	}
	tx := &ledger.Transaction{Genesis: chain, Nonce: nonce, Time: time, Messages: []ledger.Message{{Body: &ledger.Tick{}}}}
	if err := tx.Sign(testKeys[key]); err != nil {
		t.Fatal(err)
	}
	c, err := ledger.CheckTx(chain, tx)
	if err != nil {
		t.Fatal(err)
	}
	made[name] = c
	return c
}

// txSize is that of the transactions which checkedTx makes.
const txSize = 32 + 33 + 3*8 + 4 + 1 + 65

// executed counts transactions of keys, as the ledger does.
type executed map[signing.PublicKey]uint64

func (e executed) nonce(key signing.PublicKey) (uint64, error) { return e[key], nil }

func TestMempool(t *testing.T) {
	type step struct {
		do    string // add, take, done, fail, expire
		key   int
		nonce uint64
		want  string // of add: "", known, full or nonce; of take: "" or none
	}
	tests := []struct {
		name   string
		limits Limits
		steps  []step
	}{
		{"nonces come out in order", Limits{}, []step{
			{"add", 0, 3, ""}, {"add", 0, 2, ""}, {"take", 0, 0, "none"}, {"add", 0, 1, ""},
			{"take", 0, 1, ""}, {"done", 0, 0, ""}, {"take", 0, 2, ""}, {"done", 0, 0, ""}, {"take", 0, 3, ""}, {"done", 0, 0, ""}, {"take", 0, 0, "none"},
		}},
		{"keys take turns", Limits{}, []step{
			{"add", 0, 1, ""}, {"add", 0, 2, ""}, {"add", 0, 3, ""}, {"add", 1, 1, ""}, {"add", 2, 1, ""},
			{"take", 0, 1, ""}, {"done", 0, 0, ""}, {"take", 1, 1, ""}, {"done", 1, 0, ""}, {"take", 2, 1, ""}, {"done", 2, 0, ""},
			{"take", 0, 2, ""}, {"done", 0, 0, ""}, {"take", 0, 3, ""},
		}},
		{"twice is once, and another with the nonce is refused", Limits{}, []step{
			{"add", 0, 1, ""}, {"add", 0, 1, "known"}, {"take", 0, 1, ""}, {"done", 0, 0, ""}, {"add", 0, 1, "nonce"}, {"add", 0, 2, ""},
		}},
		{"one that is being executed is known", Limits{}, []step{
			{"add", 0, 1, ""}, {"take", 0, 1, ""}, {"add", 0, 1, "known"}, {"done", 0, 0, ""}, {"expire", 0, 0, ""}, {"take", 0, 0, "none"},
		}},
		{"one that does not apply leaves its nonce free", Limits{}, []step{
			{"add", 0, 1, ""}, {"add", 0, 2, ""}, {"take", 0, 1, ""}, {"fail", 0, 0, ""}, {"take", 0, 0, "none"},
			{"add", 0, 1, ""}, {"take", 0, 1, ""}, {"done", 0, 0, ""}, {"take", 0, 2, ""},
		}},
		{"count", Limits{Count: 2}, []step{{"add", 0, 1, ""}, {"add", 1, 1, ""}, {"add", 2, 1, "full"}, {"take", 0, 1, ""}, {"done", 0, 0, ""}, {"add", 2, 1, ""}}},
		{"bytes", Limits{Bytes: 400}, []step{{"add", 0, 1, ""}, {"add", 1, 1, ""}, {"add", 2, 1, "full"}}},
		{"per key", Limits{PerKey: 2}, []step{{"add", 0, 2, ""}, {"add", 0, 3, "nonce"}, {"add", 0, 1, ""}, {"take", 0, 1, ""}, {"done", 0, 0, ""}, {"add", 0, 3, ""}}},
		{"what waits for an earlier one has a limit of its own", Limits{Count: 8, Future: 1}, []step{
			{"add", 0, 2, ""}, {"add", 1, 2, "full"}, {"add", 1, 1, ""}, {"add", 0, 1, ""}, {"add", 1, 3, ""}, {"add", 2, 2, "full"},
		}},
		{"the bytes of what waits for an earlier one have a limit too", Limits{Bytes: 10 * txSize, FutureBytes: 2 * txSize}, []step{
			{"add", 0, 3, ""}, {"add", 0, 4, ""}, {"add", 0, 5, "full"}, {"add", 1, 2, "full"}, {"add", 0, 2, "full"},
			{"add", 0, 1, ""}, {"add", 0, 2, ""}, {"add", 1, 2, ""},
		}},
		{"expiry", Limits{Count: 2}, []step{
			{"add", 0, 1, ""}, {"add", 0, 2, ""}, {"expire", 0, 2, ""}, {"take", 0, 0, "none"}, {"add", 0, 1, ""}, {"take", 0, 1, ""},
		}},
		{"expiry while one is being executed", Limits{}, []step{
			{"add", 0, 1, ""}, {"add", 0, 2, ""}, {"take", 0, 1, ""}, {"expire", 0, 1, ""}, {"done", 0, 0, ""}, {"add", 0, 1, "nonce"}, {"add", 0, 2, ""}, {"take", 0, 2, ""},
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			e := executed{}
			m := newMempool(test.limits, e.nonce)
			for i, s := range test.steps {
				key := testKeys[s.key].PublicKey()
				switch s.do {
				case "add":
					if got := classify(m.add(checkedTx(t, s.key, s.nonce, 1))); got != s.want {
						t.Fatalf("step %d: add %d of key %d: %q, want %q", i, s.nonce, s.key, got, s.want)
					}
				case "take":
					tx, ok := m.take()
					if ok != (s.want == "") || ok && (tx.Tx().Key != key || tx.Tx().Nonce != s.nonce) {
						t.Fatalf("step %d: took %v, want %d of key %d", i, tx.Tx(), s.nonce, s.key)
					}
				case "done":
					e[key]++
					m.done(key, true)
				case "fail":
					m.done(key, false)
				case "expire":
					if got := m.expire(ledger.MaxSkew + 2); uint64(len(got)) != s.nonce {
						t.Fatalf("step %d: %d expired, want %d", i, len(got), s.nonce)
					}
				}
			}
		})
	}
}

func classify(err error) string {
	var rejection *ledger.Rejection
	switch {
	case err == nil:
		return ""
	case errors.Is(err, errKnown):
		return "known"
	case errors.Is(err, ErrFull):
		return "full"
	case errors.As(err, &rejection) && rejection.Code == ledger.CodeNonce:
		return "nonce"
	}
	return err.Error()
}

// TestMempoolProperties does anything in any order: what comes out is always the next
// nonce of its key, and the sums are right.
func TestMempoolProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := executed{}
		m := newMempool(Limits{Count: 10, PerKey: 5, Future: 4}, e.nonce)
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			if rapid.Bool().Draw(t, "add") {
				_ = m.add(checkedTx(t, rapid.IntRange(0, 2).Draw(t, "key"), rapid.Uint64Range(0, 12).Draw(t, "nonce"), rapid.Uint64Range(1, 3).Draw(t, "time")))
			} else if tx, ok := m.take(); ok {
				key := tx.Tx().Key
				if tx.Tx().Nonce != e[key]+1 {
					t.Fatalf("nonce %d of a key with %d executed", tx.Tx().Nonce, e[key])
				}
				if rapid.IntRange(0, 4).Draw(t, "expire") == 0 {
					m.expire(ledger.MaxSkew + rapid.Uint64Range(1, 4).Draw(t, "now"))
				}
				applies := rapid.IntRange(0, 3).Draw(t, "applies") > 0
				if applies {
					e[key]++
				}
				m.done(key, applies)
			}
			count, bytes, future, futureBytes := 0, 0, 0, 0
			for key, s := range m.senders {
				if s.next != e[key]+1 {
					t.Fatalf("next nonce is %d with %d executed", s.next, e[key])
				}
				for nonce, tx := range s.waiting {
					count++
					bytes += tx.Size()
					if !s.follows(nonce) {
						future++
						futureBytes += tx.Size()
					}
				}
				if _, ready := s.waiting[s.next]; ready && !s.queued {
					t.Fatal("a sender with a ready transaction has no turn")
				}
			}
			if count != m.count || bytes != m.bytes || future != m.future || futureBytes != m.futureBytes || count > 10 {
				t.Fatalf("%d of %d bytes, %d of %d bytes not ready; counted are %d, %d, %d, %d",
					m.count, m.bytes, m.future, m.futureBytes, count, bytes, future, futureBytes)
			}
		}
	})
}
