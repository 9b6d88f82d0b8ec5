//! Mints and token accounts as SPL Token and Token-2022 keep them, and which mints the bridge takes.

use pinocchio::{account::AccountView, error::ProgramError, Address};

use crate::{errors::Fault, reader::Reader, syscalls::Word};

/// SPL Token.
pub const TOKEN: Address = Address::from_str_const("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA");
/// Token-2022.
pub const TOKEN_2022: Address = Address::from_str_const("TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb");
/// SOL's word, and wrapped SOL's mint.
pub const NATIVE: Address = Address::from_str_const("So11111111111111111111111111111111111111112");
const NATIVE_2022: Address = Address::from_str_const("9pan9bMn5HatX4EJdBwg9VgCa7Uz5HL8N1m5D3NdXej9");

const MINT_SIZE: usize = 82;
const ACCOUNT_SIZE: usize = 165;
const MULTISIG_SIZE: usize = 355;
/// The byte after the larger of the two that says in Token-2022 which of them it is.
const KIND_MINT: u8 = 1;
const KIND_ACCOUNT: u8 = 2;

/// What of a token account counts here.
pub struct TokenAccount {
    pub mint: Word,
    pub owner: Word,
    pub amount: u64,
    pub frozen: bool,
}

impl TokenAccount {
    /// Reads an account of a token program; refuses what is none or not initialised.
    pub fn load(account: &AccountView, program: &Address) -> Result<Self, ProgramError> {
        if !account.owned_by(program) {
            return Err(Fault::WrongTokenAccount.into());
        }
        let data = account.try_borrow()?;
        let known = match data.len() {
            ACCOUNT_SIZE => true,
            MULTISIG_SIZE => false,
            _ => data.get(ACCOUNT_SIZE) == Some(&KIND_ACCOUNT),
        };
        let mut reader = Reader::new(&data);
        let read = (|| {
            let (mint, owner, amount) = (*reader.take()?, *reader.take()?, reader.u64()?);
            reader.bytes(36)?; // delegate
            Ok::<_, ProgramError>((mint, owner, amount, reader.u8()?))
        })();
        match read {
            Ok((mint, owner, amount, state @ 1..=2)) if known => {
                Ok(TokenAccount { mint, owner, amount, frozen: state == 2 })
            }
            _ => Err(Fault::WrongTokenAccount.into()),
        }
    }
}

/// Checks that the bridge can take this mint, and returns its decimals.
pub fn accept(mint: &AccountView, program: &Address) -> Result<u8, ProgramError> {
    if *mint.address() == NATIVE || *mint.address() == NATIVE_2022 {
        return Err(Fault::NativeMint.into());
    }
    if !mint.owned_by(program) {
        return Err(Fault::WrongMint.into());
    }
    let data = mint.try_borrow()?;
    let extensions = match data.len() {
        MINT_SIZE => &[],
        MULTISIG_SIZE => return Err(Fault::WrongMint.into()),
        _ if *program == TOKEN => return Err(Fault::WrongMint.into()),
        _ => match data.split_at_checked(ACCOUNT_SIZE) {
            Some((_, [KIND_MINT, extensions @ ..])) => extensions,
            _ => return Err(Fault::WrongMint.into()),
        },
    };
    let mut base = Reader::new(&data);
    base.bytes(44)?; // authority, supply
    let (decimals, initialized) = (base.u8()?, base.u8()?);
    if initialized != 1 {
        return Err(Fault::WrongMint.into());
    }
    check_extensions(Reader::new(extensions))?;
    Ok(decimals)
}

/// Entries of type 2, length 2 and data; type 0 or too few bytes for a type end them.
fn check_extensions(mut entries: Reader) -> Result<(), ProgramError> {
    while let Ok(kind) = entries.u16() {
        if kind == 0 {
            break;
        }
        check_extension(kind)?;
        let length = entries.u16().map_err(|_| Fault::WrongMint)?;
        entries.bytes(length.into()).map_err(|_| Fault::WrongMint)?;
    }
    Ok(())
}

/// What may change a balance behind the bridge's back, or run somebody's code in a transfer, is refused by name.
fn check_extension(kind: u16) -> Result<(), ProgramError> {
    Err(match kind {
        1 => return Ok(()),       // TransferFeeConfig: what arrives is measured
        4 | 16 => return Ok(()),  // ConfidentialTransferMint, ConfidentialTransferFeeConfig: per account, by its owner
        10 | 25 => return Ok(()), // InterestBearingConfig, ScaledUiAmount: how amounts are shown
        18..=23 => return Ok(()), // MetadataPointer, TokenMetadata, GroupPointer, TokenGroup, GroupMemberPointer, TokenGroupMember
        26 => return Ok(()),      // Pausable: whoever submits may mark
        3 => Fault::MintHasCloseAuthority.into(),
        6 => Fault::MintHasDefaultState.into(),
        9 => Fault::MintNotTransferable.into(),
        12 => Fault::MintHasPermanentDelegate.into(),
        14 => Fault::MintHasTransferHook.into(),
        24 => Fault::MintHasConfidentialSupply.into(),
        unknown => Fault::MintExtensionUnknown.with(unknown.into(), 0),
    })
}
