package gossip_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"

	"github.com/trinebridge/trine/gossip"
)

// a — b — c: what a says reaches c through b, when b accepts it, and not otherwise.
func TestRelayFollowsTheVerdict(t *testing.T) {
	c := newClock()
	middle := newNode(t, c, nil).start(t)
	verdicts := map[string]gossip.Verdict{"good": gossip.Accept, "useless": gossip.Ignore, "wrong": gossip.Reject}
	middle.listen(t, gossip.TopicAttestations, func(m string) gossip.Verdict { return verdicts[m] })
	a := newNode(t, c, peersOf(middle)).start(t)
	end := newNode(t, c, peersOf(middle)).start(t)
	end.listen(t, gossip.TopicAttestations, always(gossip.Accept))
	a.listen(t, gossip.TopicAttestations, always(gossip.Accept))

	publishUntil(t, c, a, gossip.TopicAttestations, "good", "the good message is relayed", func() bool { return end.get(end.heard, "good") > 0 })
	for _, m := range []string{"useless", "wrong"} {
		publishUntil(t, c, a, gossip.TopicAttestations, m, "the middle hears "+m, func() bool { return middle.get(middle.heard, m) > 0 })
	}
	// The path still works, so what has not come by now was not relayed.
	publishUntil(t, c, a, gossip.TopicAttestations, "good", "the next good message is relayed", func() bool { return end.get(end.heard, "good") > 1 })
	if end.get(end.heard, "useless")+end.get(end.heard, "wrong") > 0 {
		t.Errorf("the end heard %v", end.heard)
	}
	if a.get(a.heard, "good") > 0 {
		t.Error("a host heard what it had published itself")
	}
	if middle.get(middle.deeds, a.ID()+" invalid message") == 0 || middle.get(middle.deeds, end.ID()+" invalid message") > 0 {
		t.Errorf("blamed: %v, want the sender of the wrong message alone", middle.deeds)
	}
}

// Two members publish the same message in one round: it is heard once. In a later round it
// is a new message.
func TestSameMessageIsOneInARound(t *testing.T) {
	c := newClock()
	hub := newNode(t, c, nil).start(t)
	hub.listen(t, gossip.TopicAcks, always(gossip.Accept))
	var members []*node
	for range 3 {
		members = append(members, newNode(t, c, peersOf(hub)).start(t))
	}
	for i, m := range members {
		hello := fmt.Sprint("hello ", i)
		publishUntil(t, c, m, gossip.TopicAcks, hello, "every member is connected", func() bool { return hub.get(hub.heard, hello) > 0 })
	}
	for round := 1; round <= 3; round++ {
		c.advance(gossip.RoundLength)
		for _, m := range members {
			for range 2 {
				if err := m.Publish(t.Context(), gossip.TopicAcks, []byte("same")); err != nil {
					t.Fatal(err)
				}
			}
			last := fmt.Sprint("last of ", m.ID(), round)
			if err := m.Publish(t.Context(), gossip.TopicAcks, []byte(last)); err != nil {
				t.Fatal(err)
			}
		}
		for _, m := range members { // a member's messages come in order, so "same" has come before
			last := fmt.Sprint("last of ", m.ID(), round)
			eventually(t, last, func() bool { return hub.get(hub.heard, last) == 1 })
		}
		eventually(t, "the message of this round", func() bool { return hub.get(hub.heard, "same") >= round })
		if n := hub.get(hub.heard, "same"); n != round {
			t.Fatalf("heard %d times in %d rounds", n, round)
		}
	}
}

func TestMessagesOfAnotherTimeAreDropped(t *testing.T) {
	c := newClock()
	n := newNode(t, c, nil).start(t)
	n.listen(t, gossip.TopicAcks, always(gossip.Accept))
	s := newStranger(t, n, gossip.TopicAcks)
	s.publish(t, c.now().Add(-gossip.MaxAge-gossip.RoundLength), []byte("old"))
	s.publish(t, c.now().Add(gossip.MaxAge+gossip.RoundLength), []byte("early"))
	s.publish(t, c.now().Add(-gossip.MaxAge), []byte("late"))
	s.publish(t, c.now().Add(gossip.MaxAge), []byte("soon"))
	eventually(t, "all four are judged", func() bool {
		return n.get(n.heard, "late") == 1 && n.get(n.heard, "soon") == 1 && n.get(n.drops, "acks age") == 2
	})
	if lines := strings.Count(n.log.String(), "compare this clock"); lines != 1 {
		t.Errorf("%d log lines about the clock within a minute, want 1", lines)
	}
	if n.get(n.heard, "old")+n.get(n.heard, "early")+len(n.deeds) > 0 {
		t.Errorf("heard %v, blamed %v: a wrong clock is no misdeed", n.heard, n.deeds)
	}
}

// A late peer hears what is published again, and only that.
func TestLatePeer(t *testing.T) {
	c := newClock()
	hub := newNode(t, c, nil).start(t)
	hub.listen(t, gossip.TopicBlocks, always(gossip.Accept))
	a := newNode(t, c, peersOf(hub)).start(t)
	publishUntil(t, c, a, gossip.TopicBlocks, "once", "the hub hears it", func() bool { return hub.get(hub.heard, "once") > 0 })
	late := newNode(t, c, peersOf(hub))
	late.listen(t, gossip.TopicBlocks, always(gossip.Accept))
	late.start(t)
	publishUntil(t, c, a, gossip.TopicBlocks, "repeated", "the late peer hears it", func() bool { return late.get(late.heard, "repeated") > 0 })
	if late.get(late.heard, "once") > 0 {
		t.Error("the late peer heard what was published before it came")
	}
}

func TestOversizedMessages(t *testing.T) {
	c := newClock()
	n := newNode(t, c, nil).start(t)
	n.listen(t, gossip.TopicAcks, always(gossip.Accept))
	s := newStranger(t, n, gossip.TopicAcks)
	s.publish(t, c.now(), make([]byte, 4<<10+1))
	s.publish(t, c.now(), nil) // a round and nothing else
	s.publish(t, c.now(), bytes.Repeat([]byte("m"), 4<<10))
	eventually(t, "the message that fits", func() bool { return n.get(n.heard, strings.Repeat("m", 4<<10)) == 1 })
	if got := n.get(n.deeds, s.name()+" oversized message"); got != 2 || len(n.heard) != 1 {
		t.Errorf("blamed %d times, heard %d messages; want 2 and 1", got, len(n.heard))
	}
	if !strings.Contains(n.log.String(), "misbehaving peer") || !strings.Contains(n.log.String(), s.name()) {
		t.Errorf("the log does not name the peer:\n%s", n.log)
	}
	for _, size := range []int{0, 4<<10 + 1} {
		if err := n.Publish(t.Context(), gossip.TopicAcks, make([]byte, size)); err == nil || !strings.Contains(err.Error(), "4096") {
			t.Errorf("publishing %d bytes: %v, want an error that names the limit", size, err)
		}
	}
}

// A peer over its rate is cut off, and does not keep others from delivering what it sent too.
func TestFlood(t *testing.T) {
	c := newClock()
	n := newNode(t, c, func(g *gossip.Config) {
		g.Topics = []gossip.Topic{{Name: gossip.TopicAcks, MaxSize: 100, Rate: 5, ByteRate: 10_000, Places: 1000, Workers: 2}}
	}).start(t)
	n.listen(t, gossip.TopicAcks, always(gossip.Accept))
	flooder, honest := newStranger(t, n, gossip.TopicAcks), newStranger(t, n, gossip.TopicAcks)
	const sent, burst = 60, 20
	for i := range sent {
		flooder.publish(t, c.now(), numbered(i))
	}
	eventually(t, "the flood has passed", func() bool { return n.get(n.drops, "acks rate") == sent-burst })
	eventually(t, "the burst is heard", func() bool { return n.get(n.heard, string(numbered(burst-1))) == 1 })
	if got := n.get(n.heard, string(numbered(burst))); got != 0 {
		t.Errorf("message %d of a burst of %d was heard", burst+1, burst)
	}
	honest.publish(t, c.now(), numbered(burst)) // the same bytes, from somebody within its rate
	eventually(t, "the honest peer is heard", func() bool { return n.get(n.heard, string(numbered(burst))) == 1 })
	if n.get(n.deeds, flooder.name()+" over its rate") != sent-burst || n.get(n.deeds, honest.name()+" over its rate") != 0 {
		t.Errorf("blamed: %v", n.deeds)
	}
	if lines := strings.Count(n.log.String(), "misbehaving peer"); lines != 1 {
		t.Errorf("%d log lines for one deed of one peer within a minute, want 1", lines)
	}
	c.advance(10 * time.Second) // the bucket fills again
	flooder.publish(t, c.now(), []byte("sorry"))
	eventually(t, "the peer is heard again", func() bool { return n.get(n.heard, "sorry") == 1 })
}

// Who keeps sending what is rejected is not listened to any more, but stays connected, and
// is listened to again when it has been quiet for some time.
func TestRejectedPeerIsLeftOut(t *testing.T) {
	c := newClock()
	n := newNode(t, c, nil).start(t)
	n.listen(t, gossip.TopicAttestations, func(m string) gossip.Verdict {
		if strings.HasPrefix(m, "message") {
			return gossip.Reject
		}
		return gossip.Accept
	})
	liar, honest := newStranger(t, n, gossip.TopicAttestations), newStranger(t, n, gossip.TopicAttestations)
	deed := liar.name() + " invalid message"
	sent := 0
	eventually(t, "the liar is not heard any more", func() bool {
		before := n.get(n.deeds, deed)
		liar.publish(t, c.now(), numbered(sent))
		honest.publish(t, c.now(), fmt.Appendf(nil, "honest %d", sent))
		eventually(t, "the honest peer is heard", func() bool { return n.get(n.heard, fmt.Sprintf("honest %d", sent)) == 1 })
		sent++
		return before > 3 && n.get(n.deeds, deed) == before && sent > before+5
	})
	found := false
	for _, id := range n.Connected() {
		found = found || id == liar.name()
	}
	if !found {
		t.Error("the liar was disconnected")
	}
}

// Messages without a libp2p signature, or with somebody else's, do not get in.
func TestUnsignedMessages(t *testing.T) {
	c := newClock()
	n := newNode(t, c, nil).start(t)
	n.listen(t, gossip.TopicAcks, always(gossip.Accept))
	unsigned := newStranger(t, n, gossip.TopicAcks, pubsub.WithMessageSignaturePolicy(pubsub.StrictNoSign))
	signed := newStranger(t, n, gossip.TopicAcks)
	unsigned.publish(t, c.now(), []byte("unsigned"))
	// One stream carries both, so the second message has passed the first.
	signed.publish(t, c.now(), []byte("signed"))
	eventually(t, "the signed message", func() bool { return n.get(n.heard, "signed") == 1 })
	forged := newStranger(t, n, gossip.TopicAcks)
	other := newIdentity(t)
	if err := forged.topic.Publish(t.Context(), []byte("\x00\x00\x00\x00forged"), pubsub.WithSecretKeyAndPeerId(other, signed.ID())); err == nil {
		forged.publish(t, c.now(), []byte("last"))
		eventually(t, "the forger's own message", func() bool { return n.get(n.heard, "last") == 1 })
	}
	if n.get(n.heard, "unsigned")+n.get(n.heard, "forged") > 0 {
		t.Errorf("heard %v", n.heard)
	}
}

// A handler that does not return fills its places; what comes then is dropped, and nothing
// else is held up.
func TestPlacesAreBounded(t *testing.T) {
	c := newClock()
	n := newNode(t, c, func(g *gossip.Config) {
		g.Topics = []gossip.Topic{
			{Name: "slow", MaxSize: 100, Rate: 1000, ByteRate: 100_000, Places: 3, Workers: 1},
			{Name: "fast", MaxSize: 100, Rate: 1000, ByteRate: 100_000, Places: 3, Workers: 1},
		}
	}).start(t)
	hold := make(chan struct{})
	n.listen(t, "slow", func(string) gossip.Verdict { <-hold; return gossip.Accept })
	n.listen(t, "fast", always(gossip.Accept))
	slow, fast := newStranger(t, n, "slow"), newStranger(t, n, "fast")
	for i := range 10 {
		slow.publish(t, c.now(), numbered(i))
	}
	eventually(t, "one message is with the handler", func() bool {
		n.mu.Lock()
		defer n.mu.Unlock()
		return len(n.heard) == 1
	})
	fast.publish(t, c.now(), []byte("quick"))
	eventually(t, "the other topic goes on", func() bool { return n.get(n.heard, "quick") == 1 })
	close(hold)
	slow.publish(t, c.now(), []byte("after"))
	eventually(t, "the places are free again", func() bool {
		slow.publish(t, c.now(), []byte("after"))
		c.advance(gossip.RoundLength)
		return n.get(n.heard, "after") > 0
	})
	heard := 0
	for i := range 10 {
		heard += n.get(n.heard, string(numbered(i)))
	}
	if heard > 4 { // three places, and one that may have come while the first moved
		t.Errorf("%d messages were heard, with 3 places", heard)
	}
}

func TestSeveralHandlers(t *testing.T) {
	c := newClock()
	n := newNode(t, c, nil)
	s1 := n.listen(t, gossip.TopicAcks, always(gossip.Ignore))
	n.listen(t, gossip.TopicAcks, always(gossip.Accept))
	s1()
	s1() // twice does nothing
	n.listen(t, gossip.TopicAcks, always(gossip.Accept))
	n.start(t)
	s := newStranger(t, n, gossip.TopicAcks)
	s.publish(t, c.now(), []byte("m"))
	eventually(t, "both handlers hear it", func() bool { return n.get(n.heard, "m") == 2 })
	if _, err := n.Subscribe("nonsense", nil); err == nil || !strings.Contains(err.Error(), "nonsense") {
		t.Errorf("unknown topic: %v", err)
	}
	if err := n.Publish(t.Context(), "nonsense", []byte("m")); err == nil || !strings.Contains(err.Error(), "nonsense") {
		t.Errorf("unknown topic: %v", err)
	}
}

// A host that listens to nothing does not take part in the topic, until it does.
func TestSubscribeAndCancelWhileRunning(t *testing.T) {
	c := newClock()
	hub := newNode(t, c, nil).start(t)
	a := newNode(t, c, peersOf(hub)).start(t)
	cancel := hub.listen(t, gossip.TopicAcks, always(gossip.Accept))
	publishUntil(t, c, a, gossip.TopicAcks, "one", "heard while listening", func() bool { return hub.get(hub.heard, "one") > 0 })
	cancel()
	hub.listen(t, gossip.TopicNotices, always(gossip.Accept))
	if err := a.Publish(t.Context(), gossip.TopicAcks, []byte("two")); err != nil {
		t.Fatal(err)
	}
	publishUntil(t, c, a, gossip.TopicNotices, "three", "another topic is heard", func() bool { return hub.get(hub.heard, "three") > 0 })
	if hub.get(hub.heard, "two") > 0 {
		t.Error("heard after cancel")
	}
}

func TestPublishDoesNotWait(t *testing.T) {
	c := newClock()
	n := newNode(t, c, nil)
	if err := n.Publish(t.Context(), gossip.TopicAcks, []byte("m")); !errors.Is(err, gossip.ErrNotRunning) {
		t.Errorf("before Run: %v", err)
	}
	n.start(t)
	large := make([]byte, 1<<20)
	var err error
	for i := 0; i < 1000 && err == nil; i++ {
		err = n.Publish(t.Context(), gossip.TopicBlocks, large)
	}
	if !errors.Is(err, gossip.ErrBusy) || n.get(n.drops, "blocks outbox full") != 1 {
		t.Errorf("after 1000 MiB at once: %v, %v", err, n.drops)
	}
	eventually(t, "the outbox is empty again", func() bool { return n.Publish(context.Background(), gossip.TopicBlocks, large) == nil })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := n.Publish(ctx, gossip.TopicAcks, []byte("m")); !errors.Is(err, context.Canceled) {
		t.Errorf("done context: %v", err)
	}
	n.stop()
	if err := n.Publish(t.Context(), gossip.TopicAcks, []byte("m")); !errors.Is(err, gossip.ErrNotRunning) {
		t.Errorf("after Run: %v", err)
	}
}

// Messages of blocks, as large as a busy processor makes them, from one host to another
// that takes them one by one.
func BenchmarkBlocks(b *testing.B) {
	const size = 256 << 10 // about a thousand blocks
	c := newClock()
	quick := func(g *gossip.Config) {
		g.Topics = []gossip.Topic{{Name: gossip.TopicBlocks, MaxSize: 1 << 20, Rate: 1 << 20, ByteRate: 1 << 32, Places: 64, Workers: 1}}
	}
	to := newNode(b, c, quick)
	heard := make(chan struct{}, 1<<20)
	if _, err := to.Subscribe(gossip.TopicBlocks, func(context.Context, string, []byte) gossip.Verdict { heard <- struct{}{}; return gossip.Accept }); err != nil {
		b.Fatal(err)
	}
	to.start(b)
	from := newNode(b, c, func(g *gossip.Config) { quick(g); peersOf(to)(g) }).start(b)
	publishUntil(b, c, from, gossip.TopicBlocks, "hello", "connected", func() bool { return len(heard) > 0 })
	for len(heard) > 0 {
		<-heard
	}
	b.SetBytes(size)
	b.ResetTimer()
	waiting := 0
	for i := range b.N {
		for ; waiting >= 16; waiting-- {
			<-heard
		}
		content := make([]byte, size)
		copy(content, numbered(i))
		if err := from.Publish(context.Background(), gossip.TopicBlocks, content); err != nil {
			b.Fatal(err)
		}
		waiting++
	}
	for ; waiting > 0; waiting-- {
		<-heard
	}
}
