package gossip

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// Whatever a peer sends, at most limit bytes are taken, and only if all are there.
func FuzzReadSized(f *testing.F) {
	f.Add([]byte{0, 0, 0, 2, 'o', 'k'}, 2)
	f.Add([]byte{0, 0, 0, 3, 'o', 'k'}, 100)
	f.Add([]byte{0xff, 0xff, 0xff, 0xff}, 1<<20)
	f.Add([]byte{0, 0, 0, 1, 1}, -1)
	f.Fuzz(func(t *testing.T, input []byte, limit int) {
		limit = min(limit, 1<<20)
		content, err := readSized(bytes.NewReader(input), limit)
		if err != nil {
			return
		}
		if len(content) > limit && limit >= 0 {
			t.Errorf("%d bytes, limit %d", len(content), limit)
		}
		again := append(binary.BigEndian.AppendUint32(nil, uint32(len(content))), content...)
		if !bytes.HasPrefix(input, again) {
			t.Errorf("%x was read from %x", content, input)
		}
	})
}

// Penalties add up, fade by half-lives, and are one log line a minute.
func TestPenaltiesFade(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	blamed := 0
	c := newConduct(&settings{Config: Config{Now: func() time.Time { return now }, Events: Events{Misbehaved: func(string, string) { blamed++ }}}.withDefaults()})
	id := peer.ID("peer")
	if p := c.penalty(id); p != 0 {
		t.Errorf("a peer that did nothing has %v", p)
	}
	c.blame(id, "", deedRejected, "")
	c.blame(id, "", deedBadRequest, "")
	if p := c.penalty(id); p != 30 || blamed != 2 {
		t.Errorf("penalty %v after 2 deeds, %d events; want 30 and 2", p, blamed)
	}
	now = now.Add(penaltyHalfLife)
	if p := c.penalty(id); p != 15 {
		t.Errorf("penalty %v after a half-life, want 15", p)
	}
	c.blame(id, "", deedRejected, "")
	if p := c.penalty(id); p != 35 {
		t.Errorf("penalty %v after one deed more, want 35", p)
	}
	if p := c.penalty(peer.ID("other")); p != 0 {
		t.Errorf("another peer has %v", p)
	}
}

// However many names peers make up, what is remembered of them is bounded, and those who
// are there are not forgotten for those who were.
func TestConductIsBounded(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	c := newConduct(&settings{Config: Config{Now: func() time.Time { return now }}.withDefaults()})
	for i := range maxRecords + 100 {
		now = now.Add(time.Millisecond)
		c.blame(peer.ID("here"), "", deedFlood, "")
		c.allows(peer.ID(fmt.Sprint("stranger ", i)), TopicAcks, 10)
	}
	if n := len(c.records); n > maxRecords {
		t.Errorf("%d records, at most %d", n, maxRecords)
	}
	if c.penalty(peer.ID("here")) == 0 {
		t.Error("a peer that is active was forgotten")
	}
}

func TestPlaces(t *testing.T) {
	p := newPlaces([]peer.AddrInfo{{ID: "friend"}})
	taken := 0
	for i := range 2 * maxServed { // as many from each peer as it gets
		if p.take(peer.ID(fmt.Sprint(i / (2 * maxServedPerPeer)))) {
			taken++
		}
	}
	if want := maxServed; taken != want {
		t.Errorf("%d places were given, want %d", taken, want)
	}
	p.give("0")
	if !p.take("0") || p.take("0") {
		t.Error("one place was given back, one can be taken")
	}
	for i := range maxServedPerPeer + 1 { // while strangers have all that is shared
		if p.take("friend") != (i < maxServedPerPeer) {
			t.Errorf("place %d of a static peer, want %d", i+1, maxServedPerPeer)
		}
	}
	for range maxServedPerPeer {
		p.give("friend")
	}
	if p.take("1000") {
		t.Error("a stranger was given a static peer's place")
	}
}
