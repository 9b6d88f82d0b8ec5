// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ITrineBridge} from "../src/ITrineBridge.sol";
import {Reference} from "./Reference.sol";
import {Vm} from "./Vm.sol";
import {TestToken} from "./zoo/TestToken.sol";

/// @title A deployed bridge with its members' keys, and the words in which the tests are told
/// @dev Digests and seals are made with Reference only. Approvers 3 of 5, listeners 2 of 3.
abstract contract Base {
    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
    bool public constant IS_TEST = true;

    address internal constant NATIVE = 0xEeeeeEeeeEeEeeEeEeEeeEEEeeeeEeeeeeeeEEeE;
    bytes32 internal constant GENESIS = keccak256("genesis");
    bytes32 internal constant NOTHING = keccak256("");

    uint256 internal constant P = 1;
    uint256 internal constant A = 2;
    uint256 internal constant L = 4;
    uint256 internal constant ONE = 8; // one approver

    /// Private keys, each group in the order of its addresses.
    struct Members {
        uint256 processor;
        uint256[] approvers;
        uint256[] listeners;
        ITrineBridge.ValidatorSet set;
    }

    ITrineBridge internal bridge;
    bytes32 internal domain;
    TestToken internal token;
    Members internal members;
    address internal alice = address(0xA11CE);
    bytes32 internal head; // what the events so far must lead to
    uint64 internal events;

    function setUp() public virtual {
        vm.warp(1_900_000_000);
        _store(_members("first", 1, 3, 5, 2, 3));
        bridge = _deploy(GENESIS, members.set);
        domain = Reference.domain(GENESIS, string.concat("eip155:", vm.toString(block.chainid)), address(bridge));
        head = Reference.cut(domain);
        token = new TestToken("Test", "TST", 18);
        token.mint(address(this), 1e30);
        token.approve(address(bridge), type(uint256).max);
        vm.deal(address(this), 1e30);
        vm.recordLogs();
    }

    receive() external payable {}

    /// @dev The bridge as it is built for use: these tests are compiled with other, quicker settings.
    function _creationCode(bytes32 genesis, ITrineBridge.ValidatorSet memory set) internal view returns (bytes memory) {
        return bytes.concat(vm.getCode(".forge/out/TrineBridge.sol/TrineBridge.json"), abi.encode(genesis, set));
    }

    function _deploy(bytes32 genesis, ITrineBridge.ValidatorSet memory set) internal returns (ITrineBridge made) {
        bytes memory code = _creationCode(genesis, set);
        assembly ("memory-safe") {
            made := create(0, add(code, 0x20), mload(code))
            if iszero(made) {
                returndatacopy(0, 0, returndatasize())
                revert(0, returndatasize())
            }
        }
    }

    /// @notice A deployment that must be refused with exactly this error.
    function _notDeployed(bytes32 genesis, ITrineBridge.ValidatorSet memory set, bytes memory reason) internal {
        try this.deployExternally(genesis, set) {
            revert("deployed");
        } catch (bytes memory data) {
            assertEq(keccak256(data), keccak256(reason), "the error");
        }
    }

    function deployExternally(bytes32 genesis, ITrineBridge.ValidatorSet calldata set) external {
        _deploy(genesis, set);
    }

    // ------------------------------------------------------------ members

    function _members(string memory label, uint64 epoch, uint8 ka, uint256 na, uint8 kl, uint256 nl)
        internal
        pure
        returns (Members memory m)
    {
        m.processor = uint256(keccak256(bytes.concat(bytes(label), "processor")));
        m.approvers = _keys(string.concat(label, "approver"), na);
        m.listeners = _keys(string.concat(label, "listener"), nl);
        m.set = ITrineBridge.ValidatorSet({
            epoch: epoch,
            processor: vm.addr(m.processor),
            approversQuorum: ka,
            approvers: _addresses(m.approvers),
            listenersQuorum: kl,
            listeners: _addresses(m.listeners)
        });
    }

    function _keys(string memory label, uint256 n) private pure returns (uint256[] memory keys) {
        keys = new uint256[](n);
        for (uint256 i = 0; i < n; i++) {
            uint256 key = uint256(keccak256(bytes.concat(bytes(label), bytes32(i))));
            uint256 j = i;
            for (; j > 0 && vm.addr(keys[j - 1]) > vm.addr(key); j--) {
                keys[j] = keys[j - 1];
            }
            keys[j] = key;
        }
    }

    function _addresses(uint256[] memory keys) internal pure returns (address[] memory all) {
        all = new address[](keys.length);
        for (uint256 i = 0; i < keys.length; i++) {
            all[i] = vm.addr(keys[i]);
        }
    }

    function _store(Members memory m) internal {
        members = m;
    }

    // ------------------------------------------------------------ seals

    function _compact(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return bytes.concat(r, bytes32(uint256(s) | uint256(v - 27) << 255));
    }

    function _pack(address[] memory all) internal pure returns (bytes memory out) {
        for (uint256 i = 0; i < all.length; i++) {
            out = bytes.concat(out, bytes20(all[i]));
        }
    }

    function _group(bool signs, uint8 quorum, address[] memory all) internal pure returns (bytes memory) {
        if (!signs) return bytes.concat(bytes1(quorum), Reference.list(all));
        return bytes.concat(bytes1(quorum), bytes1(uint8(all.length)), _pack(all));
    }

    /// @notice The set part of a seal.
    function _sealSet(uint256 groups, ITrineBridge.ValidatorSet memory s) internal pure returns (bytes memory) {
        return bytes.concat(
            bytes20(s.processor),
            _group(groups & (A | ONE) != 0, s.approversQuorum, s.approvers),
            _group(groups & L != 0, s.listenersQuorum, s.listeners)
        );
    }

    function _signatures(uint256[] memory keys, uint256 from, uint256 n, bytes32 digest)
        internal
        pure
        returns (bytes memory out)
    {
        for (uint256 i = from; i < from + n; i++) {
            out = bytes.concat(out, bytes1(uint8(i)), _compact(keys[i], digest));
        }
    }

    /// @notice A right seal by the members that stand last in their lists.
    function _seal(Members memory m, uint256 groups, bytes32 digest) internal pure returns (bytes memory seal) {
        seal = _sealSet(groups, m.set);
        if (groups & P != 0) seal = bytes.concat(seal, _compact(m.processor, digest));
        if (groups & A != 0) {
            uint256 n = m.set.approversQuorum;
            seal = bytes.concat(seal, _signatures(m.approvers, m.approvers.length - n, n, digest));
        }
        if (groups & ONE != 0) seal = bytes.concat(seal, _signatures(m.approvers, m.approvers.length - 1, 1, digest));
        if (groups & L != 0) {
            uint256 n = m.set.listenersQuorum;
            seal = bytes.concat(seal, _signatures(m.listeners, m.listeners.length - n, n, digest));
        }
    }

    function _seal(uint256 groups, bytes32 digest) internal view returns (bytes memory) {
        return _seal(members, groups, digest);
    }

    // ------------------------------------------------------------ actions

    function _next() internal view returns (uint64) {
        return bridge.snapshot().nextActionId;
    }

    function _action(uint256 kind, bytes32 body) internal view returns (bytes32) {
        return Reference.action(domain, members.set.epoch, _next(), kind, body);
    }

    function _one(address token_, address to, uint256 amount) internal pure returns (ITrineBridge.Transfer[] memory t) {
        t = new ITrineBridge.Transfer[](1);
        t[0] = ITrineBridge.Transfer(token_, to, amount);
    }

    /// @notice The call that runs a batch as the next action.
    function _batchCall(ITrineBridge.Transfer[] memory t) internal view returns (bytes memory) {
        bytes32 digest = _action(1, Reference.transfers(t));
        return abi.encodeCall(ITrineBridge.executeTransfers, (_next(), t, _seal(P | A, digest)));
    }

    function _callCall(address target, uint256 value, bytes memory data) internal view returns (bytes memory) {
        bytes32 digest = _action(2, Reference.call(target, value, data));
        return abi.encodeCall(ITrineBridge.executeCall, (_next(), target, value, data, _seal(P | A | L, digest)));
    }

    function _noopCall() internal view returns (bytes memory) {
        return abi.encodeCall(ITrineBridge.executeNoop, (_next(), _seal(P | A, _action(3, NOTHING))));
    }

    function _control(uint256 kind, uint256 sequence, bytes32 body) internal view returns (bytes32) {
        return Reference.control(domain, members.set.epoch, kind, sequence, body);
    }

    function _pauseCall(uint64 sequence) internal view returns (bytes memory) {
        return abi.encodeCall(ITrineBridge.pause, (sequence, _seal(ONE, _control(2, sequence, NOTHING))));
    }

    function _unpauseCall(uint64 sequence) internal view returns (bytes memory) {
        return abi.encodeCall(ITrineBridge.unpause, (sequence, _seal(P | A, _control(3, sequence, NOTHING))));
    }

    function _limitCall(uint256 groups, uint64 sequence, address token_, uint256 capacity, uint256 window)
        internal
        view
        returns (bytes memory)
    {
        bytes32 digest = _control(4, sequence, Reference.limit(token_, capacity, window));
        return abi.encodeCall(ITrineBridge.setLimit, (sequence, token_, capacity, window, _seal(groups, digest)));
    }

    function _rotateCall(uint256 groups, ITrineBridge.ValidatorSet memory next) internal view returns (bytes memory) {
        bytes32 digest = _control(1, next.epoch, Reference.set(next));
        return abi.encodeCall(ITrineBridge.rotate, (next, bytes.concat(bytes1(uint8(groups)), _seal(groups, digest))));
    }

    function _pay(address token_, address to, uint256 amount) internal returns (bool) {
        _run(_batchCall(_one(token_, to, amount)));
        return _lastFailed() == 0;
    }

    // ------------------------------------------------------------ running

    function _run(bytes memory call_) internal {
        _run(0, call_);
    }

    /// @notice Sends a call that must succeed and tell exactly one event.
    function _run(uint256 value, bytes memory call_) internal {
        uint64 before = bridge.snapshot().eventId;
        (bool ok, bytes memory data) = address(bridge).call{value: value}(call_);
        if (!ok) {
            assembly ("memory-safe") {
                revert(add(data, 0x20), mload(data))
            }
        }
        assertEq(bridge.snapshot().eventId, before + 1, "one event");
        _journal();
    }

    /// @notice Sends a call that must be refused with exactly this error.
    function _refused(bytes memory call_, bytes memory reason) internal {
        (bool ok, bytes memory data) = address(bridge).call(call_);
        require(!ok, "must be refused");
        assertEq(keccak256(data), keccak256(reason), "the error");
    }

    function _refused(bytes memory call_, bytes4 selector) internal {
        (bool ok, bytes memory data) = address(bridge).call(call_);
        require(!ok, "must be refused");
        assertEq(bytes32(bytes4(data)), bytes32(selector), "the error");
    }

    bytes32 internal lastTopic;
    bytes internal lastData;

    /// @notice Takes the logs since the last time: ids without gaps, and the head that they lead to is the contract's.
    function _journal() internal {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i = 0; i < logs.length; i++) {
            if (logs[i].emitter != address(bridge)) continue;
            events++;
            assertEq(uint256(logs[i].topics[1]), events, "ids without gaps");
            head = Reference.extend(head, Reference.logHash(logs[i].topics, logs[i].data));
            (lastTopic, lastData) = (logs[i].topics[0], logs[i].data);
        }
        assertEq(bridge.snapshot().head, head, "head");
        assertEq(bridge.snapshot().eventId, events, "newest event");
    }

    function _lastFailed() internal view returns (uint256 failed) {
        require(lastTopic == ITrineBridge.ActionExecuted.selector, "no action executed last");
        (,, failed) = abi.decode(lastData, (uint64, bytes32, uint256));
    }

    function _lastCredited() internal view returns (uint256 amount) {
        require(lastTopic == ITrineBridge.Deposited.selector, "no deposit last");
        (,, amount,) = abi.decode(lastData, (address, address, uint256, bytes));
    }

    // ------------------------------------------------------------ assertions

    function assertEq(uint256 got, uint256 want, string memory what) internal pure {
        require(got == want, string.concat(what, ": got ", vm.toString(got), ", want ", vm.toString(want)));
    }

    function assertEq(bytes32 got, bytes32 want, string memory what) internal pure {
        require(got == want, what);
    }

    function assertTrue(bool yes, string memory what) internal pure {
        require(yes, what);
    }
}
