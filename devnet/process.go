package devnet

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/trinebridge/trine/api"
	"github.com/trinebridge/trine/app"
)

// Times that a daemon gets.
const (
	startWithin = 3 * time.Minute
	stopWithin  = 10 * time.Second
)

// Process is a daemon that runs, or has run, as a process of its own.
type Process struct {
	app.Daemon
	binary string
	log    string

	command *exec.Cmd
	done    chan struct{}
	err     error // valid once done is closed
}

// Start runs the daemon; its log goes on where it ended.
func (p *Process) Start() error {
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	p.command = exec.Command(p.binary, string(p.Role), "--config", p.Config) // our own binary
	p.command.Stdout, p.command.Stderr = log, log
	// An interrupt at the terminal is for the network, which then ends the daemons in order.
	p.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.command.Start(); err != nil {
		return fmt.Errorf("%s: %w", p.Name, err)
	}
	p.done = make(chan struct{})
	go func() {
		p.err = p.command.Wait()
		close(p.done)
	}()
	return nil
}

// Client returns a client of the daemon's API, as the daemon's operator.
func (p *Process) Client() (*api.Client, error) { return app.OpenClient(p.Config) }

// Log returns the path of the daemon's log.
func (p *Process) Log() string { return p.log }

// Kill ends the daemon at once, as a crash would, and waits until it is gone.
func (p *Process) Kill() error {
	if err := p.command.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-p.done
	return nil
}

func (p *Process) running() bool {
	if p.done == nil {
		return false
	}
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

func (p *Process) interrupt() {
	if p.running() {
		_ = p.command.Process.Signal(os.Interrupt) // Stop finds out whether it worked
	}
}

// Stop asks the daemon to end and kills it if it does not.
func (p *Process) Stop() error {
	if !p.running() {
		return nil
	}
	p.interrupt()
	timer := time.NewTimer(stopWithin)
	defer timer.Stop()
	select {
	case <-p.done:
		return nil
	case <-timer.C:
		return errors.Join(fmt.Errorf("%s did not end within %s of an interrupt and was killed", p.Name, stopWithin), p.Kill())
	}
}

// waitFor asks until ready returns no error, the daemon ends, or the time is over.
func (p *Process) waitFor(ctx context.Context, what string, ready func(*api.Client) error) error {
	client, err := p.Client()
	if err != nil {
		return err
	}
	deadline := time.NewTimer(startWithin)
	defer deadline.Stop()
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for {
		reason := ready(client)
		if reason == nil {
			return nil
		}
		select {
		case <-ticker.C:
		case <-p.done:
			return fmt.Errorf("%s ended: %w\n%s", p.Name, p.err, p.Tail(15))
		case <-deadline.C:
			return fmt.Errorf("%s did not %s within %s: %w\n%s", p.Name, what, startWithin, reason, p.Tail(15))
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Tail returns the last lines of the log.
func (p *Process) Tail(count int) string {
	data, err := os.ReadFile(p.log)
	if err != nil {
		return ""
	}
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	return strings.Join(lines[max(0, len(lines)-count):], "\n")
}
