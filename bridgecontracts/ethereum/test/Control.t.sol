// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ITrineBridge} from "../src/ITrineBridge.sol";
import {Base} from "./Base.sol";
import {Reference} from "./Reference.sol";
import {Vm} from "./Vm.sol";

/// @notice Rotation, pause and unpause.
contract ControlTest is Base {
    function testPauseByAnyApprover() public {
        for (uint64 i = 0; i < 5; i++) {
            uint64 sequence = 2 * i + 1;
            bytes memory seal = bytes.concat(
                _sealSet(ONE, members.set), _signatures(members.approvers, i, 1, _control(2, sequence, NOTHING))
            );
            _run(abi.encodeCall(ITrineBridge.pause, (sequence, seal)));
            assertTrue(bridge.snapshot().paused, "paused");
            _run(_unpauseCall(sequence + 1));
            assertTrue(!bridge.snapshot().paused, "runs");
        }
    }

    /// @notice No signature pauses or unpauses twice, and none works before its turn.
    function testPauseSequence() public {
        bytes memory first = _pauseCall(1);
        bytes memory second = _unpauseCall(2);
        bytes memory third = _pauseCall(3);
        _refused(second, abi.encodeWithSelector(ITrineBridge.WrongPauseState.selector, false));
        _refused(third, abi.encodeWithSelector(ITrineBridge.WrongSequence.selector, 1, 3));
        _refused(_pauseCall(2), abi.encodeWithSelector(ITrineBridge.WrongSequence.selector, 1, 2));
        _refused(_pauseCall(0), abi.encodeWithSelector(ITrineBridge.WrongSequence.selector, 1, 0));
        _run(first);
        _refused(first, abi.encodeWithSelector(ITrineBridge.WrongPauseState.selector, true));
        _refused(third, abi.encodeWithSelector(ITrineBridge.WrongPauseState.selector, true));
        _refused(_unpauseCall(4), abi.encodeWithSelector(ITrineBridge.WrongSequence.selector, 2, 4));
        _run(second);
        _refused(first, abi.encodeWithSelector(ITrineBridge.WrongSequence.selector, 3, 1));
        _run(third);
    }

    function testPauseBySomebodyElse() public {
        bytes32 digest = _control(2, 1, NOTHING);
        uint256[3] memory others = [members.processor, members.listeners[0], uint256(keccak256("stranger"))];
        for (uint256 i = 0; i < 3; i++) {
            bytes memory seal = bytes.concat(_sealSet(ONE, members.set), hex"00", _compact(others[i], digest));
            _refused(abi.encodeCall(ITrineBridge.pause, (1, seal)), ITrineBridge.WrongSigner.selector);
        }
        bytes memory two = bytes.concat(_sealSet(ONE, members.set), _signatures(members.approvers, 0, 2, digest));
        _refused(abi.encodeCall(ITrineBridge.pause, (1, two)), ITrineBridge.BadSealLength.selector);
    }

    /// @notice One approver stops, but only a quorum and the processor start again.
    function testUnpauseNeedsQuorum() public {
        _run(_pauseCall(1));
        bytes32 digest = _control(3, 2, NOTHING);
        uint256[4] memory few = [ONE, A, P | L, A | L];
        for (uint256 i = 0; i < few.length; i++) {
            (bool ok,) = address(bridge).call(abi.encodeCall(ITrineBridge.unpause, (2, _seal(few[i], digest))));
            assertTrue(!ok, "refused");
        }
        _run(_unpauseCall(2));
    }

    function testPausedStopsTheValueLaneOnly() public {
        bytes[3] memory calls = [_noopCall(), _batchCall(_one(address(token), alice, 1)), _callCall(alice, 0, "")];
        _run(_pauseCall(1));
        for (uint256 i = 0; i < 3; i++) {
            _refused(calls[i], abi.encodeWithSelector(ITrineBridge.BridgePaused.selector, 1));
        }
        _run(_limitCall(P | A, 1, address(token), 5, 60));
        Members memory next = _members("next", 2, 1, 2, 1, 2);
        _run(_rotateCall(P | A, next.set));
        _store(next);
        _run(_unpauseCall(2));
        _run(_noopCall());
    }

    // ------------------------------------------------------------ rotation

    function testRotateByEveryTwoGroups() public {
        uint256[3] memory pairs = [P | A, P | L, A | L];
        for (uint256 i = 0; i < 3; i++) {
            uint64 epoch = uint64(7 * (i + 1)); // skips epochs
            Members memory next = _members(vm.toString(i), epoch, 2, 3, 2, 2);
            bytes memory old = _noopCall();
            _run(_rotateCall(pairs[i], next.set));
            assertEq(bridge.snapshot().epoch, epoch, "epoch");
            assertEq(bridge.snapshot().setHash, Reference.set(next.set), "set");
            _refused(old, ITrineBridge.WrongSet.selector);
            _store(next);
            _run(_noopCall());
        }
    }

    function testRotateNeedsTwoWholeGroups() public {
        ITrineBridge.ValidatorSet memory next = _members("next", 2, 1, 1, 1, 1).set;
        for (uint256 groups = 0; groups < 256; groups++) {
            if (groups == 3 || groups == 5 || groups == 6) continue;
            _refused(_rotateCall(groups, next), abi.encodeWithSelector(ITrineBridge.BadGroups.selector, groups));
        }
        _refused(
            abi.encodeCall(ITrineBridge.rotate, (next, "")), abi.encodeWithSelector(ITrineBridge.BadGroups.selector, 0)
        );
        // Two groups named, other two sign.
        bytes32 digest = _control(1, 2, Reference.set(next));
        (bool ok,) = address(bridge)
            .call(abi.encodeCall(ITrineBridge.rotate, (next, bytes.concat(bytes1(uint8(P | A)), _seal(P | L, digest)))));
        assertTrue(!ok, "refused");
    }

    function testRotateEpochs() public {
        Members memory next = _members("next", 5, 1, 1, 1, 1);
        _run(_rotateCall(A | L, next.set));
        Members memory first = members;
        _store(next);
        first.set.epoch = 5;
        _refused(_rotateCall(P | A, first.set), abi.encodeWithSelector(ITrineBridge.EpochNotHigher.selector, 5, 5));
        first.set.epoch = 4;
        _refused(_rotateCall(P | A, first.set), abi.encodeWithSelector(ITrineBridge.EpochNotHigher.selector, 5, 4));
        first.set.epoch = 6;
        _run(_rotateCall(P | A, first.set));
    }

    /// @notice What one group alone signs for the highest epoch of all would lock the bridge; it takes two.
    function testRotateToTheLastEpoch() public {
        Members memory next = _members("next", type(uint64).max, 1, 1, 1, 1);
        _run(_rotateCall(P | L, next.set));
        _store(next);
        _run(_noopCall());
    }

    function testBadSets() public {
        address[] memory addresses;
        for (uint256 i = 0; i < 12; i++) {
            ITrineBridge.ValidatorSet memory s = _members("next", 2, 2, 3, 2, 3).set;
            bytes memory reason;
            if (i == 0) {
                s.processor = address(0);
                reason = abi.encodeWithSelector(ITrineBridge.ZeroValue.selector);
            } else if (i == 1) {
                s.approversQuorum = 0;
                reason = abi.encodeWithSelector(ITrineBridge.BadQuorum.selector, 0, 3);
            } else if (i == 2) {
                s.listenersQuorum = 4;
                reason = abi.encodeWithSelector(ITrineBridge.BadQuorum.selector, 4, 3);
            } else if (i == 3) {
                s.approvers = addresses;
                reason = abi.encodeWithSelector(ITrineBridge.BadQuorum.selector, 2, 0);
            } else if (i == 4) {
                s.listeners = new address[](65);
                reason = abi.encodeWithSelector(ITrineBridge.BadQuorum.selector, 2, 65);
            } else if (i == 5) {
                (s.approvers[0], s.approvers[1]) = (s.approvers[1], s.approvers[0]);
                reason =
                    abi.encodeWithSelector(ITrineBridge.MembersNotAscending.selector, s.approvers[0], s.approvers[1]);
            } else if (i == 6) {
                s.listeners[1] = s.listeners[2];
                reason =
                    abi.encodeWithSelector(ITrineBridge.MembersNotAscending.selector, s.listeners[1], s.listeners[2]);
            } else if (i == 7) {
                s.approvers[0] = address(0);
                reason = abi.encodeWithSelector(ITrineBridge.MembersNotAscending.selector, 0, 0);
            } else if (i == 8) {
                s.processor = s.approvers[1];
                reason = abi.encodeWithSelector(ITrineBridge.SecondSeat.selector, s.processor);
            } else if (i == 9) {
                s.processor = s.listeners[2];
                reason = abi.encodeWithSelector(ITrineBridge.SecondSeat.selector, s.processor);
            } else if (i == 10) {
                s.listeners = s.approvers;
                reason = abi.encodeWithSelector(ITrineBridge.SecondSeat.selector, s.approvers[0]);
            } else {
                s.listeners[0] = address(1);
                s.listeners[1] = address(2);
                s.listeners[2] = s.approvers[2];
                reason = abi.encodeWithSelector(ITrineBridge.SecondSeat.selector, s.approvers[2]);
            }
            _refused(_rotateCall(P | A, s), reason);
            _notDeployed(GENESIS, s, reason);
        }
    }

    /// @notice Every pair of seats, in every arrangement of small lists: the walk over both finds each shared one.
    function testFuzzSharedSeat(uint256 salt, uint8 n, uint8 m) public {
        uint256 na = n % 8 + 1;
        uint256 nl = m % 8 + 1;
        address[] memory a = _ascending(salt, na);
        address[] memory l = _ascending(salt >> 100, nl);
        bool shared;
        for (uint256 i = 0; i < na; i++) {
            for (uint256 j = 0; j < nl; j++) {
                shared = shared || a[i] == l[j];
            }
        }
        ITrineBridge.ValidatorSet memory s = ITrineBridge.ValidatorSet(2, address(type(uint160).max), 1, a, 1, l);
        (bool ok, bytes memory data) = address(bridge).call(_rotateCall(P | A, s));
        assertTrue(ok == !shared, "shared seats and only those are refused");
        if (!ok) assertTrue(bytes4(data) == ITrineBridge.SecondSeat.selector, "the error");
    }

    function _ascending(uint256 salt, uint256 n) private pure returns (address[] memory all) {
        all = new address[](n);
        uint160 last;
        for (uint256 i = 0; i < n; i++) {
            last += uint160(1 + (salt >> (3 * i)) % 8);
            all[i] = address(last);
        }
    }

    function testConstructor() public {
        ITrineBridge.ValidatorSet memory s = members.set;
        s.epoch = 0;
        _notDeployed(GENESIS, s, abi.encodeWithSelector(ITrineBridge.ZeroValue.selector));
        s.epoch = 9;
        _notDeployed(0, s, abi.encodeWithSelector(ITrineBridge.ZeroValue.selector));
        vm.getRecordedLogs();
        ITrineBridge made = _deploy(GENESIS, s);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        assertEq(logs.length, 1, "one log");
        assertTrue(logs[0].emitter == address(made), "its own");
        assertEq(logs[0].topics.length, 1, "without an id");
        assertEq(logs[0].topics[0], ITrineBridge.Deployed.selector, "deployed");
        assertEq(keccak256(logs[0].data), keccak256(abi.encode(GENESIS, Reference.set(s))), "for whom");
        ITrineBridge.Snapshot memory got = made.snapshot();
        assertEq(got.epoch, 9, "epoch");
        assertEq(got.nextActionId, 1, "next action");
        assertEq(got.eventId, 0, "events");
        assertEq(got.genesisHash, GENESIS, "genesis");
        assertEq(got.setHash, Reference.set(s), "set");
        assertEq(got.head, Reference.cut(got.domain), "head(0)");
    }
}
