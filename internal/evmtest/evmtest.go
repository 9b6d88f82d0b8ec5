package evmtest

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/rpc"

	"github.com/trinebridge/trine/internal/evm"
)

// TB is what this package needs of *testing.T.
type TB interface {
	Helper()
	Fatalf(format string, args ...any)
	Errorf(format string, args ...any)
	Cleanup(func())
	Context() context.Context
}

var _ TB = (testing.TB)(nil)

// Start starts a chain inside the test.
func Start(t TB, config evm.Config) *evm.Chain {
	t.Helper()
	c, err := evm.Start(config)
	if err != nil {
		t.Fatalf("%v", err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Errorf("close the chain: %v", err)
		}
	})
	return c
}

// Anvil is a running anvil.
type Anvil struct {
	url    string
	client *rpc.Client
}

// startPatience is how long anvil may take until it listens.
const startPatience = 30 * time.Second

// StartAnvil starts a fresh anvil on a free port with further arguments, such as "--no-mining".
func StartAnvil(t TB, args ...string) *Anvil {
	t.Helper()
	path := tool(t, "anvil")
	command := exec.Command(path, append([]string{"--host", "127.0.0.1", "--port", "0"}, args...)...)
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatalf("anvil: %v", err)
	}
	command.Stderr = os.Stderr
	if err := command.Start(); err != nil {
		t.Fatalf("start %s: %v", path, err)
	}
	address := make(chan string, 1)
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		// A line may have any length: anvil prints what a call reverted with. Were it not read to
		// its end, anvil would wait for ever, and with it all who ask it something.
		lines := bufio.NewReader(out)
		for {
			line, more, err := lines.ReadLine()
			if err != nil {
				return
			}
			if a, ok := strings.CutPrefix(string(line), "Listening on "); ok && !more {
				address <- a
			}
		}
	}()
	t.Cleanup(func() {
		if err := command.Process.Kill(); err != nil {
			t.Errorf("kill anvil: %v", err)
		}
		<-drained
		_ = command.Wait() // it was killed, and says so
	})
	a := &Anvil{}
	select {
	case listening := <-address:
		a.url = "http://" + listening
	case <-time.After(startPatience):
		t.Fatalf("anvil does not listen after %v", startPatience)
	}
	if a.client, err = rpc.DialContext(t.Context(), a.url); err != nil {
		t.Fatalf("anvil: %v", err)
	}
	t.Cleanup(a.client.Close)
	return a
}

// URL is anvil's JSON-RPC endpoint.
func (a *Anvil) URL() string { return a.url }

// Call sends one request, for anvil's own methods; result may be nil.
func (a *Anvil) Call(ctx context.Context, result any, method string, args ...any) error {
	if err := a.client.CallContext(ctx, result, method, args...); err != nil {
		return fmt.Errorf("anvil: %s: %w", method, err)
	}
	return nil
}

// tool returns the path of a program that scripts/tools.sh installs.
func tool(t TB, name string) string {
	t.Helper()
	// Tests run in their package's folder; a build with -trimpath does not know its sources.
	root, err := exec.CommandContext(t.Context(), "go", "env", "GOMOD").Output()
	if err != nil {
		t.Fatalf("go env GOMOD: %v", err)
	}
	script := filepath.Join(filepath.Dir(strings.TrimSpace(string(root))), "scripts", "tools.sh")
	out, err := exec.CommandContext(t.Context(), script, "path", name).Output()
	if err != nil {
		t.Fatalf("%s path %s: %v", script, name, err)
	}
	return strings.TrimSpace(string(out))
}
