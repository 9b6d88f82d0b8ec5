package quorum

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/chain/chaintest"
	"github.com/trinebridge/trine/codec"
)

func TestDisagreementShowsWhatDiffersInFull(t *testing.T) {
	c, endpoints, q := three(t)
	head, err := q.Head(t.Context(), final)
	if err != nil {
		t.Fatal(err)
	}
	endpoints[0].Spoil(chaintest.Lie)
	endpoints[2].Spoil(chaintest.Throttled)
	truth := c.Counters()
	_, err = q.Counters(t.Context(), head)
	if err == nil {
		t.Fatal("one true and one false answer make a quorum")
	}
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != 4 || !strings.HasSuffix(lines[0], "2 of 3 must agree") ||
		!strings.HasPrefix(lines[1], "  a: ") || !strings.HasPrefix(lines[2], "  b: ") || !strings.HasPrefix(lines[3], "  c: ") {
		t.Fatalf("the error is %q, want a line for each endpoint", err)
	}
	if !strings.Contains(lines[2], truth.Head.String()) || strings.Contains(lines[1], truth.Head.String()) {
		t.Fatalf("the error is %q, want the whole head %s from b alone", err, truth.Head)
	}
	if strings.Contains(lines[2], "epoch") {
		t.Fatalf("the error is %q, the epochs are equal and say nothing", err)
	}
	_, err = q.Events(t.Context(), 1, 5, head)
	if err == nil || strings.Count(err.Error(), "event ") == 0 || !strings.Contains(err.Error(), "by transaction") {
		t.Fatalf("the error is %v, want the events that differ", err)
	}
}

func TestDifferences(t *testing.T) {
	for name, c := range map[string]struct{ values, want [][]string }{
		"one differs":           {[][]string{{"a", "b"}, {"a", "c"}}, [][]string{{"b"}, {"c"}}},
		"one is shorter":        {[][]string{{"a"}, {"a", "c"}}, [][]string{{"no more"}, {"c"}}},
		"all equal":             {[][]string{{"a", "b"}, {"a", "b"}}, [][]string{{"a, b"}, {"a, b"}}},
		"one alone":             {[][]string{{"a", "b"}}, [][]string{{"a, b"}}},
		"empty":                 {[][]string{nil}, [][]string{{"nothing"}}},
		"empty and not":         {[][]string{nil, {"a"}}, [][]string{{"no more"}, {"a"}}},
		"more than can be read": {[][]string{{"1", "2", "3", "4", "5", "6"}, nil}, [][]string{{"1, 2, 3, 4, and 2 more"}, {"no more, no more, no more, no more, and 2 more"}}},
		"none":                  {nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			if got, want := differences(c.values), slices.Concat(c.want...); !slices.Equal(got, want) {
				t.Fatalf("%q, want %q", got, want)
			}
		})
	}
}

// Two values that are not equal must not read the same: then an error would show no difference.
func TestDescriptionsHoldEveryField(t *testing.T) {
	everyField(t, chain.Block{}, describeBlock)
	everyField(t, chain.Counters{}, describeCounters)
	everyField(t, chain.Snapshot{Tokens: make([]chain.TokenState, 1)}, describeSnapshot)
	deposit := func() bridgecontracts.Event {
		return bridgecontracts.Event{ID: 1, Body: &bridgecontracts.Deposited{Token: codec.Hash{31: 1}, Wallet: codec.Hash{31: 2}}}
	}
	everyField(t, []chain.LocatedEvent{{Event: deposit()}}, describeEvents)
}

func everyField[T any](t *testing.T, v T, describe func(T) []string) {
	t.Helper()
	before := describe(v)
	changed := 0
	walk(reflect.ValueOf(&v).Elem(), func(name string) {
		changed++
		if slices.Equal(describe(v), before) {
			t.Errorf("%T: a changed %s does not show in %q", v, name, before)
		}
	})
	if changed == 0 {
		t.Fatalf("%T: nothing was changed", v)
	}
}

// walk changes each number, byte and text within v, one at a time, and calls then.
func walk(v reflect.Value, then func(name string)) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			walk(v.Field(i), func(name string) { then(v.Type().Field(i).Name + " " + name) })
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			walk(v.Index(i), then)
		}
	case reflect.Interface, reflect.Pointer:
		if !v.IsNil() {
			walk(v.Elem(), then)
		}
	case reflect.Uint8, reflect.Uint64:
		v.SetUint(v.Uint() + 1)
		then("")
		v.SetUint(v.Uint() - 1)
	case reflect.String:
		old := v.String()
		v.SetString(old + "x")
		then("")
		v.SetString(old)
	default:
		panic("walk: a field of kind " + v.Kind().String())
	}
}
