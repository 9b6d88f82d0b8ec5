package solana

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"

	contract "github.com/trinebridge/trine/bridgecontracts/solana"
	"github.com/trinebridge/trine/chain"
)

const (
	// listed is how many signatures a node lists at once, maxListed how many of one page are listed at most:
	// anybody can name a page in transactions of his own. Hardly any of those is looked into.
	listed    = 1_000
	maxListed = 40_000
	// parallel is how many transactions are asked for at the same time.
	parallel = 6
	// maxWalk is how many blocks one search reads at most, when the index leaves events out.
	maxWalk = 400
	// stride is how far apart the events are whose slots are remembered from such a search, maxSteps how many of them.
	stride   = 64
	maxSteps = 1 << 14
)

// trail remembers where events were seen when a search went from block to block. Nothing in it is
// trusted: a wrong step only makes a search fail and be forgotten.
type trail struct {
	mu    sync.Mutex
	slots map[uint64]uint64 // by event id
}

func (t *trail) note(id, slot uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.slots == nil || len(t.slots) >= maxSteps {
		t.slots = map[uint64]uint64{}
	}
	t.slots[id] = slot
}

func (t *trail) forget(id uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.slots, id)
}

// nearest returns the remembered event that is nearest to id from above, and its slot.
func (t *trail) nearest(id uint64) (at, slot uint64, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for known, s := range t.slots {
		if known >= id && (!ok || known < at) {
			at, slot, ok = known, s, true
		}
	}
	return at, slot, ok
}

// search looks for events from … to of a bridge.
type search struct {
	source   *Source
	program  contract.Program
	pin      *pinned
	at       chain.Block
	from, to uint64

	mu    sync.Mutex
	found map[uint64]sighting
	walks int
}

// Events implements chain.Source. The events of a page are listed by the node's index of
// addresses. What that leaves out, and it may leave out anything, is found without it: each
// event names the slot of the one before, and the bridge remembers those of the newest.
func (s *Source) Events(ctx context.Context, from, to uint64, at chain.Block) ([]chain.LocatedEvent, error) {
	if from == 0 || from > to {
		return nil, chain.Errorf(chain.Fatal, "events %d to %d: ids start at 1 and ascend", from, to)
	}
	pin, err := s.pin(ctx, at)
	if err != nil {
		return nil, err
	}
	if to > pin.counters.EventID {
		return nil, s.fault(chain.Retry, fmt.Errorf("%w: event %d is asked for, block %s has %d", chain.ErrIncomplete, to, at, pin.counters.EventID))
	}
	f := &search{source: s, program: pin.program, pin: pin, at: at, from: from, to: to, found: map[uint64]sighting{}}
	return f.all(ctx)
}

// all returns the events of the search.
func (f *search) all(ctx context.Context) ([]chain.LocatedEvent, error) {
	if err := f.byIndex(ctx); err != nil {
		return nil, err
	}
	if err := f.endless(ctx); err != nil {
		return nil, err
	}
	if err := f.byBlocks(ctx); err != nil {
		return nil, err
	}
	return f.result()
}

// missing returns the highest event from … to that was not found.
func (f *search) missing(from, to uint64) (uint64, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for id := to; id >= from; id-- {
		if _, ok := f.found[id]; !ok {
			return id, true
		}
	}
	return 0, false
}

// keep takes what a transaction recorded. Two accounts of one event cannot both be right.
func (f *search) keep(list []sighting) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, s := range list {
		if s.Block > f.at.Number {
			continue // younger than the pinned block
		}
		if old, seen := f.found[s.ID]; seen && (old.Tx != s.Tx || old.Block != s.Block) {
			return chain.Errorf(chain.Retry, "%w: event %d is in transaction %s of slot %d and in %s of slot %d", chain.ErrIncomplete, s.ID, old.Tx, old.Block, s.Tx, s.Block)
		}
		f.found[s.ID] = s
	}
	return nil
}

// byIndex looks through the transactions that name the events' pages, newest first.
func (f *search) byIndex(ctx context.Context) error {
	last, first := (f.to-1)/contract.EventsPerPage, (f.from-1)/contract.EventsPerPage
	for page := last + 1; page > first; page-- {
		bottom := (page-1)*contract.EventsPerPage + 1
		low, high := max(f.from, bottom), min(f.to, bottom+contract.EventsPerPage-1)
		key, err := f.program.Page(low)
		if err != nil {
			return &chain.Error{Verdict: chain.Fatal, Err: err}
		}
		if err := f.page(ctx, key, low, high); err != nil {
			return err
		}
	}
	return nil
}

// endless looks through the transactions that name the endless page for what is not under the pages that turn.
func (f *search) endless(ctx context.Context) error {
	high, more := f.missing(f.from, f.to)
	if !more {
		return nil
	}
	key, err := f.program.EndlessPage()
	if err != nil {
		return &chain.Error{Verdict: chain.Fatal, Err: err}
	}
	return f.page(ctx, key, f.from, high)
}

// signature is one entry of the index.
type signature struct {
	Signature string          `json:"signature"`
	Slot      uint64          `json:"slot"`
	Err       json.RawMessage `json:"err"`
}

// page looks for events among the transactions that name a page.
func (f *search) page(ctx context.Context, page contract.Key, from, to uint64) error {
	before, seen := "", map[string]bool{}
	for len(seen) < maxListed {
		options := map[string]any{"limit": listed, "commitment": confirmed}
		if before != "" {
			options["before"] = before
		}
		var list []signature
		if err := f.source.node.call(ctx, &list, "getSignaturesForAddress", page, options); err != nil {
			return err
		}
		var fresh []signature
		for _, e := range list {
			if parseSignature(e.Signature) != nil {
				return f.source.node.wrap("getSignaturesForAddress", chain.Errorf(chain.Retry, "%.100q is no signature", e.Signature))
			}
			if seen[e.Signature] {
				continue
			}
			seen[e.Signature] = true
			if e.Slot <= f.at.Number && (len(e.Err) == 0 || string(e.Err) == "null") {
				fresh = append(fresh, e)
			}
		}
		if err := f.transactions(ctx, fresh, from, to); err != nil {
			return err
		}
		// A short list is no proof that nothing follows; one without anything new is the end.
		if _, more := f.missing(from, to); !more || len(list) == 0 || before == list[len(list)-1].Signature {
			return nil
		}
		before = list[len(list)-1].Signature
	}
	return nil
}

// transactions looks into transactions, a few at the same time, until all events are found. Each event names the slot of the
// one before, so those that are younger than the event that is sought need not be looked into, whoever made them.
func (f *search) transactions(ctx context.Context, list []signature, from, to uint64) error {
	for len(list) > 0 {
		id, more := f.missing(from, to)
		if !more {
			return nil
		}
		_, slot := f.start(id)
		var part []string
		for ; len(list) > 0 && len(part) < parallel; list = list[1:] {
			if list[0].Slot <= slot {
				part = append(part, list[0].Signature)
			}
		}
		var wait sync.WaitGroup
		faults := make([]error, len(part))
		for i, id := range part {
			wait.Go(func() { faults[i] = f.transaction(ctx, id) })
		}
		wait.Wait()
		if err := firstOf(faults); err != nil {
			return err
		}
	}
	return nil
}

func firstOf(faults []error) error {
	for _, err := range faults {
		if err != nil {
			return err
		}
	}
	return nil
}

func (f *search) transaction(ctx context.Context, id string) error {
	t, err := f.source.node.transaction(ctx, id)
	if errors.Is(err, chain.ErrAbsent) {
		return nil // the index knows more than the node still has
	}
	if err != nil {
		return err
	}
	_, list, err := t.records(f.program.ID, t.Slot)
	if err != nil {
		return f.source.node.wrap("transaction "+id, &chain.Error{Verdict: chain.Retry, Err: errors.Join(chain.ErrIncomplete, err)})
	}
	return f.keep(list)
}

// transaction returns one that is in a confirmed block, or ErrAbsent.
func (n *node) transaction(ctx context.Context, id string) (*transactionWithMeta, error) {
	var t *transactionWithMeta
	if err := n.callVersioned(ctx, &t, maxResponse, "getTransaction", id, map[string]any{"encoding": "json", "commitment": confirmed}); err != nil {
		return nil, err
	}
	if t == nil {
		return nil, chain.ErrAbsent
	}
	if t.Meta == nil {
		return nil, n.wrap("getTransaction", chain.Errorf(chain.Retry, "transaction %s comes without its outcome", id))
	}
	return t, nil
}

// byBlocks finds what is missing by going from event to event, newest first.
func (f *search) byBlocks(ctx context.Context) error {
	for {
		id, missing := f.missing(f.from, f.to)
		if !missing {
			return nil
		}
		at, slot := f.start(id)
		if err := f.walk(ctx, id, at, slot); err != nil {
			return err
		}
	}
}

// start returns the event nearest to id from above whose slot is known, and that slot.
func (f *search) start(id uint64) (at, slot uint64) {
	at, slot = f.pin.counters.EventID, f.pin.counters.Slot
	for _, m := range f.pin.state.Marks {
		if m.EventID >= id && m.EventID < at {
			at, slot = m.EventID, m.Slot
		}
	}
	if known, s, ok := f.source.trail.nearest(id); ok && known < at {
		at, slot = known, s
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for known, s := range f.found {
		if known > id && known-1 < at {
			at, slot = known-1, s.previous
		}
	}
	return at, slot
}

// walk reads blocks from the one that holds event at down to the one that holds event id.
func (f *search) walk(ctx context.Context, id, at, slot uint64) error {
	for {
		if f.walks++; f.walks > maxWalk {
			f.source.trail.note(at, slot)
			return f.source.fault(chain.Retry, fmt.Errorf("%w: events down to %d were searched for block by block and are not all found yet; the search goes on from there", chain.ErrIncomplete, at))
		}
		lowest, err := f.blockOf(ctx, at, slot)
		if err != nil {
			f.source.trail.forget(at)
			return err
		}
		if lowest.ID <= id {
			return nil
		}
		if lowest.ID/stride != at/stride {
			f.source.trail.note(lowest.ID-1, lowest.previous)
		}
		at, slot = lowest.ID-1, lowest.previous
	}
}

// blockOf reads the events of a block that must hold event at, and returns the lowest of them.
func (f *search) blockOf(ctx context.Context, at, slot uint64) (sighting, error) {
	gone := func(why string) error {
		return f.source.node.wrap("getBlock", chain.Errorf(chain.Retry, "%w: event %d is in slot %d, %s", chain.ErrIncomplete, at, slot, why))
	}
	b, err := f.source.node.block(ctx, slot, true)
	if errors.Is(err, errSkipped) || errors.Is(err, errNoBlock) {
		return sighting{}, gone("of which the node has no block")
	}
	if err != nil {
		return sighting{}, err
	}
	var all []sighting
	for i := range b.Transactions {
		t := &b.Transactions[i]
		if !t.mentions(f.program.ID) {
			continue
		}
		id, list, err := t.records(f.program.ID, slot)
		if err != nil {
			return sighting{}, f.source.node.wrap("transaction "+id, &chain.Error{Verdict: chain.Retry, Err: errors.Join(chain.ErrIncomplete, err)})
		}
		all = append(all, list...)
	}
	slices.SortFunc(all, func(a, b sighting) int { return cmp.Compare(a.ID, b.ID) })
	if !slices.ContainsFunc(all, func(s sighting) bool { return s.ID == at }) {
		return sighting{}, gone("and the node's block of it does not have it")
	}
	for i := range all {
		if all[i].ID != all[0].ID+uint64(i) {
			return sighting{}, gone("and the node's block of it has a gap beside it")
		}
	}
	if lowest := all[0]; lowest.ID > 1 && (lowest.previous >= slot || lowest.previous == 0) {
		return sighting{}, gone(fmt.Sprintf("and the one before event %d is said to be in slot %d", lowest.ID, lowest.previous))
	}
	return all[0], f.keep(all)
}

// result returns the events in order.
func (f *search) result() ([]chain.LocatedEvent, error) {
	out := make([]chain.LocatedEvent, 0, f.to-f.from+1)
	for id := f.from; id <= f.to; id++ {
		s := f.found[id]
		if len(out) > 0 && s.Block < out[len(out)-1].Block {
			return nil, f.source.fault(chain.Retry, fmt.Errorf("%w: event %d in slot %d, before event %d", chain.ErrIncomplete, id, s.Block, id-1))
		}
		out = append(out, s.LocatedEvent)
	}
	return out, nil
}

// Locate implements chain.Source.
func (s *Source) Locate(ctx context.Context, tx string) ([]chain.LocatedEvent, error) {
	if err := parseSignature(tx); err != nil {
		return nil, err
	}
	p, err := s.known(ctx)
	if err != nil {
		return nil, err
	}
	t, err := s.node.transaction(ctx, tx)
	if err != nil {
		return nil, err
	}
	if failed := t.failed(); failed != nil {
		return nil, s.node.wrap("transaction "+tx, chain.Errorf(chain.Fatal, "it failed in slot %d, so the bridge saw nothing of it: %w", t.Slot, failed))
	}
	id, list, err := t.records(p.ID, t.Slot)
	if err != nil || id != tx {
		return nil, s.node.wrap("transaction "+tx, &chain.Error{Verdict: chain.Retry, Err: errors.Join(chain.ErrIncomplete, fmt.Errorf("the answer is about %q", id), err)})
	}
	var out []chain.LocatedEvent
	for _, x := range list {
		out = append(out, x.LocatedEvent)
	}
	return out, nil
}
