package ran

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/trinebridge/trine/internal/toolchain"
)

var of = flag.String("of", "", "a `file` that solanatest wrote: its report is printed at the end, and fails the run if it cannot be true")

func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	if *of != "" {
		if err := tell(*of); err != nil {
			fmt.Printf("the report of Solana tests: %v\n", err)
			code = 1
		}
	}
	os.Exit(code)
}

// tell prints the report and checks it against this machine.
func tell(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close() // it was only read
	report, err := Read(file)
	if err != nil {
		return err
	}
	fmt.Print(report)
	_, err = toolchain.Path(context.Background(), "solana-test-validator")
	if err != nil && !errors.Is(err, toolchain.ErrAbsent) {
		return err
	}
	return report.Check(err == nil)
}

func TestReport(t *testing.T) {
	const (
		onValidator = "ran\tsolana\tsolana-test-validator 4.1.2\n"
		onSurfpool  = "ran\tsolanatest\tSurfpool 1.2.0\nran\tsolana\tSurfpool 1.2.0\nran\tsolana\tSurfpool 1.2.0\n"
		leftOut     = "not run\tsolana\tTestLate\nnot run\te2e\tTestSolana/fees\nnot run\tsolana\tTestLate\n"
	)
	for _, test := range []struct {
		name, notes string
		validator   bool
		text, fault string // fault: what the check must say
	}{
		{"both chains", onSurfpool + onValidator, true,
			"Solana tests ran on Surfpool 1.2.0 (solana, solanatest)\n" +
				"Solana tests ran on solana-test-validator 4.1.2 (solana)\n" +
				"none was left out for want of a validator\n", ""},
		{"no validator", onSurfpool + leftOut, false,
			"Solana tests ran on Surfpool 1.2.0 (solana, solanatest)\n" +
				"left out, as there is no solana-test-validator: 2 tests\n  e2e: TestSolana/fees\n  solana: TestLate\n" +
				"to get one and run them: make solana-validator\n", ""},
		{"nothing ran", "", false, "none was left out for want of a validator\n", "no test started a Solana chain"},
		{"left out beside a validator", onValidator + leftOut, true,
			"Solana tests ran on solana-test-validator 4.1.2 (solana)\n" +
				"left out, as there is no solana-test-validator: 2 tests\n  e2e: TestSolana/fees\n  solana: TestLate\n" +
				"to get one and run them: make solana-validator\n", "e2e: TestSolana/fees, solana: TestLate"},
		{"a validator that nobody used", onSurfpool, true,
			"Solana tests ran on Surfpool 1.2.0 (solana, solanatest)\nnone was left out for want of a validator\n", "a validator ran: false"},
	} {
		t.Run(test.name, func(t *testing.T) {
			report, err := Read(strings.NewReader(test.notes))
			if err != nil {
				t.Fatal(err)
			}
			if got := report.String(); got != test.text {
				t.Errorf("the report is\n%swant\n%s", got, test.text)
			}
			switch err := report.Check(test.validator); {
			case test.fault == "" && err != nil:
				t.Errorf("the check says %v", err)
			case test.fault != "" && (err == nil || !strings.Contains(err.Error(), test.fault)):
				t.Errorf("the check says %v, want %q", err, test.fault)
			}
		})
	}
}

func TestReadRefuses(t *testing.T) {
	for _, notes := range []string{"\n", "ran\tsolana\n", "not run\tsolana\tTestLate\tlate\n", "crashed\tsolana\tTestLate\n"} {
		if report, err := Read(strings.NewReader(notes)); err == nil {
			t.Errorf("%q was read as %+v", notes, report)
		}
	}
}
