package ethereum

import (
	"bytes"
	"context"
	"errors"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/bridgecontracts"
	contract "github.com/trinebridge/trine/bridgecontracts/ethereum"
	"github.com/trinebridge/trine/chain"
)

// maxGas is what a transaction may take at most on Ethereum (EIP-7825).
const maxGas = 1 << 24

// What a delivery takes at most besides its calls. A test has the dearest deliveries run within them.
const (
	// gasPerDelivery is the transaction itself (21,000), the bridge's slots, its event, and room.
	gasPerDelivery = 21_000 + 100_000
	// gasPerByte is what a byte of the call costs: as calldata at most 40 (EIP-7623), and what the bridge does
	// with it. The dearest are the 65 bytes of a signature, at 3,000 for the precompile and under 2,000 around it.
	gasPerByte = 40 + 80
)

// gasBound returns a limit that suffices for a delivery whatever the state is that it runs on: the call data is data,
// and every call of a stranger takes all that the bridge demands for it. That covers what such a call spends, with
// the slot of a claim after it: see Payouts.sol.
func gasBound(d *chain.Delivery, data []byte) uint64 {
	gas := uint64(gasPerDelivery + gasPerByte*len(data))
	if d.Action != nil {
		switch body := d.Action.Body.(type) {
		case *bridgecontracts.Transfers:
			for i := range body.Transfers {
				if body.Transfers[i].Token == contract.Native {
					gas += contract.NativeGas
				} else {
					gas += contract.TokenGas
				}
			}
		case *bridgecontracts.Call:
			gas += contract.CallGas
		}
	}
	return min(gas, maxGas)
}

// gas estimates on top of the newest block. A delivery whose predecessor still waits in
// the pool is refused there. Then a replacement of the same call gets what the call was given before; for others
// the node's own pending block decides, and where that is too old, as geth's is for two seconds,
// the delivery gets its bound.
func (s *Sink) gas(ctx context.Context, to common.Address, data []byte, r *chain.BuildRequest, fee *uint256.Int) (uint64, error) {
	call := ethCall{From: &s.payer, To: &to, Data: data}
	gas, err := s.source.node.estimate(ctx, call, "latest")
	var refused refusal
	if err == nil || r.Delivery == nil || !errors.As(err, &refused) || !refused.waits() {
		return gas, err
	}
	if r.Replaces != nil {
		var old types.Transaction
		if old.UnmarshalBinary(r.Replaces.Raw) == nil && bytes.Equal(old.Data(), data) {
			return old.Gas(), nil
		}
	}
	gas, pendingErr := s.source.node.estimate(ctx, call, "pending")
	if pendingErr == nil {
		return gas, nil
	}
	var there refusal
	if errors.As(pendingErr, &there) && !there.waits() {
		return 0, err
	}
	gas = gasBound(r.Delivery, data)
	if ok, boundErr := s.affords(ctx, r.Nonce, refused.ahead(), gas, fee); boundErr != nil || !ok {
		return 0, errors.Join(err, boundErr)
	}
	return gas, nil
}

// affords reports whether a transaction may go without an estimate: enough nonces of ours
// are under way before it to carry what must run first (the submitter keeps the order), and its gas, of which
// most comes back, is no more than half of what a block takes and the payer can pay for.
func (s *Sink) affords(ctx context.Context, nonce, ahead, gas uint64, fee *uint256.Int) (bool, error) {
	n := s.source.node
	next, err := n.nonce(ctx, s.payer, "latest")
	if err != nil {
		return false, err
	}
	if nonce < next || nonce-next < ahead {
		return false, nil
	}
	var newest *struct {
		GasLimit hexutil.Uint64 `json:"gasLimit"`
	}
	if err := n.call(ctx, &newest, "eth_getBlockByNumber", "latest", false); err != nil {
		return false, err
	}
	if newest == nil || gas > uint64(newest.GasLimit)/2 {
		return false, nil
	}
	balance, err := n.balance(ctx, contract.Native, s.payer, "latest")
	if err != nil {
		return false, err
	}
	cost, overflow := new(uint256.Int).MulOverflow(fee, uint256.NewInt(2*gas))
	return !overflow && !balance.Lt(cost), nil
}

// estimate returns the gas that a call takes, with a quarter on top: between estimate
// and block, storage may become dearer.
func (n *node) estimate(ctx context.Context, call ethCall, at any) (uint64, error) {
	var gas hexutil.Uint64
	if err := n.call(ctx, &gas, "eth_estimateGas", call, at); err != nil {
		return 0, err
	}
	if gas > maxGas {
		return 0, n.wrap("eth_estimateGas", chain.Errorf(chain.Fatal, "the call takes %d gas, a transaction has at most %d", uint64(gas), maxGas))
	}
	return min(uint64(gas)+uint64(gas)/4, maxGas), nil
}
