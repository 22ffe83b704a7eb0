//! The state machine of a session: it knows everything and does nothing.
//!
//! [`State`] is a fold of [`Event`]s; [`State::next`] says what to do about
//! it. The conductor (crate `autoresearch`) performs an [`Action`] and appends
//! the events that came of it. After a crash the journal is replayed and
//! `next` goes on: there is no second code path for resuming.
//!
//! An experiment's life: `proposed -> (started -> ended)* -> [relieved ->
//! (started -> ended)*] -> [(checking -> checked)*] -> judged -> settled`.
//! Everything that may be redone after a crash is idempotent: a candidate that
//! was not journalled is proposed again under the same number, a branch moves
//! by compare-and-swap, interrupted trials and checks run again. What is settled
//! may run again all the same ([`Action::Again`]): to know the incumbent better,
//! and to verify the best.

mod again;
mod checking;
mod event;
mod state;
mod stopping;
mod verdict;
mod verify;

pub use again::Sample;
pub use event::{
    Adjusted, Draft, Event, Failing, Plan, Proposed, Queued, Record, Retry, StopReason, VERSION,
};
pub use state::{Action, Focus, Incumbent, State};
pub use stopping::Watch;
pub use verify::verification_runs;

pub use crate::trial::Purpose;

#[cfg(test)]
mod checking_tests;
#[cfg(test)]
mod racing_tests;
#[cfg(test)]
mod tests;
