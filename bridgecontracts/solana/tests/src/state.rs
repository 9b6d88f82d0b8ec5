//! The state account, read by the offsets of the README.

use solana_address::Address;

use crate::words::{cut, Word};

/// The state account, by the offsets of the README.
pub struct State(pub Vec<u8>);

/// The counters at the end of a slot.
pub struct Mark {
    pub slot: u64,
    pub event_id: u64,
    pub next_action: u64,
}

impl State {
    pub fn u64(&self, offset: usize) -> u64 {
        u64::from_le_bytes(self.0[offset..offset + 8].try_into().unwrap())
    }

    pub fn word(&self, offset: usize) -> Word {
        self.0[offset..offset + 32].try_into().unwrap()
    }

    /// Event id, next action id, epoch, pause sequence, limit version, slot of the newest event.
    pub fn counters(&self) -> [u64; 6] {
        [160, 152, 144, 168, 176, 208].map(|offset| self.u64(offset))
    }

    pub fn head(&self) -> Word {
        cut(self.word(184))
    }

    pub fn reserve(&self) -> u64 {
        self.u64(224)
    }

    pub fn page(&self) -> Address {
        Address::new_from_array(self.word(232))
    }

    /// Mark i of the ring.
    pub fn mark(&self, index: usize) -> Mark {
        let offset = 2896 + 72 * index;
        Mark { slot: self.u64(offset), event_id: self.u64(offset + 8), next_action: self.u64(offset + 40) }
    }

    pub fn newest_mark(&self) -> Mark {
        self.mark(self.0[13].into())
    }
}
