package processor

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/trinebridge/trine/appchain"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/ledger"
)

// Submit admits a transaction to the mempool and returns its hash. The error is a
// *ledger.Rejection if it cannot apply as things stand, or wraps ErrFull, ErrAsking or ErrStopped.
func (p *Processor) Submit(ctx context.Context, tx *ledger.Transaction) (codec.Hash, error) {
	if !p.producing.Load() {
		return codec.Hash{}, p.notProducing()
	}
	checked, err := p.check(ctx, tx)
	if err != nil {
		return codec.Hash{}, p.refuse(err)
	}
	if err := p.admit(checked); err != nil && !errors.Is(err, errKnown) {
		if included, statusErr := p.included(checked.Hash()); statusErr != nil || included {
			return checked.Hash(), statusErr
		}
		return codec.Hash{}, p.refuse(err)
	}
	return checked.Hash(), nil
}

// SubmitTx admits a transaction and waits until it is in a durable block or dropped.
func (p *Processor) SubmitTx(ctx context.Context, tx *ledger.Transaction) (appchain.TxStatus, error) {
	if !p.producing.Load() {
		return appchain.TxStatus{}, p.notProducing()
	}
	checked, err := p.check(ctx, tx)
	if err != nil {
		return appchain.TxStatus{}, p.refuse(err)
	}
	hash := checked.Hash()
	result, err := p.waiters.wait(hash)
	if err != nil {
		return appchain.TxStatus{}, err
	}
	if err := p.admit(checked); err != nil && !errors.Is(err, errKnown) {
		p.waiters.leave(hash, result)
		if included, statusErr := p.included(hash); statusErr != nil || included {
			status, err := p.Node.TxStatus(hash)
			return status, errors.Join(statusErr, err)
		}
		return appchain.TxStatus{}, p.refuse(err)
	}
	select {
	case status, ok := <-result:
		if !ok {
			return appchain.TxStatus{}, fmt.Errorf("transaction %s: %w", hash, ErrStopped)
		}
		return status, nil
	case <-ctx.Done():
		p.waiters.leave(hash, result)
		return appchain.TxStatus{}, fmt.Errorf("transaction %s is in no block yet: %w", hash, ctx.Err())
	}
}

// check verifies what needs no state, on one of a bounded number of places.
func (p *Processor) check(ctx context.Context, tx *ledger.Transaction) (ledger.CheckedTx, error) {
	if tx.Key == p.key {
		return ledger.CheckedTx{}, &ledger.Rejection{Code: ledger.CodeUnauthorized, Reason: "the processor makes its transactions itself"}
	}
	if err := appchain.CheckTime(tx, p.Now()); err != nil {
		return ledger.CheckedTx{}, err
	}
	select {
	case p.checks <- struct{}{}:
		defer func() { <-p.checks }()
	case <-ctx.Done():
		return ledger.CheckedTx{}, ctx.Err()
	}
	return ledger.CheckTx(p.Node.Genesis(), tx)
}

// notProducing says why no transaction is taken now.
func (p *Processor) notProducing() error {
	if p.asking.Load() {
		return fmt.Errorf("%w (%s)", ErrAsking, p.rollCall.Status())
	}
	return ErrStopped
}

// admit puts a transaction into the mempool. One that is executed, but not durable yet, is
// as known as one that waits: its nonce is used up by itself.
func (p *Processor) admit(tx ledger.CheckedTx) error {
	err := p.pool.add(tx)
	if err != nil && p.undurable.has(tx.Hash()) {
		return errKnown
	}
	return err
}

func (p *Processor) included(hash codec.Hash) (bool, error) {
	status, err := p.Node.TxStatus(hash)
	return status.State == appchain.TxIncluded, err
}

func (p *Processor) refuse(err error) error {
	p.counts.refused.Add(1)
	p.Hooks.Refused(err)
	return err
}

// hearTransaction takes a transaction from gossip.
func (p *Processor) hearTransaction(ctx context.Context, from string, message []byte) appchain.Verdict {
	tx := new(ledger.Transaction)
	if err := codec.Unmarshal(message, tx, ledger.MaxTransactionSize); err != nil {
		p.Log.Debug("gossiped transaction refused", "peer", from, "error", err)
		return appchain.Reject
	}
	checked, err := p.check(ctx, tx)
	var rejection *ledger.Rejection
	if errors.As(err, &rejection) {
		p.Log.Debug("gossiped transaction refused", "peer", from, "error", p.refuse(err))
		if rejection.Code == ledger.CodeMalformed || rejection.Code == ledger.CodeSignature {
			return appchain.Reject
		}
		return appchain.Ignore
	}
	if err != nil {
		return appchain.Ignore
	}
	err = p.admit(checked)
	switch {
	case err == nil:
		return appchain.Accept
	case errors.As(err, &rejection):
		p.Log.Debug("gossiped transaction refused", "peer", from, "error", p.refuse(err))
		// It was signed for this chain, so its sender waits to hear of it, unless it is in a block already.
		// But strangers can have any number of transactions refused, and each notice is signed, kept and gossiped.
		if included, statusErr := p.included(checked.Hash()); statusErr == nil && !included {
			if p.refusals.AllowN(p.Now(), 1) {
				p.drop(checked.Hash(), rejection)
			} else {
				p.counts.silent.Add(1)
			}
		}
	case errors.Is(err, ErrFull):
		p.Log.Debug("gossiped transaction not admitted", "peer", from, "error", p.refuse(err))
	}
	return appchain.Ignore
}

// hashSet is a set that is safe for concurrent use.
type hashSet struct {
	mu      sync.Mutex
	members map[codec.Hash]struct{}
}

func (s *hashSet) add(hash codec.Hash) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.members[hash] = struct{}{}
}

func (s *hashSet) remove(hash codec.Hash) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.members, hash)
}

func (s *hashSet) has(hash codec.Hash) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.members[hash]
	return ok
}

func (s *hashSet) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.members)
}

// waiters are those who wait for what becomes of a transaction.
type waiters struct {
	mu      sync.Mutex
	running bool
	byTx    map[codec.Hash][]chan<- appchain.TxStatus
}

// wait returns a channel that takes one status, or is closed when the processor stops.
func (w *waiters) wait(hash codec.Hash) (chan appchain.TxStatus, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.running {
		return nil, ErrStopped
	}
	result := make(chan appchain.TxStatus, 1)
	w.byTx[hash] = append(w.byTx[hash], result)
	return result, nil
}

func (w *waiters) leave(hash codec.Hash, result chan<- appchain.TxStatus) {
	w.mu.Lock()
	defer w.mu.Unlock()
	waiting := w.byTx[hash]
	for i := range waiting {
		if waiting[i] == result {
			w.byTx[hash] = append(waiting[:i:i], waiting[i+1:]...)
			break
		}
	}
	if len(w.byTx[hash]) == 0 {
		delete(w.byTx, hash)
	}
}

func (w *waiters) resolve(hash codec.Hash, status appchain.TxStatus) {
	w.mu.Lock()
	waiting := w.byTx[hash]
	delete(w.byTx, hash)
	w.mu.Unlock()
	for _, result := range waiting {
		result <- status
	}
}

func (w *waiters) start() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.running = true
}

func (w *waiters) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.running = false
	for _, waiting := range w.byTx {
		for _, result := range waiting {
			close(result)
		}
	}
	clear(w.byTx)
}
