//! The beginning of a bridge.

use solana_account::Account;
use solana_address::Address;
use solana_keypair::Keypair;
use solana_signer::Signer;
use trine_bridge_tests::{
    keys::{Group, Member, Set},
    requests::{Place, SYSTEM},
    world::{caip2, genesis, World, SOL},
};

#[test]
fn whoever_could_upgrade_begins_and_cannot_upgrade_any_more() {
    let mut world = World::deployed();
    assert_eq!(world.authority(), Some(world.payer.pubkey()));
    world.initialize(world.set.clone());
    assert_eq!(world.authority(), None, "nobody can upgrade the program");
    let state = world.state();
    assert_eq!(state.word(16), genesis());
    assert_eq!(state.word(48), caip2());
    assert_eq!(state.word(80), world.domain);
    assert_eq!(state.word(112), world.set.hash());
    assert_eq!(state.counters(), [0, 1, 1, 0, 0, 0]);
    assert_eq!(state.u64(216), world.slot(), "start slot");
    assert_eq!(state.page(), world.place.page);
    assert_eq!((state.newest_mark().slot, state.newest_mark().event_id), (world.slot(), 0));
    assert_eq!(state.reserve(), world.svm.minimum_balance_for_rent_exemption(state.0.len()));
    assert_eq!(world.held(), 0);
    assert_eq!(state.0[296..316], world.set.processor.address);
    assert_eq!(state.0[336..356], world.set.approvers.members[0].address);
}

#[test]
fn only_the_authority_begins_and_only_once() {
    let mut world = World::deployed();
    let mallory = world.wallet("mallory");
    let begin = |place: &Place, set: &Set| place.initialize(&genesis(), &caip2(), set);
    let theirs = Place { actor: mallory.pubkey(), ..world.place };
    world.refused_signed("WrongAuthority", begin(&theirs, &world.set.clone()), &[&mallory]);
    world.set_authority(None);
    world.refused("WrongAuthority", begin(&world.place, &world.set));
    world.set_authority(Some(world.payer.pubkey()));
    let mut unsigned = begin(&theirs, &world.set);
    unsigned.accounts[0].is_signer = false;
    world.refused("NotSigner", unsigned);
    world.initialize(world.set.clone());
    world.refused("AlreadyInitialized", begin(&world.place, &world.set));
    world.set_authority(Some(world.payer.pubkey()));
    world.refused("AlreadyInitialized", begin(&world.place, &world.set));
}

#[test]
fn lamports_at_the_address_stop_nothing() {
    for lamports in [1, 1_000_000, 100 * SOL] {
        let mut world = World::deployed();
        world.put(world.place.state, Account { lamports, owner: SYSTEM, ..Account::default() });
        world.initialize(world.set.clone());
        assert_eq!(world.account(&world.place.state).owner, world.place.program);
    }
}

#[test]
fn zero_is_no_hash() {
    let mut world = World::deployed();
    world.refused("ZeroValue", world.place.initialize(&[0; 32], &caip2(), &world.set));
    world.refused("ZeroValue", world.place.initialize(&genesis(), &[0; 32], &world.set));
}

#[test]
fn bad_sets_are_refused() {
    let mut world = World::deployed();
    for (reason, set) in bad_sets() {
        world.refused(reason, world.place.initialize(&genesis(), &caip2(), &set));
    }
    let mut longer = world.place.initialize(&genesis(), &caip2(), &world.set);
    longer.data.push(0);
    world.refused("BadData", longer);
    let mut shorter = world.place.initialize(&genesis(), &caip2(), &world.set);
    shorter.data.pop();
    world.refused("BadData", shorter);
}

/// Sets with one fault each.
pub fn bad_sets() -> Vec<(&'static str, Set)> {
    let good = Set::new(5, "bad", (2, 3), (2, 3));
    let with = |change: &dyn Fn(&mut Set)| {
        let mut set = good.clone();
        change(&mut set);
        set
    };
    let nobody = |member: &mut Member| member.address = [0; 20];
    let crowd = |count: u32| (0..count).map(|i| Member::named(&format!("crowd {i}"))).collect::<Vec<_>>();
    vec![
        ("ZeroValue", with(&|set| set.epoch = 0)),
        ("ZeroValue", with(&|set| nobody(&mut set.processor))),
        ("BadQuorum", with(&|set| set.approvers.quorum = 0)),
        ("BadQuorum", with(&|set| set.approvers.quorum = 4)),
        ("BadQuorum", with(&|set| set.listeners.quorum = 0)),
        ("BadQuorum", with(&|set| set.listeners.quorum = 4)),
        ("BadQuorum", with(&|set| set.listeners = Group::new(0, Vec::new()))),
        ("BadQuorum", with(&|set| set.listeners = Group { quorum: 1, members: crowd(65)[..0].to_vec() })),
        ("MembersNotAscending", with(&|set| nobody(&mut set.approvers.members[0]))),
        ("MembersNotAscending", with(&|set| set.approvers.members.swap(0, 1))),
        ("MembersNotAscending", with(&|set| set.listeners.members[1] = set.listeners.members[0].clone())),
        ("SecondSeat", with(&|set| set.approvers = Group::new(2, seats(&set.approvers, &set.processor)))),
        ("SecondSeat", with(&|set| set.listeners = Group::new(2, seats(&set.listeners, &set.processor)))),
        ("SecondSeat", with(&|set| set.listeners = Group::new(2, seats(&set.listeners, &set.approvers.members[0])))),
        ("SecondSeat", with(&|set| set.listeners = Group::new(2, seats(&set.listeners, &set.approvers.members[1])))),
        ("SecondSeat", with(&|set| set.listeners = Group::new(2, seats(&set.listeners, &set.approvers.members[2])))),
    ]
}

fn seats(group: &Group, more: &Member) -> Vec<Member> {
    [&group.members[..], std::slice::from_ref(more)].concat()
}

#[test]
fn the_largest_first_set_is_what_fits() {
    let fits = |approvers: u8, listeners: u8| {
        let mut world = World::deployed();
        let set = Set::new(1, "large", (approvers, approvers), (listeners, listeners));
        world.send(&[world.place.initialize(&genesis(), &caip2(), &set)], &[]).map(|sent| sent.bytes)
    };
    assert!(fits(19, 19).is_ok(), "two groups of 19");
    let most = (2..64).take_while(|members| fits(members - 1, 1).is_ok()).last().expect("some set fits");
    assert_eq!(most, 38, "members in both groups, as the README says");
}

#[test]
fn nothing_works_before_the_beginning() {
    let mut world = World::deployed();
    world.refused("WrongState", world.place.deposit_sol(1, &[]));
    world.put(
        world.place.state,
        Account { lamports: SOL, data: vec![0; 9808], owner: Address::default(), ..Account::default() },
    );
    world.refused("WrongState", world.place.deposit_sol(1, &[]));
    let stranger = Keypair::new_from_array([7; 32]);
    assert!(world.svm.get_account(&stranger.pubkey()).is_none());
}
