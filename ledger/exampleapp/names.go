// Package exampleapp is a complete app for the app chain, small enough to be copied from:
// a register of names. Whoever claims a free name owns it, may ask a price for it, and
// loses it to the first who pays.
//
// It promises what every [ledger.App] must: the same messages give the same state, and
// balances move by the ledger's hand alone.
package exampleapp

import (
	"errors"
	"fmt"

	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/ledger"
)

// Bounds of names.
const (
	MaxName     = 32
	MaxReserved = 1 << 10
)

// Names is the app. It holds nothing: all it knows is in the state.
type Names struct{}

// Genesis is the app's part of the genesis: names that nobody can claim.
type Genesis struct{ Reserved []Name }

// Name is a text of 1 to MaxName bytes, a to z, 0 to 9 and hyphens.
type Name string

// Record is what the state says about a name that is taken.
type Record struct {
	// Owner is 0 for a reserved name.
	Owner ledger.AccountID
	// Price in units of Asset; a name with price 0 is not for sale.
	Asset ledger.AssetID
	Price uint256.Int
}

// Action says what a message asks for.
type Action uint8

// The actions.
const (
	// Claim takes a free name.
	Claim Action = iota + 1
	// Offer asks a price for one's own name.
	Offer
	// Buy pays the price of another's name, which must be Asset and Price.
	Buy
)

// Message is what an AppMessage carries.
type Message struct {
	Action Action
	Name   Name
	Asset  ledger.AssetID
	Price  uint256.Int
}

// Borsh implements codec.Record.
func (n *Name) Borsh(c *codec.Codec) {
	s := string(*n)
	c.String(&s, MaxName)
	*n = Name(s)
	if c.Decoding() && !n.valid() {
		c.Fail("name %q: from 1 to %d of a-z, 0-9 and - are possible", s, MaxName)
	}
}

func (n Name) valid() bool {
	for _, r := range n {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' {
			return false
		}
	}
	return len(n) > 0 && len(n) <= MaxName
}

// Borsh implements codec.Record.
func (g *Genesis) Borsh(c *codec.Codec) { codec.List(c, &g.Reserved, MaxReserved) }

// Borsh implements codec.Record.
func (r *Record) Borsh(c *codec.Codec) {
	c.Uint64(&r.Owner)
	c.Uint32(&r.Asset)
	c.Amount(&r.Price)
}

// Borsh implements codec.Record.
func (m *Message) Borsh(c *codec.Codec) {
	action := uint8(m.Action)
	c.Uint8(&action)
	m.Action = Action(action)
	m.Name.Borsh(c)
	c.Uint32(&m.Asset)
	c.Amount(&m.Price)
}

const maxRecord = 8 + 4 + 32

// Genesis implements ledger.App.
func (Names) Genesis(data []byte, state ledger.AppState) error {
	var g Genesis
	if len(data) > 0 {
		if err := codec.Unmarshal(data, &g, ledger.MaxAppGenesis); err != nil {
			return fmt.Errorf("reserved names: %w", err)
		}
	}
	for _, name := range g.Reserved {
		if err := state.Put([]byte(name), codec.Marshal(&Record{})); err != nil {
			return err
		}
	}
	return nil
}

// Execute implements ledger.App.
func (Names) Execute(call *ledger.AppCall, data []byte) error {
	var m Message
	if err := codec.Unmarshal(data, &m, ledger.MaxAppData); err != nil {
		return err
	}
	r, taken, err := read(call, m.Name)
	if err != nil {
		return err
	}
	switch {
	case m.Action == Claim && taken:
		return fmt.Errorf("name %q is taken", m.Name)
	case m.Action == Claim:
		r = Record{Owner: call.Sender()}
	case m.Action == Offer && (!taken || r.Owner != call.Sender()):
		return fmt.Errorf("name %q is not the sender's to sell", m.Name)
	case m.Action == Offer:
		r.Asset, r.Price = m.Asset, m.Price
	case m.Action == Buy && (!taken || r.Price.IsZero()):
		return fmt.Errorf("name %q is not for sale", m.Name)
	case m.Action == Buy && (r.Asset != m.Asset || !r.Price.Eq(&m.Price)):
		return fmt.Errorf("name %q costs %s, not %s", m.Name, call.Text(r.Asset, &r.Price), call.Text(m.Asset, &m.Price))
	case m.Action == Buy:
		if err := call.Pay(r.Owner, r.Asset, r.Price); err != nil {
			return err
		}
		r = Record{Owner: call.Sender()}
	default:
		return fmt.Errorf("unknown action %d", m.Action)
	}
	return errors.Join(call.Put([]byte(m.Name), codec.Marshal(&r)), call.Emit(data))
}

// Query implements ledger.App: the question is a name, the answer its Record's Borsh
// bytes, or nothing for a free name.
func (Names) Query(state ledger.AppState, question []byte) ([]byte, error) {
	value, _, err := state.Get(question)
	return value, err
}

// read returns the record of a name.
func read(call *ledger.AppCall, name Name) (r Record, taken bool, err error) {
	value, taken, err := call.Get([]byte(name))
	if err != nil || !taken {
		return r, false, err
	}
	return r, true, codec.Unmarshal(value, &r, maxRecord)
}
