//! Mints and token accounts, written as the token programs keep them, and the few token instructions that tests need.

use solana_account::Account;
use solana_address::{address, Address};
use solana_instruction::{AccountMeta, Instruction};

use crate::requests::{derive, readonly, writable, ASSOCIATED, SYSTEM};

pub const TOKEN: Address = address!("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA");
pub const TOKEN_2022: Address = address!("TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb");
pub const DECIMALS: u8 = 6;

/// A mint that a bridge may know.
#[derive(Clone, Copy)]
pub struct Token {
    pub mint: Address,
    pub program: Address,
    pub config: Address,
    pub vault: Address,
}

impl Token {
    /// The bridge's accounts for a mint.
    pub fn new(bridge: &Address, state: &Address, mint: Address, program: Address) -> Self {
        let config = derive(&[b"token", mint.as_ref()], bridge).0;
        let vault = associated(state, &program, &mint).0;
        Token { mint, program, config, vault }
    }

    /// A wallet's associated token account, and its bump.
    pub fn account(&self, wallet: &Address) -> (Address, u8) {
        associated(wallet, &self.program, &self.mint)
    }
}

/// The associated token account of a wallet.
pub fn associated(wallet: &Address, program: &Address, mint: &Address) -> (Address, u8) {
    derive(&[wallet.as_ref(), program.as_ref(), mint.as_ref()], &ASSOCIATED)
}

/// What an extension of a Token-2022 mint is made of.
pub type Extension = (u16, Vec<u8>);

/// A mint's data: `authority` mints and freezes.
pub fn mint_data(authority: &Address, supply: u64, extensions: &[Extension]) -> Vec<u8> {
    let mut data = [
        &1_u32.to_le_bytes()[..],
        authority.as_ref(),
        &supply.to_le_bytes(),
        &[DECIMALS, 1],
        &1_u32.to_le_bytes(),
        authority.as_ref(),
    ]
    .concat();
    extend(&mut data, 1, extensions);
    data
}

/// A token account's data.
pub fn account_data(mint: &Address, owner: &Address, amount: u64, frozen: bool, extensions: &[Extension]) -> Vec<u8> {
    let mut data =
        [mint.as_ref(), owner.as_ref(), &amount.to_le_bytes(), &[0; 36], &[1 + u8::from(frozen)], &[0; 12 + 8 + 36]]
            .concat();
    extend(&mut data, 2, extensions);
    data
}

fn extend(data: &mut Vec<u8>, kind: u8, extensions: &[Extension]) {
    if extensions.is_empty() {
        return;
    }
    data.resize(165, 0);
    data.push(kind);
    for (number, value) in extensions {
        data.extend(number.to_le_bytes());
        data.extend((value.len() as u16).to_le_bytes());
        data.extend(value);
    }
}

/// TransferFeeConfig (1): a fee of so many hundredths of a percent, from the beginning.
pub fn transfer_fee(points: u16) -> Extension {
    let fee = [&0_u64.to_le_bytes()[..], &u64::MAX.to_le_bytes(), &points.to_le_bytes()].concat();
    (1, [&[0; 72][..], &fee, &fee].concat())
}

/// Pausable (26).
pub fn pausable(paused: bool) -> Extension {
    (26, [&[0; 32][..], &[u8::from(paused)]].concat())
}

/// An account of a token program with this data, rent paid.
pub fn account(program: &Address, data: Vec<u8>) -> Account {
    Account { lamports: 10_000_000, data, owner: *program, executable: false, rent_epoch: u64::MAX }
}

/// Makes a wallet's associated token account.
pub fn create_associated(payer: &Address, token: &Token, wallet: &Address) -> Instruction {
    let accounts = vec![
        AccountMeta::new(*payer, true),
        writable(token.account(wallet).0),
        readonly(*wallet),
        readonly(token.mint),
        readonly(SYSTEM),
        readonly(token.program),
    ];
    Instruction { program_id: ASSOCIATED, accounts, data: vec![0] }
}

/// TransferChecked.
pub fn transfer_checked(token: &Token, from: Address, to: Address, authority: Address, amount: u64) -> Instruction {
    let accounts = vec![writable(from), readonly(token.mint), writable(to), AccountMeta::new_readonly(authority, true)];
    let data = [&[12][..], &amount.to_le_bytes(), &[DECIMALS]].concat();
    Instruction { program_id: token.program, accounts, data }
}
