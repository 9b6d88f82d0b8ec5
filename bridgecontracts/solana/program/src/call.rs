//! A governance call into another program, in the name of the bridge.

use pinocchio::{
    cpi::{invoke_signed_with_bounds, Seed, Signer},
    error::ProgramError,
    instruction::{InstructionAccount, InstructionView},
};

use crate::{
    accounts::{require_key, Accounts},
    errors::Fault,
    journal::Lane,
    layout::State,
    reader::Reader,
    syscalls::{keccak256, Word},
    system, words,
};

const MOST_ACCOUNTS: usize = 32;
const SIGNER: u8 = 1;
const WRITABLE: u8 = 2;

/// A call as it is signed.
pub struct Call<'a> {
    target: &'a Word,
    value: &'a Word,
    data: &'a [u8],
}

/// What the call's data say: the accounts and the instruction data for the target.
struct Parts<'a> {
    count: u8,
    metas: Reader<'a>,
    data: &'a [u8],
}

impl<'a> Call<'a> {
    /// Reads to the end of the call's data.
    pub fn read(data: &mut Reader<'a>) -> Result<Self, ProgramError> {
        let (target, value, length) = (data.take()?, data.take()?, data.u16()?);
        Ok(Call { target, value, data: data.bytes(length.into())? })
    }

    /// The body hash.
    pub fn hash(&self) -> Word {
        keccak256(&[self.target, self.value, &keccak256(&[self.data])])
    }

    /// Calls; false when it is none that can be made. A target that fails takes the transaction down.
    #[inline(never)]
    pub fn run(&self, lane: &Lane, mut accounts: Accounts) -> Result<bool, ProgramError> {
        let target = accounts.next()?;
        require_key(target, self.target, Fault::WrongCallAccount)?;
        let Some(parts) = self.parts() else {
            return Ok(false);
        };
        if *self.value != words::ZERO || target.address() == lane.program_id || !target.executable() {
            return Ok(false);
        }
        let count = usize::from(parts.count);
        let mut named = parts.metas;
        let mut views = [lane.state; MOST_ACCOUNTS];
        let mut metas = [const { InstructionAccount::readonly(&system::ID) }; MOST_ACCOUNTS];
        for (view, meta) in views.iter_mut().zip(&mut metas).take(count) {
            let (key, flags) = (named.take()?, named.u8()?);
            let account = accounts.next()?;
            require_key(account, key, Fault::WrongCallAccount)?;
            *view = account;
            *meta = InstructionAccount::new(account.address(), flags & WRITABLE != 0, flags & SIGNER != 0);
        }
        let metas = metas.get(..count).ok_or(Fault::Overflow)?;
        let instruction = InstructionView { program_id: target.address(), accounts: metas, data: parts.data };
        let bump = lane.read(|state| Ok([state.bump]))?;
        let seeds = [Seed::from(State::SEED), Seed::from(&bump)];
        invoke_signed_with_bounds::<MOST_ACCOUNTS, _>(&instruction, &views, &[Signer::from(&seeds)])?;
        Ok(true)
    }

    /// None when the data are not of the form that the README gives.
    fn parts(&self) -> Option<Parts<'a>> {
        let mut data = Reader::new(self.data);
        let count = data.u8().ok().filter(|count| usize::from(*count) <= MOST_ACCOUNTS)?;
        let metas = data;
        for _ in 0..count {
            data.take::<32>().ok()?;
            data.u8().ok().filter(|flags| flags & !(SIGNER | WRITABLE) == 0)?;
        }
        Some(Parts { count, metas, data: data.rest() })
    }
}
