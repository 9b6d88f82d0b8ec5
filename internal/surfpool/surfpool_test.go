package surfpool

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/trinebridge/trine/internal/toolchain"
)

func start(t *testing.T) *Chain {
	t.Helper()
	addon, err := toolchain.Path(t.Context(), "surfpool.node")
	if err != nil {
		t.Fatal(err)
	}
	c, err := Start(t.Context(), addon, 50*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func healthy(c *Chain) error {
	answer, err := http.Post(c.URL(), "application/json", strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"getHealth"}`))
	if err != nil {
		return err
	}
	return answer.Body.Close()
}

func TestAChainAnswersUntilItIsClosed(t *testing.T) {
	c := start(t)
	if err := healthy(c); err != nil {
		t.Error(err)
	}
	for range 2 {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
	if healthy(c) == nil {
		t.Error("a closed chain answers")
	}
}

func TestTheChildEndsWithItsStandardInput(t *testing.T) {
	c := start(t)
	if err := c.stdin.Close(); err != nil {
		t.Error(err)
	}
	<-c.ended
	if err := syscall.Kill(c.command.Process.Pid, 0); err == nil {
		t.Errorf("process %d is still there", c.command.Process.Pid)
	}
}

func TestWhatCannotStartSaysWhy(t *testing.T) {
	broken := filepath.Join(t.TempDir(), "broken.js")
	if err := os.WriteFile(broken, []byte(`throw new Error("no such chain")`), 0o600); err != nil {
		t.Fatal(err)
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	silent := filepath.Join(t.TempDir(), "silent.js")
	if err := os.WriteFile(silent, []byte(`exports.Surfnet = { startWithConfig: () => { while (true); } }`), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, addon string
		ctx         context.Context
		slot        time.Duration
		want        string
	}{
		{"missing addon", "/nowhere/surfpool.node", t.Context(), time.Second, "/nowhere/surfpool.node"},
		{"an addon that fails", broken, t.Context(), time.Second, "no such chain"},
		{"no slot time", broken, t.Context(), time.Microsecond, "below a millisecond"},
		{"given up", silent, canceled, time.Second, "context canceled"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c, err := Start(test.ctx, test.addon, test.slot)
			if err == nil {
				_ = c.Close()
			}
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("want an error with %q, got %v", test.want, err)
			}
		})
	}
}
