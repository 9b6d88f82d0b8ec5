//! Programs in between: they have the signatures of whoever called them, and call the bridge as they like.

use agave_feature_set::FeatureSet;
use solana_address::{address, Address};
use solana_instruction::{AccountMeta, Instruction};
use solana_signer::Signer;
use trine_bridge_tests::{
    events::Event,
    keys::Set,
    requests::{page_address, readonly, writable, Call, NATIVE},
    tokens::{transfer_checked, TOKEN},
    world::{World, PROGRAM, SOL},
};

use crate::rival::Rival;

const INSTRUCTIONS: Address = address!("Sysvar1nstructions1111111111111111111111111");

#[test]
fn nobody_records_for_the_bridge() {
    let mut world = World::started();
    let rival = Rival::new(&mut world);
    world.run(&[world.place.deposit_sol(SOL, &[])]);
    let (page, bump) = page_address(&PROGRAM, 2);
    let forged = [&[15, bump, 1][..], &2_u64.to_le_bytes(), &[0; 64 + 73]].concat();
    for (key, signs) in [(page, false), (rival.place.state, true), (world.place.actor, true)] {
        let meta = AccountMeta { pubkey: key, is_signer: signs, is_writable: false };
        let record = Instruction { program_id: PROGRAM, accounts: vec![meta], data: forged.clone() };
        let forwarded = rival.forwards(&world, &record);
        world.refused("NotAPage", forwarded);
        if key != rival.place.state {
            world.refused("NotAPage", record);
        }
    }
    // The page's own signature cannot be had: the caller would need it first.
    let meta = AccountMeta::new_readonly(page, true);
    let mut forwarded =
        rival.forwards(&world, &Instruction { program_id: PROGRAM, accounts: vec![meta], data: forged });
    forwarded.accounts.iter_mut().filter(|meta| meta.pubkey == page).for_each(|meta| meta.is_signer = false);
    world.refused("PrivilegeEscalation", forwarded);
}

#[test]
fn a_program_deposits_in_its_own_name() {
    let mut world = World::started();
    let rival = Rival::new(&mut world);
    let alice = world.wallet("alice");
    let mut place = world.place;
    place.actor = alice.pubkey();
    // With a wallet's signature, its SOL and for its account.
    let forwarded = rival.forwards(&world, &place.deposit_sol(SOL, &[]));
    let sent = world.run_signed(&[forwarded], &[&alice]);
    let deposit = Event::Deposited { wallet: alice.pubkey(), token: NATIVE, amount: SOL, keys: vec![] };
    assert_eq!(sent.records[0].event, deposit);
    // Without it, nothing.
    let forwarded = rival.forwards(&world, &place.deposit_sol(SOL, &[]));
    let mut unsigned = forwarded.clone();
    unsigned.accounts.iter_mut().filter(|meta| meta.pubkey == alice.pubkey()).for_each(|meta| meta.is_signer = false);
    world.refused("PrivilegeEscalation", unsigned);
}

#[test]
fn a_deposit_too_deep_to_be_recorded_is_none() {
    let mut world = World::with_features(without_deeper_calls());
    world.initialize(Set::new(1, "first", (3, 5), (2, 3)));
    let rivals: Vec<Rival> = (1..=4).map(|i| Rival::numbered(&mut world, i)).collect();
    let held = world.held();
    for depth in 1..=4 {
        let mut instruction = world.place.deposit_sol(SOL, &[]);
        for rival in &rivals[..depth] {
            instruction = rival.forwards_posted(&mut world, &instruction);
        }
        if depth < 4 {
            assert_eq!(world.run(&[instruction]).records.len(), 1);
        } else {
            // The bridge would be the fifth and its record the sixth.
            world.refused("CallDepth", instruction);
        }
    }
    assert_eq!(world.held(), held + 3 * SOL);
}

/// The runtime with five programs on top of each other at most, whatever later ones allow.
fn without_deeper_calls() -> FeatureSet {
    let mut features = FeatureSet::all_enabled();
    features.deactivate(&agave_feature_set::raise_cpi_nesting_limit_to_8::id());
    features
}

#[test]
fn a_program_links_no_key_to_a_wallet_that_signed_for_something_else() {
    let mut world = World::started();
    let rival = Rival::new(&mut world);
    let alice = world.wallet("alice");
    let key = [[3; 98]];
    let mut hers = world.place;
    hers.actor = alice.pubkey();
    for amount in [0, SOL] {
        // What alice signed calls the rival, which would have her wallet belong to its key for ever.
        let forwarded = rival.forwards(&world, &hers.deposit_sol(amount, &key));
        world.refused_signed("KeysFromProgram", forwarded, &[&alice]);
    }
    let token = world.token("coin", TOKEN, &[]);
    let account = world.fund(&token, &alice.pubkey(), 5);
    let forwarded = rival.forwards_posted(&mut world, &hers.deposit_token(&token, account, 5, &key));
    world.refused_signed("KeysFromProgram", forwarded, &[&alice]);
    world.run_signed(&[hers.deposit_sol(0, &key)], &[&alice]);
    // Nor does the list of the transaction's instructions help, or another account in its place.
    let mut listed = hers.deposit_sol(0, &key);
    listed.accounts.push(readonly(INSTRUCTIONS));
    let forwarded = rival.forwards(&world, &listed);
    world.refused_signed("KeysFromProgram", forwarded, &[&alice]);
    // A wallet that is a program's address has no other way, and nobody else can sign for it.
    let mut its = world.place;
    its.actor = rival.place.state;
    let mut own = its.deposit_sol(0, &key);
    own.accounts.push(readonly(NATIVE));
    let unlisted = rival.forwards(&world, &own);
    world.refused("KeysFromProgram", unlisted);
    own.accounts[5] = readonly(INSTRUCTIONS);
    let own = rival.forwards(&world, &own);
    let sent = world.run(&[own]);
    let deposit = Event::Deposited { wallet: rival.place.state, token: NATIVE, amount: 0, keys: key[0].to_vec() };
    assert_eq!(sent.records[0].event, deposit);
}

#[test]
fn a_call_does_not_come_back() {
    let mut world = World::started();
    let rival = Rival::new(&mut world);
    world.run(&[world.place.deposit_sol(SOL, &[])]);
    // The bridge calls the rival, which calls the bridge, whose state account has signed.
    let mut inner = world.place;
    inner.actor = world.place.state;
    for instruction in [inner.deposit_sol(SOL / 2, &[]), world.noop(), world.place.deposit_sol(0, &[[0; 98]])] {
        let there = rival.forwards(&world, &instruction);
        let and_back = world.call(&Call::of(&there, &world.place.state));
        match world.send(&[and_back], &[]) {
            Ok(_) => panic!("the bridge was called while it ran"),
            Err(refusal) => {
                let known = ["ReentrancyNotAllowed", "TooLarge"];
                assert!(known.iter().any(|reason| refusal.reason.starts_with(reason)), "{}", refusal.reason);
            }
        }
    }
}

#[test]
fn the_state_account_signs_for_calls_only_where_it_is_named() {
    let mut world = World::started();
    let token = world.token("coin", TOKEN, &[]);
    let (state, alice) = (world.place.state, world.wallet("alice").pubkey());
    world.fund(&token, &state, 1000);
    let to = world.fund(&token, &alice, 0);
    let pay = transfer_checked(&token, token.vault, to, state, 400);
    let mut silent = pay.clone();
    silent.accounts[3] = readonly(state);
    let call = world.call(&Call::of(&silent, &state));
    world.refused("MissingRequiredSignature", call);
    // As on Ethereum, processor, approvers and listeners together may send the bridge's tokens.
    let call = world.call(&Call::of(&pay, &state));
    assert_eq!(world.run(&[call]).failed(), 0);
    assert_eq!((world.balance(&token.vault), world.balance(&to)), (600, 400));
    // Anybody else's signature in the same transaction helps nobody.
    let mut other = Call::of(&pay, &state);
    other.accounts[0] = writable(to);
    let call = world.call(&other);
    world.refused("WrongCallAccount", call);
}

#[test]
fn a_call_cannot_move_or_change_the_state_account() {
    let mut world = World::started();
    world.run(&[world.place.deposit_sol(5 * SOL, &[])]);
    let (state, alice) = (world.place.state, world.wallet("alice").pubkey());
    let system = |data: Vec<u8>, more: Vec<AccountMeta>| Instruction {
        program_id: trine_bridge_tests::requests::SYSTEM,
        accounts: [vec![AccountMeta::new(state, true)], more].concat(),
        data,
    };
    let tries = [
        system([&[2, 0, 0, 0][..], &SOL.to_le_bytes()].concat(), vec![writable(alice)]),
        system([&[1, 0, 0, 0][..], alice.as_ref()].concat(), vec![]),
        system([&[8, 0, 0, 0][..], &20_000_u64.to_le_bytes()].concat(), vec![]),
    ];
    let before = world.account(&state);
    for instruction in tries {
        let call = world.call(&Call::of(&instruction, &state));
        assert!(world.send(&[call], &[]).is_err());
        assert_eq!(world.account(&state), before);
    }
}
