package main

import (
	"fmt"
	"io"

	"github.com/holiman/uint256"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/trinebridge/trine/api"
	"github.com/trinebridge/trine/app"
	"github.com/trinebridge/trine/internal/units"
)

func daemonCommands(o *options) []*cobra.Command {
	short := map[app.Role]string{
		app.RoleProcessor: "Order transactions, make blocks, and collect signatures",
		app.RoleListener:  "Watch bridges and attest what they report",
		app.RoleApprover:  "Check actions against the chains and sign them",
		app.RoleSubmitter: "Deliver sealed actions to bridges and pay for it",
		app.RoleNode:      "Follow the app chain and serve the API",
	}
	var commands []*cobra.Command
	for _, role := range app.Roles {
		cmd := roleCommand(role, short[role])
		if role == app.RoleSubmitter {
			cmd.AddCommand(submitterBalanceCommand(o), submitterCapsCommand(o))
		}
		commands = append(commands, cmd)
	}
	return commands
}

func roleCommand(role app.Role, short string) *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use: string(role) + " --config FILE", Short: short, GroupID: "daemon", Args: cobra.NoArgs,
		Long: short + ".\n\nThe daemon runs until it gets SIGINT or SIGTERM, then ends in order. It can be killed at any time: what it had\nsigned or sent is on its disk.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			config, err := app.LoadConfig(path)
			if err != nil {
				return &usageError{err}
			}
			if config.Role != role {
				return usagef("%s is the configuration of %s, not of %s", path, config.Role.WithArticle(), role.WithArticle())
			}
			return app.Run(cmd.Context(), config, app.RunOptions{Version: versionText(), LogTo: cmd.ErrOrStderr()})
		},
	}
	cmd.Flags().StringVarP(&path, "config", "c", string(role)+".toml", "the daemon's configuration file")
	return cmd
}

func submitterBalanceCommand(o *options) *cobra.Command {
	cmd := look(o, "balance", "Show what the submitter's fee payers own, and warn when it is little", cobra.NoArgs,
		func(cmd *cobra.Command, c *api.Client, _ []string) ([]api.SubmitterBalance, error) {
			return c.SubmitterBalances(cmd.Context())
		},
		func(w io.Writer, list []api.SubmitterBalance) {
			t := newTable(w, "chain", "address", "balance", "")
			for _, b := range list {
				t.AppendRow(table.Row{b.Chain, b.Address, coins(b.Chain, b.Balance), yes(b.Low, "LOW: send coins to the address", b.Detail)})
			}
			t.Render()
		})
	cmd.Example = "  trine submitter balance --config submitter.toml"
	return cmd
}

func submitterCapsCommand(o *options) *cobra.Command {
	var fee, tip string
	cmd := &cobra.Command{
		Use: "caps CHAIN", Short: "Change what a running submitter may pay per unit of gas or compute", Args: cobra.ExactArgs(1),
		Example: "  trine submitter caps eip155:1 --max-fee 400 --max-tip 10 --config submitter.toml",
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := o.client()
			if err != nil {
				return err
			}
			body := api.CapsBody{Chain: args[0], MaxFeePerGas: fee, MaxTip: tip}
			if err := client.SetCaps(cmd.Context(), body); err != nil {
				return err
			}
			return o.show(cmd, body, func(w io.Writer) {
				_, _ = fmt.Fprintf(w, "on %s the submitter now pays at most %s %s per unit, of which %s tip\n", args[0], fee, priceUnit(args[0]), tip)
			})
		},
	}
	cmd.Flags().StringVar(&fee, "max-fee", "", "per unit, in gwei on EVM chains, in micro-lamports on Solana")
	cmd.Flags().StringVar(&tip, "max-tip", "", "of it the tip, in the same unit")
	// Both at once: a cap that is left out must not fall back to something else.
	requireFlags(cmd, "max-fee", "max-tip")
	return cmd
}

// coins writes a balance in a chain's whole coins; as it is where the chain's coin is not known.
func coins(chainID, balance string) string {
	adapter, err := app.AdapterOf(chainID)
	if err != nil {
		return balance
	}
	n, err := uint256.FromDecimal(balance)
	if err != nil {
		return balance
	}
	return units.Format(n, adapter.Units.CoinDecimals) + " " + adapter.Units.Coin
}

// priceUnit names what prices on a chain are written in.
func priceUnit(chainID string) string {
	adapter, err := app.AdapterOf(chainID)
	if err != nil {
		return ""
	}
	return adapter.Units.Price
}
