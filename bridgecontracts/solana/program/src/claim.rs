//! What a failed transfer left: the recipient sends it anywhere, anyone else to the recipient.

use pinocchio::{account::AccountView, ProgramResult};

use crate::{
    accounts::{close, move_lamports, require_key, require_writable, Accounts},
    ata::{self, New},
    errors::Fault,
    journal::{Event, Lane},
    layout::{self, Claim, State},
    mint::{TokenAccount, NATIVE},
    payout,
    syscalls::Word,
    system::{self, Makers},
    token::TokenAccounts,
    Input,
};

/// What is owed, copied out of the account.
struct Owed {
    token: Word,
    recipient: Word,
    payer: Word,
    amount: u64,
}

/// Instruction 10: `Claim`.
#[inline(never)]
pub fn claim(mut input: Input) -> ProgramResult {
    let bump = input.data.u8()?;
    input.data.finish()?;
    let lane = Lane::open(&mut input)?;
    let (account, refund) = (input.accounts.writable()?, input.accounts.writable()?);
    let to = input.accounts.next()?;
    lane.read(State::require_running)?;
    if account.owned_by(&system::ID) && account.is_data_empty() {
        return Err(Fault::NothingToClaim.into());
    }
    let owed = {
        let claim = layout::load::<Claim>(account, input.program_id)?;
        Owed { token: claim.token, recipient: claim.recipient, payer: claim.payer, amount: claim.amount.get() }
    };
    require_key(refund, &owed.payer, Fault::WrongRefund)?;
    require_writable(to)?;
    if to.address() == lane.state.address() {
        return Err(Fault::BadDestination.into());
    }
    let own = *lane.actor.address().as_array() == owed.recipient;
    let sol = owed.token == *NATIVE.as_array();
    if !sol {
        pay_token(&lane, &mut input.accounts, &owed, &Destination { to, own, bump })?;
    } else if own || *to.address().as_array() == owed.recipient {
        if payout::held(&lane)? < owed.amount {
            return Err(Fault::HeldTooLittle.into());
        }
    } else {
        return Err(Fault::NotRecipient.into());
    }
    lane.record(&Event::Claimed { token: &owed.token, recipient: &owed.recipient, amount: owed.amount })?;
    if sol {
        move_lamports(lane.state, to, owed.amount)?;
    }
    close(account, refund)
}

/// Where a token is claimed to: by the recipient itself, or with the bump of its associated token account.
struct Destination<'a> {
    to: &'a AccountView,
    own: bool,
    bump: u8,
}

#[inline(never)]
fn pay_token(lane: &Lane, accounts: &mut Accounts, owed: &Owed, destination: &Destination) -> ProgramResult {
    let Destination { to, own, bump } = *destination;
    let token = TokenAccounts::take(lane.program_id, accounts)?;
    let TokenAccounts { vault, mint, program, .. } = token;
    let wallet = accounts.optional(lane.program_id)?;
    let (system, associated) = (accounts.optional(lane.program_id)?, accounts.optional(lane.program_id)?);
    require_key(mint, &owed.token, Fault::WrongMint)?;
    token.require_ready()?;
    require_writable(vault)?;
    token.vault()?;
    if to.address() == vault.address() {
        return Err(Fault::BadDestination.into());
    }
    if !own {
        let address = ata::address(&owed.recipient, program.address(), &owed.token, bump);
        require_key(to, &address, Fault::NotRecipient)?;
        if ata::missing(to) {
            let wallet = wallet.ok_or(Fault::WalletNeeded)?;
            require_key(wallet, &owed.recipient, Fault::NotRecipient)?;
            let makers = Makers { program_id: lane.program_id, payer: lane.actor, system, associated };
            ata::create(&makers, &New { account: to, wallet, mint, program })?;
        }
        if TokenAccount::load(to, program.address())?.owner != owed.recipient {
            return Err(Fault::NotRecipient.into());
        }
    }
    token.pay(lane, to, owed.amount)
}
