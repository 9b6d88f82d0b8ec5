//! One account in two places, one token under two numbers, many events in one transaction.

use solana_instruction::{AccountMeta, Instruction};
use solana_keypair::Keypair;
use solana_signer::Signer;
use trine_bridge_tests::{
    keys::{APPROVERS, PROCESSOR},
    requests::{batch_hash, claim_address, readonly, writable, Call, Limit, Pay, ASSOCIATED, NATIVE, SYSTEM},
    tokens::TOKEN,
    world::{World, PROGRAM, SOL},
};

#[test]
fn a_token_under_two_numbers_has_one_limit() {
    let mut world = World::started();
    let token = world.token("coin", TOKEN, &[]);
    let (state, alice) = (world.place.state, world.wallet("alice").pubkey());
    world.fund(&token, &state, 100);
    let to = world.fund(&token, &alice, 0);
    world.run(&[world.limit(1, &Limit { token: token.mint, capacity: 10, window: 3600 }, PROCESSOR | APPROVERS)]);
    let twice = |world: &World, amounts: [u64; 2]| {
        let pays = amounts.map(|amount| Pay::token(&token, alice, amount));
        let envelope = world.seal_action(1, batch_hash(&pays), PROCESSOR | APPROVERS);
        let mut instruction = world.place.transfers(world.next_action(), &pays, &envelope);
        let four = [writable(token.config), writable(token.vault), readonly(token.mint), readonly(token.program)];
        instruction.accounts.truncate(4);
        instruction.accounts.extend([readonly(SYSTEM), readonly(ASSOCIATED)]);
        instruction.accounts.extend([four.clone(), four].concat());
        instruction.accounts.extend([writable(to), writable(to)]);
        let entry = |index: u8, amount: u64| {
            [&[index, 0, token.account(&alice).1][..], &amount.to_le_bytes(), alice.as_ref()].concat()
        };
        let body = [vec![2, 2], entry(0, amounts[0]), entry(1, amounts[1])].concat();
        instruction.data =
            [&[5, 0][..], &world.next_action().to_le_bytes(), &[1], &body, &envelope.seal.bytes()].concat();
        instruction
    };
    let over = twice(&world, [6, 5]);
    world.refused("LimitExceeded", over);
    let all = twice(&world, [6, 4]);
    assert_eq!(world.run(&[all]).failed(), 0);
    assert_eq!((world.balance(&to), world.balance(&token.vault)), (10, 90));
}

#[test]
fn accounts_that_a_batch_makes_may_be_its_recipients() {
    let mut world = World::started();
    let token = world.token("coin", TOKEN, &[]);
    let state = world.place.state;
    world.fund(&token, &state, 100);
    world.run(&[world.place.deposit_sol(50 * SOL, &[])]);
    let poor = Keypair::new_from_array([44; 32]).pubkey();
    let (claim, account) = (claim_address(&PROGRAM, &NATIVE, &poor), token.account(&poor).0);
    let actor = world.place.actor;
    let (held, before) = (world.held(), world.lamports(&actor));
    let pays = [
        Pay::sol(poor, 5).with_claim(),
        Pay::sol(claim, SOL),
        Pay::sol(account, SOL),
        Pay::token(&token, poor, 7).with_wallet(),
        Pay::sol(actor, 3 * SOL),
    ];
    let batch = world.batch(&pays);
    let sent = world.run(&[batch]);
    assert_eq!(sent.failed(), 1);
    assert_eq!(held - world.held(), 5 * SOL);
    assert_eq!((world.owed(&NATIVE, &poor), world.balance(&account)), (Some(5), 7));
    assert!(world.lamports(&claim) > SOL && world.lamports(&account) > SOL);
    let paid = before + 3 * SOL - world.lamports(&actor);
    assert!((3_000_000..5_000_000).contains(&paid), "the actor paid two rents and the fee: {paid}");
}

#[test]
fn the_vault_deposits_nothing_into_itself() {
    let mut world = World::started();
    let token = world.token("coin", TOKEN, &[]);
    let (state, mallory) = (world.place.state, world.wallet("mallory"));
    world.fund(&token, &state, 1000);
    let mut his = world.place;
    his.actor = mallory.pubkey();
    let deposit = his.deposit_token(&token, token.vault, 400, &[]);
    world.refused_signed("Custom(4)", deposit.clone(), &[&mallory]);
    // Not even when governance has let him spend out of it.
    let accounts =
        vec![writable(token.vault), readonly(mallory.pubkey()), AccountMeta::new_readonly(world.place.state, true)];
    let approve = Instruction { program_id: TOKEN, accounts, data: [&[4][..], &u64::MAX.to_le_bytes()].concat() };
    let call = world.call(&Call::of(&approve, &world.place.state));
    assert_eq!(world.run(&[call]).failed(), 0);
    world.refused_signed("NothingReceived", deposit, &[&mallory]);
}

#[test]
fn a_transaction_full_of_events_is_read_whole() {
    let mut world = World::started();
    let deposits = vec![world.place.deposit_sol(1, &[]); 20];
    let sent = world.run(&deposits);
    assert_eq!(sent.records.len(), 20);
    assert_eq!(world.held(), 20);
    // One that does not work takes all others with it.
    let mut spoiled = deposits[..3].to_vec();
    spoiled.push(world.place.deposit_sol(0, &[]));
    assert_eq!(world.send(&spoiled, &[]).err().expect("refused").reason, "NothingReceived");
    assert_eq!(world.held(), 20);
    // No more than the runtime's 64 instructions fit, and each deposit is three of them.
    let many = vec![world.place.deposit_sol(1, &[]); 21];
    assert_eq!(world.send(&many, &[]).err().expect("refused").reason, "MaxInstructionTraceLengthExceeded");
}
