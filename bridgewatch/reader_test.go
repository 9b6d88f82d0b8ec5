package bridgewatch

import (
	"context"
	"errors"
	"testing"

	"go.uber.org/goleak"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/chain/chaintest"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/internal/evmtest"
	"github.com/trinebridge/trine/store"
	"github.com/trinebridge/trine/store/pebblestore"
	"github.com/trinebridge/trine/validators"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, evmtest.Lasting()...) }

var (
	wallet = codec.LeftPad([]byte{0xaa})
	token  = codec.LeftPad([]byte{0xee})
)

// scene is a scripted chain, one endpoint of it, and a reader with its store.
type scene struct {
	*testing.T
	chain    *chaintest.Chain
	endpoint *chaintest.Endpoint
	kv       store.KV
	reader   *Reader
}

func newScene(t *testing.T) *scene {
	c := chaintest.New(chaintest.Config{Set: validators.Set{Epoch: 1}})
	kv, err := pebblestore.OpenMem()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = kv.Close() })
	s := &scene{T: t, chain: c, endpoint: c.Endpoint("one"), kv: kv}
	s.restart(kv)
	return s
}

func (s *scene) config(kv store.KV) ReaderConfig {
	return ReaderConfig{
		Domain: s.chain.Domain(), Store: kv, Chunk: 4,
		Open: func(uint64) (chain.Source, error) { return s.endpoint.Source(), nil },
	}
}

// restart forgets the reader and opens another one on what is stored.
func (s *scene) restart(kv store.KV) {
	s.Helper()
	r, err := OpenReader(s.config(kv))
	if err != nil {
		s.Fatal(err)
	}
	s.reader = r
}

// deposits puts n deposits on the chain, each in its own block, and settles them.
func (s *scene) deposits(n int) {
	for i := range n {
		s.chain.Deposit(wallet, token, uint64(100+i)) // a small index
		s.chain.Mine(1)
	}
	s.chain.Mine(2)
}

func (s *scene) catchUp() error {
	p, err := s.reader.Pin(context.Background())
	if err != nil {
		return err
	}
	return s.reader.CatchUp(context.Background(), p)
}

func (s *scene) mustCatchUp() {
	s.Helper()
	if err := s.catchUp(); err != nil {
		s.Fatal(err)
	}
}

func (s *scene) wantVerified(id uint64) {
	s.Helper()
	verified, _ := s.reader.Verified()
	if verified.ID != id {
		s.Fatalf("verified event %d, want %d", verified.ID, id)
	}
	events, err := s.reader.Events(1, id+5)
	if err != nil || uint64(len(events)) != id {
		s.Fatalf("%d events, error %v, want %d", len(events), err, id)
	}
	head := bridgecontracts.FirstHead(s.chain.Domain())
	for i := range events {
		head = bridgecontracts.NextHead(head, &events[i].Event)
		if stored, ok, err := s.reader.HeadAt(events[i].ID); stored != head || !ok || err != nil {
			s.Fatalf("head at event %d is %s (%v, %v), want %s", events[i].ID, stored, ok, err, head)
		}
	}
	if _, ok, _ := s.reader.HeadAt(id + 1); ok {
		s.Fatalf("event %d is given out, though only %d is verified", id+1, id)
	}
}

func TestReadsInChunksAndContinues(t *testing.T) {
	s := newScene(t)
	s.chain.Mine(3)
	s.mustCatchUp()
	s.wantVerified(0)
	s.deposits(10)
	s.mustCatchUp()
	s.wantVerified(10)
	if calls := s.endpoint.Calls("Events"); calls != 3 {
		t.Errorf("10 events took %d reads, want 3 of at most 4 events", calls)
	}
	s.restart(s.kv)
	s.wantVerified(10)
	s.deposits(3)
	s.mustCatchUp()
	s.wantVerified(13)
	if calls := s.endpoint.Calls("Events"); calls != 4 {
		t.Errorf("%d reads in all, want 4: nothing is read twice", calls)
	}
}

// Events that are stored but not confirmed by the contract's head yet are given to nobody.
func TestStagedEventsAreNotGivenOut(t *testing.T) {
	s := newScene(t)
	s.deposits(10)
	p, err := s.reader.Pin(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	at, err := s.reader.stage(context.Background(), s.reader.cursor(), p)
	if err != nil || at.Staged.ID != 4 {
		t.Fatalf("staged up to %d, %v", at.Staged.ID, err)
	}
	s.wantVerified(0)
	s.restart(s.kv)
	s.wantVerified(0)
	s.mustCatchUp()
	s.wantVerified(10)
	if calls := s.endpoint.Calls("Events"); calls != 3 {
		t.Errorf("%d reads, want 3: what is staged is not read again", calls)
	}
}

func TestFaultyEndpointVerifiesNothing(t *testing.T) {
	for _, fault := range []chaintest.Fault{
		chaintest.Down, chaintest.Garbage, chaintest.Throttled, chaintest.WrongChain,
		chaintest.DropEvent, chaintest.DropLastEvent, chaintest.DuplicateEvent, chaintest.ReorderEvents,
	} {
		t.Run(fault.String(), func(t *testing.T) {
			s := newScene(t)
			s.deposits(7)
			s.endpoint.Spoil(fault)
			if err := s.catchUp(); err == nil {
				t.Fatal("no error")
			}
			s.wantVerified(0)
			s.endpoint.Spoil(chaintest.Healthy)
			s.mustCatchUp()
			s.wantVerified(7)
		})
	}
}

// forger is a source that changes the content of one event and leaves the counters true.
type forger struct {
	chain.Source
	id uint64
}

func (f forger) Events(ctx context.Context, from, to uint64, at chain.Block) ([]chain.LocatedEvent, error) {
	events, err := f.Source.Events(ctx, from, to, at)
	for i := range events {
		if events[i].ID == f.id {
			forged := *events[i].Body.(*bridgecontracts.Deposited)
			forged.Amount.SetUint64(1 << 40)
			events[i].Body = &forged
		}
	}
	return events, err
}

func TestForgedEventIsForgotten(t *testing.T) {
	s := newScene(t)
	s.deposits(3)
	s.mustCatchUp()
	s.deposits(9)
	s.reader.source = forger{s.endpoint.Source(), 6}
	err := s.catchUp()
	if !errors.Is(err, chain.ErrIncomplete) {
		t.Fatalf("error %v, want ErrIncomplete", err)
	}
	s.wantVerified(3)
	s.reader.source = s.endpoint.Source()
	s.mustCatchUp()
	s.wantVerified(12)
}

func TestContradictions(t *testing.T) {
	cases := []struct {
		name string
		act  func(s *scene)
		// event is the first one that differs; gone says that the chain has it no more.
		event uint64
		gone  bool
	}{
		{"the newest event is another", func(s *scene) {
			s.chain.Fork(3)
			s.chain.Deposit(wallet, token, 999)
			s.chain.Mine(4)
		}, 6, false},
		{"an older event is another, and there are more", func(s *scene) {
			s.chain.Fork(6)
			for i := range 8 {
				s.chain.Deposit(wallet, token, uint64(500+i)) // a small index
			}
			s.chain.Mine(12)
		}, 3, false},
		{"events are gone", func(s *scene) {
			s.chain.Fork(5)
			s.chain.Mine(8)
		}, 4, true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t)
			s.deposits(6)
			s.mustCatchUp()
			stored, _, _ := s.reader.HeadAt(c.event)
			c.act(s)
			for range 2 { // and again after a restart
				var contradiction *Contradiction
				if err := s.catchUp(); !errors.As(err, &contradiction) {
					t.Fatalf("error %v, want a contradiction", err)
				}
				if contradiction.EventID != c.event || contradiction.Stored != stored || contradiction.Chain.IsZero() != c.gone {
					t.Fatalf("%v; want event %d, gone: %v", contradiction, c.event, c.gone)
				}
				s.wantVerified(6)
				s.restart(s.kv)
			}
		})
	}
}

// A reorganisation above finality never reaches the reader.
func TestReorganisationAboveFinality(t *testing.T) {
	s := newScene(t)
	s.deposits(2)
	s.mustCatchUp()
	s.chain.Deposit(wallet, token, 7)
	s.chain.Mine(1)
	s.mustCatchUp()
	s.wantVerified(2)
	s.chain.Fork(1)
	s.chain.Deposit(wallet, token, 8)
	s.chain.Mine(3)
	s.mustCatchUp()
	s.wantVerified(3)
	events, err := s.reader.Events(3, 3)
	if err != nil || events[0].Body.(*bridgecontracts.Deposited).Amount.Uint64() != 8 {
		t.Errorf("event 3 is %v, %v; want the new branch's", events, err)
	}
}

// A source that falls back to an older block has nothing new and contradicts nothing.
func TestLaggingSource(t *testing.T) {
	s := newScene(t)
	s.deposits(5)
	s.mustCatchUp()
	s.endpoint.Lag(3)
	s.mustCatchUp()
	s.wantVerified(5)
}

// failing is a store whose commits fail from the n-th on, as if the process died there:
// before the write when lost, after it otherwise.
type failing struct {
	store.KV
	left *int
	lost bool
}

var errKilled = errors.New("killed")

func (f failing) NewBatch() store.Batch { return failingBatch{f.KV.NewBatch(), f} }

type failingBatch struct {
	store.Batch
	f failing
}

func (b failingBatch) Commit(ctx context.Context, d store.Durability) error {
	*b.f.left--
	if *b.f.left < 0 {
		return errKilled
	}
	if *b.f.left == 0 && b.f.lost {
		return errKilled
	}
	if err := b.Batch.Commit(ctx, d); err != nil || *b.f.left > 0 {
		return err
	}
	return errKilled
}

func TestKillAtEveryWrite(t *testing.T) {
	for _, lost := range []bool{true, false} {
		for n := 1; ; n++ {
			s := newScene(t)
			s.deposits(3)
			s.mustCatchUp()
			s.deposits(9)
			left := n
			s.restart(failing{s.kv, &left, lost})
			err := s.catchUp()
			if err != nil && !errors.Is(err, errKilled) {
				t.Fatal(err)
			}
			s.restart(s.kv)
			s.mustCatchUp()
			s.wantVerified(12)
			if err == nil {
				if n < 3 {
					t.Fatalf("only %d writes were tried", n)
				}
				break
			}
		}
	}
}

func TestDamagedStore(t *testing.T) {
	s := newScene(t)
	s.deposits(3)
	s.mustCatchUp()
	batch := s.kv.NewBatch()
	batch.Delete(eventKey(1, 2))
	if err := batch.Commit(context.Background(), store.Sync); err != nil {
		t.Fatal(err)
	}
	if _, err := s.reader.Events(1, 3); !store.IsCorruption(err) {
		t.Errorf("a missing event: error %v, want corruption", err)
	}
	batch = s.kv.NewBatch()
	batch.Put(cursorKey, []byte("spoiled"))
	if err := batch.Commit(context.Background(), store.Sync); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenReader(s.config(s.kv)); !store.IsCorruption(err) {
		t.Errorf("a spoiled cursor: error %v, want corruption", err)
	}
}

func TestReaderConfigNamesEveryFault(t *testing.T) {
	_, err := OpenReader(ReaderConfig{Chunk: 1 << 20, Timeout: -1})
	if err == nil {
		t.Fatal("no error")
	}
	if n := len(err.(interface{ Unwrap() error }).Unwrap().(interface{ Unwrap() []error }).Unwrap()); n != 5 {
		t.Errorf("%d faults, want 5: %v", n, err)
	}
}
