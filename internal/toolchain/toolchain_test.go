package toolchain

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestPathFindsAToolThatRuns(t *testing.T) {
	path, err := Path(t.Context(), "anvil")
	if err != nil {
		t.Fatal(err)
	}
	if !filepath.IsAbs(path) {
		t.Errorf("path %q is not absolute", path)
	}
	out, err := exec.CommandContext(t.Context(), path, "--version").CombinedOutput()
	if err != nil || !strings.HasPrefix(string(out), "anvil Version: ") {
		t.Errorf("%s --version: %v: %s", path, err, out)
	}
}

func TestPathOfAnUnknownToolNamesTheKnownOnes(t *testing.T) {
	_, err := Path(t.Context(), "hammer")
	if err == nil || !strings.Contains(err.Error(), "unknown tool 'hammer'") || !strings.Contains(err.Error(), "anvil") {
		t.Errorf("want an error that names hammer and the known tools, got %v", err)
	}
}

func TestOutsideACheckoutTheErrorSaysSo(t *testing.T) {
	t.Chdir(t.TempDir())
	_, err := Path(t.Context(), "anvil")
	if err == nil || !strings.Contains(err.Error(), "run this inside a checkout") {
		t.Errorf("want an error that says where to run, got %v", err)
	}
}

func TestTheValidatorIsTakenFromWhereItIs(t *testing.T) {
	own := filepath.Join(t.TempDir(), "solana-test-validator")
	if err := os.WriteFile(own, []byte("#!/bin/sh\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TRINE_CACHE", t.TempDir())
	t.Setenv("SOLANA_TEST_VALIDATOR", "")
	path := os.Getenv("PATH")
	if found, err := exec.LookPath("solana-test-validator"); err == nil {
		path = strings.ReplaceAll(path, filepath.Dir(found), "")
	}
	t.Setenv("PATH", path)
	if _, err := Path(t.Context(), "solana-test-validator"); !errors.Is(err, ErrAbsent) || !strings.Contains(err.Error(), "make solana-validator") {
		t.Errorf("without one: want ErrAbsent and the command that gets one, got %v", err)
	}
	t.Setenv("PATH", filepath.Dir(own)+":"+path)
	if found, err := Path(t.Context(), "solana-test-validator"); found != own || err != nil {
		t.Errorf("on PATH: want %s, got %q, %v", own, found, err)
	}
	t.Setenv("PATH", path)
	t.Setenv("SOLANA_TEST_VALIDATOR", own)
	if found, err := Path(t.Context(), "solana-test-validator"); found != own || err != nil {
		t.Errorf("by the variable: want %s, got %q, %v", own, found, err)
	}
	t.Setenv("SOLANA_TEST_VALIDATOR", own+".gone")
	if _, err := Path(t.Context(), "solana-test-validator"); err == nil || errors.Is(err, ErrAbsent) || !strings.Contains(err.Error(), own+".gone") {
		t.Errorf("a variable that names nothing: want an error with the name, got %v", err)
	}
}
