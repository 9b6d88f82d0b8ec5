//! The accounts of control actions, claims and buffers: none can be another. How to read the tables: `slots`.

use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_signer::Signer;
use trine_bridge_tests::{
    keys::{Set, APPROVERS, LISTENERS, PROCESSOR},
    requests::{Envelope, Limit, Pay, Place, NATIVE},
    tokens::{TOKEN, TOKEN_2022},
    words::{action, control, hash, Word},
    world::{World, SOL},
};

use crate::slots::{event, Scene, Slot, ASSOCIATED_PROGRAM, PAYER, SENDER, SYSTEM_PROGRAM};

const BUFFER: [Slot; 2] = [
    ("buffer", ["WrongBuffer", "WrongBuffer", "WrongBuffer", "WrongBuffer", "NotWritable", "-"]),
    ("poster", ["WrongPoster", "WrongPoster", "WrongPoster", "-", "NotWritable", "-"]),
];

/// Alice's instruction with signatures in a buffer of Bob's.
fn buffered(digest: impl Fn(&World) -> Word, build: impl Fn(&Place, &Envelope) -> Instruction) -> (Scene, Instruction) {
    let mut scene = Scene::started();
    let (digest, bob) = (digest(&scene.world), scene.world.wallet("bob"));
    let seal = scene.world.set.seal(PROCESSOR | APPROVERS | LISTENERS, &digest);
    let envelope = scene.by(&bob, |world| world.buffer(&digest, &[], &seal));
    let good = build(&scene.world.place, &envelope);
    (scene, good)
}

#[test]
fn sealed_actions_with_a_buffer() {
    let order = |kind, sequence, body| move |world: &World| control(world.domain, 1, kind, sequence, body);
    let next = Set::new(2, "next", (3, 5), (2, 3));
    let limit = Limit { token: NATIVE, capacity: 5, window: 60 };
    let cases = [
        ("Execute noop", buffered(|w| action(w.domain, 1, 1, 3, hash(&[])), |place, e| place.noop(1, e))),
        ("Rotate", buffered(order(1, 2, next.hash()), |place, e| place.rotate(PROCESSOR | APPROVERS, &next, e))),
        ("Pause", buffered(order(2, 1, hash(&[])), |place, e| place.switch(7, 1, e))),
    ];
    for (name, (scene, good)) in cases {
        scene.hold(name, good, &event(SENDER, &BUFFER));
    }
    let (scene, good) = buffered(order(4, 1, limit.hash()), |place, e| place.set_limit(1, &limit, e));
    let unused = [("token", ["ok", "-", "-", "-", "-", "-"]), ("system program", ["ok", "-", "-", "-", "-", "-"])];
    scene.hold("SetLimit of SOL", good, &event(SENDER, &[&BUFFER[..], &unused].concat()));
}

#[test]
fn unpause() {
    let mut scene = Scene::started();
    scene.run(scene.world.pause(1));
    let good = scene.world.unpause(2);
    scene.hold("Unpause", good, &event(SENDER, &[]));
}

#[test]
fn limits() {
    let mut scene = Scene::started();
    let token = scene.token("usd", TOKEN);
    let of = |token| Limit { token, capacity: 5, window: 60 };
    let good = scene.world.limit(1, &of(token.mint), PROCESSOR | APPROVERS);
    let slots = [
        ("token", ["WrongToken", "WrongToken", "WrongToken", "Custom(0)", "NotWritable", "-"]),
        ("system program", ["ok", "-", "-", "-", "-", "-"]),
    ];
    scene.hold("SetLimit", good, &event(SENDER, &slots));
    let scene = Scene::started();
    let good = scene.world.limit(1, &of(scene.world.stranger("mint")), PROCESSOR | APPROVERS);
    let slots = [("new token", ["WrongToken", "-", "-", "-", "NotWritable", "-"]), SYSTEM_PROGRAM];
    scene.hold("SetLimit of an unknown token", good, &event(PAYER, &slots));
}

/// Bob owes nobody anything; somebody is owed SOL and a token, and Bob paid for the accounts.
fn owing(program: solana_address::Address) -> (Scene, Keypair, trine_bridge_tests::tokens::Token) {
    let mut scene = Scene::started();
    let token = scene.token("usd", program);
    let (bob, carol) = (scene.world.wallet("bob"), scene.world.stranger("carol"));
    scene.by(&bob, |world| {
        let pays = [Pay::sol(carol, SOL).with_claim(), Pay::token(&token, carol, 5).with_claim()];
        let refused = world.send(&[world.batch(&pays)], &[]).err();
        assert!(refused.is_none(), "{refused:?}");
    });
    let state = scene.world.place.state;
    scene.world.fund(&token, &state, 100);
    scene.run(scene.world.place.deposit_sol(5 * SOL, &[]));
    (scene, bob, token)
}

#[test]
fn claims() {
    let (scene, bob, _) = owing(TOKEN);
    let carol = scene.world.stranger("carol");
    let good = scene.world.place.claim_sol(carol, bob.pubkey(), carol);
    let slots = [
        ("claim", ["NothingToClaim", "WrongClaim", "WrongClaim", "WrongClaim", "NotWritable", "-"]),
        ("payer", ["WrongRefund", "WrongRefund", "WrongRefund", "-", "NotWritable", "-"]),
        ("recipient", ["NotRecipient", "-", "-", "-", "NotWritable", "-"]),
    ];
    scene.hold("Claim SOL", good, &event(SENDER, &slots));
    for program in [TOKEN, TOKEN_2022] {
        for there in [false, true] {
            let (mut scene, bob, token) = owing(program);
            let to = token.account(&carol).0;
            if there {
                scene.world.fund(&token, &carol, 1);
            }
            let good = scene.world.place.claim_token(&token, carol, bob.pubkey(), to);
            let mut slots = vec![
                ("claim", ["NothingToClaim", "WrongClaim", "WrongClaim", "WrongClaim", "NotWritable", "-"]),
                ("payer", ["WrongRefund", "WrongRefund", "WrongRefund", "-", "NotWritable", "-"]),
                ("destination", ["NotRecipient", "-", "-", "-", "NotWritable", "-"]),
                ("token", ["WrongToken", "WrongToken", "WrongToken", "TokenNotReady", "-", "-"]),
                ("vault", ["WrongVault", "WrongVault", "WrongVault", "WrongVault", "NotWritable", "-"]),
                ("mint", ["WrongToken", "WrongToken", "WrongToken", "WrongMint", "-", "-"]),
                ("token program", ["WrongTokenProgram", "-", "-", "-", "-", "-"]),
                ("recipient", ["NotRecipient", "-", "-", "-", "-", "-"]),
                SYSTEM_PROGRAM,
                ASSOCIATED_PROGRAM,
            ];
            let mut actor = PAYER;
            if there {
                actor = SENDER;
                slots[2].1 = ["NotRecipient", "NotRecipient", "NotRecipient", "WrongTokenAccount", "NotWritable", "-"];
                slots[7..].iter_mut().for_each(|slot| slot.1 = ["ok", "-", "-", "-", "-", "-"]);
            }
            scene.hold("Claim a token", good, &event(actor, &slots));
        }
    }
}

#[test]
fn buffers() {
    let digest = [7; 32];
    let scene = Scene::started();
    let good = scene.world.place.open_buffer(&digest, 10);
    let slots = [
        PAYER,
        ("state", ["WrongState", "WrongState", "WrongState", "WrongState", "-", "-"]),
        ("buffer", ["WrongBuffer", "-", "-", "-", "NotWritable", "-"]),
        SYSTEM_PROGRAM,
    ];
    scene.hold("OpenBuffer", good.clone(), &slots);
    let mut scene = Scene::started();
    scene.run(good);
    let body = scene.world.place.post_body(&digest, 0, b"hello");
    scene.hold("PostBody", body, &[SENDER, BUFFER[0]]);

    let (bob, mut scene) = (World::started().wallet("bob"), Scene::started());
    let signed = action(scene.world.domain, 1, 1, 3, hash(&[]));
    scene.world.wallet("bob");
    scene.by(&bob, |world| drop(world.run(&[world.place.open_buffer(&signed, 0)])));
    let buffer = Place { actor: bob.pubkey(), ..scene.world.place }.buffer(&signed).0;
    let good = scene.world.place.post_signatures(buffer, &scene.world.set.seal(PROCESSOR | APPROVERS, &signed));
    let slots = [("state", ["WrongState", "WrongState", "WrongState", "WrongState", "-", "-"]), BUFFER[0]];
    scene.hold("PostSignatures", good, &slots);

    let mut scene = Scene::started();
    scene.run(scene.world.place.open_buffer(&digest, 10));
    let good = scene.world.place.close_buffer(scene.world.place.buffer(&digest).0);
    scene.hold("CloseBuffer", good, &[PAYER, BUFFER[0]]);
}
