//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/trinebridge/trine/app"
	"github.com/trinebridge/trine/appchain"
	"github.com/trinebridge/trine/bridgecontracts"
	bridgecontract "github.com/trinebridge/trine/bridgecontracts/ethereum"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/devnet"
	"github.com/trinebridge/trine/gossip"
	"github.com/trinebridge/trine/gossip/wire"
	"github.com/trinebridge/trine/internal/evm"
	"github.com/trinebridge/trine/internal/rpctest"
	"github.com/trinebridge/trine/ledger"
	"github.com/trinebridge/trine/signing"
	"github.com/trinebridge/trine/store"
	"github.com/trinebridge/trine/store/pebblestore"
)

// forger is the processor's seat in hostile hands, with the processor's own store.
type forger struct {
	*member
	node *appchain.Node
}

// seizeProcessor stops the processor and takes its place.
func seizeProcessor(t *testing.T, ctx context.Context, n *devnet.Network, count int) *forger {
	t.Helper()
	f := &forger{member: seize(t, ctx, n, n.Daemon(app.RoleProcessor), count)}
	kv, err := pebblestore.Open(pebblestore.Config{Dir: filepath.Join(f.config.Resolve(f.config.DataDir), "store")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := kv.Close(); err != nil {
			t.Error(err)
		}
	})
	machine, err := ledger.New(*n.Genesis, nil)
	if err != nil {
		t.Fatal(err)
	}
	if f.node, err = appchain.New(appchain.Config{Ledger: machine, KV: store.Sub(kv, "chain/")}); err != nil {
		t.Fatal(err)
	}
	return f
}

// transaction returns the processor's next transaction.
func (f *forger) transaction(t *testing.T, body ledger.MessageBody, at time.Time) ledger.CheckedTx {
	t.Helper()
	account, _, err := f.node.View().AccountByKey(f.PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	tx := &ledger.Transaction{Genesis: f.genesis, Nonce: 1, Time: uint64(at.UnixMilli()), Messages: []ledger.Message{{Body: body}}} // the clock is after 1970
	for _, k := range account.Keys {
		if k.Key == f.PublicKey() {
			tx.Nonce = k.Nonce + 1
		}
	}
	if err := tx.Sign(f.KeySigner); err != nil {
		t.Fatal(err)
	}
	checked, err := ledger.CheckTx(f.genesis, tx)
	if err != nil {
		t.Fatal(err)
	}
	return checked
}

// block returns a good block on top of the processor's newest one, which does nothing.
func (f *forger) block(t *testing.T, at time.Time) ledger.Block {
	t.Helper()
	tx, head := f.transaction(t, &ledger.Tick{}, at), f.node.Head()
	in := f.node.Input(&head, tx, tx.Tx().Time)
	state, log, err := f.node.Ledger().Apply(head.State, in)
	if err != nil {
		t.Fatal(err)
	}
	return f.sealed(t, f.node.Ledger().NewHeader(in, state, log), tx)
}

// sealed returns the block with the processor's signature.
func (f *forger) sealed(t *testing.T, header ledger.Header, tx ledger.CheckedTx) ledger.Block {
	t.Helper()
	return ledger.Block{Header: header, Tx: *tx.Tx(), Signature: f.signed(t, header.Hash())}
}

func blockMessage(b ledger.Block) message {
	return message{gossip.TopicBlocks, codec.Marshal(&wire.Blocks{Blocks: []ledger.Block{b}})}
}

// uncovered is one block that credits the thief with what no listener attested.
func uncovered(t *testing.T, ctx context.Context, n *devnet.Network, f *forger, thief *devnet.User) []message {
	t.Helper()
	x := n.Chains[0]
	b := bridgeOf(t, ctx, n.Daemon(app.RoleListener), x)
	attest := &ledger.Attest{Domain: b.Domain, Generation: b.Generation, Events: falseDeposits(t, n, x, thief, b, 1, "1000000")}
	lie := bridgecontracts.Attestation{Domain: b.Domain, Generation: b.Generation, EventID: b.EventID + 1, Head: bridgecontracts.NextHead(b.Head, &attest.Events[0])}
	// As many signatures as a certificate has, by keys without a seat.
	for range n.Genesis.Validators.ListenerQuorum {
		key, err := signing.GenerateKey()
		if err != nil {
			t.Fatal(err)
		}
		signature, err := signing.NewKeySigner(key).SignDigest(lie.Digest())
		if err != nil {
			t.Fatal(err)
		}
		attest.Signatures = append(attest.Signatures, signature)
	}
	now := time.Now()
	tx, header := f.transaction(t, attest, now), f.block(t, now).Header
	header.TxHash = tx.Hash()
	return []message{blockMessage(f.sealed(t, header, tx))}
}

// wrongRoot is one good block whose state root is another.
func wrongRoot(t *testing.T, _ context.Context, _ *devnet.Network, f *forger, _ *devnet.User) []message {
	t.Helper()
	now := time.Now()
	tx, header := f.transaction(t, &ledger.Tick{}, now), f.block(t, now).Header
	header.FrameworkRoot[0] ^= 1
	return []message{blockMessage(f.sealed(t, header, tx))}
}

// twoBlocks is two good blocks of one height.
func twoBlocks(t *testing.T, _ context.Context, _ *devnet.Network, f *forger, _ *devnet.User) []message {
	t.Helper()
	now := time.Now()
	return []message{blockMessage(f.block(t, now)), blockMessage(f.block(t, now.Add(time.Millisecond)))}
}

// TestHostileProcessor lets a program sign blocks with the processor's key that no honest
// processor signs. Everybody keeps the evidence and signs nothing more.
func TestHostileProcessor(t *testing.T) {
	for _, c := range []struct {
		name   string
		attack func(*testing.T, context.Context, *devnet.Network, *forger, *devnet.User) []message
		// taken is how many of its blocks a follower may have executed.
		taken uint64
	}{
		{"credit without a certificate", uncovered, 0},
		{"wrong root", wrongRoot, 0},
		{"two blocks of one height", twoBlocks, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx := testContext(t)
			anvil := startAnvil(t, 31337)
			m := &miner{anvil, rpctest.Start(t, anvil.URL())}
			n := startNetwork(t, ctx, devnet.Config{Chains: []devnet.ChainConfig{{Endpoint: anvil.URL(), Daemons: []string{m.proxy.URL()}}}})
			x := n.Chains[0]
			alice, mallory := newUser(t, ctx, n, "Alice"), newUser(t, ctx, n, "Mallory")
			deposit(t, ctx, alice, x, "USDC", "100", true)
			awaitBalance(t, ctx, n, alice, x, "USDC", "100")
			late := []*devnet.Process{daemon(t, n, "listener-2"), daemon(t, n, "listener-3")}
			leaveActionWaiting(t, ctx, n, alice, late)

			f := seizeProcessor(t, ctx, n, len(n.Daemons)-1-len(late))
			height := f.node.Height()
			signed, alerts := f.hearMembers(t, bridgeOf(t, ctx, n.Daemon(app.RoleListener), x).EventID)
			f.hostileFor(t, ctx, n, c.attack(t, ctx, n, f, mallory), late)
			wantNothingSigned(t, ctx, n, m, alice)
			if got := signed.Load(); got != 0 {
				t.Errorf("%d signatures of members were gossiped after the evidence", got)
			}
			if alerts.Load() == 0 {
				t.Error("no evidence was heard: what this program hears proves nothing")
			}
			wantNoAccount(t, ctx, mallory, x)
			for _, p := range followers(n) {
				status, err := client(t, p).Status(ctx)
				if err != nil || status.Height > height+c.taken {
					t.Errorf("%s is at block %d, the processor's last good one is %d (%v)", p.Name, status.Height, height, err)
				}
				wantAudit(t, ctx, p)
			}
			f.leave()
			wantRemembered(t, ctx, followers(n))
		})
	}
}

// followers returns all daemons but the processor.
func followers(n *devnet.Network) []*devnet.Process { return others(n, "processor") }

// leaveActionWaiting stops so many listeners that no block is acknowledged, and asks for a
// withdrawal: an action that approvers would sign if they learned of acknowledgements.
func leaveActionWaiting(t *testing.T, ctx context.Context, n *devnet.Network, alice *devnet.User, late []*devnet.Process) {
	t.Helper()
	for _, p := range late {
		if err := p.Stop(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := alice.Withdraw(ctx, n.Chains[0], "USDC", "5", bridgecontract.Word(evm.AddressOf(evm.DevKey(9)))); err != nil {
		t.Fatal(err)
	}
	wantApprovers(t, ctx, n, "action 1 on "+n.Chains[0].ID+": waiting", "not acknowledged")
}

// hearMembers counts, until the test ends, approvals, attestations of events that the
// ledger does not have, and the evidence that others send.
func (f *forger) hearMembers(t *testing.T, applied uint64) (signed, alerts *atomic.Int64) {
	t.Helper()
	signed, alerts = new(atomic.Int64), new(atomic.Int64)
	hear := func(topic string, heard func(data []byte)) {
		cancel, err := f.host.Subscribe(topic, func(_ context.Context, _ string, data []byte) gossip.Verdict {
			heard(data)
			return gossip.Accept
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(cancel)
	}
	hear(gossip.TopicAlerts, func([]byte) { alerts.Add(1) })
	hear(gossip.TopicApprovals, func(data []byte) {
		var vote wire.Vote
		// Votes to attach the bridge are older.
		if err := codec.Unmarshal(data, &vote, wire.MaxSmall); err != nil || vote.Approval != nil {
			signed.Add(1)
		}
	})
	hear(gossip.TopicAttestations, func(data []byte) {
		var a wire.Attestation
		// Gossip may repeat an older one to whoever joins.
		if err := codec.Unmarshal(data, &a, wire.MaxSmall); err != nil || a.EventID > applied {
			signed.Add(1)
		}
	})
	return signed, alerts
}

// hostileFor gossips the messages until everybody holds evidence, those too who come late.
func (f *forger) hostileFor(t *testing.T, ctx context.Context, n *devnet.Network, attack []message, late []*devnet.Process) {
	t.Helper()
	stop := f.repeat(ctx, func(context.Context) []message { return attack })
	defer stop()
	early := map[string]bool{}
	for _, p := range followers(n) {
		early[p.Name] = true
	}
	for _, p := range late {
		early[p.Name] = false
	}
	for _, p := range followers(n) {
		if early[p.Name] {
			wantCompromised(t, ctx, p)
		}
	}
	for _, p := range late {
		if err := p.Start(); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range late {
		wantCompromised(t, ctx, p)
	}
}

func wantCompromised(t *testing.T, ctx context.Context, p *devnet.Process) {
	t.Helper()
	until(t, ctx, p.Name+" says that the processor is hostile", time.Minute, func() (bool, error) {
		c, err := p.Client()
		if err != nil {
			return false, err
		}
		status, err := c.Status(ctx)
		return status.Compromised, err
	})
}

// wantNothingSigned brings everybody something to sign, waits until they have seen it, and
// asks why they do not.
func wantNothingSigned(t *testing.T, ctx context.Context, n *devnet.Network, m *miner, alice *devnet.User) {
	t.Helper()
	x := n.Chains[0]
	before := contract(t, ctx, n, x)
	receipt := deposit(t, ctx, alice, x, "ETH", "1", false)
	until(t, ctx, "the deposit is settled", time.Minute, func() (bool, error) {
		number, err := x.Client().BlockNumber(ctx)
		return number >= receipt.Block+3, err
	})
	m.look(t, ctx, n)
	const proof = "there is proof that the processor is hostile"
	for _, p := range n.Daemons {
		if p.Role == app.RoleListener {
			until(t, ctx, p.Name+" says why it signs nothing", 30*time.Second, func() (bool, error) {
				part, err := partOf(ctx, p, "listener "+x.ID)
				if err == nil && !strings.Contains(part.Detail, proof) {
					err = fmt.Errorf("it says %+v", part)
				}
				return err == nil, err
			})
		}
	}
	wantApprovers(t, ctx, n, "action 1 on "+x.ID+": refused", proof)
	if now := contract(t, ctx, n, x); now.NextAction != before.NextAction || now.EventID != before.EventID+1 {
		t.Errorf("the contract was at %+v and is at %+v, want nothing but one deposit more", before, now)
	}
}

// wantRemembered kills all daemons and starts one after the other alone, so that nobody
// can tell it what it must have kept itself.
func wantRemembered(t *testing.T, ctx context.Context, daemons []*devnet.Process) {
	t.Helper()
	for _, p := range daemons {
		if err := p.Kill(); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range daemons {
		if err := p.Start(); err != nil {
			t.Fatal(err)
		}
		var compromised bool
		until(t, ctx, p.Name+" answers", time.Minute, func() (bool, error) {
			c, err := p.Client()
			if err != nil {
				return false, err
			}
			status, err := c.Status(ctx)
			compromised = status.Compromised
			return err == nil, err
		})
		if !compromised {
			t.Errorf("%s has forgotten the evidence", p.Name)
		}
		if err := p.Kill(); err != nil {
			t.Fatal(err)
		}
	}
}
