package appchain

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/ledger"
	"github.com/trinebridge/trine/signing"
	"github.com/trinebridge/trine/validators"
)

// WrongBlock is a block that the processor signed and that no honest execution leads to.
type WrongBlock struct {
	Block  ledger.Block
	Reason error
}

// Error implements error.
func (w *WrongBlock) Error() string {
	return fmt.Sprintf("block %d, %s, signed by the processor, is wrong: %v", w.Block.Header.Height, w.Block.Header.Hash(), w.Reason)
}

func (w *WrongBlock) Unwrap() error { return w.Reason }

// FieldError says which field of a header is not what execution gives.
type FieldError struct {
	Field     string
	Got, Want string
}

// Error implements error.
func (e *FieldError) Error() string {
	return fmt.Sprintf("%s is %s, execution gives %s", e.Field, e.Got, e.Want)
}

// ErrAhead is a block from the future. Either this machine's clock is late or the
// processor's is early; the block is neither taken nor held against anybody.
var ErrAhead = errors.New("block is ahead of this machine's clock; check the clocks")

// errUnsigned is a block that is not as the processor signed it: whoever sent it lies.
var errUnsigned = errors.New("not as signed by the processor")

// checked is what can be known about a block without any state.
type checked struct {
	hash   codec.Hash
	signer signing.Address
	tx     ledger.CheckedTx
	// forged is why the processor is not to blame for what the block says; wrong is why
	// it is, whatever the state.
	forged, wrong error
	done          chan struct{}
}

// check verifies the signatures of a run of blocks on all cores, first ones first. Each
// result may be read once its done is closed.
func (n *Node) check(ctx context.Context, blocks []ledger.Block) []checked {
	results := make([]checked, len(blocks))
	for i := range results {
		results[i].done = make(chan struct{})
	}
	var next atomic.Int64
	for range min(runtime.GOMAXPROCS(0), len(blocks)) {
		go func() {
			for i := int(next.Add(1)) - 1; i < len(blocks); i = int(next.Add(1)) - 1 {
				if ctx.Err() == nil {
					n.checkBlock(&blocks[i], &results[i])
				}
				close(results[i].done)
			}
		}()
	}
	return results
}

// checkBlock also tells who is to blame. The block's hash, which the processor signs,
// covers what the transaction says but not the transaction's signature: whoever relays a
// block can spoil that one, so it proves nothing against the processor.
func (n *Node) checkBlock(b *ledger.Block, r *checked) {
	r.hash = b.Header.Hash()
	if r.signer, r.forged = b.Signature.RecoverAddress(r.hash); r.forged != nil {
		return
	}
	if b.Header.LoadsHash != ledger.LoadsHash(b.Loads) {
		r.forged = errors.New("the data loads are not those of the header")
		return
	}
	tx, err := ledger.CheckTx(n.genesis, &b.Tx)
	var rejection *ledger.Rejection
	switch {
	case err == nil && tx.Hash() == b.Header.TxHash:
		r.tx = tx
	case err == nil || b.Tx.Digest() != b.Header.TxHash:
		r.forged = errors.New("the transaction is not that of the header")
	case errors.As(err, &rejection) && rejection.Code == ledger.CodeSignature:
		r.forged = err
	default:
		r.wrong = err
	}
}

// execute executes a block on top of a head. Its error is a *WrongBlock, wraps
// errUnsigned or ErrAhead, or comes from this node's own store.
func (n *Node) execute(h *Head, b *ledger.Block, c *checked) (Executed, error) {
	set, err := n.ledger.View(h.State).Validators()
	if err != nil {
		return Executed{}, err
	}
	switch {
	case b.Header.Genesis != n.genesis:
		return Executed{}, fmt.Errorf("block %d is of app chain %s, this is %s: %w", b.Header.Height, b.Header.Genesis, n.genesis, errUnsigned)
	case c.forged != nil:
		return Executed{}, fmt.Errorf("block %d: %w: %w", b.Header.Height, errUnsigned, c.forged)
	case !set.Has(validators.Processor, c.signer):
		return Executed{}, fmt.Errorf("block %d is signed by %s, the processor is %s: %w", b.Header.Height, c.signer, set.Processor, errUnsigned)
	}
	if limit := n.now().Add(ledger.MaxSkew * time.Millisecond); b.Header.Time > uint64(max(0, limit.UnixMilli())) {
		return Executed{}, fmt.Errorf("block %d has time %s: %w", b.Header.Height, time.UnixMilli(int64(min(b.Header.Time, 1<<62))).UTC(), ErrAhead) // bounded
	}
	wrong := func(reason error) (Executed, error) { return Executed{}, &WrongBlock{Block: *b, Reason: reason} }
	if b.Header.Time < h.Header.Time {
		return wrong(&FieldError{"time", fmt.Sprint(b.Header.Time), fmt.Sprintf("at least that of the parent, %d", h.Header.Time)})
	}
	if b.Header.Parent != h.Hash {
		return wrong(&FieldError{"parent", b.Header.Parent.String(), h.Hash.String()})
	}
	if c.wrong != nil {
		return wrong(c.wrong)
	}
	in := n.Input(h, c.tx, b.Header.Time)
	// No app of this release loads outside data, so no follower can check any: the block is
	// executed as the honest one would be, and one that brings loads differs in its header.
	state, log, err := n.ledger.Apply(h.State, in)
	if rejection := (*ledger.Rejection)(nil); errors.As(err, &rejection) {
		return wrong(err)
	}
	if err != nil {
		return Executed{}, fmt.Errorf("block %d: %w", b.Header.Height, err)
	}
	want := n.ledger.NewHeader(in, state, log)
	if err := compareHeaders(&b.Header, &want); err != nil {
		return wrong(err)
	}
	return Executed{Block: *b, Hash: c.hash, State: n.Bound(state, b.Header.Height), Log: log}, nil
}

// compareHeaders returns a *FieldError for the first field that differs.
func compareHeaders(got, want *ledger.Header) error {
	if *got == *want {
		return nil
	}
	for _, f := range []struct {
		name      string
		got, want any
	}{
		{"genesis", got.Genesis, want.Genesis},
		{"height", got.Height, want.Height},
		{"parent", got.Parent, want.Parent},
		{"time", got.Time, want.Time},
		{"code version", got.CodeVersion, want.CodeVersion},
		{"transaction hash", got.TxHash, want.TxHash},
		{"loads hash", got.LoadsHash, want.LoadsHash},
		{"log hash", got.LogHash, want.LogHash},
		{"framework root", got.FrameworkRoot, want.FrameworkRoot},
		{"app root", got.AppRoot, want.AppRoot},
	} {
		if f.got != f.want {
			return &FieldError{f.name, fmt.Sprint(f.got), fmt.Sprint(f.want)}
		}
	}
	return nil
}

// Import executes blocks that follow the head and makes them durable. What stands before
// a faulty block is kept; the error is about that block.
func (n *Node) Import(ctx context.Context, blocks []ledger.Block) error {
	checkCtx, stop := context.WithCancel(ctx)
	defer stop()
	results := n.check(checkCtx, blocks)
	head := n.Head()
	run := make([]Executed, 0, len(blocks))
	var fault error
	for i := range blocks {
		<-results[i].done
		if fault = ctx.Err(); fault != nil {
			break
		}
		var e Executed
		if e, fault = n.execute(&head, &blocks[i], &results[i]); fault != nil {
			break
		}
		run = append(run, e)
		head = Head{Header: e.Block.Header, Hash: e.Hash, State: e.State}
	}
	return errors.Join(n.Commit(ctx, run), fault)
}
