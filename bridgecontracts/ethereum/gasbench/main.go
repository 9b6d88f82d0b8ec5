// Command gasbench prints what the bridge's transactions cost beside their targets, and writes bench/gas.json.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"text/tabwriter"

	"github.com/trinebridge/trine/bridgecontracts/ethereum/internal/gasmeter"
)

func main() {
	out := flag.String("out", "bench/gas.json", "file to write; empty: none")
	flag.Parse()
	if err := run(*out); err != nil {
		fmt.Fprintln(os.Stderr, "gasbench:", err)
		os.Exit(1)
	}
}

func run(out string) error {
	report, err := gasmeter.Measure(context.Background())
	if err != nil {
		return err
	}
	if err := print(report); err != nil {
		return err
	}
	if out == "" {
		return nil
	}
	data, err := json.MarshalIndent(report, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(out, append(data, '\n'), 0o644)
}

func print(report *gasmeter.Report) error {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "whole transactions, %s\tgas\ttarget\troom\t\n", report.Fork)
	for _, name := range slices.Sorted(maps.Keys(report.EVM)) {
		gas, target := report.EVM[name], gasmeter.Targets[name]
		if target == 0 {
			fmt.Fprintf(w, "%s\t%d\t\t\t\n", name, gas)
			continue
		}
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t\n", name, gas, target, int64(target)-int64(gas)) // gas of one transaction
	}
	return w.Flush()
}
