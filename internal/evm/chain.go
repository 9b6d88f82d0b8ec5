package evm

import (
	"crypto/ecdsa"
	"errors"
	"fmt"
	"math/big"
	"sync"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/eth"
	"github.com/ethereum/go-ethereum/eth/catalyst"
	"github.com/ethereum/go-ethereum/eth/ethconfig"
	"github.com/ethereum/go-ethereum/eth/filters"
	"github.com/ethereum/go-ethereum/ethclient"
	"github.com/ethereum/go-ethereum/node"
	"github.com/ethereum/go-ethereum/p2p"
	"github.com/ethereum/go-ethereum/params"
	"github.com/ethereum/go-ethereum/rpc"
)

// DefaultChainID is the chain id when Config leaves it out.
const DefaultChainID = 1337

// Config says what chain to start. Its zero value works.
type Config struct {
	// ChainID is the EIP-155 number, [DefaultChainID] if 0.
	ChainID uint64
	// BlockTime, if not 0, mines a block so often, empty or not. A block's timestamp is at
	// least a second after its parent's, so below a second the chain's time runs ahead of the clock.
	BlockTime time.Duration
	// OnDemand mines a block as soon as a transaction arrives. With neither this nor
	// BlockTime, blocks come by [Chain.Commit] only.
	OnDemand bool
	// Prefunded accounts own a million coins each.
	Prefunded []common.Address
	// BaseFee of the genesis block in wei, one gwei if nil. It falls by an eighth per empty block.
	BaseFee *big.Int
	// Port to serve JSON-RPC on, on loopback; 0 takes a free one.
	Port int
}

// Validate reports every fault at once.
func (c *Config) Validate() error {
	var faults []error
	if c.BlockTime < 0 {
		faults = append(faults, fmt.Errorf("evm: BlockTime %v is negative", c.BlockTime))
	}
	if c.BlockTime != 0 && c.OnDemand {
		faults = append(faults, errors.New("evm: set BlockTime or OnDemand, not both"))
	}
	if c.Port < 0 || c.Port > 65535 {
		faults = append(faults, fmt.Errorf("evm: Port %d is not 0 … 65535", c.Port))
	}
	return errors.Join(faults...)
}

// Chain is a running chain. Its methods may be called concurrently.
type Chain struct {
	config  Config
	node    *node.Node
	eth     *eth.Ethereum
	client  *rpc.Client
	stop    chan struct{}
	stopped sync.WaitGroup

	mu     sync.Mutex // one block at a time
	beacon *catalyst.SimulatedBeacon
}

// Start starts a chain; the caller closes it.
func Start(config Config) (*Chain, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	if config.ChainID == 0 {
		config.ChainID = DefaultChainID
	}
	nodeConfig := node.DefaultConfig
	nodeConfig.DataDir = ""
	nodeConfig.P2P = p2p.Config{NoDiscovery: true, NoDial: true, MaxPeers: 0}
	nodeConfig.HTTPHost, nodeConfig.HTTPPort = "127.0.0.1", config.Port
	nodeConfig.HTTPModules = []string{"eth", "net", "web3", "txpool", "debug"}
	nodeConfig.AuthPort = 0
	stack, err := node.New(&nodeConfig)
	if err != nil {
		return nil, fmt.Errorf("evm: make a node: %w", err)
	}
	c := &Chain{config: config, node: stack, stop: make(chan struct{})}
	if err := c.start(); err != nil {
		return nil, errors.Join(fmt.Errorf("evm: start chain %d: %w", config.ChainID, err), stack.Close())
	}
	return c, nil
}

func (c *Chain) start() (err error) {
	ethConfig := ethconfig.Defaults
	ethConfig.Genesis = genesis(c.config)
	ethConfig.NetworkId = c.config.ChainID
	ethConfig.SyncMode = ethconfig.FullSync
	ethConfig.TxPool.NoLocals = true
	ethConfig.LogNoHistory = true
	if c.eth, err = eth.New(c.node, &ethConfig); err != nil {
		return err
	}
	system := filters.NewFilterSystem(c.eth.APIBackend, filters.Config{})
	c.node.RegisterAPIs([]rpc.API{{Namespace: "eth", Service: filters.NewFilterAPI(system)}})
	if err := c.node.Start(); err != nil {
		return err
	}
	if c.beacon, err = catalyst.NewSimulatedBeacon(0, common.Address{}, c.eth); err != nil {
		return err
	}
	if err := c.beacon.Fork(c.eth.BlockChain().GetCanonicalHash(0)); err != nil {
		return err
	}
	c.client = c.node.Attach()
	switch {
	case c.config.BlockTime > 0:
		c.stopped.Go(c.mineByClock)
	case c.config.OnDemand:
		arrived := make(chan core.NewTxsEvent, 64)
		subscription := c.eth.TxPool().SubscribeTransactions(arrived, true)
		c.stopped.Go(func() {
			defer subscription.Unsubscribe()
			c.mineOnDemand(arrived)
		})
	}
	return nil
}

func genesis(config Config) *core.Genesis {
	forks := *params.AllDevChainProtocolChanges
	forks.ChainID = new(big.Int).SetUint64(config.ChainID)
	forks.BogotaTime = nil // not live on the main network, and it changes gas (EIP-8037)
	alloc := core.SystemContractAllocs()
	million := new(big.Int).Mul(big.NewInt(1_000_000), big.NewInt(params.Ether))
	for _, a := range config.Prefunded {
		alloc[a] = types.Account{Balance: million}
	}
	baseFee := config.BaseFee
	if baseFee == nil {
		baseFee = big.NewInt(params.GWei)
	}
	return &core.Genesis{Config: &forks, GasLimit: ethconfig.Defaults.Miner.GasCeil, BaseFee: baseFee, Alloc: alloc}
}

func (c *Chain) mineByClock() {
	ticker := time.NewTicker(c.config.BlockTime)
	defer ticker.Stop()
	for {
		select {
		case <-c.stop:
			return
		case <-ticker.C:
			c.Commit()
		}
	}
}

func (c *Chain) mineOnDemand(arrived <-chan core.NewTxsEvent) {
	for {
		select {
		case <-c.stop:
			return
		case <-arrived:
			c.Commit()
		}
	}
}

// URL is the chain's JSON-RPC endpoint.
func (c *Chain) URL() string { return c.node.HTTPEndpoint() }

// ChainID is the chain's CAIP-2 id, as in "eip155:1337".
func (c *Chain) ChainID() string { return fmt.Sprintf("eip155:%d", c.config.ChainID) }

// Client is a connection within the process. It ends with the chain.
func (c *Chain) Client() *ethclient.Client { return ethclient.NewClient(c.client) }

// Commit mines a block with what waits in the pool and returns its hash.
func (c *Chain) Commit() common.Hash {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.beacon.Commit()
}

// Mine mines n blocks.
func (c *Chain) Mine(n int) {
	for range n {
		c.Commit()
	}
}

// Fork goes back to a block: the next one is its child, on a branch of its own that is
// canonical from its first block on. Transactions of the left branch return to the pool.
func (c *Chain) Fork(parent common.Hash) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.beacon.Rollback()
	if err := c.beacon.Fork(parent); err != nil {
		return fmt.Errorf("evm: fork at %s: %w", parent, err)
	}
	return nil
}

// AdvanceTime mines an empty block whose time is d later. The pool must be empty.
func (c *Chain) AdvanceTime(d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.beacon.AdjustTime(d)
}

// DropPending empties the pool, as a node does that restarts.
func (c *Chain) DropPending() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.beacon.Rollback()
}

// Close stops the chain and forgets it.
func (c *Chain) Close() error {
	close(c.stop)
	c.stopped.Wait()
	c.client.Close()
	return errors.Join(c.beacon.Stop(), c.node.Close())
}

// DevKey returns a key for tests and demonstrations, the same for a number everywhere.
// Everybody knows it: it must never hold anything of value.
func DevKey(number int) *ecdsa.PrivateKey {
	key, err := crypto.ToECDSA(crypto.Keccak256([]byte(fmt.Sprintf("trine/dev-key/%d", number))))
	if err != nil {
		panic(fmt.Sprintf("evm: dev key %d: %v", number, err)) // one number in 2^128 is no key
	}
	return key
}

// AddressOf returns the account of a key.
func AddressOf(key *ecdsa.PrivateKey) common.Address { return crypto.PubkeyToAddress(key.PublicKey) }
