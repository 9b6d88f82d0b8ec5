package toolchain

import (
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
