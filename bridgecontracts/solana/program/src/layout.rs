//! The accounts of the program, byte for byte as the README has them. Every field is made of bytes, so a structure lies
//! in an account's data as it is, without a copy.

use pinocchio::{
    account::{AccountView, Ref},
    error::ProgramError,
    Address,
};

use crate::{
    errors::Fault,
    syscalls::{self, Word},
};

/// The 20-byte Ethereum address of a member's key.
pub type Member = [u8; 20];

/// Members that a group may have.
pub const MOST_MEMBERS: usize = 64;
/// Marks in the ring.
pub const MARKS: usize = 96;

/// A little-endian number without alignment.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct Le64([u8; 8]);

impl Le64 {
    const ZERO: Le64 = Le64([0; 8]);

    /// The number.
    pub fn get(&self) -> u64 {
        u64::from_le_bytes(self.0)
    }

    /// Makes it `value`.
    pub fn set(&mut self, value: u64) {
        self.0 = value.to_le_bytes();
    }
}

impl From<u64> for Le64 {
    fn from(value: u64) -> Self {
        Le64(value.to_le_bytes())
    }
}

/// An outflow limit: a leaky bucket (`limits`).
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Bucket {
    pub capacity: Le64,
    pub level: Le64,
    /// Unix seconds of the last leak.
    pub time: Le64,
    /// 0: no limit, and then everything here is zero.
    pub minutes: [u8; 2],
    pub zero: [u8; 6],
}

impl Bucket {
    /// Lets everything out.
    pub const NONE: Bucket =
        Bucket { capacity: Le64::ZERO, level: Le64::ZERO, time: Le64::ZERO, minutes: [0; 2], zero: [0; 6] };
}

/// The counters as they stood at the end of a slot.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Mark {
    pub slot: Le64,
    pub event_id: Le64,
    pub head: [u8; 24],
    pub next_action: Le64,
    pub epoch: Le64,
    pub pause_sequence: Le64,
    pub limit_version: Le64,
}

/// The bridge.
#[repr(C)]
pub struct State {
    magic: [u8; 8],
    pub bump: u8,
    pub approvers_quorum: u8,
    pub approvers_count: u8,
    pub listeners_quorum: u8,
    pub listeners_count: u8,
    pub newest_mark: u8,
    pub page_bump: u8,
    zero: [u8; 1],
    pub genesis: Word,
    pub caip2: Word,
    pub domain: Word,
    pub set_hash: Word,
    pub epoch: Le64,
    pub next_action: Le64,
    pub event_id: Le64,
    pub pause_sequence: Le64,
    pub limit_version: Le64,
    pub head: [u8; 24],
    pub event_slot: Le64,
    pub start_slot: Le64,
    pub reserve: Le64,
    pub page: Word,
    pub bucket: Bucket,
    pub processor: Member,
    zero2: [u8; 20],
    pub approvers: [Member; MOST_MEMBERS],
    pub listeners: [Member; MOST_MEMBERS],
    pub marks: [Mark; MARKS],
}

/// A token that the bridge knows.
#[repr(C)]
pub struct Token {
    magic: [u8; 8],
    pub bump: u8,
    pub ready: u8,
    pub decimals: u8,
    zero: [u8; 5],
    pub mint: Word,
    pub program: Word,
    pub vault: Word,
    pub bucket: Bucket,
}

/// What failed transfers of a token left for a recipient.
#[repr(C)]
pub struct Claim {
    magic: [u8; 8],
    pub bump: u8,
    zero: [u8; 7],
    pub token: Word,
    pub recipient: Word,
    pub payer: Word,
    pub amount: Le64,
}

/// The head of a buffer; its body follows.
#[repr(C)]
pub struct Buffer {
    magic: [u8; 8],
    pub bump: u8,
    pub processor: u8,
    zero: [u8; 2],
    pub body_length: [u8; 4],
    pub poster: Word,
    pub digest: Word,
    pub epoch: Le64,
    pub approvers: Le64,
    pub listeners: Le64,
}

/// A kind of account.
///
/// # Safety
/// The type is `repr(C)` and made of bytes only, so every sequence of bytes of its size is a value and it needs no
/// alignment.
pub unsafe trait Layout: Sized {
    /// The first bytes of its data.
    const MAGIC: [u8; 8];
    /// What an account that is not of this kind is called.
    const FAULT: Fault;
    /// Whether more may follow.
    const OPEN_END: bool = false;

    /// The address that it must have.
    fn address(&self, program_id: &Address) -> Word;
}

// SAFETY: bytes only.
unsafe impl Layout for State {
    const MAGIC: [u8; 8] = *b"trineST1";
    const FAULT: Fault = Fault::WrongState;

    fn address(&self, program_id: &Address) -> Word {
        syscalls::derived([State::SEED, &[], &[]], self.bump, program_id)
    }
}

// SAFETY: bytes only.
unsafe impl Layout for Token {
    const MAGIC: [u8; 8] = *b"trineTK1";
    const FAULT: Fault = Fault::WrongToken;

    fn address(&self, program_id: &Address) -> Word {
        syscalls::derived([Token::SEED, &self.mint, &[]], self.bump, program_id)
    }
}

// SAFETY: bytes only.
unsafe impl Layout for Claim {
    const MAGIC: [u8; 8] = *b"trineCL1";
    const FAULT: Fault = Fault::WrongClaim;

    fn address(&self, program_id: &Address) -> Word {
        syscalls::derived([Claim::SEED, &self.token, &self.recipient], self.bump, program_id)
    }
}

// SAFETY: bytes only.
unsafe impl Layout for Buffer {
    const MAGIC: [u8; 8] = *b"trineBF1";
    const FAULT: Fault = Fault::WrongBuffer;
    const OPEN_END: bool = true;

    fn address(&self, program_id: &Address) -> Word {
        syscalls::derived([Buffer::SEED, &self.poster, &self.digest], self.bump, program_id)
    }
}

impl State {
    /// The seed of its address.
    pub const SEED: &'static [u8] = b"bridge";

    /// Whether a pause stands.
    pub fn paused(&self) -> bool {
        self.pause_sequence.get() & 1 == 1
    }

    /// What value actions, deposits and claims ask first.
    pub fn require_running(&self) -> Result<(), ProgramError> {
        if self.paused() {
            return Err(Fault::BridgePaused.with(self.pause_sequence.get(), 0));
        }
        Ok(())
    }
}

impl Token {
    /// The first seed of its address.
    pub const SEED: &'static [u8] = b"token";
}

impl Claim {
    /// The first seed of its address.
    pub const SEED: &'static [u8] = b"claim";
}

impl Buffer {
    /// The first seed of its address.
    pub const SEED: &'static [u8] = b"buffer";
    /// The size of the head.
    pub const HEAD: usize = size_of::<Buffer>();
}

const _: () = assert!(size_of::<State>() == 9808);
const _: () = assert!(size_of::<Token>() == 144);
const _: () = assert!(size_of::<Claim>() == 120);
const _: () = assert!(Buffer::HEAD == 104);

/// The bytes as pieces of N; what does not fill a piece is left out.
pub fn pieces<const N: usize>(bytes: &[u8]) -> &[[u8; N]] {
    let count = bytes.len().checked_div(N).unwrap_or(0);
    // SAFETY: there are that many times N bytes, and arrays of bytes need no alignment.
    unsafe { core::slice::from_raw_parts(bytes.as_ptr().cast(), count) }
}

fn fits<T: Layout>(length: usize) -> bool {
    length == size_of::<T>() || (T::OPEN_END && length > size_of::<T>())
}

fn cast<T: Layout>(data: &[u8]) -> Option<&T> {
    if !fits::<T>(data.len()) || data.first_chunk() != Some(&T::MAGIC) {
        return None;
    }
    // SAFETY: there are enough bytes, and every sequence of bytes is a T (Layout).
    Some(unsafe { &*data.as_ptr().cast::<T>() })
}

/// The data of an account as a T; the caller has checked the account by `load`.
pub fn of<T: Layout>(data: &[u8]) -> Result<&T, ProgramError> {
    cast(data).ok_or(T::FAULT.into())
}

/// The account's data as a T that stands in it already; the caller has checked the account by `load`.
pub fn of_mut<T: Layout>(data: &mut [u8]) -> Result<&mut T, ProgramError> {
    if !fits::<T>(data.len()) || data.first_chunk() != Some(&T::MAGIC) {
        return Err(T::FAULT.into());
    }
    // SAFETY: there are enough bytes, and every sequence of bytes is a T (Layout).
    Ok(unsafe { &mut *data.as_mut_ptr().cast::<T>() })
}

/// The data of a new account (all zero) as a T with its magic.
pub fn new<T: Layout>(data: &mut [u8]) -> Result<&mut T, ProgramError> {
    *data.first_chunk_mut().ok_or(T::FAULT)? = T::MAGIC;
    of_mut(data)
}

/// The account as a T: owned by this program, of that kind and size, and at the address that its content asks for.
pub fn load<'a, T: Layout>(account: &'a AccountView, program_id: &Address) -> Result<Ref<'a, T>, ProgramError> {
    if !account.owned_by(program_id) {
        return Err(T::FAULT.into());
    }
    let value = Ref::filter_map(account.try_borrow()?, cast::<T>).map_err(|_| T::FAULT)?;
    if value.address(program_id) != *account.address().as_array() {
        return Err(T::FAULT.into());
    }
    Ok(value)
}
