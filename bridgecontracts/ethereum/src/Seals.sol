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
    function check(bytes calldata seal, uint256 groups, uint64 epoch, bytes32 held, bytes32 digest) internal pure {
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
            bytes32 given =
                Words.set(epoch, processor, approversQuorum, approversHash, listenersQuorum, listenersHash);
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
    function _checkMembers(uint256 pos, bytes32 digest, Group memory group) private pure returns (uint256) {
        uint256 next = 0; // lowest index that may come
        for (uint256 i = 0; i < group.signatures; i++) {
            uint256 index = _read(pos, 1);
            if (index >= group.count) revert ITrineBridge.NoSuchMember(index, group.count);
            if (index < next) revert ITrineBridge.SignersNotAscending(next - 1, index);
            next = index + 1;
            _checkSignature(pos + 1, digest, address(uint160(_read(group.start + 20 * index, 20))));
            pos += MEMBER_SIGNATURE;
        }
        return pos;
    }

    /// @dev No member is zero, so the zero that a failed recovery gives is nobody.
    function _checkSignature(uint256 pos, bytes32 digest, address member) private pure {
        bytes32 r = bytes32(_read(pos, 32));
        uint256 s = _read(pos + 32, 32);
        uint8 v = uint8(27 + (s >> 255));
        s &= type(uint256).max >> 1;
        if (s > HALF_ORDER) revert ITrineBridge.HighS(s);
        address recovered = ecrecover(digest, v, r, bytes32(s));
        if (recovered != member) revert ITrineBridge.WrongSigner(member, recovered, digest);
    }

    /// @dev The `size` bytes of calldata at `pos`, as a number.
    function _read(uint256 pos, uint256 size) private pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := shr(sub(256, shl(3, size)), calldataload(pos))
        }
    }
}
