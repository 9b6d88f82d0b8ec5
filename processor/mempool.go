package processor

import (
	"errors"
	"fmt"
	"sync"

	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/ledger"
	"github.com/trinebridge/trine/signing"
)

// Limits bound the transactions that wait to be executed.
type Limits struct {
	// Count is how many may wait; 16,384 when zero.
	Count int
	// Bytes is how large they may be together; 32 MiB when zero.
	Bytes int
	// PerKey is how many may wait of one key; 64 when zero.
	PerKey int
	// Future is how many are admitted that wait for an earlier one of their key which is not
	// there yet; a quarter of Count when zero.
	Future int
	// FutureBytes is how large those may be together; a quarter of Bytes when zero. What is
	// ready leaves as fast as it is executed, these stay for minutes: without a bound of their own
	// one key could fill the mempool with them and keep everybody else out.
	FutureBytes int
}

func (l Limits) withDefaults() Limits {
	if l.Count == 0 {
		l.Count = 16_384
	}
	if l.Bytes == 0 {
		l.Bytes = 32 << 20
	}
	if l.PerKey == 0 {
		l.PerKey = 64
	}
	if l.Future == 0 {
		l.Future = max(1, l.Count/4)
	}
	if l.FutureBytes == 0 {
		l.FutureBytes = max(1, l.Bytes/4)
	}
	return l
}

func (l Limits) validate() error {
	if l.Count < 0 || l.Bytes < 0 || l.PerKey < 0 || l.Future < 0 || l.FutureBytes < 0 {
		return fmt.Errorf("mempool limits %+v must not be negative; 0 means the default", l)
	}
	return nil
}

// Refusals of the mempool that are nobody's fault: the same transaction may be welcome later.
var (
	// ErrFull says that no more transactions may wait.
	ErrFull = errors.New("mempool is full; try again later")
	// errKnown says that the transaction waits already.
	errKnown = errors.New("transaction waits already")
)

// mempool holds checked transactions until they are executed. Each key's transactions
// come out in the order of their nonces, and the keys take turns, so that no key can
// crowd out another. It is safe for concurrent use.
type mempool struct {
	limits Limits
	// nonce returns how many transactions of a key have been executed. It is called with
	// the lock held, so what it says and what the senders say are of one moment.
	nonce func(signing.PublicKey) (uint64, error)
	// wake has a signal when something is ready.
	wake chan struct{}

	mu      sync.Mutex
	senders map[signing.PublicKey]*sender
	// turn is the queue of senders that have a transaction ready, each once.
	turn          queue[*sender]
	count, future int
	// futureBytes is the size of what future counts, bytes that of all.
	bytes, futureBytes int
}

// sender is what waits of one key.
type sender struct {
	key     signing.PublicKey
	next    uint64 // nonce of the transaction that is executed next
	waiting map[uint64]ledger.CheckedTx
	bytes   int // of waiting
	// How many of waiting, and how many of their bytes, are not ready: all but those that
	// follow on next without a gap.
	future, futureBytes int
	queued              bool       // stands in mempool.turn
	busy                bool       // its transaction was taken and is not done
	taken               codec.Hash // that transaction, while busy
}

func newMempool(limits Limits, nonce func(signing.PublicKey) (uint64, error)) *mempool {
	return &mempool{
		limits: limits.withDefaults(), nonce: nonce,
		wake: make(chan struct{}, 1), senders: map[signing.PublicKey]*sender{},
	}
}

// add puts a transaction in. Its error is a *ledger.Rejection if the transaction cannot
// apply as things stand, errKnown, ErrFull, or one of nonce.
func (m *mempool) add(tx ledger.CheckedTx) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	key, nonce := tx.Tx().Key, tx.Tx().Nonce
	s := m.senders[key]
	if s == nil {
		executed, err := m.nonce(key)
		if err != nil {
			return err
		}
		s = &sender{key: key, next: executed + 1, waiting: map[uint64]ledger.CheckedTx{}}
	}
	if err := m.admit(s, tx); err != nil {
		return err
	}
	m.senders[key] = s
	s.waiting[nonce] = tx
	m.count++
	m.bytes += tx.Size()
	s.bytes += tx.Size()
	m.recount(s)
	m.enqueue(s)
	return nil
}

// admit checks the limits, with the lock held.
func (m *mempool) admit(s *sender, tx ledger.CheckedTx) error {
	nonce := tx.Tx().Nonce
	waiting, holds := s.waiting[nonce]
	hash := waiting.Hash()
	if s.busy && nonce == s.next {
		// Were it let in, it would be left over when the one that is executed uses the nonce up.
		hash, holds = s.taken, true
	}
	if holds {
		if hash == tx.Hash() {
			return errKnown
		}
		return &ledger.Rejection{Code: ledger.CodeNonce, Reason: fmt.Sprintf("another transaction of key %s with nonce %d waits already", s.key, nonce)}
	}
	switch {
	case nonce < s.next:
		return &ledger.Rejection{Code: ledger.CodeNonce, Reason: fmt.Sprintf("nonce is %d, the next one of key %s is %d", nonce, s.key, s.next)}
	case nonce-s.next >= uint64(m.limits.PerKey): // a limit is positive
		return &ledger.Rejection{Code: ledger.CodeNonce, Reason: fmt.Sprintf("nonce is %d, the next one of key %s is %d: at most %d may wait", nonce, s.key, s.next, m.limits.PerKey)}
	case m.count >= m.limits.Count:
		return fmt.Errorf("%w: %d transactions wait", ErrFull, m.count)
	case m.bytes+tx.Size() > m.limits.Bytes:
		return fmt.Errorf("%w: transactions of %d bytes wait", ErrFull, m.bytes)
	case m.future >= m.limits.Future && !s.follows(nonce):
		return fmt.Errorf("%w: %d transactions wait for an earlier nonce of their key", ErrFull, m.future)
	case m.futureBytes+tx.Size() > m.limits.FutureBytes && !s.follows(nonce):
		return fmt.Errorf("%w: transactions of %d bytes wait for an earlier nonce of their key", ErrFull, m.futureBytes)
	}
	return nil
}

// follows reports whether every transaction before a nonce is there.
func (s *sender) follows(nonce uint64) bool {
	for n := s.next; n < nonce; n++ {
		if _, ok := s.waiting[n]; !ok {
			return false
		}
	}
	return true
}

// recount brings the numbers of transactions that are not ready up to date.
func (m *mempool) recount(s *sender) {
	ready, bytes := 0, 0
	for n := s.next; ; n++ {
		tx, ok := s.waiting[n]
		if !ok {
			break
		}
		ready++
		bytes += tx.Size()
	}
	m.future += len(s.waiting) - ready - s.future
	m.futureBytes += s.bytes - bytes - s.futureBytes
	s.future, s.futureBytes = len(s.waiting)-ready, s.bytes-bytes
}

// enqueue gives a sender its turn, if it has a transaction ready and none yet.
func (m *mempool) enqueue(s *sender) {
	if _, ready := s.waiting[s.next]; !ready || s.queued {
		return
	}
	s.queued = true
	m.turn.push(s)
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// take removes the next ready transaction. The caller executes it and says with done what became of it,
// before it takes another one.
func (m *mempool) take() (ledger.CheckedTx, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for {
		s, ok := m.turn.pop()
		if !ok {
			return ledger.CheckedTx{}, false
		}
		s.queued = false
		if tx, ready := s.waiting[s.next]; ready {
			m.remove(s, s.next)
			s.busy, s.taken = true, tx.Hash()
			return tx, true
		}
		m.forget(s)
	}
}

// done says whether the transaction that was taken from a key was executed. If not, what
// follows it waits for another one with its nonce.
func (m *mempool) done(key signing.PublicKey, executed bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.senders[key]
	if s == nil {
		return
	}
	s.busy = false
	if executed {
		s.next++
	}
	m.recount(s)
	m.enqueue(s)
	m.forget(s)
}

// forget drops a sender of whom nothing waits. One that is busy stays: its next nonce is
// known when it is done.
func (m *mempool) forget(s *sender) {
	if len(s.waiting) == 0 && !s.queued && !s.busy {
		delete(m.senders, s.key)
	}
}

func (m *mempool) remove(s *sender, nonce uint64) {
	m.count--
	m.bytes -= s.waiting[nonce].Size()
	s.bytes -= s.waiting[nonce].Size()
	delete(s.waiting, nonce)
}

// expire removes and returns the transactions whose time is too long ago for any block
// from now on; now is in Unix milliseconds.
func (m *mempool) expire(now uint64) (expired []ledger.CheckedTx) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.senders {
		for nonce, tx := range s.waiting {
			if tx.Tx().Time+ledger.MaxSkew < now {
				m.remove(s, nonce)
				expired = append(expired, tx)
			}
		}
		m.recount(s)
		m.forget(s)
	}
	return expired
}

// reset forgets everything: what was executed may not be so any more.
func (m *mempool) reset() {
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.senders)
	m.turn = queue[*sender]{}
	m.count, m.future, m.bytes, m.futureBytes = 0, 0, 0, 0
}

// size returns how many transactions wait, and their bytes.
func (m *mempool) size() (count, bytes int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.count, m.bytes
}

// queue is a first-in first-out list that reuses its memory.
type queue[T any] struct {
	items []T
	first int
}

func (q *queue[T]) push(item T) { q.items = append(q.items, item) }

func (q *queue[T]) pop() (item T, ok bool) {
	if q.first == len(q.items) {
		return item, false
	}
	item, q.items[q.first] = q.items[q.first], item
	q.first++
	if q.first == len(q.items) || q.first > 1024 && 2*q.first > len(q.items) {
		n := copy(q.items, q.items[q.first:])
		clear(q.items[n:])
		q.items, q.first = q.items[:n], 0
	}
	return item, true
}
