package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/trinebridge/trine/devnet"
)

func devnetCommand(o *options) *cobra.Command {
	var config devnet.Config
	var demo, solana bool
	var endpoints []string
	cmd := &cobra.Command{
		Use: "devnet", Short: "Run a whole network on this machine", GroupID: "setup", Args: cobra.NoArgs,
		Long: `Run a whole network on this machine: 1 processor, 3 listeners, 3 approvers and 1 submitter as separate processes,
on two embedded EVM chains, with --solana on an embedded EVM chain and a Solana chain, or on the endpoints given
with --rpc (development chains: anvil, whose first well-known account pays, or solana-test-validator, whose
faucet pays). It runs until it is interrupted; with --demo it plays deposits, transfers and withdrawals through
the network and ends. The embedded Solana chain is Surfpool, by Node.js: in a checkout it is installed when it is
missing, elsewhere TRINE_SURFPOOL is the path of its surfpool.node.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			binary, err := os.Executable()
			if err != nil {
				return err
			}
			config.Binary = binary
			if cmd.Flags().Changed("rpc") && len(endpoints) == 0 {
				return usagef("--rpc names no endpoint; leave it out for embedded chains")
			}
			for _, endpoint := range endpoints {
				config.Chains = append(config.Chains, devnet.ChainConfig{Endpoint: endpoint})
			}
			if solana {
				config.Families = []string{"eip155", "solana"}
			}
			config.Log = slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), nil))
			return o.runDevnet(cmd, config, demo)
		},
	}
	cmd.Flags().StringVar(&config.Dir, "dir", "", "folder for files, data and logs (default: a temporary one, removed at the end)")
	cmd.Flags().StringSliceVar(&endpoints, "rpc", nil, "JSON-RPC URLs of development chains, one chain each (default: embedded chains)")
	cmd.Flags().BoolVar(&solana, "solana", false, "an EVM chain and a Solana chain; with --rpc, the endpoints must be of both kinds")
	cmd.Flags().BoolVar(&demo, "demo", false, "play the demonstration, print a table, and end")
	return cmd
}

func (o *options) runDevnet(cmd *cobra.Command, config devnet.Config, demo bool) (err error) {
	ctx := cmd.Context()
	began := time.Now()
	n, err := devnet.Start(ctx, config)
	if err != nil {
		return o.demoFailed(cmd, demo, devnet.Report{Steps: []devnet.Step{}}, err)
	}
	defer func() { err = errors.Join(err, n.Stop()) }()
	o.progress(cmd, "the network is up after %s", time.Since(began).Round(time.Millisecond))
	if demo {
		return o.playDemo(cmd, n)
	}
	if err := o.show(cmd, describeNetwork(n), func(w io.Writer) { writeNetwork(w, n) }); err != nil {
		return err
	}
	<-ctx.Done()
	if errors.Is(context.Cause(ctx), context.Canceled) {
		return nil // an interrupt is how a devnet ends
	}
	return context.Cause(ctx)
}

type networkInfo struct {
	Dir     string             `json:"dir"`
	Chains  []*devnet.External `json:"chains"`
	Daemons []daemonInfo       `json:"daemons"`
}

type daemonInfo struct {
	Name string `json:"name"`
	API  string `json:"api"`
	Log  string `json:"log"`
}

func describeNetwork(n *devnet.Network) networkInfo {
	info := networkInfo{Dir: n.Dir, Chains: n.Chains}
	for _, d := range n.Daemons {
		info.Daemons = append(info.Daemons, daemonInfo{d.Name, d.API, d.Log()})
	}
	return info
}

func writeNetwork(w io.Writer, n *devnet.Network) {
	t := newTable(w, "chain", "endpoint", "bridge", "test token")
	for _, x := range n.Chains {
		t.AppendRow(table.Row{x.ID, x.Endpoint, x.Bridge, x.Token})
	}
	t.Render()
	t = newTable(w, "daemon", "api", "log")
	for _, d := range n.Daemons {
		t.AppendRow(table.Row{d.Name, d.API, d.Log()})
	}
	t.Render()
	_, _ = fmt.Fprintln(w, "interrupt to end the network; trine --api URL status looks at a daemon")
}

func (o *options) playDemo(cmd *cobra.Command, n *devnet.Network) error {
	report, err := devnet.Demonstrate(cmd.Context(), n, func(step devnet.Step, what string) {
		o.progress(cmd, "%8.3fs  %-60s %s\n           %s", float64(step.MS)/1000, step.Name, step.Chain, what)
	})
	if err != nil {
		return o.demoFailed(cmd, true, report, err)
	}
	return o.show(cmd, report, func(w io.Writer) {
		t := newTable(w, "step", "chain", "transaction", "ms", "gas")
		for _, s := range report.Steps {
			t.AppendRow(table.Row{s.Name, s.Chain, s.Tx, s.MS, s.Gas})
		}
		t.AppendFooter(table.Row{"invariant " + report.Invariant, "", "", "", ""})
		t.Render()
	})
}

// demoFailed keeps the promise of one JSON object at the end, also when something failed.
func (o *options) demoFailed(cmd *cobra.Command, demo bool, report devnet.Report, err error) error {
	if demo && o.json {
		return errors.Join(err, json.NewEncoder(cmd.OutOrStdout()).Encode(report))
	}
	return err
}
