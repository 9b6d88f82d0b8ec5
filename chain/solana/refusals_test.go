package solana

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"math"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	sol "github.com/gagliardetto/solana-go"
	"github.com/mr-tron/base58"

	contract "github.com/trinebridge/trine/bridgecontracts/solana"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/internal/rpctest"
	"github.com/trinebridge/trine/signing"
)

// provoked is one way to be refused by a node.
type provoked struct {
	name string
	ask  func(ctx context.Context, p *provoker) error
}

// provoker is who asks for it: a world whose node is asked through the proxy, and what that heard last.
type provoker struct {
	*world
	t     *testing.T
	asked *node
	heard atomic.Pointer[heard]
}

type heard struct {
	method string
	fault  *rpctest.Error
}

// signed is a transaction of instructions on a blockhash.
func (p *provoker) signed(ctx context.Context, from *signing.Ed25519Payer, blockhash sol.Hash, instructions ...contract.Instruction) (string, []byte) {
	p.t.Helper()
	tx, err := (&message{instructions: instructions, units: 100_000}).compile(keyOf(from), 0, blockhash)
	if err != nil {
		p.t.Fatal(err)
	}
	id, raw, err := signTransaction(ctx, from, tx)
	if err != nil {
		p.t.Fatal(err)
	}
	return id, raw
}

func (p *provoker) hash(ctx context.Context) sol.Hash {
	p.t.Helper()
	now, err := p.node.recent(ctx)
	if err != nil {
		p.t.Fatal(err)
	}
	return now.hash
}

// try hands in a new transaction.
func (p *provoker) try(ctx context.Context, from *signing.Ed25519Payer, instructions ...contract.Instruction) error {
	p.t.Helper()
	_, raw := p.signed(ctx, from, p.hash(ctx), instructions...)
	return p.hand(ctx, raw)
}

// hand is node.send without its mercy for what was processed already.
func (p *provoker) hand(ctx context.Context, raw []byte) error {
	var id string
	return p.asked.call(ctx, &id, "sendTransaction", base64.StdEncoding.EncodeToString(raw), map[string]any{"encoding": "base64", "preflightCommitment": confirmed})
}

// unknownKey is a key that has nothing.
func (p *provoker) unknownKey() *signing.Ed25519Payer {
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		p.t.Fatal(err)
	}
	return signing.NewEd25519Payer([32]byte(private.Seed()))
}

var provocations = []provoked{
	{"a blockhash that nobody knows", func(ctx context.Context, p *provoker) error {
		user := p.key("user")
		_, raw := p.signed(ctx, user, sol.Hash{1}, pay(keyOf(user), keyOf(user), 1))
		return p.hand(ctx, raw)
	}},
	{"a transaction that was processed", func(ctx context.Context, p *provoker) error {
		user := p.key("user")
		a, err := newSender(p.node, user, testPoll)
		if err != nil {
			return err
		}
		now, err := p.node.recent(ctx)
		if err != nil {
			return err
		}
		id, raw := p.signed(ctx, user, now.hash, pay(keyOf(user), keyOf(user), 2))
		if _, err := a.deliver(ctx, id, raw, now.last); err != nil {
			p.t.Fatal(err)
		}
		return p.hand(ctx, raw)
	}},
	{"a payer without an account", func(ctx context.Context, p *provoker) error {
		k := p.unknownKey()
		return p.try(ctx, k, pay(keyOf(k), keyOf(k), 1))
	}},
	{"a payer that the fee would leave below its rent", func(ctx context.Context, p *provoker) error {
		k := p.unknownKey()
		least := rentMinimum(0)
		if _, err := p.act(ctx, p.key("user"), pay(keyOf(p.key("user")), keyOf(k), least)); err != nil {
			p.t.Fatal(err)
		}
		return p.try(ctx, k, pay(keyOf(k), keyOf(k), 1))
	}},
	{"an account below its rent", func(ctx context.Context, p *provoker) error {
		user := p.key("user")
		return p.try(ctx, user, pay(keyOf(user), keyOf(p.unknownKey()), 1))
	}},
	{"too few lamports for a transfer", func(ctx context.Context, p *provoker) error {
		user := p.key("user")
		return p.try(ctx, user, pay(keyOf(user), keyOf(p.key("payer")), 1_000*coins))
	}},
	{"a program that is not there", func(ctx context.Context, p *provoker) error {
		return p.try(ctx, p.key("user"), sol.NewInstruction(keyOf(p.unknownKey()), nil, nil))
	}},
	{"the bridge's own refusal", func(ctx context.Context, p *provoker) error {
		user := p.key("user")
		deposit, err := p.program.DepositSol(keyOf(user), keyOf(user), 1, nil)
		if err != nil {
			p.t.Fatal(err)
		}
		return p.try(ctx, user, deposit)
	}},
	{"a wrong signature", func(ctx context.Context, p *provoker) error {
		user := p.key("user")
		_, raw := p.signed(ctx, user, p.hash(ctx), pay(keyOf(user), keyOf(user), 1))
		raw[1] ^= 1
		return p.hand(ctx, raw)
	}},
	{"half a transaction", func(ctx context.Context, p *provoker) error {
		user := p.key("user")
		_, raw := p.signed(ctx, user, p.hash(ctx), pay(keyOf(user), keyOf(user), 1))
		return p.hand(ctx, raw[:len(raw)/2])
	}},
	{"a transaction that is too long", func(ctx context.Context, p *provoker) error {
		return p.hand(ctx, make([]byte, maxWire+1))
	}},
	{"a transaction of a version that was not asked for", func(ctx context.Context, p *provoker) error {
		user := p.key("user")
		r, err := p.sendVersionOne(ctx, user, pay(keyOf(user), keyOf(user), 3))
		if err != nil {
			p.t.Fatal(err)
		}
		var t *transactionWithMeta
		return p.asked.call(ctx, &t, "getTransaction", r.Tx, map[string]any{"encoding": "json", "commitment": confirmed, "maxSupportedTransactionVersion": 0})
	}},
	{"a context that is not reached", func(ctx context.Context, p *provoker) error {
		_, _, err := p.asked.accounts(ctx, confirmed, math.MaxUint32, p.program.State)
		return err
	}},
	{"a block that is not there yet", func(ctx context.Context, p *provoker) error {
		_, err := p.asked.block(ctx, math.MaxUint32, false)
		return err
	}},
	{"a commitment that blocks do not have", func(ctx context.Context, p *provoker) error {
		var b *block
		return p.asked.call(ctx, &b, "getBlock", 1, map[string]any{"commitment": "processed"})
	}},
	{"a list from a signature that nobody knows", func(ctx context.Context, p *provoker) error {
		var list []signature
		return p.asked.call(ctx, &list, "getSignaturesForAddress", p.program.State, map[string]any{"before": base58.Encode(make([]byte, signatureSize)), "commitment": confirmed})
	}},
	{"more signatures than a node lists", func(ctx context.Context, p *provoker) error {
		var list []signature
		return p.asked.call(ctx, &list, "getSignaturesForAddress", p.program.State, map[string]any{"limit": listed + 1})
	}},
	{"more accounts than a node reads", func(ctx context.Context, p *provoker) error {
		var answer any
		return p.asked.call(ctx, &answer, "getMultipleAccounts", make([]contract.Key, maxAccounts+1))
	}},
	{"no address", func(ctx context.Context, p *provoker) error {
		var answer any
		return p.asked.call(ctx, &answer, "getBalance", "nobody")
	}},
	{"no method", func(ctx context.Context, p *provoker) error {
		var answer any
		return p.asked.call(ctx, &answer, "getEverything")
	}},
}

// particulars are the numbers and addresses in what a node says. Errors of programs, in hexadecimal, are none.
var particulars = regexp.MustCompile(`0x[0-9a-f]+|[1-9A-HJ-NP-Za-km-z]{32,}|[0-9]+`)

func general(message string) string {
	return particulars.ReplaceAllStringFunc(message, func(s string) string {
		if strings.HasPrefix(s, "0x") {
			return s
		}
		return "#"
	})
}

func TestNodesSayWhatTheCorpusHas(t *testing.T) {
	t.Parallel()
	p := &provoker{world: newWorld(t, sharedValidator(t)), t: t}
	p.proxy.Handle(func(x *rpctest.Exchange) {
		answer, err := x.Forward()
		if err != nil {
			t.Errorf("%s: %v", x.Method, err)
		}
		p.heard.Store(&heard{x.Method, answer.Error})
		x.Reply(answer)
	})
	var err error
	if p.asked, err = openNode(p.chainID(), p.proxy.URL()); err != nil {
		t.Fatal(err)
	}
	entries := map[string]said{}
	for _, e := range corpus(t) {
		if strings.HasPrefix(e.Node, "agave") {
			entries[fmt.Sprint(e.Method, e.Code, general(e.Message))] = e
		}
	}
	for _, x := range provocations {
		t.Run(x.name, func(t *testing.T) {
			err := x.ask(t.Context(), p)
			last := p.heard.Load()
			if err == nil || last.fault == nil {
				t.Fatalf("not refused: %v", err)
			}
			e, known := entries[fmt.Sprint(last.method, last.fault.Code, general(last.fault.Message))]
			if !known {
				t.Fatalf("the corpus does not have %s: %+v", last.method, last.fault)
			}
			if got := chain.VerdictOf(err).String(); got != e.Verdict || markOf(err) != e.Mark {
				t.Errorf("%v: verdict %s and mark %q, the corpus says %s and %q", err, got, markOf(err), e.Verdict, e.Mark)
			}
		})
	}
}
