package signing

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"

	"github.com/trinebridge/trine/codec"
)

// Curve is what an external chain's accounts sign with.
type Curve uint8

// The curves.
const (
	// Secp256k1 is ECDSA over a 32-byte digest.
	Secp256k1 Curve = iota
	// Ed25519 is EdDSA over the message itself (RFC 8032).
	Ed25519
)

// String returns the curve's name as key files write it.
func (c Curve) String() string {
	switch c {
	case Secp256k1:
		return "secp256k1"
	case Ed25519:
		return "ed25519"
	}
	return fmt.Sprintf("curve %d", uint8(c))
}

// Payer is the key of an account on an external chain, which pays for transactions there
// and signs them in that chain's own format: the one use of a key that is no statement of
// Trine's. Implementations are safe for concurrent use.
type Payer interface {
	// Curve is the key's. An adapter refuses a payer of another curve than its chain's.
	Curve() Curve
	// PayerKey returns the public key: 33 bytes (SEC 1 compressed) on Secp256k1, 32 bytes on Ed25519.
	PayerKey() []byte
	// SignPayload signs a transaction. On Secp256k1 the payload is its 32-byte digest and the
	// signature 65 bytes r‖s‖v with low s and v 0 or 1; on Ed25519 the payload is the whole
	// message and the signature 64 bytes. An error is the key store's and may be retried.
	SignPayload(ctx context.Context, payload []byte) ([]byte, error)
}

// CheckPayer returns why a payer cannot pay on a chain whose accounts are of a curve, or nil.
func CheckPayer(p Payer, want Curve) error {
	if p == nil {
		return errors.New("no key pays")
	}
	if got := p.Curve(); got != want {
		return fmt.Errorf("the key that pays is of %s; accounts on this chain need one of %s", got, want)
	}
	return nil
}

// Curve implements Payer.
func (k *KeySigner) Curve() Curve { return Secp256k1 }

// PayerKey implements Payer.
func (k *KeySigner) PayerKey() []byte { return k.public[:] }

// SignPayload implements Payer.
func (k *KeySigner) SignPayload(_ context.Context, payload []byte) ([]byte, error) {
	if len(payload) != len(codec.Hash{}) {
		return nil, fmt.Errorf("signing: a payload of %d bytes; secp256k1 signs a digest of %d", len(payload), len(codec.Hash{}))
	}
	signature, err := k.SignDigest(codec.Hash(payload))
	if err != nil {
		return nil, err
	}
	return signature[:], nil
}

// Ed25519Payer pays with an Ed25519 key held in memory.
type Ed25519Payer struct{ key ed25519.PrivateKey }

var (
	_ Payer = (*KeySigner)(nil)
	_ Payer = (*Ed25519Payer)(nil)
)

// NewEd25519Payer makes a payer of a seed (RFC 8032's private key, 32 bytes).
func NewEd25519Payer(seed [ed25519.SeedSize]byte) *Ed25519Payer {
	return &Ed25519Payer{ed25519.NewKeyFromSeed(seed[:])}
}

// Curve implements Payer.
func (p *Ed25519Payer) Curve() Curve { return Ed25519 }

// PayerKey implements Payer.
func (p *Ed25519Payer) PayerKey() []byte { return []byte(p.key.Public().(ed25519.PublicKey)) }

// SignPayload implements Payer.
func (p *Ed25519Payer) SignPayload(_ context.Context, payload []byte) ([]byte, error) {
	return ed25519.Sign(p.key, payload), nil
}

// String names the key by its public half, so that nothing that prints a payer prints its secret.
func (p *Ed25519Payer) String() string { return fmt.Sprintf("ed25519 key %x", p.PayerKey()) }

// GoString does what String does.
func (p *Ed25519Payer) GoString() string { return p.String() }
