package signing

import (
	"fmt"

	"github.com/trinebridge/trine/codec"
)

// Kind says what a statement is about. Its tag is the first word of the digest.
type Kind uint8

// The kinds of statement. The numbers are stored by guards: append only.
const (
	KindTx Kind = iota + 1
	KindBlock
	KindAck
	KindDomain
	KindSet
	KindEvent
	KindAttestation
	KindAttach
	KindCorrection
	KindRevert
	KindAction
	KindControl
	KindProposal
	KindKeyLink
	KindNotice
	KindAlert
)

var kindNames = [...]string{
	KindTx:          "tx",
	KindBlock:       "block",
	KindAck:         "ack",
	KindDomain:      "domain",
	KindSet:         "set",
	KindEvent:       "event",
	KindAttestation: "attestation",
	KindAttach:      "attach",
	KindCorrection:  "correction",
	KindRevert:      "revert",
	KindAction:      "action",
	KindControl:     "control",
	KindProposal:    "proposal",
	KindKeyLink:     "key-link",
	KindNotice:      "notice",
	KindAlert:       "alert",
}

var kindTags = func() (tags [len(kindNames)]codec.Hash) {
	for k := range kindNames {
		tags[k] = codec.Keccak([]byte("trine/v1/" + kindNames[k]))
	}
	return tags
}()

// Kinds returns every kind, in order.
func Kinds() []Kind {
	kinds := make([]Kind, 0, len(kindNames)-1)
	for k := KindTx; int(k) < len(kindNames); k++ {
		kinds = append(kinds, k)
	}
	return kinds
}

// Valid reports whether k is one of the kinds.
func (k Kind) Valid() bool { return k >= KindTx && int(k) < len(kindNames) }

// String returns the name that stands in the tag, as in "key-link".
func (k Kind) String() string {
	if !k.Valid() {
		return fmt.Sprintf("kind %d", uint8(k))
	}
	return kindNames[k]
}

// Tag returns keccak256("trine/v1/<kind>"), or zero for a kind that is not valid.
func (k Kind) Tag() codec.Hash {
	if !k.Valid() {
		return codec.Hash{}
	}
	return kindTags[k]
}

// Digest returns keccak256 over the tag of the kind and the words.
func (k Kind) Digest(words ...codec.Hash) codec.Hash {
	buf := make([]byte, 0, 32*8)
	tag := k.Tag()
	buf = append(buf, tag[:]...)
	for i := range words {
		buf = append(buf, words[i][:]...)
	}
	return codec.Keccak(buf)
}
