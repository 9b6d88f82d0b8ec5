package ethereum

import (
	"errors"
	"math/big"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/core/types"
	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/internal/evm"
	"github.com/trinebridge/trine/internal/evmtest"
)

func openSink(t *testing.T, w *world) *Sink {
	t.Helper()
	s, err := OpenSink(chain.SinkConfig{SourceConfig: w.sourceConfig(w.proxy.URL()), FeeKey: payer(keyPayer)})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func sign(t *testing.T, s *Sink, r chain.BuildRequest) chain.Attempt {
	t.Helper()
	d, err := s.Build(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	a, err := s.Sign(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestFeeSpikeIsWaitedOut(t *testing.T) {
	w := newWorld(t, simulated{evmtest.Start(t, evm.Config{Prefunded: accounts(), BaseFee: big.NewInt(100e9)})})
	s := openSink(t, w)
	d, err := w.Noop(1)
	if err != nil {
		t.Fatal(err)
	}
	latest, err := w.direct.HeaderByNumber(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	caps := chain.Caps{MaxFeePerGas: *uint256.MustFromBig(new(big.Int).Div(latest.BaseFee, big.NewInt(4))), MaxTip: *uint256.NewInt(1e9)}
	waited := 0
	for {
		draft, err := s.Build(t.Context(), chain.BuildRequest{Delivery: d, Caps: caps})
		if err == nil {
			if caps.MaxFeePerGas.Lt(&draft.FeePerGas) {
				t.Fatalf("the draft offers %s, the cap is %s", &draft.FeePerGas, &caps.MaxFeePerGas)
			}
			break
		}
		if !errors.Is(err, chain.ErrFeeCap) || !strings.Contains(err.Error(), caps.MaxFeePerGas.Dec()) || waited > 50 {
			t.Fatalf("after %d blocks: %v", waited, err)
		}
		waited++
		if err := w.mine(t.Context(), 1); err != nil { // an empty block lowers the base fee by an eighth
			t.Fatal(err)
		}
	}
	if waited < 8 {
		t.Fatalf("the fee is under the cap after %d blocks, a quarter takes at least 8", waited)
	}
}

func TestActionsFollowEachOtherInThePool(t *testing.T) {
	w := newSimulatedWorld(t)
	s := openSink(t, w)
	var attempts []chain.Attempt
	for id := uint64(1); id <= 2; id++ {
		d, err := w.Noop(id)
		if err != nil {
			t.Fatal(err)
		}
		a := sign(t, s, chain.BuildRequest{Delivery: d, Nonce: id - 1, Caps: w.Caps()})
		if err := s.Broadcast(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		attempts = append(attempts, a)
	}
	// Replacing the second, whose predecessor still waits, keeps its gas.
	d, err := w.Noop(2)
	if err != nil {
		t.Fatal(err)
	}
	a := sign(t, s, chain.BuildRequest{Delivery: d, Nonce: 1, Replaces: &attempts[1], Caps: w.Caps()})
	if err := s.Broadcast(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	if err := w.mine(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	for i, set := range [][]chain.Attempt{{attempts[0]}, {attempts[1], a}} {
		status, _, err := s.Status(t.Context(), set, w.Facts().Finality)
		if err != nil || status.Phase != chain.PhaseIncluded || status.Failed || status.Attempt != len(set)-1 {
			t.Fatalf("action %d: %+v, %v", i+1, status, err)
		}
	}
}

func TestARivalThatWaitsInThePoolStopsNobody(t *testing.T) {
	w := newSimulatedWorld(t)
	rival, err := w.Rival()
	if err != nil {
		t.Fatal(err)
	}
	d, err := w.Noop(1)
	if err != nil {
		t.Fatal(err)
	}
	if err := rival.Broadcast(t.Context(), sign(t, rival.(*Sink), chain.BuildRequest{Delivery: d, Caps: w.Caps()})); err != nil {
		t.Fatal(err)
	}
	sign(t, openSink(t, w), chain.BuildRequest{Delivery: d, Caps: w.Caps()})
}

func TestControlActions(t *testing.T) {
	w := newSimulatedWorld(t)
	s := openSink(t, w)
	for nonce, d := range []*chain.Delivery{
		w.members.Control(w.domain(), 1, &bridgecontracts.Pause{}),
		w.members.Control(w.domain(), 2, &bridgecontracts.Unpause{}),
		w.members.Control(w.domain(), 1, &bridgecontracts.SetLimit{Token: codec.Hash{31: 9}, Capacity: *uint256.NewInt(100), Window: 60}),
	} {
		if err := s.Broadcast(t.Context(), sign(t, s, chain.BuildRequest{Delivery: d, Nonce: uint64(nonce), Caps: w.Caps()})); err != nil {
			t.Fatal(err)
		}
		if err := w.mine(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		if out, err := s.Outcome(t.Context(), d, w.Facts().Finality); err != nil || !out.Done || out.Final {
			t.Fatalf("%s: outcome %+v, %v; want done and not final", d.Control.Body.Kind(), out, err)
		}
		if _, err := s.Build(t.Context(), chain.BuildRequest{Delivery: d, Nonce: uint64(nonce) + 1, Caps: w.Caps()}); chain.VerdictOf(err) != chain.Done {
			t.Fatalf("%s again: %v, want done", d.Control.Body.Kind(), err)
		}
	}
}

func TestOutcomeBeforeTheBridgeIsSettled(t *testing.T) {
	w := newSimulatedWorld(t)
	s := openSink(t, w)
	d, err := w.Noop(1)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Broadcast(t.Context(), sign(t, s, chain.BuildRequest{Delivery: d, Caps: w.Caps()})); err != nil {
		t.Fatal(err)
	}
	if err := w.mine(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	out, err := s.Outcome(t.Context(), d, chain.Finality{}) // the finalized block is the genesis block still
	if err != nil || !out.Done || out.Final {
		t.Fatalf("outcome %+v, %v; want done and not final", out, err)
	}
}

func TestFillerIsATransferOfNothingToItself(t *testing.T) {
	w := newSimulatedWorld(t)
	s := openSink(t, w)
	a := sign(t, s, chain.BuildRequest{Nonce: 7, Caps: w.Caps()})
	var tx types.Transaction
	if err := tx.UnmarshalBinary(a.Raw); err != nil {
		t.Fatal(err)
	}
	if *tx.To() != s.payer || tx.Value().Sign() != 0 || len(tx.Data()) != 0 || tx.Nonce() != 7 || tx.Hash().Hex() != a.ID {
		t.Fatalf("the filler is %+v", a)
	}
}
