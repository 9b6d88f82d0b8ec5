package approver

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/ledger"
	"github.com/trinebridge/trine/store"
)

// Limit bounds what an approver signs away of an asset on a chain in any stretch of time
// as long as the window.
type Limit struct {
	Chain string
	Asset ledger.AssetID
	// Amount in units of the asset.
	Amount uint256.Int
	Window time.Duration
}

func (l *Limit) validate(assets []ledger.Asset) error {
	if l.Asset == 0 || int(l.Asset) > len(assets) {
		return fmt.Errorf("limit: asset %d is not in the genesis", l.Asset)
	}
	asset := &assets[l.Asset-1]
	var faults []error
	if _, ok := asset.TokenOn(l.Chain); !ok {
		faults = append(faults, fmt.Errorf("limit: asset %s has no token on chain %q", asset.Symbol, l.Chain))
	}
	if l.Window < time.Second {
		faults = append(faults, fmt.Errorf("limit of asset %s on chain %s: window is %s, at least 1s", asset.Symbol, l.Chain, l.Window))
	}
	return errors.Join(faults...)
}

// remembered is how long an outflow is kept at least, whatever limits there are: a limit
// that the operator sets today knows what was signed in the day before.
const remembered = 24 * time.Hour

// outflow is what this approver has signed away, by action, whether a limit looks at it or
// not. An action counts once, whatever its revisions: with the most that any of them pays, at
// the time of the newest. It belongs to one goroutine.
type outflow struct {
	kv      store.KV
	limits  []Limit
	entries map[outflowKey]*outflowEntry
}

type outflowKey struct {
	domain bridgecontracts.Domain
	action uint64
}

// outflowEntry is what one action pays.
type outflowEntry struct {
	Chain           string
	Epoch, Revision uint64
	// At is when the newest revision was approved, Unix milliseconds.
	At      uint64
	Amounts []ledger.Balance
}

// Borsh implements codec.Record.
func (e *outflowEntry) Borsh(c *codec.Codec) {
	c.String(&e.Chain, ledger.MaxName)
	c.Uint64(&e.Epoch)
	c.Uint64(&e.Revision)
	c.Uint64(&e.At)
	codec.List(c, &e.Amounts, ledger.MaxAssets)
}

// maxEntry bounds a stored entry, in bytes; it guards against a damaged store only.
const maxEntry = 64 << 10

func openOutflow(kv store.KV, limits []Limit) (*outflow, error) {
	o := &outflow{kv: kv, limits: limits, entries: map[outflowKey]*outflowEntry{}}
	for stored, err := range kv.Ascend(nil, nil) {
		if err != nil {
			return nil, err
		}
		var k outflowKey
		if len(stored.Key) != len(k.domain)+8 {
			return nil, store.Corruptf("approver: outflow key %x", stored.Key)
		}
		copy(k.domain[:], stored.Key)
		k.action = binary.BigEndian.Uint64(stored.Key[len(k.domain):])
		e := new(outflowEntry)
		if err := codec.Unmarshal(stored.Value, e, maxEntry); err != nil {
			return nil, store.Corruptf("approver: outflow of action %d: %w", k.action, err)
		}
		o.entries[k] = e
	}
	return o, nil
}

func (k *outflowKey) bytes() []byte {
	return binary.BigEndian.AppendUint64(slices.Clone(k.domain[:]), k.action)
}

func amountOf(amounts []ledger.Balance, asset ledger.AssetID) uint256.Int {
	for i := range amounts {
		if amounts[i].Asset == asset {
			return amounts[i].Amount
		}
	}
	return uint256.Int{}
}

// excess is how an action breaks a limit.
type excess struct {
	limit *Limit
	// asked is what the action pays, signed what others paid within the window.
	asked, signed uint256.Int
	// until is when the action fits if nothing else is signed; zero when it never does.
	until time.Time
}

// check returns how an action would break a limit now, or nil.
func (o *outflow) check(now time.Time, k outflowKey, chainID string, amounts []ledger.Balance) *excess {
	for i := range o.limits {
		if e := o.checkOne(&o.limits[i], now, k, chainID, amounts); e != nil {
			return e
		}
	}
	return nil
}

func (o *outflow) checkOne(l *Limit, now time.Time, k outflowKey, chainID string, amounts []ledger.Balance) *excess {
	asked := amountOf(amounts, l.Asset)
	if l.Chain != chainID || asked.IsZero() {
		return nil
	}
	if before := o.entries[k]; before != nil {
		if most := amountOf(before.Amounts, l.Asset); most.Gt(&asked) {
			asked = most
		}
	}
	type leaving struct {
		at     time.Time
		amount uint256.Int
	}
	var inWindow []leaving
	var total uint256.Int
	for other, e := range o.entries {
		at := time.UnixMilli(int64(e.At)) // a time that this program wrote
		amount := amountOf(e.Amounts, l.Asset)
		if other == k || e.Chain != chainID || amount.IsZero() || !at.After(now.Add(-l.Window)) {
			continue
		}
		inWindow = append(inWindow, leaving{at.Add(l.Window), amount})
		saturatingAdd(&total, &amount)
	}
	broken := &excess{limit: l, asked: asked, signed: total}
	sum := asked
	saturatingAdd(&sum, &total)
	if !sum.Gt(&l.Amount) {
		return nil
	}
	if asked.Gt(&l.Amount) {
		return broken
	}
	slices.SortFunc(inWindow, func(a, b leaving) int { return cmp.Compare(a.at.UnixMilli(), b.at.UnixMilli()) })
	for _, next := range inWindow {
		total.Sub(&total, &next.amount)
		sum, broken.until = asked, next.at
		saturatingAdd(&sum, &total)
		if !sum.Gt(&l.Amount) {
			break
		}
	}
	return broken
}

// saturatingAdd adds n to sum; an overflow is the largest number, which breaks every limit.
func saturatingAdd(sum, n *uint256.Int) {
	if _, overflow := sum.AddOverflow(sum, n); overflow {
		sum.SetAllOne()
	}
}

// count makes durable that an action is signed away. It also forgets what is older than a
// day and than every limit's window.
func (o *outflow) count(ctx context.Context, now time.Time, k outflowKey, e outflowEntry) error {
	before := o.entries[k]
	if before != nil && before.Epoch == e.Epoch && before.Revision == e.Revision {
		return nil // signed before; it counts since then
	}
	if before != nil {
		for _, b := range before.Amounts {
			i := slices.IndexFunc(e.Amounts, func(a ledger.Balance) bool { return a.Asset == b.Asset })
			switch {
			case i < 0:
				e.Amounts = append(e.Amounts, b)
			case b.Amount.Gt(&e.Amounts[i].Amount):
				e.Amounts[i].Amount = b.Amount
			}
		}
	}
	batch := o.kv.NewBatch()
	batch.Put(k.bytes(), codec.Marshal(&e))
	longest := remembered
	for i := range o.limits {
		longest = max(longest, o.limits[i].Window)
	}
	var old []outflowKey
	for other, entry := range o.entries {
		if at := time.UnixMilli(int64(entry.At)); other != k && at.Before(now.Add(-longest)) { // a time that this program wrote
			old = append(old, other)
			batch.Delete(other.bytes())
		}
	}
	if err := batch.Commit(ctx, store.Sync); err != nil {
		return fmt.Errorf("storing the outflow of action %d: %w", k.action, err)
	}
	for _, other := range old {
		delete(o.entries, other)
	}
	o.entries[k] = &e
	return nil
}
