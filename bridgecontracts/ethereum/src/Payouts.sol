// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ITrineBridge} from "./ITrineBridge.sol";

/// @title Calls to strangers that can neither stop the bridge nor be made to fail by whoever submits
/// @dev A callee gets a fixed amount of gas, its return data is not copied beyond one word, and its failure is a value.
/// Before each call the gas left must cover what the callee is promised (EIP-150 holds back a 64th) and what the call
/// itself costs; so the outcome of a call never depends on how much gas was sent. After a failed call the leftover is
/// checked as well: a callee that was starved is found out even where a later fork makes calls dearer than the margin.
library Payouts {
    /// Gas of a token's transfer; the dearest that are common (rebasing, proxied) need about 250,000.
    uint256 internal constant TOKEN_GAS = 400_000;
    /// Gas of a wallet that receives the native coin.
    uint256 internal constant NATIVE_GAS = 50_000;
    /// Gas of a governance call.
    uint256 internal constant CALL_GAS = 5_000_000;
    /// What a call without value costs at most before the callee starts (now: 2,600 for a cold account), and room.
    uint256 private constant MARGIN = 45_000;
    /// A call with value may create an account, which costs 36,600 in all now and about 200,000 where state growth has
    /// its own price (EIP-8037). It is asked for, not spent.
    uint256 private constant VALUE_MARGIN = 250_000;

    /// @notice token.transfer(to, amount): true when it returned true, or nothing and the token has code.
    function token(address token_, address to, uint256 amount) internal returns (bool ok) {
        _requireGas(TOKEN_GAS, MARGIN);
        bytes32 selector = IERC20.transfer.selector;
        assembly ("memory-safe") {
            let data := mload(0x40)
            mstore(data, selector)
            mstore(add(data, 0x04), to)
            mstore(add(data, 0x24), amount)
            mstore(0x00, 0) // so that less than a word of return data never reads as 1
            ok := call(TOKEN_GAS, token_, 0, data, 0x44, 0x00, 0x20)
            if ok {
                switch returndatasize()
                case 0 { ok := gt(extcodesize(token_), 0) }
                default { ok := eq(mload(0x00), 1) }
            }
        }
        if (!ok) _requireFairness(TOKEN_GAS);
    }

    /// @notice Sends the native coin.
    function native(address to, uint256 amount) internal returns (bool ok) {
        _requireGas(NATIVE_GAS, VALUE_MARGIN);
        assembly ("memory-safe") {
            ok := call(NATIVE_GAS, to, amount, 0, 0, 0, 0)
        }
        if (!ok) _requireFairness(NATIVE_GAS);
    }

    /// @notice Calls a contract; data for an account without code is a failure, not a success.
    function arbitrary(address target, uint256 value, bytes memory data) internal returns (bool ok) {
        _requireGas(CALL_GAS, VALUE_MARGIN);
        if (data.length != 0 && target.code.length == 0) return false;
        assembly ("memory-safe") {
            ok := call(CALL_GAS, target, value, add(data, 0x20), mload(data), 0, 0)
        }
        if (!ok) _requireFairness(CALL_GAS);
    }

    function _requireGas(uint256 promised, uint256 margin) private view {
        uint256 needed;
        unchecked {
            needed = promised * 64 / 63 + margin;
        }
        if (gasleft() < needed) revert ITrineBridge.NotEnoughGas(needed, gasleft());
    }

    /// @dev A callee that got less than it was promised left less than a 63rd of the promise behind.
    function _requireFairness(uint256 promised) private view {
        if (gasleft() < promised / 63) revert ITrineBridge.NotEnoughGas(promised / 63, gasleft());
    }
}
