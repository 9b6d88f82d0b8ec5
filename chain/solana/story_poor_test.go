package solana

import (
	"strings"
	"testing"

	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/internal/solanatest"
)

// A fee payer that has too little left for a recipient's token account is refused by the system program with the number
// that a token program uses too. The transfer must wait for a richer payer, not become a claim, which would cost nothing
// here because there is one already.
func TestStoryPoorFeePayerMarksNothing(t *testing.T) {
	s := newScene(t, 3, 3)
	k := s.token(solanatest.Mint{Decimals: 6, Pausable: true})
	_, to := s.person(0)
	k.Pause(t)
	s.pay(owed(k, to, 2_000))
	k.Resume(t)

	poor, _ := s.person(rentMinimum(0) + 100_000)
	config := s.sinkConfig(s.endpoint(), "payer")
	config.FeeKey = payerOf(poor)
	sink, err := OpenSink(config)
	s.ok(err)
	d := s.transfers(paid(k, to, 5))
	_, err = sink.Build(t.Context(), chain.BuildRequest{Delivery: d, Caps: s.Caps()})
	if err == nil || chain.VerdictOf(err) != chain.Retry || !strings.Contains(err.Error(), "nothing is marked") {
		t.Fatalf("built by a poor payer: %v (%s), want to wait for a richer one", err, chain.VerdictOf(err))
	}
	s.pay(paid(k, to, 5))
}
