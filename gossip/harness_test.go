package gossip_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	"go.uber.org/goleak"

	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/gossip"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// libp2p's logger has a writer that lives as long as the process.
		goleak.IgnoreAnyFunction("github.com/libp2p/go-libp2p/gologshim/writer.(*MirrorWriter).logRoutine"),
		goleak.IgnoreTopFunction("github.com/ipfs/go-log/v2/writer.(*MirrorWriter).logRoutine"),
	)
}

var testNetwork = codec.Keccak([]byte("test network"))

// wireName is a topic or protocol as it is named on the network.
func wireName(name string) string {
	return "/trine/" + hex.EncodeToString(testNetwork[:16]) + "/" + name
}

// patience is how long a condition may take to come true on a busy machine.
const patience = 30 * time.Second

// eventually waits for a condition.
func eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience)
	for !condition() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("not within %s: %s", patience, what)
		}
	}
}

// clock is moved by tests.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: time.Unix(1_800_000_000, 0)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// syncBuffer is a log that several goroutines write.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// node is a host with what it has seen.
type node struct {
	*gossip.Host
	config gossip.Config
	log    *syncBuffer
	stop   func()

	mu     sync.Mutex
	heard  map[string]int // messages by content
	deeds  map[string]int // misdeeds by "peer deed"
	drops  map[string]int // by "topic reason"
	served map[string]int // by refusal
}

func newIdentity(t testing.TB) crypto.PrivKey {
	t.Helper()
	key, _, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// newNode makes a host on a free port of loopback; change may alter its configuration.
func newNode(t testing.TB, c *clock, change func(*gossip.Config)) *node {
	t.Helper()
	n := &node{log: &syncBuffer{}, heard: map[string]int{}, deeds: map[string]int{}, drops: map[string]int{}, served: map[string]int{}, stop: func() {}}
	n.config = gossip.Config{
		Network:  testNetwork,
		Identity: newIdentity(t),
		Listen:   []string{"/ip4/127.0.0.1/tcp/0"},
		Log:      slog.New(slog.NewTextHandler(n.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Now:      c.now,
		Events: gossip.Events{
			Misbehaved: func(peer, deed string) { n.count(n.deeds, peer+" "+deed) },
			Dropped:    func(topic, reason string) { n.count(n.drops, topic+" "+reason) },
			Served:     func(_, refusal string) { n.count(n.served, refusal) },
		},
	}
	if change != nil {
		change(&n.config)
	}
	var err error
	if n.Host, err = gossip.New(n.config); err != nil {
		t.Fatal(err)
	}
	return n
}

func (n *node) count(in map[string]int, key string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	in[key]++
}

func (n *node) get(in map[string]int, key string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return in[key]
}

func (n *node) misdeeds() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.deeds)
}

// listen subscribes with a handler that counts and answers by verdict.
func (n *node) listen(t testing.TB, topic string, verdict func(message string) gossip.Verdict) (cancel func()) {
	t.Helper()
	cancel, err := n.Subscribe(topic, func(_ context.Context, _ string, message []byte) gossip.Verdict {
		n.count(n.heard, string(message))
		return verdict(string(message))
	})
	if err != nil {
		t.Fatal(err)
	}
	return cancel
}

func always(v gossip.Verdict) func(string) gossip.Verdict {
	return func(string) gossip.Verdict { return v }
}

// start runs the host until stop is called or the test ends.
func (n *node) start(t testing.TB) *node {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	n.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(n.stop)
	eventually(t, "the host listens", func() bool { return len(n.Addresses()) > 0 || len(n.config.Listen) == 0 })
	return n
}

// peersOf returns a change that makes others static peers.
func peersOf(others ...*node) func(*gossip.Config) {
	return func(c *gossip.Config) {
		for _, o := range others {
			c.Peers = append(c.Peers, o.Addresses()...)
		}
	}
}

// publishUntil publishes the message in one round after the other until the condition holds:
// what the owner of every message does.
func publishUntil(t testing.TB, c *clock, n *node, topic, message, what string, condition func() bool) {
	t.Helper()
	eventually(t, what, func() bool {
		if condition() {
			return true
		}
		c.advance(gossip.RoundLength)
		if err := n.Publish(context.Background(), topic, []byte(message)); err != nil {
			t.Fatal(err)
		}
		return condition()
	})
}

// stranger is a libp2p host with its own ideas of what to send.
type stranger struct {
	host.Host
	topic *pubsub.Topic
}

// newStranger connects to a node and joins a topic, and obeys the options only.
func newStranger(t testing.TB, to *node, topic string, options ...pubsub.Option) *stranger {
	t.Helper()
	h, err := libp2p.New(libp2p.NoListenAddrs, libp2p.Transport(tcp.NewTCPTransport), libp2p.DisableRelay(), libp2p.DisableMetrics(), libp2p.Identity(newIdentity(t)))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(func() {
		cancel()
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	options = append([]pubsub.Option{
		pubsub.WithMaxMessageSize(8 << 20),
		pubsub.WithFloodPublish(true),
		pubsub.WithLogger(slog.New(slog.DiscardHandler)),
	}, options...)
	router, err := pubsub.NewGossipSub(ctx, h, options...)
	if err != nil {
		t.Fatal(err)
	}
	s := &stranger{Host: h}
	if s.topic, err = router.Join(wireName(topic)); err != nil {
		t.Fatal(err)
	}
	info, err := peer.AddrInfoFromString(to.Addresses()[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Connect(ctx, *info); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the stranger sees the node on the topic", func() bool { return len(s.topic.ListPeers()) == 1 })
	return s
}

func (s *stranger) name() string { return s.ID().String() }

// publish sends content with the round of this time in front.
func (s *stranger) publish(t testing.TB, at time.Time, content []byte) {
	t.Helper()
	round := uint32(at.Unix() / int64(gossip.RoundLength/time.Second)) // small
	if err := s.topic.Publish(context.Background(), append(binary.BigEndian.AppendUint32(nil, round), content...)); err != nil {
		t.Fatal(err)
	}
}

func numbered(n int) []byte { return fmt.Appendf(nil, "message %d", n) }
