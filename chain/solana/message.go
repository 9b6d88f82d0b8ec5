package solana

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"

	sol "github.com/gagliardetto/solana-go"

	contract "github.com/trinebridge/trine/bridgecontracts/solana"
	"github.com/trinebridge/trine/chain"
)

const (
	// maxWire is what a transaction may weigh at most, in bytes.
	maxWire = 1_232
	// maxUnits is what one may take at most, in compute units.
	maxUnits = 1_400_000
)

// budget limits a transaction's compute units and prices them, in micro-lamports.
func budget(units uint32, price uint64) []contract.Instruction {
	return []contract.Instruction{
		sol.NewInstruction(sol.ComputeBudget, nil, binary.LittleEndian.AppendUint32([]byte{2}, units)),
		sol.NewInstruction(sol.ComputeBudget, nil, binary.LittleEndian.AppendUint64([]byte{3}, price)),
	}
}

// message is a transaction without signature and blockhash.
type message struct {
	instructions []contract.Instruction
	units        uint32
}

// compile makes the transaction, whose only signer is the payer.
func (m *message) compile(payer contract.Key, price uint64, blockhash sol.Hash) (*sol.Transaction, error) {
	tx, err := m.unsigned(payer, price, blockhash)
	if err != nil {
		return nil, err
	}
	if n := len(tx.Signatures); n != 1 {
		return nil, chain.Errorf(chain.Fatal, "the transaction asks for %d signatures: a call that wants another signer than the bridge cannot be delivered", n)
	}
	return tx, nil
}

// unsigned makes the transaction with room for every signature that it asks for.
func (m *message) unsigned(payer contract.Key, price uint64, blockhash sol.Hash) (*sol.Transaction, error) {
	tx, err := sol.NewTransaction(append(budget(m.units, price), m.instructions...), blockhash, sol.TransactionPayer(payer))
	if err != nil {
		return nil, chain.Errorf(chain.Fatal, "put the transaction together: %w", err)
	}
	tx.Signatures = make([]sol.Signature, tx.Message.Header.NumRequiredSignatures)
	return tx, nil
}

// size is the transaction's weight on the wire.
func (m *message) size(payer contract.Key) (int, error) {
	tx, err := m.compile(payer, 0, sol.Hash{})
	if err != nil {
		return 0, err
	}
	raw, err := tx.MarshalBinary()
	if err != nil {
		return 0, chain.Errorf(chain.Fatal, "encode: %w", err)
	}
	return len(raw), nil
}

func (m *message) fits(payer contract.Key) (bool, error) {
	size, err := m.size(payer)
	return size <= maxWire, err
}

// simulation is what running a transaction would do.
type simulation struct {
	units  uint64
	failed *failure
}

// simulate runs a message on the newest state of a commitment, with all the compute units there are. Nobody's signature is
// looked at.
func (n *node) simulate(ctx context.Context, m *message, payer contract.Key, commitment string) (simulation, error) {
	generous := message{instructions: m.instructions, units: maxUnits}
	tx, err := generous.unsigned(payer, 0, sol.Hash{})
	if err != nil {
		return simulation{}, err
	}
	raw, err := tx.MarshalBinary()
	if err != nil {
		return simulation{}, chain.Errorf(chain.Fatal, "encode: %w", err)
	}
	var answer struct {
		Value *struct {
			Err   json.RawMessage `json:"err"`
			Units *uint64         `json:"unitsConsumed"`
		} `json:"value"`
	}
	const method = "simulateTransaction"
	if err := n.call(ctx, &answer, method, base64.StdEncoding.EncodeToString(raw), map[string]any{
		"encoding": "base64", "commitment": commitment, "replaceRecentBlockhash": true, "sigVerify": false,
	}); err != nil {
		return simulation{}, err
	}
	if answer.Value == nil || answer.Value.Units == nil && len(answer.Value.Err) == 0 {
		return simulation{}, n.wrap(method, chain.Errorf(chain.Retry, "an answer without an outcome"))
	}
	out := simulation{}
	if answer.Value.Units != nil {
		out.units = *answer.Value.Units
	}
	if len(answer.Value.Err) > 0 && string(answer.Value.Err) != "null" {
		out.failed = parseFailure(answer.Value.Err)
	}
	return out, nil
}

// limitFor is the limit of a transaction that took so many units in a simulation: a fifth on top, and what
// crossing to another page of events or another bump may take.
func limitFor(units uint64) uint32 {
	return uint32(min(units+units/5+5_000, maxUnits))
}

// recent is a blockhash and the last height of a block in which a transaction with it can land.
type recent struct {
	hash sol.Hash
	last uint64
}

func (n *node) recent(ctx context.Context) (recent, error) {
	var answer struct {
		Value struct {
			Blockhash address `json:"blockhash"`
			Last      uint64  `json:"lastValidBlockHeight"`
		} `json:"value"`
	}
	const method = "getLatestBlockhash"
	if err := n.call(ctx, &answer, method, map[string]any{"commitment": confirmed}); err != nil {
		return recent{}, err
	}
	if answer.Value.Blockhash == (address{}) || answer.Value.Last == 0 {
		return recent{}, n.wrap(method, chain.Errorf(chain.Retry, "an answer without blockhash or height"))
	}
	return recent{sol.Hash(answer.Value.Blockhash), answer.Value.Last}, nil
}

// signTransaction signs as the only signer and returns the id and the wire form.
func signTransaction(ctx context.Context, s signs, tx *sol.Transaction) (id string, raw []byte, err error) {
	content, err := tx.Message.MarshalBinary()
	if err != nil {
		return "", nil, chain.Errorf(chain.Fatal, "encode: %w", err)
	}
	signature, err := s.SignPayload(ctx, content)
	if err != nil {
		return "", nil, chain.Errorf(chain.Retry, "sign: %w", err)
	}
	if len(signature) != signatureSize {
		return "", nil, chain.Errorf(chain.Fatal, "sign: a signature of %d bytes, want %d", len(signature), signatureSize)
	}
	tx.Signatures = []sol.Signature{sol.Signature(signature)}
	if raw, err = tx.MarshalBinary(); err != nil {
		return "", nil, chain.Errorf(chain.Fatal, "encode: %w", err)
	}
	if len(raw) > maxWire {
		return "", nil, chain.Errorf(chain.Fatal, "the transaction has %d bytes, at most %d are possible", len(raw), maxWire)
	}
	return tx.Signatures[0].String(), raw, nil
}

// signs is the part of a payer that signing needs.
type signs interface {
	SignPayload(ctx context.Context, payload []byte) ([]byte, error)
}

// send hands a transaction in; one that the node has processed is no error.
func (n *node) send(ctx context.Context, raw []byte) error {
	var id string
	err := n.call(ctx, &id, "sendTransaction", base64.StdEncoding.EncodeToString(raw), map[string]any{
		"encoding": "base64", "preflightCommitment": confirmed,
	})
	if isKnown(err) {
		return nil
	}
	return err
}

// payerKey returns the account of a payer's key.
func payerKey(public []byte) (contract.Key, error) {
	if len(public) != len(contract.Key{}) {
		return contract.Key{}, fmt.Errorf("the payer's public key has %d bytes, want %d", len(public), len(contract.Key{}))
	}
	return contract.Key(public), nil
}
