package solana

import (
	"context"
	"encoding/base64"
	"errors"
	"testing"
	"time"

	sol "github.com/gagliardetto/solana-go"
	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/bridgecontracts"
	contract "github.com/trinebridge/trine/bridgecontracts/solana"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/chain/chaintest"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/internal/solanatest"
	"github.com/trinebridge/trine/signing"
)

// patience is longer than anything in a story takes on the slowest machine.
const patience = 4 * time.Minute

// scene is where a story happens: a bridge of its own on the chain that all share, under the chain's own time.
type scene struct {
	*world
	t     *testing.T
	chain *solanatest.Chain
	next  uint64 // the action that the bridge takes next
	sink  *Sink
	tried []string // transactions that the payer has signed and may have paid for
}

// newScene makes a bridge with so many approvers and listeners, which holds a SOL.
func newScene(t *testing.T, approvers, listeners int) *scene {
	t.Helper()
	members := chaintest.NewMembers("solana", 1, approvers, listeners)
	return newSceneOf(t, members)
}

func newSceneOf(t *testing.T, members *chaintest.Members) *scene {
	t.Helper()
	c := sharedValidator(t)
	t.Parallel()
	s := &scene{world: newWorldOf(t, c, members), t: t, chain: c.Chain, next: 1}
	s.sink = s.opened("payer")
	s.deposit(contract.Native, 1_000_000_000)
	return s
}

// opened is a new sink that pays from one of the scene's keys, as after a restart.
func (s *scene) opened(payer string) *Sink { return s.openedAt(s.endpoint(), payer) }

func (s *scene) openedAt(endpoint, payer string) *Sink {
	s.t.Helper()
	sink, err := OpenSink(s.sinkConfig(endpoint, payer))
	s.ok(err)
	return sink
}

func (s *scene) ok(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// until asks again until something is so. An error that a repetition may help is remembered for the day it does not.
func (s *scene) until(what string, is func(ctx context.Context) (bool, error)) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	ticker := time.NewTicker(testPoll)
	defer ticker.Stop()
	var last error
	for {
		done, err := is(ctx)
		if done {
			return
		}
		if err != nil && chain.VerdictOf(err) != chain.Retry {
			s.t.Fatalf("%s: %v", what, err)
		}
		if err != nil && ctx.Err() == nil {
			last = err
		}
		select {
		case <-ctx.Done():
			s.t.Fatalf("%s: not so after %v; the last error: %v", what, patience, last)
		case <-ticker.C:
		}
	}
}

// attempt builds and signs, and waits while the sink says that it is too early.
func (s *scene) attempt(sink *Sink, r chain.BuildRequest) (a chain.Attempt) {
	s.t.Helper()
	r.Caps = s.Caps()
	s.until("build", func(ctx context.Context) (bool, error) {
		draft, err := sink.Build(ctx, r)
		if err == nil {
			a, err = sink.Sign(ctx, draft)
		}
		return err == nil, err
	})
	return a
}

// deliver brings something to the bridge as a submitter does, and returns the attempt that did it: what is refused or
// fails is built anew, what waits is sent again.
func (s *scene) deliver(sink *Sink, d *chain.Delivery) (a chain.Attempt) {
	s.t.Helper()
	var why error
	s.until("deliver", func(ctx context.Context) (bool, error) {
		if a.ID == "" {
			draft, err := sink.Build(ctx, chain.BuildRequest{Delivery: d, Caps: s.Caps()})
			if err == nil {
				a, err = sink.Sign(ctx, draft)
			}
			if err != nil {
				return false, goOn(err, why)
			}
		}
		if why = sink.Broadcast(ctx, a); why != nil && chain.VerdictOf(why) != chain.Retry {
			a = chain.Attempt{}
			return false, goOn(why)
		}
		status, expired, err := sink.Status(ctx, []chain.Attempt{a}, chain.Finality{Confirmations: 1})
		if err == nil && (expired || status.Failed) {
			a, why = chain.Attempt{}, errors.New(status.Reason)
		}
		return err == nil && status.Phase >= chain.PhaseIncluded && !status.Failed, err
	})
	return a
}

// goOn lets a story go on after what a submitter goes on after.
func goOn(errs ...error) error {
	if v := chain.VerdictOf(errs[0]); v == chain.Rebuild || v == chain.Retry {
		return chain.Errorf(chain.Retry, "%w", errors.Join(errs...))
	}
	return errs[0]
}

// events are what the bridge recorded in a transaction.
func (s *scene) events(tx string) (list []chain.LocatedEvent) {
	s.t.Helper()
	s.until("locate", func(ctx context.Context) (_ bool, err error) {
		list, err = s.sink.source.Locate(ctx, tx)
		return err == nil, err
	})
	return list
}

// state is the bridge as it stands.
func (s *scene) state() *contract.State {
	s.t.Helper()
	_, state, err := s.sink.now(s.t.Context(), 0)
	s.ok(err)
	return state
}

func (s *scene) lamports(k contract.Key) uint64 {
	s.t.Helper()
	n, err := s.node.balance(s.t.Context(), k)
	s.ok(err)
	return n
}

// account is one as it stands, nil if it is not there.
func (s *scene) account(k contract.Key) *account {
	s.t.Helper()
	_, list, err := s.node.accounts(s.t.Context(), confirmed, 0, k)
	s.ok(err)
	return list[0]
}

// deposit has the user deposit, and checks that as much was recorded as the bridge has more than before.
func (s *scene) deposit(token codec.Hash, amount uint64, keys ...bridgecontracts.KeyProof) bridgecontracts.Deposited {
	s.t.Helper()
	wallet, err := s.wallet(s.endpoint(), "user")
	s.ok(err)
	before := s.held(token)
	r, err := wallet.Deposit(s.t.Context(), token, *uint256.NewInt(amount), keys)
	s.ok(err)
	list := s.events(r.Tx)
	if len(list) != 1 {
		s.t.Fatalf("a deposit recorded %d events", len(list))
	}
	d, ok := list[0].Body.(*bridgecontracts.Deposited)
	if !ok || d.Wallet != codec.Hash(keyOf(s.key("user"))) || d.Token != token || d.Amount.Uint64() != s.held(token)-before {
		s.t.Fatalf("deposited %d of %s: recorded %+v, the bridge has %d more", amount, contract.Key(token), list[0].Body, s.held(token)-before)
	}
	return *d
}

// held is what the bridge has of a token.
func (s *scene) held(token codec.Hash) uint64 {
	s.t.Helper()
	if token == contract.Native {
		return s.lamports(s.program.State) - s.state().Reserve
	}
	var sum uint64
	for _, program := range []contract.Key{contract.TokenProgram, contract.Token2022Program} {
		vault, _, err := contract.TokenAccount(s.program.State, program, contract.Key(token))
		s.ok(err)
		if a := s.account(vault); a != nil {
			held, err := decodeTokenAccount(a)
			s.ok(err)
			sum += held.amount
		}
	}
	return sum
}

// token makes a token of which the bridge holds a million units.
func (s *scene) token(m solanatest.Mint) *solanatest.Token {
	s.t.Helper()
	k := s.chain.CreateToken(s.t, m)
	k.MintTo(s.t, keyOf(s.key("user")), 2_000_000)
	s.deposit(codec.Hash(k.Mint), 1_000_000)
	return k
}

// person is a new account with a key.
func (s *scene) person(lamports uint64) (sol.PrivateKey, contract.Key) {
	s.t.Helper()
	k := s.chain.Wallet(s.t, lamports)
	return k, k.PublicKey()
}

// hand opens a wallet of a key.
func (s *scene) hand(k signing.Payer) *Wallet {
	s.t.Helper()
	w, err := OpenWallet(chain.SinkConfig{SourceConfig: s.sourceConfig(s.endpoint()), FeeKey: k, Poll: testPoll})
	s.ok(err)
	return w
}

// payerOf is the same key in the form in which the adapter takes it.
func payerOf(k sol.PrivateKey) *signing.Ed25519Payer {
	return signing.NewEd25519Payer([32]byte(k[:32]))
}

// outgoing is a transaction of one key that is on its way to the chain, untried.
type outgoing struct {
	from         signing.Payer
	instructions []contract.Instruction

	id   string
	raw  []byte
	last uint64 // the last block height at which it can land
	st   *status
}

// sign makes it, on a new blockhash.
func (s *scene) sign(tx *outgoing) {
	s.t.Helper()
	now, err := s.node.recent(s.t.Context())
	s.ok(err)
	units := uint32(min(maxUnits, 100_000+50_000*len(tx.instructions)))
	compiled, err := (&message{instructions: tx.instructions, units: units}).compile(contract.Key(tx.from.PayerKey()), minPrice, now.hash)
	s.ok(err)
	tx.id, tx.raw, err = signTransaction(s.t.Context(), tx.from, compiled)
	s.ok(err)
	tx.last = now.last
}

// land has instructions land in one transaction, whether they work or not: it is not tried before.
func (s *scene) land(from signing.Payer, instructions ...contract.Instruction) *outgoing {
	s.t.Helper()
	tx := &outgoing{from: from, instructions: instructions}
	s.landAll(tx)
	return tx
}

// landAll sends transactions at once and waits until all are in confirmed blocks. What has expired on a slow machine is
// signed anew.
func (s *scene) landAll(list ...*outgoing) {
	s.t.Helper()
	for open := list; len(open) > 0; open = s.expired(open) {
		for _, tx := range open {
			s.sign(tx)
		}
		s.watch(open...)
	}
}

func (s *scene) expired(list []*outgoing) (open []*outgoing) {
	for _, tx := range list {
		if tx.st == nil {
			open = append(open, tx)
		}
	}
	return open
}

// watch sends transactions, again and again, and waits until each has landed or cannot any more: then it has no status.
func (s *scene) watch(list ...*outgoing) {
	s.t.Helper()
	looks := 0
	s.until("land", func(ctx context.Context) (bool, error) {
		_, height, err := s.node.height(ctx) // before the question: what has expired by then and is not there never will be
		if err != nil {
			return false, err
		}
		over, ids := true, []string(nil)
		for _, tx := range list {
			if tx.st == nil && looks%resendEvery == 0 {
				if err := s.hurl(ctx, tx.raw); err != nil {
					return false, err
				}
			}
			ids = append(ids, tx.id)
		}
		looks++
		found, err := s.node.statuses(ctx, 0, ids...)
		if err != nil {
			return false, err
		}
		for i, tx := range list {
			if tx.st = nil; found[i].landed() {
				tx.st = found[i]
			}
			over = over && (tx.st != nil || tx.last < height)
		}
		return over, nil
	})
}

// transactionID is the id of a transaction that one key has signed.
func transactionID(raw []byte) string { return sol.Signature(raw[1:65]).String() }

// hurl hands a transaction to the node as it is, untried.
func (s *scene) hurl(ctx context.Context, raw []byte) error {
	var id string
	return s.node.call(ctx, &id, "sendTransaction", base64.StdEncoding.EncodeToString(raw), map[string]any{"encoding": "base64", "skipPreflight": true})
}

// refused sends instructions that the bridge must refuse with a fault, first to be tried by the node, then untried: it lands
// and fails, and the bridge records nothing.
func (s *scene) refused(from *signing.Ed25519Payer, want contract.Fault, instructions ...contract.Instruction) {
	s.t.Helper()
	before := s.state().Now
	tried, err := s.node.simulate(s.t.Context(), &message{instructions: instructions}, keyOf(from), confirmed)
	s.ok(err)
	for how, failed := range map[string]*failure{"tried": tried.failed, "landed": s.land(from, instructions...).st.failed()} {
		if failed == nil {
			s.t.Fatalf("%s: it worked, want %s", how, want)
		}
		if got, ours := failed.fault(); !ours || got != want {
			s.t.Fatalf("%s: %v, want %s", how, failed, want)
		}
	}
	if now := s.state().Now; now != before {
		s.t.Fatalf("the bridge went from %+v to %+v", before, now)
	}
}

// fee is what a transaction cost its payer besides rent, in lamports; nothing if it never landed.
func (s *scene) fee(tx string) uint64 {
	s.t.Helper()
	var t *struct {
		Meta struct {
			Fee uint64 `json:"fee"`
		} `json:"meta"`
	}
	s.ok(s.node.call(s.t.Context(), &t, "getTransaction", tx, map[string]any{"encoding": "base64", "commitment": confirmed, "maxSupportedTransactionVersion": 0}))
	if t == nil {
		return 0
	}
	return t.Meta.Fee
}
