package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"syscall"

	"github.com/trinebridge/trine/api"
	"github.com/trinebridge/trine/gossip"
)

// identity returns the gossip name of the daemon with this data folder, or nothing where
// none has run yet.
func (c *checker) identity() (string, error) {
	path := filepath.Join(c.config.Resolve(c.config.DataDir), identityFile)
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return "", nil // looking makes no key
	}
	key, err := gossip.LoadOrCreateIdentity(path)
	if err != nil {
		return "", err
	}
	return gossip.PeerID(key)
}

// running asks whether the daemon of this file is the one that has its ports. A gossip name
// is no secret, but nothing depends on the answer other than what the operator reads.
func (c *checker) running(ctx context.Context) (status api.Status, yes bool) {
	own, err := c.identity()
	if err != nil || own == "" || c.config.API.Listen == "" {
		return status, false
	}
	client, err := api.NewClient("http://" + c.config.API.Listen)
	if err != nil {
		return status, false
	}
	ctx, cancel := context.WithTimeout(ctx, dialWithin)
	defer cancel()
	status, err = client.Status(ctx)
	return status, err == nil && status.PeerID == own
}

// ports asks whether the daemon can listen where it is to, or does so already.
func (c *checker) ports() {
	check := func(what, text, address string) {
		err := canListen(address)
		switch {
		case err == nil:
			c.found(what, text, nil)
		case c.runs && errors.Is(err, syscall.EADDRINUSE):
			c.found(what, fmt.Sprintf("%s, in use by this daemon, which runs as %s at block %d", text, c.status.Role, c.status.Height), nil)
		case errors.Is(err, syscall.EADDRINUSE):
			c.found(what, "", fmt.Errorf("cannot listen: %w; another program has it, or this daemon runs and its API does not answer: choose another port or end that program", err))
		default:
			c.found(what, "", fmt.Errorf("cannot listen: %w", err))
		}
	}
	if listen := c.config.API.Listen; listen != "" {
		check("api.listen", listen, listen)
	}
	for _, text := range c.config.Gossip.Listen {
		address, err := tcpAddress(text)
		if err != nil {
			c.found("gossip.listen", "", err)
			continue
		}
		check("gossip.listen", text, address)
	}
	// What a running daemon has read cannot be seen; what it says of itself can.
	if c.runs && c.genesis != nil && c.status.Genesis != c.genesis.Hash() {
		c.found("running daemon", "", fmt.Errorf("it runs on genesis %s, this file names %s: restart it, or give back the old genesis", c.status.Genesis, c.genesis.Hash()))
	}
}

func canListen(address string) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	return l.Close()
}
