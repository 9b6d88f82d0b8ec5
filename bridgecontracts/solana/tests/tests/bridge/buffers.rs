//! What does not fit into one transaction, posted in parts.

use solana_keypair::Keypair;
use solana_signer::Signer;
use trine_bridge_tests::{
    keys::{Seal, Set, APPROVERS, LISTENERS, PROCESSOR},
    requests::{batch_body, batch_hash, Envelope, Pay, Place},
    words::{action, hash, Word},
    world::{replaced, World, PROGRAM, SOL},
};

const PAYING: u8 = PROCESSOR | APPROVERS;

/// The digest of the next action's noop.
fn noop(world: &World) -> Word {
    action(world.domain, world.set.epoch, world.next_action(), 3, hash(&[]))
}

fn opened(world: &mut World, digest: &Word, body: usize) -> solana_address::Address {
    world.run(&[world.place.open_buffer(digest, body)]);
    world.place.buffer(digest).0
}

#[test]
fn thirteen_of_nineteen_sign_in_parts() {
    let mut world = World::with_set(Set::new(1, "large", (13, 19), (13, 19)));
    world.run(&[world.place.deposit_sol(5 * SOL, &[])]);
    let bob = world.stranger("bob");
    let pays = [Pay::sol(bob, SOL)];
    let inline = world.batch(&pays);
    let refusal = world.send(&[inline], &[]).err().expect("14 signatures do not fit beside a batch");
    assert!(refusal.reason.starts_with("TooLarge"), "{}", refusal.reason);
    let digest = action(world.domain, 1, 1, 1, batch_hash(&pays));
    let envelope = world.buffer(&digest, &[], &world.set.seal(PAYING, &digest));
    let (buffer, poster) = envelope.buffer.unwrap();
    let data = world.account(&buffer).data;
    assert_eq!((&data[..8], data[9]), (&b"trineBF1"[..], 1));
    assert_eq!(data[16..48], poster.to_bytes());
    assert_eq!(data[48..80], digest);
    let number = |at: usize| u64::from_le_bytes(data[at..at + 8].try_into().unwrap());
    assert_eq!((number(80), number(88), number(96)), (1, (1 << 13) - 1, 0), "epoch, approvers, listeners");
    let rent = world.lamports(&buffer);
    let before = world.lamports(&poster);
    let sent = world.run(&[world.place.transfers(1, &pays, &envelope)]);
    assert_eq!(world.lamports(&bob), SOL);
    assert!(world.svm.get_account(&buffer).is_none(), "closed after use");
    assert_eq!(world.lamports(&poster), before + rent - sent.meta.fee, "refunded");
}

#[test]
fn body_or_seal_or_both_stand_in_the_buffer() {
    let mut world = World::started();
    world.run(&[world.place.deposit_sol(20 * SOL, &[])]);
    for flags in [1, 2, 3] {
        let bob = world.stranger(&format!("bob {flags}"));
        let pays = [Pay::sol(bob, SOL), Pay::sol(bob, SOL)];
        let id = world.next_action();
        let digest = action(world.domain, 1, id, 1, batch_hash(&pays));
        let seal = world.set.seal(PAYING, &digest);
        let (posted, inline) = if flags & 1 != 0 { (seal, Seal::default()) } else { (Seal::default(), seal) };
        let body = if flags & 2 != 0 { batch_body(&pays) } else { vec![] };
        let mut envelope = world.buffer(&digest, &body, &posted);
        assert_eq!(envelope.flags, flags);
        envelope.seal = inline;
        world.run(&[world.place.transfers(id, &pays, &envelope)]);
        assert_eq!(world.lamports(&bob), 2 * SOL);
    }
}

#[test]
fn a_governance_call_collects_three_groups() {
    let mut world = World::with_set(Set::new(1, "large", (13, 19), (13, 19)));
    let call = trine_bridge_tests::requests::Call {
        target: world.stranger("nobody"),
        value: [0; 32],
        data: vec![],
        accounts: vec![],
    };
    let digest = action(world.domain, 1, 1, 2, call.hash());
    for missing in [PROCESSOR, APPROVERS, LISTENERS] {
        let envelope = world.buffer(&digest, &[], &world.set.seal(7 ^ missing, &digest));
        world.refused("QuorumMissing", world.place.call(1, &call, &envelope));
        world.run(&[world.place.close_buffer(envelope.buffer.unwrap().0)]);
    }
    let envelope = world.buffer(&digest, &[], &world.set.seal(7, &digest));
    world.run(&[world.place.call(1, &call, &envelope)]);
}

#[test]
fn anyone_posts_and_what_is_there_is_passed_over() {
    let mut world = World::started();
    let digest = noop(&world);
    let buffer = opened(&mut world, &digest, 0);
    let seal = world.set.seal(PAYING, &digest);
    let eve = world.wallet("eve");
    let place = Place { actor: eve.pubkey(), ..world.place };
    let all = place.post_signatures(buffer, &seal);
    let one = Seal { approvers: seal.approvers[..1].to_vec(), ..Seal::default() };
    world.run(&[place.post_signatures(buffer, &one)]);
    world.run(&[place.post_signatures(buffer, &one)]);
    world.run(&[all.clone()]);
    world.run(&[all]);
    // A signature that is not asked for is not looked at: the member's bit stands.
    let mut wrong = Seal { processor: Some([9; 64]), ..one.clone() };
    wrong.approvers[0].1 = [9; 64];
    world.run(&[place.post_signatures(buffer, &wrong)]);
    let envelope = Envelope::buffered(1, buffer, world.payer.pubkey(), Seal::default());
    // Anyone executes; the rent goes to the poster.
    world.run_signed(&[place.noop(1, &envelope)], &[&eve]);
}

#[test]
fn only_signatures_of_members_over_the_digest_are_taken() {
    let mut world = World::started();
    let digest = noop(&world);
    let buffer = opened(&mut world, &digest, 0);
    let good = world.set.seal(7, &digest);
    let other = world.set.seal(7, &[7; 32]);
    let approvers = |list: &[(u8, [u8; 64])]| Seal { approvers: list.to_vec(), ..Seal::default() };
    let post = |seal: &Seal| world.place.post_signatures(buffer, seal);
    let mut cases = vec![
        ("WrongSigner", post(&Seal { processor: other.processor, ..Seal::default() })),
        ("WrongSigner", post(&approvers(&other.approvers))),
        ("WrongSigner", post(&Seal { listeners: other.listeners.clone(), ..Seal::default() })),
        ("WrongSigner", post(&approvers(&good.listeners))),
        ("SignersNotAscending", post(&approvers(&[good.approvers[1], good.approvers[0]]))),
        ("SignersNotAscending", post(&approvers(&[good.approvers[1], good.approvers[1]]))),
        ("NoSuchMember", post(&approvers(&[(5, good.approvers[0].1)]))),
        ("NoSuchMember", post(&approvers(&[(64, good.approvers[0].1)]))),
        ("NoSuchMember", post(&Seal { listeners: vec![(3, good.listeners[0].1)], ..Seal::default() })),
    ];
    for (reason, index, byte) in [("BadData", 1, 2), ("BadSealLength", 3, 1), ("BadSealLength", 3, 9)] {
        let mut spoiled = post(&good);
        spoiled.data[index] = byte;
        cases.push((reason, spoiled));
    }
    let mut longer = post(&good);
    longer.data.push(0);
    cases.push(("BadSealLength", longer));
    for (reason, instruction) in cases {
        world.refused(reason, instruction);
    }
    assert_eq!(world.account(&buffer).data[88..104], [0; 16], "no bit outlives a refusal");
    let envelope = Envelope::buffered(1, buffer, world.payer.pubkey(), Seal::default());
    world.refused("QuorumMissing", world.place.noop(1, &envelope));
    world.run(&[world.place.post_signatures(buffer, &good)]);
    let mut inline = envelope.clone();
    inline.flags = 1;
    let mut both = world.place.noop(1, &inline);
    both.data.extend(good.bytes());
    world.refused("BadSealLength", both);
    world.run(&[world.place.noop(1, &envelope)]);
}

#[test]
fn more_than_the_quorum_may_have_signed() {
    let mut world = World::started();
    let digest = noop(&world);
    let buffer = opened(&mut world, &digest, 0);
    let mut seal = world.set.seal(7, &digest);
    seal.approvers = world.set.approvers.sign(&digest, 0..5);
    world.run(&[world.place.post_signatures(buffer, &seal)]);
    world.run(&[world.place.noop(1, &Envelope::buffered(1, buffer, world.payer.pubkey(), Seal::default()))]);
}

#[test]
fn signatures_of_another_epoch_are_stale() {
    let mut world = World::started();
    let digest = noop(&world);
    let envelope = world.buffer(&digest, &[], &world.set.seal(PAYING, &digest));
    let next = Set::new(2, "next", (3, 5), (2, 3));
    world.run(&[world.rotation(&next, PAYING)]);
    let old = world.set.clone();
    world.set = next;
    let buffer = envelope.buffer.unwrap().0;
    world.refused("WrongBuffer", world.place.noop(1, &envelope));
    world.refused("StaleBuffer", world.place.post_signatures(buffer, &old.seal(PAYING, &digest)));
    // Opened before the rotation for a digest of the epoch after it: opened again.
    world.run(&[world.place.close_buffer(buffer)]);
    let further = Set::new(3, "further", (3, 5), (2, 3));
    let early = action(world.domain, 3, 1, 3, hash(&[]));
    let buffer = opened(&mut world, &early, 0);
    world.run(&[world.rotation(&further, PAYING)]);
    world.set = further;
    world.refused("StaleBuffer", world.place.post_signatures(buffer, &world.set.seal(PAYING, &early)));
    world.refused(
        "StaleBuffer",
        world.place.noop(1, &Envelope::buffered(1, buffer, world.payer.pubkey(), Seal::default())),
    );
    world.run(&[world.place.close_buffer(buffer)]);
    let envelope = world.buffer(&early, &[], &world.set.seal(PAYING, &early));
    world.run(&[world.place.noop(1, &envelope)]);
}

#[test]
fn a_buffer_is_for_one_digest() {
    let mut world = World::started();
    let other = action(world.domain, 1, 2, 3, hash(&[]));
    let envelope = world.buffer(&other, &[], &world.set.seal(PAYING, &other));
    world.refused("WrongBuffer", world.place.noop(1, &envelope));
    world.run(&[world.noop()]);
    world.run(&[world.place.noop(2, &envelope)]);
}

#[test]
fn a_buffer_is_opened_once_and_closed_by_its_poster() {
    let mut world = World::started();
    let digest = noop(&world);
    let buffer = opened(&mut world, &digest, 10);
    world.refused("BufferExists", world.place.open_buffer(&digest, 10));
    let eve = world.wallet("eve");
    let place = Place { actor: eve.pubkey(), ..world.place };
    world.refused_signed("WrongPoster", place.close_buffer(buffer), &[&eve]);
    let mut post = world.place.post_body(&digest, 0, b"hello");
    post.accounts[0].pubkey = eve.pubkey();
    world.refused_signed("WrongPoster", post, &[&eve]);
    let envelope = Envelope::buffered(1, buffer, eve.pubkey(), Seal::default());
    world.refused("WrongPoster", world.place.noop(1, &envelope));
    // Eve has her own for the same digest.
    world.run_signed(&[place.open_buffer(&digest, 0)], &[&eve]);
    let rent = world.lamports(&buffer);
    let before = world.lamports(&world.payer.pubkey());
    let sent = world.run(&[world.place.close_buffer(buffer)]);
    assert_eq!(world.lamports(&world.payer.pubkey()), before + rent - sent.meta.fee);
    world.refused("WrongBuffer", world.place.close_buffer(buffer));
    opened(&mut world, &digest, 10);
}

#[test]
fn a_body_fits_its_buffer() {
    const MOST: usize = 10_136;
    let mut world = World::started();
    let digest = noop(&world);
    for length in [MOST + 1, u32::MAX as usize] {
        world.refused("BadBodyRange", world.place.open_buffer(&digest, length));
    }
    let buffer = opened(&mut world, &digest, MOST);
    for (offset, length) in [(MOST, 1), (MOST - 4, 5), (u32::MAX as usize, 1), (MOST + 1, 0)] {
        world.refused("BadBodyRange", world.place.post_body(&digest, offset, &vec![1; length]));
    }
    world.run(&[world.place.post_body(&digest, MOST - 5, b"world")]);
    world.run(&[world.place.post_body(&digest, 0, b"hello")]);
    let data = world.account(&buffer).data;
    assert_eq!((&data[104..109], &data[data.len() - 5..]), (&b"hello"[..], &b"world"[..]));
    assert_eq!(data.len(), 10_240);
}

#[test]
fn any_bump_that_works_will_do() {
    let mut world = World::started();
    let digest = noop(&world);
    let (canonical, bump) = world.place.buffer(&digest);
    let actor = world.payer.pubkey();
    let other = (0..bump).rev().find_map(|bump| {
        let seeds = [&b"buffer"[..], actor.as_ref(), &digest, &[bump]];
        Some((solana_address::Address::create_program_address(&seeds, &PROGRAM).ok()?, bump))
    });
    let (buffer, bump) = other.expect("one in two addresses is off the curve");
    assert_ne!(buffer, canonical);
    let mut open = replaced(&world.place.open_buffer(&digest, 0), 2, buffer);
    world.refused("WrongBuffer", open.clone());
    open.data[1] = bump;
    world.run(&[open]);
    world.run(&[world.place.post_signatures(buffer, &world.set.seal(PAYING, &digest))]);
    world.run(&[world.place.noop(1, &Envelope::buffered(1, buffer, actor, Seal::default()))]);
}

/// Whoever executes cannot point at a buffer in which somebody has posted another body: the body is hashed.
#[test]
fn a_body_that_was_not_signed_is_refused() {
    let mut world = World::started();
    world.run(&[world.place.deposit_sol(5 * SOL, &[])]);
    let (bob, eve): (_, Keypair) = (world.stranger("bob"), world.wallet("eve"));
    let signed = [Pay::sol(bob, SOL)];
    let digest = action(world.domain, 1, 1, 1, batch_hash(&signed));
    let seal = world.set.seal(PAYING, &digest);
    let other = [Pay::sol(bob, 2 * SOL)];
    let envelope = world.buffer(&digest, &batch_body(&other), &seal);
    world.refused("WrongBuffer", world.place.transfers(1, &other, &envelope));
    let stolen = [Pay::sol(eve.pubkey(), SOL)];
    world.refused("WrongBuffer", world.place.transfers(1, &stolen, &envelope));
    // The body is followed by nothing.
    let (buffer, _) = envelope.buffer.unwrap();
    world.run(&[world.place.close_buffer(buffer)]);
    let envelope = world.buffer(&digest, &[batch_body(&signed), vec![0]].concat(), &seal);
    world.refused("BadData", world.place.transfers(1, &signed, &envelope));
}
