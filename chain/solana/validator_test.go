//go:build e2e

package solana

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	contract "github.com/trinebridge/trine/bridgecontracts/solana"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/signing"
)

// preloaded is how many programs the validator starts with: one per world.
const preloaded = 64

// validator is the one solana-test-validator that all tests of a run share.
type validator struct {
	url     string
	genesis string

	mu   sync.Mutex
	next int // the next program that no world uses
}

func key(name string) *signing.Ed25519Payer {
	return signing.NewEd25519Payer([32]byte(codec.Keccak([]byte("chain/solana tests: " + name))))
}

func keyOf(k *signing.Ed25519Payer) contract.Key { return contract.Key(k.PayerKey()) }

var shared struct {
	once sync.Once
	v    *validator
	err  error
	stop func()
}

func TestMain(m *testing.M) {
	code := m.Run()
	if shared.stop != nil {
		shared.stop()
	}
	os.Exit(code)
}

func sharedValidator(t interface {
	Helper()
	Fatalf(string, ...any)
}) *validator {
	t.Helper()
	shared.once.Do(func() { shared.v, shared.err = startValidator() })
	if shared.err != nil {
		t.Fatalf("%v", shared.err)
	}
	return shared.v
}

func freePorts(n int) (ports []int, err error) {
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}

func startValidator() (*validator, error) {
	path := os.Getenv("SOLANA_TEST_VALIDATOR")
	if path == "" {
		path = "solana-test-validator"
	}
	dir, err := os.MkdirTemp("", "trine-validator-*")
	if err != nil {
		return nil, err
	}
	ports, err := freePorts(3)
	if err != nil {
		return nil, err
	}
	so := filepath.Join(dir, "bridge.so")
	if err := os.WriteFile(so, contract.Code(), 0o600); err != nil {
		return nil, err
	}
	first := 20_000 + ports[1]%20_000
	args := []string{
		"--reset", "--quiet", "--ledger", filepath.Join(dir, "ledger"), "--bind-address", "127.0.0.1", "--rpc-port", fmt.Sprint(ports[0]), "--faucet-port", fmt.Sprint(ports[2]),
		"--gossip-port", fmt.Sprint(first), "--dynamic-port-range", fmt.Sprintf("%d-%d", first+1, first+40), "--ticks-per-slot", "8", "--mint", keyOf(key("deployer")).String(),
	}
	for i := range preloaded {
		args = append(args, "--upgradeable-program", keyOf(key(fmt.Sprint("program ", i))).String(), so, keyOf(key("deployer")).String())
	}
	command := exec.Command(path, args...)
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return nil, err
	}
	command.Stdout, command.Stderr = log, log
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("start solana-test-validator: %w; name it in SOLANA_TEST_VALIDATOR", err)
	}
	shared.stop = func() {
		_ = command.Process.Kill()
		_ = command.Wait()
		_ = os.RemoveAll(dir)
	}
	v := &validator{url: fmt.Sprintf("http://127.0.0.1:%d", ports[0])}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	return v, v.ready(ctx)
}

// ready waits until something is finalized.
func (v *validator) ready(ctx context.Context) error {
	n, err := openNode("solana:11111111111111111111111111111111", v.url)
	if err != nil {
		return err
	}
	n.checked.Store(true)
	for {
		slot, err := n.slot(ctx, finalized)
		if err == nil && slot > 0 {
			break
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the validator finalizes nothing: %w (%v)", ctx.Err(), err)
		case <-time.After(100 * time.Millisecond):
		}
	}
	return n.call(ctx, &v.genesis, "getGenesisHash")
}

func (v *validator) chainID() string { return Namespace + ":" + v.genesis[:referenceLength] }

func TestQuick(t *testing.T) {
	start := time.Now()
	v := sharedValidator(t)
	t.Log(v.chainID(), time.Since(start))
}
