package app

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/pelletier/go-toml/v2"

	"github.com/trinebridge/trine/internal/units"
	"github.com/trinebridge/trine/ledger"
)

// Role is what a daemon does.
type Role string

// The roles. A node only follows the chain and serves the API.
const (
	RoleProcessor Role = "processor"
	RoleListener  Role = "listener"
	RoleApprover  Role = "approver"
	RoleSubmitter Role = "submitter"
	RoleNode      Role = "node"
)

// Roles lists the roles in the order of the documentation.
var Roles = []Role{RoleProcessor, RoleListener, RoleApprover, RoleSubmitter, RoleNode}

// WithArticle returns the role as a sentence names it: "a listener".
func (r Role) WithArticle() string {
	if r == RoleApprover {
		return "an approver"
	}
	return "a " + string(r)
}

// Config is one daemon. Paths are relative to the file that it was read from.
type Config struct {
	Role Role `toml:"role" comment:"processor, listener, approver, submitter or node"`
	// Genesis is the genesis file of the app chain, JSON.
	Genesis string `toml:"genesis" comment:"the app chain's genesis file, the same for every daemon"`
	// DataDir holds the store, the guard and the gossip identity; one daemon only.
	DataDir string `toml:"data_dir" comment:"store, guard and gossip identity of this daemon alone"`
	// Key is the signer's URI: the seat's key, for the roles that hold one.
	Key string `toml:"key,omitempty" comment:"the seat's key, by reference: file:PATH?password-file=PATH, env:NAME"`
	// DryRun watches and says what would be signed or sent, and never does either.
	DryRun bool `toml:"dry_run,omitempty"`
	// UnsafeAllowBehind has a processor make blocks without asking the members first.
	UnsafeAllowBehind bool `toml:"unsafe_allow_behind,omitempty" comment:"processor: make blocks without asking the members where the chain stands; from an old folder this ends the network"`

	Log      LogConfig      `toml:"log"`
	API      APIConfig      `toml:"api"`
	Gossip   GossipConfig   `toml:"gossip"`
	Chains   []ChainConfig  `toml:"chain" comment:"one block per external chain that this daemon reads or writes"`
	Approver ApproverConfig `toml:"approver,omitempty"`

	// path is the file's own place.
	path string
}

// LogConfig says how to log.
type LogConfig struct {
	Level  string `toml:"level,omitempty" comment:"debug, info, warn or error"`
	Format string `toml:"format,omitempty" comment:"text or json"`
}

// APIConfig says where the HTTP API listens.
type APIConfig struct {
	Listen string `toml:"listen" comment:"loopback address of the HTTP API, as in 127.0.0.1:7001; empty: no API"`
}

// GossipConfig says how to reach the other daemons.
type GossipConfig struct {
	Listen []string `toml:"listen" comment:"multiaddresses to listen on, as in /ip4/127.0.0.1/tcp/7101"`
	Peers  []string `toml:"peers" comment:"multiaddresses with /p2p/ID of daemons to stay connected to"`
}

// ChainConfig is one external chain as this daemon sees it.
type ChainConfig struct {
	ID        string   `toml:"id" comment:"CAIP-2 id, as in eip155:1"`
	Endpoints []string `toml:"endpoints" comment:"RPC URLs; ${NAME} is taken from the environment, so that keys stay out of this file"`
	// Quorum of endpoints that must agree; 0 means more than half.
	Quorum int `toml:"quorum,omitempty" comment:"how many endpoints must agree; default: more than half"`
	// Bridge, on a listener or approver, is the bridge that this operator agrees to attach.
	Bridge string   `toml:"bridge,omitempty" comment:"the bridge's address; on listeners and approvers: agree to attach it"`
	Poll   Duration `toml:"poll,omitempty" comment:"how often to ask the chain; default 2s"`
	// Timeout of one request to one endpoint.
	Timeout Duration `toml:"timeout,omitempty" comment:"of one request to one endpoint; default 10s"`
	// FeeKey pays on this chain, for submitters.
	FeeKey string `toml:"fee_key,omitempty" comment:"submitters: the key that pays, by reference"`
	// MaxFeePerGas and MaxTip are caps in what the chain's prices are written in.
	MaxFeePerGas string `toml:"max_fee_per_gas,omitempty" comment:"submitters: cap per unit of gas, in gwei (default 200), or of compute, in micro-lamports (default 1000000)"`
	MaxTip       string `toml:"max_tip,omitempty" comment:"submitters: cap on the tip in it; default 5 gwei, or 1000000 micro-lamports"`
	// LowBalance warns below this many coins.
	LowBalance string `toml:"low_balance,omitempty" comment:"submitters: warn below this many coins; default 0.1"`
	// Resend is after how long without inclusion a transaction is replaced.
	Resend Duration `toml:"resend,omitempty" comment:"submitters: replace a transaction that waited so long; default 30s"`
}

// ApproverConfig is an approver's own policy.
type ApproverConfig struct {
	Limits []ApproverLimit `toml:"limit,omitempty" comment:"the approver's own outflow limits, besides the contract's"`
}

// ApproverLimit bounds what this approver signs away of an asset on a chain in a window of time.
type ApproverLimit struct {
	Chain  string   `toml:"chain"`
	Asset  string   `toml:"asset" comment:"symbol"`
	Amount string   `toml:"amount" comment:"in whole units of the asset"`
	Window Duration `toml:"window"`
}

// Duration is a time.Duration written as in "90s".
type Duration time.Duration

// MarshalText implements encoding.TextMarshaler.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("duration %q: write it as in 90s or 1h30m", text)
	}
	*d = Duration(v)
	return nil
}

// or returns d, or the default where d is not set.
func (d Duration) or(fallback time.Duration) time.Duration {
	if d == 0 {
		return fallback
	}
	return time.Duration(d)
}

// maxConfig bounds a configuration file, in bytes.
const maxConfig = 1 << 20

// readFile reads a file that the operator names, unless it is larger than some bytes.
func readFile(path string, most int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(f, most+1))
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	if int64(len(data)) > most {
		return nil, fmt.Errorf("%s has more than %d bytes", path, most)
	}
	return data, nil
}

// LoadConfig reads a daemon's file. An unknown key is an error, and so is every value
// that Validate does not accept.
func LoadConfig(path string) (*Config, error) {
	data, err := readFile(path, maxConfig)
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	config, err := ParseConfig(data, path)
	if err != nil {
		return nil, fmt.Errorf("configuration %s: %w", path, err)
	}
	return config, nil
}

// ParseConfig reads a daemon's TOML; path is where relative paths start from.
func ParseConfig(data []byte, path string) (*Config, error) {
	config := &Config{path: path}
	decoder := toml.NewDecoder(bytes.NewReader(data)).DisallowUnknownFields()
	if err := decoder.Decode(config); err != nil {
		var unknown *toml.StrictMissingError
		if errors.As(err, &unknown) {
			return nil, fmt.Errorf("unknown key:\n%s", withoutURLs(unknown.String()))
		}
		var syntax *toml.DecodeError
		if errors.As(err, &syntax) {
			return nil, fmt.Errorf("%w:\n%s", syntax, withoutURLs(syntax.String()))
		}
		return nil, err
	}
	return config, config.Validate()
}

// Validate reports every fault at once.
func (c *Config) Validate() error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if !slices.Contains(Roles, c.Role) {
		fault("role is %q, want one of %s", c.Role, roleNames())
	}
	if c.Genesis == "" {
		fault("genesis is not set; name the app chain's genesis file")
	}
	if c.DataDir == "" {
		fault("data_dir is not set; name a folder for this daemon alone")
	}
	if holdsSeat := c.Role == RoleProcessor || c.Role == RoleListener || c.Role == RoleApprover; holdsSeat && c.Key == "" {
		fault("key is not set; %s signs with its seat's key, as in file:keys/%s.json?password-file=keys/password", c.Role.WithArticle(), c.Role)
	} else if !holdsSeat && c.Key != "" && slices.Contains(Roles, c.Role) {
		fault("key is set, but %s signs nothing; remove it", c.Role.WithArticle())
	}
	if c.DryRun && c.Role == RoleProcessor {
		fault("dry_run is set, but a processor that signs no block does nothing; remove it, or run a node")
	}
	if c.UnsafeAllowBehind && c.Role != RoleProcessor {
		fault("unsafe_allow_behind is set, but %s makes no blocks; remove it", c.Role.WithArticle())
	}
	switch c.Log.Level {
	case "", "debug", "info", "warn", "error":
	default:
		fault("log.level is %q, want debug, info, warn or error", c.Log.Level)
	}
	if c.Log.Format != "" && c.Log.Format != "text" && c.Log.Format != "json" {
		fault("log.format is %q, want text or json", c.Log.Format)
	}
	if err := checkLoopback(c.API.Listen); err != nil {
		faults = append(faults, err)
	}
	faults = append(faults, c.Gossip.validate())
	seen := map[string]bool{}
	for i := range c.Chains {
		if seen[c.Chains[i].ID] {
			fault("chain %s is listed twice", c.Chains[i].ID)
		}
		seen[c.Chains[i].ID] = true
		faults = append(faults, c.Chains[i].validate(c.Role))
	}
	if len(c.Chains) == 0 && (c.Role == RoleListener || c.Role == RoleApprover || c.Role == RoleSubmitter) {
		fault("there is no [[chain]]; %s needs endpoints of the chains that it works with", c.Role.WithArticle())
	}
	faults = append(faults, c.validateLimits()...)
	return errors.Join(faults...)
}

// validateLimits checks what can be known of the approver's limits without the genesis.
func (c *Config) validateLimits() (faults []error) {
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if len(c.Approver.Limits) > 0 && c.Role != RoleApprover {
		fault("approver.limit is set, but %s approves nothing; remove it", c.Role.WithArticle())
	}
	for _, l := range c.Approver.Limits {
		if time.Duration(l.Window) < time.Second {
			fault("approver.limit for %s on %s: window is %s, want at least 1s, as in \"24h\"", l.Asset, l.Chain, time.Duration(l.Window))
		}
		// The asset's decimals stand in the genesis; no asset has more than these.
		if _, err := units.Parse(l.Amount, ledger.MaxDecimals); err != nil {
			fault("approver.limit for %s on %s: %w", l.Asset, l.Chain, err)
		}
		if !slices.ContainsFunc(c.Chains, func(x ChainConfig) bool { return x.ID == l.Chain }) {
			fault("approver.limit for %s on %s: there is no [[chain]] with this id, so it would limit nothing", l.Asset, l.Chain)
		}
	}
	return faults
}

func (c *GossipConfig) validate() error {
	var faults []error
	for _, text := range c.Listen {
		if _, err := tcpAddress(text); err != nil {
			faults = append(faults, fmt.Errorf("gossip.listen: %w", err))
		}
	}
	for _, text := range c.Peers {
		if _, err := tcpAddress(text); err != nil {
			faults = append(faults, fmt.Errorf("gossip.peers: %w", err))
		} else if _, err := peer.AddrInfoFromString(text); err != nil {
			faults = append(faults, fmt.Errorf("gossip.peers: %q does not end with /p2p/ and the peer's id: %w", text, err))
		}
	}
	return errors.Join(faults...)
}

func roleNames() string {
	names := make([]string, len(Roles))
	for i, r := range Roles {
		names[i] = string(r)
	}
	return strings.Join(names, ", ")
}

func checkLoopback(listen string) error {
	if listen == "" {
		return nil
	}
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return fmt.Errorf("api.listen %q: %w", listen, err)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Errorf("api.listen %q: the port is no number up to 65535", listen)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("api.listen %q is not on loopback; the operators' token would cross the network in the clear: put a proxy in front of it", listen)
	}
	return nil
}

// Resolve returns a path of the file as seen from the working directory.
func (c *Config) Resolve(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(c.path), path)
}

// Path returns the file that the configuration was read from.
func (c *Config) Path() string { return c.path }
