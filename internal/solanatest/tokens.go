package solanatest

import (
	"encoding/binary"
	"slices"

	"github.com/gagliardetto/solana-go"
	"github.com/gagliardetto/solana-go/programs/system"
)

// Instructions of the token programs, and sizes and kinds of what they keep, by their own numbers.
const (
	tokenMintTo             = 7
	tokenCloseAccount       = 9
	tokenFreezeAccount      = 10
	tokenThawAccount        = 11
	tokenInitializeMint2    = 20
	tokenTransferFee        = 26
	tokenDefaultState       = 28
	tokenReallocate         = 29
	tokenMemoTransfer       = 30
	tokenPermanentDelegate  = 35
	tokenTransferHook       = 36
	tokenPausable           = 44
	tokenEnable             = 0 // of an extension's own instructions: set it up, or switch it on
	tokenDisable            = 1
	tokenPause, tokenResume = 1, 2

	createIdempotent = 1 // of the program of associated accounts

	mintSize         = 82
	accountSize      = 165
	extensionHeader  = 4
	multisigSize     = 355
	extensionMemo    = 8
	stateFrozen      = 2
	amountOffset     = 64
	transferFeeSize  = 108
	defaultStateSize = 1
	permanentSize    = 32
	transferHookSize = 64
	pausableSize     = 33
	amountSize       = 8
	authorityFollows = 1
)

// TransferFee is the part of each transfer that stays in the recipient's account for the mint's authority.
type TransferFee struct {
	BasisPoints uint16
	Maximum     uint64 // in units
}

// Mint is the token to make. Without an extension it is one of the SPL Token program, or with Token2022 of the newer one.
// The chain's payer is every authority.
type Mint struct {
	Decimals  uint8
	Token2022 bool // implied by everything below

	Fee               *TransferFee
	DefaultFrozen     bool             // new accounts are frozen
	Hook              solana.PublicKey // a program that is called at each transfer
	PermanentDelegate bool             // who may take from every account
	Pausable          bool
}

// Token is a token that this package made.
type Token struct {
	Mint    solana.PublicKey
	Program solana.PublicKey

	chain *Chain
}

// extension is one that a mint has before it is initialised.
type extension struct {
	size        int
	instruction []byte
}

// extensions returns those of a mint whose authority is owner.
func (m Mint) extensions(owner solana.PublicKey) (all []extension) {
	if m.Fee != nil {
		data := slices.Concat([]byte{tokenTransferFee, tokenEnable, authorityFollows}, owner[:], []byte{authorityFollows}, owner[:])
		data = binary.LittleEndian.AppendUint16(data, m.Fee.BasisPoints)
		all = append(all, extension{transferFeeSize, binary.LittleEndian.AppendUint64(data, m.Fee.Maximum)})
	}
	if m.DefaultFrozen {
		all = append(all, extension{defaultStateSize, []byte{tokenDefaultState, tokenEnable, stateFrozen}})
	}
	if !m.Hook.IsZero() {
		all = append(all, extension{transferHookSize, slices.Concat([]byte{tokenTransferHook, tokenEnable}, owner[:], m.Hook[:])})
	}
	if m.PermanentDelegate {
		all = append(all, extension{permanentSize, append([]byte{tokenPermanentDelegate}, owner[:]...)})
	}
	if m.Pausable {
		all = append(all, extension{pausableSize, append([]byte{tokenPausable, tokenEnable}, owner[:]...)})
	}
	return all
}

// CreateToken makes a token.
func (c *Chain) CreateToken(t TB, m Mint) *Token {
	t.Helper()
	key, err := solana.NewRandomPrivateKey()
	if err != nil {
		t.Fatalf("%v", err)
	}
	owner := c.payer.PublicKey()
	extensions := m.extensions(owner)
	token := &Token{Mint: key.PublicKey(), Program: solana.TokenProgramID, chain: c}
	size := mintSize
	if m.Token2022 || len(extensions) > 0 {
		token.Program = solana.Token2022ProgramID
	}
	if len(extensions) > 0 {
		size = accountSize + 1 // padded to an account, whose kind follows
		for _, e := range extensions {
			size += extensionHeader + e.size
		}
		if size == multisigSize {
			size += 2 // a mint is never as long as what is told apart by its length
		}
	}
	var rent uint64
	if err := c.Call(t.Context(), &rent, "getMinimumBalanceForRentExemption", size); err != nil {
		t.Fatalf("%v", err)
	}
	mint := solana.Meta(token.Mint).WRITE()
	instructions := []solana.Instruction{system.NewCreateAccountInstruction(rent, uint64(size), token.Program, owner, token.Mint).Build()}
	for _, e := range extensions {
		instructions = append(instructions, solana.NewInstruction(token.Program, solana.AccountMetaSlice{mint}, e.instruction))
	}
	initialize := slices.Concat([]byte{tokenInitializeMint2, m.Decimals}, owner[:], []byte{authorityFollows}, owner[:])
	instructions = append(instructions, solana.NewInstruction(token.Program, solana.AccountMetaSlice{mint}, initialize))
	c.Send(t, []solana.PrivateKey{key}, instructions...)
	return token
}

// Account is the address of an owner's associated account.
func (k *Token) Account(owner solana.PublicKey) solana.PublicKey {
	account, _, err := solana.FindProgramAddress([][]byte{owner[:], k.Program[:], k.Mint[:]}, solana.SPLAssociatedTokenAccountProgramID)
	if err != nil {
		panic(err) // one of 256 bumps works for every owner that can be found
	}
	return account
}

// Open makes an owner's associated account, if there is none.
func (k *Token) Open(t TB, owner solana.PublicKey) solana.PublicKey {
	t.Helper()
	k.chain.Send(t, nil, k.opening(owner))
	return k.Account(owner)
}

func (k *Token) opening(owner solana.PublicKey) solana.Instruction {
	return solana.NewInstruction(solana.SPLAssociatedTokenAccountProgramID, solana.AccountMetaSlice{
		solana.Meta(k.chain.payer.PublicKey()).WRITE().SIGNER(), solana.Meta(k.Account(owner)).WRITE(), solana.Meta(owner),
		solana.Meta(k.Mint), solana.Meta(solana.SystemProgramID), solana.Meta(k.Program),
	}, []byte{createIdempotent})
}

// MintTo gives an owner units, and the account for them.
func (k *Token) MintTo(t TB, owner solana.PublicKey, units uint64) {
	t.Helper()
	k.chain.Send(t, nil, k.opening(owner), solana.NewInstruction(k.Program, solana.AccountMetaSlice{
		solana.Meta(k.Mint).WRITE(), solana.Meta(k.Account(owner)).WRITE(), k.authority(),
	}, binary.LittleEndian.AppendUint64([]byte{tokenMintTo}, units)))
}

func (k *Token) authority() *solana.AccountMeta {
	return solana.Meta(k.chain.payer.PublicKey()).SIGNER()
}

// Freeze freezes an owner's account.
func (k *Token) Freeze(t TB, owner solana.PublicKey) {
	t.Helper()
	k.freeze(t, owner, tokenFreezeAccount)
}

// Thaw ends the freezing of an owner's account.
func (k *Token) Thaw(t TB, owner solana.PublicKey) { t.Helper(); k.freeze(t, owner, tokenThawAccount) }

func (k *Token) freeze(t TB, owner solana.PublicKey, instruction byte) {
	t.Helper()
	k.chain.Send(t, nil, solana.NewInstruction(k.Program, solana.AccountMetaSlice{
		solana.Meta(k.Account(owner)).WRITE(), solana.Meta(k.Mint), k.authority(),
	}, []byte{instruction}))
}

// Shut closes an owner's account, which must be empty; the owner gets its rent.
func (k *Token) Shut(t TB, owner solana.PrivateKey) {
	t.Helper()
	k.chain.Send(t, []solana.PrivateKey{owner}, solana.NewInstruction(k.Program, solana.AccountMetaSlice{
		solana.Meta(k.Account(owner.PublicKey())).WRITE(), solana.Meta(owner.PublicKey()).WRITE(), solana.Meta(owner.PublicKey()).SIGNER(),
	}, []byte{tokenCloseAccount}))
}

// RequireMemo has an owner's account refuse what comes without a memo, or take it again. It is of Token-2022.
func (k *Token) RequireMemo(t TB, owner solana.PrivateKey, required bool) {
	t.Helper()
	account, key := solana.Meta(k.Account(owner.PublicKey())).WRITE(), solana.Meta(owner.PublicKey()).SIGNER()
	sub := byte(tokenDisable)
	if required {
		sub = tokenEnable
	}
	k.chain.Send(t, []solana.PrivateKey{owner},
		solana.NewInstruction(k.Program, solana.AccountMetaSlice{
			account, solana.Meta(k.chain.payer.PublicKey()).WRITE().SIGNER(), solana.Meta(solana.SystemProgramID), key,
		}, []byte{tokenReallocate, extensionMemo, 0}),
		solana.NewInstruction(k.Program, solana.AccountMetaSlice{account, key}, []byte{tokenMemoTransfer, sub}),
	)
}

// Pause stops all transfers of a pausable token.
func (k *Token) Pause(t TB) { t.Helper(); k.pause(t, tokenPause) }

// Resume ends a pause.
func (k *Token) Resume(t TB) { t.Helper(); k.pause(t, tokenResume) }

func (k *Token) pause(t TB, sub byte) {
	t.Helper()
	k.chain.Send(t, nil, solana.NewInstruction(k.Program, solana.AccountMetaSlice{
		solana.Meta(k.Mint).WRITE(), k.authority(),
	}, []byte{tokenPausable, sub}))
}

// Balance returns the units in an owner's account at a commitment, 0 without an account.
func (k *Token) Balance(t TB, owner solana.PublicKey, commitment Commitment) uint64 {
	t.Helper()
	account := k.chain.Account(t, k.Account(owner), commitment)
	if account == nil {
		return 0
	}
	if len(account.Data) < amountOffset+amountSize {
		t.Fatalf("account %s of token %s has %d bytes", k.Account(owner), k.Mint, len(account.Data))
	}
	return binary.LittleEndian.Uint64(account.Data[amountOffset:])
}
