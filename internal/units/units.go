// Package units converts between decimal text, as people write amounts, and unsigned
// 256-bit integers in a token's smallest unit. It never rounds: text with more
// decimals than the token has is an error.
package units

import (
	"errors"
	"fmt"
	"strings"

	"github.com/holiman/uint256"
)

// Parse reads "12", "12.5" or "0.000001" as units of 10^-decimals.
func Parse(text string, decimals uint8) (uint256.Int, error) {
	whole, fraction, point := strings.Cut(text, ".")
	switch {
	case whole == "" || point && fraction == "":
		return uint256.Int{}, fmt.Errorf("amount %q is not a decimal number such as 12.5", text)
	case len(fraction) > int(decimals):
		return uint256.Int{}, fmt.Errorf("amount %q has %d decimals, at most %d are possible", text, len(fraction), decimals)
	}
	digits := whole + fraction + strings.Repeat("0", int(decimals)-len(fraction))
	if strings.Trim(digits, "0123456789") != "" {
		return uint256.Int{}, fmt.Errorf("amount %q is not a decimal number such as 12.5", text)
	}
	digits = strings.TrimLeft(digits, "0")
	if digits == "" {
		return uint256.Int{}, nil
	}
	var n uint256.Int
	if err := n.SetFromDecimal(digits); err != nil {
		if errors.Is(err, uint256.ErrBig256Range) {
			return uint256.Int{}, fmt.Errorf("amount %q does not fit 256 bits", text)
		}
		return uint256.Int{}, fmt.Errorf("amount %q: %w", text, err)
	}
	return n, nil
}

// Format writes n units of 10^-decimals without trailing zeros, as in "12.5".
func Format(n *uint256.Int, decimals uint8) string {
	digits := n.Dec()
	if decimals == 0 {
		return digits
	}
	if missing := int(decimals) + 1 - len(digits); missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	point := len(digits) - int(decimals)
	fraction := strings.TrimRight(digits[point:], "0")
	if fraction == "" {
		return digits[:point]
	}
	return digits[:point] + "." + fraction
}
