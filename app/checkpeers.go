package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"

	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/trinebridge/trine/gossip"
)

func tcpAddress(text string) (string, error) {
	m, err := ma.NewMultiaddr(text)
	if err != nil {
		return "", fmt.Errorf("%q is not a multiaddress such as /ip4/127.0.0.1/tcp/7101: %w", text, err)
	}
	network, address, err := manet.DialArgs(m)
	if err != nil || !strings.HasPrefix(network, "tcp") {
		return "", fmt.Errorf("%q is not an address of TCP such as /ip4/127.0.0.1/tcp/7101", text)
	}
	return address, nil
}

func (c *checker) peers(ctx context.Context) {
	if len(c.config.Gossip.Peers) == 0 && c.config.Role != RoleProcessor {
		c.found("gossip.peers", "", fmt.Errorf("there is none; %s hears of no block without one", c.config.Role.WithArticle()))
	}
	own, _ := c.identity() // dataDir has reported an error
	for _, text := range c.config.Gossip.Peers {
		what := "peer " + text
		address, err := tcpAddress(text)
		if err == nil && own != "" && strings.HasSuffix(text, "/p2p/"+own) {
			err = errors.New("this is the daemon of this file itself; remove it")
		}
		if err != nil {
			c.found(what, "", err)
			continue
		}
		dialer := net.Dialer{Timeout: dialWithin}
		connection, err := dialer.DialContext(ctx, "tcp", address)
		if err != nil {
			// The first daemon of a network starts before its peers.
			c.warn(what, fmt.Sprintf("does not answer: %v; is that daemon running?", err))
			continue
		}
		_ = connection.Close() // it has shown that somebody listens
		c.peer(ctx, what, text)
	}
}

// peer has the peer prove its id.
func (c *checker) peer(ctx context.Context, what, text string) {
	ctx, cancel := context.WithTimeout(ctx, dialWithin)
	defer cancel()
	err := gossip.Probe(ctx, text)
	var other *gossip.OtherPeerError
	switch {
	case err == nil:
		c.found(what, "answers, and is the one that is named", nil)
	case errors.As(err, &other):
		c.found(what, "", fmt.Errorf("%w: this daemon would never be connected to it; ask its operator which is right, and compare with the id that its trine status --json or its log tells", err))
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, context.DeadlineExceeded):
		c.warn(what, fmt.Sprintf("answers, and does not say who it is: %v; is that daemon busy, or another program there?", err))
	default:
		c.found(what, "", fmt.Errorf("answers, and is no Trine daemon: %w; its port is the one of gossip.listen, not of api.listen", err))
	}
}
