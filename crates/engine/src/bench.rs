//! Where trials run: a worktree that holds exactly the candidate, the run
//! command in it under a supervisor, and the reading of what it says.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use autoresearch_config::Config;
use autoresearch_core::conditions::Conditions;
use autoresearch_core::constraint::Constraint;
use autoresearch_core::experiment::CommitId;
use autoresearch_core::metric::{Source, Take};
use autoresearch_core::proposal::Fingerprint;
use autoresearch_core::stopping::EarlyStop;
use autoresearch_core::trial::{Crash, CrashKind, Exit, Seal, Trial};
use autoresearch_repo::Repo;
use autoresearch_run::{Confinement, Executor, Job, LogLimit, Report, RunError, Talk};

use crate::confine::Walls;
use crate::environment::Environment;
use crate::error::EngineError;
use crate::fair::{self, GpuWatch};
use crate::integrity::{HeldOut, Protected, Stamp};
use crate::measure::{SUCCESS, trial_of};
use crate::place::{Place, Setting, git_of};
use crate::places::Places;
use crate::seeds;
use crate::stop::{Stop, Urgency};
use crate::suite::Suite;
use crate::watching::Watcher;
use crate::wrap;

/// Between two looks at requests to stop.
const TICK: Duration = Duration::from_millis(200);

/// A finished trial as a metric function sees it.
#[derive(Debug)]
#[non_exhaustive]
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

pub(crate) struct Bench<'a> {
    pub(crate) executor: &'a dyn Executor,
    pub(crate) repo: Repo,
    pub(crate) places: Places,
    pub(crate) config: Config,
    /// Unique id of the session, the prefix of every trial's marker.
    pub(crate) session: String,
    /// What no trial may change, and what none may see.
    pub(crate) protected: Protected,
    pub(crate) held_out: HeldOut,
    pub(crate) walls: Walls,
    pub(crate) environment: Environment,
    /// Identity of the configuration.
    pub(crate) configuration: Fingerprint,
    pub(crate) metric_fn: Option<&'a MetricFn>,
    pub(crate) place: Place,
    pub(crate) scales: Place,
    /// That runs are held to; none are all.
    pub(crate) cpus: Vec<usize>,
}

/// Which trial to run, or the checks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Order<'a> {
    /// Number of the experiment.
    pub(crate) number: u64,
    /// Number of the trial, from 1; [`CHECKS`](crate::places::CHECKS) for the checks.
    pub(crate) trial: u64,
    /// What `AUTORESEARCH_SEED` is.
    pub(crate) seed: u64,
    /// The candidate.
    pub(crate) commit: &'a CommitId,
}

impl Bench<'_> {
    /// Runs one trial, and ends it when `watcher` says so. `tick` is called a few times a second.
    pub(crate) fn run(
        &mut self,
        order: &Order<'_>,
        stop: &Stop,
        mut watcher: Option<Watcher>,
        tick: &mut dyn FnMut(),
    ) -> Result<Trial, EngineError> {
        let Order { number, trial, seed, commit } = *order;
        let suite = Suite::of(&self.config, &self.places, order)?;
        let bench = self.places.bench();
        let withheld = &self.held_out.tracked;
        let setting = Setting { links: &self.config.links, withheld, history: false };
        self.place.hold(&self.repo, &bench, commit, setting)?;
        let seeded = seeds::overlay(&self.config, &bench, seed)?;
        let before = self.protected.stamps(&bench);
        let out = self.places.out(number, trial);
        std::fs::create_dir_all(&out).map_err(EngineError::io("create", &out))?;
        let seal = self.seal()?;
        let is_sealed = self.config.metric.command.is_some();
        let mut job = self.job(order, &bench, &out);
        let limit = self.config.budget.wall() + self.config.run.allowance;
        job.deadline_seconds = limit.as_secs_f64();
        job.quota = self.config.budget.quota().cloned();
        job.take = self.config.metric.take;
        job.confinement =
            self.walls.trial(&bench, git_of(&bench), &out, self.protected.walls(&bench));
        let is_measured_elsewhere = is_sealed || self.metric_fn.is_some();
        job.wanted = self.wanted();
        job.source = (!is_measured_elsewhere).then(|| self.config.source());
        job.series = self.series();
        wrap::enclose(&self.config, &self.places, &self.session, order, &mut job)?;
        let container = job.container.as_ref().map(|container| container.name.clone());
        let gpus = GpuWatch::begin();
        let ended = wait(self.executor, &job, stop, watcher.as_mut(), tick)?;
        let gpus = gpus.end();
        let Some(report) = ended else {
            let seal = Some(seal);
            return Ok(Trial { seal, container, seeded, ..Trial::ended(seed, Exit::Lost) });
        };
        // Only succeeds when the trial left nothing there.
        let _ = std::fs::remove_dir(&out);
        let on_budget = self.config.run.on_budget;
        let (mut outcome, report) = if is_measured_elsewhere {
            let name = &self.config.metric.name;
            (trial_of(&report, seed, name, &SUCCESS, on_budget), report)
        } else {
            self.trial_with_tests(report, suite.as_ref(), &bench, order, on_budget)?
        };
        outcome.container = container;
        if let Some(watcher) = watcher {
            watcher.tell(&mut outcome);
        }
        if outcome.exit != Exit::Hopeless && report.curve.points().len() > 1 {
            outcome.curve = Some(report.curve.thinned());
        }
        outcome.seeded = seeded;
        outcome.conditions = outcome.conditions.map(|conditions| Conditions { gpus, ..conditions });
        if let (Exit::Deadline, Some(quota)) = (&outcome.exit, self.config.budget.quota()) {
            // A run that hangs is not one that has used its budget.
            outcome.metric = None;
            outcome.crash = Some(fair::hung(quota, limit));
        }
        if is_measured_elsewhere {
            // The run itself reports no metric; its absence is no failure yet.
            outcome.crash = outcome.crash.filter(|crash| crash.kind != CrashKind::NoMetric);
            outcome.secondary.retain(|name, _| job.wanted.contains(name));
        }
        outcome.seal = Some(seal);
        if let Some(reason) = self.tampering(&report, &before, commit)? {
            outcome.metric = None;
            outcome.crash = Some(Crash { kind: CrashKind::Tampered, reason });
        }
        let is_whole = !outcome.is_interrupted() && outcome.exit != Exit::Hopeless;
        if outcome.crash.is_none() && is_whole {
            if is_sealed {
                self.weigh(&mut outcome, suite.as_ref(), order, stop, tick)?;
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

    /// What learning curves are read from. A metric that is measured outside of
    /// the run is not in its output.
    fn series(&self) -> Option<Source> {
        let judge = &self.config.judge;
        let is_read = judge.series.is_some() || self.metric_fn.is_none();
        self.config.series().filter(|_| is_read && judge.early_stop != EarlyStop::Off)
    }

    /// What the constraints ask for, beside the metric.
    pub(crate) fn wanted(&self) -> Vec<String> {
        let names = self.config.judge.constraints.iter().flat_map(Constraint::names);
        names.filter(|name| *name != self.config.metric.name).map(str::to_owned).collect()
    }

    /// Under what the next trial is measured.
    fn seal(&mut self) -> Result<Seal, EngineError> {
        let record = self.places.environment();
        let sight = self.environment.look().map_err(EngineError::io("write", &record))?;
        Ok(Seal {
            evaluator: self.protected.evaluator,
            configuration: self.configuration,
            environment: sight.fingerprint,
            environment_changed: sight.changed,
        })
    }

    /// The run command in `folder`, not confined, without a deadline and
    /// without anything to read.
    pub(crate) fn job(&self, order: &Order<'_>, folder: &Path, out: &Path) -> Job {
        let Order { number, trial, seed, .. } = *order;
        Job {
            id: format!("{}/{number}-{trial}", self.session),
            command: self.config.run.command.clone(),
            directory: folder.to_owned(),
            environment: self.variables(number, seed, out),
            stdin: None,
            talk: Talk::None,
            deadline_seconds: 0.0,
            quota: None,
            allowance_seconds: self.config.run.allowance.as_secs_f64(),
            cpus: self.cpus.clone(),
            take: Take::Last,
            grace_seconds: self.config.run.grace.as_secs_f64(),
            log: self.places.log(number, trial),
            log_limit: self.log_limit(),
            limits: self.walls.limits(),
            confinement: Confinement::default(),
            container: None,
            source: None,
            series: None,
            wanted: Vec::new(),
            result: self.places.scratch().join("result.json"),
        }
    }

    /// What a job on the bench did to a protected file.
    pub(crate) fn tampering(
        &self,
        report: &Report,
        before: &[Stamp],
        commit: &CommitId,
    ) -> Result<Option<String>, EngineError> {
        if report.tampered.is_some() {
            return Ok(report.tampered.clone());
        }
        let Some(worktree) = self.place.worktree() else { return Ok(None) };
        let changed = self.protected.changed(before, worktree, commit, &self.config.links)?;
        Ok(changed.map(|path| format!("`{path}` was changed by the run")))
    }

    fn variables(&self, number: u64, seed: u64, out: &Path) -> BTreeMap<String, String> {
        let mut environment = fair::variables(&self.config);
        environment.extend(self.config.run.env.clone());
        let seconds = self.config.budget.wall().as_secs_f64();
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
}

/// Runs a job to its end; `None` when its supervisor died.
pub(crate) fn wait(
    executor: &dyn Executor,
    job: &Job,
    stop: &Stop,
    mut watcher: Option<&mut Watcher>,
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
        let points = running.points();
        if asked < Urgency::Now && watcher.as_mut().is_some_and(|watcher| watcher.hear(points)) {
            running.interrupt();
        }
    }
}
