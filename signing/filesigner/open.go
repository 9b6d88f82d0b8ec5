package filesigner

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/ethereum/go-ethereum/crypto"

	"github.com/trinebridge/trine/signing"
)

// maxFileSize bounds key and password files, in bytes.
const maxFileSize = 16 << 10

// Options is what opening a key may need besides its URI. The zero value works: paths are
// relative to the working folder, variables are the process's, and nobody can be asked.
type Options struct {
	// Dir is the folder that relative paths begin at.
	Dir string
	// LookupEnv finds an environment variable; os.LookupEnv when nil.
	LookupEnv func(name string) (value string, ok bool)
	// Prompt asks a person for the password of the key file. Nil where nobody sits.
	Prompt func(ctx context.Context, path string) (password string, err error)
}

func (o Options) withDefaults() Options {
	if o.LookupEnv == nil {
		o.LookupEnv = os.LookupEnv
	}
	return o
}

// Openers returns the schemes of this package.
func Openers(o Options) signing.Openers {
	open := func(ctx context.Context, uri string) (signing.Signer, error) {
		s, err := Open(ctx, uri, o)
		if err != nil {
			return nil, err // not a Signer that holds a nil pointer
		}
		return s, nil
	}
	return signing.Openers{"file": open, "env": open}
}

// Open opens the key that a file: or env: URI names. The result does not guard: put
// signing/guard before it for everything that has a slot.
func Open(ctx context.Context, uri string, o Options) (*signing.KeySigner, error) {
	o = o.withDefaults()
	var (
		s   *signing.KeySigner
		err error
	)
	// Errors repeat paths and well-formed names only: what is given as a URI may be a secret
	// that was pasted into the wrong place.
	scheme, rest, _ := strings.Cut(uri, ":")
	switch scheme {
	case "file":
		s, err = openFile(ctx, rest, o)
	case "env":
		s, err = openEnv(rest, o)
	default:
		err = errors.New("a key is named by file:PATH or env:NAME")
	}
	if err != nil {
		return nil, fmt.Errorf("filesigner: %w", err)
	}
	return s, nil
}

var envName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,62}$`)

// lookup returns the content of a variable without white space around it.
func lookup(name, what string, o Options) (string, error) {
	if !envName.MatchString(name) {
		return "", fmt.Errorf("the name of the variable with the %s is not one: letters, digits and underscores, at most 63; the %s itself does not belong there", what, what)
	}
	value, ok := o.LookupEnv(name)
	if value = strings.TrimSpace(value); !ok || value == "" {
		return "", fmt.Errorf("environment variable %s, which should hold the %s, is not set", name, what)
	}
	return value, nil
}

func openEnv(name string, o Options) (*signing.KeySigner, error) {
	text, err := lookup(name, "key", o)
	if err != nil {
		return nil, err
	}
	key, err := crypto.HexToECDSA(strings.TrimPrefix(text, "0x"))
	if err != nil { // it quotes a character of the key, so it is left out
		return nil, fmt.Errorf("environment variable %s does not hold a secp256k1 key of 64 hex digits", name)
	}
	return signing.NewKeySigner(key), nil
}

func openFile(ctx context.Context, rest string, o Options) (*signing.KeySigner, error) {
	return withFile(ctx, rest, o, func(content []byte, password passwords) (*signing.KeySigner, error) {
		// The file is checked before anybody is asked for a password.
		stored, err := parseKeyFile(content)
		if err != nil {
			return nil, err
		}
		text, err := password()
		if err != nil {
			return nil, err
		}
		key, err := stored.decrypt(text)
		if err != nil {
			return nil, err
		}
		return signing.NewKeySigner(key), nil
	})
}

// passwords finds the password of a key file, when it is needed.
type passwords func() (string, error)

// withFile reads the key file that the rest of a file: URI names and has read make a key of
// its content; read's errors get the file's name.
func withFile[K any](ctx context.Context, rest string, o Options, read func(content []byte, password passwords) (K, error)) (key K, err error) {
	path, params, err := keyPath(rest, o)
	if err != nil {
		return key, err
	}
	content, err := readSecretFile(path, "key")
	if err != nil {
		return key, err
	}
	key, err = read(content, func() (string, error) {
		password, err := findPassword(ctx, path, params, o)
		if err == nil {
			err = ctx.Err()
		}
		return password, err
	})
	if err != nil {
		return key, fmt.Errorf("key file %s: %w", path, err)
	}
	return key, nil
}

// keyPath reads what follows file: in a URI.
func keyPath(rest string, o Options) (path string, params url.Values, err error) {
	escaped, query, _ := strings.Cut(rest, "?")
	// Both file:/a/b and file:///a/b are in use.
	if after, ok := strings.CutPrefix(escaped, "//"); ok {
		if !strings.HasPrefix(after, "/") {
			return "", nil, errors.New("a file URI names no host: write file:/absolute/path or file:relative/path")
		}
		escaped = after
	}
	name, err := url.PathUnescape(escaped)
	if err != nil || name == "" {
		return "", nil, errors.New("a file URI needs a path: file:PATH, with % written as %25")
	}
	params, err = url.ParseQuery(query)
	if err != nil {
		return "", nil, fmt.Errorf("key file %s: what follows ? in its URI cannot be read", name)
	}
	return resolve(name, o), params, nil
}

func resolve(path string, o Options) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(o.Dir, path)
}

func findPassword(ctx context.Context, path string, params url.Values, o Options) (string, error) {
	file, env := params.Get("password-file"), params.Get("password-env")
	for name, values := range params {
		if name != "password-file" && name != "password-env" {
			return "", errors.New("its URI has a parameter that is neither password-file nor password-env; a password itself does not belong there")
		}
		if len(values) > 1 {
			return "", fmt.Errorf("its URI gives %s twice", name)
		}
	}
	switch {
	case params.Has("password-file") && params.Has("password-env"):
		return "", errors.New("its URI gives both password-file and password-env: leave one out")
	case params.Has("password-file"):
		content, err := readSecretFile(resolve(file, o), "password")
		if err != nil {
			return "", err
		}
		// Editors end a file with a newline; a password may end with a blank.
		password := strings.TrimRight(string(content), "\r\n")
		if password == "" {
			return "", fmt.Errorf("password file %s is empty", resolve(file, o))
		}
		return password, nil
	case params.Has("password-env"):
		return lookup(env, "password", o)
	case o.Prompt != nil:
		password, err := o.Prompt(ctx, path)
		if err != nil {
			return "", fmt.Errorf("ask for its password: %w", err)
		}
		return password, nil
	}
	return "", errors.New("nobody can be asked for its password here: add ?password-file=PATH or ?password-env=NAME to its URI")
}

// readSecretFile reads a regular, small file that its owner alone can read.
func readSecretFile(path, what string) ([]byte, error) {
	// Opening a pipe would block, so look before opening; what counts is the look after.
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("%s file: %w", what, err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s file %s is not a regular file", what, path)
	}
	f, err := os.Open(path) // the operator names the file
	if err != nil {
		return nil, fmt.Errorf("%s file: %w", what, err)
	}
	defer func() { _ = f.Close() }()
	if info, err = f.Stat(); err != nil {
		return nil, fmt.Errorf("%s file: %w", what, err)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return nil, fmt.Errorf("%s file %s is open to other users (mode %#o): run chmod 600 %s, and treat its %s as known if they are not trusted", what, path, mode, path, what)
	}
	content, err := io.ReadAll(io.LimitReader(f, maxFileSize+1))
	if err != nil {
		return nil, fmt.Errorf("%s file: %w", what, err)
	}
	if len(content) > maxFileSize {
		return nil, fmt.Errorf("%s file %s is larger than %d bytes", what, path, maxFileSize)
	}
	return content, nil
}
