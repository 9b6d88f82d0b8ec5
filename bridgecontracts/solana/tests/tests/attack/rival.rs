//! The attacker's own bridge: the same program under another id, whose whole set is the attacker. Its governance calls are a
//! program that calls anything with anything, signed by whoever signed the transaction and by an address that nobody has a key of.

use solana_address::Address;
use solana_instruction::Instruction;
use trine_bridge_tests::{
    keys::{Seal, Set, APPROVERS, LISTENERS, PROCESSOR},
    requests::{derive, page_address, Call, Envelope, Place, LOADER},
    words::{action, digest, Word},
    world::{caip2, genesis, World, ARTIFACT},
};

pub struct Rival {
    pub place: Place,
    set: Set,
    domain: Word,
}

impl Rival {
    /// Deploys and initialises it beside the bridge.
    pub fn new(world: &mut World) -> Self {
        Rival::numbered(world, 1)
    }

    /// One of several.
    pub fn numbered(world: &mut World, number: u8) -> Self {
        let program = Address::new_from_array([number; 32]);
        world.svm.add_program(program, ARTIFACT).expect("the program loads");
        let key = derive(&[program.as_ref()], &LOADER).0;
        let mut data = world.account(&key);
        data.data[12] = 1;
        data.data[13..45].copy_from_slice(world.place.actor.as_ref());
        world.put(key, data);
        let state = derive(&[b"bridge"], &program).0;
        let place = Place { program, state, page: page_address(&program, 1).0, actor: world.place.actor };
        let set = Set::new(1, "rival", (1, 1), (1, 1));
        let domain = digest("domain", &[genesis(), caip2(), state.to_bytes()]);
        world.run(&[place.initialize(&genesis(), &caip2(), &set)]);
        Rival { place, set, domain }
    }

    /// The rival's next action: to call this.
    pub fn forwards(&self, world: &World, instruction: &Instruction) -> Instruction {
        let (id, call, _, seal) = self.next(world, instruction);
        self.place.call(id, &call, &Envelope::inline(seal))
    }

    /// Likewise for what is too large for one transaction: the rival has posted it.
    pub fn forwards_posted(&self, world: &mut World, instruction: &Instruction) -> Instruction {
        let (id, call, digest, seal) = self.next(world, instruction);
        let length = (call.data.len() as u16).to_le_bytes();
        let body = [call.target.as_ref(), &call.value, &length, &call.data].concat();
        let (buffer, _) = self.place.buffer(&digest);
        world.run(&[self.place.open_buffer(&digest, body.len())]);
        for (i, part) in body.chunks(900).enumerate() {
            world.run(&[self.place.post_body(&digest, 900 * i, part)]);
        }
        world.run(&[self.place.post_signatures(buffer, &seal)]);
        self.place.call(id, &call, &Envelope::buffered(3, buffer, self.place.actor, Seal::default()))
    }

    fn next(&self, world: &World, instruction: &Instruction) -> (u64, Call, Word, Seal) {
        let call = Call::of(instruction, &self.place.state);
        let data = world.account(&self.place.state).data;
        let id = u64::from_le_bytes(data[152..160].try_into().unwrap());
        let digest = action(self.domain, self.set.epoch, id, 2, call.hash());
        let seal = self.set.seal(PROCESSOR | APPROVERS | LISTENERS, &digest);
        (id, call, digest, seal)
    }
}
