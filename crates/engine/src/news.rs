//! What a session tells whoever watches it. The engine itself prints nothing.

use std::path::PathBuf;
use std::time::Duration;

use autoresearch_core::experiment::Experiment;
use autoresearch_core::session::{Plan, StopReason};
use autoresearch_core::trial::{Purpose, Trial};
use autoresearch_report::{Activity, Point, Progress};

/// Something worth telling.
#[derive(Debug)]
#[non_exhaustive]
pub enum News<'a> {
    /// The session begins or goes on.
    Begun {
        /// What it was opened with.
        plan: &'a Plan,
        /// Its folder.
        folder: PathBuf,
        /// Whether it went on from an earlier run.
        resumed: bool,
    },
    /// Something the user should know and need not act on.
    Note(String),
    /// A proposal was sent back.
    Refused {
        /// What it was to test.
        hypothesis: &'a str,
        /// Why.
        reason: String,
    },
    /// A proposer or a trial is at work; told again several times a second.
    Working {
        /// What is going on.
        activity: &'a Activity,
        /// Where the session stands.
        progress: &'a Progress,
    },
    /// A trial ended.
    Ended {
        /// Number of the experiment.
        number: u64,
        /// What came of it.
        trial: &'a Trial,
    },
    /// A trial of an experiment that was settled already ended.
    Again {
        /// Number of the experiment.
        number: u64,
        /// What it was for.
        purpose: Purpose,
        /// What came of it.
        trial: &'a Trial,
    },
    /// An experiment is settled.
    Settled {
        /// The experiment, whole.
        experiment: &'a Experiment,
        /// The same as reports have it.
        point: &'a Point,
    },
    /// The report of every ten experiments, or on demand.
    Progress(&'a Progress),
    /// The session rests.
    Stopped {
        /// Why.
        reason: &'a StopReason,
        /// How long it ran in all.
        active: Duration,
    },
}

/// Watches a session.
pub trait Observer {
    /// Called from the session's thread; must not block for long.
    fn tell(&mut self, news: &News<'_>);
}

/// Watches nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Observer for Silent {
    fn tell(&mut self, _news: &News<'_>) {}
}
