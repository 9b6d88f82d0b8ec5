//! Every account of every instruction replaced by one that it is not: each row below is a slot, and says by which name
//! each replacement is refused.

use solana_account::Account;
use solana_address::Address;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_signer::Signer;
use trine_bridge_tests::{requests::SYSTEM, tokens::Token, world::World};

/// A slot: its name, then what happens when in its place stands
/// an address at which nothing is; another account with the same data and owner; another with the same data, owned by a
/// stranger; the account itself, owned by a stranger; the account, not writable; the account, without its signature.
/// Names without a fault of the bridge's are the runtime's or the called program's. "ok": nothing, it is not needed or as good; "-": cannot be tried, as the slot is not of that kind.
pub type Slot = (&'static str, [&'static str; 6]);

pub const PREFIX: [Slot; 3] = [
    ("state", ["WrongState", "WrongState", "WrongState", "WrongState", "NotWritable", "-"]),
    ("page", ["StalePage", "-", "-", "-", "-", "-"]),
    ("program", ["WrongProgram", "-", "-", "-", "-", "-"]),
];

/// The actor of an instruction that moves nothing of its.
pub const SENDER: Slot = ("actor", ["NotSigner", "-", "-", "-", "ok", "NotSigner"]);
/// The actor of an instruction that takes from it or makes an account.
pub const PAYER: Slot = ("actor", ["NotSigner", "-", "-", "-", "NotWritable", "NotSigner"]);
pub const SYSTEM_PROGRAM: Slot = ("system program", ["WrongSystemProgram", "-", "-", "-", "-", "-"]);
pub const ASSOCIATED_PROGRAM: Slot =
    ("associated token program", ["WrongAssociatedTokenProgram", "-", "-", "-", "-", "-"]);
/// A bridge on which somebody who is not the fee payer acts: the runtime makes the fee payer writable and a signer.
pub struct Scene {
    pub world: World,
    pub alice: Keypair,
}

impl Scene {
    /// Alice acts on this bridge.
    pub fn new(mut world: World) -> Self {
        let alice = world.wallet("alice");
        world.place.actor = alice.pubkey();
        Scene { world, alice }
    }

    pub fn started() -> Self {
        Scene::new(World::started())
    }

    /// Has somebody else pay and act for a while, so that nothing of it needs Alice's signature.
    pub fn by<T>(&mut self, who: &Keypair, work: impl FnOnce(&mut World) -> T) -> T {
        let payer = std::mem::replace(&mut self.world.payer, who.insecure_clone());
        let actor = std::mem::replace(&mut self.world.place.actor, who.pubkey());
        let done = work(&mut self.world);
        (self.world.payer, self.world.place.actor) = (payer, actor);
        done
    }

    /// A token that the bridge knows.
    pub fn token(&mut self, name: &str, program: Address) -> Token {
        let payer = self.world.payer.insecure_clone();
        self.by(&payer, |world| world.token(name, program, &[]))
    }

    /// Sends what Alice signs.
    pub fn run(&mut self, instruction: Instruction) {
        self.world.run_signed(&[instruction], &[&self.alice.insecure_clone()]);
    }

    /// How the instruction is refused.
    pub fn outcome(&mut self, instruction: Instruction) -> String {
        let done = self.world.simulate(&[instruction], &[&self.alice]);
        done.map_or_else(|refusal| refusal.reason, |()| "ok".to_string())
    }

    /// Tries everything on a slot.
    pub fn outcomes(&mut self, good: &Instruction, index: usize) -> [String; 6] {
        let meta = &good.accounts[index];
        let kept = self.world.svm.get_account(&meta.pubkey).filter(|account| account.lamports > 0);
        let program = kept.as_ref().is_some_and(|account| account.executable) || meta.pubkey == SYSTEM;
        let none = || "-".to_string();
        let with = |key: Address| {
            let mut spoiled = good.clone();
            spoiled.accounts[index].pubkey = key;
            spoiled.accounts[index].is_signer = false;
            spoiled
        };
        let nobody = self.outcome(with(self.world.stranger("nobody")));
        let (mut twin, mut forgery, mut owner) = (none(), none(), none());
        if let Some(kept) = kept.filter(|_| !program && !meta.is_signer) {
            let key = self.world.stranger("twin");
            self.world.put(key, kept.clone());
            twin = self.outcome(with(key));
            let junk = Account { owner: self.world.stranger("junk"), ..kept.clone() };
            self.world.put(key, junk.clone());
            forgery = self.outcome(with(key));
            self.world.put(key, Account::default());
            if meta.pubkey != self.alice.pubkey() && kept.owner != SYSTEM {
                self.world.put(meta.pubkey, junk);
                owner = self.outcome(good.clone());
                self.world.put(meta.pubkey, kept);
            }
        }
        let change = |change: fn(&mut solana_instruction::AccountMeta)| {
            let mut spoiled = good.clone();
            spoiled.accounts.iter_mut().filter(|other| other.pubkey == meta.pubkey).for_each(change);
            spoiled
        };
        let readonly = if meta.is_writable { self.outcome(change(|meta| meta.is_writable = false)) } else { none() };
        let unsigned = if meta.is_signer { self.outcome(change(|meta| meta.is_signer = false)) } else { none() };
        [nobody, twin, forgery, owner, readonly, unsigned]
    }

    /// Holds an instruction that works against its table.
    pub fn hold(mut self, name: &str, good: Instruction, slots: &[Slot]) {
        let mut faults = Vec::new();
        assert_eq!(good.accounts.len(), slots.len(), "{name}: the table's slots");
        for (index, (slot, expected)) in slots.iter().enumerate() {
            let seen = self.outcomes(&good, index);
            if seen != *expected {
                faults.push(format!("{index} {slot}: {expected:?} in the table, seen {seen:?}"));
            }
            let mut fewer = good.clone();
            fewer.accounts.truncate(index);
            let seen = self.outcome(fewer);
            if seen != "NotEnoughAccounts" {
                faults.push(format!("{index} accounts: {seen}"));
            }
        }
        assert!(faults.is_empty(), "{name}:\n{}", faults.join("\n"));
        self.run(good);
    }
}

/// The slots of an instruction that records an event.
pub fn event(actor: Slot, more: &[Slot]) -> Vec<Slot> {
    [&[actor][..], &PREFIX, more].concat()
}
