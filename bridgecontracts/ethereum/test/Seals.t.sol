// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ITrineBridge} from "../src/ITrineBridge.sol";
import {Base} from "./Base.sol";
import {Reference} from "./Reference.sol";

/// @notice Who may act: exactly the quorum of the held set, over exactly this digest, in exactly this form.
contract SealsTest is Base {
    function _noop(bytes memory seal) internal view returns (bytes memory) {
        return abi.encodeCall(ITrineBridge.executeNoop, (_next(), seal));
    }

    function _digest() internal view returns (bytes32) {
        return _action(3, NOTHING);
    }

    /// @notice Any quorum does, in order.
    function testAnyQuorum() public {
        for (uint256 i = 0; i < 5; i++) {
            for (uint256 j = i + 1; j < 5; j++) {
                for (uint256 k = j + 1; k < 5; k++) {
                    _run(_noop(_sealOf(i, j, k)));
                }
            }
        }
    }

    function _sealOf(uint256 i, uint256 j, uint256 k) internal view returns (bytes memory) {
        bytes32 digest = _digest();
        return bytes.concat(
            _sealSet(P | A, members.set),
            _compact(members.processor, digest),
            _signatures(members.approvers, i, 1, digest),
            _signatures(members.approvers, j, 1, digest),
            _signatures(members.approvers, k, 1, digest)
        );
    }

    function testOrderAndDuplicates() public {
        _refused(_noop(_sealOf(1, 0, 2)), abi.encodeWithSelector(ITrineBridge.SignersNotAscending.selector, 1, 0));
        _refused(_noop(_sealOf(0, 2, 2)), abi.encodeWithSelector(ITrineBridge.SignersNotAscending.selector, 2, 2));
    }

    function testNumberOfSignatures() public {
        bytes32 digest = _digest();
        for (uint256 n = 0; n <= 5; n++) {
            if (n == 3) continue;
            bytes memory seal = bytes.concat(
                _sealSet(P | A, members.set),
                _compact(members.processor, digest),
                _signatures(members.approvers, 0, n, digest)
            );
            uint256 fits = _sealOf(0, 1, 2).length;
            _refused(_noop(seal), abi.encodeWithSelector(ITrineBridge.BadSealLength.selector, fits, seal.length));
        }
    }

    function testFuzzTruncated(uint256 length) public {
        bytes memory seal = _sealOf(0, 1, 2);
        length %= seal.length;
        (bool ok,) = address(bridge).call(_noop(Reference.slice(seal, 0, length)));
        assertTrue(!ok, "refused");
    }

    /// @notice No byte of a seal is without meaning.
    function testFuzzAnyChangeIsRefused(uint256 pos, uint8 change) public {
        vm.assume(change != 0);
        bytes memory seal = _sealOf(0, 2, 4);
        pos %= seal.length;
        seal[pos] = seal[pos] ^ bytes1(change);
        (bool ok,) = address(bridge).call(_noop(seal));
        assertTrue(!ok, "refused");
    }

    function testEveryByteMatters() public {
        bytes memory seal = _sealOf(0, 2, 4);
        for (uint256 pos = 0; pos < seal.length; pos++) {
            seal[pos] = seal[pos] ^ 0x01;
            (bool ok,) = address(bridge).call(_noop(seal));
            assertTrue(!ok, "refused");
            seal[pos] = seal[pos] ^ 0x01;
        }
        _run(_noop(seal));
    }

    function testStranger() public {
        bytes32 digest = _digest();
        uint256 stranger = uint256(keccak256("stranger"));
        bytes memory seal = bytes.concat(
            _sealSet(P | A, members.set),
            _compact(members.processor, digest),
            _signatures(members.approvers, 0, 2, digest),
            hex"02",
            _compact(stranger, digest)
        );
        _refused(
            _noop(seal),
            abi.encodeWithSelector(
                ITrineBridge.WrongSigner.selector, members.set.approvers[2], vm.addr(stranger), digest
            )
        );
        seal = bytes.concat(
            _sealSet(P | A, members.set), _compact(stranger, digest), _signatures(members.approvers, 0, 3, digest)
        );
        _refused(
            _noop(seal),
            abi.encodeWithSelector(ITrineBridge.WrongSigner.selector, members.set.processor, vm.addr(stranger), digest)
        );
        seal = bytes.concat(
            _sealSet(P | A, members.set),
            _compact(members.processor, digest),
            _signatures(members.approvers, 0, 2, digest),
            hex"05",
            _compact(stranger, digest)
        );
        _refused(_noop(seal), abi.encodeWithSelector(ITrineBridge.NoSuchMember.selector, 5, 5));
    }

    /// @notice A set that the bridge does not hold, however well it signs.
    function testOtherSet() public {
        Members memory own = _members("attacker", 1, 1, 1, 1, 1);
        _refused(
            _noop(_seal(own, P | A, _digest())),
            abi.encodeWithSelector(ITrineBridge.WrongSet.selector, Reference.set(members.set), Reference.set(own.set))
        );
        Members memory weaker = members;
        weaker.set.approversQuorum = 0;
        _refused(_noop(_seal(weaker, P | A, _digest())), ITrineBridge.WrongSet.selector);
    }

    /// @notice Signatures that recover to nobody never stand for a member.
    function testUnrecoverable() public {
        bytes32 digest = _digest();
        bytes32[3] memory r = [bytes32(0), bytes32(type(uint256).max), bytes32(uint256(5))];
        for (uint256 i = 0; i < r.length; i++) {
            bytes memory seal = bytes.concat(
                _sealSet(P | A, members.set),
                r[i],
                bytes32(0), // s
                _signatures(members.approvers, 0, 3, digest)
            );
            _refused(
                _noop(seal),
                abi.encodeWithSelector(ITrineBridge.WrongSigner.selector, members.set.processor, address(0), digest)
            );
        }
    }

    /// @notice The other s of a right signature. One below 2^255 can be written and is refused by name; any other
    /// cannot even be written, because its highest bit is the recovery bit.
    function testHighS() public {
        bytes32 digest = _digest();
        uint256 n = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(members.processor, digest);
        uint256 high = n - uint256(s);
        _refusedAny(_noop(_processorSeal(r, high, digest)));
        _refusedAny(_noop(_processorSeal(r, high & (type(uint256).max >> 1) | uint256(28 - v) << 255, digest)));
        uint256 lowestHigh = n / 2 + 1;
        _refused(
            _noop(_processorSeal(r, lowestHigh, digest)),
            abi.encodeWithSelector(ITrineBridge.HighS.selector, lowestHigh)
        );
    }

    /// @dev A seal that is right but for the processor's signature, perhaps.
    function _processorSeal(bytes32 r, uint256 vs, bytes32 digest) internal view returns (bytes memory) {
        return bytes.concat(_sealSet(P | A, members.set), r, bytes32(vs), _signatures(members.approvers, 0, 3, digest));
    }

    /// @notice Every signature in every other context. Each digest is one that the members did sign, for something
    /// else; none of them opens any entry.
    function testEverySignatureOfThisBridgeElsewhere() public {
        _tryDomain(domain);
    }

    function testEverySignatureOfAnotherChain() public {
        _tryDomain(Reference.domain(GENESIS, "eip155:1", address(bridge)));
    }

    function testEverySignatureOfAnotherGenesis() public {
        _tryDomain(Reference.domain(keccak256("other"), _home(), address(bridge)));
    }

    function testEverySignatureOfAnotherBridge() public {
        _tryDomain(Reference.domain(GENESIS, _home(), address(token)));
    }

    function testEverySignatureOfNoDomain() public {
        _tryDomain(0);
    }

    function _home() internal view returns (string memory) {
        return string.concat("eip155:", vm.toString(block.chainid));
    }

    /// @dev All bodies under all kinds, epochs and numbers of a domain.
    function _tryDomain(bytes32 d) internal {
        bytes32[5] memory bodies = [
            Reference.transfers(_batch()),
            Reference.call(alice, 0, ""),
            NOTHING,
            Reference.limit(address(token), 1, 60),
            Reference.set(_successor())
        ];
        for (uint256 i = 0; i < 3 * 4 * 4 * 5; i++) {
            (uint256 epoch, uint256 number, uint256 kind) = (i % 3, i / 3 % 4, i / 12 % 4 + 1);
            // From outside, so that each try has its own memory.
            this.tryAll(Reference.action(d, epoch, number, kind, bodies[i / 48]));
            this.tryAll(Reference.control(d, epoch, kind, number, bodies[i / 48]));
        }
        this.tryAll(Reference.control(d, 1, 1, 5, bodies[4]));
        assertEq(bridge.snapshot().eventId, 0, "nothing happened");
    }

    function _batch() internal view returns (ITrineBridge.Transfer[] memory) {
        return _one(address(token), alice, 0);
    }

    function _successor() internal pure returns (ITrineBridge.ValidatorSet memory) {
        return _members("next", 5, 1, 1, 1, 1).set;
    }

    /// @dev Tries a digest, signed by everybody, at every entry whose own digest is another one.
    function tryAll(bytes32 digest) external {
        bytes memory pa = _seal(P | A, digest);
        if (digest != _action(1, Reference.transfers(_batch()))) {
            _stranger(abi.encodeCall(ITrineBridge.executeTransfers, (1, _batch(), pa)));
        }
        if (digest != _action(2, Reference.call(alice, 0, ""))) {
            _stranger(abi.encodeCall(ITrineBridge.executeCall, (1, alice, 0, "", _seal(P | A | L, digest))));
        }
        if (digest != _action(3, NOTHING)) _stranger(abi.encodeCall(ITrineBridge.executeNoop, (1, pa)));
        if (digest != _control(2, 1, NOTHING)) {
            _stranger(abi.encodeCall(ITrineBridge.pause, (1, _seal(ONE, digest))));
        }
        if (digest != _control(4, 1, Reference.limit(address(token), 1, 60))) {
            _stranger(abi.encodeCall(ITrineBridge.setLimit, (1, address(token), 1, 60, pa)));
        }
        if (digest != _control(1, 5, Reference.set(_successor()))) {
            _stranger(abi.encodeCall(ITrineBridge.rotate, (_successor(), bytes.concat(hex"03", pa))));
        }
    }

    /// @dev Whoever signed this signed something else.
    function _stranger(bytes memory call_) internal {
        _refused(call_, ITrineBridge.WrongSigner.selector);
    }

    /// @notice While paused: what was signed for anything else does not unpause.
    function testEverySignatureAtUnpause() public {
        _run(_pauseCall(1));
        for (uint256 i = 0; i < 4 * 4 * 3; i++) {
            (uint256 kind, uint256 number, uint256 epoch) = (i % 4 + 1, i / 4 % 4, i / 16);
            bytes32 digest = Reference.control(domain, epoch, kind, number, NOTHING);
            if (digest != _control(3, 2, NOTHING)) {
                _stranger(abi.encodeCall(ITrineBridge.unpause, (2, _seal(P | A, digest))));
            }
            digest = Reference.action(domain, epoch, number, kind, NOTHING);
            _stranger(abi.encodeCall(ITrineBridge.unpause, (2, _seal(P | A, digest))));
        }
        _run(_unpauseCall(2));
    }

    /// @notice A bridge beside this one, of the same chain, genesis and set.
    function testOtherBridge() public {
        ITrineBridge other = _deploy(GENESIS, members.set);
        bytes memory call_ = _noopCall();
        (bool ok,) = address(other).call(call_);
        assertTrue(!ok, "refused there");
        _run(call_);
    }

    /// @notice The state copied to a chain with another id.
    function testOtherChain() public {
        bytes[7] memory calls = [
            _noopCall(),
            _batchCall(_one(address(token), alice, 0)),
            _callCall(alice, 0, ""),
            _pauseCall(1),
            _limitCall(P | A, 1, address(token), 1, 60),
            _rotateCall(P | A, _members("next", 5, 1, 1, 1, 1).set),
            abi.encodeCall(ITrineBridge.deposit, (address(token), 1, ""))
        ];
        uint256 home = bridge.snapshot().chainId; // the optimizer takes block.chainid for constant
        vm.chainId(home + 1);
        bytes memory refusal = abi.encodeWithSelector(ITrineBridge.WrongChain.selector, home, home + 1);
        for (uint256 i = 0; i < calls.length; i++) {
            _refused(calls[i], refusal);
        }
        _refused(abi.encodeCall(ITrineBridge.claim, (NATIVE, alice, alice)), refusal);
        _refused("", refusal);
        vm.chainId(home);
        _run(calls[0]);
    }

    /// @notice Executed once, an action is gone; ids come in order.
    function testReplayAndOrder() public {
        bytes memory call_ = _noopCall();
        _run(call_);
        _refused(call_, abi.encodeWithSelector(ITrineBridge.WrongActionId.selector, 2, 1));
        bytes32 third = Reference.action(domain, 1, 3, 3, NOTHING);
        _refused(
            abi.encodeCall(ITrineBridge.executeNoop, (3, _seal(P | A, third))),
            abi.encodeWithSelector(ITrineBridge.WrongActionId.selector, 2, 3)
        );
    }

    /// @notice A call is signed by the listeners too; a seal of two groups does not do, nor does one of three elsewhere.
    function testCallNeedsListeners() public {
        bytes32 digest = _action(2, Reference.call(alice, 0, ""));
        _refusedAny(abi.encodeCall(ITrineBridge.executeCall, (1, alice, 0, "", _seal(P | A, digest))));
        _refusedAny(abi.encodeCall(ITrineBridge.executeCall, (1, alice, 0, "", _seal(P | L, digest))));
        _refusedAny(abi.encodeCall(ITrineBridge.executeCall, (1, alice, 0, "", _seal(A | L, digest))));
        _refusedAny(abi.encodeCall(ITrineBridge.executeNoop, (1, _seal(P | A | L, _digest()))));
        _run(abi.encodeCall(ITrineBridge.executeCall, (1, alice, 0, "", _seal(P | A | L, digest))));
    }

    function _refusedAny(bytes memory call_) internal {
        (bool ok,) = address(bridge).call(call_);
        assertTrue(!ok, "refused");
    }

    /// @notice Dirty upper bytes of an address are another digest in a careless hash; here they are refused.
    function testDirtyWords() public {
        ITrineBridge.Transfer[] memory t = _one(address(token), alice, 0);
        bytes memory call_ = _batchCall(t);
        // selector ‖ id ‖ two offsets ‖ length ‖ token word
        uint256 tokenWord = 4 + 4 * 32;
        call_[tokenWord] = 0x01;
        _refusedAny(call_);
    }

    /// @notice The contract's digests against the reference for fields of any value.
    function testFuzzDigests(bytes32 salt, uint8 n, uint256 value, bytes calldata data) public {
        ITrineBridge.Transfer[] memory t = new ITrineBridge.Transfer[](n % 33);
        for (uint256 i = 0; i < t.length; i++) {
            bytes32 word = keccak256(abi.encode(salt, i));
            t[i] = ITrineBridge.Transfer(address(bytes20(word)), address(uint160(uint256(word))), uint256(word) % 1e30);
        }
        _run(_batchCall(t)); // none of these tokens exists: all fail but the digest is right
        assertEq(_lastFailed(), (1 << t.length) - 1, "all failed");
        _run(_callCall(address(bytes20(salt)), value, data));
    }
}
