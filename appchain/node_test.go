package appchain_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/trinebridge/trine/appchain"
	"github.com/trinebridge/trine/appchain/appchaintest"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/gossip/wire"
	"github.com/trinebridge/trine/ledger"
	"github.com/trinebridge/trine/signing"
	"github.com/trinebridge/trine/store"
	"github.com/trinebridge/trine/store/pebblestore"
)

// start is the time of the test chains' genesis, Unix milliseconds.
const start = 1_700_000_000_000

// clock is a clock that stands a minute after the genesis.
func clock() time.Time { return time.UnixMilli(start + 60_000) }

func openMem(t testing.TB) store.KV {
	t.Helper()
	kv, err := pebblestore.OpenMem()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = kv.Close() })
	return kv
}

func newNode(t testing.TB, f *appchaintest.Fixture, kv store.KV) *appchain.Node {
	t.Helper()
	n, err := appchain.New(appchain.Config{Ledger: f.Ledger, KV: kv, Now: clock, MemoryBlocks: 8})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestReopen(t *testing.T) {
	f := appchaintest.New(t, appchaintest.Small, start)
	m, kv := f.NewMaker(t), openMem(t)
	n := newNode(t, f, kv)
	if h := n.Head(); h.Header.Height != 0 || h.Hash != f.Genesis || h.Parent() != nil {
		t.Fatalf("an empty node stands at %+v", h)
	}
	blocks := append([]ledger.Block{m.Own(f.Attach(t))}, m.Ticks(30)...)
	for len(blocks) > 0 { // in runs of several lengths
		k := min(1+len(blocks)/3, len(blocks))
		if err := n.Import(t.Context(), blocks[:k]); err != nil {
			t.Fatal(err)
		}
		blocks = blocks[k:]
		n = newNode(t, f, kv)
		if h := n.Head(); h.Header.Height != m.Height-uint64(len(blocks)) || h.State.Framework.Root() != h.Header.FrameworkRoot {
			t.Fatalf("reopened at %d, want %d", h.Header.Height, m.Height-uint64(len(blocks)))
		}
	}
	if n.Head().Hash != m.Hash {
		t.Fatalf("head is %s, want %s", n.Head().Hash, m.Hash)
	}
	if bridges, err := n.View().Bridges(); err != nil || len(bridges) != 1 {
		t.Fatal(bridges, err)
	}
	status, err := n.TxStatus(n.Head().Header.TxHash)
	if err != nil || status.State != appchain.TxIncluded || status.Height != m.Height {
		t.Fatalf("status of the last transaction is %+v, %v", status, err)
	}
	log, err := n.LogAt(1)
	if err != nil || log.Hash() != must(n.Block(1)).Header.LogHash {
		t.Fatalf("log of block 1 is %v, %v", log, err)
	}
	if got := must(n.Blocks(5, 3)); len(got) != 3 || got[0].Header.Height != 5 {
		t.Fatalf("blocks from 5 on, at most 3, are %d", len(got))
	}
	if _, err := n.Block(m.Height + 1); !errors.Is(err, appchain.ErrNotFound) {
		t.Fatalf("a block above the head: %v", err)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestOtherGenesisIsRefused(t *testing.T) {
	kv := openMem(t)
	f, other := appchaintest.New(t, appchaintest.Small, start), appchaintest.New(t, appchaintest.Small, start+1)
	newNode(t, f, kv)
	_, err := appchain.New(appchain.Config{Ledger: other.Ledger, KV: kv})
	if err == nil || !strings.Contains(err.Error(), f.Genesis.String()) || !strings.Contains(err.Error(), other.Genesis.String()) {
		t.Fatalf("a store of another genesis: %v", err)
	}
}

func TestForeignStoreIsRefused(t *testing.T) {
	kv, f := openMem(t), appchaintest.New(t, appchaintest.Small, start)
	b := kv.NewBatch()
	b.Put([]byte("x"), nil)
	if err := b.Commit(t.Context(), store.Sync); err != nil {
		t.Fatal(err)
	}
	if _, err := appchain.New(appchain.Config{Ledger: f.Ledger, KV: kv}); !store.IsCorruption(err) {
		t.Fatalf("a store with something else in it: %v", err)
	}
}

func TestConfigReportsAllFaults(t *testing.T) {
	_, err := appchain.New(appchain.Config{MemoryBlocks: 1})
	for _, want := range []string{"ledger", "store", "memory for 1 blocks"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not name %q", err, want)
		}
	}
}

// spoil returns a block that says something else, signed by the processor again.
func spoil(m *appchaintest.Maker, b ledger.Block, change func(*ledger.Block)) ledger.Block {
	change(&b)
	m.SignBlock(&b)
	return b
}

func TestImportRefuses(t *testing.T) {
	f := appchaintest.New(t, appchaintest.Small, start)
	m := f.NewMaker(t)
	good := m.Ticks(3)
	uncovered := f.Attest(t, deposits(t, f, 1), 1, 1)
	tests := []struct {
		name  string
		block ledger.Block
		// wrong: the processor is to blame.
		wrong bool
		want  string
	}{
		{"framework root", spoil(m, good[2], func(b *ledger.Block) { b.Header.FrameworkRoot[0]++ }), true, "framework root is "},
		{"app root", spoil(m, good[2], func(b *ledger.Block) { b.Header.AppRoot[0]++ }), true, "app root is "},
		{"log hash", spoil(m, good[2], func(b *ledger.Block) { b.Header.LogHash[0]++ }), true, "log hash is "},
		{"code version", spoil(m, good[2], func(b *ledger.Block) { b.Header.CodeVersion = 7 }), true, "code version is 7, execution gives 1"},
		{"parent", spoil(m, good[2], func(b *ledger.Block) { b.Header.Parent[0]++ }), true, "parent is "},
		{"time goes back", spoil(m, good[2], func(b *ledger.Block) { b.Header.Time = start - 1 }), true, "time is "},
		{"time is of another day", spoil(m, good[2], func(b *ledger.Block) { b.Header.Time += 2 * ledger.MaxSkew }), false, "ahead of this machine's clock"},
		{"a credit that no bridge tells", spoil(m, good[2], func(b *ledger.Block) {
			b.Tx = *f.Tx(t, f.Processor, 3, start+5, uncovered)
			b.Header.TxHash = b.Tx.Digest()
		}), true, "unknown-bridge"},
		{"another transaction", spoil(m, good[2], func(b *ledger.Block) { b.Tx.Nonce++ }), false, "not as signed by the processor"},
		{"transaction signature", spoil(m, good[2], func(b *ledger.Block) { b.Tx.Signature[3]++ }), false, "not as signed by the processor"},
		{"loads", spoil(m, good[2], func(b *ledger.Block) { b.Loads = []ledger.Load{{Data: []byte("x")}} }), false, "not as signed by the processor"},
		{"loads that nobody can check", spoil(m, good[2], func(b *ledger.Block) {
			b.Loads = []ledger.Load{{Data: []byte("x")}}
			b.Header.LoadsHash = ledger.LoadsHash(b.Loads)
		}), true, "loads hash is "},
		{"block signature", func() ledger.Block {
			b := good[2]
			b.Signature = f.Tx(t, appchaintest.Key("stranger"), 1, 1, &ledger.Tick{}).Signature
			return b
		}(), false, "not as signed by the processor"},
		{"no signature", func() ledger.Block { b := good[2]; b.Signature = signing.Signature{64: 7}; return b }(), false, "not as signed by the processor"},
		{"another chain", spoil(m, good[2], func(b *ledger.Block) { b.Header.Genesis[0]++ }), false, "is of app chain"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			n := newNode(t, f, openMem(t))
			err := n.Import(t.Context(), []ledger.Block{good[0], good[1], test.block})
			var wrong *appchain.WrongBlock
			if err == nil || errors.As(err, &wrong) != test.wrong || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("error is %v; want blame %t and %q", err, test.wrong, test.want)
			}
			if n.Height() != 2 || n.Head().Hash != good[2].Header.Parent {
				t.Fatalf("the node stands at %d; the two good blocks count", n.Height())
			}
			if err := n.Import(t.Context(), good[2:]); err != nil {
				t.Fatalf("the right block after the wrong one: %v", err)
			}
		})
	}
}

func deposits(t testing.TB, f *appchaintest.Fixture, n int) *appchaintest.History {
	h := f.NewHistory()
	for range n {
		h.Deposit(t, appchaintest.Key("user"), 1000)
	}
	return h
}

func TestSubscribe(t *testing.T) {
	f := appchaintest.New(t, appchaintest.Small, start)
	m, n := f.NewMaker(t), newNode(t, f, openMem(t))
	if err := n.Import(t.Context(), m.Ticks(3)); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	heights := make(chan uint64)
	go func() {
		defer close(heights)
		for u, err := range n.Subscribe(ctx, 2) {
			if err != nil || u.Log.Hash() != u.Block.Header.LogHash {
				t.Errorf("block %d: %v", u.Block.Header.Height, err)
			}
			heights <- u.Block.Header.Height
		}
	}()
	for want := uint64(2); want <= 8; want++ {
		if want == 4 {
			if err := n.Import(t.Context(), m.Ticks(5)); err != nil {
				t.Fatal(err)
			}
		}
		if got := <-heights; got != want {
			t.Fatalf("got block %d, want %d", got, want)
		}
	}
	stop()
	if h, more := <-heights; more {
		t.Fatalf("got block %d after the end", h)
	}
}

func TestNotices(t *testing.T) {
	f, kv := appchaintest.New(t, appchaintest.Small, start), openMem(t)
	open := func() *appchain.Node {
		return must(appchain.New(appchain.Config{Ledger: f.Ledger, KV: kv, MaxNotices: 3}))
	}
	n := open()
	for i := range byte(5) {
		notice := wire.Notice{Tx: codec.Hash{i + 1}, Code: ledger.CodeFunds, Reason: "no funds"}
		notice.Signature = must(f.Processor.SignDigest(notice.Digest(f.Genesis)))
		if err := errors.Join(n.CheckNotice(&notice), n.PutNotices(t.Context(), []wire.Notice{notice})); err != nil {
			t.Fatal(err)
		}
		n = open()
	}
	for i := range byte(5) {
		status := must(n.TxStatus(codec.Hash{i + 1}))
		want := appchain.TxUnknown // the two oldest are forgotten
		if i >= 2 {
			want = appchain.TxDropped
		}
		if status.State != want {
			t.Errorf("transaction %d is %s, want %s", i+1, status.State, want)
		}
	}
	forged := wire.Notice{Tx: codec.Hash{9}, Code: ledger.CodeFunds}
	forged.Signature = must(appchaintest.Key("stranger").SignDigest(forged.Digest(f.Genesis)))
	if err := n.CheckNotice(&forged); err == nil {
		t.Error("a stranger's notice counts")
	}
}

// TestCrash cuts the power at random moments: what a node has shown is there afterwards,
// with a state that works.
func TestCrash(t *testing.T) {
	f := appchaintest.New(t, appchaintest.Small, start)
	m := f.NewMaker(t)
	var blocks []ledger.Block
	blocks = append(blocks, m.Own(f.Attach(t)))
	h := f.NewHistory()
	for i := range uint64(20) {
		h.Deposit(t, appchaintest.Key(string(rune('a'+i))), 100+i)
		blocks = append(blocks, m.Own(f.Attest(t, h, i+1, i+1)))
	}
	r := rand.New(rand.NewPCG(1, 2))
	fs := vfs.NewCrashableMem()
	shown := uint64(0)
	for shown < uint64(len(blocks)) {
		kv := must(pebblestore.Open(pebblestore.Config{Dir: "chain", FS: fs, MemTableBytes: 64 << 10}))
		n := newNode(t, f, kv)
		if n.Height() < shown {
			t.Fatalf("block %d was shown, after the cut the node stands at %d", shown, n.Height())
		}
		from := n.Height()
		if err := n.Import(t.Context(), blocks[from:min(from+1+r.Uint64N(4), uint64(len(blocks)))]); err != nil {
			t.Fatal(err)
		}
		shown = n.Height()
		if err := f.Ledger.View(n.Head().State).Audit(); err != nil {
			t.Fatal(err)
		}
		fs = fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: r.IntN(101), RNG: r})
		_ = kv.Close()
	}
}
