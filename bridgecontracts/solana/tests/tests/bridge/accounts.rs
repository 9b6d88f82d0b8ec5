//! The accounts of what begins, comes in and goes out: none can be another. How to read the tables: `slots`.

use solana_signer::Signer;
use trine_bridge_tests::{
    keys::{APPROVERS, PROCESSOR},
    requests::{Call, Limit, Pay},
    tokens::{transfer_checked, TOKEN, TOKEN_2022},
    world::{caip2, genesis, World, SOL},
};

use crate::slots::{event, Scene, ASSOCIATED_PROGRAM, PAYER, SENDER, SYSTEM_PROGRAM};

#[test]
fn initialize() {
    let mut scene = Scene::new(World::deployed());
    scene.world.set_authority(Some(scene.alice.pubkey()));
    let good = scene.world.place.initialize(&genesis(), &caip2(), &scene.world.set);
    scene.hold(
        "Initialize",
        good,
        &[
            ("authority", ["NotSigner", "-", "-", "-", "NotWritable", "NotSigner"]),
            ("state", ["WrongState", "-", "-", "-", "NotWritable", "-"]),
            ("program", ["WrongProgram", "-", "-", "-", "-", "-"]),
            (
                "program data",
                ["WrongProgramData", "WrongProgramData", "WrongProgramData", "WrongProgramData", "NotWritable", "-"],
            ),
            ("loader", ["WrongLoader", "-", "-", "-", "-", "-"]),
            SYSTEM_PROGRAM,
        ],
    );
}

#[test]
fn init_token() {
    for program in [TOKEN, TOKEN_2022] {
        let mut scene = Scene::started();
        let token = scene.world.mint("usd", program, &[]);
        let good = scene.world.place.init_token(&token);
        scene.hold(
            "InitToken",
            good,
            &[
                PAYER,
                ("state", ["WrongState", "WrongState", "WrongState", "WrongState", "-", "-"]),
                ("token", ["WrongToken", "-", "-", "-", "NotWritable", "-"]),
                ("vault", ["WrongVault", "-", "-", "-", "NotWritable", "-"]),
                ("mint", ["WrongMint", "WrongToken", "WrongMint", "WrongMint", "-", "-"]),
                ("token program", ["WrongTokenProgram", "-", "-", "-", "-", "-"]),
                ASSOCIATED_PROGRAM,
                SYSTEM_PROGRAM,
            ],
        );
    }
}

/// With a limit the token's account is there before, and perhaps a vault that somebody made.
#[test]
fn init_token_of_a_limited_one() {
    let mut scene = Scene::started();
    let token = scene.world.mint("usd", TOKEN, &[]);
    let limit = Limit { token: token.mint, capacity: 5, window: 60 };
    scene.run(scene.world.limit(1, &limit, PROCESSOR | APPROVERS));
    let state = scene.world.place.state;
    scene.world.fund(&token, &state, 0);
    let good = scene.world.place.init_token(&token);
    scene.hold(
        "InitToken",
        good,
        &[
            SENDER,
            ("state", ["WrongState", "WrongState", "WrongState", "WrongState", "-", "-"]),
            ("token", ["WrongToken", "WrongToken", "WrongToken", "Custom(0)", "NotWritable", "-"]),
            ("vault", ["WrongVault", "WrongVault", "WrongVault", "WrongTokenAccount", "ok", "-"]),
            ("mint", ["WrongMint", "WrongToken", "WrongMint", "WrongMint", "-", "-"]),
            ("token program", ["WrongTokenProgram", "-", "-", "-", "-", "-"]),
            ("associated token program", ["ok", "-", "-", "-", "-", "-"]),
            ("system program", ["ok", "-", "-", "-", "-", "-"]),
        ],
    );
}

#[test]
fn deposits() {
    let scene = Scene::started();
    let good = scene.world.place.deposit_sol(5, &[]);
    scene.hold("DepositSol", good, &event(PAYER, &[SYSTEM_PROGRAM]));
    for program in [TOKEN, TOKEN_2022] {
        let mut scene = Scene::started();
        let token = scene.token("usd", program);
        let alice = scene.alice.pubkey();
        let from = scene.world.fund(&token, &alice, 100);
        let good = scene.world.place.deposit_token(&token, from, 5, &[]);
        let slots = [
            ("token", ["WrongToken", "WrongToken", "WrongToken", "TokenNotReady", "-", "-"]),
            ("vault", ["WrongVault", "WrongVault", "WrongVault", "WrongVault", "NotWritable", "-"]),
            ("mint", ["WrongToken", "WrongToken", "WrongToken", "WrongMint", "-", "-"]),
            ("token program", ["WrongTokenProgram", "-", "-", "-", "-", "-"]),
            // Whose tokens are taken the token program says.
            ("source", ["WrongTokenAccount", "ok", "WrongTokenAccount", "WrongTokenAccount", "NotWritable", "-"]),
        ];
        scene.hold("DepositToken", good, &event(SENDER, &slots));
    }
}

/// A batch that pays SOL and a token, makes an account, and owes.
#[test]
fn transfers() {
    for program in [TOKEN, TOKEN_2022] {
        let mut scene = Scene::started();
        let token = scene.token("usd", program);
        let state = scene.world.place.state;
        scene.world.fund(&token, &state, 1000);
        scene.run(scene.world.place.deposit_sol(5 * SOL, &[]));
        let limit = Limit { token: token.mint, capacity: 1000, window: 60 };
        scene.run(scene.world.limit(1, &limit, PROCESSOR | APPROVERS));
        let [bob, carol, dave] = ["bob", "carol", "dave"].map(|name| scene.world.stranger(name));
        scene.world.fund(&token, &carol, 0);
        // Dave is owed something already, Bob is not.
        scene.run(scene.world.batch(&[Pay::sol(dave, 6 * SOL).with_claim()]));
        let pays = [
            Pay::sol(bob, SOL),
            // With the claim at hand, a wrong account must still not turn a payment into a claim.
            Pay::token(&token, carol, 5).with_claim(),
            Pay::token(&token, bob, 6).with_wallet(),
            Pay::sol(dave, 7 * SOL).with_claim(),
            Pay::sol(bob, 8 * SOL).with_claim(),
        ];
        let good = scene.world.batch(&pays);
        let slots = [
            SYSTEM_PROGRAM,
            ASSOCIATED_PROGRAM,
            ("token", ["WrongToken", "WrongToken", "WrongToken", "TokenNotReady", "NotWritable", "-"]),
            ("vault", ["WrongVault", "WrongVault", "WrongVault", "WrongVault", "NotWritable", "-"]),
            ("mint", ["WrongToken", "WrongToken", "WrongToken", "WrongMint", "-", "-"]),
            ("token program", ["WrongTokenProgram", "-", "-", "-", "-", "-"]),
            // Who is paid is what was signed.
            ("recipient of SOL", ["WrongSigner", "-", "-", "-", "NotWritable", "-"]),
            (
                "token account",
                [
                    "WrongTokenAccount",
                    "WrongTokenAccount",
                    "WrongTokenAccount",
                    "WrongTokenAccount",
                    "NotWritable",
                    "-",
                ],
            ),
            ("claim that is not needed", ["ok", "-", "-", "-", "ok", "-"]),
            ("missing token account", ["WrongTokenAccount", "-", "-", "-", "NotWritable", "-"]),
            ("wallet", ["WrongSigner", "-", "-", "-", "-", "-"]),
            ("second recipient of SOL", ["WrongSigner", "-", "-", "-", "NotWritable", "-"]),
            ("claim", ["WrongClaim", "WrongClaim", "WrongClaim", "Custom(0)", "NotWritable", "-"]),
            ("third recipient of SOL", ["WrongSigner", "-", "-", "-", "NotWritable", "-"]),
            ("new claim", ["WrongClaim", "-", "-", "-", "NotWritable", "-"]),
        ];
        scene.hold("Execute transfers", good, &event(PAYER, &slots));
    }
}

/// A mark needs no account of the recipient's, and one of a token that is not ready none of the token's either.
#[test]
fn marked_transfers() {
    let mut scene = Scene::started();
    let token = scene.world.mint("late", TOKEN_2022, &[]);
    let bob = scene.world.stranger("bob");
    let mut good = scene.world.batch(&[Pay::token(&token, bob, 5).marked()]);
    let program = scene.world.place.program;
    good.accounts[7].pubkey = program;
    good.accounts[9].pubkey = program;
    good.accounts[5].pubkey = program;
    let slots = [
        SYSTEM_PROGRAM,
        ("associated token program", ["ok", "-", "-", "-", "-", "-"]),
        ("token", ["WrongToken", "-", "-", "-", "ok", "-"]),
        ("vault", ["ok", "-", "-", "-", "ok", "-"]),
        ("mint", ["WrongToken", "WrongToken", "WrongToken", "ok", "-", "-"]),
        ("token program", ["ok", "-", "-", "-", "-", "-"]),
        ("claim", ["WrongClaim", "-", "-", "-", "NotWritable", "-"]),
    ];
    scene.hold("Execute marked", good, &event(PAYER, &slots));
}

#[test]
fn calls() {
    let mut scene = Scene::started();
    let token = scene.token("usd", TOKEN);
    let (state, bob) = (scene.world.place.state, scene.world.stranger("bob"));
    scene.world.fund(&token, &state, 1000);
    let to = scene.world.fund(&token, &bob, 0);
    let good = scene.world.call(&Call::of(&transfer_checked(&token, token.vault, to, state, 5), &state));
    const NAMED: &str = "WrongCallAccount";
    let slots = [
        ("target", [NAMED, "-", "-", "-", "-", "-"]),
        ("vault", [NAMED, NAMED, NAMED, "ExternalAccountDataModified", "PrivilegeEscalation", "-"]),
        // Whose accounts they are is the business of the program that is called.
        ("mint", [NAMED, NAMED, NAMED, "ok", "-", "-"]),
        ("to", [NAMED, NAMED, NAMED, "ExternalAccountDataModified", "PrivilegeEscalation", "-"]),
        ("state", [NAMED, NAMED, NAMED, "WrongState", "-", "-"]),
    ];
    scene.hold("Execute call", good, &event(SENDER, &slots));
}
