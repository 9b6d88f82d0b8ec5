// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ITrineBridge} from "../src/ITrineBridge.sol";

/// @title The digests of ADR 0001 once more, as plainly as Solidity can say them
/// @notice Shares nothing with src/Words.sol, so that the two can be held against each other.
library Reference {
    function tag(string memory kind) internal pure returns (bytes memory) {
        return abi.encode(keccak256(bytes.concat("trine/v1/", bytes(kind))));
    }

    function domain(bytes32 genesis, string memory caip2, address bridge) internal pure returns (bytes32) {
        return
            keccak256(bytes.concat(tag("domain"), genesis, keccak256(bytes(caip2)), bytes32(uint256(uint160(bridge)))));
    }

    function list(address[] memory members) internal pure returns (bytes32) {
        bytes memory words;
        for (uint256 i = 0; i < members.length; i++) {
            words = bytes.concat(words, bytes32(uint256(uint160(members[i]))));
        }
        return keccak256(words);
    }

    function set(ITrineBridge.ValidatorSet memory s) internal pure returns (bytes32) {
        return keccak256(
            bytes.concat(
                tag("set"),
                bytes32(uint256(s.epoch)),
                bytes32(uint256(uint160(s.processor))),
                bytes32(uint256(s.approversQuorum)),
                list(s.approvers),
                bytes32(uint256(s.listenersQuorum)),
                list(s.listeners)
            )
        );
    }

    function transfers(ITrineBridge.Transfer[] memory all) internal pure returns (bytes32) {
        bytes memory words;
        for (uint256 i = 0; i < all.length; i++) {
            words = bytes.concat(
                words,
                bytes32(uint256(uint160(all[i].token))),
                bytes32(uint256(uint160(all[i].recipient))),
                bytes32(all[i].amount)
            );
        }
        return keccak256(words);
    }

    function call(address target, uint256 value, bytes memory data) internal pure returns (bytes32) {
        return keccak256(bytes.concat(bytes32(uint256(uint160(target))), bytes32(value), keccak256(data)));
    }

    function limit(address token, uint256 capacity, uint256 window) internal pure returns (bytes32) {
        return keccak256(bytes.concat(bytes32(uint256(uint160(token))), bytes32(capacity), bytes32(window)));
    }

    function action(bytes32 domain_, uint256 epoch, uint256 id, uint256 kind, bytes32 body)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(bytes.concat(tag("action"), domain_, bytes32(epoch), bytes32(id), bytes32(kind), body));
    }

    function control(bytes32 domain_, uint256 epoch, uint256 kind, uint256 sequence, bytes32 body)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(bytes.concat(tag("control"), domain_, bytes32(epoch), bytes32(kind), bytes32(sequence), body));
    }

    function keys(bytes memory packed) internal pure returns (bytes32) {
        bytes memory words;
        for (uint256 i = 0; i < packed.length; i += 98) {
            words = bytes.concat(words, keccak256(slice(packed, i, 33)), keccak256(slice(packed, i + 33, 65)));
        }
        return keccak256(words);
    }

    function slice(bytes memory all, uint256 from, uint256 size) internal pure returns (bytes memory part) {
        part = new bytes(size);
        for (uint256 i = 0; i < size; i++) {
            part[i] = all[from + i];
        }
    }

    /// @notice The hash of an event with one word per field.
    function eventHash(uint256 kind, uint256 id, bytes memory fields) internal pure returns (bytes32) {
        return keccak256(bytes.concat(tag("event"), bytes32(kind), bytes32(id), fields));
    }

    function cut(bytes32 word) internal pure returns (bytes32) {
        return bytes32(bytes24(word));
    }

    function extend(bytes32 head, bytes32 hash) internal pure returns (bytes32) {
        return cut(keccak256(bytes.concat(head, hash)));
    }

    /// @notice The hash of the event that a log tells.
    function logHash(bytes32[] memory topics, bytes memory data) internal pure returns (bytes32) {
        uint256 kind = kindOf(topics[0]);
        if (kind != 1) return eventHash(kind, uint256(topics[1]), data);
        (address wallet, address token, uint256 amount, bytes memory packed) =
            abi.decode(data, (address, address, uint256, bytes));
        return eventHash(1, uint256(topics[1]), abi.encode(wallet, token, amount, keys(packed)));
    }

    function kindOf(bytes32 topic) internal pure returns (uint256) {
        if (topic == ITrineBridge.Deposited.selector) return 1;
        if (topic == ITrineBridge.ActionExecuted.selector) return 2;
        if (topic == ITrineBridge.SetRotated.selector) return 3;
        if (topic == ITrineBridge.Paused.selector) return 4;
        if (topic == ITrineBridge.Unpaused.selector) return 5;
        if (topic == ITrineBridge.LimitSet.selector) return 6;
        require(topic == ITrineBridge.Claimed.selector, "no event of the bridge");
        return 7;
    }
}
