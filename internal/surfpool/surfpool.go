// Package surfpool runs an embedded Solana chain: the real runtime behind the validator's JSON-RPC, in a child process
// of Node.js, on loopback, with nothing on disk.
//
// [Start] is up within a second or two. A chain ends with [Chain.Close], and by itself with the process that started it. What
// it shows untruly (finality, expiry, duplicates, fees) is for solana-test-validator to show; it runs programs of
// SBPF version 0 only.
package surfpool

import (
	"bufio"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

//go:embed surfpool.js
var script string

const (
	// startWithin and stopWithin are generous: a chain that needs longer is stuck.
	startWithin = time.Minute
	stopWithin  = 15 * time.Second
	// tailSize is how much of what the child complained of is kept for errors, in bytes.
	tailSize = 4 << 10
)

// Chain is a running chain.
type Chain struct {
	url     string
	command *exec.Cmd
	stdin   io.Closer
	stderr  tail
	ended   chan struct{}
}

// Start runs a chain. addon is the path of Surfpool's Node addon (scripts/tools.sh path surfpool.node), slot how long a
// slot takes, in whole milliseconds; the chain's finality is 31 slots behind. The context bounds the start only.
func Start(ctx context.Context, addon string, slot time.Duration) (*Chain, error) {
	if slot < time.Millisecond {
		return nil, fmt.Errorf("surfpool: a slot of %s is below a millisecond", slot)
	}
	node, err := exec.LookPath("node")
	if err != nil {
		return nil, fmt.Errorf("surfpool: the embedded Solana chain needs Node.js 20 or newer on PATH: %w", err)
	}
	c := &Chain{ended: make(chan struct{})}
	c.command = exec.Command(node, "-e", script, "--", addon, strconv.FormatInt(slot.Milliseconds(), 10))
	// An interrupt at the terminal is for whoever started the chain, who ends it in its own order.
	c.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.command.Stderr = &c.stderr
	if c.stdin, err = c.command.StdinPipe(); err != nil {
		return nil, fmt.Errorf("surfpool: %w", err)
	}
	stdout, err := c.command.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("surfpool: %w", err)
	}
	if err := c.command.Start(); err != nil {
		return nil, fmt.Errorf("surfpool: %w", err)
	}
	first := make(chan string, 1)
	go func() {
		defer close(c.ended)
		lines := bufio.NewReader(stdout)
		line, _ := lines.ReadString('\n') // a line without an end says that the child ended
		first <- strings.TrimSpace(line)
		_, _ = io.Copy(io.Discard, lines) // only until it ends
		_ = c.command.Wait()              // how it ended: its own words are in stderr
	}()
	timeout := time.NewTimer(startWithin)
	defer timeout.Stop()
	select {
	case c.url = <-first:
		if c.url != "" {
			return c, nil
		}
		err = errors.New("it ended at once")
	case <-timeout.C:
		err = fmt.Errorf("it did not start within %s", startWithin)
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	_ = c.command.Process.Kill() // it may have ended already
	<-c.ended
	if said := c.stderr.String(); said != "" {
		err = fmt.Errorf("%w: %s", err, said)
	}
	return nil, fmt.Errorf("surfpool: %w", err)
}

// URL is the endpoint of its JSON-RPC.
func (c *Chain) URL() string { return c.url }

// Close ends the chain, and waits for that. A second call does nothing.
func (c *Chain) Close() error {
	_ = c.stdin.Close() // a child that has ended has closed it
	timeout := time.NewTimer(stopWithin)
	defer timeout.Stop()
	select {
	case <-c.ended:
		return nil
	case <-timeout.C:
	}
	err := c.command.Process.Kill()
	<-c.ended
	return errors.Join(fmt.Errorf("surfpool did not end within %s of its standard input and was killed", stopWithin), err)
}

// tail keeps the end of what is written to it.
type tail struct {
	mu   sync.Mutex
	text []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	if extra := len(t.text) - tailSize; extra > 0 {
		t.text = append([]byte(nil), t.text[extra:]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(t.text))
}
