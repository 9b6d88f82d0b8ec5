package merkle

import (
	"math/bits"
	"sync"

	"github.com/trinebridge/trine/codec"
)

const (
	rlpString = 0x80 // first byte of a short string, less its length
	rlpList   = 0xc0 // first byte of a short list, less its length
	rlpShort  = 55   // longest short string or list
	// keptBuffer bounds what a pooled encoder keeps after a large value went through it.
	keptBuffer = 1 << 16
)

// encoder turns nodes into bytes and hashes, with buffers that are used again.
type encoder struct {
	sponge sponge
	node   []byte // encoding of the node at hand
	outer  []byte // encoding of the extension in front of it
	sum    codec.Hash
}

var encoders = sync.Pool{New: func() any {
	return &encoder{sponge: newSponge(), node: make([]byte, 0, 576)}
}}

func (e *encoder) release() {
	if cap(e.node) <= keptBuffer {
		encoders.Put(e)
	}
}

func (e *encoder) keccak(data []byte) codec.Hash {
	e.sponge.Reset()
	e.sponge.Write(data) // a sponge never fails, neither here nor below
	_, _ = e.sponge.Read(e.sum[:])
	return e.sum
}

// reference returns how a parent refers to a node of this encoding.
func (e *encoder) reference(encoding []byte, buf *[hashSize]byte) []byte {
	if len(encoding) < hashSize {
		return buf[:copy(buf[:], encoding)]
	}
	*buf = e.keccak(encoding)
	return buf[:]
}

// encode returns the encoding of a node whose children are hashed, and that of the
// extension in front of it if there is one. Both are valid until the next call.
func (e *encoder) encode(c content, depth int) (inner, outer []byte) {
	if c.kids == nil {
		e.node = appendLeaf(e.node[:0], c.data, depth)
		return e.node, nil
	}
	e.node = appendBranch(e.node[:0], c.kids)
	if len(c.data) == 0 {
		return e.node, nil
	}
	var buf [hashSize]byte
	e.outer = appendExtension(e.outer[:0], c.data, e.reference(e.node, &buf))
	return e.node, e.outer
}

// appendLeaf encodes [hex-prefix(rest of the path), value].
func appendLeaf(dst, data []byte, depth int) []byte {
	rest, value := data[(depth+1)/2:hashSize], data[hashSize:]
	first := byte(0x20)
	if depth&1 == 1 {
		first = 0x30 | nibble(data, depth)
	}
	dst = appendListHeader(dst, pathSize(len(rest))+stringSize(value))
	dst = appendPathHeader(dst, len(rest))
	dst = append(dst, first)
	dst = append(dst, rest...)
	return appendString(dst, value)
}

// appendExtension encodes [hex-prefix(prefix), reference].
func appendExtension(dst, prefix, reference []byte) []byte {
	odd := len(prefix) & 1
	dst = appendListHeader(dst, pathSize(len(prefix)/2)+referenceSize(reference))
	dst = appendPathHeader(dst, len(prefix)/2)
	if odd == 1 {
		dst = append(dst, 0x10|prefix[0])
	} else {
		dst = append(dst, 0)
	}
	for i := odd; i < len(prefix); i += 2 {
		dst = append(dst, prefix[i]<<4|prefix[i+1])
	}
	return appendReference(dst, reference)
}

// appendBranch encodes the references of 16 children and an empty value: all paths have
// the same length, so no entry ends at a branch.
func appendBranch(dst []byte, kids *[16]*node) []byte {
	size := 17
	for _, kid := range kids {
		if kid != nil {
			size += referenceSize(kid.reference()) - 1
		}
	}
	dst = appendListHeader(dst, size)
	for _, kid := range kids {
		if kid == nil {
			dst = append(dst, rlpString)
		} else {
			dst = appendReference(dst, kid.reference())
		}
	}
	return append(dst, rlpString)
}

// A reference of 32 bytes is a string, a shorter one is a list that is embedded as it is.
func referenceSize(reference []byte) int {
	if len(reference) == hashSize {
		return 1 + hashSize
	}
	return len(reference)
}

func appendReference(dst, reference []byte) []byte {
	if len(reference) == hashSize {
		dst = append(dst, rlpString+hashSize)
	}
	return append(dst, reference...)
}

// A hex-prefix path is one flag byte below 0x80 and up to 32 bytes: alone it is its own RLP.
func pathSize(rest int) int {
	if rest == 0 {
		return 1
	}
	return 2 + rest
}

func appendPathHeader(dst []byte, rest int) []byte {
	if rest == 0 {
		return dst
	}
	return append(dst, rlpString+1+byte(rest))
}

func stringSize(s []byte) int {
	switch {
	case len(s) == 1 && s[0] < rlpString:
		return 1
	case len(s) <= rlpShort:
		return 1 + len(s)
	}
	return 1 + byteLen(len(s)) + len(s)
}

func appendString(dst, s []byte) []byte {
	if len(s) == 1 && s[0] < rlpString {
		return append(dst, s[0])
	}
	return append(appendHeader(dst, rlpString, len(s)), s...)
}

func appendListHeader(dst []byte, size int) []byte { return appendHeader(dst, rlpList, size) }

func appendHeader(dst []byte, kind byte, size int) []byte {
	if size <= rlpShort {
		return append(dst, kind+byte(size))
	}
	n := byteLen(size)
	dst = append(dst, kind+rlpShort+byte(n))
	for i := n - 1; i >= 0; i-- {
		dst = append(dst, byte(size>>(8*i)))
	}
	return dst
}

// byteLen returns how many bytes size takes as a big-endian integer.
func byteLen(size int) int { return (bits.Len(uint(size)) + 7) / 8 }
