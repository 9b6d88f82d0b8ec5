package approver

import (
	"context"
	"slices"
	"testing"

	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/chain/chaintest"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/ledger"
	"github.com/trinebridge/trine/signing"
)

// reasonCases has a way to each reason; a scene is spoiled after its action waits, and before the approver looks.
var reasonCases = []struct {
	name  string
	spoil func(s *scene)
	state State
	want  Reason
	words []string
}{
	{"not acknowledged", func(s *scene) { s.acks.height = s.head.Height - 1 }, Waiting, WaitAcknowledged, []string{"block 4", "block 3"}},
	{"endpoints down", func(s *scene) { s.endpoints[home].Spoil(chaintest.Down) }, Waiting, WaitEndpoints, []string{"own-chaintest:1"}},
	{"endpoints of the asset's other chain down", func(s *scene) { s.endpoints[other].Spoil(chaintest.Down) }, Waiting, WaitEndpoints, []string{"own-chaintest:2"}},
	{"own endpoints lag", func(s *scene) { s.endpoints[home].Lag(3) }, Waiting, WaitBehind, []string{"event 1", "event 0"}},
	{"paused", func(s *scene) {
		s.chains[home].Emit(&bridgecontracts.Paused{Sequence: 1})
		s.chains[home].Mine(3)
		s.attest(home)
	}, Waiting, WaitPaused, []string{"the bridge is paused"}},
	{"paused, as own endpoints show", func(s *scene) {
		s.chains[home].Emit(&bridgecontracts.Paused{Sequence: 1})
		s.chains[home].Mine(3)
	}, Waiting, WaitPaused, []string{"own endpoints"}},
	{"another epoch", func(s *scene) { s.spoilBridge(func(b *ledger.Bridge) { b.Epoch = 7 }) }, Waiting, WaitEpoch, []string{"epoch 7"}},
	{"another epoch, as own endpoints show", func(s *scene) {
		s.chains[home].Emit(&bridgecontracts.SetRotated{Epoch: 2, SetHash: codec.Hash{1}})
		s.chains[home].Mine(3)
	}, Waiting, WaitEpoch, []string{"own endpoints", "epoch 2"}},
	{"executed, as own endpoints show", func(s *scene) {
		s.chains[home].Emit(&bridgecontracts.ActionExecuted{ActionID: 1})
		s.chains[home].Mine(3)
	}, Waiting, WaitExecuted, []string{"action 2 next"}},
	{"key store failed", func(s *scene) { s.config = func(c *Config) { c.Signer = brokenSigner{c.Signer} } }, Waiting, WaitKey, []string{"the vault is sealed"}},
	{"dry run", func(s *scene) { s.config = func(c *Config) { c.DryRun = true } }, Waiting, WaitDryRun, nil},
	{"contradiction", func(s *scene) {
		s.round(0)
		s.published = nil
		s.chains[home].Fork(int(s.chains[home].Tip().Number))
		s.chains[home].Deposit(wallet, usdToken, 77)
		s.chains[home].Mine(9)
	}, Refused, RefuseContradiction, []string{"event 1"}},
	{"no endpoints of a chain with the asset", func(s *scene) {
		s.config = func(c *Config) { delete(c.Chains, other) }
	}, Refused, RefuseNoEndpoints, []string{other}},
	{"another amount", func(s *scene) {
		s.spoilAction(func(r *ledger.ActionRecord) { transfersOf(r)[0].Amount.SetUint64(9999) })
	}, Refused, RefuseMalformed, []string{"withdrawals"}},
	{"another recipient", func(s *scene) {
		s.spoilAction(func(r *ledger.ActionRecord) { transfersOf(r)[0].To = codec.Hash{3} })
	}, Refused, RefuseMalformed, []string{"withdrawals"}},
	{"another amount in withdrawal and transfer", func(s *scene) {
		s.spoilAction(func(r *ledger.ActionRecord) {
			transfersOf(r)[0].Amount.SetUint64(9999)
			r.Withdrawals = slices.Clone(r.Withdrawals)
			r.Withdrawals[0].Amount.SetUint64(9999)
			r.Withdrawals[0].Units.SetUint64(9999)
		})
	}, Refused, RefuseMalformed, []string{"not on its way"}},
	{"amount that is not its units", func(s *scene) {
		s.spoilAction(func(r *ledger.ActionRecord) {
			r.Withdrawals = slices.Clone(r.Withdrawals)
			r.Withdrawals[0].Units.SetUint64(3)
		})
	}, Refused, RefuseMalformed, []string{"3 units"}},
	{"unknown asset", func(s *scene) {
		s.spoilAction(func(r *ledger.ActionRecord) {
			r.Withdrawals = slices.Clone(r.Withdrawals)
			r.Withdrawals[0].Asset = 9
		})
	}, Refused, RefuseMalformed, []string{"asset 9"}},
	{"a transfer without a withdrawal", func(s *scene) {
		s.spoilAction(func(r *ledger.ActionRecord) {
			r.Action.Body = &bridgecontracts.Transfers{Transfers: append(transfersOf(r), bridgecontracts.Transfer{Token: usdToken, To: codec.Hash{4}, Amount: *uint256.NewInt(1)})}
		})
	}, Refused, RefuseMalformed, nil},
	{"pays nothing", func(s *scene) {
		s.spoilAction(func(r *ledger.ActionRecord) { r.Withdrawals, r.Action.Body = nil, &bridgecontracts.Transfers{} })
	}, Refused, RefuseMalformed, []string{"pays nothing"}},
	{"another bridge's action", func(s *scene) {
		s.spoilAction(func(r *ledger.ActionRecord) { r.Domain = codec.Hash{5} })
	}, Refused, RefuseMalformed, nil},
	{"a first revision that does nothing", func(s *scene) {
		s.spoilAction(func(r *ledger.ActionRecord) { r.Action.Body = &bridgecontracts.Noop{} })
	}, Refused, RefuseMalformed, []string{"does nothing"}},
	{"a governance call", func(s *scene) {
		s.spoilAction(func(r *ledger.ActionRecord) { r.Action.Body = &bridgecontracts.Call{Target: codec.Hash{1}} })
	}, Refused, RefuseCall, nil},
	{"another digest", func(s *scene) {
		s.spoilAction(func(r *ledger.ActionRecord) {
			r.Digests = slices.Clone(r.Digests)
			r.Digests[0].Digest = codec.Hash{6}
		})
	}, Refused, RefuseDigest, []string{codec.Hash{6}.String()}},
	{"no digest", func(s *scene) { s.spoilAction(func(r *ledger.ActionRecord) { r.Digests = nil }) }, Refused, RefuseDigest, nil},
	{"the bridge holds too little", func(s *scene) { s.wrap = func(c chain.Source) chain.Source { return poorSource{c} } }, Refused, RefuseInsolvent, []string{"holds 98", "needs 99"}},
	{"the bridge holds too little, but the ledger is behind", func(s *scene) {
		s.chains[home].Emit(&bridgecontracts.Claimed{Token: usdToken, Amount: *uint256.NewInt(950)})
		s.chains[home].Mine(3)
	}, Waiting, RefuseInsolvent, []string{"holds 50"}},
	{"above the own limit alone", func(s *scene) { s.limit(98) }, Refused, RefuseOverLimit, []string{"99", "USD", "98"}},
	{"another digest in the guard", func(s *scene) {
		slot := signing.Slot{Kind: signing.KindAction, Scope: s.chains[home].Domain(), Age: 1, ID: 1, Revision: 1}
		if _, err := s.approver.config.Signer.Sign(context.Background(), signing.Statement{Slot: slot, Digest: codec.Hash{9}}); err != nil {
			s.Fatal(err)
		}
	}, Refused, RefuseDoubleSign, nil},
	{"hostile processor", func(s *scene) { s.compromised = true }, Refused, RefuseCompromised, nil},
	{"no seat", func(s *scene) {
		s.config = func(c *Config) { c.Signer = s.guarded(newKey(s.T)) }
	}, Refused, RefuseSeat, []string{"no approver's seat"}},
	{"halted", func(s *scene) { s.spoilBridge(func(b *ledger.Bridge) { b.Halted = "event 7 is odd" }) }, Refused, RefuseHalted, []string{"event 7 is odd"}},
}

// Every reason not to sign, each over an action that is right otherwise.
func TestReasons(t *testing.T) {
	seen := map[Reason]bool{}
	for _, c := range reasonCases {
		seen[c.want] = true
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t)
			s.pending()
			c.spoil(s)
			s.restart()
			s.round(0)
			s.wantReason(c.state, c.want, c.words...)
			if c.state == Refused && len(s.refused) == 0 {
				t.Error("no alert")
			}
		})
	}
	for _, tested := range []Reason{RefuseHistory, WaitLimit} { // in tests of their own, in approver_test.go and histories_test.go
		seen[tested] = true
	}
	for _, r := range []Reason{
		WaitAcknowledged, WaitEndpoints, WaitBehind, WaitPaused, WaitEpoch, WaitLimit, WaitExecuted, WaitKey, WaitDryRun,
		RefuseHistory, RefuseContradiction, RefuseNoEndpoints, RefuseMalformed, RefuseDigest, RefuseCall, RefuseInsolvent,
		RefuseOverLimit, RefuseDoubleSign, RefuseCompromised, RefuseSeat, RefuseHalted,
	} {
		if !seen[r] {
			t.Errorf("reason %s has no test", r)
		}
	}
}
