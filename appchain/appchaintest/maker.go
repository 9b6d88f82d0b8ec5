package appchaintest

import (
	"testing"

	"github.com/trinebridge/trine/appchain"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/internal/memnet"
	"github.com/trinebridge/trine/ledger"
)

// NewNetwork returns a network inside the test, which is closed at its end.
func NewNetwork(t testing.TB) *memnet.Network[appchain.Verdict] {
	n := memnet.New[appchain.Verdict]()
	t.Cleanup(n.Close)
	return n
}

// Maker makes the blocks that an honest processor makes, in memory.
type Maker struct {
	t     testing.TB
	f     *Fixture
	state ledger.State
	log   ledger.Log
	// Height, Hash and Time are of the newest block.
	Height uint64
	Hash   codec.Hash
	Time   uint64
	// nonce of the processor's next transaction
	nonce uint64
}

// NewMaker returns a maker that stands at the genesis.
func (f *Fixture) NewMaker(t testing.TB) *Maker {
	t.Helper()
	state, err := f.Ledger.Init()
	if err != nil {
		t.Fatal(err)
	}
	return &Maker{t: t, f: f, state: state, Hash: f.Genesis, Time: f.Ledger.Genesis().Time, nonce: 1}
}

// MakerAt returns a maker that goes on from a node's head. It makes no transactions of the
// processor's own.
func (f *Fixture) MakerAt(t testing.TB, h *appchain.Head) *Maker {
	return &Maker{t: t, f: f, state: h.State, Height: h.Header.Height, Hash: h.Hash, Time: h.Header.Time}
}

// Fork returns a maker that goes on from here by itself.
func (m *Maker) Fork() *Maker { return new(*m) }

// Executed returns the block just made with what executing it gave, as appchain.Node.Commit takes it.
func (m *Maker) Executed(b ledger.Block) appchain.Executed {
	return appchain.Executed{Block: b, Hash: m.Hash, State: m.state, Log: m.log}
}

// Own makes a block with a transaction of the processor.
func (m *Maker) Own(bodies ...ledger.MessageBody) ledger.Block {
	m.t.Helper()
	b := m.Block(m.f.Tx(m.t, m.f.Processor, m.nonce, m.Time+1, bodies...))
	m.nonce++
	return b
}

// Ticks makes n blocks that do nothing.
func (m *Maker) Ticks(n int) []ledger.Block {
	m.t.Helper()
	blocks := make([]ledger.Block, n)
	for i := range blocks {
		blocks[i] = m.Own(&ledger.Tick{})
	}
	return blocks
}

// Block makes a block with a transaction, a millisecond after the one before.
func (m *Maker) Block(tx *ledger.Transaction) ledger.Block {
	m.t.Helper()
	checked, err := ledger.CheckTx(m.f.Genesis, tx)
	if err != nil {
		m.t.Fatal(err)
	}
	in := ledger.Input{Height: m.Height + 1, Time: m.Time + 1, Parent: m.Hash, ParentTime: m.Time, Tx: checked}
	state, log, err := m.f.Ledger.Apply(m.state, in)
	if err != nil {
		m.t.Fatal(err)
	}
	b := ledger.Block{Header: m.f.Ledger.NewHeader(in, state, log), Tx: *tx}
	m.SignBlock(&b)
	m.state, m.log, m.Height, m.Hash, m.Time = state, log, in.Height, b.Header.Hash(), in.Time
	return b
}

// SignBlock signs a block with the processor's key, whatever it says.
func (m *Maker) SignBlock(b *ledger.Block) {
	m.t.Helper()
	signature, err := m.f.Processor.SignDigest(b.Header.Hash())
	if err != nil {
		m.t.Fatal(err)
	}
	b.Signature = signature
}
