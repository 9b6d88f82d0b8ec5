package gossip_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/trinebridge/trine/gossip"
)

// Who is at an address is what the peer there proves, not what the address says.
func TestProbe(t *testing.T) {
	c := newClock()
	n, other := newNode(t, c, nil).start(t), newNode(t, c, nil)
	address := n.Addresses()[0]
	if err := gossip.Probe(t.Context(), address); err != nil {
		t.Errorf("the peer itself: %v", err)
	}
	err := gossip.Probe(t.Context(), strings.Replace(address, n.ID(), other.ID(), 1))
	var wrong *gossip.OtherPeerError
	if !errors.As(err, &wrong) || wrong.Want != other.ID() || wrong.Got != n.ID() {
		t.Errorf("another peer: %v, want one that names %s and %s", err, n.ID(), other.ID())
	}
	if err := gossip.Probe(t.Context(), "/ip4/127.0.0.1/tcp/1"); err == nil || !strings.Contains(err.Error(), "write it as") {
		t.Errorf("an address without an id: %v", err)
	}
	if n.misdeeds() != 0 {
		t.Errorf("a probe is blamed for %d misdeeds", n.misdeeds())
	}
}

func TestProbeOfNoPeer(t *testing.T) {
	id := "/p2p/" + newNode(t, newClock(), nil).ID()
	web := httptest.NewServer(http.NotFoundHandler())
	defer web.Close()
	_, port, err := net.SplitHostPort(web.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	var wrong *gossip.OtherPeerError
	if err := gossip.Probe(t.Context(), "/ip4/127.0.0.1/tcp/"+port+id); err == nil || errors.As(err, &wrong) || errors.Is(err, io.EOF) {
		t.Errorf("a web server: %v", err)
	}
	mute, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			connection, err := mute.Accept()
			if err != nil {
				return
			}
			_ = connection.Close()
		}
	}()
	defer func() { _ = mute.Close(); <-ended }()
	_, port, err = net.SplitHostPort(mute.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if err := gossip.Probe(t.Context(), "/ip4/127.0.0.1/tcp/"+port+id); err == nil || strings.Contains(err.Error(), "\n") {
		t.Errorf("one that hangs up: %v, want one line", err)
	}
}
