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

/// @notice Calls back whoever pays it, with the call it was given, and remembers what came of that.
contract Reenterer {
    bytes private _call;
    bool private _strict;
    uint256 public value;
    bool public tried;
    bool public succeeded;

    /// @param strict whether a failed call back makes the payment fail
    function prepare(bytes calldata call_, uint256 value_, bool strict) external payable {
        (_call, value, _strict) = (call_, value_, strict);
    }

    receive() external payable {
        if (_call.length == 0 && value == 0) return;
        (bool ok,) = msg.sender.call{value: value}(_call);
        if (!ok && _strict) revert("call back failed");
        if (gasleft() > 25_000) (tried, succeeded) = (true, ok);
    }
}
