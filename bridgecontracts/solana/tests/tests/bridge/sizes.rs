//! The largest batch that fits one transaction, by kind: the README's table. Each of these runs, and one transfer more does not fit.

use solana_signer::Signer;
use trine_bridge_tests::{
    keys::{Seal, Set, APPROVERS, LISTENERS, PROCESSOR},
    requests::{batch_body, batch_hash, Envelope, Limit, Pay},
    tokens::{Token, TOKEN, TOKEN_2022},
    words::{action, control},
    world::{World, SOL},
};

const PAYING: u8 = PROCESSOR | APPROVERS;
const README: &str = include_str!("../../../README.md");

/// What the transfers of a batch are like.
#[derive(Clone, Copy)]
enum Kind {
    Sol,
    SolOwed,
    Token,
    TokenMade,
    /// As many tokens as transfers, of both programs, and each is owed.
    TokensOwed,
}

struct Sizes {
    world: World,
    tokens: Vec<Token>,
}

impl Sizes {
    fn new() -> Self {
        let mut world = World::started();
        let programs = [TOKEN, TOKEN_2022];
        let tokens: Vec<_> = (0..8).map(|i| world.token(&format!("token {i}"), programs[i % 2], &[])).collect();
        let state = world.place.state;
        for (version, token) in (1..).zip(&tokens) {
            let limit = Limit { token: token.mint, capacity: 1 << 50, window: 3600 };
            let digest = control(world.domain, 1, 4, version, limit.hash());
            let envelope = world.buffer(&digest, &[], &world.set.seal(PAYING, &digest));
            world.run(&[world.place.set_limit(version, &limit, &envelope)]);
            world.fund(token, &state, 1 << 40);
        }
        world.run(&[world.place.deposit_sol(10_000 * SOL, &[])]);
        Sizes { world, tokens }
    }

    fn pay(&mut self, kind: Kind, i: usize) -> Pay {
        let to = self.world.stranger(&format!("recipient {i}"));
        match kind {
            Kind::Sol => Pay::sol(to, SOL),
            Kind::SolOwed => Pay::sol(to, 1 << 60).with_claim(),
            Kind::Token => {
                self.world.fund(&self.tokens[0].clone(), &to, 1);
                Pay::token(&self.tokens[0], to, 5)
            }
            Kind::TokenMade => Pay::token(&self.tokens[1], self.world.stranger(&format!("new {i}")), 5).with_wallet(),
            Kind::TokensOwed => {
                let token = self.tokens.get(i).copied().unwrap_or(self.tokens[0]);
                Pay::token(&token, to, 1 << 45).with_claim()
            }
        }
    }

    /// Tries a batch of so many.
    fn fits(&mut self, kind: Kind, posted: bool, count: usize) -> bool {
        let pays: Vec<_> = (0..count).map(|i| self.pay(kind, i)).collect();
        let id = self.world.next_action();
        let digest = action(self.world.domain, 1, id, 1, batch_hash(&pays));
        let instruction = if posted {
            let envelope = self.world.buffer(&digest, &batch_body(&pays), &self.world.set.seal(PAYING, &digest));
            self.world.place.transfers(id, &pays, &envelope)
        } else {
            self.world.batch(&pays)
        };
        let outcome = self.world.send(&[instruction], &[]);
        if posted && outcome.is_err() {
            self.world.run(&[self.world.place.close_buffer(self.world.place.buffer(&digest).0)]);
        }
        match outcome {
            Ok(sent) => {
                let owed = matches!(kind, Kind::SolOwed | Kind::TokensOwed);
                assert_eq!(sent.failed(), if owed { (1 << count) - 1 } else { 0 });
                true
            }
            Err(refusal) => {
                assert!(refusal.reason.starts_with("TooLarge"), "{}", refusal.reason);
                false
            }
        }
    }
}

#[test]
fn the_largest_batches_are_the_readmes() {
    let mut sizes = Sizes::new();
    let kinds = [
        ("SOL", Kind::Sol),
        ("SOL, all owed", Kind::SolOwed),
        ("one token", Kind::Token),
        ("one token, accounts made", Kind::TokenMade),
        ("a token each, all owed", Kind::TokensOwed),
    ];
    let mut rows = Vec::new();
    for (name, kind) in kinds {
        let most =
            [false, true].map(|posted| (1..=32).take_while(|n| sizes.fits(kind, posted, *n)).last().unwrap_or(0));
        rows.push(format!("| {name} | {} | {} |", most[0], most[1]));
    }
    for row in &rows {
        assert!(README.contains(row), "the README's table of the largest batches should be\n{}", rows.join("\n"));
    }
}

/// Six of nine and six of nine rotate: the signatures do not fit beside the set, and need be all that is posted.
#[test]
fn the_largest_rotations_are_the_readmes() {
    const SIGN: u8 = APPROVERS | LISTENERS;
    let first = || World::with_set(Set::new(1, "first", (6, 9), (6, 9)));
    let to = |world: &World, size: u8| {
        let next = Set::new(2, "next", (size, size), (size, size));
        let digest = control(world.domain, 1, 1, 2, next.hash());
        (next, digest)
    };
    let mut world = first();
    let fits = |size: &u8| {
        let (next, digest) = to(&world, *size);
        let (buffer, _) = world.place.buffer(&digest);
        let envelope = Envelope::buffered(1, buffer, world.payer.pubkey(), Seal::default());
        let rotation = world.place.rotate(SIGN, &next, &envelope);
        !world.send(&[rotation], &[]).err().expect("nothing is posted yet").reason.starts_with("TooLarge")
    };
    let most = (9..=64).take_while(fits).last().expect("nine fit");
    for size in [9, most] {
        let mut world = first();
        let (next, digest) = to(&world, size);
        let whole = world.rotation(&next, SIGN);
        let refusal = world.send(&[whole], &[]).err().expect("the signatures do not fit beside the set");
        assert!(refusal.reason.starts_with("TooLarge"), "{}", refusal.reason);
        let seal = world.set.seal(SIGN, &digest);
        let envelope = world.buffer(&digest, &[], &seal);
        world.run(&[world.place.rotate(SIGN, &next, &envelope)]);
        assert_eq!(world.state().u64(144), 2);
    }
    let words = format!("a set of up to {} members (two groups of {most}) stands in the data", 2 * most);
    assert!(README.contains(&words), "the README should say that {words}");
}
