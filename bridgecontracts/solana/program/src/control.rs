//! The control lane: runs at once, whatever the value lane waits for, also while paused.

use pinocchio::{error::ProgramError, ProgramResult};

use crate::{
    envelope::Envelope,
    errors::Fault,
    journal::{Event, Lane},
    layout::{self, State, Token},
    mint::NATIVE,
    seal::{self, Demand},
    set::Set,
    syscalls::{keccak256, Word},
    system::Makers,
    token,
    words::{self, number},
    Input,
};

const ROTATE: u8 = 1;
const PAUSE: u8 = 2;
const UNPAUSE: u8 = 3;
const SET_LIMIT: u8 = 4;

/// The pairs of groups that may rotate.
const PAIRS: [u8; 3] =
    [seal::PROCESSOR | seal::APPROVERS, seal::PROCESSOR | seal::LISTENERS, seal::APPROVERS | seal::LISTENERS];

/// Instruction 6: `Rotate`.
#[inline(never)]
pub fn rotate(mut input: Input) -> ProgramResult {
    let (flags, groups) = (input.data.u8()?, input.data.u8()?);
    if !PAIRS.contains(&groups) {
        return Err(Fault::BadGroups.with(groups.into(), 0));
    }
    let lane = Lane::open(&mut input)?;
    let envelope = Envelope::open(&lane, flags, &mut input.accounts)?;
    let (epoch, hash) = {
        let (set, seal) = envelope.body(input.data, Set::read)?;
        lane.read(|state| match state.epoch.get() {
            held if set.epoch > held => Ok(()),
            held => Err(Fault::EpochNotHigher.with(held, set.epoch)),
        })?;
        let hash = set.hash();
        authorize(&lane, &envelope, &Order { kind: ROTATE, sequence: set.epoch, body: &hash, groups, seal })?;
        lane.write(|state| {
            set.install(state, &hash);
            Ok(())
        })?;
        (set.epoch, hash)
    };
    lane.record(&Event::SetRotated { epoch, set_hash: &hash })?;
    envelope.close()
}

/// Instruction 7: `Pause`.
#[inline(never)]
pub fn pause(input: Input) -> ProgramResult {
    switch(input, true)
}

/// Instruction 8: `Unpause`.
#[inline(never)]
pub fn unpause(input: Input) -> ProgramResult {
    switch(input, false)
}

/// The common counter: odd sequences pause, even ones end the pause, so no signature works twice.
#[inline(never)]
fn switch(mut input: Input, stop: bool) -> ProgramResult {
    let (flags, sequence) = (input.data.u8()?, input.data.u64()?);
    let lane = Lane::open(&mut input)?;
    let envelope = Envelope::open(&lane, flags, &mut input.accounts)?;
    envelope.require_inline_body()?;
    lane.read(|state| {
        if state.paused() == stop {
            return Err(Fault::WrongPauseState.with(state.pause_sequence.get(), sequence));
        }
        require_next(state.pause_sequence.get(), sequence)
    })?;
    let (groups, kind) = if stop { (seal::ONE_APPROVER, PAUSE) } else { (seal::PROCESSOR | seal::APPROVERS, UNPAUSE) };
    let seal = input.data.rest();
    authorize(&lane, &envelope, &Order { kind, sequence, body: &words::NOTHING, groups, seal })?;
    lane.write(|state| {
        state.pause_sequence.set(sequence);
        Ok(())
    })?;
    lane.record(&if stop { Event::Paused { sequence } } else { Event::Unpaused { sequence } })?;
    envelope.close()
}

/// Instruction 9: `SetLimit`.
#[inline(never)]
pub fn set_limit(mut input: Input) -> ProgramResult {
    let (flags, sequence) = (input.data.u8()?, input.data.u64()?);
    let token: &Word = input.data.take()?;
    let (capacity, window) = (input.data.u64()?, input.data.u64()?);
    if *token == words::ZERO {
        return Err(Fault::ZeroValue.into());
    }
    let lane = Lane::open(&mut input)?;
    let envelope = Envelope::open(&lane, flags, &mut input.accounts)?;
    envelope.require_inline_body()?;
    let program_id = input.program_id;
    let (account, system) = (input.accounts.next()?, input.accounts.optional(program_id)?);
    let sol = token == NATIVE.as_array();
    let now = lane.now;
    lane.read(|state| require_next(state.limit_version.get(), sequence))?;
    if !sol {
        token::ensure(&Makers { program_id, payer: lane.actor, system, associated: None }, account, token)?;
    }
    let (bucket, raised) = if sol {
        lane.read(|state| state.bucket.change(capacity, window, now))?
    } else {
        layout::load::<Token>(account, program_id)?.bucket.change(capacity, window, now)?
    };
    let body = keccak256(&[token, &number(capacity), &number(window)]);
    let listeners = if raised { seal::LISTENERS } else { 0 };
    let groups = seal::PROCESSOR | seal::APPROVERS | listeners;
    let seal = input.data.rest();
    authorize(&lane, &envelope, &Order { kind: SET_LIMIT, sequence, body: &body, groups, seal })?;
    lane.write(|state| {
        state.limit_version.set(sequence);
        if sol {
            state.bucket = bucket;
        }
        Ok(())
    })?;
    if !sol {
        token::change(account, |token| token.bucket = bucket)?;
    }
    lane.record(&Event::LimitSet { sequence, token, capacity, window })?;
    envelope.close()
}

fn require_next(last: u64, given: u64) -> Result<(), ProgramError> {
    if last.checked_add(1) == Some(given) {
        return Ok(());
    }
    Err(Fault::WrongSequence.with(last.saturating_add(1), given))
}

/// A control action and who must have signed it.
struct Order<'a> {
    kind: u8,
    sequence: u64,
    body: &'a Word,
    groups: u8,
    seal: &'a [u8],
}

#[inline(never)]
fn authorize(lane: &Lane, envelope: &Envelope, order: &Order) -> ProgramResult {
    let digest = lane.read(|state: &State| {
        Ok(words::control(&state.domain, state.epoch.get(), order.kind, order.sequence, order.body))
    })?;
    envelope.check(lane, &Demand { digest: &digest, groups: order.groups, seal: order.seal })
}
