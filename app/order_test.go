package app

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// diary takes down what parts do, in order.
type diary struct {
	mu      sync.Mutex
	entries []string
}

func (d *diary) write(entry string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.entries = append(d.entries, entry)
}

func (d *diary) read() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.entries)
}

// steady is a part that runs until it is told to stop, and then takes a while.
func (d *diary) steady(name string, stopping time.Duration) part {
	return part{name: name, run: func(ctx context.Context) error {
		<-ctx.Done()
		d.write(name + " is told")
		time.Sleep(stopping) // the bubble's clock
		d.write(name + " ends")
		return ctx.Err()
	}}
}

var quiet = slog.New(slog.DiscardHandler)

// Each part ends before the one that was started before it is told to.
func TestPartsStopInReverse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() {
			done <- runInOrder(ctx, quiet, []part{d.steady("store", time.Second), d.steady("role", 2*time.Second), d.steady("api", 0)})
		}()
		synctest.Wait()
		if got := d.read(); len(got) > 0 {
			t.Fatalf("before anybody said so: %v", got)
		}
		cancel()
		if err := <-done; err != nil {
			t.Errorf("told to stop, it returned %v", err)
		}
		want := []string{"api is told", "api ends", "role is told", "role ends", "store is told", "store ends"}
		if got := d.read(); !slices.Equal(got, want) {
			t.Errorf("parts did %v, want %v", got, want)
		}
	})
}

func TestPartsStartAgainWithBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var starts []time.Time
		var log strings.Builder
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		flaky := part{name: "flaky", run: func(ctx context.Context) error {
			if starts = append(starts, time.Now()); len(starts) < 20 {
				return errors.New("a bad day")
			}
			cancel()
			<-ctx.Done()
			return nil
		}}
		if err := runInOrder(ctx, slog.New(slog.NewTextHandler(&log, nil)), []part{flaky}); err != nil {
			t.Error(err)
		}
		if len(starts) != 20 {
			t.Fatalf("%d starts, want 20", len(starts))
		}
		// Each wait is half to one and a half of a nominal one, which grows to 15 s.
		for i := 1; i < len(starts); i++ {
			if wait := starts[i].Sub(starts[i-1]); wait < 100*time.Millisecond || wait > 23*time.Second {
				t.Errorf("wait %d is %s", i, wait)
			}
		}
		if first, last := starts[1].Sub(starts[0]), starts[19].Sub(starts[18]); first > 300*time.Millisecond || last < 7*time.Second {
			t.Errorf("the first wait is %s, the last %s; want them to grow", first, last)
		}
		if text := log.String(); strings.Count(text, "a bad day") != 19 || !strings.Contains(text, "part=flaky") {
			t.Errorf("log is\n%s", text)
		}
	})
}

// A part that ran for long and then fails is not punished for a failure long ago.
func TestBackoffForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		runs := 0
		var ended, began time.Time
		p := part{name: "p", run: func(context.Context) error {
			switch runs++; runs {
			case 12:
				time.Sleep(time.Hour) // the bubble's clock
				ended = time.Now()
			case 13:
				began = time.Now()
				cancel()
			}
			return errors.New("failed")
		}}
		if err := keepRunning(ctx, quiet, p); err != nil {
			t.Error(err)
		}
		if wait := began.Sub(ended); wait > 300*time.Millisecond {
			t.Errorf("after an hour's run it waited %s", wait)
		}
	})
}

// A part that must not be started again ends everything, in order.
func TestOncePart(t *testing.T) {
	for name, test := range map[string]struct {
		result error
		want   string
	}{
		"fails":            {errors.New("disk is gone"), "processor: disk is gone"},
		"ends by itself":   {nil, "processor: ended without being told to"},
		"says it was told": {context.Canceled, "processor: context canceled"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var d diary
				runs := 0
				once := part{name: "processor", once: true, run: func(context.Context) error {
					runs++
					time.Sleep(time.Minute) // the bubble's clock
					return test.result
				}}
				err := runInOrder(t.Context(), quiet, []part{d.steady("gossip", 0), once, d.steady("api", 0)})
				if err == nil || err.Error() != test.want || runs != 1 {
					t.Errorf("returned %v after %d runs, want %q after one", err, runs, test.want)
				}
				if got := d.read(); !slices.Equal(got, []string{"api is told", "api ends", "gossip is told", "gossip ends"}) {
					t.Errorf("the others did %v", got)
				}
			})
		})
	}
}

// A part that does not stop is named, and the others stop all the same.
func TestPartThatDoesNotStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		release := make(chan struct{})
		ctx, cancel := context.WithCancel(t.Context())
		stuck := part{name: "stuck", run: func(context.Context) error { <-release; return nil }}
		done := make(chan error, 1)
		began := time.Now()
		go func() {
			done <- runInOrder(ctx, quiet, []part{d.steady("gossip", 0), stuck, d.steady("api", 0)})
		}()
		synctest.Wait()
		cancel()
		err := <-done
		if err == nil || err.Error() != "stuck did not stop within 5s" || time.Since(began) != stopWithin {
			t.Errorf("returned %v after %s", err, time.Since(began))
		}
		if got := d.read(); len(got) != 4 {
			t.Errorf("the others did %v", got)
		}
		close(release)
	})
}

// What is told to stop while it waits to be started again is not started again.
func TestStopDuringBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		runs := 0
		done := make(chan error, 1)
		go func() {
			done <- keepRunning(ctx, quiet, part{name: "p", run: func(context.Context) error { runs++; return errors.New("failed") }})
		}()
		synctest.Wait()
		cancel()
		if err := <-done; err != nil || runs != 1 {
			t.Errorf("returned %v after %d runs", err, runs)
		}
	})
}
