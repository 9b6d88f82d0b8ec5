// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ITrineBridge} from "../src/ITrineBridge.sol";
import {Base} from "./Base.sol";
import {Refuser} from "./zoo/Recipients.sol";

/// @notice The outflow limit: a leaky bucket per token, against a model of it in plain numbers.
contract LimitsTest is Base {
    uint256 internal clock = 1_900_000_000; // the optimizer takes block.timestamp for constant

    function setUp() public override {
        super.setUp();
        token.mint(address(bridge), 1e40);
        vm.deal(address(bridge), 1e30);
    }

    function _wait(uint256 seconds_) internal {
        clock += seconds_;
        vm.warp(clock);
    }

    function _level() internal view returns (uint256 level) {
        (, level,) = bridge.limit(address(token));
    }

    function _full(uint256 amount, uint256 room) internal {
        _refused(
            _batchCall(_one(address(token), alice, amount)),
            abi.encodeWithSelector(ITrineBridge.LimitExceeded.selector, token, 0, amount, room)
        );
    }

    function testBucket() public {
        _run(_limitCall(P | A, 1, address(token), 1000, 600));
        assertTrue(_pay(address(token), alice, 600), "first");
        assertTrue(_pay(address(token), alice, 400), "to the brim");
        _full(1, 0);
        assertTrue(_pay(NATIVE, alice, 1e20), "another token has no limit");
        _wait(60);
        assertEq(_level(), 900, "a tenth has leaked");
        _full(101, 100);
        assertTrue(_pay(address(token), alice, 100), "what leaked fits");
        _wait(600);
        assertEq(_level(), 0, "empty after a window");
        _wait(100_000);
        _full(1001, 1000);
        assertTrue(_pay(address(token), alice, 1000), "no more than the capacity, however long it waited");
        assertEq(_level(), 1000, "full");
    }

    function testBatchCountsAll() public {
        _run(_limitCall(P | A, 1, address(token), 1000, 600));
        ITrineBridge.Transfer[] memory t = new ITrineBridge.Transfer[](3);
        for (uint256 i = 0; i < 3; i++) {
            t[i] = ITrineBridge.Transfer(address(token), alice, 400);
        }
        _refused(_batchCall(t), abi.encodeWithSelector(ITrineBridge.LimitExceeded.selector, token, 2, 400, 200));
        assertEq(_level(), 0, "nothing happened");
        assertEq(token.balanceOf(alice), 0, "nothing paid");
        t[2].amount = 200;
        _run(_batchCall(t));
        assertEq(_level(), 1000, "full");
    }

    /// @notice A failed transfer counts, its claim does not.
    function testAFailedTransferCounts() public {
        _run(_limitCall(P | A, 1, NATIVE, 1000, 600));
        Refuser refuser = new Refuser();
        assertTrue(!_pay(NATIVE, address(refuser), 1000), "fails");
        _refused(_batchCall(_one(NATIVE, alice, 1)), ITrineBridge.LimitExceeded.selector);
        vm.prank(address(refuser));
        bridge.claim(NATIVE, address(refuser), alice);
        _journal();
        assertEq(alice.balance, 1000, "claimed");
    }

    /// @notice A call is governance: the groups that sign it could lift the limit.
    function testCallsPassTheLimit() public {
        _run(_limitCall(P | A, 1, NATIVE, 0, 60));
        _refused(_batchCall(_one(NATIVE, alice, 1)), ITrineBridge.LimitExceeded.selector);
        assertTrue(_pay(NATIVE, alice, 0), "nothing fits into nothing");
        _run(_callCall(alice, 5, ""));
        assertEq(alice.balance, 5, "paid");
    }

    function testWhoSigns() public {
        uint256 two = P | A;
        uint256 three = P | A | L;
        _limited(1, 1000, 600, two, three); // the first limit lowers what may leave
        _limited(2, 1000, 600, two, three); // the same
        _limited(3, 999, 600, two, three); // smaller
        _limited(4, 999, 660, two, three); // slower
        _limited(5, 1000, 6000, three, two); // larger, though slower
        _limited(6, 500, 60, three, two); // faster, though smaller
        _limited(7, 500, 60, two, three);
        _limited(8, 0, 60, two, three); // nothing may leave
        _limited(9, 0, 120, two, three); // no faster: neither leaks
        _limited(10, 1, 65_535 * 60, three, two);
        _limited(11, 0, 0, three, two); // none
        _limited(12, 0, 0, three, two); // still none
        _limited(13, type(uint104).max, 60, two, three);
    }

    function _limited(uint64 sequence, uint256 capacity, uint256 window, uint256 right, uint256 wrong) internal {
        (bool ok,) = address(bridge).call(_limitCall(wrong, sequence, address(token), capacity, window));
        assertTrue(!ok, "the wrong groups");
        _run(_limitCall(right, sequence, address(token), capacity, window));
        (uint256 c,, uint256 w) = bridge.limit(address(token));
        assertEq(c, capacity, "capacity");
        assertEq(w, window, "window");
    }

    function testBadLimits() public {
        uint256[2][6] memory bad = [
            [uint256(1) << 104, 60],
            [uint256(5), 59],
            [uint256(5), 61],
            [uint256(5), 65_536 * 60],
            [uint256(5), 0],
            [uint256(5), type(uint256).max / 60 * 60]
        ];
        for (uint256 i = 0; i < bad.length; i++) {
            _refused(
                _limitCall(P | A, 1, address(token), bad[i][0], bad[i][1]),
                abi.encodeWithSelector(ITrineBridge.BadLimit.selector, bad[i][0], bad[i][1])
            );
        }
        _refused(_limitCall(P | A, 1, address(0), 5, 60), abi.encodeWithSelector(ITrineBridge.ZeroValue.selector));
        _refused(
            _limitCall(P | A, 2, address(token), 5, 60),
            abi.encodeWithSelector(ITrineBridge.WrongSequence.selector, 1, 2)
        );
        _run(_limitCall(P | A, 1, address(token), 5, 60));
        _refused(_limitCall(P | A, 1, NATIVE, 5, 60), abi.encodeWithSelector(ITrineBridge.WrongSequence.selector, 2, 1));
    }

    /// @notice What has flowed out is not forgotten by a new limit.
    function testChangeKeepsTheLevel() public {
        _run(_limitCall(P | A, 1, address(token), 1000, 600));
        assertTrue(_pay(address(token), alice, 800), "first");
        _run(_limitCall(P | A, 2, address(token), 500, 600));
        assertEq(_level(), 800, "kept");
        _full(1, 0);
        _wait(420); // 350 leaked
        assertEq(_level(), 450, "leaks at the new rate");
        assertTrue(_pay(address(token), alice, 50), "fits");
        _wait(60);
        _run(_limitCall(P | A | L, 3, address(token), 1000, 600));
        assertEq(_level(), 450, "leaked at the old rate until the change");
    }

    /// @notice A token of few units and a long window leaks less than a unit per second; frequent use must not stop that.
    function testSlowBucketLeaks() public {
        _run(_limitCall(P | A, 1, address(token), 10, 6000)); // a unit in 600 seconds
        assertTrue(_pay(address(token), alice, 10), "full");
        for (uint256 i = 0; i < 59; i++) {
            _wait(10);
            assertTrue(_pay(address(token), alice, 0), "used often");
            assertEq(_level(), 10, "not yet");
        }
        _wait(10);
        assertEq(_level(), 9, "a unit");
        assertTrue(_pay(address(token), alice, 1), "fits");
        _full(1, 0);
    }

    /// @notice Against a model: never more than capacity at once, never more than capacity plus what leaked over time.
    function testFuzzBucket(uint104 capacity, uint16 minutes_, uint256[8] calldata amounts, uint32[8] calldata waits)
        public
    {
        vm.assume(minutes_ != 0);
        uint256 window = uint256(minutes_) * 60;
        _run(_limitCall(P | A, 1, address(token), capacity, window));
        uint256 start = clock;
        uint256 paid;
        for (uint256 i = 0; i < 8; i++) {
            _wait(waits[i] % (2 * window));
            uint256 amount = amounts[i] % (uint256(capacity) + 2);
            uint256 level = _level();
            (bool ok,) = address(bridge).call(_batchCall(_one(address(token), alice, amount)));
            assertTrue(ok == (level + amount <= capacity), "what fits and only that");
            if (ok) {
                paid += amount;
                assertEq(_level(), level + amount, "level");
            }
            assertTrue(_level() <= capacity, "below the brim");
            assertTrue(paid <= capacity + (clock - start) * capacity / window, "the rate holds over time");
        }
        _journal();
    }

    /// @notice The time in the slot has 32 bits; the bucket goes on when they wrap.
    function testWrapOfTime() public {
        clock = type(uint32).max - 30;
        vm.warp(clock);
        _run(_limitCall(P | A, 1, address(token), 1000, 600));
        assertTrue(_pay(address(token), alice, 1000), "full");
        _wait(60);
        assertEq(_level(), 900, "a tenth has leaked");
        assertTrue(_pay(address(token), alice, 100), "fits");
        _wait(60);
        assertEq(_level(), 900, "and again");
    }
}
