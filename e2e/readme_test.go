//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/ethclient"

	"github.com/trinebridge/trine/devnet"
	"github.com/trinebridge/trine/internal/evm"
	"github.com/trinebridge/trine/internal/evmtest"
	"github.com/trinebridge/trine/internal/rpctest"
)

// newcomer sits at a shell in an empty folder with the program in bin/, and follows the
// README.
type newcomer struct {
	t       *testing.T
	ctx     context.Context
	dir     string
	steps   []string
	env     []string
	anvil   *evmtest.Anvil
	token   common.Address
	daemons []daemonFile
}

// daemonFile is what trine init says of a daemon.
type daemonFile struct{ Name, Role, Config, API string }

// TestReadme does what the README tells a newcomer to do, by the README's own lines: a
// network from nothing, a bridge, a deposit and a withdrawal. On the way config check names
// what a newcomer gets wrong.
func TestReadme(t *testing.T) {
	ctx := testContext(t)
	c := newNewcomer(t, ctx)
	var made struct {
		Daemons   []daemonFile
		FeePayers map[string][]string
	}
	// Free ports and key files that open fast are all that a test has otherwise.
	if err := json.Unmarshal([]byte(c.step("init net", " --base-port 0 --light --json")), &made); err != nil {
		t.Fatal(err)
	}
	c.daemons = made.Daemons
	c.endow(made.FeePayers["eip155:1"][0])
	c.step("config check", "")
	t.Run("what config check names", c.mistakes)
	var deployed struct{ Bridge string }
	if err := json.Unmarshal([]byte(c.step("deploy", " --json")), &deployed); err != nil {
		t.Fatal(err)
	}
	c.replace("0xBRIDGE", deployed.Bridge)
	c.start()
	c.attach()
	c.step("status", "")
	c.env = append(c.env, "TRINE_API="+c.daemons[0].API)
	c.moneyInAndOut()
	if len(c.steps) > 0 {
		t.Errorf("the README goes on with %q, and this test does not", c.steps)
	}
	// Checked while all run, nothing is wrong and nobody is missing.
	if out := c.must("bin/trine config check net/*.toml"); !strings.Contains(out, " 0 wrong, 0 warnings") {
		t.Errorf("config check on the running network says:\n%s", out)
	}
}

func newNewcomer(t *testing.T, ctx context.Context) *newcomer {
	t.Helper()
	c := &newcomer{t: t, ctx: ctx, dir: t.TempDir(), anvil: startAnvil(t, 1)}
	if err := os.Mkdir(filepath.Join(c.dir, "bin"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(binary, filepath.Join(c.dir, "bin", "trine")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(c.dir, "password"), []byte("correct horse\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c.steps = readmeSteps(t)
	wallet := evm.DevKey(71)
	c.env = append(os.Environ(), "TRINE_API=", "TRINE_TOKEN_FILE=",
		"DEPLOYER="+hex.EncodeToString(crypto.FromECDSA(devnet.Faucet())), "WALLET="+hex.EncodeToString(crypto.FromECDSA(wallet)))
	chain, err := ethclient.DialContext(ctx, c.anvil.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer chain.Close()
	c.endow(evm.AddressOf(wallet).Hex())
	if c.token, err = evm.DeployToken(ctx, chain, devnet.Faucet(), evm.TokenConfig{Symbol: "USDC", Decimals: 6}); err != nil {
		t.Fatal(err)
	}
	if err := evm.MintToken(ctx, chain, devnet.Faucet(), c.token, evm.AddressOf(wallet), big.NewInt(500_000_000)); err != nil {
		t.Fatal(err)
	}
	// Three endpoints of one node: by address, by name, and with a query.
	port := c.anvil.URL()[strings.LastIndex(c.anvil.URL(), ":"):]
	c.replace("https://a.example", "http://127.0.0.1"+port, "https://b.example", "http://localhost"+port, "https://c.example", "http://127.0.0.1"+port+"/?c",
		"0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48", c.token.Hex(), "0xWALLET", evm.AddressOf(wallet).Hex(), "0xRECIPIENT", recipientAddress.Hex())
	return c
}

// recipientAddress owns nothing before the withdrawal.
var recipientAddress = common.BytesToAddress([]byte("the recipient"))

// readmeSteps returns the commands of the README's section on a network of one's own.
func readmeSteps(t *testing.T) (steps []string) {
	t.Helper()
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(readme), "or step by step")
	section, _, ends := strings.Cut(section, "\n## ")
	if !found || !ends {
		t.Fatal("the README has no steps any more; this test reads them from there")
	}
	for line := range strings.SplitSeq(strings.ReplaceAll(section, "\\\n", ""), "\n") {
		if command, ok := strings.CutPrefix(line, "    "); ok {
			steps = append(steps, command)
		}
	}
	return steps
}

// replace says what stands for the README's made-up words from here on.
func (c *newcomer) replace(pairs ...string) {
	for i, step := range c.steps {
		c.steps[i] = strings.NewReplacer(pairs...).Replace(step)
	}
}

// shell runs a line as a shell does, and returns what it wrote and its exit code.
func (c *newcomer) shell(line string) (stdout, all string, code int) {
	c.t.Helper()
	command := exec.CommandContext(c.ctx, "sh", "-c", line) // a line of the README
	command.Dir, command.Env = c.dir, c.env
	var out, both bytes.Buffer
	command.Stdout, command.Stderr = writers{&out, &both}, &both
	err := command.Run()
	if command.ProcessState == nil {
		c.t.Fatalf("%s: %v", line, err)
	}
	c.t.Logf("$ %s  (exit %d)\n%s", line, command.ProcessState.ExitCode(), both.String())
	return out.String(), both.String(), command.ProcessState.ExitCode()
}

// writers writes to each; a command writes to it from one goroutine.
type writers []*bytes.Buffer

// Write implements io.Writer.
func (w writers) Write(p []byte) (int, error) {
	for _, b := range w {
		b.Write(p)
	}
	return len(p), nil
}

func (c *newcomer) must(line string) string {
	c.t.Helper()
	stdout, _, code := c.shell(line)
	if code != 0 {
		c.t.Fatalf("%s exits with %d", line, code)
	}
	return stdout
}

// step runs the README's next line, which must be of this kind.
func (c *newcomer) step(kind, more string) string {
	c.t.Helper()
	return c.must(c.next(kind) + more)
}

// next takes the README's next line, without its remark.
func (c *newcomer) next(kind string) string {
	c.t.Helper()
	if len(c.steps) == 0 || !strings.HasPrefix(c.steps[0], "bin/trine "+kind) {
		c.t.Fatalf("the README goes on with %q, want a line with trine %s", c.steps, kind)
	}
	line, _, _ := strings.Cut(c.steps[0], "  #")
	c.steps = c.steps[1:]
	return strings.TrimRight(line, " ")
}

// endow gives an account coins.
func (c *newcomer) endow(address string) {
	c.t.Helper()
	if err := c.anvil.Call(c.ctx, nil, "anvil_setBalance", address, "0x56bc75e2d63100000"); err != nil { // 100 coins
		c.t.Fatal(err)
	}
}

// start starts every daemon as the README starts the first, and stops it at the end as an
// operator does.
func (c *newcomer) start() {
	c.t.Helper()
	first := c.next("processor")
	for _, d := range c.daemons {
		words := strings.Fields(strings.NewReplacer("processor.toml", filepath.Base(d.Config), "trine processor", "trine "+d.Role).Replace(first))
		log, err := os.Create(filepath.Join(c.dir, d.Name+".log"))
		if err != nil {
			c.t.Fatal(err)
		}
		command := exec.Command(filepath.Join(c.dir, words[0]), words[1:]...) // our own program
		command.Dir, command.Env, command.Stderr, command.Stdout = c.dir, c.env, log, log
		if err := command.Start(); err != nil {
			c.t.Fatal(err)
		}
		_ = log.Close() // the daemon has it
		c.t.Cleanup(func() {
			if err := command.Process.Signal(os.Interrupt); err != nil {
				c.t.Errorf("%s: %v", d.Name, err)
			}
			killer := time.AfterFunc(time.Minute, func() { _ = command.Process.Kill() })
			defer killer.Stop()
			if err := command.Wait(); err != nil {
				c.t.Errorf("%s, told to stop, ended with %v", d.Name, err)
			}
			if c.t.Failed() {
				text, _ := os.ReadFile(log.Name()) // it helps if it is there
				c.t.Logf("== %s\n%s", d.Name, text)
			}
		})
	}
	for _, d := range c.daemons {
		until(c.t, c.ctx, d.Name+" answers", time.Minute, func() (bool, error) {
			_, _, code := c.shell("bin/trine status --config " + d.Config)
			return code == 0, nil
		})
	}
}

// attach has each listener and approver agree, and waits until the bridge is attached.
func (c *newcomer) attach() {
	c.t.Helper()
	first := c.next("bridge attach")
	for _, d := range c.daemons {
		if d.Role == "listener" || d.Role == "approver" {
			c.must(strings.Replace(first, "listener-1.toml", filepath.Base(d.Config), 1))
		}
	}
	for _, d := range c.daemons {
		until(c.t, c.ctx, d.Name+" is ready and knows the bridge", 2*time.Minute, func() (bool, error) {
			bridges, _, code := c.shell("bin/trine bridge status --json --config " + d.Config)
			status, _, _ := c.shell("bin/trine status --json --config " + d.Config)
			return code == 0 && strings.Contains(bridges, `"chain":"eip155:1"`) && strings.Contains(status, `"ready":true`), nil
		})
	}
}

func (c *newcomer) moneyInAndOut() {
	c.t.Helper()
	c.step("keys new", " --light")
	c.step("tx deposit", "")
	account := c.next("account")
	until(c.t, c.ctx, "the deposit is credited", 2*time.Minute, func() (bool, error) {
		out, _, code := c.shell(account + " --json")
		return code == 0 && strings.Contains(out, `"text":"100"`), nil
	})
	c.must(account)
	if out := c.step("tx withdraw", ""); !strings.Contains(out, "paid in action 1") {
		c.t.Errorf("the withdrawal ended with %s", out)
	}
	var balance string
	data := "0x70a08231" + hex.EncodeToString(common.LeftPadBytes(recipientAddress[:], 32))
	if err := c.anvil.Call(c.ctx, &balance, "eth_call", map[string]any{"to": c.token, "data": data}, "latest"); err != nil {
		c.t.Fatal(err)
	}
	if got := new(big.Int).SetBytes(common.FromHex(balance)); got.Int64() != 39_000_000 {
		c.t.Errorf("the recipient owns %s, want 39 of 40: the fee is 1", got)
	}
	c.must("bin/trine tx withdrawal eip155:1 1")
}

// mistakes spoils a good file in the ways of newcomers: config check names each, and
// nothing else.
func (c *newcomer) mistakes(t *testing.T) {
	here := *c
	c, here.t = &here, t
	other := startAnvil(t, 2)
	silent := rpctest.Start(t, c.anvil.URL())
	silent.Handle(func(x *rpctest.Exchange) { x.Drop() })
	c.must("bin/trine init other --light --base-port 0 --network other --chain eip155:1=" + c.anvil.URL())
	good, err := os.ReadFile(filepath.Join(c.dir, "net", "listener-1.toml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range []struct {
		name, old, new string
		want           []string
	}{
		{"an unknown key", "data_dir", "datadir", []string{"file", "unknown key", "datadir"}},
		{"nobody at an endpoint", "http://localhost", "http://127.0.0.9", []string{"endpoint http://127.0.0.9", "connection refused"}},
		{"an endpoint that hangs up", c.anvil.URL() + "/", silent.URL(), []string{"endpoint " + silent.URL()}},
		{"an endpoint of another chain", c.anvil.URL() + "/", other.URL(), []string{"endpoint " + other.URL(), "is of chain eip155:2, want eip155:1"}},
		{"a chain that is not in the genesis", "eip155:1", "eip155:10", []string{"chain eip155:10", "not in the genesis"}},
		{"a key file that is not there", "keys/listener-1.json", "keys/listener-9.json", []string{"key", "listener-9.json", "no such file"}},
		{"another member's key", "keys/listener-1.json", "keys/approver-1.json", []string{"key", "holds no seat as listener"}},
		{"no password", "password-file=keys/password", "password-file=keys/passwort", []string{"key", "keys/passwort", "no such file"}},
		{"another network's genesis", "genesis.json", "../other/genesis.json", []string{"key", "holds no seat as listener"}},
		{"no genesis", "genesis.json", "genesys.json", []string{"genesis", "genesys.json", "no such file"}},
		{"an API for everybody", "listen = '127.0.0.1", "listen = '0.0.0.0", []string{"api.listen", "not on loopback"}},
	} {
		t.Run(m.name, func(t *testing.T) {
			if !bytes.Contains(good, []byte(m.old)) {
				t.Fatalf("the file has no %s:\n%s", m.old, good)
			}
			if err := os.WriteFile(filepath.Join(c.dir, "net", "spoiled.txt"), bytes.ReplaceAll(good, []byte(m.old), []byte(m.new)), 0o600); err != nil {
				t.Fatal(err)
			}
			out, _, code := c.shell("bin/trine config check --json net/spoiled.txt")
			var findings []struct{ What, Fault string }
			if err := json.Unmarshal([]byte(out), &findings); err != nil || code != 2 {
				t.Fatalf("exit code is %d, want 2; output: %v", code, err)
			}
			var faults []string
			for _, f := range findings {
				if f.Fault != "" {
					faults = append(faults, fmt.Sprintf("%s: %s", f.What, f.Fault))
				}
			}
			if len(faults) != 1 || slices.ContainsFunc(m.want, func(w string) bool { return !strings.Contains(faults[0], w) }) {
				t.Errorf("faults are %q, want one with %q", faults, m.want)
			}
		})
	}
}
