package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/holiman/uint256"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/trinebridge/trine/api"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/internal/units"
	"github.com/trinebridge/trine/ledger"
	"github.com/trinebridge/trine/signing"
)

// pollEvery is how often commands that wait ask again.
const pollEvery = 300 * time.Millisecond

func actCommands(o *options) []*cobra.Command {
	return []*cobra.Command{
		group("act", "tx", "Deposit, transfer, withdraw, claim, and wait for it",
			depositCommand(o), linkCommand(o), transferCommand(o), withdrawCommand(o), claimCommand(o), txShowCommand(o), txWaitCommand(o), withdrawalCommand(o)),
		pauseCommand(o), unpauseCommand(o), limitCommand(o),
	}
}

// sender makes transactions with a user's key.
type sender struct {
	client  *api.Client
	network api.Network
	key     *signing.KeySigner
}

func (o *options) sender(ctx context.Context, keyURI string) (*sender, error) {
	client, err := o.client()
	if err != nil {
		return nil, err
	}
	key, err := openKey(ctx, keyURI)
	if err != nil {
		return nil, err
	}
	network, err := client.Network(ctx)
	return &sender{client, network, signing.NewKeySigner(key)}, err
}

// send signs a transaction with the next nonce, submits it and waits until it is included.
func (s *sender) send(ctx context.Context, body ledger.MessageBody) (api.Transaction, error) {
	account, err := s.client.Account(ctx, s.key.PublicKey().String())
	if err != nil {
		return api.Transaction{}, err
	}
	tx := &ledger.Transaction{Genesis: s.network.Genesis, Nonce: 1, Time: uint64(time.Now().UnixMilli()), Messages: []ledger.Message{{Body: body}}} // the clock is after 1970
	for _, k := range account.Keys {
		if k.Key == s.key.PublicKey() {
			tx.Nonce = k.Nonce + 1
		}
	}
	if err := tx.Sign(s.key); err != nil {
		return api.Transaction{}, err
	}
	hash, err := s.client.Submit(ctx, tx)
	if err != nil {
		return api.Transaction{}, err
	}
	return waitTx(ctx, s.client, hash, expiresWithin)
}

// expiresWithin is after how long no block can hold a transaction that was signed now, its clocks being as far apart as they may.
const expiresWithin = 2 * ledger.MaxSkew * time.Millisecond

// waitTx waits until a transaction that was signed now is in a block, or can be in none any more: what nobody gossips
// again, because the processor that had it ended, is not waited for longer. Whether it is in a block that the node has
// not heard of, only a node that is up to date can say.
func waitTx(ctx context.Context, client *api.Client, hash codec.Hash, within time.Duration) (api.Transaction, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, within,
		fmt.Errorf("none that this node has seen holds it, and after %s no new one can: if trine status shows the node at the newest block, do it again; "+
			"if not, wait until it is and ask trine tx show, as doing it again may do it twice", within))
	defer cancel()
	tx, err := client.WaitTx(ctx, hash, pollEvery)
	if err != nil && ctx.Err() != nil {
		err = fmt.Errorf("transaction %s: %w", hash, context.Cause(ctx))
	}
	return tx, err
}

// asset finds an asset of the network by its symbol.
func findAsset(n *api.Network, symbol string) (*api.Asset, error) {
	known := make([]string, len(n.Assets))
	for i := range n.Assets {
		if n.Assets[i].Symbol == symbol {
			return &n.Assets[i], nil
		}
		known[i] = n.Assets[i].Symbol
	}
	return nil, usagef("asset %q is unknown; the network has: %s", symbol, strings.Join(known, ", "))
}

func parseAmount(n *api.Network, symbol, text string) (*api.Asset, uint256.Int, error) {
	asset, err := findAsset(n, symbol)
	if err != nil {
		return nil, uint256.Int{}, err
	}
	value, err := units.Parse(text, asset.Decimals)
	if err != nil {
		return nil, value, &usageError{err}
	}
	return asset, value, nil
}

func keyFlag(cmd *cobra.Command, target *string) {
	cmd.Flags().StringVar(target, "key", "", "the account's key, by reference: file:PATH?password-file=PATH or env:NAME (environment: TRINE_KEY)")
}

func transferCommand(o *options) *cobra.Command {
	var key string
	cmd := &cobra.Command{
		Use: "transfer ASSET AMOUNT TO-KEY", Short: "Move units to another account", Args: cobra.ExactArgs(3),
		Example: "  trine tx transfer USDC 12.5 0x02… --key file:alice.json?password-file=password",
		RunE: func(cmd *cobra.Command, args []string) error {
			var to signing.PublicKey
			if err := to.UnmarshalText([]byte(args[2])); err != nil {
				return &usageError{err}
			}
			s, err := o.sender(cmd.Context(), key)
			if err != nil {
				return err
			}
			asset, value, err := parseAmount(&s.network, args[0], args[1])
			if err != nil {
				return err
			}
			tx, err := s.send(cmd.Context(), &ledger.Transfer{To: to, Asset: asset.ID, Amount: value})
			if err != nil {
				return err
			}
			return o.showTx(cmd, tx)
		},
	}
	keyFlag(cmd, &key)
	return cmd
}

func withdrawCommand(o *options) *cobra.Command {
	var key string
	var wait bool
	cmd := &cobra.Command{
		Use: "withdraw CHAIN ASSET AMOUNT TO", Short: "Withdraw to an address on an external chain", Args: cobra.ExactArgs(4),
		Long: "Withdraw to an address on an external chain. The chain's flat fee is part of the amount. With --wait the\ncommand returns when the bridge has paid, and fails if the payment did.",
		RunE: func(cmd *cobra.Command, args []string) error {
			to, err := parseChainAddress(args[0], args[3])
			if err != nil {
				return err
			}
			s, err := o.sender(cmd.Context(), key)
			if err != nil {
				return err
			}
			asset, value, err := parseAmount(&s.network, args[1], args[2])
			if err != nil {
				return err
			}
			tx, err := s.send(cmd.Context(), &ledger.Withdraw{Chain: args[0], Asset: asset.ID, To: to, Amount: value})
			if err != nil {
				return err
			}
			if !wait {
				return o.showTx(cmd, tx)
			}
			sequence, err := queuedSequence(&tx)
			if err != nil {
				return err
			}
			w, err := waitWithdrawal(cmd.Context(), s.client, args[0], sequence, func(w *api.Withdrawal) {
				o.progress(cmd, "withdrawal %d is %s", w.Sequence, describeWithdrawal(w))
			})
			if err != nil {
				return err
			}
			return o.showWithdrawal(cmd, w)
		},
	}
	keyFlag(cmd, &key)
	cmd.Flags().BoolVar(&wait, "wait", false, "wait until the bridge has paid")
	return cmd
}

// queuedSequence finds the withdrawal's sequence number in what the block did.
func queuedSequence(tx *api.Transaction) (uint64, error) {
	for _, e := range tx.Log {
		if e.Name == "withdrawal-queued" {
			if text, ok := e.Fields["sequence"].(string); ok {
				return strconv.ParseUint(text, 10, 64)
			}
		}
	}
	return 0, fmt.Errorf("block %d of transaction %s queued no withdrawal", tx.Height, tx.Hash)
}

// waitWithdrawal asks until the bridge has paid, and reports each change. A payment that failed is an error.
func waitWithdrawal(ctx context.Context, client *api.Client, chain string, sequence uint64, changed func(*api.Withdrawal)) (api.Withdrawal, error) {
	var last api.Withdrawal
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	for {
		w, err := client.Withdrawal(ctx, chain, sequence)
		if err != nil {
			return w, err
		}
		if w.Status != last.Status || w.Position != last.Position {
			changed(&w)
			last = w
		}
		switch w.Status {
		case "paid":
			return w, nil
		case "returned":
			return w, fmt.Errorf("withdrawal %d went back to account %d: it fits no limit of the bridge on %s any more", w.Sequence, w.Account, chain)
		case "claimable":
			return w, fmt.Errorf("the transfer of withdrawal %d failed on %s; %s %s can be claimed: trine tx claim %s %s %s", w.Sequence, chain, w.Amount.Text, w.Asset, chain, w.Asset, w.To)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return w, fmt.Errorf("withdrawal %d on %s is %s: %w", sequence, chain, describeWithdrawal(&w), context.Cause(ctx))
		}
	}
}

func describeWithdrawal(w *api.Withdrawal) string {
	switch {
	case w.Status == "queued":
		return fmt.Sprintf("queued at position %d, waiting for funds, the limit or a free action", w.Position)
	case w.Tx != "":
		return fmt.Sprintf("%s in action %d, transaction %s", w.Status, w.Action, w.Tx)
	}
	return fmt.Sprintf("%s in action %d", w.Status, w.Action)
}

func (o *options) showWithdrawal(cmd *cobra.Command, w api.Withdrawal) error {
	return o.show(cmd, w, func(out io.Writer) {
		facts(out, "withdrawal", fmt.Sprintf("%d on %s", w.Sequence, w.Chain), "amount", w.Amount.Text+" "+w.Asset, "to", w.To, "status", describeWithdrawal(&w))
	})
}

func withdrawalCommand(o *options) *cobra.Command {
	cmd := look(o, "withdrawal CHAIN SEQUENCE", "Show where a withdrawal stands in the queue", cobra.ExactArgs(2),
		func(cmd *cobra.Command, c *api.Client, args []string) (api.Withdrawal, error) {
			sequence, err := strconv.ParseUint(args[1], 10, 64)
			if err != nil || sequence == 0 {
				return api.Withdrawal{}, usagef("sequence %q is not a number from 1 on", args[1])
			}
			return c.Withdrawal(cmd.Context(), args[0], sequence)
		},
		func(w io.Writer, x api.Withdrawal) {
			facts(w, "withdrawal", fmt.Sprintf("%d on %s", x.Sequence, x.Chain), "amount", x.Amount.Text+" "+x.Asset, "to", x.To, "status", describeWithdrawal(&x))
		})
	cmd.Example = "  trine tx withdrawal eip155:1 12"
	return cmd
}

func (o *options) showTx(cmd *cobra.Command, tx api.Transaction) error {
	return o.show(cmd, tx, func(w io.Writer) { writeTx(w, tx) })
}

func writeTx(w io.Writer, tx api.Transaction) {
	facts(w, "transaction", tx.Hash, "status", tx.Status, "block", tx.Height)
	if tx.Reason != "" {
		_, _ = fmt.Fprintf(w, "dropped: %s: %s\n", tx.Code, tx.Reason)
	}
	t := newTable(w, "entry", "fields")
	for _, e := range tx.Log {
		names := make([]string, 0, len(e.Fields))
		for _, name := range sortedKeys(e.Fields) {
			names = append(names, fmt.Sprintf("%s %v", name, e.Fields[name]))
		}
		t.AppendRow(table.Row{e.Name, strings.Join(names, "\n")})
	}
	if len(tx.Log) > 0 {
		t.Render()
	}
}

func txShowCommand(o *options) *cobra.Command {
	cmd := look(o, "show HASH", "Show what became of a transaction", cobra.ExactArgs(1),
		func(cmd *cobra.Command, c *api.Client, args []string) (api.Transaction, error) {
			hash, err := parseHash(args[0])
			if err != nil {
				return api.Transaction{}, err
			}
			tx, err := c.Transaction(cmd.Context(), hash)
			if err == nil && tx.Status == "unknown" {
				err = &notKnownError{fmt.Errorf("transaction %s is not known to this daemon: it is in no block, and the processor has not said that it was dropped; one that was just sent is awaited by trine tx wait", hash)}
			}
			return tx, err
		}, writeTx)
	cmd.Example = "  trine tx show 0x5f…"
	return cmd
}

func txWaitCommand(o *options) *cobra.Command {
	var timeout time.Duration
	cmd := &cobra.Command{
		Use: "wait HASH", Short: "Wait until a transaction is in a block", Args: cobra.ExactArgs(1),
		Example: "  trine tx wait 0x5f… --timeout 30s",
		RunE: func(cmd *cobra.Command, args []string) error {
			hash, err := parseHash(args[0])
			if err != nil {
				return err
			}
			if timeout <= 0 {
				return usagef("timeout %s is not above 0", timeout)
			}
			client, err := o.client()
			if err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), timeout)
			defer cancel()
			tx, err := client.WaitTx(ctx, hash, pollEvery)
			if err != nil {
				return err
			}
			return o.showTx(cmd, tx)
		},
	}
	cmd.Flags().DurationVar(&timeout, "timeout", 2*time.Minute, "give up after this time")
	return cmd
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sortStrings(keys)
	return keys
}
