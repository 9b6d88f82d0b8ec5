package signing_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/signing"
)

// The numbers are stored by guards and the names are hashed into every digest: none may
// change. The tags are keccak256("trine/v1/<name>").
var golden = []struct {
	kind signing.Kind
	name string
	tag  string
}{
	{1, "tx", "0x5cb6c6881563121a1013085258b576582e5a479860e38eb6db838266b699e6cc"},
	{2, "block", "0xa1f6359f088ca0abe932f9f8fe0306bfea0cb429c2a73c817320a052f11cd2a6"},
	{3, "ack", "0xb4e115d77c7a7690a6636e095470571fb083a1431b1e21e1d67a48644595363d"},
	{4, "domain", "0x107d5c64bed508daef68424ce983223529ff8c6869230386dd62e3b8732d1a39"},
	{5, "set", "0x1e1548867817e3ac0f28afc44d660b8dc42df896b80c483f5a84c6f377ec6ada"},
	{6, "event", "0x5ced1e581836bbefd5357314a87bc1fcca3e21910d19ea6cd7bd7678d3e47e72"},
	{7, "attestation", "0xb35601f55ea809c398135bb1a4a415e717428610f5fa891f6222879085cd5cef"},
	{8, "attach", "0xe6c327daaf6958275cf195ee306a65fc209df7f1192206f37471539d6157fe19"},
	{9, "correction", "0xa7f1818b034efaaa0c7f68571341ef89e4d92e46acc84753fc2612309f2001cd"},
	{10, "revert", "0x40a026cac7a6bf64c9fff9ddf553d811e5d236a085f5eff902d18a82bd81a02f"},
	{11, "action", "0x043009c726951ef6fed7d821b40b82e10a451e20d6193220893c356e2ccbd7a7"},
	{12, "control", "0x9a29366d91a46b981545dc8e7219fa44bc424842c0218857c7a928cc9481609c"},
	{13, "proposal", "0x4b5fa3b3c13af01e6aa89b3b96da39cdbd294647ce212a8d9174e4976a48cdbd"},
	{14, "key-link", "0xd83ffeb256c0dce3f67523f2351181e9e5b7245ee509645935e82db14fb04132"},
	{15, "notice", "0x2b5463ecdc9f614cc8d541dc805172f08c6d300cdfce4c46ce9f612b5b0df69d"},
	{16, "alert", "0x7adbd1d56763ecd55ccd8d1c7027cc20b7812bd1c00a59ed983ace64e7fac896"},
}

func TestKindsAreGolden(t *testing.T) {
	kinds := signing.Kinds()
	if len(kinds) != len(golden) {
		t.Fatalf("%d kinds, want %d", len(kinds), len(golden))
	}
	for i, g := range golden {
		if k := kinds[i]; k != g.kind || k.String() != g.name || k.Tag().String() != g.tag || !k.Valid() {
			t.Errorf("kind %d is %q with tag %s, want %d, %q, %s", k, k, k.Tag(), g.kind, g.name, g.tag)
		}
	}
	for _, none := range []signing.Kind{0, signing.Kind(len(golden) + 1), 255} {
		if none.Valid() || !none.Tag().IsZero() || none.String() == "" {
			t.Errorf("kind %d: valid %v, tag %s, name %q", none, none.Valid(), none.Tag(), none)
		}
	}
}

func drawWords(t *rapid.T) []codec.Hash {
	words := make([]codec.Hash, rapid.IntRange(0, 12).Draw(t, "words"))
	for i := range words {
		copy(words[i][:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "word"))
	}
	return words
}

// A digest is the hash of the tag and the words, whatever their number.
func TestDigest(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		kind := rapid.SampledFrom(signing.Kinds()).Draw(rt, "kind")
		words := drawWords(rt)
		if got, want := kind.Digest(words...), codec.HashWords(append([]codec.Hash{kind.Tag()}, words...)...); got != want {
			rt.Fatalf("%s over %d words: %s, want %s", kind, len(words), got, want)
		}
	})
}

// A signature of any kind, tried as any other over the same words, is nobody's that matters.
func TestNoKindPassesAsAnother(t *testing.T) {
	signer := newSigner(t)
	rapid.Check(t, func(rt *rapid.T) {
		words := drawWords(rt)
		for _, made := range signing.Kinds() {
			sig, err := signer.SignDigest(made.Digest(words...))
			if err != nil {
				rt.Fatal(err)
			}
			for _, tried := range append(signing.Kinds(), 0, 17) {
				digest := tried.Digest(words...)
				recovered, err := sig.RecoverAddress(digest)
				passes := err == nil && recovered == signer.Address()
				if passes != (made == tried) || sig.Verify(signer.PublicKey(), digest) != passes {
					rt.Fatalf("a signature of kind %s as kind %s: passes %v", made, tried, passes)
				}
			}
		}
	})
}
