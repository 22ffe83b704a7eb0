//! The experiment as a unit: any system with a number (SPEC A).

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use autoresearch_config::{Config, ConfigError, Layers, Origin};
use autoresearch_core::experiment::Experiment;
use autoresearch_core::metric::Direction;
use autoresearch_core::platform::Surroundings;
use autoresearch_core::session::StopReason;
use autoresearch_core::units::{counted, human_duration};
use autoresearch_propose::Proposer;
use autoresearch_run::Executor;

use crate::adjust::{self, Adjusting};
use crate::bench::{FinishedTrial, MetricFn};
use crate::conductor::read_targets;
use crate::error::EngineError;
use crate::news::{Observer, Silent};
use crate::open::{Opening, Session, local};
use crate::places::Places;
use crate::remembering::{self, Written};
use crate::stop::{Limit, Stop};
use crate::view::View;

/// What a metric function may fail with.
pub type MetricError = Box<dyn std::error::Error + Send + Sync>;

/// A target, a hypothesis, a number and a budget: one experiment, or a session
/// of them.
///
/// ```standalone_crate
/// use autoresearch::{Direction, SystemExperiment};
///
/// # fn repository(folder: &std::path::Path) -> std::io::Result<()> {
/// #     std::fs::write(folder.join("pool.conf"), "workers = 2\n")?;
/// #     let git = |words: &[&str]| {
/// #         std::process::Command::new("git").current_dir(folder).args(words).output()
/// #     };
/// #     git(&["init", "--quiet"])?;
/// #     git(&["add", "."])?;
/// #     git(&["-c", "user.name=Me", "-c", "user.email=me@example.org", "commit", "-qm", "A system"])?;
/// #     Ok(())
/// # }
/// fn main() -> Result<(), Box<dyn std::error::Error>> {
///     // Trials run under a supervisor, and the supervisor is this program.
///     if let Some(code) = autoresearch::supervise_if_asked() {
///         std::process::exit(code);
///     }
/// #   let place = tempfile::tempdir()?;
/// #   let folder = place.path();
/// #   repository(folder)?;
///     // A repository in `folder`, whose `pool.conf` says `workers = 2`.
///     let outcome = SystemExperiment::new(folder, "pool.conf")
///         .command(["awk", "{ print \"latency_ms:\", 100 / $3 + 6 * $3 }", "pool.conf"])
///         .metric("latency_ms", Direction::Minimize)
///         .change("more workers wait less", "pool.conf", "workers = 4\n")
///         .run()?;
///     assert_eq!(outcome.baseline(), Some(62.0));
///     assert_eq!(outcome.best(), Some(49.0));
///     Ok(())
/// }
/// ```
///
/// The executable that calls [`run`](SystemExperiment::run) must begin its
/// `main` with [`crate::supervise_if_asked`]: trials run under a supervisor,
/// and the supervisor is the same program.
pub struct SystemExperiment {
    folder: PathBuf,
    settings: Settings,
    hypotheses: Vec<Hypothesis>,
    metric_fn: Option<MetricFn>,
    proposer: Option<Box<dyn Proposer>>,
    executor: Option<Box<dyn Executor>>,
    revert_on_failure: bool,
    waits: Option<Duration>,
    vault: Option<PathBuf>,
    made_branch: Option<String>,
    surroundings: OnceLock<(Surroundings, Option<String>)>,
}

/// Where the configuration comes from: built here, or confirmed elsewhere.
enum Settings {
    Layers(Box<Layers>, Option<ConfigError>),
    Config(Box<Config>),
}

/// What a session would do, in sentences.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct DryRun {
    /// The configuration as the session would have it: patterns of targets have
    /// become files, the tag is chosen.
    pub config: Config,
    /// What is worth knowing before it begins.
    pub notes: Vec<String>,
    /// What it would do, as `create the branch …`.
    pub actions: Vec<String>,
    /// What it runs on and what is adjusted for that: label and value.
    pub platform: Vec<(&'static str, String)>,
    /// Edits of the target that the platform calls for, and that `run.adjust`
    /// does not allow yet, as `DEVICE_BATCH_SIZE 128 -> 32`.
    pub offered_edits: Vec<String>,
}

enum Hypothesis {
    Sentence(String),
    Patch(String, String),
    /// New contents of a target; becomes a patch against HEAD.
    Change {
        hypothesis: String,
        path: String,
        text: String,
    },
}

impl SystemExperiment {
    /// An experiment on `target`, in the repository around `folder`, with a
    /// budget of 5 minutes (SPEC A4) unless a preset has another. The command, and
    /// a metric with its direction, must be given, or a preset that has them.
    pub fn new(folder: impl Into<PathBuf>, target: &str) -> SystemExperiment {
        let settings = Settings::Layers(Box::default(), None);
        SystemExperiment::with(folder.into(), settings).set("target", target).set_as(
            "budget",
            "5m",
            Origin::Default,
        )
    }

    /// The training experiment (SPEC A7): `train.py` under `python3`, with
    /// `prepare.py` read-only and `val_bpb`, lower is better. Everything can be
    /// set otherwise.
    pub fn training(folder: impl Into<PathBuf>) -> SystemExperiment {
        SystemExperiment::new(folder, "train.py")
            .set("read_only", "prepare.py")
            .command(["python3", "train.py"])
            .metric("val_bpb", Direction::Minimize)
    }

    /// With a configuration that was confirmed elsewhere.
    pub fn from_config(folder: impl Into<PathBuf>, config: Config) -> SystemExperiment {
        SystemExperiment::with(folder.into(), Settings::Config(Box::new(config)))
    }

    fn with(folder: PathBuf, settings: Settings) -> SystemExperiment {
        SystemExperiment {
            folder,
            settings,
            hypotheses: Vec::new(),
            metric_fn: None,
            proposer: None,
            executor: None,
            revert_on_failure: true,
            waits: None,
            vault: None,
            made_branch: None,
            surroundings: OnceLock::new(),
        }
    }

    /// Sets a key of `autoresearch.toml`, as `run.grace` or `iterations`. A
    /// wrong one is reported by whatever is called last.
    #[must_use]
    pub fn set(self, key: &str, value: &str) -> Self {
        self.set_as(key, value, Origin::Flag(key.to_owned()))
    }

    fn set_as(mut self, key: &str, value: &str, origin: Origin) -> Self {
        if let Settings::Layers(layers, error @ None) = &mut self.settings
            && let Err(wrong) = layers.set(key, value, origin)
        {
            *error = Some(wrong);
        }
        self
    }

    /// The program and its arguments that make one trial.
    #[must_use]
    pub fn command<S: AsRef<str>>(self, command: impl IntoIterator<Item = S>) -> Self {
        let words: Vec<String> = command.into_iter().map(|s| s.as_ref().to_owned()).collect();
        self.set("run.command", &shlex_join(&words))
    }

    /// The metric by name, and which way is better.
    #[must_use]
    pub fn metric(self, name: &str, direction: Direction) -> Self {
        let direction = match direction {
            Direction::Minimize => "minimize",
            Direction::Maximize => "maximize",
        };
        self.set("metric.name", name).set("metric.direction", direction)
    }

    /// Computes the metric from a finished trial, in this process, instead of
    /// reading it from the output (SPEC A3).
    #[must_use]
    pub fn metric_fn(
        mut self,
        metric: impl Fn(&FinishedTrial<'_>) -> Result<f64, MetricError> + Send + 'static,
    ) -> Self {
        self.metric_fn = Some(Box::new(metric));
        self
    }

    /// Time limit of one trial.
    #[must_use]
    pub fn budget(self, budget: Duration) -> Self {
        self.set("budget", &format!("{}ms", budget.as_millis()))
    }

    /// A hypothesis in words; the proposer turns it into an edit.
    #[must_use]
    pub fn hypothesis(mut self, sentence: &str) -> Self {
        self.hypotheses.push(Hypothesis::Sentence(sentence.to_owned()));
        self
    }

    /// A hypothesis with its patch, in git's or `diff -u`'s form.
    #[must_use]
    pub fn patch(mut self, sentence: &str, patch: &str) -> Self {
        self.hypotheses.push(Hypothesis::Patch(sentence.to_owned(), patch.to_owned()));
        self
    }

    /// A hypothesis with the new contents of the target `path`.
    #[must_use]
    pub fn change(mut self, sentence: &str, path: &str, text: &str) -> Self {
        self.hypotheses.push(Hypothesis::Change {
            hypothesis: sentence.to_owned(),
            path: path.to_owned(),
            text: text.to_owned(),
        });
        self
    }

    /// Whether the branch goes back when a change is not kept; yes unless told
    /// otherwise (SPEC A5).
    #[must_use]
    pub fn revert_on_failure(mut self, revert: bool) -> Self {
        self.revert_on_failure = revert;
        self
    }

    /// Who proposes, instead of whom the configuration names.
    #[must_use]
    pub fn proposer(mut self, proposer: impl Proposer + 'static) -> Self {
        self.proposer = Some(Box::new(proposer));
        self
    }

    /// Lets the queue alone propose, whomever the configuration names, and
    /// waits for it: while nothing is queued the session reads its inbox, for at
    /// most `longest`, and then ends. For whoever drives a session from outside,
    /// through [`View::offer`].
    #[must_use]
    pub fn wait_for_hypotheses(mut self, longest: Duration) -> Self {
        self.waits = Some(longest);
        self
    }

    /// Reads and writes this vault, a folder of notes, unless the configuration names
    /// another or none. Without it, and where none is named, nothing outlives the session.
    #[must_use]
    pub fn vault(mut self, folder: Option<PathBuf>) -> Self {
        self.vault = folder;
        self
    }

    /// How trials are executed, instead of by this program as supervisor.
    #[must_use]
    pub fn executor(mut self, executor: impl Executor + 'static) -> Self {
        self.executor = Some(Box::new(executor));
        self
    }

    /// What trials run on, instead of this machine as it is found: for an
    /// executor whose machines differ from this one.
    #[must_use]
    pub fn surroundings(mut self, surroundings: Surroundings) -> Self {
        self.surroundings = OnceLock::from((surroundings, None));
        self
    }

    fn config(&self) -> Result<Config, EngineError> {
        match &self.settings {
            Settings::Config(config) => Ok((**config).clone()),
            Settings::Layers(_, Some(error)) => Err(error.clone().into()),
            Settings::Layers(layers, None) => {
                let mut layers = (**layers).clone();
                // A function needs no name to look for in the output.
                if self.metric_fn.is_some() && layers.origin("metric.name").is_none() {
                    layers.set("metric.name", "metric", Origin::Default)?;
                }
                if self.proposer.is_none() && !self.hypotheses.is_empty() {
                    let is_default =
                        matches!(layers.origin("propose.proposer"), Some(Origin::Default));
                    let all_written = !self
                        .hypotheses
                        .iter()
                        .any(|hypothesis| matches!(hypothesis, Hypothesis::Sentence(_)));
                    if is_default && all_written {
                        layers.set("propose.proposer", "queue", Origin::Default)?;
                    }
                }
                Ok(layers.resolve()?)
            }
        }
    }

    /// One experiment for each hypothesis, or one.
    fn config_of_a_run(&self) -> Result<Config, EngineError> {
        let mut config = self.config()?;
        config.iterations = Some(self.hypotheses.len().max(1) as u64);
        Ok(config)
    }

    fn check(&self, config: Config) -> Result<Opening, EngineError> {
        Opening::check(&self.folder, config, self.made_branch.as_deref())
    }

    /// What is adjusted for the platform; the machine is asked once.
    fn adjusting(&self, opening: &Opening) -> Result<Adjusting, EngineError> {
        let Opening { repo, head, config, .. } = opening;
        let targets = read_targets(repo, &head.commit, &config.target)?;
        let read_only = read_targets(repo, &head.commit, &config.read_only)?;
        let uses_torch = adjust::uses_torch(targets.iter().chain(&read_only));
        let (surroundings, trouble) =
            self.surroundings.get_or_init(|| adjust::surroundings(repo, config, uses_torch));
        let is_set = |name: &str| std::env::var_os(name).is_some();
        let mut adjusting = Adjusting::of(surroundings, &targets, uses_torch, config, &is_set);
        adjusting.notes.extend(trouble.clone());
        Ok(adjusting)
    }

    /// Says what [`run`](SystemExperiment::run) would do; touches nothing.
    ///
    /// # Errors
    /// Whatever would keep it from beginning.
    pub fn dry_run(&self) -> Result<DryRun, EngineError> {
        self.would(self.config_of_a_run()?)
    }

    /// Says what [`run_session`](SystemExperiment::run_session) would do;
    /// touches nothing.
    ///
    /// # Errors
    /// Whatever would keep it from beginning.
    pub fn dry_run_session(&self) -> Result<DryRun, EngineError> {
        self.would(self.config()?)
    }

    fn would(&self, config: Config) -> Result<DryRun, EngineError> {
        let opening = self.check(config)?;
        let adjusting = self.adjusting(&opening)?;
        let mut notes = opening.notes();
        notes.extend_from_slice(adjusting.notes());
        let own = match &self.proposer {
            Some(proposer) => Some(format!("`{}`", proposer.name())),
            None => self.waits.map(|_| "the queue alone".to_owned()),
        };
        let intentions = opening.intentions(self.hypotheses.len(), own)?;
        let actions = adjusting.intention().into_iter().chain(intentions).collect();
        let mut platform = adjusting.rows();
        let note = opening.seeds()?.note();
        let said = note.trim_start_matches("replicates").trim_start_matches(':').trim_start();
        platform.push(("Replicates", said.to_owned()));
        let is_offered = adjusting.adjusted.edits.is_empty();
        let offered_edits = if is_offered { adjusting.edits } else { Vec::new() };
        let config = opening.config;
        Ok(DryRun { config, notes, actions, platform, offered_edits })
    }

    /// Makes the research branch and nothing else; a later
    /// [`run`](SystemExperiment::run) of the same value uses it.
    ///
    /// # Errors
    /// When the tag is taken, or git refuses.
    pub fn create_branch(&mut self) -> Result<String, EngineError> {
        let opening = self.check(self.config()?)?;
        opening.repo.ensure_ref(&opening.places.branch_ref(), &opening.head.commit, None)?;
        self.made_branch = Some(opening.tag.clone());
        Ok(Places::branch(&opening.tag))
    }

    /// The whole experiment: a baseline, then one trial for each hypothesis, or
    /// for one proposal when there is none.
    ///
    /// # Errors
    /// What keeps the session from going on; a crash of a trial is a result.
    pub fn run(self) -> Result<Outcome, EngineError> {
        self.run_watched(&mut Silent, &Stop::default())
    }

    /// As [`run`](SystemExperiment::run), watched, and ended when `stop` says so.
    ///
    /// # Errors
    /// As [`run`](SystemExperiment::run).
    pub fn run_watched(
        mut self,
        observer: &mut dyn Observer,
        stop: &Stop,
    ) -> Result<Outcome, EngineError> {
        self.settings = Settings::Config(Box::new(self.config_of_a_run()?));
        self.run_session(observer, stop)
    }

    /// The loop: experiments until a limit, a stop rule or `stop` says so.
    ///
    /// # Errors
    /// What keeps the session from going on; nothing that was measured is lost
    /// then.
    pub fn run_session(
        self,
        observer: &mut dyn Observer,
        stop: &Stop,
    ) -> Result<Outcome, EngineError> {
        let opening = self.check(self.config()?)?;
        let adjusting = self.adjusting(&opening)?;
        let mut hypotheses = Vec::new();
        for hypothesis in self.hypotheses {
            hypotheses.push(match hypothesis {
                Hypothesis::Sentence(sentence) => (sentence, None),
                Hypothesis::Patch(sentence, patch) => (sentence, Some(patch)),
                Hypothesis::Change { hypothesis, path, text } => {
                    let before = opening.repo.read_file(&opening.head.commit, &path)?;
                    let before = String::from_utf8_lossy(&before.unwrap_or_default()).into_owned();
                    (hypothesis, Some(patch_between(&path, &before, &text)))
                }
            });
        }
        for note in opening.notes().iter().chain(adjusting.notes()) {
            observer.tell(&crate::news::News::Note(note.clone()));
        }
        observer.tell(&crate::news::News::Note(opening.seeds()?.note()));
        let mut session = opening.make(&adjusting, self.revert_on_failure, hypotheses)?;
        session.waits = self.waits;
        session.vault = self.vault;
        conduct(session, self.executor, self.proposer, self.metric_fn.as_ref(), observer, stop)
    }
}

impl SystemExperiment {
    /// Goes on with the earlier session of this value's tag (or the latest)
    /// with this value's proposer, metric function and executor; everything
    /// else is as it was confirmed.
    ///
    /// # Errors
    /// As [`resume`].
    pub fn resume_with(
        self,
        limit: Limit,
        observer: &mut dyn Observer,
        stop: &Stop,
    ) -> Result<Outcome, EngineError> {
        let tag = self.config()?.tag;
        let mut session = Session::resume(&self.folder, tag.as_deref(), limit, observer)?;
        session.waits = self.waits;
        session.vault = self.vault;
        conduct(session, self.executor, self.proposer, self.metric_fn.as_ref(), observer, stop)
    }
}

/// Goes on with an earlier session: the latest one, or that of `tag`; `vault` is as in
/// [`SystemExperiment::vault`].
///
/// # Errors
/// When there is none, another engine runs it, or it cannot go on.
pub fn resume(
    folder: &Path,
    tag: Option<&str>,
    limit: Limit,
    vault: Option<PathBuf>,
    observer: &mut dyn Observer,
    stop: &Stop,
) -> Result<Outcome, EngineError> {
    let mut session = Session::resume(folder, tag, limit, observer)?;
    session.vault = vault;
    conduct(session, None, None, None, observer, stop)
}

fn conduct(
    session: Session,
    executor: Option<Box<dyn Executor>>,
    proposer: Option<Box<dyn Proposer>>,
    metric_fn: Option<&MetricFn>,
    observer: &mut dyn Observer,
    stop: &Stop,
) -> Result<Outcome, EngineError> {
    let root = session.repo.root().to_owned();
    let tag = session.state.plan().map(|plan| plan.tag.clone());
    let executor = match executor {
        Some(executor) => executor,
        None => local()?,
    };
    let vault = session.vault();
    let mut conductor = session.conduct(&*executor, proposer, metric_fn, observer, stop.clone())?;
    let reason = conductor.run();
    drop(conductor);
    let view = View::open(&root, tag.as_deref())?;
    // Also of a session that failed: what it learned is on disk.
    let written =
        vault.as_deref().and_then(|vault| remembering::remember(&view, vault, stop, observer));
    let reason = reason?;
    view.write_report()?;
    Ok(Outcome { reason, view: view.with_vault(vault), written })
}

/// What came of a session.
pub struct Outcome {
    reason: StopReason,
    view: View,
    written: Option<Written>,
}

impl Outcome {
    /// Why it stopped.
    pub fn reason(&self) -> &StopReason {
        &self.reason
    }

    /// The session, for reading.
    pub fn view(&self) -> &View {
        &self.view
    }

    /// The session alone.
    pub fn into_view(self) -> View {
        self.view
    }

    /// What was written into the vault, if anything was.
    pub fn written(&self) -> Option<&Written> {
        self.written.as_ref()
    }

    /// Metric of the unmodified target; `None` when it failed.
    pub fn baseline(&self) -> Option<f64> {
        self.results().first().and_then(Experiment::metric)
    }

    /// Metric of the best experiment, the baseline included.
    pub fn best(&self) -> Option<f64> {
        self.view.incumbent().ok().flatten().and_then(|experiment| experiment.metric())
    }

    /// Every experiment with every metric of every trial, the baseline first;
    /// of a very long session the last thousand.
    pub fn results(&self) -> Vec<Experiment> {
        self.view.experiments(1000).unwrap_or_default()
    }
}

/// A patch that `git apply` takes.
pub(crate) fn patch_between(path: &str, before: &str, after: &str) -> String {
    let diff = similar::TextDiff::from_lines(before, after);
    let (a, b) = (format!("a/{path}"), format!("b/{path}"));
    diff.unified_diff().context_radius(3).header(&a, &b).to_string()
}

/// When a whole session ends, in words.
pub(crate) fn limits(config: &Config) -> String {
    let mut limits = Vec::new();
    if let Some(iterations) = config.iterations {
        limits.push(counted(iterations, "experiment"));
    }
    limits.extend(config.stop.time.map(human_duration));
    limits.extend(config.stop.when.iter().cloned());
    if limits.is_empty() {
        "go on until it is stopped".to_owned()
    } else {
        format!("stop after {}", limits.join(", or "))
    }
}

/// Words as a shell would need them quoted; a NUL cannot be quoted, and fails
/// when the command is run.
fn shlex_join(words: &[String]) -> String {
    shlex::try_join(words.iter().map(String::as_str)).unwrap_or_else(|_| words.join(" "))
}
