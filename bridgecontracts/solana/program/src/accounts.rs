//! Walks through an instruction's accounts, and the checks that many instructions share.

use pinocchio::{account::AccountView, error::ProgramError, Address};

use crate::{errors::Fault, syscalls::Word};

/// The accounts that are left.
#[derive(Clone, Copy)]
pub struct Accounts<'a>(&'a [AccountView]);

impl<'a> Accounts<'a> {
    /// Walks through these.
    pub fn new(accounts: &'a [AccountView]) -> Self {
        Accounts(accounts)
    }

    /// The next one.
    pub fn next(&mut self) -> Result<&'a AccountView, ProgramError> {
        let (first, rest) = self.0.split_first().ok_or(Fault::NotEnoughAccounts)?;
        self.0 = rest;
        Ok(first)
    }

    /// The next one, or None where the program's own id stands for no account.
    pub fn optional(&mut self, program_id: &Address) -> Result<Option<&'a AccountView>, ProgramError> {
        let account = self.next()?;
        Ok((account.address() != program_id).then_some(account))
    }

    /// The next one, which must have this key.
    pub fn exactly(&mut self, key: &Address, fault: Fault) -> Result<&'a AccountView, ProgramError> {
        let account = self.next()?;
        if account.address() != key {
            return Err(fault.into());
        }
        Ok(account)
    }

    /// The next one, which must sign.
    pub fn signer(&mut self) -> Result<&'a AccountView, ProgramError> {
        let account = self.next()?;
        if !account.is_signer() {
            return Err(Fault::NotSigner.into());
        }
        Ok(account)
    }

    /// The next one, which must be writable.
    pub fn writable(&mut self) -> Result<&'a AccountView, ProgramError> {
        let account = self.next()?;
        require_writable(account)?;
        Ok(account)
    }
}

/// Refuses a read-only account.
pub fn require_writable(account: &AccountView) -> Result<(), ProgramError> {
    if account.is_writable() {
        return Ok(());
    }
    Err(Fault::NotWritable.into())
}

/// Refuses an account with another key.
pub fn require_key(account: &AccountView, key: &Word, fault: Fault) -> Result<(), ProgramError> {
    if account.address().as_array() == key {
        return Ok(());
    }
    Err(fault.into())
}

/// Takes lamports out of an account of this program and puts them into another. Nothing that is called afterwards in
/// the same instruction may be passed one of the two without the other: the runtime would find the sum wrong.
pub fn move_lamports(from: &AccountView, to: &AccountView, amount: u64) -> Result<(), ProgramError> {
    let (mut from, mut to) = (*from, *to);
    from.set_lamports(from.lamports().checked_sub(amount).ok_or(Fault::HeldTooLittle)?);
    to.set_lamports(to.lamports().checked_add(amount).ok_or(Fault::Overflow)?);
    Ok(())
}

/// Closes an account of this program and gives its lamports to `refund`.
pub fn close(account: &AccountView, refund: &AccountView) -> Result<(), ProgramError> {
    move_lamports(account, refund, account.lamports())?;
    let mut account = *account;
    account.close()
}
