package appchain

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/gossip/wire"
	"github.com/trinebridge/trine/ledger"
	"github.com/trinebridge/trine/merkle"
	"github.com/trinebridge/trine/signing"
	"github.com/trinebridge/trine/store"
)

// ErrOtherChain says that a store belongs to an app chain with another genesis.
var ErrOtherChain = errors.New("the store holds app chain")

// ErrNotFound says that the node does not have what was asked for, at least not yet.
var ErrNotFound = errors.New("not found")

// Head is where the chain stands: its newest durable block and the state after it.
type Head struct {
	// Header of the newest block. Before the first block its height is 0, its time that
	// of the genesis, and the rest is zero.
	Header ledger.Header
	// Hash of the newest block; the genesis hash before the first block.
	Hash  codec.Hash
	State ledger.State
}

// Parent returns the header as ledger.Verify wants it: nil before the first block.
func (h *Head) Parent() *ledger.Header {
	if h.Header.Height == 0 {
		return nil
	}
	return &h.Header
}

// Executed is a block with what executing it gave.
type Executed struct {
	Block ledger.Block
	// Hash of the block.
	Hash  codec.Hash
	State ledger.State
	Log   ledger.Log
}

// Node is one copy of the app chain. All methods are safe for concurrent use.
type Node struct {
	kv      store.KV
	ledger  *ledger.Ledger
	genesis codec.Hash
	signer  signing.Signer // nil on a node without a seat
	log     *slog.Logger
	now     func() time.Time
	trimAt  uint64

	head        atomic.Pointer[Head]
	compromised atomic.Pointer[wire.Evidence]
	claimed     atomic.Pointer[wire.SignedHeader]

	// writing is held by whoever makes blocks, notices or evidence durable.
	writing sync.Mutex
	notices noticeRing

	waiting sync.Mutex
	changed chan struct{}
}

// New opens the copy of the app chain in the store. An empty store begins at the
// genesis; a store of another genesis is refused.
func New(c Config) (*Node, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	c = c.withDefaults()
	n := &Node{
		kv: c.KV, ledger: c.Ledger, genesis: c.Ledger.GenesisHash(), signer: c.Signer, log: c.Log, now: c.Now,
		trimAt:  c.MemoryBlocks / generations,
		changed: make(chan struct{}),
	}
	if err := n.open(c.MaxNotices); err != nil {
		return nil, fmt.Errorf("appchain: %w", err)
	}
	return n, nil
}

func (n *Node) open(maxNotices uint64) error {
	origin, err := n.origin()
	if err != nil {
		return err
	}
	head, err := n.lastBlock(origin)
	if err != nil {
		return err
	}
	n.head.Store(head)
	evidence, err := n.loadEvidence()
	if err != nil {
		return err
	}
	n.compromised.Store(evidence)
	if err := n.loadClaim(); err != nil {
		return err
	}
	n.notices, err = openNotices(n.kv, maxNotices)
	return err
}

func readOrigin(kv store.Reader) (o origin, ok bool, err error) {
	data, ok, err := kv.Get(keyOrigin)
	if err != nil || !ok {
		return o, false, err
	}
	if err := codec.Unmarshal(data, &o, len(data)); err != nil {
		return o, false, store.Corruptf("record of the genesis: %w", err)
	}
	return o, true, nil
}

// isOf returns an [ErrOtherChain] unless the store's genesis is the one that is meant.
func (o *origin) isOf(genesis codec.Hash) error {
	if o.Genesis != genesis {
		return fmt.Errorf("%w %s, the configuration is for app chain %s: give another folder, or the genesis file of this one", ErrOtherChain, o.Genesis, genesis)
	}
	return nil
}

// CheckOrigin returns an [ErrOtherChain] if kv, the part of a store that [New] is given,
// holds an app chain with another genesis. It writes nothing; an empty store is of none.
func CheckOrigin(kv store.Reader, genesis codec.Hash) error {
	o, ok, err := readOrigin(kv)
	if err != nil || !ok {
		return err
	}
	return o.isOf(genesis)
}

// origin returns the state at the genesis, which it writes into an empty store.
func (n *Node) origin() (ledger.State, error) {
	o, ok, err := readOrigin(n.kv)
	if err != nil {
		return ledger.State{}, err
	}
	if ok {
		return n.stateAt(o.Framework, o.App), o.isOf(n.genesis)
	}
	for e, err := range n.kv.Ascend(nil, nil) {
		if err != nil {
			return ledger.State{}, err
		}
		return ledger.State{}, store.Corruptf("the store has no record of its genesis but other entries, the first under %x", e.Key)
	}
	state, err := n.ledger.Init()
	if err != nil {
		return ledger.State{}, fmt.Errorf("genesis: %w", err)
	}
	batch := n.kv.NewBatch()
	if err := putNodes(batch, state); err != nil {
		return ledger.State{}, err
	}
	o = origin{Genesis: n.genesis, Framework: state.Framework.Root(), App: state.App.Root()}
	batch.Put(keyOrigin, codec.Marshal(&o))
	if err := batch.Commit(context.Background(), store.Sync); err != nil {
		return ledger.State{}, err
	}
	return n.stateAt(o.Framework, o.App), nil
}

// stateAt returns the state with these roots; its nodes come from the store when they are needed.
func (n *Node) stateAt(framework, app codec.Hash) ledger.State {
	return ledger.State{Framework: merkle.Open(framework, nodeSource{n.kv}), App: merkle.Open(app, nodeSource{n.kv})}
}

// lastBlock returns the newest block of the store, or the genesis.
func (n *Node) lastBlock(origin ledger.State) (*Head, error) {
	for e, err := range n.kv.Descend(prefixBlock, store.After(prefixBlock)) {
		if err != nil {
			return nil, err
		}
		var b ledger.Block
		if err := codec.Unmarshal(e.Value, &b, len(e.Value)); err != nil {
			return nil, store.Corruptf("newest block, under %x: %w", e.Key, err)
		}
		state := n.stateAt(b.Header.FrameworkRoot, b.Header.AppRoot)
		return &Head{Header: b.Header, Hash: b.Header.Hash(), State: state}, nil
	}
	genesis := n.ledger.Genesis()
	return &Head{Header: ledger.Header{Time: genesis.Time}, Hash: n.genesis, State: origin}, nil
}

// Ledger returns the state machine.
func (n *Node) Ledger() *ledger.Ledger { return n.ledger }

// Genesis returns the genesis hash, which names the app chain.
func (n *Node) Genesis() codec.Hash { return n.genesis }

// Head returns the newest durable block and its state.
func (n *Node) Head() Head { return *n.head.Load() }

// Height returns the newest durable height.
func (n *Node) Height() uint64 { return n.head.Load().Header.Height }

// View returns what the state after the newest durable block says.
func (n *Node) View() ledger.View { return n.ledger.View(n.head.Load().State) }

// Changed returns a channel that is closed when a block, a notice or evidence becomes
// durable. Take it before looking, so that no change is missed:
//
//	for {
//		changed := node.Changed()
//		if done(node) {
//			return
//		}
//		<-changed
//	}
func (n *Node) Changed() <-chan struct{} {
	n.waiting.Lock()
	defer n.waiting.Unlock()
	return n.changed
}

func (n *Node) wake() {
	n.waiting.Lock()
	defer n.waiting.Unlock()
	close(n.changed)
	n.changed = make(chan struct{})
}

// Input returns what executing a transaction on top of a head takes, at a time in Unix
// milliseconds, which never goes back behind the head's.
func (n *Node) Input(h *Head, tx ledger.CheckedTx, time uint64) ledger.Input {
	return ledger.Input{
		Height: h.Header.Height + 1, Time: max(time, h.Header.Time),
		Parent: h.Hash, ParentTime: h.Header.Time, Tx: tx,
	}
}

// Bound returns the state after the block of a height with those parts left to the store
// that no recent block has used. Whoever executes blocks passes each new state through it
// and goes on from what it returns.
func (n *Node) Bound(s ledger.State, height uint64) ledger.State {
	if height%n.trimAt != 0 {
		return s
	}
	return ledger.State{Framework: s.Framework.Trim(generations), App: s.App.Trim(generations)}
}
