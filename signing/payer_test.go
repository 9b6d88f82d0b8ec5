package signing_test

import (
	"bytes"
	"crypto/ed25519"
	"fmt"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/crypto"

	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/signing"
)

func TestSecp256k1Payer(t *testing.T) {
	key, err := crypto.ToECDSA(crypto.Keccak256([]byte("payer")))
	if err != nil {
		t.Fatal(err)
	}
	var p signing.Payer = signing.NewKeySigner(key)
	digest := codec.Keccak([]byte("transaction"))
	signature, err := p.SignPayload(t.Context(), digest[:])
	if err != nil {
		t.Fatal(err)
	}
	recovered, err := crypto.SigToPub(digest[:], signature)
	if err != nil || !bytes.Equal(crypto.CompressPubkey(recovered), p.PayerKey()) {
		t.Fatalf("the signature is of %v, %v", recovered, err)
	}
	if _, err := p.SignPayload(t.Context(), digest[:31]); err == nil {
		t.Error("a payload that is no digest is signed")
	}
}

func TestEd25519Payer(t *testing.T) {
	seed := [32]byte{1, 2, 3}
	p := signing.NewEd25519Payer(seed)
	message := []byte("a message of any length")
	signature, err := p.SignPayload(t.Context(), message)
	if err != nil || !ed25519.Verify(p.PayerKey(), message, signature) {
		t.Fatalf("signature %x, %v", signature, err)
	}
	for _, text := range []string{fmt.Sprint(p), fmt.Sprintf("%v %+v %#v", p, p, p)} {
		if strings.Contains(text, fmt.Sprintf("%x", seed[:3])) || strings.Contains(text, "1 2 3") || strings.Contains(text, "0x1, 0x2, 0x3") {
			t.Errorf("%q shows the seed", text)
		}
	}
}

func TestCheckPayer(t *testing.T) {
	p := signing.NewEd25519Payer([32]byte{1})
	if err := signing.CheckPayer(p, signing.Ed25519); err != nil {
		t.Error(err)
	}
	if err := signing.CheckPayer(p, signing.Secp256k1); err == nil || !strings.Contains(err.Error(), "ed25519") || !strings.Contains(err.Error(), "secp256k1") {
		t.Errorf("a payer of the other curve: %v", err)
	}
	if err := signing.CheckPayer(nil, signing.Ed25519); err == nil {
		t.Error("no payer at all passes")
	}
	if got := signing.Curve(9).String(); got != "curve 9" {
		t.Errorf("an unknown curve is named %q", got)
	}
}
