//! Reads instruction data from front to back; what is too short or too long has a name.

use pinocchio::error::ProgramError;

use crate::{errors::Fault, layout::pieces};

/// What is left of the data.
#[derive(Clone, Copy)]
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Reads these bytes.
    pub fn new(data: &'a [u8]) -> Self {
        Reader(data)
    }

    /// The next N bytes.
    pub fn take<const N: usize>(&mut self) -> Result<&'a [u8; N], ProgramError> {
        let (head, rest) = self.0.split_first_chunk().ok_or(Fault::BadData)?;
        self.0 = rest;
        Ok(head)
    }

    /// The next `count` bytes.
    pub fn bytes(&mut self, count: usize) -> Result<&'a [u8], ProgramError> {
        let (head, rest) = self.0.split_at_checked(count).ok_or(Fault::BadData)?;
        self.0 = rest;
        Ok(head)
    }

    /// The next byte.
    pub fn u8(&mut self) -> Result<u8, ProgramError> {
        let [value] = *self.take()?;
        Ok(value)
    }

    /// The next two bytes as a number.
    pub fn u16(&mut self) -> Result<u16, ProgramError> {
        Ok(u16::from_le_bytes(*self.take()?))
    }

    /// The next four bytes as a number.
    pub fn u32(&mut self) -> Result<u32, ProgramError> {
        Ok(u32::from_le_bytes(*self.take()?))
    }

    /// The next eight bytes as a number.
    pub fn u64(&mut self) -> Result<u64, ProgramError> {
        Ok(u64::from_le_bytes(*self.take()?))
    }

    /// `count` entries of N bytes, and nothing behind them.
    pub fn entries<const N: usize>(self, count: u8) -> Option<&'a [[u8; N]]> {
        let entries = pieces(self.0);
        (entries.len() == usize::from(count) && entries.as_flattened().len() == self.0.len()).then_some(entries)
    }

    /// The next `count` entries of N bytes.
    pub fn list<const N: usize>(&mut self, count: u8) -> Result<&'a [[u8; N]], ProgramError> {
        let start = *self;
        for _ in 0..count {
            self.take::<N>()?;
        }
        pieces(start.0).get(..count.into()).ok_or(Fault::BadData.into())
    }

    /// All that is left.
    pub fn rest(self) -> &'a [u8] {
        self.0
    }

    /// Nothing may be left.
    pub fn finish(self) -> Result<(), ProgramError> {
        if self.0.is_empty() {
            return Ok(());
        }
        Err(Fault::BadData.into())
    }
}
