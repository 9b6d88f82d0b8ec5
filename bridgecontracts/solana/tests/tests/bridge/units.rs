//! What instructions cost: compute units of whole transactions (the compute budget's two instructions among them), on a bridge with
//! a limit on what is paid, with the token programs that LiteSVM brings. `make gas` prints and commits them.

use std::{collections::BTreeMap, env, fs};

use agave_feature_set::{replace_spl_token_with_p_token, FeatureSet};
use serde_json::{json, Value};
use solana_address::Address;
use solana_instruction::Instruction;
use solana_signer::Signer;
use trine_bridge_tests::{
    keys::{Set, APPROVERS, LISTENERS, PROCESSOR},
    requests::{batch_body, batch_hash, Key, Limit, Pay, NATIVE},
    tokens::{Token, TOKEN, TOKEN_2022},
    words::{action, control},
    world::{World, SOL},
};

const COMMITTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../bench/gas.json");
/// Names the file into which `make gas` has the figures written, instead of holding them against the committed ones.
const OUT: &str = "TRINE_SOLANA_GAS";
const PAYING: u8 = PROCESSOR | APPROVERS;
const ONE_KEY: [Key; 1] = [[7; 98]];

/// The most that a figure may be; the others come as they come.
const TARGETS: [(&str, u64); 3] =
    [("withdraw_spl_3of5", 115_000), ("withdraw_sol_3of5", 110_000), ("deposit_spl_1key", 40_000)];

type Figures = BTreeMap<String, u64>;

struct Meter {
    world: World,
    figures: Figures,
}

impl Meter {
    /// A bridge with this set under all features but, perhaps, p-token in the place of SPL Token.
    fn new(set: Set, p_token: bool) -> Self {
        let mut features = FeatureSet::all_enabled();
        if !p_token {
            features.deactivate(&replace_spl_token_with_p_token::id());
        }
        let mut world = World::with_features(features);
        world.initialize(set);
        world.run(&[world.place.deposit_sol(1000 * SOL, &[])]);
        Meter { world, figures: Figures::new() }
    }

    /// Sends, and notes what it cost, the whole shared by so many.
    fn note_each(&mut self, name: &str, count: u64, instruction: Instruction) {
        let units = self.world.run(&[instruction]).meta.compute_units_consumed;
        self.figures.insert(name.to_string(), units.div_ceil(count));
    }

    fn note(&mut self, name: &str, instruction: Instruction) {
        self.note_each(name, 1, instruction);
    }

    /// Runs everything of a batch in a buffer, and notes what the batch itself cost.
    fn note_posted(&mut self, name: &str, count: u64, pays: &[Pay]) {
        let id = self.world.next_action();
        let digest = action(self.world.domain, self.world.set.epoch, id, 1, batch_hash(pays));
        let seal = self.world.set.seal(PAYING, &digest);
        let envelope = self.world.buffer(&digest, &batch_body(pays), &seal);
        let instruction = self.world.place.transfers(id, pays, &envelope);
        self.note_each(name, count, instruction);
    }

    /// A token with a limit, of which the bridge holds much.
    fn token(&mut self, name: &str, program: Address) -> Token {
        let token = self.world.token(name, program, &[]);
        self.limit(token.mint);
        let state = self.world.place.state;
        self.world.fund(&token, &state, 1 << 50);
        token
    }

    fn limit(&mut self, token: Address) {
        let version = self.world.state().u64(176) + 1;
        let instruction = self.world.limit(version, &Limit { token, capacity: 1 << 50, window: 3600 }, PAYING);
        self.note("set_limit", instruction);
    }

    /// So many payments of a token to accounts that are there.
    fn pays(&mut self, token: &Token, count: u64) -> Vec<Pay> {
        let people: Vec<_> = (0..count).map(|i| self.world.stranger(&format!("recipient {i}"))).collect();
        for to in &people {
            self.world.fund(token, to, 1);
        }
        people.into_iter().map(|to| Pay::token(token, to, 1_000_000)).collect()
    }

    fn sol(&self, count: u64) -> Vec<Pay> {
        (0..count).map(|i| Pay::sol(self.world.stranger(&format!("recipient {i}")), SOL)).collect()
    }

    /// What depends on the token program.
    fn token_figures(&mut self, name: &str, program: Address) {
        let named = |figure: &str| figure.replace("spl", name);
        let init = self.world.mint(name, program, &[]);
        let instruction = self.world.place.init_token(&init);
        self.note(&named("init_spl"), instruction);
        let token = self.token(&format!("limited {name}"), program);
        let from = self.world.fund(&token, &self.world.payer.pubkey(), 1 << 40);
        for (figure, keys) in [("deposit_spl", &[][..]), ("deposit_spl_1key", &ONE_KEY)] {
            let instruction = self.world.place.deposit_token(&token, from, 1_000_000, keys);
            self.note(&named(figure), instruction);
        }
        let one = self.pays(&token, 1);
        for _ in 0..2 {
            let instruction = self.world.batch(&one);
            self.note(&named("withdraw_spl_3of5"), instruction);
        }
        let made = Pay::token(&token, self.world.stranger("someone new"), 5).with_wallet();
        let instruction = self.world.batch(&[made]);
        self.note(&named("withdraw_spl_new_account_3of5"), instruction);
        let six = self.pays(&token, 6);
        let instruction = self.world.batch(&six);
        self.note_each(&named("withdraw_spl_batch6_3of5_each"), 6, instruction);
        let most = self.pays(&token, 23);
        self.note_posted(&named("withdraw_spl_batch23_3of5_each"), 23, &most);
        let owed = Pay::token(&token, self.world.place.state, 5).with_claim();
        let instruction = self.world.batch(&[owed]);
        self.note(&named("withdraw_spl_failed_3of5"), instruction);
        self.claim(&named("claim_spl"), &token);
    }

    /// A claim by anyone, of what did not fit the vault.
    fn claim(&mut self, name: &str, token: &Token) {
        let (to, payer, state) =
            (self.world.stranger("recipient 0"), self.world.payer.pubkey(), self.world.place.state);
        self.world.fund(token, &state, 0);
        self.world.run(&[self.world.batch(&[Pay::token(token, to, 5).with_claim()])]);
        self.world.fund(token, &state, 1 << 50);
        let instruction = self.world.place.claim_token(token, to, payer, token.account(&to).0);
        self.note(name, instruction);
    }

    /// What depends on no token program.
    fn other_figures(&mut self) {
        for (figure, keys) in [("deposit_sol", &[][..]), ("deposit_sol_1key", &ONE_KEY)] {
            let instruction = self.world.place.deposit_sol(SOL, keys);
            self.note(figure, instruction);
        }
        self.limit(NATIVE);
        for _ in 0..2 {
            let instruction = self.world.batch(&self.sol(1));
            self.note("withdraw_sol_3of5", instruction);
        }
        let instruction = self.world.batch(&self.sol(13));
        self.note_each("withdraw_sol_batch13_3of5_each", 13, instruction);
        self.note_posted("withdraw_sol_batch27_3of5_each", 27, &self.sol(27));
        let (to, payer) = (self.world.stranger("recipient 0"), self.world.payer.pubkey());
        let held = self.world.held();
        self.world.run(&[self.world.batch(&[Pay::sol(to, held + 1).with_claim()])]);
        self.world.run(&[self.world.place.deposit_sol(SOL, &[])]);
        let instruction = self.world.place.claim_sol(to, payer, to);
        self.note("claim_sol", instruction);
        self.note("noop_3of5", self.world.noop());
        self.note("pause", self.world.pause(1));
        self.note("unpause", self.world.unpause(2));
        let next = Set::new(2, "next", (3, 5), (2, 3));
        self.note("rotate_5", self.world.rotation(&next, PAYING));
    }

    /// Thirteen of nineteen, in parts of which each fits a transaction.
    fn large_figures(&mut self) {
        let token = self.world.token("large", TOKEN, &[]);
        let state = self.world.place.state;
        self.world.fund(&token, &state, 1 << 50);
        let limit = Limit { token: token.mint, capacity: 1 << 50, window: 3600 };
        let digest = control(self.world.domain, 1, 4, 1, limit.hash());
        let envelope = self.world.buffer(&digest, &[], &self.world.set.seal(PAYING, &digest));
        self.world.run(&[self.world.place.set_limit(1, &limit, &envelope)]);
        let pays = self.pays(&token, 1);
        let id = self.world.next_action();
        let digest = action(self.world.domain, 1, id, 1, batch_hash(&pays));
        let seal = self.world.set.seal(PAYING, &digest);
        let (buffer, _) = self.world.place.buffer(&digest);
        self.note("open_buffer", self.world.place.open_buffer(&digest, 900));
        self.note("post_body_900", self.world.place.post_body(&digest, 0, &[1; 900]));
        self.note("close_buffer", self.world.place.close_buffer(buffer));
        self.world.run(&[self.world.place.open_buffer(&digest, 0)]);
        let [first, rest @ ..] = &seal.parts(12)[..] else { panic!("a seal of many parts") };
        self.note("post_signatures_12", self.world.place.post_signatures(buffer, first));
        rest.iter().for_each(|part| drop(self.world.run(&[self.world.place.post_signatures(buffer, part)])));
        let envelope =
            trine_bridge_tests::requests::Envelope::buffered(1, buffer, self.world.payer.pubkey(), Default::default());
        self.note("withdraw_spl_13of19", self.world.place.transfers(id, &pays, &envelope));
        let next = Set::new(2, "next", (13, 19), (13, 19));
        let digest = control(self.world.domain, 1, 1, 2, next.hash());
        let envelope = self.world.buffer(&digest, &next.bytes(), &self.world.set.seal(APPROVERS | LISTENERS, &digest));
        self.note("rotate_38", self.world.place.rotate(APPROVERS | LISTENERS, &next, &envelope));
    }
}

/// All figures, smallest name first.
fn measure() -> Figures {
    let five = || Set::new(1, "first", (3, 5), (2, 3));
    let mut spl = Meter::new(five(), false);
    spl.token_figures("spl", TOKEN);
    let mut all = Meter::new(five(), true);
    all.token_figures("ptoken", TOKEN);
    all.token_figures("token2022", TOKEN_2022);
    all.other_figures();
    let mut large = Meter::new(Set::new(1, "large", (13, 19), (13, 19)), false);
    large.large_figures();
    [spl.figures, large.figures, all.figures].into_iter().flatten().collect()
}

/// The programs behind the figures: LiteSVM is pinned in Cargo.toml and brings them.
fn programs() -> Value {
    json!({
        "runtime": "LiteSVM 0.16.0",
        "spl": "SPL Token 3.5.0",
        "ptoken": "p-token, as it replaces SPL Token at the same address",
        "token2022": "Token-2022 11.0.0",
    })
}

#[test]
fn compute_units_do_not_grow() {
    let now = measure();
    println!("{now:#?}"); // seen when the test fails
    for (name, most) in TARGETS {
        assert!(now[name] <= most, "{name} costs {} compute units, the target is {most}", now[name]);
    }
    if let Some(file) = env::var_os(OUT) {
        let targets: BTreeMap<_, _> = TARGETS.into();
        let report = json!({ "programs": programs(), "targets": targets, "units": now });
        return fs::write(file, report.to_string()).expect("the figures are written");
    }
    let committed: Value = serde_json::from_str(&fs::read_to_string(COMMITTED).expect(COMMITTED)).expect(COMMITTED);
    let old = committed["solana"].as_object().expect("figures of Solana: run make gas");
    assert_eq!(old.len(), now.len(), "figures are committed and measured: run make gas");
    let mut grown = Vec::new();
    for (name, units) in now {
        let before = old.get(&name).and_then(Value::as_u64).unwrap_or_else(|| panic!("{name} is new: run make gas"));
        if units * 100 > before * 102 {
            grown.push(format!("{name} costs {units} compute units, {before} before"));
        }
    }
    assert!(grown.is_empty(), "more than two percent more:\n{}", grown.join("\n"));
}
