package signing_test

import (
	"context"
	"errors"
	"math/big"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/crypto"
	"pgregory.net/rapid"

	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/signing"
)

func drawDigest(t *rapid.T) (d codec.Hash) {
	copy(d[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "digest"))
	return d
}

// twin returns the other ECDSA signature of the same statement: n-s, and the other v.
func twin(s signing.Signature) signing.Signature {
	n := crypto.S256().Params().N
	other := s
	new(big.Int).Sub(n, new(big.Int).SetBytes(s[32:64])).FillBytes(other[32:64])
	other[64] ^= 1
	return other
}

func TestSignature(t *testing.T) {
	signer, stranger := newSigner(t), newSigner(t)
	rapid.Check(t, func(rt *rapid.T) {
		digest := drawDigest(rt)
		sig, err := signer.Sign(context.Background(), signing.Statement{Digest: digest})
		if err != nil {
			rt.Fatal(err)
		}
		again, err := signer.SignDigest(digest)
		if err != nil || again != sig {
			rt.Fatalf("signing is not deterministic: %v", err)
		}
		key, err := sig.Recover(digest)
		if err != nil || key != signer.PublicKey() {
			rt.Fatalf("recovered %s, %v", key, err)
		}
		address, err := sig.RecoverAddress(digest)
		if err != nil || address != signer.Address() {
			rt.Fatalf("recovered %s, %v", address, err)
		}
		if !sig.Canonical() || sig.IsZero() || !sig.Verify(signer.PublicKey(), digest) || sig.Verify(stranger.PublicKey(), digest) {
			rt.Fatal("the signature is not canonical, or not the signer's alone")
		}
		// Whatever bit is changed, in the signature or the digest, it is not the signer's any more.
		bit := rapid.IntRange(0, 65*8-1).Draw(rt, "bit")
		spoilt := sig
		spoilt[bit/8] ^= 1 << (bit % 8)
		if spoilt.Verify(signer.PublicKey(), digest) {
			rt.Fatalf("bit %d changed nothing", bit)
		}
		other := digest
		other[bit/8%32] ^= 1 << (bit % 8)
		if sig.Verify(signer.PublicKey(), other) {
			rt.Fatal("the signature is good for another digest")
		}
		var back signing.Signature
		if err := back.UnmarshalText([]byte(sig.String())); err != nil || back != sig {
			rt.Fatalf("text: %s, %v", back, err)
		}
		var decoded signing.Signature
		if err := codec.Unmarshal(codec.Marshal(&sig), &decoded, 65); err != nil || decoded != sig {
			rt.Fatalf("Borsh: %s, %v", decoded, err)
		}
	})
}

// Of the spellings of one signature exactly one is accepted, though the curve takes more.
func TestMalleability(t *testing.T) {
	signer := newSigner(t)
	digest := codec.Keccak([]byte("statement"))
	sig, err := signer.SignDigest(digest)
	if err != nil {
		t.Fatal(err)
	}
	high := twin(sig)
	if point, err := crypto.Ecrecover(digest[:], high[:]); err != nil || signing.Address(crypto.Keccak256(point[1:])[12:]) != signer.Address() {
		t.Fatalf("the twin is no signature at all: %v", err)
	}
	evm := sig
	evm[64] += 27
	compact := sig
	compact[64] += 2
	for name, s := range map[string]signing.Signature{"high s": high, "v of the EVM": evm, "v of r beyond the order": compact} {
		if s.Canonical() || s.Verify(signer.PublicKey(), digest) {
			t.Errorf("%s: accepted", name)
		}
		if _, err := s.Recover(digest); !errors.Is(err, signing.ErrBadSignature) {
			t.Errorf("%s: Recover: %v, want ErrBadSignature", name, err)
		}
		if _, err := s.RecoverAddress(digest); !errors.Is(err, signing.ErrBadSignature) {
			t.Errorf("%s: RecoverAddress: %v, want ErrBadSignature", name, err)
		}
		var back signing.Signature
		if err := back.UnmarshalText([]byte(s.String())); !errors.Is(err, signing.ErrBadSignature) || !back.IsZero() {
			t.Errorf("%s: text: %v, want ErrBadSignature", name, err)
		}
	}
	wrongV := sig
	wrongV[64] ^= 1
	if wrongV.Verify(signer.PublicKey(), digest) {
		t.Error("the other v is accepted")
	}
}

// The border of low s is (n-1)/2.
func TestLowS(t *testing.T) {
	n := crypto.S256().Params().N
	half := new(big.Int).Rsh(n, 1)
	for _, c := range []struct {
		s    *big.Int
		want bool
	}{
		{big.NewInt(1), true}, {half, true}, {new(big.Int).Add(half, big.NewInt(1)), false}, {new(big.Int).Sub(n, big.NewInt(1)), false}, {n, false},
	} {
		var sig signing.Signature
		sig[31] = 1
		c.s.FillBytes(sig[32:64])
		if got := sig.Canonical(); got != c.want {
			t.Errorf("s = %x: canonical %v, want %v", c.s, got, c.want)
		}
	}
}

func TestNoSignatures(t *testing.T) {
	digest := codec.Keccak([]byte("statement"))
	n := crypto.S256().Params().N
	with := func(r, s *big.Int) (sig signing.Signature) {
		r.FillBytes(sig[:32])
		s.FillBytes(sig[32:64])
		return sig
	}
	one, zero := big.NewInt(1), new(big.Int)
	for name, sig := range map[string]signing.Signature{
		"zero": {}, "r = 0": with(zero, one), "s = 0": with(one, zero), "r = n": with(n, one),
		"r off the curve": with(big.NewInt(5), one),
	} {
		if key, err := sig.Recover(digest); !errors.Is(err, signing.ErrBadSignature) || !key.IsZero() {
			t.Errorf("%s: recovered %s, %v", name, key, err)
		}
		if address, err := sig.RecoverAddress(digest); !errors.Is(err, signing.ErrBadSignature) || !address.IsZero() {
			t.Errorf("%s: recovered %s, %v", name, address, err)
		}
		if sig.Verify(signing.PublicKey{}, digest) {
			t.Errorf("%s: is the zero key's", name)
		}
	}
}

// Any 65 bytes recover to what go-ethereum recovers, or are refused.
func FuzzRecover(f *testing.F) {
	sig, err := newSigner(f).SignDigest(codec.Keccak())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sig[:], []byte("digest"))
	f.Add(make([]byte, 65), []byte{})
	f.Fuzz(func(t *testing.T, signature, about []byte) {
		if len(signature) != 65 {
			return
		}
		s, digest := signing.Signature(signature), codec.Keccak(about)
		key, err := s.Recover(digest)
		address, addressErr := s.RecoverAddress(digest)
		if (err == nil) != (addressErr == nil) {
			t.Fatalf("Recover: %v, RecoverAddress: %v", err, addressErr)
		}
		want, wantErr := crypto.SigToPub(digest[:], signature)
		switch {
		case err == nil && (wantErr != nil || address != signing.Address(crypto.PubkeyToAddress(*want)) || key.Address() != address):
			t.Errorf("recovered %s, go-ethereum %v, %v", address, want, wantErr)
		case err == nil && !s.Verify(key, digest):
			t.Error("the recovered key does not verify")
		case err != nil && wantErr == nil && s.Canonical():
			t.Errorf("refused: %v", err)
		}
	})
}

func TestSlot(t *testing.T) {
	slot := signing.Slot{Kind: signing.KindControl, Scope: codec.Keccak([]byte("scope")), Age: 2, ID: 3, Sub: 4, Revision: 5}
	for _, want := range []string{"control", slot.Scope.Short(), "age 2", "id 3", "sub 4", "revision 5"} {
		if !strings.Contains(slot.String(), want) {
			t.Errorf("%s: lacks %q", slot, want)
		}
	}
}
