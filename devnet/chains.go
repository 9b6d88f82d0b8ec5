package devnet

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/app"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/signing"
)

// pollEvery is how often the daemons ask a development chain.
const pollEvery = 300 * time.Millisecond

// coin is the own coin of the chains of a family.
type coin struct {
	symbol   string
	decimals uint8
}

// family is how a network uses the chains of one CAIP-2 namespace. A new kind of chain
// is a new line in families.
type family struct {
	// namespace is the part of the CAIP-2 id before the colon.
	namespace string
	coin      coin
	// maxDecimals is what a token of a useful supply can have.
	maxDecimals uint8
	// confirmations and skew are the genesis's, for development chains of this family.
	confirmations, skew uint64
	// start starts an embedded chain, the network's number-th from 0.
	start func(ctx context.Context, number int) (ground, error)
	// identify returns the CAIP-2 id of the chain behind an endpoint, or an error if no
	// node of this family answers there.
	identify func(ctx context.Context, endpoint string) (string, error)
	// attach connects to a chain that runs already, whose id identify returned.
	attach func(ctx context.Context, id, endpoint string) (ground, error)
}

// identifyWithin is identify with an end for a node that takes a request and never answers.
func (f *family) identifyWithin(ctx context.Context, endpoint string) (string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, answersWithin, fmt.Errorf("no answer within %s", answersWithin))
	defer cancel()
	id, err := f.identify(ctx, endpoint)
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return id, err
}

// families in the order in which endpoints are tried.
var families = []*family{&evmFamily, &solanaFamily}

func familyOf(namespace string) (*family, error) {
	known := make([]string, len(families))
	for i, f := range families {
		if f.namespace == namespace {
			return f, nil
		}
		known[i] = f.namespace
	}
	return nil, fmt.Errorf("there are no development chains of namespace %q; there are: %s", namespace, strings.Join(known, ", "))
}

// ground is a development chain as those have it who made it: money from nowhere. Every
// write waits until it counts on the chain.
type ground interface {
	// chainID is the CAIP-2 id, endpoint the URL of the RPC.
	chainID() string
	endpoint() string
	// faucet is the key that pays for everything.
	faucet() signing.Payer
	// fund gives whole coins to an address.
	fund(ctx context.Context, to codec.Hash, coins uint64) error
	// createToken makes a token that the network can mint.
	createToken(ctx context.Context, symbol string, decimals uint8) (codec.Hash, error)
	// mint gives units of such a token to an address.
	mint(ctx context.Context, token, to codec.Hash, units *uint256.Int) error
	// close ends what start began; a chain that was attached lives on.
	close() error
}

// Wallet is an account on the chains of one family, and its key.
type Wallet struct {
	// Word is the address as the app chain and the bridges have it.
	Word codec.Hash
	// Address is the same in the notation of its chains.
	Address string

	// Key acts for the wallet.
	Key signing.Payer
}

// External is an external chain of the network.
type External struct {
	ID       string `json:"id"`
	Endpoint string `json:"endpoint"`
	// Token is the test dollar, which the network can mint.
	Token string `json:"token"`
	// Bridge is its address once it is deployed.
	Bridge string `json:"bridge"`

	daemons []string
	timeout time.Duration
	family  *family
	ground  ground
	adapter chain.Adapter
	// tokens are the test tokens: the dollar, and the coins of other families.
	tokens []testToken
}

// testToken is a token that the network made on one chain.
type testToken struct {
	symbol   string
	word     codec.Hash
	decimals uint8
}

// NewWallet makes a wallet that owns nothing: a fresh recipient.
func (x *External) NewWallet() (*Wallet, error) {
	key, err := newKey(x.adapter.Curve)
	if err != nil {
		return nil, err
	}
	word, err := x.adapter.AccountOf(key)
	return &Wallet{Word: word, Address: x.Format(word), Key: key}, err
}

// newKey makes a key that nobody had before.
func newKey(curve signing.Curve) (signing.Payer, error) {
	if curve == signing.Ed25519 {
		var seed [ed25519.SeedSize]byte
		_, _ = rand.Read(seed[:]) // never fails
		return signing.NewEd25519Payer(seed), nil
	}
	key, err := signing.GenerateKey()
	if err != nil {
		return nil, err
	}
	return signing.NewKeySigner(key), nil
}

// Fund gives whole coins to an address and waits until they have arrived.
func (x *External) Fund(ctx context.Context, to codec.Hash, coins uint64) error {
	if err := x.ground.fund(ctx, to, coins); err != nil {
		return fmt.Errorf("chain %s: fund %s with %d %s: %w", x.ID, x.adapter.FormatAddress(to), coins, x.family.coin.symbol, err)
	}
	return nil
}

// Mint gives whole test tokens of every kind to an address and waits until they have arrived.
func (x *External) Mint(ctx context.Context, to codec.Hash, dollars, coins uint64) error {
	for _, t := range x.tokens {
		whole := coins
		if t.symbol == dollarSymbol {
			whole = dollars
		}
		units := new(uint256.Int).Exp(uint256.NewInt(10), uint256.NewInt(uint64(t.decimals)))
		units.Mul(units, uint256.NewInt(whole))
		if err := x.ground.mint(ctx, t.word, to, units); err != nil {
			return fmt.Errorf("chain %s: mint %d %s for %s: %w", x.ID, whole, t.symbol, x.adapter.FormatAddress(to), err)
		}
	}
	return nil
}

// Format writes a word as an address of the chain.
func (x *External) Format(word codec.Hash) string { return x.adapter.FormatAddress(word) }

// openChains starts or attaches the external chains.
func openChains(ctx context.Context, config *Config) (chains []*External, err error) {
	defer func() {
		if err != nil {
			err = errors.Join(err, closeChains(chains))
			chains = nil
		}
	}()
	for i, namespace := range config.embedded() {
		f, err := familyOf(namespace)
		if err != nil {
			return chains, err
		}
		g, err := f.start(ctx, i)
		if err != nil {
			return chains, fmt.Errorf("embedded %s chain: %w", namespace, err)
		}
		chains = append(chains, &External{Endpoint: g.endpoint(), family: f, ground: g})
	}
	for _, c := range config.Chains {
		x, err := attach(ctx, c)
		if err != nil {
			return chains, err
		}
		chains = append(chains, x)
	}
	for i, x := range chains {
		x.ID = x.ground.chainID()
		for _, other := range chains[:i] {
			if other.ID == x.ID {
				return chains, fmt.Errorf("endpoints %s and %s are of the same chain, %s; a network has each chain once", other.Endpoint, x.Endpoint, x.ID)
			}
		}
		if len(x.daemons) == 0 {
			x.daemons = []string{x.Endpoint}
		}
		if x.adapter, err = app.AdapterOf(x.ID); err != nil {
			return chains, err
		}
	}
	for _, namespace := range config.Families {
		if !slices.ContainsFunc(chains, func(x *External) bool { return x.family.namespace == namespace }) {
			return chains, fmt.Errorf("no endpoint of a chain of %s is among those given", namespace)
		}
	}
	return chains, nil
}

// answersWithin is how long a node may take to say which chain it is of.
const answersWithin = 10 * time.Second

// attach asks every family whether a node of its own answers at the endpoint.
func attach(ctx context.Context, c ChainConfig) (*External, error) {
	var answers []error
	for _, f := range families {
		id, err := f.identifyWithin(ctx, c.Endpoint)
		if err != nil {
			answers = append(answers, fmt.Errorf("as %s: %w", f.namespace, err))
			continue
		}
		g, err := f.attach(ctx, id, c.Endpoint)
		if err != nil {
			return nil, fmt.Errorf("endpoint %s: chain %s: %w", c.Endpoint, id, err)
		}
		return &External{Endpoint: c.Endpoint, daemons: c.Daemons, timeout: c.Timeout, family: f, ground: g}, nil
	}
	return nil, fmt.Errorf("endpoint %s does not answer as a development chain: %w", c.Endpoint, errors.Join(answers...))
}

// Symbols and decimals of what the test tokens stand for.
const (
	dollarSymbol   = "USDC"
	dollarDecimals = 6
)

// createTokens makes the test dollar and, for each coin of another family, a token that
// stands for it. The dollar has other decimals on every second chain, as real ones have.
func createTokens(ctx context.Context, chains []*External) error {
	coins := coinsOf(chains)
	for i, x := range chains {
		wanted := []coin{{dollarSymbol, min([]uint8{6, 18}[i%2], x.family.maxDecimals)}}
		for _, c := range coins {
			if c != x.family.coin {
				wanted = append(wanted, coin{c.symbol, min(18, x.family.maxDecimals)})
			}
		}
		for _, c := range wanted {
			word, err := x.ground.createToken(ctx, c.symbol, c.decimals)
			if err != nil {
				return fmt.Errorf("chain %s: test token %s: %w", x.ID, c.symbol, err)
			}
			x.tokens = append(x.tokens, testToken{c.symbol, word, c.decimals})
		}
		x.Token = x.Format(x.tokens[0].word)
	}
	return nil
}

// coinsOf returns the coins of the chains' families, each once, in the chains' order.
func coinsOf(chains []*External) (coins []coin) {
	for _, x := range chains {
		if !slices.Contains(coins, x.family.coin) {
			coins = append(coins, x.family.coin)
		}
	}
	return coins
}

// assets returns what the network bridges: the dollar, and the coin of every family, which
// is native on its own chains and a test token on the others.
func assets(chains []*External) []app.GenesisAsset {
	list := []app.GenesisAsset{{Symbol: dollarSymbol, Decimals: dollarDecimals}}
	for _, c := range coinsOf(chains) {
		list = append(list, app.GenesisAsset{Symbol: c.symbol, Decimals: c.decimals})
	}
	for i := range list {
		a := &list[i]
		least, fee := "0.01", "0.001"
		if a.Symbol == dollarSymbol {
			least, fee = "1", "0.1"
		}
		for _, x := range chains {
			token := app.GenesisToken{Chain: x.ID, Address: app.Native, Decimals: x.family.coin.decimals, MinWithdrawal: least, Fee: fee}
			for _, t := range x.tokens {
				if t.symbol == a.Symbol {
					token.Address, token.Decimals = x.Format(t.word), t.decimals
				}
			}
			a.Tokens = append(a.Tokens, token)
		}
	}
	return list
}

func closeChains(chains []*External) error {
	var errs []error
	for _, x := range chains {
		errs = append(errs, x.ground.close())
	}
	return errors.Join(errs...)
}
