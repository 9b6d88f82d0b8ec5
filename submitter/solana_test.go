package submitter

import (
	"context"
	"testing"
	"time"

	sol "github.com/gagliardetto/solana-go"
	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/bridgecontracts"
	contract "github.com/trinebridge/trine/bridgecontracts/solana"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/chain/chaintest"
	"github.com/trinebridge/trine/chain/solana"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/internal/solanatest"
	"github.com/trinebridge/trine/ledger"
	"github.com/trinebridge/trine/signing"
	"github.com/trinebridge/trine/store/pebblestore"
)

// Two submitters race on a real Solana cluster for actions whose seal of thirteen each of them posts in parts. One ends in between,
// and another process goes on from its disk. Each recipient is paid once, and of all that was posted nothing is left: the
// submitters forget a delivery only when its rent is back.
func TestRacingSubmittersLeaveNothingOnSolana(t *testing.T) {
	solanatest.NeedValidator(t)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	c := solanatest.Start(t, solanatest.Config{})
	const funds = 20_000_000_000
	deployer, payers := c.Wallet(t, funds), []sol.PrivateKey{c.Wallet(t, funds), c.Wallet(t, funds)}
	members := chaintest.NewMembers("submitter", 1, 19, 3)
	genesis := codec.Keccak([]byte("racing submitters"))
	deployed, err := solana.Deploy(ctx, chain.DeployConfig{ChainID: c.ID(), Endpoint: c.URL(), Genesis: genesis, Set: members.Set, FeeKey: payerOf(deployer), Poll: solanaPoll})
	if err != nil {
		t.Fatal(err)
	}
	source := chain.SourceConfig{ChainID: c.ID(), Endpoint: c.URL(), Bridge: deployed.Bridge, Genesis: genesis, StartBlock: deployed.StartBlock}
	wallet, err := solana.OpenWallet(chain.SinkConfig{SourceConfig: source, FeeKey: payerOf(deployer), Poll: solanaPoll})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := wallet.Deposit(ctx, contract.Native, *uint256.NewInt(1_000_000_000), nil); err != nil {
		t.Fatal(err)
	}

	domain := bridgecontracts.NewDomain(genesis, c.ID(), deployed.Bridge)
	book := &fakeLedger{
		set: members.Set, actions: map[uint64]ledger.ActionRecord{}, changed: make(chan struct{}),
		bridge: ledger.Bridge{Domain: domain, Chain: c.ID(), Address: deployed.Bridge, StartBlock: deployed.StartBlock, Epoch: 1},
	}
	const actions = 2
	digests, recipients := map[uint64]codec.Hash{}, map[uint64]sol.PublicKey{}
	for id := uint64(1); id <= actions; id++ {
		recipients[id] = c.Wallet(t, 0).PublicKey()
		action := bridgecontracts.Action{ID: id, Body: &bridgecontracts.Transfers{Transfers: []bridgecontracts.Transfer{
			{Token: contract.Native, To: codec.Hash(recipients[id]), Amount: *uint256.NewInt(5_000_000 + id)},
		}}}
		delivery := members.Action(domain, id, action.Body)
		digests[id] = action.Digest(domain, 1)
		book.actions[id] = ledger.ActionRecord{Domain: domain, Action: action, Revision: 1, Status: ledger.ActionSealed, Seal: &delivery.Seal}
	}
	book.bridge.LastAction = actions

	race := make([]*racer, len(payers))
	for i, key := range payers {
		race[i] = newRacer(t, book, source, key)
		race[i].start(ctx)
	}
	program, err := contract.NewProgram(c.Account(t, sol.PublicKey(deployed.Bridge), solanatest.Confirmed).Owner)
	if err != nil {
		t.Fatal(err)
	}
	left := func(r *racer) (n int) {
		for _, digest := range digests {
			key, _, err := program.Buffer(r.key.PublicKey(), digest)
			if err != nil {
				t.Fatal(err)
			}
			if c.Account(t, key, solanatest.Confirmed) != nil {
				n++
			}
		}
		return n
	}
	until(ctx, t, "something is posted", func() bool { return left(race[0]) > 0 })
	race[0].stop(t)
	race[0].start(ctx)
	until(ctx, t, "everybody is paid", func() bool {
		for _, to := range recipients {
			if c.Lamports(t, to, solanatest.Finalized) == 0 {
				return false
			}
		}
		return true
	})
	book.mu.Lock()
	book.bridge.LastExecuted = actions
	book.mu.Unlock()
	for _, r := range race {
		until(ctx, t, "all is forgotten", func() bool {
			jobs, err := loadJobs(r.s.carriers[0].kv)
			return err == nil && len(jobs) == 0
		})
		r.stop(t)
		if n := left(r); n != 0 {
			t.Errorf("of %s are left %d buffers", r.key.PublicKey(), n)
		}
	}
	for id, to := range recipients {
		if got := c.Lamports(t, to, solanatest.Confirmed); got != 5_000_000+id {
			t.Errorf("the recipient of action %d has %d lamports", id, got)
		}
	}
}

const solanaPoll = 50 * time.Millisecond

func payerOf(k sol.PrivateKey) *signing.Ed25519Payer {
	return signing.NewEd25519Payer([32]byte(k[:32]))
}

// racer is a submitter with a disk of its own that runs as in a daemon.
type racer struct {
	key    sol.PrivateKey
	config Config
	s      *Submitter
	end    context.CancelFunc
	ended  chan error
}

func newRacer(t *testing.T, book *fakeLedger, source chain.SourceConfig, key sol.PrivateKey) *racer {
	t.Helper()
	kv, err := pebblestore.OpenMem()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = kv.Close() })
	return &racer{key: key, config: Config{
		Chains: map[string]Chain{source.ChainID: {
			Open: func(codec.Hash, uint64) (chain.Sink, error) {
				return solana.OpenSink(chain.SinkConfig{SourceConfig: source, FeeKey: payerOf(key), Poll: solanaPoll})
			},
			Finality: chain.Finality{Confirmations: 1}, Poll: 2 * solanaPoll,
			Caps: chain.Caps{MaxFeePerGas: *uint256.NewInt(1_000_000), MaxTip: *uint256.NewInt(1_000_000)},
		}},
		View: func() View { return book }, Changed: func() <-chan struct{} { return book.changed }, Store: kv,
	}}
}

// start begins a life of the submitter.
func (r *racer) start(ctx context.Context) {
	s, err := New(r.config)
	if err != nil {
		panic(err) // the configuration is this file's own
	}
	r.s, r.ended = s, make(chan error, 1)
	ctx, r.end = context.WithCancel(ctx)
	go func() { r.ended <- s.Run(ctx) }()
}

// stop ends it, wherever it is.
func (r *racer) stop(t *testing.T) {
	t.Helper()
	r.end()
	if err := <-r.ended; err != nil {
		t.Fatal(err)
	}
}

// until waits for something to be so.
func until(ctx context.Context, t *testing.T, what string, is func() bool) {
	t.Helper()
	ticker := time.NewTicker(solanaPoll)
	defer ticker.Stop()
	for !is() {
		select {
		case <-ctx.Done():
			t.Fatalf("it never was so that %s", what)
		case <-ticker.C:
		}
	}
}
