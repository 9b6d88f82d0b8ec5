//! What comes in.

use solana_signer::Signer;
use trine_bridge_tests::{
    events::Event,
    keys::Member,
    requests::{Key, Pay, Place, NATIVE},
    tokens::{transfer_fee, TOKEN, TOKEN_2022},
    words::{digest, keccak},
    world::{World, SOL},
};

/// A key as a wallet proves it; the program takes any bytes.
fn key(n: u8) -> Key {
    let mut key = [n; 98];
    key[0] = 2;
    key
}

#[test]
fn sol_is_credited_with_and_without_keys() {
    let mut world = World::started();
    let alice = world.wallet("alice");
    let place = Place { actor: alice.pubkey(), ..world.place };
    for (i, keys) in [vec![], vec![key(1)], vec![key(1), key(2), key(3), key(4)]].into_iter().enumerate() {
        let place = Place { page: world.place.page, ..place };
        let sent = world.run_signed(&[place.deposit_sol(SOL, &keys)], &[&alice]);
        let wallet = alice.pubkey();
        let keys = keys.as_flattened().to_vec();
        assert_eq!(sent.records[0].event, Event::Deposited { wallet, token: NATIVE, amount: SOL, keys });
        assert_eq!(world.held(), (i as u64 + 1) * SOL);
    }
}

/// The digest that a key signs is ADR 0001's, with the Solana wallet as a word: the ledger verifies it like any other.
#[test]
fn a_key_link_names_wallet_and_bridge() {
    let mut world = World::started();
    let user = Member::named("user");
    let public = [2; 33];
    let wallet = world.payer.pubkey();
    let link = digest("key-link", &[world.domain, wallet.to_bytes(), keccak(&[&public])]);
    let mut entry: Key = [0; 98];
    entry[..33].copy_from_slice(&public);
    entry[33..97].copy_from_slice(&user.sign(&link));
    let sent = world.run(&[world.place.deposit_sol(0, &[entry])]);
    let expected = Event::Deposited { wallet, token: NATIVE, amount: 0, keys: entry.to_vec() };
    assert_eq!(sent.records[0].event, expected);
    assert_eq!(world.held(), 0, "a key association moves nothing");
}

#[test]
fn nothing_is_no_deposit_and_five_keys_are_too_many() {
    let mut world = World::started();
    let token = world.token("usd", TOKEN, &[]);
    let account = world.fund(&token, &world.payer.pubkey(), 1000);
    world.refused("NothingReceived", world.place.deposit_sol(0, &[]));
    world.refused("NothingReceived", world.place.deposit_token(&token, account, 0, &[]));
    world.refused("BadKeysLength", world.place.deposit_sol(1, &[key(1); 5]));
    let mut cut = world.place.deposit_sol(1, &[key(1)]);
    cut.data.pop();
    world.refused("BadKeysLength", cut);
    let mut longer = world.place.deposit_sol(1, &[key(1)]);
    longer.data.push(0);
    world.refused("BadKeysLength", longer);
}

#[test]
fn tokens_of_both_programs_are_credited() {
    let mut world = World::started();
    for (name, program) in [("old", TOKEN), ("new", TOKEN_2022)] {
        let token = world.token(name, program, &[]);
        let alice = world.wallet("alice");
        let account = world.fund(&token, &alice.pubkey(), 1000);
        let place = Place { actor: alice.pubkey(), ..world.place };
        let sent = world.run_signed(&[place.deposit_token(&token, account, 700, &[key(9)])], &[&alice]);
        let (wallet, keys) = (alice.pubkey(), key(9).to_vec());
        assert_eq!(sent.records[0].event, Event::Deposited { wallet, token: token.mint, amount: 700, keys });
        assert_eq!((world.balance(&account), world.balance(&token.vault)), (300, 700));
    }
}

#[test]
fn a_fee_on_transfer_credits_what_arrives() {
    let mut world = World::started();
    let token = world.token("taxed", TOKEN_2022, &[transfer_fee(250)]);
    let account = world.fund(&token, &world.payer.pubkey(), 10_000);
    let sent = world.run(&[world.place.deposit_token(&token, account, 10_000, &[])]);
    let wallet = world.payer.pubkey();
    let expected = Event::Deposited { wallet, token: token.mint, amount: 9_750, keys: vec![] };
    assert_eq!(sent.records[0].event, expected);
    let bob = world.stranger("bob");
    let to = world.fund(&token, &bob, 0);
    world.run(&[world.batch(&[Pay::token(&token, bob, 9_750)])]);
    assert_eq!((world.balance(&token.vault), world.balance(&to)), (0, 9_506), "the fee is the recipient's");
}

#[test]
fn a_fee_of_everything_credits_nothing() {
    let mut world = World::started();
    let token = world.token("all taxed", TOKEN_2022, &[transfer_fee(10_000)]);
    let account = world.fund(&token, &world.payer.pubkey(), 10_000);
    world.refused("NothingReceived", world.place.deposit_token(&token, account, 10_000, &[]));
}

#[test]
fn a_token_association_moves_nothing() {
    let mut world = World::started();
    let token = world.token("usd", TOKEN, &[]);
    let account = world.fund(&token, &world.payer.pubkey(), 1000);
    let sent = world.run(&[world.place.deposit_token(&token, account, 0, &[key(3)])]);
    let wallet = world.payer.pubkey();
    let expected = Event::Deposited { wallet, token: token.mint, amount: 0, keys: key(3).to_vec() };
    assert_eq!(sent.records[0].event, expected);
    assert_eq!(world.balance(&account), 1000);
}

#[test]
fn a_pause_refuses_deposits() {
    let mut world = World::started();
    let token = world.token("usd", TOKEN, &[]);
    let account = world.fund(&token, &world.payer.pubkey(), 1000);
    world.run(&[world.pause(1)]);
    world.refused("BridgePaused", world.place.deposit_sol(1, &[]));
    world.refused("BridgePaused", world.place.deposit_token(&token, account, 1, &[]));
    world.run(&[world.unpause(2)]);
    world.run(&[world.place.deposit_sol(1, &[])]);
}

#[test]
fn more_than_there_is_takes_the_transaction_down() {
    let mut world = World::started();
    let token = world.token("usd", TOKEN, &[]);
    let account = world.fund(&token, &world.payer.pubkey(), 1000);
    world.refused("Custom(1)", world.place.deposit_token(&token, account, 1001, &[]));
    world.refused("Custom(1)", world.place.deposit_sol(2_000_000 * SOL, &[]));
    // Somebody else's account.
    let alice = world.stranger("alice");
    let theirs = world.fund(&token, &alice, 1000);
    world.refused("Custom(4)", world.place.deposit_token(&token, theirs, 1, &[]));
}

#[test]
fn lamports_sent_to_the_bridge_are_no_deposit() {
    let mut world = World::started();
    let mut account = world.account(&world.place.state);
    account.lamports += SOL;
    world.put(world.place.state, account);
    assert!(world.records.is_empty());
    let sent = world.run(&[world.place.deposit_sol(3, &[])]);
    assert!(matches!(sent.records[0].event, Event::Deposited { amount: 3, .. }), "only what came with it");
}

#[test]
fn pages_turn_after_256_events() {
    let mut world = World::started();
    for i in 0..520 {
        world.wait(i % 3, 0);
        let stale = world.place.deposit_sol(1, &[]);
        world.run(&[world.place.deposit_sol(1, &[])]);
        if i == 255 {
            world.refused("StalePage", stale);
        }
    }
    assert_eq!(world.records.len(), 520);
}

/// Reads the counters at a slot as the README says.
fn at(world: &World, slot: u64) -> Option<u64> {
    let state = world.state();
    let newest = usize::from(state.0[13]);
    let marks = (0..96).map(|back| state.mark((newest + 96 - back) % 96)).take_while(|mark| mark.slot != 0);
    marks.into_iter().find(|mark| mark.slot <= slot).map(|mark| mark.event_id)
}

#[test]
fn the_marks_tell_the_counters_at_a_slot() {
    let mut world = World::started();
    let mut truth = vec![(world.slot(), 0)];
    for round in 0..300_u64 {
        world.wait(round % 4, 0); // 0: the same slot again
        world.run(&[world.place.deposit_sol(1, &[])]);
        truth.push((world.slot(), world.records.len() as u64));
        for (slot, _) in truth.iter().rev().take(40) {
            let last = truth.iter().rfind(|(known, _)| known <= slot).unwrap().1;
            assert_eq!(at(&world, *slot), Some(last), "at slot {slot} after {} events", world.records.len());
        }
    }
    assert_eq!(at(&world, truth[0].0), None, "96 younger slots had events");
}
