package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/trinebridge/trine/store"
)

// Open opens a store; every call opens the same data, which is empty at first. The suite
// closes what it opens before it opens again.
type Open func() (store.KV, error)

// Run holds a backend against package store. Every call of fresh gives another, empty store.
func Run(t *testing.T, fresh func(t testing.TB) Open) {
	for _, c := range []struct {
		name string
		test func(t *testing.T, kv store.KV)
	}{
		{"get tells absent from empty", testGet},
		{"later writes of a batch win", testOrderInBatch},
		{"a batch is seen whole, and only once committed", testVisibility},
		{"ranges", testRanges},
		{"a range is a picture of its beginning", testRangeIsSnapshot},
		{"slices are copied", testCopies},
		{"an empty key is refused, with its batch", testEmptyKey},
		{"a batch is spent by its commit", testSpent},
		{"a commit under a done context changes nothing", testDoneContext},
		{"many committers and readers", testConcurrent},
		{"parts do not see each other", testSub},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, mustOpen(t, fresh(t))) })
	}
	t.Run("content survives an orderly end", func(t *testing.T) { testReopen(t, fresh(t)) })
	t.Run("a closed store says so", func(t *testing.T) { testClosed(t, mustOpen(t, fresh(t))) })
}

// RunModel runs random operations on a backend and on a sorted map, with the same answers.
// It opens the store thousands of times.
func RunModel(t *testing.T, fresh func(t testing.TB) Open) {
	rapid.Check(t, func(rt *rapid.T) { testModel(rt, fresh(t)) })
}

func mustOpen(t *testing.T, open Open) store.KV {
	t.Helper()
	kv, err := open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := kv.Close(); err != nil {
			t.Error(err)
		}
	})
	return kv
}

// put commits pairs "key=value"; a pair without "=" deletes.
func put(t testing.TB, kv store.KV, d store.Durability, pairs ...string) {
	t.Helper()
	b := kv.NewBatch()
	for _, p := range pairs {
		if key, value, isPut := strings.Cut(p, "="); isPut {
			b.Put([]byte(key), []byte(value))
		} else {
			b.Delete([]byte(key))
		}
	}
	if b.Len() != len(pairs) {
		t.Fatalf("Len is %d after %d writes", b.Len(), len(pairs))
	}
	if err := b.Commit(context.Background(), d); err != nil {
		t.Fatal(err)
	}
}

// collect returns a range as "key=value key=value".
func collect(t testing.TB, entries iter.Seq2[store.Entry, error]) string {
	t.Helper()
	var all []string
	for e, err := range entries {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, fmt.Sprintf("%s=%s", e.Key, e.Value))
	}
	return strings.Join(all, " ")
}

func wantAll(t testing.TB, kv store.KV, want string) {
	t.Helper()
	if got := collect(t, kv.Ascend(nil, nil)); got != want {
		t.Fatalf("content is %q, want %q", got, want)
	}
}

func testGet(t *testing.T, kv store.KV) {
	put(t, kv, store.Sync, "empty=", "a=1", "gone=1")
	put(t, kv, store.NoSync, "gone", "never")
	for _, c := range []struct {
		key, value string
		ok         bool
	}{{"a", "1", true}, {"empty", "", true}, {"", "", false}, {"gone", "", false}, {"never", "", false}, {"aa", "", false}} {
		value, ok, err := kv.Get([]byte(c.key))
		if err != nil || ok != c.ok || string(value) != c.value {
			t.Errorf("Get(%q) = %q, %v, %v, want %q, %v", c.key, value, ok, err, c.value, c.ok)
		}
	}
}

func testOrderInBatch(t *testing.T, kv store.KV) {
	put(t, kv, store.Sync, "a=1", "a", "b", "b=1", "c=1", "c=2")
	wantAll(t, kv, "b=1 c=2")
}

func testVisibility(t *testing.T, kv store.KV) {
	b := kv.NewBatch()
	b.Put([]byte("a"), []byte("1"))
	b.Put([]byte("b"), []byte("1"))
	wantAll(t, kv, "")
	if err := b.Commit(context.Background(), store.NoSync); err != nil {
		t.Fatal(err)
	}
	wantAll(t, kv, "a=1 b=1")
	put(t, kv, store.Sync) // the barrier
	wantAll(t, kv, "a=1 b=1")
}

func testRanges(t *testing.T, kv store.KV) {
	put(t, kv, store.Sync, "a=1", "b=2", "b\x00=3", "b\xff=4", "c=5")
	for _, c := range []struct {
		lo, hi     []byte
		up, down   string
		upThenStop string
	}{
		{nil, nil, "a=1 b=2 b\x00=3 b\xff=4 c=5", "c=5 b\xff=4 b\x00=3 b=2 a=1", "a=1"},
		{[]byte("b"), []byte("c"), "b=2 b\x00=3 b\xff=4", "b\xff=4 b\x00=3 b=2", "b=2"},
		{[]byte("b\x00"), nil, "b\x00=3 b\xff=4 c=5", "c=5 b\xff=4 b\x00=3", "b\x00=3"},
		{nil, []byte("b"), "a=1", "a=1", "a=1"},
		{[]byte("b"), []byte("b"), "", "", ""},
		{[]byte("c"), []byte("a"), "", "", ""},
		{nil, []byte{}, "", "", ""},
		{[]byte{}, nil, "a=1 b=2 b\x00=3 b\xff=4 c=5", "c=5 b\xff=4 b\x00=3 b=2 a=1", "a=1"},
		{[]byte("d"), nil, "", "", ""},
	} {
		if got := collect(t, kv.Ascend(c.lo, c.hi)); got != c.up {
			t.Errorf("Ascend(%q, %q) = %q, want %q", c.lo, c.hi, got, c.up)
		}
		if got := collect(t, kv.Descend(c.lo, c.hi)); got != c.down {
			t.Errorf("Descend(%q, %q) = %q, want %q", c.lo, c.hi, got, c.down)
		}
		first := ""
		for e, err := range kv.Ascend(c.lo, c.hi) {
			first = fmt.Sprintf("%s=%s", e.Key, e.Value)
			if err != nil {
				t.Error(err)
			}
			break
		}
		if first != c.upThenStop {
			t.Errorf("first of Ascend(%q, %q) is %q, want %q", c.lo, c.hi, first, c.upThenStop)
		}
	}
}

func testRangeIsSnapshot(t *testing.T, kv store.KV) {
	put(t, kv, store.Sync, "a=1", "b=1", "c=1")
	var seen []string
	for e, err := range kv.Ascend(nil, nil) {
		if err != nil {
			t.Fatal(err)
		}
		seen = append(seen, string(e.Key))
		put(t, kv, store.NoSync, "b", "c=2", "d=1")
		if v, ok, err := kv.Get([]byte("d")); err != nil || !ok || string(v) != "1" {
			t.Fatalf("Get inside a range = %q, %v, %v", v, ok, err)
		}
	}
	if got := strings.Join(seen, " "); got != "a b c" {
		t.Errorf("saw %q, want what stood at the beginning: a b c", got)
	}
	wantAll(t, kv, "a=1 c=2 d=1")
}

func testCopies(t *testing.T, kv store.KV) {
	key, value := []byte("k"), []byte("v")
	b := kv.NewBatch()
	b.Put(key, value)
	key[0], value[0] = 'x', 'x'
	if err := b.Commit(context.Background(), store.Sync); err != nil {
		t.Fatal(err)
	}
	got, _, err := kv.Get([]byte("k"))
	if err != nil {
		t.Fatal(err)
	}
	got[0] = 'y'
	wantAll(t, kv, "k=v")
}

func testSpent(t *testing.T, kv store.KV) {
	b := kv.NewBatch()
	b.Put([]byte("a"), []byte("1"))
	if err := b.Commit(context.Background(), store.Sync); err != nil {
		t.Fatal(err)
	}
	b.Put([]byte("b"), []byte("1"))
	if err := b.Commit(context.Background(), store.Sync); !errors.Is(err, store.ErrSpent) {
		t.Errorf("second Commit: %v, want ErrSpent", err)
	}
	wantAll(t, kv, "a=1")
}

func testEmptyKey(t *testing.T, kv store.KV) {
	for name, write := range map[string]func(store.Batch){
		"put":    func(b store.Batch) { b.Put(nil, []byte("1")) },
		"delete": func(b store.Batch) { b.Delete([]byte{}) },
	} {
		b := kv.NewBatch()
		b.Put([]byte("a"), []byte("1"))
		write(b)
		if err := b.Commit(context.Background(), store.Sync); !errors.Is(err, store.ErrEmptyKey) {
			t.Errorf("Commit with %s of an empty key: %v, want ErrEmptyKey", name, err)
		}
	}
	wantAll(t, kv, "")
}

func testDoneContext(t *testing.T, kv store.KV) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	b := kv.NewBatch()
	b.Put([]byte("a"), []byte("1"))
	if err := b.Commit(ctx, store.Sync); !errors.Is(err, context.Canceled) {
		t.Errorf("Commit: %v, want the context's error", err)
	}
	wantAll(t, kv, "")
}

func testConcurrent(t *testing.T, kv store.KV) {
	const writers, rounds = 8, 25
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for r := range rounds {
				b := kv.NewBatch()
				// Both keys of a pair always hold the same value.
				for _, side := range []string{"left", "right"} {
					b.Put(fmt.Appendf(nil, "%d/%s", w, side), fmt.Appendf(nil, "%d", r))
				}
				if err := b.Commit(context.Background(), store.Durability(r%2)); err != nil {
					t.Error(err)
				}
			}
		})
		wg.Go(func() {
			for range rounds {
				values := map[string]bool{}
				prefix := fmt.Appendf(nil, "%d/", w)
				for e, err := range kv.Ascend(prefix, store.After(prefix)) {
					if err != nil {
						t.Error(err)
					}
					values[string(e.Value)] = true
				}
				if len(values) > 1 {
					t.Errorf("half a batch was seen: %v", slices.Collect(maps.Keys(values)))
				}
			}
		})
	}
	wg.Wait()
}

func testSub(t *testing.T, kv store.KV) {
	a, b, ff := store.Sub(kv, "a/"), store.Sub(kv, "b/"), store.Sub(kv, "\xff")
	put(t, a, store.Sync, "0=0", "x=1", "y=2", "z=3")
	put(t, a, store.Sync, "z")
	put(t, b, store.Sync, "x=4")
	put(t, ff, store.Sync, "\xff=5")
	wantAll(t, a, "0=0 x=1 y=2")
	wantAll(t, b, "x=4")
	wantAll(t, ff, "\xff=5")
	wantAll(t, store.Sub(a, "y"), "=2")
	wantAll(t, kv, "a/0=0 a/x=1 a/y=2 b/x=4 \xff\xff=5")
	if got := collect(t, a.Descend([]byte("x"), []byte("y"))); got != "x=1" {
		t.Errorf("range in a part: %q", got)
	}
	if value, ok, err := b.Get([]byte("x")); err != nil || !ok || string(value) != "4" {
		t.Errorf("Get in a part: %q, %v, %v", value, ok, err)
	}
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	wantAll(t, b, "x=4")
}

func testReopen(t *testing.T, open Open) {
	for round := range 3 {
		kv, err := open()
		if err != nil {
			t.Fatal(err)
		}
		wantAll(t, kv, strings.Join([]string{"a=0", "b=1"}[:min(round, 2)], " "))
		put(t, kv, store.NoSync, []string{"a=0", "b=1", "c=2"}[round])
		if err := kv.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func testClosed(t *testing.T, kv store.KV) {
	late := kv.NewBatch()
	late.Put([]byte("a"), []byte("1"))
	for range 2 {
		if err := kv.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := kv.Get([]byte("a")); !errors.Is(err, store.ErrClosed) {
		t.Errorf("Get: %v, want ErrClosed", err)
	}
	if err := late.Commit(context.Background(), store.Sync); !errors.Is(err, store.ErrClosed) {
		t.Errorf("Commit: %v, want ErrClosed", err)
	}
	steps := 0
	for _, err := range kv.Ascend(nil, nil) {
		if steps++; !errors.Is(err, store.ErrClosed) {
			t.Errorf("Ascend: %v, want ErrClosed", err)
		}
	}
	if steps != 1 {
		t.Errorf("Ascend of a closed store took %d steps, want the error once", steps)
	}
}

// testModel runs random operations on the store and on a sorted map.
func testModel(t *rapid.T, open Open) {
	kv, err := open()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = kv.Close() }()
	model := map[string]string{}
	key := rapid.SliceOfN(rapid.SampledFrom([]byte{0, 1, 'a', 0xff}), 1, 3)
	t.Repeat(map[string]func(*rapid.T){
		"commit": func(t *rapid.T) {
			b := kv.NewBatch()
			for range rapid.IntRange(0, 6).Draw(t, "writes") {
				k := key.Draw(t, "key")
				if rapid.Bool().Draw(t, "delete") {
					b.Delete(k)
					delete(model, string(k))
				} else {
					v := rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "value")
					b.Put(k, v)
					model[string(k)] = string(v)
				}
			}
			if err := b.Commit(context.Background(), store.Durability(rapid.IntRange(0, 1).Draw(t, "durability"))); err != nil {
				t.Fatal(err)
			}
		},
		"reopen": func(t *rapid.T) {
			if err := kv.Close(); err != nil {
				t.Fatal(err)
			}
			if kv, err = open(); err != nil {
				t.Fatal(err)
			}
		},
		"": func(t *rapid.T) {
			lo, hi := key.Draw(t, "lo"), key.Draw(t, "hi")
			var want []string
			for _, k := range slices.Sorted(maps.Keys(model)) {
				if bytes.Compare(lo, []byte(k)) <= 0 && bytes.Compare([]byte(k), hi) < 0 {
					want = append(want, fmt.Sprintf("%x=%x", k, model[k]))
				}
			}
			check := func(entries iter.Seq2[store.Entry, error]) {
				var got []string
				for e, err := range entries {
					if err != nil {
						t.Fatal(err)
					}
					got = append(got, fmt.Sprintf("%x=%x", e.Key, e.Value))
				}
				if !slices.Equal(got, want) {
					t.Fatalf("range %x to %x is %v, want %v", lo, hi, got, want)
				}
			}
			check(kv.Ascend(lo, hi))
			slices.Reverse(want)
			check(kv.Descend(lo, hi))
		},
	})
}
