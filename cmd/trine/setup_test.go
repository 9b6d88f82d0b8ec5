package main

import (
	"strings"
	"testing"
)

// Deploying again shows the bridge that is there, and no gas as if a transaction had been free.
func TestDeployingAgainSaysThatNothingWasSent(t *testing.T) {
	for _, c := range []struct {
		d    deployment
		want string
	}{
		{deployment{Chain: "solana:x", Bridge: "b", Tx: "t", StartBlock: 7, GasUsed: 4321}, "4321"},
		{deployment{Chain: "solana:x", Bridge: "b", Tx: "t", StartBlock: 7, Existed: true}, "none: this bridge was there already, so nothing was sent"},
	} {
		var text strings.Builder
		c.d.show(&text)
		if !strings.Contains(text.String(), c.want) || !strings.Contains(text.String(), "trine bridge attach solana:x b ") {
			t.Errorf("%+v is shown as\n%s", c.d, &text)
		}
	}
}
