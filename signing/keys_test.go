package signing_test

import (
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/crypto"

	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/signing"
)

func newSigner(t testing.TB) *signing.KeySigner {
	t.Helper()
	key, err := signing.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	return signing.NewKeySigner(key)
}

// The examples of EIP-55.
var eip55 = []string{
	"0x52908400098527886E0F7030069857D2E4169EE7", "0x8617E340B3D01FA5F11F306F4090FD50E238070D",
	"0xde709f2102306220921060314715629080e2fb77", "0x27b1fdb04752bbc536007a920d24acb045561c26",
	"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
	"0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB", "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
}

func TestAddressText(t *testing.T) {
	for _, text := range eip55 {
		for _, spelling := range []string{text, strings.ToLower(text), "0x" + strings.ToUpper(text[2:])} {
			a, err := signing.ParseAddress(spelling)
			if err != nil || a.String() != text {
				t.Errorf("ParseAddress(%s) = %s, %v, want %s", spelling, a, err, text)
			}
		}
	}
	for bad, why := range map[string]string{
		"0x5aaeb6053F3E94C9b9A09f33669435E7Ef1BeAed":   "checksum",
		"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAe":    "39 hex digits, want 40",
		"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAedff": "42 hex digits, want 40",
		"5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed":     "start with 0x",
		"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeg":   "not hexadecimal",
		"": "start with 0x",
	} {
		if a, err := signing.ParseAddress(bad); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("ParseAddress(%q) = %s, %v, want %q", bad, a, err, why)
		}
	}
}

func TestAddressValue(t *testing.T) {
	a, err := signing.ParseAddress(eip55[0])
	if err != nil {
		t.Fatal(err)
	}
	if a.IsZero() || !(signing.Address{}).IsZero() {
		t.Error("IsZero")
	}
	if got := a.Word().String(); got != "0x"+strings.Repeat("0", 24)+strings.ToLower(eip55[0][2:]) {
		t.Errorf("word is %s", got)
	}
	b := a
	b[19]++
	if a.Compare(b) >= 0 || b.Compare(a) <= 0 || a.Compare(a) != 0 {
		t.Error("addresses are not ordered as byte strings")
	}
	var back signing.Address
	if err := codec.Unmarshal(codec.Marshal(&a), &back, 20); err != nil || back != a {
		t.Errorf("Borsh: %s, %v", back, err)
	}
}

// The first account of a well-known development mnemonic, as every Ethereum tool knows it.
func TestAddressOfKey(t *testing.T) {
	key, err := crypto.HexToECDSA("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80")
	if err != nil {
		t.Fatal(err)
	}
	signer := signing.NewKeySigner(key)
	public := signer.PublicKey()
	const address = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
	if signer.Address().String() != address || public.Address().String() != address || signer.Private() != key {
		t.Errorf("address %s, want %s", signer.Address(), address)
	}
	const compressed = "0x038318535b54105d4a7aae60c08fc45f9687181b4fdfc625bd1a753fa7397fed75"
	if public.String() != compressed || !public.Valid() || public.IsZero() {
		t.Errorf("public key %s, want %s", public, compressed)
	}
	var back signing.PublicKey
	if err := back.UnmarshalText([]byte(compressed)); err != nil || back != public {
		t.Errorf("read back %s, %v", back, err)
	}
	var decoded signing.PublicKey
	if err := codec.Unmarshal(codec.Marshal(&public), &decoded, 33); err != nil || decoded != public {
		t.Errorf("Borsh: %s, %v", decoded, err)
	}
}

// Bytes that are no compressed point: no key, no address.
func TestBadPublicKeys(t *testing.T) {
	good := newSigner(t).PublicKey()
	bad := map[string]signing.PublicKey{"zero": {}}
	for name, prefix := range map[string]byte{"uncompressed": 4, "hybrid": 6, "prefix 0": 0, "prefix 1": 1} {
		p := good
		p[0] = prefix
		bad[name] = p
	}
	var beyond signing.PublicKey // x is not below the field's prime
	beyond[0] = 2
	for i := range 32 {
		beyond[i+1] = 0xff
	}
	bad["x beyond the field"] = beyond
	off := signing.PublicKey{0: 2, 32: 5} // 5³+7 is not a square
	bad["off the curve"] = off
	for name, p := range bad {
		if p.Valid() || !p.Address().IsZero() {
			t.Errorf("%s: valid %v, address %s", name, p.Valid(), p.Address())
		}
		var back signing.PublicKey
		if err := back.UnmarshalText([]byte(p.String())); err == nil || !back.IsZero() {
			t.Errorf("%s: read as %s, %v", name, back, err)
		}
	}
	for _, text := range []string{"", "0x02", good.String()[2:], good.String() + "00"} {
		var back signing.PublicKey
		if err := back.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q was read as %s", text, back)
		}
	}
}

func FuzzText(f *testing.F) {
	f.Add(eip55[4])
	f.Add("0x038318535b54105d4a7aae60c08fc45f9687181b4fdfc625bd1a753fa7397fed75")
	f.Add("0x" + strings.Repeat("11", 64) + "00")
	f.Fuzz(func(t *testing.T, text string) {
		var a signing.Address
		if a.UnmarshalText([]byte(text)) == nil && !strings.EqualFold(a.String(), text) {
			t.Errorf("address %q was read as %s", text, a)
		}
		var p signing.PublicKey
		if p.UnmarshalText([]byte(text)) == nil && (!strings.EqualFold(p.String(), text) || !p.Valid() || p.Address().IsZero()) {
			t.Errorf("key %q was read as %s", text, p)
		}
		var s signing.Signature
		if s.UnmarshalText([]byte(text)) == nil && (!strings.EqualFold(s.String(), text) || !s.Canonical()) {
			t.Errorf("signature %q was read as %s", text, s)
		}
	})
}
