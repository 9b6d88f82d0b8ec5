//! Which mints the bridge takes.

use solana_account::Account;
use solana_signer::Signer;
use trine_bridge_tests::{
    keys::{APPROVERS, PROCESSOR},
    requests::{Limit, NATIVE, SYSTEM},
    tokens::{account, create_associated, mint_data, pausable, transfer_fee, Extension, Token, TOKEN, TOKEN_2022},
    world::{replaced, World, PROGRAM, SOL},
};

#[test]
fn anyone_registers_a_mint_once() {
    let mut world = World::started();
    for (name, program) in [("old", TOKEN), ("new", TOKEN_2022)] {
        let token = world.mint(name, program, &[]);
        world.run(&[world.place.init_token(&token)]);
        let config = world.account(&token.config);
        assert_eq!(config.owner, PROGRAM);
        assert_eq!(&config.data[..8], b"trineTK1");
        assert_eq!(&config.data[9..11], &[1, 6], "ready, decimals");
        assert_eq!(config.data[16..48], token.mint.to_bytes());
        assert_eq!(config.data[48..80], program.to_bytes());
        assert_eq!(config.data[80..112], token.vault.to_bytes());
        assert_eq!(world.account(&token.vault).owner, program);
        world.refused("AlreadyReady", world.place.init_token(&token));
    }
}

#[test]
fn a_vault_or_lamports_that_are_there_stop_nothing() {
    let mut world = World::started();
    let token = world.mint("usd", TOKEN, &[]);
    world.run(&[create_associated(&world.payer.pubkey(), &token, &world.place.state)]);
    world.put(token.config, Account { lamports: SOL, owner: SYSTEM, ..Account::default() });
    world.run(&[world.place.init_token(&token)]);
    assert_eq!(world.account(&token.config).data[9], 1);
}

#[test]
fn a_limit_comes_before_the_registration() {
    let mut world = World::started();
    let token = world.mint("usd", TOKEN, &[]);
    let limit = Limit { token: token.mint, capacity: 1000, window: 60 };
    world.run(&[world.limit(1, &limit, PROCESSOR | APPROVERS)]);
    assert_eq!(world.account(&token.config).data[9], 0, "not ready");
    world.run(&[world.place.init_token(&token)]);
    let config = world.account(&token.config).data;
    assert_eq!(
        (config[9], u64::from_le_bytes(config[112..120].try_into().unwrap())),
        (1, 1000),
        "ready, still limited"
    );
}

/// Every extension that a mint can have, by its number; the ones of accounts cannot stand there.
fn extension(number: u16) -> Extension {
    match number {
        1 => transfer_fee(100),
        26 => pausable(false),
        other => (other, vec![0; 64]),
    }
}

#[test]
fn extensions_are_refused_by_name() {
    const TAKEN: [u16; 12] = [1, 4, 10, 16, 18, 19, 20, 21, 22, 23, 25, 26];
    let reason = |number| match number {
        3 => "MintHasCloseAuthority",
        6 => "MintHasDefaultState",
        9 => "MintNotTransferable",
        12 => "MintHasPermanentDelegate",
        14 => "MintHasTransferHook",
        24 => "MintHasConfidentialSupply",
        _ => "MintExtensionUnknown",
    };
    let mut world = World::started();
    for number in (1..40).chain([0xfffe, 0xffff]).filter(|number| !TAKEN.contains(number)) {
        for extensions in [vec![extension(number)], vec![extension(1), extension(26), extension(number)]] {
            let token = world.mint(&format!("{number} {}", extensions.len()), TOKEN_2022, &extensions);
            world.refused(reason(number), world.place.init_token(&token));
        }
    }
    // Those whose content the token program does not look at when it makes an account can be made up here.
    for number in [1, 4, 16, 18, 20, 22, 25, 26] {
        let content = match number {
            4 => (4, vec![0; 65]),
            16 => (16, vec![0; 129]),
            25 => (25, vec![0; 56]),
            18 | 20 | 22 => (number, vec![0; 64]),
            other => extension(other),
        };
        let token = world.mint(&format!("taken {number}"), TOKEN_2022, &[content]);
        world.run(&[world.place.init_token(&token)]);
    }
}

#[test]
fn what_is_no_mint_is_refused() {
    let mut world = World::started();
    let good = mint_data(&world.payer.pubkey(), 0, &[]);
    let extended = mint_data(&world.payer.pubkey(), 0, &[transfer_fee(1)]);
    let with = |data: &[u8], at: usize, byte: u8| {
        let mut data = data.to_vec();
        data[at] = byte;
        data
    };
    let resized = |data: &[u8], size: usize| {
        let mut data = data.to_vec();
        data.resize(size, 0);
        data
    };
    let cases = [
        ("not initialised", TOKEN, with(&good, 45, 0)),
        ("another flag", TOKEN_2022, with(&good, 45, 2)),
        ("too short", TOKEN, resized(&good, 81)),
        ("longer, of the old program", TOKEN, extended.clone()),
        ("an account", TOKEN_2022, with(&extended, 165, 2)),
        ("a multisig", TOKEN_2022, resized(&extended, 355)),
        ("cut in an extension", TOKEN_2022, extended[..200].to_vec()),
        ("cut in a length", TOKEN_2022, extended[..169].to_vec()),
        ("empty", TOKEN, vec![]),
    ];
    for (name, program, data) in cases {
        let token = world.mint(name, program, &[]);
        world.put(token.mint, account(&program, data));
        world.refused("WrongMint", world.place.init_token(&token));
    }
    let token = world.mint("of nobody", TOKEN, &[]);
    world.put(token.mint, account(&PROGRAM, good));
    world.refused("WrongMint", world.place.init_token(&token));
}

#[test]
fn sol_is_not_a_token() {
    let mut world = World::started();
    let data = mint_data(&world.payer.pubkey(), 0, &[]);
    for (mint, program) in
        [(NATIVE, TOKEN), ("9pan9bMn5HatX4EJdBwg9VgCa7Uz5HL8N1m5D3NdXej9".parse().unwrap(), TOKEN_2022)]
    {
        world.put(mint, account(&program, data.clone()));
        let token = Token::new(&PROGRAM, &world.place.state, mint, program);
        world.refused("NativeMint", world.place.init_token(&token));
    }
}

#[test]
fn the_other_token_program_is_refused() {
    let mut world = World::started();
    let token = world.mint("usd", TOKEN, &[]);
    let other = Token::new(&PROGRAM, &world.place.state, token.mint, TOKEN_2022);
    world.refused("WrongMint", world.place.init_token(&other));
    let instruction = world.place.init_token(&token);
    world.refused("WrongTokenProgram", replaced(&instruction, 5, PROGRAM));
    world.refused("WrongVault", replaced(&instruction, 3, other.vault));
}
