// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ITrineBridge} from "../src/ITrineBridge.sol";
import {Base} from "./Base.sol";
import {Refuser} from "./zoo/Recipients.sol";

/// @notice State growth: no event and no successful action writes a slot that was empty.
contract SlotsTest is Base {
    /// @dev Runs the call twice from one state: once to see what it writes, then to see what stood there.
    function _newSlots(uint256 value, bytes memory call_) internal returns (uint256 fresh) {
        uint256 state = vm.snapshotState();
        vm.record();
        (bool ok,) = address(bridge).call{value: value}(call_);
        assertTrue(ok, "runs");
        (, bytes32[] memory writes) = vm.accesses(address(bridge));
        vm.revertToState(state);
        for (uint256 i = 0; i < writes.length; i++) {
            bool seen;
            for (uint256 j = 0; j < i; j++) {
                seen = seen || writes[j] == writes[i];
            }
            if (!seen && vm.load(address(bridge), writes[i]) == 0) fresh++;
        }
        assertTrue(writes.length != 0, "something was written");
        vm.getRecordedLogs();
        (bool again,) = address(bridge).call{value: value}(call_);
        assertTrue(again, "runs again");
        _journal();
    }

    function testNoNewSlots() public {
        // From the very first event on: no first limit, no first pause, nothing has been written by anyone yet.
        assertEq(_newSlots(1e20, ""), 0, "plain transfer");
        assertEq(_newSlots(5, abi.encodeCall(ITrineBridge.deposit, (NATIVE, 5, new bytes(98)))), 0, "native");
        assertEq(_newSlots(0, abi.encodeCall(ITrineBridge.deposit, (address(token), 1e20, ""))), 0, "ERC-20");
        assertEq(_newSlots(0, _noopCall()), 0, "noop");
        assertEq(_newSlots(0, _batchCall(_one(address(token), alice, 5))), 0, "transfer");
        assertEq(_newSlots(0, _batchCall(_one(NATIVE, alice, 5))), 0, "native transfer");
        assertEq(_newSlots(0, _callCall(alice, 5, "")), 0, "call");
        assertEq(_newSlots(0, _pauseCall(1)), 0, "pause");
        assertEq(_newSlots(0, _unpauseCall(2)), 0, "unpause");
        assertEq(_newSlots(0, _limitCall(P | A, 1, NATIVE, 1000, 60)), 1, "a token's first limit is its slot");
        assertEq(_newSlots(0, _limitCall(P | A, 2, NATIVE, 900, 60)), 0, "another limit");
        assertEq(_newSlots(0, _batchCall(_one(NATIVE, alice, 5))), 0, "transfer below a limit");
        Refuser refuser = new Refuser();
        assertEq(_newSlots(0, _batchCall(_one(NATIVE, address(refuser), 5))), 1, "a failed transfer");
        assertEq(_newSlots(0, _batchCall(_one(NATIVE, address(refuser), 5))), 0, "another for the same recipient");
        Members memory next = _members("next", 2, 3, 5, 2, 3);
        assertEq(_newSlots(0, _rotateCall(P | A, next.set)), 0, "rotate");
    }

    function testNothingButOneEventSlotPerDeposit() public {
        vm.record();
        (bool ok,) = address(bridge).call{value: 5}("");
        assertTrue(ok, "runs");
        (, bytes32[] memory writes) = vm.accesses(address(bridge));
        assertEq(writes.length, 1, "head and event id share a slot");
    }
}
