package bridgecontracts

import (
	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/signing"
)

// Domain names one bridge of one app chain on one external chain. It stands in every
// digest about that bridge, so that no signature works on another.
type Domain = codec.Hash

// NewDomain returns the domain of the bridge at an address of the chain with this CAIP-2 id.
func NewDomain(genesis codec.Hash, caip2 string, bridge codec.Hash) Domain {
	return signing.KindDomain.Digest(genesis, codec.Keccak([]byte(caip2)), bridge)
}

// Attestation is what a listener signs: at this generation, the bridge's history up to
// the event has this head.
type Attestation struct {
	Domain     Domain
	Generation uint64
	EventID    uint64
	Head       Head
}

// Digest returns the attestation digest.
func (a *Attestation) Digest() codec.Hash {
	return signing.KindAttestation.Digest(a.Domain, codec.Uint64Word(a.Generation), codec.Uint64Word(a.EventID), a.Head)
}

// Borsh implements codec.Record.
func (a *Attestation) Borsh(c *codec.Codec) {
	c.Hash(&a.Domain)
	c.Uint64(&a.Generation)
	c.Uint64(&a.EventID)
	c.Hash(&a.Head)
}

// KeyLinkDigest is what a key signs to prove that it belongs to the wallet that
// deposits on the bridge.
func KeyLinkDigest(domain Domain, wallet codec.Hash, key signing.PublicKey) codec.Hash {
	return signing.KindKeyLink.Digest(domain, wallet, codec.Keccak(key[:]))
}

// AttachDigest is what members sign to attach a bridge whose code and set each has checked by its own endpoints.
func AttachDigest(domain Domain, sequence uint64, codeHash, setHash codec.Hash, startBlock uint64) codec.Hash {
	return signing.KindAttach.Digest(domain, codec.Uint64Word(sequence), codeHash, setHash, codec.Uint64Word(startBlock))
}

// Direction of a balance correction.
type Direction uint8

// The directions of ADR 0001.
const (
	Up Direction = iota + 1
	Down
)

// CorrectionDigest is what listeners sign when funds moved outside the deposit path.
func CorrectionDigest(domain Domain, sequence uint64, token codec.Hash, direction Direction, amount *uint256.Int) codec.Hash {
	return signing.KindCorrection.Digest(domain, codec.Uint64Word(sequence), token, codec.Uint64Word(uint64(direction)), codec.AmountWord(amount))
}

// RevertDigest is what listeners sign to undo events from firstEvent on; head is the
// head before it and generation the new one.
func RevertDigest(domain Domain, generation, firstEvent uint64, head Head) codec.Hash {
	return signing.KindRevert.Digest(domain, codec.Uint64Word(generation), codec.Uint64Word(firstEvent), head)
}

// AckDigest is what a member signs about a block that it has executed.
func AckDigest(genesis codec.Hash, height uint64, block codec.Hash) codec.Hash {
	return signing.KindAck.Digest(genesis, codec.Uint64Word(height), block)
}

// NoticeDigest is what the processor signs about a transaction that it dropped.
func NoticeDigest(genesis, tx codec.Hash, code uint64, reason string) codec.Hash {
	return signing.KindNotice.Digest(genesis, tx, codec.Uint64Word(code), codec.Keccak([]byte(reason)))
}

// ProposalDigest is what members sign about a change of the set.
func ProposalDigest(genesis codec.Hash, epoch, proposal uint64, body codec.Hash) codec.Hash {
	return signing.KindProposal.Digest(genesis, codec.Uint64Word(epoch), codec.Uint64Word(proposal), body)
}

// AlertStanding is the kind of alert by which a member says where its copy of the app chain
// stands (ADR 0007). Its subject is the asker's challenge, its detail StandingDetail.
const AlertStanding uint64 = 1

// StandingDetail is keccak256 over two words: the height of a copy's newest block and the
// block's hash. Before the first block these are 0 and the genesis hash.
func StandingDetail(height uint64, block codec.Hash) codec.Hash {
	word := codec.Uint64Word(height)
	return codec.Keccak(append(word[:], block[:]...))
}

// AlertDigest is what a member signs to tell or warn the others of something.
func AlertDigest(genesis codec.Hash, kind uint64, subject, detail codec.Hash) codec.Hash {
	return signing.KindAlert.Digest(genesis, codec.Uint64Word(kind), subject, detail)
}
