// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ITrineBridge} from "./ITrineBridge.sol";
import {Words} from "./Words.sol";

/// @title What makes a validator set a valid one
library Sets {
    uint256 private constant MOST_MEMBERS = 64; // bounds the gas of a rotation and the size of a seal

    /// @notice Checks a whole set and hashes it.
    function checkAndHash(ITrineBridge.ValidatorSet memory next) internal pure returns (bytes32) {
        if (next.epoch == 0 || next.processor == address(0)) revert ITrineBridge.ZeroValue();
        _checkGroup(next.approvers, next.approversQuorum);
        _checkGroup(next.listeners, next.listenersQuorum);
        _checkSeats(next.processor, next.approvers, next.listeners);
        return Words.set(
            next.epoch,
            next.processor,
            next.approversQuorum,
            Words.list(next.approvers),
            next.listenersQuorum,
            Words.list(next.listeners)
        );
    }

    function _checkGroup(address[] memory members, uint256 quorum) private pure {
        if (quorum == 0 || quorum > members.length || members.length > MOST_MEMBERS) {
            revert ITrineBridge.BadQuorum(quorum, members.length);
        }
        address previous = address(0);
        for (uint256 i = 0; i < members.length; i++) {
            if (members[i] <= previous) revert ITrineBridge.MembersNotAscending(previous, members[i]);
            previous = members[i];
        }
    }

    /// @dev Both lists ascend, so one walk over the two finds what stands in both.
    function _checkSeats(address processor, address[] memory a, address[] memory b) private pure {
        uint256 j = 0;
        for (uint256 i = 0; i < a.length; i++) {
            if (a[i] == processor) revert ITrineBridge.SecondSeat(processor);
            while (j < b.length && b[j] < a[i]) j++;
            if (j < b.length && b[j] == a[i]) revert ITrineBridge.SecondSeat(a[i]);
        }
        for (uint256 i = 0; i < b.length; i++) {
            if (b[i] == processor) revert ITrineBridge.SecondSeat(processor);
        }
    }
}
