package main

import "testing"

// TestCoins: a balance is written in the coin of its own chain.
func TestCoins(t *testing.T) {
	for _, c := range []struct{ chain, balance, want string }{
		{"eip155:1", "1500000000000000000", "1.5 ETH"},
		{"solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp", "1500000000", "1.5 SOL"},
		{"moon:1", "15", "15"},
		{"eip155:1", "much", "much"},
	} {
		if got := coins(c.chain, c.balance); got != c.want {
			t.Errorf("%s units on %s are written %q, want %q", c.balance, c.chain, got, c.want)
		}
	}
}
