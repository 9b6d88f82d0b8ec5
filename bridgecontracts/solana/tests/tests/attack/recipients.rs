//! Whoever withdraws chooses the recipient, and chooses what lies there: none of them may stop the lane.

use solana_account::Account;
use solana_address::{address, Address};
use solana_signer::Signer;
use trine_bridge_tests::{
    requests::{claim_address, readonly, Pay, ASSOCIATED, LOADER, NATIVE, SYSTEM},
    tokens::{Token, TOKEN, TOKEN_2022},
    world::{World, PROGRAM, SOL},
};

const SYSVARS: Address = address!("Sysvar1111111111111111111111111111111111111");
/// As large as an account can be.
const LARGEST: usize = 10 * 1024 * 1024;

/// Addresses with something special about them.
fn peculiar(world: &mut World, token: &Token) -> Vec<Address> {
    let nonce = world.stranger("nonce");
    world.put(
        nonce,
        Account { lamports: SOL, data: vec![0; 80], owner: SYSTEM, executable: false, rent_epoch: u64::MAX },
    );
    let claim = claim_address(&PROGRAM, &NATIVE, &world.stranger("somebody"));
    let state = world.place.state;
    vec![
        SYSTEM,
        state,
        PROGRAM,
        world.program_data(),
        world.place.page,
        world.place.actor,
        token.vault,
        token.config,
        token.mint,
        token.account(&token.vault).0,
        TOKEN,
        TOKEN_2022,
        ASSOCIATED,
        LOADER,
        NATIVE,
        SYSVARS,
        nonce,
        claim,
        claim_address(&PROGRAM, &NATIVE, &claim),
        address!("SysvarC1ock11111111111111111111111111111111"),
        address!("SysvarRent111111111111111111111111111111111"),
        address!("Sysvar1nstructions1111111111111111111111111"),
        address!("ComputeBudget111111111111111111111111111111"),
        address!("1nc1nerator11111111111111111111111111111111"),
        address!("StakeConfig11111111111111111111111111111111"),
        address!("NativeLoader1111111111111111111111111111111"),
    ]
}

#[test]
fn no_recipient_of_sol_stops_the_lane() {
    let mut world = World::started();
    let token = world.token("coin", TOKEN, &[]);
    world.run(&[world.place.deposit_sol(50 * SOL, &[])]);
    for to in peculiar(&mut world, &token) {
        for amount in [1, SOL / 100] {
            let (held, owed) = (world.held(), world.owed(&NATIVE, &to).unwrap_or(0));
            let batch = world.batch(&[Pay::sol(to, amount).with_claim()]);
            let failed = world.run(&[batch]).failed() == 1;
            let owes = world.owed(&NATIVE, &to).unwrap_or(0) - owed;
            // The bridge's own account is the one whose balance a payment to it would not change.
            assert_eq!((held - world.held(), owes), if failed { (0, amount) } else { (amount, 0) }, "{to}");
        }
    }
}

#[test]
fn no_recipient_of_a_token_stops_the_lane() {
    for program in [TOKEN, TOKEN_2022] {
        let mut world = World::started();
        let token = world.token("coin", program, &[]);
        let state = world.place.state;
        world.fund(&token, &state, 1_000_000);
        for to in peculiar(&mut world, &token) {
            let (held, owed) = (world.balance(&token.vault), world.owed(&token.mint, &to).unwrap_or(0));
            let batch = world.batch(&[Pay::token(&token, to, 7).with_wallet().with_claim()]);
            let failed = world.run(&[batch]).failed() == 1;
            let owes = world.owed(&token.mint, &to).unwrap_or(0) - owed;
            assert_eq!((held - world.balance(&token.vault), owes), if failed { (0, 7) } else { (7, 0) }, "{to}");
            if !failed {
                assert_eq!(world.balance(&token.account(&to).0), 7);
            }
        }
    }
}

#[test]
fn a_payment_to_the_buffer_that_carries_it_is_the_posters() {
    let mut world = World::started();
    world.run(&[world.place.deposit_sol(5 * SOL, &[])]);
    // The digest names the recipient, so the attacker takes the buffer that he opened for another one.
    let (buffer, _) = world.place.buffer(&[7; 32]);
    world.run(&[world.place.open_buffer(&[7; 32], 0)]);
    let rent = world.lamports(&buffer);
    let batch = world.batch(&[Pay::sol(buffer, SOL)]);
    world.run(&[batch]);
    assert_eq!(world.lamports(&buffer), rent + SOL);
    let before = world.lamports(&world.place.actor);
    world.run(&[world.place.close_buffer(buffer)]);
    assert!(world.lamports(&world.place.actor) > before + SOL, "whoever opened it has it");
}

#[test]
fn the_largest_accounts_as_recipients_fit_a_batch() {
    let mut world = World::started();
    world.run(&[world.place.deposit_sol(5 * SOL, &[])]);
    let pays: Vec<Pay> = (0..4)
        .map(|i| {
            let to = world.stranger(&format!("large {i}"));
            let large = Account {
                lamports: 100 * SOL,
                data: vec![1; LARGEST],
                owner: SYSTEM,
                executable: false,
                rent_epoch: u64::MAX,
            };
            world.put(to, large);
            Pay::sol(to, SOL).with_claim()
        })
        .collect();
    let batch = world.batch(&pays);
    assert_eq!(world.run(&[batch]).failed(), 0);
}

#[test]
fn a_sysvar_that_is_not_known_yet_takes_nothing() {
    let mut world = World::started();
    world.run(&[world.place.deposit_sol(5 * SOL, &[])]);
    let to = world.stranger("sysvar of a later runtime");
    world
        .put(to, Account { lamports: SOL, data: vec![1; 40], owner: SYSVARS, executable: false, rent_epoch: u64::MAX });
    // The later runtime makes it read-only, whatever the transaction says.
    let mut batch = world.batch(&[Pay::sol(to, SOL).with_claim()]);
    let place = batch.accounts.iter().position(|meta| meta.pubkey == to).unwrap();
    batch.accounts[place] = readonly(to);
    assert_eq!(world.run(&[batch]).failed(), 1);
    assert_eq!(world.owed(&NATIVE, &to), Some(SOL));
    // Of others, a submitter cannot make a payment a claim in this way.
    let alice = world.wallet("alice").pubkey();
    let mut batch = world.batch(&[Pay::sol(alice, SOL).with_claim()]);
    let place = batch.accounts.iter().position(|meta| meta.pubkey == alice).unwrap();
    batch.accounts[place] = readonly(alice);
    world.refused("NotWritable", batch);
}
