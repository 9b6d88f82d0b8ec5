package solanatest

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/gagliardetto/solana-go"
	"github.com/gagliardetto/solana-go/programs/system"
)

var validators, surfpools Shared

func TestMain(m *testing.M) {
	code := m.Run()
	for _, s := range []*Shared{&validators, &surfpools} {
		if err := s.Close(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// onBoth runs a test on a validator and on Surfpool.
func onBoth(t *testing.T, test func(t *testing.T, c *Chain)) {
	t.Run("validator", func(t *testing.T) {
		NeedValidator(t)
		test(t, validators.Get(t, OpenValidator, Config{}))
	})
	t.Run("surfpool", func(t *testing.T) { test(t, surfpools.Get(t, OpenSurfpool, Config{})) })
}

// transfer moves units between two associated accounts, as a wallet does.
func transfer(t *testing.T, k *Token, from solana.PrivateKey, to solana.PublicKey, units uint64) error {
	t.Helper()
	const transferChecked = 12
	mint := k.chain.Account(t, k.Mint, Confirmed)
	const decimals = 44
	data := binary.LittleEndian.AppendUint64([]byte{transferChecked}, units)
	_, err := k.chain.TrySend(t.Context(), []solana.PrivateKey{from}, solana.NewInstruction(k.Program, solana.AccountMetaSlice{
		solana.Meta(k.Account(from.PublicKey())).WRITE(), solana.Meta(k.Mint), solana.Meta(k.Account(to)).WRITE(), solana.Meta(from.PublicKey()).SIGNER(),
	}, append(data, mint.Data[decimals])))
	return err
}

func TestCoinsMoveAndEqualTransfersAreTwo(t *testing.T) {
	onBoth(t, func(t *testing.T, c *Chain) {
		if !strings.HasPrefix(c.ID(), "solana:") || len(c.ID()) != len("solana:")+32 {
			t.Errorf("the chain's name is %q", c.ID())
		}
		const coin = solana.LAMPORTS_PER_SOL
		wallet := c.Wallet(t, coin).PublicKey()
		for range 3 {
			c.Fund(t, wallet, coin)
		}
		if got := c.Lamports(t, wallet, Confirmed); got != 4*coin {
			t.Errorf("balance %d, want %d", got, 4*coin)
		}
		if got := c.Account(t, c.Wallet(t, 0).PublicKey(), Confirmed); got != nil {
			t.Errorf("a wallet that nobody has heard of has an account: %v", got)
		}
	})
}

func TestFinalityIsAwaited(t *testing.T) {
	onBoth(t, func(t *testing.T, c *Chain) {
		wallet := c.Wallet(t, 0).PublicKey()
		signature := c.Send(t, nil, system.NewTransferInstruction(solana.LAMPORTS_PER_SOL, c.Payer().PublicKey(), wallet).Build())
		slot := c.Slot(t, Confirmed)
		c.Await(t, signature, Finalized)
		if got := c.Lamports(t, wallet, Finalized); got != solana.LAMPORTS_PER_SOL {
			t.Errorf("finalized balance %d", got)
		}
		c.AwaitSlot(t, slot, Finalized)
		if now := c.Slot(t, Finalized); now < slot {
			t.Errorf("finalized slot %d, awaited %d", now, slot)
		}
	})
}

func TestWhatTheChainRefusesIsAnErrorWithItsWords(t *testing.T) {
	onBoth(t, func(t *testing.T, c *Chain) {
		poor := c.Wallet(t, 0)
		_, err := c.TrySend(t.Context(), []solana.PrivateKey{poor}, system.NewTransferInstruction(1, poor.PublicKey(), c.Payer().PublicKey()).Build())
		if err == nil || !strings.Contains(err.Error(), "simulation failed") {
			t.Errorf("a wallet without coins paid: %v", err)
		}
	})
}

func TestTokensOfEveryKind(t *testing.T) {
	const units = 1_000_000
	tests := []struct {
		name    string
		mint    Mint
		program solana.PublicKey
		// arrives is what a transfer of all units credits; spoil makes it fail, mend ends that.
		arrives     uint64
		spoil, mend func(t *testing.T, k *Token, to solana.PrivateKey)
	}{
		{
			name: "spl", mint: Mint{Decimals: 6}, program: solana.TokenProgramID, arrives: units,
			spoil: func(t *testing.T, k *Token, to solana.PrivateKey) { k.Freeze(t, to.PublicKey()) },
			mend:  func(t *testing.T, k *Token, to solana.PrivateKey) { k.Thaw(t, to.PublicKey()) },
		},
		{
			name: "closed", mint: Mint{Decimals: 6}, program: solana.TokenProgramID, arrives: units,
			spoil: func(t *testing.T, k *Token, to solana.PrivateKey) { k.Shut(t, to) },
			mend:  func(t *testing.T, k *Token, to solana.PrivateKey) { k.Open(t, to.PublicKey()) },
		},
		{
			name: "memo", mint: Mint{Decimals: 9, Token2022: true}, program: solana.Token2022ProgramID, arrives: units,
			spoil: func(t *testing.T, k *Token, to solana.PrivateKey) { k.RequireMemo(t, to, true) },
			mend:  func(t *testing.T, k *Token, to solana.PrivateKey) { k.RequireMemo(t, to, false) },
		},
		{
			name: "fee and pause", mint: Mint{Fee: &TransferFee{BasisPoints: 100, Maximum: units}, Pausable: true},
			program: solana.Token2022ProgramID, arrives: units - units/100,
			spoil: func(t *testing.T, k *Token, _ solana.PrivateKey) { k.Pause(t) },
			mend:  func(t *testing.T, k *Token, _ solana.PrivateKey) { k.Resume(t) },
		},
		{
			name: "frozen from the start, with a delegate", mint: Mint{DefaultFrozen: true, PermanentDelegate: true},
			program: solana.Token2022ProgramID, arrives: units,
			spoil: func(*testing.T, *Token, solana.PrivateKey) {}, // the recipient's account was never thawed
			mend:  func(t *testing.T, k *Token, to solana.PrivateKey) { k.Thaw(t, to.PublicKey()) },
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, c *Chain) {
				k := c.CreateToken(t, test.mint)
				if account := c.Account(t, k.Mint, Confirmed); account == nil || account.Owner != test.program {
					t.Fatalf("the mint is not of %s: %+v", test.program, account)
				}
				from, to := c.Wallet(t, solana.LAMPORTS_PER_SOL), c.Wallet(t, solana.LAMPORTS_PER_SOL)
				k.Open(t, from.PublicKey())
				if test.mint.DefaultFrozen {
					k.Thaw(t, from.PublicKey())
				}
				k.MintTo(t, from.PublicKey(), units)
				k.Open(t, to.PublicKey())
				test.spoil(t, k, to)
				if err := transfer(t, k, from, to.PublicKey(), units); err == nil {
					t.Error("the spoiled transfer went through")
				}
				test.mend(t, k, to)
				if err := transfer(t, k, from, to.PublicKey(), units); err != nil {
					t.Fatal(err)
				}
				if left, arrived := k.Balance(t, from.PublicKey(), Confirmed), k.Balance(t, to.PublicKey(), Confirmed); left != 0 || arrived != test.arrives {
					t.Errorf("%d left and %d arrived, want 0 and %d", left, arrived, test.arrives)
				}
			})
		})
	}
}

func TestAHookIsCalled(t *testing.T) {
	onBoth(t, func(t *testing.T, c *Chain) {
		k := c.CreateToken(t, Mint{Hook: c.Wallet(t, 0).PublicKey()})
		from, to := c.Wallet(t, solana.LAMPORTS_PER_SOL), c.Wallet(t, solana.LAMPORTS_PER_SOL)
		k.MintTo(t, from.PublicKey(), 1)
		k.Open(t, to.PublicKey())
		if err := transfer(t, k, from, to.PublicKey(), 1); err == nil {
			t.Error("a transfer went past a hook that is not there")
		}
	})
}

// bridge is the bridge's program under a new id, with somebody who may upgrade it or nobody.
func bridge(t *testing.T, authority solana.PublicKey) Program {
	t.Helper()
	p := Program{ID: solana.NewWallet().PublicKey(), Authority: authority}
	for file, code := range map[string]*[]byte{"trine_bridge.so": &p.Code, "trine_bridge_v0.so": &p.CodeV0} {
		var err error
		if *code, err = os.ReadFile(filepath.Join("../../bridgecontracts/solana/artifact", file)); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

// checkProgram sees that a program runs, by an instruction that it refuses itself, and who may upgrade it.
func checkProgram(t *testing.T, c *Chain, p Program) {
	t.Helper()
	_, err := c.TrySend(t.Context(), nil, solana.NewInstruction(p.ID, nil, []byte{255}))
	if err == nil || !strings.Contains(err.Error(), "custom program error") {
		t.Errorf("the program should have refused an unknown instruction: %v", err)
	}
	account, _, err := solana.FindProgramAddress([][]byte{p.ID[:]}, solana.BPFLoaderUpgradeableProgramID)
	if err != nil {
		t.Fatal(err)
	}
	data := c.Account(t, account, Confirmed).Data
	if data[12] != authorityFollows || !bytes.Equal(data[13:45], p.Authority[:]) {
		t.Errorf("the authority should be %s: % x", p.Authority, data[12:45])
	}
}

func TestSurfpoolStartsWithPrograms(t *testing.T) {
	owned, free := bridge(t, solana.NewWallet().PublicKey()), bridge(t, solana.PublicKey{})
	c := StartSurfpool(t, Config{Programs: []Program{owned, free}})
	checkProgram(t, c, owned)
	checkProgram(t, c, free)
	free.CodeV0 = nil
	if c, err := OpenSurfpool(t.Context(), Config{Programs: []Program{free}}); err == nil || !strings.Contains(err.Error(), free.ID.String()) {
		t.Errorf("a program without code started %v: %v", c, err)
	}
}

func TestTwoValidatorsRunBesideEachOtherAndLeaveNothing(t *testing.T) {
	NeedValidator(t)
	first := validators.Get(t, OpenValidator, Config{})
	owned, free := bridge(t, solana.NewWallet().PublicKey()), bridge(t, solana.PublicKey{})
	second, err := OpenValidator(t.Context(), Config{Programs: []Program{owned, free}})
	if err != nil {
		t.Fatal(err)
	}
	checkProgram(t, second, owned)
	checkProgram(t, second, free)
	if first.ID() == second.ID() || first.URL() == second.URL() {
		t.Errorf("the two are one: %s at %s, %s at %s", first.ID(), first.URL(), second.ID(), second.URL())
	}
	second.Fund(t, second.Wallet(t, 0).PublicKey(), solana.LAMPORTS_PER_SOL)
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := second.askSlot(context.Background()); err == nil {
		t.Error("a closed validator answers")
	}
}

func TestAProgramOutlivesNeitherItsOwnerNorAKill(t *testing.T) {
	ends := map[string]func(p *process){
		"the owner is gone": func(p *process) { _ = p.stdin.Close() },
		"killed":            (*process).kill,
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			pids := filepath.Join(folder, "pid")
			if err := syscall.Mkfifo(pids, 0o600); err != nil {
				t.Fatal(err)
			}
			p, err := run(folder, "/bin/sh", []string{"-c", `echo $$ >pid; exec sleep 600`})
			if err != nil {
				t.Fatal(err)
			}
			text, err := os.ReadFile(pids)
			if err != nil {
				t.Fatal(err)
			}
			var pid int
			if _, err := fmt.Sscan(string(text), &pid); err != nil {
				t.Fatal(err)
			}
			end(p)
			<-p.ended
			// The shell has waited for it, or its group was killed and somebody else is about to.
			gone := func(context.Context) (bool, error) { return syscall.Kill(pid, 0) != nil, nil }
			if err := poll(t.Context(), "the program is there", gone); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestAValidatorThatEndsAtOnceSaysWhy(t *testing.T) {
	broken := filepath.Join(t.TempDir(), "validator")
	if err := os.WriteFile(broken, []byte("#!/bin/sh\necho no room for a ledger; exit 1\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SOLANA_TEST_VALIDATOR", broken)
	if _, err := OpenValidator(t.Context(), Config{}); err == nil || !strings.Contains(err.Error(), "no room for a ledger") {
		t.Errorf("want the validator's own words, got %v", err)
	}
}

// skipping is a test that notes that it was skipped.
type skipping struct {
	TB
	skipped string
}

func (s *skipping) Skipf(format string, args ...any) { s.skipped = fmt.Sprintf(format, args...) }

func TestWhatRanIsReported(t *testing.T) {
	path := filepath.Join(t.TempDir(), "report")
	t.Setenv(reportEnv, path)
	t.Setenv("SOLANA_TEST_VALIDATOR", "")
	t.Setenv("TRINE_CACHE", t.TempDir())
	t.Setenv("PATH", "/usr/bin:/bin")
	s := &skipping{TB: t}
	NeedValidator(s)
	if !strings.Contains(s.skipped, "make solana-validator") {
		t.Errorf("the reason for skipping is %q", s.skipped)
	}
	if err := report("ran", "Surfpool 1.2.0"); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if want := "not run\tsolanatest\tTestWhatRanIsReported\nran\tsolanatest\tSurfpool 1.2.0\n"; string(text) != want {
		t.Errorf("the report is %q, want %q", text, want)
	}
	t.Setenv(reportEnv, t.TempDir())
	if err := report("ran", ""); !errors.Is(err, syscall.EISDIR) {
		t.Errorf("a folder took the report: %v", err)
	}
}
