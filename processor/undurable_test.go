package processor_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/trinebridge/trine/appchain"
	"github.com/trinebridge/trine/appchain/appchaintest"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/processor"
	"github.com/trinebridge/trine/signing"
	"github.com/trinebridge/trine/signing/guard"
)

// slowSigner signs no block before it may, which keeps executed blocks from becoming durable.
type slowSigner struct {
	signing.Signer
	may chan struct{}
}

func (s *slowSigner) Sign(ctx context.Context, st signing.Statement) (signing.Signature, error) {
	if st.Slot.Kind == signing.KindBlock {
		<-s.may
	}
	return s.Signer.Sign(ctx, st)
}

// directHost lets a test hand a message to a topic's handler and wait for its verdict.
type directHost struct {
	*host
	transactions func(context.Context, string, []byte) appchain.Verdict
}

func (d *directHost) Subscribe(topic string, handle func(context.Context, string, []byte) appchain.Verdict) (func(), error) {
	if topic == appchain.TopicTransactions {
		d.transactions = handle
	}
	return d.host.Subscribe(topic, handle)
}

// TestSentAgainBeforeItIsDurable sends a transaction again while its block is on its way to
// the disk. Whoever waits must not hear that it was dropped: they would pay twice.
func TestSentAgainBeforeItIsDurable(t *testing.T) {
	s := newScene(t, appchaintest.Small)
	s.attach()
	u := users(2)
	s.credit(s.f.NewHistory(), u...)
	s.stop()
	g, err := guard.New(s.f.Processor, s.kv)
	if err != nil {
		t.Fatal(err)
	}
	slow := &slowSigner{s.f.Processor, make(chan struct{})}
	network := &directHost{host: s.net.Host("slow processor")}
	p, err := processor.New(processor.Config{Node: s.node, Network: network, Signer: slow, Guard: g, UnsafeAllowBehind: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.background(p.Run))
	release := sync.OnceFunc(func() { close(slow.may) })
	t.Cleanup(release)

	tx := s.f.Tx(t, u[0], 1, nowMillis(), transfer(u[1], 1))
	submit := func() { _, _ = p.Submit(t.Context(), tx) } // nobody admits it before the processor runs
	until(t, s.node, "the transaction is executed", submit, func() bool { return p.Status().Executed > s.node.Height() })
	network.transactions(t.Context(), "peer", codec.Marshal(tx)) // as everybody does until the block comes
	if _, err := p.Submit(t.Context(), tx); err != nil {
		t.Errorf("submitted again: %v", err)
	}
	time.AfterFunc(50*time.Millisecond, release)
	if status, err := p.SubmitTx(t.Context(), tx); err != nil || status.State != appchain.TxIncluded {
		t.Errorf("submitted again: %+v, %v; want included", status, err)
	}
	if n := p.Status().Dropped; n != 0 {
		t.Errorf("%d transactions dropped", n)
	}
}

// TestNoticesOfRefusalsAreBounded: a stranger has more transactions refused than there are notices for.
func TestNoticesOfRefusalsAreBounded(t *testing.T) {
	s := newScene(t, appchaintest.Small)
	s.stop()
	g, err := guard.New(s.f.Processor, s.kv)
	if err != nil {
		t.Fatal(err)
	}
	network, now := &directHost{host: s.net.Host("direct")}, time.Now() // a clock that stands still
	p, err := processor.New(processor.Config{
		Node: s.node, Network: network, Signer: s.f.Processor, Guard: g, UnsafeAllowBehind: true, Now: func() time.Time { return now },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.background(p.Run))
	eventually(t, "it makes blocks", func() bool { return p.Status().Producing })
	const sent, noticed = 500, 400
	stranger := appchaintest.Key("stranger")
	for i := range uint64(sent) {
		tx := s.f.Tx(t, stranger, 1, uint64(now.UnixMilli()), transfer(s.f.Treasury, 1+i)) // the clock is after 1970
		if v := network.transactions(t.Context(), "peer", codec.Marshal(tx)); v != appchain.Ignore {
			t.Fatalf("a transaction from nobody: %s", v)
		}
	}
	if st := p.Status(); st.Refused != sent || st.Dropped != noticed || st.Silent < sent-noticed {
		t.Errorf("of %d transactions %d were refused, %d noticed, %d not; want %d notices", sent, st.Refused, st.Dropped, st.Silent, noticed)
	}
}
