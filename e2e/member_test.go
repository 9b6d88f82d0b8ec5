//go:build e2e

package e2e

import (
	"context"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/trinebridge/trine/app"
	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/devnet"
	"github.com/trinebridge/trine/gossip"
	"github.com/trinebridge/trine/gossip/wire"
	"github.com/trinebridge/trine/listener"
	"github.com/trinebridge/trine/signing"
	"github.com/trinebridge/trine/signing/filesigner"
)

// member is a seat in hostile hands: the key and the gossip identity of a daemon that was
// stopped. It signs what its program likes; no guard stands before its key.
type member struct {
	*signing.KeySigner
	config    *app.Config
	genesis   codec.Hash
	host      *gossip.Host
	published atomic.Int64
	// leave ends its gossip; the end of the test does so too.
	leave func()
}

// daemon returns the daemon with a name.
func daemon(t *testing.T, n *devnet.Network, name string) *devnet.Process {
	t.Helper()
	for _, p := range n.Daemons {
		if p.Name == name {
			return p
		}
	}
	t.Fatalf("there is no daemon %s", name)
	return nil
}

// others returns the daemons of an honest network but those with the names.
func others(n *devnet.Network, names ...string) (out []*devnet.Process) {
	left := map[string]bool{}
	for _, name := range names {
		left[name] = true
	}
	for _, p := range n.Daemons {
		if !left[p.Name] {
			out = append(out, p)
		}
	}
	return out
}

// seize stops a daemon and takes its key and its place in the network. It returns once the
// place is connected with count others.
func seize(t *testing.T, ctx context.Context, n *devnet.Network, p *devnet.Process, count int) *member {
	t.Helper()
	if err := p.Stop(); err != nil {
		t.Fatal(err)
	}
	config, err := app.LoadConfig(p.Config)
	if err != nil {
		t.Fatal(err)
	}
	m := &member{config: config, genesis: n.Genesis.Hash()}
	if m.KeySigner, err = filesigner.Open(ctx, config.Key, filesigner.Options{Dir: filepath.Dir(p.Config)}); err != nil {
		t.Fatal(err)
	}
	identity, err := gossip.LoadOrCreateIdentity(filepath.Join(config.Resolve(config.DataDir), "gossip.key"))
	if err != nil {
		t.Fatal(err)
	}
	m.host, err = gossip.New(gossip.Config{
		Network: m.genesis, Identity: identity, Listen: config.Gossip.Listen, Peers: config.Gossip.Peers,
		Events: gossip.Events{Published: func(string, int) { m.published.Add(1) }},
	})
	if err != nil {
		t.Fatal(err)
	}
	running, stop := context.WithCancel(ctx)
	var group sync.WaitGroup
	group.Go(func() {
		if err := m.host.Run(running); err != nil {
			t.Errorf("gossip of the hostile %s: %v", p.Name, err)
		}
	})
	m.leave = sync.OnceFunc(func() { stop(); group.Wait() })
	t.Cleanup(m.leave)
	until(t, ctx, "the hostile "+p.Name+" is connected", time.Minute, func() (bool, error) {
		return len(m.host.Connected()) >= count, nil
	})
	return m
}

// signed returns the signature of a digest.
func (m *member) signed(t *testing.T, digest codec.Hash) signing.Signature {
	t.Helper()
	signature, err := m.SignDigest(digest)
	if err != nil {
		t.Error(err)
	}
	return signature
}

// attestation returns the gossip message that attests a head.
func (m *member) attestation(t *testing.T, a bridgecontracts.Attestation) []byte {
	t.Helper()
	return codec.Marshal(&wire.Attestation{Attestation: a, Signature: m.signed(t, a.Digest())})
}

// message is something to gossip.
type message struct {
	topic string
	data  []byte
}

// publish gossips messages and returns when they are sent.
func (m *member) publish(t *testing.T, ctx context.Context, messages ...message) {
	t.Helper()
	want := m.published.Load() + int64(len(messages))
	for _, x := range messages {
		if err := m.host.Publish(ctx, x.topic, x.data); err != nil {
			t.Fatal(err)
		}
	}
	until(t, ctx, "gossip is sent", 20*time.Second, func() (bool, error) { return m.published.Load() >= want, nil })
}

// repeat gossips what make returns, now and every second, until stop is called or ctx ends.
func (m *member) repeat(ctx context.Context, make func(ctx context.Context) []message) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var group sync.WaitGroup
	group.Go(func() {
		for {
			for _, x := range make(ctx) {
				_ = m.host.Publish(ctx, x.topic, x.data) // what does not go out now goes out in the next round
			}
			if !pause(ctx, time.Second) {
				return
			}
		}
	})
	return sync.OnceFunc(func() { cancel(); group.Wait() })
}

// serveEvents answers requests for events with these, whatever is asked for.
func (m *member) serveEvents(t *testing.T, events []bridgecontracts.Event) (cancel func()) {
	t.Helper()
	answer := codec.Marshal(&wire.Events{Events: events})
	cancel, err := m.host.Serve(listener.ProtocolEvents, wire.MaxSmall, func(context.Context, string, []byte) ([]byte, error) { return answer, nil })
	if err != nil {
		t.Fatal(err)
	}
	return cancel
}

// approvals remembers which members approved which actions, as gossip shows it.
type approvals struct {
	mu   sync.Mutex
	seen map[uint64]map[signing.Address]bool
}

// hearApprovals listens to the approvals of a bridge until the test ends.
func (m *member) hearApprovals(t *testing.T, domain bridgecontracts.Domain) *approvals {
	t.Helper()
	a := &approvals{seen: map[uint64]map[signing.Address]bool{}}
	cancel, err := m.host.Subscribe(gossip.TopicApprovals, func(_ context.Context, _ string, data []byte) gossip.Verdict {
		var vote wire.Vote
		if err := codec.Unmarshal(data, &vote, wire.MaxSmall); err != nil || vote.Approval == nil || vote.Approval.Domain != domain {
			return gossip.Accept
		}
		if signer, err := vote.Approval.Signature.RecoverAddress(vote.Approval.Digest); err == nil {
			a.mu.Lock()
			defer a.mu.Unlock()
			if a.seen[vote.Approval.ActionID] == nil {
				a.seen[vote.Approval.ActionID] = map[signing.Address]bool{}
			}
			a.seen[vote.Approval.ActionID][signer] = true
		}
		return gossip.Accept
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cancel)
	return a
}

// of returns how many members have approved an action.
func (a *approvals) of(action uint64) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.seen[action])
}
