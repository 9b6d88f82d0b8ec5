//! Associated token accounts.

use pinocchio::{
    account::AccountView,
    cpi::invoke,
    error::ProgramError,
    instruction::{InstructionAccount, InstructionView},
    Address,
};

use crate::{
    accounts::require_writable,
    errors::Fault,
    syscalls::{derived, find, Word},
    system::{self, Makers},
};

/// The associated token account program.
pub const PROGRAM: Address = Address::from_str_const("ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL");
const CREATE: u8 = 0;

/// The address at a bump that somebody gave. A wrong bump gives an address at which no token account can be: only the
/// associated token account program could make one there, and it uses the canonical bump only.
pub fn address(wallet: &Word, token_program: &Address, mint: &Word, bump: u8) -> Word {
    derived([wallet, token_program.as_array(), mint], bump, &PROGRAM)
}

/// The canonical address.
pub fn canonical(wallet: &Word, token_program: &Address, mint: &Word) -> Result<Word, ProgramError> {
    Ok(find(&[wallet, token_program.as_array(), mint], &PROGRAM)?.0)
}

/// Whether nothing has been made at the address yet (lamports may lie there).
pub fn missing(account: &AccountView) -> bool {
    account.owned_by(&system::ID) && account.is_data_empty()
}

/// The account of `wallet` for `mint`, to be made.
pub struct New<'a> {
    pub account: &'a AccountView,
    pub wallet: &'a AccountView,
    pub mint: &'a AccountView,
    pub program: &'a AccountView,
}

/// Makes the account; the program called checks the address. One that is there is refused.
#[inline(never)]
pub fn create(makers: &Makers, new: &New) -> Result<(), ProgramError> {
    let New { account, wallet, mint, program } = *new;
    system::require(makers.system)?;
    let (Some(system), Some(associated)) = (makers.system, makers.associated) else {
        return Err(Fault::AccountNeeded.into());
    };
    if associated.address() != &PROGRAM {
        return Err(Fault::WrongAssociatedTokenProgram.into());
    }
    require_writable(makers.payer)?;
    require_writable(account)?;
    let metas = [
        InstructionAccount::writable_signer(makers.payer.address()),
        InstructionAccount::writable(account.address()),
        InstructionAccount::readonly(wallet.address()),
        InstructionAccount::readonly(mint.address()),
        InstructionAccount::readonly(system.address()),
        InstructionAccount::readonly(program.address()),
    ];
    let instruction = InstructionView { program_id: associated.address(), accounts: &metas, data: &[CREATE] };
    invoke(&instruction, &[makers.payer, account, wallet, mint, system, program])
}
