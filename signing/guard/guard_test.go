package guard_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/signing"
	"github.com/trinebridge/trine/signing/guard"
	"github.com/trinebridge/trine/store"
	"github.com/trinebridge/trine/store/pebblestore"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	scope   = codec.Keccak([]byte("bridge"))
	genesis = codec.Keccak([]byte("genesis"))
)

func digest(n int) codec.Hash { return codec.Keccak(fmt.Append(nil, "digest ", n)) }

func attestation(id uint64) signing.Slot {
	return signing.Slot{Kind: signing.KindAttestation, Scope: scope, Age: 1, ID: id}
}

func newSigner(t testing.TB) *signing.KeySigner {
	t.Helper()
	key, err := signing.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	return signing.NewKeySigner(key)
}

func openMem(t testing.TB, fs vfs.FS) store.KV {
	t.Helper()
	kv, err := pebblestore.Open(pebblestore.Config{Dir: "db", FS: fs, MemTableBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = kv.Close() })
	return kv
}

func newGuard(t testing.TB, s signing.Signer, kv store.KV) *guard.Guard {
	t.Helper()
	g, err := guard.New(s, kv)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestOneDigestPerSlot(t *testing.T) {
	signer := newSigner(t)
	g := newGuard(t, signer, openMem(t, vfs.NewMem()))
	base := signing.Slot{Kind: signing.KindAction, Scope: scope, Age: 2, ID: 3, Sub: 4, Revision: 5}
	sign := func(s signing.Slot, d codec.Hash) error {
		sig, err := g.Sign(t.Context(), signing.Statement{Slot: s, Digest: d})
		if err == nil && !sig.Verify(signer.PublicKey(), d) {
			t.Errorf("%s: signature does not verify", s)
		}
		return err
	}
	if err := sign(base, digest(1)); err != nil {
		t.Fatal(err)
	}
	if err := sign(base, digest(1)); err != nil {
		t.Errorf("the same digest again: %v", err)
	}
	err := sign(base, digest(2))
	if !errors.Is(err, signing.ErrDoubleSign) {
		t.Fatalf("second digest: %v, want ErrDoubleSign", err)
	}
	for _, want := range []string{base.String(), digest(1).String(), digest(2).String()} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v: does not name %s", err, want)
		}
	}
	// Every field of a slot counts: a neighbour in each takes another digest.
	neighbours := []signing.Slot{base, base, base, base, base, base}
	neighbours[0].Kind = signing.KindControl
	neighbours[1].Scope = genesis
	neighbours[2].Age++
	neighbours[3].ID++
	neighbours[4].Sub++
	neighbours[5].Revision++
	for _, n := range neighbours {
		if err := sign(n, digest(2)); err != nil {
			t.Errorf("%s: %v", n, err)
		}
		if err := sign(n, digest(3)); !errors.Is(err, signing.ErrDoubleSign) {
			t.Errorf("%s, second digest: %v, want ErrDoubleSign", n, err)
		}
	}
}

func TestAnotherKeyHasRecordsOfItsOwn(t *testing.T) {
	kv := openMem(t, vfs.NewMem())
	for i := range 2 {
		g := newGuard(t, newSigner(t), kv)
		if _, err := g.Sign(t.Context(), signing.Statement{Slot: attestation(1), Digest: digest(i)}); err != nil {
			t.Errorf("key %d: %v", i, err)
		}
	}
}

// Every kind is treated on purpose.
// What a store remembers of whom is seen without the keys.
func TestRemembered(t *testing.T) {
	kv := openMem(t, vfs.NewMem())
	remembered := func(want ...signing.Address) {
		t.Helper()
		got, err := guard.Remembered(kv)
		slices.SortFunc(want, func(a, b signing.Address) int { return strings.Compare(a.String(), b.String()) })
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("remembered are %v, %v, want %v", got, err, want)
		}
	}
	remembered()
	var signers []signing.Address
	for range 3 {
		s := newSigner(t)
		g := newGuard(t, s, kv)
		remembered(signers...) // it has signed nothing
		for id := range uint64(5) {
			if _, err := g.Sign(t.Context(), signing.Statement{Slot: attestation(id + 1), Digest: digest(int(id))}); err != nil {
				t.Fatal(err)
			}
		}
		signers = append(signers, s.Address())
		remembered(signers...)
	}
	b := kv.NewBatch()
	b.Put([]byte("guard/nobody/"), nil)
	if err := b.Commit(t.Context(), store.Sync); err != nil {
		t.Fatal(err)
	}
	if _, err := guard.Remembered(kv); !store.IsCorruption(err) {
		t.Errorf("a record of nobody: %v, want a corruption", err)
	}
}

func TestEveryKind(t *testing.T) {
	want := map[signing.Kind]string{
		signing.KindTx: "free", signing.KindBlock: "record", signing.KindAck: "refused", signing.KindDomain: "refused",
		signing.KindSet: "refused", signing.KindEvent: "refused", signing.KindAttestation: "record", signing.KindAttach: "record",
		signing.KindCorrection: "record", signing.KindRevert: "record", signing.KindAction: "record", signing.KindControl: "record",
		signing.KindProposal: "record", signing.KindKeyLink: "free", signing.KindNotice: "free", signing.KindAlert: "free",
	}
	g := newGuard(t, newSigner(t), openMem(t, vfs.NewMem()))
	for _, k := range append(signing.Kinds(), 0, 200) {
		slot := signing.Slot{Kind: k, Scope: scope, ID: 1}
		_, first := g.Sign(t.Context(), signing.Statement{Slot: slot, Digest: digest(1)})
		_, second := g.Sign(t.Context(), signing.Statement{Slot: slot, Digest: digest(2)})
		got := "?"
		switch {
		case errors.Is(first, guard.ErrNotGuarded) && errors.Is(second, guard.ErrNotGuarded):
			got = "refused"
		case first == nil && second == nil:
			got = "free"
		case first == nil && errors.Is(second, signing.ErrDoubleSign):
			got = "record"
		}
		if w := want[k]; got != w && (k.Valid() || got != "refused") {
			t.Errorf("%s: %s (%v, %v), want %s", k, got, first, second, w)
		}
	}
	if _, err := g.Sign(t.Context(), signing.Statement{Slot: attestation(9)}); !errors.Is(err, guard.ErrNotGuarded) {
		t.Errorf("zero digest: %v", err)
	}
}

func TestSignAllIsAllOrNothing(t *testing.T) {
	g := newGuard(t, newSigner(t), openMem(t, vfs.NewMem()))
	if _, err := g.Sign(t.Context(), signing.Statement{Slot: attestation(3), Digest: digest(3)}); err != nil {
		t.Fatal(err)
	}
	_, err := g.SignAll(t.Context(), []signing.Statement{
		{Slot: attestation(1), Digest: digest(1)}, {Slot: attestation(3), Digest: digest(30)},
	})
	if !errors.Is(err, signing.ErrDoubleSign) {
		t.Fatalf("SignAll: %v, want ErrDoubleSign", err)
	}
	_, err = g.SignAll(t.Context(), []signing.Statement{
		{Slot: attestation(2), Digest: digest(2)}, {Slot: attestation(2), Digest: digest(20)},
	})
	if !errors.Is(err, signing.ErrDoubleSign) {
		t.Fatalf("two digests in one call: %v, want ErrDoubleSign", err)
	}
	sigs, err := g.SignAll(t.Context(), []signing.Statement{ // slots 1 and 2 hold nothing yet
		{Slot: attestation(1), Digest: digest(10)}, {Slot: attestation(2), Digest: digest(21)}, {Slot: attestation(2), Digest: digest(21)},
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, d := range []codec.Hash{digest(10), digest(21), digest(21)} {
		if !sigs[i].Verify(g.PublicKey(), d) {
			t.Errorf("signature %d is not over its digest", i)
		}
	}
}

// countingKV counts syncs.
type countingKV struct {
	store.KV
	syncs atomic.Int64
}

type countingBatch struct {
	store.Batch
	kv *countingKV
}

func (c *countingKV) NewBatch() store.Batch { return countingBatch{c.KV.NewBatch(), c} }

func (b countingBatch) Commit(ctx context.Context, d store.Durability) error {
	if d == store.Sync {
		b.kv.syncs.Add(1)
	}
	return b.Batch.Commit(ctx, d)
}

func TestSyncs(t *testing.T) {
	kv := &countingKV{KV: openMem(t, vfs.NewMem())}
	g := newGuard(t, newSigner(t), kv)
	many := make([]signing.Statement, 500)
	for i := range many {
		many[i] = signing.Statement{Slot: attestation(uint64(i)), Digest: digest(i)}
	}
	for range 2 { // what is on record needs no second sync
		if _, err := g.SignAll(t.Context(), many); err != nil {
			t.Fatal(err)
		}
		if n := kv.syncs.Load(); n != 1 {
			t.Errorf("%d syncs for %d statements, want 1", n, len(many))
		}
	}
}

// Of many callers with different digests for a slot, whichever is first wins, alone.
func TestRace(t *testing.T) {
	signer := newSigner(t)
	g := newGuard(t, signer, openMem(t, vfs.NewMem()))
	const slots, callers = 20, 8
	var won [slots][callers]bool
	var wg sync.WaitGroup
	for c := range callers {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(c), 1))
			for _, s := range r.Perm(slots) {
				other := (s + 1) % slots // overlapping sets, in either order
				_, err := g.SignAll(t.Context(), []signing.Statement{
					{Slot: attestation(uint64(s)), Digest: digest(c)}, {Slot: attestation(uint64(other + 100)), Digest: digest(0)},
				})
				if err != nil && !errors.Is(err, signing.ErrDoubleSign) {
					t.Error(err)
				}
				won[s][c] = err == nil
			}
		})
	}
	wg.Wait()
	for s := range won {
		n := 0
		for _, w := range won[s] {
			if w {
				n++
			}
		}
		if n != 1 {
			t.Errorf("slot %d: %d digests were signed, want 1", s, n)
		}
	}
}

func TestCallerLeavesWhileWaiting(t *testing.T) {
	blocked := &blockingKV{KV: openMem(t, vfs.NewMem()), entered: make(chan struct{}), let: make(chan struct{})}
	g := newGuard(t, newSigner(t), blocked)
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := g.Sign(context.Background(), signing.Statement{Slot: attestation(1), Digest: digest(1)}); err != nil {
			t.Error(err)
		}
	})
	<-blocked.entered
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := g.Sign(ctx, signing.Statement{Slot: attestation(1), Digest: digest(1)}); !errors.Is(err, context.Canceled) {
		t.Errorf("waiting caller: %v, want its context's error", err)
	}
	if err := g.Retire(ctx, attestation(2)); !errors.Is(err, context.Canceled) {
		t.Errorf("waiting Retire: %v, want its context's error", err)
	}
	close(blocked.let)
	wg.Wait()
}

// blockingKV holds its commits back.
type blockingKV struct {
	store.KV
	entered, let chan struct{}
}

type blockingBatch struct {
	store.Batch
	kv *blockingKV
}

func (k *blockingKV) NewBatch() store.Batch { return blockingBatch{k.KV.NewBatch(), k} }

func (b blockingBatch) Commit(ctx context.Context, d store.Durability) error {
	b.kv.entered <- struct{}{}
	<-b.kv.let
	return b.Batch.Commit(ctx, d)
}

func TestRetire(t *testing.T) {
	fs := vfs.NewMem()
	kv, signer := openMem(t, fs), newSigner(t)
	g := newGuard(t, signer, kv)
	at := func(age, id uint64) signing.Slot {
		return signing.Slot{Kind: signing.KindAttestation, Scope: scope, Age: age, ID: id}
	}
	const n = 5000 // more than one batch of deletions
	var all []signing.Statement
	for id := range uint64(n) {
		all = append(all, signing.Statement{Slot: at(1, id), Digest: digest(1)}, signing.Statement{Slot: at(2, id), Digest: digest(2)})
	}
	other := signing.Slot{Kind: signing.KindAttestation, Scope: genesis, Age: 1, ID: 1}
	all = append(all, signing.Statement{Slot: other, Digest: digest(3)})
	if _, err := g.SignAll(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	if err := g.Retire(t.Context(), at(2, 10)); err != nil {
		t.Fatal(err)
	}
	if err := g.Retire(t.Context(), at(1, 4)); err != nil { // older: changes nothing
		t.Fatal(err)
	}
	entries := 0
	for _, err := range kv.Ascend(nil, nil) {
		if err != nil {
			t.Fatal(err)
		}
		entries++
	}
	if want := n - 10 + 1 + 1; entries != want { // slots kept, the other line, the mark
		t.Errorf("%d entries are left, want %d", entries, want)
	}
	for _, g := range []*guard.Guard{g, newGuard(t, signer, kv)} {
		for _, c := range []struct {
			slot   signing.Slot
			digest int
			want   error
		}{
			{at(1, 4), 1, guard.ErrRetired}, {at(1, 999_999), 1, guard.ErrRetired}, {at(2, 9), 2, guard.ErrRetired}, {at(2, 9), 5, signing.ErrDoubleSign},
			{at(2, 10), 2, nil}, {at(2, 10), 5, signing.ErrDoubleSign}, {at(3, 1), 9, nil}, {other, 3, nil}, {other, 5, signing.ErrDoubleSign},
		} {
			_, err := g.Sign(t.Context(), signing.Statement{Slot: c.slot, Digest: digest(c.digest)})
			if !errors.Is(err, c.want) {
				t.Errorf("%s: %v, want %v", c.slot, err, c.want)
			}
		}
	}
	if err := g.Retire(t.Context(), signing.Slot{Kind: signing.KindAck}); !errors.Is(err, guard.ErrNotGuarded) {
		t.Errorf("Retire of acknowledgements: %v", err)
	}
}

func TestAck(t *testing.T) {
	signer := newSigner(t)
	kv := openMem(t, vfs.NewMem())
	g := newGuard(t, signer, kv)
	unsure := errors.New("block is not here")
	yes := func(uint64, codec.Hash) (bool, error) { return true, nil }
	no := func(uint64, codec.Hash) (bool, error) { return false, nil }
	for _, c := range []struct {
		name     string
		height   uint64
		block    int
		descends guard.Descends
		want     error
	}{
		{"the first", 5, 5, nil, nil},
		{"again", 5, 5, nil, nil},
		{"the same height, another block", 5, 50, yes, signing.ErrDoubleSign},
		{"below", 4, 4, yes, signing.ErrDoubleSign},
		{"above, on another branch", 6, 60, no, signing.ErrDoubleSign},
		{"above, not known", 6, 6, func(uint64, codec.Hash) (bool, error) { return true, unsure }, unsure},
		{"above", 9, 9, func(h uint64, b codec.Hash) (bool, error) { return h == 5 && b == digest(5), nil }, nil},
		{"the one before", 5, 5, yes, signing.ErrDoubleSign},
	} {
		sig, err := g.Ack(t.Context(), genesis, c.height, digest(c.block), c.descends)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
		if err == nil && !sig.Verify(signer.PublicKey(), bridgecontracts.AckDigest(genesis, c.height, digest(c.block))) {
			t.Errorf("%s: signature does not verify", c.name)
		}
	}
	if _, err := g.Ack(t.Context(), scope, 1, digest(1), nil); err != nil {
		t.Errorf("another app chain: %v", err)
	}
	if _, err := g.Ack(t.Context(), genesis, 10, codec.Hash{}, yes); !errors.Is(err, guard.ErrNotGuarded) {
		t.Errorf("zero hash: %v", err)
	}
	again := newGuard(t, signer, kv)
	if h, b, ok, err := again.Acknowledged(genesis); h != 9 || b != digest(9) || !ok || err != nil {
		t.Errorf("after a restart: %d %s %v %v", h, b, ok, err)
	}
	if _, err := again.Ack(t.Context(), genesis, 10, digest(10), no); !errors.Is(err, signing.ErrDoubleSign) {
		t.Errorf("after a restart, on another branch: %v", err)
	}
}

// crashingSigner takes a copy of the disk as a power cut would leave it at the moment when
// the key is used.
type crashingSigner struct {
	*signing.KeySigner
	fs    *vfs.MemFS
	after *vfs.MemFS
}

func (c *crashingSigner) Sign(ctx context.Context, s signing.Statement) (signing.Signature, error) {
	c.after = c.fs.CrashClone(vfs.CrashCloneCfg{})
	return c.KeySigner.Sign(ctx, s)
}

// Whenever the power fails, no signature was made that the restarted guard does not know.
func TestPowerCut(t *testing.T) {
	key := newSigner(t)
	rapid.Check(t, func(rt *rapid.T) {
		fs := vfs.NewCrashableMem()
		made := map[signing.Slot]codec.Hash{} // every signature that exists somewhere
		var acked [2]uint64                   // newest height and branch
		var retired uint64                    // the highest slot below which anything was ever retired
		yes := func(uint64, codec.Hash) (bool, error) { return true, nil }
		for range rapid.IntRange(1, 4).Draw(rt, "lives") {
			kv, err := pebblestore.Open(pebblestore.Config{Dir: "db", FS: fs, MemTableBytes: 64 << 10})
			if err != nil {
				rt.Fatal(err)
			}
			signer := &crashingSigner{KeySigner: key, fs: fs}
			g, err := guard.New(signer, kv)
			if err != nil {
				rt.Fatal(err)
			}
			for range rapid.IntRange(1, 12).Draw(rt, "signatures") {
				n := rapid.IntRange(1, 2).Draw(rt, "digest")
				if rapid.IntRange(0, 3).Draw(rt, "ack") == 0 {
					h := uint64(rapid.IntRange(1, 9).Draw(rt, "height"))
					_, err := g.Ack(context.Background(), genesis, h, digest(n), yes)
					if allowed := h > acked[0] || acked == [2]uint64{h, uint64(n)}; allowed != (err == nil) {
						rt.Fatalf("ack of %d/%d after %v: %v", h, n, acked, err)
					}
					if err == nil {
						acked = [2]uint64{h, uint64(n)}
					}
					continue
				}
				slot := attestation(uint64(rapid.IntRange(1, 6).Draw(rt, "slot")))
				if rapid.IntRange(0, 5).Draw(rt, "retire") == 0 {
					if err := g.Retire(context.Background(), slot); err != nil {
						rt.Fatal(err)
					}
					retired = max(retired, slot.ID)
					continue
				}
				_, err := g.Sign(context.Background(), signing.Statement{Slot: slot, Digest: digest(n)})
				held, ok := made[slot]
				fits := !ok || held == digest(n)
				if err == nil && !fits || err != nil && fits && slot.ID >= retired {
					rt.Fatalf("%s with %s, holding %s, retired below %d: %v", slot, digest(n), held, retired, err)
				}
				if err == nil {
					made[slot] = digest(n)
				}
			}
			// Live on with the disk as it was when the last signature was made.
			if signer.after != nil {
				fs = signer.after
			} else {
				fs = fs.CrashClone(vfs.CrashCloneCfg{})
			}
			_ = kv.Close()
		}
	})
}

// A store that cannot write keeps the guard from signing at all.
func TestNoRecordNoSignature(t *testing.T) {
	kv := openMem(t, vfs.NewMem())
	used := &crashingSigner{KeySigner: newSigner(t), fs: vfs.NewCrashableMem()}
	g := newGuard(t, used, kv)
	if err := kv.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := g.Sign(t.Context(), signing.Statement{Slot: attestation(1), Digest: digest(1)}); !errors.Is(err, store.ErrClosed) {
		t.Errorf("Sign: %v", err)
	}
	if _, err := g.Ack(t.Context(), genesis, 1, digest(1), nil); !errors.Is(err, store.ErrClosed) {
		t.Errorf("Ack: %v", err)
	}
	if used.after != nil {
		t.Error("the key was used without a record")
	}
}

func TestSpoiltRecords(t *testing.T) {
	kv, signer := openMem(t, vfs.NewMem()), newSigner(t)
	g := newGuard(t, signer, kv)
	if _, err := g.Sign(t.Context(), signing.Statement{Slot: attestation(1), Digest: digest(1)}); err != nil {
		t.Fatal(err)
	}
	if _, err := g.Ack(t.Context(), genesis, 1, digest(1), nil); err != nil {
		t.Fatal(err)
	}
	if err := g.Retire(t.Context(), attestation(0)); err != nil {
		t.Fatal(err)
	}
	spoil := kv.NewBatch()
	for e, err := range kv.Ascend(nil, nil) {
		if err != nil {
			t.Fatal(err)
		}
		spoil.Put(e.Key, []byte("short"))
	}
	if spoil.Len() != 3 {
		t.Fatalf("%d records, want 3", spoil.Len())
	}
	if err := spoil.Commit(t.Context(), store.Sync); err != nil {
		t.Fatal(err)
	}
	if _, err := g.Sign(t.Context(), signing.Statement{Slot: attestation(1), Digest: digest(1)}); !store.IsCorruption(err) {
		t.Errorf("Sign: %v, want corruption", err)
	}
	if _, err := g.Ack(t.Context(), genesis, 2, digest(1), nil); !store.IsCorruption(err) {
		t.Errorf("Ack: %v, want corruption", err)
	}
	if _, err := guard.New(signer, kv); !store.IsCorruption(err) {
		t.Errorf("New: %v, want corruption", err)
	}
}

func BenchmarkSign(b *testing.B) {
	kv, err := pebblestore.Open(pebblestore.Config{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = kv.Close() }()
	g := newGuard(b, newSigner(b), kv)
	var id atomic.Uint64
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := g.Sign(context.Background(), signing.Statement{Slot: attestation(id.Add(1)), Digest: digest(1)}); err != nil {
				b.Error(err)
			}
		}
	})
}
