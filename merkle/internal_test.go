package merkle

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/trinebridge/trine/codec"
)

// resident counts the nodes of m whose content is in memory.
func resident(m Map) int { return residentBelow(m.root) }

func residentBelow(n *node) int {
	if n == nil || n.has(absent) {
		return 0
	}
	count := 1
	if n.kids != nil {
		for _, kid := range n.kids {
			count += residentBelow(kid)
		}
	}
	return count
}

// memory is a node source that counts.
type memory struct {
	nodes map[codec.Hash][]byte
	reads int
}

func (s *memory) Node(hash codec.Hash) ([]byte, error) {
	s.reads++
	if enc, ok := s.nodes[hash]; ok {
		return enc, nil
	}
	return nil, ErrMissing
}

func (s *memory) save(t *testing.T, m Map) {
	t.Helper()
	err := m.Unsaved(func(hash codec.Hash, enc []byte) error {
		s.nodes[hash] = bytes.Clone(enc)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	m.MarkSaved()
}

func testKey(i int) []byte { return binary.BigEndian.AppendUint32(nil, uint32(i)) }

func saved5000(t *testing.T) (Map, *memory) {
	t.Helper()
	s := &memory{nodes: map[codec.Hash][]byte{}}
	m := Open(EmptyRoot, s)
	for i := range 5000 {
		m = mustPut(t, m, i, i)
	}
	return m, s
}

func mustPut(t *testing.T, m Map, i, value int) Map {
	t.Helper()
	m, err := m.Put(testKey(i), binary.BigEndian.AppendUint64([]byte{1}, uint64(value)))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func wantGet(t *testing.T, m Map, i, value int) {
	t.Helper()
	got, ok, err := m.Get(testKey(i))
	if err != nil || !ok || binary.BigEndian.Uint64(got[1:]) != uint64(value) {
		t.Fatalf("Get(%d) = %x, %v, %v; want %d", i, got, ok, err, value)
	}
}

func TestTrimDropsOnlyWhatIsSaved(t *testing.T) {
	m, s := saved5000(t)
	all := resident(m)
	if n := resident(m.Trim(0)); n != all {
		t.Errorf("%d of %d unsaved nodes are left", n, all)
	}
	s.save(t, m)
	if n := resident(m.Trim(0)); n != 0 {
		t.Errorf("%d saved nodes are left after Trim(0)", n)
	}
	if n := resident(m); n != all {
		t.Errorf("the Trim of a new version left the old one with %d of %d nodes", n, all)
	}
	m = mustPut(t, m.Trim(0), 7, 70)
	if n := resident(m.Trim(0)); n == 0 || n > 8 {
		t.Errorf("%d nodes are left beside one unsaved entry", n)
	}
	wantGet(t, m, 7, 70)
	wantGet(t, m, 8, 8)
}

func TestTrimKeepsWhatIsUsed(t *testing.T) {
	m, s := saved5000(t)
	s.save(t, m)
	root, all := m.Root(), resident(m)
	if m = m.Trim(1); resident(m) != all {
		t.Fatalf("%d of %d nodes are left after the generation they were made in", resident(m), all)
	}
	hot := []int{1, 2, 3, 4, 5}
	for i := range hot {
		wantGet(t, m, i, i)
	}
	m = m.Trim(1)
	if n := resident(m); n == 0 || n > 8*len(hot) {
		t.Errorf("%d of %d nodes are left after the use of %d entries", n, all, len(hot))
	}
	s.reads = 0
	for i := range hot {
		wantGet(t, m, i, i)
	}
	if s.reads != 0 {
		t.Errorf("reading hot entries took %d loads", s.reads)
	}
	for i := range 5000 {
		wantGet(t, m, i, i)
	}
	if s.reads == 0 || resident(m) != all {
		t.Errorf("reading all took %d loads and left %d of %d nodes in memory", s.reads, resident(m), all)
	}
	if m.Root() != root {
		t.Error("trimming and loading changed the root")
	}
	for range 3 {
		if m = m.Trim(3); resident(m) != all {
			t.Fatalf("%d of %d nodes are left of what was used in the last three generations", resident(m), all)
		}
	}
	if m = m.Trim(3); resident(m) != 0 {
		t.Errorf("%d nodes are left after four generations without use", resident(m))
	}
}

func TestIterationLoadsWithoutKeeping(t *testing.T) {
	m, s := saved5000(t)
	s.save(t, m)
	m = Open(m.Root(), s)
	count := 0
	for _, err := range m.All() {
		if err != nil {
			t.Fatal(err)
		}
		if count++; count == 1000 {
			break
		}
	}
	if resident(m) != 0 || count != 1000 {
		t.Errorf("%d nodes stay in memory after iterating over %d entries", resident(m), count)
	}
}

// TestMemoryStaysBounded changes random entries of a map that is never whole in memory.
func TestMemoryStaysBounded(t *testing.T) {
	m, s := saved5000(t)
	s.save(t, m)
	m = m.Trim(0)
	r, want := rand.New(rand.NewPCG(3, 4)), map[int]int{}
	for round := range 50 {
		for range 20 {
			i := r.IntN(5000)
			want[i] = round
			m = mustPut(t, m, i, round)
		}
		s.save(t, m)
		m = m.Trim(2)
		if n := resident(m); n > 2*20*6 {
			t.Fatalf("%d nodes in memory after %d rounds", n, round)
		}
	}
	for i := range 5000 {
		value, changed := want[i]
		if !changed {
			value = i
		}
		wantGet(t, m, i, value)
	}
}

func TestMapWithoutSourceIsNotTrimmed(t *testing.T) {
	m := mustPut(t, Map{}, 1, 2)
	m.MarkSaved()
	wantGet(t, m.Trim(0), 1, 2)
}

// FuzzParse checks that a node encoding that is accepted is the one that encode makes.
func FuzzParse(f *testing.F) {
	m := Map{}
	for i := range 60 {
		m, _ = m.PutAt(codec.Hash{byte(i % 3), 31: byte(i * 5)}, bytes.Repeat([]byte{byte(i + 1)}, 1+i%3*20))
	}
	depth := 0
	_ = m.Unsaved(func(_ codec.Hash, enc []byte) error {
		for d := range 65 {
			if _, err := parse(enc, d); err == nil {
				depth = d
			}
		}
		f.Add(bytes.Clone(enc), byte(depth))
		return nil
	})
	f.Fuzz(func(t *testing.T, enc []byte, at byte) {
		depth := int(at % 65)
		p, err := parse(enc, depth)
		if err != nil {
			return
		}
		e := encoders.New().(*encoder)
		if p.shape == extensionShape && len(p.refs[0]) == hashSize {
			if got := appendExtension(nil, p.prefixNibbles(), p.refs[0]); !bytes.Equal(got, enc) {
				t.Fatalf("encodes again as %x, was %x", got, enc)
			}
			return
		}
		inner, outer := e.encode(build(&p, new(codec.Hash), depth), depth)
		if outer != nil {
			inner = outer
		}
		if !bytes.Equal(inner, enc) {
			t.Fatalf("encodes again as %x, was %x", inner, enc)
		}
	})
}

// TestResumedHashes hashes encodings that agree with the one before in more and fewer bytes.
func TestResumedHashes(t *testing.T) {
	r, res, s := rand.New(rand.NewPCG(5, 6)), new(resumer), newSponge()
	enc := make([]byte, 532)
	for range 5000 {
		enc = enc[:532-r.IntN(3)*r.IntN(250)]
		enc[r.IntN(len(enc))] = byte(r.Uint32())
		var sum codec.Hash
		if res.keccak(s, enc, &sum); sum != codec.Keccak(enc) {
			t.Fatalf("hash %s of %d bytes, want %s", sum, len(enc), codec.Keccak(enc))
		}
	}
	if len(res.states[2]) == 0 {
		t.Error("no state of the third block is kept: nothing was resumed")
	}
}
