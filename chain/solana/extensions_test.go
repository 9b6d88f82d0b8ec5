package solana

import (
	"encoding/binary"
	"testing"

	contract "github.com/trinebridge/trine/bridgecontracts/solana"
)

// extended is an account of Token-2022 with extensions.
func extended(entries ...[]byte) *account {
	a := &account{Owner: contract.Token2022Program, Data: make([]byte, extensionsAt)}
	for _, e := range entries {
		a.Data = append(a.Data, e...)
	}
	return a
}

func extension(kind uint16, value ...byte) []byte {
	return append(binary.LittleEndian.AppendUint16(binary.LittleEndian.AppendUint16(nil, kind), uint16(len(value))), value...)
}

func TestRefusedTransfers(t *testing.T) {
	plain := func(yes byte) []byte { return append(make([]byte, confidentialPlain), yes, 0, 0) }
	paused := func(yes byte) []byte { return extension(extensionPausable, append(make([]byte, mintPaused), yes)...) }
	immutable := extension(7)
	cut := extended(immutable, extension(extensionMemo, 1))
	cut.Data = cut.Data[:len(cut.Data)-1]
	classic := extended(extension(extensionMemo, 1))
	classic.Owner = contract.TokenProgram
	for _, c := range []struct {
		name     string
		mint, to *account
		want     bool
	}{
		{"no accounts", nil, nil, false},
		{"no extensions", extended(), extended(), false},
		{"a memo is required", extended(), extended(immutable, extension(extensionMemo, 1)), true},
		{"a memo was required once", extended(), extended(immutable, extension(extensionMemo, 0)), false},
		{"a memo, in an account that ends too early", extended(), cut, false},
		{"a memo, behind the end", extended(), extended(extension(0), extension(extensionMemo, 1)), false},
		{"a memo, in an account of SPL Token", extended(), classic, false},
		{"paused", extended(paused(1)), nil, true},
		{"not paused", extended(paused(0)), nil, false},
		{"confidential transfers only", extended(), extended(extension(extensionConfidential, plain(0)...)), true},
		{"confidential transfers too", extended(), extended(extension(extensionConfidential, plain(1)...)), false},
		{"an extension shorter than it should be", extended(extension(extensionPausable, 1)), nil, false},
	} {
		if got := refuses(c.mint, c.to); got != c.want {
			t.Errorf("%s: refused %v, want %v", c.name, got, c.want)
		}
	}
}

func FuzzExtensionByte(f *testing.F) {
	f.Add(extended(extension(7), extension(extensionMemo, 1)).Data, uint16(extensionMemo), 0)
	f.Add([]byte{}, uint16(0), 0)
	f.Fuzz(func(t *testing.T, data []byte, kind uint16, at int) {
		if got := extensionByte(&account{Owner: contract.Token2022Program, Data: data}, kind, max(at, 0)); got < -1 || got > 255 {
			t.Errorf("a byte of %d", got)
		}
	})
}
