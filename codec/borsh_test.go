package codec_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/holiman/uint256"
	"github.com/near/borsh-go"
	"pgregory.net/rapid"

	"github.com/trinebridge/trine/codec"
)

// Bounds of everything's fields.
const (
	maxBytes  = 50
	maxText   = 40
	maxList   = 6
	maxHashes = 5
	maxInput  = 4096
)

// everything has a field of every primitive of the package.
type everything struct {
	U8     uint8
	Yes    bool
	U16    uint16
	U32    uint32
	U64    uint64
	Amount uint256.Int
	Hash   codec.Hash
	Fixed  [5]byte
	Bytes  []byte
	Text   string
	List   []inner
	Hashes []codec.Hash
	Option *inner
	Enum   choice
}

type inner struct {
	A uint16
	B []byte
}

// choice is one of first and second.
type choice interface{ codec.Record }

type first struct{ N uint64 }

type second struct{ Text string }

func (r *everything) Borsh(c *codec.Codec) {
	c.Uint8(&r.U8)
	c.Bool(&r.Yes)
	c.Uint16(&r.U16)
	c.Uint32(&r.U32)
	c.Uint64(&r.U64)
	c.Amount(&r.Amount)
	c.Hash(&r.Hash)
	c.Fixed(r.Fixed[:])
	c.Bytes(&r.Bytes, maxBytes)
	c.String(&r.Text, maxText)
	codec.List(c, &r.List, maxList)
	c.Hashes(&r.Hashes, maxHashes)
	codec.Option(c, &r.Option)
	codec.Variant(c, &r.Enum, tagOf, open)
}

func (r *inner) Borsh(c *codec.Codec) {
	c.Uint16(&r.A)
	c.Bytes(&r.B, maxBytes)
}

func (r *first) Borsh(c *codec.Codec) { c.Uint64(&r.N) }

func (r *second) Borsh(c *codec.Codec) { c.String(&r.Text, maxText) }

func tagOf(c choice) uint8 {
	if _, ok := c.(*second); ok {
		return 1
	}
	return 0
}

func open(tag uint8) (choice, bool) {
	switch tag {
	case 0:
		return &first{}, true
	case 1:
		return &second{}, true
	}
	return nil, false
}

// mirror is everything as borsh-go, the reference, describes it.
type mirror struct {
	U8     uint8
	Yes    bool
	U16    uint16
	U32    uint32
	U64    uint64
	Amount [4]uint64
	Hash   [32]byte
	Fixed  [5]byte
	Bytes  []byte
	Text   string
	List   []mirrorInner
	Hashes [][32]byte
	Option *mirrorInner
	Enum   mirrorChoice
}

type mirrorInner struct {
	A uint16
	B []byte
}

type mirrorChoice struct {
	Tag    borsh.Enum `borsh_enum:"true"`
	First  mirrorFirst
	Second mirrorSecond
}

type mirrorFirst struct{ N uint64 }

type mirrorSecond struct{ Text string }

func (r *everything) mirror() mirror {
	m := mirror{
		U8: r.U8, Yes: r.Yes, U16: r.U16, U32: r.U32, U64: r.U64, Amount: r.Amount, Hash: r.Hash, Fixed: r.Fixed, Bytes: r.Bytes, Text: r.Text,
	}
	for _, i := range r.List {
		m.List = append(m.List, mirrorInner(i))
	}
	for _, h := range r.Hashes {
		m.Hashes = append(m.Hashes, h)
	}
	if r.Option != nil {
		o := mirrorInner(*r.Option)
		m.Option = &o
	}
	switch e := r.Enum.(type) {
	case *first:
		m.Enum = mirrorChoice{Tag: 0, First: mirrorFirst(*e)}
	case *second:
		m.Enum = mirrorChoice{Tag: 1, Second: mirrorSecond(*e)}
	}
	return m
}

func reference(t testing.TB, r *everything) []byte {
	t.Helper()
	want, err := borsh.Serialize(r.mirror())
	if err != nil {
		t.Fatal(err)
	}
	return want
}

// drawBytes draws nil for no bytes, which is what they decode to.
func drawBytes(t *rapid.T, most int, label string) []byte {
	b := rapid.SliceOfN(rapid.Byte(), 0, most).Draw(t, label)
	if len(b) == 0 {
		return nil
	}
	return b
}

func drawInner(t *rapid.T) inner {
	return inner{rapid.Uint16().Draw(t, "a"), drawBytes(t, maxBytes, "b")}
}

func drawHash(t *rapid.T) (h codec.Hash) {
	copy(h[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "hash"))
	return h
}

func draw(t *rapid.T) *everything {
	r := &everything{
		U8:   rapid.Uint8().Draw(t, "u8"),
		Yes:  rapid.Bool().Draw(t, "bool"),
		U16:  rapid.Uint16().Draw(t, "u16"),
		U32:  rapid.Uint32().Draw(t, "u32"),
		U64:  rapid.Uint64().Draw(t, "u64"),
		Hash: drawHash(t),
		Text: rapid.StringN(0, 10, maxText).Draw(t, "text"),
	}
	for i := range r.Amount {
		r.Amount[i] = rapid.Uint64().Draw(t, "amount")
	}
	copy(r.Fixed[:], rapid.SliceOfN(rapid.Byte(), 5, 5).Draw(t, "fixed"))
	r.Bytes = drawBytes(t, maxBytes, "bytes")
	for range rapid.IntRange(0, maxList).Draw(t, "list") {
		r.List = append(r.List, drawInner(t))
	}
	for range rapid.IntRange(0, maxHashes).Draw(t, "hashes") {
		r.Hashes = append(r.Hashes, drawHash(t))
	}
	if rapid.Bool().Draw(t, "option") {
		o := drawInner(t)
		r.Option = &o
	}
	if rapid.Bool().Draw(t, "variant") {
		r.Enum = &first{rapid.Uint64().Draw(t, "n")}
	} else {
		r.Enum = &second{rapid.StringN(0, 10, maxText).Draw(t, "text")}
	}
	return r
}

func TestAgreesWithBorshGo(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r := draw(rt)
		got := codec.Marshal(r)
		if want := reference(t, r); !bytes.Equal(got, want) {
			rt.Fatalf("%+v:\n%x, borsh-go:\n%x", r, got, want)
		}
		prefix := []byte("before")
		if appended := codec.Append(bytes.Clone(prefix), r); !bytes.Equal(appended, append(prefix, got...)) {
			rt.Fatal("Append is not what was there and Marshal")
		}
		var back everything
		if err := codec.Unmarshal(got, &back, len(got)); err != nil {
			rt.Fatal(err)
		}
		if !reflect.DeepEqual(&back, r) {
			rt.Fatalf("read back %+v, want %+v", back, r)
		}
		// What was decoded is a copy.
		for i := range got {
			got[i] ^= 0xff
		}
		if !reflect.DeepEqual(&back, r) {
			rt.Fatal("the value shares memory with the input")
		}
	})
}

// encodings spells out each primitive once, by hand, after https://borsh.io.
func TestEncodings(t *testing.T) {
	amount := uint256.MustFromHex("0x102030405060708090a0b0c0d0e0f1011121314151617181910111213141516")
	for name, c := range map[string]struct {
		encode func(*codec.Codec)
		want   string
	}{
		"u8":             {func(c *codec.Codec) { v := uint8(0xab); c.Uint8(&v) }, "ab"},
		"true":           {func(c *codec.Codec) { v := true; c.Bool(&v) }, "01"},
		"false":          {func(c *codec.Codec) { v := false; c.Bool(&v) }, "00"},
		"u16":            {func(c *codec.Codec) { v := uint16(0x0102); c.Uint16(&v) }, "0201"},
		"u32":            {func(c *codec.Codec) { v := uint32(0x01020304); c.Uint32(&v) }, "04030201"},
		"u64":            {func(c *codec.Codec) { v := uint64(0x0102030405060708); c.Uint64(&v) }, "0807060504030201"},
		"u256":           {func(c *codec.Codec) { c.Amount(amount) }, "16151413121110191817161514131211" + "100f0e0d0c0b0a090807060504030201"},
		"bytes":          {func(c *codec.Codec) { v := []byte{1, 2, 3}; c.Bytes(&v, 9) }, "03000000010203"},
		"no bytes":       {func(c *codec.Codec) { var v []byte; c.Bytes(&v, 9) }, "00000000"},
		"text":           {func(c *codec.Codec) { v := "é"; c.String(&v, 9) }, "02000000c3a9"},
		"fixed":          {func(c *codec.Codec) { c.Fixed([]byte{7, 8}) }, "0708"},
		"list":           {func(c *codec.Codec) { v := []inner{{1, nil}, {2, []byte{9}}}; codec.List(c, &v, 9) }, "02000000" + "010000000000" + "02000100000009"},
		"hashes":         {func(c *codec.Codec) { v := []codec.Hash{{1}}; c.Hashes(&v, 9) }, "01000000" + "01" + strings.Repeat("00", 31)},
		"absent":         {func(c *codec.Codec) { var v *inner; codec.Option(c, &v) }, "00"},
		"present":        {func(c *codec.Codec) { v := &inner{A: 1}; codec.Option(c, &v) }, "01010000000000"},
		"second variant": {func(c *codec.Codec) { var v choice = &second{"x"}; codec.Variant(c, &v, tagOf, open) }, "010100000078"},
	} {
		if got := hex.EncodeToString(codec.Marshal(record(c.encode))); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// record is a Borsh method without a type.
type record func(*codec.Codec)

func (r record) Borsh(c *codec.Codec) { r(c) }

// Every input but the one is refused, with an error that says where and why.
func TestRefusals(t *testing.T) {
	unmarshal := func(input string, decode func(*codec.Codec)) error {
		b, err := hex.DecodeString(input)
		if err != nil {
			t.Fatal(err)
		}
		return codec.Unmarshal(b, record(decode), 100)
	}
	var (
		flag   bool
		n      uint64
		data   []byte
		text   string
		list   []inner
		hashes []codec.Hash
		option *inner
		enum   choice
		fixed  [3]byte
	)
	readBool := func(c *codec.Codec) { c.Bool(&flag) }
	readBytes := func(c *codec.Codec) { c.Bytes(&data, 4) }
	readText := func(c *codec.Codec) { c.String(&text, 4) }
	readList := func(c *codec.Codec) { codec.List(c, &list, 4) }
	readHashes := func(c *codec.Codec) { c.Hashes(&hashes, 4) }
	for _, c := range []struct {
		name, input string
		decode      func(*codec.Codec)
		want        error
		says        string
	}{
		{"bool 2", "02", readBool, codec.ErrMalformed, "bool is 2"},
		{"bool 255", "ff", readBool, codec.ErrMalformed, "bool is 255"},
		{"no bool", "", readBool, codec.ErrTruncated, "at byte 0 of 0"},
		{"trailing byte", "0100", readBool, codec.ErrTrailing, "at byte 1 of 2"},
		{"half a number", "01020304", func(c *codec.Codec) { c.Uint64(&n) }, codec.ErrTruncated, "8 bytes wanted, 4 left"},
		{"short fixed", "0102", func(c *codec.Codec) { c.Fixed(fixed[:]) }, codec.ErrTruncated, "3 bytes wanted, 2 left"},
		{"half a prefix", "0100", readBytes, codec.ErrTruncated, "4 bytes wanted, 2 left"},
		{"bytes above their bound", "050000000102030405", readBytes, codec.ErrMalformed, "5 elements, at most 4"},
		{"fewer bytes than the prefix says", "04000000010203", readBytes, codec.ErrTruncated, "4 elements of at least 1 bytes, 3 bytes left"},
		{"huge prefix", "ffffffff", readBytes, codec.ErrMalformed, "4294967295 elements, at most 4"},
		{"text above its bound", "050000006162636465", readText, codec.ErrMalformed, "at most 4"},
		{"short text", "0400000061", readText, codec.ErrTruncated, "1 bytes left"},
		{"list above its bound", "05000000", readList, codec.ErrMalformed, "5 elements"},
		{"list shorter than its prefix", "04000000" + "010000000000", readList, codec.ErrTruncated, ""},
		{"element cut off", "01000000" + "0100020000", readList, codec.ErrTruncated, ""},
		{"hashes above their bound", "05000000", readHashes, codec.ErrMalformed, "5 elements"},
		{"half a hash", "01000000" + strings.Repeat("00", 31), readHashes, codec.ErrTruncated, "at least 32 bytes, 31 bytes left"},
		{"option 2", "02", func(c *codec.Codec) { codec.Option(c, &option) }, codec.ErrMalformed, "bool is 2"},
		{"present and cut off", "0101", func(c *codec.Codec) { codec.Option(c, &option) }, codec.ErrTruncated, ""},
		{"unknown variant", "02", func(c *codec.Codec) { codec.Variant(c, &enum, tagOf, open) }, codec.ErrMalformed, "unknown tag 2"},
		{"the record's own rule", "07", func(c *codec.Codec) { var v uint8; c.Uint8(&v); c.Fail("seven is %s", "odd") }, codec.ErrMalformed, "seven is odd"},
		{"above the cap", strings.Repeat("00", 101), readBool, codec.ErrTooLarge, "101 bytes, at most 100"},
	} {
		err := unmarshal(c.input, c.decode)
		if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %v that says %q", c.name, err, c.want, c.says)
		}
	}
}

// Every prefix of a good encoding is truncated, and nothing after the first error is read.
func TestEveryTruncation(t *testing.T) {
	r := everything{Bytes: []byte("bytes"), Text: "text", List: []inner{{1, []byte("b")}}, Hashes: []codec.Hash{{1}}, Option: &inner{}, Enum: &second{"s"}}
	whole := codec.Marshal(&r)
	for n := range len(whole) {
		var back everything
		err := codec.Unmarshal(whole[:n], &back, maxInput)
		if !errors.Is(err, codec.ErrTruncated) {
			t.Errorf("%d of %d bytes: %v, want ErrTruncated", n, len(whole), err)
		}
	}
	var back everything
	if err := codec.Unmarshal(append(whole, 0), &back, maxInput); !errors.Is(err, codec.ErrTrailing) {
		t.Errorf("one byte more: %v, want ErrTrailing", err)
	}
}

func TestFailAndErr(t *testing.T) {
	// While encoding, values are the caller's own.
	codec.Marshal(record(func(c *codec.Codec) {
		c.Fail("never")
		if c.Err() != nil || c.Decoding() {
			t.Errorf("encoding: %v, decoding %v", c.Err(), c.Decoding())
		}
	}))
	err := codec.Unmarshal(nil, record(func(c *codec.Codec) {
		c.Fail("one")
		c.Fail("two")
		var n uint64
		c.Uint64(&n)
		if c.Err() == nil || !c.Decoding() {
			t.Errorf("decoding: %v, decoding %v", c.Err(), c.Decoding())
		}
	}), 0)
	if err == nil || !strings.Contains(err.Error(), "one") || strings.Contains(err.Error(), "two") {
		t.Errorf("%v, want the first error alone", err)
	}
}

// A length prefix costs no memory that the input does not pay for.
func TestPrefixesAllocateNothing(t *testing.T) {
	const lots = 1 << 31
	for name, decode := range map[string]func(*codec.Codec){
		"bytes":  func(c *codec.Codec) { var v []byte; c.Bytes(&v, lots) },
		"text":   func(c *codec.Codec) { var v string; c.String(&v, lots) },
		"list":   func(c *codec.Codec) { var v []inner; codec.List(c, &v, lots) },
		"hashes": func(c *codec.Codec) { var v []codec.Hash; c.Hashes(&v, lots) },
	} {
		input := binary.LittleEndian.AppendUint32(nil, 1<<30)
		input = append(input, make([]byte, 1000)...)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := codec.Unmarshal(input, record(decode), maxInput)
		runtime.ReadMemStats(&after)
		if !errors.Is(err, codec.ErrTruncated) {
			t.Errorf("%s: %v, want ErrTruncated", name, err)
		}
		if spent := after.TotalAlloc - before.TotalAlloc; spent > 1<<20 {
			t.Errorf("%s: %d bytes were allocated for %d bytes of input", name, spent, len(input))
		}
	}
}

// Whatever is accepted is the one encoding of a value, the same for borsh-go.
func FuzzUnmarshal(f *testing.F) {
	f.Add(codec.Marshal(&everything{Enum: &first{7}}))
	f.Add(codec.Marshal(&everything{
		U8: 1, Yes: true, Bytes: []byte("bytes"), Text: "text", List: []inner{{1, []byte("b")}, {}},
		Hashes: []codec.Hash{{1}, {2}}, Option: &inner{3, []byte("o")}, Enum: &second{"s"},
	}))
	f.Fuzz(func(t *testing.T, input []byte) {
		var r everything
		if err := codec.Unmarshal(input, &r, maxInput); err != nil {
			if !errors.Is(err, codec.ErrMalformed) && !errors.Is(err, codec.ErrTruncated) && !errors.Is(err, codec.ErrTrailing) && !errors.Is(err, codec.ErrTooLarge) {
				t.Errorf("error of no kind: %v", err)
			}
			return
		}
		if again := codec.Marshal(&r); !bytes.Equal(again, input) {
			t.Errorf("%x decodes to what encodes to %x", input, again)
		}
		if again := reference(t, &r); !bytes.Equal(again, input) {
			t.Errorf("%x is %x to borsh-go", input, again)
		}
	})
}
