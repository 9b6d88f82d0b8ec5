package app

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"github.com/trinebridge/trine/api"
)

// tokenFile in the data folder holds what the operator's requests to the API must bear.
const tokenFile = "api.token"

// Bounds of a token, in characters: the shortest cannot be guessed, the longest is a line.
const (
	minToken = 32
	maxToken = 256
)

// Contact is how the operator's commands reach a daemon.
type Contact struct {
	// API is the address of its API, as in http://127.0.0.1:7001; empty if it has none or
	// takes any free port.
	API string
	// TokenFile is made by the daemon at its first start.
	TokenFile string
}

// ReadContact reads from a daemon's file where the daemon is reached. The rest of the file
// may be anything: what the daemon itself needs, such as variables of its environment, an
// operator's terminal need not have.
func ReadContact(path string) (Contact, error) {
	data, err := os.ReadFile(path) // the operator names the file
	if err != nil {
		return Contact{}, fmt.Errorf("configuration: %w", err)
	}
	config := Config{path: path}
	if err := toml.Unmarshal(data, &config); err != nil {
		return Contact{}, fmt.Errorf("configuration %s: %w", path, err)
	}
	if config.DataDir == "" {
		return Contact{}, fmt.Errorf("configuration %s: data_dir is not set; is it a daemon's file?", path)
	}
	c := Contact{TokenFile: filepath.Join(config.Resolve(config.DataDir), tokenFile)}
	if listen := config.API.Listen; listen != "" {
		if err := checkLoopback(listen); err != nil {
			return c, fmt.Errorf("configuration %s: %w", path, err)
		}
		if _, port, err := net.SplitHostPort(listen); err == nil && port != "0" {
			c.API = "http://" + listen
		}
	}
	return c, nil
}

// ReadToken reads a daemon's token. A file that other users can read is refused, for
// whoever reads it can vote and pause.
func ReadToken(path string) (string, error) {
	f, err := os.Open(path) // the operator names the file
	if err != nil {
		return "", fmt.Errorf("token file: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", fmt.Errorf("token file: %w", err)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return "", fmt.Errorf("token file %s is open to other users (mode %#o): run chmod 600 %s; if they are not trusted, remove it and restart the daemon, which makes a new one", path, mode, path)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxToken+2))
	if err != nil {
		return "", fmt.Errorf("token file: %w", err)
	}
	token := strings.TrimSpace(string(text))
	// The content is secret, so no error repeats a part of it.
	if len(token) < minToken || len(token) > maxToken || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", fmt.Errorf("token file %s does not hold a token of %d to %d printable characters; remove it and restart the daemon, which makes a new one", path, minToken, maxToken)
	}
	return token, nil
}

// loadOrCreateToken returns the token in the file, or makes the file with a new one.
func loadOrCreateToken(path string) (string, error) {
	token, err := ReadToken(path)
	if !errors.Is(err, os.ErrNotExist) {
		return token, err
	}
	secret := make([]byte, minToken)
	_, _ = rand.Read(secret) // never fails
	token = hex.EncodeToString(secret)
	// A reader sees the whole token or none.
	f, err := os.CreateTemp(filepath.Dir(path), tokenFile+"-*") // mode 0600
	if err != nil {
		return "", fmt.Errorf("token file: %w", err)
	}
	_, err = f.WriteString(token + "\n")
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return "", fmt.Errorf("token file: %w", errors.Join(err, os.Remove(f.Name())))
	}
	return token, nil
}

// OpenClient returns a client of the daemon with this file, as its operator. A daemon that
// was never started has no token yet: then the client can only look.
func OpenClient(path string) (*api.Client, error) {
	contact, err := ReadContact(path)
	if err != nil {
		return nil, err
	}
	if contact.API == "" {
		return nil, fmt.Errorf("configuration %s: api.listen names no port, so nobody can be asked", path)
	}
	client, err := api.NewClient(contact.API)
	if err != nil {
		return nil, err
	}
	token, err := ReadToken(contact.TokenFile)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	return client.WithToken(token), nil
}
