package codec

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/ethereum/go-ethereum/crypto"
	"github.com/holiman/uint256"
)

// Hash is 32 bytes: the output of keccak256, and at the same time the word that
// every signed digest is built from. Its text form is 0x and 64 hex digits.
type Hash [32]byte

// Keccak returns the keccak256 (the pre-NIST Keccak of Ethereum) of the concatenated parts.
func Keccak(parts ...[]byte) Hash {
	return Hash(crypto.Keccak256Hash(parts...))
}

// HashWords returns the keccak256 of the concatenated words.
func HashWords(words ...Hash) Hash {
	buf := make([]byte, 0, 32*16)
	for i := range words {
		buf = append(buf, words[i][:]...)
	}
	return Keccak(buf)
}

// Uint64Word returns n as a big-endian word.
func Uint64Word(n uint64) Hash {
	var w Hash
	binary.BigEndian.PutUint64(w[24:], n)
	return w
}

// AmountWord returns an unsigned 256-bit integer as a big-endian word.
func AmountWord(n *uint256.Int) Hash { return n.Bytes32() }

// LeftPad returns b right-aligned in a word. It panics above 32 bytes: callers pass
// fixed-size arrays, so a longer slice is a programming error.
func LeftPad(b []byte) Hash {
	if len(b) > 32 {
		panic(fmt.Sprintf("codec: LeftPad of %d bytes into a 32-byte word", len(b)))
	}
	var w Hash
	copy(w[32-len(b):], b)
	return w
}

// IsZero reports whether every byte is zero. Zero is never a valid hash, key, set or address.
func (h Hash) IsZero() bool { return h == Hash{} }

// Compare orders hashes as byte strings.
func (h Hash) Compare(o Hash) int { return bytes.Compare(h[:], o[:]) }

// String returns 0x and 64 hex digits.
func (h Hash) String() string { return "0x" + hex.EncodeToString(h[:]) }

// Short returns the first 8 hex digits, for logs and tables.
func (h Hash) Short() string { return hex.EncodeToString(h[:4]) }

// MarshalText implements encoding.TextMarshaler.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler; it takes what String writes.
func (h *Hash) UnmarshalText(text []byte) error {
	b, err := DecodeHex(string(text), len(h))
	if err != nil {
		return fmt.Errorf("hash %w", err)
	}
	copy(h[:], b)
	return nil
}

// ParseHash reads 0x and 64 hex digits.
func ParseHash(s string) (Hash, error) {
	var h Hash
	err := h.UnmarshalText([]byte(s))
	return h, err
}

// DecodeHex reads 0x and exactly 2*size hex digits. The error quotes the text.
func DecodeHex(s string, size int) ([]byte, error) {
	digits, found := strings.CutPrefix(s, "0x")
	if !found {
		return nil, fmt.Errorf("%.80q does not start with 0x", s)
	}
	if len(digits) != 2*size {
		return nil, fmt.Errorf("%.80q has %d hex digits, want %d", s, len(digits), 2*size)
	}
	b, err := hex.DecodeString(digits)
	if err != nil {
		return nil, fmt.Errorf("%.80q is not hexadecimal: %w", s, err)
	}
	return b, nil
}
