package codec

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/holiman/uint256"
)

// Errors that decoding returns, wrapped with the offset and the field's bound.
var (
	// ErrTooLarge is input above the caller's cap; nothing of it was read.
	ErrTooLarge = errors.New("input too large")
	// ErrTruncated is input that ends inside a field.
	ErrTruncated = errors.New("input ends early")
	// ErrTrailing is input that goes on after the last field.
	ErrTrailing = errors.New("bytes after the last field")
	// ErrMalformed is input that no value encodes to, or that breaks a field's bound.
	ErrMalformed = errors.New("malformed input")
)

// Record is a value with a Borsh encoding. Its Borsh method hands every field, in
// order, to the Codec, which writes it or fills it in:
//
//	func (t *Transfer) Borsh(c *codec.Codec) {
//		c.Hash(&t.Token)
//		c.Hash(&t.To)
//		c.Amount(&t.Amount)
//	}
//
// The method must not look at values to decide which fields there are, other than a
// tag that it has just handed over.
type Record interface {
	Borsh(c *Codec)
}

// Codec walks a record in one of two directions. After the first error every call
// does nothing, so that Borsh methods need no error handling.
type Codec struct {
	buf      []byte // the output so far, or the input not yet read
	size     int    // length of the whole input
	decoding bool
	err      error
}

// Marshal returns the encoding of r.
func Marshal(r Record) []byte { return Append(nil, r) }

// Append appends the encoding of r to dst.
func Append(dst []byte, r Record) []byte {
	c := Codec{buf: dst}
	r.Borsh(&c)
	return c.buf
}

// Unmarshal decodes data, all of it, into r. Input above limit bytes is refused unread.
// On an error r may be filled in part and must not be used.
func Unmarshal(data []byte, r Record, limit int) error {
	if len(data) > limit {
		return fmt.Errorf("codec: %w: %d bytes, at most %d", ErrTooLarge, len(data), limit)
	}
	c := Codec{buf: data, size: len(data), decoding: true}
	r.Borsh(&c)
	if c.err == nil && len(c.buf) > 0 {
		c.fail(fmt.Errorf("%w: %d", ErrTrailing, len(c.buf)))
	}
	return c.err
}

// Decoding reports the direction, for records that must check or build something
// only when they are read.
func (c *Codec) Decoding() bool { return c.decoding }

// Err returns the first error so far.
func (c *Codec) Err() error { return c.err }

// Fail records that the value just read is not acceptable. It does nothing while
// encoding, where values are the caller's own.
func (c *Codec) Fail(format string, args ...any) {
	if c.decoding && c.err == nil {
		c.fail(fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, args...)))
	}
}

func (c *Codec) fail(err error) {
	c.err = fmt.Errorf("codec: at byte %d of %d: %w", c.size-len(c.buf), c.size, err)
}

// take returns the next n input bytes, or nil after an error.
func (c *Codec) take(n int) []byte {
	if c.err != nil {
		return nil
	}
	if n > len(c.buf) {
		c.fail(fmt.Errorf("%w: %d bytes wanted, %d left", ErrTruncated, n, len(c.buf)))
		return nil
	}
	b := c.buf[:n:n]
	c.buf = c.buf[n:]
	return b
}

// Uint8 is one byte.
func (c *Codec) Uint8(v *uint8) {
	if !c.decoding {
		c.buf = append(c.buf, *v)
	} else if b := c.take(1); b != nil {
		*v = b[0]
	}
}

// Bool is one byte, 0 or 1.
func (c *Codec) Bool(v *bool) {
	var b uint8
	if *v {
		b = 1
	}
	c.Uint8(&b)
	if c.decoding {
		if b > 1 {
			c.Fail("bool is %d, want 0 or 1", b)
		}
		*v = b == 1
	}
}

// Uint16 is two bytes, little-endian.
func (c *Codec) Uint16(v *uint16) {
	if !c.decoding {
		c.buf = binary.LittleEndian.AppendUint16(c.buf, *v)
	} else if b := c.take(2); b != nil {
		*v = binary.LittleEndian.Uint16(b)
	}
}

// Uint32 is four bytes, little-endian.
func (c *Codec) Uint32(v *uint32) {
	if !c.decoding {
		c.buf = binary.LittleEndian.AppendUint32(c.buf, *v)
	} else if b := c.take(4); b != nil {
		*v = binary.LittleEndian.Uint32(b)
	}
}

// Uint64 is eight bytes, little-endian.
func (c *Codec) Uint64(v *uint64) {
	if !c.decoding {
		c.buf = binary.LittleEndian.AppendUint64(c.buf, *v)
	} else if b := c.take(8); b != nil {
		*v = binary.LittleEndian.Uint64(b)
	}
}

// Amount is an unsigned 256-bit integer: 32 bytes, little-endian.
func (c *Codec) Amount(v *uint256.Int) {
	for i := range v {
		c.Uint64(&v[i])
	}
}

// Hash is 32 bytes as they are.
func (c *Codec) Hash(v *Hash) { c.Fixed(v[:]) }

// Fixed is a byte array of known length, without a prefix.
func (c *Codec) Fixed(v []byte) {
	if !c.decoding {
		c.buf = append(c.buf, v...)
	} else if b := c.take(len(v)); b != nil {
		copy(v, b)
	}
}

// Bytes is a length prefix and at most limit bytes. What is decoded is a copy; an
// empty slice decodes as nil.
func (c *Codec) Bytes(v *[]byte, limit int) {
	n := c.length(len(*v), 1, limit)
	if !c.decoding {
		c.buf = append(c.buf, *v...)
		return
	}
	*v = nil
	if b := c.take(n); len(b) > 0 {
		*v = append([]byte(nil), b...)
	}
}

// String is a length prefix and at most limit bytes of text.
func (c *Codec) String(v *string, limit int) {
	n := c.length(len(*v), 1, limit)
	if !c.decoding {
		c.buf = append(c.buf, *v...)
		return
	}
	*v = string(c.take(n))
}

// length passes a list's length prefix; elements take at least minSize bytes each.
// It returns 0 after an error.
func (c *Codec) length(n, minSize, limit int) int {
	prefix := uint32(n) // a list of 2^32 elements does not fit into memory
	c.Uint32(&prefix)
	switch n := uint64(prefix); {
	case c.err != nil:
		return 0
	case !c.decoding:
	case n > uint64(limit):
		c.fail(fmt.Errorf("%w: %d elements, at most %d", ErrMalformed, n, limit))
		return 0
	case n*uint64(minSize) > uint64(len(c.buf)):
		c.fail(fmt.Errorf("%w: %d elements of at least %d bytes, %d bytes left", ErrTruncated, n, minSize, len(c.buf)))
		return 0
	}
	return int(prefix)
}

// List is a length prefix and at most limit records. An empty list decodes as nil.
func List[T any, P interface {
	*T
	Record
}](c *Codec, v *[]T, limit int) {
	// A record takes at least one byte; growing the list as it is read keeps the
	// allocation within a small multiple of the input whatever the prefix says.
	n := c.length(len(*v), 1, limit)
	if !c.decoding {
		for i := range *v {
			P(&(*v)[i]).Borsh(c)
		}
		return
	}
	*v = nil
	for range n {
		var e T
		P(&e).Borsh(c)
		if c.err != nil {
			return
		}
		*v = append(*v, e)
	}
}

// Option is a byte 0, or a byte 1 and the record. Absent decodes as nil.
func Option[T any, P interface {
	*T
	Record
}](c *Codec, v **T) {
	present := *v != nil
	c.Bool(&present)
	if !c.decoding {
		if present {
			P(*v).Borsh(c)
		}
		return
	}
	*v = nil
	if present && c.err == nil {
		*v = new(T)
		P(*v).Borsh(c)
	}
}

// Hashes is a length prefix and at most limit hashes. An empty list decodes as nil.
func (c *Codec) Hashes(v *[]Hash, limit int) {
	n := c.length(len(*v), len(Hash{}), limit)
	if c.decoding {
		*v = nil
		if n > 0 {
			*v = make([]Hash, n)
		}
	}
	for i := range *v {
		c.Hash(&(*v)[i])
	}
}
