package filesigner

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/ethereum/go-ethereum/accounts/keystore"

	"github.com/trinebridge/trine/signing"
)

// OpenPayer opens the key that pays on an external chain whose accounts are of a curve, by
// a file: or env: URI. What [Open] says of secp256k1 holds for Ed25519 too, with these
// contents: a file is either the encrypted one that [CreatePayer] writes, or the plain array
// of 64 numbers that Solana's own tools write (seed and public key), which needs no password;
// a variable holds that array, or the seed as 64 hex digits.
func OpenPayer(ctx context.Context, uri string, curve signing.Curve, o Options) (signing.Payer, error) {
	if curve == signing.Ed25519 {
		key, err := openEd25519(ctx, uri, o.withDefaults())
		if err != nil {
			return nil, fmt.Errorf("filesigner: %w", err)
		}
		return key, nil
	}
	key, err := Open(ctx, uri, o)
	if err != nil {
		return nil, err // not a Payer that holds a nil pointer
	}
	return key, nil
}

// CreatePayer makes a new key of a curve and writes it as [Create] does.
func CreatePayer(path string, curve signing.Curve, password string, cost Cost) (signing.Payer, error) {
	if curve == signing.Secp256k1 {
		key, err := signing.GenerateKey()
		if err != nil {
			return nil, fmt.Errorf("filesigner: %w", err)
		}
		if err := Create(path, key, password, cost); err != nil {
			return nil, err
		}
		return signing.NewKeySigner(key), nil
	}
	var seed [ed25519.SeedSize]byte
	if _, err := rand.Read(seed[:]); err != nil {
		return nil, fmt.Errorf("filesigner: %w", err)
	}
	key := signing.NewEd25519Payer(seed)
	if err := createEd25519(path, seed, key.PayerKey(), password, cost); err != nil {
		return nil, fmt.Errorf("filesigner: %w", err)
	}
	return key, nil
}

func createEd25519(path string, seed [ed25519.SeedSize]byte, public []byte, password string, cost Cost) error {
	if password == "" {
		return fmt.Errorf("key file %s: the password is empty", path)
	}
	n, p := cost.scrypt()
	encrypted, err := keystore.EncryptDataV3(seed[:], []byte(password), n, p)
	if err != nil {
		return fmt.Errorf("key file %s: encrypt: %w", path, err)
	}
	content, err := json.Marshal(struct {
		Version   int                 `json:"version"`
		Curve     string              `json:"curve"`
		PublicKey string              `json:"publicKey"`
		Crypto    keystore.CryptoJSON `json:"crypto"`
	}{3, signing.Ed25519.String(), hex.EncodeToString(public), encrypted})
	if err != nil {
		return fmt.Errorf("key file %s: %w", path, err)
	}
	return writeNew(path, content)
}

func openEd25519(ctx context.Context, uri string, o Options) (*signing.Ed25519Payer, error) {
	scheme, rest, _ := strings.Cut(uri, ":")
	switch scheme {
	case "file":
		return withFile(ctx, rest, o, readEd25519)
	case "env":
		text, err := lookup(rest, "key", o)
		if err != nil {
			return nil, err
		}
		if seed, err := hex.DecodeString(strings.TrimPrefix(text, "0x")); err == nil && len(seed) == ed25519.SeedSize {
			return signing.NewEd25519Payer([ed25519.SeedSize]byte(seed)), nil
		}
		key, err := parseKeyArray([]byte(text))
		if err != nil {
			return nil, fmt.Errorf("environment variable %s holds neither an Ed25519 seed of 64 hex digits nor an array of 64 numbers", rest)
		}
		return key, nil
	}
	return nil, errors.New("a key is named by file:PATH or env:NAME")
}

func readEd25519(content []byte, password passwords) (*signing.Ed25519Payer, error) {
	if isArray(content) {
		return parseKeyArray(content)
	}
	stored, err := parseKeyFile(content)
	if err != nil {
		return nil, err
	}
	if stored.Curve != signing.Ed25519.String() {
		return nil, fmt.Errorf("it holds a key of secp256k1, where one of %s is needed", signing.Ed25519)
	}
	text, err := password()
	if err != nil {
		return nil, err
	}
	seed, err := stored.secret(text)
	if err != nil {
		return nil, err
	}
	if len(seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("what it holds is no %s seed", signing.Ed25519)
	}
	key := signing.NewEd25519Payer([ed25519.SeedSize]byte(seed))
	if named, err := hex.DecodeString(stored.PublicKey); err != nil || !bytes.Equal(named, key.PayerKey()) {
		return nil, fmt.Errorf("it names another public key than that of its seed, %x", key.PayerKey())
	}
	return key, nil
}

// parseKeyArray reads 64 numbers: the seed and the public key. Errors quote none of them.
func parseKeyArray(content []byte) (*signing.Ed25519Payer, error) {
	var secret []byte
	if !isArray(content) || json.Unmarshal(content, &secret) != nil || len(secret) != ed25519.PrivateKeySize {
		return nil, fmt.Errorf("it is not an array of %d numbers from 0 to 255", ed25519.PrivateKeySize)
	}
	key := signing.NewEd25519Payer([ed25519.SeedSize]byte(secret[:ed25519.SeedSize]))
	if !bytes.Equal(secret[ed25519.SeedSize:], key.PayerKey()) {
		return nil, errors.New("the second half of its numbers is not the public key of the first")
	}
	return key, nil
}

// isArray tells an array of numbers from a string, which JSON takes for bytes as well.
func isArray(content []byte) bool { return bytes.HasPrefix(bytes.TrimSpace(content), []byte("[")) }
