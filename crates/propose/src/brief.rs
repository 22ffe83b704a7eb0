//! What a proposer is told: all that it may know, in a bounded size however
//! long the session is.

mod ledger;
mod page;
mod past;
mod subject;
mod templates;
mod text;

use std::collections::BTreeMap;
use std::sync::Arc;

use autoresearch_core::metric::Direction;
use autoresearch_core::proposal::{Category, Scope};
use serde::{Serialize, Serializer};

pub use ledger::{Digest, Group, Ledger, Tally};
pub use past::Past;
pub use subject::subject;
pub use templates::{Part, TemplateError, Templates};

/// Bytes of all targets, and of all other files, that a program is told of at the
/// most.
const FILES: usize = 1 << 20;

/// Rows of each sort that a program gets of the ledger.
const ROWS: usize = 40;

/// Bytes of a page without the targets, unless it is said.
pub const PAGE: usize = 64 << 10;

/// A file with its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Text {
    /// Path from the root of the repository.
    pub path: String,
    /// Its contents at the incumbent; told to programs and pages, it is cut where
    /// it is long.
    pub text: String,
}

/// A test that does not pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failing {
    /// Its id.
    pub test: String,
    /// What it says, in one line; empty where it says nothing.
    pub message: String,
}

/// A measured state of the target.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Mark {
    /// Number of the experiment.
    pub number: u64,
    /// Its commit.
    pub commit: String,
    /// Its metric.
    pub metric: f64,
}

/// Files that nobody may change, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Protected {
    /// Why, as `a lock file`.
    pub why: String,
    /// Their paths, or a few of them.
    pub paths: Vec<String>,
    /// How many more there are.
    pub more: usize,
}

/// A note that an earlier session left.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Recalled {
    /// Its name in the vault.
    pub name: String,
    /// In one line.
    pub title: String,
    /// Name of the repository that it came from.
    pub repository: Option<String>,
    /// What it says.
    pub text: String,
}

/// What earlier sessions left (SPEC J).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Remembered {
    /// The repository's hot page.
    pub hot: Option<String>,
    /// The hand-off of the last session in this repository.
    pub handoff: Option<Recalled>,
    /// Notes on changes like the one at hand, the likest first; also of other repositories.
    pub notes: Vec<Recalled>,
}

/// All that a proposer may know. As JSON it is what programs read: fields are added
/// to it and never renamed.
#[derive(Clone, Debug, Serialize)]
pub struct Brief {
    /// Number that the experiment will have.
    pub number: u64,
    /// Name of the metric.
    pub metric: String,
    /// Which way is better.
    pub direction: Direction,
    /// Seconds that one run gets; where `quota` counts, until it hangs.
    pub budget_seconds: f64,
    /// What one run gets where that is not time, as `1000 steps`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quota: Option<String>,
    /// The run command.
    pub command: Vec<String>,
    /// What may be changed in the targets.
    pub scope: Scope,
    /// The targets at the incumbent: the only files that may change.
    #[serde(serialize_with = "cut")]
    pub targets: Vec<Text>,
    /// The targets as the session found them: what ranges are derived from.
    #[serde(skip)]
    pub origin: Vec<Text>,
    /// README and read-only files.
    #[serde(serialize_with = "cut")]
    pub context: Vec<Text>,
    /// The unmodified target.
    pub baseline: Option<Mark>,
    /// The best so far: what the change starts from.
    pub incumbent: Option<Mark>,
    /// The sentence to turn into an edit, when one is queued.
    pub hypothesis: Option<String>,
    /// The category to stay near, after a recent keep.
    pub near: Option<Category>,
    /// The category that failed several times in a row.
    pub avoid: Option<Category>,
    /// Experiments since the last keep: be bolder as it grows.
    pub failures_in_a_row: u32,
    /// Why the last proposal was refused, if it was.
    pub complaint: Option<String>,
    /// Why the last proposals were refused since one was not, three at most, oldest
    /// first.
    pub complaints: Vec<String>,
    /// Earlier experiments, oldest first: those kept, then the recent ones.
    pub history: Vec<Past>,
    /// Everything that was tried, in groups.
    #[serde(serialize_with = "digest")]
    pub ledger: Arc<Ledger>,
    /// The changes of near misses as patches, by their numbers.
    pub diffs: BTreeMap<u64, String>,
    /// Whether `git show <commit>` works where the proposer's program runs.
    pub has_history: bool,
    /// What runs run on, and what is adjusted for it: a line each.
    pub platform: Vec<String>,
    /// What the metric's noise means, in words.
    pub noise: Option<String>,
    /// What earlier sessions left.
    pub memory: Remembered,
    /// Tests that do not pass at the incumbent, where the metric is about a suite.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub failing: Vec<Failing>,
    /// How many more of them there are.
    #[serde(skip_serializing_if = "is_zero")]
    pub failing_more: usize,
    /// What must hold besides, as `peak_mem_gb <= 40`.
    pub constraints: Vec<String>,
    /// What nobody may change besides whatever is not a target, and why.
    pub protected: Vec<Protected>,
    /// Whether a proposal of several independent changes is refused.
    pub one_change: bool,
    /// Search ranges from the configuration, by knob.
    #[serde(skip)]
    pub ranges: BTreeMap<String, String>,
    /// Seed for whoever draws lots; differs with every question.
    #[serde(skip)]
    pub seed: u64,
    /// How the page is worded.
    #[serde(skip)]
    pub templates: Arc<Templates>,
    /// Bytes of the page without the targets; these may have twice as many besides.
    #[serde(skip)]
    pub limit: usize,
}

impl Brief {
    /// A brief that tells of nothing but the metric.
    pub fn about(metric: &str, direction: Direction) -> Brief {
        Brief {
            number: 1,
            metric: metric.to_owned(),
            direction,
            budget_seconds: 0.0,
            quota: None,
            command: Vec::new(),
            scope: Scope::All,
            targets: Vec::new(),
            origin: Vec::new(),
            context: Vec::new(),
            baseline: None,
            incumbent: None,
            hypothesis: None,
            near: None,
            avoid: None,
            failures_in_a_row: 0,
            complaint: None,
            complaints: Vec::new(),
            history: Vec::new(),
            ledger: Arc::default(),
            diffs: BTreeMap::new(),
            has_history: false,
            platform: Vec::new(),
            noise: None,
            memory: Remembered::default(),
            failing: Vec::new(),
            failing_more: 0,
            constraints: Vec::new(),
            protected: Vec::new(),
            one_change: true,
            ranges: BTreeMap::new(),
            seed: 0,
            templates: Arc::default(),
            limit: PAGE,
        }
    }

    /// The brief as a page for a person or an agent.
    pub fn to_markdown(&self) -> String {
        self.page(&Part::ALL)
    }

    /// Some parts of the page, in this order.
    pub fn page(&self, parts: &[Part]) -> String {
        page::page(self, parts)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

fn cut<S: Serializer>(texts: &[Text], serializer: S) -> Result<S::Ok, S::Error> {
    let sizes: Vec<usize> = texts.iter().map(|file| file.text.len()).collect();
    let shares = text::shares(&sizes, FILES);
    serializer.collect_seq(texts.iter().zip(shares).map(|(file, share)| {
        let (head, missing) = text::head(&file.text, share);
        let note = format!("\n[{missing} bytes are left out]\n");
        let note = if missing > 0 { note.as_str() } else { "" };
        Text { path: file.path.clone(), text: format!("{head}{note}") }
    }))
}

fn digest<S: Serializer>(ledger: &Ledger, serializer: S) -> Result<S::Ok, S::Error> {
    ledger.digest(ROWS).serialize(serializer)
}

#[cfg(test)]
mod tests;
