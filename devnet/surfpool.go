package devnet

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/trinebridge/trine/internal/toolchain"
)

// surfpoolEnv names Surfpool's addon where the program runs outside of a checkout.
const surfpoolEnv = "TRINE_SURFPOOL"

// slotTime is a slot of the embedded Solana chain: finality is 31 slots behind.
const slotTime = 100 * time.Millisecond

//go:embed surfpool.js
var surfpoolScript string

// surfpool is an embedded Solana chain: the real runtime behind the validator's JSON-RPC,
// in a child process of Node, on loopback.
type surfpool struct {
	url     string
	command *exec.Cmd
	stdin   io.Closer
	errors  *tail
	done    chan struct{}
}

func startSurfpool(ctx context.Context) (*surfpool, error) {
	addon := os.Getenv(surfpoolEnv)
	if addon == "" {
		var err error
		if addon, err = toolchain.Path(ctx, "surfpool.node"); err != nil {
			return nil, fmt.Errorf("%w (or set %s to the path of Surfpool's surfpool.node)", err, surfpoolEnv)
		}
	}
	node, err := exec.LookPath("node")
	if err != nil {
		return nil, fmt.Errorf("the embedded Solana chain needs Node.js 20 or newer: %w", err)
	}
	s := &surfpool{errors: &tail{}, done: make(chan struct{})}
	s.command = exec.Command(node, "-e", surfpoolScript, "--", addon, strconv.FormatInt(slotTime.Milliseconds(), 10)) // our own script
	// An interrupt at the terminal is for the network, which ends the chain after the daemons.
	s.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	s.command.Stderr = s.errors
	if s.stdin, err = s.command.StdinPipe(); err != nil {
		return nil, err
	}
	stdout, err := s.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.command.Start(); err != nil {
		return nil, err
	}
	first := make(chan string, 1)
	go func() {
		r := bufio.NewReader(stdout)
		line, _ := r.ReadString('\n') // an empty line says that it ended
		first <- strings.TrimSpace(line)
		_, _ = io.Copy(io.Discard, r)
		_ = s.command.Wait() // how it ended is of no interest
		close(s.done)
	}()
	timer := time.NewTimer(startWithin)
	defer timer.Stop()
	select {
	case s.url = <-first:
		if s.url != "" {
			return s, nil
		}
		err = errors.New("it ended at once")
	case <-timer.C:
		err = fmt.Errorf("it did not start within %s", startWithin)
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	return nil, errors.Join(fmt.Errorf("surfpool: %w\n%s", err, s.errors.String()), s.close())
}

// close ends the chain: it ends with its standard input, and is killed if it does not.
func (s *surfpool) close() error {
	_ = s.stdin.Close() // a process that has ended has closed it
	timer := time.NewTimer(stopWithin)
	defer timer.Stop()
	select {
	case <-s.done:
		return nil
	case <-timer.C:
	}
	err := s.command.Process.Kill()
	<-s.done
	return cmp.Or(err, fmt.Errorf("surfpool did not end within %s of its standard input and was killed", stopWithin))
}

// tail keeps the end of what is written to it.
type tail struct {
	mu   sync.Mutex
	text []byte
}

// tailSize is what a tail keeps, in bytes.
const tailSize = 4 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	t.text = bytes.Clone(t.text[max(0, len(t.text)-tailSize):])
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(t.text))
}
