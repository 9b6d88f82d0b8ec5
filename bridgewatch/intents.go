package bridgewatch

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/ledger"
	"github.com/trinebridge/trine/store"
)

// Intent is an operator's word that a bridge should be attached.
type Intent struct {
	// Chain is the CAIP-2 id.
	Chain  string
	Bridge codec.Hash
}

// Borsh implements codec.Record.
func (i *Intent) Borsh(c *codec.Codec) {
	c.String(&i.Chain, ledger.MaxName)
	c.Hash(&i.Bridge)
}

// Validate reports every fault at once.
func (i *Intent) Validate() error {
	var faults []error
	if namespace, reference, ok := strings.Cut(i.Chain, ":"); !ok || namespace == "" || reference == "" || len(i.Chain) > ledger.MaxName {
		faults = append(faults, fmt.Errorf("chain %.80q is not a CAIP-2 id such as eip155:1", i.Chain))
	}
	if i.Bridge.IsZero() {
		faults = append(faults, errors.New("bridge address is zero"))
	}
	return errors.Join(faults...)
}

// Intents keeps what an operator asked to attach, so that a restart does not forget it.
type Intents struct{ kv store.KV }

// OpenIntents keeps intents in a part of a store that is its own.
func OpenIntents(kv store.KV) *Intents { return &Intents{kv} }

// Add keeps an intent; one that is there already is no error.
func (i *Intents) Add(ctx context.Context, intent Intent) error {
	if err := intent.Validate(); err != nil {
		return fmt.Errorf("intent to attach a bridge: %w", err)
	}
	batch := i.kv.NewBatch()
	record := codec.Marshal(&intent)
	batch.Put(record, record)
	if err := batch.Commit(ctx, store.Sync); err != nil {
		return fmt.Errorf("storing the intent to attach a bridge on %s: %w", intent.Chain, err)
	}
	return nil
}

// All returns the intents in a fixed order.
func (i *Intents) All() ([]Intent, error) {
	var intents []Intent
	for entry, err := range i.kv.Ascend(nil, nil) {
		if err != nil {
			return nil, err
		}
		var intent Intent
		if err := codec.Unmarshal(entry.Value, &intent, maxRecord); err != nil {
			return nil, store.Corruptf("bridgewatch: intent %x: %w", entry.Key, err)
		}
		intents = append(intents, intent)
	}
	return intents, nil
}
