package gossip

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/trinebridge/trine/codec"
)

// The topics of a Trine network.
const (
	TopicTransactions = "transactions"
	TopicBlocks       = "blocks"
	TopicAttestations = "attestations"
	TopicApprovals    = "approvals"
	TopicAcks         = "acks"
	TopicNotices      = "notices"
	TopicAlerts       = "alerts"
)

// RoundLength is how long the same message published twice stays one.
const RoundLength = 2 * time.Second

// MaxAge is by how much a message's round and the receiver's clock may differ.
const MaxAge = time.Minute

// Topic bounds what a topic may carry.
type Topic struct {
	Name string
	// MaxSize of a message in bytes.
	MaxSize int
	// Rate is how many messages a second one peer may send, its own and relayed ones
	// together; ByteRate is how many bytes. For a moment it may be four times as much.
	Rate, ByteRate int
	// Places is how many messages may wait for a handler or be with one. What comes when
	// they are taken is dropped: the newest goes, because it will be published again.
	Places int
	// Workers is how many of them are with handlers at the same time.
	Workers int
}

// DefaultTopics returns the topics with the bounds that suit a network of a few dozen nodes.
// A transaction may hold a certificate of 256 events; a message of blocks holds as many
// blocks as fit.
func DefaultTopics() []Topic {
	const small = 4 << 10
	return []Topic{
		{Name: TopicTransactions, MaxSize: 512 << 10, Rate: 5000, ByteRate: 16 << 20, Places: 256, Workers: 4},
		// One worker, so that blocks are mostly taken in the order in which they come.
		{Name: TopicBlocks, MaxSize: 1 << 20, Rate: 2000, ByteRate: 32 << 20, Places: 64, Workers: 1},
		{Name: TopicAttestations, MaxSize: small, Rate: 2000, ByteRate: 2 << 20, Places: 1024, Workers: 4},
		{Name: TopicApprovals, MaxSize: small, Rate: 2000, ByteRate: 2 << 20, Places: 1024, Workers: 4},
		{Name: TopicAcks, MaxSize: small, Rate: 500, ByteRate: 1 << 20, Places: 1024, Workers: 4},
		{Name: TopicNotices, MaxSize: small, Rate: 5000, ByteRate: 4 << 20, Places: 1024, Workers: 1},
		{Name: TopicAlerts, MaxSize: small, Rate: 20, ByteRate: 64 << 10, Places: 64, Workers: 1},
	}
}

// Config says who the host is and whom it talks to. Network and Identity must be set.
type Config struct {
	// Network is the id of the network: the genesis hash of the app chain.
	Network codec.Hash
	// Identity is the host's Ed25519 key; see LoadOrCreateIdentity.
	Identity crypto.PrivKey
	// Listen are the multiaddresses to listen at, as in /ip4/0.0.0.0/tcp/9000. Without one
	// the host only dials.
	Listen []string
	// Peers are the static peers: multiaddresses that end with /p2p/ID.
	Peers []string
	// Allow, unless it is empty, lists the ids of the only peers, besides the static ones,
	// that may connect.
	Allow []string
	// Topics are the topics and their bounds; DefaultTopics when nil.
	Topics []Topic
	// Log takes what the host has to say; it is dropped when nil.
	Log *slog.Logger
	// Events are told what happens, for metrics.
	Events Events
	// Now is the clock of rounds, rates and penalties; time.Now when nil.
	Now func() time.Time
}

// Events are called as things happen, from several goroutines; they must not block. Each may be nil.
type Events struct {
	// Received: a message came in and was given this verdict.
	Received func(topic string, bytes int, verdict Verdict)
	// Dropped: a message was not handed to handlers, or not sent, for a reason out of a short list.
	Dropped func(topic, reason string)
	// Published: a message was sent.
	Published func(topic string, bytes int)
	// Peers: the number of connected peers has changed.
	Peers func(connected int)
	// Requested: a request to a peer has ended, with its answer or an error.
	Requested func(protocol string, took time.Duration, err error)
	// Served: a request of a peer was answered, or refused for a reason out of a short list.
	Served func(protocol, refusal string)
	// Misbehaved: a peer did something that no honest peer does.
	Misbehaved func(peer, deed string)
}

// Validate reports every fault at once.
func (c Config) Validate() error {
	_, err := c.parse()
	return err
}

// settings are a Config in the types that libp2p takes.
type settings struct {
	Config
	id     peer.ID
	listen []ma.Multiaddr
	static []peer.AddrInfo
	allow  map[peer.ID]bool // nil when everybody may connect
}

func (c Config) parse() (*settings, error) {
	s := &settings{Config: c.withDefaults()}
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if c.Network.IsZero() {
		fault("the network id is zero: give the genesis hash")
	}
	if c.Identity == nil {
		fault("no identity is given")
	} else if id, err := peer.IDFromPrivateKey(c.Identity); err != nil {
		fault("identity: %w", err)
	} else {
		s.id = id
	}
	for _, text := range c.Listen {
		addr, err := ma.NewMultiaddr(text)
		if err != nil {
			fault("listen address %q: %w", text, err)
			continue
		}
		s.listen = append(s.listen, addr)
	}
	static := map[peer.ID]*peer.AddrInfo{}
	for _, text := range c.Peers {
		info, err := peer.AddrInfoFromString(text)
		switch {
		case err != nil:
			fault("peer %q: %w; write it as /ip4/ADDRESS/tcp/PORT/p2p/ID", text, err)
		case info.ID == s.id:
			// One list of all daemons serves them all.
		case static[info.ID] != nil:
			static[info.ID].Addrs = append(static[info.ID].Addrs, info.Addrs...)
		default:
			static[info.ID] = info
		}
	}
	if len(c.Allow) > 0 {
		s.allow = map[peer.ID]bool{}
	}
	for _, text := range c.Allow {
		id, err := peer.Decode(text)
		if err != nil {
			fault("allowed peer %q: %w", text, err)
			continue
		}
		s.allow[id] = true
	}
	for id, info := range static {
		s.static = append(s.static, *info)
		if s.allow != nil {
			s.allow[id] = true
		}
	}
	names := map[string]bool{}
	for _, t := range s.Topics {
		if t.Name == "" || names[t.Name] {
			fault("topic %q has no name or is listed twice", t.Name)
		}
		names[t.Name] = true
		if t.MaxSize <= 0 || t.Rate <= 0 || t.Places <= 0 || t.Workers <= 0 || t.ByteRate*burstSeconds < t.MaxSize {
			fault("topic %s: sizes, rates, places and workers must be positive, and %d seconds of its byte rate must hold a message", t.Name, burstSeconds)
		}
	}
	if len(faults) > 0 {
		return nil, fmt.Errorf("gossip: configuration: %w", errors.Join(faults...))
	}
	return s, nil
}

func (c Config) withDefaults() Config {
	if c.Topics == nil {
		c.Topics = DefaultTopics()
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	c.Events = c.Events.withDefaults()
	return c
}

func (e Events) withDefaults() Events {
	if e.Received == nil {
		e.Received = func(string, int, Verdict) {}
	}
	if e.Dropped == nil {
		e.Dropped = func(string, string) {}
	}
	if e.Published == nil {
		e.Published = func(string, int) {}
	}
	if e.Peers == nil {
		e.Peers = func(int) {}
	}
	if e.Requested == nil {
		e.Requested = func(string, time.Duration, error) {}
	}
	if e.Served == nil {
		e.Served = func(string, string) {}
	}
	if e.Misbehaved == nil {
		e.Misbehaved = func(string, string) {}
	}
	return e
}
