package pebblestore

import (
	"fmt"
	"log/slog"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// failure is the first thing that went wrong. It is set once and never taken back.
type failure struct {
	log   *slog.Logger
	cause atomic.Pointer[error]
	known chan struct{} // closed once there is a cause
}

// set records the first error and logs it, because it may have come up where no caller
// waits for an answer.
func (f *failure) set(err error) {
	if f.cause.CompareAndSwap(nil, &err) {
		close(f.known)
		f.log.Error("store stopped: nothing more is written; mend the disk and start again", "err", err)
	}
}

// err returns the first error, or nil.
func (f *failure) err() error {
	if cause := f.cause.Load(); cause != nil {
		return *cause
	}
	return nil
}

func (f *failure) stopped() bool { return f.cause.Load() != nil }

// attempt runs a write unless the store has stopped. Its error stops the store and is not
// handed to Pebble, which would end the process (a failed log rotation unlocks a mutex
// twice, and that cannot be recovered from). The security of this rests on order: the
// failure is recorded before Pebble can tell a committer that its sync is done, and the
// committer looks for it after that.
func (f *failure) attempt(op, name string, write func() error) {
	if f.stopped() {
		return
	}
	if err := write(); err != nil {
		f.set(fmt.Errorf("%s %s: %w", op, name, err))
	}
}

// fence is a file system that lets writes through up to the first that fails. After that
// it takes all of them and does nothing. Reads go through and may fail as they like.
type fence struct {
	vfs.FS
	failure *failure
}

// Unwrap implements vfs.FS.
func (f *fence) Unwrap() vfs.FS { return f.FS }

// open makes a file by fn, or one that swallows what is written to it.
func (f *fence) open(op, name string, fn func() (vfs.File, error)) (vfs.File, error) {
	var file vfs.File
	f.failure.attempt(op, name, func() (err error) {
		file, err = fn()
		return err
	})
	if file == nil {
		file = vfs.NewMemFile(nil)
	}
	return &fencedFile{File: file, name: name, failure: f.failure}, nil
}

func (f *fence) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	return f.open("create", name, func() (vfs.File, error) { return f.FS.Create(name, category) })
}

func (f *fence) OpenReadWrite(name string, category vfs.DiskWriteCategory, opts ...vfs.OpenOption) (vfs.File, error) {
	return f.open("open for writing", name, func() (vfs.File, error) { return f.FS.OpenReadWrite(name, category, opts...) })
}

func (f *fence) ReuseForWrite(oldname, newname string, category vfs.DiskWriteCategory) (vfs.File, error) {
	return f.open("reuse", newname, func() (vfs.File, error) { return f.FS.ReuseForWrite(oldname, newname, category) })
}

// OpenDir opens a folder for syncing, so it counts as a write.
func (f *fence) OpenDir(name string) (vfs.File, error) {
	return f.open("open folder", name, func() (vfs.File, error) { return f.FS.OpenDir(name) })
}

func (f *fence) Link(oldname, newname string) error {
	f.failure.attempt("link", newname, func() error { return f.FS.Link(oldname, newname) })
	return nil
}

func (f *fence) Rename(oldname, newname string) error {
	f.failure.attempt("rename", newname, func() error { return f.FS.Rename(oldname, newname) })
	return nil
}

// Remove deletes nothing once the store has stopped: what Pebble believes to be obsolete
// may by then be the only copy. A file that cannot be removed takes room, no more.
func (f *fence) Remove(name string) error {
	if f.failure.stopped() {
		return nil
	}
	return f.FS.Remove(name)
}

func (f *fence) RemoveAll(name string) error {
	if f.failure.stopped() {
		return nil
	}
	return f.FS.RemoveAll(name)
}

// fencedFile is a file of a fence.
type fencedFile struct {
	vfs.File
	name    string
	failure *failure
}

func (f *fencedFile) Write(p []byte) (int, error) {
	f.failure.attempt("write", f.name, func() error {
		_, err := f.File.Write(p)
		return err
	})
	return len(p), nil
}

func (f *fencedFile) WriteAt(p []byte, off int64) (int, error) {
	f.failure.attempt("write", f.name, func() error {
		_, err := f.File.WriteAt(p, off)
		return err
	})
	return len(p), nil
}

func (f *fencedFile) Sync() error {
	f.failure.attempt("sync", f.name, f.File.Sync)
	return nil
}

func (f *fencedFile) SyncData() error {
	f.failure.attempt("sync", f.name, f.File.SyncData)
	return nil
}

func (f *fencedFile) SyncTo(length int64) (fullSync bool, err error) {
	f.failure.attempt("sync", f.name, func() (err error) {
		fullSync, err = f.File.SyncTo(length)
		return err
	})
	return fullSync, nil
}

func (f *fencedFile) Preallocate(offset, length int64) error {
	if f.failure.stopped() {
		return nil
	}
	return f.File.Preallocate(offset, length)
}

// Close always closes, so that a stopped store leaves no descriptor behind.
func (f *fencedFile) Close() error {
	if err := f.File.Close(); err != nil {
		f.failure.set(fmt.Errorf("close %s: %w", f.name, err))
	}
	return nil
}
