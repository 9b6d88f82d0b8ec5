package ethereum

import (
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/bridgecontracts/ethereum/internal/bindings"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/validators"
)

// PackExecute returns the call that runs a sealed value action on the bridge of this domain. The set is the one
// that the bridge holds, whose epoch the seal names. It fails where the contract would refuse the seal.
func PackExecute(domain bridgecontracts.Domain, action *bridgecontracts.Action, seal *bridgecontracts.Seal, set *validators.Set) ([]byte, error) {
	call, err := packExecute(domain, action, seal, set)
	if err != nil {
		return nil, fmt.Errorf("execute action %d: %w", action.ID, err)
	}
	return call, nil
}

func packExecute(domain bridgecontracts.Domain, action *bridgecontracts.Action, seal *bridgecontracts.Seal, set *validators.Set) ([]byte, error) {
	packed, err := packSeal(bridgecontracts.ActionSigners(action), action.Digest(domain, set.Epoch), seal, set)
	if err != nil {
		return nil, err
	}
	switch body := action.Body.(type) {
	case *bridgecontracts.Transfers:
		transfers, err := contractTransfers(body)
		if err != nil {
			return nil, err
		}
		return contract.TryPackExecuteTransfers(action.ID, transfers, packed)
	case *bridgecontracts.Call:
		target, err := Address(body.Target)
		if err != nil {
			return nil, fmt.Errorf("target: %w", err)
		}
		return contract.TryPackExecuteCall(action.ID, target, body.Value.ToBig(), body.Data, packed)
	case *bridgecontracts.Noop:
		return contract.TryPackExecuteNoop(action.ID, packed)
	}
	return nil, fmt.Errorf("a body of type %T is unknown to this bridge", action.Body)
}

func contractTransfers(body *bridgecontracts.Transfers) ([]bindings.ITrineBridgeTransfer, error) {
	if len(body.Transfers) > MaxTransfers {
		return nil, fmt.Errorf("%d transfers; the contract takes at most %d", len(body.Transfers), MaxTransfers)
	}
	out := make([]bindings.ITrineBridgeTransfer, len(body.Transfers))
	for i := range body.Transfers {
		t := &body.Transfers[i]
		token, err := Address(t.Token)
		if err != nil {
			return nil, fmt.Errorf("token of transfer %d: %w", i, err)
		}
		to, err := Address(t.To)
		if err != nil {
			return nil, fmt.Errorf("recipient of transfer %d: %w", i, err)
		}
		out[i] = bindings.ITrineBridgeTransfer{Token: token, Recipient: to, Amount: t.Amount.ToBig()}
	}
	return out, nil
}

// PackControl returns the call that runs a sealed control action. The set is the one that the bridge holds. A seal of a
// Pause has one approver signature; of a Rotate, signatures of exactly two groups; of a SetLimit that raises the limit, those of
// the listeners too.
func PackControl(domain bridgecontracts.Domain, control *bridgecontracts.Control, seal *bridgecontracts.Seal, set *validators.Set) ([]byte, error) {
	call, err := packControl(domain, control, seal, set)
	if err != nil {
		return nil, fmt.Errorf("%s %d: %w", control.Body.Kind(), control.Sequence, err)
	}
	return call, nil
}

func packControl(domain bridgecontracts.Domain, control *bridgecontracts.Control, seal *bridgecontracts.Seal, set *validators.Set) ([]byte, error) {
	who, err := bridgecontracts.ControlSigners(control, seal)
	if err != nil {
		return nil, err
	}
	packed, err := packSeal(who, control.Digest(domain, set.Epoch), seal, set)
	if err != nil {
		return nil, err
	}
	switch body := control.Body.(type) {
	case *bridgecontracts.Rotate:
		if err := body.Set.Validate(); err != nil {
			return nil, err
		}
		return contract.TryPackRotate(contractSet(&body.Set), append([]byte{who.Mask()}, packed...))
	case *bridgecontracts.Pause:
		return contract.TryPackPause(control.Sequence, packed)
	case *bridgecontracts.Unpause:
		return contract.TryPackUnpause(control.Sequence, packed)
	case *bridgecontracts.SetLimit:
		token, err := Address(body.Token)
		if err != nil {
			return nil, fmt.Errorf("token: %w", err)
		}
		return contract.TryPackSetLimit(control.Sequence, token, body.Capacity.ToBig(), uint256.NewInt(body.Window).ToBig(), packed)
	}
	return nil, fmt.Errorf("a body of type %T is unknown to this bridge", control.Body)
}

// PackDeposit returns the call that deposits amount units of a token with the wallet's keys. The transaction's value is
// the amount if the token is [Native], else zero; an ERC-20 must be approved to the bridge before. Amount zero with
// keys associates the keys.
func PackDeposit(token codec.Hash, amount *uint256.Int, keys []bridgecontracts.KeyProof) ([]byte, error) {
	address, err := Address(token)
	if err != nil {
		return nil, fmt.Errorf("deposit: token: %w", err)
	}
	if len(keys) > bridgecontracts.MaxDepositKeys {
		return nil, fmt.Errorf("deposit: %d keys; at most %d are possible", len(keys), bridgecontracts.MaxDepositKeys)
	}
	if amount.IsZero() && len(keys) == 0 {
		return nil, fmt.Errorf("deposit: an amount of zero needs keys to associate")
	}
	packed := make([]byte, 0, len(keys)*keyEntrySize)
	for i := range keys {
		packed = append(append(packed, keys[i].Key[:]...), keys[i].Signature[:]...)
	}
	return contract.TryPackDeposit(address, amount.ToBig(), packed)
}

// PackClaim returns the call that pays what failed transfers of a token left for recipient. Only the recipient
// itself may send it elsewhere than to the recipient.
func PackClaim(token, recipient, to codec.Hash) ([]byte, error) {
	var addresses [3]common.Address
	for i, w := range []codec.Hash{token, recipient, to} {
		address, err := Address(w)
		if err != nil {
			return nil, fmt.Errorf("claim: %w", err)
		}
		addresses[i] = address
	}
	return contract.TryPackClaim(addresses[0], addresses[1], addresses[2])
}
