package solanatest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/trinebridge/trine/internal/toolchain"
)

const (
	// readyWithin is how long a validator may take until it finalizes: about five seconds on a quiet machine.
	readyWithin = 3 * time.Minute
	// ticksPerSlot makes slots eight times as fast as a cluster's. Fewer ticks have slots skipped on small machines.
	ticksPerSlot = 8
	askEvery     = 50 * time.Millisecond
)

// lifeline runs a program until it ends or standard input does, so that none outlives the tests, however they end.
const lifeline = `exec 3<&0
"$0" "$@" 3<&- & child=$!
{ cat <&3 >/dev/null; kill -KILL $child; } &
wait $child`

// OpenValidator starts a validator, which is ready once it has finalized a slot; the owner closes it. The error wraps
// [toolchain.ErrAbsent] where there is none.
func OpenValidator(ctx context.Context, config Config) (*Chain, error) {
	path, err := toolchain.Path(ctx, "solana-test-validator")
	if err != nil {
		return nil, err
	}
	c, err := openValidator(ctx, path, config)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", path, err)
	}
	return c, nil
}

func openValidator(ctx context.Context, path string, config Config) (*Chain, error) {
	folder, err := os.MkdirTemp("", "trine-validator-")
	if err != nil {
		return nil, err
	}
	clean := func() error { return os.RemoveAll(folder) }
	held, err := reservePorts()
	if err != nil {
		return nil, errors.Join(err, clean())
	}
	clean = func() error { return errors.Join(held.release(), os.RemoveAll(folder)) }
	args, err := arguments(folder, held.first, config)
	if err != nil {
		return nil, errors.Join(err, clean())
	}
	p, err := run(folder, path, args)
	if err != nil {
		return nil, errors.Join(err, clean())
	}
	c := &Chain{
		url:       "http://127.0.0.1:" + strconv.Itoa(held.first),
		validator: true,
		close:     func() error { p.kill(); return clean() },
	}
	ctx, cancel := context.WithTimeoutCause(ctx, readyWithin, fmt.Errorf("it finalized nothing within %s", readyWithin))
	defer cancel()
	if err := p.ready(ctx, c); err != nil {
		said := p.log()
		return nil, errors.Join(fmt.Errorf("%w; it said: %s", err, said), c.Close())
	}
	if err := c.open(ctx); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// arguments gives the validator its ports, in the order of their use: RPC, RPC's own stream, faucet, gossip, all others.
func arguments(folder string, first int, config Config) ([]string, error) {
	args := []string{
		"--reset", "--quiet", "--ledger", filepath.Join(folder, "ledger"), "--bind-address", "127.0.0.1",
		"--rpc-port", strconv.Itoa(first), "--faucet-port", strconv.Itoa(first + 2), "--gossip-port", strconv.Itoa(first + 3),
		"--dynamic-port-range", fmt.Sprintf("%d-%d", first+4, first+ports-1),
		"--ticks-per-slot", strconv.Itoa(ticksPerSlot),
	}
	for i, p := range config.Programs {
		file := filepath.Join(folder, fmt.Sprintf("program-%d.so", i))
		if err := os.WriteFile(file, p.Code, 0o600); err != nil {
			return nil, err
		}
		args = append(args, "--upgradeable-program", p.ID.String(), file, p.Authority.String())
	}
	return args, nil
}

// process is a running validator.
type process struct {
	command *exec.Cmd
	stdin   io.Closer
	said    string // the path of its output
	ended   chan struct{}
}

func run(folder, path string, args []string) (*process, error) {
	p := &process{said: filepath.Join(folder, "output"), ended: make(chan struct{})}
	output, err := os.Create(p.said)
	if err != nil {
		return nil, err
	}
	defer output.Close() // the child has its own
	p.command = exec.Command("sh", append([]string{"-c", lifeline, path}, args...)...)
	p.command.Dir = folder
	p.command.Stdout, p.command.Stderr = output, output
	p.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if p.stdin, err = p.command.StdinPipe(); err != nil {
		return nil, err
	}
	if err := p.command.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(p.ended)
		_ = p.command.Wait() // it is killed, or its output says why it ended
	}()
	return p, nil
}

// ready waits until something is finalized: a validator says that it is healthy before its state can be read.
func (p *process) ready(ctx context.Context, c *Chain) error {
	ticker := time.NewTicker(askEvery)
	defer ticker.Stop()
	for {
		if slot, err := c.askSlot(ctx); err == nil && slot > 0 {
			return nil
		}
		select {
		case <-ticker.C:
		case <-p.ended:
			return errors.New("it ended at once")
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// kill ends the validator and what watches over it, by their group, and waits for that.
func (p *process) kill() {
	_ = syscall.Kill(-p.command.Process.Pid, syscall.SIGKILL) // all may have ended already
	_ = p.stdin.Close()
	<-p.ended
}

// log returns the end of what it said.
func (p *process) log() string {
	const most = 2 << 10
	text, err := os.ReadFile(p.said)
	if err != nil {
		return err.Error()
	}
	return string(bytes.TrimSpace(text[max(0, len(text)-most):]))
}

const (
	// ports is how many a validator needs, with a few to spare.
	ports = 48
	// Ranges lie below the ports that outgoing connections use.
	lowestPort, highestPort = 18_000, 32_000
	reserveTries            = 200
)

// reservation is a range of ports that no other process with this package uses, while its file is locked.
type reservation struct {
	first int
	file  *os.File
}

func reservePorts() (*reservation, error) {
	folder := filepath.Join(os.TempDir(), "trine-ports-"+strconv.Itoa(os.Getuid()))
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	for range reserveTries {
		first := lowestPort + rand.IntN((highestPort-lowestPort)/ports)*ports
		file, err := os.OpenFile(filepath.Join(folder, strconv.Itoa(first)), os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return nil, err
		}
		r := &reservation{first, file}
		if syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil && r.free() {
			return r, nil
		}
		_ = r.release() // it was not ours
	}
	return nil, fmt.Errorf("no %d free ports in a row between %d and %d after %d tries", ports, lowestPort, highestPort, reserveTries)
}

// free says whether nobody listens on any of the ports.
func (r *reservation) free() bool {
	for port := r.first; port < r.first+ports; port++ {
		address := "127.0.0.1:" + strconv.Itoa(port)
		stream, err := net.Listen("tcp", address)
		if err != nil {
			return false
		}
		packets, err := net.ListenPacket("udp", address)
		_ = stream.Close()
		if err != nil {
			return false
		}
		_ = packets.Close()
	}
	return true
}

func (r *reservation) release() error { return r.file.Close() }
