//! One payment: what can be seen to fail fails, what is not what it should be reverts, the rest is paid.

use pinocchio::{
    account::AccountView,
    cpi::{Seed, Signer},
    error::ProgramError,
    ProgramResult,
};

use crate::{
    accounts::{move_lamports, require_key, require_writable},
    ata::{self, New},
    errors::Fault,
    journal::Lane,
    layout::{self, Claim, State},
    mint::TokenAccount,
    reserved,
    syscalls::{find, rent_minimum, Word},
    system::{self, Makers},
    token::{self, TokenAccounts},
    transfers::{Transfer, MOST_TRANSFERS},
    words,
};

/// SOL that is promised to recipients of this batch and moved at its end: in between, other programs are passed one of
/// the accounts without the other, and would find the sum wrong.
pub struct Purse<'a> {
    payments: [Option<(&'a AccountView, u64)>; MOST_TRANSFERS],
    /// No payment stands at or behind this index.
    end: usize,
    /// What the bridge holds besides; None before the first payment.
    left: Option<u64>,
}

impl<'a> Purse<'a> {
    /// No payments yet.
    pub fn new() -> Self {
        Purse { payments: [None; MOST_TRANSFERS], end: 0, left: None }
    }

    /// Promises `amount`, when there is that much and the recipient would be left with its rent.
    fn promise(&mut self, lane: &Lane, transfer: &Transfer, to: &'a AccountView) -> Result<bool, ProgramError> {
        let Transfer { index, amount, .. } = *transfer;
        let held = match self.left {
            Some(left) => left,
            None => held(lane)?,
        };
        let Some(left) = held.checked_sub(amount) else {
            return Ok(false);
        };
        let promised = self.payments.iter().take(self.end).flatten().filter(|(account, _)| *account == to);
        let balance = promised.fold(to.lamports().saturating_add(amount), |sum, (_, more)| sum.saturating_add(*more));
        if balance < rent_minimum(to.data_len())? {
            return Ok(false);
        }
        let index = usize::from(index);
        *self.payments.get_mut(index).ok_or(Fault::TooManyTransfers)? = Some((to, amount));
        self.end = index.saturating_add(1);
        self.left = Some(left);
        Ok(true)
    }

    /// Moves what was promised.
    pub fn settle(&self, lane: &Lane) -> ProgramResult {
        for (to, amount) in self.payments.iter().take(self.end).flatten() {
            move_lamports(lane.state, to, *amount)?;
        }
        Ok(())
    }
}

/// The SOL that the bridge holds: what is above the reserve, and above the rent should that have risen.
pub fn held(lane: &Lane) -> Result<u64, ProgramError> {
    let reserve = lane.read(|state: &State| Ok(state.reserve.get()))?;
    Ok(lane.state.lamports().saturating_sub(reserve.max(rent_minimum(size_of::<State>())?)))
}

/// Pays one transfer after the other.
pub struct Payout<'p> {
    pub lane: &'p Lane<'p>,
    pub makers: &'p Makers<'p>,
}

impl Payout<'_> {
    /// Pays, or keeps the amount for the recipient to claim: then the result is false. Both count against the limit.
    pub fn pay<'a>(&self, purse: &mut Purse<'a>, transfer: &Transfer<'a, '_>) -> Result<bool, ProgramError> {
        self.count(transfer)?;
        let paid = match transfer.token {
            None => self.pay_sol(purse, transfer)?,
            Some(token) => self.pay_token(token, transfer)?,
        };
        if !paid && transfer.amount != 0 {
            self.credit(transfer)?;
        }
        Ok(paid)
    }

    /// Takes the amount out of the limit.
    fn count(&self, transfer: &Transfer) -> ProgramResult {
        let (amount, now, index) = (transfer.amount, self.lane.now, transfer.index.into());
        match transfer.token {
            None => self.lane.write(|state| state.bucket.take(amount, now, index)),
            Some(token) if token.limited => {
                let mut taken = Ok(());
                token::change(token.token, |token| taken = token.bucket.take(amount, now, index))?;
                taken
            }
            Some(_) => Ok(()),
        }
    }

    /// The bridge owes itself nothing, and zero is nobody.
    fn nobody(&self, recipient: &Word) -> bool {
        *recipient == words::ZERO || recipient == self.lane.bridge() || recipient == self.lane.program_id.as_array()
    }

    fn pay_sol<'a>(&self, purse: &mut Purse<'a>, transfer: &Transfer<'a, '_>) -> Result<bool, ProgramError> {
        let Some(account) = transfer.account else {
            return Err(Fault::MarkRefused.into());
        };
        if account.executable() || reserved::contains(account) || self.nobody(transfer.recipient) {
            return Ok(false);
        }
        require_writable(account)?;
        purse.promise(self.lane, transfer, account)
    }

    #[inline(never)]
    fn pay_token(&self, token: &TokenAccounts, transfer: &Transfer) -> Result<bool, ProgramError> {
        let Some(account) = transfer.account else {
            // Marked.
            return if token.markable() { Ok(false) } else { Err(Fault::MarkRefused.into()) };
        };
        token.require_ready()?;
        if self.nobody(transfer.recipient) {
            return Ok(false);
        }
        let address = ata::address(transfer.recipient, token.program.address(), token.word(), transfer.bump);
        require_key(account, &address, Fault::WrongTokenAccount)?;
        let vault = token.vault()?;
        if vault.frozen || vault.amount < transfer.amount {
            return Ok(false);
        }
        if ata::missing(account) {
            let wallet = transfer.wallet.ok_or(Fault::WalletNeeded)?;
            let new = New { account, wallet, mint: token.mint, program: token.program };
            ata::create(self.makers, &new)?;
        }
        let held = TokenAccount::load(account, token.program.address())?;
        if held.frozen || held.owner != *transfer.recipient || held.mint != *token.word() {
            return Ok(false);
        }
        require_writable(token.vault)?;
        require_writable(account)?;
        token.pay(self.lane, account, transfer.amount)?;
        Ok(true)
    }

    /// Adds the amount to the claim account of token and recipient, which is made when there is none. Saturates: no
    /// amount, however absurd, may stop the lane.
    #[inline(never)]
    fn credit(&self, transfer: &Transfer) -> ProgramResult {
        let account = transfer.claim.ok_or(Fault::ClaimAccountNeeded)?;
        require_writable(account)?;
        if !account.owned_by(self.lane.program_id) {
            return self.create(account, transfer);
        }
        {
            let claim = layout::load::<Claim>(account, self.lane.program_id)?;
            if claim.token != *transfer.word() || claim.recipient != *transfer.recipient {
                return Err(Fault::WrongClaim.into());
            }
        }
        let mut account = *account;
        let mut data = account.try_borrow_mut()?;
        let claim: &mut Claim = layout::of_mut(&mut data)?;
        claim.amount.set(claim.amount.get().saturating_add(transfer.amount));
        Ok(())
    }

    fn create(&self, account: &AccountView, transfer: &Transfer) -> ProgramResult {
        let (token, recipient) = (transfer.word(), transfer.recipient);
        let (address, bump) = find(&[Claim::SEED, token, recipient], self.lane.program_id)?;
        require_key(account, &address, Fault::WrongClaim)?;
        let bumps = [bump];
        let seeds = [Seed::from(Claim::SEED), Seed::from(token), Seed::from(recipient), Seed::from(&bumps)];
        system::create(self.makers, account, size_of::<Claim>(), &Signer::from(&seeds))?;
        let mut account = *account;
        let mut data = account.try_borrow_mut()?;
        let claim: &mut Claim = layout::new(&mut data)?;
        claim.bump = bump;
        claim.token = *token;
        claim.recipient = *recipient;
        claim.payer = *self.makers.payer.address().as_array();
        claim.amount.set(transfer.amount);
        Ok(())
    }
}
