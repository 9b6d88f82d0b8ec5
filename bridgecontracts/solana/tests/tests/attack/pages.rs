//! Whoever makes so many events that pages turn faster than others' transactions land.

use solana_signer::Signer;
use trine_bridge_tests::{
    keys::{Set, APPROVERS, PROCESSOR},
    requests::{derive, endless_page, page_address, Pay},
    world::{replaced, World, PROGRAM, SOL},
};

#[test]
fn turning_pages_stop_nobody() {
    let mut world = World::started();
    let (alice, mallory) = (world.wallet("alice").pubkey(), world.wallet("mallory"));
    let endless = endless_page(&PROGRAM).0;
    let mut his = world.place;
    his.actor = mallory.pubkey();
    world.run(&[world.place.deposit_sol(5 * SOL, &[])]);
    // Everything is signed and on its way while this page is the present one.
    let late = [
        world.batch(&[Pay::sol(alice, SOL)]),
        world.pause(1),
        world.unpause(2),
        world.place.deposit_sol(SOL, &[]),
        world.rotation(&Set::new(2, "second", (3, 5), (2, 3)), PROCESSOR | APPROVERS),
    ];
    for _ in 0..13 {
        his.page = world.place.page;
        let left = 256 - world.records.len() % 256;
        world.run_signed(&vec![his.deposit_sol(1, &[]); left.min(20)], &[&mallory]);
    }
    assert_ne!(late[0].accounts[2].pubkey, world.place.page, "the page has turned");
    for instruction in late {
        world.refused("StalePage", instruction.clone());
        world.run(&[replaced(&instruction, 2, endless)]);
    }
}

#[test]
fn the_endless_page_is_one() {
    let mut world = World::started();
    let deposit = world.place.deposit_sol(1, &[]);
    for number in [1_u64, 255, u64::MAX - 1] {
        let other = derive(&[b"events", &number.to_le_bytes()], &PROGRAM).0;
        world.refused("StalePage", replaced(&deposit, 2, other));
    }
    let endless = endless_page(&PROGRAM).0;
    let mut turn = vec![replaced(&deposit, 2, endless); 16];
    turn.push(deposit.clone());
    let sent = world.run(&turn);
    assert_eq!(sent.records.len(), 17);
    // The page that does turn does so all the same.
    for _ in 0..15 {
        world.run(&turn[..16]);
    }
    assert_eq!(world.records.len(), 257);
    assert_eq!(world.place.page, page_address(&PROGRAM, 258).0);
    world.refused("StalePage", deposit);
}
