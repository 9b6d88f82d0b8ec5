package codec_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/crypto"
	"github.com/holiman/uint256"
	"pgregory.net/rapid"

	"github.com/trinebridge/trine/codec"
)

func TestKeccak(t *testing.T) {
	for input, want := range map[string]string{ // Ethereum's, not NIST's SHA-3
		"":    "0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470",
		"abc": "0x4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45",
	} {
		if got := codec.Keccak([]byte(input)).String(); got != want {
			t.Errorf("Keccak(%q) = %s, want %s", input, got, want)
		}
	}
	if codec.Keccak([]byte("a"), nil, []byte("bc")) != codec.Keccak([]byte("abc")) {
		t.Error("parts are not concatenated")
	}
	if codec.HashWords() != codec.Keccak() {
		t.Error("no words are not no bytes")
	}
}

func TestHashWords(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var words []codec.Hash
		var all []byte
		for range rapid.IntRange(0, 40).Draw(rt, "words") {
			w := drawHash(rt)
			words, all = append(words, w), append(all, w[:]...)
		}
		if got := codec.HashWords(words...); got != codec.Hash(crypto.Keccak256Hash(all)) {
			rt.Fatalf("HashWords of %d words is %s", len(words), got)
		}
	})
}

func TestWords(t *testing.T) {
	zeros := strings.Repeat("00", 24)
	if got, want := codec.Uint64Word(0x0102030405060708).String(), "0x"+zeros+"0102030405060708"; got != want {
		t.Errorf("Uint64Word is %s, want %s", got, want)
	}
	most := new(uint256.Int).SetAllOne()
	if got, want := codec.AmountWord(most).String(), "0x"+strings.Repeat("ff", 32); got != want {
		t.Errorf("AmountWord is %s, want %s", got, want)
	}
	if codec.AmountWord(uint256.NewInt(77)) != codec.Uint64Word(77) {
		t.Error("the same number is two words")
	}
	if codec.LeftPad([]byte{1, 2}) != codec.Uint64Word(0x0102) || codec.LeftPad(nil) != (codec.Hash{}) {
		t.Error("LeftPad does not align right")
	}
	full := bytes.Repeat([]byte{9}, 32)
	if codec.LeftPad(full) != codec.Hash(full) {
		t.Error("LeftPad of a word is not the word")
	}
	defer func() {
		if recover() == nil {
			t.Error("LeftPad took 33 bytes")
		}
	}()
	codec.LeftPad(make([]byte, 33))
}

func TestHashText(t *testing.T) {
	h := codec.Keccak([]byte("abc"))
	if h.IsZero() || !(codec.Hash{}).IsZero() || h.Short() != "4e03657a" {
		t.Errorf("IsZero %v, Short %q", h.IsZero(), h.Short())
	}
	for _, good := range []string{h.String(), "0x" + strings.ToUpper(h.String()[2:])} {
		if got, err := codec.ParseHash(good); err != nil || got != h {
			t.Errorf("ParseHash(%s) = %s, %v", good, got, err)
		}
	}
	for bad, why := range map[string]string{
		"":                                  "does not start with 0x",
		h.String()[2:]:                      "does not start with 0x",
		"0X" + h.String()[2:]:               "does not start with 0x",
		h.String()[:64]:                     "has 62 hex digits, want 64",
		h.String() + "00":                   "has 66 hex digits, want 64",
		"0x" + h.String()[3:] + "g":         "not hexadecimal",
		"0x" + strings.Repeat("a", 100_000): "has 100000 hex digits",
	} {
		_, err := codec.ParseHash(bad)
		if err == nil || !strings.Contains(err.Error(), why) || len(err.Error()) > 300 {
			t.Errorf("ParseHash(%.70q): %v, want %q", bad, err, why)
		}
	}
}

func TestHashOrder(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		a, b := drawHash(rt), drawHash(rt)
		if a.Compare(b) != slices.Compare(a[:], b[:]) || a.Compare(a) != 0 {
			rt.Fatalf("Compare(%s, %s) = %d", a, b, a.Compare(b))
		}
	})
}

func FuzzParseHash(f *testing.F) {
	f.Add("0x" + strings.Repeat("0f", 32))
	f.Add("0x")
	f.Fuzz(func(t *testing.T, text string) {
		h, err := codec.ParseHash(text)
		if err == nil && h.String() != strings.ToLower(text) {
			t.Errorf("%q was read as %s", text, h)
		}
	})
}
