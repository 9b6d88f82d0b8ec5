package solana

import (
	"context"

	"github.com/trinebridge/trine/bridgecontracts"
	contract "github.com/trinebridge/trine/bridgecontracts/solana"
	"github.com/trinebridge/trine/chain"
)

// Owners of accounts that take no lamports by a transfer.
var (
	nativeLoader = contract.MustKey("NativeLoader1111111111111111111111111111111")
	sysvarOwner  = contract.MustKey("Sysvar1111111111111111111111111111111111111")
)

// batch is a batch of transfers, and how each is to be made as the chain stands.
type batch struct {
	program  contract.Program
	id       uint64
	body     *bridgecontracts.Transfers
	tokens   map[contract.Key]*contract.Token
	payments []contract.Payment
}

func (b *batch) content() (*contract.Content, error) {
	return b.program.Transfers(b.id, b.body, b.tokens, b.payments)
}

// assess looks at everything that a batch touches and decides how each transfer is made. It sees what the program
// will see; what changes in between makes the program refuse, and the delivery is built anew.
func (j *job) assess(ctx context.Context, id uint64, body *bridgecontracts.Transfers) (*batch, error) {
	b := &batch{program: j.program, id: id, body: body, tokens: map[contract.Key]*contract.Token{}, payments: make([]contract.Payment, len(body.Transfers))}
	if len(body.Transfers) > contract.MaxTransfers {
		return nil, chain.Errorf(chain.Fatal, "%d transfers; at most %d are possible", len(body.Transfers), contract.MaxTransfers)
	}
	if err := j.registered(ctx, b); err != nil {
		return nil, err
	}
	view := &view{accounts: map[contract.Key]*account{}}
	if err := view.read(ctx, j.sink.source.node, confirmed, j.touched(b)); err != nil {
		return nil, err
	}
	refused, err := j.refusing(ctx, b, view)
	if err != nil {
		return nil, err
	}
	left := map[contract.Key]uint64{} // what the bridge still has of a token
	for i := range body.Transfers {
		t := &body.Transfers[i]
		if t.Amount.IsZero() {
			continue
		}
		if t.Token == contract.Native {
			continue
		}
		if refused[i] {
			b.payments[i] = contract.Payment{Mark: true, Claim: true}
			continue
		}
		b.payments[i] = j.payment(b.tokens[contract.Key(t.Token)], t, view, left)
	}
	for i := range body.Transfers { // SOL is paid after the tokens, in the same order
		if t := &body.Transfers[i]; t.Token == contract.Native && !t.Amount.IsZero() {
			b.payments[i].Claim = j.solFails(t, view, left)
		}
	}
	return b, nil
}

// registered reads what the bridge knows of the batch's tokens.
func (j *job) registered(ctx context.Context, b *batch) error {
	var mints, keys []contract.Key
	for i := range b.body.Transfers {
		mint := contract.Key(b.body.Transfers[i].Token)
		if mint == contract.Key(contract.Native) || b.tokens[mint] != nil {
			continue
		}
		key, err := j.program.TokenConfig(mint)
		if err != nil {
			return &chain.Error{Verdict: chain.Fatal, Err: err}
		}
		b.tokens[mint] = &contract.Token{Mint: mint}
		mints, keys = append(mints, mint), append(keys, key)
	}
	if len(keys) == 0 {
		return nil
	}
	_, accounts, err := j.sink.source.node.accounts(ctx, confirmed, 0, keys...)
	if err != nil {
		return err
	}
	for i, a := range accounts {
		if a == nil || a.Owner != j.program.ID {
			continue
		}
		token, err := contract.DecodeToken(a.Data)
		if err != nil {
			return j.sink.source.fault(chain.Fatal, err)
		}
		b.tokens[mints[i]] = token
	}
	return nil
}

// touched lists the accounts that decide how the transfers are made.
func (j *job) touched(b *batch) (keys []contract.Key) {
	keys = append(keys, j.program.State)
	for i := range b.body.Transfers {
		t := &b.body.Transfers[i]
		if t.Token == contract.Native {
			keys = append(keys, contract.Key(t.To))
			continue
		}
		token := b.tokens[contract.Key(t.Token)]
		if !token.Ready {
			continue
		}
		if account, _, err := contract.TokenAccount(contract.Key(t.To), token.Program, token.Mint); err == nil {
			keys = append(keys, account, token.Vault, token.Mint)
		}
	}
	return keys
}

// view is a set of accounts as one slot has them.
type view struct{ accounts map[contract.Key]*account }

func (v *view) read(ctx context.Context, n *node, commitment string, keys []contract.Key) error {
	var unique []contract.Key
	for _, k := range keys {
		if _, seen := v.accounts[k]; !seen {
			v.accounts[k] = nil
			unique = append(unique, k)
		}
	}
	_, accounts, err := n.accounts(ctx, commitment, 0, unique...)
	if err != nil {
		return err
	}
	for i, k := range unique {
		v.accounts[k] = accounts[i]
	}
	return nil
}

// barred reports whether the program takes a recipient for none.
func (j *job) barred(k contract.Key) bool {
	return k == contract.Key{} || k == j.program.State || k == j.program.ID
}

// payment decides how a transfer of a token is made.
func (j *job) payment(token *contract.Token, t *bridgecontracts.Transfer, v *view, left map[contract.Key]uint64) contract.Payment {
	if !token.Ready {
		return contract.Payment{Mark: true, Claim: true}
	}
	recipient := contract.Key(t.To)
	key, _, err := contract.TokenAccount(recipient, token.Program, token.Mint)
	if err != nil {
		return contract.Payment{Claim: true}
	}
	vault := v.accounts[token.Vault]
	if _, known := left[token.Mint]; !known {
		if held, err := decodeVault(vault); err == nil && !held.frozen {
			left[token.Mint] = held.amount
		} else {
			left[token.Mint] = 0
		}
	}
	out := contract.Payment{}
	switch a := v.accounts[key]; {
	case a == nil || a.Owner == contract.SystemProgram:
		out.Create = !j.barred(recipient)
		out.Claim = j.barred(recipient)
	default:
		held, err := decodeTokenAccount(a)
		out.Claim = err != nil || held.frozen || held.owner != recipient || held.mint != token.Mint || j.barred(recipient)
	}
	amount := t.Amount.Uint64()
	if !t.Amount.IsUint64() || left[token.Mint] < amount {
		out.Claim = true
	}
	if !out.Claim {
		left[token.Mint] -= amount
	}
	return out
}

func decodeVault(a *account) (tokenAccount, error) {
	if a == nil {
		return tokenAccount{}, errNoAccount
	}
	return decodeTokenAccount(a)
}

// solFails reports whether a transfer of SOL fails.
func (j *job) solFails(t *bridgecontracts.Transfer, v *view, left map[contract.Key]uint64) bool {
	recipient, state := contract.Key(t.To), v.accounts[j.program.State]
	sol := contract.Key(contract.Native)
	if _, known := left[sol]; !known && state != nil {
		left[sol] = state.Lamports - min(state.Lamports, j.state.Reserve)
	}
	if j.barred(recipient) || !t.Amount.IsUint64() || left[sol] < t.Amount.Uint64() {
		return true
	}
	balance, size := uint64(0), 0
	if a := v.accounts[recipient]; a != nil {
		if a.Executable || a.Owner == nativeLoader || a.Owner == sysvarOwner {
			return true
		}
		balance, size = a.Lamports, len(a.Data)
	}
	if balance+t.Amount.Uint64() < rentMinimum(size) {
		return true
	}
	left[sol] -= t.Amount.Uint64()
	if a := v.accounts[recipient]; a != nil {
		a.Lamports += t.Amount.Uint64()
	} else {
		v.accounts[recipient] = &account{Lamports: t.Amount.Uint64(), Owner: contract.SystemProgram}
	}
	return false
}

// rentMinimum is what an account of a size must hold, in lamports: two years of 3,480 per byte, with 128 bytes of its own.
// When a cluster changes that, the program's refusal still leads to the right form.
func rentMinimum(size int) uint64 { return 2 * 3_480 * uint64(128+size) }
