//go:build e2e

package e2e

import (
	"context"
	"crypto/rand"
	bin "encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"

	"github.com/trinebridge/trine/app"
	"github.com/trinebridge/trine/appchain"
	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/devnet"
	"github.com/trinebridge/trine/gossip"
	"github.com/trinebridge/trine/gossip/wire"
	"github.com/trinebridge/trine/ledger"
	"github.com/trinebridge/trine/listener"
	"github.com/trinebridge/trine/signing"
)

// intruder speaks libp2p as the daemons do, knows the network's id, and keeps no rule.
type intruder struct {
	host   host.Host
	topics map[string]*pubsub.Topic
	// prefix of topics and protocols on this network.
	prefix  string
	genesis codec.Hash
	key     *signing.KeySigner
	daemons []peer.ID
}

// newIntruder connects to every daemon under a name of its own.
func newIntruder(t *testing.T, ctx context.Context, n *devnet.Network) *intruder {
	t.Helper()
	key, err := signing.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	genesis := n.Genesis.Hash()
	in := &intruder{topics: map[string]*pubsub.Topic{}, prefix: "/trine/" + hex.EncodeToString(genesis[:16]) + "/", genesis: genesis, key: signing.NewKeySigner(key)}
	in.host, err = libp2p.New(libp2p.NoListenAddrs, libp2p.Transport(tcp.NewTCPTransport), libp2p.DisableRelay(), libp2p.DisableMetrics())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(ctx)
	t.Cleanup(func() {
		cancel()
		if err := in.host.Close(); err != nil {
			t.Error(err)
		}
	})
	router, err := pubsub.NewGossipSub(ctx, in.host, pubsub.WithMaxMessageSize(16<<20), pubsub.WithFloodPublish(true),
		pubsub.WithPeerOutboundQueueSize(1024), pubsub.WithLogger(slog.New(slog.DiscardHandler)), pubsub.WithRPCLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		t.Fatal(err)
	}
	for _, topic := range gossip.DefaultTopics() {
		if in.topics[topic.Name], err = router.Join(in.prefix + topic.Name); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range n.Daemons {
		status, err := client(t, p).Status(ctx)
		if err != nil {
			t.Fatal(err)
		}
		config, err := app.LoadConfig(p.Config)
		if err != nil {
			t.Fatal(err)
		}
		info, err := peer.AddrInfoFromString(config.Gossip.Listen[0] + "/p2p/" + status.PeerID)
		if err != nil {
			t.Fatal(err)
		}
		if err := in.host.Connect(ctx, *info); err != nil {
			t.Fatal(err)
		}
		in.daemons = append(in.daemons, info.ID)
	}
	until(t, ctx, "the intruder sees the daemons on the topic that all listen to", time.Minute, func() (bool, error) {
		return len(in.topics[gossip.TopicAlerts].ListPeers()) == len(n.Daemons), nil
	})
	return in
}

func (in *intruder) name() string { return in.host.ID().String() }

// publish gossips content in the round of now.
func (in *intruder) publish(ctx context.Context, topic string, content []byte) error {
	round := uint32(time.Now().Unix() / int64(gossip.RoundLength/time.Second)) // small
	return in.topics[topic].Publish(ctx, append(bin.BigEndian.AppendUint32(nil, round), content...))
}

// raw gossips bytes as they are.
func (in *intruder) raw(ctx context.Context, topic string, data []byte) error {
	return in.topics[topic].Publish(ctx, data)
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return b
}

// noise sends what nobody can read.
func noise(ctx context.Context, in *intruder) (err error) {
	for _, t := range gossip.DefaultTopics() {
		for _, size := range []int{1, 3, 4, 5, 33, 97, 1000, t.MaxSize} {
			err = errors.Join(err, in.publish(ctx, t.Name, random(size)), in.raw(ctx, t.Name, random(size)))
		}
		// Lengths that lie, in every place where one can stand.
		for at := range 12 {
			lying := make([]byte, 64)
			copy(lying[4*at:], []byte{0xff, 0xff, 0xff, 0xff})
			err = errors.Join(err, in.publish(ctx, t.Name, lying))
		}
	}
	return err
}

// oversized sends more than a topic takes, and more than any does.
func oversized(ctx context.Context, in *intruder) (err error) {
	for _, t := range gossip.DefaultTopics() {
		err = errors.Join(err, in.publish(ctx, t.Name, random(t.MaxSize+1)), in.publish(ctx, t.Name, nil))
	}
	return errors.Join(err, in.publish(ctx, gossip.TopicBlocks, random(8<<20)))
}

// flood sends a hundred times what a peer may.
func flood(ctx context.Context, in *intruder) (err error) {
	for i := range 2000 {
		err = errors.Join(err, in.publish(ctx, gossip.TopicAlerts, fmt.Appendf(random(40), "%d", i)))
		if !pause(ctx, time.Millisecond) {
			return context.Cause(ctx)
		}
	}
	return err
}

// forged sends what members send, signed by nobody who may.
func forged(n *devnet.Network) func(context.Context, *intruder) error {
	return func(ctx context.Context, in *intruder) error {
		c, err := n.Daemon(app.RoleListener).Client()
		if err != nil {
			return err
		}
		status, err := c.Status(ctx)
		if err != nil {
			return err
		}
		bridge, err := c.Bridge(ctx, n.Chains[0].ID)
		if err != nil {
			return err
		}
		signed := func(digest codec.Hash) signing.Signature {
			signature, signErr := in.key.SignDigest(digest)
			err = errors.Join(err, signErr)
			return signature
		}
		attestation := bridgecontracts.Attestation{Domain: bridge.Domain, Generation: bridge.Generation, EventID: bridge.EventID + 1, Head: bridge.Head}
		approval := wire.Approval{Domain: bridge.Domain, Epoch: 1, ActionID: bridge.LastAction + 1, Revision: 1, Digest: codec.Keccak([]byte("mine")), Signature: signed(codec.Keccak([]byte("mine")))}
		attach := wire.AttachVote{Chain: n.Chains[0].ID, Bridge: codec.Uint64Word(7), Sequence: 1, CodeHash: codec.Uint64Word(1), SetHash: codec.Uint64Word(2)}
		attach.Signature = signed(attach.Digest(in.genesis))
		notice := wire.Notice{Tx: codec.Keccak([]byte("somebody's")), Code: ledger.CodeAmount, Reason: "because I say so"}
		notice.Signature = signed(notice.Digest(in.genesis))
		header := ledger.Header{Genesis: in.genesis, Height: status.Height + 1, Parent: status.Block, Time: uint64(time.Now().UnixMilli()), CodeVersion: 1} // the clock is after 1970
		other := header
		other.Time++
		first := wire.SignedHeader{Header: header, Signature: signed(header.Hash())}
		second := wire.SignedHeader{Header: other, Signature: signed(other.Hash())}
		tx := ledger.Transaction{Genesis: in.genesis, Nonce: 1, Time: uint64(time.Now().UnixMilli()), Messages: []ledger.Message{{Body: &ledger.Tick{}}}} // likewise
		err = errors.Join(err, tx.Sign(in.key))
		stolen := tx
		stolen.Key = n.Genesis.Treasury
		block := ledger.Block{Header: header, Tx: tx, Signature: first.Signature}
		for _, m := range []struct {
			topic  string
			record codec.Record
		}{
			{gossip.TopicAttestations, &wire.Attestation{Attestation: attestation, Signature: signed(attestation.Digest())}},
			{gossip.TopicApprovals, &wire.Vote{Approval: &approval}},
			{gossip.TopicApprovals, &wire.Vote{Attach: &attach}},
			{gossip.TopicAcks, &wire.Ack{Height: status.Height, Block: status.Block, Signature: signed(bridgecontracts.AckDigest(in.genesis, status.Height, status.Block))}},
			{gossip.TopicNotices, &notice},
			{gossip.TopicAlerts, &wire.Evidence{First: first, Second: &second}},
			{gossip.TopicTransactions, &tx},
			{gossip.TopicTransactions, &stolen},
			{gossip.TopicBlocks, &wire.Blocks{Blocks: []ledger.Block{block}}},
		} {
			err = errors.Join(err, in.publish(ctx, m.topic, codec.Marshal(m.record)))
		}
		return err
	}
}

// protocols that daemons serve, not every one all.
var protocols = []string{appchain.ProtocolBlocks, appchain.ProtocolStanding, listener.ProtocolEvents}

// stream opens a stream to a daemon; one that does not serve the protocol gives none.
func (in *intruder) stream(ctx context.Context, to peer.ID, name string) (network.Stream, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	return in.host.NewStream(ctx, to, protocol.ID(in.prefix+name[1:]))
}

// lyingRequests announce more than they may bring, or bring less, or cannot be read.
func lyingRequests(ctx context.Context, in *intruder) error {
	var group sync.WaitGroup
	faults := make([]error, len(in.daemons))
	for i, to := range in.daemons {
		group.Go(func() { faults[i] = in.lie(ctx, to) })
	}
	group.Wait()
	return errors.Join(faults...)
}

// lie asks one daemon, which serves at least one of the protocols.
func (in *intruder) lie(ctx context.Context, to peer.ID) error {
	served := 0
	for _, name := range protocols {
		for _, request := range [][]byte{
			{0xff, 0xff, 0xff, 0xff}, {0, 1, 0, 0, 1}, {0, 0, 0, 0}, {0}, {},
			append([]byte{0, 0, 0, 32}, random(32)...), append([]byte{0, 0, 0, 8}, make([]byte, 8)...), append([]byte{0, 0, 0, 4}, random(1<<20)...),
		} {
			stream, err := in.stream(ctx, to, name)
			if err != nil {
				continue // not every daemon serves every protocol
			}
			served++
			// A daemon that has enough reads no further, so that nothing more can be written.
			_ = stream.SetDeadline(time.Now().Add(2 * time.Second))
			_, _ = stream.Write(request)
			_ = stream.CloseWrite()
			_, _ = stream.Read(make([]byte, 1<<10))
			_ = stream.Reset()
		}
	}
	if served < 8 {
		return fmt.Errorf("%d requests found %s, want at least 8", served, to)
	}
	return nil
}

// idleStreams opens as many as it gets and leaves them alone.
func idleStreams(ctx context.Context, in *intruder) error {
	for _, to := range in.daemons {
		open := 0
		for range 1000 {
			stream, err := in.stream(ctx, to, appchain.ProtocolBlocks)
			if err != nil {
				break
			}
			open++
			_, _ = stream.Write(random(open % 4)) // part of a length, or nothing
		}
		if open == 0 {
			return fmt.Errorf("%s takes no stream at all", to)
		}
	}
	return nil
}
