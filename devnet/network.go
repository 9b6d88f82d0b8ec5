package devnet

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/trinebridge/trine/api"
	"github.com/trinebridge/trine/app"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/ledger"
)

// Config says what network to run. The zero value of every field but Binary works.
type Config struct {
	// Binary is the trine program whose daemons run.
	Binary string
	// Dir holds files, data and logs of the network; a new temporary folder, removed at the
	// end, if empty.
	Dir string
	// Chains are development chains to use.
	Chains []ChainConfig
	// Families are the CAIP-2 namespaces that the network needs a chain of. Without Chains
	// one of each is started, or two EVM chains if none is named.
	Families []string
	// Listeners and Approvers default to 3 each, Submitters to 1.
	Listeners, Approvers, Submitters int
	// Tokens, if set, is called when the chains are up, and returns more tokens to bridge:
	// tests deploy theirs there.
	Tokens func(ctx context.Context, chains []*External) ([]Token, error)
	Log    *slog.Logger
}

// ChainConfig is a development chain that runs already.
type ChainConfig struct {
	// Endpoint is where this process reaches it.
	Endpoint string
	// Daemons are the endpoints that the daemons get, Endpoint when empty: so that a test
	// can stand between.
	Daemons []string
	// Timeout is how long a daemon waits for an endpoint, zero for its default.
	Timeout time.Duration
}

// Validate reports every fault at once.
func (c *Config) Validate() error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if c.Binary == "" {
		fault("no trine program is named")
	}
	for _, namespace := range c.Families {
		_, err := familyOf(namespace)
		faults = append(faults, err)
	}
	var endpoints []string
	for _, x := range c.Chains {
		for _, endpoint := range append([]string{x.Endpoint}, x.Daemons...) {
			if u, err := url.Parse(endpoint); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
				fault("endpoint %q is not an http or https URL", endpoint)
			}
		}
		if slices.Contains(endpoints, x.Endpoint) {
			fault("endpoint %s is named twice; a network has each chain once", x.Endpoint)
		}
		endpoints = append(endpoints, x.Endpoint)
	}
	for _, group := range []struct {
		name string
		n    int
	}{{"listeners", c.Listeners}, {"approvers", c.Approvers}, {"submitters", c.Submitters}} {
		if group.n < 0 {
			fault("%d %s are no number of daemons", group.n, group.name)
		}
	}
	return errors.Join(faults...)
}

// embedded returns the families of the chains to start.
func (c *Config) embedded() []string {
	switch {
	case len(c.Chains) > 0:
		return nil
	case len(c.Families) > 0:
		return c.Families
	}
	return []string{evmFamily.namespace, evmFamily.namespace}
}

// Token is a token of one chain that stands for an asset of its own.
type Token struct {
	Symbol string
	// Chain is the CAIP-2 id, Address the token's word there.
	Chain    string
	Address  codec.Hash
	Decimals uint8
}

// Network is a running network.
type Network struct {
	Dir     string
	Chains  []*External
	Daemons []*Process
	Genesis *ledger.Genesis

	config    Config
	temporary bool
}

// Start brings everything up and returns once every bridge is attached and every daemon
// is ready. The caller stops it; what fails halfway cleans up after itself.
func Start(ctx context.Context, config Config) (n *Network, err error) {
	if err := config.Validate(); err != nil {
		return nil, fmt.Errorf("devnet: %w", err)
	}
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	config.Listeners, config.Approvers, config.Submitters = cmp.Or(config.Listeners, 3), cmp.Or(config.Approvers, 3), cmp.Or(config.Submitters, 1)
	n = &Network{Dir: config.Dir, config: config}
	defer func() {
		if err != nil {
			err = errors.Join(err, n.Stop())
			n = nil
		}
	}()
	if n.Dir == "" {
		n.temporary = true
		if n.Dir, err = os.MkdirTemp("", "trine-devnet-"); err != nil {
			return n, err
		}
	}
	for _, step := range []struct {
		what string
		do   func(context.Context) error
	}{
		{"start external chains", n.startChains},
		{"write genesis, keys and configurations", n.initialize},
		{"deploy bridges", n.deploy},
		{"start daemons", n.startDaemons},
		{"attach bridges", n.attach},
		{"wait until every daemon is ready", n.waitReady},
	} {
		began := time.Now()
		if err := within(ctx, step.do); err != nil {
			return n, fmt.Errorf("%s: %w", step.what, err)
		}
		config.Log.Info(step.what, "ms", time.Since(began).Milliseconds())
	}
	return n, nil
}

// stageWithin bounds each stage of the start: a chain that dies in the middle is not waited for any longer.
const stageWithin = 5 * time.Minute

func within(ctx context.Context, stage func(context.Context) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, stageWithin, fmt.Errorf("it was not done within %s", stageWithin))
	defer cancel()
	return stage(ctx)
}

func (n *Network) startChains(ctx context.Context) (err error) {
	if n.Chains, err = openChains(ctx, &n.config); err != nil {
		return err
	}
	return createTokens(ctx, n.Chains)
}

func (n *Network) initialize(ctx context.Context) error {
	options := app.InitOptions{
		Dir: filepath.Join(n.Dir, "net"), Network: "devnet", Listeners: n.config.Listeners, Approvers: n.config.Approvers, Submitters: n.config.Submitters,
		Light: true,
	}
	for _, x := range n.Chains {
		options.Chains = append(options.Chains, app.InitChain{ID: x.ID, Rule: x.adapter.AddressRule, Confirmations: x.family.confirmations, Skew: x.family.skew, Endpoints: x.daemons, Poll: pollEvery, Timeout: x.timeout})
	}
	options.Assets = assets(n.Chains)
	if n.config.Tokens != nil {
		tokens, err := n.config.Tokens(ctx, n.Chains)
		if err != nil {
			return err
		}
		for _, t := range tokens {
			options.Assets = append(options.Assets, app.GenesisAsset{Symbol: t.Symbol, Decimals: t.Decimals, Tokens: []app.GenesisToken{
				{Chain: t.Chain, Address: app.FormatAddress(t.Chain, t.Address), Decimals: t.Decimals, MinWithdrawal: "1", Fee: "0"},
			}})
		}
	}
	files, err := app.Init(options)
	if err != nil {
		return err
	}
	for _, d := range files.Daemons {
		n.Daemons = append(n.Daemons, &Process{Daemon: d, binary: n.config.Binary, log: filepath.Join(n.Dir, "logs", d.Name+".log")})
	}
	for _, x := range n.Chains {
		for _, payer := range files.FeePayers[x.ID] {
			word, err := x.adapter.ParseAddress(payer)
			if err != nil {
				return fmt.Errorf("chain %s: the submitter's account: %w", x.ID, err)
			}
			if err := x.Fund(ctx, word, submitterCoins); err != nil {
				return err
			}
		}
	}
	n.Genesis, err = app.LoadGenesis(files.Genesis)
	return err
}

// submitterCoins is what each submitter can spend on fees on each chain.
const submitterCoins = 100

func (n *Network) deploy(ctx context.Context) error {
	for _, x := range n.Chains {
		d, err := x.adapter.Deploy(ctx, chain.DeployConfig{ChainID: x.ID, Endpoint: x.Endpoint, Genesis: n.Genesis.Hash(), Set: n.Genesis.Validators, FeeKey: x.ground.faucet()})
		if err != nil {
			return fmt.Errorf("chain %s: %w", x.ID, err)
		}
		x.Bridge = x.Format(d.Bridge)
	}
	return nil
}

func (n *Network) startDaemons(ctx context.Context) error {
	if err := os.MkdirAll(filepath.Join(n.Dir, "logs"), 0o700); err != nil {
		return err
	}
	for _, p := range n.Daemons {
		if err := p.Start(); err != nil {
			return err
		}
	}
	for _, p := range n.Daemons {
		if err := p.waitFor(ctx, "answer", func(c *api.Client) error {
			_, err := c.Status(ctx)
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}

func (n *Network) attach(ctx context.Context) error {
	for _, p := range n.Daemons {
		if p.Role != app.RoleListener && p.Role != app.RoleApprover {
			continue
		}
		client, err := p.Client()
		if err != nil {
			return err
		}
		for _, x := range n.Chains {
			if err := client.Attach(ctx, x.ID, x.Bridge); err != nil {
				return fmt.Errorf("%s: %w", p.Name, err)
			}
		}
	}
	for _, p := range n.Daemons {
		if err := p.waitFor(ctx, "see every bridge attached", func(c *api.Client) error {
			bridges, err := c.Bridges(ctx)
			if err == nil && len(bridges) < len(n.Chains) {
				err = fmt.Errorf("%d of %d bridges are attached", len(bridges), len(n.Chains))
			}
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}

func (n *Network) waitReady(ctx context.Context) error {
	for _, p := range n.Daemons {
		if err := p.waitFor(ctx, "be ready", func(c *api.Client) error {
			s, err := c.Status(ctx)
			if err == nil && !s.Ready {
				err = fmt.Errorf("not ready: %+v", s.Parts)
			}
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}

// Daemon returns the first daemon of a role.
func (n *Network) Daemon(role app.Role) *Process {
	for _, p := range n.Daemons {
		if p.Role == role {
			return p
		}
	}
	return nil
}

// Stop ends every process and chain that Start began.
func (n *Network) Stop() error {
	var errs []error
	for _, p := range n.Daemons {
		p.interrupt()
	}
	for _, p := range n.Daemons {
		errs = append(errs, p.Stop())
	}
	errs = append(errs, closeChains(n.Chains))
	if n.temporary && n.Dir != "" {
		errs = append(errs, os.RemoveAll(n.Dir))
	}
	return errors.Join(errs...)
}
