//! The bytes that are signed and hashed (ADR 0001): every digest is keccak256 over 32-byte words, the first of which
//! names the kind.

use crate::{
    layout::{Member, MOST_MEMBERS},
    syscalls::{keccak256, Word},
};

// keccak256("trine/v1/<kind>"); the golden vectors hold them.
const DOMAIN: Word = hex(b"107d5c64bed508daef68424ce983223529ff8c6869230386dd62e3b8732d1a39");
const SET: Word = hex(b"1e1548867817e3ac0f28afc44d660b8dc42df896b80c483f5a84c6f377ec6ada");
const EVENT: Word = hex(b"5ced1e581836bbefd5357314a87bc1fcca3e21910d19ea6cd7bd7678d3e47e72");
const ACTION: Word = hex(b"043009c726951ef6fed7d821b40b82e10a451e20d6193220893c356e2ccbd7a7");
const CONTROL: Word = hex(b"9a29366d91a46b981545dc8e7219fa44bc424842c0218857c7a928cc9481609c");

/// keccak256 of nothing: the empty list, and the body of what has no fields.
pub const NOTHING: Word = hex(b"c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470");

/// Zero, never a valid hash, key or token.
pub const ZERO: Word = [0; 32];

const KEY: usize = 33;
const MOST_KEYS: usize = 4;

#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::panic)] // runs in the compiler only
const fn hex(digits: &[u8; 64]) -> Word {
    const fn nibble(digit: u8) -> u8 {
        match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => panic!("not a hex digit"),
        }
    }
    let mut word = [0; 32];
    let mut i = 0;
    while i < 32 {
        word[i] = nibble(digits[2 * i]) << 4 | nibble(digits[2 * i + 1]);
        i += 1;
    }
    word
}

/// A number as a word.
pub fn number(value: u64) -> Word {
    let mut word = ZERO;
    if let Some(low) = word.last_chunk_mut() {
        *low = value.to_be_bytes();
    }
    word
}

/// A bridge's domain.
pub fn domain(genesis: &Word, caip2: &Word, bridge: &Word) -> Word {
    keccak256(&[&DOMAIN, genesis, caip2, bridge])
}

/// What the processor and the approvers sign for a value action.
pub fn action(domain: &Word, epoch: u64, id: u64, kind: u8, body: &Word) -> Word {
    keccak256(&[&ACTION, domain, &number(epoch), &number(id), &number(kind.into()), body])
}

/// What members sign for a control action.
pub fn control(domain: &Word, epoch: u64, kind: u8, sequence: u64, body: &Word) -> Word {
    keccak256(&[&CONTROL, domain, &number(epoch), &number(kind.into()), &number(sequence), body])
}

/// The hash of a set; a group is its quorum and its members.
pub fn set(epoch: u64, processor: &Member, approvers: (u8, &[Member]), listeners: (u8, &[Member])) -> Word {
    keccak256(&[
        &SET,
        &number(epoch),
        MEMBER_PADDING,
        processor,
        &number(approvers.0.into()),
        &members(approvers.1),
        &number(listeners.0.into()),
        &members(listeners.1),
    ])
}

const MEMBER_PADDING: &[u8] = &[0; 12];

/// A list of members: a left-padded word each. At most 64 count, which is what a set has.
#[inline(never)]
fn members(list: &[Member]) -> Word {
    let mut parts: [[&[u8]; 2]; MOST_MEMBERS] = [[&[]; 2]; MOST_MEMBERS];
    for (part, member) in parts.iter_mut().zip(list) {
        *part = [MEMBER_PADDING, member];
    }
    // Empty parts add nothing to the hash, but are paid for.
    keccak256(parts.get(..list.len()).unwrap_or(&parts).as_flattened())
}

/// The hash of an event: its kind, its id, and its fields as words.
pub fn event(kind: u8, id: u64, fields: &[&Word]) -> Word {
    const MOST_FIELDS: usize = 4;
    let (kind, id) = (number(kind.into()), number(id));
    let mut parts: [&[u8]; 3 + MOST_FIELDS] = [&EVENT, &kind, &id, &[], &[], &[], &[]];
    for (part, field) in parts.iter_mut().skip(3).zip(fields) {
        *part = *field;
    }
    keccak256(parts.get(..fields.len().saturating_add(3)).unwrap_or(&parts))
}

/// A head keeps the upper 24 bytes of its word.
pub fn cut(word: &Word) -> [u8; 24] {
    let mut head = [0; 24];
    head.copy_from_slice(word.split_at(24).0);
    head
}

/// The head after an event.
pub fn extend(head: &[u8; 24], event: &Word) -> [u8; 24] {
    cut(&keccak256(&[head, &[0; 8], event]))
}

/// The list hash of key entries of 98 bytes: per entry the hash of the key and the hash of its signature.
pub fn keys(entries: &[[u8; 98]]) -> Word {
    let mut hashes = [[ZERO; 2]; MOST_KEYS];
    let mut parts: [&[u8]; MOST_KEYS] = [&[]; MOST_KEYS];
    for (pair, entry) in hashes.iter_mut().zip(entries) {
        let (key, signature) = entry.split_at(KEY);
        *pair = [keccak256(&[key]), keccak256(&[signature])];
    }
    for (part, (pair, _)) in parts.iter_mut().zip(hashes.iter().zip(entries)) {
        *part = pair.as_flattened();
    }
    keccak256(parts.get(..entries.len()).unwrap_or(&parts))
}
