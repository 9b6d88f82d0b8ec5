package processor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/trinebridge/trine/appchain"
	"github.com/trinebridge/trine/ledger"
	"github.com/trinebridge/trine/signing"
)

// maxAhead is how many executed blocks may wait for the disk.
const maxAhead = 4096

// produced is a block on its way to the disk. Whoever signs it owns the signature until
// signed is closed.
type produced struct {
	appchain.Executed
	signed chan struct{}
	err    error // of signing
}

// ownRequest asks the executor for a transaction of the processor with one message.
type ownRequest struct {
	body ledger.MessageBody
	// result takes nil once the transaction is executed, or why it does not apply.
	result chan error
}

// execute takes transactions, one after the other, until ctx is done. Its error is of the
// store or of a key.
func (p *Processor) execute(ctx context.Context, toSign, toCommit chan<- *produced) error {
	send := func(b *produced) error {
		for _, to := range []chan<- *produced{toSign, toCommit} {
			select {
			case to <- b:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	}
	for ctx.Err() == nil {
		if p.Node.Compromised() {
			return appchain.ErrCompromised
		}
		var err error
		select {
		case r := <-p.own:
			err = p.executeOwn(ctx, r, send)
		default:
			tx, ok := p.pool.take()
			if ok {
				err = p.executeTaken(tx, send)
				break
			}
			select {
			case r := <-p.own:
				err = p.executeOwn(ctx, r, send)
			case <-p.pool.wake:
			case <-p.Node.Changed(): // it may be evidence
			case <-ctx.Done():
			}
		}
		if err != nil && ctx.Err() == nil {
			return err
		}
	}
	return nil
}

// executeTaken executes a transaction of the mempool.
func (p *Processor) executeTaken(tx ledger.CheckedTx, send func(*produced) error) error {
	err := p.apply(tx, send)
	p.pool.done(tx.Tx().Key, err == nil)
	var rejection *ledger.Rejection
	if errors.As(err, &rejection) {
		p.drop(tx.Hash(), rejection)
		return nil
	}
	return err
}

// executeOwn makes, signs and executes a transaction of the processor's own.
func (p *Processor) executeOwn(ctx context.Context, r ownRequest, send func(*produced) error) error {
	err := p.applyOwn(ctx, r.body, send)
	r.result <- err
	if rejection := (*ledger.Rejection)(nil); errors.As(err, &rejection) {
		return nil
	}
	return err
}

func (p *Processor) applyOwn(ctx context.Context, body ledger.MessageBody, send func(*produced) error) error {
	nonce, err := p.executedNonce(p.key)
	if err != nil {
		return err
	}
	tip := p.tip.Load()
	tx := &ledger.Transaction{
		Genesis: p.Node.Genesis(), Key: p.key, Nonce: nonce + 1, Time: max(p.nowMillis(), tip.Header.Time),
		Messages: []ledger.Message{{Body: body}},
	}
	slot := signing.Slot{Kind: signing.KindTx, Scope: tx.Genesis, ID: tx.Nonce}
	if tx.Signature, err = p.Signer.Sign(ctx, signing.Statement{Slot: slot, Digest: tx.Digest()}); err != nil {
		return fmt.Errorf("sign own transaction: %w", err)
	}
	checked, err := ledger.CheckTx(tx.Genesis, tx)
	if err != nil {
		return err
	}
	return p.apply(checked, send)
}

// apply executes a transaction on the tip and passes the block on. A Rejection leaves
// everything as it was.
func (p *Processor) apply(tx ledger.CheckedTx, send func(*produced) error) error {
	tip := p.tip.Load()
	in := p.Node.Input(tip, tx, p.nowMillis())
	state, log, err := p.ledger.Apply(tip.State, in)
	if err != nil {
		return err
	}
	header := p.ledger.NewHeader(in, state, log)
	state = p.Node.Bound(state, header.Height)
	hash := header.Hash()
	p.undurable.add(tx.Hash()) // before its nonce shows as used
	p.tip.Store(&appchain.Head{Header: header, Hash: hash, State: state})
	return send(&produced{
		Executed: appchain.Executed{Block: ledger.Block{Header: header, Tx: *tx.Tx()}, Hash: hash, State: state, Log: log},
		signed:   make(chan struct{}),
	})
}

// sign signs blocks; several goroutines do so.
func (p *Processor) sign(ctx context.Context, blocks <-chan *produced) error {
	for b := range blocks {
		slot := signing.Slot{Kind: signing.KindBlock, Scope: b.Block.Header.Genesis, ID: b.Block.Header.Height}
		b.Block.Signature, b.err = p.Signer.Sign(ctx, signing.Statement{Slot: slot, Digest: b.Hash})
		close(b.signed)
	}
	return nil
}

// commit makes blocks durable, as many at once as there are, and answers who waits.
func (p *Processor) commit(ctx context.Context, blocks <-chan *produced) error {
	run := make([]appchain.Executed, 0, p.MaxRun)
	for first := range blocks {
		run = run[:0]
		for next, open := first, true; next != nil; {
			<-next.signed
			if next.err != nil {
				return fmt.Errorf("sign block %d: %w", next.Block.Header.Height, next.err)
			}
			run = append(run, next.Executed)
			next = nil
			if open && len(run) < p.MaxRun {
				select {
				case next, open = <-blocks:
				default:
				}
			}
		}
		began := time.Now()
		if err := p.Node.Commit(ctx, run); err != nil {
			return err
		}
		p.counts.blocks.Add(uint64(len(run)))
		p.counts.syncs.Add(1)
		p.Hooks.Committed(len(run), time.Since(began))
		for i := range run {
			header := &run[i].Block.Header
			p.undurable.remove(header.TxHash) // after the node shows it, before who waits is told
			p.waiters.resolve(header.TxHash, appchain.TxStatus{State: appchain.TxIncluded, Height: header.Height})
		}
		clear(run)
	}
	return nil
}

// publish gossips durable blocks, in runs as large as have gathered.
func (p *Processor) publish(ctx context.Context) error {
	published := p.Node.Height()
	for {
		changed := p.Node.Changed()
		message, count, err := p.Node.EncodedBlocks(published + 1)
		if err != nil {
			return err
		}
		if count > 0 {
			published += uint64(count) // a number of blocks
			p.gossip(ctx, appchain.TopicBlocks, message)
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		}
	}
}

// gossip sends a message. What does not reach everybody now is asked for or repeated later.
func (p *Processor) gossip(ctx context.Context, topic string, message []byte) {
	if err := p.Network.Publish(ctx, topic, message); err != nil && ctx.Err() == nil {
		p.Log.Warn("message not gossiped", "topic", topic, "error", err)
	}
}

// submitOwn has a message executed as a transaction of the processor's own, before those of others.
// It returns when it is executed, which is before it is durable.
func (p *Processor) submitOwn(ctx context.Context, body ledger.MessageBody) error {
	r := ownRequest{body: body, result: make(chan error, 1)}
	select {
	case p.own <- r:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-r.result:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
