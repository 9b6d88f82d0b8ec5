//! The outflow limit: Ethereum's stories (`Limits.t.sol`) with the same numbers, and a model of the bucket in plain ones.

use solana_signer::Signer;
use trine_bridge_tests::{
    keys::{APPROVERS, LISTENERS, PROCESSOR},
    requests::{Limit, Pay, NATIVE},
    tokens::{Token, TOKEN},
    world::World,
};

const TWO: u8 = PROCESSOR | APPROVERS;
const THREE: u8 = TWO | LISTENERS;

/// A bridge with a token, someone to pay it to, and the present time by which the bucket is read.
struct Bucket {
    world: World,
    token: Token,
}

impl Bucket {
    fn new() -> Self {
        let mut world = World::started();
        let token = world.token("limited", TOKEN, &[]);
        let state = world.place.state;
        world.fund(&token, &state, u64::MAX / 2);
        let alice = world.stranger("alice");
        world.fund(&token, &alice, 0);
        Bucket { world, token }
    }

    fn pay(&self, amount: u64) -> Pay {
        Pay::token(&self.token, self.world.stranger("alice"), amount)
    }

    fn pays(&mut self, amount: u64) {
        let batch = self.world.batch(&[self.pay(amount)]);
        assert_eq!(self.world.run(&[batch]).failed(), 0);
    }

    #[track_caller]
    fn full(&mut self, amount: u64) {
        let batch = self.world.batch(&[self.pay(amount)]);
        self.world.refused("LimitExceeded", batch);
    }

    fn limit(&mut self, sequence: u64, capacity: u64, window: u64, groups: u8) {
        let limit = Limit { token: self.token.mint, capacity, window };
        let instruction = self.world.limit(sequence, &limit, groups);
        self.world.run(&[instruction]);
    }

    /// Capacity, level, time and window in minutes as they are stored.
    fn stored(&self) -> [u64; 4] {
        let data = self.world.account(&self.token.config).data;
        let number = |at: usize| u64::from_le_bytes(data[at..at + 8].try_into().unwrap());
        [number(112), number(120), number(128), u16::from_le_bytes([data[136], data[137]]).into()]
    }

    /// The level at the present time, by the model.
    fn level(&self) -> u64 {
        let [capacity, level, time, minutes] = self.stored();
        leaked(capacity, level, minutes, self.now() - time)
    }

    fn now(&self) -> u64 {
        self.world.svm.get_sysvar::<solana_clock::Clock>().unix_timestamp as u64
    }
}

/// What is left of a level after so many seconds, in numbers that cannot overflow.
fn leaked(capacity: u64, level: u64, minutes: u64, elapsed: u64) -> u64 {
    let leaked = u128::from(elapsed) * u128::from(capacity) / (60 * u128::from(minutes));
    u128::from(level).saturating_sub(leaked) as u64
}

#[test]
fn a_bucket_fills_and_leaks() {
    let mut b = Bucket::new();
    b.limit(1, 1000, 600, TWO);
    b.pays(600);
    b.pays(400);
    b.full(1);
    let payer = b.world.payer.pubkey();
    b.world.run(&[b.world.place.deposit_sol(5, &[])]);
    b.world.run(&[b.world.batch(&[Pay::sol(payer, 5)])]); // SOL has no limit
    b.world.wait(1, 60);
    assert_eq!(b.level(), 900, "a tenth has leaked");
    b.full(101);
    b.pays(100);
    b.world.wait(1, 600);
    assert_eq!(b.level(), 0, "empty after a window");
    b.world.wait(1, 100_000);
    b.full(1001);
    b.pays(1000);
    assert_eq!(b.stored()[1], 1000, "no more than the capacity, however long it waited");
}

#[test]
fn a_batch_counts_all() {
    let mut b = Bucket::new();
    b.limit(1, 1000, 600, TWO);
    let batch = b.world.batch(&[b.pay(400), b.pay(400), b.pay(400)]);
    b.world.refused("LimitExceeded", batch);
    assert_eq!(b.level(), 0);
    let batch = b.world.batch(&[b.pay(400), b.pay(400), b.pay(200)]);
    b.world.run(&[batch]);
    assert_eq!(b.level(), 1000);
}

#[test]
fn a_failed_transfer_counts() {
    let mut b = Bucket::new();
    b.limit(1, 1000, 600, TWO);
    let bob = b.world.stranger("bob");
    let key = b.world.fund(&b.token.clone(), &bob, 0);
    let mut account = b.world.account(&key);
    account.data[108] = 2;
    b.world.put(key, account);
    let batch = b.world.batch(&[Pay::token(&b.token, bob, 1000).with_claim()]);
    assert_eq!(b.world.run(&[batch]).failed(), 1);
    b.full(1);
    b.pays(0);
}

#[test]
fn who_signs_a_limit() {
    let mut b = Bucket::new();
    for token in [b.token.mint, NATIVE] {
        let first = b.world.state().u64(176);
        for (sequence, (capacity, window, right)) in (first + 1..).zip([
            (1000, 600, TWO),    // the first limit lowers what may leave
            (1000, 600, TWO),    // the same
            (999, 600, TWO),     // smaller
            (999, 660, TWO),     // slower
            (1000, 6000, THREE), // larger, though slower
            (500, 60, THREE),    // faster, though smaller
            (500, 60, TWO),      // the same
            (0, 60, TWO),        // nothing may leave
            (0, 120, TWO),       // no faster: neither leaks
            (1, 65_535 * 60, THREE),
            (0, 0, THREE),       // none
            (0, 0, THREE),       // still none
            (u64::MAX, 60, TWO), // any limit is less than none
            (u64::MAX, 65_535 * 60, TWO),
            (u64::MAX - 1, 65_534 * 60, THREE),
        ]) {
            let limit = Limit { token, capacity, window };
            let wrong = b.world.limit(sequence, &limit, right ^ LISTENERS);
            b.world.refused("BadSealLength", wrong);
            let good = b.world.limit(sequence, &limit, right);
            b.world.run(&[good]);
        }
    }
}

#[test]
fn a_change_keeps_the_level() {
    let mut b = Bucket::new();
    b.limit(1, 1000, 600, TWO);
    b.pays(800);
    b.limit(2, 500, 600, TWO);
    assert_eq!(b.level(), 800, "kept");
    b.full(1);
    b.pays(0); // nothing fits whatever the level
    b.world.wait(1, 420);
    assert_eq!(b.level(), 450, "leaks at the new rate");
    b.pays(50);
    b.world.wait(1, 60);
    b.limit(3, 1000, 600, THREE);
    assert_eq!(b.level(), 450, "leaked at the old rate until the change");
    b.limit(4, 0, 0, THREE);
    assert_eq!(b.stored(), [0; 4], "no limit is all zero");
}

#[test]
fn a_slow_bucket_leaks_though_it_is_used_often() {
    let mut b = Bucket::new();
    b.limit(1, 10, 6000, TWO); // a unit in 600 seconds
    b.pays(10);
    for _ in 0..59 {
        b.world.wait(1, 10);
        b.pays(0);
        assert_eq!(b.level(), 10, "not yet");
    }
    b.world.wait(1, 10);
    assert_eq!(b.level(), 9, "a unit");
    b.pays(1);
    b.full(1);
}

#[test]
fn time_that_goes_back_leaks_nothing() {
    let mut b = Bucket::new();
    b.limit(1, 1000, 600, TWO);
    b.world.wait(1, -300);
    b.pays(1000); // into an empty bucket
    b.full(1);
    b.world.wait(1, 300);
    b.full(1);
    b.world.wait(1, 60);
    b.pays(100);
}

/// Against the model: what fits and only that, with the same level after each, for limits and amounts of every size.
#[test]
fn the_bucket_is_the_models() {
    let mut seed = 0x7452_494e_4521_u64;
    let mut random = move |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((u128::from(seed ^ seed >> 31) * u128::from(below)) >> 64) as u64
    };
    let mut b = Bucket::new();
    let mut sequence = 0;
    for round in 0..40 {
        let bits = random(63) as u32;
        let capacity = random(2_u64.pow(bits).saturating_mul(2)).min(u64::MAX / 4);
        let minutes = 1 + random(if round % 2 == 0 { 10 } else { 65_535 });
        sequence += 2;
        b.limit(sequence - 1, 0, 0, THREE);
        b.limit(sequence, capacity, minutes * 60, TWO);
        let (mut level, mut time) = (0, b.now());
        for _ in 0..8 {
            b.world.wait(1, random(2 * minutes * 60) as i64 / [1, 50, 1000][random(3) as usize]);
            let (state, left) = (b.world.place.state, leaked(capacity, level, minutes, b.now() - time));
            b.world.fund(&b.token.clone(), &state, u64::MAX / 2);
            b.world.fund(&b.token.clone(), &b.world.stranger("alice"), 0);
            let amount = random(capacity + 2);
            let batch = b.world.batch(&[b.pay(amount)]);
            if u128::from(left) + u128::from(amount) > u128::from(capacity) && amount != 0 {
                b.world.refused("LimitExceeded", batch);
                continue;
            }
            b.world.run(&[batch]);
            if left != level || level == 0 {
                time = b.now();
            }
            level = left + amount;
            assert_eq!(b.stored(), [capacity, level, time, minutes], "round {round}");
        }
    }
}
