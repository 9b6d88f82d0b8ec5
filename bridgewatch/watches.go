package bridgewatch

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/ledger"
	"github.com/trinebridge/trine/store"
)

// Watches keeps a member's watches, each a W: one for every bridge that the operator wants
// attached, and for every one that the ledger has attached. It is safe for concurrent use.
type Watches[W any] struct {
	member  *Member
	intents *Intents
	open    func(*Watch) W

	mu       sync.Mutex
	byDomain map[bridgecontracts.Domain]*watched[W]
	unread   map[string]string // by chain: why its attached bridge cannot be read, with what to do
}

type watched[W any] struct {
	intent Intent
	watch  W
}

// OpenWatches begins with the bridges that configuration and store say are wanted. open
// makes a role's own watch around the shared part.
func OpenWatches[W any](m *Member, open func(*Watch) W) (*Watches[W], error) {
	s := &Watches[W]{
		member: m, open: open,
		intents:  OpenIntents(store.Sub(m.Store, "intents/")),
		byDomain: map[bridgecontracts.Domain]*watched[W]{},
		unread:   map[string]string{},
	}
	stored, err := s.intents.All()
	if err != nil {
		return nil, fmt.Errorf("bridges to attach: %w", err)
	}
	for _, intent := range slices.Concat(m.Intents, stored) {
		if err := s.follow(intent); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// follow makes a watch for a bridge when there is none.
func (s *Watches[W]) follow(intent Intent) error {
	if _, ok := s.member.Chains[intent.Chain]; !ok {
		return fmt.Errorf("bridge %s is on chain %s, for which this daemon has no endpoints: configure some", s.member.bridgeOf(intent), intent.Chain)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	domain := bridgecontracts.NewDomain(s.member.Genesis, intent.Chain, intent.Bridge)
	if s.byDomain[domain] != nil {
		return nil
	}
	shared, err := OpenWatch(s.member, intent)
	if err != nil {
		return err
	}
	s.byDomain[domain] = &watched[W]{intent: intent, watch: s.open(shared)}
	return nil
}

// Attach agrees to attach a bridge and remembers that. One that is attached is fine;
// another than the ledger has on the chain is an error.
func (s *Watches[W]) Attach(ctx context.Context, view AttachView, chainID string, bridge codec.Hash) error {
	intent := Intent{Chain: chainID, Bridge: bridge}
	if err := intent.Validate(); err != nil {
		return fmt.Errorf("bridge to attach: %w", err)
	}
	bridges, err := view.Bridges()
	if err != nil {
		return err
	}
	if slices.ContainsFunc(bridges, func(b ledger.Bridge) bool { return b.Chain == chainID && b.Address == bridge }) {
		return nil
	}
	if err := s.member.decided(intent, bridges); err != nil {
		return err
	}
	if err := s.follow(intent); err != nil {
		return err
	}
	return s.intents.Add(ctx, intent)
}

// Adopt makes watches for the bridges that the ledger has attached. One that cannot be is
// logged once, with what follows from that.
func (s *Watches[W]) Adopt(bridges []ledger.Bridge, consequence string) {
	for i := range bridges {
		err := s.follow(Intent{Chain: bridges[i].Chain, Bridge: bridges[i].Address})
		if err == nil {
			continue
		}
		s.mu.Lock()
		if s.unread[bridges[i].Chain] != err.Error() {
			s.member.Log.Warn("an attached bridge cannot be read; "+consequence, "error", err)
		}
		s.unread[bridges[i].Chain] = err.Error()
		s.mu.Unlock()
	}
}

// Unread returns, by chain, why an attached bridge cannot be read.
func (s *Watches[W]) Unread() map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.unread)
}

// Of returns the watch of a bridge.
func (s *Watches[W]) Of(domain bridgecontracts.Domain) (watch W, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.byDomain[domain]; e != nil {
		return e.watch, true
	}
	return watch, false
}

// All returns the watches, ordered by chain and address.
func (s *Watches[W]) All() []W {
	s.mu.Lock()
	defer s.mu.Unlock()
	entries := slices.SortedFunc(maps.Values(s.byDomain), func(x, y *watched[W]) int {
		return cmp.Or(cmp.Compare(x.intent.Chain, y.intent.Chain), x.intent.Bridge.Compare(y.intent.Bridge))
	})
	watches := make([]W, len(entries))
	for i, e := range entries {
		watches[i] = e.watch
	}
	return watches
}
