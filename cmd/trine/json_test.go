package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/accounts/abi/bind"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/ethclient"
	"github.com/spf13/cobra"

	"github.com/trinebridge/trine/app"
	"github.com/trinebridge/trine/devnet"
)

// withoutJSON are the commands that print no result, with the reason.
var withoutJSON = map[string]string{
	"trine devnet": "it runs until it is interrupted; make demo reads its JSON",
	"trine help":   "it prints help",
}

// jsonTerminal runs commands with --json beside a network of real daemons.
type jsonTerminal struct {
	t      *testing.T
	binary string
	config string // of the daemon that commands talk to
	env    []string
	ran    map[string]bool // command paths
}

// TestJSON has every command that prints a result print exactly one JSON value, and nothing
// else, on standard output, when it has done what it is for.
func TestJSON(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := &jsonTerminal{t: t, binary: filepath.Join(dir, "trine"), ran: map[string]bool{}}
	if err := os.Symlink(self, c.binary); err != nil { // TestMain runs main under this name
		t.Fatal(err)
	}
	n, err := devnet.Start(ctx, devnet.Config{
		Binary: c.binary, Dir: filepath.Join(dir, "net"), Families: []string{"eip155"}, Listeners: 1, Approvers: 1, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Stop(); err != nil {
			t.Error(err)
		}
	})
	for _, name := range []string{"ALICE", "SECOND"} {
		key, err := crypto.GenerateKey()
		if err != nil {
			t.Fatal(err)
		}
		c.setKey(name, crypto.FromECDSA(key))
	}
	c.setKey("FAUCET", crypto.FromECDSA(devnet.Faucet()))
	c.setUp(dir, n)
	c.moneyInAndOut(ctx, n)
	c.operate(n)

	walk(newRoot(), func(cmd *cobra.Command) {
		path := cmd.CommandPath()
		_, exempt := withoutJSON[path]
		daemon := slices.ContainsFunc(app.Roles, func(r app.Role) bool { return path == "trine "+string(r) })
		if cmd.HasSubCommands() || exempt || daemon || strings.HasPrefix(path, "trine completion") {
			return
		}
		if !c.ran[path] {
			t.Errorf("%s was not run with --json", path)
		}
	})
}

func (c *jsonTerminal) setKey(name string, key []byte) {
	c.env = append(c.env, name+"="+hex.EncodeToString(key))
}

// as talks to the first daemon of a role from here on.
func (c *jsonTerminal) as(n *devnet.Network, role app.Role) *jsonTerminal {
	c.config = n.Daemon(role).Config
	return c
}

// json runs a command that must succeed, and returns the value that it printed.
func (c *jsonTerminal) json(args ...string) any {
	c.t.Helper()
	cmd, _, err := newRoot().Find(args)
	if err != nil {
		c.t.Fatal(err)
	}
	all := append(slices.Clone(args), "--json")
	if c.config != "" {
		all = append(all, "--config", c.config)
	}
	var out, errs bytes.Buffer
	run := exec.Command(c.binary, all...) // it is this program
	run.Env, run.Stdout, run.Stderr = append(os.Environ(), c.env...), &out, &errs
	if err := run.Run(); err != nil {
		c.t.Fatalf("trine %s: %v\n%s%s", strings.Join(all, " "), err, out.String(), errs.String())
	}
	decoder := json.NewDecoder(&out)
	var v, more any
	if err := decoder.Decode(&v); err != nil || v == nil {
		c.t.Fatalf("trine %s prints no JSON value: %v", strings.Join(all, " "), err)
	}
	if err := decoder.Decode(&more); !errors.Is(err, io.EOF) {
		c.t.Errorf("trine %s prints more than one JSON value: %v, %v", strings.Join(all, " "), more, err)
	}
	c.ran[cmd.CommandPath()] = true
	return v
}

// field returns a text of a JSON object.
func (c *jsonTerminal) field(v any, name string) string {
	c.t.Helper()
	object, ok := v.(map[string]any)
	text, isText := object[name].(string)
	if !ok || !isText {
		c.t.Fatalf("%v has no text %s", v, name)
	}
	return text
}

// setUp runs what needs no running network, and deploys.
func (c *jsonTerminal) setUp(dir string, n *devnet.Network) {
	password := filepath.Join(dir, "password")
	if err := os.WriteFile(password, []byte("correct horse\n"), 0o600); err != nil {
		c.t.Fatal(err)
	}
	key := filepath.Join(dir, "key.json")
	c.json("keys", "new", key, "--password-file", password, "--light")
	c.json("keys", "show", "file:"+key+"?password-file="+password)
	c.json("init", filepath.Join(dir, "other"), "--light", "--base-port", "0", "--listeners", "1", "--approvers", "1", "--chain", "eip155:1=http://127.0.0.1:1")
	c.json("config", "check", n.Daemon(app.RoleListener).Config, n.Daemon(app.RoleSubmitter).Config)
	x := n.Chains[0]
	c.json("deploy", x.ID, "--genesis", filepath.Join(filepath.Dir(n.Daemon(app.RoleListener).Config), "genesis.json"), "--rpc", x.Endpoint, "--fee-key", "env:FAUCET")
}

// moneyInAndOut is a user's way through, and what can be looked at after it.
func (c *jsonTerminal) moneyInAndOut(ctx context.Context, n *devnet.Network) {
	c.as(n, app.RoleListener)
	x := n.Chains[0]
	wallet := []string{"--rpc", x.Endpoint, "--wallet-key", "env:FAUCET"}
	deposit := c.json(append([]string{"tx", "deposit", x.ID, "ETH", "1", "--link", "env:ALICE"}, wallet...)...)
	c.json(append([]string{"tx", "link", x.ID, "--key", "env:SECOND"}, wallet...)...)
	account := x.ID + "/" + c.field(deposit, "wallet")
	client, err := n.Daemon(app.RoleListener).Client()
	if err != nil {
		c.t.Fatal(err)
	}
	c.until(ctx, "the account has both keys", func() bool {
		a, err := client.Account(ctx, account)
		return err == nil && len(a.Keys) == 2
	})
	c.json("account", account)
	to := c.field(c.json("keys", "show", "env:SECOND"), "key")
	hash := c.field(c.json("tx", "transfer", "ETH", "0.1", to, "--key", "env:ALICE"), "hash")
	c.json("tx", "show", hash)
	c.json("tx", "wait", hash)
	c.json("tx", "withdraw", x.ID, "ETH", "0.1", "0x00000000000000000000000000000000000ca11e", "--key", "env:ALICE", "--wait")
	c.json("tx", "withdrawal", x.ID, "1")
	c.json("action", "show", x.ID, "1")

	// A recipient that refuses what it is paid, until it is told to take it.
	recipient := refuser(ctx, c.t, x.Client(), nil)
	c.json("tx", "withdraw", x.ID, "ETH", "0.1", recipient.Hex(), "--key", "env:ALICE")
	c.until(ctx, "the payment has failed", func() bool {
		w, err := client.Withdrawal(ctx, x.ID, 2)
		return err == nil && w.Status == "claimable"
	})
	refuser(ctx, c.t, x.Client(), &recipient)
	c.json(append([]string{"tx", "claim", x.ID, "ETH", recipient.Hex()}, wallet...)...)
	if held, err := x.Client().BalanceAt(ctx, recipient, nil); err != nil || held.Sign() == 0 {
		c.t.Errorf("the recipient holds %s after the claim, %v", held, err)
	}
}

// operate is what operators look at and do.
func (c *jsonTerminal) operate(n *devnet.Network) {
	x := n.Chains[0]
	c.as(n, app.RoleListener)
	c.json("status")
	c.json("validators")
	c.json("bridge", "status")
	c.json("bridge", "attach", x.ID, x.Bridge)
	c.as(n, app.RoleSubmitter)
	c.json("submitter", "balance")
	c.json("submitter", "caps", x.ID, "--max-fee", "150", "--max-tip", "3")
	c.as(n, app.RoleApprover)
	c.json("limit", x.ID, "ETH", "1000", "--window", "24h")
	c.json("pause", x.ID, "--rpc", x.Endpoint, "--wallet-key", "env:FAUCET")
	c.until(c.t.Context(), "the ledger knows of the pause", func() bool {
		list, ok := c.json("bridge", "status", x.ID).([]any)
		bridge, isOne := list[0].(map[string]any)
		return ok && isOne && bridge["paused"] == true
	})
	c.json("unpause", x.ID)
}

// until waits for a condition, for longer than any machine takes.
func (c *jsonTerminal) until(ctx context.Context, what string, condition func() bool) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	ticker := time.NewTicker(200 * time.Millisecond)
	defer ticker.Stop()
	for !condition() {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			c.t.Fatalf("%s: %v", what, ctx.Err())
		}
	}
}

// refuserCode reverts when it is paid, until it has been called with data: it stops if it
// has, and reverts else, by its first storage slot.
//
//	CALLDATASIZE set JUMPI  0 SLOAD take JUMPI  0 0 REVERT  take: STOP  set: 1 0 SSTORE STOP
const refuserCode = "6014600a5f3960145ff3" + "36600e575f54600c575f5ffd5b005b60015f5500"

// refuser deploys such a recipient, or tells the one that is given to take payments.
func refuser(ctx context.Context, t *testing.T, client *ethclient.Client, told *common.Address) common.Address {
	t.Helper()
	key := devnet.Faucet()
	from := crypto.PubkeyToAddress(key.PublicKey)
	chainID, err := client.ChainID(ctx)
	if err != nil {
		t.Fatal(err)
	}
	nonce, err := client.PendingNonceAt(ctx, from)
	if err != nil {
		t.Fatal(err)
	}
	data := common.FromHex(refuserCode)
	if told != nil {
		data = []byte{1}
	}
	tx, err := types.SignNewTx(key, types.LatestSignerForChainID(chainID), &types.DynamicFeeTx{
		ChainID: chainID, Nonce: nonce, To: told, Gas: 200_000, GasFeeCap: big.NewInt(50e9), GasTipCap: big.NewInt(1e9), Data: data,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := client.SendTransaction(ctx, tx); err != nil {
		t.Fatal(err)
	}
	receipt, err := bind.WaitMined(ctx, client, tx)
	if err != nil || receipt.Status != types.ReceiptStatusSuccessful {
		t.Fatalf("transaction %s: %+v, %v", tx.Hash(), receipt, err)
	}
	return receipt.ContractAddress
}
