//! Reads the bridge's records out of transactions, as a listener does.

use solana_address::Address;

use crate::words::{cut, digest, hash, keccak, number, Word};

/// An event as the bridge recorded it.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    pub id: u64,
    pub previous_slot: u64,
    pub head: Word,
    pub next_action: u64,
    pub epoch: u64,
    pub pause_sequence: u64,
    pub limit_version: u64,
    pub event: Event,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    Deposited { wallet: Address, token: Address, amount: u64, keys: Vec<u8> },
    ActionExecuted { id: u64, digest: Word, failed: Word },
    SetRotated { epoch: u64, set_hash: Word },
    Paused { sequence: u64 },
    Unpaused { sequence: u64 },
    LimitSet { sequence: u64, token: Address, capacity: u64, window: u64 },
    Claimed { token: Address, recipient: Address, amount: u64 },
}

impl Event {
    /// The event hash of ADR 0001.
    pub fn hash(&self, id: u64) -> Word {
        let (kind, fields) = match self {
            Event::Deposited { wallet, token, amount, keys } => {
                let entries = keys.chunks(98).flat_map(|entry| [keccak(&[&entry[..33]]), keccak(&[&entry[33..]])]);
                let list = hash(&entries.collect::<Vec<_>>());
                (1, vec![wallet.to_bytes(), token.to_bytes(), number(*amount), list])
            }
            Event::ActionExecuted { id, digest, failed } => (2, vec![number(*id), *digest, *failed]),
            Event::SetRotated { epoch, set_hash } => (3, vec![number(*epoch), *set_hash]),
            Event::Paused { sequence } => (4, vec![number(*sequence)]),
            Event::Unpaused { sequence } => (5, vec![number(*sequence)]),
            Event::LimitSet { sequence, token, capacity, window } => {
                (6, vec![number(*sequence), token.to_bytes(), number(*capacity), number(*window)])
            }
            Event::Claimed { token, recipient, amount } => {
                (7, vec![token.to_bytes(), recipient.to_bytes(), number(*amount)])
            }
        };
        digest("event", &[vec![number(kind), number(id)], fields].concat())
    }

    /// The head after it.
    pub fn extend(&self, head: Word, id: u64) -> Word {
        cut(hash(&[head, self.hash(id)]))
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let (head, rest) = self.0.split_first_chunk().expect("a record of the full length");
        self.0 = rest;
        *head
    }

    fn u64(&mut self) -> u64 {
        u64::from_le_bytes(self.take())
    }

    fn address(&mut self) -> Address {
        Address::new_from_array(self.take())
    }
}

impl Record {
    /// Reads the data of an inner instruction to its last byte.
    pub fn read(data: &[u8]) -> Self {
        let mut data = Reader(data);
        let [tag, _bump, kind]: [u8; 3] = data.take();
        assert_eq!(tag, 15);
        let (id, previous_slot) = (data.u64(), data.u64());
        let mut head = [0; 32];
        head[..24].copy_from_slice(&data.take::<24>());
        let record = Record {
            id,
            previous_slot,
            head,
            next_action: data.u64(),
            epoch: data.u64(),
            pause_sequence: data.u64(),
            limit_version: data.u64(),
            event: read_event(kind, &mut data),
        };
        assert!(data.0.is_empty(), "bytes behind a record of kind {kind}");
        record
    }
}

fn read_event(kind: u8, data: &mut Reader) -> Event {
    match kind {
        1 => {
            let (wallet, token, amount) = (data.address(), data.address(), data.u64());
            let [count] = data.take();
            let keys = (0..count).flat_map(|_| data.take::<98>()).collect();
            Event::Deposited { wallet, token, amount, keys }
        }
        2 => Event::ActionExecuted { id: data.u64(), digest: data.take(), failed: data.take() },
        3 => Event::SetRotated { epoch: data.u64(), set_hash: data.take() },
        4 => Event::Paused { sequence: data.u64() },
        5 => Event::Unpaused { sequence: data.u64() },
        6 => Event::LimitSet { sequence: data.u64(), token: data.address(), capacity: data.u64(), window: data.u64() },
        7 => Event::Claimed { token: data.address(), recipient: data.address(), amount: data.u64() },
        other => panic!("no event has the kind {other}"),
    }
}
