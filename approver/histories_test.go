package approver

import (
	"strings"
	"testing"
	"time"

	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/bridgewatch"
	"github.com/trinebridge/trine/chain/chaintest"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/ledger"
	"github.com/trinebridge/trine/ledger/exampleapp"
	"github.com/trinebridge/trine/signing"
)

// falseDollars has a listener quorum of the other chain attest a million dollars of the
// user's that nobody has deposited.
func (s *scene) falseDollars() {
	s.Helper()
	s.attestEvents(other, bridgecontracts.Event{ID: s.bridge(other).EventID + 1, Body: &bridgecontracts.Deposited{
		Wallet: wallet, Token: usdToken, Amount: *uint256.NewInt(1_000_000),
		Keys: []bridgecontracts.KeyProof{s.proof(other, s.user, wallet)},
	}})
}

// A listener quorum attests a deposit that never happened, and the ledger credits it. No
// withdrawal of that asset is signed, on any chain, nor one of another asset.
func TestHostileListenerQuorum(t *testing.T) {
	s := newScene(t)
	s.deposit(home, goldToken, 500)
	s.attest(home)
	s.deposit(other, usdToken, 700)
	s.attest(other)
	s.falseDollars()
	falseHead := s.bridge(other).Head
	s.withdraw(home, gold, 100)
	s.withdraw(other, usd, 600)
	s.round(0)
	s.wantReason(Waiting, WaitBehind, "event 2", "settled event 1")
	s.deposit(other, usdToken, 1) // what really happens next
	s.round(time.Second)
	own, ok, err := s.approver.watch(s.chains[other].Domain()).Reader.HeadAt(2)
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	s.wantReason(Refused, RefuseHistory, "event 2", s.chains[other].Domain().Short(), falseHead.String(), own.String())
	if !strings.Contains(s.logs.String(), "level=ERROR") || !strings.Contains(s.logs.String(), falseHead.String()) {
		t.Errorf("the log does not say so:\n%s", &s.logs)
	}
	if len(s.refused) != 2 || s.refused[0].Reason != RefuseHistory {
		t.Errorf("alerts: %+v", s.refused)
	}
	if st := s.approver.Status(); st.Ready || !strings.Contains(st.Doing, "refuses 2") {
		t.Errorf("status %+v", st)
	}
	// The false dollars cannot leave by the honest chain either.
	s.deposit(home, usdToken, 5000)
	s.attest(home)
	s.withdraw(home, usd, 3000)
	s.round(time.Second)
	for _, d := range s.approver.Status().Actions {
		if d.State != Refused || d.Reason != RefuseHistory {
			t.Errorf("%+v", d)
		}
	}
	s.wantApproved()
}

// Gold has a bridge on the home chain alone, which is honest. Each story turns a lie about the
// other chain into gold of somebody else's, and asks for it.
func TestNoLieTurnsIntoAnotherAsset(t *testing.T) {
	offer := func(action exampleapp.Action, asset ledger.AssetID, price uint64) *ledger.AppMessage {
		return &ledger.AppMessage{Data: codec.Marshal(&exampleapp.Message{Action: action, Name: "moon", Asset: asset, Price: *uint256.NewInt(price)})}
	}
	for name, story := range map[string]struct {
		app   ledger.App
		steal func(s *scene, owner *signing.KeySigner, ownersWallet codec.Hash)
	}{
		"by an exchange between two people": {nil, func(s *scene, owner *signing.KeySigner, _ codec.Hash) {
			s.falseDollars()
			s.apply(s.user, &ledger.Transfer{To: owner.PublicKey(), Asset: usd, Amount: *uint256.NewInt(1_000_000)})
			s.apply(owner, &ledger.Transfer{To: s.user.PublicKey(), Asset: gold, Amount: *uint256.NewInt(400)})
		}},
		"by the app's market": {exampleapp.Names{}, func(s *scene, owner *signing.KeySigner, _ codec.Hash) {
			seller := newKey(s.T)
			s.falseDollars()
			s.apply(s.user, &ledger.Transfer{To: seller.PublicKey(), Asset: usd, Amount: *uint256.NewInt(1)})
			s.apply(seller, offer(exampleapp.Claim, usd, 0))
			s.apply(seller, offer(exampleapp.Offer, usd, 900_000))
			s.apply(s.user, offer(exampleapp.Buy, usd, 900_000))
			s.apply(s.user, offer(exampleapp.Offer, gold, 400))
			s.apply(owner, offer(exampleapp.Buy, gold, 400))
		}},
		"by a key that the owner's wallet never agreed to": {nil, func(s *scene, _ *signing.KeySigner, ownersWallet codec.Hash) {
			s.attestEvents(other, bridgecontracts.Event{ID: 2, Body: &bridgecontracts.Deposited{
				Wallet: ownersWallet, Token: usdToken, Keys: []bridgecontracts.KeyProof{s.proof(other, s.user, ownersWallet)},
			}})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSceneWith(t, story.app)
			owner, ownersWallet := newKey(t), codec.LeftPad([]byte{0x0a, 2})
			s.depositBy(home, owner, ownersWallet, goldToken, 400)
			s.attest(home)
			s.depositBy(other, owner, ownersWallet, usdToken, 5)
			s.attest(other)
			s.round(0)
			story.steal(s, owner, ownersWallet)
			s.withdraw(home, gold, 400)
			s.round(time.Second)
			s.wantReason(Waiting, WaitBehind, "event 2", other)
			s.endpoints[other].Spoil(chaintest.Down)
			s.round(time.Second)
			s.wantReason(Waiting, WaitEndpoints, "event 2", other, "own-"+other)
			s.endpoints[other].Spoil(chaintest.Healthy)
			s.deposit(other, usdToken, 1)
			s.round(time.Second)
			s.wantReason(Refused, RefuseHistory, "event 2", other)
		})
	}
}

// Gold has no bridge on the other chain. While that chain cannot be read, gold is paid as
// long as nothing that the ledger has heard from there is unverified.
func TestOutageOfAnotherChain(t *testing.T) {
	s := newScene(t)
	s.deposit(home, goldToken, 500)
	s.attest(home)
	s.deposit(other, usdToken, 700)
	s.attest(other)
	s.round(0)
	s.endpoints[other].Spoil(chaintest.Down)
	s.withdraw(home, gold, 100)
	s.round(time.Second)
	s.wantApproved(1)
	s.restart() // what was verified is on the disk
	s.withdraw(home, gold, 50)
	s.round(time.Second)
	s.wantApproved(1, 2)
	s.withdraw(other, usd, 100)
	s.round(time.Second)
	s.wantReason(Waiting, WaitEndpoints, "own-"+other)

	s.deposit(other, usdToken, 30)
	s.attest(other)
	s.withdraw(home, gold, 60)
	s.round(time.Second)
	for _, d := range s.approver.Status().Actions {
		switch waits := d.State == Waiting && d.Reason == WaitEndpoints && strings.Contains(d.Detail, "own-"+other); {
		case d.Chain == home && d.ActionID < 3 && d.State != Approved:
			t.Errorf("it was seen before the event: %+v", d)
		case d.Chain == home && d.ActionID == 3 && !(waits && strings.Contains(d.Detail, "event 2")):
			t.Errorf("nobody here knows whether event 2 is true: %+v", d)
		case d.Chain == other && !waits:
			t.Errorf("its own chain cannot be read: %+v", d)
		}
	}
	s.endpoints[other].Spoil(chaintest.Healthy)
	s.round(bridgewatch.DefaultRepeat)
	s.wantApproved(1, 1, 2, 3)
}

// An approver needs no endpoints of a chain whose bridge has said nothing; then it does.
func TestChainWithoutEndpoints(t *testing.T) {
	s := newScene(t)
	s.config = func(c *Config) { delete(c.Chains, other) }
	s.restart()
	s.deposit(home, goldToken, 500)
	s.attest(home)
	s.withdraw(home, gold, 100)
	s.round(0)
	s.wantApproved(1)
	s.deposit(other, usdToken, 1)
	s.attest(other)
	s.withdraw(home, gold, 100)
	s.round(time.Second)
	s.wantReason(Refused, RefuseNoEndpoints, other, "no endpoints")
}

// The ledger is always an event ahead of what this approver has read of a busy chain. What
// the ledger had applied when the action came is what must be verified.
func TestBusyChain(t *testing.T) {
	s := newScene(t)
	s.deposit(home, goldToken, 500)
	s.attest(home)
	s.deposit(other, usdToken, 1)
	s.attest(other)
	s.withdraw(home, gold, 100)
	s.endpoints[other].Lag(3)
	s.round(0)
	s.wantReason(Waiting, WaitBehind, "event 1")
	s.deposit(other, usdToken, 1)
	s.attest(other)
	s.round(time.Second)
	if own, _ := s.approver.watch(s.chains[other].Domain()).Reader.Verified(); own.ID != 1 || s.bridge(other).EventID != 2 {
		t.Fatalf("own endpoints show event %d, the ledger is at %d; the test is about one ahead", own.ID, s.bridge(other).EventID)
	}
	s.wantApproved(1)
	s.withdraw(home, gold, 50)
	s.round(time.Second)
	s.wantReason(Waiting, WaitBehind, "event 2")
}

// A chain whose settled history has changed stops every payment, also when it then cannot be read.
func TestContradictionStays(t *testing.T) {
	s := newScene(t)
	s.deposit(home, goldToken, 500)
	s.attest(home)
	s.deposit(other, usdToken, 1)
	s.attest(other)
	s.round(0)
	s.chains[other].Fork(int(s.chains[other].Tip().Number))
	s.chains[other].Deposit(wallet, usdToken, 77)
	s.chains[other].Mine(9)
	s.look()
	s.withdraw(home, gold, 100)
	s.round(time.Second)
	s.wantReason(Refused, RefuseContradiction, "event 1")
	s.endpoints[other].Spoil(chaintest.Down)
	s.round(time.Second)
	s.wantReason(Refused, RefuseContradiction, "event 1")
}
