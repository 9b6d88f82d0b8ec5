package signing

import (
	"context"
	"crypto/ecdsa"
	"fmt"

	"github.com/ethereum/go-ethereum/crypto"

	"github.com/trinebridge/trine/codec"
)

// Slot names a place where a key may sign one digest and never a second one.
// What the fields mean depends on the kind; those that a kind does not use are zero.
type Slot struct {
	Kind Kind
	// Scope is the bridge domain, or the genesis hash for statements about the app chain.
	Scope codec.Hash
	// Age is the epoch of an action or control, the generation of an attestation.
	Age uint64
	// ID is the event id, action id, control sequence or block height.
	ID uint64
	// Sub is the control kind; zero elsewhere.
	Sub uint64
	// Revision of an action, starting at 1; zero elsewhere.
	Revision uint64
}

// String names the slot as logs and errors do.
func (s Slot) String() string {
	return fmt.Sprintf("%s %s/age %d/id %d/sub %d/revision %d", s.Kind, s.Scope.Short(), s.Age, s.ID, s.Sub, s.Revision)
}

// Statement is a digest together with the slot that it fills.
type Statement struct {
	Slot   Slot
	Digest codec.Hash
}

// Signer signs with one key. Implementations are safe for concurrent use.
type Signer interface {
	// PublicKey returns the key's public half; it never changes.
	PublicKey() PublicKey
	// Sign returns the canonical signature over the statement's digest. A guard
	// refuses a second digest in one slot with an error that wraps ErrDoubleSign;
	// any other error is the key store's and may be retried.
	Sign(ctx context.Context, s Statement) (Signature, error)
}

// ErrDoubleSign is the refusal of a second digest in a slot.
var ErrDoubleSign = fmt.Errorf("signing: another digest was already signed for this slot")

// KeySigner signs with a private key held in memory. It does not guard.
type KeySigner struct {
	key    *ecdsa.PrivateKey
	public PublicKey
}

// NewKeySigner wraps a secp256k1 key.
func NewKeySigner(key *ecdsa.PrivateKey) *KeySigner {
	return &KeySigner{key: key, public: PublicKeyOf(key)}
}

// GenerateKey makes a key from the operating system's randomness.
func GenerateKey() (*ecdsa.PrivateKey, error) { return crypto.GenerateKey() }

// PublicKey implements Signer.
func (k *KeySigner) PublicKey() PublicKey { return k.public }

// Private returns the key itself, for what makes more keys of it or signs outside this package.
func (k *KeySigner) Private() *ecdsa.PrivateKey { return k.key }

// Address is the address of the public key.
func (k *KeySigner) Address() Address { return k.public.Address() }

// Sign implements Signer. The signature is deterministic (RFC 6979).
func (k *KeySigner) Sign(_ context.Context, s Statement) (Signature, error) {
	return k.SignDigest(s.Digest)
}

// SignDigest signs a digest that has no slot: a transaction or a key link, where
// signing twice does no harm.
func (k *KeySigner) SignDigest(digest codec.Hash) (Signature, error) {
	sig, err := crypto.Sign(digest[:], k.key)
	if err != nil {
		return Signature{}, fmt.Errorf("signing: %w", err)
	}
	return Signature(sig), nil
}
