//! Rotations, pauses and who may make limits.

use solana_address::Address;
use trine_bridge_tests::{
    events::Event,
    keys::{Group, Seal, Set, APPROVERS, LISTENERS, PROCESSOR},
    requests::{Envelope, Limit, Pay, NATIVE},
    tokens::TOKEN,
    words::{action, control, hash, Word},
    world::{World, SOL},
};

use crate::initialize::bad_sets;

const PAIRS: [u8; 3] = [PROCESSOR | APPROVERS, PROCESSOR | LISTENERS, APPROVERS | LISTENERS];

#[test]
fn any_two_groups_rotate() {
    let mut world = World::started();
    for (epoch, groups) in (2..).zip(PAIRS) {
        let next = Set::new(epoch, &format!("set {epoch}"), (2, 4), (1, 2));
        let sent = world.run(&[world.rotation(&next, groups)]);
        assert_eq!(sent.records[0].event, Event::SetRotated { epoch, set_hash: next.hash() });
        let state = world.state();
        assert_eq!(state.word(112), next.hash());
        assert_eq!((&state.0[9..13], &state.0[296..316]), (&[2, 4, 1, 2][..], &next.processor.address[..]));
        for (offset, members) in [(336, &next.approvers.members), (1616, &next.listeners.members)] {
            let stored = |i: usize| &state.0[offset + 20 * i..][..20];
            members.iter().enumerate().for_each(|(i, member)| assert_eq!(stored(i), member.address));
            assert!((members.len()..64).all(|i| stored(i) == [0; 20]), "nobody of the old set is left");
        }
        world.set = next;
    }
}

#[test]
fn one_group_or_three_do_not_rotate() {
    let mut world = World::started();
    let next = Set::new(2, "next", (2, 4), (1, 2));
    for groups in (0..=255).filter(|groups| !PAIRS.contains(groups)) {
        let rotation = world.rotation(&next, groups & 7);
        let mut rotation = rotation.clone();
        rotation.data[2] = groups;
        world.refused("BadGroups", rotation);
    }
    // The seal of one pair is not that of another.
    for (signed, asked, reason) in [(0, 1, "WrongSigner"), (1, 0, "WrongSigner"), (2, 0, "BadSealLength")] {
        let mut other = world.rotation(&next, PAIRS[signed]);
        other.data[2] = PAIRS[asked];
        if signed == 2 {
            // The approvers' quorum alone, where the processor's belongs too.
            other.data.truncate(other.data.len() - 5 * 65);
        }
        world.refused(reason, other);
    }
}

#[test]
fn epochs_only_rise() {
    let mut world = World::with_set(Set::new(5, "first", (3, 5), (2, 3)));
    for epoch in [1, 4, 5] {
        let next = Set::new(epoch, "next", (2, 4), (1, 2));
        world.refused("EpochNotHigher", world.rotation(&next, PAIRS[0]));
    }
    let next = Set::new(1000, "next", (2, 4), (1, 2));
    world.run(&[world.rotation(&next, PAIRS[0])]);
    world.set = next;
    let last = Set::new(u64::MAX, "last", (2, 4), (1, 2));
    world.run(&[world.rotation(&last, PAIRS[0])]);
}

#[test]
fn a_bad_set_is_not_installed() {
    let mut world = World::started();
    for (reason, set) in bad_sets() {
        world.refused(reason, world.rotation(&set, PAIRS[0]));
    }
    let next = Set::new(2, "next", (2, 4), (1, 2));
    let mut shorter = world.rotation(&next, PAIRS[0]);
    shorter.data.truncate(60);
    world.refused("BadData", shorter);
}

#[test]
fn an_old_set_signs_nothing_any_more() {
    let mut world = World::started();
    let old = world.set.clone();
    let (pause, noop) = (world.pause(1), world.noop());
    let next = Set::new(2, "next", (3, 5), (2, 3));
    let further = Set::new(3, "further", (3, 5), (2, 3));
    let early = world.rotation(&further, PAIRS[0]);
    world.run(&[world.rotation(&next, PAIRS[0])]);
    for instruction in [pause, noop, early] {
        world.refused("WrongSigner", instruction);
    }
    // Signed by the old members, for the new epoch.
    world.set = Set { epoch: 2, ..old };
    world.refused("WrongSigner", world.noop());
    world.set = next;
    world.run(&[world.noop()]);
}

/// Six of nine and six of nine, to another set of that size; thirteen of nineteen, to the largest set that there is.
#[test]
fn a_large_set_rotates_to_another_through_a_buffer() {
    let six = || Set::new(1, "first", (6, 9), (6, 9));
    let thirteen = || Set::new(1, "first", (13, 19), (13, 19));
    for (first, groups, quorum, size) in [
        (six(), PAIRS[2], 6, 9),
        (six(), PAIRS[0], 13, 19),
        (thirteen(), PAIRS[1], 13, 19),
        (thirteen(), PAIRS[2], 64, 64),
    ] {
        let mut world = World::with_set(first);
        let next = Set::new(2, "large", (quorum, size), (quorum, size));
        let tight = world.rotation(&next, groups);
        let refusal = world.send(&[tight], &[]).err().expect("it does not fit");
        assert!(refusal.reason.starts_with("TooLarge"), "{}", refusal.reason);
        let digest = control(world.domain, 1, 1, 2, next.hash());
        let seal = world.set.seal(groups, &digest);
        let envelope = world.buffer(&digest, &next.bytes(), &seal);
        world.run(&[world.place.rotate(groups, &next, &envelope)]);
        world.set = next;
        let digest = action(world.domain, 2, 1, 3, hash(&[]));
        let envelope = world.buffer(&digest, &[], &world.set.seal(PROCESSOR | APPROVERS, &digest));
        world.run(&[world.place.noop(1, &envelope)]);
    }
}

#[test]
fn any_approver_pauses() {
    let mut world = World::started();
    for i in 0..5_u8 {
        let sequence = 2 * u64::from(i) + 1;
        let digest = control(world.domain, 1, 2, sequence, hash(&[]));
        let seal = world.set.one_approver(i, &digest);
        let sent = world.run(&[world.place.switch(7, sequence, &Envelope::inline(seal))]);
        assert_eq!(sent.records[0].event, Event::Paused { sequence });
        let sent = world.run(&[world.unpause(sequence + 1)]);
        assert_eq!(sent.records[0].event, Event::Unpaused { sequence: sequence + 1 });
    }
    let digest = control(world.domain, 1, 2, 11, hash(&[]));
    let two = Set::seal(&world.set, APPROVERS, &digest);
    world.refused("BadSealLength", world.place.switch(7, 11, &Envelope::inline(two)));
    let listener = Seal { approvers: world.set.listeners.sign(&digest, [0]), ..Seal::default() };
    world.refused("WrongSigner", world.place.switch(7, 11, &Envelope::inline(listener)));
}

#[test]
fn pauses_are_counted() {
    let mut world = World::started();
    world.refused("WrongPauseState", world.unpause(1));
    world.refused("WrongPauseState", world.unpause(2));
    for sequence in [0, 2, 3] {
        world.refused("WrongSequence", world.pause(sequence));
    }
    let (pause, unpause) = (world.pause(1), world.unpause(2));
    world.run(&[pause.clone()]);
    world.refused("WrongPauseState", world.pause(2));
    for sequence in [0, 1, 3, 4] {
        world.refused("WrongSequence", world.unpause(sequence));
    }
    world.run(&[unpause.clone()]);
    world.refused("WrongSequence", pause);
    world.refused("WrongPauseState", unpause);
}

#[test]
fn a_pause_stops_value_and_not_control() {
    let mut world = World::started();
    world.run(&[world.place.deposit_sol(SOL, &[])]);
    let bob = world.stranger("bob");
    world.run(&[world.pause(1)]);
    world.refused("BridgePaused", world.batch(&[Pay::sol(bob, SOL)]));
    let limit = Limit { token: NATIVE, capacity: 1, window: 60 };
    world.run(&[world.limit(1, &limit, PROCESSOR | APPROVERS)]);
    let next = Set::new(2, "next", (3, 5), (2, 3));
    world.run(&[world.rotation(&next, PAIRS[2])]);
    world.set = next;
    let token = world.token("usd", TOKEN, &[]);
    assert_eq!(world.balance(&token.vault), 0, "tokens are registered");
    world.run(&[world.unpause(2)]);
    world.refused("LimitExceeded", world.batch(&[Pay::sol(bob, SOL)]));
}

#[test]
fn a_limit_event_tells_what_was_signed() {
    let mut world = World::started();
    let token = world.token("usd", TOKEN, &[]);
    for (sequence, word) in (1..).zip([NATIVE, token.mint]) {
        let limit = Limit { token: word, capacity: 5000, window: 3600 };
        let sent = world.run(&[world.limit(sequence, &limit, PROCESSOR | APPROVERS)]);
        let expected = Event::LimitSet { sequence, token: word, capacity: 5000, window: 3600 };
        assert_eq!(sent.records[0].event, expected);
    }
    let bucket = |data: &[u8]| data.iter().copied().collect::<Vec<_>>();
    let config = world.account(&token.config).data;
    assert_eq!(bucket(&config[112..144]), bucket(&world.state().0[264..296]), "the same bucket in both places");
}

#[test]
fn bad_limits_are_refused() {
    let mut world = World::started();
    let bad = |world: &World, token: Address, capacity, window| {
        world.limit(1, &Limit { token, capacity, window }, PROCESSOR | APPROVERS)
    };
    for (capacity, window) in [(5, 59), (5, 61), (5, 65_536 * 60), (5, 0), (0, 1), (5, u64::MAX / 60 * 60)] {
        for token in [NATIVE, world.stranger("mint")] {
            let instruction = bad(&world, token, capacity, window);
            world.refused("BadLimit", instruction);
        }
    }
    let zero = bad(&world, Address::default(), 5, 60);
    world.refused("ZeroValue", zero);
    for sequence in [0, 2, u64::MAX] {
        let limit = Limit { token: NATIVE, capacity: 5, window: 60 };
        world.refused("WrongSequence", world.limit(sequence, &limit, PROCESSOR | APPROVERS));
    }
    let first = bad(&world, NATIVE, 5, 60);
    world.run(&[first.clone()]);
    world.refused("WrongSequence", first);
}

/// Control actions have no body outside of their data.
#[test]
fn a_body_in_a_buffer_is_for_actions_that_have_one() {
    let mut world = World::started();
    let digests: [Word; 2] = [control(world.domain, 1, 2, 1, hash(&[])), action(world.domain, 1, 1, 3, hash(&[]))];
    for digest in digests {
        let seal = world.set.seal(PROCESSOR | APPROVERS, &digest);
        let mut envelope = world.buffer(&digest, &[], &seal);
        envelope.flags = 3;
        world.refused("BadData", world.place.switch(7, 1, &envelope));
        world.refused("BadData", world.place.noop(1, &envelope));
        let limit = Limit { token: NATIVE, capacity: 5, window: 60 };
        world.refused("BadData", world.place.set_limit(1, &limit, &envelope));
    }
}

/// The largest groups that there are, and one more.
#[test]
fn a_group_has_at_most_64_members() {
    let mut world = World::started();
    let mut next = Set::new(2, "crowd", (1, 64), (64, 64));
    next.approvers = Group::new(1, Set::new(2, "more", (1, 65), (1, 1)).approvers.members);
    let digest = control(world.domain, 1, 1, 2, next.hash());
    let seal = world.set.seal(PAIRS[0], &digest);
    let envelope = world.buffer(&digest, &next.bytes(), &seal);
    world.refused("BadQuorum", world.place.rotate(PAIRS[0], &next, &envelope));
}
