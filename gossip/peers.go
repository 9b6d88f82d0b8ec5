package gossip

import (
	"context"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/libp2p/go-libp2p/core/control"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	ma "github.com/multiformats/go-multiaddr"
)

const (
	firstRedial = 250 * time.Millisecond
	lastRedial  = 10 * time.Second
	dialTimeout = 10 * time.Second
	// settled is how long a connection must have lasted for the next pause to be short again,
	// so that a peer which accepts and hangs up is not dialled in a tight loop.
	settled = 30 * time.Second
)

// gater lets in who is on the list, or everybody when there is none.
type gater struct{ allow map[peer.ID]bool }

func (g gater) allows(id peer.ID) bool { return g.allow == nil || g.allow[id] }

func (g gater) InterceptPeerDial(id peer.ID) bool { return g.allows(id) }

func (g gater) InterceptAddrDial(peer.ID, ma.Multiaddr) bool { return true }

func (g gater) InterceptAccept(network.ConnMultiaddrs) bool { return true }

// InterceptSecured is where the peer has proven who it is.
func (g gater) InterceptSecured(_ network.Direction, id peer.ID, _ network.ConnMultiaddrs) bool {
	return g.allows(id)
}

func (g gater) InterceptUpgraded(network.Conn) (bool, control.DisconnectReason) { return true, 0 }

// watcher tells who waits for a peer that its connection has come or gone.
type watcher struct {
	mu      sync.Mutex
	waiting map[peer.ID]chan struct{}
}

// changes returns a channel that gets a value after each change.
func (w *watcher) changes(id peer.ID) <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	c := make(chan struct{}, 1)
	w.waiting[id] = c
	return c
}

func (w *watcher) changed(id peer.ID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case w.waiting[id] <- struct{}{}:
	default: // nobody waits, or has been told already
	}
}

// keepConnected dials a static peer whenever it is not connected, until ctx is done.
func (r *run) keepConnected(ctx context.Context, info peer.AddrInfo, changes <-chan struct{}) {
	pauses := backoff.NewExponentialBackOff()
	pauses.InitialInterval, pauses.MaxInterval = firstRedial, lastRedial
	r.host.Peerstore().AddAddrs(info.ID, info.Addrs, peerstore.PermanentAddrTTL)
	failed := false
	for ctx.Err() == nil {
		if connected(r.host, info.ID) {
			failed = false
			since := time.Now()
			select {
			case <-changes:
			case <-ctx.Done():
			}
			if time.Since(since) >= settled {
				pauses.Reset()
			}
			continue
		}
		if err := r.dial(ctx, info); err == nil {
			r.log.Debug("gossip: connected to static peer", "peer", info.ID.String())
		} else if !failed && ctx.Err() == nil {
			failed = true
			r.log.Info("gossip: static peer cannot be reached and is dialled until it can", "peer", info.ID.String(), "err", err)
		}
		// The pause is made after a success too: see settled.
		select {
		case <-time.After(pauses.NextBackOff()):
		case <-ctx.Done():
		}
	}
}

func (r *run) dial(ctx context.Context, info peer.AddrInfo) error {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	// libp2p waits up to minutes before it dials an address again that has failed; the pauses
	// here are what keeps dialling within bounds.
	if s, ok := r.host.Network().(*swarm.Swarm); ok {
		s.Backoff().Clear(info.ID)
	}
	return r.host.Connect(ctx, info)
}

func connected(h host.Host, id peer.ID) bool {
	return h.Network().Connectedness(id) == network.Connected
}
