//! What makes a validator set a valid one, and how it comes into the state.

use pinocchio::error::ProgramError;

use crate::{
    errors::Fault,
    layout::{Member, State, MOST_MEMBERS},
    reader::Reader,
    syscalls::{clear, copy, Word},
    words,
};

const NOBODY: Member = [0; 20];

/// A set as it stands in instruction data or in a buffer.
pub struct Set<'a> {
    pub epoch: u64,
    processor: &'a Member,
    approvers: Group<'a>,
    listeners: Group<'a>,
}

struct Group<'a> {
    quorum: u8,
    count: u8,
    members: &'a [Member],
}

impl<'a> Set<'a> {
    /// Reads a set and checks it whole: quorums in range, members ascending, nobody zero, nobody twice.
    pub fn read(data: &mut Reader<'a>) -> Result<Self, ProgramError> {
        let set = Set {
            epoch: data.u64()?,
            processor: data.take()?,
            approvers: Group::read(data)?,
            listeners: Group::read(data)?,
        };
        if set.epoch == 0 || *set.processor == NOBODY {
            return Err(Fault::ZeroValue.into());
        }
        set.check_seats()?;
        Ok(set)
    }

    /// The set hash.
    pub fn hash(&self) -> Word {
        words::set(
            self.epoch,
            self.processor,
            (self.approvers.quorum, self.approvers.members),
            (self.listeners.quorum, self.listeners.members),
        )
    }

    /// Writes the set into the state, with its hash.
    pub fn install(&self, state: &mut State, hash: &Word) {
        state.epoch.set(self.epoch);
        state.set_hash = *hash;
        state.processor = *self.processor;
        state.approvers_quorum = self.approvers.quorum;
        state.approvers_count = self.approvers.count;
        state.listeners_quorum = self.listeners.quorum;
        state.listeners_count = self.listeners.count;
        self.approvers.copy_to(&mut state.approvers);
        self.listeners.copy_to(&mut state.listeners);
    }

    /// Both lists ascend, so one walk over the two finds what stands in both.
    fn check_seats(&self) -> Result<(), ProgramError> {
        let mut listeners = self.listeners.members.iter().peekable();
        for approver in self.approvers.members {
            while listeners.next_if(|listener| *listener < approver).is_some() {}
            if approver == self.processor || listeners.peek() == Some(&approver) {
                return Err(Fault::SecondSeat.into());
            }
        }
        if self.listeners.members.contains(self.processor) {
            return Err(Fault::SecondSeat.into());
        }
        Ok(())
    }
}

impl<'a> Group<'a> {
    fn read(data: &mut Reader<'a>) -> Result<Self, ProgramError> {
        let (quorum, count) = (data.u8()?, data.u8()?);
        if quorum == 0 || quorum > count || usize::from(count) > MOST_MEMBERS {
            return Err(Fault::BadQuorum.with(quorum.into(), count.into()));
        }
        let members = data.list(count)?;
        let mut previous = &NOBODY;
        for member in members {
            if member <= previous {
                return Err(Fault::MembersNotAscending.into());
            }
            previous = member;
        }
        Ok(Group { quorum, count, members })
    }

    fn copy_to(&self, stored: &mut [Member; MOST_MEMBERS]) {
        clear(stored.as_flattened_mut());
        copy(stored.as_flattened_mut(), self.members.as_flattened());
    }
}
