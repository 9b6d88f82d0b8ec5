package solana

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	sol "github.com/gagliardetto/solana-go"
	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/bridgecontracts"
	contract "github.com/trinebridge/trine/bridgecontracts/solana"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/signing"
)

// defaultPoll is how often something that was sent is asked for when the configuration does not say.
const defaultPoll = 400 * time.Millisecond

// unseen is for how many blocks a transaction that a node took counts as waiting with it although nobody has seen it
// since. After that it is better sent again.
const unseen = 12

// Sink writes to a bridge through one endpoint. What was sent is the submitter's to remember; a Sink knows
// only, for a few blocks, what the node has taken from it.
type Sink struct {
	source *Source
	config chain.SinkConfig
	payer  contract.Key

	mu   sync.Mutex
	sent map[string]uint64 // block height at which the node took an attempt, by id
}

var _ chain.Sweeper = (*Sink)(nil)

// OpenSink checks the configuration; the endpoint is first asked on first use.
func OpenSink(config chain.SinkConfig) (*Sink, error) {
	source, err := OpenSource(config.SourceConfig)
	if err != nil {
		return nil, err
	}
	payer, err := payerAccount(config.FeeKey)
	if err != nil {
		return nil, fmt.Errorf("solana: fees on %s: %w", config.ChainID, err)
	}
	if config.Poll < 0 {
		return nil, fmt.Errorf("solana: Poll %v is negative", config.Poll)
	}
	if config.Poll == 0 {
		config.Poll = defaultPoll
	}
	return &Sink{source: source, config: config, payer: payer, sent: map[string]uint64{}}, nil
}

// payerAccount returns the account that a key pays from.
func payerAccount(key signing.Payer) (contract.Key, error) {
	if err := signing.CheckPayer(key, signing.Ed25519); err != nil {
		return contract.Key{}, err
	}
	return payerKey(key.PayerKey())
}

// Sender implements chain.Sink. The chain counts no nonces.
func (s *Sink) Sender(ctx context.Context) (chain.Sender, error) {
	balance, err := s.source.node.balance(ctx, s.payer)
	if err != nil {
		return chain.Sender{}, err
	}
	return chain.Sender{Address: s.payer.String(), Balance: *uint256.NewInt(balance)}, nil
}

// balance returns an account's lamports.
func (n *node) balance(ctx context.Context, key contract.Key) (uint64, error) {
	var answer struct {
		Value *uint64 `json:"value"`
	}
	if err := n.call(ctx, &answer, "getBalance", key, map[string]any{"commitment": confirmed}); err != nil {
		return 0, err
	}
	if answer.Value == nil {
		return 0, n.wrap("getBalance", chain.Errorf(chain.Retry, "an answer without a balance"))
	}
	return *answer.Value, nil
}

// unsigned is a draft's content: the transactions in the order of their sending, the delivery last.
type unsigned struct {
	transactions []*sol.Transaction
	extra        extra
}

// extra is what an attempt has to remember.
type extra struct {
	// Blockhash expires after the block of height LastValid.
	Blockhash string `json:"blockhash"`
	LastValid uint64 `json:"lastValid"`
	// Units is the delivery's compute limit.
	Units uint32 `json:"units"`
	// Control and Sequence say what is delivered: a control action's kind, or 0, and its number.
	Control  bridgecontracts.ControlKind `json:"control,omitempty"`
	Sequence uint64                      `json:"sequence"`
	// Digest names the buffer that the delivery may have been prepared in.
	Digest codec.Hash `json:"digest,omitzero"`
}

func (e *extra) past(m *contract.Mark) bool { return past(m, e.Control, e.Sequence) }

func past(m *contract.Mark, control bridgecontracts.ControlKind, sequence uint64) bool {
	return countersOf(m).Past(control, sequence)
}

// named returns what a delivery is, in the form that an attempt remembers.
func named(d *chain.Delivery) (control bridgecontracts.ControlKind, sequence uint64, err error) {
	if d != nil && (d.Action == nil) != (d.Control == nil) {
		control, sequence = d.Names()
		return control, sequence, nil
	}
	return 0, 0, chain.Errorf(chain.Fatal, "a delivery is an action or a control action, one of the two")
}

func extraOf(a *chain.Attempt) (e extra, err error) {
	if err := json.Unmarshal(a.Extra, &e); err != nil || e.LastValid == 0 {
		return e, chain.Errorf(chain.Fatal, "attempt %s is none of this chain's: %.100s", a.ID, a.Extra)
	}
	return e, nil
}

// Sign implements chain.Sink.
func (s *Sink) Sign(ctx context.Context, d chain.Draft) (chain.Attempt, error) {
	u, ok := d.Unsigned.(*unsigned)
	if !ok {
		return chain.Attempt{}, chain.Errorf(chain.Fatal, "a draft of another sink: %T", d.Unsigned)
	}
	out := chain.Attempt{FeePerGas: d.FeePerGas, Tip: d.Tip}
	for _, tx := range u.transactions {
		id, raw, err := signTransaction(ctx, s.config.FeeKey, tx)
		if err != nil {
			return chain.Attempt{}, err
		}
		out.ID = id // the last one is the delivery
		out.Raw = append(binary.BigEndian.AppendUint16(out.Raw, uint16(len(raw))), raw...)
	}
	var err error
	if out.Extra, err = json.Marshal(u.extra); err != nil {
		return chain.Attempt{}, chain.Errorf(chain.Fatal, "encode: %w", err)
	}
	return out, nil
}

// unpack cuts an attempt's bytes into its transactions.
func unpack(a *chain.Attempt) (list [][]byte, err error) {
	for rest := a.Raw; len(rest) > 0; {
		if len(rest) < 2 || len(rest)-2 < int(binary.BigEndian.Uint16(rest)) {
			return nil, chain.Errorf(chain.Fatal, "the bytes of attempt %s end in the middle of a transaction", a.ID)
		}
		n := 2 + int(binary.BigEndian.Uint16(rest))
		list, rest = append(list, rest[2:n]), rest[n:]
	}
	if len(list) == 0 {
		return nil, chain.Errorf(chain.Fatal, "attempt %s has no bytes", a.ID)
	}
	return list, nil
}

// now returns the bridge's newest confirmed state.
func (s *Sink) now(ctx context.Context, min uint64) (contract.Program, *contract.State, error) {
	p, err := s.source.known(ctx)
	if err != nil {
		return p, nil, err
	}
	_, accounts, err := s.source.node.accounts(ctx, confirmed, min, p.State)
	if err != nil {
		return p, nil, err
	}
	state, err := s.source.state(p, accounts[0])
	return p, state, err
}

// Outcome implements chain.Sink.
func (s *Sink) Outcome(ctx context.Context, d *chain.Delivery, f chain.Finality) (chain.Outcome, error) {
	control, sequence, err := named(d)
	if err != nil {
		return chain.Outcome{}, err
	}
	settled, err := s.source.node.settled(ctx, f)
	if err != nil && !errors.Is(err, chain.ErrAbsent) {
		return chain.Outcome{}, err
	}
	p, state, err := s.now(ctx, settled)
	if err != nil {
		return chain.Outcome{}, err
	}
	out := chain.Outcome{Done: past(&state.Now, control, sequence)}
	if !out.Done || settled < state.StartSlot {
		return out, nil
	}
	then, ok := state.At(settled)
	if !ok { // so many slots had events since that the newest state has forgotten; the finalized one has not
		_, accounts, err := s.source.node.accounts(ctx, finalized, 0, p.State)
		if err != nil {
			return chain.Outcome{}, err
		}
		if state, err = s.source.state(p, accounts[0]); err != nil {
			return chain.Outcome{}, err
		}
		then = state.Now
	}
	out.Final = past(&then, control, sequence)
	return out, nil
}

// status is what a node knows of one transaction.
type status struct {
	Slot       uint64          `json:"slot"`
	Err        json.RawMessage `json:"err"`
	Commitment string          `json:"confirmationStatus"`
}

// landed reports whether the transaction is in a confirmed block.
func (s *status) landed() bool {
	return s != nil && (s.Commitment == confirmed || s.Commitment == finalized)
}

func (s *status) failed() *failure {
	if len(s.Err) == 0 || string(s.Err) == "null" {
		return nil
	}
	return parseFailure(s.Err)
}

// statuses looks transactions up in a slot at or after min.
func (n *node) statuses(ctx context.Context, min uint64, ids ...string) ([]*status, error) {
	var answer struct {
		Context struct {
			Slot uint64 `json:"slot"`
		} `json:"context"`
		Value []*status `json:"value"`
	}
	const method = "getSignatureStatuses"
	if err := n.call(ctx, &answer, method, ids, map[string]any{"searchTransactionHistory": true}); err != nil {
		return nil, err
	}
	if answer.Context.Slot < min {
		return nil, n.wrap(method, chain.Errorf(chain.Retry, "%w: the answer is of slot %d, want %d or later", errBehind, answer.Context.Slot, min))
	}
	if len(answer.Value) != len(ids) {
		return nil, n.wrap(method, chain.Errorf(chain.Retry, "%d answers about %d transactions", len(answer.Value), len(ids)))
	}
	return answer.Value, nil
}

// Status implements chain.Sink. The height is asked for before the transactions: what has not landed
// by then and has expired by then never will.
func (s *Sink) Status(ctx context.Context, attempts []chain.Attempt, f chain.Finality) (chain.Status, bool, error) {
	none := chain.Status{Attempt: -1}
	if len(attempts) == 0 {
		return none, false, nil
	}
	slot, height, err := s.source.node.height(ctx)
	if err != nil {
		return none, false, err
	}
	ids, expired := make([]string, len(attempts)), true
	for i := range attempts {
		e, err := extraOf(&attempts[i])
		if err != nil {
			return none, false, err
		}
		ids[i], expired = attempts[i].ID, expired && e.LastValid < height
	}
	list, err := s.source.node.statuses(ctx, slot, ids...)
	if err != nil {
		return none, false, err
	}
	pending := -1
	best := -1 // of those that landed, one that worked before one that failed
	for i, st := range list {
		switch {
		case st.landed() && (best < 0 || st.failed() == nil):
			best = i
		case st != nil && !st.landed() || s.waits(ids[i], height):
			pending = i
		}
	}
	if best >= 0 {
		out, err := s.included(ctx, best, list[best], ids[best], f)
		return out, false, err
	}
	if expired {
		return none, true, nil
	}
	if pending >= 0 {
		return chain.Status{Phase: chain.PhasePending, Attempt: pending}, false, nil
	}
	return none, false, nil
}

// included describes an attempt that is in a confirmed block.
func (s *Sink) included(ctx context.Context, index int, st *status, id string, f chain.Finality) (chain.Status, error) {
	out := chain.Status{Phase: chain.PhaseIncluded, Attempt: index, Block: st.Slot}
	settled, err := s.source.node.settled(ctx, f)
	if err != nil && !errors.Is(err, chain.ErrAbsent) {
		return chain.Status{Attempt: -1}, err
	}
	if err == nil && settled >= st.Slot {
		out.Phase = chain.PhaseFinal
	}
	if failed := st.failed(); failed != nil {
		out.Failed, out.Reason = true, failed.Error()
	}
	t, err := s.source.node.transaction(ctx, id)
	if err != nil && !errors.Is(err, chain.ErrAbsent) {
		return chain.Status{Attempt: -1}, err
	}
	if err == nil {
		out.GasUsed = t.Meta.ComputeUnits
	}
	return out, nil
}

// took notes that the node took an attempt.
func (s *Sink) took(id string, height uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for known, at := range s.sent {
		if at+unseen < height {
			delete(s.sent, known)
		}
	}
	s.sent[id] = height
}

// waits reports whether the node took an attempt a few blocks ago.
func (s *Sink) waits(id string, height uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, ok := s.sent[id]
	return ok && height < at+unseen
}
