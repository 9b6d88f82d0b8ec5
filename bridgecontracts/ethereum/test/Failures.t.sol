// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ITrineBridge} from "../src/ITrineBridge.sol";
import {Payouts} from "../src/Payouts.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Base} from "./Base.sol";
import {Vm} from "./Vm.sol";
import {Bomber, Burner, Reenterer, Refuser} from "./zoo/Recipients.sol";
import {
    CallbackToken,
    DenyListToken,
    FalseToken,
    FeeToken,
    HostileToken,
    Hungry,
    NoReturnToken,
    RebasingToken
} from "./zoo/Tokens.sol";

/// @notice Wrapped coin that pays out as WETH9 does, only with all the gas there is.
contract Wrapped {
    mapping(address => uint256) public balanceOf;

    function wrap(address to) external payable {
        balanceOf[to] += msg.value;
    }

    function transfer(address to, uint256 amount) external returns (bool) {
        balanceOf[msg.sender] -= amount;
        balanceOf[to] += amount;
        return true;
    }

    function withdraw(uint256 amount) external {
        balanceOf[msg.sender] -= amount;
        (bool ok,) = msg.sender.call{value: amount}("");
        require(ok);
    }
}

/// @notice A failing recipient or token never stops an action, costs a bounded amount of gas, and its amount can be claimed.
contract FailuresTest is Base {
    address internal bob = address(0xB0B);

    function setUp() public override {
        super.setUp();
        token.mint(address(bridge), 1e24);
        vm.deal(address(bridge), 1e24);
    }

    function testPays() public {
        assertTrue(_pay(address(token), alice, 5), "ERC-20");
        assertTrue(_pay(NATIVE, alice, 7), "native");
        assertEq(token.balanceOf(alice), 5, "ERC-20 balance");
        assertEq(alice.balance, 7, "native balance");
        assertTrue(_pay(address(token), alice, 0), "nothing of an ERC-20");
        assertTrue(_pay(NATIVE, alice, 0), "nothing of the coin");
    }

    // ------------------------------------------------------------ tokens

    function testTokensThatPay() public {
        NoReturnToken usdt = new NoReturnToken();
        usdt.mint(address(bridge), 10);
        assertTrue(_pay(address(usdt), alice, 4), "no return value");
        assertEq(usdt.balanceOf(alice), 4, "no return value: paid");
        FeeToken fee = new FeeToken();
        fee.mint(address(bridge), 1000);
        assertTrue(_pay(address(fee), alice, 1000), "fee on transfer");
        assertEq(fee.balanceOf(alice), 990, "the recipient bears the fee");
        RebasingToken rebasing = new RebasingToken();
        rebasing.mint(address(bridge), 1e18);
        rebasing.rebase(5e17);
        assertTrue(_pay(address(rebasing), alice, 5e17), "rebasing, what is there");
        assertTrue(!_pay(address(rebasing), alice, 1), "rebasing, more than is there");
        HostileToken much = new HostileToken(HostileToken.Mode.ReturnMuch);
        assertTrue(_pay(address(much), alice, 1), "a huge true is true");
    }

    function testTokensThatFail() public {
        for (uint256 m = 1; m <= 6; m++) {
            if (m == 2) continue; // a huge true
            HostileToken hostile = new HostileToken(HostileToken.Mode(m));
            assertTrue(!_pay(address(hostile), alice, 9), "fails");
            assertEq(bridge.claimable(address(hostile), alice), 9, "claimable");
        }
        FalseToken falsely = new FalseToken();
        falsely.mint(address(bridge), 10);
        falsely.setRefuses(true);
        assertTrue(!_pay(address(falsely), alice, 9), "false");
        falsely.setRefuses(false);
        bridge.claim(address(falsely), alice, alice);
        _journal();
        assertEq(falsely.balanceOf(alice), 9, "claimed");
        assertTrue(!_pay(address(0xDEAD), alice, 1), "no code");
        assertTrue(!_pay(address(4), alice, 1), "a precompile");
        assertTrue(!_pay(address(bridge), alice, 1), "the bridge as a token");
        assertTrue(!_pay(address(0), alice, 1), "zero as a token");
        assertTrue(!_pay(address(token), alice, 1e25), "more than is there");
        assertTrue(!_pay(NATIVE, alice, 1e25), "more coin than is there");
    }

    function testDenyListClaimsElsewhere() public {
        DenyListToken deny = new DenyListToken();
        deny.mint(address(bridge), 100);
        deny.deny(alice, true);
        assertTrue(!_pay(address(deny), alice, 60), "denied");
        _refused(abi.encodeCall(bridge.claim, (address(deny), alice, alice)), DenyListToken.Denied.selector);
        vm.prank(alice);
        bridge.claim(address(deny), alice, bob);
        _journal();
        assertEq(deny.balanceOf(bob), 60, "claimed elsewhere");
    }

    /// @notice Two failed transfers of absurd amounts do not stop the lane by an overflow.
    function testAbsurdAmounts() public {
        assertTrue(!_pay(address(token), alice, type(uint256).max), "fails");
        assertTrue(!_pay(address(token), alice, type(uint256).max), "fails again");
        assertEq(bridge.claimable(address(token), alice), type(uint256).max, "saturated");
        assertTrue(_pay(address(token), alice, 1), "and the next is paid");
    }

    // ------------------------------------------------------------ recipients

    function testRecipients() public {
        address[4] memory bad =
            [address(new Refuser()), address(new Burner()), address(new Bomber(true)), address(bridge)];
        ITrineBridge.Transfer[] memory t = new ITrineBridge.Transfer[](9);
        for (uint256 i = 0; i < 4; i++) {
            t[2 * i] = ITrineBridge.Transfer(NATIVE, bad[i], 10 + i);
        }
        for (uint256 i = 0; i < 4; i++) {
            t[2 * i + 1] = ITrineBridge.Transfer(NATIVE, alice, 1);
        }
        t[8] = ITrineBridge.Transfer(NATIVE, address(0), 3);
        _run(_batchCall(t));
        assertEq(_lastFailed(), 0x155, "every other failed");
        assertEq(alice.balance, 4, "the rest was paid");
        for (uint256 i = 0; i < 4; i++) {
            assertEq(bridge.claimable(NATIVE, bad[i]), 10 + i, "claimable");
        }
        assertTrue(_pay(NATIVE, address(new Bomber(false)), 5), "a huge answer without a failure is a payment");
        assertTrue(!_pay(address(token), address(bridge), 1), "a token to the bridge");
        assertTrue(!_pay(address(token), address(0), 1), "a token to zero");
    }

    /// @notice However hostile, 32 recipients fit into one transaction (EIP-7825), and so do 32 tokens.
    function testWorstBatchFits() public {
        Burner burner = new Burner();
        HostileToken burning = new HostileToken(HostileToken.Mode.BurnGas);
        ITrineBridge.Transfer[] memory t = new ITrineBridge.Transfer[](32);
        for (uint256 i = 0; i < 32; i++) {
            t[i] = ITrineBridge.Transfer(address(burning), address(uint160(i + 1)), 1 + i);
        }
        bytes memory call_ = _batchCall(t);
        uint256 cap = 1 << 24;
        (bool ok,) = address(bridge).call{gas: cap - 21_000 - call_.length * 16}(call_);
        assertTrue(ok, "32 burning tokens");
        _journal();
        assertEq(_lastFailed(), type(uint32).max, "all failed");
        for (uint256 i = 0; i < 32; i++) {
            t[i] = ITrineBridge.Transfer(NATIVE, address(burner), 1);
        }
        call_ = _batchCall(t);
        (ok,) = address(bridge).call{gas: 3_200_000}(call_);
        assertTrue(ok, "32 burning recipients");
    }

    function testTooManyTransfers() public {
        _refused(
            _batchCall(new ITrineBridge.Transfer[](33)),
            abi.encodeWithSelector(ITrineBridge.TooManyTransfers.selector, 32, 33)
        );
        _run(_batchCall(new ITrineBridge.Transfer[](0)));
    }

    // ------------------------------------------------------------ reentrancy

    /// @notice From inside a payment no entry of the bridge opens, signed or not, paid or not.
    function testReentry() public {
        bytes[7] memory calls = [
            abi.encodeCall(ITrineBridge.deposit, (NATIVE, 1, "")),
            bytes(""),
            abi.encodeCall(ITrineBridge.claim, (NATIVE, alice, alice)),
            abi.encodeCall(ITrineBridge.executeNoop, (2, _seal(P | A, _action2(3, NOTHING)))),
            _pauseCall(1),
            _limitCall(P | A, 1, address(token), 1, 60),
            _rotateCall(P | A, _members("next", 5, 1, 1, 1, 1).set)
        ];
        uint256 state = vm.snapshotState();
        for (uint256 i = 0; i < calls.length; i++) {
            Reenterer thief = new Reenterer();
            thief.prepare{value: 10}(address(bridge), calls[i], i < 2 ? 1 : 0, true);
            CallbackToken callback = new CallbackToken();
            callback.mint(address(bridge), 100);
            assertTrue(!_pay(address(callback), address(thief), 1), "a strict thief is not paid");
            thief.prepare(address(bridge), calls[i], i < 2 ? 1 : 0, false);
            assertTrue(_pay(address(callback), address(thief), 1), "a thief that shrugs is paid");
            assertTrue(thief.tried() && !thief.succeeded(), "and got nowhere");
            assertTrue(thief.reason() == ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector, "by the guard");
            vm.revertToState(state);
            (head, events) = (bridge.snapshot().head, bridge.snapshot().eventId);
        }
    }

    /// @dev The digest of action 2, while 1 is the next.
    function _action2(uint256 kind, bytes32 body) internal view returns (bytes32) {
        return keccak256(abi.encode(keccak256("trine/v1/action"), domain, members.set.epoch, uint256(2), kind, body));
    }

    /// @notice A claim that calls back is paid once.
    function testReentrantClaim() public {
        Reenterer thief = new Reenterer();
        bytes memory claim = abi.encodeCall(ITrineBridge.claim, (NATIVE, address(thief), address(thief)));
        thief.prepare(address(bridge), claim, 0, true);
        assertTrue(!_pay(NATIVE, address(thief), 100), "calling back at once fails");
        assertTrue(_pay(NATIVE, alice, 100), "the next action is paid");
        thief.prepare(address(bridge), claim, 0, false);
        bridge.claim(NATIVE, address(thief), address(thief));
        _journal();
        assertTrue(thief.tried() && !thief.succeeded(), "the second claim is refused");
        assertEq(address(thief).balance, 100, "paid once");
        assertEq(bridge.claimable(NATIVE, address(thief)), 0, "nothing left");
    }

    // ------------------------------------------------------------ claims

    function testClaims() public {
        Refuser refuser = new Refuser();
        assertTrue(!_pay(NATIVE, address(refuser), 40), "refused");
        assertTrue(!_pay(NATIVE, address(refuser), 2), "refused again");
        assertEq(bridge.claimable(NATIVE, address(refuser)), 42, "both");
        bytes memory push = abi.encodeCall(ITrineBridge.claim, (NATIVE, address(refuser), address(refuser)));
        _refused(push, Refuser.Refused.selector);
        assertEq(bridge.claimable(NATIVE, address(refuser)), 42, "still there");
        _refused(
            abi.encodeCall(ITrineBridge.claim, (NATIVE, address(refuser), bob)),
            abi.encodeWithSelector(ITrineBridge.NotRecipient.selector, refuser, address(this))
        );
        address[2] memory nowhere = [address(0), address(bridge)];
        for (uint256 i = 0; i < 2; i++) {
            vm.prank(address(refuser));
            (bool ok, bytes memory data) =
                address(bridge).call(abi.encodeCall(ITrineBridge.claim, (NATIVE, address(refuser), nowhere[i])));
            assertTrue(!ok, "nowhere");
            assertEq(
                keccak256(data),
                keccak256(abi.encodeWithSelector(ITrineBridge.BadDestination.selector, nowhere[i])),
                "the error"
            );
        }
        _run(_pauseCall(1));
        _refused(push, abi.encodeWithSelector(ITrineBridge.BridgePaused.selector, 1));
        _run(_unpauseCall(2));
        vm.prank(address(refuser));
        bridge.claim(NATIVE, address(refuser), bob);
        _journal();
        assertEq(bob.balance, 42, "claimed");
        _refused(push, abi.encodeWithSelector(ITrineBridge.NothingToClaim.selector, NATIVE, refuser));
    }

    // ------------------------------------------------------------ governance calls

    function testCalls() public {
        _run(_callCall(address(token), 0, abi.encodeCall(token.transfer, (alice, 77))));
        assertEq(_lastFailed(), 0, "ran");
        assertEq(token.balanceOf(alice), 77, "as the bridge");
        _run(_callCall(alice, 5, ""));
        assertEq(alice.balance, 5, "coin");
        bytes[4] memory failing = [
            _callCall(address(bridge), 0, abi.encodeCall(bridge.snapshot, ())),
            _callCall(address(new Refuser()), 5, ""),
            _callCall(address(0xDEAD), 0, hex"01"),
            _callCall(alice, 1e30, "")
        ];
        uint256 state = vm.snapshotState();
        for (uint256 i = 0; i < failing.length; i++) {
            _run(failing[i]);
            assertEq(_lastFailed(), 1, "failed");
            assertEq(_next(), 4, "and its id is used up");
            vm.revertToState(state);
            (head, events) = (bridge.snapshot().head, bridge.snapshot().eventId);
        }
    }

    /// @dev Wrapped coin cannot be unwrapped into the bridge: what comes in during an action finds the guard closed.
    function testUnwrappingIsAFailedCall() public {
        Wrapped wrapped = new Wrapped();
        wrapped.wrap{value: 10}(address(bridge));
        _run(_callCall(address(wrapped), 0, abi.encodeCall(wrapped.withdraw, (7))));
        assertEq(_lastFailed(), 1, "refused");
        assertEq(wrapped.balanceOf(address(bridge)), 10, "still wrapped");
        _run(_callCall(address(wrapped), 0, abi.encodeCall(wrapped.transfer, (alice, 7))));
        assertEq(_lastFailed(), 0, "a transfer is possible");
        vm.prank(alice);
        wrapped.withdraw(7);
        assertEq(alice.balance, 7, "and whoever got it unwraps it");
    }

    // ------------------------------------------------------------ too little gas

    /// @dev For every amount of gas the action reverts whole, or every transfer that can be paid is paid.
    function _sweep(bytes memory call_, uint256 from, uint256 to, uint256 step, uint256 failed) internal {
        bool everRan;
        for (uint256 gas = from; gas <= to; gas += step) {
            uint256 state = vm.snapshotState();
            (bool ok,) = address(bridge).call{gas: gas}(call_);
            if (ok) {
                everRan = true;
                (,, uint256 got) = abi.decode(_onlyLog(), (uint64, bytes32, uint256));
                assertEq(got, failed, "failed transfers");
            } else {
                assertTrue(!everRan, "more gas never makes it revert");
                assertEq(_next(), 1, "nothing happened");
                vm.getRecordedLogs();
            }
            vm.revertToState(state);
        }
        assertTrue(everRan, "enough gas is enough");
    }

    function _onlyLog() internal returns (bytes memory) {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        assertEq(logs.length, 1, "one event");
        return logs[0].data;
    }

    function testGasOfNativeTransfer() public {
        Hungry hungry = new Hungry(Payouts.NATIVE_GAS - 1000);
        _sweep(_batchCall(_one(NATIVE, address(hungry), 1)), 40_000, 460_000, 613, 0);
    }

    function testGasOfTokenTransfer() public {
        Hungry hungry = new Hungry(Payouts.TOKEN_GAS - 2000);
        _sweep(_batchCall(_one(address(hungry), alice, 1)), 40_000, 900_000, 997, 0);
    }

    function testGasOfBatch() public {
        Hungry hungryToken = new Hungry(Payouts.TOKEN_GAS - 2000);
        Hungry hungry = new Hungry(Payouts.NATIVE_GAS - 1000);
        ITrineBridge.Transfer[] memory t = new ITrineBridge.Transfer[](5);
        t[0] = ITrineBridge.Transfer(NATIVE, address(hungry), 1);
        t[1] = ITrineBridge.Transfer(address(hungryToken), alice, 1);
        t[2] = ITrineBridge.Transfer(NATIVE, address(new Burner()), 1);
        t[3] = ITrineBridge.Transfer(NATIVE, address(0x123456), 1); // a new account costs most
        t[4] = ITrineBridge.Transfer(NATIVE, address(hungry), 1);
        _sweep(_batchCall(t), 40_000, 1_400_000, 1_499, 4);
    }

    function testGasOfCall() public {
        Hungry hungry = new Hungry(Payouts.CALL_GAS - 2000);
        bytes memory data = abi.encodeCall(Hungry.transfer, (alice, 1));
        _sweep(_callCall(address(hungry), 0, data), 100_000, 10_700_000, 99_991, 0);
        Hungry paid = new Hungry(Payouts.CALL_GAS - 2000);
        _sweep(_callCall(address(paid), 1, ""), 4_900_000, 5_600_000, 9_973, 0);
    }
}
