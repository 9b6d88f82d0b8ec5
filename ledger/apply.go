package ledger

import (
	"fmt"

	"github.com/trinebridge/trine/merkle"
	"github.com/trinebridge/trine/signing"
	"github.com/trinebridge/trine/validators"
)

// machine executes one block. Records that it reads are decoded once, changed in
// memory and written at the end, each once; the Merkle map of the parent state is never
// touched, so giving up is forgetting the machine.
type machine struct {
	ledger *Ledger
	in     *Input
	table  table
	app    merkle.Map
	log    Log

	meta      Meta
	metaRead  bool
	metaDirty bool
	set       *validators.Set // nil until it is needed

	sender   *account
	message  int // index of the message that is being executed
	signer   signing.Address
	accounts []*account // in the order of first use
	byID     map[AccountID]*account
	bridges  []*bridge // in the order of first use
}

func newMachine(l *Ledger, s State, in *Input) *machine {
	return &machine{ledger: l, in: in, table: table{m: s.Framework}, app: s.App}
}

func (m *machine) run() error {
	if err := m.checkInput(); err != nil {
		return err
	}
	tx := m.in.Tx.Tx()
	if err := m.openSender(tx); err != nil {
		return err
	}
	for i := range tx.Messages {
		m.message = i
		if err := m.execute(tx.Messages[i].Body); err != nil {
			return inMessage(err, i, len(tx.Messages))
		}
	}
	for _, b := range m.bridges {
		if err := m.drain(b); err != nil {
			return err
		}
	}
	return m.write()
}

// inMessage names the message of a rejection, where there is more than one.
func inMessage(err error, index, count int) error {
	rejection, ok := err.(*Rejection) //nolint:errorlint // made by reject, which wraps nothing
	if !ok || count == 1 {
		return err
	}
	return reject(rejection.Code, "message %d: %s", index, rejection.Reason)
}

// checkInput checks what the block adds to the transaction's own form.
func (m *machine) checkInput() error {
	in, tx := m.in, m.in.Tx.Tx()
	switch {
	case tx == nil:
		return fmt.Errorf("ledger: block %d has a transaction that was not checked", in.Height)
	case in.Height == 0:
		return fmt.Errorf("ledger: block height is 0; heights start at 1")
	case in.Time < in.ParentTime:
		return fmt.Errorf("ledger: block %d has time %d, before its parent's %d", in.Height, in.Time, in.ParentTime)
	case in.Time < m.ledger.genesis.Time:
		return fmt.Errorf("ledger: block %d has time %d, before the genesis's %d", in.Height, in.Time, m.ledger.genesis.Time)
	case len(in.Loads) > MaxLoads:
		return fmt.Errorf("ledger: block %d has %d data loads, at most %d", in.Height, len(in.Loads), MaxLoads)
	}
	for i := range in.Loads {
		if size := len(in.Loads[i].Data); size > MaxLoadSize {
			return fmt.Errorf("ledger: block %d has %d bytes in data load %d, at most %d", in.Height, size, i, MaxLoadSize)
		}
	}
	if tx.Genesis != m.ledger.hash {
		return reject(CodeMalformed, "transaction is for app chain %s, this is %s", tx.Genesis, m.ledger.hash)
	}
	if skew := max(in.Time, tx.Time) - min(in.Time, tx.Time); skew > MaxSkew {
		return reject(CodeExpired, "transaction time %d is %d ms from block time %d, at most %d are possible", tx.Time, skew, in.Time, MaxSkew)
	}
	if tx.LastHeight != 0 && in.Height > tx.LastHeight {
		return reject(CodeExpired, "block %d is above the transaction's last height %d", in.Height, tx.LastHeight)
	}
	return nil
}

// openSender finds the account of the transaction's key and uses up the nonce. A key
// that holds a seat gets an account on first use, because members need not deposit.
func (m *machine) openSender(tx *Transaction) error {
	sender, err := m.accountByKey(tx.Key)
	if err != nil {
		return err
	}
	if sender == nil {
		seated, err := m.signerHasSeat()
		if err != nil {
			return err
		}
		if !seated {
			return reject(CodeUnknownAccount, "key %s belongs to no account: deposit with the key, or receive a transfer to it, first", tx.Key)
		}
		if sender, err = m.openAccount(); err != nil {
			return err
		}
		if err := m.addKey(sender, tx.Key); err != nil {
			return err
		}
	}
	m.sender = sender
	for i := range sender.Keys {
		if k := &sender.Keys[i]; k.Key == tx.Key {
			if tx.Nonce != k.Nonce+1 {
				return reject(CodeNonce, "nonce is %d, the next one of key %s is %d", tx.Nonce, tx.Key, k.Nonce+1)
			}
			k.Nonce = tx.Nonce
			sender.dirty = true
			return nil
		}
	}
	return fmt.Errorf("ledger: account %d is corrupt: it lacks its key %s", sender.ID, tx.Key)
}

func (m *machine) execute(body MessageBody) error {
	switch msg := body.(type) {
	case *Transfer:
		return m.transfer(msg)
	case *Withdraw:
		return m.withdraw(msg)
	case *AppMessage:
		return m.appMessage(msg)
	case *VoteControl:
		return m.voteControl(msg)
	}
	if err := m.requireProcessor(); err != nil {
		return err
	}
	switch msg := body.(type) {
	case *Attest:
		return m.attest(msg)
	case *SealAction:
		return m.sealAction(msg)
	case *SealControl:
		return m.sealControl(msg)
	case *Attach:
		return m.attach(msg)
	case *Tick:
		return m.tick()
	}
	return reject(CodeMalformed, "unknown message %T", body)
}

func (m *machine) emit(body EntryBody) { m.log = append(m.log, Entry{Body: body}) }

// readMeta makes m.meta valid.
func (m *machine) readMeta() error {
	if m.metaRead {
		return nil
	}
	m.metaRead = true
	return m.table.need(metaKey(), &m.meta)
}

// readSet makes m.set, the current validator set, valid.
func (m *machine) readSet() error {
	if m.set != nil {
		return nil
	}
	if err := m.readMeta(); err != nil {
		return err
	}
	set, err := currentSet(&m.table, m.meta.Epoch)
	m.set = set
	return err
}

// signerAddress returns the address of the transaction's key.
func (m *machine) signerAddress() signing.Address {
	if m.signer.IsZero() {
		m.signer = m.in.Tx.Tx().Key.Address()
	}
	return m.signer
}

func (m *machine) signerHasSeat() (bool, error) {
	if err := m.readSet(); err != nil {
		return false, err
	}
	_, seated := m.set.Seat(m.signerAddress())
	return seated, nil
}

func (m *machine) requireProcessor() error {
	if err := m.readSet(); err != nil {
		return err
	}
	if signer := m.signerAddress(); signer != m.set.Processor {
		return reject(CodeUnauthorized, "only the processor %s may send this message, not %s", m.set.Processor, signer)
	}
	return nil
}

// write puts every changed record into the map.
func (m *machine) write() error {
	for _, a := range m.accounts {
		if err := m.writeAccount(a); err != nil {
			return err
		}
	}
	for _, b := range m.bridges {
		if b.dirty {
			if err := m.table.put(bridgeKey(b.Domain), &b.Bridge); err != nil {
				return err
			}
		}
	}
	if m.metaDirty {
		return m.table.put(metaKey(), &m.meta)
	}
	return nil
}

// reasonf formats a reason for the log or a record, cut to what these hold.
func reasonf(format string, args ...any) string {
	s := fmt.Sprintf(format, args...)
	if len(s) > maxReason {
		s = s[:maxReason-len("…")]
		for len(s) > 0 && s[len(s)-1] >= 0x80 {
			s = s[:len(s)-1]
		}
		s += "…"
	}
	return s
}
