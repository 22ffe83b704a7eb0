//! Everything that can keep a session from running, with what to do about it.

use std::path::PathBuf;

use autoresearch_config::ConfigError;
use autoresearch_core::trial::Protection;
use autoresearch_ledger::{JournalError, LockError, TsvError};
use autoresearch_propose::TemplateError;
use autoresearch_repo::{LandError, RepoError};
use autoresearch_run::RunError;

/// Why a session cannot go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// Git.
    #[error("failed to {0}")]
    Repo(#[from] RepoError),
    /// Merging back.
    #[error("failed to {0}")]
    Land(#[from] LandError),
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The lock.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// Running a trial.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A template of the brief.
    #[error("a template of the brief is of no use: {0}")]
    Template(#[from] TemplateError),
    /// A results table.
    #[error("failed to read {}: {source}", path.display())]
    Table {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: TsvError,
    },
    /// A file cannot be read or written.
    #[error("failed to {what} {}: {source}", path.display())]
    Io {
        /// What was tried, as `write`.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A target or read-only file is not fit for it.
    #[error("`{path}` {what}")]
    BadFile {
        /// As configured.
        path: String,
        /// What is wrong with it.
        what: String,
        /// What to do.
        hint: String,
    },
    /// A path outside the worktree, named by a key, is not fit for it.
    #[error("`{key}`: `{path}` {what}")]
    BadPath {
        /// As `run.readable`.
        key: &'static str,
        /// As configured.
        path: String,
        /// What is wrong with it.
        what: String,
        /// What to do.
        hint: String,
    },
    /// Runs cannot be confined as the configuration demands.
    #[error("`run.protection` demands {wanted} runs, which this machine does not offer")]
    Unconfinable {
        /// What is demanded.
        wanted: Protection,
        /// Why not, and what to do.
        why: String,
    },
    /// Nobody proposes under this name.
    #[error("no proposer is called `{name}`")]
    UnknownProposer {
        /// As configured.
        name: String,
        /// Who does.
        known: Vec<String>,
    },
    /// An agent cannot be asked.
    #[error("the agent `{name}` cannot propose: {what}")]
    UnfitAgent {
        /// Its name.
        name: String,
        /// What is missing.
        what: String,
        /// What to do.
        remedy: String,
    },
    /// The model of the configuration cannot be asked.
    #[error(transparent)]
    Model(#[from] autoresearch_models::Misfit),
    /// Runs would get the variable that holds the model's key.
    #[error("runs would see the key in the variable `{0}`")]
    KeyInSight(String),
    /// The tag is no name for a branch.
    #[error("`{0}` cannot be a tag")]
    BadTag(String),
    /// A session of this tag exists.
    #[error("a session `{0}` exists already")]
    TagTaken(String),
    /// The branch of this tag exists, and no session.
    #[error("the branch {0} exists already, and no session here has made it")]
    BranchTaken(String),
    /// The results file belongs to somebody else.
    #[error("{} exists and was not written by a session here", .0.display())]
    ResultsTaken(PathBuf),
    /// A stop rule cannot be read.
    #[error(transparent)]
    Rule(#[from] autoresearch_core::stop::BadRule),
    /// A range of the search cannot be read.
    #[error("`search.{name}`: {source}")]
    Range {
        /// The setting that it is for.
        name: String,
        /// What is wrong with it.
        source: autoresearch_propose::knobs::SpecError,
    },
    /// What is put before the run command does not fit.
    #[error("`run.wrap`: {0}")]
    Wrap(#[from] autoresearch_run::container::BadWrapper),
    /// A run in a container cannot be confined.
    #[error(
        "runs cannot be {0} with a container in `run.wrap`: its tool has to start it from outside of the sandbox"
    )]
    WrapIsNoSandbox(autoresearch_core::trial::Protection),
    /// Runs cannot have as many CPUs as threads.
    #[error("`run.threads`: {0}")]
    Threads(#[from] autoresearch_run::cpus::NotEnough),
    /// The CPU time of runs cannot be counted here.
    #[error("`budget`: the CPU time of runs cannot be counted {0}")]
    UncountedCpu(&'static str),
    /// There is no session.
    #[error("no session{} in {}", tag.as_ref().map(|t| format!(" `{t}`")).unwrap_or_default(), root.display())]
    NoSession {
        /// The tag asked for.
        tag: Option<String>,
        /// The checkout.
        root: PathBuf,
    },
    /// There is no such experiment.
    #[error("no experiment {0} in this session")]
    NoExperiment(u64),
    /// Which tests the baseline has is not known any more.
    #[error("the tests of the baseline are not known: {} is gone or broken", path.display())]
    NoTests {
        /// The file of its first trial.
        path: PathBuf,
        /// The session's tag.
        tag: String,
    },
    /// The baseline is the best, or is to be compared with itself.
    #[error("there is nothing to compare: #{0} is the best itself")]
    NothingToCompare(u64),
    /// Another tool ran it, and git has lost it.
    #[error("the commit of #{0} is not known, so it cannot run again")]
    NoCommit(u64),
    /// No run of a comparison was measured on both sides.
    #[error("nothing was measured: the runs of #{against} or of #{best} failed")]
    NothingMeasured {
        /// What was compared with.
        against: u64,
        /// The best.
        best: u64,
    },
    /// The branch is not where the journal left it.
    #[error("the branch {branch} is at {found}, where the journal expects {expected}")]
    BranchMoved {
        /// The branch.
        branch: String,
        /// Where it is.
        found: String,
        /// Where it should be.
        expected: String,
    },
    /// The journal holds no session.
    #[error("the journal of `{0}` holds no session; it was never opened")]
    Empty(String),
    /// A plot cannot be drawn.
    #[error("failed to draw the plot: {0}")]
    Plot(String),
}

impl EngineError {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            EngineError::BadFile { hint, .. } | EngineError::BadPath { hint, .. } => hint.clone(),
            EngineError::WrapIsNoSandbox(_) => {
                "set `run.protection = \"best\"` and let the container's own isolation protect, or leave `run.wrap` out".to_owned()
            }
            EngineError::Unconfinable { why, .. } => {
                format!("{why}; or take the best that there is with `run.protection = \"best\"`")
            }
            EngineError::Threads(short) => format!(
                "set `run.threads` to {} or less, or leave it out for all CPUs",
                short.there.max(1)
            ),
            EngineError::UncountedCpu(_) => {
                "give a budget of time, as `5m`, or of steps".to_owned()
            }
            EngineError::UnknownProposer { name, known } => {
                let all = format!("known are {}", known.join(", "));
                let likeness = |known: &&String| strsim::normalized_damerau_levenshtein(known, name);
                let nearest = known.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
                nearest.filter(|known| likeness(known) >= 0.5).map_or_else(
                    || all.clone(),
                    |nearest| format!("did you mean `{nearest}`? {all}"),
                )
            }
            EngineError::UnfitAgent { remedy, .. } => remedy.clone(),
            EngineError::Model(misfit) => misfit.hint(),
            EngineError::KeyInSight(name) => {
                format!("call it `{name}_API_KEY`: variables of such names are kept from runs")
            }
            EngineError::BadTag(_) => {
                "use letters, digits, `-`, `_` and `.`, as in `mar8`".to_owned()
            }
            EngineError::BranchTaken(branch) => format!(
                "choose another `--tag`, or delete it if nothing is on it: `git branch -D {branch}`"
            ),
            EngineError::TagTaken(tag) => format!(
                "go on with it by `autoresearch resume --tag {tag}`, or choose another `--tag`"
            ),
            EngineError::ResultsTaken(path) => format!(
                "choose another file with `--results`, or take it up with `autoresearch import {}`",
                path.display()
            ),
            EngineError::NoSession { .. } => {
                "start one with `autoresearch run`, or name another folder with `-C`".to_owned()
            }
            EngineError::NoTests { tag, .. } => format!(
                "every trial is counted against them: put the file back and `autoresearch resume --tag {tag}`, or begin a new session from what this one found (`git switch autoresearch/{tag}`)"
            ),
            EngineError::NothingToCompare(0) => {
                "go on with `autoresearch resume` until something is kept".to_owned()
            }
            EngineError::NoCommit(_) => {
                "compare with an experiment whose commit `autoresearch log` shows, by `--against`"
                    .to_owned()
            }
            EngineError::NothingToCompare(_) => {
                "leave `--against` out to compare it with the baseline".to_owned()
            }
            EngineError::NothingMeasured { against, best } => format!(
                "`autoresearch show {best}` and `autoresearch show {against}` name their logs"
            ),
            EngineError::Empty(tag) => format!("begin it anew with `autoresearch run --tag {tag}`"),
            EngineError::BranchMoved { branch, expected, .. } => format!(
                "move it back with `git branch -f {branch} {expected}`, or start another session from it"
            ),
            EngineError::Lock(LockError::Held(_)) => {
                "watch it with `autoresearch status`, or end it with `autoresearch stop`".to_owned()
            }
            EngineError::Io { source, .. }
                if matches!(
                    source.kind(),
                    std::io::ErrorKind::StorageFull
                        | std::io::ErrorKind::ReadOnlyFilesystem
                        | std::io::ErrorKind::PermissionDenied
                ) =>
            {
                "nothing was lost: free space or mend permissions, then `autoresearch resume`"
                    .to_owned()
            }
            _ => return None,
        })
    }

    pub(crate) fn io(
        what: &'static str,
        path: &std::path::Path,
    ) -> impl FnOnce(std::io::Error) -> EngineError {
        let path = path.to_owned();
        move |source| EngineError::Io { what, path, source }
    }
}
