package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/trinebridge/trine/api"
	"github.com/trinebridge/trine/app"
	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/internal/units"
	"github.com/trinebridge/trine/signing"
)

func sortStrings(s []string) { slices.Sort(s) }

func parseChainAddress(chainID, text string) (codec.Hash, error) {
	word, err := app.ParseAddress(chainID, text)
	if err != nil {
		return word, usagef("address on %s: %w", chainID, err)
	}
	return word, nil
}

// external is a user's hand on an external chain.
type external struct {
	rpc, walletKey string
}

func (e *external) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&e.rpc, "rpc", "", "URL of a node of the external chain")
	cmd.Flags().StringVar(&e.walletKey, "wallet-key", "", "the wallet's key on the external chain, by reference (environment: TRINE_WALLET_KEY)")
	requireFlags(cmd, "rpc")
}

// sinkConfig says how to reach a bridge on behalf of the wallet.
func (e *external) sinkConfig(ctx context.Context, client *api.Client, chainID string) (chain.Adapter, chain.SinkConfig, error) {
	adapter, err := app.AdapterOf(chainID)
	if err != nil {
		return adapter, chain.SinkConfig{}, &usageError{err}
	}
	bridge, err := client.Bridge(ctx, chainID)
	if err != nil {
		return adapter, chain.SinkConfig{}, err
	}
	address, err := adapter.ParseAddress(bridge.Address)
	if err != nil {
		return adapter, chain.SinkConfig{}, err
	}
	status, err := client.Status(ctx)
	if err != nil {
		return adapter, chain.SinkConfig{}, err
	}
	key, err := openPayer(ctx, &adapter, e.walletKey)
	if err != nil {
		return adapter, chain.SinkConfig{}, err
	}
	return adapter, chain.SinkConfig{
		SourceConfig: chain.SourceConfig{ChainID: chainID, Endpoint: e.rpc, Bridge: address, Genesis: status.Genesis},
		FeeKey:       key,
	}, nil
}

func (e *external) wallet(ctx context.Context, client *api.Client, chainID string) (chain.Wallet, chain.SinkConfig, error) {
	adapter, config, err := e.sinkConfig(ctx, client, chainID)
	if err != nil {
		return nil, config, err
	}
	wallet, err := adapter.OpenWallet(config)
	return wallet, config, err
}

// depositResult is what a deposit or a link prints.
type depositResult struct {
	Chain   string `json:"chain"`
	Tx      string `json:"tx"`
	Block   uint64 `json:"block"`
	GasUsed uint64 `json:"gasUsed"`
	Wallet  string `json:"wallet"`
}

func (o *options) deposit(cmd *cobra.Command, e *external, chainID, symbol, amount, linkKey string) error {
	ctx := cmd.Context()
	client, err := o.client()
	if err != nil {
		return err
	}
	wallet, config, err := e.wallet(ctx, client, chainID)
	if err != nil {
		return err
	}
	adapter, err := app.AdapterOf(chainID)
	if err != nil {
		return err
	}
	token, value := adapter.NativeToken, "0"
	var decimals uint8
	if symbol != "" {
		network, err := client.Network(ctx)
		if err != nil {
			return err
		}
		asset, err := findAsset(&network, symbol)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(asset.Tokens, func(t api.Token) bool { return t.Chain == chainID })
		if i < 0 {
			return usagef("asset %s has no token on %s", symbol, chainID)
		}
		if token, err = app.ParseToken(chainID, asset.Tokens[i].Address); err != nil {
			return err
		}
		decimals, value = asset.Tokens[i].Decimals, amount
	}
	n, err := units.Parse(value, decimals)
	if err != nil {
		return &usageError{err}
	}
	var keys []bridgecontracts.KeyProof
	if linkKey != "" {
		proof, err := proveKey(ctx, linkKey, bridgecontracts.NewDomain(config.Genesis, chainID, config.Bridge), wallet.Address())
		if err != nil {
			return err
		}
		keys = append(keys, proof)
	}
	receipt, err := wallet.Deposit(ctx, token, n, keys)
	if err != nil {
		return err
	}
	r := depositResult{chainID, receipt.Tx, receipt.Block, receipt.GasUsed, app.FormatAddress(chainID, wallet.Address())}
	return o.show(cmd, r, func(w io.Writer) {
		facts(w, "transaction", r.Tx, "block", r.Block, "gas", r.GasUsed, "wallet", r.Wallet, "next", "trine account "+chainID+"/"+r.Wallet+" shows it once it is final")
	})
}

// proveKey signs the key-link digest: the key belongs to the wallet.
func proveKey(ctx context.Context, uri string, domain bridgecontracts.Domain, wallet codec.Hash) (bridgecontracts.KeyProof, error) {
	private, err := openKey(ctx, uri)
	if err != nil {
		return bridgecontracts.KeyProof{}, err
	}
	key := signing.NewKeySigner(private)
	signature, err := key.SignDigest(bridgecontracts.KeyLinkDigest(domain, wallet, key.PublicKey()))
	return bridgecontracts.KeyProof{Key: key.PublicKey(), Signature: signature}, err
}

func depositCommand(o *options) *cobra.Command {
	var e external
	var link string
	cmd := &cobra.Command{
		Use: "deposit CHAIN ASSET AMOUNT", Short: "Deposit from a wallet on an external chain", Args: cobra.ExactArgs(3),
		Example: "  trine tx deposit eip155:1 USDC 100 --rpc http://127.0.0.1:8545 --wallet-key env:WALLET --link file:alice.json?password-file=password",
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.deposit(cmd, &e, args[0], args[1], args[2], link)
		},
	}
	e.flags(cmd)
	cmd.Flags().StringVar(&link, "link", "", "link this key to the wallet's account with the deposit, by reference")
	return cmd
}

func linkCommand(o *options) *cobra.Command {
	var e external
	var key string
	cmd := &cobra.Command{
		Use: "link CHAIN", Short: "Link a key to a wallet on an external chain, without depositing", Args: cobra.ExactArgs(1),
		Example: "  trine tx link eip155:1 --rpc http://127.0.0.1:8545 --wallet-key env:WALLET --key file:alice.json?password-file=password",
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.deposit(cmd, &e, args[0], "", "", keyOrEnv(key))
		},
	}
	e.flags(cmd)
	keyFlag(cmd, &key)
	return cmd
}

func claimCommand(o *options) *cobra.Command {
	var e external
	var to string
	cmd := &cobra.Command{
		Use: "claim CHAIN ASSET RECIPIENT", Short: "Pay out what a failed transfer owes to a recipient", Args: cobra.ExactArgs(3),
		Long: "Pay out what a failed transfer owes to a recipient: to the recipient itself, or with --to, if the wallet is the\nrecipient, to any address.",
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := o.client()
			if err != nil {
				return err
			}
			recipient, err := parseChainAddress(args[0], args[2])
			if err != nil {
				return err
			}
			target := recipient
			if to != "" {
				if target, err = parseChainAddress(args[0], to); err != nil {
					return err
				}
			}
			network, err := client.Network(cmd.Context())
			if err != nil {
				return err
			}
			asset, err := findAsset(&network, args[1])
			if err != nil {
				return err
			}
			i := slices.IndexFunc(asset.Tokens, func(t api.Token) bool { return t.Chain == args[0] })
			if i < 0 {
				return usagef("asset %s has no token on %s", args[1], args[0])
			}
			token, err := app.ParseToken(args[0], asset.Tokens[i].Address)
			if err != nil {
				return err
			}
			wallet, _, err := e.wallet(cmd.Context(), client, args[0])
			if err != nil {
				return err
			}
			receipt, err := wallet.Claim(cmd.Context(), token, recipient, target)
			if err != nil {
				return err
			}
			r := depositResult{args[0], receipt.Tx, receipt.Block, receipt.GasUsed, app.FormatAddress(args[0], wallet.Address())}
			return o.show(cmd, r, func(w io.Writer) { facts(w, "claimed in", r.Tx, "block", r.Block, "gas", r.GasUsed) })
		},
	}
	e.flags(cmd)
	cmd.Flags().StringVar(&to, "to", "", "where to pay, if the wallet is the recipient")
	return cmd
}

func pauseCommand(o *options) *cobra.Command {
	var e external
	cmd := &cobra.Command{
		Use: "pause CHAIN", Short: "Stop a bridge at once, with one approver's signature", GroupID: "act", Args: cobra.ExactArgs(1),
		Long: "Stop a bridge at once. The approver that --config or --api names signs; the wallet pays for the transaction and\ncan be anybody's. Nothing is paid and no deposit is taken until an approver quorum unpauses. Whether the bridge is\npaused already, the node at --rpc says.",
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			client, err := o.client()
			if err != nil {
				return err
			}
			adapter, config, err := e.sinkConfig(ctx, client, args[0])
			if err != nil {
				return err
			}
			holds, err := pauseSequence(ctx, adapter, config.SourceConfig)
			if err != nil {
				return err
			}
			signature, err := client.Pause(ctx, api.PauseBody{Chain: args[0], Holds: &holds})
			if err != nil {
				return err
			}
			delivery, err := signature.Delivery()
			if err != nil {
				return err
			}
			sink, err := adapter.OpenSink(config)
			if err != nil {
				return err
			}
			o.progress(cmd, "pause %d is signed; delivering it", signature.Sequence)
			id, err := deliverOnce(ctx, sink, delivery, app.DefaultCaps(&adapter))
			if err != nil {
				return err
			}
			r := depositResult{Chain: args[0], Tx: id}
			return o.show(cmd, r, func(w io.Writer) { facts(w, "paused", args[0], "transaction", id) })
		},
	}
	e.flags(cmd)
	return cmd
}

// pauseSequence reads from the newest blocks where the bridge stands: a pause takes the
// sequence after it.
func pauseSequence(ctx context.Context, adapter chain.Adapter, config chain.SourceConfig) (uint64, error) {
	source, err := adapter.OpenSource(config)
	if err != nil {
		return 0, err
	}
	newest, err := source.Head(ctx, chain.Finality{Confirmations: 1})
	if err != nil {
		return 0, err
	}
	counters, err := source.Counters(ctx, newest)
	return counters.PauseSequence, err
}

// deliverOnce sends a control action and waits until it is in a block.
func deliverOnce(ctx context.Context, sink chain.Sink, d *chain.Delivery, caps chain.Caps) (string, error) {
	from, err := sink.Sender(ctx)
	if err != nil {
		return "", err
	}
	draft, err := sink.Build(ctx, chain.BuildRequest{Delivery: d, Nonce: from.Next, Caps: caps})
	if err != nil {
		return "", err
	}
	attempt, err := sink.Sign(ctx, draft)
	if err != nil {
		return "", err
	}
	if err := sink.Broadcast(ctx, attempt); err != nil {
		return "", err
	}
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	for {
		status, _, err := sink.Status(ctx, []chain.Attempt{attempt}, chain.Finality{Confirmations: 1})
		switch {
		case err == nil && status.Failed:
			return "", fmt.Errorf("transaction %s reverted: %s", attempt.ID, status.Reason)
		case err == nil && status.Phase >= chain.PhaseIncluded:
			return attempt.ID, nil
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return "", errors.Join(fmt.Errorf("transaction %s is in no block yet", attempt.ID), context.Cause(ctx))
		}
	}
}

func unpauseCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "unpause CHAIN", Short: "Vote to start a bridge again, as this approver's operator", GroupID: "act", Args: cobra.ExactArgs(1),
		Example: "  trine unpause eip155:1 --config approver.toml",
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := o.client()
			if err != nil {
				return err
			}
			vote, err := client.Unpause(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return o.voted(cmd, client, vote, args[0])
		},
	}
}

func limitCommand(o *options) *cobra.Command {
	var window time.Duration
	cmd := &cobra.Command{
		Use: "limit CHAIN ASSET CAPACITY", Short: "Vote for an outflow limit, as this member's operator", GroupID: "act", Args: cobra.ExactArgs(3),
		Long: "Vote for an outflow limit of a token: at most CAPACITY, in whole units, leaking over the window. Lowering it takes an\napprover quorum and the processor, raising it a listener quorum too. CAPACITY 0 with --window 0 removes the limit.",
		RunE: func(cmd *cobra.Command, args []string) error {
			if window < 0 || window%time.Minute != 0 {
				return usagef("window %s is not a whole number of minutes", window)
			}
			client, err := o.client()
			if err != nil {
				return err
			}
			vote, err := client.SetLimit(cmd.Context(), api.LimitBody{Chain: args[0], Asset: args[1], Capacity: args[2], Window: uint64(window / time.Second)}) // not negative
			if err != nil {
				return err
			}
			return o.voted(cmd, client, vote, args[0])
		},
	}
	cmd.Flags().DurationVar(&window, "window", 24*time.Hour, "over how long the capacity leaks, in whole minutes")
	return cmd
}

// voted waits for a vote's transaction and shows how far the vote has come.
func (o *options) voted(cmd *cobra.Command, client *api.Client, vote api.Submitted, chainID string) error {
	tx, err := waitTx(cmd.Context(), client, vote.Hash, expiresWithin)
	if err != nil {
		return err
	}
	return o.show(cmd, tx, func(w io.Writer) {
		writeTx(w, tx)
		_, _ = fmt.Fprintf(w, "trine bridge status %s shows when the quorum stands and the bridge has done it\n", chainID)
	})
}
