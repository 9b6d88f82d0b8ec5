//! The bridge's program on the real runtime, story by story.

mod accounts;
mod accounts_sealed;
mod buffers;
mod calls;
mod claims;
mod control;
mod deposits;
mod initialize;
mod junk;
mod limits;
mod random;
mod seals;
mod sizes;
mod slots;
mod tokens;
mod transfers;
mod units;
mod vectors;
