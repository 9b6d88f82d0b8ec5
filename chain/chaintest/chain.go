package chaintest

import (
	"fmt"
	"slices"
	"sync"

	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/validators"
)

// Config says what chain to script. Only Set is needed.
type Config struct {
	// ChainID is the CAIP-2 id, "chaintest:1" if empty.
	ChainID string
	Genesis codec.Hash
	Bridge  codec.Hash
	// Set is what the bridge was deployed with.
	Set validators.Set
	// FinalDepth is how far the chain's own finality lags behind its newest block, 2 if 0.
	FinalDepth uint64
	// Expiry, if not 0, is how many blocks an attempt stays valid; then the chain has no nonces.
	Expiry uint64
}

// CodeHash is what a Snapshot says of the scripted bridge's code.
var CodeHash = codec.Keccak([]byte("trine/chaintest/bridge"))

// BlockInterval is how far apart the timestamps of blocks are, in seconds.
const BlockInterval = 12

// Chain is an external chain with one bridge, in memory. Its methods may be called concurrently.
type Chain struct {
	config Config
	domain bridgecontracts.Domain

	mu      sync.Mutex
	blocks  []*block       // by number; 0 is the genesis block
	waiting []*transaction // events that the next block takes in
	pool    pool
	price   uint256.Int // the base fee
	coins   map[string]uint256.Int
	branch  uint64 // counts forks, so that no two branches share a hash
	serial  uint64 // counts transactions, so that no two share an id
	refused map[codec.Hash]bool
}

type block struct {
	chain.Block
	transactions []*transaction
	state        *state
}

// transaction is one in a block, or one that waits for its block.
type transaction struct {
	id      string
	bodies  []bridgecontracts.EventBody // what Emit asked for
	attempt *record                     // what a Sink sent
	events  []bridgecontracts.Event     // what it emitted, once mined
	failed  *revert
}

// New returns a chain whose only block is the genesis block, with the bridge deployed in it.
func New(config Config) *Chain {
	if config.ChainID == "" {
		config.ChainID = "chaintest:1"
	}
	if config.Genesis.IsZero() {
		config.Genesis = codec.Keccak([]byte("trine/chaintest/genesis"))
	}
	if config.Bridge.IsZero() {
		config.Bridge = codec.LeftPad([]byte{0xb1})
	}
	if config.FinalDepth == 0 {
		config.FinalDepth = 2
	}
	c := &Chain{
		config:  config,
		domain:  bridgecontracts.NewDomain(config.Genesis, config.ChainID, config.Bridge),
		refused: map[codec.Hash]bool{},
		coins:   map[string]uint256.Int{},
		price:   *uint256.NewInt(InitialPrice),
	}
	genesis := &state{
		Counters: chain.Counters{Head: bridgecontracts.FirstHead(c.domain), NextAction: 1, Epoch: config.Set.Epoch},
		set:      config.Set,
		setHash:  config.Set.Hash(),
		tokens:   map[codec.Hash]chain.TokenState{},
		nonces:   map[string]uint64{},
	}
	c.blocks = []*block{{Block: chain.Block{Hash: codec.HashWords(c.domain), Time: 1_700_000_000}, state: genesis}}
	return c
}

// ChainID returns the CAIP-2 id.
func (c *Chain) ChainID() string { return c.config.ChainID }

// Domain returns the domain of the bridge.
func (c *Chain) Domain() bridgecontracts.Domain { return c.domain }

// Genesis returns the genesis hash of the app chain that the bridge belongs to.
func (c *Chain) Genesis() codec.Hash { return c.config.Genesis }

// Bridge returns the bridge's address.
func (c *Chain) Bridge() codec.Hash { return c.config.Bridge }

// Emit has one transaction in the next block emit these events, and returns its id.
func (c *Chain) Emit(bodies ...bridgecontracts.EventBody) (tx string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := &transaction{id: c.nextID(), bodies: bodies}
	c.waiting = append(c.waiting, t)
	return t.id
}

// Deposit has the next block emit one deposit, and returns its transaction's id.
func (c *Chain) Deposit(wallet, token codec.Hash, amount uint64, keys ...bridgecontracts.KeyProof) (tx string) {
	return c.Emit(&bridgecontracts.Deposited{Wallet: wallet, Token: token, Amount: *uint256.NewInt(amount), Keys: keys})
}

// Refuse makes every later transfer to the recipient fail, or succeed again.
func (c *Chain) Refuse(recipient codec.Hash, refuse bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refused[recipient] = refuse
}

func (c *Chain) nextID() string {
	c.serial++
	return codec.HashWords(c.domain, codec.Uint64Word(c.branch), codec.Uint64Word(c.serial)).String()
}

// Mine adds n blocks; the first takes in what waits.
func (c *Chain) Mine(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for range n {
		c.mineOne()
	}
}

func (c *Chain) mineOne() {
	parent := c.tip()
	b := &block{state: parent.state.clone()}
	b.Number, b.Time = parent.Number+1, parent.Time+BlockInterval
	b.Hash = codec.HashWords(parent.Hash, codec.Uint64Word(b.Number), codec.Uint64Word(c.branch))
	for _, t := range c.waiting {
		t.events = nil
		for _, body := range t.bodies {
			t.events = append(t.events, b.state.emit(body))
		}
		b.transactions = append(b.transactions, t)
	}
	c.waiting = nil
	for _, r := range c.pool.take(b.Number, &c.price, b.state.nonces) {
		b.transactions = append(b.transactions, c.run(b.state, r))
	}
	c.blocks = append(c.blocks, b)
}

// run plays what a sink sent on the state.
func (c *Chain) run(s *state, r *record) *transaction {
	t := &transaction{id: r.id(), attempt: r}
	if r.Nonced {
		s.nonces[r.Payer] = r.Nonce + 1
	}
	if d := r.delivery(); d != nil {
		t.events, t.failed = s.execute(c.domain, d, func(a codec.Hash) bool { return c.refused[a] })
	}
	return t
}

// Fork drops the newest depth blocks. Their emitted events are gone; what sinks sent
// waits in the pool again. The next block starts another branch. It panics when there are not so many blocks.
func (c *Chain) Fork(depth int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if depth >= len(c.blocks) {
		panic(fmt.Sprintf("chaintest: Fork(%d) of a chain with %d blocks", depth, len(c.blocks)))
	}
	dropped := c.blocks[len(c.blocks)-depth:]
	c.blocks = slices.Clip(c.blocks[:len(c.blocks)-depth])
	c.branch++
	for _, b := range dropped {
		for _, t := range b.transactions {
			if t.attempt != nil {
				c.pool.putBack(t.attempt)
			}
		}
	}
}

// Tip returns the newest block.
func (c *Chain) Tip() chain.Block {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.tip().Block
}

// Counters returns the bridge's counters after the newest block.
func (c *Chain) Counters() chain.Counters {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.tip().state.Counters
}

func (c *Chain) tip() *block { return c.blocks[len(c.blocks)-1] }
