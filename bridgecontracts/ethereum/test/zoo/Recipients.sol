// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice Refuses every payment.
contract Refuser {
    error Refused(uint256 amount);

    receive() external payable {
        revert Refused(msg.value);
    }
}

/// @notice Burns all the gas it gets.
contract Burner {
    receive() external payable {
        assembly ("memory-safe") {
            invalid()
        }
    }
}

/// @notice Answers with as many bytes as its gas can pay for, and fails or not.
contract Bomber {
    bool private immutable FAILS;

    constructor(bool fails) {
        FAILS = fails;
    }

    receive() external payable {
        bool fails = FAILS;
        assembly ("memory-safe") {
            let size := mul(gas(), 8) // memory costs 3 gas per word and a square term
            if gt(size, 0x20000) { size := 0x20000 }
            if fails { revert(0, size) }
            return(0, size)
        }
    }
}

/// @notice Calls the target back whenever it is called, paid or told of a transfer, and remembers what came of that.
contract Reenterer {
    error Stop();

    address public target;
    bytes private _call;
    uint256 public value;
    bool private _strict;
    bool public tried;
    bool public succeeded;
    bytes4 public reason;

    /// @param strict whether a failed call back makes the payment fail
    function prepare(address target_, bytes calldata call_, uint256 value_, bool strict) external payable {
        (target, _call, value, _strict) = (target_, call_, value_, strict);
    }

    /// @notice Runs the prepared call from here, outside of any payment.
    function act(bytes calldata call_) external payable {
        (bool ok, bytes memory data) = target.call{value: msg.value}(call_);
        if (!ok) {
            assembly ("memory-safe") {
                revert(add(data, 0x20), mload(data))
            }
        }
    }

    receive() external payable {
        _back();
    }

    fallback() external payable {
        _back();
    }

    function _back() private {
        if (target == address(0) || tried) return;
        tried = true; // a failed payment forgets it
        (bool ok, bytes memory data) = target.call{value: value}(_call);
        succeeded = ok;
        reason = data.length < 4 ? bytes4(0) : bytes4(data);
        if (!ok && _strict) revert Stop();
    }
}
