package chain

import (
	"context"

	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/codec"
)

// Receipt is a mined transaction.
type Receipt struct {
	Tx      string
	Block   uint64
	GasUsed uint64
}

// Wallet is a user's hand on an external chain: what people and tests do there, as
// opposed to what a submitter delivers. Every write waits until the transaction is
// mined, and a transaction that reverted is an error that names the reason.
type Wallet interface {
	// Address is the wallet as a word.
	Address() codec.Hash
	// Balance returns what a holder owns of a token, in units.
	Balance(ctx context.Context, token, holder codec.Hash) (uint256.Int, error)
	// Deposit sends amount to the bridge, with the token's allowance if it needs one.
	Deposit(ctx context.Context, token codec.Hash, amount uint256.Int, keys []bridgecontracts.KeyProof) (Receipt, error)
	// Receipt returns a mined transaction of anybody's; ErrAbsent while there is none.
	Receipt(ctx context.Context, tx string) (Receipt, error)
	// Claim pays out what a failed transfer owes to the recipient: to any address if the
	// wallet is the recipient, else to the recipient itself.
	Claim(ctx context.Context, token, recipient, to codec.Hash) (Receipt, error)
}
