package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"

	"github.com/trinebridge/trine/api"
	"github.com/trinebridge/trine/appchain"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/gossip"
	"github.com/trinebridge/trine/ledger"
	"github.com/trinebridge/trine/signing"
	"github.com/trinebridge/trine/signing/guard"
	"github.com/trinebridge/trine/store"
	"github.com/trinebridge/trine/store/pebblestore"
)

// Names inside a daemon's data folder.
const (
	identityFile = "gossip.key"
	storeFolder  = "store"
)

// RunOptions is what does not stand in the file.
type RunOptions struct {
	Version string
	// LogTo takes the log.
	LogTo io.Writer
	// Listening, if set, is told the API's address once it is known.
	Listening func(address string)
}

// daemon is a daemon being put together; see build for the order.
type daemon struct {
	config  *Config
	options RunOptions
	log     *slog.Logger
	metrics *metrics
	ledger  *ledger.Ledger
	store   *pebblestore.Store
	host    *gossip.Host
	net     network
	node    *appchain.Node
	chains  []*access

	// signer is the seat's bare key, guard the same behind its guard; nil without a seat.
	signer signing.Signer
	guard  *guard.Guard

	submit func(context.Context, *ledger.Transaction) (codec.Hash, error)
	status []func() []api.Part
	server api.Config
	parts  []part
}

// ConfigError says that a daemon cannot start because of what its operator gave it: its
// file, its genesis, its keys, or that these do not belong together.
type ConfigError struct{ error }

// Unwrap returns the fault.
func (e *ConfigError) Unwrap() error { return e.error }

// Run runs a daemon until ctx ends, and stops it in order. It returns nil for a daemon
// that was told to stop.
func Run(ctx context.Context, config *Config, options RunOptions) (err error) {
	if err := config.Validate(); err != nil {
		return &ConfigError{fmt.Errorf("configuration %s: %w", config.path, err)}
	}
	d := &daemon{config: config, options: options, log: newLog(config.Log, options.LogTo).With("role", string(config.Role)), metrics: newMetrics()}
	defer func() {
		if d.store == nil {
			return
		}
		// A store that has stopped says to everybody why: once is enough.
		if closed := d.store.Close(); err == nil || d.store.Failure() == nil {
			err = errors.Join(err, closed)
		}
	}()
	// What a later step stands on comes first; the parts start in the order in which the
	// steps add them, and stop in reverse: the API hears of no request that has nobody to
	// answer it, and the store closes last.
	for _, step := range []struct {
		what string
		do   func(context.Context) error
		// given says that the step fails because of what the operator gave, not because of
		// the machine.
		given bool
	}{
		{"genesis", d.openGenesis, true},
		{"store", d.openStore, false},
		{"key", d.openKey, true},
		{"gossip", d.openGossip, false},
		{"app chain", d.openNode, false},
		{"chains", d.openChains, true},
		{string(config.Role), d.openRole, true},
		{"api", d.openAPI, false},
	} {
		if err := step.do(ctx); err != nil {
			err = fmt.Errorf("%s: %w", step.what, err)
			if step.given || errors.Is(err, appchain.ErrOtherChain) {
				return &ConfigError{err}
			}
			return err
		}
	}
	d.log.Info("daemon starts", "version", options.Version, "network", d.ledger.Genesis().Network, "genesis", d.ledger.GenesisHash(), "height", d.node.Height())
	err = runInOrder(ctx, d.log, d.parts)
	d.log.Info("daemon ends", "height", d.node.Height(), "error", err)
	return err
}

func newLog(c LogConfig, to io.Writer) *slog.Logger {
	level := map[string]slog.Level{"debug": slog.LevelDebug, "warn": slog.LevelWarn, "error": slog.LevelError}[c.Level]
	options := &slog.HandlerOptions{Level: level}
	if c.Format == "json" {
		return slog.New(slog.NewJSONHandler(to, options))
	}
	return slog.New(slog.NewTextHandler(to, options))
}

func (d *daemon) openGenesis(context.Context) error {
	genesis, err := LoadGenesis(d.config.Resolve(d.config.Genesis))
	if err != nil {
		return err
	}
	d.ledger, err = ledger.New(*genesis, nil)
	return err
}

func (d *daemon) openStore(context.Context) (err error) {
	if d.store, err = pebblestore.Open(pebblestore.Config{Dir: filepath.Join(d.dataDir(), storeFolder), Log: d.log}); err != nil {
		return err
	}
	d.parts = append(d.parts, part{name: "store", run: d.watchStore, once: true})
	return nil
}

// watchStore ends the daemon when its disk has failed: no part can do anything without it,
// and a start on a mended disk begins with what is durable.
func (d *daemon) watchStore(ctx context.Context) error {
	select {
	case <-d.store.Failed():
		return d.store.Failure()
	case <-ctx.Done():
		return nil
	}
}

func (d *daemon) dataDir() string { return d.config.Resolve(d.config.DataDir) }

func (d *daemon) openKey(ctx context.Context) (err error) {
	if d.config.Key == "" {
		return nil
	}
	if d.signer, err = openSeat(ctx, d.config.Key, filepath.Dir(d.config.path)); err != nil {
		return err
	}
	d.guard, err = guard.New(d.signer, store.Sub(d.store, "guard/"))
	return err
}

func (d *daemon) openGossip(context.Context) error {
	identity, err := gossip.LoadOrCreateIdentity(filepath.Join(d.dataDir(), identityFile))
	if err != nil {
		return err
	}
	d.host, err = gossip.New(gossip.Config{
		Network: d.ledger.GenesisHash(), Identity: identity, Listen: d.config.Gossip.Listen, Peers: d.config.Gossip.Peers,
		Log: d.log, Events: d.metrics.gossip(),
	})
	if err != nil {
		return err
	}
	d.net = network{d.host}
	// It fails when it cannot listen, and then not later: nobody would reach the daemon, and
	// its operator would hear of it from the others.
	d.parts = append(d.parts, part{name: "gossip", run: d.host.Run, once: true})
	return nil
}

func (d *daemon) openNode(context.Context) (err error) {
	c := appchain.Config{Ledger: d.ledger, KV: store.Sub(d.store, "chain/"), Log: d.log}
	if !d.config.DryRun && (d.config.Role == RoleListener || d.config.Role == RoleApprover) {
		c.Signer = d.guard // a processor that starts asks members where the chain stands
	}
	if d.node, err = appchain.New(c); err != nil {
		return err
	}
	d.metrics.gauge("height", "Newest durable block of the app chain.", func() float64 { return float64(d.node.Height()) })
	return nil
}

func (d *daemon) openChains(context.Context) (err error) {
	d.chains, err = openChains(d.config, d.ledger.Genesis(), d.ledger.GenesisHash(), d.log, d.metrics)
	return err
}

func (d *daemon) openAPI(context.Context) error {
	if d.config.API.Listen == "" {
		return nil
	}
	c := d.server
	c.Listen, c.Role, c.Version, c.Node, c.Addresses = d.config.API.Listen, string(d.config.Role), d.options.Version, d.node, addresses{}
	token, err := loadOrCreateToken(filepath.Join(d.dataDir(), tokenFile))
	if err != nil {
		return &ConfigError{err}
	}
	c.Submit, c.Metrics, c.Log, c.Token = d.submit, d.metrics.handler(), d.log, token
	c.Peers, c.PeerID = func() int { return len(d.host.Connected()) }, d.host.ID()
	c.Parts = func() []api.Part {
		parts := []api.Part{}
		for _, status := range d.status {
			parts = append(parts, status()...)
		}
		return parts
	}
	server, err := api.New(c)
	if err != nil {
		return err
	}
	if d.options.Listening != nil {
		d.options.Listening(server.Address())
	}
	d.parts = append(d.parts, part{name: "api", run: server.Run, once: true})
	return nil
}

// addresses answers the API from the table of adapters.
type addresses struct{}

// Format implements api.Addresses.
func (addresses) Format(chainID string, word codec.Hash) string { return FormatAddress(chainID, word) }

// FormatToken implements api.Addresses.
func (addresses) FormatToken(chainID string, word codec.Hash) string {
	text, err := FormatToken(chainID, word)
	if err != nil {
		return word.String()
	}
	return text
}

// Parse implements api.Addresses.
func (addresses) Parse(chainID, text string) (codec.Hash, error) { return ParseAddress(chainID, text) }
