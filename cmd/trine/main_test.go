package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/cobra"

	"github.com/trinebridge/trine/api"
)

var update = flag.Bool("update", false, "write golden files instead of comparing")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"trine": main})
}

// TestScripts runs the program as its users do; see testdata/script. Besides testscript's
// own commands there are:
//
//	exits CODE COMMAND ARG…   run a command that must end with this exit code
//	field VARIABLE PATH       set a variable from the JSON in stdout, as in daemons.0.api
//	await URL                 wait until a daemon's API answers
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"),
		Setup: func(env *testscript.Env) error {
			env.Setenv("TRINE_API", "")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "field": field, "await": await},
	})
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND ARG…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if stderr := ts.ReadFile("stderr"); strings.Contains(stderr, "goroutine ") {
		ts.Fatalf("it panicked:\n%s", stderr)
	}
	if got != want {
		ts.Fatalf("exit code is %d, want %d", got, want)
	}
}

func field(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: field VARIABLE PATH")
	}
	var v any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &v))
	for step := range strings.SplitSeq(args[1], ".") {
		switch x := v.(type) {
		case map[string]any:
			v = x[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i >= len(x) {
				ts.Fatalf("no element %q in %v", step, x)
			}
			v = x[i]
		}
	}
	if v == nil {
		ts.Fatalf("there is no %s in stdout", args[1])
	}
	ts.Setenv(args[0], fmt.Sprint(v))
}

func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: await URL")
	}
	client, err := api.NewClient(args[0])
	ts.Check(err)
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	timeout := time.NewTimer(time.Minute)
	defer timeout.Stop()
	for {
		if _, err = client.Network(context.Background()); err == nil {
			return
		}
		select {
		case <-ticker.C:
		case <-timeout.C:
			ts.Fatalf("%v", err)
		}
	}
}

// TestHelp holds the help of every command against testdata/help.txt.
func TestHelp(t *testing.T) {
	t.Setenv("TRINE_API", "")
	var out bytes.Buffer
	walk(newRoot(), func(cmd *cobra.Command) {
		args := append(strings.Fields(cmd.CommandPath())[1:], "--help")
		fmt.Fprintf(&out, "$ trine %s\n", strings.Join(args, " "))
		root := newRoot()
		root.SetOut(&out)
		root.SetArgs(args)
		if err := root.Execute(); err != nil {
			t.Errorf("%v: %v", args, err)
		}
		out.WriteByte('\n')
		if cmd.Short == "" {
			t.Errorf("%s says not what it does", cmd.CommandPath())
		}
		if !cmd.HasSubCommands() && cmd.Long == "" && cmd.Example == "" {
			t.Errorf("%s shows nowhere how it is used", cmd.CommandPath())
		}
		if cmd.RunE == nil && cmd.Run == nil {
			t.Errorf("%s does nothing", cmd.CommandPath())
		}
	})
	golden := filepath.Join("testdata", "help.txt")
	if *update {
		if err := os.WriteFile(golden, out.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(out.Bytes(), want) {
		t.Errorf("the help is not that of %s any more; look at it and run go test ./cmd/trine -update:\n%s", golden, out.Bytes())
	}
}

func walk(cmd *cobra.Command, visit func(*cobra.Command)) {
	visit(cmd)
	for _, sub := range cmd.Commands() {
		walk(sub, visit)
	}
}
