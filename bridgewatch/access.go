package bridgewatch

import (
	"context"
	"time"

	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/codec"
)

// Access is how a member reaches the bridges of one chain.
type Access struct {
	// Open makes a source for the bridge at an address whose history begins at a block
	// or after it.
	Open func(bridge codec.Hash, startBlock uint64) (chain.Source, error)
	// CodeHash is of the contract that a bridge on this chain must run.
	CodeHash codec.Hash
	// Finality says which block counts as settled; the genesis says it, the same for all members.
	Finality chain.Finality
	// Poll is how often the chain is asked, 2 s when zero.
	Poll time.Duration
	// Timeout bounds each call to a source, 30 s when zero.
	Timeout time.Duration
}

// DefaultPoll is how often a chain is asked when nothing else is configured.
const DefaultPoll = 2 * time.Second

// PollEvery returns how often the chain is asked.
func (a *Access) PollEvery() time.Duration {
	if a.Poll == 0 {
		return DefaultPoll
	}
	return a.Poll
}

// Wait returns when the time is over, when one of at most three channels is ready (nil
// never is), or with an error when ctx is done.
func Wait(ctx context.Context, d time.Duration, wake ...<-chan struct{}) error {
	var channels [3]<-chan struct{}
	copy(channels[:], wake)
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
	case <-channels[0]:
	case <-channels[1]:
	case <-channels[2]:
	}
	return nil
}
