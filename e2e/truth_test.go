//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/api"
	"github.com/trinebridge/trine/app"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/devnet"
)

// What takes seconds on a quiet machine gets this long.
const (
	creditWithin = 90 * time.Second
	paidWithin   = 2 * time.Minute
)

func newUser(t *testing.T, ctx context.Context, n *devnet.Network, name string) *devnet.User {
	t.Helper()
	u, err := n.NewUser(ctx, name)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func client(t *testing.T, p *devnet.Process) *api.Client {
	t.Helper()
	c, err := p.Client()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// deposit sends a quantity to the bridge and returns when it is mined.
func deposit(t *testing.T, ctx context.Context, u *devnet.User, x *devnet.External, symbol, text string, link bool) chain.Receipt {
	t.Helper()
	receipt, err := u.Deposit(ctx, x, symbol, text, link)
	if err != nil {
		t.Fatalf("%s deposits %s %s: %v", u.Name, text, symbol, err)
	}
	return receipt
}

// awaitBalance waits until the account of the user's wallet holds exactly a quantity, and
// returns how long that took.
func awaitBalance(t *testing.T, ctx context.Context, n *devnet.Network, u *devnet.User, x *devnet.External, symbol, text string) time.Duration {
	t.Helper()
	want, err := n.Amount(x, symbol, text)
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	until(t, ctx, fmt.Sprintf("%s's account holds %s %s", u.Name, text, symbol), creditWithin, func() (bool, error) {
		account, ok, err := u.Account(ctx, x)
		if err != nil || !ok {
			return false, err
		}
		got, err := devnet.Balance(&account, symbol)
		if err == nil && got != want.Units {
			err = fmt.Errorf("it holds %s units", got.Dec())
		}
		return err == nil, err
	})
	return time.Since(began)
}

// wantNoAccount fails the test when the app chain knows the user's wallet.
func wantNoAccount(t *testing.T, ctx context.Context, u *devnet.User, x *devnet.External) {
	t.Helper()
	if account, known, err := u.Account(ctx, x); err != nil || known {
		t.Errorf("%s, who deposited nothing that counts, has account %+v (%v)", u.Name, account, err)
	}
}

// bridgeOf returns a daemon's record of the bridge on a chain.
func bridgeOf(t *testing.T, ctx context.Context, p *devnet.Process, x *devnet.External) api.Bridge {
	t.Helper()
	b, err := client(t, p).Bridge(ctx, x.ID)
	if err != nil {
		t.Fatalf("%s: %v", p.Name, err)
	}
	return b
}

// bridgeWord returns the bridge's address as a word.
func bridgeWord(t *testing.T, x *devnet.External) codec.Hash {
	t.Helper()
	word, err := app.ParseAddress(x.ID, x.Bridge)
	if err != nil {
		t.Fatal(err)
	}
	return word
}

// contract asks the contract itself, past all daemons and proxies, at the newest block.
func contract(t *testing.T, ctx context.Context, n *devnet.Network, x *devnet.External) chain.Counters {
	t.Helper()
	adapter, err := app.AdapterOf(x.ID)
	if err != nil {
		t.Fatal(err)
	}
	source, err := adapter.OpenSource(chain.SourceConfig{ChainID: x.ID, Endpoint: x.Endpoint, Bridge: bridgeWord(t, x), Genesis: n.Genesis.Hash()})
	if err != nil {
		t.Fatal(err)
	}
	number, err := x.Client().BlockNumber(ctx)
	if err != nil {
		t.Fatal(err)
	}
	at, err := source.BlockAt(ctx, number)
	if err != nil {
		t.Fatal(err)
	}
	counters, err := source.Counters(ctx, at)
	if err != nil {
		t.Fatal(err)
	}
	return counters
}

// held returns what the bridge contract owns of an asset's token.
func held(t *testing.T, ctx context.Context, n *devnet.Network, u *devnet.User, x *devnet.External, symbol string) uint256.Int {
	t.Helper()
	a, err := n.Amount(x, symbol, "0")
	if err != nil {
		t.Fatal(err)
	}
	got, err := u.Hand(x).Balance(ctx, a.Token.Address, bridgeWord(t, x))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// wantHistory waits until the daemons have applied exactly the contract's own history, and
// checks that their books balance.
func wantHistory(t *testing.T, ctx context.Context, n *devnet.Network, x *devnet.External, daemons []*devnet.Process) {
	t.Helper()
	want := contract(t, ctx, n, x)
	for _, p := range daemons {
		c := client(t, p)
		until(t, ctx, p.Name+" has the contract's history", creditWithin, func() (bool, error) {
			b, err := c.Bridge(ctx, x.ID)
			if err == nil && (b.EventID != want.EventID || b.Head != want.Head) {
				err = fmt.Errorf("it is at event %d, %s; the contract is at %d, %s", b.EventID, b.Head, want.EventID, want.Head)
			}
			return err == nil, err
		})
		wantAudit(t, ctx, p)
	}
}

func wantAudit(t *testing.T, ctx context.Context, p *devnet.Process) {
	t.Helper()
	if audit, err := client(t, p).Audit(ctx); err != nil || !audit.Holds {
		t.Errorf("audit of %s: %+v, %v", p.Name, audit, err)
	}
}

// partOf returns a part of a daemon's status, by the beginning of its name.
func partOf(ctx context.Context, p *devnet.Process, name string) (api.Part, error) {
	c, err := p.Client()
	if err != nil {
		return api.Part{}, err
	}
	status, err := c.Status(ctx)
	if err != nil {
		return api.Part{}, err
	}
	for _, part := range status.Parts {
		if strings.HasPrefix(part.Name, name) {
			return part, nil
		}
	}
	return api.Part{}, fmt.Errorf("%s has no part %q: %+v", p.Name, name, status.Parts)
}
