package merkle_test

import (
	"bytes"
	"errors"
	"maps"
	"testing"

	"pgregory.net/rapid"

	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/merkle"
)

// paths draws paths that often share long prefixes, so that extensions, deep branches and
// embedded nodes come up, which hashed keys almost never need.
func paths() *rapid.Generator[codec.Hash] {
	return rapid.Custom(func(t *rapid.T) codec.Hash {
		var p codec.Hash
		fill := rapid.SampledFrom([]byte{0x00, 0x11, 0xf0}).Draw(t, "fill")
		for i := range p {
			p[i] = fill
		}
		for range rapid.IntRange(0, 3).Draw(t, "changes") {
			i := rapid.SampledFrom([]int{0, 1, 2, 15, 28, 29, 30, 31}).Draw(t, "position")
			p[i] = rapid.SampledFrom([]byte{0x00, 0x01, 0x10, 0x11, 0xf0, 0xff}).Draw(t, "byte")
		}
		return p
	})
}

// values draws values around the sizes where the encoding changes. Empty ones mean Delete.
func values() *rapid.Generator[[]byte] {
	sizes := rapid.SampledFrom([]int{0, 1, 1, 2, 3, 20, 31, 32, 55, 56, 255, 256, 1000})
	return rapid.Custom(func(t *rapid.T) []byte {
		b := bytes.Repeat([]byte{rapid.SampledFrom([]byte{0, 1, 0x7f, 0x80, 0xff}).Draw(t, "fill")}, sizes.Draw(t, "size"))
		return b
	})
}

// version is a map with what it must contain, whatever happens to other versions.
type version struct {
	m    merkle.Map
	want map[codec.Hash]string
	root codec.Hash
}

// machine makes random changes to a map, a model and go-ethereum's trie side by side.
type machine struct {
	now    version
	trie   oracle
	store  *store
	kept   []version // older versions, all still readable
	stored []version // versions that were saved
}

func (s *machine) put(t *rapid.T) {
	for range rapid.IntRange(1, 8).Draw(t, "count") {
		path, value := paths().Draw(t, "path"), values().Draw(t, "value")
		s.now.m = put(s.now.m, path, value)
		s.trie.put(path, value)
		s.now.want = maps.Clone(s.now.want)
		s.now.want[path] = string(value)
		if len(value) == 0 {
			delete(s.now.want, path)
		}
	}
}

func (s *machine) remove(t *rapid.T) {
	if len(s.now.want) == 0 {
		t.Skip("nothing to delete")
	}
	path := rapid.SampledFrom(sortedHashes(s.now.want)).Draw(t, "path")
	s.now.m = must(s.now.m.DeleteAt(path))
	s.trie.put(path, nil)
	s.now.want = maps.Clone(s.now.want)
	delete(s.now.want, path)
}

func (s *machine) keep(*rapid.T) {
	v := s.now
	v.root = s.trie.root()
	s.kept = append(s.kept, v)
}

func (s *machine) save(t *rapid.T) {
	s.store.save(t, s.now.m)
	if n := s.store.clone().save(t, s.now.m); n != 0 {
		t.Fatalf("%d nodes are unsaved right after saving", n)
	}
	v := s.now
	v.root = v.m.Root()
	s.stored = append(s.stored, v)
}

func (s *machine) trim(t *rapid.T) {
	s.now.m = s.now.m.Trim(rapid.Uint32Range(0, 2).Draw(t, "keep"))
}

func (s *machine) reopen(t *rapid.T) {
	if len(s.stored) == 0 {
		t.Skip("nothing is stored")
	}
	v := rapid.SampledFrom(s.stored).Draw(t, "version")
	s.now = version{m: merkle.Open(v.root, s.store), want: v.want}
	s.trie = oracleOf(v.want)
}

func (s *machine) check(t *rapid.T) {
	if got, want := s.now.m.Root(), s.trie.root(); got != want {
		t.Fatalf("root %s, go-ethereum has %s", got, want)
	}
	path := paths().Draw(t, "probe")
	value, ok, err := s.now.m.GetAt(path)
	want, wantOK := s.now.want[path]
	if err != nil || ok != wantOK || string(value) != want {
		t.Fatalf("GetAt(%s) = %x, %v, %v; want %x, %v", path, value, ok, err, want, wantOK)
	}
}

func TestAgainstGoEthereum(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := &machine{trie: newOracle(), store: newStore()}
		s.now.want = map[codec.Hash]string{}
		s.now.m = merkle.Open(merkle.EmptyRoot, s.store)
		t.Repeat(map[string]func(*rapid.T){
			"put": s.put, "put again": s.put, "remove": s.remove, "keep": s.keep,
			"save": s.save, "trim": s.trim, "reopen": s.reopen, "": s.check,
		})
		wantContent(t, s.now.m, s.now.want)
		for _, v := range s.kept {
			wantContent(t, v.m, v.want)
			if got := v.m.Root(); got != v.root {
				t.Fatalf("an old version's root became %s, was %s", got, v.root)
			}
		}
		for _, v := range s.stored {
			wantContent(t, merkle.Open(v.root, s.store), v.want)
		}
	})
}

func TestKeysAreHashed(t *testing.T) {
	m, o := filled(2000, merkle.Map{}), newOracle()
	for i := range 2000 {
		value, ok, err := m.Get(key(i))
		if !ok || err != nil {
			t.Fatalf("Get(%d) = %v, %v", i, ok, err)
		}
		o.put(codec.Keccak(key(i)), value)
	}
	if got, want := m.Root(), o.root(); got != want {
		t.Fatalf("root %s, go-ethereum has %s", got, want)
	}
	for i := 1; i < 2000; i++ {
		m = must(m.Delete(key(i)))
	}
	if want := filled(1, merkle.Map{}).Root(); m.Root() != want {
		t.Errorf("root %s after deleting all but one, want %s", m.Root(), want)
	}
	if m = must(m.Delete(key(0))); m.Root() != merkle.EmptyRoot {
		t.Errorf("root %s after deleting all", m.Root())
	}
}

func TestValueLimits(t *testing.T) {
	m := filled(3, merkle.Map{})
	root := m.Root()
	for _, c := range []struct {
		name  string
		value []byte
		want  error
	}{
		{"nil", nil, merkle.ErrEmptyValue},
		{"empty", []byte{}, merkle.ErrEmptyValue},
		{"too large", make([]byte, merkle.MaxValueSize+1), merkle.ErrValueTooLarge},
	} {
		got, err := m.Put(key(0), c.value)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: error %v, want %v", c.name, err, c.want)
		}
		if got.Root() != root {
			t.Errorf("%s: the refused Put changed the map", c.name)
		}
	}
	s := newStore()
	large := bytes.Repeat([]byte{7}, merkle.MaxValueSize)
	m = must(m.Put(key(1), large))
	s.save(t, m)
	value, ok, err := merkle.Open(m.Root(), s).Get(key(1))
	if !ok || err != nil || !bytes.Equal(value, large) {
		t.Errorf("a value of MaxValueSize does not come back: %d bytes, %v, %v", len(value), ok, err)
	}
}

func TestValuesAreCopiedIn(t *testing.T) {
	value := []byte("one")
	m := must(merkle.Map{}.Put(key(1), value))
	value[0] = 'X'
	got, _, _ := m.Get(key(1))
	if string(got) != "one" {
		t.Errorf("the map holds %q after its caller changed the slice", got)
	}
	if cap(got) != len(got) {
		t.Error("an append to a value would write into the map")
	}
}

func TestPutOfTheSameValueChangesNothing(t *testing.T) {
	s := newStore()
	m := filled(100, merkle.Open(merkle.EmptyRoot, s))
	s.save(t, m)
	same := must(must(m.Put(key(7), must2(m.Get(key(7))))).Delete([]byte("absent")))
	if n := s.save(t, same); n != 0 {
		t.Errorf("%d nodes to save after a Put of the same value", n)
	}
}

func must2(v []byte, ok bool, err error) []byte {
	if err != nil || !ok {
		panic("no value")
	}
	return v
}
