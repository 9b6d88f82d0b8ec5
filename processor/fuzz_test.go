package processor_test

import (
	"context"
	"testing"

	"github.com/trinebridge/trine/appchain"
	"github.com/trinebridge/trine/appchain/appchaintest"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/gossip/wire"
	"github.com/trinebridge/trine/ledger"
	"github.com/trinebridge/trine/processor"
)

// FuzzHandlers hands bytes to every handler of a processor. None panics, and nothing that
// nobody has signed becomes a block.
func FuzzHandlers(f *testing.F) {
	fixture := appchaintest.New(f, appchaintest.Small, nowMillis()-1000)
	m := fixture.NewMaker(f)
	node, err := appchain.New(appchain.Config{Ledger: fixture.Ledger, KV: openMem(f)})
	if err != nil {
		f.Fatal(err)
	}
	if err := node.Import(f.Context(), []ledger.Block{m.Own(fixture.Attach(f))}); err != nil {
		f.Fatal(err)
	}
	net := appchaintest.NewCaptured()
	p, err := processor.New(processor.Config{Node: node, Network: net, Signer: fixture.Processor, Guard: fixture.Processor, UnsafeAllowBehind: true})
	if err != nil {
		f.Fatal(err)
	}
	ctx, stop := context.WithCancel(f.Context())
	stop()
	if err := p.Run(ctx); err != nil { // the handlers are captured now
		f.Fatal(err)
	}
	h := fixture.NewHistory()
	h.Deposit(f, users(1)[0], 5)
	attach := fixture.Attach(f)
	f.Add(codec.Marshal(fixture.Tx(f, appchaintest.Key("stranger"), 1, nowMillis(), transfer(users(1)[0], 1))))
	f.Add(codec.Marshal(&wire.Attestation{Attestation: h.Attestation(1)}))
	f.Add(codec.Marshal(&wire.Vote{Approval: &wire.Approval{Domain: fixture.Domain, Epoch: 1, ActionID: 1, Revision: 1}}))
	f.Add(codec.Marshal(&wire.Vote{Attach: &wire.AttachVote{Chain: attach.Chain, Bridge: attach.Bridge, Sequence: 1}}))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, message []byte) {
		for _, handle := range net.Topics {
			handle(t.Context(), "peer", message)
		}
		if s := p.Status(); s.Waiting != 0 || s.Executed != 1 {
			t.Errorf("a forged message counts: %+v", s)
		}
	})
}
