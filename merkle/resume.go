package merkle

import (
	"encoding"
	"hash"
	"io"

	"github.com/ethereum/go-ethereum/crypto/keccak"

	"github.com/trinebridge/trine/codec"
)

const (
	rate = 136 // bytes that keccak256 takes in between two permutations
	// maxPosition bounds the places of resumers: the upper three levels. A level more makes
	// 16 times as many, and they help only as long as they stay in a cache.
	topPosition = 1
	maxPosition = 512
)

// resumers are the resumers of a family by position: the root is at 1, the children of
// position p from 16p on. Those never needed are nil.
type resumers [maxPosition]*resumer

func (r *resumers) at(position int) *resumer {
	if r[position] == nil {
		r[position] = new(resumer)
	}
	return r[position]
}

// sponge is keccak256, whose state can be stored and taken up again.
type sponge interface {
	hash.Hash
	io.Reader
	encoding.BinaryAppender
	encoding.BinaryUnmarshaler
}

func newSponge() sponge { return keccak.NewLegacyKeccak256().(sponge) }

// resumer hashes the branch at one position of the tree over and over again. Of a full
// branch's 532 bytes, which are four permutations, one update changes 32, and hashing needs
// to start only at the block they are in: so it keeps the last encoding and the state of the
// sponge after each of its blocks. It is a memory of what was computed and no more: whatever
// version comes next, equal bytes have equal states.
type resumer struct {
	encoding []byte
	states   [3][]byte // states[i] is that after block i of encoding
}

func (r *resumer) keccak(s sponge, encoding []byte, sum *codec.Hash) {
	same, blocks := 0, min(len(encoding), len(r.encoding))/rate
	for same < blocks && string(encoding[same*rate:(same+1)*rate]) == string(r.encoding[same*rate:(same+1)*rate]) {
		same++
	}
	if same == 0 || s.UnmarshalBinary(r.states[same-1]) != nil {
		same = 0
		s.Reset()
	}
	r.encoding = append(r.encoding[:same*rate], encoding[same*rate:]...)
	for ; (same+1)*rate <= len(encoding); same++ {
		s.Write(encoding[same*rate : (same+1)*rate]) // never fails
		r.states[same], _ = s.AppendBinary(r.states[same][:0])
	}
	s.Write(encoding[same*rate:])
	_, _ = s.Read(sum[:])
}
