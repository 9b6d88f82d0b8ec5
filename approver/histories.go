package approver

import (
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/ledger"
)

// histories compares what the ledger has applied of every attached bridge with the
// approver's own reading of it. This carries the promise that a lying listener quorum moves
// nothing that leaves.
//
// Every bridge, not only those that hold the action's assets: a false deposit of one asset
// buys another, and a false key link on one chain gives away all that the wallet's account
// holds. ADR 0005 has the reasons. What must have been read just now is less: see history.
func (r *round) histories(a *asked) (*verdict, error) {
	for i := range a.seen {
		if v, err := r.history(a, &a.seen[i]); v != nil || err != nil {
			return v, err
		}
	}
	return nil, nil
}

// history compares the events of one bridge up to those that the ledger had applied when the
// action was seen. Later ones cannot have led to the action, and waiting for them would be
// waiting for ever where a chain is busy; those that are known here must be the ledger's
// all the same.
//
// A bridge of the action's own assets must be readable now. Of any other it is enough that
// its events were verified once: an outage of its endpoints then stops no payment elsewhere.
func (r *round) history(a *asked, bridge *ledger.Bridge) (*verdict, error) {
	fresh := a.holds(bridge)
	if bridge.EventID == 0 && !fresh {
		return nil, nil // nothing came from there
	}
	w := r.approver.watch(bridge.Domain)
	if w == nil {
		return refuse(RefuseNoEndpoints, "bridge %s on %s has reported events, which can reach every asset, and no endpoints of that chain are configured here", bridge.Domain.Short(), bridge.Chain), nil
	}
	own := w.reading()
	switch {
	case own.contradiction != nil:
		return refuse(RefuseContradiction, "%s", own.contradiction), nil
	case own.err != nil && (fresh || bridge.Generation != w.Reader.Generation()):
		return wait(WaitEndpoints, "own endpoints of %s: %s", bridge.Chain, own.err), nil
	case own.err == nil && !own.ok:
		return wait(WaitEndpoints, "own endpoints of %s have not been read yet", bridge.Chain), nil
	}
	head, ok, err := w.Reader.HeadAt(bridge.EventID)
	if err != nil {
		return nil, err
	}
	if !ok {
		if own.err != nil {
			return wait(WaitEndpoints, "the ledger has applied event %d of bridge %s on %s, which own endpoints cannot confirm now: %s", bridge.EventID, bridge.Domain.Short(), bridge.Chain, own.err), nil
		}
		w.Hurry()
		verified, _ := w.Reader.Verified()
		return wait(WaitBehind, "the ledger has applied event %d of bridge %s on %s, own endpoints have settled event %d", bridge.EventID, bridge.Domain.Short(), bridge.Chain, verified.ID), nil
	}
	if head != bridge.Head {
		return differs(bridge, head), nil
	}
	return r.since(w, bridge)
}

// since compares what the ledger has applied of a bridge by now, as far as it is known here.
func (r *round) since(w *watch, bridge *ledger.Bridge) (*verdict, error) {
	for i := range r.bridges {
		now := &r.bridges[i]
		if now.Domain != bridge.Domain {
			continue
		}
		head, ok, err := w.Reader.HeadAt(now.EventID)
		if err != nil {
			return nil, err
		}
		if ok && head != now.Head {
			return differs(now, head), nil
		}
	}
	return nil, nil
}

func differs(bridge *ledger.Bridge, own codec.Hash) *verdict {
	return refuse(RefuseHistory, "event %d of bridge %s on %s: the ledger has head %s, own endpoints show %s: the listeners have attested what did not happen, or these endpoints lie",
		bridge.EventID, bridge.Domain.Short(), bridge.Chain, bridge.Head, own)
}

// holds reports whether a bridge has a token of one of the action's assets.
func (a *asked) holds(bridge *ledger.Bridge) bool {
	for i := range bridge.Tokens {
		for j := range a.record.Withdrawals {
			if bridge.Tokens[i].Asset == a.record.Withdrawals[j].Asset {
				return true
			}
		}
	}
	return bridge.Domain == a.bridge.Domain
}
