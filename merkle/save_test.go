package merkle_test

import (
	"errors"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/merkle"
)

// TestReopenAfterEachBatch crashes after every batch: what is stored so far is the map as
// it was when the batch was made.
func TestReopenAfterEachBatch(t *testing.T) {
	s, r := newStore(), rand.New(rand.NewPCG(1, 1))
	m, want := merkle.Open(merkle.EmptyRoot, s), map[codec.Hash]string{}
	for batch := range 40 {
		for range r.IntN(30) {
			k := key(r.IntN(200))
			if r.IntN(4) == 0 {
				m = must(m.Delete(k))
				delete(want, merkle.PathOf(k))
				continue
			}
			value := []byte{byte(batch), byte(r.IntN(256)), 1}
			m, want[merkle.PathOf(k)] = must(m.Put(k, value)), string(value)
		}
		s.save(t, m)
		crashed := s.clone()
		reopened := merkle.Open(m.Root(), crashed)
		wantContent(t, reopened, want)
		if n := crashed.save(t, reopened); n != 0 {
			t.Fatalf("%d nodes of a reopened map are unsaved", n)
		}
		switch batch % 3 {
		case 0:
			m = m.Trim(1)
		case 1:
			m = reopened
			s = crashed
		}
	}
}

func TestSupersededNodesAreNotVisited(t *testing.T) {
	count := func(versions int) int {
		s := newStore()
		m := filled(1000, merkle.Open(merkle.EmptyRoot, s))
		s.save(t, m)
		for i := range versions {
			m = must(m.Put(key(3), []byte{byte(i), 9}))
			m.Root()
		}
		return s.save(t, m)
	}
	if one, many := count(1), count(100); one != many {
		t.Errorf("%d nodes to save after 100 changes of one entry, %d after one", many, one)
	}
}

func TestFailedBatchMarksNothing(t *testing.T) {
	s := newStore()
	m := filled(1000, merkle.Open(merkle.EmptyRoot, s))
	total := 0
	_ = m.Unsaved(func(codec.Hash, []byte) error { total++; return nil })
	broken := errors.New("disk full")
	for stop := range 3 {
		visited := 0
		err := m.Unsaved(func(codec.Hash, []byte) error {
			if visited++; visited > stop*total/3 {
				return broken
			}
			return nil
		})
		if !errors.Is(err, broken) {
			t.Fatalf("Unsaved = %v, want the error of visit", err)
		}
	}
	if n := s.save(t, m); n != total {
		t.Errorf("%d nodes visited after failed batches, want all %d", n, total)
	}
}

// TestSavingOneVersionKeepsOthers saves versions out of order, older ones last.
func TestSavingOneVersionKeepsOthers(t *testing.T) {
	s := newStore()
	var versions []merkle.Map
	var wants []map[codec.Hash]string
	m := filled(300, merkle.Open(merkle.EmptyRoot, s))
	for i := range 10 {
		m = must(m.Put(key(i*7), []byte{byte(i), 1}))
		m = must(m.Delete(key(i*11 + 1)))
		versions = append(versions, m)
		wants = append(wants, content(t, m))
	}
	for _, i := range []int{9, 4, 0, 7, 2} {
		s.save(t, versions[i])
		wantContent(t, merkle.Open(versions[i].Root(), s.clone()), wants[i])
	}
	for i, v := range versions {
		wantContent(t, v, wants[i])
		s.save(t, v)
		wantContent(t, merkle.Open(v.Root(), s), wants[i])
	}
}

func TestEmptyMapHasNothingToSave(t *testing.T) {
	s := newStore()
	for _, m := range []merkle.Map{{}, merkle.Open(merkle.EmptyRoot, s)} {
		if n := s.save(t, m.Trim(0)); n != 0 {
			t.Errorf("%d nodes to save", n)
		}
	}
}

// TestReadersBesideAWriter is for the race detector: goroutines use every version as soon
// as it exists, hashed or not, loaded or not, while the next ones are made from it.
func TestReadersBesideAWriter(t *testing.T) {
	const accounts, versions, readers = 400, 120, 4
	first := newStore()
	m := filled(accounts, merkle.Open(merkle.EmptyRoot, first))
	first.save(t, m)
	m = merkle.Open(m.Root(), first.clone()) // nothing is loaded; the writer saves elsewhere
	type task struct {
		m       merkle.Map
		version int
	}
	var readersDone sync.WaitGroup
	feeds := make([]chan task, readers)
	for i := range feeds {
		feeds[i] = make(chan task, versions)
		readersDone.Go(func() {
			r := rand.New(rand.NewPCG(uint64(i), 7))
			for job := range feeds[i] {
				read(t, r, job.m, job.version, accounts)
			}
		})
	}
	for v := 1; v <= versions; v++ {
		m = must(m.Put([]byte("version"), []byte{byte(v)}))
		for i := range 5 {
			m = must(m.Put(key((v*31+i*7)%accounts), []byte{byte(v), byte(i), 1}))
		}
		for _, feed := range feeds {
			feed <- task{m, v}
		}
		switch v % 4 {
		case 0:
			m.Root()
		case 1:
			_ = m.Unsaved(func(codec.Hash, []byte) error { return nil })
		case 2:
			m = must(m.Delete([]byte("absent")))
		}
	}
	for _, feed := range feeds {
		close(feed)
	}
	readersDone.Wait()
}

// read uses a version in a random way and checks that it is the version it is said to be.
func read(t *testing.T, r *rand.Rand, m merkle.Map, version, accounts int) {
	value, ok, err := m.Get([]byte("version"))
	if err != nil || !ok || value[0] != byte(version) {
		t.Errorf("version %d reads as %x, %v, %v", version, value, ok, err)
	}
	switch r.IntN(4) {
	case 0:
		k := key(r.IntN(accounts))
		proof, err := m.Prove(k)
		if err == nil {
			_, ok, err = merkle.VerifyProof(m.Root(), k, proof)
		}
		if !ok || err != nil {
			t.Errorf("proof in version %d: %v, %v", version, ok, err)
		}
	case 1:
		for _, err := range m.All() {
			if err != nil {
				t.Errorf("All in version %d: %v", version, err)
			}
		}
	case 2:
		other, err := m.Put(key(r.IntN(accounts)), []byte("branch off"))
		if err != nil || other.Root() == m.Root() {
			t.Errorf("Put on version %d: %v", version, err)
		}
	case 3:
		if trimmed := m.Trim(0); trimmed.Root() != m.Root() {
			t.Errorf("Trim changed the root of version %d", version)
		}
	}
}
