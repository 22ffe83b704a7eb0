//! The judge of AutoResearch under a virtual clock: the real state machine in
//! worlds whose truth is known, beside the rules of other tools and beside what
//! is possible at best. What `docs/judge.md` says comes from here.

mod lots;
mod ours;
mod rules;
mod table;
mod world;

pub use rules::Rule;
pub use table::{Cell, Setting, markdown};
pub use world::{Outcome, Session, Version, World};
