package signing

import (
	"bytes"
	"crypto/ecdsa"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/crypto/secp256k1"

	"github.com/trinebridge/trine/codec"
)

// ErrBadSignature is a signature that no key made: wrong size of a part, high s, or r‖s off the curve.
var ErrBadSignature = errors.New("signing: invalid signature")

// Address is the 20-byte Ethereum address of a key: the low 20 bytes of the
// keccak256 of its uncompressed point. It names a member of a set on every chain.
// Its text form has the EIP-55 checksum.
type Address [20]byte

// IsZero reports whether every byte is zero; no key has that address.
func (a Address) IsZero() bool { return a == Address{} }

// Compare orders addresses as byte strings: the order of members in sets and seals.
func (a Address) Compare(o Address) int { return bytes.Compare(a[:], o[:]) }

// Word returns the address left-padded.
func (a Address) Word() codec.Hash { return codec.LeftPad(a[:]) }

// String returns the EIP-55 form.
func (a Address) String() string { return common.Address(a).Hex() }

// MarshalText implements encoding.TextMarshaler.
func (a Address) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads 0x and 40 hex digits. Mixed case must carry a right EIP-55 checksum.
func (a *Address) UnmarshalText(text []byte) error {
	b, err := codec.DecodeHex(string(text), len(a))
	if err != nil {
		return fmt.Errorf("address %w", err)
	}
	mixed, err := common.NewMixedcaseAddressFromString(string(text))
	if err != nil {
		return fmt.Errorf("address %q: %w", text, err)
	}
	digits := text[2:]
	if !bytes.Equal(digits, bytes.ToLower(digits)) && !bytes.Equal(digits, bytes.ToUpper(digits)) && !mixed.ValidChecksum() {
		return fmt.Errorf("address %q has a wrong EIP-55 checksum: a digit is mistyped, or write it in lower case", text)
	}
	copy(a[:], b)
	return nil
}

// ParseAddress reads what UnmarshalText reads.
func ParseAddress(s string) (Address, error) {
	var a Address
	err := a.UnmarshalText([]byte(s))
	return a, err
}

// PublicKey is a secp256k1 point, compressed (SEC 1, 33 bytes). Its text form is hex with 0x.
type PublicKey [33]byte

// IsZero reports whether every byte is zero, which is no point.
func (p PublicKey) IsZero() bool { return p == PublicKey{} }

// Valid reports whether p is a point of the curve.
func (p PublicKey) Valid() bool {
	x, _ := secp256k1.DecompressPubkey(p[:])
	return x != nil
}

// Address returns the Ethereum address of the key, and the zero address for bytes that are no point.
func (p PublicKey) Address() Address {
	key, err := crypto.DecompressPubkey(p[:])
	if err != nil {
		return Address{}
	}
	return Address(crypto.PubkeyToAddress(*key))
}

// String returns 0x and 66 hex digits.
func (p PublicKey) String() string { return "0x" + hex.EncodeToString(p[:]) }

// MarshalText implements encoding.TextMarshaler.
func (p PublicKey) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads 0x and 66 hex digits that are a point of the curve.
func (p *PublicKey) UnmarshalText(text []byte) error {
	b, err := codec.DecodeHex(string(text), len(p))
	if err != nil {
		return fmt.Errorf("public key %w", err)
	}
	key := PublicKey(b)
	if !key.Valid() {
		return fmt.Errorf("public key %s is not a point of secp256k1", text)
	}
	*p = key
	return nil
}

// Borsh implements codec.Record: 33 bytes as they are.
func (p *PublicKey) Borsh(c *codec.Codec) { c.Fixed(p[:]) }

// Borsh implements codec.Record: 20 bytes as they are.
func (a *Address) Borsh(c *codec.Codec) { c.Fixed(a[:]) }

// PublicKeyOf returns the compressed public key of a private one.
func PublicKeyOf(key *ecdsa.PrivateKey) PublicKey {
	return PublicKey(crypto.CompressPubkey(&key.PublicKey))
}
