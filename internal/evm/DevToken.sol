// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title A token for tests and demonstrations: anyone can mint
/// @notice Plain ERC-20. When deployed with `strict`, it behaves as Tether's does: transfers and approvals return no
/// data, and an allowance changes from one value to another only through zero.
contract DevToken {
    string public symbol;
    uint8 public immutable decimals;
    bool public immutable strict;
    uint256 public totalSupply;
    mapping(address => uint256) public balanceOf;
    mapping(address => mapping(address => uint256)) public allowance;

    event Transfer(address indexed from, address indexed to, uint256 value);
    event Approval(address indexed owner, address indexed spender, uint256 value);

    error TooLittle(uint256 have, uint256 want);
    error AllowanceNotZero(uint256 value);

    constructor(string memory symbol_, uint8 decimals_, bool strict_) {
        (symbol, decimals, strict) = (symbol_, decimals_, strict_);
    }

    function name() external view returns (string memory) {
        return symbol;
    }

    function mint(address to, uint256 value) external {
        totalSupply += value;
        balanceOf[to] += value;
        emit Transfer(address(0), to, value);
    }

    function transfer(address to, uint256 value) external returns (bool) {
        move(msg.sender, to, value);
        return yes();
    }

    function transferFrom(address from, address to, uint256 value) external returns (bool) {
        uint256 allowed = allowance[from][msg.sender];
        if (allowed < value) revert TooLittle(allowed, value);
        if (allowed != type(uint256).max) allowance[from][msg.sender] = allowed - value;
        move(from, to, value);
        return yes();
    }

    function approve(address spender, uint256 value) external returns (bool) {
        uint256 allowed = allowance[msg.sender][spender];
        if (strict && value != 0 && allowed != 0) revert AllowanceNotZero(allowed);
        allowance[msg.sender][spender] = value;
        emit Approval(msg.sender, spender, value);
        return yes();
    }

    function move(address from, address to, uint256 value) private {
        uint256 balance = balanceOf[from];
        if (balance < value) revert TooLittle(balance, value);
        unchecked {
            balanceOf[from] = balance - value;
            balanceOf[to] += value;
        }
        emit Transfer(from, to, value);
    }

    /// Ends the call without data when strict, with `true` otherwise.
    function yes() private view returns (bool) {
        if (strict) {
            assembly ("memory-safe") {
                return(0, 0)
            }
        }
        return true;
    }
}
