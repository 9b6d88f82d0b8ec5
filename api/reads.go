package api

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/ledger"
	"github.com/trinebridge/trine/signing"
)

// Audit is the verdict of the accounting invariant over the whole state.
type Audit struct {
	Height uint64 `json:"height"`
	Holds  bool   `json:"holds"`
	Fault  string `json:"fault,omitempty"`
}

type chainPath struct {
	Chain string `path:"chain" doc:"CAIP-2 id" example:"eip155:1"`
}

type chainNumberPath struct {
	Chain  string `path:"chain" doc:"CAIP-2 id" example:"eip155:1"`
	Number uint64 `path:"number" minimum:"1"`
}

type refPath struct {
	Ref string `path:"ref" doc:"account id, public key, or CHAIN/ADDRESS of a wallet"`
}

type hashPath struct {
	Hash string `path:"hash"`
}

type heightPath struct {
	Height uint64 `path:"height" minimum:"1"`
}

func (s *Server) reads() {
	get(s, "/v1/status", "status", "What the daemon says about itself", func(context.Context, *struct{}) (Status, error) { return s.status(), nil })
	get(s, "/v1/network", "network", "What is needed to make transactions", func(context.Context, *struct{}) (Network, error) { return s.network(), nil })
	get(s, "/v1/validators", "validators", "The current validator set", s.validators)
	get(s, "/v1/accounts/{ref}", "account", "An account", s.account)
	get(s, "/v1/transactions/{hash}", "transaction", "What became of a transaction", s.transaction)
	get(s, "/v1/blocks/{height}", "block", "A block's header and log", s.block)
	get(s, "/v1/bridges", "bridges", "All attached bridges", s.bridges)
	get(s, "/v1/bridges/{chain}", "bridge", "The bridge on a chain", func(_ context.Context, in *chainPath) (Bridge, error) {
		b, err := s.bridgeOn(in.Chain)
		if err != nil {
			return Bridge{}, err
		}
		return s.renderBridge(b)
	})
	get(s, "/v1/bridges/{chain}/actions/{number}", "action", "A value action with its signers and chain transaction", s.action)
	get(s, "/v1/bridges/{chain}/withdrawals/{number}", "withdrawal", "Where a withdrawal stands", s.withdrawal)
	get(s, "/v1/audit", "audit", "The accounting invariant over the whole state", func(context.Context, *struct{}) (Audit, error) {
		head := s.config.Node.Head()
		audit := Audit{Height: head.Header.Height, Holds: true}
		err := s.config.Node.Ledger().View(head.State).Audit()
		if errors.Is(err, ledger.ErrAudit) {
			audit.Holds, audit.Fault = false, err.Error()
			err = nil
		}
		return audit, err
	})
}

func (s *Server) status() Status {
	head := s.config.Node.Head()
	genesis := s.config.Node.Genesis()
	status := Status{
		Role:        s.config.Role,
		Network:     s.config.Node.Ledger().Genesis().Network,
		Chain:       ChainName(genesis),
		Genesis:     genesis,
		Height:      head.Header.Height,
		Block:       head.Hash,
		Peers:       s.config.Peers(),
		PeerID:      s.config.PeerID,
		Compromised: s.config.Node.Compromised(),
		Parts:       s.config.Parts(),
	}
	if head.Header.Height > 0 {
		t := milliseconds(head.Header.Time)
		status.BlockTime = &t
	}
	if status.Parts == nil {
		status.Parts = []Part{}
	}
	status.Ready = !status.Compromised
	for _, p := range status.Parts {
		status.Ready = status.Ready && p.Ready
	}
	return status
}

// ChainName names an app chain as CAIP-2 names external ones.
func ChainName(genesis codec.Hash) string { return fmt.Sprintf("trine:%x", genesis[:8]) }

func milliseconds(ms uint64) time.Time {
	return time.UnixMilli(int64(ms)).UTC() // block times are of this era
}

func (s *Server) network() Network {
	g := s.config.Node.Ledger().Genesis()
	out := Network{Network: g.Network, Genesis: s.config.Node.Genesis(), Chains: []Chain{}, Assets: []Asset{}}
	for _, c := range g.Chains {
		out.Chains = append(out.Chains, Chain{c.ID, c.Confirmations})
	}
	for i, a := range g.Assets {
		asset := Asset{ID: uint32(i + 1), Symbol: a.Symbol, Decimals: a.Decimals, Tokens: []Token{}, MinOpening: amount(&a.MinOpening, a.Decimals)} // at most ledger.MaxAssets
		for _, t := range a.Tokens {
			asset.Tokens = append(asset.Tokens, Token{t.Chain, s.config.Addresses.FormatToken(t.Chain, t.Address), t.Decimals,
				amount(&t.MinWithdrawal, a.Decimals), amount(&t.Fee, a.Decimals)})
		}
		out.Assets = append(out.Assets, asset)
	}
	return out
}

func (s *Server) validators(context.Context, *struct{}) (Validators, error) {
	set, err := s.config.Node.View().Validators()
	if err != nil {
		return Validators{}, err
	}
	return Validators{set.Epoch, set.Hash(), set.Processor, set.ApproverQuorum, set.Approvers, set.ListenerQuorum, set.Listeners}, nil
}

func (s *Server) account(_ context.Context, in *refPath) (Account, error) {
	account, ok, err := s.lookUp(in.Ref)
	if err != nil {
		return Account{}, err
	}
	if !ok {
		return Account{}, fmt.Errorf("account %q: %w: a deposit or a transfer makes one", in.Ref, errNotFound)
	}
	out := Account{ID: account.ID, Keys: []Key{}, Wallets: []Wallet{}, Balances: []Balance{}}
	for _, k := range account.Keys {
		out.Keys = append(out.Keys, Key{k.Key, k.Nonce})
	}
	for _, w := range account.Wallets {
		out.Wallets = append(out.Wallets, Wallet{w.Chain, s.config.Addresses.Format(w.Chain, w.Address)})
	}
	for _, b := range account.Balances {
		asset, _ := s.config.Node.Ledger().Genesis().Asset(b.Asset)
		out.Balances = append(out.Balances, Balance{asset.Symbol, amount(&b.Amount, asset.Decimals)})
	}
	return out, nil
}

func (s *Server) lookUp(ref string) (ledger.Account, bool, error) {
	view := s.config.Node.View()
	if chainID, address, ok := strings.Cut(ref, "/"); ok {
		word, err := s.config.Addresses.Parse(chainID, address)
		if err != nil {
			return ledger.Account{}, false, wrong(err)
		}
		return view.AccountByWallet(chainID, word)
	}
	if strings.HasPrefix(ref, "0x") {
		var key signing.PublicKey
		if err := key.UnmarshalText([]byte(ref)); err != nil {
			return ledger.Account{}, false, wrong(err)
		}
		return view.AccountByKey(key)
	}
	id, err := strconv.ParseUint(ref, 10, 64)
	if err != nil {
		return ledger.Account{}, false, wrong(fmt.Errorf("account %q is neither an id, nor a public key, nor CHAIN/ADDRESS of a wallet", ref))
	}
	return view.Account(id)
}

func (s *Server) transaction(_ context.Context, in *hashPath) (Transaction, error) {
	hash, err := codec.ParseHash(in.Hash)
	if err != nil {
		return Transaction{}, wrong(err)
	}
	status, err := s.config.Node.TxStatus(hash)
	if err != nil {
		return Transaction{}, err
	}
	out := Transaction{Hash: hash, Status: status.State.String(), Height: status.Height}
	if status.Notice != nil {
		out.Code, out.Reason = status.Notice.Code.String(), status.Notice.Reason
	}
	if status.Height > 0 {
		log, err := s.config.Node.LogAt(status.Height)
		if err != nil {
			return Transaction{}, err
		}
		out.Log = s.renderLog(log)
	}
	return out, nil
}

func (s *Server) block(_ context.Context, in *heightPath) (Block, error) {
	block, err := s.config.Node.Block(in.Height)
	if err != nil {
		return Block{}, err
	}
	log, err := s.config.Node.LogAt(in.Height)
	if err != nil {
		return Block{}, err
	}
	h := &block.Header
	return Block{h.Height, h.Hash(), h.Parent, milliseconds(h.Time), h.TxHash, h.FrameworkRoot, h.AppRoot, s.renderLog(log)}, nil
}

func (s *Server) bridges(context.Context, *struct{}) ([]Bridge, error) {
	bridges, err := s.config.Node.View().Bridges()
	if err != nil {
		return nil, err
	}
	out := []Bridge{}
	for i := range bridges {
		b, err := s.renderBridge(&bridges[i])
		if err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	return out, nil
}

func (s *Server) action(_ context.Context, in *chainNumberPath) (Action, error) {
	bridge, err := s.bridgeOn(in.Chain)
	if err != nil {
		return Action{}, err
	}
	record, ok, err := s.config.Node.View().Action(bridge.Domain, in.Number)
	if err == nil && !ok {
		err = fmt.Errorf("action %d of the bridge on %s: %w: %d were emitted", in.Number, in.Chain, errNotFound, bridge.LastAction)
	}
	if err != nil {
		return Action{}, err
	}
	return s.renderAction(bridge, &record)
}

func (s *Server) withdrawal(_ context.Context, in *chainNumberPath) (Withdrawal, error) {
	bridge, err := s.bridgeOn(in.Chain)
	if err != nil {
		return Withdrawal{}, err
	}
	view := s.config.Node.View()
	w, ok, err := view.Withdrawal(bridge.Domain, in.Number)
	if err == nil && !ok {
		err = fmt.Errorf("withdrawal %d of the bridge on %s: %w", in.Number, in.Chain, errNotFound)
	}
	if err != nil {
		return Withdrawal{}, err
	}
	return s.renderWithdrawal(view, bridge, &w)
}

func (s *Server) chainTx(domain bridgecontracts.Domain, event uint64) string {
	if s.config.ChainTx == nil || event == 0 {
		return ""
	}
	tx, _ := s.config.ChainTx(domain, event)
	return tx
}
