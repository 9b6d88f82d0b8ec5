package chain

import (
	"errors"
	"fmt"
)

// Verdict says what the caller of a Source or Sink should do about an error.
type Verdict uint8

// The verdicts.
const (
	// Retry: a bad day on the network; the same call may work later.
	Retry Verdict = iota
	// Rewind: the pinned block is no longer canonical; start again from a new head.
	Rewind
	// Replace: the attempt is stuck or underpriced; make a replacement.
	Replace
	// Rebuild: the attempt can never land (nonce used, expired); build a new one.
	Rebuild
	// Done: the bridge is past it already; somebody delivered it.
	Done
	// Fatal: no repetition helps; a person must look.
	Fatal
)

// String returns the verdict's name.
func (v Verdict) String() string {
	return [...]string{"retry", "rewind", "replace", "rebuild", "done", "fatal"}[min(int(v), int(Fatal))]
}

var (
	// ErrAbsent is the proof that something is not there. It is an answer, not a failure.
	ErrAbsent = errors.New("chain: absent")
	// ErrFeeCap says that the network asks for more than the caps allow.
	ErrFeeCap = errors.New("chain: the network's fee is above the cap")
	// ErrDisagree says that too few endpoints gave the same answer.
	ErrDisagree = errors.New("chain: endpoints disagree")
	// ErrIncomplete says that an endpoint left events out, doubled or changed some.
	ErrIncomplete = errors.New("chain: incomplete events")
)

// Error is an error with a verdict.
type Error struct {
	Verdict Verdict
	Err     error
}

// Error implements error.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Errorf makes an error with a verdict.
func Errorf(v Verdict, format string, args ...any) error {
	return &Error{Verdict: v, Err: fmt.Errorf(format, args...)}
}

// VerdictOf returns what to do about err: its own verdict, or Retry for an error without one.
func VerdictOf(err error) Verdict {
	var e *Error
	if errors.As(err, &e) {
		return e.Verdict
	}
	return Retry
}
