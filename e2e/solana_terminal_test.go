//go:build e2e

package e2e

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/crypto"
	"github.com/gagliardetto/solana-go"

	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/signing"
)

// setKey puts a Solana key into the environment, as Solana's own tools write keys.
func setKey(t *testing.T, name string, key solana.PrivateKey) {
	t.Helper()
	numbers := make([]string, len(key))
	for i, b := range key {
		numbers[i] = fmt.Sprint(b)
	}
	t.Setenv(name, "["+strings.Join(numbers, ",")+"]")
}

// fails fails the test unless the command ends with a code and says why.
func (o terminal) fails(code int, words string, args ...string) {
	o.t.Helper()
	if out, got := o.run(args...); got != code || !strings.Contains(out, words) {
		o.t.Errorf("trine %s exits with %d, want %d and an error that says %q:\n%s", strings.Join(args, " "), got, code, words, out)
	}
}

// customer is somebody at a terminal with a wallet on Solana and a key on the app chain.
func (s *solanaScene) customer(t *testing.T) (console terminal, address string) {
	t.Helper()
	wallet := s.chain.Wallet(t, 6*solana.LAMPORTS_PER_SOL)
	setKey(t, "SOLANA_WALLET", wallet)
	if err := s.x.Mint(s.ctx, codec.Hash(wallet.PublicKey()), 100, 1); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"USER_KEY", "SECOND_KEY"} {
		key, err := signing.GenerateKey()
		if err != nil {
			t.Fatal(err)
		}
		t.Setenv(name, hex.EncodeToString(crypto.FromECDSA(key)))
	}
	return terminal{t, s.n.Daemon("listener")}, wallet.PublicKey().String()
}

// terminal is money in and out, and what operators look at, by the command line alone.
func (s *solanaScene) terminal(t *testing.T) {
	c, address := s.customer(t)
	hand := []string{"--rpc", s.x.Endpoint, "--wallet-key", "env:SOLANA_WALLET"}
	c.must(append([]string{"tx", "deposit", s.x.ID, "USDC", "20", "--link", "env:USER_KEY"}, hand...)...)
	c.must(append([]string{"tx", "deposit", s.x.ID, "SOL", "0.5"}, hand...)...)
	c.must(append([]string{"tx", "link", s.x.ID, "--key", "env:SECOND_KEY"}, hand...)...)
	until(t, s.ctx, "the account shows what came in", solanaPaid, func() (bool, error) {
		account, err := s.client.Account(s.ctx, s.x.ID+"/"+address)
		return len(account.Keys) == 2 && len(account.Balances) == 2, err
	})
	to, err := s.x.NewWallet()
	if err != nil {
		t.Fatal(err)
	}
	c.must("tx", "withdraw", s.x.ID, "USDC", "5", to.Address, "--key", "env:USER_KEY", "--wait")
	c.must("tx", "withdraw", s.x.ID, "SOL", "0.1", to.Address, "--key", "env:SECOND_KEY", "--wait")
	c.must("tx", "withdraw", s.evm.ID, "USDC", "5", "0x00000000000000000000000000000000000ca11e", "--key", "env:USER_KEY", "--wait")
	for symbol, want := range map[string]uint64{"USDC": 4_900_000_000, "SOL": 99_000_000} { // the test dollar has 9 decimals here
		if got := s.owns(t, s.x, symbol, to); got.Uint64() != want {
			t.Errorf("%s owns %s units of %s, want %d", to.Address, got.Dec(), symbol, want)
		}
	}
	for _, args := range [][]string{
		{"status"}, {"account", s.x.ID + "/" + address}, {"bridge", "status", s.x.ID}, {"action", "show", s.x.ID, "1"}, {"tx", "withdrawal", s.x.ID, "1"},
		{"config", "check", c.daemon.Config},
	} {
		c.must(args...)
		var v any
		if err := json.Unmarshal([]byte(c.must(append(args, "--json")...)), &v); err != nil {
			t.Errorf("trine %s --json is not one JSON value: %v", strings.Join(args, " "), err)
		}
	}
	submitter := terminal{t, s.n.Daemon("submitter")}
	if out := submitter.must("submitter", "balance"); !strings.Contains(out, " SOL") || !strings.Contains(out, " ETH") {
		t.Errorf("balances are not in the chains' own coins:\n%s", out)
	}
	if out := submitter.must("submitter", "caps", s.x.ID, "--max-fee", "2000000", "--max-tip", "2000000"); !strings.Contains(out, "2000000 micro-lamports") {
		t.Errorf("caps are not in the chain's own unit:\n%s", out)
	}
	s.secondBridge(t, c)
}

// secondBridge deploys another bridge of the same network, twice: the second time finds the first's. No member is
// talked into it.
func (s *solanaScene) secondBridge(t *testing.T, c terminal) {
	deploy := []string{"deploy", s.x.ID, "--genesis", filepath.Join(s.n.Dir, "net", "genesis.json"), "--rpc", s.x.Endpoint, "--fee-key", "env:SOLANA_WALLET", "--json"}
	var bridges [2]struct{ Chain, Bridge, Tx string }
	for i := range bridges {
		if err := json.Unmarshal([]byte(c.must(deploy...)), &bridges[i]); err != nil {
			t.Fatal(err)
		}
	}
	if bridges[0] != bridges[1] || bridges[0].Bridge == s.x.Bridge || bridges[0].Tx == "" {
		t.Errorf("deployed %+v and then %+v, want one bridge that is not %s", bridges[0], bridges[1], s.x.Bridge)
	}
	if out, code := c.run("bridge", "attach", s.x.ID, bridges[0].Bridge); code == 0 || !strings.Contains(out, s.x.ID) {
		t.Errorf("attaching a second bridge to a chain exits with %d:\n%s", code, out)
	}
}

// mistakes are commands on Solana that cannot work: each says what is wrong.
func (s *solanaScene) mistakes(t *testing.T) {
	c, address := s.customer(t)
	setKey(t, "POOR", s.chain.Wallet(t, 0))
	elsewhere := "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp"
	hand := func(rpc, key string, args ...string) []string { return append(args, "--rpc", rpc, "--wallet-key", key) }
	for _, m := range []struct {
		name  string
		code  int
		words string
		args  []string
	}{
		{"an Ethereum address", 2, "no address of Solana", []string{"tx", "withdraw", s.x.ID, "USDC", "5", "0x00000000000000000000000000000000000ca11e", "--key", "env:USER_KEY"}},
		{"a Solana address on Ethereum", 2, "address on " + s.evm.ID, []string{"tx", "withdraw", s.evm.ID, "USDC", "5", address, "--key", "env:USER_KEY"}},
		{"another cluster", 3, elsewhere, hand(s.x.Endpoint, "env:SOLANA_WALLET", "tx", "deposit", elsewhere, "USDC", "5")},
		{"an endpoint of Ethereum", 1, "getGenesisHash", hand(s.evm.Endpoint, "env:SOLANA_WALLET", "tx", "deposit", s.x.ID, "USDC", "5")},
		{"nobody at the endpoint", 1, "refused", hand("http://127.0.0.1:1", "env:SOLANA_WALLET", "tx", "deposit", s.x.ID, "USDC", "5")},
		{"no endpoint at all", 1, "http", hand("nowhere", "env:SOLANA_WALLET", "tx", "deposit", s.x.ID, "USDC", "5")},
		{"a wallet without coins", 1, "owns no SOL", hand(s.x.Endpoint, "env:POOR", "tx", "deposit", s.x.ID, "SOL", "0.1")},
		{"more than the wallet owns", 1, "owns 100", hand(s.x.Endpoint, "env:SOLANA_WALLET", "tx", "deposit", s.x.ID, "USDC", "1000")},
		{"more coins than the wallet owns", 1, "owns 6", hand(s.x.Endpoint, "env:SOLANA_WALLET", "tx", "deposit", s.x.ID, "SOL", "1000")},
		{"too many digits", 2, "0.0000000001", hand(s.x.Endpoint, "env:SOLANA_WALLET", "tx", "deposit", s.x.ID, "SOL", "0.0000000001")},
		{"nothing owed", 1, "nothing of token", hand(s.x.Endpoint, "env:SOLANA_WALLET", "tx", "claim", s.x.ID, "USDC", address)},
		{"a key that is none", 2, "NOTHING", hand(s.x.Endpoint, "env:NOTHING", "tx", "link", s.x.ID, "--key", "env:USER_KEY")},
		{"an unknown chain's bridge", 3, elsewhere, []string{"bridge", "status", elsewhere}},
		{"a chain not of the genesis", 2, elsewhere, []string{"deploy", elsewhere, "--genesis", filepath.Join(s.n.Dir, "net", "genesis.json"), "--rpc", s.x.Endpoint, "--fee-key", "env:SOLANA_WALLET"}},
		{"a bridge that is no address", 2, "no address of Solana", []string{"bridge", "attach", s.x.ID, "0x1234"}},
		{"a listener's caps", 1, "ask a daemon of the role", []string{"submitter", "caps", s.x.ID, "--max-fee", "1", "--max-tip", "1"}},
	} {
		t.Run(m.name, func(t *testing.T) {
			c := c
			c.t = t
			c.fails(m.code, m.words, m.args...)
		})
	}
	t.Run("caps", func(t *testing.T) {
		submitter := terminal{t, s.n.Daemon("submitter")}
		submitter.fails(2, "-1", "submitter", "caps", s.x.ID, "--max-fee", "-1", "--max-tip", "1")
		submitter.fails(1, elsewhere, "submitter", "caps", elsewhere, "--max-fee", "1", "--max-tip", "1")
	})
}

// pause is one approver's pause, the quorum's unpause, and a limit, all at the terminal.
func (s *solanaScene) pause(t *testing.T) {
	c, _ := s.customer(t)
	hand := []string{"--rpc", s.x.Endpoint, "--wallet-key", "env:SOLANA_WALLET"}
	approvers := terminals(t, s.n, "approver")
	pause := append([]string{"pause", s.x.ID}, hand...)
	approvers[0].must(pause...)
	paused := func(want bool) func() (bool, error) {
		return func() (bool, error) {
			b, err := s.client.Bridge(s.ctx, s.x.ID)
			return err == nil && b.Paused == want, err
		}
	}
	until(t, s.ctx, "the ledger knows the pause", solanaPaid, paused(true))
	c.fails(1, "BridgePaused", append([]string{"tx", "deposit", s.x.ID, "SOL", "0.1"}, hand...)...)
	approvers[0].fails(1, "paused already", pause...)
	approvers[0].must("unpause", s.x.ID)
	if b, err := s.client.Bridge(s.ctx, s.x.ID); err != nil || !b.Paused {
		t.Errorf("one vote unpaused the bridge (%v)", err)
	}
	approvers[1].must("unpause", s.x.ID)
	until(t, s.ctx, "the bridge works again", solanaPaid, paused(false))
	c.must(append([]string{"tx", "deposit", s.x.ID, "SOL", "0.1"}, hand...)...)

	for _, approver := range approvers[:2] {
		approver.must("limit", s.x.ID, "USDC", "30", "--window", "60m")
	}
	until(t, s.ctx, "the limit stands on the bridge", solanaPaid, func() (bool, error) {
		b, err := s.client.Bridge(s.ctx, s.x.ID)
		for _, token := range b.Tokens {
			if token.Asset == "USDC" && token.Limit != nil && token.Limit.Capacity.Text == "30" && token.Limit.Window == 3600 {
				return true, nil
			}
		}
		return false, err
	})
}
