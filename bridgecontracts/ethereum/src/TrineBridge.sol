// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {Calldata} from "@openzeppelin/contracts/utils/Calldata.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {ITrineBridge} from "./ITrineBridge.sol";
import {Limits} from "./Limits.sol";
import {Payouts} from "./Payouts.sol";
import {Seals} from "./Seals.sol";
import {Sets} from "./Sets.sol";
import {Words} from "./Words.sol";

/// @title The Trine bridge on an EVM chain
/// @notice Immutable: no owner, no upgrade, no privileged sender. State is three slots that are never zero, one slot
/// per limited token, and one per failed payout; so no event and no successful value action writes a new slot.
///
/// What governance can do: `executeCall` is signed by a quorum of approvers, a quorum of listeners and the processor,
/// and may then call anything but this contract, with the bridge's coin and as the owner of its tokens. It passes no
/// outflow limit (the same three groups could lift it) and can move what claims stand for. No smaller circle can.
contract TrineBridge is ITrineBridge, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    /// @notice The native coin's address (ERC-7528): zero is never a valid address.
    address public constant NATIVE = 0xEeeeeEeeeEeEeeEeEeEeeEEEeeeeEeeeeeeeEEeE;
    /// @notice With more transfers, all of them failing at full gas, an action might not fit into one transaction (EIP-7825: 2^24 gas).
    uint256 public constant MOST_TRANSFERS = 32;

    uint256 private constant MOST_KEYS_LENGTH = 4 * 98;
    uint256 private constant KEY_ENTRY = 98;

    bytes32 private immutable GENESIS_HASH;
    bytes32 private immutable DOMAIN;
    uint256 private immutable CHAIN_ID;

    /// @dev One slot. Zero before the first limit and the first pause; the other two keep it from ever being empty.
    struct Counters {
        uint64 epoch;
        uint64 nextActionId;
        uint64 pauseSequence;
        uint64 limitVersion;
    }

    bytes32 private _setHash;
    Counters private _counters;
    /// @dev The head in the upper 24 bytes, the newest event id in the lower 8.
    uint256 private _journal;
    mapping(address token => uint256 bucket) private _limits;
    mapping(address token => mapping(address recipient => uint256 amount)) private _claimable;

    constructor(bytes32 genesisHash, ValidatorSet memory first) {
        if (genesisHash == 0) revert ZeroValue();
        bytes32 domain = Words.domain(genesisHash, block.chainid, address(this));
        GENESIS_HASH = genesisHash;
        DOMAIN = domain;
        CHAIN_ID = block.chainid;
        bytes32 setHash = Sets.checkAndHash(first);
        _setHash = setHash;
        _counters = Counters({epoch: first.epoch, nextActionId: 1, pauseSequence: 0, limitVersion: 0});
        _journal = uint256(Words.cut(domain));
        emit Deployed(genesisHash, setHash);
    }

    /// @dev A copy of the chain has another id; what is signed for this one must not run there.
    modifier atHome() {
        if (block.chainid != CHAIN_ID) revert WrongChain(CHAIN_ID, block.chainid);
        _;
    }

    // ---------------------------------------------------------------- deposits

    /// @inheritdoc ITrineBridge
    receive() external payable nonReentrant atHome {
        _requireRunning(_counters.pauseSequence);
        if (msg.value == 0) revert NothingReceived(NATIVE, 0, 0);
        _deposited(NATIVE, msg.value, Calldata.emptyBytes());
    }

    /// @inheritdoc ITrineBridge
    function deposit(address token, uint256 amount, bytes calldata keys) external payable nonReentrant atHome {
        _requireRunning(_counters.pauseSequence);
        if (token == address(0)) revert ZeroValue();
        if (keys.length > MOST_KEYS_LENGTH || keys.length % KEY_ENTRY != 0) revert BadKeysLength(keys.length);
        uint256 expected = token == NATIVE ? amount : 0;
        if (msg.value != expected) revert WrongValue(expected, msg.value);
        if (amount == 0) {
            if (keys.length == 0) revert NothingReceived(token, 0, 0);
            _deposited(token, 0, keys);
        } else {
            _deposited(token, token == NATIVE ? amount : _pull(IERC20(token), amount), keys);
        }
    }

    /// @dev Counts what arrives, not what was asked for: a token may take a fee, or lie.
    function _pull(IERC20 token, uint256 amount) private returns (uint256) {
        uint256 held = token.balanceOf(address(this));
        token.safeTransferFrom(msg.sender, address(this), amount);
        uint256 holds = token.balanceOf(address(this));
        if (holds <= held) revert NothingReceived(address(token), held, holds);
        unchecked {
            return holds - held;
        }
    }

    function _deposited(address token, uint256 amount, bytes calldata keys) private {
        uint64 id = _nextEventId();
        _extend(
            id, keccak256(abi.encode(Words.EVENT, Words.DEPOSITED, id, msg.sender, token, amount, Words.keyList(keys)))
        );
        emit Deposited(id, msg.sender, token, amount, keys);
    }

    // ---------------------------------------------------------------- value lane

    /// @inheritdoc ITrineBridge
    function executeTransfers(uint64 actionId, Transfer[] calldata transfers, bytes calldata seal)
        external
        nonReentrant
        atHome
    {
        if (transfers.length > MOST_TRANSFERS) revert TooManyTransfers(MOST_TRANSFERS, transfers.length);
        bytes32 body;
        assembly ("memory-safe") {
            // A transfer is three words in calldata as in the digest; reading one below refuses dirty address words.
            let words := mload(0x40)
            let size := mul(transfers.length, 0x60)
            calldatacopy(words, transfers.offset, size)
            body := keccak256(words, size)
        }
        bytes32 digest = _authorize(actionId, Words.TRANSFERS, body, seal, Seals.PROCESSOR | Seals.APPROVERS);
        uint256 failed = 0;
        for (uint256 i = 0; i < transfers.length; i++) {
            Transfer calldata transfer = transfers[i];
            if (!_transfer(i, transfer.token, transfer.recipient, transfer.amount)) failed |= 1 << i;
        }
        _executed(actionId, digest, failed);
    }

    /// @inheritdoc ITrineBridge
    function executeCall(uint64 actionId, address target, uint256 value, bytes calldata data, bytes calldata seal)
        external
        nonReentrant
        atHome
    {
        bytes32 body = keccak256(abi.encode(target, value, keccak256(data)));
        bytes32 digest =
            _authorize(actionId, Words.CALL, body, seal, Seals.PROCESSOR | Seals.APPROVERS | Seals.LISTENERS);
        // A call to the bridge itself is a failed one: refusing it would leave the lane to wait for nothing.
        bool ok = target != address(this) && Payouts.arbitrary(target, value, data);
        _executed(actionId, digest, ok ? 0 : 1);
    }

    /// @inheritdoc ITrineBridge
    function executeNoop(uint64 actionId, bytes calldata seal) external nonReentrant atHome {
        bytes32 digest = _authorize(actionId, Words.NOOP, Words.NOTHING, seal, Seals.PROCESSOR | Seals.APPROVERS);
        _executed(actionId, digest, 0);
    }

    /// @dev Lets the next action through, and only with its seal. The id is used up before anyone is called.
    function _authorize(uint64 actionId, uint256 kind, bytes32 body, bytes calldata seal, uint256 groups)
        private
        returns (bytes32 digest)
    {
        Counters memory counters = _counters;
        _requireRunning(counters.pauseSequence);
        if (actionId != counters.nextActionId) revert WrongActionId(counters.nextActionId, actionId);
        digest = Words.action(DOMAIN, counters.epoch, actionId, kind, body);
        Seals.check(seal, groups, counters.epoch, _setHash, digest);
        unchecked {
            _counters.nextActionId = actionId + 1;
        }
    }

    function _executed(uint64 actionId, bytes32 digest, uint256 failed) private {
        uint64 id = _nextEventId();
        _extend(id, keccak256(abi.encode(Words.EVENT, Words.ACTION_EXECUTED, id, actionId, digest, failed)));
        emit ActionExecuted(id, actionId, digest, failed);
    }

    /// @dev Pays, or keeps the amount for the recipient to claim. Both count against the limit.
    function _transfer(uint256 index, address token, address recipient, uint256 amount) private returns (bool ok) {
        uint256 bucket = _limits[token];
        if (bucket != 0) {
            (bool fits, uint256 room, uint256 filled) = Limits.take(bucket, amount);
            if (!fits) revert LimitExceeded(token, index, amount, room);
            _limits[token] = filled;
        }
        // The bridge owes itself nothing, and zero is nobody; a token would pay either without a word.
        if (recipient != address(this) && recipient != address(0)) {
            ok = token == NATIVE ? Payouts.native(recipient, amount) : Payouts.token(token, recipient, amount);
        }
        if (!ok && amount != 0) {
            uint256 owed = _claimable[token][recipient];
            unchecked {
                // Saturates: no amount, however absurd, may stop the lane.
                _claimable[token][recipient] = amount > type(uint256).max - owed ? type(uint256).max : owed + amount;
            }
        }
    }

    /// @inheritdoc ITrineBridge
    function claim(address token, address recipient, address to) external nonReentrant atHome {
        _requireRunning(_counters.pauseSequence);
        if (msg.sender != recipient && to != recipient) revert NotRecipient(recipient, msg.sender);
        if (to == address(0) || to == address(this)) revert BadDestination(to);
        uint256 amount = _claimable[token][recipient];
        if (amount == 0) revert NothingToClaim(token, recipient);
        delete _claimable[token][recipient];
        // The caller pays for the gas here, so the callee gets all of it, and a failure undoes the claim.
        if (token == NATIVE) {
            Address.sendValue(payable(to), amount);
        } else {
            IERC20(token).safeTransfer(to, amount);
        }
        uint64 id = _nextEventId();
        _extend(id, keccak256(abi.encode(Words.EVENT, Words.CLAIMED, id, token, recipient, amount)));
        emit Claimed(id, token, recipient, amount);
    }

    // ---------------------------------------------------------------- control lane

    /// @inheritdoc ITrineBridge
    function rotate(ValidatorSet calldata next, bytes calldata seal) external nonReentrant atHome {
        uint64 held = _counters.epoch;
        if (next.epoch <= held) revert EpochNotHigher(held, next.epoch);
        if (seal.length == 0) revert BadGroups(0);
        uint256 groups = uint8(seal[0]);
        if (groups != 3 && groups != 5 && groups != 6) revert BadGroups(groups);
        bytes32 setHash = Sets.checkAndHash(next);
        bytes32 digest = Words.control(DOMAIN, held, Words.ROTATE, next.epoch, setHash);
        Seals.check(seal[1:], groups, held, _setHash, digest);
        _counters.epoch = next.epoch;
        _setHash = setHash;
        uint64 id = _nextEventId();
        _extend(id, keccak256(abi.encode(Words.EVENT, Words.SET_ROTATED, id, next.epoch, setHash)));
        emit SetRotated(id, next.epoch, setHash);
    }

    /// @inheritdoc ITrineBridge
    function pause(uint64 sequence, bytes calldata seal) external nonReentrant atHome {
        uint64 id = _switch(true, sequence, seal, Words.PAUSE, Seals.ONE_APPROVER);
        _extend(id, keccak256(abi.encode(Words.EVENT, Words.PAUSED, id, sequence)));
        emit Paused(id, sequence);
    }

    /// @inheritdoc ITrineBridge
    function unpause(uint64 sequence, bytes calldata seal) external nonReentrant atHome {
        uint64 id = _switch(false, sequence, seal, Words.UNPAUSE, Seals.PROCESSOR | Seals.APPROVERS);
        _extend(id, keccak256(abi.encode(Words.EVENT, Words.UNPAUSED, id, sequence)));
        emit Unpaused(id, sequence);
    }

    /// @dev The common counter: odd sequences pause, even ones end the pause, so no signature works twice.
    function _switch(bool stop, uint64 sequence, bytes calldata seal, uint256 kind, uint256 groups)
        private
        returns (uint64)
    {
        Counters memory counters = _counters;
        if (_isPaused(counters.pauseSequence) == stop) revert WrongPauseState(stop);
        _requireNext(counters.pauseSequence, sequence);
        bytes32 digest = Words.control(DOMAIN, counters.epoch, kind, sequence, Words.NOTHING);
        Seals.check(seal, groups, counters.epoch, _setHash, digest);
        _counters.pauseSequence = sequence;
        return _nextEventId();
    }

    /// @inheritdoc ITrineBridge
    function setLimit(uint64 sequence, address token, uint256 capacity, uint256 window, bytes calldata seal)
        external
        nonReentrant
        atHome
    {
        if (token == address(0)) revert ZeroValue();
        Counters memory counters = _counters;
        _requireNext(counters.limitVersion, sequence);
        (uint256 bucket, bool raised) = Limits.change(_limits[token], capacity, window);
        bytes32 body = keccak256(abi.encode(token, capacity, window));
        bytes32 digest = Words.control(DOMAIN, counters.epoch, Words.SET_LIMIT, sequence, body);
        uint256 groups = Seals.PROCESSOR | Seals.APPROVERS | (raised ? Seals.LISTENERS : 0);
        Seals.check(seal, groups, counters.epoch, _setHash, digest);
        _counters.limitVersion = sequence;
        _limits[token] = bucket;
        uint64 id = _nextEventId();
        _extend(id, keccak256(abi.encode(Words.EVENT, Words.LIMIT_SET, id, sequence, token, capacity, window)));
        emit LimitSet(id, sequence, token, capacity, window);
    }

    function _requireNext(uint64 last, uint64 given) private pure {
        unchecked {
            if (given != last + 1) revert WrongSequence(last + 1, given);
        }
    }

    // ---------------------------------------------------------------- journal

    function _nextEventId() private view returns (uint64) {
        unchecked {
            return uint64(_journal) + 1;
        }
    }

    function _extend(uint64 id, bytes32 eventHash) private {
        _journal = uint256(Words.extend(Words.cut(bytes32(_journal)), eventHash)) | id;
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc ITrineBridge
    function snapshot() external view returns (Snapshot memory) {
        Counters memory counters = _counters;
        return Snapshot({
            genesisHash: GENESIS_HASH,
            domain: DOMAIN,
            chainId: CHAIN_ID,
            head: Words.cut(bytes32(_journal)),
            eventId: uint64(_journal),
            epoch: counters.epoch,
            setHash: _setHash,
            nextActionId: counters.nextActionId,
            pauseSequence: counters.pauseSequence,
            limitVersion: counters.limitVersion,
            paused: _isPaused(counters.pauseSequence)
        });
    }

    /// @inheritdoc ITrineBridge
    function limit(address token) external view returns (uint256 capacity, uint256 level, uint256 window) {
        Limits.Bucket memory bucket = Limits.load(_limits[token]);
        return (bucket.capacity, bucket.level, bucket.window);
    }

    /// @inheritdoc ITrineBridge
    function claimable(address token, address recipient) external view returns (uint256) {
        return _claimable[token][recipient];
    }

    function _isPaused(uint64 pauseSequence) private pure returns (bool) {
        return pauseSequence % 2 == 1;
    }

    function _requireRunning(uint64 pauseSequence) private pure {
        if (_isPaused(pauseSequence)) revert BridgePaused(pauseSequence);
    }
}
