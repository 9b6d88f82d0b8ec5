//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/trinebridge/trine/api"
	bridgecontract "github.com/trinebridge/trine/bridgecontracts/ethereum"
	"github.com/trinebridge/trine/devnet"
	"github.com/trinebridge/trine/internal/evmtest"
)

// terminal runs the trine binary as an operator would, against one daemon.
type terminal struct {
	t      *testing.T
	daemon *devnet.Process
}

// run returns standard output, and the exit code.
func (o terminal) run(args ...string) (string, int) {
	o.t.Helper()
	command := exec.Command(binary, append([]string{"--config", o.daemon.Config}, args...)...)
	command.Env = append(os.Environ(), "FAUCET="+hex.EncodeToString(crypto.FromECDSA(devnet.Faucet())))
	var out, errs bytes.Buffer
	command.Stdout, command.Stderr = &out, &errs
	err := command.Run()
	if command.ProcessState == nil {
		o.t.Fatalf("trine %s: %v", strings.Join(args, " "), err)
	}
	o.t.Logf("$ trine %s  (exit %d)\n%s%s", strings.Join(args, " "), command.ProcessState.ExitCode(), out.String(), errs.String())
	return out.String() + errs.String(), command.ProcessState.ExitCode()
}

// must fails the test unless the command succeeds.
func (o terminal) must(args ...string) string {
	o.t.Helper()
	out, code := o.run(args...)
	if code != 0 {
		o.t.Fatalf("trine %s exits with %d", strings.Join(args, " "), code)
	}
	return out
}

func terminals(t *testing.T, n *devnet.Network, role string) (list []terminal) {
	for _, p := range n.Daemons {
		if string(p.Role) == role {
			list = append(list, terminal{t, p})
		}
	}
	return list
}

// operated is a network with two submitters, and a user with funds on the app chain.
type operated struct {
	t        *testing.T
	ctx      context.Context
	n        *devnet.Network
	x        *devnet.External
	anvil    *evmtest.Anvil
	user     *devnet.User
	client   *api.Client
	payments int
}

// TestOperations is a day of an operator on one network with two racing submitters:
// every delivery is made once, whoever is first; a fee spike is waited out and said; a
// limit holds payments back until it leaks; one approver pauses and two unpause.
func TestOperations(t *testing.T) {
	ctx := testContext(t)
	anvil := startAnvil(t, 31337)
	o := &operated{t: t, ctx: ctx, anvil: anvil}
	o.n = startNetwork(t, ctx, devnet.Config{Chains: []devnet.ChainConfig{{Endpoint: anvil.URL()}}, Submitters: 2})
	o.x = o.n.Chains[0]
	var err error
	if o.user, err = o.n.NewUser(ctx, "Dora"); err != nil {
		t.Fatal(err)
	}
	if o.client, err = o.n.Daemon("listener").Client(); err != nil {
		t.Fatal(err)
	}
	o.deposit("USDC", "1000", true)
	o.deposit("ETH", "2", false)

	t.Run("two submitters race", o.race)
	t.Run("a fee spike beyond the cap", o.feeSpike)
	t.Run("a full limit bucket leaks", o.limit)
	t.Run("one approver pauses, two unpause", o.pauseAndUnpause)
	t.Run("everything an operator looks at", o.look)

	audit, err := o.client.Audit(ctx)
	if err != nil || !audit.Holds {
		t.Errorf("audit: %+v, %v", audit, err)
	}
}

func (o *operated) deposit(symbol, text string, link bool) {
	o.t.Helper()
	if _, err := o.user.Deposit(o.ctx, o.x, symbol, text, link); err != nil {
		o.t.Fatal(err)
	}
	until(o.t, o.ctx, "deposit of "+symbol+" is credited", time.Minute, func() (bool, error) {
		account, ok, err := o.user.Account(o.ctx, o.x)
		if err != nil || !ok {
			return false, err
		}
		held, err := devnet.Balance(&account, symbol)
		return !held.IsZero(), err
	})
}

// withdrawal is one that was asked for.
type withdrawal struct {
	sequence uint64
	to       common.Address
	symbol   string
	text     string
}

// ask asks for a withdrawal to an address of its own.
func (o *operated) ask(t *testing.T, symbol, text string) withdrawal {
	t.Helper()
	o.payments++
	w := withdrawal{to: common.BytesToAddress(crypto.Keccak256([]byte(fmt.Sprint("payment ", o.payments)))[12:]), symbol: symbol, text: text}
	var err error
	if w.sequence, err = o.user.Withdraw(o.ctx, o.x, symbol, text, bridgecontract.Word(w.to)); err != nil {
		t.Fatal(err)
	}
	return w
}

// paid waits until a withdrawal is paid, and checks that the recipient owns exactly it.
func (o *operated) paid(t *testing.T, w withdrawal, within time.Duration) {
	t.Helper()
	until(t, o.ctx, fmt.Sprintf("withdrawal %d is paid", w.sequence), within, func() (bool, error) {
		s, err := o.client.Withdrawal(o.ctx, o.x.ID, w.sequence)
		if err == nil && s.Status != "paid" {
			err = fmt.Errorf("it is %s", s.Status)
		}
		return err == nil, err
	})
	amount, err := o.n.Amount(o.x, w.symbol, w.text)
	if err != nil {
		t.Fatal(err)
	}
	want, err := o.n.AfterFee(amount)
	if err != nil {
		t.Fatal(err)
	}
	got, err := o.user.Hand(o.x).Balance(o.ctx, amount.Token.Address, [32]byte(common.LeftPadBytes(w.to[:], 32)))
	if err != nil {
		t.Fatal(err)
	}
	if got != want {
		t.Errorf("%s owns %s, want exactly %s", w.to, got.Dec(), want.Dec())
	}
}

func (o *operated) race(t *testing.T) {
	var asked []withdrawal
	for i := range 12 {
		asked = append(asked, o.ask(t, "USDC", fmt.Sprintf("1.%d", 1+i)))
	}
	for _, w := range asked {
		o.paid(t, w, 2*time.Minute)
	}
	for _, p := range o.n.Daemons {
		if p.Role != "submitter" {
			continue
		}
		client, err := p.Client()
		if err != nil {
			t.Fatal(err)
		}
		until(t, o.ctx, p.Name+" has nothing left to do", time.Minute, func() (bool, error) {
			s, err := client.Status(o.ctx)
			if err != nil {
				return false, err
			}
			for _, part := range s.Parts {
				if len(part.Waiting) > 0 {
					return false, fmt.Errorf("%s: %v", part.Name, part.Waiting)
				}
			}
			return s.Ready, nil
		})
	}
}

func (o *operated) feeSpike(t *testing.T) {
	spike, end := context.WithCancel(o.ctx)
	defer end()
	done := make(chan struct{})
	// A base fee falls by an eighth per block, so the spike is renewed until it ends.
	go func() {
		defer close(done)
		for pause(spike, 100*time.Millisecond) {
			if err := o.anvil.Call(spike, nil, "anvil_setNextBlockBaseFeePerGas", "0x746a528800"); err != nil && spike.Err() == nil {
				t.Errorf("spike: %v", err)
				return
			}
		}
	}()
	until(t, o.ctx, "the base fee is above the cap", 30*time.Second, func() (bool, error) {
		head, err := o.x.Client().HeaderByNumber(o.ctx, nil)
		return err == nil && head.BaseFee.Uint64() > 400e9, err
	})
	w := o.ask(t, "USDC", "5")
	until(t, o.ctx, "the submitters say that the fee is above the cap", time.Minute, func() (bool, error) {
		for _, s := range terminals(t, o.n, "submitter") {
			client, err := s.daemon.Client()
			if err != nil {
				return false, err
			}
			status, err := client.Status(o.ctx)
			if err != nil {
				return false, err
			}
			if text := fmt.Sprint(status.Parts); !strings.Contains(text, "cap") {
				return false, fmt.Errorf("status is %s", text)
			}
		}
		return true, nil
	})
	if s, err := o.client.Withdrawal(o.ctx, o.x.ID, w.sequence); err != nil || s.Status != "sealed" {
		t.Errorf("withdrawal is %s (%v), want it sealed and not delivered", s.Status, err)
	}
	end()
	<-done
	o.paid(t, w, 2*time.Minute)
}

func (o *operated) limit(t *testing.T) {
	for _, approver := range terminals(t, o.n, "approver")[:2] {
		approver.t = t
		approver.must("limit", o.x.ID, "USDC", "30", "--window", "1m")
	}
	// Where none was, a limit lowers what may leave: no listener need agree.
	until(t, o.ctx, "the limit stands on the bridge", time.Minute, func() (bool, error) {
		b, err := o.client.Bridge(o.ctx, o.x.ID)
		if err != nil {
			return false, err
		}
		for _, token := range b.Tokens {
			if token.Asset == "USDC" && token.Limit != nil && token.Limit.Capacity.Text == "30" && token.Limit.Window == 60 {
				return true, nil
			}
		}
		return false, fmt.Errorf("tokens are %+v", b.Tokens)
	})
	first, second := o.ask(t, "USDC", "25"), o.ask(t, "USDC", "20")
	o.paid(t, first, time.Minute)
	s, err := o.client.Withdrawal(o.ctx, o.x.ID, second.sequence)
	if err != nil || s.Status != "queued" {
		t.Errorf("the second withdrawal is %s (%v), want it queued behind the limit", s.Status, err)
	}
	// The bucket leaks 0.5 a second; nobody sends anything, so it is the processor's tick that moves the queue.
	o.paid(t, second, 3*time.Minute)
}

func (o *operated) pauseAndUnpause(t *testing.T) {
	approvers := terminals(t, o.n, "approver")
	for i := range approvers {
		approvers[i].t = t
	}
	approvers[0].must("pause", o.x.ID, "--rpc", o.x.Endpoint, "--wallet-key", "env:FAUCET")
	paused := func(want bool) func() (bool, error) {
		return func() (bool, error) {
			b, err := o.client.Bridge(o.ctx, o.x.ID)
			return err == nil && b.Paused == want, err
		}
	}
	until(t, o.ctx, "the ledger knows the pause", time.Minute, paused(true))
	if _, err := o.user.Deposit(o.ctx, o.x, "ETH", "0.1", false); err == nil {
		t.Error("a paused bridge took a deposit")
	}
	w := o.ask(t, "ETH", "0.1")
	if out, code := approvers[0].run("pause", o.x.ID, "--rpc", o.x.Endpoint, "--wallet-key", "env:FAUCET"); code != 1 || !strings.Contains(out, "paused already") {
		t.Errorf("a second pause: exit %d, %s", code, out)
	}
	approvers[0].must("unpause", o.x.ID)
	if out, code := approvers[0].run("unpause", o.x.ID); code != 1 {
		t.Errorf("one approver's second vote: exit %d, %s", code, out)
	}
	if b, err := o.client.Bridge(o.ctx, o.x.ID); err != nil || !b.Paused {
		t.Errorf("one vote unpaused the bridge (%v)", err)
	}
	approvers[1].must("unpause", o.x.ID)
	until(t, o.ctx, "the bridge works again", time.Minute, paused(false))
	o.paid(t, w, 2*time.Minute)
}

func (o *operated) look(t *testing.T) {
	listener := terminals(t, o.n, "listener")[0]
	submitter := terminals(t, o.n, "submitter")[0]
	listener.t, submitter.t = t, t
	for _, args := range [][]string{
		{"status"}, {"validators"}, {"account", "1"}, {"bridge", "status"}, {"bridge", "status", o.x.ID},
		{"action", "show", o.x.ID, "1"}, {"tx", "withdrawal", o.x.ID, "1"},
	} {
		listener.must(args...)
		var v any
		if err := json.Unmarshal([]byte(listener.must(append(args, "--json")...)), &v); err != nil {
			t.Errorf("trine %s --json is not one JSON value: %v", strings.Join(args, " "), err)
		}
	}
	submitter.must("submitter", "balance")
	submitter.must("submitter", "caps", o.x.ID, "--max-fee", "150", "--max-tip", "3")
	for _, args := range [][]string{{"account", "99999"}, {"action", "show", o.x.ID, "99999"}, {"bridge", "status", "eip155:1"}} {
		if _, code := listener.run(args...); code != 3 {
			t.Errorf("trine %s exits with %d, want 3: there is no such thing", strings.Join(args, " "), code)
		}
	}
	if _, code := listener.run("submitter", "balance"); code == 0 {
		t.Error("a listener told a submitter's balance")
	}
}
