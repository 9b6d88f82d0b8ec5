package listener

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/trinebridge/trine/appchain"
	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/bridgewatch"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/ledger"
	"github.com/trinebridge/trine/signing"
	"github.com/trinebridge/trine/validators"
)

// View is what a listener reads of one state of the app chain.
type View interface {
	Validators() (validators.Set, error)
	Bridges() ([]ledger.Bridge, error)
	Bridge(domain bridgecontracts.Domain) (ledger.Bridge, bool, error)
	AccountByKey(public signing.PublicKey) (ledger.Account, bool, error)
	CheckVote(domain bridgecontracts.Domain, control *bridgecontracts.Control, member signing.Address) error
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
	// Member is what it has in common with an approver.
	bridgewatch.Member
	// View is the node's newest state, Height the height of its newest block.
	View     func() View
	Height   func() uint64
	Network  Network
	Observer Observer
}

// Validate reports every fault at once.
func (c *Config) Validate() error {
	faults := []error{c.Member.Validate()}
	if c.View == nil || c.Height == nil {
		faults = append(faults, errors.New("no state of an app chain node is given"))
	}
	if c.Network == nil {
		faults = append(faults, errors.New("no gossip network is given"))
	}
	if err := errors.Join(faults...); err != nil {
		return fmt.Errorf("listener: configuration: %w", err)
	}
	return nil
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
