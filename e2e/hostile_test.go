//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/trinebridge/trine/api"
	"github.com/trinebridge/trine/app"
	"github.com/trinebridge/trine/bridgecontracts"
	bridgecontract "github.com/trinebridge/trine/bridgecontracts/ethereum"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/devnet"
	"github.com/trinebridge/trine/gossip"
	"github.com/trinebridge/trine/gossip/wire"
	"github.com/trinebridge/trine/internal/evm"
)

const (
	// liesAhead is for how many events behind the ledger's cursor a hostile listener gossips
	// wrong heads before the events exist, headsEach how many for each.
	liesAhead, headsEach = 3, 3
	// falseEvents reach beyond them, because a listener's first word about an event stands.
	falseEvents = liesAhead + 2
)

// TestHostileListeners lets one hostile listener, and then a quorum of them, loose.
func TestHostileListeners(t *testing.T) {
	ctx := testContext(t)
	n := startNetwork(t, ctx, devnet.Config{Chains: []devnet.ChainConfig{{Endpoint: startAnvil(t, 31337).URL()}}})
	x := n.Chains[0]
	alice, mallory := newUser(t, ctx, n, "Alice"), newUser(t, ctx, n, "Mallory")
	deposit(t, ctx, alice, x, "USDC", "100", true)
	awaitBalance(t, ctx, n, alice, x, "USDC", "100")

	liar := seize(t, ctx, n, daemon(t, n, "listener-3"), len(n.Daemons)-1)
	heard := liar.hearApprovals(t, bridgeOf(t, ctx, n.Daemon(app.RoleListener), x).Domain)
	if !t.Run("one", func(t *testing.T) { oneHostileListener(t, ctx, n, liar, heard, alice, mallory) }) {
		return
	}
	accomplice := seize(t, ctx, n, daemon(t, n, "listener-2"), len(n.Daemons)-2)
	t.Run("quorum", func(t *testing.T) {
		hostileListenerQuorum(t, ctx, n, []*member{liar, accomplice}, heard, alice, mallory)
	})
}

// oneHostileListener: wrong heads, gossiped before the events exist, credit nothing and
// hold nothing up.
func oneHostileListener(t *testing.T, ctx context.Context, n *devnet.Network, liar *member, heard *approvals, alice, mallory *devnet.User) {
	x, honest := n.Chains[0], n.Daemon(app.RoleListener)
	loot := falseDeposits(t, n, x, mallory, bridgeOf(t, ctx, honest, x), liesAhead, "1000000")
	unserve := liar.serveEvents(t, loot)
	defer unserve()
	asked := client(t, honest)
	lies := func(ctx context.Context) []message {
		b, err := asked.Bridge(ctx, x.ID)
		if err != nil {
			return nil // asked again in the next round
		}
		return liar.wrongHeads(t, b, loot)
	}
	liar.publish(t, ctx, lies(ctx)...)
	stop := liar.repeat(ctx, lies)
	defer stop()

	total := 100
	for _, amount := range []int{10, 20, 30} {
		deposit(t, ctx, alice, x, "USDC", fmt.Sprint(amount), false)
		total += amount
		took := awaitBalance(t, ctx, n, alice, x, "USDC", fmt.Sprint(total))
		t.Logf("%d USDC credited %v after they were mined", amount, took)
	}
	to := evm.AddressOf(evm.DevKey(9))
	sequence, err := alice.Withdraw(ctx, x, "USDC", "5", bridgecontract.Word(to))
	if err != nil {
		t.Fatal(err)
	}
	until(t, ctx, "a withdrawal is paid", paidWithin, func() (bool, error) {
		w, err := asked.Withdrawal(ctx, x.ID, sequence)
		return err == nil && w.Status == "paid", err
	})
	wantHistory(t, ctx, n, x, others(n, "listener-3"))
	wantNoAccount(t, ctx, mallory, x)
	if heard.of(1) == 0 {
		t.Error("no approval of a good action was heard: what this program hears proves nothing")
	}
	for _, name := range []string{"listener-1", "listener-2"} {
		log, err := os.ReadFile(daemon(t, n, name).Log())
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(log), "another listener attests another head") || !strings.Contains(string(log), liar.Address().String()) {
			t.Errorf("%s never heard a wrong head of %s: the attack did not happen", name, liar.Address())
		}
	}
}

// wrongHeads returns attestations of what has not happened: several heads for each of the
// next events, the same in other generations, and an event of a far future.
func (m *member) wrongHeads(t *testing.T, b api.Bridge, loot []bridgecontracts.Event) (lies []message) {
	lie := func(generation, id uint64, head bridgecontracts.Head) {
		a := bridgecontracts.Attestation{Domain: b.Domain, Generation: generation, EventID: id, Head: head}
		lies = append(lies, message{gossip.TopicAttestations, m.attestation(t, a)})
	}
	head := b.Head
	for i := range uint64(liesAhead) {
		for variant := range headsEach {
			event := loot[i]
			event.ID = b.EventID + 1 + i + uint64(variant)*1000
			head = bridgecontracts.NextHead(head, &event)
			lie(b.Generation, b.EventID+1+i, head)
		}
	}
	lie(b.Generation+1, b.EventID+1, head)
	lie(0, b.EventID+1, head)
	lie(b.Generation, 1<<40, head)
	lie(b.Generation, ^uint64(0), head)
	return lies
}

// falseDeposits returns the next events of a bridge as its listeners would like them: the
// wallet deposits, again and again.
func falseDeposits(t *testing.T, n *devnet.Network, x *devnet.External, thief *devnet.User, b api.Bridge, count int, each string) (events []bridgecontracts.Event) {
	t.Helper()
	amount, err := n.Amount(x, "USDC", each)
	if err != nil {
		t.Fatal(err)
	}
	wallet := thief.Hand(x).Address()
	signature, err := thief.Key.SignDigest(bridgecontracts.KeyLinkDigest(b.Domain, wallet, thief.Key.PublicKey()))
	if err != nil {
		t.Fatal(err)
	}
	for i := range uint64(count) { // small
		d := &bridgecontracts.Deposited{Wallet: wallet, Token: amount.Token.Address, Amount: amount.Tokens}
		if i == 0 {
			d.Keys = []bridgecontracts.KeyProof{{Key: thief.Key.PublicKey(), Signature: signature}}
		}
		events = append(events, bridgecontracts.Event{ID: b.EventID + 1 + i, Body: d})
	}
	return events
}

// hostileListenerQuorum: what a quorum of listeners invents is credited, because the
// ledger has nobody else to believe, but never leaves the bridge.
func hostileListenerQuorum(t *testing.T, ctx context.Context, n *devnet.Network, liars []*member, heard *approvals, alice, mallory *devnet.User) {
	x, processor := n.Chains[0], client(t, n.Daemon(app.RoleProcessor))
	before, heldBefore := contract(t, ctx, n, x), held(t, ctx, n, alice, x, "USDC")
	b := bridgeOf(t, ctx, n.Daemon(app.RoleProcessor), x)
	loot := falseDeposits(t, n, x, mallory, b, falseEvents, "10")
	lie := bridgecontracts.Attestation{Domain: b.Domain, Generation: b.Generation, EventID: b.EventID + falseEvents, Head: b.Head}
	for i := range loot {
		lie.Head = bridgecontracts.NextHead(lie.Head, &loot[i])
	}
	for _, m := range liars {
		unserve := m.serveEvents(t, loot)
		defer unserve()
		// They also acknowledge every block, as good listeners do: nothing but the approvers'
		// own reading may stand between the thief and the funds.
		stop := m.repeat(ctx, func(ctx context.Context) []message {
			messages := []message{{gossip.TopicAttestations, m.attestation(t, lie)}}
			if s, err := processor.Status(ctx); err == nil {
				ack := &wire.Ack{Height: s.Height, Block: s.Block, Signature: m.signed(t, bridgecontracts.AckDigest(m.genesis, s.Height, s.Block))}
				messages = append(messages, message{gossip.TopicAcks, codec.Marshal(ack)})
			}
			return messages
		})
		defer stop()
	}
	stolen := fmt.Sprint(10 * falseEvents)
	awaitBalance(t, ctx, n, mallory, x, "USDC", stolen)
	sequence, err := mallory.Withdraw(ctx, x, "USDC", stolen, mallory.Wallet(x).Word)
	if err != nil {
		t.Fatal(err)
	}
	var action uint64
	until(t, ctx, "the ledger asks for an action", creditWithin, func() (bool, error) {
		w, err := processor.Withdrawal(ctx, x.ID, sequence)
		action = w.Action
		return action > 0, err
	})
	event := fmt.Sprintf("event %d of bridge %s on %s", lie.EventID, b.Domain.Short(), x.ID)
	wantApprovers(t, ctx, n, fmt.Sprintf("action %d on %s: waiting", action, x.ID), event)

	// Now the contract comes to events with the same ids, which are others.
	for range falseEvents {
		deposit(t, ctx, alice, x, "ETH", "0.01", false)
	}
	wantApprovers(t, ctx, n, fmt.Sprintf("action %d on %s: refused", action, x.ID), event+": the ledger has head "+lie.Head.String())
	if count := heard.of(action); count != 0 {
		t.Errorf("%d approvers have signed the thief's action %d", count, action)
	}
	if a, err := processor.Action(ctx, x.ID, action); err != nil || a.Status != "pending" || len(a.Signers) != 0 {
		t.Errorf("the thief's action is %+v (%v)", a, err)
	}
	if after := contract(t, ctx, n, x); after.NextAction != before.NextAction {
		t.Errorf("the contract has gone from action %d to %d", before.NextAction, after.NextAction)
	}
	if now := held(t, ctx, n, alice, x, "USDC"); now != heldBefore {
		t.Errorf("the bridge held %s units and holds %s", heldBefore.Dec(), now.Dec())
	}
	wantHonestListenerSays(t, ctx, n, fmt.Sprintf("event %d with head %s", lie.EventID, lie.Head))
}

// wantApprovers waits until every approver says all of the words about one action.
func wantApprovers(t *testing.T, ctx context.Context, n *devnet.Network, words ...string) {
	t.Helper()
	for _, p := range n.Daemons {
		if p.Role != app.RoleApprover {
			continue
		}
		until(t, ctx, fmt.Sprintf("%s says %q", p.Name, words), creditWithin, func() (bool, error) {
			part, err := partOf(ctx, p, "approver")
			if err != nil {
				return false, err
			}
			for _, line := range part.Waiting {
				missing := 0
				for _, w := range words {
					if !strings.Contains(line, w) {
						missing++
					}
				}
				if missing == 0 {
					return true, nil
				}
			}
			return false, fmt.Errorf("it says %q", part.Waiting)
		})
	}
}

// wantHonestListenerSays waits until the honest listener's status has the words.
func wantHonestListenerSays(t *testing.T, ctx context.Context, n *devnet.Network, words string) {
	t.Helper()
	p := n.Daemon(app.RoleListener)
	until(t, ctx, fmt.Sprintf("%s says %q", p.Name, words), 30*time.Second, func() (bool, error) {
		part, err := partOf(ctx, p, "listener "+n.Chains[0].ID)
		if err == nil && !strings.Contains(part.Error, words) {
			err = fmt.Errorf("it says %q", part.Error)
		}
		return err == nil, err
	})
}
