package pebblestore

import (
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

// lockDir takes the folder for this process.
func lockDir(fs vfs.FS, dir string) (*pebble.Lock, error) {
	if err := fs.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make folder %s: %w", dir, err)
	}
	lock, err := pebble.LockDirectory(dir, fs)
	if err != nil {
		if owner := readOwner(fs, dir); owner != "" {
			return nil, fmt.Errorf("folder %s is in use by %s: stop that process first, or give this one another folder (%w)", dir, owner, err)
		}
		return nil, fmt.Errorf("lock folder %s: %w", dir, err)
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

// readOwner returns what writeOwner wrote, or "" when that cannot be known.
func readOwner(fs vfs.FS, dir string) string {
	f, err := fs.Open(fs.PathJoin(dir, ownerFile))
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(io.LimitReader(f, 256))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}
