package ledger

import (
	"errors"
	"fmt"

	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/signing"
)

// CheckedBlock is a block of which everything that needs no state has been verified,
// which is what costs: who signed it is known, its transaction is checked, its loads are
// those of its header. Checks of many blocks may run in parallel.
type CheckedBlock struct {
	block  *Block
	hash   codec.Hash
	signer signing.Address
	tx     CheckedTx
}

// Block returns the block; callers must not change it.
func (c CheckedBlock) Block() *Block { return c.block }

// Hash returns the block hash.
func (c CheckedBlock) Hash() codec.Hash { return c.hash }

// CheckBlock verifies everything about a block that needs no state.
func CheckBlock(genesis codec.Hash, b *Block) (CheckedBlock, error) {
	h := &b.Header
	if h.Genesis != genesis {
		return CheckedBlock{}, fmt.Errorf("ledger: block %d is of app chain %s, this is %s", h.Height, h.Genesis, genesis)
	}
	if hash := LoadsHash(b.Loads); hash != h.LoadsHash {
		return CheckedBlock{}, differs(h.Height, "loads hash", h.LoadsHash, hash)
	}
	hash := h.Hash()
	signer, err := b.Signature.RecoverAddress(hash)
	if err != nil {
		return CheckedBlock{}, fmt.Errorf("ledger: block %d: %w", h.Height, err)
	}
	tx, err := CheckTx(genesis, &b.Tx)
	if err != nil {
		return CheckedBlock{}, fmt.Errorf("ledger: block %d: %w", h.Height, err)
	}
	return CheckedBlock{block: b, hash: hash, signer: signer, tx: tx}, nil
}

// Verify is CheckBlock and VerifyChecked in one.
func (l *Ledger) Verify(s State, parent *Header, b *Block) (State, Log, error) {
	checked, err := CheckBlock(l.hash, b)
	if err != nil {
		return s, nil, err
	}
	return l.VerifyChecked(s, parent, checked)
}

// VerifyChecked checks all that a follower must know of a block but wall-clock time:
// that it follows its parent (nil for block 1), that the processor of the current set has
// signed it, and that executing it on the parent's state gives what its header says. It
// returns the state and the log that it made; with an error the state comes back as it was.
func (l *Ledger) VerifyChecked(s State, parent *Header, c CheckedBlock) (State, Log, error) {
	h := &c.block.Header
	in := Input{
		Height: h.Height, Time: h.Time, Parent: l.hash, ParentTime: l.genesis.Time,
		Tx: c.tx, Loads: c.block.Loads,
	}
	height := uint64(1)
	if parent != nil {
		in.Parent, in.ParentTime, height = parent.Hash(), parent.Time, parent.Height+1
	}
	if h.Height != height {
		return s, nil, fmt.Errorf("ledger: block has height %d, the next one is %d", h.Height, height)
	}
	if h.Parent != in.Parent {
		return s, nil, differs(h.Height, "parent", h.Parent, in.Parent)
	}
	m := newMachine(l, s, &in)
	if err := m.readSet(); err != nil {
		return s, nil, err
	}
	if c.signer != m.set.Processor {
		return s, nil, fmt.Errorf("ledger: block %d is signed by %s, the processor is %s", h.Height, c.signer, m.set.Processor)
	}
	next, log, err := l.Apply(s, in)
	if err != nil {
		return s, nil, fmt.Errorf("ledger: block %d does not apply: %w", h.Height, err)
	}
	if err := sameHeader(h, l.NewHeader(in, next, log)); err != nil {
		return s, nil, err
	}
	return next, log, nil
}

// sameHeader names every field in which a header is not what execution gave.
func sameHeader(got *Header, want Header) error {
	if *got == want {
		return nil
	}
	var faults []error
	number := func(name string, got, want uint64) {
		if got != want {
			faults = append(faults, fmt.Errorf("%s is %d, want %d", name, got, want))
		}
	}
	hash := func(name string, got, want codec.Hash) {
		if got != want {
			faults = append(faults, fmt.Errorf("%s is %s, want %s", name, got, want))
		}
	}
	hash("genesis", got.Genesis, want.Genesis)
	number("height", got.Height, want.Height)
	hash("parent", got.Parent, want.Parent)
	number("time", got.Time, want.Time)
	number("code version", got.CodeVersion, want.CodeVersion)
	hash("transaction hash", got.TxHash, want.TxHash)
	hash("loads hash", got.LoadsHash, want.LoadsHash)
	hash("log hash", got.LogHash, want.LogHash)
	hash("framework root", got.FrameworkRoot, want.FrameworkRoot)
	hash("app root", got.AppRoot, want.AppRoot)
	return fmt.Errorf("ledger: block %d is not what its execution gives: %w", got.Height, errors.Join(faults...))
}

func differs(height uint64, field string, got, want codec.Hash) error {
	return fmt.Errorf("ledger: block %d: %s is %s, want %s", height, field, got, want)
}
