//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/gagliardetto/solana-go"
	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/api"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/devnet"
	"github.com/trinebridge/trine/internal/solanatest"
	"github.com/trinebridge/trine/signing"
)

// Bounds of what happens on Solana: its finality takes seconds, on a busy machine many.
const (
	solanaWithin = 20 * time.Minute
	solanaPaid   = 5 * time.Minute
)

// solanaScene is a network between Ethereum and Solana.
type solanaScene struct {
	ctx    context.Context
	n      *devnet.Network
	evm, x *devnet.External // x is the Solana chain
	chain  *solanatest.Chain
	client *api.Client
	ice    *solanatest.Token // of SPL Token; the test can freeze its accounts
	memo   *solanatest.Token // of Token-2022; its accounts can ask for a memo
	tokens map[string]*solanatest.Token
}

// TestSolana is the bridge between Ethereum and Solana: built binaries, a real anvil and, where there is one, a real
// solana-test-validator. Money takes every route in both directions; daemons are killed in the middle; what
// cannot be paid is owed and holds nobody up; operators do on Solana whatever they do on Ethereum.
func TestSolana(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), solanaWithin)
	t.Cleanup(cancel)
	s := &solanaScene{ctx: ctx, chain: solanatest.Start(t, solanatest.Config{})}
	s.ice = s.chain.CreateToken(t, solanatest.Mint{Decimals: 6})
	s.memo = s.chain.CreateToken(t, solanatest.Mint{Decimals: 6, Token2022: true})
	s.tokens = map[string]*solanatest.Token{"ICE": s.ice, "MEMO": s.memo}
	s.n = startNetwork(t, ctx, devnet.Config{
		Chains:   []devnet.ChainConfig{{Endpoint: startAnvil(t, 31337).URL()}, {Endpoint: s.chain.URL()}},
		Families: []string{"eip155", "solana"}, Tokens: s.bring,
	})
	s.evm, s.x = s.n.Chains[0], s.n.Chains[1]
	s.client = client(t, s.n.Daemon("listener"))
	if s.x.ID != s.chain.ID() {
		t.Fatalf("the network's second chain is %s, want %s", s.x.ID, s.chain.ID())
	}

	t.Run("every route", s.routes)
	t.Run("one account of two chains", s.oneAccount)
	t.Run("daemons are killed", s.kills)
	t.Run("a recipient that cannot be paid", s.claimables)
	t.Run("at the terminal", s.terminal)
	t.Run("mistakes at the terminal", s.mistakes)
	t.Run("one approver pauses, two unpause", s.pause)

	for _, p := range s.n.Daemons {
		wantAudit(t, ctx, p)
	}
}

// bring names the test's own tokens to the network.
func (s *solanaScene) bring(_ context.Context, chains []*devnet.External) (list []devnet.Token, err error) {
	for symbol, token := range s.tokens {
		list = append(list, devnet.Token{Symbol: symbol, Chain: chains[1].ID, Address: codec.Hash(token.Mint), Decimals: 6})
	}
	return list, nil
}

// routes is the demonstration, which compares what people own on the chains with what they must own.
func (s *solanaScene) routes(t *testing.T) {
	report, err := devnet.Demonstrate(s.ctx, s.n, func(step devnet.Step, what string) {
		t.Logf("%6d ms  %-60s %s: %s", step.MS, step.Name, step.Chain, what)
	})
	if err != nil {
		t.Fatal(err)
	}
	if !report.OK || report.Invariant != "holds" {
		t.Fatalf("report is %+v", report)
	}
	ends := map[string]int{}
	for _, step := range report.Steps {
		ends[step.Chain]++
		if step.Tx == "" {
			t.Errorf("step %q names no transaction", step.Name)
		}
	}
	if ends[s.evm.ID] < 3 || ends[s.x.ID] < 4 {
		t.Errorf("steps ended on %v, want several on each chain", ends)
	}
}

// oneAccount links one key from a Solana wallet, without a deposit, and from an Ethereum wallet with one: what came in
// there goes out here.
func (s *solanaScene) oneAccount(t *testing.T) {
	lena := newUser(t, s.ctx, s.n, "Lena")
	deposit(t, s.ctx, lena, s.x, "", "0", true)
	until(t, s.ctx, "the key is linked to the Solana wallet", solanaPaid, func() (bool, error) {
		account, ok, err := lena.Account(s.ctx, s.x)
		return ok && len(account.Keys) == 1 && account.Keys[0].Key == lena.Key.PublicKey(), err
	})
	deposit(t, s.ctx, lena, s.evm, "USDC", "100", true)
	awaitBalance(t, s.ctx, s.n, lena, s.evm, "USDC", "100")
	awaitBalance(t, s.ctx, s.n, lena, s.x, "USDC", "100")
	s.paid(t, s.ask(t, lena, s.x, "USDC", "60"))
	awaitBalance(t, s.ctx, s.n, lena, s.x, "USDC", "40")
}

// solanaPayment is a withdrawal that was asked for.
type solanaPayment struct {
	x            *devnet.External
	to           *devnet.Wallet
	symbol, text string
	sequence     uint64
}

// ask asks for a withdrawal to an address that owns nothing.
func (s *solanaScene) ask(t *testing.T, u *devnet.User, x *devnet.External, symbol, text string) solanaPayment {
	t.Helper()
	to, err := x.NewWallet()
	if err != nil {
		t.Fatal(err)
	}
	return s.askTo(t, u, x, symbol, text, to)
}

func (s *solanaScene) askTo(t *testing.T, u *devnet.User, x *devnet.External, symbol, text string, to *devnet.Wallet) solanaPayment {
	t.Helper()
	p := solanaPayment{x: x, to: to, symbol: symbol, text: text}
	var err error
	if p.sequence, err = u.Withdraw(s.ctx, x, symbol, text, to.Word); err != nil {
		t.Fatalf("%s withdraws %s %s on %s: %v", u.Name, text, symbol, x.ID, err)
	}
	return p
}

func (s *solanaScene) becomes(t *testing.T, p solanaPayment, status string) {
	t.Helper()
	until(t, s.ctx, fmt.Sprintf("withdrawal %d on %s is %s", p.sequence, p.x.ID, status), solanaPaid, func() (bool, error) {
		w, err := s.client.Withdrawal(s.ctx, p.x.ID, p.sequence)
		if err == nil && w.Status != status {
			err = fmt.Errorf("it is %s", w.Status)
		}
		return err == nil, err
	})
}

// paid waits until a withdrawal is paid, and checks that the recipient owns exactly it.
func (s *solanaScene) paid(t *testing.T, p solanaPayment) {
	t.Helper()
	s.becomes(t, p, "paid")
	amount, err := s.n.Amount(p.x, p.symbol, p.text)
	if err != nil {
		t.Fatal(err)
	}
	want, err := s.n.AfterFee(amount)
	if err != nil {
		t.Fatal(err)
	}
	if got := s.owns(t, p.x, p.symbol, p.to); got != want {
		t.Errorf("withdrawal %d: %s owns %s units of %s on %s, want exactly %s", p.sequence, p.to.Address, got.Dec(), p.symbol, p.x.ID, want.Dec())
	}
}

func (s *solanaScene) owns(t *testing.T, x *devnet.External, symbol string, who *devnet.Wallet) uint256.Int {
	t.Helper()
	amount, err := s.n.Amount(x, symbol, "0")
	if err != nil {
		t.Fatal(err)
	}
	hand, err := s.n.Open(x, who)
	if err != nil {
		t.Fatal(err)
	}
	units, err := hand.Balance(s.ctx, amount.Token.Address, who.Word)
	if err != nil {
		t.Fatal(err)
	}
	return units
}

// kills ends daemons by SIGKILL while deposits and withdrawals on both chains are under way, each role in turn and as
// many of it as break its quorum, and starts them again. Everything arrives, and once.
func (s *solanaScene) kills(t *testing.T) {
	kim := newUser(t, s.ctx, s.n, "Kim")
	deposit(t, s.ctx, kim, s.x, "USDC", "200", true)
	deposit(t, s.ctx, kim, s.x, "SOL", "2", false)
	awaitBalance(t, s.ctx, s.n, kim, s.x, "USDC", "200")
	awaitBalance(t, s.ctx, s.n, kim, s.x, "SOL", "2")
	dollars := 200
	for _, names := range [][]string{{"listener-2", "listener-3"}, {"approver-2", "approver-3"}, {"submitter"}, {"processor"}} {
		asked := []solanaPayment{
			s.ask(t, kim, s.x, "USDC", "10"), s.ask(t, kim, s.x, "SOL", "0.2"), s.ask(t, kim, s.evm, "USDC", "5"),
		}
		deposited := make(chan error, 1)
		go func() {
			_, err := kim.Deposit(s.ctx, s.x, "USDC", "20", false)
			deposited <- err
		}()
		for _, name := range names {
			if err := daemon(t, s.n, name).Kill(); err != nil {
				t.Fatalf("kill %s: %v", name, err)
			}
		}
		if err := <-deposited; err != nil {
			t.Fatalf("deposit while %v are dead: %v", names, err)
		}
		for _, name := range names {
			if err := daemon(t, s.n, name).Start(); err != nil {
				t.Fatalf("start %s: %v", name, err)
			}
		}
		for _, p := range asked {
			s.paid(t, p)
		}
		dollars += 20 - 15
		awaitBalance(t, s.ctx, s.n, kim, s.x, "USDC", fmt.Sprint(dollars))
	}
	awaitBalance(t, s.ctx, s.n, kim, s.x, "SOL", "1.2")
}

// walletOf is a Solana key as the network has wallets.
func walletOf(key solana.PrivateKey) *devnet.Wallet {
	return &devnet.Wallet{Word: codec.Hash(key.PublicKey()), Address: key.PublicKey().String(), Key: signing.NewEd25519Payer([32]byte(key[:32]))}
}

// stock gives a user of the app chain units of a test token.
func (s *solanaScene) stock(t *testing.T, u *devnet.User, symbol, text string, units uint64, link bool) {
	t.Helper()
	s.tokens[symbol].MintTo(t, solana.PublicKey(u.Wallet(s.x).Word), units)
	deposit(t, s.ctx, u, s.x, symbol, text, link)
	awaitBalance(t, s.ctx, s.n, u, s.x, symbol, text)
}

// claimables pays to a frozen account, which can be seen beforehand, and to one that asks for a memo, which cannot: both
// are owed, and the next action is paid. The first is claimed by a stranger once it is thawed, the second by its owner to
// another address.
func (s *solanaScene) claimables(t *testing.T) {
	mia := newUser(t, s.ctx, s.n, "Mia")
	s.stock(t, mia, "ICE", "50", 50_000_000, true)
	s.stock(t, mia, "MEMO", "50", 50_000_000, false)

	frozen, shy := s.chain.Wallet(t, 0), s.chain.Wallet(t, solana.LAMPORTS_PER_SOL)
	s.ice.Open(t, frozen.PublicKey())
	s.ice.Freeze(t, frozen.PublicKey())
	s.memo.Open(t, shy.PublicKey())
	s.memo.RequireMemo(t, shy, true)
	s.chain.AwaitSlot(t, s.chain.Slot(t, solanatest.Confirmed), solanatest.Finalized)

	owed := []solanaPayment{s.askTo(t, mia, s.x, "ICE", "5", walletOf(frozen)), s.askTo(t, mia, s.x, "MEMO", "4", walletOf(shy))}
	next := s.ask(t, mia, s.x, "ICE", "3")
	for _, p := range owed {
		s.becomes(t, p, "claimable")
		if got := s.owns(t, s.x, p.symbol, p.to); !got.IsZero() {
			t.Errorf("%s owns %s units of %s, want none", p.to.Address, got.Dec(), p.symbol)
		}
	}
	s.paid(t, next)

	listener := terminals(t, s.n, "listener")[0]
	listener.t = t
	setKey(t, "STRANGER", s.chain.Wallet(t, solana.LAMPORTS_PER_SOL))
	setKey(t, "SHY", shy)
	claim := func(symbol string, who solana.PrivateKey, more ...string) []string {
		return append([]string{"tx", "claim", s.x.ID, symbol, who.PublicKey().String(), "--rpc", s.x.Endpoint}, more...)
	}
	listener.fails(1, "is frozen", claim("ICE", frozen, "--wallet-key", "env:STRANGER")...)
	s.ice.Thaw(t, frozen.PublicKey())
	listener.must(claim("ICE", frozen, "--wallet-key", "env:STRANGER")...)
	other := s.chain.Wallet(t, 0)
	listener.fails(1, "NotRecipient", claim("MEMO", shy, "--to", other.PublicKey().String(), "--wallet-key", "env:STRANGER")...)
	listener.must(claim("MEMO", shy, "--to", other.PublicKey().String(), "--wallet-key", "env:SHY")...)
	listener.fails(1, "nothing of token", claim("MEMO", shy, "--wallet-key", "env:SHY")...)

	for p, who := range map[solanaPayment]*devnet.Wallet{owed[0]: walletOf(frozen), owed[1]: walletOf(other)} {
		amount, err := s.n.Amount(s.x, p.symbol, p.text)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.owns(t, s.x, p.symbol, who); got != amount.Tokens {
			t.Errorf("%s owns %s units of %s after the claim, want %s", who.Address, got.Dec(), p.symbol, amount.Tokens.Dec())
		}
	}
	until(t, s.ctx, "the ledger knows that nothing is owed any more", solanaPaid, func() (bool, error) {
		b, err := s.client.Bridge(s.ctx, s.x.ID)
		for _, token := range b.Tokens {
			if err == nil && token.Claimable.Units != "0" {
				err = fmt.Errorf("%s %s are claimable", token.Claimable.Text, token.Asset)
			}
		}
		return err == nil, err
	})
}
