// Package toolchain finds the pinned programs that tests run against, for example anvil, solc and Surfpool.
//
// They lie in the tool cache that scripts/tools.sh fills. [Path] has the script install what is missing, so that a plain
// go test works on a fresh machine; when it cannot, the error carries the script's own words. Only solana-test-validator, which
// takes long to build, is not installed unasked.
package toolchain

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const script = "scripts/tools.sh"

// ErrAbsent is a tool that is not there and is not installed unasked.
var ErrAbsent = errors.New("it is not installed")

// absentCode is the script's exit code for that.
const absentCode = 4

// Path returns the absolute path of a tool, for example "anvil". The working directory must lie in the checkout, as it does
// in tests. The first call on a machine downloads; ctx bounds it. Errors: [ErrAbsent] and what the script says.
func Path(ctx context.Context, name string) (string, error) {
	root, err := checkout()
	if err != nil {
		return "", fmt.Errorf("finding %s: %w", name, err)
	}
	cmd := exec.CommandContext(ctx, filepath.Join(root, script), "path", name)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		if exit := new(exec.ExitError); errors.As(err, &exit) && exit.ExitCode() == absentCode {
			err = ErrAbsent
		}
		return "", fmt.Errorf("finding %s by %s: %w: %s", name, script, err, strings.TrimSpace(stderr.String()))
	}
	return strings.TrimSpace(stdout.String()), nil
}

// checkout finds the folder above the working directory that holds the script.
func checkout() (string, error) {
	start, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for dir := start; ; dir = filepath.Dir(dir) {
		switch _, err := os.Stat(filepath.Join(dir, script)); {
		case err == nil:
			return dir, nil
		case !errors.Is(err, fs.ErrNotExist):
			return "", err
		case dir == filepath.Dir(dir):
			return "", fmt.Errorf("no folder from %s upwards holds %s: run this inside a checkout", start, script)
		}
	}
}
