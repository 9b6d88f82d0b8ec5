//! What members sign, in a world.

use solana_instruction::Instruction;
use solana_signer::Signer;

use crate::{
    keys::{Seal, Set, APPROVERS, LISTENERS, PROCESSOR},
    requests::{batch_hash, Call, Envelope, Limit, Pay},
    words::{action, control, hash, Word},
    world::World,
};

impl World {
    pub fn next_action(&self) -> u64 {
        self.state().counters()[1]
    }

    /// A sealed envelope for the next value action.
    pub fn seal_action(&self, kind: u8, body: Word, groups: u8) -> Envelope {
        let digest = action(self.domain, self.set.epoch, self.next_action(), kind, body);
        Envelope::inline(self.set.seal(groups, &digest))
    }

    /// The next batch, sealed.
    pub fn batch(&self, pays: &[Pay]) -> Instruction {
        let envelope = self.seal_action(1, batch_hash(pays), PROCESSOR | APPROVERS);
        self.place.transfers(self.next_action(), pays, &envelope)
    }

    /// The next governance call, sealed.
    pub fn call(&self, call: &Call) -> Instruction {
        let envelope = self.seal_action(2, call.hash(), PROCESSOR | APPROVERS | LISTENERS);
        self.place.call(self.next_action(), call, &envelope)
    }

    pub fn noop(&self) -> Instruction {
        let envelope = self.seal_action(3, hash(&[]), PROCESSOR | APPROVERS);
        self.place.noop(self.next_action(), &envelope)
    }

    fn control(&self, kind: u8, sequence: u64, body: Word) -> Word {
        control(self.domain, self.set.epoch, kind, sequence, body)
    }

    pub fn rotation(&self, next: &Set, groups: u8) -> Instruction {
        let digest = self.control(1, next.epoch, next.hash());
        self.place.rotate(groups, next, &Envelope::inline(self.set.seal(groups, &digest)))
    }

    pub fn pause(&self, sequence: u64) -> Instruction {
        let seal = self.set.one_approver(1, &self.control(2, sequence, hash(&[])));
        self.place.switch(7, sequence, &Envelope::inline(seal))
    }

    pub fn unpause(&self, sequence: u64) -> Instruction {
        let seal = self.set.seal(PROCESSOR | APPROVERS, &self.control(3, sequence, hash(&[])));
        self.place.switch(8, sequence, &Envelope::inline(seal))
    }

    pub fn limit(&self, sequence: u64, limit: &Limit, groups: u8) -> Instruction {
        let digest = self.control(4, sequence, limit.hash());
        self.place.set_limit(sequence, limit, &Envelope::inline(self.set.seal(groups, &digest)))
    }

    /// Opens a buffer, fills it in as many transactions as it takes, and returns how to use it: the body when there is one
    /// and the signatures of the seal.
    pub fn buffer(&mut self, digest: &Word, body: &[u8], seal: &Seal) -> Envelope {
        const PART: usize = 900;
        let (buffer, _) = self.place.buffer(digest);
        self.run(&[self.place.open_buffer(digest, body.len())]);
        for (i, part) in body.chunks(PART).enumerate() {
            self.run(&[self.place.post_body(digest, i * PART, part)]);
        }
        for part in seal.parts(12) {
            self.run(&[self.place.post_signatures(buffer, &part)]);
        }
        let flags = u8::from(!seal.bytes().is_empty()) | u8::from(!body.is_empty()) << 1;
        Envelope::buffered(flags, buffer, self.payer.pubkey(), Seal::default())
    }
}
