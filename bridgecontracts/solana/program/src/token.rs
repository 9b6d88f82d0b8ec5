//! The tokens that the bridge knows: their registration, and the four accounts by which an instruction names one.

use pinocchio::{
    account::AccountView,
    cpi::{invoke_signed, Seed, Signer},
    error::ProgramError,
    instruction::{InstructionAccount, InstructionView},
    Address, ProgramResult,
};

use crate::{
    accounts::{require_key, require_writable, Accounts},
    ata::{self, New},
    errors::Fault,
    journal::Lane,
    layout::{self, State, Token},
    mint::{self, TokenAccount},
    syscalls::{find, Word},
    system::{self, Makers},
    Input,
};

const TRANSFER_CHECKED: u8 = 12;

/// Instruction 2: `InitToken`.
#[inline(never)]
pub fn init(input: Input) -> ProgramResult {
    let Input { program_id, mut accounts, data } = input;
    data.finish()?;
    let payer = accounts.signer()?;
    let state = accounts.next()?;
    let token = accounts.writable()?;
    let (vault, mint) = (accounts.next()?, accounts.next()?);
    let token_program = accounts.next()?;
    let associated = accounts.next()?;
    let system = accounts.next()?;
    drop(layout::load::<State>(state, program_id)?);
    if *token_program.address() != mint::TOKEN && *token_program.address() != mint::TOKEN_2022 {
        return Err(Fault::WrongTokenProgram.into());
    }
    let decimals = mint::accept(mint, token_program.address())?;
    let makers = Makers { program_id, payer, system: Some(system), associated: Some(associated) };
    ensure(&makers, token, mint.address().as_array())?;
    if layout::load::<Token>(token, program_id)?.ready == 1 {
        return Err(Fault::AlreadyReady.into());
    }

    let address = ata::canonical(state.address().as_array(), token_program.address(), mint.address().as_array())?;
    require_key(vault, &address, Fault::WrongVault)?;
    if ata::missing(vault) {
        ata::create(&makers, &New { account: vault, wallet: state, mint, program: token_program })?;
    }
    let held = TokenAccount::load(vault, token_program.address())?;
    if held.owner != *state.address().as_array() || held.mint != *mint.address().as_array() {
        return Err(Fault::WrongVault.into());
    }
    change(token, |token| {
        token.ready = 1;
        token.decimals = decimals;
        token.program = *token_program.address().as_array();
        token.vault = address;
    })
}

/// Makes the token's account, not ready, where there is none; refuses any but the canonical address of the mint.
#[inline(never)]
pub fn ensure(makers: &Makers, account: &AccountView, mint: &Word) -> ProgramResult {
    let program_id = makers.program_id;
    if account.owned_by(program_id) {
        return require_mint(&*layout::load::<Token>(account, program_id)?, mint);
    }
    let (address, bump) = find(&[Token::SEED, mint], program_id)?;
    require_key(account, &address, Fault::WrongToken)?;
    let seeds = [Seed::from(Token::SEED), Seed::from(mint), Seed::from(core::slice::from_ref(&bump))];
    system::create(makers, account, size_of::<Token>(), &Signer::from(&seeds))?;
    let mut account = *account;
    let mut data = account.try_borrow_mut()?;
    let token: &mut Token = layout::new(&mut data)?;
    token.bump = bump;
    token.mint = *mint;
    Ok(())
}

fn require_mint(token: &Token, mint: &Word) -> ProgramResult {
    if token.mint == *mint {
        return Ok(());
    }
    Err(Fault::WrongToken.into())
}

/// Changes a token's account that has been checked.
pub fn change(account: &AccountView, change: impl FnOnce(&mut Token)) -> ProgramResult {
    require_writable(account)?;
    let mut account = *account;
    let mut data = account.try_borrow_mut()?;
    change(layout::of_mut(&mut data)?);
    Ok(())
}

/// A token as an instruction names it: its account, vault, mint and token program. When it is not ready, only the
/// account and the mint mean anything.
#[derive(Clone, Copy)]
pub struct TokenAccounts<'a> {
    pub token: &'a AccountView,
    pub vault: &'a AccountView,
    pub mint: &'a AccountView,
    pub program: &'a AccountView,
    pub ready: bool,
    pub limited: bool,
    decimals: u8,
}

impl<'a> TokenAccounts<'a> {
    /// Takes the four and checks them against each other. A token without an account must show the canonical address where none is.
    #[inline(never)]
    pub fn take(program_id: &Address, accounts: &mut Accounts<'a>) -> Result<Self, ProgramError> {
        let (token, vault) = (accounts.next()?, accounts.next()?);
        let (mint, program) = (accounts.next()?, accounts.next()?);
        // SOL's word must not come by this road: it would be a token that is not ready, and so could be marked.
        if *mint.address() == mint::NATIVE {
            return Err(Fault::NativeMint.into());
        }
        let mut checked = TokenAccounts { token, vault, mint, program, ready: false, limited: false, decimals: 0 };
        if !token.owned_by(program_id) {
            let (address, _) = find(&[Token::SEED, mint.address().as_array()], program_id)?;
            require_key(token, &address, Fault::WrongToken)?;
            return Ok(checked);
        }
        let known = layout::load::<Token>(token, program_id)?;
        require_mint(&known, mint.address().as_array())?;
        checked.limited = known.bucket.limits();
        if known.ready == 1 {
            require_key(program, &known.program, Fault::WrongTokenProgram)?;
            require_key(vault, &known.vault, Fault::WrongVault)?;
            if !mint.owned_by(program.address()) {
                return Err(Fault::WrongMint.into());
            }
            checked.ready = true;
            checked.decimals = known.decimals;
        }
        Ok(checked)
    }

    /// The token's word.
    pub fn word(&self) -> &'a Word {
        self.mint.address().as_array()
    }

    /// Refuses a token without a vault.
    pub fn require_ready(&self) -> ProgramResult {
        if self.ready {
            return Ok(());
        }
        Err(Fault::TokenNotReady.into())
    }

    /// Whether a submitter may mark a transfer of this token.
    pub fn markable(&self) -> bool {
        !self.ready || *self.program.address() == mint::TOKEN_2022
    }

    /// What the vault holds, and whether it is frozen.
    pub fn vault(&self) -> Result<TokenAccount, ProgramError> {
        TokenAccount::load(self.vault, self.program.address()).map_err(|_| Fault::WrongVault.into())
    }

    /// TransferChecked from the vault, signed by the bridge.
    #[inline(never)]
    pub fn pay(&self, lane: &Lane, to: &AccountView, amount: u64) -> ProgramResult {
        let bump = lane.read(|state| Ok([state.bump]))?;
        let seeds = [Seed::from(State::SEED), Seed::from(&bump)];
        self.transfer(self.vault, to, lane.state, amount, &[Signer::from(&seeds)])
    }

    /// TransferChecked into the vault, signed by the actor.
    #[inline(never)]
    pub fn pull(&self, lane: &Lane, from: &AccountView, amount: u64) -> ProgramResult {
        self.transfer(from, self.vault, lane.actor, amount, &[])
    }

    #[inline(always)]
    fn transfer(
        &self,
        from: &AccountView,
        to: &AccountView,
        authority: &AccountView,
        amount: u64,
        signers: &[Signer],
    ) -> ProgramResult {
        let metas = [
            InstructionAccount::writable(from.address()),
            InstructionAccount::readonly(self.mint.address()),
            InstructionAccount::writable(to.address()),
            InstructionAccount::readonly_signer(authority.address()),
        ];
        let [a0, a1, a2, a3, a4, a5, a6, a7] = amount.to_le_bytes();
        let data = [TRANSFER_CHECKED, a0, a1, a2, a3, a4, a5, a6, a7, self.decimals];
        let instruction = InstructionView { program_id: self.program.address(), accounts: &metas, data: &data };
        invoke_signed(&instruction, &[from, self.mint, to, authority], signers)
    }
}
