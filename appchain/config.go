package appchain

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/trinebridge/trine/ledger"
	"github.com/trinebridge/trine/signing"
	"github.com/trinebridge/trine/store"
)

// Config says what a node stands on. Ledger and KV must be set.
type Config struct {
	// Ledger is the state machine with its genesis.
	Ledger *ledger.Ledger
	// KV is the node's own store, or its own part of one (store.Sub). The owner closes it.
	KV store.KV
	// Signer, of a listener or an approver that is not on a dry run, signs where the node
	// stands for whoever asks; nil for everybody else.
	Signer signing.Signer
	// Log takes the node's events; they are dropped when it is nil.
	Log *slog.Logger
	// Now is the wall clock; time.Now when nil.
	Now func() time.Time
	// MemoryBlocks is for how many of the newest blocks the parts of the state that they
	// used stay in memory; 131,072 when zero.
	MemoryBlocks uint64
	// MaxNotices is how many notices of dropped transactions are kept; 100,000 when zero.
	MaxNotices uint64
}

const (
	defaultMemoryBlocks = 1 << 17
	defaultMaxNotices   = 100_000
	// generations is into how many parts MemoryBlocks is divided.
	generations = 4
)

// Validate reports every fault at once.
func (c Config) Validate() error {
	var faults []error
	if c.Ledger == nil {
		faults = append(faults, errors.New("no ledger is given"))
	}
	if c.KV == nil {
		faults = append(faults, errors.New("no store is given"))
	}
	if c.MemoryBlocks != 0 && c.MemoryBlocks < generations {
		faults = append(faults, fmt.Errorf("memory for %d blocks; give 0 for the default or at least %d", c.MemoryBlocks, generations))
	}
	if len(faults) > 0 {
		return fmt.Errorf("appchain: configuration: %w", errors.Join(faults...))
	}
	return nil
}

func (c Config) withDefaults() Config {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.MemoryBlocks == 0 {
		c.MemoryBlocks = defaultMemoryBlocks
	}
	if c.MaxNotices == 0 {
		c.MaxNotices = defaultMaxNotices
	}
	return c
}
