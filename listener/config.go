package listener

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/trinebridge/trine/appchain"
	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/bridgewatch"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/ledger"
	"github.com/trinebridge/trine/signing"
	"github.com/trinebridge/trine/store"
	"github.com/trinebridge/trine/validators"
)

// View is what a listener reads of one state of the app chain.
type View interface {
	Validators() (validators.Set, error)
	Bridges() ([]ledger.Bridge, error)
	Bridge(domain bridgecontracts.Domain) (ledger.Bridge, bool, error)
	AccountByKey(public signing.PublicKey) (ledger.Account, bool, error)
}

// Network is what a listener needs of the gossip host.
type Network interface {
	Publish(ctx context.Context, topic string, message []byte) error
	Subscribe(topic string, handle func(ctx context.Context, from string, message []byte) appchain.Verdict) (cancel func(), err error)
	Serve(protocol string, limit int, handle func(ctx context.Context, from string, request []byte) ([]byte, error)) (cancel func(), err error)
}

// Observer gets typed events; any of its functions may be nil. They are called from the
// bridges' goroutines and must return quickly.
type Observer struct {
	// Read follows each successful look at a chain.
	Read func(domain bridgecontracts.Domain, block chain.Block, eventID uint64)
	// Attested follows each new attestation.
	Attested func(domain bridgecontracts.Domain, eventID uint64)
	// Failed follows each round that failed.
	Failed func(domain bridgecontracts.Domain, err error)
}

// Config is what a listener is made of.
type Config struct {
	// Genesis is the hash that names the app chain.
	Genesis codec.Hash
	// Chains are the chains that this listener can read, by CAIP-2 id.
	Chains map[string]bridgewatch.Access
	// Intents are the bridges that the operator's configuration asks to attach.
	Intents []bridgewatch.Intent
	// Signer holds the seat's key behind a guard.
	Signer signing.Signer
	// View, Changed and Compromised are the node's: its newest state, a channel that is
	// closed when there is a newer one, and whether the processor is proven hostile.
	View        func() View
	Changed     func() <-chan struct{}
	Compromised func() bool
	Network     Network
	// Submit hands a signed transaction to the processor and returns its hash.
	Submit func(ctx context.Context, tx *ledger.Transaction) (codec.Hash, error)
	// Store is the listener's own part.
	Store store.KV
	// Repeat is how often what is not in the ledger yet is gossiped again, 5 s when zero.
	Repeat time.Duration
	// DryRun reads and verifies, and never signs.
	DryRun bool
	// Now is the clock, time.Now when nil.
	Now      func() time.Time
	Log      *slog.Logger
	Observer Observer
}

const defaultRepeat = 5 * time.Second

// Validate reports every fault at once.
func (c *Config) Validate() error {
	var faults []error
	need := func(ok bool, what string) {
		if !ok {
			faults = append(faults, errors.New(what))
		}
	}
	need(!c.Genesis.IsZero(), "genesis hash is zero")
	need(len(c.Chains) > 0, "no chain is configured; a listener needs endpoints of at least one")
	need(c.Signer != nil, "no signer is given")
	need(c.View != nil && c.Changed != nil && c.Compromised != nil, "no app chain node is given")
	need(c.Network != nil, "no gossip network is given")
	need(c.Submit != nil, "nothing submits transactions")
	need(c.Store != nil, "no store is given")
	need(c.Repeat >= 0, "repeat is negative; use 0 for the default or a positive time")
	for id, access := range c.Chains {
		need(access.Open != nil, fmt.Sprintf("chain %s: nothing opens a source", id))
		need(!access.CodeHash.IsZero(), fmt.Sprintf("chain %s: the bridge's code hash is zero", id))
		need(access.Poll >= 0, fmt.Sprintf("chain %s: poll is negative", id))
	}
	for _, intent := range c.Intents {
		if err := intent.Validate(); err != nil {
			faults = append(faults, fmt.Errorf("bridge to attach: %w", err))
		}
		if _, ok := c.Chains[intent.Chain]; !ok {
			faults = append(faults, fmt.Errorf("bridge %s to attach is on chain %q, for which there are no endpoints", intent.Bridge, intent.Chain))
		}
	}
	if len(faults) > 0 {
		return fmt.Errorf("listener: configuration: %w", errors.Join(faults...))
	}
	return nil
}

func (c Config) withDefaults() Config {
	if c.Repeat == 0 {
		c.Repeat = defaultRepeat
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

// Status is how the listener of one bridge is doing.
type Status struct {
	Chain  string
	Bridge codec.Hash
	Domain bridgecontracts.Domain
	// Attached says whether the ledger knows the bridge.
	Attached bool
	// Ready: the last look at the chain succeeded and nothing contradicts.
	Ready bool
	// Block is the newest settled block that was read, EventID the newest verified event.
	Block   chain.Block
	EventID uint64
	// Ledger is the newest event that the ledger has applied; Attested the newest that was signed.
	Ledger, Attested uint64
	// Doing says in words what it does or waits for.
	Doing string
	// Error is the last round's, empty when it went well.
	Error string
	// LastRead is when the chain was last read with success.
	LastRead time.Time
}
