package app

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/api"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/internal/units"
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

// anyBridge stands for a bridge where none is read.
var anyBridge = codec.Uint64Word(1 << 20)

// checker is Check at work.
type checker struct {
	path     string
	config   *Config
	genesis  *ledger.Genesis
	findings []Finding

	// runs says that the daemon of this file runs, status what it says of itself.
	runs   bool
	status api.Status
	// seatKey is the address of the file's key, nil without one that can be opened.
	seatKey *signing.Address
	// payerKeys are the keys that pay, by chain; answering is an endpoint of each chain that answers.
	payerKeys map[string]signing.Payer
	answering map[string]string
	chains    []*access
}

// Check reads a daemon's file and dials everything in it without starting the daemon:
// genesis, key, data folder, ports, peers and endpoints. It reports all that it looked at.
func Check(ctx context.Context, path string) []Finding {
	c := &checker{path: path, payerKeys: map[string]signing.Payer{}, answering: map[string]string{}}
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
	c.status, c.runs = c.running(ctx)
	c.key(ctx)
	c.limits()
	c.dataDir()
	c.ports()
	c.peers(ctx)
	c.endpoints(ctx)
	c.payers(ctx)
	c.unread()
	return c.findings
}

// warn reports what may be wrong, and passes by itself if it is not.
func (c *checker) warn(what, warning string) {
	c.findings = append(c.findings, Finding{File: c.path, What: what, Warning: warning})
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
			address := signer.PublicKey().Address()
			c.seatKey = &address
			c.seat(address)
		}
	}
	for i := range c.config.Chains {
		x := &c.config.Chains[i]
		if x.FeeKey == "" {
			continue
		}
		account, err := c.feePayer(ctx, x)
		c.found("fee key of "+x.ID, "pays as "+account, err)
	}
}

// feePayer opens the key that pays on a chain and returns its account's name.
func (c *checker) feePayer(ctx context.Context, x *ChainConfig) (string, error) {
	adapter, err := AdapterOf(x.ID)
	if err != nil {
		return "", err
	}
	key, err := OpenPayer(ctx, &adapter, x.FeeKey, filepath.Dir(c.config.path), nil)
	if err != nil {
		return "", err
	}
	account, err := adapter.AccountOf(key)
	if err != nil {
		return "", err
	}
	c.payerKeys[x.ID] = key
	return adapter.FormatAddress(account), nil
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
		c.chains = append(c.chains, a)
		for i, url := range x.Endpoints {
			what := fmt.Sprintf("endpoint %s of %s", a.endpointName(i), x.ID)
			detail, err := c.endpoint(ctx, a, url)
			absent := errors.Is(err, chain.ErrAbsent)
			if _, one := c.answering[x.ID]; (err == nil || absent) && !one {
				c.answering[x.ID] = url
			}
			if absent {
				c.warn(what, "answers, and no block is settled there yet: a chain that has just begun, or a node that has not caught up")
				continue
			}
			c.found(what, detail, err)
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
	// The head says whether the endpoint answers and for which chain.
	source, err := a.adapter.OpenSource(a.sourceConfig(url, anyBridge, 0))
	if err != nil {
		return "", err
	}
	head, err := source.Head(ctx, a.finality())
	if err != nil {
		return "", err
	}
	return "settled block " + head.String(), nil
}

// payers warns of fee payers who own too little to deliver anything for long.
func (c *checker) payers(ctx context.Context) {
	for _, a := range c.chains {
		key, url := c.payerKeys[a.config.ID], c.answering[a.config.ID]
		if key == nil || url == "" {
			continue // what is wrong there has been named
		}
		c.payer(ctx, a, key, url)
	}
}

func (c *checker) payer(ctx context.Context, a *access, key signing.Payer, url string) {
	what, u := "balance on "+a.config.ID, &a.adapter.Units
	low, err := units.Parse(orText(a.config.LowBalance, u.LowBalance), u.CoinDecimals)
	if err != nil {
		c.found(what, "", fmt.Errorf("low_balance: %w", err))
		return
	}
	ctx, cancel := context.WithTimeout(ctx, dialWithin)
	defer cancel()
	payer, balance, err := balanceOf(ctx, a, key, url)
	held := units.Format(&balance, u.CoinDecimals) + " " + u.Coin
	switch {
	case err != nil:
		c.warn(what, fmt.Sprintf("it cannot be read: %v", err))
	case balance.IsZero():
		c.warn(what, fmt.Sprintf("%s holds no %s on %s: send coins to it, nothing is delivered there before", payer, u.Coin, a.config.ID))
	case balance.Lt(&low):
		c.warn(what, fmt.Sprintf("%s holds %s on %s, less than low_balance, %s: send coins to it, or deliveries there will stand still", payer, held, a.config.ID, units.Format(&low, u.CoinDecimals)))
	default:
		c.found(what, payer+" holds "+held, nil)
	}
}

// balanceOf asks one endpoint what a fee payer owns of the chain's coin.
func balanceOf(ctx context.Context, a *access, key signing.Payer, url string) (payer string, balance uint256.Int, err error) {
	account, err := a.adapter.AccountOf(key)
	if err != nil {
		return "", balance, err
	}
	wallet, err := a.adapter.OpenWallet(chain.SinkConfig{SourceConfig: a.sourceConfig(url, anyBridge, 0), FeeKey: key})
	if err != nil {
		return "", balance, err
	}
	balance, err = wallet.Balance(ctx, a.adapter.NativeToken, account)
	return a.adapter.FormatAddress(account), balance, err
}
