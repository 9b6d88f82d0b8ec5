package devnet

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trinebridge/trine/app"
)

// stubEnv makes this test's own program behave as a daemon that goes wrong; its value says
// how. Each such process leaves its number as the name of a file in the folder of stubDirEnv.
const (
	stubEnv    = "TRINE_DEVNET_STUB"
	stubDirEnv = "TRINE_DEVNET_STUB_DIR"
)

func TestMain(m *testing.M) {
	how := os.Getenv(stubEnv)
	if how == "" {
		os.Exit(m.Run())
	}
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, os.Interrupt)
	if err := os.WriteFile(filepath.Join(os.Getenv(stubDirEnv), strconv.Itoa(os.Getpid())), nil, 0o600); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	switch how {
	case "ends": // as a daemon does that finds a fault in its files
		fmt.Fprintln(os.Stderr, "the stub ends")
		os.Exit(3)
	case "silent": // never answers, and ends when it is asked to
		<-asked
	case "deaf": // never answers, and only a kill ends it
		for {
			<-asked
		}
	}
}

// self is this program, which runs as a stub where stubEnv is set.
func self(t *testing.T) string {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func TestConfigFaults(t *testing.T) {
	_, err := Start(t.Context(), Config{
		Families: []string{"eip155", "moon"}, Listeners: -1,
		Chains: []ChainConfig{{Endpoint: "ftp://somewhere"}, {Endpoint: "http://127.0.0.1:1"}, {Endpoint: "http://127.0.0.1:1", Daemons: []string{"nowhere"}}},
	})
	if err == nil {
		t.Fatal("a wrong configuration was accepted")
	}
	for _, part := range []string{"no trine program", `"moon"`, "eip155", `"ftp://somewhere"`, "http://127.0.0.1:1 is named twice", `"nowhere"`, "-1 listeners"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error does not mention %s: %v", part, err)
		}
	}
}

func TestEndpointIsNoDevelopmentChain(t *testing.T) {
	silent := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(silent.Close)
	poor := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"jsonrpc":"2.0","id":1,"result":"0x1"}`)
	}))
	t.Cleanup(poor.Close)
	for _, c := range []struct {
		name, endpoint string
		want           []string
	}{
		{"no node", silent.URL, []string{silent.URL, "does not answer as a development chain", "as eip155: 404"}},
		{"a chain where the faucet is poor", poor.URL, []string{"eip155:1", "owns less than 1000 coins", "anvil"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "net")
			_, err := Start(t.Context(), Config{Binary: self(t), Dir: dir, Chains: []ChainConfig{{Endpoint: c.endpoint}}})
			if err == nil {
				t.Fatal("it was taken for a development chain")
			}
			for _, part := range c.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("error does not mention %q: %v", part, err)
				}
			}
			if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("files were written before the chains were known: %v", err)
			}
		})
	}
}

// TestSilentEndpoint: who takes a request and never answers is not waited for.
func TestSilentEndpoint(t *testing.T) {
	f := family{namespace: "silent", identify: func(ctx context.Context, _ string) (string, error) {
		<-ctx.Done()
		return "", ctx.Err()
	}}
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		if _, err := f.identifyWithin(t.Context(), "http://somewhere"); err == nil || !strings.Contains(err.Error(), "no answer within 10s") {
			t.Errorf("error = %v, want one that says how long it was waited", err)
		}
		if took := time.Since(began); took != answersWithin {
			t.Errorf("gave up after %s, want %s", took, answersWithin)
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(errInterrupt)
		if _, err := f.identifyWithin(ctx, "http://somewhere"); !errors.Is(err, errInterrupt) {
			t.Errorf("error = %v, want the interrupt", err)
		}
	})
}

// TestOneChainTwice: two endpoints of one chain are found out by what they answer, whatever their names.
func TestOneChainTwice(t *testing.T) {
	c, err := startEVM(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.close(); err != nil {
			t.Error(err)
		}
	})
	other := strings.Replace(c.endpoint(), "127.0.0.1", "localhost", 1)
	_, err = Start(t.Context(), Config{Binary: self(t), Families: []string{"eip155", "solana"}, Chains: []ChainConfig{{Endpoint: c.endpoint()}, {Endpoint: other}}})
	if err == nil || !strings.Contains(err.Error(), "are of the same chain, "+c.chainID()) {
		t.Errorf("error = %v, want one that names the chain", err)
	}
}

var errInterrupt = errors.New("interrupted by the test")

// TestStartCleansUp: whatever goes wrong while a network starts, no process and no file
// of its own is left.
func TestStartCleansUp(t *testing.T) {
	for _, c := range []struct {
		name, stub string
		interrupt  bool
		want       string
	}{
		{"a daemon ends", "ends", false, "the stub ends"},
		{"an interrupt while daemons start", "silent", true, errInterrupt.Error()},
	} {
		t.Run(c.name, func(t *testing.T) {
			temporary, pids := t.TempDir(), t.TempDir()
			t.Setenv("TMPDIR", temporary)
			t.Setenv(stubEnv, c.stub)
			t.Setenv(stubDirEnv, pids)
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			if c.interrupt {
				go func() {
					if awaitStubs(ctx, pids, 8) {
						cancel(errInterrupt)
					}
				}()
			}
			n, err := Start(ctx, Config{Binary: self(t), Families: []string{"eip155"}})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error = %v, want one that says %q", err, c.want)
			}
			if n != nil {
				t.Error("a network was returned besides the error")
			}
			wantGone(t, pids)
			left, err := filepath.Glob(filepath.Join(temporary, "*"))
			if err != nil || len(left) > 0 {
				t.Errorf("left behind: %v (%v)", left, err)
			}
		})
	}
}

func TestNeededFamilyIsMissing(t *testing.T) {
	c, err := startEVM(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.close(); err != nil {
			t.Error(err)
		}
	})
	other := family{namespace: "other"}
	families = append(families, &other)
	t.Cleanup(func() { families = families[:len(families)-1] })
	other.identify = func(context.Context, string) (string, error) { return "", errors.New("not mine") }
	_, err = Start(t.Context(), Config{Binary: self(t), Families: []string{"eip155", "other"}, Chains: []ChainConfig{{Endpoint: c.endpoint()}}})
	if err == nil || !strings.Contains(err.Error(), "no endpoint of a chain of other") {
		t.Errorf("error = %v, want one that names the missing family", err)
	}
}

// TestStopKillsWhoDoesNotListen: a daemon that ignores an interrupt is killed, and said.
func TestStopKillsWhoDoesNotListen(t *testing.T) {
	pids := t.TempDir()
	t.Setenv(stubEnv, "deaf")
	t.Setenv(stubDirEnv, pids)
	p := &Process{Daemon: app.Daemon{Name: "listener-1", Role: app.RoleListener}, binary: self(t), log: filepath.Join(t.TempDir(), "log")}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	if !awaitStubs(t.Context(), pids, 1) {
		t.Fatal("the stub did not start")
	}
	if err := p.Stop(); err == nil || !strings.Contains(err.Error(), "listener-1 did not end within") {
		t.Errorf("error = %v, want one that names who did not end", err)
	}
	wantGone(t, pids)
	if err := p.Stop(); err != nil {
		t.Errorf("stopping what is stopped: %v", err)
	}
}

// awaitStubs waits until so many stubs run, or the test is over.
func awaitStubs(ctx context.Context, dir string, count int) bool {
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for {
		if found, err := os.ReadDir(dir); err == nil && len(found) >= count {
			return true
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return false
		}
	}
}

// wantGone checks that stubs have run, and that none runs any more.
func wantGone(t *testing.T, dir string) {
	t.Helper()
	found, err := os.ReadDir(dir)
	if err != nil || len(found) == 0 {
		t.Errorf("no stub has run (%v)", err)
	}
	for _, f := range found {
		pid, err := strconv.Atoi(f.Name())
		if err != nil {
			t.Fatal(err)
		}
		if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
			t.Errorf("process %d still runs (%v)", pid, err)
		}
	}
}
