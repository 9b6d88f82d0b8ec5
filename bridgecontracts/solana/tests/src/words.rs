//! The digests of ADR 0001, for comparing.

/// 32 bytes.
pub type Word = [u8; 32];

/// keccak256 over the parts one after the other.
pub fn keccak(parts: &[&[u8]]) -> Word {
    solana_keccak_hasher::hashv(parts).to_bytes()
}

/// The first word of every digest.
pub fn tag(kind: &str) -> Word {
    keccak(&[format!("trine/v1/{kind}").as_bytes()])
}

/// A number as a word.
pub fn number(value: u64) -> Word {
    let mut word = [0; 32];
    word[24..].copy_from_slice(&value.to_be_bytes());
    word
}

/// keccak256 over whole words.
pub fn hash(words: &[Word]) -> Word {
    keccak(&[words.as_flattened()])
}

/// A digest of this kind.
pub fn digest(kind: &str, words: &[Word]) -> Word {
    hash(&[&[tag(kind)], words].concat())
}

/// What is signed for a value action.
pub fn action(domain: Word, epoch: u64, id: u64, kind: u8, body: Word) -> Word {
    digest("action", &[domain, number(epoch), number(id), number(kind.into()), body])
}

/// What is signed for a control action.
pub fn control(domain: Word, epoch: u64, kind: u8, sequence: u64, body: Word) -> Word {
    digest("control", &[domain, number(epoch), number(kind.into()), number(sequence), body])
}

/// A head keeps the upper 24 bytes.
pub fn cut(mut word: Word) -> Word {
    word[24..].fill(0);
    word
}

/// Bytes from hex digits, with or without 0x.
pub fn hex(text: &str) -> Vec<u8> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    (0..digits.len()).step_by(2).map(|i| u8::from_str_radix(&digits[i..i + 2], 16).expect("hex digits")).collect()
}

/// A word from 64 hex digits.
pub fn word(text: &str) -> Word {
    hex(text).try_into().expect("32 bytes")
}
