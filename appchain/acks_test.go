package appchain_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/appchain"
	"github.com/trinebridge/trine/appchain/appchaintest"
	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/gossip/wire"
	"github.com/trinebridge/trine/ledger"
	"github.com/trinebridge/trine/signing"
	"github.com/trinebridge/trine/signing/guard"
)

// withAction returns blocks the last of which emits an action: a deposit, and its withdrawal.
func withAction(t *testing.T, f *appchaintest.Fixture, m *appchaintest.Maker) []ledger.Block {
	t.Helper()
	user := appchaintest.Key("user")
	h := deposits(t, f, 1)
	return []ledger.Block{
		m.Own(f.Attach(t)),
		m.Own(f.Attest(t, h, 1, 1)),
		m.Block(f.Tx(t, user, 1, m.Time, &ledger.Withdraw{
			Chain: appchaintest.ChainID, Asset: appchaintest.Asset, To: codec.LeftPad([]byte{0xc, 19: 1}), Amount: *uint256.NewInt(500),
		})),
	}
}

func ack(t *testing.T, f *appchaintest.Fixture, key *signing.KeySigner, height uint64, hash codec.Hash) wire.Ack {
	t.Helper()
	return wire.Ack{Height: height, Block: hash, Signature: must(key.SignDigest(bridgecontracts.AckDigest(f.Genesis, height, hash)))}
}

func TestAckBook(t *testing.T) {
	f := appchaintest.New(t, appchaintest.Small, start)
	m := f.NewMaker(t)
	blocks := m.Ticks(6)
	n := newNode(t, f, openMem(t))
	if err := n.Import(t.Context(), blocks[:4]); err != nil {
		t.Fatal(err)
	}
	book := appchain.NewAckBook(n, appchaintest.NewNetwork(t).Host("node"), nil)
	hash := func(height int) codec.Hash { return blocks[height-1].Header.Hash() }
	steps := []struct {
		name   string
		key    *signing.KeySigner
		height int
		hash   codec.Hash
		want   uint64 // acknowledged afterwards
		err    string
	}{
		{"one listener", f.Listeners[0], 3, hash(3), 0, ""},
		{"one approver", f.Approvers[0], 2, hash(2), 0, ""},
		{"a second listener", f.Listeners[1], 2, hash(2), 0, ""},
		{"a second approver: the lowest of the four counts", f.Approvers[1], 4, hash(4), 2, ""},
		{"going back changes nothing", f.Listeners[0], 1, hash(1), 2, ""},
		{"a listener that goes on, alone", f.Listeners[1], 4, hash(4), 2, ""},
		{"and an approver", f.Approvers[2], 3, hash(3), 3, ""},
		{"a stranger", appchaintest.Key("stranger"), 4, hash(4), 3, "no listener or approver"},
		{"the processor", f.Processor, 4, hash(4), 3, "no listener or approver"},
		{"another chain's block", f.Listeners[2], 4, hash(3), 3, "is not on this node's chain"},
		{"no height", f.Listeners[2], 0, hash(4), 3, "height 0"},
		{"a block that this node does not have yet", f.Listeners[0], 5, hash(5), 3, ""},
		{"and another", f.Listeners[1], 6, hash(6), 3, ""},
		{"by approvers too", f.Approvers[0], 5, hash(5), 3, ""},
		{"of both kinds", f.Approvers[1], 5, codec.Hash{1}, 4, ""},
	}
	for _, step := range steps {
		err := book.Add(ack(t, f, step.key, uint64(step.height), step.hash))
		if (err == nil) != (step.err == "") || err != nil && !strings.Contains(err.Error(), step.err) {
			t.Errorf("%s: error %v, want %q", step.name, err, step.err)
		}
		if step.name == "of both kinds" {
			continue
		}
		if got := must(book.Acknowledged()); got != step.want {
			t.Errorf("%s: acknowledged up to %d, want %d", step.name, got, step.want)
		}
	}
	background(t, book.Run)
	if err := n.Import(t.Context(), blocks[4:]); err != nil {
		t.Fatal(err)
	}
	// What was ahead counts now, but for the one that is on another chain: that approver stays at 4.
	until(t, n, "what was ahead counts", nothing, func() bool { return must(book.Acknowledged()) == 4 })
	if err := book.Add(ack(t, f, f.Approvers[2], 6, hash(6))); err != nil {
		t.Fatal(err)
	}
	if got := must(book.Acknowledged()); got != 5 {
		t.Errorf("acknowledged up to %d, want 5", got)
	}
}

func TestAcknowledger(t *testing.T) {
	f, net := appchaintest.New(t, appchaintest.Small, start), appchaintest.NewNetwork(t)
	m := f.NewMaker(t)
	blocks := withAction(t, f, m)
	n := newNode(t, f, openMem(t))
	book := appchain.NewAckBook(n, net.Host("book"), nil)
	background(t, book.Run)
	for i, key := range []*signing.KeySigner{f.Listeners[0], f.Listeners[1], f.Approvers[0], f.Approvers[1]} {
		a := must(appchain.NewAcknowledger(appchain.AcknowledgerConfig{
			Node: n, Network: net.Host(string(rune('a' + i))), Guard: must(guard.New(key, openMem(t))), Book: appchain.NewAckBook(n, net.Host("own"), nil), Repeat: 20 * time.Millisecond,
		}))
		background(t, a.Run)
	}
	if err := n.Import(t.Context(), blocks[:2]); err != nil {
		t.Fatal(err)
	}
	if got := must(book.Acknowledged()); got != 0 {
		t.Fatalf("acknowledged up to %d, although no action waits", got)
	}
	if err := n.Import(t.Context(), blocks[2:]); err != nil {
		t.Fatal(err)
	}
	until(t, n, "the block with the action is acknowledged", nothing, func() bool { return must(book.Acknowledged()) == 3 })
	// Nobody needs the later ones acknowledged.
	if err := n.Import(t.Context(), m.Ticks(2)); err != nil {
		t.Fatal(err)
	}
	if got := must(book.Acknowledged()); got != 3 {
		t.Errorf("acknowledged up to %d, although the action is covered by 3", got)
	}
}

// A member is one of its quorum: two of three approvers are enough when they are all that run,
// though neither hears itself.
func TestMembersCountThemselves(t *testing.T) {
	f, net := appchaintest.New(t, appchaintest.Small, start), appchaintest.NewNetwork(t)
	m := f.NewMaker(t)
	blocks := withAction(t, f, m)
	n := newNode(t, f, openMem(t))
	var books []*appchain.AckBook
	for i, key := range []*signing.KeySigner{f.Listeners[0], f.Listeners[1], f.Approvers[0], f.Approvers[1]} {
		host := net.Host(string(rune('a' + i)))
		book := appchain.NewAckBook(n, host, nil)
		background(t, book.Run)
		books = append(books, book)
		a := must(appchain.NewAcknowledger(appchain.AcknowledgerConfig{
			Node: n, Network: host, Guard: must(guard.New(key, openMem(t))), Book: book, Repeat: 20 * time.Millisecond,
		}))
		background(t, a.Run)
	}
	if err := n.Import(t.Context(), blocks); err != nil {
		t.Fatal(err)
	}
	for i, book := range books {
		until(t, n, "the block with the action is acknowledged for member "+string(rune('a'+i)), nothing, func() bool { return must(book.Acknowledged()) == 3 })
	}
}

// TestAcknowledgerWaits: a node that was set back does not sign below what its key has
// signed, and one on another branch never signs.
func TestAcknowledgerOfOneHistory(t *testing.T) {
	f, net := appchaintest.New(t, appchaintest.Small, start), appchaintest.NewNetwork(t)
	m := f.NewMaker(t)
	blocks := withAction(t, f, m)
	other := m.Fork()
	blocks, theirs := append(blocks, m.Ticks(2)...), append(append([]ledger.Block{}, blocks...), other.Own(&ledger.Tick{}, &ledger.Tick{}), other.Own(&ledger.Tick{}), other.Own(&ledger.Tick{}))
	kv := openMem(t)
	g := must(guard.New(f.Listeners[0], kv))
	acknowledge := func(n *appchain.Node) *appchain.Acknowledger {
		return must(appchain.NewAcknowledger(appchain.AcknowledgerConfig{Node: n, Network: net.Host("member"), Guard: g, Book: appchain.NewAckBook(n, net.Host("member"), nil)}))
	}
	first := newNode(t, f, openMem(t))
	if err := first.Import(t.Context(), blocks); err != nil {
		t.Fatal(err)
	}
	stop := background(t, acknowledge(first).Run)
	acknowledged := func() uint64 {
		height, _, _, err := g.Acknowledged(f.Genesis)
		if err != nil {
			t.Fatal(err)
		}
		return height
	}
	until(t, first, "the newest block is acknowledged", nothing, func() bool { return acknowledged() == 5 })
	stop()

	behind := newNode(t, f, openMem(t))
	if err := behind.Import(t.Context(), blocks[:4]); err != nil {
		t.Fatal(err)
	}
	stop = background(t, acknowledge(behind).Run)
	if err := behind.Import(t.Context(), append(blocks[4:5:5], m.Ticks(1)...)); err != nil {
		t.Fatal(err)
	}
	until(t, behind, "it has caught up and signs again", nothing, func() bool { return acknowledged() >= 5 })
	stop()

	branch := newNode(t, f, openMem(t))
	if err := branch.Import(t.Context(), theirs); err != nil {
		t.Fatal(err)
	}
	if err := branch.Import(t.Context(), []ledger.Block{other.Own(&ledger.Tick{})}); err != nil {
		t.Fatal(err)
	}
	if err := acknowledge(branch).Run(t.Context()); !errors.Is(err, signing.ErrDoubleSign) {
		t.Errorf("on another branch: %v", err)
	}
}
