package gossip

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
)

// maxIdentityFile bounds an identity file, in bytes.
const maxIdentityFile = 1 << 10

// LoadOrCreateIdentity returns the Ed25519 key in the file, or makes the file with a new
// one. The key gives a daemon its name on the network and nothing else: it signs no
// statement. The file holds libp2p's encoding of the key in base64, and is the owner's alone.
func LoadOrCreateIdentity(path string) (crypto.PrivKey, error) {
	key, err := loadIdentity(path)
	if errors.Is(err, os.ErrNotExist) {
		key, err = createIdentity(path)
	}
	if err != nil {
		return nil, fmt.Errorf("gossip: identity: %w", err)
	}
	return key, nil
}

// PeerID returns the name that a key has on the network, as it stands behind /p2p/ in a
// multiaddress.
func PeerID(key crypto.PrivKey) (string, error) {
	id, err := peer.IDFromPrivateKey(key)
	if err != nil {
		return "", fmt.Errorf("gossip: identity: %w", err)
	}
	return id.String(), nil
}

func loadIdentity(path string) (crypto.PrivKey, error) {
	f, err := os.Open(path) // the operator names the file
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return nil, fmt.Errorf("file %s is open to other users (mode %#o): run chmod 600 %s", path, mode, path)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxIdentityFile+1))
	if err != nil {
		return nil, err
	}
	// The content is secret, so no error repeats a part of it.
	raw, err := base64.StdEncoding.DecodeString(string(bytes.TrimSpace(text)))
	if err != nil || len(text) > maxIdentityFile {
		return nil, fmt.Errorf("file %s does not hold a key in base64; move it away to get a new one, and tell the peers its new id", path)
	}
	key, err := crypto.UnmarshalPrivateKey(raw)
	if err != nil || key.Type() != crypto.Ed25519 {
		return nil, fmt.Errorf("file %s does not hold an Ed25519 key; move it away to get a new one, and tell the peers its new id", path)
	}
	return key, nil
}

func createIdentity(path string) (crypto.PrivKey, error) {
	key, _, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		return nil, err
	}
	raw, err := crypto.MarshalPrivateKey(key)
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) // the operator names the file
	if err != nil {
		return nil, err
	}
	_, err = f.WriteString(base64.StdEncoding.EncodeToString(raw) + "\n")
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		_ = os.Remove(path)
		return nil, err
	}
	return key, nil
}
