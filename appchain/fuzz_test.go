package appchain_test

import (
	"context"
	"testing"

	"github.com/trinebridge/trine/appchain"
	"github.com/trinebridge/trine/appchain/appchaintest"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/gossip/wire"
	"github.com/trinebridge/trine/ledger"
)

// FuzzHandlers hands bytes to every handler of a node. None panics, and what is not signed
// by the processor changes nothing.
func FuzzHandlers(f *testing.F) {
	fixture := appchaintest.New(f, appchaintest.Small, start)
	m := fixture.NewMaker(f)
	n := newNode(f, fixture, openMem(f))
	blocks := m.Ticks(3)
	if err := n.Import(f.Context(), blocks); err != nil {
		f.Fatal(err)
	}
	net := appchaintest.NewCaptured()
	follower := must(appchain.NewFollower(appchain.FollowerConfig{Node: n, Network: net}))
	ctx, stop := context.WithCancel(f.Context())
	done := make(chan error, 1)
	go func() { done <- follower.Run(ctx) }()
	stop()
	if err := <-done; err != nil { // the handlers are captured now
		f.Fatal(err)
	}
	book := appchain.NewAckBook(n, net, nil)
	ctx, stop = context.WithCancel(f.Context())
	stop()
	if err := book.Run(ctx); err != nil {
		f.Fatal(err)
	}
	header := wire.SignedHeader{Header: blocks[0].Header, Signature: blocks[0].Signature}
	f.Add(codec.Marshal(&wire.Blocks{Blocks: []ledger.Block{blocks[2]}}))
	f.Add(codec.Marshal(&wire.Evidence{First: header, Second: &header}))
	f.Add(codec.Marshal(&wire.Notice{Tx: codec.Hash{1}, Code: 3, Reason: "nonce"}))
	f.Add(codec.Marshal(&wire.Ack{Height: 2, Block: codec.Hash{1}}))
	f.Add(codec.Marshal(&appchain.BlocksRequest{From: 2}))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, message []byte) {
		for _, handle := range net.Topics {
			handle(t.Context(), "peer", message)
		}
		for _, answer := range net.Served {
			if data, err := answer(t.Context(), "peer", message); err == nil && len(data) > wire.MaxBlocksSize {
				t.Errorf("answer of %d bytes", len(data))
			}
		}
		if n.Compromised() || n.Height() != 3 {
			t.Errorf("a forged message counts: at %d, compromised %t", n.Height(), n.Compromised())
		}
	})
}
