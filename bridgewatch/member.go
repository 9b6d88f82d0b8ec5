package bridgewatch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/ledger"
	"github.com/trinebridge/trine/signing"
	"github.com/trinebridge/trine/store"
)

// Signer holds a seat's key behind a guard, which forgets on demand what can no longer be asked for.
type Signer interface {
	signing.Signer
	// Retire forgets every slot of before's kind and scope whose (age, id) stands before
	// before's, and refuses these slots for ever.
	Retire(ctx context.Context, before signing.Slot) error
}

// Acknowledgements says which blocks the members stand behind.
type Acknowledgements interface {
	// Acknowledged returns the highest block that a listener quorum and an approver quorum
	// have acknowledged, itself or by a later one; 0 if there is none.
	Acknowledged() (uint64, error)
	// Changed returns a channel that is closed when that may have grown.
	Changed() <-chan struct{}
}

// Member is what a listener and an approver are made of alike.
type Member struct {
	// Genesis is the hash that names the app chain.
	Genesis codec.Hash
	// Chains are the chains that this member can read, by CAIP-2 id.
	Chains map[string]Access
	// FormatAddress writes an address as people write it on a chain: errors name bridges so.
	FormatAddress func(chainID string, address codec.Hash) string
	// Intents are the bridges that the operator's configuration asks to attach.
	Intents []Intent
	Signer  Signer
	// Changed and Compromised are the node's: a channel that is closed when there is a newer
	// state, and whether the processor is proven hostile.
	Changed          func() <-chan struct{}
	Compromised      func() bool
	Acknowledgements Acknowledgements
	// Submit hands a signed transaction to the processor and returns its hash.
	Submit func(ctx context.Context, tx *ledger.Transaction) (codec.Hash, error)
	// Store is the member's own part.
	Store store.KV
	// Repeat is how often what others have not acted on yet is gossiped again, 5 s when zero.
	Repeat time.Duration
	// DryRun reads and checks everything, and never signs.
	DryRun bool
	// Now is the clock, time.Now when nil.
	Now func() time.Time
	Log *slog.Logger
}

// DefaultRepeat is how often a member repeats itself when nothing else is configured.
const DefaultRepeat = 5 * time.Second

// Validate reports every fault at once.
func (m *Member) Validate() error {
	var faults []error
	need := func(ok bool, what string) {
		if !ok {
			faults = append(faults, errors.New(what))
		}
	}
	need(!m.Genesis.IsZero(), "genesis hash is zero")
	need(len(m.Chains) > 0, "no chain is configured; a member needs endpoints of the chains that have a bridge")
	need(m.FormatAddress != nil, "nothing writes addresses")
	need(m.Signer != nil, "no signer is given")
	need(m.Changed != nil && m.Compromised != nil, "no app chain node is given")
	need(m.Acknowledgements != nil, "no acknowledgements are given")
	need(m.Submit != nil, "nothing submits transactions")
	need(m.Store != nil, "no store is given")
	need(m.Repeat >= 0, "repeat is negative; use 0 for the default or a positive time")
	for id, access := range m.Chains {
		need(access.Open != nil, fmt.Sprintf("chain %s: nothing opens a source", id))
		need(!access.CodeHash.IsZero(), fmt.Sprintf("chain %s: the bridge's code hash is zero", id))
		need(access.Poll >= 0, fmt.Sprintf("chain %s: poll is negative", id))
	}
	for _, intent := range m.Intents {
		if err := intent.Validate(); err != nil {
			faults = append(faults, fmt.Errorf("bridge to attach: %w", err))
		}
		if _, ok := m.Chains[intent.Chain]; !ok {
			faults = append(faults, fmt.Errorf("a bridge to attach is on chain %q, for which there are no endpoints", intent.Chain))
		}
	}
	return errors.Join(faults...)
}

// bridgeOf names the bridge of an intent as its chain does.
func (m *Member) bridgeOf(i Intent) string {
	return m.FormatAddress(i.Chain, i.Bridge)
}

// WithDefaults returns the member with its zero values set to what they stand for.
func (m Member) WithDefaults() Member {
	if m.Repeat == 0 {
		m.Repeat = DefaultRepeat
	}
	if m.Now == nil {
		m.Now = time.Now
	}
	if m.Log == nil {
		m.Log = slog.New(slog.DiscardHandler)
	}
	return m
}

// Ended says why a member's context is done: nil when it was cancelled or ran out, as it
// does when a daemon stops.
func Ended(ctx context.Context) error {
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) && !errors.Is(cause, context.DeadlineExceeded) {
		return cause
	}
	return nil
}
