//! One proposed change and all that came of it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::judge::{Noise, Ruling};
use crate::portfolio::Tally;
use crate::proposal::{Category, Fingerprint, Settings};
use crate::spent::Spent;
use crate::trial::{Purpose, Trial};
use crate::units::{Bytes, Timestamp};

/// Object id of a commit, 40 or 64 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CommitId(pub String);

impl CommitId {
    /// The first seven digits, as `results.tsv` has them.
    pub fn short(&self) -> &str {
        self.0.get(..7).unwrap_or(&self.0)
    }
}

impl fmt::Display for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The three outcomes that a ledger knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The incumbent moves to it.
    Keep,
    /// The incumbent stays.
    Discard,
    /// It failed; the same change is never tried again.
    Crash,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Verdict::Keep => "keep",
            Verdict::Discard => "discard",
            Verdict::Crash => "crash",
        })
    }
}

/// How many experiments ended how, the baseline apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Kept.
    pub keep: u64,
    /// Discarded.
    pub discard: u64,
    /// Crashed.
    pub crash: u64,
}

impl Counts {
    /// All of them.
    pub fn total(self) -> u64 {
        self.keep + self.discard + self.crash
    }

    /// Counts one more.
    pub fn add(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Keep => self.keep += 1,
            Verdict::Discard => self.discard += 1,
            Verdict::Crash => self.crash += 1,
        }
    }
}

/// What came of one run of the checks before a keep.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// They passed.
    Passed,
    /// They did not, and why in one line.
    Failed(String),
    /// A stop of the session ended them.
    Interrupted,
    /// Their engine died while they ran.
    Lost,
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Check::Passed => f.write_str("passed"),
            Check::Failed(why) => write!(f, "failed: {why}"),
            Check::Interrupted => f.write_str("interrupted"),
            Check::Lost => f.write_str("lost with their engine"),
        }
    }
}

/// What was done when the first run of a candidate ran out of memory (SPEC E8).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Relief {
    /// Trials before it; a retry is judged by those after it.
    pub after: usize,
    /// The candidate as it was proposed: the parent of the retry's commit.
    pub candidate: Option<CommitId>,
    /// Whether a retry was made; if not, the candidate stands as it was.
    pub is_retried: bool,
    /// What was changed, as `BATCH_SIZE 64 -> 32`, or why nothing could be.
    pub what: String,
}

/// A trial of an experiment that was settled already. It changes neither the
/// verdict nor the metric.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rerun {
    /// Number of the trial; it goes on from those that the verdict is based on.
    pub number: u64,
    /// What it was run for.
    pub purpose: Purpose,
    /// What came of it.
    pub trial: Trial,
}

/// An experiment with everything known of it. Number 0 is the baseline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Experiment {
    /// Position in the session; 0 is the unmodified target.
    pub number: u64,
    /// The incumbent that it changes.
    pub parent: CommitId,
    /// Its own commit, the retry's after running out of memory; the baseline's
    /// is the session's base.
    pub commit: Option<CommitId>,
    /// One sentence.
    pub hypothesis: String,
    /// What sort of change.
    pub category: Category,
    /// Who proposed it.
    pub proposer: String,
    /// Identity of its normalised targets.
    pub fingerprint: Fingerprint,
    /// What a search set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<Settings>,
    /// The files that it changes, relative to `parent`.
    pub files: Vec<String>,
    /// Lines of code in all targets, comments and blank lines apart.
    pub code_lines: u64,
    /// Its trials in order, interrupted ones included.
    pub trials: Vec<Trial>,
    /// Its trials since it was settled, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reruns: Vec<Rerun>,
    /// What was done when memory ran out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relief: Option<Relief>,
    /// Runs of the checks before a keep, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<Check>,
    /// The held experiment that a person trusted: this is the same change again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trusts: Option<u64>,
    /// The decision, once made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ruling: Option<Ruling>,
    /// When it was proposed.
    pub proposed_at: Timestamp,
    /// When it was settled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled_at: Option<Timestamp>,
    /// What its proposer expected of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// What its proposal cost.
    #[serde(default, skip_serializing_if = "Spent::is_zero")]
    pub spent: Spent,
    /// What all proposers had done and cost when it was settled; empty where
    /// that is nothing but one that costs nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub proposers: Vec<(String, Tally)>,
    /// What the session knew of its metric's noise when it was settled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noise: Option<Noise>,
}

impl Experiment {
    /// Mean of the finite metrics of the trials that it is judged by.
    pub fn metric(&self) -> Option<f64> {
        let values: Vec<f64> = self.evidence().filter_map(|t| t.metric).collect();
        (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
    }

    /// The trials that it is judged by: uninterrupted ones, of the retry where
    /// there is one. What ran on a machine unlike the incumbent's counts only
    /// where nothing else does.
    pub fn evidence(&self) -> impl Iterator<Item = &Trial> {
        let after = self.relief.as_ref().filter(|r| r.is_retried).map_or(0, |r| r.after);
        let complete = self.trials.iter().skip(after).filter(|trial| !trial.is_interrupted());
        let is_fair = |trial: &Trial| trial.unlike.is_none() || trial.metric.is_none();
        let has_fair = complete.clone().any(|trial| trial.metric.is_some() && is_fair(trial));
        complete.filter(move |trial| !has_fair || is_fair(trial))
    }

    /// Highest memory over its trials.
    pub fn peak_memory(&self) -> Option<Bytes> {
        self.trials.iter().map(|t| t.usage.peak_memory).max().filter(|b| b.0 > 0)
    }

    /// What the ledger calls it; `None` while it is undecided.
    pub fn verdict(&self) -> Option<Verdict> {
        self.ruling.as_ref().map(|r| r.verdict)
    }

    /// Whether it is the unmodified target.
    pub fn is_baseline(&self) -> bool {
        self.number == 0
    }
}
