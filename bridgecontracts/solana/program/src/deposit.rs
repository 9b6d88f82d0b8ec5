//! What comes in: credited is what arrives, never what was asked for.

use pinocchio::{error::ProgramError, Address, ProgramResult};

use crate::{
    accounts::{require_writable, Accounts},
    errors::Fault,
    journal::{Event, Lane},
    layout::State,
    mint::{TokenAccount, NATIVE},
    reader::Reader,
    syscalls::{outermost, Word},
    system,
    token::TokenAccounts,
    Input,
};

const MOST_KEYS: u8 = 4;
const KEY_ENTRY: usize = 98;
/// The sysvar that lists the transaction's own instructions.
const INSTRUCTIONS: Address = Address::from_str_const("Sysvar1nstructions1111111111111111111111111");

/// Keys as the wallet gave them: nothing here verifies them.
type Keys<'a> = &'a [[u8; KEY_ENTRY]];

/// Instruction 3: `DepositSol`.
#[inline(never)]
pub fn sol(mut input: Input) -> ProgramResult {
    let (amount, keys) = read(input.data)?;
    let lane = Lane::open(&mut input)?;
    let system = input.accounts.next()?;
    require_own(&lane, keys, &mut input.accounts)?;
    lane.read(State::require_running)?;
    if amount != 0 {
        system::require(Some(system))?;
        require_writable(lane.actor)?;
        system::transfer(lane.actor, lane.state, amount)?;
    }
    let wallet = lane.actor.address().as_array();
    lane.record(&Event::Deposited { wallet, token: NATIVE.as_array(), amount, keys })
}

/// Instruction 4: `DepositToken`.
#[inline(never)]
pub fn token(mut input: Input) -> ProgramResult {
    let (amount, keys) = read(input.data)?;
    let lane = Lane::open(&mut input)?;
    let token = TokenAccounts::take(input.program_id, &mut input.accounts)?;
    let source = input.accounts.next()?;
    require_own(&lane, keys, &mut input.accounts)?;
    lane.read(State::require_running)?;
    token.require_ready()?;
    let mut received = 0;
    if amount != 0 {
        require_writable(token.vault)?;
        require_writable(source)?;
        TokenAccount::load(source, token.program.address())?;
        let before = token.vault()?.amount;
        token.pull(&lane, source, amount)?;
        received = token.vault()?.amount.saturating_sub(before);
        if received == 0 {
            return Err(Fault::NothingReceived.into());
        }
    }
    let wallet = lane.actor.address().as_array();
    lane.record(&Event::Deposited { wallet, token: token.word(), amount: received, keys })
}

/// A signature counts in every program that the transaction calls, whatever the wallet meant by it; keys bind the wallet for
/// ever, so they count only where the wallet called the bridge itself. Programs' own addresses have no other way to call it,
/// and never sign a transaction.
fn require_own(lane: &Lane, keys: Keys, accounts: &mut Accounts) -> ProgramResult {
    if keys.is_empty() || outermost() {
        return Ok(());
    }
    let instructions = accounts.next().map_err(|_| Fault::KeysFromProgram)?;
    if *instructions.address() != INSTRUCTIONS {
        return Err(Fault::KeysFromProgram.into());
    }
    let data = instructions.try_borrow()?;
    match signs(&data, lane.actor.address().as_array()) {
        Ok(false) => Ok(()),
        _ => Err(Fault::KeysFromProgram.into()),
    }
}

/// Whether the transaction itself has this signature, by the sysvar that lists its instructions: their number 2, where each
/// begins 2; there the number of its accounts 2, and for each its flags 1 and its key.
fn signs(sysvar: &[u8], key: &Word) -> Result<bool, ProgramError> {
    const SIGNER: u8 = 1;
    let mut places = Reader::new(sysvar);
    for _ in 0..places.u16()? {
        let mut instruction = Reader::new(sysvar);
        instruction.bytes(places.u16()?.into())?;
        for _ in 0..instruction.u16()? {
            let (flags, account) = (instruction.u8()?, instruction.take()?);
            if flags & SIGNER != 0 && account == key {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

fn read<'a>(mut data: Reader<'a>) -> Result<(u64, Keys<'a>), ProgramError> {
    let amount = data.u64()?;
    let count = data.u8()?;
    let keys = data.entries(count).filter(|_| count <= MOST_KEYS);
    let keys = keys.ok_or_else(|| Fault::BadKeysLength.with(count.into(), data.rest().len() as u64))?;
    if amount == 0 && count == 0 {
        return Err(Fault::NothingReceived.into());
    }
    Ok((amount, keys))
}
