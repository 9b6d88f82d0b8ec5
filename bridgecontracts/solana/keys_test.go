package solana

import (
	"slices"
	"testing"

	"github.com/ethereum/go-ethereum/crypto"

	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/signing"
	"github.com/trinebridge/trine/validators"
)

func makeSet(t *testing.T, seed []byte) (validators.Set, []func(codec.Hash) signing.Signature) {
	t.Helper()
	var keys []*signing.KeySigner
	for i := range 4 {
		private, err := crypto.ToECDSA(crypto.Keccak256(seed, []byte{byte(i)}))
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, signing.NewKeySigner(private))
	}
	slices.SortFunc(keys[1:3], func(a, b *signing.KeySigner) int { return a.Address().Compare(b.Address()) })
	var sign []func(codec.Hash) signing.Signature
	for _, k := range keys {
		sign = append(sign, func(digest codec.Hash) signing.Signature {
			s, err := k.SignDigest(digest)
			if err != nil {
				t.Fatal(err)
			}
			return s
		})
	}
	return validators.Set{
		Epoch: 4, Processor: keys[0].Address(), ApproverQuorum: 2, Approvers: []signing.Address{keys[1].Address(), keys[2].Address()},
		ListenerQuorum: 1, Listeners: []signing.Address{keys[3].Address()},
	}, sign
}
