//! What others write beside the bridge's records: the same program under another id, logs, calls into the bridge.

use solana_address::{address, Address};
use solana_instruction::{AccountMeta, Instruction};
use solana_signer::Signer;
use trine_bridge_tests::{
    events::Event,
    keys::{Set, APPROVERS, LISTENERS, PROCESSOR},
    requests::{derive, page_address, readonly, Call, Envelope, Place, LOADER},
    tokens::TOKEN,
    words::{action, digest},
    world::{caip2, genesis, World, ARTIFACT, PROGRAM},
};

const IMPOSTOR: Address = address!("Trine1mpostor111111111111111111111111111111");
const MEMO: Address = address!("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr");

/// The bridge's own program under another id: its inner instructions look like the bridge's to the byte.
struct Impostor {
    place: Place,
    set: Set,
}

impl Impostor {
    fn new(world: &mut World) -> Self {
        world.svm.add_program(IMPOSTOR, ARTIFACT).expect("the program loads");
        let program_data = derive(&[IMPOSTOR.as_ref()], &LOADER).0;
        let mut account = world.account(&program_data);
        account.data[12] = 1;
        account.data[13..45].copy_from_slice(world.payer.pubkey().as_ref());
        world.put(program_data, account);
        let state = derive(&[b"bridge"], &IMPOSTOR).0;
        let place = Place { program: IMPOSTOR, state, page: page_address(&IMPOSTOR, 1).0, ..world.place };
        // Few members, so that its calls are small.
        let set = Set::new(1, "impostor", (1, 1), (1, 1));
        world.run(&[place.initialize(&genesis(), &caip2(), &set)]);
        Impostor { place, set }
    }

    /// Makes the impostor call something in its own name.
    fn call(&self, world: &World, instruction: &Instruction) -> Instruction {
        let state = world.account(&self.place.state).data;
        let id = u64::from_le_bytes(state[152..160].try_into().unwrap());
        let call = Call::of(instruction, &self.place.state);
        let domain = digest("domain", &[genesis(), caip2(), self.place.state.to_bytes()]);
        let digest = action(domain, 1, id, 2, call.hash());
        let seal = self.set.seal(PROCESSOR | APPROVERS | LISTENERS, &digest);
        self.place.call(id, &call, &Envelope::inline(seal))
    }
}

/// A record as the bridge would write its next one.
fn forged(world: &World, id: u64, signer: Option<Address>) -> Instruction {
    let (page, bump) = page_address(&PROGRAM, id);
    let record = [&[15, bump, 4][..], &id.to_le_bytes(), &[0; 8 + 24 + 32], &1_u64.to_le_bytes()].concat();
    let page = signer.map_or(readonly(page), |key| AccountMeta::new_readonly(key, true));
    assert_eq!(world.place.program, PROGRAM);
    Instruction { program_id: PROGRAM, accounts: vec![page], data: record }
}

#[test]
fn records_of_an_impostor_are_not_the_bridges() {
    let mut world = World::started();
    let impostor = Impostor::new(&mut world);
    let sent = world.run(&[
        impostor.place.deposit_sol(1_000_000, &[]),
        world.place.deposit_sol(3, &[]),
        impostor.place.deposit_sol(2_000_000, &[]),
    ]);
    let inner = sent.meta.inner_instructions.iter().flatten();
    let alike = inner.filter(|inner| inner.instruction.data.first() == Some(&15)).count();
    assert_eq!((alike, sent.records.len()), (3, 1), "three look alike, one is the bridge's");
    assert!(matches!(sent.records[0].event, Event::Deposited { amount: 3, .. }));
}

/// Logs are cut after 10,000 bytes; what the bridge records is not in them.
#[test]
fn logs_may_be_full_before_the_bridge_runs() {
    let mut world = World::started();
    let memos = (0..56).map(|_| Instruction { program_id: MEMO, accounts: vec![], data: b"?".to_vec() });
    let mut all: Vec<_> = memos.collect();
    all.push(world.place.deposit_sol(3, &[]));
    let sent = world.run(&all);
    let logged: usize = sent.meta.logs.iter().map(String::len).sum();
    assert!(logged > 9_000 && sent.meta.logs.iter().any(|line| line == "Log truncated"), "{logged} bytes of logs");
    assert_eq!(sent.records.len(), 1);
}

#[test]
fn nobody_else_records() {
    let mut world = World::started();
    let impostor = Impostor::new(&mut world);
    world.run(&[world.place.deposit_sol(3, &[])]);
    for id in [0, 1, 2, 257, u64::MAX] {
        let id_or_first = id.max(1);
        let mut plain = forged(&world, id_or_first, None);
        plain.data[3..11].copy_from_slice(&id.to_le_bytes());
        world.refused("NotAPage", plain.clone());
        // Signed, but by no page.
        let mut signed = forged(&world, id_or_first, Some(world.payer.pubkey()));
        signed.data[3..11].copy_from_slice(&id.to_le_bytes());
        world.refused("NotAPage", signed);
        // By a call of another program, unsigned, signed by that program's own address, signed by force.
        world.refused("NotAPage", impostor.call(&world, &plain));
        let own = forged(&world, id_or_first, Some(impostor.place.state));
        world.refused("NotAPage", impostor.call(&world, &own));
        let mut force = plain.clone();
        force.accounts[0].is_signer = true;
        let mut call = impostor.call(&world, &force);
        call.accounts.iter_mut().skip(1).for_each(|meta| meta.is_signer = false);
        world.refused("PrivilegeEscalation", call);
    }
    // A governance call of the bridge itself does not reach its own program.
    let plain = forged(&world, 2, None);
    let sent = world.run(&[world.call(&Call::of(&plain, &world.place.state))]);
    assert_eq!((sent.failed(), sent.records.len()), (1, 1));
}

#[test]
fn a_record_that_is_cut_is_none() {
    let mut world = World::started();
    let whole = forged(&world, 1, Some(world.payer.pubkey()));
    for length in 1..11 {
        let mut cut = whole.clone();
        cut.data.truncate(length);
        world.refused("BadData", cut);
    }
    let mut nobody = whole;
    nobody.accounts.clear();
    world.refused("NotEnoughAccounts", nobody);
}

/// A deposit by another program's account is one like any other, wherever in the transaction it is made.
#[test]
fn deposits_through_other_programs_are_recorded() {
    let mut world = World::started();
    let impostor = Impostor::new(&mut world);
    let token = world.token("usd", TOKEN, &[]);
    let wallet = impostor.place.state;
    let from = world.fund(&token, &wallet, 1000);
    let deposit = Place { actor: wallet, ..world.place }.deposit_token(&token, from, 600, &[]);
    let call = impostor.call(&world, &deposit);
    // The call's 9 accounts are named once more in its data, and still fit.
    let sent = world.run(&[call]);
    assert_eq!(sent.records.len(), 1);
    let expected = Event::Deposited { wallet, token: token.mint, amount: 600, keys: vec![] };
    assert_eq!(sent.records[0].event, expected);
}

/// Accounts of the impostor are of the same kinds and contents as the bridge's, and none is taken for one.
#[test]
fn accounts_of_an_impostor_are_not_the_bridges() {
    let mut world = World::started();
    let impostor = Impostor::new(&mut world);
    let token = world.token("usd", TOKEN, &[]);
    let from = world.fund(&token, &world.payer.pubkey(), 1000);
    let mut config = world.account(&token.config);
    config.owner = IMPOSTOR;
    let theirs = derive(&[b"token", token.mint.as_ref()], &IMPOSTOR).0;
    world.put(theirs, config);
    let deposit = world.place.deposit_token(&token, from, 5, &[]);
    for (index, key, reason) in [
        (1, impostor.place.state, "WrongState"),
        (2, impostor.place.page, "StalePage"),
        (3, IMPOSTOR, "WrongProgram"),
        (4, theirs, "WrongToken"),
    ] {
        let mut spoiled = deposit.clone();
        spoiled.accounts[index].pubkey = key;
        world.refused(reason, spoiled);
    }
    world.run(&[deposit]);
}

/// A transaction that fails leaves nothing, whatever ran in it before.
#[test]
fn what_was_undone_is_not_recorded() {
    let mut world = World::started();
    let fails = world.place.deposit_sol(2_000_000_000_000_000, &[]);
    assert!(world.send(&[world.place.deposit_sol(3, &[]), fails], &[]).is_err());
    assert_eq!((world.records.len(), world.state().counters()[0]), (0, 0));
    // Several in one transaction that succeeds are all there.
    let one = world.place.deposit_sol(3, &[]);
    let sent = world.run(&[one.clone(), one.clone(), one]);
    assert_eq!(sent.records.len(), 3);
}
