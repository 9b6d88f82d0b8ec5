//! What goes out: paid, or owed, or refused.

use solana_account::Account;
use solana_address::Address;
use solana_signer::Signer;
use trine_bridge_tests::{
    keys::{APPROVERS, PROCESSOR},
    requests::{batch_hash, claim_address, Pay, Place, NATIVE, SYSTEM},
    tokens::{account, account_data, pausable, Token, TOKEN, TOKEN_2022},
    words::{action, Word},
    world::{replaced, World, PROGRAM, SOL},
};

/// A bridge that holds 10 SOL, and 10,000 of a token of each program.
pub fn rich() -> (World, Token, Token) {
    let mut world = World::started();
    let (old, new) = (world.token("old", TOKEN, &[]), world.token("new", TOKEN_2022, &[]));
    let state = world.place.state;
    world.fund(&old, &state, 10_000);
    world.fund(&new, &state, 10_000);
    world.run(&[world.place.deposit_sol(10 * SOL, &[])]);
    (world, old, new)
}

/// Changes the data of an account that is there.
fn spoil(world: &mut World, key: &Address, change: impl FnOnce(&mut Vec<u8>)) {
    let mut account = world.account(key);
    change(&mut account.data);
    world.put(*key, account);
}

fn freeze(world: &mut World, key: &Address) {
    spoil(world, key, |data| data[108] = 2);
}

#[test]
fn one_batch_pays_sol_and_tokens_of_both_programs() {
    let (mut world, old, new) = rich();
    let [bob, carol, dave] = ["bob", "carol", "dave"].map(|name| world.stranger(name));
    let at_carol = world.fund(&old, &carol, 5);
    let pays = [
        Pay::sol(bob, SOL),
        Pay::token(&old, carol, 300),
        Pay::token(&new, dave, 400).with_wallet(),
        Pay::sol(bob, 2 * SOL),
    ];
    let sent = world.run(&[world.batch(&pays)]);
    assert_eq!((sent.failed(), sent.records.len()), (0, 1));
    assert_eq!((world.lamports(&bob), world.held()), (3 * SOL, 7 * SOL));
    assert_eq!((world.balance(&at_carol), world.balance(&old.vault)), (305, 9_700));
    assert_eq!((world.balance(&new.account(&dave).0), world.balance(&new.vault)), (400, 9_600));
    assert_eq!(world.next_action(), 2);
}

#[test]
fn the_actor_pays_for_an_account_that_is_missing() {
    let (mut world, old, new) = rich();
    let actor = world.wallet("actor");
    world.place.actor = actor.pubkey();
    for token in [old, new] {
        let bob = world.stranger("bob");
        world.refused_signed("WalletNeeded", world.batch(&[Pay::token(&token, bob, 1)]), &[&actor]);
        let good = world.batch(&[Pay::token(&token, bob, 1).with_wallet()]);
        world.refused_signed("AccountNeeded", replaced(&good, 4, PROGRAM), &[&actor]);
        world.refused_signed("AccountNeeded", replaced(&good, 5, PROGRAM), &[&actor]);
        let before = world.lamports(&actor.pubkey());
        world.run_signed(&[good], &[&actor]);
        let key = token.account(&bob).0;
        assert_eq!(before - world.lamports(&actor.pubkey()), world.lamports(&key), "the rent");
        assert_eq!(world.balance(&key), 1);
        // The account is there now: whether the wallet is passed makes no difference.
        world.run_signed(&[world.batch(&[Pay::token(&token, bob, 1).with_wallet()])], &[&actor]);
        world.run_signed(&[world.batch(&[Pay::token(&token, bob, 1)])], &[&actor]);
        assert_eq!(world.balance(&key), 3);
    }
}

/// Lamports that somebody sent to the address of a token account beforehand stop nothing.
#[test]
fn lamports_at_a_missing_account_stop_nothing() {
    let (mut world, old, _) = rich();
    let bob = world.stranger("bob");
    world.put(old.account(&bob).0, Account { lamports: 5, owner: SYSTEM, ..Account::default() });
    let claim = claim_address(&PROGRAM, &NATIVE, &bob);
    world.put(claim, Account { lamports: 5, owner: SYSTEM, ..Account::default() });
    world.run(&[world.batch(&[Pay::token(&old, bob, 1).with_wallet(), Pay::sol(bob, 11 * SOL).with_claim()])]);
    assert_eq!((world.balance(&old.account(&bob).0), world.owed(&NATIVE, &bob)), (1, Some(11 * SOL)));
}

/// Spoils the recipient, given its token account (which is there), or something else.
type Spoil = fn(&mut World, &Token, &Address);

#[test]
fn a_token_transfer_that_is_seen_to_fail_is_owed() {
    let cases: [(&str, u64, Spoil); 5] = [
        ("frozen", 10, |world, _, key| freeze(world, key)),
        ("given away", 10, |world, _, key| spoil(world, key, |data| data[32..64].fill(7))),
        ("of another mint", 10, |world, _, key| spoil(world, key, |data| data[..32].fill(7))),
        ("frozen vault", 10, |world, token, _| freeze(world, &token.vault)),
        ("more than the vault holds", 10_001, |_, _, _| ()),
    ];
    for (name, amount, spoil) in cases {
        let (mut world, old, new) = rich();
        for token in [old, new] {
            let bob = world.stranger("bob");
            let key = world.fund(&token, &bob, 0);
            spoil(&mut world, &token, &key);
            let carol = world.fund(&token, &world.stranger("carol"), 0);
            world.refused("ClaimAccountNeeded", world.batch(&[Pay::token(&token, bob, amount)]));
            let pays = [Pay::token(&token, bob, amount).with_claim(), Pay::token(&token, world.stranger("carol"), 0)];
            let sent = world.run(&[world.batch(&pays)]);
            assert_eq!(sent.failed() & 1, 1, "{name}");
            assert_eq!(world.owed(&token.mint, &bob), Some(amount), "{name}");
            assert_eq!((world.balance(&token.vault), world.balance(&carol)), (10_000, 0), "{name}: nothing moved");
        }
    }
}

#[test]
fn a_sol_transfer_that_is_seen_to_fail_is_owed() {
    let (mut world, ..) = rich();
    let rent = world.svm.minimum_balance_for_rent_exemption(0);
    let (poor, fat) = (world.stranger("poor"), world.stranger("fat"));
    world.put(fat, Account { lamports: 1, data: vec![0; 1000], owner: SYSTEM, ..Account::default() });
    for (name, to, amount) in [
        ("no account, less than its rent", poor, rent - 1),
        ("an account below its rent", fat, world.svm.minimum_balance_for_rent_exemption(1000) - 2),
        ("a program", TOKEN_2022, SOL),
        ("the bridge", world.place.state, SOL),
        ("its program", PROGRAM, SOL),
        ("nobody", Address::default(), SOL),
        ("more than is held", world.stranger("rich"), 11 * SOL),
        ("an absurd amount", world.stranger("absurd"), u64::MAX),
    ] {
        let before = world.lamports(&to);
        world.refused("ClaimAccountNeeded", world.batch(&[Pay::sol(to, amount)]));
        let sent = world.run(&[world.batch(&[Pay::sol(to, amount).with_claim()])]);
        assert_eq!((sent.failed(), world.owed(&NATIVE, &to)), (1, Some(amount)), "{name}");
        assert_eq!((world.lamports(&to), world.held()), (before, 10 * SOL), "{name}");
    }
    world.run(&[world.batch(&[Pay::sol(poor, rent), Pay::sol(fat, SOL)])]);
    assert_eq!(world.lamports(&poor), rent, "exactly the rent is enough");
}

#[test]
fn nobody_gets_tokens() {
    let (mut world, old, _) = rich();
    for to in [Address::default(), world.place.state, PROGRAM] {
        let sent = world.run(&[world.batch(&[Pay::token(&old, to, 9).with_claim()])]);
        assert_eq!((sent.failed(), world.owed(&old.mint, &to)), (1, Some(9)));
    }
}

/// The program's list against the runtime's.
#[test]
fn reserved_addresses_are_owed() {
    let (mut world, ..) = rich();
    let mut count = 0;
    for key in agave_reserved_account_keys::ReservedAccountKeys::all_keys_iter() {
        let sent = world.run(&[world.batch(&[Pay::sol(*key, SOL).with_claim()])]);
        assert_eq!((sent.failed(), world.owed(&NATIVE, key)), (1, Some(SOL)), "{key}");
        count += 1;
    }
    assert!(count > 25, "the runtime's list");
    let bob = world.stranger("bob");
    let mut readonly = world.batch(&[Pay::sol(bob, SOL).with_claim()]);
    readonly.accounts[6].is_writable = false;
    world.refused("NotWritable", readonly);
}

#[test]
fn what_is_promised_in_a_batch_counts() {
    let (mut world, ..) = rich();
    let rent = world.svm.minimum_balance_for_rent_exemption(0);
    let [a, b, c] = ["a", "b", "c"].map(|name| world.stranger(name));
    let sent = world.run(&[world.batch(&[Pay::sol(a, rent), Pay::sol(a, 1)])]);
    assert_eq!((sent.failed(), world.lamports(&a)), (0, rent + 1));
    let sent = world.run(&[world.batch(&[Pay::sol(b, 1).with_claim(), Pay::sol(b, rent)])]);
    assert_eq!((sent.failed(), world.lamports(&b)), (1, rent));
    let held = world.held();
    let pays = [Pay::sol(c, held - 5 * SOL), Pay::sol(c, 5 * SOL + 1).with_claim(), Pay::sol(c, 5 * SOL)];
    let sent = world.run(&[world.batch(&pays)]);
    assert_eq!((sent.failed(), world.lamports(&c), world.held()), (2, held, 0), "all that is held and no more");
}

#[test]
fn what_is_owed_adds_up_and_never_wraps() {
    let (mut world, old, _) = rich();
    let bob = world.stranger("bob");
    let pay = |amount| Pay::token(&old, bob, amount).with_claim();
    world.fund(&old, &bob, 0);
    freeze(&mut world, &old.account(&bob).0);
    world.run(&[world.batch(&[pay(5), pay(6)])]);
    assert_eq!(world.owed(&old.mint, &bob), Some(11));
    world.run(&[world.batch(&[pay(7)])]);
    assert_eq!(world.owed(&old.mint, &bob), Some(18));
    world.run(&[world.batch(&[pay(u64::MAX)])]);
    assert_eq!(world.owed(&old.mint, &bob), Some(u64::MAX), "the lane goes on");
    let carol = world.stranger("carol");
    freeze(&mut world, &old.vault);
    let sent = world.run(&[world.batch(&[Pay::token(&old, carol, 0)])]);
    assert_eq!((sent.failed(), world.owed(&old.mint, &carol)), (1, None), "nothing failed is nothing owed");
}

#[test]
fn who_requires_a_memo_is_marked() {
    let (mut world, _, new) = rich();
    let bob = world.stranger("bob");
    let key = new.account(&bob).0;
    world.put(key, account(&TOKEN_2022, account_data(&new.mint, &bob, 0, false, &[(8, vec![1])])));
    world.refused("Custom(36)", world.batch(&[Pay::token(&new, bob, 10)]));
    let sent = world.run(&[world.batch(&[Pay::token(&new, bob, 10).marked()])]);
    assert_eq!((sent.failed(), world.owed(&new.mint, &bob)), (1, Some(10)));
}

#[test]
fn a_paused_mint_is_marked() {
    let mut world = World::started();
    let token = world.token("pausable", TOKEN_2022, &[pausable(false)]);
    let (bob, state) = (world.stranger("bob"), world.place.state);
    world.fund(&token, &state, 100);
    world.fund(&token, &bob, 0);
    world.run(&[world.batch(&[Pay::token(&token, bob, 1)])]);
    spoil(&mut world, &token.mint, |data| *data.last_mut().unwrap() = 1);
    world.refused("Custom(67)", world.batch(&[Pay::token(&token, bob, 10)]));
    let sent = world.run(&[world.batch(&[Pay::token(&token, bob, 10).marked()])]);
    assert_eq!((sent.failed(), world.owed(&token.mint, &bob)), (1, Some(10)));
}

#[test]
fn a_token_that_nobody_registered_is_marked() {
    let mut world = World::started();
    let bob = world.stranger("bob");
    for (name, there) in [("mint without a registration", true), ("no mint at all", false)] {
        let token = world.mint(name, TOKEN, &[]);
        if !there {
            world.put(token.mint, Account::default());
        }
        let unready = |world: &World, pay| {
            let batch = world.batch(&[pay]);
            replaced(&replaced(&batch, 7, PROGRAM), 9, PROGRAM)
        };
        let plain = unready(&world, Pay::token(&token, bob, 10));
        world.refused("TokenNotReady", plain);
        let sent = world.run(&[unready(&world, Pay::token(&token, bob, 10).marked())]);
        assert_eq!((sent.failed(), world.owed(&token.mint, &bob)), (1, Some(10)), "{name}");
    }
}

/// A mark is an invitation to turn payments into claims, so it is honoured only where nothing else helps.
#[test]
fn a_mark_is_refused_where_everything_can_be_seen() {
    let (mut world, old, _) = rich();
    let bob = world.stranger("bob");
    world.fund(&old, &bob, 0);
    world.refused("MarkRefused", world.batch(&[Pay::token(&old, bob, 10).marked()]));
    world.refused("MarkRefused", world.batch(&[Pay::token(&old, bob, 10).marked().with_wallet()]));
    world.refused("MarkRefused", world.batch(&[Pay::sol(bob, 10).marked()]));
}

#[test]
fn only_what_was_signed_is_paid() {
    let (mut world, old, new) = rich();
    let [bob, eve] = ["bob", "eve"].map(|name| world.stranger(name));
    for token in [old, new] {
        world.fund(&token, &bob, 0);
        world.fund(&token, &eve, 0);
    }
    let signed = [Pay::sol(bob, SOL), Pay::token(&old, bob, 10), Pay::token(&new, bob, 20)];
    let envelope = world.seal_action(1, batch_hash(&signed), PROCESSOR | APPROVERS);
    let [sol, first, second] = signed.clone();
    for (name, pays) in [
        ("another recipient of SOL", vec![Pay::sol(eve, SOL), first.clone(), second.clone()]),
        ("another recipient of tokens", vec![sol.clone(), Pay::token(&old, eve, 10), second.clone()]),
        ("another amount", vec![sol.clone(), Pay::token(&old, bob, 11), second.clone()]),
        ("another token", vec![sol.clone(), Pay::token(&new, bob, 10), second.clone()]),
        ("another order", vec![first.clone(), sol.clone(), second.clone()]),
        ("fewer", vec![sol.clone(), first.clone()]),
        ("more", vec![sol.clone(), first.clone(), second.clone(), Pay::sol(eve, 0)]),
    ] {
        let instruction = world.place.transfers(1, &pays, &envelope);
        let refusal = world.send(&[instruction], &[]).err().unwrap_or_else(|| panic!("{name} went through"));
        assert_eq!(refusal.reason, "WrongSigner", "{name}");
    }
    world.run(&[world.place.transfers(1, &signed, &envelope)]);
}

#[test]
fn actions_run_in_order_and_once() {
    let (mut world, ..) = rich();
    let bob = world.stranger("bob");
    let pays = [Pay::sol(bob, SOL)];
    let at = |world: &World, id| {
        let digest: Word = action(world.domain, 1, id, 1, batch_hash(&pays));
        let seal = world.set.seal(PROCESSOR | APPROVERS, &digest);
        world.place.transfers(id, &pays, &trine_bridge_tests::requests::Envelope::inline(seal))
    };
    for id in [0, 2, 3, u64::MAX] {
        let early = at(&world, id);
        world.refused("WrongActionId", early);
    }
    let first = at(&world, 1);
    world.run(&[first.clone()]);
    world.refused("StalePage", Place { page: world.stranger("page"), ..world.place }.noop(2, &Default::default()));
    world.refused("WrongActionId", first);
    world.run(&[at(&world, 2)]);
    assert_eq!(world.lamports(&bob), 2 * SOL);
}

#[test]
fn what_is_not_a_batch_is_refused() {
    let (mut world, old, _) = rich();
    let bob = world.stranger("bob");
    world.fund(&old, &bob, 0);
    let batch = world.batch(&[Pay::token(&old, bob, 10), Pay::sol(bob, SOL)]);
    // The body begins behind tag, flags, id and kind.
    const BODY: usize = 11;
    for (name, reason, offset, byte) in [
        ("33 transfers", "TooManyTransfers", BODY, 33),
        ("9 tokens", "TooManyTokens", BODY + 1, 9),
        ("a token that is not there", "BadData", BODY + 2, 1),
        ("the ninth token", "BadData", BODY + 2, 8),
        ("an unknown flag", "BadData", BODY + 3, 8),
        ("another bump", "WrongTokenAccount", BODY + 4, 1),
        ("a kind that nobody knows", "BadData", BODY - 1, 4),
        ("no kind", "BadData", BODY - 1, 0),
        ("unknown envelope flags", "BadData", 1, 4),
    ] {
        let mut spoiled = batch.clone();
        spoiled.data[offset] = byte;
        if reason == "WrongTokenAccount" {
            // Bumps are the submitter's, so the seal stands.
            assert_ne!(batch.data[offset], byte);
        }
        let refusal = world.send(&[spoiled], &[]).err().unwrap_or_else(|| panic!("{name} went through"));
        assert_eq!(refusal.reason, reason, "{name}");
    }
    let mut shorter = batch.clone();
    shorter.data.truncate(BODY + 20);
    world.refused("BadData", shorter);
    world.refused("BadData", world.batch(&[Pay::sol(bob, SOL).with_wallet()]));
    world.run(&[batch]);
    let sent = world.run(&[world.batch(&[])]);
    assert_eq!(sent.failed(), 0, "an empty batch is one");
    world.refused(
        "UnknownInstruction",
        solana_instruction::Instruction { program_id: PROGRAM, accounts: vec![], data: vec![0] },
    );
    world.refused(
        "UnknownInstruction",
        solana_instruction::Instruction { program_id: PROGRAM, accounts: vec![], data: vec![16] },
    );
    world.refused("BadData", solana_instruction::Instruction { program_id: PROGRAM, accounts: vec![], data: vec![] });
}

/// The same tokens twice in the list, a token that no transfer needs: nothing that helps anyone, nothing that hurts.
#[test]
fn tokens_that_are_named_for_nothing_change_nothing() {
    let (mut world, old, _) = rich();
    let bob = world.stranger("bob");
    world.fund(&old, &bob, 0);
    let mut batch = world.batch(&[Pay::token(&old, bob, 10)]);
    let four = batch.accounts[6..10].to_vec();
    batch.accounts.splice(10..10, four);
    batch.data[12] = 2;
    world.run(&[batch]);
    assert_eq!(world.balance(&old.vault), 9_990);
}
