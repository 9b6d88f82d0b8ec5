//! A cluster in the process with the bridge's program on it. Every transaction that succeeds is read as a listener reads
//! it, and what the bridge recorded is held against what it keeps.

use agave_feature_set::FeatureSet;
use litesvm::{types::TransactionMetadata, LiteSVM};
use solana_account::Account;
use solana_address::{address, Address};
use solana_clock::Clock;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_message::Message;
use solana_signer::Signer;
use solana_transaction::Transaction;

use crate::{
    events::{Event, Record},
    keys::Set,
    requests::{derive, endless_page, page_address, Place, LOADER},
    state::State,
    tokens::{self, Token},
    transactions::{refusal, weight, Refusal, MOST_BYTES},
    words::{cut, digest, keccak, Word},
};

pub use crate::transactions::replaced;

pub const PROGRAM: Address = address!("TrineBridge11111111111111111111111111111111");
pub const CAIP2: &str = "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp";
pub const SOL: u64 = 1_000_000_000;

const COMPUTE_BUDGET: Address = address!("ComputeBudget111111111111111111111111111111");
/// The program as it is committed.
pub const ARTIFACT: &[u8] = include_bytes!("../../artifact/trine_bridge.so");
/// The same for chains that do not know the newer machine.
pub const ARTIFACT_V0: &[u8] = include_bytes!("../../artifact/trine_bridge_v0.so");

/// The genesis hash of all tests.
pub fn genesis() -> Word {
    keccak(&[b"genesis of the program's tests"])
}

/// keccak256 of the CAIP-2 id.
pub fn caip2() -> Word {
    keccak(&[CAIP2.as_bytes()])
}

/// The bridge and everybody who deals with it.
pub struct World {
    pub svm: LiteSVM,
    /// Pays for everything, and is the upgrade authority in the beginning.
    pub payer: Keypair,
    pub place: Place,
    pub set: Set,
    pub domain: Word,
    pub head: Word,
    pub records: Vec<Record>,
    last_slot: u64,
}

/// A transaction that went through.
pub struct Sent {
    pub meta: TransactionMetadata,
    pub records: Vec<Record>,
    pub bytes: usize,
}

impl Sent {
    /// Which transfers failed, as bits.
    pub fn failed(&self) -> u64 {
        match &self.records[0].event {
            Event::ActionExecuted { failed, .. } => u64::from_be_bytes(failed[24..].try_into().unwrap()),
            other => panic!("not an executed action: {other:?}"),
        }
    }
}

impl World {
    /// The program deployed, with its upgrade authority, before it is initialised.
    pub fn deployed() -> Self {
        World::with_features(FeatureSet::all_enabled())
    }

    /// Likewise, with these features of the runtime.
    pub fn with_features(features: FeatureSet) -> Self {
        World::with_program(features, ARTIFACT)
    }

    /// Likewise, with this build of the program.
    pub fn with_program(features: FeatureSet, program: &[u8]) -> Self {
        let mut svm = LiteSVM::new()
            .with_feature_set(features)
            .with_builtins()
            .with_default_programs()
            .with_transaction_history(0);
        let payer = Keypair::new_from_array(keccak(&[b"payer"]));
        svm.airdrop(&payer.pubkey(), 100_000 * SOL).expect("an airdrop");
        svm.add_program(PROGRAM, program).expect("the program loads");
        svm.set_sysvar(&Clock { slot: 1000, unix_timestamp: 1_900_000_000, ..Clock::default() });
        let state = derive(&[b"bridge"], &PROGRAM).0;
        let domain = digest("domain", &[genesis(), caip2(), state.to_bytes()]);
        let place = Place { program: PROGRAM, state, page: page_address(&PROGRAM, 1).0, actor: payer.pubkey() };
        let set = Set::new(1, "first", (3, 5), (2, 3));
        let mut world = World { svm, payer, place, set, domain, head: cut(domain), records: Vec::new(), last_slot: 0 };
        world.set_authority(Some(world.payer.pubkey()));
        world
    }

    /// A bridge with three of five approvers and two of three listeners.
    pub fn started() -> Self {
        World::with_set(Set::new(1, "first", (3, 5), (2, 3)))
    }

    /// A bridge with this set.
    pub fn with_set(set: Set) -> Self {
        let mut world = World::deployed();
        world.initialize(set);
        world
    }

    pub fn initialize(&mut self, set: Set) {
        self.set = set;
        let instruction = self.place.initialize(&genesis(), &caip2(), &self.set);
        self.run(&[instruction]);
    }

    /// Where the loader keeps the program and its authority.
    pub fn program_data(&self) -> Address {
        derive(&[PROGRAM.as_ref()], &LOADER).0
    }

    /// Who may upgrade the program.
    pub fn authority(&self) -> Option<Address> {
        let data = self.account(&self.program_data()).data;
        (data[12] == 1).then(|| Address::new_from_array(data[13..45].try_into().unwrap()))
    }

    pub fn set_authority(&mut self, authority: Option<Address>) {
        let key = self.program_data();
        let mut account = self.account(&key);
        account.data[12] = u8::from(authority.is_some());
        account.data[13..45].copy_from_slice(authority.unwrap_or_default().as_ref());
        self.put(key, account);
    }

    // ---------------------------------------------------------------- transactions

    /// A transaction with the payer's signature; whatever else the instructions need to have signed is in `signers`.
    fn transaction(&mut self, instructions: &[Instruction], signers: &[&Keypair]) -> Result<Transaction, Refusal> {
        let budget = |data: Vec<u8>| Instruction { program_id: COMPUTE_BUDGET, accounts: Vec::new(), data };
        let limit = budget([&[2][..], &1_400_000_u32.to_le_bytes()].concat());
        let price = budget([&[3][..], &1_u64.to_le_bytes()].concat());
        let all = [&[limit, price], instructions].concat();
        self.svm.expire_blockhash();
        let message = Message::new_with_blockhash(&all, Some(&self.payer.pubkey()), &self.svm.latest_blockhash());
        let bytes = weight(&message);
        if bytes > MOST_BYTES {
            return Err(Refusal { reason: format!("TooLarge by {}", bytes - MOST_BYTES), logs: Vec::new() });
        }
        // A test that spoils an instruction may leave a signer with nothing to sign.
        let asked = &message.account_keys[1..message.header.num_required_signatures.into()];
        let mut all_signers = vec![&self.payer];
        all_signers.extend(signers.iter().filter(|signer| asked.contains(&signer.pubkey())));
        Ok(Transaction::new(&all_signers, message.clone(), self.svm.latest_blockhash()))
    }

    /// Sends.
    pub fn send(&mut self, instructions: &[Instruction], signers: &[&Keypair]) -> Result<Sent, Refusal> {
        let transaction = self.transaction(instructions, signers)?;
        let message = transaction.message.clone();
        let meta = self.svm.send_transaction(transaction).map_err(refusal)?;
        let records = self.read(&meta, &message);
        Ok(Sent { meta, records, bytes: weight(&message) })
    }

    /// What sending would come to; nothing changes.
    pub fn simulate(&mut self, instructions: &[Instruction], signers: &[&Keypair]) -> Result<(), Refusal> {
        let transaction = self.transaction(instructions, signers)?;
        self.svm.simulate_transaction(transaction).map(drop).map_err(refusal)
    }

    /// Sends, and it must go through.
    pub fn run(&mut self, instructions: &[Instruction]) -> Sent {
        self.run_signed(instructions, &[])
    }

    /// Sends with more signatures, and it must go through.
    #[track_caller]
    pub fn run_signed(&mut self, instructions: &[Instruction], signers: &[&Keypair]) -> Sent {
        match self.send(instructions, signers) {
            Ok(sent) => sent,
            Err(refusal) => panic!("refused with {}:\n{}", refusal.reason, refusal.logs.join("\n")),
        }
    }

    /// Sends, and it must be refused for this reason.
    #[track_caller]
    pub fn refused(&mut self, reason: &str, instruction: Instruction) {
        self.refused_signed(reason, instruction, &[]);
    }

    #[track_caller]
    pub fn refused_signed(&mut self, reason: &str, instruction: Instruction, signers: &[&Keypair]) {
        let before = self.records.len();
        match self.send(&[instruction], signers) {
            Ok(_) => panic!("went through, and should have been refused with {reason}"),
            Err(refusal) => assert_eq!(refusal.reason, reason, "{}", refusal.logs.join("\n")),
        }
        assert_eq!(self.records.len(), before);
    }

    /// The records in a transaction, each held against the one before and the last against the state.
    fn read(&mut self, meta: &TransactionMetadata, message: &Message) -> Vec<Record> {
        let mut found = Vec::new();
        for inner in meta.inner_instructions.iter().flatten() {
            let key = |index: u8| message.account_keys[usize::from(index)];
            let instruction = &inner.instruction;
            if key(instruction.program_id_index) != PROGRAM || instruction.data.first() != Some(&15) {
                continue;
            }
            let record = Record::read(&instruction.data);
            assert_eq!(instruction.accounts.len(), 1);
            let pages = [page_address(&PROGRAM, record.id).0, endless_page(&PROGRAM).0];
            assert!(pages.contains(&key(instruction.accounts[0])), "recorded by its page, or the endless one");
            assert_eq!(record.id, self.records.len() as u64 + 1, "no gap");
            assert_eq!(record.previous_slot, self.last_slot, "the chain of slots");
            self.head = record.event.extend(self.head, record.id);
            assert_eq!(record.head, self.head, "the head of {:?}", record.event);
            self.last_slot = self.slot();
            self.records.push(record.clone());
            found.push(record);
        }
        if let Some(last) = found.last() {
            self.check(last);
            self.place.page = page_address(&PROGRAM, last.id + 1).0;
        }
        found
    }

    fn check(&self, last: &Record) {
        let state = self.state();
        let counters = [last.id, last.next_action, last.epoch, last.pause_sequence, last.limit_version, self.slot()];
        assert_eq!(state.counters(), counters);
        assert_eq!(state.head(), last.head);
        assert_eq!(state.page(), page_address(&PROGRAM, last.id + 1).0, "the page of the next event");
        let mark = state.newest_mark();
        assert_eq!((mark.slot, mark.event_id, mark.next_action), (self.slot(), last.id, last.next_action));
    }

    // ---------------------------------------------------------------- accounts

    pub fn account(&self, key: &Address) -> Account {
        self.svm.get_account(key).unwrap_or_else(|| panic!("no account {key}"))
    }

    pub fn put(&mut self, key: Address, account: Account) {
        self.svm.set_account(key, account).expect("an account");
    }

    pub fn lamports(&self, key: &Address) -> u64 {
        self.svm.get_balance(key).unwrap_or(0)
    }

    pub fn state(&self) -> State {
        State(self.account(&self.place.state).data)
    }

    /// SOL that the bridge holds.
    pub fn held(&self) -> u64 {
        self.lamports(&self.place.state) - self.state().reserve()
    }

    pub fn slot(&self) -> u64 {
        self.svm.get_sysvar::<Clock>().slot
    }

    /// Moves slot and time on.
    pub fn wait(&mut self, slots: u64, seconds: i64) {
        let mut clock = self.svm.get_sysvar::<Clock>();
        clock.slot += slots;
        clock.unix_timestamp += seconds;
        self.svm.set_sysvar(&clock);
    }

    /// Somebody with some SOL.
    pub fn wallet(&mut self, name: &str) -> Keypair {
        let wallet = Keypair::new_from_array(keccak(&[b"wallet ", name.as_bytes()]));
        self.svm.airdrop(&wallet.pubkey(), 100 * SOL).expect("an airdrop");
        wallet
    }

    /// An address that nobody has used.
    pub fn stranger(&self, name: &str) -> Address {
        Keypair::new_from_array(keccak(&[b"wallet ", name.as_bytes()])).pubkey()
    }

    /// A new mint of a token program.
    pub fn mint(&mut self, name: &str, program: Address, extensions: &[tokens::Extension]) -> Token {
        let mint = self.stranger(&format!("mint {name}"));
        let data = tokens::mint_data(&self.payer.pubkey(), 1 << 60, extensions);
        self.put(mint, tokens::account(&program, data));
        Token::new(&PROGRAM, &self.place.state, mint, program)
    }

    /// A mint that the bridge knows.
    pub fn token(&mut self, name: &str, program: Address, extensions: &[tokens::Extension]) -> Token {
        let token = self.mint(name, program, extensions);
        self.run(&[self.place.init_token(&token)]);
        token
    }

    /// Gives a wallet tokens, in its associated account, which is made when it is missing.
    pub fn fund(&mut self, token: &Token, wallet: &Address, amount: u64) -> Address {
        let (key, _) = token.account(wallet);
        if self.svm.get_account(&key).is_none() {
            self.run(&[tokens::create_associated(&self.payer.pubkey(), token, wallet)]);
        }
        let mut account = self.account(&key);
        account.data[64..72].copy_from_slice(&amount.to_le_bytes());
        self.put(key, account);
        key
    }

    /// What a token account holds; 0 where there is none.
    pub fn balance(&self, key: &Address) -> u64 {
        let account = self.svm.get_account(key).filter(|account| account.data.len() >= 165);
        account.map_or(0, |account| u64::from_le_bytes(account.data[64..72].try_into().unwrap()))
    }

    /// What is owed on a claim account, if there is one.
    pub fn owed(&self, token: &Address, recipient: &Address) -> Option<u64> {
        let key = crate::requests::claim_address(&PROGRAM, token, recipient);
        let account = self.svm.get_account(&key).filter(|account| account.owner == PROGRAM)?;
        Some(u64::from_le_bytes(account.data[112..120].try_into().unwrap()))
    }
}
