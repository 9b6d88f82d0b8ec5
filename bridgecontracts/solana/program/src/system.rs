//! Calls into the system program.

use pinocchio::{
    account::AccountView,
    cpi::{invoke, invoke_signed, Signer},
    error::ProgramError,
    instruction::{InstructionAccount, InstructionView},
    Address,
};

use crate::{
    accounts::require_writable,
    errors::Fault,
    syscalls::{copy, rent_minimum},
};

/// The system program.
pub const ID: Address = Address::from_str_const("11111111111111111111111111111111");

// The system program's instructions, by their number.
const CREATE_ACCOUNT: u8 = 0;
const ASSIGN: u8 = 1;
const TRANSFER: u8 = 2;
const ALLOCATE: u8 = 8;

const MOST_DATA: usize = 52;

/// What making an account takes besides the accounts that are there anyway.
#[derive(Clone, Copy)]
pub struct Makers<'a> {
    pub program_id: &'a Address,
    pub payer: &'a AccountView,
    pub system: Option<&'a AccountView>,
    pub associated: Option<&'a AccountView>,
}

/// Makes an account of this program at the address of `signer`; the payer brings it to the rent minimum. Whoever sends lamports
/// to the address beforehand stops nothing.
#[inline(never)]
pub fn create(makers: &Makers, account: &AccountView, size: usize, signer: &Signer) -> Result<(), ProgramError> {
    let Makers { program_id, payer, system, .. } = *makers;
    require(system)?;
    require_writable(account)?;
    require_writable(payer)?;
    if !payer.is_signer() {
        return Err(Fault::NotSigner.into());
    }
    let signer = core::slice::from_ref(signer);
    let rent = rent_minimum(size)?;
    let space = (size as u64).to_le_bytes();
    let owner = program_id.as_array();
    if account.lamports() == 0 {
        let metas = [
            InstructionAccount::writable_signer(payer.address()),
            InstructionAccount::writable_signer(account.address()),
        ];
        let data = Data::of(CREATE_ACCOUNT, &[&rent.to_le_bytes(), &space, owner])?;
        return invoke_signed(&instruction(&metas, &data), &[payer, account], signer);
    }
    if let Some(missing) = rent.checked_sub(account.lamports()).filter(|missing| *missing != 0) {
        transfer(payer, account, missing)?;
    }
    let metas = [InstructionAccount::writable_signer(account.address())];
    invoke_signed(&instruction(&metas, &Data::of(ALLOCATE, &[&space])?), &[account], signer)?;
    invoke_signed(&instruction(&metas, &Data::of(ASSIGN, &[owner])?), &[account], signer)
}

/// The optional system program account must be there and be the system program.
pub fn require(system: Option<&AccountView>) -> Result<(), ProgramError> {
    if system.ok_or(Fault::AccountNeeded)?.address() != &ID {
        return Err(Fault::WrongSystemProgram.into());
    }
    Ok(())
}

/// Moves lamports out of an account of the system program that has signed.
pub fn transfer(from: &AccountView, to: &AccountView, lamports: u64) -> Result<(), ProgramError> {
    let metas = [InstructionAccount::writable_signer(from.address()), InstructionAccount::writable(to.address())];
    invoke(&instruction(&metas, &Data::of(TRANSFER, &[&lamports.to_le_bytes()])?), &[from, to])
}

fn instruction<'a>(accounts: &'a [InstructionAccount<'a>], data: &'a Data) -> InstructionView<'a, 'a, 'a, 'a> {
    InstructionView { program_id: &ID, accounts, data: data.bytes.split_at_checked(data.length).map_or(&[], |d| d.0) }
}

/// Instruction data: the number as four bytes, then the fields.
struct Data {
    bytes: [u8; MOST_DATA],
    length: usize,
}

impl Data {
    fn of(number: u8, fields: &[&[u8]]) -> Result<Self, ProgramError> {
        let mut data = Data { bytes: [0; MOST_DATA], length: 0 };
        data.push(&[number, 0, 0, 0])?;
        for field in fields {
            data.push(field)?;
        }
        Ok(data)
    }

    fn push(&mut self, field: &[u8]) -> Result<(), ProgramError> {
        let end = self.length.checked_add(field.len()).ok_or(Fault::Overflow)?;
        copy(self.bytes.get_mut(self.length..end).ok_or(Fault::Overflow)?, field);
        self.length = end;
        Ok(())
    }
}
