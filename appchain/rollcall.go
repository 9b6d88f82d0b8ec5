package appchain

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/gossip/wire"
	"github.com/trinebridge/trine/signing"
	"github.com/trinebridge/trine/validators"
)

// RollCallConfig says what a roll call works with. Node and Network must be set.
type RollCallConfig struct {
	Node    *Node
	Network network
	// Log takes what the roll call has to say; it is dropped when it is nil.
	Log *slog.Logger
	// Pause is made between two rounds; 500 ms when zero.
	Pause time.Duration
	// RequestTimeout bounds one request to one peer; 3 s when zero.
	RequestTimeout time.Duration
}

// RollCall finds out, for a processor that starts, whether its key has signed blocks that
// its folder does not hold: after a disk was lost, or an older copy restored. It promises:
//
//   - It ends when a quorum of listeners and a quorum of approvers have said where they
//     stand, in signed answers to challenges of this run, and this node has every block that
//     anybody has shown to be signed by the processor. Missing ones it asks for and executes.
//   - A height alone impresses nobody: a block counts as existing when its header carries
//     the signature of the processor's key. So a liar cannot hold a processor up; and one
//     that hides blocks does not matter while a quorum of its group is honest.
//   - What was shown is remembered by the node ([Node.Claimed]), also after a restart.
//   - Before the first block everybody stands at the genesis, and that is an answer as well.
//
// Nodes without a seat are asked too. They count for no quorum, but what they show counts.
type RollCall struct {
	RollCallConfig
	follower *Follower // takes the blocks

	mu     sync.Mutex
	status RollStatus
}

// RollStatus is how far a roll call has come.
type RollStatus struct {
	// Listeners and Approvers that have answered, and how many must.
	Listeners, ListenerQuorum, Approvers, ApproverQuorum int
	// Height of this node, and of the highest block that it was shown and does not have; 0 if there is none.
	Height, Missing uint64
}

// String says it in words.
func (s RollStatus) String() string {
	text := fmt.Sprintf("at block %d; %d listeners of %d and %d approvers of %d have said where they stand", s.Height, s.Listeners, s.ListenerQuorum, s.Approvers, s.ApproverQuorum)
	if s.Missing > 0 {
		text += fmt.Sprintf("; block %d, which this key has signed, is missing here", s.Missing)
	}
	return text
}

func (s RollStatus) complete() bool {
	return s.Listeners >= s.ListenerQuorum && s.Approvers >= s.ApproverQuorum && s.Missing == 0
}

// NewRollCall returns a roll call that does nothing before Run.
func NewRollCall(c RollCallConfig) (*RollCall, error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Pause == 0 {
		c.Pause = 500 * time.Millisecond
	}
	if c.RequestTimeout == 0 {
		c.RequestTimeout = 3 * time.Second
	}
	if c.Pause < 0 {
		return nil, fmt.Errorf("roll call: pause %s is negative", c.Pause)
	}
	follower, err := NewFollower(FollowerConfig{Node: c.Node, Network: c.Network, Log: c.Log, RequestTimeout: c.RequestTimeout})
	if err != nil {
		return nil, fmt.Errorf("roll call: %w", err)
	}
	return &RollCall{RollCallConfig: c, follower: follower}, nil
}

// Status returns how far the roll call has come.
func (r *RollCall) Status() RollStatus {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.status
}

// Run asks, round by round, until blocks may be made. It returns nil then, and ctx's error
// when that is done before. Any other error is ErrCompromised or one of this machine. The
// node must be served meanwhile ([Node.Serve]), so that it hears evidence.
func (r *RollCall) Run(ctx context.Context) error {
	heard := map[signing.Address]bool{}
	said := ""
	for {
		synced, err := r.round(ctx, heard)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			return fmt.Errorf("roll call: %w", err)
		case r.Node.Compromised():
			return ErrCompromised
		}
		s := r.Status()
		if text := s.String(); text != said {
			r.Log.Info("the members are asked where the chain stands", "answers", text)
			said = text
		}
		if synced {
			continue // what was shown is compared with what this node has now
		}
		if s.complete() {
			return nil
		}
		select {
		case <-time.After(r.Pause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// round asks every peer once, takes blocks that are missing, and reports whether it took any.
func (r *RollCall) round(ctx context.Context, heard map[signing.Address]bool) (synced bool, err error) {
	answers := r.ask(ctx)
	for i := range answers {
		a := &answers[i]
		if err := r.weigh(ctx, a); err != nil {
			return false, err
		}
		if !a.member.IsZero() {
			heard[a.member] = true
		}
	}
	before := r.Node.Height()
	if r.Node.Claimed().Height > 0 {
		// Those who have shown the highest block are asked for it first.
		slices.SortFunc(answers, func(x, y standing) int { return cmp.Compare(y.height, x.height) })
		for i := range answers {
			if err := r.follower.syncFrom(ctx, answers[i].peer); err != nil {
				return false, err
			}
			if ctx.Err() != nil || r.Node.Compromised() || r.Node.Claimed().Height == 0 {
				break
			}
		}
	}
	return r.Node.Height() > before, r.count(heard)
}

// count brings the status up to date.
func (r *RollCall) count(heard map[signing.Address]bool) error {
	set, err := r.Node.View().Validators()
	if err != nil {
		return err
	}
	s := RollStatus{
		ListenerQuorum: set.Quorum(validators.Listeners), ApproverQuorum: set.Quorum(validators.Approvers),
		Height: r.Node.Height(), Missing: r.Node.Claimed().Height,
	}
	for member := range heard {
		if set.Has(validators.Listeners, member) {
			s.Listeners++
		}
		if set.Has(validators.Approvers, member) {
			s.Approvers++
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status = s
	return nil
}

// standing is a peer's answer.
type standing struct {
	peer   string
	member signing.Address // who has signed it; zero if nobody has
	tip    *wire.SignedHeader
	height uint64 // of the tip; 0 if it is not proven
}

// ask asks all peers at the same time, and returns those who answer.
func (r *RollCall) ask(ctx context.Context) []standing {
	ctx, stop := context.WithTimeout(ctx, r.RequestTimeout)
	defer stop()
	peers := r.Network.Peers(ProtocolStanding)
	answers := make(chan *standing, len(peers))
	for _, peer := range peers {
		go func() {
			a, err := r.request(ctx, peer)
			if err != nil {
				r.Log.Debug("peer does not say where it stands", "peer", peer, "error", err)
				a = nil
			}
			answers <- a
		}()
	}
	var all []standing
	for range peers {
		if a := <-answers; a != nil {
			all = append(all, *a)
		}
	}
	return all
}

func (r *RollCall) request(ctx context.Context, peer string) (*standing, error) {
	var challenge codec.Hash
	if _, err := rand.Read(challenge[:]); err != nil {
		return nil, err
	}
	data, err := r.Network.Request(ctx, peer, ProtocolStanding, codec.Marshal(&StandingRequest{Challenge: challenge}), wire.MaxSmall)
	if err != nil {
		return nil, err
	}
	var s wire.Standing
	if err := codec.Unmarshal(data, &s, wire.MaxSmall); err != nil {
		return nil, err
	}
	a := &standing{peer: peer, tip: s.Tip}
	if s.Signature != nil {
		if a.member, err = s.Signature.RecoverAddress(s.Digest(r.Node.genesis, challenge)); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// weigh draws the conclusions from one answer. One with a tip that the processor's key has not signed
// counts for nothing. Its error is ErrCompromised or one of the store.
func (r *RollCall) weigh(ctx context.Context, a *standing) error {
	if a.tip == nil {
		return nil
	}
	proof, err := r.Node.weigh(ctx, *a.tip)
	switch {
	case errors.Is(err, errUnsigned):
		r.Log.Debug("peer says that it has a block which this key has not signed; its answer does not count", "peer", a.peer, "member", a.member, "error", err)
		a.member = signing.Address{}
		return nil
	case err != nil:
		return err
	case proof != nil:
		if err := r.follower.accuse(ctx, *proof); err != nil {
			return err
		}
		return ErrCompromised
	}
	a.height = a.tip.Header.Height
	return nil
}
