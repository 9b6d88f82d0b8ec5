//! The bridge's program on the real runtime, story by story.

mod deposits;
mod initialize;
mod tokens;
