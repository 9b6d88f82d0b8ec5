package appchain

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/gossip/wire"
	"github.com/trinebridge/trine/ledger"
	"github.com/trinebridge/trine/signing"
	"github.com/trinebridge/trine/signing/guard"
)

// ackSigner is what an Acknowledger needs of a member's guard.
type ackSigner interface {
	Ack(ctx context.Context, genesis codec.Hash, height uint64, hash codec.Hash, descends guard.Descends) (signing.Signature, error)
	Acknowledged(genesis codec.Hash) (height uint64, hash codec.Hash, ok bool, err error)
}

// AcknowledgerConfig says what an acknowledger works with. All but Log and Repeat must be set.
type AcknowledgerConfig struct {
	Node    *Node
	Network network
	// Guard stands before the key of a listener or an approver.
	Guard ackSigner
	// Book is the member's own, in which what it acknowledges counts like what others do:
	// gossip hands nobody what he has said himself.
	Book *AckBook
	Log  *slog.Logger
	// Repeat is how often the newest acknowledgement is gossiped again while an action
	// waits; 10 s when zero.
	Repeat time.Duration
}

// Validate reports every fault at once.
func (c AcknowledgerConfig) Validate() error {
	var faults []error
	if c.Node == nil {
		faults = append(faults, errors.New("no node is given"))
	}
	if c.Network == nil {
		faults = append(faults, errors.New("no network is given"))
	}
	if c.Guard == nil {
		faults = append(faults, errors.New("no guard is given"))
	}
	if c.Book == nil {
		faults = append(faults, errors.New("no book is given"))
	}
	if c.Repeat < 0 {
		faults = append(faults, fmt.Errorf("repeat interval %s is negative", c.Repeat))
	}
	if len(faults) > 0 {
		return fmt.Errorf("acknowledger: configuration: %w", errors.Join(faults...))
	}
	return nil
}

// Acknowledger signs the newest executed block while an action waits for it.
type Acknowledger struct {
	AcknowledgerConfig
	newest wire.Ack // what this run has signed last; height 0: nothing
}

// NewAcknowledger returns an acknowledger that does nothing before Run.
func NewAcknowledger(c AcknowledgerConfig) (*Acknowledger, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Repeat == 0 {
		c.Repeat = 10 * time.Second
	}
	return &Acknowledger{AcknowledgerConfig: c}, nil
}

// Run acknowledges until ctx is done, and returns nil then. It ends with an error when the
// guard refuses or the store fails.
func (a *Acknowledger) Run(ctx context.Context) error {
	repeat := time.NewTicker(a.Repeat)
	defer repeat.Stop()
	for again := true; ; {
		changed := a.Node.Changed()
		if err := a.runOnce(ctx, again); err != nil && ctx.Err() == nil {
			return fmt.Errorf("acknowledger: %w", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
			again = false
		case <-repeat.C:
			again = true
		}
	}
}

// runOnce signs the newest block if an action waits that no acknowledgement of this run
// covers; otherwise it repeats the newest acknowledgement, if again says so.
func (a *Acknowledger) runOnce(ctx context.Context, again bool) error {
	head := a.Node.Head()
	waiting, err := newestWaiting(a.Node.Ledger().View(head.State))
	if err != nil || waiting == 0 || a.Node.Compromised() {
		return err
	}
	if waiting > a.newest.Height {
		before, _, _, err := a.Guard.Acknowledged(a.Node.Genesis())
		if err != nil {
			return err
		}
		if before > head.Header.Height {
			a.Log.Info("this node has not caught up with what its key acknowledged before; it waits", "height", head.Header.Height, "acknowledged", before)
			return nil
		}
		signature, err := a.Guard.Ack(ctx, a.Node.Genesis(), head.Header.Height, head.Hash, a.Node.descends)
		if err != nil {
			return fmt.Errorf("block %d: %w", head.Header.Height, err)
		}
		a.newest = wire.Ack{Height: head.Header.Height, Block: head.Hash, Signature: signature}
	} else if !again {
		return nil
	}
	// Each time: the key's seat may have come after its signature.
	if err := a.Book.Add(a.newest); err != nil {
		a.Log.Info("the own acknowledgement does not count", "error", err)
	}
	if err := a.Network.Publish(ctx, TopicAcks, codec.Marshal(&a.newest)); err != nil {
		a.Log.Warn("acknowledgement not gossiped, trying again later", "error", err)
	}
	return nil
}

// descends implements guard.Descends for blocks of this node, whose chain is one line.
func (n *Node) descends(height uint64, hash codec.Hash) (bool, error) {
	b, err := n.Block(height)
	return err == nil && b.Header.Hash() == hash, err
}

// newestWaiting returns the height of the newest block whose action waits for approvals; 0 if none does.
func newestWaiting(v ledger.View) (uint64, error) {
	bridges, err := v.Bridges()
	if err != nil {
		return 0, err
	}
	var newest uint64
	for i := range bridges {
		for id := bridges[i].LastExecuted + 1; id <= bridges[i].LastAction; id++ {
			action, ok, err := v.Action(bridges[i].Domain, id)
			if err != nil {
				return 0, err
			}
			if ok && action.Status == ledger.ActionPending {
				newest = max(newest, action.Height)
			}
		}
	}
	return newest, nil
}
