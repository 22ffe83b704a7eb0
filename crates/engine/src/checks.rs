//! The checks before a keep (`checks.command`): whether they pass on a pristine
//! checkout of the candidate, confined as a trial is.

use std::time::Duration;

use autoresearch_config::OnBudget;
use autoresearch_core::experiment::{Check, CommitId};
use autoresearch_core::trial::Exit;
use autoresearch_core::units::human_duration;
use autoresearch_run::Report;

use crate::bench::{Bench, Order, wait};
use crate::error::EngineError;
use crate::measure::{SUCCESS, crash_of};
use crate::place::{Setting, git_of};
use crate::places::CHECKS;
use crate::stop::Stop;
use crate::wrap;

impl Bench<'_> {
    /// Runs the checks of a candidate. `tick` is called a few times a second.
    pub(crate) fn check(
        &mut self,
        number: u64,
        commit: &CommitId,
        stop: &Stop,
        tick: &mut dyn FnMut(),
    ) -> Result<Check, EngineError> {
        let bench = self.places.bench();
        let withheld = &self.held_out.tracked;
        let setting = Setting { links: &self.config.links, withheld, history: false };
        // Not what the trial left: a commit is what would be kept.
        self.place.hold(&self.repo, &bench, commit, setting)?;
        let before = self.protected.stamps(&bench);
        let out = self.places.out(number, CHECKS);
        std::fs::create_dir_all(&out).map_err(EngineError::io("create", &out))?;
        let order = Order { number, trial: CHECKS, seed: self.config.run.seed, commit };
        let limit = self.config.checks.timeout;
        let mut job = self.job(&order, &bench, &out);
        job.command = self.config.checks.command.clone().unwrap_or_default();
        job.deadline_seconds = limit.as_secs_f64();
        job.confinement =
            self.walls.trial(&bench, git_of(&bench), &out, self.protected.walls(&bench));
        wrap::enclose(&self.config, &self.places, &self.session, &order, &mut job)?;
        let report = wait(self.executor, &job, stop, None, tick)?;
        // Only succeeds when they left nothing there.
        let _ = std::fs::remove_dir(&out);
        let Some(report) = report else { return Ok(Check::Lost) };
        let tampering = self.tampering(&report, &before, commit)?;
        self.place.release(&self.config.links);
        Ok(outcome(&report, limit, tampering))
    }
}

/// What a report says of the checks.
fn outcome(report: &Report, limit: Duration, tampering: Option<String>) -> Check {
    match (&report.exit, tampering) {
        (Exit::Interrupted, _) => Check::Interrupted,
        (Exit::Lost, _) => Check::Lost,
        (_, Some(what)) => Check::Failed(what),
        (Exit::Deadline, None) => Check::Failed(format!(
            "still running after {}; raise `checks.timeout` if they need longer",
            human_duration(limit)
        )),
        (_, None) => crash_of(report, &SUCCESS, OnBudget::Crash)
            .map_or(Check::Passed, |crash| Check::Failed(crash.reason)),
    }
}
