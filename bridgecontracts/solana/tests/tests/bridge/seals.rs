//! Whose signature counts for what, and for nothing else.

use solana_instruction::Instruction;
use trine_bridge_tests::{
    keys::{high_s, Member, Seal, Set, APPROVERS, LISTENERS, PROCESSOR},
    requests::{batch_hash, Call, Envelope, Limit, Pay, NATIVE},
    words::{action, control, digest, hash, number, Word},
    world::{caip2, genesis, World, SOL},
};

/// Something that is sealed: its digest under a domain and an epoch, and the instruction with a seal.
struct Context {
    name: &'static str,
    groups: u8,
    digest: Box<dyn Fn(Word, u64) -> Word>,
    build: Box<dyn Fn(&World, Seal) -> Instruction>,
}

impl Context {
    fn new(
        name: &'static str,
        groups: u8,
        digest: impl Fn(Word, u64) -> Word + 'static,
        build: impl Fn(&World, Envelope) -> Instruction + 'static,
    ) -> Self {
        let build = move |world: &World, seal| build(world, Envelope::inline(seal));
        Context { name, groups, digest: Box::new(digest), build: Box::new(build) }
    }

    fn seal(&self, world: &World, digest: &Word) -> Seal {
        match self.groups {
            0 => world.set.one_approver(0, digest),
            groups => world.set.seal(groups, digest),
        }
    }
}

/// Every kind of signature that the program asks for. Unpause is there while the bridge is paused only.
fn contexts(world: &World) -> Vec<Context> {
    const PAYING: u8 = PROCESSOR | APPROVERS;
    let bob = world.stranger("bob");
    let pays = [Pay::sol(bob, SOL)];
    let call = Call { target: bob, value: [0; 32], data: vec![], accounts: vec![] };
    let next = Set::new(2, "next", (3, 5), (2, 3));
    let limit = Limit { token: NATIVE, capacity: 5, window: 60 };
    let (paid, called, rotated) = (batch_hash(&pays), call.hash(), next.hash());
    let act = |kind, body| move |domain, epoch| action(domain, epoch, 1, kind, body);
    let order = |kind, sequence, body| move |domain, epoch| control(domain, epoch, kind, sequence, body);
    vec![
        Context::new("transfers", PAYING, act(1, paid), move |w, e| w.place.transfers(1, &pays, &e)),
        Context::new("call", PAYING | LISTENERS, act(2, called), move |w, e| w.place.call(1, &call, &e)),
        Context::new("noop", PAYING, act(3, hash(&[])), |w, e| w.place.noop(1, &e)),
        Context::new("rotate", PAYING, order(1, 2, rotated), move |w, e| w.place.rotate(PAYING, &next, &e)),
        Context::new("pause", 0, order(2, 1, hash(&[])), |w, e| w.place.switch(7, 1, &e)),
        Context::new("limit", PAYING, order(4, 1, limit.hash()), move |w, e| w.place.set_limit(1, &limit, &e)),
    ]
}

fn started() -> World {
    let mut world = World::started();
    world.run(&[world.place.deposit_sol(10 * SOL, &[])]);
    world
}

#[test]
fn every_signature_is_for_one_thing() {
    let mut world = started();
    let all = contexts(&world);
    for to in &all {
        for from in all.iter().filter(|from| from.name != to.name) {
            let seal = to.seal(&world, &(from.digest)(world.domain, 1));
            let refusal = world.send(&[(to.build)(&world, seal)], &[]).err();
            let reason = refusal.unwrap_or_else(|| panic!("{} signed, {} done", from.name, to.name)).reason;
            assert_eq!(reason, "WrongSigner", "{} signed, {} asked", from.name, to.name);
        }
    }
    for context in &all {
        let mut world = started();
        let seal = context.seal(&world, &(context.digest)(world.domain, 1));
        world.run(&[(context.build)(&world, seal)]);
    }
}

#[test]
fn pauses_do_not_sign_their_end() {
    let mut world = started();
    world.run(&[world.pause(1)]);
    for kind in [1, 2, 4] {
        for sequence in [1, 2] {
            let seal = world.set.seal(PROCESSOR | APPROVERS, &control(world.domain, 1, kind, sequence, hash(&[])));
            world.refused("WrongSigner", world.place.switch(8, 2, &Envelope::inline(seal)));
        }
    }
    world.run(&[world.unpause(2)]);
}

#[test]
fn signatures_of_other_chains_bridges_and_epochs_are_refused() {
    let mut world = started();
    let bridge = world.place.state.to_bytes();
    let domain = |genesis, caip2, bridge| digest("domain", &[genesis, caip2, bridge]);
    assert_eq!(world.domain, domain(genesis(), caip2(), bridge));
    let mut near = bridge;
    near[31] ^= 1;
    let others = [
        ("another network", domain([7; 32], caip2(), bridge)),
        ("another chain", domain(genesis(), trine_bridge_tests::words::keccak(&[b"eip155:1"]), bridge)),
        ("another bridge", domain(genesis(), caip2(), near)),
        ("swapped", domain(caip2(), genesis(), bridge)),
        ("nothing", [0; 32]),
        ("the tag's own", digest("domain", &[])),
    ];
    for context in contexts(&world) {
        for (name, domain) in others {
            let seal = context.seal(&world, &(context.digest)(domain, 1));
            let refusal = world.send(&[(context.build)(&world, seal)], &[]).err();
            let reason = refusal.unwrap_or_else(|| panic!("{}: {name} went through", context.name)).reason;
            assert_eq!(reason, "WrongSigner", "{}: {name}", context.name);
        }
        for epoch in [0, 2, u64::MAX] {
            let seal = context.seal(&world, &(context.digest)(world.domain, epoch));
            let reason = world.send(&[(context.build)(&world, seal)], &[]).err().expect("another epoch").reason;
            assert_eq!(reason, "WrongSigner", "{}: epoch {epoch}", context.name);
        }
    }
}

/// What is hashed like a digest but begins with another tag: an event, an attestation, a key link.
#[test]
fn signatures_of_other_kinds_of_digests_are_refused() {
    let mut world = started();
    let body = batch_hash(&[Pay::sol(world.stranger("bob"), SOL)]);
    for kind in ["event", "attestation", "key-link", "control", "set", "tx", "block", "notice"] {
        let digest = digest(kind, &[world.domain, number(1), number(1), number(1), body]);
        let seal = world.set.seal(PROCESSOR | APPROVERS, &digest);
        let pays = [Pay::sol(world.stranger("bob"), SOL)];
        world.refused("WrongSigner", world.place.transfers(1, &pays, &Envelope::inline(seal)));
    }
}

/// A batch with this change to its seal.
fn spoiled(world: &World, change: impl FnOnce(&mut Seal, &Word)) -> Instruction {
    let pays = [Pay::sol(world.stranger("bob"), SOL)];
    let digest = action(world.domain, 1, 1, 1, batch_hash(&pays));
    let mut seal = world.set.seal(PROCESSOR | APPROVERS, &digest);
    change(&mut seal, &digest);
    world.place.transfers(1, &pays, &Envelope::inline(seal))
}

#[test]
fn a_seal_is_exactly_the_quorum_in_order() {
    let mut world = started();
    type Change = fn(&mut Seal, &Word);
    let cases: [(&str, &str, Change); 17] = [
        ("an approver less", "BadSealLength", |seal, _| seal.approvers.truncate(2)),
        ("no approver", "BadSealLength", |seal, _| seal.approvers.clear()),
        ("nobody", "BadSealLength", |seal, _| *seal = Seal::default()),
        ("twice the same", "SignersNotAscending", |seal, _| seal.approvers[1] = seal.approvers[0]),
        ("descending", "SignersNotAscending", |seal, _| seal.approvers.swap(1, 2)),
        ("a member that is not there", "NoSuchMember", |seal, _| seal.approvers[2].0 = 5),
        ("the last index", "NoSuchMember", |seal, _| seal.approvers[2].0 = 63),
        ("beyond the array", "NoSuchMember", |seal, _| seal.approvers[2].0 = 64),
        ("beyond all", "NoSuchMember", |seal, _| seal.approvers[2].0 = 255),
        ("another member's index", "WrongSigner", |seal, _| seal.approvers[2].0 = 3),
        // The other s of a signature has the recovery bit's place, so it is read as some low one.
        ("the high s", "WrongSigner", |seal, _| seal.approvers[0].1 = high_s(&seal.approvers[0].1)),
        ("an s above half the order", "HighS", |seal, _| {
            seal.approvers[0].1[32] |= 0x7f;
            seal.approvers[0].1[33..].fill(0xff);
        }),
        ("the other recovery bit", "WrongSigner", |seal, _| seal.approvers[0].1[32] ^= 0x80),
        ("another r", "WrongSigner", |seal, _| seal.approvers[0].1[5] ^= 1),
        ("zeros", "WrongSigner", |seal, _| seal.approvers[0].1 = [0; 64]),
        ("a stranger's", "WrongSigner", |seal, digest| seal.approvers[0].1 = Member::named("eve").sign(digest)),
        ("an approver's as processor", "WrongSigner", |seal, _| seal.processor = Some(seal.approvers[0].1)),
    ];
    for (name, reason, change) in cases {
        let instruction = spoiled(&world, change);
        let refusal = world.send(&[instruction], &[]).err().unwrap_or_else(|| panic!("{name} went through"));
        assert_eq!(refusal.reason, reason, "{name}");
    }
    let mut longer = spoiled(&world, |_, _| ());
    longer.data.push(0);
    world.refused("BadSealLength", longer);
    let more = spoiled(&world, |seal, _| seal.approvers.push((3, [0; 64])));
    world.refused("BadSealLength", more);
    let every = spoiled(&world, |_, _| ());
    world.run(&[every]);
}

#[test]
fn any_quorum_of_approvers_will_do() {
    let mut world = started();
    for a in 0..5 {
        for b in a + 1..5 {
            for c in b + 1..5 {
                let id = world.next_action();
                let digest = action(world.domain, 1, id, 3, hash(&[]));
                let seal = Seal {
                    processor: Some(world.set.processor.sign(&digest)),
                    approvers: world.set.approvers.sign(&digest, [a, b, c]),
                    listeners: vec![],
                };
                world.run(&[world.place.noop(id, &Envelope::inline(seal))]);
            }
        }
    }
}
