//! What a transaction weighs, and why one was refused.

use std::{collections::HashMap, sync::OnceLock};

use litesvm::types::FailedTransactionMetadata;
use solana_address::Address;
use solana_instruction::{AccountMeta, Instruction};
use solana_instruction_error::InstructionError;
use solana_message::Message;
use solana_transaction_error::TransactionError;

/// As much as a transaction may weigh.
pub const MOST_BYTES: usize = 1232;
const README: &str = include_str!("../../README.md");

/// A transaction that was refused: by which instruction (not counting the compute budget's) and why.
#[derive(Debug)]
pub struct Refusal {
    pub reason: String,
    pub logs: Vec<String>,
}

/// The bytes of a transaction with this message, as they travel.
pub fn weight(message: &Message) -> usize {
    let compact = |n: usize| if n < 128 { 1 } else { 2 };
    let instructions: usize = message
        .instructions
        .iter()
        .map(|i| 1 + compact(i.accounts.len()) + i.accounts.len() + compact(i.data.len()) + i.data.len())
        .sum();
    let signatures = usize::from(message.header.num_required_signatures);
    compact(signatures)
        + 64 * signatures
        + 3
        + compact(message.account_keys.len())
        + 32 * message.account_keys.len()
        + 32
        + compact(message.instructions.len())
        + instructions
}

/// The program's faults by number, read from the README.
fn faults() -> &'static HashMap<u32, String> {
    static FAULTS: OnceLock<HashMap<u32, String>> = OnceLock::new();
    FAULTS.get_or_init(|| {
        let table = README.split("## Errors").nth(1).expect("the README's errors");
        let rows = table.lines().filter(|line| line.starts_with('|'));
        let cells = rows.map(|row| row.trim_matches('|').split('|').map(str::trim).collect::<Vec<_>>());
        let pairs = cells
            .flat_map(|row| row.chunks(2).map(|pair| (pair[0].parse().ok(), pair[1].to_string())).collect::<Vec<_>>());
        pairs.filter_map(|(number, name): (Option<u32>, _)| Some((0x5452_0000 | number?, name))).collect()
    })
}

/// Reads a failure; a fault of ours must stand in the log by its name.
pub fn refusal(failure: FailedTransactionMetadata) -> Refusal {
    let reason = match &failure.err {
        TransactionError::InstructionError(_, InstructionError::Custom(code)) => {
            let name = faults().get(code).cloned();
            if let Some(name) = &name {
                let logged = failure.meta.logs.iter().any(|line| *line == format!("Program log: {name}"));
                assert!(logged, "{name} is not in the log:\n{}", failure.meta.logs.join("\n"));
            }
            name.unwrap_or_else(|| format!("Custom({code})"))
        }
        TransactionError::InstructionError(_, error) => format!("{error:?}"),
        other => format!("{other:?}"),
    };
    Refusal { reason, logs: failure.meta.logs }
}

/// The same instruction with another account in a place.
pub fn replaced(instruction: &Instruction, index: usize, key: Address) -> Instruction {
    let mut other = instruction.clone();
    other.accounts[index] = AccountMeta { pubkey: key, ..other.accounts[index].clone() };
    other
}
