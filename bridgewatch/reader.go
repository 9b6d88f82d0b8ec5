package bridgewatch

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/store"
)

// ReaderConfig says which bridge to follow.
type ReaderConfig struct {
	Domain bridgecontracts.Domain
	// Open makes the member's own source, as a rule a quorum of several endpoints, for a
	// bridge whose history begins at a block or after it.
	Open     func(startBlock uint64) (chain.Source, error)
	Finality chain.Finality
	// Store is the reader's own part; nobody else writes there.
	Store store.KV
	// Chunk is how many events one read asks for, 256 when zero.
	Chunk uint64
	// Timeout bounds each call to the source, 30 s when zero.
	Timeout time.Duration
}

const (
	defaultChunk   = 256
	maxChunk       = 4096
	defaultTimeout = 30 * time.Second
	// recheck is how many verified events are read again to find a contradiction.
	recheck = 1024
	// firstGeneration is that of a history of which nothing was ever reverted.
	firstGeneration = 1
)

// Validate reports every fault at once.
func (c *ReaderConfig) Validate() error {
	var faults []error
	if c.Domain.IsZero() {
		faults = append(faults, errors.New("bridge domain is zero"))
	}
	if c.Open == nil {
		faults = append(faults, errors.New("nothing opens a source"))
	}
	if c.Store == nil {
		faults = append(faults, errors.New("no store is given"))
	}
	if c.Chunk > maxChunk {
		faults = append(faults, fmt.Errorf("chunk is %d events, at most %d", c.Chunk, maxChunk))
	}
	if c.Timeout < 0 {
		faults = append(faults, fmt.Errorf("timeout is %s, want 0 for the default or a positive time", c.Timeout))
	}
	return errors.Join(faults...)
}

// Reader follows one bridge. One goroutine moves it (Start, Pin, CatchUp, Snapshot,
// AttachVote); the other methods may be called beside that.
type Reader struct {
	config     ReaderConfig
	source     chain.Source
	startBlock uint64

	mu sync.RWMutex
	at cursor
}

// OpenReader continues where the store says that the reader stood.
func OpenReader(config ReaderConfig) (*Reader, error) {
	if err := config.Validate(); err != nil {
		return nil, fmt.Errorf("bridge reader: configuration: %w", err)
	}
	if config.Chunk == 0 {
		config.Chunk = defaultChunk
	}
	if config.Timeout == 0 {
		config.Timeout = defaultTimeout
	}
	r := &Reader{config: config}
	found, err := load(config.Store, cursorKey, &r.at)
	if err != nil {
		return nil, fmt.Errorf("bridge reader: %w", err)
	}
	if !found {
		first := Mark{Head: bridgecontracts.FirstHead(config.Domain)}
		r.at = cursor{Generation: firstGeneration, Verified: first, Staged: first}
	}
	return r, nil
}

// Start says where the bridge's history begins; until then, at the chain's first block.
func (r *Reader) Start(block uint64) error {
	if r.source != nil && r.startBlock == block {
		return nil
	}
	source, err := r.config.Open(block)
	if err != nil {
		return fmt.Errorf("opening the endpoints of bridge %s: %w", r.config.Domain.Short(), err)
	}
	r.source, r.startBlock = source, block
	return nil
}

// Position is a settled block and the bridge's counters there.
type Position struct {
	Block    chain.Block
	Counters chain.Counters
}

// Pin asks the source for its newest settled block and the bridge's counters there.
func (r *Reader) Pin(ctx context.Context) (Position, error) {
	if r.source == nil {
		if err := r.Start(0); err != nil {
			return Position{}, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, r.config.Timeout)
	defer cancel()
	block, err := r.source.Head(ctx, r.config.Finality)
	if errors.Is(err, chain.ErrAbsent) {
		return Position{}, fmt.Errorf("the chain has no settled block yet: %w", err)
	}
	if err != nil {
		return Position{}, fmt.Errorf("asking for the newest settled block: %w", err)
	}
	counters, err := r.source.Counters(ctx, block)
	if err != nil {
		return Position{}, fmt.Errorf("asking for the bridge's counters at block %s: %w", block, err)
	}
	return Position{Block: block, Counters: counters}, nil
}

// CatchUp reads and verifies all events up to the position. A [Contradiction] means that
// the settled history has changed; an error that wraps chain.ErrIncomplete that the
// events do not lead to the contract's head, and what was read of them is forgotten.
func (r *Reader) CatchUp(ctx context.Context, p Position) error {
	at := r.cursor()
	if p.Counters.EventID <= at.Verified.ID {
		return r.confirm(ctx, at, p)
	}
	for at.Staged.ID < p.Counters.EventID {
		var err error
		if at, err = r.stage(ctx, at, p); err != nil {
			return err
		}
	}
	head, err := r.storedHead(at, p.Counters.EventID)
	if err != nil {
		return err
	}
	if head != p.Counters.Head {
		at.Staged = at.Verified
		if err := r.save(ctx, at, nil); err != nil {
			return err
		}
		contradiction, err := r.differs(ctx, at, p)
		if err != nil {
			return err
		}
		if contradiction != nil {
			return contradiction
		}
		return chain.Errorf(chain.Retry, "%w: events %d to %d lead to head %s, the contract has %s at block %s",
			chain.ErrIncomplete, at.Verified.ID+1, p.Counters.EventID, head, p.Counters.Head, p.Block)
	}
	at.Verified, at.Block = Mark{p.Counters.EventID, head}, p.Block
	return r.save(ctx, at, nil)
}

// confirm compares a position that brings no new events with what is verified. A source
// that has fallen back to an older block agrees as long as the heads do.
func (r *Reader) confirm(ctx context.Context, at cursor, p Position) error {
	if p.Counters.EventID < at.Verified.ID && p.Block.Number >= at.Block.Number {
		stored, err := r.storedHead(at, p.Counters.EventID+1)
		if err != nil {
			return err
		}
		return &Contradiction{Domain: r.config.Domain, EventID: p.Counters.EventID + 1, Stored: stored, Block: p.Block}
	}
	stored, err := r.storedHead(at, p.Counters.EventID)
	if err != nil || stored == p.Counters.Head {
		return err
	}
	contradiction, err := r.differs(ctx, at, p)
	if contradiction == nil {
		// The heads differ in any case; that the events could not be read changes nothing.
		contradiction = &Contradiction{Domain: r.config.Domain, EventID: p.Counters.EventID, Stored: stored, Chain: p.Counters.Head, Block: p.Block}
	}
	if store.IsCorruption(err) {
		return err
	}
	return contradiction
}

// stage reads the next chunk of events and stores them as not yet verified.
func (r *Reader) stage(ctx context.Context, at cursor, p Position) (cursor, error) {
	from := at.Staged.ID + 1
	to := min(at.Staged.ID+r.config.Chunk, p.Counters.EventID)
	events, err := r.read(ctx, from, to, p.Block)
	if err != nil {
		return at, err
	}
	records := make([]eventRecord, len(events))
	for i := range events {
		at.Staged = Mark{events[i].ID, bridgecontracts.NextHead(at.Staged.Head, &events[i].Event)}
		records[i] = eventRecord{events[i], at.Staged.Head}
	}
	return at, r.save(ctx, at, records)
}

// read asks the source for events from..to and checks that it got just those.
func (r *Reader) read(ctx context.Context, from, to uint64, at chain.Block) ([]chain.LocatedEvent, error) {
	ctx, cancel := context.WithTimeout(ctx, r.config.Timeout)
	defer cancel()
	events, err := r.source.Events(ctx, from, to, at)
	if err != nil {
		return nil, fmt.Errorf("reading events %d to %d at block %s: %w", from, to, at, err)
	}
	if uint64(len(events)) != to-from+1 {
		return nil, chain.Errorf(chain.Retry, "reading events %d to %d at block %s: %w: got %d", from, to, at, chain.ErrIncomplete, len(events))
	}
	for i := range events {
		if events[i].ID != from+uint64(i) {
			return nil, chain.Errorf(chain.Retry, "reading events %d to %d at block %s: %w: event %d is in the place of %d",
				from, to, at, chain.ErrIncomplete, events[i].ID, from+uint64(i))
		}
	}
	return events, nil
}

// differs reads the newest verified events again and returns the first that the chain has otherwise, or nil.
func (r *Reader) differs(ctx context.Context, at cursor, p Position) (*Contradiction, error) {
	last := min(at.Verified.ID, p.Counters.EventID)
	if last == 0 {
		return nil, nil
	}
	first := uint64(1)
	if last > recheck {
		first = last - recheck + 1
	}
	for from := first; from <= last; from += r.config.Chunk {
		to := min(from+r.config.Chunk-1, last)
		stored, err := loadEvents(r.config.Store, at.Generation, from, to)
		if err != nil {
			return nil, err
		}
		before, err := r.storedHead(at, from-1)
		if err != nil {
			return nil, err
		}
		events, err := r.read(ctx, from, to, p.Block)
		if err != nil {
			return nil, err
		}
		for i := range events {
			if now := bridgecontracts.NextHead(before, &events[i].Event); now != stored[i].Head {
				return &Contradiction{Domain: r.config.Domain, EventID: events[i].ID, Stored: stored[i].Head, Chain: now, Block: p.Block}, nil
			}
			before = stored[i].Head
		}
	}
	return nil, nil
}

// storedHead returns the head after a verified or staged event.
func (r *Reader) storedHead(at cursor, id uint64) (bridgecontracts.Head, error) {
	switch id {
	case 0:
		return bridgecontracts.FirstHead(r.config.Domain), nil
	case at.Verified.ID:
		return at.Verified.Head, nil
	}
	var record eventRecord
	found, err := load(r.config.Store, eventKey(at.Generation, id), &record)
	if err != nil {
		return codec.Hash{}, err
	}
	if !found {
		return codec.Hash{}, store.Corruptf("bridgewatch: event %d of bridge %s is missing; the cursor is at %d", id, r.config.Domain.Short(), at.Staged.ID)
	}
	return record.Head, nil
}

// save makes events and cursor durable in one step.
func (r *Reader) save(ctx context.Context, at cursor, events []eventRecord) error {
	batch := r.config.Store.NewBatch()
	for i := range events {
		batch.Put(eventKey(at.Generation, events[i].ID), codec.Marshal(&events[i]))
	}
	batch.Put(cursorKey, codec.Marshal(&at))
	if err := batch.Commit(ctx, store.Sync); err != nil {
		return fmt.Errorf("storing events up to %d: %w", at.Staged.ID, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.at = at
	return nil
}

func (r *Reader) cursor() cursor {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.at
}

// Verified returns the newest verified event and the settled block at which it was.
func (r *Reader) Verified() (Mark, chain.Block) {
	at := r.cursor()
	return at.Verified, at.Block
}

// Generation returns the generation of the history that the reader holds.
func (r *Reader) Generation() uint64 { return r.cursor().Generation }

// HeadAt returns the head after a verified event; ok is false for one that is not verified yet.
func (r *Reader) HeadAt(id uint64) (head bridgecontracts.Head, ok bool, err error) {
	at := r.cursor()
	if id > at.Verified.ID {
		return head, false, nil
	}
	head, err = r.storedHead(at, id)
	return head, err == nil, err
}

// Events returns the verified events among from..to, from the first on, without a gap.
func (r *Reader) Events(from, to uint64) ([]chain.LocatedEvent, error) {
	at := r.cursor()
	to = min(to, at.Verified.ID)
	if from == 0 || from > to {
		return nil, nil
	}
	records, err := loadEvents(r.config.Store, at.Generation, from, to)
	if err != nil {
		return nil, err
	}
	events := make([]chain.LocatedEvent, len(records))
	for i := range records {
		events[i] = records[i].LocatedEvent
	}
	return events, nil
}

// Snapshot reads the bridge's code and state at a position.
func (r *Reader) Snapshot(ctx context.Context, at chain.Block, tokens []codec.Hash) (chain.Snapshot, error) {
	ctx, cancel := context.WithTimeout(ctx, r.config.Timeout)
	defer cancel()
	snapshot, err := r.source.Snapshot(ctx, at, tokens)
	if err != nil {
		return chain.Snapshot{}, fmt.Errorf("reading the bridge's state at block %s: %w", at, err)
	}
	return snapshot, nil
}
