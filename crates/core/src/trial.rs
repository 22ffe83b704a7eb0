//! One execution of the run command, and how it ended.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::conditions::Conditions;
use crate::curve::Curve;
use crate::proposal::Fingerprint;
use crate::stopping::Hopeless;
use crate::units::Bytes;

/// How the run command's process ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exit {
    /// It ended by itself with this status; 0 is success.
    Code(i32),
    /// A signal that was not ours ended it.
    Signal(i32),
    /// It was ended because its time was over.
    Deadline,
    /// It was ended because it had used its budget of something else than
    /// wall-clock time, as `1000 steps`.
    Budget(String),
    /// It was ended because its learning curve was hopeless.
    Hopeless,
    /// It was ended because the session was told to stop.
    Interrupted,
    /// It was ended because it used more than it may, as
    /// `it printed more than 1GiB`.
    Limit(String),
    /// Its engine died while it ran.
    Lost,
    /// It could not be started.
    NotStarted(String),
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Exit::Code(code) => write!(f, "exit {code}"),
            Exit::Signal(signal) => write!(f, "signal {signal}"),
            Exit::Deadline => f.write_str("ended at its deadline"),
            Exit::Budget(what) => write!(f, "ended at its budget of {what}"),
            Exit::Hopeless => f.write_str("stopped as hopeless"),
            Exit::Interrupted => f.write_str("interrupted"),
            Exit::Limit(which) => write!(f, "ended at a limit: {which}"),
            Exit::Lost => f.write_str("lost with its engine"),
            Exit::NotStarted(why) => write!(f, "could not be started: {why}"),
        }
    }
}

/// What a trial is run for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// The verdict on an experiment in flight.
    #[default]
    Candidate,
    /// To know the incumbent better while something is compared with it.
    Incumbent,
    /// The final comparison of the baseline with the best.
    Verification,
}

impl Purpose {
    /// Whether it is the verdict on an experiment in flight.
    pub fn is_candidate(&self) -> bool {
        *self == Purpose::Candidate
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Purpose::Candidate => "candidate",
            Purpose::Incumbent => "incumbent",
            Purpose::Verification => "verification",
        })
    }
}

/// What a trial used, over its whole process tree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    /// Wall-clock seconds on a monotonic clock.
    pub wall_seconds: f64,
    /// CPU seconds, user and system, of every process that was seen.
    pub cpu_seconds: f64,
    /// Highest memory of the tree at one instant, sampled.
    pub peak_memory: Bytes,
}

/// How a process was kept from doing harm; the later, the better.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Protection {
    /// Not kept: whatever it leaves behind is ended, and protected files are
    /// checked afterwards.
    #[default]
    Unprotected,
    /// Without namespaces: it writes only where it may and has no network.
    Restricted,
    /// In namespaces of its own: it sees only what it may.
    Sandboxed,
}

impl fmt::Display for Protection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Protection::Unprotected => "unprotected",
            Protection::Restricted => "restricted",
            Protection::Sandboxed => "sandboxed",
        })
    }
}

/// Why a trial yields no verdict but `crash`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CrashKind {
    /// The command ended with a failure status or by a signal.
    Exit,
    /// It was still running at its deadline.
    Timeout,
    /// It ran out of memory.
    Oom,
    /// It used more processes, output or disk than it may.
    Limit,
    /// It ended well but never reported the metric.
    NoMetric,
    /// It reported the metric, but never a finite number.
    NotFinite,
    /// It changed a protected file.
    Tampered,
    /// It ended well, and the checks before a keep did not pass.
    Checks,
    /// It was interrupted too often to be tried again.
    Interrupted,
}

impl fmt::Display for CrashKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            CrashKind::Exit => "exit",
            CrashKind::Timeout => "timeout",
            CrashKind::Oom => "oom",
            CrashKind::Limit => "limit",
            CrashKind::NoMetric => "no metric",
            CrashKind::NotFinite => "not finite",
            CrashKind::Tampered => "tampered",
            CrashKind::Checks => "checks failed",
            CrashKind::Interrupted => "interrupted",
        })
    }
}

/// A trial that failed, and why in one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Crash {
    /// What sort of failure it was.
    pub kind: CrashKind,
    /// One line for a person, such as the last line of a traceback.
    pub reason: String,
}

/// Under what a trial was measured: only trials with equal seals compare.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seal {
    /// Of the files that no experiment may change, and of the measuring command.
    pub evaluator: Fingerprint,
    /// Of the session's configuration.
    pub configuration: Fingerprint,
    /// Of the machine and of what the run command finds installed.
    pub environment: Fingerprint,
    /// How the environment differs from that of the trial before, as
    /// `torch 2.1 → 2.2`; `None` when it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment_changed: Option<String>,
}

/// How a trial under another seed than the session's came by it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Seeded {
    /// What runs reads `AUTORESEARCH_SEED`.
    Environment,
    /// These seeds of the targets, as `` `SEED = 42` in line 3 ``, were varied
    /// on the worktree of the run, and nowhere else.
    Overlay(Vec<String>),
    /// Not at all: it shows the machine's noise alone.
    Nothing,
}

impl fmt::Display for Seeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Seeded::Environment => f.write_str("the run reads AUTORESEARCH_SEED"),
            Seeded::Overlay(seeds) => write!(f, "varied for this run alone: {}", seeds.join(", ")),
            Seeded::Nothing => f.write_str("the run takes no seed, and shows the machine's noise"),
        }
    }
}

/// A finished trial. Exactly one of `metric` and `crash` is set, unless it
/// was interrupted or stopped as hopeless: then neither is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// What `AUTORESEARCH_SEED` was.
    pub seed: u64,
    /// How it came by another seed than the session's; `None` for the
    /// session's own, and for one of another tool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seeded: Option<Seeded>,
    /// How the process ended.
    pub exit: Exit,
    /// Time, CPU and memory.
    pub usage: Usage,
    /// The metric; finite.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric: Option<f64>,
    /// Every other `name: number` that the run reported, finite ones only.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub secondary: BTreeMap<String, f64>,
    /// What is to be known beside the numbers, as a file of tests that did not load.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remark: Option<String>,
    /// Set when it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crash: Option<Crash>,
    /// How it was confined; unknown for one of another tool or that never ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protection: Option<Protection>,
    /// Its learning curve, thinned; only of one that ran to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub curve: Option<Curve>,
    /// When and why its learning curve was hopeless. It was stopped then, if it
    /// is [`Exit::Hopeless`], else finished all the same to see what comes of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hopeless: Option<Hopeless>,
    /// Under what it was measured; unknown for one of another tool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seal: Option<Seal>,
    /// What the container was called that it ran in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    /// What the machine was like meanwhile; unknown for one that never ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conditions: Option<Conditions>,
    /// In what that was unlike the incumbent's runs, if it may explain a
    /// difference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unlike: Option<String>,
}

impl Trial {
    /// One that ended so, with nothing known of it yet.
    pub fn ended(seed: u64, exit: Exit) -> Trial {
        Trial {
            seed,
            seeded: None,
            exit,
            usage: Usage::default(),
            metric: None,
            secondary: BTreeMap::new(),
            remark: None,
            crash: None,
            protection: None,
            curve: None,
            hopeless: None,
            seal: None,
            container: None,
            conditions: None,
            unlike: None,
        }
    }

    /// Tests of the baseline that it did not run, where its metric is about a suite
    /// ([`crate::suite`]).
    pub(crate) fn missing_tests(&self) -> f64 {
        let missing = self.secondary.get("missing").filter(|_| self.remark.is_some());
        missing.copied().unwrap_or(0.0)
    }

    /// Whether a stop of the session or the death of the engine ended it, so
    /// that it says nothing about the candidate.
    pub fn is_interrupted(&self) -> bool {
        matches!(self.exit, Exit::Interrupted | Exit::Lost)
    }
}
