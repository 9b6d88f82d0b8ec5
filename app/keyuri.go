package app

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// moveKeyURI returns a key's URI that was given in the working directory as it must stand
// in a file of folder dir: there relative paths start from dir. It refuses a path at which
// nothing is, so that the mistake is not found at a daemon's start.
func moveKeyURI(uri, dir string) (string, error) {
	rest, isFile := strings.CutPrefix(uri, "file:")
	if !isFile {
		return uri, nil
	}
	escaped, query, hasQuery := strings.Cut(rest, "?")
	name, err := url.PathUnescape(escaped)
	if err != nil || name == "" {
		return "", fmt.Errorf("a file URI needs a path: file:PATH, with %% written as %%25")
	}
	if after, ok := strings.CutPrefix(name, "//"); ok {
		name = after
	}
	moved, err := movePath(name, dir)
	if err != nil {
		return "", fmt.Errorf("key file: %w", err)
	}
	out := "file:" + escapePath(moved)
	if !hasQuery {
		return out, nil
	}
	params := strings.Split(query, "&")
	for i, param := range params {
		value, ok := strings.CutPrefix(param, "password-file=")
		if !ok {
			continue
		}
		if value, err = url.QueryUnescape(value); err != nil {
			return "", fmt.Errorf("key file %s: its password-file cannot be read", name)
		}
		if value, err = movePath(value, dir); err != nil {
			return "", fmt.Errorf("password file: %w", err)
		}
		params[i] = "password-file=" + strings.ReplaceAll(url.QueryEscape(value), "%2F", "/")
	}
	return out + "?" + strings.Join(params, "&"), nil
}

// escapePath writes a path as it stands in a file URI.
func escapePath(path string) string {
	return (&url.URL{Path: "/" + path}).EscapedPath()[1:]
}

// movePath returns a path of the working directory as seen from dir.
func movePath(path, dir string) (string, error) {
	if _, err := os.Stat(path); err != nil {
		return "", err
	}
	if filepath.IsAbs(path) {
		return path, nil
	}
	from, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	to, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	return filepath.Rel(from, to)
}
