package appchain

import (
	"context"
	"fmt"

	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/gossip/wire"
	"github.com/trinebridge/trine/store"
)

// noticeRing counts the notices that are kept: numbers first … next-1.
type noticeRing struct{ first, next, limit uint64 }

func openNotices(kv store.KV, limit uint64) (noticeRing, error) {
	r := noticeRing{limit: limit}
	end := store.After(prefixNoticeOrder)
	for e, err := range kv.Descend(prefixNoticeOrder, end) {
		if err != nil {
			return r, err
		}
		newest, err := number(e.Key[len(prefixNoticeOrder):])
		if err != nil {
			return r, err
		}
		r.next = newest + 1
		break
	}
	for e, err := range kv.Ascend(prefixNoticeOrder, end) {
		if err != nil {
			return r, err
		}
		if r.first, err = number(e.Key[len(prefixNoticeOrder):]); err != nil {
			return r, err
		}
		break
	}
	return r, nil
}

// noticeRecord is a notice with its number, which says when it will be forgotten.
type noticeRecord struct {
	Number uint64
	Notice wire.Notice
}

// Borsh implements codec.Record.
func (r *noticeRecord) Borsh(c *codec.Codec) {
	c.Uint64(&r.Number)
	r.Notice.Borsh(c)
}

// Notice returns the notice of the transaction with a hash, or nil.
func (n *Node) Notice(tx codec.Hash) (*wire.Notice, error) {
	data, ok, err := n.kv.Get(hashKey(prefixNotice, tx))
	if err != nil || !ok {
		return nil, err
	}
	var r noticeRecord
	if err := codec.Unmarshal(data, &r, len(data)); err != nil {
		return nil, store.Corruptf("notice of transaction %s: %w", tx, err)
	}
	return &r.Notice, nil
}

// CheckNotice reports whether the current processor signed the notice.
func (n *Node) CheckNotice(notice *wire.Notice) error {
	return n.checkProcessor(notice.Digest(n.genesis), notice.Signature, fmt.Sprintf("notice about transaction %s", notice.Tx))
}

// PutNotices keeps notices whose signature was checked, newer ones in place of older
// ones about the same transaction. They survive an orderly stop; a crash may lose the
// newest, which nobody's funds depend on.
func (n *Node) PutNotices(ctx context.Context, notices []wire.Notice) error {
	if len(notices) == 0 {
		return nil
	}
	n.writing.Lock()
	defer n.writing.Unlock()
	batch, ring := n.kv.NewBatch(), n.notices
	for i := range notices {
		r := noticeRecord{Number: ring.next, Notice: notices[i]}
		batch.Put(hashKey(prefixNotice, r.Notice.Tx), codec.Marshal(&r))
		batch.Put(numberKey(prefixNoticeOrder, r.Number), r.Notice.Tx[:])
		ring.next++
	}
	for ; ring.next-ring.first > ring.limit; ring.first++ {
		if err := n.forgetNotice(batch, ring.first); err != nil {
			return fmt.Errorf("appchain: notices: %w", err)
		}
	}
	if err := batch.Commit(ctx, store.NoSync); err != nil {
		return fmt.Errorf("appchain: notices: %w", err)
	}
	n.notices = ring
	n.wake()
	return nil
}

// forgetNotice removes the notice with a number, unless a newer one took its place.
func (n *Node) forgetNotice(batch store.Batch, number uint64) error {
	order := numberKey(prefixNoticeOrder, number)
	tx, ok, err := n.kv.Get(order)
	if err != nil || !ok || len(tx) != len(codec.Hash{}) {
		return err
	}
	batch.Delete(order)
	data, ok, err := n.kv.Get(hashKey(prefixNotice, codec.Hash(tx)))
	if err != nil || !ok {
		return err
	}
	var r noticeRecord
	if err := codec.Unmarshal(data, &r, len(data)); err != nil {
		return store.Corruptf("notice of transaction %x: %w", tx, err)
	}
	if r.Number == number {
		batch.Delete(hashKey(prefixNotice, codec.Hash(tx)))
	}
	return nil
}
