//! Running a candidate: its trials, its verdict, and settling it.

use std::sync::Arc;

use autoresearch_core::experiment::{Experiment, Rerun, Verdict};
use autoresearch_core::judge::Ruling;
use autoresearch_core::session::{Event, Purpose};
use autoresearch_core::trial::Trial;
use autoresearch_propose::Past;
use autoresearch_report::{Point, Stage, noise_words};

use super::aside::Aside;
use super::{Conductor, Office, activity, read_targets};
use crate::bench::Order;
use crate::error::EngineError;
use crate::news::News;
use crate::watching::Watcher;
use crate::{clock, history};

/// Experiments between two progress reports (SPEC F1).
const REPORT_EVERY: u64 = 10;

impl Conductor<'_> {
    pub(super) fn run_trial(
        &mut self,
        number: u64,
        trial: u64,
        seed: u64,
    ) -> Result<(), EngineError> {
        if let Some(suspicion) = self.office.state.suspicion() {
            self.office.observer.tell(&News::Note(format!(
                "#{number} is suspect: {suspicion}; it runs again with another seed"
            )));
        }
        let purpose = Purpose::Candidate;
        self.office.intend(Event::Started { number, trial, seed, purpose })?;
        let Some(commit) = self.office.state.current().and_then(|e| e.commit.clone()) else {
            return Ok(());
        };
        let hypothesis = self.office.state.current().map(|e| e.hypothesis.clone());
        let order = Order { number, trial, seed, commit: &commit };
        let outcome = self.carry_out(&order, Stage::Running, hypothesis)?;
        self.office.observer.tell(&News::Ended { number, trial: &outcome });
        let is_interrupted = outcome.is_interrupted();
        self.office.note(Event::Ended { number, trial: Box::new(outcome), purpose });
        if is_interrupted { self.office.flush() } else { Ok(()) }
    }

    /// Runs a trial of a settled experiment, and says whether it was measured.
    /// Its outcome is on disk at once, since it is archived with what was settled
    /// long ago.
    pub(crate) fn run_again(
        &mut self,
        order: &Order<'_>,
        purpose: Purpose,
    ) -> Result<bool, EngineError> {
        let Order { number, trial, seed, .. } = *order;
        self.office.intend(Event::Started { number, trial, seed, purpose })?;
        let mut experiment =
            self.office.journal.experiment(number)?.ok_or(EngineError::NoExperiment(number))?;
        let hypothesis = Some(experiment.hypothesis.clone());
        let outcome = self.carry_out(order, Stage::Again(purpose), hypothesis)?;
        self.office.observer.tell(&News::Again { number, purpose, trial: &outcome });
        experiment.reruns.push(Rerun { number: trial, purpose, trial: outcome.clone() });
        self.office.settled = Some(experiment);
        let is_measured = outcome.metric.is_some();
        self.office.intend(Event::Ended { number, trial: Box::new(outcome), purpose })?;
        Ok(is_measured)
    }

    /// Runs a trial that is on disk as an intent, and tells how it goes.
    fn carry_out(
        &mut self,
        order: &Order<'_>,
        stage: Stage,
        hypothesis: Option<String>,
    ) -> Result<Trial, EngineError> {
        let number = order.number;
        let limit = self.office.config.budget.wall() + self.office.config.run.allowance;
        let mut activity = activity(number, stage, limit, hypothesis);
        // Of a quota nobody knows how long it takes.
        activity.limit = activity.limit.filter(|_| self.office.config.budget.quota().is_none());
        // What is run again is there to be finished.
        let watch = (stage == Stage::Running).then(|| self.office.state.watch()).flatten();
        let Conductor { bench, office, .. } = self;
        let stop = office.stop.clone();
        let mut aside = Aside::new(office, activity);
        let mut outcome = bench.run(order, &stop, watch.map(Watcher::new), &mut || aside.tick())?;
        aside.end()?;
        let office = &mut self.office;
        if stage == Stage::Running {
            outcome.unlike = office.unlike_the_incumbents(&outcome);
        }
        // Once an experiment is enough.
        let mut before = office.state.current().into_iter().flat_map(|current| &current.trials);
        let is_news = before.all(|trial| trial.unlike.is_none());
        if let Some(unlike) = outcome.unlike.as_ref().filter(|_| is_news) {
            office.observer.tell(&News::Note(format!(
                "#{number} ran on a machine unlike the incumbent's: {unlike}; that alone may explain a difference"
            )));
        }
        if let Some(what) = outcome.seal.as_ref().and_then(|s| s.environment_changed.as_ref()) {
            office.observer.tell(&News::Note(format!(
                "the environment changed at experiment {number}: {what}; results before and after do not compare"
            )));
        }
        Ok(outcome)
    }
}

impl Office<'_> {
    /// In what the machine was unlike what it was for the incumbent.
    fn unlike_the_incumbents(&self, trial: &Trial) -> Option<String> {
        let incumbent = self.state.incumbent()?;
        trial.metric?;
        trial.conditions.as_ref()?.unlike(&incumbent.conditions)
    }

    /// A keep is on disk before the branch moves; nothing happens before any
    /// other verdict is settled, and then both are.
    pub(super) fn judge(&mut self, number: u64, ruling: Ruling) -> Result<(), EngineError> {
        let moves = ruling.verdict == Verdict::Keep
            || self.state.plan().is_some_and(|plan| !plan.revert_on_failure);
        let judged = Event::Judged { number, ruling };
        if moves {
            return self.intend(judged);
        }
        self.note(judged);
        Ok(())
    }

    pub(super) fn settle(&mut self, number: u64) -> Result<(), EngineError> {
        let Some(mut experiment) = self.state.current().cloned() else { return Ok(()) };
        let before = self.state.tip().cloned();
        experiment.settled_at = Some(clock::now());
        // Settling in memory says where the branch belongs; it moves before
        // the event is on disk, and moves again to the same place on resume.
        self.note(Event::Settled { number });
        experiment.noise = self.state.noise();
        experiment.proposers = self.state.portfolio().worth_telling();
        self.settled = Some(experiment.clone());
        if self.state.tip() != before.as_ref()
            && let Some(tip) = self.state.tip().cloned()
        {
            self.repo.ensure_ref(&self.places.branch_ref(), &tip, before.as_ref())?;
            self.writers.refresh();
            self.targets = Arc::new(match self.candidate.take() {
                Some(targets) if !experiment.is_baseline() => targets,
                _ => read_targets(&self.repo, &tip, &self.config.target)?,
            });
        }
        self.flush()?;
        let row = history::row(&experiment, self.config.metric.direction);
        self.tsv
            .append(&self.config.metric.name, &row)
            .map_err(EngineError::io("append to", self.tsv.path()))?;
        let point = self.remember(&experiment);
        self.observer.tell(&News::Settled { experiment: &experiment, point: &point });
        if let Some(noise) = experiment.noise.filter(|_| experiment.is_baseline()) {
            self.observer.tell(&News::Note(format!("noise: {}", noise_words(&noise))));
        }
        let baseline = experiment.metric().filter(|_| experiment.is_baseline());
        let rules = self.state.plan().into_iter().flat_map(|plan| &plan.stop_when);
        for rule in rules.filter(|rule| baseline.is_some_and(|value| rule.never_holds(value))) {
            self.observer.tell(&News::Note(format!(
                "the stop rule `{rule}` never holds: the baseline is 0, and so is any share of it; ask for an amount, as `improvement >= 0.05`, or for a value of {}",
                self.config.metric.name
            )));
        }
        let total = self.state.counts().total();
        if !experiment.is_baseline() && total.is_multiple_of(REPORT_EVERY) {
            self.observer.tell(&News::Progress(&self.progress));
        }
        Ok(())
    }

    /// Takes a settled experiment into what briefs and reports tell.
    fn remember(&mut self, experiment: &Experiment) -> Point {
        let point = history::point_of(experiment, self.state.opened_at());
        self.progress.record(&point);
        self.progress.noise = experiment.noise;
        self.progress.proposers.clone_from(&experiment.proposers);
        experiment.trusts.into_iter().for_each(|number| self.progress.trust(number));
        self.memory.add(Past::of(experiment));
        self.memory.look_up(&self.repo);
        point
    }
}
