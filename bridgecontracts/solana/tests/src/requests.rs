//! Instructions as the README writes them down.

use solana_address::{address, Address};
use solana_instruction::{AccountMeta, Instruction};

use crate::{
    keys::{Seal, Set},
    tokens::Token,
    words::{hash, keccak, number, Word},
};

pub const SYSTEM: Address = address!("11111111111111111111111111111111");
pub const LOADER: Address = address!("BPFLoaderUpgradeab1e11111111111111111111111");
pub const ASSOCIATED: Address = address!("ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL");
pub const NATIVE: Address = address!("So11111111111111111111111111111111111111112");

/// Where an instruction finds its bridge.
#[derive(Clone, Copy)]
pub struct Place {
    pub program: Address,
    pub state: Address,
    /// The page of the next event.
    pub page: Address,
    pub actor: Address,
}

/// A key that a wallet gives with a deposit: 33 ‖ 65 bytes.
pub type Key = [u8; 98];

/// Body and seal in the data, or what of them is in a buffer.
#[derive(Clone, Default)]
pub struct Envelope {
    pub flags: u8,
    pub buffer: Option<(Address, Address)>,
    pub seal: Seal,
}

impl Envelope {
    /// Everything in the data.
    pub fn inline(seal: Seal) -> Self {
        Envelope { seal, ..Envelope::default() }
    }

    /// With a buffer and its poster.
    pub fn buffered(flags: u8, buffer: Address, poster: Address, seal: Seal) -> Self {
        Envelope { flags, buffer: Some((buffer, poster)), seal }
    }

    fn accounts(&self) -> Vec<AccountMeta> {
        self.buffer.map_or(Vec::new(), |(buffer, poster)| vec![writable(buffer), writable(poster)])
    }

    fn data(&self, body: &[u8]) -> Vec<u8> {
        let body = if self.flags & 2 != 0 { &[] } else { body };
        let seal = if self.flags & 1 != 0 { Vec::new() } else { self.seal.bytes() };
        [body, &seal].concat()
    }
}

/// A payment of a batch.
#[derive(Clone)]
pub struct Pay {
    /// None: SOL.
    pub token: Option<Token>,
    pub to: Address,
    pub amount: u64,
    pub marked: bool,
    /// Pass the recipient's wallet, so that its token account can be made.
    pub wallet: bool,
    /// Pass the claim account.
    pub claim: bool,
}

impl Pay {
    pub fn sol(to: Address, amount: u64) -> Self {
        Pay { token: None, to, amount, marked: false, wallet: false, claim: false }
    }

    pub fn token(token: &Token, to: Address, amount: u64) -> Self {
        Pay { token: Some(*token), ..Pay::sol(to, amount) }
    }

    pub fn marked(self) -> Self {
        Pay { marked: true, claim: true, ..self }
    }

    pub fn with_wallet(self) -> Self {
        Pay { wallet: true, ..self }
    }

    pub fn with_claim(self) -> Self {
        Pay { claim: true, ..self }
    }

    /// The token's word.
    pub fn word(&self) -> Address {
        self.token.map_or(NATIVE, |token| token.mint)
    }
}

/// What is signed of a batch.
pub fn batch_hash(pays: &[Pay]) -> Word {
    let words = pays.iter().flat_map(|pay| [pay.word().to_bytes(), pay.to.to_bytes(), number(pay.amount)]);
    hash(&words.collect::<Vec<_>>())
}

/// What is signed of a call.
pub fn call_hash(target: &Address, value: &Word, data: &[u8]) -> Word {
    hash(&[target.to_bytes(), *value, keccak(&[data])])
}

/// What is signed of a limit.
pub fn limit_hash(token: &Address, capacity: u64, window: u64) -> Word {
    hash(&[token.to_bytes(), number(capacity), number(window)])
}

pub fn writable(key: Address) -> AccountMeta {
    AccountMeta::new(key, false)
}

pub fn readonly(key: Address) -> AccountMeta {
    AccountMeta::new_readonly(key, false)
}

/// The address of these seeds under a program, and its bump.
pub fn derive(seeds: &[&[u8]], program: &Address) -> (Address, u8) {
    Address::find_program_address(seeds, program)
}

/// An account that several instructions name.
pub fn claim_address(program: &Address, token: &Address, recipient: &Address) -> Address {
    derive(&[b"claim", token.as_ref(), recipient.as_ref()], program).0
}

/// The page that records an event.
pub fn page_address(program: &Address, event: u64) -> (Address, u8) {
    derive(&[b"events", &((event - 1) / 256).to_le_bytes()], program)
}

/// The page that never turns.
pub fn endless_page(program: &Address) -> (Address, u8) {
    derive(&[b"events", &u64::MAX.to_le_bytes()], program)
}

impl Place {
    fn new(&self, accounts: Vec<AccountMeta>, data: Vec<u8>) -> Instruction {
        Instruction { program_id: self.program, accounts, data }
    }

    fn event(&self, more: Vec<AccountMeta>, data: Vec<u8>) -> Instruction {
        let prefix =
            vec![AccountMeta::new(self.actor, true), writable(self.state), readonly(self.page), readonly(self.program)];
        self.new([prefix, more].concat(), data)
    }

    pub fn initialize(&self, genesis: &Word, caip2: &Word, set: &Set) -> Instruction {
        let program_data = derive(&[self.program.as_ref()], &LOADER).0;
        let accounts = vec![
            AccountMeta::new(self.actor, true),
            writable(self.state),
            readonly(self.program),
            writable(program_data),
            readonly(LOADER),
            readonly(SYSTEM),
        ];
        self.new(accounts, [&[1][..], genesis, caip2, &set.bytes()].concat())
    }

    pub fn init_token(&self, token: &Token) -> Instruction {
        let accounts = vec![
            AccountMeta::new(self.actor, true),
            readonly(self.state),
            writable(token.config),
            writable(token.vault),
            readonly(token.mint),
            readonly(token.program),
            readonly(ASSOCIATED),
            readonly(SYSTEM),
        ];
        self.new(accounts, vec![2])
    }

    pub fn deposit_sol(&self, amount: u64, keys: &[Key]) -> Instruction {
        self.event(vec![readonly(SYSTEM)], deposit_data(3, amount, keys))
    }

    pub fn deposit_token(&self, token: &Token, from: Address, amount: u64, keys: &[Key]) -> Instruction {
        let accounts = vec![
            readonly(token.config),
            writable(token.vault),
            readonly(token.mint),
            readonly(token.program),
            writable(from),
        ];
        self.event(accounts, deposit_data(4, amount, keys))
    }

    fn execute(&self, id: u64, kind: u8, envelope: &Envelope, more: Vec<AccountMeta>, body: &[u8]) -> Instruction {
        let data = [&[5, envelope.flags][..], &id.to_le_bytes(), &[kind], &envelope.data(body)].concat();
        self.event([envelope.accounts(), more].concat(), data)
    }

    pub fn noop(&self, id: u64, envelope: &Envelope) -> Instruction {
        self.execute(id, 3, envelope, Vec::new(), &[])
    }

    pub fn call(&self, id: u64, call: &Call, envelope: &Envelope) -> Instruction {
        let accounts = [vec![readonly(call.target)], call.accounts.clone()].concat();
        self.execute(id, 2, envelope, accounts, &call.body())
    }

    pub fn transfers(&self, id: u64, pays: &[Pay], envelope: &Envelope) -> Instruction {
        let tokens = distinct(pays);
        // Each where an account may have to be made.
        let optional = |needed: bool, key| readonly(if needed { key } else { self.program });
        let mut accounts = vec![
            optional(pays.iter().any(|pay| pay.wallet || pay.claim), SYSTEM),
            optional(pays.iter().any(|pay| pay.wallet), ASSOCIATED),
        ];
        for token in &tokens {
            accounts.extend([
                writable(token.config),
                writable(token.vault),
                readonly(token.mint),
                readonly(token.program),
            ]);
        }
        for pay in pays {
            if !pay.marked {
                accounts.push(writable(pay.token.map_or(pay.to, |token| token.account(&pay.to).0)));
            }
            if pay.wallet {
                accounts.push(readonly(pay.to));
            }
            if pay.claim {
                accounts.push(writable(claim_address(&self.program, &pay.word(), &pay.to)));
            }
        }
        self.execute(id, 1, envelope, accounts, &batch_body(pays))
    }

    pub fn rotate(&self, groups: u8, set: &Set, envelope: &Envelope) -> Instruction {
        let data = [&[6, envelope.flags, groups][..], &envelope.data(&set.bytes())].concat();
        self.event(envelope.accounts(), data)
    }

    /// Pause (tag 7) or unpause (tag 8).
    pub fn switch(&self, tag: u8, sequence: u64, envelope: &Envelope) -> Instruction {
        let data = [&[tag, envelope.flags][..], &sequence.to_le_bytes(), &envelope.data(&[])].concat();
        self.event(envelope.accounts(), data)
    }

    pub fn set_limit(&self, sequence: u64, limit: &Limit, envelope: &Envelope) -> Instruction {
        let Limit { token, capacity, window } = limit;
        let config = match *token == NATIVE {
            true => readonly(self.program),
            false => writable(derive(&[b"token", token.as_ref()], &self.program).0),
        };
        let fields = [token.as_ref(), &capacity.to_le_bytes(), &window.to_le_bytes()].concat();
        let data = [&[9, envelope.flags][..], &sequence.to_le_bytes(), &fields, &envelope.data(&[])].concat();
        self.event([envelope.accounts(), vec![config, readonly(SYSTEM)]].concat(), data)
    }

    /// `payer` gets the claim account's rent back.
    pub fn claim_sol(&self, recipient: Address, payer: Address, to: Address) -> Instruction {
        let claim = claim_address(&self.program, &NATIVE, &recipient);
        self.event(vec![writable(claim), writable(payer), writable(to)], vec![10, 0])
    }

    pub fn claim_token(&self, token: &Token, recipient: Address, payer: Address, to: Address) -> Instruction {
        let accounts = vec![
            writable(claim_address(&self.program, &token.mint, &recipient)),
            writable(payer),
            writable(to),
            readonly(token.config),
            writable(token.vault),
            readonly(token.mint),
            readonly(token.program),
            readonly(recipient),
            readonly(SYSTEM),
            readonly(ASSOCIATED),
        ];
        self.event(accounts, vec![10, token.account(&recipient).1])
    }

    pub fn open_buffer(&self, digest: &Word, body: usize) -> Instruction {
        let (buffer, bump) = self.buffer(digest);
        let accounts =
            vec![AccountMeta::new(self.actor, true), readonly(self.state), writable(buffer), readonly(SYSTEM)];
        self.new(accounts, [&[11, bump][..], digest, &(body as u32).to_le_bytes()].concat())
    }

    /// The actor's buffer for a digest.
    pub fn buffer(&self, digest: &Word) -> (Address, u8) {
        derive(&[b"buffer", self.actor.as_ref(), digest], &self.program)
    }

    pub fn post_body(&self, digest: &Word, offset: usize, part: &[u8]) -> Instruction {
        let accounts = vec![AccountMeta::new(self.actor, true), writable(self.buffer(digest).0)];
        self.new(accounts, [&[12][..], &(offset as u32).to_le_bytes(), part].concat())
    }

    pub fn post_signatures(&self, buffer: Address, seal: &Seal) -> Instruction {
        let counts = [13, u8::from(seal.processor.is_some()), seal.approvers.len() as u8, seal.listeners.len() as u8];
        self.new(vec![readonly(self.state), writable(buffer)], [&counts[..], &seal.bytes()].concat())
    }

    pub fn close_buffer(&self, buffer: Address) -> Instruction {
        self.new(vec![AccountMeta::new(self.actor, true), writable(buffer)], vec![14])
    }
}

/// A governance call.
#[derive(Clone)]
pub struct Call {
    pub target: Address,
    pub value: Word,
    pub data: Vec<u8>,
    pub accounts: Vec<AccountMeta>,
}

impl Call {
    /// A call of an instruction in the name of the state account, which then signs.
    pub fn of(instruction: &Instruction, state: &Address) -> Self {
        let mut data = vec![instruction.accounts.len() as u8];
        for meta in &instruction.accounts {
            data.extend(meta.pubkey.as_ref());
            data.push(u8::from(meta.is_signer) | u8::from(meta.is_writable) << 1);
        }
        data.extend(&instruction.data);
        let outer =
            |meta: &AccountMeta| AccountMeta { is_signer: meta.is_signer && meta.pubkey != *state, ..meta.clone() };
        let accounts = instruction.accounts.iter().map(outer).collect();
        Call { target: instruction.program_id, value: [0; 32], data, accounts }
    }

    /// What is signed.
    pub fn hash(&self) -> Word {
        call_hash(&self.target, &self.value, &self.data)
    }

    fn body(&self) -> Vec<u8> {
        [self.target.as_ref(), &self.value, &(self.data.len() as u16).to_le_bytes(), &self.data].concat()
    }
}

/// An outflow limit; window in seconds.
#[derive(Clone, Copy)]
pub struct Limit {
    pub token: Address,
    pub capacity: u64,
    pub window: u64,
}

impl Limit {
    /// What is signed.
    pub fn hash(&self) -> Word {
        limit_hash(&self.token, self.capacity, self.window)
    }
}

fn deposit_data(tag: u8, amount: u64, keys: &[Key]) -> Vec<u8> {
    [&[tag][..], &amount.to_le_bytes(), &[keys.len() as u8], keys.as_flattened()].concat()
}

fn distinct(pays: &[Pay]) -> Vec<Token> {
    let mut tokens: Vec<Token> = Vec::new();
    for token in pays.iter().filter_map(|pay| pay.token) {
        if tokens.iter().all(|known| known.mint != token.mint) {
            tokens.push(token);
        }
    }
    tokens
}

/// A batch as it stands in data or buffer.
pub fn batch_body(pays: &[Pay]) -> Vec<u8> {
    let tokens = distinct(pays);
    let mut body = vec![pays.len() as u8, tokens.len() as u8];
    for pay in pays {
        let index =
            pay.token.map_or(255, |token| tokens.iter().position(|known| known.mint == token.mint).unwrap() as u8);
        let flags = u8::from(pay.marked) | u8::from(pay.wallet) << 1 | u8::from(pay.claim) << 2;
        let bump = pay.token.filter(|_| !pay.marked).map_or(0, |token| token.account(&pay.to).1);
        body.extend([index, flags, bump]);
        body.extend(pay.amount.to_le_bytes());
        if pay.token.is_some() && !pay.wallet {
            body.extend(pay.to.as_ref());
        }
    }
    body
}
