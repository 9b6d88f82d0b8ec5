package appchain_test

import (
	"context"
	"testing"

	"github.com/trinebridge/trine/appchain"
	"github.com/trinebridge/trine/appchain/appchaintest"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/gossip/wire"
	"github.com/trinebridge/trine/ledger"
)

// hearing returns a node that follows, and its handler of gossiped blocks.
func hearing(t *testing.T, f *appchaintest.Fixture) (*appchain.Node, func(blocks ...ledger.Block) appchain.Verdict) {
	t.Helper()
	n, net := newNode(t, f, openMem(t)), appchaintest.NewCaptured()
	background(t, must(appchain.NewFollower(appchain.FollowerConfig{Node: n, Network: net})).Run)
	var hear func(context.Context, string, []byte) appchain.Verdict
	until(t, n, "the follower listens", nothing, func() bool { hear = net.Topic(appchain.TopicBlocks); return hear != nil })
	return n, func(blocks ...ledger.Block) appchain.Verdict {
		return hear(t.Context(), "peer", codec.Marshal(&wire.Blocks{Blocks: blocks}))
	}
}

// TestOldBlocks: what a node has already is neither taken nor relayed, whoever plays it back
// and however its signatures were spoiled on the way; what it does not have is.
func TestOldBlocks(t *testing.T) {
	f := appchaintest.New(t, appchaintest.Small, start)
	m := f.NewMaker(t)
	blocks := m.Ticks(6)
	spoilt := func(spoil func(b *ledger.Block)) ledger.Block {
		b := blocks[3]
		spoil(&b)
		return b
	}
	n, hear := hearing(t, f)
	if err := n.Import(t.Context(), blocks[:5]); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		run  []ledger.Block
		want appchain.Verdict
	}{
		"an old run":                            {blocks[1:4], appchain.Ignore},
		"an old block":                          {blocks[:1], appchain.Ignore},
		"everything":                            {blocks[:5], appchain.Ignore},
		"with a spoilt block signature":         {[]ledger.Block{spoilt(func(b *ledger.Block) { b.Signature[3]++ })}, appchain.Ignore},
		"with a spoilt transaction":             {[]ledger.Block{blocks[2], spoilt(func(b *ledger.Block) { b.Tx.Signature[3]++ })}, appchain.Ignore},
		"a run that goes on":                    {blocks[3:6], appchain.Accept},
		"a gap":                                 {[]ledger.Block{blocks[1], blocks[3]}, appchain.Reject},
		"nothing":                               {nil, appchain.Reject},
		"another block that nobody has signed":  {[]ledger.Block{spoilt(func(b *ledger.Block) { b.Header.Time++ })}, appchain.Reject},
		"a block of height 0":                   {[]ledger.Block{spoilt(func(b *ledger.Block) { b.Header.Height = 0 })}, appchain.Reject},
		"a block of another chain, same height": {[]ledger.Block{spoilt(func(b *ledger.Block) { b.Header.Genesis[0]++ })}, appchain.Reject},
	} {
		if got := hear(test.run...); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
	until(t, n, "what was new is taken", nothing, func() bool { return n.Height() == 6 })
	if n.Compromised() {
		t.Fatalf("old blocks have framed the processor: %+v", n.Evidence())
	}
}

// TestOldBlocksAreCheap: a run of a thousand old blocks is recognized without decoding any.
func TestOldBlocksAreCheap(t *testing.T) {
	f := appchaintest.New(t, appchaintest.Small, start)
	blocks := f.NewMaker(t).Ticks(wire.MaxBlocks)
	n, net := newNode(t, f, openMem(t)), appchaintest.NewCaptured()
	if err := n.Import(t.Context(), blocks); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := must(appchain.NewFollower(appchain.FollowerConfig{Node: n, Network: net})).Run(ctx); err != nil { // the handlers are captured now
		t.Fatal(err)
	}
	message := codec.Marshal(&wire.Blocks{Blocks: blocks})
	hear := net.Topic(appchain.TopicBlocks)
	allocations := testing.AllocsPerRun(10, func() {
		if v := hear(t.Context(), "peer", message); v != appchain.Ignore {
			t.Errorf("old blocks: %s", v)
		}
	})
	decoding := testing.AllocsPerRun(10, func() {
		if err := codec.Unmarshal(message, new(wire.Blocks), len(message)); err != nil {
			t.Error(err)
		}
	})
	if 2*allocations >= decoding { // the store, in the background, allocates too
		t.Errorf("%.0f allocations for %d old blocks, which take %.0f to decode: they were decoded", allocations, len(blocks), decoding)
	}
}

// TestOldHeightsAreStillWatched: another signed block of a height far below the head is evidence.
func TestOldHeightsAreStillWatched(t *testing.T) {
	f := appchaintest.New(t, appchaintest.Small, start)
	m := f.NewMaker(t)
	blocks := m.Ticks(2)
	fork := m.Fork()
	blocks = append(blocks, m.Ticks(6)...)
	other := []ledger.Block{blocks[1], fork.Own(&ledger.Tick{}, &ledger.Tick{}), fork.Own(&ledger.Tick{})}
	n, hear := hearing(t, f)
	if err := n.Import(t.Context(), blocks); err != nil {
		t.Fatal(err)
	}
	if v := hear(other...); v != appchain.Accept {
		t.Errorf("a second block of one height: %s, want it relayed", v)
	}
	until(t, n, "the proof is there", nothing, n.Compromised)
	if e := n.Evidence(); e.Second == nil || e.First.Header.Height != 3 {
		t.Errorf("evidence is %+v", e)
	}
}

// TestOldNotices: a notice that is kept already is neither kept again nor relayed.
func TestOldNotices(t *testing.T) {
	f := appchaintest.New(t, appchaintest.Small, start)
	n, net := newNode(t, f, openMem(t)), appchaintest.NewCaptured()
	background(t, must(appchain.NewFollower(appchain.FollowerConfig{Node: n, Network: net})).Run)
	until(t, n, "the follower listens", nothing, func() bool { return net.Topic(appchain.TopicNotices) != nil })
	hear := func(reason string) appchain.Verdict {
		notice := wire.Notice{Tx: codec.Hash{1}, Code: ledger.CodeFunds, Reason: reason}
		notice.Signature = must(f.Processor.SignDigest(notice.Digest(f.Genesis)))
		return net.Topic(appchain.TopicNotices)(t.Context(), "peer", codec.Marshal(&notice))
	}
	for i, test := range []struct {
		reason string
		want   appchain.Verdict
	}{{"one", appchain.Accept}, {"one", appchain.Ignore}, {"two", appchain.Accept}, {"two", appchain.Ignore}} {
		if got := hear(test.reason); got != test.want {
			t.Errorf("notice %d: %s, want %s", i+1, got, test.want)
		}
	}
	if kept := must(n.Notice(codec.Hash{1})); kept == nil || kept.Reason != "two" {
		t.Errorf("kept is %+v", kept)
	}
}
