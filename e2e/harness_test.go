//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/trinebridge/trine/devnet"
	"github.com/trinebridge/trine/internal/evmtest"
)

// binary is the trine program under test.
var binary string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "trine-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "trine")
	build := exec.Command("go", "build", "-o", binary, "../cmd/trine") // our own program
	build.Stdout, build.Stderr = os.Stderr, os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "build:", err)
		return 1
	}
	return m.Run()
}

// testWithin bounds a test whose steps all wait for conditions.
const testWithin = 8 * time.Minute

// testContext ends a minute before the test's own deadline, so that daemons are stopped
// and logs are shown.
func testContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testWithin)
	t.Cleanup(cancel)
	return ctx
}

// startAnvil starts a chain that mines every second and finalizes two blocks back.
func startAnvil(t *testing.T, chainID int, args ...string) *evmtest.Anvil {
	t.Helper()
	return evmtest.StartAnvil(t, append([]string{"--chain-id", fmt.Sprint(chainID), "--block-time", "1", "--slots-in-an-epoch", "1"}, args...)...)
}

// startNetwork starts a network and, when the test fails, shows the ends of its logs.
func startNetwork(t *testing.T, ctx context.Context, config devnet.Config) *devnet.Network {
	t.Helper()
	config.Binary, config.Dir = binary, t.TempDir()
	config.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	n, err := devnet.Start(ctx, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Stop(); err != nil {
			t.Errorf("stop: %v", err)
		}
		if t.Failed() {
			for _, p := range n.Daemons {
				t.Logf("== %s\n%s", p.Name, p.Tail(40))
			}
		}
	})
	return n
}

// until waits for a condition and fails the test when the time is over.
func until(t *testing.T, ctx context.Context, what string, within time.Duration, reached func() (bool, error)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	var last error
	for {
		ok, err := reached()
		if err == nil && ok {
			return
		}
		last = err
		select {
		case <-ticker.C:
		case <-ctx.Done():
			t.Fatalf("%s: not within %s (last error: %v)", what, within, last)
		}
	}
}
