package ledger

import (
	"encoding/binary"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/signing"
)

// Every record of the framework state lives under a key of one of these forms: a prefix
// byte and fields of fixed length, numbers big-endian. Where a text is part of a key it
// stands last, so that no two keys are spelled alike.
const (
	prefixMeta        = 'm' // → Meta
	prefixSet         = 's' // epoch → validators.Set
	prefixAccount     = 'a' // account → Account
	prefixOwner       = 'k' // public key → account id
	prefixWallet      = 'w' // address, chain → account id
	prefixChain       = 'c' // chain → domain
	prefixBridge      = 'b' // domain → Bridge
	prefixQueue       = 'q' // domain, asset, position → withdrawal sequence
	prefixWithdrawal  = 'x' // domain, sequence → WithdrawalRecord
	prefixAction      = 't' // domain, action id → ActionRecord
	prefixClaim       = 'f' // domain, asset, recipient → amount
	prefixUnassigned  = 'u' // domain, event id → UnassignedEvent
	prefixControlSlot = 'l' // domain, kind, sequence → digests
	prefixControl     = 'o' // domain, digest → ControlRecord
)

// key is a record's key while it is put together.
type key []byte

func newKey(prefix byte) key { return append(make(key, 0, 72), prefix) }

func (k key) word(w codec.Hash) key { return append(k, w[:]...) }

func (k key) number(n uint64) key { return binary.BigEndian.AppendUint64(k, n) }

func (k key) asset(id AssetID) key { return binary.BigEndian.AppendUint32(k, id) }

func metaKey() key { return newKey(prefixMeta) }

func setKey(epoch uint64) key { return newKey(prefixSet).number(epoch) }

func accountKey(id AccountID) key { return newKey(prefixAccount).number(id) }

func ownerKey(public signing.PublicKey) key { return append(newKey(prefixOwner), public[:]...) }

func bridgeKey(domain bridgecontracts.Domain) key { return newKey(prefixBridge).word(domain) }

func queueKey(domain bridgecontracts.Domain, asset AssetID, position uint64) key {
	return newKey(prefixQueue).word(domain).asset(asset).number(position)
}

func withdrawalKey(domain bridgecontracts.Domain, sequence uint64) key {
	return newKey(prefixWithdrawal).word(domain).number(sequence)
}

func actionKey(domain bridgecontracts.Domain, id uint64) key {
	return newKey(prefixAction).word(domain).number(id)
}

func claimKey(domain bridgecontracts.Domain, asset AssetID, recipient codec.Hash) key {
	return newKey(prefixClaim).word(domain).asset(asset).word(recipient)
}

func unassignedKey(domain bridgecontracts.Domain, event uint64) key {
	return newKey(prefixUnassigned).word(domain).number(event)
}

func controlSlotKey(domain bridgecontracts.Domain, kind bridgecontracts.ControlKind, sequence uint64) key {
	return newKey(prefixControlSlot).word(domain).number(uint64(kind)).number(sequence)
}

func controlKey(domain bridgecontracts.Domain, digest codec.Hash) key {
	return newKey(prefixControl).word(domain).word(digest)
}

func walletKey(chain string, address codec.Hash) key {
	return append(newKey(prefixWallet).word(address), chain...)
}

func chainKey(chain string) key { return append(newKey(prefixChain), chain...) }
