package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/ledger"
	"github.com/trinebridge/trine/signing"
	"github.com/trinebridge/trine/validators"
)

// Finding is one thing that Check looked at.
type Finding struct {
	File string `json:"file"`
	// What was looked at, as in "endpoint node.example".
	What string `json:"what"`
	// Detail says what was found; Fault what is wrong and the way out, empty if nothing is;
	// Warning what may be wrong and passes by itself if it is not.
	Detail  string `json:"detail,omitempty"`
	Warning string `json:"warning,omitempty"`
	Fault   string `json:"fault,omitempty"`
}

// dialWithin bounds each thing that is dialled.
const dialWithin = 5 * time.Second

// checker is Check at work.
type checker struct {
	path     string
	config   *Config
	genesis  *ledger.Genesis
	findings []Finding
}

// Check reads a daemon's file and dials everything in it without starting the daemon:
// genesis, key, data folder, ports, peers and endpoints. It reports all that it looked at.
func Check(ctx context.Context, path string) []Finding {
	c := &checker{path: path}
	config, err := LoadConfig(path)
	c.found("file", "every key is known and every value possible", err)
	if err != nil {
		return c.findings
	}
	c.config = config
	c.genesis, err = LoadGenesis(config.Resolve(config.Genesis))
	if err != nil {
		c.found("genesis", "", err)
	} else {
		c.found("genesis", fmt.Sprintf("%s, %s", c.genesis.Network, c.genesis.Hash()), nil)
	}
	c.key(ctx)
	c.limits()
	c.dataDir()
	c.ports(ctx)
	c.peers(ctx)
	c.endpoints(ctx)
	c.unread()
	return c.findings
}

func (c *checker) found(what, detail string, err error) {
	f := Finding{File: c.path, What: what, Detail: detail}
	if err != nil {
		f.Detail, f.Fault = "", err.Error()
	}
	c.findings = append(c.findings, f)
}

var groups = map[Role]validators.Group{RoleProcessor: validators.Processor, RoleListener: validators.Listeners, RoleApprover: validators.Approvers}

func (c *checker) key(ctx context.Context) {
	if c.config.Key != "" {
		signer, err := openSeat(ctx, c.config.Key, filepath.Dir(c.config.path))
		if err != nil {
			c.found("key", "", err)
		} else {
			c.seat(signer.PublicKey().Address())
		}
	}
	for i := range c.config.Chains {
		x := &c.config.Chains[i]
		if x.FeeKey == "" {
			continue
		}
		account, err := c.feeAccount(ctx, x)
		c.found("fee key of "+x.ID, "pays as "+account, err)
	}
}

// feeAccount names the account that pays on a chain.
func (c *checker) feeAccount(ctx context.Context, x *ChainConfig) (string, error) {
	adapter, err := AdapterOf(x.ID)
	if err != nil {
		return "", err
	}
	key, err := OpenPayer(ctx, &adapter, x.FeeKey, filepath.Dir(c.config.path), nil)
	if err != nil {
		return "", err
	}
	account, err := adapter.AccountOf(key)
	return adapter.FormatAddress(account), err
}

// seat compares the key with the genesis's set; a later set may differ, so a running
// network has the last word.
func (c *checker) seat(address signing.Address) {
	if c.genesis == nil {
		return
	}
	group := groups[c.config.Role]
	if !c.genesis.Validators.Has(group, address) {
		c.found("key", "", fmt.Errorf("%s holds no seat as %s in the genesis; its members are %v", address, group, c.genesis.Validators.Members(group)))
		return
	}
	c.found("key", fmt.Sprintf("%s, %s of the genesis", address, group), nil)
}

// limits compares an approver's limits with the genesis.
func (c *checker) limits() {
	if c.genesis == nil || len(c.config.Approver.Limits) == 0 {
		return
	}
	limits, err := approverLimits(c.config.Approver.Limits, c.genesis)
	c.found("approver.limit", fmt.Sprintf("%d, of assets of the genesis", len(limits)), err)
}

func (c *checker) dataDir() {
	dir := c.config.Resolve(c.config.DataDir)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		c.found("data_dir", "", fmt.Errorf("cannot make %s: %w", dir, err))
		return
	}
	f, err := os.CreateTemp(dir, ".check-*")
	if err == nil {
		_ = f.Close()
		err = os.Remove(f.Name())
	}
	if err != nil {
		err = fmt.Errorf("cannot write to %s: %w", dir, err)
	}
	c.found("data_dir", dir, err)
	if id, err := c.identity(); err != nil || id != "" {
		c.found("gossip identity", id, err)
	}
}

func tcpAddress(text string) (string, error) {
	m, err := ma.NewMultiaddr(text)
	if err != nil {
		return "", fmt.Errorf("%q is not a multiaddress such as /ip4/127.0.0.1/tcp/7101: %w", text, err)
	}
	network, address, err := manet.DialArgs(m)
	if err != nil || !strings.HasPrefix(network, "tcp") {
		return "", fmt.Errorf("%q is not an address of TCP such as /ip4/127.0.0.1/tcp/7101", text)
	}
	return address, nil
}

func (c *checker) peers(ctx context.Context) {
	if len(c.config.Gossip.Peers) == 0 && c.config.Role != RoleProcessor {
		c.found("gossip.peers", "", fmt.Errorf("there is none; %s hears of no block without one", c.config.Role.WithArticle()))
	}
	own, _ := c.identity() // dataDir has reported an error
	for _, text := range c.config.Gossip.Peers {
		address, err := tcpAddress(text)
		if err == nil && own != "" && strings.HasSuffix(text, "/p2p/"+own) {
			err = errors.New("this is the daemon of this file itself; remove it")
		}
		if err != nil {
			c.found("peer "+text, "", err)
			continue
		}
		dialer := net.Dialer{Timeout: dialWithin}
		connection, err := dialer.DialContext(ctx, "tcp", address)
		if err != nil {
			// The first daemon of a network starts before its peers.
			c.findings = append(c.findings, Finding{File: c.path, What: "peer " + text, Warning: fmt.Sprintf("does not answer: %v; is that daemon running?", err)})
			continue
		}
		c.found("peer "+text, "answers", connection.Close())
	}
}

func (c *checker) endpoints(ctx context.Context) {
	for i := range c.config.Chains {
		x := &c.config.Chains[i]
		if c.genesis == nil {
			return
		}
		known, ok := c.genesis.Chain(x.ID)
		if !ok {
			c.found("chain "+x.ID, "", fmt.Errorf("it is not in the genesis"))
			continue
		}
		adapter, err := AdapterOf(x.ID)
		if err != nil {
			c.found("chain "+x.ID, "", err)
			continue
		}
		a := &access{config: x, adapter: adapter, chain: known, genesis: c.genesis.Hash()}
		for i, url := range x.Endpoints {
			detail, err := c.endpoint(ctx, a, url)
			c.found(fmt.Sprintf("endpoint %s of %s", a.endpointName(i), x.ID), detail, err)
		}
	}
}

// unread names the chains of the genesis that an approver's file lacks.
func (c *checker) unread() {
	if c.genesis == nil || c.config.Role != RoleApprover {
		return
	}
	for _, x := range c.genesis.Chains {
		if !slices.ContainsFunc(c.config.Chains, func(own ChainConfig) bool { return own.ID == x.ID }) {
			c.found("chain "+x.ID, "", fmt.Errorf("there is no [[chain]] for it: once its bridge has reported an event, this approver signs no action on any chain"))
		}
	}
}

func (c *checker) endpoint(ctx context.Context, a *access, url string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, dialWithin)
	defer cancel()
	// Any address does: the head says whether the endpoint answers and for which chain.
	source, err := a.adapter.OpenSource(a.sourceConfig(url, codec.Uint64Word(1<<20), 0))
	if err != nil {
		return "", err
	}
	head, err := source.Head(ctx, a.finality())
	if err != nil {
		return "", err
	}
	return "settled block " + head.String(), nil
}
