package gossip

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/sec"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
)

// OtherPeerError says that another peer than the one that was meant is at an address.
type OtherPeerError struct {
	// Want is the id that was meant, Got the one that the peer has proven.
	Want, Got string
}

// Error implements error.
func (e *OtherPeerError) Error() string {
	return fmt.Sprintf("the daemon there is %s, not %s", e.Got, e.Want)
}

// Probe connects to the peer that a multiaddress with /p2p/ID names, has it prove its id,
// and hangs up. It comes as a stranger, under a name that it forgets, so it takes nobody's
// place. An error may be an [OtherPeerError].
func Probe(ctx context.Context, address string) (err error) {
	info, err := peer.AddrInfoFromString(address)
	if err != nil {
		return fmt.Errorf("peer %q: %w; write it as /ip4/ADDRESS/tcp/PORT/p2p/ID", address, err)
	}
	key, _, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		return err
	}
	h, err := newLibp2p(&settings{Config: Config{Identity: key}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	err = h.Connect(ctx, *info)
	var other sec.ErrPeerIDMismatch
	if errors.As(err, &other) {
		return &OtherPeerError{Want: other.Expected.String(), Got: other.Actual.String()}
	}
	var dial *swarm.DialError
	if errors.As(err, &dial) && len(dial.DialErrors) > 0 {
		causes := make([]error, len(dial.DialErrors))
		for i := range dial.DialErrors {
			causes[i] = dial.DialErrors[i].Cause
		}
		return errors.Join(causes...)
	}
	return err
}
