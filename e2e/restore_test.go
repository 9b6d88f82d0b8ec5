//go:build e2e

package e2e

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/trinebridge/trine/app"
	"github.com/trinebridge/trine/devnet"
)

// TestRestoredProcessor takes the processor's data folder away: first an older copy comes
// back in its place, then nothing at all. Each time it finds what it has signed at the
// others, nobody gets a second block of any height, and money still goes in.
func TestRestoredProcessor(t *testing.T) {
	ctx := testContext(t)
	n := startNetwork(t, ctx, devnet.Config{Chains: []devnet.ChainConfig{{Endpoint: startAnvil(t, 31337).URL()}}})
	x, p := n.Chains[0], n.Daemon(app.RoleProcessor)
	config, err := app.LoadConfig(p.Config)
	if err != nil {
		t.Fatal(err)
	}
	folder := config.Resolve(config.DataDir)
	alice := newUser(t, ctx, n, "Alice")
	deposit(t, ctx, alice, x, "USDC", "100", true)
	awaitBalance(t, ctx, n, alice, x, "USDC", "100")

	stopped(t, p)
	old := filepath.Join(t.TempDir(), "old")
	copied(t, folder, old)
	before := restarted(t, ctx, p)
	deposit(t, ctx, alice, x, "USDC", "10", false)
	awaitBalance(t, ctx, n, alice, x, "USDC", "110")

	stopped(t, p)
	replaced(t, folder, old)
	if height := restarted(t, ctx, p); height <= before {
		t.Fatalf("with an old copy the processor begins at block %d, where it was before blocks were made upon it", height)
	}
	deposit(t, ctx, alice, x, "USDC", "10", false)
	awaitBalance(t, ctx, n, alice, x, "USDC", "120")

	stopped(t, p)
	replaced(t, folder, "")
	if height := restarted(t, ctx, p); height <= before {
		t.Fatalf("with an empty folder the processor begins at block %d", height)
	}
	deposit(t, ctx, alice, x, "USDC", "10", false)
	awaitBalance(t, ctx, n, alice, x, "USDC", "130")

	wantHistory(t, ctx, n, x, n.Daemons)
	wantOneChain(t, ctx, n)
}

func stopped(t *testing.T, p *devnet.Process) {
	t.Helper()
	if err := p.Stop(); err != nil {
		t.Fatal(err)
	}
}

// restarted starts a daemon and returns the block at which it is ready.
func restarted(t *testing.T, ctx context.Context, p *devnet.Process) (height uint64) {
	t.Helper()
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	c := client(t, p)
	until(t, ctx, p.Name+" is ready", time.Minute, func() (bool, error) {
		status, err := c.Status(ctx)
		height = status.Height
		return status.Ready, err
	})
	return height
}

// replaced puts a copy of a folder in the place of another one, or nothing.
func replaced(t *testing.T, folder, by string) {
	t.Helper()
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	if by != "" {
		copied(t, by, folder)
	}
}

// copied copies a folder as a backup does: with the files' modes, which daemons look at.
func copied(t *testing.T, from, to string) {
	t.Helper()
	if out, err := exec.Command("cp", "-a", from, to).CombinedOutput(); err != nil { // two folders of the test
		t.Fatalf("copy %s to %s: %v\n%s", from, to, err, out)
	}
}

// wantOneChain waits until all daemons stand at one block, and fails the test if one of
// them holds proof against the processor.
func wantOneChain(t *testing.T, ctx context.Context, n *devnet.Network) {
	t.Helper()
	until(t, ctx, "all daemons stand at one block", time.Minute, func() (bool, error) {
		want, err := client(t, n.Daemons[0]).Status(ctx)
		if err != nil {
			return false, err
		}
		same := true
		for _, p := range n.Daemons {
			got, err := client(t, p).Status(ctx)
			if err != nil {
				return false, err
			}
			if got.Compromised {
				t.Fatalf("%s has proof against the processor", p.Name)
			}
			same = same && got.Block == want.Block
		}
		return same, nil
	})
}
