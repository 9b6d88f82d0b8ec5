//! Body and seal of a sealed instruction, which stand in its data or in a buffer that was filled beforehand.

use pinocchio::{
    account::{AccountView, Ref},
    error::ProgramError,
    ProgramResult,
};

use crate::{
    accounts::{self, Accounts},
    buffer,
    errors::Fault,
    journal::Lane,
    reader::Reader,
    seal::{Demand, Seal},
};

/// Signatures are in the buffer.
const SEAL: u8 = 1;
/// The body is in the buffer.
const BODY: u8 = 2;

/// Where body and seal are.
pub struct Envelope<'a> {
    flags: u8,
    accounts: Option<(&'a AccountView, &'a AccountView)>,
    held: Option<Ref<'a, [u8]>>,
}

impl<'a> Envelope<'a> {
    /// Takes buffer and poster where the flags speak of them.
    pub fn open(lane: &Lane, flags: u8, accounts: &mut Accounts<'a>) -> Result<Self, ProgramError> {
        match flags {
            0 => Ok(Envelope { flags, accounts: None, held: None }),
            1..=3 => {
                let (buffer, poster) = (accounts.writable()?, accounts.writable()?);
                let held = buffer::borrow(buffer, lane.program_id, poster)?;
                Ok(Envelope { flags, accounts: Some((buffer, poster)), held: Some(held) })
            }
            _ => Err(Fault::BadData.into()),
        }
    }

    /// Refuses a body in the buffer, where an action has none or a short one.
    pub fn require_inline_body(&self) -> ProgramResult {
        if self.flags & BODY != 0 {
            return Err(Fault::BadData.into());
        }
        Ok(())
    }

    /// Reads the body from where it is, to its last byte; what is left of the data is the seal.
    pub fn body<'b, T>(
        &'b self,
        mut data: Reader<'b>,
        read: impl FnOnce(&mut Reader<'b>) -> Result<T, ProgramError>,
    ) -> Result<(T, &'b [u8]), ProgramError> {
        match &self.held {
            Some(held) if self.flags & BODY != 0 => {
                let mut body = Reader::new(buffer::body(held));
                let value = read(&mut body)?;
                body.finish()?;
                Ok((value, data.rest()))
            }
            _ => Ok((read(&mut data)?, data.rest())),
        }
    }

    /// Refuses unless the groups have signed the digest.
    pub fn check(&self, lane: &Lane, demand: &Demand) -> ProgramResult {
        let Demand { digest, groups, seal } = *demand;
        let head = self.held.as_deref().map(buffer::head).transpose()?;
        lane.read(|state| {
            if let Some(head) = head {
                buffer::require_digest(head, state, digest)?;
            }
            match head {
                Some(_) if self.flags & SEAL != 0 && !seal.is_empty() => Err(Fault::BadSealLength.into()),
                Some(head) if self.flags & SEAL != 0 => Seal::Buffer(head).check(state, groups, digest),
                _ => Seal::Inline(seal).check(state, groups, digest),
            }
        })
    }

    /// Closes the buffer, which has been used, in favour of its poster.
    pub fn close(self) -> ProgramResult {
        drop(self.held);
        match self.accounts {
            Some((buffer, poster)) => accounts::close(buffer, poster),
            None => Ok(()),
        }
    }
}
