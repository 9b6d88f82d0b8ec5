//! Every way in which the program refuses, by number and name.

use pinocchio::error::ProgramError;

use crate::syscalls;

/// Added to each number, so that no fault can be taken for one of the programs called ("TR" in the upper half).
const BASE: u32 = 0x5452_0000;

macro_rules! faults {
    ($($number:literal $name:ident: $doc:literal;)*) => {
        /// Why an instruction was refused.
        #[derive(Clone, Copy)]
        #[repr(u32)]
        pub enum Fault { $(#[doc = $doc] $name = $number,)* }

        /// The name behind a custom error code, if it is one of ours.
        pub fn name(code: u32) -> Option<&'static str> {
            match code.checked_sub(BASE)? {
                $($number => Some(stringify!($name)),)*
                _ => None,
            }
        }
    };
}

faults! {
    1 UnknownInstruction: "The first byte is no instruction's tag.";
    2 BadData: "The data are shorter or longer than the instruction says, or hold a value that it does not know.";
    3 NotEnoughAccounts: "An account is missing at the end of the list.";
    4 NotSigner: "An account must sign.";
    5 NotWritable: "An account must be writable.";
    6 WrongState: "Not the bridge's state account.";
    7 StalePage: "Not the page of the next event: read the state again.";
    8 WrongProgram: "Not this program.";
    9 WrongSystemProgram: "Not the system program.";
    10 WrongAssociatedTokenProgram: "Not the associated token account program.";
    11 WrongLoader: "Not the upgradeable loader, or not loaded by it.";
    12 WrongProgramData: "Not this program's ProgramData account.";
    13 WrongAuthority: "Not the program's upgrade authority.";
    14 AuthorityRemains: "The upgrade authority could not be given up.";
    15 AlreadyInitialized: "The bridge exists.";
    16 ZeroValue: "Zero is never a valid hash, key, set or token.";
    17 BadQuorum: "A quorum is 1 to the number of members, of which there are at most 64.";
    18 MembersNotAscending: "The members of a group ascend and none is zero.";
    19 SecondSeat: "A member holds one seat.";
    20 BridgePaused: "A pause stands.";
    21 WrongPauseState: "Pausing what is paused, or unpausing what runs.";
    22 WrongSequence: "A control action is not the next of its kind.";
    23 WrongActionId: "Value actions run in the order of their ids.";
    24 EpochNotHigher: "A rotation goes to a higher epoch.";
    25 BadGroups: "A rotation is signed by two of the three groups: mask 3, 5 or 6.";
    26 BadLimit: "A window is 1 to 65535 whole minutes, or 0 with capacity 0.";
    27 LimitExceeded: "A transfer would overflow the token's bucket now.";
    28 BadSealLength: "The seal is longer or shorter than the quorums ask for.";
    29 NoSuchMember: "A signature names a member that its group does not have.";
    30 SignersNotAscending: "Members sign in ascending order, each once.";
    31 HighS: "Only the lower of the two possible s is a signature.";
    32 WrongSigner: "The signature is not that member's over this digest.";
    33 QuorumMissing: "The buffer does not hold the signatures that this action needs.";
    34 WrongBuffer: "Not a buffer, or one of another digest.";
    35 WrongPoster: "Not the one who opened the buffer.";
    36 StaleBuffer: "The buffer's signatures are of another epoch: close it and open it again.";
    37 BadBodyRange: "Outside of the buffer's body, or a body larger than an account may be made.";
    38 BadKeysLength: "Keys are at most four entries of 98 bytes.";
    39 NothingReceived: "Nothing came in: a deposit of nothing without keys, or a token that moved nothing.";
    40 WrongToken: "Not the token account of this mint.";
    41 TokenNotReady: "InitToken has not run for this mint.";
    42 WrongTokenProgram: "Not the token program of this mint.";
    43 WrongMint: "Not a mint of the token program.";
    44 WrongVault: "Not the bridge's vault of this mint.";
    45 WrongTokenAccount: "Not the token account that it should be.";
    46 WalletNeeded: "The recipient has no token account: pass its wallet so that it is made.";
    47 ClaimAccountNeeded: "The transfer fails: pass the claim account.";
    48 WrongClaim: "Not the claim account of this token and recipient.";
    49 MarkRefused: "A transfer of SOL or of an SPL Token mint cannot be marked claimable.";
    50 TooManyTransfers: "A batch has at most 32 transfers.";
    51 NothingToClaim: "No failed transfer is owed here.";
    52 NotRecipient: "Only the recipient sends its claim elsewhere; anyone may push it to the recipient itself.";
    53 BadDestination: "A claim cannot be paid to the bridge.";
    54 WrongRefund: "Not the one who paid for the claim account.";
    55 HeldTooLittle: "The bridge holds less than that.";
    56 NativeMint: "SOL is bridged as SOL.";
    57 AlreadyReady: "The token has its vault.";
    58 MintHasTransferHook: "Mints with a transfer hook are refused.";
    59 MintHasPermanentDelegate: "Mints with a permanent delegate are refused.";
    60 MintHasDefaultState: "Mints with a default account state are refused.";
    61 MintNotTransferable: "Mints that cannot be transferred are refused.";
    62 MintHasCloseAuthority: "Mints that can be closed are refused: another may take the address.";
    63 MintHasConfidentialSupply: "Mints with confidential minting and burning are refused.";
    64 MintExtensionUnknown: "The mint has an extension that this program does not know.";
    65 NotAPage: "Only the program itself records, with the page's signature.";
    66 AccountNeeded: "An optional account is needed after all.";
    67 Overflow: "A number left its range.";
    68 WrongCallAccount: "Not the account that the call names here.";
    69 BufferExists: "The poster has a buffer for this digest.";
    70 TooManyTokens: "A batch has at most 8 tokens.";
    71 KeysFromProgram: "A program that a wallet called gives keys in its name: the wallet gives them itself.";
}

impl Fault {
    /// The fault with two numbers that explain it (expected and given, say) in the log.
    #[cold]
    pub fn with(self, a: u64, b: u64) -> ProgramError {
        syscalls::log_numbers(a, b);
        self.into()
    }
}

impl From<Fault> for ProgramError {
    fn from(fault: Fault) -> Self {
        ProgramError::Custom(BASE | fault as u32)
    }
}
