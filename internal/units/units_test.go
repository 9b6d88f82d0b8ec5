package units

import (
	"strings"
	"testing"

	"github.com/holiman/uint256"
	"pgregory.net/rapid"
)

func TestParse(t *testing.T) {
	for _, test := range []struct {
		text     string
		decimals uint8
		want     string
		wantErr  string
	}{
		{text: "12.5", decimals: 6, want: "12500000"},
		{text: "0.000001", decimals: 6, want: "1"},
		{text: "0", decimals: 18, want: "0"},
		{text: "007", decimals: 0, want: "7"},
		{text: "115792089237316195423570985008687907853269984665640564039457584007913129639935", want: "115792089237316195423570985008687907853269984665640564039457584007913129639935"},
		{text: "115792089237316195423570985008687907853269984665640564039457584007913129639936", wantErr: "does not fit 256 bits"},
		{text: "1.0000001", decimals: 6, wantErr: "7 decimals, at most 6"},
		{text: "", wantErr: "not a decimal number"},
		{text: ".5", decimals: 1, wantErr: "not a decimal number"},
		{text: "5.", decimals: 1, wantErr: "not a decimal number"},
		{text: "-5", wantErr: "not a decimal number"},
		{text: "1e6", wantErr: "not a decimal number"},
		{text: "1,5", wantErr: "not a decimal number"},
		{text: "1.2.3", decimals: 6, wantErr: "not a decimal number"},
	} {
		got, err := Parse(test.text, test.decimals)
		switch {
		case test.wantErr != "":
			if err == nil || !strings.Contains(err.Error(), test.wantErr) || !strings.Contains(err.Error(), test.text) {
				t.Errorf("Parse(%q, %d) error is %v, want one that says %q and quotes the text", test.text, test.decimals, err, test.wantErr)
			}
		case err != nil || got.Dec() != test.want:
			t.Errorf("Parse(%q, %d) = %s, %v, want %s", test.text, test.decimals, got.Dec(), err, test.want)
		}
	}
}

func TestFormatIsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var n uint256.Int
		for i := range n {
			n[i] = rapid.Uint64().Draw(t, "limb")
		}
		decimals := rapid.Uint8Range(0, 36).Draw(t, "decimals")
		text := Format(&n, decimals)
		back, err := Parse(text, decimals)
		if err != nil || back != n {
			t.Fatalf("Parse(Format(%s, %d) = %q) = %s, %v", n.Dec(), decimals, text, back.Dec(), err)
		}
	})
}
