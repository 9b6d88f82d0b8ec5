package processor

import (
	"context"
	"fmt"

	"github.com/trinebridge/trine/appchain"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/gossip/wire"
	"github.com/trinebridge/trine/ledger"
	"github.com/trinebridge/trine/signing"
)

const (
	// maxDropped is how many dropped transactions may wait for their notice.
	maxDropped = 1024
	// maxReason is the longest reason of a notice, in bytes, as gossip/wire bounds it.
	maxReason = 1024
	// Gossiped transactions that are not admitted get this many notices a second, and at once.
	refusalsPerSecond, refusalsAtOnce = 100, 400
)

// droppedTx is a transaction that did not apply.
type droppedTx struct {
	hash      codec.Hash
	rejection *ledger.Rejection
}

// drop tells who waits here, and has a notice signed for everybody else. When too many
// transactions are dropped at once, some get no notice: making blocks goes first.
func (p *Processor) drop(hash codec.Hash, rejection *ledger.Rejection) {
	p.counts.dropped.Add(1)
	p.Hooks.Dropped(rejection.Code)
	notice := wire.Notice{Tx: hash, Code: rejection.Code, Reason: cut(rejection.Reason)}
	p.waiters.resolve(hash, appchain.TxStatus{State: appchain.TxDropped, Notice: &notice})
	select {
	case p.dropped <- droppedTx{hash, rejection}:
	default:
		p.counts.silent.Add(1)
	}
}

// cut shortens a reason to what a notice holds.
func cut(reason string) string {
	if len(reason) > maxReason {
		return reason[:maxReason]
	}
	return reason
}

// announceDropped signs, keeps and gossips notices of dropped transactions.
func (p *Processor) announceDropped(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case d := <-p.dropped:
			if err := p.announce(ctx, d); err != nil && ctx.Err() == nil {
				return err
			}
		}
	}
}

func (p *Processor) announce(ctx context.Context, d droppedTx) error {
	if p.Node.Compromised() {
		return appchain.ErrCompromised
	}
	notice := wire.Notice{Tx: d.hash, Code: d.rejection.Code, Reason: cut(d.rejection.Reason)}
	statement := signing.Statement{
		Slot:   signing.Slot{Kind: signing.KindNotice, Scope: p.Node.Genesis()},
		Digest: notice.Digest(p.Node.Genesis()),
	}
	var err error
	if notice.Signature, err = p.Signer.Sign(ctx, statement); err != nil {
		return fmt.Errorf("sign notice: %w", err)
	}
	if err := p.Node.PutNotices(ctx, []wire.Notice{notice}); err != nil {
		return err
	}
	p.gossip(ctx, appchain.TopicNotices, codec.Marshal(&notice))
	return nil
}
