package store_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"

	"pgregory.net/rapid"

	"github.com/trinebridge/trine/store"
)

// Corruption is found by its mark, through any wrapping, and hides nothing of its cause.
func TestCorruption(t *testing.T) {
	cause := fmt.Errorf("block 7: %w", io.ErrUnexpectedEOF)
	for name, err := range map[string]error{
		"marked":         store.MarkCorrupt(cause),
		"marked twice":   store.MarkCorrupt(store.MarkCorrupt(cause)),
		"formatted":      store.Corruptf("block 7: %w", io.ErrUnexpectedEOF),
		"wrapped":        fmt.Errorf("open: %w", store.MarkCorrupt(cause)),
		"joined":         errors.Join(errors.New("other"), store.MarkCorrupt(cause)),
		"marked outside": store.MarkCorrupt(errors.Join(errors.New("other"), cause)),
	} {
		if !store.IsCorruption(err) || !errors.Is(err, io.ErrUnexpectedEOF) || !bytes.Contains([]byte(err.Error()), []byte("block 7")) {
			t.Errorf("%s: %v is corruption: %v", name, err, store.IsCorruption(err))
		}
	}
	if store.IsCorruption(cause) || store.IsCorruption(nil) || store.MarkCorrupt(nil) != nil {
		t.Error("what is not marked is corruption")
	}
}

// After is the least key above every key with the prefix.
func TestAfter(t *testing.T) {
	key := rapid.SliceOfN(rapid.SampledFrom([]byte{0, 1, 0xfe, 0xff}), 0, 5)
	rapid.Check(t, func(rt *rapid.T) {
		prefix, other := key.Draw(rt, "prefix"), key.Draw(rt, "other")
		end := store.After(prefix)
		within := bytes.Compare(prefix, other) <= 0 && (end == nil || bytes.Compare(other, end) < 0)
		if within != bytes.HasPrefix(other, prefix) {
			rt.Fatalf("After(%x) = %x; %x is within: %v", prefix, end, other, within)
		}
	})
}

func TestDurabilityNames(t *testing.T) {
	if store.Sync.String() != "sync" || store.NoSync.String() != "no sync" || store.Durability(0) != store.Sync {
		t.Error("durabilities are misnamed, or the zero value is not the safe one")
	}
}
