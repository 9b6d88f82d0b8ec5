//! What failed transfers left, and who would like to have it or to keep it from others.

use solana_account::Account;
use solana_keypair::Keypair;
use solana_signer::Signer;
use trine_bridge_tests::{
    requests::{claim_address, Pay, NATIVE, SYSTEM},
    tokens::{transfer_checked, Token, TOKEN},
    world::{replaced, World, PROGRAM, SOL},
};

/// A bridge that owes alice some SOL (too little for an account), and alice.
fn owing() -> (World, Keypair) {
    let mut world = World::started();
    world.run(&[world.place.deposit_sol(5 * SOL, &[])]);
    let alice = Keypair::new_from_array([42; 32]);
    let batch = world.batch(&[Pay::sol(alice.pubkey(), 1000).with_claim()]);
    assert_eq!(world.run(&[batch]).failed(), 1);
    (world, alice)
}

/// A bridge that owes alice a token, as her account was frozen for a while.
fn owing_token() -> (World, Token, Keypair) {
    let mut world = World::started();
    let token = world.token("coin", TOKEN, &[]);
    let state = world.place.state;
    world.fund(&token, &state, 1000);
    let alice = world.wallet("alice");
    let account = world.fund(&token, &alice.pubkey(), 0);
    let freeze = |world: &mut World, frozen: bool| {
        let mut data = world.account(&account);
        data.data[108] = 1 + u8::from(frozen);
        world.put(account, data);
    };
    freeze(&mut world, true);
    let batch = world.batch(&[Pay::token(&token, alice.pubkey(), 600).with_claim()]);
    assert_eq!(world.run(&[batch]).failed(), 1);
    freeze(&mut world, false);
    (world, token, alice)
}

#[test]
fn a_claim_is_paid_once() {
    let (mut world, alice) = owing();
    world.svm.airdrop(&alice.pubkey(), SOL).unwrap();
    let claim = claim_address(&PROGRAM, &NATIVE, &alice.pubkey());
    let pay = world.place.claim_sol(alice.pubkey(), world.place.actor, alice.pubkey());
    assert!(world.send(&[pay.clone(), pay.clone()], &[]).is_err(), "twice in one transaction");
    world.run(&[pay.clone()]);
    world.refused("NothingToClaim", pay.clone());
    // Lamports that somebody leaves at the address bring nothing back and stop nothing.
    world.svm.airdrop(&claim, 1_000_000).unwrap();
    world.refused("NothingToClaim", pay.clone());
    let nobody = world.place.state;
    let batch = world.batch(&[Pay::sol(nobody, 7).with_claim()]);
    world.run(&[batch]);
    let poor = Keypair::new_from_array([43; 32]).pubkey();
    world.svm.airdrop(&claim_address(&PROGRAM, &NATIVE, &poor), 900_000).unwrap();
    let batch = world.batch(&[Pay::sol(poor, 9).with_claim()]);
    world.run(&[batch]);
    assert_eq!(world.owed(&NATIVE, &poor), Some(9));
}

#[test]
fn nobody_else_chooses_where_a_claim_goes() {
    let (mut world, alice) = owing();
    let mallory = world.wallet("mallory").pubkey();
    let actor = world.place.actor;
    let pay = world.place.claim_sol(alice.pubkey(), actor, alice.pubkey());
    world.refused("NotRecipient", replaced(&pay, 6, mallory));
    world.refused("WrongRefund", replaced(&pay, 5, mallory));
    world.refused("WrongClaim", replaced(&pay, 4, world.place.state));
    world.refused("BadDestination", replaced(&pay, 6, world.place.state));
    // The recipient itself does, to wherever, but the bridge.
    let mut own = world.place;
    own.actor = alice.pubkey();
    world.svm.airdrop(&alice.pubkey(), SOL).unwrap();
    let bad = own.claim_sol(alice.pubkey(), actor, world.place.state);
    world.refused_signed("BadDestination", bad, &[&alice]);
    let held = world.held();
    world.run_signed(&[own.claim_sol(alice.pubkey(), actor, mallory)], &[&alice]);
    assert_eq!(world.held(), held - 1000);
}

#[test]
fn nobody_else_chooses_where_a_token_goes() {
    let (mut world, token, alice) = owing_token();
    let (actor, mallory) = (world.place.actor, world.wallet("mallory"));
    let hers = token.account(&alice.pubkey()).0;
    let his = world.fund(&token, &mallory.pubkey(), 5);
    let pay = world.place.claim_token(&token, alice.pubkey(), actor, hers);
    world.refused("NotRecipient", replaced(&pay, 6, his));
    world.refused("BadDestination", replaced(&pay, 6, token.vault));
    world.refused("WrongVault", replaced(&pay, 8, his));
    // Another mint's accounts in the place of hers.
    let other = world.token("worthless", TOKEN, &[]);
    let others = world.place.claim_token(&other, alice.pubkey(), actor, other.account(&alice.pubkey()).0);
    world.refused("WrongMint", replaced(&others, 4, claim_address(&PROGRAM, &token.mint, &alice.pubkey())));
    // Her account given to somebody else: the push is refused, her own claim is not.
    let mut account = world.account(&hers);
    account.data[32..64].copy_from_slice(mallory.pubkey().as_ref());
    world.put(hers, account);
    world.refused("NotRecipient", pay);
    let mut own = world.place;
    own.actor = alice.pubkey();
    let bad = own.claim_token(&token, alice.pubkey(), actor, token.vault);
    world.refused_signed("BadDestination", bad, &[&alice]);
    world.run_signed(&[own.claim_token(&token, alice.pubkey(), actor, his)], &[&alice]);
    assert_eq!((world.balance(&his), world.balance(&token.vault)), (605, 400));
    // A transfer out of the vault by anybody but the program does not exist.
    let theft = transfer_checked(&token, token.vault, his, mallory.pubkey(), 400);
    world.refused_signed("Custom(4)", theft, &[&mallory]);
}

#[test]
fn whoever_paid_for_a_claim_cannot_hold_it_back() {
    // The payer is whoever carried the batch. Afterwards its account becomes whatever it can become.
    let program = World::started().account(&PROGRAM);
    let kinds = [
        program,
        Account { lamports: SOL, data: vec![0; 80], owner: SYSTEM, executable: false, rent_epoch: u64::MAX },
        Account { lamports: 0, data: vec![], owner: SYSTEM, executable: false, rent_epoch: u64::MAX },
    ];
    for kind in kinds {
        let mut world = World::started();
        world.run(&[world.place.deposit_sol(5 * SOL, &[])]);
        let mallory = world.wallet("mallory");
        let to = world.stranger("alice");
        let payer = world.place.actor;
        world.place.actor = mallory.pubkey();
        let batch = world.batch(&[Pay::sol(to, 1000).with_claim()]);
        world.run_signed(&[batch], &[&mallory]);
        world.place.actor = payer;
        world.put(mallory.pubkey(), kind);
        world.svm.airdrop(&to, SOL).unwrap();
        world.run(&[world.place.claim_sol(to, mallory.pubkey(), to)]);
        assert_eq!(world.lamports(&to), SOL + 1000);
    }
}
