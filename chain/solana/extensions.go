package solana

import (
	"context"
	"encoding/binary"

	"github.com/trinebridge/trine/bridgecontracts"
	contract "github.com/trinebridge/trine/bridgecontracts/solana"
)

// Extensions of Token-2022 by which a transfer is refused, and the byte of each that says so
// (https://docs.rs/spl-token-2022: ExtensionType).
const (
	extensionConfidential = 5  // of an account
	extensionMemo         = 8  // of an account
	extensionPausable     = 26 // of a mint

	confidentialPlain = 262 // 0: takes no transfers that everybody can read
	memoRequired      = 0
	mintPaused        = 32

	// extensions begin after the classic layout, padded to that of an account, and a byte for the kind.
	extensionsAt = tokenAccountSize + 1
)

// refuses reports whether Token-2022 refuses every transfer of a mint into an account. An account that is not there is nil.
func refuses(mint, to *account) bool {
	return extensionByte(mint, extensionPausable, mintPaused) == 1 || extensionByte(to, extensionMemo, memoRequired) == 1 ||
		extensionByte(to, extensionConfidential, confidentialPlain) == 0
}

// extensionByte returns a byte of an extension, -1 without it. Entries are type 2, length 2, value.
func extensionByte(a *account, kind uint16, at int) int {
	if a == nil || a.Owner != contract.Token2022Program || len(a.Data) < extensionsAt {
		return -1
	}
	for rest := a.Data[extensionsAt:]; len(rest) >= 4; {
		found, length := binary.LittleEndian.Uint16(rest), int(binary.LittleEndian.Uint16(rest[2:]))
		if rest = rest[4:]; found == 0 || length > len(rest) {
			break
		}
		if found == kind && at < length {
			return int(rest[at])
		}
		rest = rest[length:]
	}
	return -1
}

// refusing looks for transfers that Token-2022 would refuse. They are marked only if that was so in the finalized state
// too: one that is refused since a moment ago waits, and is looked at again.
func (j *job) refusing(ctx context.Context, b *batch, now *view) (map[int]bool, error) {
	list := map[int]bool{}
	var keys []contract.Key
	for i := range b.body.Transfers {
		mint, to, ok := b.accountsOf(&b.body.Transfers[i])
		if ok && refuses(now.accounts[mint], now.accounts[to]) {
			list[i] = true
			keys = append(keys, mint, to)
		}
	}
	if len(list) == 0 {
		return nil, nil
	}
	settled := &view{accounts: map[contract.Key]*account{}}
	if err := settled.read(ctx, j.sink.source.node, finalized, keys); err != nil {
		return nil, err
	}
	for i := range list {
		mint, to, _ := b.accountsOf(&b.body.Transfers[i])
		list[i] = refuses(settled.accounts[mint], settled.accounts[to])
	}
	return list, nil
}

// accountsOf returns the mint of a transfer of Token-2022 and the account that it goes to; false for any other transfer.
func (b *batch) accountsOf(t *bridgecontracts.Transfer) (mint, to contract.Key, ok bool) {
	token := b.tokens[contract.Key(t.Token)]
	if token == nil || !token.Ready || token.Program != contract.Token2022Program {
		return mint, to, false
	}
	to, _, err := contract.TokenAccount(contract.Key(t.To), token.Program, token.Mint)
	return token.Mint, to, err == nil
}
