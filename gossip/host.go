package gossip

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/libp2p/go-libp2p"
	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
)

// ErrNotRunning is the answer of a host whose Run has not begun or has ended.
var ErrNotRunning = errors.New("gossip host is not running")

// ErrBusy is the answer to a message that does not fit the queue of those to be sent.
var ErrBusy = errors.New("too much waits to be sent; publish again later")

// Host is a node of the network. Its methods are safe for concurrent use.
type Host struct {
	settings *settings
	network  string // the network's id, as it stands in names
	conduct  *conduct
	ready    chan struct{} // closed when the first run has begun

	mu       sync.Mutex
	handlers map[string][]*subscription
	services map[string]*service
	run      *run // nil while there is none
}

// New checks the configuration. It starts nothing.
func New(c Config) (*Host, error) {
	s, err := c.parse()
	if err != nil {
		return nil, err
	}
	return &Host{
		settings: s,
		network:  "trine/" + hex.EncodeToString(c.Network[:16]),
		conduct:  newConduct(s),
		ready:    make(chan struct{}),
		handlers: map[string][]*subscription{},
		services: map[string]*service{},
	}, nil
}

// ID returns the host's name on the network.
func (h *Host) ID() string { return h.settings.id.String() }

// Ready is closed when the host listens and has joined its topics for the first time.
func (h *Host) Ready() <-chan struct{} { return h.ready }

// Addresses returns where the host listens, as multiaddresses with its id; none while it
// does not run.
func (h *Host) Addresses() []string {
	r := h.current()
	if r == nil {
		return nil
	}
	var all []string
	for _, a := range r.host.Addrs() {
		all = append(all, a.String()+"/p2p/"+h.ID())
	}
	return all
}

// Connected returns the ids of the connected peers.
func (h *Host) Connected() []string {
	r := h.current()
	if r == nil {
		return nil
	}
	var all []string
	for _, id := range r.host.Network().Peers() {
		all = append(all, id.String())
	}
	return all
}

func (h *Host) current() *run {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.run
}

// Run listens, dials and relays until ctx is done. It fails at its beginning only: when it
// cannot listen at each of its addresses. When it returns everything has ended that it began. A host has one run at a time; after one has ended there may be another.
func (h *Host) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r, err := h.begin(ctx)
	if err != nil {
		return fmt.Errorf("gossip: %w", err)
	}
	r.tasks.Go(func() { r.send(ctx) })
	for _, info := range h.settings.static {
		changes := r.watch.changes(info.ID)
		r.tasks.Go(func() { r.keepConnected(ctx, info, changes) })
	}
	h.settings.Log.Info("gossip: listening", "id", h.ID(), "addresses", h.Addresses())
	<-ctx.Done()
	h.mu.Lock()
	h.run = nil
	h.mu.Unlock()
	r.close()
	return nil
}

// run is what lives while Run does.
type run struct {
	owner      *Host
	ctx        context.Context //nolint:containedctx // of the run, for what libp2p calls
	log        *slog.Logger
	events     Events
	conduct    *conduct
	host       host.Host
	topics     map[string]*topicRun // by name
	byWireName map[string]Topic     // by the name that the network uses
	outbox     *outbox
	served     *places
	watch      watcher

	entering sync.RWMutex // held to begin a task, and to end the beginning of tasks
	ended    bool
	tasks    sync.WaitGroup
}

// enter reports whether a task may begin; if so it must end with tasks.Done.
func (r *run) enter() bool {
	r.entering.RLock()
	defer r.entering.RUnlock()
	if r.ended {
		return false
	}
	r.tasks.Add(1)
	return true
}

// close ends libp2p and waits for everything that it called.
func (r *run) close() {
	if err := r.host.Close(); err != nil {
		r.log.Debug("gossip: closing", "err", err)
	}
	r.entering.Lock()
	r.ended = true
	r.entering.Unlock()
	r.tasks.Wait()
}

// begin makes a run and publishes it to the host's methods.
func (h *Host) begin(ctx context.Context) (*run, error) {
	s := h.settings
	r := &run{
		owner: h, ctx: ctx, log: s.Log, events: s.Events, conduct: h.conduct,
		topics:     map[string]*topicRun{},
		byWireName: map[string]Topic{},
		outbox:     newOutbox(),
		served:     newPlaces(s.static),
		watch:      watcher{waiting: map[peer.ID]chan struct{}{}},
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.run != nil {
		return nil, errors.New("host runs already")
	}
	var err error
	if r.host, err = newLibp2p(s); err != nil {
		return nil, err
	}
	if err := r.join(ctx); err != nil {
		return nil, errors.Join(err, r.host.Close())
	}
	h.run = r
	for topic := range h.handlers {
		h.updateTopic(topic)
	}
	for _, s := range h.services {
		r.serve(s)
	}
	select {
	case <-h.ready:
	default:
		close(h.ready)
	}
	return r, nil
}

func newLibp2p(s *settings) (host.Host, error) {
	h, err := libp2p.New(
		libp2p.Identity(s.Identity),
		// Sharing a port would let two daemons listen at one address and each get half of
		// the connections.
		libp2p.Transport(tcp.NewTCPTransport, tcp.DisableReuseport()),
		libp2p.ConnectionGater(gater{s.allow}),
		libp2p.DisableRelay(),
		libp2p.DisableMetrics(),
		libp2p.Ping(false),
		libp2p.UserAgent("trine"),
		// A constructor that cannot listen leaves goroutines behind, so that comes after it.
		libp2p.NoListenAddrs,
	)
	if err != nil {
		return nil, err
	}
	// One by one: of several at once libp2p is content with any.
	for _, addr := range s.listen {
		if err := h.Network().Listen(addr); err != nil {
			return nil, errors.Join(fmt.Errorf("listen at %s: %w; end the program that has the address (is this daemon running already?), or choose another in gossip.listen", addr, err), h.Close())
		}
	}
	return h, nil
}

// join sets up GossipSub with all topics and watches connections.
func (r *run) join(ctx context.Context) error {
	s := r.owner.settings
	var names []string
	for _, t := range s.Topics {
		name := "/" + r.owner.network + "/" + t.Name
		names = append(names, name)
		r.byWireName[name] = t
	}
	router, err := newRouter(ctx, r, names)
	if err != nil {
		return err
	}
	for name, t := range r.byWireName {
		handle, err := router.Join(name)
		if err != nil {
			return fmt.Errorf("topic %s: %w", t.Name, err)
		}
		tr := &topicRun{Topic: t, handle: handle, workers: make(chan struct{}, t.Workers)}
		r.topics[t.Name] = tr
		err = router.RegisterTopicValidator(name, r.validate(tr), pubsub.WithValidatorConcurrency(t.Places), pubsub.WithValidatorTimeout(handlerTimeout))
		if err != nil {
			return fmt.Errorf("topic %s: %w", t.Name, err)
		}
	}
	notify := func(_ network.Network, c network.Conn) {
		r.watch.changed(c.RemotePeer())
		r.events.Peers(len(r.host.Network().Peers()))
	}
	r.host.Network().Notify(&network.NotifyBundle{ConnectedF: notify, DisconnectedF: notify})
	return nil
}

// addressOf returns where a peer is connected from, for logs.
func (r *run) addressOf(id peer.ID) string {
	for _, c := range r.host.Network().ConnsToPeer(id) {
		return c.RemoteMultiaddr().String()
	}
	return ""
}
