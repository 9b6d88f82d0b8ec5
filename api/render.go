package api

import (
	"encoding/hex"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/ledger"
	"github.com/trinebridge/trine/signing"
)

func (s *Server) renderBridge(b *ledger.Bridge) (Bridge, error) {
	out := Bridge{
		Chain: b.Chain, Address: s.config.Addresses.Format(b.Chain, b.Address), Domain: b.Domain, Generation: b.Generation,
		EventID: b.EventID, Head: b.Head, Epoch: b.Epoch, Paused: b.PauseSequence%2 == 1, PauseSequence: b.PauseSequence,
		LimitVersion: b.LimitVersion, LastAction: b.LastAction, LastExecuted: b.LastExecuted, Halted: b.Halted,
		Tokens: []BridgeToken{}, Controls: []Control{},
	}
	for i := range b.Tokens {
		out.Tokens = append(out.Tokens, s.renderToken(b.Chain, &b.Tokens[i]))
	}
	controls, err := s.config.Node.View().OpenControls(b.Domain)
	for i := range controls {
		c := &controls[i]
		voters := make([]signing.Address, len(c.Votes))
		for j := range c.Votes {
			voters[j] = c.Votes[j].Member
		}
		out.Controls = append(out.Controls, Control{c.Control.Body.Kind().String(), c.Control.Sequence, c.Digest, voters, c.Seal != nil, c.Done})
	}
	return out, err
}

func (s *Server) renderToken(chainID string, t *ledger.TokenBook) BridgeToken {
	asset, _ := s.config.Node.Ledger().Genesis().Asset(t.Asset)
	token, _ := asset.TokenOn(chainID)
	show := func(n uint256.Int) Amount { return amount(&n, token.Decimals) }
	out := BridgeToken{
		Asset: asset.Symbol, Token: s.config.Addresses.FormatToken(chainID, t.Token),
		Held: show(t.Held), InFlight: show(t.InFlight), Claimable: show(t.Claimable), Dust: show(t.Dust),
		Available: show(available(t)), Queued: show(t.Queued), Waiting: t.QueueTail - t.QueueHead,
	}
	if t.Limit.Window > 0 {
		out.Limit = &Limit{show(t.Limit.Capacity), t.Limit.Window, show(t.Limit.Level), t.Limit.Updated}
	}
	return out
}

// available returns held − in flight − claimable − dust, never below zero.
func available(t *ledger.TokenBook) uint256.Int {
	n := t.Held
	for _, part := range []*uint256.Int{&t.InFlight, &t.Claimable, &t.Dust} {
		if n.Lt(part) {
			return uint256.Int{}
		}
		n.Sub(&n, part)
	}
	return n
}

var actionKinds = map[bridgecontracts.ActionKind]string{
	bridgecontracts.KindTransfers: "transfers", bridgecontracts.KindCall: "call", bridgecontracts.KindNoop: "noop",
}

func (s *Server) renderAction(b *ledger.Bridge, r *ledger.ActionRecord) (Action, error) {
	out := Action{
		Chain: b.Chain, ID: r.Action.ID, Revision: r.Revision, Kind: actionKinds[r.Action.Body.Kind()], Status: r.Status.String(),
		Height: r.Height, Transfers: []ActionTransfer{}, Signers: []signing.Address{}, Event: r.ExecutedEvent, Tx: s.chainTx(b.Domain, r.ExecutedEvent),
	}
	if n := len(r.Digests); n > 0 {
		out.Digest = r.Digests[n-1].Digest
	}
	result := bridgecontracts.ActionExecuted{Failed: r.Failed}
	for i := range r.Withdrawals {
		w := &r.Withdrawals[i]
		symbol, paid := s.payment(b.Chain, w)
		out.Transfers = append(out.Transfers, ActionTransfer{w.Sequence, w.Account, symbol, s.config.Addresses.Format(b.Chain, w.To), paid, result.FailedAt(i)})
	}
	if r.Seal == nil {
		return out, nil
	}
	for _, signature := range append([]signing.Signature{r.Seal.Processor}, r.Seal.Approvers...) {
		signer, err := signature.RecoverAddress(out.Digest)
		if err != nil {
			return out, fmt.Errorf("seal of action %d on %s: %w", out.ID, b.Chain, err)
		}
		out.Signers = append(out.Signers, signer)
	}
	return out, nil
}

func (s *Server) payment(chainID string, w *ledger.Withdrawal) (symbol string, paid Amount) {
	asset, _ := s.config.Node.Ledger().Genesis().Asset(w.Asset)
	token, _ := asset.TokenOn(chainID)
	return asset.Symbol, amount(&w.Amount, token.Decimals)
}

func (s *Server) renderWithdrawal(view ledger.View, b *ledger.Bridge, w *ledger.WithdrawalRecord) (Withdrawal, error) {
	symbol, paid := s.payment(b.Chain, &w.Withdrawal)
	out := Withdrawal{
		Chain: b.Chain, Sequence: w.Sequence, Status: w.Place.String(), Action: w.Action, Asset: symbol,
		To: s.config.Addresses.Format(b.Chain, w.To), Amount: paid, Account: w.Account,
	}
	if w.Place == ledger.WithdrawalWaiting {
		before, _, err := view.QueuePosition(b.Domain, w.Sequence)
		out.Position = before + 1
		return out, err
	}
	if w.Action == 0 {
		return out, nil
	}
	action, ok, err := view.Action(b.Domain, w.Action)
	if err != nil || !ok {
		return out, err
	}
	out.Tx = s.chainTx(b.Domain, action.ExecutedEvent)
	if w.Place == ledger.WithdrawalInFlight {
		out.Status = action.Status.String()
	}
	return out, nil
}

// renderLog turns entries into names and fields. Numbers are decimal strings, so that
// no reader rounds them; an entry with a domain comes with its chain, and addresses are in
// that chain's notation.
func (s *Server) renderLog(log ledger.Log) []LogEntry {
	out := make([]LogEntry, len(log))
	for i := range log {
		body := reflect.ValueOf(log[i].Body).Elem()
		fields := map[string]any{}
		chainID := ""
		if domain := body.FieldByName("Domain"); domain.IsValid() {
			if b, ok, err := s.config.Node.View().Bridge(domain.Interface().(bridgecontracts.Domain)); err == nil && ok {
				chainID = b.Chain
				fields["chain"] = b.Chain
			}
		}
		for j := range body.NumField() {
			name := body.Type().Field(j).Name
			fields[lowerFirst(name)] = s.renderField(chainID, name, body.Field(j))
		}
		out[i] = LogEntry{log[i].Body.Name(), fields}
	}
	return out
}

var eventKinds = map[bridgecontracts.EventKind]string{
	bridgecontracts.KindDeposited: "deposited", bridgecontracts.KindActionExecuted: "action-executed", bridgecontracts.KindSetRotated: "set-rotated",
	bridgecontracts.KindPaused: "paused", bridgecontracts.KindUnpaused: "unpaused", bridgecontracts.KindLimitSet: "limit-set", bridgecontracts.KindClaimed: "claimed",
}

func (s *Server) renderField(chainID, name string, field reflect.Value) any {
	switch v := field.Interface().(type) {
	case codec.Hash:
		switch {
		case chainID == "":
			return v
		case name == "Token":
			return s.config.Addresses.FormatToken(chainID, v)
		case name == "Recipient" || name == "Bridge":
			return s.config.Addresses.Format(chainID, v)
		}
		return v
	case bridgecontracts.EventKind:
		return eventKinds[v]
	case uint256.Int:
		return v.Dec()
	case []byte:
		return "0x" + hex.EncodeToString(v)
	case fmt.Stringer:
		return v.String()
	}
	if field.CanUint() {
		return strconv.FormatUint(field.Uint(), 10)
	}
	return field.Interface()
}

// lowerFirst turns a Go field name into its JSON form: "EventID" into "eventId".
func lowerFirst(name string) string {
	if base, ok := strings.CutSuffix(name, "ID"); ok && base != "" {
		name = base + "Id"
	}
	return strings.ToLower(name[:1]) + name[1:]
}
