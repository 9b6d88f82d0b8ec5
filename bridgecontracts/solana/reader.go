package solana

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/trinebridge/trine/codec"
)

// reader takes fields from the front of an account's or a record's data and remembers the first fault. Integers are
// little-endian.
type reader struct {
	data []byte
	at   int
	err  error
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format, args...)
	}
}

// take returns the next n bytes, zeros once something failed.
func (r *reader) take(n int) []byte {
	if r.err == nil && len(r.data)-r.at < n {
		r.fail("%d bytes where %d are needed", len(r.data)-r.at, n)
	}
	if r.err != nil {
		return make([]byte, n)
	}
	r.at += n
	return r.data[r.at-n : r.at]
}

func (r *reader) byte() uint8      { return r.take(1)[0] }
func (r *reader) uint16() uint16   { return binary.LittleEndian.Uint16(r.take(2)) }
func (r *reader) uint32() uint32   { return binary.LittleEndian.Uint32(r.take(4)) }
func (r *reader) uint64() uint64   { return binary.LittleEndian.Uint64(r.take(8)) }
func (r *reader) word() codec.Hash { return codec.Hash(r.take(32)) }
func (r *reader) key() Key         { return Key(r.take(32)) }

// head reads the upper 24 bytes of a word whose others are zero.
func (r *reader) head() (h codec.Hash) {
	copy(h[:], r.take(24))
	return h
}

func (r *reader) magic(want string) {
	if got := r.take(len(want)); r.err == nil && string(got) != want {
		r.fail("it begins with %q, not with %q", got, want)
	}
}

// zeros reads n bytes that must be zero.
func (r *reader) zeros(n int) {
	if got := r.take(n); r.err == nil && len(bytes.TrimLeft(got, "\x00")) > 0 {
		r.fail("%x at offset %d, where zeros should be", got, r.at-n)
	}
}

// end checks that nothing is left.
func (r *reader) end() error {
	if r.err == nil && r.at != len(r.data) {
		r.fail("%d bytes too many", len(r.data)-r.at)
	}
	return r.err
}
