package appchain

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/ledger"
)

// ErrBusy says that as many transactions wait for their block as may.
var ErrBusy = errors.New("too many transactions wait for their block; try again later")

// submission is a transaction that is gossiped until its fate is known.
type submission struct {
	message []byte
	// expires is when no block may hold it any more, by its time.
	expires time.Time
	again   time.Time
	pause   time.Duration
}

const (
	resubmitEvery = 500 * time.Millisecond
	firstPause    = time.Second
	longestPause  = 15 * time.Second
)

// Submit checks a transaction and gossips it again and again until it is in a block, a
// notice says that it was dropped, or its time is over. It returns its hash after the first time;
// [Node.AwaitTx] waits for what becomes of it.
func (f *Follower) Submit(ctx context.Context, tx *ledger.Transaction) (codec.Hash, error) {
	checked, err := ledger.CheckTx(f.Node.genesis, tx)
	if err != nil {
		return codec.Hash{}, err
	}
	now := f.Node.now()
	if err := CheckTime(tx, now); err != nil {
		return codec.Hash{}, err
	}
	hash := checked.Hash()
	if status, err := f.Node.TxStatus(hash); err != nil || status.State == TxIncluded {
		return hash, err
	}
	s := &submission{
		message: codec.Marshal(tx), expires: time.UnixMilli(int64(tx.Time + ledger.MaxSkew)), // CheckTime bounds it
		again: now.Add(firstPause), pause: firstPause,
	}
	if err := f.enlist(hash, s); err != nil {
		return codec.Hash{}, err
	}
	if err := f.Network.Publish(ctx, TopicTransactions, s.message); err != nil {
		f.Log.Debug("transaction not gossiped, trying again", "tx", hash, "error", err)
	}
	return hash, nil
}

func (f *Follower) enlist(hash codec.Hash, s *submission) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, known := f.submissions[hash]; !known && len(f.submissions) >= f.MaxSubmissions {
		return fmt.Errorf("%w: %d", ErrBusy, len(f.submissions))
	}
	f.submissions[hash] = s
	return nil
}

// CheckTime returns a Rejection for a transaction that no block made now may hold.
func CheckTime(tx *ledger.Transaction, now time.Time) error {
	ms := uint64(max(0, now.UnixMilli()))
	if tx.Time > ms+ledger.MaxSkew || tx.Time+ledger.MaxSkew < ms || tx.Time > 1<<62 {
		return &ledger.Rejection{Code: ledger.CodeExpired, Reason: fmt.Sprintf(
			"transaction has time %d ms, it is %d ms now: they may be %d ms apart; sign it again, and check this machine's clock", tx.Time, ms, ledger.MaxSkew)}
	}
	return nil
}

// resubmit gossips what has no fate yet, each at growing intervals.
func (f *Follower) resubmit(ctx context.Context) {
	tick := time.NewTicker(resubmitEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			for _, message := range f.dueSubmissions() {
				f.publish(ctx, TopicTransactions, message)
			}
		}
	}
}

// dueSubmissions forgets what has its fate and returns what is to be gossiped again now.
func (f *Follower) dueSubmissions() (due [][]byte) {
	now := f.Node.now()
	f.mu.Lock()
	defer f.mu.Unlock()
	for hash, s := range f.submissions {
		if now.Before(s.again) {
			continue
		}
		status, err := f.Node.TxStatus(hash)
		if err != nil {
			f.Log.Warn("status of a submitted transaction", "tx", hash, "error", err)
			continue
		}
		if status.State != TxUnknown || now.After(s.expires) {
			delete(f.submissions, hash)
			continue
		}
		s.pause = min(2*s.pause, longestPause)
		s.again = now.Add(s.pause)
		due = append(due, s.message)
	}
	return due
}
