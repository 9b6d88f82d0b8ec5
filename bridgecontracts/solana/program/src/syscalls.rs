//! The runtime's functions behind safe signatures.

use core::{cell::Cell, mem::MaybeUninit};

use pinocchio::{error::ProgramError, Address};
use solana_define_syscall::definitions as sys;

use crate::{errors::Fault, math::product};

/// 32 bytes: a hash, a key, or a number in big-endian order.
pub type Word = [u8; 32];

const SUCCESS: u64 = 0;
const ADDRESS_MARKER: &[u8] = b"ProgramDerivedAddress";
/// The sysvar Rent in words as the runtime lays it out: lamports per byte (and year), exemption threshold, burn percent.
const RENT_WORDS: usize = 3;
/// The sysvar Clock likewise: slot, start of the epoch, epoch, epoch of the leader schedule, Unix time.
const CLOCK_WORDS: usize = 5;
const ACCOUNT_OVERHEAD: u64 = 128;

/// keccak256 over the parts one after the other.
pub fn keccak256(parts: &[&[u8]]) -> Word {
    let mut out = MaybeUninit::<Word>::uninit();
    // SAFETY: a slice of byte slices is the pairs of address and length that the runtime reads, and it writes 32 bytes,
    // or it ends the transaction.
    unsafe {
        sys::sol_keccak256(parts.as_ptr().cast(), parts.len() as u64, out.as_mut_ptr().cast());
        out.assume_init()
    }
}

fn sha256(parts: &[&[u8]]) -> Word {
    let mut out = MaybeUninit::<Word>::uninit();
    // SAFETY: as for keccak256.
    unsafe {
        sys::sol_sha256(parts.as_ptr().cast(), parts.len() as u64, out.as_mut_ptr().cast());
        out.assume_init()
    }
}

/// The public key (64 bytes) whose signature r ‖ s over `digest` this is, or None where there is none.
pub fn recover(digest: &Word, recovery: u8, signature: &[u8; 64]) -> Option<[u8; 64]> {
    let mut key = [0; 64];
    // SAFETY: the runtime reads 32 and 64 bytes and writes at most 64.
    let result = unsafe {
        sys::sol_secp256k1_recover(digest.as_ptr(), u64::from(recovery), signature.as_ptr(), key.as_mut_ptr())
    };
    (result == SUCCESS).then_some(key)
}

/// The address of three seeds (the last of which may be empty) and a bump, without looking whether it is off the curve:
/// for comparing with a key that is known to have been derived.
pub fn derived(seeds: [&[u8]; 3], bump: u8, program_id: &Address) -> Word {
    let [a, b, c] = seeds;
    sha256(&[a, b, c, &[bump], program_id.as_array(), ADDRESS_MARKER])
}

/// The canonical address of the seeds and its bump.
pub fn find(seeds: &[&[u8]], program_id: &Address) -> Result<(Word, u8), ProgramError> {
    let (mut address, bump) = ([0; 32], Cell::new(0));
    // SAFETY: the runtime reads pairs of address and length and 32 bytes, and writes 32 bytes and one.
    let result = unsafe {
        sys::sol_try_find_program_address(
            seeds.as_ptr().cast(),
            seeds.len() as u64,
            program_id.as_array().as_ptr(),
            address.as_mut_ptr(),
            bump.as_ptr(),
        )
    };
    if result != SUCCESS {
        return Err(ProgramError::InvalidSeeds);
    }
    Ok((address, bump.get()))
}

/// Whether the transaction calls this program itself, not a program that it calls.
pub fn outermost() -> bool {
    const OUTERMOST: u64 = 1;
    // SAFETY: takes nothing.
    unsafe { sys::sol_get_stack_height() == OUTERMOST }
}

/// The present slot and Unix time in seconds.
///
/// The runtime's older functions are used here and for the rent: Surfpool's does not have sol_get_sysvar.
#[allow(deprecated)]
pub fn clock() -> Result<(u64, u64), ProgramError> {
    let mut data = [0u64; CLOCK_WORDS];
    // SAFETY: the runtime writes 40 bytes, at an address that is a multiple of 8.
    if unsafe { sys::sol_get_clock_sysvar(data.as_mut_ptr().cast()) } != SUCCESS {
        return Err(ProgramError::UnsupportedSysvar);
    }
    let [slot, .., time] = data;
    // What is negative as a signed number is before 1970.
    Ok((slot, if time > i64::MAX as u64 { 0 } else { time }))
}

/// The lamports below which an account of this size may not be left. Clusters that have not yet folded the exemption
/// threshold (two years) into the price per byte have it as a float of 2.0; nothing else has ever been set.
#[allow(deprecated)]
pub fn rent_minimum(size: usize) -> Result<u64, ProgramError> {
    let mut data = [0u64; RENT_WORDS];
    // SAFETY: the runtime writes 24 bytes, at an address that is a multiple of 8.
    if unsafe { sys::sol_get_rent_sysvar(data.as_mut_ptr().cast()) } != SUCCESS {
        return Err(ProgramError::UnsupportedSysvar);
    }
    let [price, threshold, _] = data;
    let years = match threshold {
        0x3ff0_0000_0000_0000 => 1,
        0x4000_0000_0000_0000 => 2,
        _ => return Err(ProgramError::UnsupportedSysvar),
    };
    (size as u64)
        .checked_add(ACCOUNT_OVERHEAD)
        .and_then(|bytes| product(bytes, price))
        .and_then(|lamports| product(lamports, years))
        .ok_or(Fault::Overflow.into())
}

/// Copies as much as both have.
pub fn copy(to: &mut [u8], from: &[u8]) {
    let size = to.len().min(from.len());
    // SAFETY: both have `size` bytes, and `to` is borrowed alone, so they do not overlap.
    unsafe { sys::sol_memcpy_(to.as_mut_ptr(), from.as_ptr(), size as u64) }
}

/// Makes all bytes zero.
pub fn clear(bytes: &mut [u8]) {
    // SAFETY: the runtime writes as many bytes as there are.
    unsafe { sys::sol_memset_(bytes.as_mut_ptr(), 0, bytes.len() as u64) }
}

/// A line in the log.
pub fn log(text: &str) {
    // SAFETY: the runtime reads `len` bytes.
    unsafe { sys::sol_log_(text.as_ptr(), text.len() as u64) }
}

/// Two numbers in the log.
pub fn log_numbers(a: u64, b: u64) {
    // SAFETY: takes numbers only.
    unsafe { sys::sol_log_64_(a, b, 0, 0, 0) }
}
