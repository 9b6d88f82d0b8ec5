package pebblestore

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/cockroachdb/pebble/v2"

	"github.com/trinebridge/trine/store"
)

// listener turns Pebble's events into log lines, and those after which the store's content
// is in doubt into its failure.
func listener(log *slog.Logger, f *failure) *pebble.EventListener {
	debug := func(what string, info fmt.Stringer) {
		if log.Enabled(context.Background(), slog.LevelDebug) {
			log.Debug("store: "+what, "detail", info.String())
		}
	}
	l := &pebble.EventListener{
		BackgroundError: func(err error) {
			if !f.stopped() {
				log.Warn("store: background work failed and is tried again", "err", err)
			}
		},
		DataCorruption: func(info pebble.DataCorruptionInfo) {
			f.set(store.Corruptf("%s: %w; restore the folder from a backup or sync it anew", info.Path, info.Details))
		},
		DiskSlow: func(info pebble.DiskSlowInfo) { log.Warn("store: the disk is slow", "detail", info.String()) },
		LowDiskSpace: func(info pebble.LowDiskSpaceInfo) {
			log.Warn("store: the disk is almost full", "detail", info.String())
		},
		WriteStallBegin: func(info pebble.WriteStallBeginInfo) {
			log.Warn("store: writes wait for the disk", "reason", info.Reason)
		},
		WriteStallEnd: func() { log.Info("store: writes go on") },
		FlushEnd:      func(info pebble.FlushInfo) { debug("flushed", info) },
		CompactionEnd: func(info pebble.CompactionInfo) { debug("compacted", info) },
		WALCreated:    func(info pebble.WALCreateInfo) { debug("log created", info) },
		PossibleAPIMisuse: func(info pebble.PossibleAPIMisuseInfo) {
			log.Warn("store: unexpected use", "detail", info.String())
		},
	}
	l.EnsureDefaults(nil)
	return l
}

// logger is where Pebble says the rest.
type logger struct {
	log     *slog.Logger
	failure *failure
}

func (l logger) Infof(format string, args ...any) {
	if l.log.Enabled(context.Background(), slog.LevelDebug) {
		l.log.Debug("store: " + fmt.Sprintf(format, args...))
	}
}

func (l logger) Errorf(format string, args ...any) {
	if !l.failure.stopped() {
		l.log.Warn("store: " + fmt.Sprintf(format, args...))
	}
}

// Fatalf is called when Pebble cannot vouch for its state any more. It returns, against
// Pebble's custom of ending the process, because the fence is closed from here on and
// every caller is told.
func (l logger) Fatalf(format string, args ...any) { l.failure.set(fmt.Errorf(format, args...)) }
