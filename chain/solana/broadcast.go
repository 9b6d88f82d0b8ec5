package solana

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/trinebridge/trine/chain"
)

func isKnown(err error) bool { return errors.Is(err, errKnown) }

// Broadcast implements chain.Sink. An attempt of several transactions is sent in order: each prepares what the next
// builds on, so it is waited for. What has landed already is not sent again; when the time of the call
// runs out, the next call goes on.
func (s *Sink) Broadcast(ctx context.Context, a chain.Attempt) error {
	list, err := unpack(&a)
	if err != nil {
		return err
	}
	e, err := extraOf(&a)
	if err != nil {
		return err
	}
	_, height, err := s.source.node.height(ctx)
	if err != nil {
		return err
	}
	if height > e.LastValid {
		return s.late(ctx, a.ID, &e, marked(chain.Rebuild, errExpired, fmt.Errorf("attempt %s was valid up to block height %d, the newest is %d", a.ID, e.LastValid, height)))
	}
	last := len(list) - 1
	for i, raw := range list[:last] {
		_, state, err := s.now(ctx, 0)
		if err != nil {
			return err
		}
		if e.past(&state.Now) {
			if ours, err := s.made(ctx, a.ID); err != nil || ours {
				return err
			}
			return chain.Errorf(chain.Done, "the bridge is past it: nothing more is prepared")
		}
		if err := s.prepare(ctx, raw); err != nil {
			return fmt.Errorf("transaction %d of %d: %w", i+1, len(list), err)
		}
	}
	if err := s.source.node.send(ctx, list[last]); err != nil {
		return s.late(ctx, a.ID, &e, err)
	}
	s.took(a.ID, height)
	return nil
}

// made reports whether an attempt itself has worked.
func (s *Sink) made(ctx context.Context, id string) (bool, error) {
	list, err := s.source.node.statuses(ctx, 0, id)
	if err != nil {
		return false, err
	}
	return list[0] != nil && list[0].failed() == nil, nil
}

// late judges a refusal. A node that simulates names one reason of several: the attempt may have landed itself, or
// somebody else's may have.
func (s *Sink) late(ctx context.Context, id string, e *extra, refusal error) error {
	var refused *failure
	if !errors.As(refusal, &refused) && !errors.Is(refusal, errExpired) {
		return refusal
	}
	if ours, err := s.made(ctx, id); err != nil || ours {
		return err
	}
	_, state, err := s.now(ctx, 0)
	if err != nil {
		return err
	}
	if e.past(&state.Now) {
		return &chain.Error{Verdict: chain.Done, Err: refusal}
	}
	if errors.Is(refusal, errExpired) {
		return s.expired(ctx, e, refusal)
	}
	return refusal
}

// expired tells a blockhash that is too old from one that the node does not know yet.
func (s *Sink) expired(ctx context.Context, e *extra, refusal error) error {
	_, height, err := s.source.node.height(ctx)
	if err != nil {
		return err
	}
	if height <= e.LastValid {
		return &chain.Error{Verdict: chain.Retry, Err: refusal}
	}
	return refusal
}

// prepare sends a transaction that others build on, and waits until it is in a confirmed block.
func (s *Sink) prepare(ctx context.Context, raw []byte) error {
	id, err := idOf(raw)
	if err != nil {
		return &chain.Error{Verdict: chain.Fatal, Err: err}
	}
	ticker := time.NewTicker(s.config.Poll)
	defer ticker.Stop()
	for sent := false; ; {
		list, err := s.source.node.statuses(ctx, 0, id)
		if err != nil {
			return err
		}
		switch st := list[0]; {
		case st.landed() && st.failed() == nil:
			return nil
		case st.landed():
			return chain.Errorf(chain.Rebuild, "it failed in slot %d: %w", st.Slot, st.failed())
		}
		if !sent {
			if err := s.source.node.send(ctx, raw); err != nil {
				return err
			}
			sent = true
			continue
		}
		select {
		case <-ctx.Done():
			return chain.Errorf(chain.Retry, "it is sent and not in a block yet: %w", ctx.Err())
		case <-ticker.C:
		}
	}
}
