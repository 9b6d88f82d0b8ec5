//! A world for the bridge's program: the real runtime in the process, the program in it, and everything that the README
//! one folder up says about bytes written down a second time, so that program and README are held against each other.

pub mod events;
pub mod keys;
pub mod requests;
mod sealing;
pub mod state;
pub mod tokens;
pub mod transactions;
pub mod words;
pub mod world;
