//! The config as meant: typed, complete, nothing left to interpret.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use autoresearch_core::agent::Table;
use autoresearch_core::budget::Budget;
use autoresearch_core::constraint::Constraint;
use autoresearch_core::judge::{Mode, Suspects};
use autoresearch_core::metric::{Direction, Source, Take};
use autoresearch_core::preset::Preset;
use autoresearch_core::proposal::Scope;
use autoresearch_core::stopping::EarlyStop;
use autoresearch_core::units::Bytes;
use serde::{Deserialize, Serialize};

use crate::text::{duration_text, optional_duration_text, optional_size_text, size_text};

/// What a session is about. Made by [`Layers::resolve`](crate::Layers::resolve),
/// which has checked what the comments say. Serialises with times and sizes
/// as text, and reads back as the same value. Paths are relative to the root
/// of the repository, with `/`, without `.` and `..`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Config {
    /// The files under experiment; at least one, none twice.
    pub target: Vec<String>,
    /// Files that proposers read and nobody changes; no target among them.
    pub read_only: Vec<String>,
    /// What one experiment's run may use; times are at least a millisecond.
    #[serde(with = "crate::budget::as_written")]
    pub budget: Budget,
    /// How many experiments at most; `None` is unlimited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iterations: Option<u64>,
    /// What may be changed in the targets.
    pub scope: Scope,
    /// Name of the session; `None` is for the engine to choose by the date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// Where the table of results is written.
    pub results: String,
    /// Untracked paths that are linked into worktrees.
    pub links: Vec<String>,
    /// What is measured.
    pub metric: Metric,
    /// How a trial is run.
    pub run: Run,
    /// Who proposes.
    pub propose: Propose,
    /// The model behind an API that the proposer `model` asks.
    #[serde(default)]
    pub model: Model,
    /// How results are judged.
    pub judge: Judge,
    /// What must pass before a keep.
    pub checks: Checks,
    /// What outlives the session.
    #[serde(default)]
    pub memory: Memory,
    /// When the session ends.
    pub stop: Stop,
    /// Tables about agents by name; they lie over the presets.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub agent: BTreeMap<String, Table>,
    /// Ranges for the search by the name of a setting, as written.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub search: BTreeMap<String, String>,
}

/// The number that experiments are judged by, and where it is found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    /// A ready-made metric, by name; [`Preset::named`] knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preset: Option<String>,
    /// Where the preset's report lies, as patterns.
    #[serde(default)]
    pub report: Vec<String>,
    /// Its name; heads a column of `results.tsv`.
    pub name: String,
    /// Which way is better.
    pub direction: Direction,
    /// A valid regular expression with at least one group; excludes `json`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// Which of the values that one run prints counts; `last` with `json`.
    #[serde(default)]
    pub take: Take,
    /// A JSON file that the run writes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub json: Option<String>,
    /// Where in the JSON file; `None` is under the metric's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// A second command whose output is read instead of the run's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<Vec<String>>,
    /// What is carried over to the second command.
    pub artifacts: Vec<String>,
    /// How long the second command may take.
    #[serde(with = "duration_text")]
    pub timeout: Duration,
    /// What exists for the second command alone.
    pub held_out: Vec<String>,
    /// Whether an artefact may be a pickle.
    pub allow_pickle: bool,
}

/// How a trial is run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// Program and arguments; at least the program.
    pub command: Vec<String>,
    /// Time beyond the budget before a run is ended.
    #[serde(with = "duration_text")]
    pub allowance: Duration,
    /// Time between asking a run to end and ending it.
    #[serde(with = "duration_text")]
    pub grace: Duration,
    /// What a run that was ended at its budget counts as.
    pub on_budget: OnBudget,
    /// CPUs that a run is held to; `None` is all. At least one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threads: Option<u64>,
    /// Handed to runs; at most `i64::MAX`, as TOML has it.
    pub seed: u64,
    /// How a run is repeated under another seed.
    pub seeds: Seeds,
    /// How much of the beginning of a long log stays in plain text.
    #[serde(with = "size_text")]
    pub log_head: Bytes,
    /// How much of the end of a long log stays in plain text.
    #[serde(with = "size_text")]
    pub log_tail: Bytes,
    /// How runs and proposers are confined.
    pub protection: Confine,
    /// What runs may read besides; absolute, below `~`, or in the repository.
    pub readable: Vec<String>,
    /// What runs may write besides, written likewise.
    pub writable: Vec<String>,
    /// Whether runs may reach the network.
    pub network: bool,
    /// Memory of a run's processes together; `None` is a share of the machine's.
    #[serde(default, with = "optional_size_text", skip_serializing_if = "Option::is_none")]
    pub memory: Option<Bytes>,
    /// Processes and threads at a time; at least one.
    pub processes: u64,
    /// Output of one run.
    #[serde(with = "size_text")]
    pub output: Bytes,
    /// Disk space that one run fills.
    #[serde(with = "size_text")]
    pub disk: Bytes,
    /// Put before the command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wrap: Option<Vec<String>>,
    /// The setting that is halved when memory runs out; `None` is to find it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<String>,
    /// Whether the platform's edits of the target may be made.
    pub adjust: bool,
    /// Environment variables of the runs.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
}

/// How a run is repeated under another seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Seeds {
    /// By `AUTORESEARCH_SEED`; where nothing reads that, by other values of the
    /// target's own seeds on the worktree of the run.
    Auto,
    /// By `AUTORESEARCH_SEED` alone.
    Environment,
}

/// How runs and proposers are confined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Confine {
    /// As well as the machine can.
    Best,
    /// In a sandbox, or not at all.
    Sandboxed,
    /// By Landlock and seccomp, without namespaces.
    Restricted,
    /// Not confined.
    Unprotected,
}

/// What a run that was ended at its budget counts as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnBudget {
    /// It counts with the last metric that it reported.
    Last,
    /// It is a crash.
    Crash,
}

/// Who proposes, and with how much patience.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Propose {
    /// Who proposes when the queue is empty, by name; at least one.
    pub proposer: Vec<String>,
    /// Set when one of them is `command`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<Vec<String>>,
    /// The model that an agent, or the proposer `model`, uses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// How long one proposal may take.
    #[serde(with = "duration_text")]
    pub timeout: Duration,
    /// Refusals or failures in a row before the session stops; at least one.
    pub patience: u64,
    /// How long a session with the queue alone waits for a hypothesis.
    #[serde(with = "duration_text", default)]
    pub wait: Duration,
    /// How long every proposer may be out of reach before the session stops.
    #[serde(with = "duration_text")]
    pub outage: Duration,
    /// Proposals that may be written while a run goes on; `None` is as many as
    /// suit the proposer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lookahead: Option<u64>,
    /// What an hour of the machine is worth, in dollars; above zero.
    pub hour: f64,
    /// What all proposals together may cost, in dollars.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_dollars: Option<f64>,
    /// Tokens that all proposals together may use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u64>,
    /// How long proposers may work in all.
    #[serde(default, with = "optional_duration_text", skip_serializing_if = "Option::is_none")]
    pub max_time: Option<Duration>,
    /// What one proposal may cost, in dollars.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_dollars_each: Option<f64>,
    /// Tokens that one proposal may use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tokens_each: Option<u64>,
    /// Whether proposers' programs may reach any host.
    pub network: bool,
    /// What proposers' programs may read besides, written as in [`Run::readable`].
    pub readable: Vec<String>,
    /// How large a brief is at most, the targets apart; less than 16 KiB counts as that.
    #[serde(with = "size_text")]
    pub brief: Bytes,
    /// Folder with templates for parts of the brief, written as in [`Run::readable`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub templates: Option<String>,
    /// What becomes of a proposal of several independent changes.
    pub bundles: Bundles,
}

/// What becomes of a proposal of several independent changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bundles {
    /// It is refused, unless a person made it.
    Refuse,
    /// It runs.
    Allow,
}

/// A model behind an API.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// Whose API is spoken, as `openai`; guessed where `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// As its API calls it; [`Propose::model`] where `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where the API is; the provider's own address where `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_url: Option<String>,
    /// Name of the variable with the key, never the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_env: Option<String>,
    /// How answers are written: `auto`, `blocks` or `json`.
    pub format: String,
    /// Most tokens of one answer; at least one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u32>,
    /// Sampling temperature, at least 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// US dollars for a million tokens read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price_in: Option<f64>,
    /// The same for those read from a cache; `price_in` where `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price_cached: Option<f64>,
    /// US dollars for a million tokens written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price_out: Option<f64>,
}

impl Default for Model {
    /// What journals mean that were written before there were models.
    fn default() -> Model {
        Model {
            provider: None,
            name: None,
            base_url: None,
            key_env: None,
            format: "auto".to_owned(),
            max_tokens: None,
            temperature: None,
            price_in: None,
            price_cached: None,
            price_out: None,
        }
    }
}

/// How results are judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Judge {
    /// How much is asked of evidence.
    pub mode: Mode,
    /// What 20 added lines of code must bring, in half standard deviations of
    /// the metric's noise.
    pub complexity: u32,
    /// What becomes of a result that is too good to be true.
    pub suspects: Suspects,
    /// Whether hopeless runs are ended early.
    pub early_stop: EarlyStop,
    /// The series that shows it; `None` is the metric itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub series: Option<String>,
    /// What a candidate must hold to, whatever its metric.
    pub constraints: Vec<Constraint>,
    /// Runs of the baseline and of the best each that a session ends with.
    pub verify: u64,
}

/// What must pass before anything is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Checks {
    /// Program and arguments; `None` checks nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<Vec<String>>,
    /// How long it may take.
    #[serde(with = "duration_text")]
    pub timeout: Duration,
}

/// What outlives the session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    /// Whether it is written and read.
    pub enabled: bool,
    /// The vault's folder: absolute, below `~`, or in the repository; `None` is the
    /// user's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

impl Default for Memory {
    /// What journals mean that were written before there was one.
    fn default() -> Memory {
        Memory { enabled: true, path: None }
    }
}

/// When the session ends by itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stop {
    /// Rules, as written: `val_bpb <= 0.9`, `no keep in 20`.
    pub when: Vec<String>,
    /// How long the whole session may take; `None` is unlimited.
    #[serde(default, with = "optional_duration_text", skip_serializing_if = "Option::is_none")]
    pub time: Option<Duration>,
}

impl Config {
    /// Where learning curves are read from: the named series, else the metric,
    /// where that is in the output of the run and its last value counts:
    /// repetitions of a measurement are no curve. None where runs are not bound
    /// by time, since curves are compared at equal times.
    pub fn series(&self) -> Option<Source> {
        let Metric { name, command, json, take, .. } = &self.metric;
        if self.budget.quota().is_some() {
            return None;
        }
        if let Some(series) = self.judge.series.as_ref().filter(|series| *series != name) {
            return Some(Source::Printed { name: series.clone() });
        }
        let is_curve = self.preset().is_none_or(Preset::is_a_key)
            && command.is_none()
            && json.is_none()
            && *take == Take::Last;
        is_curve.then(|| self.source())
    }

    /// Exit codes with which whatever measures has done its work.
    pub fn codes(&self) -> RangeInclusive<i32> {
        self.preset().map_or(0..=0, |preset| preset.codes.clone())
    }

    /// The ready-made metric that it is.
    pub fn preset(&self) -> Option<&'static Preset> {
        self.metric.preset.as_deref().and_then(Preset::named)
    }

    /// Where the metric is read from.
    pub fn source(&self) -> Source {
        let Metric { name, pattern, json, key, .. } = &self.metric;
        let name = name.clone();
        if let Some(preset) = self.preset().filter(|preset| !preset.is_a_key()) {
            let files = self.metric.report.clone();
            return Source::Report { name, format: preset.format, files };
        }
        match (pattern, json) {
            (Some(pattern), _) => Source::Pattern { name, pattern: pattern.clone() },
            (None, Some(file)) => {
                let key = key.clone().unwrap_or_else(|| name.clone());
                Source::Json { name, file: file.clone(), key }
            }
            (None, None) => Source::Printed { name },
        }
    }
}
