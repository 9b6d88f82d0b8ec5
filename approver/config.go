package approver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/bridgewatch"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/ledger"
	"github.com/trinebridge/trine/signing"
	"github.com/trinebridge/trine/store"
	"github.com/trinebridge/trine/validators"
)

// View is what an approver reads of one state of the app chain.
type View interface {
	Validators() (validators.Set, error)
	ValidatorsAt(epoch uint64) (validators.Set, bool, error)
	Bridges() ([]ledger.Bridge, error)
	Bridge(domain bridgecontracts.Domain) (ledger.Bridge, bool, error)
	Action(domain bridgecontracts.Domain, id uint64) (ledger.ActionRecord, bool, error)
	Withdrawal(domain bridgecontracts.Domain, sequence uint64) (ledger.WithdrawalRecord, bool, error)
	AccountByKey(public signing.PublicKey) (ledger.Account, bool, error)
}

// Acknowledgements says which blocks the members stand behind.
type Acknowledgements interface {
	// Acknowledged returns the highest block that a listener quorum and an approver quorum
	// have acknowledged, itself or by a later one.
	Acknowledged() (uint64, error)
	// Changed returns a channel that is closed when that may have grown.
	Changed() <-chan struct{}
}

// Publisher gossips.
type Publisher interface {
	Publish(ctx context.Context, topic string, message []byte) error
}

// Observer gets typed events; any of its functions may be nil. They must return quickly.
type Observer struct {
	// Approved follows each new approval.
	Approved func(domain bridgecontracts.Domain, actionID uint64)
	// Refused follows when an action is refused for another reason than before: an alert.
	Refused func(Decision)
	// Failed follows each look at a chain that failed.
	Failed func(domain bridgecontracts.Domain, err error)
}

// Config is what an approver is made of.
type Config struct {
	// Genesis is the hash that names the app chain.
	Genesis codec.Hash
	// Assets are the genesis's, in their order.
	Assets []ledger.Asset
	// Chains are the chains that this approver can read, by CAIP-2 id: every one that has a bridge.
	Chains map[string]bridgewatch.Access
	// Intents are the bridges that the operator's configuration asks to attach.
	Intents []bridgewatch.Intent
	// Limits are this approver's own, besides the contract's.
	Limits []Limit
	// Signer holds the seat's key behind a guard.
	Signer signing.Signer
	// View, Changed and Compromised are the node's: its newest state, a channel that is
	// closed when there is a newer one, and whether the processor is proven hostile.
	View             func() View
	Changed          func() <-chan struct{}
	Compromised      func() bool
	Acknowledgements Acknowledgements
	Network          Publisher
	// Submit hands a signed transaction to the processor and returns its hash.
	Submit func(ctx context.Context, tx *ledger.Transaction) (codec.Hash, error)
	// Store is the approver's own part.
	Store store.KV
	// Repeat is how often an approval is gossiped again while the action waits, 5 s when zero.
	Repeat time.Duration
	// DryRun checks everything and never signs.
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
	need(len(c.Chains) > 0, "no chain is configured; an approver needs endpoints of every chain that has a bridge")
	need(c.Signer != nil, "no signer is given")
	need(c.View != nil && c.Changed != nil && c.Compromised != nil, "no app chain node is given")
	need(c.Acknowledgements != nil, "no acknowledgements are given")
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
	for i := range c.Limits {
		if err := c.Limits[i].validate(c.Assets); err != nil {
			faults = append(faults, err)
		}
	}
	if len(faults) > 0 {
		return fmt.Errorf("approver: configuration: %w", errors.Join(faults...))
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
