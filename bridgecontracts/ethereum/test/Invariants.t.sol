// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ITrineBridge} from "../src/ITrineBridge.sol";
import {Base} from "./Base.sol";
import {Burner, Reenterer, Refuser} from "./zoo/Recipients.sol";
import {DenyListToken} from "./zoo/Tokens.sol";

/// @notice Does what users, validators and time do to a bridge, in any order, and keeps books as the ledger would.
contract Handler is Base {
    address[3] public tokens;
    address[6] internal recipients;
    DenyListToken internal deny;

    mapping(address => uint256) public credited;
    mapping(address => uint256) public paid;
    mapping(address => uint256) public failed;
    mapping(address => uint256) public claimed;
    uint256 internal clock = 1_900_000_000;
    uint256 internal rotations;

    function setUp() public override {
        super.setUp();
        deny = new DenyListToken();
        deny.mint(address(this), 1e30);
        deny.approve(address(bridge), type(uint256).max);
        tokens = [NATIVE, address(token), address(deny)];
        recipients = [
            alice,
            address(0xB0B),
            address(new Refuser()),
            address(new Burner()),
            address(new Reenterer()),
            address(bridge)
        ];
    }

    function bridge_() external view returns (ITrineBridge) {
        return bridge;
    }

    function held(address token_) public view returns (uint256) {
        if (token_ == NATIVE) return address(bridge).balance;
        return token_ == address(token) ? token.balanceOf(address(bridge)) : deny.balanceOf(address(bridge));
    }

    function owed(address token_) public view returns (uint256 sum) {
        for (uint256 i = 0; i < recipients.length; i++) {
            sum += bridge.claimable(token_, recipients[i]);
        }
    }

    /// @dev Runs a call that must work if the bridge is not paused, and must be refused by that alone if it is.
    function _value(uint256 coin, bytes memory call_) internal returns (bool) {
        if (bridge.snapshot().paused) {
            (bool ok, bytes memory reason) = address(bridge).call{value: coin}(call_);
            require(!ok && bytes4(reason) == ITrineBridge.BridgePaused.selector, "paused");
            return false;
        }
        _run(coin, call_);
        return true;
    }

    /// @dev How many slots a call would fill that are empty now.
    function _fresh(uint256 coin, bytes memory call_) internal returns (uint256 fresh) {
        uint256 state = vm.snapshotState();
        vm.record();
        (bool ok,) = address(bridge).call{value: coin}(call_);
        (, bytes32[] memory writes) = vm.accesses(address(bridge));
        vm.revertToState(state);
        vm.getRecordedLogs();
        if (!ok) return 0;
        for (uint256 i = 0; i < writes.length; i++) {
            if (vm.load(address(bridge), writes[i]) == 0) fresh++;
        }
    }

    function deposit(uint256 which, uint256 amount, uint8 keys) external {
        address token_ = tokens[which % 3];
        amount = amount % 1e24;
        bytes memory packed = new bytes(98 * uint256(keys % 5));
        if (amount == 0 && packed.length == 0) amount = 1;
        uint256 coin = token_ == NATIVE ? amount : 0;
        bytes memory call_ = abi.encodeCall(ITrineBridge.deposit, (token_, amount, packed));
        require(_fresh(coin, call_) == 0, "a deposit fills no new slot");
        if (_value(coin, call_)) credited[token_] += _lastCredited();
    }

    function withdraw(uint256 salt, uint8 n) external {
        ITrineBridge.Transfer[] memory t = new ITrineBridge.Transfer[](n % 17);
        uint256[3] memory left;
        for (uint256 i = 0; i < 3; i++) {
            left[i] = held(tokens[i]) - owed(tokens[i]);
        }
        for (uint256 i = 0; i < t.length; i++) {
            uint256 word = uint256(keccak256(abi.encode(salt, i)));
            uint256 which = word % 3;
            uint256 amount = left[which] == 0 ? 0 : (word >> 128) % (left[which] + 1);
            left[which] -= amount;
            t[i] = ITrineBridge.Transfer(tokens[which], recipients[(word >> 8) % 6], amount);
        }
        if (_full(t)) return;
        bytes memory call_ = _batchCall(t);
        uint256 fresh = _fresh(0, call_);
        if (!_value(0, call_)) return;
        uint256 bits = _lastFailed();
        require(bits != 0 || fresh == 0, "a successful action fills no new slot");
        for (uint256 i = 0; i < t.length; i++) {
            if (bits >> i & 1 == 1) failed[t[i].token] += t[i].amount;
            else paid[t[i].token] += t[i].amount;
        }
        require(bits >> t.length == 0, "no bit beyond the batch");
    }

    /// @dev Whether the batch would overflow a bucket, as the ledger works it out beforehand.
    function _full(ITrineBridge.Transfer[] memory t) internal view returns (bool) {
        for (uint256 k = 0; k < 3; k++) {
            (uint256 capacity, uint256 level, uint256 window) = bridge.limit(tokens[k]);
            if (window == 0) continue;
            for (uint256 i = 0; i < t.length; i++) {
                if (t[i].token == tokens[k]) level += t[i].amount;
            }
            if (level > capacity) return true;
        }
        return false;
    }

    function noop() external {
        _value(0, _noopCall());
    }

    function claim(uint256 which, uint256 who, bool elsewhere) external {
        address token_ = tokens[which % 3];
        address recipient = recipients[who % 5];
        uint256 amount = bridge.claimable(token_, recipient);
        address to = elsewhere ? address(0xC1A1) : recipient;
        if (elsewhere) vm.prank(recipient);
        (bool ok,) = address(bridge).call(abi.encodeCall(ITrineBridge.claim, (token_, recipient, to)));
        require(!ok || amount != 0, "nothing to claim");
        require(bridge.claimable(token_, recipient) == (ok ? 0 : amount), "claimed whole or not at all");
        if (ok) claimed[token_] += amount;
        _journal();
    }

    function denyList(uint256 who, bool yes) external {
        deny.deny(recipients[who % 5], yes);
    }

    function pause() external {
        uint64 last = bridge.snapshot().pauseSequence;
        _run(last % 2 == 0 ? _pauseCall(last + 1) : _unpauseCall(last + 1));
    }

    function unpause() external {
        uint64 last = bridge.snapshot().pauseSequence;
        if (last % 2 == 1) _run(_unpauseCall(last + 1));
    }

    function setLimit(uint256 which, uint104 capacity, uint16 minutes_) external {
        address token_ = tokens[which % 3];
        (uint256 c,, uint256 w) = bridge.limit(token_);
        uint256 window = uint256(minutes_) * 60;
        uint256 newCapacity = window == 0 ? 0 : capacity;
        bool raised = window == 0 || (w != 0 && (newCapacity > c || newCapacity * w > c * window));
        _run(_limitCall(raised ? P | A | L : P | A, bridge.snapshot().limitVersion + 1, token_, newCapacity, window));
    }

    function rotate(uint8 pair, uint8 skip) external {
        uint64 epoch = members.set.epoch + 1 + skip;
        Members memory next = _members(vm.toString(++rotations), epoch, 2, 3, 1, 2);
        _run(_rotateCall([uint256(3), 5, 6][pair % 3], next.set));
        _store(next);
    }

    function wait_(uint32 seconds_) external {
        clock += seconds_ % 1 weeks;
        vm.warp(clock);
    }

    function headAndEvents() external view returns (bytes32, uint64) {
        return (head, events);
    }
}

contract InvariantsTest {
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    bool public constant IS_TEST = true;
    Handler internal handler;

    function setUp() public {
        handler = new Handler();
        handler.setUp();
    }

    function targetContracts() external view returns (address[] memory all) {
        all = new address[](1);
        all[0] = address(handler);
    }

    function targetSelectors() external view returns (FuzzSelector[] memory all) {
        bytes4[] memory s = new bytes4[](10);
        (s[0], s[1], s[2], s[3]) =
        (Handler.deposit.selector, Handler.withdraw.selector, Handler.claim.selector, Handler.wait_.selector);
        (s[4], s[5], s[6]) = (Handler.pause.selector, Handler.unpause.selector, Handler.rotate.selector);
        (s[7], s[8], s[9]) = (Handler.setLimit.selector, Handler.denyList.selector, Handler.noop.selector);
        all = new FuzzSelector[](1);
        all[0] = FuzzSelector(address(handler), s);
    }

    /// @notice One campaign for all: each of them runs thousands of signed calls.
    function invariantBooks() external view {
        _head();
        _funds();
        _counters();
    }

    /// @dev The contract's head is what its events lead to, without a gap.
    function _head() internal view {
        (bytes32 head, uint64 events) = handler.headAndEvents();
        ITrineBridge.Snapshot memory s = handler.bridge_().snapshot();
        require(s.head == head && s.eventId == events, "head");
    }

    /// @dev The bridge can pay all claims, and holds exactly what came in and did not go out.
    function _funds() internal view {
        for (uint256 i = 0; i < 3; i++) {
            address t = handler.tokens(i);
            uint256 held = handler.held(t);
            uint256 owed = handler.owed(t);
            require(held >= owed, "held covers claimable");
            require(owed == handler.failed(t) - handler.claimed(t), "claimable is what failed and was not claimed");
            require(held == handler.credited(t) - handler.paid(t) - handler.claimed(t), "held");
        }
    }

    /// @dev What keeps the three slots from ever being empty.
    function _counters() internal view {
        ITrineBridge.Snapshot memory s = handler.bridge_().snapshot();
        require(s.nextActionId != 0 && s.epoch != 0 && s.setHash != 0, "never zero");
        require(s.paused == (s.pauseSequence % 2 == 1), "paused");
    }
}
