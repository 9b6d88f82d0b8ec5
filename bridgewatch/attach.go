package bridgewatch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/gossip/wire"
	"github.com/trinebridge/trine/ledger"
	"github.com/trinebridge/trine/signing"
	"github.com/trinebridge/trine/validators"
)

// ErrNotTheBridge says that what stands at an address is not the bridge that it should
// be. Nobody votes for it; the text lists every difference.
var ErrNotTheBridge = errors.New("this is not the bridge that was asked for")

// Expectation is what a bridge must be before a member votes to attach it.
type Expectation struct {
	Genesis codec.Hash
	Chain   string
	Bridge  codec.Hash
	// CodeHash is of the artifact that this program was built with.
	CodeHash codec.Hash
	// Set is the current validator set.
	Set validators.Set
	// Attached is how many bridges the ledger has: the digest's one-time sequence is one more.
	Attached uint64
}

// AttachVote checks, by the reader's own source, that the bridge is what is expected and
// that its events lead to its head. The vote comes back without a signature. The error
// wraps [ErrNotTheBridge] when the bridge is wrong; any other one means not known yet.
func (r *Reader) AttachVote(ctx context.Context, e Expectation) (wire.AttachVote, error) {
	p, err := r.Pin(ctx)
	if err != nil {
		return wire.AttachVote{}, err
	}
	s, err := r.Snapshot(ctx, p.Block, nil)
	if err != nil {
		return wire.AttachVote{}, err
	}
	if faults := e.faults(p, s); len(faults) > 0 {
		return wire.AttachVote{}, fmt.Errorf("%w: %w", ErrNotTheBridge, errors.Join(faults...))
	}
	if err := r.Start(s.StartBlock); err != nil {
		return wire.AttachVote{}, err
	}
	if err := r.CatchUp(ctx, p); err != nil {
		return wire.AttachVote{}, err
	}
	if err := r.unused(p.Counters.EventID); err != nil {
		return wire.AttachVote{}, err
	}
	return wire.AttachVote{
		Chain: e.Chain, Bridge: e.Bridge, Sequence: e.Attached + 1,
		CodeHash: s.CodeHash, SetHash: s.SetHash, StartBlock: s.StartBlock,
	}, nil
}

// unused checks that no event up to the newest one took a quorum's seal. Nobody seals anything for a bridge that is not
// attached: such an event is another set's, which the bridge was deployed with and which made way for the current one by a
// rotation. It may have paid itself or left claims and allowances behind, none of which shows in code, domain and set.
func (r *Reader) unused(newest uint64) error {
	const atOnce = 256
	for from := uint64(1); from <= newest; from += atOnce {
		events, err := r.Events(from, min(from+atOnce-1, newest))
		if err != nil {
			return err
		}
		for i := range events {
			switch events[i].Body.(type) {
			case *bridgecontracts.Deposited, *bridgecontracts.Paused, *bridgecontracts.Unpaused:
			default:
				return fmt.Errorf("%w: its event %d (%s) was sealed before it was attached, by a set that is not known here: deploy another one",
					ErrNotTheBridge, events[i].ID, strings.TrimPrefix(fmt.Sprintf("%T", events[i].Body), "*bridgecontracts."))
			}
		}
	}
	return nil
}

// faults lists what differs from the expectation.
func (e *Expectation) faults(p Position, s chain.Snapshot) []error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if want := bridgecontracts.NewDomain(e.Genesis, e.Chain, e.Bridge); s.Domain != want {
		fault("its domain is %s, want %s: it was deployed for another app chain, chain id or address", s.Domain, want)
	}
	if s.CodeHash != e.CodeHash {
		fault("its code hash is %s, want %s", s.CodeHash, e.CodeHash)
	}
	if want := e.Set.Hash(); s.SetHash != want {
		fault("it holds validator set %s of epoch %d, the current one is %s of epoch %d", s.SetHash, s.Epoch, want, e.Set.Epoch)
	}
	if s.EventID != p.Counters.EventID || s.Head != p.Counters.Head {
		fault("at block %s it shows event %d with head %s and event %d with head %s", p.Block, s.EventID, s.Head, p.Counters.EventID, p.Counters.Head)
	}
	return faults
}

// AttachView is what a vote to attach needs to know of the app chain.
type AttachView interface {
	Validators() (validators.Set, error)
	Bridges() ([]ledger.Bridge, error)
}

// check is AttachVote with what the member and the ledger expect of the bridge now.
func (w *Watch) check(ctx context.Context, view AttachView) (wire.AttachVote, error) {
	set, err := view.Validators()
	if err != nil {
		return wire.AttachVote{}, err
	}
	bridges, err := view.Bridges()
	if err != nil {
		return wire.AttachVote{}, err
	}
	if err := w.Member.decided(w.Intent, bridges); err != nil {
		return wire.AttachVote{}, err
	}
	return w.Reader.AttachVote(ctx, Expectation{
		Genesis: w.Member.Genesis, Chain: w.Intent.Chain, Bridge: w.Intent.Bridge, CodeHash: w.Access.CodeHash,
		Set: set, Attached: uint64(len(bridges)),
	})
}

// decided returns an error that says so when the intent's chain has its one bridge already.
func (m *Member) decided(i Intent, bridges []ledger.Bridge) error {
	at := slices.IndexFunc(bridges, func(b ledger.Bridge) bool { return b.Chain == i.Chain })
	if at < 0 {
		return nil
	}
	if bridges[at].Address == i.Bridge {
		return fmt.Errorf("bridge %s is attached already", m.bridgeOf(i))
	}
	return fmt.Errorf("bridge %s cannot be attached: chain %s has bridge %s already", m.bridgeOf(i), i.Chain, m.bridgeOf(Intent{i.Chain, bridges[at].Address}))
}

// SignAttach fills in the signature of a vote.
func SignAttach(ctx context.Context, signer signing.Signer, genesis codec.Hash, vote *wire.AttachVote) error {
	signature, err := signer.Sign(ctx, signing.Statement{
		Slot: signing.Slot{
			Kind:  signing.KindAttach,
			Scope: bridgecontracts.NewDomain(genesis, vote.Chain, vote.Bridge),
			ID:    vote.Sequence,
		},
		Digest: vote.Digest(genesis),
	})
	if err != nil {
		return fmt.Errorf("signing the vote to attach a bridge on %s: %w", vote.Chain, err)
	}
	vote.Signature = signature
	return nil
}
