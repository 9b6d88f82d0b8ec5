package submitter

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/ledger"
	"github.com/trinebridge/trine/store"
	"github.com/trinebridge/trine/validators"
)

// View is what a submitter reads of one state of the app chain.
type View interface {
	ValidatorsAt(epoch uint64) (validators.Set, bool, error)
	BridgeByChain(chainID string) (ledger.Bridge, bool, error)
	Action(domain bridgecontracts.Domain, id uint64) (ledger.ActionRecord, bool, error)
	OpenControls(domain bridgecontracts.Domain) ([]ledger.ControlRecord, error)
}

// Chain is how a submitter reaches the bridge of one chain, and what it may spend there.
type Chain struct {
	// Open makes the sink of the bridge at an address. It connects lazily. It is called again
	// after each round that failed, and may choose another endpoint then. The account that pays
	// belongs to this submitter alone.
	Open func(bridge codec.Hash, startBlock uint64) (chain.Sink, error)
	// Finality says which block counts as settled.
	Finality chain.Finality
	// Caps bound fees until SetCaps changes them.
	Caps chain.Caps
	// LowBalance, in the chain's smallest unit, is below what Status warns; 0 never.
	LowBalance uint256.Int
	// Resend is how long a transaction may wait in the pool before its fee is raised, 30 s when zero.
	Resend time.Duration
	// Poll is how often the chain is asked while something is under way, 2 s when zero.
	Poll time.Duration
	// Timeout bounds each call to the sink, 30 s when zero.
	Timeout time.Duration
	// Pipeline is how many value actions may be under way at the same time, 4 when zero.
	Pipeline int
}

// Observer gets typed events; any of its functions may be nil. They must return quickly.
type Observer struct {
	// Sent follows each new attempt that was broadcast; replaces says that it raised a fee.
	Sent func(chainID, what string, attempt chain.Attempt, replaces bool)
	// Included follows when a delivery's transaction is first seen in a block.
	Included func(chainID, what string, status chain.Status)
	// Balance follows each look at the fee payer.
	Balance func(chainID string, balance uint256.Int, low bool)
	// Failed follows each round that failed, and each delivery that could not be made.
	Failed func(chainID string, err error)
}

// Config is what a submitter is made of.
type Config struct {
	// Chains are the chains that this submitter serves, by CAIP-2 id.
	Chains map[string]Chain
	// View and Changed are the node's: its newest state, and a channel that is closed when
	// there is a newer one.
	View    func() View
	Changed func() <-chan struct{}
	// Store is the submitter's own part.
	Store store.KV
	// DryRun looks and never sends.
	DryRun bool
	// Now is the clock, time.Now when nil.
	Now      func() time.Time
	Log      *slog.Logger
	Observer Observer
}

const (
	defaultResend   = 30 * time.Second
	defaultPoll     = 2 * time.Second
	defaultTimeout  = 30 * time.Second
	defaultPipeline = 4
)

// Validate reports every fault at once.
func (c *Config) Validate() error {
	var faults []error
	need := func(ok bool, what string) {
		if !ok {
			faults = append(faults, errors.New(what))
		}
	}
	need(len(c.Chains) > 0, "no chain is configured; a submitter needs an endpoint and a fee payer of at least one")
	need(c.View != nil && c.Changed != nil, "no app chain node is given")
	need(c.Store != nil, "no store is given")
	for id, x := range c.Chains {
		need(x.Open != nil, fmt.Sprintf("chain %s: nothing opens a sink", id))
		need(x.Resend >= 0 && x.Poll >= 0 && x.Timeout >= 0, fmt.Sprintf("chain %s: a negative time; use 0 for the default", id))
		need(x.Pipeline >= 0, fmt.Sprintf("chain %s: pipeline is %d; use 0 for the default", id, x.Pipeline))
		if err := checkCaps(x.Caps); err != nil {
			faults = append(faults, fmt.Errorf("chain %s: %w", id, err))
		}
	}
	if len(faults) > 0 {
		return fmt.Errorf("submitter: configuration: %w", errors.Join(faults...))
	}
	return nil
}

func checkCaps(c chain.Caps) error {
	if c.MaxFeePerGas.IsZero() {
		return errors.New("the cap on the fee per gas is 0: nothing could be sent")
	}
	if c.MaxTip.Gt(&c.MaxFeePerGas) {
		return fmt.Errorf("the cap on the tip, %s, is above the cap on the fee per gas, %s", c.MaxTip.Dec(), c.MaxFeePerGas.Dec())
	}
	return nil
}

func (c Config) withDefaults() Config {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

func (c Chain) withDefaults() Chain {
	if c.Resend == 0 {
		c.Resend = defaultResend
	}
	if c.Poll == 0 {
		c.Poll = defaultPoll
	}
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	if c.Pipeline == 0 {
		c.Pipeline = defaultPipeline
	}
	return c
}

// Status is how the submitter of one chain is doing.
type Status struct {
	Chain    string
	Bridge   codec.Hash
	Attached bool
	// Ready: the last round succeeded, no lane has stopped, and the balance is not low.
	Ready bool
	// Doing says in words what it does or waits for; Error is the last round's.
	Doing string
	Error string
	// Address of the fee payer in the chain's notation, Balance in the smallest unit.
	Address string
	Balance uint256.Int
	Low     bool
	Caps    chain.Caps
	// Deliveries are under way or wait.
	Deliveries []DeliveryStatus
}

// DeliveryStatus is where one delivery stands.
type DeliveryStatus struct {
	// What it is, as in "action 7"; "nonce 12" for a nonce that is used up.
	What string
	// Tx is the newest or the included attempt's id, Nonce its nonce, Attempts how many there are.
	Tx       string
	Nonce    uint64
	Attempts int
	// Phase in words: "waits", "in the pool", "in a block", "final", "not in the pool".
	Phase string
	// Reason says why it waits or what failed; Stopped that no repetition helps.
	Reason  string
	Stopped bool
}
