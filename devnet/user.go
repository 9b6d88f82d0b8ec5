package devnet

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/api"
	"github.com/trinebridge/trine/app"
	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/internal/units"
	"github.com/trinebridge/trine/ledger"
	"github.com/trinebridge/trine/signing"
)

// User is somebody with one key on the app chain and one wallet per family of external
// chains, the same on every chain of it. It talks to the app chain through one daemon's
// API. Its methods are for one goroutine.
type User struct {
	Name string
	// Key signs transactions on the app chain.
	Key *signing.KeySigner

	network *Network
	client  *api.Client
	wallets map[string]*Wallet      // by namespace
	hands   map[string]chain.Wallet // by chain id
}

// What a new user owns on every external chain.
const (
	userCoins   = 5
	userDollars = 2000
)

// NewUser makes a user who owns 5 coins, 2000 test dollars and 5 of every other test
// token on every chain.
func (n *Network) NewUser(ctx context.Context, name string) (*User, error) {
	key, err := signing.GenerateKey()
	if err != nil {
		return nil, err
	}
	client, err := n.Daemon(app.RoleListener).Client()
	if err != nil {
		return nil, err
	}
	u := &User{Name: name, Key: signing.NewKeySigner(key), network: n, client: client, wallets: map[string]*Wallet{}, hands: map[string]chain.Wallet{}}
	for _, x := range n.Chains {
		w := u.wallets[x.family.namespace]
		if w == nil {
			if w, err = x.NewWallet(); err != nil {
				return nil, fmt.Errorf("chain %s: wallet of %s: %w", x.ID, name, err)
			}
			u.wallets[x.family.namespace] = w
		}
		if err := errors.Join(x.Fund(ctx, w.Word, userCoins), x.Mint(ctx, w.Word, userDollars, userCoins)); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if u.hands[x.ID], err = n.Open(x, w); err != nil {
			return nil, err
		}
	}
	return u, nil
}

// Open acts as a wallet's owner on a chain.
func (n *Network) Open(x *External, w *Wallet) (chain.Wallet, error) {
	bridge, err := x.adapter.ParseAddress(x.Bridge)
	if err != nil {
		return nil, err
	}
	return x.adapter.OpenWallet(chain.SinkConfig{
		SourceConfig: chain.SourceConfig{ChainID: x.ID, Endpoint: x.Endpoint, Bridge: bridge, Genesis: n.Genesis.Hash()},
		FeeKey:       w.Key,
	})
}

// Wallet returns the user's keys on a chain.
func (u *User) Wallet(x *External) *Wallet { return u.wallets[x.family.namespace] }

// Hand returns what the user can do on a chain.
func (u *User) Hand(x *External) chain.Wallet { return u.hands[x.ID] }

// Amount is a quantity of an asset in every form that it takes on a chain.
type Amount struct {
	Asset ledger.AssetID
	Token ledger.Token
	// Units of the asset, Tokens of the token.
	Units, Tokens uint256.Int
}

// Amount reads a quantity such as "12.5" of the asset with a symbol, as it is on a chain.
func (n *Network) Amount(x *External, symbol, text string) (a Amount, err error) {
	id, known := n.Genesis.AssetBySymbol(symbol)
	if !known {
		return a, fmt.Errorf("asset %q is not in the genesis", symbol)
	}
	asset, _ := n.Genesis.Asset(id)
	token, known := asset.TokenOn(x.ID)
	if !known {
		return a, fmt.Errorf("asset %s has no token on %s", symbol, x.ID)
	}
	a.Asset, a.Token = id, token
	if a.Units, err = units.Parse(text, asset.Decimals); err != nil {
		return a, err
	}
	a.Tokens, err = units.Parse(text, token.Decimals)
	return a, err
}

// AfterFee returns what the bridge pays, in units of the token, for a withdrawal of the amount.
func (n *Network) AfterFee(a Amount) (uint256.Int, error) {
	asset, _ := n.Genesis.Asset(a.Asset)
	var net uint256.Int
	if _, below := net.SubOverflow(&a.Units, &a.Token.Fee); below {
		return net, fmt.Errorf("%s units are less than the fee", a.Units.Dec())
	}
	paid, exact := asset.ToToken(a.Token, &net)
	if !exact {
		return paid, fmt.Errorf("%s units cannot be represented on %s", net.Dec(), a.Token.Chain)
	}
	return paid, nil
}

// Deposit sends a quantity to the bridge, with the user's key if link is set, and returns
// when the transaction is mined. An empty symbol sends the key alone.
func (u *User) Deposit(ctx context.Context, x *External, symbol, text string, link bool) (chain.Receipt, error) {
	token, value := x.adapter.NativeToken, uint256.Int{}
	if symbol != "" {
		a, err := u.network.Amount(x, symbol, text)
		if err != nil {
			return chain.Receipt{}, err
		}
		token, value = a.Token.Address, a.Tokens
	}
	var keys []bridgecontracts.KeyProof
	if link {
		proof, err := u.prove(x)
		if err != nil {
			return chain.Receipt{}, err
		}
		keys = append(keys, proof)
	}
	return u.hands[x.ID].Deposit(ctx, token, value, keys)
}

// prove signs that the user's key belongs to the user's wallet.
func (u *User) prove(x *External) (bridgecontracts.KeyProof, error) {
	bridge, err := x.adapter.ParseAddress(x.Bridge)
	if err != nil {
		return bridgecontracts.KeyProof{}, err
	}
	domain := bridgecontracts.NewDomain(u.network.Genesis.Hash(), x.ID, bridge)
	signature, err := u.Key.SignDigest(bridgecontracts.KeyLinkDigest(domain, u.Wallet(x).Word, u.Key.PublicKey()))
	return bridgecontracts.KeyProof{Key: u.Key.PublicKey(), Signature: signature}, err
}

// Account returns the account of the user's wallet on a chain; ok is false before its first deposit.
func (u *User) Account(ctx context.Context, x *External) (a api.Account, ok bool, err error) {
	a, err = u.client.Account(ctx, x.ID+"/"+u.Wallet(x).Address)
	if api.NotFound(err) {
		return a, false, nil
	}
	return a, err == nil, err
}

// Balance returns what an account holds of an asset, in units of the asset.
func Balance(a *api.Account, symbol string) (uint256.Int, error) {
	for _, b := range a.Balances {
		if b.Asset == symbol {
			n, err := uint256.FromDecimal(b.Amount.Units)
			if err != nil {
				return uint256.Int{}, fmt.Errorf("balance %q: %w", b.Amount.Units, err)
			}
			return *n, nil
		}
	}
	return uint256.Int{}, nil
}

// Send signs messages as one transaction, submits it and waits for its block.
func (u *User) Send(ctx context.Context, bodies ...ledger.MessageBody) (api.Transaction, error) {
	account, err := u.client.Account(ctx, u.Key.PublicKey().String())
	if err != nil {
		return api.Transaction{}, err
	}
	tx := &ledger.Transaction{Genesis: u.network.Genesis.Hash(), Nonce: 1, Time: uint64(time.Now().UnixMilli())} // the clock is after 1970
	for _, body := range bodies {
		tx.Messages = append(tx.Messages, ledger.Message{Body: body})
	}
	for _, k := range account.Keys {
		if k.Key == u.Key.PublicKey() {
			tx.Nonce = k.Nonce + 1
		}
	}
	if err := tx.Sign(u.Key); err != nil {
		return api.Transaction{}, err
	}
	hash, err := u.client.Submit(ctx, tx)
	if err != nil {
		return api.Transaction{}, err
	}
	return u.client.WaitTx(ctx, hash, askEvery)
}

// askEvery is how often what is waited for is asked about.
const askEvery = 50 * time.Millisecond

// Withdraw asks for a payment to an address and returns the withdrawal's sequence number.
func (u *User) Withdraw(ctx context.Context, x *External, symbol, text string, to codec.Hash) (sequence uint64, err error) {
	a, err := u.network.Amount(x, symbol, text)
	if err != nil {
		return 0, err
	}
	tx, err := u.Send(ctx, &ledger.Withdraw{Chain: x.ID, Asset: a.Asset, To: to, Amount: a.Units})
	if err != nil {
		return 0, err
	}
	for _, e := range tx.Log {
		if text, ok := e.Fields["sequence"].(string); ok && e.Name == "withdrawal-queued" {
			return strconv.ParseUint(text, 10, 64)
		}
	}
	return 0, fmt.Errorf("transaction %s queued no withdrawal", tx.Hash)
}
