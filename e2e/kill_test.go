//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/api"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/devnet"
	"github.com/trinebridge/trine/internal/units"
	"github.com/trinebridge/trine/ledger"
)

// The size of the kill test.
const (
	killUsers    = 10
	killDeposits = 50 // each user's
	killAsks     = 50 // withdrawals, each user's
	killKills    = 50
	killPerRole  = 5
)

// killSeed returns the seed of the schedule: TRINE_SEED replays one.
func killSeed(t *testing.T) uint64 {
	t.Helper()
	seed := rand.Uint64()
	if text := os.Getenv("TRINE_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("TRINE_SEED: %v", err)
		}
	}
	t.Logf("TRINE_SEED=%d replays the kills and the amounts", seed)
	return seed
}

// payment is a withdrawal that was asked for: what its own recipient must own at the end.
type payment struct {
	to   common.Address
	want uint256.Int
}

// TestKillAndRestart kills daemons with SIGKILL, again and again, while ten users make
// 500 deposits and ask for 500 withdrawals. At the end every recipient owns exactly what
// was asked for, every account holds exactly the rest, and the books balance everywhere.
func TestKillAndRestart(t *testing.T) {
	ctx := testContext(t)
	seed := killSeed(t)
	n := startNetwork(t, ctx, devnet.Config{Chains: []devnet.ChainConfig{{Endpoint: startAnvil(t, 31337).URL()}}})
	x := n.Chains[0]

	var working atomic.Bool
	working.Store(true)
	kills := make(chan map[string]int, 1)
	var group sync.WaitGroup
	group.Go(func() { kills <- killAtRandom(t, ctx, n, seed, &working) })

	users := make([]*killUser, killUsers)
	for i := range users {
		user, err := n.NewUser(ctx, fmt.Sprintf("user %d", i))
		if err != nil {
			t.Fatal(err)
		}
		users[i] = &killUser{User: user, network: n, chain: x, random: rand.New(rand.NewPCG(seed, uint64(i)))}
	}
	var work sync.WaitGroup
	for _, u := range users {
		work.Go(func() {
			if err := u.live(ctx); err != nil {
				t.Errorf("%s: %v", u.Name, err)
			}
		})
	}
	work.Wait()
	working.Store(false)
	group.Wait()
	if t.Failed() {
		t.FailNow()
	}
	checkKills(t, <-kills)
	checkEverything(t, ctx, n, users)
}

// killAtRandom kills and restarts daemons in rounds, each round every daemon once in an
// order of its own, until the work is done and there were enough kills. It counts them by role.
func killAtRandom(t *testing.T, ctx context.Context, n *devnet.Network, seed uint64, working *atomic.Bool) map[string]int {
	random := rand.New(rand.NewPCG(seed, 1<<32))
	counts, total := map[string]int{}, 0
	for working.Load() || total < killKills || fewest(counts) < killPerRole {
		for _, i := range random.Perm(len(n.Daemons)) {
			p := n.Daemons[i]
			if err := p.Kill(); err != nil {
				t.Errorf("kill %s: %v", p.Name, err)
				return counts
			}
			counts[string(p.Role)]++
			total++
			if !pause(ctx, time.Duration(random.IntN(500))*time.Millisecond) {
				return counts
			}
			if err := p.Start(); err != nil {
				t.Errorf("start %s: %v", p.Name, err)
				return counts
			}
			if !pause(ctx, time.Duration(500+random.IntN(1500))*time.Millisecond) {
				return counts
			}
		}
	}
	return counts
}

func fewest(counts map[string]int) int {
	least := killPerRole
	for _, role := range []string{"processor", "listener", "approver", "submitter"} {
		least = min(least, counts[role])
	}
	return least
}

// pause waits for a while; it reports false when the test is over.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func checkKills(t *testing.T, counts map[string]int) {
	t.Helper()
	total := 0
	for _, count := range counts {
		total += count
	}
	t.Logf("%d kills: %v", total, counts)
	if total < killKills || fewest(counts) < killPerRole {
		t.Fatalf("too few kills for the test to mean anything")
	}
}

// killUser deposits and withdraws while daemons die.
type killUser struct {
	*devnet.User
	network *devnet.Network
	chain   *devnet.External
	random  *rand.Rand

	deposited, spent uint256.Int // in units of the asset
	payments         []payment
}

func (u *killUser) live(ctx context.Context) error {
	for i := range killDeposits {
		text := fmt.Sprintf("0.0%d", 200+u.random.IntN(100))
		amount, err := u.network.Amount(u.chain, "ETH", text)
		if err != nil {
			return err
		}
		// Only daemons die here; the chain lives, so a deposit that fails is a fault.
		if _, err := u.Deposit(ctx, u.chain, "ETH", text, i == 0); err != nil {
			return fmt.Errorf("deposit %d: %w", i, err)
		}
		u.deposited.Add(&u.deposited, &amount.Units)
		// Withdrawals run half a deposit behind, so that both are always under way.
		if i >= killDeposits/2 {
			if err := u.ask(ctx, 2); err != nil {
				return err
			}
		}
	}
	return u.ask(ctx, killAsks-len(u.payments))
}

// ask asks for withdrawals, each to an address of its own.
func (u *killUser) ask(ctx context.Context, count int) error {
	for range count {
		text := fmt.Sprintf("0.0%d", 110+u.random.IntN(80))
		amount, err := u.network.Amount(u.chain, "ETH", text)
		if err != nil {
			return err
		}
		p := payment{}
		if p.want, err = u.network.AfterFee(amount); err != nil {
			return err
		}
		seed := codec.Keccak([]byte(u.Key.PublicKey().String()), []byte(strconv.Itoa(len(u.payments))))
		copy(p.to[:], seed[12:])
		if err := u.withdraw(ctx, &ledger.Withdraw{Chain: u.chain.ID, Asset: amount.Asset, To: codec.LeftPad(p.to[:]), Amount: amount.Units}, uint64(len(u.payments))+1); err != nil {
			return fmt.Errorf("withdrawal %d: %w", len(u.payments), err)
		}
		u.spent.Add(&u.spent, &amount.Units)
		u.payments = append(u.payments, p)
	}
	return nil
}

// withdraw has one transaction included under a nonce, whichever daemons live: it sends
// the same transaction to one after the other, and a fresh one of the same nonce when it
// grows old. The nonce makes sure that only one counts.
func (u *killUser) withdraw(ctx context.Context, body ledger.MessageBody, nonce uint64) error {
	var tx *ledger.Transaction
	var made time.Time
	var last error
	for try := 0; ; try++ {
		if time.Since(made) > time.Minute {
			made = time.Now()
			tx = &ledger.Transaction{Genesis: u.network.Genesis.Hash(), Nonce: nonce, Time: uint64(made.UnixMilli()), Messages: []ledger.Message{{Body: body}}} // the clock is after 1970
			if err := tx.Sign(u.Key); err != nil {
				return err
			}
		}
		included, err := u.offer(ctx, u.network.Daemons[try%len(u.network.Daemons)], tx)
		if included {
			return nil
		}
		if err != nil {
			last = err
		}
		if !pause(ctx, 50*time.Millisecond) {
			return errors.Join(last, context.Cause(ctx))
		}
	}
}

// offer submits a transaction to one daemon and waits a little for its block.
func (u *killUser) offer(ctx context.Context, p *devnet.Process, tx *ledger.Transaction) (included bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	client, err := p.Client()
	if err != nil {
		return false, err
	}
	account, err := client.Account(ctx, u.Key.PublicKey().String())
	if err != nil {
		return false, err
	}
	for _, k := range account.Keys {
		if k.Key == u.Key.PublicKey() && k.Nonce >= tx.Nonce {
			return true, nil
		}
	}
	hash, err := client.Submit(ctx, tx)
	if err != nil {
		return false, err
	}
	_, err = client.WaitTx(ctx, hash, 100*time.Millisecond)
	return err == nil, err
}

// checkEverything compares the chain and every daemon's books with what was asked for.
func checkEverything(t *testing.T, ctx context.Context, n *devnet.Network, users []*killUser) {
	t.Helper()
	x := n.Chains[0]
	for _, p := range n.Daemons {
		client, err := p.Client()
		if err != nil {
			t.Fatal(err)
		}
		until(t, ctx, p.Name+" sees everything paid", 3*time.Minute, func() (bool, error) { return settled(ctx, client, x, users) })
		audit, err := client.Audit(ctx)
		if err != nil || !audit.Holds {
			t.Errorf("audit of %s: %+v, %v", p.Name, audit, err)
		}
	}
	paid := 0
	for _, u := range users {
		for i, p := range u.payments {
			got, err := x.Client().BalanceAt(ctx, p.to, nil)
			if err != nil {
				t.Fatal(err)
			}
			if got.Cmp(p.want.ToBig()) != 0 {
				t.Errorf("%s's withdrawal %d: %s owns %s wei, want exactly %s", u.Name, i, p.to, got, p.want.Dec())
			}
			paid++
		}
	}
	if want := killUsers * killAsks; paid != want {
		t.Errorf("%d withdrawals were asked for, want %d", paid, want)
	}
}

// settled reports whether a daemon knows that nothing waits and every account holds what
// was deposited less what was withdrawn.
func settled(ctx context.Context, client *api.Client, x *devnet.External, users []*killUser) (bool, error) {
	bridge, err := client.Bridge(ctx, x.ID)
	if err != nil {
		return false, err
	}
	for _, token := range bridge.Tokens {
		if token.Waiting > 0 || token.InFlight.Units != "0" || token.Claimable.Units != "0" {
			return false, fmt.Errorf("%s: %d wait, %s in flight, %s claimable", token.Asset, token.Waiting, token.InFlight.Text, token.Claimable.Text)
		}
	}
	for _, u := range users {
		account, err := client.Account(ctx, u.Key.PublicKey().String())
		if err != nil {
			return false, err
		}
		got, err := devnet.Balance(&account, "ETH")
		if err != nil {
			return false, err
		}
		var want uint256.Int
		want.Sub(&u.deposited, &u.spent)
		if got != want {
			return false, fmt.Errorf("%s holds %s, want %s", u.Name, units.Format(&got, 18), units.Format(&want, 18))
		}
	}
	return true, nil
}
