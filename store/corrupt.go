package store

import (
	"errors"
	"fmt"
)

// errCorrupt is the mark that IsCorruption looks for.
var errCorrupt = errors.New("store is damaged")

// Corruptf makes an error that says what was read from a store and cannot be right: a
// record that does not decode, a hash that does not match, an entry that must be there.
// It takes %w like fmt.Errorf.
func Corruptf(format string, args ...any) error {
	return MarkCorrupt(fmt.Errorf(format, args...))
}

// MarkCorrupt marks an error as corruption, whatever its text. Nil stays nil.
func MarkCorrupt(err error) error {
	if err == nil || IsCorruption(err) {
		return err
	}
	return corruption{err}
}

// IsCorruption reports whether the error says that what is on the disk is damaged: trying
// again does not help, and whoever meets it stops. What the operator can do then depends
// on the role: an older copy under a seat's key would have forgotten what it has signed.
func IsCorruption(err error) bool { return errors.Is(err, errCorrupt) }

type corruption struct{ error }

func (c corruption) Unwrap() error { return c.error }

func (c corruption) Is(target error) bool { return target == errCorrupt }
