package chaintest

import (
	"context"
	"errors"
	"reflect"
	"sync"
	"time"

	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/codec"
)

// SourceCases are the promises that every Source keeps.
func SourceCases() []Case[World] {
	return []Case[World]{
		{"a new bridge has the first head and no events", newBridge},
		{"heads settle one block at a time", headsSettle},
		{"a block above the newest is absent", blockAbsent},
		{"all events recompute to the contract's head", allEvents},
		{"any part of the events is exact", partsOfEvents},
		{"events that are not there yet are an error", eventsAbsent},
		{"a read at an older block never sees newer state", pinnedReads},
		{"a fork makes reads at the left branch fail", forkRewinds},
		{"a fork in the middle of a read is noticed", forkInReads},
		{"a transaction's events are found by its id", locate},
		{"a snapshot says what the bridge is and holds", snapshot},
		{"small ranges of blocks are enough", rangeLimit},
		{"missing, doubled and disordered events are noticed", spoiledEvents},
		{"a broken endpoint is unknown, not absent", brokenEndpoint},
		{"another chain's endpoint is refused for good", wrongChain},
		{"no call outlives its context", hangingEndpoint},
		{"parallel reads agree", parallelReads},
		{"a source opened again reads the same", reopened},
	}
}

func newBridge(t TB, w World) {
	settle(t, w)
	s := value(w.Source())(t)
	c := counters(t, s, head(t, w, s))
	want := chain.Counters{Head: bridgecontracts.FirstHead(w.Facts().Domain), NextAction: 1, Epoch: c.Epoch}
	if c != want || c.Epoch == 0 {
		t.Fatalf("counters of a new bridge are %+v, want %+v with an epoch", c, want)
	}
}

func headsSettle(t TB, w World) {
	must(t, w.Mine(bounded(t), 8))
	s := value(w.Source())(t)
	near := value(s.Head(bounded(t), chain.Finality{Confirmations: 1}))(t)
	far := value(s.Head(bounded(t), chain.Finality{Confirmations: 3}))(t)
	if near.Number != far.Number+2 {
		t.Errorf("heads with 1 and 3 confirmations are %s and %s, want them 2 apart", near, far)
	}
	for _, b := range []chain.Block{near, far} {
		if again := value(s.BlockAt(bounded(t), b.Number))(t); again != b {
			t.Errorf("block %d is %+v by number and %+v as head", b.Number, again, b)
		}
	}
	if near.Time <= far.Time || near.Hash == far.Hash {
		t.Errorf("blocks %+v and %+v do not follow each other", far, near)
	}
	before := head(t, w, s)
	must(t, w.Mine(bounded(t), 1+w.Facts().Settle))
	if after := head(t, w, s); after.Number <= before.Number {
		t.Errorf("the head stays at %s though %d blocks came", before, 1+w.Facts().Settle)
	}
}

func blockAbsent(t TB, w World) {
	settle(t, w)
	s := value(w.Source())(t)
	_, err := s.BlockAt(bounded(t), head(t, w, s).Number+1_000_000)
	wantAbsent(t, "a block a million above the head", err)
}

func allEvents(t TB, w World) {
	txs := deposit(t, w, 7)
	settle(t, w)
	s := value(w.Source())(t)
	events := checkHistory(t, w, s, head(t, w, s), 7)
	for i, e := range events {
		if e.Tx != txs[i] {
			t.Errorf("event %d is said to be of transaction %s, it is of %s", e.ID, e.Tx, txs[i])
		}
		d, ok := e.Body.(*bridgecontracts.Deposited)
		if !ok || d.Token != w.Facts().Token || !d.Amount.Eq(uint256.NewInt(1)) {
			t.Errorf("event %d is %+v, want a deposit of one unit of %s", e.ID, e.Body, w.Facts().Token)
		}
	}
}

func partsOfEvents(t TB, w World) {
	deposit(t, w, 6)
	settle(t, w)
	s := value(w.Source())(t)
	at := head(t, w, s)
	all := checkHistory(t, w, s, at, 6)
	for from := uint64(1); from <= 6; from++ {
		for to := from; to <= 6; to++ {
			part := value(s.Events(bounded(t), from, to, at))(t)
			checkIDs(t, part, from, to)
			if !reflect.DeepEqual(part, all[from-1:to]) {
				t.Fatalf("events %d to %d differ from the same part of all events", from, to)
			}
		}
	}
}

func eventsAbsent(t TB, w World) {
	deposit(t, w, 3)
	settle(t, w)
	s := value(w.Source())(t)
	at := head(t, w, s)
	for _, r := range [][2]uint64{{1, 4}, {4, 4}, {0, 3}, {3, 2}} {
		if events, err := s.Events(bounded(t), r[0], r[1], at); err == nil {
			t.Errorf("events %d to %d of 3: %d events and no error", r[0], r[1], len(events))
		}
	}
}

func pinnedReads(t TB, w World) {
	deposit(t, w, 2)
	settle(t, w)
	s := value(w.Source())(t)
	old := head(t, w, s)
	want := counters(t, s, old)
	deposit(t, w, 3)
	settle(t, w)
	got, err := s.Counters(bounded(t), old)
	if err == nil && got != want {
		t.Errorf("counters at %s were %+v and are %+v", old, want, got)
	}
	snap, snapErr := s.Snapshot(bounded(t), old, []codec.Hash{w.Facts().Token})
	if snapErr == nil && (len(snap.Tokens) != 1 || snap.Counters != want || !snap.Tokens[0].Held.Eq(uint256.NewInt(2))) {
		t.Errorf("snapshot at %s is %+v, want the state with 2 deposits", old, snap)
	}
	if w.Facts().History && (err != nil || snapErr != nil) {
		t.Errorf("state after %s cannot be read any more: %v, %v", old, err, snapErr)
	}
	if events, err := s.Events(bounded(t), 1, 3, old); err == nil {
		t.Errorf("%d events at %s, when there were 2", len(events), old)
	}
	checkHistory(t, w, s, head(t, w, s), 5)
}

func forkRewinds(t TB, w World) {
	deposit(t, w, 2)
	settle(t, w)
	must(t, w.Mine(bounded(t), 2))
	s := value(w.Source())(t)
	left := value(s.Head(bounded(t), chain.Finality{Confirmations: 1}))(t)
	if err := w.Fork(bounded(t), 2); errors.Is(err, ErrCannot) {
		return
	} else {
		must(t, err)
	}
	_, err := s.Counters(bounded(t), left)
	wantVerdict(t, "counters at a block of the left branch", err, chain.Rewind)
	_, err = s.Events(bounded(t), 1, 2, left)
	wantVerdict(t, "events at a block of the left branch", err, chain.Rewind)
	_, err = s.Snapshot(bounded(t), left, nil)
	wantVerdict(t, "a snapshot at a block of the left branch", err, chain.Rewind)
	if now := value(s.BlockAt(bounded(t), left.Number))(t); now.Hash == left.Hash {
		t.Errorf("block %d still has the hash of the left branch", left.Number)
	}
	settle(t, w)
	checkHistory(t, w, s, head(t, w, s), 2)
}

func forkInReads(t TB, w World) {
	deposit(t, w, 4)
	must(t, w.Mine(bounded(t), 2))
	s := value(w.Source())(t)
	at := value(s.Head(bounded(t), chain.Finality{Confirmations: 1}))(t)
	if err := w.Spoil(ForkInReads); errors.Is(err, ErrCannot) {
		return
	} else {
		must(t, err)
	}
	_, err := s.Events(bounded(t), 1, 4, at)
	wantVerdict(t, "events while the chain forks below the pinned block", err, chain.Rewind)
}

func locate(t TB, w World) {
	txs := deposit(t, w, 3)
	plain := value(w.Plain(bounded(t)))(t)
	settle(t, w)
	s := value(w.Source())(t)
	all := checkHistory(t, w, s, head(t, w, s), 3)
	for i, tx := range txs {
		found := value(s.Locate(bounded(t), tx))(t)
		if len(found) != 1 || !reflect.DeepEqual(found[0], all[i]) {
			t.Errorf("transaction %s has events %+v, want %+v", tx, found, all[i])
		}
	}
	if found := value(s.Locate(bounded(t), plain))(t); len(found) != 0 {
		t.Errorf("a transaction that the bridge has no part in has events %+v", found)
	}
	unknown := []byte(txs[0])
	last := len(unknown) - 1
	if unknown[last]++; unknown[last] == '9'+1 || unknown[last] == 'f'+1 || unknown[last] == 'z'+1 {
		unknown[last] -= 2
	}
	_, err := s.Locate(bounded(t), string(unknown))
	wantAbsent(t, "a transaction that nobody sent", err)
}

func snapshot(t TB, w World) {
	deposit(t, w, 5)
	settle(t, w)
	s := value(w.Source())(t)
	at := head(t, w, s)
	snap := value(s.Snapshot(bounded(t), at, []codec.Hash{w.Facts().Token}))(t)
	if snap.Domain != w.Facts().Domain || snap.SetHash != w.Facts().SetHash || snap.CodeHash.IsZero() {
		t.Errorf("snapshot has domain %s, set %s, code %s; want %s, %s and a code hash", snap.Domain, snap.SetHash, snap.CodeHash, w.Facts().Domain, w.Facts().SetHash)
	}
	if snap.Counters != counters(t, s, at) {
		t.Errorf("snapshot has counters %+v, Counters says %+v", snap.Counters, counters(t, s, at))
	}
	if len(snap.Tokens) != 1 || snap.Tokens[0].Token != w.Facts().Token || !snap.Tokens[0].Held.Eq(uint256.NewInt(5)) {
		t.Errorf("snapshot has tokens %+v, want 5 units of %s", snap.Tokens, w.Facts().Token)
	}
	if snap.StartBlock > at.Number {
		t.Errorf("the bridge is said to start at block %d, after %s", snap.StartBlock, at)
	}
}

func rangeLimit(t TB, w World) {
	deposit(t, w, 2)
	must(t, w.Mine(bounded(t), 40))
	deposit(t, w, 5)
	settle(t, w)
	if err := w.Spoil(RangeLimit); errors.Is(err, ErrCannot) {
		return
	} else {
		must(t, err)
	}
	s := value(w.Source())(t)
	checkHistory(t, w, s, head(t, w, s), 7)
}

func spoiledEvents(t TB, w World) {
	deposit(t, w, 5)
	settle(t, w)
	s := value(w.Source())(t)
	at := head(t, w, s)
	want := checkHistory(t, w, s, at, 5)
	for _, f := range []Fault{DropEvent, DropLastEvent, DuplicateEvent, ReorderEvents} {
		if err := w.Spoil(f); errors.Is(err, ErrCannot) {
			continue
		} else {
			must(t, err)
		}
		events, err := s.Events(bounded(t), 1, 5, at)
		if err == nil && !reflect.DeepEqual(events, want) {
			t.Errorf("%s: wrong events without an error", f)
		}
		if (f == DropEvent || f == DropLastEvent) && !errors.Is(err, chain.ErrIncomplete) {
			t.Errorf("%s: error %v, want ErrIncomplete", f, err)
		}
		must(t, w.Spoil(Healthy))
	}
	checkHistory(t, w, s, at, 5)
}

// everyRead calls each method of a Source once.
func everyRead(t TB, w World, s chain.Source, at chain.Block, tx string, check func(method string, err error)) {
	_, err := s.Head(bounded(t), w.Facts().Finality)
	check("Head", err)
	_, err = s.BlockAt(bounded(t), at.Number)
	check("BlockAt", err)
	_, err = s.Counters(bounded(t), at)
	check("Counters", err)
	_, err = s.Events(bounded(t), 1, 1, at)
	check("Events", err)
	_, err = s.Locate(bounded(t), tx)
	check("Locate", err)
	_, err = s.Snapshot(bounded(t), at, nil)
	check("Snapshot", err)
}

func brokenEndpoint(t TB, w World) {
	txs := deposit(t, w, 1)
	settle(t, w)
	s := value(w.Source())(t)
	at := head(t, w, s)
	for _, f := range []Fault{Down, Garbage, Oversized, Throttled} {
		must(t, w.Spoil(f))
		everyRead(t, w, s, at, txs[0], func(method string, err error) {
			wantUnknown(t, f.String()+": "+method, err)
			wantVerdict(t, f.String()+": "+method, err, chain.Retry)
		})
	}
	must(t, w.Spoil(Healthy))
	checkHistory(t, w, s, at, 1)
}

func wrongChain(t TB, w World) {
	settle(t, w)
	if err := w.Spoil(WrongChain); errors.Is(err, ErrCannot) {
		return
	} else {
		must(t, err)
	}
	s := value(w.Source())(t)
	_, err := s.Head(bounded(t), w.Facts().Finality)
	wantVerdict(t, "the head of another chain", err, chain.Fatal)
}

func hangingEndpoint(t TB, w World) {
	txs := deposit(t, w, 1)
	settle(t, w)
	s := value(w.Source())(t)
	at := head(t, w, s)
	must(t, w.Spoil(Hang))
	calls := map[string]func(ctx context.Context) error{
		"Head":     func(ctx context.Context) error { _, err := s.Head(ctx, w.Facts().Finality); return err },
		"Counters": func(ctx context.Context) error { _, err := s.Counters(ctx, at); return err },
		"Events":   func(ctx context.Context) error { _, err := s.Events(ctx, 1, 1, at); return err },
		"Locate":   func(ctx context.Context) error { _, err := s.Locate(ctx, txs[0]); return err },
	}
	for name, call := range calls {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		done := make(chan error, 1)
		go func() { done <- call(ctx) }()
		select {
		case err := <-done:
			wantUnknown(t, name+" through an endpoint that hangs", err)
		case <-time.After(patience):
			t.Errorf("%s goes on %v after its context ended", name, patience)
		}
		cancel()
	}
	must(t, w.Spoil(Healthy))
	checkHistory(t, w, s, at, 1)
}

func parallelReads(t TB, w World) {
	deposit(t, w, 4)
	settle(t, w)
	s := value(w.Source())(t)
	at := head(t, w, s)
	want := checkHistory(t, w, s, at, 4)
	ctx := bounded(t)
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			if events, err := s.Events(ctx, 1, 4, at); err != nil || !reflect.DeepEqual(events, want) {
				t.Errorf("one of eight parallel reads has %d events and error %v", len(events), err)
			}
		})
	}
	wait.Wait()
}

func reopened(t TB, w World) {
	deposit(t, w, 4)
	settle(t, w)
	first := value(w.Source())(t)
	at := head(t, w, first)
	want := checkHistory(t, w, first, at, 4)
	second := value(w.Source())(t)
	if got := checkHistory(t, w, second, at, 4); !reflect.DeepEqual(got, want) {
		t.Errorf("a source opened again has other events")
	}
}
