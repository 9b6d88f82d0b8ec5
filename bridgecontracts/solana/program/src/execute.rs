//! The value lane: the next action, and only with its seal.

use pinocchio::{error::ProgramError, ProgramResult};

use crate::{
    call::Call,
    envelope::Envelope,
    errors::Fault,
    journal::{Event, Lane},
    layout::State,
    payout::Purse,
    seal::{self, Demand},
    syscalls::Word,
    transfers::{Batch, Transfers, MOST_TOKENS},
    words, Input,
};

const TRANSFERS: u8 = 1;
const CALL: u8 = 2;
const NOOP: u8 = 3;

/// Who signs what pays, and what calls.
const PAYING: u8 = seal::PROCESSOR | seal::APPROVERS;
const CALLING: u8 = PAYING | seal::LISTENERS;

/// Instruction 5: `Execute`.
#[inline(never)]
pub fn execute(mut input: Input) -> ProgramResult {
    let (flags, id, kind) = (input.data.u8()?, input.data.u64()?, input.data.u8()?);
    let lane = Lane::open(&mut input)?;
    let envelope = Envelope::open(&lane, flags, &mut input.accounts)?;
    let value = Value { lane: &lane, envelope: &envelope, id };
    match kind {
        TRANSFERS => value.transfers(&input)?,
        CALL => value.call(&input)?,
        NOOP => value.noop(&input)?,
        _ => return Err(Fault::BadData.into()),
    }
    envelope.close()
}

/// A value action on its way.
struct Value<'v, 'a> {
    lane: &'v Lane<'a>,
    envelope: &'v Envelope<'a>,
    id: u64,
}

/// What is to be authorised.
struct Body<'b> {
    kind: u8,
    hash: &'b Word,
    groups: u8,
    seal: &'b [u8],
}

impl<'v> Value<'v, 'v> {
    #[inline(never)]
    fn transfers(&self, input: &Input<'v>) -> ProgramResult {
        let (batch, seal) = self.envelope.body(input.data, Batch::read)?;
        let mut tokens = [None; MOST_TOKENS];
        let transfers = Transfers::open(input, batch, &mut tokens)?;
        let body = transfers.hash()?;
        let digest = self.authorize(&Body { kind: TRANSFERS, hash: &body, groups: PAYING, seal })?;
        let mut purse = Purse::new();
        let failed = transfers.pay(self.lane, &mut purse)?;
        self.executed(&digest, &failed)?;
        purse.settle(self.lane)
    }

    #[inline(never)]
    fn call(&self, input: &Input<'v>) -> ProgramResult {
        let (call, seal) = self.envelope.body(input.data, Call::read)?;
        let digest = self.authorize(&Body { kind: CALL, hash: &call.hash(), groups: CALLING, seal })?;
        let mut failed = words::ZERO;
        if !call.run(self.lane, input.accounts)? {
            failed = words::number(1);
        }
        self.executed(&digest, &failed)
    }

    #[inline(never)]
    fn noop(&self, input: &Input) -> ProgramResult {
        self.envelope.require_inline_body()?;
        let seal = input.data.rest();
        let digest = self.authorize(&Body { kind: NOOP, hash: &words::NOTHING, groups: PAYING, seal })?;
        self.executed(&digest, &words::ZERO)
    }

    /// Lets the next action through, and only with its seal. The id is used up before anyone is called.
    fn authorize(&self, body: &Body) -> Result<Word, ProgramError> {
        let digest = self.lane.read(|state: &State| {
            state.require_running()?;
            let next = state.next_action.get();
            if self.id != next {
                return Err(Fault::WrongActionId.with(next, self.id));
            }
            Ok(words::action(&state.domain, state.epoch.get(), self.id, body.kind, body.hash))
        })?;
        self.envelope.check(self.lane, &Demand { digest: &digest, groups: body.groups, seal: body.seal })?;
        self.lane.write(|state| {
            state.next_action.set(self.id.checked_add(1).ok_or(Fault::Overflow)?);
            Ok(())
        })?;
        Ok(digest)
    }

    fn executed(&self, digest: &Word, failed: &Word) -> ProgramResult {
        self.lane.record(&Event::ActionExecuted { id: self.id, digest, failed })
    }
}
