package ledger

import (
	"fmt"
	"slices"

	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/signing"
	"github.com/trinebridge/trine/validators"
)

// View answers questions about one state, which it never changes; any number of
// goroutines may ask. Where a question has two results and an error, the bool says
// whether there is such a thing. Errors are those of the store: a node or record is
// missing or corrupt.
type View struct {
	ledger *Ledger
	state  State
}

// View returns the answers to questions about a state.
func (l *Ledger) View(s State) View { return View{ledger: l, state: s} }

func (v View) table() *table { return &table{m: v.state.Framework} }

// machine executes questions whose answer is what a block would do.
func (v View) machine(time uint64) *machine { return newMachine(v.ledger, v.state, &Input{Time: time}) }

// lookup reads one record.
func lookup[T any, P interface {
	*T
	codec.Record
}](v View, k key) (value T, ok bool, err error) {
	ok, err = v.table().get(k, P(&value))
	return value, ok, err
}

// Meta returns the chain's own counters.
func (v View) Meta() (Meta, error) {
	m := v.machine(0)
	err := m.readMeta()
	return m.meta, err
}

// Validators returns the current validator set.
func (v View) Validators() (validators.Set, error) {
	m := v.machine(0)
	if err := m.readSet(); err != nil {
		return validators.Set{}, err
	}
	return *m.set, nil
}

// ValidatorsAt returns the set of an epoch.
func (v View) ValidatorsAt(epoch uint64) (validators.Set, bool, error) {
	return lookup[validators.Set](v, setKey(epoch))
}

// Account returns the account with an id. One that was joined to another is not there any more.
func (v View) Account(id AccountID) (Account, bool, error) {
	return lookup[Account](v, accountKey(id))
}

// AccountByKey returns the account that a key belongs to.
func (v View) AccountByKey(public signing.PublicKey) (Account, bool, error) {
	return v.indexed(ownerKey(public))
}

// AccountByWallet returns the account that a wallet on a chain belongs to.
func (v View) AccountByWallet(chain string, address codec.Hash) (Account, bool, error) {
	return v.indexed(walletKey(chain, address))
}

func (v View) indexed(k key) (Account, bool, error) {
	a, err := v.machine(0).indexed(k)
	if err != nil || a == nil {
		return Account{}, false, err
	}
	return a.Account, true, nil
}

// Bridge returns the bridge of a domain.
func (v View) Bridge(domain bridgecontracts.Domain) (Bridge, bool, error) {
	return lookup[Bridge](v, bridgeKey(domain))
}

// BridgeByChain returns the bridge that is attached on a chain.
func (v View) BridgeByChain(chain string) (Bridge, bool, error) {
	domain, ok, err := lookup[word](v, chainKey(chain))
	if err != nil || !ok {
		return Bridge{}, false, err
	}
	return v.Bridge(bridgecontracts.Domain(domain))
}

// Bridges returns all bridges in the order of attaching.
func (v View) Bridges() ([]Bridge, error) {
	meta, err := v.Meta()
	if err != nil {
		return nil, err
	}
	bridges := make([]Bridge, len(meta.Bridges))
	for i, domain := range meta.Bridges {
		if err := v.table().need(bridgeKey(domain), &bridges[i]); err != nil {
			return nil, err
		}
	}
	return bridges, nil
}

// Action returns an action that was emitted for a bridge.
func (v View) Action(domain bridgecontracts.Domain, id uint64) (ActionRecord, bool, error) {
	return lookup[ActionRecord](v, actionKey(domain, id))
}

// Controls returns all control actions that were proposed for one sequence of a kind, in
// the order of proposal; once the bridge has used the sequence, the one that ran.
func (v View) Controls(domain bridgecontracts.Domain, kind bridgecontracts.ControlKind, sequence uint64) ([]ControlRecord, error) {
	found, err := candidates(v.table(), domain, controlSlotKey(domain, kind, sequence))
	if err != nil {
		return nil, err
	}
	records := make([]ControlRecord, len(found))
	for i := range found {
		records[i] = *found[i]
	}
	return records, nil
}

// Control returns the one of Controls that is furthest: sealed before unsealed, then the
// one with the most votes.
func (v View) Control(domain bridgecontracts.Domain, kind bridgecontracts.ControlKind, sequence uint64) (ControlRecord, bool, error) {
	records, err := v.Controls(domain, kind, sequence)
	if err != nil || len(records) == 0 {
		return ControlRecord{}, false, err
	}
	best := 0
	for i := range records {
		if records[best].Seal == nil && (records[i].Seal != nil || len(records[i].Votes) > len(records[best].Votes)) {
			best = i
		}
	}
	return records[best], true, nil
}

// OpenControls returns the control actions, sealed or not, that a bridge could still run:
// of its next sequences and of the epoch of the set that it holds.
func (v View) OpenControls(domain bridgecontracts.Domain) ([]ControlRecord, error) {
	b, ok, err := v.Bridge(domain)
	if err != nil || !ok {
		return nil, err
	}
	unpauses, err := v.Controls(domain, bridgecontracts.KindUnpause, b.PauseSequence+1)
	if err != nil {
		return nil, err
	}
	limits, err := v.Controls(domain, bridgecontracts.KindSetLimit, b.LimitVersion+1)
	if err != nil {
		return nil, err
	}
	void := func(r ControlRecord) bool { return r.Epoch != b.Epoch }
	return slices.DeleteFunc(append(unpauses, limits...), void), nil
}

// Withdrawal returns a withdrawal and where it stands.
func (v View) Withdrawal(domain bridgecontracts.Domain, sequence uint64) (WithdrawalRecord, bool, error) {
	return lookup[WithdrawalRecord](v, withdrawalKey(domain, sequence))
}

// Queue returns at most limit waiting withdrawals of an asset, in order, from the one at offset on.
func (v View) Queue(domain bridgecontracts.Domain, asset AssetID, offset, limit uint64) ([]Withdrawal, error) {
	b, err := v.machine(0).bridge(domain)
	if err != nil || b == nil {
		return nil, err
	}
	i, ok := b.book(asset)
	if !ok {
		return nil, nil
	}
	length := b.Tokens[i].QueueTail - b.Tokens[i].QueueHead
	offset = min(offset, length)
	list := make([]Withdrawal, 0, min(limit, length-offset))
	for n := range min(limit, length-offset) {
		r, err := queued(v.table(), &b.Bridge, i, b.Tokens[i].QueueHead+offset+n)
		if err != nil {
			return nil, err
		}
		list = append(list, r.Withdrawal)
	}
	return list, nil
}

// QueuePosition returns how many withdrawals of its asset a waiting one has before it;
// the bool is false for one that does not wait.
func (v View) QueuePosition(domain bridgecontracts.Domain, sequence uint64) (uint64, bool, error) {
	r, ok, err := v.Withdrawal(domain, sequence)
	if err != nil || !ok || r.Place != WithdrawalWaiting {
		return 0, false, err
	}
	b, err := v.machine(0).bridge(domain)
	if err != nil || b == nil {
		return 0, false, err
	}
	i, ok := b.book(r.Asset)
	if !ok {
		return 0, false, fmt.Errorf("ledger: withdrawal %d of bridge %s is corrupt: no books for asset %d", sequence, domain, r.Asset)
	}
	return r.Position - b.Tokens[i].QueueHead, true, nil
}

// Claimable returns what a bridge owes a recipient for failed transfers, in units of the token.
func (v View) Claimable(domain bridgecontracts.Domain, asset AssetID, recipient codec.Hash) (uint256.Int, error) {
	owed, _, err := lookup[amount](v, claimKey(domain, asset, recipient))
	return uint256.Int(owed), err
}

// Unassigned returns an event of which something could not be used.
func (v View) Unassigned(domain bridgecontracts.Domain, event uint64) (UnassignedEvent, bool, error) {
	return lookup[UnassignedEvent](v, unassignedKey(domain, event))
}

// WouldDrain reports whether a block at a time, Unix milliseconds, would move the queue of
// a bridge although nothing else happens in it. If so, the processor sends a Tick.
func (v View) WouldDrain(domain bridgecontracts.Domain, time uint64) (bool, error) {
	m := v.machine(time)
	b, err := m.bridge(domain)
	if err != nil || b == nil {
		return false, err
	}
	b.moved = true
	err = m.drain(b)
	return len(m.log) > 0, err
}

// NextDrainTime returns the earliest time, Unix milliseconds, at which time alone would
// move the queue of a bridge; the bool is false if it would not. A time in the past means now.
func (v View) NextDrainTime(domain bridgecontracts.Domain) (uint64, bool, error) {
	m := v.machine(0)
	b, err := m.bridge(domain)
	if err != nil || b == nil {
		return 0, false, err
	}
	blocked := b.Halted != "" || b.paused() || b.LastAction-b.LastExecuted >= v.ledger.genesis.Window
	earliest, found := uint64(0), false
	for i := range b.Tokens {
		book := &b.Tokens[i]
		if book.QueueHead == book.QueueTail {
			continue
		}
		r, err := queued(&m.table, &b.Bridge, i, book.QueueHead)
		if err != nil {
			return 0, false, err
		}
		if book.Limit.Window != 0 && r.Amount.Gt(&book.Limit.Capacity) {
			return 0, true, nil // goes back to its owner
		}
		available := book.Available()
		if blocked || r.Amount.Gt(&available) {
			continue
		}
		if at, ok := book.Limit.fitsFrom(&book.InFlight, &r.Amount); ok && (!found || at < earliest) {
			earliest, found = at, true
		}
	}
	return earliest * 1000, found, nil
}

// AccountProofKey and OwnerProofKey are the keys under which merkle.VerifyProof finds what
// ProveAccount and ProveOwner prove.
func AccountProofKey(id AccountID) []byte { return accountKey(id) }

// OwnerProofKey see AccountProofKey.
func OwnerProofKey(public signing.PublicKey) []byte { return ownerKey(public) }

// ProveAccount proves an account's record, or that there is none, against the framework root.
func (v View) ProveAccount(id AccountID) ([][]byte, error) {
	return v.state.Framework.Prove(accountKey(id))
}

// ProveOwner proves which account a key belongs to, or that it belongs to none.
func (v View) ProveOwner(public signing.PublicKey) ([][]byte, error) {
	return v.state.Framework.Prove(ownerKey(public))
}

// Ask hands a question to the app.
func (v View) Ask(question []byte) ([]byte, error) {
	if v.ledger.app == nil {
		return nil, fmt.Errorf("ledger: this app chain has no app")
	}
	return v.ledger.app.Query(NewAppState(v.state.App), question)
}
