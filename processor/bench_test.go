package processor_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/appchain"
	"github.com/trinebridge/trine/appchain/appchaintest"
	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/gossip/wire"
	"github.com/trinebridge/trine/ledger"
	"github.com/trinebridge/trine/processor"
	"github.com/trinebridge/trine/signing"
	"github.com/trinebridge/trine/signing/guard"
	"github.com/trinebridge/trine/store"
	"github.com/trinebridge/trine/store/pebblestore"
)

// benchAccounts is how many accounts are funded before the measurement begins.
const benchAccounts = 100_000

// nineListeners is the group of the certificates that are measured.
var nineListeners = appchaintest.Size{Listeners: 9, ListenerQuorum: 5, Approvers: 9, ApproverQuorum: 5}

// rig is a processor on a real file system.
type rig struct {
	f    *appchaintest.Fixture
	dir  string
	kv   store.KV
	node *appchain.Node
	p    *processor.Processor
	stop func()
}

func newRig(b testing.TB, dir string, f *appchaintest.Fixture, hooks processor.Hooks) *rig {
	b.Helper()
	r := &rig{f: f, dir: dir}
	var err error
	if r.kv, err = pebblestore.Open(pebblestore.Config{Dir: dir, CacheBytes: 256 << 20}); err != nil {
		b.Fatal(err)
	}
	if r.node, err = appchain.New(appchain.Config{Ledger: f.Ledger, KV: store.Sub(r.kv, "chain/")}); err != nil {
		b.Fatal(err)
	}
	g, err := guard.New(f.Processor, r.kv)
	if err != nil {
		b.Fatal(err)
	}
	r.p, err = processor.New(processor.Config{
		Node: r.node, Network: appchaintest.NewNetwork(b).Host("processor"), Signer: f.Processor, Guard: g, Hooks: hooks, UnsafeAllowBehind: true,
	})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.p.Run(ctx) }()
	r.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			b.Error(err)
		}
		if err := r.kv.Close(); err != nil {
			b.Error(err)
		}
	})
	b.Cleanup(r.stop)
	return r
}

// fund makes blocks that attach the bridge and credit the accounts, and makes them durable.
func fund(b testing.TB, f *appchaintest.Fixture, dir string, keys []*signing.KeySigner) {
	b.Helper()
	kv, err := pebblestore.Open(pebblestore.Config{Dir: dir})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = kv.Close() }()
	node, err := appchain.New(appchain.Config{Ledger: f.Ledger, KV: store.Sub(kv, "chain/")})
	if err != nil {
		b.Fatal(err)
	}
	m, h := f.NewMaker(b), f.NewHistory()
	blocks := []appchain.Executed{m.Executed(m.Own(f.Attach(b)))}
	for from := 0; from < len(keys); from += ledger.MaxEvents {
		part := keys[from:min(from+ledger.MaxEvents, len(keys))]
		for _, key := range part {
			h.Deposit(b, key, 1_000_000_000)
		}
		blocks = append(blocks, m.Executed(m.Own(f.Attest(b, h, uint64(from)+1, uint64(from+len(part))))))
		if len(blocks) == 32 || from+len(part) == len(keys) {
			if err := node.Commit(context.Background(), blocks); err != nil {
				b.Fatal(err)
			}
			blocks = nil
		}
	}
}

// transfers signs n transfers between random ones of the accounts, made at a time.
func transfers(b testing.TB, f *appchaintest.Fixture, keys []*signing.KeySigner, n int, time uint64) []*ledger.Transaction {
	b.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	nonces := make([]uint64, len(keys))
	list := make([]*ledger.Transaction, n)
	to := make([]signing.PublicKey, len(keys))
	for i := range keys {
		to[i] = keys[i].PublicKey()
	}
	var group sync.WaitGroup
	var next atomic.Int64
	for i := range list {
		from := r.IntN(len(keys))
		nonces[from]++
		list[i] = &ledger.Transaction{Genesis: f.Genesis, Key: to[from], Nonce: nonces[from], Time: time, Messages: []ledger.Message{
			{Body: &ledger.Transfer{To: to[(from+1+r.IntN(len(keys)-1))%len(keys)], Asset: appchaintest.Asset, Amount: *uint256.NewInt(1 + r.Uint64N(1000))}},
		}}
	}
	byKey := map[signing.PublicKey]*signing.KeySigner{}
	for _, k := range keys {
		byKey[k.PublicKey()] = k
	}
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() {
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				if err := list[i].Sign(byKey[list[i].Key]); err != nil {
					b.Error(err)
				}
			}
		})
	}
	group.Wait()
	return list
}

var benchKeys = sync.OnceValue(func() []*signing.KeySigner {
	keys := make([]*signing.KeySigner, benchAccounts)
	for i := range keys {
		keys[i] = appchaintest.Key(fmt.Sprintf("account %d", i))
	}
	return keys
})

// BenchmarkTransactions is the whole way of a transaction: one signature check in, one
// signed, rooted, durable block out, with as many clients waiting as keep it busy. Run it
// with -benchtime=100000x or so. After the run every acknowledged transaction must survive a kill.
func BenchmarkTransactions(b *testing.B) {
	f := appchaintest.New(b, nineListeners, nowMillis()-3_600_000)
	funded, keys := filepath.Join(b.TempDir(), "funded"), benchKeys()
	fund(b, f, funded, keys)
	b.Run(fmt.Sprintf("accounts=%d", benchAccounts), func(b *testing.B) { transact(b, f, funded, keys) })
}

func transact(b *testing.B, f *appchaintest.Fixture, funded string, keys []*signing.KeySigner) {
	dir := filepath.Join(b.TempDir(), "store")
	if err := os.CopyFS(dir, os.DirFS(funded)); err != nil {
		b.Fatal(err)
	}
	var blocks, syncs atomic.Uint64
	r := newRig(b, dir, f, processor.Hooks{Committed: func(n int, _ time.Duration) { blocks.Add(uint64(n)); syncs.Add(1) }})
	txs := transfers(b, f, keys, b.N, nowMillis()+60_000)
	for _, key := range keys { // a processor that has been running has its accounts in memory
		if _, ok, err := r.node.View().AccountByKey(key.PublicKey()); err != nil || !ok {
			b.Fatal(ok, err)
		}
	}
	asTheDaemon(b)
	latencies := make([]time.Duration, b.N)
	newest := make([]uint64, b.N)
	const clients = 1024
	var next atomic.Int64
	var group sync.WaitGroup
	b.ReportAllocs()
	b.ResetTimer()
	began, cpu := time.Now(), cpuTime(b)
	for range clients {
		group.Go(func() {
			for i := next.Add(1) - 1; i < int64(b.N); i = next.Add(1) - 1 {
				start := time.Now()
				status, err := r.p.SubmitTx(context.Background(), txs[i])
				if err != nil || status.State != appchain.TxIncluded {
					b.Errorf("transfer %d: %+v, %v", i, status, err)
					return
				}
				latencies[i], newest[i] = time.Since(start), status.Height
			}
		})
	}
	group.Wait()
	rate(b, b.N, "transactions", began, cpu)
	b.StopTimer()
	slices.Sort(latencies)
	b.ReportMetric(float64(latencies[b.N/2].Microseconds())/1000, "transaction_p50_ms")
	b.ReportMetric(float64(latencies[b.N*99/100].Microseconds())/1000, "transaction_p99_ms")
	b.ReportMetric(float64(blocks.Load())/float64(max(1, syncs.Load())), "blocks_per_sync")
	checkKilled(b, f, dir, txs, newest)
}

// checkKilled opens what a kill -9 at this moment would leave behind: the files as the
// operating system has them, with the process that writes them still alive. Every
// acknowledged transaction must be there.
func checkKilled(b *testing.B, f *appchaintest.Fixture, dir string, txs []*ledger.Transaction, heights []uint64) {
	b.Helper()
	copied := copyStill(b, dir)
	kv, err := pebblestore.Open(pebblestore.Config{Dir: copied})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = kv.Close() }()
	n, err := appchain.New(appchain.Config{Ledger: f.Ledger, KV: store.Sub(kv, "chain/")})
	if err != nil {
		b.Fatal(err)
	}
	for i, tx := range txs {
		if status, err := n.TxStatus(tx.Digest()); err != nil || status.Height != heights[i] {
			b.Fatalf("transfer %d was acknowledged in block %d, after the kill it is %+v, %v", i, heights[i], status, err)
		}
	}
}

// asTheDaemon sets the garbage collector as the processor's daemon does, and leaves it nothing
// of the preparations to do.
func asTheDaemon(b *testing.B) {
	b.Helper()
	before := debug.SetGCPercent(400)
	b.Cleanup(func() { debug.SetGCPercent(before) })
	runtime.GC()
}

// listing describes the files of a folder as they are now.
func listing(b *testing.B, dir string) (files []string) {
	b.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		b.Fatal(err)
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil {
			files = append(files, fmt.Sprintf("%s %d %s", e.Name(), info.Size(), info.ModTime()))
		}
	}
	return files
}

// awaitStill waits until nothing in a folder has changed for a second: the store has finished
// compacting what was written before the measurement.
func awaitStill(b *testing.B, dir string) {
	b.Helper()
	again := time.NewTicker(200 * time.Millisecond)
	defer again.Stop()
	before, still := listing(b, dir), 0
	for range 1500 {
		<-again.C
		now := listing(b, dir)
		if still++; !slices.Equal(before, now) {
			before, still = now, 0
		}
		if still == 5 {
			return
		}
	}
	b.Fatal("the folder never stands still")
}

// copyStill copies a folder at a moment at which nothing in it changes: compactions go on
// after the last block.
func copyStill(b *testing.B, dir string) string {
	b.Helper()
	again := time.NewTicker(200 * time.Millisecond)
	defer again.Stop()
	for attempt := range 300 {
		copied, before := filepath.Join(b.TempDir(), fmt.Sprint(attempt)), listing(b, dir)
		if err := os.CopyFS(copied, os.DirFS(dir)); err == nil && slices.Equal(before, listing(b, dir)) {
			return copied
		}
		<-again.C
	}
	b.Fatal("the folder never stands still")
	return ""
}

// cpuTime returns what this process has used so far. On a machine that others use as well
// it tells more than the clock.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// rate reports n things per second of the clock and the time of all cores that each took.
func rate(b *testing.B, n int, thing string, began time.Time, cpu time.Duration) {
	b.Helper()
	b.ReportMetric(float64(n)/time.Since(began).Seconds(), thing+"_per_second")
	b.ReportMetric(float64((cpuTime(b)-cpu).Nanoseconds())/float64(n)/1000, thing+"_cpu_us_each")
}

// BenchmarkSignatureLimit is what one check and one signing per transaction would allow on
// all cores, if nothing else cost anything.
func BenchmarkSignatureLimit(b *testing.B) {
	f := appchaintest.New(b, appchaintest.Small, nowMillis())
	tx := f.Tx(b, appchaintest.Key("user"), 1, nowMillis(), transfer(appchaintest.Key("other"), 1))
	digest := tx.Digest()
	began, cpu := time.Now(), cpuTime(b)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if !tx.Signature.Verify(tx.Key, digest) {
				b.Error("signature does not verify")
			}
			if _, err := f.Processor.SignDigest(digest); err != nil {
				b.Error(err)
			}
		}
	})
	rate(b, b.N, "signature_limit", began, cpu)
}

// BenchmarkEvents is the way of an event: certificates of 256 deposits with the signatures of
// 5 of 9 listeners, each event to an account of its own, until the root is durable.
func BenchmarkEvents(b *testing.B) {
	f := appchaintest.New(b, nineListeners, nowMillis()-3_600_000)
	dir := b.TempDir()
	kv, err := pebblestore.Open(pebblestore.Config{Dir: dir})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = kv.Close() }()
	node, err := appchain.New(appchain.Config{Ledger: f.Ledger, KV: kv})
	if err != nil {
		b.Fatal(err)
	}
	net := appchaintest.NewNetwork(b)
	members := net.Host("members")
	p, err := processor.New(processor.Config{Node: node, Network: net.Host("processor"), Signer: f.Processor, Guard: f.Processor, UnsafeAllowBehind: true})
	if err != nil {
		b.Fatal(err)
	}
	m := f.NewMaker(b)
	if err := node.Import(context.Background(), []ledger.Block{m.Own(f.Attach(b))}); err != nil {
		b.Fatal(err)
	}
	h := f.NewHistory()
	last := uint64((b.N + ledger.MaxEvents - 1) / ledger.MaxEvents * ledger.MaxEvents)
	for i := range last {
		h.Append(&bridgecontracts.Deposited{Wallet: codec.LeftPad(binaryAddress(i)), Token: appchaintest.Token, Amount: *uint256.NewInt(1000)})
	}
	attestations := signedAttestations(b, f, h)
	requests := 0
	cancel, err := members.Serve(processor.ProtocolEvents, wire.MaxSmall, serveEvents(h, &requests))
	if err != nil {
		b.Fatal(err)
	}
	defer cancel()
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	published := map[uint64]bool{}
	repeat := time.NewTicker(100 * time.Millisecond)
	defer repeat.Stop()
	b.ResetTimer()
	began, cpu := time.Now(), cpuTime(b)
	for {
		changed := node.Changed()
		bridge, _, err := node.View().Bridge(f.Domain)
		if err != nil {
			b.Fatal(err)
		}
		if bridge.EventID == last {
			break
		}
		// Listeners stay a few certificates ahead, as those do that catch up.
		for id := bridge.EventID + ledger.MaxEvents; id <= min(last, bridge.EventID+16*ledger.MaxEvents); id += ledger.MaxEvents {
			if published[id] {
				continue
			}
			published[id] = true
			for _, message := range attestations[id] {
				if err := members.Publish(ctx, appchain.TopicAttestations, message); err != nil {
					b.Fatal(err)
				}
			}
		}
		select {
		case <-changed:
		case <-repeat.C: // what was said before the processor listened is said again, as listeners do
			clear(published)
		}
	}
	rate(b, int(last), "events", began, cpu)
	b.StopTimer()
	stop()
	if err := <-done; err != nil {
		b.Fatal(err)
	}
}

func binaryAddress(i uint64) []byte {
	word := codec.Uint64Word(i)
	hash := codec.Keccak(word[:])
	return hash[:20]
}

func signedAttestations(b *testing.B, f *appchaintest.Fixture, h *appchaintest.History) map[uint64][][]byte {
	b.Helper()
	messages := map[uint64][][]byte{}
	for id := uint64(ledger.MaxEvents); id <= uint64(len(h.Events)); id += ledger.MaxEvents {
		for i := range f.Set.ListenerQuorum {
			a := wire.Attestation{Attestation: h.Attestation(id)}
			a.Signature = sign(b, f.Listeners[i], a.Digest())
			messages[id] = append(messages[id], codec.Marshal(&a))
		}
	}
	return messages
}

// BenchmarkReplay is a follower that executes blocks which it is given.
func BenchmarkReplay(b *testing.B) {
	const accounts = 10_000
	f := appchaintest.New(b, nineListeners, nowMillis()-3_600_000)
	funded, keys := filepath.Join(b.TempDir(), "funded"), benchKeys()[:accounts]
	fund(b, f, funded, keys)
	b.Run(fmt.Sprintf("accounts=%d", accounts), func(b *testing.B) { replay(b, f, funded, keys) })
}

func replay(b *testing.B, f *appchaintest.Fixture, funded string, keys []*signing.KeySigner) {
	dir := filepath.Join(b.TempDir(), "store")
	if err := os.CopyFS(dir, os.DirFS(funded)); err != nil {
		b.Fatal(err)
	}
	kv, err := pebblestore.Open(pebblestore.Config{Dir: dir})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = kv.Close() }()
	node, err := appchain.New(appchain.Config{Ledger: f.Ledger, KV: store.Sub(kv, "chain/")})
	if err != nil {
		b.Fatal(err)
	}
	head := node.Head()
	m := f.MakerAt(b, &head)
	blocks := make([]ledger.Block, b.N)
	for i, tx := range transfers(b, f, keys, b.N, head.Header.Time+60_000) {
		blocks[i] = m.Block(tx)
	}
	runtime.GC()
	b.ReportAllocs()
	b.ResetTimer()
	began, cpu := time.Now(), cpuTime(b)
	for from := 0; from < len(blocks); from += wire.MaxBlocks {
		if err := node.Import(context.Background(), blocks[from:min(from+wire.MaxBlocks, len(blocks))]); err != nil {
			b.Fatal(err)
		}
	}
	rate(b, b.N, "replay_blocks", began, cpu)
}
