//! What can happen in a session. Events are the journal: their JSON is a file
//! format, so a field is added with a default and never renamed.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::constraint::Constraint;
use crate::experiment::{Check, CommitId};
use crate::judge::{Mode, Ruling, Suspects};
use crate::metric::Direction;
use crate::platform::Device;
use crate::proposal::{Category, Fingerprint, Refusal, Settings};
use crate::spent::{Allowance, Spent};
use crate::stop::StopRule;
use crate::stopping::EarlyStop;
use crate::trial::{Purpose, Trial};
use crate::units::Timestamp;

/// Version of the event format; a journal of a higher one is refused.
pub const VERSION: u32 = 1;

/// An event with its place and time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Position in the journal, from 1, without gaps.
    pub seq: u64,
    /// When it was appended.
    pub at: Timestamp,
    /// What happened.
    pub event: Event,
}

/// What a session was opened with; fixed for its life but for the limits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// [`VERSION`] of whoever wrote it.
    pub version: u32,
    /// Unique id, also the prefix of its trials' markers.
    pub id: String,
    /// Tag, as `mar8`.
    pub tag: String,
    /// The commit that it starts from.
    pub base: CommitId,
    /// The branch that the user was on; `None` for a detached HEAD.
    pub origin: Option<String>,
    /// Name of the metric.
    pub metric: String,
    /// Which way is better.
    pub direction: Direction,
    /// Experiments after the baseline; `None` is unlimited.
    pub iterations: Option<u64>,
    /// Further reasons to stop.
    pub stop_when: Vec<StopRule>,
    /// Longest time of the whole session, in seconds of running time.
    pub stop_after_seconds: Option<f64>,
    /// Refusals or failures of the proposer in a row that end the session.
    pub patience: u32,
    /// Whether a candidate that is not kept is left behind (SPEC A5); if not,
    /// the branch moves on to it all the same.
    #[serde(default = "yes")]
    pub revert_on_failure: bool,
    /// Seed of the first trial of each experiment, and of the search.
    pub seed: u64,
    /// Whether the metric comes from a command of its own in a sealed place,
    /// which no candidate can reach.
    #[serde(default)]
    pub sealed: bool,
    /// How much is asked of evidence; sessions from before races were greedy.
    #[serde(default = "greedy")]
    pub mode: Mode,
    /// What 20 added lines must bring, in half standard deviations of the noise.
    #[serde(default)]
    pub complexity: u32,
    /// What becomes of a suspect that nothing can audit.
    #[serde(default)]
    pub suspects: Suspects,
    /// Whether hopeless runs are ended before their time.
    #[serde(default)]
    pub early_stop: EarlyStop,
    /// The series that shows it, unless that is the metric.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub series: Option<String>,
    /// What a candidate must hold to, whatever its metric.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub constraints: Vec<Constraint>,
    /// Whether checks must pass before anything is kept.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub checks: bool,
    /// Runs of the baseline and of the best each that the session ends with,
    /// to compare them (see [`crate::verification`]); 0 is none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub verify: u64,
    /// What all proposals together may cost.
    #[serde(default, skip_serializing_if = "Allowance::is_unlimited")]
    pub allowance: Allowance,
    /// Seconds that no proposer may be in reach before the session stops.
    #[serde(default = "two_hours")]
    pub outage_seconds: f64,
    /// The confirmed configuration as TOML.
    pub config: String,
    /// What it runs on, as found.
    pub platform: String,
    /// What is adjusted for that.
    #[serde(default)]
    pub adjusted: Adjusted,
}

/// What was adjusted for a platform (SPEC C3).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Adjusted {
    /// What runs compute on.
    pub device: Device,
    /// Variables that every run gets, unless the user sets them.
    pub environment: BTreeMap<String, String>,
    /// What proposers are told.
    pub facts: Vec<String>,
    /// Edits that the base has over the user's commit, as
    /// `DEVICE_BATCH_SIZE 128 -> 32`.
    pub edits: Vec<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde hands it over")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

fn yes() -> bool {
    true
}

fn two_hours() -> f64 {
    7200.0
}

fn greedy() -> Mode {
    Mode::Greedy
}

/// A candidate that passed the guard.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Proposed {
    /// Its number; 0 is the baseline.
    pub number: u64,
    /// The incumbent that it changes.
    pub parent: CommitId,
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
    /// Its commit, which exists; a candidate that another tool tried and git
    /// has lost has none.
    pub commit: Option<CommitId>,
    /// The files that it changes.
    pub files: Vec<String>,
    /// Lines of code in all targets.
    pub code_lines: u64,
    /// The queued hypothesis that it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queued: Option<u64>,
    /// What its proposer expects of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// What it cost, unless a draft has told that already.
    #[serde(default, skip_serializing_if = "Spent::is_zero")]
    pub spent: Spent,
    /// The draft that it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub draft: Option<u64>,
}

/// A proposal that was written while something else ran, and waits for its turn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Draft {
    /// Number of the draft, from 1.
    pub id: u64,
    /// Who wrote it.
    pub proposer: String,
    /// One sentence.
    pub hypothesis: String,
    /// What sort of change.
    pub category: Category,
    /// What its proposer expects of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// What a search set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<Settings>,
    /// The change, in git's form with the ids of its blobs: it merges into an
    /// incumbent that has moved on since.
    pub patch: String,
    /// The queued hypothesis that it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answers: Option<Queued>,
    /// What it cost.
    #[serde(default)]
    pub spent: Spent,
}

/// A candidate that ran out of memory, made to need less: a commit of its own
/// on top of the candidate's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Retry {
    /// Its commit, which exists.
    pub commit: CommitId,
    /// Identity of its normalised targets.
    pub fingerprint: Fingerprint,
    /// The files that it changes on top of the candidate.
    pub files: Vec<String>,
    /// Lines of code in all targets.
    pub code_lines: u64,
    /// What a search had set, as it is now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<Settings>,
}

/// A hypothesis that somebody put into the queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queued {
    /// Number of the hypothesis, from 1.
    pub id: u64,
    /// One sentence; may be empty when there is a patch.
    pub hypothesis: String,
    /// A patch in git's or `diff -u`'s form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patch: Option<String>,
    /// The held experiment whose change it is, which a person trusts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trusts: Option<u64>,
    /// Who proposed it, where that is not a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The message in the journal's inbox that brought it, by which whoever
    /// left that message finds it again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<i64>,
}

/// What a proposer's failure means for the session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failing {
    /// It counts against the session's patience.
    #[default]
    Usual,
    /// Nobody was in reach, which may pass: it counts by its time.
    Outage,
    /// It says nothing: the session was told to stop.
    Interrupted,
    /// Others go on without this one.
    Aside,
    /// Nobody will ever propose as things are.
    ForGood,
}

impl Failing {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde hands it over")]
    fn is_usual(&self) -> bool {
        *self == Failing::Usual
    }
}

/// Why a session is not running.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// The maximum of experiments is reached.
    Iterations,
    /// A stop rule holds.
    Rule(String),
    /// The session's time is over.
    Time,
    /// Somebody asked for it.
    Requested,
    /// The unmodified target failed, so there is nothing to compare with.
    BaselineFailed(String),
    /// What proposals may cost is used up.
    Spent(String),
    /// The proposer has nothing left to try.
    Exhausted(String),
    /// The proposer failed or was refused too often in a row.
    ProposerStuck(String),
    /// The engine could not go on (disk, git, the branch was moved by others).
    Failed(String),
}

impl StopReason {
    /// Whether the session came to an end that was meant, and may be summed up.
    pub fn is_natural(&self) -> bool {
        match self {
            StopReason::Iterations
            | StopReason::Rule(_)
            | StopReason::Time
            | StopReason::Spent(_)
            | StopReason::Exhausted(_) => true,
            StopReason::Requested
            | StopReason::BaselineFailed(_)
            | StopReason::ProposerStuck(_)
            | StopReason::Failed(_) => false,
        }
    }
}

impl fmt::Display for StopReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StopReason::Iterations => f.write_str("the maximum number of experiments is reached"),
            StopReason::Rule(rule) => write!(f, "the stop rule `{rule}` holds"),
            StopReason::Time => f.write_str("the session's time is over"),
            StopReason::Requested => f.write_str("it was asked to stop"),
            StopReason::BaselineFailed(why) => write!(f, "the baseline failed: {why}"),
            StopReason::Spent(what) => write!(f, "the budget for proposals is used up: {what}"),
            StopReason::Exhausted(why) => write!(f, "nothing is left to try: {why}"),
            StopReason::ProposerStuck(why) => write!(f, "the proposer is stuck: {why}"),
            StopReason::Failed(why) => write!(f, "the engine could not go on: {why}"),
        }
    }
}

/// What happened. An intent is journalled before the act, its outcome after.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// The session begins.
    Opened(Box<Plan>),
    /// An engine took the session up again; what ran without an end was
    /// interrupted.
    Resumed,
    /// The limits were changed by the user.
    Extended {
        /// New maximum of experiments; `None` is unlimited.
        iterations: Option<u64>,
    },
    /// A hypothesis entered the queue.
    Queued(Queued),
    /// A person trusts a held experiment: its change is queued to run again.
    Trusted {
        /// Number of the held experiment.
        number: u64,
        /// Its change.
        queued: Queued,
    },
    /// A queued hypothesis was taken out unused.
    Dropped {
        /// Number of the hypothesis.
        id: u64,
    },
    /// This engine's proposer cannot turn a queued hypothesis into an edit; it
    /// waits for a resume with another one.
    SetAside {
        /// Number of the hypothesis.
        id: u64,
        /// Why not.
        reason: String,
    },
    /// The guard sent a proposal back.
    Refused {
        /// Who proposed it.
        proposer: String,
        /// What it was to test.
        hypothesis: String,
        /// Why it was refused.
        refusal: Refusal,
        /// The queued hypothesis that it answered.
        queued: Option<u64>,
        /// The draft that it was.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        draft: Option<u64>,
        /// What it cost, unless a draft has told that already.
        #[serde(default, skip_serializing_if = "Spent::is_zero")]
        spent: Spent,
    },
    /// A proposer ended without a proposal.
    ProposerFailed {
        /// Which one.
        proposer: String,
        /// Why.
        reason: String,
        /// Whether there is nothing left that anybody could propose.
        exhausted: bool,
        /// What it means for the session, unless it is exhausted.
        #[serde(default, skip_serializing_if = "Failing::is_usual")]
        failing: Failing,
        /// What it cost.
        #[serde(default, skip_serializing_if = "Spent::is_zero")]
        spent: Spent,
    },
    /// A proposal was written while something else ran.
    Drafted(Box<Draft>),
    /// A candidate passed the guard and is committed under its reference.
    Proposed(Box<Proposed>),
    /// Intent: a trial of it shall run.
    Started {
        /// Number of the experiment.
        number: u64,
        /// Number of the trial, from 1.
        trial: u64,
        /// What `AUTORESEARCH_SEED` is.
        seed: u64,
        /// What for; only a settled experiment runs for anything but its verdict.
        #[serde(default, skip_serializing_if = "Purpose::is_candidate")]
        purpose: Purpose,
    },
    /// The trial is over.
    Ended {
        /// Number of the experiment.
        number: u64,
        /// What came of it.
        trial: Box<Trial>,
        /// What it was for.
        #[serde(default, skip_serializing_if = "Purpose::is_candidate")]
        purpose: Purpose,
    },
    /// The candidate ran out of memory, and this was done about it.
    Relieved {
        /// Number of the experiment.
        number: u64,
        /// What runs instead, committed under the experiment's reference;
        /// `None` when nothing could be done.
        retry: Option<Retry>,
        /// What was changed, or why nothing could be.
        what: String,
    },
    /// Intent: the checks shall run, since it would be kept.
    Checking {
        /// Number of the experiment.
        number: u64,
    },
    /// The checks are over.
    Checked {
        /// Number of the experiment.
        number: u64,
        /// What came of them.
        outcome: Check,
    },
    /// Intent: this verdict shall be carried out.
    Judged {
        /// Number of the experiment.
        number: u64,
        /// The verdict.
        ruling: Ruling,
    },
    /// The branch and the ledger show the verdict.
    Settled {
        /// Number of the experiment.
        number: u64,
    },
    /// The session rests; it may be resumed.
    Stopped {
        /// Why.
        reason: StopReason,
    },
}
