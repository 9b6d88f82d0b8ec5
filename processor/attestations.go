package processor

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/trinebridge/trine/appchain"
	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/gossip/wire"
	"github.com/trinebridge/trine/ledger"
	"github.com/trinebridge/trine/signing"
	"github.com/trinebridge/trine/validators"
)

// maxPerListener is how many attestations of one listener about one bridge are kept.
const maxPerListener = 64

// attestationBook holds what listeners have attested about each bridge beyond the
// ledger's cursor. It is safe for concurrent use.
type attestationBook struct {
	mu      sync.Mutex
	bridges map[bridgecontracts.Domain]*bridgeBook
	// news has a signal when a bridge has a new attestation.
	news chan struct{}
}

// bridgeBook is what was attested about one generation of one bridge.
type bridgeBook struct {
	generation uint64
	listeners  map[signing.Address][]attested // ascending by event id, one each
}

// attested is an attestation and who brought it: that peer may have the events.
type attested struct {
	id        uint64
	head      bridgecontracts.Head
	signature signing.Signature
	peer      string
}

func newAttestationBook() *attestationBook {
	return &attestationBook{bridges: map[bridgecontracts.Domain]*bridgeBook{}, news: make(chan struct{}, 1)}
}

// add keeps an attestation whose signature was verified, if it is beyond the cursor of
// the bridge's record. It reports whether it is of use. One entry for each id counts, the first
// one: a listener never signs two heads for one id. A listener that fills its places loses those
// farthest from the cursor, which are needed last and which it will sign again.
func (b *attestationBook) add(bridge *ledger.Bridge, listener signing.Address, a attested) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	book := b.bridges[bridge.Domain]
	if book == nil || book.generation != bridge.Generation {
		book = &bridgeBook{generation: bridge.Generation, listeners: map[signing.Address][]attested{}}
		b.bridges[bridge.Domain] = book
	}
	entries := slices.DeleteFunc(book.listeners[listener], func(e attested) bool { return e.id <= bridge.EventID })
	i, found := slices.BinarySearchFunc(entries, a.id, func(e attested, id uint64) int { return cmp.Compare(e.id, id) })
	if a.id > bridge.EventID && !found {
		entries = slices.Insert(entries, i, a)
	}
	if len(entries) > maxPerListener {
		// The newest id goes last: a listener that keeps up signs little else.
		entries = slices.Delete(entries, len(entries)-2, len(entries)-1)
	}
	book.listeners[listener] = entries
	if a.id <= bridge.EventID {
		return false
	}
	select {
	case b.news <- struct{}{}:
	default:
	}
	return true
}

// certificate is a head that a quorum of listeners stands on.
type certificate struct {
	id         uint64
	head       bridgecontracts.Head
	signatures []signing.Signature
	// peers brought the attestations, each once.
	peers []string
}

// certificates returns what a quorum of the set attests about events behind the bridge's
// cursor that one transaction can bring, the farthest first.
func (b *attestationBook) certificates(bridge *ledger.Bridge, set *validators.Set) []certificate {
	b.mu.Lock()
	defer b.mu.Unlock()
	book := b.bridges[bridge.Domain]
	if book == nil || book.generation != bridge.Generation {
		return nil
	}
	type stand struct {
		id   uint64
		head bridgecontracts.Head
	}
	tallies := map[stand]*validators.Tally{}
	peers := map[stand][]string{}
	for listener, entries := range book.listeners {
		for _, e := range entries {
			if e.id <= bridge.EventID || e.id-bridge.EventID > ledger.MaxEvents {
				continue
			}
			s := stand{e.id, e.head}
			if tallies[s] == nil {
				tallies[s] = &validators.Tally{}
			}
			tallies[s].Add(listener, e.signature)
			if !slices.Contains(peers[s], e.peer) {
				peers[s] = append(peers[s], e.peer)
			}
		}
	}
	var found []certificate
	for s, tally := range tallies {
		if signatures, ok := tally.Quorum(set, validators.Listeners); ok {
			found = append(found, certificate{s.id, s.head, signatures, peers[s]})
		}
	}
	slices.SortFunc(found, func(x, y certificate) int {
		return cmp.Or(cmp.Compare(y.id, x.id), x.head.Compare(y.head))
	})
	return found
}

// hearAttestation takes a listener's attestation from gossip.
func (p *Processor) hearAttestation(_ context.Context, from string, message []byte) appchain.Verdict {
	var a wire.Attestation
	if err := codec.Unmarshal(message, &a, wire.MaxSmall); err != nil {
		p.Log.Debug("attestation refused", "peer", from, "error", err)
		return appchain.Reject
	}
	useful, err := p.addAttestation(from, &a)
	if err != nil {
		p.Log.Debug("attestation refused", "peer", from, "error", err)
		return appchain.Ignore
	}
	if !useful {
		return appchain.Ignore
	}
	return appchain.Accept
}

func (p *Processor) addAttestation(from string, a *wire.Attestation) (useful bool, err error) {
	view := p.view()
	bridge, ok, err := view.Bridge(a.Domain)
	if err != nil {
		return false, err
	}
	if !ok {
		return false, fmt.Errorf("attestation is about bridge %s, which is not attached", a.Domain)
	}
	if a.Generation != bridge.Generation {
		return false, fmt.Errorf("attestation is about generation %d of bridge %s, which is at %d", a.Generation, a.Domain, bridge.Generation)
	}
	if a.EventID <= bridge.EventID {
		return false, nil
	}
	set, err := view.Validators()
	if err != nil {
		return false, err
	}
	listener, err := a.Signature.RecoverAddress(a.Digest())
	if err != nil {
		return false, fmt.Errorf("attestation of event %d of bridge %s: %w", a.EventID, a.Domain, err)
	}
	if !set.Has(validators.Listeners, listener) {
		return false, fmt.Errorf("attestation of event %d of bridge %s is by %s, who is no listener", a.EventID, a.Domain, listener)
	}
	return p.book.add(&bridge, listener, attested{a.EventID, a.Head, a.Signature, from}), nil
}
