//! Events: each takes the next id, extends the head, leaves a mark for its slot, and is recorded by an inner instruction
//! of this program that only this program can make, because the page signs it.

use pinocchio::{
    account::AccountView,
    cpi::{invoke_signed, Seed, Signer},
    error::ProgramError,
    instruction::{InstructionAccount, InstructionView},
    Address, ProgramResult,
};

use crate::{
    accounts::{require_key, require_writable},
    errors::Fault,
    layout::{self, Mark, State, MARKS},
    syscalls::{clock, copy, derived, find, Word},
    words::{self, number},
    Input,
};

/// The tag of the instruction that records.
pub const RECORD: u8 = 15;

const PAGE_SEED: &[u8] = b"events";
const PAGE_EVENTS: u64 = 256;
/// The number of the page that never turns: whoever fears that a page will have turned when his transaction lands names it.
const ENDLESS: u64 = u64::MAX;
/// Tag, bump, kind and the counters; then the fields, of which four keys of a deposit are the longest.
const MOST_DATA: usize = 75 + 73 + 4 * 98;

/// What a bridge tells. Tokens, wallets and hashes are words.
pub enum Event<'a> {
    Deposited { wallet: &'a Word, token: &'a Word, amount: u64, keys: &'a [[u8; 98]] },
    ActionExecuted { id: u64, digest: &'a Word, failed: &'a Word },
    SetRotated { epoch: u64, set_hash: &'a Word },
    Paused { sequence: u64 },
    Unpaused { sequence: u64 },
    LimitSet { sequence: u64, token: &'a Word, capacity: u64, window: u64 },
    Claimed { token: &'a Word, recipient: &'a Word, amount: u64 },
}

impl Event<'_> {
    fn kind(&self) -> u8 {
        match self {
            Event::Deposited { .. } => 1,
            Event::ActionExecuted { .. } => 2,
            Event::SetRotated { .. } => 3,
            Event::Paused { .. } => 4,
            Event::Unpaused { .. } => 5,
            Event::LimitSet { .. } => 6,
            Event::Claimed { .. } => 7,
        }
    }

    /// The event hash.
    fn hash(&self, id: u64) -> Word {
        let hash = |fields: &[&Word]| words::event(self.kind(), id, fields);
        match *self {
            Event::Deposited { wallet, token, amount, keys } => {
                hash(&[wallet, token, &number(amount), &words::keys(keys)])
            }
            Event::ActionExecuted { id, digest, failed } => hash(&[&number(id), digest, failed]),
            Event::SetRotated { epoch, set_hash } => hash(&[&number(epoch), set_hash]),
            Event::Paused { sequence } | Event::Unpaused { sequence } => hash(&[&number(sequence)]),
            Event::LimitSet { sequence, token, capacity, window } => {
                hash(&[&number(sequence), token, &number(capacity), &number(window)])
            }
            Event::Claimed { token, recipient, amount } => hash(&[token, recipient, &number(amount)]),
        }
    }

    /// The fields as they are recorded.
    fn write(&self, out: &mut Writer) -> Result<(), ProgramError> {
        match *self {
            Event::Deposited { wallet, token, amount, keys } => {
                let count = u8::try_from(keys.len()).map_err(|_| Fault::BadKeysLength)?;
                out.push(wallet)?;
                out.push(token)?;
                out.u64(amount)?;
                out.push(&[count])?;
                out.push(keys.as_flattened())
            }
            Event::ActionExecuted { id, digest, failed } => {
                out.u64(id)?;
                out.push(digest)?;
                out.push(failed)
            }
            Event::SetRotated { epoch, set_hash } => {
                out.u64(epoch)?;
                out.push(set_hash)
            }
            Event::Paused { sequence } | Event::Unpaused { sequence } => out.u64(sequence),
            Event::LimitSet { sequence, token, capacity, window } => {
                out.u64(sequence)?;
                out.push(token)?;
                out.u64(capacity)?;
                out.u64(window)
            }
            Event::Claimed { token, recipient, amount } => {
                out.push(token)?;
                out.push(recipient)?;
                out.u64(amount)
            }
        }
    }
}

/// The accounts that come first wherever an event is recorded, checked, and the present time.
pub struct Lane<'a> {
    pub program_id: &'a Address,
    pub actor: &'a AccountView,
    pub state: &'a AccountView,
    page: &'a AccountView,
    /// The bump of the endless page, when it is that.
    endless: Option<u8>,
    program: &'a AccountView,
    slot: u64,
    /// Unix seconds.
    pub now: u64,
}

impl<'a> Lane<'a> {
    /// Takes the four accounts.
    #[inline(never)]
    pub fn open(input: &mut Input<'a>) -> Result<Self, ProgramError> {
        let (program_id, accounts) = (input.program_id, &mut input.accounts);
        let actor = accounts.signer()?;
        let state = accounts.next()?;
        let page = accounts.next()?;
        let turning = *page.address().as_array() == layout::load::<State>(state, program_id)?.page;
        let endless = if turning { None } else { Some(endless(page, program_id)?) };
        require_writable(state)?;
        let program = accounts.exactly(program_id, Fault::WrongProgram)?;
        let (slot, now) = clock()?;
        Ok(Lane { program_id, actor, state, page, endless, program, slot, now })
    }

    /// The bridge's key as a word.
    pub fn bridge(&self) -> &'a Word {
        self.state.address().as_array()
    }

    /// Reads the state. Nothing may be called while `read` runs that is passed the state account.
    pub fn read<T>(&self, read: impl FnOnce(&State) -> Result<T, ProgramError>) -> Result<T, ProgramError> {
        let mut account = *self.state;
        let mut data = account.try_borrow_mut()?;
        read(layout::of_mut(&mut data)?)
    }

    /// Changes the state.
    pub fn write<T>(&self, write: impl FnOnce(&mut State) -> Result<T, ProgramError>) -> Result<T, ProgramError> {
        let mut account = *self.state;
        let mut data = account.try_borrow_mut()?;
        write(layout::of_mut(&mut data)?)
    }

    /// Tells the event: the counters first, then the record.
    #[inline(never)]
    pub fn record(&self, event: &Event) -> ProgramResult {
        let mut data = Writer::new();
        let (page_number, bump) = self.write(|state| self.extend(state, event, &mut data))?;
        let metas = [InstructionAccount::readonly_signer(self.page.address())];
        let instruction =
            InstructionView { program_id: self.program.address(), accounts: &metas, data: data.written() };
        let (page_number, bump) = (page_number.to_le_bytes(), [bump]);
        let seeds = [Seed::from(PAGE_SEED), Seed::from(&page_number), Seed::from(&bump)];
        invoke_signed(&instruction, &[self.page], &[Signer::from(&seeds)])
    }

    /// Moves the counters on, writes the record, and returns the page that signs it.
    fn extend(&self, state: &mut State, event: &Event, out: &mut Writer) -> Result<(u64, u8), ProgramError> {
        let before = state.event_id.get();
        let id = before.checked_add(1).ok_or(Fault::Overflow)?;
        let page = self.endless.map_or((before / PAGE_EVENTS, state.page_bump), |bump| (ENDLESS, bump));
        state.event_id.set(id);
        state.head = words::extend(&state.head, &event.hash(id));
        out.push(&[RECORD, page.1, event.kind()])?;
        out.u64(id)?;
        out.u64(state.event_slot.get())?;
        out.push(&state.head)?;
        out.u64(state.next_action.get())?;
        out.u64(state.epoch.get())?;
        out.u64(state.pause_sequence.get())?;
        out.u64(state.limit_version.get())?;
        event.write(out)?;
        state.event_slot.set(self.slot);
        mark(state, self.slot)?;
        if id % PAGE_EVENTS == 0 {
            turn_page(state, self.program_id)?;
        }
        Ok(page)
    }
}

/// The bump of the endless page, which the account must be.
fn endless(page: &AccountView, program_id: &Address) -> Result<u8, ProgramError> {
    let (address, bump) = find(&[PAGE_SEED, &ENDLESS.to_le_bytes()], program_id)?;
    require_key(page, &address, Fault::StalePage)?;
    Ok(bump)
}

/// Writes the counters into the mark of this slot.
pub fn mark(state: &mut State, slot: u64) -> Result<(), ProgramError> {
    let newest = usize::from(state.newest_mark);
    let next = match state.marks.get(newest) {
        Some(mark) if mark.slot.get() != slot && mark.slot.get() != 0 => {
            newest.checked_add(1).filter(|next| *next < MARKS).unwrap_or(0)
        }
        _ => newest,
    };
    state.newest_mark = u8::try_from(next).map_err(|_| Fault::Overflow)?;
    *state.marks.get_mut(next).ok_or(Fault::WrongState)? = Mark {
        slot: slot.into(),
        event_id: state.event_id,
        head: state.head,
        next_action: state.next_action,
        epoch: state.epoch,
        pause_sequence: state.pause_sequence,
        limit_version: state.limit_version,
    };
    Ok(())
}

/// Finds the page of the next event.
pub fn turn_page(state: &mut State, program_id: &Address) -> Result<(), ProgramError> {
    let number = state.event_id.get() / PAGE_EVENTS;
    (state.page, state.page_bump) = find(&[PAGE_SEED, &number.to_le_bytes()], program_id)?;
    Ok(())
}

/// The `Record` instruction: does nothing but to be there. Its account must have signed and be the page that the id
/// belongs to, or the endless one, and only this program signs for a page.
pub fn accept(input: Input) -> ProgramResult {
    let Input { program_id, mut accounts, mut data } = input;
    let page = accounts.next()?;
    let (bump, _kind, id) = (data.u8()?, data.u8()?, data.u64()?);
    let number = id.checked_sub(1).ok_or(Fault::NotAPage)? / PAGE_EVENTS;
    let is =
        |number: u64| *page.address().as_array() == derived([PAGE_SEED, &number.to_le_bytes(), &[]], bump, program_id);
    if page.is_signer() && (is(number) || is(ENDLESS)) {
        return Ok(());
    }
    Err(Fault::NotAPage.into())
}

/// A record while it is written.
struct Writer {
    bytes: [u8; MOST_DATA],
    length: usize,
}

impl Writer {
    fn new() -> Self {
        Writer { bytes: [0; MOST_DATA], length: 0 }
    }

    fn push(&mut self, field: &[u8]) -> Result<(), ProgramError> {
        let end = self.length.checked_add(field.len()).ok_or(Fault::Overflow)?;
        copy(self.bytes.get_mut(self.length..end).ok_or(Fault::Overflow)?, field);
        self.length = end;
        Ok(())
    }

    fn u64(&mut self, value: u64) -> Result<(), ProgramError> {
        self.push(&value.to_le_bytes())
    }

    fn written(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or(&[])
    }
}
