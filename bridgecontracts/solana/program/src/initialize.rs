//! The beginning: whoever could upgrade the program makes the bridge, and can never upgrade the program again.

use pinocchio::{
    account::AccountView,
    cpi::{invoke, Seed, Signer},
    error::ProgramError,
    instruction::{InstructionAccount, InstructionView},
    Address, ProgramResult,
};

use crate::{
    accounts::require_writable,
    errors::Fault,
    journal,
    layout::{self, State},
    reader::Reader,
    set::Set,
    syscalls::{clock, find, rent_minimum, Word},
    system::{self, Makers},
    words, Input,
};

const LOADER: Address = Address::from_str_const("BPFLoaderUpgradeab1e11111111111111111111111");
const SET_AUTHORITY: [u8; 4] = [4, 0, 0, 0];

/// Instruction 1.
#[inline(never)]
pub fn initialize(input: Input) -> ProgramResult {
    let Input { program_id, mut accounts, mut data } = input;
    let genesis: &Word = data.take()?;
    let caip2: &Word = data.take()?;
    let set = Set::read(&mut data)?;
    data.finish()?;
    if *genesis == words::ZERO || *caip2 == words::ZERO {
        return Err(Fault::ZeroValue.into());
    }

    let authority = accounts.signer()?;
    let state = accounts.writable()?;
    let program = accounts.exactly(program_id, Fault::WrongProgram)?;
    let program_data = accounts.next()?;
    let loader = accounts.exactly(&LOADER, Fault::WrongLoader)?;
    let system_program = accounts.next()?;

    let (address, bump) = find(&[State::SEED], program_id)?;
    if *state.address().as_array() != address {
        return Err(Fault::WrongState.into());
    }
    if state.owned_by(program_id) {
        return Err(Fault::AlreadyInitialized.into());
    }
    check_authority(program, program_data, authority)?;
    let seeds = [Seed::from(State::SEED), Seed::from(core::slice::from_ref(&bump))];
    let makers = Makers { program_id, payer: authority, system: Some(system_program), associated: None };
    system::create(&makers, state, size_of::<State>(), &Signer::from(&seeds))?;
    {
        let mut state = *state;
        let mut bytes = state.try_borrow_mut()?;
        let state: &mut State = layout::new(&mut bytes)?;
        state.bump = bump;
        state.genesis = *genesis;
        state.caip2 = *caip2;
        state.domain = words::domain(genesis, caip2, &address);
        begin(state, program_id, &set)?;
    }
    give_up_authority(program_data, authority, loader)
}

fn begin(state: &mut State, program_id: &Address, set: &Set) -> Result<(), ProgramError> {
    let (slot, _) = clock()?;
    state.head = words::cut(&state.domain);
    state.next_action.set(1);
    state.start_slot.set(slot);
    state.reserve.set(rent_minimum(size_of::<State>())?);
    set.install(state, &set.hash());
    journal::turn_page(state, program_id)?;
    journal::mark(state, slot)
}

/// What the loader keeps: of a program where its ProgramData is, of ProgramData the slot and the authority.
fn check_authority(program: &AccountView, program_data: &AccountView, authority: &AccountView) -> ProgramResult {
    const PROGRAM: [u8; 4] = [2, 0, 0, 0];
    if !program.owned_by(&LOADER) {
        return Err(Fault::WrongLoader.into());
    }
    {
        let data = program.try_borrow()?;
        let mut data = Reader::new(&data);
        if *data.take()? != PROGRAM {
            return Err(Fault::WrongLoader.into());
        }
        if program_data.address().as_array() != data.take::<32>()? || !program_data.owned_by(&LOADER) {
            return Err(Fault::WrongProgramData.into());
        }
    }
    require_writable(program_data)?;
    match held_authority(program_data)? {
        Some(key) if key == *authority.address().as_array() => Ok(()),
        _ => Err(Fault::WrongAuthority.into()),
    }
}

fn held_authority(program_data: &AccountView) -> Result<Option<Word>, ProgramError> {
    const PROGRAM_DATA: [u8; 4] = [3, 0, 0, 0];
    let data = program_data.try_borrow()?;
    let mut data = Reader::new(&data);
    if *data.take()? != PROGRAM_DATA {
        return Err(Fault::WrongProgramData.into());
    }
    data.u64()?; // the slot of the deployment
    if data.u8()? == 0 {
        return Ok(None);
    }
    Ok(Some(*data.take()?))
}

fn give_up_authority(program_data: &AccountView, authority: &AccountView, loader: &AccountView) -> ProgramResult {
    let metas = [
        InstructionAccount::writable(program_data.address()),
        InstructionAccount::readonly_signer(authority.address()),
    ];
    let instruction = InstructionView { program_id: loader.address(), accounts: &metas, data: &SET_AUTHORITY };
    invoke(&instruction, &[program_data, authority])?;
    if held_authority(program_data)?.is_some() {
        return Err(Fault::AuthorityRemains.into());
    }
    Ok(())
}
