package signing

import (
	"bytes"
	"encoding/hex"
	"fmt"

	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/crypto/secp256k1"

	"github.com/trinebridge/trine/codec"
)

// Signature is r‖s‖v with low s and v 0 or 1. 27 and 28 exist only at the EVM edge.
type Signature [65]byte

// halfOrder is (n-1)/2 of secp256k1, big-endian: the largest s that is low.
var halfOrder = [32]byte{
	0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	0x5d, 0x57, 0x6e, 0x73, 0x57, 0xa4, 0x50, 0x1d, 0xdf, 0xe9, 0x2f, 0x46, 0x68, 0x1b, 0x20, 0xa0,
}

// IsZero reports whether every byte is zero.
func (s Signature) IsZero() bool { return s == Signature{} }

// Canonical reports whether s has low s and v 0 or 1: of the four spellings of one
// ECDSA signature, the one that Trine accepts.
func (s Signature) Canonical() bool {
	return s[64] <= 1 && bytes.Compare(s[32:64], halfOrder[:]) <= 0
}

// Recover returns the key that signed the digest.
func (s Signature) Recover(digest codec.Hash) (PublicKey, error) {
	if !s.Canonical() {
		return PublicKey{}, fmt.Errorf("%w: high s or v %d", ErrBadSignature, s[64])
	}
	point, err := secp256k1.RecoverPubkey(digest[:], s[:])
	if err != nil {
		return PublicKey{}, fmt.Errorf("%w: %w", ErrBadSignature, err)
	}
	var key PublicKey
	key[0] = 2 + point[64]&1
	copy(key[1:], point[1:33])
	return key, nil
}

// RecoverAddress returns the address of the key that signed the digest.
func (s Signature) RecoverAddress(digest codec.Hash) (Address, error) {
	if !s.Canonical() {
		return Address{}, fmt.Errorf("%w: high s or v %d", ErrBadSignature, s[64])
	}
	point, err := secp256k1.RecoverPubkey(digest[:], s[:])
	if err != nil {
		return Address{}, fmt.Errorf("%w: %w", ErrBadSignature, err)
	}
	return Address(crypto.Keccak256(point[1:])[12:]), nil
}

// Verify reports whether key signed the digest and s is the canonical spelling,
// v included: a signature with the other v would recover to another key.
func (s Signature) Verify(key PublicKey, digest codec.Hash) bool {
	recovered, err := s.Recover(digest)
	return err == nil && recovered == key
}

// String returns 0x and 130 hex digits.
func (s Signature) String() string { return "0x" + hex.EncodeToString(s[:]) }

// MarshalText implements encoding.TextMarshaler.
func (s Signature) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads 0x and 130 hex digits in canonical spelling.
func (s *Signature) UnmarshalText(text []byte) error {
	b, err := codec.DecodeHex(string(text), len(s))
	if err != nil {
		return fmt.Errorf("signature %w", err)
	}
	sig := Signature(b)
	if !sig.Canonical() {
		return fmt.Errorf("signature %s: %w: high s, or v not 0 or 1", text, ErrBadSignature)
	}
	*s = sig
	return nil
}

// Borsh implements codec.Record: 65 bytes as they are.
func (s *Signature) Borsh(c *codec.Codec) { c.Fixed(s[:]) }
