//! Validators: their keys, sets, and seals.

use k256::ecdsa::SigningKey;

use crate::words::{digest, hash, keccak, number, Word};

pub const PROCESSOR: u8 = 1;
pub const APPROVERS: u8 = 2;
pub const LISTENERS: u8 = 4;

/// A validator.
#[derive(Clone)]
pub struct Member {
    key: SigningKey,
    pub address: [u8; 20],
}

impl Member {
    /// The key that a name stands for.
    pub fn named(name: &str) -> Self {
        Member::of(&keccak(&[b"bridge tests: ", name.as_bytes()]))
    }

    /// The validator with this private key.
    pub fn of(secret: &[u8]) -> Self {
        let key = SigningKey::from_slice(secret).expect("a private key");
        let point = key.verifying_key().to_sec1_point(false);
        let address = keccak(&[&point.as_bytes()[1..]])[12..].try_into().expect("20 bytes");
        Member { key, address }
    }

    /// r ‖ vs.
    pub fn sign(&self, digest: &Word) -> [u8; 64] {
        let (signature, recovery) = self.key.sign_prehash_recoverable(digest);
        let mut bytes: [u8; 64] = signature.to_bytes().into();
        bytes[32] |= u8::from(recovery.is_y_odd()) << 7;
        bytes
    }

    fn word(&self) -> Word {
        let mut word = [0; 32];
        word[12..].copy_from_slice(&self.address);
        word
    }
}

/// The same signature with the other s, which is as good to mathematics. The recovery bit does not fit beside a high s.
pub fn high_s(signature: &[u8; 64]) -> [u8; 64] {
    const ORDER: [u8; 32] = [
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe, //
        0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48, 0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41,
    ];
    let mut high = *signature;
    high[32] &= 0x7f;
    let mut borrow = 0;
    for i in (0..32).rev() {
        let digit = i16::from(ORDER[i]) - i16::from(high[32 + i]) - borrow;
        borrow = i16::from(digit < 0);
        high[32 + i] = digit.rem_euclid(256) as u8;
    }
    high
}

/// A validator set with all its keys. Groups ascend by address.
#[derive(Clone)]
pub struct Set {
    pub epoch: u64,
    pub processor: Member,
    pub approvers: Group,
    pub listeners: Group,
}

/// Approvers or listeners.
#[derive(Clone)]
pub struct Group {
    pub quorum: u8,
    pub members: Vec<Member>,
}

impl Group {
    /// Orders the members.
    pub fn new(quorum: u8, mut members: Vec<Member>) -> Self {
        members.sort_by_key(|member| member.address);
        Group { quorum, members }
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![self.quorum, self.members.len() as u8];
        self.members.iter().for_each(|member| bytes.extend(member.address));
        bytes
    }

    fn hash(&self) -> Word {
        hash(&self.members.iter().map(Member::word).collect::<Vec<_>>())
    }

    /// The signatures of these members.
    pub fn sign(&self, digest: &Word, indices: impl IntoIterator<Item = u8>) -> Vec<(u8, [u8; 64])> {
        indices.into_iter().map(|i| (i, self.members[usize::from(i)].sign(digest))).collect()
    }
}

impl Set {
    /// A set of so many members, k of n each; `name` tells sets of one size apart.
    pub fn new(epoch: u64, name: &str, approvers: (u8, u8), listeners: (u8, u8)) -> Self {
        let group = |role: &str, (quorum, count): (u8, u8)| {
            Group::new(quorum, (0..count).map(|i| Member::named(&format!("{name} {role} {i}"))).collect())
        };
        Set {
            epoch,
            processor: Member::named(&format!("{name} processor")),
            approvers: group("approver", approvers),
            listeners: group("listener", listeners),
        }
    }

    /// The set as instructions carry it.
    pub fn bytes(&self) -> Vec<u8> {
        [&self.epoch.to_le_bytes()[..], &self.processor.address, &self.approvers.bytes(), &self.listeners.bytes()]
            .concat()
    }

    /// The set hash.
    pub fn hash(&self) -> Word {
        digest(
            "set",
            &[
                number(self.epoch),
                self.processor.word(),
                number(self.approvers.quorum.into()),
                self.approvers.hash(),
                number(self.listeners.quorum.into()),
                self.listeners.hash(),
            ],
        )
    }

    /// The quorums of these groups over a digest; the first members sign.
    pub fn seal(&self, groups: u8, digest: &Word) -> Seal {
        let quorum = |bit: u8, group: &Group| match groups & bit {
            0 => Vec::new(),
            _ => group.sign(digest, 0..group.quorum),
        };
        Seal {
            processor: (groups & PROCESSOR != 0).then(|| self.processor.sign(digest)),
            approvers: quorum(APPROVERS, &self.approvers),
            listeners: quorum(LISTENERS, &self.listeners),
        }
    }

    /// One approver's signature, as a pause has it.
    pub fn one_approver(&self, index: u8, digest: &Word) -> Seal {
        Seal { processor: None, approvers: self.approvers.sign(digest, [index]), listeners: Vec::new() }
    }
}

/// Signatures over one digest.
#[derive(Clone, Default)]
pub struct Seal {
    pub processor: Option<[u8; 64]>,
    pub approvers: Vec<(u8, [u8; 64])>,
    pub listeners: Vec<(u8, [u8; 64])>,
}

impl Seal {
    /// As it stands at the end of an instruction's data.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.processor.iter().for_each(|signature| bytes.extend(signature));
        for (index, signature) in self.approvers.iter().chain(&self.listeners) {
            bytes.push(*index);
            bytes.extend(signature);
        }
        bytes
    }

    /// The seal in pieces of at most so many signatures.
    pub fn parts(&self, most: usize) -> Vec<Seal> {
        let mut parts: Vec<Seal> =
            self.approvers.chunks(most).map(|c| Seal { approvers: c.to_vec(), ..Seal::default() }).collect();
        parts.extend(self.listeners.chunks(most).map(|c| Seal { listeners: c.to_vec(), ..Seal::default() }));
        if self.processor.is_some() {
            parts.push(Seal { processor: self.processor, ..Seal::default() });
        }
        parts
    }
}
