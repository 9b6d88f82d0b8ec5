package approver

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/ledger"
)

// A ledger that wrongly believes that a bridge is paused, or that does not know a pause
// that was lifted, keeps nobody from pausing: what counts is what the bridge says.
func TestPauseAgainstAWrongLedger(t *testing.T) {
	for name, wrong := range map[string]uint64{"paused": 1, "far ahead": math.MaxUint64} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			s.spoilBridge(func(b *ledger.Bridge) { b.PauseSequence = wrong })
			s.look()
			d, err := s.approver.Pause(context.Background(), s.chains[home].Domain())
			if err != nil || d.Control.Sequence != 1 {
				t.Fatalf("the pause is %+v, %v, want sequence 1", d.Control, err)
			}
			sink := s.chains[home].Endpoint("anyone").Sink("payer")
			caps := chain.Caps{MaxFeePerGas: *uint256.NewInt(1e9), MaxTip: *uint256.NewInt(1e9)}
			if _, err := sink.Build(context.Background(), chain.BuildRequest{Delivery: &d, Caps: caps}); err != nil {
				t.Errorf("the bridge refuses the pause: %v", err)
			}
		})
	}
}

// What the operator has read from the newest block counts more than what is settled, but
// cannot be older.
func TestPauseAt(t *testing.T) {
	s := newScene(t)
	s.round(0)
	ctx, domain := context.Background(), s.chains[home].Domain()
	if d, err := s.approver.PauseAt(ctx, domain, 2); err != nil || d.Control.Sequence != 3 {
		t.Errorf("a pause just after an unpause is %+v, %v, want sequence 3", d.Control, err)
	}
	if _, err := s.approver.PauseAt(ctx, domain, 1); err == nil || !strings.Contains(err.Error(), "paused already") {
		t.Errorf("a paused bridge: %v", err)
	}
	s.chains[home].Emit(&bridgecontracts.Paused{Sequence: 1})
	s.chains[home].Emit(&bridgecontracts.Unpaused{Sequence: 2})
	s.chains[home].Mine(3)
	s.look()
	if _, err := s.approver.PauseAt(ctx, domain, 0); err == nil || !strings.Contains(err.Error(), "own endpoints have settled 2: that node lags or lies") {
		t.Errorf("a node that lags: %v", err)
	}
}
