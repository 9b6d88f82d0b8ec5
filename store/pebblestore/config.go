package pebblestore

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Config says where a store is and how much memory it takes. Only Dir must be set.
type Config struct {
	// Dir is the store's own folder. It is made when it is absent.
	Dir string
	// CacheBytes bounds the cache of blocks that were read; 64 MiB when zero.
	CacheBytes int64
	// MemTableBytes bounds each of the two tables that collect writes in memory, and so
	// the log that a start after a crash reads again; 32 MiB when zero.
	MemTableBytes int64
	// ReadOnly opens a folder that is there, and leaves it as it is. It has the folder all
	// the same: nobody else can open it meanwhile. Commits fail.
	ReadOnly bool
	// FS is the file system; the operating system's when nil. Tests put a crashable
	// in-memory one (vfs.NewCrashableMem) or a failing one (errorfs) here.
	FS vfs.FS
	// Log takes the store's events; they are dropped when it is nil.
	Log *slog.Logger
}

const (
	defaultCacheBytes    = 64 << 20
	defaultMemTableBytes = 32 << 20
	minMemTableBytes     = 64 << 10
	maxMemTableBytes     = 1 << 30
)

// Validate reports every fault at once.
func (c Config) Validate() error {
	var faults []error
	if c.Dir == "" {
		faults = append(faults, errors.New("no folder is given"))
	}
	if c.CacheBytes < 0 {
		faults = append(faults, fmt.Errorf("cache of %d bytes; give 0 for the default or a positive number", c.CacheBytes))
	}
	if m := c.MemTableBytes; m != 0 && (m < minMemTableBytes || m > maxMemTableBytes) {
		faults = append(faults, fmt.Errorf("memory table of %d bytes; give 0 for the default or from %d to %d", m, minMemTableBytes, maxMemTableBytes))
	}
	if len(faults) > 0 {
		return fmt.Errorf("pebblestore: configuration: %w", errors.Join(faults...))
	}
	return nil
}

func (c Config) withDefaults() Config {
	if c.CacheBytes == 0 {
		c.CacheBytes = defaultCacheBytes
	}
	if c.MemTableBytes == 0 {
		c.MemTableBytes = defaultMemTableBytes
	}
	if c.FS == nil {
		c.FS = vfs.Default
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}
