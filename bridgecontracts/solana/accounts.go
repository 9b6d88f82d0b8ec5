package solana

import (
	"fmt"

	"github.com/trinebridge/trine/codec"
)

// Token is a token's account: what the bridge knows of a mint.
type Token struct {
	// Ready is set by InitToken. Until then Decimals, Program and Vault are zero.
	Ready    bool
	Decimals uint8
	Mint     Key
	Program  Key
	Vault    Key
	Limit    Bucket
}

// DecodeToken reads a token account's data.
func DecodeToken(data []byte) (*Token, error) {
	r := &reader{data: data}
	t := &Token{}
	r.magic("trineTK1")
	r.byte() // bump
	ready := r.byte()
	t.Ready, t.Decimals = ready == 1, r.byte()
	r.zeros(5)
	t.Mint, t.Program, t.Vault, t.Limit = r.key(), r.key(), r.key(), r.bucket()
	if ready > 1 {
		r.fail("its ready flag is %d", ready)
	}
	if err := r.end(); err != nil {
		return nil, fmt.Errorf("the token's account: %w", err)
	}
	return t, nil
}

// Claim is what failed transfers owe.
type Claim struct {
	Token     Key
	Recipient Key
	// Payer gets the account's rent back.
	Payer  Key
	Amount uint64
}

// DecodeClaim reads a claim account's data.
func DecodeClaim(data []byte) (*Claim, error) {
	r := &reader{data: data}
	c := &Claim{}
	r.magic("trineCL1")
	r.byte() // bump
	r.zeros(7)
	c.Token, c.Recipient, c.Payer, c.Amount = r.key(), r.key(), r.key(), r.uint64()
	if err := r.end(); err != nil {
		return nil, fmt.Errorf("the claim's account: %w", err)
	}
	return c, nil
}

// MaxBody is how many bytes of a body a buffer holds at most.
const MaxBody = 10_136

// Buffer is what was posted for one digest.
type Buffer struct {
	Processor bool // it has signed
	Poster    Key
	Digest    codec.Hash
	// Epoch is that of the members who signed; bit i of Approvers and Listeners is member i of that set.
	Epoch                uint64
	Approvers, Listeners uint64
	Body                 []byte
}

// DecodeBuffer reads a buffer's data. Body is a part of it.
func DecodeBuffer(data []byte) (*Buffer, error) {
	r := &reader{data: data}
	b := &Buffer{}
	r.magic("trineBF1")
	r.byte() // bump
	processor := r.byte()
	r.zeros(2)
	length := r.uint32()
	b.Processor, b.Poster, b.Digest = processor == 1, r.key(), r.word()
	b.Epoch, b.Approvers, b.Listeners = r.uint64(), r.uint64(), r.uint64()
	switch {
	case processor > 1:
		r.fail("its processor flag is %d", processor)
	case length > MaxBody:
		r.fail("its body has %d bytes; at most %d are possible", length, MaxBody)
	default:
		b.Body = r.take(int(length))
	}
	if err := r.end(); err != nil {
		return nil, fmt.Errorf("the buffer: %w", err)
	}
	return b, nil
}
