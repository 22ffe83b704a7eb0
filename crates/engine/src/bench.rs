//! Where trials run: a worktree that holds exactly the candidate, the run
//! command in it under a supervisor, and the reading of what it says.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use std::time::Duration;

use autoresearch_config::Config;
use autoresearch_core::experiment::CommitId;
use autoresearch_core::trial::{Crash, CrashKind, Exit, Trial};
use autoresearch_repo::{Repo, Worktree};
use autoresearch_run::{Confinement, Executor, Job, Limits, LogLimit, Report, RunError};

use crate::error::EngineError;
use crate::guard::Targets;
use crate::measure::trial_of;
use crate::places::Places;
use crate::stop::{Stop, Urgency};
use crate::wrap;

/// Between two looks at requests to stop.
const TICK: Duration = Duration::from_millis(200);

/// A finished trial as a metric function sees it.
#[derive(Debug)]
pub struct FinishedTrial<'a> {
    /// Exit, usage and everything the run reported.
    pub trial: &'a Trial,
    /// The working directory in which it ran, as it left it.
    pub folder: &'a Path,
    /// Its merged output.
    pub log: &'a Path,
    /// Number of the experiment.
    pub number: u64,
}

/// A metric that the caller computes (SPEC A3).
pub(crate) type MetricFn =
    Box<dyn Fn(&FinishedTrial<'_>) -> Result<f64, Box<dyn std::error::Error + Send + Sync>> + Send>;

/// A worktree that trials of one session run on.
#[derive(Debug, Default)]
pub(crate) struct Place {
    worktree: Option<Worktree>,
    /// Cleans up after the last trial, beside whatever comes next.
    cleaning: Option<JoinHandle<bool>>,
}

impl Place {
    /// Makes it hold exactly `commit`, and the links.
    pub(crate) fn hold(
        &mut self,
        repo: &Repo,
        path: &Path,
        commit: &CommitId,
        links: &[String],
    ) -> Result<(), EngineError> {
        let is_clean = self.cleaning.take().is_some_and(|thread| thread.join().unwrap_or(false));
        match &self.worktree {
            Some(worktree) if is_clean => worktree.move_to(commit, links)?,
            Some(worktree) => worktree.reset_to(commit, links)?,
            None => {
                let fresh = repo.worktree(path, commit)?;
                fresh.reset_to(commit, links)?;
                self.worktree = Some(fresh);
            }
        }
        if let Some(worktree) = &self.worktree {
            worktree.link(repo.root(), links)?;
        }
        Ok(())
    }

    /// Nobody works there any more: begins to clean up.
    fn release(&mut self, links: &[String]) {
        let links = links.to_vec();
        self.cleaning = self
            .worktree
            .clone()
            .map(|worktree| std::thread::spawn(move || worktree.clean(&links).is_ok()));
    }

    /// The worktree, once it was made.
    pub(crate) fn worktree(&self) -> Option<&Worktree> {
        self.worktree.as_ref()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(thread) = self.cleaning.take() {
            let _ = thread.join();
        }
    }
}

pub(crate) struct Bench<'a> {
    pub(crate) executor: &'a dyn Executor,
    pub(crate) repo: Repo,
    pub(crate) places: Places,
    pub(crate) config: Config,
    /// Unique id of the session, the prefix of every trial's marker.
    pub(crate) session: String,
    /// Read-only files as they must still be after a trial.
    pub(crate) protected: Targets,
    pub(crate) metric_fn: Option<&'a MetricFn>,
    pub(crate) place: Place,
    pub(crate) scales: Place,
}

/// Which trial to run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Order<'a> {
    /// Number of the experiment.
    pub(crate) number: u64,
    /// Number of the trial, from 1.
    pub(crate) trial: u64,
    /// What `AUTORESEARCH_SEED` is.
    pub(crate) seed: u64,
    /// The candidate.
    pub(crate) commit: &'a CommitId,
}

impl Bench<'_> {
    /// Runs one trial. `tick` is called a few times a second.
    pub(crate) fn run(
        &mut self,
        order: &Order<'_>,
        stop: &Stop,
        tick: &mut dyn FnMut(),
    ) -> Result<Trial, EngineError> {
        let Order { number, trial, seed, commit } = *order;
        let bench = self.places.bench();
        self.place.hold(&self.repo, &bench, commit, &self.config.links)?;
        let out = self.places.out(number, trial);
        std::fs::create_dir_all(&out).map_err(EngineError::io("create", &out))?;
        let limit = self.config.budget + self.config.run.allowance;
        let is_sealed = self.config.metric.command.is_some();
        let mut job = Job {
            id: format!("{}/{number}-{trial}", self.session),
            command: self.config.run.command.clone(),
            directory: bench.clone(),
            environment: self.environment(number, seed, &out),
            stdin: None,
            deadline_seconds: limit.as_secs_f64(),
            grace_seconds: self.config.run.grace.as_secs_f64(),
            log: self.places.log(number, trial),
            log_limit: self.log_limit(),
            limits: Limits::default(),
            confinement: Confinement::default(),
            container: None,
            source: (!is_sealed && self.metric_fn.is_none()).then(|| self.config.source()),
            result: self.places.scratch().join("result.json"),
        };
        wrap::enclose(&self.config, &self.places, &self.session, order, &mut job)?;
        let container = job.container.as_ref().map(|container| container.name.clone());
        let Some(report) = wait(self.executor, &job, stop, tick)? else {
            return Ok(Trial { container, ..Trial::ended(seed, Exit::Lost) });
        };
        // Only succeeds when the trial left nothing there.
        let _ = std::fs::remove_dir(&out);
        let name = &self.config.metric.name;
        let mut outcome = trial_of(&report, seed, name, self.config.run.on_budget);
        outcome.container = container;
        if is_sealed || self.metric_fn.is_some() {
            // The run itself reports no metric; its absence is no failure yet.
            outcome.crash = outcome.crash.filter(|crash| crash.kind != CrashKind::NoMetric);
        }
        if let Some(path) = self.tampered() {
            let reason = format!("`{path}` was changed by the run");
            outcome.metric = None;
            outcome.crash = Some(Crash { kind: CrashKind::Tampered, reason });
        }
        if outcome.crash.is_none() && !outcome.is_interrupted() {
            if is_sealed {
                self.weigh(&mut outcome, order, stop, tick)?;
            } else if let Some(metric_fn) = self.metric_fn {
                let finished =
                    FinishedTrial { trial: &outcome, folder: &bench, log: &job.log, number };
                let value =
                    metric_fn(&finished).map_err(|e| EngineError::MetricFn(e.to_string()))?;
                if value.is_finite() {
                    outcome.metric = Some(value);
                } else {
                    let reason = format!("the metric function returned {value}");
                    outcome.crash = Some(Crash { kind: CrashKind::NotFinite, reason });
                }
            }
        }
        self.place.release(&self.config.links);
        Ok(outcome)
    }

    /// Measures with a second command in a pristine checkout of the candidate,
    /// to which only the declared artefacts are carried over.
    fn weigh(
        &mut self,
        outcome: &mut Trial,
        order: &Order<'_>,
        stop: &Stop,
        tick: &mut dyn FnMut(),
    ) -> Result<(), EngineError> {
        let Order { number, trial, commit, .. } = *order;
        let folder = self.places.scales();
        self.scales.hold(&self.repo, &folder, commit, &self.config.links)?;
        for artifact in &self.config.metric.artifacts {
            let from = self.places.bench().join(artifact);
            let to = folder.join(artifact);
            if let Err(why) = carry(&from, &to) {
                let reason = format!("the artefact `{artifact}` cannot be carried over: {why}");
                outcome.crash = Some(Crash { kind: CrashKind::NoMetric, reason });
                return Ok(());
            }
        }
        let out = self.places.out(number, trial);
        let job = Job {
            id: format!("{}/{number}-{trial}-measure", self.session),
            command: self.config.metric.command.clone().unwrap_or_default(),
            directory: folder,
            environment: self.environment(number, outcome.seed, &out),
            stdin: None,
            deadline_seconds: self.config.metric.timeout.as_secs_f64(),
            grace_seconds: self.config.run.grace.as_secs_f64(),
            log: self.places.log(number, trial).with_extension("measure.log"),
            log_limit: self.log_limit(),
            limits: Limits::default(),
            confinement: Confinement::default(),
            container: None,
            source: Some(self.config.source()),
            result: self.places.scratch().join("result.json"),
        };
        let Some(report) = wait(self.executor, &job, stop, tick)? else {
            outcome.exit = Exit::Lost;
            return Ok(());
        };
        let name = &self.config.metric.name;
        let weighed = trial_of(&report, outcome.seed, name, autoresearch_config::OnBudget::Crash);
        outcome.metric = weighed.metric;
        outcome.secondary.extend(weighed.secondary);
        outcome.crash = weighed.crash.map(|crash| Crash {
            reason: format!("the measuring command: {}", crash.reason),
            ..crash
        });
        if weighed.exit == Exit::Interrupted {
            outcome.exit = Exit::Interrupted;
        }
        Ok(())
    }

    fn environment(&self, number: u64, seed: u64, out: &Path) -> BTreeMap<String, String> {
        let mut environment = self.config.run.env.clone();
        let seconds = self.config.budget.as_secs_f64();
        for (name, value) in [
            ("AUTORESEARCH_BUDGET_SECONDS", seconds.to_string()),
            ("AUTORESEARCH_SEED", seed.to_string()),
            ("AUTORESEARCH_EXPERIMENT", number.to_string()),
            ("AUTORESEARCH_SLOT", "0".to_owned()),
            ("AUTORESEARCH_OUT", out.display().to_string()),
        ] {
            environment.insert(name.to_owned(), value);
        }
        environment
    }

    fn log_limit(&self) -> LogLimit {
        LogLimit {
            head: self.config.run.log_head.0,
            tail: self.config.run.log_tail.0,
            ..LogLimit::default()
        }
    }

    /// A read-only file that the run changed.
    fn tampered(&self) -> Option<&str> {
        self.protected
            .iter()
            .find(|(path, bytes)| {
                let there = self.places.bench().join(path);
                let is_file = there.symlink_metadata().is_ok_and(|meta| meta.is_file());
                !is_file || std::fs::read(&there).ok().as_ref() != Some(bytes)
            })
            .map(|(path, _)| path.as_str())
    }
}

/// Runs a job to its end; `None` when its supervisor died.
pub(crate) fn wait(
    executor: &dyn Executor,
    job: &Job,
    stop: &Stop,
    tick: &mut dyn FnMut(),
) -> Result<Option<Report>, EngineError> {
    let mut running = executor.start(job)?;
    let mut asked = Urgency::None;
    loop {
        match running.wait(TICK) {
            Ok(Some(report)) => return Ok(Some(report)),
            Ok(None) => {}
            Err(RunError::SupervisorDied { .. }) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        tick();
        let urgency = stop.urgency();
        if urgency > asked {
            match urgency {
                Urgency::AtOnce => running.kill(),
                Urgency::Now => running.interrupt(),
                Urgency::AfterThis | Urgency::None => {}
            }
            asked = urgency;
        }
    }
}

/// Copies a file or a folder of files; a link is no artefact, since it could
/// lead anywhere.
fn carry(from: &Path, to: &PathBuf) -> std::io::Result<()> {
    let meta = from.symlink_metadata()?;
    if meta.is_dir() {
        std::fs::create_dir_all(to)?;
        for entry in std::fs::read_dir(from)? {
            let name = entry?.file_name();
            carry(&from.join(&name), &to.join(&name))?;
        }
        Ok(())
    } else if meta.is_file() {
        if let Some(parent) = to.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::copy(from, to).map(|_| ())
    } else {
        Err(std::io::Error::other("it is neither a file nor a folder"))
    }
}
