package solana

import (
	"encoding/binary"
	"fmt"

	sol "github.com/gagliardetto/solana-go"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/codec"
)

// Bounds of a batch.
const (
	MaxTransfers = 32
	MaxTokens    = 8
)

// tokenSOL stands for SOL in the place of a token's index.
const tokenSOL = 255

// Flags of a transfer.
const (
	transferMark   = 1 << iota // claimable in place of paid
	transferWallet             // the recipient's account is passed
	transferClaim              // the claim account is passed
)

// Content is a sealed instruction without its seal.
type Content struct {
	// Body is what a buffer can hold in place of the instruction; empty for those that have none.
	Body []byte

	tag      byte
	head     []byte // between flags and body
	accounts []*sol.AccountMeta
	pays     bool
	groups   bool // a rotation names who signs
}

// Where says where a sealed instruction finds what does not stand in its data.
type Where struct {
	Actor, Page Key
	// Buffer holds the signatures and, if BodyPosted, the body; zero for none.
	Buffer, Poster Key
	// SignaturesPosted, BodyPosted say what the buffer holds.
	SignaturesPosted, BodyPosted bool
}

// Sealed puts content and seal together.
func (p Program) Sealed(c *Content, s *Signatures, w Where) Instruction {
	data := []byte{c.tag, 0}
	accounts := p.prefix(w.Actor, w.Page, c.pays)
	if w.SignaturesPosted || w.BodyPosted {
		accounts = append(accounts, writable(w.Buffer), writable(w.Poster))
	}
	if c.groups {
		data = append(data, s.groups())
	}
	data = append(data, c.head...)
	if w.BodyPosted {
		data[1] |= flagBody
	} else {
		data = append(data, c.Body...)
	}
	if w.SignaturesPosted {
		data[1] |= flagSignatures
	} else {
		data = s.Append(data)
	}
	return p.instruction(data, append(accounts, c.accounts...)...)
}

// Payment says how one transfer of a batch is to be made, which the chain's state decides.
type Payment struct {
	// Mark makes a transfer claimable in place of paying it, where the program allows that.
	Mark bool
	// Create has the recipient's token account made.
	Create bool
	// Claim passes the account to which a failed transfer is added.
	Claim bool
}

// Transfers is the content of a batch. Tokens has every token of the batch but SOL; one that is not ready stands there as a
// Token with its mint only. Limited tokens must be in the batch as such. Payments are in the order of the transfers.
func (p Program) Transfers(id uint64, body *bridgecontracts.Transfers, tokens map[Key]*Token, payments []Payment) (*Content, error) {
	if len(body.Transfers) > MaxTransfers || len(payments) != len(body.Transfers) {
		return nil, fmt.Errorf("%d transfers and %d payments; at most %d, and one for one", len(body.Transfers), len(payments), MaxTransfers)
	}
	b := &batch{program: p, tokens: tokens, index: map[Key]byte{}, system: p.ID, associated: p.ID}
	for i := range body.Transfers {
		if err := b.add(&body.Transfers[i], payments[i]); err != nil {
			return nil, fmt.Errorf("transfer %d: %w", i, err)
		}
	}
	if len(b.order) > MaxTokens {
		return nil, fmt.Errorf("%d tokens in one batch; at most %d are possible", len(b.order), MaxTokens)
	}
	accounts := []*sol.AccountMeta{readonly(b.system), readonly(b.associated)}
	for _, mint := range b.order {
		meta, err := b.tokenAccounts(mint)
		if err != nil {
			return nil, err
		}
		accounts = append(accounts, meta...)
	}
	c := execution(id, bridgecontracts.KindTransfers)
	c.Body = append([]byte{byte(len(body.Transfers)), byte(len(b.order))}, b.data...)
	c.accounts, c.pays = append(accounts, b.accounts...), b.pays
	return c, nil
}

// batch collects the transfers of one instruction.
type batch struct {
	program            Program
	tokens             map[Key]*Token
	index              map[Key]byte
	order              []Key
	system, associated Key
	data               []byte
	accounts           []*sol.AccountMeta
	pays               bool
}

func (b *batch) add(t *bridgecontracts.Transfer, how Payment) error {
	if !t.Amount.IsUint64() {
		return fmt.Errorf("its amount %s does not fit 64 bits: no account here can hold it", &t.Amount)
	}
	token, recipient := Key(t.Token), Key(t.To)
	entry := transferEntry{token: tokenSOL, amount: t.Amount.Uint64()}
	if t.Token == Native {
		b.accounts = append(b.accounts, writable(recipient))
	} else if err := b.addToken(&entry, token, recipient, how); err != nil {
		return err
	}
	if how.Claim {
		claim, err := b.program.Claim(token, recipient)
		if err != nil {
			return err
		}
		entry.flags |= transferClaim
		b.accounts = append(b.accounts, writable(claim))
		b.system, b.pays = SystemProgram, true
	}
	b.data = append(b.data, entry.token, entry.flags, entry.bump)
	b.data = binary.LittleEndian.AppendUint64(b.data, entry.amount)
	b.data = append(b.data, entry.recipient...)
	return nil
}

type transferEntry struct {
	token, flags, bump byte
	amount             uint64
	recipient          []byte
}

func (b *batch) addToken(entry *transferEntry, mint, recipient Key, how Payment) error {
	token := b.tokens[mint]
	if token == nil {
		return fmt.Errorf("token %s is not among the batch's tokens", mint)
	}
	if _, known := b.index[mint]; !known {
		b.index[mint] = byte(len(b.order)) // MaxTransfers bounds it
		b.order = append(b.order, mint)
	}
	entry.token, entry.recipient = b.index[mint], recipient[:]
	if how.Mark {
		entry.flags |= transferMark
		return nil
	}
	account, bump, err := TokenAccount(recipient, token.Program, mint)
	if err != nil {
		return err
	}
	entry.bump = bump
	b.accounts = append(b.accounts, writable(account))
	if how.Create {
		entry.flags |= transferWallet
		entry.recipient = nil
		b.accounts = append(b.accounts, readonly(recipient))
		b.system, b.associated, b.pays = SystemProgram, AssociatedTokenProgram, true
	}
	return nil
}

// tokenAccounts are the four accounts of one token.
func (b *batch) tokenAccounts(mint Key) ([]*sol.AccountMeta, error) {
	config, err := b.program.TokenConfig(mint)
	if err != nil {
		return nil, err
	}
	token := b.tokens[mint]
	first := readonly(config)
	first.IsWritable = token.Limit.Minutes != 0
	if !token.Ready {
		return []*sol.AccountMeta{first, readonly(b.program.ID), readonly(mint), readonly(b.program.ID)}, nil
	}
	return []*sol.AccountMeta{first, writable(token.Vault), readonly(mint), readonly(token.Program)}, nil
}

func execution(id uint64, kind bridgecontracts.ActionKind) *Content {
	return &Content{tag: tagExecute, head: append(binary.LittleEndian.AppendUint64(nil, id), byte(kind))}
}

// Noop is the content of an action that does nothing.
func (p Program) Noop(id uint64) *Content { return execution(id, bridgecontracts.KindNoop) }

// maxCallAccounts bounds the accounts of a governance call.
const maxCallAccounts = 32

// Call is the content of a governance call. Data that names no accounts in the program's form gets none: the program
// records such a call as failed.
func (p Program) Call(id uint64, body *bridgecontracts.Call) (*Content, error) {
	if len(body.Data) > 1<<16-1 {
		return nil, fmt.Errorf("a call with %d bytes of data; at most %d are possible", len(body.Data), 1<<16-1)
	}
	c := execution(id, bridgecontracts.KindCall)
	value := codec.AmountWord(&body.Value)
	c.Body = append(append(c.Body, body.Target[:]...), value[:]...)
	c.Body = append(binary.LittleEndian.AppendUint16(c.Body, uint16(len(body.Data))), body.Data...)
	c.accounts = append([]*sol.AccountMeta{readonly(Key(body.Target))}, p.callAccounts(body.Data)...)
	return c, nil
}

func (p Program) callAccounts(data []byte) (out []*sol.AccountMeta) {
	if len(data) == 0 || data[0] > maxCallAccounts || len(data) < 1+33*int(data[0]) {
		return nil
	}
	for i := range int(data[0]) {
		entry := data[1+33*i : 34+33*i]
		meta := readonly(Key(entry[:32]))
		meta.IsWritable = entry[32]&2 != 0
		meta.IsSigner = entry[32]&1 != 0 && meta.PublicKey != p.State // the program signs for the state account
		out = append(out, meta)
	}
	return out
}

// Rotate is the content of a change of set.
func (p Program) Rotate(body *bridgecontracts.Rotate) (*Content, error) {
	if err := body.Set.Validate(); err != nil {
		return nil, err
	}
	return &Content{tag: tagRotate, groups: true, Body: appendSet(nil, &body.Set)}, nil
}

// Pause and Unpause are the contents of those control actions.
func (p Program) Pause(sequence uint64) *Content { return controlContent(tagPause, sequence) }

// Unpause is the content of that control action.
func (p Program) Unpause(sequence uint64) *Content { return controlContent(tagUnpause, sequence) }

func controlContent(tag byte, sequence uint64) *Content {
	return &Content{tag: tag, head: binary.LittleEndian.AppendUint64(nil, sequence)}
}

// SetLimit is the content of a change of limit. A token that the bridge does not know gets its account by it.
func (p Program) SetLimit(sequence uint64, body *bridgecontracts.SetLimit) (*Content, error) {
	if !body.Capacity.IsUint64() {
		return nil, fmt.Errorf("a capacity of %s does not fit 64 bits", &body.Capacity)
	}
	c := controlContent(tagSetLimit, sequence)
	c.head = append(c.head, body.Token[:]...)
	c.head = binary.LittleEndian.AppendUint64(c.head, body.Capacity.Uint64())
	c.head = binary.LittleEndian.AppendUint64(c.head, body.Window)
	if body.Token == Native {
		c.accounts = []*sol.AccountMeta{readonly(p.ID), readonly(p.ID)}
		return c, nil
	}
	config, err := p.TokenConfig(Key(body.Token))
	if err != nil {
		return nil, err
	}
	c.accounts, c.pays = []*sol.AccountMeta{writable(config), readonly(SystemProgram)}, true
	return c, nil
}
