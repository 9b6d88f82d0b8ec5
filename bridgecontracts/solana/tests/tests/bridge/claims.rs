//! What is owed is collected: by the recipient to anywhere, by anyone else to the recipient.

use solana_account::Account;
use solana_address::Address;
use solana_keypair::Keypair;
use solana_signer::Signer;
use trine_bridge_tests::{
    events::Event,
    keys::{APPROVERS, PROCESSOR},
    requests::{claim_address, Limit, Pay, Place, NATIVE, SYSTEM},
    tokens::{account, account_data, Token, TOKEN, TOKEN_2022},
    world::{replaced, World, PROGRAM, SOL},
};

use crate::transfers::rich;

/// Owes a recipient this much, by a batch that asks for more than the bridge holds; then the bridge holds enough.
fn owe_sol(world: &mut World, to: &Address, amount: u64) {
    let held = world.held();
    let state = world.place.state;
    let mut account = world.account(&state);
    account.lamports -= held;
    world.put(state, account);
    world.run(&[world.batch(&[Pay::sol(*to, amount).with_claim()])]);
    let mut account = world.account(&state);
    account.lamports += held;
    world.put(state, account);
}

fn owe_token(world: &mut World, token: &Token, to: &Address, amount: u64) {
    let state = world.place.state;
    let held = world.balance(&token.vault);
    world.fund(token, &state, 0);
    world.run(&[world.batch(&[Pay::token(token, *to, amount).with_claim()])]);
    world.fund(token, &state, held);
}

/// The place as somebody else sees it.
fn by(world: &World, actor: &Keypair) -> Place {
    Place { actor: actor.pubkey(), ..world.place }
}

#[test]
fn the_recipient_claims_sol_to_anywhere() {
    let (mut world, ..) = rich();
    let (bob, payer) = (world.wallet("bob"), world.payer.pubkey());
    owe_sol(&mut world, &bob.pubkey(), 3 * SOL);
    let cold = world.stranger("cold wallet");
    let (held, rent) = (world.held(), world.lamports(&claim_address(&PROGRAM, &NATIVE, &bob.pubkey())));
    let before = world.lamports(&payer);
    let sent = world.run_signed(&[by(&world, &bob).claim_sol(bob.pubkey(), payer, cold)], &[&bob]);
    let expected = Event::Claimed { token: NATIVE, recipient: bob.pubkey(), amount: 3 * SOL };
    assert_eq!(sent.records[0].event, expected);
    assert_eq!((world.lamports(&cold), world.held()), (3 * SOL, held - 3 * SOL));
    assert_eq!(world.owed(&NATIVE, &bob.pubkey()), None, "the account is closed");
    assert_eq!(world.lamports(&payer), before + rent - sent.meta.fee, "its rent goes to who paid it");
    world.refused_signed("NothingToClaim", by(&world, &bob).claim_sol(bob.pubkey(), payer, cold), &[&bob]);
    // And all over again.
    owe_sol(&mut world, &bob.pubkey(), SOL);
    world.run_signed(&[by(&world, &bob).claim_sol(bob.pubkey(), payer, bob.pubkey())], &[&bob]);
}

#[test]
fn anyone_pushes_sol_to_the_recipient_and_nowhere_else() {
    let (mut world, ..) = rich();
    let (bob, eve, payer) = (world.stranger("bob"), world.wallet("eve"), world.payer.pubkey());
    owe_sol(&mut world, &bob, 3 * SOL);
    let place = by(&world, &eve);
    world.refused_signed("NotRecipient", place.claim_sol(bob, payer, eve.pubkey()), &[&eve]);
    world.refused_signed("WrongRefund", place.claim_sol(bob, eve.pubkey(), bob), &[&eve]);
    world.run_signed(&[place.claim_sol(bob, payer, bob)], &[&eve]);
    assert_eq!(world.lamports(&bob), 3 * SOL);
}

#[test]
fn the_recipient_claims_tokens_to_any_account() {
    let (mut world, old, new) = rich();
    for token in [old, new] {
        let (bob, payer) = (world.wallet("bob"), world.payer.pubkey());
        owe_token(&mut world, &token, &bob.pubkey(), 70);
        let carol = world.stranger("carol");
        let to = world.fund(&token, &carol, 1);
        let sent = world.run_signed(&[by(&world, &bob).claim_token(&token, bob.pubkey(), payer, to)], &[&bob]);
        let expected = Event::Claimed { token: token.mint, recipient: bob.pubkey(), amount: 70 };
        assert_eq!(sent.records[0].event, expected);
        assert_eq!((world.balance(&to), world.balance(&token.vault)), (71, 9_930));
        assert_eq!(world.owed(&token.mint, &bob.pubkey()), None);
    }
}

#[test]
fn anyone_pushes_tokens_to_the_recipients_account_which_is_made() {
    let (mut world, old, new) = rich();
    for token in [old, new] {
        let (bob, eve, payer) = (world.stranger("bob"), world.wallet("eve"), world.payer.pubkey());
        owe_token(&mut world, &token, &bob, 70);
        let theirs = world.fund(&token, &eve.pubkey(), 0);
        let place = by(&world, &eve);
        world.refused_signed("NotRecipient", place.claim_token(&token, bob, payer, theirs), &[&eve]);
        // Bob's, but not the associated one.
        let other = world.stranger("another account of bob's");
        world.put(other, account(&token.program, account_data(&token.mint, &bob, 0, false, &[])));
        world.refused_signed("NotRecipient", place.claim_token(&token, bob, payer, other), &[&eve]);
        let to = token.account(&bob).0;
        let push = place.claim_token(&token, bob, payer, to);
        world.refused_signed("WalletNeeded", replaced(&push, 11, PROGRAM), &[&eve]);
        world.refused_signed("AccountNeeded", replaced(&push, 12, PROGRAM), &[&eve]);
        world.refused_signed("AccountNeeded", replaced(&push, 13, PROGRAM), &[&eve]);
        world.run_signed(&[push], &[&eve]);
        assert_eq!(world.balance(&to), 70);
        assert_eq!(world.account(&to).data[32..64], bob.to_bytes());
    }
}

#[test]
fn an_account_that_was_given_away_is_not_pushed_to() {
    let (mut world, old, _) = rich();
    let (bob, payer) = (world.wallet("bob"), world.payer.pubkey());
    let to = world.fund(&old, &bob.pubkey(), 0);
    let mut account = world.account(&to);
    account.data[32..64].copy_from_slice(world.stranger("eve").as_ref());
    world.put(to, account);
    world.run(&[world.batch(&[Pay::token(&old, bob.pubkey(), 70).with_claim()])]);
    world.refused("NotRecipient", world.place.claim_token(&old, bob.pubkey(), payer, to));
    // The recipient itself may send it there.
    world.run_signed(&[by(&world, &bob).claim_token(&old, bob.pubkey(), payer, to)], &[&bob]);
    assert_eq!(world.balance(&to), 70);
}

#[test]
fn the_bridge_is_no_destination() {
    let (mut world, old, _) = rich();
    let (bob, payer) = (world.wallet("bob"), world.payer.pubkey());
    owe_sol(&mut world, &bob.pubkey(), 3);
    owe_token(&mut world, &old, &bob.pubkey(), 70);
    let place = by(&world, &bob);
    world.refused_signed("BadDestination", place.claim_sol(bob.pubkey(), payer, place.state), &[&bob]);
    world.refused_signed("BadDestination", place.claim_token(&old, bob.pubkey(), payer, old.vault), &[&bob]);
    world.refused_signed("BadDestination", place.claim_token(&old, bob.pubkey(), payer, place.state), &[&bob]);
    // What is owed to the bridge itself nobody can push: it could only go there.
    owe_sol(&mut world, &place.state, 5);
    world.refused("BadDestination", world.place.claim_sol(place.state, payer, place.state));
}

#[test]
fn a_claim_waits_for_what_the_bridge_does_not_hold() {
    let (mut world, old, _) = rich();
    let (bob, payer) = (world.stranger("bob"), world.payer.pubkey());
    world.fund(&old, &bob, 0);
    let pays = [Pay::sol(bob, 11 * SOL).with_claim(), Pay::token(&old, bob, 10_001).with_claim()];
    world.run(&[world.batch(&pays)]);
    world.refused("HeldTooLittle", world.place.claim_sol(bob, payer, bob));
    let to = old.account(&bob).0;
    world.refused("Custom(1)", world.place.claim_token(&old, bob, payer, to));
    world.run(&[world.place.deposit_sol(SOL, &[])]);
    world.fund(&old, &world.place.state.clone(), 10_001);
    world.run(&[world.place.claim_sol(bob, payer, bob)]);
    world.run(&[world.place.claim_token(&old, bob, payer, to)]);
    assert_eq!((world.held(), world.balance(&to)), (0, 10_001));
}

#[test]
fn a_pause_refuses_claims_and_a_limit_does_not() {
    let (mut world, ..) = rich();
    let (bob, payer) = (world.stranger("bob"), world.payer.pubkey());
    world.run(&[world.limit(1, &Limit { token: NATIVE, capacity: SOL, window: 60_000 }, PROCESSOR | APPROVERS)]);
    owe_sol(&mut world, &bob, SOL);
    world.refused("LimitExceeded", world.batch(&[Pay::sol(bob, SOL)]));
    world.run(&[world.pause(1)]);
    world.refused("BridgePaused", world.place.claim_sol(bob, payer, bob));
    world.run(&[world.unpause(2)]);
    world.run(&[world.place.claim_sol(bob, payer, bob)]);
}

#[test]
fn a_claim_of_one_token_takes_no_other() {
    let (mut world, old, new) = rich();
    let (bob, payer) = (world.wallet("bob"), world.payer.pubkey());
    owe_token(&mut world, &old, &bob.pubkey(), 70);
    owe_sol(&mut world, &bob.pubkey(), 3);
    let to = world.fund(&new, &bob.pubkey(), 0);
    let place = by(&world, &bob);
    let mut other = place.claim_token(&new, bob.pubkey(), payer, to);
    other.accounts[4].pubkey = claim_address(&PROGRAM, &old.mint, &bob.pubkey());
    world.refused_signed("WrongMint", other, &[&bob]);
    // The claim of SOL decides that it is one: whatever tokens are named, SOL is paid.
    let mut sol = place.claim_token(&new, bob.pubkey(), payer, world.stranger("cold wallet"));
    sol.accounts[4].pubkey = claim_address(&PROGRAM, &NATIVE, &bob.pubkey());
    let refusal = world.send(&[sol], &[&bob]).err().expect("three lamports are no account");
    assert!(refusal.reason.contains("Rent"), "{}", refusal.reason);
}

#[test]
fn a_claim_of_an_unregistered_token_waits_for_its_registration() {
    let mut world = World::started();
    let token = world.mint("late", TOKEN, &[]);
    let (bob, payer) = (world.stranger("bob"), world.payer.pubkey());
    let batch = world.batch(&[Pay::token(&token, bob, 10).marked()]);
    world.run(&[replaced(&replaced(&batch, 7, PROGRAM), 9, PROGRAM)]);
    let to = token.account(&bob).0;
    world.refused("TokenNotReady", world.place.claim_token(&token, bob, payer, to));
    world.run(&[world.place.init_token(&token)]);
    world.fund(&token, &world.place.state.clone(), 10);
    world.run(&[world.place.claim_token(&token, bob, payer, to)]);
    assert_eq!(world.balance(&to), 10);
}

/// The recipient turns its memo requirement off and collects.
#[test]
fn a_marked_transfer_is_collected() {
    let (mut world, _, new) = rich();
    let (bob, payer) = (world.stranger("bob"), world.payer.pubkey());
    let to = new.account(&bob).0;
    let with_memo = |on| account(&TOKEN_2022, account_data(&new.mint, &bob, 0, false, &[(8, vec![u8::from(on)])]));
    world.put(to, with_memo(true));
    world.run(&[world.batch(&[Pay::token(&new, bob, 10).marked()])]);
    world.refused("Custom(36)", world.place.claim_token(&new, bob, payer, to));
    world.put(to, with_memo(false));
    world.run(&[world.place.claim_token(&new, bob, payer, to)]);
    assert_eq!(world.balance(&to), 10);
}

#[test]
fn what_is_no_claim_is_refused() {
    let (mut world, ..) = rich();
    let (bob, payer) = (world.stranger("bob"), world.payer.pubkey());
    owe_sol(&mut world, &bob, SOL);
    let claim = claim_address(&PROGRAM, &NATIVE, &bob);
    let good = world.place.claim_sol(bob, payer, bob);
    let twin = world.stranger("twin");
    world.put(twin, world.account(&claim));
    world.refused("WrongClaim", replaced(&good, 4, twin));
    world.refused("WrongClaim", replaced(&good, 4, world.place.state));
    world.put(twin, Account { lamports: SOL, owner: SYSTEM, ..Account::default() });
    world.refused("NothingToClaim", replaced(&good, 4, twin));
    let mut longer = good.clone();
    longer.data.push(0);
    world.refused("BadData", longer);
    world.run(&[good]);
}
