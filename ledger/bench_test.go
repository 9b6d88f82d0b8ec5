package ledger_test

import (
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/ethereum/go-ethereum/crypto"
	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/ledger"
	"github.com/trinebridge/trine/signing"
	"github.com/trinebridge/trine/validators"
)

// numbered returns the i-th of many keys.
func numbered(i int) *signing.KeySigner {
	var seed [8]byte
	binary.BigEndian.PutUint64(seed[:], uint64(i)+1)
	secret := codec.Keccak([]byte("bench"), seed[:])
	key, err := crypto.ToECDSA(secret[:])
	if err != nil {
		panic(err)
	}
	return signing.NewKeySigner(key)
}

// crowd is a world with n funded accounts. The keys of the first are returned, up to
// 2^12: enough to pay between, and the others need none to be there.
func crowd(b *testing.B, n int) (*world, []*signing.KeySigner) {
	b.Helper()
	w, err := newWorld(testGenesis())
	if err != nil {
		b.Fatal(err)
	}
	w.noAudit = true
	if _, err := w.send(w.processor, w.attachMessage(one, 1)); err != nil {
		b.Fatal(err)
	}
	keys := make([]*signing.KeySigner, min(n, 1<<12))
	c := w.bridges[one]
	for i := range n {
		var owner codec.Hash
		var proofs []bridgecontracts.KeyProof
		if i < len(keys) {
			keys[i] = numbered(i)
			owner = keys[i].Address().Word()
			proofs = append(proofs, proof(c, owner, keys[i]))
		} else {
			binary.BigEndian.PutUint64(owner[12:], uint64(i))
		}
		if err := c.deposit(owner, wallet("usd 1"), *uint256.NewInt(1 << 40), proofs...); err != nil {
			b.Fatal(err)
		}
		if len(c.pending()) == ledger.MaxEvents || i == n-1 {
			w.attestFast(b, c)
		}
	}
	w.state.Framework.Root()
	return w, keys
}

// attestFast is attest for histories of a million events, whose head it does not compute anew each time.
func (w *world) attestFast(b *testing.B, c *contract) {
	b.Helper()
	bridge, _, err := w.view().Bridge(c.domain)
	if err != nil {
		b.Fatal(err)
	}
	m := &ledger.Attest{Domain: c.domain, Generation: 1, Events: c.pending()}
	statement := bridgecontracts.Attestation{Domain: c.domain, Generation: 1, Head: bridge.Head}
	for i := range m.Events {
		statement.Head, statement.EventID = bridgecontracts.NextHead(statement.Head, &m.Events[i]), m.Events[i].ID
	}
	m.Signatures = quorum(w.listeners, int(w.set.ListenerQuorum), statement.Digest())
	if _, err := w.send(w.processor, m); err != nil {
		b.Fatal(err)
	}
	c.reported += len(m.Events)
}

// BenchmarkApplyTransfer is a transfer between two of many accounts: the state update and
// the new roots, without signatures (which CheckTx and the processor do elsewhere).
func BenchmarkApplyTransfer(b *testing.B) {
	for _, n := range []int{1e4, 1e5, 1e6} {
		b.Run(fmt.Sprintf("accounts=%d", n), func(b *testing.B) {
			if n > 1e5 && testing.Short() {
				b.Skip("a million accounts take half a minute to make")
			}
			w, keys := crowd(b, n)
			inputs := make([]ledger.Input, 0, len(keys))
			for i, from := range keys {
				to := keys[(i*1049+1)%len(keys)]
				in, err := w.input(w.tx(from, &ledger.Transfer{To: to.PublicKey(), Asset: 1, Amount: *uint256.NewInt(1)}))
				if err != nil {
					b.Fatal(err)
				}
				inputs = append(inputs, in)
			}
			b.ReportAllocs()
			b.ResetTimer()
			state := w.state
			for i := range b.N {
				if i%len(inputs) == 0 {
					state = w.state // every nonce works once
				}
				in := inputs[i%len(inputs)]
				next, log, err := w.ledger.Apply(state, in)
				if err != nil {
					b.Fatal(err)
				}
				w.ledger.NewHeader(in, next, log)
				state = next
			}
		})
	}
}

// BenchmarkApplyAttest256 is a certificate of 256 deposits, each to a new account with a
// key, at 5 of 9 listeners: everything from signatures to roots.
func BenchmarkApplyAttest256(b *testing.B) {
	genesis := testGenesis()
	genesis.Validators.Listeners, genesis.Validators.ListenerQuorum = addresses(members("listener", 9)), 5
	for _, keyed := range []bool{false, true} {
		b.Run(fmt.Sprintf("keys=%t", keyed), func(b *testing.B) {
			w, err := newWorld(genesis)
			if err != nil {
				b.Fatal(err)
			}
			w.noAudit = true
			if _, err := w.send(w.processor, w.attachMessage(one, 1)); err != nil {
				b.Fatal(err)
			}
			c := w.bridges[one]
			for i := range ledger.MaxEvents {
				owner := numbered(i).Address().Word()
				var keys []bridgecontracts.KeyProof
				if keyed {
					keys = append(keys, proof(c, owner, numbered(i)))
				}
				if err := c.deposit(owner, wallet("usd 1"), *uint256.NewInt(100), keys...); err != nil {
					b.Fatal(err)
				}
			}
			in, err := w.input(w.tx(w.processor, w.certificate(c)))
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N {
				next, log, err := w.ledger.Apply(w.state, in)
				if err != nil {
					b.Fatal(err)
				}
				w.ledger.NewHeader(in, next, log)
			}
			b.ReportMetric(float64(ledger.MaxEvents*b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

// BenchmarkWithdraw is a withdrawal that leaves at once, by how many others wait.
func BenchmarkWithdraw(b *testing.B) {
	w, keys := crowd(b, 1000)
	in, err := w.input(w.tx(keys[0], &ledger.Withdraw{Chain: one, Asset: 1, To: wallet("ann"), Amount: *uint256.NewInt(100)}))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		next, log, err := w.ledger.Apply(w.state, in)
		if err != nil {
			b.Fatal(err)
		}
		w.ledger.NewHeader(in, next, log)
	}
}

// BenchmarkSetQuorum is the part of a certificate that signatures cost, for comparison.
func BenchmarkSetQuorum(b *testing.B) {
	genesis := testGenesis()
	genesis.Validators.Listeners, genesis.Validators.ListenerQuorum = addresses(members("listener", 9)), 5
	digest := codec.Keccak([]byte("digest"))
	signatures := quorum(members("listener", 9), 5, digest)
	for b.Loop() {
		if err := genesis.Validators.VerifyQuorum(validators.Listeners, digest, signatures); err != nil {
			b.Fatal(err)
		}
	}
}
