package ledger

import (
	"fmt"
	"slices"

	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/signing"
)

// account is an account that the block uses.
type account struct {
	Account
	dirty bool
	gone  bool // merged into another
}

// account returns the account with an id, nil if there is none.
func (m *machine) account(id AccountID) (*account, error) {
	if a := m.byID[id]; a != nil {
		if a.gone {
			return nil, nil
		}
		return a, nil
	}
	a := new(account)
	ok, err := m.table.get(accountKey(id), &a.Account)
	if err != nil || !ok {
		return nil, err
	}
	m.use(a)
	return a, nil
}

func (m *machine) use(a *account) {
	if m.byID == nil {
		m.byID = make(map[AccountID]*account, 4)
	}
	m.byID[a.ID] = a
	m.accounts = append(m.accounts, a)
}

// indexed returns the account that an index entry names, nil without an entry.
func (m *machine) indexed(k key) (*account, error) {
	var id number
	ok, err := m.table.get(k, &id)
	if err != nil || !ok {
		return nil, err
	}
	a, err := m.account(AccountID(id))
	if err == nil && a == nil {
		err = fmt.Errorf("ledger: account %d is missing: record %x names it", id, []byte(k))
	}
	return a, err
}

func (m *machine) accountByKey(public signing.PublicKey) (*account, error) {
	return m.indexed(ownerKey(public))
}

func (m *machine) accountByWallet(w Wallet) (*account, error) {
	return m.indexed(walletKey(w.Chain, w.Address))
}

func (m *machine) openAccount() (*account, error) {
	if err := m.readMeta(); err != nil {
		return nil, err
	}
	m.meta.Accounts++
	m.metaDirty = true
	a := &account{Account: Account{ID: m.meta.Accounts}, dirty: true}
	m.use(a)
	m.emit(&AccountOpened{Account: a.ID})
	return a, nil
}

// addKey gives an account a key that has never signed, and which stops to be another's. The
// caller has checked MaxAccountKeys.
func (m *machine) addKey(a *account, public signing.PublicKey) error {
	a.Keys = append(a.Keys, AccountKey{Key: public})
	a.dirty = true
	id := number(a.ID)
	return m.table.put(ownerKey(public), &id)
}

// addWallet gives an account a wallet, which stops to be another's. The caller has checked MaxAccountWallets.
func (m *machine) addWallet(a *account, w Wallet) error {
	a.Wallets = append(a.Wallets, w)
	a.dirty = true
	id := number(a.ID)
	return m.table.put(walletKey(w.Chain, w.Address), &id)
}

func (m *machine) writeAccount(a *account) error {
	switch {
	case a.gone:
		return m.table.remove(accountKey(a.ID))
	case a.dirty:
		return m.table.put(accountKey(a.ID), &a.Account)
	}
	return nil
}

func findBalance(balances []Balance, asset AssetID) (int, bool) {
	return slices.BinarySearchFunc(balances, asset, func(b Balance, id AssetID) int { return int(b.Asset) - int(id) })
}

func (a *account) balance(asset AssetID) uint256.Int {
	if i, ok := findBalance(a.Balances, asset); ok {
		return a.Balances[i].Amount
	}
	return uint256.Int{}
}

// credit adds to a balance; it does nothing and returns false if the sum has more than 256 bits.
func (a *account) credit(asset AssetID, amount *uint256.Int) bool {
	i, ok := findBalance(a.Balances, asset)
	if !ok {
		if !amount.IsZero() {
			a.Balances = slices.Insert(a.Balances, i, Balance{Asset: asset, Amount: *amount})
			a.dirty = true
		}
		return true
	}
	var sum uint256.Int
	if _, overflow := sum.AddOverflow(&a.Balances[i].Amount, amount); overflow {
		return false
	}
	a.Balances[i].Amount = sum
	a.dirty = true
	return true
}

// debit takes from a balance; it does nothing and returns false if there is less.
func (a *account) debit(asset AssetID, amount *uint256.Int) bool {
	i, ok := findBalance(a.Balances, asset)
	if !ok || a.Balances[i].Amount.Lt(amount) {
		return amount.IsZero()
	}
	a.Balances[i].Amount.Sub(&a.Balances[i].Amount, amount)
	if a.Balances[i].Amount.IsZero() {
		a.Balances = slices.Delete(a.Balances, i, i+1)
	}
	a.dirty = true
	return true
}

// move is a transfer between two accounts, which may be one.
func (m *machine) move(from, to *account, asset AssetID, amount *uint256.Int) error {
	a, err := m.asset(asset)
	if err != nil {
		return err
	}
	if amount.IsZero() {
		return reject(CodeAmount, "a transfer of nothing")
	}
	if !from.debit(asset, amount) {
		held := from.balance(asset)
		return reject(CodeFunds, "account %d holds %s, not %s", from.ID, a.Text(&held), a.Text(amount))
	}
	if !to.credit(asset, amount) {
		return reject(CodeAmount, "account %d would hold more %s than a number can tell", to.ID, a.Symbol)
	}
	m.emit(&Transferred{From: from.ID, To: to.ID, Asset: asset, Amount: *amount})
	return nil
}

// asset returns an asset of the genesis.
func (m *machine) asset(id AssetID) (*Asset, error) {
	if id == 0 || uint64(id) > uint64(len(m.ledger.genesis.Assets)) {
		return nil, reject(CodeMalformed, "asset %d is not one of the genesis's %d", id, len(m.ledger.genesis.Assets))
	}
	return &m.ledger.genesis.Assets[id-1], nil
}

func (m *machine) transfer(msg *Transfer) error {
	asset, err := m.asset(msg.Asset)
	if err != nil {
		return err
	}
	to, err := m.accountByKey(msg.To)
	if err != nil {
		return err
	}
	if to == nil {
		if msg.Amount.Lt(&asset.MinOpening) {
			return reject(CodeOpening, "key %s has no account, and a transfer that opens one brings at least %s, not %s", msg.To, asset.Text(&asset.MinOpening), asset.Text(&msg.Amount))
		}
		if to, err = m.keyHolder(msg.To); err != nil {
			return err
		}
	}
	return m.move(m.sender, to, msg.Asset, &msg.Amount)
}

// keyHolder returns the account of a key, opening one for a key that has none.
func (m *machine) keyHolder(public signing.PublicKey) (*account, error) {
	a, err := m.accountByKey(public)
	if err != nil || a != nil {
		return a, err
	}
	if !public.Valid() {
		return nil, reject(CodeRecipient, "key %s is not a point of secp256k1", public)
	}
	if a, err = m.openAccount(); err != nil {
		return nil, err
	}
	return a, m.addKey(a, public)
}

// link makes a wallet and a key that proved itself belong to one account. It returns why
// it did not, if so; with neither a reason nor an error, holder is that account and
// merged the one that was joined to it, 0 for none. linked is false if they belonged together before.
func (m *machine) link(w Wallet, public signing.PublicKey) (holder *account, merged AccountID, linked bool, reason string, err error) {
	ofWallet, err := m.accountByWallet(w)
	if err != nil {
		return nil, 0, false, "", err
	}
	ofKey, err := m.accountByKey(public)
	if err != nil {
		return nil, 0, false, "", err
	}
	switch {
	case ofKey != nil && ofKey == ofWallet:
		return ofKey, 0, false, "", nil
	case ofKey == nil && ofWallet == nil:
		if holder, err = m.openAccount(); err == nil {
			if err = m.addWallet(holder, w); err == nil {
				err = m.addKey(holder, public)
			}
		}
	case ofKey == nil:
		if len(ofWallet.Keys) >= MaxAccountKeys {
			return nil, 0, false, reasonf("account %d has %d keys, the most there can be", ofWallet.ID, MaxAccountKeys), nil
		}
		holder, err = ofWallet, m.addKey(ofWallet, public)
	case ofWallet == nil:
		if len(ofKey.Wallets) >= MaxAccountWallets {
			return nil, 0, false, reasonf("account %d has %d wallets, the most there can be", ofKey.ID, MaxAccountWallets), nil
		}
		holder, err = ofKey, m.addWallet(ofKey, w)
	default:
		from, to := ofWallet, ofKey
		if len(ofWallet.Keys) > 0 {
			from, to = ofKey, ofWallet
		}
		if reason := mergeFault(from, to); reason != "" {
			return nil, 0, false, reason, nil
		}
		holder, merged, err = to, from.ID, m.merge(from, to)
	}
	return holder, merged, true, "", err
}

// untouched reports whether an account is no more than what others have sent to one key,
// which has never signed a transaction. ADR 0006 says why such an account may be joined to another.
func (a *account) untouched() bool {
	return len(a.Keys) == 1 && a.Keys[0].Nonce == 0 && len(a.Wallets) == 0
}

// mergeFault says why one account cannot be joined to another, or nothing.
func mergeFault(from, to *account) string {
	if len(from.Keys) > 0 && !from.untouched() {
		return reasonf("the wallet belongs to account %d, which has a key, and the key to account %d, which has signed or has more than that key", to.ID, from.ID)
	}
	if len(from.Keys)+len(to.Keys) > MaxAccountKeys {
		return reasonf("accounts %d and %d have more than %d keys together", from.ID, to.ID, MaxAccountKeys)
	}
	if len(from.Wallets)+len(to.Wallets) > MaxAccountWallets {
		return reasonf("accounts %d and %d have more than %d wallets together", from.ID, to.ID, MaxAccountWallets)
	}
	for i := range from.Balances {
		held := to.balance(from.Balances[i].Asset)
		if _, overflow := new(uint256.Int).AddOverflow(&held, &from.Balances[i].Amount); overflow {
			return reasonf("accounts %d and %d hold more of asset %d together than a number can tell", from.ID, to.ID, from.Balances[i].Asset)
		}
	}
	return ""
}

// merge joins an account that nobody has ever spent from to another; mergeFault has found nothing.
func (m *machine) merge(from, to *account) error {
	for i := range from.Keys {
		if err := m.addKey(to, from.Keys[i].Key); err != nil {
			return err
		}
	}
	for _, w := range from.Wallets {
		if err := m.addWallet(to, w); err != nil {
			return err
		}
	}
	for i := range from.Balances {
		to.credit(from.Balances[i].Asset, &from.Balances[i].Amount)
	}
	from.gone = true
	return nil
}

// walletHolder returns the account of a wallet, opening one for a wallet that has none.
func (m *machine) walletHolder(chain string, address codec.Hash) (*account, error) {
	w := Wallet{Chain: chain, Address: address}
	a, err := m.accountByWallet(w)
	if err != nil || a != nil {
		return a, err
	}
	if a, err = m.openAccount(); err != nil {
		return nil, err
	}
	return a, m.addWallet(a, w)
}
