package solana

import (
	"encoding/binary"
	"errors"
	"fmt"

	sol "github.com/gagliardetto/solana-go"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/validators"
)

// Tags of the instructions.
const (
	tagInitialize = iota + 1
	tagInitToken
	tagDepositSol
	tagDepositToken
	tagExecute
	tagRotate
	tagPause
	tagUnpause
	tagSetLimit
	tagClaim
	tagOpenBuffer
	tagPostBody
	tagPostSignatures
	tagCloseBuffer
	tagRecord
)

// Flags of sealed instructions.
const (
	flagSignatures = 1 << iota // the signatures are in the buffer
	flagBody                   // the body is in the buffer
)

// Instruction is one call of the program.
type Instruction = sol.Instruction

func (p Program) instruction(data []byte, accounts ...*sol.AccountMeta) Instruction {
	return sol.NewInstruction(p.ID, accounts, data)
}

func signer(k Key) *sol.AccountMeta         { return sol.NewAccountMeta(k, false, true) }
func writableSigner(k Key) *sol.AccountMeta { return sol.NewAccountMeta(k, true, true) }
func writable(k Key) *sol.AccountMeta       { return sol.NewAccountMeta(k, true, false) }
func readonly(k Key) *sol.AccountMeta       { return sol.NewAccountMeta(k, false, false) }

// prefix is what comes first wherever an event is recorded.
func (p Program) prefix(actor, page Key, pays bool) []*sol.AccountMeta {
	first := signer(actor)
	first.IsWritable = pays
	return []*sol.AccountMeta{first, writable(p.State), readonly(page), readonly(p.ID)}
}

// Initialize makes the bridge; authority is the program's upgrade authority, which is none afterwards.
func (p Program) Initialize(authority Key, genesis codec.Hash, caip2 string, set *validators.Set) (Instruction, error) {
	if genesis.IsZero() {
		return nil, errors.New("initialize: the genesis hash is zero")
	}
	if err := set.Validate(); err != nil {
		return nil, fmt.Errorf("initialize: %w", err)
	}
	data, err := ProgramData(p.ID)
	if err != nil {
		return nil, err
	}
	id := codec.Keccak([]byte(caip2))
	payload := append([]byte{tagInitialize}, genesis[:]...)
	payload = appendSet(append(payload, id[:]...), set)
	return p.instruction(payload, writableSigner(authority), writable(p.State), readonly(p.ID), writable(data), readonly(LoaderProgram), readonly(SystemProgram)), nil
}

// InitToken makes the bridge's account and vault for a mint of a token program; anyone may pay.
func (p Program) InitToken(payer, mint, tokenProgram Key) (Instruction, error) {
	config, err := p.TokenConfig(mint)
	if err != nil {
		return nil, err
	}
	vault, _, err := TokenAccount(p.State, tokenProgram, mint)
	if err != nil {
		return nil, err
	}
	return p.instruction([]byte{tagInitToken}, writableSigner(payer), readonly(p.State), writable(config), writable(vault), readonly(mint),
		readonly(tokenProgram), readonly(AssociatedTokenProgram), readonly(SystemProgram)), nil
}

func depositData(tag byte, amount uint64, keys []bridgecontracts.KeyProof) ([]byte, error) {
	if len(keys) > bridgecontracts.MaxDepositKeys {
		return nil, fmt.Errorf("deposit: %d keys; at most %d are possible", len(keys), bridgecontracts.MaxDepositKeys)
	}
	if amount == 0 && len(keys) == 0 {
		return nil, errors.New("deposit: an amount of zero needs keys to associate")
	}
	data := append(binary.LittleEndian.AppendUint64([]byte{tag}, amount), byte(len(keys)))
	for i := range keys {
		data = append(append(data, keys[i].Key[:]...), keys[i].Signature[:]...)
	}
	return data, nil
}

// DepositSol deposits lamports with the wallet's keys. Page is the state's.
func (p Program) DepositSol(wallet, page Key, lamports uint64, keys []bridgecontracts.KeyProof) (Instruction, error) {
	data, err := depositData(tagDepositSol, lamports, keys)
	if err != nil {
		return nil, err
	}
	return p.instruction(data, append(p.prefix(wallet, page, true), readonly(SystemProgram))...), nil
}

// DepositToken deposits units of a token from one of the wallet's token accounts. Page is the state's.
func (p Program) DepositToken(wallet, page, from Key, token *Token, amount uint64, keys []bridgecontracts.KeyProof) (Instruction, error) {
	data, err := depositData(tagDepositToken, amount, keys)
	if err != nil {
		return nil, err
	}
	config, err := p.TokenConfig(token.Mint)
	if err != nil {
		return nil, err
	}
	return p.instruction(data, append(p.prefix(wallet, page, true),
		readonly(config), writable(token.Vault), readonly(token.Mint), readonly(token.Program), writable(from))...), nil
}

// ClaimTo says where a claim goes.
type ClaimTo struct {
	// Actor sends it. To is what is paid: for SOL and for anyone but the recipient a wallet, for a recipient's
	// token a wallet too, whose associated token account must be there unless it is the recipient's own.
	Actor, To Key
	// Page is the state's.
	Page Key
}

// ClaimSol pays what failed transfers of SOL owe.
func (p Program) ClaimSol(to ClaimTo, c *Claim) (Instruction, error) {
	account, err := p.Claim(Key(Native), c.Recipient)
	if err != nil {
		return nil, err
	}
	return p.instruction([]byte{tagClaim, 0}, append(p.prefix(to.Actor, to.Page, true), writable(account), writable(c.Payer), writable(to.To))...), nil
}

// ClaimToken pays what failed transfers of a token owe.
func (p Program) ClaimToken(to ClaimTo, c *Claim, token *Token) (Instruction, error) {
	account, err := p.Claim(c.Token, c.Recipient)
	if err != nil {
		return nil, err
	}
	config, err := p.TokenConfig(token.Mint)
	if err != nil {
		return nil, err
	}
	destination, bump, err := TokenAccount(to.To, token.Program, token.Mint)
	if err != nil {
		return nil, err
	}
	recipient, system, associated := p.ID, p.ID, p.ID
	if to.To == c.Recipient {
		recipient, system, associated = c.Recipient, SystemProgram, AssociatedTokenProgram
	} else {
		bump = 0
	}
	return p.instruction([]byte{tagClaim, bump}, append(p.prefix(to.Actor, to.Page, true), writable(account), writable(c.Payer), writable(destination),
		readonly(config), writable(token.Vault), readonly(token.Mint), readonly(token.Program), readonly(recipient), readonly(system), readonly(associated))...), nil
}

// OpenBuffer makes a buffer for a digest, with room for a body of so many bytes.
func (p Program) OpenBuffer(poster Key, digest codec.Hash, body int) (Instruction, error) {
	if body < 0 || body > MaxBody {
		return nil, fmt.Errorf("a body of %d bytes; a buffer holds at most %d", body, MaxBody)
	}
	buffer, bump, err := p.Buffer(poster, digest)
	if err != nil {
		return nil, err
	}
	data := append([]byte{tagOpenBuffer, bump}, digest[:]...)
	data = binary.LittleEndian.AppendUint32(data, uint32(body)) // MaxBody bounds it
	return p.instruction(data, writableSigner(poster), readonly(p.State), writable(buffer), readonly(SystemProgram)), nil
}

// PostBody writes a part of a buffer's body.
func (p Program) PostBody(poster, buffer Key, offset uint32, part []byte) Instruction {
	data := append(binary.LittleEndian.AppendUint32([]byte{tagPostBody}, offset), part...)
	return p.instruction(data, signer(poster), writable(buffer))
}

// PostSignatures has the program verify signatures and note in the buffer who signed.
func (p Program) PostSignatures(buffer Key, s *Signatures) Instruction {
	data := []byte{tagPostSignatures, 0, byte(len(s.Approvers)), byte(len(s.Listeners))}
	if s.Processor != nil {
		data[1] = 1
	}
	return p.instruction(s.Append(data), readonly(p.State), writable(buffer))
}

// CloseBuffer gives a buffer's rent back to its poster.
func (p Program) CloseBuffer(poster, buffer Key) Instruction {
	return p.instruction([]byte{tagCloseBuffer}, writableSigner(poster), writable(buffer))
}
