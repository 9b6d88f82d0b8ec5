// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ITrineBridge} from "../src/ITrineBridge.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Base} from "./Base.sol";
import {Reenterer} from "./zoo/Recipients.sol";
import {
    AbsurdToken,
    CallbackToken,
    DenyListToken,
    FalseToken,
    FeeToken,
    NoReturnToken,
    RebasingToken,
    ZooToken
} from "./zoo/Tokens.sol";

/// @notice What comes in is what is credited, whatever the token does.
contract DepositsTest is Base {
    function _deposit(address token_, uint256 amount, bytes memory keys) internal pure returns (bytes memory) {
        return abi.encodeCall(ITrineBridge.deposit, (token_, amount, keys));
    }

    function _stock(ZooToken t) internal {
        t.mint(address(this), 1e30);
        t.approve(address(bridge), type(uint256).max);
    }

    function testFuzzErc20(uint256 amount, uint8 n) public {
        amount = amount % 1e30 + 1;
        bytes memory keys = _someKeys(n % 5);
        _run(_deposit(address(token), amount, keys));
        (address wallet, address token_, uint256 credited, bytes memory told) =
            abi.decode(lastData, (address, address, uint256, bytes));
        assertTrue(wallet == address(this) && token_ == address(token), "who and what");
        assertEq(credited, amount, "credited");
        assertEq(keccak256(told), keccak256(keys), "keys");
        assertEq(token.balanceOf(address(bridge)), amount, "held");
    }

    function _someKeys(uint256 n) internal pure returns (bytes memory keys) {
        for (uint256 i = 0; i < 98 * n; i++) {
            keys = bytes.concat(keys, bytes1(uint8(i * 7 + n)));
        }
    }

    function testFuzzNative(uint96 amount) public {
        vm.assume(amount != 0);
        _run(amount, _deposit(NATIVE, amount, ""));
        assertEq(_lastCredited(), amount, "credited");
        _run(amount, "");
        assertEq(_lastCredited(), amount, "credited by a plain transfer");
        assertEq(address(bridge).balance, 2 * uint256(amount), "held");
    }

    function testKeyAssociation() public {
        _run(_deposit(NATIVE, 0, _someKeys(1)));
        _run(_deposit(address(token), 0, _someKeys(4)));
        assertEq(_lastCredited(), 0, "credited");
        assertEq(token.balanceOf(address(bridge)), 0, "moved");
    }

    function testRefusals() public {
        _refused(_deposit(address(0), 1, ""), abi.encodeWithSelector(ITrineBridge.ZeroValue.selector));
        _refused(
            _deposit(address(token), 0, ""), abi.encodeWithSelector(ITrineBridge.NothingReceived.selector, token, 0, 0)
        );
        _refused(_deposit(NATIVE, 5, ""), abi.encodeWithSelector(ITrineBridge.WrongValue.selector, 5, 0));
        for (uint256 length = 1; length < 98 * 6; length += 97) {
            if (length % 98 == 0) continue;
            _refused(
                _deposit(NATIVE, 0, new bytes(length)),
                abi.encodeWithSelector(ITrineBridge.BadKeysLength.selector, length)
            );
        }
        _refused(
            _deposit(NATIVE, 0, new bytes(98 * 5)), abi.encodeWithSelector(ITrineBridge.BadKeysLength.selector, 98 * 5)
        );
        (bool ok,) = address(bridge).call{value: 1}(_deposit(address(token), 1, ""));
        assertTrue(!ok, "coin with an ERC-20 is refused");
        (ok,) = address(bridge).call("");
        assertTrue(!ok, "an empty plain transfer is refused");
        (ok,) = address(bridge).call{value: 1}(hex"12345678");
        assertTrue(!ok, "an unknown function is refused");
        (ok,) = address(bridge).call(_deposit(address(0xC0DE1E55), 1, ""));
        assertTrue(!ok, "a token without code is refused");
    }

    function testZoo() public {
        NoReturnToken usdt = new NoReturnToken();
        usdt.mint(address(this), 1e9);
        usdt.approve(address(bridge), 1e9);
        _run(_deposit(address(usdt), 700, ""));
        assertEq(_lastCredited(), 700, "no return value");

        FalseToken falsely = new FalseToken();
        _stock(falsely);
        _run(_deposit(address(falsely), 5, ""));
        falsely.setRefuses(true);
        _refused(
            _deposit(address(falsely), 5, ""),
            abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, falsely)
        );

        FeeToken fee = new FeeToken();
        _stock(fee);
        _run(_deposit(address(fee), 1000, ""));
        assertEq(_lastCredited(), 990, "fee on transfer");

        RebasingToken rebasing = new RebasingToken();
        _stock(rebasing);
        _run(_deposit(address(rebasing), 1e18, ""));
        rebasing.rebase(2e18);
        _run(_deposit(address(rebasing), 1e18, ""));
        assertEq(_lastCredited(), 1e18, "only what came in, not what the first deposit grew by");

        DenyListToken deny = new DenyListToken();
        _stock(deny);
        deny.deny(address(bridge), true);
        _refused(_deposit(address(deny), 1, ""), abi.encodeWithSelector(DenyListToken.Denied.selector, bridge));
    }

    function testAbsurdBalances() public {
        AbsurdToken absurd = new AbsurdToken();
        absurd.answer(0, type(uint256).max);
        _run(_deposit(address(absurd), 1, ""));
        assertEq(_lastCredited(), type(uint256).max, "as measured");
        for (uint256 holds = 6; holds <= 7; holds++) {
            absurd.answer(7, holds);
            _refused(
                _deposit(address(absurd), 1, ""),
                abi.encodeWithSelector(ITrineBridge.NothingReceived.selector, absurd, 7, holds)
            );
        }
    }

    /// @notice A token that calls the sender in the middle of a deposit lets it measure nothing twice.
    function testReentrantDeposit() public {
        CallbackToken callback = new CallbackToken();
        Reenterer thief = new Reenterer();
        callback.mint(address(thief), 1000);
        thief.prepare(address(callback), "", 0, false);
        thief.act(abi.encodeCall(callback.approve, (address(bridge), 1000)));
        thief.prepare(address(bridge), _deposit(address(callback), 100, ""), 0, false);
        thief.act(_deposit(address(callback), 100, ""));
        _journal();
        assertTrue(thief.tried() && !thief.succeeded(), "the call back is refused");
        assertTrue(thief.reason() == ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector, "by the guard");
        assertEq(_lastCredited(), 100, "credited once");
        assertEq(callback.balanceOf(address(bridge)), 100, "held");
    }

    function testPausedTakesNothing() public {
        _run(_pauseCall(1));
        bytes memory paused = abi.encodeWithSelector(ITrineBridge.BridgePaused.selector, 1);
        _refused(_deposit(address(token), 1, ""), paused);
        _refused(_deposit(NATIVE, 0, _someKeys(1)), paused);
        (bool ok,) = address(bridge).call{value: 1}("");
        assertTrue(!ok, "a plain transfer is refused");
        _run(_unpauseCall(2));
        _run(_deposit(address(token), 1, ""));
    }
}
