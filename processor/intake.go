package processor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/gossip/wire"
	"github.com/trinebridge/trine/ledger"
)

// ProtocolEvents asks a listener for events: a wire.EventsRequest is answered by a wire.Events.
const ProtocolEvents = "/trine/events/1"

const (
	// eventsPatience is how long one peer may take before the next is asked as well.
	eventsPatience = 500 * time.Millisecond
	// eventsTimeout bounds all of them together.
	eventsTimeout = 10 * time.Second
	// intakePause is how long a bridge whose events could not be fetched waits.
	intakePause = time.Second
)

// bringEvents brings events of every bridge into blocks until ctx is done. Each bridge
// has a goroutine of its own, so that none waits for another.
func (p *Processor) bringEvents(ctx context.Context) error {
	var group sync.WaitGroup
	defer group.Wait()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	failed := make(chan error, 1)
	lanes := map[bridgecontracts.Domain]chan struct{}{}
	for {
		for _, domain := range p.book.domains() {
			lane := lanes[domain]
			if lane == nil {
				lane = make(chan struct{}, 1)
				lanes[domain] = lane
				group.Go(func() {
					if err := p.bringEventsOf(ctx, domain, lane); err != nil && ctx.Err() == nil {
						select {
						case failed <- err:
						default:
						}
					}
				})
			}
			select {
			case lane <- struct{}{}:
			default:
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case err := <-failed:
			return err
		case <-p.book.news:
		}
	}
}

// domains returns the bridges that something was attested about. They are attached, so they are few.
func (b *attestationBook) domains() []bridgecontracts.Domain {
	b.mu.Lock()
	defer b.mu.Unlock()
	domains := make([]bridgecontracts.Domain, 0, len(b.bridges))
	for domain := range b.bridges {
		domains = append(domains, domain)
	}
	return domains
}

// bringEventsOf brings events of one bridge, whenever there is news. Its error is of the store.
func (p *Processor) bringEventsOf(ctx context.Context, domain bridgecontracts.Domain, news <-chan struct{}) error {
	again := time.NewTimer(intakePause)
	defer again.Stop()
	for {
		for {
			more, err := p.bringOnce(ctx, domain)
			if err != nil {
				return err
			}
			if !more {
				break
			}
		}
		again.Reset(intakePause)
		select {
		case <-ctx.Done():
			return nil
		case <-news:
		case <-again.C:
		}
	}
}

// bringOnce puts the farthest certificate whose events can be had into a block. It
// reports whether there may be another one right away. Its error is of the store.
func (p *Processor) bringOnce(ctx context.Context, domain bridgecontracts.Domain) (more bool, err error) {
	view := p.view()
	bridge, ok, err := view.Bridge(domain)
	if err != nil || !ok {
		return false, err
	}
	set, err := view.Validators()
	if err != nil {
		return false, err
	}
	for _, c := range p.book.certificates(&bridge, &set) {
		events, err := p.fetchEvents(ctx, &bridge, &c)
		if err != nil {
			if ctx.Err() == nil {
				p.Log.Warn("events are attested, but nobody serves them", "chain", bridge.Chain, "events", c.id, "error", err)
			}
			continue
		}
		err = p.submitOwn(ctx, &ledger.Attest{Domain: domain, Generation: bridge.Generation, Events: events, Signatures: c.signatures})
		var rejection *ledger.Rejection
		if errors.As(err, &rejection) {
			p.Log.Warn("certificate does not apply", "chain", bridge.Chain, "events", c.id, "error", err)
			continue
		}
		return err == nil, err
	}
	return false, nil
}

// fetchEvents asks those who attested for the events behind the cursor, then everybody
// else. One who is slow or lies delays the others by eventsPatience at most.
func (p *Processor) fetchEvents(ctx context.Context, bridge *ledger.Bridge, c *certificate) ([]bridgecontracts.Event, error) {
	ctx, stop := context.WithTimeout(ctx, eventsTimeout)
	defer stop()
	type answer struct {
		events []bridgecontracts.Event
		err    error
	}
	peers := slices.Clone(c.peers)
	for _, peer := range p.Network.Peers(ProtocolEvents) {
		if !slices.Contains(peers, peer) {
			peers = append(peers, peer)
		}
	}
	if len(peers) == 0 {
		return nil, errors.New("no peer serves events")
	}
	answers := make(chan answer, len(peers))
	patience := time.NewTimer(0)
	defer patience.Stop()
	var faults []error
	for asked := 0; len(faults) < len(peers); {
		next := patience.C
		if asked == len(peers) {
			next = nil
		}
		select {
		case <-next:
			peer := peers[asked]
			asked++
			patience.Reset(eventsPatience)
			go func() {
				events, err := p.requestEvents(ctx, peer, bridge, c)
				answers <- answer{events, err}
			}()
		case a := <-answers:
			if a.err == nil {
				return a.events, nil
			}
			faults = append(faults, a.err)
			patience.Reset(0)
		case <-ctx.Done():
			return nil, errors.Join(append(faults, ctx.Err())...)
		}
	}
	return nil, errors.Join(faults...)
}

// requestEvents asks one peer, and proves what it answers by the certificate's head.
func (p *Processor) requestEvents(ctx context.Context, peer string, bridge *ledger.Bridge, c *certificate) ([]bridgecontracts.Event, error) {
	request := wire.EventsRequest{Domain: bridge.Domain, Generation: bridge.Generation, From: bridge.EventID + 1, To: c.id}
	data, err := p.Network.Request(ctx, peer, ProtocolEvents, codec.Marshal(&request), wire.MaxEventsSize)
	if err != nil {
		return nil, fmt.Errorf("peer %s: %w", peer, err)
	}
	var m wire.Events
	if err := codec.Unmarshal(data, &m, wire.MaxEventsSize); err != nil {
		return nil, fmt.Errorf("peer %s: %w", peer, err)
	}
	if err := proveEvents(bridge, c, m.Events); err != nil {
		return nil, fmt.Errorf("peer %s: %w", peer, err)
	}
	return m.Events, nil
}

// proveEvents reports why events are not those between the bridge's cursor and the head.
func proveEvents(bridge *ledger.Bridge, c *certificate, events []bridgecontracts.Event) error {
	if want := c.id - bridge.EventID; uint64(len(events)) != want {
		return fmt.Errorf("%d events served, want %d, from %d to %d", len(events), want, bridge.EventID+1, c.id)
	}
	head := bridge.Head
	for i := range events {
		if want := bridge.EventID + 1 + uint64(i); events[i].ID != want { // an index
			return fmt.Errorf("event %d served in place of %d", events[i].ID, want)
		}
		head = bridgecontracts.NextHead(head, &events[i])
	}
	if head != c.head {
		return fmt.Errorf("events %d to %d served have head %s, attested is %s", bridge.EventID+1, c.id, head, c.head)
	}
	return nil
}
