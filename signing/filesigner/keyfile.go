package filesigner

import (
	"crypto/ecdsa"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/ethereum/go-ethereum/accounts/keystore"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/google/uuid"
)

// Cost is what trying one password takes.
type Cost uint8

// The costs, as go-ethereum sets them. The zero value is the one for keys that matter.
const (
	// CostStandard takes about a second and 256 MiB.
	CostStandard Cost = iota
	// CostLight takes about a tenth of a second and 4 MiB: for tests and local networks.
	CostLight
)

// Bounds on what a key file may ask of whoever opens it.
const (
	maxScryptBlocks     = 512 << 20 / 128 // n*r*p, twice what CostStandard takes
	maxPBKDF2Iterations = 10_000_000
)

// Create writes the key, encrypted, to a new file that its owner alone can read. It fails
// when the file is there already: a key that is overwritten is lost.
func Create(path string, key *ecdsa.PrivateKey, password string, cost Cost) error {
	if err := create(path, key, password, cost); err != nil {
		return fmt.Errorf("filesigner: %w", err)
	}
	return nil
}

func create(path string, key *ecdsa.PrivateKey, password string, cost Cost) error {
	if password == "" {
		return fmt.Errorf("key file %s: the password is empty", path)
	}
	n, p := cost.scrypt()
	id, err := uuid.NewRandom()
	if err != nil {
		return fmt.Errorf("key file %s: %w", path, err)
	}
	stored := &keystore.Key{Id: id, Address: crypto.PubkeyToAddress(key.PublicKey), PrivateKey: key}
	content, err := keystore.EncryptKey(stored, password, n, p)
	if err != nil {
		return fmt.Errorf("key file %s: encrypt: %w", path, err)
	}
	return writeNew(path, content)
}

// scrypt returns the parameters n and p of the key derivation.
func (c Cost) scrypt() (n, p int) {
	if c == CostLight {
		return keystore.LightScryptN, keystore.LightScryptP
	}
	return keystore.StandardScryptN, keystore.StandardScryptP
}

// writeNew writes a line to a new file that its owner alone can read.
func writeNew(path string, content []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) // the operator names the file
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("key file %s exists already and is left as it is: choose another path", path)
	}
	if err != nil {
		return fmt.Errorf("key file: %w", err)
	}
	_, err = f.Write(append(content, '\n'))
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = syncDir(filepath.Dir(path))
	}
	if err != nil {
		_ = os.Remove(path)
		return fmt.Errorf("key file: %w", err)
	}
	return nil
}

func syncDir(path string) error {
	d, err := os.Open(path) // the operator names the folder
	if err != nil {
		return err
	}
	err = d.Sync()
	if closeErr := d.Close(); err == nil {
		err = closeErr
	}
	return err
}

// keyFile is the part of a version 3 key file that is checked before it is decrypted.
// go-ethereum's decryption panics on fields of another type or length, and spends what
// memory the file asks for.
type keyFile struct {
	Address string `json:"address"`
	Version int    `json:"version"`
	// Curve and PublicKey stand in Ed25519 files only.
	Curve     string `json:"curve"`
	PublicKey string `json:"publicKey"`
	Crypto    struct {
		Cipher       string `json:"cipher"`
		CipherText   string `json:"ciphertext"`
		CipherParams struct {
			IV string `json:"iv"`
		} `json:"cipherparams"`
		KDF       string `json:"kdf"`
		KDFParams struct {
			DKLen int    `json:"dklen"`
			Salt  string `json:"salt"`
			N     int    `json:"n"`
			R     int    `json:"r"`
			P     int    `json:"p"`
			C     int    `json:"c"`
			PRF   string `json:"prf"`
		} `json:"kdfparams"`
		MAC string `json:"mac"`
	} `json:"crypto"`
}

func parseKeyFile(content []byte) (*keyFile, error) {
	var k keyFile
	if err := json.Unmarshal(content, &k); err != nil {
		return nil, errors.New("it is not the JSON of a keystore version 3 file")
	}
	if k.Version != 3 {
		return nil, fmt.Errorf("it has keystore version %d, want 3", k.Version)
	}
	if k.Crypto.Cipher != "aes-128-ctr" {
		return nil, errors.New("its cipher is not aes-128-ctr")
	}
	for _, field := range []struct {
		name, text string
		bytes      int
	}{
		{"ciphertext", k.Crypto.CipherText, 32}, {"iv", k.Crypto.CipherParams.IV, 16}, {"mac", k.Crypto.MAC, 32},
	} {
		if b, err := hex.DecodeString(field.text); err != nil || len(b) != field.bytes {
			return nil, fmt.Errorf("its %s is not %d hex digits", field.name, 2*field.bytes)
		}
	}
	return &k, k.checkKDF()
}

// checkKDF bounds the key derivation.
func (k *keyFile) checkKDF() error {
	p := k.Crypto.KDFParams
	if salt, err := hex.DecodeString(p.Salt); err != nil || len(salt) == 0 {
		return errors.New("its salt is not hexadecimal")
	}
	if p.DKLen < 32 || p.DKLen > 64 {
		return fmt.Errorf("its key derivation makes %d bytes, want 32 to 64", p.DKLen)
	}
	switch k.Crypto.KDF {
	case "scrypt":
		// Each factor is bounded before it is multiplied, so that nothing overflows.
		if p.N < 2 || p.N&(p.N-1) != 0 || p.R < 1 || p.P < 1 ||
			p.N > maxScryptBlocks || p.R > maxScryptBlocks/p.N || p.P > maxScryptBlocks/p.N/p.R {
			return fmt.Errorf("its scrypt parameters n=%d, r=%d, p=%d are not valid, or ask for more than n*r*p = %d", p.N, p.R, p.P, maxScryptBlocks)
		}
	case "pbkdf2":
		if p.C < 1 || p.C > maxPBKDF2Iterations || p.PRF != "hmac-sha256" {
			return fmt.Errorf("its pbkdf2 has %d iterations of %.20q, want 1 to %d of hmac-sha256", p.C, p.PRF, maxPBKDF2Iterations)
		}
	default:
		return errors.New("its key derivation is neither scrypt nor pbkdf2")
	}
	return nil
}

// secret decrypts the 32 bytes that the file holds. It hands on only what was checked, spelt as it was checked.
func (k *keyFile) secret(password string) ([]byte, error) {
	params := k.Crypto.KDFParams
	checked := keystore.CryptoJSON{
		Cipher:     k.Crypto.Cipher,
		CipherText: k.Crypto.CipherText,
		KDF:        k.Crypto.KDF,
		KDFParams: map[string]any{
			"dklen": params.DKLen, "salt": params.Salt, "n": params.N, "r": params.R, "p": params.P, "c": params.C, "prf": params.PRF,
		},
		MAC: k.Crypto.MAC,
	}
	checked.CipherParams.IV = k.Crypto.CipherParams.IV
	plain, err := keystore.DecryptDataV3(checked, password)
	if err != nil { // what else can go wrong was checked before
		return nil, errors.New("the password does not open it")
	}
	return plain, nil
}

// decrypt returns the secp256k1 key.
func (k *keyFile) decrypt(password string) (*ecdsa.PrivateKey, error) {
	if k.Curve != "" {
		return nil, fmt.Errorf("it holds a key of curve %.20q, where one of secp256k1 is needed", k.Curve)
	}
	plain, err := k.secret(password)
	if err != nil {
		return nil, err
	}
	key, err := crypto.ToECDSA(plain)
	if err != nil {
		return nil, errors.New("what it holds is no secp256k1 key")
	}
	// A file that names another address was put together by hand.
	address := crypto.PubkeyToAddress(key.PublicKey)
	if k.Address != "" && !strings.EqualFold(strings.TrimPrefix(k.Address, "0x"), hex.EncodeToString(address[:])) {
		return nil, fmt.Errorf("it names another address than that of its key, %s", address)
	}
	return key, nil
}
