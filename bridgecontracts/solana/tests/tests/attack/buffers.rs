//! What was posted beforehand, by whom, and used how.

use solana_signer::Signer;
use trine_bridge_tests::{
    keys::{Seal, Set, APPROVERS, LISTENERS, PROCESSOR},
    requests::{batch_body, batch_hash, Envelope, Pay},
    words::{action, control, hash},
    world::{replaced, World, SOL},
};

const PAYING: u8 = PROCESSOR | APPROVERS;

#[test]
fn a_buffer_carries_only_what_was_signed() {
    let mut world = World::started();
    world.run(&[world.place.deposit_sol(5 * SOL, &[])]);
    let (alice, mallory) = (world.wallet("alice").pubkey(), world.wallet("mallory").pubkey());
    let (honest, theft) = ([Pay::sol(alice, SOL)], [Pay::sol(mallory, SOL)]);
    let digest = action(world.domain, 1, world.next_action(), 1, batch_hash(&honest));
    let envelope = world.buffer(&digest, &batch_body(&honest), &world.set.seal(PAYING, &digest));
    // The recipient of SOL is its account, not in the body.
    let stolen = world.place.transfers(world.next_action(), &theft, &envelope);
    world.refused("WrongBuffer", stolen);
    let other = [Pay::sol(alice, 2 * SOL)];
    world.run(&[world.place.post_body(&digest, 0, &batch_body(&other))]);
    let more = world.place.transfers(world.next_action(), &other, &envelope);
    world.refused("WrongBuffer", more);
    // Longer or shorter than the buffer was opened for it cannot be.
    let over = world.place.post_body(&digest, 1, &batch_body(&other));
    world.refused("BadBodyRange", over);
    let late = world.place.transfers(world.next_action() + 1, &honest, &envelope);
    world.refused("WrongActionId", late);
    world.run(&[world.place.post_body(&digest, 0, &batch_body(&honest))]);
    let right = world.place.transfers(world.next_action(), &honest, &envelope);
    world.run(&[right.clone()]);
    assert!(world.send(&[right], &[]).is_err(), "used up");
}

#[test]
fn a_buffer_is_its_posters() {
    let mut world = World::started();
    let mallory = world.wallet("mallory");
    let digest = action(world.domain, 1, 1, 3, hash(&[]));
    let seal = world.set.seal(PAYING, &digest);
    let envelope = world.buffer(&digest, &[], &seal);
    let (buffer, poster) = envelope.buffer.unwrap();
    let mut his = world.place;
    his.actor = mallory.pubkey();
    world.refused_signed("WrongPoster", his.close_buffer(buffer), &[&mallory]);
    let noop = world.place.noop(1, &envelope);
    let place = noop.accounts.iter().position(|meta| meta.pubkey == buffer).unwrap();
    world.refused("WrongPoster", replaced(&noop, place + 1, mallory.pubkey()));
    // Anyone may use it up: the lamports are the poster's all the same.
    let rent = world.lamports(&buffer);
    let before = world.lamports(&poster);
    world.run_signed(&[his.noop(1, &envelope)], &[&mallory]);
    assert_eq!(world.lamports(&buffer), 0);
    assert!(world.lamports(&poster) + 100_000 > before + rent);
}

#[test]
fn signatures_of_an_epoch_end_with_it() {
    let mut world = World::started();
    let digest = action(world.domain, 1, 1, 3, hash(&[]));
    let seal = world.set.seal(PAYING, &digest);
    let envelope = world.buffer(&digest, &[], &seal);
    let (buffer, _) = envelope.buffer.unwrap();
    let next = Set::new(2, "second", (3, 5), (2, 3));
    let rotate = world.rotation(&next, PAYING);
    world.run(&[rotate]);
    world.set = next;
    // The digest that the new set would sign is another one; the old one is refused before it is looked at.
    let old = world.place.noop(1, &envelope);
    world.refused("WrongBuffer", old);
    world.refused("StaleBuffer", world.place.post_signatures(buffer, &seal));
    // A buffer for the new digest, opened before the rotation by somebody who knew it, is stale too.
    world.run(&[world.place.close_buffer(buffer)]);
    let digest = action(world.domain, 3, 1, 3, hash(&[]));
    world.run(&[world.place.open_buffer(&digest, 0)]);
    let third = Set::new(3, "third", (3, 5), (2, 3));
    let rotate = world.rotation(&third, PROCESSOR | LISTENERS);
    world.run(&[rotate]);
    world.set = third;
    let (buffer, _) = world.place.buffer(&digest);
    let seal = world.set.seal(PAYING, &digest);
    world.refused("StaleBuffer", world.place.post_signatures(buffer, &seal));
    let envelope = Envelope::buffered(1, buffer, world.place.actor, Seal::default());
    let early = world.place.noop(1, &envelope);
    world.refused("StaleBuffer", early);
}

#[test]
fn a_buffer_that_was_closed_remembers_nothing() {
    let mut world = World::started();
    let digest = action(world.domain, 1, 1, 3, hash(&[]));
    let seal = world.set.seal(PAYING, &digest);
    let envelope = world.buffer(&digest, &[], &seal);
    let (buffer, _) = envelope.buffer.unwrap();
    // Closed, opened and filled in part, within one transaction, whose memory might still hold the old bits.
    let part = Seal { processor: seal.processor, ..Seal::default() };
    let again = [
        world.place.close_buffer(buffer),
        world.place.open_buffer(&digest, 0),
        world.place.post_signatures(buffer, &part),
    ];
    world.run(&again);
    let noop = world.place.noop(1, &envelope);
    world.refused("QuorumMissing", noop);
    // Lamports at the address before it is opened stop nothing.
    world.run(&[world.place.close_buffer(buffer)]);
    world.svm.airdrop(&buffer, 1_000_000).unwrap();
    let envelope = world.buffer(&digest, &[], &seal);
    world.run(&[world.place.noop(1, &envelope)]);
}

#[test]
fn one_approver_pauses_and_does_nothing_else() {
    let mut world = World::started();
    let pause = control(world.domain, 1, 2, 1, hash(&[]));
    let lone = world.set.one_approver(0, &pause);
    let envelope = world.buffer(&pause, &[], &lone);
    for kind in [5_u8, 6, 8] {
        let instruction = match kind {
            5 => world.place.noop(1, &envelope),
            6 => world.place.rotate(PAYING, &Set::new(2, "second", (3, 5), (2, 3)), &envelope),
            _ => world.place.switch(8, 1, &envelope),
        };
        let refusal = world.send(&[instruction], &[]).err().expect("refused").reason;
        assert!(["WrongBuffer", "WrongPauseState"].contains(&refusal.as_str()), "{refusal}");
    }
    let pause = world.place.switch(7, 1, &envelope);
    world.run(&[pause]);
}
