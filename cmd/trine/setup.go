package main

import (
	"context"
	"crypto/ecdsa"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/trinebridge/trine/app"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/signing"
	"github.com/trinebridge/trine/signing/filesigner"
)

func setupCommands(o *options) []*cobra.Command {
	return []*cobra.Command{
		initCommand(o), deployCommand(o), devnetCommand(o),
		group("setup", "keys", "Make and look at keys", keysNewCommand(o), keysShowCommand(o)),
		group("setup", "config", "Check configuration files", configCheckCommand(o)),
	}
}

// askPassword asks on the terminal, if there is one.
func askPassword(_ context.Context, path string) (string, error) {
	if !term.IsTerminal(int(os.Stdin.Fd())) {
		return "", fmt.Errorf("key file %s needs a password and nobody can be asked; add ?password-file=PATH or ?password-env=NAME", path)
	}
	_, _ = fmt.Fprintf(os.Stderr, "password of %s: ", path)
	password, err := term.ReadPassword(int(os.Stdin.Fd()))
	_, _ = fmt.Fprintln(os.Stderr)
	return string(password), err
}

func keyOrEnv(uri string) string {
	if uri == "" {
		return os.Getenv("TRINE_KEY")
	}
	return uri
}

// openKey opens the key that a flag or TRINE_KEY names.
func openKey(ctx context.Context, uri string) (*ecdsa.PrivateKey, error) {
	if uri == "" {
		uri = os.Getenv("TRINE_KEY")
	}
	key, err := app.OpenKey(ctx, uri, "", askPassword)
	if err != nil {
		return nil, &usageError{err}
	}
	return key.Private(), nil
}

// openPayer opens the key of an account on an external chain, which a flag or TRINE_WALLET_KEY names.
func openPayer(ctx context.Context, adapter *chain.Adapter, uri string) (signing.Payer, error) {
	if uri == "" {
		uri = os.Getenv("TRINE_WALLET_KEY")
	}
	key, err := app.OpenPayer(ctx, adapter, uri, "", askPassword)
	if err != nil {
		return nil, &usageError{err}
	}
	return key, nil
}

func initCommand(o *options) *cobra.Command {
	in := app.InitOptions{}
	var chains, assets []string
	cmd := &cobra.Command{
		Use: "init DIR", Short: "Write a working set of files for a new network", GroupID: "setup", Args: cobra.ExactArgs(1),
		Long: `Write a working set of files for a new network: genesis, keys, and a configuration per daemon.

A chain is ID=URL[,URL…][;confirmations=N], an asset SYMBOL:DECIMALS:CHAIN=ADDRESS:DECIMALS:MIN:FEE[,CHAIN=…] with
the minimum withdrawal and the fee in whole units; the address "native" is the chain's coin.`,
		Example: `  trine init net --chain 'eip155:1=https://a.example,https://b.example,https://c.example' \
    --asset 'USDC:6:eip155:1=0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48:6:10:1'`,
		RunE: func(cmd *cobra.Command, args []string) error {
			in.Dir = args[0]
			for _, text := range chains {
				c, err := app.ParseInitChain(text)
				if err != nil {
					return &usageError{err}
				}
				in.Chains = append(in.Chains, c)
			}
			for _, text := range assets {
				a, err := app.ParseInitAsset(text)
				if err != nil {
					return &usageError{err}
				}
				in.Assets = append(in.Assets, a)
			}
			out, err := app.Init(in)
			if err != nil {
				return &usageError{err}
			}
			return o.show(cmd, out, func(w io.Writer) {
				t := newTable(w, "daemon", "start it with", "api")
				for _, d := range out.Daemons {
					t.AppendRow(table.Row{d.Name, fmt.Sprintf("trine %s --config %s", d.Role, d.Config), d.API})
				}
				t.Render()
				for _, chainID := range sortedKeys(out.FeePayers) {
					_, _ = fmt.Fprintf(w, "send coins on %s to: %s (what the submitter pays with)\n", chainID, strings.Join(out.FeePayers[chainID], ", "))
				}
				_, _ = fmt.Fprintf(w, "genesis: %s\nnext: trine deploy CHAIN --genesis %s --rpc URL --fee-key URI\n", out.Genesis, out.Genesis)
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&in.Network, "network", "trine", "name of the network")
	f.IntVar(&in.Listeners, "listeners", 3, "how many listeners")
	f.IntVar(&in.Approvers, "approvers", 3, "how many approvers")
	f.Uint64Var(&in.ListenerQuorum, "listener-quorum", 0, "listeners that must agree (default: two thirds)")
	f.Uint64Var(&in.ApproverQuorum, "approver-quorum", 0, "approvers that must sign (default: two thirds)")
	f.StringArrayVar(&chains, "chain", nil, "an external chain; repeat for more")
	f.StringArrayVar(&assets, "asset", nil, "an asset with its tokens; repeat for more")
	f.IntVar(&in.BasePort, "base-port", 7001, "first port; APIs count up from it, gossip from 100 above; 0: free ones")
	f.StringVar(&in.FeeKey, "fee-key", "", "the key that the submitter pays with, by reference (default: a new one per chain)")
	f.BoolVar(&in.Light, "light", false, "key files that open fast, for local networks only")
	f.BoolVar(&in.Unsafe, "unsafe", false, "accept quorums of half a group or less")
	return cmd
}

func deployCommand(o *options) *cobra.Command {
	var genesisPath, rpc, feeKey string
	cmd := &cobra.Command{
		Use: "deploy CHAIN", Short: "Deploy a bridge on an external chain", GroupID: "setup", Args: cobra.ExactArgs(1),
		Long: "Deploy a bridge for the genesis's first validator set on an external chain, and wait until it is mined. The\nbridge has no owner: it obeys the validator set only.",
		RunE: func(cmd *cobra.Command, args []string) error {
			genesis, err := app.LoadGenesis(genesisPath)
			if err != nil {
				return &usageError{err}
			}
			if _, known := genesis.Chain(args[0]); !known {
				return usagef("chain %q is not in %s", args[0], genesisPath)
			}
			adapter, err := app.AdapterOf(args[0])
			if err != nil {
				return &usageError{err}
			}
			key, err := openPayer(cmd.Context(), &adapter, feeKey)
			if err != nil {
				return err
			}
			d, err := adapter.Deploy(cmd.Context(), chain.DeployConfig{ChainID: args[0], Endpoint: rpc, Genesis: genesis.Hash(), Set: genesis.Validators, FeeKey: key})
			if err != nil {
				return err
			}
			out := deployment{args[0], adapter.FormatAddress(d.Bridge), d.Tx, d.StartBlock, d.GasUsed, d.Existed}
			return o.show(cmd, out, out.show)
		},
	}
	cmd.Flags().StringVar(&genesisPath, "genesis", "genesis.json", "the app chain's genesis file")
	cmd.Flags().StringVar(&rpc, "rpc", "", "URL of a node of the external chain")
	cmd.Flags().StringVar(&feeKey, "fee-key", "", "the key that pays, by reference (environment: TRINE_WALLET_KEY)")
	requireFlags(cmd, "rpc")
	return cmd
}

// deployment is a bridge that was put on a chain, now or, if it existed, before.
type deployment struct {
	Chain      string `json:"chain"`
	Bridge     string `json:"bridge"`
	Tx         string `json:"tx"`
	StartBlock uint64 `json:"startBlock"`
	GasUsed    uint64 `json:"gasUsed"`
	Existed    bool   `json:"existed"`
}

func (d *deployment) show(w io.Writer) {
	gas := fmt.Sprint(d.GasUsed)
	if d.Existed {
		gas = "none: this bridge was there already, so nothing was sent"
	}
	facts(w, "bridge", d.Bridge, "transaction", d.Tx, "block", d.StartBlock, "gas", gas,
		"next", fmt.Sprintf("every listener and approver: trine bridge attach %s %s --config FILE", d.Chain, d.Bridge))
}

// keyInfo is what may be shown of a key.
type keyInfo struct {
	Path    string            `json:"path,omitempty"`
	Key     signing.PublicKey `json:"key"`
	Address signing.Address   `json:"address"`
}

func (o *options) showKey(cmd *cobra.Command, k keyInfo) error {
	return o.show(cmd, k, func(w io.Writer) {
		facts(w, "public key", k.Key, "address", k.Address)
		if k.Path != "" {
			_, _ = fmt.Fprintf(w, "written to %s; refer to it as file:%s?password-file=PATH\n", k.Path, k.Path)
		}
	})
}

// payerInfo is what may be shown of a key that only pays on external chains.
type payerInfo struct {
	Path    string `json:"path,omitempty"`
	Curve   string `json:"curve"`
	Key     string `json:"key"`
	Address string `json:"address"`
}

// showPayer shows the key's account as the chains of its curve write it.
func (o *options) showPayer(cmd *cobra.Command, path string, key signing.Payer) error {
	i := slices.IndexFunc(app.Adapters, func(a chain.Adapter) bool { return a.Curve == key.Curve() })
	adapter := &app.Adapters[i] // a curve is known by the adapter that uses it
	account, err := adapter.AccountOf(key)
	if err != nil {
		return err
	}
	k := payerInfo{path, key.Curve().String(), hex.EncodeToString(key.PayerKey()), adapter.FormatAddress(account)}
	return o.show(cmd, k, func(w io.Writer) {
		facts(w, "curve", k.Curve, "public key", k.Key, adapter.Namespace+" address", k.Address)
		if k.Path != "" {
			_, _ = fmt.Fprintf(w, "written to %s; refer to it as file:%s?password-file=PATH\n", k.Path, k.Path)
		}
	})
}

// curveFlag names the curves that accounts of some chain are of.
func curveFlag(cmd *cobra.Command, target *string) {
	cmd.Flags().StringVar(target, "curve", signing.Secp256k1.String(), "secp256k1: seats, app chain keys and Ethereum accounts; ed25519: Solana accounts")
}

func parseCurve(text string) (signing.Curve, error) {
	for _, curve := range []signing.Curve{signing.Secp256k1, signing.Ed25519} {
		if text == curve.String() {
			return curve, nil
		}
	}
	return 0, usagef("curve %q is unknown; there are secp256k1 and ed25519", text)
}

func keysNewCommand(o *options) *cobra.Command {
	var passwordFile, curveName string
	var light bool
	cmd := &cobra.Command{
		Use: "new FILE", Short: "Make a key in an encrypted file (keystore v3)", Args: cobra.ExactArgs(1),
		Example: "  trine keys new listener.json --password-file password\n  trine keys new payer.json --curve ed25519 --password-file password",
		RunE: func(cmd *cobra.Command, args []string) error {
			curve, err := parseCurve(curveName)
			if err != nil {
				return err
			}
			password, err := newPassword(cmd.Context(), passwordFile, args[0])
			if err != nil {
				return err
			}
			cost := filesigner.CostStandard
			if light {
				cost = filesigner.CostLight
			}
			key, err := filesigner.CreatePayer(args[0], curve, password, cost)
			if err != nil {
				return err
			}
			if s, seat := key.(*signing.KeySigner); seat {
				return o.showKey(cmd, keyInfo{filepath.Clean(args[0]), s.PublicKey(), s.Address()})
			}
			return o.showPayer(cmd, filepath.Clean(args[0]), key)
		},
	}
	cmd.Flags().StringVar(&passwordFile, "password-file", "", "file with the password (default: ask)")
	cmd.Flags().BoolVar(&light, "light", false, "a file that opens fast, for tests and local networks only")
	curveFlag(cmd, &curveName)
	return cmd
}

func newPassword(ctx context.Context, file, keyFile string) (string, error) {
	if file != "" {
		data, err := os.ReadFile(file) // the operator names the file
		if err != nil {
			return "", usagef("password file: %w", err)
		}
		return strings.TrimRight(string(data), "\r\n"), nil
	}
	first, err := askPassword(ctx, keyFile)
	if err != nil {
		return "", usagef("no --password-file is given: %w", err)
	}
	_, _ = fmt.Fprint(os.Stderr, "again: ")
	second, err := askPassword(ctx, keyFile)
	if err == nil && first != second {
		err = errors.New("the two passwords differ; nothing was written")
	}
	return first, err
}

func keysShowCommand(o *options) *cobra.Command {
	var curveName string
	cmd := &cobra.Command{
		Use: "show URI", Short: "Show the public half of a key", Args: cobra.ExactArgs(1),
		Example: "  trine keys show 'file:listener.json?password-file=password'",
		RunE: func(cmd *cobra.Command, args []string) error {
			curve, err := parseCurve(curveName)
			if err != nil {
				return err
			}
			if curve != signing.Secp256k1 {
				key, err := filesigner.OpenPayer(cmd.Context(), args[0], curve, filesigner.Options{Prompt: askPassword})
				if err != nil {
					return &usageError{err}
				}
				return o.showPayer(cmd, "", key)
			}
			key, err := openKey(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			s := signing.NewKeySigner(key)
			return o.showKey(cmd, keyInfo{"", s.PublicKey(), s.Address()})
		},
	}
	curveFlag(cmd, &curveName)
	return cmd
}

func configCheckCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "check FILE…", Short: "Read configuration files, dial everything, and name what is wrong",
		Long: `Read configuration files, dial everything, and name what is wrong. It exits with 2 if anything is: also if a peer
that answers is not the one of its address, or if the data folder is in use, cannot be written to, or is another
network's or another daemon's. A peer that does not answer is a warning only: the first daemon of a network starts
before the others. So is a fee payer who owns little. Ports and a folder that the daemon of the file has itself,
since it runs, are in order.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var all []app.Finding
			wrong, doubtful := 0, 0
			for _, path := range args {
				findings := app.Check(cmd.Context(), path)
				for _, f := range findings {
					switch {
					case f.Fault != "":
						wrong++
					case f.Warning != "":
						doubtful++
					}
				}
				all = append(all, findings...)
			}
			err := o.show(cmd, all, func(w io.Writer) {
				t := newTable(w, "file", "what", "result")
				for _, f := range all {
					result := "ok " + f.Detail
					switch {
					case f.Fault != "":
						result = "WRONG: " + f.Fault
					case f.Warning != "":
						result = "warning: " + f.Warning
					}
					t.AppendRow(table.Row{f.File, f.What, result})
				}
				t.Render()
				_, _ = fmt.Fprintf(w, "%d checks: %d wrong, %d warnings\n", len(all), wrong, doubtful)
			})
			if err == nil && wrong > 0 {
				err = usagef("%d of %d checks failed", wrong, len(all))
			}
			return err
		},
	}
}
