// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ITrineBridge} from "./ITrineBridge.sol";

/// @title The outflow limit: a leaky bucket in one slot
/// @dev The slot from its top: capacity 104 bits ‖ level 104 ‖ time 32 ‖ window in minutes 16. The time is the block
/// time modulo 2^32, and so are differences, so it outlives 2106.
library Limits {
    uint256 private constant MINUTE = 60;
    uint256 private constant MOST_MINUTES = type(uint16).max;

    struct Bucket {
        uint256 capacity;
        uint256 level;
        uint256 time;
        uint256 window; // seconds; 0: no limit
    }

    /// @notice The bucket at the present block, leaked.
    function load(uint256 slot) internal view returns (Bucket memory bucket) {
        bucket.window = (slot & MOST_MINUTES) * MINUTE;
        bucket.time = uint32(slot >> 16);
        bucket.level = uint104(slot >> 48);
        bucket.capacity = slot >> 152;
        if (bucket.window == 0) return bucket;
        unchecked {
            uint256 elapsed = uint32(block.timestamp - bucket.time);
            uint256 leaked = elapsed * bucket.capacity / bucket.window; // 32 + 104 bits
            if (leaked >= bucket.level) {
                bucket.level = 0;
            } else if (leaked != 0) {
                bucket.level -= leaked;
            } else {
                // Less than a unit leaked: keep the old time, or a slow bucket that is often used would never leak.
                return bucket;
            }
            bucket.time = uint32(block.timestamp);
        }
    }

    function pack(Bucket memory bucket) internal pure returns (uint256) {
        if (bucket.window == 0) return 0;
        return bucket.capacity << 152 | bucket.level << 48 | bucket.time << 16 | bucket.window / MINUTE;
    }

    /// @notice Lets `amount` out: `room` is what fits; more than that leaves the bucket as it is.
    function take(uint256 slot, uint256 amount) internal view returns (bool fits, uint256 room, uint256 filled) {
        Bucket memory bucket = load(slot);
        unchecked {
            // A lowered capacity may stand below the level.
            room = bucket.capacity > bucket.level ? bucket.capacity - bucket.level : 0;
            if (amount > room) return (false, room, slot);
            bucket.level += amount;
        }
        return (true, room, pack(bucket));
    }

    /// @notice The slot under a new limit, and whether that lets out more than the old one: none at all, a larger
    /// capacity, or a faster leak. What has flowed out stays in the level.
    function change(uint256 slot, uint256 capacity, uint256 window)
        internal
        view
        returns (uint256 changed, bool raised)
    {
        if (
            capacity > type(uint104).max || window % MINUTE != 0 || window > MOST_MINUTES * MINUTE
                || (window == 0 && capacity != 0)
        ) revert ITrineBridge.BadLimit(capacity, window);
        Bucket memory bucket = load(slot);
        if (bucket.window == 0) {
            raised = window == 0;
            bucket.time = uint32(block.timestamp);
        } else {
            raised = window == 0 || capacity > bucket.capacity || capacity * bucket.window > bucket.capacity * window;
        }
        (bucket.capacity, bucket.window) = (capacity, window);
        changed = pack(bucket);
    }
}
