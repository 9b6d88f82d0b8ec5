// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @notice What the strange tokens share: anyone mints.
abstract contract ZooToken is ERC20 {
    constructor() ERC20("Zoo", "ZOO") {}

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }
}

/// @notice Tether's way: transfers return nothing, and an allowance changes only through zero.
contract NoReturnToken {
    mapping(address => uint256) public balanceOf;
    mapping(address => mapping(address => uint256)) public allowance;

    function mint(address to, uint256 amount) external {
        balanceOf[to] += amount;
    }

    function approve(address spender, uint256 amount) external {
        require(amount == 0 || allowance[msg.sender][spender] == 0, "approve zero first");
        allowance[msg.sender][spender] = amount;
    }

    function transfer(address to, uint256 amount) external {
        balanceOf[msg.sender] -= amount;
        balanceOf[to] += amount;
    }

    function transferFrom(address from, address to, uint256 amount) external {
        allowance[from][msg.sender] -= amount;
        balanceOf[from] -= amount;
        balanceOf[to] += amount;
    }
}

/// @notice Never reverts; returns false and moves nothing when told to refuse.
contract FalseToken is ZooToken {
    bool public refuses;

    function setRefuses(bool yes) external {
        refuses = yes;
    }

    function transfer(address to, uint256 amount) public override returns (bool) {
        return !refuses && super.transfer(to, amount);
    }

    function transferFrom(address from, address to, uint256 amount) public override returns (bool) {
        return !refuses && super.transferFrom(from, to, amount);
    }
}

/// @notice Keeps one percent of each transfer.
contract FeeToken is ZooToken {
    function _update(address from, address to, uint256 amount) internal override {
        uint256 fee = from == address(0) || to == address(0) ? 0 : amount / 100;
        super._update(from, to, amount - fee);
        if (fee != 0) super._update(from, address(0), fee);
    }
}

/// @notice Balances are shares times an index that anyone moves.
contract RebasingToken is ZooToken {
    uint256 public index = 1e18;

    function rebase(uint256 index_) external {
        index = index_;
    }

    function balanceOf(address account) public view override returns (uint256) {
        return super.balanceOf(account) * index / 1e18;
    }

    function _update(address from, address to, uint256 amount) internal override {
        super._update(from, to, amount * 1e18 / index);
    }
}

/// @notice ERC-777's way: tells the sender before and the recipient after each transfer, if they have code.
contract CallbackToken is ZooToken {
    function _update(address from, address to, uint256 amount) internal override {
        if (from.code.length != 0) _tell(from, abi.encodeWithSignature("tokensToSend()"));
        super._update(from, to, amount);
        if (to.code.length != 0) _tell(to, abi.encodeWithSignature("tokensReceived()"));
    }

    /// @dev A party that knows nothing of callbacks is not told; one that reverts stops the transfer if it says so.
    function _tell(address party, bytes memory call_) private {
        (bool ok, bytes memory data) = party.call(call_);
        require(ok || data.length == 0 || bytes4(data) != bytes4(keccak256("Stop()")), "stopped");
    }
}

/// @notice Refuses to move what listed accounts send or get.
contract DenyListToken is ZooToken {
    mapping(address => bool) public denied;

    error Denied(address account);

    function deny(address account, bool yes) external {
        denied[account] = yes;
    }

    function _update(address from, address to, uint256 amount) internal override {
        if (denied[from]) revert Denied(from);
        if (denied[to]) revert Denied(to);
        super._update(from, to, amount);
    }
}

/// @notice Reports one balance before a transfer and another after it, whatever it was told, and moves nothing.
contract AbsurdToken {
    uint256 private _before;
    uint256 private _after;
    bool private _moved;

    function answer(uint256 before_, uint256 after_) external {
        (_before, _after, _moved) = (before_, after_, false);
    }

    function balanceOf(address) external view returns (uint256) {
        return _moved ? _after : _before;
    }

    function transferFrom(address, address, uint256) external returns (bool) {
        _moved = true;
        return true;
    }

    function transfer(address, uint256) external returns (bool) {
        _moved = true;
        return true;
    }
}

/// @notice A token whose transfer behaves by a mode: each is a way to hurt the caller.
contract HostileToken {
    enum Mode {
        Honest,
        BurnGas,
        ReturnMuch,
        RevertMuch,
        ReturnTwo,
        ReturnShort,
        ReturnFalseMuch
    }

    Mode public mode;

    constructor(Mode mode_) {
        mode = mode_;
    }

    function balanceOf(address) external pure returns (uint256) {
        return 1e30;
    }

    function transfer(address, uint256) external view returns (bool) {
        Mode m = mode;
        assembly ("memory-safe") {
            switch m
            case 1 { invalid() }
            case 2 {
                mstore(0, 1)
                return(0, 0x40000)
            }
            case 3 { revert(0, 0x40000) }
            case 4 {
                mstore(0, 2)
                return(0, 32)
            }
            case 5 {
                mstore(0, shl(248, 1))
                return(0, 31)
            }
            case 6 {
                mstore(0, 0)
                return(0, 0x40000)
            }
        }
        return true;
    }
}

/// @notice Needs a given amount of gas for a transfer and uses it up; a payment of the native coin too.
contract Hungry {
    uint256 private immutable APPETITE;

    constructor(uint256 appetite) {
        APPETITE = appetite;
    }

    /// @dev Returns false rather than revert when it starves inside, as a token with a try/catch would.
    function transfer(address, uint256) external view returns (bool) {
        return _eat();
    }

    function balanceOf(address) external pure returns (uint256) {
        return 1e30;
    }

    receive() external payable {
        require(_eat(), "starved");
    }

    function _eat() private view returns (bool) {
        uint256 appetite = APPETITE;
        uint256 start = gasleft();
        if (start < appetite) return false;
        while (start - gasleft() < appetite - 500) {}
        return true;
    }
}
