//go:build e2e

package e2e

import (
	"context"
	"crypto/ecdsa"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/accounts/abi/bind/v2"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/holiman/uint256"

	bridgecontract "github.com/trinebridge/trine/bridgecontracts/ethereum"
	"github.com/trinebridge/trine/bridgecontracts/ethereum/zoo"
	"github.com/trinebridge/trine/devnet"
)

// zooTokens are the strange tokens that the network bridges, by symbol.
var zooTokens = map[string]struct {
	contract string
	decimals uint8
}{
	"USDT":   {"NoReturnToken", 6},
	"FALSE":  {"FalseToken", 18},
	"FEE":    {"FeeToken", 18},
	"DENY":   {"DenyListToken", 18},
	"BACK":   {"CallbackToken", 18},
	"ABSURD": {"AbsurdToken", 0},
}

// keeper is who feeds the zoo: the operated network, and the animals on its chain.
type keeper struct {
	*operated
	tokens map[string]common.Address
}

// TestZoo lets a bridge live with recipients and tokens that hurt: whatever one of them
// does concerns its own payment alone, the next action is paid, the books balance, and
// what could not be paid is kept to be claimed.
func TestZoo(t *testing.T) {
	ctx := testContext(t)
	anvil := startAnvil(t, 31337)
	k := &keeper{operated: &operated{t: t, ctx: ctx, anvil: anvil}, tokens: map[string]common.Address{}}
	k.n = startNetwork(t, ctx, devnet.Config{Chains: []devnet.ChainConfig{{Endpoint: anvil.URL()}}, Tokens: k.bring})
	k.x = k.n.Chains[0]
	k.user, k.client = newUser(t, ctx, k.n, "Noah"), client(t, k.n.Daemon("listener"))
	k.deposit("ETH", "3", true)
	k.deposit("USDC", "100", false)

	for _, part := range []struct {
		name string
		do   func(*testing.T)
	}{
		{"recipients of the native coin", k.nativeRecipients},
		{"recipients that a token calls", k.calledRecipients},
		{"a token that returns nothing", k.noReturn},
		{"a token that returns false", k.returnsFalse},
		{"a token that keeps a fee", k.keepsFee},
		{"a token with a deny list", k.denyList},
		{"a token that reports absurd amounts", k.absurd},
		{"an unknown token", k.unknownToken},
		{"a submitter that sends too little gas", k.littleGas},
	} {
		t.Run(part.name, func(t *testing.T) {
			part.do(t)
			k.wellAfter(t)
		})
	}
	wantHistory(t, ctx, k.n, k.x, k.n.Daemons)
}

// bring deploys the tokens before the genesis is written.
func (k *keeper) bring(_ context.Context, chains []*devnet.External) (tokens []devnet.Token, err error) {
	k.x = chains[0]
	for _, symbol := range slices.Sorted(maps.Keys(zooTokens)) {
		z := zooTokens[symbol]
		k.tokens[symbol] = k.deploy(k.t, z.contract)
		tokens = append(tokens, devnet.Token{Symbol: symbol, Chain: k.x.ID, Address: bridgecontract.Word(k.tokens[symbol]), Decimals: z.decimals})
	}
	return tokens, nil
}

// wellAfter checks that the bridge is not halted, that the books balance, and that an
// ordinary deposit and an ordinary withdrawal go on.
func (k *keeper) wellAfter(t *testing.T) {
	t.Helper()
	before := k.holds(t, "ETH")
	if _, err := k.user.Deposit(k.ctx, k.x, "ETH", "0.05", false); err != nil {
		t.Fatal(err)
	}
	until(t, k.ctx, "an ordinary deposit is credited", creditWithin, func() (bool, error) {
		now, err := k.held("ETH")
		return now.Gt(&before), err
	})
	k.paid(t, k.ask(t, "ETH", "0.1"), paidWithin)
	for _, p := range k.n.Daemons {
		if b := bridgeOf(t, k.ctx, p, k.x); b.Halted != "" {
			t.Errorf("%s: the bridge halted: %s", p.Name, b.Halted)
		}
		wantAudit(t, k.ctx, p)
	}
}

// transact sends a transaction and waits until it has succeeded.
func (k *keeper) transact(t *testing.T, from *ecdsa.PrivateKey, to *common.Address, value *big.Int, data []byte) *types.Receipt {
	t.Helper()
	sender := crypto.PubkeyToAddress(from.PublicKey)
	gas, err := k.x.Client().EstimateGas(k.ctx, ethereum.CallMsg{From: sender, To: to, Value: value, Data: data})
	if err != nil {
		t.Fatalf("transaction of %s to %v: %v", sender, to, err)
	}
	tx := k.sign(t, from, 0, to, value, data, gas*2)
	if err := k.x.Client().SendTransaction(k.ctx, tx); err != nil {
		t.Fatal(err)
	}
	receipt, err := bind.WaitMined(k.ctx, k.x.Client(), tx.Hash())
	if err != nil {
		t.Fatal(err)
	}
	if receipt.Status != types.ReceiptStatusSuccessful {
		t.Fatalf("transaction %s to %v reverted", tx.Hash(), to)
	}
	return receipt
}

// sign makes a transaction whose nonce is so many after the sender's next one.
func (k *keeper) sign(t *testing.T, from *ecdsa.PrivateKey, after uint64, to *common.Address, value *big.Int, data []byte, gas uint64) *types.Transaction {
	t.Helper()
	nonce, err := k.x.Client().NonceAt(k.ctx, crypto.PubkeyToAddress(from.PublicKey), nil)
	if err != nil {
		t.Fatal(err)
	}
	id, err := k.x.Client().ChainID(k.ctx)
	if err != nil {
		t.Fatal(err)
	}
	tx, err := types.SignNewTx(from, types.LatestSignerForChainID(id), &types.DynamicFeeTx{
		ChainID: id, Nonce: nonce + after, To: to, Value: value, Data: data, Gas: gas, GasTipCap: big.NewInt(1e9), GasFeeCap: big.NewInt(50e9),
	})
	if err != nil {
		t.Fatal(err)
	}
	return tx
}

func (k *keeper) deploy(t *testing.T, name string, args ...any) common.Address {
	t.Helper()
	data, err := animal(t, name).DeployData(args...)
	if err != nil {
		t.Fatal(err)
	}
	return k.transact(t, devnet.Faucet(), nil, nil, data).ContractAddress
}

// tell calls a method of a zoo contract.
func (k *keeper) tell(t *testing.T, name string, at common.Address, method string, args ...any) {
	t.Helper()
	data, err := animal(t, name).Pack(method, args...)
	if err != nil {
		t.Fatal(err)
	}
	k.transact(t, devnet.Faucet(), &at, nil, data)
}

func animal(t *testing.T, name string) zoo.Contract {
	t.Helper()
	c, err := zoo.Get(name)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// stock mints a zoo token for the user and deposits it, and checks what is credited.
func (k *keeper) stock(t *testing.T, symbol, text, credited string) {
	t.Helper()
	amount, err := k.n.Amount(k.x, symbol, text)
	if err != nil {
		t.Fatal(err)
	}
	k.tell(t, zooTokens[symbol].contract, k.tokens[symbol], "mint", k.wallet(), amount.Tokens.ToBig())
	deposit(t, k.ctx, k.user, k.x, symbol, text, false)
	awaitBalance(t, k.ctx, k.n, k.user, k.x, symbol, credited)
}

// wallet is the user's on the chain; bridge is the bridge.
func (k *keeper) wallet() common.Address { return crypto.PubkeyToAddress(k.user.EVM().PublicKey) }
func (k *keeper) bridge() common.Address { return common.HexToAddress(k.x.Bridge) }

func (k *keeper) held(symbol string) (uint256.Int, error) {
	account, _, err := k.user.Account(k.ctx, k.x)
	if err != nil {
		return uint256.Int{}, err
	}
	return devnet.Balance(&account, symbol)
}

func (k *keeper) holds(t *testing.T, symbol string) uint256.Int {
	t.Helper()
	n, err := k.held(symbol)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// owns returns what an address owns of a token on the chain.
func (k *keeper) owns(t *testing.T, symbol string, who common.Address) uint256.Int {
	t.Helper()
	amount, err := k.n.Amount(k.x, symbol, "0")
	if err != nil {
		t.Fatal(err)
	}
	n, err := k.user.Hand(k.x).Balance(k.ctx, amount.Token.Address, bridgecontract.Word(who))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// askTo asks for a withdrawal to an address.
func (k *keeper) askTo(t *testing.T, symbol, text string, to common.Address) withdrawal {
	t.Helper()
	sequence, err := k.user.Withdraw(k.ctx, k.x, symbol, text, bridgecontract.Word(to))
	if err != nil {
		t.Fatal(err)
	}
	return withdrawal{sequence, to, symbol, text}
}

// becomes waits until a withdrawal has a status, and returns the action that ran it.
func (k *keeper) becomes(t *testing.T, w withdrawal, status string) (action uint64) {
	t.Helper()
	until(t, k.ctx, fmt.Sprintf("withdrawal %d of %s is %s", w.sequence, w.symbol, status), paidWithin, func() (bool, error) {
		s, err := k.client.Withdrawal(k.ctx, k.x.ID, w.sequence)
		if err == nil && s.Status != status {
			err = fmt.Errorf("it is %s", s.Status)
		}
		action = s.Action
		return err == nil, err
	})
	return action
}

// refused waits until a withdrawal is claimable and a later one, in a later action, is paid.
func (k *keeper) refused(t *testing.T, w, next withdrawal) {
	t.Helper()
	failed := k.becomes(t, w, "claimable")
	k.paid(t, next, paidWithin)
	if paid := k.becomes(t, next, "paid"); paid <= failed {
		t.Errorf("withdrawal %d was paid by action %d, which is not after action %d", next.sequence, paid, failed)
	}
}

// payout returns what the bridge pays for withdrawals of one asset, in units of the token.
func (k *keeper) payout(t *testing.T, list ...withdrawal) (sum uint256.Int) {
	t.Helper()
	for _, w := range list {
		amount, err := k.n.Amount(k.x, w.symbol, w.text)
		if err != nil {
			t.Fatal(err)
		}
		net, err := k.n.AfterFee(amount)
		if err != nil {
			t.Fatal(err)
		}
		sum.Add(&sum, &net)
	}
	return sum
}

// wantClaimable waits until the ledger owes exactly so many units of a token.
func (k *keeper) wantClaimable(t *testing.T, symbol string, want uint256.Int) {
	t.Helper()
	until(t, k.ctx, "the ledger owes "+want.Dec()+" units of "+symbol, creditWithin, func() (bool, error) {
		b, err := k.client.Bridge(k.ctx, k.x.ID)
		if err != nil {
			return false, err
		}
		for _, token := range b.Tokens {
			if token.Asset != symbol {
				continue
			}
			if token.Claimable.Units != want.Dec() {
				err = fmt.Errorf("it owes %s", token.Claimable.Units)
			}
			return err == nil, err
		}
		return false, fmt.Errorf("tokens are %+v", b.Tokens)
	})
}

// claim pushes what is owed to its recipient, with the built program.
func (k *keeper) claim(t *testing.T, symbol string, recipient common.Address) (string, int) {
	t.Helper()
	o := terminals(t, k.n, "listener")[0]
	return o.run("tx", "claim", k.x.ID, symbol, recipient.Hex(), "--rpc", k.x.Endpoint, "--wallet-key", "env:FAUCET")
}

// mustClaim claims for a recipient that can be paid by now, and checks that it is.
func (k *keeper) mustClaim(t *testing.T, w withdrawal) {
	t.Helper()
	if _, code := k.claim(t, w.symbol, w.to); code != 0 {
		t.Fatalf("claim of withdrawal %d exits with %d", w.sequence, code)
	}
	if got, want := k.owns(t, w.symbol, w.to), k.payout(t, w); got != want {
		t.Errorf("%s owns %s %s after its claim, want exactly %s", w.to, got.Dec(), w.symbol, want.Dec())
	}
	if out, code := k.claim(t, w.symbol, w.to); code == 0 {
		t.Errorf("a second claim succeeded: %s", out)
	}
}

// unassigned waits until a block from some height on books an event as unassigned, with
// words in its reason.
func (k *keeper) unassigned(t *testing.T, from uint64, words string) {
	t.Helper()
	height, last := from, ""
	until(t, k.ctx, "an event is booked as unassigned: "+words, creditWithin, func() (bool, error) {
		status, err := k.client.Status(k.ctx)
		if err != nil {
			return false, err
		}
		for ; height <= status.Height; height++ {
			block, err := k.client.Block(k.ctx, height)
			if err != nil {
				return false, err
			}
			for _, e := range block.Log {
				if last = fmt.Sprint(e); e.Name == "unassigned" && strings.Contains(last, words) {
					return true, nil
				}
			}
		}
		return false, fmt.Errorf("the newest entry is %s", last)
	})
}

// nextHeight is the height of the block to come.
func (k *keeper) nextHeight(t *testing.T) uint64 {
	t.Helper()
	status, err := k.client.Status(k.ctx)
	if err != nil {
		t.Fatal(err)
	}
	return status.Height + 1
}

// give sends a token of the user's to the bridge past the devnet's own hand, which knows
// the genesis' tokens only and asks for an allowance.
func (k *keeper) give(t *testing.T, token common.Address, amount uint64) {
	t.Helper()
	data, err := bridgecontract.PackDeposit(bridgecontract.Word(token), uint256.NewInt(amount), nil)
	if err != nil {
		t.Fatal(err)
	}
	to := k.bridge()
	k.transact(t, k.user.EVM(), &to, nil, data)
}

// fresh returns an address that nobody has used.
func (k *keeper) fresh() common.Address {
	k.payments++
	return common.BytesToAddress(crypto.Keccak256([]byte(fmt.Sprint("fresh ", k.payments)))[12:])
}
