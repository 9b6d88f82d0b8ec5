// Package ran tells which Solana chains a run of all tests used, and what it left out for want of a validator.
//
// internal/solanatest notes both in a file while the tests run. [Read] makes a [Report] of the file. scripts/test.sh has go
// test print it at the very end, by
//
//	go test -args -of FILE
//
// in this folder, so that a run's last words are go test's own and say what was not tried. That fails when the file shows
// that no chain was started, and when it says that there was no validator on a machine that has one.
package ran

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// Report is what the packages of one run noted.
type Report struct {
	Chains map[string][]string // by the chain's name and version, the folders whose tests started one; sorted
	Left   []string            // the tests that were left out, as "folder: test"; sorted
}

// Read reads the notes: lines of what happened, the folder and a detail, between tabs. Tests that ran twice count once.
func Read(r io.Reader) (Report, error) {
	report := Report{Chains: map[string][]string{}}
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		fields := strings.Split(lines.Text(), "\t")
		switch {
		case len(fields) == 3 && fields[0] == "ran":
			report.Chains[fields[2]] = append(report.Chains[fields[2]], fields[1])
		case len(fields) == 3 && fields[0] == "not run":
			report.Left = append(report.Left, fields[1]+": "+fields[2])
		default:
			return Report{}, fmt.Errorf("a line is %q: want \"ran\" or \"not run\", a folder and a detail, between tabs", lines.Text())
		}
	}
	report.Left = sorted(report.Left)
	for chain, folders := range report.Chains {
		report.Chains[chain] = sorted(folders)
	}
	return report, lines.Err()
}

func sorted(of []string) []string {
	slices.Sort(of)
	return slices.Compact(of)
}

// Check says where the report cannot be true, or tells of less than a run of all tests does. validator is whether this
// machine has one.
func (r Report) Check(validator bool) error {
	var faults []error
	if len(r.Chains) == 0 {
		faults = append(faults, errors.New("no test started a Solana chain"))
	}
	if validator && len(r.Left) > 0 {
		faults = append(faults, fmt.Errorf("there is a validator, and yet these tests were left out for want of one: %s", strings.Join(r.Left, ", ")))
	}
	if validator != r.validator() && len(r.Chains) > 0 {
		faults = append(faults, fmt.Errorf("a validator ran: %t; this machine has one: %t", r.validator(), validator))
	}
	return errors.Join(faults...)
}

func (r Report) validator() bool {
	for chain := range r.Chains {
		if strings.HasPrefix(chain, "solana-test-validator ") {
			return true
		}
	}
	return false
}

// String is what a reader of the run's end needs, in whole lines.
func (r Report) String() string {
	var b strings.Builder
	for _, chain := range slices.Sorted(maps.Keys(r.Chains)) {
		fmt.Fprintf(&b, "Solana tests ran on %s (%s)\n", chain, strings.Join(r.Chains[chain], ", "))
	}
	if len(r.Left) == 0 {
		return b.String() + "none was left out for want of a validator\n"
	}
	fmt.Fprintf(&b, "left out, as there is no solana-test-validator: %d tests\n", len(r.Left))
	for _, test := range r.Left {
		fmt.Fprintf(&b, "  %s\n", test)
	}
	return b.String() + "to get one and run them: make solana-validator\n"
}
