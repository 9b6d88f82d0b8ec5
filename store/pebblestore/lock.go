package pebblestore

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// ownerFile names the process that has the folder. Only the lock counts; this file is
// there for the error that names whom to stop.
const ownerFile = "OWNER"

const unknownOwner = "a process that has not said its name"

// ErrInUse says that a process has the folder already.
var ErrInUse = errors.New("is in use")

// lockDir takes the folder for this process, and makes it first unless it is only read.
func lockDir(fs vfs.FS, dir string, readOnly bool) (*pebble.Lock, error) {
	if !readOnly {
		if err := fs.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("make folder %s: %w", dir, err)
		}
	}
	lock, err := pebble.LockDirectory(dir, fs)
	// A file that cannot be opened is no sign of an owner.
	var path *os.PathError
	switch {
	case errors.As(err, &path):
		return nil, fmt.Errorf("lock folder %s: %w", dir, err)
	case err != nil:
		return nil, fmt.Errorf("folder %s %w by %s: stop that process first, or give this one another folder (%w)", dir, ErrInUse, readOwner(fs, dir), err)
	case readOnly:
		return lock, nil
	}
	if err := writeOwner(fs, dir); err != nil {
		_ = lock.Close()
		return nil, err
	}
	return lock, nil
}

func writeOwner(fs vfs.FS, dir string) error {
	name := fs.PathJoin(dir, ownerFile)
	f, err := fs.Create(name, vfs.WriteCategoryUnspecified)
	if err != nil {
		return fmt.Errorf("create %s: %w", name, err)
	}
	_, err = fmt.Fprintf(f, "%s, process %d\n", filepath.Base(os.Args[0]), os.Getpid())
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

// readOwner returns what writeOwner wrote, or says that nobody can tell.
func readOwner(fs vfs.FS, dir string) string {
	f, err := fs.Open(fs.PathJoin(dir, ownerFile))
	if err != nil {
		return unknownOwner
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(io.LimitReader(f, 256))
	owner := strings.TrimSpace(string(text))
	if err != nil || owner == "" {
		return unknownOwner
	}
	return owner
}
