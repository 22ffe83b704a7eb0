//! What the tools answer, as data with a schema.

use autoresearch::ledger::Entry;
use schemars::JsonSchema;
use serde::Serialize;

/// An engine's error with its remedy.
pub(crate) fn told(error: &autoresearch::EngineError) -> String {
    match (error, error.hint()) {
        (autoresearch::EngineError::Config(error), _) => error.render(false),
        (error, Some(hint)) => format!("{error}\nremedy: {hint}"),
        (error, None) => error.to_string(),
    }
}

/// One experiment.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub(crate) struct Row {
    /// Its number; 0 is the baseline, the unmodified target.
    pub(crate) number: u64,
    /// `keep`, `discard` or `crash`.
    pub(crate) verdict: String,
    /// The measured number; null for a crash.
    pub(crate) metric: Option<f64>,
    /// What it tested.
    pub(crate) hypothesis: String,
    /// Why the verdict.
    pub(crate) reason: String,
    /// The first letters of its commit.
    pub(crate) commit: Option<String>,
}

impl From<&Entry> for Row {
    fn from(entry: &Entry) -> Row {
        Row {
            number: entry.number,
            verdict: entry.verdict.to_string(),
            metric: entry.metric,
            hypothesis: entry.hypothesis.clone(),
            reason: entry.reason.clone(),
            commit: entry.commit.as_ref().map(|commit| commit.chars().take(7).collect()),
        }
    }
}

/// What a session is about and how to work with it.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Context {
    /// The metric, and which way is better, as `val_bpb (minimize)`.
    pub(crate) metric: String,
    /// The only files that may change.
    pub(crate) targets: Vec<String>,
    /// What may change in them: `architecture`, `hyperparameters`, `optimizer` or `all`.
    pub(crate) scope: String,
    /// Files to read and never to change: data preparation and evaluation.
    pub(crate) read_only: Vec<String>,
    /// What nobody may change, and what happens to such a proposal.
    pub(crate) protected: String,
    /// The command of one run, and what a run may use.
    pub(crate) run: String,
    /// Where the session stands.
    pub(crate) standing: Standing,
    /// How to work here, in order.
    pub(crate) how_to_work: Vec<String>,
}

/// Where a session stands.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub(crate) struct Standing {
    /// `none` (no session yet), `running`, `waiting` (for your proposal), or
    /// `resting` (nobody runs it; `start` goes on).
    pub(crate) state: String,
    /// Name of the session.
    pub(crate) tag: Option<String>,
    /// The branch that holds what was kept.
    pub(crate) branch: Option<String>,
    /// Why it rests.
    pub(crate) stopped: Option<String>,
    /// What is going on now.
    pub(crate) doing: Option<String>,
    /// The baseline's metric.
    pub(crate) baseline: Option<f64>,
    /// The best so far: what a proposal changes.
    pub(crate) best: Option<Row>,
    /// Experiments that were kept, without the baseline.
    pub(crate) kept: u64,
    /// Experiments that were discarded.
    pub(crate) discarded: u64,
    /// Experiments that crashed.
    pub(crate) crashed: u64,
    /// The most experiments that the session may make; null is no limit.
    pub(crate) iterations: Option<u64>,
    /// Proposals that wait for their turn.
    pub(crate) queued: Vec<String>,
    /// The last few experiments, oldest first.
    pub(crate) last: Vec<Row>,
    /// What the engine had to say lately.
    pub(crate) notes: Vec<String>,
}

/// What `start` did, or would do.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Started {
    /// Whether it runs now; false for a dry run.
    pub(crate) running: bool,
    /// Name of the session.
    pub(crate) tag: Option<String>,
    /// What it does, or would do.
    pub(crate) actions: Vec<String>,
    /// What is worth knowing.
    pub(crate) notes: Vec<String>,
    /// What to do now.
    pub(crate) next: String,
}

/// What became of a proposal so far.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Proposed {
    /// `running`, `queued` or `refused`.
    pub(crate) state: String,
    /// The proposal's number, for `wait`.
    pub(crate) proposal: Option<i64>,
    /// The experiment's number, once it has one.
    pub(crate) experiment: Option<u64>,
    /// Why it was refused or set aside; see `next`. It cost no experiment.
    pub(crate) refused: Option<String>,
    /// What to do now.
    pub(crate) next: String,
}

/// What came of waiting.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Waited {
    /// Whether what was waited for has happened; if not, call `wait` again.
    pub(crate) done: bool,
    /// The experiment, once it is settled; without a number, the last one that was settled meanwhile.
    pub(crate) experiment: Option<Row>,
    /// Why the proposal was refused.
    pub(crate) refused: Option<String>,
    /// `running`, `waiting` (for your proposal) or `resting`.
    pub(crate) state: String,
    /// Why it rests.
    pub(crate) stopped: Option<String>,
    /// What is going on now.
    pub(crate) doing: Option<String>,
    /// What happened meanwhile, oldest first.
    pub(crate) happened: Vec<String>,
}

/// Experiments.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct History {
    /// How many there are in all that the filter lets through.
    pub(crate) total: usize,
    /// The last of them, oldest first.
    pub(crate) experiments: Vec<Row>,
}

/// What `stop` asked for.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Stopping {
    /// Name of the session.
    pub(crate) tag: String,
    /// When it stops.
    pub(crate) when: String,
}

/// Rows of the entries of a view.
pub(crate) fn rows(entries: &[Entry]) -> Vec<Row> {
    entries.iter().map(Row::from).collect()
}
