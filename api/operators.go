package api

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/internal/units"
	"github.com/trinebridge/trine/ledger"
)

// SubmitBody carries a signed transaction.
type SubmitBody struct {
	Tx string `json:"tx" doc:"Borsh bytes of the signed transaction, hex with 0x"`
}

// Submitted names a transaction that is on its way.
type Submitted struct {
	Hash codec.Hash `json:"hash"`
}

// ChainBody names a chain.
type ChainBody struct {
	Chain string `json:"chain" doc:"CAIP-2 id"`
}

// PauseBody names a chain and where its bridge stands.
type PauseBody struct {
	Chain string  `json:"chain" doc:"CAIP-2 id"`
	Holds *uint64 `json:"holds,omitempty" doc:"pause sequence that the bridge holds, where the operator has read it from the newest block; default: what the approver's own endpoints have settled"`
}

// AttachBody names a bridge.
type AttachBody struct {
	Chain  string `json:"chain" doc:"CAIP-2 id"`
	Bridge string `json:"bridge" doc:"address in the chain's notation"`
}

// LimitBody asks for an outflow limit.
type LimitBody struct {
	Chain    string `json:"chain" doc:"CAIP-2 id"`
	Asset    string `json:"asset" doc:"symbol"`
	Capacity string `json:"capacity" doc:"whole units of the token"`
	Window   uint64 `json:"window" doc:"seconds, a whole number of minutes; 0 removes the limit"`
}

// CapsBody changes a submitter's fee caps.
type CapsBody struct {
	Chain        string `json:"chain" doc:"CAIP-2 id"`
	MaxFeePerGas string `json:"maxFeePerGas" doc:"in what the chain's prices are written in: gwei per gas, micro-lamports per compute unit"`
	MaxTip       string `json:"maxTip" doc:"the same unit"`
}

// SubmitterBalance is a fee payer of a submitter.
type SubmitterBalance struct {
	Chain   string `json:"chain"`
	Address string `json:"address"`
	Balance string `json:"balance" doc:"smallest units of the chain's coin"`
	Low     bool   `json:"low" doc:"below the configured threshold"`
	Detail  string `json:"detail,omitempty"`
}

const gwei = 9

type bodyOf[T any] struct{ Body T }

func (s *Server) operators() {
	post(s, "/v1/transactions", "submit-transaction", "Submit a signed transaction", func(ctx context.Context, in *bodyOf[SubmitBody]) (Submitted, error) {
		tx, err := decodeTx(in.Body.Tx)
		if err != nil {
			return Submitted{}, wrong(err)
		}
		hash, err := s.config.Submit(ctx, tx)
		return Submitted{hash}, err
	})
	if s.config.Attach != nil {
		operate(s, "/v1/operator/attach", "attach-bridge", "Agree to attach a bridge", func(ctx context.Context, in *bodyOf[AttachBody]) (AttachBody, error) {
			word, err := s.config.Addresses.Parse(in.Body.Chain, in.Body.Bridge)
			if err != nil {
				return AttachBody{}, wrong(err)
			}
			return in.Body, s.config.Attach(ctx, in.Body.Chain, word)
		})
	}
	if s.config.VoteControl != nil {
		operate(s, "/v1/operator/unpause", "vote-unpause", "Sign and vote for an unpause", s.unpause)
		operate(s, "/v1/operator/limit", "vote-limit", "Sign and vote for an outflow limit", s.setLimit)
	}
	if s.config.Pause != nil {
		operate(s, "/v1/operator/pause", "sign-pause", "Sign a pause", s.pause)
	}
	if s.config.SubmitterStatus != nil {
		get(s, "/v1/submitter", "submitter-balances", "What the fee payers own", func(ctx context.Context, _ *struct{}) ([]SubmitterBalance, error) {
			list, err := s.config.SubmitterStatus(ctx)
			return append([]SubmitterBalance{}, list...), err
		})
	}
	if s.config.SetCaps != nil {
		operate(s, "/v1/operator/caps", "set-caps", "Change what the submitter may pay", s.setCaps)
	}
}

func (s *Server) unpause(ctx context.Context, in *bodyOf[ChainBody]) (Submitted, error) {
	bridge, err := s.bridgeOn(in.Body.Chain)
	if err != nil {
		return Submitted{}, err
	}
	if bridge.PauseSequence%2 == 0 {
		return Submitted{}, fmt.Errorf("bridge on %s is not paused", in.Body.Chain)
	}
	hash, err := s.config.VoteControl(ctx, bridge.Domain, bridgecontracts.Control{Sequence: bridge.PauseSequence + 1, Body: &bridgecontracts.Unpause{}})
	return Submitted{hash}, err
}

func (s *Server) setLimit(ctx context.Context, in *bodyOf[LimitBody]) (Submitted, error) {
	bridge, err := s.bridgeOn(in.Body.Chain)
	if err != nil {
		return Submitted{}, err
	}
	genesis := s.config.Node.Ledger().Genesis()
	id, known := genesis.AssetBySymbol(in.Body.Asset)
	if !known {
		return Submitted{}, wrong(fmt.Errorf("asset %q is not in the genesis", in.Body.Asset))
	}
	asset, _ := genesis.Asset(id)
	token, known := asset.TokenOn(in.Body.Chain)
	if !known {
		return Submitted{}, wrong(fmt.Errorf("asset %s has no token on %s", in.Body.Asset, in.Body.Chain))
	}
	capacity, err := units.Parse(in.Body.Capacity, token.Decimals)
	if err != nil {
		return Submitted{}, wrong(err)
	}
	hash, err := s.config.VoteControl(ctx, bridge.Domain, bridgecontracts.Control{
		Sequence: bridge.LimitVersion + 1,
		Body:     &bridgecontracts.SetLimit{Token: token.Address, Capacity: capacity, Window: in.Body.Window},
	})
	return Submitted{hash}, err
}

func (s *Server) pause(ctx context.Context, in *bodyOf[PauseBody]) (PauseSignature, error) {
	bridge, err := s.bridgeOn(in.Body.Chain)
	if err != nil {
		return PauseSignature{}, err
	}
	// Whether it is paused the bridge knows, not the ledger: a pause must work against a
	// ledger that was lied to.
	d, err := s.config.Pause(ctx, bridge.Domain, in.Body.Holds)
	if err != nil {
		return PauseSignature{}, err
	}
	return PauseSignature{
		Chain: bridge.Chain, Domain: bridge.Domain, Sequence: d.Control.Sequence, Epoch: d.Seal.Epoch,
		Seal: hexOf(&d.Seal), Control: hexOf(d.Control), Set: hexOf(&d.Set),
	}, nil
}

// Delivery turns the signature back into what a sink delivers.
func (p *PauseSignature) Delivery() (*chain.Delivery, error) {
	d := &chain.Delivery{Control: new(bridgecontracts.Control)}
	err := errors.Join(unhex("control", p.Control, d.Control), unhex("seal", p.Seal, &d.Seal), unhex("set", p.Set, &d.Set))
	return d, err
}

func (s *Server) setCaps(_ context.Context, in *bodyOf[CapsBody]) (CapsBody, error) {
	decimals := uint8(gwei)
	if s.config.PriceDecimals != nil {
		decimals = s.config.PriceDecimals(in.Body.Chain)
	}
	fee, err := units.Parse(in.Body.MaxFeePerGas, decimals)
	if err != nil {
		return CapsBody{}, wrong(fmt.Errorf("maxFeePerGas: %w", err))
	}
	tip, err := units.Parse(in.Body.MaxTip, decimals)
	if err != nil {
		return CapsBody{}, wrong(fmt.Errorf("maxTip: %w", err))
	}
	return in.Body, s.config.SetCaps(in.Body.Chain, chain.Caps{MaxFeePerGas: fee, MaxTip: tip})
}

func (s *Server) bridgeOn(chainID string) (*ledger.Bridge, error) {
	bridge, ok, err := s.config.Node.View().BridgeByChain(chainID)
	if err == nil && !ok {
		err = fmt.Errorf("bridge on chain %s: %w: attached are the ones in /v1/bridges", chainID, errNotFound)
	}
	return &bridge, err
}

func hexOf(r codec.Record) string { return "0x" + hex.EncodeToString(codec.Marshal(r)) }

func unhex(what, text string, r codec.Record) error {
	if len(text) < 2 || text[:2] != "0x" {
		return fmt.Errorf("%s does not start with 0x", what)
	}
	data, err := hex.DecodeString(text[2:])
	if err == nil {
		err = codec.Unmarshal(data, r, ledger.MaxBlockSize)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// amount writes units in both forms.
func amount(n *uint256.Int, decimals uint8) Amount {
	return Amount{Units: n.Dec(), Text: units.Format(n, decimals)}
}
