//! A batch of payments: what of it is signed, and the accounts that each needs.

use pinocchio::{account::AccountView, error::ProgramError};

use crate::{
    accounts::Accounts,
    errors::Fault,
    journal::Lane,
    mint::NATIVE,
    payout::{Payout, Purse},
    reader::Reader,
    syscalls::{keccak256, Word},
    system::Makers,
    token::TokenAccounts,
    words::{self, number},
    Input,
};

/// Transfers in a batch.
pub const MOST_TRANSFERS: usize = 32;
/// Tokens in a batch.
pub const MOST_TOKENS: usize = 8;
/// In place of a token's index.
const SOL: u8 = 255;

/// Transfer flags.
const MARK: u8 = 1;
const WALLET: u8 = 2;
const CLAIM: u8 = 4;

/// A batch as it stands in the data.
#[derive(Clone, Copy)]
pub struct Batch<'a> {
    count: u8,
    tokens: u8,
    entries: Reader<'a>,
}

impl<'a> Batch<'a> {
    /// Reads to the end of the last entry.
    pub fn read(data: &mut Reader<'a>) -> Result<Self, ProgramError> {
        let (count, tokens) = (data.u8()?, data.u8()?);
        if usize::from(count) > MOST_TRANSFERS {
            return Err(Fault::TooManyTransfers.with(MOST_TRANSFERS as u64, count.into()));
        }
        if usize::from(tokens) > MOST_TOKENS {
            return Err(Fault::TooManyTokens.with(MOST_TOKENS as u64, tokens.into()));
        }
        let entries = *data;
        for _ in 0..count {
            Entry::read(data)?;
        }
        Ok(Batch { count, tokens, entries })
    }
}

struct Entry<'a> {
    token: u8,
    flags: u8,
    bump: u8,
    amount: u64,
    recipient: Option<&'a Word>,
}

impl<'a> Entry<'a> {
    fn read(data: &mut Reader<'a>) -> Result<Self, ProgramError> {
        let (token, flags, bump, amount) = (data.u8()?, data.u8()?, data.u8()?, data.u64()?);
        if flags & !(MARK | WALLET | CLAIM) != 0 {
            return Err(Fault::BadData.into());
        }
        let recipient = if token == SOL || flags & WALLET != 0 { None } else { Some(data.take()?) };
        Ok(Entry { token, flags, bump, amount, recipient })
    }
}

/// One payment with its accounts.
pub struct Transfer<'a, 't> {
    pub index: u8,
    /// None: SOL.
    pub token: Option<&'t TokenAccounts<'a>>,
    pub bump: u8,
    pub amount: u64,
    pub recipient: &'a Word,
    /// Where it is paid to; none when it is marked.
    pub account: Option<&'a AccountView>,
    pub wallet: Option<&'a AccountView>,
    pub claim: Option<&'a AccountView>,
}

impl<'a> Transfer<'a, '_> {
    /// The token's word.
    pub fn word(&self) -> &'a Word {
        self.token.map_or(NATIVE.as_array(), TokenAccounts::word)
    }
}

/// Room for the tokens that a batch names.
pub type Tokens<'a> = [Option<TokenAccounts<'a>>; MOST_TOKENS];

/// A batch with all accounts.
pub struct Transfers<'a, 't> {
    batch: Batch<'a>,
    system: Option<&'a AccountView>,
    associated: Option<&'a AccountView>,
    tokens: &'t Tokens<'a>,
    accounts: Accounts<'a>,
}

impl<'a, 't> Transfers<'a, 't> {
    /// Takes the tokens' accounts and checks them; what is left belongs to the transfers.
    #[inline(never)]
    pub fn open(input: &Input<'a>, batch: Batch<'a>, tokens: &'t mut Tokens<'a>) -> Result<Self, ProgramError> {
        let Input { program_id, mut accounts, .. } = *input;
        let system = accounts.optional(program_id)?;
        let associated = accounts.optional(program_id)?;
        for slot in tokens.iter_mut().take(batch.tokens.into()) {
            *slot = Some(TokenAccounts::take(program_id, &mut accounts)?);
        }
        Ok(Transfers { batch, system, associated, tokens, accounts })
    }

    fn walk(&self) -> Walk<'a, 't> {
        Walk {
            tokens: self.tokens,
            count: self.batch.count,
            index: 0,
            entries: self.batch.entries,
            accounts: self.accounts,
        }
    }

    /// The body hash: token, recipient and amount of each.
    #[inline(never)]
    pub fn hash(&self) -> Result<Word, ProgramError> {
        const FEW: usize = 4;
        // Room that is not needed would be cleared and, in the hash, be paid for.
        match usize::from(self.batch.count) {
            0..=FEW => self.hash_within::<FEW>(),
            _ => self.hash_within::<MOST_TRANSFERS>(),
        }
    }

    fn hash_within<const N: usize>(&self) -> Result<Word, ProgramError> {
        let count = self.batch.count.into();
        let mut amounts = [words::ZERO; N];
        let mut entries = self.batch.entries;
        for amount in amounts.iter_mut().take(count) {
            *amount = number(Entry::read(&mut entries)?.amount);
        }
        let mut parts: [[&[u8]; 3]; N] = [[&[]; 3]; N];
        let mut walk = self.walk();
        for (part, amount) in parts.iter_mut().zip(&amounts).take(count) {
            let transfer = walk.next()?;
            *part = [transfer.word(), transfer.recipient, amount];
        }
        Ok(keccak256(parts.get(..count).unwrap_or(&[]).as_flattened()))
    }

    /// Pays all, or credits what fails; returns which failed. The purse keeps the SOL that is still to be moved.
    #[inline(never)]
    pub fn pay(&self, lane: &Lane, purse: &mut Purse<'a>) -> Result<Word, ProgramError> {
        let makers =
            Makers { program_id: lane.program_id, payer: lane.actor, system: self.system, associated: self.associated };
        let payout = Payout { lane, makers: &makers };
        let mut failed: u32 = 0;
        let mut walk = self.walk();
        for index in 0..u32::from(self.batch.count) {
            if !payout.pay(purse, &walk.next()?)? {
                failed |= 1_u32.checked_shl(index).ok_or(Fault::Overflow)?;
            }
        }
        Ok(number(failed.into()))
    }
}

/// Reads entries and takes their accounts, one after the other.
struct Walk<'a, 't> {
    tokens: &'t Tokens<'a>,
    count: u8,
    index: u8,
    entries: Reader<'a>,
    accounts: Accounts<'a>,
}

impl<'a, 't> Walk<'a, 't> {
    fn next(&mut self) -> Result<Transfer<'a, 't>, ProgramError> {
        let entry = Entry::read(&mut self.entries)?;
        let token = match entry.token {
            SOL => None,
            index => match self.tokens.get(usize::from(index)) {
                Some(Some(token)) => Some(token),
                _ => return Err(Fault::BadData.into()),
            },
        };
        let marked = entry.flags & MARK != 0;
        let account = if marked { None } else { Some(self.accounts.next()?) };
        let wallet = if entry.flags & WALLET != 0 { Some(self.accounts.next()?) } else { None };
        let claim = if entry.flags & CLAIM != 0 { Some(self.accounts.next()?) } else { None };
        let payee = entry.recipient.or_else(|| wallet.or(account).map(|account| account.address().as_array()));
        // A transfer of SOL has no recipient besides its account, and so no mark.
        let recipient = payee.ok_or(Fault::MarkRefused)?;
        if token.is_none() && wallet.is_some() {
            return Err(Fault::BadData.into());
        }
        let index = self.index;
        self.index = index.checked_add(1).filter(|next| *next <= self.count).ok_or(Fault::BadData)?;
        let Entry { bump, amount, .. } = entry;
        Ok(Transfer { index, token, bump, amount, recipient, account, wallet, claim })
    }
}
