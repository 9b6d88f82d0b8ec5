package gossip

import (
	"log/slog"
	"math"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/time/rate"
)

const (
	// burstSeconds is for how many seconds' worth of its rate a peer may send at once.
	burstSeconds = 4
	// penaltyHalfLife is how fast misdeeds fade.
	penaltyHalfLife = 2 * time.Minute
	// quietFor is how long a deed of a peer is not logged again.
	quietFor = time.Minute
	// maxRecords bounds the peers that are remembered. Beyond it the ones that have been
	// silent longest are forgotten.
	maxRecords = 4096
)

// The deeds that no honest peer does, and what each costs. GossipSub's thresholds for
// scores, in router.go, are in the same unit.
const (
	deedOversized   = "oversized message"
	deedFlood       = "over its rate"
	deedRejected    = "invalid message"
	deedBadRequest  = "invalid request"
	deedBadResponse = "invalid response"
	// remarkAge is no misdeed, but said about a peer as seldom.
	remarkAge = "message from another time"
)

var penalties = map[string]float64{
	deedOversized:   20,
	deedFlood:       0.5,
	deedRejected:    20,
	deedBadRequest:  10,
	deedBadResponse: 20,
}

// conduct remembers how peers behave: what they have sent lately and what they did wrong.
type conduct struct {
	log        *slog.Logger
	now        func() time.Time
	misbehaved func(peer, deed string)
	topics     map[string]Topic

	mu      sync.Mutex
	records map[peer.ID]*record
}

// record is one peer's. A peer that comes back under its name finds it as it left it.
type record struct {
	buckets map[string]buckets // by topic
	penalty float64            // as of since
	since   time.Time
	logged  map[string]time.Time // by deed or remark
	seen    time.Time
}

type buckets struct{ messages, bytes *rate.Limiter }

func newConduct(s *settings) *conduct {
	c := &conduct{log: s.Log, now: s.Now, misbehaved: s.Events.Misbehaved, topics: map[string]Topic{}, records: map[peer.ID]*record{}}
	for _, t := range s.Topics {
		c.topics[t.Name] = t
	}
	return c
}

// of returns the record of a peer. The caller holds mu.
func (c *conduct) of(id peer.ID, now time.Time) *record {
	r, ok := c.records[id]
	if !ok {
		if len(c.records) >= maxRecords {
			c.forgetOldest()
		}
		r = &record{buckets: map[string]buckets{}, logged: map[string]time.Time{}, since: now}
		c.records[id] = r
	}
	r.seen = now
	return r
}

func (c *conduct) forgetOldest() {
	var oldest peer.ID
	for id, r := range c.records {
		if o, ok := c.records[oldest]; !ok || r.seen.Before(o.seen) {
			oldest = id
		}
	}
	delete(c.records, oldest)
}

// allows reports whether the peer may send a message of that many bytes now, and counts it if so.
func (c *conduct) allows(id peer.ID, topic string, size int) bool {
	now := c.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.of(id, now)
	b, ok := r.buckets[topic]
	if !ok {
		t := c.topics[topic]
		b = buckets{
			messages: rate.NewLimiter(rate.Limit(t.Rate), t.Rate*burstSeconds),
			bytes:    rate.NewLimiter(rate.Limit(t.ByteRate), t.ByteRate*burstSeconds),
		}
		r.buckets[topic] = b
	}
	return b.messages.AllowN(now, 1) && b.bytes.AllowN(now, size)
}

// blame records a deed, and logs it unless that was done a moment ago.
func (c *conduct) blame(id peer.ID, address, deed, detail string) {
	c.misbehaved(id.String(), deed)
	now := c.now()
	c.mu.Lock()
	r := c.of(id, now)
	r.penalty = r.faded(now) + penalties[deed]
	r.since = now
	first, penalty := r.first(deed, now), r.penalty
	c.mu.Unlock()
	if first {
		// One form for all of them, so that operators can act on it.
		c.log.Warn("misbehaving peer", "peer", id.String(), "address", address, "deed", deed, "detail", detail, "penalty", math.Round(penalty))
	}
}

// first reports whether nothing of this kind was said about the peer for a while.
func (c *conduct) first(id peer.ID, remark string) bool {
	now := c.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.of(id, now).first(remark, now)
}

func (r *record) first(remark string, now time.Time) bool {
	if last, ok := r.logged[remark]; ok && now.Sub(last) < quietFor {
		return false
	}
	r.logged[remark] = now
	return true
}

// penalty returns what is left of a peer's penalties.
func (c *conduct) penalty(id peer.ID) float64 {
	now := c.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if r, ok := c.records[id]; ok {
		return r.faded(now)
	}
	return 0
}

func (r *record) faded(now time.Time) float64 {
	return r.penalty * math.Exp2(-float64(now.Sub(r.since))/float64(penaltyHalfLife))
}
