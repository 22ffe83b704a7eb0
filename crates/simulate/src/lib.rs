//! The judge of AutoResearch under a virtual clock: the real state machine in
//! worlds whose truth is known, beside the rules of other tools and beside what
//! is possible at best. What `docs/judge.md` says comes from here.
//!
//! Pure: what a session comes to follows from its seed alone.

mod best;
mod comparison;
mod ours;
mod peers;
mod pipeline;
mod plot;
mod rounds;
mod rules;
mod table;
mod text;
mod work;
mod world;

pub use comparison::{Comparison, Row, Table};
pub use pipeline::{Busy, Pipeline};
pub use plot::plot;
pub use rounds::{Landing, Slots};
pub use rules::{Rule, UnknownRule};
pub use table::{Cell, Setting};
pub use text::{markdown, terminal};
pub use work::{Job, cells};
pub use world::{Outcome, Session, Version, World};
