package devnet

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gagliardetto/solana-go"
	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/codec"
)

func startTestSolana(t *testing.T) *solanaGround {
	t.Helper()
	g, err := startSolana(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	s := g.(*solanaGround)
	t.Cleanup(func() {
		if err := s.close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func randomWord(t *testing.T) codec.Hash {
	t.Helper()
	key, err := solana.NewRandomPrivateKey()
	if err != nil {
		t.Fatal(err)
	}
	return codec.Hash(key.PublicKey())
}

// TestSolanaMoney: coins and tokens of a development chain arrive as they were given.
func TestSolanaMoney(t *testing.T) {
	g := startTestSolana(t)
	id, err := identifySolana(t.Context(), g.endpoint())
	if err != nil || id != g.chainID() || len(id) != len("solana:")+32 {
		t.Errorf("identified as %q (%v), want %q", id, err, g.chainID())
	}
	who := randomWord(t)
	if err := g.fund(t.Context(), who, 3); err != nil {
		t.Fatal(err)
	}
	var coins struct{ Value uint64 }
	if err := g.client.CallContext(t.Context(), &coins, "getBalance", solana.PublicKey(who), confirmed); err != nil || coins.Value != 3e9 {
		t.Errorf("owns %d lamports (%v), want 3 SOL", coins.Value, err)
	}
	mint, err := g.createToken(t.Context(), "USDC", 6)
	if err != nil {
		t.Fatal(err)
	}
	for _, units := range []uint64{2_000_000, 5} { // the second time the account is there
		if err := g.mint(t.Context(), mint, who, uint256.NewInt(units)); err != nil {
			t.Fatal(err)
		}
	}
	account, _, err := solana.FindAssociatedTokenAddress(solana.PublicKey(who), solana.PublicKey(mint))
	if err != nil {
		t.Fatal(err)
	}
	var tokens struct {
		Value struct {
			Amount   string
			Decimals uint8
		}
	}
	if err := g.client.CallContext(t.Context(), &tokens, "getTokenAccountBalance", account, confirmed); err != nil || tokens.Value.Amount != "2000005" || tokens.Value.Decimals != 6 {
		t.Errorf("owns %+v (%v), want 2.000005", tokens.Value, err)
	}
	if err := g.mint(t.Context(), mint, who, new(uint256.Int).Lsh(uint256.NewInt(1), 64)); err == nil || !strings.Contains(err.Error(), "18446744073709551616 units do not fit") {
		t.Errorf("2^64 units: error is %v", err)
	}
	if err := g.mint(t.Context(), who, who, uint256.NewInt(1)); err == nil {
		t.Error("a wallet was taken for a mint")
	}
}

// TestSurfpoolCannotStart: a wrong addon is told in the process's own words, and nobody is waited for who has gone.
func TestSurfpoolCannotStart(t *testing.T) {
	t.Setenv(surfpoolEnv, "/nowhere/surfpool.node")
	if _, err := startSolana(t.Context(), 0); err == nil || !strings.Contains(err.Error(), "/nowhere/surfpool.node") {
		t.Errorf("error = %v, want one with the process's own words", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errInterrupt)
	if _, err := startSolana(ctx, 0); err == nil {
		t.Error("a chain was started although nobody waits for it")
	}
}

// TestSolanaFaults are endpoints that are no development chain.
func TestSolanaFaults(t *testing.T) {
	answers := map[string]string{
		"getGenesisHash": `"result":"5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d"`,
		"requestAirdrop": `"error":{"code":-32601,"message":"no faucet here"}`,
	}
	node := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body [512]byte
		n, _ := r.Body.Read(body[:]) // small, so that one read is all
		for method, answer := range answers {
			if strings.Contains(string(body[:n]), method) {
				fmt.Fprintf(w, `{"jsonrpc":"2.0","id":1,%s}`, answer)
				return
			}
		}
		fmt.Fprint(w, `{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no such method"}}`)
	}))
	t.Cleanup(node.Close)
	_, err := attach(t.Context(), ChainConfig{Endpoint: node.URL})
	for _, part := range []string{node.URL, "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp", "no faucet here", "solana-test-validator"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("a chain without a faucet: error %v does not say %q", err, part)
		}
	}
	answers["getGenesisHash"] = `"result":"short"`
	if _, err := attach(t.Context(), ChainConfig{Endpoint: node.URL}); err == nil || !strings.Contains(err.Error(), `its genesis hash is "short"`) {
		t.Errorf("a genesis hash that is none: error is %v", err)
	}
}

// TestLandedTellsWhatHappened: a transaction that failed, and one that never lands.
func TestLandedTellsWhatHappened(t *testing.T) {
	g := startTestSolana(t)
	poor, err := solana.NewRandomPrivateKey()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeoutCause(t.Context(), 2*time.Second, errInterrupt)
	defer cancel()
	if err := g.landed(ctx, solana.Signature{1}.String()); !errors.Is(err, errInterrupt) {
		t.Errorf("a transaction nobody sent: error is %v", err)
	}
	g.payer = poor
	if err := g.fund(t.Context(), randomWord(t), 1); err == nil {
		t.Error("an account without coins paid")
	}
}
