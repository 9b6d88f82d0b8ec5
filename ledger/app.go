package ledger

import (
	"errors"
	"fmt"

	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/merkle"
)

// App is what a developer runs on the app chain besides bridging: it executes
// AppMessages on a state of its own. Like the ledger it must be deterministic: no
// clock, disk, network, goroutine, map order or floating point, and nothing remembered
// between calls but what it was made with. Package ledger/exampleapp is one.
type App interface {
	// Genesis fills the app's empty state from the bytes in the genesis.
	Genesis(data []byte, state AppState) error
	// Execute runs one message of the sender. With an error the whole transaction is
	// dropped, and the error's text is what the sender reads.
	Execute(call *AppCall, data []byte) error
	// Query answers a read-only question; what questions there are is the app's business.
	Query(state AppState, question []byte) ([]byte, error)
}

// MaxAppEvents is how many events one app message may emit.
const MaxAppEvents = 64

// AppState is the app's own map, under the block's app root.
type AppState struct{ m *merkle.Map }

// NewAppState returns a handle on a copy of a map: what is put shows in Map alone.
func NewAppState(m merkle.Map) AppState { return AppState{m: &m} }

// Map returns the map as it is now.
func (s AppState) Map() merkle.Map { return *s.m }

// Get returns the value of a key; ok tells whether there is one. The value must not be changed.
func (s AppState) Get(key []byte) (value []byte, ok bool, err error) { return s.m.Get(key) }

// Put sets the value of a key. A value has from 1 to merkle.MaxValueSize bytes.
func (s AppState) Put(key, value []byte) error {
	next, err := s.m.Put(key, value)
	*s.m = next
	return err
}

// Delete removes a key; one that is absent is no error.
func (s AppState) Delete(key []byte) error {
	next, err := s.m.Delete(key)
	*s.m = next
	return err
}

// AppCall is what the app sees while it executes a message.
type AppCall struct {
	AppState
	m      *machine
	events int
	fault  error // the first error that is no Rejection: state that cannot be read
}

// Sender is the account whose key signed the transaction.
func (c *AppCall) Sender() AccountID { return c.m.sender.ID }

// Height of the block.
func (c *AppCall) Height() uint64 { return c.m.in.Height }

// Time of the block, Unix milliseconds.
func (c *AppCall) Time() uint64 { return c.m.in.Time }

// Tx is the hash of the transaction.
func (c *AppCall) Tx() codec.Hash { return c.m.in.Tx.Hash() }

// Loads are the outside data that the block recorded; they must not be changed.
func (c *AppCall) Loads() []Load { return c.m.in.Loads }

// Balance returns what an account holds, in units of the asset: zero for an account that does not exist.
func (c *AppCall) Balance(id AccountID, asset AssetID) (uint256.Int, error) {
	account, err := c.m.account(id)
	if err != nil {
		return uint256.Int{}, c.note(err)
	}
	if account == nil {
		return uint256.Int{}, nil
	}
	return account.balance(asset), nil
}

// Pay moves units of an asset from the sender to another account. It is the only way in
// which an app moves balances: those of others are out of its reach.
func (c *AppCall) Pay(to AccountID, asset AssetID, amount uint256.Int) error {
	receiver, err := c.m.account(to)
	if err != nil {
		return c.note(err)
	}
	if receiver == nil {
		return reject(CodeRecipient, "account %d does not exist", to)
	}
	return c.note(c.m.move(c.m.sender, receiver, asset, &amount))
}

// Text writes an amount of an asset for an error, as in "12.5 USDC".
func (c *AppCall) Text(asset AssetID, amount *uint256.Int) string {
	a, err := c.m.asset(asset)
	if err != nil {
		return fmt.Sprintf("%s units of asset %d, which the genesis does not have", amount.Dec(), asset)
	}
	return a.Text(amount)
}

// Emit adds an event of the app to the block's log: at most MaxAppEvents of at most MaxAppData bytes.
func (c *AppCall) Emit(data []byte) error {
	if c.events == MaxAppEvents {
		return fmt.Errorf("more than %d events", MaxAppEvents)
	}
	if len(data) > MaxAppData {
		return fmt.Errorf("event of %d bytes, at most %d", len(data), MaxAppData)
	}
	c.events++
	c.m.emit(&AppEvent{Data: append([]byte(nil), data...)})
	return nil
}

// Get returns the value of a key; ok tells whether there is one. The value must not be changed.
func (c *AppCall) Get(key []byte) (value []byte, ok bool, err error) {
	value, ok, err = c.AppState.Get(key)
	return value, ok, c.note(err)
}

// Put sets the value of a key. A value has from 1 to merkle.MaxValueSize bytes.
func (c *AppCall) Put(key, value []byte) error { return c.note(c.AppState.Put(key, value)) }

// Delete removes a key; one that is absent is no error.
func (c *AppCall) Delete(key []byte) error { return c.note(c.AppState.Delete(key)) }

// note remembers an error that says nothing about the transaction, so that an app that
// swallows it cannot turn a broken store into another state.
func (c *AppCall) note(err error) error {
	var rejection *Rejection
	own := errors.Is(err, merkle.ErrEmptyValue) || errors.Is(err, merkle.ErrValueTooLarge)
	if err != nil && c.fault == nil && !own && !errors.As(err, &rejection) {
		c.fault = err
	}
	return err
}

func (m *machine) appMessage(msg *AppMessage) error {
	if m.ledger.app == nil {
		return reject(CodeApp, "this app chain has no app")
	}
	if len(msg.Data) > MaxAppData {
		return reject(CodeMalformed, "app message of %d bytes, at most %d", len(msg.Data), MaxAppData)
	}
	call := &AppCall{AppState: AppState{m: &m.app}, m: m}
	err := m.ledger.app.Execute(call, msg.Data)
	if call.fault != nil {
		return call.fault
	}
	var rejection *Rejection
	if err != nil && !errors.As(err, &rejection) {
		return reject(CodeApp, "%s", err)
	}
	return err
}
