//! What an attacker tries.

mod aliases;
mod buffers;
mod claims;
mod pages;
mod programs;
mod recipients;
mod rival;

use solana_instruction::Instruction;
use trine_bridge_tests::{
    keys::{APPROVERS, PROCESSOR},
    requests::{batch_hash, claim_address, derive, readonly, writable, Limit, Pay, ASSOCIATED, NATIVE, SYSTEM},
    world::{World, PROGRAM, SOL},
};

/// A batch's payment of SOL, written as one of a token that is not ready.
fn disguised(world: &World, pay: &Pay) -> Instruction {
    let envelope = world.seal_action(1, batch_hash(&[pay.clone()]), PROCESSOR | APPROVERS);
    let mut instruction = world.place.transfers(world.next_action(), &[pay.clone()], &envelope);
    let config = derive(&[b"token", NATIVE.as_ref()], &PROGRAM).0;
    instruction.accounts.truncate(4);
    instruction.accounts.extend([
        readonly(SYSTEM),
        readonly(ASSOCIATED),
        readonly(config),
        readonly(PROGRAM),
        readonly(NATIVE),
        readonly(PROGRAM),
        writable(claim_address(&PROGRAM, &NATIVE, &pay.to)),
    ]);
    let body = [&[1, 1, 0, 1 | 4, 0][..], &pay.amount.to_le_bytes(), pay.to.as_ref()].concat();
    instruction.data = [&[5, 0][..], &world.next_action().to_le_bytes(), &[1], &body, &envelope.seal.bytes()].concat();
    instruction
}

#[test]
fn sol_is_no_token_that_is_not_ready() {
    let mut world = World::started();
    world.run(&[world.place.deposit_sol(5 * SOL, &[])]);
    world.run(&[world.limit(1, &Limit { token: NATIVE, capacity: SOL, window: 3600 }, PROCESSOR | APPROVERS)]);
    let alice = world.wallet("alice");
    let to = solana_signer::Signer::pubkey(&alice);
    world.refused("LimitExceeded", world.batch(&[Pay::sol(to, 2 * SOL)]));
    let attack = disguised(&world, &Pay::sol(to, 2 * SOL));
    world.refused("NativeMint", attack);
}
