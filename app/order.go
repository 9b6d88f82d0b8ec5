package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// part is something that runs as long as the daemon does.
type part struct {
	name string
	run  func(context.Context) error
	// once says that the daemon ends when the part does: restarting would hide a fault.
	once bool
}

// stopWithin is how long a part may take to end before the daemon goes on without it.
const stopWithin = 5 * time.Second

// running is a part that was started.
type running struct {
	part
	cancel context.CancelFunc
	done   chan struct{}
}

// runInOrder starts the parts in the order of the list, restarts with backoff those that
// fail, and when ctx ends stops them in reverse order. The first failure of a part that
// must not be restarted ends everything and is returned.
func runInOrder(ctx context.Context, log *slog.Logger, parts []part) error {
	failed := make(chan error, len(parts))
	var started []*running
	for _, p := range parts {
		// A part lives until it is stopped in its turn, not until ctx ends.
		own, cancel := context.WithCancel(context.WithoutCancel(ctx))
		r := &running{part: p, cancel: cancel, done: make(chan struct{})}
		started = append(started, r)
		go func() {
			defer close(r.done)
			if err := keepRunning(own, log, p); err != nil {
				failed <- fmt.Errorf("%s: %w", p.name, err)
			}
		}()
	}
	var fault error
	select {
	case <-ctx.Done():
	case fault = <-failed:
	}
	for i := len(started) - 1; i >= 0; i-- {
		r := started[i]
		r.cancel()
		timer := time.NewTimer(stopWithin)
		select {
		case <-r.done:
		case <-timer.C:
			fault = errors.Join(fault, fmt.Errorf("%s did not stop within %s", r.name, stopWithin))
		}
		timer.Stop()
	}
	return fault
}

// keepRunning runs a part until ctx ends.
func keepRunning(ctx context.Context, log *slog.Logger, p part) error {
	delay := backoff.NewExponentialBackOff()
	delay.InitialInterval, delay.MaxInterval = 200*time.Millisecond, 15*time.Second
	for {
		began := time.Now()
		err := p.run(ctx)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // it was told to stop
		}
		if p.once {
			if err == nil {
				err = errors.New("ended without being told to")
			}
			return err
		}
		if time.Since(began) > delay.MaxInterval {
			delay.Reset()
		}
		wait := delay.NextBackOff()
		log.Warn("part ended and is started again", "part", p.name, "error", err, "in", wait)
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil
		}
	}
}
