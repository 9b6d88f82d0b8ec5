package gossip_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/gossip"
)

// connectedTo reports whether a host is connected to all of these.
func connectedTo(n *node, others ...*node) func() bool {
	return func() bool {
		all := n.Connected()
		for _, o := range others {
			if !slices.Contains(all, o.ID()) {
				return false
			}
		}
		return true
	}
}

// Whichever side of a static connection stops and comes back, at its old address, finds the
// other again, with its handlers in place.
func TestRestart(t *testing.T) {
	c := newClock()
	hub := newNode(t, c, nil).start(t)
	address := hub.Addresses()[0]
	spoke := newNode(t, c, func(g *gossip.Config) { g.Peers = []string{address} })
	spoke.listen(t, gossip.TopicAcks, always(gossip.Accept))
	spoke.start(t)
	eventually(t, "connected", connectedTo(spoke, hub))

	// The spoke's host runs again: it keeps its handlers.
	spoke.stop()
	eventually(t, "the hub sees it go", func() bool { return len(hub.Connected()) == 0 })
	spoke.start(t)
	eventually(t, "connected again", connectedTo(spoke, hub))
	publishUntil(t, c, hub, gossip.TopicAcks, "to the spoke", "heard after the spoke's restart", func() bool { return spoke.get(spoke.heard, "to the spoke") > 0 })

	// The hub is a new process with its old identity and port.
	hub.stop()
	eventually(t, "the spoke sees it go", func() bool { return len(spoke.Connected()) == 0 })
	listen, _, _ := strings.Cut(address, "/p2p/")
	again := newNode(t, c, func(g *gossip.Config) { g.Identity, g.Listen = hub.config.Identity, []string{listen} }).start(t)
	eventually(t, "the spoke dials the new hub", connectedTo(spoke, again))
	publishUntil(t, c, again, gossip.TopicAcks, "from the new hub", "heard after the hub's restart", func() bool { return spoke.get(spoke.heard, "from the new hub") > 0 })
}

// A static peer that is not there yet is dialled until it is.
func TestStaticPeerComesLater(t *testing.T) {
	c := newClock()
	first := newNode(t, c, nil).start(t)
	address := first.Addresses()[0]
	first.stop()
	early := newNode(t, c, func(g *gossip.Config) { g.Peers = []string{address} }).start(t)
	eventually(t, "the first failure is logged", func() bool { return strings.Contains(early.log.String(), "cannot be reached") })
	listen, _, _ := strings.Cut(address, "/p2p/")
	later := newNode(t, c, func(g *gossip.Config) { g.Identity, g.Listen = first.config.Identity, []string{listen} }).start(t)
	eventually(t, "connected", connectedTo(early, later))
	if n := strings.Count(early.log.String(), "cannot be reached"); n != 1 {
		t.Errorf("%d log lines about one absence, want 1", n)
	}
}

func TestAllowList(t *testing.T) {
	c := newClock()
	friend := newNode(t, c, nil)
	static := newNode(t, c, nil).start(t)
	closed := newNode(t, c, func(g *gossip.Config) { g.Allow, g.Peers = []string{friend.ID()}, static.Addresses() }).start(t)
	friend = newNode(t, c, func(g *gossip.Config) { g.Identity, g.Peers = friend.config.Identity, closed.Addresses() }).start(t)
	unknown := newNode(t, c, peersOf(closed)).start(t)
	eventually(t, "the listed and the static peer are let in", connectedTo(closed, friend, static))
	// Its dialling succeeds, because the other side decides only when it knows who has
	// called; then it is hung up on, and tries again.
	eventually(t, "the unknown peer is turned away", func() bool {
		return strings.Count(unknown.log.String(), "to static peer")+strings.Count(unknown.log.String(), "cannot be reached") >= 2 && !connectedTo(unknown, closed)()
	})
	if slices.Contains(closed.Connected(), unknown.ID()) {
		t.Error("the unknown peer was let in")
	}
}

// Hosts of different networks hear nothing of each other, and stay polite.
func TestNetworksAreApart(t *testing.T) {
	c := newClock()
	ours := newNode(t, c, nil).start(t)
	ours.listen(t, gossip.TopicAcks, always(gossip.Accept))
	theirs := newNode(t, c, func(g *gossip.Config) {
		g.Network, g.Peers = codec.Keccak([]byte("another network")), ours.Addresses()
	}).start(t)
	friend := newNode(t, c, peersOf(ours)).start(t)
	eventually(t, "all are connected", connectedTo(ours, theirs, friend))
	publishUntil(t, c, friend, gossip.TopicAcks, "friend", "our network works", func() bool {
		if err := theirs.Publish(t.Context(), gossip.TopicAcks, []byte("foreign")); err != nil {
			t.Fatal(err)
		}
		return ours.get(ours.heard, "friend") > 3
	})
	if ours.get(ours.heard, "foreign") > 0 || len(ours.deeds) > 0 {
		t.Errorf("heard %v, blamed %v", ours.heard, ours.deeds)
	}
}

func TestConfigFaultsAreReportedTogether(t *testing.T) {
	id, err := gossip.PeerID(newIdentity(t))
	if err != nil {
		t.Fatal(err)
	}
	err = gossip.Config{
		Listen: []string{"localhost:80"},
		Peers:  []string{"/ip4/127.0.0.1/tcp/1", "/ip4/127.0.0.1/tcp/1/p2p/" + id},
		Allow:  []string{"someone"},
		Topics: []gossip.Topic{{Name: "a", MaxSize: 1 << 20, Rate: 1, ByteRate: 1, Places: 1, Workers: 1}, {Name: "a", MaxSize: 1, ByteRate: 1}},
	}.Validate()
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{"network id is zero", "no identity", `listen address "localhost:80"`, `peer "/ip4/127.0.0.1/tcp/1"`, `allowed peer "someone"`, `topic "a"`, "topic a: sizes"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v: lacks %q", err, want)
		}
	}
	if err := (gossip.Config{Network: testNetwork, Identity: newIdentity(t)}).Validate(); err != nil {
		t.Errorf("the smallest configuration: %v", err)
	}
}

func TestRunFailsClearly(t *testing.T) {
	c := newClock()
	n := newNode(t, c, nil).start(t)
	listen, _, _ := strings.Cut(n.Addresses()[0], "/p2p/")
	for _, all := range [][]string{{listen}, {"/ip4/127.0.0.1/tcp/0", listen}, {listen, "/ip4/127.0.0.1/tcp/0"}} {
		taken := newNode(t, c, func(g *gossip.Config) { g.Listen = all })
		want := []string{"listen at " + listen, "address already in use", "choose another in gossip.listen"}
		err := taken.Run(t.Context())
		for _, part := range want {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("%v, of which one is taken: error is %v, want one that says %q", all, err, part)
			}
		}
	}
	if err := n.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "runs already") {
		t.Errorf("run twice: %v", err)
	}
	<-n.Ready()
}

func TestIdentityFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "identity")
	first, err := gossip.LoadOrCreateIdentity(path)
	if err != nil {
		t.Fatal(err)
	}
	again, err := gossip.LoadOrCreateIdentity(path)
	if err != nil || !again.Equals(first) {
		t.Errorf("read back: %v", err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("mode: %v, %v", info.Mode(), err)
	}
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		content string
		mode    os.FileMode
		want    string
	}{
		"open":      {string(good), 0o644, "chmod 600"},
		"truncated": {string(good[:20]), 0o600, "Ed25519"},
		"text":      {"my secret identity", 0o600, "base64"},
		"empty":     {"", 0o600, "Ed25519"},
		"large":     {strings.Repeat(string(good), 30), 0o600, "base64"},
	} {
		bad := filepath.Join(dir, name)
		if err := os.WriteFile(bad, []byte(c.content), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(bad, c.mode); err != nil {
			t.Fatal(err)
		}
		_, err := gossip.LoadOrCreateIdentity(bad)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), bad) || strings.Contains(err.Error(), string(good[5:20])) {
			t.Errorf("%s: %v, want %q, the path and no part of the key", name, err, c.want)
		}
	}
	if _, err := gossip.LoadOrCreateIdentity(filepath.Join(dir, "no", "folder")); err == nil {
		t.Error("made a file in a folder that is not there")
	}
}
