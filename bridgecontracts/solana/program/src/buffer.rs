//! What does not fit into one transaction: which members have signed a digest, and the body of an action.

use pinocchio::{
    account::{AccountView, Ref},
    cpi::{Seed, Signer},
    error::ProgramError,
    Address, ProgramResult,
};

use crate::{
    accounts::{self, require_key},
    errors::Fault,
    layout::{self, Buffer, Le64, State},
    seal::{check_members, check_signature, Group},
    syscalls::{copy, derived, Word},
    system::{self, Makers},
    Input,
};

/// As large as an account may be made by a call.
const MOST_SIZE: usize = 10_240;

/// Instruction 11: `OpenBuffer`.
#[inline(never)]
pub fn open(input: Input) -> ProgramResult {
    let Input { program_id, mut accounts, mut data } = input;
    let bump = data.u8()?;
    let digest: &Word = data.take()?;
    let length = data.u32()?;
    data.finish()?;
    let (poster, state, buffer) = (accounts.signer()?, accounts.next()?, accounts.writable()?);
    let system = accounts.next()?;
    let size = usize::try_from(length).ok().and_then(|length| length.checked_add(Buffer::HEAD));
    let size = size.filter(|size| *size <= MOST_SIZE).ok_or_else(|| Fault::BadBodyRange.with(0, length.into()))?;
    let epoch = layout::load::<State>(state, program_id)?.epoch;
    let key = poster.address().as_array();
    require_key(buffer, &derived([Buffer::SEED, key, digest], bump, program_id), Fault::WrongBuffer)?;
    if buffer.owned_by(program_id) {
        return Err(Fault::BufferExists.into());
    }
    let bumps = [bump];
    let seeds = [Seed::from(Buffer::SEED), Seed::from(key), Seed::from(digest), Seed::from(&bumps)];
    let makers = Makers { program_id, payer: poster, system: Some(system), associated: None };
    system::create(&makers, buffer, size, &Signer::from(&seeds))?;
    let mut account = *buffer;
    let mut data = account.try_borrow_mut()?;
    let buffer: &mut Buffer = layout::new(&mut data)?;
    buffer.bump = bump;
    buffer.body_length = length.to_le_bytes();
    buffer.poster = *key;
    buffer.digest = *digest;
    buffer.epoch = epoch;
    Ok(())
}

/// Instruction 12: `PostBody`.
#[inline(never)]
pub fn post_body(input: Input) -> ProgramResult {
    let Input { program_id, mut accounts, mut data } = input;
    let offset = data.u32()?;
    let part = data.rest();
    let (poster, buffer) = (accounts.signer()?, accounts.writable()?);
    drop(borrow(buffer, program_id, poster)?);
    let start = usize::try_from(offset).ok().and_then(|offset| offset.checked_add(Buffer::HEAD));
    let start = start.ok_or(Fault::BadBodyRange)?;
    let end = start.checked_add(part.len()).ok_or(Fault::BadBodyRange)?;
    let mut account = *buffer;
    let mut data = account.try_borrow_mut()?;
    let place = data.get_mut(start..end);
    copy(place.ok_or_else(|| Fault::BadBodyRange.with(offset.into(), part.len() as u64))?, part);
    Ok(())
}

/// Instruction 13: `PostSignatures`.
#[inline(never)]
pub fn post_signatures(input: Input) -> ProgramResult {
    let Input { program_id, mut accounts, mut data } = input;
    let (processor, approvers, listeners) = (data.u8()?, data.u8()?, data.u8()?);
    if processor > 1 {
        return Err(Fault::BadData.into());
    }
    let (state, account) = (accounts.next()?, accounts.writable()?);
    let state = layout::load::<State>(state, program_id)?;
    drop(layout::load::<Buffer>(account, program_id)?);
    let mut account = *account;
    let mut bytes = account.try_borrow_mut()?;
    let buffer: &mut Buffer = layout::of_mut(&mut bytes)?;
    require_epoch(buffer, &state)?;
    if processor == 1 {
        let signature = data.take().map_err(|_| Fault::BadSealLength)?;
        if buffer.processor == 0 {
            check_signature(signature, &buffer.digest, &state.processor)?;
            buffer.processor = 1;
        }
    }
    let digest = buffer.digest;
    let mut wanted = missing(&mut buffer.approvers);
    check_members(&mut data, &digest, &Group::approvers(&state, approvers), &mut wanted)?;
    let mut wanted = missing(&mut buffer.listeners);
    check_members(&mut data, &digest, &Group::listeners(&state, listeners), &mut wanted)?;
    data.finish().map_err(|_| Fault::BadSealLength.into())
}

/// Sets a member's bit; true when it was not there before, and then its signature is asked for. One that fails undoes
/// the whole instruction, so no bit outlives it.
fn missing(signed: &mut Le64) -> impl FnMut(u8) -> bool + '_ {
    |index| {
        let before = signed.get();
        let after = before | 1_u64.checked_shl(index.into()).unwrap_or(0);
        signed.set(after);
        after != before
    }
}

/// Instruction 14: `CloseBuffer`.
#[inline(never)]
pub fn close(input: Input) -> ProgramResult {
    let Input { program_id, mut accounts, data } = input;
    data.finish()?;
    let (poster, buffer) = (accounts.signer()?, accounts.writable()?);
    accounts::require_writable(poster)?;
    drop(borrow(buffer, program_id, poster)?);
    accounts::close(buffer, poster)
}

/// The data of a buffer that belongs to this poster.
pub fn borrow<'a>(
    account: &'a AccountView,
    program_id: &Address,
    poster: &AccountView,
) -> Result<Ref<'a, [u8]>, ProgramError> {
    require_key(poster, &layout::load::<Buffer>(account, program_id)?.poster, Fault::WrongPoster)?;
    account.try_borrow()
}

/// The head of a buffer's data.
pub fn head(data: &[u8]) -> Result<&Buffer, ProgramError> {
    layout::of(data)
}

/// The body in a buffer's data.
pub fn body(data: &[u8]) -> &[u8] {
    data.get(Buffer::HEAD..).unwrap_or(&[])
}

/// Refuses a buffer of another digest or epoch.
pub fn require_digest(buffer: &Buffer, state: &State, digest: &Word) -> ProgramResult {
    if buffer.digest != *digest {
        return Err(Fault::WrongBuffer.into());
    }
    require_epoch(buffer, state)
}

fn require_epoch(buffer: &Buffer, state: &State) -> ProgramResult {
    if buffer.epoch.get() != state.epoch.get() {
        return Err(Fault::StaleBuffer.with(state.epoch.get(), buffer.epoch.get()));
    }
    Ok(())
}
