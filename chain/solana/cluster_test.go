package solana

import (
	"context"
	"flag"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"

	contract "github.com/trinebridge/trine/bridgecontracts/solana"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/internal/solanatest"
	"github.com/trinebridge/trine/signing"
)

const (
	// preloaded is how many programs the cluster starts with: one per world.
	preloaded = 80
	// atOnce is how many tests wait for the cluster at the same time. What they wait for is blocks, which cost them nothing.
	atOnce = 8
)

// shared is the one chain of all tests of this package.
var shared struct {
	chains solanatest.Shared
	fund   sync.Once
	used   atomic.Uint64 // programs
}

func TestMain(m *testing.M) {
	flag.Parse()
	err := flag.Set("test.parallel", fmt.Sprint(atOnce))
	code := 1
	if err == nil {
		code = m.Run()
		err = shared.chains.Close()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// cluster is a chain whose programs wait for worlds.
type cluster struct{ *solanatest.Chain }

func key(name string) *signing.Ed25519Payer {
	return signing.NewEd25519Payer([32]byte(codec.Keccak([]byte("chain/solana tests: " + name))))
}

func keyOf(k *signing.Ed25519Payer) contract.Key { return contract.Key(k.PayerKey()) }

// preload lists the programs that a chain starts with; deployer may initialise them.
func preload() (config solanatest.Config) {
	for i := range preloaded {
		config.Programs = append(config.Programs, solanatest.Program{
			ID: keyOf(key(fmt.Sprint("program ", i))), Code: contract.Code(), CodeV0: contract.CodeV0(), Authority: keyOf(key("deployer")),
		})
	}
	// One stays as it is: somebody may still upgrade it.
	config.Programs = append(config.Programs, solanatest.Program{
		ID: keyOf(key("a program that can be upgraded")), Code: contract.Code(), CodeV0: contract.CodeV0(), Authority: keyOf(key("deployer")),
	})
	return config
}

// deployerCoins is what all bridges of a run are made with, in lamports.
const deployerCoins = 20_000 * 1_000_000_000

// sharedChain is a validator where there is one, and Surfpool otherwise.
func sharedChain(t testing.TB) *cluster {
	t.Helper()
	c := shared.chains.Get(t, solanatest.OpenAny, preload())
	shared.fund.Do(func() { c.Fund(t, keyOf(key("deployer")), deployerCoins) })
	return &cluster{c}
}

// sharedValidator is for what only a validator shows truly: the test is skipped without one.
func sharedValidator(t testing.TB) *cluster {
	t.Helper()
	solanatest.NeedValidator(t)
	return sharedChain(t)
}

func (c *cluster) endpoint() string { return c.URL() }

func (c *cluster) chainID() string { return c.ID() }

// bridge initialises the next of the programs that the chain began with.
func (c *cluster) bridge(ctx context.Context, config chain.DeployConfig) (chain.Deployed, error) {
	i := shared.used.Add(1) - 1
	if i >= preloaded {
		return chain.Deployed{}, fmt.Errorf("all %d programs that the chain began with have bridges: raise preloaded", preloaded)
	}
	program := keyOf(key(fmt.Sprint("program ", i)))
	n, err := openNode(config.ChainID, config.Endpoint)
	if err != nil {
		return chain.Deployed{}, err
	}
	a, err := newSender(n, config.FeeKey, config.Poll)
	if err != nil {
		return chain.Deployed{}, err
	}
	d := &deployment{sender: a, config: config}
	if d.bridge, err = contract.NewProgram(program); err != nil {
		return chain.Deployed{}, err
	}
	if d.data, err = contract.ProgramData(program); err != nil {
		return chain.Deployed{}, err
	}
	return d.initialize(ctx)
}
