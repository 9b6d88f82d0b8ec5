// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title What a Trine bridge offers on an EVM chain
/// @notice Three lanes: deposits come in from anyone, value actions go out in the order of their ids, control actions
/// run at once. Whoever sends a transaction has no rights by that: every action carries its own signatures (a seal).
///
/// A seal is packed, because calldata is paid by the byte:
///
///     processor 20
///     approvers' quorum 1 ‖ group      a group that signs: count 1 ‖ count × address 20
///     listeners' quorum 1 ‖ group      a group that does not: the keccak256 of its address words 32
///     signatures of the groups that sign, in the order processor, approvers, listeners:
///       processor: r 32 ‖ vs 32
///       member:    index into its group 1 ‖ r 32 ‖ vs 32, indices ascending, exactly as many as the quorum
///
/// `vs` is the low s with the recovery bit as its highest bit (EIP-2098), so no other v can be written. Which groups
/// sign is a matter of the action; a rotation alone names its two groups in one byte before the seal
/// (1 processor, 2 approvers, 4 listeners). A pause carries the signature of one approver, whatever the quorum.
interface ITrineBridge {
    /// @notice A validator set. Both lists ascend by address; an address holds one seat in all; quorums are 1 … n;
    /// a group has at most 64 members.
    struct ValidatorSet {
        uint64 epoch;
        address processor;
        uint8 approversQuorum;
        address[] approvers;
        uint8 listenersQuorum;
        address[] listeners;
    }

    /// @notice One payout of a batch. `token` is an ERC-20 or the ERC-7528 address of the native coin.
    struct Transfer {
        address token;
        address recipient;
        uint256 amount;
    }

    /// @notice Everything that counts, read at one block.
    struct Snapshot {
        bytes32 genesisHash;
        bytes32 domain;
        uint256 chainId;
        bytes32 head;
        uint64 eventId; // newest event, 0 before the first
        uint64 epoch;
        bytes32 setHash;
        uint64 nextActionId;
        uint64 pauseSequence; // odd: paused
        uint64 limitVersion;
        bool paused;
    }

    /// @notice The constructor ran. It is no event of the journal and has no id: it leads to the transaction that made the
    /// bridge, because the code of a bridge does not show whether its own constructor put it there (see ADR 0004).
    event Deployed(bytes32 genesisHash, bytes32 setHash);
    /// @notice `amount` of `token` came in from `wallet`; `keys` are the bytes that it gave, unverified.
    event Deposited(uint64 indexed id, address wallet, address token, uint256 amount, bytes keys);
    /// @notice A value action ran; bit i of `failed` is set when its transfer i failed (for a call: bit 0).
    event ActionExecuted(uint64 indexed id, uint64 actionId, bytes32 digest, uint256 failed);
    /// @notice The bridge listens to another validator set from here on.
    event SetRotated(uint64 indexed id, uint64 epoch, bytes32 setHash);
    /// @notice Deposits, value actions and claims stop.
    event Paused(uint64 indexed id, uint64 sequence);
    /// @notice Deposits, value actions and claims go on.
    event Unpaused(uint64 indexed id, uint64 sequence);
    /// @notice The outflow limit of `token` is new; a window of 0 seconds means no limit.
    event LimitSet(uint64 indexed id, uint64 sequence, address token, uint256 capacity, uint256 window);
    /// @notice A failed transfer was paid after all. `recipient` is who it was owed to, wherever it went.
    event Claimed(uint64 indexed id, address token, address recipient, uint256 amount);

    /// @notice The contract was deployed on another chain (its state was forked to this one).
    error WrongChain(uint256 expected, uint256 actual);
    /// @notice A pause stands; its sequence is the odd one given.
    error BridgePaused(uint64 sequence);
    /// @notice Zero is never a valid address or hash.
    error ZeroValue();
    /// @notice The native coin sent with a deposit is not the amount it names (0 for an ERC-20).
    error WrongValue(uint256 expected, uint256 actual);
    /// @notice Nothing came in: a deposit of nothing without keys, or a token that moved nothing.
    error NothingReceived(address token, uint256 balanceBefore, uint256 balanceAfter);
    /// @notice Keys are at most four entries of 98 bytes: key 33 ‖ signature 65.
    error BadKeysLength(uint256 length);
    /// @notice Value actions run in the order of their ids.
    error WrongActionId(uint64 expected, uint64 given);
    /// @notice A batch is too large to be sure to fit into one transaction whatever its recipients do.
    error TooManyTransfers(uint256 most, uint256 given);
    /// @notice Transfer `index` would overflow the token's bucket now.
    error LimitExceeded(address token, uint256 index, uint256 amount, uint256 room);
    /// @notice The submitter sent too little gas to make the next call a fair one. Send more; nothing has happened.
    error NotEnoughGas(uint256 needed, uint256 left);
    /// @notice No payout of `token` that failed waits for `recipient`.
    error NothingToClaim(address token, address recipient);
    /// @notice Only the recipient sends its claim elsewhere; anyone may push it to the recipient itself.
    error NotRecipient(address recipient, address caller);
    /// @notice A claim cannot be paid to zero or to the bridge.
    error BadDestination(address to);
    /// @notice A control action is not the next of its kind.
    error WrongSequence(uint64 expected, uint64 given);
    /// @notice Pausing what is paused, or unpausing what runs.
    error WrongPauseState(bool paused);
    /// @notice A rotation goes to a higher epoch.
    error EpochNotHigher(uint64 held, uint64 given);
    /// @notice A rotation is signed by two of the three groups: mask 3, 5 or 6.
    error BadGroups(uint256 mask);
    /// @notice A capacity is below 2^104, a window 1 … 65535 whole minutes; both are zero for no limit.
    error BadLimit(uint256 capacity, uint256 window);
    /// @notice The set in the seal is not the one that the bridge holds.
    error WrongSet(bytes32 held, bytes32 given);
    /// @notice The seal is longer or shorter than what its set and this action ask for.
    error BadSealLength(uint256 expected, uint256 given);
    /// @notice Members sign in ascending order, each once.
    error SignersNotAscending(uint256 previous, uint256 index);
    /// @notice A signature names a member that its group does not have.
    error NoSuchMember(uint256 index, uint256 count);
    /// @notice Only the lower of the two possible s is a signature.
    error HighS(uint256 s);
    /// @notice The signature is not `expected`'s over this digest.
    error WrongSigner(address expected, address recovered, bytes32 digest);
    /// @notice A quorum is 1 … the number of members, of which there are at most 64.
    error BadQuorum(uint256 quorum, uint256 members);
    /// @notice The members of a group ascend and none is zero.
    error MembersNotAscending(address previous, address member);
    /// @notice An address holds one seat.
    error SecondSeat(address member);

    /// @notice Credits what arrives. The native coin goes by its ERC-7528 address and `amount` is the value sent;
    /// an amount of 0 with keys is a key association and moves nothing.
    function deposit(address token, uint256 amount, bytes calldata keys) external payable;

    /// @notice A plain transfer of the native coin is a deposit without keys.
    receive() external payable;

    /// @notice Pays a batch. A transfer that fails becomes claimable and does not stop the others.
    function executeTransfers(uint64 actionId, Transfer[] calldata transfers, bytes calldata seal) external;

    /// @notice Calls another contract: governance, signed by all three groups.
    function executeCall(uint64 actionId, address target, uint256 value, bytes calldata data, bytes calldata seal)
        external;

    /// @notice Does nothing but to use up its id.
    function executeNoop(uint64 actionId, bytes calldata seal) external;

    /// @notice Pays what a failed transfer left. The recipient sends it anywhere, anyone else to the recipient.
    function claim(address token, address recipient, address to) external;

    /// @notice Installs a validator set of any higher epoch.
    function rotate(ValidatorSet calldata next, bytes calldata seal) external;

    /// @notice Stops everything but the control lane; one approver suffices.
    function pause(uint64 sequence, bytes calldata seal) external;

    /// @notice Ends a pause.
    function unpause(uint64 sequence, bytes calldata seal) external;

    /// @notice Sets or lifts a token's outflow limit; raising it needs the listeners' quorum too.
    function setLimit(uint64 sequence, address token, uint256 capacity, uint256 window, bytes calldata seal) external;

    /// @notice All counters, the head and the set at this block.
    function snapshot() external view returns (Snapshot memory);

    /// @notice A token's limit: its level leaked to now; window in seconds, 0 when there is no limit.
    function limit(address token) external view returns (uint256 capacity, uint256 level, uint256 window);

    /// @notice What failed transfers of `token` left for `recipient`.
    function claimable(address token, address recipient) external view returns (uint256);
}
