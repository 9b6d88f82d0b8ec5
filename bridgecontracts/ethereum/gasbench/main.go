// Command gasbench prints what the bridges' transactions cost beside their targets, and writes bench/gas.json. It measures
// Ethereum's; Solana's it takes from the file that the program's tests wrote, or leaves as they are.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"text/tabwriter"

	"github.com/trinebridge/trine/bridgecontracts/ethereum/internal/gasmeter"
)

func main() {
	out := flag.String("out", "bench/gas.json", "file to write; empty: none")
	solana := flag.String("solana", "", "what the Solana program's tests measured; empty: what the file to write has")
	flag.Parse()
	if err := run(*out, *solana); err != nil {
		fmt.Fprintln(os.Stderr, "gasbench:", err)
		os.Exit(1)
	}
}

// measured is what the Solana program's tests write.
type measured struct {
	Programs map[string]string `json:"programs"`
	Targets  map[string]uint64 `json:"targets"`
	Units    map[string]uint64 `json:"units"`
}

func run(out, solana string) error {
	report, err := gasmeter.Measure(context.Background())
	if err != nil {
		return err
	}
	if err := print("whole transactions, "+report.Fork+"\tgas", report.EVM, gasmeter.Targets); err != nil {
		return err
	}
	if solana != "" {
		err = addSolana(report, solana)
	} else {
		err = keepSolana(report, out)
	}
	if err != nil || out == "" {
		return err
	}
	data, err := json.MarshalIndent(report, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(out, append(data, '\n'), 0o644)
}

// addSolana prints the figures in a file and adds them to the report.
func addSolana(report *gasmeter.Report, file string) error {
	var m measured
	if err := read(file, &m); err != nil {
		return err
	}
	report.Solana, report.SolanaPrograms = m.Units, m.Programs
	fmt.Println()
	for _, name := range slices.Sorted(maps.Keys(m.Programs)) {
		fmt.Printf("%s: %s\n", name, m.Programs[name])
	}
	return print("whole transactions, Solana\tcompute units", m.Units, m.Targets)
}

// keepSolana takes over the figures of the report that is about to be written anew, if there is one.
func keepSolana(report *gasmeter.Report, out string) error {
	var old gasmeter.Report
	if err := read(out, &old); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	report.Solana, report.SolanaPrograms = old.Solana, old.SolanaPrograms
	return nil
}

func read(file string, into any) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}

func print(title string, figures, targets map[string]uint64) error {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "%s\ttarget\troom\t\n", title)
	for _, name := range slices.Sorted(maps.Keys(figures)) {
		cost, target := figures[name], targets[name]
		if target == 0 {
			fmt.Fprintf(w, "%s\t%d\t\t\t\n", name, cost)
			continue
		}
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t\n", name, cost, target, int64(target)-int64(cost)) // both of one transaction
	}
	return w.Flush()
}
