//! Who signed: signatures in the instruction, or a buffer that has collected them, against the set in the state.

use pinocchio::error::ProgramError;

use crate::{
    errors::Fault,
    layout::{Buffer, Member, State, MOST_MEMBERS},
    reader::Reader,
    syscalls::{keccak256, recover, Word},
};

/// The processor signs.
pub const PROCESSOR: u8 = 1;
/// The approvers' quorum signs.
pub const APPROVERS: u8 = 2;
/// The listeners' quorum signs.
pub const LISTENERS: u8 = 4;
/// One approver signs, whatever the quorum.
pub const ONE_APPROVER: u8 = 8;

/// Half of the order of secp256k1: the largest s that counts.
const HALF_ORDER: Word = [
    0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, //
    0x5d, 0x57, 0x6e, 0x73, 0x57, 0xa4, 0x50, 0x1d, 0xdf, 0xe9, 0x2f, 0x46, 0x68, 0x1b, 0x20, 0xa0,
];
const RECOVERY_BIT: u8 = 0x80;

/// What must be signed, by whom, and the bytes at the end of the data.
pub struct Demand<'a> {
    pub digest: &'a Word,
    pub groups: u8,
    pub seal: &'a [u8],
}

/// Where the signatures are.
pub enum Seal<'a> {
    /// At the end of the instruction data.
    Inline(&'a [u8]),
    /// In a buffer; its digest and epoch have been compared.
    Buffer(&'a Buffer),
}

impl Seal<'_> {
    /// Refuses unless the asked-for members of the held set signed `digest`.
    pub fn check(&self, state: &State, groups: u8, digest: &Word) -> Result<(), ProgramError> {
        match self {
            Seal::Inline(bytes) => check_inline(bytes, state, groups, digest),
            Seal::Buffer(buffer) => check_buffer(buffer, state, groups),
        }
    }
}

/// How many approvers and listeners must sign.
fn quorums(state: &State, groups: u8) -> (u8, u8) {
    let approvers = match groups & (APPROVERS | ONE_APPROVER) {
        0 => 0,
        ONE_APPROVER => 1,
        _ => state.approvers_quorum,
    };
    (approvers, if groups & LISTENERS == 0 { 0 } else { state.listeners_quorum })
}

fn check_inline(bytes: &[u8], state: &State, groups: u8, digest: &Word) -> Result<(), ProgramError> {
    let (approvers, listeners) = quorums(state, groups);
    let mut data = Reader::new(bytes);
    if groups & PROCESSOR != 0 {
        let signature = data.take().map_err(|_| Fault::BadSealLength)?;
        check_signature(signature, digest, &state.processor)?;
    }
    check_members(&mut data, digest, &Group::approvers(state, approvers), |_| true)?;
    check_members(&mut data, digest, &Group::listeners(state, listeners), |_| true)?;
    data.finish().map_err(|_| Fault::BadSealLength.into())
}

fn check_buffer(buffer: &Buffer, state: &State, groups: u8) -> Result<(), ProgramError> {
    let (approvers, listeners) = quorums(state, groups);
    let enough = |signed: u64, quorum: u8| signed.count_ones() >= u32::from(quorum);
    let processor = groups & PROCESSOR == 0 || buffer.processor == 1;
    if processor && enough(buffer.approvers.get(), approvers) && enough(buffer.listeners.get(), listeners) {
        return Ok(());
    }
    Err(Fault::QuorumMissing
        .with(buffer.approvers.get().count_ones().into(), buffer.listeners.get().count_ones().into()))
}

/// A group of the held set, and how many signatures of it follow.
pub struct Group<'a> {
    members: &'a [Member; MOST_MEMBERS],
    count: u8,
    signatures: u8,
}

impl<'a> Group<'a> {
    /// The approvers.
    pub fn approvers(state: &'a State, signatures: u8) -> Self {
        Group { members: &state.approvers, count: state.approvers_count, signatures }
    }

    /// The listeners.
    pub fn listeners(state: &'a State, signatures: u8) -> Self {
        Group { members: &state.listeners, count: state.listeners_count, signatures }
    }
}

/// Reads a group's entries and checks those that `wanted` asks for by their index: ascending indices into
/// an ascending list, so nobody signs twice and the order is one.
pub fn check_members(
    data: &mut Reader,
    digest: &Word,
    group: &Group,
    mut wanted: impl FnMut(u8) -> bool,
) -> Result<(), ProgramError> {
    let mut previous = None;
    for _ in 0..group.signatures {
        let index = data.u8().map_err(|_| Fault::BadSealLength)?;
        let signature = data.take().map_err(|_| Fault::BadSealLength)?;
        let member = group.members.get(usize::from(index)).filter(|_| index < group.count);
        let member = member.ok_or_else(|| Fault::NoSuchMember.with(index.into(), group.count.into()))?;
        if previous.is_some_and(|previous| index <= previous) {
            return Err(Fault::SignersNotAscending.into());
        }
        previous = Some(index);
        if wanted(index) {
            check_signature(signature, digest, member)?;
        }
    }
    Ok(())
}

#[inline(never)]
/// r ‖ vs, where vs is the low s with the recovery bit as its highest bit (EIP-2098).
pub fn check_signature(signature: &[u8; 64], digest: &Word, member: &Member) -> Result<(), ProgramError> {
    let mut plain = *signature;
    let (_, s) = plain.split_at_mut(32);
    let mut recovery = 0;
    if let Some(first) = s.first_mut() {
        recovery = *first >> 7;
        *first &= !RECOVERY_BIT;
    }
    if &*s > HALF_ORDER.as_slice() {
        return Err(Fault::HighS.into());
    }
    let key = recover(digest, recovery, &plain).ok_or(Fault::WrongSigner)?;
    if keccak256(&[&key]).last_chunk() != Some(member) {
        return Err(Fault::WrongSigner.into());
    }
    Ok(())
}
