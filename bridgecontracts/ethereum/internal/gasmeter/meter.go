package gasmeter

import (
	"context"
	"errors"
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/bridgecontracts/ethereum"
	"github.com/trinebridge/trine/bridgecontracts/ethereum/internal/testchain"
	"github.com/trinebridge/trine/bridgecontracts/ethereum/zoo"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/validators"
)

// meter is one deployed bridge with its members and a token, both limited.
type meter struct {
	ctx     context.Context //nolint:containedctx // lives as long as one measurement
	chain   *testchain.Chain
	members *testchain.Members
	bridge  common.Address
	domain  bridgecontracts.Domain
	token   common.Address
}

// deploy brings up a bridge that holds funds, and a token of which the sender has approved plenty.
func deploy(ctx context.Context, chain *testchain.Chain, label string, approvers [2]int) (*meter, error) {
	m := &meter{ctx: ctx, chain: chain}
	var err error
	if m.members, err = testchain.NewMembers(label, 1, approvers, [2]int{2, 3}); err != nil {
		return nil, err
	}
	data, err := ethereum.ConstructorData(genesis, &m.members.Set)
	if err != nil {
		return nil, err
	}
	if m.bridge, err = chain.Deploy(ctx, data); err != nil {
		return nil, err
	}
	m.domain = ethereum.Domain(genesis, testchain.ChainID, m.bridge)
	if err := m.deployToken(); err != nil {
		return nil, err
	}
	for _, token := range []codec.Hash{ethereum.Word(m.token), ethereum.Native} {
		_, limited := m.setLimit(token)
		_, deposited := m.deposit(token, 0)
		if err := errors.Join(limited, deposited); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func (m *meter) deployToken() error {
	token, err := zoo.Get("TestToken")
	if err != nil {
		return err
	}
	data, err := token.DeployData("Test", "TST", uint8(18))
	if err != nil {
		return err
	}
	if m.token, err = m.chain.Deploy(m.ctx, data); err != nil {
		return err
	}
	plenty := new(big.Int).Lsh(big.NewInt(1), 90)
	for _, call := range [][]any{{"mint", m.chain.Sender, plenty}, {"approve", m.bridge, plenty}} {
		data, err := token.Pack(call[0].(string), call[1:]...)
		if err != nil {
			return err
		}
		if _, err := m.send(m.token, nil, data); err != nil {
			return err
		}
	}
	return nil
}

func (m *meter) send(to common.Address, value *big.Int, data []byte) (*types.Receipt, error) {
	return m.chain.Send(m.ctx, to, value, data)
}

func (m *meter) snapshot() (ethereum.Snapshot, error) {
	data, err := m.chain.Call(m.ctx, m.bridge, ethereum.PackSnapshot())
	if err != nil {
		return ethereum.Snapshot{}, err
	}
	return ethereum.UnpackSnapshot(data)
}

func (m *meter) execute(body bridgecontracts.ActionBody) (*types.Receipt, error) {
	s, err := m.snapshot()
	if err != nil {
		return nil, err
	}
	action := &bridgecontracts.Action{ID: s.NextActionID, Body: body}
	seal, err := m.members.Seal(action.Digest(m.domain, m.members.Set.Epoch), validators.Processor, validators.Approvers)
	if err != nil {
		return nil, err
	}
	call, err := ethereum.PackExecute(m.domain, action, seal, &m.members.Set)
	if err != nil {
		return nil, err
	}
	receipt, err := m.send(m.bridge, nil, call)
	if err != nil {
		return nil, err
	}
	event, err := ethereum.DecodeEvent(receipt.Logs[len(receipt.Logs)-1])
	if err != nil {
		return nil, err
	}
	if executed, ok := event.Body.(*bridgecontracts.ActionExecuted); !ok || !executed.Failed.IsZero() {
		return nil, fmt.Errorf("action %d did not succeed: %+v", action.ID, event.Body)
	}
	return receipt, nil
}

// withdraw pays n recipients, who hold some of the token from the first use on.
func (m *meter) withdraw(token codec.Hash, n int) (*types.Receipt, error) {
	body := &bridgecontracts.Transfers{}
	for i := range n {
		recipient := codec.Keccak([]byte(fmt.Sprint("recipient", i)))
		clear(recipient[:12])
		body.Transfers = append(body.Transfers, bridgecontracts.Transfer{Token: token, To: recipient, Amount: *uint256.NewInt(1_234_567_890_123)})
	}
	return m.execute(body)
}

func (m *meter) deposit(token codec.Hash, keys int) (*types.Receipt, error) {
	amount := uint256.NewInt(1e17)
	proofs := make([]bridgecontracts.KeyProof, keys)
	for i := range proofs {
		for at := range proofs[i].Key { // no byte of a real key is likely to be zero
			proofs[i].Key[at] = byte(at + 1)
		}
		for at := range proofs[i].Signature {
			proofs[i].Signature[at] = byte(at + 1)
		}
	}
	call, err := ethereum.PackDeposit(token, amount, proofs)
	if err != nil {
		return nil, err
	}
	var value *big.Int
	if token == ethereum.Native {
		value = amount.ToBig()
	}
	return m.send(m.bridge, value, call)
}

func (m *meter) control(sequence uint64, body bridgecontracts.ControlBody, seal func(codec.Hash) (*bridgecontracts.Seal, error)) (*types.Receipt, error) {
	control := &bridgecontracts.Control{Sequence: sequence, Body: body}
	signed, err := seal(control.Digest(m.domain, m.members.Set.Epoch))
	if err != nil {
		return nil, err
	}
	call, err := ethereum.PackControl(m.domain, control, signed, &m.members.Set)
	if err != nil {
		return nil, err
	}
	return m.send(m.bridge, nil, call)
}

// quorum seals by the processor and the approvers.
func (m *meter) quorum(digest codec.Hash) (*bridgecontracts.Seal, error) {
	return m.members.Seal(digest, validators.Processor, validators.Approvers)
}

func (m *meter) setLimit(token codec.Hash) (*types.Receipt, error) {
	s, err := m.snapshot()
	if err != nil {
		return nil, err
	}
	body := &bridgecontracts.SetLimit{Token: token, Capacity: *uint256.NewInt(1e19), Window: 86_400}
	return m.control(s.LimitVersion+1, body, m.quorum)
}

// rotate installs a new set of the same size and goes on with it.
func (m *meter) rotate() (*types.Receipt, error) {
	epoch := m.members.Set.Epoch + 1
	next, err := testchain.NewMembers(fmt.Sprint("epoch", epoch), epoch, [2]int{3, 5}, [2]int{2, 3})
	if err != nil {
		return nil, err
	}
	receipt, err := m.control(epoch, &bridgecontracts.Rotate{Set: next.Set}, m.quorum)
	if err == nil {
		m.members = next
	}
	return receipt, err
}

// pause measures a pause and leaves the bridge as it was.
func (m *meter) pause() (*types.Receipt, error) {
	receipt, err := m.pauseOnly()
	if err != nil {
		return nil, err
	}
	_, err = m.unpauseOnly()
	return receipt, err
}

// unpause measures the end of a pause that it makes itself.
func (m *meter) unpause() (*types.Receipt, error) {
	if _, err := m.pauseOnly(); err != nil {
		return nil, err
	}
	return m.unpauseOnly()
}

func (m *meter) pauseOnly() (*types.Receipt, error) {
	s, err := m.snapshot()
	if err != nil {
		return nil, err
	}
	return m.control(s.PauseSequence+1, &bridgecontracts.Pause{}, func(digest codec.Hash) (*bridgecontracts.Seal, error) {
		signature, err := m.members.Sign(m.members.Set.Approvers[2], digest)
		seal := &bridgecontracts.Seal{Epoch: m.members.Set.Epoch}
		seal.Approvers = append(seal.Approvers, signature)
		return seal, err
	})
}

func (m *meter) unpauseOnly() (*types.Receipt, error) {
	s, err := m.snapshot()
	if err != nil {
		return nil, err
	}
	return m.control(s.PauseSequence+1, &bridgecontracts.Unpause{}, m.quorum)
}
