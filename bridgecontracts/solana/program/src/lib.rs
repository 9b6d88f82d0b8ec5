//! The Trine bridge on Solana.
//!
//! What every account, instruction and record looks like to the byte stands in the README one folder up, which is the
//! contract with everybody who calls or reads the program; the code here follows its order and its names.
//!
//! Rules that hold in every file: an account counts only when its key *and* its owner are what they should be; a digest
//! is recomputed from the very bytes that are executed; arithmetic is checked; nothing panics; state is borrowed only
//! between calls into other programs, never across one that it is passed to.
#![no_std]

mod accounts;
mod ata;
mod buffer;
mod call;
mod claim;
mod control;
mod deposit;
mod envelope;
mod errors;
mod execute;
mod initialize;
mod journal;
mod layout;
mod limits;
mod math;
mod mint;
mod payout;
mod reader;
mod reserved;
mod seal;
mod set;
mod syscalls;
mod system;
mod token;
mod transfers;
mod words;

use pinocchio::{error::ProgramError, AccountView, Address, ProgramResult};

use crate::{accounts::Accounts, errors::Fault, reader::Reader};

/// What an instruction gets: each takes from the front of accounts and data.
struct Input<'a> {
    program_id: &'a Address,
    accounts: Accounts<'a>,
    data: Reader<'a>,
}

/// As many accounts as an instruction of the largest batch names: an account named twice counts twice.
const MOST_ACCOUNTS: usize = 192;

pinocchio::program_entrypoint!(process, MOST_ACCOUNTS);
pinocchio::no_allocator!();
pinocchio::nostd_panic_handler!();

fn process(program_id: &Address, accounts: &mut [AccountView], data: &[u8]) -> ProgramResult {
    let input = Input { program_id, accounts: Accounts::new(accounts), data: Reader::new(data) };
    dispatch(input).inspect_err(log)
}

fn dispatch(mut input: Input) -> ProgramResult {
    match input.data.u8()? {
        1 => initialize::initialize(input),
        2 => token::init(input),
        3 => deposit::sol(input),
        4 => deposit::token(input),
        5 => execute::execute(input),
        6 => control::rotate(input),
        7 => control::pause(input),
        8 => control::unpause(input),
        9 => control::set_limit(input),
        10 => claim::claim(input),
        11 => buffer::open(input),
        12 => buffer::post_body(input),
        13 => buffer::post_signatures(input),
        14 => buffer::close(input),
        journal::RECORD => journal::accept(input),
        _ => Err(Fault::UnknownInstruction.into()),
    }
}

/// Writes the name of the fault into the log: explorers show it, nothing reads it.
fn log(error: &ProgramError) {
    if let ProgramError::Custom(code) = error {
        if let Some(name) = errors::name(*code) {
            syscalls::log(name);
        }
    }
}
