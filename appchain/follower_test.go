package appchain_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trinebridge/trine/appchain"
	"github.com/trinebridge/trine/appchain/appchaintest"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/gossip/wire"
	"github.com/trinebridge/trine/internal/memnet"
	"github.com/trinebridge/trine/ledger"
)

type host = memnet.Host[appchain.Verdict]

// follow runs a follower until the test ends.
func follow(t *testing.T, n *appchain.Node, h *host) *appchain.Follower {
	t.Helper()
	f, err := appchain.NewFollower(appchain.FollowerConfig{Node: n, Network: h, PollInterval: 50 * time.Millisecond, RequestTimeout: 200 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	background(t, f.Run)
	return f
}

func background(t *testing.T, run func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("ended with: %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// until waits for a condition on a node; meanwhile it says again what it has to say.
func until(t *testing.T, n *appchain.Node, what string, say func(), done func() bool) {
	t.Helper()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	deadline := time.After(2 * time.Minute)
	for {
		changed := n.Changed()
		if done() {
			return
		}
		say()
		select {
		case <-changed:
		case <-again.C:
		case <-deadline:
			t.Fatalf("gave up waiting until %s, at block %d", what, n.Height())
		}
	}
}

func nothing() {}

func publish(t *testing.T, h *host, topic string, m codec.Record) {
	t.Helper()
	if err := h.Publish(context.Background(), topic, codec.Marshal(m)); err != nil {
		t.Fatal(err)
	}
}

func TestFollowerSyncsThenFollows(t *testing.T) {
	f, net := appchaintest.New(t, appchaintest.Small, start), appchaintest.NewNetwork(t)
	m := f.NewMaker(t)
	source := newNode(t, f, openMem(t))
	if err := source.Import(t.Context(), m.Ticks(1500)); err != nil { // more than one answer holds
		t.Fatal(err)
	}
	sourceHost := net.Host("source")
	cancel := must(source.Serve(sourceHost))
	defer cancel()
	n := newNode(t, f, openMem(t))
	follow(t, n, net.Host("follower"))
	until(t, n, "it has caught up", nothing, func() bool { return n.Height() == 1500 })

	run := wire.Blocks{Blocks: m.Ticks(5)}
	publish(t, sourceHost, appchain.TopicBlocks, &run)
	until(t, n, "it follows gossip", nothing, func() bool { return n.Height() == 1505 })

	// A gap is closed by asking.
	skipped := m.Ticks(3)
	if err := source.Import(t.Context(), append(run.Blocks, skipped...)); err != nil {
		t.Fatal(err)
	}
	publish(t, sourceHost, appchain.TopicBlocks, &wire.Blocks{Blocks: skipped[2:]})
	until(t, n, "it has closed the gap", nothing, func() bool { return n.Height() == 1508 && n.Head().Hash == m.Hash })
}

// TestBadPeers: one peer hangs, one lies, one sends garbage, one has nothing; the one that
// is honest is found.
func TestBadPeers(t *testing.T) {
	f, net := appchaintest.New(t, appchaintest.Small, start), appchaintest.NewNetwork(t)
	m := f.NewMaker(t)
	blocks := m.Ticks(10)
	forged := wire.Blocks{Blocks: append([]ledger.Block{}, blocks...)}
	forged.Blocks[4].Tx.Signature[5]++ // the processor's signatures are all right
	serve := func(name string, answer func(ctx context.Context, from uint64) ([]byte, error)) {
		must(net.Host(name).Serve(appchain.ProtocolBlocks, 64, func(ctx context.Context, _ string, request []byte) ([]byte, error) {
			var r appchain.BlocksRequest
			if err := codec.Unmarshal(request, &r, 64); err != nil {
				return nil, err
			}
			return answer(ctx, r.From)
		}))
	}
	rest := func(all []ledger.Block, from uint64) ([]byte, error) {
		return codec.Marshal(&wire.Blocks{Blocks: all[min(from-1, uint64(len(all))):]}), nil
	}
	serve("hangs", func(ctx context.Context, _ uint64) ([]byte, error) { <-ctx.Done(); return nil, ctx.Err() })
	serve("lies", func(_ context.Context, from uint64) ([]byte, error) { return rest(forged.Blocks, from) })
	serve("garbage", func(context.Context, uint64) ([]byte, error) { return []byte("garbage"), nil })
	serve("nothing", func(context.Context, uint64) ([]byte, error) { return codec.Marshal(&wire.Blocks{}), nil })
	serve("honest", func(_ context.Context, from uint64) ([]byte, error) { return rest(blocks, from) })
	n := newNode(t, f, openMem(t))
	follow(t, n, net.Host("follower"))
	until(t, n, "the honest peer is found", nothing, func() bool { return n.Height() == 10 })
	if n.Compromised() {
		t.Fatalf("a lying peer has framed the processor: %+v", n.Evidence())
	}
}

// TestTwoBlocksOfOneHeight: two followers are each shown another block. Both learn it, also
// those who saw only one, keep the proof, and remember it after a restart.
func TestTwoBlocksOfOneHeight(t *testing.T) {
	f, net := appchaintest.New(t, appchaintest.Small, start), appchaintest.NewNetwork(t)
	m := f.NewMaker(t)
	common := m.Ticks(3)
	other := m.Fork()
	mine, theirs := m.Own(&ledger.Tick{}), other.Own(&ledger.Tick{}, &ledger.Tick{})
	kv1 := openMem(t)
	n1, n2, n3 := newNode(t, f, kv1), newNode(t, f, openMem(t)), newNode(t, f, openMem(t))
	for n, last := range map[*appchain.Node]ledger.Block{n1: mine, n2: theirs, n3: mine} {
		if err := n.Import(t.Context(), append(append([]ledger.Block{}, common...), last)); err != nil {
			t.Fatal(err)
		}
	}
	stop1 := background(t, must(appchain.NewFollower(appchain.FollowerConfig{Node: n1, Network: net.Host("1"), PollInterval: 50 * time.Millisecond})).Run)
	follow(t, n2, net.Host("2"))
	follow(t, n3, net.Host("3"))
	processor := net.Host("processor")
	// Only the first sees the other block, at first.
	for _, n := range []*appchain.Node{n1, n2, n3} {
		until(t, n, "the proof is there", func() { publish(t, processor, appchain.TopicBlocks, &wire.Blocks{Blocks: []ledger.Block{theirs}}) }, n.Compromised)
	}
	for _, n := range []*appchain.Node{n1, n2, n3} {
		e := n.Evidence()
		if e.Second == nil || e.First.Header.Height != 4 || e.Second.Header.Height != 4 || e.First.Header == e.Second.Header {
			t.Errorf("evidence is %+v", e)
		}
		if n.Height() != 4 {
			t.Errorf("a node went on to block %d", n.Height())
		}
	}
	until(t, n1, "the proof outlives a restart", nothing, func() bool {
		again := newNode(t, f, kv1)
		return again.Compromised() && again.Evidence().Second != nil
	})
	stop1()
}

// TestForkIsProvenByThoseOnBothSides: blocks go on upon the one that the second follower
// does not have. Nobody has seen both, and together they find the proof.
func TestForkIsProvenByThoseOnBothSides(t *testing.T) {
	f, net := appchaintest.New(t, appchaintest.Small, start), appchaintest.NewNetwork(t)
	m := f.NewMaker(t)
	other := m.Fork()
	mine, theirs := m.Own(&ledger.Tick{}), other.Own(&ledger.Tick{}, &ledger.Tick{})
	next := m.Own(&ledger.Tick{})
	n1, n2 := newNode(t, f, openMem(t)), newNode(t, f, openMem(t))
	if err := errors.Join(n1.Import(t.Context(), []ledger.Block{mine}), n2.Import(t.Context(), []ledger.Block{theirs})); err != nil {
		t.Fatal(err)
	}
	follow(t, n1, net.Host("1"))
	processor := net.Host("processor")
	until(t, n1, "the first has the next block", func() { publish(t, processor, appchain.TopicBlocks, &wire.Blocks{Blocks: []ledger.Block{next}}) }, func() bool { return n1.Height() == 2 })
	follow(t, n2, net.Host("2"))
	until(t, n2, "the second sees that something is wrong", func() { publish(t, processor, appchain.TopicBlocks, &wire.Blocks{Blocks: []ledger.Block{next}}) }, n2.Compromised)
	until(t, n1, "the first has the proof", nothing, n1.Compromised)
	if n1.Evidence().Second == nil {
		t.Error("the first has no proof that convinces others")
	}
}

func TestWrongBlockStopsTheFollower(t *testing.T) {
	f, net := appchaintest.New(t, appchaintest.Small, start), appchaintest.NewNetwork(t)
	m := f.NewMaker(t)
	good := m.Ticks(2)
	wrong := spoil(m, m.Own(&ledger.Tick{}), func(b *ledger.Block) { b.Header.FrameworkRoot[9]++ })
	kv := openMem(t)
	n := newNode(t, f, kv)
	follow(t, n, net.Host("follower"))
	say := func() {
		publish(t, net.Host("processor"), appchain.TopicBlocks, &wire.Blocks{Blocks: append(append([]ledger.Block{}, good...), wrong)})
	}
	until(t, n, "the block is refused", say, n.Compromised)
	if n.Height() != 2 || n.Evidence().First.Header != wrong.Header || n.Evidence().Second != nil {
		t.Errorf("at block %d with evidence %+v", n.Height(), n.Evidence())
	}
	// It counts in memory at once, and on the disk a moment later.
	until(t, n, "the evidence outlives a restart", nothing, func() bool { return newNode(t, f, kv).Compromised() })
}

// TestFalseAlarms: what proves nothing changes nothing.
func TestFalseAlarms(t *testing.T) {
	f, net := appchaintest.New(t, appchaintest.Small, start), appchaintest.NewNetwork(t)
	m := f.NewMaker(t)
	blocks := m.Ticks(3)
	n := newNode(t, f, openMem(t))
	if err := n.Import(t.Context(), blocks); err != nil {
		t.Fatal(err)
	}
	signed := func(b ledger.Block) wire.SignedHeader {
		return wire.SignedHeader{Header: b.Header, Signature: b.Signature}
	}
	stranger := signed(blocks[1])
	stranger.Header.Time++
	stranger.Signature = must(appchaintest.Key("stranger").SignDigest(stranger.Header.Hash()))
	second := func(h wire.SignedHeader) *wire.SignedHeader { return &h }
	h := net.Host("node")
	cancel := must(n.Serve(h))
	defer cancel()
	liar := net.Host("liar")
	for name, e := range map[string]wire.Evidence{
		"a block of the chain":    {First: signed(blocks[1])},
		"one block twice":         {First: signed(blocks[1]), Second: second(signed(blocks[1]))},
		"two heights":             {First: signed(blocks[1]), Second: second(signed(blocks[2]))},
		"a stranger's block":      {First: signed(blocks[1]), Second: second(stranger)},
		"a stranger's only block": {First: stranger},
		"a block of the future":   {First: signed(m.Own(&ledger.Tick{}))},
	} {
		publish(t, liar, appchain.TopicAlerts, &e)
		_ = name
	}
	net.Close() // waits until all are heard
	if n.Compromised() {
		t.Fatalf("a false alarm counts: %+v", n.Evidence())
	}
}

// TestResubmission: a transaction is gossiped again at growing intervals until it is in a block.
func TestResubmission(t *testing.T) {
	f := appchaintest.New(t, appchaintest.Small, uint64(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()))
	synctest.Test(t, func(t *testing.T) {
		kv := openMem(t)
		net := memnet.New[appchain.Verdict]()
		defer net.Close()
		n := must(appchain.New(appchain.Config{Ledger: f.Ledger, KV: kv}))
		follower := must(appchain.NewFollower(appchain.FollowerConfig{Node: n, Network: net.Host("follower"), PollInterval: time.Hour, MaxSubmissions: 1}))
		var heard atomic.Int64
		cancel := must(net.Host("processor").Subscribe(appchain.TopicTransactions, func(context.Context, string, []byte) appchain.Verdict {
			heard.Add(1)
			return appchain.Accept
		}))
		defer cancel()
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- follower.Run(ctx) }()
		defer func() {
			stop()
			if err := <-done; err != nil {
				t.Error(err)
			}
		}()
		now := uint64(time.Now().UnixMilli())
		hash, err := follower.Submit(ctx, f.Tx(t, f.Listeners[0], 1, now, &ledger.Tick{}))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := follower.Submit(ctx, f.Tx(t, f.Listeners[0], 2, now, &ledger.Tick{})); !errors.Is(err, appchain.ErrBusy) {
			t.Errorf("one transaction too many: %v", err)
		}
		time.Sleep(20 * time.Second)
		synctest.Wait()
		if n := heard.Load(); n < 4 || n > 8 {
			t.Errorf("heard %d times in 20 seconds", n)
		}
		notice := wire.Notice{Tx: hash, Code: ledger.CodeUnauthorized, Reason: "only the processor may"}
		notice.Signature = must(f.Processor.SignDigest(notice.Digest(f.Genesis)))
		if err := n.PutNotices(ctx, []wire.Notice{notice}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Second)
		synctest.Wait()
		before := heard.Load()
		time.Sleep(time.Minute)
		synctest.Wait()
		if heard.Load() != before {
			t.Errorf("heard again after its fate was known")
		}
		if _, err := follower.Submit(ctx, f.Tx(t, f.Listeners[0], 3, uint64(time.Now().UnixMilli()), &ledger.Tick{})); err != nil {
			t.Errorf("its place was not given back: %v", err)
		}
	})
}
