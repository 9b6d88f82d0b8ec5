package ethereum

import (
	"github.com/ethereum/go-ethereum/common"
	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/codec"
)

// Selectors of the ERC-20 methods that the adapter calls (https://eips.ethereum.org/EIPS/eip-20).
var (
	selectorBalanceOf = codec.Keccak([]byte("balanceOf(address)"))
	selectorAllowance = codec.Keccak([]byte("allowance(address,address)"))
	selectorApprove   = codec.Keccak([]byte("approve(address,uint256)"))
)

// packERC20 returns a call whose arguments are addresses.
func packERC20(selector codec.Hash, arguments ...common.Address) []byte {
	data := append([]byte(nil), selector[:4]...)
	for _, a := range arguments {
		word := codec.LeftPad(a[:])
		data = append(data, word[:]...)
	}
	return data
}

func packApprove(spender common.Address, amount *uint256.Int) []byte {
	word := codec.AmountWord(amount)
	return append(packERC20(selectorApprove, spender), word[:]...)
}
