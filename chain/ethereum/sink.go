package ethereum

import (
	"context"
	"errors"
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"

	contract "github.com/trinebridge/trine/bridgecontracts/ethereum"
	"github.com/trinebridge/trine/chain"
)

// Sink writes to a bridge through one endpoint. It keeps nothing: what was sent is the
// submitter's to remember.
type Sink struct {
	source *Source
	config chain.SinkConfig
	payer  common.Address
	signer types.Signer
}

var _ chain.Sink = (*Sink)(nil)

// OpenSink checks the configuration; the endpoint is first asked on first use.
func OpenSink(config chain.SinkConfig) (*Sink, error) {
	source, err := OpenSource(config.SourceConfig)
	if err != nil {
		return nil, err
	}
	payer, err := payerAddress(config.FeeKey)
	if err != nil {
		return nil, fmt.Errorf("ethereum: fees on %s: %w", config.ChainID, err)
	}
	return &Sink{
		source: source, config: config, payer: payer,
		signer: types.NewLondonSigner(new(big.Int).SetUint64(source.node.chainID)),
	}, nil
}

func (n *node) nonce(ctx context.Context, account common.Address, tag string) (uint64, error) {
	var nonce hexutil.Uint64
	err := n.call(ctx, &nonce, "eth_getTransactionCount", account, tag)
	return uint64(nonce), err
}

// Sender implements chain.Sink.
func (s *Sink) Sender(ctx context.Context) (chain.Sender, error) {
	out := chain.Sender{Address: s.payer.Hex()}
	var err error
	if out.Next, err = s.source.node.nonce(ctx, s.payer, "latest"); err != nil {
		return chain.Sender{}, err
	}
	if out.Pending, err = s.source.node.nonce(ctx, s.payer, "pending"); err != nil {
		return chain.Sender{}, err
	}
	out.Pending = max(out.Pending, out.Next)
	if out.Balance, err = s.source.node.balance(ctx, contract.Native, s.payer, "latest"); err != nil {
		return chain.Sender{}, err
	}
	return out, nil
}

// pack returns the call that makes a delivery.
func (s *Sink) pack(d *chain.Delivery) (data []byte, err error) {
	switch domain := s.source.domain(); {
	case d.Action != nil && d.Control == nil:
		data, err = contract.PackExecute(domain, d.Action, &d.Seal, &d.Set)
	case d.Control != nil && d.Action == nil:
		data, err = contract.PackControl(domain, d.Control, &d.Seal, &d.Set)
	default:
		err = errors.New("a delivery is an action or a control action, one of the two")
	}
	if err != nil {
		return nil, &chain.Error{Verdict: chain.Fatal, Err: err}
	}
	return data, nil
}

// Build implements chain.Sink.
func (s *Sink) Build(ctx context.Context, r chain.BuildRequest) (chain.Draft, error) {
	to, data := s.payer, []byte(nil)
	if r.Delivery != nil {
		packed, err := s.pack(r.Delivery)
		if err != nil {
			return chain.Draft{}, err
		}
		to, data = s.source.bridge, packed
	}
	p, err := s.source.node.price(ctx)
	if err != nil {
		return chain.Draft{}, err
	}
	b, err := bidFor(p, r.Replaces, r.Caps)
	if err != nil {
		return chain.Draft{}, err
	}
	gas, err := s.gas(ctx, to, data, &r, &b.fee)
	if err != nil {
		return chain.Draft{}, s.doneOr(ctx, r.Delivery, err)
	}
	tx := &types.DynamicFeeTx{
		ChainID: s.signer.ChainID(), Nonce: r.Nonce, GasTipCap: b.tip.ToBig(), GasFeeCap: b.fee.ToBig(), Gas: gas,
		To: &to, Value: new(big.Int), Data: data,
	}
	return chain.Draft{Nonce: r.Nonce, FeePerGas: b.fee, Tip: b.tip, Unsigned: tx}, nil
}

// doneOr judges a refusal. Which of its reasons the contract names first is its own
// affair (a second pause finds the bridge paused, whatever its sequence), so whether the
// delivery is past is asked for.
func (s *Sink) doneOr(ctx context.Context, d *chain.Delivery, err error) error {
	var refused refusal
	if d == nil || !errors.As(err, &refused) || chain.VerdictOf(err) == chain.Done {
		return err
	}
	now, viewErr := s.source.view(ctx, "latest")
	if viewErr != nil {
		return viewErr
	}
	if countersOf(&now).Past(d.Names()) {
		return &chain.Error{Verdict: chain.Done, Err: err}
	}
	return err
}

// Sign implements chain.Sink.
func (s *Sink) Sign(ctx context.Context, d chain.Draft) (chain.Attempt, error) {
	unsigned, ok := d.Unsigned.(*types.DynamicFeeTx)
	if !ok {
		return chain.Attempt{}, chain.Errorf(chain.Fatal, "a draft of another sink: %T", d.Unsigned)
	}
	tx, err := signTx(ctx, s.config.FeeKey, s.signer, unsigned)
	if err != nil {
		return chain.Attempt{}, chain.Errorf(chain.Retry, "sign: %w", err)
	}
	raw, err := tx.MarshalBinary()
	if err != nil {
		return chain.Attempt{}, chain.Errorf(chain.Fatal, "encode: %w", err)
	}
	return chain.Attempt{ID: tx.Hash().Hex(), Nonce: d.Nonce, FeePerGas: d.FeePerGas, Tip: d.Tip, Raw: raw}, nil
}

// Broadcast implements chain.Sink.
func (s *Sink) Broadcast(ctx context.Context, a chain.Attempt) error {
	err := s.source.node.send(ctx, a.Raw)
	if !errors.Is(err, errNonceUsed) {
		return err
	}
	// Used by this very transaction, perhaps.
	if _, mined := s.source.node.receipt(ctx, common.HexToHash(a.ID)); mined == nil {
		return nil
	}
	return err
}

// send hands a signed transaction in; one that the node has is no error.
func (n *node) send(ctx context.Context, raw []byte) error {
	var id common.Hash
	err := n.call(ctx, &id, "eth_sendRawTransaction", hexutil.Bytes(raw))
	if errors.Is(err, errKnown) {
		return nil
	}
	return err
}

// Status implements chain.Sink. Attempts with one nonce exclude each other; which of them
// is in a block is asked newest first, because that is the likely one.
func (s *Sink) Status(ctx context.Context, attempts []chain.Attempt, f chain.Finality) (chain.Status, bool, error) {
	none := chain.Status{Attempt: -1}
	if status, err := s.mined(ctx, attempts, f); err == nil || !errors.Is(err, chain.ErrAbsent) {
		return status, false, err
	}
	for i := len(attempts) - 1; i >= 0; i-- {
		var tx *struct{}
		if err := s.source.node.call(ctx, &tx, "eth_getTransactionByHash", common.HexToHash(attempts[i].ID)); err != nil {
			return none, false, err
		}
		if tx != nil {
			return chain.Status{Phase: chain.PhasePending, Attempt: i}, false, nil
		}
	}
	next, err := s.source.node.nonce(ctx, s.payer, "latest")
	if err != nil {
		return none, false, err
	}
	for i := range attempts {
		if attempts[i].Nonce >= next {
			return none, false, nil
		}
	}
	// All nonces are used. One of the attempts may have used it since it was asked for.
	status, err := s.mined(ctx, attempts, f)
	if errors.Is(err, chain.ErrAbsent) {
		return none, len(attempts) > 0, nil
	}
	return status, false, err
}

// mined returns the status of the attempt that is in a block, or ErrAbsent.
func (s *Sink) mined(ctx context.Context, attempts []chain.Attempt, f chain.Finality) (chain.Status, error) {
	none := chain.Status{Attempt: -1}
	for i := len(attempts) - 1; i >= 0; i-- {
		r, err := s.source.node.receipt(ctx, common.HexToHash(attempts[i].ID))
		if errors.Is(err, chain.ErrAbsent) {
			continue
		}
		if err != nil {
			return none, err
		}
		status := chain.Status{Phase: chain.PhaseIncluded, Attempt: i, Block: uint64(*r.BlockNumber), GasUsed: uint64(*r.GasUsed)}
		settled, err := s.source.node.head(ctx, f)
		if err != nil && !errors.Is(err, chain.ErrAbsent) {
			return none, err
		}
		if err == nil && settled.Number >= status.Block {
			status.Phase = chain.PhaseFinal
		}
		if *r.Status == 0 {
			status.Failed, status.Reason = true, s.reason(ctx, attempts[i].Raw, r)
		}
		return status, nil
	}
	return none, chain.ErrAbsent
}

func (s *Sink) reason(ctx context.Context, raw []byte, r *receipt) string {
	var tx types.Transaction
	if err := tx.UnmarshalBinary(raw); err != nil {
		return "unknown: " + err.Error()
	}
	return s.source.node.reason(ctx, &tx, s.payer, r)
}

// reason finds out why a mined transaction failed, by calling the same again after its
// block. That is a guess: what came before it in the block is there too.
func (n *node) reason(ctx context.Context, tx *types.Transaction, from common.Address, r *receipt) string {
	if uint64(*r.GasUsed) >= tx.Gas() {
		return fmt.Sprintf("out of gas: all %d were used", tx.Gas())
	}
	gas := hexutil.Uint64(tx.Gas())
	var out hexutil.Bytes
	err := n.call(ctx, &out, "eth_call", ethCall{From: &from, To: tx.To(), Data: tx.Data(), Value: (*hexutil.Big)(tx.Value()), Gas: &gas},
		hexutil.EncodeUint64(uint64(*r.BlockNumber)))
	var refused refusal
	switch {
	case err == nil:
		return "unknown: the same call works after the block"
	case errors.As(err, &refused):
		return refused.Error()
	}
	return "unknown: " + err.Error()
}

// Outcome implements chain.Sink.
func (s *Sink) Outcome(ctx context.Context, d *chain.Delivery, f chain.Finality) (chain.Outcome, error) {
	now, err := s.source.view(ctx, "latest")
	if err != nil {
		return chain.Outcome{}, err
	}
	out := chain.Outcome{Done: countersOf(&now).Past(d.Names())}
	if !out.Done {
		return out, nil
	}
	settled, err := s.source.node.head(ctx, f)
	if errors.Is(err, chain.ErrAbsent) {
		return out, nil
	}
	if err != nil {
		return chain.Outcome{}, err
	}
	var code hexutil.Bytes
	if err := s.source.node.call(ctx, &code, "eth_getCode", s.source.bridge, hexutil.EncodeUint64(settled.Number)); err != nil {
		return chain.Outcome{}, err
	}
	if len(code) == 0 {
		return out, nil // the bridge itself is not settled yet
	}
	then, err := s.source.Counters(ctx, settled)
	if err != nil {
		return chain.Outcome{}, err
	}
	out.Final = then.Past(d.Names())
	return out, nil
}
