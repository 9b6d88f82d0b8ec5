//! Seeded random sequences of everything that can happen, against a model of who holds and who is owed what.

use std::collections::{BTreeMap, HashSet};

use agave_feature_set::{replace_spl_token_with_p_token, FeatureSet};
use litesvm::LiteSVM;
use solana_address::Address;
use solana_keypair::Keypair;
use solana_signer::Signer;
use trine_bridge_tests::{
    events::Event,
    keys::{Set, APPROVERS, LISTENERS, PROCESSOR},
    requests::{Limit, Pay, Place, NATIVE},
    tokens::{Token, TOKEN, TOKEN_2022},
    world::{World, ARTIFACT, ARTIFACT_V0, SOL},
};

/// Numbers that look random and are the same for the same seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((u128::from(self.0 ^ self.0 >> 29) * u128::from(below)) >> 64) as u64
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.roll(from.len() as u64) as usize]
    }
}

/// What the model knows: by token word what is held, by token and recipient what is owed.
#[derive(Default)]
struct Books {
    held: BTreeMap<[u8; 32], u64>,
    owed: BTreeMap<([u8; 32], [u8; 32]), u64>,
}

struct Play {
    world: World,
    dice: Dice,
    books: Books,
    tokens: [Token; 2],
    people: Vec<Keypair>,
    /// Who pays for claim accounts in this play.
    payer: Address,
}

impl Play {
    /// By turns under all features of the runtime, with SPL Token in the place of p-token or not, and under the main network's,
    /// with either build of the program.
    fn new(seed: u64) -> Self {
        let mainnet = LiteSVM::mainnet_feature_set();
        let (mut features, program) = match seed % 4 {
            0 => (mainnet, ARTIFACT_V0),
            3 => (mainnet, ARTIFACT),
            _ => (FeatureSet::all_enabled(), ARTIFACT),
        };
        if seed % 4 == 1 {
            features.deactivate(&replace_spl_token_with_p_token::id());
        }
        let mut world = World::with_program(features, program);
        world.initialize(world.set.clone());
        let tokens = [world.token("old", TOKEN, &[]), world.token("new", TOKEN_2022, &[])];
        let people: Vec<_> = ["ann", "bob", "cid", "dee", "eve"].iter().map(|name| world.wallet(name)).collect();
        for token in &tokens {
            for person in &people[..3] {
                world.fund(token, &person.pubkey(), 1 << 40);
            }
        }
        let payer = world.payer.pubkey();
        Play { world, dice: Dice(seed), books: Books::default(), tokens, people, payer }
    }

    fn paused(&self) -> bool {
        self.world.state().counters()[3] % 2 == 1
    }

    fn deposit(&mut self) {
        let person = self.people[self.dice.roll(3) as usize].insecure_clone();
        let place = Place { actor: person.pubkey(), ..self.world.place };
        let amount = 1 + self.dice.roll(SOL / 10);
        let mut expected = if self.paused() { "BridgePaused" } else { "" };
        let (word, instruction) = match self.dice.roll(3) {
            2 => (NATIVE, place.deposit_sol(amount, &[])),
            i => {
                let token = self.tokens[i as usize];
                let from = token.account(&person.pubkey()).0;
                if expected.is_empty() && self.world.account(&from).data[108] == 2 {
                    expected = "Custom(17)"; // frozen
                }
                (token.mint, place.deposit_token(&token, from, amount, &[]))
            }
        };
        match self.world.send(&[instruction], &[&person]) {
            Ok(_) => {
                assert_eq!(expected, "");
                *self.books.held.entry(word.to_bytes()).or_default() += amount;
            }
            Err(refusal) => assert_eq!(refusal.reason, expected),
        }
    }

    /// A payment of what nobody is owed, so that claims stay covered: to somebody, somehow.
    fn pay(&mut self, free: &mut BTreeMap<[u8; 32], u64>) -> Pay {
        let to = self.people[self.dice.roll(5) as usize].pubkey();
        let i = self.dice.roll(3) as usize;
        let word = self.tokens.get(i).map_or(NATIVE, |token| token.mint);
        let left = free.entry(word.to_bytes()).or_default();
        let amount = self.dice.roll(*left / 2 + 1);
        *left -= amount;
        let pay = match self.tokens.get(i) {
            None => Pay::sol(to, amount),
            Some(token) if token.program == TOKEN_2022 && self.dice.roll(3) == 0 => {
                Pay::token(token, to, amount).marked()
            }
            Some(token) => Pay::token(token, to, amount).with_wallet(),
        };
        pay.with_claim()
    }

    fn free(&self) -> BTreeMap<[u8; 32], u64> {
        let mut free = self.books.held.clone();
        for ((token, _), owed) in &self.books.owed {
            let left = free.get_mut(token).expect("owed and held");
            *left = left.checked_sub(*owed).expect("what is owed is held");
        }
        free
    }

    fn batch(&mut self) {
        let mut free = self.free();
        let pays: Vec<_> = (0..1 + self.dice.roll(3)).map(|_| self.pay(&mut free)).collect();
        let instruction = self.world.batch(&pays);
        let done = match self.world.send(&[instruction], &[]) {
            Ok(sent) => sent.failed(),
            Err(refusal) => {
                let expected = refusal.reason.starts_with("TooLarge")
                    || refusal.reason == if self.paused() { "BridgePaused" } else { "LimitExceeded" };
                return assert!(expected, "{}", refusal.reason);
            }
        };
        for (i, pay) in pays.iter().enumerate() {
            let word = pay.word().to_bytes();
            if done >> i & 1 == 0 {
                *self.books.held.entry(word).or_default() -= pay.amount;
            } else if pay.amount != 0 {
                *self.books.owed.entry((word, pay.to.to_bytes())).or_default() += pay.amount;
            }
        }
    }

    fn claim(&mut self) {
        let Some(((word, to), amount)) = self.books.owed.first_key_value().map(|(key, amount)| (*key, *amount)) else {
            return;
        };
        let to = Address::new_from_array(to);
        let place = self.world.place;
        let token = self.tokens.iter().find(|token| token.mint.to_bytes() == word);
        let instruction = match token {
            None => place.claim_sol(to, self.payer, to),
            Some(token) => place.claim_token(token, to, self.payer, token.account(&to).0),
        };
        match self.world.send(&[instruction], &[]) {
            Ok(_) => {
                self.books.owed.remove(&(word, to.to_bytes()));
                *self.books.held.get_mut(&word).unwrap() -= amount;
            }
            // Frozen, or less than the rent of an account.
            Err(refusal) => {
                let reasons = ["BridgePaused", "Custom(17)", "InsufficientFundsForRent"];
                let known = reasons.iter().any(|reason| refusal.reason.starts_with(reason));
                assert!(known, "{}", refusal.reason);
            }
        }
    }

    fn freeze(&mut self) {
        let (token, person) = (self.dice.pick(&self.tokens), self.people[self.dice.roll(5) as usize].pubkey());
        let key = token.account(&person).0;
        if let Some(mut account) = self.world.svm.get_account(&key).filter(|account| !account.data.is_empty()) {
            account.data[108] = 3 - account.data[108];
            self.world.put(key, account);
        }
    }

    fn control(&mut self) {
        let [_, _, epoch, pauses, limits, _] = self.world.state().counters();
        let next = Set::new(epoch + 1, &format!("set {epoch}"), (2, 3), (1, 2));
        let token = self.dice.pick(&[NATIVE, self.tokens[0].mint, self.tokens[1].mint]);
        let limit = Limit { token, capacity: self.dice.roll(SOL), window: 60 * (1 + self.dice.roll(10)) };
        let switch = if self.paused() { self.world.unpause(pauses + 1) } else { self.world.pause(pauses + 1) };
        match self.dice.roll(4) {
            0 => {
                let groups = self.dice.pick(&[PROCESSOR | APPROVERS, PROCESSOR | LISTENERS, APPROVERS | LISTENERS]);
                self.world.run(&[self.world.rotation(&next, groups)]);
                self.world.set = next;
            }
            1 if self.dice.roll(3) != 0 && !self.paused() => (),
            1 => drop(self.world.run(&[switch])),
            _ => {
                let groups = [PROCESSOR | APPROVERS, PROCESSOR | APPROVERS | LISTENERS];
                let done = groups.map(|groups| {
                    let instruction = self.world.limit(limits + 1, &limit, groups);
                    self.world.send(&[instruction], &[]).is_ok()
                });
                assert!(done[0] != done[1], "one of the two is right");
            }
        }
    }

    fn step(&mut self) {
        let kind = if self.paused() && self.dice.roll(4) == 0 { 10 } else { self.dice.roll(12) };
        match kind {
            0..=3 => self.deposit(),
            4..=6 => self.batch(),
            7 | 8 => self.claim(),
            9 => self.freeze(),
            10 => self.control(),
            _ => {
                let done = self.world.send(&[self.world.noop()], &[]).is_ok();
                assert_eq!(done, !self.paused());
            }
        }
        let (slots, seconds) = (self.dice.roll(3), self.dice.roll(400));
        self.world.wait(slots, seconds as i64);
    }

    /// The chain against the books.
    fn check(&self) {
        let held = |word: &Address| self.books.held.get(&word.to_bytes()).copied().unwrap_or(0);
        assert_eq!(self.world.held(), held(&NATIVE));
        for token in &self.tokens {
            assert_eq!(self.world.balance(&token.vault), held(&token.mint));
        }
        for person in &self.people {
            for word in [NATIVE, self.tokens[0].mint, self.tokens[1].mint] {
                let key = (word.to_bytes(), person.pubkey().to_bytes());
                assert_eq!(self.world.owed(&word, &person.pubkey()), self.books.owed.get(&key).copied());
            }
        }
        self.free(); // what is owed is held
    }
}

/// The world checks heads, ids, pages, marks and counters after every transaction; this checks the money.
#[test]
fn nothing_is_lost_or_doubled() {
    let (mut kinds, mut failed) = (HashSet::new(), 0);
    for seed in 1..=8 {
        let mut play = Play::new(seed);
        for _ in 0..120 {
            play.step();
            play.check();
        }
        for record in &play.world.records {
            kinds.insert(std::mem::discriminant(&record.event));
            failed += usize::from(matches!(record.event, Event::ActionExecuted { failed, .. } if failed != [0; 32]));
        }
        assert!(play.world.records.len() > 40, "seed {seed}: {} events", play.world.records.len());
    }
    assert!(kinds.len() == 7 && failed > 10, "{} kinds of events, {failed} actions with failed transfers", kinds.len());
}
