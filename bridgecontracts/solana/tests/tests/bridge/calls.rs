//! Governance calls, and actions that do nothing.

use solana_account::Account;
use solana_address::{address, Address};
use solana_instruction::{AccountMeta, Instruction};
use trine_bridge_tests::{
    events::Event,
    keys::{Seal, APPROVERS, LISTENERS, PROCESSOR},
    requests::{Call, Envelope, SYSTEM},
    tokens::{transfer_checked, TOKEN},
    words::{action, hash, number},
    world::{replaced, PROGRAM},
};

use crate::transfers::rich;

const MEMO: Address = address!("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr");

/// A memo signed by these accounts.
fn memo(signers: Vec<Address>) -> Instruction {
    let accounts = signers.into_iter().map(|key| AccountMeta::new_readonly(key, true)).collect();
    Instruction { program_id: MEMO, accounts, data: b"by order of the bridge".to_vec() }
}

#[test]
fn a_call_is_made_in_the_name_of_the_bridge() {
    let (mut world, old, _) = rich();
    let to = world.fund(&old, &world.stranger("bob"), 0);
    let transfer = transfer_checked(&old, old.vault, to, world.place.state, 77);
    let call = Call::of(&transfer, &world.place.state);
    let sent = world.run(&[world.call(&call)]);
    let digest = action(world.domain, 1, 1, 2, call.hash());
    assert_eq!(sent.records[0].event, Event::ActionExecuted { id: 1, digest, failed: [0; 32] });
    assert_eq!((world.balance(&to), world.balance(&old.vault)), (77, 9_923));
}

#[test]
fn a_call_is_signed_by_all_three_groups() {
    let (mut world, ..) = rich();
    let call = Call::of(&memo(vec![]), &world.place.state);
    for groups in [PROCESSOR | APPROVERS, PROCESSOR | LISTENERS, APPROVERS | LISTENERS] {
        let envelope = world.seal_action(2, call.hash(), groups);
        let refusal = world.send(&[world.place.call(1, &call, &envelope)], &[]).err().expect("a refusal");
        assert!(["BadSealLength", "WrongSigner"].contains(&refusal.reason.as_str()), "{}", refusal.reason);
    }
    world.run(&[world.call(&call)]);
}

#[test]
fn what_cannot_be_called_is_recorded_as_failed() {
    let (mut world, ..) = rich();
    let state = world.place.state;
    let good = Call::of(&memo(vec![]), &state);
    let with = |data: Vec<u8>| Call { data, accounts: vec![], ..good.clone() };
    let entry = |flags: u8| [state.as_ref(), &[flags]].concat();
    let cases = [
        ("a value", Call { value: number(1), ..good.clone() }),
        ("a large value", Call { value: [0xff; 32], ..good.clone() }),
        ("the bridge's program", Call { target: PROGRAM, ..good.clone() }),
        ("a wallet", Call { target: world.stranger("bob"), ..good.clone() }),
        ("the bridge", Call { target: state, ..good.clone() }),
        ("no data", with(vec![])),
        ("an account that is cut", with([&[1][..], &entry(0)[..32]].concat())),
        ("an account that is missing", with([&[2][..], &entry(0)].concat())),
        ("unknown flags", with([&[1][..], &entry(4)].concat())),
    ];
    for (name, call) in cases {
        let sent = world.run(&[world.call(&call)]);
        assert_eq!(sent.failed(), 1, "{name}");
    }
    assert_eq!(world.run(&[world.call(&good)]).failed(), 0);
}

#[test]
fn a_call_names_at_most_32_accounts() {
    let (mut world, ..) = rich();
    let state = world.place.state;
    for (count, failed) in [(32, 0), (33, 1)] {
        let call = Call::of(&memo(vec![state; count]), &state);
        let id = world.next_action();
        let digest = action(world.domain, 1, id, 2, call.hash());
        let seal = world.set.seal(PROCESSOR | APPROVERS | LISTENERS, &digest);
        let body = [call.target.as_ref(), &call.value, &(call.data.len() as u16).to_le_bytes(), &call.data].concat();
        let buffered = world.buffer(&digest, &body, &seal);
        let sent = world.run(&[world.place.call(id, &call, &buffered)]);
        assert_eq!(sent.failed(), failed, "{count} accounts");
    }
}

/// A callee that fails takes the transaction down, so the action stays until members sign something else for its id.
#[test]
fn a_callee_that_fails_is_overridden() {
    let (mut world, old, _) = rich();
    let to = world.fund(&old, &world.stranger("bob"), 0);
    let call = Call::of(&transfer_checked(&old, old.vault, to, world.place.state, 10_001), &world.place.state);
    world.refused("Custom(1)", world.call(&call));
    let sent = world.run(&[world.noop()]);
    let digest = action(world.domain, 1, 1, 3, hash(&[]));
    assert_eq!(sent.records[0].event, Event::ActionExecuted { id: 1, digest, failed: [0; 32] });
    world.refused("WrongActionId", world.place.noop(1, &Envelope::inline(Seal::default())));
}

#[test]
fn the_accounts_of_a_call_are_those_that_were_signed() {
    let (mut world, old, _) = rich();
    let to = world.fund(&old, &world.stranger("bob"), 0);
    let theirs = world.fund(&old, &world.stranger("eve"), 0);
    let call = world.call(&Call::of(&transfer_checked(&old, old.vault, to, world.place.state, 5), &world.place.state));
    for index in 4..call.accounts.len() {
        let spoiled = replaced(&call, index, theirs);
        world.refused("WrongCallAccount", spoiled);
    }
    world.run(&[call]);
}

/// The bridge signs for its state account only: a call cannot use another's signature that the transaction does not have.
#[test]
fn a_call_signs_for_nobody_else() {
    let (mut world, old, _) = rich();
    let eve = world.stranger("eve");
    let to = world.fund(&old, &eve, 0);
    let from = world.fund(&old, &world.stranger("bob"), 50);
    let mut call = Call::of(&transfer_checked(&old, from, to, world.stranger("bob"), 5), &world.place.state);
    call.accounts.last_mut().unwrap().is_signer = false;
    world.refused("PrivilegeEscalation", world.call(&call));
    // Lamports of the state account belong to the program: the system program does not move them.
    let system = Instruction {
        program_id: SYSTEM,
        accounts: vec![AccountMeta::new(world.place.state, true), AccountMeta::new(eve, false)],
        data: [&2_u32.to_le_bytes()[..], &1_000_000_000_u64.to_le_bytes()].concat(),
    };
    let before = world.held();
    let refused = world.send(&[world.call(&Call::of(&system, &world.place.state))], &[]);
    assert!(refused.is_err());
    assert_eq!(world.held(), before);
}

#[test]
fn a_noop_only_moves_on() {
    let (mut world, ..) = rich();
    for id in 1..=3 {
        let sent = world.run(&[world.noop()]);
        assert!(matches!(sent.records[0].event, Event::ActionExecuted { id: done, .. } if done == id));
    }
    let mut longer = world.noop();
    longer.data.push(0);
    world.refused("BadSealLength", longer);
    world.run(&[world.pause(1)]);
    world.refused("BridgePaused", world.noop());
}

/// A program that is called must be one, whatever stands at its address.
#[test]
fn a_program_that_is_gone_fails() {
    let (mut world, ..) = rich();
    let gone = world.stranger("gone");
    world.put(gone, Account { lamports: 1, data: vec![0; 10], owner: TOKEN, ..Account::default() });
    let call = Call { target: gone, value: [0; 32], data: vec![0], accounts: vec![] };
    assert_eq!(world.run(&[world.call(&call)]).failed(), 1);
}

/// No counter goes round: at its end the bridge stands still.
#[test]
fn counters_end_with_a_fault() {
    for (offset, name) in [(152, "next action"), (160, "event id")] {
        let (mut world, ..) = rich();
        let state = world.place.state;
        let mut account = world.account(&state);
        account.data[offset..offset + 8].fill(0xff);
        world.put(state, account);
        let refusal = world.send(&[world.noop()], &[]).err().unwrap_or_else(|| panic!("{name} went round"));
        assert_eq!(refusal.reason, "Overflow", "{name}");
    }
}
