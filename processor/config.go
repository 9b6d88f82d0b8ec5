package processor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/trinebridge/trine/appchain"
	"github.com/trinebridge/trine/ledger"
	"github.com/trinebridge/trine/signing"
)

// network is what the processor needs of the gossip host; appchain names topics and verdicts.
type network interface {
	Publish(ctx context.Context, topic string, message []byte) error
	Subscribe(topic string, handle func(ctx context.Context, from string, message []byte) appchain.Verdict) (cancel func(), err error)
	Request(ctx context.Context, peer, protocol string, request []byte, limit int) ([]byte, error)
	Serve(protocol string, limit int, handle func(ctx context.Context, from string, request []byte) ([]byte, error)) (cancel func(), err error)
	Peers(protocol string) []string
}

// Config says what a processor works with. Node, Network, Signer and Guard must be set.
type Config struct {
	Node    *appchain.Node
	Network network
	// Signer signs blocks, notices and the processor's own transactions. It is the bare
	// key: see the package comment for what guards it.
	Signer signing.Signer
	// Guard is the same key behind its guard; it signs seals.
	Guard signing.Signer
	// Log takes the processor's events; they are dropped when it is nil.
	Log *slog.Logger
	// Now is the wall clock; time.Now when nil.
	Now    func() time.Time
	Limits Limits
	// UnsafeAllowBehind makes blocks at once, without asking the members first where the
	// chain stands. A processor whose folder is not the newest then signs second blocks of
	// heights that others hold, which ends the network. Blocks that it was shown before stay forbidden.
	UnsafeAllowBehind bool
	// MaxRun is how many blocks may share one sync; 1,024 when zero.
	MaxRun int
	// TickInterval is how often the queues are asked whether time alone would move them;
	// 1 s when zero.
	TickInterval time.Duration
	Hooks        Hooks
}

// Hooks are called as things happen, from several goroutines; each may be nil.
type Hooks struct {
	// Committed is called when a run of blocks has become durable in one sync.
	Committed func(blocks int, took time.Duration)
	// Dropped is called for every transaction that did not apply.
	Dropped func(code ledger.Code)
	// Refused is called for every transaction that was not admitted.
	Refused func(err error)
}

const (
	defaultMaxRun       = 1024
	defaultTickInterval = time.Second
)

// Validate reports every fault at once.
func (c Config) Validate() error {
	var faults []error
	if c.Node == nil {
		faults = append(faults, errors.New("no node is given"))
	}
	if c.Network == nil {
		faults = append(faults, errors.New("no network is given"))
	}
	if c.Signer == nil || c.Guard == nil {
		faults = append(faults, errors.New("the processor needs its key twice: as it is, for blocks, and behind a guard, for seals"))
	} else if c.Signer.PublicKey() != c.Guard.PublicKey() {
		faults = append(faults, fmt.Errorf("the guard is for key %s, the signer has key %s", c.Guard.PublicKey(), c.Signer.PublicKey()))
	}
	if c.MaxRun < 0 || c.TickInterval < 0 {
		faults = append(faults, fmt.Errorf("%d blocks per sync and tick interval %s must not be negative", c.MaxRun, c.TickInterval))
	}
	faults = append(faults, c.Limits.validate())
	if err := errors.Join(faults...); err != nil {
		return fmt.Errorf("processor: configuration: %w", err)
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
	if c.MaxRun == 0 {
		c.MaxRun = defaultMaxRun
	}
	if c.TickInterval == 0 {
		c.TickInterval = defaultTickInterval
	}
	c.Hooks = c.Hooks.withDefaults()
	return c
}

func (h Hooks) withDefaults() Hooks {
	if h.Committed == nil {
		h.Committed = func(int, time.Duration) {}
	}
	if h.Dropped == nil {
		h.Dropped = func(ledger.Code) {}
	}
	if h.Refused == nil {
		h.Refused = func(error) {}
	}
	return h
}
