package solanatest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gagliardetto/solana-go"

	"github.com/trinebridge/trine/internal/surfpool"
	"github.com/trinebridge/trine/internal/toolchain"
)

// TB is what this package needs of *testing.T.
type TB interface {
	Helper()
	Name() string
	Fatalf(format string, args ...any)
	Errorf(format string, args ...any)
	Skipf(format string, args ...any)
	Cleanup(func())
	Context() context.Context
}

var _ TB = (testing.TB)(nil)

// Config is what a chain starts with.
type Config struct {
	Programs []Program // there from the first block
}

// Program is one that a chain starts with.
type Program struct {
	ID     solana.PublicKey
	Code   []byte // an ELF file: SBPF version 3 for the validator
	CodeV0 []byte // the same as SBPF version 0, for Surfpool
	// Authority may upgrade it. Even the zero key, which is nobody's, is an authority to whoever looks: a program
	// that has none is one that gave it up.
	Authority solana.PublicKey
}

// surfpoolSlot is short: finality is 31 slots behind.
const surfpoolSlot = 50 * time.Millisecond

// Start starts a validator where there is one, and Surfpool otherwise. The chain ends with the test.
func Start(t TB, config Config) *Chain {
	t.Helper()
	return ending(t, func() (*Chain, error) { return OpenAny(t.Context(), config) })
}

// StartSurfpool starts a Surfpool chain, which ends with the test.
func StartSurfpool(t TB, config Config) *Chain {
	t.Helper()
	return ending(t, func() (*Chain, error) { return OpenSurfpool(t.Context(), config) })
}

func ending(t TB, open func() (*Chain, error)) *Chain {
	t.Helper()
	c, err := open()
	if err != nil {
		t.Fatalf("%v", err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Errorf("%v", err)
		}
	})
	return c
}

// NeedValidator skips a test that only a validator can serve where there is none.
func NeedValidator(t TB) {
	t.Helper()
	_, err := toolchain.Path(t.Context(), "solana-test-validator")
	switch {
	case errors.Is(err, toolchain.ErrAbsent):
		if err := report("not run", t.Name()); err != nil {
			t.Fatalf("%v", err)
		}
		t.Skipf("%v", err)
	case err != nil:
		t.Fatalf("%v", err)
	}
}

// OpenAny starts a validator where there is one, and Surfpool otherwise. The owner closes it.
func OpenAny(ctx context.Context, config Config) (*Chain, error) {
	c, err := OpenValidator(ctx, config)
	if errors.Is(err, toolchain.ErrAbsent) {
		return OpenSurfpool(ctx, config)
	}
	return c, err
}

// OpenSurfpool starts a Surfpool chain; the owner closes it.
func OpenSurfpool(ctx context.Context, config Config) (*Chain, error) {
	addon, err := toolchain.Path(ctx, "surfpool.node")
	if err != nil {
		return nil, err
	}
	s, err := surfpool.Start(ctx, addon, surfpoolSlot)
	if err != nil {
		return nil, err
	}
	c := &Chain{url: s.URL(), close: s.Close}
	if err := c.open(ctx); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	for _, p := range config.Programs {
		if err := c.place(ctx, p); err != nil {
			return nil, errors.Join(err, c.Close())
		}
	}
	return c, nil
}

// Shared is one chain for all tests of a package. The zero value is ready; TestMain calls Close after m.Run.
type Shared struct {
	once  sync.Once
	chain *Chain
	err   error
}

// Get returns the chain. The first call starts it with open, which is [OpenAny], [OpenValidator] or [OpenSurfpool].
func (s *Shared) Get(t TB, open func(context.Context, Config) (*Chain, error), config Config) *Chain {
	t.Helper()
	// The chain outlives the test that asks first.
	s.once.Do(func() { s.chain, s.err = open(context.WithoutCancel(t.Context()), config) })
	if s.err != nil {
		t.Fatalf("%v", s.err)
	}
	return s.chain
}

// Close ends the chain if it was started.
func (s *Shared) Close() error {
	if s.chain == nil {
		return nil
	}
	return s.chain.Close()
}

// reportEnv names the file that collects what ran.
const reportEnv = "TRINE_SOLANA_REPORT"

// report adds a line to the file that collects what ran. Reading the variable also makes it part of what go test goes by
// when it decides that a result from its cache will do.
func report(what, detail string) error {
	path := os.Getenv(reportEnv)
	if path == "" {
		return nil
	}
	folder, err := os.Getwd()
	if err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("%s: %w", reportEnv, err)
	}
	// One write, so that packages that are tested at the same time do not mix their lines.
	_, err = file.WriteString(strings.Join([]string{what, filepath.Base(folder), detail}, "\t") + "\n")
	return errors.Join(err, file.Close())
}
