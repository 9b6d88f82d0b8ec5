// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ITrineBridge} from "../src/ITrineBridge.sol";
import {Sets} from "../src/Sets.sol";
import {Words} from "../src/Words.sol";
import {Base} from "./Base.sol";
import {Reference} from "./Reference.sol";
import {AbsurdToken} from "./zoo/Tokens.sol";

/// @notice The golden vectors that all implementations share: the contract's words, the reference of these tests, and
/// a bridge at the very address of the vectors that executes their actions with their signatures.
contract VectorsTest is Base {
    string internal json;
    ITrineBridge.ValidatorSet internal set;

    function setUp() public override {
        json = vm.readFile("../testdata/vectors.json");
        set = ITrineBridge.ValidatorSet({
            epoch: uint64(_uint(".set.epoch")),
            processor: vm.parseJsonAddress(json, ".set.processor"),
            approversQuorum: uint8(_uint(".set.approverQuorum")),
            approvers: vm.parseJsonAddressArray(json, ".set.approvers"),
            listenersQuorum: uint8(_uint(".set.listenerQuorum")),
            listeners: vm.parseJsonAddressArray(json, ".set.listeners")
        });
        domain = _word(".domain");
        _deployAt(_address(".bridge"));
        head = Reference.cut(domain);
        vm.recordLogs();
    }

    /// @dev Runs the constructor at the address itself, so that its immutables and storage are that bridge's own.
    function _deployAt(address where) internal {
        vm.chainId(31337); // the vectors' CAIP-2 id, checked below
        vm.etch(where, _creationCode(_word(".genesis"), set));
        (bool ok, bytes memory runtime) = where.call("");
        require(ok, "constructor");
        vm.etch(where, runtime);
        bridge = ITrineBridge(payable(where));
    }

    function _word(string memory key) internal view returns (bytes32) {
        return vm.parseJsonBytes32(json, key);
    }

    function _uint(string memory key) internal view returns (uint256) {
        return vm.parseJsonUint(json, key);
    }

    function _address(string memory key) internal view returns (address) {
        return address(uint160(uint256(_word(key))));
    }

    function _at(string memory list, uint256 i, string memory field) internal pure returns (string memory) {
        return string.concat(".", list, "[", vm.toString(i), "]", field);
    }

    function testDomainAndTags() public view {
        assertEq(keccak256(bytes(vm.parseJsonString(json, ".caip2"))), keccak256("eip155:31337"), "chain");
        assertEq(Words.domain(_word(".genesis"), 31337, address(bridge)), domain, "domain");
        assertEq(Reference.domain(_word(".genesis"), "eip155:31337", address(bridge)), domain, "reference domain");
        assertEq(bridge.snapshot().domain, domain, "the bridge's domain");
        assertEq(Words.DOMAIN, _word(".tags.domain"), "domain tag");
        assertEq(Words.SET, _word(".tags.set"), "set tag");
        assertEq(Words.EVENT, _word(".tags.event"), "event tag");
        assertEq(Words.ACTION, _word(".tags.action"), "action tag");
        assertEq(Words.CONTROL, _word(".tags.control"), "control tag");
    }

    function testSet() public view {
        bytes32 want = _word(".set.hash");
        assertEq(Words.list(set.approvers), _word(".set.approversHash"), "approvers");
        assertEq(Words.list(set.listeners), _word(".set.listenersHash"), "listeners");
        assertEq(Sets.checkAndHash(set), want, "set");
        assertEq(Reference.set(set), want, "reference set");
        assertEq(bridge.snapshot().setHash, want, "the bridge's set");
    }

    function testEvents() public view {
        bytes32 now_ = Reference.cut(domain);
        uint256 seen;
        for (uint256 i = 0; vm.keyExistsJson(json, _at("events", i, "")); i++) {
            uint256 kind = _uint(_at("events", i, ".kind"));
            bytes32 hash = Reference.eventHash(kind, _uint(_at("events", i, ".id")), _fields(i, kind));
            assertEq(hash, _word(_at("events", i, ".hash")), "event");
            assertEq(Reference.extend(now_, hash), _word(_at("events", i, ".head")), "reference head");
            now_ = Words.extend(now_, hash);
            assertEq(now_, _word(_at("events", i, ".head")), "head");
            seen |= 1 << kind;
        }
        assertEq(seen, 0xfe, "every kind");
    }

    function _fields(uint256 i, uint256 kind) internal view returns (bytes memory) {
        string memory f = _at("events", i, ".fields");
        if (kind == 1) {
            bytes memory keys = vm.parseJsonBytes(json, string.concat(f, ".keys"));
            return abi.encode(
                _word(string.concat(f, ".wallet")),
                _word(string.concat(f, ".token")),
                _uint(string.concat(f, ".amount")),
                Reference.keys(keys)
            );
        }
        if (kind == 2) {
            return abi.encode(
                _uint(string.concat(f, ".actionId")),
                _word(string.concat(f, ".digest")),
                _word(string.concat(f, ".failed"))
            );
        }
        if (kind == 3) return abi.encode(_uint(string.concat(f, ".epoch")), _word(string.concat(f, ".setHash")));
        if (kind < 6) return abi.encode(_uint(string.concat(f, ".sequence")));
        if (kind == 6) {
            return abi.encode(
                _uint(string.concat(f, ".sequence")),
                _word(string.concat(f, ".token")),
                _uint(string.concat(f, ".capacity")),
                _uint(string.concat(f, ".window"))
            );
        }
        return abi.encode(
            _word(string.concat(f, ".token")), _word(string.concat(f, ".recipient")), _uint(string.concat(f, ".amount"))
        );
    }

    /// @notice The bridge tells the vectors' deposits and comes to their heads.
    function testDepositsOnTheBridge() public {
        AbsurdToken absurd = new AbsurdToken();
        for (uint256 i = 0; i < 3; i++) {
            string memory f = _at("events", i, ".fields");
            address token_ = _address(string.concat(f, ".token"));
            uint256 amount = _uint(string.concat(f, ".amount"));
            vm.etch(token_, address(absurd).code);
            AbsurdToken(token_).answer(0, amount);
            vm.prank(_address(string.concat(f, ".wallet")));
            bridge.deposit(token_, amount, vm.parseJsonBytes(json, string.concat(f, ".keys")));
            _journal();
            assertEq(bridge.snapshot().head, _word(_at("events", i, ".head")), "head");
        }
    }

    /// @notice The bridge executes the vectors' actions with the vectors' signatures.
    function testActionsOnTheBridge() public {
        for (uint256 i = 0; vm.keyExistsJson(json, _at("actions", i, "")); i++) {
            bytes[] memory signatures = vm.parseJsonBytesArray(json, _at("actions", i, ".signatures"));
            bytes32 digest = _word(_at("actions", i, ".digest"));
            uint256 kind = _uint(_at("actions", i, ".kind"));
            uint64 id = uint64(_uint(_at("actions", i, ".id")));
            bytes32 body = _word(_at("actions", i, ".bodyHash"));
            assertEq(Words.action(domain, set.epoch, id, kind, body), digest, "digest");
            assertEq(Reference.action(domain, set.epoch, id, kind, body), digest, "reference digest");
            if (kind == 1) {
                ITrineBridge.Transfer[] memory t = _transfers(i);
                assertEq(Reference.transfers(t), body, "body");
                _run(abi.encodeCall(bridge.executeTransfers, (id, t, _vectorSeal(P | A, digest, signatures))));
            } else if (kind == 2) {
                address target = _address(_at("actions", i, ".call.target"));
                uint256 value = _uint(_at("actions", i, ".call.value"));
                bytes memory data = vm.parseJsonBytes(json, _at("actions", i, ".call.data"));
                assertEq(Reference.call(target, value, data), body, "body");
                bytes memory seal = bytes.concat(_vectorSeal(P | A | L, digest, signatures), _listenersSign(digest));
                _run(abi.encodeCall(bridge.executeCall, (id, target, value, data, seal)));
            } else {
                _run(abi.encodeCall(bridge.executeNoop, (id, _vectorSeal(P | A, digest, signatures))));
            }
            (uint64 ran, bytes32 told,) = abi.decode(lastData, (uint64, bytes32, uint256));
            assertTrue(ran == id && told == digest, "the digest that was executed");
        }
    }

    function _transfers(uint256 i) internal view returns (ITrineBridge.Transfer[] memory t) {
        uint256 n;
        while (vm.keyExistsJson(json, _at("actions", i, string.concat(".transfers[", vm.toString(n), "]")))) n++;
        t = new ITrineBridge.Transfer[](n);
        for (uint256 j = 0; j < n; j++) {
            string memory one = _at("actions", i, string.concat(".transfers[", vm.toString(j), "]"));
            t[j] = ITrineBridge.Transfer(
                _address(string.concat(one, ".token")),
                _address(string.concat(one, ".to")),
                uint256(_word(string.concat(one, ".amount")))
            );
        }
    }

    /// @dev Signatures r ‖ s ‖ v as Trine writes them, the processor's first, then approvers' of unknown place.
    function _vectorSeal(uint256 groups, bytes32 digest, bytes[] memory signatures)
        internal
        view
        returns (bytes memory seal)
    {
        seal = _sealSet(groups, set);
        for (uint256 i = 0; i < signatures.length; i++) {
            bytes memory s = signatures[i];
            (bytes32 r, bytes32 low) = (bytes32(s), bytes32(Reference.slice(s, 32, 32)));
            address signer = ecrecover(digest, 27 + uint8(s[64]), r, low);
            if (signer != set.processor) seal = bytes.concat(seal, bytes1(_place(signer)));
            seal = bytes.concat(seal, r, low | bytes32(uint256(uint8(s[64])) << 255));
        }
    }

    /// @dev The vectors' seals have two groups; the third signs here, with the vectors' keys.
    function _listenersSign(bytes32 digest) internal view returns (bytes memory out) {
        for (uint8 i = 0; i < set.listenersQuorum; i++) {
            uint256 k;
            while (vm.parseJsonAddress(json, _at("keys", k, ".address")) != set.listeners[i]) k++;
            out = bytes.concat(out, bytes1(i), _compact(uint256(_word(_at("keys", k, ".privateKey"))), digest));
        }
    }

    function _place(address member) internal view returns (uint8) {
        for (uint8 i = 0; i < set.approvers.length; i++) {
            if (set.approvers[i] == member) return i;
        }
        revert("no approver signed");
    }

    function testControls() public view {
        uint256 seen;
        for (uint256 i = 0; vm.keyExistsJson(json, _at("controls", i, "")); i++) {
            uint256 kind = _uint(_at("controls", i, ".kind"));
            uint256 sequence = _uint(_at("controls", i, ".sequence"));
            bytes32 body = _word(_at("controls", i, ".bodyHash"));
            bytes32 digest = _word(_at("controls", i, ".digest"));
            assertEq(Words.control(domain, set.epoch, kind, sequence, body), digest, "digest");
            assertEq(Reference.control(domain, set.epoch, kind, sequence, body), digest, "reference digest");
            if (kind == 4) {
                string memory f = _at("controls", i, ".fields");
                bytes32 want = Reference.limit(
                    _address(string.concat(f, ".token")),
                    _uint(string.concat(f, ".capacity")),
                    _uint(string.concat(f, ".window"))
                );
                assertEq(want, body, "body");
            } else if (kind == 2 || kind == 3) {
                assertEq(Words.NOTHING, body, "body");
            }
            seen |= 1 << kind;
        }
        assertEq(seen, 0x1e, "every kind");
    }
}
