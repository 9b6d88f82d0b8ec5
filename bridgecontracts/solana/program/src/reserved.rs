//! Accounts of the runtime itself, to which nothing can be paid: it makes them read-only whatever a transaction says.

use pinocchio::{account::AccountView, Address};

/// All reserved addresses besides the system program (whose address is zero). Tests hold the list against the runtime's.
const RESERVED: [Address; 30] = [
    Address::from_str_const("AddressLookupTab1e1111111111111111111111111"),
    Address::from_str_const("BPFLoader1111111111111111111111111111111111"),
    Address::from_str_const("BPFLoader2111111111111111111111111111111111"),
    Address::from_str_const("BPFLoaderUpgradeab1e11111111111111111111111"),
    Address::from_str_const("ComputeBudget111111111111111111111111111111"),
    Address::from_str_const("Config1111111111111111111111111111111111111"),
    Address::from_str_const("Ed25519SigVerify111111111111111111111111111"),
    Address::from_str_const("Feature111111111111111111111111111111111111"),
    Address::from_str_const("KeccakSecp256k11111111111111111111111111111"),
    Address::from_str_const("LoaderV411111111111111111111111111111111111"),
    Address::from_str_const("NativeLoader1111111111111111111111111111111"),
    Address::from_str_const("Secp256r1SigVerify1111111111111111111111111"),
    Address::from_str_const("Stake11111111111111111111111111111111111111"),
    Address::from_str_const("StakeConfig11111111111111111111111111111111"),
    Address::from_str_const("Sysvar1111111111111111111111111111111111111"),
    Address::from_str_const("Sysvar1nstructions1111111111111111111111111"),
    Address::from_str_const("SysvarC1ock11111111111111111111111111111111"),
    Address::from_str_const("SysvarEpochRewards1111111111111111111111111"),
    Address::from_str_const("SysvarEpochSchedu1e111111111111111111111111"),
    Address::from_str_const("SysvarFees111111111111111111111111111111111"),
    Address::from_str_const("SysvarLastRestartS1ot1111111111111111111111"),
    Address::from_str_const("SysvarRecentB1ockHashes11111111111111111111"),
    Address::from_str_const("SysvarRent111111111111111111111111111111111"),
    Address::from_str_const("SysvarRewards111111111111111111111111111111"),
    Address::from_str_const("SysvarS1otHashes111111111111111111111111111"),
    Address::from_str_const("SysvarS1otHistory11111111111111111111111111"),
    Address::from_str_const("SysvarStakeHistory1111111111111111111111111"),
    Address::from_str_const("Vote111111111111111111111111111111111111111"),
    Address::from_str_const("ZkE1Gama1Proof11111111111111111111111111111"),
    Address::from_str_const("ZkTokenProof1111111111111111111111111111111"),
];

/// The owner of all sysvars, also of those that a later runtime adds.
const SYSVARS: Address = Address::from_str_const("Sysvar1111111111111111111111111111111111111");

/// Whether the account is one of them. Only a read-only account can be; so a payment asks for nothing else.
pub fn contains(account: &AccountView) -> bool {
    !account.is_writable() && (RESERVED.contains(account.address()) || account.owned_by(&SYSVARS))
}
