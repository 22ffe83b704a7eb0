//! The loop of AutoResearch. A program owns it; whoever proposes only
//! proposes.
//!
//! [`SystemExperiment`] is the way in: a target, a hypothesis, a number and a
//! budget. [`resume`] goes on with an earlier session, [`View`] reads one,
//! [`merge`] brings what was kept back to the branch that it came from.
//!
//! Inside, the `conductor` asks the pure state machine of
//! `autoresearch_core::session` what comes next, does it, and journals it.

mod adjust;
mod agents;
mod bench;
mod briefing;
mod checks;
mod clock;
mod conductor;
mod confine;
mod crash_point;
mod desk;
mod environment;
mod error;
mod experiment;
mod fair;
mod guard;
mod history;
mod import;
mod integrity;
mod intentions;
mod landing;
mod lessons;
mod measure;
mod news;
mod offering;
mod open;
mod pickle;
mod place;
mod places;
mod proposers;
mod python;
mod remembering;
mod roles;
mod scripts;
mod sealed;
mod seeds;
mod stop;
mod suite;
mod targets;
mod verify;
mod view;
mod watching;
mod wrap;
mod writers;

pub use autoresearch_config as config;
pub use autoresearch_core as core;
pub use autoresearch_core::metric::Direction;
pub use autoresearch_ledger as ledger;
pub use autoresearch_memory as memory;
pub use autoresearch_propose as propose;
pub use autoresearch_repo as repo;
pub use autoresearch_report as report;
pub use autoresearch_run as run;

pub use agents::{Installed, installed};
pub use bench::FinishedTrial;
pub use error::EngineError;
pub use experiment::{DryRun, MetricError, Outcome, SystemExperiment, resume};
pub use import::{history_of_table, import, read_table};
pub use landing::{Landing, merge};
pub use news::{News, Observer, Silent};
pub use offering::{Change, Fate, Follower, Replacement};
pub use places::{CHECKS, FOLDER, Places, sessions};
pub use remembering::Written;
pub use stop::{Limit, Stop, Urgency};
pub use suite::TestChanges;
pub use verify::{Verification, verify, verify_dry_run};
pub use view::{Status, View, write_report};

/// Does the supervisor's work, or confines a command for one, and returns the
/// exit code when this process was started for it; `None` otherwise. Must come first in the `main` of every
/// program that runs experiments.
pub fn supervise_if_asked() -> Option<i32> {
    let asked = autoresearch_run::arguments().into_iter().next()?;
    if asked == autoresearch_run::SUPERVISE {
        Some(autoresearch_run::supervise())
    } else if asked == autoresearch_run::CONFINE {
        Some(autoresearch_run::confine())
    } else {
        (asked == autoresearch_run::ATTACK).then(autoresearch_run::attack::attack)
    }
}
