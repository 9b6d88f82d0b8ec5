package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/trinebridge/trine/api"
	"github.com/trinebridge/trine/codec"
)

func lookCommands(o *options) []*cobra.Command {
	return []*cobra.Command{
		statusCommand(o), accountCommand(o), validatorsCommand(o),
		group("look", "action", "Look at value actions of bridges", actionShowCommand(o)),
		group("look", "bridge", "Attach bridges and look at them", bridgeAttachCommand(o), bridgeStatusCommand(o)),
	}
}

// look makes a command that fetches one thing and shows it.
func look[T any](o *options, use, short string, args cobra.PositionalArgs, fetch func(*cobra.Command, *api.Client, []string) (T, error), text func(io.Writer, T)) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Args: args,
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := o.client()
			if err != nil {
				return err
			}
			v, err := fetch(cmd, client, args)
			if err != nil {
				return err
			}
			return o.show(cmd, v, func(w io.Writer) { text(w, v) })
		},
	}
}

func statusCommand(o *options) *cobra.Command {
	cmd := look(o, "status", "Show how a daemon is doing", cobra.NoArgs,
		func(cmd *cobra.Command, c *api.Client, _ []string) (api.Status, error) {
			return c.Status(cmd.Context())
		},
		func(w io.Writer, s api.Status) {
			facts(w, "role", s.Role, "network", s.Network+" ("+s.Chain+")", "height", s.Height, "block", s.Block,
				"peers", s.Peers, "ready", yes(s.Ready, "yes", "no"))
			if s.Compromised {
				_, _ = fmt.Fprintln(w, "\nThere is proof that the processor is hostile. Nothing is signed until it is replaced.")
			}
			if len(s.Parts) == 0 {
				return
			}
			t := newTable(w, "part", "ready", "detail", "error")
			for _, p := range s.Parts {
				t.AppendRow(table.Row{p.Name, yes(p.Ready, "yes", "no"), strings.Join(append([]string{p.Detail}, p.Waiting...), "\n"), p.Error})
			}
			t.Render()
		})
	cmd.GroupID = "look"
	cmd.Example = "  trine status --config listener.toml\n  trine status --api http://127.0.0.1:7001 --json"
	return cmd
}

func accountCommand(o *options) *cobra.Command {
	cmd := look(o, "account ID|KEY|CHAIN/ADDRESS", "Show an account's keys, wallets and balances", cobra.ExactArgs(1),
		func(cmd *cobra.Command, c *api.Client, args []string) (api.Account, error) {
			return c.Account(cmd.Context(), args[0])
		},
		func(w io.Writer, a api.Account) {
			_, _ = fmt.Fprintf(w, "account %d\n", a.ID)
			t := newTable(w, "what", "value", "")
			for _, k := range a.Keys {
				t.AppendRow(table.Row{"key", k.Key, fmt.Sprintf("%d transactions", k.Nonce)})
			}
			for _, x := range a.Wallets {
				t.AppendRow(table.Row{"wallet", x.Address, x.Chain})
			}
			for _, b := range a.Balances {
				t.AppendRow(table.Row{"balance", b.Amount.Text, b.Asset})
			}
			t.Render()
		})
	cmd.GroupID = "look"
	cmd.Example = "  trine account 1\n  trine account eip155:1/0x…"
	return cmd
}

func validatorsCommand(o *options) *cobra.Command {
	cmd := look(o, "validators", "Show the current validator set", cobra.NoArgs,
		func(cmd *cobra.Command, c *api.Client, _ []string) (api.Validators, error) {
			return c.Validators(cmd.Context())
		},
		func(w io.Writer, v api.Validators) {
			facts(w, "epoch", v.Epoch, "set hash", v.Hash,
				"listeners", fmt.Sprintf("%d of %d", v.ListenerQuorum, len(v.Listeners)),
				"approvers", fmt.Sprintf("%d of %d", v.ApproverQuorum, len(v.Approvers)))
			t := newTable(w, "group", "member")
			t.AppendRow(table.Row{"processor", v.Processor})
			for _, m := range v.Listeners {
				t.AppendRow(table.Row{"listener", m})
			}
			for _, m := range v.Approvers {
				t.AppendRow(table.Row{"approver", m})
			}
			t.Render()
		})
	cmd.GroupID = "look"
	cmd.Example = "  trine validators"
	return cmd
}

func actionShowCommand(o *options) *cobra.Command {
	cmd := look(o, "show CHAIN ID", "Show an action with its signers and chain transaction", cobra.ExactArgs(2),
		func(cmd *cobra.Command, c *api.Client, args []string) (api.Action, error) {
			id, err := strconv.ParseUint(args[1], 10, 64)
			if err != nil || id == 0 {
				return api.Action{}, usagef("action id %q is not a number from 1 on", args[1])
			}
			return c.Action(cmd.Context(), args[0], id)
		},
		func(w io.Writer, a api.Action) {
			signers := make([]string, len(a.Signers))
			for i, s := range a.Signers {
				signers[i] = s.String()
			}
			facts(w, "action", fmt.Sprintf("%d on %s, revision %d", a.ID, a.Chain, a.Revision), "kind", a.Kind, "status", a.Status,
				"emitted in block", a.Height, "digest", a.Digest, "signers", strings.Join(signers, "\n"), "event", a.Event, "transaction", a.Tx)
			if len(a.Transfers) == 0 {
				return
			}
			t := newTable(w, "withdrawal", "account", "asset", "amount", "to", "")
			for _, x := range a.Transfers {
				t.AppendRow(table.Row{x.Withdrawal, x.Account, x.Asset, x.Amount.Text, x.To, yes(x.Failed, "failed, claimable", "")})
			}
			t.Render()
		})
	cmd.Example = "  trine action show eip155:1 7"
	return cmd
}

func bridgeStatusCommand(o *options) *cobra.Command {
	cmd := look(o, "status [CHAIN]", "Show what bridges hold, owe and wait for", cobra.MaximumNArgs(1),
		func(cmd *cobra.Command, c *api.Client, args []string) ([]api.Bridge, error) {
			if len(args) == 0 {
				return c.Bridges(cmd.Context())
			}
			b, err := c.Bridge(cmd.Context(), args[0])
			return []api.Bridge{b}, err
		},
		func(w io.Writer, bridges []api.Bridge) {
			if len(bridges) == 0 {
				_, _ = fmt.Fprintln(w, "no bridge is attached; see trine bridge attach --help")
			}
			for _, b := range bridges {
				showBridge(w, &b)
			}
		})
	cmd.Example = "  trine bridge status\n  trine bridge status eip155:1"
	return cmd
}

func showBridge(w io.Writer, b *api.Bridge) {
	facts(w, "bridge", b.Address+" on "+b.Chain, "events", fmt.Sprintf("%d, head %s", b.EventID, b.Head.Short()),
		"actions", fmt.Sprintf("%d emitted, %d executed", b.LastAction, b.LastExecuted),
		"state", yes(b.Paused, "paused", "open")+yes(b.Halted != "", "; value lane halted: "+b.Halted, ""))
	t := newTable(w, "asset", "held", "in flight", "claimable", "available", "queued", "limit")
	for _, x := range b.Tokens {
		limit := "none"
		if x.Limit != nil {
			limit = fmt.Sprintf("%s of %s per %d s used", x.Limit.Level.Text, x.Limit.Capacity.Text, x.Limit.Window)
		}
		t.AppendRow(table.Row{x.Asset, x.Held.Text, x.InFlight.Text, x.Claimable.Text, x.Available.Text,
			fmt.Sprintf("%s (%d)", x.Queued.Text, x.Waiting), limit})
	}
	t.Render()
	for _, c := range b.Controls {
		_, _ = fmt.Fprintf(w, "control %s %d: %d votes%s\n", c.Kind, c.Sequence, len(c.Voters), yes(c.Sealed, ", sealed", ""))
	}
}

func bridgeAttachCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "attach CHAIN ADDRESS", Short: "Agree to attach a bridge, as this daemon's operator",
		Long: "Agree to attach a bridge. The daemon that --config or --api names checks the bridge's code and validator set by its own\nendpoints and votes; the bridge is attached once a quorum of listeners and one of approvers have voted.",
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := o.client()
			if err != nil {
				return err
			}
			if err := client.Attach(cmd.Context(), args[0], args[1]); err != nil {
				return err
			}
			return o.show(cmd, api.AttachBody{Chain: args[0], Bridge: args[1]}, func(w io.Writer) {
				_, _ = fmt.Fprintf(w, "agreed to attach %s on %s; trine bridge status shows it once the quorums have voted\n", args[1], args[0])
			})
		},
	}
}

func parseHash(text string) (codec.Hash, error) {
	h, err := codec.ParseHash(text)
	if err != nil {
		return h, &usageError{err}
	}
	return h, nil
}
