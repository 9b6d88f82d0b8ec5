// Command trine runs Trine's daemons and is the operator's and user's hand on them: one
// binary, a subcommand per role.
//
// Exit codes: 0 done, 1 failed, 2 wrong arguments or configuration, 3 the thing asked
// about is not there, 130 interrupted.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/trinebridge/trine/api"
	"github.com/trinebridge/trine/app"
)

func main() { os.Exit(run()) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root := newRoot()
	err := root.ExecuteContext(ctx)
	var usage *usageError
	var unknown *notKnownError
	var config *app.ConfigError
	switch {
	case err == nil:
		return 0
	case api.Unauthorized(err):
		fmt.Fprintf(os.Stderr, "trine: %v; name the daemon by --config FILE, or its token by --token-file DATA_DIR/api.token\n", err)
		return 2
	case errors.As(err, &usage), errors.As(err, &config), api.BadRequest(err):
		fmt.Fprintln(os.Stderr, "trine:", err)
		return 2
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		return 130
	case api.NotFound(err), errors.As(err, &unknown):
		fmt.Fprintln(os.Stderr, "trine:", err)
		return 3
	}
	fmt.Fprintln(os.Stderr, "trine:", err)
	return 1
}

// usageError is a mistake in the arguments or in a configuration file.
type usageError struct{ error }

// Unwrap returns the mistake.
func (e *usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...)} }

// notKnownError says that the thing asked about is not there.
type notKnownError struct{ error }
