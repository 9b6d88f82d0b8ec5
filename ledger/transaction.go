package ledger

import (
	"fmt"

	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/signing"
)

// Bounds of a transaction.
const (
	// MaxMessages is how many messages one transaction may carry.
	MaxMessages = 16
	// MaxTransactionSize bounds its Borsh bytes: a certificate of 256 events with keys fits.
	MaxTransactionSize = 512 << 10
	// MaxSkew is how far apart block and transaction time may be, and how far ahead of
	// a node's clock either may be, in milliseconds.
	MaxSkew = 2 * 60 * 1000
)

// Transaction is a list of messages that one key signs. It applies whole or not at all.
type Transaction struct {
	Genesis codec.Hash
	Key     signing.PublicKey
	// Nonce is the key's own count of transactions, starting at 1.
	Nonce uint64
	// Time is when it was made, Unix milliseconds.
	Time uint64
	// LastHeight is the last block that may hold it; 0 means any.
	LastHeight uint64
	Messages   []Message
	Signature  signing.Signature
}

// Borsh implements codec.Record.
func (t *Transaction) Borsh(c *codec.Codec) {
	t.unsigned(c)
	t.Signature.Borsh(c)
}

func (t *Transaction) unsigned(c *codec.Codec) {
	c.Hash(&t.Genesis)
	t.Key.Borsh(c)
	c.Uint64(&t.Nonce)
	c.Uint64(&t.Time)
	c.Uint64(&t.LastHeight)
	codec.List(c, &t.Messages, MaxMessages)
}

type unsignedTransaction struct{ *Transaction }

// Borsh implements codec.Record.
func (u unsignedTransaction) Borsh(c *codec.Codec) { u.unsigned(c) }

// Digest returns what the key signs.
func (t *Transaction) Digest() codec.Hash {
	return signing.KindTx.Digest(t.Genesis, codec.Keccak(codec.Marshal(unsignedTransaction{t})))
}

// Sign fills in the key and the signature.
func (t *Transaction) Sign(key *signing.KeySigner) error {
	t.Key = key.PublicKey()
	sig, err := key.SignDigest(t.Digest())
	t.Signature = sig
	return err
}

// CheckedTx is a transaction whose signature and form have been verified. Only
// [CheckTx] makes one, so that what Apply executes is always signed; checks of many
// transactions may run in parallel.
type CheckedTx struct {
	tx   *Transaction
	hash codec.Hash
	size int
}

// CheckTx verifies everything about a transaction that needs no state.
func CheckTx(genesis codec.Hash, t *Transaction) (CheckedTx, error) {
	if t.Genesis != genesis {
		return CheckedTx{}, reject(CodeMalformed, "transaction is for app chain %s, this is %s", t.Genesis, genesis)
	}
	if len(t.Messages) == 0 || len(t.Messages) > MaxMessages {
		return CheckedTx{}, reject(CodeMalformed, "transaction has %d messages; from 1 to %d are possible", len(t.Messages), MaxMessages)
	}
	for i := range t.Messages {
		if t.Messages[i].Body == nil {
			return CheckedTx{}, reject(CodeMalformed, "message %d is empty", i)
		}
	}
	unsigned := codec.Marshal(unsignedTransaction{t})
	if size := len(unsigned) + len(t.Signature); size > MaxTransactionSize {
		return CheckedTx{}, reject(CodeMalformed, "transaction has %d bytes, at most %d", size, MaxTransactionSize)
	}
	digest := signing.KindTx.Digest(t.Genesis, codec.Keccak(unsigned))
	if !t.Signature.Verify(t.Key, digest) {
		return CheckedTx{}, reject(CodeSignature, "signature is not one by key %s over this transaction", t.Key)
	}
	return CheckedTx{tx: t, hash: digest, size: len(unsigned) + len(t.Signature)}, nil
}

// Tx returns the transaction; callers must not change it.
func (c CheckedTx) Tx() *Transaction { return c.tx }

// Hash returns the transaction's digest, which names it. Signatures are unique per
// digest and key, so the digest names the signed transaction too.
func (c CheckedTx) Hash() codec.Hash { return c.hash }

// Size returns the transaction's Borsh length in bytes.
func (c CheckedTx) Size() int { return c.size }

// Code classifies why a transaction was rejected; the API shows it.
type Code uint64

// The codes. The numbers are signed in failure notices: append only.
const (
	CodeMalformed Code = iota + 1
	CodeSignature
	CodeNonce
	CodeExpired
	CodeUnknownAccount
	CodeUnauthorized
	CodeFunds
	CodeAmount
	CodeRecipient
	CodeUnknownBridge
	CodeCertificate
	CodeStale
	CodeApp
	CodeCorrupt
	CodeHalted
	CodeOpening
)

var codeNames = [...]string{
	CodeMalformed: "malformed", CodeSignature: "signature", CodeNonce: "nonce", CodeExpired: "expired",
	CodeUnknownAccount: "unknown-account", CodeUnauthorized: "unauthorized", CodeFunds: "insufficient-funds",
	CodeAmount: "amount", CodeRecipient: "recipient", CodeUnknownBridge: "unknown-bridge",
	CodeCertificate: "certificate", CodeStale: "stale", CodeApp: "app", CodeCorrupt: "corrupt",
	CodeHalted: "halted", CodeOpening: "opening-minimum",
}

// String returns the code's name.
func (c Code) String() string {
	if c == 0 || int(c) >= len(codeNames) { // bounded by the comparison
		return fmt.Sprintf("code %d", uint64(c))
	}
	return codeNames[c]
}

// Rejection is why a transaction does not apply. The transaction is dropped; the
// state is as it was.
type Rejection struct {
	Code   Code
	Reason string
}

// Error implements error.
func (r *Rejection) Error() string { return r.Code.String() + ": " + r.Reason }

func reject(code Code, format string, args ...any) error {
	return &Rejection{Code: code, Reason: fmt.Sprintf(format, args...)}
}
