// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Strings} from "@openzeppelin/contracts/utils/Strings.sol";

/// @title The bytes that are signed and hashed
/// @notice Every digest is keccak256 over 32-byte words, the first of which names the kind.
library Words {
    bytes32 internal constant DOMAIN = keccak256("trine/v1/domain");
    bytes32 internal constant SET = keccak256("trine/v1/set");
    bytes32 internal constant EVENT = keccak256("trine/v1/event");
    bytes32 internal constant ACTION = keccak256("trine/v1/action");
    bytes32 internal constant CONTROL = keccak256("trine/v1/control");
    /// keccak256 of nothing: the empty list, and the body of what has no fields.
    bytes32 internal constant NOTHING = keccak256("");

    uint256 internal constant DEPOSITED = 1;
    uint256 internal constant ACTION_EXECUTED = 2;
    uint256 internal constant SET_ROTATED = 3;
    uint256 internal constant PAUSED = 4;
    uint256 internal constant UNPAUSED = 5;
    uint256 internal constant LIMIT_SET = 6;
    uint256 internal constant CLAIMED = 7;

    uint256 internal constant TRANSFERS = 1;
    uint256 internal constant CALL = 2;
    uint256 internal constant NOOP = 3;

    uint256 internal constant ROTATE = 1;
    uint256 internal constant PAUSE = 2;
    uint256 internal constant UNPAUSE = 3;
    uint256 internal constant SET_LIMIT = 4;

    uint256 private constant KEY = 33;
    uint256 private constant KEY_ENTRY = 98;

    function domain(bytes32 genesisHash, uint256 chainId, address bridge) internal pure returns (bytes32) {
        bytes32 caip2 = keccak256(bytes(string.concat("eip155:", Strings.toString(chainId))));
        return keccak256(abi.encode(DOMAIN, genesisHash, caip2, bridge));
    }

    function action(bytes32 domain_, uint256 epoch, uint256 actionId, uint256 kind, bytes32 body)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(ACTION, domain_, epoch, actionId, kind, body));
    }

    function control(bytes32 domain_, uint256 epoch, uint256 kind, uint256 sequence, bytes32 body)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(CONTROL, domain_, epoch, kind, sequence, body));
    }

    function set(
        uint256 epoch,
        address processor,
        uint256 approversQuorum,
        bytes32 approvers,
        uint256 listenersQuorum,
        bytes32 listeners
    ) internal pure returns (bytes32) {
        return keccak256(abi.encode(SET, epoch, processor, approversQuorum, approvers, listenersQuorum, listeners));
    }

    /// @dev The words of a list of addresses are what memory holds after its length.
    function list(address[] memory members) internal pure returns (bytes32 hash) {
        assembly ("memory-safe") {
            hash := keccak256(add(members, 0x20), shl(5, mload(members)))
        }
    }

    /// @dev Per entry the hash of the key and the hash of its signature. The length must have been checked.
    function keyList(bytes calldata keys) internal pure returns (bytes32 hash) {
        if (keys.length == 0) return NOTHING;
        assembly ("memory-safe") {
            let words := mload(0x40)
            let entry := add(words, 0x100) // four entries of two words come before it
            let next := words
            for { let pos := 0 } lt(pos, keys.length) { pos := add(pos, KEY_ENTRY) } {
                calldatacopy(entry, add(keys.offset, pos), KEY_ENTRY)
                mstore(next, keccak256(entry, KEY))
                mstore(add(next, 0x20), keccak256(add(entry, KEY), sub(KEY_ENTRY, KEY)))
                next := add(next, 0x40)
            }
            hash := keccak256(words, sub(next, words))
        }
    }

    /// @dev A head keeps the upper 24 bytes of its word.
    function cut(bytes32 word) internal pure returns (bytes32) {
        return word & ~bytes32(uint256(type(uint64).max));
    }

    function extend(bytes32 head, bytes32 eventHash) internal pure returns (bytes32) {
        return cut(keccak256(abi.encode(head, eventHash)));
    }
}
