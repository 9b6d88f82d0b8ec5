// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ITrineBridge} from "./ITrineBridge.sol";
import {Words} from "./Words.sol";

/// @title Who signed: the packed seal of ITrineBridge against the set hash that the bridge holds
/// @dev The set in the seal is believed once its hash equals the held one; the held set has passed `Sets`, so no member
/// is zero, lists ascend, quorums are in range. Reading past the end of calldata gives zeros, which the check of the
/// length turns away before anything read there counts.
library Seals {
    uint256 internal constant PROCESSOR = 1;
    uint256 internal constant APPROVERS = 2;
    uint256 internal constant LISTENERS = 4;
    /// One approver in place of a quorum.
    uint256 internal constant ONE_APPROVER = 8;

    uint256 private constant HALF_ORDER = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0;
    uint256 private constant SIGNATURE = 64;
    uint256 private constant MEMBER_SIGNATURE = 65;

    /// @dev A group as it stands in calldata; `start` is where its first address is.
    struct Group {
        uint256 start;
        uint256 count;
        uint256 signatures;
    }

    /// @notice Reverts unless exactly the asked-for members of the held set signed `digest`.
    function check(bytes calldata seal, uint256 groups, uint64 epoch, bytes32 held, bytes32 digest) internal view {
        Group memory approvers;
        Group memory listeners;
        uint256 pos;
        assembly ("memory-safe") {
            pos := seal.offset
        }
        address processor = address(uint160(_read(pos, 20)));
        {
            uint256 approversQuorum;
            uint256 listenersQuorum;
            bytes32 approversHash;
            bytes32 listenersHash;
            (pos, approversQuorum, approversHash) =
                _group(pos + 20, groups & (APPROVERS | ONE_APPROVER) != 0, approvers);
            (pos, listenersQuorum, listenersHash) = _group(pos, groups & LISTENERS != 0, listeners);
            if (groups & ONE_APPROVER != 0) approvers.signatures = 1;
            bytes32 given = Words.set(epoch, processor, approversQuorum, approversHash, listenersQuorum, listenersHash);
            if (given != held) revert ITrineBridge.WrongSet(held, given);
        }
        _checkLength(seal, pos, groups, approvers.signatures + listeners.signatures);
        if (groups & PROCESSOR != 0) {
            _checkSignature(pos, digest, processor);
            pos += SIGNATURE;
        }
        pos = _checkMembers(pos, digest, approvers);
        _checkMembers(pos, digest, listeners);
    }

    /// @dev Reads quorum and either the members or their list hash; a group that does not sign keeps `signatures` 0.
    function _group(uint256 pos, bool signs, Group memory group)
        private
        pure
        returns (uint256 end, uint256 quorum, bytes32 hash)
    {
        quorum = _read(pos, 1);
        if (!signs) return (pos + 33, quorum, bytes32(_read(pos + 1, 32)));
        uint256 count = _read(pos + 1, 1);
        pos += 2;
        (group.start, group.count, group.signatures) = (pos, count, quorum);
        assembly ("memory-safe") {
            // One word per member behind the free pointer; nothing is kept there.
            let words := mload(0x40)
            let size := shl(5, count)
            let from := pos
            for { let i := 0 } lt(i, size) { i := add(i, 0x20) } {
                mstore(add(words, i), shr(96, calldataload(from)))
                from := add(from, 20)
            }
            hash := keccak256(words, size)
        }
        end = pos + 20 * count;
    }

    function _checkLength(bytes calldata seal, uint256 pos, uint256 groups, uint256 signatures) private pure {
        uint256 start;
        assembly ("memory-safe") {
            start := seal.offset
        }
        uint256 expected = pos - start + signatures * MEMBER_SIGNATURE;
        if (groups & PROCESSOR != 0) expected += SIGNATURE;
        if (seal.length != expected) revert ITrineBridge.BadSealLength(expected, seal.length);
    }

    /// @dev Ascending indices into an ascending list: nobody signs twice, and the order is one.
    function _checkMembers(uint256 pos, bytes32 digest, Group memory group) private view returns (uint256) {
        uint256 next = 0; // lowest index that may come
        (uint256 start, uint256 count) = (group.start, group.count);
        uint256 end = pos + group.signatures * MEMBER_SIGNATURE;
        unchecked {
            // Counts and indices are single bytes.
            for (; pos < end; pos += MEMBER_SIGNATURE) {
                uint256 index = _read(pos, 1);
                if (index >= count) revert ITrineBridge.NoSuchMember(index, count);
                if (index < next) revert ITrineBridge.SignersNotAscending(next - 1, index);
                next = index + 1;
                _checkSignature(pos + 1, digest, address(uint160(_read(start + 20 * index, 20))));
            }
        }
        return end;
    }

    /// @dev No member is zero, so the zero that a failed recovery gives is nobody.
    function _checkSignature(uint256 pos, bytes32 digest, address member) private view {
        uint256 s = _read(pos + 32, 32) & type(uint256).max >> 1;
        if (s > HALF_ORDER) revert ITrineBridge.HighS(s);
        address recovered = _recover(pos, digest);
        if (recovered != member) revert ITrineBridge.WrongSigner(member, recovered, digest);
    }

    /// @dev ecrecover of the compact signature at `pos`, with r and s put where the precompile reads them without a
    /// detour over the stack: four to ten of them are in every action.
    function _recover(uint256 pos, bytes32 digest) private view returns (address recovered) {
        assembly ("memory-safe") {
            let input := mload(0x40)
            let vs := calldataload(add(pos, 0x20))
            mstore(input, digest)
            mstore(add(input, 0x20), add(27, shr(255, vs)))
            mstore(add(input, 0x40), calldataload(pos))
            mstore(add(input, 0x60), shr(1, shl(1, vs)))
            mstore(0x00, 0) // stays when the precompile recovers nobody and so writes nothing
            pop(staticcall(gas(), 1, input, 0x80, 0x00, 0x20))
            recovered := mload(0x00)
        }
    }

    /// @dev The `size` bytes of calldata at `pos`, as a number.
    function _read(uint256 pos, uint256 size) private pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := shr(sub(256, shl(3, size)), calldataload(pos))
        }
    }
}
